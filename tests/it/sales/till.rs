//! The till over HTTP, with the pretend Stripe on the other side.

use std::time::Duration;

use cuehouse::clock::Timestamp;
use cuehouse::db::schema::{licences, orders, stripe_events};
use cuehouse::ids::OrderId;
use cuehouse::jobs::{Job, enqueue};
use cuehouse::sales::credential::digest_sri;
use cuehouse::sales::ledger;
use cuehouse::sales::order::Order;
use cuehouse::sales::status_list::LIST_BITS;
use cuehouse::sales::verify::{self, Verdict};
use cuehouse::stripe::sign;
use diesel::prelude::*;

use super::http::{
    OnSale, adds, buys, checks_out, numbers, pays, rain, refunds, reprices, seller, sells, wav, withdraws,
};
use crate::support::app::{TestApp, email_of};

async fn count_orders(app: &TestApp) -> i64 {
    app.app.db.read(|conn| Ok(orders::table.count().get_result(conn)?)).await.unwrap()
}

async fn count_licences(app: &TestApp) -> i64 {
    app.app.db.read(|conn| Ok(licences::table.count().get_result(conn)?)).await.unwrap()
}

async fn count_events(app: &TestApp) -> i64 {
    app.app.db.read(|conn| Ok(stripe_events::table.count().get_result(conn)?)).await.unwrap()
}

