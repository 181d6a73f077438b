//! Every format and every refusal, through the real worker in its real jail.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cuehouse::audio::{self, Layers, Limits, Refusal, wav};
use sha2::{Digest, Sha256};

use crate::support::folder::TestFolder;
use crate::support::sound::{
    FORMATS, Format, examine, examine_within, ffmpeg, has_ffmpeg, music, reference, refusal_of, rendered,
    with_source, worker,
};

const RATE: u32 = 44_100;

// --- formats ---------------------------------------------------------------------------------------------------------

const SECS: f64 = 1.7;

/// What a file of `SECS` must be found to be.
async fn comes_out_whole(format: &Format, source: &Path) {
    let (name, file) = (format.name, format.make(source));
    let (found, _out) = examine(&file).await.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
    let facts = &found.facts;
    let rate = if name.starts_with("half") { RATE / 2 } else { RATE };
    let frames = (SECS * f64::from(rate)).round() as i64;
    assert_eq!((facts.frames, facts.sample_rate, facts.duration_ms), (frames, rate as i32, 1700), "{name}");
    let kind = (facts.container.as_str(), facts.codec.as_str(), facts.bits);
    assert_eq!(kind, (format.container, format.codec, format.bits), "{name}");
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(facts.file_sha256, hex::encode(Sha256::digest(&bytes)), "{name}");
    assert_eq!(facts.file_bytes, bytes.len() as i64, "{name}");
    assert_eq!((facts.oddities.damaged_packets, facts.oddities.not_numbers), (0, 0), "{name}");
    assert_eq!(facts.oddities.declared_frames, None, "{name}");
    match format.bits {
        // To the bit, by the hash that says whether two files hold the same recording.
        Some(_) => {
            let samples = ffmpeg(&["-i", &file.to_string_lossy(), "-f", "s32le", "-c:a", "pcm_s32le", "-"]);
            assert_eq!(facts.samples_sha256, hex::encode(Sha256::digest(&samples)), "{name}");
        }
        None => {
            let (ours, theirs) = (rendered(&file).await, reference(&file));
            // The reference fills the last packet of AAC up; what is beyond the counted frames is not sound.
            let samples = facts.frames as usize * facts.channels as usize;
            assert!(ours.len() == samples && theirs.len() >= samples, "{name}");
            let off = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off <= format.off, "{name} is {off:e} away from its reference");
        }
    }
    assert!(found.layers.limits && found.layers.no_new_privileges && found.layers.seccomp, "{name}");
    assert_eq!(found.peaks.len() as i64, 2 * ((frames + 255) / 256), "{name}");
    assert_eq!(found.bars.len(), 200, "{name}");
    assert!(found.artwork.starts_with("<svg") && found.artwork.len() <= 2048, "{name}");
}

async fn come_out_whole(some: impl Fn(&Format) -> bool) {
    if !has_ffmpeg() {
        return;
    }
    let (_folder, source) = with_source(SECS);
    let mut count = 0;
    for format in FORMATS.iter().filter(|format| some(format)) {
        comes_out_whole(format, &source).await;
        count += 1;
    }
    assert!(count > 4, "only {count} formats were looked at");
}

#[rocket::async_test]
async fn wav_comes_out_to_the_bit() {
    come_out_whole(|format| format.container == "WAV").await;
}

#[rocket::async_test]
async fn aiff_flac_caf_and_alac_come_out_to_the_bit() {
    come_out_whole(|format| format.container != "WAV" && format.bits.is_some()).await;
}

#[rocket::async_test]
async fn lossy_files_come_out_without_priming_and_near_their_reference() {
    come_out_whole(|format| format.bits.is_none()).await;
}

/// Frames and channels that another decoder finds in a file.
fn counted(file: &Path) -> (i64, i64) {
    let out = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=channels", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    let channels: i64 = String::from_utf8_lossy(&out.stdout).trim().parse().unwrap();
    (reference(file).len() as i64 / channels, channels)
}

