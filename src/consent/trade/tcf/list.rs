//! The vendor list of the framework (format 3), and how long a copy of it may be used before the publisher is asked again.
//!
//! The server fetches the list, keeps it as its headers say and hands it out itself; a browser never asks for it. The
//! fetching is done elsewhere: here is what the answer means.

use std::collections::BTreeMap;
use std::fmt;

use chrono::DateTime;
use serde::Deserialize;

use crate::clock::{SECOND, Timestamp};
use crate::consent::trade::bits::IdSet;

/// The vendor list: what this shop reads of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VendorList {
    #[serde(rename = "gvlSpecificationVersion")]
    pub format: u16,
    #[serde(rename = "vendorListVersion")]
    pub version: u16,
    #[serde(rename = "tcfPolicyVersion")]
    pub policy_version: u8,
    /// When the list was published, as it says it (RFC 3339).
    #[serde(rename = "lastUpdated")]
    pub last_updated: String,
    pub purposes: BTreeMap<u16, Declared>,
    #[serde(rename = "specialPurposes", default)]
    pub special_purposes: BTreeMap<u16, Declared>,
    #[serde(default)]
    pub features: BTreeMap<u16, Declared>,
    #[serde(rename = "specialFeatures", default)]
    pub special_features: BTreeMap<u16, Declared>,
    pub vendors: BTreeMap<u16, ListedVendor>,
}

/// A purpose or feature in the words of the list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Declared {
    pub id: u16,
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub illustrations: Vec<String>,
}

/// A vendor of the list and what it declares.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedVendor {
    pub id: u16,
    pub name: String,
    #[serde(default)]
    pub purposes: Vec<u16>,
    #[serde(default)]
    pub leg_int_purposes: Vec<u16>,
    #[serde(default)]
    pub flexible_purposes: Vec<u16>,
    #[serde(default)]
    pub special_purposes: Vec<u16>,
    #[serde(default)]
    pub features: Vec<u16>,
    #[serde(default)]
    pub special_features: Vec<u16>,
    #[serde(default)]
    pub urls: Vec<VendorUrls>,
    #[serde(default)]
    pub uses_cookies: bool,
    /// How long its longest cookie lives; the list says 0 or less for the session alone.
    #[serde(default)]
    pub cookie_max_age_seconds: Option<i64>,
    #[serde(default)]
    pub uses_non_cookie_access: bool,
    /// Set when the vendor is gone: nobody may be told about it any more.
    #[serde(default)]
    pub deleted_date: Option<String>,
}

/// Where a vendor explains itself, by language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VendorUrls {
    #[serde(rename = "langId")]
    pub language: String,
    #[serde(default)]
    pub privacy: Option<String>,
    #[serde(rename = "legIntClaim", default)]
    pub legitimate_interest: Option<String>,
}

/// Why an answer is no vendor list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not the JSON of a list, and where.
    Json(String),
    /// A list of another format than 3.
    Format(u16),
    /// A vendor or purpose under another number than its own, or a number a string has no room for.
    Number(u16),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Json(why) => write!(f, "not a vendor list: {why}"),
            Fault::Format(format) => write!(f, "a vendor list of format {format}"),
            Fault::Number(number) => write!(f, "number {number} does not fit its place in the vendor list"),
        }
    }
}

/// The format of list this shop reads.
pub const FORMAT: u16 = 3;

impl VendorList {
    /// Reads a list. Fields that are not known are passed over, so that a list may grow.
    pub fn parse(json: &str) -> Result<VendorList, Fault> {
        let list: VendorList = serde_json::from_str(json).map_err(|error| Fault::Json(error.to_string()))?;
        if list.format != FORMAT {
            return Err(Fault::Format(list.format));
        }
        if list.version > 0xfff {
            return Err(Fault::Number(list.version));
        }
        if list.policy_version > 0x3f {
            return Err(Fault::Number(list.policy_version.into()));
        }
        let declared = [
            (&list.purposes, 24),
            (&list.special_purposes, u16::MAX),
            (&list.features, u16::MAX),
            (&list.special_features, 12),
        ];
        let all = declared
            .into_iter()
            .flat_map(|(table, most)| table.iter().map(move |(key, entry)| (*key, entry.id, most)));
        let vendors = list.vendors.iter().map(|(key, vendor)| (*key, vendor.id, u16::MAX));
        let wrong = all.chain(vendors).find(|(key, id, most)| key != id || *id == 0 || id > most);
        wrong.map_or(Ok(()), |(key, ..)| Err(Fault::Number(key)))?;
        Ok(list)
    }

    /// A vendor that is still there.
    pub fn vendor(&self, id: u16) -> Option<&ListedVendor> {
        self.vendors.get(&id).filter(|vendor| vendor.deleted_date.is_none())
    }

    /// These ids without those that the list does not know, or no longer.
    pub fn known(&self, ids: &IdSet) -> IdSet {
        ids.only(|id| self.vendor(id).is_some())
    }
}

