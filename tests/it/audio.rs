//! Every format through the real worker in its real jail.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use cuehouse::audio::{self, Examined, Refusal, Wish, wav};
use sha2::{Digest, Sha256};

fn worker() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cuehouse"))
}

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cuehouse-audio-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Chords over a beat, in C, at 120 beats a minute: interleaved stereo.
fn music(rate: u32, secs: f64) -> Vec<f32> {
    let chords = [[0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7]];
    (0..(secs * f64::from(rate)) as usize)
        .flat_map(|i| {
            let t = i as f64 / f64::from(rate);
            let since = t % 0.5;
            let mut sides = [0f64; 2];
            for (n, note) in chords[(t / 2.0) as usize % 4].into_iter().enumerate() {
                let tone = (std::f64::consts::TAU * 261.6256 * 2f64.powf(f64::from(note) / 12.0) * t).sin();
                sides[n % 2] += 0.12 * tone;
                sides[(n + 1) % 2] += 0.07 * tone;
            }
            let drum = 0.35 * (since * 800.0).sin() * (-since * 30.0).exp();
            sides.map(|side| (side + drum) as f32)
        })
        .collect()
}

fn ffmpeg(args: &[&str]) -> Vec<u8> {
    let out = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).output().expect("ffmpeg");
    assert!(out.status.success(), "ffmpeg {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Whether there is an ffmpeg to make and check files with; says loudly when there is not.
fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: no ffmpeg here, so the formats were not tested");
    }
    there
}

async fn examine(file: &Path, out: &Path) -> Result<Examined, Refusal> {
    std::fs::create_dir_all(out).unwrap();
    audio::examine(worker(), File::open(file).unwrap(), &Wish::new([7; 32], "track"), out).await
}

#[rocket::async_test]
async fn every_format_comes_out_whole() {
    if !has_ffmpeg() {
        return;
    }
    let folder = Folder::new("formats");
    let (rate, secs) = (44_100, 5.0);
    let frames = (secs * f64::from(rate)) as i64;
    let source = folder.file("source.wav");
    std::fs::write(&source, wav::bytes(rate, 2, 24, &music(rate, secs))).unwrap();
    // Name, what makes it, the bits it keeps (none: lossy), container and codec as we name them.
    type Format<'a> = (&'a str, &'a [&'a str], Option<i32>, &'a str, &'a str);
    let formats: &[Format<'_>] = &[
        ("u8.wav", &["-c:a", "pcm_u8"], Some(8), "WAV", "PCM"),
        ("s16.wav", &["-c:a", "pcm_s16le"], Some(16), "WAV", "PCM"),
        ("s24.wav", &["-c:a", "pcm_s24le"], Some(24), "WAV", "PCM"),
        ("s32.wav", &["-c:a", "pcm_s32le"], Some(32), "WAV", "PCM"),
        ("f32.wav", &["-c:a", "pcm_f32le"], Some(32), "WAV", "PCM float"),
        ("f64.wav", &["-c:a", "pcm_f64le"], Some(64), "WAV", "PCM float"),
        ("mono.wav", &["-c:a", "pcm_s16le", "-ac", "1"], Some(16), "WAV", "PCM"),
        (
            "bwf.wav",
            &["-c:a", "pcm_s24le", "-write_bext", "1", "-metadata", "description=bext"],
            Some(24),
            "WAV",
            "PCM",
        ),
        ("rf64.wav", &["-c:a", "pcm_s24le", "-rf64", "always"], Some(24), "WAV", "PCM"),
        ("s16.aiff", &["-c:a", "pcm_s16be"], Some(16), "AIFF", "PCM"),
        ("s24.aiff", &["-c:a", "pcm_s24be"], Some(24), "AIFF", "PCM"),
        ("sowt.aifc", &["-c:a", "pcm_s16le", "-f", "aiff"], Some(16), "AIFF", "PCM"),
        ("s16.flac", &["-c:a", "flac", "-sample_fmt", "s16"], Some(16), "FLAC", "FLAC"),
        ("s24.flac", &["-c:a", "flac"], Some(24), "FLAC", "FLAC"),
        ("s24.caf", &["-c:a", "pcm_s24le"], Some(24), "CAF", "PCM"),
        ("alac.m4a", &["-c:a", "alac", "-sample_fmt", "s16p"], Some(16), "M4A", "ALAC"),
        ("aac.m4a", &["-c:a", "aac", "-b:a", "192k"], None, "M4A", "AAC"),
        ("vorbis.ogg", &["-c:a", "libvorbis"], None, "Ogg", "Vorbis"),
        ("cbr.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"], None, "MP3", "MP3"),
        (
            "vbr.mp3",
            &["-c:a", "libmp3lame", "-q:a", "2", "-metadata", "title=A title in a tag"],
            None,
            "MP3",
            "MP3",
        ),
    ];
    for (name, args, bits, container, codec) in formats {
        let file = folder.file(name);
        let mut all = vec!["-i", source.to_str().unwrap()];
        all.extend_from_slice(args);
        all.push(file.to_str().unwrap());
        ffmpeg(&all);
        let out = folder.file(&format!("{name}.out"));
        let found = examine(&file, &out).await.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        let facts = &found.facts;
        assert_eq!(facts.frames, frames, "{name}");
        assert_eq!(
            (facts.container.as_str(), facts.codec.as_str(), facts.bits),
            (*container, *codec, *bits),
            "{name}"
        );
        assert_eq!(facts.duration_ms, 5000, "{name}");
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(facts.file_sha256, hex::encode(Sha256::digest(&bytes)), "{name}");
        assert_eq!(facts.file_bytes, bytes.len() as i64);
        if bits.is_some() {
            let samples = ffmpeg(&["-i", file.to_str().unwrap(), "-f", "s32le", "-c:a", "pcm_s32le", "-"]);
            assert_eq!(facts.samples_sha256, hex::encode(Sha256::digest(&samples)), "{name}");
        }
        assert!(
            found.layers.limits && found.layers.no_new_privileges && found.layers.seccomp,
            "{:?}",
            found.layers
        );
        assert_eq!(found.peaks.len() as i64, 2 * ((frames + 255) / 256), "{name}");
        assert_eq!(found.bars.len(), 200);
        assert!(found.artwork.len() <= 2048);
        assert_eq!(facts.oddities.damaged_packets, 0, "{name}");
        // A preview is as long as its master, to the frame.
        assert_eq!(count(&found.preview), frames, "{name}");
        assert_eq!(count(&found.sample), frames, "{name}");
    }
}

/// Frames an MP3 decodes to, by another decoder.
fn count(mp3: &Path) -> i64 {
    let channels = ffprobe(mp3, "stream=channels");
    ffmpeg(&["-i", mp3.to_str().unwrap(), "-f", "f32le", "-"]).len() as i64 / 4 / channels
}

fn ffprobe(file: &Path, what: &str) -> i64 {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", what, "-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).trim().parse().unwrap()
}
