//! Every kind of page, looked at by axe: no violation of WCAG 2.2 AA that a program can find, by day and by night.

use cuehouse::accounts::user::Role;
use cuehouse::catalogue::track::Track;
use cuehouse::clock::Timestamp;
use serde_json::Value;

use crate::sales::http::{OnSale, adds, buys, numbers};
use crate::support::app::TestApp;
use crate::support::chromium::{Chromium, Driver};
use crate::support::shelf::{drafted, piece, seller, shelve};
use crate::support::tools;

/// What axe finds on this page, a line each.
const LOOK: &str = r"
const done = arguments[arguments.length - 1];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run(document, { resultTypes: ['violations'], runOnly: { type: 'tag', values: tags } }).then(
  ({ violations }) => done(violations.map((v) => `${v.id} (${v.impact}): ${v.help}: ` + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' // ' + n.any.concat(n.all, n.none).map((c) => c.message).join('; ').slice(0, 200)).join(' | '))),
  (error) => done([String(error)]),
);
";

async fn looks(browser: &Chromium, who: &str, pages: &[String], wrong: &mut Vec<String>) {
    for is_dark in [false, true] {
        browser.looks(1280, 900, is_dark).await;
        for page in pages {
            browser.open(page).await;
            browser.until("document.readyState === 'complete' && window.axe").await;
            let found = browser.client.execute_async(LOOK, vec![]).await.unwrap();
            let Value::Array(found) = found else { panic!("{page}: {found}") };
            let night = if is_dark { ", at night" } else { "" };
            wrong.extend(
                found.iter().map(|line| format!("{who} at {page}{night}: {}", line.as_str().unwrap_or("?"))),
            );
        }
    }
}

/// T-A11Y-1, R-UX-2: banner, choices, vendors, rights, receipts, checkout, studio and all the others.
#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_kind_of_page() {
    let Some(driver) = Driver::start() else { return };
    let Some(axe) = tools::package("axe-core/axe.min.js") else { return };
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc,histats=77")]).await;
    let ines = seller(&app.app.db, "Ines").await;
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let (href, slug) = (track.href(), track.slug.to_string());
    let mut visitor = app.visitor();
    let accepted = visitor
        .send("/privacy/choices", "/privacy/choices", &[("choice", "accept"), ("all", "yes")])
        .await
        .is(303);
    let receipt = visitor.get(accepted.location()).await.is(200).link("/privacy/receipts/").unwrap();
    visitor.waits_for("/search?q=rain", &slug).await;
    let mut wrong = vec![];
    let open = |pages: &[&str]| pages.iter().map(|page| (*page).to_owned()).collect::<Vec<_>>();

    // Somebody who comes in for the first time: the question stands on every page that has it.
    let browser = driver.desk(&app.url).await;
    browser.brings(&axe).await;
    let pages = open(&[
        "/",
        "/search?q=rain",
        "/search?q=zzzz",
        &href,
        "/@ines",
        "/licences",
        "/licences/creator",
        "/verify",
        "/cart",
        "/sign-in",
        "/age",
        "/account/reset",
        "/privacy",
        "/privacy/2026-11-25",
        "/privacy/difference/2026-11-25/2026-11-28",
        "/privacy/choices",
        "/privacy/vendors",
        "/privacy/rights",
        "/privacy/children",
        &receipt,
        "/privacy/receipts/verify",
        "/leave/vendor/ga4/privacy",
        "/nothing/here",
    ]);
    looks(&browser, "a visitor", &pages, &mut wrong).await;
    // The answer is announced.
    browser.looks(1280, 900, false).await;
    browser.open("/").await;
    browser.press_words("#consent-banner", "Reject all").await;
    browser
        .until("document.querySelector('[aria-live] [role=status]')?.textContent.includes('Refused')")
        .await;
    browser.client.close().await.unwrap();

    // Somebody who does everything.
    let mut person = app.person("Ada Admin", &[Role::Uploader, Role::Reviewer, Role::Admin]).await;
    let on_sale = OnSale { id: track.id.clone(), slug: track.slug.clone(), master: vec![] };
    adds(&mut person, &on_sale, "creator").await.is(303);
    let order = buys(&app, &mut person).await.split('?').next().unwrap().to_owned();
    let number = numbers(&person.get("/library").await.is(200)).remove(0);
    adds(&mut person, &on_sale, "business").await.is(303);
    let mine = drafted(&app.app, person.user.as_ref().unwrap(), piece("Wind in wires")).await;
    let waits = drafted(&app.app, &ines, piece("Slow kettle")).await;
    let submitted = waits.id.clone();
    app.app
        .db
        .write(move |conn| Track::find(conn, &submitted)?.submit(conn, &ines, Timestamp::now()))
        .await
        .unwrap();
    let browser = driver.desk(&app.url).await;
    browser.becomes(&person).await;
    browser.brings(&axe).await;
    let pages = open(&[
        "/cart",
        "/checkout",
        "/library",
        "/account",
        "/studio",
        "/studio/uploads/new",
        "/studio/profile",
        "/privacy/choices",
        "/admin",
        "/admin/review",
        "/admin/jobs",
        "/admin/orders",
        "/admin/security",
        &order,
        &format!("/verify/{number}"),
        &format!("/studio/tracks/{}/edit", mine.slug),
        &format!("/studio/uploads/{}", mine.upload),
        &format!("/admin/review/{}", waits.slug),
    ]);
    looks(&browser, "an admin", &pages, &mut wrong).await;
    browser.client.close().await.unwrap();
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}
