//! No tracker without a yes: what plain HTTP can show of it. That a real browser obeys is shown in `trackers`.

use cuehouse::App;
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::choices::Choices;
use cuehouse::consent::purpose::Purpose;
use cuehouse::consent::{account, age, log, seal};
use cuehouse::db::Conn;
use diesel::RunQueryDsl;
use reqwest::Method;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};
use crate::support::shelf::{piece, seller, shelve};

pub const VENDORS: (&str, &str) = ("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc,histats=77");

/// What belongs to a vendor and to nobody else.
const SIGNS: [&str; 6] =
    ["googletagmanager", "google-analytics", "statcounter.com", "histats.com", "js/vendors/", "data-vendor"];

pub async fn shop() -> TestApp {
    TestApp::with(&[VENDORS]).await
}

/// What the headers let a browser contact beside us.
pub fn contacts(seen: &Seen) -> Vec<String> {
    let csp = seen.header("content-security-policy").expect("a policy");
    let list = seen.header("connection-allowlist").expect("a list of connections");
    let foreign = |text: &str| -> Vec<String> {
        let hosts = text.split([' ', ';', '"', '(', ')']).filter(|word| word.contains("://"));
        hosts.map(str::to_owned).collect()
    };
    let (mut all, listed) = (foreign(csp), foreign(list));
    assert_eq!(all.is_empty(), listed.is_empty(), "{csp}\n{list}");
    all.extend(listed);
    all.sort();
    all.dedup();
    all
}

/// Nothing of a vendor in the page or in its headers.
#[track_caller]
pub fn clean(seen: &Seen) {
    assert_eq!(contacts(seen), Vec::<String>::new());
    for sign in &SIGNS[4..] {
        assert!(!seen.has(sign), "{sign} in {}", seen.text());
    }
}

pub async fn press(browser: &mut Browser, choice: &str) -> Seen {
    browser.send("/", "/privacy/choices", &[("choice", choice)]).await
}

/// Presses on the screen of choices, which the banner does not cover.
pub async fn chooses(browser: &mut Browser, fields: &[(&str, &str)]) -> Seen {
    let csrf = browser.get("/privacy/choices").await.is(200).csrf().unwrap();
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields);
    browser.post("/privacy/choices", &all).await
}

pub async fn leaves(app: &App) -> u64 {
    app.db.read(log::size).await.unwrap()
}

/// T-CN-1, R-CN-1, T-HDR-2, R-SG-10, S0-32, S1-18: before a choice no page names a vendor to load, nor does any header;
/// what depends on a decision is kept by no cache. S0-30, S2-31: each page is there for a browser that never sent a cookie.
#[tokio::test(flavor = "multi_thread")]
async fn before_a_choice_no_page_knows_a_vendor() {
    let app = shop().await;
    let ines = seller(&app.app.db, "Ines").await;
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let href = track.href();
    let pages = [
        "/",
        "/search?q=rain",
        href.as_str(),
        "/@ines",
        "/licences",
        "/licences/creator",
        "/verify",
        "/cart",
        "/sign-in",
        "/sign-up",
        "/age",
        "/privacy",
        "/privacy/choices",
        "/privacy/vendors",
        "/privacy/rights",
        "/nothing/here",
        "/metrics",
        "/healthz",
        "/privacy/receipts/00000000000000000000000000000000",
    ];
    for path in pages {
        let seen = app.visitor().get(path).await;
        assert!(matches!(seen.status, 200 | 404), "{path}: {}", seen.status);
        clean(&seen);
        assert_eq!(seen.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(seen.header("x-dns-prefetch-control"), Some("off"), "{path}");
        assert_eq!(
            seen.header("reporting-endpoints"),
            Some("csp=\"/reports/csp\", ca=\"/reports/connection\"")
        );
        // R-SG-10: what depends on a decision is kept by nobody.
        if seen.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            assert_eq!(seen.header("cache-control"), Some("private, no-store"), "{path}");
            let vary: Vec<_> = seen.headers.get_all("vary").iter().filter_map(|v| v.to_str().ok()).collect();
            for name in ["Cookie", "Sec-GPC", "DNT", "Accept-Language"] {
                assert!(vary.join(", ").contains(name), "{path}: {vary:?}");
            }
        }
    }
    // The banner is in the first HTML, before everything else, with both answers as the same kind of button.
    let page = app.visitor().get("/").await.is(200).text();
    let body = page.split("<body").nth(1).unwrap();
    assert!(body.find("data-consent-banner").unwrap() < body.find("<header").unwrap());
    for button in [
        "<button class=\"even\" name=\"choice\" value=\"refuse\">Reject all</button>",
        "<button class=\"even\" name=\"choice\" value=\"accept\">Accept all</button>",
    ] {
        assert!(body.contains(button), "{button}");
    }
    let banner = body.split("</section>").next().unwrap();
    assert!(!banner.contains("checked") && !banner.contains("autofocus"), "nothing is answered in advance");
    for told in ["Google Analytics 4", "StatCounter", "HiStats", "_ga (2 years)", "Statistics"] {
        assert!(banner.contains(told), "{told}");
    }
    assert_eq!(leaves(&app.app).await, 0, "looking is no choice");
}

