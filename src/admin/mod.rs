//! Where the shop is run: what waits for a reviewer, what waits in the queue, which orders need somebody, who asked who was
//! given what.
//!
//! A reviewer hears masters, and only here. Nothing is published or refused without a row that says who did it and when.

mod ad_free;
mod desk;
mod inquiries;
mod letters;
mod orders;
mod pages;
mod risk;
mod routes;
mod security;

use rocket::fairing::AdHoc;

use crate::web::{Sample, samples};

/// The addresses of the reviewers and admins.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("admin", |rocket| async { rocket.mount("/", routes::all()) })
}

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<pages::Doors>();
    all.extend(samples::<pages::QueuePage>());
    all.extend(samples::<pages::ReviewPage>());
    all.extend(samples::<pages::JobsPage>());
    all.extend(samples::<ad_free::Members>());
    all.extend(samples::<ad_free::MemberPage>());
    all.extend(inquiries::views());
    all.extend(samples::<orders::OrdersPage>());
    all.extend(security::views());
    all.extend(samples::<letters::LettersPage>());
    all
}
