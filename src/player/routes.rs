//! The sounds and pictures under a track's address.

use rocket::http::{ContentType, Status};
use rocket::{Either, Route, State, get, post, routes};

use super::Listener;
use crate::App;
use crate::accounts::user::Visitor;
use crate::audio;
use crate::catalogue::sheet::Sound;
use crate::catalogue::track::{self, Counted};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::Slug;
use crate::web::ranges::{Conditions, Decision, FileFacts, decide};
use crate::web::stream::{ASK_AGAIN, Disposition, FOR_AN_HOUR, FileReply, Pace, StoredFile};
use crate::web::{Attempt, Client, Posted, Reply};

/// The bit rate of previews and samples (AUDIO: 128 kb/s at a constant rate).
const BITS_PER_SEC: u32 = 128_000;
/// Pairs of peaks sent at most: more than any screen has columns, and some hundred KB.
const MOST_PEAKS: usize = 20_000;

/// The addresses of this room.
pub fn all() -> Vec<Route> {
    routes![sample, preview, artwork, peaks, peaks_dat, plays]
}

async fn sound(app: &App, slug: Slug, visitor: Option<Visitor>) -> Result<Sound> {
    app.db.read(move |conn| Sound::open(conn, &slug, visitor.as_ref())).await
}

/// The stretch that anyone may hear.
#[get("/tracks/<slug>/sample.mp3")]
async fn sample(slug: Slug, listener: Listener, asked: Conditions, app: &State<App>) -> Result<FileReply> {
    let sound = sound(app, slug, listener.0).await?;
    let bytes = sound.recording.sample_bytes;
    heard(app, &sound, &sound.recording.sample_key, bytes, &asked).await
}

/// All of it, marked, for people who are signed in, or for anyone where the operator says so. Audio elements do not
/// follow a redirect to a form, so others are told no instead of being led to sign in.
#[get("/tracks/<slug>/preview.mp3")]
async fn preview(
    slug: Slug,
    listener: Listener,
    asked: Conditions,
    app: &State<App>,
) -> Result<Either<FileReply, Reply>> {
    let is_allowed = listener.0.is_some() || app.config.preview_anonymous;
    let sound = sound(app, slug, listener.0).await?;
    if !is_allowed {
        let words = "Sign in to hear all of it. The sample is for anyone: /sample.mp3 beside this address.\n";
        let reply = Reply::text(words).header("Cache-Control", "private, no-store");
        return Ok(Either::Right(reply.status(Status::Forbidden)));
    }
    let bytes = sound.recording.preview_bytes;
    Ok(Either::Left(heard(app, &sound, &sound.recording.preview_key, bytes, &asked).await?))
}

async fn heard(app: &App, sound: &Sound, key: &str, bytes: i64, asked: &Conditions) -> Result<FileReply> {
    let file = StoredFile {
        pace: Pace::Listen { bits_per_sec: BITS_PER_SEC },
        ..stored(sound, key, bytes.max(0) as u64, "audio/mpeg")
    };
    file.answer(&app.storage, app.config.delivery, asked).await
}

fn stored(sound: &Sound, key: &str, len: u64, kind: &str) -> StoredFile {
    StoredFile {
        key: key.to_owned(),
        // Keys end in the hash of what lies under them.
        facts: FileFacts { len, etag: tag(key), modified: sound.recording.created_at },
        kind: kind.to_owned(),
        disposition: Disposition::Inline,
        // Seeking back is free, and a withdrawn track is soon silent.
        cache: if sound.is_live { FOR_AN_HOUR } else { ASK_AGAIN }.into(),
        pace: Pace::Download,
    }
}

fn tag(key: &str) -> String {
    key.rsplit('/').next().unwrap_or(key).replace(['"', '\\'], "")
}

