//! The front page, the page of a track, profiles, favourites: what a visitor without script sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cuehouse::accounts::session;
use cuehouse::accounts::user::User;
use cuehouse::clock::Timestamp;
use cuehouse::db::counter;
use cuehouse::guardians::erasing;
use diesel::prelude::*;

use crate::support::app::TestApp;
use crate::support::shelf::{drafted, piece, shelve, taken_when_sure};

/// S3-20: a track's page and a profile are complete without script.
#[tokio::test(flavor = "multi_thread")]
async fn a_track_and_its_uploader_have_whole_pages() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let ines_id = ines.user.clone().unwrap();
    app.app
        .db
        .write(|conn| {
            cuehouse::sales::edition::seed(
                conn,
                &cuehouse::sales::tier::Catalogue::default(),
                Timestamp::now(),
            )
        })
        .await
        .unwrap();
    let mut weather = piece("Copper Weather");
    weather.description = "Low strings.\n\nA bell at the end.".into();
    weather.moods = vec!["brooding"];
    weather.tags = vec!["slow build"];
    let track = shelve(&app.app, &ines_id, weather).await;
    let mut other = piece("Iron Weather");
    other.duration_ms = 2_900;
    other.moods = vec!["brooding"];
    let other = shelve(&app.app, &ines_id, other).await;
    app.app.index.caught_up().await.unwrap();
    let mut visitor = app.visitor();
    let page = visitor.get(&track.href()).await.is(200);
    for words in [
        "<h1 class=\"title\">Copper Weather</h1>",
        "href=\"/@ines-morrow\"",
        "<p>Low strings.</p><p>A bell at the end.</p>",
        "96 bpm",
        "F♯ minor",
        "−14.2 LUFS",
        "WAV, 44.1 kHz, 24 bit, stereo",
        "<audio",
        "/sample.mp3",
        "/search?mood=brooding",
        "/search?q=slow+build",
        "$29",
        "action=\"/cart\"",
        "Also brooding",
        "Levelled to −16 LUFS, with peaks of −1 dBTP at most; what you license keeps its own level.",
    ] {
        assert!(page.has(words), "{words} is missing in {}", page.text());
    }
    assert!(page.has(&other.href()) && !page.has("preview.mp3\""));
    assert!(!page.has("LUFS when repeated"));
    assert!(visitor.get(&other.href()).await.is(200).has("−14.2 LUFS when repeated"));
    assert!(page.has("Exclusive buy-out"), "what is on request is named");
    let profile = visitor.get("/@ines-morrow").await.is(200);
    for words in ["<h1>Ines Morrow</h1>", "2 sounds", track.href().as_str(), other.href().as_str()] {
        assert!(profile.has(words), "{words}");
    }
    assert!(!profile.has("ines.morrow@example.com"));
    visitor.get("/ines-morrow").await.is(404);
    visitor.get("/@nobody-here").await.is(404);
    // A buyer has no profile.
    app.buyer("Ada Field").await;
    visitor.get("/@ada-field").await.is(404);
    let home = visitor.get("/").await.is(200);
    assert!(home.has("Copper Weather") && home.has("Iron Weather") && home.has("/search?kind=music"));
    assert!(home.has("2 sounds to hear"));
}