/// T-CN-3, R-CN-14, T-CA-2, R-CA-2: where nobody could be contacted nobody is asked; the opt-out needs no banner and
/// works all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_vendors_asks_nothing() {
    let app = TestApp::new().await;
    let mut browser = app.visitor();
    let page = browser.get("/").await.is(200);
    clean(&page);
    assert!(!page.has("data-consent-banner"));
    assert!(browser.get("/privacy/choices").await.is(200).has("Nothing tracks you here"));
    // The button of R-CA-1 works all the same.
    chooses(&mut browser, &[("choice", "opt_out")]).await.is(303);
    assert!(browser.get("/privacy/choices").await.is(200).has("You opted out of the sale and sharing"));
    assert_eq!(leaves(&app.app).await, 1);
}

/// R-CN-1, R-CN-8, R-CN-10, R-EN-1, S1-24, S1-15, S2-25: a yes opens exactly the hosts of the registry and a no closes
/// them with the very next answer, in tags and headers alike; each press writes one receipt.
#[tokio::test(flavor = "multi_thread")]
async fn yes_opens_and_no_closes_at_once() {
    let app = shop().await;
    let mut browser = app.visitor();
    let seen = press(&mut browser, "accept").await.is(303);
    assert_eq!(seen.location(), "/", "back to where the banner was");
    let page = browser.get("/search?q=x").await.is(200);
    assert!(!page.has("data-consent-banner"));
    for vendor in ["ga4", "statcounter", "histats"] {
        assert!(page.has(&format!("data-vendor=\"{vendor}\"")), "{vendor}");
    }
    assert!(page.has("data-key=\"G-TEST\"") && page.has("data-grants=\"analytics\""));
    let csp = page.header("content-security-policy").unwrap();
    assert!(csp.contains(
        "script-src 'self' https://www.googletagmanager.com/gtag/js https://s10.histats.com/js15_as.js"
    ));
    assert!(page.header("connection-allowlist").unwrap().contains("\"https://*.google-analytics.com\""));
    assert_eq!(leaves(&app.app).await, 1);
    assert!(browser.get("/privacy/vendors").await.is(200).has("On, because you said yes."));
    // One vendor of three.
    chooses(&mut browser, &[("choice", "save"), ("purpose.analytics", "on"), ("vendor.histats", "on")])
        .await
        .is(303);
    let page = browser.get("/").await.is(200);
    assert!(page.has("data-vendor=\"histats\"") && !page.has("data-vendor=\"ga4\""));
    let hosts = contacts(&page);
    assert!(!hosts.is_empty() && hosts.iter().all(|host| host.contains("histats.com")), "{hosts:?}");
    // And none.
    let seen = chooses(&mut browser, &[("choice", "refuse")]).await.is(303);
    assert_eq!(seen.location(), "/privacy/choices", "a no has no address");
    let page = browser.get("/").await.is(200);
    clean(&page);
    assert!(!page.has("data-consent-banner"), "a no is an answer");
    assert_eq!(leaves(&app.app).await, 3);
    // A purpose without its vendor, and a vendor without its purpose, open nothing.
    for half in ["purpose.analytics", "vendor.ga4"] {
        chooses(&mut browser, &[("choice", "save"), (half, "on")]).await.is(303);
        clean(&browser.get("/").await.is(200));
    }
    // What is no choice changes nothing.
    for nonsense in ["", "yes", "accept all"] {
        chooses(&mut browser, &[("choice", nonsense)]).await.is(422);
    }
    assert_eq!(leaves(&app.app).await, 5);
}

