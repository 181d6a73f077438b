//! Rules of places (`jurisdictions.toml`): dated data. The stricter of the site's and the place's profile counts, and a
//! place nobody knows is strict.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::vendor::Source;

/// Whether a visitor is asked first, or may say no afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    OptOut,
    OptIn,
}

/// The rules of a place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub id: String,
    /// ISO 3166-1 or -2 codes.
    pub places: Vec<String>,
    /// What the law would allow. `model` is never looser.
    pub law: Model,
    /// What the shop does, where the operator switched opt-out on.
    pub model: Model,
    /// Under which age the place wants a guardian's consent; 0: no rule noted.
    #[serde(default)]
    pub guardian_consent_below: u8,
    pub from: String,
    #[serde(default)]
    pub unsure: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    states: Vec<String>,
    unsure: Vec<String>,
    #[serde(rename = "from")]
    _from: String,
}

/// What becomes of somebody under the minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnderMinimum {
    /// No account and no form.
    Block,
    /// The same, on a site where only forms ask for anything personal.
    BlockForms,
    /// A parent is asked (verifiable parental consent, 16 CFR 312.5).
    Vpc,
}

/// What a site is towards the young.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteProfile {
    pub id: String,
    /// Under it somebody counts as a child; 0: only the law's and the place's own.
    pub minimum: u32,
    pub under_minimum: UnderMinimum,
    /// Whether a guardian answers from the minimum to the age of majority.
    pub guardian_rule: bool,
    /// Whether a visitor who was not screened may be a child: then nobody is contacted and nobody is asked.
    pub child_mode: bool,
    pub from: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Law {
    child_below: u32,
    #[serde(rename = "from")]
    _from: String,
}

/// All places.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    pub written_on: toml::value::Datetime,
    default: String,
    pub sources: BTreeMap<String, Source>,
    signal: Signal,
    #[serde(rename = "profile")]
    pub profiles: Vec<Profile>,
    law: Law,
    #[serde(rename = "site_profile")]
    pub sites: Vec<SiteProfile>,
}

static SHIPPED: LazyLock<Result<Places, String>> = LazyLock::new(|| {
    let places: Places =
        toml::from_str(include_str!("jurisdictions.toml")).map_err(|e| format!("places: {}", e.message()))?;
    if let Some(loose) = places.profiles.iter().find(|profile| profile.model < profile.law) {
        return Err(format!("places: {} is looser than its law", loose.id));
    }
    match places.profile(&places.default) {
        Some(profile) if profile.model == Model::OptIn => Ok(places),
        _ => Err("places: the default profile does not ask first".into()),
    }
});

impl Places {
    /// The rules this program was built with. A test holds that they can be read.
    pub fn shipped() -> Result<&'static Places, String> {
        SHIPPED.as_ref().map_err(Clone::clone)
    }

    /// A profile by its id.
    pub fn profile(&self, id: &str) -> Option<&Profile> {
        self.profiles.iter().find(|p| p.id == id)
    }

    /// The profile for a place nobody knows: the strict one.
    pub fn unknown(&self) -> Option<&Profile> {
        self.profile(&self.default)
    }

    /// The profile of a place by its ISO code: of the region (`US-CA`), else of its country; `None` where there is none,
    /// which counts as unknown.
    pub fn of(&self, code: &str) -> Option<&Profile> {
        let code = code.to_uppercase();
        let country = code.split('-').next().unwrap_or_default().to_owned();
        let find = |code: &str| self.profiles.iter().find(|p| p.places.iter().any(|place| place == code));
        find(&code).or_else(|| find(&country))
    }

    /// What a site may be towards the young, by its id.
    pub fn site(&self, id: &str) -> Option<&SiteProfile> {
        self.sites.iter().find(|s| s.id == id)
    }

    /// Under which age somebody at this place counts as a child on such a site, whatever its operator raised: the highest
    /// of the site's own minimum, the law's, and the place's. A place that is not known counts as the strictest there is;
    /// a hint can only raise it. Where a guardian answers for everyone under age, what a place wants of guardians is met.
    pub fn child_below(&self, site: &SiteProfile, place: Option<&str>, hints: &[String]) -> u32 {
        let of = |p: &Profile| if site.guardian_rule { 0 } else { u32::from(p.guardian_consent_below) };
        let strictest = || self.profiles.iter().map(of).max().unwrap_or_default();
        let here = place.and_then(|code| self.of(code)).map_or_else(strictest, of);
        let hinted = hints.iter().filter_map(|code| self.of(code)).map(of).max().unwrap_or_default();
        site.minimum.max(self.law.child_below).max(here).max(hinted)
    }

    /// Whether a state of the US requires sites to honour an opt-out signal; ours does everywhere.
    pub fn signal_required(&self, code: &str) -> bool {
        let state = code.strip_prefix("US-").unwrap_or_default().to_owned();
        self.signal.states.contains(&state) || self.signal.unsure.contains(&state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_to_their_profiles() {
        let places = Places::shipped().unwrap();
        for (code, id) in [
            ("DE", Some("eu")),
            ("FR", Some("fr")),
            ("US-CA", Some("us-ca")),
            ("us-tx", Some("us")),
            ("BR", None),
            ("", None),
        ] {
            assert_eq!(places.of(code).map(|p| p.id.as_str()), id, "{code}");
        }
        assert_eq!(places.unknown().unwrap().id, "strict");
        assert!(places.signal_required("US-CA") && !places.signal_required("US-NY"));
        assert!(places.profiles.iter().all(|p| places.sources.contains_key(&p.from)));
        assert!(places.sites.iter().all(|s| places.sources.contains_key(&s.from)));
        assert!(places.sources.contains_key(&places.law._from));
    }

    /// T-PROP-5, R-AG-6: the strictest of law, site and place counts; an unknown place is the strictest; a hint only raises.
    #[test]
    fn the_highest_minimum_counts() {
        let places = Places::shipped().unwrap();
        let below = |site: &str, place: Option<&str>, hint: &[&str]| {
            let hints: Vec<String> = hint.iter().map(|h| (*h).to_owned()).collect();
            places.child_below(places.site(site).unwrap(), place, &hints)
        };
        for (site, place, hint, age) in [
            ("general_no_target", Some("US-CA"), &[][..], 13),
            ("general_no_target", None, &[], 14),
            ("general_no_target", Some("US"), &["CN"], 14),
            ("general_no_target", Some("CN"), &["US"], 14),
            ("never_knowingly_13", Some("DE"), &[], 13),
            ("never_knowingly_13", Some("KR"), &[], 14),
            ("never_knowingly_13", Some("XX"), &[], 14),
            ("no_pi_under_14", Some("US"), &[], 14),
            ("guardian_under_18", None, &[], 13),
            ("guardian_under_18", Some("CN"), &["KR"], 13),
            ("mixed_audience_vpc", None, &[], 13),
        ] {
            assert_eq!(below(site, place, hint), age, "{site} {place:?} {hint:?}");
        }
    }
}
