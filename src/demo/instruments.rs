//! Voices: one note in, samples out. Nothing here knows a key, a bar or a mix.
//!
//! Four engines carry nearly all of them: detuned oscillators through a filter (`Synth`), struck bars, strings and
//! bells as sums of dying sines (`Modal`), plucked strings as a loop of delay and damping (`Pluck`, after Karplus and
//! Strong), two sines of which one bends the other (`keys`). Drums are noise and falling sines.

use std::f32::consts::{PI, TAU};

use super::chance::Chance;

/// One note as a voice hears it.
#[derive(Clone, Copy, Debug)]
pub struct Tone {
    pub rate: f32,
    pub hz: f32,
    /// How long the key is held.
    pub secs: f32,
    /// 0 to 1: how hard.
    pub force: f32,
}

/// What plays a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Voice {
    Piano,
    FeltPiano,
    ElectricPiano,
    Bell,
    Glockenspiel,
    MusicBox,
    Marimba,
    Kalimba,
    Vibraphone,
    Nylon,
    Steel,
    Muted,
    Harp,
    Ukulele,
    Pizzicato,
    Upright,
    Fingered,
    Organ,
    Flute,
    Whistle,
    Synth(&'static Synth),
    Drum(Drum),
}

/// Things that are hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drum {
    Kick,
    DeepKick,
    ClubKick,
    SoftKick,
    Snare,
    TightSnare,
    Brush,
    Rim,
    Clap,
    Hat,
    OpenHat,
    Ride,
    Crash,
    Shaker,
    Tambourine,
    Tom,
    Conga,
    Block,
    Timpani,
}

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

/// Sine of a phase counted in turns, 0 to 1.
#[inline(always)]
pub fn sine(phase: f32) -> f32 {
    let t = phase - 0.5;
    let t = if t > 0.25 {
        0.5 - t
    } else if t < -0.25 {
        -0.5 - t
    } else {
        t
    };
    let x = t * t;
    -t * (TAU + x * (-41.341_55 + x * (81.601_2 - x * 74.575_6)))
}

/// The part of a turn, for phases that were bent beyond it.
#[inline(always)]
fn turn(phase: f32) -> f32 {
    let up = phase + 64.0;
    up - (up as i32) as f32
}

/// Louder gently: never beyond 1.
#[inline(always)]
pub fn soft(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

/// Frequency of a MIDI pitch.
pub fn hertz(pitch: f32) -> f32 {
    440.0 * 2f32.powf((pitch - 69.0) / 12.0)
}

/// A low-pass, band-pass or high-pass of 12 dB an octave that stays calm while it is turned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    one: f32,
    two: f32,
    a1: f32,
    a2: f32,
    a3: f32,
    k: f32,
}

impl Filter {
    pub fn new(rate: f32, hz: f32, q: f32) -> Filter {
        let mut filter = Filter::default();
        filter.turn(rate, hz, q);
        filter
    }

    /// Moves the corner.
    pub fn turn(&mut self, rate: f32, hz: f32, q: f32) {
        let g = (PI * (hz / rate).clamp(0.0005, 0.47)).tan();
        self.k = 1.0 / q;
        self.a1 = 1.0 / (1.0 + g * (g + self.k));
        self.a2 = g * self.a1;
        self.a3 = g * self.a2;
    }

    #[inline(always)]
    fn step(&mut self, x: f32) -> (f32, f32) {
        // Never quite zero: numbers too small for the processor's fast path would make silence dear.
        let v3 = x + 1e-20 - self.two;
        let v1 = self.a1 * self.one + self.a2 * v3;
        let v2 = self.two + self.a2 * self.one + self.a3 * v3;
        self.one = 2.0 * v1 - self.one;
        self.two = 2.0 * v2 - self.two;
        (v1, v2)
    }

    #[inline(always)]
    pub fn low(&mut self, x: f32) -> f32 {
        self.step(x).1
    }

    /// Unity at its centre.
    #[inline(always)]
    pub fn band(&mut self, x: f32) -> f32 {
        self.step(x).0 * self.k
    }

    #[inline(always)]
    pub fn high(&mut self, x: f32) -> f32 {
        let (band, low) = self.step(x);
        x - self.k * band - low
    }
}

