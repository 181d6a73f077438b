//! A turn at the age screen: the form carries a sealed token of this browser's, and each browser answers once.
//!
//! The answer itself is the browser's to keep (`al`). What is remembered here is for the moments in which that cookie does
//! not help: two tabs that are sent at once, a form that is sent again because the first answer never arrived, a request
//! made by hand without the cookie. It is in this process alone, under a hash of what the browser's forms are bound to, for
//! as long as a token lasts: no row, no line of a log, no address. Where several processes serve one shop, another of them
//! knows nothing of it, and the cookie is all there is.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::seal;
use crate::clock::{HOUR, Timestamp};

/// How long a form of the screen can be sent. Whoever took longer gets the form again, with what they wrote.
pub const LASTS_MS: i64 = 2 * HOUR;
/// The most browsers remembered at once; beyond that the oldest is forgotten.
const MOST: usize = 50_000;

const BOUND_TO: &str = "cuehouse age screen";

/// The token for one form, for the browser whose forms are known by `browser`.
pub fn token(key: &[u8; 32], browser: &str, now: Timestamp) -> String {
    seal::close_line(key, BOUND_TO, &format!("{} {browser}", now.secs()))
}

/// Whether a token is one that this browser was given lately.
pub fn fits(key: &[u8; 32], token: &str, browser: &str, now: Timestamp) -> bool {
    let said = seal::open_line(key, BOUND_TO, token);
    said.as_deref().and_then(|line| line.split_once(' ')).is_some_and(|(at, whose)| {
        let age = at.parse().map(|secs| now.since(Timestamp::from_secs(secs)));
        whose == browser && age.is_ok_and(|age| (-1000..LASTS_MS).contains(&age))
    })
}

/// Who answered lately.
#[derive(Default)]
pub struct Turns(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    words: HashMap<String, String>,
    /// In the order they came, with the moment at which each is forgotten.
    order: VecDeque<(Timestamp, String)>,
}

impl Turns {
    /// Takes this browser's turn with the word its cookie will hold. The error is the word of the one who was first.
    pub fn take(&self, browser: &str, word: &str, now: Timestamp) -> Result<(), String> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.forget(now, MOST);
        if let Some(first) = taken.words.get(browser) {
            return Err(first.clone());
        }
        taken.words.insert(browser.to_owned(), word.to_owned());
        taken.order.push_back((now.plus(LASTS_MS), browser.to_owned()));
        Ok(())
    }

    /// The word that this browser was given, while it is remembered.
    pub fn word(&self, browser: &str, now: Timestamp) -> Option<String> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.forget(now, usize::MAX);
        taken.words.get(browser).cloned()
    }
}

impl Taken {
    /// Forgets whose time is over, and the oldest until fewer than so many are left.
    fn forget(&mut self, now: Timestamp, most: usize) {
        while self.order.front().is_some_and(|(until, _)| now >= *until) || self.order.len() >= most {
            let Some((_, gone)) = self.order.pop_front() else { break };
            self.words.remove(&gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-AGE-6, R-AG-3: a token is one browser's, lasts its time and cannot be made up.
    #[test]
    fn a_token_is_for_one_browser_and_one_while() {
        let (key, now) = ([7; 32], Timestamp::from_secs(1_800_000_000));
        let made = token(&key, "a", now);
        assert_ne!(made, token(&key, "a", now), "no two are alike");
        for (key, word, browser, after, fine) in [
            ([7; 32], made.as_str(), "a", 0, true),
            ([7; 32], made.as_str(), "a", LASTS_MS - 1, true),
            ([7; 32], made.as_str(), "a", LASTS_MS, false),
            ([7; 32], made.as_str(), "a", -HOUR, false),
            ([7; 32], made.as_str(), "b", 0, false),
            ([8; 32], made.as_str(), "a", 0, false),
            ([7; 32], "", "a", 0, false),
            ([7; 32], "1800000000 a", "a", 0, false),
        ] {
            assert_eq!(fits(&key, word, browser, now.plus(after)), fine, "{browser} {after} {word}");
        }
    }

    /// T-AGE-6, R-AG-3: whoever comes second is told what the first said, until both tokens have run out.
    #[test]
    fn a_browser_has_one_turn() {
        let (turns, now) = (Turns::default(), Timestamp::from_secs(1_800_000_000));
        assert_eq!(turns.take("a", "young", now), Ok(()));
        assert_eq!(turns.take("a", "grown", now.plus(LASTS_MS - 1)), Err("young".to_owned()));
        assert_eq!(turns.take("b", "grown", now), Ok(()));
        assert_eq!(turns.word("a", now.plus(LASTS_MS - 1)).as_deref(), Some("young"));
        assert_eq!(turns.word("c", now), None);
        assert_eq!(turns.word("a", now.plus(LASTS_MS)), None);
        assert_eq!(turns.take("a", "grown", now.plus(LASTS_MS)), Ok(()));
        for n in 0..MOST {
            assert_eq!(turns.take(&format!("n{n}"), "grown", now.plus(LASTS_MS)), Ok(()));
        }
        let taken = turns.0.lock().unwrap();
        assert!(taken.order.len() <= MOST && taken.words.len() == taken.order.len());
    }
}
