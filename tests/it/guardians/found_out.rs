//! Somebody turns out to be too young.

use cuehouse::accounts::user::Role;
use cuehouse::db::schema::payout_holds;

use super::*;
use crate::support::shelf::{piece, shelve};

/// T-AGE-11, R-RT-3, R-CN-10: discovered by its own words, by the staff or by a report, an account is frozen in that
/// very request: one leaf, no vendor, a notice and nothing else; in fourteen days it is gone, unless a guardian or the
/// staff say otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_too_young_is_frozen_in_the_same_request() {
    let app = TestApp::new().await;
    let mut kid = app.uploader("Secret Kid").await;
    let fields = [("name", "Secret Kid"), ("about", "Hi, I'm 12 and I make beats.")];
    assert_eq!(kid.send("/studio/profile", "/studio/profile", &fields).await.is(303).location(), "/held");
    assert_eq!(leaves(&app).await, 1);
    assert_eq!(state_of(&app, &kid).await, Some(State::Discovered));
    assert_eq!(kid.get("/").await.is(303).location(), "/held");
    for path in ["/held/guardian", "/held/anew", "/held/erasure", "/held/proof", "/held/proof/result"] {
        let foreign = [("csrf", "AAAA"), ("sure", "yes"), ("terms", "yes")];
        kid.post(path, &foreign).await.is(403);
    }
    let user = kid.user.clone().unwrap();
    let kept = app
        .app
        .db
        .read({
            let user = user.clone();
            move |conn| User::find(conn, &user)
        })
        .await
        .unwrap();
    assert!(!kept.about.contains("12") && kept.hold == Some(Hold::Discovered) && kept.band == Band::Child);
    // Where no children are taken there is no parent to ask, by hand either.
    assert!(!kid.get("/held").await.is(200).has("guardian_email"));
    let named = [("guardian_email", "mother@example.com")];
    kid.says("/held", "/held/guardian", &named).await.is(409);
    app.run_jobs().await;
    assert!(app.letters_to("mother@example.com").is_empty());
    assert_eq!((leaves(&app).await, state_of(&app, &kid).await), (1, Some(State::Discovered)));
    // Of thirteen to seventeen: a doubt.
    let mut teen = app.uploader("Secret Teen").await;
    let fields = [("name", "Secret Teen"), ("about", "I am 16 years old.")];
    assert_eq!(teen.send("/studio/profile", "/studio/profile", &fields).await.is(303).location(), "/held");
    assert_eq!(state_of(&app, &teen).await, Some(State::Conflict));
    // Nothing new is taken of them, by hand either.
    let put = teen.says("/held", "/cart", &[("track", "rain-on-tin"), ("tier", "creator")]).await.is(303);
    assert_eq!(put.location(), "/held");
    // They name somebody, who says yes: the account opens again.
    teen.send("/held", "/held/guardian", &[("guardian_email", "grace@example.com")]).await.is(303);
    app.run_jobs().await;
    assert!(teen.get("/held").await.is(200).has("We wrote to the person you named"));
    signs(&app, "grace@example.com", &["upload"]).await;
    teen.get("/studio").await.is(200);
    assert_eq!(state_of(&app, &teen).await, Some(State::Authorised));
    // Whoever is of age and writes so is left alone.
    let mut grown = app.uploader("Grown Up").await;
    let fields = [("name", "Grown Up"), ("about", "I have made music for 12 years, and I'm 34.")];
    assert_eq!(
        grown.send("/studio/profile", "/studio/profile", &fields).await.is(303).location(),
        "/studio/profile"
    );
    // Nobody comes for the first: it is gone in fourteen days.
    let at = Timestamp::now().plus(15 * DAY);
    jobs::daily(&app.app, at).await.unwrap();
    let gone = app.app.db.read(move |conn| Ok(User::find(conn, &user).is_err())).await.unwrap();
    assert!(gone, "the account is deleted");
    // When the other comes of age nobody said. Once the youngest of that band has, the guardian's part ends.
    let at_latest = ward_of(&app, &teen).await.unwrap().next().unwrap().begins();
    for (at, state) in [(at_latest.plus(-1), State::General), (at_latest, State::AgedUp)] {
        jobs::daily(&app.app, at).await.unwrap();
        assert_eq!(state_of(&app, &teen).await, Some(state));
    }
}

