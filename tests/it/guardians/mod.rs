//! Who answers for the young: asked by a letter, given by a button, proved by a receipt, gone at once.

use cuehouse::accounts::band::Hold;
use cuehouse::accounts::user::User;
use cuehouse::clock::{DAY, HOUR, Timestamp};
use cuehouse::consent::age::{Answer, Band, Month};
use cuehouse::consent::log;
use cuehouse::db::Conn;
use cuehouse::db::schema::{age_signals, permissions, tracks, users, wards};
use cuehouse::error::{Error, Result};
use cuehouse::guardians::form::Signing;
use cuehouse::guardians::knowledge::{self, Finding, Source};
use cuehouse::guardians::leaf::Stub;
use cuehouse::guardians::notice::Ground;
use cuehouse::guardians::passage::{self, Asking, Word};
use cuehouse::guardians::permission::{Method, Permission, Reach, Scope, may};
use cuehouse::guardians::state::State;
use cuehouse::guardians::ward::Ward;
use cuehouse::guardians::{confirming, growing, jobs};
use cuehouse::ids::{UserId, WardId};
use cuehouse::jobs::Priority;
use cuehouse::sales::order::Order;
use cuehouse::sales::verify::{self, Verdict};
use cuehouse::secrets;
use cuehouse::studio::receive;
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config as Runs, TestRunner};
use serde_json::Value;

use crate::sales::http::{adds, checks_out, pays, rain};
use crate::studio::{WORDS, describes, draft, due_now};
use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::browser::{Browser, Seen};
use crate::support::wards::{asks, link_in, presses, signs, signs_at, signs_in, ward, ward_of};
use crate::support::wavs::music;

mod adulthood;
mod birthdays;
mod by_name;
mod ending;
mod found_out;
mod identity;
mod leaving;
mod messages;
mod moving;
mod online;
mod proofs;
mod removing;
mod services;
mod talks;
mod texts;
mod time;
mod voices;
mod walk;

async fn leaves(app: &TestApp) -> u64 {
    app.app.db.read(log::size).await.unwrap()
}

async fn state_of(app: &TestApp, browser: &Browser) -> Option<State> {
    ward_of(app, browser).await.map(|ward| ward.state)
}

/// Sends what waits for a time that these tests have seen already.
async fn sends(app: &TestApp) {
    due_now(app).await;
    app.run_jobs().await;
}

fn ground(app: &TestApp) -> Ground {
    Ground::of(&app.app)
}

