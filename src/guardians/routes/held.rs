//! The notice of an account that is held back for its owner's age: why, until when, and the ways out of it.

use rocket::{State, get, post};
use serde::Serialize;
use serde_json::json;

use super::super::check::{Check, Whose};
use super::super::knowledge::{self, Source};
use super::super::leaf::Stub;
use super::super::notice::Ground;
use super::super::state::Edge;
use super::super::ward::{Guardian, Ward};
use super::super::{growing, holdings, passage};
use crate::App;
use crate::accounts::band::{Band, Hold};
use crate::accounts::guards::HeldBack;
use crate::accounts::user::{User, fold_email, is_email};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secrets;
use crate::web::{Attempt, Faults, FormView, Ours, Page, Posted, Reply, View};

/// What somebody sees whose account is held back.
#[derive(Serialize)]
pub struct HeldPage {
    /// `discovered`, `conflict`, `ended` or `asked_anew`.
    is: &'static str,
    is_adult: bool,
    /// Whether it ended because of where its owner is.
    is_moved: bool,
    /// Whether a device said so.
    by_device: bool,
    /// Who may find out that its owner is of age, where that is asked and there is somebody.
    proof: Option<Proof>,
    /// Whether a grown-up may be named here.
    may_ask: bool,
    /// Whether one was named and is waited for.
    asked: bool,
    name: String,
    due_at: Option<Timestamp>,
    contact: String,
    form: FormView,
}

/// The way to a provider.
#[derive(Serialize)]
pub struct Proof {
    name: String,
    /// Its page for the check that is open.
    address: Option<String>,
}

impl View for HeldPage {
    const TEMPLATE: &'static str = "guardians/held.html";

    fn samples() -> Vec<HeldPage> {
        ["discovered", "conflict", "ended", "asked_anew"]
            .map(|is| HeldPage {
                is,
                is_adult: is == "asked_anew",
                is_moved: is == "ended",
                by_device: is == "conflict",
                proof: matches!(is, "discovered" | "conflict").then(|| Proof {
                    name: "Age Desk".into(),
                    address: (is == "conflict").then(|| "https://age.example/1".into()),
                }),
                may_ask: is == "discovered",
                asked: is == "conflict",
                name: "Rain Kid".into(),
                due_at: Some(Timestamp(1_800_000_000_000)),
                contact: "hello@shop.example".into(),
                form: FormView::default(),
            })
            .into()
    }
}

async fn page_of(app: &App, who: &HeldBack, form: FormView) -> Result<HeldPage> {
    let user = who.0.id.clone();
    let (ward, asked, is_moved, by_device, may_prove, check) = app
        .db
        .read(move |conn| {
            let by_device = knowledge::is_open(conn, &user, Source::Device)?;
            let may_prove = knowledge::is_asked(conn, &user)?;
            let check = Check::open_of(conn, Whose::Owner(&user), Timestamp::now())?;
            let Some(ward) = Ward::of_account(conn, &user)? else {
                return Ok((None, false, false, by_device, may_prove, check));
            };
            let asked = Guardian::of_ward(conn, &ward.id)?.is_some_and(|g| g.answered_at.is_none());
            let is_moved = ward.last_edge(conn)? == Some(Edge::Move);
            Ok((Some(ward), asked, is_moved, by_device, may_prove, check))
        })
        .await?;
    let band = ward.as_ref().map_or(who.0.band, |w| w.band);
    let guarded = Ground::of(app).asks_somebody(band);
    Ok(HeldPage {
        is: who.1.as_str(),
        is_adult: band == Band::Adult,
        is_moved,
        by_device,
        proof: app
            .config
            .age
            .provider
            .as_ref()
            .filter(|_| may_prove)
            .map(|provider| Proof { name: provider.name.clone(), address: check.map(|check| check.address) }),
        may_ask: guarded && !asked && who.1 != Hold::Ended,
        asked,
        name: who.0.name.clone(),
        due_at: ward.and_then(|w| w.due_at),
        contact: app.config.contact.clone(),
        form,
    })
}

