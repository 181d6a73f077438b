//! What this site's operator settled: which vendors are on and with which keys, whose rules hold, how long a choice
//! lasts. Read once at start; every fault is said.

use std::sync::Arc;

use super::age::{Answer, Band, Month, Thresholds};
use super::key;
use super::place::{Model, Places, Profile, SiteProfile, UnderMinimum};
use super::trade::Registered;
use super::trade::tcf::Cmp;
use super::trade::vendor_list::Newest;
use super::vendor::{HoldEnds, Registry, State, Vendor};
use crate::clock::{DAY, Timestamp};
use crate::config::Config;

/// How far advertising goes. The site sets the highest; a decision lowers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdsMode {
    /// No slot.
    None,
    /// Our own, chosen by the page alone.
    Contextual,
    /// Those of vendors who may, else our own.
    Vendor,
}

/// A vendor that is on.
#[derive(Clone, Debug)]
pub struct Enabled {
    /// Where it stands in the registry.
    pub at: usize,
    /// What the vendor gave the operator, in the form of [`key`].
    pub key: String,
}

/// The rules of one site.
#[derive(Clone, Debug)]
pub struct Rulebook {
    pub registry: &'static Registry,
    pub places: &'static Places,
    pub enabled: Vec<Enabled>,
    pub profile: &'static Profile,
    /// Places where an opt-out model counts, because the operator said so.
    pub opt_out_places: Vec<String>,
    /// Whether `DNT: 1` is taken for `Sec-GPC: 1`.
    pub honour_dnt: bool,
    /// Whether a signal counts as a no to whoever sells, shares or targets: then nobody who sends one is asked.
    pub signal_refuses: bool,
    /// How long a choice lasts, in milliseconds.
    pub choice_ms: i64,
    /// How long a receipt is kept beyond that, in milliseconds.
    pub proof_ms: i64,
    pub ads: AdsMode,
    /// Where frames with vendors' advertisements come from.
    pub ad_origin: Option<String>,
    /// Vendors (by their place in the registry) whose hold the operator ended.
    pub lifted: Vec<usize>,
    /// Whether letters may report back at all, to those who agreed.
    pub measures_letters: bool,
    /// Whether an unscreened visitor may be a child: then nobody is asked and no vendor runs.
    pub child_mode: bool,
    /// What the site is towards the young.
    pub site: &'static SiteProfile,
    /// What becomes of somebody under the minimum.
    pub under_minimum: UnderMinimum,
    /// The ages that the operator set; law, site and place may raise the first.
    pub ages: Thresholds,
    /// The operator's own registered consent manager, once the vendor list is open. Without one no page speaks for one.
    pub registered: Option<Arc<Registered>>,
    /// Sections of the Global Privacy Platform that pages carry; none: they carry no string.
    pub gpp: Vec<u16>,
}

