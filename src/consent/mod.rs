//! What visitors decide about themselves: who may see them, how old they are, and the proof of both.
//!
//! One pure function, [`decision::decide`], says who may be contacted in a response; templates, headers, cookies and
//! letters obey it and nothing else. Nobody who is not in the registry can be contacted at all, and nobody in it before
//! a yes. Every choice writes one receipt in the transaction that changes the state, into a log that only grows.
//!
//! A month of birth lives in memory for one request and is never written down. Nothing is kept about someone who said
//! they are too young, not even that they came.

// What is asked, and what is decided.
pub mod choices;
pub mod constants;
pub mod decision;
pub mod deed;
pub mod key;
pub mod notice;
pub mod once;
pub mod out_of_reach;
pub mod place;
pub mod purpose;
pub mod question;
pub mod recipient;
pub mod rulebook;
pub mod vendor;

// Who obeys it.
pub mod adult;
pub mod children;
pub mod frame;
pub mod guards;
pub mod janitor;
pub mod leave;
pub mod letters;
pub mod pass;
pub mod policy;
pub mod reports;
pub mod selfcheck;
pub mod signal;
pub mod tally;
pub mod tell;

// Where it is kept, and how it is proved.
pub mod account;
pub mod disclosure;
pub mod handed;
pub mod inquiry;
pub mod log;
pub mod own;
pub mod receipt;
pub mod record;
pub mod seal;
mod upon;
pub mod word;

// What the trade calls it.
pub mod trade;

// Its addresses, beside those of the log and of letters.
pub mod age;
pub mod choosing;
pub mod desk;
pub mod difference;
pub mod entry;
pub mod jobs;
pub mod look;
pub mod retention;
mod rights;
pub mod routes;
pub mod turn;
pub mod whereabouts;
mod who;

use rocket::fairing::AdHoc;
use rocket::routes;

use crate::App;
use crate::web::{Sample, samples};

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<routes::AgeScreen>();
    all.extend(samples::<routes::TooYoung>());
    all.extend(samples::<routes::Answered>());
    all.extend(samples::<entry::Unkept>());
    all.extend(samples::<adult::AdultsOnly>());
    all.extend(samples::<routes::Privacy>());
    all.extend(samples::<routes::PrivacyBefore>());
    all.extend(samples::<choosing::ChoicesPage>());
    all.extend(samples::<difference::DifferencePage>());
    all.extend(samples::<who::WhoPage>());
    all.extend(samples::<rights::RightsPage>());
    all.extend(samples::<retention::RetentionPage>());
    all.extend(samples::<leave::LeavePage>());
    all.extend(log::routes::views());
    all.extend(letters::routes::views());
    all
}

/// Mounts the age screen, the privacy pages and the files that other machines look for.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("consent", |rocket| async {
        rocket
            .manage(difference::Differences::default())
            .mount("/", log::routes::all())
            .mount("/", letters::routes::all())
            .mount(
                "/",
                routes![
                    routes::screen,
                    routes::answer,
                    routes::privacy,
                    routes::edition,
                    choosing::choices,
                    difference::show,
                    desk::choose,
                    desk::country,
                    once::routes::create,
                    who::vendors,
                    rights::show,
                    retention::show,
                    leave::vendor,
                    leave::vendor_away,
                    reports::csp,
                    reports::connection,
                    routes::gpc,
                    routes::vendor_list,
                    routes::security,
                    routes::robots,
                    routes::opensearch,
                    routes::sitemap,
                    routes::sitemap_pages,
                    routes::sitemap_tracks,
                    routes::sitemap_profiles,
                ],
            )
            .attach(AdHoc::on_liftoff(
                "what is kept in memory: pages that appeal to children, the vendor list",
                |rocket| {
                    Box::pin(async move {
                        if let Some(app) = rocket.state::<App>() {
                            tokio::spawn(children::keep(app.clone(), rocket.shutdown()));
                            tokio::spawn(trade::vendor_list::keep(app.clone(), rocket.shutdown()));
                        }
                    })
                },
            ))
    })
}
