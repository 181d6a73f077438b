//! What a reviewer decides, and what reaches the uploader.

use cuehouse::catalogue::track::{State, Track};
use cuehouse::ids::Slug;

use crate::studio::{WORDS, describes, draft};
use crate::support::app::{TestApp, email_of};
use crate::support::browser::Browser;
use crate::support::wavs::music;

/// A track of Ines that waits for review.
async fn submitted(app: &TestApp, ines: &mut Browser, name: &str, seed: u64) -> String {
    let slug = draft(app, ines, name, &music(seed, 1.0)).await;
    let mut fields = WORDS.to_vec();
    fields.push(("then", "submission"));
    describes(ines, &slug, &fields).await.is(303);
    slug
}

async fn state(app: &TestApp, slug: &str) -> State {
    let slug = Slug::parse(slug).unwrap();
    app.app.db.read(move |conn| Ok(Track::by_slug(conn, &slug)?.track.state)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_listens_and_publishes_and_the_uploader_hears_of_it() {
    let app = TestApp::new().await;
    let (mut ines, mut rae) = (app.uploader("Ines Morrow").await, app.reviewer().await);
    let slug = submitted(&app, &mut ines, "rain.wav", 1).await;
    let queue = rae.get("/admin/review").await.is(200);
    assert!(queue.has("Rain on tin") && queue.has("a moment"));
    let at = format!("/admin/review/{slug}");
    let page = rae.get(&at).await.is(200);
    for words in ["Soft rain on a tin roof.", "Ines Morrow", "44.1 kHz", "$29"] {
        assert!(page.has(words), "{words} in {}", page.text());
    }
    let preview = rae.get(&format!("{at}/preview.mp3")).await.is(200);
    let master = rae.get(&format!("{at}/master")).await.is(200);
    assert_eq!(master.bytes, music(1, 1.0));
    assert_ne!(preview.header("etag"), master.header("etag"));
    rae.get_with(&format!("{at}/preview.mp3"), &[("Range", "bytes=0-9")]).await.is(206);

    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    assert_eq!(state(&app, &slug).await, State::Published);
    app.run_jobs().await;
    let letters = app.letters_to(&email_of("Ines Morrow"));
    assert!(
        letters
            .iter()
            .any(|l| l.subject.contains("Rain on tin") && l.text.contains(&format!("/tracks/{slug}")))
    );
    assert!(ines.get("/studio").await.is(200).has("In the shop"));
    // A second click finds it decided.
    let token = rae.get("/admin/review").await.csrf().unwrap();
    rae.post(&format!("{at}/publication"), &[("csrf", &token)]).await.is(409);
    assert!(rae.get("/admin/review").await.is(200).has("Nothing waits"));
}

/// S3-23: a refusal has a reason, and what was refused can be mended and waits again.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_needs_a_reason_which_reaches_the_uploader_twice() {
    let app = TestApp::new().await;
    let (mut ines, mut rae) = (app.uploader("Ines Morrow").await, app.reviewer().await);
    let slug = submitted(&app, &mut ines, "rain.wav", 2).await;
    let at = format!("/admin/review/{slug}");
    let seen = rae.send(&at, &format!("{at}/refusal"), &[("reason", "  ")]).await.is(422);
    assert!(seen.has("Say why"));
    assert_eq!(state(&app, &slug).await, State::Submitted);
    rae.send(&at, &format!("{at}/refusal"), &[("reason", "There is a click at 0:01.")]).await.is(303);
    app.run_jobs().await;
    assert!(
        app.letters_to(&email_of("Ines Morrow")).iter().any(|l| l.text.contains("There is a click at 0:01."))
    );
    assert!(ines.get("/studio").await.has("There is a click at 0:01."));
    let edit = ines.get(&format!("/studio/tracks/{slug}/edit")).await.is(200);
    assert!(edit.has("There is a click at 0:01."));
    // Mended, it waits again.
    ines.send(&format!("/studio/tracks/{slug}/edit"), &format!("/studio/tracks/{slug}/submission"), &[])
        .await
        .is(303);
    assert!(rae.get(&at).await.is(200).has("There is a click at 0:01."));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_a_reviewer_decides_or_hears_a_master() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let slug = submitted(&app, &mut ines, "rain.wav", 3).await;
    let at = format!("/admin/review/{slug}");
    let token = ines.get("/studio").await.csrf().unwrap();
    for path in ["/admin", "/admin/review", at.as_str(), "/admin/jobs"] {
        ines.get(path).await.is(403);
        app.visitor().get(path).await.is(303);
    }
    ines.get(&format!("{at}/master")).await.is(403);
    ines.get(&format!("{at}/preview.mp3")).await.is(403);
    ines.post(&format!("{at}/publication"), &[("csrf", &token)]).await.is(403);
    ines.post(&format!("{at}/refusal"), &[("csrf", &token), ("reason", "no")]).await.is(403);
    assert_eq!(state(&app, &slug).await, State::Submitted);
    // A reviewer without a token decides nothing either, and does not run the shop.
    let mut rae = app.reviewer().await;
    rae.post(&format!("{at}/publication"), &[]).await.is(403);
    rae.get("/admin/jobs").await.is(403);
    assert!(app.admin().await.get("/admin/jobs").await.is(200).has("Given up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_keeps_a_published_track_published_and_a_withdrawal_takes_it_away() {
    let app = TestApp::new().await;
    let (mut ines, mut rae) = (app.uploader("Ines Morrow").await, app.reviewer().await);
    let slug = submitted(&app, &mut ines, "rain.wav", 4).await;
    let at = format!("/admin/review/{slug}");
    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    let mut fields = WORDS.to_vec();
    fields[0] = ("title", "Rain on zinc");
    describes(&mut ines, &slug, &fields).await.is(303);
    assert_eq!(state(&app, &slug).await, State::Published);
    assert!(ines.get(&format!("/studio/tracks/{slug}/edit")).await.has("Rain on zinc"));
    let edit = format!("/studio/tracks/{slug}/edit");
    ines.send(&edit, &format!("/studio/tracks/{slug}/withdrawal"), &[]).await.is(303);
    assert_eq!(state(&app, &slug).await, State::Withdrawn);
    // And back again through review.
    ines.send(&edit, &format!("/studio/tracks/{slug}/submission"), &[]).await.is(303);
    assert_eq!(state(&app, &slug).await, State::Submitted);
}

/// S1-48: the queue gives the longest waiting first.
#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_sees_whose_the_same_recording_is_and_goes_on_with_the_oldest() {
    let app = TestApp::new().await;
    let (mut ines, mut bo, mut rae) =
        (app.uploader("Ines Morrow").await, app.uploader("Bo Lind").await, app.reviewer().await);
    let first = submitted(&app, &mut ines, "rain.wav", 5).await;
    let second = submitted(&app, &mut bo, "mine.wav", 5).await;
    let page = rae.get(&format!("/admin/review/{second}")).await.is(200);
    assert!(page.has("The very same file, by Ines Morrow"), "{}", page.text());
    let queue = rae.get("/admin/review").await.is(200);
    let (a, b) =
        (queue.text().find(&format!("review/{first}")), queue.text().find(&format!("review/{second}")));
    assert!(a < b, "the oldest first");
    let seen = rae
        .send(&format!("/admin/review/{second}"), &format!("/admin/review/{second}/publication"), &[])
        .await;
    assert_eq!(seen.is(303).location(), format!("/admin/review/{first}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_what_was_given_up_and_tries_it_again() {
    let mut app = TestApp::new().await;
    let (mut ines, mut ada) = (app.uploader("Ines Morrow").await, app.admin().await);
    let worker = std::mem::replace(&mut app.app.worker, "/no/such/program".into());
    ines.upload("/studio/uploads/new", "/studio/uploads", "rain.wav", &music(6, 0.5)).await.is(303);
    for _ in 0..5 {
        app.run_jobs().await;
        crate::studio::due_now(&app).await;
    }
    let page = ada.get("/admin/jobs").await.is(200);
    assert!(page.has("No sound was read yet"), "{}", page.text());
    assert!(page.has("Listen to an upload") && page.has("could not be examined"), "{}", page.text());
    let text = page.text();
    let action = text.split("action=\"").skip(1).find(|a| a.starts_with("/admin/jobs/")).unwrap();
    let action = action.split('"').next().unwrap().to_owned();
    app.app.worker = worker;
    ada.send("/admin/jobs", &action, &[]).await.is(303);
    app.run_jobs().await;
    assert!(ines.get("/studio").await.is(200).has("Describe it"));
    // What is said of the jail is what the worker said of it, and what a machine says of itself.
    let page = ada.get("/admin/jobs").await.is(200);
    assert!(page.has("As the last sound was read, and so since"), "{}", page.text());
    let here = cuehouse::audio::layers();
    assert_eq!(
        app.app.db.read(cuehouse::studio::jail::last).await.unwrap().map(|(jail, _)| jail),
        Some(here.clone())
    );
    assert_eq!(page.has("Not every layer of it is on"), !here.are_whole());
}
