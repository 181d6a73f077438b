//! The button that loads a vendor's advertisement once, where one would stand.

use rocket::http::RawStr;
use rocket::{State, post};

use super::{LASTS_MS, Pass};
use crate::App;
use crate::clock::Timestamp;
use crate::consent::guards::Decided;
use crate::consent::log;
use crate::consent::own::OwnChoice;
use crate::error::{Error, Result};
use crate::ids::ReceiptId;
use crate::secrets;
use crate::web::reply::is_local;
use crate::web::{Fields, Ours, Page, Posted, Reply};

/// A press that comes again within this time, by the same button of the same page, is the same press.
const TWICE_MS: i64 = 5_000;

/// Takes a press: writes its receipt and leads back to the page, whose next answer alone may contact the vendor. Nothing is
/// granted, and no choice changes. Refused, with nothing written, where a press cannot stand in: for somebody young, for a
/// vendor that shows nothing here or may already, and for a page that is not ours or appeals to children.
#[post("/privacy/once", data = "<form>")]
pub async fn create(form: Posted, page: Page, consent: Decided, app: &State<App>) -> Result<Reply> {
    let (fields, now) = (form.0, Timestamp::now());
    let to = fields.text("page");
    let path = RawStr::new(to.split('?').next().unwrap_or_default()).percent_decode_lossy();
    if !is_local(to) || to.contains('#') || app.child_pages.cover(&path) {
        return Err(Error::refused("Nothing is loaded on that page. Nothing was changed."));
    }
    let wanted = fields.text("vendor");
    let offer = consent.once.offer.filter(|offer| offer.vendor.id == wanted);
    let offer = offer
        .ok_or_else(|| Error::refused("That cannot be loaded once for you here. Nothing was changed."))?;
    let id = receipt_of(app, &fields, now).await?;
    let choice = OwnChoice::once(app, &consent, offer, id.clone(), now)?;
    app.db.write(move |conn| choice.record(conn, now)).await?;
    let pass = Pass {
        vendor: offer.vendor.id.clone(),
        page: to.to_owned(),
        browser: page.browser().to_owned(),
        word: id.to_string(),
    };
    let said = format!("Loaded once: an advertisement by {}.", offer.vendor.name);
    Ok(Reply::go(format!("{to}#slot"))
        .notice_with(&said, "Receipt", &format!("/privacy/receipts/{id}"))
        .keep(Ours::Once, pass.seal(&app.keys.seal, now), Some(LASTS_MS)))
}

/// The receipt of a press: the same when its form is sent twice, as by a double click, a new one when it is sent later.
async fn receipt_of(app: &App, fields: &Fields, now: Timestamp) -> Result<ReceiptId> {
    let sent: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter()).finish();
    let bits = secrets::mac(&secrets::derive(&app.keys.seal, "a press of a choice"), sent.as_bytes());
    let Some(bits) = bits.first_chunk::<16>() else { return ReceiptId::draw() };
    let id = ReceiptId::of(*bits);
    let asked = id.clone();
    match app.db.read(move |conn| log::kept(conn, &asked)).await {
        Ok(kept) if now.since(kept.receipt.time) >= TWICE_MS => ReceiptId::draw(),
        Ok(_) | Err(Error::NotFound) => Ok(id),
        Err(error) => Err(error),
    }
}
