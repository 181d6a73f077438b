//! Letters that nobody has to get: off until switched on, ended by one press, and counted without names for those who agreed.

use std::path::Path;

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::letters::{self, Topic, Wanted};
use cuehouse::consent::log;
use cuehouse::ids::UserId;
use cuehouse::jobs::{Job, calendar, enqueue};
use serde_json::json;

use crate::accounts::{link, signs_in, signs_up};
use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::browser::Browser;
use crate::support::shelf::{piece, seller, shelve};

async fn shop() -> TestApp {
    // Nobody looks at the banner meanwhile: each look leaves receipts.
    let quiet = ("CUEHOUSE_PRIVACY_SELF_CHECK_HOURS", "0");
    let app = TestApp::with(&[("CUEHOUSE_EMAIL_MEASUREMENT", "on"), quiet]).await;
    let ines = seller(&app.app.db, "Ines").await;
    shelve(&app.app, &ines, piece("Rain on tin")).await;
    app
}

async fn switches(browser: &mut Browser, topics: &[&str]) {
    let names: Vec<String> = topics.iter().map(|topic| format!("topic.{topic}")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "on")).collect();
    browser.says("/privacy/choices", "/privacy/letters", &fields).await.is(303);
}

async fn leaves(app: &TestApp) -> u64 {
    app.app.db.read(log::size).await.unwrap()
}

async fn is_on(app: &TestApp, user: &UserId, topic: Topic, now: Timestamp) -> bool {
    let (user, book) = (user.clone(), app.app.consent.clone());
    app.app.db.read(move |conn| Ok(Wanted::of(conn, &user)?.is_on(topic, &book, now))).await.unwrap()
}

/// The weekly letter, sent to whoever wants it in the week so many weeks from now.
async fn a_week_passes(app: &TestApp, weeks: i64) {
    calendar::round(&app.app, Timestamp::now().plus(weeks * 7 * DAY)).await.unwrap();
    app.run_jobs_to_come().await;
}

/// S0-38, S2-05, S3-22, S3-32, S3-55: nobody gets the weekly letter who did not switch it on; each switch has one receipt;
/// what was asked for while it was on is not sent after it went off.
#[tokio::test(flavor = "multi_thread")]
async fn the_weekly_letter_is_for_those_who_want_it() {
    let app = shop().await;
    let mut bea = app.buyer("Bea Buyer").await;
    let cleo = app.buyer("Cleo Customer").await;
    let email = email_of("Bea Buyer");
    assert!(
        !app.visitor().get("/privacy/choices").await.has("A letter a week"),
        "only people with an account have one"
    );
    let page = bea.get("/privacy/choices").await.is(200);
    assert!(page.has("A letter a week") && !page.has("topic.marketing_email\" value=\"on\" checked"));
    a_week_passes(&app, 0).await;
    assert!(app.app.mail.letters().is_empty());
    switches(&mut bea, &["marketing_email"]).await;
    assert_eq!(leaves(&app).await, 1);
    switches(&mut bea, &["marketing_email"]).await;
    assert_eq!(leaves(&app).await, 1, "what is as it was is no choice");
    assert!(bea.get("/privacy/choices").await.has("topic.marketing_email\" value=\"on\" checked"));
    a_week_passes(&app, 1).await;
    a_week_passes(&app, 1).await;
    let letters = app.letters_to(&email);
    assert_eq!(letters.len(), 1, "one a week");
    assert_eq!(app.app.mail.letters().len(), 1, "Cleo gets none: {:?}", cleo.user);
    assert!(letters[0].text.contains("Rain on tin by Ines") && letters[0].unsubscribe.is_some());
    // Whoever wants it sent, it goes to nobody who does not want it.
    switches(&mut bea, &[]).await;
    let values = json!({ "name": "Bea", "tracks": [], "stop": "" });
    for to in [email.clone(), email_of("Cleo Customer"), "stranger@example.com".to_owned()] {
        let letter = Job::SendLetter { to, template: "news".into(), values: values.clone() };
        app.app.db.write(move |conn| enqueue(conn, &letter, Timestamp::now())).await.unwrap();
    }
    app.run_jobs().await;
    assert_eq!(app.app.mail.letters().len(), 1);
}

