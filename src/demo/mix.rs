//! From notes to samples: parts on their buses, a room, an echo, and the last look at the whole.

use std::collections::VecDeque;
use std::ops::Range;

use super::chance::Chance;
use super::instruments::{Drum, Filter, Tone, Voice, hertz, sine, soft};
use super::score::{Echo, Part, Piece, Room};

/// The highest a sample may reach.
const CEILING: f32 = 0.84;
/// Left and right.
pub type Frame = [f32; 2];

/// Renders a piece: stereo frames at its rate. A loop is exactly as long as its bars, with its tail wrapped round.
pub fn render(piece: &Piece) -> Vec<Frame> {
    let bars = piece.frames();
    let rate = piece.rate as f32;
    let tail = (f64::from(piece.tail.max(if piece.is_loop { 6.0 } else { 0.0 })) * f64::from(rate)) as usize;
    let length = bars + tail;
    let mut dry = vec![[0f32; 2]; length];
    let mut room = vec![[0f32; 2]; length];
    let mut echo = vec![[0f32; 2]; length];
    let mut bus = vec![[0f32; 2]; length];
    let duck = ducking(piece, length);
    let mut chance = piece.chance.clone();
    for part in &piece.parts {
        let used = perform(piece, part, &mut chance, &mut bus);
        shape(piece, part, &mut bus[used.clone()], used.start);
        if part.duck > 0.0 {
            for (frame, duck) in bus[used.clone()].iter_mut().zip(&duck[used.clone()]) {
                let d = 1.0 - part.duck * duck;
                frame[0] *= d;
                frame[1] *= d;
            }
        }
        add(&mut dry[used.clone()], &bus[used.clone()], 1.0);
        add(&mut room[used.clone()], &bus[used.clone()], part.room);
        add(&mut echo[used.clone()], &bus[used.clone()], part.echo);
        bus[used].fill([0.0; 2]);
    }
    if piece.parts.iter().any(|p| p.echo > 0.0) {
        let secs = piece.echo.beats * 60.0 / piece.bpm;
        bounce(rate, secs, piece.echo, &mut echo);
        for i in 0..length {
            for side in 0..2 {
                dry[i][side] += echo[i][side];
                room[i][side] += echo[i][side] * 0.25;
            }
        }
    }
    reverberate(rate, piece.room, &mut room);
    for i in 0..length {
        dry[i][0] += room[i][0];
        dry[i][1] += room[i][1];
    }
    if piece.is_loop {
        let (head, behind) = dry.split_at_mut(bars);
        for (i, frame) in behind.iter().enumerate() {
            head[i % bars][0] += frame[0];
            head[i % bars][1] += frame[1];
        }
        dry.truncate(bars);
    }
    if piece.dust > 0.0 {
        wear(rate, piece.dust, &mut chance, &mut dry);
    }
    if piece.is_loop { master_loop(rate, piece.lufs, piece.warmth, dry) } else { finish(piece, dry) }
}

fn add(to: &mut [Frame], from: &[Frame], level: f32) {
    if level == 0.0 {
        return;
    }
    for (to, from) in to.iter_mut().zip(from) {
        to[0] += from[0] * level;
        to[1] += from[1] * level;
    }
}

/// Masters a piece that ends, and lets it die away.
fn finish(piece: &Piece, dry: Vec<Frame>) -> Vec<Frame> {
    let rate = piece.rate as f32;
    let mut out = master(rate, piece.lufs, piece.warmth, dry);
    let bars = piece.frames();
    let fade = (piece.fade * piece.meter * 60.0 / piece.bpm * f64::from(rate)) as usize;
    // A fade reaches into the tail, so that it does not end in a step.
    let (from, to) = (bars.saturating_sub(fade), out.len());
    if fade > 0 {
        for (i, frame) in out[from..].iter_mut().enumerate() {
            let t = i as f32 / (to - from) as f32;
            let g = (1.0 - t) * (1.0 - t);
            frame[0] *= g;
            frame[1] *= g;
        }
    }
    end_quietly(rate, &mut out);
    out
}

