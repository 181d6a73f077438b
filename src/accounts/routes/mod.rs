//! What people do with their accounts: `joining` one, `signing` in and out, a `password` that was forgotten, and the
//! `account` itself.

mod account;
mod joining;
mod reset;
mod signing;

use rocket::fairing::AdHoc;
use rocket::routes;
use serde::Serialize;

use crate::App;
use crate::web::{Sample, View, samples};

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<joining::SignUp>();
    all.extend(samples::<OnItsWay>());
    all.extend(samples::<LinkEnded>());
    all.extend(samples::<signing::SignIn>());
    all.extend(samples::<reset::Forgotten>());
    all.extend(samples::<reset::NewPassword>());
    all.extend(samples::<account::Account>());
    all.extend(samples::<account::Name>());
    all.extend(samples::<account::Email>());
    all.extend(samples::<account::Password>());
    all
}

/// Mounts everything about accounts.
pub fn stage() -> AdHoc {
    AdHoc::on_ignite("accounts", |rocket| async {
        rocket.mount(
            "/",
            routes![
                joining::new,
                joining::create,
                joining::sent,
                joining::confirm,
                signing::new,
                signing::create,
                signing::destroy,
                signing::everywhere,
                reset::new,
                reset::create,
                reset::sent,
                reset::edit,
                reset::update,
                account::show,
                account::shortcuts,
                account::age,
                account::advertisements,
                account::confirmation,
                account::close_session,
                account::name,
                account::rename,
                account::email,
                account::ask_to_move,
                account::moved,
                account::password,
                account::change_password,
            ],
        )
    })
}

/// A letter was sent, perhaps. The page is the same whether the address is known or not.
#[derive(Serialize)]
struct OnItsWay {
    is_reset: bool,
    /// Where letters lie instead of being sent.
    folder: Option<String>,
}

impl OnItsWay {
    fn new(app: &App, is_reset: bool) -> OnItsWay {
        OnItsWay { is_reset, folder: app.mail.folder().map(|folder| folder.display().to_string()) }
    }
}

impl View for OnItsWay {
    const TEMPLATE: &'static str = "accounts/on_its_way.html";

    fn samples() -> Vec<OnItsWay> {
        vec![
            OnItsWay { is_reset: false, folder: Some("data/mail".into()) },
            OnItsWay { is_reset: true, folder: None },
        ]
    }
}

/// A link of a letter that works no more.
#[derive(Serialize)]
struct LinkEnded {
    is_reset: bool,
}

impl View for LinkEnded {
    const TEMPLATE: &'static str = "accounts/link_ended.html";

    fn samples() -> Vec<LinkEnded> {
        [false, true].map(|is_reset| LinkEnded { is_reset }).into()
    }
}