/// R-MN-1, T-MIN-1, S3-14, T-PV-4: nothing happens before the guardian's button; opening the link changes nothing, however
/// often; then the account opens under the name that was kept, and each edge wrote one leaf.
#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_is_asked_answers_by_a_button_and_the_account_opens() {
    let app = TestApp::new().await;
    let (mut kid, page) = asks(&app, 15, "Rain Kid", "grace@example.com").await;
    assert_eq!(leaves(&app).await, 1, "edge 7");
    let letter = app.letters_to("grace@example.com").pop().unwrap();
    assert!(letter.subject.contains("Rain Kid"));
    for words in ["Opening the link", "within 14 days", "take", "/privacy"] {
        assert!(letter.text.contains(words), "{words} in {}", letter.text);
    }
    // The page waits; it holds no form for an account.
    let waits = kid.get(&page).await.is(200);
    assert!(waits.has("We asked them") && !waits.has("name=\"password\""));
    assert_eq!(kid.get("/guardian").await.is(303).location(), page);
    let fields = [("email", "kid@example.com"), ("password", PASSWORD)];
    let csrf = waits.csrf().unwrap();
    let early = [("csrf", csrf.as_str()), fields[0], fields[1]];
    kid.post(&format!("{page}/account"), &early).await.is(409);
    // Nobody else gets the name meanwhile.
    let mut other = app.visitor();
    crate::support::wards::answers(&mut other, 14).await.is(303);
    let taken = [("name", "rain kid"), ("guardian_email", "else@example.com")];
    assert!(other.send("/sign-up", "/guardian", &taken).await.is(422).has("Somebody has that name"));

    // Scanners open links. Nothing changes by it.
    let home = link_in(&app, "grace@example.com", "/guardians/");
    for _ in 0..3 {
        let question = app.visitor().get(&home).await.is(200);
        assert!(question.has("May Rain Kid have an account?") && !question.has("\" checked"));
        app.visitor().head(&home).await.is(200);
    }
    // What more could be allowed is on a page of its own, so that no two fields of a page have one name.
    let question = app.visitor().get(&format!("{home}?form=sign")).await.is(200);
    assert!(question.has("Minor Authorization") && question.has("name=\"scope\""));
    assert!(!question.has("\" checked") && !question.has("name=\"choice\""));
    assert!(kid.get(&page).await.has("We asked them"));
    assert_eq!(leaves(&app).await, 1);
    // Incomplete, it is asked again.
    let mut grace = app.visitor();
    let answer = format!("{home}/answer");
    for missing in ["guardian_name", "relationship", "liable"] {
        let mut fields = vec![
            ("choice", "yes"),
            ("guardian_name", "Grace Field"),
            ("relationship", "mother"),
            ("liable", "yes"),
        ];
        fields.retain(|(name, _)| *name != missing);
        grace.send(&home, &answer, &fields).await.is(422);
    }
    let yes =
        [("choice", "yes"), ("guardian_name", "Grace Field"), ("relationship", "mother"), ("liable", "yes")];
    assert_eq!(grace.send(&home, &answer, &yes).await.is(303).location(), home);
    assert_eq!(leaves(&app).await, 2, "edge 8");
    let csrf = grace.get(&home).await.csrf().unwrap();
    grace.post(&answer, &[("csrf", csrf.as_str()), ("choice", "yes")]).await.is(409);
    // Now the account opens, once, and not for whoever said yes to themselves.
    assert!(kid.get(&page).await.has("They said yes"));
    let same = [("email", "Grace@example.com"), ("password", PASSWORD)];
    let refused = kid.send(&page, &format!("{page}/account"), &same).await.is(422);
    assert!(refused.has("an address of your own"), "{}", refused.text());
    kid.send(&page, &format!("{page}/account"), &fields).await.is(303);
    app.run_jobs().await;
    let confirm = link_in(&app, "kid@example.com", "/confirm/");
    kid.get(&confirm).await.is(303);
    kid.send("/sign-in", "/sign-in", &fields).await.is(303);
    let account = kid.get("/account").await.is(200);
    assert!(account.has("Rain Kid") && account.has("@rain-kid"));
    // A general permission: favourites and what is free, and nothing else.
    let track = rain(&app).await;
    adds(&mut kid, &track, "creator").await.is(303);
    let no = kid.get("/checkout").await.is(403);
    assert!(no.has("For your guardian to allow") && no.has("Buy licences"), "{}", no.text());
    let csrf = kid.get("/cart").await.csrf().unwrap();
    kid.post("/checkout", &[("csrf", &csrf), ("licensee", "Rain Kid")]).await.is(403);
    kid.post("/studio/welcome", &[("csrf", &csrf), ("handle", "rain-kid"), ("agreement", "yes")])
        .await
        .is(403);
    kid.post("/cart/clear", &[("csrf", &csrf)]).await;
    // The guardian's page shows what is held.
    let shown = grace.get(&home).await.is(200);
    for words in ["Grace Field", "kid@example.com", "Have an account", "Receipt"] {
        assert!(shown.has(words), "{words}");
    }
}

