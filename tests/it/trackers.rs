//! The theme park: in a real browser no vendor hears of anybody before a yes, after a no, under a signal or under age;
//! and what hostile markup on a page can reach. Every silence has its control: with a yes the same page is heard.

use cuehouse::accounts::user::{Role, User};
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::choices::Choices;
use cuehouse::consent::{account, age};
use cuehouse::guardians::growing;
use cuehouse::guardians::leaf::Stub;
use cuehouse::guardians::notice::Ground;
use cuehouse::guardians::state::State;
use cuehouse::guardians::ward::Ward;
use cuehouse::ids::Slug;

use crate::sales::http::{OnSale, adds, buys};
use crate::support::app::{TestApp, email_of};
use crate::support::browser::Browser;
use crate::support::chromium::{Chromium, Driver};
use crate::support::park::{Park, names_in};
use crate::support::shelf::{piece, seller, shelve};
use crate::support::wards::{answers, permitted, presses, proves_on_paper, signs_in, ward, ward_of};

async fn shop() -> TestApp {
    TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc,histats=77")]).await
}

async fn pages(app: &TestApp) -> Vec<String> {
    let ines = seller(&app.app.db, "Ines").await;
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let mut all: Vec<String> = [
        "/",
        "/search?q=rain",
        "/@ines",
        "/licences",
        "/cart",
        "/sign-in",
        "/age",
        "/verify",
        "/privacy",
        "/privacy/choices",
        "/privacy/vendors",
        "/leave/vendor/ga4/privacy",
        "/nothing/here",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(track.href());
    all
}

/// Somebody of age with every role, something bought, something in the basket and a track of their own, who decided nothing;
/// and a page of each kind that only people with an account have.
async fn signed_in(app: &TestApp) -> (Browser, Vec<String>) {
    let mut ada =
        app.person("Ada Everything", &[Role::Uploader, Role::Reviewer, Role::Support, Role::Admin]).await;
    let own = shelve(&app.app, &ada.user.clone().unwrap(), piece("Fog bell")).await;
    let rain = OnSale { id: own.id.clone(), slug: Slug::parse("rain-on-tin").unwrap(), master: vec![] };
    adds(&mut ada, &rain, "creator").await.is(303);
    let order = buys(app, &mut ada).await;
    adds(&mut ada, &rain, "business").await.is(303);
    let mut pages: Vec<String> = [
        "/",
        "/account",
        "/account/name",
        "/library",
        "/cart",
        "/checkout",
        "/studio",
        "/studio/profile",
        "/studio/uploads/new",
        "/privacy/choices",
        "/privacy/ads",
        "/admin",
        "/admin/ads",
        "/admin/ads/new",
        "/admin/age",
        "/admin/inquiries",
        "/admin/orders",
        "/admin/review",
        "/admin/security",
        "/nothing/here",
    ]
    .map(str::to_owned)
    .to_vec();
    pages.extend([order, format!("/studio{}/edit", own.href()), own.href()]);
    (ada, pages)
}

async fn walks(browser: &Chromium, pages: &[String]) {
    for page in pages {
        browser.open(page).await;
        browser.until("document.readyState === 'complete'").await;
    }
}

/// T-NET-1, T-NET-2, T-NET-3, R-CN-1, S3-57: nothing before a choice on any kind of page, signed out and signed in, nothing
/// after a no; a yes to one vendor is heard by it alone. The browser's own network log names none of them. T-GCM-1, R-TC-8: with the yes
/// Google is told first that all seven are denied, then what was granted, then the property.
#[tokio::test(flavor = "multi_thread")]
async fn no_vendor_hears_of_anybody_before_a_yes() {
    let Some(driver) = Driver::start() else { return };
    let (app, park) = (shop().await, Park::open().await);
    let pages = pages(&app).await;
    let (browser, log) = park.visitor(&driver, &app.url, "").await;
    walks(&browser, &pages).await;
    assert_eq!(park.hits().await, []);
    browser.open("/").await;
    browser.press_words("#consent-banner", "Reject all").await;
    browser.see(".notice").await;
    walks(&browser, &pages).await;
    assert_eq!(park.hits().await, []);
    // The pages of people with an account, before they decided anything.
    let (ada, own) = signed_in(&app).await;
    let mut same = ada.window();
    for page in &own {
        let status = if page == "/nothing/here" { 404 } else { 200 };
        let seen = same.get(page).await.is(status);
        assert!(page != "/" || seen.has("data-consent-banner"), "nothing is decided");
    }
    browser.client.delete_all_cookies().await.unwrap();
    browser.becomes(&ada).await;
    browser.open("/account").await;
    browser.see("form[action=\"/sign-out/everywhere\"]").await;
    walks(&browser, &own).await;
    assert_eq!(park.hits().await, []);
    assert_eq!(names_in(browser, log).await, Vec::<String>::new());
    // The control: the same pages, one yes.
    let (browser, _) = park.visitor(&driver, &app.url, "").await;
    browser.open("/privacy/choices").await;
    for name in ["purpose.analytics", "vendor.ga4"] {
        browser.press(&format!("main label:has([name=\"{name}\"])")).await;
    }
    browser.press_words("main", "Save these choices").await;
    browser.see(".notice").await;
    park.hears("googletagmanager.com").await;
    park.hears("google-analytics.com").await;
    walks(&browser, &pages).await;
    let others: Vec<_> = park.hits().await.into_iter().filter(|hit| !hit.host.contains("google")).collect();
    assert_eq!(others, []);
    // First everything denied, then what was granted, then the property.
    browser.open("/").await;
    browser.until("window.parkedGa").await;
    let said = browser.value("window.parkedGa").await;
    let said: Vec<Vec<serde_json::Value>> = serde_json::from_str(said.as_str().unwrap()).unwrap();
    let order: Vec<String> = said.iter().map(|call| format!("{} {}", call[0], call[1])).collect();
    assert!(
        order[0].contains("default") && order[1].contains("update") && order[3].contains("G-TEST"),
        "{order:?}"
    );
    assert!(said[0][2].as_object().unwrap().len() == 7);
    assert!(said[0][2].as_object().unwrap().values().all(|v| v == "denied"));
    assert_eq!(
        (&said[1][2]["analytics_storage"], &said[1][2]["ad_storage"]),
        (&"granted".into(), &"denied".into())
    );
    browser.client.close().await.unwrap();
}

/// T-NET-4, T-CK-1, T-CK-4, R-CN-8, R-CN-9: a withdrawal with three tabs open: the others reload by themselves, nothing
/// is asked any more, and no cookie of theirs is left although they write it again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_reaches_every_open_tab() {
    let Some(driver) = Driver::start() else { return };
    let (app, park) = (shop().await, Park::open().await);
    let (browser, _) = park.visitor(&driver, &app.url, "").await;
    browser.open("/").await;
    browser.press_words("#consent-banner", "Accept all").await;
    browser.see(".notice").await;
    for vendor in ["google-analytics.com", "c.statcounter.com", "s4.histats.com"] {
        park.hears(vendor).await;
    }
    browser.until("document.cookie.includes('_ga=') && document.cookie.includes('HstCfa77')").await;
    let first = browser.client.window().await.unwrap();
    let mut tabs = vec![];
    for _ in 0..2 {
        let tab = browser.client.new_window(true).await.unwrap();
        browser.client.switch_to_window(tab.handle.clone()).await.unwrap();
        browser.open("/search").await;
        browser.until("window.parkedGa").await;
        tabs.push(tab.handle);
    }
    browser.client.switch_to_window(first.clone()).await.unwrap();
    browser.open("/privacy/choices").await;
    browser.press_words("form.choose", "Reject all").await;
    browser.see(".notice").await;
    // The two other tabs come back without anybody's script.
    for tab in &tabs {
        browser.client.switch_to_window(tab.clone()).await.unwrap();
        browser.until("document.readyState === 'complete' && !document.querySelector('[data-vendor]') && !window.parkedGa").await;
    }
    park.hits().await;
    for tab in &tabs {
        browser.client.switch_to_window(tab.clone()).await.unwrap();
        browser.open("/licences").await;
    }
    assert_eq!(park.hits().await, []);
    browser.until("!document.cookie.includes('_ga') && !document.cookie.includes('HstC') && !document.cookie.includes('sc_is')").await;
    browser.client.close().await.unwrap();
}