/// Attack, decay, sustain, release.
struct Envelope {
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
    fn new(rate: f32, gate: f32, attack: f32, decay: f32, sustain: f32, release: f32) -> Envelope {
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
    fn next(&mut self) -> f32 {
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

    fn is_over(&self) -> bool {
        self.at > self.gate && self.level < 3e-4
    }
}

impl Voice {
    /// Plays one note: `put` takes the frame's number and what is left and right.
    pub fn sound(self, tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
        match self {
            Voice::Piano => piano(tone, chance, 1.0, put),
            Voice::FeltPiano => piano(tone, chance, 0.45, put),
            Voice::ElectricPiano => keys(tone, put),
            Voice::Bell => modal::<8>(tone, chance, &BELL, put),
            Voice::Glockenspiel => modal::<8>(tone, chance, &GLOCKENSPIEL, put),
            Voice::MusicBox => modal::<8>(tone, chance, &MUSIC_BOX, put),
            Voice::Marimba => modal::<8>(tone, chance, &MARIMBA, put),
            Voice::Kalimba => modal::<8>(tone, chance, &KALIMBA, put),
            Voice::Vibraphone => modal::<8>(tone, chance, &VIBRAPHONE, put),
            Voice::Nylon => pluck(tone, chance, &NYLON, put),
            Voice::Steel => pluck(tone, chance, &STEEL, put),
            Voice::Muted => pluck(tone, chance, &MUTED, put),
            Voice::Harp => pluck(tone, chance, &HARP, put),
            Voice::Ukulele => pluck(tone, chance, &UKULELE, put),
            Voice::Pizzicato => pluck(tone, chance, &PIZZICATO, put),
            Voice::Upright => pluck(tone, chance, &UPRIGHT, put),
            Voice::Fingered => pluck(tone, chance, &FINGERED, put),
            Voice::Organ => organ(tone, chance, put),
            Voice::Flute => flute(tone, chance, 0.35, put),
            Voice::Whistle => flute(tone, chance, 0.12, put),
            Voice::Synth(synth) => synth.sound(tone, chance, put),
            Voice::Drum(drum) => drum.sound(tone, chance, put),
        }
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

/// Samples between two settings of what moves slowly.
const SLOW: usize = 32;

impl Synth {
    fn sound(&self, tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
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

/// A struck thing: its partials as ratio, level and seconds to die away (to a thousandth), at middle C.
struct Modal {
    partials: &'static [(f32, f32, f32)],
    /// How much faster high notes die: the power of the ratio of frequencies.
    shrink: f32,
    /// The mallet's own noise and how bright it is.
    knock: f32,
    knock_hz: f32,
    /// Seconds until a let-go note is gone; nothing: it rings.
    damp: Option<f32>,
    /// How much of the upper partials a soft stroke loses.
    touch: f32,
    tremolo: f32,
    gain: f32,
}

static MARIMBA: Modal = Modal {
    partials: &[(1.0, 1.0, 1.1), (3.93, 0.32, 0.35), (9.5, 0.14, 0.12), (2.0, 0.03, 0.5)],
    shrink: 0.6,
    knock: 0.16,
    knock_hz: 900.0,
    damp: None,
    touch: 0.7,
    tremolo: 0.0,
    gain: 0.5,
};
static KALIMBA: Modal = Modal {
    partials: &[(1.0, 1.0, 1.8), (2.01, 0.10, 0.8), (5.4, 0.24, 0.25), (8.9, 0.10, 0.12)],
    shrink: 0.4,
    knock: 0.22,
    knock_hz: 2200.0,
    damp: None,
    touch: 0.5,
    tremolo: 0.0,
    gain: 0.45,
};
static VIBRAPHONE: Modal = Modal {
    partials: &[(1.0, 1.0, 4.0), (4.0, 0.30, 1.6), (10.1, 0.10, 0.5), (1.001, 0.2, 4.0)],
    shrink: 0.3,
    knock: 0.05,
    knock_hz: 1200.0,
    damp: Some(0.35),
    touch: 0.8,
    tremolo: 0.35,
    gain: 0.42,
};
static GLOCKENSPIEL: Modal = Modal {
    partials: &[(1.0, 1.0, 2.2), (2.76, 0.4, 1.2), (5.4, 0.25, 0.6), (8.93, 0.12, 0.3)],
    shrink: 0.3,
    knock: 0.08,
    knock_hz: 5000.0,
    damp: None,
    touch: 0.5,
    tremolo: 0.0,
    gain: 0.32,
};
static MUSIC_BOX: Modal = Modal {
    partials: &[(1.0, 1.0, 2.4), (2.0, 0.28, 1.4), (3.01, 0.16, 0.9), (6.2, 0.22, 0.35), (11.0, 0.08, 0.15)],
    shrink: 0.35,
    knock: 0.1,
    knock_hz: 4200.0,
    damp: None,
    touch: 0.4,
    tremolo: 0.0,
    gain: 0.36,
};
static BELL: Modal = Modal {
    partials: &[
        (0.5, 0.35, 7.0),
        (1.0, 1.0, 5.5),
        (1.003, 0.4, 5.5),
        (1.19, 0.10, 3.5),
        (2.0, 0.55, 3.6),
        (3.01, 0.28, 2.2),
        (4.17, 0.16, 1.4),
        (6.3, 0.08, 0.8),
    ],
    shrink: 0.25,
    knock: 0.03,
    knock_hz: 3500.0,
    damp: None,
    touch: 0.6,
    tremolo: 0.0,
    gain: 0.32,
};

/// Sums of dying sines, each a point that turns and shrinks.
struct Ringing<const N: usize> {
    x: [f32; N],
    y: [f32; N],
    c: [f32; N],
    s: [f32; N],
}

impl<const N: usize> Ringing<N> {
    fn new() -> Self {
        Ringing { x: [0.0; N], y: [0.0; N], c: [0.0; N], s: [0.0; N] }
    }

    fn add(&mut self, i: usize, rate: f32, hz: f32, level: f32, secs: f32) {
        if hz > rate * 0.45 || i >= N {
            return;
        }
        let shrink = (-6.9 / (secs * rate)).exp();
        let (s, c) = (TAU * hz / rate).sin_cos();
        self.x[i] = level;
        self.c[i] = c * shrink;
        self.s[i] = s * shrink;
    }

    #[inline(always)]
    fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for i in 0..N {
            let (x, y) = (self.x[i], self.y[i]);
            self.x[i] = x * self.c[i] - y * self.s[i];
            self.y[i] = x * self.s[i] + y * self.c[i];
            sum += self.y[i];
        }
        sum
    }
}

fn modal<const N: usize>(
    tone: Tone,
    chance: &mut Chance,
    what: &Modal,
    put: &mut impl FnMut(usize, f32, f32),
) {
    let Tone { rate, hz, secs, force } = tone;
    let mut ring = Ringing::<N>::new();
    let shrink = (261.6 / hz).powf(what.shrink);
    let mut longest = 0f32;
    for (i, (ratio, level, die)) in what.partials.iter().enumerate() {
        let die = die * shrink * chance.between(0.95, 1.05);
        let bright = force.powf(what.touch * (ratio - 1.0).max(0.0).sqrt());
        ring.add(i, rate, hz * ratio, level * bright, die);
        longest = longest.max(die);
    }
    let mut damp = 1.0f32;
    let release = what.damp.map(|d| (-5.0 / (d * rate)).exp());
    let gate = (secs * rate) as usize;
    let mut knock = Filter::new(rate, what.knock_hz, 1.0);
    let mut thud = what.knock * force;
    let thud_fall = (-1.0 / (0.006 * rate)).exp();
    let level = what.gain * (0.25 + 0.75 * force);
    let end = ((longest * 0.9).min(7.0) * rate) as usize;
    let mut pulse = 0f32;
    for at in 0..end {
        if at > gate
            && let Some(release) = release
        {
            damp *= release;
            if damp < 3e-4 {
                break;
            }
        }
        let rise = (at as f32 / (0.0012 * rate)).min(1.0);
        let mut v = ring.next() * damp * rise;
        if thud > 1e-4 {
            v += knock.band(chance.noise()) * thud * 4.0;
            thud *= thud_fall;
        }
        // The last tenth fades, so that nothing clicks.
        let left = end - at;
        if left < 2000 {
            v *= left as f32 / 2000.0;
        }
        v *= level;
        if what.tremolo > 0.0 {
            let t = what.tremolo * sine(pulse);
            pulse = turn(pulse + 5.2 / rate);
            put(at, v * (1.0 + t), v * (1.0 - t));
        } else {
            put(at, v, v);
        }
    }
}

/// A piano: slightly stretched partials, two strings a note, a hammer of felt. `bright` 1 is a concert grand's lid.
fn piano(tone: Tone, chance: &mut Chance, bright: f32, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let mut ring = Ringing::<16>::new();
    let stiff = 0.0004 * (hz / 261.6).powf(1.2);
    let long = 7.0 * (261.6 / hz).powf(0.55);
    let dark = (0.9 - 0.55 * force * bright).max(0.2);
    let mut level_sum = 0.0;
    let mut levels = [0f32; 14];
    for (i, slot) in levels.iter_mut().enumerate() {
        let n = (i + 1) as f32;
        // A hammer at an eighth of the string leaves out every eighth partial.
        let strike = (PI * n / 8.2).sin().abs() + 0.05;
        *slot = strike * (-dark * (n - 1.0) * 0.55).exp() / n.powf(0.35);
        level_sum += *slot;
    }
    for (i, level) in levels.iter().enumerate() {
        let n = (i + 1) as f32;
        let f = hz * n * (1.0 + stiff * n * n).sqrt();
        let die = long / (1.0 + 0.35 * (n - 1.0)) * chance.between(0.9, 1.1);
        ring.add(i, rate, f, level / level_sum * 1.6, die);
    }
    // The second string of the two strongest partials beats against the first.
    ring.add(14, rate, hz * 1.0009, levels[0] / level_sum * 0.6, long * 1.4);
    ring.add(15, rate, hz * 2.0 * 1.0011, levels[1] / level_sum * 0.4, long);
    let release = (-5.0 / ((0.14 + 20.0 / hz) * rate)).exp();
    let gate = (secs * rate) as usize;
    let end = (((secs + 0.5).min(long)) * rate) as usize + 2000;
    let mut damp = 1.0f32;
    let mut felt = Filter::new(rate, 500.0 + 1800.0 * force * bright, 0.8);
    let mut thud = (0.10 + 0.16 * force) * if bright < 0.6 { 1.5 } else { 1.0 };
    let thud_fall = (-1.0 / (0.012 * rate)).exp();
    let level = 0.55 * (0.15 + 0.85 * force);
    let attack = (0.001 + 0.004 * (1.0 - force) + if bright < 0.6 { 0.004 } else { 0.0 }) * rate;
    // Low strings stand left, high ones right.
    let place = ((hz / 261.6).log2() * 0.12).clamp(-0.3, 0.3);
    for at in 0..end {
        if at > gate {
            damp *= release;
            if damp < 3e-4 {
                break;
            }
        }
        let mut v = ring.next() * damp * (at as f32 / attack).min(1.0);
        if thud > 1e-4 {
            v += felt.low(chance.noise()) * thud;
            thud *= thud_fall;
        }
        let left = end - at;
        if left < 2000 {
            v *= left as f32 / 2000.0;
        }
        v *= level;
        put(at, v * (1.0 - place), v * (1.0 + place));
    }
}

/// An electric piano: a sine that bends a sine, with a tine fourteen times as high at the start.
fn keys(tone: Tone, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let gate = (secs * rate) as usize;
    let die = (-1.0 / (2.2 * (261.6 / hz).powf(0.4) * rate)).exp();
    let bend_die = (-1.0 / (0.9 * (261.6 / hz).powf(0.3) * rate)).exp();
    let tine_die = (-1.0 / (0.11 * rate)).exp();
    let release = (-5.0 / (0.22 * rate)).exp();
    let (mut a, mut b, mut c) = (0f32, 0f32, 0f32);
    let step = hz / rate;
    let tine_step = (hz * 14.0).min(rate * 0.4) / rate;
    let (mut level, mut bend) = (0.4 * (0.3 + 0.7 * force), 0.02 + 0.20 * force * force);
    let mut tine = 0.06 * force * if hz > 900.0 { 0.3 } else { 1.0 };
    let mut sway = 0f32;
    for at in 0..gate + (0.5 * rate) as usize {
        if at > gate {
            level *= release;
        }
        let v =
            sine(turn(a + bend * sine(b) + tine * sine(c))) * level * (at as f32 / (0.0015 * rate)).min(1.0);
        a = turn(a + step);
        b = turn(b + step * 1.0005);
        c = turn(c + tine_step);
        level *= die;
        bend *= bend_die;
        tine *= tine_die;
        let t = 0.22 * sine(sway);
        sway = turn(sway + 4.1 / rate);
        put(at, v * (1.0 + t), v * (1.0 - t));
        if level < 2e-4 {
            break;
        }
    }
}

/// A plucked string.
struct Pluck {
    /// Seconds to a thousandth at middle C, and how much faster high strings die.
    die: f32,
    shrink: f32,
    /// 0.3 dull to 0.97 steel: what the bridge gives back of the highs.
    bright: f32,
    /// Where the finger is, as part of the string.
    place: f32,
    /// How soft the finger is: corner of the noise it starts with, times the frequency.
    finger: f32,
    damp: f32,
    body: [(f32, f32); 2],
    gain: f32,
}

static NYLON: Pluck = Pluck {
    die: 2.6,
    shrink: 0.5,
    bright: 0.62,
    place: 0.22,
    finger: 9.0,
    damp: 0.12,
    body: [(110.0, 0.5), (220.0, 0.4)],
    gain: 0.75,
};
static STEEL: Pluck = Pluck {
    die: 3.6,
    shrink: 0.5,
    bright: 0.84,
    place: 0.13,
    finger: 20.0,
    damp: 0.12,
    body: [(105.0, 0.35), (210.0, 0.35)],
    gain: 0.6,
};
static MUTED: Pluck = Pluck {
    die: 0.35,
    shrink: 0.3,
    bright: 0.7,
    place: 0.1,
    finger: 14.0,
    damp: 0.05,
    body: [(180.0, 0.4), (420.0, 0.3)],
    gain: 0.8,
};
static HARP: Pluck = Pluck {
    die: 4.2,
    shrink: 0.6,
    bright: 0.66,
    place: 0.35,
    finger: 8.0,
    damp: 0.8,
    body: [(160.0, 0.3), (320.0, 0.3)],
    gain: 0.75,
};
static UKULELE: Pluck = Pluck {
    die: 1.1,
    shrink: 0.4,
    bright: 0.68,
    place: 0.2,
    finger: 9.0,
    damp: 0.1,
    body: [(280.0, 0.6), (520.0, 0.4)],
    gain: 0.75,
};
static PIZZICATO: Pluck = Pluck {
    die: 0.55,
    shrink: 0.4,
    bright: 0.5,
    place: 0.3,
    finger: 7.0,
    damp: 0.2,
    body: [(290.0, 0.6), (460.0, 0.5)],
    gain: 0.95,
};
static UPRIGHT: Pluck = Pluck {
    die: 1.3,
    shrink: 0.3,
    bright: 0.42,
    place: 0.3,
    finger: 7.0,
    damp: 0.09,
    body: [(62.0, 0.7), (115.0, 0.7)],
    gain: 1.25,
};
static FINGERED: Pluck = Pluck {
    die: 2.4,
    shrink: 0.3,
    bright: 0.55,
    place: 0.2,
    finger: 10.0,
    damp: 0.07,
    body: [(80.0, 0.4), (160.0, 0.3)],
    gain: 1.0,
};

fn pluck(tone: Tone, chance: &mut Chance, what: &Pluck, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let bright = (what.bright * (0.75 + 0.25 * force)).clamp(0.2, 0.98);
    let period = rate / hz;
    // What the low-pass in the loop delays belongs to the string's length.
    let delay = (period - (1.0 - bright) / bright).max(4.0);
    let whole = (delay - 0.5) as usize;
    let rest = delay - whole as f32;
    let tune = (1.0 - rest) / (1.0 + rest);
    let mut string = vec![0f32; whole];
    let mut finger = Filter::new(rate, (hz * what.finger * (0.4 + 0.6 * force)).min(rate * 0.4), 0.6);
    for slot in string.iter_mut() {
        *slot = finger.low(chance.noise());
    }
    let mean = string.iter().sum::<f32>() / whole as f32;
    let shift = ((what.place * whole as f32) as usize).clamp(1, whole - 1);
    let plucked: Vec<f32> =
        (0..whole).map(|i| (string[i] - mean) - 0.9 * (string[(i + whole - shift) % whole] - mean)).collect();
    let power = (plucked.iter().map(|v| v * v).sum::<f32>() / whole as f32).sqrt().max(1e-6);
    for (slot, v) in string.iter_mut().zip(&plucked) {
        *slot = v / power * 0.3;
    }
    let die = what.die * (261.6 / hz).powf(what.shrink);
    let hold = 10f32.powf(-3.0 / (hz * die));
    let damped = 10f32.powf(-3.0 / (hz * what.damp));
    let gate = (secs * rate) as usize;
    let end = gate.min((die * 1.1 * rate) as usize) + ((what.damp * 1.2).min(die) * rate) as usize + 1500;
    let mut body = [Filter::new(rate, what.body[0].0, 2.0), Filter::new(rate, what.body[1].0, 2.0)];
    let (mut at, mut low, mut before, mut tuned) = (0usize, 0f32, 0f32, 0f32);
    let level = what.gain * (0.3 + 0.7 * force);
    let attack = 0.0015 * rate;
    for i in 0..end {
        let x = string[at];
        low += bright * (x - low);
        let fed = low * if i < gate { hold } else { damped };
        tuned = tune * (fed - tuned) + before;
        before = fed;
        string[at] = tuned;
        at = if at + 1 == whole { 0 } else { at + 1 };
        let mut v = x + body[0].band(x) * what.body[0].1 * 1.5 + body[1].band(x) * what.body[1].1 * 1.5;
        v *= level * (i as f32 / attack).min(1.0);
        let left = end - i;
        if left < 1500 {
            v *= left as f32 / 1500.0;
        }
        put(i, v, v);
    }
}

/// Nine drawbars, a click of the contact, a horn that turns.
fn organ(tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
    const BARS: [(f32, f32); 8] = [
        (0.5, 0.55),
        (1.0, 1.0),
        (1.4983, 0.5),
        (2.0, 0.65),
        (2.9966, 0.28),
        (4.0, 0.22),
        (5.0397, 0.1),
        (8.0, 0.1),
    ];
    let Tone { rate, hz, secs, force } = tone;
    let mut ring = Ringing::<8>::new();
    for (i, (ratio, level)) in BARS.iter().enumerate() {
        ring.add(i, rate, hz * ratio, level * 0.3, 1000.0);
    }
    let mut amp = Envelope::new(rate, secs, 0.006, 0.1, 0.95, 0.05);
    let mut click = Filter::new(rate, 2600.0, 1.0);
    let mut snap = 0.25 * force;
    let mut horn = chance.unit();
    let mut at = 0;
    while !amp.is_over() {
        let mut v = ring.next() * amp.next() * (0.3 + 0.25 * force);
        if snap > 1e-4 {
            v += click.band(chance.noise()) * snap * 0.4;
            snap *= 0.996;
        }
        let t = sine(horn) * 0.24;
        horn = turn(horn + 6.1 / rate);
        put(at, v * (1.0 + t), v * (1.0 - t));
        at += 1;
    }
}

/// A flute: few partials, breath, a vibrato that comes late.
fn flute(tone: Tone, chance: &mut Chance, breath: f32, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let mut amp = Envelope::new(rate, secs, 0.06, 0.4, 0.85, 0.12);
    let mut air = Filter::new(rate, (hz * 2.0).min(6000.0), 1.6);
    let (mut phase, mut wave) = (0f32, chance.unit());
    let mut at = 0;
    let mut chiff = 1.0f32;
    let mut step = hz / rate;
    while !amp.is_over() {
        if at % SLOW == 0 {
            let time = at as f32 / rate;
            wave = turn(wave + 4.9 * SLOW as f32 / rate);
            let depth = ((time - 0.25) * 2.0).clamp(0.0, 1.0) * 0.006;
            let scoop = -0.012 * (-time * 30.0).exp();
            step = hz / rate * (1.0 + depth * sine(wave) + scoop);
        }
        phase = turn(phase + step);
        let tone =
            sine(phase) + 0.28 * force * sine(turn(phase * 2.0)) + 0.1 * force * sine(turn(phase * 3.0));
        let noise = air.band(chance.noise()) * breath * (0.25 + chiff * 0.9);
        chiff *= 0.9994;
        let swell = 1.0 + 0.12 * sine(turn(wave + 0.2));
        let v = (tone * 0.33 * swell + noise) * amp.next() * (0.35 + 0.65 * force);
        put(at, v, v);
        at += 1;
    }
}

impl Drum {
    fn sound(self, tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
        let Tone { rate, force, .. } = tone;
        // Drums are tuned in semitones around 60.
        let tune = tone.hz / 261.6;
        let mut mono = |at: usize, v: f32| put(at, v, v);
        match self {
            Drum::Kick => kick(rate, chance, [48.0, 170.0, 0.035, 0.32], 0.35, force, &mut mono),
            Drum::DeepKick => kick(rate, chance, [43.0, 120.0, 0.06, 0.75], 0.12, force, &mut mono),
            Drum::ClubKick => kick(rate, chance, [49.0, 260.0, 0.03, 0.30], 0.5, force, &mut mono),
            Drum::SoftKick => kick(rate, chance, [56.0, 95.0, 0.03, 0.22], 0.10, force * 0.8, &mut mono),
            Drum::Snare => snare(rate, chance, [186.0, 0.13, 0.20, 3300.0], force, &mut mono),
            Drum::TightSnare => snare(rate, chance, [228.0, 0.07, 0.11, 4600.0], force, &mut mono),
            Drum::Brush => {
                let mut band = Filter::new(rate, 3800.0, 0.7);
                burst(rate, 0.02, 0.16, chance, &mut |at, e, n| mono(at, band.band(n) * e * force * 0.55));
            }
            Drum::Rim => {
                let mut band = Filter::new(rate, 1750.0 * tune, 4.0);
                let mut phase = 0f32;
                burst(rate, 0.0005, 0.035, chance, &mut |at, e, n| {
                    phase = turn(phase + 820.0 * tune / rate);
                    mono(at, (band.band(n) * 1.2 + sine(phase) * 0.5) * e * force * 0.6);
                });
            }
            Drum::Clap => {
                let mut band = Filter::new(rate, 1300.0, 1.4);
                let mut air = Filter::new(rate, 700.0, 0.7);
                let starts = [0.0, 0.011, 0.021, 0.029].map(|s| (s * rate) as usize);
                let length = (0.26 * rate) as usize;
                for at in 0..length {
                    let mut e = 0f32;
                    for (i, start) in starts.iter().enumerate() {
                        if at >= *start {
                            let t = (at - start) as f32 / rate;
                            e = e.max((-t / if i == 3 { 0.055 } else { 0.006 }).exp());
                        }
                    }
                    let v = air.high(band.band(chance.noise())) * e * force * 1.1;
                    mono(at, v * ((length - at) as f32 / 400.0).min(1.0));
                }
            }
            Drum::Hat => metal(rate, chance, 0.035, 7800.0, force * 0.42, tune, &mut mono),
            Drum::OpenHat => metal(rate, chance, 0.24, 7200.0, force * 0.40, tune, &mut mono),
            Drum::Ride => {
                let mut ring = Ringing::<8>::new();
                for i in 0..8 {
                    let hz = [412.0, 997.0, 1543.0, 2280.0, 3170.0, 4420.0, 5610.0, 7300.0][i] * tune;
                    ring.add(i, rate, hz * chance.between(0.995, 1.005), 0.05, 1.1 - 0.08 * i as f32);
                }
                let mut high = Filter::new(rate, 6000.0, 0.7);
                burst(rate, 0.001, 0.5, chance, &mut |at, e, n| {
                    let tick = (-(at as f32) / (0.004 * rate)).exp();
                    mono(at, (ring.next() * 0.8 + high.high(n) * (0.10 * e + 0.5 * tick)) * force * 0.5);
                });
            }
            Drum::Crash => {
                let mut high = Filter::new(rate, 4200.0, 0.6);
                let mut side = Filter::new(rate, 4600.0, 0.6);
                let length = (2.0 * rate) as usize;
                for at in 0..length {
                    let t = at as f32 / rate;
                    let e =
                        (-t / 0.55).exp() * (t / 0.002).min(1.0) * ((length - at) as f32 / 2000.0).min(1.0);
                    let n = chance.noise();
                    let l = high.high(n) * e * force * 0.34;
                    let r = side.high(n * 0.5 + chance.noise() * 0.7) * e * force * 0.34;
                    put(at, l, r);
                }
            }
            Drum::Shaker => {
                let mut band = Filter::new(rate, 6200.0 * tune, 1.2);
                burst(rate, 0.022, 0.05, chance, &mut |at, e, n| mono(at, band.band(n) * e * force * 0.5));
            }
            Drum::Tambourine => {
                let mut ring = Ringing::<8>::new();
                for i in 0..8 {
                    ring.add(i, rate, 5200.0 + 780.0 * i as f32 + chance.between(0.0, 300.0), 0.05, 0.16);
                }
                let mut high = Filter::new(rate, 5500.0, 0.8);
                burst(rate, 0.004, 0.09, chance, &mut |at, e, n| {
                    mono(at, (ring.next() + high.high(n) * e * 0.35) * force * 0.5);
                });
            }
            Drum::Tom => {
                let base = 96.0 * tune;
                let mut phase = 0f32;
                let mut skin = Filter::new(rate, base * 4.0, 0.8);
                burst(rate, 0.001, 0.24, chance, &mut |at, e, n| {
                    let t = at as f32 / rate;
                    phase = turn(phase + base * (1.0 + 0.7 * (-t / 0.03).exp()) / rate);
                    mono(at, (sine(phase) * e + skin.band(n) * (-t / 0.02).exp() * 0.5) * force * 0.7);
                });
            }
            Drum::Conga => {
                let base = 205.0 * tune;
                let mut ring = Ringing::<4>::new();
                for (i, (ratio, level, die)) in
                    [(1.0, 0.6, 0.4), (1.6, 0.25, 0.16), (2.2, 0.14, 0.1), (2.8, 0.1, 0.07)]
                        .iter()
                        .enumerate()
                {
                    ring.add(i, rate, base * ratio, *level, *die);
                }
                let mut slap = Filter::new(rate, 1400.0, 1.0);
                burst(rate, 0.0008, 0.22, chance, &mut |at, _, n| {
                    let t = at as f32 / rate;
                    mono(at, (ring.next() + slap.band(n) * (-t / 0.008).exp() * 0.5) * force * 0.6);
                });
            }
            Drum::Block => {
                let mut ring = Ringing::<4>::new();
                ring.add(0, rate, 930.0 * tune, 0.5, 0.12);
                ring.add(1, rate, 2110.0 * tune, 0.3, 0.06);
                burst(rate, 0.0005, 0.1, chance, &mut |at, _, n| {
                    let tick = (-(at as f32) / (0.002 * rate)).exp();
                    mono(at, (ring.next() + n * tick * 0.3) * force * 0.6);
                });
            }
            Drum::Timpani => {
                // Written in octaves around 60: sounds two below.
                let base = tone.hz * 0.25;
                let mut ring = Ringing::<8>::new();
                for (i, (ratio, level, die)) in
                    [(1.0, 0.7, 2.6), (1.5, 0.4, 1.8), (1.98, 0.25, 1.3), (2.44, 0.15, 0.9), (0.5, 0.12, 0.6)]
                        .iter()
                        .enumerate()
                {
                    ring.add(i, rate, base * ratio, *level, *die);
                }
                let mut skin = Filter::new(rate, 260.0, 0.8);
                let length = (2.4 * rate) as usize;
                for at in 0..length {
                    let t = at as f32 / rate;
                    let v = ring.next() + skin.low(chance.noise()) * (-t / 0.03).exp() * 0.8;
                    let v = v * (t / 0.002).min(1.0) * ((length - at) as f32 / 2000.0).min(1.0);
                    mono(at, v * force * 0.7);
                }
            }
        }
    }
}

/// Noise under an envelope that rises over `attack` and falls over `fall`: gives frame, envelope, noise.
fn burst(rate: f32, attack: f32, fall: f32, chance: &mut Chance, f: &mut impl FnMut(usize, f32, f32)) {
    let length = ((attack + fall * 6.0) * rate) as usize;
    for at in 0..length {
        let t = at as f32 / rate;
        let e = if t < attack { t / attack } else { (-(t - attack) / fall).exp() };
        f(at, e * ((length - at) as f32 / 300.0).min(1.0), chance.noise());
    }
}

/// A sine that falls from high to low, and the beater's click. `shape`: low, high, how fast it falls, how long it is.
fn kick(
    rate: f32,
    chance: &mut Chance,
    shape: [f32; 4],
    click: f32,
    force: f32,
    put: &mut impl FnMut(usize, f32),
) {
    let [low, high, fall, long] = shape;
    let mut phase = 0f32;
    let length = (long * 2.2 * rate) as usize;
    let mut beater = Filter::new(rate, 2400.0, 0.8);
    for at in 0..length {
        let t = at as f32 / rate;
        let hz = low + (high - low) * (-t / fall).exp();
        phase = turn(phase + hz / rate);
        let body = sine(phase) * (-t / (long * 0.55)).exp() * (t / 0.001).min(1.0);
        let tick = beater.band(chance.noise()) * (-t / 0.004).exp() * click;
        let v = soft((body * 1.5 + tick) * force) * 0.85;
        put(at, v * ((length - at) as f32 / 800.0).min(1.0));
    }
}

/// Two skins and the wires under them. `shape`: pitch, how long the skin and the wires sound, where the wires are.
fn snare(rate: f32, chance: &mut Chance, shape: [f32; 4], force: f32, put: &mut impl FnMut(usize, f32)) {
    let [hz, skin, wires, at_hz] = shape;
    let (mut a, mut b) = (0f32, 0f32);
    let mut band = Filter::new(rate, at_hz, 0.6);
    let mut floor = Filter::new(rate, 900.0, 0.7);
    let length = (wires * 4.0 * rate) as usize;
    for at in 0..length {
        let t = at as f32 / rate;
        let drop = 1.0 + 0.35 * (-t / 0.012).exp();
        a = turn(a + hz * drop / rate);
        b = turn(b + hz * 1.77 * drop / rate);
        let body = (sine(a) * 0.8 + sine(b) * 0.4) * (-t / (skin * 0.5)).exp();
        let n = chance.noise();
        let hiss = (band.band(n) * 0.9 + floor.high(n) * 0.25) * (-t / (wires * 0.55)).exp();
        let v = soft((body * 0.7 + hiss * 0.9) * force * 1.2) * 0.75;
        put(at, v * (t / 0.0006).min(1.0) * ((length - at) as f32 / 400.0).min(1.0));
    }
}

/// Six squares that do not agree, through a high-pass: a hat.
fn metal(
    rate: f32,
    chance: &mut Chance,
    fall: f32,
    corner: f32,
    force: f32,
    tune: f32,
    put: &mut impl FnMut(usize, f32),
) {
    let hz = [2050.0, 3070.0, 3690.0, 4560.0, 5430.0, 7310.0];
    let mut phase = [0f32; 6];
    let mut high = Filter::new(rate, corner, 0.8);
    let mut again = Filter::new(rate, corner * 0.8, 0.7);
    let fall = fall * chance.between(0.9, 1.1);
    let length = (fall * 6.0 * rate) as usize;
    for at in 0..length {
        let t = at as f32 / rate;
        let mut sum = 0f32;
        for i in 0..6 {
            phase[i] = turn(phase[i] + hz[i] * tune / rate);
            sum += if phase[i] < 0.5 { 1.0 } else { -1.0 };
        }
        let v = again.high(high.high(sum * 0.12 + chance.noise() * 0.8));
        let e = (-t / fall).exp() * (t / 0.0006).min(1.0) * ((length - at) as f32 / 300.0).min(1.0);
        put(at, v * e * force);
    }
}
