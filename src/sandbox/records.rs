//! What the pretend Stripe remembers: plain facts, from which Stripe's objects are made when someone asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What its owner wrote on an object, by name.
pub type Metadata = BTreeMap<String, String>;

/// One thing to remember. A later record of the same id takes the place of the earlier one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    Session(Session),
    Payment(Payment),
    Charge(Charge),
    Refund(Refund),
    Dispute(Dispute),
    Event(Event),
    /// How far an event's webhook has come.
    Delivery(Delivery),
    /// What was answered under an idempotency key.
    Answer(Answer),
}

/// A Checkout Session. Times are seconds since 1970, amounts cents, here and below.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    pub created: i64,
    pub expires_at: i64,
    /// `open`, `complete` or `expired`.
    pub status: String,
    pub currency: String,
    pub lines: Vec<Line>,
    pub success_url: String,
    pub cancel_url: Option<String>,
    pub customer_email: Option<String>,
    pub client_reference_id: Option<String>,
    pub locale: Option<String>,
    pub submit_type: Option<String>,
    pub metadata: Metadata,
    /// What the payment is to carry.
    pub payment_metadata: Metadata,
    pub payment_description: Option<String>,
    pub payment: Option<String>,
    /// Who paid, as they wrote it on the payment page.
    pub payer_email: Option<String>,
}

impl Session {
    /// What all of it costs, in cents.
    pub fn total(&self) -> i64 {
        self.lines.iter().map(Line::total).sum()
    }
}

/// One line of a session; `amount` is the price of one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub id: String,
    pub price: String,
    pub product: String,
    pub name: String,
    pub description: Option<String>,
    pub amount: i64,
    pub quantity: i64,
}

impl Line {
    /// What the line costs, in cents.
    pub fn total(&self) -> i64 {
        self.amount.saturating_mul(self.quantity)
    }
}

/// A payment: what a session asks for, until it is paid or given up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    pub id: String,
    pub secret: String,
    pub created: i64,
    pub session: String,
    pub amount: i64,
    pub currency: String,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// `requires_payment_method`, `requires_action`, `succeeded` or `canceled`.
    pub status: String,
    pub canceled_at: Option<i64>,
    pub email: Option<String>,
    /// The card of the last attempt.
    pub card: Option<Paper>,
    pub last_error: Option<Failure>,
    pub latest_charge: Option<String>,
    /// When the card's bank will dispute it, for the card that is made for that.
    pub dispute_at: Option<i64>,
}

/// A card as it is remembered: never its whole number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Paper {
    /// The id of the payment method.
    pub id: String,
    pub brand: String,
    pub country: String,
    pub funding: String,
    pub last4: String,
    pub fingerprint: String,
    pub exp_month: i64,
    pub exp_year: i64,
    pub proven: bool,
    pub disputes: bool,
}

/// Why a bank did not pay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub decline_code: String,
    pub message: String,
}

/// One try to charge a card.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Charge {
    pub id: String,
    pub created: i64,
    pub payment: String,
    pub amount: i64,
    pub currency: String,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub email: Option<String>,
    pub card: Paper,
    pub failure: Option<Failure>,
    /// The id of its balance transaction; none for a charge that failed.
    pub movement: Option<String>,
}

/// Money of a charge, given back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    pub id: String,
    pub created: i64,
    pub charge: String,
    pub payment: String,
    pub amount: i64,
    pub currency: String,
    pub reason: Option<String>,
    pub metadata: Metadata,
    pub status: String,
    pub movement: String,
}

/// Money of a charge, taken back by its bank.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dispute {
    pub id: String,
    pub created: i64,
    pub charge: String,
    pub payment: String,
    pub amount: i64,
    pub currency: String,
    pub reason: String,
    /// `needs_response`, `won` or `lost`.
    pub status: String,
    pub closed_at: Option<i64>,
    pub movement: String,
    /// The id of the balance transaction that brought the money back.
    pub reinstated: Option<String>,
}

/// Something that happened, as webhooks tell it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    pub created: i64,
    pub kind: String,
    /// The object as it was at that moment.
    pub object: Value,
    pub previous: Option<Value>,
    pub request: Option<String>,
    pub idempotency_key: Option<String>,
}

/// How far an event's webhook has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The event's id.
    pub event: String,
    pub attempts: u32,
    /// How many more times it is to arrive.
    pub copies: u32,
    /// When it is tried next, in milliseconds; 0 for a new one.
    pub due: i64,
    /// When it arrived for the first time.
    pub delivered_at: Option<i64>,
    /// What the other side said last: a status, or why there is none.
    pub heard: Option<String>,
}

/// What was answered under an idempotency key, to be answered again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    pub key: String,
    pub path: String,
    /// SHA-256 of what was asked.
    pub asked: String,
    pub at: i64,
    pub status: u16,
    pub body: String,
    pub request: String,
    /// The address of this server at that time, which addresses in the body begin with.
    pub base: String,
}
