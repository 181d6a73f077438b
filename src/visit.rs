//! A visitor's browser without script, for looking at our own site over real HTTP: it keeps cookies, follows nothing by
//! itself, and sends what a browser sends. It is never pointed at anybody else's site.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Client, Method};

use crate::error::{Error, Result};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// No page of ours is longer.
const MOST_BYTES: usize = 4 << 20;

/// One browser with its cookies.
pub struct Visitor {
    site: String,
    http: Client,
    cookies: BTreeMap<String, String>,
    /// Whether it sends `Sec-GPC: 1`.
    signals: bool,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// Names in small letters, in the order they came.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// Every value of a header, by its name in small letters.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Visitor {
    /// Somebody who comes to this site (scheme, host and port) for the first time.
    pub fn new(site: &str, signals: bool) -> Result<Visitor> {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("Cuehouse/", env!("CARGO_PKG_VERSION"), " (self-check)"))
            .build()
            .map_err(Error::internal)?;
        Ok(Visitor { site: site.to_owned(), http, cookies: BTreeMap::new(), signals })
    }

    /// Looks at a page of the site. The error is a sentence for those who run it.
    pub async fn get(&mut self, path: &str) -> Result<Answer, String> {
        self.ask(Method::GET, path, None).await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Result<Answer, String> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(&mut self, method: Method, path: &str, body: Option<String>) -> Result<Answer, String> {
        let trouble = |error: reqwest::Error| {
            let mut why = error.without_url().to_string();
            if why.is_empty() {
                why = "no reason given".into();
            }
            format!("{path} could not be asked: {why}.")
        };
        let mut request =
            self.http.request(method, format!("{}{path}", self.site)).header(ACCEPT, "text/html");
        if !self.cookies.is_empty() {
            let line: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(COOKIE, line.join("; "));
        }
        if self.signals {
            request = request.header("Sec-GPC", "1");
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let mut response = request.send().await.map_err(trouble)?;
        let status = response.status().as_u16();
        let headers = named(response.headers());
        for (_, line) in headers.iter().filter(|(name, _)| name == SET_COOKIE.as_str()) {
            self.take_cookie(line);
        }
        let mut bytes = vec![];
        while let Some(chunk) = response.chunk().await.map_err(trouble)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                return Err(format!("{path} does not end."));
            }
        }
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() })
    }

    fn take_cookie(&mut self, line: &str) {
        let pair = line.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return };
        if value.is_empty() || line.to_ascii_lowercase().contains("max-age=0") {
            self.cookies.remove(name.trim());
        } else {
            self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
}

fn named(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
