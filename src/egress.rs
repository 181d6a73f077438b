//! Calls that the server itself makes to others: the only way out beside payment, storage and mail, which are services
//! that the shop needs and have their own.
//!
//! There are four. [`Egress::fetch`] asks for a public file and carries nothing about anybody. [`Egress::tell`] tells a
//! vendor something about somebody, takes a [`Pass`] that only their own decision gives, and writes it into the ledger
//! of disclosures before a byte leaves. [`Egress::ask`] asks a service that settings name, with the key it knows the shop
//! by; [`Egress::hand`] hands one a message, signed with that key. None keeps a cookie, says where it comes from, or follows a
//! redirect to another host, and a message that is handed over follows none at all; all end after a time and a number of
//! bytes.

use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Proxy, Response, StatusCode};
use serde_json::Value;
use url::Url;

use crate::clock::Timestamp;
use crate::consent::disclosure::Line;
use crate::consent::pass::Pass;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::stripe;

/// How long a connection may take to come about, and a whole call to end.
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(30);
/// The longest answer that is read. The vendor list, the longest file there is to ask for, has about 2 MB.
pub const MOST_BYTES: usize = 8 << 20;
/// What a message to a service is signed in, as Stripe signs what it sends us.
const SIGNATURE: &str = "cuehouse-signature";
/// Redirects followed, all of them within one host.
const MOST_HOPS: usize = 3;

/// The way out. Cloning shares it.
#[derive(Clone)]
pub struct Egress {
    client: Client,
    /// The same that goes where it is sent and no further: behind a redirect a message would be an empty question.
    straight: Client,
    db: Db,
}

/// What a public file came to.
#[derive(Debug)]
pub enum Fetched {
    /// It is still what it was.
    Unchanged(Answered),
    Whole(String, Answered),
}

/// The headers of an answer.
#[derive(Debug)]
pub struct Answered(HeaderMap);

