//! Sound in; facts, peaks, a marked preview and deliveries out.
//!
//! A stranger's file is never read in the server's own process: [`examine`] and [`render`] start the
//! program again as `cuehouse worker`, a child that gave up every right before it reads the first byte
//! (`jail`), and take from it plain numbers and bytes (`parent`). What the child does is one pass: a block of
//! sound is decoded once (`front`, `decode`) and goes through all who listen to it (`facts`, `tempo`,
//! `key`, `fingerprint`); a second sweep over the spooled samples levels, marks and encodes
//! (`preview`, `mark`). Nothing here knows a track, an uploader or the database.

mod artwork;
mod decode;
mod facts;
mod fingerprint;
mod front;
mod front_chunks;
mod front_mp4;
mod jail;
mod key;
mod limiter;
mod loudness;
mod mark;
mod parent;
mod preview;
mod refusal;
mod resample;
mod spool;
mod tempo;
pub mod wav;
mod wire;
mod worker;

#[cfg(test)]
mod tests;

pub use facts::{Facts, Oddities, coarse_peaks_dat, coarse_peaks_json, peaks_json};
pub use fingerprint::{Alike, alike, sampled};
pub use jail::{Escape, Layers, layers};
pub use parent::{Examined, escapes, examine, render};
pub use refusal::Refusal;
pub use worker::worker_main;

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one file may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest sound taken, in seconds of playing time.
    pub max_secs: u64,
    /// How long a worker may take by the clock on the wall before it is ended.
    pub wall: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_secs: 4 * 3600, wall: Duration::from_secs(30 * 60) }
    }
}

/// What is wanted of an examination beside the facts.
#[derive(Clone, Debug)]
pub struct Wish {
    pub limits: Limits,
    /// The shop's own secret: its motif, and with `track_key` the places of the mark, follow from it.
    pub mark_key: [u8; 32],
    /// What tells this track from all others.
    pub track_key: String,
    /// Length of the sample in seconds; a shorter track is its own sample.
    pub sample_secs: u32,
}

impl Wish {
    /// The usual wish: four hours at most, a sample of a minute.
    pub fn new(mark_key: [u8; 32], track_key: impl Into<String>) -> Wish {
        Wish { limits: Limits::default(), mark_key, track_key: track_key.into(), sample_secs: 60 }
    }
}

/// What a delivery says about itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tags {
    pub title: String,
    pub artist: String,
    /// The licence's number; empty is left out.
    pub licence: String,
}

/// A file made from the master for a licensee: unmarked, at its own level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Rendering {
    /// PCM of 16 (dithered, where the master is finer) or 24 bits at the master's rate and channels.
    Wav { bits: u16, tags: Tags },
    /// 320 kb/s, at most two channels, at most 48 kHz.
    Mp3 { tags: Tags },
}
