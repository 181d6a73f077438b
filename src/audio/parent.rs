//! The server's side: starts a worker for one file, keeps the clock, writes what it sends, says why it ended.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::wire::{self, Order, Part, Task, Told};
use super::{Escape, Facts, Layers, Limits, Refusal, Rendering, Wish, mark};

/// What came of a master.
#[derive(Clone, Debug)]
pub struct Examined {
    pub facts: Facts,
    /// Pairs of least and most (signed bytes) per 256 samples of the mono mix.
    pub peaks: Vec<u8>,
    /// 200 heights for lists, 0 to 255.
    pub bars: Vec<u8>,
    /// SVG of at most 2 KB.
    pub artwork: String,
    /// The whole track, marked: MP3 at 128 kb/s.
    pub preview: PathBuf,
    /// A stretch of it, marked: MP3 at 128 kb/s.
    pub sample: PathBuf,
    pub sample_start_ms: i64,
    /// The jail this file was read in.
    pub layers: Layers,
}

/// Examines a master in a jailed worker. `worker` is this program's own executable, `master` a descriptor
/// nobody else reads from, `out` a folder that the caller removes afterwards.
pub async fn examine(worker: &Path, master: File, wish: &Wish, out: &Path) -> Result<Examined, Refusal> {
    let seed = |what| mark::seed(&wish.mark_key, what, &wish.track_key);
    let task = Task::Examine {
        motif: mark::seed(&wish.mark_key, "motif", ""),
        preview: seed("preview"),
        sample: seed("sample"),
        sample_secs: wish.sample_secs,
    };
    let mut take = Take::default();
    run(worker, master, &wish.limits, task, out, &mut take).await?;
    take.has([Part::Preview, Part::Sample])?;
    let Told { facts, look, sample_start_ms } =
        take.told.ok_or_else(|| Refusal::ours("a worker told nothing"))?;
    if take.peaks.len() as i64 != 2 * (facts.frames as u64).div_ceil(256) as i64 || take.bars.len() != 200 {
        return Err(Refusal::ours("a worker drew another wave than it told of"));
    }
    Ok(Examined {
        facts,
        peaks: take.peaks,
        bars: take.bars,
        artwork: look.svg(),
        preview: out.join(file_name(Part::Preview)),
        sample: out.join(file_name(Part::Sample)),
        sample_start_ms,
        layers: take.layers,
    })
}

/// Makes a delivery from a master, in a jailed worker as well.
pub async fn render(
    worker: &Path,
    master: File,
    what: Rendering,
    limits: &Limits,
    out: &Path,
) -> Result<PathBuf, Refusal> {
    let mut take = Take::default();
    run(worker, master, limits, Task::Render(what), out, &mut take).await?;
    take.has([Part::Delivery])?;
    Ok(out.join(file_name(Part::Delivery)))
}

/// Lets workers try what their jail forbids; gives what succeeded, which should be nothing. `file` is any
/// file, `out` a folder to write in.
pub async fn escapes(worker: &Path, file: &Path, out: &Path) -> Result<Vec<Escape>, Refusal> {
    let mut succeeded = Vec::new();
    for escape in Escape::ALL {
        let file = File::open(file).map_err(Refusal::ours)?;
        let mut take = Take::default();
        match run(worker, file, &Limits::default(), Task::Escape(escape), out, &mut take).await {
            Ok(()) => succeeded.push(escape),
            Err(refusal) if refusal.is_ours() => return Err(refusal),
            Err(_) => {}
        }
    }
    Ok(succeeded)
}

fn file_name(part: Part) -> &'static str {
    match part {
        Part::Preview => "preview.mp3",
        Part::Sample => "sample.mp3",
        Part::Delivery => "delivery",
    }
}

