//! The whole life of an account, and what nobody may do with somebody else's.

mod sessions;
mod strangers;

use std::time::{Duration, Instant};

use cuehouse::accounts::shell;
use cuehouse::accounts::user::{Role, User};
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::db::schema::{mail_tokens, users};
use cuehouse::mail::Letter;
use diesel::prelude::*;
use rocket::http::Method;

use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::browser::{Browser, Seen};

/// A browser in which the age screen was answered by an adult.
async fn adult(app: &TestApp) -> Browser {
    let mut browser = app.visitor();
    let answered = browser.send("/sign-up", "/age", &[("birth_year", "1990"), ("birth_month", "4")]).await;
    assert_eq!(answered.is(303).location(), "/sign-up");
    browser
}

pub async fn signs_up(app: &TestApp, name: &str, email: &str) -> (Browser, Seen) {
    let mut browser = adult(app).await;
    let fields = [("name", name), ("email", email), ("password", PASSWORD)];
    let seen = browser.send("/sign-up", "/sign-up", &fields).await;
    (browser, seen)
}

pub async fn signs_in(browser: &mut Browser, email: &str, password: &str) -> Seen {
    browser.send("/sign-in", "/sign-in", &[("email", email), ("password", password)]).await
}

/// Works the queue until it is empty, and gives the newest letter to an address.
pub async fn newest_letter(app: &TestApp, email: &str) -> Letter {
    app.run_jobs().await;
    app.letters_to(email).pop().unwrap_or_else(|| panic!("no letter to {email}"))
}

/// The address of ours that a letter names, without the site.
pub fn link(app: &TestApp, letter: &Letter, begins: &str) -> String {
    let whole = format!("{}{begins}", app.app.config.site_url);
    let line = letter.text.lines().find(|line| line.starts_with(&whole));
    line.unwrap_or_else(|| panic!("no link to {begins} in {}", letter.text)).trim()
        [app.app.config.site_url.len()..]
        .to_owned()
}

async fn find(app: &TestApp, email: &str) -> Option<User> {
    let email = email.to_owned();
    app.app.db.read(move |conn| User::by_email(conn, &email)).await.unwrap()
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    let seen = browser.get("/account").await;
    assert!(matches!(seen.status, 200 | 303), "{}", seen.text());
    seen.status == 200
}

/// S3-05, S3-30: registration by e-mail and password; the mailed link expires and works once.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_joins_confirms_and_signs_in() {
    let app = TestApp::new().await;
    let (mut browser, seen) = signs_up(&app, "Inés Morrow", "Ines@Example.com").await;
    assert_eq!(seen.is(303).location(), "/sign-up/letter");
    browser.get("/sign-up/letter").await.is(200);
    let user = find(&app, "ines@example.com").await.unwrap();
    assert_eq!((user.email.as_str(), user.name.as_str()), ("Ines@Example.com", "Inés Morrow"));
    assert_eq!(user.handle.as_ref().map(|h| h.as_str()), Some("ines-morrow"));
    assert!(user.password_hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(user.confirmed_at.is_none());

    let letter = newest_letter(&app, "Ines@Example.com").await;
    assert_eq!(letter.subject, "Confirm your address");
    let confirm = link(&app, &letter, "/confirm/");
    assert_eq!(browser.get(&confirm).await.is(303).location(), "/sign-in");
    assert!(find(&app, "ines@example.com").await.unwrap().confirmed_at.is_some());
    assert!(browser.open("/sign-in").await.has("Your address is confirmed."));
    browser.get(&confirm).await.is(410);

    let seen = signs_in(&mut browser, "INES@example.com", PASSWORD).await;
    assert_eq!(seen.is(303).location(), "/");
    let account = browser.get("/account").await.is(200);
    assert!(account.has("Ines@Example.com") && account.has("This browser"));
    // Who is signed in is not asked to sign up or in again.
    assert_eq!(browser.get("/sign-up").await.is(303).location(), "/account");
    assert_eq!(browser.get("/sign-in?next=/cart").await.is(303).location(), "/cart");
}

