//! The age screen's edges: the day of birth, one answer for each browser, and what a device says.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Utc};
use cuehouse::Config;
use cuehouse::accounts::band::Hold;
use cuehouse::accounts::user::User;
use cuehouse::clock::Timestamp;
use cuehouse::consent::age::{Band, Birth};
use cuehouse::consent::choices::Choices;
use cuehouse::consent::decision::{Context, Reason, decide};
use cuehouse::consent::log;
use cuehouse::consent::place::Places;
use cuehouse::consent::rulebook::Rulebook;
use cuehouse::db::schema::age_signals;
use cuehouse::guardians::knowledge::{Sign, Source};
use cuehouse::guardians::state::State;
use diesel::prelude::*;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::browser::{Browser, Seen};
use crate::support::wards::{answers, born, ward, ward_of};

fn noon(date: NaiveDate) -> Timestamp {
    Timestamp(date.and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp_millis())
}

fn book(settings: &[(&str, &str)]) -> Rulebook {
    let env = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
}

/// T-AGE-3, R-AG-6: in every profile and at every place that has rules, at one that has none and where nobody said, the day
/// before, the day of and the day after the birthday: exact with the day, the younger until the month is over without it. What is
/// kept says the same month either way.
#[test]
fn every_profile_holds_its_thresholds_with_and_without_the_day() {
    let ruled = Places::shipped().unwrap().profiles.iter().flat_map(|profile| &profile.places);
    let places: Vec<Option<&str>> =
        [None, Some("XX")].into_iter().chain(ruled.map(|code| Some(code.as_str()))).collect();
    assert!(places.len() > 40, "{places:?}");
    let profiles = [
        "general_no_target",
        "never_knowingly_13",
        "no_pi_under_14",
        "guardian_under_18",
        "mixed_audience_vpc",
    ];
    for profile in profiles {
        let book = book(&[("CUEHOUSE_AGE_PROFILE", profile)]);
        for place in places.iter().copied() {
            let at = book.thresholds(place, &[]);
            for (threshold, below, above) in
                [(at.minimum, Band::Child, Band::Minor), (at.adult, Band::Minor, Band::Adult)]
            {
                for (month, day) in [(1, 1), (2, 28), (6, 15), (11, 30), (12, 31)] {
                    let birthday = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
                    for (days, exact) in [(-1, below), (0, above), (1, above)] {
                        let now = noon(birthday + chrono::Duration::days(days));
                        let birth = Birth::new(2026 - threshold as i32, month, now).unwrap();
                        let (with, without) =
                            (birth.on(day, now).unwrap().answer(now, at), birth.answer(now, at));
                        assert_eq!(with.band, exact, "{profile} {place:?} {threshold} {month}-{day} {days}");
                        let is_over = now.year_month() != (2026, month) && days > 0;
                        assert_eq!(without.band, if is_over { above } else { below }, "{month}-{day} {days}");
                        assert!(with.band >= without.band);
                        assert_eq!(with.next == without.next, with.band == without.band);
                    }
                }
            }
        }
    }
}

