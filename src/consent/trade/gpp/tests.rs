use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn headers_come_back(ids in prop::collection::btree_set(1u16..=1024, 0..30)) {
        let ids: Vec<u16> = ids.into_iter().collect();
        let text = write_header(&ids);
        prop_assert_eq!(read_header(&text), Ok(ids.clone()));
        let bare = text.trim_end_matches('A').to_string();
        if bare.len() > 4 {
            prop_assert!(read_header(&bare).is_err() || read_header(&bare) == Ok(ids));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(
        tail in "[A-Za-z0-9_~.-]{0,120}", wild in ".{0,60}", head in "DBA[A-D][A-Za-z0-9_-]{1,4}",
    ) {
        for text in [format!("{head}~{tail}"), format!("DBABMA~{tail}"), format!("DBABLA~{tail}"), tail, wild] {
            if let Ok(gpp) = Gpp::decode(&text) {
                prop_assert_eq!(Gpp::decode(&gpp.encode()), Ok(gpp.clone()));
                let _ = gpp.parsed();
            }
        }
    }

    #[test]
    fn a_section_of_any_letters_is_read_the_same_again(id in 1u16..30, text in "[ABC][A-Za-z0-9_-]{4,14}(\\.[QY][A-Z]|\\.[A-Z]{3})?") {
        if let Some(section) = UsSection::decode(id, &text) {
            prop_assert_eq!(UsSection::decode(id, &section.encode()), Some(section.clone()));
            let gpp = Gpp::default().with(Content::Us(section));
            prop_assert_eq!(Gpp::decode(&gpp.encode()), Ok(gpp));
        }
    }
}

#[test]
fn a_broken_header_is_refused() {
    let check = |text: &str, fault: Fault| assert_eq!(Gpp::decode(text), Err(fault), "{text}");
    check("", Fault::Bits(bits::Fault::Ends));
    check("z", Fault::Bits(bits::Fault::Ends));
    check("DCAA", Fault::Header);
    check("CBAA", Fault::Header);
    check("DBAA~1YNN", Fault::Count);
    check("DBABMA", Fault::Count);
    check("DBACNYA~1YNN", Fault::Count);
    check("DB=A", Fault::Bits(bits::Fault::Letter));
    let far = {
        let mut out = Writer::new();
        [(3, 6), (1, 6), (1, 12), (1, 1)].iter().for_each(|(value, width)| out.int(*value, *width));
        out.fibonacci(1);
        out.fibonacci(1 << 62);
        out.base64url(8)
    };
    check(&far, Fault::Ids);
    assert_eq!(Gpp::decode("DBAA"), Ok(Gpp::default()));
}

#[test]
fn a_section_stands_in_its_place_and_once() {
    let choice = UsChoice { opted_out: true, known_child: false, gpc: true };
    let usp =
        Usp { notice: UspAnswer::Yes, opt_out_sale: UspAnswer::No, lspa_covered: UspAnswer::NotApplicable };
    let gpp = Gpp::default()
        .with(Content::Us(UsSection::california(UsChoice { gpc: false, ..choice })))
        .with(Content::Us(UsSection::national(choice)))
        .with(Content::Usp(usp))
        .with(Content::Us(UsSection::california(choice)));
    let ids: Vec<u16> = gpp.sections().iter().map(|section| section.id).collect();
    assert_eq!(ids, [USP, US_NATIONAL, US_CALIFORNIA]);
    assert_eq!(gpp.sections()[2].text, "BUUAAACA.YA");
    assert_eq!(Gpp::decode(&gpp.encode()), Ok(gpp.clone()));
    assert_eq!(gpp.parsed()["usca"][1]["Gpc"], true);
    assert_eq!(gpp.parsed()["uspv1"][0]["LspaCovered"], "-");
}

#[test]
fn a_section_that_means_nothing_is_no_section() {
    let check = |id, text: &str| assert_eq!(UsSection::decode(id, text), None, "{id} {text}");
    check(US_CALIFORNIA, "BUUAAAC"); // ends too soon
    check(US_CALIFORNIA, "CUUAAACA.YA"); // version 2
    check(US_CALIFORNIA, "B_UAAACA.YA"); // an answer 3
    check(US_CALIFORNIA, "BUUAAACA.gA"); // a part of kind 2
    check(US_CALIFORNIA, "BUUAAACA.YA.YA"); // a third part
    check(9, "BAAAABA.QA"); // Virginia has one part
    check(28, "BUUAAACA.YA"); // no such state
    check(25, "ZBAAAAAA.AAA"); // a header before the core
    assert!(UsSection::decode(US_CALIFORNIA, "BUUAAACA").is_some_and(|section| section.gpc().is_none()));
    for text in ["1YN", "1YNNN", "2YNN", "1ynn", "1YNX", "", "1"] {
        assert_eq!(Usp::decode(text), None, "{text}");
    }
}

#[test]
fn the_european_section_is_a_tc_string() {
    let tc = TcString::decode("CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA").unwrap();
    let choice = UsChoice { opted_out: false, known_child: false, gpc: false };
    let gpp = Gpp::default()
        .with(Content::Us(UsSection::national(choice)))
        .with(Content::TcfEu(Box::new(tc.clone())));
    assert_eq!(gpp.encode(), format!("DBACMMA~{}~CVQqAAAAAACA.QA", tc.encode()));
    assert_eq!(Gpp::decode(&gpp.encode()), Ok(gpp.clone()));
    assert_eq!(
        gpp.parsed().as_object().map(|all| all.keys().collect::<Vec<_>>()),
        Some(vec![&"usnat".to_string()])
    );
}

/// R-TC-7.
#[test]
fn a_section_that_cannot_be_read_goes_on_as_it_came() {
    let text = "DBABjwA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN";
    let gpp = Gpp::decode(text).unwrap();
    assert_eq!(gpp.sections()[0].content, None);
    assert!(matches!(gpp.sections()[1].content, Some(Content::Usp(_))));
    assert_eq!(Gpp::decode(&gpp.encode()), Ok(gpp));
}
