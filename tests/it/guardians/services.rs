//! Services that begin at an age of their own: refused to whoever is younger, there and nowhere else.

use cuehouse::accounts::user::Role;
use cuehouse::catalogue::track::Track;
use cuehouse::guardians::minimum::Minimums;
use cuehouse::guardians::permission::demand;

use super::*;
use crate::support::paper::words_on;
use crate::support::shelf::{drafted, piece, shelve};
use crate::support::wards::opens;

const LETTER: (&str, &str) = ("CUEHOUSE_AGE_STRENGTH", "letter");
const NOT_YET: &str = "This is not open to you yet.";

/// What the house answers where this account's owner would use a service.
async fn asks_for(app: &TestApp, browser: &Browser, scope: Scope) -> Result<()> {
    let (user, least) = (browser.user.clone().unwrap(), app.app.config.age.services.clone());
    app.app.db.read(move |conn| demand(conn, &user, scope, &least, Timestamp::now())).await
}

/// The owner of this account reached that age with this very month.
async fn has_become(app: &TestApp, browser: &Browser, age: i32) {
    let (user, (year, month)) = (browser.user.clone().unwrap(), Timestamp::now().year_month());
    let of_age = format!("{:04}-{month:02}", year + 18 - age);
    app.app
        .db
        .write(move |conn| {
            diesel::update(wards::table.filter(wards::account.eq(&user)))
                .set(wards::next_band_month.eq(&of_age))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
}

/// S2-50, D5: under a minimum of fourteen for uploads, somebody of thirteen whose guardian allowed everything that can be
/// allowed is refused the upload, by the page and by the write, and nothing else; the form, the letter and the paper say from
/// when on, and no month. Somebody of fourteen may.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_thirteen_is_refused_one_service_and_no_other() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_SERVICE_MINIMUMS", "upload=14"), LETTER]).await;
    let (guardian, track) = ("grace@example.com", rain(&app).await);
    let (mut kid, page) = asks(&app, 13, "Rain Kid", guardian).await;
    let letter = app.letters_to(guardian).pop().unwrap().text;
    let letter = letter.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(letter.contains("Not before the age of 14"), "{letter}");
    let home = link_in(&app, guardian, "/guardians/");
    let mut grace = app.visitor();
    let form = grace.get(&format!("{home}?form=sign")).await.is(200);
    assert!(form.has("value=\"sell\"") && !form.has("value=\"upload\""), "it cannot be ticked");
    assert!(form.has("Not before the age of 14: this shop opens it to nobody younger"), "{}", form.text());
    // Sent by hand it is refused with everything else on the form.
    let csrf = form.csrf().unwrap();
    let by_hand = [
        ("csrf", csrf.as_str()),
        ("guardian_name", "Grace Field"),
        ("relationship", "mother"),
        ("country", "DE"),
        ("liable", "yes"),
        ("signature", "Grace Field"),
        ("scope", "buy"),
        ("scope", "upload"),
    ];
    let refused = grace.post(&format!("{home}/form"), &by_hand).await.is(422);
    assert!(refused.has("begins at 14 here") && leaves(&app).await == 1, "{}", refused.text());
    // Everything that can be allowed is.
    let others: Vec<&str> = Scope::OF_MINORS
        .iter()
        .filter(|scope| **scope != Scope::Upload)
        .map(|scope| scope.as_str())
        .collect();
    signs_at(&app, &home, &others).await;
    app.run_jobs().await;
    opens(&app, &mut kid, &page, "Rain Kid").await;
    for scope in Scope::OF_MINORS {
        let answer = asks_for(&app, &kid, scope).await;
        match scope {
            Scope::Upload => assert!(matches!(answer, Err(Error::NotYet)), "{answer:?}"),
            _ => assert!(answer.is_ok(), "{scope}: {answer:?}"),
        }
    }
    adds(&mut kid, &track, "creator").await.is(303);
    let till = checks_out(&mut kid, "Grace Field").await.is(303).location().to_owned();
    assert!(till.starts_with(&app.stripe.url), "buying is open: {till}");
    let no = kid.get("/studio").await.is(403);
    assert!(no.has(NOT_YET) && !no.has("uardian to allow"), "{}", no.text());
    let csrf = kid.get("/cart").await.csrf().unwrap();
    let welcome = [("csrf", csrf.as_str()), ("handle", "rain-kid"), ("agreement", "yes")];
    assert!(kid.post("/studio/welcome", &welcome).await.is(403).has(NOT_YET));
    let user = kid.user.clone().unwrap();
    let direct = receive(&app.app, &user, "one.wav", &music(5, 6.0)[..], Priority::People).await;
    assert!(matches!(direct, Err(Error::NotYet)), "{direct:?}");
    // What the guardian has of it names an age, and never the month.
    let month = ward_of(&app, &kid).await.unwrap().next_band_month.unwrap();
    let shown = grace.get(&home).await.is(200);
    assert!(shown.has("Not before the age of 14") && !shown.has(&month), "{}", shown.text());
    let json = grace.get(&format!("{home}/form.json")).await.is(200);
    let document: Value = serde_json::from_slice(&json.bytes).unwrap();
    let later = &document["credentialSubject"]["servicesFrom"];
    assert_eq!(*later, serde_json::json!([{ "name": "Upload sounds", "age": 14 }]));
    assert!(!json.has(&month));
    let pdf = grace.get(&format!("{home}/form.pdf")).await.is(200);
    if let Some(words) = words_on(&pdf.bytes) {
        assert!(words.contains("before an age of its own: Upload sounds 14."), "{words}");
    }
    // A year older: the same form has the box, and the file comes in.
    let (mut teen, page) = asks(&app, 14, "Loop Kid", "gwen@example.com").await;
    signs(&app, "gwen@example.com", &["upload"]).await;
    opens(&app, &mut teen, &page, "Loop Kid").await;
    teen.send("/studio", "/studio/welcome", &[("handle", "loop-kid"), ("agreement", "yes")]).await.is(303);
    draft(&app, &mut teen, "loop.wav", &music(7, 6.0)).await;
}

/// S2-50, R-MN-5: where the minimum is raised, what was allowed before is shut in the very next request, by the page, the
/// write and the statement that publishes; the round takes it back with one leaf and its effects. With the birthday nothing
/// begins by itself: the guardian allows it then.
#[tokio::test(flavor = "multi_thread")]
async fn a_raised_minimum_closes_what_was_allowed_and_nothing_begins_by_itself() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_SERVICE_MINIMUMS", "upload=14,sell=14"), LETTER]).await;
    let (mut kid, page) = asks(&app, 13, "Rain Kid", "grace@example.com").await;
    let home = link_in(&app, "grace@example.com", "/guardians/");
    // Signed on a day when there was no such setting.
    let (then, issuer, stub) =
        (Ground { minimums: Minimums::default(), ..ground(&app) }, app.app.issuer.clone(), draws());
    let signing = Signing {
        name: "Grace Field".into(),
        relationship: "mother".into(),
        phone: String::new(),
        country: "DE".into(),
        scopes: vec![Scope::Buy, Scope::Upload, Scope::Sell],
        reach: Reach::KnownContacts,
        signature: "Grace Field".into(),
    };
    app.app
        .db
        .write(move |conn| {
            let ward: Ward = wards::table.select(Ward::as_select()).first(conn)?;
            passage::authorise(conn, &then, &issuer, &ward, &signing, &stub, Timestamp::now()).map(drop)
        })
        .await
        .unwrap();
    opens(&app, &mut kid, &page, "Rain Kid").await;
    let user = kid.user.clone().unwrap();
    let who = user.clone();
    app.app
        .db
        .write(move |conn| User::find(conn, &who)?.grant(conn, Role::Uploader, Timestamp::now()))
        .await
        .unwrap();
    let (sold, waiting) =
        (shelve(&app.app, &user, piece("Rain")).await, drafted(&app.app, &user, piece("Wind")).await);
    app.visitor().get(&sold.href()).await.is(200);

    // At once, before anybody went through the rows.
    assert!(kid.get("/studio/uploads/new").await.is(403).has(NOT_YET));
    let direct = receive(&app.app, &user, "one.wav", &music(5, 6.0)[..], Priority::People).await;
    assert!(matches!(direct, Err(Error::NotYet)), "{direct:?}");
    let studio = format!("/studio/tracks/{}", waiting.slug);
    assert!(
        kid.send(&format!("{studio}/edit"), &format!("{studio}/submission"), &[]).await.is(403).has(NOT_YET)
    );
    let (id, by) = (waiting.id.clone(), user.clone());
    app.app.db.write(move |conn| Track::find(conn, &id)?.submit(conn, &by, Timestamp::now())).await.unwrap();
    let (mut rae, at) = (app.reviewer().await, format!("/admin/review/{}", waiting.slug));
    assert!(rae.send(&at, &format!("{at}/publication"), &[]).await.is(409).has("too young to sell here"));
    let shown = app.visitor().get(&home).await.is(200);
    assert!(shown.has("Not before the age of 14") && shown.has("/scopes/buy/ending"));
    assert!(!shown.has("/scopes/upload/ending") && !shown.has("/scopes/sell/ending"), "{}", shown.text());

    let before = leaves(&app).await;
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!(leaves(&app).await, before + 1, "taken back, once");
    assert_eq!(state_of(&app, &kid).await, Some(State::Authorised));
    app.visitor().get(&sold.href()).await.is(404);
    assert!(asks_for(&app, &kid, Scope::Buy).await.is_ok());

    // Fourteen: nothing of it is back, and the guardian may allow it from now on.
    has_become(&app, &kid, 14).await;
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    for scope in [Scope::Upload, Scope::Sell] {
        let answer = asks_for(&app, &kid, scope).await;
        assert!(matches!(answer, Err(Error::Guardian(_))), "{scope}: {answer:?}");
    }
    let form = app.visitor().get(&format!("{home}?form=change")).await.is(200);
    assert!(form.has("value=\"upload\">") && !form.has("this shop opens it to nobody younger"));
    signs_at(&app, &home, &["buy", "upload"]).await;
    kid.get("/studio/uploads/new").await.is(200);
    app.visitor().get(&sold.href()).await.is(404);
}

