//! The demo shop, from the mark to the last published track, with the real worker.

use std::time::Duration;

use cuehouse::accounts::shell;
use cuehouse::accounts::user::{Role, User};
use cuehouse::catalogue::track::{Kind, Recording, State, Track};
use cuehouse::catalogue::{lists, offer};
use cuehouse::clock::Timestamp;
use cuehouse::config::Mode;
use cuehouse::db::schema::{jobs, tracks, uploads, users};
use cuehouse::demo::{self, fill};
use cuehouse::jobs::{Job, Priority, claim, run, stopper};
use cuehouse::{App, Config, Error};
use diesel::prelude::*;

use crate::support::app::TestApp;
use crate::support::folder::TestFolder;
use crate::support::shop::Shop;

/// Tracks that are made quickly even without optimising.
const SHORT: [&str; 4] =
    ["Whoosh, left to right", "Interface clicks, five", "Glass, one ping", "Cut Break 172"];

fn short() -> Vec<usize> {
    let number = |title: &&str| (0..demo::TRACKS).find(|n| demo::spec(*n).description.title == **title);
    SHORT.iter().map(|title| number(title).unwrap()).collect()
}

/// Works until the demo is filled.
async fn filled(app: &App) {
    let (stopper, stop) = stopper();
    let working = tokio::spawn(run::work(app.clone(), stop));
    let patience = tokio::time::timeout(Duration::from_secs(240), fill::watch(app));
    patience.await.expect("the demo was never filled").unwrap();
    stopper.stop();
    working.await.unwrap();
    let progress = fill::progress(app).await.unwrap().unwrap();
    assert_eq!((progress.waiting, progress.given_up), (0, 0), "{progress:?}");
}

async fn counted(app: &App) -> (i64, i64, i64) {
    let counts = app.db.read(|conn| {
        let uploads: i64 = uploads::table.count().get_result(conn)?;
        let tracks: i64 =
            tracks::table.filter(tracks::state.eq(State::Published)).count().get_result(conn)?;
        let users: i64 = users::table.count().get_result(conn)?;
        Ok((uploads, tracks, users))
    });
    counts.await.unwrap()
}

/// The same shop once more, as another process on another machine opens it.
async fn other_process(shop: &TestApp, folder: &TestFolder) -> App {
    let config = Config { data_dir: folder.path().join("data"), ..(*shop.app.config).clone() };
    let mut app = App::open(config, Some(&shop.stripe.url)).await.unwrap();
    app.worker = shop.app.worker.clone();
    app
}

#[rocket::async_test]
async fn an_empty_shop_is_filled_through_the_upload_s_own_way() {
    let shop = TestApp::new().await;
    assert!(fill::begin(&shop.app, short()).await.unwrap());
    filled(&shop.app).await;
    assert_eq!(counted(&shop.app).await, (4, 4, demo::people().len() as i64));
    for number in short() {
        let spec = demo::spec(number);
        let title = spec.description.title.clone();
        let (track, recording, offers, uploader) = shop
            .app
            .db
            .read(move |conn| {
                let found = tracks::table.filter(tracks::title.eq(&title));
                let track: Track = found.select(Track::as_select()).first(conn)?;
                let recording = Recording::find(conn, &track.upload_id)?;
                let offers = offer::of_track(conn, &track.id)?;
                let uploader = User::find(conn, &track.uploader_id)?;
                Ok((track, recording, offers, uploader))
            })
            .await
            .unwrap();
        assert_eq!(uploader.email, spec.uploader.email);
        assert_eq!(uploader.handle.unwrap().as_str(), spec.uploader.handle);
        assert_eq!((track.kind, &track.bpm), (spec.description.kind, &spec.description.bpm));
        assert_eq!(track.genre, spec.description.genre);
        assert!(lists::genre_name(&track.genre.unwrap()).is_some());
        let sold: Vec<_> = offers.into_iter().map(|o| (o.tier, o.price_cents)).collect();
        assert_eq!(sold, spec.description.prices);
        assert_eq!(track.price_from, sold.first().map(|(_, price)| *price));
        let wav = demo::wav(number);
        assert_eq!(recording.container, "WAV");
        let master = shop.app.storage.bytes(&format!("masters/{}", track.upload_id)).await.unwrap();
        assert!(master[..] == wav[..], "the master is not what was synthesised");
        for key in [&recording.preview_key, &recording.sample_key, &recording.artwork_key] {
            assert!(shop.app.storage.stat(key).await.unwrap().is_some(), "{key}");
        }
        if track.kind == Kind::Loop {
            assert_eq!(recording.frames, (8.0 * 60.0 / 172.0 * 2.0 * 44_100.0_f64).round() as i64);
        }
    }
    // Filled once is filled for ever.
    assert!(fill::begin(&shop.app, short()).await.unwrap());
    assert_eq!(
        shop.app.db.read(|conn| cuehouse::jobs::waiting(conn, Timestamp::now())).await.unwrap().len(),
        0
    );
}

