//! Uploads of 1 GiB through the studio's form: how much memory one takes at its peak, and what it costs beside the bare
//! writing of the same bytes. The sender, and the S3 server, are processes of their own, so that this process holds the
//! shop alone.
//!
//! `cargo bench --bench upload` (`UPLOAD_MIB=64` for a quick look)

mod common;

#[allow(dead_code)]
#[path = "../tests/it/support/folder.rs"]
mod folder;
#[allow(dead_code)]
#[path = "../tests/it/support/s3.rs"]
mod s3;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{cpu, median, table};
use cuehouse::accounts::session;
use cuehouse::accounts::user::{Role, User};
use cuehouse::clock::Timestamp;
use cuehouse::{App, Config, secrets};
use tokio::io::AsyncReadExt;

const ROUNDS: usize = 3;
/// What one upload may hold, in MiB: on a folder the parser's buffers and one of 256 KiB, for S3 three parts of 5 MiB beside
/// them; and what pools and caches take when they are first used.
const FOLDER_LIMIT: f64 = 8.0;
const S3_LIMIT: f64 = 24.0;

fn mib() -> u64 {
    std::env::var("UPLOAD_MIB").ok().and_then(|n| n.parse().ok()).unwrap_or(1024)
}

/// What one upload took.
struct Took {
    peak_mib: f64,
    wall: Duration,
    cpu: Duration,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("send") => send(&args[2], &args[3], &args[4]),
        Some("bucket") => bucket(),
        _ => measure(),
    }
}

fn measure() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut bucket = Command::new(std::env::current_exe().expect("ourselves"))
        .arg("bucket")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("an S3 server");
    let mut endpoint = String::new();
    BufReader::new(bucket.stdout.take().expect("its words")).read_line(&mut endpoint).expect("its address");
    let of_s3 = [
        ("CUEHOUSE_STORAGE_URL", "s3://shop/files"),
        ("AWS_ENDPOINT_URL", endpoint.trim()),
        ("AWS_REGION", "eu-test-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "a secret of the tests"),
    ];
    let on_folder = runtime.block_on(Shop::open(&[]));
    let on_s3 = runtime.block_on(Shop::open(&of_s3));
    let (mut form, mut bare, mut s3) = (vec![], vec![], vec![]);
    // Before any buffer of an upload exists: what is given back may stay with the process, and would be no peak later. For
    // the same reason the folder comes first: nothing of it is as large as a part for S3.
    let base = reset_peak();
    for _ in 0..ROUNDS {
        bare.push(runtime.block_on(on_folder.writes(mib(), base)));
        form.push(runtime.block_on(on_folder.uploads(mib(), base)));
    }
    let base = reset_peak();
    for _ in 0..ROUNDS {
        s3.push(runtime.block_on(on_s3.uploads(mib(), base)));
    }
    let row = |name: &str, limit: f64, all: &[Took]| {
        let of = |f: &dyn Fn(&Took) -> f64| median(all.iter().map(f).collect());
        vec![
            name.to_owned(),
            format!("{:.1}", all.iter().map(|t| t.peak_mib).fold(0.0, f64::max)),
            format!("{limit:.0}"),
            format!("{:.0}", mib() as f64 / of(&|t| t.wall.as_secs_f64())),
            format!("{:.0}", of(&|t| t.cpu.as_secs_f64()) * 1e3 / (mib() as f64 / 1024.0)),
        ]
    };
    println!("{} MiB a file; median of {ROUNDS} rounds, the highest peak of all\n", mib());
    table(
        &["upload", "memory at its peak, MiB", "limit", "MiB/s", "CPU ms a GiB"],
        &[
            row("through the form, to a folder", FOLDER_LIMIT, &form),
            row("the same bytes to the folder alone", FOLDER_LIMIT, &bare),
            row("through the form, to an S3 server", S3_LIMIT, &s3),
        ],
    );
    let _ = bucket.kill();
    let _ = bucket.wait();
}

/// A shop with one uploader, whose jobs nobody works.
struct Shop {
    app: App,
    url: String,
    cookie: String,
    _folder: folder::TestFolder,
}