impl Rulebook {
    /// The rules that these settings make. The error is everything that is wrong with them.
    pub fn new(config: &Config) -> Result<Rulebook, Vec<String>> {
        let registry = Registry::shipped()?;
        let places = Places::shipped().map_err(|fault| vec![fault])?;
        let mut faults = vec![];
        let mut enabled: Vec<Enabled> = vec![];
        let mut lifted = vec![];
        for (id, _) in &config.privacy.terms_read {
            if registry.vendor(id).is_none_or(|vendor| vendor.hold_ends.is_none()) {
                faults.push(format!("CUEHOUSE_ADS_TERMS_READ names {id}, whom no terms bring back"));
            }
        }
        for (id, key) in &config.vendors {
            let Some(at) = registry.vendors.iter().position(|v| v.id == *id) else {
                faults.push(format!(
                    "CUEHOUSE_VENDORS names {id}, of whom this edition of Cuehouse has no facts"
                ));
                continue;
            };
            let vendor = &registry.vendors[at];
            if let Some(fault) = refusal(vendor, key, config) {
                faults.push(format!("CUEHOUSE_VENDORS names {id}: {fault}"));
            }
            if vendor.hold.is_some() && unmet(vendor, config).is_empty() {
                lifted.push(at);
            }
            if enabled.iter().any(|e| e.at == at) {
                faults.push(format!("CUEHOUSE_VENDORS names {id} twice"));
            }
            enabled.push(Enabled { at, key: key.clone() });
        }
        enabled.sort_by_key(|e| e.at);
        let unknown = places.unknown();
        let profile = places.profile(&config.privacy.profile).or_else(|| {
            faults.push(format!(
                "CUEHOUSE_PRIVACY_PROFILE is {:?}, and there is no such profile",
                config.privacy.profile
            ));
            unknown
        });
        for code in &config.privacy.opt_out_places {
            if places.of(code).is_none_or(|p| p.model != Model::OptOut) {
                faults.push(format!(
                    "CUEHOUSE_PRIVACY_OPT_OUT_PLACES names {code}, where people must be asked first"
                ));
            }
        }
        let site = places.site(&config.age.profile);
        let under = site.and_then(|site| under_minimum(site, &config.age.under_minimum));
        match (site, under) {
            (None, _) => faults.push(format!(
                "CUEHOUSE_AGE_PROFILE is {:?}, and there is no such profile",
                config.age.profile
            )),
            (Some(site), None) => faults.push(format!(
                "CUEHOUSE_AGE_UNDER_MINIMUM is {:?}, which {} does not allow: a site that is also for children must ask \
                 their parents, and no other may",
                config.age.under_minimum, site.id
            )),
            _ => {}
        }
        let (Some(profile), Some(site), Some(under_minimum), true) =
            (profile, site, under, faults.is_empty())
        else {
            return Err(faults);
        };
        Ok(Rulebook {
            registry,
            places,
            enabled,
            profile,
            opt_out_places: config.privacy.opt_out_places.clone(),
            honour_dnt: config.privacy.honour_dnt,
            signal_refuses: config.privacy.signal_refuses,
            choice_ms: config.privacy.choice_days * DAY,
            proof_ms: config.privacy.receipt_days * DAY,
            ads: config.privacy.ads,
            ad_origin: config.privacy.ad_origin.as_ref().map(|at| at.origin.clone()),
            lifted,
            measures_letters: config.privacy.measures_letters,
            child_mode: site.child_mode,
            site,
            under_minimum,
            ages: Thresholds { minimum: config.age.minimum, adult: config.age.adult },
            registered: None,
            gpp: config.gpp.clone(),
        })
    }

    /// From which ages on somebody at this place is no child, and of age: the strictest of law, site, place and setting.
    pub fn thresholds(&self, place: Option<&str>, hints: &[String]) -> Thresholds {
        let below = self.places.child_below(self.site, place, hints);
        Thresholds { minimum: self.ages.minimum.max(below), adult: self.ages.adult }
    }

    /// An answer with its month. Where that is not known, since a device or somebody else said less than was answered, the younger
    /// counts: the band ends once the youngest whom it may be has grown out of it, and then for certain.
    pub fn with_month(&self, answer: Answer, now: Timestamp) -> Answer {
        let years = match answer.band {
            Band::Child => self.thresholds(None, &[]).minimum,
            Band::Minor => self.ages.adult - self.ages.minimum,
            Band::Adult => return answer,
        };
        let at_latest = Month::of(now).later(years).after();
        Answer { next: answer.next.or(Some(at_latest)), ..answer }
    }

    /// Lets pages speak for the operator's consent manager, where there is one, by this list.
    pub fn speaks_for(&mut self, cmp: Option<Cmp>, list: &Arc<Newest>) {
        self.registered = cmp.map(|cmp| Arc::new(Registered { cmp, list: Arc::clone(list) }));
    }

