//! A picture drawn from the sound: its spectrum and its rhythm make the shape, its key the colour.

use std::f64::consts::TAU;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::key::{self, Key};
use super::tempo::Tempo;

/// The few numbers a picture is drawn from. The worker sends these, never a drawing, so that a file that
/// took it over cannot send a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The spectrum, low to high.
    bands: [u8; key::BANDS],
    /// What starts in each sixteenth of a bar.
    bar: [u8; 16],
    /// Place on the circle of fifths, 0 to 11; none without a key.
    fifth: Option<u8>,
    minor: bool,
    /// 0 quiet to 255 loud.
    loud: u8,
}

impl Look {
    /// What a sound looks like, from what was heard in it; `lufs` is how loud it is on the whole.
    pub fn of(key: &Key, tempo: &Tempo, lufs: f64) -> Look {
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
        let name = key.name.as_deref().unwrap_or_default();
        let tonic = ["c", "cs", "d", "ds", "e", "f", "fs", "g", "gs", "a", "as", "b"]
            .iter()
            .position(|n| *n == name.trim_end_matches('m'));
        let minor = name.ends_with('m');
        // A minor key stands beside its relative major.
        let fifth = tonic.map(|t| ((t + if minor { 3 } else { 0 }) * 7 % 12) as u8);
        Look {
            bands: key.bands.map(byte),
            bar: tempo.bar.map(byte),
            fifth,
            minor,
            loud: byte(((lufs + 45.0) / 40.0) as f32),
        }
    }

    /// The drawing as SVG: at most 2 KB, presentation attributes only, the same for the same sound.
    pub fn svg(&self) -> String {
        let bands: Vec<f64> = self.bands.iter().map(|b| f64::from(*b) / 255.0).collect();
        let weight: f64 = bands.iter().sum::<f64>().max(1e-6);
        // Where the weight of the spectrum lies, 0 low to 1 high.
        let bright = bands.iter().enumerate().map(|(i, b)| i as f64 * b).sum::<f64>()
            / weight
            / (bands.len() - 1) as f64;
        let loud = f64::from(self.loud) / 255.0;
        let (hue, rich) = match self.fifth {
            Some(fifth) => (f64::from(fifth % 12) * 30.0 + 12.0 + if self.minor { 8.0 } else { 0.0 }, 1.0),
            None => (200.0 + 120.0 * bright, 0.35),
        };
        let dark = if self.minor { 0.16 } else { 0.22 };
        let ground = hex(hue + 10.0, 0.42 * rich, dark);
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path fill="{ground}" d="M0 0h100v100H0z"/>"##
        );
        // Strokes outside: the rhythm, a bar once around.
        let mut strokes = String::new();
        for (i, stroke) in self.bar.iter().enumerate() {
            let (sin, cos) = (TAU * i as f64 / 16.0 - TAU / 4.0).sin_cos();
            let far = 38.0 + 10.5 * f64::from(*stroke) / 255.0;
            let _ = write!(
                strokes,
                "M{} {}L{} {}",
                tenth(50.0 + 37.0 * cos),
                tenth(50.0 + 37.0 * sin),
                tenth(50.0 + far * cos),
                tenth(50.0 + far * sin)
            );
        }
        let _ = write!(
            svg,
            r##"<path stroke="{}" stroke-width="1.6" stroke-linecap="round" d="{strokes}"/>"##,
            hex(hue + 150.0, 0.5 * rich, 0.72)
        );
        // Three petalled rings: low, middle and high thirds of the spectrum, each mirrored so that it closes.
        for (ring, part) in bands.chunks(bands.len() / 3).enumerate() {
            let at = ring as f64;
            let reach = [33.0, 23.5, 14.0][ring.min(2)];
            let swing = reach * (0.28 + 0.3 * loud);
            let shape = petals(part, reach - swing * 0.6, swing, TAU * (0.03 * at + bright * 0.25), 1 + ring);
            let _ = write!(
                svg,
                r##"<path fill="{}" fill-opacity="{}" d="{shape}"/>"##,
                hex(hue - 26.0 * at, (0.62 + 0.1 * at) * rich.max(0.5), 0.42 + 0.15 * at + 0.08 * bright),
                tenth(0.82 + 0.09 * at)
            );
        }
        let _ = write!(
            svg,
            r##"<circle cx="50" cy="50" r="{}" fill="{}"/></svg>"##,
            tenth(1.5 + 4.0 * bright),
            hex(hue + 40.0, 0.7 * rich, 0.9)
        );
        svg
    }
}