/// S2-03: an address that nobody confirmed gets the one letter that asks for it, whatever its account switched on; confirmed,
/// it gets the next weekly letter.
#[tokio::test(flavor = "multi_thread")]
async fn news_wants_an_address_that_was_confirmed() {
    let app = shop().await;
    let (email, on) = ("dora@example.com", [("topic.marketing_email", "on")]);
    let (mut dora, seen) = signs_up(&app, "Dora Doubt", email).await;
    seen.is(303);
    signs_in(&mut dora, email, PASSWORD).await.is(303);
    dora.says("/privacy/choices", "/privacy/letters", &on).await;
    a_week_passes(&app, 0).await;
    let letters = app.letters_to(email);
    assert_eq!(letters.len(), 1, "{letters:?}");
    dora.get(&link(&app, &letters[0], "/confirm/")).await.is(303);
    dora.says("/privacy/choices", "/privacy/letters", &on).await.is(303);
    a_week_passes(&app, 1).await;
    let letters = app.letters_to(email);
    assert!(letters.len() == 2 && letters[1].text.contains("Rain on tin"), "{letters:?}");
}

/// T-PR-12, PR-12: whoever left the letters with news still gets those about what they did, which cannot be switched off and
/// carry no news; the receipt says what a withdrawal does not reach, and who carried the letters. Nobody is phoned: an account
/// has no place for a number.
#[tokio::test(flavor = "multi_thread")]
async fn news_can_be_left_and_letters_about_what_one_did_cannot() {
    for relay in [None, Some("smtp://relay.invalid:2525")] {
        let app = match relay {
            None => shop().await,
            Some(url) => TestApp::with(&[("CUEHOUSE_MAIL_URL", url)]).await,
        };
        let mut bea = app.buyer("Bea Buyer").await;
        switches(&mut bea, &["marketing_email"]).await;
        let page = bea.get("/privacy/choices").await.is(200).text();
        let topics: Vec<&str> =
            page.split("name=\"topic.").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ["marketing_email", "email_measurement"];
        assert_eq!(topics, all[..topics.len()], "only what may be refused has a switch");
        let landing = bea.says("/privacy/choices", "/privacy/letters", &[]).await.is(303);
        let landing = landing.location().split('#').next().unwrap().to_owned();
        let receipt = bea.get(&landing).await.is(200).link("/privacy/receipts/").unwrap();
        let receipt = bea.get(&receipt).await.is(200);
        for words in
            ["You took back", "letters with offers", "What a recipient was given before a withdrawal it has"]
        {
            assert!(receipt.has(words), "{words}: {}", receipt.text());
        }
        assert_eq!(receipt.has("relay.invalid"), relay.is_some(), "{}", receipt.text());
        for path in ["/account", "/account/name", "/account/email", "/privacy/choices"] {
            let page = bea.get(path).await.is(200);
            assert!(!page.has("type=\"tel\"") && !page.has("name=\"phone\""), "{path}");
        }
        assert!(bea.get("/account").await.has("We phone nobody"));
        if relay.is_some() {
            continue;
        }
        a_week_passes(&app, 0).await;
        assert!(app.app.mail.letters().is_empty(), "no news");
        let email = email_of("Bea Buyer");
        app.visitor().says("/account/reset", "/account/reset", &[("email", email.as_str())]).await.is(303);
        app.run_jobs().await;
        let letters = app.letters_to(&email);
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert!(letters[0].unsubscribe.is_none() && !letters[0].text.contains("Rain on tin"));
    }
}

