//! The pretend Stripe answers, refuses, tells and remembers as Stripe does.

mod likeness;
mod memory;

use std::time::Duration;

use cuehouse::Error;
use cuehouse::clock::Timestamp;
use cuehouse::money::Cents;
use cuehouse::stripe::{self, About};
use serde_json::Value;

use crate::support::sandbox::{PAYS, SECRET, TestSandbox, browser, encoded, wish};

fn location(answer: &reqwest::Response) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn json(answer: reqwest::Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[rocket::async_test]
async fn a_session_is_opened_paid_and_told_of() {
    let it = TestSandbox::new().await;
    let wish = wish(2_900);
    let opened = it.stripe.checkout(&wish).await.unwrap();
    assert!(opened.is_open() && !opened.is_paid() && opened.id.starts_with("cs_test_"));
    assert_eq!((opened.amount_total, opened.currency.as_str()), (Cents(2_900), "usd"));
    assert_eq!(opened.order.as_deref(), Some(wish.order.as_str()));

    let page = it.http.get(opened.url.unwrap()).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("form-action 'self' http://shop.example;"),
        "the browser may go on to the shop: {policy}"
    );
    let html = page.text().await.unwrap();
    for said in
        ["$29", "Rain on tin", "Ann &amp; Bob &lt;tape&gt;", "4242 4242 4242 4242", "buyer@example.com"]
    {
        assert!(html.contains(said), "{said}");
    }
    for name in ["card_number", "exp", "cvc", "email"] {
        assert!(html.contains(&format!("name=\"{name}\"")), "{name}");
    }
    assert!(
        html.contains("href=\"http:&#x2F;&#x2F;shop.example&#x2F;cart\"")
            || html.contains("href=\"http://shop.example/cart\"")
    );
    assert!(!html.contains("<script") && !html.contains(" style="));

    let answer = it.pays(&opened.id, "4242 4242 4242 4242").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(location(&answer), format!("http://shop.example/orders/1?session={}", opened.id));

    let paid = it.stripe.session(&opened.id).await.unwrap();
    assert!(paid.is_paid() && paid.status == "complete" && paid.url.is_none());
    let payment = it.get(&format!("/v1/payment_intents/{}", paid.payment_intent.unwrap())).await;
    assert_eq!(
        (payment["status"].as_str(), payment["amount_received"].as_i64()),
        (Some("succeeded"), Some(2_900))
    );
    assert_eq!(
        payment["metadata"]["order"],
        wish.order.as_str(),
        "refunds and disputes name only the payment"
    );

    let letter = it.inbox.hears("checkout.session.completed").await;
    assert!(stripe::signed(&letter.signature, &letter.body, &[SECRET], Timestamp::now()));
    assert!(!stripe::signed(&letter.signature, &letter.body, &["whsec_other"], Timestamp::now()));
    let event = stripe::read_event(std::str::from_utf8(&letter.body).unwrap()).unwrap();
    let About::Paid(checkout) = event.about else { panic!("{:?}", event.about) };
    assert_eq!(checkout.order.as_deref(), Some(wish.order.as_str()));

    let again = it.pays(&opened.id, PAYS).await;
    assert_eq!(
        (again.status().as_u16(), location(&again)),
        (303, location(&answer)),
        "a second click pays nothing"
    );
    assert_eq!(it.get("/v1/charges").await["data"].as_array().unwrap().len(), 1);
    let kinds = [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ];
    assert_eq!(it.kinds(), kinds);
    // A look-up asks for what the shop hears, and not for the rest.
    let missed = it.stripe.events(Timestamp::now().plus(-60_000), None).await.unwrap();
    assert!(!missed.more);
    assert_eq!(missed.found.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), kinds[3..]);
}