/// S3-30: links expire, and only the newest works.
#[tokio::test(flavor = "multi_thread")]
async fn links_end_with_time_and_with_the_next_letter() {
    let app = TestApp::new().await;
    let (mut browser, _) = signs_up(&app, "Ines", "ines@example.com").await;
    let first = link(&app, &newest_letter(&app, "ines@example.com").await, "/confirm/");
    signs_in(&mut browser, "ines@example.com", PASSWORD).await.is(303);
    let again = browser.send("/account", "/account/confirmation", &[]).await;
    assert_eq!(again.is(303).location(), "/sign-up/letter");
    let second = link(&app, &newest_letter(&app, "ines@example.com").await, "/confirm/");
    assert_ne!(first, second);
    browser.get(&first).await.is(410);
    let later = Timestamp::now().plus(-3 * DAY);
    app.app
        .db
        .write(move |conn| {
            Ok(diesel::update(mail_tokens::table).set(mail_tokens::expires_at.eq(later)).execute(conn)?)
        })
        .await
        .unwrap();
    browser.get(&second).await.is(410);
    assert!(find(&app, "ines@example.com").await.unwrap().confirmed_at.is_none());
    for nonsense in ["/confirm/x", "/reset/x", "/confirm/%00", "/reset/%F0%9F%8E%B5"] {
        assert!(matches!(browser.get(nonsense).await.status, 404 | 410), "{nonsense}");
    }
}

/// Whether an address is known shows neither in the answer nor in the work it takes; only letters tell.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_from_a_form_whether_an_address_is_known() {
    let app = TestApp::with(&[("CUEHOUSE_LIMITS_SIGN_IN_ATTEMPTS", "1000")]).await;
    app.person("Ines Morrow", &[]).await;
    let known = email_of("Ines Morrow");
    let bare = |seen: &Seen| (seen.status, seen.location().to_owned(), seen.text());
    let mut took = [Duration::MAX; 2];
    // The quickest of several: the machine has other things to do.
    for round in 0..4 {
        let unknown =
            if round == 0 { "nobody@example.com".to_owned() } else { format!("{round}@example.com") };
        for (n, email) in [known.as_str(), &unknown].into_iter().enumerate() {
            let mut browser = adult(&app).await;
            let fields = [("name", "Ines"), ("email", email), ("password", PASSWORD)];
            let begun = Instant::now();
            let seen = browser.send("/sign-up", "/sign-up", &fields).await;
            took[n] = took[n].min(begun.elapsed());
            assert_eq!(bare(&seen.is(303)), (303, "/sign-up/letter".to_owned(), String::new()));
        }
    }
    // Without a hash the one would take a fifth of the other.
    assert!(took[0] < took[1] * 3 && took[1] < took[0] * 3, "{took:?}");
    assert_eq!(newest_letter(&app, &known).await.subject, "You already have an account");
    assert_eq!(newest_letter(&app, "nobody@example.com").await.subject, "Confirm your address");

    let mut browser = app.visitor();
    for email in [known.as_str(), "unheard-of@example.com"] {
        let seen = browser.send("/account/reset", "/account/reset", &[("email", email)]).await.is(303);
        assert_eq!(bare(&seen), (303, "/account/reset/letter".to_owned(), String::new()));
    }
    assert_eq!(newest_letter(&app, &known).await.subject, "Choose a new password");
    assert!(app.letters_to("unheard-of@example.com").is_empty());

    let mut pages = vec![];
    let mut took = [Duration::MAX; 2];
    for _ in 0..8 {
        for (n, email) in [known.as_str(), "unheard-of@example.com"].into_iter().enumerate() {
            let begun = Instant::now();
            let seen = signs_in(&mut browser, email, "not the password").await.is(422);
            took[n] = took[n].min(begun.elapsed());
            let csrf = seen.csrf().unwrap();
            pages.push(seen.text().replace(&csrf, "").replace(email, ""));
        }
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]));
    assert!(took[0] < took[1] * 3 && took[1] < took[0] * 3, "{took:?}");
}

