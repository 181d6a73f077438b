use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::clock::DAY;
use crate::config::Config;
use crate::consent::choices::Choices;
use crate::consent::decision::{Context, decide};
use crate::consent::guards::Signals;
use crate::consent::once::Once;
use crate::consent::rulebook::Enabled;
use crate::consent::trade::vendor_list::Held;
use crate::consent::vendor::Registry;

const NOW: Timestamp = Timestamp(1_795_910_400_000);

/// The shipped registry as if nobody were held back: the framework knows none of those who may be on today.
fn everyone() -> &'static Registry {
    static ALL: std::sync::LazyLock<Registry> = std::sync::LazyLock::new(|| {
        let text = include_str!("../vendors.toml");
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with("hold = ")).collect();
        Registry::read(&lines.join("\n")).unwrap()
    });
    &ALL
}

fn list() -> Arc<Newest> {
    let vendor = |id: u16, more: &str| format!("\"{id}\":{{\"id\":{id},\"name\":\"V{id}\"{more}}}");
    let json = format!(
        "{{\"gvlSpecificationVersion\":3,\"vendorListVersion\":150,\"tcfPolicyVersion\":5,\
         \"lastUpdated\":\"2026-11-19T16:00:00Z\",\"purposes\":{{}},\"vendors\":{{{},{}}}}}",
        vendor(755, ""),
        vendor(52, ",\"deletedDate\":\"2026-01-01T00:00:00Z\"")
    );
    let newest = Arc::new(Newest::default());
    newest.offer(Held::read(json, None).unwrap());
    newest
}

