//! Cuehouse: a stock-audio marketplace.
#![forbid(unsafe_code)]
// The objects of the pretend Stripe are long JSON literals.
#![recursion_limit = "512"]

pub mod accounts;
pub mod audio;
pub mod catalogue;
pub mod clock;
pub mod db;
pub mod error;
pub mod ids;
pub mod jobs;
pub mod mail;
pub mod money;
pub mod sales;
pub mod sandbox;
pub mod search;
pub mod secrets;
pub mod storage;
pub mod stripe;
pub mod web;
pub mod words;

pub use error::{Error, Result};