/// T-AGE-3, R-MN-3, R-CA-7: in California, where sixteen is the age from which somebody may allow a sale alone, 13 to
/// 15 and 16 to 17 are one band to us: with every yes there is, nobody is contacted until the eighteenth birthday.
#[test]
fn in_california_sixteen_changes_nothing_and_eighteen_does() {
    let book = book(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]);
    let vendor = book.on().next().unwrap();
    let today = NaiveDate::from_ymd_opt(2026, 6, 15).unwrap();
    let now = noon(today);
    let mut choices =
        Choices { place: Some("US-CA".into()), expires_at: Some(now.plus(1)), ..Choices::default() };
    choices.answer(vendor, true);
    choices.purposes.extend(vendor.purposes.iter().map(|purpose| (*purpose, true)));
    let at = book.thresholds(Some("US-CA"), &[]);
    let reason = |years: i32, days: i64| {
        let birthday = NaiveDate::from_ymd_opt(2026 - years, 6, 15).unwrap() - chrono::Duration::days(days);
        let birth =
            Birth::new(birthday.year(), birthday.month(), now).unwrap().on(birthday.day(), now).unwrap();
        let band = birth.answer(now, at).band;
        let decision = decide(&Context {
            book: &book,
            band: Some(band),
            age_locked: false,
            for_children: false,
            gpc: false,
            dnt: false,
            account_opted_out: false,
            ad_free: false,
            choices: &choices,
            country: None,
            letters_measured: false,
            load_once: None,
            now,
        });
        (band, decision.reasons[book.enabled[0].at])
    };
    for (years, days, band) in [
        (13, -1, Band::Child),
        (13, 0, Band::Minor),
        (13, 1, Band::Minor),
        (16, -1, Band::Minor),
        (16, 0, Band::Minor),
        (16, 1, Band::Minor),
        (18, -1, Band::Minor),
    ] {
        assert_eq!(reason(years, days), (band, Reason::AgeBand), "{years} {days}");
    }
    assert_eq!(reason(18, 0), (Band::Adult, Reason::Granted));
    assert_eq!(reason(18, 1), (Band::Adult, Reason::Granted));
}

/// T-AGE-3, T-AGE-5, R-AG-2: the day is a field like the others, empty, and asked of everyone alike; told, it makes the
/// answer exact to the day; one that cannot be is asked again.
#[tokio::test(flavor = "multi_thread")]
async fn the_day_may_be_told_and_makes_the_answer_exact() {
    let app = TestApp::new().await;
    let mut browser = app.visitor();
    let page = browser.get("/age").await.is(200).text();
    let field = page.split("name=\"birth_day\"").nth(1).unwrap().split('>').next().unwrap().to_owned();
    assert!(field.contains("value=\"\"") && !field.contains("required") && !field.contains("placeholder"));
    let today = Utc::now();
    let (year, month, day) =
        ((today.year() - 18).to_string(), today.month().to_string(), today.day().to_string());
    for (day, says) in [(day.as_str(), "name=\"email\""), ("", "Ask who answers for you")] {
        let mut browser = app.visitor();
        let fields = [("birth_year", year.as_str()), ("birth_month", &month), ("birth_day", day)];
        browser.send("/sign-up", "/age", &fields).await.is(303);
        assert!(browser.get("/sign-up").await.is(200).has(says), "{day:?}");
    }
    for (year, month, day) in
        [("1990", "2", "30"), ("1991", "2", "29"), ("1990", "4", "0"), ("1990", "4", "x")]
    {
        let fields = [("birth_year", year), ("birth_month", month), ("birth_day", day)];
        let seen = browser.send("/sign-up", "/age", &fields).await.is(422);
        assert!(seen.has("That month has no such day") && seen.has(&format!("value=\"{year}\"")));
        assert!(browser.cookie("al").is_none());
    }
}

fn age_of(years: i32) -> Vec<(&'static str, String)> {
    let (year, month) = born(years);
    vec![("birth_year", year), ("birth_month", month)]
}

async fn sends(browser: &mut Browser, form: &[(String, String)], years: i32) -> Seen {
    let mut all: Vec<(String, String)> = form.to_vec();
    all.extend(age_of(years).into_iter().map(|(name, value)| (name.to_owned(), value)));
    let pairs: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post("/age", &pairs).await
}

/// T-AGE-6, R-AG-3: an answer needs a screen that this browser was shown; posted by hand, with another
/// browser's form or with none, nothing is answered and the screen is shown.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_needs_a_screen_that_was_shown() {
    let app = TestApp::new().await;
    let (mut browser, mut other) = (app.visitor(), app.visitor());
    let mine = browser.get("/age").await.is(200).form("/age");
    let theirs = other.get("/age").await.is(200).form("/age");
    let field = |form: &[(String, String)], name: &str| {
        form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    let csrf = ("csrf".to_owned(), field(&mine, "csrf"));
    for screen in [None, Some(String::new()), Some(field(&theirs, "screen")), Some("made-up".to_owned())] {
        let mut form = vec![csrf.clone()];
        form.extend(screen.map(|screen| ("screen".to_owned(), screen)));
        let seen = sends(&mut browser, &form, 40).await.is(422);
        assert!(seen.has("name=\"birth_year\"") && browser.cookie("al").is_none());
    }
    // Without a cookie that forms are bound to there is no screen at all.
    let mut bare = app.visitor();
    sends(&mut bare, &mine, 40).await.is(403);
    // And then it is, once.
    sends(&mut browser, &mine, 40).await.is(303);
    sends(&mut browser, &mine, 40).await.is(409);
}

