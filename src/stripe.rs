//! Stripe's wire: a checkout is opened, looked at and closed, events are fetched, and a webhook's signature
//! is proven.
//!
//! Requests are built by async-stripe; answers are read here, from the JSON as it came, because the library
//! drops a whole answer when one member it expects is missing, after the money may have moved. What an event
//! means for an order is decided in `sales`, never here.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use ::stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_core::event::ListEvent;
use stripe_core::refund::CreateRefund;
use stripe_types::{Currency, RangeQueryTs};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::OrderId;
use crate::money::Cents;

/// Seconds that a signature's time may differ from ours, in both directions (Stripe's own tolerance).
pub const TOLERANCE_SECS: i64 = 300;

/// Seconds one call to Stripe may take; the library itself would wait for ever.
const TIMEOUT_SECS: u64 = 10;
/// How often a call is made in all before it counts as unanswered.
const ATTEMPTS: u32 = 3;
/// Events in one page, and pages in one look-up: Stripe's largest page, and a bound on a night's work.
const PAGE: i64 = 100;
const PAGES: usize = 100;

/// Stripe, or whatever speaks like it, at one address. Cloning shares nothing but the settings.
#[derive(Clone, Debug)]
pub struct Stripe {
    client: Client,
    address: String,
}

/// What a buyer is asked to pay, and where they go afterwards.
#[derive(Clone, Debug)]
pub struct CheckoutWish {
    pub order: OrderId,
    /// Which try of this order: every further try gets its own session, the same try the same one.
    /// A repeated try must wish for exactly the same, or Stripe answers that it differs.
    pub try_number: u32,
    /// ISO 4217 in small letters.
    pub currency: String,
    pub lines: Vec<WishLine>,
    pub email: Option<String>,
    /// `{CHECKOUT_SESSION_ID}` in it is filled in by Stripe.
    pub success_url: String,
    pub cancel_url: String,
    /// Between 30 minutes and 24 hours from now, as Stripe wants it.
    pub expires: Timestamp,
}

/// One line of a wish: a name, a few words and the price of one.
#[derive(Clone, Debug)]
pub struct WishLine {
    pub name: String,
    pub description: Option<String>,
    pub amount: Cents,
}

/// A Checkout Session as Stripe describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    /// Where the buyer pays; gone once the session is complete or expired.
    pub url: Option<String>,
    /// `open`, `complete` or `expired`.
    pub status: String,
    /// `paid`, `unpaid` or `no_payment_required`.
    pub payment_status: String,
    pub payment_intent: Option<String>,
    pub amount_total: Cents,
    pub currency: String,
    /// The order this session was opened for, as its metadata says.
    pub order: Option<String>,
}

impl Session {
    pub fn is_paid(&self) -> bool {
        self.payment_status == "paid"
    }

    pub fn is_open(&self) -> bool {
        self.status == "open"
    }
}

/// An event as it lies at Stripe: its JSON is what a webhook would have brought.
#[derive(Clone, Debug)]
pub struct RawEvent {
    pub id: String,
    pub kind: String,
    pub created: Timestamp,
    pub body: String,
}

/// What an event says, read without insisting on members that nobody here needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// Stripe's name for it, such as `checkout.session.completed`.
    pub kind: String,
    pub created: Timestamp,
    pub about: About,
}

/// What happened. Kinds that mean nothing to the shop are `Other`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The buyer paid: the session completed with its money, or the money came later.
    Paid(Checkout),
    /// The session completed, its money is still on the way.
    Awaited(Checkout),
    /// Money that was on the way did not come.
    Failed(Checkout),
    Expired(Checkout),
    /// A charge has been given back in all or in part; `refunded` is the sum so far.
    Refunded {
        payment_intent: Option<String>,
        charge: String,
        amount: Cents,
        refunded: Cents,
        currency: String,
        order: Option<String>,
    },
    /// One refund was made or changed: `pending`, `succeeded`, `failed`, `canceled`, `requires_action`.
    Refund {
        refund: String,
        payment_intent: Option<String>,
        amount: Cents,
        currency: String,
        status: String,
    },
    /// A bank disputes a payment, or what it says of the dispute changed.
    Disputed {
        dispute: String,
        payment_intent: Option<String>,
        amount: Cents,
        currency: String,
        status: String,
    },
    /// A dispute ended: `won`, `lost` or `warning_closed`.
    DisputeClosed {
        dispute: String,
        payment_intent: Option<String>,
        amount: Cents,
        currency: String,
        status: String,
    },
    Other,
}

