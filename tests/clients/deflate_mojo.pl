# deflate_mojo.pl [URL EXTENSIONS]...: sends compressed messages to the echo servers at these URLs. Each server must
# negotiate exactly these extensions. deflate_mojo.pl --check: checks that Mojolicious is installed.

use Mojo::Base -strict, -signatures;
use Mojo::IOLoop;
use Mojo::UserAgent;

exit if $ARGV[0] eq '--check';

my $items = join '', map { my $name = $_ * 7919; qq({"id": $_, "name": "item \x{2603} $name"},) } 0 .. 3999;
my @messages = ((map { substr $items, $_, 1024 } 0 .. 9), substr($items, 0, 102_400), substr($items, 0, 1024));

sub converse ($url, $agreed) {
  my $ua = Mojo::UserAgent->new(max_connections => 0);
  my ($position, $end) = (0, 'nothing');
  $ua->websocket(
    $url => {'Sec-WebSocket-Extensions' => 'permessage-deflate'} => sub ($ua, $tx) {
      return Mojo::IOLoop->stop unless $tx->is_websocket;
      my $extensions = $tx->handshake->res->headers->sec_websocket_extensions // '';
      $end = "agreed on '$extensions'";
      return $tx->finish if $extensions ne $agreed || !$tx->compressed;
      $tx->max_websocket_size(1 << 20);
      $tx->on(finish => sub ($tx, $code, $reason) {
        $end = "$position messages, $code " . ($reason // '');
        Mojo::IOLoop->stop;
      });
      $tx->on(message => sub ($tx, $message) {
        return $tx->finish(4000, 'another message') if $message ne $messages[$position];
        return $tx->finish(1000, 'done') if ++$position == @messages;
        $tx->send($messages[$position]);
      });
      $tx->send($messages[0]);
    }
  );
  my $timer = Mojo::IOLoop->timer(30 => sub { Mojo::IOLoop->stop });
  Mojo::IOLoop->start;
  Mojo::IOLoop->remove($timer);
  die "$url: $end\n" if $end ne @messages . ' messages, 1000 done';
}

while (my ($url, $agreed) = splice @ARGV, 0, 2) {
  converse($url, $agreed);
}
