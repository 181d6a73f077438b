//! Published tracks with real sounds in storage, without the way through the studio.

use std::sync::OnceLock;

use cuehouse::App;
use cuehouse::accounts::user::{Role, User};
use cuehouse::catalogue::track::{Description, Kind, Recording, Track};
use cuehouse::clock::Timestamp;
use cuehouse::db::schema::uploads;
use cuehouse::db::{Conn, Db};
use cuehouse::error::Result;
use cuehouse::ids::{Slug, TrackId, UploadId, UserId};
use cuehouse::money::Cents;
use cuehouse::secrets::sha256;
use cuehouse::studio::upload::derived_key;
use diesel::prelude::*;

/// What a track of a test is; everything has a plain value.
#[derive(Clone)]
pub struct Piece {
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub genre: Option<&'static str>,
    pub vocals: &'static str,
    pub moods: Vec<&'static str>,
    pub instruments: Vec<&'static str>,
    pub tags: Vec<&'static str>,
    pub bpm: Option<f64>,
    pub key: Option<&'static str>,
    pub duration_ms: i64,
    pub prices: Vec<(&'static str, i64)>,
}

pub fn piece(title: &str) -> Piece {
    Piece {
        title: title.to_owned(),
        description: "A track of a test.".into(),
        kind: Kind::Music,
        genre: Some("ambient"),
        vocals: "none",
        moods: vec![],
        instruments: vec![],
        tags: vec![],
        bpm: Some(96.0),
        key: Some("fsm"),
        duration_ms: 8_000,
        prices: vec![("listen", 300), ("creator", 2900), ("business", 7900)],
    }
}

/// A track that is there, and where.
#[derive(Clone)]
pub struct Shelved {
    pub id: TrackId,
    pub slug: Slug,
    pub upload: UploadId,
}

impl Shelved {
    pub fn href(&self) -> String {
        format!("/tracks/{}", self.slug)
    }

    pub fn at(&self, name: &str) -> String {
        format!("/tracks/{}/{name}", self.slug)
    }
}

/// Sounds every track of these tests has: seven seconds, and three of them as the sample.
pub struct Sounds {
    pub preview: Vec<u8>,
    pub sample: Vec<u8>,
    pub peaks: Vec<u8>,
    pub artwork: String,
    pub master: Vec<u8>,
}

pub const RATE: u32 = 44_100;

pub fn sounds() -> &'static Sounds {
    static SOUNDS: OnceLock<Sounds> = OnceLock::new();
    SOUNDS.get_or_init(|| {
        let tone = |secs: f64| -> Vec<f32> {
            let frames = (secs * f64::from(RATE)) as usize;
            (0..frames)
                .map(|i| (i as f32 * 440.0 / RATE as f32 * std::f32::consts::TAU).sin() * 0.3)
                .collect()
        };
        // Within what a listener gets at once, so that no test waits for the pace of the music.
        let (whole, part) = (tone(7.0), tone(3.0));
        let pairs = whole.chunks(256).flat_map(|chunk| {
            let least = chunk.iter().copied().fold(1.0f32, f32::min);
            let most = chunk.iter().copied().fold(-1.0f32, f32::max);
            [(least * 127.0) as i8 as u8, (most * 127.0) as i8 as u8]
        });
        Sounds {
            peaks: pairs.collect(),
            preview: mp3(&whole),
            sample: mp3(&part),
            artwork:
                r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path d="M0 0h9"/></svg>"#
                    .into(),
            master: b"RIFF the master, which nobody may hear from here".to_vec(),
        }
    })
}

fn mp3(samples: &[f32]) -> Vec<u8> {
    use mp3lame_encoder::{Bitrate, Builder, FlushNoGap, MonoPcm, max_required_buffer_size};
    let builder = Builder::new().unwrap().with_num_channels(1).unwrap().with_sample_rate(RATE).unwrap();
    let mut lame = builder.with_brate(Bitrate::Kbps128).unwrap().build().unwrap();
    let mut bytes = Vec::with_capacity(max_required_buffer_size(samples.len()));
    lame.encode_to_vec(MonoPcm(samples), &mut bytes).unwrap();
    bytes.reserve(8192);
    lame.flush_to_vec::<FlushNoGap>(&mut bytes).unwrap();
    bytes
}

/// Puts a track into the shop with sounds that can be heard.
pub async fn shelve(app: &App, uploader: &UserId, piece: Piece) -> Shelved {
    let shelved = drafted(app, uploader, piece).await;
    publish(&app.db, uploader, &shelved).await;
    shelved
}

/// The same, still a draft.
pub async fn drafted(app: &App, uploader: &UserId, piece: Piece) -> Shelved {
    let (upload, sounds) = (UploadId::new(), sounds());
    let recording = recording(&upload, &piece);
    for (key, bytes, kind) in [
        (&recording.preview_key, sounds.preview.as_slice(), "audio/mpeg"),
        (&recording.sample_key, &sounds.sample, "audio/mpeg"),
        (&recording.peaks_key, &sounds.peaks, "application/octet-stream"),
        (&recording.artwork_key, sounds.artwork.as_bytes(), "image/svg+xml"),
        (&cuehouse::studio::upload::master_key(&upload), &sounds.master, "application/octet-stream"),
    ] {
        app.storage.put(key, bytes, kind).await.unwrap();
    }
    let uploader = uploader.clone();
    app.db.write(move |conn| insert(conn, &uploader, &upload, &recording, &piece)).await.unwrap()
}

