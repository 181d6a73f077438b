//! Editions: whatever an operator changes of a tier is a new one, and what was sold stays as it was.

use cuehouse::clock::Timestamp;
use cuehouse::db::schema::tier_editions;
use cuehouse::error::Error;
use cuehouse::money::Cents;
use cuehouse::proof::issuer::{published, read_document};
use cuehouse::sales::basket::{self, Basket, Owner};
use cuehouse::sales::edition::{self, Edition};
use cuehouse::sales::licence::Held;
use cuehouse::sales::scope::Cap;
use cuehouse::sales::tier::{Catalogue, PriceBounds, REFUND_DAYS, Tier, default_catalogue};
use cuehouse::sales::verify::{Verdict, check};
use cuehouse::secrets::sha256;
use diesel::prelude::*;

use super::http::{adds, buys, numbers, rain};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::shop::{NOW, Shop};

/// The default catalogue with this edit.
fn edited(edit: fn(&mut Tier)) -> Catalogue {
    let mut tiers = default_catalogue();
    tiers.iter_mut().filter(|tier| tier.slug == "creator").for_each(edit);
    Catalogue::new(tiers, PriceBounds::default(), REFUND_DAYS).unwrap()
}

/// The default catalogue without Creator.
fn without() -> Catalogue {
    let mut tiers = default_catalogue();
    tiers.retain(|tier| tier.slug != "creator");
    tiers.iter_mut().filter(|tier| tier.slug == "listen").for_each(|tier| tier.upgrades_to.clear());
    Catalogue::new(tiers, PriceBounds::default(), REFUND_DAYS).unwrap()
}

async fn opens(db: &cuehouse::db::Db, catalogue: Catalogue, now: Timestamp) {
    db.write(move |conn| edition::seed(conn, &catalogue, now)).await.unwrap();
}

/// What there is of Creator: the number, the price and the text of each edition, the newest first, and the one on sale.
async fn creator(shop: &Shop) -> (Vec<(i32, Option<Cents>, String)>, Option<i32>) {
    let all = shop.db.read(|conn| Edition::all_of(conn, "creator")).await.unwrap();
    let on_sale: Vec<i32> = all.iter().filter(|e| e.is_on_sale()).map(|e| e.number).collect();
    assert!(on_sale.len() <= 1);
    assert!(all.iter().all(|e| sha256(&e.terms) == e.terms_hash));
    let told = all.into_iter().map(|e| (e.number, e.tier.price_cents, e.terms_hash)).collect();
    (told, on_sale.first().copied())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edit_is_an_edition_and_what_was_sold_stays_as_it_was() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines").await;
    let ada = shop.person("Ada").await;
    let owner = Owner::Account(ada.clone());
    let (_, rain) = shop.track(&ines, "Rain on tin", &[("creator", 0)]).await;
    shop.puts(&owner, &[(&rain, "creator")]).await;
    let order = shop.orders(&ada).await.unwrap();
    let (paid, signs) = (order.id.clone(), shop.issuer.clone());
    shop.db.write(move |conn| cuehouse::sales::settle::settle_free(conn, &order, &signs, NOW)).await.unwrap();
    let held = || {
        let (db, paid) = (shop.db.clone(), paid.clone());
        async move { db.read(move |conn| Ok(Held::of_order(conn, &paid)?.remove(0).licence)).await.unwrap() }
    };
    let licence = held().await;
    shop.puts(&owner, &[(&rain, "creator")]).await;

    // A price is not in the text: another edition under the same words.
    opens(&shop.db, edited(|tier| tier.price_cents = Some(Cents(3_100))), NOW.plus(1)).await;
    let (all, on_sale) = creator(&shop).await;
    assert_eq!((all.len(), on_sale, all[0].1), (2, Some(2), Some(Cents(3_100))));
    assert!(all.iter().all(|(.., hash)| *hash == licence.terms_hash));
    // The other way round, and nothing where nothing differs.
    for later in [2, 3] {
        opens(&shop.db, Catalogue::default(), NOW.plus(later)).await;
        let (all, on_sale) = creator(&shop).await;
        assert_eq!((all.len(), on_sale, all[0].1), (3, Some(3), Some(Cents(2_900))));
    }
    type Edit = fn(&mut Tier);
    let edits: [(i64, Edit); 4] = [
        (4, |tier| tier.seat_step_cents = Some(Cents(500))),
        (5, |tier| tier.upgrades_to = vec!["film".into()]),
        (6, |tier| tier.order = 7),
        (7, |tier| (tier.price_cents, tier.on_request) = (None, true)),
    ];
    for (later, edit) in edits {
        opens(&shop.db, edited(edit), NOW.plus(later)).await;
        assert_eq!(creator(&shop).await.1, Some(later as i32));
    }
    // Other words, and back to the first.
    opens(&shop.db, edited(|tier| tier.scope.seats = Cap::up_to(2)), NOW.plus(8)).await;
    assert_ne!(creator(&shop).await.0[0].2, licence.terms_hash);
    opens(&shop.db, Catalogue::default(), NOW.plus(9)).await;
    let (all, on_sale) = creator(&shop).await;
    assert_eq!((all.len(), on_sale, &all[0].2), (9, Some(9), &licence.terms_hash));

    // The settings do not hold it any more: nobody can buy it, and it can be read.
    opens(&shop.db, without(), NOW.plus(10)).await;
    let (all, on_sale) = creator(&shop).await;
    assert_eq!((all.len(), on_sale), (9, None));
    let sold = shop.db.read(Edition::on_sale).await.unwrap();
    assert_eq!(sold.len(), 7);
    assert!(sold.iter().all(|e| e.tier.slug != "creator"));
    let mine = owner.clone();
    let lines = shop.db.read(move |conn| Basket::of(conn, &mine, "usd")).await.unwrap().lines;
    assert!(lines.len() == 1 && !lines[0].is_sold());
    let (by, slug) = (owner.clone(), rain.clone());
    let put = shop.db.write(move |conn| basket::put(conn, &by, &slug, "creator", "usd", NOW)).await;
    assert!(matches!(put, Err(Error::NotFound)));
    // It comes back as an edition of its own.
    opens(&shop.db, Catalogue::default(), NOW.plus(11)).await;
    assert_eq!(creator(&shop).await.1, Some(10));

    assert_eq!(held().await, licence, "nothing of it changed");
    let hash = licence.terms_hash.clone();
    let (keys, under) =
        shop.db.read(move |conn| Ok((published(conn)?, Edition::by_hash(conn, &hash)?))).await.unwrap();
    assert!(matches!(check(licence.credential.as_bytes(), &keys), Verdict::Intact(_)));
    assert_eq!((under.tier.scope.seats, under.refund_days), (Cap::up_to(1), REFUND_DAYS));
}

