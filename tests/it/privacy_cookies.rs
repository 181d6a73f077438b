//! What our own cookies hold, and what a no does not take away.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::accounts::{link, newest_letter, signs_up};
use crate::privacy::{chooses, clean, press, shop};
use crate::sales::http::{OnSale, adds, checks_out, numbers, pays};
use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::shelf::{piece, shelve, sounds};

/// The headers of two requests: without a signal, and with one.
const WITHOUT_AND_WITH: [&[(&str, &str)]; 2] = [&[], &[("Sec-GPC", "1")]];

/// Everything that somebody who holds a cookie could read in it without a key: the line itself, and what it says where it is
/// only written otherwise.
fn readings(line: &str) -> String {
    let value = line.split(';').next().unwrap().split_once('=').unwrap().1;
    let bare = value.trim_end_matches('=');
    let plain: String =
        url::form_urlencoded::parse(format!("x={value}").as_bytes()).map(|(_, v)| v).collect();
    let mut all = vec![line.to_owned(), plain];
    let pieces = [bare].into_iter().chain(value.split(['.', '~', ',', '|', ':']));
    for piece in pieces {
        let decoded =
            [STANDARD_NO_PAD.decode(piece).ok(), URL_SAFE_NO_PAD.decode(piece).ok(), hex::decode(piece).ok()];
        all.extend(decoded.into_iter().flatten().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    }
    all.join("\n").to_lowercase()
}

/// T-PR-20, PR-20, S0-29, S4-15, S1-17: joining, signing in, a basket, a checkout, a payment and every kind of choice.
/// No cookie that was set on the way holds a password, an address, a purchase or a preference that could be read
/// without our key; and each stands on the privacy page with one of four kinds and its lifetime.
#[tokio::test(flavor = "multi_thread")]
async fn no_cookie_tells_a_password_a_purchase_or_a_preference() {
    let app = shop().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let on_sale = OnSale { id: track.id.clone(), slug: track.slug.clone(), master: vec![] };
    let email = email_of("Ada Field");
    let (mut ada, seen) = signs_up(&app, "Ada Field", &email).await;
    seen.is(303);
    let letter = newest_letter(&app, &email).await;
    ada.get(&link(&app, &letter, "/confirm/")).await.is(303);
    press(&mut ada, "later").await.is(303);
    adds(&mut ada, &on_sale, "creator").await.is(303);
    let fields = [("email", email.as_str()), ("password", PASSWORD), ("remember", "yes")];
    ada.send("/sign-in", "/sign-in", &fields).await.is(303);
    let page = checks_out(&mut ada, "Ada Field").await.is(303).location().to_owned();
    let back = pays(&app, &mut ada, &page).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await);
    ada.get(&back).await.is(200);
    let number = numbers(&ada.get("/library").await.is(200)).pop().unwrap();
    for choice in ["accept", "refuse", "opt_out"] {
        let landing = chooses(&mut ada, &[("choice", choice)]).await.is(303).location().to_owned();
        ada.get(&landing).await.is(200);
    }
    let some = [("choice", "save"), ("purpose.analytics", "on"), ("vendor.histats", "on")];
    chooses(&mut ada, &some).await.is(303);
    let wishes = ada.get("/privacy/ads").await.is(200).text();
    let topic = wishes.split("name=\"topic.").nth(1).unwrap().split('"').next().unwrap().to_owned();
    ada.says("/privacy/ads", "/privacy/ads", &[(&format!("topic.{topic}"), "like")]).await.is(303);
    // What was sealed is still there for us.
    let noted = ada.get("/account").await.is(200);
    assert!(noted.has("class=\"notice\""), "{}", noted.text());
    ada.send("/account", "/sign-out", &[]).await.is(303);
    assert!(ada.get("/sign-in").await.is(200).has(&format!("value=\"{email}\"")));

    for name in ["session", "forms", "basket", "notice", "al", "later", "remembered", "cs", "wishes"] {
        let given = ada
            .told
            .iter()
            .any(|line| line.starts_with(&format!("{name}=")) && !line.starts_with(&format!("{name}=;")));
        assert!(given, "{name} was never given: {:?}", ada.told);
    }
    let page = app.visitor().get("/privacy").await.is(200).text();
    let table = page.split("id=\"cookies\"").nth(1).unwrap().split("</table>").next().unwrap();
    let listed: BTreeMap<&str, Vec<&str>> = table
        .split("<tr><th scope=\"row\"><code>")
        .skip(1)
        .map(|row| {
            let (name, rest) = row.split_once("</code></th>").unwrap();
            (name, rest.split("<td>").skip(1).filter_map(|cell| cell.split("</td>").next()).collect())
        })
        .collect();
    for (name, cells) in &listed {
        let kinds = ["needed", "preference", "statistics", "advertising"];
        assert!(cells.len() == 3 && kinds.contains(&cells[1]) && !cells[2].is_empty(), "{name}: {cells:?}");
    }
    let given = ada.told.iter().filter_map(|line| line.split_once('='));
    for (name, _) in given.filter(|(_, rest)| !rest.starts_with(';')) {
        assert!(listed.contains_key(name), "{name} is not listed");
    }
    let (slug, order) = (track.slug.to_string(), back.split('?').next().unwrap().replace("/orders/", ""));
    let secrets = [
        PASSWORD,
        "copper",
        &email,
        "ada.field",
        "ada field",
        "rain on tin",
        &slug,
        "creator",
        &order,
        &number,
        &topic,
        "accept",
        "refuse",
        "taken back",
        "opted out",
        "opt_out",
        "analytics",
        "statcounter",
        "histats",
        "/privacy/receipts/",
    ];
    for line in &ada.told {
        let read = readings(line);
        for secret in secrets.iter().filter(|secret| secret.len() > 5) {
            assert!(!read.contains(&secret.to_lowercase()), "{secret} in {line}");
        }
    }
}

