//! The framework's vendor list as the shop has it: one, in memory. It comes from a file of the operator's, from an
//! address that the server asks, or from both; the newest that could be read counts, for what pages tell vendors' scripts
//! and for what is handed out. No page asks the database for it, no browser ever asks its publisher, and what is no list
//! takes no list's place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use diesel::prelude::*;

use super::tcf::list::{Headers, Keeping, Need, VendorList};
use crate::App;
use crate::clock::{SECOND, Timestamp};
use crate::consent::disclosure::Line;
use crate::consent::recipient::Use;
use crate::db::schema::vendor_lists;
use crate::db::{Conn, Db};
use crate::each_db;
use crate::egress::{Answered, Fetched};
use crate::error::{Error, Result};

/// How often the file and the kept copy are looked at: another process may have fetched one.
const EVERY: Duration = Duration::from_secs(60);

/// A list that could be read.
#[derive(Clone, Debug)]
pub struct Held {
    pub list: VendorList,
    /// As it came: what is handed out.
    pub body: String,
    /// Until when its publisher's headers let it be kept; a file has none.
    pub fresh_until: Option<Timestamp>,
}

impl Held {
    /// Reads a list. The error says why it is none.
    pub fn read(body: String, fresh_until: Option<Timestamp>) -> Result<Held, String> {
        let list = VendorList::parse(&body).map_err(|fault| fault.to_string())?;
        Ok(Held { list, body, fresh_until })
    }

    /// Reads a file. The error says why it holds no list.
    pub fn of_file(path: &Path) -> Result<Held, String> {
        Held::read(std::fs::read_to_string(path).map_err(|error| error.to_string())?, None)
    }

    /// Seconds a browser may keep what is handed out at `now`.
    pub fn left_secs(&self, now: Timestamp) -> i64 {
        self.fresh_until.map_or(0, |until| until.since(now).max(0) / SECOND)
    }
}

/// The newest list of one process.
#[derive(Debug, Default)]
pub struct Newest {
    file: Option<PathBuf>,
    /// Where the server fetches it from, as rows name it.
    address: Option<String>,
    held: RwLock<Option<Arc<Held>>>,
    /// What was looked at last: when the file was changed, and when the copy was fetched.
    seen: RwLock<(Option<SystemTime>, Option<Timestamp>)>,
}

impl Newest {
    /// The list that these settings and the rows have now. Settings are only taken with a file that holds one.
    pub async fn open(db: &Db, file: Option<PathBuf>, address: Option<String>) -> Result<Arc<Newest>> {
        let newest = Arc::new(Newest { file, address, ..Newest::default() });
        newest.renew(db).await?;
        Ok(newest)
    }

    /// The newest list, where there is one yet.
    pub fn held(&self) -> Option<Arc<Held>> {
        self.held.read().ok()?.clone()
    }

    /// Takes a list unless a newer one is there.
    pub fn offer(&self, new: Held) {
        let Ok(mut held) = self.held.write() else { return };
        if held.as_ref().is_none_or(|old| old.list.version <= new.list.version) {
            *held = Some(Arc::new(new));
        }
    }

    fn seen(&self) -> (Option<SystemTime>, Option<Timestamp>) {
        self.seen.read().map(|seen| *seen).unwrap_or_default()
    }

    /// Looks whether the file or the kept copy has changed, and takes what is newer. What cannot be read is said once and
    /// passed over.
    pub async fn renew(self: &Arc<Newest>, db: &Db) -> Result<()> {
        let newest = Arc::clone(self);
        tokio::task::spawn_blocking(move || newest.look_at_file()).await?;
        let Some(address) = self.address.clone() else { return Ok(()) };
        let known = self.seen().1;
        let copy = db.read(move |conn| Copy::newer(conn, &address, known)).await?;
        let Some(copy) = copy else { return Ok(()) };
        if let Ok(mut seen) = self.seen.write() {
            seen.1 = Some(copy.fetched_at);
        }
        let (version, fresh_until) = (copy.version, copy.fresh_until);
        match Held::read(copy.body, Some(fresh_until)) {
            Ok(held) => self.offer(held),
            Err(fault) => tracing::warn!(version, fault, "the kept vendor list cannot be read"),
        }
        Ok(())
    }

    fn look_at_file(&self) {
        let Some(path) = &self.file else { return };
        let changed = std::fs::metadata(path).and_then(|file| file.modified()).ok();
        if changed.is_none() || changed == self.seen().0 {
            return;
        }
        if let Ok(mut seen) = self.seen.write() {
            seen.0 = changed;
        }
        match Held::of_file(path) {
            Ok(held) => self.offer(held),
            Err(fault) => {
                tracing::warn!(file = %path.display(), fault, "the file holds no vendor list; the one before stays");
            }
        }
    }
}

/// Renews the list until the site is shut down.
pub(in crate::consent) async fn keep(app: App, mut shutdown: rocket::Shutdown) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = &mut shutdown => return,
        }
        if let Err(error) = app.vendor_list.renew(&app.db).await {
            tracing::warn!(%error, "the vendor list could not be looked at");
        }
    }
}

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

    /// The same, unless it is the one that was fetched then: a list has megabytes.
    fn newer(conn: &mut Conn, address: &str, known: Option<Timestamp>) -> Result<Option<Copy>> {
        let row = vendor_lists::table.find(address);
        let fetched: Option<Timestamp> = row.select(vendor_lists::fetched_at).first(conn).optional()?;
        if fetched == known { Ok(None) } else { Copy::of(conn, address) }
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
/// not come, leave the copy as it is; so does a list that is older than it.
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
        (Fetched::Whole(body, answer), copy, _) => {
            let list = VendorList::parse(&body).map_err(|fault| Error::refused(fault.to_string()))?;
            if let Some(copy) = copy.filter(|copy| copy.version > i32::from(list.version)) {
                let (is, was) = (list.version, copy.version);
                return Err(Error::refused(format!("the vendor list went back from version {was} to {is}")));
            }
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
    app.db.write(move |conn| fresh.keep(conn)).await?;
    app.vendor_list.renew(&app.db).await
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

#[cfg(test)]
mod tests {
    use super::*;

    fn held(version: u16) -> Held {
        let body = serde_json::json!({
            "gvlSpecificationVersion": 3, "vendorListVersion": version, "tcfPolicyVersion": 5,
            "lastUpdated": "2026-11-19T16:00:00Z", "purposes": {}, "vendors": {},
        });
        Held::read(body.to_string(), None).unwrap()
    }

    /// R-TC-5: an older list never takes a newer one's place; the same one again does, as it may be kept longer.
    #[test]
    fn the_newest_list_counts() {
        let newest = Newest::default();
        assert!(newest.held().is_none());
        for (offered, holds) in [(9, 9), (8, 9), (9, 9), (10, 10)] {
            newest.offer(held(offered));
            assert_eq!(newest.held().unwrap().list.version, holds, "{offered}");
        }
        let longer = Held { fresh_until: Some(Timestamp(5000)), ..held(10) };
        newest.offer(longer);
        assert_eq!(newest.held().unwrap().left_secs(Timestamp(2000)), 3);
        assert_eq!(newest.held().unwrap().left_secs(Timestamp(9000)), 0);
        assert!(Held::read("<html>".into(), None).is_err());
    }
}
