//! From a master to a draft: the worker listens, what it made goes into storage, then one write tells of it.

use std::path::Path;

use super::upload::{Likeness, State, Twin, Upload, derived_key};
use super::{jail, resemblance};
use crate::App;
use crate::audio::{self, Alike, Examined, Refusal, Wish};
use crate::catalogue::track::Recording;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ids::UploadId;
use crate::jobs::{Job, Lease, Priority, Terms, enqueue_as};
use crate::secrets::{sha256, sha256_of};
use crate::storage::Scratch;

/// Examines an upload: its facts, what listeners hear of it, its draft. Run twice it finds its work done; run under
/// a lease that was lost it changes nothing.
pub async fn process(app: &App, lease: &Lease, id: &UploadId) -> Result<()> {
    let (mine, wanted) = (lease.clone(), id.clone());
    let upload = app
        .db
        .write(move |conn| {
            if !mine.renew(conn)? {
                return Err(Error::conflict("the lease of this job was lost"));
            }
            Upload::begin(conn, &wanted, Timestamp::now())?;
            Upload::find(conn, &wanted)
        })
        .await?;
    if matches!(upload.state, State::Ready | State::Refused) {
        return finish(app, lease, |_| Ok(())).await;
    }
    let out = Scratch::new(&app.config)?;
    let master = app.storage.file(&upload.master_key).await?;
    let mut wish = Wish::new(app.keys.mark, id.as_str());
    wish.limits.max_secs = app.config.upload_max_secs;
    wish.sample_secs = app.config.sample_secs;
    match audio::examine(&app.worker, master, &wish, out.path()).await {
        Ok(examined) if examined.facts.file_sha256 != upload.file_sha256 => {
            Err(Error::internal(format!("{} is not what was uploaded", upload.master_key)))
        }
        Ok(examined) => {
            let recording = keep(app, id, &examined).await?;
            let (words, layers) = (examined.facts.fingerprint, examined.layers);
            let near = near(app, &upload, &words).await?;
            let (ready, least) = (id.clone(), app.config.age.services.clone());
            let done = finish(app, lease, move |conn| {
                Upload::ready(conn, &ready, &recording, &near, &least, Timestamp::now())?;
                resemblance::sample(conn, &ready, &words)?;
                jail::keep(conn, &layers, Timestamp::now())
            });
            match done.await {
                // Taken back while we listened: what was made has no row, and is collected.
                Err(no @ (Error::Guardian(_) | Error::NotYet)) => {
                    let (id, why) = (id.clone(), no.to_string());
                    finish(app, lease, move |conn| Upload::refuse(conn, &id, &why, Timestamp::now())).await
                }
                other => other,
            }
        }
        Err(Refusal::Ours { why }) => Err(Error::internal(format!("a sound could not be examined: {why}"))),
        Err(refusal) => {
            let (id, why) = (id.clone(), refusal.to_string());
            tracing::info!(upload = %id, reason = refusal.slug(), "an upload was refused");
            finish(app, lease, move |conn| Upload::refuse(conn, &id, &why, Timestamp::now())).await
        }
    }
}

/// A job of this room was given up: says so where its uploader sees it.
pub fn given_up(conn: &mut Conn, job: &Job, now: Timestamp) -> Result<()> {
    match job {
        Job::ProcessUpload { upload } => Upload::fail(conn, upload, &ours(), now),
        _ => Ok(()),
    }
}

fn ours() -> String {
    Refusal::Ours { why: String::new() }.to_string()
}

/// The end of the job and its effects in one write.
async fn finish(
    app: &App,
    lease: &Lease,
    effects: impl Fn(&mut Conn) -> Result<()> + Send + Sync + 'static,
) -> Result<()> {
    let lease = lease.clone();
    app.db
        .write(move |conn| {
            lease.finish(conn, Timestamp::now())?;
            effects(conn)
        })
        .await
}

