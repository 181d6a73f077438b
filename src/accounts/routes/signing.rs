//! Signing in and out.

use rocket::{State, get, post};
use serde::Serialize;

use crate::App;
use crate::accounts::guards::{Carried, SignedIn};
use crate::accounts::session;
use crate::accounts::user::{User, fold_email};
use crate::clock::{DAY, Timestamp};
use crate::consent::guards::Whereabouts;
use crate::error::Result;
use crate::guardians::routes::{grown_by_now, moved_by_now};
use crate::sales::basket::{self, Owner};
use crate::secrets;
use crate::web::reply::is_local;
use crate::web::{Attempt, Client, Faults, Fields, FormView, Ours, Page, Posted, Reply, View};

/// How long an address stays in the form where its owner wanted that.
const REMEMBERED_MS: i64 = 365 * DAY;

/// The form to sign in.
#[derive(Serialize)]
pub struct SignIn {
    form: FormView,
    /// Where to go afterwards: an address of ours, or empty.
    next: String,
    /// Whether there are accounts of children, who sign in with a name.
    by_name: bool,
}

impl View for SignIn {
    const TEMPLATE: &'static str = "accounts/sign_in.html";

    fn samples() -> Vec<SignIn> {
        let fields = Fields::parse("email=ines@example.com");
        let wrong = Faults::of("password", "That address and password do not belong together.");
        vec![
            SignIn { form: FormView::default(), next: String::new(), by_name: false },
            SignIn { form: FormView::new(&fields, wrong), next: "/cart".into(), by_name: true },
        ]
    }
}

/// The form, with the address in it where its owner asked for that.
#[get("/sign-in?<next>")]
pub fn new(next: Option<&str>, page: Page, carried: Carried, app: &State<App>) -> Result<Reply> {
    let next = onward(next.unwrap_or_default());
    if page.visitor.is_some() {
        return Ok(Reply::go_back(&next, "/"));
    }
    let form = match carried.remembered {
        Some(email) => FormView::filled([("email", email), ("remember", "yes".to_owned())]),
        None => FormView::default(),
    };
    page.show(&SignIn { form, next, by_name: app.consent.child_mode })
}

/// Opens a session with a token of its own, whatever the browser held before, and brings its basket along.
#[post("/sign-in", data = "<form>")]
pub async fn create(
    form: Posted,
    page: Page,
    client: Client,
    carried: Carried,
    at: Whereabouts,
    app: &State<App>,
) -> Result<Reply> {
    let (fields, next) = (&form.0, onward(form.0.text("next")));
    let by_name = app.consent.child_mode;
    let email = fields.text("email").to_owned();
    let Some(user) = proven(app, &client, &email, fields.raw("password")).await? else {
        let faults = Faults::of(
            "password",
            match by_name {
                true => "That address or name and that password do not belong together.",
                false => "That address and password do not belong together.",
            },
        );
        return page.show_as(422, &SignIn { form: FormView::new(fields, faults), next, by_name });
    };
    if user.disabled_at.is_some() {
        let why =
            format!("This account is closed. Write to {} if you think it should not be.", app.config.contact);
        let form = FormView::new(fields, Faults::of("email", why));
        return page.show_as(422, &SignIn { form, next, by_name });
    }
    // Time, or where they say they are, may have moved their band since the last visit.
    grown_by_now(app, &user).await?;
    moved_by_now(app, &user, at.place.or(user.country.clone())).await?;
    let token = secrets::token()?;
    let opened = token.clone();
    let outside = app
        .db
        .write(move |conn| {
            let now = Timestamp::now();
            if let Some(old) = &carried.session {
                session::close_token(conn, old)?;
            }
            session::open(conn, &user.id, &opened, now)?;
            match &carried.basket {
                Some(basket) => basket::merge(conn, &Owner::browser(basket), &user.id, now),
                None => Ok(0),
            }
        })
        .await?;
    let reply = Reply::go_back(&next, "/")
        .keep(Ours::Session, token, Some(session::LONGEST_MS))
        .forget(Ours::Forms)
        .forget(Ours::Basket);
    let reply = match outside {
        0 => reply,
        _ => reply.notice_with(&full(outside), "Basket", "/cart"),
    };
    Ok(match fields.has("remember") {
        true => reply.keep(Ours::Remembered, Carried::written(app, &email), Some(REMEMBERED_MS)),
        false => reply.forget(Ours::Remembered),
    })
}

/// What somebody reads whose two baskets were more than one holds.
fn full(outside: usize) -> String {
    let lines = if outside == 1 { "one licence".to_owned() } else { format!("{outside} licences") };
    format!(
        "A basket holds {} licences. There was no room for {lines} from before you signed in: add what you miss once these \
         are bought.",
        basket::LINES_MAX
    )
}

/// Who has this address and this password. Only wrong attempts are counted, per account and per network address; an
/// unknown address costs the same work as a known one.
pub async fn proven(app: &App, client: &Client, email: &str, password: &str) -> Result<Option<User>> {
    let (account, place) = (fold_email(email), client.key());
    app.limits.attempt(Attempt::SignIn, &account)?;
    let from = app.limits.attempt(Attempt::SignInFrom, &place);
    let back = || app.limits.give_back(Attempt::SignIn, &account);
    if let Err(error) = from {
        back();
        return Err(error);
    }
    let back = || {
        back();
        app.limits.give_back(Attempt::SignInFrom, &place);
    };
    let found = {
        let email = email.to_owned();
        app.db.read(move |conn| User::by_email(conn, &email)).await
    };
    let checked = match found {
        Ok(user) => {
            let hash = user.as_ref().map(|user| user.password_hash.as_str());
            app.hashing.verify(password, hash).await.map(|fits| user.filter(|_| fits))
        }
        Err(error) => Err(error),
    };
    if !matches!(checked, Ok(None)) {
        back();
    }
    checked
}

/// Where to go after signing in: a page of ours that is not the way in itself.
fn onward(next: &str) -> String {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let fine = is_local(next) && !matches!(path, "/sign-in" | "/sign-up" | "/sign-out" | "/age");
    if fine { next.to_owned() } else { String::new() }
}

/// Ends this browser's session.
#[post("/sign-out", data = "<_form>")]
pub async fn destroy(_form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    if let Some(visitor) = page.visitor {
        app.db.write(move |conn| session::close(conn, &visitor.session)).await?;
    }
    Ok(Reply::go("/").forget(Ours::Session).notice("You are signed out."))
}

/// Ends every session of this person, this one too.
#[post("/sign-out/everywhere", data = "<_form>")]
pub async fn everywhere(who: SignedIn, _form: Posted, app: &State<App>) -> Result<Reply> {
    app.db.write(move |conn| session::close_all(conn, &who.id, None)).await?;
    Ok(Reply::go("/sign-in").forget(Ours::Session).notice("You are signed out everywhere."))
}

#[cfg(test)]
mod tests {
    use super::onward;

    #[test]
    fn after_signing_in_one_goes_on_within_the_site_and_not_in_circles() {
        for (next, to) in [
            ("/search?q=rain&mood=calm", "/search?q=rain&mood=calm"),
            ("/sign-in?next=/sign-in", ""),
            ("//evil.example", ""),
            ("https://evil.example/", ""),
            ("", ""),
        ] {
            assert_eq!(onward(next), to, "{next:?}");
        }
    }
}