async fn order_at(app: &TestApp, path: &str) -> Order {
    let id = OrderId::parse(path.split('?').next().unwrap().strip_prefix("/orders/").unwrap()).unwrap();
    app.app.db.read(move |conn| Order::find(conn, &id)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_without_an_account_keeps_a_basket_and_takes_things_out_again() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut visitor = app.visitor();
    assert!(visitor.get("/cart").await.is(200).has("Your basket is empty"));
    assert!(visitor.cookie("basket").is_none(), "a look gives no cookie");
    let added = adds(&mut visitor, &track, "creator").await.is(303);
    assert_eq!(added.location(), "/cart");
    let cookie = added
        .headers
        .get_all("set-cookie")
        .iter()
        .find(|c| c.to_str().unwrap().starts_with("basket="))
        .unwrap();
    let cookie = cookie.to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
    let page = visitor.get("/cart").await.is(200);
    assert!(page.has("Rain on tin") && page.has("$29") && page.has("Creator licence"));
    assert!(page.has("aria-label=\"Basket, 1\""));

    // Without the form's token nothing happens.
    visitor.post("/cart/removals", &[("track", track.slug.as_str()), ("tier", "creator")]).await.is(403);
    let gone = visitor
        .send("/cart", "/cart/removals", &[("track", track.slug.as_str()), ("tier", "creator")])
        .await
        .is(303);
    assert_eq!(gone.location(), "/cart");
    assert!(visitor.get("/cart").await.has("Your basket is empty"));

    // What is not on sale is not found.
    assert_eq!(adds(&mut visitor, &track, "film").await.status, 404);
}

/// The purchase from end to end: S2-08 and the promises about files and proof.
#[tokio::test(flavor = "multi_thread")]
async fn who_pays_gets_the_licences_the_master_and_the_proof() {
    let app = TestApp::new().await;
    let rain = rain(&app).await;
    let tomas = seller(&app, "Tomas Vale").await;
    let copper = sells(&app, &tomas, "Copper weather", &[("business", 7_900)], wav(2), "WAV").await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &rain, "creator").await.is(303);
    adds(&mut ada, &copper, "business").await.is(303);
    let checkout = ada.get("/checkout").await.is(200);
    assert!(checkout.has("Pay $108"));
    let policy = checkout.header("content-security-policy").unwrap();
    let forms = policy.split(';').find(|p| p.trim().starts_with("form-action")).unwrap();
    assert!(forms.contains(&app.stripe.url), "{forms}");
    let elsewhere = ada.get("/cart").await;
    assert!(!elsewhere.header("content-security-policy").unwrap().contains(&app.stripe.url));

    let back = buys(&app, &mut ada).await;
    let order = ada.get(&back).await.is(200);
    assert!(order.has("Thank you") && order.has("$108") && order.has("Field &amp; Söhne GmbH"));
    assert!(!order.has("data-refresh"));
    assert!(ada.get("/cart").await.has("Your basket is empty"));
    assert_eq!((count_orders(&app).await, count_licences(&app).await), (1, 2));

    let library = ada.get("/library").await.is(200);
    let numbers = numbers(&library);
    assert_eq!(numbers.len(), 2);
    for number in &numbers {
        let file = library.link(&format!("/library/{number}/")).unwrap();
        assert!(file.contains(number), "names carry the number: {file}");
        let got = ada.get(&file).await.is(200);
        let track = if file.contains("rain") { &rain } else { &copper };
        assert_eq!(got.bytes, track.master, "the master, byte for byte");
        assert!(got.header("content-disposition").unwrap().contains(number));
        let verify = app.visitor().get(&format!("/verify/{number}")).await.is(200);
        assert!(verify.has("Valid") && verify.has("Ada Field") && !verify.has("@example.com"));
    }
    let file = format!("/library/{}/master", numbers[0]);
    let part = ada.get_with(&file, &[("Range", "bytes=10-19")]).await.is(206);
    assert_eq!(part.bytes.len(), 10);
    let head = ada.head(&file).await.is(200);
    assert_eq!(head.header("content-length").unwrap(), rain.master.len().to_string());
    ada.get_with(&file, &[("Range", "bytes=99999999-")]).await.is(416);
    let tag = head.header("etag").unwrap().to_owned();
    ada.get_with(&file, &[("If-None-Match", &tag)]).await.is(304);

    // Nobody else.
    let mut other = app.buyer("Ben Other").await;
    other.get(&file).await.is(404);
    other.get(&back).await.is(404);
    other.get(&format!("/library/{}/certificate.json", numbers[0])).await.is(404);
    let stranger = app.visitor().get(&file).await.is(303);
    assert!(stranger.location().starts_with("/sign-in?next="));

    app.run_jobs().await;
    app.run_jobs().await;
    let letters = app.letters_to(&email_of("Ada Field"));
    assert_eq!(letters.len(), 1);
    let text = &letters[0].text;
    assert!(
        text.contains("Rain on tin") && text.contains("$108") && numbers.iter().all(|n| text.contains(n)),
        "{text}"
    );
    assert!(text.contains(&format!("{}/library", app.url)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_clicks_on_pay_are_one_order_and_one_payment_page() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let form = ada.get("/checkout").await.form("/checkout");
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let all: Vec<(&str, &str)> = [fields, vec![("licensee", "Ada Field"), ("company", "")]].concat();
    let clicks = (0..10).map(|_| {
        let (mut window, all) = (ada.window(), all.clone());
        async move { window.post("/checkout", &all).await.is(303).location().to_owned() }
    });
    let mut pages = futures::future::join_all(clicks).await;
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert_eq!(count_orders(&app).await, 1);

    // Paid, and clicked once more from a window that was left open: the order, not another page.
    let back = pays(&app, &mut ada, &pages[0]).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await);
    let again = ada.window().post("/checkout", &all).await.is(303).location().to_owned();
    assert_eq!(again, back);
    assert_eq!((count_orders(&app).await, count_licences(&app).await), (1, 1));
}

/// A licence for a territory names it: whoever fills in the page cannot leave it out, and the next page knows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_territory_is_named_before_anything_is_paid() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "business").await.is(303);
    let page = ada.get("/checkout").await.is(200);
    assert!(page.has("name=\"territory\"") && !page.has("value=\"asia-pacific\" checked"));
    let nowhere = [("licensee", "Ada Field"), ("country", "")];
    let told = ada.send("/checkout", "/checkout", &nowhere).await.is(422);
    assert!(told.has("name a territory here, or your country above") && told.has("value=\"Ada Field\""));
    let both = [("licensee", "Ada Field"), ("country", ""), ("territory", "europe"), ("territory", "africa")];
    assert!(ada.send("/checkout", "/checkout", &both).await.is(422).has("Name at most one territory"));
    assert_eq!(count_orders(&app).await, 0);

    let from = [("licensee", "Ada Field"), ("country", "NZ")];
    let at = ada.send("/checkout", "/checkout", &from).await.is(303).location().to_owned();
    pays(&app, &mut ada, &at).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await);
    let number = numbers(&ada.get("/library").await).remove(0);
    let json = ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    let document: serde_json::Value = serde_json::from_slice(&json.bytes).unwrap();
    let subject = &document["credentialSubject"];
    assert_eq!(subject["territories"]["groups"], serde_json::json!(["asia-pacific"]));
    assert!(subject["agreement"].to_string().contains("iso:code:3166:NZ"));

    let next = seller(&app, "Tomas Vale").await;
    let next = sells(&app, &next, "Copper weather", &[("business", 7_900)], wav(2), "WAV").await;
    adds(&mut ada, &next, "business").await.is(303);
    let page = ada.get("/checkout").await.is(200);
    assert!(page.has("value=\"asia-pacific\" checked"), "{}", page.text());
}