/// What an event says of a Checkout Session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    pub session: String,
    pub payment_intent: Option<String>,
    pub amount_total: Cents,
    pub currency: String,
    /// The order the session was opened for, as its metadata says.
    pub order: Option<String>,
}

impl Stripe {
    /// Stripe at this address (`https://api.stripe.com/` or another that speaks like it) under this key.
    pub fn new(base_url: &str, secret_key: &str) -> Result<Stripe> {
        let url = format!("{}/", base_url.trim_end_matches('/'));
        let client = ClientBuilder::new(secret_key)
            .url(url.clone())
            .timeout(Duration::from_secs(TIMEOUT_SECS))
            .app_info("cuehouse", Some(env!("CARGO_PKG_VERSION").to_owned()), None)
            .build()
            .map_err(Error::internal)?;
        Ok(Stripe { client, address: url })
    }

    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Opens the session of this order's try, or finds the one that an earlier call opened.
    /// Unanswered calls are repeated under the same key, so that no second session arises.
    pub async fn checkout(&self, wish: &CheckoutWish) -> Result<Session> {
        let key = IdempotencyKey::new(format!("order-{}-try-{}", wish.order, wish.try_number))
            .map_err(Error::internal)?;
        session(&self.call(&request(wish), Some(key)).await?).map_err(Error::internal)
    }

    /// The session as it is now.
    pub async fn session(&self, id: &str) -> Result<Session> {
        session(&self.call(&RetrieveCheckoutSession::new(id), None).await?).map_err(Error::internal)
    }

