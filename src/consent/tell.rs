//! What the server itself tells a vendor about somebody: that a checkout began, to Google Analytics, where the operator
//! gave the key for it and the person allowed it in this very request.
//!
//! Their browser would tell the same if it stayed on the page; here it is told although they go on to the payment page.
//! Nothing is told of what is bought, for how much, or from where.

use rocket::http::CookieJar;
use serde_json::json;

use super::guards::Consent;
use super::log;
use super::pass::Pass;
use super::purpose::Purpose;
use super::recipient::CHECKOUT_TOLD;
use crate::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::ReceiptId;

/// Google Analytics' address for servers (Measurement Protocol, GA4).
const COLLECT: &str = "https://www.google-analytics.com/mp/collect";

/// Tells that a checkout began, if that may be told. Nobody waits for it, and a failure only stands in the log.
pub fn checkout_began(app: &App, consent: &Consent, cookies: &CookieJar<'_>) {
    let Some(secret) = app.config.ga4_api_secret.clone() else { return };
    let Some(client) = cookies.get("_ga").and_then(|cookie| client_of(cookie.value())) else { return };
    let Some(key) = app.consent.key("ga4").map(str::to_owned) else { return };
    if !consent.decision.allows(&app.consent, "ga4") {
        return;
    }
    let (app, consent) = (app.clone(), consent.clone());
    tokio::spawn(async move {
        if let Err(error) = told(&app, &consent, &key, &secret, &client).await {
            tracing::warn!(%error, "google analytics was not told that a checkout began");
        }
    });
}

async fn told(app: &App, consent: &Consent, key: &str, secret: &str, client: &str) -> Result<()> {
    let receipt = consent.choices.receipt.as_deref().and_then(ReceiptId::parse);
    let seq = match receipt {
        Some(id) => app.db.read(move |conn| log::kept(conn, &id)).await.map_or(0, |kept| kept.leaf.seq),
        None => 0,
    };
    let what = ("ga4", Purpose::Analytics);
    let (book, now) = (&app.consent, Timestamp::now());
    let Some(pass) = Pass::of(&consent.decision, book, &consent.choices, what, CHECKOUT_TOLD, seq, now)
    else {
        return Ok(());
    };
    let mut address = url::Url::parse(COLLECT).map_err(crate::Error::internal)?;
    address.query_pairs_mut().append_pair("measurement_id", key).append_pair("api_secret", secret);
    let body = json!({
        "client_id": client,
        "non_personalized_ads": true,
        "events": [{ "name": "begin_checkout" }],
    });
    app.egress.tell(&pass, address.as_str(), &body).await
}

/// The id that Google Analytics gave a browser, out of its cookie: `GA1.1.111.222` is `111.222`.
fn client_of(cookie: &str) -> Option<String> {
    let mut parts = cookie.rsplit('.');
    let (time, random) = (parts.next()?, parts.next()?);
    let digits = |text: &str| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (cookie.starts_with("GA1.") && digits(time) && digits(random)).then(|| format!("{random}.{time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_out_of_the_cookie_and_nothing_else_is() {
        assert_eq!(client_of("GA1.1.1234567890.1700000000").as_deref(), Some("1234567890.1700000000"));
        for other in ["", "GA1.1", "GA1.1.a.b", "x.1.2", "GA1.1.1.\"}", "GA1.1..1"] {
            assert_eq!(client_of(other), None, "{other}");
        }
    }
}
