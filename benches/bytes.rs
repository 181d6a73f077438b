//! Downloads against nginx on the same files: whole, and in ranges of 256 KiB, sent by us and, where the proxy sends what we
//! allowed (`CUEHOUSE_DELIVERY=accel`), by nginx; and what a thousand listeners cost, on good lines and on bad ones.
//!
//! `cargo bench --bench bytes` (nginx is looked for in the usual places)

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{cpu_of, median, table};
use cuehouse::clock::Timestamp;
use cuehouse::storage::{Storage, StorageUrl};
use cuehouse::web::ranges::{Conditions, FileFacts};
use cuehouse::web::stream::{Delivery, Disposition, FileReply, Pace, StoredFile, heads};
use rocket::{State, get, routes};

/// A sound effect, and a song of three minutes as its master.
const SMALL: u64 = 4 << 20;
const MASTER: u64 = 48 << 20;
const RANGE: u64 = 256 << 10;
const CLIENTS: usize = 8;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const LISTENERS: usize = 1000;
/// What the kernel of a listener on a bad line takes in before it is read; it doubles the figure.
const NARROW: u32 = 2048;
/// What an MP3 of 128 kb/s needs.
const BYTES_A_SECOND: usize = 16_000;

fn main() {
    // The server runs in a process of its own, so that the clients' work is not counted as its.
    if std::env::args().any(|word| word == "--serve") {
        return serve();
    }
    let folder = std::env::temp_dir().join(format!("cuehouse-bytes-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("files")).expect("a folder");
    for (name, size) in [("sound.bin", SMALL), ("master.bin", MASTER)] {
        let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        std::fs::write(folder.join("files").join(name), bytes).expect("a file");
    }
    let ours = Server::ours(&folder);
    let nginx = Server::nginx(&folder, &ours);
    let mut rows = vec![];
    for (what, file, size) in [
        ("whole, 48 MiB", "master.bin", MASTER),
        ("whole, 4 MiB", "sound.bin", SMALL),
        ("ranges of 256 KiB", "sound.bin", RANGE),
    ] {
        let mut all = vec![("Cuehouse, direct", &ours, format!("/download/{file}"), vec![])];
        if let Some(nginx) = &nginx {
            all.push(("Cuehouse, sent by nginx", nginx, format!("/allowed/{file}"), vec![]));
            all.push(("nginx", nginx, format!("/{file}"), vec![]));
        }
        for _ in 0..ROUNDS {
            for (_, server, path, rounds) in &mut all {
                rounds.push(load(server, path, size));
            }
        }
        let rate = |rounds: &[(f64, f64)]| median(rounds.iter().map(|round| round.0).collect());
        let anchor = nginx.as_ref().and(all.last()).map(|(.., rounds)| rate(rounds));
        for (who, _, _, rounds) in &all {
            let cpu = median(rounds.iter().map(|round| round.1).collect());
            let ratio = anchor.map_or_else(String::new, |anchor| format!("{:.2} ×", rate(rounds) / anchor));
            rows.push(vec![
                what.into(),
                (*who).into(),
                format!("{:.0}", rate(rounds)),
                format!("{cpu:.2}"),
                ratio,
            ]);
        }
    }
    if nginx.is_none() {
        println!("no nginx found: its rows are left out");
    }
    println!("{CLIENTS} clients, median of {ROUNDS} interleaved rounds\n");
    table(&["what", "who", "MiB/s", "CPU ms a MiB", "ratio"], &rows);
    drop((ours, nginx));
    // Each population has a server of its own: one keeps memory that another's answers were made in.
    let server = Server::ours(&folder);
    listeners(&server, "who hear as it plays", BYTES_A_SECOND, 10, || connect(server.port));
    drop(server);
    let server = Server::ours(&folder);
    listeners(&server, "on a line too slow for it", BYTES_A_SECOND / 4, 20, || narrow(server.port));
    drop(server);
    let _ = std::fs::remove_dir_all(folder);
}

/// A thousand people who listen for so many seconds and read so many bytes in each, and what one of them costs.
fn listeners(ours: &Server, who: &str, a_second: usize, secs: u32, connect: impl Fn() -> TcpStream) {
    let (before, used) = (ours.memory(), ours.cpu());
    let (late, read) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let stop = Arc::new(AtomicBool::new(false));
    let most = Arc::new(AtomicU64::new(0));
    let all: Vec<_> = (0..LISTENERS)
        .map(|_| {
            let (late, read, stop) = (late.clone(), read.clone(), stop.clone());
            let mut line = connect();
            std::thread::Builder::new()
                .stack_size(128 << 10)
                .spawn(move || {
                    send(&mut line, "/listen", None);
                    let mut buffer = vec![0; a_second / 2];
                    let start = Instant::now();
                    let mut beats = 0u32;
                    while !stop.load(Ordering::Relaxed) {
                        beats += 1;
                        let due = start + Duration::from_millis(500) * beats;
                        if line.read_exact(&mut buffer).is_err() {
                            break;
                        }
                        read.fetch_add(1, Ordering::Relaxed);
                        match due.checked_duration_since(Instant::now()) {
                            Some(wait) => std::thread::sleep(wait),
                            None => drop(late.fetch_add(1, Ordering::Relaxed)),
                        }
                    }
                })
                .expect("a listener")
        })
        .collect();
    for _ in 0..secs * 2 {
        std::thread::sleep(Duration::from_millis(500));
        most.fetch_max(ours.memory().saturating_sub(before), Ordering::Relaxed);
    }
    stop.store(true, Ordering::Relaxed);
    for one in all {
        let _ = one.join();
    }
    println!(
        "\n{LISTENERS} listeners {who}, for {secs} s: {} KiB of memory each, {:.0} ms of processor time a second for all, \
         {} late of {} reads",
        most.load(Ordering::Relaxed) / 1024 / LISTENERS as u64,
        (ours.cpu() - used).as_secs_f64() * 1e3 / f64::from(secs),
        late.load(Ordering::Relaxed),
        read.load(Ordering::Relaxed)
    );
}

/// MiB a second, and the server's processor milliseconds a MiB. `size` is what is asked for at once.
fn load(server: &Server, path: &str, size: u64) -> (f64, f64) {
    let used = server.cpu();
    let start = Instant::now();
    let (port, path) = (server.port, path.to_owned());
    let clients: Vec<_> = (0..CLIENTS as u64)
        .map(|n| {
            let path = path.clone();
            std::thread::spawn(move || {
                let (mut bytes, mut at) = (0, n * RANGE % SMALL);
                let mut line = connect(port);
                while start.elapsed() < ROUND {
                    let span = (size == RANGE).then(|| (at, at + RANGE - 1));
                    send(&mut line, &path, span);
                    bytes += answer(&mut line, size);
                    at = (at + RANGE) % SMALL;
                }
                bytes
            })
        })
        .collect();
    let bytes: u64 = clients.into_iter().map(|c| c.join().expect("a client")).sum();
    let mib = bytes as f64 / f64::from(1 << 20);
    (mib / start.elapsed().as_secs_f64(), (server.cpu() - used).as_secs_f64() * 1e3 / mib)
}

fn connect(port: u16) -> TcpStream {
    let line = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    line.set_nodelay(true).expect("nodelay");
    line
}

fn send(line: &mut TcpStream, path: &str, span: Option<(u64, u64)>) {
    let range = span.map(|(a, b)| format!("Range: bytes={a}-{b}\r\n")).unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{range}\r\n");
    line.write_all(head.as_bytes()).expect("a request");
}

/// A connection whose other end may have little on the way, so that what it does not read waits with the server.
fn narrow(port: u16) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let line: std::io::Result<TcpStream> = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW)?;
        socket.connect(([127, 0, 0, 1], port).into()).await?.into_std()
    });
    let line = line.expect("a connection");
    line.set_nonblocking(false).expect("a line that waits");
    line
}

