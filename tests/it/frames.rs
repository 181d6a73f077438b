//! Vendors' advertisements: only in a frame of another origin, only for who agreed, and the other origin knows nothing else.

use cuehouse::clock::Timestamp;
use cuehouse::consent::trade::tcf::TcString;
use cuehouse::consent::{age, disclosure};
use cuehouse::jobs::calendar;
use serde_json::json;

use crate::ads::{SLOT, pitch, runs};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen, unescaped};
use crate::support::chromium::{Chromium, Driver};
use crate::support::folder::TestFolder;
use crate::support::park::{Hit, Park, names_in};
use crate::support::shelf::{piece, seller, shelve};
use crate::support::wards::{answers, grown};

pub const ORIGIN: &str = "http://frames.test";
pub const THERE: (&str, &str) = ("Host", "frames.test");
pub const FRAMED: &str = "<aside class=\"ad ad-apart\"";
const SETTINGS: [(&str, &str); 4] = [
    ("CUEHOUSE_VENDORS", "adsense=ca-pub-123:456"),
    ("CUEHOUSE_ADS_MODE", "vendor"),
    ("CUEHOUSE_ADS_ORIGIN", ORIGIN),
    ("CUEHOUSE_ADS_TERMS_READ", "adsense=2026-01-05"),
];

/// The other networks that are met in a frame. AdSense is not among them: Ad Manager has its hosts, so that a yes to one alone
/// counts for neither.
const OTHERS: [(&str, &str); 2] = [
    ("CUEHOUSE_VENDORS", "doubleclick=/6355419/Shop/Front,magnite=1001:113932:535510"),
    ("CUEHOUSE_ADS_TERMS_READ", "doubleclick=2026-01-05,magnite=2026-01-05"),
];

/// A shop with a vendor's advertisements, one of its own, and a track.
pub async fn shop(more: &[(&str, &str)]) -> (TestApp, [String; 3]) {
    let app = TestApp::with(&[&SETTINGS[..], more].concat()).await;
    runs(&app, pitch("Umbrellas")).await;
    let ines = seller(&app.app.db, "Ines").await;
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    (app, ["/".to_owned(), "/search?q=rain".to_owned(), track.href()])
}

pub async fn chooses(browser: &mut Browser, choice: &[(&str, &str)]) {
    browser.says("/privacy/choices", "/privacy/choices", choice).await.is(303);
}

/// The address of the frame in a page, without the ad origin.
pub fn frame(seen: &Seen) -> String {
    let page = seen.text();
    let slot = page.split(FRAMED).nth(1).unwrap_or_else(|| panic!("no frame in {page}"));
    let src = slot.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    let src = src.replace("&#x2F;", "/").replace("&amp;", "&");
    src.strip_prefix(ORIGIN).unwrap().to_owned()
}

/// Every origin that the headers of an answer name.
pub fn named(seen: &Seen) -> Vec<String> {
    let mut all = vec![];
    for header in ["content-security-policy", "connection-allowlist"] {
        let words = seen.header(header).unwrap().split([' ', ';', '"', '(', ')', ',']);
        all.extend(words.filter(|word| word.contains("://")).map(str::to_owned));
    }
    all
}

