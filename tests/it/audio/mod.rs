//! Every format and every refusal, through the real worker in its real jail.

mod refusals;

use std::fs::File;
use std::path::{Path, PathBuf};

use cuehouse::audio::{self, Layers, Refusal, wav};
use sha2::{Digest, Sha256};

use crate::support::folder::TestFolder;
use crate::support::sound::{
    FORMATS, Format, examine, ffmpeg, has_ffmpeg, music, reference, refusal_of, rendered, with_source, worker,
};

const RATE: u32 = 44_100;

// --- formats ---------------------------------------------------------------------------------------------------------

/// A length that ffmpeg can write down: it cuts no more than one packet off the end of an MP3, and LAME may
/// need two to ring out (at 1.7 s and 22.05 kHz the file itself says two frames too many).
const SECS: f64 = 1.6;

/// What a file of `SECS` must be found to be.
async fn comes_out_whole(format: &Format, source: &Path) {
    let (name, file) = (format.name, format.make(source));
    let (found, _out) = examine(&file).await.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
    let facts = &found.facts;
    let rate = if name.starts_with("half") { RATE / 2 } else { RATE };
    let frames = (SECS * f64::from(rate)).round() as i64;
    assert_eq!((facts.frames, facts.sample_rate, facts.duration_ms), (frames, rate as i32, 1600), "{name}");
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
            assert!(format.codec == "AAC" || theirs.len() == samples, "{name}: {} there", theirs.len());
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

/// A CAF of 16-bit stereo whose sound says to be so many bytes long.
fn caf(sound: &[u8], said: i64) -> Vec<u8> {
    let mut bytes = b"caff\0\x01\0\0".to_vec();
    let mut chunk = |name: &[u8; 4], len: i64, body: &[&[u8]]| {
        bytes.extend(name);
        bytes.extend(len.to_be_bytes());
        body.iter().for_each(|part| bytes.extend(*part));
    };
    let shape = [0u32, 4, 1, 2, 16].map(u32::to_be_bytes);
    chunk(b"desc", 32, &[&f64::from(RATE).to_be_bytes(), b"lpcm", shape.as_flattened()]);
    chunk(b"free", 5, &[b"a gap"]);
    chunk(b"data", said, &[&[0; 4], sound]);
    bytes
}

#[rocket::async_test]
async fn a_caf_is_read_however_its_length_is_written() {
    let sound: Vec<u8> =
        music(RATE, 0.5).iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_be_bytes()).collect();
    let (frames, whole) = (22_050, sound.len() as i64 + 4);
    assert_eq!(frames_of("plain.caf", &caf(&sound, whole)).await, frames);
    // A pipe leaves it open; so does a recorder that was switched off, in the middle of a frame.
    assert_eq!(frames_of("open.caf", &caf(&sound, -1)).await, frames);
    assert_eq!(frames_of("torn.caf", &caf(&sound[..sound.len() - 3], -1)).await, frames - 1);
    // A frame too much said is no reason to refuse; ten times as much is.
    assert_eq!(frames_of("more.caf", &caf(&sound, whole + 4)).await, frames);
    let refusal = refusal_of(&caf(&sound, 10 * whole)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::CutOff { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("says that it lasts 5.0 s, but only 0.5 s"), "{refusal}");
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
