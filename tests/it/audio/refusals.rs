//! What is refused, and in which words.

use std::time::Duration;

use cuehouse::audio::{Limits, Refusal, wav};

use super::{RATE, find, frames_of, synchsafe};
use crate::support::folder::TestFolder;
use crate::support::sound::{
    FORMATS, examine, examine_within, ffmpeg, has_ffmpeg, music, refusal_of, with_source, worker,
};

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
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\x01\xa4meta", "a picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "a picture"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "a picture"),
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
        (made("mute.mov", &[&still[..], &["-an"]].concat()), "a video"),
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
    for channels in [0, 9, 64, u16::MAX] {
        assert_eq!(slug(claims(1, 44_100, channels, 16)).await, "odd_channels", "{channels}");
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
    // In the longest blocks there are, ten hours are 72 kB; in those ffmpeg chooses, a hundred times that.
    ffmpeg(&[&silence[..], &["-t", "36000", "-frame_size", "65535", &bomb.to_string_lossy()]].concat());
    assert!(std::fs::metadata(&bomb).unwrap().len() < 128 << 10, "no bomb");
    // That it is told for its length, and not by the clock, says that no ten hours were unfolded.
    let refused =
        examine_within(&bomb, Limits { max_secs: 20, wall: Duration::from_secs(60) }).await.map(drop);
    assert_eq!(refused, Err(Refusal::TooLong { max_secs: 20 }));
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
    let (_folder, source) = with_source(6.0);
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