/// T-AGE-6, T-AGE-8, R-AG-3, R-AG-5: the first answer holds, whether it opened the door or not: in a tab that was open before
/// and knows nothing of it, in a form sent twice, and where the answer's own cookie was thrown away. Nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_holds_in_every_tab() {
    let app = TestApp::new().await;
    let before = app.app.db.read(log::size).await.unwrap();
    for (first, second, says) in [
        (9, 40, "We cannot open an account for you"),
        (40, 9, "name=\"email\""),
        (15, 40, "Ask who answers for you"),
    ] {
        let mut one = app.visitor();
        one.get("/age").await.is(200);
        let mut two = one.window();
        let (mine, theirs) = (one.get("/age").await.form("/age"), two.get("/age").await.form("/age"));
        sends(&mut one, &mine, first).await.is(303);
        // As if both had been sent before either was answered.
        let late = sends(&mut two, &theirs, second).await.is(409);
        assert!(late.has("This question was answered") && !late.has("name=\"birth_year\""));
        assert_eq!(two.cookie("al"), one.cookie("al"), "{first} then {second}");
        assert!(two.get("/sign-up").await.is(200).has(says), "{first} then {second}");
        // The same form once more, without its cookie; and a new screen.
        let mut three = one.window();
        three.set_cookie("al", "");
        sends(&mut three, &mine, second).await.is(409);
        three.set_cookie("al", "");
        let again = three.get("/age").await.is(200).form("/age");
        sends(&mut three, &again, second).await.is(409);
        assert!(three.get("/sign-up").await.is(200).has(says), "{first} then {second}");
        // A child leaves no basket either, in a row or in the browser.
        let put = three.says("/sign-up", "/cart", &[("track", "rain-on-tin"), ("tier", "creator")]).await;
        assert_eq!((put.status == 403, put.has("children make none here")), (first == 9, first == 9));
        assert!(three.cookie("basket").is_none());
    }
    // At the same moment: one of them is first, and both know which.
    let mut one = app.visitor();
    one.get("/age").await.is(200);
    let mut two = one.window();
    let (mine, theirs) = (one.get("/age").await.form("/age"), two.get("/age").await.form("/age"));
    let (a, b) = tokio::join!(sends(&mut one, &mine, 9), sends(&mut two, &theirs, 40));
    let mut both = [a.status, b.status];
    both.sort_unstable();
    assert_eq!(both, [303, 409]);
    assert_eq!(one.cookie("al"), two.cookie("al"));
    assert_eq!(app.app.db.read(log::size).await.unwrap(), before);
    assert!(app.app.mail.letters().is_empty());
}

