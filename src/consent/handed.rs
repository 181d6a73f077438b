//! A receipt on its way to the page that shows it, where the browser keeps nothing that names it: nobody who says no carries
//! an id, not for a minute either.
//!
//! It waits in this process alone, under a hash of what the browser's forms are bound to, for the next page and at most a
//! minute: no row, no line of a log, no cookie, no address. Where several processes serve one shop, another of them knows
//! nothing of it; then the line on the next page says how to get one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::clock::{MINUTE, Timestamp};
use crate::ids::ReceiptId;

/// How long a receipt waits for its page: as long as the line that announces it.
pub const LASTS_MS: i64 = MINUTE;
/// The most that wait at once; beyond that the oldest is forgotten.
const MOST: usize = 50_000;

/// Receipts that wait.
#[derive(Default)]
pub struct Handed(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// By the browser, with the moment at which each is forgotten.
    receipts: HashMap<String, (Timestamp, ReceiptId)>,
    /// The same moments in the order they come.
    order: VecDeque<(Timestamp, String)>,
}

impl Waiting {
    fn forget(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(until, _)| now >= *until) || self.order.len() >= MOST {
            let Some((until, browser)) = self.order.pop_front() else { break };
            // The browser may have chosen again since.
            if self.receipts.get(&browser).is_some_and(|(last, _)| *last == until) {
                self.receipts.remove(&browser);
            }
        }
    }
}

impl Handed {
    /// Leaves a receipt for the next page of the browser whose forms are known by `browser`, in place of an earlier one.
    pub fn leave(&self, browser: &str, receipt: ReceiptId, now: Timestamp) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.forget(now);
        let until = now.plus(LASTS_MS);
        waiting.receipts.insert(browser.to_owned(), (until, receipt));
        waiting.order.push_back((until, browser.to_owned()));
    }

    /// The receipt that waits for this browser.
    pub fn waiting(&self, browser: &str, now: Timestamp) -> Option<ReceiptId> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, receipt) = waiting.receipts.get(browser)?;
        (now < *until).then(|| receipt.clone())
    }

    /// Forgets it: its page was made.
    pub fn take(&self, browser: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).receipts.remove(browser);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R-RC-6: a receipt waits for one browser, one page and one minute.
    #[test]
    fn a_receipt_waits_for_one_page_of_one_browser() {
        let (handed, now) = (Handed::default(), Timestamp::from_secs(1_800_000_000));
        let id = |n: usize| ReceiptId::of((n as u128).to_be_bytes());
        assert_eq!(handed.waiting("a", now), None);
        handed.leave("a", id(1), now);
        assert_eq!((handed.waiting("a", now), handed.waiting("b", now)), (Some(id(1)), None));
        assert_eq!(handed.waiting("a", now.plus(LASTS_MS - 1)), Some(id(1)));
        assert_eq!(handed.waiting("a", now.plus(LASTS_MS)), None);
        // Chosen again: the newest counts, and outlasts the first.
        handed.leave("a", id(2), now.plus(1000));
        handed.leave("b", id(3), now.plus(LASTS_MS));
        assert_eq!(handed.waiting("a", now.plus(LASTS_MS)), Some(id(2)));
        handed.take("a");
        assert_eq!(handed.waiting("a", now.plus(LASTS_MS)), None);
        for n in 0..MOST {
            handed.leave(&format!("n{n}"), id(n), now.plus(LASTS_MS));
        }
        assert_eq!(handed.waiting("b", now.plus(LASTS_MS)), None, "the oldest is forgotten");
        let waiting = handed.0.lock().unwrap();
        assert!(waiting.order.len() <= MOST && waiting.receipts.len() == waiting.order.len());
    }
}
