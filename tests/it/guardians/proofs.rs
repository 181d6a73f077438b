//! What more than a letter proves: papers, cards, a parent of a child; and what is shown or taken away of the young.

use cuehouse::guardians::ward::{Opens, link};

use crate::support::browser::Seen;
use crate::support::shelf::{piece, shelve};
use crate::support::wards::opens;

use super::*;

/// T-MIN-3, R-MN-3, S3-47: who is of age may show it by choice; nobody under age can, and whoever showed it and turns
/// out to be younger shows nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_age_is_shown_by_choice_and_never_of_the_young() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let mut ines = app.uploader("Ines Morrow").await;
    assert!(!app.visitor().get("/@ines-morrow").await.is(200).has("of age"));
    ines.send("/account", "/account/age", &[("shown", "on")]).await.is(303);
    assert!(app.visitor().get("/@ines-morrow").await.is(200).has("of age"));
    ines.send("/account", "/account/age", &[("shown", "off")]).await.is(303);
    assert!(!app.visitor().get("/@ines-morrow").await.is(200).has("of age"));
    let (mut kid, _) = ward(&app, "Rain Kid", &["upload", "sell", "profile"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    assert!(!kid.get("/account").await.is(200).has("/account/age"));
    kid.says("/account", "/account/age", &[("shown", "on")]).await.is(451);
    assert!(!app.visitor().get("/@rain-kid").await.is(200).has("of age"));
    // A row that came there all the same is not shown.
    let user = kid.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| {
            use cuehouse::db::schema::shown_ages;
            diesel::insert_into(shown_ages::table)
                .values((shown_ages::account.eq(&user), shown_ages::since.eq(Timestamp::now())))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    assert!(!app.visitor().get("/@rain-kid").await.is(200).has("of age"));
}

/// T-MIN-6, R-CA-8: somebody under 18 takes away what they posted, is told that they can, and nothing of it stays.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_posted_they_can_remove() {
    let app = TestApp::new().await;
    let (mut kid, _) = ward(&app, "Rain Kid", &["upload"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    let slug = draft(&app, &mut kid, "rain.wav", &music(11, 6.0)).await;
    let edit = format!("/studio/tracks/{slug}/edit");
    assert!(kid.get(&edit).await.is(200).has("You can always remove what you put here"));
    kid.send(&edit, &format!("/studio/tracks/{slug}/removal"), &[("sure", "yes")]).await.is(303);
    kid.get(&edit).await.is(404);
    let left = app.app.db.read(|conn| {
        use cuehouse::db::schema::{recordings, uploads};
        let rows: i64 = recordings::table.count().get_result(conn)?;
        Ok(rows + uploads::table.count().get_result::<i64>(conn)?)
    });
    assert_eq!(left.await.unwrap(), 0);
}

/// R-PV-1, T-PV-4: selling waits for more than a letter: a form on paper that two of the staff looked at, never one alone;
/// or a card whose payment is given back at once, and a forged message proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn selling_waits_for_a_proof_that_a_letter_is_not() {
    let app = TestApp::new().await;
    let (kid, home) = ward(&app, "Rain Kid", &["upload", "sell"]).await;
    let sells = |app: &TestApp, kid: &Browser| {
        let (db, user) = (app.app.db.clone(), kid.user.clone().unwrap());
        async move { db.read(move |conn| may(conn, &user, Scope::Sell, Timestamp::now())).await.unwrap() }
    };
    assert!(!sells(&app, &kid).await);
    let page = app.visitor().get(&home).await.is(200);
    assert!(page.has("waits for a proof"));
    let text = page.text();
    let code = text.split("code ").nth(1).unwrap()[..8].to_owned();
    let (mut rae, mut ada) = (app.reviewer().await, app.admin().await);
    let desk = rae.get("/admin/age").await.is(200);
    assert!(desk.has(&code) && desk.has("Grace Field"));
    let look = desk.text().split("action=\"").find_map(|rest| {
        let action = rest.split('"').next()?.replace("&#x2F;", "/");
        action.ends_with("/look").then_some(action)
    });
    let look = look.unwrap();
    rae.send("/admin/age", &look, &[("code", "00000000")]).await.is(422);
    rae.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    assert!(!sells(&app, &kid).await, "one is not enough");
    rae.says("/admin/age", &look, &[("code", &code)]).await.is(422);
    let before = leaves(&app).await;
    ada.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    assert_eq!(leaves(&app).await, before + 1);
    assert!(sells(&app, &kid).await);

    // The other way: by card. The link of the later letters takes everything back, begins no payment and shows nothing.
    let (other, home) = ward(&app, "Loop Kid", &["upload", "sell"]).await;
    let mut grace = app.visitor();
    let (token, whose) = (secrets::token().unwrap(), ward_of(&app, &other).await.unwrap().id);
    let end = format!("/guardians/{token}");
    app.app.db.write(move |conn| link(conn, &whose, Opens::Revoke, &token, Timestamp::now())).await.unwrap();
    assert!(!grace.get(&end).await.is(200).has(&format!("action=\"{end}/card\"")));
    grace.says(&end, &format!("{end}/card"), &[]).await.is(404);
    for file in ["form.pdf", "form.json", "data.json"] {
        grace.get(&format!("{end}/{file}")).await.is(404);
        grace.get(&format!("{home}/{file}")).await.is(200);
    }
    let pay = grace.send(&home, &format!("{home}/card"), &[]).await.is(303).location().to_owned();
    assert!(pay.starts_with(&app.stripe.url));
    // A message that Stripe did not sign proves nothing.
    let forged = r#"{"id":"evt_1","object":"event","type":"checkout.session.completed","created":1}"#;
    let seen = grace
        .post_raw("/stripe/webhook", "application/json", forged.into(), &[("stripe-signature", "t=1,v1=00")])
        .await;
    assert_ne!(seen.status, 200);
    assert!(!sells(&app, &other).await);
    let back = pays(&app, &mut grace, &pay).await;
    assert_eq!(back, home);
    assert!(app.stripe.settled(std::time::Duration::from_secs(20)).await);
    app.run_jobs().await;
    assert!(sells(&app, &other).await);
    let refunded = app.app.db.read(|conn| {
        use cuehouse::db::schema::verifications;
        let all = verifications::table.filter(verifications::method.eq(Method::CardTransaction));
        Ok(all
            .select((verifications::payment, verifications::refunded_at))
            .load::<(Option<String>, Option<Timestamp>)>(conn)?)
    });
    let refunded = refunded.await.unwrap();
    assert!(refunded.len() == 1 && refunded[0].0.is_some() && refunded[0].1.is_some(), "{refunded:?}");
}

/// R-PV-3, R-PV-4, R-PV-8, T-PV-3: a child's parent is asked two questions; the second is off, needed for nothing, and waits
/// for more than a letter. A child buys, sells and shows nothing. In child mode nobody is asked about vendors before the
/// screen, and no vendor runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_is_asked_two_questions() {
    let app =
        TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")])
            .await;
    let asked = app.visitor().get("/").await.is(303);
    assert_eq!(asked.location(), "/age?to=%2F");
    let screen = app.visitor().get(asked.location()).await.is(200);
    assert!(!screen.has("data-consent-banner") && !screen.has("data-vendor"));
    app.visitor().says("/", "/privacy/choices", &[("choice", "accept")]).await.is(451);
    let (mut kid, page) = asks(&app, 9, "Star Kid", "mother@example.com").await;
    assert!(kid.get(&page).await.is(200).has("We asked them"));
    let home = link_in(&app, "mother@example.com", "/guardians/");
    let mut mother = app.visitor();
    let question = mother.get(&home).await.is(200);
    assert!(question.has("name=\"publication\"") && !question.has("\" checked"));
    assert!(!question.has("Minor Authorization"));
    let yes = [
        ("choice", "yes"),
        ("guardian_name", "Mother Star"),
        ("relationship", "mother"),
        ("liable", "yes"),
        ("publication", "yes"),
    ];
    mother.send(&home, &format!("{home}/answer"), &yes).await.is(303);
    app.run_jobs().await;
    opens(&app, &mut kid, &page, "Star Kid").await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Internal));
    let user = kid.user.clone().unwrap();
    let allowed = |scope: Scope| {
        let (db, user) = (app.app.db.clone(), user.clone());
        async move { db.read(move |conn| may(conn, &user, scope, Timestamp::now())).await.unwrap() }
    };
    assert!(allowed(Scope::Account).await);
    for scope in [Scope::Publication, Scope::Buy, Scope::Sell, Scope::Profile, Scope::Messages] {
        assert!(!allowed(scope).await, "{scope}");
    }
    for path in ["/", "/account", "/privacy/choices"] {
        let page = kid.get(path).await.is(200);
        assert!(!page.has("data-vendor") && !page.has("data-consent-banner"), "{path}");
    }
    assert!(!kid.get("/privacy/choices").await.has("id=\"letters\""), "offers go to nobody under age");
    // Two of the staff see her signature: the second question counts now, and no other.
    let text = mother.get(&home).await.is(200).text();
    let code = text.split("code ").nth(1).unwrap()[..8].to_owned();
    let (mut rae, mut ada) = (app.reviewer().await, app.admin().await);
    let desk = rae.get("/admin/age").await.is(200).text().replace("&#x2F;", "/");
    let look = desk.split("action=\"").filter_map(|r| r.split('"').next()).find(|a| a.ends_with("/look"));
    let look = look.unwrap().to_owned();
    rae.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    ada.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    assert_eq!(state_of(&app, &kid).await, Some(State::Disclosing));
    assert!(allowed(Scope::Publication).await && !allowed(Scope::Sell).await && !allowed(Scope::Buy).await);
    // Taken back, it is gone in that moment, and the account stays.
    presses(&app, &home, "/scopes/publication/ending").await.is(303);
    assert!(!allowed(Scope::Publication).await && allowed(Scope::Account).await);
    // And given again later, by a parent who was proved: at once, with one leaf, however often it is pressed.
    let before = leaves(&app).await;
    presses(&app, &home, "/publication").await.is(303);
    allows_publication(&app, &home).await.is(303);
    assert!(allowed(Scope::Publication).await);
    assert_eq!((state_of(&app, &kid).await, leaves(&app).await), (Some(State::Disclosing), before + 1));
    // A licence is a contract: none is given to a child, whatever it costs.
    kid.get("/checkout").await.is(403).has("A licence is a contract");
}

