//! The server: Stripe's interface under `/v1`, the payment page, and the page that shows what is held.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rocket::config::{LogLevel, SecretKey, Shutdown as ShutdownConfig};
use rocket::data::{Data, ToByteUnit};
use rocket::fairing::AdHoc;
use rocket::http::{Header, Method, Status};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::{self, Responder, Response};
use rocket::{Config, Shutdown, State, catch, catchers, routes};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::book::Asked;
use super::fault::Fault;
use super::objects::VERSION;
use super::params::Params;
use super::records::Answer;
use super::shelf::new_id;
use super::{Sandbox, api, desk, pages, till};
use crate::error::{Error, Result};
use crate::secrets;

/// Bytes one call may bring.
const BODY: u64 = 1 << 20;

/// Listens at this address: the port it got, what stops it, and the server's end.
pub async fn listen(
    address: IpAddr,
    port: u16,
    sandbox: Arc<Sandbox>,
) -> Result<(u16, Shutdown, JoinHandle<()>)> {
    let config = Config {
        address,
        port,
        ip_header: None,
        ident: rocket::config::Ident::none(),
        log_level: LogLevel::Off,
        cli_colors: false,
        workers: 1,
        // Nothing here is signed with it, but Rocket wants one.
        secret_key: SecretKey::generate().ok_or_else(|| Error::internal("no random bytes"))?,
        // The process that holds this server decides when it ends.
        shutdown: ShutdownConfig {
            ctrlc: false,
            signals: std::collections::HashSet::new(),
            grace: 1,
            mercy: 1,
            force: false,
            ..ShutdownConfig::default()
        },
        ..Config::release_default()
    };
    let (bound, listens) = oneshot::channel();
    let bound = Mutex::new(Some(bound));
    let book = sandbox.clone();
    let rocket = rocket::custom(config)
        .manage(sandbox)
        .manage(pages::Templates::new()?)
        .mount("/v1", routes![read, write, remove])
        .mount("/", pages::routes())
        .mount("/", till::routes())
        .mount("/", desk::routes())
        .register("/v1", catchers![not_a_call])
        .register("/", pages::catchers())
        .attach(AdHoc::on_liftoff("address", move |rocket| {
            // Before the first call is heard, so that no answer names another address.
            let (address, port) = (rocket.config().address, rocket.config().port);
            book.book().set_base(&base(address, port));
            if let Some(bound) = bound.lock().unwrap_or_else(PoisonError::into_inner).take() {
                let _ = bound.send(port);
            }
            Box::pin(async {})
        }))
        .ignite()
        .await
        .map_err(|error| Error::internal(error.pretty_print_to_text()))?;
    let shutdown = rocket.shutdown();
    let server = tokio::spawn(async move {
        if let Err(error) = rocket.launch().await {
            tracing::debug!(error = error.pretty_print_to_text(), "the pretend Stripe's server ended");
        }
    });
    match listens.await {
        Ok(port) => Ok((port, shutdown, server)),
        Err(_) => Err(Error::refused(format!("The pretend Stripe cannot listen at {address}, port {port}."))),
    }
}

fn base(address: IpAddr, port: u16) -> String {
    match address {
        address if address.is_unspecified() => format!("http://127.0.0.1:{port}"),
        IpAddr::V4(address) => format!("http://{address}:{port}"),
        IpAddr::V6(address) => format!("http://[{address}]:{port}"),
    }
}

/// Rocket prints its errors when they are dropped unread; this reads them.
trait Said {
    fn pretty_print_to_text(&self) -> String;
}
impl Said for rocket::Error {
    fn pretty_print_to_text(&self) -> String {
        self.kind().to_string()
    }
}

/// A call: who asks (anyone with any key), for what, and under which idempotency key.
struct Call {
    method: &'static str,
    path: String,
    query: String,
    has_key: bool,
    idempotency: Option<String>,
    version: String,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Call {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Call, Self::Error> {
        let header = |name| request.headers().get_one(name).map(str::to_owned);
        let method = match request.method() {
            Method::Post => "POST",
            Method::Delete => "DELETE",
            _ => "GET",
        };
        Outcome::Success(Call {
            method,
            path: request.uri().path().raw().as_str().to_owned(),
            query: request.uri().query().map(|query| query.raw().as_str().to_owned()).unwrap_or_default(),
            has_key: header("authorization").is_some_and(|said| brings_key(&said)),
            idempotency: header("idempotency-key").filter(|_| method == "POST"),
            version: header("stripe-version").unwrap_or_else(|| VERSION.to_owned()),
        })
    }
}

/// `Bearer key`, or `Basic` with the key as the name.
fn brings_key(said: &str) -> bool {
    use base64::Engine;
    let (scheme, rest) = said.split_once(' ').unwrap_or((said, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => !rest.trim().is_empty(),
        "basic" => base64::engine::general_purpose::STANDARD
            .decode(rest.trim())
            .is_ok_and(|bytes| bytes.first().is_some_and(|byte| *byte != b':')),
        _ => false,
    }
}

/// What goes back: a status, JSON, and Stripe's headers.
struct Reply {
    status: u16,
    body: String,
    request: String,
    version: String,
    idempotency: Option<String>,
    replayed: bool,
}

impl<'r> Responder<'r, 'static> for Reply {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut build = Response::build();
        build
            .status(Status::new(self.status))
            .header(Header::new("content-type", "application/json"))
            .header(Header::new("cache-control", "no-cache, no-store"))
            .header(Header::new("request-id", self.request))
            .header(Header::new("stripe-version", self.version));
        if self.status == 401 {
            build.header(Header::new("www-authenticate", "Bearer realm=\"Stripe\""));
        }
        if let Some(key) = self.idempotency {
            build.header(Header::new("idempotency-key", key));
        }
        if self.replayed {
            build.header(Header::new("idempotent-replayed", "true"));
        }
        if self.status == 503 {
            build.header(Header::new("retry-after", "1"));
        }
        build.sized_body(self.body.len(), std::io::Cursor::new(self.body)).ok()
    }
}

