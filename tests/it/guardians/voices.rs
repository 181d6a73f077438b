//! A child's voice: kept for the child alone, heard by others only where a parent allowed it, never for sale; and the young
//! voice that a grown-up uploads.

use cuehouse::catalogue::offer;
use cuehouse::catalogue::track::{State as TrackState, Track};
use cuehouse::catalogue::voices::{RELEASE_EDITION, Said};
use cuehouse::consent::children;
use cuehouse::db::schema::young_voices;
use cuehouse::ids::Slug;

use super::*;
use crate::support::wards::{grown, permitted, proves_on_paper};

async fn track(app: &TestApp, slug: &str) -> Track {
    let slug = Slug::parse(slug).unwrap();
    app.app.db.read(move |conn| Ok(Track::by_slug(conn, &slug)?.track)).await.unwrap()
}

async fn offers(app: &TestApp, track: &Track) -> usize {
    let id = track.id.clone();
    app.app.db.read(move |conn| Ok(offer::of_track(conn, &id)?.len())).await.unwrap()
}

/// Submits and publishes in one write, as nobody of the staff could do it behind the parent's back.
async fn forced(app: &TestApp, track: &Track) -> cuehouse::error::Result<()> {
    let track = track.clone();
    app.app
        .db
        .write(move |conn| {
            let (track, now) = (Track::find(conn, &track.id)?, Timestamp::now());
            let by = track.uploader_id.clone();
            track.submit(conn, &by, now)?;
            track.publish(conn, &by, now)
        })
        .await
}

fn is_hidden(seen: Seen) {
    assert_eq!(seen.status, 404);
}

/// T-PV-7, R-PV-8: a child whose parent allowed an account can upload, and nobody else hears it: not by asking, not by a
/// price that is smuggled in, not by a write behind everybody's back.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_child_uploads_is_heard_by_the_child_alone() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    let (mut kid, home) = permitted(&app, 9, "Star Kid", false).await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Internal));
    let welcome = kid.get("/studio").await.is(200);
    assert!(welcome.has("Your own sounds") && !welcome.has("agreement"), "{}", welcome.text());
    kid.send("/studio", "/studio/welcome", &[]).await.is(303);
    let slug = draft(&app, &mut kid, "song.wav", &music(21, 6.0)).await;
    let (edit, submission) =
        (format!("/studio/tracks/{slug}/edit"), format!("/studio/tracks/{slug}/submission"));
    let page = kid.get(&edit).await.is(200);
    assert!(page.has("Only you. Whether others may"), "{}", page.text());
    for words in ["price.", "under_age", "/submission", "value=\"submission\""] {
        assert!(!page.has(words), "{words}");
    }
    let csrf = page.csrf().unwrap();
    kid.get(&format!("/studio/tracks/{slug}/master")).await.is(200);
    let mut ada = app.buyer("Ada Field").await;
    for path in ["", "/sample.mp3", "/preview.mp3", "/artwork.svg"] {
        is_hidden(grown(&app).get(&format!("/tracks/{slug}{path}")).await);
        is_hidden(ada.get(&format!("/tracks/{slug}{path}")).await);
    }
    // Nor do those who review: it waits for nobody.
    let mut rae = app.reviewer().await;
    for path in
        [format!("/tracks/{slug}"), format!("/tracks/{slug}/preview.mp3"), format!("/admin/review/{slug}")]
    {
        is_hidden(rae.get(&path).await);
    }
    // Asked for all the same.
    kid.post(&submission, &[("csrf", &csrf)]).await.is(403);
    let mut smuggled = WORDS.to_vec();
    smuggled.push(("csrf", &csrf));
    kid.post(&format!("/studio/tracks/{slug}"), &smuggled).await.is(303);
    let kept = track(&app, &slug).await;
    assert_eq!((kept.title.as_str(), kept.price_from, offers(&app, &kept).await), ("Rain on tin", None, 0));
    smuggled.push(("then", "submission"));
    kid.post(&format!("/studio/tracks/{slug}"), &smuggled).await.is(403);
    assert!(matches!(forced(&app, &kept).await, Err(Error::Conflict(_))));
    assert_eq!(track(&app, &slug).await.state, TrackState::Draft);
    // The parent sees that there is a file, and can end it.
    assert!(app.visitor().get(&home).await.is(200).has("1 file"));
    presses(&app, &home, "/ending").await.is(303);
    kid.get("/studio/uploads/new").await.is(303);
}

