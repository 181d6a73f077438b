//! What buyers do in the shop, over HTTP: fill a basket, go to the payment page, pay.

use cuehouse::catalogue::offer;
use cuehouse::catalogue::track::{Description, Kind, Track};
use cuehouse::clock::Timestamp;
use cuehouse::ids::{Slug, TrackId, UploadId, UserId};
use cuehouse::money::Cents;
use cuehouse::secrets::sha256;
use reqwest::Method;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};
use crate::support::shop::{Master, published_of};

pub const PAYS: &str = "4242424242424242";

/// A track on sale, with its master in storage.
pub struct OnSale {
    pub id: TrackId,
    pub slug: Slug,
    pub master: Vec<u8>,
}

/// A tone as a WAV: the master of a track.
pub fn wav(seed: u32) -> Vec<u8> {
    let samples: Vec<f32> = (0..44_100 * 2)
        .map(|n| (n as f32 * (200.0 + seed as f32) * std::f32::consts::TAU / 44_100.0).sin() * 0.4)
        .collect();
    cuehouse::audio::wav::bytes(44_100, 1, 16, &samples)
}

pub async fn seller(app: &TestApp, name: &str) -> UserId {
    app.uploader(name).await.user.unwrap()
}

/// Puts a track on sale at these prices by tier.
pub async fn sells(
    app: &TestApp,
    by: &UserId,
    title: &str,
    prices: &[(&str, i64)],
    master: Vec<u8>,
    container: &'static str,
) -> OnSale {
    let upload = UploadId::new();
    let key = format!("masters/{upload}");
    app.app.storage.put(&key, master.clone(), "audio/wav").await.unwrap();
    let (by, title) = (by.clone(), title.to_owned());
    let prices: Vec<(String, Cents)> = prices.iter().map(|(t, c)| ((*t).to_owned(), Cents(*c))).collect();
    let (bytes, sha256) = (i64::try_from(master.len()).unwrap(), sha256(&master));
    let (id, slug) = app
        .app
        .db
        .write(move |conn| {
            let master =
                Master { upload: upload.clone(), key: key.clone(), bytes, sha256: sha256.clone(), container };
            published_of(conn, &by, &title, &prices, &master)
        })
        .await
        .unwrap();
    OnSale { id, slug, master }
}

/// The usual shop: a track of one uploader at three prices.
pub async fn rain(app: &TestApp) -> OnSale {
    let ines = seller(app, "Ines Morrow").await;
    sells(app, &ines, "Rain on tin", &[("listen", 0), ("creator", 2_900), ("business", 7_900)], wav(1), "WAV")
        .await
}

pub async fn reprices(app: &TestApp, track: &OnSale, prices: &[(&str, i64)]) {
    let id = track.id.clone();
    let prices: Vec<(String, Cents)> = prices.iter().map(|(t, c)| ((*t).to_owned(), Cents(*c))).collect();
    app.app.db.write(move |conn| offer::replace(conn, &id, &prices, "usd")).await.unwrap();
}

pub async fn withdraws(app: &TestApp, track: &OnSale, by: &UserId) {
    let (id, by) = (track.id.clone(), by.clone());
    app.app
        .db
        .write(move |conn| Track::find(conn, &id)?.withdraw(conn, &by, Timestamp::now()))
        .await
        .unwrap();
}

/// What its uploader says of a track from now on, with these prices by tier.
pub async fn describes(app: &TestApp, track: &OnSale, by: &UserId, words: &str, prices: &[(&str, i64)]) {
    let (id, by) = (track.id.clone(), by.clone());
    let said = Description {
        title: "Rain on tin".into(),
        description: words.to_owned(),
        kind: Kind::Music,
        genre: None,
        vocals: "none".into(),
        moods: vec![],
        instruments: vec![],
        tags: vec![],
        bpm: None,
        musical_key: None,
        voices: None,
        prices: prices.iter().map(|(t, c)| ((*t).to_owned(), Cents(*c))).collect(),
    };
    app.app
        .db
        .write(move |conn| Track::find(conn, &id)?.describe(conn, &said, "usd", &by, Timestamp::now()))
        .await
        .unwrap();
}

/// Adds an offer to the basket, as the form on a track's page does.
pub async fn adds(who: &mut Browser, track: &OnSale, tier: &str) -> Seen {
    let csrf = who.get("/cart").await.csrf().unwrap();
    who.post("/cart", &[("csrf", &csrf), ("track", track.slug.as_str()), ("tier", tier)]).await
}

/// Fills in the checkout and sends it: what comes back.
pub async fn checks_out(who: &mut Browser, licensee: &str) -> Seen {
    who.send("/checkout", "/checkout", &[("licensee", licensee), ("company", "Field & Söhne GmbH")]).await
}

/// Pays on the pretend Stripe's page; where it leads back to.
pub async fn pays(app: &TestApp, who: &mut Browser, page: &str) -> String {
    let back = tries_card(app, who, page, PAYS).await.is(303).location().to_owned();
    back.strip_prefix(&app.url).unwrap_or_else(|| panic!("not back to us: {back}")).to_owned()
}

/// Sends the pretend Stripe's page with this card; what it says.
pub async fn tries_card(app: &TestApp, who: &mut Browser, page: &str, card: &str) -> Seen {
    assert!(page.starts_with(&app.stripe.url), "{page}");
    let fields = [("card_number", card), ("exp", "12 / 34"), ("cvc", "123"), ("email", "ada@example.com")];
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("origin", app.stripe.url.as_str())];
    who.ask(Method::POST, page, &headers, Some(body.into_bytes())).await
}

/// Buys what is in the basket, and waits until the webhook has arrived. The order's address.
pub async fn buys(app: &TestApp, who: &mut Browser) -> String {
    let page = checks_out(who, "Ada Field").await.is(303).location().to_owned();
    let back = pays(app, who, &page).await;
    assert!(app.stripe.settled(std::time::Duration::from_secs(20)).await, "webhooks arrive");
    back
}

/// Gives all of a payment back, at Stripe.
pub async fn refunds(app: &TestApp, payment: &str) {
    gives_back(app, payment).await;
    assert!(app.stripe.settled(std::time::Duration::from_secs(20)).await);
}

/// The same, whether its webhooks arrive or not.
pub async fn gives_back(app: &TestApp, payment: &str) {
    let http = reqwest::Client::new();
    let answer = http
        .post(format!("{}/v1/refunds", app.stripe.url))
        .bearer_auth("sk_test_any")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("payment_intent={payment}"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

/// The licence numbers that stand in a library.
pub fn numbers(library: &Seen) -> Vec<String> {
    let page = library.text();
    let mut all: Vec<String> = page
        .split("/library/")
        .skip(1)
        .filter_map(|rest| rest.split('/').next())
        .filter(|n| n.len() == 34)
        .map(str::to_owned)
        .collect();
    all.sort();
    all.dedup();
    all
}