/// T-ADF-1, T-AD-1, T-GAD-1, R-EN-10, R-AD-1, R-CN-5, R-AD-3, R-AD-4, R-TC-9, S0-23, S1-23, S3-56: before a yes, after a no, under a
/// signal and under age our own advertisement stands in the slot, or none, and no header names anybody; with a yes a frame of
/// the ad origin does, and the headers name that origin alone. What the frame is told: nothing but whether what somebody did
/// before may count, and before the age question is answered it may not, whatever was granted. What a no leaves of
/// advertisements is said once where it is given.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_advertisement_stands_in_a_frame_for_who_agreed() {
    let (app, pages) = shop(&[]).await;
    let screen = app.visitor().get("/privacy/choices").await.is(200);
    assert_eq!(screen.text().matches("A no does not end advertisements").count(), 1, "what a no leaves");
    let silent = async |browser: &mut Browser, headers: &[(&str, &str)], own: bool, who: &str| {
        for path in &pages {
            let seen = browser.get_with(path, headers).await.is(200);
            assert!(!seen.has("<iframe") && !seen.has("frames.test"), "{who} on {path}");
            assert_eq!(seen.has(SLOT), own, "{who} on {path}");
            assert_eq!(named(&seen), Vec::<String>::new(), "{who} on {path}");
        }
    };
    let mut browser = app.visitor();
    silent(&mut browser, &[], true, "undecided").await;
    chooses(&mut browser, &[("choice", "refuse")]).await;
    silent(&mut browser, &[], true, "refused").await;
    chooses(&mut browser, &[("choice", "accept"), ("all", "yes")]).await;
    silent(&mut browser, &[("Sec-GPC", "1")], true, "a signal").await;
    for (band, own) in [(age::Band::Minor, true), (age::Band::Child, false)] {
        let mut young = browser.window();
        young.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
        silent(&mut young, &[], own, "under age").await;
    }
    let early = frame(&browser.get("/").await.is(200));
    assert!(browser.get_with(&early, &[THERE]).await.is(200).has("data-npa=\"1\""), "whose age is not known");
    let screen = browser.get("/privacy/choices").await.is(200);
    assert!(screen.has("counts only once the age question is answered: it comes first"), "{}", screen.text());
    assert_eq!(screen.link("/age?").as_deref(), Some("/age?to=%2Fprivacy%2Fchoices"));
    answers(&mut browser, 30).await.is(303);
    assert!(!browser.get("/privacy/choices").await.is(200).has("id=\"age-first\""));
    for (n, path) in pages.iter().enumerate() {
        let seen = browser.get(path).await.is(200);
        assert!(seen.has(FRAMED) && !seen.has(SLOT), "{path}: {}", seen.text());
        assert_eq!(named(&seen), [ORIGIN, ORIGIN], "{path}");
        assert!(seen.header("content-security-policy").unwrap().contains("; frame-src http://frames.test;"));
        assert!(
            seen.has("sandbox=\"allow-scripts allow-popups allow-same-origin\"") && seen.has("width=\"300\"")
        );
        for stranger in ["googlesyndication", "doubleclick", "ca-pub-123", "data-vendor"] {
            assert!(!seen.has(stranger), "{stranger} on {path}");
        }
        let at = frame(&seen);
        assert!(at.starts_with(&format!("/frame/adsense/{}?t=", ["front", "search", "track"][n])), "{at}");
        let document = browser.get_with(&at, &[THERE]).await.is(200);
        let tag = document.text().split("<script ").nth(1).unwrap().split('>').next().unwrap().to_owned();
        let told: Vec<&str> =
            tag.split(" data-").skip(1).map(|said| said.split('=').next().unwrap()).collect();
        assert_eq!(told, ["account", "unit", "width", "height"], "{path}");
        for private in ["Ines", "Rain", "tin", &app.url] {
            assert!(!document.has(private), "{private} in {}", document.text());
        }
    }
    // Advertisements without personalisation, and personalisation without advertisements.
    let mut some = app.visitor();
    let plain = [("choice", "save"), ("purpose.ads", "on"), ("vendor.adsense", "on")];
    chooses(&mut some, &plain).await;
    let at = frame(&some.get("/").await);
    assert!(some.get_with(&at, &[THERE]).await.is(200).has("data-npa=\"1\""));
    // Nor does a form that was used give the one to whom has the other, and its no to one of them counts, whoever sends it.
    let csrf = some.get("/privacy/choices").await.is(200).csrf().unwrap();
    let form = [("csrf", csrf.as_str()), ("choice", "save"), ("all", "yes"), ("vendor.adsense", "on")];
    let more = [("purpose.ads", "on"), ("purpose.ads_personalised", "on")];
    some.post("/privacy/choices", &[&form[..], &more[..1]].concat()).await.is(303);
    some.post("/privacy/choices", &[&form[..], &more[..]].concat()).await.is(409);
    let at = frame(&some.get("/").await);
    assert!(some.get_with(&at, &[THERE]).await.is(200).has("data-npa=\"1\""));
    let mut young = some.window();
    young.set_cookie("al", &age::seal(&app.app.keys.seal, age::Band::Minor, Timestamp::now()));
    for (who, why) in [(&mut young, "nobody may see you here"), (&mut some, "this form was used")] {
        let seen = who.post("/privacy/choices", &[&form[..], &more[1..]].concat()).await.is(303);
        let page = who.get(seen.location()).await.is(200);
        assert!(page.has("What you switched off is off. ") && page.has(why), "{}", page.text());
    }
    assert!(!some.get("/").await.has("<iframe"));
    assert!(!young.get("/privacy/choices").await.has("id=\"kept\""));
    let mut odd = app.visitor();
    chooses(&mut odd, &[("choice", "save"), ("purpose.ads_personalised", "on"), ("vendor.adsense", "on")])
        .await;
    let seen = odd.get("/").await.is(200);
    assert!(seen.has(SLOT) && !seen.has("<iframe"));
    chooses(&mut browser, &[("choice", "refuse"), ("all", "yes")]).await;
    silent(&mut browser, &[], true, "taken back").await;
    // What is asked says what a frame is; what may be is said to be on.
    let page = app.visitor().get("/privacy/vendors").await.is(200);
    assert!(page.has("Runs only in a frame apart from our pages") && page.has("same ground as adsense"));
    assert!(!page.has("only where its terms allow that"), "its hold has ended here");
}

