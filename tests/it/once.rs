//! Loaded once: where a vendor's advertisement stays off because of what its visitor said, a press of a button loads it for
//! one answer. Nothing is granted, and a receipt says that it was pressed.

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::choices::Choices;
use cuehouse::consent::log::{self, Kept};
use cuehouse::consent::purpose::Purpose;
use cuehouse::consent::receipt::{Action, Answer, Notice};
use cuehouse::consent::{account, age, children, disclosure, seal};
use cuehouse::ids::ReceiptId;
use cuehouse::jobs::calendar;
use reqwest::Method;

use crate::ads::SLOT;
use crate::frames::{FRAMED, ORIGIN, THERE, chooses, frame, named, shop};
use crate::support::app::{TestApp, email_of};
use crate::support::browser::{Browser, Seen};
use crate::support::chromium::{Chromium, Driver};
use crate::support::park::{Park, names_in};

const ONCE: &str = "/privacy/once";
const OFF: &str = "<aside class=\"stays-off\"";
const BUTTON: &str = "Load it here once";

type Headers = &'static [(&'static str, &'static str)];

/// A visitor who answered so, with the headers of their browser and why the vendor is off for them.
struct Off {
    browser: Browser,
    headers: Headers,
    why: &'static str,
}

/// One for each of the rows 6 to 11 of the decision.
async fn everyone_off(app: &TestApp) -> Vec<Off> {
    let off = |browser, headers, why| Off { browser, headers, why };
    let mut all = vec![off(app.visitor(), &[] as Headers, "you have not said yes")];
    for (choice, headers, why) in [
        ("refuse", &[] as Headers, "you said no"),
        ("opt_out", &[], "you opted out of sale and sharing"),
        ("accept", &[("Sec-GPC", "1")], "your browser asks for it"),
        ("accept", &[("DNT", "1")], "your browser asks for it"),
    ] {
        let mut browser = app.visitor();
        chooses(&mut browser, &[("choice", choice), ("all", "yes")]).await;
        all.push(off(browser, headers, why));
    }
    let now = Timestamp::now();
    let yes = |lasts: i64| {
        let vendor = app.app.consent.registry.vendor("adsense").unwrap();
        let mut choices = Choices {
            decided_at: Some(now.plus(-3 * DAY)),
            expires_at: Some(now.plus(lasts)),
            ..Choices::default()
        };
        choices.purposes.extend(vendor.purposes.iter().map(|purpose| (*purpose, true)));
        choices.answer(vendor, true);
        choices
    };
    let mut changed = yes(DAY);
    changed.vendors.get_mut("adsense").unwrap().print = "0123456789abcdef".into();
    for (choices, why) in
        [(yes(-DAY), "your yes has run out"), (changed, "what it does has changed since you said yes")]
    {
        let mut browser = app.visitor();
        browser.set_cookie("cs", &seal::close(&app.app.keys.seal, &choices));
        all.push(off(browser, &[], why));
    }
    all
}

/// Presses the button of a page, with these headers.
async fn presses(browser: &mut Browser, path: &str, headers: &[(&str, &str)]) -> Seen {
    let fields = browser.get_with(path, headers).await.is(200).form(ONCE);
    posts(browser, &fields, headers).await
}

async fn posts(browser: &mut Browser, fields: &[(String, String)], headers: &[(&str, &str)]) -> Seen {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    browser.post_raw(ONCE, "application/x-www-form-urlencoded", body.into_bytes(), headers).await
}

/// Sends what the form would, whether or not there is one.
async fn forces(browser: &mut Browser, vendor: &str, page: &str) -> Seen {
    browser.says("/privacy/choices", ONCE, &[("vendor", vendor), ("page", page)]).await
}

async fn leaves(app: &TestApp) -> u64 {
    app.app.db.read(log::size).await.unwrap()
}

/// The receipt that the line at the top of a page leads to.
async fn receipt(app: &TestApp, seen: &Seen) -> Kept {
    let link = seen.link("/privacy/receipts/").unwrap_or_else(|| panic!("no receipt: {}", seen.text()));
    let id = ReceiptId::parse(link.rsplit('/').next().unwrap()).unwrap();
    app.app.db.read(move |conn| log::kept(conn, &id)).await.unwrap()
}

