//! A shop of any size for the measurements: tracks whose words, tags and figures are made up as unevenly as people
//! make them, the same in every run.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::path::Path;

use cuehouse::accounts::user::{Role, User};
use cuehouse::catalogue::lists;
use cuehouse::catalogue::track::{Kind, Recording, State, Track, joined};
use cuehouse::clock::Timestamp;
use cuehouse::db::schema::{offers, recordings, tracks, uploads};
use cuehouse::db::{Db, DbUrl};
use cuehouse::ids::{OfferId, Slug, TrackId, UploadId, UserId};
use cuehouse::money::Cents;
use diesel::connection::{Connection, SimpleConnection};
use diesel::prelude::*;

/// Random numbers that are the same in every run (Lehmer, 128 bits).
pub struct Chance(u128);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance((u128::from(seed) << 1) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(0xda94_2042_e4dd_58b5);
        (self.0 >> 64) as u64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A rank below `n`, the first ones far more often than the last (Zipf).
    pub fn rank(&mut self, n: usize) -> usize {
        ((n as f64).powf(self.unit()) - 1.0) as usize % n
    }
}

/// How many words the catalogue has.
const WORDS: usize = 20_000;

/// A made-up word for a rank: short for frequent ones.
pub fn word(rank: usize) -> String {
    const FIRST: [&str; 20] = [
        "ka", "lo", "mi", "ru", "sa", "te", "vo", "ni", "pe", "da", "fu", "go", "ha", "je", "wi", "ze",
        "bro", "sto", "cla", "dri",
    ];
    let mut out = String::new();
    let mut n = rank;
    loop {
        out.push_str(FIRST[n % 20]);
        n /= 20;
        if n == 0 {
            break;
        }
    }
    out.push_str(["n", "r", "l", "m", "t"][rank % 5]);
    out
}

fn words(chance: &mut Chance, count: usize) -> String {
    (0..count).map(|_| word(chance.rank(WORDS))).collect::<Vec<_>>().join(" ")
}

/// Questions as people ask: one to three words, half with a genre, a third with a range of tempos.
pub fn questions(count: usize) -> Vec<Question> {
    let mut chance = Chance::new(77);
    (0..count)
        .map(|_| Question {
            words: (0..1 + chance.below(3)).map(|_| word(chance.rank(WORDS / 4))).collect(),
            genre: (chance.below(2) == 0).then(|| lists::GENRES[chance.rank(lists::GENRES.len())].slug),
            tempo: (chance.below(3) == 0).then(|| {
                let from = 60 + chance.below(90) as u32;
                (from, from + 20)
            }),
        })
        .collect()
}

pub struct Question {
    pub words: Vec<String>,
    pub genre: Option<&'static str>,
    pub tempo: Option<(u32, u32)>,
}

impl Question {
    /// The part of its address behind the question mark.
    pub fn address(&self) -> String {
        let mut out = format!("q={}", self.words.join("+"));
        if let Some(genre) = self.genre {
            out += &format!("&genre={genre}");
        }
        if let Some((from, to)) = self.tempo {
            out += &format!("&bpm_min={from}&bpm_max={to}");
        }
        out
    }
}

/// Fills a new SQLite database with this many published tracks that share one recording. Answers their slugs' number
/// and one uploader.
pub fn fill(path: &Path, count: usize) -> Db {
    let db = Db::open(&DbUrl::Sqlite(path.to_owned())).expect("a database");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (uploader, upload) = runtime.block_on(first_rows(&db));
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).expect("a connection");
    conn.batch_execute("PRAGMA synchronous=OFF; PRAGMA busy_timeout=60000; PRAGMA cache_size=-200000;")
        .expect("pragmas");
    let mut chance = Chance::new(1);
    let mut done = 0;
    while done < count {
        let some = (count - done).min(20_000);
        let rows: Vec<Track> =
            (done..done + some).map(|n| track(&mut chance, n, &uploader, &upload)).collect();
        conn.transaction(|conn| {
            // A statement of SQLite takes 32 766 values.
            for some in rows.chunks(1_000) {
                diesel::insert_into(tracks::table).values(some).execute(conn)?;
            }
            let offered: Vec<_> = rows
                .iter()
                .flat_map(|row| {
                    [("listen", 300i64), ("creator", 2900), ("business", 7900)].map(|(tier, cents)| {
                        (
                            offers::id.eq(OfferId::new()),
                            offers::track_id.eq(row.id.clone()),
                            offers::tier.eq(tier),
                            offers::price_cents.eq(Cents(cents)),
                            offers::currency.eq("usd"),
                        )
                    })
                })
                .collect();
            for some in offered.chunks(5_000) {
                diesel::insert_into(offers::table).values(some).execute(conn)?;
            }
            QueryResult::Ok(())
        })
        .expect("rows");
        done += some;
    }
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE); ANALYZE;").expect("a checkpoint");
    db
}

