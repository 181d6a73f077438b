//! Its objects are Stripe's: field by field, and to those who read them as such.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use stripe_checkout::checkout_session::RetrieveCheckoutSession;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::support::sandbox::{PAYS, SECRET, TestSandbox, wish};

/// Every field of Stripe's own example objects stands in ours.
#[rocket::async_test]
async fn every_object_has_every_field_of_stripes_examples() {
    let it = TestSandbox::new().await;
    let session = it.paid_with("4000000000000259").await;
    it.inbox.hears("charge.dispute.created").await;
    let refunded = it.paid_with(PAYS).await;
    let payment = it.stripe.session(&refunded).await.unwrap().payment_intent.unwrap();
    it.post("/v1/refunds", &[("payment_intent", &payment)], None).await;
    let open = it.opens(&wish(2_900)).await;

    let expected: Value = serde_json::from_str(include_str!("../../data/stripe_fields.json")).unwrap();
    let expected = &expected["objects"];
    let first = async |path: &str| it.get(path).await["data"][0].clone();
    for object in [
        it.get(&format!("/v1/checkout/sessions/{session}")).await,
        it.get(&format!("/v1/checkout/sessions/{open}")).await,
        first("/v1/payment_intents").await,
        first("/v1/charges").await,
        first("/v1/refunds").await,
        first("/v1/disputes").await,
        first("/v1/events").await,
        first("/v1/balance_transactions").await,
    ] {
        let kind = object["object"].as_str().unwrap();
        assert!(expected[kind].is_object(), "{kind}");
        let mut missing = Vec::new();
        lacks(kind, &expected[kind], &object, &mut missing);
        assert!(missing.is_empty(), "{missing:?}");
    }
    let list = it.get("/v1/events").await;
    for field in ["object", "data", "has_more", "url"] {
        assert!(list.get(field).is_some(), "{field}");
    }
}

/// The fields of an example that an object lacks. A group may be null in ours, as where there is nothing to say.
fn lacks(at: &str, example: &Value, ours: &Value, missing: &mut Vec<String>) {
    for (name, inner) in example.as_object().into_iter().flatten() {
        let place = format!("{at}.{name}");
        match ours.get(name) {
            None => missing.push(place),
            Some(value) if inner.is_object() && value.is_object() => lacks(&place, inner, value, missing),
            Some(_) => {}
        }
    }
}

/// The library that the shop uses reads the answers as its own types, which miss nothing they need.
#[rocket::async_test]
async fn async_stripe_reads_the_objects_as_its_own_types() {
    let it = TestSandbox::new().await;
    let session = it.paid_with("4000000000000259").await;
    it.inbox.hears("charge.dispute.created").await;
    let client =
        ::stripe::ClientBuilder::new("sk_test_x").url(format!("{}/", it.running().url)).build().unwrap();
    let read = RetrieveCheckoutSession::new(session.as_str())
        .expand(["payment_intent.latest_charge.balance_transaction".to_owned(), "line_items".to_owned()])
        .send(&client)
        .await
        .unwrap();
    assert_eq!(read.amount_total, Some(2_900));
    assert_eq!(read.line_items.unwrap().data.len(), 1);
    let payment = read.payment_intent.unwrap();
    let payment = payment.as_object().unwrap();
    assert_eq!(payment.status, stripe_shared::PaymentIntentStatus::Succeeded);
    let charge = payment.latest_charge.as_ref().unwrap().as_object().unwrap();
    assert!(charge.disputed && charge.balance_transaction.as_ref().unwrap().as_object().is_some());
    let refunded = it.paid_with(PAYS).await;
    let payment = it.stripe.session(&refunded).await.unwrap().payment_intent.unwrap();
    let refund = stripe_core::refund::CreateRefund::new()
        .payment_intent(payment.as_str())
        .send(&client)
        .await
        .unwrap();
    assert_eq!(refund.amount, 2_900);
    let events = stripe_core::event::ListEvent::new().limit(100).send(&client).await.unwrap();
    assert!(events.data.len() > 8);
}

/// Stripe's official SDK for Python drives a session's life.
#[rocket::async_test]
async fn stripes_own_sdk_is_at_home_here() {
    let Ok(python) = std::env::var("CUEHOUSE_TEST_PYTHON") else {
        assert_ne!(
            std::env::var("CUEHOUSE_TEST_STRICT").as_deref(),
            Ok("1"),
            "CUEHOUSE_TEST_PYTHON is not set"
        );
        println!(
            "SKIPPED: Stripe's SDK for Python, because CUEHOUSE_TEST_PYTHON is not set (tests/run sets it)"
        );
        return;
    };
    let it = TestSandbox::new().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stripe_sdk.py");
    let mut child = tokio::process::Command::new(python)
        .args([script, &it.running().url, SECRET])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).await.unwrap();
    it.running().send_webhooks_to(line.trim());
    child.stdin.take().unwrap().write_all(b"go\n").await.unwrap();
    let mut said = (String::new(), String::new());
    let mut err = child.stderr.take().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(120), async {
        tokio::join!(out.read_to_string(&mut said.0), err.read_to_string(&mut said.1)).0.unwrap();
        child.wait().await.unwrap()
    });
    let status = ended.await.expect("the script ends");
    assert!(status.success(), "{}\n{}", said.0, said.1);
    assert!(said.0.contains("all well"), "{}", said.0);
}
