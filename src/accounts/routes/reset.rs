//! A forgotten password: a letter with a link that works once, for an hour.

use rocket::{State, get, post};
use serde::Serialize;

use super::{LinkEnded, OnItsWay};
use crate::App;
use crate::accounts::token::{self, Purpose};
use crate::accounts::user::{fold_email, is_email};
use crate::accounts::{joining, password};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::Handle;
use crate::jobs::{Job, enqueue};
use crate::web::{Attempt, Client, Faults, FormView, Ours, Page, Posted, Reply, View};

/// The form for the address.
#[derive(Serialize)]
pub struct Forgotten {
    form: FormView,
    /// Whether there are accounts of children, who have a name and no address.
    by_name: bool,
}

impl View for Forgotten {
    const TEMPLATE: &'static str = "accounts/forgotten.html";

    fn samples() -> Vec<Forgotten> {
        [false, true].map(|by_name| Forgotten { form: FormView::default(), by_name }).into()
    }
}

/// The form for the new password.
#[derive(Serialize)]
pub struct NewPassword {
    form: FormView,
    token: String,
    shortest: usize,
}

impl View for NewPassword {
    const TEMPLATE: &'static str = "accounts/new_password.html";

    fn samples() -> Vec<NewPassword> {
        let form = FormView::default();
        vec![NewPassword { form, token: "t0ken".into(), shortest: password::SHORTEST }]
    }
}

/// Asks for the address.
#[get("/account/reset")]
pub fn new(page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&Forgotten { form: FormView::default(), by_name: app.consent.child_mode })
}

/// Enqueues the letter. Whether the address is known is looked up later, so that it shows neither in the answer nor in
/// its time.
#[post("/account/reset", data = "<form>")]
pub async fn create(form: Posted, page: Page, client: Client, app: &State<App>) -> Result<Reply> {
    let fields = form.0;
    let email = fields.text("email").to_owned();
    let by_name = app.consent.child_mode;
    let is_name = by_name && Handle::parse(&email).is_some();
    if !is_name && !is_email(&email) {
        let faults = Faults::of("email", "That is no e-mail address a letter can reach.");
        return page.show_as(422, &Forgotten { form: FormView::new(&fields, faults), by_name });
    }
    app.limits.attempt(Attempt::SignUp, &client.key())?;
    app.limits.attempt(Attempt::Letter, &fold_email(&email))?;
    let job = Job::SendReset { email };
    app.db.write(move |conn| enqueue(conn, &job, Timestamp::now())).await?;
    app.bell.ring();
    Ok(Reply::go("/account/reset/letter"))
}

/// Where to look for the letter.
#[get("/account/reset/letter")]
pub fn sent(page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&OnItsWay::new(app, true))
}

/// Asks for the new password. Looking at the page uses nothing up.
#[get("/reset/<token>")]
pub async fn edit(token: &str, page: Page, app: &State<App>) -> Result<Reply> {
    let token = token.to_owned();
    let asked = token.clone();
    let good = app.db.read(move |conn| token::peek(conn, &asked, Purpose::Reset, Timestamp::now())).await?;
    if !good {
        return page.show_as(410, &LinkEnded { is_reset: true });
    }
    let form = FormView::default();
    let reply = page.show(&NewPassword { form, token, shortest: password::SHORTEST })?;
    // The address of this page is a secret.
    Ok(reply.header("Referrer-Policy", "no-referrer"))
}

/// Changes the password and ends every session.
#[post("/reset/<token>", data = "<form>")]
pub async fn update(token: &str, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let new = form.0.raw("password");
    let token = token.to_owned();
    if let Some(fault) = password::fault(new, "", "") {
        let form = FormView::new(&form.0, Faults::of("password", fault));
        return page.show_as(422, &NewPassword { form, token, shortest: password::SHORTEST });
    }
    let hash = app.hashing.hash(new).await?;
    match app.db.write(move |conn| joining::reset(conn, &token, &hash, Timestamp::now())).await {
        Ok(()) => {
            app.bell.ring();
            let said = "Your password is changed, and every browser is signed out. Sign in with the new one.";
            Ok(Reply::go("/sign-in").forget(Ours::Session).notice(said))
        }
        Err(Error::NotFound) => page.show_as(410, &LinkEnded { is_reset: true }),
        Err(error) => Err(error),
    }
}
