//! What every page says and sends about privacy, with a browser's signal and without it.

use std::time::Duration;

use crate::privacy::{VENDORS, chooses, clean, contacts, press, shop};
use crate::sales::http::{numbers, pays};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};
use crate::support::shelf::{Shelved, piece, shelve};

const GPC: [(&str, &str); 1] = [("Sec-GPC", "1")];
const HONOURED: &str = "Opt-out preference signal honored";

/// The main part of a page, without what is drawn anew for each: the hidden fields of forms.
fn main_of(seen: &Seen) -> String {
    let page = seen.text();
    let main = page.split("<main").nth(1).unwrap_or_else(|| panic!("no main part in {page}"));
    let main = main.split("</main>").next().unwrap();
    let mut pieces = main.split("<input type=\"hidden\"");
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        text.push_str(piece.split_once('>').unwrap().1);
    }
    text
}

/// The foot of a page.
fn foot_of(seen: &Seen) -> String {
    let page = seen.text();
    let foot = page.split("<footer").nth(1).unwrap_or_else(|| panic!("no foot in {page}"));
    foot.split("</footer>").next().unwrap().to_owned()
}

/// A shop with one track, which the search knows.
async fn stocked() -> (TestApp, Shelved) {
    let app = shop().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    app.visitor().waits_for("/search?q=rain", &track.href()).await;
    (app, track)
}

async fn sends(who: &mut Browser, path: &str, fields: &[(String, String)], headers: &[(&str, &str)]) -> Seen {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    who.post_raw(path, "application/x-www-form-urlencoded", body.into_bytes(), headers).await
}

/// From the basket to the download; what was answered at each step.
async fn buys_through(
    app: &TestApp,
    track: &Shelved,
    name: &str,
    headers: &[(&str, &str)],
) -> (Browser, Vec<(u16, String)>) {
    let mut who = app.buyer(name).await;
    let mut steps = vec![];
    let csrf = who.get_with("/cart", headers).await.is(200).csrf().unwrap();
    let offer = [("csrf", csrf.as_str()), ("track", track.slug.as_str()), ("tier", "creator")];
    let offer = offer.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let added = sends(&mut who, "/cart", &offer, headers).await;
    steps.push((added.status, added.location().to_owned()));
    for path in ["/cart", "/checkout"] {
        let page = who.get_with(path, headers).await;
        steps.push((page.status, main_of(&page).replace(name, "somebody")));
    }
    let mut form = who.get_with("/checkout", headers).await.form("/checkout");
    form.push(("licensee".into(), "Ada Field".into()));
    let sent = sends(&mut who, "/checkout", &form, headers).await;
    assert!(sent.location().starts_with(&app.stripe.url), "{}", sent.location());
    steps.push((sent.status, "the payment page".into()));
    let back = pays(app, &mut who, sent.location()).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await, "webhooks arrive");
    let order = who.get_with(&back, headers).await;
    steps.push((order.status, order.has("Thank you").to_string()));
    let library = who.get_with("/library", headers).await;
    let number = numbers(&library).pop().unwrap();
    let file = library.link(&format!("/library/{number}/")).unwrap();
    let download = who.get_with(&file, headers).await;
    steps.push((download.status, cuehouse::secrets::sha256(&download.bytes)));
    (who, steps)
}

/// T-GPC-7, R-SG-7: the whole way through the shop, search, track, sample, basket, checkout and download, is the same with a
/// signal and without: the same statuses and the same main part, nothing in between and nothing left out.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_treated_worse_for_a_signal() {
    let (app, track) = stocked().await;
    let (sample, href) = (track.at("sample.mp3"), track.href());
    let public =
        ["/", "/search?q=rain", href.as_str(), "/cart", "/licences", "/licences/creator", "/sign-in"];
    let mut visitor = app.visitor();
    for path in public {
        let (without, with) = (visitor.get(path).await.is(200), visitor.get_with(path, &GPC).await.is(200));
        assert!(with.has(HONOURED) && !without.has(HONOURED), "{path}");
        assert_eq!(main_of(&with), main_of(&without), "{path}");
    }
    let (without, with) = (visitor.get(&sample).await.is(200), visitor.get_with(&sample, &GPC).await.is(200));
    assert!(!with.bytes.is_empty() && with.bytes == without.bytes);
    let (_, without) = buys_through(&app, &track, "Ada Field", &[]).await;
    let (mut ben, with) = buys_through(&app, &track, "Ben Field", &GPC).await;
    assert_eq!(with, without);
    assert_eq!(without.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [303, 200, 200, 303, 200, 200]);
    // What somebody bought is shown alike.
    let (without, with) = (ben.get("/library").await.is(200), ben.get_with("/library", &GPC).await.is(200));
    assert_eq!(main_of(&with), main_of(&without));
}

