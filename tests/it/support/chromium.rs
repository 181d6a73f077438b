//! A person at a real browser: Chromium through chromedriver, for what only a browser shows.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::cookies::Cookie;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::browser::Browser;
use super::folder::TestFolder;

/// How long something may take before it is called broken: unoptimised, on two busy cores.
const PATIENCE: Duration = Duration::from_secs(90);

/// One driver process; every `Chromium` is a browser of its own under it.
pub struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// Without a chromedriver the test is left out, loudly; with `CUEHOUSE_TEST_BROWSER=1` that is a failure.
    pub fn start() -> Option<Driver> {
        let wanted = std::env::var("CUEHOUSE_TEST_BROWSER").ok();
        if wanted.as_deref() == Some("0") {
            eprintln!("SKIPPED: CUEHOUSE_TEST_BROWSER=0, nothing was tried in a browser");
            return None;
        }
        let started =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) if wanted.as_deref() == Some("1") => panic!("no chromedriver: {error}"),
            Err(error) => {
                eprintln!("SKIPPED: nothing was tried in a browser, there is no chromedriver ({error})");
                return None;
            }
        };
        // Two lines name a port; the first of them says 0.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| {
                line.split("successfully on port ").nth(1)?.trim_end_matches('.').trim().parse().ok()
            })
            .expect("chromedriver says its port");
        std::thread::spawn(move || lines.for_each(drop));
        Some(Driver { child, port })
    }

    /// A browser on a desk.
    pub async fn desk(&self, site: &str) -> Chromium {
        self.open(site, json!({}), &["--window-size=1280,900"]).await
    }

    /// A telephone as narrow as one may be, with fingers.
    pub async fn telephone(&self, site: &str) -> Chromium {
        let metrics =
            json!({ "width": 320, "height": 640, "pixelRatio": 1.0, "touch": true, "mobile": true });
        self.open(site, json!({ "mobileEmulation": { "deviceMetrics": metrics } }), &[]).await
    }

    /// A browser that runs no script.
    pub async fn plain(&self, site: &str) -> Chromium {
        let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
        self.open(site, json!({ "prefs": prefs }), &["--window-size=1280,900"]).await
    }

    /// A browser on a desk, started with more words on its command line.
    pub async fn with(&self, site: &str, more: &[&str]) -> Chromium {
        let mut all = vec!["--window-size=1280,900"];
        all.extend_from_slice(more);
        self.open(site, json!({}), &all).await
    }

    async fn open(&self, site: &str, mut options: Value, more: &[&str]) -> Chromium {
        let downloads = TestFolder::new();
        let mut args = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--mute-audio",
            "--disable-background-networking",
            "--disable-component-update",
        ];
        args.extend_from_slice(more);
        options["args"] = json!(args);
        options["prefs"]["download.default_directory"] = json!(downloads.path());
        options["prefs"]["download.prompt_for_download"] = json!(false);
        // Chromium offers to keep passwords, in a bubble over the page.
        options["prefs"]["credentials_enable_service"] = json!(false);
        let wishes = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let driver = format!("http://127.0.0.1:{}", self.port);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wishes.as_object().unwrap().clone())
            .connect(&driver)
            .await
            .expect("Chromium starts");
        let session = client.session_id().await.unwrap().expect("a session");
        Chromium { client, site: site.to_owned(), command: format!("{driver}/session/{session}"), downloads }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One browser with its own cookies.
pub struct Chromium {
    pub client: Client,
    site: String,
    command: String,
    downloads: TestFolder,
}

impl Chromium {
    /// Goes to an address of the site, as if typed.
    pub async fn open(&self, path: &str) {
        let address = if path.starts_with('/') { format!("{}{path}", self.site) } else { path.to_owned() };
        self.client.goto(&address).await.unwrap();
    }