/// R-CN-3: putting the banner off is neither yes nor no; it is not shown again in this visit.
#[tokio::test(flavor = "multi_thread")]
async fn not_now_is_no_answer() {
    let app = shop().await;
    let mut browser = app.visitor();
    assert!(browser.get("/").await.has("data-consent-banner"));
    let seen = press(&mut browser, "later").await.is(303);
    assert!(
        !seen.header("set-cookie").unwrap().to_lowercase().contains("max-age"),
        "it ends with the browser"
    );
    let page = browser.get("/").await.is(200);
    assert!(!page.has("data-consent-banner"));
    clean(&page);
    assert_eq!(leaves(&app.app).await, 0);
    assert!(browser.get("/privacy/choices").await.is(200).has("You have not chosen yet"));
    assert!(app.visitor().get("/").await.has("data-consent-banner"), "the next visit may be asked");
}

/// T-RC-7, R-RC-6, R-RC-8: who says no carries no id in their choice; who says yes carries nothing that can be read;
/// what was altered or made up is nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_carries_no_id() {
    let app = shop().await;
    let (mut no, mut yes) = (app.visitor(), app.visitor());
    press(&mut no, "refuse").await.is(303);
    press(&mut yes, "accept").await.is(303);
    let open = |browser: &Browser| seal::open(&app.app.keys.seal, browser.cookie("cs").unwrap()).unwrap();
    let (refused, granted) = (open(&no), open(&yes));
    assert_eq!(refused.receipt, None);
    let receipt = granted.receipt.unwrap();
    assert!(yes.get(&format!("/privacy/receipts/{receipt}")).await.is(200).has("Google Analytics"));
    for browser in [&no, &yes] {
        let value = browser.cookie("cs").unwrap();
        assert!(value.len() <= 1024 && !value.contains("ga4") && !value.contains("analytics"));
    }
    // Altered or made up, it is nothing: asked again, and nobody is contacted.
    let mut altered = yes.cookie("cs").unwrap().to_owned();
    altered.replace_range(9..10, if altered[9..10] == *"A" { "B" } else { "A" });
    for forged in ["1~~~~~~~analytics+~ga4.0+", &altered] {
        let mut browser = app.visitor();
        browser.set_cookie("cs", forged);
        let page = browser.get("/").await.is(200);
        clean(&page);
        assert!(page.has("data-consent-banner"));
    }
}

/// T-TIME-1, T-TIME-2, R-CN-11, R-CN-13: a yes ends by itself, and a no is asked about again no earlier.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_lasts_half_a_year() {
    let app = shop().await;
    let now = Timestamp::now();
    for (yes, days, asked) in [(true, 181, false), (true, 183, true), (false, 181, false), (false, 183, true)]
    {
        let mut choices = Choices {
            decided_at: Some(now.plus(-days * DAY)),
            expires_at: Some(now.plus((182 - days) * DAY)),
            ..Choices::default()
        };
        choices.purposes.insert(Purpose::Analytics, yes);
        for vendor in app.app.consent.on() {
            choices.answer(vendor, yes);
        }
        let mut browser = app.visitor();
        browser.set_cookie("cs", &seal::close(&app.app.keys.seal, &choices));
        let page = browser.get("/").await.is(200);
        assert_eq!(page.has("data-consent-banner"), asked, "{yes} {days}");
        assert_eq!(!contacts(&page).is_empty(), yes && !asked, "{yes} {days}");
    }
}

/// T-GPC-1, T-GPC-2, T-GPC-4, T-GPC-8, T-GPC-9, R-SG-1, R-SG-2, R-SG-4, R-SG-8, R-SG-9, R-CA-9, S1-25: the signal is
/// obeyed in the very answer, wherever somebody is, in each form a browser or a proxy may give it, and the page says
/// so; nobody is asked then.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_is_obeyed_from_the_first_byte() {
    let app = shop().await;
    let mut granted = app.visitor();
    press(&mut granted, "accept").await.is(303);
    let ga = "https://www.googletagmanager.com/gtag/js".to_owned();
    assert!(contacts(&granted.get("/").await).contains(&ga));
    for (headers, obeyed) in [
        (vec![("Sec-GPC", "1")], true),
        (vec![("Sec-GPC", "1, 1")], true),
        (vec![("Sec-GPC", "0, 1")], true),
        (vec![("Sec-GPC", "0"), ("Sec-GPC", "1")], true),
        (vec![("DNT", "1")], true),
        (vec![("Sec-GPC", "0")], false),
        (vec![("Sec-GPC", "true")], false),
        (vec![("Sec-GPC", "11")], false),
        (vec![("Sec-GPC", "")], false),
        (vec![("DNT", "0")], false),
    ] {
        let page = granted.get_with("/", &headers).await.is(200);
        assert_eq!(contacts(&page).is_empty(), obeyed, "{headers:?}");
        assert_eq!(page.has("Opt-out preference signal honored"), obeyed, "{headers:?}");
        let fresh = app.visitor().get_with("/", &headers).await.is(200);
        assert_eq!(fresh.has("data-consent-banner"), !obeyed, "{headers:?}");
        clean(&fresh);
    }
    let app = TestApp::with(&[VENDORS, ("CUEHOUSE_PRIVACY_HONOUR_DNT", "off")]).await;
    assert!(app.visitor().get_with("/", &[("DNT", "1")]).await.has("data-consent-banner"));
}

