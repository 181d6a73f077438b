//! The age screen: the same for everyone, and nothing kept about those who are too young.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Utc};
use cuehouse::Config;
use cuehouse::accounts::user::Role;
use cuehouse::clock::Timestamp;
use cuehouse::consent::age::{self, Band, Birth};
use cuehouse::consent::log;
use cuehouse::consent::rulebook::Rulebook;
use cuehouse::db::{Conn, Count};
use cuehouse::guardians::state::State;
use diesel::prelude::*;
use serde_json::Value;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::wards::{answers, born, link_in};

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

/// T-AGE-4, T-AGE-5, R-AG-1, R-AG-2, S1-29: month and year alone, before anything else; no default, no hint which
/// answer opens the door; without an answer there is no other form.
#[tokio::test(flavor = "multi_thread")]
async fn the_screen_comes_first_and_is_neutral() {
    let app = TestApp::new().await;
    let mut browser = app.visitor();
    for path in ["/sign-up", "/age"] {
        let page = browser.get(path).await.is(200);
        let text = page.text();
        let form = text.split("action=\"/age\"").nth(1).unwrap().split("</form>").next().unwrap();
        for field in ["email", "password", "\"name\""] {
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
        // Tokens are drawn by lot, and may hold any two figures.
        let mut main = main.replace(&page.csrf().unwrap(), "");
        for (_, token) in page.form("/age") {
            main = main.replace(&token, "");
        }
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
        assert!(browser.cookie("al").is_none());
    }
    let this_year = Utc::now().year().to_string();
    for (year, month) in [("1900", "1"), (this_year.as_str(), "1")] {
        app.visitor().send("/sign-up", "/age", &[("birth_year", year), ("birth_month", month)]).await.is(303);
    }
}

/// T-AGE-5, R-AG-2, S1-29: whatever the age, the answer looks the same.
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

/// S1-29, S3-13, S0-23, T-AGE-6, T-AGE-8, R-AG-3, R-AG-5: under the minimum nobody gets an account, nothing is left
/// behind, and no second answer is taken: back, reload, another tab, by hand.
#[tokio::test(flavor = "multi_thread")]
async fn the_young_get_no_account_and_leave_nothing() {
    let app = TestApp::new().await;
    let before = rows(&app).await;
    for (years, says) in [
        (5, "We cannot open an account for you"),
        (12, "We cannot open an account for you"),
        (13, "Ask who answers for you"),
        (17, "Ask who answers for you"),
        (40, "name=\"email\""),
    ] {
        let mut browser = app.visitor();
        answers(&mut browser, years).await.is(303);
        let page = browser.get("/sign-up").await.is(200);
        assert!(page.has(says), "{years}: {}", page.text());
        assert!(!page.has("name=\"birth_year\""));
        // Back, reload, another tab, by hand: the same neutral words for every age, and no other answer is taken.
        let mut words = vec![];
        for seen in [browser.get("/age").await, browser.get("/age").await, browser.window().get("/age").await]
        {
            let seen = seen.is(409);
            assert!(!seen.has("name=\"birth_year\"") && seen.header("set-cookie").is_none());
            let main = seen.text().split("<main").nth(1).unwrap().split("</main>").next().unwrap().to_owned();
            for hint in ["13", "18", "adult", "old enough", "parent", "minor", "child", "young"] {
                assert!(!main.contains(hint), "{hint}");
            }
            words.push(main);
        }
        assert!(words.windows(2).all(|two| two[0] == two[1]));
        let csrf = page.csrf().unwrap();
        let adult = [("csrf", csrf.as_str()), ("birth_year", "1980"), ("birth_month", "1")];
        let again = browser.post("/age", &adult).await.is(409);
        assert!(again.header("set-cookie").is_none());
        assert!(browser.get("/sign-up").await.is(200).has(says));
        let held: Vec<&str> = browser.cookies().keys().map(String::as_str).collect();
        assert_eq!(held, ["al", "forms"], "the marker, and what forms are bound to");
        if years < 18 {
            assert!(!page.has("name=\"email\""));
            let fields = [
                ("csrf", csrf.as_str()),
                ("name", "Kid"),
                ("email", "kid@example.com"),
                ("password", PASSWORD),
            ];
            assert_eq!(browser.post("/sign-up", &fields).await.is(303).location(), "/sign-up");
        }
        if years < 13 {
            let fields = [("csrf", csrf.as_str()), ("name", "Kid"), ("guardian_email", "mother@example.com")];
            assert_eq!(browser.post("/guardian", &fields).await.is(303).location(), "/sign-up");
        }
    }
    app.run_jobs().await;
    assert_eq!(rows(&app).await, before);
    assert!(app.app.mail.letters().is_empty());
    // A made-up marker opens nothing.
    for forged in ["adult", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "eyJiYW5kIjoiYWR1bHQifQ"] {
        let mut browser = app.visitor();
        browser.set_cookie("al", forged);
        assert!(browser.get("/sign-up").await.is(200).has("name=\"birth_year\""));
    }
}

/// The operator's ages are the ones that count.
#[tokio::test(flavor = "multi_thread")]
async fn thresholds_are_settings() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_MINIMUM", "16"), ("CUEHOUSE_AGE_ADULT", "20")]).await;
    for (years, says) in
        [(15, "We cannot open"), (16, "Ask who answers"), (19, "Ask who answers"), (20, "name=\"email\"")]
    {
        let mut browser = app.visitor();
        answers(&mut browser, years).await.is(303);
        assert!(browser.get("/sign-up").await.is(200).has(says), "{years}");
    }
}