/// A program that knows nothing of territories is not stopped: whoever holds its licence names one afterwards, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_territory_that_nobody_named_is_named_once_and_the_certificate_issued_anew() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let (mut ada, mut ben) = (app.buyer("Ada Field").await, app.buyer("Ben Field").await);
    adds(&mut ada, &track, "business").await.is(303);
    buys(&app, &mut ada).await;
    let library = ada.get("/library").await.is(200);
    let number = numbers(&library).remove(0);
    let (at, file) = (format!("/library/{number}/territory"), format!("/library/{number}/certificate.json"));
    assert!(library.has(&format!("action=\"{at}\"")));
    let first = ada.get(&file).await.is(200);
    assert!(first.has("Not named yet"));
    let token = ada.get("/library").await.csrf().unwrap();
    for wrong in [vec![], vec!["mars"], vec!["europe", "africa"]] {
        let mut fields = vec![("csrf", token.as_str())];
        fields.extend(wrong.iter().map(|slug| ("territory", *slug)));
        ada.post(&at, &fields).await.is(422);
    }
    let other = ben.get("/library").await.csrf().unwrap();
    ben.post(&at, &[("csrf", &other), ("territory", "africa")]).await.is(404);
    assert!(ada.get(&file).await.bytes == first.bytes, "nothing changed");

    ada.post(&at, &[("csrf", &token), ("territory", "europe")]).await.is(303);
    ada.post(&at, &[("csrf", &token), ("territory", "africa")]).await.is(422);
    assert!(!ada.get("/library").await.is(200).has(&at));
    let second = ada.get(&file).await.is(200);
    let keys = app.app.issuer.published().to_vec();
    let read = |bytes: &[u8]| match verify::check(bytes, &keys) {
        Verdict::Intact(document) => document,
        other => panic!("{other:?}"),
    };
    let (early, late) = (read(&first.bytes), read(&second.bytes));
    let subject = &late["credentialSubject"];
    assert_eq!(subject["territories"]["groups"], serde_json::json!(["europe"]));
    assert!(subject["agreement"].to_string().contains("iso:code:3166:DE"));
    assert_eq!(subject["issuedAnew"]["replaces"], digest_sri(&first.bytes));
    for same in ["number", "issued", "order", "licensee", "track", "tier", "term"] {
        assert_eq!(subject[same], early["credentialSubject"][same], "{same}");
    }
    assert_eq!(late["credentialStatus"], early["credentialStatus"]);
    let mut stranger = app.visitor();
    assert!(stranger.get(&format!("/verify/{number}")).await.is(200).has("Europe"));
    for document in [&first, &second] {
        let page = stranger.send("/verify", "/verify", &[("document", &document.text())]).await.is(200);
        assert!(page.has("</svg>Valid</p>"), "{}", page.text());
    }
    let pdf = ada.get(&format!("/library/{number}/certificate.pdf")).await.is(200);
    assert_eq!(read(&pdf.bytes), late);
}

