//! What the measurements share: processor time, medians, a table.
#![allow(dead_code)]

use std::time::{Duration, Instant};

/// Processor time of this process so far, its threads included, in ticks of 10 ms (proc(5), fields 14 and 15).
pub fn cpu() -> Duration {
    cpu_of("self")
}

/// The same of another process.
pub fn cpu_of(pid: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after.split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap_or_default()).sum();
    Duration::from_millis(ticks * 10)
}

/// Wall and processor time of a piece of work.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration, Duration) {
    let (wall, used) = (Instant::now(), cpu());
    let out = work();
    (out, wall.elapsed(), cpu() - used)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which this part of all lies.
pub fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 - 1.0) * part).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// Prints rows under a head, columns aligned.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |n: usize| {
        rows.iter().map(|row| row[n].chars().count()).chain([head[n].chars().count()]).max().unwrap_or(0)
    };
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().enumerate().map(|(n, cell)| match n {
            0 => format!("{cell:<w$}", w = width(0)),
            n => format!("{cell:>w$}", w = width(n)),
        });
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
    };
    line(head.to_vec());
    println!("|{}|", (0..head.len()).map(|n| "-".repeat(width(n) + 2)).collect::<Vec<_>>().join("|"));
    for row in rows {
        line(row.iter().map(String::as_str).collect());
    }
}