#[rocket::async_test]
async fn another_decoder_finds_previews_exactly_as_long_as_their_masters() {
    if !has_ffmpeg() {
        return;
    }
    let (folder, source) = with_source(1.0);
    let (found, _out) = examine(&source).await.unwrap();
    assert_eq!(counted(&found.preview), (44_100, 2));
    assert_eq!(counted(&found.sample), (44_100, 2));
    // 96 kHz is none of MP3's rates: half of it is, and the time is the same.
    let high = folder.path().join("high.wav");
    std::fs::write(&high, wav::bytes(96_000, 1, 24, &music(96_000, 0.25))).unwrap();
    let (found, _out) = examine(&high).await.unwrap();
    assert_eq!(found.facts.frames, 48_000);
    assert_eq!(counted(&found.preview), (24_000, 1));
}

fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), &name[..], body].concat()
}

/// Where `needle` stands in `bytes`.
fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|part| part == needle).expect("not in there")
}

fn synchsafe(n: u32) -> [u8; 4] {
    [n >> 21 & 0x7f, n >> 14 & 0x7f, n >> 7 & 0x7f, n & 0x7f].map(|b| b as u8)
}

/// Frames in a file of these bytes.
async fn frames_of(name: &str, bytes: &[u8]) -> i64 {
    let folder = TestFolder::new();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let (found, _out) = examine(&file).await.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
    assert_eq!(found.facts.file_sha256, hex::encode(Sha256::digest(bytes)), "{name}");
    found.facts.frames
}

