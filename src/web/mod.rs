//! What all pages share: the page guard, forms, answers, headers, cookies, assets, byte ranges.
//!
//! Nothing in here knows what a track or an order is.

pub mod assets;
pub mod catchers;
pub mod client;
pub mod cookies;
pub mod csrf;
pub mod form;
pub mod headers;
pub mod limits;
pub mod lines;
pub mod multipart;
pub mod nul;
pub mod operators;
pub mod other_origin;
pub mod page;
pub mod ranges;
pub mod reply;
pub mod stream;
pub mod sure;
pub mod templates;
pub mod trouble;
pub mod view;
pub mod window;

use rocket::fairing::AdHoc;
use rocket::shield::Shield;
use rocket::{catchers, routes};

pub use client::Client;
pub use cookies::Ours;
pub use form::{Faults, Fields, FormView, Posted, Pressed};
pub use limits::{Attempt, Limits};
pub use multipart::Incoming;
pub use page::{Ad, Framed, Page, Unloaded};
pub use reply::Reply;
pub use sure::Sure;
pub use templates::Templates;
pub use view::{Sample, View, samples};
pub use window::{Standing, Window};

/// Headers, catchers, static files and the operators' addresses.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("web", |rocket| async {
        rocket
            // Rocket's own shield speaks before us and would stand: it says less than `headers`.
            .attach(Shield::new())
            .attach(stream::heads())
            .attach(other_origin::watch())
            .attach(nul::watch())
            .attach(headers::Headers)
            .attach(lines::Lines)
            .mount(
                "/",
                routes![
                    assets::show,
                    assets::favicon,
                    operators::healthz,
                    operators::readyz,
                    operators::metrics
                ],
            )
            .register("/", catchers![catchers::any])
    })
}

/// The pages of the hall.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<catchers::Fault>();
    all.extend(samples::<sure::Sure>());
    all
}
