//! What a session opens, and what ends it.

use cuehouse::clock::{DAY, HOUR, Timestamp};
use cuehouse::db::schema::{mail_tokens, sessions};
use diesel::prelude::*;

use super::{is_signed_in, link, newest_letter, signs_in};
use crate::support::app::{PASSWORD, TestApp, email_of};

/// S3-45, S1-10, S1-35: sign out, sign out everywhere, end of idle sessions; an old cookie fails. Where an account is
/// open stands on its page, and the nightly round forgets what ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_cookie_fails() {
    let app = TestApp::new().await;
    app.person("Ines", &[]).await;
    let email = email_of("Ines");
    let mut at_home = app.visitor();
    signs_in(&mut at_home, &email, PASSWORD).await.is(303);
    let mut kept = at_home.window();
    at_home.send("/account", "/sign-out", &[]).await.is(303);
    assert!(at_home.cookie("session").is_none());
    assert!(!is_signed_in(&mut kept).await);

    let mut all = vec![app.visitor(), app.visitor(), app.visitor()];
    for browser in &mut all {
        signs_in(browser, &email, PASSWORD).await.is(303);
    }
    let page = all[0].get("/account").await.is(200);
    assert_eq!(page.text().matches("Another browser").count(), 3, "the account's own, and two");
    // One by one.
    let ending = page.text();
    let ending = ending.split("Another browser").nth(1).unwrap();
    let ending = ending.split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    all[0].send("/account", &ending, &[]).await.is(303);
    let mut live = 0;
    for browser in &mut all {
        live += i32::from(is_signed_in(browser).await);
    }
    assert_eq!(live, 2, "the newest other one is out");
    // Everywhere.
    all[0].send("/account", "/sign-out/everywhere", &[]).await.is(303);
    for browser in &mut all {
        assert!(!is_signed_in(browser).await);
    }
    // Idle.
    signs_in(&mut all[0], &email, PASSWORD).await.is(303);
    assert!(is_signed_in(&mut all[0]).await);
    let long_ago = Timestamp::now().plus(-15 * DAY);
    app.app
        .db
        .write(move |conn| {
            Ok(diesel::update(sessions::table).set(sessions::seen_at.eq(long_ago)).execute(conn)?)
        })
        .await
        .unwrap();
    assert!(!is_signed_in(&mut all[0]).await);
    let rows = async || {
        let count = app.app.db.read(|conn| Ok(sessions::table.count().get_result::<i64>(conn)?));
        count.await.unwrap()
    };
    assert!(rows().await > 0);
    cuehouse::jobs::calendar::round(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!(rows().await, 0, "nothing of them is kept");
    // Nobody ends somebody else's.
    let mut other = app.buyer("Other").await;
    other.send("/account", "/account/shortcuts", &[("shortcuts", "off")]).await.is(303);
    let csrf = other.get("/account").await.csrf().unwrap();
    let theirs = other.post(&ending, &[("csrf", &csrf)]).await;
    theirs.is(404);
}

/// A token that was in the browser before signing in is worth nothing afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_token_cannot_be_fixed_beforehand() {
    let app = TestApp::new().await;
    app.person("Ines", &[]).await;
    let mut thief = app.buyer("Thief").await;
    for planted in ["made-up-by-somebody-else".to_owned(), thief.cookie("session").unwrap().to_owned()] {
        let mut browser = app.visitor();
        browser.get("/sign-in").await;
        let (email, planted) = (email_of("Ines"), planted.as_str());
        let page = browser.get("/sign-in").await.is(200);
        let csrf = page.csrf().unwrap();
        browser.set_cookie("session", planted);
        // The form is bound to what the browser held when it was made, so it is refused with the planted cookie …
        browser.post("/sign-in", &[("csrf", &csrf), ("email", &email), ("password", PASSWORD)]).await.is(403);
        browser.set_cookie("session", "gone");
        signs_in(&mut browser, &email, PASSWORD).await.is(303);
        assert_ne!(browser.cookie("session"), Some(planted));
        assert!(is_signed_in(&mut browser).await);
        let mut holder = app.visitor();
        holder.set_cookie("session", planted);
        // … and what was planted does not become Ines's session.
        assert!(!holder.get("/account").await.has(&email));
    }
    assert!(is_signed_in(&mut thief).await);
}