/// Cuts what cannot be heard any more and closes the rest without a click.
pub fn end_quietly(rate: f32, out: &mut Vec<Frame>) {
    let heard = out.iter().rposition(|f| f[0].abs().max(f[1].abs()) > 0.0012).unwrap_or(0);
    out.truncate((heard + (0.25 * rate) as usize).min(out.len()));
    let close = ((0.35 * rate) as usize).min(out.len());
    let from = out.len() - close;
    for (i, frame) in out[from..].iter_mut().enumerate() {
        let t = 1.0 - i as f32 / close as f32;
        frame[0] *= t;
        frame[1] *= t;
    }
}

/// Plays a part's notes onto its silent bus; answers which stretch of it sounds.
fn perform(piece: &Piece, part: &Part, chance: &mut Chance, bus: &mut [Frame]) -> Range<usize> {
    let mut used = bus.len()..0;
    let rate = piece.rate as f32;
    let bars = piece.frames();
    let gain = 10f32.powf(part.level / 20.0);
    let angle = (part.pan + 1.0) * std::f32::consts::FRAC_PI_4;
    let (left, right) =
        (angle.cos() * gain * std::f32::consts::SQRT_2, angle.sin() * gain * std::f32::consts::SQRT_2);
    for note in &part.notes {
        let early = f64::from(chance.bell() * part.loose / 1000.0);
        let at = ((piece.secs(note.at) + early).max(0.0) * f64::from(rate)) as usize;
        if at >= bars + if piece.is_loop { 0 } else { rate as usize / 8 } {
            continue;
        }
        let secs = (piece.secs(note.at + note.len) - piece.secs(note.at)).max(0.02) as f32;
        let level = curve_at(&part.curve, note.at);
        if level <= 0.001 {
            continue;
        }
        let force = (note.force * (1.0 + 0.06 * chance.bell())).clamp(0.05, 1.0);
        let tone = Tone { rate, hz: hertz(note.pitch), secs, force };
        let (l, r) = (left * level, right * level);
        let room = bus.len() - at;
        let mut last = 0;
        part.voice.sound(tone, chance, &mut |i, x, y| {
            if i < room {
                let frame = &mut bus[at + i];
                frame[0] += x * l;
                frame[1] += y * r;
                last = i;
            }
        });
        used.start = used.start.min(at);
        used.end = used.end.max(at + last + 1);
    }
    if used.start > used.end {
        return 0..0;
    }
    // Filters of the part ring on for a moment.
    used.start..(used.end + piece.rate as usize / 4).min(bus.len())
}

/// The value of a line of points at a beat; 1 where there is no line.
fn curve_at(points: &[(f64, f32)], beat: f64) -> f32 {
    let Some(next) = points.iter().position(|(b, _)| *b > beat) else {
        return points.last().map_or(1.0, |(_, v)| *v);
    };
    if next == 0 {
        return points[0].1;
    }
    let ((b0, v0), (b1, v1)) = (points[next - 1], points[next]);
    v0 + (v1 - v0) * ((beat - b0) / (b1 - b0)) as f32
}

/// The part's own filters, over a stretch that begins at frame `from`.
fn shape(piece: &Piece, part: &Part, bus: &mut [Frame], from: usize) {
    let rate = piece.rate as f32;
    if part.floor > 0.0 {
        let mut high = [Filter::new(rate, part.floor, 0.7); 2];
        for frame in bus.iter_mut() {
            frame[0] = high[0].high(frame[0]);
            frame[1] = high[1].high(frame[1]);
        }
    }
    if !part.lid.is_empty() {
        let mut low = [Filter::new(rate, 1000.0, 0.8); 2];
        let beats = piece.bpm / 60.0 / f64::from(rate);
        // In a loop the lid has to be where it was when it comes round: heard once before it counts.
        let rounds = if piece.is_loop { 2 } else { 1 };
        let kept: Vec<Frame> = if piece.is_loop { bus.to_vec() } else { Vec::new() };
        for round in 0..rounds {
            if round == 1 {
                bus.copy_from_slice(&kept);
            }
            for (i, frame) in bus.iter_mut().enumerate() {
                if i % 64 == 0 {
                    let points: f32 = curve_log(&part.lid, (from + i) as f64 * beats);
                    low[0].turn(rate, points, 0.8);
                    low[1].turn(rate, points, 0.8);
                }
                frame[0] = low[0].low(frame[0]);
                frame[1] = low[1].low(frame[1]);
            }
        }
    }
}