/// The button pressed, whether or not the page shows it: a second click, another tab.
async fn allows_publication(app: &TestApp, home: &str) -> Seen {
    let mut parent = app.visitor();
    let csrf = parent.get(home).await.csrf().unwrap();
    parent.post(&format!("{home}/publication"), &[("csrf", &csrf)]).await
}

/// T-PV-3, R-PV-3: a parent who first said no may say yes later, and it waits for more than a letter.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_says_yes_to_the_second_question_later() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    let (_, page) = asks(&app, 9, "Late Kid", "mother@example.com").await;
    let home = link_in(&app, "mother@example.com", "/guardians/");
    // Before the first answer there is no second.
    allows_publication(&app, &home).await.is(409);
    let yes =
        [("choice", "yes"), ("guardian_name", "Mother Late"), ("relationship", "mother"), ("liable", "yes")];
    app.visitor().send(&home, &format!("{home}/answer"), &yes).await.is(303);
    let before = leaves(&app).await;
    assert!(app.visitor().get(&home).await.is(200).has("not allowed") && !page.is_empty());
    presses(&app, &home, "/publication").await.is(303);
    let seen = app.visitor().get(&home).await.is(200);
    assert!(seen.has("waits for a proof") && seen.has("code "));
    assert_eq!(leaves(&app).await, before, "nothing changed yet");
    // Taken back while it waits, there is nothing to prove.
    presses(&app, &home, "/scopes/publication/ending").await.is(303);
    let seen = app.visitor().get(&home).await.is(200);
    assert!(seen.has("not allowed") && !seen.has("id=\"proof\""));
}