/// The rules of a site with this profile.
fn book(profile: &str) -> Rulebook {
    let env = BTreeMap::from([("CUEHOUSE_AGE_PROFILE".to_owned(), profile.to_owned())]);
    Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
}

/// T-AGE-3, R-AG-6, S2-50: in every profile and at every place, the day before, the day of and the day after each
/// threshold; somebody counts as the younger until their month is over. A site of fourteen refuses a thirteen-year-old
/// whom a site with guardians takes.
#[test]
fn every_profile_holds_its_thresholds_to_the_day() {
    let noon = |date: NaiveDate| Timestamp(date.and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp_millis());
    let places = [None, Some("US-CA"), Some("DE"), Some("CN"), Some("KR"), Some("XX")];
    for (profile, minimums) in [
        ("general_no_target", [14, 13, 13, 14, 14, 14]),
        ("never_knowingly_13", [14, 13, 13, 14, 14, 14]),
        ("no_pi_under_14", [14; 6]),
        ("guardian_under_18", [13; 6]),
        ("mixed_audience_vpc", [13; 6]),
    ] {
        let book = book(profile);
        for (place, minimum) in places.iter().zip(minimums) {
            let at = book.thresholds(*place, &[]);
            assert_eq!((at.minimum, at.adult), (minimum, 18), "{profile} {place:?}");
            for (threshold, below, above) in
                [(minimum, Band::Child, Band::Minor), (18, Band::Minor, Band::Adult)]
            {
                for month in [1, 6, 12] {
                    // The month after the birthday's begins.
                    let (year, next) = if month == 12 { (2027, 1) } else { (2026, month + 1) };
                    let first = NaiveDate::from_ymd_opt(year, next, 1).unwrap();
                    for (day, band) in [
                        (first - chrono::Duration::days(1), below),
                        (first, above),
                        (first + chrono::Duration::days(1), above),
                    ] {
                        let birth = Birth::new(2026 - threshold as i32, month, noon(day)).unwrap();
                        let said = birth.answer(noon(day), at);
                        assert_eq!(said.band, band, "{profile} {place:?} {threshold} {month} {day}");
                        assert_eq!(said.next.is_none(), band == Band::Adult);
                    }
                }
            }
        }
    }
    // Thirteen, and a site of fourteen; the same person and a site with guardians.
    let now = noon(NaiveDate::from_ymd_opt(2026, 11, 28).unwrap());
    let thirteen = Birth::new(2013, 3, now).unwrap();
    let leads = |profile: &str| {
        let book = book(profile);
        State::of_answer(&book, thirteen.answer(now, book.thresholds(Some("US"), &[])))
    };
    assert_eq!(leads("no_pi_under_14"), State::Blocked);
    assert_eq!(leads("guardian_under_18"), State::Unlinked);
    assert_eq!(leads("never_knowingly_13"), State::Cleared);
    assert_eq!(leads("general_no_target"), State::Cleared);
}