async fn run(
    worker: &Path,
    master: File,
    limits: &Limits,
    task: Task,
    out: &Path,
    take: &mut Take,
) -> Result<(), Refusal> {
    // CPU time for the longest sound there may be; an unoptimised build is some twenty times slower.
    let pace = if cfg!(debug_assertions) { 30 } else { 2 };
    let cpu_secs = 60 + limits.max_secs / 60 * pace;
    let order = Order { max_secs: limits.max_secs, cpu_secs, spool: out.to_owned(), task };
    let order = wire::order_bytes(&order).map_err(Refusal::ours)?;
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(Refusal::ours)?;
    ours.set_nonblocking(true).map_err(Refusal::ours)?;
    let mut wire = UnixStream::from_std(ours).map_err(Refusal::ours)?;
    let mut command = Command::new(worker);
    command
        .arg("worker")
        .env_clear()
        .stdin(Stdio::from(master))
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(Refusal::ours)?;
    // The command still holds the child's end; as long as it does, the end of the worker is not seen.
    drop(command);
    let words = child.stderr.take().map(|stderr| tokio::spawn(last_words(stderr)));
    let talk = async {
        wire.write_all(&order).await.map_err(Refusal::ours)?;
        take.all(&mut wire, out, limits.max_secs).await
    };
    let result = tokio::time::timeout(limits.wall, talk).await;
    let ended = match &result {
        Ok(Ok(true)) | Ok(Err(_)) if !is_silence(&result) => None,
        // It fell silent without an ending: its exit says why.
        Ok(Ok(false)) => ended(&mut child).await,
        _ => None,
    };
    let _ = child.start_kill();
    let _ = child.wait().await;
    match result {
        Err(_) => Err(Refusal::TooSlow),
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => {
            let words = match words {
                Some(task) => task.await.unwrap_or_default(),
                None => String::new(),
            };
            let reason = reason(ended);
            tracing::warn!(status = ?ended, words, reason = reason.slug(), "a sound worker ended early");
            Err(reason)
        }
        Ok(Err(refusal)) => Err(refusal),
    }
}

fn is_silence(result: &Result<Result<bool, Refusal>, tokio::time::error::Elapsed>) -> bool {
    matches!(result, Ok(Ok(false)))
}

async fn ended(child: &mut Child) -> Option<ExitStatus> {
    tokio::time::timeout(Duration::from_secs(5), child.wait()).await.ok()?.ok()
}

/// The first words of a worker that complains; the rest is swallowed so that it does not wait on us.
async fn last_words(mut stderr: tokio::process::ChildStderr) -> String {
    let mut words = Vec::new();
    let _ = (&mut stderr).take(2048).read_to_end(&mut words).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&words).trim().to_owned()
}

/// Why a worker that did not say so ended.
fn reason(status: Option<ExitStatus>) -> Refusal {
    let Some(status) = status else { return Refusal::ours("a worker hung") };
    match (status.signal(), status.code()) {
        (Some(libc::SIGXCPU), _) => Refusal::TooSlow,
        // Memory that is refused beyond the limit on addresses aborts.
        (Some(libc::SIGABRT | libc::SIGXFSZ), _) => Refusal::TooLarge,
        // Our own clock says so itself: whoever else kills is a host that is short of memory, or its
        // administrator, and the file may be a good one.
        (Some(libc::SIGKILL), _) => Refusal::ours("a worker was killed from outside"),
        (Some(libc::SIGSYS | libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE), _) => {
            Refusal::Damaged
        }
        // A panic.
        (_, Some(101)) => Refusal::Damaged,
        _ => Refusal::ours(format!("a worker ended with {status}")),
    }
}

/// What has come so far.
#[derive(Default)]
struct Take {
    layers: Layers,
    peaks: Vec<u8>,
    bars: Vec<u8>,
    told: Option<Told>,
    files: [Option<tokio::fs::File>; 3],
    written: u64,
}

impl Take {
    /// Reads frames to the end; false when the worker fell silent without one. What a worker sends is
    /// bounded and checked like what a stranger sends: the file it read may have taken it over.
    async fn all(&mut self, wire: &mut UnixStream, out: &Path, max_secs: u64) -> Result<bool, Refusal> {
        // A WAV of 24 bits in eight channels at 48 kHz is the most a delivery honestly has.
        let most = max_secs.saturating_mul(48_000 * 3 * 8).saturating_add(16 << 20).min(5 << 30);
        let mut body = Vec::new();
        loop {
            let mut head = [0; 5];
            if wire.read_exact(&mut head).await.is_err() {
                return Ok(false);
            }
            let len = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
            if len > wire::MOST.max(8 << 20) {
                return Err(Refusal::ours("a worker sent too long a frame"));
            }
            body.resize(len, 0);
            if wire.read_exact(&mut body).await.is_err() {
                return Ok(false);
            }
            self.written += len as u64;
            if self.written > most {
                return Err(Refusal::TooLarge);
            }
            match head[0] {
                wire::DONE => return self.close().await.map(|()| true),
                wire::REFUSED => {
                    let refusal: Refusal = serde_json::from_slice(&body).map_err(Refusal::ours)?;
                    return Err(refusal.bounded());
                }
                wire::ALIVE => {}
                wire::LAYERS => self.layers = serde_json::from_slice(&body).map_err(Refusal::ours)?,
                wire::PEAKS => self.peaks.extend_from_slice(&body),
                wire::BARS => self.bars.extend_from_slice(&body),
                wire::TOLD => {
                    self.told = Some(believable(serde_json::from_slice(&body).map_err(Refusal::ours)?)?)
                }
                letter => self.file(letter, &body, out).await?,
            }
        }
    }

