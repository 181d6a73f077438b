//! The account as its owner sees and changes it.

use rocket::{State, get, post};
use serde::Serialize;

use super::LinkEnded;
use super::signing::proven;
use crate::App;
use crate::accounts::ad_free::AdFree;
use crate::accounts::band::Band;
use crate::accounts::guards::SignedIn;
use crate::accounts::session::{self, Opened};
use crate::accounts::user::{self, NAME_LONGEST, User, fold_email, is_email, name_fault};
use crate::accounts::{joining, password as secret};
use crate::clock::Timestamp;
use crate::consent::adult::IfAdult;
use crate::consent::notice;
use crate::consent::whereabouts::{WherePart, named};
use crate::error::{Error, Result};
use crate::guardians::answer;
use crate::guardians::routes::frozen_by_words;
use crate::ids::{Handle, SessionId};
use crate::secrets;
use crate::web::{Attempt, Client, Faults, Fields, FormView, Ours, Page, Posted, Reply, View};

/// The account's first page.
#[derive(Serialize)]
pub struct Account {
    name: String,
    handle: Option<Handle>,
    email: String,
    /// A child's: it signs in with its name, and letters go to its parent.
    by_name: bool,
    /// Whoever is under age gets no letters with offers; a child sells nothing and sees no advertisements either.
    is_young: bool,
    is_child: bool,
    confirmed: bool,
    sells: bool,
    since: Timestamp,
    /// Whether the profile shows that its owner is of age; nothing where it can never be shown.
    shows_age: Option<bool>,
    sessions: Vec<Opened>,
    /// Where they say they are, what they may say, and what it is for.
    place: WherePart,
    told: &'static str,
    /// Until when they may go without advertisements, where they may.
    ad_free: Option<Benefit>,
}

/// An entitlement to no advertisements that runs.
#[derive(Serialize)]
struct Benefit {
    wanted: bool,
    /// The last day; none: without an end.
    last_day: Option<Timestamp>,
}

impl View for Account {
    const TEMPLATE: &'static str = "accounts/account.html";

    fn samples() -> Vec<Account> {
        let at = Timestamp(1_764_000_000_000);
        let open = |is_this| Opened { id: SessionId::new(), created_at: at, seen_at: at, is_this };
        let account = |confirmed, sells: bool, sessions| Account {
            name: "Ines Morrow".into(),
            handle: Handle::parse("ines-morrow"),
            email: "ines@example.com".into(),
            by_name: !sells,
            is_young: !sells,
            is_child: !sells,
            confirmed,
            sells,
            since: at,
            shows_age: sells.then_some(confirmed),
            sessions,
            place: WherePart {
                here: named("US-TX").filter(|_| confirmed),
                states: named("US-TX").into_iter().collect(),
                countries: named("DE").into_iter().collect(),
                loose: if confirmed { vec!["Texas".into()] } else { vec![] },
            },
            told: notice::COUNTRY,
            ad_free: sells.then_some(Benefit { wanted: confirmed, last_day: Some(at) }),
        };
        vec![account(true, true, vec![open(true), open(false)]), account(false, false, vec![open(true)])]
    }
}

/// What the account is and where it is open.
#[get("/account")]
pub async fn show(who: SignedIn, page: Page, app: &State<App>) -> Result<Reply> {
    let (id, this) = (who.id.clone(), who.session.clone());
    let now = Timestamp::now();
    let (user, sessions, free, shown) = app
        .db
        .read(move |conn| {
            let free = AdFree::of(conn, &id)?.filter(|free| free.runs(now));
            let sessions = session::list(conn, &id, &this, now)?;
            Ok((User::find(conn, &id)?, sessions, free, answer::is_shown(conn, &id)?))
        })
        .await?;
    page.show(&Account {
        by_name: user.signs_in_by_name(),
        is_young: user.band != Band::Adult,
        is_child: user.band == Band::Child,
        place: WherePart::new(&app.consent, user.country.as_deref()),
        told: notice::COUNTRY,
        name: user.name,
        handle: user.handle,
        email: user.email,
        confirmed: user.confirmed_at.is_some(),
        sells: who.has(user::Role::Uploader),
        since: user.created_at,
        shows_age: (user.band == Band::Adult && who.has(user::Role::Uploader)).then_some(shown),
        sessions,
        ad_free: free
            .map(|free| Benefit { wanted: free.wanted, last_day: free.ends_at.map(|at| at.plus(-1)) }),
    })
}

