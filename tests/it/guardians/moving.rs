//! Somebody under age says that they are somewhere else.

use cuehouse::consent::notice;
use cuehouse::consent::receipt::Receipt;
use cuehouse::db::schema::consent_receipts;

use super::*;
use crate::support::wards::answers;

/// A site that asks no guardians: there the place alone decides who is a child.
const SITE: [(&str, &str); 2] =
    [("CUEHOUSE_AGE_PROFILE", "never_knowingly_13"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")];

async fn says(browser: &mut Browser, place: &str) -> u16 {
    let fields = [("choice", "place"), ("place", place)];
    browser.says("/privacy/choices", "/privacy/choices", &fields).await.status
}

/// Says in their account where they are.
async fn settles(browser: &mut Browser, country: &str) -> u16 {
    browser.says("/account", "/privacy/country", &[("country", country)]).await.status
}

/// Somebody of this age who said that they are in the United States, with an account there.
async fn joins(app: &TestApp, years: i32, name: &str) -> Browser {
    let mut browser = app.visitor();
    assert_eq!(says(&mut browser, "US").await, 303);
    answers(&mut browser, years).await.is(303);
    let email = email_of(name);
    let fields = [("name", name), ("email", email.as_str()), ("password", PASSWORD)];
    browser.send("/sign-up", "/sign-up", &fields).await.is(303);
    app.run_jobs().await;
    browser.get(&link_in(app, &email, "/confirm/")).await.is(303);
    browser.send("/sign-in", "/sign-in", &fields[1..]).await.is(303);
    browser.user =
        app.app.db.read(move |conn| Ok(User::by_email(conn, &email)?.map(|user| user.id))).await.unwrap();
    browser
}

async fn owner(app: &TestApp, browser: &Browser) -> User {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| User::find(conn, &user)).await.unwrap()
}

/// Edge 20, T-AGE-2, R-AG-6: somebody of thirteen where that is enough, and then where fourteen is: a child from that request
/// on, with one leaf for the choice and one for what followed. They read before that it may end the account. Taking the place
/// back, or saying another, changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_stricter_place_is_looked_at_again_and_nothing_is_ever_looser() {
    let app = TestApp::with(&SITE).await;
    let mut kid = joins(&app, 13, "Rain Kid").await;
    assert_eq!(
        (owner(&app, &kid).await.band, state_of(&app, &kid).await),
        (Band::Minor, Some(State::Cleared))
    );
    // What it may cost stands beside both lists of places, in the words that are kept of either.
    let kept = notice::place(&[], true);
    let warning = kept.lines().last().unwrap();
    assert!(
        warning.contains("too young for an account it ends") && notice::country(&[], true).ends_with(warning)
    );
    for path in ["/privacy/choices", "/account"] {
        assert!(kid.get(path).await.is(200).has(warning), "{path}");
    }
    // A language only hints, and an account is not moved by a hint. A place that is as strict changes nothing.
    kid.get_with("/account", &[("Accept-Language", "zh-CN")]).await.is(200);
    let before = leaves(&app).await;
    assert_eq!(says(&mut kid, "DE").await, 303);
    assert_eq!(leaves(&app).await, before + 1, "the choice alone");
    assert_eq!(state_of(&app, &kid).await, Some(State::Cleared));
    // Nor may the young choose anything else there.
    kid.says("/privacy/choices", "/privacy/choices", &[("choice", "accept")]).await.is(451);
    let before = leaves(&app).await;
    assert_eq!(says(&mut kid, "CN").await, 303);
    assert_eq!(leaves(&app).await, before + 2);
    let ward = ward_of(&app, &kid).await.unwrap();
    assert_eq!((ward.state, ward.band, ward.place.as_deref()), (State::Ended, Band::Child, Some("CN")));
    assert!(ward.next().is_some() && ward.due_at.is_some());
    let now = owner(&app, &kid).await;
    assert_eq!((now.band, now.hold), (Band::Child, Some(Hold::Ended)));
    assert_eq!(kid.get("/account").await.is(303).location(), "/held");
    let held = kid.get("/held").await.is(200);
    assert!(held.has("Where you said you are") && held.has("Download what is held"));
    for place in ["US", ""] {
        assert_eq!(says(&mut kid, place).await, 303);
        assert_eq!(owner(&app, &kid).await.hold, Some(Hold::Ended), "{place:?}");
        assert_eq!(state_of(&app, &kid).await, Some(State::Ended));
    }
    let user = kid.user.clone().unwrap();
    for (days, is_gone) in [(13, false), (15, true)] {
        jobs::daily(&app.app, Timestamp::now().plus(days * DAY)).await.unwrap();
        let user = user.clone();
        let gone = app.app.db.read(move |conn| Ok(User::find(conn, &user).is_err())).await.unwrap();
        assert_eq!(gone, is_gone, "a child's can be taken along for fourteen days");
    }
}

