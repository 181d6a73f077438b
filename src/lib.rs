//! Cuehouse: a stock-audio marketplace.
#![forbid(unsafe_code)]

pub mod clock;
pub mod db;
pub mod error;
pub mod ids;
pub mod money;
pub mod stripe;
pub mod words;

pub use error::{Error, Result};
