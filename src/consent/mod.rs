//! What visitors decide about themselves, and what they are told: today the age screen and the privacy pages.
//!
//! A month of birth lives in memory for one request and is never written down. Nothing is kept about someone who said
//! they are too young, not even that they came. Nobody is tracked, so there is nothing to consent to yet.

pub mod age;
pub mod bits;
pub mod gpp;
pub mod guards;
pub mod routes;
pub mod tcf;

use rocket::fairing::AdHoc;
use rocket::routes;

use crate::web::{Sample, samples};

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<routes::AgeScreen>();
    all.extend(samples::<routes::TooYoung>());
    all.extend(samples::<routes::Privacy>());
    all.extend(samples::<routes::Choices>());
    all
}

/// Mounts the age screen, the privacy pages and the files that other machines look for.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("consent", |rocket| async {
        rocket.mount(
            "/",
            routes![
                routes::screen,
                routes::answer,
                routes::privacy,
                routes::edition,
                routes::choices,
                routes::gpc,
                routes::security,
                routes::robots,
                routes::opensearch,
                routes::sitemap,
                routes::sitemap_pages,
                routes::sitemap_tracks,
                routes::sitemap_profiles,
            ],
        )
    })
}
