//! However reads split a stream, its messages are the same.

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use raw_client::{
    FIN, RSV1,
    deflate::{Deflater, Inflater, NO_TAKEOVER, TAKEOVER},
    frame,
    opcode::{BINARY, CLOSE, CONTINUE, PING, TEXT},
};
use tokio::{io::AsyncWriteExt, runtime};
use tower_websocket::Message;

use crate::peer::{Peer, Socket, config, noise, open, text};

/// A message as the client sends it.
#[derive(Clone, Debug)]
struct Sent {
    is_text: bool,
    /// The lengths of its repetitive and of its random part.
    text: usize,
    noise: usize,
    is_compressed: bool,
    ends_stream: bool,
    /// Where its payload is split into frames, in thousandths, and whether a ping follows there.
    cuts: Vec<(usize, bool)>,
}

impl Sent {
    fn payload(&self) -> Vec<u8> {
        let noise = if self.is_text { vec![b'x'; self.noise] } else { noise(self.noise) };
        [text(self.text).into_bytes(), noise].concat()
    }

    fn message(&self) -> Message {
        match self.is_text {
            true => Message::text(String::from_utf8(self.payload()).unwrap()),
            false => Message::binary(self.payload()),
        }
    }

    fn frames(&self, deflater: &mut Deflater) -> Vec<u8> {
        let payload = self.payload();
        let payload = match (self.is_compressed, self.ends_stream) {
            (false, _) => payload,
            (true, false) => deflater.message(&payload),
            (true, true) => deflater.last(&payload),
        };
        let mut first = if self.is_text { TEXT } else { BINARY };
        if self.is_compressed {
            first |= RSV1;
        }
        let mut cuts: Vec<_> =
            self.cuts.iter().map(|(at, ping)| (payload.len() * at / 1000, *ping)).collect();
        cuts.sort();
        let (mut frames, mut start) = (Vec::new(), 0);
        for (cut, ping) in cuts {
            frames.extend(frame(first, &payload[start..cut]));
            if ping {
                frames.extend(frame(FIN | PING, b"ping"));
            }
            (first, start) = (CONTINUE, cut);
        }
        frames.extend(frame(FIN | first, &payload[start..]));
        frames
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let size = || prop_oneof![Just(0), 1..200_usize, 200..20_000_usize, Just(16_384)];
    let cuts = vec((0..=1000_usize, any::<bool>()), 0..4);
    (any::<bool>(), size(), size(), prop::bool::weighted(0.7), prop::bool::weighted(0.2), cuts).prop_map(
        |(is_text, text, noise, is_compressed, ends_stream, cuts)| Sent {
            is_text,
            text,
            noise,
            is_compressed,
            ends_stream,
            cuts,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7692),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_split_of_any_messages_gives_the_same_messages(
        messages in vec(sent(), 0..6),
        takeover: bool,
        is_driven: bool,
        reads in vec(prop_oneof![1..20_usize, 20..5000_usize, 5000..70_000_usize], 1..50),
    ) {
        let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (mut peer, socket) = open(config(), &[if takeover { TAKEOVER } else { NO_TAKEOVER }]).await;
            let (mut deflater, mut inflater) = (Deflater::new(takeover), Inflater::new(takeover, 15));
            let mut stream: Vec<u8> = messages.iter().flat_map(|sent| sent.frames(&mut deflater)).collect();
            let close = frame(FIN | CLOSE, &1000_u16.to_be_bytes());
            if is_driven {
                stream.extend(&close);
            }
            let expected: Vec<_> = messages.iter().map(Sent::message).collect();
            let mut echoes = Vec::new();
            let write = async {
                let (mut rest, mut sizes) = (&stream[..], reads.iter().cycle());
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                    peer.io.write_all(now).await.unwrap();
                    // The server reads the available data before more arrives.
                    tokio::task::yield_now().await;
                    rest = later;
                }
                if !is_driven {
                    // A sending socket sees a Close at once, and this Close must not overtake the
                    // echoes.
                    echoed(&mut peer, &mut inflater, &mut echoes, expected.len()).await;
                    peer.io.write_all(&close).await.unwrap();
                }
            };
            let handler = async |mut socket: Socket| {
                let mut received = Vec::new();
                while let Some(message) = socket.recv().await {
                    let message = message.unwrap();
                    if message.is_text() || message.is_binary() {
                        socket.send(message.clone()).await.unwrap();
                        received.push(message);
                    }
                }
                received
            };
            let echo = async {
                if is_driven { socket.drive(handler).await.unwrap() } else { handler(socket).await }
            };
            let ((), received) = tokio::join!(write, echo);
            assert!(received == expected);
            echoed(&mut peer, &mut inflater, &mut echoes, usize::MAX).await;
            assert!(echoes == expected);
        });
    }
}

/// Receives the server's messages, up to `most` of them.
async fn echoed(peer: &mut Peer, inflater: &mut Inflater, messages: &mut Vec<Message>, most: usize) {
    let mut open = None;
    while messages.len() < most {
        let Some((first, payload)) = peer.recv().await else { break };
        if first & 8 > 0 {
            continue;
        }
        let (kind, mut message) = open.take().unwrap_or((first, Vec::new()));
        message.extend(payload);
        if first & FIN == 0 {
            open = Some((kind, message));
            continue;
        }
        let message = if kind & RSV1 > 0 { inflater.message(&message) } else { message };
        messages.push(match kind & 15 {
            TEXT => Message::text(String::from_utf8(message).unwrap()),
            _ => Message::binary(message),
        });
    }
    assert!(open.is_none());
}
