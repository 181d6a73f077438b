//! Stripe's objects, with every field of Stripe's own examples, made from what the book holds.

mod dispute;
mod movement;
mod payment;
mod session;

use serde_json::{Value, json};

use super::book::Book;
use super::records::{Event, Refund};

/// The version of Stripe's interface that these objects follow.
pub const VERSION: &str = "2026-09-30.endive";

impl Book {
    /// The object of this id, whatever it is.
    pub fn object(&self, id: &str) -> Option<Value> {
        match id.split('_').next()? {
            "cs" => self.session(id).map(|session| self.session_object(session)),
            "pi" => self.payment(id).map(|payment| self.payment_object(payment)),
            "ch" => self.charge(id).map(|charge| self.charge_object(charge)),
            "re" => self.refund(id).map(|refund| self.refund_object(refund)),
            "dp" => self.dispute(id).map(|dispute| self.dispute_object(dispute)),
            "txn" => self.movement(id),
            "pm" => self.method_object(id),
            _ => None,
        }
    }

    /// Money of a charge, given back.
    pub fn refund_object(&self, refund: &Refund) -> Value {
        json!({
            "id": refund.id,
            "object": "refund",
            "amount": refund.amount,
            "balance_transaction": refund.movement,
            "charge": refund.charge,
            "created": refund.created,
            "currency": refund.currency,
            "customer": null,
            "customer_account": null,
            "destination_details": {
                "card": {
                    "reference": null,
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": refund.metadata,
            "payment_intent": refund.payment,
            "payment_method": self.charge(&refund.charge).map(|charge| &charge.card.id),
            "reason": refund.reason,
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": refund.status,
            "transfer_reversal": null,
        })
    }

    /// What happened, and the object as it was then.
    pub fn event_object(&self, event: &Event) -> Value {
        let waiting = self.delivery(&event.id).is_some_and(|delivery| delivery.copies > 0);
        let mut data = json!({ "object": event.object });
        if let (Some(previous), Value::Object(data)) = (&event.previous, &mut data) {
            data.insert("previous_attributes".into(), previous.clone());
        }
        json!({
            "id": event.id,
            "object": "event",
            "api_version": VERSION,
            "created": event.created,
            "data": data,
            "livemode": false,
            "pending_webhooks": i64::from(waiting),
            "request": { "id": event.request, "idempotency_key": event.idempotency_key },
            "type": event.kind,
        })
    }
}

/// A page of a list, as the address `url` gives it.
pub fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}
