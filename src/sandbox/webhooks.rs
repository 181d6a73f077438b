//! Webhooks on their way: each event is posted, signed, until the other side says it has it. At least once, in no
//! promised order, and also after a kill.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Sandbox;
use super::fault::Fault;
use super::records::Delivery;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::stripe;

/// Seconds the other side has for its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Webhooks on their way at the same moment.
const AT_ONCE: usize = 4;
/// How often we look whether something is due.
const TICK: Duration = Duration::from_millis(200);
/// Milliseconds before the second attempt; doubled with each further one, up to a bound.
const FIRST_PAUSE: i64 = 1_000;
const LONGEST_PAUSE: i64 = 300_000;
/// Milliseconds after which an event is given up, as at Stripe.
const GIVEN_UP: i64 = 3 * 86_400_000;

/// What posts webhooks.
pub struct Poster {
    client: reqwest::Client,
}

impl Poster {
    /// A poster that follows no redirect and no proxy.
    pub fn new() -> Result<Poster> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // A redirect is no receipt.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(Error::internal)?;
        Ok(Poster { client })
    }

    /// Posts an event once: the status that came back, or why none did.
    pub async fn post(&self, url: &str, secret: &str, body: String) -> std::result::Result<u16, String> {
        let signature = stripe::sign(body.as_bytes(), secret, Timestamp::now());
        let sent = self
            .client
            .post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", signature)
            .body(body)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let status = answer.status().as_u16();
                // An answer is heard to its end, so that the connection can serve again.
                let _ = answer.bytes().await;
                Ok(status)
            }
            Err(error) if error.is_timeout() => Err("no answer in ten seconds".to_owned()),
            Err(error) if error.is_connect() => Err("nobody listens".to_owned()),
            Err(_) => Err("no answer".to_owned()),
        }
    }
}

/// Lets time pass and sends what is due, until told to stop.
pub async fn run(sandbox: Arc<Sandbox>, mut stop: watch::Receiver<bool>) {
    let mut on_the_way: HashSet<String> = HashSet::new();
    let mut posts: JoinSet<String> = JoinSet::new();
    loop {
        if let Err(fault) = sandbox.change(|_, _| Ok(())).await {
            tracing::error!(fault.message, "the pretend Stripe lost its thread");
        }
        if !sandbox.faults.holds_webhooks() {
            for event in due(&sandbox) {
                if on_the_way.len() >= AT_ONCE {
                    break;
                }
                if on_the_way.insert(event.clone()) {
                    let sandbox = sandbox.clone();
                    posts.spawn(async move {
                        let _ = attempt(&sandbox, &event).await;
                        event
                    });
                }
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(done) = posts.join_next() => {
                match done {
                    Ok(event) => { on_the_way.remove(&event); }
                    // A post that panicked says not which; all may be tried again.
                    Err(_) => on_the_way.clear(),
                }
            }
            () = sandbox.bell.notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Events whose webhook is due, in the order in which they became so.
fn due(sandbox: &Sandbox) -> Vec<String> {
    let now = Timestamp::now().0;
    let book = sandbox.book();
    let mut due: Vec<&Delivery> = book.waiting().filter(|delivery| delivery.due <= now).collect();
    due.sort_by_key(|delivery| delivery.due);
    due.into_iter().map(|delivery| delivery.event.clone()).collect()
}

/// Sends an event once, and writes down what came of it. The status that was heard, if any.
pub async fn attempt(sandbox: &Arc<Sandbox>, id: &str) -> std::result::Result<Option<u16>, Fault> {
    let body = {
        let book = sandbox.book();
        let event = book.event(id).ok_or_else(|| Fault::missing("event", id, "id"))?;
        serde_json::to_string_pretty(&book.event_object(event)).unwrap_or_default()
    };
    let (url, secret) = sandbox.webhook();
    let heard = sandbox.poster.post(&url, &secret, body).await;
    let status = heard.as_ref().ok().copied();
    let id = id.to_owned();
    sandbox
        .change(move |book, _| {
            let now = Timestamp::now().0;
            let Some(mut delivery) = book.delivery(&id).cloned() else { return Ok(()) };
            delivery.attempts += 1;
            delivery.heard = Some(heard.map_or_else(|why| why, |status| status.to_string()));
            if status.is_some_and(|status| (200..300).contains(&status)) {
                delivery.copies = delivery.copies.saturating_sub(1);
                delivery.delivered_at.get_or_insert(now);
                delivery.due = now;
            } else {
                let pause =
                    FIRST_PAUSE.saturating_mul(1 << (delivery.attempts - 1).min(16)).min(LONGEST_PAUSE);
                delivery.due = now + pause;
                let created = book.event(&id).map_or(0, |event| event.created * 1000);
                if now - created > GIVEN_UP {
                    delivery.copies = 0;
                }
            }
            book.delivered(delivery);
            Ok(())
        })
        .await?;
    Ok(status)
}

/// Sends everything that waits, due or not, one after the other, the youngest first.
pub async fn send_waiting_reversed(sandbox: &Arc<Sandbox>) -> std::result::Result<(), Fault> {
    let waiting: Vec<String> = sandbox.book().waiting().map(|delivery| delivery.event.clone()).collect();
    for event in waiting.iter().rev() {
        attempt(sandbox, event).await?;
    }
    Ok(())
}