fn book(on: &[&str]) -> Rulebook {
    let env = BTreeMap::from(
        [("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "US-TX"), ("CUEHOUSE_PRIVACY_PROFILE", "us")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let mut book = Rulebook::new(&Config::read(None, &env).unwrap()).unwrap();
    book.registry = everyone();
    let at = |id: &str| everyone().vendors.iter().position(|v| v.id == id).unwrap();
    book.enabled = on.iter().map(|id| Enabled { at: at(id), key: "1".into() }).collect();
    let cmp = Cmp::registered(4000, 7, Letters::new("DE").unwrap()).unwrap();
    book.registered = Some(Arc::new(Registered { cmp, list: list() }));
    book.gpp = vec![US_NATIONAL, US_CALIFORNIA];
    book
}

fn said(book: &Rulebook, yes: &[&str], purposes: &[Purpose]) -> Choices {
    let mut choices = Choices {
        decided_at: Some(NOW.plus(-3 * DAY)),
        expires_at: Some(NOW.plus(DAY)),
        ..Choices::default()
    };
    for vendor in book.on() {
        choices.answer(vendor, yes.contains(&vendor.id.as_str()));
        choices.purposes.extend(vendor.purposes.iter().map(|p| (*p, purposes.contains(p))));
    }
    choices
}

fn consent(book: &Rulebook, choices: Choices, gpc: bool, band: Option<Band>) -> Consent {
    let decision = decide(&Context {
        book,
        band,
        age_locked: false,
        for_children: false,
        gpc,
        dnt: false,
        account_opted_out: false,
        ad_free: false,
        choices: &choices,
        country: None,
        letters_measured: false,
        load_once: None,
        now: NOW,
    });
    Consent {
        decision,
        choices,
        signals: Signals { gpc, dnt: false },
        band,
        account: None,
        row: None,
        country: None,
        ad_free: false,
        for_children: false,
        later: false,
        moves_on: false,
        takes_cookies: true,
        once: Once::default(),
    }
}

fn string(book: &Rulebook, consent: &Consent) -> (TcfTag, TcString) {
    let tag = TcfTag::new(book, consent, false, NOW).unwrap();
    let tc = TcString::decode(&tag.text).unwrap();
    assert_eq!(tc.validate(), Ok(()));
    (tag, tc)
}

fn ids(set: &IdSet) -> Vec<u16> {
    set.iter().collect()
}

/// R-TC-4, T-TC-1: the string is what was decided: a refusal before a choice, after a no, under a signal and under age;
/// after a yes the vendor of the list and the purposes that were granted to it.
#[test]
fn a_tc_string_says_what_was_decided() {
    let book = book(&["ga4", "adsense", "magnite"]);
    let all = [Purpose::Analytics, Purpose::Ads, Purpose::AdsPersonalised];
    let yes = said(&book, &["ga4", "adsense", "magnite"], &all);
    let (_, tc) = string(&book, &consent(&book, yes.clone(), false, None));
    assert_eq!(ids(&tc.purposes_consent), [1, 2, 7], "nothing personal before the age question");
    let (tag, tc) = string(&book, &consent(&book, yes.clone(), false, Some(Band::Adult)));
    assert_eq!((tag.cmp_id, tag.cmp_version, tag.list_version, tag.policy_version), (4000, 7, 150, 5));
    assert_eq!((tag.applies, tag.event, tag.display), ("yes", "tcloaded", "hidden"));
    assert_eq!((tc.cmp_id, tc.vendor_list_version, tc.publisher_cc.to_string()), (4000, 150, "DE".into()));
    assert_eq!(tc.created, Timestamp(NOW.plus(-3 * DAY).0.div_euclid(DAY) * DAY), "the day of the choice");
    assert_eq!(ids(tc.disclosed_vendors.as_ref().unwrap()), [755], "who left the list is told to nobody");
    assert_eq!(ids(&tc.vendor_consents), [755]);
    assert_eq!(ids(&tc.purposes_consent), [1, 2, 3, 4, 7]);
    assert_eq!(ids(&tc.publisher.as_ref().unwrap().purposes_consent), [1, 2, 3, 4, 7, 8, 9]);
    assert!(tc.purposes_li.is_empty() && tc.vendor_li.is_empty(), "consent is the only ground");
    let plain = said(&book, &["adsense"], &[Purpose::Ads]);
    let (_, tc) = string(&book, &consent(&book, plain, false, None));
    assert_eq!(ids(&tc.purposes_consent), [1, 2, 7]);
    for (choices, gpc, band) in [
        (Choices::default(), false, None),
        (said(&book, &[], &[]), false, None),
        (yes.clone(), true, None),
        (yes.clone(), false, Some(Band::Minor)),
        (Choices { opted_out_at: Some(NOW), ..yes.clone() }, false, None),
    ] {
        let (_, tc) = string(&book, &consent(&book, choices, gpc, band));
        assert!(tc.vendor_consents.is_empty() && tc.purposes_consent.is_empty(), "{gpc} {band:?}");
        assert_eq!(ids(tc.disclosed_vendors.as_ref().unwrap()), [755]);
    }
    let open = TcfTag::new(&book, &consent(&book, Choices::default(), false, None), true, NOW).unwrap();
    assert_eq!((open.event, open.display), ("cmpuishown", "visible"));
    let child = consent(&book, yes.clone(), false, Some(Band::Child));
    assert_eq!(TcfTag::new(&book, &child, false, NOW).unwrap().display, "disabled");
    let texas = Choices { place: Some("US-TX".into()), ..Choices::default() };
    assert_eq!(TcfTag::new(&book, &consent(&book, texas, false, None), false, NOW).unwrap().applies, "no");
    let mut without = book.clone();
    without.registered = None;
    assert!(TcfTag::new(&without, &consent(&book, yes.clone(), false, None), false, NOW).is_none());
    // Until a list came there is nothing to speak of.
    let cmp = Cmp::registered(4000, 7, Letters::new("DE").unwrap()).unwrap();
    without.registered = Some(Arc::new(Registered { cmp, list: Arc::default() }));
    assert!(TcfTag::new(&without, &consent(&book, yes, false, None), false, NOW).is_none());
}

/// R-TC-6: the sections of the United States say what was decided, the sub-section mirrors `Sec-GPC`, and the section in
/// force is that of the place a visitor named.
#[test]
fn a_gpp_string_says_what_was_decided() {
    let book = book(&["ga4"]);
    let yes = said(&book, &["ga4"], &[Purpose::Analytics]);
    let here = |place: Option<&str>| Choices { place: place.map(str::to_owned), ..yes.clone() };
    let section = |tag: &GppTag, id| {
        let gpp = Gpp::decode(&tag.text).unwrap();
        let found = gpp.sections().iter().find(|s| s.id == id).unwrap().content.clone();
        let Some(Content::Us(us)) = found else { panic!("{} cannot be read", tag.text) };
        us
    };
    for (choices, gpc, band, out, child) in [
        (yes.clone(), false, None, 2, 0),
        (yes.clone(), true, None, 1, 0),
        (Choices::default(), false, None, 1, 0),
        (said(&book, &[], &[]), false, None, 1, 0),
        (Choices { opted_out_at: Some(NOW), ..yes.clone() }, false, None, 1, 0),
        (Choices { overrides_gpc: Some(NOW), ..yes.clone() }, true, None, 2, 0),
        (yes.clone(), false, Some(Band::Minor), 1, 1),
    ] {
        let tag = GppTag::new(&book, &consent(&book, choices, gpc, band), false).unwrap();
        for id in [US_NATIONAL, US_CALIFORNIA] {
            let us = section(&tag, id);
            assert_eq!(us.answers("SaleOptOut").unwrap(), [out], "{gpc} {band:?}");
            assert_eq!(us.gpc(), Some(gpc));
            assert!(us.answers("KnownChildSensitiveDataConsents").unwrap().iter().all(|a| *a == child));
        }
        assert_eq!((tag.sections.as_str(), tag.supported.as_str()), ("7,8", "7:usnat,8:usca"));
    }
    for (place, section) in
        [(None, "-1"), (Some("US-CA"), "8"), (Some("us-tx"), "7"), (Some("US"), "7"), (Some("DE"), "-1")]
    {
        let tag = GppTag::new(&book, &consent(&book, here(place), false, None), false).unwrap();
        assert_eq!(
            (tag.applicable.as_str(), tag.signal, tag.cmp_id),
            (section, "ready", Some(4000)),
            "{place:?}"
        );
    }
    let open = GppTag::new(&book, &consent(&book, Choices::default(), false, None), true).unwrap();
    assert_eq!((open.signal, open.display), ("not ready", "visible"));
    let mut national = book.clone();
    national.gpp = vec![US_NATIONAL];
    let tag = GppTag::new(&national, &consent(&book, here(Some("US-CA")), false, None), false).unwrap();
    assert_eq!(tag.applicable, "7");
    national.gpp = vec![];
    assert!(GppTag::new(&national, &consent(&book, yes, false, None), false).is_none());
}