#[rocket::async_test]
async fn each_test_card_does_what_stripe_says_of_it() {
    let it = TestSandbox::new().await;
    for (card, words, decline_code) in [
        ("4000000000000002", "Your card was declined.", "generic_decline"),
        ("4000 0000 0000 9995", "Your card has insufficient funds.", "insufficient_funds"),
        ("4000000000000069", "Your card has expired.", "expired_card"),
    ] {
        let session = it.opens(&wish(2_900)).await;
        let answer = it.pays(&session, card).await;
        assert_eq!(answer.status(), 402, "{card}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(words), "{card}");
        assert!(html.contains(card) && html.contains("12 / 34"), "what was typed is kept");
        let found = it.get(&format!("/v1/checkout/sessions/{session}?expand[]=payment_intent")).await;
        assert_eq!(
            (found["status"].as_str(), found["payment_status"].as_str()),
            (Some("open"), Some("unpaid"))
        );
        assert_eq!(found["payment_intent"]["last_payment_error"]["decline_code"], decline_code);
        assert_eq!(it.pays(&session, PAYS).await.status(), 303, "another card pays the same session");
    }
    for card in ["5555555555554444", "378282246310005", "4000002760000016"] {
        let session = it.opens(&wish(2_900)).await;
        assert_eq!(it.pays(&session, card).await.status(), 303, "{card}");
    }
}

#[rocket::async_test]
async fn a_bank_may_ask_first_who_pays() {
    let it = TestSandbox::new().await;
    for card in ["4000002500003155", "4000002760003184"] {
        let session = it.opens(&wish(2_900)).await;
        let challenge = format!("/pay/{session}/challenge");
        let answer = it.pays(&session, card).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, challenge.clone()));
        assert!(!it.stripe.session(&session).await.unwrap().is_paid(), "nothing is paid before the answer");
        let html = it.http.get(it.url(&challenge)).send().await.unwrap().text().await.unwrap();
        assert!(html.contains("value=\"complete\"") && html.contains("value=\"fail\""));

        let failed = it.submits(&challenge, &[("answer", "fail")]).await;
        assert_eq!(failed.status(), 303);
        let html = it.http.get(it.url(&location(&failed))).send().await.unwrap().text().await.unwrap();
        assert!(html.contains("unable to authenticate"));
        assert_eq!(
            it.submits(&challenge, &[("answer", "complete")]).await.status(),
            400,
            "asked once, answered once"
        );
        assert!(!it.stripe.session(&session).await.unwrap().is_paid());

        it.pays(&session, card).await;
        let proven = it.submits(&challenge, &[("answer", "complete")]).await;
        assert!(location(&proven).starts_with("http://shop.example/orders/1"));
        assert!(it.stripe.session(&session).await.unwrap().is_paid());
    }
}

#[rocket::async_test]
async fn the_disputed_card_pays_and_its_bank_takes_it_back() {
    let it = TestSandbox::new().await;
    let session = it.paid_with("4000000000000259").await;
    assert!(it.stripe.session(&session).await.unwrap().is_paid());
    let letter = it.inbox.hears("charge.dispute.created").await;
    let event = stripe::read_event(std::str::from_utf8(&letter.body).unwrap()).unwrap();
    let About::Disputed(dispute) = event.about else { panic!("{:?}", event.about) };
    assert_eq!((dispute.amount, dispute.status.as_str()), (Cents(2_900), "needs_response"));
    let payment = it.stripe.session(&session).await.unwrap().payment_intent.unwrap();
    let refused = it.post("/v1/refunds", &[("payment_intent", &payment)], None).await;
    assert_eq!(json(refused).await["error"]["code"], "charge_disputed");

    it.submits(&format!("/disputes/{}/outcome", dispute.id), &[("outcome", "lost")]).await;
    let letter = it.inbox.hears("charge.dispute.closed").await;
    let event = stripe::read_event(std::str::from_utf8(&letter.body).unwrap()).unwrap();
    assert!(matches!(event.about, About::DisputeClosed(dispute) if dispute.status == "lost"));
    assert_eq!(
        it.submits(&format!("/disputes/{}/outcome", dispute.id), &[("outcome", "won")]).await.status(),
        400
    );
}

