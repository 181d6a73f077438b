//! Balance transactions: money in with a charge, out with a refund or a dispute, and what Stripe keeps of it.

use serde_json::{Value, json};

use crate::sandbox::book::Book;

/// Stripe's fee on a card: so many ten-thousandths and so many cents.
const FEE_BPS: i64 = 290;
const FEE_FIXED: i64 = 30;
/// What a bank takes for a dispute.
const DISPUTE_FEE: i64 = 1_500;

/// One movement of money, as Stripe books it.
struct Movement<'a> {
    kind: &'static str,
    category: &'static str,
    /// The id of what moved it.
    source: &'a str,
    created: i64,
    amount: i64,
    fee: i64,
    currency: &'a str,
}

impl Book {
    /// The balance transaction of this id.
    pub fn movement(&self, id: &str) -> Option<Value> {
        self.moved(id).map(|movement| movement.object(id))
    }

    fn moved(&self, id: &str) -> Option<Movement<'_>> {
        if let Some(charge) = self.charges().find(|charge| charge.movement.as_deref() == Some(id)) {
            return Some(Movement {
                kind: "charge",
                category: "charge",
                source: &charge.id,
                created: charge.created,
                amount: charge.amount,
                fee: (charge.amount * FEE_BPS + 5_000) / 10_000 + FEE_FIXED,
                currency: &charge.currency,
            });
        }
        if let Some(refund) = self.refunds().find(|refund| refund.movement == id) {
            return Some(Movement {
                kind: "refund",
                category: "refund",
                source: &refund.id,
                created: refund.created,
                amount: -refund.amount,
                fee: 0,
                currency: &refund.currency,
            });
        }
        let dispute = self
            .disputes()
            .find(|dispute| dispute.movement == id || dispute.reinstated.as_deref() == Some(id))?;
        let taken = Movement {
            kind: "adjustment",
            category: "dispute",
            source: &dispute.id,
            created: dispute.created,
            amount: -dispute.amount,
            fee: DISPUTE_FEE,
            currency: &dispute.currency,
        };
        if dispute.movement == id {
            return Some(taken);
        }
        Some(Movement {
            category: "dispute_reversal",
            created: dispute.closed_at.unwrap_or(dispute.created),
            amount: dispute.amount,
            fee: 0,
            ..taken
        })
    }
}

impl Movement<'_> {
    fn object(&self, id: &str) -> Value {
        let fees = match self.fee {
            0 => json!([]),
            fee => json!([{
                "amount": fee,
                "application": null,
                "currency": self.currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }]),
        };
        json!({
            "id": id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.created + 2 * 86_400,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": null,
            "exchange_rate": null,
            "fee": self.fee,
            "fee_details": fees,
            "net": self.amount - self.fee,
            "reporting_category": self.category,
            "source": self.source,
            "status": "pending",
            "type": self.kind,
        })
    }
}
