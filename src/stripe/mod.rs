//! Stripe's wire: a checkout is opened, looked at and closed, events are fetched and read (`event`), a webhook's
//! signature is proven (`signature`), and what it shows of our clock is kept (`skew`).
//!
//! Requests are built by async-stripe; answers are read here, from the JSON as it came, because the library
//! drops a whole answer when one member it expects is missing, after the money may have moved. What an event
//! means for an order is decided in `sales`, never here.

mod event;
mod read;
mod signature;
mod skew;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ::stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use serde_json::Value;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes as PaidBy,
    CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_core::event::ListEvent;
use stripe_core::refund::CreateRefund;
use stripe_types::{Currency, RangeQueryTs};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::OrderId;
use crate::mail::nameless;
use crate::money::Cents;

pub use event::{About, Checkout, Dispute, Event, RawEvent, read_event};
pub use signature::{is_fresh, sign, signed, signed_at};

use skew::Skew;

/// Seconds one call to Stripe may take; the library itself would wait for ever.
const TIMEOUT_SECS: u64 = 10;
/// How often a call is made in all before it counts as unanswered.
const ATTEMPTS: u32 = 3;
/// Events in one page: Stripe's largest.
const PAGE: i64 = 100;

/// Seconds after which it is worth asking again whether payments can be taken.
const AWAY_SECS: u64 = 60;

/// Stripe, or whatever speaks like it, at one address. Cloning shares the settings and what is known of the clock.
#[derive(Clone, Debug)]
pub struct Stripe {
    /// None: nobody can be asked.
    client: Option<Client>,
    address: String,
    skew: Arc<Skew>,
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

/// One page of events.
#[derive(Clone, Debug)]
pub struct Events {
    /// The youngest first.
    pub found: Vec<RawEvent>,
    /// Whether older ones follow, behind the last of these.
    pub more: bool,
}

impl Session {
    /// Whether the money is there. What costs nothing is never paid.
    pub fn is_paid(&self) -> bool {
        self.payment_status == "paid"
    }

    /// Whether it can still be paid.
    pub fn is_open(&self) -> bool {
        self.status == "open"
    }

    /// Whether it was paid in a way whose money comes later, and it has not come.
    pub fn is_coming(&self) -> bool {
        self.status == "complete" && self.payment_status == "unpaid"
    }
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
        Ok(Stripe { client: Some(client), address: url, skew: Arc::default() })
    }

    /// Nobody: every call is answered with `Busy`, and none is sent. For a shop that has no key and finds no pretend
    /// Stripe either.
    pub fn nowhere() -> Stripe {
        Stripe { client: None, address: String::new(), skew: Arc::default() }
    }

    /// Where it is reached; empty where nobody can be asked.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Takes in when, by its own clock, Stripe signed a webhook that arrived now.
    pub fn hears_clock(&self, signed_at: i64, now: Timestamp) {
        self.skew.hears(signed_at, now);
    }

    /// What is wrong with our clock, if webhooks showed that something is.
    pub fn clock_fault(&self) -> Option<String> {
        self.skew.fault()
    }

    /// Lets nobody go to a payment page whose events would be refused as stale: `Away` while our clock is wrong.
    pub fn demand_clock(&self) -> Result<()> {
        match self.clock_fault() {
            Some(_) => Err(Error::Away(
                "Nothing can be paid here just now: the clock of this shop is wrong, and it would not hear of your payment. \
                 Nothing was charged. Please come back a little later.",
            )),
            None => Ok(()),
        }
    }

    /// Whether there is anybody to ask.
    pub fn is_there(&self) -> bool {
        self.client.is_some()
    }

    /// Opens the session of this order's try, or finds the one that an earlier call opened.
    /// Unanswered calls are repeated under the same key, so that no second session arises. `Away` while our clock is wrong.
    pub async fn checkout(&self, wish: &CheckoutWish) -> Result<Session> {
        self.demand_clock()?;
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

    /// A page of the events made since, of the kinds that the shop hears, the youngest first: the first page, or the one
    /// behind that event. Stripe keeps thirty days.
    pub async fn events(&self, since: Timestamp, behind: Option<&str>) -> Result<Events> {
        let kinds: Vec<String> = event::KINDS.iter().map(|kind| (*kind).to_owned()).collect();
        let mut list = ListEvent::new().created(RangeQueryTs::gte(since.secs())).types(kinds).limit(PAGE);
        if let Some(last) = behind {
            list = list.starting_after(last);
        }
        let page = self.call(&list, None).await?;
        let found = page["data"].as_array().into_iter().flatten();
        let found = found.map(RawEvent::read).collect::<Result<Vec<_>>>().map_err(Error::internal)?;
        let more = page["has_more"] == Value::Bool(true) && !found.is_empty();
        Ok(Events { found, more })
    }

    /// Sends a request up to three times and reads the answer as plain JSON. A request that changes
    /// something goes out under one key each time, so that only the first to arrive does anything.
    async fn call<R: StripeRequest>(&self, request: &R, key: Option<IdempotencyKey>) -> Result<Value> {
        let Some(client) = &self.client else { return Err(Error::Busy(AWAY_SECS)) };
        let mut tries = 0;
        loop {
            let strategy = key.clone().map_or(RequestStrategy::Once, RequestStrategy::Idempotent);
            let sent = request.build().customize::<miniserde::json::Value>().request_strategy(strategy);
            tries += 1;
            match sent.send(client).await {
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
        // They settle at once. Money that is on its way for days would leave open whether the basket is paid.
        .allowed_payment_method_types([PaidBy::Card])
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
    // An address that it does not take stands in its words.
    let words = nameless(said.message.as_deref().unwrap_or(""), &[]);
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
    let about = Checkout::read(answer)?;
    Ok(Session {
        id: about.session,
        url: read::text(answer, "url"),
        status: read::need(answer, "status")?,
        payment_status: read::need(answer, "payment_status")?,
        payment_intent: about.payment_intent,
        amount_total: about.amount_total,
        currency: about.currency,
        order: about.order,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_page_takes_what_settles_at_once() {
        let wish = CheckoutWish {
            order: OrderId::new(),
            try_number: 1,
            currency: "usd".into(),
            lines: vec![WishLine { name: "Rain on tin".into(), description: None, amount: Cents(2_900) }],
            email: None,
            success_url: "https://shop.example/orders/1".into(),
            cancel_url: "https://shop.example/cart".into(),
            expires: Timestamp(1_795_000_000_000),
        };
        let body = request(&wish).build().body.unwrap();
        let sent = url::form_urlencoded::parse(body.as_bytes());
        let types: Vec<String> = sent
            .filter(|(name, _)| name.starts_with("allowed_payment_method_types["))
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(types, ["card"]);
    }

    #[tokio::test]
    async fn where_nobody_can_be_asked_nobody_is() {
        let nowhere = Stripe::nowhere();
        assert!(!nowhere.is_there());
        assert!(matches!(nowhere.session("cs_test_1").await, Err(Error::Busy(AWAY_SECS))));
    }
}