/// T-PV-7, R-PV-8, R-PV-4: where the parent allowed it and proved to be one by more than a letter, a sound is heard by
/// everyone after somebody listened to it. It is offered at no price, nothing is advertised beside it, no vendor hears of it.
/// Taken back, it is gone in that moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_lets_others_hear_it_and_takes_that_back() {
    let app = TestApp::with(&[
        ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"),
        ("CUEHOUSE_VENDORS", "ga4=G-TEST"),
        ("CUEHOUSE_PREVIEW_ANONYMOUS", "full"),
    ])
    .await;
    let (mut kid, home) = permitted(&app, 9, "Moon Kid", true).await;
    kid.send("/studio", "/studio/welcome", &[]).await.is(303);
    let slug = draft(&app, &mut kid, "song.wav", &music(22, 6.0)).await;
    let (edit, submission) =
        (format!("/studio/tracks/{slug}/edit"), format!("/studio/tracks/{slug}/submission"));
    // Ticked and not proved: it waits.
    let page = kid.get(&edit).await.is(200);
    assert!(!page.has("/submission"));
    kid.post(&submission, &[("csrf", &page.csrf().unwrap())]).await.is(403);
    let (mut rae, mut ada) = (app.reviewer().await, app.admin().await);
    proves_on_paper(&app, &home, &mut rae, &mut ada).await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Disclosing));
    let words: Vec<(&str, &str)> =
        WORDS.iter().copied().filter(|(name, _)| !name.contains("price") && *name != "under_age").collect();
    describes(&mut kid, &slug, &words).await.is(303);
    assert!(kid.get(&edit).await.is(200).has("/submission"));
    kid.send(&edit, &submission, &[]).await.is(303);
    // Nobody hears it before somebody of the staff did.
    let href = format!("/tracks/{slug}");
    is_hidden(grown(&app).get(&href).await);
    let at = format!("/admin/review/{slug}");
    assert!(rae.get(&at).await.is(200).has("A child made it"));
    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    let page = grown(&app).get(&href).await.is(200);
    assert!(page.has("To be heard") && page.has("not for sale"), "{}", page.text());
    for words in ["name=\"tier\"", "On request", "/@moon-kid", "class=\"ad\"", "parent-of-", "moon.kid@"] {
        assert!(!page.has(words), "{words}");
    }
    grown(&app).get(&format!("{href}/preview.mp3")).await.is(200);
    is_hidden(grown(&app).get("/@moon-kid").await);
    let marked = href.clone();
    assert!(app.app.db.read(move |conn| children::is_marked(conn, &marked)).await.unwrap());
    // A grown-up who said yes to a vendor meets it elsewhere, and not here. There is nothing to put into a basket.
    let mut bo = app.buyer("Bo Lind").await;
    bo.send("/privacy/choices", "/privacy/choices", &[("choice", "accept"), ("all", "yes")]).await.is(303);
    assert!(bo.get("/licences").await.is(200).has("data-vendor"));
    assert!(!bo.get(&href).await.is(200).has("data-vendor"));
    let csrf = bo.get("/cart").await.csrf().unwrap();
    let seen = bo.post("/cart", &[("csrf", &csrf), ("track", &slug), ("tier", "creator")]).await;
    assert!(seen.status >= 400, "{}", seen.status);
    assert!(!bo.get("/cart").await.is(200).has("Rain on tin"));
    // A price that is smuggled in afterwards is none.
    let mut smuggled = words.clone();
    let csrf = kid.get(&edit).await.csrf().unwrap();
    smuggled.extend([("price.creator", "29.00"), ("csrf", csrf.as_str())]);
    kid.post(&format!("/studio/tracks/{slug}"), &smuggled).await.is(303);
    let kept = track(&app, &slug).await;
    assert_eq!((kept.state, kept.price_from), (TrackState::Published, None));
    assert_eq!(offers(&app, &kept).await, 0);
    // Taken back, nobody else hears it any more; the account stays.
    presses(&app, &home, "/scopes/publication/ending").await.is(303);
    for path in ["", "/sample.mp3", "/preview.mp3"] {
        is_hidden(grown(&app).get(&format!("{href}{path}")).await);
    }
    assert_eq!(track(&app, &slug).await.state, TrackState::Withdrawn);
    assert!(kid.get(&edit).await.is(200).has("Only you. Whether others may"));
    kid.post(&submission, &[("csrf", &csrf)]).await.is(403);
    assert!(matches!(forced(&app, &kept).await, Err(Error::Conflict(_))));
}