#[rocket::async_test]
async fn everyone_of_the_demo_signs_in_with_the_kept_password() {
    let shop = TestApp::new().await;
    assert!(fill::passwords(&shop.app).await.unwrap().is_none());
    fill::begin(&shop.app, []).await.unwrap();
    let accounts = fill::passwords(&shop.app).await.unwrap().unwrap();
    for (account, person) in accounts.iter().zip(demo::people()) {
        let email = account.email.clone();
        let read = shop.app.db.read(move |conn| {
            let user = User::by_email(conn, &email)?.unwrap();
            let roles = user.roles(conn)?;
            Ok((user, roles))
        });
        let (user, roles) = read.await.unwrap();
        assert!(user.confirmed_at.is_some());
        assert_eq!(roles, Vec::from_iter(person.role));
        assert!(shop.app.hashing.verify(&account.password, Some(&user.password_hash)).await.unwrap());
    }
}

/// A password that stands in an old log opens nothing in production: it does not start before the demo's accounts are
/// closed, and says how.
#[rocket::async_test]
async fn production_waits_until_nobody_of_the_demo_can_sign_in() {
    let (shop, folder) = (TestApp::new().await, TestFolder::new());
    // Somebody had this address before the demo: the account is theirs.
    let earlier = shell::add(
        &shop.app.db,
        &shop.app.hashing,
        "buyer@demo.example",
        "Ada Field",
        &[],
        Some("copper weather 9"),
    );
    assert_eq!(earlier.await.unwrap(), None);
    let production = || {
        // Another machine each time.
        let data_dir = folder.path().join(cuehouse::secrets::token().unwrap());
        App::open(
            Config { mode: Mode::Production, data_dir, ..(*shop.app.config).clone() },
            Some(&shop.stripe.url),
        )
    };
    assert!(production().await.is_ok(), "a shop without a demo");
    fill::begin(&shop.app, []).await.unwrap();
    let accounts = fill::passwords(&shop.app).await.unwrap().unwrap();
    let Err(Error::Refused(said)) = production().await else { panic!("production starts with a demo") };
    let command = said.split("cuehouse ").nth(1).unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[..2], ["user", "disable"], "{said}");
    assert_eq!(words.len() - 2, accounts.len() - 1, "{said}");
    assert!(!said.contains("buyer@demo.example"), "{said}");

    let admin = accounts.iter().find(|account| account.roles == ["admin"]).unwrap();
    let fields = [("email", admin.email.as_str()), ("password", admin.password.as_str())];
    let mut before = shop.visitor();
    before.send("/sign-in", "/sign-in", &fields).await.is(303);
    before.get("/admin").await.is(200);
    // With an address that nobody has nothing is done.
    let wrong = [&words[..], &["nobody@demo.example"]].concat();
    assert!(!shop.cuehouse(&wrong).status.success());
    assert!(production().await.is_err());
    let closed = shop.cuehouse(&words);
    assert!(closed.status.success(), "{closed:?}");
    before.get("/admin").await.is(303);
    let closed = shop.visitor().send("/sign-in", "/sign-in", &fields).await.is(422);
    assert!(closed.has("This account is closed"));
    assert!(production().await.is_ok());
}

#[rocket::async_test]
async fn an_interrupted_filling_goes_on_where_it_was() {
    let shop = TestApp::new().await;
    let numbers = short();
    fill::begin(&shop.app, numbers.clone()).await.unwrap();
    // A worker dies after it brought the first track and before it said so, with the job in its hand.
    let lease = shop.app.db.write(|conn| claim(conn, "dies", Priority::Demo)).await.unwrap().unwrap();
    assert_eq!(lease.job, Job::FillDemo { number: numbers[0] });
    let spec = demo::spec(numbers[0]);
    let email = spec.uploader.email;
    let uploader = shop.app.db.read(move |conn| Ok(User::by_email(conn, email)?.unwrap().id)).await.unwrap();
    let wav = demo::wav(numbers[0]);
    cuehouse::studio::receive(&shop.app, &uploader, &spec.filename, &wav[..], Priority::Demo).await.unwrap();
    let expired = shop.app.db.write(|conn| {
        diesel::update(jobs::table.filter(jobs::owner.eq("dies")))
            .set(jobs::lease_until.eq(1))
            .execute(conn)?;
        Ok(())
    });
    expired.await.unwrap();
    // And the next process is killed in the middle of all.
    let (stopper, stop) = stopper();
    let working = tokio::spawn(run::work(shop.app.clone(), stop));
    while counted(&shop.app).await.1 == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stopper.stop();
    working.await.unwrap();
    let folder = TestFolder::new();
    let next = other_process(&shop, &folder).await;
    assert!(fill::begin(&next, numbers).await.unwrap());
    filled(&next).await;
    assert_eq!(counted(&next).await, (4, 4, demo::people().len() as i64));
}