/// T-GPC-4, R-SG-4: where a signal was applied the foot of the page says so, on every kind of page and on errors too; and
/// nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn the_foot_of_every_page_says_that_a_signal_was_applied() {
    let (app, track) = stocked().await;
    let mut buyer = app.buyer("Bea Buyer").await;
    let mut visitor = app.visitor();
    let href = track.href();
    let public = [
        "/",
        "/search",
        href.as_str(),
        "/licences",
        "/privacy",
        "/privacy/choices",
        "/cart",
        "/sign-in",
        "/sign-up",
    ];
    for path in public.into_iter().chain(["/privacy/vendors", "/nothing/here", "/tracks/nothing", "/@nobody"])
    {
        let (without, with) = (visitor.get(path).await, visitor.get_with(path, &GPC).await);
        assert!(matches!(with.status, 200 | 404) && with.status == without.status, "{path}");
        assert!(foot_of(&with).contains(HONOURED) && with.text().matches(HONOURED).count() == 1, "{path}");
        assert!(!without.has(HONOURED), "{path}");
    }
    // A form without its token, and what is another's: errors of other kinds.
    let body = Some(b"choice=accept".to_vec());
    let headers = [("Sec-GPC", "1"), ("Content-Type", "application/x-www-form-urlencoded")];
    let refused = visitor.ask(reqwest::Method::POST, "/privacy/choices", &headers, body).await.is(403);
    assert!(foot_of(&refused).contains(HONOURED));
    for path in ["/account", "/library"] {
        assert!(foot_of(&buyer.get_with(path, &GPC).await.is(200)).contains(HONOURED), "{path}");
    }
    assert!(foot_of(&buyer.get_with("/admin", &GPC).await.is(403)).contains(HONOURED));
}

/// T-GPC-3, R-SG-3: machines are told at the usual address, as JSON, without a detour, and since when.
#[tokio::test(flavor = "multi_thread")]
async fn machines_are_told_that_the_signal_is_obeyed() {
    let app = shop().await;
    let seen = app.visitor().get("/.well-known/gpc.json").await.is(200);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let said: serde_json::Value = serde_json::from_slice(&seen.bytes).unwrap();
    assert_eq!(said.as_object().unwrap().len(), 2);
    assert_eq!(said["gpc"], true);
    assert!(said["lastUpdate"].as_str().unwrap().parse::<chrono::NaiveDate>().is_ok(), "{said}");
}

/// T-GPC-8, R-SG-8: where the operator asks all the same, a signal still keeps everybody off, the page still says so, and
/// an answer is an answer: a no is not asked about again, a yes holds in spite of the signal.
#[tokio::test(flavor = "multi_thread")]
async fn whether_a_signal_is_a_no_is_the_operators_to_say() {
    for (setting, asks) in [("on", false), ("off", true)] {
        let app = TestApp::with(&[VENDORS, ("CUEHOUSE_PRIVACY_SIGNAL_REFUSES", setting)]).await;
        let mut browser = app.visitor();
        let page = browser.get_with("/", &GPC).await.is(200);
        clean(&page);
        assert!(page.has(HONOURED), "{setting}");
        assert_eq!(page.has("data-consent-banner"), asks, "{setting}");
        // The choice stays within reach either way.
        let choices = browser.get_with("/privacy/choices", &GPC).await.is(200);
        assert!(choices.has("value=\"accept\"") && choices.has("We obey it"), "{setting}");
        let mut no = app.visitor();
        chooses(&mut no, &[("choice", "refuse")]).await.is(303);
        let page = no.get_with("/", &GPC).await.is(200);
        assert!(!page.has("data-consent-banner"), "{setting}");
        clean(&page);
        let mut yes = app.visitor();
        press(&mut yes, "accept").await.is(303);
        let page = yes.get_with("/", &GPC).await.is(200);
        assert!(!page.has("data-consent-banner"), "{setting}");
        clean(&page);
        assert!(!contacts(&yes.get("/").await.is(200)).is_empty());
    }
}

