//! Invoices and credit notes, for those who paid.

use rocket::http::ContentType;
use rocket::{State, get};
use serde::Serialize;

use super::library::saved;
use crate::App;
use crate::accounts::guards::SignedIn;
use crate::error::{Error, Result};
use crate::ids::OrderId;
use crate::sales::invoice::{Bill, Invoice, Kind, pdf};
use crate::web::Reply;

/// A document to fetch.
#[derive(Clone, Serialize)]
pub struct Printed {
    pub href: String,
    /// `Invoice 2026-000042`.
    pub name: String,
}

impl Printed {
    /// Where a document is fetched, and what it is called.
    pub fn of(invoice: &Invoice) -> Printed {
        Printed {
            href: invoice.kind.path(&invoice.order_id),
            name: format!("{} {}", invoice.kind.title(), invoice.number()),
        }
    }

    /// One as it may stand on a page, for the test that renders every page.
    pub fn sample(kind: Kind) -> Printed {
        let href = format!("/orders/0/{}.pdf", kind.slug());
        Printed { href, name: format!("{} 2026-000042", kind.title()) }
    }
}

/// A document of an order of one's own: `invoice.pdf`, `credit-note.pdf`.
#[get("/orders/<id>/<file>", rank = 10)]
pub async fn show(id: OrderId, file: &str, person: SignedIn, app: &State<App>) -> Result<Reply> {
    let is_called = |kind: &&Kind| file.strip_suffix(".pdf") == Some(kind.slug());
    let kind = *Kind::ALL.iter().find(is_called).ok_or(Error::NotFound)?;
    let buyer = person.id.clone();
    let bill = app.db.read(move |conn| Bill::own(conn, &id, &buyer, kind)).await?;
    let name = format!("{}-{}.pdf", kind.slug(), bill.invoice.number());
    let bytes = tokio::task::spawn_blocking(move || pdf(&bill)).await??;
    Ok(saved(ContentType::PDF, bytes, name))
}
