//! The demo's music, piece by piece, a file for each who plays: which instruments, which chords, how it is built. The
//! words about a piece stand in `catalogue`, and are true to what is written here.

use super::instruments::{Drum, Synth, Voice};

mod halden;
mod ines;
mod okoro;
mod sunniva;

pub use halden::*;
pub use ines::*;
pub use okoro::*;
pub use sunniva::*;

const fn synth(of: &'static Synth) -> Voice {
    Voice::Synth(of)
}

const fn drum(of: Drum) -> Voice {
    Voice::Drum(of)
}
