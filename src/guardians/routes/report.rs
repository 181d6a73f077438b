//! Saying that somebody is too young: from their profile, by anybody with a confirmed address.

use rocket::{State, get, post};
use serde::Serialize;

use super::super::knowledge::{self, Source};
use super::super::leaf::Stub;
use super::super::notice::Ground;
use crate::App;
use crate::accounts::band::Band;
use crate::accounts::guards::Buyer;
use crate::accounts::user::User;
use crate::catalogue::profile::Profile;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::Handle;
use crate::web::{Attempt, Faults, FormView, Page, Posted, Reply, View};

/// The form.
#[derive(Serialize)]
pub struct ReportPage {
    form: FormView,
    name: String,
    handle: String,
    minimum: u32,
}

impl View for ReportPage {
    const TEMPLATE: &'static str = "guardians/report.html";

    fn samples() -> Vec<ReportPage> {
        vec![ReportPage {
            form: FormView::default(),
            name: "Ines Morrow".into(),
            handle: "ines-morrow".into(),
            minimum: 13,
        }]
    }
}

async fn reported(app: &App, handle: Handle) -> Result<Profile> {
    let least = app.config.age.services.clone();
    app.db.read(move |conn| least.profile(conn, &handle, Timestamp::now())).await
}

/// Asks what one knows.
#[get("/reports/age/<handle>")]
pub async fn new(handle: Handle, _who: Buyer, page: Page, app: &State<App>) -> Result<Reply> {
    let profile = reported(app, handle.clone()).await?;
    page.show(&ReportPage {
        form: FormView::default(),
        name: profile.name,
        handle: handle.to_string(),
        minimum: app.consent.thresholds(None, &[]).minimum,
    })
}

/// Takes it: the account is frozen in this request, unless the staff once found its owner to be of age; then it is put
/// before them. Who reports is told the same either way.
#[post("/reports/age/<handle>", data = "<form>")]
pub async fn create(handle: Handle, form: Posted, who: Buyer, page: Page, app: &State<App>) -> Result<Reply> {
    let profile = reported(app, handle.clone()).await?;
    let bracket = match form.0.text("age") {
        "child" => Band::Child,
        "minor" => Band::Minor,
        _ => {
            let form = FormView::new(&form.0, Faults::of("age", "Choose one."));
            let (name, handle) = (profile.name, handle.to_string());
            let minimum = app.consent.thresholds(None, &[]).minimum;
            return page.show_as(422, &ReportPage { form, name, handle, minimum });
        }
    };
    if profile.id == who.id {
        return Err(Error::refused("About yourself you can say it on your profile, or delete your account."));
    }
    app.limits.attempt(Attempt::Letter, &format!("age report {}", who.id))?;
    let (ground, stub, by) = (Ground::of(app), Stub::draw()?, who.id.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let owner = User::find(conn, &profile.id)?;
            let sign = (Source::Report, bracket);
            // Below the age of majority guardians answer; that somebody is one of those is no news about a ward.
            if bracket >= owner.band || knowledge::was_cleared(conn, &profile.id)? {
                return knowledge::note(conn, &profile.id, sign.0, sign.1, Some(&by), now);
            }
            knowledge::freeze(conn, &ground, &profile.id, sign, Some(&by), &stub, now).map(drop)
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go("/").notice("Thank you. Somebody of the staff looks at it."))
}
