//! The dispute: a bank took money back and asks why it was taken.

use serde_json::{Value, json};

use crate::sandbox::book::Book;
use crate::sandbox::records::Dispute;

impl Book {
    /// A dispute, open or decided.
    pub fn dispute_object(&self, dispute: &Dispute) -> Value {
        let brand = self.charge(&dispute.charge).map_or("visa", |charge| charge.card.brand.as_str());
        let movements: Vec<Value> = std::iter::once(&dispute.movement)
            .chain(&dispute.reinstated)
            .filter_map(|id| self.movement(id))
            .collect();
        json!({
            "id": dispute.id,
            "object": "dispute",
            "amount": dispute.amount,
            "balance_transaction": dispute.movement,
            "balance_transactions": movements,
            "charge": dispute.charge,
            "created": dispute.created,
            "currency": dispute.currency,
            "enhanced_eligibility_types": [],
            "evidence": {
                "access_activity_log": null,
                "billing_address": null,
                "cancellation_policy": null,
                "cancellation_policy_disclosure": null,
                "cancellation_rebuttal": null,
                "customer_communication": null,
                "customer_email_address": self.charge(&dispute.charge).and_then(|charge| charge.email.as_ref()),
                "customer_name": null,
                "customer_purchase_ip": null,
                "customer_signature": null,
                "duplicate_charge_documentation": null,
                "duplicate_charge_explanation": null,
                "duplicate_charge_id": null,
                "enhanced_evidence": {},
                "product_description": null,
                "receipt": null,
                "refund_policy": null,
                "refund_policy_disclosure": null,
                "refund_refusal_explanation": null,
                "service_date": null,
                "service_documentation": null,
                "shipping_address": null,
                "shipping_carrier": null,
                "shipping_date": null,
                "shipping_documentation": null,
                "shipping_tracking_number": null,
                "uncategorized_file": null,
                "uncategorized_text": null,
            },
            "evidence_details": {
                "due_by": dispute.created + 7 * 86_400,
                "enhanced_eligibility": {},
                "has_evidence": false,
                "past_due": false,
                "submission_count": 0,
            },
            "is_charge_refundable": false,
            "livemode": false,
            "metadata": {},
            "payment_intent": dispute.payment,
            "payment_method_details": {
                "card": { "brand": brand, "case_type": "chargeback", "network": brand, "network_reason_code": "10.4" },
                "type": "card",
            },
            "reason": dispute.reason,
            "status": dispute.status,
        })
    }
}
