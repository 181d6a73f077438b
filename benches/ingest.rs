//! One master from its bytes to facts, waveform and marked preview, against the usual separate commands; and what a
//! file of three hours takes of memory.
//!
//! `cargo bench --bench ingest` (wants ffmpeg, ffprobe, fpcalc and lame)

mod common;

use std::f64::consts::TAU;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{cpu, median, table};
use cuehouse::audio::{self, Examined, Wish, wav};

const RATE: u32 = 44_100;
const SECS: u64 = 240;
const ROUNDS: usize = 5;
const LONG_HOURS: u64 = 3;

fn main() {
    for tool in ["ffmpeg", "ffprobe", "fpcalc", "lame"] {
        let flag = if tool == "lame" { "--license" } else { "-version" };
        let there = Command::new(tool).arg(flag).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(there.is_ok(), "{tool} is needed to compare with");
    }
    let folder = Folder::new();
    let master = folder.0.join("master.wav");
    println!("a master of {SECS} s, 24 bits, stereo, {RATE} Hz; {ROUNDS} rounds, taken in turns; medians\n");
    music(&master);
    speed(&folder.0, &master);
    memory(&folder.0, &master);
}

/// Who did it, processor seconds and wall seconds of each round.
struct Runner<'a> {
    name: &'static str,
    run: Box<dyn Fn() + 'a>,
    cpu: Vec<f64>,
    wall: Vec<f64>,
}

fn speed(folder: &Path, master: &Path) {
    let path = master.to_string_lossy().into_owned();
    let out = folder.join("lame.mp3").to_string_lossy().into_owned();
    let runner = |name, run: Box<dyn Fn()>| Runner { name, run, cpu: vec![], wall: vec![] };
    let command = |name: &'static str, program: &'static str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
        runner(name, Box::new(move || quiet(program, &args)))
    };
    let (ours, at) = (folder.to_owned(), master.to_owned());
    let pipe = path.clone();
    let mut runners = [
        runner("Cuehouse: one jailed worker", Box::new(move || drop(examine(&ours, &at)))),
        command("ffprobe", "ffprobe", &["-v", "error", "-show_format", "-show_streams", &path]),
        command(
            "ffmpeg ebur128, true peak",
            "ffmpeg",
            &[
                "-nostdin",
                "-v",
                "error",
                "-i",
                &path,
                "-af",
                "ebur128=peak=true:framelog=verbose",
                "-f",
                "null",
                "-",
            ],
        ),
        // A second short of the whole: at the very end fpcalc 1.5 calls the end of the file an error.
        command("fpcalc, but for a second", "fpcalc", &["-length", "239", "-raw", &path]),
        runner("ffmpeg | peaks", Box::new(move || peaks(&pipe))),
        command("lame 128 kb/s, quality 7", "lame", &["--quiet", "-b", "128", "-q", "7", &path, &out]),
    ];
    for _ in 0..ROUNDS {
        for runner in &mut runners {
            let (wall, used) = (Instant::now(), cpu() + children());
            (runner.run)();
            runner.wall.push(wall.elapsed().as_secs_f64());
            runner.cpu.push((cpu() + children() - used).as_secs_f64());
        }
    }
    let mut rows = Vec::new();
    let (mut cpu_sum, mut wall_sum) = (0.0, 0.0);
    let (ours_cpu, ours_wall) = (median(runners[0].cpu.clone()), median(runners[0].wall.clone()));
    for (n, runner) in runners.iter().enumerate() {
        let (cpu, wall) = (median(runner.cpu.clone()), median(runner.wall.clone()));
        if n > 0 {
            (cpu_sum, wall_sum) = (cpu_sum + cpu, wall_sum + wall);
        }
        rows.push(vec![runner.name.to_owned(), format!("{cpu:.2}"), format!("{wall:.2}")]);
    }
    rows.push(vec!["the five commands together".into(), format!("{cpu_sum:.2}"), format!("{wall_sum:.2}")]);
    rows.push(vec![
        "Cuehouse / commands".into(),
        format!("{:.2} ×", ours_cpu / cpu_sum),
        format!("{:.2} ×", ours_wall / wall_sum),
    ]);
    table(&["", "CPU s", "wall s"], &rows);
    println!(
        "\nOnly Cuehouse also hashes file and samples, finds tempo and key, draws the picture, levels and marks the \
         preview,\nand makes the sample of 60 s."
    );
}

fn quiet(program: &str, args: &[String]) {
    let status = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{program} {args:?}");
}

/// Least and most of every 256 samples, the way a script would: samples out of a pipe.
fn peaks(path: &str) {
    let mut child = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", path, "-ac", "1", "-f", "s16le", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg");
    let mut out = child.stdout.take().expect("a pipe");
    let (mut block, mut pairs) = (vec![0; 512 * 256], Vec::new());
    loop {
        let mut got = 0;
        while got < block.len() {
            match out.read(&mut block[got..]).expect("samples") {
                0 => break,
                n => got += n,
            }
        }
        for part in block[..got].chunks(512) {
            let samples = part.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two));
            let (least, most) = samples.fold((i16::MAX, i16::MIN), |(a, b), s| (a.min(s), b.max(s)));
            pairs.extend([(least >> 8) as i8, (most >> 8) as i8]);
        }
        if got < block.len() {
            break;
        }
    }
    assert!(child.wait().is_ok_and(|status| status.success()) && pairs.len() > 10_000);
}