async fn first_rows(db: &Db) -> (UserId, UploadId) {
    db.write(|conn| {
        let now = Timestamp::now();
        cuehouse::sales::edition::seed(conn, &cuehouse::sales::tier::Catalogue::default(), now)?;
        let user = User::new(conn, "ines@example.org", "Ines Morrow", "no password", now)?;
        user.insert(conn)?;
        user.grant(conn, Role::Uploader, now)?;
        let upload = UploadId::new();
        diesel::insert_into(uploads::table)
            .values((
                uploads::id.eq(&upload),
                uploads::uploader_id.eq(&user.id),
                uploads::filename.eq("master.wav"),
                uploads::bytes.eq(1i64),
                uploads::file_sha256.eq("0"),
                uploads::master_key.eq("masters/none"),
                uploads::state.eq("ready"),
                uploads::created_at.eq(now),
                uploads::changed_at.eq(now),
            ))
            .execute(conn)?;
        let recording = Recording {
            upload_id: upload.clone(),
            container: "WAV".into(),
            codec: "PCM".into(),
            frames: 44_100 * 154,
            duration_ms: 154_000,
            sample_rate: 44_100,
            channels: 2,
            bits: Some(24),
            loudness_lufs: Some(-14.2),
            loudness_range: Some(6.0),
            true_peak_dbtp: Some(-1.0),
            samples_sha256: "0".into(),
            bpm: Some(92.0),
            bpm_sure: 0.9,
            musical_key: Some("am".into()),
            key_sure: 0.9,
            bars: "10407fb0e0ffd0a07030".repeat(20),
            peaks_key: "derived/none/peaks-0.dat".into(),
            artwork_key: "derived/none/artwork-0.svg".into(),
            preview_key: "derived/none/preview-0.mp3".into(),
            preview_bytes: 1,
            sample_key: "derived/none/sample-0.mp3".into(),
            sample_bytes: 960_000,
            sample_start_ms: 62_000,
            fingerprint_key: None,
            created_at: now,
        };
        diesel::insert_into(recordings::table).values(&recording).execute(conn)?;
        Ok((user.id, upload))
    })
    .await
    .expect("first rows")
}

fn track(chance: &mut Chance, n: usize, uploader: &UserId, upload: &UploadId) -> Track {
    let some = |chance: &mut Chance, from: &[lists::Word], most: usize| -> String {
        let count = chance.below(most + 1);
        let all: BTreeSet<&str> = (0..count).map(|_| from[chance.rank(from.len())].slug).collect();
        joined(&all.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let title = {
        let count = 2 + chance.below(4);
        words(chance, count)
    };
    let description = {
        let count = 20 + chance.below(41);
        words(chance, count)
    };
    let tags = {
        let count = 10 + chance.below(15);
        words(chance, count).replace(' ', ",")
    };
    let at = Timestamp(1_700_000_000_000 + n as i64 * 40_000);
    Track {
        id: TrackId::new(),
        slug: Slug::parse(&format!("track-{n}")).expect("a slug"),
        uploader_id: uploader.clone(),
        upload_id: upload.clone(),
        title,
        description,
        kind: [Kind::Music, Kind::Music, Kind::Loop, Kind::Effect][chance.below(4)],
        genre: Some(lists::GENRES[chance.rank(lists::GENRES.len())].slug.to_owned()),
        vocals: ["none", "none", "none", "lead", "choir", "spoken"][chance.below(6)].to_owned(),
        moods: some(chance, lists::MOODS, 3),
        instruments: some(chance, lists::INSTRUMENTS, 3),
        tags,
        bpm: (chance.below(4) > 0).then(|| 60.0 + chance.below(1200) as f64 / 10.0),
        musical_key: (chance.below(3) > 0).then(|| lists::KEYS[chance.below(24)].slug.to_owned()),
        duration_ms: 1_000 + chance.below(300_000) as i64,
        sample_start_ms: 0,
        bars: "10407fb0e0ffd0a07030".repeat(20),
        price_from: Some(Cents(300)),
        state: State::Published,
        created_at: at,
        changed_at: at,
        published_at: Some(at),
        licensed: chance.rank(500) as i64,
        kept: chance.rank(2000) as i64,
    }
}
