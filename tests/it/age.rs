//! The age screen: the same for everyone, and nothing kept about those who are too young.

use std::collections::BTreeMap;

use chrono::{Datelike, Utc};
use cuehouse::db::{Conn, Count};
use diesel::prelude::*;
use serde_json::Value;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::browser::{Browser, Seen};

#[derive(diesel::QueryableByName)]
struct Named {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// How many rows each table holds.
async fn rows(app: &TestApp) -> BTreeMap<String, i64> {
    let counted = app.app.db.read(|conn| {
        let all: Vec<Named> = match conn {
            Conn::Pg(c) => diesel::sql_query(
                "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = 'public'",
            )
            .load(c)?,
            Conn::Sqlite(c) => {
                diesel::sql_query("SELECT name FROM sqlite_master WHERE type = 'table'").load(c)?
            }
        };
        let mut rows = BTreeMap::new();
        for table in all {
            let sql = format!("SELECT COUNT(*) AS n FROM \"{}\"", table.name);
            let count: Count = match conn {
                Conn::Pg(c) => diesel::sql_query(sql).get_result(c)?,
                Conn::Sqlite(c) => diesel::sql_query(sql).get_result(c)?,
            };
            rows.insert(table.name, count.n);
        }
        Ok(rows)
    });
    counted.await.unwrap()
}

/// Somebody of this age today, born in the middle of the year's list: the month before this one.
fn born(years: i32) -> (String, String) {
    let now = Utc::now();
    let (year, month) = if now.month() == 1 { (now.year() - 1, 12) } else { (now.year(), now.month() - 1) };
    ((year - years).to_string(), month.to_string())
}

async fn answers(browser: &mut Browser, years: i32) -> Seen {
    let (year, month) = born(years);
    browser.send("/sign-up", "/age", &[("birth_year", &year), ("birth_month", &month)]).await
}

/// S1-29: month and year alone, before anything else; no default, no hint which answer opens the door.
#[tokio::test(flavor = "multi_thread")]
async fn the_screen_comes_first_and_is_neutral() {
    let app = TestApp::new().await;
    let mut browser = app.visitor();
    for path in ["/sign-up", "/age"] {
        let page = browser.get(path).await.is(200);
        let text = page.text();
        let form = text.split("action=\"/age\"").nth(1).unwrap().split("</form>").next().unwrap();
        for field in ["email", "password", "\"name\"", "birth_day"] {
            assert!(!form.contains(&format!("name=\"{}\"", field.trim_matches('"'))), "{path}: {field}");
        }
        assert!(!form.contains(" selected") && !form.contains("checked"));
        let year = form.split("name=\"birth_year\"").nth(1).unwrap().split('>').next().unwrap();
        assert!(year.contains("value=\"\"") && !year.contains("min=") && !year.contains("placeholder"));
        assert!(
            form.split("<option").nth(1).unwrap().starts_with(" value=\"\""),
            "no month is chosen beforehand"
        );
        for month in 1..=12 {
            assert!(form.contains(&format!("<option value=\"{month}\">")), "{month}");
        }
        let main = text.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        // The token is drawn by lot, and may hold any two figures.
        let main = main.replace(&page.csrf().unwrap(), "");
        for hint in ["13", "18", "adult", "old enough", "parent", "must be", "minor", "child"] {
            assert!(!main.contains(hint), "{path} says {hint:?}");
        }
    }
    // Without an answer there is no other form, however one asks.
    let csrf = browser.get("/sign-up").await.csrf().unwrap();
    let fields =
        [("csrf", csrf.as_str()), ("name", "Ines"), ("email", "i@example.com"), ("password", PASSWORD)];
    assert_eq!(browser.post("/sign-up", &fields).await.is(303).location(), "/sign-up");
    assert_eq!(rows(&app).await["users"], 0);
    // What cannot be a month of birth is asked again, with what was typed.
    let next = (Utc::now().year() + 1).to_string();
    for (year, month) in
        [("", ""), ("1990", ""), ("", "4"), ("1899", "4"), (next.as_str(), "4"), ("19", "4"), ("1990", "13")]
    {
        let seen =
            browser.send("/sign-up", "/age", &[("birth_year", year), ("birth_month", month)]).await.is(422);
        assert!(seen.has(&format!("value=\"{year}\"")) && seen.has("role=\"alert\""));
        assert!(browser.cookie("age").is_none());
    }
    let this_year = Utc::now().year().to_string();
    for (year, month) in [("1900", "1"), (this_year.as_str(), "1")] {
        app.visitor().send("/sign-up", "/age", &[("birth_year", year), ("birth_month", month)]).await.is(303);
    }
}

/// S1-29: whatever the age, the answer looks the same.
#[tokio::test(flavor = "multi_thread")]
async fn every_age_gets_the_same_answer() {
    let app = TestApp::new().await;
    let mut looks = vec![];
    for years in [0, 5, 12, 13, 17, 18, 40, 110] {
        let mut browser = app.visitor();
        let seen = answers(&mut browser, years).await.is(303);
        let cookie = seen.header("set-cookie").unwrap().to_owned();
        let (value, attributes) = cookie.split_once(';').unwrap();
        let names: Vec<&str> = seen.headers.keys().map(|name| name.as_str()).collect();
        looks.push((
            seen.location().to_owned(),
            seen.text(),
            value.len(),
            attributes.to_owned(),
            names.join(" "),
        ));
        assert_eq!(seen.headers.get_all("set-cookie").iter().count(), 1);
        let (year, _) = born(years);
        assert!(!value.contains(&year));
        // The page it leads to has the same status, too.
        browser.get("/sign-up").await.is(200);
    }
    assert!(looks.windows(2).all(|two| two[0] == two[1]), "{looks:?}");
}

/// S1-29, S3-13: under the minimum nobody gets an account, and nothing is left behind; 13 to 17, "not yet", likewise.
#[tokio::test(flavor = "multi_thread")]
async fn the_young_get_no_account_and_leave_nothing() {
    let app = TestApp::new().await;
    let before = rows(&app).await;
    for (years, says) in [
        (5, "We cannot open an account for you"),
        (12, "We cannot open an account for you"),
        (13, "Not yet"),
        (17, "Not yet"),
    ] {
        let mut browser = app.visitor();
        answers(&mut browser, years).await.is(303);
        let page = browser.get("/sign-up").await.is(200);
        assert!(page.has(says), "{years}: {}", page.text());
        assert!(!page.has("name=\"email\"") && !page.has("name=\"birth_year\""));
        // Back, again, by hand: it is not asked anew, and no other answer is taken.
        assert_eq!(browser.get("/age").await.is(303).location(), "/sign-up");
        let csrf = page.csrf().unwrap();
        let adult = [("csrf", csrf.as_str()), ("birth_year", "1980"), ("birth_month", "1")];
        let again = browser.post("/age", &adult).await.is(303);
        assert!(again.header("set-cookie").is_none());
        let fields =
            [("csrf", csrf.as_str()), ("name", "Kid"), ("email", "kid@example.com"), ("password", PASSWORD)];
        assert_eq!(browser.post("/sign-up", &fields).await.is(303).location(), "/sign-up");
        assert!(browser.get("/sign-up").await.is(200).has(says));
        let held: Vec<&str> = browser.cookies().keys().map(String::as_str).collect();
        assert_eq!(held, ["age", "forms"], "the marker, and what forms are bound to");
    }
    app.run_jobs().await;
    assert_eq!(rows(&app).await, before);
    assert!(app.app.mail.letters().is_empty());
    // A made-up marker opens nothing.
    for forged in ["adult", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "eyJiYW5kIjoiYWR1bHQifQ"] {
        let mut browser = app.visitor();
        browser.set_cookie("age", forged);
        assert!(browser.get("/sign-up").await.is(200).has("name=\"birth_year\""));
    }
}

/// The operator's ages are the ones that count.
#[tokio::test(flavor = "multi_thread")]
async fn thresholds_are_settings() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_MINIMUM", "16"), ("CUEHOUSE_AGE_ADULT", "20")]).await;
    for (years, says) in [(15, "We cannot open"), (16, "Not yet"), (19, "Not yet"), (20, "name=\"email\"")] {
        let mut browser = app.visitor();
        answers(&mut browser, years).await.is(303);
        assert!(browser.get("/sign-up").await.is(200).has(says), "{years}");
    }
}

