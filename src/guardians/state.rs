//! Where somebody is on the way through the age question: one type, and the table of what may follow what.
//!
//! The first seven need no account and make no row. From the seventh edge on, everything that happens writes exactly one
//! leaf into the consent log, in the transaction that does it (`passage`).

use crate::accounts::band::{Band, Hold};
use crate::consent::age::Answer;
use crate::consent::place::UnderMinimum;
use crate::consent::rulebook::Rulebook;
use crate::text_enum;

text_enum! {
    /// A state. Which data may be held in each, and what may be shown, is in `docs/age.md`.
    pub enum State {
        /// Nobody asked yet.
        Unknown = "unknown",
        /// The screen is open.
        Screening = "screening",
        /// Nobody else need say anything: of age, or no rule for the young.
        Cleared = "cleared",
        /// Under age, and no guardian named.
        Unlinked = "unlinked",
        /// A guardian was named and asked.
        Pending = "pending",
        /// The guardian gave a general permission.
        General = "general",
        /// The guardian signed the form, with scopes.
        Authorised = "authorised",
        /// Taken back, run out or given up.
        Ended = "ended",
        /// A child on a site that takes none.
        Blocked = "blocked",
        /// A child on a site that asks parents.
        AsksParent = "asks_parent",
        /// A parent was named and asked.
        Waiting = "waiting",
        /// The parent allowed collection and use, and no disclosure.
        Internal = "internal",
        /// The parent allowed disclosure as well, proved by a method that may.
        Disclosing = "disclosing",
        /// Taken back or never answered.
        ChildEnded = "child_ended",
        /// Somebody said that this account's owner is too young: frozen.
        Discovered = "discovered",
        /// A sign says younger than declared.
        Conflict = "conflict",
        /// The next band began: asked anew.
        AgedUp = "aged_up",
    }
}

impl State {
    /// Where an answer at the screen leads (edges 2 to 5): nothing is written.
    pub fn of_answer(book: &Rulebook, answer: Answer) -> State {
        match (answer.band, book.under_minimum) {
            (Band::Adult, _) => State::Cleared,
            (Band::Minor, _) if book.site.guardian_rule => State::Unlinked,
            (Band::Minor, _) => State::Cleared,
            (Band::Child, UnderMinimum::Vpc) => State::AsksParent,
            (Band::Child, _) => State::Blocked,
        }
    }

    /// Whether anything of it may be kept in the database.
    pub fn is_kept(self) -> bool {
        !matches!(
            self,
            State::Unknown | State::Screening | State::Unlinked | State::Blocked | State::AsksParent
        )
    }

    /// What an account in this state shows its owner instead of everything else, if it does.
    pub fn hold(self) -> Option<Hold> {
        match self {
            State::Ended | State::ChildEnded => Some(Hold::Ended),
            State::Discovered => Some(Hold::Discovered),
            State::Conflict => Some(Hold::Conflict),
            State::AgedUp => Some(Hold::AskedAnew),
            _ => None,
        }
    }
}

text_enum! {
    /// What leads from one state to another, by the number it has in the plan.
    pub enum Edge {
        /// A guardian is named.
        Ask = "7",
        /// Nobody answered in time.
        Lapse = "7a",
        /// A general permission.
        Permit = "8",
        /// The form with its scopes; and every later change of them that allows more.
        Authorise = "9",
        /// Taken back, in part or whole; run out; asked anew in vain.
        Revoke = "10",
        /// A parent is named.
        AskParent = "11",
        /// Collection and use, no disclosure.
        Allow = "12",
        /// Disclosure as well.
        Disclose = "13",
        /// No parent answered in time.
        ParentLapse = "14",
        /// A parent took it back or ordered deletion.
        ParentRevoke = "15",
        /// Found out.
        Discover = "16",
        /// What was found out is settled.
        Settle = "17",
        /// A sign below what was declared.
        Doubt = "18",
        /// The next band began.
        Grow = "19",
        /// Asked anew, and answered.
        Anew = "19a",
        /// The place became stricter.
        Move = "20",
    }
}

impl Edge {
    /// Whether this edge may lead from there to there.
    pub fn fits(self, from: State, to: State) -> bool {
        use State::*;
        match self {
            Edge::Ask => matches!(from, Unlinked | Discovered | Conflict | AgedUp) && to == Pending,
            Edge::Lapse => from == Pending && to == Unlinked,
            Edge::Permit => from == Pending && to == General,
            Edge::Authorise => matches!(from, Pending | General | Authorised) && to == Authorised,
            Edge::Revoke => {
                matches!(
                    (from, to),
                    (Authorised, Authorised | General | Ended) | (General | Pending | AgedUp, Ended)
                )
            }
            Edge::AskParent => matches!(from, AsksParent | Discovered | Conflict) && to == Waiting,
            Edge::Allow => from == Waiting && to == Internal,
            Edge::Disclose => matches!(from, Waiting | Internal | Disclosing) && to == Disclosing,
            Edge::ParentLapse => from == Waiting && to == ChildEnded,
            Edge::ParentRevoke => {
                matches!((from, to), (Internal | Disclosing, ChildEnded | Internal))
            }
            Edge::Discover => {
                !matches!(from, Discovered | Ended | ChildEnded) && from.is_kept() && to == Discovered
            }
            Edge::Settle => {
                // Whoever is no child after all is in doubt until somebody answers for them.
                matches!(
                    (from, to),
                    (Discovered | Conflict, Cleared | Ended | ChildEnded) | (Discovered, Conflict)
                )
            }
            Edge::Doubt => from == Cleared && to == Conflict,
            Edge::Grow => {
                // Whoever grew and named nobody, or waits for an answer, may grow once more.
                matches!(from, General | Authorised | Internal | Disclosing | Cleared | AgedUp | Pending)
                    && to == AgedUp
            }
            Edge::Anew => from == AgedUp && to == Cleared,
            Edge::Move => match from {
                Cleared | General | Authorised | AgedUp => matches!(to, Ended | Discovered) || to == from,
                Internal | Disclosing => to == from,
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;

    /// T-AGE-2: whatever is not kept comes before the seventh edge, and no edge from there on leads out of what is kept
    /// but the one that forgets.
    #[test]
    fn edges_lead_from_what_is_kept_to_what_is_kept() {
        for edge in Edge::ALL {
            for from in State::ALL {
                for to in State::ALL {
                    if !edge.fits(*from, *to) {
                        continue;
                    }
                    let begins = matches!(edge, Edge::Ask | Edge::AskParent);
                    assert!(begins || from.is_kept(), "{edge} {from} {to}");
                    assert!(*edge == Edge::Lapse || to.is_kept(), "{edge} {from} {to}");
                }
            }
        }
    }

    /// R-MN-1: each profile leads each band where its policy says.
    #[test]
    fn an_answer_leads_where_the_profile_says() {
        let book = |profile: &str| {
            let env = BTreeMap::from([("CUEHOUSE_AGE_PROFILE".to_owned(), profile.to_owned())]);
            Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
        };
        for (profile, child, minor) in [
            ("general_no_target", State::Blocked, State::Cleared),
            ("never_knowingly_13", State::Blocked, State::Cleared),
            ("no_pi_under_14", State::Blocked, State::Cleared),
            ("guardian_under_18", State::Blocked, State::Unlinked),
            ("mixed_audience_vpc", State::AsksParent, State::Unlinked),
        ] {
            let book = book(profile);
            let leads = |band: Band| State::of_answer(&book, Answer::from(band));
            assert_eq!(
                [leads(Band::Child), leads(Band::Minor), leads(Band::Adult)],
                [child, minor, State::Cleared]
            );
        }
    }
}
