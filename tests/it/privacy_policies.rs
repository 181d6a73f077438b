//! What a browser is told to refuse, asked of every address of the shop; and what it reports of that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cuehouse::accounts::user::Role;
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::decision::Reason;
use cuehouse::consent::reports::{self, Refusal};
use cuehouse::consent::vendor::State;
use cuehouse::consent::{age, seal};
use cuehouse::jobs::calendar;
use rocket::http::Method;

use crate::privacy::{VENDORS, chooses, press, shop};
use crate::sales::http::{OnSale, adds, buys, numbers};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen, unescaped};
use crate::support::shelf::{piece, shelve};
use crate::support::wards::answers;

/// What each directive of a policy allows.
type Policy = BTreeMap<String, BTreeSet<String>>;

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What a page may be told where these vendors may be contacted, straight from the registry: the policy, and the origins of
/// the list of connections.
fn meant(app: &TestApp, vendors: &[&str]) -> (Policy, BTreeSet<String>) {
    let mut policy: Policy = [
        ("default-src", "'none'"),
        ("script-src", "'self'"),
        ("style-src", "'self'"),
        ("img-src", "'self'"),
        ("media-src", "'self'"),
        ("font-src", "'self'"),
        ("connect-src", "'self'"),
        ("manifest-src", "'self'"),
        ("worker-src", "'none'"),
        ("object-src", "'none'"),
        ("frame-src", "'none'"),
        ("form-action", "'self'"),
        ("base-uri", "'none'"),
        ("frame-ancestors", "'none'"),
        ("webrtc", "'block'"),
        ("report-to", "csp"),
    ]
    .map(|(directive, word)| (directive.to_owned(), set(&[word])))
    .into();
    let mut origins = BTreeSet::new();
    for id in vendors {
        let hosts = &app.app.consent.registry.vendor(id).unwrap().hosts;
        let kinds = [
            ("script-src", &hosts.script),
            ("connect-src", &hosts.connect),
            ("img-src", &hosts.img),
            ("frame-src", &hosts.frame),
        ];
        for (directive, hosts) in kinds {
            let sources = policy.get_mut(directive).unwrap();
            if !hosts.is_empty() {
                sources.remove("'none'");
            }
            sources.extend(hosts.iter().cloned());
            origins.extend(hosts.iter().map(|host| {
                let name = host.strip_prefix("https://").unwrap().split('/').next().unwrap();
                format!("https://{name}")
            }));
        }
    }
    (policy, origins)
}

/// Whether an answer stands inside pages: a picture, a sound, a style sheet, a script.
fn is_part(seen: &Seen) -> bool {
    let kind = seen.header("content-type").unwrap_or_default();
    ["image/", "audio/", "text/css", "text/javascript"].iter().any(|begins| kind.starts_with(begins))
}

/// What an answer was sent with.
fn sent(seen: &Seen, path: &str) -> (Policy, BTreeSet<String>) {
    let one = |name: &str| {
        let all: Vec<_> = seen.headers.get_all(name).iter().collect();
        assert_eq!(all.len(), 1, "{name} of {path}: {all:?}");
        all[0].to_str().unwrap().to_owned()
    };
    let mut policy = Policy::new();
    for directive in one("content-security-policy").split(';') {
        let mut words = directive.split_whitespace();
        let name = words.next().unwrap_or_else(|| panic!("an empty directive of {path}"));
        let twice = policy.insert(name.to_owned(), words.map(str::to_owned).collect());
        assert!(twice.is_none(), "{name} twice for {path}");
    }
    let list = one("connection-allowlist");
    let origins = list.strip_prefix("(response-origin").and_then(|rest| rest.split_once(')'));
    let (origins, parameters) = origins.unwrap_or_else(|| panic!("{list} for {path}"));
    let said = if is_part(seen) { "" } else { ";redirects=allow;webrtc=block;report-to=ca" };
    assert_eq!(parameters, said, "{path}");
    let origins = origins.split_whitespace().map(|origin| origin.trim_matches('"').to_owned()).collect();
    (policy, origins)
}

