//! What becomes of an upload between its arrival and its draft, whatever breaks off meanwhile.

use std::time::Duration;

use cuehouse::catalogue::track::{State as TrackState, Track};
use cuehouse::db::schema::{jobs as queue, recordings, tracks};
use cuehouse::ids::{UploadId, UserId};
use cuehouse::jobs::{self, Lease, Priority};
use cuehouse::studio::upload::State;
use cuehouse::studio::{self, receive};
use diesel::prelude::*;

use super::{draft, due_now, upload};
use crate::support::app::TestApp;
use crate::support::s3::s3_here;
use crate::support::wavs::music;

async fn claim(app: &TestApp) -> Option<Lease> {
    app.app.db.write(|conn| jobs::claim(conn, "test", Priority::Demo)).await.unwrap()
}

async fn received(app: &TestApp, who: &UserId, seed: u64) -> UploadId {
    let bytes = music(seed, 0.6);
    receive(&app.app, who, &format!("take {seed}.wav"), bytes.as_slice(), Priority::People).await.unwrap()
}

async fn is_examined(app: &TestApp, id: &UploadId) -> bool {
    let id = id.clone();
    let found = app.app.db.read(move |conn| {
        Ok(recordings::table.filter(recordings::upload_id.eq(&id)).count().get_result::<i64>(conn)?)
    });
    found.await.unwrap() == 1
}

/// One upload is one recording and one draft, and every byte a row names is there.
async fn is_whole(app: &TestApp, id: &UploadId) {
    let wanted = id.clone();
    let (drafts, keys) = app
        .app
        .db
        .read(move |conn| {
            let drafts: i64 = tracks::table.filter(tracks::upload_id.eq(&wanted)).count().get_result(conn)?;
            let keys: (String, String, String, String, Option<String>) = recordings::table
                .find(&wanted)
                .select((
                    recordings::preview_key,
                    recordings::sample_key,
                    recordings::peaks_key,
                    recordings::artwork_key,
                    recordings::fingerprint_key,
                ))
                .first(conn)?;
            Ok((drafts, keys))
        })
        .await
        .unwrap();
    assert_eq!(drafts, 1);
    let named = [Some(keys.0), Some(keys.1), Some(keys.2), Some(keys.3), keys.4];
    for key in named.into_iter().flatten() {
        assert!(app.app.storage.exists(&key).await.unwrap(), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_twice_finds_its_work_done() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let id = received(&app, &ines, 1).await;
    let lease = claim(&app).await.unwrap();
    studio::jobs::process(&app.app, &lease, &id).await.unwrap();
    is_whole(&app, &id).await;
    let keys = app.app.storage.list("").await.unwrap();
    app.app
        .db
        .write(move |conn| {
            diesel::update(queue::table.find(&lease.id))
                .set((queue::state.eq(jobs::State::Ready), queue::due_at.eq(0_i64)))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    app.run_jobs().await;
    is_whole(&app, &id).await;
    let names =
        |all: &[(String, cuehouse::storage::Stat)]| all.iter().map(|(k, _)| k.clone()).collect::<Vec<_>>();
    assert_eq!(names(&app.app.storage.list("").await.unwrap()), names(&keys));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_lost_midway_changes_nothing() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let id = received(&app, &ines, 2).await;
    let slow = claim(&app).await.unwrap();
    let (other, upload_id, lease) = (app.app.clone(), id.clone(), slow.clone());
    let working = tokio::spawn(async move { studio::jobs::process(&other, &lease, &upload_id).await });
    // It has begun when the row says so; then somebody else gets the job.
    while upload(&app, &id).await.state != State::Processing {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    due_now(&app).await;
    let quick = claim(&app).await.unwrap();
    assert!(quick.fence > slow.fence);
    assert!(working.await.unwrap().is_err());
    assert_eq!(upload(&app, &id).await.state, State::Processing);
    let n: i64 = app.app.db.read(|conn| Ok(tracks::table.count().get_result(conn)?)).await.unwrap();
    assert_eq!(n, 0);
    studio::jobs::process(&app.app, &quick, &id).await.unwrap();
    // One who comes back from the dead is told so.
    assert!(studio::jobs::process(&app.app, &slow, &id).await.is_err());
    // Giving up what one lost is not giving it up.
    let worn = Lease { runs: 9, ..slow };
    let parked = app.app.db.write(move |conn| worn.fail(conn, "its worker died each time")).await.unwrap();
    assert!(!parked);
    is_whole(&app, &id).await;
}

/// Cut off at fifty seeded moments between the first step and the last: nothing is lost, nothing double.
#[tokio::test(flavor = "multi_thread")]
async fn an_examination_cut_off_anywhere_is_done_once_in_the_end() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let mut state = 0x9e37_79b9_u64;
    let (mut cut, mut made) = (0, 0);
    let mut whole_run = Duration::from_millis(200);
    while cut < 50 {
        assert!(made < 250, "only {cut} of {made} were cut off");
        made += 1;
        let id = received(&app, &ines, 100 + made).await;
        let lease = claim(&app).await.unwrap();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = whole_run.mul_f64((state >> 33) as f64 / (1u64 << 31) as f64);
        let began = std::time::Instant::now();
        match tokio::time::timeout(wait, studio::jobs::process(&app.app, &lease, &id)).await {
            Err(_) => cut += 1,
            Ok(done) => {
                done.unwrap();
                whole_run = began.elapsed();
            }
        }
        // A write that was under way when it was cut off may still land, and renew the lease.
        for _ in 0..50 {
            due_now(&app).await;
            app.run_jobs().await;
            if is_examined(&app, &id).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        is_whole(&app, &id).await;
    }
    // A worker that was stopped may still have held its folder for a moment.
    let leftovers = || std::fs::read_dir(app.app.config.data("scratch")).map_or(0, Iterator::count);
    for _ in 0..100 {
        if leftovers() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(leftovers(), 0, "scratch folders stay behind");
    let n: i64 = app.app.db.read(|conn| Ok(tracks::table.count().get_result(conn)?)).await.unwrap();
    assert_eq!(n, made as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_never_written_for_bytes_that_are_not_there() {
    let app = TestApp::new().await;
    let nobody = UserId::new();
    // The uploader does not exist: the row cannot be written, and the bytes go again.
    let bytes = music(9, 0.5);
    receive(&app.app, &nobody, "a.wav", bytes.as_slice(), Priority::People).await.unwrap_err();
    assert!(app.app.storage.list("").await.unwrap().is_empty());
    assert!(claim(&app).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_takes_uploads_like_a_folder() {
    let s3 = s3_here().await;
    let ours = [("CUEHOUSE_STORAGE_URL", "s3://shop/studio"), ("CUEHOUSE_DELIVERY", "direct")];
    let app = TestApp::with(&[&ours[..], &s3.settings()[..]].concat()).await;
    let mut ines = app.uploader("Ines Morrow").await;
    let sound = music(10, 2.0);
    let slug = draft(&app, &mut ines, "rain.wav", &sound).await;
    assert_eq!(ines.get(&format!("/studio/tracks/{slug}/master")).await.is(200).bytes, sound);
    let user = ines.user.clone().unwrap();
    let track = app.app.db.read(move |conn| Ok(Track::all_of(conn, &user, 9)?.remove(0))).await.unwrap();
    is_whole(&app, &track.upload_id).await;
    assert_eq!(track.state, TrackState::Draft);
}
