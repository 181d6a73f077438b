//! The bytes that rows name. Whatever keeps a storage key in a column is listed here, once, for those who prove that
//! the bytes are there, those who collect what nobody names, and those who carry everything away.

use std::collections::HashSet;

use diesel::prelude::*;

use crate::db::schema::{deliveries, recordings, uploads, users};
use crate::db::{Conn, Db};
use crate::error::Result;
use crate::ids::UploadId;
use crate::studio::upload::State;

/// The columns that hold storage keys.
pub const COLUMNS: [&str; 8] = [
    "uploads.master_key",
    "recordings.peaks_key",
    "recordings.artwork_key",
    "recordings.preview_key",
    "recordings.sample_key",
    "recordings.fingerprint_key",
    "users.picture",
    "deliveries.storage_key",
];

/// Rows read at once.
const PAGE: i64 = 500;

/// Bytes that a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub key: String,
    /// Whose they are, for people: `preview of upload 0192…`.
    pub whose: String,
    /// How many bytes the row says there are.
    pub bytes: Option<i64>,
    /// What the row says their SHA-256 is.
    pub sha256: Option<String>,
}

impl Named {
    fn new(key: String, whose: String) -> Named {
        Named { key, whose, bytes: None, sha256: None }
    }

    fn of(self, bytes: i64, sha256: Option<String>) -> Named {
        Named { bytes: Some(bytes), sha256, ..self }
    }

    /// The beginning of their hash, where the name says it: `preview-0123456789abcdef.mp3`.
    pub fn hash_in_name(&self) -> Option<&str> {
        let name = self.key.strip_prefix("derived/")?.rsplit('/').next()?;
        let hash = name.rsplit('-').next()?.split('.').next()?;
        (hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit())).then_some(hash)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shelf {
    Masters,
    Recordings,
    Pictures,
    Deliveries,
}

impl Shelf {
    fn next(self) -> Option<Shelf> {
        match self {
            Shelf::Masters => Some(Shelf::Recordings),
            Shelf::Recordings => Some(Shelf::Pictures),
            Shelf::Pictures => Some(Shelf::Deliveries),
            Shelf::Deliveries => None,
        }
    }
}

/// A walk through everything that rows name, a page of rows at a time.
pub struct Walk {
    shelf: Option<Shelf>,
    after: (String, String),
}

impl Walk {
    /// A walk from the beginning.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Walk {
        Walk { shelf: Some(Shelf::Masters), after: Default::default() }
    }

    /// The next page; none at the end. A page may be empty without being the last.
    pub fn page(&mut self, conn: &mut Conn) -> Result<Option<Vec<Named>>> {
        let Some(shelf) = self.shelf else { return Ok(None) };
        let (page, last) = match shelf {
            Shelf::Masters => masters(conn, &self.after.0)?,
            Shelf::Recordings => made(conn, &self.after.0)?,
            Shelf::Pictures => pictures(conn, &self.after.0)?,
            Shelf::Deliveries => delivered(conn, &self.after)?,
        };
        match last {
            Some(last) => self.after = last,
            None => (self.shelf, self.after) = (shelf.next(), Default::default()),
        }
        Ok(Some(page))
    }

    /// The same from outside a transaction, each page in one of its own.
    pub async fn next(&mut self, db: &Db) -> Result<Option<Vec<Named>>> {
        let mut walk = Walk { shelf: self.shelf, after: std::mem::take(&mut self.after) };
        let (walk, page) = db
            .read(move |conn| {
                let page = walk.page(conn)?;
                Ok((walk, page))
            })
            .await?;
        *self = walk;
        Ok(page)
    }
}

type Page = (Vec<Named>, Option<(String, String)>);

fn masters(conn: &mut Conn, after: &str) -> Result<Page> {
    let rows: Vec<(String, String, i64, String)> = uploads::table
        .filter(uploads::id.gt(after))
        .order(uploads::id)
        .limit(PAGE)
        .select((uploads::id, uploads::master_key, uploads::bytes, uploads::file_sha256))
        .load(conn)?;
    let last = rows.last().map(|(id, ..)| (id.clone(), String::new()));
    let named = |(id, key, bytes, sha256): (String, String, i64, String)| {
        Named::new(key, format!("master of upload {id}")).of(bytes, Some(sha256))
    };
    Ok((rows.into_iter().map(named).collect(), last))
}

type Made = (String, (String, String), (String, i64), (String, i64), Option<String>);

