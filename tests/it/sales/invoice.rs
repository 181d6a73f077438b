//! Invoices and credit notes: one of each where it belongs, numbers without a gap, and what stands on them.

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::db::schema::invoices;
use cuehouse::ids::{OrderId, Slug, UserId};
use cuehouse::sales::basket::Owner;
use cuehouse::sales::inbox;
use cuehouse::sales::invoice::{self, Bill, Invoice, Kind};
use cuehouse::sales::order::Order;
use cuehouse::sales::settle::settle_free;
use diesel::prelude::*;
use futures::future::join_all;

use super::http::{adds, buys, checks_out, rain, refunds, seller, sells, wav};
use crate::support::app::{TestApp, email_of};
use crate::support::database::TestDb;
use crate::support::paper::words_on;
use crate::support::shop::{NOW, Shop, operator};

/// A shop in rows with a track that is sold to whoever comes.
struct Till {
    shop: Shop,
    track: Slug,
    _db: TestDb,
}

impl Till {
    async fn new() -> Till {
        let db = TestDb::new().await;
        let shop = Shop::new(&db.db).await;
        let ines = shop.person("Ines Morrow").await;
        let prices = [("listen", 0), ("creator", 2_900)];
        let (_, track) = shop.track(&ines, "Rain on tin", &prices).await;
        Till { shop, track, _db: db }
    }

    /// An order at the payment page, of somebody of this name.
    async fn order(&self, name: &str, tier: &str) -> Order {
        let buyer = self.shop.person(name).await;
        self.shop.puts(&Owner::Account(buyer.clone()), &[(&self.track, tier)]).await;
        self.shop.orders(&buyer).await.unwrap()
    }

    async fn hears(&self, body: String, now: Timestamp) {
        let issuer = self.shop.issuer.clone();
        self.shop.db.write(move |conn| inbox::take(conn, &body, &issuer, now)).await.unwrap();
    }

    /// Every document, in the order of the numbers.
    async fn all(&self) -> Vec<Invoice> {
        self.shop
            .db
            .read(|conn| {
                let rows = invoices::table.order((invoices::year, invoices::running));
                Ok(rows.select(Invoice::as_select()).load(conn)?)
            })
            .await
            .unwrap()
    }

    async fn bill(&self, order: &Order, kind: Kind) -> cuehouse::Result<Bill> {
        let (id, buyer) = (order.id.clone(), order.buyer_id.clone());
        self.shop.db.read(move |conn| Bill::own(conn, &id, &buyer, kind)).await
    }
}

fn paid(order: &Order) -> String {
    format!(
        r#"{{"id":"evt_paid_{o}","object":"event","type":"checkout.session.completed","created":1795000000,"data":{{"object":{{"id":"cs_{o}","payment_status":"paid","payment_intent":"pi_{o}","amount_total":{},"currency":"usd","metadata":{{"order":"{o}"}}}}}}}}"#,
        order.total_cents.0,
        o = order.id
    )
}

fn given_back(order: &Order, cents: i64) -> String {
    format!(
        r#"{{"id":"evt_back_{cents}_{o}","object":"event","type":"charge.refunded","created":1795000100,"data":{{"object":{{"id":"ch_{o}","payment_intent":"pi_{o}","amount":{},"amount_refunded":{cents},"currency":"usd","metadata":{{"order":"{o}"}}}}}}}}"#,
        order.total_cents.0,
        o = order.id
    )
}

fn numbers(all: &[Invoice]) -> Vec<String> {
    all.iter().map(Invoice::number).collect()
}

