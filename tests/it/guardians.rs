//! Who answers for the young: asked by a letter, given by a button, proved by a receipt, gone at once.

use cuehouse::accounts::band::Hold;
use cuehouse::accounts::user::User;
use cuehouse::clock::{DAY, HOUR, Timestamp};
use cuehouse::consent::age::{Answer, Band, Month};
use cuehouse::consent::log;
use cuehouse::db::Conn;
use cuehouse::db::schema::{age_signals, permissions, users, wards};
use cuehouse::error::{Error, Result};
use cuehouse::guardians::form::Signing;
use cuehouse::guardians::knowledge::{self, Finding, Source};
use cuehouse::guardians::leaf::Stub;
use cuehouse::guardians::notice::Ground;
use cuehouse::guardians::passage::{self, Asking, Word};
use cuehouse::guardians::permission::{Method, Permission, Scope, may};
use cuehouse::guardians::state::State;
use cuehouse::guardians::ward::Ward;
use cuehouse::guardians::{growing, jobs};
use cuehouse::ids::{UserId, WardId};
use cuehouse::jobs::Priority;
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
use crate::support::browser::Browser;
use crate::support::wards::{asks, link_in, presses, signs, signs_in, ward, ward_of};
use crate::support::wavs::music;

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
        assert!(question.has("May Rain Kid have an account?") && !question.has(" checked"));
        app.visitor().head(&home).await.is(200);
    }
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
    // Now the account opens, once.
    assert!(kid.get(&page).await.has("They said yes"));
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
    let mut grace = app.visitor();
    let shown = grace.get(&home).await.is(200);
    assert!(shown.has("Rain on tin") && shown.has("$29"), "{}", shown.text());
    let export = grace.get(&format!("{home}/data.json")).await.is(200);
    let export: Value = serde_json::from_slice(&export.bytes).unwrap();
    assert_eq!(export["purchases"][0]["title"], "Rain on tin");
    assert_eq!(export["permissions"].as_array().unwrap().len(), 2);
    // Taken back: the next purchase is refused at once, the licence stays valid.
    presses(&app, &home, "/scopes/buy/ending").await.is(303);
    app.run_jobs().await;
    adds(&mut kid, &track, "business").await.is(303);
    kid.get("/checkout").await.is(403);
    assert!(kid.get("/library").await.is(200).has("Rain on tin"));
    assert!(!kid.get("/library").await.has("Revoked"));

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
    // No profile without its scope, neither seen nor written.
    app.visitor().get("/@loop-kid").await.is(404);
    let csrf = maker.get("/studio").await.csrf().unwrap();
    maker
        .post("/studio/profile", &[("csrf", &csrf), ("name", "Loop Kid"), ("about", "Loops.")])
        .await
        .is(403);
    signs_again(&app, &home, &["upload", "sell", "profile"]).await;
    assert!(app.visitor().get("/@loop-kid").await.is(200).has("Loop Kid"));
    maker
        .post("/studio/profile", &[("csrf", &csrf), ("name", "Loop Kid"), ("about", "Loops.")])
        .await
        .is(303);
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

/// The guardian signs again, with other scopes.
async fn signs_again(app: &TestApp, home: &str, scopes: &[&str]) {
    let mut fields = vec![
        ("guardian_name", "Grace Field"),
        ("relationship", "mother"),
        ("country", "DE"),
        ("liable", "yes"),
        ("signature", "Grace Field"),
    ];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let mut grace = app.visitor();
    grace.send(&format!("{home}?form=change"), &format!("{home}/form"), &fields).await.is(303);
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
    let (did, keys) = (app.app.issuer.did().to_owned(), app.app.issuer.published().to_vec());
    for bytes in [&json.bytes, &pdf.bytes] {
        let Verdict::Intact(document) = verify::check(bytes, &did, &keys) else { panic!("not intact") };
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
    assert!(matches!(verify::check(&altered, &did, &keys), Verdict::Altered));
    // The page of the shop says the same of the file.
    let page = grace.get("/verify").await.is(200);
    assert!(page.has("file"));
}

/// T-MIN-5, issue "revocation during an upload": taken back while a file is examined, or while a reviewer listens, nothing
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

/// T-MIN-5, S3-14: taken back while the payment page is open, the page closes and nothing is bought; money that came
/// before stays a sale.
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
}