/// An address that nobody confirmed belongs to nobody: who signs up first with somebody else's gets nothing by it.
#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_account_is_not_kept_for_whoever_came_first() {
    let app = TestApp::new().await;
    let (mut thief, _) = signs_up(&app, "Thief", "ines@example.com").await;
    signs_in(&mut thief, "ines@example.com", PASSWORD).await.is(303);
    let first = link(&app, &newest_letter(&app, "ines@example.com").await, "/confirm/");
    let mut browser = adult(&app).await;
    let fields = [("name", "Ines"), ("email", "ines@example.com"), ("password", "another long secret")];
    browser.send("/sign-up", "/sign-up", &fields).await.is(303);
    assert!(!is_signed_in(&mut thief).await);
    browser.get(&first).await.is(410);
    let second = link(&app, &newest_letter(&app, "ines@example.com").await, "/confirm/");
    browser.get(&second).await.is(303);
    signs_in(&mut thief, "ines@example.com", PASSWORD).await.is(422);
    signs_in(&mut browser, "ines@example.com", "another long secret").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_comes_back_with_what_was_typed_but_for_passwords() {
    let app = TestApp::new().await;
    let mut browser = adult(&app).await;
    for (name, email, password, fault) in [
        ("", "ines@example.com", PASSWORD, "f-name"),
        ("ines@example.com", "ines@example.com", PASSWORD, "f-name"),
        ("Ines", "ines", PASSWORD, "f-email"),
        ("Ines", "ines@example.com", "short", "f-password"),
        ("Ines", "ines@example.com", "password123", "f-password"),
    ] {
        let fields = [("name", name), ("email", email), ("password", password)];
        let seen = browser.send("/sign-up", "/sign-up", &fields).await.is(422);
        assert!(seen.has(&format!("href=\"#{fault}\"")), "{fault}: {}", seen.text());
        assert!(seen.has(&format!("value=\"{email}\"")));
        assert!(!seen.has(&format!("value=\"{password}\"")));
        assert_eq!(seen.text().matches("autofocus").count(), 1);
    }
    // All that is wrong is said at once, in the order of the fields.
    let all =
        browser.send("/sign-up", "/sign-up", &[("name", ""), ("email", ""), ("password", "")]).await.is(422);
    let list = all.text();
    let said: Vec<usize> = ["name", "email", "password"]
        .iter()
        .map(|name| list.find(&format!("href=\"#f-{name}\"")).unwrap())
        .collect();
    assert!(said.is_sorted(), "{said:?}");
    assert!(find(&app, "ines@example.com").await.is_none());
}

