//! A client that makes and reads frames by itself, at a rate.

use std::{
    io,
    pin::pin,
    time::{Duration, Instant},
};

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
    time::{sleep, sleep_until},
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

    /// The code of a Close; 1005 where there is none.
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
    /// Bytes each second, from when on, and how many were taken since.
    rate: Option<(f64, Instant, u64)>,
}

/// What a client has seen from some point to the end.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) pings: usize,
    /// The code of the server's Close.
    pub(crate) close: Option<u16>,
    /// How the stream ended, if not with its end.
    pub(crate) error: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) took: Duration,
}

impl Transcript {
    /// One line for a table.
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

    /// Whether the client has got exactly this and a clean end.
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

    /// The client of a connection that is open already.
    pub(crate) fn of(io: impl Stream) -> Self {
        Self { io: Box::new(io), head: String::new(), unread: BytesMut::new(), rate: None }
    }

    /// Has the client read so many bytes a second from now on, without a pause.
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

    /// The next frame; `None` at the end of the stream.
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

    /// The next frame, which must come.
    pub(crate) async fn next(&mut self) -> Frame {
        self.frame().await.expect("the stream works").expect("a frame comes before the end of the stream")
    }

    /// The next frame, which must be a Close. Returns its code.
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
                    // Whether this can be sent any more is told by what is read.
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

    /// Reads bytes, no more than the rate allows. Cancel safe.
    async fn fill(&mut self) -> io::Result<usize> {
        let mut most = 64 << 10;
        if let Some((rate, start, taken)) = self.rate {
            // A hundredth of a second's worth at a time.
            let chunk = (rate / 100.0).max(1.0);
            let at = start + Duration::from_secs_f64((taken as f64 + chunk) / rate);
            sleep_until(at.into()).await;
            most = ((start.elapsed().as_secs_f64() * rate) as u64 - taken).max(1) as usize;
        }
        let mut bytes = vec![0; most];
        let n = self.io.read(&mut bytes).await?;
        self.unread.extend_from_slice(&bytes[..n]);
        if let Some((rate, start, taken)) = &mut self.rate {
            *taken += n as u64;
            // What could have been read while there was nothing is not made up for.
            let earned = start.elapsed().as_secs_f64() * *rate;
            if earned > *taken as f64 + *rate / 10.0 {
                (*start, *taken) = (Instant::now(), 0);
            }
        }
        Ok(n)
    }
}