/// T-CA-1, R-CA-1, R-CA-6: the foot of every kind of page leads, with the icon, to the privacy choices and, under the name
/// that Civil Code 1798.83 gives it, to the privacy rights.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_leads_to_choices_and_rights() {
    let (app, track) = stocked().await;
    let (mut admin, mut visitor, href) = (app.admin().await, app.visitor(), track.href());
    let public = [
        "/",
        "/search?q=rain",
        href.as_str(),
        "/@nobody",
        "/licences",
        "/licences/creator",
        "/verify",
        "/cart",
        "/sign-in",
        "/sign-up",
        "/age",
        "/account/reset",
        "/guardians",
        "/privacy",
        "/privacy/choices",
        "/privacy/vendors",
        "/privacy/rights",
        "/privacy/retention",
        "/privacy/children",
        "/privacy/ads",
        "/privacy/receipts/verify",
        "/leave/vendor/ga4/privacy",
        "/nothing/here",
    ];
    let own =
        ["/account", "/account/password", "/library", "/studio", "/admin", "/admin/review", "/admin/ads"];
    for (path, is_public) in public.map(|path| (path, true)).into_iter().chain(own.map(|path| (path, false)))
    {
        let browser = if is_public { &mut visitor } else { &mut admin };
        let seen = browser.open(path).await;
        assert!(matches!(seen.status, 200 | 403 | 404), "{path}: {}", seen.status);
        let foot = foot_of(&seen);
        let link = foot.split("href=\"/privacy/choices\"").nth(1).unwrap_or_else(|| panic!("{path}: {foot}"));
        let link = link.split("</a>").next().unwrap();
        assert!(
            link.contains("<svg class=\"opt-out\"") && link.ends_with("Your Privacy Choices"),
            "{path}: {link}"
        );
        assert!(foot.contains("<a href=\"/privacy/rights\">Your Privacy Rights</a>"), "{path}: {foot}");
    }
}

/// R-EN-3: what advertising interfaces of a browser there are is denied with every kind of answer, the other origin's too.
#[tokio::test(flavor = "multi_thread")]
async fn the_browsers_advertising_interfaces_are_denied() {
    let app = TestApp::with(&[
        VENDORS,
        ("CUEHOUSE_ADS_MODE", "vendor"),
        ("CUEHOUSE_ADS_ORIGIN", "http://frames.test"),
    ])
    .await;
    let there = [("Host", "frames.test")];
    let all: [(&str, &[(&str, &str)]); 7] = [
        ("/", &[]),
        ("/nothing/here", &[]),
        ("/healthz", &[]),
        ("/.well-known/gpc.json", &[]),
        ("/cart", &GPC),
        ("/robots.txt", &there),
        ("/nothing", &there),
    ];
    for (path, headers) in all {
        let seen = app.visitor().get_with(path, headers).await;
        let said = seen.header("permissions-policy").unwrap_or_else(|| panic!("{path} {headers:?}"));
        let denied: Vec<&str> = said.split(", ").filter_map(|one| one.strip_suffix("=()")).collect();
        for one in [
            "browsing-topics",
            "attribution-reporting",
            "join-ad-interest-group",
            "run-ad-auction",
            "shared-storage",
            "shared-storage-select-url",
            "private-aggregation",
            "private-state-token-issuance",
            "private-state-token-redemption",
        ] {
            assert!(denied.contains(&one), "{one} on {path} {headers:?}: {said}");
        }
    }
}
