//! Sums of dying sines.

use std::f32::consts::TAU;

/// Sums of dying sines, each a point that turns and shrinks.
pub(super) struct Ringing<const N: usize> {
    x: [f32; N],
    y: [f32; N],
    c: [f32; N],
    s: [f32; N],
}

impl<const N: usize> Ringing<N> {
    pub(super) fn new() -> Self {
        Ringing { x: [0.0; N], y: [0.0; N], c: [0.0; N], s: [0.0; N] }
    }

    pub(super) fn add(&mut self, i: usize, rate: f32, hz: f32, level: f32, secs: f32) {
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
    pub(super) fn next(&mut self) -> f32 {
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
