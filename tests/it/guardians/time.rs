//! Timers, months and years.

use super::*;

/// T-TIME-4, R-PV-5: without an answer both contacts are gone after fourteen days and not a millisecond before, the name is
/// free again, and one leaf tells of it. T-TIME-4: the second letter goes out after a day, once, with a link that revokes.
#[tokio::test(flavor = "multi_thread")]
async fn timers_are_rows_and_end_to_the_millisecond() {
    let app = TestApp::new().await;
    let now = Timestamp::now();
    let ward = named(&app, "Rain Kid", Band::Minor, "2030-01", now).await;
    let due = now.plus(14 * DAY);
    let lapse = |at: Timestamp| {
        let (ground, id, stub) = (ground(&app), ward.id.clone(), draws());
        let db = app.app.db.clone();
        async move { db.write(move |conn| passage::lapse(conn, &ground, &id, &stub, at)).await.unwrap() }
    };
    assert!(!lapse(due.plus(-1)).await);
    assert_eq!(leaves(&app).await, 1);
    assert!(lapse(due).await);
    assert!(!lapse(due).await, "twice is once");
    assert_eq!(leaves(&app).await, 2);
    assert!(app.app.db.read(|conn| Ok(wards::table.count().get_result::<i64>(conn)?)).await.unwrap() == 0);
    let again = named(&app, "Rain Kid", Band::Minor, "2030-01", due).await;
    allowed(&app, &again, due).await;
    // An answer stops the timer.
    jobs::daily(&app.app, due.plus(20 * DAY)).await.unwrap();
    let id = again.id.clone();
    assert_eq!(app.app.db.read(move |conn| Ward::find(conn, &id)).await.unwrap().state, State::General);
    sends(&app).await;
    let sent = app.letters_to("grace@example.com").len();
    for (at, more) in [(due.plus(23 * HOUR), 0), (due.plus(24 * HOUR), 1), (due.plus(25 * HOUR), 1)] {
        let (ground, id, token) = (ground(&app), again.id.clone(), secrets::token().unwrap());
        app.app.db.write(move |conn| confirming::confirm(conn, &ground, &id, &token, at)).await.unwrap();
        sends(&app).await;
        assert_eq!(app.letters_to("grace@example.com").len(), sent + more);
    }
    let letter = app.letters_to("grace@example.com").pop().unwrap();
    assert!(letter.text.contains("takes everything back"), "{}", letter.text);
    // Yearly, once.
    jobs::daily(&app.app, due.plus(366 * DAY)).await.unwrap();
    jobs::daily(&app.app, due.plus(367 * DAY)).await.unwrap();
    sends(&app).await;
    assert_eq!(app.letters_to("grace@example.com").len(), sent + 2);
    // The link of that letter opens one button, and no data.
    let revoke = link_in(&app, "grace@example.com", "/guardians/");
    let page = app.visitor().get(&revoke).await.is(200);
    assert!(page.has("Take everything back now") && !page.has("What is held"));
    app.visitor().get(&format!("{revoke}/data.json")).await.is(404);
}

/// T-TIME-4, R-PV-5: fourteen days without an answer later no row of any table holds the address that was given or the name
/// that was chosen, and there never was an account; of a child as of anybody under age.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_no_row_holds_the_address_or_the_name() {
    for (profile, years) in [("guardian_under_18", 15), ("mixed_audience_vpc", 9)] {
        let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", profile)]).await;
        let (mut kid, page) = asks(&app, years, "Copper Kid", "Grace.Copper@example.com").await;
        let given = ["copper kid", "copper-kid", "grace.copper"];
        for (wait, is_there) in [(14 * DAY - HOUR, true), (14 * DAY + HOUR, false)] {
            jobs::daily(&app.app, Timestamp::now().plus(wait)).await.unwrap();
            let rows = app.every_row().await.to_lowercase();
            for words in given {
                assert_eq!(rows.contains(words), is_there, "{words}, {profile}");
            }
        }
        kid.get(&page).await.is(404);
        let accounts: i64 = app.app.db.read(|conn| Ok(users::table.count().get_result(conn)?)).await.unwrap();
        assert_eq!((accounts, leaves(&app).await), (0, 2));
    }
}

/// T-TIME-3, S3-15, edge 9: what a form allows holds for a year, and never past the month in which its owner comes of age. In that
/// very millisecond it is over, and the daily round writes one leaf of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_holds_for_a_year_and_never_past_the_band() {
    let app = TestApp::new().await;
    let mut now = Timestamp::now();
    for (name, comes_soon) in [("Loop Kid", true), ("Rain Kid", false)] {
        let of_age = if comes_soon { Month::of(now.plus(100 * DAY)) } else { Month::of(now).later(3) };
        let until = if comes_soon { of_age.begins() } else { now.plus(365 * DAY) };
        let ward = named(&app, name, Band::Minor, &of_age.to_string(), now).await;
        let signing = Signing {
            name: "Grace Field".into(),
            relationship: "mother".into(),
            phone: String::new(),
            country: "DE".into(),
            scopes: vec![Scope::Buy],
            reach: Reach::KnownContacts,
            signature: "Grace Field".into(),
        };
        let (g, issuer, stub, id) = (ground(&app), app.app.issuer.clone(), draws(), ward.id.clone());
        let signed = app.app.db.write(move |conn| {
            passage::authorise(conn, &g, &issuer, &ward, &signing, &stub, now)?;
            Permission::open_of(conn, &id, now)
        });
        let open = signed.await.unwrap();
        let buys = open.iter().find(|permission| permission.scope == Scope::Buy).unwrap();
        assert_eq!(buys.expires_at, until, "{name}");
        assert!(buys.holds(until.plus(-1)) && !buys.holds(until), "{name}");
        let before = leaves(&app).await;
        for (at, more) in [(until.plus(-1), 0), (until, 1), (until.plus(1), 1)] {
            jobs::daily(&app.app, at).await.unwrap();
            assert_eq!(leaves(&app).await, before + more, "{name}");
        }
        now = until.plus(DAY);
    }
}

