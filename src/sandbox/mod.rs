//! The pretend Stripe: a development server that speaks Stripe's own interface for exactly the calls the shop makes,
//! with a payment page that takes Stripe's test cards, signed webhooks, and a page that shows what it holds.
//!
//! It is a server of its own, reached by its address like the real one. Nothing of the shop looks in here, and
//! nothing in here looks into the shop. Production refuses it (`config`).

mod api;
mod book;
mod cards;
mod desk;
mod fault;
mod journal;
mod objects;
mod pages;
mod params;
mod records;
mod routes;
mod shelf;
mod till;
mod webhooks;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rocket::Shutdown;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::book::Book;
use self::fault::Fault;
use self::webhooks::Poster;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// How a pretend Stripe is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0 takes a free one: that of the last time, where it is still free, so that open payment pages stay reachable.
    pub port: u16,
    pub address: IpAddr,
    /// Where its state lives.
    pub folder: PathBuf,
    /// Where webhooks go; with nothing in it they wait.
    pub webhook_url: String,
    pub webhook_secret: String,
}

/// A pretend Stripe at work. It ends when it is stopped.
pub struct Running {
    /// Its address, as `CUEHOUSE_STRIPE_URL` takes it: no slash at the end.
    pub url: String,
    pub port: u16,
    sandbox: Arc<Sandbox>,
    stop: watch::Sender<bool>,
    rocket: Shutdown,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts a pretend Stripe; when this answers, it listens.
pub async fn start(options: Options) -> Result<Running> {
    let remembered = options.folder.join("port");
    let mut port = options.port;
    if port == 0 {
        port =
            std::fs::read_to_string(&remembered).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    }
    let folder = options.folder.clone();
    let book =
        tokio::task::spawn_blocking(move || Book::open(&folder, "", Timestamp::now().secs())).await??;
    let sandbox = Arc::new(Sandbox {
        book: Mutex::new(book),
        webhook: Mutex::new((options.webhook_url.clone(), options.webhook_secret.clone())),
        poster: Poster::new()?,
        bell: Notify::new(),
        faults: Faults::default(),
        skew: AtomicI64::new(0),
    });
    let (port, rocket, server) = match routes::listen(options.address, port, sandbox.clone()).await {
        Err(_) if options.port == 0 && port != 0 => {
            routes::listen(options.address, 0, sandbox.clone()).await?
        }
        listening => listening?,
    };
    let url = sandbox.book().base().to_owned();
    std::fs::write(&remembered, port.to_string())?;
    let (stop, stopped) = watch::channel(false);
    let delivery = tokio::spawn(webhooks::run(sandbox.clone(), stopped));
    Ok(Running { url, port, sandbox, stop, rocket, tasks: vec![server, delivery] })
}

/// Starts a pretend Stripe alone, says where it is, and stops it when the process is told to end.
pub async fn serve_until_signal(options: Options) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let webhook_url = options.webhook_url.clone();
    let running = start(options).await?;
    println!("The pretend Stripe is at {}", running.url);
    println!("Webhooks go to {webhook_url}");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}

/// One event as it stands: what it is called, and whether its webhook has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub id: String,
    pub kind: String,
    /// The id of the object it tells of.
    pub about: String,
    pub delivered: bool,
    pub attempts: u32,
}

