//! The framework's vendor list as the shop keeps it: fetched by the server from an address that the operator set, used
//! for as long as its headers say, and handed out by us. No browser ever asks its publisher.

use diesel::prelude::*;

use super::disclosure::Line;
use super::recipient::Use;
use super::tcf::list::{Headers, Keeping, Need, VendorList};
use crate::App;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::vendor_lists;
use crate::each_db;
use crate::egress::{Answered, Fetched};
use crate::error::{Error, Result};

/// A copy of the list.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = vendor_lists, treat_none_as_null = true)]
pub struct Copy {
    address: String,
    pub version: i32,
    /// As it came.
    pub body: String,
    pub fetched_at: Timestamp,
    fresh_until: Timestamp,
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Copy {
    /// The copy of what lies at an address, if there is one.
    pub fn of(conn: &mut Conn, address: &str) -> Result<Option<Copy>> {
        Ok(vendor_lists::table.find(address).select(Copy::as_select()).first(conn).optional()?)
    }

    /// How long it may be used.
    pub fn keeping(&self) -> Keeping {
        Keeping {
            fresh_until: self.fresh_until,
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
        }
    }

    /// Keeps it in place of the one before.
    fn keep(&self, conn: &mut Conn) -> Result<()> {
        each_db!(conn, |c| diesel::insert_into(vendor_lists::table)
            .values(self)
            .on_conflict(vendor_lists::address)
            .do_update()
            .set(self)
            .execute(c))?;
        Ok(())
    }
}

/// What is to be done about the list at an address now.
pub fn need(conn: &mut Conn, address: &str, now: Timestamp) -> Result<Need> {
    let copy = Copy::of(conn, address)?;
    Ok(Keeping::need(copy.map(|copy| copy.keeping()).as_ref(), now))
}

/// Asks the publisher for the list, or whether our copy still is the newest. What is no list, and an answer that does
/// not come, leave the copy as it is.
pub async fn fetch(app: &App, now: Timestamp) -> Result<()> {
    let Some(file) = &app.config.vendor_list else { return Ok(()) };
    let address = file.as_str().to_owned();
    let wanted = address.clone();
    let copy = app.db.read(move |conn| Copy::of(conn, &wanted)).await?;
    let keeping = copy.as_ref().map(Copy::keeping);
    if Keeping::need(keeping.as_ref(), now) == Need::Nothing {
        return Ok(());
    }
    let (etag, modified) =
        keeping.as_ref().map_or((None, None), |kept| (kept.etag.as_deref(), kept.last_modified.as_deref()));
    let line = app.services.of(Use::VendorList).map(Line::of_service);
    let fetched = app.egress.fetch(file, etag, modified, line).await?;
    let fresh = match (fetched, copy, keeping) {
        (Fetched::Unchanged(answer), Some(copy), Some(keeping)) => {
            Copy { fetched_at: now, ..copy }.kept_as(keeping.renewed(&headers(&answer), now))
        }
        (Fetched::Unchanged(_), ..) => {
            return Err(Error::refused("the vendor list is said to be unchanged, and there is none"));
        }
        (Fetched::Whole(body, answer), ..) => {
            let list = VendorList::parse(&body).map_err(|fault| Error::refused(fault.to_string()))?;
            let new = Copy {
                address,
                version: i32::from(list.version),
                body,
                fetched_at: now,
                fresh_until: now,
                etag: None,
                last_modified: None,
            };
            new.kept_as(Keeping::of(&headers(&answer), now))
        }
    };
    app.db.write(move |conn| fresh.keep(conn)).await
}

impl Copy {
    fn kept_as(self, keeping: Keeping) -> Copy {
        Copy {
            fresh_until: keeping.fresh_until,
            etag: keeping.etag,
            last_modified: keeping.last_modified,
            ..self
        }
    }
}

fn headers(answer: &Answered) -> Headers<'_> {
    Headers {
        cache_control: answer.says("cache-control"),
        expires: answer.says("expires"),
        date: answer.says("date"),
        age: answer.says("age"),
        etag: answer.says("etag"),
        last_modified: answer.says("last-modified"),
    }
}
