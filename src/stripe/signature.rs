//! The `Stripe-Signature` of a webhook: proven, and made for the pretend Stripe.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Timestamp;

/// Seconds that a signature's time may differ from ours, in both directions (Stripe's own tolerance).
const TOLERANCE_SECS: u64 = 300;

/// The second at which this `Stripe-Signature` was made over exactly these bytes, under one of the secrets (several while one
/// replaces another); none where nobody who knows one made it. Compared in constant time. It counts only while it is fresh.
pub fn signed_at(header: &str, body: &[u8], secrets: &[&str]) -> Option<i64> {
    let (mut time, mut signatures) = (None, Vec::new());
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" => time = Some(value),
            "v1" => signatures.extend(hex::decode(value).ok()),
            _ => {}
        }
    }
    let time = time?;
    let at: i64 = time.parse().ok()?;
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .filter_map(|secret| mac(time, body, secret))
        .any(|mac| signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()))
        .then_some(at)
}

/// Whether a signature of that second is within five minutes of `now`.
pub fn is_fresh(signed_at: i64, now: Timestamp) -> bool {
    now.secs().saturating_sub(signed_at).unsigned_abs() <= TOLERANCE_SECS
}

/// Whether this `Stripe-Signature` was made over exactly these bytes, under one of the secrets, and is fresh.
pub fn signed(header: &str, body: &[u8], secrets: &[&str], now: Timestamp) -> bool {
    signed_at(header, body, secrets).is_some_and(|at| is_fresh(at, now))
}

/// The `Stripe-Signature` that Stripe would send with these bytes.
pub fn sign(body: &[u8], secret: &str, now: Timestamp) -> String {
    let time = now.secs().to_string();
    let signature = mac(&time, body, secret).map(|mac| hex::encode(mac.finalize().into_bytes()));
    format!("t={time},v1={}", signature.unwrap_or_default())
}

/// HMAC-SHA256 over `time.body`; every length of key is fine, so this is never nothing.
fn mac(time: &str, body: &[u8], secret: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    #[test]
    fn a_signature_is_the_one_stripe_documents() {
        // HMAC-SHA256 of `1492774577.{"id":"evt_1"}` under `whsec_test`, computed with OpenSSL.
        let header = sign(BODY, "whsec_test", Timestamp(1_492_774_577_000));
        assert_eq!(
            header,
            "t=1492774577,v1=7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2"
        );
    }

    #[test]
    fn only_fresh_true_signatures_are_believed() {
        let header = sign(BODY, "whsec_new", NOW);
        let (time, good) = header.split_once(',').unwrap();
        let check = |header: &str, secrets: &[&str], now: Timestamp| signed(header, BODY, secrets, now);

        assert!(check(&header, &["whsec_new"], NOW));
        assert!(check(&header, &["whsec_old", "whsec_new"], NOW), "while secrets change, either counts");
        assert!(
            check(&format!("{time}, v1=00ff, v1=zz, v0=1, {good}"), &["whsec_new"], NOW),
            "one good one of several"
        );
        assert!(
            check(&header, &["whsec_new"], NOW.plus(300_000))
                && check(&header, &["whsec_new"], NOW.plus(-300_000))
        );

        assert!(!check(&header, &["whsec_new"], NOW.plus(301_000)), "stale");
        assert_eq!(
            signed_at(&header, BODY, &["whsec_new"]),
            Some(NOW.secs()),
            "and still known to be Stripe's"
        );
        assert!(!check(&header, &["whsec_new"], NOW.plus(-301_000)), "from the future");
        assert!(!check(&header, &["whsec_old"], NOW), "another secret");
        assert!(
            !check(&header, &[], NOW) && !check(&sign(BODY, "", NOW), &[""], NOW),
            "no secret is no proof"
        );
        assert!(!signed(&header, b"{\"id\":\"evt_2\"}", &["whsec_new"], NOW), "other bytes");
        for broken in [
            "",
            "t=,v1=",
            good,
            time,
            "t=9223372036854775807,v1=00",
            "t=-9223372036854775808,v1=00",
            "v1==,t==",
        ] {
            assert!(!check(broken, &["whsec_new"], NOW), "{broken:?}");
        }
        assert!(
            !check(&format!("t={},{good}", NOW.secs() + 1), &["whsec_new"], NOW),
            "the time is signed too"
        );
    }
}