/// Nobody pays a price they did not see.
#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_changed_is_said_before_anything_is_paid() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    adds(&mut ada, &track, "business").await.is(303);
    let form = ada.get("/checkout").await.form("/checkout");
    reprices(&app, &track, &[("creator", 3_900)]).await;
    let page = ada.get("/cart").await.is(200);
    assert!(page.has("it was $29 and is $39 now") && page.has("Not on sale any more"));

    let mut fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.extend([("licensee", "Ada Field"), ("company", "")]);
    let told = ada.post("/checkout", &fields).await.is(409);
    assert!(told.has("Something changed") && told.has("Pay $39") && told.has("value=\"Ada Field\""));
    assert_eq!(count_orders(&app).await, 0);
    let mut fields: Vec<(String, String)> = told.form("/checkout");
    fields.push(("licensee".into(), "Ada Field".into()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let paid = ada.post("/checkout", &fields).await.is(303);
    assert!(paid.location().starts_with(&app.stripe.url));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_sends_only_the_named_fields_is_told_too() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    reprices(&app, &track, &[("creator", 3_900)]).await;
    let csrf = ada.get("/").await.csrf().or(ada.get("/cart").await.csrf()).unwrap();
    let fields = [("csrf", csrf.as_str()), ("licensee", "Ada Field"), ("company", "")];
    assert!(ada.post("/checkout", &fields).await.is(409).has("$39"));
    let paid = ada.post("/checkout", &fields).await.is(303);
    assert!(paid.location().starts_with(&app.stripe.url));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_nothing_never_touches_stripe() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "listen").await.is(303);
    app.stripe.go_away(true);
    let order = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    assert!(order.starts_with("/orders/"), "{order}");
    assert!(ada.get(&order).await.is(200).has("Thank you"));
    assert_eq!(numbers(&ada.get("/library").await).len(), 1);
    assert!(app.stripe.told().is_empty());
    let sums = order_at(&app, &order).await;
    let sums = app.app.db.read(move |conn| ledger::sums(conn, &sums.id)).await.unwrap();
    assert!(sums.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_needs_a_confirmed_buyer_and_a_name() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut visitor = app.visitor();
    adds(&mut visitor, &track, "creator").await.is(303);
    assert_eq!(visitor.get("/checkout").await.is(303).location(), "/sign-in?next=%2Fcheckout");
    let mut ada = app.buyer("Ada Field").await;
    assert_eq!(ada.get("/checkout").await.is(303).location(), "/cart", "nothing to check out");
    adds(&mut ada, &track, "creator").await.is(303);
    for (name, said) in
        [("", "Say who"), ("ada@example.com", "not an e-mail"), (&"x".repeat(121), "longer than")]
    {
        let again = checks_out(&mut ada, name).await.is(422);
        assert!(again.has(said), "{name}");
        assert!(again.has("aria-invalid=\"true\"") && again.has("Field &amp; Söhne"));
    }
    assert_eq!(count_orders(&app).await, 0);
    let id = ada.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| {
            use cuehouse::db::schema::users;
            diesel::update(users::table.find(&id))
                .set(users::confirmed_at.eq(None::<Timestamp>))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    ada.get("/checkout").await.is(403);
}

/// S4-01, S4-02, S1-01: the order needs a name; a postal address, a telephone number and a card are asked for by nobody here.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_asks_for_a_name_and_neither_address_nor_card() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = ada.get("/checkout").await.is(200).text();
    let form = page.split("action=\"/checkout\"").nth(1).unwrap().split("</form>").next().unwrap();
    let mut names: Vec<&str> =
        form.split(" name=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["company", "country", "csrf", "licensee", "project", "seal"]);
    assert!(form.contains("no letters of Chinese") && form.contains("in the signed JSON"), "before paying");
    let required: Vec<&str> = form.split('<').filter(|tag| tag.contains(" required")).collect();
    assert!(required.len() == 1 && required[0].contains("licensee"), "{required:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_payment_comes_back_to_a_whole_basket_and_the_same_page() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    let stripe = ada.ask(reqwest::Method::GET, &page, &[], None).await.is(200);
    let cancel = stripe.link(&format!("{}/orders/", app.url)).unwrap();
    assert!(cancel.ends_with("?cancelled"));
    assert_eq!(ada.get(cancel.strip_prefix(&app.url).unwrap()).await.is(303).location(), "/cart");
    let cart = ada.get("/cart").await.is(200);
    assert!(cart.has("Rain on tin") && cart.has("Nothing was charged"));
    assert_eq!(checks_out(&mut ada, "Ada Field").await.is(303).location(), page, "the same page again");

    // For somebody else it is another order, and the first page cannot be paid any more.
    let other = checks_out(&mut ada, "Ben Field").await.is(303).location().to_owned();
    assert_ne!(other, page);
    let closed = ada.ask(reqwest::Method::GET, &page, &[], None).await;
    assert!(!closed.has("card_number"), "{}", closed.text());
    let back = pays(&app, &mut ada, &other).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await);
    assert!(ada.get(&back).await.has("Ben Field"));
    assert_eq!(count_licences(&app).await, 1);
}

/// A browser's word is never taken for a payment.
#[tokio::test(flavor = "multi_thread")]
async fn coming_back_pays_nothing_and_a_lost_webhook_is_fetched_from_stripe() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    let id =
        app.app.db.read(|conn| Ok(orders::table.select(orders::id).first::<OrderId>(conn)?)).await.unwrap();
    let waiting = ada.get(&format!("/orders/{id}?paid")).await.is(200);
    assert!(waiting.has("Waiting for the payment") && waiting.has("data-refresh"));
    assert_eq!(count_licences(&app).await, 0);

    app.stripe.hold_webhooks(true);
    let back = pays(&app, &mut ada, &page).await;
    assert_eq!(count_licences(&app).await, 0, "no webhook yet");
    app.stripe.go_away(true);
    let unheard = ada.get(&back).await.is(200);
    assert!(unheard.has("cannot be reached just now") && count_licences(&app).await == 0);
    app.stripe.go_away(false);
    let news = ada.get(&back).await.is(303);
    assert!(ada.get(news.location()).await.is(200).has("Thank you"));
    assert_eq!(count_licences(&app).await, 1);

    // The webhook that comes after all changes nothing.
    app.stripe.hold_webhooks(false);
    assert!(app.stripe.settled(Duration::from_secs(20)).await);
    assert_eq!(count_licences(&app).await, 1);
    app.run_jobs().await;
    app.run_jobs().await;
    assert_eq!(app.letters_to(&email_of("Ada Field")).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_never_comes_back_gets_everything_from_the_hourly_round() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    app.stripe.hold_webhooks(true);
    pays(&app, &mut ada, &page).await;
    for _ in 0..2 {
        app.app.db.write(|conn| enqueue(conn, &Job::Reconcile {}, Timestamp::now())).await.unwrap();
        app.run_jobs().await;
    }
    assert_eq!(count_licences(&app).await, 1);
    assert!(app.stripe.told().iter().all(|told| !told.delivered));
    assert!(count_events(&app).await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_may_come_twice_ten_times_at_once_and_backwards() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    app.stripe.hold_webhooks(true);
    let back = pays(&app, &mut ada, &page).await;
    app.stripe.release_reversed().await.unwrap();
    let paid = app.stripe.told().into_iter().find(|t| t.kind == "checkout.session.completed").unwrap();
    let statuses = app.stripe.send_at_once(&paid.id, 10).await.unwrap();
    assert_eq!(statuses, [200; 10]);
    assert_eq!(count_licences(&app).await, 1);
    assert!(ada.get(&back).await.has("Thank you"));
    let order = order_at(&app, &back).await;
    let (uneven, sums) = app
        .app
        .db
        .read(move |conn| Ok((ledger::uneven(conn)?, ledger::sums(conn, &order.id)?)))
        .await
        .unwrap();
    assert!(uneven.is_empty());
    let mut cents: Vec<i64> = sums.values().map(|c| c.0).collect();
    cents.sort();
    assert_eq!(cents, [-2_900, 1_015, 1_885]);
}

/// Only Stripe's word counts, and only while it is fresh.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_stale_webhook_changes_nothing() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    checks_out(&mut ada, "Ada Field").await.is(303);
    let id =
        app.app.db.read(|conn| Ok(orders::table.select(orders::id).first::<OrderId>(conn)?)).await.unwrap();
    let body = format!(
        r#"{{"id":"evt_f","type":"checkout.session.completed","created":1795000000,"data":{{"object":{{"id":"cs_f","payment_status":"paid","payment_intent":"pi_f","amount_total":2900,"currency":"usd","metadata":{{"order":"{id}"}}}}}}}}"#
    );
    let now = Timestamp::now();
    let secret = app.app.webhook_secrets().remove(0);
    let other = sign(body.as_bytes(), "whsec_of_somebody_else", now);
    let stale = sign(body.as_bytes(), &secret, now.plus(-301_000));
    // Well beyond the five minutes: on a busy machine seconds pass until it is asked.
    let early = sign(body.as_bytes(), &secret, now.plus(360_000));
    let of_another = sign(b"{}", &secret, now);
    let mut stranger = app.visitor();
    for header in ["", "t=1,v1=00", &other, &stale, &early, &of_another] {
        let headers = [("Stripe-Signature", header)];
        let answer = stranger
            .post_raw("/stripe/webhook", "application/json", body.clone().into_bytes(), &headers)
            .await;
        assert_eq!(answer.status, 400, "{header}");
    }
    stranger.post_raw("/stripe/webhook", "application/json", body.clone().into_bytes(), &[]).await.is(400);
    // One white space more is another body.
    let right = sign(body.as_bytes(), &secret, now);
    let headers = [("Stripe-Signature", right.as_str())];
    let spaced = format!("{body} ").into_bytes();
    stranger.post_raw("/stripe/webhook", "application/json", spaced, &headers).await.is(400);
    assert_eq!((count_events(&app).await, count_licences(&app).await), (0, 0));
    stranger.post_raw("/stripe/webhook", "application/json", body.into_bytes(), &headers).await.is(200);
    assert_eq!((count_events(&app).await, count_licences(&app).await), (1, 1));
    // What nobody can read is kept and not asked for again.
    let odd =
        br#"{"id":"evt_odd","type":"checkout.session.completed","created":1,"data":{"object":{}}}"#.to_vec();
    let header = sign(&odd, &secret, now);
    stranger
        .post_raw("/stripe/webhook", "application/json", odd, &[("Stripe-Signature", &header)])
        .await
        .is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_stripes_opens_no_second_page() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    // Every answer is lost: as if we had died between the call and the note about it.
    app.stripe.lose_answers(3);
    checks_out(&mut ada, "Ada Field").await.is(503);
    assert_eq!(count_orders(&app).await, 1);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    let held = ada
        .ask(
            reqwest::Method::GET,
            &format!("{}/v1/checkout/sessions", app.stripe.url),
            &[("authorization", "Bearer sk_test_any")],
            None,
        )
        .await;
    if held.status == 200 {
        let held: serde_json::Value = serde_json::from_slice(&held.bytes).unwrap();
        assert_eq!(held["data"].as_array().unwrap().len(), 1);
    }
    let back = pays(&app, &mut ada, &page).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await);
    assert!(ada.get(&back).await.has("Thank you"));
    assert_eq!((count_orders(&app).await, count_licences(&app).await), (1, 1));
}

/// A full refund made at Stripe.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_revokes_reverses_and_says_so() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let back = buys(&app, &mut ada).await;
    let number = numbers(&ada.get("/library").await).remove(0);
    let before = bits(&mut app.visitor(), "/status/revocation").await;
    assert_eq!(before, 0);

    let order = order_at(&app, &back).await;
    refunds(&app, order.payment_intent.as_deref().unwrap()).await;
    let verify = app.visitor().get(&format!("/verify/{number}")).await.is(200);
    assert!(verify.has("Refunded") && verify.has("revoked since"), "{}", verify.text());
    assert_eq!(bits(&mut app.visitor(), "/status/revocation").await, 1);
    assert_eq!(bits(&mut app.visitor(), "/status/suspension").await, 0);
    let library = ada.get("/library").await.is(200);
    assert!(library.has("This licence ended on") && !library.has("/master"));
    ada.get(&format!("/library/{number}/master")).await.is(403);
    ada.get(&format!("/library/{number}/mp3")).await.is(403);
    ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    assert!(ada.get(&back).await.has("Refunded"));
    let sums = app.app.db.read(move |conn| ledger::sums(conn, &order.id)).await.unwrap();
    assert!(sums.values().all(|cents| cents.0 == 0), "{sums:?}");
    for _ in 0..3 {
        app.run_jobs().await;
    }
    let letters = app.letters_to(&email_of("Ada Field"));
    assert!(
        letters.iter().any(|l| l.subject.contains("refunded") && l.text.contains("Rain on tin")),
        "{letters:?}"
    );
}

