//! Advertisements of our own: what is shown beside a page, how often, and what people wish of it.
//!
//! An advertisement is chosen by the page alone and counted as a number of a day. No vendor is asked, nobody's past is
//! looked at, and no page asks the database: what may be shown is in memory. Where the operator lets vendors advertise and
//! a visitor agreed, a vendor's stands in its place, in a frame of another origin. Two things are never done here: somebody
//! who is not known to be of age is never met by an audience, and nothing is kept about who saw or followed what.

// What there is.
pub mod campaign;
pub mod counts;
pub mod ledger;
pub mod partner;
pub mod ticket;
pub mod topic;
pub mod wishes;
pub mod wishing;

// What is shown.
pub mod audience;
pub mod board;
pub mod choose;
pub mod guards;

// Its addresses.
mod desk;
mod form;
mod frame;
pub mod named;
mod partners;
mod routes;

use rocket::fairing::AdHoc;

pub use board::Board;
pub use guards::Slot;
pub use topic::Place;

use crate::App;
use crate::web::{Sample, samples};

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<routes::LeavePage>();
    all.extend(samples::<routes::WhyPage>());
    all.extend(samples::<routes::WishesPage>());
    all.extend(samples::<desk::Campaigns>());
    all.extend(samples::<desk::CampaignForm>());
    all.extend(samples::<desk::Figures>());
    all.extend(samples::<partners::PartnersPage>());
    all.extend(samples::<frame::FramePage>());
    all
}

/// Mounts the way to what is advertised, the wishes and the desk; and keeps the board while the site serves.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("ads", |rocket| async {
        let all = rocket::routes![
            routes::leave,
            routes::go,
            routes::why,
            routes::show,
            routes::wish,
            desk::index,
            desk::new,
            desk::create,
            desk::show,
            desk::edit,
            desk::update,
            desk::end,
            partners::index,
            partners::create,
            frame::show,
            frame::robots,
        ];
        rocket.mount("/", all).attach(AdHoc::on_liftoff("the board of advertisements", |rocket| {
            Box::pin(async move {
                if let Some(app) = rocket.state::<App>() {
                    tokio::spawn(keep(app.clone(), rocket.shutdown()));
                }
            })
        }))
    })
}

/// Renews the board and writes its counts until the site is shut down. What is counted after that is written by whoever
/// shut it down.
async fn keep(app: App, mut shutdown: rocket::Shutdown) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(board::EVERY) => {}
            () = &mut shutdown => break,
        }
        if let Err(error) = app.ads.keep(&app.db).await {
            tracing::warn!(%error, "the board of advertisements could not be kept");
        }
    }
    if let Err(error) = app.ads.write(&app.db).await {
        tracing::warn!(%error, "what was shown could not be written down");
    }
}
