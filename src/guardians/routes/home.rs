//! The side of whoever answers for the young: a link in a letter opens the question, and later their page. Opening does
//! nothing; every answer is a button.

use rocket::http::ContentType;
use rocket::{State, get, post};
use serde::Serialize;
use serde_json::json;

use super::super::check::{Check, Whose};
use super::super::leaf::Stub;
use super::super::notice::Ground;
use super::super::passage;
use super::super::permission::{Method, Reach, Scope};
use super::super::verification::Verification;
use super::super::ward::{self, Guardian, Opens};
use super::super::{erasing, holdings, paper, showing};
use super::identity::Proof;
use super::question::{Question, ScopeRow, rows};
use super::{Opened, opened};
use crate::App;
use crate::accounts::band::Band;
use crate::accounts::user::{fold_email, is_email};
use crate::clock::{DAY, Timestamp};
use crate::error::{Error, Result};
use crate::secrets;
use crate::web::{Attempt, Faults, FormView, Page, Posted, Reply, View};

/// Where Stripe's own payment pages are.
const STRIPE_PAGES: &str = "https://checkout.stripe.com";

/// The form that sends a new link.
#[derive(Serialize)]
pub struct FindPage {
    form: FormView,
    sent: bool,
    folder: Option<String>,
}

impl View for FindPage {
    const TEMPLATE: &'static str = "guardians/find.html";

    fn samples() -> Vec<FindPage> {
        [false, true]
            .map(|sent| FindPage {
                form: FormView::default(),
                sent,
                folder: sent.then(|| "data/mail".into()),
            })
            .into()
    }
}

/// The door of those who answer for somebody.
#[get("/guardians?<sent>")]
pub fn find(sent: Option<&str>, page: Page, app: &State<App>) -> Result<Reply> {
    let folder = app.mail.folder().map(|folder| folder.display().to_string());
    page.show(&FindPage { form: FormView::default(), sent: sent.is_some(), folder })
}

/// Sends a link to whoever answers for somebody under this address. The answer is the same for every address.
#[post("/guardians", data = "<form>")]
pub async fn send(form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let email = form.0.text("email").to_owned();
    if !is_email(&email) {
        let faults = Faults::of("email", "That is no e-mail address a letter can reach.");
        let form = FormView::new(&form.0, faults);
        return page.show_as(422, &FindPage { form, sent: false, folder: None });
    }
    app.limits.attempt(Attempt::Letter, &fold_email(&email))?;
    let tokens: Vec<String> = (0..20).map(|_| secrets::token()).collect::<Result<_>>()?;
    let ground = Ground::of(app);
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            for ((guardian, ward), token) in Guardian::wards_of(conn, &email)?.iter().zip(&tokens) {
                holdings::send_link(conn, &ground, guardian, ward, token, now)?;
            }
            Ok(())
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go("/guardians?sent=yes"))
}

/// A purchase of the ward as its guardian sees it.
#[derive(Serialize)]
pub struct Purchase {
    pub title: String,
    pub at: Timestamp,
    pub price: crate::money::Cents,
    pub currency: String,
}

/// A line of what happened, with its receipt.
#[derive(Serialize)]
pub struct Happened {
    words: &'static str,
    at: Timestamp,
    receipt: String,
}

/// How a guardian can prove here that it is them.
#[derive(Serialize)]
pub struct Ways {
    paper: bool,
    /// The charge that is given back.
    card: Option<crate::money::Cents>,
    /// The number to call.
    phone: Option<String>,
    video: bool,
    /// By somebody else's finding.
    identity: Option<Proof>,
}

impl Ways {
    /// `open` is the check that was begun by the page's owner.
    fn of(app: &App, open: Option<Check>) -> Ways {
        let is_on = |method: Method| app.config.age.methods.contains(&method);
        Ways {
            paper: is_on(Method::SignedForm),
            card: is_on(Method::CardTransaction).then(|| crate::money::Cents(app.config.age.proof_cents)),
            phone: is_on(Method::Phone).then(|| app.config.operator_phone.clone()),
            video: is_on(Method::Video),
            identity: Proof::of(app, open),
        }
    }
}