/// R-MN-3, T-MIN-4, R-MN-4: where a site asks nothing more of somebody under 18, they get an account, stay under age in
/// it, and are asked nothing about vendors, in a browser in which nobody answered anything either.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_guardians_lets_the_young_in_as_the_young() {
    let app =
        TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "never_knowingly_13"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")])
            .await;
    let mut browser = app.visitor();
    answers(&mut browser, 15).await.is(303);
    let fields = [("name", "Kit"), ("email", "kit@example.com"), ("password", PASSWORD)];
    browser.send("/sign-up", "/sign-up", &fields).await.is(303);
    app.run_jobs().await;
    let link = link_in(&app, "kit@example.com", "/confirm/");
    browser.get(&link).await.is(303);
    // Another browser, in which nobody answered anything.
    let mut other = app.visitor();
    other.send("/sign-in", "/sign-in", &[("email", "kit@example.com"), ("password", PASSWORD)]).await.is(303);
    for path in ["/", "/search", "/account", "/privacy/choices"] {
        let page = other.get(path).await.is(200);
        assert!(!page.has("data-consent-banner") && !page.has("data-vendor"), "{path}");
    }
    let told = other.get("/privacy/choices").await;
    assert!(told.has("who is not of age") && !told.has("under 18"), "no limit is named afterwards either");
    // Without a guardian there is nobody to ask: the studio is open.
    other.get("/studio").await.is(200);
}

/// What was typed stands nowhere: not in a row, not in a letter. T-AGE-7, R-AG-4.
#[tokio::test(flavor = "multi_thread")]
async fn the_month_that_was_typed_is_in_no_row_and_no_letter() {
    let app = TestApp::new().await;
    let mut browser = app.visitor();
    let (year, month) = born(15);
    answers(&mut browser, 15).await.is(303);
    let fields = [("name", "Rain Kid"), ("guardian_email", "grace@example.com")];
    browser.send("/sign-up", "/guardian", &fields).await.is(303);
    app.run_jobs().await;
    let typed = format!("{year}-{month:0>2}");
    let text = app.every_row().await;
    assert!(text.contains("Rain Kid"), "rows are read");
    assert!(!text.contains(&typed), "{typed}");
    for letter in app.app.mail.letters() {
        assert!(!letter.text.contains(&typed) && !letter.text.contains(&year));
    }
}