    async fn file(&mut self, letter: u8, body: &[u8], out: &Path) -> Result<(), Refusal> {
        let strange = || Refusal::ours("a worker sent a strange frame");
        let part = Part::ALL
            .into_iter()
            .find(|part| part.letter() == letter || part.patch_letter() == letter)
            .ok_or_else(strange)?;
        let slot = &mut self.files[part as usize];
        if slot.is_none() {
            *slot = Some(tokio::fs::File::create(out.join(file_name(part))).await.map_err(Refusal::ours)?);
        }
        let Some(file) = slot else { return Err(strange()) };
        if letter == part.letter() {
            return file.write_all(body).await.map_err(Refusal::ours);
        }
        let (place, bytes) = body.split_first_chunk::<8>().ok_or_else(strange)?;
        let place = u64::from_le_bytes(*place);
        let end = file.stream_position().await.map_err(Refusal::ours)?;
        if place + bytes.len() as u64 > end {
            return Err(strange());
        }
        file.seek(std::io::SeekFrom::Start(place)).await.map_err(Refusal::ours)?;
        file.write_all(bytes).await.map_err(Refusal::ours)?;
        file.seek(std::io::SeekFrom::Start(end)).await.map(|_| ()).map_err(Refusal::ours)
    }

    /// Whether the files that were asked for came.
    fn has<const N: usize>(&self, parts: [Part; N]) -> Result<(), Refusal> {
        match parts.iter().all(|part| self.files[*part as usize].is_some()) {
            true => Ok(()),
            false => Err(Refusal::ours("a worker sent fewer files than it was asked for")),
        }
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        for file in self.files.iter_mut().flatten() {
            file.flush().await.map_err(Refusal::ours)?;
        }
        Ok(())
    }
}

/// Refuses findings that no honest worker sends: they go into rows and pages.
fn believable(told: Told) -> Result<Told, Refusal> {
    let facts = &told.facts;
    let is_hash = |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let is_key = |key: &String| {
        (1..=3).contains(&key.len()) && key.bytes().all(|b| matches!(b, b'a'..=b'g' | b's' | b'm'))
    };
    let numbers = [
        facts.loudness_lufs,
        facts.loudness_range,
        facts.true_peak_dbtp,
        facts.bpm,
        Some(facts.bpm_sure),
        Some(facts.key_sure),
    ];
    let honest = facts.frames > 0
        && facts.duration_ms > 0
        && (8_000..=384_000).contains(&facts.sample_rate)
        && (1..=8).contains(&facts.channels)
        && (facts.duration_ms - facts.frames.saturating_mul(1000) / i64::from(facts.sample_rate)).abs() <= 1
        && facts.fingerprint.len() as i64 <= 32 + facts.duration_ms / 100
        && facts.container.len() <= 8
        && facts.codec.chars().count() <= 12
        && is_hash(&facts.file_sha256)
        && is_hash(&facts.samples_sha256)
        && facts.key.as_ref().is_none_or(is_key)
        && numbers.into_iter().flatten().all(f64::is_finite)
        && told.sample_start_ms >= 0;
    if honest { Ok(told) } else { Err(Refusal::ours("a worker told what cannot be")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_a_worker_says_whose_fault_it_was() {
        let by = |signal| reason(Some(ExitStatus::from_raw(signal))).slug();
        assert_eq!(by(libc::SIGXCPU), "too_slow");
        assert_eq!((by(libc::SIGABRT), by(libc::SIGXFSZ)), ("too_large", "too_large"));
        assert_eq!((by(libc::SIGSYS), by(libc::SIGSEGV)), ("damaged", "damaged"));
        // The exit code stands in the second byte; 101 is a panic.
        assert_eq!((by(101 << 8), by(74 << 8)), ("damaged", "ours"));
        for outside in [libc::SIGKILL, libc::SIGTERM] {
            assert!(reason(Some(ExitStatus::from_raw(outside))).is_ours());
        }
        assert!(reason(None).is_ours());
    }
}
