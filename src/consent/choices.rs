//! What somebody decided: yes or no for each purpose and each vendor as it was described then, and until when that holds.

use std::collections::BTreeMap;

use super::purpose::Purpose;
use super::vendor::Vendor;
use crate::clock::Timestamp;

/// An answer about a vendor, given for what was told about it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorAnswer {
    /// The first 16 digits of the vendor's fingerprint.
    pub print: String,
    pub yes: bool,
}

/// Everything a browser or an account has decided. Empty: undecided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub purposes: BTreeMap<Purpose, bool>,
    pub vendors: BTreeMap<String, VendorAnswer>,
    pub decided_at: Option<Timestamp>,
    /// When yes and no both run out.
    pub expires_at: Option<Timestamp>,
    /// The receipt of the last yes. A no carries no id.
    pub receipt: Option<String>,
    /// When a grant was given in spite of a signal, knowing of it.
    pub overrides_gpc: Option<Timestamp>,
    /// Since when nothing may be sold or shared. Holds until it is taken back.
    pub opted_out_at: Option<Timestamp>,
    /// Where the visitor says they are: an ISO 3166 code.
    pub place: Option<String>,
}

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Purpose and vendor were both granted, for this fingerprint, and it has not run out.
    Granted,
    Refused,
    /// A yes that has run out.
    Expired,
    /// A yes for something that was described otherwise.
    Changed,
    /// Nothing was said.
    Undecided,
}

impl Choices {
    /// Whether nothing at all was ever said.
    pub fn is_empty(&self) -> bool {
        *self == Choices::default()
    }

    /// Whether the same is answered, whenever that was and however long it holds.
    pub fn says_the_same(&self, other: &Choices) -> bool {
        (&self.purposes, &self.vendors, &self.place) == (&other.purposes, &other.vendors, &other.place)
            && (self.overrides_gpc, self.opted_out_at) == (other.overrides_gpc, other.opted_out_at)
    }

    /// Whether these surely are choices of before that moment, and none that look alike and were made since. Whoever granted
    /// something carries an id that no other choice has; everyone else's are dated to the minute, where the press dates them.
    pub fn are_surely_before(&self, at: Timestamp, is_dated: bool) -> bool {
        self.receipt.is_some() || is_dated && self.decided_at.is_none_or(|decided| decided < at.minute())
    }

    /// Takes every moment in it down to its minute: to the second it would nearly be a number of its own.
    pub fn blur(&mut self) {
        let moments =
            [&mut self.decided_at, &mut self.expires_at, &mut self.overrides_gpc, &mut self.opted_out_at];
        for at in moments.into_iter().flatten() {
            *at = at.minute();
        }
    }

