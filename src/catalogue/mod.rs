//! The tracks: what they are, who offers them at what price, what happened to them.
//!
//! A master is never named here; only its upload is.

pub mod favourite;
mod home;
pub mod lists;
pub mod map;
pub mod offer;
pub mod pages;
pub mod profile;
mod routes;
pub mod row;
pub mod sheet;
mod show;
pub mod track;
pub mod voices;

use rocket::fairing::AdHoc;

/// The front page, tracks, profiles.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("catalogue", |rocket| async { rocket.mount("/", routes::all()) })
}

/// The pages of this room.
pub fn views() -> Vec<crate::web::Sample> {
    use crate::web::samples;
    let mut all = samples::<pages::HomePage>();
    all.extend(samples::<pages::TrackPage>());
    all.extend(samples::<pages::ProfilePage>());
    all
}