const HEARD: [(&str, &str); 2] =
    [("CUEHOUSE_AGE_SIGNAL_HEADER", "Age-Bracket"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")];

fn meets(page: &Seen) -> bool {
    let named = page.header("content-security-policy").unwrap().contains("google");
    assert_eq!(page.has("data-vendor=\"ga4\""), named);
    named
}

/// T-AGE-9, R-SG-11, R-SG-10: a bracket in the header that the operator named switches vendors off in that very answer, and
/// makes nobody older; answers say that they depend on it. Without the setting it is a header like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_bracket_lowers_the_band_in_the_same_answer() {
    let app = TestApp::with(&HEARD).await;
    let mut browser = app.visitor();
    browser.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    let page = browser.get("/").await.is(200);
    assert!(meets(&page));
    let vary: Vec<&str> = page.headers.get_all("vary").iter().filter_map(|v| v.to_str().ok()).collect();
    assert!(vary.join(",").contains("Age-Bracket"), "{vary:?}");
    for (value, met) in [
        ("0-12", false),
        ("13-15", false),
        ("\"16-17\"", false),
        ("18+", true),
        ("18+, 13-15", false),
        ("x", true),
    ] {
        let page = browser.get_with("/", &[("Age-Bracket", value)]).await.is(200);
        assert_eq!(meets(&page), met, "{value}");
        assert!(met || !page.has("data-consent-banner"));
    }
    // Somebody who answered the screen as a grown-up is the younger all the same, also for the account that is asked for.
    let mut grown = app.visitor();
    let mut form = grown.get("/age").await.is(200).form("/age");
    form.extend(age_of(40).into_iter().map(|(name, value)| (name.to_owned(), value)));
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let kind = "application/x-www-form-urlencoded";
    grown.post_raw("/age", kind, body.into_bytes(), &[("Age-Bracket", "13-15")]).await.is(303);
    assert!(grown.get("/sign-up").await.is(200).has("Ask who answers for you"), "its word was sealed so");
    let mut late = app.visitor();
    answers(&mut late, 40).await.is(303);
    assert!(late.get("/sign-up").await.is(200).has("name=\"email\""));
    let young = late.get_with("/sign-up", &[("Age-Bracket", "0-12")]).await.is(200);
    assert!(young.has("We cannot open an account for you"));
    // And a signal of a grown-up makes nobody one.
    let mut kid = app.visitor();
    answers(&mut kid, 9).await.is(303);
    let page = kid.get_with("/sign-up", &[("Age-Bracket", "18+")]).await.is(200);
    assert!(page.has("We cannot open an account for you"));

    let deaf = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]).await;
    let mut browser = deaf.visitor();
    browser.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    assert!(meets(&browser.get_with("/", &[("Age-Bracket", "0-12")]).await.is(200)));
}

/// The signs about somebody.
async fn signs(app: &TestApp, browser: &Browser) -> Vec<Sign> {
    let user = browser.user.clone().unwrap();
    let all = app.app.db.read(move |conn| {
        let mine = age_signals::table.filter(age_signals::account.eq(user));
        Ok(mine.select(Sign::as_select()).load(conn)?)
    });
    all.await.unwrap()
}

async fn kept(app: &TestApp, browser: &Browser) -> User {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| User::find(conn, &user)).await.unwrap()
}

/// T-AGE-9, T-AGE-11, R-SG-11, R-RT-3, edge 18: a device that says its user is younger than the account does freezes it
/// in that request, once, however many come together; the staff see where it came from and settle it; whom they found
/// to be of age keeps the account, while nobody is contacted from a device that says otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_bracket_below_the_declared_age_freezes_the_account_and_the_staff_settle_it() {
    let app = TestApp::with(&HEARD).await;
    let mut ada = app.buyer("Ada Field").await;
    ada.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    assert!(meets(&ada.get("/").await.is(200)));
    ada.get_with("/account", &[("Age-Bracket", "18+")]).await.is(200);
    let before = app.app.db.read(log::size).await.unwrap();
    let young = [("Age-Bracket", "16-17")];
    let (mut a, mut b, mut c) = (ada.window(), ada.window(), ada.window());
    let (x, y, z) =
        tokio::join!(a.get_with("/", &young), b.get_with("/account", &young), c.get_with("/cart", &young));
    for seen in [x, y, z] {
        assert_eq!(seen.is(303).location(), "/held");
    }
    assert_eq!(app.app.db.read(log::size).await.unwrap(), before + 1, "one leaf");
    let owner = kept(&app, &ada).await;
    assert_eq!((owner.band, owner.hold), (Band::Minor, Some(Hold::Conflict)));
    assert_eq!(ward_of(&app, &ada).await.unwrap().state, State::Conflict);
    let known: Vec<(Source, Band)> = signs(&app, &ada).await.iter().map(|s| (s.source, s.bracket)).collect();
    assert_eq!(known, [(Source::Device, Band::Minor)]);
    // Without the header it stays so, and says why.
    assert_eq!(ada.get("/").await.is(303).location(), "/held");
    assert!(ada.get("/held").await.is(200).has("Your device or browser says"));
    let mut rae = app.reviewer().await;
    let desk = rae.get("/admin/age").await.is(200);
    assert!(desk.has("Ada Field") && desk.has("Their device says: under age"));
    let settle = format!("/admin/age/accounts/{}/finding", ada.user.clone().unwrap());
    rae.says("/admin/age", &settle, &[("finding", "adult")]).await.is(303);
    assert!(meets(&ada.get("/").await.is(200)));
    let page = ada.get_with("/", &young).await.is(200);
    assert!(!meets(&page) && !page.has("data-consent-banner"), "the band of this request is the lower one");
    ada.get_with("/account", &young).await.is(200);
    assert_eq!(kept(&app, &ada).await.hold, None);
    // A child's bracket is knowledge and no doubt, of somebody under age as well.
    let mut kit = app.uploader("Kit Kerr").await;
    assert_eq!(kit.get_with("/studio", &[("Age-Bracket", "0-12")]).await.is(303).location(), "/held");
    assert_eq!(kept(&app, &kit).await.hold, Some(Hold::Discovered));
    let (mut kid, _) = ward(&app, "Rain Kid", &["buy"]).await;
    kid.get_with("/account", &[("Age-Bracket", "13-15")]).await.is(200);
    assert_eq!(kid.get_with("/account", &[("Age-Bracket", "0-12")]).await.is(303).location(), "/held");
    assert_eq!(ward_of(&app, &kid).await.unwrap().state, State::Discovered);
}