    /// The vendors that are on, in the registry's order.
    pub fn on(&self) -> impl Iterator<Item = &'static Vendor> {
        self.enabled.iter().map(|e| &self.registry.vendors[e.at])
    }

    /// Why a vendor is held back here, where it is.
    pub fn hold(&self, at: usize) -> Option<&'static str> {
        let hold = self.registry.vendors.get(at)?.hold.as_deref();
        hold.filter(|_| !self.lifted.contains(&at))
    }

    /// The key of a vendor that is on.
    pub fn key(&self, id: &str) -> Option<&str> {
        self.enabled.iter().find(|e| self.registry.vendors[e.at].id == id).map(|e| e.key.as_str())
    }

    /// Whether people at this place are asked first: the stricter of the site's and the place's rule, strict where the
    /// place is unknown. Opt-out counts only where the operator switched it on for that very place.
    pub fn model(&self, place: Option<&str>) -> Model {
        let Some(place) = place else { return Model::OptIn };
        let switched_on = self.opt_out_places.iter().any(|p| p.eq_ignore_ascii_case(place));
        match self.places.of(place) {
            Some(profile) if switched_on => profile.model.max(self.profile.model),
            _ => Model::OptIn,
        }
    }

    /// The profile that explains a decision to the visitor at this place.
    pub fn profile_at(&self, place: Option<&str>) -> &'static Profile {
        let found = place.and_then(|p| self.places.of(p));
        match found {
            Some(profile) if profile.model >= self.profile.model => profile,
            _ => self.profile,
        }
    }
}

/// What becomes of the youngest on such a site: what the setting says, where the profile allows it.
fn under_minimum(site: &SiteProfile, setting: &str) -> Option<UnderMinimum> {
    let wanted = match setting {
        "" => site.under_minimum,
        "block" => UnderMinimum::Block,
        "block_forms" => UnderMinimum::BlockForms,
        "vpc" => UnderMinimum::Vpc,
        _ => return None,
    };
    // A site that is also for children may not turn them away, and another may not collect from them.
    ((wanted == UnderMinimum::Vpc) == site.child_mode).then_some(wanted)
}

/// What an operator must still say before a vendor's hold ends, a phrase each.
fn unmet(vendor: &Vendor, config: &Config) -> Vec<String> {
    let id = &vendor.id;
    let privacy = &config.privacy;
    match vendor.hold_ends {
        None => vec!["nothing yet ends that".into()],
        Some(HoldEnds::AdFrame) => {
            let is_read = privacy.terms_read.iter().any(|(read, _)| read == id);
            [
                (privacy.ads == AdsMode::Vendor, "CUEHOUSE_ADS_MODE must be vendor".to_owned()),
                (privacy.ad_origin.is_some(), "CUEHOUSE_ADS_ORIGIN must be another origin for its frames".into()),
                (
                    is_read,
                    format!(
                        "CUEHOUSE_ADS_TERMS_READ must say {id}=YYYY-MM-DD, the day on which you read that its terms \
                         allow you such a frame"
                    ),
                ),
            ]
            .into_iter()
            .filter_map(|(is_met, what)| (!is_met).then_some(what))
            .collect()
        }
    }
}