/// A yes to one vendor, to advertisements and, where it says so, to personal ones.
async fn grants(browser: &mut Browser, vendor: &str, personal: bool) {
    let switch = format!("vendor.{vendor}");
    let mut choice = vec![("choice", "save"), ("purpose.ads", "on"), (switch.as_str(), "on")];
    if personal {
        choice.push(("purpose.ads_personalised", "on"));
    }
    chooses(browser, &choice).await;
}

/// T-ADF-1, R-EN-10, R-AD-4, S0-32, S1-23, S3-56, S3-61: Google Ad Manager and Magnite have a frame each for who granted
/// that one, with the same few fields as AdSense; pages and their headers name the ad origin and no host of theirs, before a
/// yes and after it was taken back nobody. The frame's own policy is what the network needs, and lets the site alone hold it.
#[tokio::test(flavor = "multi_thread")]
async fn each_network_has_its_frame_and_no_host_in_a_page() {
    let (app, pages) = shop(&OTHERS).await;
    let mut undecided = app.visitor();
    let silent = async |browser: &mut Browser| {
        for path in &pages {
            let seen = browser.get(path).await.is(200);
            assert!(seen.has(SLOT) && !seen.has("<iframe") && !seen.has("frames.test"), "{path}");
            assert_eq!(named(&seen), Vec::<String>::new(), "{path}");
        }
    };
    silent(&mut undecided).await;
    for (id, account, unit, runs, stranger) in [
        ("doubleclick", "6355419", "Shop/Front", "script-src 'nonce-", "securepubads"),
        ("magnite", "1001", "113932:535510", "script-src 'self' https: 'unsafe-inline'", "rubiconproject"),
    ] {
        for personal in [true, false] {
            let mut browser = grown(&app);
            grants(&mut browser, id, personal).await;
            for path in &pages {
                let seen = browser.get(path).await.is(200);
                assert!(seen.has(FRAMED) && !seen.has(stranger) && !seen.has(unit), "{id} on {path}");
                assert_eq!(named(&seen), [ORIGIN, ORIGIN], "{id} on {path}");
                let at = frame(&seen);
                assert!(at.starts_with(&format!("/frame/{id}/")), "{at}");
                let document = browser.get_with(&at, &[THERE, ("Sec-Fetch-Dest", "iframe")]).await.is(200);
                let policy = document.header("content-security-policy").unwrap();
                assert!(policy.contains(runs) && policy.contains("; form-action 'none'; "), "{policy}");
                let origins: Vec<&str> =
                    policy.split([' ', ';']).filter(|word| word.contains("://")).collect();
                assert_eq!(origins, [app.url.as_str()], "{policy}");
                let tag =
                    document.text().split("<script ").nth(1).unwrap().split('>').next().unwrap().to_owned();
                let told: Vec<&str> =
                    tag.split(" data-").skip(1).map(|said| said.split('=').next().unwrap()).collect();
                let npa: &[&str] = if personal { &[] } else { &["npa"] };
                let fields = [&["account", "unit", "width", "height"][..], npa].concat();
                assert_eq!(told, fields, "{id} on {path}");
                let tag = unescaped(&tag);
                assert!(tag.contains(&format!("data-account=\"{account}\" data-unit=\"{unit}\" ")), "{tag}");
                assert!(tag.contains(&format!("js/frames/{id}.js")), "{tag}");
            }
            chooses(&mut browser, &[("choice", "refuse"), ("all", "yes")]).await;
            silent(&mut browser).await;
        }
        let script = format!("/static/js/frames/{id}.js");
        assert!(undecided.get_with(&script, &[THERE]).await.is(200).has("npa === '1'"), "{id}");
    }
    // Who may be on is not said to be held back; AdSense, which is not on here, is.
    let page = undecided.get("/privacy/vendors").await.is(200);
    assert!(!page.has("same ground as adsense") && !page.has("an exchange: creatives"));
    assert!(page.has("only where its terms allow that"));
}

