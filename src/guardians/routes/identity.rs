//! The way to a provider that finds out whether a guardian is who they say, and back. Going there is the guardian's own
//! choice; coming back changes nothing before they press a button on their page.

use rocket::{State, get, post};
use serde::Serialize;

use super::super::check::{About, Asked, Check, Found, Whose};
use super::super::identity;
use super::super::leaf::Stub;
use super::super::notice::Ground;
use super::super::permission::Method;
use super::provider;
use crate::App;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secrets;
use crate::web::{Attempt, Page, Posted, Reply, View};

/// Where the provider's page leads back to. It gets no link that opens anything.
const BACK: &str = "/guardians/checked";

/// A way in which the provider finds it out.
#[derive(Serialize)]
struct Way {
    method: Method,
    words: &'static str,
    button: &'static str,
}

impl Way {
    fn of(method: Method) -> Option<Way> {
        let (words, button) = match method {
            Method::GovIdDb => (
                "With an identity document, which is checked against the registers of such documents and must be deleted at \
                 once.",
                "Prove it with a document",
            ),
            Method::Kba => {
                ("With answers to questions that a child could not give.", "Prove it with answers")
            }
            Method::FaceMatch => (
                "With a document that has your picture and a picture of your face: both are compared, somebody looks at it, and \
                 both must be deleted at once.",
                "Prove it with a picture",
            ),
            _ => return None,
        };
        Some(Way { method, words, button })
    }
}

/// The provider as the guardian's page shows it.
#[derive(Serialize)]
pub(super) struct Proof {
    name: String,
    ways: Vec<Way>,
    /// Its page for the check that is open.
    address: Option<String>,
}

impl Proof {
    /// Nothing where no such method is switched on.
    pub fn of(app: &App, open: Option<Check>) -> Option<Proof> {
        let provider = provider::of(app, About::Identity).ok()?;
        let ways: Vec<Way> = app.config.age.methods.iter().filter_map(|method| Way::of(*method)).collect();
        (!ways.is_empty()).then(|| Proof {
            name: provider.name.clone(),
            ways,
            address: open.filter(|check| is_on(app, check)).map(|check| check.address),
        })
    }

    /// For looking at.
    pub fn sample(is_open: bool) -> Proof {
        Proof {
            name: "Identity Desk".into(),
            ways: [Method::GovIdDb, Method::Kba, Method::FaceMatch].into_iter().filter_map(Way::of).collect(),
            address: is_open.then(|| "https://identity.example/1".into()),
        }
    }
}

fn is_on(app: &App, check: &Check) -> bool {
    check.method.is_some_and(|method| app.config.age.methods.contains(&method))
}

/// Begins a check: the provider gets a reference, and its page stands on the guardian's from then on.
#[post("/guardians/<token>/identity", data = "<form>")]
pub async fn begin(token: &str, form: Posted, app: &State<App>) -> Result<Reply> {
    let on = &app.config.age.methods;
    let method = Method::parse(form.0.text("method"))
        .filter(|method| method.needs_provider() && on.contains(method))
        .ok_or(Error::NotFound)?;
    let asked = token.to_owned();
    let ward = app.db.read(move |conn| identity::asked_for(conn, &asked, Timestamp::now())).await?;
    app.limits.attempt(Attempt::Letter, &format!("identity {}", ward.id))?;
    let told = Asked::By(method).told(&secrets::token()?, &app.config.absolute(BACK));
    let begun = provider::begin(app, About::Identity, &told).await?;
    app.db
        .write(move |conn| {
            Check::begin(conn, Whose::GuardianOf(&ward.id), Some(method), &begun, Timestamp::now())
        })
        .await?;
    Ok(Reply::go(format!("/guardians/{token}#proof")))
}

/// Asks the provider what came of it. With a yes what waited for it counts; of anything else nothing is noted.
#[post("/guardians/<token>/identity/result", data = "<_form>")]
pub async fn look(token: &str, _form: Posted, app: &State<App>) -> Result<Reply> {
    provider::of(app, About::Identity)?;
    let (home, asked) = (format!("/guardians/{token}"), token.to_owned());
    let (ward, open) = app
        .db
        .read(move |conn| {
            let now = Timestamp::now();
            let ward = identity::asked_for(conn, &asked, now)?;
            let open = Check::open_of(conn, Whose::GuardianOf(&ward.id), now)?;
            Ok((ward, open))
        })
        .await?;
    let Some(open) = open.filter(|check| is_on(app, check)) else {
        return Ok(Reply::go(home).notice("There is no check that is open."));
    };
    app.limits.attempt(Attempt::Verify, &format!("identity {}", ward.id))?;
    let found = provider::result(app, &open).await?;
    if found == Found::Open {
        return Ok(Reply::go(format!("{home}#proof")).notice("There is no result yet."));
    }
    let (ground, stub) = (Ground::of(app), Stub::draw()?);
    app.db
        .write(move |conn| identity::conclude(conn, &ground, &open, found, &stub, Timestamp::now()))
        .await?;
    app.bell.ring();
    provider::forget(app, Timestamp::now()).await?;
    Ok(Reply::go(home).notice(match found {
        Found::Yes => "Thank you. What waited for it counts now.",
        Found::Gone => "That check has ended. You can begin another one.",
        _ => "That did not show that it is you. Nothing was noted, and you can try again or another way.",
    }))
}

/// What the provider leads back to.
#[derive(Serialize)]
pub struct Checked {}

impl View for Checked {
    const TEMPLATE: &'static str = "guardians/checked.html";

    fn samples() -> Vec<Checked> {
        vec![Checked {}]
    }
}

/// Whoever comes back from the provider: their own page is where they left it. Coming here does nothing.
#[get("/guardians/checked")]
pub fn back(page: Page) -> Result<Reply> {
    page.show(&Checked {})
}
