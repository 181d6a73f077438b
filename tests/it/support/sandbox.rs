//! A pretend Stripe of one test, and a place that its webhooks arrive at.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cuehouse::clock::Timestamp;
use cuehouse::ids::OrderId;
use cuehouse::money::Cents;
use cuehouse::sandbox::{self, Options, Running};
use cuehouse::stripe::{CheckoutWish, Stripe, WishLine};
use reqwest::{Client, Response};
use rocket::data::ToByteUnit;
use rocket::http::Status;
use rocket::{Data, Request, State};

use super::folder::TestFolder;

pub const SECRET: &str = "whsec_of_the_tests";
pub const PAYS: &str = "4242424242424242";

pub struct TestSandbox {
    pub running: Option<Running>,
    pub folder: TestFolder,
    pub inbox: Inbox,
    pub stripe: Stripe,
    pub http: Client,
}

pub async fn sandbox_in(folder: &Path, webhook_url: &str) -> Running {
    let options = Options {
        port: 0,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        folder: folder.to_owned(),
        webhook_url: webhook_url.to_owned(),
        webhook_secret: SECRET.to_owned(),
    };
    sandbox::start(options).await.unwrap()
}

pub fn browser() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

impl TestSandbox {
    pub async fn new() -> TestSandbox {
        let folder = TestFolder::new();
        let inbox = Inbox::new().await;
        let running = sandbox_in(folder.path(), &inbox.url).await;
        let stripe = Stripe::new(&running.url, "sk_test_any").unwrap();
        TestSandbox { running: Some(running), folder, inbox, stripe, http: browser() }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running().url)
    }

    /// Stops it and starts it again on what it left behind.
    pub async fn restarts(&mut self) {
        self.running.take().unwrap().stop().await;
        self.running = Some(sandbox_in(self.folder.path(), &self.inbox.url).await);
        self.stripe = Stripe::new(&self.running().url, "sk_test_any").unwrap();
    }

    /// A call of Stripe's interface with these parameters.
    pub async fn post(&self, path: &str, form: &[(&str, &str)], key: Option<&str>) -> Response {
        let mut call = self.http.post(self.url(path)).bearer_auth("sk_test_any").body(encoded(form));
        if let Some(key) = key {
            call = call.header("idempotency-key", key);
        }
        call.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> serde_json::Value {
        let answer = self.http.get(self.url(path)).bearer_auth("sk_test_any").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// What a person sends with the payment page.
    pub async fn pays(&self, session: &str, card: &str) -> Response {
        let form =
            [("card_number", card), ("exp", "12 / 34"), ("cvc", "123"), ("email", "buyer@example.com")];
        self.submits(&format!("/pay/{session}"), &form).await
    }

    /// What a person sends with a form of one of its pages.
    pub async fn submits(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.http
            .post(self.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", self.running().url.clone())
            .body(encoded(form))
            .send()
            .await
            .unwrap()
    }

    pub async fn opens(&self, wish: &CheckoutWish) -> String {
        self.stripe.checkout(wish).await.unwrap().id
    }

    /// A session that was paid with this card.
    pub async fn paid_with(&self, card: &str) -> String {
        let session = self.opens(&wish(2_900)).await;
        assert_eq!(self.pays(&session, card).await.status(), 303);
        session
    }

    /// The kinds of events so far, the oldest first.
    pub fn kinds(&self) -> Vec<String> {
        self.running().told().into_iter().map(|told| told.kind).collect()
    }
}

/// A new order of one line at this price.
pub fn wish(cents: i64) -> CheckoutWish {
    CheckoutWish {
        order: OrderId::new(),
        try_number: 1,
        currency: "usd".to_owned(),
        lines: vec![WishLine {
            name: "Rain on tin, standard licence".to_owned(),
            description: Some("by Ann & Bob <tape>".to_owned()),
            amount: Cents(cents),
        }],
        email: Some("buyer@example.com".to_owned()),
        success_url: "http://shop.example/orders/1?session={CHECKOUT_SESSION_ID}".to_owned(),
        cancel_url: "http://shop.example/cart".to_owned(),
        expires: Timestamp::now().plus(3_600_000),
    }
}

pub fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// A place that webhooks arrive at: keeps what came, answers what it is told to.
pub struct Inbox {
    pub url: String,
    kept: Arc<Kept>,
    shutdown: rocket::Shutdown,
}

#[derive(Default)]
struct Kept {
    letters: Mutex<Vec<Letter>>,
    /// What the next ones are answered; 200 when there is nothing left.
    answers: Mutex<Vec<u16>>,
}

/// A webhook as it came.
#[derive(Clone)]
pub struct Letter {
    pub signature: String,
    pub body: Vec<u8>,
    pub answered: u16,
}

impl Letter {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

struct Signature(String);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Signature {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> rocket::request::Outcome<Signature, ()> {
        let header = request.headers().get_one("stripe-signature").unwrap_or_default();
        rocket::request::Outcome::Success(Signature(header.to_owned()))
    }
}

#[rocket::post("/stripe/webhook", data = "<body>")]
async fn arrives(signature: Signature, body: Data<'_>, kept: &State<Arc<Kept>>) -> Status {
    let body = body.open(1.mebibytes()).into_bytes().await.unwrap().into_inner();
    let answered = {
        let mut answers = kept.answers.lock().unwrap();
        if answers.is_empty() { 200 } else { answers.remove(0) }
    };
    kept.letters.lock().unwrap().push(Letter { signature: signature.0, body, answered });
    Status::new(answered)
}

impl Inbox {
    pub async fn new() -> Inbox {
        let kept = Arc::new(Kept::default());
        let (bound, listens) = tokio::sync::oneshot::channel();
        let bound = Mutex::new(Some(bound));
        let config = rocket::Config {
            port: 0,
            log_level: rocket::config::LogLevel::Off,
            shutdown: rocket::config::Shutdown { ctrlc: false, grace: 0, mercy: 0, ..Default::default() },
            ..rocket::Config::debug_default()
        };
        let server = rocket::custom(config)
            .manage(kept.clone())
            .mount("/", rocket::routes![arrives])
            .attach(rocket::fairing::AdHoc::on_liftoff("port", move |rocket| {
                let bound = bound.lock().unwrap().take().unwrap();
                let _ = bound.send(rocket.config().port);
                Box::pin(async {})
            }))
            .ignite()
            .await
            .unwrap();
        let shutdown = server.shutdown();
        tokio::spawn(server.launch());
        let port = listens.await.unwrap();
        Inbox { url: format!("http://127.0.0.1:{port}/stripe/webhook"), kept, shutdown }
    }

    /// Answers the next webhooks with these.
    pub fn answers(&self, statuses: &[u16]) {
        self.kept.answers.lock().unwrap().extend(statuses);
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.kept.letters.lock().unwrap().clone()
    }

    /// The first letter of this kind, when it comes.
    pub async fn hears(&self, kind: &str) -> Letter {
        let began = Instant::now();
        loop {
            if let Some(letter) = self.letters().into_iter().find(|letter| letter.kind() == kind) {
                return letter;
            }
            assert!(began.elapsed() < Duration::from_secs(15), "no {kind} came");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}
