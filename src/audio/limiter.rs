//! Holds peaks under a ceiling.

use std::collections::VecDeque;

use super::loudness::highest;

/// A gain above this is none: 0.001 dB.
const WHOLE: f32 = 0.9999;

/// Holds peaks under the ceiling, looking 3 ms ahead; all channels together.
///
/// The gain of a frame is the mean of the last values of a gain that falls at once to the least needed within reach and
/// comes back slowly: no peak passes, and nothing jumps. Where nothing is held and nothing is near, frames pass as they
/// are, at no cost.
pub struct Limiter {
    channels: usize,
    ceiling: f32,
    /// Frames looked ahead.
    ahead: usize,
    back: f32,
    /// Frames not given yet, those before `given` being done with.
    line: Vec<f32>,
    ready: Vec<f32>,
    /// Frames that ask for less than all, by their number, with what they ask for.
    hot: VecDeque<(u64, f32)>,
    /// Of the hot ones within reach, those of which none that comes later asks for less.
    least: VecDeque<(u64, f32)>,
    /// The number of the first frame in the line, and of the first that was not looked at.
    first: u64,
    seen: u64,
    gain: f32,
    /// The last values of the gain, the place of the oldest, and their sum.
    recent: Vec<f32>,
    oldest: usize,
    sum: f64,
    /// How many values in a row were whole.
    whole: usize,
}

impl Limiter {
    /// `ceiling` is the highest sample that may pass.
    pub fn new(rate: u32, channels: usize, ceiling: f32) -> Limiter {
        let ahead = (rate as usize * 3 / 1000).max(8);
        Limiter {
            channels,
            ceiling,
            ahead,
            back: 1.0 - (-1.0 / (0.080 * rate as f32)).exp(),
            line: Vec::new(),
            ready: Vec::new(),
            hot: VecDeque::new(),
            least: VecDeque::new(),
            first: 0,
            seen: 0,
            gain: 1.0,
            recent: vec![1.0; ahead + 1],
            oldest: 0,
            sum: (ahead + 1) as f64,
            whole: ahead + 1,
        }
    }

    /// Takes frames and gives those that are ready; in all, as many come out as went in.
    pub fn push(&mut self, frames: &[f32]) -> &[f32] {
        let (channels, ceiling) = (self.channels, self.ceiling);
        self.line.extend_from_slice(frames);
        for (n, part) in frames.chunks(64 * channels).enumerate() {
            if highest(part) <= ceiling {
                continue;
            }
            let first = self.seen + 64 * n as u64;
            let needs = part.chunks_exact(channels).map(|frame| ceiling / highest(frame));
            self.hot.extend((first..).zip(needs).filter(|(_, need)| *need < 1.0));
        }
        self.seen += (frames.len() / channels) as u64;
        let ready = (self.line.len() / channels).saturating_sub(self.ahead);
        self.give(ready)
    }

    /// The frames that are left.
    pub fn finish(&mut self) -> &[f32] {
        let ready = self.line.len() / self.channels;
        self.give(ready)
    }

    fn give(&mut self, ready: usize) -> &[f32] {
        self.ready.clear();
        self.ready.extend_from_slice(&self.line[..ready * self.channels]);
        self.line.drain(..ready * self.channels);
        let end = self.first + ready as u64;
        let mut at = self.first;
        while at < end {
            let near =
                self.hot.front().map_or(u64::MAX, |(frame, _)| frame.saturating_sub(self.ahead as u64));
            if self.least.is_empty() && near > at {
                // Nothing asks for anything until then.
                let until = near.min(end);
                at = self.recover(at, until);
            } else {
                self.hold(at);
                at += 1;
            }
        }
        self.first = end;
        &self.ready
    }

    /// Brings the gain of the frames up to `until` back towards 1; gives `until`.
    fn recover(&mut self, at: u64, until: u64) -> u64 {
        for frame in at..until {
            if self.whole >= self.recent.len() {
                // All is whole again, and stays so.
                self.gain = 1.0;
                self.recent.fill(1.0);
                self.sum = self.recent.len() as f64;
                break;
            }
            self.turn(frame, 1.0);
        }
        until
    }

    fn hold(&mut self, at: u64) {
        let reach = at + self.ahead as u64;
        while let Some((frame, need)) = self.hot.front().copied().filter(|(frame, _)| *frame <= reach) {
            self.hot.pop_front();
            while self.least.back().is_some_and(|(_, last)| *last >= need) {
                self.least.pop_back();
            }
            self.least.push_back((frame, need));
        }
        while self.least.front().is_some_and(|(frame, _)| *frame < at) {
            self.least.pop_front();
        }
        let least = self.least.front().map_or(1.0, |(_, need)| *need);
        // Before the first frame there was no time to fall in.
        if at == 0 {
            self.recent.fill(least);
            self.sum = f64::from(least) * self.recent.len() as f64;
        }
        self.turn(at, least);
    }

    /// Moves the gain by one frame and lays it on.
    #[inline(always)]
    fn turn(&mut self, frame: u64, least: f32) {
        self.gain = (self.gain + (1.0 - self.gain) * self.back).min(least);
        self.whole = if self.gain > WHOLE { self.whole + 1 } else { 0 };
        let oldest = &mut self.recent[self.oldest];
        self.sum += f64::from(self.gain) - f64::from(*oldest);
        *oldest = self.gain;
        self.oldest = if self.oldest + 1 == self.recent.len() { 0 } else { self.oldest + 1 };
        let by = (self.sum / self.recent.len() as f64) as f32;
        let place = (frame - self.first) as usize * self.channels;
        self.ready[place..place + self.channels].iter_mut().for_each(|s| *s *= by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CEILING: f32 = 0.66;

    #[test]
    fn the_limiter_holds_every_peak_and_loses_no_frame() {
        let rate = 44_100;
        let sound: Vec<f32> = (0..rate * 2)
            .flat_map(|i| {
                let t = i as f32 / rate as f32;
                let burst = if (i / 9000) % 2 == 0 { 1.9 } else { 0.3 };
                [burst * (t * 700.0).sin(), burst * (t * 1234.0).cos()]
            })
            .collect();
        let mut limiter = Limiter::new(rate, 2, CEILING);
        let mut out = Vec::new();
        for part in sound.chunks(3334) {
            out.extend_from_slice(limiter.push(part));
        }
        out.extend_from_slice(limiter.finish());
        assert_eq!(out.len(), sound.len());
        let most = out.iter().fold(0f32, |most, s| most.max(s.abs()));
        assert!(most <= CEILING * 1.0001, "{most}");
        // Soft passages come back to their level.
        assert!((out[2 * 17_900] / sound[2 * 17_900] - 1.0).abs() < 0.2);
    }

    #[test]
    fn what_is_soft_passes_untouched() {
        let sound: Vec<f32> = (0..50_000).map(|i| (i as f32 * 0.01).sin() * 0.5).collect();
        let mut limiter = Limiter::new(48_000, 1, CEILING);
        let mut out = limiter.push(&sound[..20_000]).to_vec();
        out.extend_from_slice(limiter.push(&sound[20_000..]));
        out.extend_from_slice(limiter.finish());
        assert_eq!(out, sound);
    }
}
