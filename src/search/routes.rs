//! The search page.

use rocket::http::uri::Origin;
use rocket::{Route, State, get, routes};

use super::page::SearchPage;
use super::query::{Field, MOST_PAGES, Query, ROWS};
use super::results::Results;
use crate::App;
use crate::ads::{Place, Slot, named};
use crate::catalogue::favourite;
use crate::error::Result;
use crate::sales::table;
use crate::web::{Page, Reply};

/// The addresses of this room.
pub fn all() -> Vec<Route> {
    routes![index]
}

#[get("/")]
async fn index(page: Page, slot: Slot, uri: &Origin<'_>, app: &State<App>) -> Result<Reply> {
    if let Some(pane) = page.in_window() {
        return slot.fill(page, Place::Search, &pane.about).show_pane(pane);
    }
    let mut query = Query::parse(&uri.query().map(|query| query.to_string()).unwrap_or_default());
    // Which tiers there are is in the rows; who asks for one is told before the search.
    let mut names = None;
    if !query.chosen(Field::Tier).is_empty() {
        let known = app.db.read(table::names).await?;
        query.keep_tiers(|slug| known.contains_key(slug));
        names = Some(known);
    }
    let mut found = app.index.page(&query).await?;
    let last = found.total.div_ceil(ROWS as u64).clamp(1, MOST_PAGES);
    if query.page > last {
        query.stay_within(last);
        found = app.index.page(&query).await?;
    }
    let (ids, me) = (found.ids.clone(), page.visitor.as_ref().map(|visitor| visitor.id.clone()));
    let read = app.db.read(move |conn| {
        let names = match names {
            Some(names) => names,
            None => table::names(conn)?,
        };
        Ok((favourite::rows(conn, &ids, me.as_ref())?, names))
    });
    let (rows, tiers) = read.await?;
    let building = app.index.is_building();
    let page = slot.fill(page, Place::Search, &named::of_query(&query));
    page.show_all(&SearchPage::of(Results { query: &query, found: &found, rows, tiers, last, building }))
}
