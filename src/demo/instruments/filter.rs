//! A filter that may be turned while it sounds.

use std::f32::consts::PI;

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
    /// A filter with its corner at `hz`; `q` says how sharp.
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

    /// What lies below the corner.
    #[inline(always)]
    pub fn low(&mut self, x: f32) -> f32 {
        self.step(x).1
    }

    /// Unity at its centre.
    #[inline(always)]
    pub fn band(&mut self, x: f32) -> f32 {
        self.step(x).0 * self.k
    }

    /// What lies above the corner.
    #[inline(always)]
    pub fn high(&mut self, x: f32) -> f32 {
        let (band, low) = self.step(x);
        x - self.k * band - low
    }
}