impl Running {
    /// Ends it in good order. What was not delivered is delivered after the next start.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.rocket.notify();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::warn!(%error, "the pretend Stripe ended badly");
            }
        }
    }

    /// Sends webhooks to another address from now on.
    pub fn send_webhooks_to(&self, url: &str) {
        self.sandbox.webhook_mut().0 = url.to_owned();
        self.sandbox.bell.notify_one();
    }

    /// Keeps webhooks back, or lets them go.
    pub fn hold_webhooks(&self, hold: bool) {
        self.sandbox.faults.hold_webhooks(hold);
        self.sandbox.bell.notify_one();
    }

    /// Sends everything that waits, the youngest first, also while webhooks are held back.
    pub async fn release_reversed(&self) -> Result<()> {
        webhooks::send_waiting_reversed(&self.sandbox).await.map_err(Error::from)
    }

    /// Sends an event so many times at the same moment, and says which statuses came back.
    pub async fn send_at_once(&self, event: &str, times: usize) -> Result<Vec<u16>> {
        let sent = (0..times).map(|_| webhooks::attempt(&self.sandbox, event));
        let heard = futures::future::join_all(sent).await;
        heard.into_iter().map(|status| Ok(status?.unwrap_or(0))).collect()
    }

    /// Is away: every call is answered with 503, until it is back.
    pub fn go_away(&self, away: bool) {
        self.sandbox.faults.away.store(away, Ordering::SeqCst);
    }

    /// Does what the next so many calls want, but answers them with 500, as if their answers had been lost.
    pub fn lose_answers(&self, calls: u32) {
        self.sandbox.faults.lost_answers.store(calls, Ordering::SeqCst);
    }

    /// Moves its clock forward, for what time alone brings about: the end of sessions.
    pub async fn let_pass(&self, secs: i64) -> Result<()> {
        self.sandbox.skew.fetch_add(secs, Ordering::SeqCst);
        Ok(self.sandbox.change(|_, _| Ok(())).await?)
    }

    /// Every event so far, the oldest first.
    pub fn told(&self) -> Vec<Told> {
        let book = self.sandbox.book();
        book.events()
            .map(|event| {
                let delivery = book.delivery(&event.id);
                Told {
                    id: event.id.clone(),
                    kind: event.kind.clone(),
                    about: event.object["id"].as_str().unwrap_or_default().to_owned(),
                    delivered: delivery.is_some_and(|delivery| delivery.delivered_at.is_some()),
                    attempts: delivery.map_or(0, |delivery| delivery.attempts),
                }
            })
            .collect()
    }

    /// Waits until every webhook has arrived; says whether that was so within the time.
    pub async fn settled(&self, within: Duration) -> bool {
        let began = Instant::now();
        while self.sandbox.book().waiting().next().is_some() {
            if began.elapsed() > within {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}

/// What all parts of one pretend Stripe share.
struct Sandbox {
    book: Mutex<Book>,
    webhook: Mutex<(String, String)>,
    poster: Poster,
    /// Rung when a webhook may be due.
    bell: Notify,
    faults: Faults,
    /// Seconds its clock is ahead.
    skew: AtomicI64,
}

/// Troubles that tests switch on.
#[derive(Default)]
struct Faults {
    held: AtomicBool,
    away: AtomicBool,
    lost_answers: AtomicU32,
}

impl Faults {
    fn holds_webhooks(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }

    fn hold_webhooks(&self, hold: bool) {
        self.held.store(hold, Ordering::SeqCst);
    }

    fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    /// Whether this answer is one of those to be lost.
    fn loses_answer(&self) -> bool {
        self.lost_answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

impl Sandbox {
    /// Looks into the book, or changes it in what needs no writing down.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn webhook_mut(&self) -> MutexGuard<'_, (String, String)> {
        self.webhook.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where webhooks go, and what signs them.
    fn webhook(&self) -> (String, String) {
        self.webhook_mut().clone()
    }

    /// Changes the book: when this answers, the change is on the disk; when it fails, there was none.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Book, i64) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let sandbox = self.clone();
        let changed = tokio::task::spawn_blocking(move || {
            let mut book = sandbox.book();
            let now = Timestamp::now().secs() + sandbox.skew.load(Ordering::SeqCst);
            // Whatever a change that panicked left behind goes first.
            book.forget_unkept()?;
            book.asked = book::Asked::default();
            let outcome = book.pass(now).and_then(|()| Ok(book.keep()?)).and_then(|passed| {
                let made = change(&mut book, now)?;
                Ok((book.keep()? || passed, made))
            });
            if outcome.is_err() {
                book.forget_unkept()?;
            }
            drop(book);
            if let Ok((true, _)) = &outcome {
                sandbox.bell.notify_one();
            }
            outcome.map(|(_, made)| made)
        });
        changed.await.unwrap_or_else(|_| Err(Fault::trouble(500, "The pretend Stripe stumbled.")))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        Error::internal(format!("the pretend Stripe: {}", fault.message))
    }
}
