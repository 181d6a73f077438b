use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::consent::trade::bits::Writer;

fn ids(most: u16) -> impl Strategy<Value = IdSet> {
    btree_set(1..=most, 0..24).prop_map(|set| set.into_iter().collect())
}

/// Few or many, near or far, single or in rows.
fn vendors() -> impl Strategy<Value = IdSet> {
    let rows = prop::collection::vec((1u16..2000, 0u16..80), 0..12).prop_map(|rows| {
        let mut set = IdSet::new();
        rows.into_iter().for_each(|(first, more)| set.insert_range(first, first + more));
        set
    });
    prop_oneof![ids(60), ids(1500), ids(u16::MAX), rows]
}

fn letters() -> impl Strategy<Value = Letters> {
    "[A-Z]{2}".prop_map(|text| Letters::new(&text).unwrap())
}

fn restrictions() -> impl Strategy<Value = Restrictions> {
    let kind = prop::sample::select(vec![
        Restriction::NotAllowed,
        Restriction::RequireConsent,
        Restriction::RequireLegitimateInterest,
    ]);
    btree_map((0u8..70, kind), vendors(), 0..5)
}

fn publisher() -> impl Strategy<Value = Publisher> {
    (ids(24), ids(30), 0u8..70, ids(70), ids(63)).prop_map(|(a, b, custom_purposes, c, d)| Publisher {
        purposes_consent: a,
        purposes_li: b,
        custom_purposes,
        custom_consent: c,
        custom_li: d,
    })
}