/// T-GPC-1, T-AGE-1, R-SG-1, R-EN-5: with a yes to everybody kept in the browser, a signal and the age question each
/// silence all.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_and_the_age_question_silence_everybody() {
    let Some(driver) = Driver::start() else { return };
    let (app, park) = (shop().await, Park::open().await);
    let mut person: Browser = app.visitor();
    person.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    for (band, signal) in
        [(None, false), (None, true), (Some(age::Band::Minor), false), (Some(age::Band::Child), false)]
    {
        let mut here = person.window();
        if let Some(band) = band {
            here.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
        }
        let (browser, log) = park.visitor(&driver, &app.url, "").await;
        browser.becomes(&here).await;
        if signal {
            browser.says(serde_json::json!({ "Sec-GPC": "1" })).await;
        }
        for page in ["/", "/search", "/licences"] {
            browser.open(page).await;
        }
        if band.is_none() && !signal {
            park.hears("google-analytics.com").await;
            park.hits().await;
            browser.client.close().await.unwrap();
            continue;
        }
        assert_eq!(park.hits().await, [], "{band:?} {signal}");
        assert_eq!(names_in(browser, log).await, Vec::<String>::new(), "{band:?} {signal}");
    }
}

/// A browser of this account that holds nothing but its session and a sealed yes of somebody else; a yes to every vendor, and
/// to everything they are for, is kept as the account's own word.
async fn forced(app: &TestApp, person: &Browser, sealed: &str) -> Browser {
    let (book, user) = (app.app.consent.clone(), person.user.clone().unwrap());
    app.app
        .db
        .write(move |conn| {
            let now = Timestamp::now();
            let expires_at = Some(now.plus(book.choice_ms));
            let mut all = Choices { decided_at: Some(now), expires_at, ..Choices::default() };
            for vendor in book.on() {
                all.answer(vendor, true);
                all.purposes.extend(vendor.purposes.iter().map(|purpose| (*purpose, true)));
            }
            account::keep(conn, &user, &all, now)
        })
        .await
        .unwrap();
    let mut here = app.visitor();
    here.set_cookie("session", person.cookie("session").unwrap());
    here.set_cookie("cs", sealed);
    here
}

