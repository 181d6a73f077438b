//! The word of a form that chooses: a form counts once, in whichever process it arrives.
//!
//! Each page has random bits and the moment they were drawn, sealed for one browser (the token of its forms), and in them a word
//! about each thing that can be chosen. The receipt of the choice that is made with it keeps hashes of it under the shop's
//! key, in the write that makes the choice, so that the same word finds what it did. What a press is pressed upon is known here
//! by the one line in which cookies and rows keep it. Then:
//!
//! - the same press again, upon what it was pressed upon or upon what it made, is the same press: nothing is done twice;
//! - a no is carried out whatever became of its word, as long as it changes anything: nobody is turned away with one, nor with
//!   one beside a yes that is refused;
//! - a yes is refused where its word made something else or its choice was changed since, and half a day after its page.
//!
//! A form with a token that its browser was not given has a word, too: it never gives, and its no counts once as well.
//!
//! The hashes name nobody and lead back to no browser: the bits that went into them are in its page alone.

use diesel::prelude::*;

use super::log;
use super::receipt::Action;
use crate::clock::{HOUR, MINUTE, SECOND, Timestamp};
use crate::db::Conn;
use crate::db::schema::consent_receipts;
use crate::error::Result;
use crate::ids::ReceiptId;
use crate::secrets;

/// How long a yes can be given in a page. A no can be said in it for ever.
pub const LASTS_MS: i64 = 12 * HOUR;
/// How far apart a page may be dated from what held when it was made: clocks differ, and a page that shows what became of a form
/// is dated before that.
const APART_MS: i64 = 2 * SECOND;

/// What is chosen in forms that count once. The forms of a page have one token; what is said in one of them uses up no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Who may see a visitor.
    Choices,
    /// Letters that nobody has to get.
    Letters,
    /// What is wished of advertisements.
    Ads,
    /// Where an account says its owner is.
    Country,
}

impl About {
    fn key(self, seal: &[u8; 32]) -> [u8; 32] {
        let purpose = match self {
            About::Choices => "a word that chooses",
            About::Letters => "a word about letters",
            About::Ads => "a word about advertisements",
            About::Country => "a word about a country",
        };
        secrets::derive(seal, purpose)
    }
}

/// The word of one form that was sent, with what was pressed in it.
#[derive(Clone)]
pub struct Word {
    key: [u8; 32],
    nonce: String,
    /// When its page was made. Nothing where its browser was not given it.
    at: Option<Timestamp>,
    press: String,
}

/// What an account's row holds that a press would change, and since when.
pub struct Row {
    /// All of it in one line.
    pub line: String,
    /// Nothing where there is no such row yet.
    pub since: Option<Timestamp>,
}

/// What a receipt keeps of the word that made its choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The word. No two receipts have the same.
    pub word: String,
    /// The press upon the choices it was pressed upon.
    pub from: String,
    /// The press upon the choices it made.
    pub to: String,
}

/// A choice that a word made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub receipt: ReceiptId,
    /// When, to the second.
    pub at: Timestamp,
    pub action: Action,
    pub used: Use,
}

/// How a press stands to what its word made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// The same press, and its choice still holds.
    Holding,
    /// The same press upon what it was pressed upon the first time: twice at once, or the answer never arrived.
    Repeated,
    /// The same press upon what looks like that: within a minute, something may have been chosen and taken back in between.
    Unsure,
    /// Another press, or something was chosen since.
    Changed,
}

/// What becomes of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A choice, with its receipt.
    Choice,
    /// As the first time, without a second receipt: its choice holds.
    Holds,
    /// As the first time, without a second receipt: what it made is given again.
    Again,
    /// A no with a used word: a choice of its own, with its receipt.
    No,
    /// A no that changes nothing.
    Already,
    /// A yes with a used word: refused.
    Used,
    /// A yes in a page that is too old: refused.
    Outdated,
}

