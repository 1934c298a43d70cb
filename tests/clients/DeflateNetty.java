// DeflateNetty.java [URL EXTENSIONS]...: sends compressed messages to the echo servers at these URLs. Each server must
// negotiate exactly these extensions. DeflateNetty.java --check: checks that Netty is installed.

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshakerFactory;
import io.netty.handler.codec.http.websocketx.WebSocketFrameAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import io.netty.handler.codec.http.websocketx.extensions.compression.WebSocketClientCompressionHandler;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

public class DeflateNetty {
    static final List<String> MESSAGES = messages();

    static List<String> messages() {
        StringBuilder items = new StringBuilder();
        for (int i = 0; i < 4000; i++) {
            items.append("{\"id\": " + i + ", \"name\": \"item \u2603 " + i * 7919 + "\"},");
        }
        List<String> messages = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            messages.add(items.substring(i, i + 1024));
        }
        messages.add(items.substring(0, 102_400));
        messages.add(items.substring(0, 1024));
        return messages;
    }

    /** Opens a socket, sends each message after the echo of the one before, and closes. */
    static class Conversation extends SimpleChannelInboundHandler<Object> {
        final CompletableFuture<String> end = new CompletableFuture<>();
        final WebSocketClientHandshaker handshaker;
        final String agreed;
        int position = 0;

        Conversation(URI uri, String agreed) {
            this.handshaker = WebSocketClientHandshakerFactory.newHandshaker(
                uri, WebSocketVersion.V13, null, true, new DefaultHttpHeaders(), 1 << 20);
            this.agreed = agreed;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            handshaker.handshake(context.channel());
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, Object received) {
            Channel channel = context.channel();
            if (received instanceof FullHttpResponse response) {
                String extensions = response.headers().get("sec-websocket-extensions", "");
                if (!extensions.equals(agreed)) {
                    throw new IllegalStateException("agreed on '" + extensions + "'");
                }
                handshaker.finishHandshake(channel, response);
                send(channel);
            } else if (received instanceof TextWebSocketFrame text) {
                if (!text.text().equals(MESSAGES.get(position))) {
                    throw new IllegalStateException("another message than the one at " + position);
                }
                position++;
                if (position < MESSAGES.size()) {
                    send(channel);
                } else {
                    channel.writeAndFlush(new CloseWebSocketFrame(1000, "done"));
                }
            } else if (received instanceof CloseWebSocketFrame close) {
                end.complete(position + " messages, " + close.statusCode() + " " + close.reasonText());
                channel.close();
            }
        }

        void send(Channel channel) {
            channel.writeAndFlush(new TextWebSocketFrame(MESSAGES.get(position))).addListener(sent -> {
                if (!sent.isSuccess()) {
                    end.completeExceptionally(sent.cause());
                }
            });
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            end.complete(position + " messages, and no Close");
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            end.completeExceptionally(cause);
            context.close();
        }
    }

    static void converse(NioEventLoopGroup group, URI uri, String agreed) throws Exception {
        Conversation conversation = new Conversation(uri, agreed);
        Bootstrap bootstrap = new Bootstrap().group(group).channel(NioSocketChannel.class);
        bootstrap.handler(new ChannelInitializer<SocketChannel>() {
            @Override
            protected void initChannel(SocketChannel channel) {
                ChannelPipeline pipeline = channel.pipeline();
                pipeline.addLast(new HttpClientCodec(), new HttpObjectAggregator(8192));
                pipeline.addLast(WebSocketClientCompressionHandler.INSTANCE);
                pipeline.addLast(new WebSocketFrameAggregator(1 << 20), conversation);
            }
        });
        bootstrap.connect(uri.getHost(), uri.getPort()).sync();
        String end = conversation.end.get(30, TimeUnit.SECONDS);
        if (!end.equals(MESSAGES.size() + " messages, 1000 done")) {
            throw new IllegalStateException(uri + ": " + end);
        }
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("--check")) {
            return;
        }
        NioEventLoopGroup group = new NioEventLoopGroup(1);
        try {
            for (int i = 0; i < arguments.length; i += 2) {
                converse(group, URI.create(arguments[i]), arguments[i + 1]);
            }
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).await();
        }
    }
}