    /// Closes an open session, so that nobody can pay it any more. One that is not open stays as it is.
    pub async fn expire(&self, id: &str) -> Result<()> {
        match self.call(&ExpireCheckoutSession::new(id), None).await {
            Err(Error::Refused(_)) if !self.session(id).await?.is_open() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Gives a whole payment back. Asked again under the same key it is given back once.
    pub async fn refund(&self, payment_intent: &str, key: &str) -> Result<()> {
        let key = IdempotencyKey::new(format!("refund-{key}")).map_err(Error::internal)?;
        self.call(&CreateRefund::new().payment_intent(payment_intent), Some(key)).await.map(drop)
    }

    /// Every event made since, oldest first; with `after`, only those younger than that event. Stripe keeps
    /// thirty days. Kinds the shop has no use for are among them.
    pub async fn recent_events(&self, since: Timestamp, after: Option<&str>) -> Result<Vec<RawEvent>> {
        let mut events = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let mut list = ListEvent::new().created(RangeQueryTs::gte(since.secs())).limit(PAGE);
            if let Some(last) = &cursor {
                list = list.starting_after(last.as_str());
            }
            let page = self.call(&list, None).await?;
            for event in page["data"].as_array().into_iter().flatten() {
                let event = raw_event(event).map_err(Error::internal)?;
                if after == Some(event.id.as_str()) {
                    events.reverse();
                    return Ok(events);
                }
                events.push(event);
            }
            cursor = events.last().map(|event: &RawEvent| event.id.clone());
            if page["has_more"] != Value::Bool(true) || cursor.is_none() {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }

    /// Sends a request up to three times and reads the answer as plain JSON. A request that changes
    /// something goes out under one key each time, so that only the first to arrive does anything.
    async fn call<R: StripeRequest>(&self, request: &R, key: Option<IdempotencyKey>) -> Result<Value> {
        let mut tries = 0;
        loop {
            let strategy = key.clone().map_or(RequestStrategy::Once, RequestStrategy::Idempotent);
            let sent = request.build().customize::<miniserde::json::Value>().request_strategy(strategy);
            tries += 1;
            match sent.send(&self.client).await {
                Ok(answer) => return Ok(serde_json::from_str(&miniserde::json::to_string(&answer))?),
                Err(error) => match meaning(error) {
                    Error::Busy(_) if tries < ATTEMPTS => {
                        tokio::time::sleep(Duration::from_millis(150 * 3_u64.pow(tries))).await;
                    }
                    settled => return Err(settled),
                },
            }
        }
    }
}

fn request(wish: &CheckoutWish) -> CreateCheckoutSession {
    let Ok(currency) = Currency::from_str(&wish.currency);
    let order = HashMap::from([("order".to_owned(), wish.order.to_string())]);
    let lines: Vec<_> = wish.lines.iter().map(|line| item(line, currency.clone())).collect();
    let mut request = CreateCheckoutSession::new()
        .mode(stripe_shared::CheckoutSessionMode::Payment)
        .client_reference_id(wish.order.as_str())
        .metadata(order.clone())
        // The payment carries the order too: refunds and disputes name only the payment.
        .payment_intent_data(CreateCheckoutSessionPaymentIntentData {
            metadata: Some(order),
            ..Default::default()
        })
        .line_items(lines)
        .success_url(wish.success_url.as_str())
        .cancel_url(wish.cancel_url.as_str())
        .expires_at(wish.expires.secs());
    if let Some(email) = &wish.email {
        request = request.customer_email(email.as_str());
    }
    request
}

fn item(line: &WishLine, currency: Currency) -> CreateCheckoutSessionLineItems {
    let mut product = ProductData::new(line.name.as_str());
    product.description = line.description.clone().filter(|words| !words.is_empty());
    CreateCheckoutSessionLineItems {
        quantity: Some(1),
        price_data: Some(CreateCheckoutSessionLineItemsPriceData {
            unit_amount: Some(line.amount.0),
            product_data: Some(product),
            ..CreateCheckoutSessionLineItemsPriceData::new(currency)
        }),
        ..CreateCheckoutSessionLineItems::new()
    }
}

/// What a failed call means to the one who asked. An answer nobody can read counts as no answer: it may have
/// come from something between us and Stripe, and what happened is looked up later.
fn meaning(error: StripeError) -> Error {
    let StripeError::Stripe(said, status) = error else {
        tracing::warn!(%error, "no answer from the payment service");
        return match error {
            StripeError::ConfigError(_) => Error::internal(error),
            _ => Error::Busy(5),
        };
    };
    let code = said.code.as_ref().map_or("", |code| code.as_str());
    let words = said.message.as_deref().unwrap_or("");
    tracing::warn!(status, code, kind = said.type_.as_str(), words, "the payment service refused");
    match (status, code) {
        _ if said.type_.as_str() == "idempotency_error" && status != 409 => Error::conflict(
            "This order changed while it was being paid. Start the payment again from the basket.",
        ),
        (409 | 424 | 429 | 500.., _) => Error::Busy(5),
        (401 | 403, _) => Error::internal("Stripe does not accept the secret key"),
        (404, _) => Error::NotFound,
        (_, "amount_too_small") => Error::refused("This amount is too small to be paid by card."),
        (_, "amount_too_large") => {
            Error::refused("This amount is too large to be paid at once. Please order in parts.")
        }
        (_, "email_invalid") => Error::refused("The payment service does not accept this e-mail address."),
        _ => Error::refused("The payment service did not accept this order. Nothing has been charged."),
    }
}

fn session(answer: &Value) -> Result<Session> {
    let about = checkout(answer)?;
    Ok(Session {
        id: about.session,
        url: text(answer, "url"),
        status: need(answer, "status")?,
        payment_status: need(answer, "payment_status")?,
        payment_intent: about.payment_intent,
        amount_total: about.amount_total,
        currency: about.currency,
        order: about.order,
    })
}

fn raw_event(event: &Value) -> Result<RawEvent> {
    Ok(RawEvent {
        id: need(event, "id")?,
        kind: need(event, "type")?,
        created: Timestamp::from_secs(amount(event, "created")?.0),
        body: event.to_string(),
    })
}

/// Reads an event's JSON. Fails with a sentence for the operator when it is no event, or when one of a kind
/// that matters lacks what matters.
pub fn read_event(body: &str) -> Result<Event> {
    let event: Value = serde_json::from_str(body).map_err(|_| Error::refused("The event is not JSON."))?;
    let raw = raw_event(&event)?;
    let object = &event["data"]["object"];
    let about = match raw.kind.as_str() {
        "checkout.session.completed" => match need(object, "payment_status")?.as_str() {
            "unpaid" => About::Awaited(checkout(object)?),
            _ => About::Paid(checkout(object)?),
        },
        "checkout.session.async_payment_succeeded" => About::Paid(checkout(object)?),
        "checkout.session.async_payment_failed" => About::Failed(checkout(object)?),
        "checkout.session.expired" => About::Expired(checkout(object)?),
        "charge.refunded" => About::Refunded {
            payment_intent: id_of(object, "payment_intent"),
            charge: need(object, "id")?,
            amount: amount(object, "amount")?,
            refunded: amount(object, "amount_refunded")?,
            currency: need(object, "currency")?,
            order: text(&object["metadata"], "order"),
        },
        "refund.created" | "refund.updated" | "refund.failed" => About::Refund {
            refund: need(object, "id")?,
            payment_intent: id_of(object, "payment_intent"),
            amount: amount(object, "amount")?,
            currency: need(object, "currency")?,
            status: need(object, "status")?,
        },
        "charge.dispute.created" | "charge.dispute.updated" => About::Disputed {
            dispute: need(object, "id")?,
            payment_intent: id_of(object, "payment_intent"),
            amount: amount(object, "amount")?,
            currency: need(object, "currency")?,
            status: need(object, "status")?,
        },
        "charge.dispute.closed" => About::DisputeClosed {
            dispute: need(object, "id")?,
            payment_intent: id_of(object, "payment_intent"),
            amount: amount(object, "amount")?,
            currency: need(object, "currency")?,
            status: need(object, "status")?,
        },
        _ => About::Other,
    };
    Ok(Event { id: raw.id, kind: raw.kind, created: raw.created, about })
}

fn checkout(object: &Value) -> Result<Checkout> {
    Ok(Checkout {
        session: need(object, "id")?,
        payment_intent: id_of(object, "payment_intent"),
        amount_total: amount(object, "amount_total")?,
        currency: need(object, "currency")?,
        order: text(&object["metadata"], "order").or_else(|| text(object, "client_reference_id")),
    })
}

fn text(object: &Value, member: &str) -> Option<String> {
    object[member].as_str().map(str::to_owned)
}

/// The id of another object, which Stripe gives as text or, where asked to, as the whole object.
fn id_of(object: &Value, member: &str) -> Option<String> {
    text(object, member).or_else(|| text(&object[member], "id"))
}

fn need(object: &Value, member: &str) -> Result<String> {
    text(object, member).ok_or_else(|| Error::refused(format!("Stripe's answer lacks “{member}”.")))
}

fn amount(object: &Value, member: &str) -> Result<Cents> {
    object[member]
        .as_i64()
        .map(Cents)
        .ok_or_else(|| Error::refused(format!("Stripe's answer lacks “{member}”.")))
}

/// Whether this `Stripe-Signature` was made over exactly these bytes, within five minutes of `now`, under one
/// of the secrets (several while one replaces another). Compared in constant time.
pub fn signed(header: &str, body: &[u8], secrets: &[&str], now: Timestamp) -> bool {
    let (mut time, mut signatures) = (None, Vec::new());
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" => time = Some(value),
            "v1" => signatures.extend(hex::decode(value).ok()),
            _ => {}
        }
    }
    let Some(time) = time.filter(|t| {
        t.parse().is_ok_and(|t: i64| now.secs().saturating_sub(t).unsigned_abs() <= TOLERANCE_SECS as u64)
    }) else {
        return false;
    };
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .filter_map(|secret| mac(time, body, secret))
        .any(|mac| signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()))
}

