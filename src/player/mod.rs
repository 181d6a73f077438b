//! Listening: samples for anyone, whole previews for those who are signed in, and how often something was played.
//!
//! A master is never sent from here: its key is not even read. Who listened is not written down anywhere.

mod guards;
mod routes;

pub use guards::Listener;

use rocket::fairing::AdHoc;

/// The sounds and pictures of tracks.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("player", |rocket| async { rocket.mount("/", routes::all()) })
}