/// Somebody whom the staff found to be younger than they said, signed in again.
async fn found_out(app: &TestApp, rae: &mut Browser, name: &str, age: &str) -> Browser {
    let (mut kid, email) = (app.buyer(name).await, email_of(name));
    let flag = [("account", email.as_str()), ("age", age), ("from", "staff")];
    rae.send("/admin/age", "/admin/age/flags", &flag).await.is(303);
    signs_in(app, &mut kid).await;
    kid
}

/// T-AGE-1, R-EN-5, R-MN-3, R-PV-4: in every state of somebody under age, and of somebody who was found to be, with a yes to
/// everybody kept in the database and in the browser, every kind of page loads and nobody hears of it. The control is a
/// grown-up with the same words.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_the_young_whatever_was_granted() {
    let Some(driver) = Driver::start() else { return };
    let app = TestApp::with(&[
        ("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc,histats=77"),
        ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"),
        ("CUEHOUSE_AGE_STRENGTH", "letter"),
    ])
    .await;
    let park = Park::open().await;
    let ines = seller(&app.app.db, "Ines").await;
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let mut ada = app.buyer("Ada Field").await;
    ada.send("/privacy/choices", "/privacy/choices", &[("choice", "accept"), ("all", "yes")]).await.is(303);
    let sealed = ada.cookie("cs").unwrap().to_owned();

    let (mut rae, mut boss) = (app.reviewer().await, app.admin().await);
    let (general, _) = permitted(&app, 15, "General Kid", false).await;
    let (authorised, _) = ward(&app, "Signed Kid", &["buy", "upload", "sell", "profile"]).await;
    let (mut ended, home) = ward(&app, "Ended Kid", &["buy"]).await;
    presses(&app, &home, "/ending").await.is(303);
    signs_in(&app, &mut ended).await;
    let found = found_out(&app, &mut rae, "Found Kid", "child").await;
    let doubted = found_out(&app, &mut rae, "Doubted Kid", "minor").await;
    let mut pending = found_out(&app, &mut rae, "Pending Kid", "minor").await;
    let mut waiting = found_out(&app, &mut rae, "Waiting Kid", "child").await;
    for (kid, name) in [(&mut pending, "Pending"), (&mut waiting, "Waiting")] {
        let parent = format!("{name}@example.com");
        kid.send("/held", "/held/guardian", &[("guardian_email", parent.as_str())]).await.is(303);
    }
    let (older, _) = permitted(&app, 9, "Older Kid", false).await;
    let ward_id = ward_of(&app, &older).await.unwrap().id;
    let (ground, stub) = (Ground::of(&app.app), Stub::draw().unwrap());
    let later = Timestamp::now().plus(6 * 366 * DAY);
    let grown = app.app.db.write(move |conn| growing::grow(conn, &ground, &ward_id, &stub, later)).await;
    assert!(grown.unwrap());
    let (internal, _) = permitted(&app, 9, "Inner Kid", false).await;
    let (disclosing, home) = permitted(&app, 9, "Heard Kid", true).await;
    proves_on_paper(&app, &home, &mut rae, &mut boss).await;
    let (mut over, home) = permitted(&app, 9, "Gone Kid", false).await;
    presses(&app, &home, "/ending").await.is(303);
    signs_in(&app, &mut over).await;
    // Somebody under age on a site that asks no guardian.
    let cleared = app.buyer("Cleared Kid").await;
    let user = cleared.user.clone().unwrap();
    let young = app.app.db.write(move |conn| {
        let (owner, known) = (User::find(conn, &user)?, age::Answer::from(age::Band::Minor));
        Ward::of_owner(&owner, known, State::Cleared, "never_knowingly_13", None, Timestamp::now())
            .insert(conn)?;
        User::set_band(conn, &user, age::Band::Minor, None)
    });
    young.await.unwrap();

    let (browser, log) = park.visitor(&driver, &app.url, "").await;
    let pages = [
        "/",
        "/search?q=rain",
        &track.href(),
        "/account",
        "/studio",
        "/privacy/vendors",
        "/held",
        "/nothing",
    ]
    .map(str::to_owned);
    for (person, state) in [
        (general, State::General),
        (authorised, State::Authorised),
        (ended, State::Ended),
        (found, State::Discovered),
        (internal, State::Internal),
        (disclosing, State::Disclosing),
        (doubted, State::Conflict),
        (pending, State::Pending),
        (waiting, State::Waiting),
        (older, State::AgedUp),
        (over, State::ChildEnded),
        (cleared, State::Cleared),
    ] {
        assert_eq!(ward_of(&app, &person).await.map(|ward| ward.state), Some(state));
        let here = forced(&app, &person, &sealed).await;
        browser.open("/healthz").await;
        browser.client.delete_all_cookies().await.unwrap();
        browser.becomes(&here).await;
        walks(&browser, &pages).await;
        assert_eq!(park.hits().await, [], "{state}");
    }
    // Nor of a browser without an account: one that was not asked yet on a site for children, and those that were.
    for years in [None, Some(9), Some(15)] {
        let mut here = app.visitor();
        if let Some(years) = years {
            answers(&mut here, years).await.is(303);
        }
        here.set_cookie("cs", &sealed);
        browser.open("/healthz").await;
        browser.client.delete_all_cookies().await.unwrap();
        browser.becomes(&here).await;
        walks(&browser, &pages).await;
        assert_eq!(park.hits().await, [], "{years:?}");
    }
    assert_eq!(names_in(browser, log).await, Vec::<String>::new());
    // The control: the same pages, the same words, of age.
    let here = forced(&app, &ada, &sealed).await;
    let (browser, _) = park.visitor(&driver, &app.url, "").await;
    browser.becomes(&here).await;
    walks(&browser, &pages[..3]).await;
    for vendor in ["google-analytics.com", "c.statcounter.com", "s4.histats.com"] {
        park.hears(vendor).await;
    }
    browser.client.close().await.unwrap();
}