/// T-GPC-6, R-SG-6: a yes given in spite of the signal holds, and says that it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_yes_in_spite_of_a_signal_holds() {
    let app = shop().await;
    let mut browser = app.visitor();
    let gpc = [("Sec-GPC", "1")];
    let csrf = browser.get_with("/privacy/choices", &gpc).await.is(200).csrf().unwrap();
    let form = [("csrf", csrf.as_str()), ("choice", "accept")];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("Sec-GPC", "1"), ("Content-Type", "application/x-www-form-urlencoded")];
    browser.ask(Method::POST, "/privacy/choices", &headers, Some(body.into_bytes())).await.is(303);
    let page = browser.get_with("/", &gpc).await.is(200);
    assert!(!contacts(&page).is_empty());
    assert!(!page.has("Opt-out preference signal honored"), "what is not applied is not claimed");
    let choices = seal::open(&app.app.keys.seal, browser.cookie("cs").unwrap()).unwrap();
    assert!(choices.overrides_gpc.is_some());
}

/// T-GPC-5, R-SG-5: a signal of one browser opts the account out on all of them, until the person opts in again.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_opts_the_account_out_everywhere() {
    let app = shop().await;
    let mut laptop = app.buyer("Bea Buyer").await;
    press(&mut laptop, "accept").await.is(303);
    let mut phone = laptop.window();
    assert!(!contacts(&phone.get("/").await).is_empty(), "the account's choice is there on the other device");
    assert_eq!(leaves(&app.app).await, 1);
    clean(&laptop.get_with("/", &[("Sec-GPC", "1")]).await.is(200));
    clean(&phone.get("/").await.is(200));
    for _ in 0..3 {
        laptop.get_with("/search", &[("Sec-GPC", "1")]).await.is(200);
    }
    assert_eq!(leaves(&app.app).await, 2, "one receipt for one change");
    assert!(phone.get("/privacy/choices").await.has("You opted out of the sale and sharing"));
    assert!(!phone.get("/").await.has("data-consent-banner"));
    chooses(&mut phone, &[("choice", "accept")]).await.is(303);
    assert!(!contacts(&phone.get("/").await).is_empty());
}

/// T-CA-1, T-CA-2, T-CA-3, R-CA-1, R-CA-2, R-CA-3: one button on one page, linked from every footer, without an
/// account; confirmed at once and with its day later.
#[tokio::test(flavor = "multi_thread")]
async fn one_button_opts_out_of_sale_and_sharing() {
    let app = shop().await;
    let mut browser = app.visitor();
    press(&mut browser, "accept").await.is(303);
    for path in ["/", "/search", "/licences", "/privacy", "/nothing"] {
        let page = browser.get(path).await.text();
        let foot = page.split("<footer").nth(1).unwrap();
        assert!(
            foot.contains("href=\"/privacy/choices\"") && foot.contains("Your Privacy Choices"),
            "{path}"
        );
    }
    let page = browser.get("/privacy/choices").await.is(200);
    assert!(page.has("Do Not Sell or Share My Personal Information"));
    let seen = chooses(&mut browser, &[("choice", "opt_out")]).await.is(303);
    let target = seen.location().to_owned();
    let page = browser.get(&target).await.is(200);
    assert!(page.has("You are opted out") && page.has("Your receipt"));
    clean(&page);
    let today = Timestamp::now().long_day();
    assert!(browser.get("/privacy/choices").await.text().contains(&today));
    clean(&browser.get("/").await);
}

