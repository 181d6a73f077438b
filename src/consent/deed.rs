//! A press of a button becomes a decision: what is asked, what changes, and what the receipt says about it.

use std::collections::BTreeSet;

use super::choices::{Choices, Standing};
use super::place::Model;
use super::purpose::Purpose;
use super::receipt::{Action, Answer};
use super::rulebook::Rulebook;
use super::vendor::Vendor;
use super::whereabouts::Here;
use crate::clock::Timestamp;
use crate::ids::ReceiptId;

/// What a visitor pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    Accept,
    Refuse,
    /// Nothing may be sold or shared.
    OptOut,
    /// Each purpose and each vendor by itself: these are on, all others are off.
    Save {
        purposes: BTreeSet<Purpose>,
        vendors: BTreeSet<String>,
    },
    /// What such a press says no to, and nothing else: of those whom it is about, whoever was on and is not named here is off.
    Less {
        purposes: BTreeSet<Purpose>,
        vendors: BTreeSet<String>,
    },
    /// Where the visitor is: the ISO 3166 code of a place that exists, or that they would rather not say.
    Place(Option<String>),
    /// Nobody pressed: a browser's signal reached an account that had not opted out.
    Signal,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub purpose: Purpose,
    pub vendor: String,
    pub state: Answer,
    pub fingerprint: String,
}

/// What a press changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub choices: Choices,
    pub action: Action,
    pub items: Vec<Item>,
    /// Whether somebody can be contacted who could not before, or for what they could not, or a yes is said anew: what only its
    /// own page can give.
    pub gives: bool,
    /// Whether less is granted than before: to somebody, or for one thing that somebody is for.
    pub narrows: bool,
    /// Whether anything is another answer than before; that the same holds longer is none.
    pub alters: bool,
    /// Whether somebody who could be contacted before cannot any more.
    pub takes_away: bool,
    /// Who that is.
    pub lost: BTreeSet<String>,
}

impl Change {
    /// Whether anything is granted afterwards.
    pub fn grants(&self) -> bool {
        self.items.iter().any(|i| i.state == Answer::Granted)
    }

    /// The same, but that no earlier yes lasts longer by it, where `is_bound`: a press that may give nothing may not give
    /// that either.
    #[must_use]
    pub fn bounded(mut self, before: &Choices, is_bound: bool) -> Change {
        if is_bound
            && self.grants()
            && let Some(until) = before.expires_at
        {
            self.choices.expires_at = self.choices.expires_at.map(|at| at.min(until));
        }
        self
    }

    /// Names the receipt that proves it, where anything is granted. A no carries no id, and nothing that could be one: it is
    /// dated to the minute, so that it is the same for everyone who said it then.
    pub fn proved_by(&mut self, receipt: &ReceiptId) {
        let grants = self.grants();
        self.choices.receipt = grants.then(|| receipt.to_string());
        if !grants {
            self.choices.blur();
        }
    }
}

