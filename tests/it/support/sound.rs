//! Sounds made here or by ffmpeg, and the real worker that reads them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use cuehouse::audio::{self, Examined, Limits, Refusal, Rendering, Wish, wav};

use super::folder::TestFolder;

/// The program that starts itself as a worker.
pub fn worker() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cuehouse"))
}

/// Chords over a beat, in C, at 120 beats a minute: interleaved stereo.
pub fn music(rate: u32, secs: f64) -> Vec<f32> {
    let chords = [[0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7]];
    (0..(secs * f64::from(rate)).round() as usize)
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

/// A file as ffmpeg makes it of the same piece of music, and what must be found in it.
pub struct Format {
    pub name: &'static str,
    pub args: &'static [&'static str],
    /// Bits of a stored sample; none for lossy codings.
    pub bits: Option<i32>,
    pub container: &'static str,
    pub codec: &'static str,
    /// How far a sample may be from the reference decoder's, where the coding is lossy.
    pub off: f32,
}

const fn lossless(
    name: &'static str,
    args: &'static [&'static str],
    bits: i32,
    container: &'static str,
    codec: &'static str,
) -> Format {
    Format { name, args, bits: Some(bits), container, codec, off: 0.0 }
}

const fn lossy(
    name: &'static str,
    args: &'static [&'static str],
    container: &'static str,
    codec: &'static str,
    off: f32,
) -> Format {
    Format { name, args, bits: None, container, codec, off }
}

/// Every format the shop takes. A 24-bit rendering is compared, so its rounding is within the tolerances.
pub const FORMATS: &[Format] = &[
    lossless("u8.wav", &["-c:a", "pcm_u8"], 8, "WAV", "PCM"),
    lossless("s16.wav", &["-c:a", "pcm_s16le"], 16, "WAV", "PCM"),
    lossless("s24.wav", &["-c:a", "pcm_s24le"], 24, "WAV", "PCM"),
    lossless("s32.wav", &["-c:a", "pcm_s32le"], 32, "WAV", "PCM"),
    lossless("f32.wav", &["-c:a", "pcm_f32le"], 32, "WAV", "PCM float"),
    lossless("f64.wav", &["-c:a", "pcm_f64le"], 64, "WAV", "PCM float"),
    lossless("mulaw.wav", &["-c:a", "pcm_mulaw"], 8, "WAV", "µ-law"),
    lossless("mono.wav", &["-c:a", "pcm_s16le", "-ac", "1"], 16, "WAV", "PCM"),
    lossless("five-one.wav", &["-c:a", "pcm_s24le", "-ac", "6"], 24, "WAV", "PCM"),
    lossless(
        "bwf.wav",
        &["-c:a", "pcm_s24le", "-write_bext", "1", "-metadata", "description=bext"],
        24,
        "WAV",
        "PCM",
    ),
    lossless("rf64.wav", &["-c:a", "pcm_s24le", "-rf64", "always"], 24, "WAV", "PCM"),
    lossless("s8.aiff", &["-c:a", "pcm_s8"], 8, "AIFF", "PCM"),
    lossless("s16.aiff", &["-c:a", "pcm_s16be"], 16, "AIFF", "PCM"),
    lossless("s24.aiff", &["-c:a", "pcm_s24be"], 24, "AIFF", "PCM"),
    lossless("s32.aiff", &["-c:a", "pcm_s32be"], 32, "AIFF", "PCM"),
    lossless("sowt.aifc", &["-c:a", "pcm_s16le", "-f", "aiff"], 16, "AIFF", "PCM"),
    lossless("fl32.aifc", &["-c:a", "pcm_f32be", "-f", "aiff"], 32, "AIFF", "PCM float"),
    lossless("s16.flac", &["-c:a", "flac", "-sample_fmt", "s16"], 16, "FLAC", "FLAC"),
    lossless("s24.flac", &["-c:a", "flac"], 24, "FLAC", "FLAC"),
    lossless("s16.caf", &["-c:a", "pcm_s16be"], 16, "CAF", "PCM"),
    lossless("s24.caf", &["-c:a", "pcm_s24le"], 24, "CAF", "PCM"),
    lossless("f32.caf", &["-c:a", "pcm_f32le"], 32, "CAF", "PCM float"),
    lossless("alac16.m4a", &["-c:a", "alac", "-sample_fmt", "s16p"], 16, "M4A", "ALAC"),
    lossless("alac24.m4a", &["-c:a", "alac", "-sample_fmt", "s32p"], 24, "M4A", "ALAC"),
    lossy("aac.m4a", &["-c:a", "aac", "-b:a", "192k"], "M4A", "AAC", 2e-5),
    lossy("aac-first.m4a", &["-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart"], "M4A", "AAC", 2e-5),
    lossy("vorbis.ogg", &["-c:a", "libvorbis"], "Ogg", "Vorbis", 5e-7),
    lossy("vorbis-mono.ogg", &["-c:a", "libvorbis", "-q:a", "1", "-ac", "1"], "Ogg", "Vorbis", 5e-7),
    lossy("cbr.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"], "MP3", "MP3", 3e-6),
    lossy("vbr.mp3", &["-c:a", "libmp3lame", "-q:a", "2", "-metadata", "title=A title"], "MP3", "MP3", 3e-6),
    lossy("half.mp3", &["-c:a", "libmp3lame", "-b:a", "64k", "-ar", "22050", "-ac", "1"], "MP3", "MP3", 3e-6),
];

