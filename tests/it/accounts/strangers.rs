//! What keeps strangers out: limits, cookies, and forms that only our own pages send.

use cuehouse::accounts::user::Role;
use cuehouse::db::schema::sessions;
use cuehouse::sales::number::LicenceNumber;
use diesel::prelude::*;
use rocket::http::Method;

use super::{is_signed_in, signs_in};
use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::browser::Seen;

/// S2-27: attempts are limited per account and per address, and the refusal says when to come back. S1-28: a forwarding header
/// from nobody we trust changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down() {
    let app = TestApp::with(&[("CUEHOUSE_LIMITS_SIGN_IN_ATTEMPTS", "3")]).await;
    app.person("Ines", &[]).await;
    app.person("Other", &[]).await;
    let (email, other) = (email_of("Ines"), email_of("Other"));
    let mut browser = app.visitor();
    for _ in 0..5 {
        // What is right does not count.
        signs_in(&mut browser, &email, PASSWORD).await.is(303);
        browser.send("/account", "/sign-out", &[]).await.is(303);
    }
    for _ in 0..3 {
        signs_in(&mut browser, &email, "a guess").await.is(422);
    }
    let refused = signs_in(&mut browser, &email, PASSWORD).await.is(429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=200).contains(&wait), "{wait}");
    // Written otherwise it is the same account; another one is not held up.
    signs_in(&mut browser, &email.to_uppercase(), "a guess").await.is(429);
    signs_in(&mut browser, &other, PASSWORD).await.is(303);
    browser.send("/account", "/sign-out", &[]).await.is(303);
    // Many accounts from one place: three times as many in all.
    for n in 0..6 {
        signs_in(&mut browser, &format!("{n}@example.com"), "a guess").await.is(422);
    }
    signs_in(&mut browser, &other, PASSWORD).await.is(429);
    // A forwarding header of somebody who is no trusted proxy gives no new allowance.
    let csrf = browser.get("/sign-in").await.csrf().unwrap();
    let body = format!("csrf={csrf}&email={}&password=guess", other.replace('@', "%40"));
    let kind = "application/x-www-form-urlencoded";
    browser
        .post_raw(
            "/sign-in",
            kind,
            body.into_bytes(),
            &[("X-Forwarded-For", "203.0.113.9"), ("X-Real-IP", "203.0.113.9")],
        )
        .await
        .is(429);
    // Letters to one address: five within the hour.
    for n in 0..6 {
        let seen = browser.send("/account/reset", "/account/reset", &[("email", &other)]).await;
        assert_eq!(seen.status, if n < 5 { 303 } else { 429 }, "{n}");
    }
}

/// A flood of sign-ins is refused with 503 instead of queueing for ever, and told when to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_passwords_is_told_to_come_back() {
    // From one place as many as there are: what refuses is the queue.
    let app = TestApp::with(&[("CUEHOUSE_LIMITS_SIGN_IN_ATTEMPTS", "1000")]).await;
    let mut browser = app.visitor();
    let csrf = browser.get("/sign-in").await.csrf().unwrap();
    let all = (0..200).map(|n| {
        let (mut window, csrf) = (browser.window(), csrf.clone());
        async move {
            let email = format!("{n}@example.com");
            let fields = [("csrf", csrf.as_str()), ("email", &email), ("password", "a long password")];
            let seen = window.post("/sign-in", &fields).await;
            (seen.status, seen.header("retry-after").map(str::to_owned))
        }
    });
    let answers = futures::future::join_all(all).await;
    let busy = (503, Some("1".to_owned()));
    assert!(answers.iter().all(|answer| *answer == (422, None) || *answer == busy), "{answers:?}");
    assert!(answers.contains(&(422, None)) && answers.contains(&busy), "{answers:?}");
    assert_eq!(browser.get("/healthz").await.status, 200);
}