/// R-SG-11: where the operator says that only their proxy hands the signal on, it counts from nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_may_count_from_the_proxy_alone() {
    let by_proxy = |trusted: &'static str| {
        let mut all = HEARD.to_vec();
        all.push(("CUEHOUSE_AGE_SIGNAL_FROM", "proxy"));
        all.push(("CUEHOUSE_AGE_SIGNAL_VALUES", "minor=17"));
        all.push(("CUEHOUSE_TRUSTED_PROXY", trusted));
        all
    };
    for (trusted, heard) in [("10.0.0.1", false), ("127.0.0.1", true)] {
        let app = TestApp::with(&by_proxy(trusted)).await;
        let mut browser = app.visitor();
        browser.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
        for (value, lowers) in [("minor", heard), ("13-15", false)] {
            let page = browser.get_with("/", &[("Age-Bracket", value)]).await.is(200);
            assert_eq!(meets(&page), !lowers, "{trusted} {value}");
        }
    }
    let env = |value: &str| BTreeMap::from([("CUEHOUSE_AGE_SIGNAL_HEADER".to_owned(), value.to_owned())]);
    for wrong in ["Cookie", "two words", "a:b"] {
        assert!(Config::read(None, &env(wrong)).is_err(), "{wrong}");
    }
    assert!(Config::read(None, &env("Sec-Age-Bracket")).is_ok());
}

/// T-AGE-7, R-AG-4: the day that was typed stands in no row, no letter and no cookie that can be read.
#[tokio::test(flavor = "multi_thread")]
async fn the_day_that_was_typed_is_in_no_row() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "never_knowingly_13")]).await;
    let mut browser = app.visitor();
    let fields = [("birth_year", "1987"), ("birth_month", "3"), ("birth_day", "23")];
    let seen = browser.send("/sign-up", "/age", &fields).await.is(303);
    assert!(!seen.header("set-cookie").unwrap().contains("1987"));
    let fields = [("name", "Ada Field"), ("email", "ada@example.com"), ("password", PASSWORD)];
    browser.send("/sign-up", "/sign-up", &fields).await.is(303);
    app.run_jobs().await;
    let text = app.every_row().await;
    assert!(text.contains("Ada Field"), "rows are read");
    for typed in ["1987-03", "1987-3", "23.03", "03-23"] {
        assert!(!text.contains(typed), "{typed}");
        assert!(app.app.mail.letters().iter().all(|letter| !letter.text.contains(typed)));
    }
}
