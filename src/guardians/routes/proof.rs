//! The way to a provider that finds out whether somebody is of age, and back. Going there is the person's own choice; coming
//! back changes nothing before they press a button.

use rocket::{State, post};

use super::super::adulthood::{self, Check, Found};
use super::super::knowledge;
use super::super::leaf::Stub;
use super::super::notice::Ground;
use crate::App;
use crate::accounts::guards::HeldBack;
use crate::clock::Timestamp;
use crate::consent::disclosure::Line;
use crate::consent::recipient::Use;
use crate::egress::{Keyed, Verb};
use crate::error::{Error, Result};
use crate::secrets;
use crate::web::{Attempt, Posted, Reply};

/// Checks that are forgotten in one round.
const SOME: i64 = 100;

fn provider(app: &App) -> Result<&Keyed> {
    app.config.age.provider.as_ref().map(|provider| &provider.at).ok_or(Error::NotFound)
}

/// Begins a check: the provider gets a reference, and its page stands on the notice from then on.
#[post("/held/proof", data = "<_form>")]
pub async fn begin(_form: Posted, who: HeldBack, app: &State<App>) -> Result<Reply> {
    let (at, user) = (provider(app)?, who.0.id.clone());
    let may = app.db.read(move |conn| knowledge::is_asked(conn, &user)).await?;
    if !may {
        return Err(Error::conflict("There is nothing to prove here any more."));
    }
    app.limits.attempt(Attempt::Letter, &format!("age check {}", who.0.id))?;
    let told = adulthood::question(&secrets::token()?, app.consent.ages.adult, &app.config.absolute("/held"));
    let line = app.services.of(Use::AgeProof).map(Line::of_service);
    let answer = app.egress.ask(at, Verb::Post(&told), "checks", line).await.map_err(away)?;
    let begun = adulthood::begun(&answer).map_err(away)?;
    let user = who.0.id.clone();
    app.db.write(move |conn| Check::begin(conn, &user, (&begun.0, &begun.1), Timestamp::now())).await?;
    Ok(Reply::go("/held#proof"))
}

/// Asks the provider what came of it. Somebody of age has their account back; of anybody else nothing is noted.
#[post("/held/proof/result", data = "<_form>")]
pub async fn look(_form: Posted, who: HeldBack, app: &State<App>) -> Result<Reply> {
    let (at, user) = (provider(app)?, who.0.id.clone());
    let open = app.db.read(move |conn| Check::open_of(conn, &user, Timestamp::now())).await?;
    let Some(open) = open else { return Ok(Reply::go("/held").notice("There is no check that is open.")) };
    app.limits.attempt(Attempt::Verify, &format!("age check {}", who.0.id))?;
    let found = match app.egress.ask(at, Verb::Get, &path(&open), None).await {
        Ok(answer) => Found::read(&answer),
        Err(Error::NotFound) => Found::Gone,
        Err(error) => return Err(away(error)),
    };
    if found == Found::Open {
        return Ok(Reply::go("/held#proof").notice("There is no result yet."));
    }
    let (ground, stub, user) = (Ground::of(app), Stub::draw()?, who.0.id.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            adulthood::end_all(conn, &user, now)?;
            match found {
                Found::Over => knowledge::prove(conn, &ground, &user, &stub, now),
                _ => Ok(()),
            }
        })
        .await?;
    // A check that the provider does not forget now is tried again every day.
    forget(app, Timestamp::now()).await?;
    Ok(match found {
        Found::Over => Reply::go("/account").notice("Thank you. The account is open again."),
        Found::Gone => Reply::go("/held").notice("That check has ended. You can begin another one."),
        _ => Reply::go("/held").notice("That did not show that you are of age. Nothing was noted."),
    })
}

/// A provider that cannot be asked just now is no fault of whoever wants to prove something.
fn away(error: Error) -> Error {
    tracing::warn!(%error, "the age check's provider was asked in vain");
    Error::Busy(60)
}

fn path(check: &Check) -> String {
    format!("checks/{}", check.provider_ref)
}

/// Has the provider forget checks that are over, and forgets each that it forgot. One that the provider does not know any
/// more is forgotten, too. Where no provider is set any more, nobody is left to ask.
pub async fn forget(app: &App, now: Timestamp) -> Result<()> {
    let over = app.db.read(move |conn| Check::to_forget(conn, now, SOME)).await?;
    for check in over {
        if let Ok(at) = provider(app)
            && let Err(error) = app.egress.ask(at, Verb::Delete, &path(&check), None).await
            && !matches!(error, Error::NotFound)
        {
            tracing::warn!(%error, "the age check's provider has not forgotten yet");
            continue;
        }
        app.db.write(move |conn| check.forget(conn)).await?;
    }
    Ok(())
}