/// Reads one answer with a body of so many bytes.
fn answer(line: &mut TcpStream, len: u64) -> u64 {
    let mut buffer = vec![0; 256 << 10];
    let (mut have, mut head) = (0usize, None);
    loop {
        let n = line.read(&mut buffer[have.min(4096)..]).expect("an answer");
        assert!(n > 0, "the server hung up");
        match head {
            Some(left) if left <= n as u64 => return len,
            Some(left) => head = Some(left - n as u64),
            None => {
                have += n;
                if let Some(end) = buffer[..have].windows(4).position(|w| w == b"\r\n\r\n") {
                    let body = (have - end - 4) as u64;
                    if body >= len {
                        return len;
                    }
                    head = Some(len - body);
                    have = 0;
                }
            }
        }
    }
}

struct Server {
    child: Child,
    /// The processes that do the work.
    pids: Vec<String>,
    port: u16,
}

impl Server {
    fn ours(folder: &Path) -> Server {
        let port = free_port();
        let child = Command::new(std::env::current_exe().expect("ourselves"))
            .args(["--serve", &port.to_string()])
            .arg(folder.join("files"))
            .stdout(Stdio::null())
            .spawn()
            .expect("our server");
        Server { pids: vec![child.id().to_string()], child, port }.when_up()
    }

