//! A pretend carrier of text messages: a server that takes what is signed with its key, or does not take anything.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use cuehouse::clock::Timestamp;
use cuehouse::stripe;
use serde_json::Value;
use tokio::io::{AsyncWriteExt, BufReader};

use super::provider::{Asked, heard};

/// The key it knows the shop by.
pub const KEY: &str = "key-of-the-shop";

#[derive(Clone)]
pub struct Carrier {
    asked: Arc<Mutex<Vec<Asked>>>,
    taken: Arc<Mutex<Vec<Value>>>,
    status: Arc<AtomicU16>,
    pub url: String,
}

impl Carrier {
    pub async fn start() -> Carrier {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let carrier = Carrier {
            asked: Arc::default(),
            taken: Arc::default(),
            status: Arc::new(AtomicU16::new(202)),
            url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let one = carrier.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let one = one.clone();
                tokio::spawn(async move { one.answer(socket).await });
            }
        });
        carrier
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Every request, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The words of what it took for this number, in order; a message of an id that it had is not sent again.
    pub fn texts_to(&self, number: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let of_number = taken.iter().filter(|message| message["to"] == number);
        of_number.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }

    async fn answer(&self, socket: tokio::net::TcpStream) -> std::io::Result<()> {
        let (read, mut write) = socket.into_split();
        let mut lines = BufReader::new(read);
        let Some(asked) = heard(&mut lines).await? else { return Ok(()) };
        self.asked.lock().unwrap().push(asked.clone());
        let signature = asked.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("cuehouse-signature").then(|| value.trim().to_owned())
        });
        let is_ours =
            stripe::signed(&signature.unwrap_or_default(), asked.body.as_bytes(), &[KEY], Timestamp::now());
        let status = match (is_ours, asked.path.as_str()) {
            (true, "/texts") => self.status.load(Ordering::SeqCst),
            // Where its redirects lead: a page that is well, and takes nothing.
            (_, "/well") => 200,
            (true, _) => 404,
            (false, _) => 403,
        };
        if status < 300 && asked.path == "/texts" {
            let message: Value = serde_json::from_str(&asked.body).unwrap();
            let mut taken = self.taken.lock().unwrap();
            if taken.iter().all(|known| known["id"] != message["id"]) {
                taken.push(message);
            }
        }
        let to = if (300..400).contains(&status) { "Location: /well\r\n" } else { "" };
        let answer = format!("HTTP/1.1 {status} So\r\n{to}Connection: close\r\nContent-Length: 0\r\n\r\n");
        write.write_all(answer.as_bytes()).await?;
        write.shutdown().await
    }
}
