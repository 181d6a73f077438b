//! A guardian proves to be one with a card: a small payment at Stripe that is given back at once. We see neither its number
//! nor its name.

use rocket::{State, post};

use super::super::identity::asked_for;
use super::super::permission::Method;
use super::super::verification;
use super::super::ward::Guardian;
use crate::App;
use crate::clock::{HOUR, Timestamp};
use crate::consent::disclosure::Line;
use crate::consent::recipient::Use;
use crate::error::{Error, Result};
use crate::ids::{OrderId, VerificationId};
use crate::money::Cents;
use crate::stripe::{CheckoutWish, WishLine};
use crate::web::{Attempt, Posted, Reply};

/// Leads to the payment page. `NotFound` for a link that takes everything back: it opens nothing else.
#[post("/guardians/<token>/card", data = "<_form>")]
pub async fn prove(token: &str, _form: Posted, app: &State<App>) -> Result<Reply> {
    if !app.config.age.methods.contains(&Method::CardTransaction) {
        return Err(Error::NotFound);
    }
    let asked = token.to_owned();
    let (ward, guardian) = app
        .db
        .read(move |conn| {
            let ward = asked_for(conn, &asked, Timestamp::now())?;
            let guardian = Guardian::of_ward(conn, &ward.id)?.ok_or(Error::NotFound)?;
            Ok((ward, guardian))
        })
        .await?;
    app.limits.attempt(Attempt::Checkout, ward.id.as_str())?;
    let id = VerificationId::new();
    let home = app.config.absolute(&format!("/guardians/{token}"));
    let wish = CheckoutWish {
        order: OrderId::parse(id.as_str()).ok_or_else(|| Error::internal("no id"))?,
        try_number: 1,
        currency: app.config.currency.clone(),
        lines: vec![WishLine {
            name: "Proof that a grown-up answers".into(),
            description: Some("Given back at once.".into()),
            amount: Cents(app.config.age.proof_cents),
        }],
        email: Some(guardian.email),
        success_url: home.clone(),
        cancel_url: home,
        expires: Timestamp::now().plus(HOUR),
    };
    let session = app.stripe.checkout(&wish).await?;
    let url = session.url.clone().ok_or(Error::Busy(5))?;
    let told = app.services.of(Use::Payment).map(Line::of_service);
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            verification::ask_for_card(conn, &id, &ward.id, &session.id, now)?;
            told.iter().try_for_each(|line| line.record(conn, 1, now))
        })
        .await?;
    Ok(Reply::go(url))
}
