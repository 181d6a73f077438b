//! Finding: what was asked, the index that answers, the feed it follows.
//!
//! The index is a copy: nothing is decided by it that a row would have to decide, and losing it loses nothing.

pub mod page;