/// What a certificate of a later list says leads to that list, and there its licence is revoked.
#[tokio::test(flavor = "multi_thread")]
async fn a_licence_beyond_the_first_list_is_looked_up_in_its_own() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "business").await.is(303);
    let back = buys(&app, &mut ada).await;
    let mut stranger = app.visitor();
    stranger.get("/status/revocation/2").await.is(404);
    // As if half a list had been issued before it; the certificate that names the territory is made after that.
    app.app
        .db
        .write(|conn| {
            let later = licences::status_index.eq(licences::status_index + LIST_BITS);
            Ok(diesel::update(licences::table).set(later).execute(conn)?)
        })
        .await
        .unwrap();
    let library = ada.get("/library").await.is(200);
    let (number, token) = (numbers(&library).remove(0), library.csrf().unwrap());
    let named = [("csrf", token.as_str()), ("territory", "europe")];
    ada.post(&format!("/library/{number}/territory"), &named).await.is(303);
    let json = ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    let document: serde_json::Value = serde_json::from_slice(&json.bytes).unwrap();
    let mut entries = vec![];
    for entry in document["credentialStatus"].as_array().unwrap() {
        let address = entry["statusListCredential"].as_str().unwrap().strip_prefix(&app.url).unwrap();
        let place: usize = entry["statusListIndex"].as_str().unwrap().parse().unwrap();
        assert!(place < LIST_BITS as usize);
        let seen = stranger.get(address).await.is(200);
        let list: serde_json::Value = serde_json::from_slice(&seen.bytes).unwrap();
        assert_eq!(list["id"], entry["statusListCredential"]);
        let signed = cuehouse::proof::jcs::canonical(&list);
        let verdict = verify::check(signed.as_bytes(), app.app.issuer.published());
        assert!(matches!(verdict, Verdict::Intact(_)), "{address}");
        assert_eq!(bits(&mut stranger, address).await, 0);
        entries.push((address.to_owned(), place));
    }
    let lists: Vec<&str> = entries.iter().map(|(list, _)| list.as_str()).collect();
    assert_eq!(lists, ["/status/revocation/2", "/status/suspension/2"]);

    let order = order_at(&app, &back).await;
    refunds(&app, order.payment_intent.as_deref().unwrap()).await;
    let place = entries[0].1;
    let list = bytes_of(&mut stranger, "/status/revocation/2").await;
    assert!(list[place / 8] & (0x80_u8 >> (place % 8)) != 0, "its own bit");
    for (path, set) in [("/status/revocation/2", 1), ("/status/suspension/2", 0), ("/status/revocation", 0)] {
        assert_eq!(bits(&mut stranger, path).await, set, "{path}");
    }
    for none in ["/status/revocation/1", "/status/revocation/3", "/status/revocation/-1"] {
        stranger.get(none).await.is(404);
    }
}

