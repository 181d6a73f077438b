//! Where redirects, forms and links lead under each policy: the table by which our own headers were chosen, kept so that a
//! browser that behaves otherwise is noticed; and that everything which must lead somewhere still does under them.

use std::collections::BTreeMap;
use std::time::Duration;

use rocket::figment::Figment;
use rocket::http::{ContentType, Status};
use rocket::response::Responder;
use rocket::{Request, Response, State, get, post, routes};

use crate::support::app::{TestApp, free_port};
use crate::support::chromium::{Chromium, Driver};
use crate::support::launch::launched;
use crate::support::park::Park;

/// What is tried, each under a host of its own.
const TRIES: [&str; 7] = [
    // A page fetches an address of ours.
    "own",
    // One that leads to another of ours, and one that leads to a vendor.
    "own-to-own",
    "own-to-vendor",
    // A form posted to us and answered by 303 to a page of ours, and to another origin.
    "post-own",
    "post-away",
    // A link to an address of ours that answers by 303 to another origin, and a plain link there.
    "link-303",
    "link",
];

/// Policies by name, and what gets through under each: measured in Chromium 156 (November 2026).
const TABLE: [(&str, &str, &str, [bool; 7]); 6] = [
    ("nothing", "", "", [true, true, true, true, true, true, true]),
    ("the list alone", "", "(response-origin)", [true, false, false, false, false, false, false]),
    (
        "redirects allowed",
        "",
        "(response-origin);redirects=allow",
        [true, true, true, true, true, true, false],
    ),
    ("ours", "CSP", "LIST", [true, true, false, true, false, true, false]),
    (
        "a vendor listed",
        "",
        "(response-origin \"https://*.evil.example\")",
        [true, false, false, false, false, false, true],
    ),
    ("CSP alone", "CSP", "", [true, true, false, true, false, true, true]),
];

struct Arm {
    csp: String,
    list: String,
}

struct Answer {
    status: Status,
    headers: Vec<(&'static str, String)>,
    html: String,
}

impl<'r> Responder<'r, 'static> for Answer {
    fn respond_to(self, _: &'r Request<'_>) -> rocket::response::Result<'static> {
        let mut response = Response::build();
        response.status(self.status).header(ContentType::HTML);
        for (name, value) in self.headers.into_iter().filter(|(_, value)| !value.is_empty()) {
            response.raw_header(name, value);
        }
        response.sized_body(self.html.len(), std::io::Cursor::new(self.html)).ok()
    }
}

fn under(arm: &Arm, html: &str) -> Answer {
    let headers = vec![
        ("Content-Security-Policy", arm.csp.clone()),
        ("Connection-Allowlist", arm.list.clone()),
        ("Cache-Control", "no-store".to_owned()),
    ];
    Answer { status: Status::Ok, headers, html: html.to_owned() }
}

fn to(address: String) -> Answer {
    Answer { status: Status::SeeOther, headers: vec![("Location", address)], html: String::new() }
}

#[get("/arm/<n>")]
fn page(n: usize, arms: &State<Vec<Arm>>) -> Answer {
    under(
        &arms[n],
        &format!(
            "<!doctype html><title>arm</title><form id=post-own method=post action=/post/{n}></form>\
             <form id=post-away method=post action=/away/post-away></form><a id=link-303 href=/away/link-303>a</a>\
             <a id=link href=https://link.evil.example/>b</a><script src=/tries.js></script>"
        ),
    )
}

#[get("/landed/<n>")]
fn landed(n: usize, arms: &State<Vec<Arm>>) -> Answer {
    under(&arms[n], "<!doctype html><title>landed</title>")
}

#[post("/post/<n>")]
fn posted(n: usize) -> Answer {
    to(format!("/landed/{n}"))
}

#[get("/own")]
fn own() -> &'static str {
    "own"
}

#[get("/own-to-own")]
fn own_to_own() -> Answer {
    to("/own".into())
}

#[get("/away/<host>")]
fn away(host: &str) -> Answer {
    to(format!("https://{host}.evil.example/"))
}

#[post("/away/<host>")]
fn away_posted(host: &str) -> Answer {
    to(format!("https://{host}.evil.example/"))
}

#[get("/tries.js")]
fn tries() -> (ContentType, &'static str) {
    (
        ContentType::JavaScript,
        "const ask = (path, mode) => fetch(path, { mode }).then(() => true, () => false);
         Promise.all([ask('/own', 'same-origin'), ask('/own-to-own', 'same-origin'), ask('/away/own-to-vendor', 'no-cors')])
           .then((all) => { window.fetched = all; });",
    )
}

