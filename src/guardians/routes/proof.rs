//! The way to a provider that finds out whether somebody is of age, and back. Going there is the person's own choice; coming
//! back changes nothing before they press a button.

use rocket::{State, post};

use super::super::check::{self, About, Asked, Check, Found, Whose};
use super::super::knowledge;
use super::super::leaf::Stub;
use super::super::notice::Ground;
use super::provider;
use crate::App;
use crate::accounts::guards::HeldBack;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secrets;
use crate::web::{Attempt, Posted, Reply};

/// Begins a check: the provider gets a reference, and its page stands on the notice from then on.
#[post("/held/proof", data = "<_form>")]
pub async fn begin(_form: Posted, who: HeldBack, app: &State<App>) -> Result<Reply> {
    provider::of(app, About::Adulthood)?;
    let user = who.0.id.clone();
    let may = app.db.read(move |conn| knowledge::is_asked(conn, &user)).await?;
    if !may {
        return Err(Error::conflict("There is nothing to prove here any more."));
    }
    app.limits.attempt(Attempt::Letter, &format!("age check {}", who.0.id))?;
    let told = Asked::Over(app.consent.ages.adult).told(&secrets::token()?, &app.config.absolute("/held"));
    let begun = provider::begin(app, About::Adulthood, &told).await?;
    let user = who.0.id.clone();
    app.db.write(move |conn| Check::begin(conn, Whose::Owner(&user), None, &begun, Timestamp::now())).await?;
    Ok(Reply::go("/held#proof"))
}

/// Asks the provider what came of it. Somebody of age has their account back; of anybody else nothing is noted.
#[post("/held/proof/result", data = "<_form>")]
pub async fn look(_form: Posted, who: HeldBack, app: &State<App>) -> Result<Reply> {
    provider::of(app, About::Adulthood)?;
    let user = who.0.id.clone();
    let open = app.db.read(move |conn| Check::open_of(conn, Whose::Owner(&user), Timestamp::now())).await?;
    let Some(open) = open else { return Ok(Reply::go("/held").notice("There is no check that is open.")) };
    app.limits.attempt(Attempt::Verify, &format!("age check {}", who.0.id))?;
    let found = provider::result(app, &open).await?;
    if found == Found::Open {
        return Ok(Reply::go("/held#proof").notice("There is no result yet."));
    }
    let (ground, stub, user) = (Ground::of(app), Stub::draw()?, who.0.id.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            check::end_all(conn, Whose::Owner(&user), now)?;
            match found {
                Found::Yes => knowledge::prove(conn, &ground, &user, &stub, now),
                _ => Ok(()),
            }
        })
        .await?;
    provider::forget(app, Timestamp::now()).await?;
    Ok(match found {
        Found::Yes => Reply::go("/account").notice("Thank you. The account is open again."),
        Found::Gone => Reply::go("/held").notice("That check has ended. You can begin another one."),
        _ => Reply::go("/held").notice("That did not show that you are of age. Nothing was noted."),
    })
}