/// R-RT-3, T-AGE-11: the staff settle it, and whom they found to be of age is remembered as such.
#[tokio::test(flavor = "multi_thread")]
async fn the_staff_settle_what_was_said_of_an_age() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let mut rae = app.reviewer().await;
    let (user, by) = (ines.user.clone().unwrap(), rae.user.clone().unwrap());
    let (g, stub) = (ground(&app), draws());
    let frozen = app.app.db.write({
        let (user, by) = (user.clone(), by.clone());
        move |conn| {
            let sign = (Source::Staff, Band::Child);
            knowledge::freeze(conn, &g, &user, sign, Some(&by), &stub, Timestamp::now())
        }
    });
    assert!(frozen.await.unwrap());
    let (g, stub) = (ground(&app), draws());
    let settled = app.app.db.write({
        let user = user.clone();
        move |conn| knowledge::settle(conn, &g, &user, Finding::Adult, &by, &stub, Timestamp::now())
    });
    settled.await.unwrap();
    let (kept, cleared, open) = app
        .app
        .db
        .read(move |conn| {
            let open = age_signals::table.filter(age_signals::settled_at.is_null()).count();
            Ok((
                User::find(conn, &user)?,
                knowledge::was_cleared(conn, &user)?,
                open.get_result::<i64>(conn)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((kept.band, kept.hold, cleared, open), (Band::Adult, None, true, 0));
    // A sign that is no news about somebody under age freezes nothing, can be looked past, and makes nobody of age.
    let (kid, _) = ward(&app, "Rain Kid", &["buy"]).await;
    let flag = [("account", "@rain-kid"), ("age", "minor"), ("from", "staff")];
    rae.send("/admin/age", "/admin/age/flags", &flag).await.is(303);
    assert!(rae.get("/admin/age").await.is(200).has("The staff say: under age"));
    let (user, before) = (kid.user.clone().unwrap(), leaves(&app).await);
    let finding = format!("/admin/age/accounts/{user}/finding");
    rae.says("/admin/age", &finding, &[("finding", "young")]).await.is(409);
    rae.says("/admin/age", &finding, &[("finding", "adult")]).await.is(303);
    assert!(!rae.get("/admin/age").await.is(200).has("The staff say"));
    let cleared = app.app.db.read(move |conn| knowledge::was_cleared(conn, &user)).await.unwrap();
    assert_eq!(
        (cleared, leaves(&app).await, state_of(&app, &kid).await),
        (false, before, Some(State::Authorised))
    );
}

/// Whose earnings were ever held, and whether they still are.
async fn holds(app: &TestApp) -> Vec<(UserId, bool)> {
    let rows = app.app.db.read(|conn| {
        let all = payout_holds::table.select((payout_holds::account, payout_holds::ended_at));
        Ok(all.load::<(UserId, Option<Timestamp>)>(conn)?)
    });
    rows.await.unwrap().into_iter().map(|(user, ended)| (user, ended.is_none())).collect()
}

/// R-RT-3, R-MN-2: what somebody earned while they were taken to be of age is held from the request on that doubts it, once; no
/// longer where they are found to be of age after all, and until somebody answers for them where they are not. Whoever
/// has no sounds here earned nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_earned_is_held_while_an_age_is_in_doubt() {
    let app = TestApp::new().await;
    let (ines, _ada) = (app.uploader("Ines Morrow").await, app.buyer("Ada Field").await);
    let (mut rae, user) = (app.reviewer().await, ines.user.clone().unwrap());
    shelve(&app.app, &user, piece("Rain on tin")).await;
    let finding = format!("/admin/age/accounts/{user}/finding");
    for (name, says, is_held) in [
        ("Ada Field", "minor", None),
        ("Ines Morrow", "minor", Some(true)),
        ("Ines Morrow", "child", Some(true)),
        ("", "adult", Some(false)),
        ("Ines Morrow", "minor", Some(true)),
        ("", "young", Some(true)),
    ] {
        let email = email_of(name);
        let flag = [("account", email.as_str()), ("age", says), ("from", "staff")];
        match name {
            "" => rae.says("/admin/age", &finding, &[("finding", says)]).await.is(303),
            _ => rae.send("/admin/age", "/admin/age/flags", &flag).await.is(303),
        };
        let held: Vec<(UserId, bool)> = is_held.map(|held| (user.clone(), held)).into_iter().collect();
        assert_eq!(holds(&app).await, held, "{name} {says}");
    }
    assert_eq!(state_of(&app, &ines).await, Some(State::Ended));
}

/// Edge 17, R-RT-3, R-MN-5: somebody under age who was called a child is put right by the staff: a guardian answers anew, on the
/// clock of the discovery, and what they had answered themselves says when they come of age.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_under_age_is_no_child_for_being_called_one() {
    let app = TestApp::new().await;
    let ((mut kid, _), mut rae) = (ward(&app, "Rain Kid", &["buy"]).await, app.reviewer().await);
    let month = ward_of(&app, &kid).await.unwrap().next_band_month;
    let flag = [("account", "@rain-kid"), ("age", "child"), ("from", "staff")];
    rae.send("/admin/age", "/admin/age/flags", &flag).await.is(303);
    let found = ward_of(&app, &kid).await.unwrap();
    assert!(found.state == State::Discovered && found.band == Band::Child && found.next_band_month != month);
    assert!(rae.get("/admin/age").await.is(200).has("Under age, and no child"));
    let finding = format!("/admin/age/accounts/{}/finding", kid.user.clone().unwrap());
    let before = leaves(&app).await;
    rae.says("/admin/age", &finding, &[("finding", "minor")]).await.is(303);
    let right = ward_of(&app, &kid).await.unwrap();
    assert_eq!((right.state, right.band, right.due_at), (State::Conflict, Band::Minor, found.due_at));
    assert_eq!((right.next_band_month, leaves(&app).await), (month, before + 1));
    assert_eq!(kid.get("/account").await.is(303).location(), "/held");
    kid.send("/held", "/held/guardian", &[("guardian_email", "grace@example.com")]).await.is(303);
    app.run_jobs().await;
    signs(&app, "grace@example.com", &["buy"]).await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Authorised));
    kid.get("/account").await.is(200);
}

