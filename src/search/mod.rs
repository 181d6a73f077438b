//! Finding: what was asked, the index that answers, the feed it follows.
//!
//! The index is a copy: nothing is decided by it that a row would have to decide, and losing it loses nothing. It
//! never says more than that a track is there; what a page shows of it comes from the rows.

mod bits;
mod copies;
mod feed;
mod find;
mod follow;
mod index;
pub mod page;
pub mod query;
mod results;
mod routes;
mod segment;
mod shelf;
mod similar;
mod words;

pub use copies::{Copy, copies};
pub use feed::state as feed_state;
pub use find::{Found, Front, Sought, View, Way};
pub use index::Index;
pub use query::Query;
pub use results::Results;
pub use segment::{TEMPO_BARS, TEMPO_FROM, TEMPO_STEP};
pub use similar::Likeness;

use rocket::fairing::AdHoc;

/// The search page.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("search", |rocket| async { rocket.mount("/search", routes::all()) })
}

/// The pages of this room.
pub fn views() -> Vec<crate::web::Sample> {
    crate::web::samples::<page::SearchPage>()
}