/// T-MIN-2, R-MN-2, S3-14, S3-16, D14: each scope opens its own door and no other; what a guardian takes back is shut in
/// the same moment; their page and their export show what was bought.
#[tokio::test(flavor = "multi_thread")]
async fn each_scope_opens_its_own_door() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let track = rain(&app).await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy"]).await;
    adds(&mut kid, &track, "creator").await.is(303);
    let page = checks_out(&mut kid, "Grace Field").await.is(303).location().to_owned();
    let order = pays(&app, &mut kid, &page).await;
    assert!(app.stripe.settled(std::time::Duration::from_secs(20)).await);
    assert!(kid.get(&order).await.is(200).has("Thank you"));
    kid.get("/studio/uploads/new").await.is(403);
    kid.says("/", &format!("/tracks/{}/favourite", track.slug), &[("keep", "yes")]).await;
    let mut grace = app.visitor();
    let shown = grace.get(&home).await.is(200);
    assert!(shown.has("Rain on tin") && shown.has("$29"), "{}", shown.text());
    let export = grace.get(&format!("{home}/data.json")).await.is(200);
    let export: Value = serde_json::from_slice(&export.bytes).unwrap();
    assert_eq!(export["purchases"][0]["title"], "Rain on tin");
    assert_eq!(export["favourites"], serde_json::json!(["Rain on tin"]), "each one, and not how many");
    assert_eq!(export["permissions"].as_array().unwrap().len(), 2);
    // Taken back: the next purchase is refused at once, the licence stays valid.
    presses(&app, &home, "/scopes/buy/ending").await.is(303);
    app.run_jobs().await;
    adds(&mut kid, &track, "business").await.is(303);
    kid.get("/checkout").await.is(403);
    assert!(kid.get("/library").await.is(200).has("Rain on tin"));
    assert!(!kid.get("/library").await.has("Revoked"));

    // What is no longer in the shop is not named: its page opens for nobody.
    let sound = track.id.clone();
    let gone = app.app.db.write(move |conn| {
        let row = tracks::table.find(&sound);
        Ok(diesel::update(row).set(tracks::state.eq("withdrawn")).execute(conn)?)
    });
    assert_eq!(gone.await.unwrap(), 1);
    let export = grace.get(&format!("{home}/data.json")).await.is(200);
    let export: Value = serde_json::from_slice(&export.bytes).unwrap();
    let nameless = serde_json::json!(["a sound that is no longer in the shop"]);
    assert_eq!((&export["favourites"], &export["stops"]), (&nameless, &serde_json::json!([])));

    // Upload and sell.
    let (mut maker, home) = ward(&app, "Loop Kid", &["upload", "sell"]).await;
    maker.send("/studio", "/studio/welcome", &[("handle", "loop-kid"), ("agreement", "yes")]).await.is(303);
    let slug = draft(&app, &mut maker, "rain.wav", &music(7, 6.0)).await;
    describes(&mut maker, &slug, WORDS).await.is(303);
    maker
        .send(&format!("/studio/tracks/{slug}/edit"), &format!("/studio/tracks/{slug}/submission"), &[])
        .await
        .is(303);
    let mut rae = app.reviewer().await;
    let at = format!("/admin/review/{slug}");
    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    app.visitor().get(&format!("/tracks/{slug}")).await.is(200);
    // No profile without its scope, neither seen nor written: its address leads to the sounds.
    let away = app.visitor().get("/@loop-kid").await.is(303);
    assert_eq!(away.location(), "/search?uploader=loop-kid");
    let csrf = maker.get("/studio").await.csrf().unwrap();
    maker
        .post("/studio/profile", &[("csrf", &csrf), ("name", "Loop Kid"), ("about", "Loops.")])
        .await
        .is(403);
    signs_at(&app, &home, &["upload", "sell", "profile"]).await;
    assert!(app.visitor().get("/@loop-kid").await.is(200).has("Loop Kid"));
    assert!(
        !app.visitor().get("/sitemap/profiles.xml").await.is(200).has("loop-kid"),
        "not for search engines"
    );
    // A name and a picture: words and links are neither asked for, nor taken by hand, nor shown where they came from before.
    assert!(!maker.get("/studio/profile").await.is(200).has("name=\"about\""));
    let more = [("about", "Tape murmurs."), ("links", "https://loops.example")];
    let by_hand = [("csrf", csrf.as_str()), ("name", "Loop Kid"), more[0], more[1]];
    maker.post("/studio/profile", &by_hand).await.is(303);
    let user = maker.user.clone().unwrap();
    let kept = app.app.db.write(move |conn| {
        let before = User::find(conn, &user)?.about;
        diesel::update(users::table.find(&user)).set(users::about.eq("Tape murmurs.")).execute(conn)?;
        Ok(before)
    });
    assert_eq!(kept.await.unwrap(), "");
    let page = app.visitor().get("/@loop-kid").await.is(200);
    assert!(!page.has("murmurs") && page.link("/leave/@loop-kid").is_none(), "{}", page.text());
    // An address they left leads to their page as long as anybody sees that page, and to nothing after it.
    maker.post("/studio/profile/handle", &[("csrf", &csrf), ("handle", "loop-maker")]).await.is(303);
    assert_eq!(app.visitor().get("/@loop-kid").await.is(308).location(), "/@loop-maker");
    let mut png = std::io::Cursor::new(vec![]);
    image::DynamicImage::new_rgb8(64, 64).write_to(&mut png, image::ImageFormat::Png).unwrap();
    maker.upload("/studio/profile", "/studio/profile/picture", "me.png", &png.into_inner()).await.is(303);
    let studio = maker.get("/studio/profile").await.is(200).text();
    let picture = studio.split('"').find(|word| word.starts_with("/pictures/")).unwrap();
    app.visitor().get(picture).await.is(200);
    presses(&app, &home, "/scopes/profile/ending").await.is(303);
    app.visitor().get("/@loop-kid").await.is(404);
    // So does their picture: it is there for themselves alone.
    app.visitor().get(picture).await.is(404);
    assert_eq!(maker.get(picture).await.is(200).header("cache-control"), Some("private, no-cache"));
    let away = app.visitor().get("/@loop-maker").await.is(303);
    assert_eq!(away.location(), "/search?uploader=loop-maker");
    // Taken back, sounds leave the shop in that moment.
    presses(&app, &home, "/scopes/sell/ending").await.is(303);
    app.visitor().get(&format!("/tracks/{slug}")).await.is(404);
    let mut maker_page = maker.get(&format!("/studio/tracks/{slug}/edit")).await.is(200);
    let csrf = maker_page.csrf().unwrap();
    maker_page = maker.post(&format!("/studio/tracks/{slug}/submission"), &[("csrf", &csrf)]).await;
    assert_eq!(maker_page.status, 403);
    presses(&app, &home, "/scopes/upload/ending").await.is(303);
    maker.get("/studio/uploads/new").await.is(403);
}