    fn nginx(folder: &Path, ours: &Server) -> Option<Server> {
        let nginx = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
            .iter()
            .find(|p| Path::new(p).exists())?;
        let port = free_port();
        let config = format!(
            "daemon off; master_process off; pid {0}/pid; error_log {0}/error.log; events {{ worker_connections 4096; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_body_temp_path {0}/t; \
             proxy_temp_path {0}/t; fastcgi_temp_path {0}/t; uwsgi_temp_path {0}/t; scgi_temp_path {0}/t; \
             upstream ours {{ server 127.0.0.1:{ours}; keepalive 16; }} \
             server {{ listen 127.0.0.1:{port}; root {0}/files; \
             location /allowed/ {{ proxy_pass http://ours; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} \
             location /_files/ {{ internal; alias {0}/files/; }} }} }}",
            folder.display(),
            ours = ours.port
        );
        let path: PathBuf = folder.join("nginx.conf");
        std::fs::write(&path, config).ok()?;
        let child = Command::new(nginx).arg("-c").arg(&path).stderr(Stdio::null()).spawn().ok()?;
        // What it sends for us costs us something, too.
        let pids = [vec![child.id().to_string()], ours.pids.clone()].concat();
        Some(Server { pids, child, port }.when_up())
    }

    fn when_up(self) -> Server {
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return self;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("a server does not answer");
    }

    fn cpu(&self) -> Duration {
        self.pids.iter().map(|pid| cpu_of(pid)).sum()
    }

    /// Resident bytes.
    fn memory(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pids[0])).unwrap_or_default();
        statm.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or_default() * 4096
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_or(0, |a| a.port())
}

// --- our server: the very code that serves masters and previews ---

fn sound(name: &str, pace: Pace) -> StoredFile {
    let len = if name == "master.bin" { MASTER } else { SMALL };
    StoredFile {
        key: name.to_owned(),
        facts: FileFacts { len, etag: "sound".into(), modified: Timestamp::from_secs(1_000_000_000) },
        kind: "application/octet-stream".into(),
        disposition: Disposition::Inline,
        cache: "private".into(),
        pace,
    }
}

type Answer = Result<FileReply, cuehouse::Error>;

#[get("/download/<name>")]
async fn download(name: &str, storage: &State<Storage>, asked: Conditions) -> Answer {
    sound(name, Pace::Download).answer(storage, Delivery::Direct, &asked).await
}

#[get("/allowed/<name>")]
async fn allowed(name: &str, storage: &State<Storage>, asked: Conditions) -> Answer {
    sound(name, Pace::Download).answer(storage, Delivery::Accel, &asked).await
}

#[get("/listen")]
async fn listen(storage: &State<Storage>, asked: Conditions) -> Answer {
    sound("sound.bin", Pace::Listen { bits_per_sec: 128_000 }).answer(storage, Delivery::Direct, &asked).await
}

fn serve() {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == "--serve").expect("--serve");
    let (port, folder) = (words[at + 1].parse().expect("a port"), words[at + 2].clone());
    let storage = Storage::open(&StorageUrl::Folder(folder.into()), None).expect("a store");
    let config = rocket::Config {
        port,
        log_level: rocket::config::LogLevel::Off,
        ip_header: None,
        ..rocket::Config::debug_default()
    };
    let rocket =
        rocket::custom(config).manage(storage).attach(heads()).mount("/", routes![download, allowed, listen]);
    let _ = rocket::execute(rocket.launch());
}