/// Payments that are announced at the same moment, each of them three times: the numbers run on without a gap.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_run_without_a_gap_however_many_are_paid_at_once() {
    let till = Till::new().await;
    let mut all = vec![];
    for n in 0..8 {
        all.push(till.order(&format!("Buyer {n}"), "creator").await);
    }
    join_all(
        all.iter().flat_map(|order| [paid(order), paid(order), paid(order)]).map(|b| till.hears(b, NOW)),
    )
    .await;
    join_all(all.iter().take(5).map(|order| till.hears(given_back(order, 2_900), NOW))).await;
    let issued = till.all().await;
    let expected: Vec<String> = (1..=13).map(|n| format!("2026-{n:06}")).collect();
    assert_eq!(numbers(&issued), expected);
    assert!(issued[..8].iter().all(|one| one.kind == Kind::Invoice));
    assert!(issued[8..].iter().all(|one| one.kind == Kind::CreditNote));
    for order in &all {
        assert_eq!(
            issued.iter().filter(|one| one.order_id == order.id && one.kind == Kind::Invoice).count(),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_whole_refund_takes_an_invoice_back_and_does_it_once() {
    let till = Till::new().await;
    let order = till.order("Ada Field", "creator").await;
    assert!(till.bill(&order, Kind::Invoice).await.is_err(), "not paid yet");
    till.hears(paid(&order), NOW).await;
    till.hears(given_back(&order, 1_000), NOW).await;
    assert_eq!(till.all().await.len(), 1, "a part leaves the invoice as it is");
    assert!(till.bill(&order, Kind::CreditNote).await.is_err());
    for _ in 0..2 {
        till.hears(given_back(&order, 2_900), NOW.plus(DAY)).await;
    }
    assert_eq!(numbers(&till.all().await), ["2026-000001", "2026-000002"]);
    let note = till.bill(&order, Kind::CreditNote).await.unwrap();
    assert_eq!(note.credits.map(|one| one.number()), Some("2026-000001".to_owned()));
    assert_eq!(note.invoice.issued_at, NOW.plus(DAY));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_year_begins_with_one_and_what_cost_nothing_is_billed_too() {
    let till = Till::new().await;
    let (first, second) =
        (till.order("Ada Field", "creator").await, till.order("Ben Field", "creator").await);
    till.hears(paid(&first), NOW).await;
    let next_year = NOW.plus(60 * DAY);
    till.hears(paid(&second), next_year).await;
    let free = till.order("Cyd Field", "listen").await;
    for _ in 0..2 {
        let (free, issuer) = (free.clone(), till.shop.issuer.clone());
        till.shop.db.write(move |conn| settle_free(conn, &free, &issuer, next_year)).await.unwrap();
    }
    assert_eq!(numbers(&till.all().await), ["2026-000001", "2027-000001", "2027-000002"]);
    let bill = till.bill(&free, Kind::Invoice).await.unwrap();
    let paper = invoice::pdf(&bill).unwrap();
    if let Some(words) = words_on(&paper) {
        assert!(words.contains("0.00 USD") && words.contains("Nothing was to pay"), "{words}");
    }
}

/// A shop that sold before it wrote invoices.
#[tokio::test(flavor = "multi_thread")]
async fn orders_of_an_older_shop_get_their_invoices_in_the_order_they_were_paid() {
    let till = Till::new().await;
    let mut all = vec![];
    for name in ["Ada Field", "Ben Field", "Cyd Field"] {
        all.push(till.order(name, "creator").await);
    }
    for order in &all[..2] {
        till.hears(paid(order), NOW).await;
    }
    till.hears(given_back(&all[0], 2_900), NOW).await;
    let catch_up = |conn: &mut cuehouse::db::Conn| invoice::catch_up(conn, &operator(), NOW.plus(DAY));
    let before = till.all().await;
    till.shop.db.write(catch_up).await.unwrap();
    assert_eq!(till.all().await, before, "nothing lacks");
    till.shop
        .db
        .write(move |conn| {
            diesel::delete(invoices::table).execute(conn)?;
            catch_up(conn)
        })
        .await
        .unwrap();
    let issued = till.all().await;
    assert_eq!(numbers(&issued), ["2026-000001", "2026-000002", "2026-000003"]);
    let of = |n: usize| (issued[n].kind, issued[n].order_id.clone());
    assert_eq!(of(0), (Kind::Invoice, all[0].id.clone()));
    assert_eq!(of(1), (Kind::Invoice, all[1].id.clone()));
    assert_eq!(of(2), (Kind::CreditNote, all[0].id.clone()));
}

/// S2-01, S0-15: the licensee's legal name and company stand on the invoice as they were at purchase, also when the
/// tracks, the people and the operator are called otherwise by then.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_says_what_was_sold_and_stays_as_it_was() {
    let till = Till::new().await;
    let order = till.order("Ada Field", "creator").await;
    till.hears(paid(&order), NOW).await;
    let before = invoice::pdf(&till.bill(&order, Kind::Invoice).await.unwrap()).unwrap();
    if let Some(words) = words_on(&before) {
        for expected in [
            "Invoice",
            "2026-000001",
            "Cuehouse Test Ltd",
            "Ada Field",
            "Field & Söhne GmbH",
            "Germany",
            "18 November 2026",
            "Rain on tin",
            "by Ines Morrow",
            "Creator",
            "29.00 USD",
            "Total 29.00 USD",
            order.id.as_str(),
        ] {
            assert!(words.contains(expected), "{expected:?} is not in {words}");
        }
        assert!(!words.contains('@'));
    }
    let (track, buyer) = (till.track.clone(), order.buyer_id.clone());
    till.shop
        .db
        .write(move |conn| {
            use cuehouse::db::schema::{tracks, users};
            diesel::update(tracks::table.filter(tracks::slug.eq(&track)))
                .set(tracks::title.eq("Another"))
                .execute(conn)?;
            diesel::update(users::table).set(users::name.eq("Another")).execute(conn)?;
            let operator = cuehouse::proof::Operator { name: "Another".into(), ..operator() };
            invoice::catch_up(conn, &operator, NOW.plus(DAY))?;
            assert_eq!(Order::settled_of(conn, &buyer, 9)?.len(), 1);
            Ok(())
        })
        .await
        .unwrap();
    let after = invoice::pdf(&till.bill(&order, Kind::Invoice).await.unwrap()).unwrap();
    assert!(after == before, "the same bytes");
}

/// A basket that takes more than a page.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_many_lines_goes_on_over_the_page() {
    let till = Till::new().await;
    let ines = till.shop.person("Somebody with a long name who sells").await;
    let buyer: UserId = till.shop.person("Ada Field").await;
    for n in 0..30 {
        let title = format!(
            "Rain number {n} on a roof of tin, and then on zinc, copper, slate and straw, until dawn"
        );
        let (_, slug) = till.shop.track(&ines, &title, &[("creator", 2_900)]).await;
        till.shop.puts(&Owner::Account(buyer.clone()), &[(&slug, "creator")]).await;
    }
    let order = till.shop.orders(&buyer).await.unwrap();
    till.hears(paid(&order), NOW).await;
    let paper = invoice::pdf(&till.bill(&order, Kind::Invoice).await.unwrap()).unwrap();
    if let Some(words) = words_on(&paper) {
        assert!((0..30).all(|n| words.contains(&format!("Rain number {n} on"))), "{words}");
        assert!(words.contains("Total 870.00 USD") && words.contains("page 2"), "{words}");
        assert_eq!(words.matches("Total").count(), 1);
    }
}

/// S0-15: over HTTP, for its buyer and for nobody else, from the order, the library and the letter.
#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_finds_the_invoice_and_after_a_refund_the_credit_note() {
    let app = TestApp::new().await;
    let rain = rain(&app).await;
    let tomas = seller(&app, "Tomas Vale").await;
    let copper = sells(&app, &tomas, "Copper weather", &[("business", 7_900)], wav(2), "WAV").await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &rain, "creator").await.is(303);
    checks_out(&mut ada, "Ada Field").await.is(303);
    let waiting: OrderId = app
        .app
        .db
        .read(|conn| {
            Ok(cuehouse::db::schema::orders::table.select(cuehouse::db::schema::orders::id).first(conn)?)
        })
        .await
        .unwrap();
    ada.get(&format!("/orders/{waiting}/invoice.pdf")).await.is(404);

    adds(&mut ada, &copper, "business").await.is(303);
    let back = buys(&app, &mut ada).await;
    let order = ada.get(&back).await.is(200);
    let at = order.link("/orders/").unwrap();
    assert!(at.ends_with("/invoice.pdf"), "{at}");
    assert!(ada.get("/library").await.is(200).link(&at).is_some());
    let paper = ada.get(&at).await.is(200);
    assert_eq!(paper.header("content-type"), Some("application/pdf"));
    let name = paper.header("content-disposition").unwrap().to_owned();
    let number = name.split("invoice-").nth(1).unwrap().split(".pdf").next().unwrap().to_owned();
    assert!(order.has(&format!("Invoice {number}")), "{number}");
    if let Some(words) = words_on(&paper.bytes) {
        for expected in
            [&number, "Ada Field", "Rain on tin", "Copper weather", "29.00 USD", "Total 108.00 USD"]
        {
            assert!(words.contains(expected), "{expected:?} is not in {words}");
        }
    }
    let note = at.replace("invoice", "credit-note");
    ada.get(&note).await.is(404);
    ada.get(&at.replace("invoice.pdf", "receipt.pdf")).await.is(404);

    // Nobody else, whatever their part in the shop.
    for mut other in [app.buyer("Ben Other").await, app.reviewer().await, app.admin().await] {
        other.get(&at).await.is(404);
    }
    assert!(app.visitor().get(&at).await.is(303).location().starts_with("/sign-in"));

    for _ in 0..2 {
        app.run_jobs().await;
    }
    let letters = app.letters_to(&email_of("Ada Field"));
    assert!(letters.iter().any(|letter| letter.text.contains(&format!("{}{at}", app.url))), "{letters:?}");

    let id = OrderId::parse(back.split('?').next().unwrap().strip_prefix("/orders/").unwrap()).unwrap();
    let paid = app.app.db.read(move |conn| Order::find(conn, &id)).await.unwrap();
    refunds(&app, paid.payment_intent.as_deref().unwrap()).await;
    let page = ada.get(&back).await.is(200);
    assert!(page.has("Refunded") && page.link(&at).is_some() && page.link(&note).is_some());
    assert!(ada.get("/library").await.is(200).link(&note).is_some());
    assert_eq!(ada.get(&at).await.is(200).bytes, paper.bytes, "the invoice stays");
    let paper = ada.get(&note).await.is(200);
    if let Some(words) = words_on(&paper.bytes) {
        for expected in ["Credit note", &number, "−29.00 USD", "Total −108.00 USD", "Takes back invoice"]
        {
            assert!(words.contains(expected), "{expected:?} is not in {words}");
        }
    }
    for _ in 0..3 {
        app.run_jobs().await;
    }
    let letters = app.letters_to(&email_of("Ada Field"));
    assert!(letters.iter().any(|letter| letter.text.contains(&format!("{}{note}", app.url))), "{letters:?}");
}