/// S3-20, S3-55: whoever changes how they are called keeps their page and their sounds, their old address leads to the new one,
/// and nobody else is ever given it, not when its owner is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_somebody_had_leads_to_them_and_to_nobody_else() {
    let app = TestApp::new().await;
    let (mut ines, mut bo) = (app.uploader("Ines Morrow").await, app.uploader("Bo Lind").await);
    let id = ines.user.clone().unwrap();
    let track = shelve(&app.app, &id, piece("Copper Weather")).await.href();
    app.app.index.caught_up().await.unwrap();
    let mut visitor = app.visitor();
    assert!(visitor.get("/@ines-morrow").await.is(200).has(&track));
    let written = async || app.app.db.read(cuehouse::search::feed_state).await.unwrap().0;

    let (path, renamed) = ("/account/name", [("name", "Zora Quill"), ("handle", "zora-quill")]);
    ines.send(path, path, &renamed).await.is(303);
    app.app.index.caught_up().await.unwrap();
    let page = visitor.get("/@zora-quill").await.is(200);
    assert!(page.has("<h1>Zora Quill</h1>") && page.has("1 sound") && page.has(&track), "{}", page.text());
    assert!(visitor.get("/search?q=zora").await.is(200).has(&track), "the new name is found");
    let former = cuehouse::search::Query::parse("uploader=ines-morrow");
    assert_eq!(app.app.index.page(&former).await.unwrap().total, 0);
    assert_eq!(visitor.get("/@ines-morrow").await.is(308).location(), "/@zora-quill");

    // What changes nothing tells the index nothing; a name that the studio changes is told.
    let before = written().await;
    ines.send(path, path, &renamed).await.is(303);
    ines.send("/studio/profile", "/studio/profile", &[("name", "Zora Quill"), ("about", "Bells.")])
        .await
        .is(303);
    assert_eq!(written().await, before);
    ines.send("/studio/profile", "/studio/profile", &[("name", "Zora Finch"), ("about", "Bells.")])
        .await
        .is(303);
    app.app.index.caught_up().await.unwrap();
    assert!(visitor.get("/search?q=finch").await.is(200).has(&track));

    // Nobody is given it: not who asks for it, nor a newcomer of that name.
    let asked = [("handle", "ines-morrow")];
    assert!(
        bo.send("/studio/profile", "/studio/profile/handle", &asked).await.is(422).has("belongs to someone")
    );
    let second = crate::support::shelf::seller(&app.app.db, "Ines Morrow").await;
    let found = app.app.db.read(move |conn| User::find(conn, &second)).await.unwrap();
    assert_eq!(found.handle.unwrap().as_str(), "ines-morrow-2");
    visitor.get("/@ines-morrow").await.is(308);

    // Of whoever is gone nothing is told, and the handles stay taken.
    app.app.db.write(move |conn| erasing::erase(conn, &id, Timestamp::now())).await.unwrap();
    for gone in ["ines-morrow", "zora-quill"] {
        visitor.get(&format!("/@{gone}")).await.is(404);
        let asked = [("handle", gone)];
        bo.send("/studio/profile", "/studio/profile/handle", &asked).await.is(422);
    }
    assert!(!app.every_row().await.contains("zora-quill"), "what keeps it taken does not say it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_shop_says_so() {
    let app = TestApp::new().await;
    assert!(app.visitor().get("/").await.is(200).has("Nothing to hear yet"));
    // A door that slams has no key: a draft takes what was heard surely, and no guess.
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let surely = (Some(96.0), Some("fsm".to_owned()));
    for (sure, taken) in [(0.04, (None, None)), (0.24, (None, None)), (0.25, surely)] {
        assert_eq!(taken_when_sure(&app.app.db, &ines, sure).await, taken, "{sure}");
    }
}