/// T-AGE-11, R-RT-3: a report freezes in its own request; of somebody whom the staff found to be of age it freezes
/// nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_freezes_an_account_until_the_staff_looked() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let (mut ada, mut rae) = (app.buyer("Ada Field").await, app.reviewer().await);
    let report = "/reports/age/@ines-morrow";
    app.visitor().get(report).await.is(303);
    ada.send(report, report, &[]).await.is(422);
    ada.send(report, report, &[("age", "child")]).await.is(303);
    assert_eq!(ines.get("/account").await.is(303).location(), "/held");
    app.visitor().get("/@ines-morrow").await.is(404);
    let settle = format!("/admin/age/accounts/{}/finding", ines.user.clone().unwrap());
    assert!(rae.get("/admin/age").await.is(200).has("Ines Morrow"));
    rae.says("/admin/age", &settle, &[("finding", "adult")]).await.is(303);
    ines.get("/account").await.is(200);
    ada.send(report, report, &[("age", "child")]).await.is(303);
    ines.get("/account").await.is(200);
    assert!(rae.get("/admin/age").await.is(200).has("A report says"));
    // The staff know better: a flag of theirs counts.
    rae.send(
        "/admin/age",
        "/admin/age/flags",
        &[("account", "@ines-morrow"), ("age", "child"), ("from", "staff")],
    )
    .await
    .is(303);
    assert_eq!(ines.get("/account").await.is(303).location(), "/held");
}