/// Nothing of the vendor, and its name beside a button.
#[track_caller]
fn stays_off(seen: &Seen, path: &str) {
    assert!(seen.has(OFF) && !seen.has("<iframe") && !seen.has("frames.test"), "{path}: {}", seen.text());
    assert_eq!(named(seen), Vec::<String>::new(), "{path}");
}

/// The vendor's frame, and the ad origin alone in the headers.
#[track_caller]
fn is_loaded(seen: &Seen, path: &str) {
    assert!(seen.has(FRAMED) && !seen.has(OFF), "{path}: {}", seen.text());
    assert_eq!(named(seen), [ORIGIN, ORIGIN], "{path}");
}

/// R-CN-7: where a vendor's advertisement is off because of what its visitor, or their browser, said or did not say, a quiet
/// line names it and why, with one button; our own stands above it as before. Nowhere else is there one: not on pages
/// without a slot or for children, not for the young, for members without advertisements, where it is on, or where vendors
/// show nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_is_offered_where_the_visitors_own_word_stands_against_it() {
    let (app, pages) = shop(&[]).await;
    for Off { mut browser, headers, why } in everyone_off(&app).await {
        for path in &pages {
            let seen = browser.get_with(path, headers).await.is(200);
            stays_off(&seen, path);
            assert!(seen.has(SLOT), "{why}: our own stands on {path}");
            let line = seen.text().split(OFF).nth(1).unwrap().split("</aside>").next().unwrap().to_owned();
            assert!(line.contains(&format!("by Google AdSense stays off, because {why}")), "{line}");
            assert!(line.contains("href=\"/privacy/choices\"") && line.matches("<button").count() == 1);
            assert!(line.contains(BUTTON), "{line}");
            let fields = seen.form(ONCE);
            let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
            assert_eq!((field("vendor"), field("page")), (Some("adsense"), Some(path.as_str())));
        }
        for path in ["/licences", "/privacy", "/privacy/choices", "/privacy/vendors", "/cart", "/@ines"] {
            assert!(!browser.get_with(path, headers).await.is(200).has(ONCE), "{why} on {path}");
        }
        assert!(!browser.get_with("/nothing", headers).await.is(404).has(ONCE));
    }
    assert!(!app.visitor().get("/age").await.is(200).has(ONCE));
    let none = async |browser: &mut Browser, who: &str| {
        for path in &pages {
            assert!(!browser.get(path).await.is(200).has(ONCE), "{who} on {path}");
        }
    };
    let mut granted = app.visitor();
    chooses(&mut granted, &[("choice", "accept"), ("all", "yes")]).await;
    none(&mut granted, "granted").await;
    for band in [age::Band::Minor, age::Band::Child] {
        let mut young = app.visitor();
        young.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
        none(&mut young, "under age").await;
    }
    let mut ada = app.admin().await;
    none(&mut ad_free(&app, &mut ada).await, "without advertisements").await;
    // A page that appeals to children, however its address is written.
    let (by, track) = (ada.user.unwrap(), pages[2].clone());
    app.app.db.write(move |conn| children::mark(conn, &track, true, &by, Timestamp::now())).await.unwrap();
    app.app.child_pages.renew(&app.app.db).await.unwrap();
    let written = pages[2].replacen("/tracks/r", "/tracks/%72", 1);
    assert_ne!(written, pages[2]);
    for path in [&pages[2], &written] {
        let seen = granted.get(path).await;
        assert!(seen.status == 200 && !seen.has("<iframe"), "{path}: {}", seen.status);
        assert!(!app.visitor().get(path).await.has(ONCE), "{path}");
    }
    // Sites that vendors show nothing on, and one that is for children too.
    for settings in [
        [("CUEHOUSE_VENDORS", "ga4=G-TEST"), ("CUEHOUSE_ADS_MODE", "vendor")],
        [("CUEHOUSE_VENDORS", "ga4=G-TEST"), ("CUEHOUSE_ADS_MODE", "contextual")],
        [("CUEHOUSE_VENDORS", "ga4=G-TEST"), ("CUEHOUSE_ADS_MODE", "none")],
    ] {
        let app = TestApp::with(&settings).await;
        assert!(!app.visitor().get("/").await.is(200).has(ONCE), "{settings:?}");
        forces(&mut app.visitor(), "adsense", "/").await.is(422);
        forces(&mut app.visitor(), "ga4", "/").await.is(422);
        assert_eq!(leaves(&app).await, 0);
    }
    let (app, pages) = shop(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    assert!(!app.visitor().open(&pages[0]).await.is(200).has(ONCE), "the age screen is all there is");
    forces(&mut app.visitor(), "adsense", "/").await.is(422);
    let mut adult = app.visitor();
    adult.set_cookie("al", &age::seal(&app.app.keys.seal, age::Band::Adult, Timestamp::now()));
    assert!(adult.get(&pages[0]).await.is(200).has(ONCE));
    assert_eq!(leaves(&app).await, 0, "nothing was pressed");
}