/// Edge 17, R-RT-3: where nobody answers for those between the minimum and the age of majority, whoever is found to be one of
/// them stays, as one, and no clock runs.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_needs_nobody_stays_as_who_they_are() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "never_knowingly_13")]).await;
    let (who, mut rae) = (app.uploader("Secret Teen").await, app.reviewer().await);
    let flag = [("account", "@secret-teen"), ("age", "minor"), ("from", "staff")];
    rae.send("/admin/age", "/admin/age/flags", &flag).await.is(303);
    assert_eq!(state_of(&app, &who).await, Some(State::Conflict));
    let user = who.user.clone().unwrap();
    let finding = format!("/admin/age/accounts/{user}/finding");
    rae.says("/admin/age", &finding, &[("finding", "young")]).await.is(303);
    jobs::daily(&app.app, Timestamp::now().plus(30 * DAY)).await.unwrap();
    let found = ward_of(&app, &who).await.unwrap();
    assert_eq!((found.state, found.band, found.due_at), (State::Cleared, Band::Minor, None));
    let (owner, sells) = app
        .app
        .db
        .read(move |conn| Ok((User::find(conn, &user)?, may(conn, &user, Scope::Sell, Timestamp::now())?)))
        .await
        .unwrap();
    assert_eq!((owner.band, owner.hold, sells), (Band::Minor, None, true));
}

