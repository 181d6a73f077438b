//! How many of the letters that could report back did, by kind and day. Nobody is named here, because nobody is known.

use rocket::{State, get};
use serde::Serialize;

use crate::App;
use crate::accounts::guards::Admin;
use crate::consent::letters::{self, Day};
use crate::error::Result;
use crate::jobs::calendar;
use crate::web::{Page, Reply, View};

/// `/admin/letters`.
#[derive(Serialize)]
pub struct LettersPage {
    days: Vec<Day>,
    /// Whether this site lets letters report back at all.
    measures: bool,
}

impl View for LettersPage {
    const TEMPLATE: &'static str = "admin/letters.html";

    fn samples() -> Vec<LettersPage> {
        let day = Day { day: "2026-11-23".into(), letter: "news".into(), sent: 12, opened: 3, followed: 1 };
        vec![LettersPage { days: vec![day], measures: true }, LettersPage { days: vec![], measures: false }]
    }
}

/// The last days.
#[get("/admin/letters")]
pub async fn index(_who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    calendar::write_down(app).await?;
    let days = app.db.read(letters::days).await?;
    page.show(&LettersPage { days, measures: app.consent.measures_letters })
}