/// A member without advertisements.
async fn ad_free(app: &TestApp, ada: &mut Browser) -> Browser {
    let member = app.buyer("Mel Member").await;
    let found = ada.send("/admin/ad-free", "/admin/ad-free", &[("email", &email_of("Mel Member"))]).await;
    let at = found.is(303).location().to_owned();
    ada.send(&at, &format!("{at}/grant"), &[("until", "")]).await.is(303);
    member
}

/// R-CN-7, R-CN-10, R-EN-1: a press loads the vendor's frame in the next answer for its page and in no other, for each reason
/// that it stands in for; it writes one receipt that holds for that minute, and what was chosen stays as it was. What is
/// loaded is chosen by nothing that anybody did before.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_loads_one_answer_and_grants_nothing() {
    let (app, pages) = shop(&[]).await;
    let mut shown = 0;
    for Off { mut browser, headers, why } in everyone_off(&app).await {
        let chosen = browser.cookie("cs").map(str::to_owned);
        for path in &pages {
            let before = leaves(&app).await;
            let pressed = presses(&mut browser, path, headers).await.is(303);
            assert_eq!(pressed.location(), format!("{path}#slot"), "{why}");
            let cookies = pressed.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
            let line = cookies.filter(|line| line.starts_with("once=")).collect::<Vec<_>>().join("\n");
            for part in ["HttpOnly", "SameSite=Lax", "Max-Age=60", "Path=/"] {
                assert!(line.contains(part), "{line}");
            }
            assert!(!line.contains("adsense") && line.lines().count() == 1, "{line}");
            let seen = browser.get_with(path, headers).await.is(200);
            is_loaded(&seen, path);
            assert_eq!(browser.cookie("once"), None, "{why} on {path}: it is taken away");
            assert!(
                seen.has("<meta name=\"consent\" content=\"\" data-once>"),
                "no other tab takes it for a yes"
            );
            assert!(!seen.has("Take back every yes"));
            let at = frame(&seen);
            let document = browser.get_with(&at, &[THERE]).await.is(200);
            assert!(document.has("data-npa=\"1\""), "{}", document.text());
            let restricts = !headers.is_empty() || why.starts_with("you opted out");
            assert_eq!(document.has("data-rdp=\"1\""), restricts, "{why}");
            shown += 1;
            let kept = receipt(&app, &seen).await;
            let said = &kept.receipt;
            assert_eq!(
                (said.action, said.surface.as_str(), &said.previous),
                (Action::LoadOnce, "ads", &None)
            );
            assert_eq!(said.valid_until.since(said.time), 60_000);
            let items: Vec<_> =
                said.items.iter().map(|i| (i.purpose.as_str(), i.vendor.as_str(), i.state)).collect();
            assert_eq!(items, [("ads", "adsense", Answer::Granted)]);
            assert_eq!(said.signals.gpc, headers.iter().any(|(name, _)| *name == "Sec-GPC"));
            assert_eq!(kept.account, None);
            // Loaded again: as before.
            stays_off(&browser.get_with(path, headers).await.is(200), path);
            assert_eq!(leaves(&app).await, before + 1, "{why} on {path}: one receipt");
            assert_eq!(browser.cookie("cs").map(str::to_owned), chosen, "{why}: no choice changed");
        }
        for path in &pages {
            stays_off(&browser.get_with(path, headers).await.is(200), path);
        }
    }
    calendar::write_down(&app.app).await.unwrap();
    let today = app.app.db.read(|conn| disclosure::of_day(conn, &Timestamp::now().day())).await.unwrap();
    let adsense: Vec<_> =
        today.into_iter().filter(|(who, ..)| who == "adsense").map(|(_, what, n)| (what, n)).collect();
    assert_eq!(adsense, [("ads".to_owned(), shown)], "advertising, and nothing personal");
}