/// The picture drawn from the sound. Always sent by us: pages may not take pictures from anywhere else. From memory, so
/// that it goes packed.
#[get("/tracks/<slug>/artwork.svg")]
async fn artwork(slug: Slug, listener: Listener, asked: Conditions, app: &State<App>) -> Result<Reply> {
    let sound = sound(app, slug, listener.0).await?;
    let key = &sound.recording.artwork_key;
    let file = stored(&sound, key, 0, "image/svg+xml");
    if let Some(reply) = without_bytes(&file, asked) {
        return Ok(reply);
    }
    Ok(named(&file, Reply::bytes(ContentType::SVG, app.storage.bytes(key).await?)))
}

/// What is sent from memory goes whole; the answer to whoever has it already, or wants another.
fn without_bytes(file: &StoredFile, asked: Conditions) -> Option<Reply> {
    match decide(&Conditions { range: None, ..asked }, &file.facts) {
        Decision::NotModified => Some(named(file, Reply::done().status(Status::NotModified))),
        Decision::PreconditionFailed => Some(Reply::done().status(Status::PreconditionFailed)),
        _ => None,
    }
}

fn named(file: &StoredFile, reply: Reply) -> Reply {
    reply.header("ETag", file.facts.tag()).header("Cache-Control", file.cache.clone())
}

/// The waveform, in the version-2 JSON of BBC audiowaveform.
#[get("/tracks/<slug>/peaks.json")]
async fn peaks(slug: Slug, listener: Listener, asked: Conditions, app: &State<App>) -> Result<Reply> {
    wave(app, sound(app, slug, listener.0).await?, asked, Shape::Json).await
}

/// The same in its version-2 binary, a third as long.
#[get("/tracks/<slug>/peaks.dat")]
async fn peaks_dat(slug: Slug, listener: Listener, asked: Conditions, app: &State<App>) -> Result<Reply> {
    wave(app, sound(app, slug, listener.0).await?, asked, Shape::Dat).await
}

/// How a waveform is written down.
#[derive(Clone, Copy)]
enum Shape {
    Json,
    Dat,
}

async fn wave(app: &App, sound: Sound, asked: Conditions, shape: Shape) -> Result<Reply> {
    let recording = sound.recording.clone();
    let mut file = stored(&sound, &recording.peaks_key, 0, "");
    // Both are made of the same bytes, and neither is the other.
    let ending = match shape {
        Shape::Json => "json",
        Shape::Dat => "dat",
    };
    file.facts.etag = format!("{}.{ending}", file.facts.etag);
    if let Some(reply) = without_bytes(&file, asked) {
        return Ok(reply);
    }
    let pairs = app.storage.bytes(&recording.peaks_key).await?;
    let mut halvings = 0;
    while (pairs.len() / 2) >> halvings > MOST_PEAKS {
        halvings += 1;
    }
    let (kind, body) = tokio::task::spawn_blocking(move || match shape {
        Shape::Json => {
            let json = audio::coarse_peaks_json(&pairs, recording.sample_rate, halvings);
            (ContentType::JSON, json.into_bytes())
        }
        Shape::Dat => (ContentType::Binary, audio::coarse_peaks_dat(&pairs, recording.sample_rate, halvings)),
    })
    .await?;
    Ok(named(&file, Reply::bytes(kind, body)))
}

/// Counts one play of a published track: a whole number for the day, and nobody behind it. The uploader's own plays
/// are not counted, nor more of one track from one place than anybody listens.
#[post("/tracks/<slug>/plays", data = "<_posted>")]
async fn plays(
    slug: Slug,
    listener: Listener,
    client: Client,
    _posted: Posted,
    app: &State<App>,
) -> Result<Reply> {
    let me = listener.0.as_ref().map(|visitor| visitor.id.clone());
    let sound = sound(app, slug, listener.0).await?;
    let key = format!("{} {}", client.key(), sound.track);
    let counts = sound.is_live && me.as_ref() != Some(&sound.uploader);
    if counts && app.limits.attempt(Attempt::Play, &key).is_ok() {
        app.db.write(move |conn| track::count(conn, &sound.track, Counted::Play, Timestamp::now())).await?;
    }
    Ok(Reply::done())
}