/// R-RT-3, T-AGE-11: whoever has sounds in the shop can be reported, also where their guardian allowed no profile: from the page
/// of a sound, where the way stands for every uploader alike, so that it tells nothing of anybody. The account is frozen in that
/// request.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_a_profile_can_be_reported_from_their_sounds() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let (mut kid, _) = ward(&app, "Rain Kid", &["upload", "sell"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    let (ines, mut ada) = (app.uploader("Ines Morrow").await, app.buyer("Ada Field").await);
    let theirs = shelve(&app.app, kid.user.as_ref().unwrap(), piece("Rain")).await;
    let hers = shelve(&app.app, ines.user.as_ref().unwrap(), piece("Wind")).await;
    let report = "/reports/age/@rain-kid";
    for (track, at) in [(&theirs, report), (&hers, "/reports/age/@ines-morrow")] {
        let seen = ada.get(&track.href()).await.is(200);
        assert_eq!(seen.link("/reports/").as_deref(), Some(at), "{}", seen.text());
        assert!(app.visitor().get(&track.href()).await.is(200).link("/reports/").is_none());
    }
    assert!(kid.get(&theirs.href()).await.is(200).link("/reports/").is_none(), "not about oneself");
    assert_eq!(ada.get("/@rain-kid").await.is(303).location(), "/search?uploader=rain-kid");
    let form = ada.get(report).await.is(200);
    assert!(form.has("Is Rain Kid too young?") && form.has("Back to their sounds"), "{}", form.text());
    // That their guardian answers for somebody under age is no news.
    let before = leaves(&app).await;
    for (age, more, state) in [("minor", 0, State::Authorised), ("child", 1, State::Discovered)] {
        ada.send(report, report, &[("age", age)]).await.is(303);
        let after = (leaves(&app).await, state_of(&app, &kid).await);
        assert_eq!(after, (before + more, Some(state)), "{age}");
    }
    assert_eq!(kid.get("/account").await.is(303).location(), "/held");
    app.visitor().get(&theirs.href()).await.is(404);
    ada.get(report).await.is(404);
}

/// R-PV-7, T-PV-6: nothing is asked that taking part does not need: of a child a made-up name and where a parent is written
/// to, of the parent a name and what they are to the child, and then how the account is signed in to.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_that_is_not_needed() {
    let fields_of = |seen: &Seen, action: &str| {
        let mut names: Vec<String> = seen
            .text()
            .replace("&#x2F;", "/")
            .split("<form")
            .find(|form| form.contains(&format!("action=\"{action}\"")))
            .unwrap_or_else(|| panic!("no form to {action}"))
            .split("</form>")
            .next()
            .unwrap_or_default()
            .split(" name=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    let mut kid = app.visitor();
    crate::support::wards::answers(&mut kid, 9).await.is(303);
    let asks = kid.get("/sign-up").await.is(200);
    assert_eq!(fields_of(&asks, "/guardian"), ["csrf", "guardian_email", "name"]);
    let told = [("name", "Plain Kid"), ("guardian_email", "mother@example.com")];
    let page = kid.send("/sign-up", "/guardian", &told).await.is(303).location().to_owned();
    app.run_jobs().await;
    let home = link_in(&app, "mother@example.com", "/guardians/");
    let mut mother = app.visitor();
    let question = mother.get(&home).await.is(200);
    assert_eq!(
        fields_of(&question, &format!("{home}/answer")),
        ["choice", "csrf", "guardian_name", "liable", "publication", "relationship"]
    );
    // The second question is no condition of the first.
    let yes =
        [("choice", "yes"), ("guardian_name", "Mother Plain"), ("relationship", "mother"), ("liable", "yes")];
    mother.send(&home, &format!("{home}/answer"), &yes).await.is(303);
    let opens = kid.get(&page).await.is(200);
    assert_eq!(fields_of(&opens, &format!("{page}/account")), ["csrf", "password"]);
}
