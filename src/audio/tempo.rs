//! Tempo: beats a minute, and how sure that is.

use taktus::{Ear, beats_of, tempo_of};

/// What there is to say about the beat.
#[derive(Clone, Debug, Default)]
pub struct Tempo {
    pub bpm: Option<f64>,
    /// 0 to 1; shown plainly from 0.25, as a question from 0.10.
    pub sure: f64,
    /// How much starts in each sixteenth of a bar of four beats, 0 to 1.
    pub bar: [f32; 16],
}

/// Below this nothing is said.
const FAINT: f64 = 0.10;
/// A loop that is shorter says too little; it is heard again and again until so many seconds.
const SHORT_SECS: f64 = 4.0;
const REPEATED_SECS: f64 = 24.0;

/// Listens to the 11,025 Hz signal.
pub struct Listener {
    rate: u32,
    ear: Ear,
    onsets: Vec<f32>,
    /// The first seconds themselves, for a sound that has no more.
    first: Vec<f32>,
}

impl Listener {
    /// A listener that has heard nothing, for samples at this rate.
    pub fn new(rate: u32) -> Listener {
        Listener { rate, ear: Ear::new(rate), onsets: Vec::new(), first: Vec::new() }
    }

    /// Takes in the next samples.
    pub fn hear(&mut self, mono: &[f32]) {
        let room = (SHORT_SECS * f64::from(self.rate)) as usize + 1;
        let take = room.saturating_sub(self.first.len()).min(mono.len());
        self.first.extend_from_slice(&mono[..take]);
        self.onsets.extend(mono.iter().filter_map(|sample| self.ear.hear(*sample)));
    }

    /// How much just started, a hundred values a second.
    pub fn onsets(&self) -> &[f32] {
        &self.onsets
    }

    /// The tempo of a sound of `secs` seconds, exact to the frame.
    pub fn finish(&mut self, secs: f64) -> Tempo {
        // A single stroke repeated would make a beat of its own length.
        if secs < 1.0 {
            return Tempo::default();
        }
        if secs < SHORT_SECS {
            self.ear = Ear::new(self.rate);
            self.onsets.clear();
            for _ in 0..(REPEATED_SECS / secs).ceil() as usize {
                self.onsets.extend(self.first.iter().filter_map(|sample| self.ear.hear(*sample)));
            }
        }
        let Some(beat) = tempo_of(&self.onsets).filter(|beat| beat.sure >= FAINT) else {
            return Tempo::default();
        };
        let bar = bar(&self.onsets, beat.period);
        Tempo { bpm: Some(snapped(beat.bpm(), secs)), sure: beat.sure.clamp(0.0, 1.0), bar }
    }
}

/// A loop holds whole beats: the reading moves to them where they are near.
fn snapped(bpm: f64, secs: f64) -> f64 {
    let beats = bpm * secs / 60.0;
    let whole = beats.round().max(1.0);
    let near = if secs < SHORT_SECS { 0.06 } else { 0.006 };
    let bpm = if secs <= 30.0 && (beats / whole - 1.0).abs() <= near { 60.0 * whole / secs } else { bpm };
    (bpm * 100.0).round() / 100.0
}

/// The onsets folded into one bar of four beats.
fn bar(onsets: &[f32], period: f64) -> [f32; 16] {
    let mut bar = [0f32; 16];
    let Some(first) = beats_of(onsets, period).first().copied() else { return bar };
    for (i, onset) in onsets.iter().enumerate() {
        let beats = (i as f64 / taktus::RATE as f64 + taktus::LEAD - first) / period;
        let slot = (beats * 4.0).round().rem_euclid(16.0) as usize;
        bar[slot.min(15)] += onset;
    }
    let most = bar.iter().fold(0f32, |most, v| most.max(*v)).max(f32::MIN_POSITIVE);
    bar.map(|v| v / most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drums(bpm: f64, secs: f64) -> Vec<f32> {
        let rate = 11_025.0;
        (0..(secs * rate) as usize)
            .map(|i| {
                let since = (i as f64 / rate) % (60.0 / bpm);
                ((since * 900.0).sin() * (-since * 40.0).exp()) as f32
            })
            .collect()
    }

    fn check(bpm: f64, secs: f64, within: f64) {
        let mut listener = Listener::new(11_025);
        listener.hear(&drums(bpm, secs));
        let found = listener.finish(secs);
        let read = found.bpm.unwrap_or(0.0);
        let off = [0.5, 1.0, 2.0].map(|by| (read * by / bpm - 1.0).abs()).into_iter().fold(1.0, f64::min);
        assert!(off < within && found.sure >= 0.25, "{bpm} over {secs} s read as {read} ({})", found.sure);
    }

    #[test]
    fn a_drum_is_followed() {
        check(120.0, 30.0, 0.01);
        check(97.0, 24.0, 0.01);
        check(140.0, 12.0, 0.01);
    }

    #[test]
    fn a_short_loop_is_exact() {
        check(136.9, 4.0 * 60.0 / 136.9, 1e-4);
        check(126.0, 4.0 * 60.0 / 126.0, 1e-4);
    }

    #[test]
    fn hiss_has_no_beat() {
        let mut state = 1u32;
        let hiss: Vec<f32> = (0..11_025 * 20)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect();
        let mut listener = Listener::new(11_025);
        listener.hear(&hiss);
        assert!(listener.finish(20.0).sure < 0.25);
    }
}
