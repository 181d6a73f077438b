//! The shop window: pages that everyone sees alike are a moment old at most, and nothing is decided by them.

use std::time::{Duration, Instant};

use cuehouse::catalogue::offer;
use cuehouse::clock::Timestamp;
use cuehouse::db::Db;
use cuehouse::ids::TrackId;
use cuehouse::money::Cents;
use cuehouse::web::window::MOST_AGE;

use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::shelf::{Shelved, piece, shelve, withdraw};

/// Another process of the same shop, as far as rows go: what it writes we are not told.
fn another(app: &TestApp) -> Db {
    Db::open(app.app.db.url()).unwrap()
}

async fn seed(app: &TestApp) {
    let tiers = |conn: &mut cuehouse::db::Conn| {
        cuehouse::sales::edition::seed(conn, &cuehouse::sales::tier::Catalogue::default(), Timestamp::now())
    };
    app.app.db.write(tiers).await.unwrap();
}

async fn reprices(db: &Db, track: &TrackId, cents: i64) {
    let id = track.clone();
    let prices = [("creator".to_owned(), Cents(cents))];
    db.write(move |conn| offer::replace(conn, &id, &prices, "usd")).await.unwrap();
}

/// Looks at pages of a track until what they show is gone, none of them asked for later than a page may be old.
async fn goes(visitor: &mut Browser, track: &Shelved, since: Instant) {
    for page in ["/".to_owned(), "/search?q=copper".to_owned(), track.href()] {
        loop {
            let asked = since.elapsed();
            if !visitor.get(&page).await.has("Copper Weather") {
                break;
            }
            assert!(asked < MOST_AGE, "{page} still shows it after {asked:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_off_sale_is_gone_from_every_page_at_once_and_elsewhere_within_a_second() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let other = another(&app);
    let mut visitor = app.visitor();
    for by_us in [true, false, false] {
        let track = shelve(&app.app, &ines, piece("Copper Weather")).await;
        app.app.index.caught_up().await.unwrap();
        for page in ["/", "/search?q=copper", &track.href()] {
            // Twice: the second comes from the window.
            assert!(visitor.get(page).await.is(200).has("Copper Weather"), "{page}");
            assert!(visitor.get(page).await.is(200).has("Copper Weather"), "{page}");
        }
        let since = Instant::now();
        withdraw(if by_us { &app.app.db } else { &other }, &ines, &track).await;
        if by_us {
            for page in ["/", "/search?q=copper"] {
                assert!(!visitor.get(page).await.is(200).has(&track.href()), "{page}");
            }
            visitor.get(&track.href()).await.is(404);
        }
        goes(&mut visitor, &track, since).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_price_shows_within_a_second_and_counts_at_once() {
    let app = TestApp::new().await;
    seed(&app).await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let track = shelve(&app.app, &ines, piece("Copper Weather")).await;
    app.app.index.caught_up().await.unwrap();
    let other = another(&app);
    let (mut visitor, mut buyer) = (app.visitor(), app.visitor());
    let token = buyer.get("/").await.csrf().unwrap();
    let form = [("csrf", token.as_str()), ("track", track.slug.as_str()), ("tier", "creator")];
    buyer.post("/cart", &form).await.is(303);
    for cents in [4_100, 5_300] {
        let shown = format!("${}", cents / 100);
        visitor.get(&track.href()).await.is(200);
        assert!(!visitor.get(&track.href()).await.is(200).has(&shown));
        let since = Instant::now();
        reprices(&other, &track.id, cents).await;
        // The basket reads rows, whatever the window shows.
        let cart = buyer.get("/cart").await.is(200);
        assert!(cart.has(&shown), "the basket does not say {shown}: {}", cart.text());
        // So does whoever has a basket.
        let theirs = buyer.get(&track.href()).await.is(200);
        assert!(theirs.has(&shown), "whoever has a basket is not told {shown}");
        loop {
            let asked = since.elapsed();
            if visitor.get(&track.href()).await.is(200).has(&shown) {
                break;
            }
            assert!(asked < MOST_AGE, "the old price still shows after {asked:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What we write ourselves shows at once.
        reprices(&app.app.db, &track.id, cents + 200).await;
        let next = format!("${}", cents / 100 + 2);
        assert!(visitor.get(&track.href()).await.is(200).has(&next), "{next} does not show");
    }
}

/// Nobody is shown what is another's: a form's token, a name, a basket.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_visitor_is_shown_to_another() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let track = shelve(&app.app, &ines, piece("Copper Weather")).await;
    app.app.index.caught_up().await.unwrap();
    let mut ada = app.buyer("Ada Field").await;
    for page in ["/", "/search?q=copper", &track.href()] {
        let (mut one, mut two) = (app.visitor(), app.visitor());
        let hers = ada.get(page).await.is(200);
        assert!(hers.has("action=\"/sign-out\""));
        let (first, second) = (one.get(page).await.is(200), two.get(page).await.is(200));
        assert_ne!(first.csrf(), second.csrf(), "{page}");
        assert_ne!(one.cookie("forms"), two.cookie("forms"), "{page}");
        for seen in [first, second] {
            assert!(!seen.has("action=\"/sign-out\"") && !seen.has("Ada Field"), "{page}");
        }
        assert!(ada.get(page).await.is(200).has("action=\"/sign-out\""), "{page}");
    }
}
