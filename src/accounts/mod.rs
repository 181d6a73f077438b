//! People: who they are, how they prove it, what they may do.
//!
//! Here a password becomes an Argon2id hash and a session token a hash of itself; neither is ever written down.
//! An e-mail address leaves this room only in letters to its owner.

pub mod guards;
pub mod jobs;
pub mod password;
pub mod session;
pub mod token;
pub mod user;

/// The pages of this room.
pub fn views() -> Vec<crate::web::Sample> {
    vec![]
}