/// R-CN-7, R-CN-10: an account's choices stay as they are too, and the receipt is the account's; what was shown is what the
/// receipt leads to.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_presses_keeps_its_choices() {
    let (app, pages) = shop(&[]).await;
    let mut bea = app.buyer("Bea Buyer").await;
    chooses(&mut bea, &[("choice", "refuse"), ("all", "yes")]).await;
    let user = bea.user.clone().unwrap();
    let kept = || {
        let user = user.clone();
        app.app.db.read(move |conn| account::of(conn, &user))
    };
    let before = kept().await.unwrap().choices.unwrap();
    let words = bea.get(&pages[2]).await.text();
    presses(&mut bea, &pages[2], &[]).await.is(303);
    let mut phone = app.visitor();
    phone.set_cookie("session", bea.cookie("session").unwrap());
    stays_off(&phone.get(&pages[2]).await.is(200), "another device");
    let seen = bea.get(&pages[2]).await.is(200);
    is_loaded(&seen, &pages[2]);
    let receipt = receipt(&app, &seen).await;
    assert_eq!(receipt.account.as_ref(), Some(&user));
    assert_eq!(kept().await.unwrap().choices.unwrap(), before);
    assert!(!before.purposes[&Purpose::Ads] && before.receipt.is_none());
    let page = bea.get(&format!("/privacy/receipts/{}", receipt.receipt.id)).await.is(200);
    assert!(page.has("You loaded something of another company once") && page.has("for one page, that once"));
    let hash = receipt.receipt.notice.hash.clone();
    let notice = app.app.db.read(move |conn| Notice::by_hash(conn, &hash)).await.unwrap();
    for line in notice.text.lines() {
        assert!(words.contains(line), "{line} was shown");
    }
    // The page that says who may see a visitor says it of itself, where it is the one.
    forces(&mut bea, "adsense", "/privacy/vendors").await.is(303);
    let page = bea.get("/privacy/vendors").await.is(200);
    assert!(page.has("On for this one page, because you asked for it.") && named(&page) == [ORIGIN, ORIGIN]);
    assert!(!bea.get("/privacy/vendors").await.has("On for this one page"));
}

/// R-CN-7, R-EN-2: what a press gave is for one browser, one page and one answer to somebody who goes there. A copy is worth
/// nothing afterwards, in another browser nothing at all; another page takes it away; what a page fetches leaves it alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_word_of_a_press_is_good_once() {
    let (app, pages) = shop(&[]).await;
    let mut browser = app.visitor();
    let path = &pages[1];
    presses(&mut browser, path, &[]).await.is(303);
    let word = browser.cookie("once").unwrap().to_owned();
    let mut stranger = app.visitor();
    stranger.get("/").await;
    stranger.set_cookie("once", &word);
    stays_off(&stranger.get(path).await.is(200), "another browser");
    assert_eq!(stranger.cookie("once"), None);
    // Nobody who goes there: it stays where it is.
    for headers in [
        &[("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")][..],
        &[("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")],
        &[("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Sec-Purpose", "prefetch")],
    ] {
        stays_off(&browser.get_with(path, headers).await.is(200), path);
        assert_eq!(browser.cookie("once"), Some(word.as_str()), "{headers:?}");
    }
    let head = browser.ask(Method::HEAD, path, &[], None).await.is(200);
    assert!(named(&head).is_empty() && browser.cookie("once").is_some());
    let (mut copy, mut elsewhere) = (browser.window(), browser.window());
    // Another page, and the same with another question: neither, and it is gone there.
    for other in ["/search?q=tin", "/search", "/", "/nothing"] {
        let mut here = elsewhere.window();
        let seen = here.get(other).await;
        assert!(!seen.has("<iframe") && named(&seen).is_empty(), "{other}");
        assert_eq!(here.cookie("once"), None, "{other}");
    }
    is_loaded(&browser.get(path).await.is(200), path);
    for late in [&mut copy, &mut elsewhere] {
        stays_off(&late.get(path).await.is(200), "a copy");
        assert_eq!(late.cookie("once"), None);
    }
    // What nobody sealed, and what was altered.
    let mut chars = word.clone();
    chars.replace_range(8..9, if word.as_bytes()[8] == b'A' { "B" } else { "A" });
    for forged in ["1", "adsense", &chars] {
        browser.set_cookie("once", forged);
        stays_off(&browser.get(path).await.is(200), forged);
        assert_eq!(browser.cookie("once"), None);
    }
}

