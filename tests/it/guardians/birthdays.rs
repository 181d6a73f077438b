//! Birthdays: a band begins with its month, and whoever answered for the one before answers no longer.

use cuehouse::db::schema::payout_holds;

use super::*;
use crate::support::wards::{permitted, proves_on_paper};

const CHILDREN: (&str, &str) = ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc");

/// The next band of this account's owner begins with this month, and the daily round comes by: at this moment.
async fn comes_of_age(app: &TestApp, browser: &Browser) -> Timestamp {
    let (user, now) = (browser.user.clone().unwrap(), Timestamp::now());
    let (year, month) = now.year_month();
    app.app
        .db
        .write(move |conn| {
            diesel::update(wards::table.filter(wards::account.eq(&user)))
                .set(wards::next_band_month.eq(format!("{year:04}-{month:02}")))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    jobs::daily(&app.app, now).await.unwrap();
    now
}

async fn allows(app: &TestApp, browser: &Browser, scope: Scope) -> bool {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| may(conn, &user, scope, Timestamp::now())).await.unwrap()
}

async fn is_there(app: &TestApp, browser: &Browser) -> bool {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| Ok(User::find(conn, &user).is_ok())).await.unwrap()
}

/// The link of a letter opens nothing any more, and nothing can be read or done with it.
async fn opens_nothing(app: &TestApp, link: &str, name: &str) {
    let mut former = app.visitor();
    former.get(link).await.is(410);
    for file in ["data.json", "form.json", "form.pdf"] {
        former.get(&format!("{link}/{file}")).await.is(404);
    }
    let csrf = former.get("/guardians").await.csrf().unwrap();
    for act in ["ending", "scopes/buy/ending", "publication", "erasure", "answer", "form"] {
        let fields = [("csrf", csrf.as_str()), ("name", name), ("choice", "no")];
        former.post(&format!("{link}/{act}"), &fields).await.is(404);
    }
}

/// No new link is sent to this address.
async fn gets_no_link(app: &TestApp, email: &str) {
    let letters = app.letters_to(email).len();
    app.visitor().send("/guardians", "/guardians", &[("email", email)]).await.is(303);
    app.run_jobs().await;
    assert_eq!(app.letters_to(email).len(), letters, "{email}");
}

/// T-TIME-3, R-MN-5: at eighteen the guardian's part ends in that write, before the grown-up did anything: no link opens, none
/// is sent, and nothing of them is kept but that earnings are held. Nothing is switched on by itself, and both are told.
#[tokio::test(flavor = "multi_thread")]
async fn at_eighteen_the_guardians_part_ends_at_once() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy", "upload", "sell", "payouts"]).await;
    let (own, hers) = (email_of("Rain Kid"), format!("guardian-of-{}", email_of("Rain Kid")));
    let (g, id, token) = (ground(&app), ward_of(&app, &kid).await.unwrap().id, secrets::token().unwrap());
    let later = Timestamp::now().plus(25 * HOUR);
    app.app.db.write(move |conn| confirming::confirm(conn, &g, &id, &token, later)).await.unwrap();
    sends(&app).await;
    let revoke = link_in(&app, &hers, "/guardians/");
    assert!(revoke != home);
    for link in [&home, &revoke] {
        app.visitor().get(link).await.is(200);
    }
    assert!(app.every_row().await.contains("Grace Field"), "the control");
    let before = leaves(&app).await;
    let now = comes_of_age(&app, &kid).await;
    jobs::daily(&app.app, now.plus(1)).await.unwrap();
    assert_eq!(leaves(&app).await, before + 1, "edge 19, once");
    app.run_jobs().await;
    for link in [&home, &revoke] {
        opens_nothing(&app, link, "Rain Kid").await;
    }
    assert!(is_there(&app, &kid).await && leaves(&app).await == before + 1, "they changed nothing");
    for email in [&own, &hers] {
        assert!(app.letters_to(email).iter().any(|l| l.text.contains("from now on")), "{email}");
    }
    gets_no_link(&app, &hers).await;
    let rows = app.every_row().await;
    assert!(!rows.contains(&hers) && !rows.contains("Grace Field"));
    let held: i64 = app.app.db.read(|conn| Ok(payout_holds::table.count().get_result(conn)?)).await.unwrap();
    assert_eq!(held, 1, "what was earned stays held");
    for scope in [Scope::Account, Scope::Buy, Scope::Upload, Scope::Sell] {
        assert!(!allows(&app, &kid, scope).await, "{scope}");
    }
    let page = kid.get("/held").await.is(200);
    assert!(page.has("You are of age here now") && page.has("It waits for you until"), "{}", page.text());
    // Nobody answers for them any more, and so nobody is asked in place of their own word.
    kid.says("/held", "/held/guardian", &[("guardian_email", "friend@example.com")]).await.is(409);
    kid.send("/held", "/held/anew", &[("terms", "yes")]).await.is(303);
    kid.get("/account").await.is(200);
    assert!(ward_of(&app, &kid).await.is_none());
}

/// T-TIME-3, R-MN-5, R-RT-1: an account of somebody of age that nobody comes back to waits a year, and no longer.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_waits_a_year_for_whoever_is_of_age() {
    let app = TestApp::new().await;
    let (kid, _) = ward(&app, "Rain Kid", &["buy"]).await;
    let now = comes_of_age(&app, &kid).await;
    assert_eq!(ward_of(&app, &kid).await.unwrap().due_at, Some(now.plus(365 * DAY)));
    let before = leaves(&app).await;
    jobs::daily(&app.app, now.plus(365 * DAY - 1)).await.unwrap();
    assert!(is_there(&app, &kid).await);
    jobs::daily(&app.app, now.plus(365 * DAY)).await.unwrap();
    assert!(!is_there(&app, &kid).await);
    assert_eq!(leaves(&app).await, before + 1);
}

