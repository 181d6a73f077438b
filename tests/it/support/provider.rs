//! A pretend provider of checks: a server that remembers what it was asked, and finds what the test says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;

/// The key it knows the shop by.
pub const KEY: &str = "key-of-the-shop";

/// What one request was.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// The head as it came.
    pub head: String,
    pub body: String,
}

/// One request as it comes; nothing where the line was closed before.
pub async fn heard(lines: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Option<Asked>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    lines.read_exact(&mut body).await?;
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Asked { method, path, head, body }))
}

#[derive(Clone, Default)]
pub struct Provider {
    asked: Arc<Mutex<Vec<Asked>>>,
    finds: Arc<Mutex<Value>>,
    is_stubborn: Arc<AtomicBool>,
    pub url: String,
}

impl Provider {
    pub async fn start() -> Provider {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = Provider { url, ..Provider::default() };
        let one = provider.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let one = one.clone();
                tokio::spawn(async move { one.answer(socket).await });
            }
        });
        provider
    }

    /// What it answers when it is asked for a result.
    pub fn finds(&self, result: Value) {
        *self.finds.lock().unwrap() = result;
    }

    /// Whether it fails to forget when it is told to.
    pub fn is_stubborn(&self, so: bool) {
        self.is_stubborn.store(so, Ordering::SeqCst);
    }

    /// What it was told to forget, in order.
    pub fn forgot(&self) -> Vec<String> {
        self.asked().into_iter().filter(|asked| asked.method == "DELETE").map(|asked| asked.path).collect()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    async fn answer(&self, socket: tokio::net::TcpStream) -> std::io::Result<()> {
        let (read, mut write) = socket.into_split();
        let mut lines = BufReader::new(read);
        let Some(asked) = heard(&mut lines).await? else { return Ok(()) };
        let Asked { method, path, head, .. } = asked.clone();
        let n = {
            let mut all = self.asked.lock().unwrap();
            all.push(asked);
            all.iter().filter(|asked| asked.method == "POST").count()
        };
        let (status, said) = match method.as_str() {
            _ if !head.contains(KEY) => ("403 Forbidden", Value::Null),
            "POST" if path == "/checks" => (
                "201 Created",
                json!({ "id": format!("chk_{n}"), "go_to": format!("{}/page/chk_{n}", self.url) }),
            ),
            "GET" if path.starts_with("/checks/") => ("200 OK", self.finds.lock().unwrap().clone()),
            "DELETE" if self.is_stubborn.load(Ordering::SeqCst) => ("503 Service Unavailable", Value::Null),
            "DELETE" => ("204 No Content", Value::Null),
            _ => ("404 Not Found", Value::Null),
        };
        let said = if said.is_null() { String::new() } else { said.to_string() };
        let answer = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{said}",
            said.len()
        );
        write.write_all(answer.as_bytes()).await?;
        write.shutdown().await
    }
}