/// An address that nobody confirmed may be somebody else's, who never asked for an account: it is not kept for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_never_confirmed_ends() {
    let app = TestApp::new().await;
    let (mut typo, _) = signs_up(&app, "Ines Morrow", "typo@example.com").await;
    signs_in(&mut typo, "typo@example.com", PASSWORD).await.is(303);
    let (mut late, _) = signs_up(&app, "Lars", "late@example.com").await;
    signs_up(&app, "Closed", "closed@example.com").await;
    shell::disable(&app.app.db, &["closed@example.com".to_owned()]).await.unwrap();
    app.person("Ines", &[]).await;
    let night = |days: i64| {
        let app = app.app.clone();
        async move { cuehouse::jobs::calendar::round(&app, Timestamp::now().plus(days * DAY)).await.unwrap() }
    };
    night(13).await;
    assert!(find(&app, "typo@example.com").await.is_some(), "there is time");
    // One of them asks for another letter just before the end: its link still works.
    let soon = Timestamp::now().plus(15 * DAY);
    signs_in(&mut late, "late@example.com", PASSWORD).await.is(303);
    late.send("/account", "/account/confirmation", &[]).await.is(303);
    let confirm = link(&app, &newest_letter(&app, "late@example.com").await, "/confirm/");
    let lars = find(&app, "late@example.com").await.unwrap().id;
    app.app
        .db
        .write(move |conn| {
            let own = mail_tokens::table.filter(mail_tokens::user_id.eq(&lars));
            Ok(diesel::update(own).set(mail_tokens::expires_at.eq(soon)).execute(conn)?)
        })
        .await
        .unwrap();
    night(14).await;
    assert!(find(&app, "typo@example.com").await.is_none());
    assert!(!is_signed_in(&mut typo).await);
    for kept in ["late@example.com", "closed@example.com", &email_of("Ines")] {
        assert!(find(&app, kept).await.is_some(), "{kept}");
    }
    late.get(&confirm).await.is(303);
    night(40).await;
    assert!(find(&app, "late@example.com").await.is_some(), "confirmed");
    // Who comes back later begins anew.
    assert_eq!(
        signs_up(&app, "Ines Morrow", "typo@example.com").await.1.is(303).location(),
        "/sign-up/letter"
    );
}

/// S1-14: the address is filled in only where its owner wanted that.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_remembered_only_by_choice() {
    let app = TestApp::new().await;
    let email = email_of("Ines");
    app.person("Ines", &[]).await;
    let mut browser = app.visitor();
    signs_in(&mut browser, &email, PASSWORD).await.is(303);
    browser.send("/account", "/sign-out", &[]).await.is(303);
    assert!(!browser.get("/sign-in").await.has(&email));
    let fields = [("email", email.as_str()), ("password", PASSWORD), ("remember", "yes")];
    browser.send("/sign-in", "/sign-in", &fields).await.is(303);
    browser.send("/account", "/sign-out", &[]).await.is(303);
    assert!(browser.get("/sign-in").await.has(&format!("value=\"{email}\"")));
    signs_in(&mut browser, &email, PASSWORD).await.is(303);
    browser.send("/account", "/sign-out", &[]).await.is(303);
    assert!(!browser.get("/sign-in").await.has(&email));
}

/// S0-41, S2-47: so is the address, once its owner agrees.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_moves_to_an_address_whose_owner_agrees() {
    let app = TestApp::new().await;
    let mut ines = app.person("Ines", &[]).await;
    app.person("Other", &[]).await;
    let (old, path) = (email_of("Ines"), "/account/email");
    let ask = |email: &'static str, password: &'static str| [("email", email), ("password", password)];
    ines.send(path, path, &ask("new@example.com", "not mine")).await.is(422);
    ines.send(path, path, &ask("nonsense", PASSWORD)).await.is(422);
    // An address that somebody has answers the same; its owner gets another letter.
    let taken = ines.send(path, path, &ask("other@example.com", PASSWORD)).await.is(200);
    let free = ines.send(path, path, &ask("new@example.com", PASSWORD)).await.is(200);
    let bare = |seen: &Seen, email: &str| seen.text().replace(&seen.csrf().unwrap(), "").replace(email, "");
    let csrf_free = |text: String| text.split("name=\"csrf\"").next().map(str::len);
    assert_eq!(csrf_free(bare(&taken, "other@example.com")), csrf_free(bare(&free, "new@example.com")));
    assert_eq!(newest_letter(&app, "other@example.com").await.subject, "You already have an account");
    let letter = newest_letter(&app, "new@example.com").await;
    assert!(!letter.text.contains(&old), "a stranger learns no address");
    let link = link(&app, &letter, "/email/");
    // A link alone, without the session it was asked for in, moves nothing: the address may be mistyped.
    assert!(app.visitor().get(&link).await.is(303).location().starts_with("/sign-in?next="));
    app.buyer("Stranger").await.get(&link).await.is(410);
    assert!(find(&app, "new@example.com").await.is_none());
    // Links to the old address end with the move.
    let mut anyone = app.visitor();
    anyone.send("/account/reset", "/account/reset", &[("email", &old)]).await.is(303);
    let reset = newest_letter(&app, &old).await;
    assert_eq!(ines.get(&link).await.is(303).location(), "/account");
    ines.get(&link).await.is(410);
    assert!(find(&app, &old).await.is_none() && find(&app, "new@example.com").await.is_some());
    let told = newest_letter(&app, &old).await;
    assert_eq!(told.subject, "Your address was changed");
    assert!(told.text.contains("n…@example.com") && !told.text.contains("new@example.com"));
    anyone.get(&self::link(&app, &reset, "/reset/")).await.is(410);
    signs_in(&mut anyone, "new@example.com", PASSWORD).await.is(303);
}