/// A backup of before there were editions brings their texts alone.
#[tokio::test(flavor = "multi_thread")]
async fn texts_without_editions_become_editions() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    opens(&shop.db, edited(|tier| tier.scope.seats = Cap::up_to(2)), NOW.plus(1)).await;
    let before = shop.db.read(|conn| Edition::all_of(conn, "creator")).await.unwrap();
    let on_sale = shop.db.read(Edition::on_sale).await.unwrap();
    shop.db
        .write(|conn| {
            diesel::delete(tier_editions::table).execute(conn)?;
            edition::adopt(conn)
        })
        .await
        .unwrap();
    assert_eq!(shop.db.read(|conn| Edition::all_of(conn, "creator")).await.unwrap(), before);
    assert_eq!(shop.db.read(Edition::on_sale).await.unwrap(), on_sale);
}

/// What a licence points at stays where it was.
#[tokio::test(flavor = "multi_thread")]
async fn past_editions_and_tiers_that_went_are_read_at_their_addresses() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    buys(&app, &mut ada).await;
    let number = numbers(&ada.get("/library").await).remove(0);
    let certificate = ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    let subject: serde_json::Value = serde_json::from_slice(&certificate.bytes).unwrap();
    let subject = &subject["credentialSubject"]["tier"];
    let terms = subject["termsAddress"].as_str().unwrap().strip_prefix(&app.url).unwrap().to_owned();
    let hash = subject["termsHash"].as_str().unwrap().to_owned();
    let at = format!("/licences/creator/{hash}");
    let mut visitor = app.visitor();
    let keys = read_document(&visitor.get("/.well-known/did.json").await.is(200).text()).unwrap();
    let text = visitor.get(&terms).await.is(200);
    assert!(!visitor.get("/licences/creator").await.is(200).has("past edition"));

    let now = Timestamp::now();
    opens(&app.app.db, edited(|tier| tier.scope.seats = Cap::up_to(2)), now).await;
    assert!(visitor.get("/licences/creator").await.is(200).has("Up to 2 people may handle the files."));
    let past = visitor.get(&at).await.is(200);
    assert!(past.has("This is a past edition") && past.has("One person may handle the files."));
    opens(&app.app.db, without(), now.plus(1)).await;
    let page = visitor.get("/licences/creator").await.is(200);
    assert!(page.has("This licence is not sold any more") && page.has(&format!("href=\"{at}\"")));
    assert!(!page.has("usually $29") && !page.has("Sounds under this licence"));
    assert!(visitor.get(&at).await.is(200).has("This licence is not sold any more"));
    assert!(!visitor.get("/licences").await.is(200).has("href=\"/licences/creator\""));
    let shown = visitor.get(&track_page(&track)).await.is(200);
    assert!(shown.has("/licences/business") && !shown.has("href=\"/licences/creator\""));

    assert!(visitor.get(&terms).await.is(200).bytes == text.bytes, "the same bytes");
    assert!(visitor.get(&format!("/verify/{number}")).await.is(200).has("</svg>Valid</p>"));
    let again = ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    assert!(again.bytes == certificate.bytes);
    assert!(matches!(check(&again.bytes, &keys.1), Verdict::Intact(_)));
    assert!(ada.get("/library").await.is(200).has("Creator"));
}

fn track_page(track: &super::http::OnSale) -> String {
    format!("/tracks/{}", track.slug)
}