/// Switches single keys on or off.
#[post("/account/shortcuts", data = "<form>")]
pub async fn shortcuts(who: SignedIn, form: Posted, app: &State<App>) -> Result<Reply> {
    let on = form.0.text("shortcuts") == "on";
    app.db.write(move |conn| user::set_shortcuts(conn, &who.id, on)).await?;
    Ok(Reply::go("/account").notice(if on {
        "Single keys play and seek again."
    } else {
        "Single keys do nothing any more."
    }))
}

/// Shows on the profile that its owner is of age, or shows it no more. The first is for people of age alone.
#[post("/account/age", data = "<form>")]
pub async fn age(who: SignedIn, form: Posted, adult: IfAdult, app: &State<App>) -> Result<Reply> {
    let on = form.0.text("shown") == "on";
    let proof = on.then(|| adult.proven()).transpose()?;
    app.db.write(move |conn| answer::show(conn, &who.id, proof.as_ref(), Timestamp::now())).await?;
    Ok(Reply::go("/account").notice(if on {
        "Your profile says that you are of age."
    } else {
        "Your profile says nothing about your age."
    }))
}

/// The member's own switch of an entitlement to no advertisements.
#[post("/account/advertisements", data = "<form>")]
pub async fn advertisements(who: SignedIn, form: Posted, app: &State<App>) -> Result<Reply> {
    let without = form.0.text("advertisements") == "off";
    app.db.write(move |conn| AdFree::switch(conn, &who.id, without, Timestamp::now())).await?;
    Ok(Reply::go("/account").notice(if without {
        "No advertisements from now on."
    } else {
        "Advertisements are shown again."
    }))
}

/// Sends the letter that confirms the address once more.
#[post("/account/confirmation", data = "<_form>")]
pub async fn confirmation(who: SignedIn, _form: Posted, app: &State<App>) -> Result<Reply> {
    if who.confirmed {
        return Ok(Reply::go("/account").notice("Your address is confirmed already."));
    }
    let id = who.id.clone();
    let user = app.db.read(move |conn| User::find(conn, &id)).await?;
    app.limits.attempt(Attempt::Letter, &user.email_folded)?;
    let (token, site_url) = (secrets::token()?, app.config.site_url.clone());
    app.db
        .write(move |conn| joining::ask_to_confirm(conn, &user, &token, &site_url, Timestamp::now()))
        .await?;
    app.bell.ring();
    Ok(Reply::go("/sign-up/letter"))
}

/// Ends one of this person's sessions.
#[post("/account/sessions/<id>/ending", data = "<_form>")]
pub async fn close_session(id: SessionId, who: SignedIn, _form: Posted, app: &State<App>) -> Result<Reply> {
    let is_this = id == who.session;
    app.db.write(move |conn| session::close_own(conn, &who.id, &id)).await?;
    Ok(match is_this {
        true => Reply::go("/sign-in").forget(Ours::Session).notice("You are signed out."),
        false => Reply::go("/account").notice("That browser is signed out."),
    })
}

/// The form for the names.
#[derive(Serialize)]
pub struct Name {
    form: FormView,
    handle: Option<Handle>,
    /// The name in the address can be changed once.
    may_rename: bool,
    /// It is what a child signs in with.
    by_name: bool,
    longest: usize,
}

impl View for Name {
    const TEMPLATE: &'static str = "accounts/name.html";

    fn samples() -> Vec<Name> {
        [true, false]
            .map(|may_rename| Name {
                form: FormView::filled([("name", "Ines".into()), ("handle", "ines".into())]),
                handle: Handle::parse("ines"),
                may_rename,
                by_name: !may_rename,
                longest: NAME_LONGEST,
            })
            .into()
    }
}

