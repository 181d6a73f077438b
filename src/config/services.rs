//! The settings about services that are paid or asked with a secret: Stripe, and a store that speaks S3.

use std::collections::BTreeMap;

use url::Url;

use super::{Mode, Said, StripeSettings};
use crate::storage::S3Access;

/// Where Stripe is and what proves us to it. Without a key the pretend one is used.
pub(super) fn stripe(said: &mut Said, mode: Mode) -> StripeSettings {
    let url = said.read("stripe_url", None, "an address such as https://api.stripe.com", |text| {
        let url = Url::parse(text).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| Some(text.trim_end_matches('/').to_owned()))
    });
    let secret_key = said.get("stripe_secret_key").map(str::to_owned);
    let webhook_secrets: Vec<String> = said
        .text("stripe_webhook_secret", "")
        .split(',')
        .map(|s| s.trim().to_owned())
        .filter(|s| !s.is_empty())
        .collect();
    let is_stripe = |url: &str| {
        let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.is_some_and(|host| host == "stripe.com" || host.ends_with(".stripe.com"))
    };
    if secret_key.is_none() && url.as_deref().is_some_and(is_stripe) {
        said.faults
            .push("CUEHOUSE_STRIPE_URL is Stripe itself: that takes CUEHOUSE_STRIPE_SECRET_KEY".into());
    }
    if secret_key.is_some() && webhook_secrets.is_empty() && mode == Mode::Development {
        said.faults.push("CUEHOUSE_STRIPE_WEBHOOK_SECRET belongs to CUEHOUSE_STRIPE_SECRET_KEY".into());
    }
    StripeSettings { secret_key, webhook_secrets, url }
}

/// What proves us to the store, by the names its own tools read; none when a name is missing, which is a fault.
pub(super) fn s3(said: &mut Said, env: &BTreeMap<String, String>) -> Option<S3Access> {
    let get = |names: &[&str]| names.iter().find_map(|n| env.get(*n).filter(|v| !v.is_empty()).cloned());
    let access_key = get(&["AWS_ACCESS_KEY_ID"]);
    let secret_key = get(&["AWS_SECRET_ACCESS_KEY"]);
    for (name, value) in [("AWS_ACCESS_KEY_ID", &access_key), ("AWS_SECRET_ACCESS_KEY", &secret_key)] {
        if value.is_none() {
            said.faults.push(format!("{name} must be set for an s3:// CUEHOUSE_STORAGE_URL"));
        }
    }
    let endpoint = get(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
    let is_address = |text: &String| {
        Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
    };
    if endpoint.as_ref().is_some_and(|text| !is_address(text)) {
        said.faults.push("AWS_ENDPOINT_URL should be an address such as https://s3.example".into());
    }
    Some(S3Access {
        endpoint,
        region: get(&["AWS_REGION", "AWS_DEFAULT_REGION"]).unwrap_or_else(|| "us-east-1".into()),
        access_key: access_key?,
        secret_key: secret_key?,
        session_token: get(&["AWS_SESSION_TOKEN"]),
    })
}