/// Edge 20: whoever is old enough there as well stays as they are, under the stricter rules from then on.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_old_enough_there_stays_as_they_are() {
    let app = TestApp::with(&SITE).await;
    let mut kit = joins(&app, 15, "Kit Kerr").await;
    let before = leaves(&app).await;
    assert_eq!(says(&mut kit, "KR").await, 303);
    assert_eq!(leaves(&app).await, before + 2);
    let ward = ward_of(&app, &kit).await.unwrap();
    assert_eq!((ward.state, ward.band, ward.place.as_deref()), (State::Cleared, Band::Minor, Some("KR")));
    kit.get("/account").await.is(200);
    let before = leaves(&app).await;
    assert_eq!(says(&mut kit, "US").await, 303);
    assert_eq!(leaves(&app).await, before + 1);
    assert_eq!(ward_of(&app, &kit).await.unwrap().place.as_deref(), Some("KR"), "the stricter stays");
    // Of age, nothing of it concerns anybody.
    let mut ada = app.buyer("Ada Field").await;
    assert!(!ada.get("/privacy/choices").await.is(200).has("too young for an account"));
    let before = leaves(&app).await;
    assert_eq!(says(&mut ada, "CN").await, 303);
    assert_eq!((leaves(&app).await, owner(&app, &ada).await.hold), (before + 1, None));
}

/// Edge 20: the place that a browser was told of before somebody signs in with it counts as their choice, too. Where guardians
/// answer for everyone under age, what a place asks of guardians is met, and nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_said_before_signing_in_counts() {
    let app = TestApp::with(&SITE).await;
    let kid = joins(&app, 13, "Loop Kid").await;
    let mut other = app.visitor();
    assert_eq!(says(&mut other, "KR").await, 303);
    let email = email_of("Loop Kid");
    let before = leaves(&app).await;
    other.send("/sign-in", "/sign-in", &[("email", email.as_str()), ("password", PASSWORD)]).await.is(303);
    assert_eq!(leaves(&app).await, before + 1);
    assert_eq!(other.get("/").await.is(303).location(), "/held");
    assert_eq!(state_of(&app, &kid).await, Some(State::Ended));

    let guarded = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]).await;
    let (mut kid, _) = ward(&guarded, "Rain Kid", &["buy"]).await;
    assert_eq!(says(&mut kid, "CN").await, 303);
    assert_eq!(state_of(&guarded, &kid).await, Some(State::Authorised));
    kid.get("/account").await.is(200);
}

