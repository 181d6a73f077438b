//! The till's addresses, by what people do there.

mod basket;
mod checkout;
mod invoice;
mod library;
mod licences;
mod offers;
mod proof;
mod stripe;

use rocket::fairing::AdHoc;
use rocket::routes;

use crate::web::{Sample, samples};

/// The addresses of this room.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("sales", |rocket| async {
        rocket
            .mount("/", routes![basket::index, basket::create, basket::destroy])
            .mount("/", routes![checkout::new, checkout::create, checkout::show, checkout::payment])
            .mount("/", routes![invoice::show])
            .mount("/", routes![library::index, library::show, library::note, library::territory])
            .mount("/", routes![licences::index, licences::show, licences::edition])
            .mount("/", routes![proof::new, proof::create, proof::create_of_file, proof::show])
            .mount("/", routes![offers::index])
            .mount("/", routes![proof::list, proof::later_list, proof::keys, proof::context, proof::profile])
            .mount("/", routes![stripe::create])
    })
}

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    [
        samples::<basket::ShowBasket>(),
        samples::<checkout::Checkout>(),
        samples::<checkout::ShowOrder>(),
        samples::<library::Library>(),
        samples::<licences::Tiers>(),
        samples::<licences::ShowEdition>(),
        samples::<proof::Check>(),
        samples::<proof::ShowLicence>(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