#[rocket::async_test]
async fn what_is_typed_wrong_is_said_at_its_field_and_kept() {
    let it = TestSandbox::new().await;
    let session = it.opens(&wish(2_900)).await;
    let good = [("card_number", PAYS), ("exp", "12/34"), ("cvc", "123"), ("email", "buyer@example.com")];
    for (field, value, words) in [
        ("card_number", "", "The card number is missing."),
        ("card_number", "4242424242424241", "Your card number is invalid."),
        ("card_number", "4111111111111111", "Nobody pays here with a real card"),
        ("card_number", "\"><script>", "Your card number is invalid."),
        ("exp", "", "The expiry date is missing."),
        ("exp", "13/34", "Write the expiry date as MM / YY."),
        ("exp", "01/20", "in the past"),
        ("exp", "01/99", "year is invalid"),
        ("cvc", "12", "incomplete"),
        ("cvc", "12a", "incomplete"),
        ("email", "", "Your e-mail address is missing."),
        ("email", "nobody@nowhere", "This is no e-mail address."),
    ] {
        let form = good.map(|(name, typed)| if name == field { (name, value) } else { (name, typed) });
        let answer = it.submits(&format!("/pay/{session}"), &form).await;
        assert_eq!(answer.status(), 422, "{field}={value}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(words), "{field}={value}");
        assert!(html.contains("aria-invalid") && html.contains("autofocus") && !html.contains("\"><script>"));
    }
    assert_eq!(it.submits(&format!("/pay/{session}"), &[]).await.status(), 422);
    assert!(it.get("/v1/payment_intents").await["data"].as_array().unwrap().is_empty(), "no bank was asked");
}

#[rocket::async_test]
async fn a_form_that_another_site_sends_is_refused() {
    let it = TestSandbox::new().await;
    let session = it.opens(&wish(2_900)).await;
    let form = [("card_number", PAYS), ("exp", "12/34"), ("cvc", "123"), ("email", "buyer@example.com")];
    for path in [format!("/pay/{session}"), format!("/sessions/{session}/expiry")] {
        for origin in ["http://evil.example", "null"] {
            let answer = it.http.post(it.url(&path)).header("origin", origin).body(encoded(&form));
            let answer =
                answer.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
            assert_eq!(answer.status(), 403, "{path} from {origin}");
        }
    }
    assert!(it.stripe.session(&session).await.unwrap().is_open());
}

const GOOD: [(&str, &str); 7] = [
    ("mode", "payment"),
    ("success_url", "http://shop.example/ok"),
    ("line_items[0][quantity]", "1"),
    ("line_items[0][price_data][currency]", "usd"),
    ("line_items[0][price_data][unit_amount]", "500"),
    ("line_items[0][price_data][product_data][name]", "A sound"),
    ("metadata[order]", "abc"),
];

#[rocket::async_test]
async fn the_same_key_brings_the_same_answer_and_nothing_new() {
    let it = TestSandbox::new().await;
    let first = it.post("/v1/checkout/sessions", &GOOD, Some("key-1")).await;
    assert!(first.headers().get("idempotent-replayed").is_none());
    assert_eq!(first.headers()["idempotency-key"], "key-1");
    let request = first.headers()["request-id"].clone();
    let first = json(first).await;

    let mut other_order = GOOD;
    other_order.reverse();
    let again = it.post("/v1/checkout/sessions", &other_order, Some("key-1")).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.headers()["request-id"], request);
    assert_eq!(json(again).await, first);

    let mut other = GOOD;
    other[4].1 = "501";
    let refused = it.post("/v1/checkout/sessions", &other, Some("key-1")).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(json(refused).await["error"]["type"], "idempotency_error");
    let refused = it.post("/v1/refunds", &[("payment_intent", "pi_1")], Some("key-1")).await;
    assert_eq!(json(refused).await["error"]["type"], "idempotency_error");

    // A refusal did nothing and is forgotten: the same key may succeed later.
    let refused = it.post("/v1/checkout/sessions", &[("mode", "payment")], Some("key-2")).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(it.post("/v1/checkout/sessions", &GOOD, Some("key-2")).await.status(), 200);
    assert_eq!(it.get("/v1/checkout/sessions").await["data"].as_array().unwrap().len(), 2);

    // The shop's own client: the same try of an order is the same session, a changed one is refused.
    let mut wish = wish(2_900);
    let opened = it.stripe.checkout(&wish).await.unwrap();
    assert_eq!(it.stripe.checkout(&wish).await.unwrap().id, opened.id);
    wish.lines[0].amount = Cents(1);
    assert!(matches!(it.stripe.checkout(&wish).await, Err(Error::Conflict(_))));
}

