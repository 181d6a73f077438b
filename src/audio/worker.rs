//! The child's side: gives up its rights, then reads one file and sends what it found.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::process::ExitCode;

use mp3lame_encoder::{Bitrate, Quality};

use super::decode::{self, Block};
use super::facts::Analysts;
use super::preview::{Intake, Mp3, Plan, down_mix, mp3_rate, second_sweep};
use super::resample::Resampler;
use super::wire::{self, Order, Part, Task, Told, Wire};
use super::{Refusal, Rendering, Tags, front, jail, spool, wav};

/// What `cuehouse worker` runs: the master is standard input, standard output a socket on which the order
/// comes and the findings go. Never started by hand.
pub fn worker_main() -> ExitCode {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let stdout = std::io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let (Ok(master), Ok(mut channel)) = (stdin, stdout) else { return ExitCode::from(74) };
    let is_socket = rustix::fs::fstat(&channel)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Socket);
    if !is_socket {
        eprintln!("cuehouse worker is started by cuehouse itself, one for each file");
        return ExitCode::from(64);
    }
    let Ok(order) = wire::read_order(&mut channel) else { return ExitCode::from(65) };
    let spool = spool::nameless(&order.spool);
    let layers = jail::enter(order.max_secs, order.cpu_secs);
    let mut out = Wire::new(channel);
    if out.json(wire::LAYERS, &layers).is_err() {
        return ExitCode::from(74);
    }
    let result = match spool {
        Ok(spool) => run(master, spool, &order, &mut out),
        Err(error) => out.json(wire::REFUSED, &Refusal::ours(error)),
    };
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(74) }
}

/// Does what the order says, without a jail of its own. The error is that nobody listens any more.
pub fn run<W: Write>(master: File, spool: File, order: &Order, out: &mut Wire<W>) -> Result<(), Refusal> {
    let result = match &order.task {
        Task::Examine { motif, preview, sample, sample_secs } => {
            let plan = Plan { motif, preview, sample, sample_secs: *sample_secs };
            examine(master, spool, order.max_secs, &plan, out)
        }
        Task::Render(rendering) => render(master, order.max_secs, rendering, out),
        Task::Escape(escape) => match escape.attempt() {
            Ok(()) => Ok(()),
            Err(error) => Err(Refusal::unsupported(&error.to_string())),
        },
    };
    match result {
        Ok(()) => out.frame(wire::DONE, &[]),
        Err(refusal) => out.json(wire::REFUSED, &refusal),
    }
}

/// Blocks between two signs of life: they end a worker whose parent is gone.
const BREATH: u64 = 64;

fn examine<W: Write>(
    master: File,
    spool: File,
    max_secs: u64,
    plan: &Plan<'_>,
    out: &mut Wire<W>,
) -> Result<(), Refusal> {
    let mut source = decode::source(front::open(master)?, max_secs)?;
    let mut block = Block::default();
    source.fill(&mut block)?;
    if block.frames == 0 {
        source.verdict()?;
        return Err(Refusal::Empty);
    }
    let mut analysts = Analysts::new(&source.spec)?;
    let mut intake = Intake::new(spool, source.spec.rate, source.spec.channels);
    let mut blocks = 0u64;
    while block.frames > 0 {
        analysts.hear(&block)?;
        intake.take(&block.floats)?;
        source.fill(&mut block)?;
        blocks += 1;
        if blocks.is_multiple_of(BREATH) {
            out.frame(wire::ALIVE, &source.frames.to_le_bytes())?;
        }
    }
    source.verdict()?;
    intake.finish()?;
    let heard = analysts.finish(&source)?;
    out.bytes(wire::PEAKS, &heard.peaks)?;
    out.bytes(wire::BARS, &heard.bars)?;
    let sample_start_ms = second_sweep(&mut intake, &heard, plan, out)?;
    out.json(wire::TOLD, &Told { facts: heard.facts, look: heard.look, sample_start_ms })
}

fn render<W: Write>(
    master: File,
    max_secs: u64,
    rendering: &Rendering,
    out: &mut Wire<W>,
) -> Result<(), Refusal> {
    let mut source = decode::source(front::open(master)?, max_secs)?;
    let mut block = Block::default();
    source.fill(&mut block)?;
    match rendering {
        Rendering::Wav { bits, tags } => render_wav(&mut source, &mut block, *bits, tags, out),
        Rendering::Mp3 { tags } => render_mp3(&mut source, &mut block, tags, out),
    }?;
    source.verdict()
}