/// T-TIME-3, R-MN-5: at the first moment of the month after the birthday's the band moves; nothing switches on by itself,
/// what was allowed ends, both are told, and whoever is of age goes on alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_band_moves_with_the_month_and_nothing_switches_on_by_itself() {
    let app = TestApp::new().await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy", "upload"]).await;
    let found = ward_of(&app, &kid).await.unwrap();
    let begins = Month::parse(found.next_band_month.as_deref().unwrap()).unwrap().begins();
    jobs::daily(&app.app, begins.plus(-1)).await.unwrap();
    assert_ne!(state_of(&app, &kid).await, Some(State::AgedUp));
    let before = leaves(&app).await;
    jobs::daily(&app.app, begins).await.unwrap();
    jobs::daily(&app.app, begins.plus(1)).await.unwrap();
    assert_eq!(leaves(&app).await, before + 1, "edge 19, once");
    sends(&app).await;
    let (own, hers) = (email_of("Rain Kid"), format!("guardian-of-{}", email_of("Rain Kid")));
    for email in [&own, &hers] {
        assert!(app.letters_to(email).iter().any(|l| l.text.contains("of age")), "{email}");
    }
    let moved = ward_of(&app, &kid).await.unwrap();
    assert_eq!((moved.band, moved.next_band_month), (Band::Adult, None));
    for scope in [Scope::Buy, Scope::Upload] {
        let user = kid.user.clone().unwrap();
        assert!(!app.app.db.read(move |conn| may(conn, &user, scope, begins)).await.unwrap());
    }
    assert_eq!(kid.get("/account").await.is(303).location(), "/held");
    kid.send("/held", "/held/anew", &[]).await.is(422);
    kid.send("/held", "/held/anew", &[("terms", "yes")]).await.is(303);
    kid.get("/account").await.is(200);
    assert_eq!(
        ward_of(&app, &kid).await.map(|w| w.id),
        None,
        "the guardian's link ended with the record of them"
    );
    app.visitor().get(&home).await.is(410);
}

/// T-TIME-3, T-AGE-3, R-MN-5: in every profile and wherever somebody is, a band moves with the first moment of its month, not the
/// day or the millisecond before, and once.
#[tokio::test(flavor = "multi_thread")]
async fn in_every_profile_a_band_moves_with_its_month() {
    for profile in [
        "general_no_target",
        "never_knowingly_13",
        "no_pi_under_14",
        "guardian_under_18",
        "mixed_audience_vpc",
    ] {
        let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", profile)]).await;
        let month = Month::of(Timestamp::now()).later(1);
        let mut kids = vec![];
        for (n, place) in [None, Some("US-CA"), Some("CN"), Some("XX")].into_iter().enumerate() {
            let kid = app.buyer(&format!("Kid {n}")).await;
            let user = kid.user.clone().unwrap();
            let kept = app.app.db.write(move |conn| {
                let owner = User::find(conn, &user)?;
                let known = Answer { band: Band::Minor, next: Some(month) };
                Ward::of_owner(&owner, known, State::Cleared, profile, place, Timestamp::now())
                    .insert(conn)?;
                User::set_band(conn, &user, Band::Minor, None)
            });
            kept.await.unwrap();
            kids.push(kid);
        }
        let (before, begins) = (leaves(&app).await, month.begins());
        for (at, state, band) in [
            (begins.plus(-DAY), State::Cleared, Band::Minor),
            (begins.plus(-1), State::Cleared, Band::Minor),
            (begins, State::AgedUp, Band::Adult),
            (begins.plus(DAY), State::AgedUp, Band::Adult),
        ] {
            jobs::daily(&app.app, at).await.unwrap();
            for kid in &kids {
                let found = ward_of(&app, kid).await.unwrap();
                assert_eq!((found.state, found.band), (state, band), "{profile} {:?} {at}", found.place);
            }
        }
        assert_eq!(leaves(&app).await, before + 4, "{profile}: one leaf each");
    }
}

/// T-TIME-3, R-MN-5: signing in notices that a band is over before the daily round does.
#[tokio::test(flavor = "multi_thread")]
async fn signing_in_moves_a_band_whose_time_is_over() {
    let app = TestApp::new().await;
    let (kid, _) = ward(&app, "Rain Kid", &["buy"]).await;
    app.app
        .db
        .write(|conn| {
            diesel::update(wards::table).set(wards::next_band_month.eq("2026-01")).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    let email = email_of("Rain Kid");
    let mut again = app.visitor();
    again.send("/sign-in", "/sign-in", &[("email", email.as_str()), ("password", PASSWORD)]).await.is(303);
    assert_eq!(again.get("/account").await.is(303).location(), "/held");
    assert_eq!(state_of(&app, &kid).await, Some(State::AgedUp));
}