#[rocket::async_test]
async fn refusals_have_stripes_shape() {
    let it = TestSandbox::new().await;
    let with = |name: &'static str, value: &'static str| {
        let mut form = GOOD.to_vec();
        form.retain(|(known, _)| *known != name);
        if value != "-" {
            form.push((name, value));
        }
        form
    };
    let soon = (Timestamp::now().secs() + 60).to_string();
    let far = (Timestamp::now().secs() + 90_000).to_string();
    let (soon, far): (&'static str, &'static str) = (soon.leak(), far.leak());
    for (form, param, code) in [
        (with("mode", "-"), "mode", Some("parameter_missing")),
        (with("mode", "subscription"), "mode", None),
        (with("allowed_payment_method_types[0]", "sepa_debit"), "allowed_payment_method_types", None),
        (with("mode", ""), "mode", Some("parameter_invalid_empty")),
        (with("success_url", "-"), "success_url", Some("parameter_missing")),
        (with("success_url", "nonsense"), "success_url", Some("url_invalid")),
        (with("cancel_url", "javascript:alert(1)"), "cancel_url", Some("url_invalid")),
        (with("customer_email", "nobody"), "customer_email", Some("email_invalid")),
        (with("expires_at", soon), "expires_at", None),
        (with("expires_at", far), "expires_at", None),
        (with("expires_at", "tomorrow"), "expires_at", Some("parameter_invalid_integer")),
        (with("colour", "red"), "colour", Some("parameter_unknown")),
        (
            with("line_items[0][price_data][unit_amount]", "-"),
            "line_items[0][price_data][unit_amount]",
            Some("parameter_missing"),
        ),
        (
            with("line_items[0][price_data][unit_amount]", "-5"),
            "line_items[0][price_data][unit_amount]",
            Some("parameter_invalid_integer"),
        ),
        (
            with("line_items[0][price_data][product_data][name]", "-"),
            "line_items[0][price_data][product_data][name]",
            Some("parameter_missing"),
        ),
        (with("line_items[0][price_data][currency]", "dollar"), "line_items[0][price_data][currency]", None),
        (with("line_items[0][colour]", "red"), "line_items[0][colour]", Some("parameter_unknown")),
        (with("line_items[0][price_data][unit_amount]", "49"), "", Some("amount_too_small")),
        (with("line_items[0][quantity]", "999999"), "", Some("amount_too_large")),
        (with("expand[]", "success_url"), "expand", None),
    ] {
        let answer = it.post("/v1/checkout/sessions", &form, None).await;
        assert_eq!(answer.status(), 400, "{param} {code:?}");
        assert!(answer.headers()["request-id"].to_str().unwrap().starts_with("req_"));
        let error = json(answer).await["error"].clone();
        assert_eq!(error["type"], "invalid_request_error", "{error}");
        assert_eq!(error["code"].as_str(), code, "{error}");
        assert_eq!(error["param"].as_str().unwrap_or(""), param, "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    assert!(
        it.get("/v1/checkout/sessions").await["data"].as_array().unwrap().is_empty(),
        "nothing was opened"
    );

    let bare = it.http.get(it.url("/v1/events")).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(json(bare).await["error"]["type"], "invalid_request_error");
    let named = it.http.get(it.url("/v1/events")).basic_auth("sk_test_x", None::<&str>).send().await.unwrap();
    assert_eq!(named.status(), 200, "the key may also come as Basic");
    for path in [
        "/v1/checkout/sessions/cs_1",
        "/v1/payment_intents/pi_1",
        "/v1/charges/ch_1",
        "/v1/refunds/re_1",
        "/v1/events/evt_1",
        "/v1/disputes/dp_1",
        "/v1/balance_transactions/txn_1",
    ] {
        let answer = it.http.get(it.url(path)).bearer_auth("sk").send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(json(answer).await["error"]["code"], "resource_missing", "{path}");
    }
    for (method, path) in [("GET", "/v1/nothing"), ("DELETE", "/v1/events/evt_1"), ("PUT", "/v1/events")] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = it.http.request(method, it.url(path)).bearer_auth("sk").send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(json(answer).await["error"]["type"], "invalid_request_error", "{path}");
    }
    assert!(matches!(it.stripe.session("cs_test_nothing").await, Err(Error::NotFound)));
}