/// T-PR-22, PR-22, R-CN-7: samples for everyone and whole previews for whoever signed in stay after a no, an opt-out and a
/// signal.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_takes_no_previews_away() {
    let app = shop().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let (sample, preview) = (track.at("sample.mp3"), track.at("preview.mp3"));
    for choice in ["refuse", "opt_out"] {
        let mut visitor = app.visitor();
        let before = visitor.get(&track.href()).await.is(200);
        chooses(&mut visitor, &[("choice", choice)]).await.is(303);
        for headers in WITHOUT_AND_WITH {
            assert!(visitor.get_with(&sample, headers).await.is(200).bytes == sounds().sample, "{choice}");
            visitor.get_with(&preview, headers).await.is(403);
            let after = visitor.get_with(&track.href(), headers).await.is(200);
            let places = |seen: &crate::support::browser::Seen| seen.text().matches("sample.mp3").count();
            assert_eq!(places(&after), places(&before), "{choice}");
        }
    }
    let mut buyer = app.buyer("Bea Buyer").await;
    chooses(&mut buyer, &[("choice", "refuse")]).await.is(303);
    for headers in WITHOUT_AND_WITH {
        assert!(buyer.get_with(&preview, headers).await.is(200).bytes == sounds().preview);
    }
}

/// T-PR-6, PR-6, T-CN-3, R-CN-14: the counters that a policy names are entries of the registry, named with their way out and
/// off as long as an operator says nothing; then nobody is asked.
#[tokio::test(flavor = "multi_thread")]
async fn named_counters_are_off_by_default() {
    let app = TestApp::new().await;
    assert!(app.app.config.vendors.is_empty() && app.app.consent.on().next().is_none());
    let mut visitor = app.visitor();
    let page = visitor.get("/privacy/vendors").await.is(200).text().replace("&#x2F;", "/");
    for vendor in &app.app.consent.registry.vendors {
        let entry =
            page.split(&format!("id=\"{}\"", vendor.id)).nth(1).unwrap_or_else(|| panic!("{}", vendor.id));
        let entry = entry.split("</section>").next().unwrap();
        assert!(entry.contains(&vendor.name), "{entry}");
        assert!(entry.contains("not contacted") && entry.contains("Its own opt-out"), "{entry}");
    }
    for named in ["HiStats", "StatCounter", "optOut.php", "This site does not use it."] {
        assert!(page.contains(named), "{named}");
    }
    for path in ["/", "/search", "/licences", "/sign-in"] {
        let seen = visitor.get(path).await.is(200);
        clean(&seen);
        assert!(!seen.has("data-consent-banner"), "{path}");
    }
}