impl Answered {
    /// The value of a header, where it is text.
    pub fn says(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A public file that settings name: `https`, or `http` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicFile(Url);

impl PublicFile {
    /// Reads an address. `None` where it could give anything away: another scheme, a name and password in it.
    pub fn parse(text: &str) -> Option<PublicFile> {
        let url = Url::parse(text).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        (plain && is_safe(&url)).then_some(PublicFile(url))
    }

    /// The whole address, as it is called.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host alone, as rules and the ledger name it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// A service that settings name, and the key it knows the shop by. Nothing prints the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Keyed {
    at: PublicFile,
    key: String,
}

impl Keyed {
    /// `at` is the address that paths are put behind.
    pub fn new(at: PublicFile, key: &str) -> Keyed {
        Keyed { at, key: key.to_owned() }
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keyed").field(&self.at.host()).finish()
    }
}

/// What is wanted of a service.
#[derive(Clone, Copy, Debug)]
pub enum Verb<'a> {
    Get,
    Post(&'a Value),
    Delete,
}

/// Encrypted, or not beyond this machine.
fn is_safe(url: &Url) -> bool {
    let here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    url.scheme() == "https" || url.scheme() == "http" && here
}

impl Egress {
    /// `proxy` is what all calls go through, where the operator has one. `Refused` when it cannot be used.
    pub fn open(db: &Db, proxy: Option<&str>) -> Result<Egress> {
        let that = |redirects: Policy| -> Result<Client> {
            let client = Client::builder()
                .user_agent("cuehouse")
                .referer(false)
                .connect_timeout(CONNECT)
                .timeout(WHOLE)
                .redirect(redirects)
                .no_proxy();
            let client = match proxy {
                None => client,
                Some(address) => {
                    let all =
                        Proxy::all(address).map_err(|why| Error::refused(format!("the proxy: {why}")))?;
                    client.proxy(all)
                }
            };
            client.build().map_err(Error::internal)
        };
        let (client, straight) = (that(Policy::custom(within_the_host))?, that(Policy::none())?);
        Ok(Egress { client, straight, db: db.clone() })
    }

    /// Asks for a public file, or whether the copy with these validators still is it. Nothing about anybody goes along:
    /// the request is made here whole. `line` is what the ledger says of it.
    pub async fn fetch(
        &self,
        file: &PublicFile,
        etag: Option<&str>,
        last_modified: Option<&str>,
        line: Option<Line>,
    ) -> Result<Fetched> {
        if let Some(line) = line {
            self.db.write(move |conn| line.record(conn, 1, Timestamp::now())).await?;
        }
        let mut request = self.client.get(file.0.clone());
        let kept: [(HeaderName, Option<&str>); 2] =
            [(IF_NONE_MATCH, etag), (IF_MODIFIED_SINCE, last_modified)];
        for (name, value) in kept {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.map_err(unheard)?;
        let headers = Answered(answer.headers().clone());
        match answer.status() {
            StatusCode::NOT_MODIFIED => Ok(Fetched::Unchanged(headers)),
            StatusCode::OK => Ok(Fetched::Whole(text(answer).await?, headers)),
            status => Err(Error::refused(format!("{} answered {status}", file.host()))),
        }
    }

    /// Tells a vendor something about the person whose decision gave the pass. The address must be one of that vendor's
    /// in the registry. It stands in the ledger before it is sent; an answer that is no success is an error.
    pub async fn tell(&self, pass: &Pass, address: &str, what: &Value) -> Result<()> {
        let url = Url::parse(address).map_err(|_| Error::internal("a vendor's address that is none"))?;
        if url.scheme() != "https" || !pass.opens(&url) {
            return Err(Error::internal(format!("{} has no host {:?}", pass.vendor(), url.host_str())));
        }
        let line = pass.line();
        self.db.write(move |conn| line.record(conn, 1, Timestamp::now())).await?;
        let answer = self.client.post(url).json(what).send().await.map_err(unheard)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Error::refused(format!("{} answered {status}", pass.vendor()))),
        }
    }

    /// Asks a service of ours something, in JSON; an answer without a body is `null`. `line` is what the ledger says of it,
    /// before it is sent. `NotFound` where the service knows nothing of it (any more), `Refused` for any other no.
    pub async fn ask(&self, to: &Keyed, verb: Verb<'_>, path: &str, line: Option<Line>) -> Result<Value> {
        let address = format!("{}/{path}", to.at.as_str().trim_end_matches('/'));
        let url = Url::parse(&address).map_err(|_| Error::internal("a service's address that is none"))?;
        if let Some(line) = line {
            self.db.write(move |conn| line.record(conn, 1, Timestamp::now())).await?;
        }
        let request = match verb {
            Verb::Get => self.client.get(url),
            Verb::Post(what) => self.client.post(url).json(what),
            Verb::Delete => self.client.delete(url),
        };
        let answer = request.bearer_auth(&to.key).send().await.map_err(unheard)?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Error::NotFound),
            status if status.is_success() => match text(answer).await? {
                empty if empty.trim().is_empty() => Ok(Value::Null),
                body => serde_json::from_str(&body)
                    .map_err(|_| Error::refused(format!("{} answered no JSON", to.at.host()))),
            },
            status => Err(Error::refused(format!("{} answered {status}", to.at.host()))),
        }
    }

    /// Hands a service of ours a message that it is to pass on: JSON, with `Cuehouse-Signature: t=<seconds>,v1=<hex>`, an
    /// HMAC-SHA256 with its key over `<seconds>.<body>`. Any 2xx of that very address means that it was taken, a redirect
    /// that it was not; what else the answer says is not read. `line` is what the ledger says of it, before it is sent.
    /// `Refused` where trying again would not help, `Busy` where it may.
    pub async fn hand(
        &self,
        to: &Keyed,
        path: &str,
        what: &Value,
        line: Option<Line>,
        now: Timestamp,
    ) -> Result<()> {
        let address = format!("{}/{path}", to.at.as_str().trim_end_matches('/'));
        let url = Url::parse(&address).map_err(|_| Error::internal("a service's address that is none"))?;
        if let Some(line) = line {
            self.db.write(move |conn| line.record(conn, 1, now)).await?;
        }
        let body = what.to_string();
        let signature = stripe::sign(body.as_bytes(), &to.key, now);
        let request =
            self.straight.post(url).header(CONTENT_TYPE, "application/json").header(SIGNATURE, signature);
        let answer = request.body(body).send().await.map_err(unheard)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(Error::Busy(60)),
            status if status.is_server_error() => Err(Error::Busy(60)),
            status => Err(Error::refused(format!("{} answered {status}", to.at.host()))),
        }
    }
}

fn within_the_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| {
        first.host_str() == attempt.url().host_str() && first.scheme() == attempt.url().scheme()
    });
    if same && attempt.previous().len() <= MOST_HOPS { attempt.follow() } else { attempt.stop() }
}

/// The body as text, as long as it is not too long.
async fn text(answer: Response) -> Result<String> {
    let (mut body, mut chunks) = (vec![], answer.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(unheard)?);
        if body.len() > MOST_BYTES {
            return Err(Error::refused(format!("the answer is longer than {MOST_BYTES} bytes")));
        }
    }
    String::from_utf8(body).map_err(|_| Error::refused("the answer is not text"))
}

/// No answer, said without the address: it may hold a key.
#[track_caller]
fn unheard(error: reqwest::Error) -> Error {
    tracing::warn!(error = %error.without_url(), "a call of our own was not answered");
    Error::Busy(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_file_gives_nothing_away() {
        for (address, fine) in [
            ("https://vendor-list.example/v3/vendor-list.json", true),
            ("http://127.0.0.1:8080/list", true),
            ("http://localhost/list", true),
            ("http://vendor-list.example/list", false),
            ("https://user:pass@vendor-list.example/list", false),
            ("file:///etc/passwd", false),
            ("list.json", false),
        ] {
            assert_eq!(PublicFile::parse(address).is_some(), fine, "{address}");
        }
    }
}