/// Every address of the shop that can be asked for, its parameters filled in with what there is and with what there is not.
async fn addresses(app: &TestApp, known: &BTreeMap<&str, Vec<String>>) -> Vec<String> {
    let rocket = cuehouse::rocket(app.app.clone()).ignite().await.unwrap();
    let routes: BTreeSet<String> = rocket
        .routes()
        .filter(|route| route.method == Method::Get)
        .map(|route| route.uri.path().to_owned())
        .collect();
    assert!(routes.len() > 80, "{} routes", routes.len());
    let mut all: BTreeSet<String> =
        ["/nothing/here", "/search?q=rain", "/privacy/choices?receipt=x", "/static/nothing"]
            .map(str::to_owned)
            .into();
    for route in routes {
        let mut begun = vec![String::new()];
        for part in route.split('/').skip(1) {
            let name = part.strip_prefix('<').map(|name| name.trim_end_matches('>').trim_end_matches(".."));
            let values = match name {
                None => vec![part.to_owned()],
                Some(name) => {
                    let there =
                        known.get(name).unwrap_or_else(|| panic!("no values for <{name}> of {route}"));
                    there.iter().cloned().chain(["no-such-thing".to_owned()]).collect()
                }
            };
            begun = begun.iter().flat_map(|path| values.iter().map(move |v| format!("{path}/{v}"))).collect();
        }
        all.extend(begun);
    }
    all.into_iter().collect()
}

/// Asks for all of them, and keeps the heads of the answers.
async fn asks(mut who: Browser, headers: Headers, all: Arc<Vec<String>>) -> Vec<Seen> {
    let mut answers = vec![];
    for path in all.iter() {
        let mut seen = who.get_with(path, headers).await;
        seen.bytes = vec![];
        answers.push(seen);
    }
    answers
}

type Headers = &'static [(&'static str, &'static str)];

const PAGES_HEED: [&str; 5] = [
    "reporting-endpoints",
    "x-dns-prefetch-control",
    "cross-origin-opener-policy",
    "x-frame-options",
    "permissions-policy",
];
const ROLES: &[Role] = &[Role::Uploader, Role::Reviewer, Role::Support, Role::Admin];
const ONE: [(&str, &str); 3] = [("choice", "save"), ("purpose.analytics", "on"), ("vendor.histats", "on")];

/// T-UX-7, R-EN-7: the page that says who may see somebody prints the headers it came with, byte for byte, and of every
/// vendor of the registry why it is contacted or not: for whoever said nothing, said yes to one, sends a signal, or is under
/// age.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_vendors_prints_its_own_headers_and_every_reason() {
    let app = shop().await;
    let (mut chose, mut young) = (app.visitor(), app.visitor());
    chooses(&mut chose, &ONE).await.is(303);
    answers(&mut young, 15).await.is(303);
    let (silent, signal): (Headers, Headers) = (&[], &[("Sec-GPC", "1")]);
    let one = [Reason::Refused, Reason::Granted, Reason::Refused];
    for (who, mut browser, sends, reasons) in [
        ("undecided", app.visitor(), silent, [Reason::NoGrant; 3]),
        ("accepted one", chose, silent, one),
        ("a signal", app.visitor(), signal, [Reason::Signal; 3]),
        ("under age", young, silent, [Reason::AgeBand; 3]),
    ] {
        let seen = browser.get_with("/privacy/vendors", sends).await.is(200);
        let page = unescaped(&seen.text());
        let headers = ["Content-Security-Policy", "Connection-Allowlist"]
            .map(|name| format!("{name}: {}", seen.header(name).unwrap()));
        let printed = page.split("<pre class=\"headers-shown\">").nth(1).unwrap();
        assert_eq!(printed.split("</pre>").next().unwrap(), headers.join("\n\n"), "{who}");
        for vendor in &app.app.consent.registry.vendors {
            let on = ["ga4", "histats", "statcounter"].iter().position(|id| *id == vendor.id);
            let reason = match on {
                Some(at) => reasons[at],
                None if vendor.state == State::Retired => Reason::Retired,
                None if vendor.hold.is_some() => Reason::Held,
                None => Reason::NotEnabled,
            };
            let entry = page.split(&format!("class=\"vendor-entry\" id=\"{}\">", vendor.id)).nth(1).unwrap();
            let entry = entry.split("</section>").next().unwrap();
            let is = if reason.allows() { ">contacted</span>" } else { ">not contacted</span>" };
            assert!(entry.contains(&format!("{is} {}</p>", reason.words())), "{who}, {}: {entry}", vendor.id);
        }
    }
}

