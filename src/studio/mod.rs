//! The uploader's side: what was uploaded and what became of it, how a track is described and priced, what it earned.
//!
//! A row here never points at bytes that are not in storage: bytes first, then the row. A master is heard by its
//! uploader alone; what a stranger hears of it is made in the jailed worker (`jobs`).

pub mod board;
mod describing;
mod import;
pub mod jail;
pub mod jobs;
pub mod pages;
mod profile;
mod receiving;
pub mod resemblance;
pub mod routes;
pub mod upload;

use rocket::fairing::AdHoc;

pub use import::{Import, Imported, import};
pub use receiving::receive;

use crate::web::{Sample, samples};

/// The studio's addresses.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("studio", |rocket| async { rocket.mount("/", routes::all()) })
}

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<pages::Welcome>();
    all.extend(samples::<pages::BoardPage>());
    all.extend(samples::<pages::NewUpload>());
    all.extend(samples::<pages::UploadPage>());
    all.extend(samples::<pages::EditPage>());
    all.extend(samples::<pages::ProfileForm>());
    all
}