impl Format {
    /// The file, made of `source`, beside it.
    pub fn make(&self, source: &Path) -> PathBuf {
        let file = source.with_file_name(self.name);
        let (from, to) = (source.to_string_lossy(), file.to_string_lossy());
        let mut args = vec!["-i", &from];
        args.extend_from_slice(self.args);
        args.push(&to);
        ffmpeg(&args);
        file
    }
}

/// Runs ffmpeg, which must succeed; gives what it wrote to its standard output.
pub fn ffmpeg(args: &[&str]) -> Vec<u8> {
    let out = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).output().expect("ffmpeg");
    assert!(out.status.success(), "ffmpeg {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Whether there is an ffmpeg to make and check files with; says loudly when there is not.
pub fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: no ffmpeg here, so the formats were not tested");
    }
    there
}

/// A folder with `source.wav` in it: 24 bits, stereo, 44.1 kHz.
pub fn with_source(secs: f64) -> (TestFolder, PathBuf) {
    let folder = TestFolder::new();
    let source = folder.path().join("source.wav");
    std::fs::write(&source, wav::bytes(44_100, 2, 24, &music(44_100, secs))).unwrap();
    (folder, source)
}

/// What the jailed worker says to a file, within the usual limits.
pub async fn examine(file: &Path) -> Result<(Examined, TestFolder), Refusal> {
    examine_within(file, Limits::default()).await
}

/// The same within others. The folder holds preview and sample, as long as it lives.
pub async fn examine_within(file: &Path, limits: Limits) -> Result<(Examined, TestFolder), Refusal> {
    let out = TestFolder::new();
    let wish = Wish { limits, ..Wish::new([7; 32], "track") };
    let found = audio::examine(worker(), File::open(file).unwrap(), &wish, out.path()).await?;
    Ok((found, out))
}

/// What the jailed worker says to these bytes.
pub async fn refusal_of(bytes: &[u8]) -> Result<(), Refusal> {
    let folder = TestFolder::new();
    let file = folder.path().join("upload");
    std::fs::write(&file, bytes).unwrap();
    examine(&file).await.map(|_| ())
}

/// The samples of a 24-bit WAV that the jailed worker makes of a file, interleaved.
pub async fn rendered(file: &Path) -> Vec<f32> {
    let out = TestFolder::new();
    let what = Rendering::Wav { bits: 24, tags: audio::Tags::default() };
    let file = File::open(file).unwrap();
    let made = audio::render(worker(), file, what, &Limits::default(), out.path()).await.unwrap();
    let bytes = std::fs::read(made).unwrap();
    bytes[wav::HEADER..]
        .as_chunks::<3>()
        .0
        .iter()
        .map(|[a, b, c]| (i32::from_le_bytes([0, *a, *b, *c]) >> 8) as f32 / 8_388_608.0)
        .collect()
}

/// The same by ffmpeg, before any rounding.
pub fn reference(file: &Path) -> Vec<f32> {
    let bytes = ffmpeg(&["-i", &file.to_string_lossy(), "-f", "f32le", "-c:a", "pcm_f32le", "-"]);
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}
