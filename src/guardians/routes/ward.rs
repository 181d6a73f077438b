//! The side of the young: they name a grown-up, wait, and open the account once it was allowed.

use rocket::{State, get, post};
use serde::Serialize;

use super::super::leaf::Stub;
use super::super::notice::Ground;
use super::super::passage::{self, Asking};
use super::super::state::State as Stands;
use super::super::ward::{Guardian, Ward};
use crate::App;
use crate::accounts::band::Band;
use crate::accounts::joining::Newcomer;
use crate::accounts::password;
use crate::accounts::user::{NAME_LONGEST, fold_email, is_email, name_fault};
use crate::clock::Timestamp;
use crate::consent::age::Answer;
use crate::consent::guards::{Screened, Whereabouts};
use crate::consent::routes::WARD_LASTS;
use crate::error::{Error, Result};
use crate::secrets;
use crate::web::{Attempt, Client, Faults, FormView, Ours, Page, Posted, Reply, View};

/// Asks somebody under age who answers for them. Their own address is not asked for.
#[derive(Serialize)]
pub struct AskGuardian {
    form: FormView,
    is_child: bool,
    days: i64,
    name_longest: usize,
}

impl AskGuardian {
    pub fn new(answer: Answer, form: FormView) -> AskGuardian {
        AskGuardian {
            form,
            is_child: answer.band == Band::Child,
            days: super::super::ward::ANSWER_MS / crate::clock::DAY,
            name_longest: NAME_LONGEST,
        }
    }
}

impl View for AskGuardian {
    const TEMPLATE: &'static str = "guardians/ask.html";

    fn samples() -> Vec<AskGuardian> {
        [true, false]
            .map(|is_child| AskGuardian { form: FormView::default(), is_child, days: 14, name_longest: 60 })
            .into()
    }
}

/// Takes the name of the account to come and a grown-up's address. Nothing else is taken, and nothing at all from anybody
/// whom the age screen did not lead here.
#[post("/guardian", data = "<form>")]
pub async fn ask(
    form: Posted,
    screened: Screened,
    at: Whereabouts,
    page: Page,
    client: Client,
    app: &State<App>,
) -> Result<Reply> {
    let led = screened.0.filter(|answer| {
        matches!(Stands::of_answer(&app.consent, *answer), Stands::Unlinked | Stands::AsksParent)
    });
    let (Some(answer), None) = (led, &page.visitor) else { return Ok(Reply::go("/sign-up")) };
    let fields = form.0;
    let (name, email) = (fields.text("name").to_owned(), fields.text("guardian_email").to_owned());
    let mut faults = Faults::default();
    if let Some(fault) = name_fault(&name) {
        faults.add("name", fault);
    }
    if !is_email(&email) {
        faults.add("guardian_email", "That is no e-mail address a letter can reach.");
    }
    if !faults.is_empty() {
        return page.show_as(422, &AskGuardian::new(answer, FormView::new(&fields, faults)));
    }
    app.limits.attempt(Attempt::SignUp, &client.key())?;
    app.limits.attempt(Attempt::Letter, &fold_email(&email))?;
    let claim = secrets::token()?;
    let asking =
        Asking { name, email, answer, place: at.place, claim: claim.clone(), link: secrets::token()? };
    let (ground, stub) = (Ground::of(app), Stub::draw()?);
    let asked = app
        .db
        .write(move |conn| passage::ask(conn, &ground, &asking, &stub, Timestamp::now()).map(drop))
        .await;
    match asked {
        Ok(()) => {}
        Err(Error::Refused(why)) => {
            let form = FormView::new(&fields, Faults::of("name", why));
            return page.show_as(422, &AskGuardian::new(answer, form));
        }
        Err(Error::Conflict(_)) => {
            let form = FormView::new(&fields, Faults::of("name", "Somebody has that name already."));
            return page.show_as(422, &AskGuardian::new(answer, form));
        }
        Err(error) => return Err(error),
    }
    app.bell.ring();
    Ok(Reply::go(format!("/guardian/{claim}")).keep(Ours::Ward, claim, Some(WARD_LASTS)))
}

/// Where somebody who asked finds out how it stands.
#[derive(Serialize)]
pub struct WardPage {
    name: String,
    /// What a child signs in with.
    handle: String,
    claim: String,
    /// `waits`, `allowed`, `opened` or `over`.
    is: &'static str,
    is_child: bool,
    due_at: Option<Timestamp>,
    form: FormView,
    shortest: usize,
    folder: Option<String>,
}

