//! Saying that somebody is too young: from their profile or the page of one of their sounds, by anybody with a confirmed
//! address.

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
use crate::ids::{Handle, UserId};
use crate::web::{Attempt, Faults, FormView, Page, Posted, Reply, View};

/// The form.
#[derive(Serialize)]
pub struct ReportPage {
    form: FormView,
    name: String,
    handle: String,
    /// Whether they have a profile to go back to; whoever has none is known by their sounds.
    has_page: bool,
    minimum: u32,
}

impl View for ReportPage {
    const TEMPLATE: &'static str = "guardians/report.html";

    fn samples() -> Vec<ReportPage> {
        [true, false]
            .map(|has_page| ReportPage {
                form: FormView::default(),
                name: "Ines Morrow".into(),
                handle: "ines-morrow".into(),
                has_page,
                minimum: 13,
            })
            .into()
    }
}

/// Who is meant: no more of them than anybody finds beside their sounds.
struct Reported {
    id: UserId,
    name: String,
    has_page: bool,
}

impl Reported {
    /// Whoever has a profile under this handle, and whoever has sounds in the shop without one. `NotFound` for anybody else.
    async fn find(app: &App, handle: Handle) -> Result<Reported> {
        let least = app.config.age.services.clone();
        app.db
            .read(move |conn| match least.profile(conn, &handle, Timestamp::now()) {
                Ok(Profile { id, name, .. }) => Ok(Reported { id, name, has_page: true }),
                Err(Error::NotFound) => {
                    let (id, name) = Profile::seller(conn, &handle)?;
                    Ok(Reported { id, name, has_page: false })
                }
                Err(error) => Err(error),
            })
            .await
    }

    /// The form about them.
    fn page(self, app: &App, handle: &Handle, form: FormView) -> ReportPage {
        ReportPage {
            form,
            name: self.name,
            handle: handle.to_string(),
            has_page: self.has_page,
            // Of their own place nothing is told: the strictest stands here for everybody.
            minimum: app.consent.thresholds(None, &[]).minimum,
        }
    }
}

/// Asks what one knows.
#[get("/reports/age/<handle>")]
pub async fn new(handle: Handle, _who: Buyer, page: Page, app: &State<App>) -> Result<Reply> {
    let reported = Reported::find(app, handle.clone()).await?;
    page.show(&reported.page(app, &handle, FormView::default()))
}

/// Takes it: the account is frozen in this request, unless the staff once found its owner to be of age; then it is put
/// before them. Who reports is told the same either way.
#[post("/reports/age/<handle>", data = "<form>")]
pub async fn create(handle: Handle, form: Posted, who: Buyer, page: Page, app: &State<App>) -> Result<Reply> {
    let reported = Reported::find(app, handle.clone()).await?;
    let bracket = match form.0.text("age") {
        "child" => Band::Child,
        "minor" => Band::Minor,
        _ => {
            let form = FormView::new(&form.0, Faults::of("age", "Choose one."));
            return page.show_as(422, &reported.page(app, &handle, form));
        }
    };
    if reported.id == who.id {
        return Err(Error::refused("About yourself you can say it on your profile, or delete your account."));
    }
    app.limits.attempt(Attempt::Letter, &format!("age report {}", who.id))?;
    let (ground, stub, by) = (Ground::of(app), Stub::draw()?, who.id.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let owner = User::find(conn, &reported.id)?;
            let sign = (Source::Report, bracket);
            // Below the age of majority guardians answer; that somebody is one of those is no news about a ward.
            if bracket >= owner.band || knowledge::was_cleared(conn, &reported.id)? {
                return knowledge::note(conn, &reported.id, sign.0, sign.1, Some(&by), now);
            }
            knowledge::freeze(conn, &ground, &reported.id, sign, Some(&by), &stub, now).map(drop)
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go("/").notice("Thank you. Somebody of the staff looks at it."))
}