/// How many bits of a status list are set.
async fn bits(who: &mut crate::support::browser::Browser, path: &str) -> u32 {
    bytes_of(who, path).await.iter().map(|b| b.count_ones()).sum()
}

/// A status list, unpacked.
async fn bytes_of(who: &mut crate::support::browser::Browser, path: &str) -> Vec<u8> {
    use base64::Engine;
    use std::io::Read;
    let seen = who.get(path).await.is(200);
    let list: serde_json::Value = serde_json::from_slice(&seen.bytes).unwrap();
    let encoded = list["credentialSubject"]["encodedList"].as_str().unwrap().strip_prefix('u').unwrap();
    let packed = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(encoded).unwrap();
    let mut bits = vec![];
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bits).unwrap();
    bits
}

/// S1-47: what was licensed is fetched as often as its holder likes.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_made_from_the_master_on_demand_and_kept() {
    let app = TestApp::new().await;
    let track: OnSale = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    buys(&app, &mut ada).await;
    let number = numbers(&ada.get("/library").await).remove(0);
    ada.get(&format!("/library/{number}/mp3/note.json")).await.is(404);
    let mp3 = ada.get(&format!("/library/{number}/mp3")).await.is(200);
    assert_eq!(mp3.header("content-type"), Some("audio/mpeg"));
    assert!(mp3.bytes.len() > 10_000 && mp3.bytes != track.master);
    for _ in 0..30 {
        let again = ada.get(&format!("/library/{number}/mp3")).await.is(200);
        assert_eq!(again.bytes, mp3.bytes, "kept, not made again");
    }
    let note = ada.get(&format!("/library/{number}/mp3/note.json")).await.is(200);
    let note: serde_json::Value = serde_json::from_slice(&note.bytes).unwrap();
    assert_eq!(note["credentialSubject"]["sha256"], cuehouse::secrets::sha256(&mp3.bytes));
    assert_eq!(note["credentialSubject"]["number"], number);
    // The WAV is the master itself; nothing is made of what was given.
    let wav = ada.get(&format!("/library/{number}/wav")).await.is(200);
    assert_eq!(wav.bytes, track.master);
    ada.get(&format!("/library/{number}/stems")).await.is(404);
    ada.get(&format!("/library/{number}/preview.mp3")).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_track_stays_in_the_library_and_leaves_baskets_with_a_word() {
    let app = TestApp::new().await;
    let ines = seller(&app, "Ines Morrow").await;
    let track = sells(&app, &ines, "Rain on tin", &[("creator", 2_900)], wav(3), "WAV").await;
    let (mut ada, mut ben) = (app.buyer("Ada Field").await, app.buyer("Ben Field").await);
    adds(&mut ada, &track, "creator").await.is(303);
    adds(&mut ben, &track, "creator").await.is(303);
    buys(&app, &mut ada).await;
    withdraws(&app, &track, &ines).await;
    let number = numbers(&ada.get("/library").await).remove(0);
    assert_eq!(ada.get(&format!("/library/{number}/master")).await.is(200).bytes, track.master);
    let csrf = ben.get("/cart").await.csrf().unwrap();
    let fields = [("csrf", csrf.as_str()), ("licensee", "Ben Field"), ("company", "")];
    assert_eq!(ben.post("/checkout", &fields).await.is(303).location(), "/cart");
    assert!(ben.get("/cart").await.has("not on sale any more"));
    assert_eq!(count_orders(&app).await, 1);
}