/// The `Stripe-Signature` that Stripe would send with these bytes.
pub fn sign(body: &[u8], secret: &str, now: Timestamp) -> String {
    let time = now.secs().to_string();
    let signature = mac(&time, body, secret).map(|mac| hex::encode(mac.finalize().into_bytes()));
    format!("t={time},v1={}", signature.unwrap_or_default())
}

/// HMAC-SHA256 over `time.body`; every length of key is fine, so this is never nothing.
fn mac(time: &str, body: &[u8], secret: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    #[test]
    fn a_signature_is_the_one_stripe_documents() {
        // HMAC-SHA256 of `1492774577.{"id":"evt_1"}` under `whsec_test`, computed with OpenSSL.
        let header = sign(BODY, "whsec_test", Timestamp(1_492_774_577_000));
        assert_eq!(
            header,
            "t=1492774577,v1=7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2"
        );
    }

    #[test]
    fn only_fresh_true_signatures_are_believed() {
        let header = sign(BODY, "whsec_new", NOW);
        let (time, good) = header.split_once(',').unwrap();
        let check = |header: &str, secrets: &[&str], now: Timestamp| signed(header, BODY, secrets, now);

        assert!(check(&header, &["whsec_new"], NOW));
        assert!(check(&header, &["whsec_old", "whsec_new"], NOW), "while secrets change, either counts");
        assert!(
            check(&format!("{time}, v1=00ff, v1=zz, v0=1, {good}"), &["whsec_new"], NOW),
            "one good one of several"
        );
        assert!(
            check(&header, &["whsec_new"], NOW.plus(300_000))
                && check(&header, &["whsec_new"], NOW.plus(-300_000))
        );

        assert!(!check(&header, &["whsec_new"], NOW.plus(301_000)), "stale");
        assert!(!check(&header, &["whsec_new"], NOW.plus(-301_000)), "from the future");
        assert!(!check(&header, &["whsec_old"], NOW), "another secret");
        assert!(
            !check(&header, &[], NOW) && !check(&sign(BODY, "", NOW), &[""], NOW),
            "no secret is no proof"
        );
        assert!(!signed(&header, b"{\"id\":\"evt_2\"}", &["whsec_new"], NOW), "other bytes");
        for broken in [
            "",
            "t=,v1=",
            good,
            time,
            "t=9223372036854775807,v1=00",
            "t=-9223372036854775808,v1=00",
            "v1==,t==",
        ] {
            assert!(!check(broken, &["whsec_new"], NOW), "{broken:?}");
        }
        assert!(
            !check(&format!("t={},{good}", NOW.secs() + 1), &["whsec_new"], NOW),
            "the time is signed too"
        );
    }

    fn about(kind: &str, object: &str) -> Result<About> {
        let body = format!(r#"{{"id":"evt_1","type":"{kind}","created":12,"data":{{"object":{object}}}}}"#);
        read_event(&body).map(|event| {
            assert_eq!(
                (event.id.as_str(), event.kind.as_str(), event.created),
                ("evt_1", kind, Timestamp(12_000))
            );
            event.about
        })
    }

    #[test]
    fn events_are_read_for_what_they_say() {
        let session = r#"{"id":"cs_1","payment_status":"paid","payment_intent":"pi_1","amount_total":2900,"currency":"usd","metadata":{"order":"abc"}}"#;
        let checkout = Checkout {
            session: "cs_1".into(),
            payment_intent: Some("pi_1".into()),
            amount_total: Cents(2900),
            currency: "usd".into(),
            order: Some("abc".into()),
        };
        let check =
            |kind, object: &str, expected| assert_eq!(about(kind, object).unwrap(), expected, "{kind}");
        check("checkout.session.completed", session, About::Paid(checkout.clone()));
        check(
            "checkout.session.completed",
            &session.replace("\"paid\"", "\"unpaid\""),
            About::Awaited(checkout.clone()),
        );
        check("checkout.session.async_payment_succeeded", session, About::Paid(checkout.clone()));
        check("checkout.session.async_payment_failed", session, About::Failed(checkout.clone()));
        check("checkout.session.expired", session, About::Expired(checkout.clone()));
        check(
            "checkout.session.expired",
            &session.replace("\"pi_1\"", "{\"id\":\"pi_1\"}"),
            About::Expired(checkout),
        );
        check(
            "charge.refunded",
            r#"{"id":"ch_1","payment_intent":"pi_1","amount":2900,"amount_refunded":100,"currency":"usd","metadata":{}}"#,
            About::Refunded {
                payment_intent: Some("pi_1".into()),
                charge: "ch_1".into(),
                amount: Cents(2900),
                refunded: Cents(100),
                currency: "usd".into(),
                order: None,
            },
        );
        check(
            "charge.dispute.closed",
            r#"{"id":"dp_1","payment_intent":null,"amount":2900,"currency":"usd","status":"lost"}"#,
            About::DisputeClosed {
                dispute: "dp_1".into(),
                payment_intent: None,
                amount: Cents(2900),
                currency: "usd".into(),
                status: "lost".into(),
            },
        );
        check("invoice.paid", "{}", About::Other);
        check("something.new", "null", About::Other);
    }

    #[test]
    fn an_event_that_lacks_what_matters_is_refused_with_a_sentence() {
        let refused =
            |result: Result<About>| matches!(result, Err(Error::Refused(why)) if why.contains("lacks"));
        assert!(refused(about("checkout.session.completed", r#"{"id":"cs_1","payment_status":"paid"}"#)));
        assert!(refused(about("checkout.session.completed", "null")));
        assert!(refused(about("charge.refunded", r#"{"id":"ch_1","amount":1,"currency":"usd"}"#)));
        for body in ["", "null", "[]", "{}", r#"{"id":1}"#, r#"{"id":"evt","type":"x"}"#] {
            assert!(matches!(read_event(body), Err(Error::Refused(_))), "{body}");
        }
    }
}
