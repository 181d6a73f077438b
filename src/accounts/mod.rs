//! People: who they are, how they prove it, what they may do.
//!
//! Here a password becomes an Argon2id hash and a session token a hash of itself; neither is ever written down.
//! An e-mail address leaves this room only in letters to its owner.

pub mod ad_free;
pub mod band;
pub mod guards;
pub mod jobs;
pub mod joining;
pub mod letter;
pub mod password;
mod routes;
pub mod session;
pub mod shell;
pub mod token;
pub mod user;

pub use routes::{stage, views};