/// R-CN-8b, R-CN-9, T-CK-1, T-CK-3, T-CK-4, S4-16: what a vendor left under our name is taken away, from this host and every
/// parent domain, whenever it is met again; what is ours, and what is granted, stays.
#[tokio::test(flavor = "multi_thread")]
async fn what_vendors_left_is_taken_away() {
    let app = shop().await;
    let mut browser = app.visitor();
    press(&mut browser, "refuse").await.is(303);
    for cookie in ["_ga", "_ga_ABC1", "HstCfa77", "__utma", "unknown"] {
        browser.set_cookie(cookie, "x");
    }
    let cookies = |browser: &Browser, host: &'static str| {
        let line: Vec<String> = browser.cookies().iter().map(|(n, v)| format!("{n}={v}")).collect();
        vec![("Host", host), ("Cookie", Box::leak(line.join("; ").into_boxed_str()) as &str)]
    };
    let mut raw = app.visitor();
    let seen = raw.get_with("/", &cookies(&browser, "www.app.cuehouse.test")).await.is(200);
    let lines: Vec<String> =
        seen.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
    for (name, places) in [
        ("_ga", true),
        ("_ga_ABC1", true),
        ("HstCfa77", true),
        ("__utma", true),
        ("unknown", false),
        ("cs", false),
    ] {
        for domain in
            ["", "; Domain=www.app.cuehouse.test", "; Domain=app.cuehouse.test", "; Domain=cuehouse.test"]
        {
            let line = format!("{name}=; Path=/{domain}; Max-Age=0");
            assert_eq!(lines.contains(&line), places, "{line} in {lines:?}");
        }
        assert!(!lines.iter().any(|l| l.starts_with(&format!("{name}=")) && l.contains("Domain=test")));
    }
    // Our own browser forgets them too, and is told again when they come back.
    browser.get("/").await.is(200);
    assert!(browser.cookie("_ga").is_none() && browser.cookie("unknown").is_some());
    browser.set_cookie("_ga", "again");
    browser.get("/search").await.is(200);
    assert!(browser.cookie("_ga").is_none() && browser.cookie("cs").is_some());
    // Granted, it stays.
    chooses(&mut browser, &[("choice", "accept")]).await.is(303);
    browser.set_cookie("_ga", "mine");
    browser.get("/").await.is(200);
    assert_eq!(browser.cookie("_ga"), Some("mine"));
    assert!(browser.get("/metrics").await.has("cuehouse_vendor_cookies_taken_total"));
}

/// T-UX-5, R-CN-6: without cookies nothing can be changed, and the page says why; nobody is contacted.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_cookies_is_taken_for_a_no() {
    let app = shop().await;
    let csrf = app.visitor().get("/").await.csrf().unwrap();
    let seen = app.visitor().post("/privacy/choices", &[("csrf", &csrf), ("choice", "accept")]).await.is(403);
    assert!(seen.has("keeps no cookies"), "{}", seen.text());
    assert!(!seen.has("data-consent-banner"), "and it is not asked again on the page that says so");
    clean(&seen);
    assert!(app.visitor().get("/privacy/choices").await.has("Your browser sent no cookie"));
    assert_eq!(leaves(&app.app).await, 0);
}

/// T-MIN-4, R-MN-3, R-MN-4, R-CA-7: whoever said they are under 18 is not asked, cannot choose, and meets nobody
/// whatever was granted before.
#[tokio::test(flavor = "multi_thread")]
async fn the_young_meet_nobody_and_are_not_asked() {
    let app = shop().await;
    for band in [age::Band::Child, age::Band::Minor] {
        let mut browser = app.visitor();
        press(&mut browser, "accept").await.is(303);
        assert!(!contacts(&browser.get("/").await).is_empty());
        browser.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
        for path in ["/", "/search", "/privacy/choices"] {
            let page = browser.get(path).await.is(200);
            clean(&page);
            assert!(!page.has("data-consent-banner") && !page.has("value=\"accept\""));
        }
        let csrf = browser.get("/").await.csrf().unwrap();
        browser.post("/privacy/choices", &[("csrf", &csrf), ("choice", "accept")]).await.is(451);
        clean(&browser.get("/").await);
    }
}

/// How many faults the figures for operators tell of.
async fn faults(app: &TestApp) -> u64 {
    let figures = app.visitor().get("/metrics").await.is(200).text();
    let count = figures.lines().find_map(|line| line.strip_prefix("cuehouse_faults_total "));
    count.unwrap().parse().unwrap()
}