impl WardPage {
    fn new(app: &App, ward: &Ward, claim: &str, form: FormView) -> WardPage {
        let is = match (ward.state, &ward.account) {
            (Stands::Pending | Stands::Waiting, _) => "waits",
            (Stands::Ended | Stands::ChildEnded, _) => "over",
            (_, Some(_)) => "opened",
            _ => "allowed",
        };
        WardPage {
            name: ward.name.clone(),
            handle: ward.handle.to_string(),
            claim: claim.to_owned(),
            is,
            is_child: ward.band == Band::Child,
            due_at: ward.due_at,
            form,
            shortest: password::SHORTEST,
            folder: app.mail.folder().map(|folder| folder.display().to_string()),
        }
    }
}

impl View for WardPage {
    const TEMPLATE: &'static str = "guardians/ward.html";

    fn samples() -> Vec<WardPage> {
        ["waits", "allowed", "opened", "over"]
            .map(|is| WardPage {
                name: "Rain Kid".into(),
                handle: "rain-kid".into(),
                claim: "token".into(),
                is,
                is_child: is == "allowed",
                due_at: Some(Timestamp(1_800_000_000_000)),
                form: FormView::default(),
                shortest: 12,
                folder: Some("data/mail".into()),
            })
            .into()
    }
}

/// Back to their page from the address they kept, or with the cookie of this browser.
#[get("/guardian")]
pub fn back(page: Page, carried: WardCookie) -> Reply {
    match carried.0 {
        Some(claim) if page.visitor.is_none() => Reply::go(format!("/guardian/{claim}")),
        _ => Reply::go("/sign-up"),
    }
}

/// How it stands, and the form for the account once it was allowed.
#[get("/guardian/<claim>")]
pub async fn show(claim: &str, page: Page, app: &State<App>) -> Result<Reply> {
    let token = claim.to_owned();
    let ward = app.db.read(move |conn| Ward::by_claim(conn, &token)).await?;
    page.show(&WardPage::new(app, &ward, claim, FormView::default()))
}

/// Opens the account that was allowed, under the name that was kept free.
#[post("/guardian/<claim>/account", data = "<form>")]
pub async fn open_account(
    claim: &str,
    form: Posted,
    page: Page,
    client: Client,
    app: &State<App>,
) -> Result<Reply> {
    let (fields, token) = (form.0, claim.to_owned());
    let (ward, guardian) = app
        .db
        .read(move |conn| {
            let ward = Ward::by_claim(conn, &token)?;
            let guardian = Guardian::of_ward(conn, &ward.id)?;
            Ok((ward, guardian))
        })
        .await?;
    // A child gives no address, and one that is sent all the same is not read.
    let is_child = ward.band == Band::Child;
    let email = if is_child { String::new() } else { fields.text("email").to_owned() };
    let mut faults = Faults::default();
    if !is_child && !is_email(&email) {
        faults.add("email", "That is no e-mail address a letter can reach.");
    }
    // Nobody answers for themselves.
    if !is_child && guardian.is_some_and(|guardian| guardian.email_folded == fold_email(&email)) {
        faults.add("email", "Whoever answers for you is asked there. Write an address of your own.");
    }
    if let Some(fault) = password::fault(fields.raw("password"), &ward.name, &email) {
        faults.add("password", fault);
    }
    if !faults.is_empty() {
        return page.show_as(422, &WardPage::new(app, &ward, claim, FormView::new(&fields, faults)));
    }
    app.limits.attempt(Attempt::SignUp, &client.key())?;
    if !is_child {
        app.limits.attempt(Attempt::Letter, &fold_email(&email))?;
    }
    let new = Newcomer {
        password_hash: app.hashing.hash(fields.raw("password")).await?,
        name: ward.name.clone(),
        token: secrets::token()?,
        site_url: app.config.site_url.clone(),
        email,
    };
    let token = claim.to_owned();
    app.db
        .write(move |conn| {
            let ward = Ward::by_claim(conn, &token)?;
            passage::open_account(conn, &ward, &new, Timestamp::now()).map(drop)
        })
        .await?;
    if is_child {
        return Ok(Reply::go(format!("/guardian/{claim}")));
    }
    app.bell.ring();
    Ok(Reply::go("/sign-up/letter"))
}

/// What this browser was given when it named somebody.
pub struct WardCookie(pub Option<String>);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for WardCookie {
    type Error = std::convert::Infallible;

    async fn from_request(
        request: &'r rocket::Request<'_>,
    ) -> rocket::request::Outcome<WardCookie, std::convert::Infallible> {
        let plain = |c: &String| c.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        rocket::request::Outcome::Success(WardCookie(Ours::Ward.of(request).filter(plain)))
    }
}
