//! The uploader's side, as an uploader and a stranger see it.

mod examination;

use std::time::Duration;

use cuehouse::accounts::band::Hold;
use cuehouse::audio::{self, Limits, Rendering, Tags, wav};
use cuehouse::catalogue::track::{State as TrackState, Track};
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::db::schema::{jobs as queue, recordings, sampled_words, tracks, uploads, users};
use cuehouse::guardians::erasing;
use cuehouse::ids::UploadId;
use cuehouse::jobs;
use cuehouse::studio;
use cuehouse::studio::resemblance;
use cuehouse::studio::upload::{Likeness, State, Twin, Upload};
use diesel::prelude::*;

use crate::accounts::signs_in;
use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::browser::{Browser, Seen};
use crate::support::database::TestDb;
use crate::support::shelf::{draft_row, piece, seller};
use crate::support::wavs::music;

const NEW: &str = "/studio/uploads/new";
const UPLOADS: &str = "/studio/uploads";

/// Uploads a file; gives the address of its page.
async fn uploads(who: &mut Browser, name: &str, bytes: &[u8]) -> String {
    let seen = who.upload(NEW, UPLOADS, name, bytes).await.is(303);
    seen.location().to_owned()
}

/// Uploads a file and waits until it is examined; gives the track's slug.
pub async fn draft(app: &TestApp, who: &mut Browser, name: &str, bytes: &[u8]) -> String {
    let at = uploads(who, name, bytes).await;
    app.run_jobs().await;
    let page = who.get(&at).await.is(200);
    let edit = page.link("/studio/tracks/").unwrap_or_else(|| panic!("no track:\n{}", page.text()));
    edit.split('/').nth(3).unwrap().to_owned()
}

/// Fills in the form of a track.
pub async fn describes(who: &mut Browser, slug: &str, fields: &[(&str, &str)]) -> Seen {
    who.send(&format!("/studio/tracks/{slug}/edit"), &format!("/studio/tracks/{slug}"), fields).await
}

pub const WORDS: &[(&str, &str)] = &[
    ("title", "Rain on tin"),
    ("description", "Soft rain on a tin roof."),
    ("kind", "music"),
    ("genre", "ambient"),
    ("mood", "reflective"),
    ("instrument", "piano"),
    ("tags", "rain, tin roof"),
    ("bpm", "120"),
    ("key", "am"),
    ("under_age", "no"),
    ("price.creator", "29.00"),
];

fn id_of(address: &str) -> UploadId {
    UploadId::parse(address.rsplit('/').next().unwrap()).unwrap()
}

async fn upload(app: &TestApp, id: &UploadId) -> Upload {
    let id = id.clone();
    app.app.db.read(move |conn| Upload::find(conn, &id)).await.unwrap()
}

async fn count_of_uploads(app: &TestApp) -> i64 {
    app.app.db.read(|conn| Ok(uploads::table.count().get_result(conn)?)).await.unwrap()
}

