//! The payment, each try to charge it, and the card it is charged to.

use serde_json::{Value, json};

use crate::sandbox::book::Book;
use crate::sandbox::records::{Charge, Failure, Paper, Payment};

impl Book {
    /// A payment, from its first try on.
    pub fn payment_object(&self, payment: &Payment) -> Value {
        let succeeded = payment.status == "succeeded";
        let last_error = payment.last_error.as_ref().map(|failure| {
            let mut error = json!({
                "type": "card_error",
                "code": failure.code,
                "decline_code": failure.decline_code,
                "doc_url": format!("https://stripe.com/docs/error-codes/{}", failure.code.replace('_', "-")),
                "message": failure.message,
                "param": "",
            });
            if let (Some(charge), Value::Object(error)) = (&payment.latest_charge, &mut error) {
                error.insert("charge".into(), json!(charge));
            }
            error
        });
        json!({
            "id": payment.id,
            "object": "payment_intent",
            "amount": payment.amount,
            "amount_capturable": 0,
            "amount_details": { "tip": {} },
            "amount_received": if succeeded { payment.amount } else { 0 },
            "application": null,
            "application_fee_amount": null,
            "automatic_payment_methods": null,
            "canceled_at": payment.canceled_at,
            "cancellation_reason": payment.canceled_at.map(|_| "automatic"),
            "capture_method": "automatic_async",
            "client_secret": payment.secret,
            "confirmation_method": "automatic",
            "created": payment.created,
            "currency": payment.currency,
            "customer": null,
            "customer_account": null,
            "description": payment.description,
            "excluded_payment_method_types": null,
            "last_payment_error": last_error,
            "latest_charge": payment.latest_charge,
            "livemode": false,
            "managed_payments": { "enabled": false },
            "metadata": payment.metadata,
            "next_action": (payment.status == "requires_action").then(|| json!({
                "type": "redirect_to_url",
                "redirect_to_url": {
                    "return_url": self.pay_url(&payment.session),
                    "url": format!("{}/challenge", self.pay_url(&payment.session)),
                },
            })),
            "on_behalf_of": null,
            "payment_method": payment.card.as_ref().filter(|_| payment.status != "requires_payment_method").map(|card| &card.id),
            "payment_method_configuration_details": null,
            "payment_method_options": {
                "card": { "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic" },
            },
            "payment_method_types": ["card"],
            "processing": null,
            "receipt_email": null,
            "review": null,
            "setup_future_usage": null,
            "shipping": null,
            "source": null,
            "statement_descriptor": null,
            "statement_descriptor_suffix": null,
            "status": payment.status,
            "transfer_data": null,
            "transfer_group": null,
        })
    }

    /// One try to charge a card, paid or declined.
    pub fn charge_object(&self, charge: &Charge) -> Value {
        let refunded = self.refunded(&charge.id);
        let paid = charge.failure.is_none();
        json!({
            "id": charge.id,
            "object": "charge",
            "amount": charge.amount,
            "amount_captured": if paid { charge.amount } else { 0 },
            "amount_refunded": refunded,
            "application": null,
            "application_fee": null,
            "application_fee_amount": null,
            "balance_transaction": charge.movement,
            "billing_details": {
                "address": { "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null },
                "email": charge.email,
                "name": null,
                "phone": null,
                "tax_id": null,
            },
            "calculated_statement_descriptor": "PRETEND STRIPE",
            "captured": paid,
            "created": charge.created,
            "currency": charge.currency,
            "customer": null,
            "description": charge.description,
            "destination": null,
            "dispute": null,
            "disputed": self.disputes().any(|dispute| dispute.charge == charge.id),
            "failure_balance_transaction": null,
            "failure_code": charge.failure.as_ref().map(|failure| &failure.code),
            "failure_message": charge.failure.as_ref().map(|failure| &failure.message),
            "fraud_details": {},
            "invoice": null,
            "livemode": false,
            "metadata": charge.metadata,
            "on_behalf_of": null,
            "order": null,
            "outcome": outcome(charge.failure.as_ref()),
            "paid": paid,
            "payment_intent": charge.payment,
            "payment_method": charge.card.id,
            "payment_method_details": { "card": card(charge), "type": "card" },
            "radar_options": {},
            "receipt_email": null,
            "receipt_number": null,
            "receipt_url": paid.then(|| format!("{}/#{}", self.base(), charge.id)),
            "refunded": refunded == charge.amount && paid,
            "refunds": {
                "object": "list",
                "data": self.refunds_of(&charge.id).map(|refund| self.refund_object(refund)).collect::<Vec<_>>(),
                "has_more": false,
                "url": format!("/v1/charges/{}/refunds", charge.id),
            },
            "review": null,
            "shipping": null,
            "source": null,
            "source_transfer": null,
            "statement_descriptor": null,
            "statement_descriptor_suffix": null,
            "status": if paid { "succeeded" } else { "failed" },
            "transfer_data": null,
            "transfer_group": null,
        })
    }

    /// The card of this id, from the first charge that was made to it.
    pub fn method_object(&self, id: &str) -> Option<Value> {
        let charge = self.charges().find(|charge| charge.card.id == id)?;
        Some(json!({
            "id": id,
            "object": "payment_method",
            "allow_redisplay": "limited",
            "billing_details": self.charge_object(charge)["billing_details"],
            "card": card_facts(&charge.card),
            "created": charge.created,
            "customer": null,
            "livemode": false,
            "metadata": {},
            "type": "card",
        }))
    }
}

fn outcome(failure: Option<&Failure>) -> Value {
    match failure {
        None => json!({
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "approved_by_network",
            "reason": null,
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }),
        Some(failure) => json!({
            "advice_code": "try_again_later",
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "declined_by_network",
            "reason": failure.decline_code,
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": "The bank did not pay.",
            "type": "issuer_declined",
        }),
    }
}

fn card_facts(card: &Paper) -> Value {
    json!({
        "brand": card.brand,
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "last4": card.last4,
        "wallet": null,
    })
}

fn card(charge: &Charge) -> Value {
    let card = &charge.card;
    json!({
        "amount_authorized": charge.failure.is_none().then_some(charge.amount),
        "authorization_code": null,
        "brand": card.brand,
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": { "status": "disabled" },
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "incremental_authorization": { "status": "unavailable" },
        "installments": null,
        "last4": card.last4,
        "mandate": null,
        "multicapture": { "status": "unavailable" },
        "network": card.brand,
        "network_token": { "used": false },
        "network_transaction_id": null,
        "overcapture": { "maximum_amount_capturable": charge.amount, "status": "unavailable" },
        "regulated_status": "unregulated",
        "three_d_secure": card.proven.then(|| json!({
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": "05",
            "exemption_indicator": null,
            "result": "authenticated",
            "result_reason": null,
            "transaction_id": null,
            "version": "2.2.0",
        })),
        "transaction_link_id": null,
        "wallet": null,
    })
}
