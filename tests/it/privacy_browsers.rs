//! What one browser said, beside what its account said, and for how long it holds.

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::account;
use cuehouse::consent::choices::Choices;
use cuehouse::consent::purpose::Purpose;
use cuehouse::consent::seal;

use crate::privacy::{chooses, clean, contacts, press, shop};
use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::browser::Browser;

async fn signs_in(browser: &mut Browser, name: &str) {
    let email = email_of(name);
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    browser.send("/sign-in", "/sign-in", &fields).await.is(303);
}

/// R-CA-1, R-CA-3, R-EN-2: who opted out in a browser meets nobody in it, also signed in to an account that granted
/// everything before; what the account's other browsers do stays as it was, until it is taken back here.
#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_of_a_browser_outlasts_signing_in() {
    let app = shop().await;
    let mut laptop = app.buyer("Bea Buyer").await;
    press(&mut laptop, "accept").await.is(303);
    assert!(!contacts(&laptop.get("/").await.is(200)).is_empty());

    let mut library = app.visitor();
    chooses(&mut library, &[("choice", "opt_out")]).await.is(303);
    signs_in(&mut library, "Bea Buyer").await;
    let page = library.get("/").await.is(200);
    clean(&page);
    assert!(!page.has("data-consent-banner"), "an opt-out is an answer");
    assert!(library.get("/privacy/choices").await.is(200).has("id=\"opted-out\""));
    assert!(library.get("/privacy/vendors").await.is(200).has("because you opted out"));

    // Looking changed nothing for the account.
    assert!(
        !contacts(&laptop.get("/").await.is(200)).is_empty(),
        "another browser of the account, as before"
    );
    let user = laptop.user.clone().unwrap();
    let kept = app.app.db.read(move |conn| account::of(conn, &user)).await.unwrap();
    assert_eq!(kept.choices.unwrap().opted_out_at, None);

    // A yes given here, knowing of it, takes it back.
    chooses(&mut library, &[("choice", "accept")]).await.is(303);
    assert!(!contacts(&library.get("/").await.is(200)).is_empty());
}

/// T-GPC-5, R-SG-5: a signal opts the account out on all devices also where this browser had opted out before.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_account_past_the_browsers_own_opt_out() {
    let app = shop().await;
    let mut laptop = app.buyer("Bea Buyer").await;
    press(&mut laptop, "accept").await.is(303);
    let mut library = app.visitor();
    chooses(&mut library, &[("choice", "opt_out")]).await.is(303);
    signs_in(&mut library, "Bea Buyer").await;
    clean(&library.get_with("/", &[("Sec-GPC", "1")]).await.is(200));
    clean(&laptop.get("/").await.is(200));
}

fn opted_out(app: &TestApp, days_ago: i64) -> Choices {
    let at = Timestamp::now().plus(-days_ago * DAY);
    let mut choices = Choices {
        decided_at: Some(at),
        expires_at: Some(at.plus(182 * DAY)),
        opted_out_at: Some(at),
        ..Choices::default()
    };
    choices.purposes.insert(Purpose::Analytics, false);
    for vendor in app.app.consent.on() {
        choices.answer(vendor, false);
    }
    choices
}

/// T-TIME-2, R-CN-13: who opted out of sale and sharing is not asked again within twelve months, though the no itself has
/// run out by then, and nobody is contacted meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_is_not_asked_about_again_within_a_year() {
    let app = shop().await;
    for days_ago in [1, 181, 183, 300, 365] {
        let mut browser = app.visitor();
        browser.set_cookie("cs", &seal::close(&app.app.keys.seal, &opted_out(&app, days_ago)));
        for path in ["/", "/search"] {
            let page = browser.get(path).await.is(200);
            assert!(!page.has("data-consent-banner"), "{days_ago} days, {path}");
            clean(&page);
        }
        let since = Timestamp::now().plus(-days_ago * DAY).long_day();
        assert!(browser.get("/privacy/choices").await.is(200).has(&since), "{days_ago} days");
    }
    // And the browser keeps it for longer than that.
    let seen = chooses(&mut app.visitor(), &[("choice", "opt_out")]).await.is(303);
    let lines = seen.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    let kept = lines.filter(|line| line.starts_with("cs=")).find_map(|line| {
        let age = line.split("Max-Age=").nth(1)?;
        age.split(';').next()?.parse::<i64>().ok()
    });
    assert!(kept.is_some_and(|secs| secs * 1000 >= 366 * DAY), "{kept:?}");
}