/// What becomes of a press: whether it gives something, whether it changes anything, whether its page is old, and how it
/// stands to what its word made, where that was used.
pub fn verdict(gives: bool, alters: bool, is_old: bool, met: Option<Met>) -> Verdict {
    match met {
        None if gives && is_old => Verdict::Outdated,
        None => Verdict::Choice,
        Some(Met::Holding) => Verdict::Holds,
        Some(Met::Repeated) if gives && is_old => Verdict::Outdated,
        Some(Met::Unsure | Met::Changed) if gives => Verdict::Used,
        Some(Met::Repeated | Met::Unsure) => Verdict::Again,
        Some(Met::Changed) if alters => Verdict::No,
        Some(Met::Changed) => Verdict::Already,
    }
}

/// Why a yes is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its form was used, or something was said since its page was made.
    Used,
    /// Its page is too old.
    Outdated,
    /// Its page asked something else than is asked now.
    Overtaken,
    /// Its browser was not given that form.
    NotGiven,
}

impl Refusal {
    /// The status of the answer that shows what holds, and every choice anew.
    pub fn status(self) -> u16 {
        match self {
            Refusal::Used | Refusal::Outdated | Refusal::Overtaken => 409,
            Refusal::NotGiven => 403,
        }
    }

    /// The sentence above it. True as well where the same form also said a no, which was carried out.
    pub fn words(self) -> &'static str {
        match self {
            Refusal::Used => {
                "This form was already used, or something else was chosen since its page was made. Nothing was switched on: \
                 here is what holds now."
            }
            Refusal::Outdated => {
                "This form was open for a long time, so a yes in it is not taken any more. Nothing was switched on: here is \
                 what holds now."
            }
            Refusal::Overtaken => {
                "What you were asked has changed meanwhile, so nothing was switched on. Please look at it again: here is what \
                 holds now."
            }
            Refusal::NotGiven => {
                "This form was made for another browser, or before you signed in or out. Nothing was switched on: here is what \
                 holds now. Please choose once more."
            }
        }
    }

    /// What is said on the next page where the same press said a no, which was carried out.
    pub fn beside_a_no(self) -> &'static str {
        match self {
            Refusal::Used => {
                "What you switched off is off. Nothing was switched on: this form was used, or something was chosen since."
            }
            Refusal::Outdated => {
                "What you switched off is off. Nothing was switched on: this form was open for a long time."
            }
            Refusal::Overtaken => {
                "What you switched off is off. Nothing was switched on: what you were asked has changed meanwhile."
            }
            Refusal::NotGiven => {
                "What you switched off is off. Nothing was switched on: this form was made for another browser, or before \
                 you signed in or out."
            }
        }
    }
}

impl Word {
    /// The word about this in a page that was made `at` with these random bits. `press` is all that was sent, and what else the
    /// press depends on.
    pub fn new(about: About, seal: &[u8; 32], nonce: &[u8; 16], at: Timestamp, press: String) -> Word {
        Word { key: about.key(seal), nonce: hex::encode(nonce), at: Some(at), press }
    }

    /// What stands for it in a form with this token, which the browser known by `browser` was not given. It is of no page, so
    /// it is always too old for a yes; and it is this browser's alone, whoever else has the token.
    pub fn not_given(about: About, seal: &[u8; 32], browser: &str, token: &str, press: String) -> Word {
        let nonce = format!("{browser} {}", secrets::sha256(token));
        Word { key: about.key(seal), nonce, at: None, press }
    }

    /// Whether its browser was given it.
    pub fn is_given(&self) -> bool {
        self.at.is_some()
    }

    /// Whether its page is too old for a yes. One that comes from the future is.
    pub fn is_old(&self, now: Timestamp) -> bool {
        self.at.is_none_or(|at| !(-MINUTE..LASTS_MS).contains(&now.since(at)))
    }

    /// Whether its page was surely made before that moment.
    pub fn is_before(&self, moment: Timestamp) -> bool {
        self.at.is_some_and(|at| moment.since(at) > APART_MS)
    }