    /// Becomes the person this other browser belongs to.
    pub async fn becomes(&self, person: &Browser) {
        self.open("/healthz").await;
        for (name, value) in person.cookies() {
            // What is left out would be sent as nothing, which the driver takes ill.
            let cookie = Cookie::build((name.clone(), value.clone())).path("/").domain("127.0.0.1");
            let cookie = cookie.same_site(cookie::SameSite::Lax).build();
            self.client.add_cookie(cookie).await.unwrap();
        }
        drop(self.complaints().await);
    }

    /// The first element of a selector, as soon as there is one that can be seen.
    pub async fn see(&self, css: &str) -> Element {
        let began = Instant::now();
        loop {
            for element in self.client.find_all(Locator::Css(css)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    return element;
                }
            }
            self.has_patience(began, css).await;
        }
    }

    /// Presses what a selector names.
    pub async fn press(&self, css: &str) {
        let began = Instant::now();
        loop {
            // What was found may be gone when it is pressed: a page was just exchanged.
            let element = self.see(css).await;
            // Into the middle, as a hand would: the player's bar may lie over the edge.
            let middle = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })";
            let _ = self.client.execute(middle, vec![serde_json::to_value(&element).unwrap()]).await;
            match element.click().await {
                Ok(()) => return,
                Err(error) => self.has_patience(began, &format!("{css}: {error}")).await,
            }
        }
    }

    /// Presses a link or button by its words, anywhere on the page or inside what a selector names.
    pub async fn press_words(&self, within: &str, words: &str) {
        let began = Instant::now();
        loop {
            let all = format!("{within} a, {within} button, {within} summary");
            for element in self.client.find_all(Locator::Css(&all)).await.unwrap_or_default() {
                if element.text().await.unwrap_or_default().trim() == words && element.click().await.is_ok() {
                    return;
                }
            }
            self.has_patience(began, &format!("“{words}” in {within}")).await;
        }
    }

    /// Types into the field of this name, instead of what stood there.
    pub async fn fill(&self, name: &str, text: &str) {
        self.at(&format!("main [name=\"{name}\"]"), async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    /// Does something with what a selector names; what was found may be gone by then, as a page was just exchanged.
    async fn at(&self, css: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        let began = Instant::now();
        loop {
            match act(self.see(css).await).await {
                Ok(()) => return,
                Err(error) => self.has_patience(began, &format!("{css}: {error}")).await,
            }
        }
    }

    /// Ticks the box of this name and value, by its label as a person would.
    pub async fn tick(&self, name: &str, value: &str) {
        self.press(&format!("main label:has([name=\"{name}\"][value=\"{value}\"])")).await;
    }

    pub async fn choose(&self, name: &str, value: &str) {
        let css = format!("main select[name=\"{name}\"]");
        self.at(&css, async |field| field.select_by_value(value).await).await;
    }

    pub async fn attach(&self, name: &str, file: &Path) {
        let file = file.display().to_string();
        self.at(&format!("main [name=\"{name}\"]"), async |field| field.send_keys(&file).await).await;
    }

    /// Sends the form with this action by its own button.
    pub async fn send(&self, action: &str) {
        self.press(&format!("main form[action=\"{action}\"] button:not([type=button])")).await;
    }

    /// Waits until the address begins so, and says it whole.
    pub async fn comes_to(&self, begins: &str) -> String {
        let began = Instant::now();
        loop {
            let url = self.client.current_url().await.unwrap();
            let ours = url.as_str().strip_prefix(&self.site).unwrap_or(url.as_str()).to_owned();
            if ours.starts_with(begins) {
                return ours;
            }
            self.has_patience(began, &format!("coming to {begins} from {ours}")).await;
        }
    }

    /// Waits until a script's expression is true.
    pub async fn until(&self, expression: &str) {
        let began = Instant::now();
        loop {
            let is = self.client.execute(&format!("return Boolean({expression})"), vec![]).await;
            if is.is_ok_and(|is| is == json!(true)) {
                return;
            }
            self.has_patience(began, expression).await;
        }
    }

    /// What an expression of script is.
    pub async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression}"), vec![]).await.unwrap()
    }

    /// Presses keys where the focus is.
    pub async fn keys(&self, keys: &[char]) {
        let mut all = KeyActions::new("keys".to_owned());
        for key in keys {
            all = all.then(KeyAction::Down { value: *key }).then(KeyAction::Up { value: *key });
        }
        self.client.perform_actions(all).await.unwrap();
    }

    /// Presses Tab until the focus is on what a selector names; a person counts, and gives up at some point.
    pub async fn tabs_to(&self, css: &str) {
        for _ in 0..160 {
            let there = format!("document.activeElement.matches({})", json!(css));
            if self.value(&there).await == json!(true) {
                return;
            }
            self.keys(&[Key::Tab.into()]).await;
        }
        panic!("Tab does not lead to {css} on {}", self.client.current_url().await.unwrap());
    }

    /// What the console said since it was last read: errors of scripts, refused by policy, not found.
    pub async fn complaints(&self) -> Vec<String> {
        let address = format!("{}/se/log", self.command);
        let body = json!({ "type": "browser" }).to_string();
        let answer = reqwest::Client::new().post(address).body(body).send().await.unwrap();
        let entries: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let entries = entries["value"].as_array().cloned().unwrap_or_default();
        let loud =
            entries.iter().filter(|e| ["SEVERE", "WARNING"].contains(&e["level"].as_str().unwrap_or("")));
        // Chromium 156 does not know the directive that forbids WebRTC, and says so on every page; there the
        // Connection-Allowlist forbids it.
        // Nor the advertising interfaces that it gave up, which earlier ones must be denied.
        let unknown = ["directive 'webrtc'", "Permissions-Policy header: Unrecognized feature"];
        loud.map(|e| e["message"].as_str().unwrap_or_default().to_owned())
            .filter(|said| unknown.iter().all(|words| !said.contains(words)))
            .collect()
    }

    /// Sends every request from now on with these headers beside its own (Chrome DevTools Protocol).
    pub async fn says(&self, headers: Value) {
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setExtraHTTPHeaders", json!({ "headers": headers })).await;
    }

    /// A window of this size in CSS pixels, by day or by night.
    pub async fn looks(&self, width: u32, height: u32, is_dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if is_dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Runs this in every document from now on, before any script of the page; a page's policy does not bind it.
    pub async fn brings(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &str, params: Value) -> Value {
        let address = format!("{}/goog/cdp/execute", self.command);
        let body = json!({ "cmd": command, "params": params }).to_string();
        let answer = reqwest::Client::new().post(address).body(body).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// The one file that was downloaded, once it is whole.
    pub async fn downloaded(&self) -> PathBuf {
        let began = Instant::now();
        loop {
            let files = self.downloads.files();
            let half = |file: &PathBuf| file.extension().is_some_and(|e| e == "crdownload" || e == "tmp");
            if files.len() == 1
                && !half(&files[0])
                && !files[0].file_name().unwrap().as_encoded_bytes().starts_with(b".")
            {
                return files[0].clone();
            }
            self.has_patience(began, "a download").await;
        }
    }

    async fn has_patience(&self, began: Instant, what: &str) {
        if began.elapsed() > PATIENCE {
            let url = self.client.current_url().await.map(|u| u.to_string()).unwrap_or_default();
            let text = self.client.execute("return document.querySelector('main')?.innerText", vec![]).await;
            let text = text.ok().and_then(|t| t.as_str().map(str::to_owned)).unwrap_or_default();
            if let (Ok(folder), Ok(picture)) =
                (std::env::var("CUEHOUSE_TEST_PICTURES"), self.client.screenshot().await)
            {
                let _ = std::fs::write(Path::new(&folder).join("stuck.png"), picture);
            }
            panic!("waited in vain for {what} on {url}, which says:\n{text}\n{:?}", self.complaints().await);
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}