/// A closed soft line whose distance from the middle follows `values` there and back, `times` times around.
fn petals(values: &[f64], base: f64, swing: f64, turn: f64, times: usize) -> String {
    let row: Vec<f64> = values.iter().chain(values.iter().rev()).copied().collect();
    // Every point costs bytes: inner rings take fewer of the values, not more points.
    let row: Vec<f64> = row.iter().step_by(times).copied().collect();
    let all = row.len() * times;
    let points: Vec<(f64, f64)> = (0..all)
        .map(|i| {
            let far = base + swing * row[i % row.len()];
            let (sin, cos) = (TAU * i as f64 / all as f64 + turn).sin_cos();
            (50.0 + far * cos, 50.0 + far * sin)
        })
        .collect();
    let between = |a: (f64, f64), b: (f64, f64)| (tenths((a.0 + b.0) / 2.0), tenths((a.1 + b.1) / 2.0));
    let (mut x, mut y) = between(points[all - 1], points[0]);
    let mut path = "M".to_owned();
    figures(&mut path, &[x, y]);
    // Steps have fewer digits than places. They lead from one rounded place to the next, so that no error adds up.
    let mut steps = Vec::with_capacity(all * 4);
    for i in 0..all {
        let (to_x, to_y) = between(points[i], points[(i + 1) % all]);
        steps.extend([tenths(points[i].0) - x, tenths(points[i].1) - y, to_x - x, to_y - y]);
        (x, y) = (to_x, to_y);
    }
    path.push('q');
    figures(&mut path, &steps);
    path.push('z');
    path
}

/// Writes tenths one after the other; a minus parts two as well as a space does.
fn figures(out: &mut String, tenths: &[i64]) {
    for (n, tenth) in tenths.iter().enumerate() {
        let gap = if n > 0 && *tenth >= 0 { " " } else { "" };
        let _ = write!(out, "{gap}{}", *tenth as f64 / 10.0);
    }
}

fn tenths(value: f64) -> i64 {
    (value * 10.0).round() as i64
}

/// A tenth is fine enough at a hundred units across.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Hue in degrees, saturation and lightness 0 to 1, as `#rrggbb`.
fn hex(hue: f64, saturation: f64, lightness: f64) -> String {
    let (s, l) = (saturation.clamp(0.0, 1.0), lightness.clamp(0.0, 0.96));
    let part = |n: f64| {
        let k = (n + hue.rem_euclid(360.0) / 30.0) % 12.0;
        let v = l - s * l.min(1.0 - l) * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (v * 255.0).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", part(0.0), part(8.0), part(4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(seed: u8, fifth: Option<u8>) -> Look {
        Look {
            bands: std::array::from_fn(|i| (i as u8).wrapping_mul(37).wrapping_add(seed)),
            bar: std::array::from_fn(|i| (i as u8).wrapping_mul(91).wrapping_add(seed)),
            fifth,
            minor: seed % 2 == 1,
            loud: seed,
        }
    }

    #[test]
    fn every_look_is_small_plain_and_its_own() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..=255 {
            for fifth in [None, Some(seed % 12), Some(200)] {
                let svg = look(seed, fifth).svg();
                assert!(svg.len() <= 2048, "{} bytes", svg.len());
                assert!(
                    svg.starts_with("<svg ")
                        && svg.ends_with("</svg>")
                        && svg.contains(r#"viewBox="0 0 100 100""#)
                );
                assert!(!svg.contains("style") && !svg.contains("NaN") && !svg.contains("script"));
                assert_eq!(svg, look(seed, fifth).svg());
                seen.insert(svg);
            }
        }
        assert!(seen.len() > 700);
    }

    #[test]
    fn a_ring_ends_where_it_began() {
        let path = petals(&[0.2, 0.9, 0.4], 20.0, 8.0, 0.3, 2);
        let steps = path.split_once('q').unwrap().1.trim_end_matches('z').replace('-', " -");
        let steps: Vec<f64> = steps.split_whitespace().map(|step| step.parse().unwrap()).collect();
        assert!(!steps.is_empty() && steps.len().is_multiple_of(4), "{path}");
        for side in [2, 3] {
            let sum: f64 = steps.iter().skip(side).step_by(4).sum();
            assert!(sum.abs() < 1e-6, "{path}");
        }
    }

    #[test]
    fn the_key_is_the_colour() {
        assert_ne!(look(9, Some(0)).svg().split('"').nth(5), look(9, Some(6)).svg().split('"').nth(5));
    }
}