/// Like `curve_at`, in octaves.
fn curve_log(points: &[(f64, f32)], beat: f64) -> f32 {
    let logs: Vec<(f64, f32)> = points.iter().map(|(b, v)| (*b, v.max(10.0).log2())).collect();
    2f32.powf(curve_at(&logs, beat))
}

/// How far everything ducks under the kick, 0 to 1, for each frame.
fn ducking(piece: &Piece, length: usize) -> Vec<f32> {
    let mut duck = vec![0f32; length];
    if piece.parts.iter().all(|p| p.duck == 0.0) {
        return duck;
    }
    let rate = f64::from(piece.rate);
    let kicks = piece.parts.iter().filter(|p| {
        matches!(p.voice, Voice::Drum(Drum::Kick | Drum::ClubKick | Drum::DeepKick | Drum::SoftKick))
    });
    let hold = (60.0 / piece.bpm * 0.7 * rate) as usize;
    for part in kicks {
        for note in part.notes.iter().filter(|n| n.force > 0.5) {
            let at = (piece.secs(note.at) * rate) as usize;
            for i in 0..hold.min(length.saturating_sub(at)) {
                let t = i as f32 / hold as f32;
                let v = (1.0 - t) * (1.0 - t) * (i as f32 / 200.0).min(1.0);
                duck[at + i] = duck[at + i].max(v);
            }
        }
    }
    duck
}

/// An echo that crosses sides and gets darker; replaces what it is given.
fn bounce(rate: f32, secs: f64, echo: Echo, sound: &mut [Frame]) {
    let delay = ((secs * f64::from(rate)) as usize).max(1);
    let mut line = vec![[0f32; 2]; delay];
    let mut low = [Filter::new(rate, echo.damp, 0.6); 2];
    let mut high = [Filter::new(rate, 160.0, 0.7); 2];
    let mut at = 0;
    for frame in sound.iter_mut() {
        let [l, r] = line[at];
        let mono = (frame[0] + frame[1]) * 0.5;
        // In on the left, over to the right, and back.
        line[at] = [
            high[0].high(low[0].low(mono + r * echo.feedback)),
            high[1].high(low[1].low(l * echo.feedback.max(0.6))),
        ];
        *frame = [l, r];
        at = if at + 1 == delay { 0 } else { at + 1 };
    }
}