/// R-CN-10: a button that is pressed twice, at the same moment or one after the other, writes one receipt and loads one
/// answer; without a receipt nothing is loaded.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_that_is_sent_twice_is_one() {
    let (app, pages) = shop(&[]).await;
    let mut browser = app.visitor();
    let fields = browser.get(&pages[0]).await.is(200).form(ONCE);
    let (mut one, mut other) = (browser.window(), browser.window());
    let (first, second) = tokio::join!(posts(&mut one, &fields, &[]), posts(&mut other, &fields, &[]));
    first.is(303);
    second.is(303);
    posts(&mut browser, &fields, &[]).await.is(303);
    assert_eq!(leaves(&app).await, 1);
    is_loaded(&one.get("/").await.is(200), "the first");
    for late in [&mut other, &mut browser] {
        stays_off(&late.get("/").await.is(200), "the same press");
    }
    // The next press is one of its own.
    presses(&mut browser, "/", &[]).await.is(303);
    assert_eq!(leaves(&app).await, 2);
    is_loaded(&browser.get("/").await.is(200), "the next");
    let broken = |conn: &mut cuehouse::db::Conn| {
        use diesel::RunQueryDsl;
        cuehouse::each_db!(conn, |c| diesel::sql_query(
            "ALTER TABLE consent_log RENAME TO consent_log_away"
        )
        .execute(c))?;
        Ok(())
    };
    let fields = browser.get("/").await.is(200).form(ONCE);
    app.app.db.write(broken).await.unwrap();
    posts(&mut browser, &fields, &[]).await.is(500);
    assert_eq!(browser.cookie("once"), None);
    stays_off(&browser.get("/").await.is(200), "no receipt, no frame");
}

/// R-CN-7, R-MN-3, R-EN-5: whoever may not be met by a vendor cannot press for one; nor can anybody for a vendor that shows
/// nothing here, or may already, or for a page that is not ours. Nothing is written, and nothing comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_that_may_not_be_changes_nothing() {
    let (app, pages) = shop(&[]).await;
    let began = leaves(&app).await;
    let refused = async |browser: &mut Browser, vendor: &str, page: &str| {
        let answer = forces(browser, vendor, page).await;
        assert_eq!(answer.status, 422, "{vendor} {page}");
        assert!(answer.has("Nothing was changed"), "{}", answer.text());
        assert_eq!(browser.cookie("once"), None, "{vendor} {page}");
    };
    for band in [age::Band::Minor, age::Band::Child] {
        let mut young = app.visitor();
        young.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
        refused(&mut young, "adsense", "/").await;
        let seen = young.get("/").await.is(200);
        assert!(!seen.has("<iframe") && named(&seen).is_empty());
    }
    let mut ada = app.admin().await;
    let mut member = ad_free(&app, &mut ada).await;
    refused(&mut member, "adsense", "/").await;
    let mut visitor = app.visitor();
    for vendor in ["", "nobody", "ga4", "doubleclick", "clicksor", "Google AdSense"] {
        refused(&mut visitor, vendor, "/").await;
    }
    for page in [
        "",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "search",
        "/#slot",
        "javascript:alert(1)",
        "http://frames.test/",
    ] {
        refused(&mut visitor, "adsense", page).await;
    }
    let (by, track) = (ada.user.unwrap(), pages[2].clone());
    app.app.db.write(move |conn| children::mark(conn, &track, true, &by, Timestamp::now())).await.unwrap();
    app.app.child_pages.renew(&app.app.db).await.unwrap();
    for page in
        [pages[2].clone(), pages[2].replacen("/tracks/r", "/tracks/%72", 1), format!("{}?a=b", pages[2])]
    {
        refused(&mut visitor, "adsense", &page).await;
    }
    // Without the token of a page.
    visitor.post(ONCE, &[("vendor", "adsense"), ("page", "/")]).await.is(403);
    assert_eq!(leaves(&app).await, began);
    assert!(visitor.get(ONCE).await.status == 404);
    let mut granted = app.visitor();
    chooses(&mut granted, &[("choice", "accept"), ("all", "yes")]).await;
    let began = leaves(&app).await;
    refused(&mut granted, "adsense", "/").await;
    assert_eq!(leaves(&app).await, began);
    is_granted(&granted.get("/").await.is(200));
    // Somebody who becomes a minor between the press and the page.
    let mut visitor = app.visitor();
    presses(&mut visitor, "/", &[]).await.is(303);
    visitor.set_cookie("al", &age::seal(&app.app.keys.seal, age::Band::Minor, Timestamp::now()));
    let seen = visitor.get("/").await.is(200);
    assert!(!seen.has("<iframe") && named(&seen).is_empty() && visitor.cookie("once").is_none());
}