/// S3-15, T-PV-4: the signed form is a document and a sheet of paper, both verify, and one altered byte is told; the
/// liability sentence stands in it, and under its hash behind the receipt.
#[tokio::test(flavor = "multi_thread")]
async fn the_signed_form_verifies_and_an_altered_one_does_not() {
    let app = TestApp::new().await;
    let (_, home) = ward(&app, "Rain Kid", &["buy", "sell"]).await;
    let mut grace = app.visitor();
    let json = grace.get(&format!("{home}/form.json")).await.is(200);
    let pdf = grace.get(&format!("{home}/form.pdf")).await.is(200);
    assert!(pdf.bytes.starts_with(b"%PDF"));
    let keys = app.app.issuer.published().to_vec();
    for bytes in [&json.bytes, &pdf.bytes] {
        let Verdict::Intact(document) = verify::check(bytes, &keys) else { panic!("not intact") };
        let subject = &document["credentialSubject"];
        assert_eq!(subject["guardian"]["name"], "Grace Field");
        assert_eq!(subject["minor"]["account"], "Rain Kid");
        assert!(subject["statements"][1].as_str().unwrap().contains("liable"));
        let hash = subject["formHash"].as_str().unwrap().to_owned();
        let notice = app
            .app
            .db
            .read(move |conn| cuehouse::consent::receipt::Notice::by_hash(conn, &hash))
            .await
            .unwrap();
        assert!(notice.text.contains("liable"));
    }
    let mut altered = pdf.bytes.clone();
    let at = altered.windows(11).position(|w| w == b"Grace Field").unwrap();
    altered[at] = b'B';
    assert!(matches!(verify::check(&altered, &keys), Verdict::Altered));
    // The page of the shop says the same of the file.
    let page = grace.get("/verify").await.is(200);
    assert!(page.has("file"));
}