/// S1-01, S0-41, S2-47: the name that others see is its owner's to correct.
#[tokio::test(flavor = "multi_thread")]
async fn names_change_freely_and_handles_once() {
    let app = TestApp::new().await;
    let mut ines = app.person("Ines Morrow", &[]).await;
    app.person("Other", &[]).await;
    let path = "/account/name";
    for (name, handle, status) in [
        ("Ines", "other", 422),
        ("Ines", "admin", 422),
        ("Ines", "No Such", 422),
        ("", "ines-morrow", 422),
        ("Ines M", "ines-morrow", 303),
        ("Ines N", "ines-n", 303),
        ("Ines O", "ines-o", 422),
        ("Ines P", "ines-n", 303),
    ] {
        ines.send(path, path, &[("name", name), ("handle", handle)]).await.is(status);
    }
    let user = find(&app, &email_of("Ines Morrow")).await.unwrap();
    assert_eq!((user.name.as_str(), user.handle.unwrap().as_str()), ("Ines P", "ines-n"));
}

/// Pages about oneself want a session.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_page_leads_to_the_way_in_and_back() {
    let app = TestApp::new().await;
    app.person("Ines", &[]).await;
    let mut browser = app.visitor();
    for path in ["/account", "/account/name", "/account/email", "/account/password"] {
        let seen = browser.get(path).await.is(303);
        assert_eq!(seen.location(), format!("/sign-in?next={}", path.replace('/', "%2F")));
        let fields = [("email", "ines@example.com"), ("password", PASSWORD)];
        let seen = browser.send(seen.location(), "/sign-in", &fields).await.is(303);
        assert_eq!(seen.location(), path);
        browser.send("/account", "/sign-out", &[]).await.is(303);
    }
    for evil in ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"] {
        let fields = [("email", "ines@example.com"), ("password", PASSWORD), ("next", evil)];
        let seen = browser.send("/sign-in", "/sign-in", &fields).await.is(303);
        assert_eq!(seen.location(), "/", "{evil}");
        browser.send("/account", "/sign-out", &[]).await.is(303);
    }
}