#[rocket::get("/<_..>")]
async fn read(call: Call, sandbox: &State<Arc<Sandbox>>) -> Reply {
    let query = call.query.clone();
    answer(call, query, sandbox).await
}

#[rocket::post("/<_..>", data = "<body>")]
async fn write(call: Call, body: Data<'_>, sandbox: &State<Arc<Sandbox>>) -> Reply {
    let body = match body.open(BODY.bytes()).into_string().await {
        Ok(body) if body.is_complete() => Ok(body.into_inner()),
        _ => Err(Fault::invalid(None, "The body is too long, or no text.", "")),
    };
    match body {
        Ok(body) => answer(call, body, sandbox).await,
        Err(fault) => refusal(&call, &fault, new_id("req_", 14).unwrap_or_default()),
    }
}

#[rocket::delete("/<_..>")]
async fn remove(call: Call, sandbox: &State<Arc<Sandbox>>) -> Reply {
    let query = call.query.clone();
    answer(call, query, sandbox).await
}

async fn answer(call: Call, encoded: String, sandbox: &Arc<Sandbox>) -> Reply {
    let request = new_id("req_", 14).unwrap_or_default();
    if sandbox.faults.is_away() {
        return refusal(&call, &Fault::trouble(503, "The pretend Stripe is away for a while."), request);
    }
    match answered(&call, &encoded, &request, sandbox).await {
        Err(fault) => refusal(&call, &fault, request),
        Ok(_) if sandbox.faults.loses_answer() => {
            refusal(&call, &Fault::trouble(500, "This answer got lost on the way."), request)
        }
        Ok((status, body, request, replayed)) => {
            Reply { status, body, request, version: call.version, idempotency: call.idempotency, replayed }
        }
    }
}

type Done = (u16, String, String, bool);

async fn answered(call: &Call, encoded: &str, request: &str, sandbox: &Arc<Sandbox>) -> Result<Done, Fault> {
    if !call.has_key {
        return Err(Fault::no_key());
    }
    if call.idempotency.as_ref().is_some_and(|key| key.is_empty() || key.len() > 255) {
        let message = "Idempotency keys have between 1 and 255 characters.";
        return Err(Fault::invalid(None, message, ""));
    }
    let params = Params::read(encoded)?;
    let (method, path, key, request) =
        (call.method, call.path.clone(), call.idempotency.clone(), request.to_owned());
    sandbox
        .change(move |book, now| {
            let asked = secrets::sha256(params.canonical());
            if let Some(kept) = key.as_deref().and_then(|key| book.answer(key)) {
                return replay(kept, &path, &asked, book.base());
            }
            let segments: Vec<&str> =
                path.trim_start_matches("/v1").split('/').filter(|part| !part.is_empty()).collect();
            if method == "POST" {
                book.asked = Asked { request: Some(request.clone()), key: key.clone() };
            }
            let object = api::call(book, method, &segments, &params, now)?;
            let body = serde_json::to_string_pretty(&object).unwrap_or_default();
            // Kept together with what it did. A refusal did nothing and is not kept: the same wish may succeed later.
            if let Some(key) = key {
                book.answered(Answer {
                    key,
                    path,
                    asked,
                    at: now,
                    status: 200,
                    body: body.clone(),
                    request: request.clone(),
                    base: book.base().to_owned(),
                });
            }
            Ok((200, body, request, false))
        })
        .await
}

/// The answer that was given under this key before. Addresses in it follow a server that has moved since.
fn replay(kept: &Answer, path: &str, asked: &str, base: &str) -> Result<Done, Fault> {
    if kept.path != path {
        return Err(Fault::reused(&kept.key, Some(&kept.path)));
    }
    if kept.asked != asked {
        return Err(Fault::reused(&kept.key, None));
    }
    let here = |address: &str| format!("\"url\": \"{address}/pay/");
    let body = kept.body.replace(&here(&kept.base), &here(base));
    Ok((kept.status, body, kept.request.clone(), true))
}

fn refusal(call: &Call, fault: &Fault, request: String) -> Reply {
    let mut body: Value = fault.body();
    body["error"]["request_log_url"] =
        Value::String(format!("https://dashboard.stripe.com/test/logs/{request}"));
    Reply {
        status: fault.status,
        body: serde_json::to_string_pretty(&body).unwrap_or_default(),
        request,
        version: call.version.clone(),
        idempotency: call.idempotency.clone(),
        replayed: false,
    }
}

/// Methods that no call has.
#[catch(default)]
fn not_a_call(status: Status, request: &Request<'_>) -> (Status, (rocket::http::ContentType, String)) {
    let fault = match status.code {
        500 => Fault::trouble(500, "The pretend Stripe stumbled."),
        _ => Fault::no_such_address(request.method().as_str(), &request.uri().path().to_string()),
    };
    (Status::new(fault.status), (rocket::http::ContentType::JSON, fault.body().to_string()))
}