impl Name {
    fn of(user: &User, form: FormView) -> Name {
        let by_name = user.signs_in_by_name();
        let may_rename = user.handle_changed_at.is_none() && !by_name;
        Name { form, handle: user.handle.clone(), may_rename, by_name, longest: NAME_LONGEST }
    }
}

/// How one is called.
#[get("/account/name")]
pub async fn name(who: SignedIn, page: Page, app: &State<App>) -> Result<Reply> {
    let user = own(app, &who).await?;
    let handle = user.handle.as_ref().map(ToString::to_string).unwrap_or_default();
    let form = FormView::filled([("name", user.name.clone()), ("handle", handle)]);
    page.show(&Name::of(&user, form))
}

/// Changes the shown name, and once the name in the address.
#[post("/account/name", data = "<form>")]
pub async fn rename(who: SignedIn, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, user) = (form.0, own(app, &who).await?);
    let (name, wish) = (fields.text("name").to_owned(), fields.text("handle"));
    let handle = Handle::parse(wish).filter(|handle| user.handle.as_ref() != Some(handle));
    let mut faults = Faults::default();
    if let Some(fault) = name_fault(&name) {
        faults.add("name", fault);
    }
    if !wish.is_empty() && Handle::parse(wish).is_none() {
        faults.add("handle", "Use 2 to 40 small letters, figures and hyphens.");
    }
    if faults.is_empty() && frozen_by_words(app, &who, &name).await? {
        return Ok(Reply::go("/held"));
    }
    if faults.is_empty() {
        let mine = user.clone();
        let changed = app.db.write(move |conn| {
            let now = Timestamp::now();
            mine.set_name(conn, &name, now)?;
            handle.as_ref().map_or(Ok(()), |handle| mine.rename(conn, handle, now))
        });
        match changed.await {
            Ok(()) => return Ok(Reply::go("/account").notice("Saved.")),
            Err(Error::Refused(why)) => faults.add("handle", why),
            Err(Error::Conflict(_)) => faults.add("handle", "That belongs to someone else."),
            Err(error) => return Err(error),
        }
    }
    page.show_as(422, &Name::of(&user, FormView::new(&fields, faults)))
}

/// The form for another address.
#[derive(Serialize)]
pub struct Email {
    form: FormView,
    email: String,
    /// A child gives no address.
    is_child: bool,
    /// The letter went out; its link is waited for.
    sent_to: Option<String>,
    folder: Option<String>,
}

impl View for Email {
    const TEMPLATE: &'static str = "accounts/email.html";

    fn samples() -> Vec<Email> {
        let email = || "ines@example.com".to_owned();
        vec![
            Email { form: FormView::default(), email: email(), is_child: false, sent_to: None, folder: None },
            Email { form: FormView::default(), email: email(), is_child: true, sent_to: None, folder: None },
            Email {
                form: FormView::default(),
                email: email(),
                is_child: false,
                sent_to: Some("new@example.com".into()),
                folder: Some("data/mail".into()),
            },
        ]
    }
}

/// Where letters go.
#[get("/account/email")]
pub async fn email(who: SignedIn, page: Page, app: &State<App>) -> Result<Reply> {
    let email = own(app, &who).await?.email;
    let is_child = who.band == Band::Child;
    page.show(&Email { form: FormView::default(), email, is_child, sent_to: None, folder: None })
}