/// S3-61, S4-05: a frame receives a fixed list of fields. Words that mark a person, what they looked for and where they
/// were are in none of them, nor in the address of the frame.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_marks_a_person_reaches_a_frame() {
    let (app, _) = shop(&[]).await;
    let mut zoe = app.buyer("Zoe Zebramark").await;
    chooses(&mut zoe, &[("choice", "accept"), ("all", "yes")]).await;
    let user = zoe.user.clone().unwrap().to_string();
    for path in ["/search?q=rain+zebramark&mood=calm", "/"] {
        let at = frame(&zoe.get(path).await.is(200));
        let headers = [THERE, ("Referer", "https://shop.example/search?q=zebramark")];
        let document = zoe.get_with(&at, &headers).await.is(200);
        let (at, text) = (at.to_lowercase(), document.text().to_lowercase());
        for mark in ["zebramark", user.as_str()] {
            assert!(!at.contains(mark) && !text.contains(mark), "{mark} in {at} or {text}");
        }
        let tag = text.split("<script ").nth(1).unwrap().split('>').next().unwrap();
        let told: Vec<&str> =
            tag.split(" data-").skip(1).map(|said| said.split('=').next().unwrap()).collect();
        assert_eq!(told, ["account", "unit", "width", "height"], "{path}");
    }
}

