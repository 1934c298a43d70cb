//! A client that builds and parses frames itself, and reads at a given rate.

use std::{io, pin::pin, time::Duration};

use bytes::BytesMut;
use raw_client::{
    FIN, RSV1,
    deflate::Inflater,
    frame,
    opcode::{CLOSE, PING, PONG},
    opening, take_frame,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep, sleep_until},
};

/// A stream of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for IO {}

/// A frame of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    /// Returns the code of a Close, or 1005 if it has none.
    pub(crate) fn code(&self) -> u16 {
        assert_eq!(self.opcode(), CLOSE, "{self:?} is not a Close");
        self.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
    }
}

/// The client's end of a connection, after its opening handshake.
pub(crate) struct Peer {
    io: Box<dyn Stream>,
    /// The head of the response.
    pub(crate) head: String,
    unread: BytesMut,
    /// The rate in bytes per second, its start, and the bytes read since then.
    rate: Option<(f64, Instant, u64)>,
}

/// Everything that a client has received from some point to the end.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) pings: usize,
    /// The code of the server's Close.
    pub(crate) close: Option<u16>,
    /// The read error, if the stream did not end properly.
    pub(crate) error: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) took: Duration,
}

impl Transcript {
    /// Returns one line for a table.
    pub(crate) fn line(&self) -> String {
        let seconds = self.took.as_secs_f64();
        format!(
            "{} messages, {} bytes in {seconds:.2} s ({:.0} KB/s), {} pings, Close {:?}, {}",
            self.messages.len(),
            self.bytes,
            self.bytes as f64 / seconds / 1000.0,
            self.pings,
            self.close,
            self.error.as_deref().unwrap_or("end of stream"),
        )
    }

    /// Checks that the client has received exactly these messages and a clean end.
    pub(crate) fn check(&self, messages: &[Vec<u8>], close: u16) -> Result<(), String> {
        let is_whole = self.messages == messages;
        if is_whole && self.close == Some(close) && self.error.is_none() {
            return Ok(());
        }
        Err(format!(
            "expected {} messages and Close {close}, got {}{}",
            messages.len(),
            self.line(),
            if is_whole { "" } else { "; the messages differ" }
        ))
    }
}

impl Peer {
    /// Does the opening handshake over HTTP/1.1.
    pub(crate) async fn open(mut io: impl Stream, extensions: Option<&str>) -> io::Result<Self> {
        let offer = extensions.map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n"));
        let head = opening::open(&mut io, "/", &offer.unwrap_or_default()).await?;
        Ok(Self { head, ..Self::of(io) })
    }

    /// Returns the client of an open connection.
    pub(crate) fn of(io: impl Stream) -> Self {
        Self { io: Box::new(io), head: String::new(), unread: BytesMut::new(), rate: None }
    }

    /// Limits reading to this many bytes per second from now on, without pauses.
    pub(crate) fn set_rate(&mut self, bytes: usize) {
        self.rate = Some((bytes as f64, Instant::now(), 0));
    }

    pub(crate) async fn send(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        self.send_raw(&frame(first, payload.as_ref())).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.try_send_raw(bytes).await.expect("the server takes what the client sends");
    }

    pub(crate) async fn try_send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes).await?;
        self.io.flush().await
    }

    pub(crate) async fn close(&mut self, code: u16) {
        self.send(FIN | CLOSE, code.to_be_bytes()).await;
    }

    /// Ends the client's own side of the stream.
    pub(crate) async fn half_close(&mut self) {
        self.io.shutdown().await.expect("the stream can be shut down");
    }

    /// Returns the next frame, or `None` at the end of the stream.
    pub(crate) async fn frame(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some((first, payload)) = take_frame(&mut self.unread) {
                return Ok(Some(Frame { first, payload }));
            }
            if self.fill().await? == 0 {
                return if self.unread.is_empty() {
                    Ok(None)
                } else {
                    Err(io::Error::other(format!(
                        "the end inside a frame, {} bytes of it",
                        self.unread.len()
                    )))
                };
            }
        }
    }

    /// Returns the next frame, which must arrive.
    pub(crate) async fn next(&mut self) -> Frame {
        self.frame().await.expect("the stream works").expect("a frame comes before the end of the stream")
    }

    /// Returns the code of the next frame, which must be a Close.
    pub(crate) async fn next_close(&mut self) -> u16 {
        self.next().await.code()
    }

    /// Reads to the end, answers pings and the Close at once, and sends a ping of its own at
    /// `ping`.
    pub(crate) async fn all(&mut self, ping: Option<Duration>) -> Transcript {
        let start = Instant::now();
        let mut ping = pin!(async {
            match ping {
                Some(at) => sleep(at).await,
                None => std::future::pending().await,
            }
        });
        let mut has_pinged = false;
        let mut seen = Transcript::default();
        let mut message: Option<(bool, Vec<u8>)> = None;
        loop {
            let frame = tokio::select! {
                frame = self.frame() => frame,
                () = &mut ping, if !has_pinged => {
                    has_pinged = true;
                    // Reading reports whether the connection is still writable.
                    let _ = self.try_send_raw(&frame(FIN | PING, b"")).await;
                    continue;
                }
            };
            let frame = match frame {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    seen.error = Some(error.to_string());
                    break;
                }
            };
            seen.bytes += frame.payload.len();
            seen.took = start.elapsed();
            match frame.opcode() {
                PING => {
                    seen.pings += 1;
                    let _ = self.try_send_raw(&raw_client::frame(FIN | PONG, &frame.payload)).await;
                }
                PONG => {}
                CLOSE => {
                    seen.close = Some(frame.code());
                    let _ = self.try_send_raw(&raw_client::frame(FIN | CLOSE, &frame.payload)).await;
                }
                _ => {
                    let (_, so_far) = message.get_or_insert_with(|| (frame.first & RSV1 != 0, Vec::new()));
                    so_far.extend(&frame.payload);
                    if frame.first & FIN != 0 {
                        let (is_compressed, payload) = message.take().expect("there is a message");
                        seen.messages.push(if is_compressed {
                            Inflater::new(false, 15).message(&payload)
                        } else {
                            payload
                        });
                    }
                }
            }
        }
        seen
    }

    /// Reads bytes, at most at the rate. Cancel safe.
    async fn fill(&mut self) -> io::Result<usize> {
        let mut most = 64 << 10;
        if let Some((rate, start, taken)) = self.rate {
            // At most the bytes of 10 ms at a time.
            let chunk = (rate / 100.0).max(1.0);
            let at = start + Duration::from_secs_f64((taken as f64 + chunk) / rate);
            sleep_until(at).await;
            most = ((start.elapsed().as_secs_f64() * rate) as u64 - taken).max(1) as usize;
        }
        let mut bytes = vec![0; most];
        let n = self.io.read(&mut bytes).await?;
        self.unread.extend_from_slice(&bytes[..n]);
        if let Some((rate, start, taken)) = &mut self.rate {
            *taken += n as u64;
            // Time in which there was nothing to read does not count towards the rate.
            let earned = start.elapsed().as_secs_f64() * *rate;
            if earned > *taken as f64 + *rate / 10.0 {
                (*start, *taken) = (Instant::now(), 0);
            }
        }
        Ok(n)
    }
}
