//! What an MP4 says that its reader does not tell: where the sound begins in it, where it ends, and codings
//! that would decode to something else.

use std::io::{Read, Seek, SeekFrom};

use super::Refusal;

/// The sound track of an MP4.
#[derive(Clone, Copy, Debug)]
pub struct Movie {
    /// What an encoder put before the sound.
    pub priming: Span,
    /// The sound behind it, where the file says how long it is.
    pub frames: Option<Span>,
    /// What the file's table of samples adds up to, priming included.
    pub table: Span,
}

/// A length inside an MP4. A tick is a frame in most files, but some count millionths of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Frames(u64),
    Ticks { ticks: u64, per_sec: u64 },
}

impl Span {
    /// The length in frames of a sound of `rate`.
    pub fn in_frames(self, rate: u32) -> u64 {
        match self {
            Span::Frames(frames) | Span::Ticks { ticks: frames, per_sec: 0 } => frames,
            Span::Ticks { ticks, per_sec } => {
                let (ticks, rate, per_sec) = (u128::from(ticks), u128::from(rate), u128::from(per_sec));
                u64::try_from((ticks * rate + per_sec / 2) / per_sec).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Reads the movie box between `start` and `end`.
pub fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Movie, Refusal> {
    const MOST: u64 = 32 << 20;
    let mut at = start;
    // Every box is eight bytes or more, so the bound is on what a file can be made of, not on time.
    for _ in 0..4096 {
        let mut head = [0u8; 16];
        file.seek(SeekFrom::Start(at)).map_err(Refusal::ours)?;
        let got = read_up_to(file, &mut head)?;
        if got < 8 {
            break;
        }
        let (mut size, mut skip) = (u64::from(be32(&head, 0)), 8);
        if size == 1 {
            (size, skip) = (u64::from(be32(&head, 8)) << 32 | u64::from(be32(&head, 12)), 16);
        }
        if size == 0 {
            size = end - at;
        }
        if size < skip {
            return Err(Refusal::Damaged);
        }
        if &head[4..8] == b"moov" {
            let body = (size - skip).min(end.saturating_sub(at + skip));
            if body > MOST {
                return Err(Refusal::TooLarge);
            }
            let mut moov = Vec::new();
            file.seek(SeekFrom::Start(at + skip)).map_err(Refusal::ours)?;
            file.take(body).read_to_end(&mut moov).map_err(Refusal::ours)?;
            return movie(&moov);
        }
        at = match at.checked_add(size) {
            Some(next) if next < end => next,
            _ => break,
        };
    }
    Err(Refusal::Damaged)
}

fn movie(moov: &[u8]) -> Result<Movie, Refusal> {
    let traks = || boxes(moov).filter(|(name, _)| name == b"trak").map(|(_, body)| body);
    let handler =
        |trak: &[u8]| path(trak, &[b"mdia", b"hdlr"]).and_then(|h| h.get(8..12).map(<[u8]>::to_vec));
    if traks().any(|trak| handler(trak).as_deref() == Some(b"vide")) {
        return Err(Refusal::looks_like("a video"));
    }
    let trak = traks().find(|trak| handler(trak).as_deref() == Some(b"soun")).ok_or(Refusal::Empty)?;
    let stsd = path(trak, &[b"mdia", b"minf", b"stbl", b"stsd"]).unwrap_or_default();
    let coding = stsd.get(12..16).unwrap_or_default();
    if coding == b"mp4a" && is_he_aac(stsd) {
        return Err(Refusal::unsupported("HE-AAC (plain AAC is welcome)"));
    }
    // Ticks a second, behind two times that a newer version writes in eight bytes each.
    let scale = |body: Option<&[u8]>| -> u64 {
        let body = body.unwrap_or_default();
        u64::from(be32(body, if body.first() == Some(&1) { 20 } else { 12 }))
    };
    let media_scale = scale(path(trak, &[b"mdia", b"mdhd"]));
    let movie_scale = scale(path(moov, &[b"mvhd"]));
    let span = |ticks: u64| Span::Ticks { ticks, per_sec: media_scale };
    let table = path(trak, &[b"mdia", b"minf", b"stbl", b"stts"]).map(table_len).unwrap_or(0);
    let edit = path(trak, &[b"edts", b"elst"]).and_then(first_edit);
    let smpb = smooth(moov);
    let priming = match (edit, smpb) {
        (Some((_, from)), _) => span(from),
        (None, Some((front, _))) => Span::Frames(front),
        (None, None) if coding == b"mp4a" => Span::Frames(1024),
        (None, None) => Span::Frames(0),
    };
    let frames = match (smpb, edit) {
        (Some((_, frames)), _) if frames > 0 => Some(Span::Frames(frames)),
        // An edit counts in the movie's own, often coarse, units: only an exact one is believed.
        (_, Some((long, _))) if movie_scale == media_scale && long > 0 => Some(span(long)),
        _ => None,
    };
    Ok(Movie { priming, frames, table: span(table) })
}

/// The sum of all samples' durations.
fn table_len(stts: &[u8]) -> u64 {
    let rows = stts.get(8..).unwrap_or_default().as_chunks::<8>().0;
    rows.iter()
        .take(be32(stts, 4) as usize)
        .fold(0u64, |sum, row| sum.saturating_add(u64::from(be32(row, 0)) * u64::from(be32(row, 4))))
}

/// Length and first frame of the first edit that shows anything.
fn first_edit(elst: &[u8]) -> Option<(u64, u64)> {
    let rows = elst.get(8..)?;
    if elst.first() == Some(&1) {
        let row = rows.chunks_exact(20).find(|row| be64(row, 8) as i64 >= 0)?;
        Some((be64(row, 0), be64(row, 8)))
    } else {
        let row = rows.chunks_exact(12).find(|row| be32(row, 4) as i32 >= 0)?;
        Some((u64::from(be32(row, 0)), u64::from(be32(row, 4))))
    }
}

/// `iTunSMPB`: priming and length, in hexadecimals.
fn smooth(moov: &[u8]) -> Option<(u64, u64)> {
    let at = moov.windows(8).position(|w| w == b"iTunSMPB")?;
    let rest = moov.get(at + 8..(at + 256).min(moov.len()))?;
    let data = rest.windows(4).position(|w| w == b"data")?;
    let text = String::from_utf8_lossy(rest.get(data + 12..)?).into_owned();
    let mut words = text.split_whitespace().skip(1).map(|word| u64::from_str_radix(word, 16).ok());
    let (front, _padding, frames) = (words.next()??, words.next()??, words.next()??);
    Some((front, frames))
}

/// Whether the audio configuration asks for spectral band replication.
fn is_he_aac(stsd: &[u8]) -> bool {
    // Descriptor 5 inside `esds`: AudioSpecificConfig, ISO 14496-3.
    let Some(esds) = stsd.windows(4).position(|w| w == b"esds") else { return false };
    let body = &stsd[esds + 4..];
    let Some(config) = (0..body.len().min(64)).find_map(|at| {
        let mut next = at + 1;
        if body.get(at) != Some(&5) || body.get(at.checked_sub(6)?..at).is_none() {
            return None;
        }
        while body.get(next) == Some(&0x80) {
            next += 1;
        }
        let len = usize::from(*body.get(next)?);
        (2..=64).contains(&len).then(|| body.get(next + 1..next + 1 + len)).flatten()
    }) else {
        return false;
    };
    let kind = config[0] >> 3;
    let bits = config.iter().take(8).fold(0u64, |bits, b| bits << 8 | u64::from(*b))
        << (8 * (8 - config.len().min(8)));
    // After 16 bits of plain AAC: the sync word 0x2b7, type 5, and the flag.
    let hidden = bits >> 37 & 0x7ff == 0x2b7 && bits >> 32 & 0x1f == 5 && bits >> 31 & 1 == 1;
    kind == 5 || kind == 29 || hidden
}

fn path<'a>(mut body: &'a [u8], names: &[&[u8; 4]]) -> Option<&'a [u8]> {
    for name in names {
        body = boxes(body).find(|(found, _)| found == *name)?.1;
    }
    Some(body)
}

fn boxes(body: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let name: [u8; 4] = rest.get(4..8)?.try_into().ok()?;
        let size = match be32(rest, 0) as usize {
            0 => rest.len(),
            size => size,
        };
        let inner = rest.get(8..size.min(rest.len()))?;
        rest = rest.get(size..).unwrap_or_default();
        Some((name, inner))
    })
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from(be32(bytes, at)) << 32 | u64::from(be32(bytes, at + 4))
}

fn read_up_to(file: &mut impl Read, buf: &mut [u8]) -> Result<usize, Refusal> {
    let mut got = 0;
    while got < buf.len() {
        match file.read(&mut buf[got..]).map_err(Refusal::ours)? {
            0 => break,
            n => got += n,
        }
    }
    Ok(got)
}