/// S2-43, S3-31, R-RC-1: one press ends it, without signing in; looking at the link does not, and a made-up word does nothing. The
/// receipt says what the program that pressed asks of every site, as the one of the yes says of the browser.
#[tokio::test(flavor = "multi_thread")]
async fn one_press_ends_the_weekly_letter() {
    let app = shop().await;
    let mut bea = app.buyer("Bea Buyer").await;
    let user = bea.user.clone().unwrap();
    switches(&mut bea, &["marketing_email", "email_measurement"]).await;
    a_week_passes(&app, 0).await;
    let letter = app.letters_to(&email_of("Bea Buyer")).remove(0);
    let stop = letter.unsubscribe.unwrap();
    assert!(letter.text.contains(&stop));
    let mut stranger = app.visitor();
    let path = stop.strip_prefix(&app.url).unwrap().to_owned();
    assert!(stranger.get(&path).await.is(200).has("End it"));
    assert!(is_on(&app, &user, Topic::News, Timestamp::now()).await);
    let mut forged = path.clone();
    forged.replace_range(path.len() - 1.., if path.ends_with('0') { "1" } else { "0" });
    stranger.get(&forged).await.is(404);
    stranger.post(&forged, &[]).await.is(404);
    // As mail programs press it: without a cookie and without our form.
    let (form, said) = ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click");
    let asks = [("Sec-GPC", "1"), ("DNT", "1")];
    app.visitor().post_raw(&path, form, said.to_vec(), &asks).await.is(200);
    let of_account = user.clone();
    let kept = app.app.db.read(move |conn| log::of_account(conn, &of_account, 9)).await.unwrap();
    let signals: Vec<_> = kept.iter().map(|kept| kept.receipt.signals).map(|s| (s.gpc, s.dnt)).collect();
    assert_eq!(signals, [(true, true), (false, false)], "the newest first");
    assert!(!is_on(&app, &user, Topic::News, Timestamp::now()).await);
    assert_eq!(leaves(&app).await, 2);
    app.visitor().post(&path, &[]).await.is(200);
    assert_eq!(leaves(&app).await, 2, "ended is ended");
    a_week_passes(&app, 1).await;
    assert_eq!(app.letters_to(&email_of("Bea Buyer")).len(), 1);
}

/// T-EM-1, R-EM-1, R-EM-2, S2-32, S3-12: a letter reports back only for whom both the site and the person said so; the
/// counts are by kind and day, name nobody, and are not written by being opened. S2-33: they are what was opened and followed.
#[tokio::test(flavor = "multi_thread")]
async fn letters_report_back_for_those_who_agreed_and_say_not_who() {
    let app = shop().await;
    for (name, topics, gpc) in [
        ("Ada", vec!["marketing_email"], false),
        ("Bea", vec!["marketing_email", "email_measurement"], false),
        ("Cleo", vec!["marketing_email", "email_measurement"], true),
    ] {
        let mut browser = app.buyer(name).await;
        switches(&mut browser, &topics).await;
        if gpc {
            browser.get_with("/", &[("Sec-GPC", "1")]).await.is(200);
        }
    }
    a_week_passes(&app, 0).await;
    let whole = |name: &str| {
        let letter = app.letters_to(&email_of(name)).remove(0);
        (letter.text.clone(), letter.html.unwrap().replace("&#x2F;", "/"))
    };
    for name in ["Ada", "Cleo"] {
        let (text, html) = whole(name);
        assert!(!html.contains("<img") && !html.contains("/to/") && !text.contains("/to/"), "{name}: {html}");
        assert!(html.contains(&format!("{}/tracks/rain-on-tin", app.url)));
    }
    let (text, html) = whole("Bea");
    let pixel = html.split("<img src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let link = text.lines().find(|line| line.contains("/to/tracks/")).unwrap().trim().to_owned();
    for address in [&pixel, &link] {
        for secret in ["Bea", "bea", "example.com"] {
            assert!(!address.contains(secret), "{address}");
        }
    }
    // The same for everyone who gets it on that day: nothing in the address is the reader's.
    let today = Timestamp::now().day();
    assert_eq!(pixel, format!("{}/letters/news/{today}/seen.gif", app.url));
    let mut reader = app.visitor();
    let writes = app.app.db.writes();
    for _ in 0..3 {
        let seen = reader.get(&pixel).await.is(200);
        assert_eq!(seen.header("content-type"), Some("image/gif"));
        assert_eq!(seen.header("cross-origin-resource-policy"), Some("cross-origin"));
        assert!(seen.header("set-cookie").is_none());
    }
    let seen = reader.get(&link).await.is(303);
    assert!(seen.location().starts_with("/tracks/rain-on-tin"), "{}", seen.location());
    assert_eq!(app.app.db.writes(), writes);
    calendar::write_down(&app.app).await.unwrap();
    let days = app.app.db.read(letters::days).await.unwrap();
    let counted: Vec<_> = days.iter().map(|day| (day.sent, day.opened, day.followed)).collect();
    assert_eq!(counted, [(1, 3, 1)]);
    // Neither a way to elsewhere, nor counts of what never was.
    for path in [
        "/letters/news/2020-01-01/seen.gif",
        "/letters/receipt/2026-11-28/seen.gif",
        "/letters/receipt/2026-11-28/to/search",
    ] {
        reader.get(path).await.is(404);
    }
    for odd in ["//evil.example/", "https://evil.example/", "%2F%2Fevil.example"] {
        let seen = reader.get(&format!("/letters/news/{today}/to/{odd}")).await;
        assert!(
            seen.status != 303 || (seen.location().starts_with('/') && !seen.location().starts_with("//")),
            "{odd}"
        );
    }
    calendar::write_down(&app.app).await.unwrap();
    let days = app.app.db.read(letters::days).await.unwrap();
    assert_eq!(days.len(), 1);
    assert_eq!((days[0].sent, days[0].opened), (1, 3));
    assert!(days[0].followed >= 1);
    let page = app.admin().await.get("/admin/letters").await.is(200);
    assert!(page.has("Letters that report back") && page.has(&today));
    // No other letter does: a new password for the one who agreed.
    let mut visitor = app.visitor();
    visitor.says("/account/reset", "/account/reset", &[("email", email_of("Bea").as_str())]).await;
    app.run_jobs().await;
    let letter = app.letters_to(&email_of("Bea")).pop().unwrap();
    assert!(letter.html.is_none() && !letter.text.contains("/letters/") && letter.unsubscribe.is_none());
}

/// R-EM-1: off where the site did not switch it on, and the switch is not even shown.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_measure_asks_nobody_whether_it_may() {
    let app = TestApp::new().await;
    let ines = seller(&app.app.db, "Ines").await;
    shelve(&app.app, &ines, piece("Rain on tin")).await;
    let mut bea = app.buyer("Bea Buyer").await;
    assert!(!bea.get("/privacy/choices").await.has("topic.email_measurement"));
    switches(&mut bea, &["marketing_email", "email_measurement"]).await;
    a_week_passes(&app, 0).await;
    let letter = app.letters_to(&email_of("Bea Buyer")).remove(0);
    assert!(!letter.html.unwrap().contains("<img"));
}