/// T-MIN-5, R-MN-2: taken back while a file is examined, or while a reviewer listens, nothing
/// is published: the write that would asks in its own statement.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_during_an_upload_is_not_published() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["upload", "sell"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    // A reviewer has the page open; the permission goes behind everybody's back, as another process would do it.
    let slug = draft(&app, &mut kid, "rain.wav", &music(3, 6.0)).await;
    describes(&mut kid, &slug, WORDS).await.is(303);
    kid.send(&format!("/studio/tracks/{slug}/edit"), &format!("/studio/tracks/{slug}/submission"), &[])
        .await
        .is(303);
    app.app
        .db
        .write(|conn| {
            diesel::update(permissions::table.filter(permissions::scope.eq(Scope::Sell)))
                .set(permissions::revoked_at.eq(Timestamp::now()))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    let mut rae = app.reviewer().await;
    let at = format!("/admin/review/{slug}");
    assert!(rae.send(&at, &format!("{at}/publication"), &[]).await.is(409).has("may not sell at present"));
    app.visitor().get(&format!("/tracks/{slug}")).await.is(404);
    // A file is on its way while the guardian takes everything back.
    let seen = kid.upload("/studio/uploads/new", "/studio/uploads", "two.wav", &music(4, 6.0)).await.is(303);
    let upload = seen.location().to_owned();
    presses(&app, &home, "/scopes/upload/ending").await.is(303);
    app.run_jobs().await;
    let page = kid.get(&upload).await.is(200);
    assert!(page.has("for your guardian to allow"), "{}", page.text());
    let user = kid.user.clone().unwrap();
    let direct = receive(&app.app, &user, "three.wav", &music(5, 6.0)[..], Priority::People).await;
    assert!(matches!(direct, Err(Error::Guardian(_))), "{direct:?}");
}

/// T-MIN-5, R-MN-2, S3-14: taken back while the payment page is open, the page closes and nothing is bought; money that
/// came before stays a sale.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_during_a_checkout_is_not_bought() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy"]).await;
    adds(&mut kid, &track, "creator").await.is(303);
    let page = checks_out(&mut kid, "Grace Field").await.is(303).location().to_owned();
    presses(&app, &home, "/scopes/buy/ending").await.is(303);
    app.run_jobs().await;
    let seen = crate::sales::http::tries_card(&app, &mut kid, &page, crate::sales::http::PAYS).await;
    assert!(seen.status != 303 || !seen.location().contains("/orders/"), "{} {}", seen.status, seen.text());
    assert!(!kid.get("/library").await.is(200).has("Rain on tin"));
    // Nor by somebody who declared to be of age, needed nobody's leave, and is found out meanwhile.
    let (mut teen, email) = (app.buyer("Secret Teen").await, email_of("Secret Teen"));
    adds(&mut teen, &track, "creator").await.is(303);
    let page = checks_out(&mut teen, "Secret Teen").await.is(303).location().to_owned();
    let flag = [("account", email.as_str()), ("age", "minor"), ("from", "staff")];
    app.reviewer().await.send("/admin/age", "/admin/age/flags", &flag).await.is(303);
    app.run_jobs().await;
    let seen = crate::sales::http::tries_card(&app, &mut teen, &page, crate::sales::http::PAYS).await;
    assert!(seen.status != 303 || !seen.location().contains("/orders/"), "{} {}", seen.status, seen.text());
    let user = teen.user.clone().unwrap();
    let bought = app.app.db.read(move |conn| Order::settled_of(conn, &user, 10)).await.unwrap();
    assert!(bought.is_empty());
}

