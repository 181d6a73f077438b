//! The shop window: pages that everyone sees alike, kept for a moment with the values they were rendered from.
//!
//! The promise: a page from the window is never older than what this process has written, never older than what its
//! index has followed, and never older than [`MOST_AGE`]. So what another process takes off sale is gone from it as soon
//! as from the search, and after a second at the latest. Only a page for nobody in particular comes from it or goes
//! into it: without a session and without a basket. What is sold, paid and fetched is read from the rows each time.

use std::collections::HashMap;
use std::iter::{once, repeat};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tera::Context;

/// How old a page from the window is at most.
pub const MOST_AGE: Duration = Duration::from_secs(1);
/// Pages in it; with all that they show, a few megabytes.
const MOST_PAGES: usize = 128;
/// Letters of an address that is worth it.
const MOST_LETTERS: usize = 300;

/// Whether a field of an address is a mark that another site put on its link to us: it asks for nothing.
pub fn is_mark(field: &str) -> bool {
    field.starts_with("utm_") || field.ends_with("clid")
}

/// Where a page stands in the window: at its address without marks, since each visitor who comes from an advertisement
/// has other ones. `query` has its question mark, or is empty.
///
/// Two addresses with the same place must ask for the same. So nothing is left out here that whoever reads the address does
/// not leave out as well: of `x%2clid` the name is `x,lid`, and of `??q` it is `?q`.
pub fn place(path: &str, query: &str) -> String {
    let asks = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && (name.contains('%') || !is_mark(name))
    };
    let mut place = path.to_owned();
    let pairs = query.strip_prefix('?').unwrap_or(query).split('&').filter(asks);
    for (pair, mark) in pairs.zip(once('?').chain(repeat('&'))) {
        place.push(mark);
        place.push_str(pair);
    }
    place
}

/// How things stood at a moment: another value as soon as this process has written anything, or its index followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub writes: u64,
    pub followed: u64,
}

/// The pages of the window, by their addresses.
#[derive(Default)]
pub struct Window {
    panes: Mutex<HashMap<String, Pane>>,
}

/// A page of it: its template and the values for it, without what is the visitor's.
#[derive(Clone)]
pub struct Pane {
    pub template: &'static str,
    pub values: Context,
    /// What it is about: what stands beside it is chosen for each visitor anew.
    pub about: Vec<String>,
    /// From before its rows were read.
    standing: Standing,
    since: Instant,
}

impl Pane {
    /// A page whose rows were read after this moment, when things stood so.
    pub fn new(template: &'static str, values: Context, standing: Standing, since: Instant) -> Pane {
        Pane { template, values, about: vec![], standing, since }
    }

    /// Says what it is about.
    pub fn about(self, about: &[String]) -> Pane {
        Pane { about: about.to_vec(), ..self }
    }

    fn is_fresh(&self, standing: Standing, now: Instant) -> bool {
        self.standing == standing && now.saturating_duration_since(self.since) < MOST_AGE
    }
}

impl Window {
    /// The page of an address, if it still holds.
    pub fn look(&self, address: &str, standing: Standing, now: Instant) -> Option<Pane> {
        let panes = self.panes.lock().unwrap_or_else(PoisonError::into_inner);
        panes.get(address).filter(|pane| pane.is_fresh(standing, now)).cloned()
    }

    /// Takes everything out, so that each page is made anew.
    pub fn clear(&self) {
        self.panes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Puts a page in.
    pub fn put(&self, address: &str, pane: Pane) {
        if address.len() > MOST_LETTERS {
            return;
        }
        let mut panes = self.panes.lock().unwrap_or_else(PoisonError::into_inner);
        if panes.len() >= MOST_PAGES {
            panes.retain(|_, old| old.is_fresh(pane.standing, pane.since));
        }
        if panes.len() >= MOST_PAGES {
            panes.clear();
        }
        panes.insert(address.to_owned(), pane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pane(standing: Standing, since: Instant) -> Pane {
        Pane::new("a", Context::new(), standing, since)
    }

    #[test]
    fn a_page_goes_with_the_first_write_the_first_step_of_the_index_and_its_second() {
        let (window, now) = (Window::default(), Instant::now());
        let stands = Standing { writes: 3, followed: 8 };
        window.put("/", pane(stands, now));
        assert!(window.look("/", stands, now + Duration::from_millis(999)).is_some());
        assert!(window.look("/other", stands, now).is_none());
        assert!(window.look("/", stands, now + MOST_AGE).is_none());
        assert!(window.look("/", Standing { writes: 4, ..stands }, now).is_none());
        assert!(window.look("/", Standing { followed: 9, ..stands }, now).is_none());
    }

    #[test]
    fn a_page_read_before_a_write_is_not_shown_after_it_however_late_it_came() {
        let (window, now) = (Window::default(), Instant::now());
        let (before, after) = (Standing { writes: 1, followed: 1 }, Standing { writes: 2, followed: 1 });
        window.put("/", pane(after, now));
        window.put("/", pane(before, now));
        assert!(window.look("/", after, now).is_none());
    }

    /// What is no mark to whoever reads the address is left out of no place, or everybody would be shown the page of whoever
    /// wrote it.
    #[test]
    fn a_link_with_marks_leads_to_the_same_page() {
        for (query, there) in [
            ("", "/search"),
            ("?", "/search"),
            ("?utm_source=a&utm_term=b&fbclid=c&gclid=", "/search"),
            ("?q=utm_x&utm_source=a&mood=calm&msclkid=d", "/search?q=utm_x&mood=calm&msclkid=d"),
            ("?page=2&q=gclid", "/search?page=2&q=gclid"),
            ("?x%2clid=1&utm_source=a", "/search?x%2clid=1"),
            ("??q=rain", "/search??q=rain"),
        ] {
            assert_eq!(place("/search", query), there);
        }
    }

    #[test]
    fn there_are_never_more_pages_than_it_holds() {
        let (window, now) = (Window::default(), Instant::now());
        for n in 0..MOST_PAGES * 3 {
            window.put(&n.to_string(), pane(Standing::default(), now));
            assert!(window.panes.lock().unwrap().len() <= MOST_PAGES);
        }
        window.put(&"x".repeat(301), pane(Standing::default(), now));
        assert!(window.look(&"x".repeat(301), Standing::default(), now).is_none());
    }
}
