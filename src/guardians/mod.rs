//! Who answers for the young: guardians of those between the minimum and the age of majority, and parents of children
//! where a site is for children too. What they allow is asked for by a letter, given by a button, proved by a receipt, and
//! gone in the moment they take it back.
//!
//! A date of birth is in no row, letter or line of a log. Nobody under age meets a vendor, whatever anybody agreed to. A
//! link in a letter does nothing by being opened. Nothing is allowed because nobody answered.

// What holds, and for whom.
pub mod answer;
pub mod guards;
pub mod minimum;
pub mod permission;
pub mod state;
pub mod verification;
pub mod ward;

// What leads from one to the other.
pub mod check;
pub mod confirming;
pub mod growing;
pub mod identity;
pub mod knowledge;
pub mod leaf;
pub mod moving;
pub mod passage;
pub mod showing;
pub mod text;

// What is told, signed, held and deleted.
pub mod erasing;
pub mod form;
pub mod holdings;
pub mod notice;
pub mod online;
pub mod paper;

pub mod jobs;
pub mod routes;

use rocket::fairing::AdHoc;

use crate::App;
use crate::web::Sample;

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    routes::views()
}

/// Mounts the pages of the young and of those who answer for them.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("guardians", |rocket| async {
        rocket.mount("/", routes::all()).attach(AdHoc::on_liftoff("the notice about children", |rocket| {
            Box::pin(async move {
                if let Some(app) = rocket.state::<App>() {
                    online::keep(app).await;
                    jobs::keep_minimums(app).await;
                }
            })
        }))
    })
}