/// What people call their tracks cannot end the script element it is told to machines in.
#[tokio::test(flavor = "multi_thread")]
async fn words_of_people_stay_words_in_json_and_in_html() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let nasty = "</script><script>alert(1)</script>\u{2028}\"'&<u>";
    let mut piece = piece(nasty);
    piece.description = nasty.into();
    piece.tags = vec!["<i>x</i>"];
    let track = shelve(&app.app, ines.user.as_ref().unwrap(), piece).await;
    app.app.index.caught_up().await.unwrap();
    let mut visitor = app.visitor();
    for path in [track.href(), "/".into(), "/@ines-morrow".into(), "/search?q=alert".into()] {
        let page = visitor.get(&path).await.is(200).text();
        for markup in ["<script>alert", "<u>", "<i>x"] {
            assert!(!page.contains(markup), "{markup} in {path}");
        }
    }
    let page = visitor.get(&track.href()).await.text();
    let json = page.split("<script type=\"application/ld+json\">").nth(1).unwrap();
    let json: serde_json::Value = serde_json::from_str(json.split("</script>").next().unwrap()).unwrap();
    assert_eq!(json["name"], nasty);
    assert_eq!(json["@type"], "MusicRecording");
    assert_eq!(json["duration"], "PT0M8S");
    assert!(json["url"].as_str().unwrap().starts_with(&app.url));
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_a_track_is_a_click_and_undone_by_another() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let track = shelve(&app.app, ines.user.as_ref().unwrap(), piece("Copper Weather")).await;
    let at = track.at("favourite");
    let mut stranger = app.visitor();
    let asked = stranger.get(&track.href()).await.csrf().unwrap();
    let led = stranger.post(&at, &[("csrf", &asked)]).await.is(303);
    assert!(led.location().starts_with("/sign-in"));
    let mut ada = app.buyer("Ada Field").await;
    let kept = async || {
        let id = track.id.clone();
        let found = app.app.db.read(move |conn| cuehouse::catalogue::track::Track::find(conn, &id));
        found.await.unwrap().kept
    };
    for (wish, count, pressed) in
        [("yes", 1, "true"), ("yes", 1, "true"), ("no", 0, "false"), ("", 1, "true"), ("", 0, "false")]
    {
        let token = ada.get(&track.href()).await.csrf().unwrap();
        let done = ada.post(&at, &[("csrf", &token), ("keep", wish)]).await.is(303);
        assert_eq!(done.location(), track.href());
        assert_eq!(kept().await, count, "{wish}");
        assert!(ada.get(&track.href()).await.has(&format!("aria-pressed=\"{pressed}\"")));
    }
    let draft = drafted(&app.app, ines.user.as_ref().unwrap(), piece("Not yet")).await;
    let token = ada.get("/").await.csrf().unwrap();
    ada.post(&draft.at("favourite"), &[("csrf", &token)]).await.is(404);
    assert_eq!(ada.get(&track.href()).await.is(200).header("cache-control"), Some("private, no-store"));
}

/// At most three statements a page beside the session's.
#[tokio::test(flavor = "multi_thread")]
async fn pages_ask_the_database_three_times_at_most() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let mut slug = None;
    for n in 0..30 {
        let mut one = piece(&format!("Weather {n}"));
        one.moods = vec!["calm"];
        slug = Some(shelve(&app.app, ines.user.as_ref().unwrap(), one).await);
    }
    app.app.index.caught_up().await.unwrap();
    let ada = app.buyer("Ada Field").await;
    let token = ada.cookie("session").unwrap().to_owned();
    let client = rocket::local::asynchronous::Client::untracked(cuehouse::rocket(app.app.clone())).await;
    let client = client.unwrap();
    let counted = Arc::new(AtomicU32::new(0));
    let of_session = {
        let (db, token) = (app.app.db.clone(), token.clone());
        let look = db.read(move |conn| session::seen(conn, Some(&token), None, Timestamp::now()));
        counter::TASK.scope(Arc::clone(&counted), look).await.unwrap();
        counted.swap(0, Ordering::Relaxed)
    };
    assert!(of_session > 0, "the counter counts nothing");
    let track = slug.unwrap().href();
    for path in ["/", "/search", "/search?q=weather&mood=calm&tier=listen", "/@ines-morrow", &track] {
        for signed_in in [false, true] {
            let mut request = client.get(path.to_owned());
            if signed_in {
                request = request.cookie(("session", token.clone()));
            }
            let answer = counter::TASK.scope(Arc::clone(&counted), request.dispatch()).await;
            assert_eq!(answer.status().code, 200, "{path}");
            let body = answer.into_string().await.unwrap();
            assert_eq!(body.contains("action=\"/sign-out\""), signed_in, "{path}");
            let asked = counted.swap(0, Ordering::Relaxed) - if signed_in { of_session } else { 0 };
            assert!((1..=3).contains(&asked), "{path} asks {asked} times");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_a_person_is_shown_as_what_it_is() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let mut visitor = app.visitor();
    visitor.get("/@ines-morrow/picture").await.is(404);
    app.app.storage.put("pictures/one.webp", b"a picture".to_vec(), "image/webp").await.unwrap();
    let id = ines.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| {
            use cuehouse::db::schema::users;
            diesel::update(users::table.find(&id))
                .set(users::picture.eq("pictures/one.webp"))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    let page = visitor.get("/@ines-morrow").await.is(200);
    let picture = visitor.get("/@ines-morrow/picture").await;
    let picture = picture.is(200);
    assert!(page.has("src=\"/@ines-morrow/picture?v="));
    assert_eq!(picture.header("content-type"), Some("image/webp"));
    assert_eq!(picture.bytes, b"a picture");
}