#[rocket::async_test]
async fn refunds_give_back_what_is_left_and_no_more() {
    let it = TestSandbox::new().await;
    let session = it.paid_with(PAYS).await;
    let payment = it.stripe.session(&session).await.unwrap().payment_intent.unwrap();
    let part = it.post("/v1/refunds", &[("payment_intent", &payment), ("amount", "900")], None).await;
    let part = json(part).await;
    assert_eq!((part["amount"].as_i64(), part["status"].as_str()), (Some(900), Some("succeeded")));
    let too_much = it.post("/v1/refunds", &[("payment_intent", &payment), ("amount", "2001")], None).await;
    assert_eq!(
        (too_much.status().as_u16(), json(too_much).await["error"]["param"].as_str()),
        (400, Some("amount"))
    );
    let rest = it
        .post("/v1/refunds", &[("charge", part["charge"].as_str().unwrap()), ("expand[]", "charge")], None)
        .await;
    let rest = json(rest).await;
    assert_eq!((rest["amount"].as_i64(), rest["charge"]["refunded"].as_bool()), (Some(2_000), Some(true)));
    let none = it.post("/v1/refunds", &[("payment_intent", &payment)], None).await;
    assert_eq!(json(none).await["error"]["code"], "charge_already_refunded");

    let refunded: Vec<i64> = it
        .stripe
        .events(Timestamp::now().plus(-60_000), None)
        .await
        .unwrap()
        .found
        .iter()
        .rev()
        .filter_map(|event| match stripe::read_event(&event.body).unwrap().about {
            About::Refunded { refunded, .. } => Some(refunded.0),
            _ => None,
        })
        .collect();
    assert_eq!(refunded, [900, 2_900]);
    let movements = it.get("/v1/balance_transactions").await;
    let sum: i64 =
        movements["data"].as_array().unwrap().iter().map(|it| it["amount"].as_i64().unwrap()).sum();
    assert_eq!(sum, 0, "all that came in went out");
}

#[rocket::async_test]
async fn lists_are_paged_from_the_youngest() {
    let it = TestSandbox::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, it.opens(&wish(2_900)).await);
    }
    let seen = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = it.get("/v1/checkout/sessions?limit=2").await;
    assert_eq!((seen(&first), first["has_more"].as_bool()), (ids[..2].to_vec(), Some(true)));
    let rest = it.get(&format!("/v1/checkout/sessions?limit=3&starting_after={}", ids[1])).await;
    assert_eq!((seen(&rest), rest["has_more"].as_bool()), (ids[2..].to_vec(), Some(false)));
    let before = it.get(&format!("/v1/checkout/sessions?limit=2&ending_before={}", ids[3])).await;
    assert_eq!((seen(&before), before["has_more"].as_bool()), (ids[1..3].to_vec(), Some(true)));
    it.stripe.expire(&ids[4]).await.unwrap();
    it.stripe.expire(&ids[4]).await.unwrap();
    assert_eq!(seen(&it.get("/v1/checkout/sessions?status=expired").await), ids[4..]);
    let tomorrow = Timestamp::now().secs() + 86_400;
    assert!(seen(&it.get(&format!("/v1/checkout/sessions?created[gte]={tomorrow}")).await).is_empty());
    let lines = it.get(&format!("/v1/checkout/sessions/{}/line_items", ids[0])).await;
    assert_eq!(lines["data"][0]["amount_total"], 2_900);
}

#[rocket::async_test]
async fn sessions_end_by_themselves_and_cannot_be_paid_then() {
    let it = TestSandbox::new().await;
    let session = it.opens(&wish(2_900)).await;
    it.running().let_pass(3_590).await.unwrap();
    assert!(it.stripe.session(&session).await.unwrap().is_open());
    it.running().let_pass(20).await.unwrap();
    assert_eq!(it.stripe.session(&session).await.unwrap().status, "expired");
    assert_eq!(it.pays(&session, PAYS).await.status(), 410);
    it.inbox.hears("checkout.session.expired").await;
}

#[rocket::async_test]
async fn a_basket_that_costs_nothing_asks_for_no_card() {
    let it = TestSandbox::new().await;
    let session = it.opens(&wish(0)).await;
    let answer = it.submits(&format!("/pay/{session}"), &[("email", "buyer@example.com")]).await;
    assert_eq!(answer.status(), 303);
    let session = it.stripe.session(&session).await.unwrap();
    assert_eq!(
        (session.status.as_str(), session.payment_status.as_str()),
        ("complete", "no_payment_required")
    );
    assert_eq!(session.payment_intent, None);
}

#[rocket::async_test]
async fn webhooks_come_again_until_they_are_taken() {
    let it = TestSandbox::new().await;
    it.inbox.answers(&[500, 302, 404, 503]);
    it.paid_with(PAYS).await;
    assert!(it.running().settled(Duration::from_secs(15)).await);
    let letters = it.inbox.letters();
    let taken: Vec<String> = letters.iter().filter(|it| it.answered == 200).map(|it| it.id()).collect();
    assert_eq!((letters.len(), taken.len()), (8, 4), "four refused, four taken");
    for told in it.running().told() {
        assert_eq!(taken.iter().filter(|id| **id == told.id).count(), 1, "taken once: {}", told.kind);
    }
    for letter in &letters {
        assert!(stripe::signed(&letter.signature, &letter.body, &[SECRET], Timestamp::now()));
    }
}