/// Writes to the new address. The account moves when its owner follows the letter's link in a signed-in browser; the
/// answer is the same whether that address has an account or not.
#[post("/account/email", data = "<form>")]
pub async fn ask_to_move(
    who: SignedIn,
    form: Posted,
    page: Page,
    client: Client,
    app: &State<App>,
) -> Result<Reply> {
    let (fields, user) = (form.0, own(app, &who).await?);
    if who.band == Band::Child {
        return Err(Error::Forbidden);
    }
    let wish = fields.text("email").to_owned();
    let mut faults = Faults::default();
    if !is_email(&wish) {
        faults.add("email", "That is no e-mail address a letter can reach.");
    } else if fold_email(&wish) == user.email_folded {
        faults.add("email", "That is the address we write to already.");
    }
    check_own(app, &client, &user, &fields, &mut faults).await?;
    if !faults.is_empty() {
        let form = FormView::new(&fields, faults);
        let shown = Email { form, email: user.email, is_child: false, sent_to: None, folder: None };
        return page.show_as(422, &shown);
    }
    app.limits.attempt(Attempt::Letter, &fold_email(&wish))?;
    let (token, site_url, to, mine) =
        (secrets::token()?, app.config.site_url.clone(), wish.clone(), user.clone());
    app.db
        .write(move |conn| joining::ask_to_move(conn, &mine, &to, &token, &site_url, Timestamp::now()))
        .await?;
    app.bell.ring();
    let folder = app.mail.folder().map(|folder| folder.display().to_string());
    page.show(&Email {
        form: FormView::default(),
        email: user.email,
        is_child: false,
        sent_to: Some(wish),
        folder,
    })
}

/// Moves the account to the address whose owner got this link. Works only in a browser that is signed in to it, so a
/// mistyped address gives its stranger nothing.
#[get("/email/<token>")]
pub async fn moved(token: &str, who: SignedIn, page: Page, app: &State<App>) -> Result<Reply> {
    let token = token.to_owned();
    match app.db.write(move |conn| joining::move_account(conn, &who.id, &token, Timestamp::now())).await {
        Ok(()) => {
            app.bell.ring();
            Ok(Reply::go("/account").notice("From now on we write to your new address."))
        }
        Err(Error::NotFound) => page.show_as(410, &LinkEnded { is_reset: false }),
        Err(error) => Err(error),
    }
}

/// The form for another password.
#[derive(Serialize)]
pub struct Password {
    form: FormView,
    email: String,
    shortest: usize,
}

impl View for Password {
    const TEMPLATE: &'static str = "accounts/password.html";

    fn samples() -> Vec<Password> {
        let email = "ines@example.com".to_owned();
        vec![Password { form: FormView::default(), email, shortest: secret::SHORTEST }]
    }
}

/// Asks for the old password and a new one.
#[get("/account/password")]
pub async fn password(who: SignedIn, page: Page, app: &State<App>) -> Result<Reply> {
    let email = own(app, &who).await?.email;
    page.show(&Password { form: FormView::default(), email, shortest: secret::SHORTEST })
}

/// Changes the password, ends every other session and gives this one another token.
#[post("/account/password", data = "<form>")]
pub async fn change_password(
    who: SignedIn,
    form: Posted,
    page: Page,
    client: Client,
    app: &State<App>,
) -> Result<Reply> {
    let (fields, user) = (form.0, own(app, &who).await?);
    let new = fields.raw("new_password");
    let mut faults = Faults::default();
    check_own(app, &client, &user, &fields, &mut faults).await?;
    if let Some(fault) = secret::fault(new, &user.name, &user.email) {
        faults.add("new_password", fault);
    }
    if !faults.is_empty() {
        let form = FormView::new(&fields, faults);
        return page.show_as(422, &Password { form, email: user.email, shortest: secret::SHORTEST });
    }
    let (hash, token) = (app.hashing.hash(new).await?, secrets::token()?);
    let opened = token.clone();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            joining::change_password(conn, &user, &hash, None, now)?;
            session::open(conn, &user.id, &opened, now).map(drop)
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go("/account")
        .keep(Ours::Session, token, Some(session::LONGEST_MS))
        .notice("Your password is changed. Every other browser is signed out."))
}

async fn own(app: &App, who: &SignedIn) -> Result<User> {
    let id = who.id.clone();
    app.db.read(move |conn| User::find(conn, &id)).await
}

/// Asks for the password again before something that would lock its owner out; guesses count as at sign-in.
async fn check_own(
    app: &App,
    client: &Client,
    user: &User,
    fields: &Fields,
    faults: &mut Faults,
) -> Result<()> {
    // Whoever signs in by name has no address of their own.
    if proven(app, client, &user.email_folded, fields.raw("password")).await?.is_none() {
        faults.add("password", "That is not your password.");
    }
    Ok(())
}
