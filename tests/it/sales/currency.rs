//! A price is in a currency: after the operator changed the shop's, an offer in the old one is no price.

use std::time::{Duration, Instant};

use cuehouse::clock::Timestamp;
use cuehouse::db::Conn;
use cuehouse::db::schema::{jobs as queue, marks, offers, orders};
use cuehouse::ids::OrderId;
use cuehouse::jobs;
use diesel::prelude::*;

use super::http::{adds, checks_out, sells, wav};
use crate::support::app::TestApp;
use crate::support::browser::Browser;

/// What is kept of prices says this currency.
async fn offered_in(app: &TestApp, currency: &'static str) {
    app.app
        .db
        .write(move |conn| {
            diesel::update(offers::table).set(offers::currency.eq(currency)).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
}

/// Asks the search until it finds the track under Creator, or does not find it any more.
async fn finds(visitor: &mut Browser, href: &str, is_there: bool) {
    let begun = Instant::now();
    while visitor.get("/search?tier=creator").await.is(200).has(href) != is_there {
        assert!(begun.elapsed() < Duration::from_secs(20), "found under Creator should be {is_there}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_in_another_currency_is_not_sold_until_its_uploader_prices_it_anew() {
    let app = TestApp::with(&[("CUEHOUSE_CURRENCY", "eur")]).await;
    let mut ines = app.uploader("Ines Morrow").await;
    let by = ines.user.clone().unwrap();
    let rain = sells(&app, &by, "Rain on tin", &[("creator", 2_900)], wav(1), "WAV").await;
    let href = format!("/tracks/{}", rain.slug);
    let edit = format!("/studio{href}/edit");
    offered_in(&app, "eur").await;
    let (mut ada, mut visitor) = (app.buyer("Ada Field").await, app.visitor());
    adds(&mut ada, &rain, "creator").await.is(303);
    assert!(ada.get("/cart").await.is(200).has("€29"));
    assert!(visitor.get(&href).await.is(200).has("€29"));
    assert!(!ines.get("/studio").await.is(200).has("No price"));
    assert!(ines.get(&edit).await.is(200).has("value=\"29.00\""));
    finds(&mut visitor, &href, true).await;
    let mut ben = app.buyer("Ben Field").await;
    adds(&mut ben, &rain, "creator").await.is(303);
    assert!(checks_out(&mut ben, "Ben Field").await.is(303).location().starts_with(&app.stripe.url));
    let programs = format!("{href}/offers.jsonld");
    assert!(visitor.get(&programs).await.is(200).has("compensate"));

    // The same shop as it is after a start under another currency than its offers'.
    offered_in(&app, "usd").await;
    app.app
        .db
        .write(|conn| {
            diesel::update(marks::table.find("sold"))
                .set((marks::value.eq("usd creator"), marks::at.eq(Timestamp::now())))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    cuehouse::sales::open(&app.app.db, &app.app.config, &app.app.keys.issuer).await.unwrap();
    // A payment page that asks for what is sold otherwise now is closed, as often as that is asked for.
    app.run_jobs().await;
    let closes = |conn: &mut Conn| {
        let (id, state) =
            orders::table.select((orders::id, orders::state)).first::<(OrderId, String)>(conn)?;
        jobs::close_order(conn, &id, Timestamp::now())?;
        let again = queue::table.filter(queue::once_key.eq(format!("close:{id}")));
        Ok((state, again.select(queue::state).load::<String>(conn)?))
    };
    let (state, again) = app.app.db.write(closes).await.unwrap();
    assert_eq!((state.as_str(), again), ("cancelled", vec!["ready".to_owned()]));
    assert!(!visitor.get(&programs).await.is(200).has("compensate"));
    let cart = ada.get("/cart").await.is(200);
    assert!(cart.has("Its price has to be set anew") && !cart.has("€29"), "{}", cart.text());
    assert_eq!(ada.get("/checkout").await.is(303).location(), "/cart");
    let page = visitor.get(&href).await.is(200);
    assert!(!page.has("€29") && !page.has("Add Creator to basket"), "{}", page.text());
    let refused = adds(&mut visitor, &rain, "creator").await;
    assert!(refused.status >= 400 && refused.has("set its price anew"), "{}", refused.text());
    let found = visitor.get("/search?q=rain").await.is(200);
    assert!(found.has(&href) && !found.has("€29"), "{}", found.text());
    finds(&mut visitor, &href, false).await;
    assert!(ines.get("/studio").await.is(200).has("Set its prices"));
    let form = ines.get(&edit).await.is(200);
    assert!(form.has("Creator 29.00 USD") && !form.has("value=\"29.00\""), "{}", form.text());

    let fields =
        [("title", "Rain on tin"), ("description", "Rain."), ("kind", "music"), ("price.creator", "31")];
    ines.send(&edit, &format!("/studio{href}"), &fields).await.is(303);
    assert!(visitor.get(&href).await.is(200).has("€31"));
    assert!(ada.get("/cart").await.is(200).has("€31"));
    assert!(!ines.get("/studio").await.is(200).has("Set its prices"));
    assert!(!ines.get(&edit).await.is(200).has("29.00 USD"));
    finds(&mut visitor, &href, true).await;
}