/// T-ADF-1, R-EN-10: under its name there are frames for who holds a ticket, their scripts and a robots.txt; every other
/// address of the site is not there, no cookie is set, and a frame is there under no other name. What was shown stands in
/// the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn the_ad_origin_knows_frames_and_nothing_else() {
    let (app, _) = shop(&[]).await;
    let mut browser = app.buyer("Bea Buyer").await;
    chooses(&mut browser, &[("choice", "accept"), ("all", "yes")]).await;
    let at = frame(&browser.get("/").await);
    let bare = |seen: &Seen, what: &str| {
        assert!((400..500).contains(&seen.status), "{what}: {}", seen.status);
        assert!(!seen.headers.contains_key("set-cookie"), "{what}");
        assert_eq!(seen.text(), "<!doctype html><title>Nothing here</title>", "{what}");
        assert!(seen.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{what}");
    };
    for path in [
        "/",
        "/account",
        "/sign-in",
        "/age",
        "/cart",
        "/search?q=rain",
        "/privacy/choices",
        "/privacy/vendor-list.json",
        "/.well-known/gpc.json",
        "/healthz",
        "/metrics",
        "/favicon.ico",
        "/static/js/consent.js",
        "/static/css/cuehouse.css",
        "/frame",
        "/frame/",
        "/frame/adsense/front",
        "/frame/adsense/front?t=",
        "/frame/adsense/front?t=AAAA",
        "/nothing",
    ] {
        bare(&browser.get_with(path, &[THERE]).await, path);
        bare(&app.visitor().get_with(path, &[THERE]).await, path);
    }
    for path in ["/sign-in", "/privacy/choices", "/stripe/webhook", "/frame/adsense/front", "/reports/csp"] {
        let seen = app
            .visitor()
            .post_raw(path, "application/x-www-form-urlencoded", b"a=b".to_vec(), &[THERE])
            .await;
        bare(&seen, path);
    }
    let robots = browser.get_with("/robots.txt", &[THERE]).await.is(200);
    assert_eq!(robots.text(), "User-agent: *\nDisallow: /\n");
    let script = browser.get_with("/static/js/frames/adsense.js", &[THERE]).await.is(200);
    assert!(script.has("requestNonPersonalizedAds") && !script.headers.contains_key("set-cookie"));
    let document = browser.get_with(&at, &[THERE, ("Sec-Fetch-Dest", "iframe")]).await.is(200);
    assert!(
        !document.headers.contains_key("set-cookie") && !document.headers.contains_key("x-frame-options")
    );
    let policy = document.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("frame-ancestors {};", app.url)), "{policy}");
    assert!(policy.contains("script-src 'nonce-") && policy.contains("form-action 'none'"), "{policy}");
    for (header, value) in [
        ("x-robots-tag", "none"),
        ("referrer-policy", "strict-origin"),
        ("cache-control", "private, no-store"),
    ] {
        assert_eq!(document.header(header), Some(value), "{header}");
    }
    let again = browser.get_with(&at, &[THERE]).await.is(200);
    assert_ne!(again.header("content-security-policy"), Some(policy), "a nonce is used once");
    // Another place, a letter changed, a page of its own.
    bare(&browser.get_with(&at.replace("/front?", "/track?"), &[THERE]).await, "another place");
    bare(&browser.get_with(&at.replace("/adsense/", "/doubleclick/"), &[THERE]).await, "another vendor");
    bare(&browser.get_with(&at.replacen("?t=", "?t=A", 1), &[THERE]).await, "altered");
    bare(&browser.get_with(&at, &[THERE, ("Sec-Fetch-Dest", "document")]).await, "not in a frame");
    // Under the site's own name there is no frame.
    for path in [at.as_str(), "/frame/robots.txt", "/frame/adsense/front"] {
        browser.get(path).await.is(404);
    }
    let elsewhere = browser.get_with(&at, &[("Host", "shop.test")]).await;
    assert_eq!(elsewhere.status, 404);
    calendar::write_down(&app.app).await.unwrap();
    let today = app.app.db.read(|conn| disclosure::of_day(conn, &Timestamp::now().day())).await.unwrap();
    let adsense: Vec<_> =
        today.into_iter().filter(|(who, ..)| who == "adsense").map(|(_, what, n)| (what, n)).collect();
    assert_eq!(
        adsense,
        [("ads".to_owned(), 2), ("ads_personalised".to_owned(), 2)],
        "two frames and no page"
    );
}

/// R-TC-4, T-TC-1: where the operator has a consent manager of their own, the vendor in the frame is told by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_carries_the_string_of_the_page() {
    let folder = TestFolder::new();
    let list = folder.path().join("vendor-list.json");
    let text = json!({
        "gvlSpecificationVersion": 3, "vendorListVersion": 150, "tcfPolicyVersion": 5,
        "lastUpdated": "2026-11-26T16:00:00Z", "purposes": {}, "vendors": { "755": { "id": 755, "name": "Google" } },
    });
    std::fs::write(&list, text.to_string()).unwrap();
    let list = list.display().to_string();
    let (app, _) = shop(&[("CUEHOUSE_TCF_CMP_ID", "4000"), ("CUEHOUSE_TCF_VENDOR_LIST", &list)]).await;
    let mut browser = app.visitor();
    chooses(&mut browser, &[("choice", "save"), ("purpose.ads", "on"), ("vendor.adsense", "on")]).await;
    let at = frame(&browser.get("/").await);
    let document = browser.get_with(&at, &[THERE]).await.is(200).text();
    assert!(document.find("js/tcf.js").unwrap() < document.find("js/frames/adsense.js").unwrap());
    let text = document.split("data-tc-string=\"").nth(1).unwrap().split('"').next().unwrap();
    let tc = TcString::decode(text).unwrap();
    assert_eq!((tc.cmp_id, tc.vendor_list_version), (4000, 150));
    assert_eq!(tc.vendor_consents.iter().collect::<Vec<_>>(), [755]);
    assert_eq!(tc.purposes_consent.iter().collect::<Vec<_>>(), [1, 2, 7]);
    assert!(app.visitor().get_with("/static/js/tcf.js", &[THERE]).await.is(200).has("__tcfapi"));
}