/// Carries out a press. `country` is where the account says its owner is; `asked` are the vendors it is about (places in the
/// registry); `signal` is whether the browser asks to be left alone, so that a yes given in spite of it is kept as such.
pub fn carry_out(
    book: &Rulebook,
    before: &Choices,
    country: Option<&str>,
    press: &Press,
    asked: &[usize],
    signal: bool,
    now: Timestamp,
) -> Change {
    let mut choices = before.clone();
    // A yes that ran out does not begin again with a no about somebody else.
    let is_no = matches!(press, Press::Refuse | Press::OptOut | Press::Signal | Press::Less { .. });
    if is_no && before.expires_at.is_some_and(|at| now >= at) {
        choices.vendors.values_mut().for_each(|answer| answer.yes = false);
    }
    let had: BTreeSet<String> = granted(book, before, now);
    let about: Vec<&Vendor> = asked.iter().filter_map(|at| book.registry.vendors.get(*at)).collect();
    match press {
        Press::Accept => {
            for vendor in &about {
                choices.answer(vendor, true);
                choices.purposes.extend(vendor.purposes.iter().map(|p| (*p, true)));
            }
            choices.opted_out_at = None;
            choices.overrides_gpc = signal.then_some(now);
        }
        Press::Refuse => {
            for vendor in &about {
                choices.answer(vendor, false);
            }
            refuse_unused(book, &mut choices, &about);
            // A no in spite of a yes in spite of a signal: the signal counts again.
            choices.overrides_gpc =
                choices.overrides_gpc.filter(|_| !granted(book, &choices, now).is_empty());
        }
        Press::OptOut | Press::Signal => {
            let trading: Vec<&Vendor> = book.on().filter(|v| v.trades()).collect();
            for vendor in &trading {
                choices.answer(vendor, false);
            }
            refuse_unused(book, &mut choices, &trading);
            choices.opted_out_at = Some(before.opted_out_at.unwrap_or(now));
            choices.overrides_gpc = None;
        }
        Press::Save { purposes, vendors } => {
            for vendor in book.on() {
                choices.answer(vendor, vendors.contains(&vendor.id));
                for purpose in &vendor.purposes {
                    choices.purposes.insert(*purpose, purposes.contains(purpose));
                }
            }
            let grants_trade = book.on().any(|v| {
                v.trades() && vendors.contains(&v.id) && v.purposes.iter().any(|p| purposes.contains(p))
            });
            if grants_trade {
                choices.opted_out_at = None;
                choices.overrides_gpc = signal.then_some(now);
            } else {
                choices.overrides_gpc = None;
            }
        }
        Press::Less { purposes, vendors } => {
            let may = met(book, before, country, now);
            let off = about.iter().copied().filter(|vendor| {
                let yes = before.vendors.get(&vendor.id).is_some_and(|answer| answer.yes);
                // Whoever is on without a yes cannot be so for a part of what it is for.
                let is_whole = vendor.purposes.iter().all(|p| purposes.contains(p))
                    || before.of(vendor, now) != Standing::Undecided;
                (yes || may.contains(&vendor.id)) && !(vendors.contains(&vendor.id) && is_whole)
            });
            let off: Vec<&Vendor> = off.collect();
            for purpose in about.iter().flat_map(|v| &v.purposes).filter(|p| !purposes.contains(*p)) {
                choices.purposes.insert(*purpose, false);
            }
            for vendor in off {
                choices.answer(vendor, false);
                // A no to somebody about whom nothing was said is one only where something is said of what they are for.
                for purpose in &vendor.purposes {
                    choices.purposes.entry(*purpose).or_insert(false);
                }
            }
            choices.overrides_gpc =
                choices.overrides_gpc.filter(|_| !granted(book, &choices, now).is_empty());
        }
        Press::Place(place) => choices.place.clone_from(place),
    }
    // Whoever says where they are has answered nothing about anybody: what they answered before lasts no longer for it.
    if !matches!(press, Press::Place(_)) {
        choices.decided_at = Some(now);
        choices.expires_at = Some(now.plus(book.choice_ms));
    }
    let has = granted(book, &choices, now);
    let withdraws = !had.is_subset(&has);
    let (met_before, met_now) = (met(book, before, country, now), met(book, &choices, country, now));
    let takes_away = withdraws || !met_before.is_subset(&met_now);
    let lost = &(&met_before | &had) - &met_now;
    let (items_before, items) = (items(book, before, now), items(book, &choices, now));
    let overrides = choices.overrides_gpc.is_some() && choices.overrides_gpc != before.overrides_gpc;
    let gives = *press == Press::Accept
        || grants_more(&items_before, &items)
        || !met_now.is_subset(&met_before)
        || before.opted_out_at.is_some() && choices.opted_out_at.is_none()
        || overrides;
    let narrows = grants_more(&items, &items_before);
    let alters = !choices.says_the_same(before) || items != items_before;
    let all = book.on().count();
    let action = match press {
        Press::OptOut => Action::OptOut,
        Press::Signal => Action::Signal,
        Press::Place(_) => Action::Place,
        _ if withdraws => Action::Withdraw,
        _ if has.is_empty() => Action::Refuse,
        _ if has.len() == all => Action::Accept,
        _ => Action::Partial,
    };
    if has.is_empty() {
        choices.receipt = None;
    }
    Change { choices, action, items, gives, narrows, alters, takes_away, lost }
}

