//! Pages that appeal to children: a reviewer's mark. On such a page no vendor is contacted, whoever looks and whatever
//! they said, and nobody is asked.
//!
//! The marks are in memory, a second old at most, so that no page asks the database for them.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use diesel::prelude::*;

use crate::App;
use crate::clock::Timestamp;
use crate::db::schema::child_pages;
use crate::db::{Conn, Db};
use crate::error::Result;
use crate::ids::UserId;

/// How often the marks are read anew.
const EVERY: Duration = Duration::from_secs(1);

/// The pages that are marked, for one process.
#[derive(Default)]
pub struct ChildPages(RwLock<Arc<HashSet<String>>>);

impl ChildPages {
    /// With what the rows say.
    pub async fn open(db: &Db) -> Result<ChildPages> {
        let pages = ChildPages::default();
        pages.renew(db).await?;
        Ok(pages)
    }

    /// Whether this path is a marked page or something below one, such as its sound. However many slashes stand between its
    /// parts, it leads to the same page.
    pub fn cover(&self, path: &str) -> bool {
        let marked = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if marked.is_empty() {
            return false;
        }
        let mut so_far = String::with_capacity(path.len());
        path.split('/').filter(|part| !part.is_empty()).any(|part| {
            so_far.push('/');
            so_far.push_str(part);
            marked.contains(&so_far)
        })
    }

    /// Reads the marks anew: after a change, and every second.
    pub async fn renew(&self, db: &Db) -> Result<()> {
        let marked = Arc::new(db.read(all).await?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = marked;
        Ok(())
    }
}

/// Marks a page, or takes the mark back; who did stays written. What is so already gets no second row.
pub fn mark(conn: &mut Conn, path: &str, marked: bool, by: &UserId, now: Timestamp) -> Result<()> {
    if is_marked(conn, path)? == marked {
        return Ok(());
    }
    diesel::insert_into(child_pages::table)
        .values((
            child_pages::path.eq(path),
            child_pages::marked.eq(marked),
            child_pages::by_user.eq(by),
            child_pages::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether a page is marked.
pub fn is_marked(conn: &mut Conn, path: &str) -> Result<bool> {
    let newest: Option<bool> = child_pages::table
        .filter(child_pages::path.eq(path))
        .order(child_pages::id.desc())
        .select(child_pages::marked)
        .first(conn)
        .optional()?;
    Ok(newest.unwrap_or(false))
}

/// The pages that are marked.
fn all(conn: &mut Conn) -> Result<HashSet<String>> {
    let rows: Vec<(String, bool)> = child_pages::table
        .order(child_pages::id)
        .select((child_pages::path, child_pages::marked))
        .load(conn)?;
    let mut marked = HashSet::new();
    for (path, is_marked) in rows {
        if is_marked {
            marked.insert(path);
        } else {
            marked.remove(&path);
        }
    }
    Ok(marked)
}

/// Reads the marks anew until the site is shut down.
pub(super) async fn keep(app: App, mut shutdown: rocket::Shutdown) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = &mut shutdown => return,
        }
        if let Err(error) = app.child_pages.renew(&app.db).await {
            tracing::warn!(%error, "the pages that appeal to children could not be read");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_covers_the_page_and_what_is_below_it() {
        let pages = ChildPages(RwLock::new(Arc::new(HashSet::from(["/tracks/lullaby".to_owned()]))));
        for (path, is) in [
            ("/tracks/lullaby", true),
            ("/tracks/lullaby/sample.mp3", true),
            ("/tracks//lullaby", true),
            ("//tracks/lullaby/", true),
            ("/tracks/lullaby-2", false),
            ("/tracks", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(pages.cover(path), is, "{path}");
        }
    }
}
