//! Damaged sound of every format, thousands of times if asked, through the real worker in its real jail.
//!
//! The corpus follows from a seed: `CUEHOUSE_DAMAGE_SEED` chooses another one, `CUEHOUSE_DAMAGE_CASES` more of it.

use std::time::Duration;

use cuehouse::audio::{Limits, Refusal};

use crate::support::folder::TestFolder;
use crate::support::sound::{FORMATS, examine_within, has_ffmpeg, with_source};

/// Numbers that nobody can tell from chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }
}

/// Does something to `bytes` that disks, networks and people do, and says what.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) -> &'static str {
    let len = bytes.len();
    // Where the lengths and counts are: more harm is done there than in the sound.
    let place = |dice: &mut Dice| match dice.below(3) {
        0 => dice.below(len.min(64)),
        1 => dice.below(len.min(4096)),
        _ => dice.below(len),
    };
    match dice.below(8) {
        0 => {
            bytes.truncate(1 + dice.below(len));
            "cut off"
        }
        1 => {
            for _ in 0..1 + dice.below(4) {
                let at = place(dice);
                bytes[at] ^= 1 << dice.below(8);
            }
            "a few bits"
        }
        2 => {
            for _ in 0..1 + len / 200 {
                let at = dice.below(len);
                bytes[at] = dice.roll() as u8;
            }
            "many bytes"
        }
        3 => {
            let at = place(dice);
            for byte in bytes.iter_mut().skip(at).take(4) {
                *byte = 0xff;
            }
            "a greatest number"
        }
        4 => {
            let at = place(dice);
            for byte in bytes.iter_mut().skip(at).take(1 + dice.below(64)) {
                *byte = 0;
            }
            "a hole"
        }
        5 => {
            let at = place(dice);
            bytes.drain(at..(at + 1 + dice.below(2000)).min(len));
            "a piece lost"
        }
        6 => {
            let at = place(dice);
            let piece = bytes[at..(at + 1 + dice.below(2000)).min(len)].to_vec();
            bytes.splice(at..at, piece);
            "a piece twice"
        }
        _ => {
            let (a, b) = (place(dice), place(dice));
            for i in 0..(1 + dice.below(16)).min(len - a.max(b)) {
                bytes.swap(a + i, b + i);
            }
            "pieces swapped"
        }
    }
}

fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().expect("a number"))
}

/// S1-31: whatever is done to a file of sound, its reader answers with facts or with a refusal.
#[rocket::async_test]
async fn damaged_sound_gives_facts_or_a_refusal_and_never_hurts() {
    if !has_ffmpeg() {
        return;
    }
    let (cases, seed) = (asked("CUEHOUSE_DAMAGE_CASES", 200), asked("CUEHOUSE_DAMAGE_SEED", 20));
    let (_folder, source) = with_source(0.15);
    let corpus: Vec<Vec<u8>> =
        FORMATS.iter().map(|format| std::fs::read(format.make(&source)).unwrap()).collect();
    let folder = TestFolder::new();
    let limits = Limits { max_secs: 60, wall: Duration::from_secs(60) };
    let one = async |case: u64| {
        let (format, mut bytes) = {
            let n = case as usize % FORMATS.len();
            (&FORMATS[n], corpus[n].clone())
        };
        let mut dice = Dice((seed << 32) | case);
        let mut what = vec![damage(&mut bytes, &mut dice)];
        if case.is_multiple_of(3) {
            what.push(damage(&mut bytes, &mut dice));
        }
        let told = format!("seed {seed}, case {case}: {}, {}", format.name, what.join(" and "));
        let file = folder.path().join(case.to_string());
        std::fs::write(&file, &bytes).unwrap();
        let result = examine_within(&file, limits.clone()).await;
        let _ = std::fs::remove_file(&file);
        match result {
            Ok((found, _out)) => {
                let facts = found.facts;
                assert!(facts.frames > 0 && facts.duration_ms >= 50, "{told}: {facts:?}");
                assert_eq!(facts.file_bytes, bytes.len() as i64, "{told}");
                assert!(found.preview.exists() && found.sample.exists(), "{told}");
                false
            }
            // A worker that ran out of its memory or its time, or that we could not talk to.
            Err(refusal @ (Refusal::TooLarge | Refusal::TooSlow | Refusal::Ours { .. })) => {
                panic!("{told}: {refusal:?}")
            }
            Err(_) => true,
        }
    };
    // Four at a time, as a shop with some cores would.
    let lane = async |lane: u64| {
        let mut refused = 0;
        for case in (lane..cases).step_by(4) {
            refused += u64::from(one(case).await);
        }
        refused
    };
    let (a, b, c, d) = tokio::join!(lane(0), lane(1), lane(2), lane(3));
    let refused = a + b + c + d;
    eprintln!("{cases} damaged files of seed {seed}: {refused} refused, {} taken", cases - refused);
    // Were nothing refused, or all, something else would be broken.
    assert!(refused > cases / 4 && refused < cases, "{refused} of {cases} refused");
}