/// A room: diffusion, then eight delays that feed each other (a Hadamard matrix) through damping. Replaces what it is
/// given by the room's answer.
pub fn reverberate(rate: f32, room: Room, sound: &mut [Frame]) {
    if room.secs <= 0.0 {
        sound.fill([0.0; 2]);
        return;
    }
    const LINES: [f32; 8] = [0.0297, 0.0371, 0.0411, 0.0437, 0.0533, 0.0617, 0.0673, 0.0797];
    const SPREAD: [f32; 4] = [0.0047, 0.0036, 0.0127, 0.0093];
    let mut lines: [Vec<f32>; 8] =
        std::array::from_fn(|i| vec![0.0; ((LINES[i] * room.size * 1.3 * rate) as usize) | 1]);
    let mut at = [0usize; 8];
    let hold: [f32; 8] =
        std::array::from_fn(|i| 10f32.powf(-3.0 * lines[i].len() as f32 / rate / room.secs) * 0.353_553);
    let damp = 1.0 - (-std::f32::consts::TAU * room.damp / rate).exp();
    let mut dull = [0f32; 8];
    let mut spread: [[Vec<f32>; 4]; 2] = std::array::from_fn(|side| {
        std::array::from_fn(|i| vec![0.0; (SPREAD[i] * rate * (1.0 + 0.07 * side as f32)) as usize + 1])
    });
    let mut spread_at = [[0usize; 4]; 2];
    let before = ((0.012 + 0.012 * room.size) * rate) as usize;
    let mut wait = vec![[0f32; 2]; before.max(1)];
    let mut wait_at = 0;
    let mut rumble = [Filter::new(rate, 130.0, 0.7); 2];
    for frame in sound.iter_mut() {
        let mut x = wait[wait_at];
        wait[wait_at] = *frame;
        wait_at = if wait_at + 1 == wait.len() { 0 } else { wait_at + 1 };
        for side in 0..2 {
            let mut v = rumble[side].high(x[side]);
            for i in 0..4 {
                let line = &mut spread[side][i];
                let place = &mut spread_at[side][i];
                let old = line[*place];
                let fed = v - old * 0.62 + 1e-20;
                line[*place] = fed;
                v = old + fed * 0.62;
                *place = if *place + 1 == line.len() { 0 } else { *place + 1 };
            }
            x[side] = v;
        }
        for (i, dull) in dull.iter_mut().enumerate() {
            *dull += damp * (lines[i][at[i]] - *dull);
        }
        let mut v = dull;
        let out_l = v[0] - v[2] + v[4] - v[6];
        let out_r = v[1] - v[3] + v[5] - v[7];
        // Hadamard: three rounds of sums and differences.
        for half in [1, 2, 4] {
            let mut i = 0;
            while i < 8 {
                for j in i..i + half {
                    let (a, b) = (v[j], v[j + half]);
                    v[j] = a + b;
                    v[j + half] = a - b;
                }
                i += half * 2;
            }
        }
        for i in 0..8 {
            let place = at[i];
            lines[i][place] = v[i] * hold[i] + x[i % 2] * 0.5;
            at[i] = if place + 1 == lines[i].len() { 0 } else { place + 1 };
        }
        *frame = [out_l * 0.6, out_r * 0.6];
    }
}

/// Crackle, hiss, a narrower top and a waver, as from a worn record.
fn wear(rate: f32, dust: f32, chance: &mut Chance, sound: &mut Vec<Frame>) {
    let n = sound.len();
    let mut worn = Vec::with_capacity(n);
    let mut low = [Filter::new(rate, 7500.0, 0.6); 2];
    let mut tick = Filter::new(rate, 2600.0, 1.2);
    let mut hiss = Filter::new(rate, 5200.0, 0.6);
    let mut level = 0f32;
    for i in 0..n {
        // The waver: a few thousandths of a second back and forth, whole turns over the whole length.
        let turns = (n as f32 / rate * 0.55).round().max(1.0);
        let late = (1.0 + sine((i as f32 / n as f32 * turns).fract())) * 0.0011 * rate * dust;
        let from = (i + n) as f32 - late;
        let whole = from as usize;
        let part = from - whole as f32;
        if chance.unit() < 7.0 / rate {
            level = chance.between(0.1, 0.9);
        }
        let crackle = tick.band(chance.noise()) * level * 0.12 * dust;
        level *= 0.985;
        let air = hiss.band(chance.noise()) * 0.0035 * dust;
        let (a, b) = (sound[whole % n], sound[(whole + 1) % n]);
        let frame: Frame = std::array::from_fn(|s| a[s] + (b[s] - a[s]) * part);
        worn.push([low[0].low(frame[0]) + crackle + air, low[1].low(frame[1]) + crackle * 0.8 - air]);
    }
    *sound = worn;
}

/// Loudness (EBU R128) of stereo frames; quiet things are repeated until they are long enough to be measured.
pub fn loudness(rate: f32, sound: &[Frame]) -> f32 {
    let Ok(mut meter) = ebur128::EbuR128::new(2, rate as u32, ebur128::Mode::I) else { return -70.0 };
    let mut flat = Vec::with_capacity(8192);
    let mut heard = 0;
    while heard < rate as usize {
        for frames in sound.chunks(4096) {
            flat.clear();
            flat.extend(frames.iter().flatten());
            if meter.add_frames_f32(&flat).is_err() {
                return -70.0;
            }
        }
        if sound.is_empty() {
            return -70.0;
        }
        heard += sound.len();
    }
    let measured = meter.loudness_global().unwrap_or(-70.0) as f32;
    if measured.is_finite() { measured } else { -70.0 }
}

