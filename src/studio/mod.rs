//! The uploader's side: what was uploaded and what became of it, how a track is described and priced, what it earned.
//!
//! A row here never points at bytes that are not in storage: bytes first, then the row. A master is heard by its
//! uploader alone; what a stranger hears of it is made in the jailed worker (`jobs`).

pub mod jobs;
mod receiving;
pub mod upload;

pub use receiving::receive;