/// The first admin comes from the shell; a closed account lets nobody in.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_come_from_the_shell_and_can_be_closed() {
    let app = TestApp::new().await;
    let (db, hashing) = (&app.app.db, &app.app.hashing);
    let made = shell::add(db, hashing, "ada@example.com", "Ada", &[Role::Admin], None).await.unwrap();
    let password = made.expect("a password is made up");
    let mut ada = app.visitor();
    signs_in(&mut ada, "ada@example.com", &password).await.is(303);
    assert!(ada.get("/account").await.has("state done"), "confirmed already");
    let given = shell::add(db, hashing, "rae@example.com", "Rae", &[], Some(PASSWORD)).await.unwrap();
    assert_eq!(given, None);
    for (email, name, password) in [
        ("ADA@example.com", "Ada", Some(PASSWORD)),
        ("nonsense", "Ada", None),
        ("new@example.com", "", None),
        ("new@example.com", "New", Some("short")),
    ] {
        assert!(shell::add(db, hashing, email, name, &[], password).await.is_err(), "{email}");
    }
    let roles = async |email: &str| {
        let user = find(&app, email).await.unwrap();
        app.app.db.read(move |conn| user.roles(conn)).await.unwrap()
    };
    shell::role(db, "rae@example.com", Role::Reviewer, false).await.unwrap();
    shell::role(db, "rae@example.com", Role::Reviewer, false).await.unwrap();
    assert_eq!(roles("rae@example.com").await, [Role::Reviewer]);
    shell::role(db, "rae@example.com", Role::Reviewer, true).await.unwrap();
    assert!(roles("rae@example.com").await.is_empty());
    assert!(shell::role(db, "nobody@example.com", Role::Admin, false).await.is_err());

    shell::disable(db, &["ada@example.com".to_owned()]).await.unwrap();
    assert!(!is_signed_in(&mut ada).await);
    assert!(signs_in(&mut ada, "ada@example.com", &password).await.is(422).has("closed"));
    let wrong = signs_in(&mut ada, "ada@example.com", "a guess").await.is(422);
    assert!(!wrong.has("closed"), "only its owner learns that it is closed");
    ada.send("/account/reset", "/account/reset", &[("email", "ada@example.com")]).await.is(303);
    app.run_jobs().await;
    assert!(app.letters_to("ada@example.com").is_empty());
}

/// S3-24: no public page shows an e-mail address.
#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_finds_nobodys_address() {
    let app = TestApp::new().await;
    app.uploader("Marker Uploader").await;
    app.buyer("Marker Buyer").await;
    let mut stranger = app.visitor();
    let mut waiting: Vec<String> =
        ["/", "/@marker-uploader", "/sitemap.xml", "/search", "/sign-up", "/licences", "/robots.txt"]
            .map(Into::into)
            .into();
    let mut known = std::collections::BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if known.len() > 150 || !known.insert(path.clone()) {
            continue;
        }
        let seen = stranger.get(&path).await;
        assert!(seen.status < 500, "{path}: {}", seen.status);
        let text = seen.text();
        assert!(!text.contains("marker.uploader@") && !text.contains("marker.buyer@"), "{path}");
        let site = &app.app.config.site_url;
        let links = text.split("href=\"").skip(1).chain(text.split("<loc>").skip(1));
        waiting.extend(links.filter_map(|rest| {
            let address = rest.split(['"', '<', '#']).next()?.replace(site, "").replace("&#x2F;", "/");
            (address.starts_with('/') && !address.starts_with("//")).then_some(address.replace("&amp;", "&"))
        }));
    }
    assert!(known.len() > 5, "{known:?}");
}

/// S3-05: who did not confirm the address can neither buy nor upload.
#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_account_can_neither_buy_nor_upload() {
    let app = TestApp::new().await;
    let (mut browser, _) = signs_up(&app, "Ines", "ines@example.com").await;
    signs_in(&mut browser, "ines@example.com", PASSWORD).await.is(303);
    assert!(browser.get("/account").await.is(200).has("Confirm your address"));
    let csrf = browser.get("/account").await.csrf().unwrap();
    let rocket = cuehouse::rocket(app.app.clone()).ignite().await.unwrap();
    let has =
        |path: &str| rocket.routes().any(|route| route.uri.path() == path && route.method == Method::Post);
    for path in ["/checkout", "/studio/uploads", "/studio/welcome"].into_iter().filter(|path| has(path)) {
        let fields =
            [("csrf", csrf.as_str()), ("licensee", "Ines"), ("handle", "ines"), ("agreement", "yes")];
        let seen = browser.post(path, &fields).await;
        assert!(seen.status == 403 && !seen.has("stale"), "{path}: {} {}", seen.status, seen.text());
    }
    let count: i64 = app
        .app
        .db
        .read(|conn| Ok(users::table.filter(users::confirmed_at.is_not_null()).count().get_result(conn)?))
        .await
        .unwrap();
    assert_eq!(count, 0);
}