/// Edge 16, R-RT-3, T-AGE-11: an account that rests for a doubt, or waits for a guardian's answer, may still turn out to be a
/// child's: with one leaf, the clock runs on, and whoever was asked about somebody older is forgotten. What ended stays ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_may_turn_out_to_be_a_child() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    let mut rae = app.reviewer().await;
    for (name, asks_somebody) in [("Secret Teen", false), ("Other Teen", true)] {
        let (mut teen, email) = (app.buyer(name).await, email_of(name));
        let flag = |age: &'static str| [("account", email.as_str()), ("age", age), ("from", "staff")];
        rae.send("/admin/age", "/admin/age/flags", &flag("minor")).await.is(303);
        assert_eq!(state_of(&app, &teen).await, Some(State::Conflict));
        if asks_somebody {
            teen.send("/held", "/held/guardian", &[("guardian_email", "grace@example.com")]).await.is(303);
            app.run_jobs().await;
            assert_eq!(state_of(&app, &teen).await, Some(State::Pending));
        }
        let (before, due) = (leaves(&app).await, ward_of(&app, &teen).await.unwrap().due_at);
        for _ in 0..2 {
            rae.send("/admin/age", "/admin/age/flags", &flag("child")).await.is(303);
        }
        let found = ward_of(&app, &teen).await.unwrap();
        assert_eq!((found.state, found.band, found.due_at), (State::Discovered, Band::Child, due));
        assert_eq!(leaves(&app).await, before + 1, "{name}");
        assert!(teen.get("/held").await.is(200).has("name=\"guardian_email\""), "a parent may be named");
        if asks_somebody {
            let asked = link_in(&app, "grace@example.com", "/guardians/");
            app.visitor().get(&asked).await.is(410);
        }
    }
    for (band, hold, bracket, is) in [
        (Band::Adult, None, Band::Minor, true),
        (Band::Adult, Some(Hold::AskedAnew), Band::Minor, false),
        (Band::Adult, Some(Hold::AskedAnew), Band::Child, true),
        (Band::Minor, Some(Hold::Ended), Band::Child, false),
        (Band::Child, Some(Hold::Discovered), Band::Child, false),
    ] {
        assert_eq!(knowledge::is_news(band, hold, bracket), is, "{band} {hold:?} {bracket}");
    }
}

/// R-RT-3, T-AGE-11: what the staff find wins no time. Ten days after a discovery four are left, of a child and of somebody
/// between the minimum and the age of majority alike.
#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_a_discovery_runs_on_when_the_staff_find_somebody_too_young() {
    let app = TestApp::new().await;
    let by = app.reviewer().await.user.clone().unwrap();
    for (name, band, state) in
        [("Secret Kid", Band::Child, State::ChildEnded), ("Secret Teen", Band::Minor, State::Ended)]
    {
        let who = app.uploader(name).await;
        let (user, now) = (who.user.clone().unwrap(), Timestamp::now());
        let (g, first, second) = (ground(&app), draws(), draws());
        let (owner, staff) = (user.clone(), by.clone());
        let frozen = app.app.db.write(move |conn| {
            knowledge::freeze(conn, &g, &owner, (Source::Staff, band), Some(&staff), &first, now)?;
            let later = now.plus(10 * DAY);
            knowledge::settle(conn, &g, &owner, Finding::Young, &staff, &second, later)
        });
        frozen.await.unwrap();
        let ward = ward_of(&app, &who).await.unwrap();
        assert_eq!((ward.state, ward.due_at), (state, Some(now.plus(14 * DAY))));
        for (at, is_gone) in [(now.plus(14 * DAY - 1), false), (now.plus(14 * DAY), true)] {
            jobs::daily(&app.app, at).await.unwrap();
            let user = user.clone();
            let gone = app.app.db.read(move |conn| Ok(User::find(conn, &user).is_err())).await.unwrap();
            assert_eq!(gone, is_gone, "{name}");
        }
    }
}

