//! Where a visitor says they are. Nobody looks it up, and nobody has to say: where it is not known the strictest rules
//! hold. A place may loosen them only where the operator switched that very place on.

use serde::Serialize;

use super::place::Model;
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
    /// Places where people are asked afterwards instead of first, by name.
    pub loose: Vec<String>,
}

impl WherePart {
    /// The question to somebody who said they are at this place.
    pub fn new(book: &Rulebook, here: Option<&str>) -> WherePart {
        let loose = book.opt_out_places.iter().filter(|code| book.model(Some(code)) == Model::OptOut);
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
            loose: loose.filter_map(|code| named(code)).map(|place| place.name).collect(),
        }
    }
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
    use super::super::place::Places;
    use super::*;

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
