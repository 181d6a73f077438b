//! Something that stands between visitors and the shop and spoils what passes, as a bad template, a careless proxy or a
//! plugin would.

use std::sync::{Arc, Mutex};

use rocket::data::{Data, ToByteUnit};
use rocket::http::{Header, Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Request, Response};

use super::app::free_port;
use super::folder::TestFolder;
use super::launch::{launched, listening};

/// How it spoils an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoils {
    Nothing,
    /// These words of a page become others.
    Words(&'static str, &'static str),
    /// This header of the answer is lost.
    Header(&'static str),
    /// This header of the request is lost.
    Asked(&'static str),
    /// It answers by itself, with 502.
    Everything,
}

/// A proxy that can be told how to spoil things.
pub struct Proxy {
    pub url: String,
    pub port: u16,
    state: Arc<State>,
    shutdown: rocket::Shutdown,
    _folder: Option<TestFolder>,
}

struct State {
    upstream: Mutex<String>,
    spoils: Mutex<Spoils>,
    http: reqwest::Client,
}

#[derive(Clone)]
struct Passing(Arc<State>);

#[rocket::async_trait]
impl Handler for Passing {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let spoils = *self.0.spoils.lock().unwrap();
        if spoils == Spoils::Everything {
            return Outcome::Success(Response::build().status(Status::BadGateway).finalize());
        }
        let upstream = self.0.upstream.lock().unwrap().clone();
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
        let mut ask = self.0.http.request(method, format!("{upstream}{}", request.uri()));
        // Over HTTP/2 the name of the site stands in no header.
        if let Some(host) = request.host() {
            ask = ask.header("Host", host.to_string());
        }
        for header in request.headers().iter() {
            let is_hop = ["host", "connection", "content-length", "accept-encoding"]
                .iter()
                .any(|hop| header.name() == *hop);
            let lost =
                matches!(spoils, Spoils::Asked(lost) if header.name().as_str().eq_ignore_ascii_case(lost));
            if !is_hop && !lost {
                ask = ask.header(header.name().as_str(), header.value());
            }
        }
        let body = data.open(1.mebibytes()).into_bytes().await.unwrap().into_inner();
        let answer = ask.body(body).send().await.unwrap();
        let mut response = Response::build();
        response.status(Status::new(answer.status().as_u16()));
        for (name, value) in answer.headers() {
            let lost = matches!(spoils, Spoils::Header(lost) if name.as_str().eq_ignore_ascii_case(lost));
            if !lost && !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
                response.header_adjoin(Header::new(name.to_string(), value.to_str().unwrap().to_owned()));
            }
        }
        let mut bytes = answer.bytes().await.unwrap().to_vec();
        if let Spoils::Words(from, to) = spoils {
            bytes = String::from_utf8_lossy(&bytes).replace(from, to).into_bytes();
        }
        response.sized_body(bytes.len(), std::io::Cursor::new(bytes));
        Outcome::Success(response.finalize())
    }
}

impl Proxy {
    /// A proxy that passes everything on, as soon as it knows where to.
    pub async fn open() -> Proxy {
        Proxy::with(None).await
    }

    /// One that speaks https, so that cookies and headers count that browsers take over nothing else.
    pub async fn open_https() -> Proxy {
        Proxy::with(Some(TestFolder::new())).await
    }

    async fn with(tls: Option<TestFolder>) -> Proxy {
        let port = free_port();
        let state = Arc::new(State {
            upstream: Mutex::new(String::new()),
            spoils: Mutex::new(Spoils::Nothing),
            http: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
        });
        let figment = listening(port, tls.as_ref().map(TestFolder::path));
        let routes: Vec<Route> = [Method::Get, Method::Post]
            .into_iter()
            .map(|method| Route::new(method, "/<path..>", Passing(state.clone())))
            .collect();
        let rocket = rocket::custom(figment).mount("/", routes);
        let shutdown = launched(rocket).await;
        let scheme = if tls.is_some() { "https" } else { "http" };
        Proxy { url: format!("{scheme}://127.0.0.1:{port}"), port, state, shutdown, _folder: tls }
    }

    pub fn leads_to(&self, url: &str) {
        url.clone_into(&mut self.state.upstream.lock().unwrap());
    }

    pub fn spoils(&self, what: Spoils) {
        *self.state.spoils.lock().unwrap() = what;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}
