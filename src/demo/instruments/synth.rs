//! Detuned oscillators through a filter.

use super::{Filter, SLOW, Tone, sine, soft, turn};
use crate::demo::chance::Chance;

/// A waveform with corners, rounded off where it would alias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wave {
    Saw,
    /// A pulse that is high for this part of its period.
    Pulse(f32),
    Sine,
}

/// Oscillators, a filter and two envelopes.
#[derive(Debug, PartialEq)]
pub struct Synth {
    pub wave: Wave,
    /// How many oscillators, at most eight, spread over `cents` and the stereo field.
    pub count: usize,
    pub cents: f32,
    pub width: f32,
    /// A sine an octave below.
    pub sub: f32,
    pub noise: f32,
    /// Attack, decay and release in seconds; sustain as a level.
    pub attack: f32,
    pub decay: f32,
    pub sustain: f32,
    pub release: f32,
    /// Where the low-pass rests, at middle C, and how far it follows the key (1: fully).
    pub cutoff: f32,
    pub follow: f32,
    /// Octaves the filter's own envelope adds, and its attack and decay.
    pub sweep: f32,
    pub open: f32,
    pub close: f32,
    /// 0.5 is flat, 8 whistles.
    pub q: f32,
    pub vibrato_hz: f32,
    pub vibrato_cents: f32,
    pub drive: f32,
    /// Resonances of a mouth: frequency and level.
    pub mouth: Option<[(f32, f32); 4]>,
    pub gain: f32,
}

const PLAIN: Synth = Synth {
    wave: Wave::Saw,
    count: 1,
    cents: 0.0,
    width: 0.0,
    sub: 0.0,
    noise: 0.0,
    attack: 0.005,
    decay: 0.2,
    sustain: 0.7,
    release: 0.1,
    cutoff: 2000.0,
    follow: 0.5,
    sweep: 0.0,
    open: 0.002,
    close: 0.3,
    q: 0.7,
    vibrato_hz: 5.0,
    vibrato_cents: 0.0,
    drive: 0.0,
    mouth: None,
    gain: 0.4,
};

