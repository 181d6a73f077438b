//! What one browser said, beside what its account said, and for how long it holds.

use std::collections::BTreeSet;

use cuehouse::App;
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::account::{self, Kept};
use cuehouse::consent::age::Band;
use cuehouse::consent::choices::Choices;
use cuehouse::consent::deed::{Press, carry_out};
use cuehouse::consent::guards::Signals;
use cuehouse::consent::purpose::Purpose;
use cuehouse::consent::record::{Country, Deed, Recorded, Scene};
use cuehouse::consent::seal;
use cuehouse::ids::UserId;

use crate::privacy::{chooses, clean, contacts, leaves, press, shop};
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

async fn row_of(app: &TestApp, user: &UserId) -> Kept {
    let user = user.clone();
    app.app.db.read(move |conn| account::of(conn, &user)).await.unwrap()
}

/// What a press of an account would write, computed upon this row.
fn deed(app: &App, user: &UserId, upon: &Kept, press: &Press, now: Timestamp) -> Deed {
    let (book, before) = (&app.consent, upon.choices.clone().unwrap_or_default());
    let all: Vec<usize> = book.enabled.iter().map(|enabled| enabled.at).collect();
    let change = carry_out(book, &before, None, press, &all, false, now);
    let scene = Scene {
        account: Some(user.clone()),
        before: &before,
        row: upon.line.clone(),
        country: Country::same(None),
        signals: Signals::default(),
        band: Some(Band::Adult),
        surface: "choices",
        shown: "Who may see you?".into(),
    };
    Deed::new(app, scene, change, now).unwrap()
}

/// R-RC-8, R-CN-10: two devices of one account choose at the same moment. Whatever the one keeps of the yeses that it read, a
/// no of the other that was written meanwhile is not overwritten: it writes nothing, and is computed anew upon that no.
#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_yes_is_not_written_over_a_later_no() {
    let app = shop().await;
    let mut laptop = app.buyer("Bea Buyer").await;
    press(&mut laptop, "accept").await.is(303);
    let (user, now) = (laptop.user.clone().unwrap(), Timestamp::now());
    let read = row_of(&app, &user).await;
    let less = Press::Less {
        purposes: BTreeSet::from([Purpose::Analytics]),
        vendors: BTreeSet::from(["histats", "statcounter"].map(str::to_owned)),
    };
    let partials = [(less.clone(), "less"), (Press::Place(Some("DE".into())), "a place")];
    let no = deed(&app.app, &user, &read, &Press::Refuse, now);
    for (partial, name) in &partials {
        let late = deed(&app.app, &user, &read, partial, now);
        assert!(late.change.grants(), "{name}: the control, it carries a yes");
    }
    assert!(matches!(no.record(&app.app, None, None, now).await.unwrap(), Recorded::Now(_)));
    let began = leaves(&app.app).await;
    for (partial, name) in &partials {
        let late = deed(&app.app, &user, &read, partial, now);
        let Recorded::Moved(holds) = late.record(&app.app, None, None, now).await.unwrap() else {
            panic!("{name} was written over a no");
        };
        let row = row_of(&app, &user).await;
        assert_eq!((leaves(&app.app).await, &row.line), (began, &holds.line), "{name}");
        clean(&laptop.get("/").await.is(200));
        let anew = deed(&app.app, &user, &holds, partial, now).change;
        assert!(!anew.gives && !anew.grants(), "{name}");
    }
    let anew = deed(&app.app, &user, &row_of(&app, &user).await, &less, now);
    assert!(matches!(anew.record(&app.app, None, None, now).await.unwrap(), Recorded::Now(_)));
    clean(&laptop.get("/").await.is(200));
    // In two browsers at once, whichever comes first: a place keeps what was said yes to, and no yes comes back by it.
    let mut phone = app.visitor();
    signs_in(&mut phone, "Bea Buyer").await;
    for round in 0..6 {
        chooses(&mut laptop, &[("choice", "accept"), ("all", "yes")]).await.is(303);
        assert!(!contacts(&phone.get("/").await.is(200)).is_empty(), "round {round}");
        let here = laptop.get("/privacy/choices").await.is(200).csrf().unwrap();
        let there = phone.get("/privacy/choices").await.is(200).csrf().unwrap();
        let place = [("csrf", here.as_str()), ("choice", "place"), ("place", "DE")];
        let refusal = [("csrf", there.as_str()), ("choice", "refuse"), ("all", "yes")];
        let (said, refused) =
            tokio::join!(laptop.post("/privacy/choices", &place), phone.post("/privacy/choices", &refusal));
        assert_eq!((said.status, refused.status), (303, 303), "round {round}");
        for browser in [&mut laptop, &mut phone] {
            clean(&browser.get("/").await.is(200));
        }
    }
}
