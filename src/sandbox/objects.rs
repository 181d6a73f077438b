//! Stripe's objects, with every field of Stripe's own examples, made from what the book holds.

use serde_json::{Value, json};

use super::book::Book;
use super::records::{Charge, Dispute, Event, Failure, Line, Paper, Payment, Refund, Session};

/// The version of Stripe's interface that these objects follow.
pub const VERSION: &str = "2026-09-30.endive";

/// Stripe's fee on a card: so many ten-thousandths and so many cents.
const FEE_BPS: i64 = 290;
const FEE_FIXED: i64 = 30;
/// What a bank takes for a dispute.
pub const DISPUTE_FEE: i64 = 1_500;

impl Book {
    pub fn session_object(&self, session: &Session) -> Value {
        let total = session.total();
        let open = session.status == "open";
        let payment_status = match session.status.as_str() {
            "complete" if total == 0 => "no_payment_required",
            "complete" => "paid",
            _ if total == 0 => "no_payment_required",
            _ => "unpaid",
        };
        let email = session.payer_email.as_ref().or(session.customer_email.as_ref());
        json!({
            "id": session.id,
            "object": "checkout.session",
            "adaptive_pricing": { "enabled": false },
            "after_expiration": null,
            "allow_promotion_codes": null,
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
            "billing_address_collection": null,
            "cancel_url": session.cancel_url,
            "client_reference_id": session.client_reference_id,
            "client_secret": null,
            "collected_information": null,
            "consent": null,
            "consent_collection": null,
            "created": session.created,
            "currency": session.currency,
            "currency_conversion": null,
            "custom_fields": [],
            "custom_text": {
                "after_submit": null,
                "shipping_address": null,
                "submit": null,
                "terms_of_service_acceptance": null,
            },
            "customer": null,
            "customer_account": null,
            "customer_creation": "if_required",
            "customer_details": email.map(|email| json!({
                "address": { "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null },
                "business_name": null,
                "email": email,
                "individual_name": null,
                "name": null,
                "phone": null,
                "tax_exempt": "none",
                "tax_ids": (session.status == "complete").then(|| json!([])),
            })),
            "customer_email": session.customer_email,
            "discounts": [],
            "expires_at": session.expires_at,
            "integration_identifier": null,
            "invoice": null,
            "invoice_creation": {
                "enabled": false,
                "invoice_data": {
                    "account_tax_ids": null,
                    "custom_fields": null,
                    "description": null,
                    "footer": null,
                    "issuer": null,
                    "metadata": {},
                    "rendering_options": null,
                },
            },
            "livemode": false,
            "locale": session.locale,
            "managed_payments": { "enabled": false },
            "metadata": session.metadata,
            "mode": "payment",
            "origin_context": null,
            "payment_intent": session.payment,
            "payment_link": null,
            "payment_method_collection": "if_required",
            "payment_method_configuration_details": null,
            "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
            "payment_method_types": ["card"],
            "payment_status": payment_status,
            "permissions": null,
            "phone_number_collection": { "enabled": false },
            "recovered_from": null,
            "saved_payment_method_options": null,
            "setup_intent": null,
            "shipping_address_collection": null,
            "shipping_cost": null,
            "shipping_options": [],
            "status": session.status,
            "submit_type": session.submit_type,
            "subscription": null,
            "success_url": session.success_url,
            "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
            "ui_mode": "hosted_page",
            "url": open.then(|| self.pay_url(&session.id)),
            "wallet_options": null,
        })
    }

    pub fn pay_url(&self, session: &str) -> String {
        format!("{}/pay/{session}", self.base())
    }

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

    pub fn line_object(&self, session: &Session, line: &Line) -> Value {
        json!({
            "id": line.id,
            "object": "item",
            "adjustable_quantity": null,
            "amount_discount": 0,
            "amount_subtotal": line.total(),
            "amount_tax": 0,
            "amount_total": line.total(),
            "currency": session.currency,
            "description": line.name,
            "metadata": {},
            "price": {
                "id": line.price,
                "object": "price",
                "active": false,
                "billing_scheme": "per_unit",
                "created": session.created,
                "currency": session.currency,
                "custom_unit_amount": null,
                "livemode": false,
                "lookup_key": null,
                "metadata": {},
                "nickname": null,
                "product": line.product,
                "recurring": null,
                "tax_behavior": "unspecified",
                "tiers_mode": null,
                "transform_quantity": null,
                "type": "one_time",
                "unit_amount": line.amount,
                "unit_amount_decimal": line.amount.to_string(),
            },
            "quantity": line.quantity,
        })
    }

    /// The balance transaction of this id: money in with a charge, out with a refund or a dispute.
    pub fn movement(&self, id: &str) -> Option<Value> {
        if let Some(charge) = self.charges().find(|charge| charge.movement.as_deref() == Some(id)) {
            let fee = (charge.amount * FEE_BPS + 5_000) / 10_000 + FEE_FIXED;
            return Some(movement(
                id,
                "charge",
                "charge",
                &charge.id,
                charge.created,
                charge.amount,
                fee,
                &charge.currency,
            ));
        }
        if let Some(refund) = self.refunds().find(|refund| refund.movement == id) {
            return Some(movement(
                id,
                "refund",
                "refund",
                &refund.id,
                refund.created,
                -refund.amount,
                0,
                &refund.currency,
            ));
        }
        let dispute = self
            .disputes()
            .find(|dispute| dispute.movement == id || dispute.reinstated.as_deref() == Some(id))?;
        let (back, at) = if dispute.movement == id {
            (-1, dispute.created)
        } else {
            (1, dispute.closed_at.unwrap_or(dispute.created))
        };
        let category = if back < 0 { "dispute" } else { "dispute_reversal" };
        let fee = if back < 0 { DISPUTE_FEE } else { 0 };
        Some(movement(
            id,
            "adjustment",
            category,
            &dispute.id,
            at,
            back * dispute.amount,
            fee,
            &dispute.currency,
        ))
    }

    /// The object of this id, whatever it is.
    pub fn object(&self, id: &str) -> Option<Value> {
        match id.split('_').next()? {
            "cs" => self.session(id).map(|session| self.session_object(session)),
            "pi" => self.payment(id).map(|payment| self.payment_object(payment)),
            "ch" => self.charge(id).map(|charge| self.charge_object(charge)),
            "re" => self.refund(id).map(|refund| self.refund_object(refund)),
            "dp" => self.dispute(id).map(|dispute| self.dispute_object(dispute)),
            "txn" => self.movement(id),
            "pm" => self.charges().find(|charge| charge.card.id == id).map(|charge| {
                json!({
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
                })
            }),
            _ => None,
        }
    }
}

/// A page of a list.
pub fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

#[allow(clippy::too_many_arguments, reason = "eight facts of one movement, used in this file alone")]
fn movement(
    id: &str,
    kind: &str,
    category: &str,
    source: &str,
    created: i64,
    amount: i64,
    fee: i64,
    currency: &str,
) -> Value {
    let fees = match fee {
        0 => json!([]),
        fee => json!([{
            "amount": fee,
            "application": null,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }]),
    };
    json!({
        "id": id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 2 * 86_400,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": null,
        "exchange_rate": null,
        "fee": fee,
        "fee_details": fees,
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "pending",
        "type": kind,
    })
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
