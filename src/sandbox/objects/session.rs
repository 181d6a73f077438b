//! The Checkout Session and its lines.

use serde_json::{Value, json};

use crate::sandbox::book::Book;
use crate::sandbox::records::{Line, Session};

impl Book {
    /// A session, open or over.
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

    /// Where an open session is paid.
    pub fn pay_url(&self, session: &str) -> String {
        format!("{}/pay/{session}", self.base())
    }

    /// One line of a session.
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
}