#[rocket::async_test]
async fn tags_before_and_behind_an_mp3_do_not_move_its_sound() {
    if !has_ffmpeg() {
        return;
    }
    let (_folder, source) = with_source(1.0);
    let mp3 = |args: &[&str]| {
        let file = source.with_file_name("made.mp3");
        let head =
            ["-i", &source.to_string_lossy(), "-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "0"];
        ffmpeg(&[&head[..], args, &[&file.to_string_lossy()]].concat());
        std::fs::read(&file).unwrap()
    };
    let plain = mp3(&[]);
    assert_eq!(frames_of("plain.mp3", &plain).await, 44_100);
    // A picture of a megabyte before the sound, as many albums have.
    let picture = vec![0x5a; 1 << 20];
    let mut tag = b"ID3\x03\0\0".to_vec();
    tag.extend(synchsafe(picture.len() as u32 + 10));
    tag.extend(b"APIC");
    tag.extend((picture.len() as u32).to_be_bytes());
    tag.extend([0, 0]);
    tag.extend(&picture);
    let mut behind = b"APETAGEX".to_vec();
    behind.extend([0xd0, 7, 0, 0, 32 + 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    behind.extend([0; 8]);
    let mut ape = vec![b'x'; 40];
    ape.append(&mut behind);
    let mut old = b"TAG".to_vec();
    old.resize(128, b' ');
    assert_eq!(frames_of("tagged.mp3", &[&tag[..], &plain, &ape, &old].concat()).await, 44_100);
    assert_eq!(frames_of("twice.mp3", &[&tag[..], &tag, &plain, &old].concat()).await, 44_100);
    // Without the frame that counts there is priming nobody knows of: the sound is whole, and a little longer.
    let uncounted = frames_of("bare.mp3", &mp3(&["-write_xing", "0"])).await;
    assert!((44_100..44_100 + 4 * 1152).contains(&uncounted), "{uncounted}");
}

#[rocket::async_test]
async fn what_an_aac_encoder_puts_before_the_sound_is_cut_however_it_is_told() {
    if !has_ffmpeg() {
        return;
    }
    let (_folder, source) = with_source(1.0);
    let m4a = |args: &[&str]| {
        let file = source.with_file_name("made.m4a");
        let head = ["-i", &source.to_string_lossy(), "-c:a", "aac", "-b:a", "128k"];
        ffmpeg(&[&head[..], args, &[&file.to_string_lossy()]].concat());
        std::fs::read(&file).unwrap()
    };
    // By an edit list.
    assert_eq!(frames_of("edited.m4a", &m4a(&[])).await, 44_100);
    // By nobody: then it is 1,024, and the end is that of the table.
    let bare = m4a(&["-use_editlist", "0"]);
    let uncut = frames_of("unedited.m4a", &bare).await;
    assert!((44_100..44_100 + 1024).contains(&uncut), "{uncut}");
    // By iTunes: in a comment of its own inside the movie, which ffmpeg writes last.
    let words = format!(" 00000000 00000400 00000200 {:016X} 00000000", 44_100);
    let data = [&[0, 0, 0, 1, 0, 0, 0, 0], words.as_bytes()].concat();
    let said = [
        boxed(b"mean", b"\0\0\0\0com.apple.iTunes"),
        boxed(b"name", b"\0\0\0\0iTunSMPB"),
        boxed(b"data", &data),
    ]
    .concat();
    let list = boxed(b"ilst", &boxed(b"----", &said));
    let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0mdirappl\0\0\0\0\0\0\0\0\0");
    let comment = boxed(b"udta", &boxed(b"meta", &[&[0; 4], &handler[..], &list].concat()));
    let moov = find(&bare, b"moov") - 4;
    let size = u32::from_be_bytes(bare[moov..moov + 4].try_into().unwrap());
    assert_eq!(moov + size as usize, bare.len(), "ffmpeg wrote the movie elsewhere");
    let mut told = bare.clone();
    told[moov..moov + 4].copy_from_slice(&(size + comment.len() as u32).to_be_bytes());
    told.extend(comment);
    assert_eq!(frames_of("told.m4a", &told).await, 44_100);
}

#[rocket::async_test]
async fn a_wav_is_read_however_its_lengths_are_written() {
    let sound = music(RATE, 0.5);
    let plain = wav::bytes(RATE, 2, 16, &sound);
    let frames = 22_050;
    let with = |at: usize, value: u32| {
        let mut bytes = plain.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    // A recorder that was switched off, a pipe, and a pipe that wrote the greatest number.
    assert_eq!(frames_of("zero.wav", &with(40, 0)).await, frames);
    assert_eq!(frames_of("open.wav", &with(40, u32::MAX)).await, frames);
    assert_eq!(frames_of("whole.wav", &with(4, 0)).await, frames);
    // A chunk of odd length before the sound, tags behind it, rubbish behind them.
    let mut odd = plain[..36].to_vec();
    odd.extend(b"note\x03\0\0\0abc\0");
    odd.extend(&plain[36..]);
    odd.extend(wav::info(&audio::Tags { title: "Rain".into(), ..Default::default() }));
    odd.extend([0xee; 777]);
    assert_eq!(frames_of("odd.wav", &odd).await, frames);
    // BW64 is RF64 by its broadcasters' name.
    let mut long = b"BW64\xff\xff\xff\xffWAVEds64".to_vec();
    long.extend(28u32.to_le_bytes());
    long.extend((plain.len() as u64 + 28).to_le_bytes());
    long.extend((frames as u64 * 4).to_le_bytes());
    long.extend((frames as u64).to_le_bytes());
    long.extend([0; 4]);
    long.extend(&plain[12..]);
    let data = long.len() - frames as usize * 4 - 4;
    long[data..data + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(frames_of("long.wav", &long).await, frames);
}

// --- refusals --------------------------------------------------------------------------------------------------------

fn sentence(result: Result<(), Refusal>) -> String {
    match result {
        Ok(()) => "taken".into(),
        Err(refusal) => refusal.to_string(),
    }
}

/// S1-04: a wrong type is refused by its content, not by its name.
#[rocket::async_test]
async fn what_is_no_sound_is_called_what_it_is() {
    let program = std::fs::read(worker()).unwrap();
    let midi = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0";
    let cases: &[(&[u8], &str)] = &[
        (&program[..1 << 20], "a program"),
        (b"MZ\x90\0\x03\0\0\0\x04\0", "a program for Windows"),
        (b"#!/bin/sh\nrm -rf /\n", "a script"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", "a ZIP archive"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "a gzip archive"),
        (b"Rar!\x1a\x07\0", "a RAR archive"),
        (b"<!DOCTYPE html>\n<html><body>Not found</body></html>", "a web page"),
        (b"\xef\xbb\xbf\n <HTML><script>alert(1)</script>", "a web page"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>", "a drawing"),
        (b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "a drawing"),
        (b"<?xml version=\"1.0\"?>\n<playlist/>", "an XML document"),
        (b"#EXTM3U\nhttp://169.254.169.254/latest/meta-data\n", "a playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "a playlist"),
        (b"[playlist]\nFile1=/etc/passwd\n", "a playlist"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture"),
        (b"GIF89a\x01\0\x01\0", "a picture"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a picture"),
        (b"RIFF\x24\0\0\0AVI LIST", "a video"),
        (b"RIFF\x24\0\0\0RMIDdata", "a MIDI file"),
        (midi, "a MIDI file"),
        (b"SQLite format 3\0", "a database"),
        (b"{\"kind\": \"sound\"}", "a data file"),
        (b"To be, or not to be, that is the question.\n", "a text"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0b\x0c\x0e\x0f", "nothing we know"),
        (&[0; 70_000], "nothing we know"),
    ];
    for (bytes, what) in cases {
        let said = sentence(refusal_of(bytes).await);
        assert!(
            said.starts_with(&format!("This is not a sound file we can read: it looks like {what}")),
            "{said}"
        );
        assert!(
            said.ends_with("Please upload WAV, AIFF, FLAC, CAF, M4A (AAC or ALAC), Ogg Vorbis or MP3."),
            "{said}"
        );
    }
}

#[rocket::async_test]
async fn sound_we_do_not_read_is_refused_by_name() {
    if !has_ffmpeg() {
        return;
    }
    let (folder, source) = with_source(0.4);
    let made = |name: &str, args: &[&str]| {
        let file = folder.path().join(name);
        ffmpeg(&[&["-i", &source.to_string_lossy()], args, &[&file.to_string_lossy()]].concat());
        std::fs::read(&file).unwrap()
    };
    let aac = made("plain.m4a", &["-c:a", "aac"]);
    // The audio configuration of AAC-LC at 44.1 kHz in stereo, followed by "no band replication".
    let config = find(&aac, b"\x12\x10\x56\xe5\x00");
    let (mut replicated, mut hidden) = (aac.clone(), aac);
    replicated[config] = 5 << 3 | 2;
    hidden[config + 4] = 0x80;
    let still = ["-f", "lavfi", "-i", "color=size=32x32:rate=5:duration=0.4", "-c:v", "mpeg4", "-c:a", "aac"];
    for (bytes, what) in [
        (made("sun.au", &[]), "Sun audio"),
        (made("wave.w64", &[]), "Wave64"),
        (made("pack.wv", &[]), "WavPack"),
        (made("true.tta", &["-sample_fmt", "s16"]), "True Audio"),
        (made("opus.ogg", &["-c:a", "libopus"]), "Opus"),
        (made("speex.ogg", &["-c:a", "libspeex", "-ar", "16000"]), "Speex"),
        (made("flac.ogg", &["-c:a", "flac"]), "FLAC inside Ogg"),
        (made("bare.aac", &["-f", "adts", "-c:a", "aac"]), "a bare AAC stream"),
        (made("two.mp2", &[]), "MPEG audio of layer 2"),
        (replicated, "HE-AAC"),
        (hidden, "HE-AAC"),
        // What MPEG-4 carries beside AAC and ALAC.
        (made("ac3.m4a", &["-c:a", "ac3", "-f", "mp4"]), "the coding inside this M4A file"),
        (made("g726.wav", &["-c:a", "g726", "-ar", "8000", "-ac", "1"]), "the coding inside this WAV file"),
    ] {
        let said = sentence(refusal_of(&bytes).await);
        assert!(said.starts_with(&format!("We do not read {what}")), "{what}: {said}");
    }
    for (bytes, what) in [
        (made("movie.mp4", &still), "a video"),
        (made("sound.mka", &["-c:a", "flac"]), "a WebM or Matroska file"),
    ] {
        let said = sentence(refusal_of(&bytes).await);
        assert!(said.contains(&format!("it looks like {what}")), "{what}: {said}");
    }
}

/// A WAV whose header says these, over 20,000 bytes of noise.
fn claims(format: u16, rate: u32, channels: u16, bits: u16) -> Vec<u8> {
    let block = u16::try_from(u32::from(channels) * u32::from(bits) / 8).unwrap_or(u16::MAX);
    let mut bytes = wav::header(rate, 1, 16, 10_000, 0).to_vec();
    bytes[20..22].copy_from_slice(&format.to_le_bytes());
    bytes[22..24].copy_from_slice(&channels.to_le_bytes());
    bytes[28..32].copy_from_slice(&rate.wrapping_mul(u32::from(block)).to_le_bytes());
    bytes[32..34].copy_from_slice(&block.to_le_bytes());
    bytes[34..36].copy_from_slice(&bits.to_le_bytes());
    let mut state = 1u32;
    bytes.extend((0..20_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    bytes
}

#[rocket::async_test]
async fn rates_channels_and_depths_out_of_reason_are_refused() {
    let slug = async |bytes: Vec<u8>| match refusal_of(&bytes).await {
        Ok(()) => "taken",
        Err(refusal) => refusal.slug(),
    };
    assert_eq!(slug(claims(1, 8_000, 1, 16)).await, "taken");
    assert_eq!(slug(claims(1, 47_999, 2, 16)).await, "taken");
    for rate in [1, 7_999, 384_001, 10_000_000, u32::MAX] {
        assert_eq!(slug(claims(1, rate, 2, 16)).await, "odd_rate", "{rate}");
    }
    for channels in [9, 64, u16::MAX] {
        let said = slug(claims(1, 44_100, channels, 16)).await;
        assert!(["odd_channels", "unsupported", "damaged"].contains(&said), "{channels}: {said}");
    }
    for (rate, channels, bits) in
        [(44_100, 0, 16), (44_100, 1, 0), (44_100, 1, 72), (44_100, 2, 1), (0, 1, 16)]
    {
        assert_ne!(slug(claims(1, rate, channels, bits)).await, "taken", "{rate} {channels} {bits}");
        assert_ne!(slug(claims(3, rate, channels, bits)).await, "taken", "{rate} {channels} {bits}");
    }
}

#[rocket::async_test]
async fn hollow_files_are_refused() {
    let loud = music(RATE, 0.5);
    let slug = async |bytes: &[u8]| match refusal_of(bytes).await {
        Ok(()) => "taken",
        Err(refusal) => refusal.slug(),
    };
    assert_eq!(slug(b"").await, "empty");
    assert_eq!(slug(&wav::bytes(RATE, 2, 16, &[])).await, "empty");
    assert_eq!(slug(b"ID3\x04\0\0\0\0\x10\0").await, "empty");
    assert_eq!(slug(&wav::bytes(RATE, 2, 16, &loud[..4_000])).await, "too_short");
    assert_eq!(slug(&wav::bytes(RATE, 2, 16, &vec![0.0; 44_100])).await, "silent");
    let whisper: Vec<f32> = loud.iter().map(|s| s * 2e-4).collect();
    assert_eq!(slug(&wav::bytes(RATE, 2, 24, &whisper)).await, "silent");
    // Said to be ten times as long as it is.
    let mut lying = wav::bytes(RATE, 2, 16, &loud);
    lying[40..44].copy_from_slice(&882_000u32.to_le_bytes());
    let refusal = refusal_of(&lying).await.unwrap_err();
    assert!(matches!(refusal, Refusal::CutOff { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("says that it lasts 5.0 s, but only 0.5 s"), "{refusal}");
}

/// A WAV of 32-bit floats, as they are.
fn floats(samples: &[f32]) -> Vec<u8> {
    let mut bytes = wav::header(RATE, 2, 32, samples.len() as u64 / 2, 0).to_vec();
    bytes[20] = 3;
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

#[rocket::async_test]
async fn samples_that_are_no_numbers_are_counted_and_refused_when_there_are_many() {
    let mut sound = music(RATE, 0.5);
    (sound[1_000], sound[2_000], sound[3_000]) = (f32::NAN, f32::INFINITY, -1e30);
    let folder = TestFolder::new();
    let file = folder.path().join("floats.wav");
    std::fs::write(&file, floats(&sound)).unwrap();
    let (found, _out) = examine(&file).await.unwrap();
    assert_eq!(found.facts.oddities.not_numbers, 3);
    assert!(found.facts.true_peak_dbtp.unwrap() < 6.0, "{:?}", found.facts.true_peak_dbtp);
    for strange in [f32::NAN, f32::NEG_INFINITY, 1e30] {
        let mut sound = music(RATE, 0.5);
        sound.iter_mut().step_by(50).for_each(|sample| *sample = strange);
        let count = sound.len().div_ceil(50) as u64;
        assert_eq!(refusal_of(&floats(&sound)).await, Err(Refusal::NotNumbers { count }));
    }
}

#[rocket::async_test]
async fn a_file_that_changes_midway_is_refused() {
    if !has_ffmpeg() {
        return;
    }
    let (folder, source) = with_source(0.5);
    let made = |name: &str, args: &[&str]| {
        let file = folder.path().join(name);
        ffmpeg(&[&["-i", &source.to_string_lossy()], args, &[&file.to_string_lossy()]].concat());
        std::fs::read(&file).unwrap()
    };
    let bare = ["-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"];
    let first = made("a.mp3", &bare);
    let other_rate = made("b.mp3", &[&bare[..], &["-ar", "48000"]].concat());
    let one_side = made("c.mp3", &[&bare[..], &["-ac", "1"]].concat());
    assert_eq!(refusal_of(&[&first[..], &other_rate].concat()).await, Err(Refusal::Changes));
    assert_eq!(refusal_of(&[&first[..], &one_side].concat()).await, Err(Refusal::Changes));
    let first = made("a.ogg", &["-c:a", "libvorbis"]);
    let other_rate = made("b.ogg", &["-c:a", "libvorbis", "-ar", "22050"]);
    assert_eq!(refusal_of(&[&first[..], &other_rate].concat()).await, Err(Refusal::Changes));
}

#[rocket::async_test]
async fn a_small_file_cannot_unfold_without_end() {
    if !has_ffmpeg() {
        return;
    }
    let folder = TestFolder::new();
    let bomb = folder.path().join("bomb.flac");
    let silence = ["-f", "lavfi", "-i", "anullsrc=sample_rate=8000:channel_layout=mono"];
    ffmpeg(&[&silence[..], &["-t", "36000", "-compression_level", "12", &bomb.to_string_lossy()]].concat());
    assert!(std::fs::metadata(&bomb).unwrap().len() < 2 << 20, "no bomb");
    let begun = Instant::now();
    let refused = examine_within(&bomb, Limits { max_secs: 20, ..Limits::default() }).await.map(drop);
    assert_eq!(refused, Err(Refusal::TooLong { max_secs: 20 }));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // And by the clock on the wall, when all else fails.
    let limits = Limits { wall: Duration::from_millis(300), ..Limits::default() };
    assert_eq!(examine_within(&bomb, limits).await.map(drop), Err(Refusal::TooSlow));
}

#[rocket::async_test]
async fn huge_tags_neither_hurt_nor_help() {
    if !has_ffmpeg() {
        return;
    }
    let (folder, source) = with_source(0.3);
    let made = |name: &str, args: &[&str]| {
        let file = folder.path().join(name);
        ffmpeg(&[&["-i", &source.to_string_lossy()], args, &[&file.to_string_lossy()]].concat());
        std::fs::read(&file).unwrap()
    };
    const HUGE: usize = 60 << 20;
    let frames = 13_230;
    // One text of 60 MB before an MP3.
    let mut mp3 = b"ID3\x04\0\0".to_vec();
    mp3.extend(synchsafe(HUGE as u32));
    mp3.extend(b"TIT2");
    mp3.extend(synchsafe(HUGE as u32 - 10));
    mp3.extend([0, 0, 3]);
    mp3.resize(10 + HUGE, b'x');
    mp3.extend(made("a.mp3", &["-id3v2_version", "0"]));
    assert_eq!(frames_of("huge.mp3", &mp3).await, frames);
    // The same in a chunk of a WAV, before its sound (and within what is looked at) and behind.
    let plain = std::fs::read(&source).unwrap();
    let mut wav = plain.clone();
    wav.extend(b"LIST");
    wav.extend((HUGE as u32).to_le_bytes());
    wav.extend(b"INFOINAM");
    wav.extend((HUGE as u32 - 12).to_le_bytes());
    wav.resize(wav.len() + HUGE - 12, b'x');
    assert_eq!(frames_of("huge.wav", &wav).await, frames);
    // Pictures of 16 MB, eight of them, before a FLAC.
    let flac = made("a.flac", &["-c:a", "flac"]);
    let mut many = flac[..4 + 4 + 34].to_vec();
    many[4] &= 0x7f;
    let size = (16 << 20) - 1;
    for _ in 0..8 {
        many.extend([6, (size >> 16) as u8, (size >> 8) as u8, size as u8]);
        many.extend([0, 0, 0, 3, 0, 0, 0, 9]);
        many.extend(b"image/png");
        many.extend([0; 4 + 16]);
        many.extend((size as u32 - 41).to_be_bytes());
        many.resize(many.len() + size - 41, 0x89);
    }
    many.extend(&flac[4 + 4 + 34..]);
    assert_eq!(frames_of("huge.flac", &many).await, frames);
    // A movie box of 40 MB holds everything but sound.
    let m4a = made("a.m4a", &["-c:a", "alac", "-sample_fmt", "s16p"]);
    let moov = find(&m4a, b"moov") - 4;
    let body = (m4a.len() - moov) as u32;
    let mut fat = m4a.clone();
    fat[moov..moov + 4].copy_from_slice(&(body + (40 << 20)).to_be_bytes());
    fat.extend((40u32 << 20).to_be_bytes());
    fat.extend(b"free");
    fat.resize(fat.len() + (40 << 20) - 8, 0);
    assert_eq!(refusal_of(&fat).await, Err(Refusal::TooLarge));
}

#[rocket::async_test]
async fn files_that_were_cut_off_are_refused() {
    if !has_ffmpeg() {
        return;
    }
    let (_folder, source) = with_source(2.0);
    for format in FORMATS {
        let file = format.make(&source);
        let bytes = std::fs::read(&file).unwrap();
        let said = match refusal_of(&bytes[..bytes.len() * 6 / 10]).await {
            Ok(()) => "taken",
            Err(refusal) => refusal.slug(),
        };
        // The movie box of an MP4 stands at its end, if nobody moved it.
        let wanted = match format.container {
            "M4A" if !format.name.contains("first") => "damaged",
            _ => "cut_off",
        };
        assert_eq!(said, wanted, "{}", format.name);
    }
}

// --- the jail --------------------------------------------------------------------------------------------------------

#[rocket::async_test]
async fn a_worker_cannot_get_out_of_its_jail() {
    let (folder, out) = (TestFolder::new(), TestFolder::new());
    let file: PathBuf = folder.path().join("master");
    std::fs::write(&file, b"a master").unwrap();
    let escaped = audio::escapes(worker(), &file, out.path()).await.unwrap();
    assert!(escaped.is_empty(), "{escaped:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"a master");
    // Without a jail all of it succeeds: see the test beside the jail.
}

#[rocket::async_test]
async fn the_layers_that_are_told_are_the_workers_own() {
    let (_folder, source) = with_source(0.1);
    let (found, _out) = examine(&source).await.unwrap();
    let told = tokio::task::spawn_blocking(audio::layers).await.unwrap();
    assert_eq!(found.layers, told);
    assert!(told.limits && told.no_new_privileges && told.seccomp, "{told:?}");
    assert!(["full", "partial", "off"].contains(&told.landlock.as_str()));
    assert!(!Layers::default().are_whole());
}

#[rocket::async_test]
async fn a_worker_that_does_not_start_is_our_fault_and_not_the_files() {
    let (folder, source) = with_source(0.1);
    let wish = audio::Wish::new([7; 32], "track");
    for program in ["/nowhere/cuehouse", "/bin/true", "/bin/cat"] {
        let file = File::open(&source).unwrap();
        let refusal = audio::examine(Path::new(program), file, &wish, folder.path()).await.unwrap_err();
        assert!(refusal.is_ours(), "{program}: {refusal:?}");
    }
}