/// A demo that lacks tracks is no filled one: the command says how many, and a second one says so still.
#[rocket::async_test]
async fn tracks_that_were_given_up_are_counted_and_make_the_command_fail() {
    let shop = TestApp::new().await;
    fill::begin(&shop.app, short().into_iter().take(2)).await.unwrap();
    let parked = shop.app.db.write(|conn| {
        diesel::update(jobs::table.filter(jobs::kind.eq("fill_demo")))
            .set(jobs::state.eq(cuehouse::jobs::State::Parked))
            .execute(conn)?;
        Ok(())
    });
    parked.await.unwrap();
    assert_eq!(fill::watch(&shop.app).await.unwrap(), 2);
    let said = shop.cuehouse(&["demo"]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(words.contains("2 tracks of the demo could not be made"), "{words}");
}

#[rocket::async_test]
async fn two_processes_that_start_together_fill_once() {
    let shop = TestApp::new().await;
    let folder = TestFolder::new();
    let other = other_process(&shop, &folder).await;
    let both = tokio::join!(fill::begin(&shop.app, short()), fill::begin(&other, short()));
    assert!(both.0.unwrap() && both.1.unwrap());
    assert_eq!(counted(&shop.app).await, (0, 0, demo::people().len() as i64));
    assert_eq!(fill::progress(&other).await.unwrap().unwrap().waiting, 4);
    let kept = [fill::passwords(&shop.app).await.unwrap(), fill::passwords(&other).await.unwrap()];
    assert_eq!(kept.iter().flatten().count(), 1, "passwords lie where the one that filled keeps them");
    let files = [&shop.app, &other].map(|app| app.config.data(demo::accounts::FILE).exists());
    assert_eq!(files.iter().filter(|there| **there).count(), 1);
}

#[rocket::async_test]
async fn a_shop_with_tracks_is_left_alone_and_one_with_people_is_not() {
    let shop = TestApp::new().await;
    shop.person("Ines Morrow", &[Role::Admin]).await;
    std::fs::write(shop.app.config.data(demo::accounts::FILE), "[]").unwrap();
    assert!(fill::begin(&shop.app, short()).await.unwrap());
    assert!(fill::passwords(&shop.app).await.unwrap().is_some());
    assert_eq!(counted(&shop.app).await.2, demo::people().len() as i64 + 1);

    let shop = TestApp::new().await;
    let rows = Shop::new(&shop.app.db).await;
    let person = rows.person("Somebody").await;
    rows.track(&person, "Their own", &[("creator", 2_900)]).await;
    assert!(!fill::begin(&shop.app, short()).await.unwrap());
    assert!(fill::progress(&shop.app).await.unwrap().is_none());
    assert!(!shop.app.config.data(demo::accounts::FILE).exists());
}

#[rocket::async_test]
async fn a_filled_shop_grows_to_any_size_and_everything_in_it_is_found() {
    let shop = TestApp::new().await;
    assert!(demo::bulk::grow(&shop.app, 10, |_| {}).await.is_err(), "nothing to share the sound of");
    fill::begin(&shop.app, short()).await.unwrap();
    filled(&shop.app).await;
    assert_eq!(demo::bulk::grow(&shop.app, 300, |_| {}).await.unwrap(), 300);
    assert_eq!(demo::bulk::grow(&shop.app, 500, |_| {}).await.unwrap(), 500, "it goes on from what is there");
    assert_eq!(demo::bulk::grow(&shop.app, 20, |_| {}).await.unwrap(), 500, "nothing is taken away");
    shop.app.index.rebuild().await.unwrap();
    assert_eq!(shop.app.index.count(), 500);
    assert_eq!(counted(&shop.app).await, (4, 500, demo::people().len() as i64));
    let lacking = shop.app.db.read(|conn| {
        let own = cuehouse::db::schema::offers::table.select(cuehouse::db::schema::offers::track_id);
        let lacking: i64 = tracks::table.filter(tracks::id.ne_all(own)).count().get_result(conn)?;
        Ok(lacking)
    });
    assert_eq!(lacking.await.unwrap(), 0, "a track is offered at nothing");
}
