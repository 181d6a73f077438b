//! The audible mark: a short motif of the shop's own, at places nobody can gate out.

use ebur128::{EbuR128, Mode};
use sha2::{Digest, Sha256};

use super::Refusal;

/// Seconds the motif lasts.
pub const MOTIF_SECS: f64 = 0.6;
/// The music under it is lowered by 5 dB, within 60 ms, and comes back within 250.
const DUCK: f32 = 0.562_341_3;
const DUCK_SECS: f64 = 0.060;
const RETURN_SECS: f64 = 0.250;
/// Loudness units the mark lies under the music of its place.
const UNDER_LU: f64 = 4.0;
/// It is never quieter than so many LU under the level of the whole, or a pause would hide it.
const FAINTEST_LU: f64 = 16.0;

/// Three tones, both channels interleaved, as loud as 0 LUFS.
#[derive(Clone)]
pub struct Motif {
    samples: Vec<f32>,
}

impl Motif {
    /// The motif of a shop. `seed` picks its tones; both channels play them, the right one later, with other
    /// overtones and turned over in part, so that neither the middle nor the side can be taken away whole.
    pub fn new(seed: &[u8; 32], rate: u32) -> Result<Motif, Refusal> {
        let rate_f = f64::from(rate);
        let frames = (MOTIF_SECS * rate_f) as usize;
        let mut samples = vec![0f32; frames * 2];
        // A pentatonic scale from 784 Hz on: with their first overtone all tones stay between 600 and 4,000 Hz.
        const STEPS: [f64; 6] = [0.0, 2.0, 4.0, 7.0, 9.0, 12.0];
        let mut last = usize::MAX;
        for tone in 0..3 {
            let mut pick = usize::from(seed[tone]) % STEPS.len();
            if pick == last {
                pick = (pick + 2) % STEPS.len();
            }
            last = pick;
            let hertz = 784.0 * 2f64.powf((STEPS[pick] + f64::from(seed[8] % 5)) / 12.0);
            for (side, late, turned, overtone) in [(0, 0.0, 1.0, 0.30), (1, 0.012, -0.55, 0.55)] {
                let begin = 0.02 + tone as f64 * 0.175 + late;
                let long = if tone == 2 { 0.20 } else { 0.17 };
                for i in (begin * rate_f) as usize..(((begin + long) * rate_f) as usize).min(frames) {
                    let t = i as f64 / rate_f - begin;
                    let rise = (t / 0.008).clamp(0.0, 1.0) * ((long - t) / 0.040).clamp(0.0, 1.0);
                    let phase = std::f64::consts::TAU * hertz * t;
                    // The right channel leans by a quarter turn, so that a sum keeps part of both.
                    let value = (phase + 0.9 * f64::from(side)).sin() + overtone * (2.0 * phase).sin();
                    samples[i * 2 + side as usize] += (value * rise * turned) as f32;
                }
            }
        }
        let mut meter = EbuR128::new(2, rate, Mode::I).map_err(Refusal::ours)?;
        for _ in 0..4 {
            meter.add_frames_f32(&samples).map_err(Refusal::ours)?;
        }
        let lufs = meter.loudness_global().map_err(Refusal::ours)?;
        let by = 10f64.powf(-lufs / 20.0) as f32;
        samples.iter_mut().for_each(|s| *s *= by);
        Ok(Motif { samples })
    }

    /// One that ducks and says nothing.
    #[cfg(test)]
    pub fn muted(&self) -> Motif {
        Motif { samples: vec![0.0; self.samples.len()] }
    }

    /// Both channels, interleaved.
    #[cfg(test)]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    pub fn frames(&self) -> usize {
        self.samples.len() / 2
    }
}

/// Where marks begin, in seconds, in a stretch of `secs`: 8 to 12 s apart, so that no 15 s are free of a
/// whole one. A short stretch has one at least.
pub fn places(seed: &[u8; 32], secs: f64) -> Vec<f64> {
    let room = (secs - MOTIF_SECS).max(0.0);
    let part = |n: u32| {
        let hash = Sha256::new().chain_update(seed).chain_update(n.to_le_bytes()).finalize();
        f64::from(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])) / f64::from(u32::MAX)
    };
    let mut at = if secs < 8.0 { room * (0.1 + 0.5 * part(0)) } else { 1.0 + 3.0 * part(0) };
    let mut places = Vec::new();
    for n in 1.. {
        places.push(at);
        at += 8.0 + 4.0 * part(n);
        if at > room {
            break;
        }
    }
    places
}