/// The guardian's page.
#[derive(Serialize)]
pub struct Home {
    token: String,
    name: String,
    is_child: bool,
    guardian: String,
    /// The account is there, and its owner may sign in.
    is_open: bool,
    is_over: bool,
    over_at: Option<Timestamp>,
    /// For how many days what is there can be downloaded once everything is taken back.
    days_after: i64,
    scopes: Vec<ScopeRow>,
    has_form: bool,
    /// The code of the form on paper, where it is waited for.
    code: Option<String>,
    contact: String,
    /// The ways to prove it that are switched on.
    by: Ways,
    held: Vec<(String, String)>,
    purchases: Vec<Purchase>,
    happened: Vec<Happened>,
    payouts_held_since: Option<Timestamp>,
    /// The link takes everything back and opens nothing else.
    only_end: bool,
}

impl View for Home {
    const TEMPLATE: &'static str = "guardians/home.html";

    fn samples() -> Vec<Home> {
        let at = Timestamp(1_795_000_000_000);
        let page = |full: bool, is_over: bool, only_end: bool| Home {
            token: "token".into(),
            name: "Rain Kid".into(),
            is_child: false,
            guardian: "Grace Field".into(),
            is_open: full,
            is_over,
            over_at: is_over.then_some(at),
            days_after: 30,
            scopes: [true, false]
                .map(|holds| ScopeRow {
                    slug: "buy",
                    name: Scope::Buy.name(),
                    words: Scope::Buy.words(),
                    with: holds.then(|| Reach::reads("all")),
                    holds: holds && full,
                    waits: !holds && full,
                    ticked: false,
                    wants_proof: true,
                    until: Some(at),
                    from: (!holds && !full).then_some(14),
                })
                .into(),
            has_form: full,
            code: full.then(|| "ABCD1234".into()),
            contact: "hello@shop.example".into(),
            by: Ways {
                paper: true,
                card: Some(crate::money::Cents(50)),
                phone: full.then(|| "+49 30 1234567".into()),
                video: full,
                identity: Some(Proof::sample(full)),
            },
            held: vec![("Name".into(), "Rain Kid".into())],
            purchases: match full {
                true => vec![Purchase {
                    title: "Copper Weather".into(),
                    at,
                    price: crate::money::Cents(2_900),
                    currency: "usd".into(),
                }],
                false => vec![],
            },
            happened: vec![Happened { words: "You were asked.", at, receipt: "1".repeat(32) }],
            payouts_held_since: full.then_some(at),
            only_end,
        };
        vec![page(true, false, false), page(false, true, false), page(false, false, true)]
    }
}

/// A link that opens nothing any more.
#[derive(Serialize)]
pub struct Over {}

impl View for Over {
    const TEMPLATE: &'static str = "guardians/over.html";

    fn samples() -> Vec<Over> {
        vec![Over {}]
    }
}

/// What the letter's link opens: the question, or the page of somebody who answered. Looking changes nothing.
#[get("/guardians/<token>?<form>")]
pub async fn show(token: &str, form: Option<&str>, page: Page, app: &State<App>) -> Result<Reply> {
    let opened = match opened(app, token).await {
        Ok(opened) => opened,
        Err(Error::NotFound) => return page.show_as(410, &Over {}),
        Err(error) => return Err(error),
    };
    let (ground, now) = (Ground::of(app), Timestamp::now());
    let may_sign = opened.ward.band == Band::Minor && opened.opens != Opens::Revoke;
    let wants_form = form.is_some() && may_sign && (opened.asks() || !opened.open.is_empty());
    if opened.asks() || wants_form {
        let slugs = opened.open.iter().map(|p| ("scope", p.scope.to_string()));
        let reach = opened.open.iter().filter_map(|p| p.reach).map(|reach| ("messages", reach.to_string()));
        let name = ("guardian_name", opened.guardian.name.clone());
        let form = FormView::filled(slugs.chain(reach).chain([name]));
        return page.show(&Question::new(&ground, &opened, token, form, wants_form, now));
    }
    let home = home(app, opened, token, now).await?;
    // One of its forms ends at the payment page.
    page.allow_form_to(STRIPE_PAGES).allow_form_to(app.stripe.address()).show(&home)
}