/// What one request to this host and address said, a word each; there is one such request.
#[track_caller]
fn told(hits: &[Hit], host: &str, path: &str) -> Vec<String> {
    let of: Vec<&Hit> = hits.iter().filter(|hit| hit.host == host && hit.path.starts_with(path)).collect();
    assert_eq!(of.len(), 1, "{hits:?}");
    of[0].path[path.len()..].split('/').map(str::to_owned).collect()
}

/// Opens the front page as somebody who granted this one network, and answers what was heard, once each of these was.
async fn hears_of(browser: &Chromium, app: &TestApp, park: &Park, vendor: &str, personal: bool) -> Vec<Hit> {
    let mut person = grown(app);
    grants(&mut person, vendor, personal).await;
    browser.open("/healthz").await;
    browser.client.delete_all_cookies().await.unwrap();
    browser.becomes(&person).await;
    browser.open(&format!("{}/", app.url)).await;
    browser.until("document.querySelector('.ad-apart iframe')").await;
    browser.value("(document.querySelector('.ad-apart').scrollIntoView({ block: 'center' }), 0)").await;
    let heard = match vendor {
        "magnite" => ["pixel.rubiconproject.com", "ads.rubiconproject.com"],
        _ => ["ad.doubleclick.net", "springserve.com"],
    };
    for host in heard {
        park.hears(host).await;
    }
    let hits = park.hits().await;
    assert!(hits.iter().all(|hit| hit.path != "/taken"), "{hits:?}");
    assert!(browser.client.current_url().await.unwrap().as_str().starts_with(&app.url));
    hits
}

/// The networks beside AdSense, in a browser that takes this shop's ad origin for `others.test`. Google's tag is told what was
/// granted before anything is asked for; without a yes to personal advertisements it comes from where it uses no storage. The
/// exchange is asked with a fixed list of words, and then without the cookie that it has.
async fn others_say_no_more_than_was_granted(browser: &Chromium, app: &TestApp, park: &Park) {
    for (personal, from) in
        [(true, "securepubads.g.doubleclick.net"), (false, "pagead2.googlesyndication.com")]
    {
        let hits = hears_of(browser, app, park, "doubleclick", personal).await;
        let told = told(&hits, "ad.doubleclick.net", "/gampad/");
        let plain = !personal;
        let from = format!("from={from}");
        let (npa, limited) = (format!("npa={plain}"), format!("limited={plain}"));
        assert_eq!(
            told,
            [
                from.as_str(),
                "unit=_6355419_Shop_Front",
                "size=300x250",
                &npa,
                &limited,
                "rdp=false",
                "age=undefined",
                "safe=true",
                "parent=SecurityError",
                "jar=nothing",
            ]
        );
    }
    // This browser hands nobody a cookie in a frame without an origin, whatever was granted.
    for personal in [true, false] {
        let hits = hears_of(browser, app, park, "magnite", personal).await;
        assert_eq!(
            told(&hits, "pixel.rubiconproject.com", "/beacon/"),
            [
                "top=SecurityError",
                "parent=SecurityError",
                "jar=SecurityError",
                "cookie=none",
                "account_id=1001",
                "site_id=113932",
                "zone_id=535510",
                "size_id=15",
                "rf=http%3A%2F%2Fothers.test%2F",
                "tk_flint=cuehouse",
                "rp_secure=1",
                "slots=1",
            ]
        );
        let written = hits.iter().filter(|hit| hit.path == "/written.js").count();
        assert_eq!(written, 1, "a script that the answer wrote runs, too: {hits:?}");
    }
}

async fn walks(browser: &Chromium, pages: &[String]) {
    for page in pages {
        browser.open(page).await;
        browser.until("document.readyState === 'complete'").await;
        browser.value("(document.querySelector('.ad, .foot').scrollIntoView(), 0)").await;
    }
}

