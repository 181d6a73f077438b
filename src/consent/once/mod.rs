//! Once: what a vendor would show in a page is loaded by a press of a button, for one answer, and nothing is granted.
//!
//! The press writes its receipt and gives the browser a sealed word for the page it was pressed on. The next answer for
//! exactly that page takes the word; whatever page comes next takes the cookie away. A word that was taken is remembered
//! for as long as a copy of its cookie could be used, in this process alone: where several processes serve one shop, and
//! after a start, a copy made within that minute could be used once more, by the same browser and for the same page.

pub mod routes;

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::clock::{MINUTE, Timestamp};
use crate::consent::decision::{Context, Decision, Reason, decide};
use crate::consent::purpose::Purpose;
use crate::consent::rulebook::AdsMode;
use crate::consent::seal;
use crate::consent::vendor::Vendor;
use crate::secrets;

/// How long after the press its page may be asked for.
pub const LASTS_MS: i64 = MINUTE;

/// The most words remembered at once. Beyond that nothing is loaded for a minute: better than to forget one.
const MOST: usize = 50_000;

const BOUND_TO: &str = "cuehouse load once";

/// A vendor that a press may stand in for, and why it is off without one.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub vendor: &'static Vendor,
    pub reason: Reason,
}

impl Offer {
    /// The vendor whose advertisement would stand in the slot of a page, were it not for what the visitor, or their browser,
    /// said or did not say (rows 6 to 11 of the decision). None where a press changes nothing: for the young, for members
    /// without advertisements, where vendors show nothing, and where one may already.
    pub fn new(context: &Context<'_>, decided: &Decision) -> Option<Offer> {
        let book = context.book;
        (book.ads == AdsMode::Vendor && decided.framed(book).is_none()).then_some(())?;
        book.enabled.iter().find_map(|e| {
            let (vendor, reason) = (&book.registry.vendors[e.at], decided.reasons[e.at]);
            let is_fit = !vendor.is_in_page() && vendor.purposes.contains(&Purpose::Ads);
            (is_fit && is_the_visitors(reason)).then_some(())?;
            // Neighbours behind the same hosts may stand against it, or come along: then it is not offered.
            let then = decide(&Context { load_once: Some(&vendor.id), ..context.clone() });
            let (framed, _) = then.framed(book)?;
            let is_alone = then.allowed(book).count() == decided.allowed(book).count() + 1;
            (framed.id == vendor.id && is_alone).then_some(Offer { vendor, reason })
        })
    }

    /// What is said where the advertisement would stand: that it stays off and why, and what a press does. Kept as the
    /// notice of the receipt, with the words on the button.
    pub fn told(&self) -> Told {
        let (name, why) = (&self.vendor.name, self.reason.words());
        let keeps = match self.vendor.cookies.iter().any(|cookie| !cookie.old) {
            true => ", and lets it keep cookies of its own",
            false => "",
        };
        Told {
            why: format!(
                "The advertisement by {name} stays {}",
                why.strip_prefix("Off").map_or_else(|| "off.".to_owned(), |rest| format!("off{rest}"))
            ),
            what: format!(
                "Loading it tells {name} that you are here, this once{keeps}. Your choices stay as they are."
            ),
            button: BUTTON,
        }
    }
}

/// The words on the button.
const BUTTON: &str = "Load it here once";

/// The words of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub why: String,
    pub what: String,
    pub button: &'static str,
}

impl Told {
    /// All of it, line by line as it is shown.
    pub fn text(&self) -> String {
        [self.why.as_str(), &self.what, self.button].join("\n")
    }
}

/// What the visitor or their browser decided, or has not: a press of theirs can stand in for it.
fn is_the_visitors(reason: Reason) -> bool {
    match reason {
        Reason::Signal
        | Reason::OptedOut
        | Reason::Refused
        | Reason::Expired
        | Reason::ItemChanged
        | Reason::NoGrant => true,
        Reason::NotEnabled
        | Reason::Retired
        | Reason::Held
        | Reason::ForChildren
        | Reason::AgeLocked
        | Reason::AgeBand
        | Reason::AgeUnknown
        | Reason::AdsRemoved
        | Reason::Granted
        | Reason::LoadOnce
        | Reason::OptOutProfile => false,
    }
}