async fn home(app: &App, opened: Opened, token: &str, now: Timestamp) -> Result<Home> {
    let Opened { ward, guardian, opens, open, .. } = opened;
    let ground = Ground::of(app);
    let (asked, waits) = (ward.clone(), open.iter().any(|permission| permission.waits(now)));
    let (held, purchases, steps, code, payouts, form, check) = app
        .db
        .read(move |conn| {
            let payouts = match &asked.account {
                Some(user) => holdings::payouts_held(conn, user)?,
                None => None,
            };
            Ok((
                holdings::of(conn, &asked)?,
                holdings::purchases(conn, &asked)?,
                asked.steps(conn)?,
                Verification::open_form(conn, &asked.id)?.and_then(|open| open.reference),
                payouts,
                ward::newest_form(conn, &asked.id)?,
                Check::open_of(conn, Whose::GuardianOf(&asked.id), now)?,
            ))
        })
        .await?;
    Ok(Home {
        token: token.to_owned(),
        name: ward.name.clone(),
        is_child: ward.band == Band::Child,
        guardian: guardian.name.clone(),
        is_open: ward.account.is_some(),
        is_over: open.is_empty(),
        over_at: ward.due_at,
        days_after: ward::export_ms(ward.band) / DAY,
        scopes: rows(&ground, &ward, &open, &[], now),
        has_form: form.is_some(),
        code: code.filter(|_| waits && opens != Opens::Revoke),
        contact: app.config.contact.clone(),
        by: Ways::of(app, check),
        held,
        purchases,
        happened: steps
            .into_iter()
            .map(|(state, at, receipt)| Happened { words: said(state), at, receipt: receipt.to_string() })
            .collect(),
        payouts_held_since: payouts,
        only_end: opens == Opens::Revoke,
    })
}

fn said(state: super::super::state::State) -> &'static str {
    use super::super::state::State::*;
    match state {
        Pending | Waiting => "You were asked.",
        General | Internal => "You gave a general permission, or took all scopes back.",
        Authorised => "You signed the form, or changed what it allows.",
        Disclosing => "You allowed that others hear what is made here.",
        Ended | ChildEnded => "Everything was taken back.",
        Discovered => "The account was frozen for its owner's age.",
        AgedUp => "The next age band began.",
        _ => "Something about the account's age was settled.",
    }
}

/// Takes one scope back, at once.
#[post("/guardians/<token>/scopes/<scope>/ending", data = "<_form>")]
pub async fn change(token: &str, scope: &str, _form: Posted, app: &State<App>) -> Result<Reply> {
    let scope = Scope::parse(scope).ok_or(Error::NotFound)?;
    take_back(app, token, Some(scope)).await?;
    Ok(Reply::go(format!("/guardians/{token}")).notice("Taken back. It ended in this moment."))
}

/// Others may hear what the child makes: the second question, answered later than the first.
#[post("/guardians/<token>/publication", data = "<_form>")]
pub async fn disclose(token: &str, _form: Posted, app: &State<App>) -> Result<Reply> {
    let asked = opened(app, token).await?;
    if asked.opens == Opens::Revoke || asked.ward.band != Band::Child {
        return Err(Error::conflict("This is not asked here."));
    }
    let (ground, stub) = (Ground::of(app), Stub::draw()?);
    app.db.write(move |conn| showing::disclose(conn, &ground, &asked.ward, &stub, Timestamp::now())).await?;
    app.bell.ring();
    Ok(Reply::go(format!("/guardians/{token}")).notice("Recorded. It stands on this page what it waits for."))
}

/// Takes everything back, at once.
#[post("/guardians/<token>/ending", data = "<_form>")]
pub async fn end(token: &str, _form: Posted, app: &State<App>) -> Result<Reply> {
    take_back(app, token, None).await?;
    Ok(Reply::go(format!("/guardians/{token}")).notice("Everything is taken back."))
}

