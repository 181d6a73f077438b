//! Finding: what was asked, the index that answers, the feed it follows.
//!
//! The index is a copy: nothing is decided by it that a row would have to decide, and losing it loses nothing. It
//! never says more than that a track is there; what a page shows of it comes from the rows.

mod bits;
mod codes;
mod copies;
mod feed;
mod filters;
mod find;
mod follow;
mod found;
mod helpers;
mod index;
mod lexicon;
mod memory;
pub mod page;
mod part;
#[cfg(test)]
mod proof;
pub mod query;
mod results;
mod routes;
mod score;
mod segment;
mod shelf;
mod similar;
mod synonyms;
mod top;
mod words;

pub use copies::{Copy, copies};
pub use feed::{ask_for_new, state as feed_state};
pub use find::{Front, View, Way};
pub use found::{Found, Sought};
pub use index::Index;
pub use query::Query;
pub use results::Results;
pub use segment::{TEMPO_BARS, TEMPO_FROM, TEMPO_STEP};
pub use similar::Likeness;
pub use synonyms::Synonyms;

use rocket::fairing::AdHoc;

/// The search page.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("search", |rocket| async { rocket.mount("/search", routes::all()) })
}

/// The pages of this room.
pub fn views() -> Vec<crate::web::Sample> {
    crate::web::samples::<page::SearchPage>()
}