/// R-MN-2, S3-16, T-PV-5: a guardian can see, download, stop and delete. An end shuts everything in that moment: sessions,
/// sounds, profile; the owner sees a notice and nothing else, and earnings wait for the guardian.
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
    let mut grace = app.visitor();
    grace.send(&home, &format!("{home}/erasure"), &[("name", "Somebody Else")]).await.is(422);
    grace.send(&home, &format!("{home}/erasure"), &[("name", "Rain Kid")]).await.is(200);
    let left = app.app.db.read(move |conn| User::find(conn, &user)).await.unwrap();
    assert!(left.name == "Somebody who left" && left.handle.is_none() && left.disabled_at.is_some());
    assert!(ada.get("/library").await.is(200).has("Rain on tin"));
    app.visitor().get(&home).await.is(410);
}

/// S3-47, R-MN-3: who is of age may show it by choice; nobody under age can, and whoever showed it and turns out to be
/// younger shows nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_age_is_shown_by_choice_and_never_of_the_young() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let mut ines = app.uploader("Ines Morrow").await;
    assert!(!app.visitor().get("/@ines-morrow").await.is(200).has("of age"));
    ines.send("/account", "/account/age", &[("shown", "on")]).await.is(303);
    assert!(app.visitor().get("/@ines-morrow").await.is(200).has("of age"));
    ines.send("/account", "/account/age", &[("shown", "off")]).await.is(303);
    assert!(!app.visitor().get("/@ines-morrow").await.is(200).has("of age"));
    let (mut kid, _) = ward(&app, "Rain Kid", &["upload", "sell", "profile"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    assert!(!kid.get("/account").await.is(200).has("/account/age"));
    kid.says("/account", "/account/age", &[("shown", "on")]).await.is(422);
    assert!(!app.visitor().get("/@rain-kid").await.is(200).has("of age"));
    // A row that came there all the same is not shown.
    let user = kid.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| {
            use cuehouse::db::schema::shown_ages;
            diesel::insert_into(shown_ages::table)
                .values((shown_ages::account.eq(&user), shown_ages::since.eq(Timestamp::now())))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    assert!(!app.visitor().get("/@rain-kid").await.is(200).has("of age"));
}

/// T-MIN-6, R-CA-8: somebody under 18 takes away what they posted, is told that they can, and nothing of it stays.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_posted_they_can_remove() {
    let app = TestApp::new().await;
    let (mut kid, _) = ward(&app, "Rain Kid", &["upload"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    let slug = draft(&app, &mut kid, "rain.wav", &music(11, 6.0)).await;
    let edit = format!("/studio/tracks/{slug}/edit");
    assert!(kid.get(&edit).await.is(200).has("You can always remove what you put here"));
    kid.send(&edit, &format!("/studio/tracks/{slug}/removal"), &[]).await.is(303);
    kid.get(&edit).await.is(404);
    let left = app.app.db.read(|conn| {
        use cuehouse::db::schema::{recordings, uploads};
        let rows: i64 = recordings::table.count().get_result(conn)?;
        Ok(rows + uploads::table.count().get_result::<i64>(conn)?)
    });
    assert_eq!(left.await.unwrap(), 0);
}

/// R-PV-1, T-PV-4: selling waits for more than a letter: a form on paper that two of the staff looked at, never one alone;
/// or a card whose payment is given back at once, and a forged message proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn selling_waits_for_a_proof_that_a_letter_is_not() {
    let app = TestApp::new().await;
    let (kid, home) = ward(&app, "Rain Kid", &["upload", "sell"]).await;
    let sells = |app: &TestApp, kid: &Browser| {
        let (db, user) = (app.app.db.clone(), kid.user.clone().unwrap());
        async move { db.read(move |conn| may(conn, &user, Scope::Sell, Timestamp::now())).await.unwrap() }
    };
    assert!(!sells(&app, &kid).await);
    let page = app.visitor().get(&home).await.is(200);
    assert!(page.has("waits for a proof"));
    let text = page.text();
    let code = text.split("code ").nth(1).unwrap()[..8].to_owned();
    let (mut rae, mut ada) = (app.reviewer().await, app.admin().await);
    let desk = rae.get("/admin/age").await.is(200);
    assert!(desk.has(&code) && desk.has("Grace Field"));
    let look = desk.text().split("action=\"").find_map(|rest| {
        let action = rest.split('"').next()?.replace("&#x2F;", "/");
        action.ends_with("/look").then_some(action)
    });
    let look = look.unwrap();
    rae.send("/admin/age", &look, &[("code", "00000000")]).await.is(422);
    rae.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    assert!(!sells(&app, &kid).await, "one is not enough");
    rae.says("/admin/age", &look, &[("code", &code)]).await.is(422);
    let before = leaves(&app).await;
    ada.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    assert_eq!(leaves(&app).await, before + 1);
    assert!(sells(&app, &kid).await);

    // The other way: by card.
    let (other, home) = ward(&app, "Loop Kid", &["upload", "sell"]).await;
    let mut grace = app.visitor();
    let pay = grace.send(&home, &format!("{home}/card"), &[]).await.is(303).location().to_owned();
    assert!(pay.starts_with(&app.stripe.url));
    // A message that Stripe did not sign proves nothing.
    let forged = r#"{"id":"evt_1","object":"event","type":"checkout.session.completed","created":1}"#;
    let seen = grace
        .post_raw("/stripe/webhook", "application/json", forged.into(), &[("stripe-signature", "t=1,v1=00")])
        .await;
    assert_ne!(seen.status, 200);
    assert!(!sells(&app, &other).await);
    let back = pays(&app, &mut grace, &pay).await;
    assert_eq!(back, home);
    assert!(app.stripe.settled(std::time::Duration::from_secs(20)).await);
    app.run_jobs().await;
    assert!(sells(&app, &other).await);
    let refunded = app.app.db.read(|conn| {
        use cuehouse::db::schema::verifications;
        let all = verifications::table.filter(verifications::method.eq(Method::CardTransaction));
        Ok(all
            .select((verifications::payment, verifications::refunded_at))
            .load::<(Option<String>, Option<Timestamp>)>(conn)?)
    });
    let refunded = refunded.await.unwrap();
    assert!(refunded.len() == 1 && refunded[0].0.is_some() && refunded[0].1.is_some(), "{refunded:?}");
}

/// R-PV-3, R-PV-4, R-PV-8, T-PV-3: a child's parent is asked two questions; the second is off, needed for nothing, and waits
/// for more than a letter. A child buys, sells and shows nothing. In child mode nobody is asked about vendors before the
/// screen, and no vendor runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_is_asked_two_questions() {
    let app =
        TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")])
            .await;
    let front = app.visitor().get("/").await.is(200);
    assert!(!front.has("data-consent-banner") && !front.has("data-vendor"));
    app.visitor().says("/", "/privacy/choices", &[("choice", "accept")]).await.is(422);
    let (mut kid, page) = asks(&app, 9, "Star Kid", "mother@example.com").await;
    assert!(kid.get(&page).await.is(200).has("We asked them"));
    let home = link_in(&app, "mother@example.com", "/guardians/");
    let mut mother = app.visitor();
    let question = mother.get(&home).await.is(200);
    assert!(question.has("name=\"publication\"") && !question.has(" checked"));
    assert!(!question.has("Minor Authorization"));
    let yes = [
        ("choice", "yes"),
        ("guardian_name", "Mother Star"),
        ("relationship", "mother"),
        ("liable", "yes"),
        ("publication", "yes"),
    ];
    mother.send(&home, &format!("{home}/answer"), &yes).await.is(303);
    app.run_jobs().await;
    let email = email_of("Star Kid");
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    kid.send(&page, &format!("{page}/account"), &fields).await.is(303);
    app.run_jobs().await;
    let confirm = link_in(&app, &email, "/confirm/");
    kid.get(&confirm).await.is(303);
    kid.send("/sign-in", "/sign-in", &fields).await.is(303);
    let id = email.clone();
    kid.user = app.app.db.read(move |conn| Ok(User::by_email(conn, &id)?.map(|u| u.id))).await.unwrap();
    assert_eq!(state_of(&app, &kid).await, Some(State::Internal));
    let user = kid.user.clone().unwrap();
    let allowed = |scope: Scope| {
        let (db, user) = (app.app.db.clone(), user.clone());
        async move { db.read(move |conn| may(conn, &user, scope, Timestamp::now())).await.unwrap() }
    };
    assert!(allowed(Scope::Account).await);
    for scope in [Scope::Publication, Scope::Buy, Scope::Upload, Scope::Sell, Scope::Profile, Scope::Messages]
    {
        assert!(!allowed(scope).await, "{scope}");
    }
    for path in ["/", "/account", "/privacy/choices"] {
        let page = kid.get(path).await.is(200);
        assert!(!page.has("data-vendor") && !page.has("data-consent-banner"), "{path}");
    }
    // Two of the staff see her signature: the second question counts now, and no other.
    let text = mother.get(&home).await.is(200).text();
    let code = text.split("code ").nth(1).unwrap()[..8].to_owned();
    let (mut rae, mut ada) = (app.reviewer().await, app.admin().await);
    let desk = rae.get("/admin/age").await.is(200).text().replace("&#x2F;", "/");
    let look = desk.split("action=\"").filter_map(|r| r.split('"').next()).find(|a| a.ends_with("/look"));
    let look = look.unwrap().to_owned();
    rae.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    ada.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    assert_eq!(state_of(&app, &kid).await, Some(State::Disclosing));
    assert!(allowed(Scope::Publication).await && !allowed(Scope::Sell).await && !allowed(Scope::Buy).await);
    // Taken back, it is gone in that moment, and the account stays.
    presses(&app, &home, "/scopes/publication/ending").await.is(303);
    assert!(!allowed(Scope::Publication).await && allowed(Scope::Account).await);
}

/// R-RT-3: a report freezes in its own request; of somebody whom the staff found to be of age it freezes nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_freezes_an_account_until_the_staff_looked() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let (mut ada, mut rae) = (app.buyer("Ada Field").await, app.reviewer().await);
    let report = "/reports/age/@ines-morrow";
    app.visitor().get(report).await.is(303);
    ada.send(report, report, &[]).await.is(422);
    ada.send(report, report, &[("age", "child")]).await.is(303);
    assert_eq!(ines.get("/account").await.is(303).location(), "/held");
    app.visitor().get("/@ines-morrow").await.is(404);
    let settle = format!("/admin/age/accounts/{}/finding", ines.user.clone().unwrap());
    assert!(rae.get("/admin/age").await.is(200).has("Ines Morrow"));
    rae.says("/admin/age", &settle, &[("finding", "adult")]).await.is(303);
    ines.get("/account").await.is(200);
    ada.send(report, report, &[("age", "child")]).await.is(303);
    ines.get("/account").await.is(200);
    assert!(rae.get("/admin/age").await.is(200).has("A report says"));
    // The staff know better: a flag of theirs counts.
    rae.send(
        "/admin/age",
        "/admin/age/flags",
        &[("account", "@ines-morrow"), ("age", "child"), ("from", "staff")],
    )
    .await
    .is(303);
    assert_eq!(ines.get("/account").await.is(303).location(), "/held");
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

/// T-TIME-4, R-PV-5: without an answer both contacts are gone after fourteen days and not a millisecond before, the name is
/// free again, and one leaf tells of it. T-TIME-4: the second letter goes out after a day, once, with a link that revokes.
#[tokio::test(flavor = "multi_thread")]
async fn timers_are_rows_and_end_to_the_millisecond() {
    let app = TestApp::new().await;
    let now = Timestamp::now();
    let ward = named(&app, "Rain Kid", Band::Minor, "2030-01", now).await;
    let due = now.plus(14 * DAY);
    let lapse = |at: Timestamp| {
        let (ground, id, stub) = (ground(&app), ward.id.clone(), draws());
        let db = app.app.db.clone();
        async move { db.write(move |conn| passage::lapse(conn, &ground, &id, &stub, at)).await.unwrap() }
    };
    assert!(!lapse(due.plus(-1)).await);
    assert_eq!(leaves(&app).await, 1);
    assert!(lapse(due).await);
    assert!(!lapse(due).await, "twice is once");
    assert_eq!(leaves(&app).await, 2);
    assert!(app.app.db.read(|conn| Ok(wards::table.count().get_result::<i64>(conn)?)).await.unwrap() == 0);
    let again = named(&app, "Rain Kid", Band::Minor, "2030-01", due).await;
    allowed(&app, &again, due).await;
    // An answer stops the timer.
    jobs::daily(&app.app, due.plus(20 * DAY)).await.unwrap();
    let id = again.id.clone();
    assert_eq!(app.app.db.read(move |conn| Ward::find(conn, &id)).await.unwrap().state, State::General);
    sends(&app).await;
    let sent = app.letters_to("grace@example.com").len();
    for (at, more) in [(due.plus(23 * HOUR), 0), (due.plus(24 * HOUR), 1), (due.plus(25 * HOUR), 1)] {
        let (ground, id, token) = (ground(&app), again.id.clone(), secrets::token().unwrap());
        app.app.db.write(move |conn| passage::confirm(conn, &ground, &id, &token, at)).await.unwrap();
        sends(&app).await;
        assert_eq!(app.letters_to("grace@example.com").len(), sent + more);
    }
    let letter = app.letters_to("grace@example.com").pop().unwrap();
    assert!(letter.text.contains("takes everything back"), "{}", letter.text);
    // Yearly, once.
    jobs::daily(&app.app, due.plus(366 * DAY)).await.unwrap();
    jobs::daily(&app.app, due.plus(367 * DAY)).await.unwrap();
    sends(&app).await;
    assert_eq!(app.letters_to("grace@example.com").len(), sent + 2);
    // The link of that letter opens one button, and no data.
    let revoke = link_in(&app, "grace@example.com", "/guardians/");
    let page = app.visitor().get(&revoke).await.is(200);
    assert!(page.has("Take everything back now") && !page.has("What is held"));
    app.visitor().get(&format!("{revoke}/data.json")).await.is(404);
}

/// T-TIME-3, R-MN-5: at the first moment of the month after the birthday's the band moves; nothing switches on by itself,
/// what was allowed ends, both are told, and whoever is of age goes on alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_band_moves_with_the_month_and_nothing_switches_on_by_itself() {
    let app = TestApp::new().await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy", "upload"]).await;
    let found = ward_of(&app, &kid).await.unwrap();
    let begins = Month::parse(found.next_band_month.as_deref().unwrap()).unwrap().begins();
    jobs::daily(&app.app, begins.plus(-1)).await.unwrap();
    assert_ne!(state_of(&app, &kid).await, Some(State::AgedUp));
    let before = leaves(&app).await;
    jobs::daily(&app.app, begins).await.unwrap();
    jobs::daily(&app.app, begins.plus(1)).await.unwrap();
    assert_eq!(leaves(&app).await, before + 1, "edge 19, once");
    sends(&app).await;
    let (own, hers) = (email_of("Rain Kid"), format!("guardian-of-{}", email_of("Rain Kid")));
    for email in [&own, &hers] {
        assert!(app.letters_to(email).iter().any(|l| l.text.contains("of age")), "{email}");
    }
    let moved = ward_of(&app, &kid).await.unwrap();
    assert_eq!((moved.band, moved.next_band_month), (Band::Adult, None));
    for scope in [Scope::Buy, Scope::Upload] {
        let user = kid.user.clone().unwrap();
        assert!(!app.app.db.read(move |conn| may(conn, &user, scope, begins)).await.unwrap());
    }
    assert_eq!(kid.get("/account").await.is(303).location(), "/held");
    kid.send("/held", "/held/anew", &[]).await.is(422);
    kid.send("/held", "/held/anew", &[("terms", "yes")]).await.is(303);
    kid.get("/account").await.is(200);
    assert_eq!(
        ward_of(&app, &kid).await.map(|w| w.id),
        None,
        "the guardian's link ended with the record of them"
    );
    app.visitor().get(&home).await.is(410);
}

