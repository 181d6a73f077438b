//! What runs between worker and parent: the order one way, framed pieces the other.
//!
//! A frame is a letter, the length of its body in four bytes (little endian), and the body.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::artwork::Look;
use super::{Escape, Facts, Refusal, Rendering};

/// What a worker is told to do, and within what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub max_secs: u64,
    pub cpu_secs: u64,
    /// Where the spool may lie; opened before the jail closes.
    pub spool: PathBuf,
    pub task: Task,
}

/// What a worker is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    Examine {
        /// Seeds of the motif, and of the places in preview and sample; the shop's key stays at home.
        motif: [u8; 32],
        preview: [u8; 32],
        sample: [u8; 32],
        sample_secs: u32,
    },
    Render(Rendering),
    /// Tries what the jail forbids, with a file at hand instead of a master.
    Escape(Escape),
}

/// The files a worker makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Preview,
    Sample,
    Delivery,
}

/// What is said once, at the end of an examination.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    pub facts: Facts,
    pub look: Look,
    pub sample_start_ms: i64,
}

pub const LAYERS: u8 = b'L';
pub const ALIVE: u8 = b'.';
pub const TOLD: u8 = b'F';
pub const PEAKS: u8 = b'K';
pub const BARS: u8 = b'B';
pub const REFUSED: u8 = b'R';
pub const DONE: u8 = b'E';

/// The longest body a parent reads.
pub const MOST: usize = 1 << 20;
/// How files are cut into bodies.
const PIECE: usize = 256 * 1024;

impl Part {
    /// Of a frame that appends to this file.
    pub fn letter(self) -> u8 {
        match self {
            Part::Preview => b'P',
            Part::Sample => b'S',
            Part::Delivery => b'D',
        }
    }

    /// Of a frame that overwrites: eight bytes of place, then the bytes.
    pub fn patch_letter(self) -> u8 {
        self.letter().to_ascii_lowercase()
    }

    /// Every file a worker may make.
    pub const ALL: [Part; 3] = [Part::Preview, Part::Sample, Part::Delivery];
}

/// The worker's end.
pub struct Wire<W> {
    out: W,
}

impl<W: Write> Wire<W> {
    /// The end that writes to this.
    pub fn new(out: W) -> Wire<W> {
        Wire { out }
    }

    /// One frame: its letter, the length of its body, the body.
    pub fn frame(&mut self, letter: u8, body: &[u8]) -> Result<(), Refusal> {
        let mut head = [letter, 0, 0, 0, 0];
        head[1..].copy_from_slice(&(body.len() as u32).to_le_bytes());
        self.out.write_all(&head).and_then(|()| self.out.write_all(body)).map_err(Refusal::ours)
    }

    /// One frame with a value as its body.
    pub fn json(&mut self, letter: u8, value: &impl Serialize) -> Result<(), Refusal> {
        let body = serde_json::to_vec(value).map_err(Refusal::ours)?;
        self.frame(letter, &body)
    }

    /// Bytes of any number, in several frames.
    pub fn bytes(&mut self, letter: u8, bytes: &[u8]) -> Result<(), Refusal> {
        bytes.chunks(PIECE).try_for_each(|piece| self.frame(letter, piece))
    }

    /// Appends to a file.
    pub fn part(&mut self, part: Part, bytes: &[u8]) -> Result<(), Refusal> {
        self.bytes(part.letter(), bytes)
    }

    /// Overwrites what was sent of a file before.
    pub fn patch(&mut self, part: Part, at: u64, bytes: &[u8]) -> Result<(), Refusal> {
        let mut body = at.to_le_bytes().to_vec();
        body.extend_from_slice(bytes);
        self.frame(part.patch_letter(), &body)
    }
}

/// Reads the order a parent sent.
pub fn read_order(from: &mut impl Read) -> io::Result<Order> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len) as usize;
    if len > MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; len];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// The order as [`read_order`] reads it.
pub fn order_bytes(order: &Order) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(order)?;
    let mut bytes = (body.len() as u32).to_le_bytes().to_vec();
    bytes.extend(body);
    Ok(bytes)
}