/// R-RT-3, T-AGE-11: what a child wrote by post or e-mail is not written down: the staff are told to answer once and to keep
/// nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_child_wrote_is_no_inquiry() {
    let app = TestApp::new().await;
    let mut sam = app.person("Sam Support", &[Role::Support]).await;
    let day = Timestamp::now().day();
    for (name, address, status) in [
        ("Tuppence, I'm 11 years old", "1 Lane", 422),
        ("Tuppence Kid", "1 Lane\nI am 11 and I want to know", 422),
        ("Ada Field", "12 Lane\nOakland, CA", 303),
    ] {
        let fields = [("way", "post"), ("name", name), ("address", address), ("received", day.as_str())];
        let seen = sam.send("/admin/inquiries/new", "/admin/inquiries", &fields).await.is(status);
        assert_eq!(seen.has("Answer once, delete the letter"), status == 422, "{name}");
    }
    let rows = app.every_row().await;
    assert!(rows.contains("12 Lane") && !rows.contains("Tuppence") && !rows.contains("I am 11"));
}

/// T-AGE-11, R-RT-3: what support writes down of a letter in which an account's owner says to be a child freezes that account in
/// the same request, with one leaf; twice it does no more. Of somebody under age who declared to be older it is a doubt, and what
/// they asked is written down.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_to_support_freezes_its_writers_account() {
    let app = TestApp::new().await;
    let kid = app.buyer("Rain Kid").await;
    let mut sam = app.person("Sam Support", &[Role::Support]).await;
    let (day, email) = (Timestamp::now().day(), email_of("Rain Kid"));
    let name = format!("Rain Kid <{email}>, I am 11 years old");
    let fields =
        [("way", "post"), ("name", name.as_str()), ("address", "1 Lane"), ("received", day.as_str())];
    let before = leaves(&app).await;
    for said in ["frozen just now", "rests already"] {
        let seen = sam.send("/admin/inquiries/new", "/admin/inquiries", &fields).await.is(422);
        assert!(seen.has(said), "{}", seen.text());
    }
    assert_eq!(leaves(&app).await, before + 1);
    assert_eq!(state_of(&app, &kid).await, Some(State::Discovered));
    assert!(!app.every_row().await.contains("I am 11"));
    let (teen, before) = (app.buyer("Rain Teen").await, leaves(&app).await);
    let name = format!("Rain Teen <{}>, I am 16 years old", email_of("Rain Teen"));
    let fields =
        [("way", "post"), ("name", name.as_str()), ("address", "2 Lane"), ("received", day.as_str())];
    let seen = sam.send("/admin/inquiries/new", "/admin/inquiries", &fields).await.is(303);
    assert!(sam.get(seen.location()).await.is(200).has("Their account was frozen"));
    assert_eq!((leaves(&app).await, state_of(&app, &teen).await), (before + 1, Some(State::Conflict)));
}

/// T-MIN-3, T-MIN-4, R-MN-3, R-MN-4, R-EN-5: with every yes forced into the account's row, no page of a ward names a
/// vendor in its tags or its headers, and nobody asks.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_a_ward_lets_anybody_be_contacted() {
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=1234567:abcdef")]).await;
    let mut ada = app.buyer("Ada Field").await;
    ada.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    assert!(ada.get("/").await.has("data-vendor"), "the control: of age, they are contacted");
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy"]).await;
    let (from, to) = (ada.user.clone().unwrap(), kid.user.clone().unwrap());
    app.app
        .db
        .write(move |conn| {
            let own = cuehouse::consent::account::of(conn, &from)?.choices.unwrap();
            cuehouse::consent::account::keep(conn, &to, &own, Timestamp::now())
        })
        .await
        .unwrap();
    kid.set_cookie("cs", ada.cookie("cs").unwrap());
    let mut grace = app.visitor();
    let pages =
        ["/", "/search", "/account", "/library", "/cart", "/privacy", "/privacy/choices", "/licences"];
    for path in pages {
        let page = kid.get(path).await.is(200);
        assert!(!page.has("data-vendor") && !page.has("data-consent-banner"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(!policy.contains("google") && !policy.contains("statcounter"), "{path}: {policy}");
    }
    kid.says("/account", "/privacy/choices", &[("choice", "accept")]).await.is(451);
    // Nor is a letter to the guardian measured, nor their page.
    let page = grace.get(&home).await.is(200);
    assert!(!page.has("data-vendor"));
}