/// Whether anything is granted in the second that is not in the first: somebody, or one thing that somebody is for. Both are of
/// the same rulebook.
fn grants_more(than: &[Item], these: &[Item]) -> bool {
    let is_more =
        |(than, this): (&Item, &Item)| than.state != Answer::Granted && this.state == Answer::Granted;
    than.iter().zip(these).any(is_more)
}

/// How everyone who could be contacted stands, purpose by purpose.
fn items(book: &Rulebook, choices: &Choices, now: Timestamp) -> Vec<Item> {
    book.on()
        .flat_map(|v| v.purposes.iter().map(move |p| (v, *p)))
        .map(|(vendor, purpose)| Item {
            purpose,
            vendor: vendor.id.clone(),
            state: match choices.standing(vendor, purpose, now) {
                Standing::Granted => Answer::Granted,
                Standing::Refused => Answer::Refused,
                _ => Answer::Undecided,
            },
            fingerprint: vendor.fingerprint().to_owned(),
        })
        .collect()
}

/// A purpose that nobody who is still granted uses is refused with the last who did.
fn refuse_unused(book: &Rulebook, choices: &mut Choices, about: &[&Vendor]) {
    for purpose in about.iter().flat_map(|v| &v.purposes) {
        let used = book.on().any(|v| {
            v.purposes.contains(purpose) && choices.vendors.get(&v.id).is_some_and(|answer| answer.yes)
        });
        if !used {
            choices.purposes.insert(*purpose, false);
        }
    }
}

/// Who may be met with these choices, and an account that says this of where its owner is, by an adult without a signal:
/// those who were granted and, where people are asked afterwards, those about whom nothing was said.
pub fn met(book: &Rulebook, choices: &Choices, country: Option<&str>, now: Timestamp) -> BTreeSet<String> {
    let is_loose = book.model(Here::new(choices.place.as_deref(), country).place()) == Model::OptOut;
    let may = |v: &&Vendor| match choices.of(v, now) {
        Standing::Granted => true,
        Standing::Undecided => is_loose && !(v.trades() && choices.opted_out_at.is_some()),
        _ => false,
    };
    book.on().filter(may).map(|v| v.id.clone()).collect()
}

