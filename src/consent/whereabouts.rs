//! Where a visitor says they are: their own choice, else what their account says. Nobody looks it up, and nobody has to say:
//! where it is not known the strictest rules hold. A place may loosen them only where the operator switched that very place
//! on.

use serde::Serialize;

use super::place::Model;
use super::receipt;
use super::rulebook::Rulebook;
use crate::sales::places;

/// The states of the United States and their capital's district, by the codes of ISO 3166-2 behind `US-`.
const US_STATES: [(&str, &str); 51] = [
    ("AL", "Alabama"),
    ("AK", "Alaska"),
    ("AZ", "Arizona"),
    ("AR", "Arkansas"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DE", "Delaware"),
    ("DC", "District of Columbia"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("HI", "Hawaii"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("IA", "Iowa"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("ME", "Maine"),
    ("MD", "Maryland"),
    ("MA", "Massachusetts"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MS", "Mississippi"),
    ("MO", "Missouri"),
    ("MT", "Montana"),
    ("NE", "Nebraska"),
    ("NV", "Nevada"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NY", "New York"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PA", "Pennsylvania"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UT", "Utah"),
    ("VT", "Vermont"),
    ("VA", "Virginia"),
    ("WA", "Washington"),
    ("WV", "West Virginia"),
    ("WI", "Wisconsin"),
    ("WY", "Wyoming"),
];

/// Where somebody is, and who said so. What their browser's languages hint at is none of it: a hint can only raise an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here<'a> {
    /// The visitor, for this browser or account, under the choices.
    Chosen(&'a str),
    /// The account, by the country that its owner set.
    Account(&'a str),
    /// Nobody: the strictest rules hold.
    Unknown,
}

impl<'a> Here<'a> {
    /// The visitor's own choice, else the account's country.
    pub fn new(chosen: Option<&'a str>, country: Option<&'a str>) -> Here<'a> {
        match (chosen, country) {
            (Some(place), _) => Here::Chosen(place),
            (None, Some(place)) => Here::Account(place),
            (None, None) => Here::Unknown,
        }
    }

    /// The ISO 3166 code, where there is one.
    pub fn place(self) -> Option<&'a str> {
        match self {
            Here::Chosen(place) | Here::Account(place) => Some(place),
            Here::Unknown => None,
        }
    }

    /// Whose rules hold there and how that is known, as a receipt says it.
    pub fn profile(self, book: &Rulebook) -> receipt::Profile {
        let how = match self {
            Here::Chosen(_) => "visitor_choice",
            Here::Account(_) => "account",
            Here::Unknown => "unknown_place",
        };
        receipt::Profile { id: book.profile_at(self.place()).id.clone(), how_decided: how.into() }
    }
}

/// A place that can be named: its ISO 3166 code and what people call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    pub code: String,
    pub name: String,
}

/// The question on the screen of choices.
#[derive(Clone, Debug, Serialize)]
pub struct WherePart {
    /// What was said, if anything was.
    pub here: Option<Named>,
    pub states: Vec<Named>,
    pub countries: Vec<Named>,
    /// Where people may be asked afterwards ([`loose`]).
    pub loose: Vec<String>,
}

impl WherePart {
    /// The question to somebody who said they are at this place.
    pub fn new(book: &Rulebook, here: Option<&str>) -> WherePart {
        WherePart {
            here: here.and_then(named),
            states: US_STATES
                .iter()
                .map(|(code, name)| Named { code: format!("US-{code}"), name: (*name).to_owned() })
                .collect(),
            countries: places::countries()
                .iter()
                .map(|c| Named { code: c.code.clone(), name: c.name.clone() })
                .collect(),
            loose: loose(book),
        }
    }
}

/// The places, by name, where people may be asked afterwards instead of first.
pub fn loose(book: &Rulebook) -> Vec<String> {
    let loose = book.opt_out_places.iter().filter(|code| book.model(Some(code)) == Model::OptOut);
    loose.filter_map(|code| named(code)).map(|place| place.name).collect()
}

/// The place of an ISO 3166 code, in any case of letters: a country, or a state of the United States. `None` where there
/// is none of that code.
pub fn named(code: &str) -> Option<Named> {
    let code = code.trim().to_ascii_uppercase();
    match code.strip_prefix("US-") {
        Some(state) => US_STATES
            .iter()
            .find(|(known, _)| *known == state)
            .map(|(_, name)| Named { code: code.clone(), name: (*name).to_owned() }),
        None => places::country(&code).map(|c| Named { code: c.code.clone(), name: c.name.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::place::Places;
    use super::*;
    use crate::config::Config;

    fn book(site: &str) -> Rulebook {
        let env = [
            ("CUEHOUSE_AGE_PROFILE", site),
            ("CUEHOUSE_PRIVACY_PROFILE", "us"),
            ("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "US-TX,US-OH"),
        ];
        let env: BTreeMap<String, String> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
    }

    fn any_place() -> impl Strategy<Value = Option<&'static str>> {
        prop::option::of(prop::sample::select(vec![
            "US-TX", "US-OH", "US-CA", "US", "DE", "FR", "CN", "KR", "BR",
        ]))
    }

    proptest! {
        /// T-PROP-5, R-AG-6, R-EN-1: the visitor's own choice comes before the account's country, that before nothing, and
        /// nothing is the strictest; a language only raises an age, whoever said what.
        #[test]
        fn a_place_is_what_somebody_chose_then_what_their_account_says_then_the_strictest(
            chosen in any_place(), country in any_place(), hint in any_place(),
            site in prop::sample::select(vec!["general_no_target", "never_knowingly_13", "guardian_under_18"]),
        ) {
            let (book, here) = (book(site), Here::new(chosen, country));
            prop_assert_eq!(here.place(), chosen.or(country));
            let profile = here.profile(&book);
            let how = match (chosen, country) {
                (Some(_), _) => "visitor_choice",
                (None, Some(_)) => "account",
                (None, None) => "unknown_place",
            };
            prop_assert_eq!(profile.how_decided.as_str(), how);
            prop_assert_eq!(&profile.id, &book.profile_at(chosen.or(country)).id);
            // Neither model nor age is looser where nobody said anything.
            prop_assert!(book.model(None) >= book.model(here.place()));
            prop_assert_eq!(book.model(here.place()) == Model::OptOut, matches!(here.place(), Some("US-TX" | "US-OH")));
            let (at, unknown) = (book.thresholds(here.place(), &[]), book.thresholds(None, &[]));
            prop_assert!(unknown.minimum >= at.minimum);
            let hints: Vec<String> = hint.iter().map(|hint| (*hint).to_owned()).collect();
            prop_assert!(book.thresholds(here.place(), &hints).minimum >= at.minimum);
        }
    }

    #[test]
    fn every_place_with_rules_of_its_own_can_be_named() {
        for profile in &Places::shipped().unwrap().profiles {
            for code in &profile.places {
                assert!(named(code).is_some(), "{code}");
            }
        }
        for (code, name) in [("us-tx", Some("Texas")), ("de", Some("Germany")), ("US", Some("United States"))]
        {
            let found = named(code).map(|place| place.name);
            assert!(
                found.as_deref().zip(name).is_some_and(|(is, begins)| is.starts_with(begins)),
                "{code}: {found:?}"
            );
        }
        for nowhere in ["", "XX", "US-XX", "DE-BY", "Germany", "US-"] {
            assert_eq!(named(nowhere), None, "{nowhere}");
        }
    }
}