/// T-HDR-1, R-EN-3, PR-7: every address that answers a GET, with what exists and with what does not, for people who are
/// undecided, refused, granted one, granted all, send a signal or are under age, signed in and not: the policy and the list
/// of connections name exactly the origins that the registry has for whom the decision allows, and ours. A page has no other
/// policy than its decision's; what is no page has that or the one that lets nobody in; what stands inside pages has one
/// that is closed, and nothing that only a page heeds. No answer goes without.
#[tokio::test(flavor = "multi_thread")]
async fn no_address_escapes_the_policy() {
    let app = shop().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    app.visitor().waits_for("/search?q=rain", &track.href()).await;

    // Somebody with every role who bought something and granted everything.
    let mut ada = app.person("Ada Everything", ROLES).await;
    press(&mut ada, "accept").await.is(303);
    let on_sale = OnSale { id: track.id.clone(), slug: track.slug.clone(), master: vec![] };
    adds(&mut ada, &on_sale, "creator").await.is(303);
    let order = buys(&app, &mut ada).await;
    let order = order.split('?').next().unwrap().replace("/orders/", "");
    let number = numbers(&ada.get("/library").await.is(200)).pop().unwrap();
    adds(&mut ada, &on_sale, "business").await.is(303);
    let receipt = seal::open(&app.app.keys.seal, ada.cookie("cs").unwrap()).unwrap().receipt.unwrap();
    let words = |all: &[&str]| -> Vec<String> { all.iter().map(|word| (*word).to_owned()).collect() };
    let known = BTreeMap::from([
        ("slug", vec![track.slug.to_string()]),
        ("handle", words(&["@ines"])),
        ("number", vec![number]),
        ("id", vec![order, receipt.clone(), track.upload.to_string(), "ga4".into()]),
        ("file", vec![format!("{receipt}.json"), format!("{receipt}.jsonld"), "certificate.json".into()]),
        ("kind", words(&["licence"])),
        ("tier", words(&["creator"])),
        ("edition", words(&["1"])),
        ("purpose", words(&["revocation"])),
        ("list", words(&["1"])),
        ("what", words(&["privacy"])),
        ("n", words(&["0"])),
        ("claim", vec![]),
        ("token", vec![]),
        ("word", vec![]),
        ("hash", vec!["0".repeat(64)]),
        ("day", words(&["2026-11-25"])),
        ("letter", words(&["weekly"])),
        ("name", vec![]),
        ("vendor", words(&["adsense"])),
        ("place", words(&["front"])),
        ("path", words(&["css/cuehouse.css", "js/vendors/ga4.js"])),
    ]);
    let all = Arc::new(addresses(&app, &known).await);

    let (silent, signal): (Headers, Headers) = (&[], &[("Sec-GPC", "1")]);
    let (everyone, one_of_them, no_one): (&[&str], &[&str], &[&str]) =
        (&["ga4", "histats", "statcounter"], &["histats"], &[]);
    let mut crowd =
        vec![("granted all, signed in", ada, silent, everyone), ("undecided", app.visitor(), silent, no_one)];
    for is_signed_in in [false, true] {
        let who = async |name: &str| match is_signed_in {
            true => app.person(name, ROLES).await,
            false => app.visitor(),
        };
        let mut refused = who("Rhea Refused").await;
        chooses(&mut refused, &[("choice", "refuse")]).await.is(303);
        crowd.push(("refused", refused, silent, no_one));
        let mut one = who("Oda One").await;
        chooses(&mut one, &ONE).await.is(303);
        crowd.push(("granted one", one, silent, one_of_them));
        let mut signalling = who("Gil Signal").await;
        chooses(&mut signalling, &[("choice", "accept")]).await.is(303);
        crowd.push(("a signal", signalling, signal, no_one));
    }
    let mut granted = app.visitor();
    press(&mut granted, "accept").await.is(303);
    let mut minor = granted.window();
    minor.set_cookie("al", &age::seal(&app.app.keys.seal, age::Band::Minor, Timestamp::now()));
    crowd.push(("granted all", granted, silent, everyone));
    crowd.push(("under age", minor, silent, no_one));

    let walks: Vec<_> = crowd
        .into_iter()
        .map(|(label, who, headers, ids)| (label, ids, tokio::spawn(asks(who, headers, all.clone()))))
        .collect();
    let closed = ["default-src", "img-src", "media-src", "frame-ancestors"].map(|directive| {
        let word = if matches!(directive, "img-src" | "media-src") { "'self'" } else { "'none'" };
        (directive.to_owned(), set(&[word]))
    });
    let closed = (Policy::from(closed), BTreeSet::new());
    let (nobody, mut statuses, mut kinds) = (meant(&app, &[]), BTreeSet::new(), BTreeSet::new());
    for (label, ids, walk) in walks {
        let (wanted, mut pages) = (meant(&app, ids), 0);
        for (path, seen) in all.iter().zip(walk.await.unwrap()) {
            let mut found = sent(&seen, &format!("{path} for {label}"));
            // A form that ends at the payment page, ours or Stripe's: its origin is named there alone.
            if path == "/checkout" || path.starts_with("/orders/") {
                let forms = found.0.get_mut("form-action").unwrap();
                forms.retain(|word| *word != app.stripe.url && word != "https://checkout.stripe.com");
            }
            let kind = seen.header("content-type").unwrap_or_default().split(';').next().unwrap().to_owned();
            for name in PAGES_HEED {
                assert_eq!(seen.header(name).is_none(), is_part(&seen), "{name} of {path} for {label}");
            }
            for name in ["x-content-type-options", "cross-origin-resource-policy"] {
                assert!(seen.header(name).is_some(), "{name} of {path} for {label}");
            }
            if kind == "text/html" {
                assert_eq!(found, wanted, "{path} for {label}");
                pages += 1;
            } else if is_part(&seen) {
                assert_eq!(found, closed, "{path} for {label}");
            } else {
                assert!(found == wanted || found == nobody, "{path} for {label}: {found:?}");
            }
            statuses.insert(seen.status);
            kinds.insert(kind);
        }
        assert!(pages > 60, "{pages} pages for {label}");
    }
    for status in [200, 303, 403, 404] {
        assert!(statuses.contains(&status), "{status} in {statuses:?}");
    }
    for kind in [
        "text/html",
        "application/json",
        "audio/mpeg",
        "image/svg+xml",
        "text/css",
        "text/javascript",
        "text/plain",
    ] {
        assert!(kinds.contains(kind), "{kind} in {kinds:?}");
    }
}