/// R-PV-1, R-PV-8: the statement that publishes asks how the parent was proved, whether the permission still holds, and
/// whether anything is offered: each alone keeps a child's sound away from everybody.
#[tokio::test(flavor = "multi_thread")]
async fn the_statement_that_publishes_asks_for_everything() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    let (mut kid, home) = permitted(&app, 9, "Moon Kid", true).await;
    kid.send("/studio", "/studio/welcome", &[]).await.is(303);
    let slug = draft(&app, &mut kid, "song.wav", &music(23, 6.0)).await;
    describes(&mut kid, &slug, &[("title", "Song"), ("description", "Mine."), ("kind", "music")])
        .await
        .is(303);
    let (mut rae, mut ada) = (app.reviewer().await, app.admin().await);
    proves_on_paper(&app, &home, &mut rae, &mut ada).await;
    let kept = track(&app, &slug).await;
    let attempt = |change: fn(&mut Conn, &Track) -> Result<()>| {
        let (db, track) = (app.app.db.clone(), kept.clone());
        async move {
            let done = db.write(move |conn| {
                let (track, now) = (Track::find(conn, &track.id)?, Timestamp::now());
                let by = track.uploader_id.clone();
                track.submit(conn, &by, now)?;
                change(conn, &track)?;
                let published = track.publish(conn, &by, now).is_ok();
                // Nothing of it stays.
                Err::<(), Error>(Error::refused(if published { "published" } else { "kept" }))
            });
            match done.await {
                Err(Error::Refused(word)) => word,
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(attempt(|_, _| Ok(())).await, "published");
    let letter = attempt(|conn, _| {
        let rows = permissions::table.filter(permissions::scope.eq(Scope::Publication));
        diesel::update(rows).set(permissions::method.eq(Method::EmailPlus)).execute(conn)?;
        Ok(())
    });
    assert_eq!(letter.await, "kept");
    let text = attempt(|conn, _| {
        let rows = permissions::table.filter(permissions::scope.eq(Scope::Publication));
        diesel::update(rows).set(permissions::method.eq(Method::TextPlus)).execute(conn)?;
        Ok(())
    });
    assert_eq!(text.await, "kept");
    let over = attempt(|conn, _| {
        let rows = permissions::table.filter(permissions::scope.eq(Scope::Publication));
        diesel::update(rows).set(permissions::expires_at.eq(Timestamp(1))).execute(conn)?;
        Ok(())
    });
    assert_eq!(over.await, "kept");
    let back = attempt(|conn, _| {
        let rows = permissions::table.filter(permissions::scope.eq(Scope::Publication));
        diesel::update(rows).set(permissions::revoked_at.eq(Timestamp::now())).execute(conn)?;
        Ok(())
    });
    assert_eq!(back.await, "kept");
    let internal = attempt(|conn, _| {
        diesel::update(wards::table).set(wards::state.eq(State::Internal)).execute(conn)?;
        Ok(())
    });
    assert_eq!(internal.await, "kept");
    let offered = attempt(|conn, track| {
        offer::replace(conn, &track.id, &[("creator".into(), cuehouse::money::Cents(0))], "usd")
    });
    assert_eq!(offered.await, "kept");
}

/// A grown-up uploads a child's voice: the form asks; a yes needs the release, which is kept with the track, its
/// day and the edition of the sentence.
#[tokio::test(flavor = "multi_thread")]
async fn a_young_voice_of_a_grown_up_uploader_needs_the_release() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let slug = draft(&app, &mut ines, "choir.wav", &music(24, 6.0)).await;
    let edit = format!("/studio/tracks/{slug}/edit");
    let page = ines.get(&edit).await.is(200);
    assert!(page.has("Does a person under 18 speak or sing in it?"));
    let radios: Vec<String> =
        page.text().split("name=\"under_age\"").skip(1).map(|rest| rest[..40].to_owned()).collect();
    assert!(radios.len() == 2 && radios.iter().all(|rest| !rest.contains(" checked")), "{radios:?}");
    let words: Vec<(&str, &str)> = WORDS.iter().copied().filter(|(name, _)| *name != "under_age").collect();
    let says = |more: &[(&'static str, &'static str)]| {
        let mut all = words.clone();
        all.extend(more);
        all
    };
    describes(&mut ines, &slug, &says(&[])).await.is(303);
    let asked = ines.send(&edit, &format!("/studio/tracks/{slug}/submission"), &[]).await.is(422);
    assert!(asked.has("Say whether a person under 18"), "{}", asked.text());
    assert!(asked.has(" autofocus name=\"under_age\"") && !page.has(" autofocus"), "{}", asked.text());
    let fault = describes(&mut ines, &slug, &says(&[("under_age", "yes")])).await.is(422);
    assert!(fault.has("Without the release of a parent or guardian"));
    describes(&mut ines, &slug, &says(&[("under_age", "yes"), ("release", "2001-01")])).await.is(422);
    let stated = says(&[("under_age", "yes"), ("release", RELEASE_EDITION)]);
    for _ in 0..2 {
        describes(&mut ines, &slug, &stated).await.is(303);
    }
    let of_track = track(&app, &slug).await.id;
    let said = |id: cuehouse::ids::TrackId| {
        let db = app.app.db.clone();
        async move {
            let wanted = id.clone();
            let newest = db.read(move |conn| Said::of(conn, &wanted)).await.unwrap().unwrap();
            let rows: i64 = db
                .read(move |conn| {
                    Ok(young_voices::table.filter(young_voices::track.eq(&id)).count().get_result(conn)?)
                })
                .await
                .unwrap();
            (newest, rows)
        }
    };
    let (newest, rows) = said(of_track.clone()).await;
    assert!(newest.heard && newest.release.as_deref() == Some(RELEASE_EDITION));
    assert!(newest.by == ines.user.clone().unwrap() && Timestamp::now().since(newest.at) < HOUR);
    assert_eq!(rows, 1, "what is said already gets no second row");
    ines.send(&edit, &format!("/studio/tracks/{slug}/submission"), &[]).await.is(303);
    let mut rae = app.reviewer().await;
    let case = rae.get(&format!("/admin/review/{slug}")).await.is(200);
    assert!(case.has("A person under 18 is heard") && case.has(RELEASE_EDITION));
    // Said otherwise later, both words stand.
    describes(&mut ines, &slug, &says(&[("under_age", "no")])).await.is(303);
    let (newest, rows) = said(of_track).await;
    assert!(!newest.heard && newest.release.is_none());
    assert_eq!(rows, 2);
    // Removed, nothing of it stays.
    ines.send(&edit, &format!("/studio/tracks/{slug}/removal"), &[("sure", "yes")]).await.is(303);
    let left: i64 = app.app.db.read(|conn| Ok(young_voices::table.count().get_result(conn)?)).await.unwrap();
    assert_eq!(left, 0);
}