/// The headers of an answer that say how long it may be kept (RFC 9111), as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    pub cache_control: Option<&'a str>,
    pub expires: Option<&'a str>,
    pub date: Option<&'a str>,
    pub age: Option<&'a str>,
    pub etag: Option<&'a str>,
    pub last_modified: Option<&'a str>,
}

/// What is known about a kept copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Until then the publisher is not asked again.
    pub fresh_until: Timestamp,
    /// Sent back as `If-None-Match`, and `last_modified` as `If-Modified-Since`.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// What to do with a list that is wanted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Use the copy and ask nobody.
    Nothing,
    /// Ask whether the copy is still the newest; until that is answered, and when nobody answers, the copy serves.
    Revalidate,
    /// There is nothing to use yet.
    Fetch,
}

/// No answer is believed to stay fresh longer than this.
const LONGEST_SECS: i64 = 366 * 24 * 60 * 60;

impl Keeping {
    /// What the headers of a whole answer, received at `now`, allow. An answer that says nothing of its life is stale
    /// at once: the framework wants its lists kept for the time the header names and no other.
    pub fn of(headers: &Headers<'_>, now: Timestamp) -> Keeping {
        Keeping {
            fresh_until: now.plus(lifetime_secs(headers, now) * SECOND),
            etag: headers.etag.map(str::to_string),
            last_modified: headers.last_modified.map(str::to_string),
        }
    }

    /// After the publisher answered "not modified": the copy lives on as the new headers say.
    pub fn renewed(&self, headers: &Headers<'_>, now: Timestamp) -> Keeping {
        let new = Keeping::of(headers, now);
        Keeping {
            fresh_until: new.fresh_until,
            etag: new.etag.or_else(|| self.etag.clone()),
            last_modified: new.last_modified.or_else(|| self.last_modified.clone()),
        }
    }

    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.fresh_until
    }

    /// What a wish for the list at `now` asks for, given the copy, if there is one.
    pub fn need(copy: Option<&Keeping>, now: Timestamp) -> Need {
        match copy {
            None => Need::Fetch,
            Some(copy) if copy.is_fresh(now) => Need::Nothing,
            Some(_) => Need::Revalidate,
        }
    }

    /// Seconds a browser may keep what is handed out at `now`: the rest of our own time, for `Cache-Control: max-age`.
    pub fn left_secs(&self, now: Timestamp) -> i64 {
        self.fresh_until.since(now).max(0) / SECOND
    }
}

/// Seconds an answer stays fresh. This server is a shared cache, so `s-maxage` comes before `max-age`, and both before
/// `Expires`; the time the answer has already spent in other caches is taken off.
fn lifetime_secs(headers: &Headers<'_>, now: Timestamp) -> i64 {
    let control = headers.cache_control.unwrap_or_default();
    let directive = |wanted: &str| {
        control.split(',').find_map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
        })
    };
    if ["no-store", "no-cache", "private"].iter().any(|word| directive(word).is_some()) {
        return 0;
    }
    let named = directive("s-maxage").or_else(|| directive("max-age"));
    let life = match (named, headers.expires) {
        // A number too long to read is a long time (RFC 9111, 1.2.2); anything else that is no number is none.
        (Some(secs), _) if !secs.is_empty() && secs.bytes().all(|b| b.is_ascii_digit()) => {
            secs.parse().unwrap_or(LONGEST_SECS)
        }
        (Some(_), _) => 0,
        (None, Some(expires)) => {
            let sent = headers.date.and_then(http_date).unwrap_or(now);
            http_date(expires).map_or(0, |end| end.since(sent) / SECOND)
        }
        (None, None) => 0,
    };
    let age = headers.age.and_then(|age| age.trim().parse::<u32>().ok()).map_or(0, i64::from);
    (life.min(LONGEST_SECS) - age).max(0)
}