#[rocket::async_test]
async fn webhooks_can_be_held_back_repeated_and_turned_round() {
    let it = TestSandbox::new().await;
    it.running().hold_webhooks(true);
    it.paid_with(PAYS).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(it.inbox.letters().is_empty());
    it.running().release_reversed().await.unwrap();
    let mut kinds: Vec<String> = it.inbox.letters().iter().map(|it| it.kind()).collect();
    kinds.reverse();
    assert_eq!(kinds, it.kinds());

    let told = it.running().told();
    let event = &told[3].id;
    assert_eq!(it.running().send_at_once(event, 10).await.unwrap(), [200; 10]);
    assert_eq!(it.inbox.letters().iter().filter(|it| it.id() == *event).count(), 11);

    // The same from its page, as a person does it.
    it.submits("/webhooks/hold", &[("hold", "off")]).await;
    it.submits(&format!("/events/{event}/delivery"), &[("when", "now")]).await;
    assert!(it.running().settled(Duration::from_secs(5)).await);
    assert_eq!(it.inbox.letters().iter().filter(|it| it.id() == *event).count(), 12);
    it.submits(&format!("/events/{event}/delivery"), &[("when", "late")]).await;
    assert!(!it.running().settled(Duration::from_millis(600)).await, "late is not now");
    assert_eq!(it.inbox.letters().iter().filter(|it| it.id() == *event).count(), 12);
}

#[rocket::async_test]
async fn it_can_be_away_and_lose_answers_without_a_second_session() {
    let it = TestSandbox::new().await;
    it.running().go_away(true);
    assert!(matches!(it.stripe.checkout(&wish(2_900)).await, Err(Error::Busy(_))));
    it.running().go_away(false);
    it.running().lose_answers(2);
    let opened = it.stripe.checkout(&wish(2_900)).await.unwrap();
    let all = it.get("/v1/checkout/sessions").await;
    assert_eq!(all["data"].as_array().unwrap().len(), 1, "three calls, one session");
    assert_eq!(all["data"][0]["id"], opened.id.as_str());
}

#[rocket::async_test]
async fn its_own_page_shows_what_it_holds_and_does_what_its_buttons_say() {
    let it = TestSandbox::new().await;
    let page = async || it.http.get(it.url("/")).send().await.unwrap().text().await.unwrap();
    assert!(page().await.contains("No session yet"));
    let open = it.opens(&wish(2_900)).await;
    let paid = it.paid_with(PAYS).await;
    let payment = it.stripe.session(&paid).await.unwrap().payment_intent.unwrap();
    let html = page().await;
    assert!(
        html.contains(&payment)
            && html.contains("Refund in full")
            && html.contains("checkout.session.completed")
    );

    assert_eq!(
        it.submits(&format!("/payments/{payment}/refunds"), &[("amount", "9.00")]).await.status(),
        303
    );
    assert_eq!(
        it.submits(&format!("/payments/{payment}/refunds"), &[("amount", "much")]).await.status(),
        422
    );
    assert_eq!(it.submits(&format!("/payments/{payment}/dispute"), &[]).await.status(), 303);
    let dispute = it.get("/v1/disputes").await["data"][0].clone();
    assert_eq!(dispute["amount"], 2_000, "what is left is disputed");
    assert_eq!(
        it.submits(&format!("/payments/{payment}/refunds"), &[]).await.status(),
        400,
        "not while disputed"
    );
    let id = dispute["id"].as_str().unwrap();
    assert_eq!(it.submits(&format!("/disputes/{id}/outcome"), &[("outcome", "won")]).await.status(), 303);
    it.inbox.hears("charge.dispute.funds_reinstated").await;
    assert_eq!(it.submits(&format!("/sessions/{open}/expiry"), &[]).await.status(), 303);
    assert_eq!(it.stripe.session(&open).await.unwrap().status, "expired");
    assert_eq!(it.submits("/sessions/cs_nothing/expiry", &[]).await.status(), 404);
    let html = page().await;
    assert!(html.contains("expired") && html.contains("won"));
    let css = it.http.get(it.url("/sandbox.css")).send().await.unwrap();
    assert_eq!(css.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(browser().get(it.url("/nowhere")).send().await.unwrap().status(), 404);
}