macro_rules! synths {
    ($($(#[$doc:meta])* $name:ident = { $($field:ident: $value:expr),* $(,)? };)*) => {
        $( $(#[$doc])* pub static $name: Synth = Synth { $($field: $value,)* ..PLAIN }; )*
    };
}

synths! {
    /// A wide, slow bed.
    WARM_PAD = { count: 6, cents: 14.0, width: 0.9, attack: 0.9, decay: 2.0, sustain: 0.8, release: 1.4, cutoff: 700.0, sweep: 1.4, open: 2.2, close: 4.0, vibrato_hz: 0.4, vibrato_cents: 4.0, gain: 0.5 };
    /// Brighter, with air in it.
    GLASS_PAD = { count: 5, cents: 9.0, width: 1.0, noise: 0.02, attack: 1.2, decay: 2.0, sustain: 0.9, release: 2.0, cutoff: 1500.0, follow: 0.8, sweep: 1.2, open: 3.0, close: 5.0, q: 1.1, vibrato_hz: 0.3, vibrato_cents: 5.0, gain: 0.38 };
    /// A section of violins and violas.
    STRINGS = { count: 5, cents: 11.0, width: 0.8, noise: 0.012, attack: 0.22, decay: 0.8, sustain: 0.85, release: 0.45, cutoff: 2300.0, follow: 0.6, sweep: 0.5, open: 0.4, close: 1.0, vibrato_hz: 5.3, vibrato_cents: 9.0, gain: 0.42 };
    /// Cellos and basses, bowed slowly.
    LOW_STRINGS = { count: 5, cents: 10.0, width: 0.6, noise: 0.015, attack: 0.35, decay: 1.0, sustain: 0.9, release: 0.7, cutoff: 1100.0, follow: 0.5, sweep: 0.8, open: 0.7, close: 2.0, vibrato_hz: 4.6, vibrato_cents: 7.0, gain: 0.55 };
    /// Bows that bite.
    SHORT_STRINGS = { count: 4, cents: 10.0, width: 0.7, noise: 0.03, attack: 0.012, decay: 0.13, sustain: 0.35, release: 0.12, cutoff: 1500.0, follow: 0.6, sweep: 1.2, open: 0.004, close: 0.12, vibrato_cents: 3.0, gain: 0.6 };
    /// One cello that sings.
    CELLO = { count: 2, cents: 4.0, width: 0.2, noise: 0.015, attack: 0.12, decay: 0.6, sustain: 0.85, release: 0.3, cutoff: 1600.0, follow: 0.5, sweep: 0.6, open: 0.25, close: 0.9, vibrato_hz: 5.1, vibrato_cents: 14.0, gain: 0.5 };
    /// Voices on an open vowel.
    CHOIR = { count: 5, cents: 12.0, width: 0.8, noise: 0.03, attack: 0.35, decay: 1.0, sustain: 0.9, release: 0.6, cutoff: 5200.0, follow: 0.0, vibrato_hz: 5.4, vibrato_cents: 13.0, mouth: Some([(650.0, 1.0), (1080.0, 0.6), (2650.0, 0.28), (3400.0, 0.15)]), gain: 1.1 };
    /// Voices on a round vowel.
    OO = { count: 5, cents: 11.0, width: 0.7, noise: 0.02, attack: 0.45, decay: 1.0, sustain: 0.9, release: 0.8, cutoff: 3000.0, follow: 0.0, vibrato_hz: 5.0, vibrato_cents: 11.0, mouth: Some([(330.0, 1.0), (760.0, 0.5), (2300.0, 0.1), (3000.0, 0.05)]), gain: 1.2 };
    /// Horns that open slowly.
    BRASS = { count: 4, cents: 8.0, width: 0.6, attack: 0.14, decay: 0.6, sustain: 0.85, release: 0.3, cutoff: 500.0, follow: 0.7, sweep: 2.3, open: 0.5, close: 1.4, q: 0.9, vibrato_hz: 4.8, vibrato_cents: 4.0, drive: 0.4, gain: 0.5 };
    /// Horns that punch.
    STAB_BRASS = { count: 3, cents: 7.0, width: 0.5, attack: 0.018, decay: 0.2, sustain: 0.6, release: 0.09, cutoff: 700.0, follow: 0.7, sweep: 2.2, open: 0.03, close: 0.25, q: 0.9, vibrato_cents: 3.0, drive: 0.5, gain: 0.5 };
    CLARINET = { wave: Wave::Pulse(0.5), count: 1, noise: 0.012, attack: 0.04, decay: 0.3, sustain: 0.85, release: 0.09, cutoff: 1500.0, follow: 0.7, sweep: 0.4, open: 0.06, close: 0.5, vibrato_hz: 4.7, vibrato_cents: 5.0, gain: 0.42 };
    OBOE = { wave: Wave::Pulse(0.18), count: 1, noise: 0.01, attack: 0.05, decay: 0.3, sustain: 0.85, release: 0.1, cutoff: 2600.0, follow: 0.5, sweep: 0.3, open: 0.08, close: 0.6, q: 1.2, vibrato_hz: 5.2, vibrato_cents: 9.0, gain: 0.4 };
    /// The eighties, wide and bright.
    POLY = { count: 5, cents: 13.0, width: 0.9, attack: 0.02, decay: 0.7, sustain: 0.55, release: 0.35, cutoff: 1500.0, follow: 0.6, sweep: 1.8, open: 0.02, close: 0.8, q: 1.0, gain: 0.45 };
    /// Short chords for dancing.
    STAB = { count: 4, cents: 12.0, width: 0.8, attack: 0.002, decay: 0.18, sustain: 0.12, release: 0.14, cutoff: 800.0, follow: 0.6, sweep: 2.6, open: 0.002, close: 0.16, q: 1.6, gain: 0.5 };
    /// Short single notes.
    ARP = { wave: Wave::Pulse(0.35), count: 2, cents: 7.0, width: 0.6, attack: 0.002, decay: 0.16, sustain: 0.15, release: 0.16, cutoff: 1100.0, follow: 0.7, sweep: 2.0, open: 0.002, close: 0.14, q: 1.6, gain: 0.42 };
    SOFT_ARP = { count: 2, cents: 6.0, width: 0.7, attack: 0.006, decay: 0.35, sustain: 0.1, release: 0.4, cutoff: 600.0, follow: 0.8, sweep: 1.6, open: 0.004, close: 0.3, q: 1.0, gain: 0.5 };
    LEAD = { count: 2, cents: 9.0, width: 0.3, attack: 0.012, decay: 0.3, sustain: 0.75, release: 0.18, cutoff: 1900.0, follow: 0.6, sweep: 1.0, open: 0.02, close: 0.5, q: 1.3, vibrato_hz: 5.6, vibrato_cents: 12.0, gain: 0.42 };
    HOLLOW_LEAD = { wave: Wave::Pulse(0.5), count: 2, cents: 6.0, width: 0.3, attack: 0.03, decay: 0.4, sustain: 0.75, release: 0.25, cutoff: 1500.0, follow: 0.7, sweep: 0.6, open: 0.05, close: 0.6, vibrato_hz: 5.0, vibrato_cents: 14.0, gain: 0.42 };
    SUB_BASS = { wave: Wave::Sine, attack: 0.008, decay: 0.5, sustain: 0.85, release: 0.09, cutoff: 900.0, drive: 0.6, gain: 0.62 };
    SAW_BASS = { count: 2, cents: 6.0, width: 0.1, sub: 0.6, attack: 0.004, decay: 0.25, sustain: 0.5, release: 0.07, cutoff: 500.0, follow: 0.4, sweep: 1.8, open: 0.002, close: 0.18, q: 1.1, drive: 0.4, gain: 0.45 };
    /// Two saws that rub.
    REESE = { count: 4, cents: 26.0, width: 0.5, sub: 0.7, attack: 0.02, decay: 0.5, sustain: 0.9, release: 0.1, cutoff: 520.0, follow: 0.2, sweep: 0.7, open: 0.4, close: 1.2, q: 1.2, drive: 0.7, gain: 0.42 };
    ACID = { attack: 0.002, decay: 0.2, sustain: 0.55, release: 0.05, cutoff: 330.0, follow: 0.3, sweep: 3.0, open: 0.002, close: 0.16, q: 5.5, drive: 0.9, gain: 0.5 };
    /// A hum that never settles.
    DRONE = { count: 6, cents: 17.0, width: 0.9, sub: 0.5, noise: 0.02, attack: 2.4, decay: 3.0, sustain: 0.9, release: 3.0, cutoff: 260.0, follow: 0.3, sweep: 1.7, open: 5.0, close: 7.0, q: 1.6, vibrato_hz: 0.2, vibrato_cents: 7.0, drive: 0.5, gain: 0.5 };
}

/// Attack, decay, sustain, release.
pub(super) struct Envelope {
    level: f32,
    up: f32,
    fall: f32,
    sustain: f32,
    fade: f32,
    attack: usize,
    gate: usize,
    at: usize,
}

impl Envelope {
    pub(super) fn new(rate: f32, gate: f32, attack: f32, decay: f32, sustain: f32, release: f32) -> Envelope {
        let gate = (gate * rate) as usize;
        let attack = ((attack * rate) as usize).max(1);
        Envelope {
            level: 0.0,
            up: 1.0 / attack as f32,
            fall: 1.0 - (-3.0 / (decay * rate).max(1.0)).exp(),
            sustain,
            fade: 1.0 - (-4.0 / (release * rate).max(1.0)).exp(),
            attack,
            gate,
            at: 0,
        }
    }

    #[inline(always)]
    pub(super) fn next(&mut self) -> f32 {
        if self.at >= self.gate {
            self.level -= self.level * self.fade;
        } else if self.at < self.attack {
            self.level += self.up;
        } else {
            self.level += (self.sustain - self.level) * self.fall;
        }
        self.at += 1;
        self.level
    }

    pub(super) fn is_over(&self) -> bool {
        self.at > self.gate && self.level < 3e-4
    }
}

/// Corners of saws and pulses are rounded over one sample (polynomial band-limited step).
#[inline(always)]
fn corner(phase: f32, step: f32) -> f32 {
    if phase < step {
        let t = phase / step;
        t + t - t * t - 1.0
    } else if phase > 1.0 - step {
        let t = (phase - 1.0) / step;
        t * t + t + t + 1.0
    } else {
        0.0
    }
}

impl Synth {
    pub(super) fn sound(&self, tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
        let Tone { rate, hz, secs, force } = tone;
        let n = self.count.clamp(1, 8);
        let mut phase = [0f32; 8];
        let mut step = [0f32; 8];
        let mut still = [0f32; 8];
        let mut left = [0f32; 8];
        let mut right = [0f32; 8];
        let mut wobble = [0f32; 8];
        let mut wobble_hz = [0f32; 8];
        for i in 0..n {
            let place = if n == 1 { 0.0 } else { 2.0 * i as f32 / (n - 1) as f32 - 1.0 };
            still[i] =
                hz * 2f32.powf((place * self.cents + chance.noise() * self.cents * 0.15) / 1200.0) / rate;
            step[i] = still[i];
            phase[i] = if self.wave == Wave::Sine { 0.0 } else { chance.unit() };
            // Neighbours in pitch sit on opposite sides, so that the picture does not lean.
            let side = place.abs() * if i % 2 == 0 { 1.0 } else { -1.0 } * self.width;
            left[i] = (1.0 - side).min(1.0);
            right[i] = (1.0 + side).min(1.0);
            wobble[i] = chance.unit();
            wobble_hz[i] = self.vibrato_hz * chance.between(0.9, 1.1);
        }
        let level = self.gain * (0.35 + 0.65 * force) / (n as f32).sqrt();
        let mut amp = Envelope::new(rate, secs, self.attack, self.decay, self.sustain, self.release);
        let mut lid = Envelope::new(rate, secs, self.open, self.close, 0.0, self.release * 2.0);
        let rest = self.cutoff * (hz / 261.6).powf(self.follow);
        let mut filters = [Filter::default(); 2];
        let mut mouths = [[Filter::default(); 4]; 2];
        if let Some(mouth) = &self.mouth {
            for side in &mut mouths {
                for (filter, (at, _)) in side.iter_mut().zip(mouth) {
                    *filter = Filter::new(rate, *at * chance.between(0.97, 1.03), 7.0);
                }
            }
        }
        let mut sub = 0f32;
        let sub_step = hz * 0.5 / rate;
        let mut at = 0;
        let limit = ((secs + self.release * 4.0) * rate) as usize + 4000;
        while at < limit && !amp.is_over() {
            let time = at as f32 / rate;
            let opened = lid.level;
            let cutoff = rest * 2f32.powf(self.sweep * opened * (0.5 + 0.5 * force));
            for filter in &mut filters {
                filter.turn(rate, cutoff.min(rate * 0.42), self.q);
            }
            if self.vibrato_cents > 0.0 {
                // A player lets the note settle first.
                let depth = self.vibrato_cents * (time / 0.5).min(1.0) / 1200.0 * std::f32::consts::LN_2;
                for i in 0..n {
                    wobble[i] = turn(wobble[i] + wobble_hz[i] * SLOW as f32 / rate);
                    step[i] = still[i] * (1.0 + depth * sine(wobble[i]));
                }
            }
            for _ in 0..SLOW {
                let (mut l, mut r) = (0f32, 0f32);
                for i in 0..n {
                    let p = phase[i];
                    let d = step[i];
                    let v = match self.wave {
                        Wave::Saw => 2.0 * p - 1.0 - corner(p, d),
                        Wave::Pulse(w) => {
                            let q = if p + 1.0 - w >= 1.0 { p - w } else { p + 1.0 - w };
                            let v = if p < w { 1.0 } else { -1.0 };
                            v + corner(p, d) - corner(q, d) - (2.0 * w - 1.0)
                        }
                        Wave::Sine => sine(p),
                    };
                    l += v * left[i];
                    r += v * right[i];
                    let p = p + d;
                    phase[i] = if p >= 1.0 { p - 1.0 } else { p };
                }
                if self.noise > 0.0 {
                    let hiss = self.noise * (n as f32).sqrt() * 2.0;
                    l += chance.noise() * hiss;
                    r += chance.noise() * hiss;
                }
                let (mut l, mut r) = (filters[0].low(l), filters[1].low(r));
                if self.sub > 0.0 {
                    let v = sine(sub) * self.sub * (n as f32).sqrt();
                    sub = turn(sub + sub_step);
                    l += v;
                    r += v;
                }
                if let Some(mouth) = &self.mouth {
                    let (x, y) = (l, r);
                    l = 0.0;
                    r = 0.0;
                    for i in 0..4 {
                        l += mouths[0][i].band(x) * mouth[i].1;
                        r += mouths[1][i].band(y) * mouth[i].1;
                    }
                }
                let e = amp.next() * level;
                lid.next();
                l *= e;
                r *= e;
                if self.drive > 0.0 {
                    let push = 1.0 + self.drive * 3.0;
                    l = soft(l * push) / (1.0 + self.drive * 1.4);
                    r = soft(r * push) / (1.0 + self.drive * 1.4);
                }
                put(at, l, r);
                at += 1;
            }
        }
    }
}
