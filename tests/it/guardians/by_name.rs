//! A child gives no address: it signs in with its name, and whoever answers for it gets the letters.

use super::*;
use crate::support::wards::{opens, permitted};

const CHILDREN: (&str, &str) = ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc");

async fn owner(app: &TestApp, browser: &Browser) -> User {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| User::find(conn, &user)).await.unwrap()
}

/// R-PV-7, T-PV-6: the account of a child is opened with a password alone and signed in to by its name; an address that
/// is sent all the same is not kept, and none can be given later. The letter for a forgotten password goes to the
/// parent.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_signs_in_with_its_name_and_gives_no_address() {
    let app = TestApp::with(&[CHILDREN]).await;
    let (mut kid, page) = asks(&app, 9, "Star Kid", "mother@example.com").await;
    let home = link_in(&app, "mother@example.com", "/guardians/");
    let yes =
        [("choice", "yes"), ("guardian_name", "Mother Star"), ("relationship", "mother"), ("liable", "yes")];
    app.visitor().send(&home, &format!("{home}/answer"), &yes).await.is(303);
    app.run_jobs().await;
    let csrf = kid.get(&page).await.is(200).csrf().unwrap();
    let sent = [("csrf", csrf.as_str()), ("email", "kid@example.com"), ("password", PASSWORD)];
    let opened = kid.post(&format!("{page}/account"), &sent).await.is(303);
    assert_eq!(opened.location(), page);
    assert!(kid.get(&page).await.is(200).has("star-kid"), "what it signs in with");
    app.run_jobs().await;
    assert!(app.letters_to("kid@example.com").is_empty());
    for (name, password, status) in [
        ("kid@example.com", PASSWORD, 422),
        ("mother@example.com", PASSWORD, 422),
        ("star-kid", "something else entirely", 422),
        ("Star-Kid", PASSWORD, 303),
    ] {
        let fields = [("email", name), ("password", password)];
        kid.send("/sign-in", "/sign-in", &fields).await.is(status);
    }
    kid.user = app.app.db.read(|conn| Ok(User::by_email(conn, "star-kid")?.map(|u| u.id))).await.unwrap();
    let row = owner(&app, &kid).await;
    assert_eq!((row.email.as_str(), row.email_folded.as_str()), ("mother@example.com", "star-kid"));
    assert!(row.confirmed_at.is_some(), "the parent's answer proved where letters go");
    // Nor later: neither an address, nor another name to sign in with.
    assert!(!kid.get("/account/email").await.is(200).has("name=\"email\""));
    let asked = [("email", "kid@example.com"), ("password", PASSWORD)];
    kid.says("/account", "/account/email", &asked).await.is(403);
    let renamed = [("name", "Star Kid"), ("handle", "moon-kid")];
    kid.says("/account/name", "/account/name", &renamed).await.is(422).has("so it stays");
    assert_eq!(owner(&app, &kid).await.email_folded, "star-kid");
    // A brother or sister of the same parent.
    let (other, _) = {
        let (mut other, page) = asks(&app, 8, "Moon Kid", "mother@example.com").await;
        let home = link_in(&app, "mother@example.com", "/guardians/");
        app.visitor().send(&home, &format!("{home}/answer"), &yes).await.is(303);
        app.run_jobs().await;
        opens(&app, &mut other, &page, "Moon Kid").await;
        (other, page)
    };
    assert_eq!(owner(&app, &other).await.email, "mother@example.com");
    // Forgotten: the same answer for every name, and one letter, to the parent.
    let letters = app.letters_to("mother@example.com").len();
    for name in ["star-kid", "nobody-here"] {
        app.visitor().send("/account/reset", "/account/reset", &[("email", name)]).await.is(303);
    }
    app.run_jobs().await;
    assert_eq!(app.letters_to("mother@example.com").len(), letters + 1);
    let reset = link_in(&app, "mother@example.com", "/reset/");
    app.visitor().get(&reset).await.is(200);
    // The parent's page says how the account is signed in to, and the parent's own account would be another one.
    assert!(app.visitor().get(&home).await.is(200).has("the name star-kid; letters come to you"));
}

/// R-PV-7, T-PV-6: an address that somebody gave as a grown-up is forgotten when a parent allows the account of the
/// child they are; who grew up may give one.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_given_as_somebody_older_is_forgotten() {
    let app = TestApp::with(&[CHILDREN]).await;
    let mut kid = app.buyer("Rain Kid").await;
    let was = email_of("Rain Kid");
    let mut rae = app.reviewer().await;
    let flag = [("account", was.as_str()), ("age", "child"), ("from", "staff")];
    rae.send("/admin/age", "/admin/age/flags", &flag).await.is(303);
    kid.send("/held", "/held/guardian", &[("guardian_email", "mother@example.com")]).await.is(303);
    app.run_jobs().await;
    let home = link_in(&app, "mother@example.com", "/guardians/");
    let yes =
        [("choice", "yes"), ("guardian_name", "Mother Rain"), ("relationship", "mother"), ("liable", "yes")];
    app.visitor().send(&home, &format!("{home}/answer"), &yes).await.is(303);
    let row = owner(&app, &kid).await;
    assert_eq!((row.email.as_str(), row.email_folded.as_str()), ("mother@example.com", "rain-kid"));
    assert!(app.visitor().get(&home).await.is(200).has("the name rain-kid"));

    // Grown up to be asked anew, they may give one; the parent's is not theirs.
    let (mut older, _) = permitted(&app, 9, "Star Kid", false).await;
    let user = older.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| User::set_band(conn, &user, cuehouse::accounts::band::Band::Minor, None))
        .await
        .unwrap();
    assert!(older.get("/account/email").await.is(200).has("name=\"email\""));
    let asked = [("email", "star@example.com"), ("password", PASSWORD)];
    older.send("/account/email", "/account/email", &asked).await.is(200);
    app.run_jobs().await;
    older.get(&link_in(&app, "star@example.com", "/email/")).await.is(303);
    let row = owner(&app, &older).await;
    assert_eq!((row.email.as_str(), row.email_folded.as_str()), ("star@example.com", "star@example.com"));
}