/// S3-01: an uploader's first sale begins here: agreement, file, words, prices, submission. S3-35: the title is filled in from
/// the file's name, and what was written is there in whichever browser its uploader signs in next.
#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_becomes_an_uploader_and_a_file_becomes_a_track_that_waits_for_review() {
    let app = TestApp::new().await;
    let mut ines = app.buyer("Ines Morrow").await;
    let page = ines.get("/studio").await.is(200);
    let text = page.text();
    let ticks: Vec<&str> = text.split("<input type=\"checkbox\"").skip(1).collect();
    let ticked = ticks.iter().any(|tick| tick.split('>').next().is_some_and(|tag| tag.contains(" checked")));
    assert!(ticks.len() == 1 && !ticked, "the agreement is never ticked in advance");
    let seen = ines.send("/studio", "/studio/welcome", &[("handle", "ines")]).await.is(422);
    assert!(seen.has("Without the agreement"));
    ines.get(NEW).await.is(403);
    ines.send("/studio", "/studio/welcome", &[("handle", "ines"), ("agreement", "yes")]).await.is(303);
    assert!(ines.get("/studio").await.is(200).has("Your board is empty"));

    let at = uploads(&mut ines, "rain_on_tin.wav", &music(1, 4.0)).await;
    let waiting = ines.get(&at).await.is(200);
    assert!(waiting.has("data-refresh") && waiting.has("Received"));
    assert!(ines.get("/studio").await.has("rain_on_tin.wav"));
    app.run_jobs().await;
    let ready = ines.get(&at).await.is(200);
    assert!(!ready.has("data-refresh") && ready.has("0:04") && ready.has("44.1 kHz, stereo"));
    let edit = ready.link("/studio/tracks/").unwrap();
    assert_eq!(edit, "/studio/tracks/rain-on-tin/edit");
    let page = ines.get(&edit).await.is(200);
    assert!(page.has("value=\"Rain on tin\""), "{}", page.text());

    ines.post("/studio/tracks/rain-on-tin/submission", &[]).await.is(403);
    let early = ines.send(&edit, "/studio/tracks/rain-on-tin/submission", &[]).await.is(422);
    assert!(early.has("needs a title and a description"));
    describes(&mut ines, "rain-on-tin", WORDS).await.is(303);
    let kept = ines.get(&edit).await.is(200);
    for words in ["Soft rain on a tin roof.", "value=\"29.00\"", "rain, tin roof", "value=\"120\""] {
        assert!(kept.has(words), "{words} in {}", kept.text());
    }
    let mut later = app.visitor();
    signs_in(&mut later, &email_of("Ines Morrow"), PASSWORD).await.is(303);
    assert!(later.get(&edit).await.is(200).has("Soft rain on a tin roof."));
    ines.send(&edit, "/studio/tracks/rain-on-tin/submission", &[]).await.is(303);
    let board = ines.get("/studio").await.is(200);
    assert!(board.has("In review") && board.has("Waits for others"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_comes_back_with_what_was_typed_and_why() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let slug = draft(&app, &mut ines, "rain.wav", &music(1, 1.0)).await;
    let fields =
        [("title", ""), ("kind", "poem"), ("bpm", "fast"), ("price.creator", "0.50"), ("tags", "<b>")];
    let seen = describes(&mut ines, &slug, &fields).await.is(422);
    for words in
        ["Give it a title.", "Choose music, loop", "number between 20 and 400", "&lt;b&gt;", "value=\"fast\""]
    {
        assert!(seen.has(words), "{words} in {}", seen.text());
    }
    // One tap takes what was heard.
    let taken = [("title", "Rain"), ("bpm", "fast"), ("take", "bpm=92")];
    describes(&mut ines, &slug, &taken).await.is(303);
    assert!(ines.get(&format!("/studio/tracks/{slug}/edit")).await.has("value=\"92\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_reaches_its_uploader_as_a_sentence() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let mut cut = music(3, 3.0);
    cut.truncate(60_000);
    for (name, bytes, words) in [
        ("page.wav", b"<!doctype html><html><body>hello</body></html>".to_vec(), "looks like"),
        ("noise.wav", (0..4000u32).map(|n| ((n * 7919) >> 3) as u8).collect(), "not a sound file"),
        ("silence.wav", wav::bytes(44_100, 2, 16, &[0.0; 88_200]), "silent"),
        ("tick.wav", wav::bytes(44_100, 1, 16, &[0.5; 400]), "too short"),
        ("cut.wav", cut, "export it again"),
    ] {
        let at = uploads(&mut ines, name, &bytes).await;
        app.run_jobs().await;
        let page = ines.get(&at).await.is(200);
        assert!(page.has("Not taken") && page.has(words), "{name}: {}", page.text());
        assert!(page.link("/studio/tracks/").is_none());
        assert_eq!(upload(&app, &id_of(&at)).await.state, State::Refused);
    }
    assert!(ines.upload(NEW, UPLOADS, "empty.wav", b"").await.is(422).has("This file is empty."));
    assert!(ines.upload(NEW, UPLOADS, "", b"").await.is(422).has("Choose a file first."));
    assert!(ines.get("/studio").await.is(200).has("silent"));
    // A refusal is news for a week; nothing else can be done about it.
    let old = Timestamp::now().plus(-8 * DAY);
    let aged = app.app.db.write(move |conn| {
        let refused = uploads::table.filter(uploads::state.eq(State::Refused));
        Ok(diesel::update(refused).set(uploads::changed_at.eq(old)).execute(conn)?)
    });
    assert_eq!(aged.await.unwrap(), 5);
    assert!(ines.get("/studio").await.is(200).has("Your board is empty"));
}

/// S1-46: what limits a file is said where it is met.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_is_refused_with_a_sentence_and_leaves_nothing() {
    let app = TestApp::with(&[("CUEHOUSE_UPLOAD_MAX_BYTES", "2000000")]).await;
    let mut ines = app.uploader("Ines Morrow").await;
    let seen = ines.upload(NEW, UPLOADS, "long.wav", &vec![7; 6_000_000]).await.is(422);
    assert!(seen.has("larger than 2 MB"), "{}", seen.text());
    assert_eq!(count_of_uploads(&app).await, 0);
    assert!(app.app.storage.list("masters/").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_not_a_byte_is_kept() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nbytes\r\n";
    let page = ines.get(NEW).await.is(200);
    let token = page.csrf().unwrap();
    let kind = "multipart/form-data; boundary=b";
    for body in [
        format!("{file}--b--\r\n"),
        format!("{}{file}--b--\r\n", part("csrf", "wrong")),
        // A token behind the file comes too late.
        format!("{file}{}--b--\r\n", part("csrf", &token)),
    ] {
        ines.post_raw(UPLOADS, kind, body.into_bytes(), &[]).await.is(403);
    }
    assert_eq!(count_of_uploads(&app).await, 0);
    assert!(app.app.storage.list("").await.unwrap().is_empty());
    // In the header it is as good as in the form.
    let body = format!("{file}--b--\r\n").into_bytes();
    ines.post_raw(UPLOADS, kind, body, &[("X-CSRF-Token", &token)]).await.is(303);
    assert_eq!(count_of_uploads(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_leaves_nothing() {
    use tokio::io::AsyncWriteExt;
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let token = ines.get(NEW).await.is(200).csrf().unwrap();
    let cookies: Vec<String> = ines.cookies().iter().map(|(n, v)| format!("{n}={v}")).collect();
    let head = format!(
        "POST {UPLOADS} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\nX-CSRF-Token: {token}\r\nContent-Length: 50000000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"a.wav\"\r\n\r\n",
        cookies.join("; ")
    );
    let address = app.url.trim_start_matches("http://").to_owned();
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&vec![7; 3_000_000]).await.unwrap();
    drop(line);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(count_of_uploads(&app).await, 0);
    assert!(app.app.storage.list("").await.unwrap().is_empty());
    assert!(!app.store.join("masters").read_dir().is_ok_and(|mut left| left.next().is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_are_noticed_whoever_brings_them_and_nobody_is_named() {
    let app = TestApp::new().await;
    let (mut ines, mut bo) = (app.uploader("Ines Morrow").await, app.uploader("Bo Lind").await);
    let sound = music(5, 2.0);
    let first = uploads(&mut ines, "first.wav", &sound).await;
    app.run_jobs().await;
    assert!(!ines.get(&first).await.has("before"));
    let second = uploads(&mut ines, "second.wav", &sound).await;
    let theirs = uploads(&mut bo, "mine.wav", &sound).await;
    // The same samples in a file with another chunk behind them.
    let mut other = sound.clone();
    other.extend_from_slice(b"LIST\x04\x00\x00\x00INFO");
    let size = (other.len() as u32 - 8).to_le_bytes();
    other[4..8].copy_from_slice(&size);
    let again = uploads(&mut bo, "other.wav", &other).await;
    app.run_jobs().await;
    assert!(ines.get(&second).await.has("You uploaded the very same file before."));
    let page = bo.get(&theirs).await.is(200);
    assert!(page.has("Somebody else uploaded the very same file before.") && !page.has("Ines"));
    assert_eq!(upload(&app, &id_of(&again)).await.twin_kind, Some(Likeness::Samples));
    assert!(bo.get(&again).await.has("You uploaded the same recording before, in another file."));
}

/// S2-07: a recording is known again by its sound, whatever its file and whoever brings it; nobody but a reviewer learns
/// whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_recording_coded_another_way_is_noticed_whoever_brings_it() {
    let app = TestApp::new().await;
    let (mut ines, mut bo) = (app.uploader("Ines Morrow").await, app.uploader("Bo Lind").await);
    let song = uploads(&mut ines, "song.wav", &melody(7, 35, 0.0, 1.0)).await;
    app.run_jobs().await;
    let softer = uploads(&mut ines, "softer.wav", &melody(7, 35, 0.0, 0.4)).await;
    app.run_jobs().await;
    assert_eq!(upload(&app, &id_of(&softer)).await.twin_kind, Some(Likeness::Alike));
    let page = ines.get(&softer).await.is(200);
    assert!(page.has("You uploaded a recording before that sounds the same.") && !page.has("Somebody else"));

    // Somebody else's: its start is cut, its level another, its coding MP3. And a tune that is none of these.
    let taken = as_mp3(&app, &melody(7, 35, 2.5, 0.4)).await;
    let copy = uploads(&mut bo, "mine.mp3", &taken).await;
    let other = uploads(&mut bo, "other.wav", &melody(99, 12, 0.0, 1.0)).await;
    app.run_jobs().await;
    let page = bo.get(&copy).await.is(200);
    assert!(page.has("Somebody else uploaded a recording before that sounds the same."), "{}", page.text());
    assert!(!page.has("Ines") && !page.has("You uploaded a recording"));
    let edit = page.link("/studio/tracks/").unwrap();
    let case = format!("/admin/review/{}", edit.split('/').nth(3).unwrap());
    let seen = app.reviewer().await.get(&case).await.is(200);
    assert!(seen.has("A recording that sounds the same, by Ines Morrow (@ines-morrow)"), "{}", seen.text());
    let strange = upload(&app, &id_of(&other)).await;
    assert!(strange.state == State::Ready && strange.twin_of.is_none());
    assert!(!bo.get(&other).await.is(200).has("before that"));
    recordings_are_found_by_their_words(&app, [id_of(&song), id_of(&softer), id_of(&copy)]).await;

    // Each reads of both: their own, and somebody else's.
    let twin = Twin { upload: id_of(&copy), uploader: bo.user.clone().unwrap(), kind: Likeness::Perhaps };
    let id = id_of(&softer);
    app.app.db.write(move |conn| resemblance::keep(conn, &id, std::slice::from_ref(&twin))).await.unwrap();
    let both = "You uploaded a recording before that sounds the same. Somebody else uploaded a recording before that \
                may be the same.";
    assert!(ines.get(&softer).await.is(200).has(both));

    // What is removed is found no more, and nothing resembles it.
    let gone = id_of(&song);
    app.app.db.write(move |conn| erasing::remove_upload(conn, &gone, Timestamp::now())).await.unwrap();
    let (gone, left) = (id_of(&song), id_of(&softer));
    let (words, alike) = app
        .app
        .db
        .read(move |conn| {
            let words = sampled_words::table.filter(sampled_words::upload_id.eq(&gone));
            let words: i64 = words.count().get_result(conn)?;
            Ok((words, resemblance::kept(conn, &left)?))
        })
        .await
        .unwrap();
    assert_eq!((words, alike.len()), (0, 1));
    assert_eq!(upload(&app, &id_of(&softer)).await.twin_of, None);
}

/// The words in the table are those of the fingerprints; lost ones are looked up again; a child's are its own alone.
async fn recordings_are_found_by_their_words(app: &TestApp, [song, softer, copy]: [UploadId; 3]) {
    let all = async || {
        let kept = app.app.db.read(|conn| {
            let rows = sampled_words::table.order((sampled_words::upload_id, sampled_words::word));
            Ok(rows.load::<(i64, UploadId)>(conn)?)
        });
        kept.await.unwrap()
    };
    let before = all().await;
    assert!([&song, &softer, &copy].iter().all(|id| before.iter().any(|(_, whose)| whose == *id)));
    app.app
        .db
        .write(|conn| {
            diesel::delete(sampled_words::table).execute(conn)?;
            jobs::enqueue(conn, &jobs::Job::SampleWords { after: String::new() }, Timestamp::now())
        })
        .await
        .unwrap();
    app.run_jobs().await;
    assert_eq!(all().await, before);
    let whose = upload(app, &song).await.uploader_id;
    let thief = upload(app, &copy).await;
    let found = async || {
        let (id, thief) = (thief.id.clone(), thief.uploader_id.clone());
        let of = id.clone();
        let key = app.app.db.read(move |conn| {
            let key = recordings::table.find(&of).select(recordings::fingerprint_key);
            Ok(key.first::<Option<String>>(conn)?.unwrap())
        });
        let bytes = app.app.storage.bytes(&key.await.unwrap()).await.unwrap();
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four)).collect();
        let asked = app.app.db.read(move |conn| resemblance::candidates(conn, &id, &thief, &words));
        asked.await.unwrap().into_iter().map(|one| one.upload).collect::<Vec<UploadId>>()
    };
    let there = found().await;
    assert!(there.len() == 2 && there.contains(&song) && there.contains(&softer), "{there:?}");
    for (band, count) in [("child", 0), ("adult", 2)] {
        let whose = whose.clone();
        app.app
            .db
            .write(move |conn| {
                diesel::update(users::table.find(&whose)).set(users::band.eq(band)).execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(found().await.len(), count, "{band}");
    }
}

/// However many share its words, twenty are held against a new recording; what more than two hundred share finds nobody.
#[tokio::test(flavor = "multi_thread")]
async fn few_are_held_against_a_new_recording_and_none_by_what_very_many_share() {
    let db = TestDb::new().await;
    let ines = seller(&db.db, "Ines Morrow").await;
    let first = draft_row(&db.db, &ines, piece("Take")).await.upload;
    let words: Vec<u32> = (0..200).collect();
    let (of, mine) = (first.clone(), words.clone());
    db.db
        .write(move |conn| {
            diesel::update(recordings::table).set(recordings::fingerprint_key.eq("print")).execute(conn)?;
            resemblance::sample(conn, &of, &mine)
        })
        .await
        .unwrap();
    for (from, upto, found) in [(1, 30, 20), (31, 200, 0)] {
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {upto}) INSERT INTO"
        );
        let copies = [
            format!(
                "{numbers} uploads (id, uploader_id, filename, bytes, file_sha256, master_key, state, created_at, \
                 changed_at) SELECT u.id || '-' || i, u.uploader_id, u.filename, u.bytes, u.file_sha256, u.master_key, \
                 u.state, u.created_at, u.changed_at FROM uploads u, n WHERE u.id = '{first}'"
            ),
            format!(
                "{numbers} recordings (upload_id, container, codec, frames, duration_ms, sample_rate, channels, \
                 samples_sha256, bpm_sure, key_sure, bars, peaks_key, artwork_key, preview_key, preview_bytes, \
                 sample_key, sample_bytes, sample_start_ms, fingerprint_key, created_at) SELECT r.upload_id || '-' || i, \
                 r.container, r.codec, r.frames, r.duration_ms, r.sample_rate, r.channels, r.samples_sha256, r.bpm_sure, \
                 r.key_sure, r.bars, r.peaks_key, r.artwork_key, r.preview_key, r.preview_bytes, r.sample_key, \
                 r.sample_bytes, r.sample_start_ms, r.fingerprint_key, r.created_at FROM recordings r, n \
                 WHERE r.upload_id = '{first}'"
            ),
            format!(
                "INSERT INTO sampled_words (word, upload_id) SELECT s.word, r.upload_id FROM sampled_words s, recordings r \
                 WHERE s.upload_id = '{first}' AND r.upload_id NOT IN (SELECT upload_id FROM sampled_words)"
            ),
        ];
        db.db
            .write(move |conn| {
                for sql in &copies {
                    diesel::sql_query(sql.as_str()).execute(conn)?;
                }
                Ok(())
            })
            .await
            .unwrap();
        let (ines, words) = (ines.clone(), words.clone());
        let asked = db.db.read(move |conn| resemblance::candidates(conn, &UploadId::new(), &ines, &words));
        assert_eq!(asked.await.unwrap().len(), found, "{upto} copies");
    }
}

/// The MP3 a licensee would be given of this.
async fn as_mp3(app: &TestApp, wav: &[u8]) -> Vec<u8> {
    let out = app.folder.path().join("as-mp3");
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("master.wav"), wav).unwrap();
    let master = std::fs::File::open(out.join("master.wav")).unwrap();
    let what = Rendering::Mp3 { tags: Tags::default() };
    let made = audio::render(&app.app.worker, master, what, &Limits::default(), &out).await.unwrap();
    std::fs::read(made).unwrap()
}

/// A tune that never repeats itself, the same for the same seed, without its first seconds.
fn melody(seed: u32, secs: usize, without: f64, gain: f64) -> Vec<u8> {
    let mut state = seed;
    let notes: Vec<f64> = (0..secs * 4)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            220.0 * 2f64.powf(f64::from(state >> 24) % 24.0 / 12.0)
        })
        .collect();
    let samples: Vec<f32> = ((without * 22_050.0) as usize..secs * 22_050)
        .map(|i| {
            let t = i as f64 / 22_050.0;
            let tone = std::f64::consts::TAU * notes[(t * 4.0) as usize] * t;
            (gain * 0.4 * (tone.sin() + 0.4 * (2.0 * tone).sin())) as f32
        })
        .collect();
    wav::bytes(22_050, 1, 16, &samples)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_does_not_exist() {
    let app = TestApp::new().await;
    let (mut ines, mut bo) = (app.uploader("Ines Morrow").await, app.uploader("Bo Lind").await);
    let sound = music(6, 1.0);
    let at = uploads(&mut ines, "rain.wav", &sound).await;
    app.run_jobs().await;
    let own = ines.get("/studio/tracks/rain/master").await.is(200);
    assert_eq!(own.bytes, sound);
    let part = ines.get_with("/studio/tracks/rain/master", &[("Range", "bytes=4-7")]).await.is(206);
    assert_eq!(part.bytes, sound[4..8]);
    let mut cy = app.buyer("Cy Buyer").await;
    for path in [at.as_str(), "/studio/tracks/rain/edit", "/studio/tracks/rain/master"] {
        bo.get(path).await.is(404);
        cy.get(path).await.is(403);
        app.visitor().get(path).await.is(303);
    }
    let token = bo.get(NEW).await.csrf().unwrap();
    for action in ["", "/submission", "/withdrawal"] {
        let path = format!("/studio/tracks/rain{action}");
        bo.post(&path, &[("csrf", &token), ("title", "Mine now")]).await.is(404);
    }
    bo.post(&format!("{at}/attempt"), &[("csrf", &token)]).await.is(404);
    assert!(ines.get("/studio/tracks/rain/edit").await.is(200).has("value=\"Rain\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_address_neither_uploads_nor_opens_a_studio() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let token = ines.get(NEW).await.is(200).csrf().unwrap();
    let id = ines.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| {
            let none: Option<Timestamp> = None;
            diesel::update(users::table.find(&id)).set(users::confirmed_at.eq(none)).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    ines.get(NEW).await.is(403);
    let file =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nbytes\r\n--b--\r\n";
    let kind = "multipart/form-data; boundary=b";
    ines.post_raw(UPLOADS, kind, file.into(), &[("X-CSRF-Token", &token)]).await.is(403);
    ines.post("/studio/welcome", &[("csrf", &token), ("handle", "x1"), ("agreement", "yes")]).await.is(403);
    assert_eq!(count_of_uploads(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_of_files_are_names_and_nothing_else() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    for (n, name) in
        ["../../../etc/passwd", "<script>alert(1)</script>.wav", "con\u{202e}vaw.exe", "…", "%00%0a.wav"]
            .iter()
            .enumerate()
    {
        let at = uploads(&mut ines, name, &music(20 + n as u64, 0.5)).await;
        app.run_jobs().await;
        let page = ines.get(&at).await.is(200);
        assert!(!page.has("<script>alert") && !page.has("\u{202e}"));
        assert_eq!(upload(&app, &id_of(&at)).await.state, State::Ready, "{name}");
    }
    let keys = app.app.storage.list("").await.unwrap();
    assert!(
        keys.iter().all(|(key, _)| key.starts_with("masters/") || key.starts_with("derived/")),
        "{keys:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_ours_is_said_and_can_be_tried_again() {
    let mut app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let at = uploads(&mut ines, "rain.wav", &music(7, 1.0)).await;
    let worker = std::mem::replace(&mut app.app.worker, "/no/such/program".into());
    for _ in 0..5 {
        app.run_jobs().await;
        due_now(&app).await;
    }
    let page = ines.get(&at).await.is(200);
    assert!(page.has("Failed") && page.has("nothing is wrong with it"), "{}", page.text());
    assert!(ines.get("/studio").await.has("Try again"));
    app.app.worker = worker;
    ines.send(&at, &format!("{at}/attempt"), &[]).await.is(303);
    app.run_jobs().await;
    assert!(ines.get(&at).await.is(200).has("Ready"));
}

/// Makes what waits or is on a lease due at once, as time would.
pub async fn due_now(app: &TestApp) {
    app.app
        .db
        .write(|conn| {
            diesel::update(
                queue::table.filter(queue::state.eq_any([jobs::State::Ready, jobs::State::Running])),
            )
            .set((queue::due_at.eq(0_i64), queue::lease_until.eq(0_i64)))
            .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
}

/// S0-31, S2-40: links by users carry the marks of such links, lead through a notice and are nobody's praise of ours. S3-55: a
/// profile is changed whenever its owner likes.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_shows_words_links_and_a_picture_made_anew() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let fields = [("name", "Ines M."), ("about", "Cellist."), ("links", "ines.example\nhttp://bad.example")];
    let seen = ines.send("/studio/profile", "/studio/profile", &fields).await.is(422);
    assert!(seen.has("does not begin with https://") && seen.has("Cellist."));
    let fields = [("name", "Ines M."), ("about", "Cellist."), ("links", "ines.example")];
    ines.send("/studio/profile", "/studio/profile", &fields).await.is(303);
    // A shown name follows one rule, wherever it is typed.
    for name in ["ines@example.com", "Ines \u{7} M.", " "] {
        let fields = [("name", name), ("about", "Nobody reads this.")];
        ines.send("/studio/profile", "/studio/profile", &fields).await.is(422);
    }
    let kept = ines.get("/studio/profile").await.is(200);
    assert!(kept.has("Ines M.") && kept.has("Cellist."));
    assert!(ines.get("/studio/profile").await.text().replace("&#x2F;", "/").contains("https://ines.example"));

    let mut png = std::io::Cursor::new(vec![]);
    image::DynamicImage::new_rgb8(300, 200).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    ines.upload("/studio/profile", "/studio/profile/picture", "me.png", &png).await.is(303);
    let page = ines.get("/studio/profile").await.is(200);
    let at = page
        .text()
        .split("src=\"")
        .skip(1)
        .find(|s| s.starts_with("/pictures/"))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let picture = app.visitor().get(&at).await.is(200);
    assert_eq!(picture.header("content-type"), Some("image/jpeg"));
    assert_eq!(picture.header("cache-control"), Some("private, max-age=3600"), "it can be taken back");
    // While an account rests or is closed, nobody sees its picture, wherever they have the address from.
    let whose = ines.user.clone().unwrap();
    let stands = async |hold: Option<Hold>, closed: Option<Timestamp>| {
        let whose = whose.clone();
        let kept = app.app.db.write(move |conn| {
            let row = (users::hold.eq(hold), users::disabled_at.eq(closed));
            diesel::update(users::table.find(&whose)).set(row).execute(conn)?;
            Ok(())
        });
        kept.await.unwrap();
    };
    for (hold, closed) in [(Some(Hold::Conflict), None), (None, Some(Timestamp::now()))] {
        stands(hold, closed).await;
        app.visitor().get(&at).await.is(404);
    }
    stands(None, None).await;
    app.visitor().get(&at).await.is(200);
    assert_eq!(image::load_from_memory(&picture.bytes).unwrap().width(), 448);
    let handle = page.link("/@").unwrap();
    assert_eq!(app.visitor().get(&format!("{handle}/picture")).await.is(200).bytes, picture.bytes);
    let shown = app.visitor().get(&handle).await.is(200);
    let away = shown.link("/leave/@").unwrap();
    let marked = shown.text().replace("&#x2F;", "/");
    assert!(marked.contains(&format!("href=\"{away}\" rel=\"ugc nofollow noopener\"")), "{marked}");
    assert!(!marked.contains("href=\"https://ines.example"), "the way out leads through our notice");
    let notice = app.visitor().get(&away).await.is(200);
    for words in ["we have not looked at where it leads", "which is not ours", "noreferrer nofollow ugc"] {
        assert!(notice.has(words), "{words} in {}", notice.text());
    }
    let fields = [("name", "Ines M."), ("about", "Cellist no more."), ("links", "")];
    ines.send("/studio/profile", "/studio/profile", &fields).await.is(303);
    let shown = app.visitor().get(&handle).await.is(200);
    assert!(shown.has("Cellist no more.") && shown.link("/leave/@").is_none());
    let gif = b"GIF89a\xff\xff\xff\xff\x00\x00\x00;";
    let seen = ines.upload("/studio/profile", "/studio/profile/picture", "bomb.gif", gif).await.is(422);
    assert!(seen.has("JPEG, PNG or WebP"));
    let focused = |seen: &Seen| {
        let page = seen.text();
        let tag = page.split('<').find(|tag| tag.contains(" autofocus")).unwrap_or_default().to_owned();
        (page.matches(" autofocus").count(), tag.contains("type=\"file\""))
    };
    assert_eq!(focused(&seen), (1, true), "the focus is on what was wrong");
    ines.send("/studio/profile", "/studio/profile/picture/removal", &[]).await.is(303);
    app.visitor().get(&at).await.is(404);

    ines.send("/studio/profile", "/studio/profile/handle", &[("handle", "ines-m")]).await.is(303);
    let token = ines.get("/studio/profile").await.csrf().unwrap();
    ines.post("/studio/profile/handle", &[("csrf", &token), ("handle", "ines-n")]).await.is(422);
}

/// S0-35: plays, baskets and sales are counted as numbers of a day.
#[tokio::test(flavor = "multi_thread")]
async fn the_board_counts_what_sounds_did_and_names_nobody() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use cuehouse::catalogue::track::{Counted, count, insert_many};
    use cuehouse::db::counter;
    use cuehouse::ids::{Slug, TrackId};
    use cuehouse::money::Cents;
    use cuehouse::studio::board::Board;

    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let user = ines.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| {
            let prices = [("creator".to_owned(), Cents(2900))];
            let (track, _) = crate::support::shop::published(conn, &user, "Rain", &prices)?;
            for what in [Counted::Play, Counted::Play, Counted::BasketAdd] {
                count(conn, &track, what, Timestamp::now())?;
            }
            diesel::update(tracks::table.find(&track)).set(tracks::kept.eq(4_i64)).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    let board = ines.get("/studio").await.is(200);
    for words in ["2 plays", "4 kept", "1 in baskets", "0 sold", "2 in all, at most 2 at once"] {
        assert!(board.has(words), "{words} in {}", board.text());
    }
    // Somebody else's board counts nothing of it.
    assert!(!app.uploader("Bo Lind").await.get("/studio").await.has("2 plays"));

    // What was taken off sale shows its figures, too, and drafts beyond a page count for nothing and can be reached.
    let user = ines.user.clone().unwrap();
    app.app
        .db
        .write(move |conn| {
            let (gone, _) =
                crate::support::shop::published(conn, &user, "Mist", &[("creator".to_owned(), Cents(2900))])?;
            for _ in 0..5 {
                count(conn, &gone, Counted::Play, Timestamp::now())?;
            }
            diesel::update(tracks::table.find(&gone)).set(tracks::licensed.eq(3_i64)).execute(conn)?;
            Track::find(conn, &gone)?.withdraw(conn, &user, Timestamp::now())?;
            let model = Track::find(conn, &gone)?;
            let draft = |n: i64| Track {
                id: TrackId::new(),
                slug: Slug::from_title(&format!("Draft {n}")),
                title: format!("Draft {n}."),
                state: TrackState::Draft,
                created_at: Timestamp(model.created_at.0 + 1 + n),
                published_at: None,
                licensed: 0,
                kept: 0,
                ..model.clone()
            };
            insert_many(conn, &(0..30).map(draft).collect::<Vec<Track>>(), &[])
        })
        .await
        .unwrap();
    let first = ines.get("/studio").await.is(200);
    for words in ["Draft 29.", "Draft 6.", "<dd>7</dd>", "<dd>3</dd>", "href=\"/studio?mine=2#mine\""] {
        assert!(first.has(words), "{words} in {}", first.text());
    }
    assert!(!first.has("Draft 5.") && !first.has("Mist") && first.has("2 plays"));
    let second = ines.get("/studio?mine=2").await.is(200);
    for words in ["Draft 5.", "Draft 0.", "Mist", "5 plays", "3 sold", "<dd>7</dd>", "2 plays"] {
        assert!(second.has(words), "{words} in {}", second.text());
    }
    assert!(!second.has("Draft 6."));
    // However many there are, it asks as often.
    let counted = Arc::new(AtomicU32::new(0));
    let mut asked = vec![];
    for page in [1, 2, 99] {
        let (db, user) = (app.app.db.clone(), ines.user.clone().unwrap());
        let look = db.read(move |conn| Board::of(conn, &user, [page, 1, 1], Timestamp::now()).map(drop));
        counter::TASK.scope(Arc::clone(&counted), look).await.unwrap();
        asked.push(counted.swap(0, Ordering::Relaxed));
    }
    assert!(asked.iter().all(|n| *n == asked[0] && (1..=15).contains(n)), "{asked:?}");
    // A page that is not there is the last; one that is none is the first.
    assert!(ines.get("/studio?mine=99").await.is(200).has("Mist"));
    assert!(ines.get("/studio?mine=x&shop=0").await.is(200).has("Draft 29."));
}

/// S3-40: a folder with a table of words is taken in once, whatever was taken before.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_imported_once_however_often_it_is_begun() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let user = ines.clone();
    let handle = app
        .app
        .db
        .read(move |conn| Ok(cuehouse::accounts::user::User::find(conn, &user)?.handle.unwrap()))
        .await
        .unwrap();
    let folder = app.folder.path().join("import");
    std::fs::create_dir_all(folder.join("rain")).unwrap();
    std::fs::write(folder.join("rain/on_tin.wav"), music(1, 1.0)).unwrap();
    std::fs::write(folder.join("steps.wav"), music(2, 1.0)).unwrap();
    std::fs::write(folder.join("silence.wav"), wav::bytes(44_100, 1, 16, &[0.0; 44_100])).unwrap();
    std::fs::write(folder.join("notes.txt"), "not a sound").unwrap();
    let table = "file,title,kind,genre,tags,price.effects\n\
                 rain/on_tin.wav,Rain on tin,effect,nature,\"rain, roof\",19\n\
                 steps.wav,Steps,nonsense,,,\n\
                 gone.wav,Gone,,,,\n";
    let csv = app.folder.path().join("import.csv");
    std::fs::write(&csv, table.replace("Steps", "St\0eps")).unwrap();
    let what =
        studio::Import { folder, uploader: handle, csv: Some(csv.clone()), publish: true, of_age: true };
    let refused = studio::import(&app.app, &what).await;
    assert!(matches!(refused, Err(cuehouse::Error::Refused(why)) if why.contains("U+0000")));
    std::fs::write(&csv, table).unwrap();
    let first = studio::import(&app.app, &what).await.unwrap();
    assert_eq!((first.taken, first.known, first.published), (3, 0, 1));
    let faults = |done: &studio::Imported| {
        let mut names: Vec<String> = done.faults.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(faults(&first), ["gone.wav", "silence.wav", "steps.wav"]);
    assert!(first.faults.iter().any(|(_, why)| why.contains("silent")));
    std::fs::write(&csv, table.replace("nonsense", "effect")).unwrap();
    let second = studio::import(&app.app, &what).await.unwrap();
    // A file that was refused is looked at again; the others are known.
    assert_eq!((second.taken, second.known, second.published), (1, 2, 1));
    let own = app.app.db.read(move |conn| Track::all_of(conn, &ines, 9)).await.unwrap();
    assert_eq!(own.len(), 2);
    assert!(own.iter().all(|t| t.state == TrackState::Published));
    let rain = own.iter().find(|t| t.title == "Rain on tin").unwrap();
    assert_eq!((rain.genre.as_deref(), rain.tags.as_str()), (Some("nature"), "rain,roof"));
    assert_eq!(rain.price_from, Some(cuehouse::money::Cents(1900)));
}