/// T-RC-1, R-CN-10: no receipt, no change. The log refuses, and the state stays as it was. S2-35: the figures for operators
/// count the fault.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_receipt_nothing_changes() {
    let app = shop().await;
    let mut buyer = app.buyer("Bea Buyer").await;
    press(&mut buyer, "accept").await.is(303);
    let broken = |conn: &mut Conn| {
        let sql = "ALTER TABLE consent_log RENAME TO consent_log_away";
        match conn {
            Conn::Pg(c) => diesel::sql_query(sql).execute(c)?,
            Conn::Sqlite(c) => diesel::sql_query(sql).execute(c)?,
        };
        Ok(())
    };
    app.app.db.write(broken).await.unwrap();
    let before = buyer.cookie("cs").map(str::to_owned);
    let known = faults(&app).await;
    chooses(&mut buyer, &[("choice", "refuse")]).await.is(500);
    assert!(faults(&app).await > known);
    assert_eq!(buyer.cookie("cs").map(str::to_owned), before);
    let user = buyer.user.clone().unwrap();
    let kept = app.app.db.read(move |conn| account::of(conn, &user)).await.unwrap();
    assert!(kept.choices.unwrap().purposes[&Purpose::Analytics]);
}

/// S0-40, S0-34, S3-62: the page of vendors is made from the registry, and no dead or unchecked address
/// is a link.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_vendors_equals_the_registry() {
    let app = shop().await;
    let page = app.visitor().get("/privacy/vendors").await.is(200);
    for vendor in &app.app.consent.registry.vendors {
        assert!(page.has(&format!("id=\"{}\"", vendor.id)) && page.has(&vendor.name), "{}", vendor.id);
    }
    for named in ["www.networkadvertising.org", "optOut.php", "onweb"] {
        assert!(page.has(named), "{named}");
    }
    assert!(!page.has("href=\"http"), "every way out leads through our own notice");
}

/// R-EN-4: leaving goes through a notice; the address that leads away answers navigations alone, knows stored
/// targets only and tells them nothing.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_goes_through_a_notice() {
    let app = shop().await;
    let mut browser = app.visitor();
    let notice = browser.get("/leave/vendor/ga4/privacy").await.is(200);
    assert!(notice.has("policies.google.com") && notice.has("href=\"/leave/vendor/ga4/privacy/away\""));
    let away = "/leave/vendor/ga4/privacy/away";
    let goes = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
    let seen = browser.get_with(away, &goes).await.is(303);
    assert_eq!(seen.location(), "https://policies.google.com/privacy");
    assert_eq!(seen.header("referrer-policy"), Some("no-referrer"));
    for (mode, dest) in
        [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("no-cors", "script")]
    {
        browser.get_with(away, &[("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest)]).await.is(403);
    }
    for nowhere in [
        "/leave/vendor/ga4/9",
        "/leave/vendor/nobody/0",
        "/leave/vendor/histats/0",
        "/leave/vendor/histats/0/away",
        "/leave/@nobody/0",
    ] {
        browser.get(nowhere).await.is(404);
    }
}

/// T-REP-1, R-EN-8: browsers' reports are counted by day without anything about a visit; others' are not taken.
#[tokio::test(flavor = "multi_thread")]
async fn reports_are_counted_and_cut_down() {
    let app = shop().await;
    let mut browser = app.visitor();
    let site = app.app.config.site_url.clone();
    let report = |page: &str| {
        format!(
            "[{{\"type\":\"csp-violation\",\"url\":\"{page}\",\"body\":{{\"documentURL\":\"{page}?q=secret\",\
             \"effectiveDirective\":\"img-src\",\"blockedURL\":\"https://evil.example/p?id=7\"}}}}]"
        )
    };
    let kind = [("Content-Type", "application/reports+json")];
    for (page, status) in [(format!("{site}/tracks/rain"), 204), ("https://other.example/".to_owned(), 204)] {
        let body = Some(report(&page).into_bytes());
        browser.ask(Method::POST, "/reports/csp", &kind, body).await.is(status);
    }
    browser.ask(Method::POST, "/reports/csp", &kind, Some(b"nonsense".to_vec())).await.is(422);
    let metrics = browser.get("/metrics").await.is(200);
    assert!(
        metrics.has("cuehouse_policy_reports{directive=\"img-src\",host=\"evil.example\",page=\"tracks\"} 1"),
        "{}",
        metrics.text()
    );
    assert!(!metrics.has("secret"));
    let mut last = 0;
    for _ in 0..80 {
        last = browser.ask(Method::POST, "/reports/connection", &kind, Some(b"[]".to_vec())).await.status;
    }
    assert_eq!(last, 429, "a machine that reports without end is not heard");
}
