//! The till over HTTP, with the pretend Stripe on the other side.

use std::time::Duration;

use cuehouse::accounts::band::Band;
use cuehouse::accounts::shell;
use cuehouse::accounts::user::Role;
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::db::schema::{licences, orders, stripe_events, suspensions, track_days, users};
use cuehouse::guardians::erasing;
use cuehouse::ids::{LicenceId, OrderId, UserId};
use cuehouse::jobs::{self, Job, enqueue};
use cuehouse::sales::basket::LINES_MAX;
use cuehouse::sales::credential::digest_sri;
use cuehouse::sales::ledger;
use cuehouse::sales::order::{Order, State};
use cuehouse::sales::status_list::LIST_BITS;
use cuehouse::sales::verify::{self, Verdict};
use cuehouse::stripe::{CheckoutWish, Stripe, sign};
use cuehouse::{App, Config, Error};
use diesel::prelude::*;
use rocket::response::content::RawJson;

use super::http::{
    OnSale, PAYS, adds, buys, checks_out, describes, gives_back, numbers, pays, rain, refunds, reprices,
    seller, sells, tries_card, wav, withdraws,
};
use crate::support::app::{PASSWORD, TestApp, email_of, free_port};
use crate::support::folder::TestFolder;
use crate::support::launch::{launched, listening};
use crate::support::sandbox::wish;
use crate::support::shelf::{Piece, piece, shelve, sounds};

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

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_no_room_in_the_basket_at_signing_in_is_said() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    // As many lines as a basket takes, of tiers that nobody sells any more.
    let id = track.id.clone();
    app.app
        .db
        .write(move |conn| {
            use cuehouse::db::schema::{basket_lines, baskets};
            use cuehouse::ids::BasketId;
            let basket: BasketId = baskets::table.select(baskets::id).first(conn)?;
            for n in 1..LINES_MAX {
                diesel::insert_into(basket_lines::table)
                    .values((
                        basket_lines::basket_id.eq(&basket),
                        basket_lines::track_id.eq(&id),
                        basket_lines::tier.eq(format!("tier-{n}")),
                        basket_lines::price_cents.eq(1_i64),
                        basket_lines::added_at.eq(1_i64),
                    ))
                    .execute(conn)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let mut window = app.visitor();
    adds(&mut window, &track, "creator").await.is(303);
    adds(&mut window, &track, "business").await.is(303);
    let fields = [("email", email_of("Ada Field")), ("password", PASSWORD.to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    window.send("/sign-in", "/sign-in", &fields).await.is(303);
    let cart = window.get("/cart").await.is(200);
    assert!(cart.has("A basket holds 50 licences") && cart.has("no room for one licence"), "{}", cart.text());
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

/// Windows that are sent for several licensees at the same moment are several orders, and one page at most can be paid.
#[tokio::test(flavor = "multi_thread")]
async fn windows_that_are_sent_at_once_leave_one_payment_page_open() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let mut form = ada.get("/checkout").await.form("/checkout");
    form.retain(|(name, _)| name != "licensee" && name != "company");
    let clicks = (0..4).map(|n| {
        let (mut window, form, name) = (ada.window(), form.clone(), format!("Ada Field {n}"));
        async move {
            let mut all: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            all.extend([("licensee", name.as_str()), ("company", "")]);
            window.post("/checkout", &all).await.status
        }
    });
    let statuses = futures::future::join_all(clicks).await;
    // 409: the others were quicker each time.
    assert!(statuses.iter().all(|status| [303, 409].contains(status)), "{statuses:?}");
    let open = format!("{}/v1/checkout/sessions?status=open", app.stripe.url);
    let any_key = [("authorization", "Bearer sk_test_any")];
    let open = ada.ask(reqwest::Method::GET, &open, &any_key, None).await.is(200);
    let open: serde_json::Value = serde_json::from_slice(&open.bytes).unwrap();
    assert!(open["data"].as_array().unwrap().len() <= 1, "{open}");
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

/// Payment pages are open for hours: whoever goes back to one reads first what is not as it was.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_to_a_payment_page_looks_at_its_lines_again() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    let id: OrderId =
        app.app.db.read(|conn| Ok(orders::table.select(orders::id).first(conn)?)).await.unwrap();
    let (order, back) = (format!("/orders/{id}"), format!("/orders/{id}/payment"));
    assert_eq!(ada.get(&back).await.is(303).location(), page, "nothing changed");

    // The price alone, so that no job is on its way to the page.
    reprices(&app, &track, &[("creator", 3_900)]).await;
    assert_eq!(ada.get(&back).await.is(303).location(), "/cart");
    let cart = ada.get("/cart").await.is(200);
    assert!(cart.has("its payment page is closed") && cart.has("it was $29 and is $39 now"));
    assert!(!is_open(&mut ada, &page).await);
    assert_eq!(order_at(&app, &order).await.state, State::Cancelled);
    assert_eq!(ada.get(&back).await.is(303).location(), order, "and stays closed");
    assert_eq!(count_licences(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_off_sale_or_changes_its_price_closes_its_payment_pages_and_what_was_paid_stands() {
    let app = TestApp::new().await;
    let ines = seller(&app, "Ines Morrow").await;
    let track = sells(&app, &ines, "Rain on tin", &[("creator", 2_900)], wav(3), "WAV").await;
    let mut at = vec![];
    for name in ["Ada Field", "Ben Field", "Cyd Field"] {
        let mut buyer = app.buyer(name).await;
        adds(&mut buyer, &track, "creator").await.is(303);
        let page = checks_out(&mut buyer, name).await.is(303).location().to_owned();
        at.push((buyer, page));
    }
    let [(mut ada, ada_page), (mut ben, ben_page), (mut cyd, cyd_page)] =
        <[_; 3]>::try_from(at).unwrap_or_else(|_| panic!("three"));

    // Other words at the same price close nothing.
    describes(&app, &track, &ines, "Rain on a tin roof.", &[("creator", 2_900)]).await;
    app.run_jobs().await;
    assert!(is_open(&mut ada, &ada_page).await);

    // Ben pays in the moment in which the price changes; nobody has heard of it yet.
    app.stripe.hold_webhooks(true);
    pays(&app, &mut ben, &ben_page).await;
    describes(&app, &track, &ines, "Rain on a tin roof.", &[("creator", 3_900)]).await;
    app.run_jobs().await;
    for (buyer, page) in [(&mut ada, &ada_page), (&mut cyd, &cyd_page)] {
        assert!(!is_open(buyer, page).await);
    }
    let states = app.app.db.read(|conn| {
        let all = orders::table.order(orders::created_at).select(orders::state);
        Ok(all.load::<State>(conn)?)
    });
    assert_eq!(states.await.unwrap(), [State::Cancelled, State::Paid, State::Cancelled]);
    assert_eq!(numbers(&ben.get("/library").await).len(), 1);

    // Ada agrees to the new price, and then it is gone.
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    withdraws(&app, &track, &ines).await;
    app.run_jobs().await;
    assert!(!is_open(&mut ada, &page).await);
    assert!(ada.get("/cart").await.is(200).has("Not on sale any more"));
    assert_eq!(count_licences(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basket_that_became_free_closes_the_page_on_which_it_was_to_be_paid() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    reprices(&app, &track, &[("creator", 0)]).await;
    // What costs nothing is settled also while Stripe is away.
    app.stripe.go_away(true);
    let order = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    assert!(ada.get(&order).await.is(200).has("Thank you"));
    app.stripe.go_away(false);
    assert!(is_open(&mut ada, &page).await);
    app.run_jobs().await;
    assert!(!is_open(&mut ada, &page).await);
    assert_eq!(count_licences(&app).await, 1);
}

/// Money that is on its way is waited for: what it pays is not given up, and no second page takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_money_is_on_its_way_is_not_given_up() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    checks_out(&mut ada, "Ada Field").await.is(303);
    let id: OrderId =
        app.app.db.read(|conn| Ok(orders::table.select(orders::id).first(conn)?)).await.unwrap();
    let order = order_at(&app, &format!("/orders/{id}")).await;
    // A transfer, as Stripe tells of one: its page is complete, and nothing is paid yet.
    let port = free_port();
    let slow = rocket::custom(listening(port, None))
        .mount("/v1/checkout/sessions", rocket::routes![stays_complete, is_on_its_way]);
    let slow = launched(slow).await;
    let mut elsewhere = app.app.clone();
    elsewhere.stripe = Stripe::new(&format!("http://127.0.0.1:{port}"), "sk_test_any").unwrap();
    let kept = cuehouse::sales::jobs::give_up(&elsewhere, &order).await.unwrap();
    slow.notify();
    assert_eq!(kept.state, State::Awaiting);
    // Where the page is open it is closed, and the order is over.
    let closed = cuehouse::sales::jobs::give_up(&app.app, &order).await.unwrap();
    assert_eq!(closed.state, State::Cancelled);
}

#[rocket::post("/<_>/expire")]
fn stays_complete() -> (rocket::http::Status, RawJson<&'static str>) {
    let said = r#"{"error":{"type":"invalid_request_error","message":"This session is complete."}}"#;
    (rocket::http::Status::BadRequest, RawJson(said))
}

#[rocket::get("/<id>")]
fn is_on_its_way(id: &str) -> RawJson<String> {
    let session = serde_json::json!({
        "id": id, "object": "checkout.session", "status": "complete", "payment_status": "unpaid",
        "payment_intent": "pi_1", "amount_total": 2_900, "currency": "usd", "metadata": {},
    });
    RawJson(session.to_string())
}

/// Whether a payment page still takes a card.
async fn is_open(who: &mut crate::support::browser::Browser, page: &str) -> bool {
    who.ask(reqwest::Method::GET, page, &[], None).await.has("card_number")
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

/// What somebody has in the shop whose account was closed is neither found nor heard nor sold; what they licensed stays with
/// who has it, and all of it is back as it was when the account is opened again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_closed_account_has_is_out_of_the_shop_until_it_is_opened_again() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let rain = Piece { prices: vec![("listen", 0), ("creator", 2_900)], ..piece("Rain on tin") };
    let shelved = shelve(&app.app, &ines, rain).await;
    let (href, sample) = (shelved.href(), shelved.at("sample.mp3"));
    let track = OnSale { id: shelved.id, slug: shelved.slug, master: vec![] };
    let (mut ada, mut visitor) = (app.buyer("Ada Field").await, app.visitor());
    adds(&mut ada, &track, "listen").await.is(303);
    checks_out(&mut ada, "Ada Field").await.is(303);
    adds(&mut ada, &track, "creator").await.is(303);
    let csrf = ada.get("/cart").await.csrf().unwrap();
    let mut ben = app.buyer("Ben Field").await;
    adds(&mut ben, &track, "creator").await.is(303);
    let page = checks_out(&mut ben, "Ben Field").await.is(303).location().to_owned();
    assert!(page.starts_with(&app.stripe.url));
    let lists = ["/", "/search?q=rain", "/search?uploader=ines-morrow", "/sitemap/tracks.xml"];
    // Of a child the handle is a name to sign in with: no list for search engines says it.
    for (age, is_listed) in [(Band::Child, false), (Band::Minor, false), (Band::Adult, true)] {
        band(&app, &ines, age).await;
        let map = visitor.get("/sitemap/profiles.xml").await.is(200);
        assert_eq!(map.has("/@ines-morrow"), is_listed, "{age}");
    }
    let buyer = ben.user.clone().unwrap();
    let his = move |conn: &mut cuehouse::db::Conn| {
        let his = orders::table.filter(orders::buyer_id.eq(&buyer)).select(orders::id);
        let id: OrderId = his.first(conn)?;
        let his = Order::find(conn, &id)?;
        Ok((his.stands(conn)?, his.state))
    };
    assert_eq!(app.app.db.read(his.clone()).await.unwrap(), (true, State::Awaiting));

    let email = email_of("Ines Morrow");
    shell::disable(&app.app.db, std::slice::from_ref(&email)).await.unwrap();
    app.app.index.caught_up().await.unwrap();
    for path in [href.as_str(), &sample, "/@ines-morrow"] {
        visitor.get(path).await.is(404);
        ada.get(path).await.is(404);
    }
    for path in lists {
        assert!(!visitor.get(path).await.is(200).has(&href), "{path}");
    }
    assert!(app.reviewer().await.get(&href).await.is(200).has("account is closed"));
    adds(&mut ada, &track, "creator").await.is(404);
    assert!(ada.get("/cart").await.is(200).has("Not on sale any more"));
    let fields = [("csrf", csrf.as_str()), ("licensee", "Ada Field"), ("company", "")];
    assert_eq!(ada.post("/checkout", &fields).await.is(303).location(), "/cart");
    assert_eq!(count_orders(&app).await, 2);
    // Who was at the payment page already pays nothing there, also before the job has closed it.
    assert_eq!(app.app.db.read(his.clone()).await.unwrap(), (false, State::Awaiting));
    app.run_jobs().await;
    assert_eq!(app.app.db.read(his).await.unwrap(), (false, State::Cancelled));
    let library = ada.get("/library").await.is(200);
    let number = numbers(&library).remove(0);
    assert!(library.has("Rain on tin"));
    ada.get(&format!("/library/{number}/certificate.json")).await.is(200);

    shell::enable(&app.app.db, &email).await.unwrap();
    app.app.index.caught_up().await.unwrap();
    for path in [href.as_str(), &sample, "/@ines-morrow"] {
        visitor.get(path).await.is(200);
    }
    for path in lists {
        assert!(visitor.get(path).await.is(200).has(&href), "{path}");
    }
    adds(&mut ada, &track, "creator").await.is(303);
    assert!(shell::enable(&app.app.db, "nobody@example.com").await.is_err());

    // Whose own account is closed pays for nothing that they could not fetch.
    checks_out(&mut ada, "Ada Field").await.is(303);
    shell::disable(&app.app.db, &[email_of("Ada Field")]).await.unwrap();
    app.run_jobs().await;
    let payable = |conn: &mut cuehouse::db::Conn| {
        let payable = orders::table.filter(orders::state.eq_any([State::Open, State::Awaiting]));
        Ok(payable.count().get_result::<i64>(conn)?)
    };
    assert_eq!(app.app.db.read(payable).await.unwrap(), 0);
}

/// What happened while no webhook came is taken in as it happened: an order that was paid twice and got one payment back
/// stays paid, whatever of it is told first.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_taken_in_as_it_happened() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    let order = |conn: &mut cuehouse::db::Conn| {
        let id = orders::table.select(orders::id).first::<OrderId>(conn)?;
        Order::find(conn, &id)
    };
    let id = app.app.db.read(order).await.unwrap().id;
    app.stripe.hold_webhooks(true);
    pays(&app, &mut ada, &page).await;
    let stripe = &app.app.stripe;
    let again = stripe.checkout(&CheckoutWish { order: id, try_number: 9, ..wish(2_900) }).await.unwrap();
    tries_card(&app, &mut ada, &again.url.unwrap(), PAYS).await.is(303);
    let again = stripe.session(&again.id).await.unwrap();
    gives_back(&app, &again.payment_intent.unwrap()).await;
    app.app.db.write(|conn| enqueue(conn, &Job::Reconcile {}, Timestamp::now())).await.unwrap();
    app.run_jobs().await;
    let order = app.app.db.read(order).await.unwrap();
    assert_eq!((order.state, order.note.as_deref()), (State::Paid, None));
    assert!(ada.get("/library").await.is(200).has("Rain on tin"));
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
    // More than a page of younger events lies before hers.
    let stripe = &app.app.stripe;
    let others = (0..101).map(|_| async move { stripe.checkout(&wish(2_900)).await.unwrap() });
    futures::future::join_all(others).await;
    app.stripe.let_pass(3_700).await.unwrap();
    for _ in 0..2 {
        app.app.db.write(|conn| enqueue(conn, &Job::Reconcile {}, Timestamp::now())).await.unwrap();
        app.run_jobs().await;
    }
    assert_eq!(count_licences(&app).await, 1);
    assert!(app.stripe.told().iter().all(|told| !told.delivered));
    assert_eq!(count_events(&app).await, 102, "all that means something, and nothing else");
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
    let mut sam = app.person("Sam Support", &[Role::Support]).await;
    assert!(sam.get("/admin/orders").await.is(200).has("evt_odd"), "and the staff sees it");
}

/// A clock that is five minutes wrong hears nothing of Stripe: it is said to operators, and nobody is led to a payment page
/// until a webhook is in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_stops_sales_until_it_is_right() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let (mut ada, mut ben, mut stranger) =
        (app.buyer("Ada Field").await, app.buyer("Ben Other").await, app.visitor());
    adds(&mut ben, &track, "creator").await.is(303);
    let page = checks_out(&mut ben, "Ben Other").await.is(303).location().to_owned();
    let began = app.app.db.read(|conn| Ok(orders::table.select(orders::id).first::<OrderId>(conn)?));
    let payment = format!("/orders/{}/payment", began.await.unwrap());
    assert_eq!(ben.get(&payment).await.is(303).location(), page);
    adds(&mut ada, &track, "creator").await.is(303);

    let secret = app.app.webhook_secrets().remove(0);
    let says = |n: u32, secret: &str, late_ms: i64| {
        let body =
            format!(r#"{{"id":"evt_{n}","type":"invoice.paid","created":1,"data":{{"object":{{}}}}}}"#);
        let header = sign(body.as_bytes(), secret, Timestamp::now().plus(-late_ms));
        let mut stripe = app.visitor();
        async move {
            let headers = [("Stripe-Signature", header.as_str())];
            stripe.post_raw("/stripe/webhook", "application/json", body.into_bytes(), &headers).await
        }
    };
    says(1, "whsec_of_somebody_else", 420_000).await.is(400);
    stranger.get("/readyz").await.is(200);
    says(1, &secret, 420_000).await.is(400);
    let ready = stranger.get("/readyz").await.is(503);
    assert!(ready.has("clock: it is 7 minutes ahead of Stripe's"), "{}", ready.text());
    let told = checks_out(&mut ada, "Ada Field").await.is(503);
    assert!(told.has("Nothing was charged") && !told.has(&app.stripe.url), "{}", told.text());
    // Nor to a page that was opened before.
    assert!(checks_out(&mut ben, "Ben Other").await.is(503).has("Nothing was charged"));
    ben.get(&payment).await.is(503);

    says(2, &secret, 0).await.is(200);
    stranger.get("/readyz").await.is(200);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    assert!(page.starts_with(&app.stripe.url), "{page}");
    // What was heard in its time and comes once more out of somebody's drawer says nothing of the clock.
    says(2, &secret, 420_000).await.is(400);
    stranger.get("/readyz").await.is(200);
}

/// What Stripe says of this payment, signed as it signs.
async fn tells(app: &TestApp, order: &OrderId, n: u32, amount: i64) {
    let body = format!(
        r#"{{"id":"evt_{n}","type":"checkout.session.completed","created":1795000000,"data":{{"object":{{"id":"cs_{n}","payment_status":"paid","payment_intent":"pi_{n}","amount_total":{amount},"currency":"usd","metadata":{{"order":"{order}"}}}}}}}}"#
    );
    let header = sign(body.as_bytes(), &app.app.webhook_secrets()[0], Timestamp::now());
    app.visitor()
        .post_raw("/stripe/webhook", "application/json", body.into_bytes(), &[("Stripe-Signature", &header)])
        .await
        .is(200);
}

/// Nothing waits unseen: what no row can mend is before the staff's eyes until one of them dealt with it, and comes back when
/// Stripe says more.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_paid_twice_waits_for_the_staff() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    let mut sam = app.person("Sam Support", &[Role::Support]).await;
    adds(&mut ada, &track, "creator").await.is(303);
    let back = buys(&app, &mut ada).await;
    let order = order_at(&app, &back).await.id;
    assert!(sam.get("/admin/orders").await.is(200).has("No order waits"), "a sale is no trouble");
    ada.get("/admin/orders").await.is(403);

    tells(&app, &order, 2, 2_900).await;
    let page = sam.get("/admin/orders").await.is(200);
    assert!(page.has(&format!("Order {order}")) && page.has("Paid more than once"), "{}", page.text());
    assert!(sam.get("/admin").await.is(200).has("1 order waits"));
    let dismissal = format!("/admin/orders/{order}/dismissal");
    sam.says("/admin/orders", &dismissal, &[("note", "Paid too late.")]).await.is(409);
    assert!(sam.get("/admin/orders").await.has("Paid more than once"), "nobody read those words");
    sam.send("/admin/orders", &dismissal, &[]).await.is(303);
    assert!(sam.get("/admin/orders").await.has("No order waits"));
    // Said twice it is the same trouble; said otherwise it is another.
    tells(&app, &order, 2, 2_900).await;
    assert!(sam.get("/admin/orders").await.has("No order waits"));
    tells(&app, &order, 3, 100).await;
    assert!(sam.get("/admin/orders").await.has("Paid $1 instead of $29."));
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
    let mut ines = app.uploader("Ines Morrow").await;
    let by = ines.user.clone().unwrap();
    let track = sells(&app, &by, "Rain on tin", &[("creator", 2_900)], wav(1), "WAV").await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let back = buys(&app, &mut ada).await;
    // The first day of the chart is a whole one, from its first moment.
    let begins = Timestamp::now().midnight().plus(-29 * DAY);
    let moved = app.app.db.write(move |conn| {
        Ok(diesel::update(licences::table).set(licences::issued_at.eq(begins)).execute(conn)?)
    });
    assert_eq!(moved.await.unwrap(), 1);
    let board = ines.get("/studio").await.is(200);
    assert!(board.has("1 sold") && board.has("Licences sold, last 30 days: 1 in all"), "{}", board.text());
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
    // One meaning of sold, in the figures and in the chart.
    let board = ines.get("/studio").await.is(200);
    assert!(board.has("0 sold") && board.has("Licences sold, last 30 days: 0 in all"), "{}", board.text());
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

/// Without a key and without an address nobody is asked, and what must ask waits without being given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_shop_without_a_key_finds_no_stripe_but_the_pretend_one() {
    let app = TestApp::new().await;
    let folder = TestFolder::new();
    let config = Config { data_dir: folder.path().join("data"), ..(*app.app.config).clone() };
    let alone = App::open(config, None).await.unwrap();
    assert!(!alone.stripe.is_there() && alone.stripe.address().is_empty(), "{:?}", alone.stripe.address());

    let mut away = app.app.clone();
    away.stripe = Stripe::nowhere();
    let asked = away.stripe.session("cs_test_1").await;
    assert!(matches!(&asked, Err(error @ Error::Busy(_)) if error.status() == 503), "{asked:?}");
    app.app.db.write(|conn| enqueue(conn, &Job::Reconcile {}, Timestamp::now())).await.unwrap();
    jobs::run::drain(&away).await.unwrap();
    let waiting = app.app.db.read(|conn| jobs::waiting(conn, Timestamp::now())).await.unwrap();
    let kept = waiting.iter().find(|w| w.kind == "reconcile").unwrap();
    assert_eq!((kept.state, kept.count), (jobs::State::Ready, 1));
    let runs = |conn: &mut cuehouse::db::Conn| {
        use cuehouse::db::schema::jobs as queue;
        Ok(queue::table.filter(queue::kind.eq("reconcile")).select(queue::runs).load::<i32>(conn)?)
    };
    assert_eq!(app.app.db.read(runs).await.unwrap(), [0], "waiting is no failure");
}

/// What was licensed is heard in the library without the mark, and its page stays open to its licensee after it went off
/// sale: to nobody else, and not where a child's account ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_licensee_hears_the_master_and_keeps_the_page_of_what_went_off_sale() {
    let app = TestApp::new().await;
    let ines = seller(&app, "Ines Morrow").await;
    let shelved = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let track = OnSale { id: shelved.id, slug: shelved.slug, master: sounds().master.clone() };
    let (mut ada, mut ben) = (app.buyer("Ada Field").await, app.buyer("Ben Field").await);
    adds(&mut ada, &track, "creator").await.is(303);
    buys(&app, &mut ada).await;
    let library = ada.get("/library").await.is(200);
    let number = numbers(&library).remove(0);
    let page = format!("/tracks/{}", track.slug);
    let file = format!("/library/{number}/{}-{number}.wav", track.slug);
    let hear = format!("{file}?inline");
    assert!(library.has(&format!("<audio controls preload=\"none\" src=\"{hear}\"")), "{}", library.text());
    let heard = ada.get(&hear).await.is(200);
    assert_eq!(heard.bytes, track.master);
    assert_eq!(heard.header("content-disposition"), Some("inline"));
    assert_eq!(heard.header("content-type"), Some("audio/wav"));
    let part = ada.get_with(&hear, &[("range", "bytes=0-3")]).await.is(206);
    assert_eq!(part.bytes, b"RIFF");
    let saved = ada.get(&file).await.is(200);
    assert!(saved.header("content-disposition").unwrap().starts_with("attachment"));
    // A certificate is no sound.
    let proof = ada.get(&format!("/library/{number}/certificate.json?inline")).await.is(200);
    assert!(proof.header("content-disposition").unwrap().starts_with("attachment"));
    ben.get(&hear).await.is(404);
    let verify = format!("/verify/{number}");
    let link = format!("href=\"{page}\"");
    assert!(app.visitor().get(&verify).await.is(200).has(&link));

    withdraws(&app, &track, &ines).await;
    let library = ada.get("/library").await.is(200);
    assert!(library.has(&link) && library.has(&format!("src=\"{page}/artwork.svg\"")));
    assert!(ada.get(&verify).await.is(200).has(&link));
    let seen = ada.get(&page).await.is(200);
    assert!(seen.has("you see it because you licensed it") && seen.has("content=\"noindex\""));
    for gone in ["action=\"/cart\"", "/favourite", "application/ld+json"] {
        assert!(!seen.has(gone), "{gone} in {}", seen.text());
    }
    let sounds = ["artwork.svg", "peaks.json", "sample.mp3", "preview.mp3"];
    for name in sounds {
        ada.get(&format!("{page}/{name}")).await.is(200);
    }
    ada.says("/cart", &format!("{page}/favourite"), &[("keep", "yes")]).await.is(404);
    assert_eq!(adds(&mut ada, &track, "business").await.status, 404);
    for who in [&mut ben, &mut app.visitor()] {
        who.get(&page).await.is(404);
        for name in sounds {
            who.get(&format!("{page}/{name}")).await.is(404);
        }
        assert!(!who.get(&verify).await.is(200).has(&link));
    }
    // Nobody counted what was heard.
    let counted = app.app.db.read(|conn| {
        let plays = track_days::table.filter(track_days::plays.gt(0)).count();
        Ok(plays.get_result::<i64>(conn)?)
    });
    assert_eq!(counted.await.unwrap(), 0);

    // While a bank looks into the payment the page rests as the files do.
    let now = Timestamp::now();
    rests(&app, None, now).await;
    ada.get(&page).await.is(404);
    ada.get(&hear).await.is(403);
    let library = ada.get("/library").await.is(200);
    assert!(library.has("Rain on tin") && !library.has(&link) && !library.has("<audio controls"));
    rests(&app, Some(now), now).await;
    ada.get(&page).await.is(200);

    // Its maker turns out to be a child; or a child's account ends, and nothing says any more that it was one.
    band(&app, &ines, Band::Child).await;
    ada.get(&page).await.is(404);
    ada.get(&format!("{page}/sample.mp3")).await.is(404);
    band(&app, &ines, Band::Adult).await;
    ada.get(&page).await.is(200);
    app.app.db.write(move |conn| erasing::erase(conn, &ines, now)).await.unwrap();
    ada.get(&page).await.is(404);
    ada.get(&format!("{page}/artwork.svg")).await.is(404);
    assert!(!ada.get(&verify).await.is(200).has(&link));
    let library = ada.get("/library").await.is(200);
    assert!(library.has("Rain on tin") && !library.has(&link) && library.has("<audio controls"));
    ada.get(&hear).await.is(200);
}

/// Lets every licence rest, until then.
async fn rests(app: &TestApp, until: Option<Timestamp>, now: Timestamp) {
    let write = app.app.db.write(move |conn| {
        let ids: Vec<LicenceId> = licences::table.select(licences::id).load(conn)?;
        for id in ids {
            diesel::delete(suspensions::table.filter(suspensions::licence_id.eq(&id))).execute(conn)?;
            diesel::insert_into(suspensions::table)
                .values((
                    suspensions::licence_id.eq(&id),
                    suspensions::dispute.eq("dp_1"),
                    suspensions::at.eq(now),
                    suspensions::ended_at.eq(until),
                ))
                .execute(conn)?;
        }
        Ok(())
    });
    write.await.unwrap();
}

async fn band(app: &TestApp, user: &UserId, band: Band) {
    let user = user.clone();
    let write = app.app.db.write(move |conn| {
        Ok(diesel::update(users::table.find(&user)).set(users::band.eq(band)).execute(conn)?)
    });
    assert_eq!(write.await.unwrap(), 1);
}