/// What a press means for one request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Once {
    /// Whom a press may stand in for.
    pub offer: Option<Offer>,
    /// Who may be contacted in this answer alone, because of one.
    pub loaded: Option<&'static Vendor>,
    /// Whether the word of a press came along: it is taken away, used or not.
    pub came: bool,
}

impl Once {
    /// Whether a vendor may be contacted because of a press alone.
    pub fn is_of(&self, vendor: &Vendor) -> bool {
        self.loaded.is_some_and(|loaded| loaded.id == vendor.id)
    }
}

/// The word of one press: for one vendor, one page and one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    pub vendor: String,
    /// The address of the page with its query.
    pub page: String,
    /// What tells the browser from others (`Page::browser`).
    pub browser: String,
    /// The same for a button that was pressed twice: it has one receipt and opens one answer.
    pub word: String,
}

impl Pass {
    /// As a browser keeps it; of one length, however long the address of the page is.
    pub fn seal(&self, key: &[u8; 32], now: Timestamp) -> String {
        let Pass { vendor, page, browser, word } = self;
        let line = [now.secs().to_string().as_str(), vendor, word, browser, &secrets::sha256(page)].join(" ");
        seal::close_line(key, BOUND_TO, &line)
    }

    /// The vendor and the word of a cookie, if it is for this page and browser and not too old.
    pub fn open(
        key: &[u8; 32],
        sealed: &str,
        page: &str,
        browser: &str,
        now: Timestamp,
    ) -> Option<(String, String)> {
        let line = seal::open_line(key, BOUND_TO, sealed)?;
        let [at, vendor, word, whose, which] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        // Dated to the second.
        let age = now.since(Timestamp::from_secs(at.parse().ok()?));
        let fits = whose == browser && which == secrets::sha256(page) && (0..LASTS_MS).contains(&age);
        fits.then(|| (vendor.to_owned(), word.to_owned()))
    }
}

/// Words that were taken.
#[derive(Default)]
pub struct Used(Mutex<Words>);

#[derive(Default)]
struct Words {
    all: HashSet<String>,
    /// In the order they came, with the moment at which each is forgotten.
    order: VecDeque<(Timestamp, String)>,
}