    /// Why a yes is not taken, where that is what becomes of it.
    pub fn refusal(&self, verdict: Verdict) -> Option<Refusal> {
        match verdict {
            Verdict::Used | Verdict::Outdated if !self.is_given() => Some(Refusal::NotGiven),
            Verdict::Used => Some(Refusal::Used),
            Verdict::Outdated => Some(Refusal::Outdated),
            _ => None,
        }
    }

    /// Its name in a receipt.
    pub fn name(&self) -> String {
        self.hash("word", "", "")
    }

    /// Its use for the one choice that it makes.
    pub fn used(&self, from: &str, to: &str) -> Use {
        self.used_as(self.name(), from, to)
    }

    /// Its use for a no after it was used: one for each state that the no is said to.
    pub fn used_again(&self, from: &str, to: &str) -> Use {
        self.used_as(self.hash("again", &self.press, from), from, to)
    }

    fn used_as(&self, word: String, from: &str, to: &str) -> Use {
        let from = self.hash("from", &self.press, from);
        Use { word, from, to: self.hash("to", &self.press, to) }
    }

    /// Whether this is what the same press made with its word.
    pub fn holds(&self, made: &Made, state: &str) -> bool {
        self.hash("to", &self.press, state) == made.used.to
    }

    /// How this press upon `state` stands to what its word made. `repeated` is what it would have made of it at that time;
    /// `is_surely_before` is whether nothing that looks like this state can have been chosen since.
    pub fn met(&self, made: &Made, state: &str, repeated: &str, is_surely_before: bool) -> Met {
        let is_from = || self.hash("from", &self.press, state) == made.used.from;
        if self.holds(made, state) {
            Met::Holding
        } else if !(is_from() && self.holds(made, repeated)) {
            Met::Changed
        } else if is_surely_before {
            Met::Repeated
        } else {
            Met::Unsure
        }
    }

    /// What becomes of this press upon a row of an account, and what its word made before. Asked in the write that would change
    /// the row, which is the truth then: it holds what this word made, or something else was said since. A word that was not
    /// used gives nothing either where its page shows what held before; and one that changes nothing is not used for it.
    pub fn upon(
        &self,
        conn: &mut Conn,
        row: &Row,
        gives: bool,
        alters: bool,
        now: Timestamp,
    ) -> Result<(Verdict, Option<Made>)> {
        let made = made(conn, &self.name())?;
        let met = match &made {
            Some(made) if self.holds(made, &row.line) => Some(Met::Holding),
            Some(_) => Some(Met::Changed),
            None if gives && row.since.is_some_and(|since| self.is_before(since)) => Some(Met::Changed),
            None if !alters => return Ok((Verdict::Already, None)),
            None => None,
        };
        Ok((verdict(gives, alters, self.is_old(now), met), made))
    }

    fn hash(&self, what: &str, press: &str, state: &str) -> String {
        let line = [self.nonce.as_str(), what, press, state].join("\n");
        hex::encode(secrets::mac(&self.key, line.as_bytes()))
    }
}

/// What a word of this name made, if it was used.
pub fn made(conn: &mut Conn, name: &str) -> Result<Option<Made>> {
    let row: Option<(ReceiptId, Option<String>, Option<String>)> = consent_receipts::table
        .filter(consent_receipts::word.eq(name))
        .select((consent_receipts::id, consent_receipts::word_from, consent_receipts::word_to))
        .first(conn)
        .optional()?;
    let Some((receipt, from, to)) = row else { return Ok(None) };
    let kept = log::kept(conn, &receipt)?.receipt;
    let used = Use { word: name.to_owned(), from: from.unwrap_or_default(), to: to.unwrap_or_default() };
    Ok(Some(Made { receipt, at: kept.time, action: kept.action, used }))
}

