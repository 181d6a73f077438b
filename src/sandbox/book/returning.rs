//! How money goes back: a refund, or a bank that takes it.

use serde_json::json;

use super::Book;
use crate::error::Result;
use crate::sandbox::fault::Fault;
use crate::sandbox::records::{Dispute, Metadata, Record, Refund};
use crate::sandbox::shelf::new_id;

impl Book {
    /// Gives money of a charge back: all that is left of it, or a part.
    pub fn give_back(
        &mut self,
        charge: &str,
        amount: Option<i64>,
        reason: Option<String>,
        metadata: Metadata,
        now: i64,
    ) -> Result<Refund, Fault> {
        let charge =
            self.charge(charge).cloned().ok_or_else(|| Fault::missing("charge", charge, "charge"))?;
        if charge.failure.is_some() {
            let message = format!("Charge {} has not been paid and cannot be refunded.", charge.id);
            return Err(Fault::invalid(Some("charge_not_refundable"), message, ""));
        }
        if self.disputes().any(|dispute| dispute.charge == charge.id && dispute.status != "won") {
            let message = format!("Charge {} has been charged back; cannot issue a refund.", charge.id);
            return Err(Fault::invalid(Some("charge_disputed"), message, ""));
        }
        let left = charge.amount - self.refunded(&charge.id);
        if left == 0 {
            let message = format!("Charge {} has already been refunded.", charge.id);
            return Err(Fault::invalid(Some("charge_already_refunded"), message, ""));
        }
        let amount = amount.unwrap_or(left);
        if amount < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(Fault::invalid(Some("parameter_invalid_integer"), message, "amount"));
        }
        if amount > left {
            let show = |cents| crate::money::Cents(cents).show(&charge.currency);
            let message = format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                show(amount),
                show(left)
            );
            return Err(Fault::invalid(None, message, "amount"));
        }
        let refund = Refund {
            id: new_id("re_3", 23)?,
            created: now,
            charge: charge.id.clone(),
            payment: charge.payment.clone(),
            amount,
            currency: charge.currency.clone(),
            reason,
            metadata,
            status: "succeeded".to_owned(),
            movement: new_id("txn_3", 23)?,
        };
        self.put(Record::Refund(refund.clone()));
        self.tell("refund.created", self.refund_object(&refund), now)?;
        self.tell("charge.refunded", self.charge_object(&charge), now)?;
        Ok(refund)
    }

    /// The bank of the card's owner takes the money back and asks why it was taken.
    pub fn dispute_charge(&mut self, charge: &str, reason: &str, now: i64) -> Result<Dispute, Fault> {
        let charge =
            self.charge(charge).cloned().ok_or_else(|| Fault::missing("charge", charge, "charge"))?;
        let open = charge.failure.is_none() && !self.disputes().any(|dispute| dispute.charge == charge.id);
        let amount = charge.amount - self.refunded(&charge.id);
        if !open || amount == 0 {
            return Err(Fault::invalid(None, "This charge cannot be disputed (again).", ""));
        }
        let dispute = Dispute {
            id: new_id("dp_1", 23)?,
            created: now,
            charge: charge.id.clone(),
            payment: charge.payment.clone(),
            amount,
            currency: charge.currency.clone(),
            reason: reason.to_owned(),
            status: "needs_response".to_owned(),
            closed_at: None,
            movement: new_id("txn_1", 23)?,
            reinstated: None,
        };
        self.put(Record::Dispute(dispute.clone()));
        self.tell("charge.dispute.created", self.dispute_object(&dispute), now)?;
        self.tell("charge.dispute.funds_withdrawn", self.dispute_object(&dispute), now)?;
        Ok(dispute)
    }

    /// The bank decides a dispute.
    pub fn decide_dispute(&mut self, id: &str, won: bool, now: i64) -> Result<Dispute, Fault> {
        let mut dispute =
            self.dispute(id).cloned().ok_or_else(|| Fault::missing("dispute", id, "dispute"))?;
        if dispute.closed_at.is_some() {
            return Err(Fault::invalid(None, "This dispute is already closed.", ""));
        }
        dispute.status = if won { "won" } else { "lost" }.to_owned();
        dispute.closed_at = Some(now);
        if won {
            dispute.reinstated = Some(new_id("txn_1", 23)?);
        }
        self.put(Record::Dispute(dispute.clone()));
        let object = self.dispute_object(&dispute);
        self.tell_changed(
            "charge.dispute.closed",
            object.clone(),
            Some(json!({ "status": "needs_response" })),
            now,
        )?;
        if won {
            self.tell("charge.dispute.funds_reinstated", object, now)?;
        }
        Ok(dispute)
    }
}
