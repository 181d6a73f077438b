//! Making an account: the age screen first, then the form, then the letter.

use rocket::{State as State_, get, post};
use serde::Serialize;

use super::{LinkEnded, OnItsWay};
use crate::App;
use crate::accounts::joining::{self, Newcomer};
use crate::accounts::password;
use crate::accounts::user::{NAME_LONGEST, fold_email, is_email, name_fault};
use crate::clock::Timestamp;
use crate::consent::guards::{Screened, Whereabouts};
use crate::consent::routes::{AgeScreen, TooYoung};
use crate::error::{Error, Result};
use crate::guardians::answer;
use crate::guardians::routes::AskGuardian;
use crate::guardians::state::State;
use crate::secrets;
use crate::web::{Attempt, Client, Faults, Fields, FormView, Page, Posted, Reply, View};

/// The form for an account.
#[derive(Serialize)]
pub struct SignUp {
    form: FormView,
    shortest: usize,
    name_longest: usize,
}

impl SignUp {
    fn new(form: FormView) -> SignUp {
        SignUp { form, shortest: password::SHORTEST, name_longest: NAME_LONGEST }
    }
}

impl View for SignUp {
    const TEMPLATE: &'static str = "accounts/sign_up.html";

    fn samples() -> Vec<SignUp> {
        let fields = Fields::parse("name=Ines+Morrow&email=ines");
        let wrong = Faults::of("email", "That is no e-mail address.");
        vec![SignUp::new(FormView::default()), SignUp::new(FormView::new(&fields, wrong))]
    }
}

/// The age screen until it is answered, then what the answer leads to.
#[get("/sign-up")]
pub fn new(page: Page, screened: Screened, app: &State_<App>) -> Result<Reply> {
    if page.visitor.is_some() {
        return Ok(Reply::go("/account"));
    }
    let Some(answer) = screened.0 else {
        let shown = AgeScreen::new(app, &page, FormView::default());
        return page.show(&shown);
    };
    match State::of_answer(&app.consent, answer) {
        State::Cleared => page.show(&SignUp::new(FormView::default())),
        State::Unlinked | State::AsksParent => page.show(&AskGuardian::new(answer, FormView::default())),
        _ => page.show(&TooYoung {}),
    }
}

/// Makes an account, or writes to the one who has it. Whoever asks learns neither: answer and work are the same.
#[post("/sign-up", data = "<form>")]
pub async fn create(
    form: Posted,
    page: Page,
    screened: Screened,
    at: Whereabouts,
    client: Client,
    app: &State_<App>,
) -> Result<Reply> {
    let cleared = screened.0.filter(|a| State::of_answer(&app.consent, *a) == State::Cleared);
    let (None, Some(answer)) = (&page.visitor, cleared) else { return Ok(Reply::go("/sign-up")) };
    let fields = form.0;
    let faults = faults(&fields);
    if !faults.is_empty() {
        return page.show_as(422, &SignUp::new(FormView::new(&fields, faults)));
    }
    let email = fields.text("email").to_owned();
    app.limits.attempt(Attempt::SignUp, &client.key())?;
    app.limits.attempt(Attempt::Letter, &fold_email(&email))?;
    let new = Newcomer {
        password_hash: app.hashing.hash(fields.raw("password")).await?,
        name: fields.text("name").to_owned(),
        token: secrets::token()?,
        site_url: app.config.site_url.clone(),
        email,
    };
    let answer = app.consent.with_month(answer, Timestamp::now());
    let mut joined = Err(Error::NotFound);
    // Two newcomers of one address or one name at the same moment: the second finds the first.
    for _ in 0..3 {
        let (new, place, site) = (new.clone(), at.place.clone(), app.consent.site.id.clone());
        let written = app.db.write(move |conn| {
            let now = Timestamp::now();
            match joining::join(conn, &new, now)? {
                Some(user) => answer::keep(conn, &user, answer, &site, place.as_deref(), now),
                None => Ok(()),
            }
        });
        joined = written.await;
        if !matches!(joined, Err(Error::Conflict(_))) {
            break;
        }
    }
    joined?;
    app.bell.ring();
    Ok(Reply::go("/sign-up/letter"))
}

fn faults(fields: &Fields) -> Faults {
    let (name, email) = (fields.text("name"), fields.text("email"));
    let mut faults = Faults::default();
    if let Some(fault) = name_fault(name) {
        faults.add("name", fault);
    }
    if !is_email(email) {
        faults.add("email", "That is no e-mail address a letter can reach.");
    }
    if let Some(fault) = password::fault(fields.raw("password"), name, email) {
        faults.add("password", fault);
    }
    faults
}

/// Where to look for the letter.
#[get("/sign-up/letter")]
pub fn sent(page: Page, app: &State_<App>) -> Result<Reply> {
    page.show(&OnItsWay::new(app, false))
}

/// Confirms an address by the link of a letter. Mail programs follow links before people do, and no harm is done by
/// that: it says only that letters arrive. Whoever follows it is not signed in by it.
#[get("/confirm/<token>")]
pub async fn confirm(token: &str, page: Page, app: &State_<App>) -> Result<Reply> {
    let token = token.to_owned();
    match app.db.write(move |conn| joining::confirm(conn, &token, Timestamp::now())).await {
        Ok(user) if page.visitor.as_ref().is_some_and(|visitor| visitor.id == user) => {
            Ok(Reply::go("/account").notice("Your address is confirmed."))
        }
        Ok(_) => Ok(Reply::go("/sign-in").notice("Your address is confirmed. You can sign in now.")),
        Err(Error::NotFound) => page.show_as(410, &LinkEnded { is_reset: false }),
        Err(error) => Err(error),
    }
}