/// S0-16: nothing tracks, the pages say so, and Global Privacy Control is obeyed and said to be. T-GPC-3, R-SG-3: to
/// machines, too, at the address they know. S2-53: the edition says when it was last updated. S0-29: cookies are
/// listed. S0-20, S1-44: the newest edition is there, the one before can still be read, and what changed, word for
/// word. S1-31: whoever finds a hole is told whom to write to.
#[tokio::test(flavor = "multi_thread")]
async fn the_privacy_pages_say_what_is_true() {
    let app = TestApp::new().await;
    let mut browser = app.visitor();
    let page = browser.get("/privacy").await.is(200);
    for cookie in ["session", "forms", "basket", "notice", "al", "ward", "remembered"] {
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
    // What changed, word for word, in either direction.
    let changed = format!("/privacy/difference/2026-11-25/{day}");
    assert!(page.links().contains(&changed));
    let differs = browser.get(&changed).await.is(200);
    assert!(differs.has("pages unless you said yes to it.</ins>") && differs.has("<del>pages.</del>"));
    let back = browser.get(&format!("/privacy/difference/{day}/2026-11-25")).await.is(200);
    assert!(back.has("pages unless you said yes to it.</del>"));
    let same = browser.get(&format!("/privacy/difference/{day}/{day}")).await.is(200);
    assert!(same.has("They say the same.") && !same.has("<ins>") && !same.has("<del>"));
    browser.get(&format!("/privacy/difference/2020-01-01/{day}")).await.is(404);
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

/// What nobody is asked for their age before, in a shop that is for children, too. A page that is not in here is behind the
/// screen, or for people with an account.
const UNASKED: [&str; 73] = [
    // The screen, and the page that shows it until it was answered.
    "/age",
    "/sign-up",
    // The ways to an account that there is: its owner was asked when it was made.
    "/sign-in",
    "/sign-up/letter",
    "/account/reset",
    "/account/reset/letter",
    // Links of letters.
    "/confirm/<token>",
    "/reset/<token>",
    "/letters/stop/<word>",
    "/letters/<letter>/<day>/seen.gif",
    "/letters/<letter>/<day>/to/<path..>",
    // Who answers for somebody; and who was asked and waits for that answer.
    "/guardian",
    "/guardian/<claim>",
    "/guardians",
    "/guardians/<token>/text",
    "/guardians/checked",
    "/guardians/<token>",
    "/guardians/<token>/data.json",
    "/guardians/<token>/form.json",
    "/guardians/<token>/form.pdf",
    // What the law wants anybody to find, and the proof of what was chosen.
    "/privacy",
    "/privacy/<day>",
    "/privacy/ads",
    "/privacy/children",
    "/privacy/choices",
    "/privacy/difference/<day>/<edition>",
    "/privacy/notices/<hash>",
    "/privacy/receipts/<file>",
    "/privacy/receipts/<id>",
    "/privacy/receipts/verify",
    "/privacy/retention",
    "/privacy/rights",
    "/privacy/vendor-list.json",
    "/privacy/vendors",
    "/consent-log/consistency",
    "/consent-log/entries",
    "/consent-log/proof",
    "/.well-known/consent-log/head.json",
    "/.well-known/gpc.json",
    // The terms, and whether a licence is one of ours.
    "/licences",
    "/licences/<tier>",
    "/licences/<tier>/<edition>",
    "/verify",
    "/verify/<number>",
    "/status/<purpose>",
    "/status/<purpose>/<list>",
    "/ns/licence/v1",
    "/ns/odrl/v1",
    "/.well-known/did.json",
    // Bytes that pages are made of, and sounds.
    "/static/<path..>",
    "/favicon.ico",
    "/pictures/<name>",
    "/<handle>/picture",
    "/tracks/<slug>/artwork.svg",
    "/tracks/<slug>/offers.jsonld",
    "/tracks/<slug>/peaks.dat",
    "/tracks/<slug>/peaks.json",
    "/tracks/<slug>/preview.mp3",
    "/tracks/<slug>/sample.mp3",
    // For machines.
    "/.well-known/security.txt",
    "/robots.txt",
    "/opensearch.xml",
    "/sitemap.xml",
    "/sitemap/pages.xml",
    "/sitemap/profiles.xml",
    "/sitemap/tracks.xml",
    "/healthz",
    "/readyz",
    "/metrics",
    // Of the ad origin alone.
    "/frame/<vendor>/<place>",
    "/frame/robots.txt",
    // No pages, and no way for anybody who was not asked: they are not there.
    "/leave/vendor/<id>/<what>/away",
    "/leave/<handle>/<n>/away",
];

/// An address of this route.
fn filled(route: &str) -> String {
    let parts = route.split('/').map(|part| match part {
        "<handle>" => "@ines",
        part if part.starts_with('<') => "1",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// T-AGE-4, R-AG-1, S1-29: whoever was not asked for their age yet finds a field for something about themselves on no page of the
/// shop, but where people who have an account already, or answer for one, come in. In a shop that is for children, too, they
/// find no page at all: each leads to the screen, and from there back, but for those that are listed above.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_asked_of_whoever_was_not_asked_yet() {
    for (profile, is_for_children) in [("guardian_under_18", false), ("mixed_audience_vpc", true)] {
        let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", profile)]).await;
        let rocket = cuehouse::rocket(app.app.clone()).ignite().await.unwrap();
        let gets = rocket.routes().filter(|route| route.method == rocket::http::Method::Get);
        let routes: BTreeSet<String> = gets.map(|route| route.uri.path().to_owned()).collect();
        let (mut asked, mut asking, mut behind, mut open) = (0, vec![], BTreeSet::new(), BTreeSet::new());
        for route in &routes {
            let at = filled(route);
            let seen = app.visitor().get(&at).await;
            assert!(seen.status < 500, "{at}: {}", seen.status);
            let to = seen.header("location").unwrap_or_default().to_owned();
            if to.starts_with("/age") {
                let back: String = url::form_urlencoded::byte_serialize(at.as_bytes()).collect();
                assert_eq!((seen.status, to), (303, format!("/age?to={back}")));
                assert_eq!(seen.header("cache-control"), Some("private, no-store"), "{at}");
                behind.insert(route.as_str());
            } else if !to.starts_with("/sign-in?next=") {
                open.insert(route.as_str());
            }
            if route.contains('<') {
                continue;
            }
            asked += 1;
            let page = seen.text();
            let personal = ["email", "guardian_email", "name", "password", "handle", "about", "licensee"];
            if personal.iter().any(|field| page.contains(&format!("name=\"{field}\""))) {
                asking.push(route.as_str());
            }
        }
        assert!(asked > 40, "{asked}");
        assert_eq!(asking, ["/account/reset", "/guardians", "/sign-in"], "{profile}");
        if is_for_children {
            assert_eq!(open, BTreeSet::from(UNASKED));
            for page in ["/", "/search/", "/tracks/<slug>/", "/<handle>/", "/cart/", "/ads/<id>/go/"] {
                let is_page = |route: &&str| route.trim_end_matches('/') == page.trim_end_matches('/');
                assert!(behind.iter().any(is_page), "{page}");
            }
        } else {
            assert!(behind.is_empty(), "{behind:?}");
        }
    }
}

/// R-AG-2, R-MN-3, R-MN-4: what is only for grown-ups stands behind a proof that neither an account nor a role replaces. Whoever
/// was not asked is led to the question and back, without a word of any age; the young are told kindly, with no way around; and
/// nobody is asked anything for a no.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_grown_ups_asks_whoever_was_not_asked_and_tells_the_young() {
    let app = TestApp::with(&[
        ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"),
        ("CUEHOUSE_VENDORS", "ga4=G-TEST"),
        ("CUEHOUSE_PRIVACY_SELF_CHECK_HOURS", "0"),
    ])
    .await;
    let young = age::seal(&app.app.keys.seal, Band::Minor, Timestamp::now());
    let mut browser = app.visitor();
    let choices = browser.get("/privacy/choices").await.is(200);
    let ask = choices.link("/age?to=").expect("the question, from the page of choices");
    assert!(!choices.has("under 18"), "no limit is named before the question");
    // Nothing stands there to press; pressed by hand, the page of before is where the way back leads.
    let form = [("csrf", choices.csrf().unwrap()), ("choice", "accept".into())];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = "application/x-www-form-urlencoded";
    let elsewhere = "https://evil.example/privacy/choices".to_owned();
    for (from, to) in [(format!("{}/privacy/choices", app.url), ask.as_str()), (elsewhere, "/age?to=%2F")] {
        let body = form.clone().into_bytes();
        let seen = browser.post_raw("/privacy/choices", kind, body, &[("Referer", &from)]).await.is(451);
        assert_eq!(seen.link("/age").as_deref(), Some(to), "{from}");
        assert!(seen.has("One question first"));
        assert!(!seen.has("grown-up") && !seen.has("under 18"), "{}", seen.text());
    }
    // The answer leads back, the same for every age and never out of the site.
    let mut kid = app.visitor();
    for (who, years) in [(&mut browser, 40), (&mut kid, 15)] {
        let (year, month) = born(years);
        let fields = [("birth_year", year.as_str()), ("birth_month", month.as_str())];
        assert_eq!(who.send(&ask, "/age", &fields).await.is(303).location(), "/privacy/choices");
    }
    for wrong in ["//evil.example/", "https://evil.example", "/sign-in?next=/", "/age"] {
        let mut other = app.visitor();
        let page = format!("/age?to={wrong}");
        let fields = [("birth_year", "1980"), ("birth_month", "4")];
        assert_eq!(other.send(&page, "/age", &fields).await.is(303).location(), "/sign-up", "{wrong}");
    }
    browser.says("/privacy/choices", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    for choice in ["accept", "save"] {
        let fields = [("choice", choice), ("purpose.analytics", "on"), ("vendor.ga4", "on")];
        let told = kid.says("/privacy/choices", "/privacy/choices", &fields).await.is(451);
        assert!(told.has("This is for grown-ups") && told.link("/age").is_none());
    }
    // An account of somebody of age, in a browser in which somebody younger answered: the youngest counts.
    let mut ada = app.person("Ada Field", &[Role::Uploader, Role::Reviewer]).await;
    let (letter, topics) = ([("topic.marketing_email", "on")], [("personal", "on")]);
    let shown = [("shown", "on")];
    /// A page, where its form goes, and its fields.
    type Yes<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
    let yes: [Yes<'_>; 3] = [
        ("/privacy/choices", "/privacy/letters", &letter),
        ("/privacy/ads", "/privacy/ads", &topics),
        ("/account", "/account/age", &shown),
    ];
    ada.set_cookie("al", &young);
    let before = app.app.db.read(log::size).await.unwrap();
    for (page, action, fields) in yes {
        let told = ada.says(page, action, fields).await.is(451);
        assert!(told.has("This is for grown-ups") && told.link("/age").is_none(), "{action}");
    }
    ada.get("/admin").await.is(451);
    ada.get("/account").await.is(200);
    assert_eq!(app.app.db.read(log::size).await.unwrap(), before, "nothing was changed");
    let mut grown = ada.window();
    grown.set_cookie("al", &age::seal(&app.app.keys.seal, Band::Adult, Timestamp::now()));
    for (page, action, fields) in yes {
        grown.says(page, action, fields).await.is(303);
    }
    grown.get("/admin").await.is(200);
    assert!(browser.get("/@ada-field").await.is(200).has("of age"));
    // Taking it back asks nothing of anybody.
    for (page, action, _) in yes {
        ada.says(page, action, &[("asked", "personal")]).await.is(303);
    }
    assert!(!browser.get("/@ada-field").await.is(200).has("of age"));
}