#[track_caller]
fn is_granted(seen: &Seen) {
    assert!(seen.has(FRAMED) && seen.has("<meta name=\"consent\" content=\"adsense\">"), "{}", seen.text());
}

/// Brings the slot into view, where its frame is loaded.
async fn looks(browser: &Chromium) {
    browser.until("document.readyState === 'complete'").await;
    browser.value("(document.querySelector('#slot').scrollIntoView({ block: 'center' }), 0)").await;
}

/// T-UX-6, R-CN-7: after a no nobody is asked on any page; a press lets the vendor's host be asked once; the page loaded again,
/// and the pages one goes on to by a link, ask nobody. Without script the button does the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_loaded_once_is_asked_for_once() {
    let Some(driver) = Driver::start() else { return };
    let ((app, pages), park) = (shop(&[]).await, Park::open().await);
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let rules = format!("MAP frames.test 127.0.0.1:{port}, ");
    let (browser, log) = park.visitor(&driver, &app.url, &rules).await;
    browser.open("/").await;
    browser.press_words("#consent-banner", "Reject all").await;
    browser.see(".notice").await;
    for path in &pages {
        browser.open(path).await;
        looks(&browser).await;
    }
    assert_eq!(park.hits().await, []);
    assert_eq!(names_in(browser, log).await, Vec::<String>::new());
    let (browser, _) = park.visitor(&driver, &app.url, &rules).await;
    browser.open("/").await;
    browser.press_words("#consent-banner", "Reject all").await;
    browser.see(".notice").await;
    let began = leaves(&app).await;
    for (n, path) in pages.iter().enumerate() {
        browser.open(path).await;
        looks(&browser).await;
        assert_eq!(park.hits().await, [], "{path}: before the press");
        browser.press_words(".stays-off", BUTTON).await;
        browser.until("document.querySelector('.ad-apart iframe')").await;
        looks(&browser).await;
        park.hears("googleads.g.doubleclick.net").await;
        park.hears("springserve.com").await;
        park.hits().await;
        assert_eq!(leaves(&app).await, began + 1 + n as u64);
        browser.client.refresh().await.unwrap();
        browser.see(".stays-off").await;
        looks(&browser).await;
        assert_eq!(park.hits().await, [], "{path}: loaded again");
    }
    // Whoever goes on by a link gets a document of its own: the policy of what was loaded once ends with it.
    browser.open("/").await;
    browser.press_words(".stays-off", BUTTON).await;
    browser.until("document.querySelector('.ad-apart iframe')").await;
    looks(&browser).await;
    park.hears("springserve.com").await;
    park.hits().await;
    browser.value("(window.kept = true, 0)").await;
    browser.press(".main-nav a[href='/search']").await;
    browser.comes_to("/search").await;
    looks(&browser).await;
    assert_eq!(browser.value("window.kept === undefined").await, true);
    assert_eq!(park.hits().await, [], "the next page");
    browser.client.back().await.unwrap();
    browser.see(".stays-off").await;
    looks(&browser).await;
    assert_eq!(park.hits().await, [], "back again");
    browser.client.close().await.unwrap();
    let plain = driver.plain(&app.url).await;
    plain.open("/").await;
    plain.press_words("#consent-banner", "Reject all").await;
    plain.see(".notice").await;
    plain.press_words(".stays-off", BUTTON).await;
    plain.see(".ad-apart iframe").await;
    plain.client.refresh().await.unwrap();
    plain.see(".stays-off").await;
    plain.client.close().await.unwrap();
}
