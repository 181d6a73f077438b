//! What Stripe tells of: an event's JSON, read without insisting on members that nobody here needs.

use serde_json::Value;

use super::read::{amount, id_of, need, text};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::money::Cents;

/// An event as it lies at Stripe: its JSON is what a webhook would have brought.
#[derive(Clone, Debug)]
pub struct RawEvent {
    pub id: String,
    pub kind: String,
    pub created: Timestamp,
    pub body: String,
}

/// Stripe's names of all that means something to the shop. A look-up asks for these alone (Stripe takes twenty).
pub(super) const KINDS: &[&str] = &[
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
];

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
    Disputed(Dispute),
    /// A dispute ended: `won`, `lost` or `warning_closed`.
    DisputeClosed(Dispute),
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

/// What an event says of a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    pub id: String,
    pub payment_intent: Option<String>,
    pub amount: Cents,
    pub currency: String,
    pub status: String,
}

impl RawEvent {
    /// The event in this JSON, with whatever it tells of.
    pub(super) fn read(event: &Value) -> Result<RawEvent> {
        Ok(RawEvent {
            id: need(event, "id")?,
            kind: need(event, "type")?,
            created: Timestamp::from_secs(amount(event, "created")?.0),
            body: event.to_string(),
        })
    }
}

impl Checkout {
    /// What a session, or an event about one, says of it.
    pub(super) fn read(object: &Value) -> Result<Checkout> {
        Ok(Checkout {
            session: need(object, "id")?,
            payment_intent: id_of(object, "payment_intent"),
            amount_total: amount(object, "amount_total")?,
            currency: need(object, "currency")?,
            order: text(&object["metadata"], "order").or_else(|| text(object, "client_reference_id")),
        })
    }
}

impl Dispute {
    fn read(object: &Value) -> Result<Dispute> {
        Ok(Dispute {
            id: need(object, "id")?,
            payment_intent: id_of(object, "payment_intent"),
            amount: amount(object, "amount")?,
            currency: need(object, "currency")?,
            status: need(object, "status")?,
        })
    }
}

/// Reads an event's JSON. Fails with a sentence for the operator when it is no event, or when one of a kind
/// that matters lacks what matters.
pub fn read_event(body: &str) -> Result<Event> {
    let event: Value = serde_json::from_str(body).map_err(|_| Error::refused("The event is not JSON."))?;
    let raw = RawEvent::read(&event)?;
    let object = &event["data"]["object"];
    let about = match raw.kind.as_str() {
        "checkout.session.completed" => match need(object, "payment_status")?.as_str() {
            "unpaid" => About::Awaited(Checkout::read(object)?),
            _ => About::Paid(Checkout::read(object)?),
        },
        "checkout.session.async_payment_succeeded" => About::Paid(Checkout::read(object)?),
        "checkout.session.async_payment_failed" => About::Failed(Checkout::read(object)?),
        "checkout.session.expired" => About::Expired(Checkout::read(object)?),
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
        "charge.dispute.created" | "charge.dispute.updated" => About::Disputed(Dispute::read(object)?),
        "charge.dispute.closed" => About::DisputeClosed(Dispute::read(object)?),
        _ => About::Other,
    };
    Ok(Event { id: raw.id, kind: raw.kind, created: raw.created, about })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            About::DisputeClosed(Dispute {
                id: "dp_1".into(),
                payment_intent: None,
                amount: Cents(2900),
                currency: "usd".into(),
                status: "lost".into(),
            }),
        );
        check("invoice.paid", "{}", About::Other);
        check("something.new", "null", About::Other);
    }

    #[test]
    fn a_look_up_asks_for_what_is_read_and_for_nothing_else() {
        assert!(KINDS.len() <= 20, "as many as Stripe takes");
        for kind in KINDS {
            assert!(about(kind, "null").is_err(), "{kind} says nothing to anybody");
        }
        let source = include_str!("event.rs").split("pub fn read_event").nth(1).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        let read: Vec<&str> =
            source.split('"').filter(|word| word.contains('.') && !word.contains(' ')).collect();
        assert_eq!(read, KINDS, "every kind that is read is asked for");
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