/// S2-50: where the site asks no guardian, a service has its age all the same: what somebody younger sold is taken off sale and
/// their public page is closed, until they are as old; what was off sale stays so.
#[tokio::test(flavor = "multi_thread")]
async fn where_no_guardian_is_asked_a_service_has_its_age_all_the_same() {
    let app = TestApp::with(&[
        ("CUEHOUSE_AGE_PROFILE", "general_no_target"),
        ("CUEHOUSE_AGE_SERVICE_MINIMUMS", "sell=16,profile=16"),
    ])
    .await;
    let kid = app.uploader("Rain Kid").await;
    let user = kid.user.clone().unwrap();
    let rain = shelve(&app.app, &user, piece("Rain")).await;
    app.visitor().get("/@rain-kid").await.is(200);
    let who = user.clone();
    app.app
        .db
        .write(move |conn| {
            let (owner, now) = (User::find(conn, &who)?, Timestamp::now());
            let known = Answer::from(Band::Minor);
            Ward::of_owner(&owner, known, State::Cleared, "general_no_target", None, now).insert(conn)?;
            User::set_band(conn, &who, Band::Minor, None)
        })
        .await
        .unwrap();
    // Of whom no month is known the younger counts.
    assert!(matches!(asks_for(&app, &kid, Scope::Sell).await, Err(Error::NotYet)));
    has_become(&app, &kid, 15).await;
    assert!(matches!(asks_for(&app, &kid, Scope::Sell).await, Err(Error::NotYet)));
    assert!(asks_for(&app, &kid, Scope::Upload).await.is_ok());
    app.visitor().get("/@rain-kid").await.is(303);
    let before = leaves(&app).await;
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    app.visitor().get(&rain.href()).await.is(404);
    assert_eq!(leaves(&app).await, before);
    has_become(&app, &kid, 16).await;
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert!(asks_for(&app, &kid, Scope::Sell).await.is_ok());
    app.visitor().get("/@rain-kid").await.is(200);
    app.visitor().get(&rain.href()).await.is(404);
}

