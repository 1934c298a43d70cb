//! A user in the room that behaves as the page does: it reconnects, and repeats unconfirmed
//! messages.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::process::soon;

pub(crate) struct Client {
    name: String,
    addr: SocketAddr,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The process that answered.
    pub(crate) served_by: String,
    /// The received texts, in order, each once.
    pub(crate) heard: Vec<String>,
    pub(crate) people: BTreeSet<String>,
    seen: BTreeSet<String>,
    pub(crate) reconnects: usize,
    said: usize,
}

impl Client {
    pub(crate) async fn enter(addr: SocketAddr, name: &str) -> Self {
        let (socket, served_by) = open(addr, name, name).await.unwrap();
        let mut client = Self {
            name: name.to_owned(),
            addr,
            socket,
            served_by,
            heard: Vec::new(),
            people: BTreeSet::new(),
            seen: BTreeSet::new(),
            reconnects: 0,
            said: 0,
        };
        client.until(|client| !client.people.is_empty()).await;
        client
    }

    /// Returns the status with which a user is rejected.
    pub(crate) async fn refused(addr: SocketAddr, name: &str, key: &str) -> u16 {
        match open(addr, name, key).await.map_err(|error| *error) {
            Err(Error::Http(response)) => response.status().as_u16(),
            other => panic!("not rejected, but {other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.said += 1;
        let id = format!("{}-{}", self.name, self.said);
        let say = json!({"type": "say", "id": id, "text": text});
        self.socket.send(Message::text(say.to_string())).await.unwrap();
    }

    /// Receives until `is_so` returns true. Reconnects if the connection is lost.
    pub(crate) async fn until(&mut self, is_so: impl Fn(&Self) -> bool) {
        let wait = async {
            while !is_so(self) {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => self.hear(&serde_json::from_str(&text).unwrap()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => self.come_back().await,
                }
            }
        };
        if timeout(Duration::from_secs(30), wait).await.is_err() {
            panic!("{} timed out: {:?} {:?}", self.name, self.people, self.heard);
        }
    }

    pub(crate) async fn hears(&mut self, texts: &[String]) {
        self.until(|client| texts.iter().all(|text| client.heard.contains(text))).await;
    }

    /// Skips events, and returns the code with which the connection is closed.
    pub(crate) async fn closed(&mut self) -> u16 {
        soon(async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                    Some(Ok(Message::Text(text))) => self.hear(&serde_json::from_str(&text).unwrap()),
                    Some(Ok(_)) => {}
                    other => panic!("not a Close, but {other:?}"),
                }
            }
        })
        .await
    }

    async fn come_back(&mut self) {
        self.reconnects += 1;
        loop {
            match open(self.addr, &self.name, &self.name).await {
                Ok((socket, served_by)) => {
                    (self.socket, self.served_by) = (socket, served_by);
                    return;
                }
                // The page retries too: nothing notifies it when a server is back.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn hear(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match event["type"].as_str().unwrap() {
            "welcome" => {
                self.people = event["people"].as_array().unwrap().iter().map(text).collect();
                event["history"].as_array().unwrap().iter().for_each(|said| self.hear_said(said));
            }
            "said" => self.hear_said(event),
            "joined" => drop(self.people.insert(text(&event["name"]))),
            "left" => drop(self.people.remove(event["name"].as_str().unwrap())),
            other => panic!("{other}"),
        }
    }

    fn hear_said(&mut self, said: &Value) {
        if self.seen.insert(said["id"].as_str().unwrap().to_owned()) {
            self.heard.push(said["text"].as_str().unwrap().to_owned());
        }
    }
}

async fn open(
    addr: SocketAddr,
    name: &str,
    key: &str,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, String), Box<Error>> {
    let mut request = format!("ws://{addr}/lobby/ws?name={name}&key={key}").into_client_request()?;
    // The origin of a page that the server or the proxy served.
    request.headers_mut().insert("origin", format!("http://{addr}").parse().unwrap());
    let (socket, response) = connect_async(request).await?;
    Ok((socket, response.headers()["x-served-by"].to_str().unwrap().to_owned()))
}