impl Shop {
    async fn open(settings: &[(&str, &str)]) -> Shop {
        let folder = folder::TestFolder::new();
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let data = folder.path().join("data").display().to_string();
        let port_text = port.to_string();
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in [
            ("CUEHOUSE_PORT", port_text.as_str()),
            ("CUEHOUSE_DATA_DIR", &data),
            ("CUEHOUSE_MAIL_URL", "memory:"),
        ]
        .iter()
        .chain(settings)
        {
            all.insert((*name).to_owned(), (*value).to_owned());
        }
        let config = Config::read(None, &all).unwrap_or_else(|faults| panic!("{faults:?}"));
        let app = App::open(config, Some("http://127.0.0.1:9")).await.expect("a shop");
        let token = secrets::token().expect("a token");
        let kept = token.clone();
        app.db
            .write(move |conn| {
                let now = Timestamp::now();
                let user = User::new(conn, "up@example.com", "Up Loader", "no password", now)?;
                user.insert(conn)?;
                user.confirm(conn, now)?;
                user.grant(conn, Role::Uploader, now)?;
                session::open(conn, &user.id, &kept, now).map(drop)
            })
            .await
            .expect("an uploader");
        let (up, is_up) = tokio::sync::oneshot::channel();
        let up = std::sync::Mutex::new(Some(up));
        let rocket = cuehouse::rocket(app.clone())
            .attach(rocket::fairing::AdHoc::on_liftoff("up", move |_| {
                let up = up.lock().ok().and_then(|mut up| up.take());
                Box::pin(async move {
                    let _ = up.map(|up| up.send(()));
                })
            }))
            .ignite()
            .await
            .expect("a server");
        tokio::spawn(rocket.launch());
        is_up.await.expect("a server that is up");
        Shop { app, url: format!("127.0.0.1:{port}"), cookie: format!("session={token}"), _folder: folder }
    }

    /// One upload of so many MiB through the form; its peak is over what the process held at its base.
    async fn uploads(&self, mib: u64, base: f64) -> Took {
        reset_peak();
        let (used, began) = (cpu(), Instant::now());
        let sender = Command::new(std::env::current_exe().expect("ourselves"))
            .args(["send", &self.url, &self.cookie, &mib.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a sender");
        let answer = tokio::task::spawn_blocking(move || said(sender)).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let took = Took { peak_mib: peak() - base, wall: began.elapsed(), cpu: cpu() - used };
        self.forget().await;
        took
    }

    /// The same bytes into the store, without a form around them.
    async fn writes(&self, mib: u64, base: f64) -> Took {
        reset_peak();
        let (used, began) = (cpu(), Instant::now());
        let bytes = tokio::io::repeat(7).take(mib << 20);
        self.app.storage.put_stream("masters/bare", bytes, u64::MAX, "audio/wav").await.expect("kept");
        let took = Took { peak_mib: peak() - base, wall: began.elapsed(), cpu: cpu() - used };
        self.forget().await;
        took
    }

    async fn forget(&self) {
        for (key, _) in self.app.storage.list("masters/").await.expect("a list") {
            self.app.storage.delete(&key).await.expect("deleted");
        }
    }
}

fn said(mut sender: Child) -> String {
    let mut words = String::new();
    if let Some(out) = &mut sender.stdout {
        let _ = out.read_to_string(&mut words);
    }
    let _ = sender.wait();
    words
}

/// Sends a form with a file of so many MiB and prints the first line of the answer.
fn send(address: &str, cookie: &str, mib: &str) {
    let mib: u64 = mib.parse().expect("a number");
    let token = token(address, cookie);
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n";
    let tail = "\r\n--b--\r\n";
    let mut line = TcpStream::connect(address).expect("a line");
    let length = head.len() as u64 + (mib << 20) + tail.len() as u64;
    write!(
        line,
        "POST /studio/uploads HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nX-CSRF-Token: {token}\r\nContent-Length: \
         {length}\r\nContent-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n{head}"
    )
    .expect("sent");
    let block: Vec<u8> = (0..1 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for _ in 0..mib {
        line.write_all(&block).expect("sent");
    }
    line.write_all(tail.as_bytes()).expect("sent");
    let mut answer = String::new();
    BufReader::new(line).read_line(&mut answer).expect("an answer");
    println!("{answer}");
}

fn token(address: &str, cookie: &str) -> String {
    let mut line = TcpStream::connect(address).expect("a line");
    write!(
        line,
        "GET /studio/uploads/new HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut page = String::new();
    line.read_to_string(&mut page).expect("a page");
    let rest = page.split("name=\"csrf-token\" content=\"").nth(1).expect("a token");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// An S3 server that lives until its input ends.
fn bucket() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let s3 = s3::s3_here().await;
        println!("{}", s3.access.endpoint.clone().unwrap_or_default());
        let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut vec![])).await;
        drop(s3);
    });
}

/// Sets the peak of this process to what it holds now; answers that, in MiB.
fn reset_peak() -> f64 {
    std::fs::write("/proc/self/clear_refs", "5").expect("clear_refs");
    peak()
}

fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
