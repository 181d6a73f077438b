//! Whom a visitor is still to be asked about. Whoever answered is not asked again before the answer runs out, and whose browser
//! says no has answered.

use super::choices::Standing;
use super::decision::{Context, Reason};
use super::place::Model;

/// The vendors that a banner would be about, by their place in the registry. `reasons` are those of the decision.
pub(super) fn open(context: &Context<'_>, reasons: &[Reason], model: Model) -> Vec<usize> {
    if model == Model::OptOut {
        return vec![];
    }
    let all = context.book.enabled.iter().map(|e| e.at);
    all.filter(|at| reasons.get(*at).is_some_and(|reason| is_open(context, *at, *reason))).collect()
}

fn is_open(context: &Context<'_>, at: usize, reason: Reason) -> bool {
    let (book, choices, now) = (context.book, context.choices, context.now);
    let vendor = &book.registry.vendors[at];
    let asks = match reason {
        Reason::NoGrant | Reason::Expired | Reason::ItemChanged => true,
        // A signal keeps them off either way. It is an answer too, unless the operator asks all the same; and then nobody
        // is asked who answered before, or who opted out.
        Reason::Signal => {
            let is_out = context.account_opted_out || choices.opted_out_at.is_some();
            let has_said = matches!(choices.of(vendor, now), Standing::Granted | Standing::Refused);
            !(book.signal_refuses || is_out || has_said)
        }
        _ => false,
    };
    // A purpose that was refused answers for every vendor that has no other.
    asks && vendor.purposes.iter().any(|p| choices.standing(vendor, *p, now) != Standing::Refused)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clock::{DAY, Timestamp};
    use crate::config::Config;
    use crate::consent::choices::Choices;
    use crate::consent::decision::{Decision, decide};
    use crate::consent::deed::{Press, carry_out};
    use crate::consent::rulebook::Rulebook;

    fn book(signal_refuses: &str) -> Rulebook {
        let env = BTreeMap::from(
            [
                ("CUEHOUSE_VENDORS", "ga4=G-TEST,histats=2"),
                ("CUEHOUSE_PRIVACY_SIGNAL_REFUSES", signal_refuses),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
    }

    fn decision(book: &Rulebook, choices: &Choices, signal: bool, now: Timestamp) -> Decision {
        decide(&Context {
            book,
            band: None,
            age_locked: false,
            for_children: false,
            gpc: signal,
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

    /// T-GPC-8, R-SG-8: where people are asked first, a signal is a no and nobody who sends it is asked, unless the operator
    /// says otherwise; off they are in any case. Who answered before, or opted out, is not asked because of it.
    #[test]
    fn a_signal_is_an_answer_unless_the_operator_asks_all_the_same() {
        let now = Timestamp::from_secs(1_800_000_000);
        let none = Choices::default();
        for (setting, asked) in [("on", 0), ("off", 2)] {
            let book = book(setting);
            let all: Vec<usize> = book.enabled.iter().map(|e| e.at).collect();
            let press = |press| carry_out(&book, &none, None, &press, &all, false, now).choices;
            let (yes, no, out) = (press(Press::Accept), press(Press::Refuse), press(Press::OptOut));
            let open = |choices: &Choices, signal, now| {
                let decision = decision(&book, choices, signal, now);
                assert!(!signal || decision.allowed(&book).next().is_none(), "off in any case");
                decision.to_ask.len()
            };
            assert_eq!(open(&none, true, now), asked, "{setting}");
            assert_eq!(open(&none, false, now), 2);
            for said in [&yes, &no, &out] {
                assert_eq!(open(said, true, now), 0, "{setting}");
            }
            let later = now.plus(183 * DAY);
            assert_eq!((open(&yes, true, later), open(&no, true, later)), (asked, asked), "{setting}");
            assert_eq!(open(&out, true, later), 0, "{setting}");
        }
    }
}
