//! The tracks: what they are, who offers them at what price, what happened to them.
//!
//! A master is never named here; only its upload is.

pub mod lists;
pub mod map;
pub mod offer;
pub mod pages;
pub mod row;
pub mod track;
