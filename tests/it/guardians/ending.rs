//! What ends by a parent's word, and what by the clock: at once, with one leaf, and not kept longer than it may.

use cuehouse::guardians::state::Edge;

use super::*;
use crate::support::wards::{grown, permitted, proves_on_paper};

const CHILDREN: (&str, &str) = ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc");

async fn is_there(app: &TestApp, browser: &Browser) -> bool {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| Ok(User::find(conn, &user).is_ok())).await.unwrap()
}

async fn last_edge(app: &TestApp, browser: &Browser) -> Option<Edge> {
    let ward = ward_of(app, browser).await.unwrap();
    app.app.db.read(move |conn| ward.last_edge(conn)).await.unwrap()
}

/// The time of this scope is over, and the daily round comes by. How many leaves that made.
async fn runs_out(app: &TestApp, browser: &Browser, scope: Scope) -> u64 {
    let (ward, now) = (ward_of(app, browser).await.unwrap().id, Timestamp::now());
    app.app
        .db
        .write(move |conn| {
            let rows = permissions::table.filter(permissions::ward.eq(&ward));
            diesel::update(rows.filter(permissions::scope.eq(scope)))
                .set(permissions::expires_at.eq(now.plus(-1)))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    let before = leaves(app).await;
    jobs::daily(&app.app, now).await.unwrap();
    let made = leaves(app).await - before;
    jobs::daily(&app.app, now).await.unwrap();
    assert_eq!(leaves(app).await, before + made, "twice is once");
    made
}

/// Edge 15, R-RT-3, R-PV-6: what a parent takes back whole is closed in that moment; it can be taken along for fourteen days,
/// and then nothing of the child is left. Of somebody between the minimum and the age of majority it is thirty.
#[tokio::test(flavor = "multi_thread")]
async fn a_childs_account_that_ended_is_gone_in_fourteen_days() {
    let app = TestApp::with(&[CHILDREN]).await;
    let now = Timestamp::now();
    let (mut kid, home) = permitted(&app, 9, "Star Kid", false).await;
    let (teen, other) = permitted(&app, 15, "Rain Kid", false).await;
    assert!(app.visitor().get(&home).await.is(200).has("downloaded here for 14 days"));
    assert!(app.visitor().get(&other).await.is(200).has("downloaded here for 30 days"));
    for at in [&home, &other] {
        presses(&app, at, "/ending").await.is(303);
    }
    assert_eq!(state_of(&app, &kid).await, Some(State::ChildEnded));
    assert_eq!(kid.get("/account").await.status, 303, "nobody is signed in");
    let over = app.visitor().get(&home).await.is(200);
    assert!(over.has("Nothing is allowed any more"));
    app.visitor().get(&format!("{home}/data.json")).await.is(200);
    let due = ward_of(&app, &kid).await.unwrap().due_at.unwrap();
    assert!(due.since(now) >= 14 * DAY && due.since(now) < 14 * DAY + HOUR);
    jobs::daily(&app.app, due.plus(-1)).await.unwrap();
    assert!(is_there(&app, &kid).await);
    jobs::daily(&app.app, due).await.unwrap();
    assert!(!is_there(&app, &kid).await && is_there(&app, &teen).await);
    jobs::daily(&app.app, now.plus(31 * DAY)).await.unwrap();
    assert!(!is_there(&app, &teen).await);
    assert!(app.visitor().get("/privacy/children").await.is(200).has("deleted after 14 days at most"));
}

/// Edge 15 by the clock, R-PV-8: when the time is over in which others may hear a child, its sounds are its own again; when
/// that of the account is, it ends. One leaf each.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_parent_allowed_runs_out() {
    let app = TestApp::with(&[CHILDREN]).await;
    let (mut kid, home) = permitted(&app, 9, "Moon Kid", true).await;
    let (mut rae, mut boss) = (app.reviewer().await, app.admin().await);
    proves_on_paper(&app, &home, &mut rae, &mut boss).await;
    kid.send("/studio", "/studio/welcome", &[]).await.is(303);
    let slug = draft(&app, &mut kid, "song.wav", &music(41, 6.0)).await;
    let words: Vec<(&str, &str)> =
        WORDS.iter().copied().filter(|(name, _)| !name.contains("price") && *name != "under_age").collect();
    describes(&mut kid, &slug, &words).await.is(303);
    let edit = format!("/studio/tracks/{slug}/edit");
    kid.send(&edit, &format!("/studio/tracks/{slug}/submission"), &[]).await.is(303);
    let at = format!("/admin/review/{slug}");
    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    grown(&app).get(&format!("/tracks/{slug}")).await.is(200);
    assert_eq!(runs_out(&app, &kid, Scope::Publication).await, 1);
    assert_eq!(state_of(&app, &kid).await, Some(State::Internal));
    assert_eq!(last_edge(&app, &kid).await, Some(Edge::ParentRevoke));
    grown(&app).get(&format!("/tracks/{slug}")).await.is(404);
    kid.get("/account").await.is(200);
    assert_eq!(runs_out(&app, &kid, Scope::Account).await, 1);
    assert_eq!(state_of(&app, &kid).await, Some(State::ChildEnded));
    assert_eq!(last_edge(&app, &kid).await, Some(Edge::ParentRevoke));
    assert_eq!(kid.get("/account").await.status, 303);
    let due = ward_of(&app, &kid).await.unwrap().due_at.unwrap();
    assert!(due.since(Timestamp::now()) <= 14 * DAY);
}

/// Edge 10 by the clock, R-MN-2: a scope that runs out ends alone, the last one leaves a general permission, and without that
/// the account ends; what was signed anew in time goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_guardian_allowed_runs_out() {
    let app = TestApp::new().await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["buy", "upload"]).await;
    let stands = |state: State| (Some(state), Some(Edge::Revoke));
    assert_eq!(runs_out(&app, &kid, Scope::Buy).await, 1);
    assert_eq!((state_of(&app, &kid).await, last_edge(&app, &kid).await), stands(State::Authorised));
    assert_eq!(runs_out(&app, &kid, Scope::Upload).await, 1);
    assert_eq!((state_of(&app, &kid).await, last_edge(&app, &kid).await), stands(State::General));
    kid.get("/account").await.is(200);
    // Run out, and signed again before the round came by.
    signs_at(&app, &home, &["upload"]).await;
    let id = ward_of(&app, &kid).await.unwrap().id;
    app.app
        .db
        .write(move |conn| {
            let rows = permissions::table.filter(permissions::ward.eq(&id));
            diesel::update(rows.filter(permissions::scope.eq(Scope::Upload)))
                .set(permissions::expires_at.eq(Timestamp::now().plus(-1)))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    signs_at(&app, &home, &["upload"]).await;
    let before = leaves(&app).await;
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!((leaves(&app).await, state_of(&app, &kid).await), (before, Some(State::Authorised)));
    let user = kid.user.clone().unwrap();
    let upload = app.app.db.read(move |conn| may(conn, &user, Scope::Upload, Timestamp::now())).await;
    assert!(upload.unwrap());
    // Without the account there is nothing, whatever else was allowed.
    assert_eq!(runs_out(&app, &kid, Scope::Account).await, 1);
    assert_eq!((state_of(&app, &kid).await, last_edge(&app, &kid).await), stands(State::Ended));
    assert_eq!(kid.get("/account").await.status, 303);
    let (teen, _) = permitted(&app, 15, "Loop Kid", false).await;
    assert_eq!(state_of(&app, &teen).await, Some(State::General));
    assert_eq!(runs_out(&app, &teen, Scope::Account).await, 1);
    assert_eq!((state_of(&app, &teen).await, last_edge(&app, &teen).await), stands(State::Ended));
    assert!(ward_of(&app, &teen).await.unwrap().due_at.is_some());
}