/// Puts everything that was made into storage; answers the row that will name it.
async fn keep(app: &App, id: &UploadId, made: &Examined) -> Result<Recording> {
    let facts = &made.facts;
    let (preview_key, preview_bytes) = keep_sound(app, id, "preview", &made.preview).await?;
    let (sample_key, sample_bytes) = keep_sound(app, id, "sample", &made.sample).await?;
    let peaks_key = keep_bytes(app, id, "peaks", &made.peaks, "dat", "application/octet-stream").await?;
    let artwork = made.artwork.as_bytes();
    let artwork_key = keep_bytes(app, id, "artwork", artwork, "svg", "image/svg+xml").await?;
    let fingerprint_key = match facts.fingerprint.is_empty() {
        true => None,
        false => {
            let words: Vec<u8> = facts.fingerprint.iter().flat_map(|word| word.to_le_bytes()).collect();
            Some(keep_bytes(app, id, "fingerprint", &words, "dat", "application/octet-stream").await?)
        }
    };
    Ok(Recording {
        upload_id: id.clone(),
        container: facts.container.clone(),
        codec: facts.codec.clone(),
        frames: facts.frames,
        duration_ms: facts.duration_ms,
        sample_rate: facts.sample_rate,
        channels: facts.channels,
        bits: facts.bits,
        loudness_lufs: facts.loudness_lufs,
        loudness_range: facts.loudness_range,
        true_peak_dbtp: facts.true_peak_dbtp,
        samples_sha256: facts.samples_sha256.clone(),
        bpm: facts.bpm,
        bpm_sure: facts.bpm_sure,
        musical_key: facts.key.clone(),
        key_sure: facts.key_sure,
        bars: hex::encode(&made.bars),
        peaks_key,
        artwork_key,
        preview_key,
        preview_bytes,
        sample_key,
        sample_bytes,
        sample_start_ms: made.sample_start_ms,
        fingerprint_key,
        created_at: Timestamp::now(),
    })
}

async fn keep_sound(app: &App, id: &UploadId, what: &str, path: &Path) -> Result<(String, i64)> {
    let of = path.to_owned();
    let (hash, bytes) = tokio::task::spawn_blocking(move || sha256_of(&of)).await??;
    let key = derived_key(id, what, &hash, "mp3")?;
    if app.storage.stat(&key).await?.is_none_or(|stat| stat.len != bytes) {
        app.storage.put_file(&key, path, "audio/mpeg").await?;
    }
    Ok((key, bytes as i64))
}

async fn keep_bytes(
    app: &App,
    id: &UploadId,
    what: &str,
    bytes: &[u8],
    ending: &str,
    kind: &str,
) -> Result<String> {
    let key = derived_key(id, what, &sha256(bytes), ending)?;
    app.storage.put(&key, bytes, kind).await?;
    Ok(key)
}

/// What sounds like this one, whoever gave it: the nearest of its uploader's own, then the nearest of anybody else's.
async fn near(app: &App, upload: &Upload, fingerprint: &[u32]) -> Result<Vec<Twin>> {
    if fingerprint.is_empty() {
        return Ok(vec![]);
    }
    let (uploader, id, mine) = (upload.uploader_id.clone(), upload.id.clone(), fingerprint.to_vec());
    let found = app.db.read(move |conn| resemblance::candidates(conn, &id, &uploader, &mine)).await?;
    let mut nearest: [Option<(Alike, Twin)>; 2] = [None, None];
    for candidate in found {
        // A print that was collected meanwhile is no reason to fail.
        let Ok(Some(theirs)) = print(app, &candidate.fingerprint_key).await else { continue };
        let mine = fingerprint.to_vec();
        let alike = tokio::task::spawn_blocking(move || audio::alike(&mine, &theirs)).await?;
        let Some(alike) = alike else { continue };
        let place = &mut nearest[usize::from(candidate.uploader != upload.uploader_id)];
        let is_nearer = place
            .as_ref()
            .is_none_or(|(best, _)| (!alike.is_same, alike.differ) < (!best.is_same, best.differ));
        if is_nearer {
            let kind = if alike.is_same { Likeness::Alike } else { Likeness::Perhaps };
            let twin = Twin { upload: candidate.upload, uploader: candidate.uploader, kind };
            *place = Some((alike, twin));
        }
    }
    Ok(nearest.into_iter().flatten().map(|(_, twin)| twin).collect())
}

/// A fingerprint as it lies in storage; none when it is not there.
async fn print(app: &App, key: &str) -> Result<Option<Vec<u32>>> {
    match app.storage.bytes(key).await {
        Ok(bytes) => {
            Ok(Some(bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four)).collect()))
        }
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Recordings that one job looks up; the rest is another's.
const AT_ONCE: i64 = 200;

/// Keeps by which words recordings are found whose fingerprints lie in storage since before any words were kept. Run twice,
/// it finds its work done.
pub async fn sample_words(app: &App, lease: &Lease, after: &str) -> Result<()> {
    let from = after.to_owned();
    let some = app.db.read(move |conn| resemblance::unsampled(conn, &from, AT_ONCE)).await?;
    let last = some.last().map(|(id, _)| id.to_string());
    let mut prints = vec![];
    for (id, key) in some {
        // A store that is away for a moment must not leave them out for good.
        if let Some(words) = print(app, &key).await? {
            prints.push((id, words));
        }
    }
    finish(app, lease, move |conn| {
        for (id, words) in &prints {
            resemblance::sample(conn, id, words)?;
        }
        let Some(after) = last.clone() else { return Ok(()) };
        let terms = Terms { priority: Priority::Upkeep, ..Terms::default() };
        enqueue_as(conn, &Job::SampleWords { after }, terms, Timestamp::now()).map(drop)
    })
    .await
}