impl Use {
    /// Keeps it with the receipt, in the write that made it. Where another receipt came to have the word meanwhile the write is
    /// tried again, and finds it.
    pub fn keep(&self, conn: &mut Conn, receipt: &ReceiptId) -> Result<()> {
        let set = (
            consent_receipts::word.eq(&self.word),
            consent_receipts::word_from.eq(&self.from),
            consent_receipts::word_to.eq(&self.to),
        );
        diesel::update(consent_receipts::table.find(receipt))
            .set(set)
            .execute(conn)
            .map_err(log::overtaken)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::consent::choices::Choices;
    use crate::consent::deed::{Change, Press, carry_out};
    use crate::consent::purpose::Purpose;
    use crate::consent::rulebook::Rulebook;

    /// One browser with pages open, and what the shop keeps of the words in them.
    struct Desk {
        book: Rulebook,
        receipts: Vec<Made>,
        drawn: u128,
    }

    /// A press as it arrives: in which page, upon which choices.
    struct Sent<'a> {
        nonce: u8,
        opened: Timestamp,
        press: &'a Press,
        state: &'a Choices,
    }

    impl Desk {
        fn new() -> Desk {
            let vendors = "ga4=G-TEST,statcounter=1:a,histats=2".to_owned();
            let env = BTreeMap::from([("CUEHOUSE_VENDORS".to_owned(), vendors)]);
            let book = Rulebook::new(&Config::read(None, &env).unwrap()).unwrap();
            Desk { book, receipts: vec![], drawn: 0 }
        }

        fn change(&self, sent: &Sent<'_>, is_bound: bool, at: Timestamp) -> Change {
            let all: Vec<usize> = self.book.enabled.iter().map(|e| e.at).collect();
            carry_out(&self.book, sent.state, None, sent.press, &all, false, at).bounded(sent.state, is_bound)
        }

        fn granted(&self, choices: &Choices, now: Timestamp) -> Vec<String> {
            let is_granted = |item: &&crate::consent::deed::Item| {
                let vendor = self.book.registry.vendor(&item.vendor).unwrap();
                choices.standing(vendor, item.purpose, now) == crate::consent::choices::Standing::Granted
            };
            let nothing = carry_out(&self.book, choices, None, &Press::Place(None), &[], false, now);
            nothing.items.iter().filter(is_granted).map(|item| item.vendor.clone()).collect()
        }

        fn writes(&mut self, mut change: Change, at: Timestamp, used: impl Fn(&Choices) -> Use) -> Choices {
            self.drawn += 1;
            let receipt = ReceiptId::of(self.drawn.to_be_bytes());
            change.proved_by(&receipt);
            let made = Made {
                receipt,
                at: Timestamp::from_secs(at.secs()),
                action: change.action,
                used: used(&change.choices),
            };
            assert!(self.receipts.iter().all(|r| r.used.word != made.used.word), "a word made two choices");
            self.receipts.push(made);
            change.choices
        }

        /// What the desk of choices does with a press; the choices that the browser keeps afterwards.
        fn takes(&mut self, sent: &Sent<'_>, now: Timestamp) -> (Verdict, Choices) {
            let press = format!("{:?}", sent.press);
            let word = Word::new(About::Choices, &[7; 32], &[sent.nonce; 16], sent.opened, press);
            let line = sent.state.write();
            let is_old = word.is_old(now);
            let made = self.receipts.iter().find(|made| made.used.word == word.name()).cloned();
            let repeated = made.as_ref().map(|made| {
                let mut repeated = self.change(sent, word.is_old(made.at), made.at);
                repeated.proved_by(&made.receipt);
                repeated.choices
            });
            let met = made.zip(repeated.clone()).map(|(made, again)| {
                let is_before = sent.state.are_surely_before(made.at, true);
                word.met(&made, &line, &again.write(), is_before)
            });
            let plain = self.change(sent, false, now);
            let verdict = verdict(plain.gives, plain.alters, is_old, met);
            let after = match verdict {
                Verdict::Choice => {
                    let change = self.change(sent, is_old, now);
                    self.writes(change, now, |to| word.used(&line, &to.write()))
                }
                Verdict::Again => repeated.unwrap(),
                Verdict::No => {
                    let change = self.change(sent, true, now);
                    let name = word.used_again(&line, &line).word;
                    let made = self.receipts.iter().find(|made| made.used.word == name).cloned();
                    match made {
                        Some(made) => {
                            let mut again = self.change(sent, true, made.at);
                            again.proved_by(&made.receipt);
                            again.choices
                        }
                        None => self.writes(change, now, |to| word.used_again(&line, &to.write())),
                    }
                }
                Verdict::Holds | Verdict::Already | Verdict::Used | Verdict::Outdated => sent.state.clone(),
            };
            (verdict, after)
        }
    }