/// R-MN-5: signing in notices that a band is over before the daily round does.
#[tokio::test(flavor = "multi_thread")]
async fn signing_in_moves_a_band_whose_time_is_over() {
    let app = TestApp::new().await;
    let (kid, _) = ward(&app, "Rain Kid", &["buy"]).await;
    app.app
        .db
        .write(|conn| {
            diesel::update(wards::table).set(wards::next_band_month.eq("2026-01")).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    let email = email_of("Rain Kid");
    let mut again = app.visitor();
    again.send("/sign-in", "/sign-in", &[("email", email.as_str()), ("password", PASSWORD)]).await.is(303);
    assert_eq!(again.get("/account").await.is(303).location(), "/held");
    assert_eq!(state_of(&app, &kid).await, Some(State::AgedUp));
}

/// T-AGE-11, R-RT-3: discovered by its own words, by the staff or by a report, an account is frozen in that very request:
/// one leaf, no vendor, a notice and nothing else; in fourteen days it is gone, unless a guardian or the staff say otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_too_young_is_frozen_in_the_same_request() {
    let app = TestApp::new().await;
    let mut kid = app.uploader("Secret Kid").await;
    let fields = [("name", "Secret Kid"), ("about", "Hi, I'm 12 and I make beats.")];
    assert_eq!(kid.send("/studio/profile", "/studio/profile", &fields).await.is(303).location(), "/held");
    assert_eq!(leaves(&app).await, 1);
    assert_eq!(state_of(&app, &kid).await, Some(State::Discovered));
    assert_eq!(kid.get("/").await.is(303).location(), "/held");
    let user = kid.user.clone().unwrap();
    let kept = app
        .app
        .db
        .read({
            let user = user.clone();
            move |conn| User::find(conn, &user)
        })
        .await
        .unwrap();
    assert!(!kept.about.contains("12") && kept.hold == Some(Hold::Discovered) && kept.band == Band::Child);
    // Of thirteen to seventeen: a doubt.
    let mut teen = app.uploader("Secret Teen").await;
    let fields = [("name", "Secret Teen"), ("about", "I am 16 years old.")];
    assert_eq!(teen.send("/studio/profile", "/studio/profile", &fields).await.is(303).location(), "/held");
    assert_eq!(state_of(&app, &teen).await, Some(State::Conflict));
    // They name somebody, who says yes: the account opens again.
    teen.send("/held", "/held/guardian", &[("guardian_email", "grace@example.com")]).await.is(303);
    app.run_jobs().await;
    assert!(teen.get("/held").await.is(200).has("We wrote to the person you named"));
    signs(&app, "grace@example.com", &["upload"]).await;
    teen.get("/studio").await.is(200);
    assert_eq!(state_of(&app, &teen).await, Some(State::Authorised));
    // Whoever is of age and writes so is left alone.
    let mut grown = app.uploader("Grown Up").await;
    let fields = [("name", "Grown Up"), ("about", "I have made music for 12 years, and I'm 34.")];
    assert_eq!(
        grown.send("/studio/profile", "/studio/profile", &fields).await.is(303).location(),
        "/studio/profile"
    );
    // Nobody comes for the first: it is gone in fourteen days.
    let at = Timestamp::now().plus(15 * DAY);
    jobs::daily(&app.app, at).await.unwrap();
    let gone = app.app.db.read(move |conn| Ok(User::find(conn, &user).is_err())).await.unwrap();
    assert!(gone, "the account is deleted");
}

/// R-RT-3, T-AGE-9: the staff settle it, and whom they once found to be of age no stranger's report freezes again.
#[tokio::test(flavor = "multi_thread")]
async fn the_staff_settle_what_was_said_of_an_age() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let rae = app.reviewer().await;
    let (user, by) = (ines.user.clone().unwrap(), rae.user.clone().unwrap());
    let (g, stub) = (ground(&app), draws());
    let frozen = app.app.db.write({
        let (user, by) = (user.clone(), by.clone());
        move |conn| {
            let sign = (Source::Staff, Band::Child);
            knowledge::freeze(conn, &g, &user, sign, Some(&by), &stub, Timestamp::now())
        }
    });
    assert!(frozen.await.unwrap());
    let (g, stub) = (ground(&app), draws());
    let settled = app.app.db.write({
        let user = user.clone();
        move |conn| knowledge::settle(conn, &g, &user, Finding::Adult, &by, &stub, Timestamp::now())
    });
    settled.await.unwrap();
    let (kept, cleared, open) = app
        .app
        .db
        .read(move |conn| {
            let open = age_signals::table.filter(age_signals::settled_at.is_null()).count();
            Ok((
                User::find(conn, &user)?,
                knowledge::was_cleared(conn, &user)?,
                open.get_result::<i64>(conn)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((kept.band, kept.hold, cleared, open), (Band::Adult, None, true, 0));
}

/// T-MIN-3, T-MIN-4, R-MN-3, R-EN-5: with every yes forced into the account's row, no page of a ward names a vendor in its
/// tags or its headers, and nobody asks.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_a_ward_lets_anybody_be_contacted() {
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=1234567:abcdef")]).await;
    let mut ada = app.buyer("Ada Field").await;
    ada.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    assert!(ada.get("/").await.has("data-vendor"), "the control: of age, they are contacted");
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy"]).await;
    let (from, to) = (ada.user.clone().unwrap(), kid.user.clone().unwrap());
    app.app
        .db
        .write(move |conn| {
            let own = cuehouse::consent::account::of(conn, &from, Timestamp::now())?.choices.unwrap();
            cuehouse::consent::account::keep(conn, &to, &own, Timestamp::now())
        })
        .await
        .unwrap();
    kid.set_cookie("cs", ada.cookie("cs").unwrap());
    let mut grace = app.visitor();
    let pages =
        ["/", "/search", "/account", "/library", "/cart", "/privacy", "/privacy/choices", "/licences"];
    for path in pages {
        let page = kid.get(path).await.is(200);
        assert!(!page.has("data-vendor") && !page.has("data-consent-banner"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(!policy.contains("google") && !policy.contains("statcounter"), "{path}: {policy}");
    }
    kid.says("/account", "/privacy/choices", &[("choice", "accept")]).await.is(422);
    // Nor is a letter to the guardian measured, nor their page.
    let page = grace.get(&home).await.is(200);
    assert!(!page.has("data-vendor"));
}

#[derive(Clone, Debug)]
enum Op {
    Ask(Band),
    Permit(bool),
    Decline,
    Sign(Vec<Scope>),
    Prove(Method),
    Revoke(Option<Scope>),
    Lapse,
    Open,
    Freeze(Band),
    Settle(Finding),
    Grow,
    Wait(i64),
}

fn any_op() -> impl Strategy<Value = Op> {
    let scopes = || prop::sample::subsequence(Scope::OF_MINORS.to_vec(), 1..=4);
    let young = || prop_oneof![Just(Band::Child), Just(Band::Minor)];
    prop_oneof![
        2 => young().prop_map(Op::Ask),
        3 => any::<bool>().prop_map(Op::Permit),
        1 => Just(Op::Decline),
        3 => scopes().prop_map(Op::Sign),
        3 => prop::sample::select(Method::ALL.to_vec()).prop_map(Op::Prove),
        3 => prop::option::of(prop::sample::select(Scope::ALL.to_vec())).prop_map(Op::Revoke),
        1 => Just(Op::Lapse),
        3 => Just(Op::Open),
        1 => young().prop_map(Op::Freeze),
        1 => prop_oneof![Just(Op::Settle(Finding::Adult)), Just(Op::Settle(Finding::Young))],
        1 => Just(Op::Grow),
        2 => (1..400i64).prop_map(Op::Wait),
    ]
}

/// One step; whether it took an edge.
fn step(conn: &mut Conn, app: &Walk, op: &Op, stub: &Stub, now: Timestamp) -> Result<bool> {
    let ground = &app.ground;
    let ward: Option<Ward> =
        wards::table.order(wards::id.desc()).select(Ward::as_select()).first(conn).optional()?;
    let Some(ward) = ward else {
        let Op::Ask(band) = op else { return Ok(false) };
        let next = if *band == Band::Child { "2029-05" } else { "2031-02" };
        let name = format!("Kid {}", now.0);
        return passage::ask(conn, ground, &asking(&name, *band, next), stub, now).map(|_| true);
    };
    let word = Word { name: "Grace Field".into(), relationship: "mother".into() };
    match op {
        Op::Ask(_) | Op::Wait(_) => Ok(false),
        Op::Permit(disclose) => {
            let disclose = *disclose && ward.band == Band::Child;
            passage::permit(conn, ground, &ward, &word, disclose, stub, now).map(|()| true)
        }
        Op::Decline => passage::decline(conn, ground, &ward, stub, now).map(|()| true),
        Op::Sign(scopes) => {
            if ward.band != Band::Minor {
                return Ok(false);
            }
            let signing = Signing {
                name: "Grace Field".into(),
                relationship: "mother".into(),
                phone: String::new(),
                country: "DE".into(),
                scopes: scopes.clone(),
                signature: "Grace Field".into(),
            };
            passage::authorise(conn, ground, &app.issuer, &ward, &signing, stub, now).map(|_| true)
        }
        Op::Prove(method) => passage::prove(conn, ground, &ward, *method, stub, now).map(|s| !s.is_empty()),
        Op::Revoke(scope) => passage::revoke(conn, ground, &ward, *scope, stub, now),
        Op::Lapse => passage::lapse(conn, ground, &ward.id, stub, now),
        Op::Open => {
            let new = cuehouse::accounts::joining::Newcomer {
                email: format!("{}@example.com", ward.handle),
                name: ward.name.clone(),
                password_hash: "none".into(),
                token: secrets::token()?,
                site_url: "https://shop.example".into(),
            };
            passage::open_account(conn, &ward, &new, now).map(|_| false)
        }
        Op::Freeze(band) => match &ward.account {
            Some(user) => knowledge::freeze(conn, ground, user, (Source::Staff, *band), None, stub, now),
            None => Ok(false),
        },
        Op::Settle(finding) => match &ward.account {
            Some(user) => knowledge::settle(conn, ground, user, *finding, user, stub, now).map(|()| true),
            None => Ok(false),
        },
        Op::Grow => growing::grow(conn, ground, &ward.id, stub, now),
    }
}

#[derive(Clone)]
struct Walk {
    ground: Ground,
    issuer: cuehouse::proof::Issuer,
}

/// T-AGE-2: random walks over the table. Every edge from the seventh on has exactly one leaf, and what took none has none;
/// no child's permission to be heard by others rests on a letter; whoever is under age, found out or ended is under age or
/// held back in their account's row; nothing is kept in a state that is not to be kept; no row holds a date of birth.
#[tokio::test(flavor = "multi_thread")]
async fn random_walks_keep_what_must_be_true() {
    let app = TestApp::new().await;
    let walk = Walk { ground: ground(&app), issuer: app.app.issuer.clone() };
    let mut runner = TestRunner::new(Runs { failure_persistence: None, ..Runs::default() });
    let mut now = Timestamp::now();
    for _ in 0..24 {
        let ops = prop::collection::vec(any_op(), 14).new_tree(&mut runner).unwrap().current();
        let mut so_far = vec![];
        for op in ops {
            so_far.push(op.clone());
            now = now.plus(if let Op::Wait(days) = op { days * DAY } else { 1_000 });
            let before = leaves(&app).await;
            let (walk, stub, done) = (walk.clone(), draws(), op.clone());
            let taken = app.app.db.write(move |conn| step(conn, &walk, &done, &stub, now)).await;
            let taken = match taken {
                Ok(taken) => taken,
                Err(Error::Conflict(_) | Error::NotFound | Error::Refused(_)) => false,
                // A letter cannot prove enough: refused as a fault of whoever called it.
                Err(Error::Internal(_)) if matches!(op, Op::Prove(m) if !m.unlocks_disclosure()) => false,
                Err(error) => panic!("{error} after {so_far:?}"),
            };
            assert_eq!(leaves(&app).await, before + u64::from(taken), "{so_far:?}");
            holds(&app, now, &so_far).await;
        }
        // The next walk begins with nobody.
        app.app.db.write(|conn| Ok(diesel::delete(wards::table).execute(conn)?)).await.unwrap();
    }
}

async fn holds(app: &TestApp, now: Timestamp, so_far: &[Op]) {
    type Row = (WardId, State, Band, Option<UserId>);
    let (all, open, owners): (Vec<Row>, Vec<Permission>, Vec<(UserId, Band, Option<Hold>)>) = app
        .app
        .db
        .read(move |conn| {
            Ok((
                wards::table
                    .select((wards::id, wards::state, wards::band, wards::account))
                    .load::<Row>(conn)?,
                permissions::table.select(Permission::as_select()).load(conn)?,
                users::table.select((users::id, users::band, users::hold)).load(conn)?,
            ))
        })
        .await
        .unwrap();
    for (id, state, band, account) in &all {
        assert!(state.is_kept(), "{state} after {so_far:?}");
        let mine: Vec<&Permission> = open.iter().filter(|p| p.ward == *id && p.holds(now)).collect();
        for permission in mine.iter().filter(|p| p.scope == Scope::Publication) {
            assert!(permission.method.is_some_and(Method::unlocks_disclosure), "{so_far:?}");
        }
        if matches!(state, State::Ended | State::ChildEnded | State::Discovered | State::Conflict) {
            assert!(mine.is_empty(), "{state} holds {mine:?} after {so_far:?}");
        }
        if *state == State::Disclosing {
            assert!(*band == Band::Child, "{so_far:?}");
        }
        if let Some((_, known, hold)) =
            account.as_ref().and_then(|user| owners.iter().find(|(id, ..)| id == user))
        {
            assert_eq!(known, band, "{state} after {so_far:?}");
            assert!(*known < Band::Adult || hold.is_some(), "{state} after {so_far:?}");
            let shut = matches!(state, State::Pending | State::Waiting);
            assert_eq!(hold.is_some(), shut || state.hold().is_some(), "{state} after {so_far:?}");
        }
    }
}