/// Any string there can be, and some there cannot.
fn strings() -> impl Strategy<Value = TcString> {
    let numbers = (any::<u16>(), any::<u16>(), any::<u8>(), any::<u16>(), any::<u8>());
    let times = (-1_000_000..8_000_000_000_000i64, 0..8_000_000_000_000i64);
    let flags = any::<(bool, bool, bool)>();
    let sets = (ids(14), ids(26), ids(24));
    let all_vendors = (vendors(), vendors(), option::of(vendors()), option::of(vendors()));
    let rest = (letters(), letters(), restrictions(), option::of(publisher()));
    (times, numbers, flags, sets, all_vendors, rest).prop_map(
        |(times, numbers, flags, sets, vendors, rest)| TcString {
            created: Timestamp(times.0),
            last_updated: Timestamp(times.1),
            cmp_id: numbers.0,
            cmp_version: numbers.1,
            consent_screen: numbers.2,
            consent_language: rest.0,
            vendor_list_version: numbers.3,
            policy_version: numbers.4,
            is_service_specific: flags.0,
            use_non_standard_texts: flags.1,
            special_feature_opt_ins: sets.0,
            purposes_consent: sets.1,
            purposes_li: sets.2,
            purpose_one_treatment: flags.2,
            publisher_cc: rest.1,
            vendor_consents: vendors.0,
            vendor_li: vendors.1,
            restrictions: rest.2,
            disclosed_vendors: vendors.2,
            allowed_vendors: vendors.3,
            publisher: rest.3,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(tc in strings()) {
        let text = tc.encode();
        let read = TcString::decode(&text).unwrap();
        prop_assert_eq!(&read, &tc.as_written());
        prop_assert_eq!(read.encode(), text);
        prop_assert_eq!(read.as_written(), read);
    }

    /// R-TC-2.
    #[test]
    fn what_is_written_keeps_the_rules(tc in strings()) {
        let written = TcString::decode(&tc.encode()).unwrap();
        prop_assert!(written.is_service_specific);
        prop_assert_eq!(written.created, written.last_updated);
        prop_assert_eq!(written.created.0 % DAY, 0);
        prop_assert!(CONSENT_ONLY.iter().all(|purpose| !written.purposes_li.contains(*purpose)));
        prop_assert!(written.disclosed_vendors.is_some() && written.publisher.is_some());
        prop_assert!(written.allowed_vendors.is_none());
        for segment in tc.encode().split('.') {
            prop_assert_eq!(segment.len() % 4, 0, "a segment is filled to 24 bits");
        }
        let _ = written.tc_data();
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[A-Za-z0-9_.-]{0,120}", wild in ".{0,60}", core in any::<bool>()) {
        let text = if core { format!("C{text}") } else { text };
        for text in [text, wild] {
            if let Ok(tc) = TcString::decode(&text) {
                prop_assert_eq!(TcString::decode(&tc.encode()), Ok(tc.as_written()));
            }
        }
    }

    #[test]
    fn a_damaged_string_is_read_or_refused(tc in strings(), at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_.-]") {
        let mut text = tc.encode();
        let place = at.index(text.len());
        text.replace_range(place..=place, &letter);
        let _ = TcString::decode(&text);
        text.truncate(place);
        let _ = TcString::decode(&text);
    }
}

/// R-TC-2.
#[test]
fn segments_are_read_in_any_order_and_only_once() {
    let text = TcString::decode("CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA").unwrap().encode();
    let parts: Vec<&str> = text.split('.').collect();
    let read = TcString::decode(&text).unwrap();
    let check = |order: &[usize], wanted: Result<(), Fault>| {
        let shuffled = order.iter().map(|at| parts[*at]).collect::<Vec<_>>().join(".");
        assert_eq!(TcString::decode(&shuffled).map(|tc| assert_eq!(tc, read)), wanted, "{order:?}");
    };
    check(&[0, 2, 1], Ok(()));
    check(&[2, 1, 0], Ok(()));
    check(&[0, 1, 1, 2], Err(Fault::Twice));
    check(&[0, 0], Err(Fault::Twice));
    check(&[1, 2], Err(Fault::NoCore));
    assert_eq!(TcString::decode(&format!("{text}.4AAA")), Err(Fault::Segment(7)));
    assert_eq!(TcString::decode(""), Err(Fault::Bits(bits::Fault::Ends)));
    assert_eq!(TcString::decode(&"C".repeat(bits::LONGEST + 1)), Err(Fault::Bits(bits::Fault::TooLong)));
}

#[test]
fn vendors_in_no_order_are_refused() {
    let check = |rows: &[(bool, u64, u64)], wanted: Result<(), Fault>| {
        let mut segment = Writer::new();
        segment.int(1, 3);
        segment.int(9, 16);
        segment.bit(true);
        segment.int(rows.len() as u64, 12);
        for (is_row, first, last) in rows {
            segment.bit(*is_row);
            segment.int(*first, 16);
            if *is_row {
                segment.int(*last, 16);
            }
        }
        let text = format!("COwxsONOwxsONKpAAAENAdCAAMAAAAAAAAAAAAAAAAAA.{}", segment.base64url(24));
        assert_eq!(TcString::decode(&text).map(|_| ()), wanted, "{rows:?}");
    };
    check(&[(true, 3, 9), (false, 2, 0), (true, 4, 4)], Ok(()));
    check(&[(true, 9, 3)], Err(Fault::Range));
    check(&[(false, 0, 0)], Err(Fault::Range));
    check(&[(true, 0, 5)], Err(Fault::Range));
}

#[test]
fn every_vendor_can_be_restricted() {
    let all: IdSet = (1..=u16::MAX).filter(|id| id % 2 == 1).collect();
    let mut tc = TcString::decode("COwxsONOwxsONKpAAAENAdCAAMAAAAAAAAAAAAAAAAAA").unwrap();
    tc.restrictions.insert((2, Restriction::NotAllowed), all.clone());
    tc.vendor_consents = all;
    assert_eq!(TcString::decode(&tc.encode()), Ok(tc.as_written()));
}

#[test]
fn a_refusal_follows_the_list() {
    let list = VendorList::parse(
        r#"{ "gvlSpecificationVersion": 3, "vendorListVersion": 17, "tcfPolicyVersion": 4, "lastUpdated": "",
             "purposes": {}, "vendors": {} }"#,
    )
    .unwrap();
    let country = Letters::new("de").unwrap();
    let cmp = Cmp::registered(4000, 1, country).unwrap();
    let now = Timestamp(1_795_341_599_999);
    let disclosed = [52, 755].into_iter().collect();
    let tc = TcString::refusal(cmp, &list, Letters::ENGLISH, disclosed, now);
    assert_eq!(
        tc.encode(),
        "CQuFeUAQuFeUA-gABBENAREgAAAAAAAAAAYgAAAAAAAA.IF5wAgAaALzA.YAAAAAAAAAAA",
        "the vector refuse-all"
    );
    assert_eq!(tc.validate(), Ok(()));
}

#[test]
fn a_page_is_told_yes_and_nothing_else() {
    let mut tc = TcString::decode("CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA").unwrap();
    tc.restrictions.insert((2, Restriction::RequireConsent), [8, 9].into_iter().collect());
    tc.restrictions.insert((2, Restriction::NotAllowed), [8].into_iter().collect());
    let said = tc.tc_data();
    assert_eq!(said["vendor"]["consents"], serde_json::json!({ "1": true, "2": true, "3": true, "4": true }));
    assert_eq!(said["purpose"]["consents"], serde_json::json!({}));
    assert_eq!(said["publisher"]["restrictions"], serde_json::json!({ "2": { "8": 0, "9": 1 } }));
    assert_eq!(said["publisherCC"], "DE");
}

/// R-TC-4.
#[test]
fn an_id_that_nobody_has_makes_no_consent_manager() {
    for (id, version) in [(0, 1), (1, 1), (4096, 1), (4000, 4096)] {
        assert_eq!(Cmp::registered(id, version, Letters::NOWHERE), None, "{id} {version}");
    }
    for wrong in ["", "E", "ENG", "E1", "ÄÖ", "é"] {
        assert_eq!(Letters::new(wrong), None, "{wrong}");
    }
}