fn http_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|date| Timestamp(date.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{DAY, HOUR};

    const NOW: Timestamp = Timestamp(1_795_305_600_000); // 2026-11-22

    fn list() -> serde_json::Value {
        serde_json::json!({
            "gvlSpecificationVersion": 3,
            "vendorListVersion": 150,
            "tcfPolicyVersion": 5,
            "lastUpdated": "2026-11-19T16:00:00Z",
            "purposes": {
                "1": { "id": 1, "name": "Store and access", "description": "…", "illustrations": ["…"] },
                "2": { "id": 2, "name": "Limited data", "consentable": true },
            },
            "specialFeatures": { "1": { "id": 1, "name": "Precise location", "description": "…" } },
            "stacks": { "1": { "id": 1, "purposes": [] } },
            "dataCategories": {},
            "vendors": {
                "8": {
                    "id": 8, "name": "A Vendor", "purposes": [1], "legIntPurposes": [2], "flexiblePurposes": [2],
                    "specialPurposes": [1], "features": [], "specialFeatures": [1], "usesCookies": true,
                    "cookieMaxAgeSeconds": 31_536_000, "cookieRefresh": false, "usesNonCookieAccess": true,
                    "dataRetention": { "stdRetention": 30 },
                    "urls": [{ "langId": "en", "privacy": "https://vendor.example/privacy" }],
                },
                "9": { "id": 9, "name": "Gone", "purposes": [1], "deletedDate": "2025-01-01T00:00:00Z" },
            },
        })
    }

    #[test]
    fn a_list_is_read_and_grows_without_harm() {
        let list = VendorList::parse(&list().to_string()).unwrap();
        assert_eq!((list.version, list.policy_version), (150, 5));
        let vendor = list.vendor(8).unwrap();
        assert_eq!((vendor.purposes.as_slice(), vendor.leg_int_purposes.as_slice()), (&[1][..], &[2][..]));
        assert_eq!(vendor.urls[0].privacy.as_deref(), Some("https://vendor.example/privacy"));
        assert!(list.vendor(9).is_none(), "a deleted vendor is not offered");
        assert_eq!(list.known(&[7, 8, 9].into_iter().collect()), [8].into_iter().collect());
    }

    #[test]
    fn a_wrong_list_is_refused() {
        let check = |pointer: &str, value: serde_json::Value, fault: Fault| {
            let mut wrong = list();
            *wrong.pointer_mut(pointer).unwrap() = value;
            assert_eq!(VendorList::parse(&wrong.to_string()), Err(fault), "{pointer}");
        };
        check("/gvlSpecificationVersion", 2.into(), Fault::Format(2));
        check("/vendorListVersion", 4096.into(), Fault::Number(4096));
        check("/tcfPolicyVersion", 64.into(), Fault::Number(64));
        check("/vendors/8/id", 9.into(), Fault::Number(8));
        check("/purposes/2/id", 1.into(), Fault::Number(2));
        assert!(matches!(VendorList::parse("<html>"), Err(Fault::Json(_))));
        assert!(matches!(VendorList::parse("{}"), Err(Fault::Json(_))));
    }

    fn fresh_secs(headers: Headers<'_>) -> i64 {
        Keeping::of(&headers, NOW).left_secs(NOW)
    }

    /// T-TC-2.
    #[test]
    fn a_copy_stays_fresh_as_long_as_its_headers_say() {
        let check = |control: &str, secs| {
            let headers = Headers { cache_control: Some(control), ..Headers::default() };
            assert_eq!(fresh_secs(headers), secs, "{control}");
        };
        check("max-age=604800", 604_800);
        check("public, Max-Age=604800", 604_800);
        check("max-age=\"60\"", 60);
        check("max-age=60, s-maxage=3600", 3600);
        check("max-age=604800, no-cache", 0);
        check("no-store, max-age=604800", 0);
        check("private, max-age=604800", 0);
        check("max-age=-1", 0);
        check("max-age=soon", 0);
        check("max-age", 0);
        check("public", 0);
        check("max-age=99999999999999999999999", LONGEST_SECS);
        assert_eq!(fresh_secs(Headers::default()), 0);
    }

    /// T-TC-2.
    #[test]
    fn expires_counts_from_the_answers_own_date_and_only_without_max_age() {
        let (day, next) = (NOW.plus(-HOUR).http(), NOW.plus(-HOUR + DAY).http());
        let expires = Headers { expires: Some(&next), date: Some(&day), ..Headers::default() };
        assert_eq!(fresh_secs(expires), 86_400);
        assert_eq!(fresh_secs(Headers { age: Some("3600"), ..expires }), 82_800);
        assert_eq!(fresh_secs(Headers { age: Some("86401"), ..expires }), 0);
        assert_eq!(fresh_secs(Headers { date: None, ..expires }), 23 * 3600);
        assert_eq!(fresh_secs(Headers { cache_control: Some("max-age=5"), ..expires }), 5);
        assert_eq!(fresh_secs(Headers { expires: Some("0"), ..Headers::default() }), 0);
    }

    /// T-TC-2.
    #[test]
    fn a_stale_copy_is_asked_about_and_lives_on_when_it_has_not_changed() {
        let week =
            Headers { cache_control: Some("max-age=604800"), etag: Some("\"v150\""), ..Headers::default() };
        let copy = Keeping::of(&week, NOW);
        let later = NOW.plus(7 * DAY);
        assert_eq!(Keeping::need(None, NOW), Need::Fetch);
        assert_eq!(Keeping::need(Some(&copy), later.plus(-1)), Need::Nothing);
        assert_eq!(Keeping::need(Some(&copy), later), Need::Revalidate);
        assert_eq!(copy.left_secs(later.plus(DAY)), 0);
        let renewed = copy.renewed(&Headers { etag: None, ..week }, later);
        assert_eq!(renewed.etag.as_deref(), Some("\"v150\""));
        assert_eq!(Keeping::need(Some(&renewed), later.plus(DAY)), Need::Nothing);
    }
}
