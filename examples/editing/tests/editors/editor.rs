//! A client that builds its own bytes, over TCP.

use std::{net::SocketAddr, time::Duration};

use raw_client::{FIN, frame, opcode, opening, read_frame, whole};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use yrs::{
    ClientID, Map, StateVector, Transact,
    sync::{Awareness, DefaultProtocol, Message, Protocol, SyncMessage},
    updates::{decoder::Decode, encoder::Encode},
};

pub(crate) struct Editor {
    io: TcpStream,
    awareness: Awareness,
    /// The number of received message bytes.
    pub(crate) received: usize,
}

impl Editor {
    /// Opens `/notes`, sends its name, and receives the document.
    pub(crate) async fn open(addr: SocketAddr, name: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // By default, the system buffers megabytes for a program that does not read.
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut io = socket.connect(addr).await.unwrap();
        opening::open(&mut io, "/notes", "").await.unwrap();
        let mut awareness = Awareness::default();
        awareness.set_local_state(name).unwrap();
        let mut editor = Self { io, awareness, received: 0 };
        editor.send(&Message::Sync(SyncMessage::SyncStep1(StateVector::default())).encode_v1()).await;
        editor.send(&Message::Awareness(editor.awareness.update().unwrap()).encode_v1()).await;
        while !matches!(editor.receive().await, Ok(Message::Sync(SyncMessage::SyncStep2(_)))) {}
        editor
    }

    pub(crate) fn id(&self) -> ClientID {
        self.awareness.client_id()
    }

    /// Returns whether the client with this id has a name here.
    pub(crate) fn sees(&self, id: ClientID) -> bool {
        self.awareness.state::<String>(id).is_some()
    }

    /// Replaces the value, and waits until the server sends it to all editors.
    pub(crate) async fn write(&mut self, value: &str) {
        let update = {
            let doc = self.awareness.doc();
            let map = doc.get_or_insert_map("notes");
            let mut transaction = doc.transact_mut();
            map.insert(&mut transaction, "text", value);
            transaction.encode_update_v1()
        };
        let message = Message::Sync(SyncMessage::Update(update));
        self.send(&message.encode_v1()).await;
        while self.receive().await.unwrap() != message {}
    }

    /// Receives until the document has this value.
    pub(crate) async fn reads(&mut self, value: &str) {
        while self.value().as_deref() != Some(value) {
            self.receive().await.unwrap();
        }
    }

    fn value(&self) -> Option<String> {
        let doc = self.awareness.doc();
        let map = doc.get_or_insert_map("notes");
        map.get_as(&doc.transact(), "text").unwrap()
    }

    /// Receives the next message and applies it. Returns the code of a Close as `Err`.
    pub(crate) async fn receive(&mut self) -> Result<Message, u16> {
        let next = timeout(Duration::from_secs(60), self.next());
        let bytes = next.await.expect("nothing comes")?;
        let message = Message::decode_v1(&bytes).unwrap();
        if let Some(answer) = DefaultProtocol.handle_message(&mut self.awareness, message.clone()).unwrap() {
            self.send(&answer.encode_v1()).await;
        }
        Ok(message)
    }

    /// Returns the bytes of the next message.
    async fn next(&mut self) -> Result<Vec<u8>, u16> {
        let mut message = Vec::new();
        loop {
            let (first, payload) = read_frame(&mut self.io).await.expect("a Close comes first");
            match first & !FIN {
                opcode::CLOSE => return Err(u16::from_be_bytes([payload[0], payload[1]])),
                opcode::PING => self.io.write_all(&frame(whole::PONG, &payload)).await.unwrap(),
                _ => {
                    self.received += payload.len();
                    message.extend(payload);
                    if first & FIN != 0 {
                        return Ok(message);
                    }
                }
            }
        }
    }

    /// Sends a binary message.
    pub(crate) async fn send(&mut self, message: &[u8]) {
        self.io.write_all(&frame(whole::BINARY, message)).await.unwrap();
    }
}