fn made(conn: &mut Conn, after: &str) -> Result<Page> {
    use recordings as r;
    let rows: Vec<Made> = r::table
        .filter(r::upload_id.gt(after))
        .order(r::upload_id)
        .limit(PAGE)
        .select((
            r::upload_id,
            (r::peaks_key, r::artwork_key),
            (r::preview_key, r::preview_bytes),
            (r::sample_key, r::sample_bytes),
            r::fingerprint_key,
        ))
        .load(conn)?;
    let last = rows.last().map(|(id, ..)| (id.clone(), String::new()));
    let mut page = vec![];
    for (id, (peaks, artwork), (preview, preview_bytes), (sample, sample_bytes), print) in rows {
        page.push(Named::new(peaks, format!("peaks of upload {id}")));
        page.push(Named::new(artwork, format!("artwork of upload {id}")));
        page.push(Named::new(preview, format!("preview of upload {id}")).of(preview_bytes, None));
        page.push(Named::new(sample, format!("sample of upload {id}")).of(sample_bytes, None));
        page.extend(print.map(|key| Named::new(key, format!("fingerprint of upload {id}"))));
    }
    Ok((page, last))
}

fn pictures(conn: &mut Conn, after: &str) -> Result<Page> {
    let rows: Vec<(String, Option<String>)> = users::table
        .filter(users::id.gt(after).and(users::picture.is_not_null()))
        .order(users::id)
        .limit(PAGE)
        .select((users::id, users::picture))
        .load(conn)?;
    let last = rows.last().map(|(id, _)| (id.clone(), String::new()));
    let named =
        |(id, key): (String, Option<String>)| Some(Named::new(key?, format!("picture of account {id}")));
    Ok((rows.into_iter().filter_map(named).collect(), last))
}

fn delivered(conn: &mut Conn, after: &(String, String)) -> Result<Page> {
    use deliveries as d;
    let (licence, kind) = after;
    let rows: Vec<((String, String), String, i64, String)> = d::table
        .filter(d::licence_id.gt(licence).or(d::licence_id.eq(licence).and(d::kind.gt(kind))))
        .order((d::licence_id, d::kind))
        .limit(PAGE)
        .select(((d::licence_id, d::kind), d::storage_key, d::bytes, d::sha256))
        .load(conn)?;
    let last = rows.last().map(|(key, ..)| key.clone());
    let named = |((licence, kind), key, bytes, sha256): ((String, String), String, i64, String)| {
        Named::new(key, format!("{kind} for licence {licence}")).of(bytes, Some(sha256))
    };
    Ok((rows.into_iter().map(named).collect(), last))
}

/// Which of these keys rows name at this moment.
pub fn named_now(conn: &mut Conn, keys: &[String]) -> Result<HashSet<String>> {
    use recordings as r;
    let mut all: HashSet<String> = HashSet::new();
    macro_rules! look {
        ($table:path, $column:path) => {
            all.extend(<$table>::default().filter($column.eq_any(keys)).select($column).load::<String>(conn)?)
        };
    }
    look!(uploads::table, uploads::master_key);
    look!(r::table, r::peaks_key);
    look!(r::table, r::artwork_key);
    look!(r::table, r::preview_key);
    look!(r::table, r::sample_key);
    look!(deliveries::table, deliveries::storage_key);
    let optional = [
        r::table.filter(r::fingerprint_key.eq_any(keys)).select(r::fingerprint_key).load(conn)?,
        users::table
            .filter(users::picture.eq_any(keys))
            .select(users::picture)
            .load::<Option<String>>(conn)?,
    ];
    all.extend(optional.into_iter().flatten().flatten());
    Ok(all)
}

/// Which of these keys belong to an upload that may still be examined: what was made for it by a process that was
/// killed is used by the next one.
pub fn in_the_making(conn: &mut Conn, keys: &[String]) -> Result<HashSet<String>> {
    let upload = |key: &String| UploadId::parse(key.strip_prefix("derived/")?.split('/').next()?);
    let ids: Vec<UploadId> = keys.iter().filter_map(upload).collect();
    let open: HashSet<UploadId> = uploads::table
        .filter(uploads::id.eq_any(ids))
        .filter(uploads::state.eq_any([State::Received, State::Processing, State::Failed]))
        .select(uploads::id)
        .load(conn)?
        .into_iter()
        .collect();
    Ok(keys.iter().filter(|key| upload(key).is_some_and(|id| open.contains(&id))).cloned().collect())
}