/// Places of the marks, and how loud each is, in LUFS.
fn loud_places(
    seed: &[u8; 32],
    secs: f64,
    level: f64,
    loudness: impl Fn(f64) -> f64,
) -> impl Iterator<Item = (f64, f64)> {
    places(seed, secs)
        .into_iter()
        .map(move |at| (at, (loudness(at + MOTIF_SECS / 2.0) - UNDER_LU).max(level - FAINTEST_LU)))
}

/// Does to the power of each tenth of a second of a stretch what the marks will do to its sound. The rest is
/// as [`Marker::new`] takes it.
pub fn expected(seed: &[u8; 32], secs: f64, level: f64, loudness: impl Fn(f64) -> f64, tenths: &mut [f64]) {
    let duck = f64::from(DUCK).powi(2);
    for (at, lufs) in loud_places(seed, secs, level, loudness) {
        let first = (at * 10.0) as usize;
        for (i, power) in tenths.iter_mut().enumerate().skip(first).take(9) {
            let since = (i as f64 + 0.5) / 10.0 - at;
            // The music comes back in the last of these tenths.
            let depth = (1.0 - (since - MOTIF_SECS) / RETURN_SECS).clamp(0.0, 1.0);
            *power *= 1.0 - (1.0 - duck) * depth;
            if since < MOTIF_SECS {
                *power += 10f64.powf(lufs / 10.0);
            }
        }
    }
}

/// Lays the marks of one stretch over it, block by block.
pub struct Marker {
    motif: Motif,
    channels: usize,
    rate: f64,
    /// First frame and gain of each mark.
    marks: Vec<(u64, f32)>,
    /// The first mark that is not past.
    next: usize,
    at: u64,
}

impl Marker {
    /// `loudness(secs)` is the music's loudness around a second of the stretch, as it will be heard, in LUFS;
    /// `level` that of the whole.
    pub fn new(
        motif: Motif,
        seed: &[u8; 32],
        rate: u32,
        channels: usize,
        frames: u64,
        level: f64,
        loudness: impl Fn(f64) -> f64,
    ) -> Marker {
        let rate = f64::from(rate);
        let marks = loud_places(seed, frames as f64 / rate, level, loudness)
            .map(|(secs, lufs)| ((secs * rate) as u64, 10f64.powf(lufs / 20.0) as f32))
            .collect();
        Marker { motif, channels, rate, marks, next: 0, at: 0 }
    }

    /// Ducks and mixes in place; blocks come in order.
    pub fn lay(&mut self, block: &mut [f32]) {
        let frames = (block.len() / self.channels) as u64;
        let (fall, back) = ((DUCK_SECS * self.rate) as u64, (RETURN_SECS * self.rate) as u64);
        let long = self.motif.frames() as u64;
        let (from, to) = (self.at, self.at + frames);
        self.at = to;
        while self.marks.get(self.next).is_some_and(|(begin, _)| begin + long + back <= from) {
            self.next += 1;
        }
        for (begin, gain) in
            self.marks[self.next..].iter().copied().take_while(|(begin, _)| begin.saturating_sub(fall) < to)
        {
            let first = begin.saturating_sub(fall).max(from);
            for frame in first..(begin + long + back).min(to) {
                let depth = if frame < begin {
                    1.0 - (begin - frame) as f32 / fall as f32
                } else if frame < begin + long {
                    1.0
                } else {
                    1.0 - (frame - begin - long) as f32 / back as f32
                };
                let duck = 1.0 - (1.0 - DUCK) * depth;
                let place = (frame - from) as usize * self.channels;
                let note = frame.checked_sub(begin).filter(|n| *n < long).map(|n| n as usize * 2);
                for channel in 0..self.channels {
                    let tone = note.map_or(0.0, |n| self.motif.samples[n + channel.min(1)]);
                    block[place + channel] = block[place + channel] * duck + tone * gain;
                }
            }
        }
    }
}