    /// Seconds: often within the same minute, sometimes hours.
    fn any_pause() -> impl Strategy<Value = i64> {
        prop_oneof![1i64..20, 1i64..40_000]
    }

    fn any_press() -> impl Strategy<Value = Press> {
        prop_oneof![
            Just(Press::Accept),
            Just(Press::Refuse),
            Just(Press::OptOut),
            Just(Press::Save {
                purposes: [Purpose::Analytics].into(),
                vendors: ["histats".to_owned()].into()
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// T-RC-8, R-RC-8: whatever is pressed in whichever of four pages, again and again, with answers that never arrive:
        /// a page makes one choice and has one receipt; whoever is granted was granted by a page of at most half a day that
        /// was not used before; a no is always carried out; a press that is refused changes nothing and writes nothing.
        #[test]
        fn a_page_makes_one_choice(
            presses in prop::collection::vec((0u8..4, any_press(), any_pause(), prop::bool::weighted(0.2)), 1..16)
        ) {
            let mut desk = Desk::new();
            let begun = Timestamp::from_secs(1_800_000_000);
            let (mut now, mut state) = (begun, Choices::default());
            for (page, press, secs, is_lost) in presses {
                now = now.plus(secs * SECOND);
                // Two pages are there from the beginning; the others are opened in the middle.
                let page = if now < begun.plus(4 * HOUR) { page % 2 } else { page };
                let opened = begun.plus(i64::from(page / 2) * 4 * HOUR);
                let (had, receipts) = (desk.granted(&state, now), desk.receipts.len());
                let sent = Sent { nonce: page, opened, press: &press, state: &state };
                let (verdict, after) = desk.takes(&sent, now);
                let has = desk.granted(&after, now);
                let new = desk.receipts.len() - receipts;
                let may_be_new = match verdict {
                    Verdict::Choice => 1..=1,
                    Verdict::No => 0..=1,
                    _ => 0..=0,
                };
                prop_assert!(may_be_new.contains(&new), "{:?} wrote {} receipts", verdict, new);
                match verdict {
                    Verdict::Used | Verdict::Outdated => {
                        prop_assert!(after == state && !matches!(press, Press::Refuse | Press::OptOut));
                    }
                    Verdict::Already | Verdict::Holds => prop_assert!(after == state),
                    Verdict::No => prop_assert!(has.iter().all(|vendor| had.contains(vendor))),
                    Verdict::Choice | Verdict::Again => {}
                }
                if has.iter().any(|vendor| !had.contains(vendor)) {
                    prop_assert!(now.since(opened) < LASTS_MS, "{:?} in an old page", verdict);
                }
                if matches!(press, Press::Refuse | Press::OptOut) {
                    prop_assert!(has.is_empty(), "a no was turned away: {:?}", verdict);
                    prop_assert_eq!(&after.receipt, &None);
                }
                // Pressed once more at once, answered or not, it is the same press.
                for upon in [&state, &after] {
                    let count = desk.receipts.len();
                    let sent = Sent { nonce: page, opened, press: &press, state: upon };
                    let (_, again) = desk.takes(&sent, now);
                    prop_assert_eq!(desk.receipts.len(), count, "{:?} twice", press);
                    prop_assert!(again == after || again == *upon);
                }
                if !is_lost {
                    state = after;
                }
            }
        }
    }

    /// R-RC-8: a yes that was taken back is not taken again, by whichever way it comes.
    #[test]
    fn a_yes_is_not_replayed() {
        let (mut desk, now) = (Desk::new(), Timestamp::from_secs(1_800_000_000));
        let none = Choices::default();
        let yes = Sent { nonce: 1, opened: now, press: &Press::Accept, state: &none };
        let (verdict, granted) = desk.takes(&yes, now);
        assert_eq!(verdict, Verdict::Choice);
        let no = Sent { nonce: 2, opened: now, press: &Press::Refuse, state: &granted };
        let (verdict, refused) = desk.takes(&no, now.plus(1000));
        assert_eq!((verdict, &refused.receipt), (Verdict::Choice, &None));
        for later in [1000, 1500, 9000, HOUR] {
            let replay = Sent { state: &refused, ..yes };
            assert_eq!(desk.takes(&replay, now.plus(later)), (Verdict::Used, refused.clone()), "{later}");
        }
        // Nor in the minute of an earlier no, which looks like the later one.
        let (mut quick, first) =
            (Desk::new(), Sent { nonce: 5, opened: now, press: &Press::Refuse, state: &none });
        let (_, before) = quick.takes(&first, now);
        let yes_then = Sent { nonce: 6, opened: now, press: &Press::Accept, state: &before };
        let (verdict, given) = quick.takes(&yes_then, now.plus(10_000));
        assert_eq!((verdict, given.receipt.is_some()), (Verdict::Choice, true));
        let no_then = Sent { nonce: 7, opened: now, press: &Press::Refuse, state: &given };
        let (_, after) = quick.takes(&no_then, now.plus(20_000));
        assert_eq!(after, before, "as it was");
        let replay = Sent { state: &after, ..yes_then };
        assert_eq!(quick.takes(&replay, now.plus(30_000)), (Verdict::Used, before.clone()));
        // The no once more, upon what it made and upon another yes.
        assert_eq!(desk.takes(&Sent { state: &refused, ..no }, now.plus(HOUR)).0, Verdict::Holds);
        let fresh = Sent { nonce: 3, opened: now.plus(HOUR), press: &Press::Accept, state: &refused };
        let (verdict, granted) = desk.takes(&fresh, now.plus(HOUR));
        assert_eq!(verdict, Verdict::Choice);
        let old = Sent { state: &granted, ..no };
        for _ in 0..2 {
            let (verdict, after) = desk.takes(&old, now.plus(40 * HOUR));
            assert_eq!((verdict, desk.granted(&after, now).len(), desk.receipts.len()), (Verdict::No, 0, 4));
        }
        // And a yes in a page of yesterday.
        let late = Sent { nonce: 4, opened: now, press: &Press::Accept, state: &none };
        assert_eq!(desk.takes(&late, now.plus(LASTS_MS)), (Verdict::Outdated, none.clone()));
    }

    /// R-RC-8: what is said about one thing uses up no word about another; a token that a browser was not given has a word of
    /// this browser's alone, which is never young enough for a yes.
    #[test]
    fn a_word_is_about_one_thing_and_of_one_browser() {
        let (seal, at) = ([7; 32], Timestamp::from_secs(1_800_000_000));
        let mut names: Vec<String> = [About::Choices, About::Letters, About::Ads, About::Country]
            .into_iter()
            .flat_map(|about| {
                let strange = |browser| Word::not_given(about, &seal, browser, "token", String::new());
                assert!(strange("a").is_old(at) && !strange("a").is_given() && !strange("a").is_before(at));
                assert_eq!(strange("a").refusal(Verdict::Outdated), Some(Refusal::NotGiven));
                let given = Word::new(about, &seal, &[1; 16], at, String::new());
                assert!(!given.is_old(at) && !given.is_before(at.plus(APART_MS)));
                assert!(given.is_before(at.plus(APART_MS + 1)));
                [given.name(), strange("a").name(), strange("b").name()]
            })
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 12);
    }
}