/// S4-18: cookies are host-only, `HttpOnly`, `SameSite=Lax`; on https `Secure` with the host prefix. S4-15: a session's is a
/// token that nothing can be read from, of which a hash is kept.
#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_as_tight_as_the_site_allows() {
    for (site, prefix, secure) in
        [("http://127.0.0.1:8000", "", false), ("https://shop.example", "__Host-", true)]
    {
        let app = TestApp::with(&[("CUEHOUSE_SITE_URL", site)]).await;
        app.person("Ines", &[]).await;
        let mut browser = app.visitor();
        let mut lines: Vec<String> = vec![];
        let mut note = |seen: &Seen| {
            let set = seen.headers.get_all("set-cookie").iter();
            lines.extend(set.filter_map(|line| line.to_str().ok().map(str::to_owned)));
        };
        note(&browser.get("/sign-up").await);
        note(&browser.send("/sign-up", "/age", &[("birth_year", "1980"), ("birth_month", "1")]).await);
        let fields = [("email", "ines@example.com"), ("password", PASSWORD), ("remember", "yes")];
        note(&browser.send("/sign-in", "/sign-in", &fields).await.is(303));
        assert!(is_signed_in(&mut browser).await);
        note(&browser.send("/account", "/sign-out", &[]).await.is(303));
        for name in ["forms", "al", "session", "remembered", "notice"] {
            let name = format!("{prefix}{name}");
            assert!(lines.iter().any(|line| line.starts_with(&format!("{name}="))), "{name}: {lines:?}");
        }
        for line in &lines {
            assert!(
                line.starts_with(prefix) && line.contains("; HttpOnly") && line.contains("; SameSite=Lax")
            );
            assert!(line.contains("; Path=/") && !line.contains("Domain"), "{line}");
            assert_eq!(line.contains("; Secure"), secure, "{line}");
        }
        let session = lines.iter().find(|l| l.starts_with(&format!("{prefix}session="))).unwrap();
        let token = session.split(['=', ';']).nth(1).unwrap();
        assert_eq!(token.len(), 43, "256 bits in base64");
        let kept: Vec<String> = app
            .app
            .db
            .read(|conn| Ok(sessions::table.select(sessions::token_hash).load(conn)?))
            .await
            .unwrap();
        assert!(!kept.iter().any(|hash| hash.contains(token)), "only its hash is kept");
    }
}

/// Every address that takes a POST, whoever asks: without the token of a page of ours nothing happens.
#[tokio::test(flavor = "multi_thread")]
async fn no_form_is_taken_from_another_site() {
    let app = TestApp::new().await;
    let all = &[Role::Uploader, Role::Reviewer, Role::Support, Role::Admin];
    let mut somebody = app.person("Ada Everything", all).await;
    let mut stranger = app.visitor();
    stranger.get("/sign-in").await.is(200);
    let rocket = cuehouse::rocket(app.app.clone()).ignite().await.unwrap();
    let number = LicenceNumber::draw().unwrap().to_string();
    let mut count = 0;
    for route in rocket.routes().filter(|route| route.method == Method::Post) {
        let path = route.uri.path();
        // What other machines say carries proof of its own, or changes nothing but a count.
        let machines = ["/stripe/webhook", "/reports/csp", "/reports/connection"];
        if machines.contains(&path) || path.starts_with("/letters/stop/") {
            continue;
        }
        // These are there for an account that is held back alone; `guardians::found_out` asks them.
        if path.starts_with("/held/") {
            assert_eq!(somebody.post(path, &[]).await.status, 404, "{path}");
            continue;
        }
        let path = path
            .split('/')
            .map(|part| match part {
                "<handle>" => "@ines",
                "<number>" => number.as_str(),
                part if part.starts_with("<id") => "0190a0b0c0d0e0f0a0b0c0d0e0f0a0b0",
                part if part.starts_with('<') => "some-thing",
                part => part,
            })
            .collect::<Vec<_>>()
            .join("/");
        let foreign = somebody.window().get("/account").await.csrf();
        for fields in [vec![], vec![("csrf", "")], vec![("csrf", "AAAA")]] {
            let mut seen = somebody.post(&path, &fields).await;
            if matches!(seen.status, 415 | 422) {
                // It takes files: the token stands before them.
                let (kind, end) = ("multipart/form-data; boundary=b", "\r\n--b--\r\n");
                let part = |(name, value): &(&str, &str)| {
                    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                };
                let before: String = fields.iter().map(part).collect();
                let file =
                    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF";
                let body = format!("{before}{file}{end}").into_bytes();
                seen = somebody.post_raw(&path, kind, body, &[]).await;
            }
            assert_eq!(seen.status, 403, "{path} with {fields:?}: {}", seen.text());
            assert!(seen.has("stale") || seen.has("</html>"), "{path}");
        }
        let seen = stranger.post(&path, &[("csrf", foreign.as_deref().unwrap_or_default())]).await;
        // The check of a receipt takes a file from anybody, and has said before the token that this is none.
        let is_no_file = path == "/privacy/receipts/verify" && seen.status == 422;
        assert!(matches!(seen.status, 403 | 303) || is_no_file, "{path} of a stranger: {}", seen.status);
        if seen.status == 303 {
            assert!(seen.location().starts_with("/sign-in"), "{path}");
        }
        count += 1;
    }
    assert!(count >= 12, "{count} routes");
    // A field that turns a POST into another method reaches nothing that changes something.
    for method in ["put", "patch", "delete", "get"] {
        let seen = somebody.post("/sign-out", &[("_method", method)]).await;
        assert!(matches!(seen.status, 404 | 405), "{method}: {}", seen.status);
    }
    assert!(is_signed_in(&mut somebody).await);
    let changing = [Method::Put, Method::Patch, Method::Delete];
    assert!(!rocket.routes().any(|route| changing.contains(&route.method)), "every change is a POST");
}