/// Edge 20, T-AGE-2, R-AG-6: what an account says of where its owner is moves the young like a choice of their own: stricter, with
/// one leaf for what was said and one for what followed, and never looser. It stands in what is held and is gone with the account.
#[tokio::test(flavor = "multi_thread")]
async fn a_country_of_an_account_only_tightens() {
    let app = TestApp::with(&SITE).await;
    let mut kit = joins(&app, 15, "Kit Kerr").await;
    for (country, leaf_count) in [("KR", 2), ("US", 1), ("", 1)] {
        let before = leaves(&app).await;
        assert_eq!(settles(&mut kit, country).await, 303);
        assert_eq!(leaves(&app).await, before + leaf_count, "{country:?}");
        assert_eq!(owner(&app, &kit).await.country.as_deref().unwrap_or_default(), country);
        let ward = ward_of(&app, &kit).await.unwrap();
        assert_eq!((ward.state, ward.band, ward.place.as_deref()), (State::Cleared, Band::Minor, Some("KR")));
    }
    assert_eq!(settles(&mut kit, "Nowhere").await, 422);
    let mut kid = joins(&app, 13, "Rain Kid").await;
    assert_eq!(settles(&mut kid, "CN").await, 303);
    let ward = ward_of(&app, &kid).await.unwrap();
    assert_eq!((ward.state, ward.band, ward.place.as_deref()), (State::Ended, Band::Child, Some("CN")));
    let body: String = app
        .app
        .db
        .read(|conn| {
            let newest = consent_receipts::table.order(consent_receipts::seq.desc());
            Ok(newest.select(consent_receipts::body).first(conn)?)
        })
        .await
        .unwrap();
    let receipt: Receipt = serde_json::from_str(&body).unwrap();
    assert_eq!((receipt.action.as_str(), receipt.profile.how_decided.as_str()), ("lock", "account"));
    assert_eq!(kid.get("/account").await.is(303).location(), "/held");
    assert!(kid.get("/held").await.is(200).has("Where you said you are"));
    let held: Value = serde_json::from_slice(&kid.get("/held/data.json").await.is(200).bytes).unwrap();
    assert_eq!(held["held"]["Country"], "China");

    // Whoever answers for somebody reads it, and finds it in the form they sign.
    let guarded = TestApp::new().await;
    let (mut kid, home) = super::ward(&guarded, "Rain Kid", &["buy"]).await;
    assert_eq!(settles(&mut kid, "DE").await, 303);
    let mut grace = guarded.visitor();
    assert!(grace.get(&home).await.is(200).has("Germany"));
    let form = grace.get(&format!("{home}?form=sign")).await.is(200);
    assert!(form.has("says that they are in Germany") && form.has("<option value=\"DE\" selected>"));
    grace.send(&home, &format!("{home}/erasure"), &[("name", "Rain Kid")]).await.is(200);
    let left = guarded.app.db.read(|conn| {
        let said = users::table.filter(users::country.is_not_null());
        Ok(said.count().get_result::<i64>(conn)?)
    });
    assert_eq!(left.await.unwrap(), 0);
}

/// R-RT-3, T-AGE-11, R-AG-6: whom their own words make a child is for the rules of their own place to say. Of somebody of
/// thirteen where thirteen is enough it is no news; of somebody who declared to be of age it is a doubt there, and knowledge
/// where fourteen is wanted or where they never said that they are.
#[tokio::test(flavor = "multi_thread")]
async fn own_words_are_read_by_the_rules_of_ones_own_place() {
    let app = TestApp::with(&SITE).await;
    let mut kid = joins(&app, 13, "Rain Kid").await;
    for (name, to, state) in [("I'm 13", "/account", State::Cleared), ("I'm 12", "/held", State::Discovered)]
    {
        let seen = kid.send("/account/name", "/account/name", &[("name", name)]).await.is(303);
        assert_eq!((seen.location(), state_of(&app, &kid).await), (to, Some(state)), "{name}");
    }
    for (name, country, state) in [
        ("Ana Ames", "US", State::Conflict),
        ("Kim Kerr", "KR", State::Discovered),
        ("Uma Unsaid", "", State::Discovered),
    ] {
        let mut who = app.buyer(name).await;
        if !country.is_empty() {
            assert_eq!(settles(&mut who, country).await, 303);
        }
        let seen = who.send("/account/name", "/account/name", &[("name", "I'm 13")]).await.is(303);
        assert_eq!((seen.location(), state_of(&app, &who).await), ("/held", Some(state)), "{country:?}");
    }
}