/// Why nothing else is shown.
#[get("/held")]
pub async fn show(who: HeldBack, page: Page, app: &State<App>) -> Result<Reply> {
    let shown = page_of(app, &who, FormView::default()).await?;
    page.show(&shown)
}

/// What is held, for its owner to take along.
#[get("/held/data.json")]
pub async fn export(who: HeldBack, app: &State<App>) -> Result<Reply> {
    let data = app
        .db
        .read(move |conn| {
            let ward = Ward::of_account(conn, &who.0.id)?.ok_or(Error::NotFound)?;
            holdings::export(conn, &ward, None)
        })
        .await?;
    Ok(Reply::json(&json!(data))
        .header("Content-Disposition", "attachment; filename=\"what-is-held.json\"")
        .header("Cache-Control", "private, no-store"))
}

/// Names a grown-up from an account that is there already.
#[post("/held/guardian", data = "<form>")]
pub async fn ask(form: Posted, who: HeldBack, page: Page, app: &State<App>) -> Result<Reply> {
    let email = form.0.text("guardian_email").to_owned();
    let user = who.0.id.clone();
    let own = app.db.read(move |conn| User::find(conn, &user)).await?;
    let fault = match () {
        () if !is_email(&email) => Some("That is no e-mail address a letter can reach."),
        () if fold_email(&email) == own.email_folded => Some("That is your own address."),
        () => None,
    };
    if let Some(fault) = fault {
        let form = FormView::new(&form.0, Faults::of("guardian_email", fault));
        let shown = page_of(app, &who, form).await?;
        return page.show_as(422, &shown);
    }
    app.limits.attempt(Attempt::Letter, &fold_email(&email))?;
    let (ground, stub, link, user) = (Ground::of(app), Stub::draw()?, secrets::token()?, who.0.id.clone());
    app.db
        .write(move |conn| passage::ask_for(conn, &ground, &user, &email, &link, &stub, Timestamp::now()))
        .await?;
    app.bell.ring();
    Ok(Reply::go("/held").notice("We wrote to them."))
}

/// Of age: the terms are accepted anew, and the account is like any other.
#[post("/held/anew", data = "<form>")]
pub async fn anew(form: Posted, who: HeldBack, page: Page, app: &State<App>) -> Result<Reply> {
    if form.0.text("terms") != "yes" {
        let faults = Faults::of("terms", "Without the terms the account stays as it is.");
        let shown = page_of(app, &who, FormView::new(&form.0, faults)).await?;
        return page.show_as(422, &shown);
    }
    let (ground, stub, user) = (Ground::of(app), Stub::draw()?, who.0.id.clone());
    let by_name = app
        .db
        .write(move |conn| {
            growing::anew(conn, &ground, &user, &stub, Timestamp::now())?;
            Ok(User::find(conn, &user)?.signs_in_by_name())
        })
        .await?;
    // Letters about an account that has no address went to a guardian, and go to nobody now.
    Ok(match by_name {
        true => {
            Reply::go("/account/email").notice("Welcome. Give an address of your own: we have none any more.")
        }
        false => Reply::go("/account").notice("Welcome. Nothing was switched on by itself."),
    }
    .forget(Ours::Age))
}

/// Deletes the account now instead of later.
#[post("/held/erasure", data = "<form>")]
pub async fn erase(form: Posted, who: HeldBack, app: &State<App>) -> Result<Reply> {
    if form.0.text("sure") != "yes" {
        return Err(Error::refused("Tick the box to delete the account."));
    }
    let (ground, stub, user) = (Ground::of(app), Stub::draw()?, who.0.id.clone());
    app.db
        .write(move |conn| {
            let ward = Ward::of_account(conn, &user)?.ok_or(Error::NotFound)?;
            super::super::erasing::forget_ward(conn, &ground, &ward, &stub, Timestamp::now())
        })
        .await?;
    Ok(Reply::go("/").forget(Ours::Session).notice("The account is deleted."))
}