/// The last look: no offset, a little warmth, the wanted loudness, and nothing above the ceiling.
pub fn master(rate: f32, lufs: f32, warmth: f32, mut sound: Vec<Frame>) -> Vec<Frame> {
    let mut floor = [Filter::new(rate, 24.0, 0.7); 2];
    for frame in &mut sound {
        for side in 0..2 {
            frame[side] = floor[side].high(frame[side]);
        }
    }
    level(rate, lufs, &mut sound);
    if warmth > 0.0 {
        let push = 1.0 + warmth;
        let (mut before, mut after) = (0f64, 0f64);
        for frame in &mut sound {
            for side in frame.iter_mut() {
                before += f64::from(*side * *side);
                *side = soft(*side * push) / push;
                after += f64::from(*side * *side);
            }
        }
        // What the warmth took away comes back, so that it is heard and not only quieter.
        let back = (before / after.max(1e-12)).sqrt() as f32;
        for frame in &mut sound {
            frame[0] *= back;
            frame[1] *= back;
        }
    }
    limit(rate, &mut sound);
    sound
}

/// The same for a loop: the sound before its first frame is its last.
fn master_loop(rate: f32, lufs: f32, warmth: f32, sound: Vec<Frame>) -> Vec<Frame> {
    let n = sound.len();
    // A second is enough for filters to settle and for the limiter to breathe out.
    let lead = n.min(rate as usize * 2);
    let mut long: Vec<Frame> = sound[n - lead..].to_vec();
    long.extend_from_slice(&sound);
    long.extend_from_slice(&sound[..lead.min(n)]);
    let out = master(rate, lufs, warmth, long);
    out[lead..lead + n].to_vec()
}

fn level(rate: f32, lufs: f32, sound: &mut [Frame]) {
    let now = loudness(rate, sound);
    if now < -69.0 {
        return;
    }
    let gain = 10f32.powf((lufs - now) / 20.0);
    for frame in sound.iter_mut() {
        frame[0] *= gain;
        frame[1] *= gain;
    }
}

/// Holds every sample below the ceiling: looks four milliseconds ahead, comes back in a hundred.
pub fn limit(rate: f32, sound: &mut [Frame]) {
    let ahead = (0.004 * rate) as usize;
    let n = sound.len();
    let wish = |i: usize| -> f32 {
        let frame: Frame = sound[i.min(n - 1)];
        let peak = frame[0].abs().max(frame[1].abs());
        if peak > CEILING { CEILING / peak } else { 1.0 }
    };
    if n == 0 || (0..n).all(|i| wish(i) >= 1.0) {
        return;
    }
    // The least wish of the next `ahead` frames, kept as a falling queue.
    let mut queue: VecDeque<(usize, f32)> = VecDeque::new();
    let mut gains = Vec::with_capacity(n);
    let back = 1.0 - (-1.0 / (0.1 * rate)).exp();
    let mut held = 1f32;
    let mut next = 0;
    for i in 0..n {
        while next <= i + ahead && next < n + ahead {
            let w = wish(next);
            while queue.back().is_some_and(|(_, v)| *v >= w) {
                queue.pop_back();
            }
            queue.push_back((next, w));
            next += 1;
        }
        while queue.front().is_some_and(|(at, _)| *at < i) {
            queue.pop_front();
        }
        let least = queue.front().map_or(1.0, |(_, v)| *v);
        held = if least < held { least } else { held + (1.0 - held) * back };
        held = held.min(least);
        gains.push(held);
    }
    // The mean of the last `ahead` gains: smooth, and never above what any frame in reach asked for.
    let mut sum = gains[0] * ahead as f32;
    for i in 0..n {
        let old = if i >= ahead { gains[i - ahead] } else { gains[0] };
        sum += gains[i] - old;
        let gain = (sum / ahead as f32).min(1.0);
        sound[i][0] = (sound[i][0] * gain).clamp(-CEILING, CEILING);
        sound[i][1] = (sound[i][1] * gain).clamp(-CEILING, CEILING);
    }
}