/// R-CN-11: a yes to letters ends by itself, on a clock that is moved.
#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_letters_ends_by_itself() {
    let app = shop().await;
    let mut bea = app.buyer("Bea Buyer").await;
    let user = bea.user.clone().unwrap();
    switches(&mut bea, &["marketing_email", "email_measurement"]).await;
    let now = Timestamp::now();
    for (topic, days, on) in [
        (Topic::Measurement, 181, true),
        (Topic::Measurement, 183, false),
        (Topic::News, 729, true),
        (Topic::News, 731, false),
    ] {
        assert_eq!(is_on(&app, &user, topic, now.plus(days * DAY)).await, on, "{topic} {days}");
    }
    let readers = |days: i64| {
        let db = app.app.db.clone();
        async move { db.read(move |conn| letters::readers(conn, now.plus(days * DAY))).await.unwrap().len() }
    };
    assert_eq!((readers(729).await, readers(731).await), (1, 0));
}

/// Every file of a folder that a browser may be given.
fn given(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.extension().and_then(|end| end.to_str()) {
            _ if path.is_dir() => given(&path, out),
            Some("js" | "html") => {
                out.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
            _ => {}
        }
    }
}

/// S0-38: nothing of ours asks a browser for leave to push or to notify: no script and no page names their interfaces, and no
/// page lets a service worker begin, without which there is no push.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_for_leave_to_push() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    given(&root.join("static"), &mut files);
    given(&root.join("templates"), &mut files);
    assert!(files.len() > 80, "{}", files.len());
    for (file, text) in &files {
        for word in ["pushmanager", "notification.", "notification(", "serviceworker", "rel=\"manifest\""] {
            assert!(!text.to_lowercase().contains(word), "{word} in {file}");
        }
    }
    let page = TestApp::new().await.visitor().get("/").await.is(200);
    assert!(page.header("content-security-policy").unwrap().contains("worker-src 'none';"));
}