/// R-MN-2, R-PV-6, S3-16, T-PV-5: a guardian can see, download, stop and delete, with nothing but the link of a letter.
/// An end shuts everything in that moment: sessions, sounds, profile; the owner sees a notice and nothing else, and
/// earnings wait for the guardian. S1-39: a licence outlives the account of whoever sold it, and the sale stays without
/// a name. S3-52, S1-37: what is held comes as one file, and is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_ends_everything_at_once() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["upload", "sell", "payouts", "profile"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    let slug = draft(&app, &mut kid, "rain.wav", &music(9, 6.0)).await;
    describes(&mut kid, &slug, WORDS).await.is(303);
    kid.send(&format!("/studio/tracks/{slug}/edit"), &format!("/studio/tracks/{slug}/submission"), &[])
        .await
        .is(303);
    let mut rae = app.reviewer().await;
    let at = format!("/admin/review/{slug}");
    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    // Somebody else buys it before.
    let mut ada = app.buyer("Ada Field").await;
    let csrf = ada.get("/cart").await.csrf().unwrap();
    ada.post("/cart", &[("csrf", &csrf), ("track", &slug), ("tier", "creator")]).await.is(303);
    crate::sales::http::buys(&app, &mut ada).await;
    // Before that, with nothing but the link: what is held, in lines and as a file, and a receipt for each step.
    let mut grace = app.visitor();
    let page = grace.get(&home).await.is(200).text().replace("&#x2F;", "/");
    for words in ["@rain-kid", "rain.kid@", "1 file", "1 sound", "Sell and license sounds"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    let export = grace.get(&format!("{home}/data.json")).await.is(200);
    let export: Value = serde_json::from_slice(&export.bytes).unwrap();
    assert!(export["permissions"].as_array().unwrap().len() == 5, "{export}");
    assert_eq!(export["files"][0]["name"], "rain.wav");
    let receipts: Vec<&str> =
        page.split("href=\"/privacy/receipts/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(receipts.len(), 2, "asked and signed");
    for receipt in receipts {
        grace.get(&format!("/privacy/receipts/{receipt}")).await.is(200);
        let file = grace.get(&format!("/privacy/receipts/{receipt}.json")).await.is(200);
        assert!(!file.has("grace") && !file.has("rain.kid@"), "a receipt names nobody");
    }
    // One scope taken back refuses more of that, and nothing else.
    presses(&app, &home, "/scopes/upload/ending").await.is(303);
    kid.get("/studio/uploads/new").await.is(403);
    app.visitor().get(&format!("/tracks/{slug}")).await.is(200);
    let before = leaves(&app).await;
    presses(&app, &home, "/ending").await.is(303);
    assert_eq!(leaves(&app).await, before + 1, "edge 10");
    app.visitor().get(&format!("/tracks/{slug}")).await.is(404);
    app.visitor().get("/@rain-kid").await.is(404);
    kid.get("/account").await.is(303);
    assert_eq!(state_of(&app, &kid).await, Some(State::Ended));
    assert!(ada.get("/library").await.is(200).has("Rain on tin"), "what was sold stays sold");
    assert!(app.visitor().get(&home).await.is(200).has("held for you since"));
    // Signed in again there is a notice and nothing else.
    signs_in(&app, &mut kid).await;
    for path in ["/", "/account", "/studio", "/library", "/checkout", "/search"] {
        assert_eq!(kid.get(path).await.is(303).location(), "/held", "{path}");
    }
    assert!(kid.get("/held").await.is(200).has("This account is closed"));
    kid.get("/held/data.json").await.is(200);
    // Deleted, nothing with a name stays but the row that the books need.
    let user = kid.user.clone().unwrap();
    grace.send(&home, &format!("{home}/erasure"), &[("name", "Somebody Else")]).await.is(422);
    grace.send(&home, &format!("{home}/erasure"), &[("name", "Rain Kid")]).await.is(200);
    let left = app.app.db.read(move |conn| User::find(conn, &user)).await.unwrap();
    assert!(left.name == "Somebody who left" && left.handle.is_none() && left.disabled_at.is_some());
    let library = ada.get("/library").await.is(200);
    assert!(library.has("Rain on tin"));
    let number = crate::sales::http::numbers(&library).remove(0);
    let file = ada.get(&format!("/library/{number}/master")).await.is(200);
    assert!(file.bytes == music(9, 6.0), "the buyer has it again, byte for byte");
    assert!(app.visitor().get(&format!("/verify/{number}")).await.is(200).has("</svg>Valid</p>"));
    app.visitor().get(&home).await.is(410);
}

fn draws() -> Stub {
    Stub::draw().unwrap()
}

fn asking(name: &str, band: Band, next: &str) -> Asking {
    Asking {
        name: name.into(),
        email: "grace@example.com".into(),
        answer: Answer { band, next: Month::parse(next) },
        place: None,
        claim: secrets::token().unwrap(),
        link: secrets::token().unwrap(),
    }
}

async fn named(app: &TestApp, name: &str, band: Band, next: &str, now: Timestamp) -> Ward {
    let (ground, asking, stub) = (ground(app), asking(name, band, next), draws());
    app.app.db.write(move |conn| passage::ask(conn, &ground, &asking, &stub, now)).await.unwrap()
}

async fn allowed(app: &TestApp, ward: &Ward, now: Timestamp) {
    let (ground, ward, stub) = (ground(app), ward.clone(), draws());
    let word = Word { name: "Grace Field".into(), relationship: "mother".into() };
    app.app
        .db
        .write(move |conn| passage::permit(conn, &ground, &ward, &word, false, &stub, now))
        .await
        .unwrap();
}