/// S0-16: nothing tracks, the pages say so, and Global Privacy Control is obeyed and said to be. S2-53: the edition says
/// when it was last updated. S0-29: cookies are listed. S0-20: the edition before can still be read.
#[tokio::test(flavor = "multi_thread")]
async fn the_privacy_pages_say_what_is_true() {
    let app = TestApp::new().await;
    let mut browser = app.visitor();
    let page = browser.get("/privacy").await.is(200);
    for cookie in ["session", "forms", "basket", "notice", "age", "remembered"] {
        assert!(page.has(&format!("<code>{cookie}</code>")), "{cookie}");
    }
    let day = page.text().split("<time datetime=\"").nth(1).unwrap()[..10].to_owned();
    let edition = page.link("/privacy/20").expect("an edition by its day");
    assert_eq!(edition, format!("/privacy/{day}"));
    assert!(browser.get(&edition).await.is(200).has("What we keep"));
    // What was said before can still be read, in its own words and with the cookies there were then.
    let before = page.links().into_iter().filter(|l| l.starts_with("/privacy/20") && *l != edition);
    let before: Vec<String> = before.collect();
    assert_eq!(before, ["/privacy/2026-11-25"]);
    let old = browser.get(&before[0]).await.is(200);
    assert!(old.has("This is an earlier edition") && old.has("We sell and share nothing about you"));
    assert!(!old.has("unless you said yes") && !old.has("<code>cs</code>") && page.has("<code>cs</code>"));
    browser.get("/privacy/2020-01-01").await.is(404);
    assert!(!browser.get("/privacy/choices").await.is(200).has("Your browser sends Global Privacy Control"));
    let seen = browser.get_with("/privacy/choices", &[("Sec-GPC", "1")]).await.is(200);
    assert!(seen.has("Your browser sends Global Privacy Control"));
    let gpc = browser.get("/.well-known/gpc.json").await.is(200);
    let gpc: Value = serde_json::from_slice(&gpc.bytes).unwrap();
    assert_eq!(gpc["gpc"], Value::Bool(true));
    assert!(gpc["lastUpdate"].as_str().unwrap().parse::<chrono::NaiveDate>().is_ok());
    let security = browser.get("/.well-known/security.txt").await.is(200);
    assert!(security.header("content-type").unwrap().starts_with("text/plain"));
    let line =
        |name: &str| security.text().lines().find_map(|l| l.strip_prefix(name).map(|l| l.trim().to_owned()));
    assert!(line("Contact:").unwrap().starts_with("mailto:"));
    let expires = chrono::DateTime::parse_from_rfc3339(&line("Expires:").unwrap()).unwrap();
    assert!(expires > Utc::now() && expires < Utc::now() + chrono::Duration::days(366));
    let robots = browser.get("/robots.txt").await.is(200);
    for own in ["/studio", "/admin", "/cart", "/account", "/leave", "/privacy/receipts"] {
        assert!(robots.has(&format!("Disallow: {own}\n")));
    }
    let search = browser.get("/opensearch.xml").await.is(200);
    assert!(
        search.has("/search?q={searchTerms}")
            && search.header("content-type").unwrap().contains("opensearch")
    );
    let map = browser.get("/sitemap.xml").await.is(200);
    for file in map.text().split("<loc>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()) {
        let path = file.replace(&app.app.config.site_url, "");
        assert!(browser.get(&path).await.is(200).has("<urlset"), "{path}");
    }
}