/// T-TIME-3, R-MN-5: at thirteen a parent's permission, given for a child, ends with the parent's links and the proof of who
/// they are. The account is asked anew: whoever is named then answers, for somebody under age, and proves it themselves.
#[tokio::test(flavor = "multi_thread")]
async fn at_thirteen_the_parents_part_ends_and_a_guardian_is_asked() {
    let app = TestApp::with(&[CHILDREN]).await;
    let (mut kid, home) = permitted(&app, 9, "Star Kid", true).await;
    let parent = format!("parent-of-{}", email_of("Star Kid"));
    let (mut rae, mut boss) = (app.reviewer().await, app.admin().await);
    proves_on_paper(&app, &home, &mut rae, &mut boss).await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Disclosing));
    let before = leaves(&app).await;
    let now = comes_of_age(&app, &kid).await;
    assert_eq!(leaves(&app).await, before + 1, "edge 19, once");
    let grown = ward_of(&app, &kid).await.unwrap();
    assert_eq!(
        (grown.state, grown.band, grown.due_at),
        (State::AgedUp, Band::Minor, Some(now.plus(30 * DAY)))
    );
    assert!(grown.next().is_some_and(|month| !month.has_begun(now.plus(3 * 365 * DAY))));
    app.run_jobs().await;
    opens_nothing(&app, &home, "Star Kid").await;
    gets_no_link(&app, &parent).await;
    let told = app.letters_to(&parent);
    for words in ["somebody who answers for them is asked anew", "somebody who answers for you is asked anew"]
    {
        assert!(told.iter().any(|letter| letter.text.contains(words)), "{words}");
    }
    for scope in [Scope::Account, Scope::Upload, Scope::Publication, Scope::Sell] {
        assert!(!allows(&app, &kid, scope).await, "{scope}");
    }
    assert_eq!(kid.get("/studio").await.is(303).location(), "/held");
    let page = kid.get("/held").await.is(200);
    assert!(page.has("You are a step further") && page.has("Without their answer until"), "{}", page.text());
    // Somebody else than before.
    kid.send("/held", "/held/guardian", &[("guardian_email", "grace@example.com")]).await.is(303);
    app.run_jobs().await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Pending));
    let page = kid.get("/held").await.is(200);
    assert!(page.has("You are a step further") && page.has("We wrote to the person you named"));
    app.visitor().get(&home).await.is(410);
    let hers = signs(&app, "grace@example.com", &["upload", "sell"]).await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Authorised));
    assert!(
        app.visitor().get(&hers).await.is(200).has("waits for a proof"),
        "the parent's proof was not hers"
    );
    assert!(allows(&app, &kid, Scope::Upload).await && !allows(&app, &kid, Scope::Sell).await);
    assert_eq!(ward_of(&app, &kid).await.unwrap().due_at, None, "an answer stops the clock");
}

/// T-TIME-3, R-MN-5, R-RT-1: who is no child any more and names nobody has thirty days; then the account is deleted, with one
/// leaf.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_names_nobody_anew_is_not_kept() {
    let app = TestApp::with(&[CHILDREN]).await;
    let (kid, _) = permitted(&app, 9, "Star Kid", false).await;
    let now = comes_of_age(&app, &kid).await;
    let before = leaves(&app).await;
    jobs::daily(&app.app, now.plus(30 * DAY - 1)).await.unwrap();
    assert!(is_there(&app, &kid).await);
    jobs::daily(&app.app, now.plus(30 * DAY)).await.unwrap();
    assert!(!is_there(&app, &kid).await);
    assert_eq!(leaves(&app).await, before + 1);
}

/// T-TIME-3, R-MN-5: whoever waits, for a name or for an answer, when they come of age needs nobody any more; letters about an
/// account without an address of its own go to no former guardian.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_may_come_of_age_meanwhile() {
    let app = TestApp::with(&[CHILDREN]).await;
    for (name, asks_somebody) in [("Star Kid", false), ("Moon Kid", true)] {
        let (mut kid, _) = permitted(&app, 9, name, false).await;
        comes_of_age(&app, &kid).await;
        if asks_somebody {
            kid.send("/held", "/held/guardian", &[("guardian_email", "grace@example.com")]).await.is(303);
            app.run_jobs().await;
        }
        let before = leaves(&app).await;
        let now = comes_of_age(&app, &kid).await;
        assert_eq!(leaves(&app).await, before + 1);
        let grown = ward_of(&app, &kid).await.unwrap();
        assert_eq!(
            (grown.state, grown.band, grown.due_at),
            (State::AgedUp, Band::Adult, Some(now.plus(365 * DAY)))
        );
        if asks_somebody {
            let link = link_in(&app, "grace@example.com", "/guardians/");
            opens_nothing(&app, &link, name).await;
        }
        let user = kid.user.clone().unwrap();
        let owner = app.app.db.read(move |conn| User::find(conn, &user)).await.unwrap();
        assert_eq!((owner.email.as_str(), owner.band), ("", Band::Adult));
        let on = kid.send("/held", "/held/anew", &[("terms", "yes")]).await.is(303);
        assert_eq!(on.location(), "/account/email");
        let asked = [("email", "own@example.com"), ("password", PASSWORD)];
        if !asks_somebody {
            kid.send("/account/email", "/account/email", &asked).await.is(200);
            app.run_jobs().await;
            kid.get(&link_in(&app, "own@example.com", "/email/")).await.is(303);
        }
    }
}