/// Why a vendor cannot be on here.
fn refusal(vendor: &Vendor, key: &str, config: &Config) -> Option<String> {
    if vendor.state == State::Retired {
        return Some("it is retired and is never enabled".into());
    }
    if let Some(hold) = &vendor.hold {
        let unmet = unmet(vendor, config);
        if !unmet.is_empty() {
            return Some(format!("it is held back: {hold}. {}", unmet.join("; ")));
        }
    }
    if config.is_production() && !vendor.missing.is_empty() {
        return Some(format!(
            "not known yet, and without it nobody is on in production: {}",
            vendor.missing.join(", ")
        ));
    }
    if config.privacy.declares_no_sale && vendor.sells_or_shares {
        return Some("it sells or shares, and CUEHOUSE_PRIVACY_DECLARES_NO_SALE says that nothing is".into());
    }
    (!key::fits(&vendor.id, key)).then(|| "the key behind = is not one of this vendor's".into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let env: BTreeMap<String, String> =
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Config::read(None, &env)
    }

    fn book(pairs: &[(&str, &str)]) -> Rulebook {
        Rulebook::new(&config(pairs).unwrap()).unwrap()
    }

    /// S1-23, S3-56, R-EN-9, R-CN-11, T-BOOT-1, PR-21, D16: who is retired, held, unknown, without a right key or
    /// against the site's own word is refused at start.
    #[test]
    fn vendors_that_may_not_be_on_stop_the_start() {
        let on: Vec<&str> = book(&[("CUEHOUSE_VENDORS", "statcounter=123:abcdef,ga4=G-TEST")])
            .on()
            .map(|v| v.id.as_str())
            .collect();
        assert_eq!(on, ["ga4", "statcounter"]);
        assert_eq!(book(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]).key("ga4"), Some("G-TEST"));
        for vendors in [
            "clicksor=1",
            "adsense=ca-pub-1",
            "doubleclick=1",
            "magnite=1",
            "facebook=1",
            "ga4",
            "ga4=",
            "ga4=UA-1",
            "ga4=G-\"><script>",
            "statcounter=abc",
            "histats=1x",
            "ga4=G-TEST,ga4=G-OTHER",
        ] {
            assert!(config(&[("CUEHOUSE_VENDORS", vendors)]).is_err(), "{vendors}");
        }
        for (id, why) in [
            ("clicksor", "it is retired"),
            ("adsense", "creatives come from hosts nobody can list"),
            ("doubleclick", "same ground as adsense"),
            ("magnite", "an exchange: creatives come from hosts nobody can list"),
        ] {
            let faults = config(&[("CUEHOUSE_VENDORS", &format!("{id}=1"))]).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(id) && faults[0].contains(why), "{faults:?}");
        }
        for id in ["clicksor", "ga4", "nobody"] {
            assert!(config(&[("CUEHOUSE_ADS_TERMS_READ", &format!("{id}=2026-01-05"))]).is_err(), "{id}");
        }
        let no_sale = [("CUEHOUSE_PRIVACY_DECLARES_NO_SALE", "on"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")];
        assert!(config(&no_sale).is_err() && config(&no_sale[..1]).is_ok());
        for (name, value) in [
            ("CUEHOUSE_PRIVACY_PROFILE", "lax"),
            ("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "DE"),
            ("CUEHOUSE_PRIVACY_CHOICE_DAYS", "397"),
            ("CUEHOUSE_PRIVACY_CHOICE_DAYS", "0"),
        ] {
            assert!(config(&[(name, value)]).is_err(), "{name}={value}");
        }
    }

    /// S1-23, S3-56, R-EN-9, R-EN-10, T-BOOT-1, D16: whoever is held back is on with all three of a frame of another origin,
    /// advertising that goes so far and the operator's word on the terms of that very vendor, and with a key in its form; with
    /// one less the start fails and names it. Production wants the facts that are missing, too, and an ended one stays ended.
    #[test]
    fn a_hold_ends_on_all_its_grounds_and_on_no_fewer() {
        for (id, key, wrong) in [
            ("adsense", "ca-pub-12:34", "ca-pub-12"),
            ("doubleclick", "/12/Shop/Front", "12"),
            ("magnite", "1:2:3", "1:2"),
        ] {
            let (vendors, read) = (format!("{id}={key}"), format!("{id}=2026-01-05"));
            let vendors = ("CUEHOUSE_VENDORS", vendors.as_str());
            let grounds = [
                ("CUEHOUSE_ADS_MODE", "vendor"),
                ("CUEHOUSE_ADS_ORIGIN", "https://shop-frames.example"),
                ("CUEHOUSE_ADS_TERMS_READ", read.as_str()),
            ];
            for given in 0..8_usize {
                let (there, gone): (Vec<_>, Vec<_>) = (0..3_usize).partition(|n| (given >> *n) & 1 == 1);
                let mut said = vec![vendors];
                said.extend(there.into_iter().map(|n| grounds[n]));
                match config(&said) {
                    Ok(config) => {
                        let book = Rulebook::new(&config).unwrap();
                        let at = book.enabled[0].at;
                        assert!(gone.is_empty() && book.key(id) == Some(key), "{id}: {said:?}");
                        assert_eq!((book.lifted.as_slice(), book.hold(at)), (&[at][..], None), "{id}");
                    }
                    Err(faults) => {
                        let named = gone.iter().all(|n| faults[0].contains(grounds[*n].0));
                        let is_held = faults[0].contains(id) && faults[0].contains("it is held back: ");
                        assert!(!gone.is_empty() && faults.len() == 1 && named && is_held, "{faults:?}");
                    }
                }
            }
            // The grounds alone switch nobody on, and another vendor's terms are another's.
            let alone = book(&grounds);
            assert!(alone.enabled.is_empty() && alone.lifted.is_empty());
            let at = alone.registry.vendors.iter().position(|vendor| vendor.id == id).unwrap();
            assert!(alone.hold(at).is_some_and(|hold| hold.contains("frame")), "{id}");
            let other = if id == "adsense" { "doubleclick=2026-01-05" } else { "adsense=2026-01-05" };
            let theirs = [vendors, grounds[0], grounds[1], ("CUEHOUSE_ADS_TERMS_READ", other)];
            assert!(config(&theirs).is_err(), "{id}");
            for refused in [format!("{id}={wrong}"), "clicksor=1".to_owned()] {
                let said = [("CUEHOUSE_VENDORS", refused.as_str()), grounds[0], grounds[1], grounds[2]];
                assert!(config(&said).is_err(), "{refused}");
            }
            let live = [("CUEHOUSE_MODE", "production"), vendors, grounds[0], grounds[1], grounds[2]];
            let faults = config(&live).unwrap_err();
            let why = faults.iter().find(|fault| fault.contains(&format!("names {id}:"))).unwrap();
            assert!(why.contains("not known yet") && why.contains("deletion_url"), "{why}");
        }
    }

    /// R-AG-6: a site for everyone, children too, does not start with a gate that turns them away.
    #[test]
    fn a_site_for_children_asks_their_parents() {
        let age = |profile: &str, under: &str| {
            config(&[("CUEHOUSE_AGE_PROFILE", profile), ("CUEHOUSE_AGE_UNDER_MINIMUM", under)])
        };
        for (profile, under, starts) in [
            ("mixed_audience_vpc", "", true),
            ("mixed_audience_vpc", "vpc", true),
            ("mixed_audience_vpc", "block", false),
            ("mixed_audience_vpc", "block_forms", false),
            ("guardian_under_18", "", true),
            ("guardian_under_18", "block_forms", true),
            ("guardian_under_18", "vpc", false),
            ("general_no_target", "vpc", false),
            ("anything_goes", "", false),
            ("guardian_under_18", "nothing", false),
        ] {
            assert_eq!(age(profile, under).is_ok(), starts, "{profile} {under}");
        }
        assert!(book(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).child_mode);
        assert!(!book(&[]).child_mode && book(&[]).site.guardian_rule);
    }

    /// R-MN-5: of whom no month is known the band ends as it does for whoever entered it today, at the youngest; a month that is
    /// known stays.
    #[test]
    fn a_band_ends_for_certain_also_where_no_month_is_known() {
        let at = |text: &str| Month::parse(text);
        let now = at("2026-11").unwrap().begins().plus(28 * DAY);
        let (plain, general) = (book(&[]), book(&[("CUEHOUSE_AGE_PROFILE", "general_no_target")]));
        for (book, answer, next) in [
            (&plain, Answer::from(Band::Minor), at("2031-12")),
            (&plain, Answer::from(Band::Child), at("2039-12")),
            (&general, Answer::from(Band::Child), at("2040-12")),
            (&plain, Answer { band: Band::Minor, next: at("2028-02") }, at("2028-02")),
            (&plain, Answer::from(Band::Adult), None),
        ] {
            assert_eq!(book.with_month(answer, now), Answer { next, ..answer });
        }
    }

    /// T-PROP-5: opt-out counts only for a known place that the operator switched on, and never against a stricter site.
    #[test]
    fn an_unknown_place_is_strict() {
        let plain = book(&[]);
        let loose = book(&[("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "US-TX"), ("CUEHOUSE_PRIVACY_PROFILE", "us")]);
        let strict = book(&[("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "US-TX")]);
        for (place, plainly, loosely) in [
            (None, Model::OptIn, Model::OptIn),
            (Some("US-TX"), Model::OptIn, Model::OptOut),
            (Some("US-OH"), Model::OptIn, Model::OptIn),
            (Some("DE"), Model::OptIn, Model::OptIn),
            (Some("XX"), Model::OptIn, Model::OptIn),
        ] {
            assert_eq!(plain.model(place), plainly, "{place:?}");
            assert_eq!(loose.model(place), loosely, "{place:?}");
            assert_eq!(strict.model(place), Model::OptIn, "{place:?}");
        }
    }
}