fn examine(folder: &Path, master: &Path) -> Examined {
    let out = folder.join("out");
    std::fs::create_dir_all(&out).expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let wish = Wish::new([7; 32], "track");
    let worker = Path::new(env!("CARGO_BIN_EXE_cuehouse"));
    let master = File::open(master).expect("the master");
    runtime.block_on(audio::examine(worker, master, &wish, &out)).expect("facts")
}

fn memory(folder: &Path, master: &Path) {
    let long = folder.join("long.flac");
    let times = (LONG_HOURS * 3600 / SECS - 1).to_string();
    let args = ["-nostdin", "-v", "error", "-stream_loop", &times, "-i", &master.to_string_lossy()];
    let more = ["-compression_level", "0", &long.to_string_lossy()];
    quiet("ffmpeg", &args.iter().chain(&more).map(|arg| arg.to_string()).collect::<Vec<_>>());
    let watch = Watch::new();
    let (wall, used) = (Instant::now(), cpu() + children());
    let found = examine(folder, &long);
    let (wall, used) = (wall.elapsed(), cpu() + children() - used);
    assert_eq!(found.facts.duration_ms as u64, LONG_HOURS * 3_600_000);
    println!(
        "\na FLAC of {LONG_HOURS} hours: {:.0} s wall, {:.0} s CPU ({:.0} ms a minute of sound), {} MiB of memory at most",
        wall.as_secs_f64(),
        used.as_secs_f64(),
        used.as_secs_f64() * 1000.0 / (LONG_HOURS * 60) as f64,
        watch.peak_kib() / 1024
    );
}

/// Processor time of the children of this process that have ended and were waited for (proc(5), fields 16 and 17).
fn children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after.split_whitespace().skip(13).take(2).map(|n| n.parse::<u64>().unwrap_or_default()).sum();
    Duration::from_millis(ticks * 10)
}

/// Looks at the memory of all children, as long as it lives.
struct Watch {
    over: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
}

impl Watch {
    fn new() -> Watch {
        let watch = Watch { over: Arc::default(), peak: Arc::default() };
        let (over, peak) = (watch.over.clone(), watch.peak.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(children_kib(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        watch
    }

    fn peak_kib(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn children_kib() -> u64 {
    let own = format!("PPid:\t{}\n", std::process::id());
    let Ok(all) = std::fs::read_dir("/proc") else { return 0 };
    all.flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok())
        .filter(|status| status.contains(&own))
        .filter_map(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .max()
        .unwrap_or(0)
}

/// Drums, bass, chords and a tune over a little noise, as far from a test tone as arithmetic comes.
fn music(path: &Path) {
    let file = File::create(path).expect("a file");
    let mut writer = wav::Writer::new(std::io::BufWriter::new(file), RATE, 2, 24).expect("a header");
    let bars = [[0, 4, 7], [9, 12, 16], [5, 9, 12], [7, 11, 14]];
    let hertz = |note: i32| 220.0 * 2f64.powf(f64::from(note) / 12.0);
    let beat = 60.0 / 118.0;
    let mut state = 1u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / 8_388_608.0 - 1.0
    };
    for second in 0..SECS {
        let loud = if (60..180).contains(&second) { 1.0 } else { 0.6 };
        let mut samples = Vec::with_capacity(2 * RATE as usize);
        for i in 0..RATE {
            let t = second as f64 + f64::from(i) / f64::from(RATE);
            let (whole, since) = ((t / beat) as usize, t % beat);
            let chord = bars[whole / 4 % 4];
            let saw = |hertz: f64, harmonics: u32| {
                (1..=harmonics).map(|n| (TAU * hertz * f64::from(n) * t).sin() / f64::from(n)).sum::<f64>()
            };
            let bass = saw(hertz(chord[0] - 24), 6) * (-since * 4.0).exp() * 0.2;
            let tune = saw(hertz(chord[(t / beat * 2.0) as usize * 7 % 3] + 12), 8)
                * (-(t % (beat / 2.0)) * 5.0).exp()
                * 0.1;
            let kick = (since * 330.0).sin() * (-since * 25.0).exp() * 0.4;
            let snare = if whole % 2 == 1 { noise() * (-since * 18.0).exp() * 0.25 } else { 0.0 };
            let hat = noise() * (-(t % (beat / 4.0)) * 60.0).exp() * 0.08;
            let middle = bass + tune + kick + snare + hat + 0.002 * noise();
            let [a, b, c] = chord.map(|note| saw(hertz(note), 4) * 0.05);
            samples.push((loud * (middle + a + 0.5 * b)) as f32);
            samples.push((loud * (middle + c + 0.5 * b + 0.01 * noise())) as f32);
        }
        writer.write(&samples).expect("room on the disk");
    }
    writer.finish().expect("room on the disk");
}

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("cuehouse-ingest-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