    fn has_run_out(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now >= at)
    }

    /// How one purpose of a vendor stands. The first that applies: a no, a yes that ran out, a yes for another
    /// description, not both said.
    pub fn standing(&self, vendor: &Vendor, purpose: Purpose, now: Timestamp) -> Standing {
        let Some(by_purpose) = self.purposes.get(&purpose) else { return Standing::Undecided };
        let Some(answer) = self.vendors.get(&vendor.id) else { return Standing::Undecided };
        let (yes, out) = (*by_purpose && answer.yes, self.has_run_out(now));
        match (yes, out, answer.print == vendor.short_print()) {
            // Neither a no nor a yes lasts longer than it may: then it is as if nothing had been said.
            (false, true, _) => Standing::Undecided,
            // A no to what was described otherwise is no answer to this.
            (false, false, false) if !answer.yes => Standing::Undecided,
            (false, false, _) => Standing::Refused,
            (true, true, _) => Standing::Expired,
            (true, false, false) => Standing::Changed,
            (true, false, true) => Standing::Granted,
        }
    }

    /// How a vendor stands in all: granted when any of its purposes is.
    pub fn of(&self, vendor: &Vendor, now: Timestamp) -> Standing {
        let all = vendor.purposes.iter().map(|p| self.standing(vendor, *p, now));
        let rank = |s: &Standing| match s {
            Standing::Granted => 4,
            Standing::Refused => 3,
            Standing::Expired => 2,
            Standing::Changed => 1,
            Standing::Undecided => 0,
        };
        all.max_by_key(rank).unwrap_or(Standing::Undecided)
    }

    /// Says yes or no about a vendor as it is described today.
    pub fn answer(&mut self, vendor: &Vendor, yes: bool) {
        let print = vendor.short_print().to_owned();
        self.vendors.insert(vendor.id.clone(), VendorAnswer { print, yes });
    }

    /// As one line: what cookies and rows keep. `None` where a word in it could be mistaken for a separator.
    pub fn write(&self) -> String {
        let at = |t: Option<Timestamp>| t.map(|t| t.secs().to_string()).unwrap_or_default();
        let sign = |yes: bool| if yes { '+' } else { '-' };
        let purposes: Vec<String> =
            self.purposes.iter().map(|(p, yes)| format!("{}{}", p.slug(), sign(*yes))).collect();
        let vendors: Vec<String> =
            self.vendors.iter().map(|(id, a)| format!("{id}.{}{}", a.print, sign(a.yes))).collect();
        [
            "1".to_owned(),
            at(self.decided_at),
            at(self.expires_at),
            self.receipt.clone().unwrap_or_default(),
            at(self.overrides_gpc),
            at(self.opted_out_at),
            self.place.clone().unwrap_or_default(),
            purposes.join(","),
            vendors.join(","),
        ]
        .join("~")
    }

    /// Reads such a line. Anything else is nothing decided.
    pub fn read(line: &str) -> Option<Choices> {
        let parts: Vec<&str> = line.split('~').collect();
        let [version, decided, expires, receipt, gpc, opted_out, place, purposes, vendors] = parts[..] else {
            return None;
        };
        let at = |text: &str| -> Option<Option<Timestamp>> {
            if text.is_empty() { Some(None) } else { Some(Some(Timestamp::from_secs(text.parse().ok()?))) }
        };
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut choices = Choices {
            decided_at: at(decided)?,
            expires_at: at(expires)?,
            receipt: word(receipt),
            overrides_gpc: at(gpc)?,
            opted_out_at: at(opted_out)?,
            place: word(place),
            ..Choices::default()
        };
        let signed = |item: &str| -> Option<(String, bool)> {
            let yes = item.ends_with('+');
            let word = item.strip_suffix(['+', '-'])?;
            Some((word.to_owned(), yes))
        };
        for item in purposes.split(',').filter(|i| !i.is_empty()) {
            let (word, yes) = signed(item)?;
            // A purpose that a later edition gave up says nothing.
            if let Some(purpose) = Purpose::parse(&word) {
                choices.purposes.insert(purpose, yes);
            }
        }
        for item in vendors.split(',').filter(|i| !i.is_empty()) {
            let (word, yes) = signed(item)?;
            let (id, print) = word.split_once('.')?;
            choices.vendors.insert(id.to_owned(), VendorAnswer { print: print.to_owned(), yes });
        }
        (version == "1").then_some(choices)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::DAY;
    use crate::consent::vendor::Registry;

    /// Choices as they could come from any form, about vendors that exist and some that do not.
    pub(crate) fn any_choices() -> impl Strategy<Value = Choices> {
        let registry = Registry::shipped().unwrap();
        let prints: Vec<(String, String)> =
            registry.vendors.iter().map(|v| (v.id.clone(), v.short_print().to_owned())).collect();
        let vendor = (prop::sample::select(prints), any::<bool>(), prop::bool::weighted(0.8)).prop_map(
            |((id, print), yes, is_current)| {
                let print = if is_current { print } else { "0123456789abcdef".to_owned() };
                (id, VendorAnswer { print, yes })
            },
        );
        let at = || prop::option::of((0i64..2_000_000_000).prop_map(Timestamp::from_secs));
        (
            prop::collection::btree_map(prop::sample::select(Purpose::ALL.to_vec()), any::<bool>(), 0..6),
            prop::collection::btree_map("x", Just(0), 0..1),
            prop::collection::vec(vendor, 0..8),
            (at(), at(), at(), at()),
            prop::option::of("[a-z0-9]{8}"),
            prop::option::of(prop::sample::select(vec!["DE".to_owned(), "US-CA".to_owned()])),
        )
            .prop_map(|(purposes, _, vendors, (a, b, c, d), receipt, place)| Choices {
                purposes,
                vendors: vendors.into_iter().collect(),
                decided_at: a,
                expires_at: b,
                overrides_gpc: c,
                opted_out_at: d,
                receipt,
                place,
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(choices in any_choices()) {
            let line = choices.write();
            prop_assert!(line.len() < 700, "{}", line.len());
            prop_assert_eq!(Choices::read(&line), Some(choices));
        }

        #[test]
        fn nonsense_is_no_decision(line in "\\PC{0,60}", parts in prop::collection::vec("[a-z+,.~-]{0,8}", 0..12)) {
            let _ = Choices::read(&line);
            let _ = Choices::read(&parts.join("~"));
        }
    }

    /// R-CN-11, R-CN-12, R-CN-13: a yes lasts until it runs out and for what was described; so does a no.
    #[test]
    fn an_answer_holds_for_what_was_told_and_for_its_time() {
        let registry = Registry::shipped().unwrap();
        let ga = registry.vendor("ga4").unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let mut choices = Choices { expires_at: Some(now.plus(182 * DAY)), ..Choices::default() };
        let of = |choices: &Choices, now| choices.standing(ga, Purpose::Analytics, now);
        assert_eq!(of(&choices, now), Standing::Undecided);
        choices.answer(ga, true);
        assert_eq!(of(&choices, now), Standing::Undecided, "a vendor without its purpose is no grant");
        choices.purposes.insert(Purpose::Analytics, true);
        assert_eq!(of(&choices, now), Standing::Granted);
        assert_eq!(of(&choices, now.plus(182 * DAY - 1)), Standing::Granted);
        assert_eq!(of(&choices, now.plus(182 * DAY)), Standing::Expired);
        let mut other = choices.clone();
        other.vendors.get_mut("ga4").unwrap().print = "0123456789abcdef".into();
        assert_eq!(of(&other, now), Standing::Changed);
        choices.answer(ga, false);
        assert_eq!(of(&choices, now), Standing::Refused);
        assert_eq!(of(&choices, now.plus(182 * DAY)), Standing::Undecided, "asked anew after its time");
        let mut other = choices.clone();
        other.vendors.get_mut("ga4").unwrap().print = "0123456789abcdef".into();
        assert_eq!(of(&other, now), Standing::Undecided, "and where the question is another");
        choices.answer(ga, true);
        choices.purposes.insert(Purpose::Analytics, false);
        assert_eq!(of(&choices, now), Standing::Refused);
    }
}