async fn take_back(app: &App, token: &str, scope: Option<Scope>) -> Result<()> {
    let (ground, stub, token) = (Ground::of(app), Stub::draw()?, token.to_owned());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let (ward, ..) = ward::opened(conn, &token, now)?;
            passage::revoke(conn, &ground, &ward, scope, &stub, now).map(drop)
        })
        .await?;
    app.bell.ring();
    Ok(())
}

/// Deletes the account and everything of it that the law does not make us keep.
#[post("/guardians/<token>/erasure", data = "<form>")]
pub async fn erase(token: &str, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let asked = opened(app, token).await?;
    if asked.opens == Opens::Revoke
        || super::question::plain(form.0.text("name")) != super::question::plain(&asked.ward.name)
    {
        return Err(Error::refused("Write the account's name to delete it."));
    }
    let (ground, stub, token) = (Ground::of(app), Stub::draw()?, token.to_owned());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            // Asked again where it is done: whoever answered until a moment ago deletes nobody's account.
            let (ward, ..) = ward::opened(conn, &token, now)?;
            erasing::forget_ward(conn, &ground, &ward, &stub, now)
        })
        .await?;
    app.bell.ring();
    page.show(&Over {})
}

/// The newest signed form of whoever this link's page is about. `NotFound` for a link that takes everything back: it opens
/// nothing else.
async fn newest(app: &App, token: &str) -> Result<(String, Timestamp)> {
    let token = token.to_owned();
    app.db
        .read(move |conn| {
            let (ward, _, opens) = ward::opened(conn, &token, Timestamp::now())?;
            if opens == Opens::Revoke {
                return Err(Error::NotFound);
            }
            ward::newest_form(conn, &ward.id)?.ok_or(Error::NotFound)
        })
        .await
}

/// The signed form on paper, with the document inside.
#[get("/guardians/<token>/form.pdf")]
pub async fn pdf(token: &str, app: &State<App>) -> Result<Reply> {
    let (document, at) = newest(app, token).await?;
    let asked = token.to_owned();
    let code = app
        .db
        .read(move |conn| {
            let (ward, ..) = ward::opened(conn, &asked, Timestamp::now())?;
            Ok(Verification::open_form(conn, &ward.id)?.and_then(|open| open.reference))
        })
        .await?;
    // Where no sheet is sent back, none asks to be.
    let code = code.filter(|_| app.config.age.methods.contains(&Method::SignedForm));
    let bytes = paper::pdf(&document, code.as_deref(), &app.config.contact, &app.issuer, at)?;
    Ok(Reply::bytes(ContentType::PDF, bytes)
        .header("Content-Disposition", "attachment; filename=\"consent-form.pdf\"")
        .header("Cache-Control", "private, no-store"))
}

/// The signed form for programs.
#[get("/guardians/<token>/form.json")]
pub async fn json(token: &str, app: &State<App>) -> Result<Reply> {
    let (document, _) = newest(app, token).await?;
    Ok(Reply::bytes(ContentType::JSON, document)
        .header("Content-Disposition", "attachment; filename=\"consent-form.json\"")
        .header("Cache-Control", "private, no-store"))
}

/// Everything that is held about the ward, for the guardian to keep. Its purchases are among it.
#[get("/guardians/<token>/data.json")]
pub async fn held_data(token: &str, app: &State<App>) -> Result<Reply> {
    let token = token.to_owned();
    let data = app
        .db
        .read(move |conn| {
            let (ward, guardian, opens) = ward::opened(conn, &token, Timestamp::now())?;
            if opens == Opens::Revoke {
                return Err(Error::NotFound);
            }
            holdings::export(conn, &ward, Some(&guardian))
        })
        .await?;
    Ok(Reply::json(&json!(data))
        .header("Content-Disposition", "attachment; filename=\"what-is-held.json\"")
        .header("Cache-Control", "private, no-store"))
}