fn granted(book: &Rulebook, choices: &Choices, now: Timestamp) -> BTreeSet<String> {
    book.on().filter(|v| choices.of(v, now) == Standing::Granted).map(|v| v.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::DAY;
    use crate::config::Config;
    use crate::consent::decision::{Context, Decision, decide};

    fn book() -> Rulebook {
        let vendors = "ga4=G-TEST,statcounter=1:a,histats=2".to_owned();
        let env = BTreeMap::from([("CUEHOUSE_VENDORS".to_owned(), vendors)]);
        Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
    }

    fn decision(book: &Rulebook, choices: &Choices, gpc: bool, now: Timestamp) -> Decision {
        decide(&Context {
            book,
            band: None,
            age_locked: false,
            for_children: false,
            gpc,
            dnt: false,
            account_opted_out: false,
            ad_free: false,
            choices,
            country: None,
            letters_measured: false,
            load_once: None,
            now,
        })
    }

    fn who(book: &Rulebook, choices: &Choices, gpc: bool, now: Timestamp) -> Vec<String> {
        decision(book, choices, gpc, now).allowed(book).map(|(v, _)| v.id.clone()).collect()
    }

    fn ids(book: &Rulebook) -> Vec<usize> {
        book.enabled.iter().map(|e| e.at).collect()
    }

    /// R-CN-8a, R-CN-13: yes is yes, no is no, and after either nobody is asked again for half a year.
    #[test]
    fn a_press_does_what_it_says() {
        let (book, now) = (book(), Timestamp::from_secs(1_800_000_000));
        let none = Choices::default();
        assert_eq!(decision(&book, &none, false, now).to_ask.len(), 3);
        let yes = carry_out(&book, &none, None, &Press::Accept, &ids(&book), false, now);
        assert_eq!((yes.action, yes.takes_away, yes.grants()), (Action::Accept, false, true));
        assert_eq!(who(&book, &yes.choices, false, now).len(), 3);
        assert!(decision(&book, &yes.choices, false, now).to_ask.is_empty());
        assert_eq!(decision(&book, &yes.choices, false, now.plus(182 * DAY)).to_ask.len(), 3);
        let no = carry_out(&book, &yes.choices, None, &Press::Refuse, &ids(&book), false, now);
        assert_eq!((no.action, no.takes_away, no.grants()), (Action::Withdraw, true, false));
        assert_eq!((no.lost.len(), yes.lost.len()), (3, 0));
        assert!(who(&book, &no.choices, false, now).is_empty());
        assert!(decision(&book, &no.choices, false, now.plus(182 * DAY - 1)).to_ask.is_empty());
        assert_eq!(decision(&book, &no.choices, false, now.plus(182 * DAY)).to_ask.len(), 3);
        let fresh = carry_out(&book, &none, None, &Press::Refuse, &ids(&book), false, now);
        assert_eq!((fresh.action, fresh.takes_away), (Action::Refuse, false));
        assert_eq!(fresh.choices.receipt, None);
        assert_eq!((yes.gives, yes.alters, no.gives, no.alters), (true, true, false, true));
        let twice = carry_out(&book, &no.choices, None, &Press::Refuse, &ids(&book), false, now.plus(DAY));
        assert_eq!((twice.gives, twice.alters), (false, false), "the same no, longer");
        let one = Press::Save {
            purposes: BTreeSet::from([Purpose::Analytics]),
            vendors: BTreeSet::from(["histats".to_owned()]),
        };
        let some = carry_out(&book, &none, None, &one, &[], false, now);
        assert_eq!(some.action, Action::Partial);
        assert_eq!(who(&book, &some.choices, false, now), ["histats"]);
        assert_eq!(some.items.len(), 3);
        assert!(some.items.iter().all(|i| (i.state == Answer::Granted) == (i.vendor == "histats") && i.fingerprint.len() == 64));
        // A vendor that comes later is asked about alone, and a no to it takes nothing else away.
        let statcounter = book.registry.vendors.iter().position(|v| v.id == "statcounter").unwrap();
        let mut partly = yes.choices.clone();
        partly.vendors.remove("statcounter");
        assert_eq!(decision(&book, &partly, false, now).to_ask, [statcounter]);
        let later = carry_out(&book, &partly, None, &Press::Refuse, &[statcounter], false, now);
        assert_eq!(who(&book, &later.choices, false, now), ["ga4", "histats"]);
        assert!(!later.takes_away);
        // Nor does it let what ran out begin again.
        for (press, about) in [(&Press::Refuse, &[statcounter][..]), (&Press::OptOut, &[])] {
            let late = carry_out(&book, &yes.choices, None, press, about, false, now.plus(182 * DAY));
            assert!(!late.gives && who(&book, &late.choices, false, now.plus(182 * DAY)).is_empty());
        }
    }

    /// R-SG-6: a signal beats an earlier yes; a yes in spite of it is kept as such, until it is taken back.
    #[test]
    fn a_signal_beats_an_earlier_yes_and_not_a_later_one() {
        let (book, now) = (book(), Timestamp::from_secs(1_800_000_000));
        let yes = carry_out(&book, &Choices::default(), None, &Press::Accept, &ids(&book), false, now);
        assert!(who(&book, &yes.choices, true, now).is_empty());
        let anyway = carry_out(&book, &yes.choices, None, &Press::Accept, &ids(&book), true, now);
        assert_eq!(anyway.choices.overrides_gpc, Some(now));
        assert_eq!(who(&book, &anyway.choices, true, now).len(), 3);
        let out = carry_out(&book, &anyway.choices, None, &Press::OptOut, &[], true, now.plus(1000));
        assert_eq!((out.action, out.choices.overrides_gpc), (Action::OptOut, None));
        assert_eq!(out.choices.opted_out_at, Some(now.plus(1000)));
        for gpc in [true, false] {
            assert!(who(&book, &out.choices, gpc, now.plus(1000)).is_empty());
        }
        let again = carry_out(&book, &out.choices, None, &Press::OptOut, &[], false, now.plus(9000));
        assert_eq!(again.choices.opted_out_at, Some(now.plus(1000)), "it counts from the first time");
    }

    fn loose() -> Rulebook {
        let env = BTreeMap::from(
            [
                ("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=1:a"),
                ("CUEHOUSE_PRIVACY_PROFILE", "us"),
                ("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "US-TX"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
    }

    /// T-PROP-5, R-EN-2: only a place that the operator switched on loosens, any other tightens
    /// again, and a no holds everywhere.
    #[test]
    fn a_place_loosens_only_where_it_may() {
        let (book, now) = (loose(), Timestamp::from_secs(1_800_000_000));
        let said = |before: &Choices, place: Option<&str>| {
            let press = Press::Place(place.map(str::to_owned));
            carry_out(&book, before, None, &press, &[], false, now)
        };
        let none = Choices::default();
        assert!(who(&book, &none, false, now).is_empty());
        for place in [None, Some("DE"), Some("US-OH"), Some("US"), Some("BR")] {
            let there = said(&none, place);
            assert_eq!((there.action, there.takes_away), (Action::Place, false), "{place:?}");
            assert!(who(&book, &there.choices, false, now).is_empty(), "{place:?}");
        }
        let texas = said(&none, Some("US-TX"));
        assert_eq!(who(&book, &texas.choices, false, now), ["ga4", "statcounter"]);
        assert!(texas.items.iter().all(|i| i.state == Answer::Undecided), "nothing was said about anybody");
        assert_eq!((texas.choices.decided_at, texas.choices.expires_at, texas.grants()), (None, None, false));
        assert!(who(&book, &texas.choices, true, now).is_empty(), "a signal counts there as everywhere");
        let moved = said(&texas.choices, Some("DE"));
        assert!(moved.takes_away && who(&book, &moved.choices, false, now).is_empty());
        let no = carry_out(&book, &texas.choices, None, &Press::Refuse, &ids(&book), false, now);
        assert_eq!((no.action, no.takes_away), (Action::Refuse, true));
        assert!(who(&book, &no.choices, false, now).is_empty());
        assert!(who(&book, &said(&no.choices, Some("US-TX")).choices, false, now).is_empty());
        let out = carry_out(&book, &texas.choices, None, &Press::OptOut, &[], false, now);
        assert!(out.takes_away && who(&book, &out.choices, false, now).is_empty());
        let yes = carry_out(&book, &none, None, &Press::Accept, &ids(&book), false, now);
        assert_eq!(said(&yes.choices, Some("DE")).choices.expires_at, yes.choices.expires_at);
        assert_eq!(who(&book, &said(&yes.choices, Some("DE")).choices, false, now).len(), 2);
    }

    /// R-CN-5, R-RC-8: whoever is granted one thing and not another is granted more with the other, which only its own page can
    /// give, and less without it; that is a no by itself.
    #[test]
    fn a_yes_and_a_no_may_be_to_one_thing_that_somebody_is_for() {
        let env = BTreeMap::from(
            [
                ("CUEHOUSE_VENDORS", "adsense=ca-pub-12:34"),
                ("CUEHOUSE_ADS_MODE", "vendor"),
                ("CUEHOUSE_ADS_ORIGIN", "https://shop-frames.example"),
                ("CUEHOUSE_ADS_TERMS_READ", "adsense=2026-01-05"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let book = Rulebook::new(&Config::read(None, &env).unwrap()).unwrap();
        let (all, now) = (ids(&book), Timestamp::from_secs(1_800_000_000));
        let presses = |before: &Choices, is_less: bool, purposes: &[Purpose]| {
            let purposes = purposes.iter().copied().collect();
            let vendors = BTreeSet::from(["adsense".to_owned()]);
            let press = match is_less {
                true => Press::Less { purposes, vendors },
                false => Press::Save { purposes, vendors },
            };
            carry_out(&book, before, None, &press, &all, false, now)
        };
        let (plain, personal) = ([Purpose::Ads], [Purpose::Ads, Purpose::AdsPersonalised]);
        let some = presses(&Choices::default(), false, &plain);
        let both = presses(&some.choices, false, &personal);
        assert_eq!((both.gives, both.narrows), (true, false));
        let back = presses(&both.choices, false, &plain);
        assert_eq!((back.gives, back.narrows, back.takes_away), (false, true, false));
        let less = presses(&both.choices, true, &plain);
        assert_eq!((less.gives, less.narrows, less.items), (false, true, back.items));
        let nothing = presses(&some.choices, true, &personal);
        assert_eq!((nothing.gives, nothing.narrows, nothing.items), (false, false, some.items));
    }

    /// What is ticked on the screen.
    fn any_ticks() -> impl Strategy<Value = (BTreeSet<Purpose>, BTreeSet<String>)> {
        let vendors = ["ga4", "histats", "statcounter"].map(str::to_owned).to_vec();
        let vendors = prop::sample::subsequence(vendors, 0..=3);
        let purposes = prop::sample::subsequence(Purpose::ALL.to_vec(), 0..=6);
        (purposes, vendors).prop_map(|(p, v)| (BTreeSet::from_iter(p), BTreeSet::from_iter(v)))
    }

    fn any_press() -> impl Strategy<Value = Press> {
        prop_oneof![
            Just(Press::Accept),
            Just(Press::Refuse),
            Just(Press::OptOut),
            Just(Press::Signal),
            any_ticks().prop_map(|(purposes, vendors)| Press::Save { purposes, vendors }),
        ]
    }

    proptest! {
        /// Whatever was pressed before: who may be contacted is exactly who the last receipt names as granted; a refusal
        /// and an opt-out leave nobody of those they are about.
        #[test]
        fn the_last_press_counts(presses in prop::collection::vec((any_press(), any::<bool>()), 1..6)) {
            let book = book();
            let all = ids(&book);
            let mut choices = Choices::default();
            let mut now = Timestamp::from_secs(1_800_000_000);
            for (press, signal) in presses {
                now = now.plus(DAY);
                let change = carry_out(&book, &choices, None, &press, &all, signal, now);
                let allowed = who(&book, &change.choices, signal, now);
                let named: BTreeSet<String> = change.items.iter().filter(|i| i.state == Answer::Granted).map(|i| i.vendor.clone()).collect();
                prop_assert_eq!(allowed.iter().cloned().collect::<BTreeSet<_>>(), named);
                if matches!(press, Press::Refuse | Press::OptOut | Press::Signal) {
                    prop_assert!(allowed.is_empty());
                }
                if press == Press::Accept {
                    prop_assert_eq!(allowed.len(), 3);
                }
                choices = Choices::read(&change.choices.write()).unwrap();
            }
        }

        /// R-RC-8, R-CN-5: what a *Save* says no to, by itself, gives nobody anything, whatever was pressed before, also where
        /// people are asked afterwards. Whoever is not ticked is met no more, and whoever is ticked is met as before.
        #[test]
        fn the_noes_of_a_save_take_and_never_give(
            presses in prop::collection::vec(any_press(), 0..4), ticks in any_ticks(), is_loose in any::<bool>()
        ) {
            let (book, country) = if is_loose { (loose(), Some("US-TX")) } else { (book(), None) };
            let (all, mut now) = (ids(&book), Timestamp::from_secs(1_800_000_000));
            let mut choices = Choices::default();
            for press in presses {
                now = now.plus(DAY);
                choices = carry_out(&book, &choices, country, &press, &all, false, now).choices;
            }
            let (purposes, vendors) = ticks;
            let less = Press::Less { purposes: purposes.clone(), vendors: vendors.clone() };
            let change = carry_out(&book, &choices, country, &less, &all, false, now);
            let had = met(&book, &choices, country, now);
            let has = met(&book, &change.choices, country, now);
            prop_assert!(!change.gives);
            for vendor in book.on() {
                let is_ticked =
                    vendors.contains(&vendor.id) && vendor.purposes.iter().all(|p| purposes.contains(p));
                prop_assert_eq!(has.contains(&vendor.id), is_ticked && had.contains(&vendor.id), "{}", vendor.id);
            }
            prop_assert_eq!(change.takes_away, has != had);
        }
    }
}