/// The same in rows alone.
pub async fn draft_row(db: &Db, uploader: &UserId, piece: Piece) -> Shelved {
    let (upload, uploader) = (UploadId::new(), uploader.clone());
    let recording = recording(&upload, &piece);
    db.write(move |conn| insert(conn, &uploader, &upload, &recording, &piece)).await.unwrap()
}

/// What a fresh draft takes of a tempo and a key that were heard as surely as this; in rows alone, and undescribed.
pub async fn taken_when_sure(db: &Db, uploader: &UserId, sure: f64) -> (Option<f64>, Option<String>) {
    let uploader = uploader.clone();
    db.write(move |conn| {
        let upload = UploadId::new();
        let heard = Recording { bpm_sure: sure, key_sure: sure, ..recording(&upload, &piece("Slam")) };
        insert_upload(conn, &uploader, &upload)?;
        heard.insert(conn)?;
        let track = Track::draft(conn, &upload, &uploader, "Slam", &heard, Timestamp::now())?;
        Ok((track.bpm, track.musical_key))
    })
    .await
    .unwrap()
}

pub async fn publish(db: &Db, uploader: &UserId, shelved: &Shelved) {
    let (id, uploader) = (shelved.id.clone(), uploader.clone());
    db.write(move |conn| {
        let (track, now) = (Track::find(conn, &id)?, Timestamp::now());
        track.submit(conn, &uploader, now)?;
        track.publish(conn, &uploader, now)
    })
    .await
    .unwrap();
}

pub async fn withdraw(db: &Db, uploader: &UserId, shelved: &Shelved) {
    let (id, uploader) = (shelved.id.clone(), uploader.clone());
    db.write(move |conn| Track::find(conn, &id)?.withdraw(conn, &uploader, Timestamp::now())).await.unwrap();
}

/// Somebody who sells, in rows alone.
pub async fn seller(db: &Db, name: &str) -> UserId {
    let name = name.to_owned();
    db.write(move |conn| {
        let email = format!("{}@example.org", Slug::from_title(&name));
        let user = User::new(conn, &email, &name, "no password", Timestamp::now())?;
        user.insert(conn)?;
        user.grant(conn, Role::Uploader, Timestamp::now())?;
        Ok(user.id)
    })
    .await
    .unwrap()
}

fn insert(
    conn: &mut Conn,
    uploader: &UserId,
    upload: &UploadId,
    recording: &Recording,
    piece: &Piece,
) -> Result<Shelved> {
    let now = Timestamp::now();
    insert_upload(conn, uploader, upload)?;
    recording.insert(conn)?;
    let track = Track::draft(conn, upload, uploader, &piece.title, recording, now)?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let said = Description {
        title: piece.title.clone(),
        description: piece.description.clone(),
        kind: piece.kind,
        genre: piece.genre.map(str::to_owned),
        vocals: piece.vocals.to_owned(),
        moods: words(&piece.moods),
        instruments: words(&piece.instruments),
        tags: words(&piece.tags),
        bpm: piece.bpm,
        musical_key: piece.key.map(str::to_owned),
        voices: Some(cuehouse::catalogue::voices::Voices::OfAge),
        prices: piece.prices.iter().map(|(tier, cents)| ((*tier).to_owned(), Cents(*cents))).collect(),
    };
    track.describe(conn, &said, "usd", uploader, now)?;
    Ok(Shelved { id: track.id, slug: track.slug, upload: upload.clone() })
}

fn insert_upload(conn: &mut Conn, uploader: &UserId, upload: &UploadId) -> Result<()> {
    let now = Timestamp::now();
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(upload),
            uploads::uploader_id.eq(uploader),
            uploads::filename.eq("master.wav"),
            uploads::bytes.eq(sounds().master.len() as i64),
            uploads::file_sha256.eq(sha256(upload.as_str())),
            uploads::master_key.eq(cuehouse::studio::upload::master_key(upload)),
            uploads::state.eq("ready"),
            uploads::created_at.eq(now),
            uploads::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

fn recording(upload: &UploadId, piece: &Piece) -> Recording {
    let sounds = sounds();
    let key = |what, bytes: &[u8], ending| derived_key(upload, what, &sha256(bytes), ending).unwrap();
    Recording {
        upload_id: upload.clone(),
        container: "WAV".into(),
        codec: "PCM".into(),
        frames: i64::from(RATE) * piece.duration_ms / 1000,
        duration_ms: piece.duration_ms,
        sample_rate: RATE as i32,
        channels: 2,
        bits: Some(24),
        loudness_lufs: Some(-14.2),
        loudness_range: Some(6.0),
        true_peak_dbtp: Some(-1.0),
        samples_sha256: sha256(format!("samples of {upload}")),
        bpm: piece.bpm,
        bpm_sure: 0.9,
        musical_key: piece.key.map(str::to_owned),
        key_sure: 0.8,
        bars: "40".repeat(200),
        peaks_key: key("peaks", &sounds.peaks, "dat"),
        artwork_key: key("artwork", sounds.artwork.as_bytes(), "svg"),
        preview_key: key("preview", &sounds.preview, "mp3"),
        preview_bytes: sounds.preview.len() as i64,
        sample_key: key("sample", &sounds.sample, "mp3"),
        sample_bytes: sounds.sample.len() as i64,
        sample_start_ms: 0,
        fingerprint_key: None,
        created_at: Timestamp::now(),
    }
}