fn render_wav<W: Write>(
    source: &mut decode::Source,
    block: &mut Block,
    bits: u16,
    tags: &Tags,
    out: &mut Wire<W>,
) -> Result<(), Refusal> {
    let bits = if bits == 24 { 24 } else { 16 };
    let (rate, channels) = (source.spec.rate, source.spec.channels as u16);
    // Samples that were 16 bits or fewer are exact; all others are dithered so that what is lost is noise.
    let exact = source.spec.bits.is_some_and(|stored| stored <= 16);
    out.part(Part::Delivery, &wav::header(rate, channels, bits, 0, 0))?;
    let mut bytes = Vec::new();
    let mut dither = Dither(0x2545_f491);
    while block.frames > 0 {
        bytes.clear();
        for sample in &block.ints {
            let value = match bits {
                24 => (i64::from(*sample) + 128).min(i64::from(i32::MAX)) as i32 >> 8,
                _ if exact => sample >> 16,
                _ => {
                    (i64::from(*sample) + dither.next()).clamp(i64::from(i32::MIN), i64::from(i32::MAX))
                        as i32
                        >> 16
                }
            };
            bytes.extend_from_slice(&value.to_le_bytes()[..usize::from(bits / 8)]);
        }
        out.part(Part::Delivery, &bytes)?;
        source.fill(block)?;
    }
    let data = source.frames * u64::from(channels) * u64::from(bits / 8);
    let info = wav::info(tags);
    if data + info.len() as u64 + 64 > u64::from(u32::MAX) {
        return Err(Refusal::TooLarge);
    }
    if data % 2 == 1 {
        out.part(Part::Delivery, &[0])?;
    }
    out.part(Part::Delivery, &info)?;
    out.patch(Part::Delivery, 0, &wav::header(rate, channels, bits, source.frames, info.len() as u32))
}

fn render_mp3<W: Write>(
    source: &mut decode::Source,
    block: &mut Block,
    tags: &Tags,
    out: &mut Wire<W>,
) -> Result<(), Refusal> {
    let (rate, channels) = (source.spec.rate, source.spec.channels);
    // 320 kb/s exist from 32 kHz on.
    let to = match mp3_rate(rate) {
        rate @ 32_000.. => rate,
        rate => rate * if rate % 11_025 == 0 { 44_100 / rate } else { 48_000 / rate },
    };
    let kept = channels.min(2);
    let mut resampler = (to != rate).then(|| Resampler::new(rate, to, kept, 32));
    let mut mp3 = Mp3::new(to, kept, Bitrate::Kbps320, Quality::NearBest)?;
    let tag = wav::id3(tags);
    out.part(Part::Delivery, &tag)?;
    let (mut mixed, mut ready) = (Vec::new(), Vec::new());
    let clip = |samples: &mut Vec<f32>| samples.iter_mut().for_each(|s| *s = s.clamp(-1.0, 1.0));
    while block.frames > 0 {
        ready.clear();
        let samples = down_mix(&block.floats, channels, &mut mixed);
        match &mut resampler {
            Some(resampler) => resampler.push(samples, &mut ready),
            None => ready.extend_from_slice(samples),
        }
        clip(&mut ready);
        out.part(Part::Delivery, mp3.push(&ready)?)?;
        source.fill(block)?;
    }
    if let Some(resampler) = &mut resampler {
        ready.clear();
        resampler.finish(&mut ready);
        clip(&mut ready);
        out.part(Part::Delivery, mp3.push(&ready)?)?;
    }
    let (tail, first) = mp3.finish()?;
    out.part(Part::Delivery, &tail)?;
    out.patch(Part::Delivery, tag.len() as u64, &first)
}

/// Triangular dither of one 16-bit step, with rounding, the same in every run.
struct Dither(u32);

impl Dither {
    fn next(&mut self) -> i64 {
        let mut part = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i64::from(self.0 >> 16)
        };
        part() - part() + 32_768
    }
}