/// T-ADF-1, R-EN-10, S1-23, S3-56, S3-57: a creative in the frame of any network reads neither its parent nor a cookie of ours
/// and takes the page nowhere; before a yes, after a no, under a signal and under age nobody hears of anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_creative_reads_nothing_of_the_page_it_stands_in() {
    let Some(driver) = Driver::start() else { return };
    let ((app, pages), park) = (shop(&[]).await, Park::open().await);
    let (others, _) = shop(&[&OTHERS[..], &[("CUEHOUSE_ADS_ORIGIN", "http://others.test")]].concat()).await;
    let rules: String = [("frames.test", &app), ("others.test", &others)]
        .map(|(name, shop)| format!("MAP {name} 127.0.0.1:{}, ", shop.url.rsplit(':').next().unwrap()))
        .concat();
    let (browser, log) = park.visitor(&driver, &app.url, &rules).await;
    walks(&browser, &pages).await;
    browser.open("/").await;
    browser.press_words("#consent-banner", "Reject all").await;
    browser.see(".notice").await;
    walks(&browser, &pages).await;
    assert_eq!(park.hits().await, []);
    assert_eq!(names_in(browser, log).await, Vec::<String>::new());
    // The same pages, one yes.
    let mut person = grown(&app);
    chooses(&mut person, &[("choice", "accept"), ("all", "yes")]).await;
    let (browser, _) = park.visitor(&driver, &app.url, &rules).await;
    browser.becomes(&person).await;
    for path in &pages {
        park.hits().await;
        browser.open(path).await;
        browser.until("document.querySelector('.ad-apart iframe')").await;
        let before = browser.value("document.querySelector('.foot').offsetTop").await;
        let size = "(() => { const { width, height } = document.querySelector('.ad-apart iframe').getBoundingClientRect(); return [width, height]; })()";
        assert_eq!(browser.value(size).await, json!([300, 250]), "{path}");
        browser.value("(document.querySelector('.ad-apart').scrollIntoView({ block: 'center' }), 0)").await;
        park.hears("googleads.g.doubleclick.net").await;
        park.hears("springserve.com").await;
        let hits = park.hits().await;
        let tag = told(&hits, "googleads.g.doubleclick.net", "/pagead/ads/");
        assert_eq!(
            tag,
            [
                "client=ca-pub-123",
                "slot=456",
                "npa=0",
                "parent=SecurityError",
                "parentcookie=SecurityError",
                "parentstore=SecurityError",
                "jar=nothing",
                "referrer=nothing",
                "rdp=nothing",
            ],
            "{path}"
        );
        assert_eq!(
            told(&hits, "beacon.springserve.com", "/beacon/"),
            ["top=SecurityError", "jar=nothing"],
            "{path}"
        );
        assert!(hits.iter().all(|hit| hit.path != "/taken"), "{hits:?}");
        assert!(browser.client.current_url().await.unwrap().as_str().starts_with(&app.url));
        assert_eq!(browser.value("document.querySelector('.foot').offsetTop").await, before, "nothing moved");
        let ours = browser.client.get_all_cookies().await.unwrap();
        assert!(ours.iter().all(|cookie| !cookie.name().starts_with("__g")), "{ours:?}");
    }
    others_say_no_more_than_was_granted(&browser, &others, &park).await;
    let mut refuser = person.window();
    chooses(&mut refuser, &[("choice", "refuse"), ("all", "yes")]).await;
    browser.client.close().await.unwrap();
    for (who, band, signal) in
        [(&refuser, None, false), (&person, None, true), (&person, Some(age::Band::Minor), false)]
    {
        let mut here = who.window();
        if let Some(band) = band {
            here.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
        }
        let (browser, log) = park.visitor(&driver, &app.url, &rules).await;
        browser.becomes(&here).await;
        if signal {
            browser.says(json!({ "Sec-GPC": "1" })).await;
        }
        walks(&browser, &pages).await;
        assert_eq!(park.hits().await, [], "{band:?} {signal}");
        assert_eq!(names_in(browser, log).await, Vec::<String>::new(), "{band:?} {signal}");
    }
}