/// Presses what has this id, and whether a vendor or our own page was reached.
async fn goes(browser: &Chromium, park: &Park, n: usize, id: &str) -> bool {
    browser.open(&format!("/arm/{n}")).await;
    let press = format!("const el = document.getElementById('{id}'); el.submit ? el.submit() : el.click()");
    browser.client.execute(&press, vec![]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    let here = browser.client.current_url().await.unwrap().path().to_owned();
    let heard = park.hits().await.iter().any(|hit| hit.host == format!("{id}.evil.example"));
    heard
        || id == "post-own"
            && here.starts_with("/landed/")
            && browser.value("document.title").await == "landed"
}

/// R-EN-3, R-EN-4, T-INJ-3: the table by which our own headers were chosen: why `redirects=allow` is in our header, why
/// no address of ours may lead elsewhere but by a navigation, and why the page that leads to payment names its origin.
#[tokio::test(flavor = "multi_thread")]
async fn redirects_and_links_lead_where_the_table_says() {
    let Some(driver) = Driver::start() else { return };
    let (app, park) = (TestApp::new().await, Park::open().await);
    let seen = app.visitor().get("/").await.is(200);
    let real = |word: &str| match word {
        "CSP" => seen.header("content-security-policy").unwrap().to_owned(),
        "LIST" => seen.header("connection-allowlist").unwrap().to_owned(),
        other => other.to_owned(),
    };
    let arms: Vec<Arm> =
        TABLE.iter().map(|(_, csp, list, _)| Arm { csp: real(csp), list: real(list) }).collect();
    let port = free_port();
    let figment =
        Figment::from(rocket::Config { log_level: rocket::config::LogLevel::Off, ..Default::default() })
            .merge(("address", "127.0.0.1"))
            .merge(("port", port))
            .merge(("cli_colors", false))
            .merge(("shutdown.ctrlc", false));
    let server = rocket::custom(figment)
        .manage(arms)
        .mount("/", routes![page, landed, posted, own, own_to_own, away, away_posted, tries]);
    let shutdown = launched(server).await;
    let (browser, _) = park.visitor(&driver, &format!("http://127.0.0.1:{port}"), "").await;
    let mut measured: BTreeMap<&str, [bool; 7]> = BTreeMap::new();
    for (n, (name, ..)) in TABLE.iter().enumerate() {
        browser.open(&format!("/arm/{n}")).await;
        browser.until("window.fetched").await;
        let fetched = browser.value("window.fetched").await;
        let heard = park.hits().await.iter().any(|hit| hit.host == "own-to-vendor.evil.example");
        let mut row = [fetched[0] == true, fetched[1] == true, heard, false, false, false, false];
        for (at, id) in TRIES.iter().enumerate().skip(3) {
            row[at] = goes(&browser, &park, n, id).await;
        }
        measured.insert(name, row);
    }
    browser.client.close().await.unwrap();
    shutdown.notify();
    println!("{:<18} {}", "", TRIES.map(|name| format!("{name:>14}")).concat());
    for (name, ..) in TABLE {
        let cells = measured[name].map(|is| format!("{:>14}", if is { "arrives" } else { "-" })).concat();
        println!("{name:<18} {cells}");
    }
    for (name, _, _, wanted) in TABLE {
        assert_eq!(measured[name], wanted, "{name}: {TRIES:?}");
    }
}

/// T-INJ-3: under the real headers the ways that must lead somewhere do: our own redirects, forms answered by 303, and the
/// notice on which one leaves. (Checkout, with its payment page, is walked in `browser`.)
#[tokio::test(flavor = "multi_thread")]
async fn what_must_lead_somewhere_does() {
    let Some(driver) = Driver::start() else { return };
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]).await;
    let park = Park::open().await;
    let rules = format!("MAP policies.google.com 127.0.0.1:{}, ", park.port);
    let (browser, _) = park.visitor(&driver, &app.url, &rules).await;
    // A link to an address that sends strangers on to sign in.
    browser.open("/").await;
    browser
        .client
        .execute("document.querySelector('.main-nav a[href=\"/studio\"]').click()", vec![])
        .await
        .unwrap();
    browser.comes_to("/sign-in").await;
    // A form answered by 303.
    browser.open("/").await;
    browser.press_words("#consent-banner", "Reject all").await;
    browser.see(".notice").await;
    assert_eq!(park.hits().await, []);
    // The way out, through our notice, and nobody learns where from.
    browser.open("/privacy/vendors").await;
    browser.press("#ga4 a[href='/leave/vendor/ga4/privacy']").await;
    browser.comes_to("/leave/vendor/ga4/privacy").await;
    browser.press("main .acts a.go").await;
    park.hears("policies.google.com").await;
    browser.until("location.host === 'policies.google.com'").await;
    assert_eq!(browser.value("document.referrer").await, "");
    browser.client.close().await.unwrap();
}