/// T-HDR-1, R-EN-3: what is refused, asked for in the wrong way or posted without its token has a policy too.
#[tokio::test(flavor = "multi_thread")]
async fn no_refusal_escapes_the_policy() {
    let app = TestApp::with(&[VENDORS]).await;
    let mut browser = app.visitor();
    press(&mut browser, "accept").await.is(303);
    let wanted = meant(&app, &["ga4", "histats", "statcounter"]);
    for (path, status) in
        [("/privacy/choices", 403), ("/healthz", 405), ("/nothing/here", 404), ("/sign-in", 403)]
    {
        let seen = browser.post(path, &[("choice", "accept")]).await.is(status);
        assert_eq!(sent(&seen, path), wanted, "{path}");
    }
    assert_eq!(sent(&browser.head("/").await.is(200), "/"), wanted);
    assert_eq!(sent(&browser.get("/search?page=nothing").await, "/search"), wanted);
}

const REPORT: [(&str, &str); 1] = [("Content-Type", "application/reports+json")];

/// T-REP-1, R-EN-8: a report that another site's page sent, as the browser says, is not heard; one of ours, and one of a
/// browser that says nothing, is.
#[tokio::test(flavor = "multi_thread")]
async fn reports_of_other_sites_are_not_heard() {
    let app = shop().await;
    let mut browser = app.visitor();
    let site = app.app.config.site_url.clone();
    let body = format!(
        "[{{\"type\":\"csp-violation\",\"url\":\"{site}/\",\"body\":{{\"effectiveDirective\":\"img-src\",\
         \"blockedURL\":\"https://evil.example/p\"}}}}]"
    );
    let heard = [
        (vec![], 204),
        (vec![("Sec-Fetch-Site", "same-origin"), ("Origin", site.as_str())], 204),
        (vec![("Origin", site.as_str())], 204),
        (vec![("Sec-Fetch-Site", "cross-site")], 403),
        (vec![("Sec-Fetch-Site", "same-site")], 403),
        (vec![("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")], 403),
        (vec![("Origin", "https://evil.example")], 403),
        (vec![("Origin", "null")], 403),
    ];
    for path in ["/reports/csp", "/reports/connection"] {
        for (headers, status) in &heard {
            let all = [&REPORT[..], &headers[..]].concat();
            let body = Some(body.clone().into_bytes());
            let seen = browser.ask(reqwest::Method::POST, path, &all, body).await;
            assert_eq!(seen.status, *status, "{path} {headers:?}");
        }
    }
    let now = Timestamp::now();
    let counted = app.app.db.read(move |conn| reports::of_day(conn, now)).await.unwrap();
    assert_eq!(counted.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [6], "three of each were heard");
}

/// T-REP-1, R-EN-8: counts of reports are kept for thirty days, and the daily round ends them.
#[tokio::test(flavor = "multi_thread")]
async fn reports_end_after_thirty_days() {
    let app = shop().await;
    let now = Timestamp::now();
    let refusal = Refusal { directive: "img-src".into(), host: "evil.example".into(), page: "tracks".into() };
    let days = [0, 1, 29, 30, 31, 60, 400];
    app.app
        .db
        .write(move |conn| days.iter().try_for_each(|days| refusal.count(conn, now.plus(-days * DAY))))
        .await
        .unwrap();
    let kept = async || {
        let mut kept = vec![];
        for day in days {
            let at = now.plus(-day * DAY);
            let rows = app.app.db.read(move |conn| reports::of_day(conn, at)).await.unwrap();
            kept.extend((!rows.is_empty()).then_some(day));
        }
        kept
    };
    assert_eq!(kept().await, days);
    calendar::round(&app.app, now).await.unwrap();
    assert_eq!(kept().await, [0, 1, 29, 30]);
}