/// A seed for one use of the shop's key: its motif, or the places in one rendering of one track.
pub fn seed(key: &[u8; 32], what: &str, track: &str) -> [u8; 32] {
    use hmac::{Hmac, KeyInit, Mac};
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(what.as_bytes());
    mac.update(&[0]);
    mac.update(track.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// How clearly the motif stands in `sound` (interleaved stereo): the best normalised correlation over all
    /// places, looked for in the left channel.
    pub fn clearness(motif: &Motif, sound: &[f32], step: usize) -> f64 {
        let long = motif.frames();
        let left: Vec<f32> = motif.samples.iter().step_by(2).copied().collect();
        let energy: f64 = left.iter().map(|s| f64::from(s * s)).sum();
        let frames = sound.len() / 2;
        let mut best = 0f64;
        for at in (0..frames.saturating_sub(long)).step_by(step) {
            let (mut product, mut own) = (0f64, 0f64);
            // Every third sample is plenty below 4 kHz.
            for i in (0..long).step_by(3) {
                let s = f64::from(sound[(at + i) * 2]);
                product += s * f64::from(left[i]);
                own += s * s;
            }
            best = best.max((product / (own * energy / 3.0).sqrt().max(1e-12)).abs());
        }
        best
    }

    #[test]
    fn no_fifteen_seconds_are_free_of_a_mark() {
        for n in 0..200u8 {
            let seed = [n; 32];
            let secs = 3.0 + f64::from(n) * 1.7;
            let places = places(&seed, secs);
            assert!(!places.is_empty());
            if secs >= 15.0 {
                let mut edges = vec![-MOTIF_SECS];
                edges.extend(&places);
                edges.push(secs);
                // Between the end of one whole mark's beginning and the end of the next.
                for pair in edges.windows(2) {
                    assert!(pair[1] - pair[0] <= 15.0 - MOTIF_SECS + 1e-9, "{secs}: {pair:?}");
                }
                assert!(secs - places[places.len() - 1] <= 15.0, "{secs}");
            }
            assert!(places.iter().all(|at| at + MOTIF_SECS <= secs));
        }
    }

    #[test]
    fn places_follow_the_key_and_the_track() {
        let places = |key: u8, track: &str| places(&seed(&[key; 32], "preview", track), 60.0);
        assert_eq!(places(1, "a"), places(1, "a"));
        assert_ne!(places(1, "a"), places(1, "b"));
        assert_ne!(places(1, "a"), places(2, "a"));
    }

    #[test]
    fn shops_sound_different_and_as_loud_as_said() -> Result<(), Refusal> {
        let a = Motif::new(&seed(&[1; 32], "motif", ""), 44_100)?;
        let b = Motif::new(&seed(&[2; 32], "motif", ""), 44_100)?;
        assert!(clearness(&a, &a.samples.repeat(2), 1) > 0.99);
        assert!(clearness(&a, &b.samples.repeat(2), 9) < 0.8);
        for n in 0..40u8 {
            let motif = Motif::new(&seed(&[n; 32], "motif", ""), 44_100)?;
            let (mut middle, mut side, mut all) = (0f64, 0f64, 0f64);
            for [l, r] in motif.samples.as_chunks::<2>().0 {
                middle += f64::from((l + r) * (l + r)) / 2.0;
                side += f64::from((l - r) * (l - r)) / 2.0;
                all += f64::from(l * l + r * r);
            }
            // Neither cancelling the middle nor keeping only it takes more than 10 dB off the mark.
            assert!(middle > 0.1 * all && side > 0.1 * all, "{n}: {middle} {side} {all}");
        }
        Ok(())
    }

    #[test]
    fn the_mark_lies_where_it_should_and_nowhere_else() -> Result<(), Refusal> {
        let motif = Motif::new(&[3; 32], 44_100)?;
        let mut marker = Marker::new(motif, &[4; 32], 44_100, 2, 44_100 * 20, -16.0, |_| -20.0);
        let marks = marker.marks.clone();
        let mut sound = vec![0f32; 44_100 * 20 * 2];
        sound.chunks_mut(5000).for_each(|block| marker.lay(block));
        for (i, frame) in sound.as_chunks::<2>().0.iter().enumerate() {
            let inside = marks.iter().any(|(begin, _)| (*begin..begin + 26_460).contains(&(i as u64)));
            assert!(inside || *frame == [0.0; 2], "{i}");
        }
        let begin = marks[0].0 as usize;
        let mut meter = EbuR128::new(2, 44_100, Mode::M).map_err(Refusal::ours)?;
        meter
            .add_frames_f32(&sound[(begin + 2000) * 2..(begin + 2000 + 17_640) * 2])
            .map_err(Refusal::ours)?;
        let lufs = meter.loudness_momentary().map_err(Refusal::ours)?;
        assert!((lufs + 24.0).abs() < 2.5, "{lufs}");
        Ok(())
    }
}
