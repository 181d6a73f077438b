//! Countries (ISO 3166-1) and the territory groups they belong to (LICENCES, section 2; a default list).

use std::sync::LazyLock;

use serde::Serialize;

/// The groups a buyer names for media that are bound to a place: slug and name.
pub const GROUPS: [(&str, &str); 6] = [
    ("africa", "Africa"),
    ("asia-pacific", "Asia-Pacific"),
    ("europe", "Europe"),
    ("latin-america", "Latin America"),
    ("middle-east", "Middle East"),
    ("north-america", "North America"),
];

/// A country and its territory group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Country {
    /// Two capital letters.
    pub code: String,
    pub name: String,
    pub group: String,
}

static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let mut list = csv::Reader::from_reader(include_str!("places.csv").as_bytes());
    let country = |row: csv::StringRecord| Country {
        code: row[0].to_owned(),
        name: row[1].to_owned(),
        group: row[2].to_owned(),
    };
    list.records().filter_map(Result::ok).filter(|row| row.len() == 3).map(country).collect()
});

/// Every country, by name.
pub fn countries() -> &'static [Country] {
    &COUNTRIES
}

/// The country of this code, in any case of letters.
pub fn country(code: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|c| c.code.eq_ignore_ascii_case(code.trim()))
}

/// The name of a group.
pub fn group_name(slug: &str) -> Option<&'static str> {
    GROUPS.iter().find(|(known, _)| *known == slug).map(|(_, name)| *name)
}

/// The codes of a group's countries.
pub fn codes_of(group: &str) -> Vec<&'static str> {
    COUNTRIES.iter().filter(|c| c.group == group).map(|c| c.code.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_of_iso_3166_is_in_exactly_one_group() {
        assert_eq!(countries().len(), 249);
        let mut codes: Vec<&str> = countries().iter().map(|c| c.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 249);
        assert!(codes.iter().all(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase())));
        assert_eq!(GROUPS.iter().map(|(slug, _)| codes_of(slug).len()).sum::<usize>(), 249);
        assert_eq!(country("de").map(|c| (c.name.as_str(), c.group.as_str())), Some(("Germany", "europe")));
        assert_eq!(country("XX"), None);
        assert_eq!(group_name("latin-america"), Some("Latin America"));
    }
}