/// S4-11: old sessions die when the password changes, and its owner is told; what everybody tries first is not taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_every_other_session() {
    let app = TestApp::new().await;
    app.person("Ines", &[]).await;
    let email = email_of("Ines");
    let (mut here, mut there) = (app.visitor(), app.visitor());
    signs_in(&mut here, &email, PASSWORD).await.is(303);
    signs_in(&mut there, &email, PASSWORD).await.is(303);
    let before = here.window();
    let change = |old: &'static str, new: &'static str| [("password", old), ("new_password", new)];
    let path = "/account/password";
    here.send(path, path, &change("not mine", "a new long secret")).await.is(422);
    for weak in ["short", "Password1234", "Sunshine-2026"] {
        here.send(path, path, &change(PASSWORD, weak)).await.is(422);
    }
    assert!(is_signed_in(&mut there).await);
    here.send(path, path, &change(PASSWORD, "a new long secret")).await.is(303);
    assert!(is_signed_in(&mut here).await);
    assert!(!is_signed_in(&mut there).await);
    assert!(!is_signed_in(&mut before.window()).await, "this browser has another token, too");
    assert_eq!(newest_letter(&app, &email).await.subject, "Your password was changed");
    signs_in(&mut there, &email, PASSWORD).await.is(422);
    signs_in(&mut there, &email, "a new long secret").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once() {
    let app = TestApp::new().await;
    let email = email_of("Ines");
    let mut signed_in = app.person("Ines", &[]).await;
    let mut browser = app.visitor();
    browser.send("/sign-in", "/sign-in", &[("email", &email), ("password", "I forgot it")]).await.is(422);
    browser.send("/account/reset", "/account/reset", &[("email", &email)]).await.is(303);
    let reset = link(&app, &newest_letter(&app, &email).await, "/reset/");
    // Mail programs look at links; looking uses nothing up, and the page tells nobody where it is.
    for _ in 0..2 {
        let seen = browser.get(&reset).await.is(200);
        assert_eq!(seen.header("referrer-policy"), Some("no-referrer"));
    }
    browser.head(&reset).await.is(200);
    browser.send(&reset, &reset, &[("password", "short")]).await.is(422);
    assert!(is_signed_in(&mut signed_in).await);
    let seen = browser.send(&reset, &reset, &[("password", "a new long secret")]).await;
    assert_eq!(seen.is(303).location(), "/sign-in");
    assert!(!is_signed_in(&mut signed_in).await);
    browser.get(&reset).await.is(410);
    let csrf = browser.get("/sign-in").await.csrf().unwrap();
    browser.post(&reset, &[("csrf", &csrf), ("password", "yet another secret")]).await.is(410);
    signs_in(&mut browser, &email, PASSWORD).await.is(422);
    signs_in(&mut browser, &email, "a new long secret").await.is(303);
    // An hour, no longer.
    browser.send("/account/reset", "/account/reset", &[("email", &email)]).await.is(303);
    let late = link(&app, &newest_letter(&app, &email).await, "/reset/");
    app.app
        .db
        .write(|conn| {
            let left: Vec<Timestamp> = mail_tokens::table
                .filter(mail_tokens::used_at.is_null())
                .select(mail_tokens::expires_at)
                .load(conn)?;
            assert!(left.iter().all(|at| at.since(Timestamp::now()) <= HOUR));
            let gone = Timestamp::now().plus(-1);
            Ok(diesel::update(mail_tokens::table).set(mail_tokens::expires_at.eq(gone)).execute(conn)?)
        })
        .await
        .unwrap();
    browser.get(&late).await.is(410);
}