/// S2-50, R-PV-7: where uploads begin later no child puts a sound here, whatever its parent allows; so the parent is not asked
/// whether others may hear any. Both read it.
#[tokio::test(flavor = "multi_thread")]
async fn where_uploads_begin_later_no_child_puts_a_sound_here() {
    let app = TestApp::with(&[
        ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"),
        ("CUEHOUSE_AGE_SERVICE_MINIMUMS", "upload=14"),
    ])
    .await;
    let (mut kid, page) = asks(&app, 9, "Star Kid", "mother@example.com").await;
    let home = link_in(&app, "mother@example.com", "/guardians/");
    let question = app.visitor().get(&home).await.is(200);
    assert!(question.has("Sounds cannot be put here before the age of 14"), "{}", question.text());
    assert!(!question.has("name=\"publication\""));
    assert!(app.visitor().get("/privacy/children").await.is(200).has("You cannot put sounds here yet."));
    let yes =
        [("choice", "yes"), ("guardian_name", "Mother Star"), ("relationship", "mother"), ("liable", "yes")];
    app.visitor().send(&home, &format!("{home}/answer"), &yes).await.is(303);
    opens(&app, &mut kid, &page, "Star Kid").await;
    assert!(kid.get("/studio").await.is(403).has(NOT_YET));
    let user = kid.user.clone().unwrap();
    let direct = receive(&app.app, &user, "one.wav", &music(5, 6.0)[..], Priority::People).await;
    assert!(matches!(direct, Err(Error::NotYet)), "{direct:?}");
}