impl Used {
    /// Takes a word. False where it was taken before, and where there are too many to remember another.
    pub fn take(&self, word: &str, now: Timestamp) -> bool {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while words.order.front().is_some_and(|(until, _)| now >= *until) {
            let Some((_, gone)) = words.order.pop_front() else { break };
            words.all.remove(&gone);
        }
        if words.all.len() >= MOST || !words.all.insert(word.to_owned()) {
            return false;
        }
        words.order.push_back((now.plus(LASTS_MS), word.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::consent::age::Band;
    use crate::consent::decision::tests::any_case;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        /// R-CN-7, R-EN-2, T-PROP-1: whatever is known of a visitor, a press is offered only where what they said or did not
        /// say stands against the vendor; then it adds that vendor and nobody else. Nobody young is ever offered one.
        #[test]
        fn a_press_adds_one_vendor_and_only_where_it_may(mut case in any_case()) {
            case.load_once = None;
            let is_young = case.age_locked || matches!(case.band, Some(Band::Child | Band::Minor));
            let book = case.book();
            let context = case.context(&book);
            let decided = decide(&context);
            let ids = |decision: &Decision| -> Vec<String> {
                decision.allowed(&book).map(|(vendor, _)| vendor.id.clone()).collect()
            };
            match Offer::new(&context, &decided) {
                Some(Offer { vendor, reason }) => {
                    prop_assert!(is_the_visitors(reason) && !decided.allows(&book, &vendor.id));
                    prop_assert!(!is_young && book.ads == AdsMode::Vendor);
                    let then = decide(&Context { load_once: Some(&vendor.id), ..context.clone() });
                    prop_assert_eq!(&then.framed(&book).unwrap().0.id, &vendor.id);
                    let mut both = ids(&decided);
                    both.push(vendor.id.clone());
                    both.sort();
                    let mut now = ids(&then);
                    now.sort();
                    prop_assert_eq!(now, both);
                    prop_assert_eq!(then.signal_applied, decided.signal_applied, "a signal is still said to be honoured");
                }
                None => {
                    // Nobody is left who could be shown and is not for the visitor's own reasons, but for neighbours.
                    let alone = book.enabled.len() == 1 && decided.framed(&book).is_none();
                    let vendor = book.enabled.first().map(|e| (&book.registry.vendors[e.at], decided.reasons[e.at]));
                    if let (true, AdsMode::Vendor, Some((vendor, reason))) = (alone, book.ads, vendor) {
                        prop_assert!(vendor.is_in_page() || !is_the_visitors(reason), "{}: {reason:?}", vendor.id);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_told_names_the_vendor_and_the_reason() {
        let registry = crate::consent::vendor::Registry::shipped().unwrap();
        let vendor = registry.vendor("adsense").unwrap();
        let told = Offer { vendor, reason: Reason::Refused }.told();
        assert_eq!(told.why, format!("The advertisement by {} stays off, because you said no.", vendor.name));
        for reason in
            [Reason::Signal, Reason::OptedOut, Reason::Expired, Reason::ItemChanged, Reason::NoGrant]
        {
            let told = Offer { vendor, reason }.told();
            assert!(told.why.contains(" stays off, because "), "{}", told.why);
            assert_eq!(told.text().lines().count(), 3);
        }
    }

    /// R-CN-7: a word is for one vendor, one page, one browser and one minute.
    #[test]
    fn a_pass_is_good_for_what_it_was_given_for() {
        let (key, page) = ([7; 32], "/search?q=rain");
        let pass =
            Pass { vendor: "adsense".into(), page: page.into(), browser: "b".into(), word: "1".repeat(32) };
        let sealed = pass.seal(&key, NOW);
        let long = Pass { page: format!("/search?q={}", "x".repeat(5000)), ..pass.clone() }.seal(&key, NOW);
        assert!(sealed.len() == long.len() && sealed.len() < 512, "{}", sealed.len());
        let wanted = Some(("adsense".to_owned(), "1".repeat(32)));
        let open =
            |key: &[u8; 32], sealed: &str, page, browser, now| Pass::open(key, sealed, page, browser, now);
        assert_eq!(open(&key, &sealed, page, "b", NOW), wanted);
        assert_eq!(open(&key, &sealed, page, "b", NOW.plus(LASTS_MS - 1)), wanted);
        for (key, sealed, page, browser, now) in [
            (&[8; 32], sealed.as_str(), page, "b", NOW),
            (&key, &sealed[1..], page, "b", NOW),
            (&key, "", page, "b", NOW),
            (&key, &sealed, "/search?q=snow", "b", NOW),
            (&key, &sealed, "/search", "b", NOW),
            (&key, &sealed, page, "c", NOW),
            (&key, &sealed, page, "b", NOW.plus(LASTS_MS)),
            (&key, &sealed, page, "b", NOW.plus(-1000)),
        ] {
            assert_eq!(open(key, sealed, page, browser, now), None, "{page} {browser} {now:?}");
        }
    }

    #[test]
    fn a_word_is_taken_once_and_none_is_forgotten_too_early() {
        let used = Used::default();
        assert!(used.take("a", NOW) && used.take("b", NOW));
        assert!(!used.take("a", NOW.plus(LASTS_MS - 1)), "a copy");
        assert!(used.take("a", NOW.plus(LASTS_MS)), "its pass has long run out");
        for n in 0..MOST {
            used.take(&format!("n{n}"), NOW.plus(LASTS_MS));
        }
        assert!(!used.take("one more", NOW.plus(LASTS_MS)), "none is forgotten for it");
        assert!(!used.take("a", NOW.plus(LASTS_MS)));
        assert!(used.take("one more", NOW.plus(2 * LASTS_MS)));
        let words = used.0.lock().unwrap();
        assert_eq!((words.all.len(), words.order.len()), (1, 1));
    }
}
