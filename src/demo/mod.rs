//! The demo shop: people, and sounds that Cuehouse makes itself, so that a first start has something to hear.
//!
//! A track is written (`score`, `music`, `loops`), played (`instruments`, `effects`) and mixed (`mix`) from a seed of its
//! own: the same number always gives the same bytes. Who offers it under which words is data (`catalogue`). It comes into
//! the shop the way every upload does (`fill`, `jobs`). No sale, no play and no favourite is ever invented here,
//! nothing here runs in production, and production does not start while an account made here is open.

pub mod accounts;
mod ads;
pub mod bulk;
pub mod catalogue;
mod chance;
// What a sound is made of stands in one line, and left and right go by number.
#[allow(clippy::too_many_arguments, clippy::needless_range_loop)]
mod effects;
pub mod fill;
mod instruments;
pub mod jobs;
mod loops;
mod mix;
mod music;
#[allow(clippy::too_many_arguments)] // a figure in one line
mod score;

pub use catalogue::{Person, Spec, TRACKS, people, spec, wav};
