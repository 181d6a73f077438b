//! The strings of the consent trade against known ones and against the reference encoders.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::trade::bits::{IdSet, Writer};
use cuehouse::consent::trade::gpp::{Content, Gpp, US_CALIFORNIA, UsChoice, UsSection};
use cuehouse::consent::trade::tcf::{Letters, Publisher, Restriction, Restrictions, TcString};
use serde::Deserialize;
use serde_json::{Value, json};

fn data<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/consent").join(name);
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct TcfData {
    read: Vec<Read>,
    write: Vec<Written>,
    broken: Vec<Broken>,
}

#[derive(Deserialize)]
struct Read {
    name: String,
    text: String,
    #[serde(default)]
    refused: Vec<String>,
    #[serde(flatten)]
    said: Said,
}

#[derive(Deserialize)]
struct Written {
    name: String,
    text: String,
    asked: Said,
    said: Said,
}

#[derive(Deserialize)]
struct Broken {
    text: String,
    why: String,
}

/// A TC string as the data files write it.
#[derive(Deserialize)]
struct Said {
    created: String,
    updated: String,
    cmp: (u16, u16, u8),
    language: String,
    country: String,
    list: (u16, u8),
    flags: Vec<String>,
    special: Vec<u16>,
    purposes: (Vec<u16>, Vec<u16>),
    vendors: (Vec<u16>, Vec<u16>),
    #[serde(default)]
    restrictions: Vec<(u8, u8, Vec<u16>)>,
    disclosed: Option<Vec<u16>>,
    allowed: Option<Vec<u16>>,
    #[serde(default)]
    publisher: bool,
}

fn set(ids: &[u16]) -> IdSet {
    ids.iter().copied().collect()
}

fn kind(number: u8) -> Restriction {
    [Restriction::NotAllowed, Restriction::RequireConsent, Restriction::RequireLegitimateInterest]
        [usize::from(number)]
}

impl Said {
    fn model(&self) -> TcString {
        let time =
            |text: &str| Timestamp(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis());
        let flag = |name: &str| self.flags.iter().any(|flag| flag == name);
        TcString {
            created: time(&self.created),
            last_updated: time(&self.updated),
            cmp_id: self.cmp.0,
            cmp_version: self.cmp.1,
            consent_screen: self.cmp.2,
            consent_language: Letters::new(&self.language).unwrap(),
            vendor_list_version: self.list.0,
            policy_version: self.list.1,
            is_service_specific: flag("service_specific"),
            use_non_standard_texts: flag("own_texts"),
            special_feature_opt_ins: set(&self.special),
            purposes_consent: set(&self.purposes.0),
            purposes_li: set(&self.purposes.1),
            purpose_one_treatment: flag("purpose_one"),
            publisher_cc: Letters::new(&self.country).unwrap(),
            vendor_consents: set(&self.vendors.0),
            vendor_li: set(&self.vendors.1),
            restrictions: self
                .restrictions
                .iter()
                .map(|(purpose, number, ids)| ((*purpose, kind(*number)), set(ids)))
                .collect(),
            disclosed_vendors: self.disclosed.as_deref().map(set),
            allowed_vendors: self.allowed.as_deref().map(set),
            publisher: self.publisher.then(Publisher::default),
        }
    }
}

/// T-VEC-1, T-VEC-4, R-TC-1, R-TC-3.
#[test]
fn known_tc_strings_are_read_and_refused_for_the_right_reasons() {
    let all: TcfData = data("tcf.toml");
    assert!(all.read.len() >= 9);
    for Read { name, text, refused, said } in all.read {
        let tc = TcString::decode(&text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(tc, said.model(), "{name}");
        let reasons: Vec<&str> = tc.validate().err().unwrap_or_default().iter().map(|r| r.word()).collect();
        assert_eq!(reasons, refused, "{name}");
    }
    for Broken { text, why } in all.broken {
        assert!(TcString::decode(&text).is_err(), "{text}: {why}");
    }
}

/// T-VEC-2, R-TC-1, R-TC-2.
#[test]
fn tc_strings_are_written_as_the_reference_writes_them() {
    for Written { name, text, asked, said } in data::<TcfData>("tcf.toml").write {
        assert_eq!(asked.model().encode(), text, "{name}");
        let tc = TcString::decode(&text).unwrap();
        assert_eq!(tc, said.model(), "{name}");
        assert_eq!(tc.validate(), Ok(()), "{name}");
    }
}

/// T-VEC-4, R-TC-3.
#[test]
fn a_string_is_judged_by_its_day_its_policy_and_its_scope() {
    let good = data::<TcfData>("tcf.toml").write.remove(0).said.model();
    let check = |change: &dyn Fn(&mut TcString), wanted: &[&str]| {
        let mut tc = good.clone();
        change(&mut tc);
        let reasons: Vec<&str> = tc.validate().err().unwrap_or_default().iter().map(|r| r.word()).collect();
        assert_eq!(reasons, wanted);
    };
    let day = |text: &str| {
        Timestamp(
            chrono::DateTime::parse_from_rfc3339(&format!("{text}T00:00:00Z")).unwrap().timestamp_millis(),
        )
    };
    check(&|_| (), &[]);
    check(&|tc| tc.is_service_specific = false, &["not_service_specific"]);
    check(&|tc| tc.disclosed_vendors = None, &["disclosed_vendors_missing"]);
    check(&|tc| tc.policy_version = 3, &["policy_version_below_4"]);
    check(&|tc| tc.policy_version = 5, &[]);
    check(
        &|tc| {
            tc.disclosed_vendors = None;
            tc.last_updated = day("2026-02-27");
        },
        &[],
    );
    check(
        &|tc| {
            tc.disclosed_vendors = None;
            tc.last_updated = day("2026-02-28");
        },
        &["disclosed_vendors_missing"],
    );
}

#[derive(Deserialize)]
struct GppData {
    header: Vec<Header>,
    section: Vec<KnownSection>,
    whole: Vec<Whole>,
    write: Vec<WriteGpp>,
    broken: Vec<Broken>,
}

#[derive(Deserialize)]
struct Header {
    text: String,
    ids: Vec<u16>,
    padding: String,
}

#[derive(Deserialize)]
struct KnownSection {
    id: u16,
    text: String,
    source: String,
    parts: Value,
}

#[derive(Deserialize)]
struct Whole {
    name: String,
    text: String,
    sections: Vec<Piece>,
}

#[derive(Deserialize)]
struct Piece {
    id: u16,
    text: String,
    read: bool,
}

#[derive(Deserialize)]
struct WriteGpp {
    name: String,
    section: String,
    choice: Choice,
    text: String,
    parts: Value,
}

#[derive(Deserialize)]
struct Choice {
    opted_out: bool,
    known_child: bool,
    gpc: bool,
}

/// T-VEC-5, R-TC-6.
#[test]
fn known_gpp_sections_are_read_field_by_field() {
    let all: GppData = data("gpp.toml");
    let ids: std::collections::BTreeSet<u16> = all.section.iter().map(|section| section.id).collect();
    assert!((7..=27).all(|id| ids.contains(&id)), "a section of each state: {ids:?}");
    for KnownSection { id, text, source, parts } in all.section {
        let section = UsSection::decode(id, &text).unwrap_or_else(|| panic!("{id} {text} ({source})"));
        assert_eq!(section.parts(), parts, "{id} {text} ({source})");
        assert_eq!(section.encode(), text, "{id} ({source})");
        if let Some(gpc) = parts[1].get("Gpc") {
            assert_eq!(section.gpc(), gpc.as_bool());
        }
    }
}

/// T-VEC-6, R-TC-6, R-TC-7.
#[test]
fn gpp_headers_are_read_in_both_paddings_and_written_in_bytes() {
    let all: GppData = data("gpp.toml");
    for Header { text, ids, padding } in all.header {
        // Sections of no known kind: only the header is looked at.
        let whole =
            [text.clone()].into_iter().chain(ids.iter().map(|_| "x".into())).collect::<Vec<_>>().join("~");
        let gpp = Gpp::decode(&whole).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(gpp.sections().iter().map(|section| section.id).collect::<Vec<_>>(), ids, "{text}");
        let written = gpp.encode().split('~').next().unwrap_or_default().to_string();
        assert_eq!(written == text, padding != "letters", "{text} is written {written}");
        assert_eq!(written.trim_end_matches('A'), text.trim_end_matches('A'));
    }
    for Whole { name, text, sections } in all.whole {
        let gpp = Gpp::decode(&text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let read: Vec<_> =
            gpp.sections().iter().map(|s| (s.id, s.text.as_str(), s.content.is_some())).collect();
        let wanted: Vec<_> = sections.iter().map(|s| (s.id, s.text.as_str(), s.read)).collect();
        assert_eq!(read, wanted, "{name}");
    }
    for Broken { text, why } in all.broken {
        assert!(Gpp::decode(&text).is_err(), "{text}: {why}");
    }
}

/// T-VEC-7, R-TC-6.
#[test]
fn gpp_strings_are_written_as_the_reference_writes_them() {
    for WriteGpp { name, section, choice, text, parts } in data::<GppData>("gpp.toml").write {
        let choice =
            UsChoice { opted_out: choice.opted_out, known_child: choice.known_child, gpc: choice.gpc };
        let us = match section.as_str() {
            "usca" => UsSection::california(choice),
            _ => UsSection::national(choice),
        };
        assert_eq!(us.parts(), parts, "{name}");
        let gpp = Gpp::default().with(Content::Us(us));
        assert_eq!(gpp.encode(), text, "{name}");
        assert_eq!(gpp.parsed()[&section], parts, "{name}");
        assert_eq!(Gpp::decode(&text), Ok(gpp), "{name}");
    }
    assert_eq!(US_CALIFORNIA, 8);
}

// --- the reference encoders ------------------------------------------------------------------------------------------

const MODELS: usize = 10_000;

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn id(&mut self, most: u16) -> u16 {
        1 + u16::try_from(self.below(most.into())).unwrap()
    }

    fn ids(&mut self, most: u16) -> IdSet {
        let share = self.below(4);
        (1..=most).filter(|_| self.below(3) < share).collect()
    }

    /// None, few, many, near, far, single, in rows: what tips a vendor section from bits to ranges.
    fn vendors(&mut self) -> IdSet {
        let most = match self.below(60) {
            0 => u16::MAX,
            1..12 => 60,
            12..30 => 200,
            _ => 1500,
        };
        let (rows, longest) = match self.below(4) {
            0 => (self.below(3), 1),
            1 => (self.below(40), 1),
            2 => (self.below(20), 60),
            _ => (self.below(120), 3),
        };
        let mut set = IdSet::new();
        for _ in 0..rows {
            let first = self.id(most);
            set.insert_range(
                first,
                first.saturating_add(u16::try_from(self.below(longest)).unwrap()).min(most),
            );
        }
        set
    }

    fn letters(&mut self) -> Letters {
        let mut letter = || char::from(b'A' + u8::try_from(self.below(26)).unwrap());
        Letters::new(&format!("{}{}", letter(), letter())).unwrap()
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn tc_string(&mut self) -> TcString {
        let day = Timestamp(i64::try_from(self.below(60_000)).unwrap() * DAY);
        let mut restrictions = Restrictions::new();
        if self.below(3) == 0 {
            for _ in 0..self.below(5) {
                let (purpose, number) = (self.id(24), self.below(3));
                let vendors = self.vendors();
                if !vendors.is_empty() {
                    restrictions.insert(
                        (u8::try_from(purpose).unwrap(), kind(u8::try_from(number).unwrap())),
                        vendors,
                    );
                }
            }
        }
        let custom_purposes = u8::try_from(self.below(64)).unwrap();
        TcString {
            created: day,
            last_updated: day,
            cmp_id: 1 + self.id(4094),
            cmp_version: self.id(4095),
            consent_screen: u8::try_from(self.below(64)).unwrap(),
            consent_language: self.letters(),
            vendor_list_version: self.id(4095),
            policy_version: u8::try_from(self.below(64)).unwrap(),
            is_service_specific: true,
            use_non_standard_texts: self.yes(),
            special_feature_opt_ins: self.ids(12),
            purposes_consent: self.ids(24),
            purposes_li: self.ids(24),
            purpose_one_treatment: self.yes(),
            publisher_cc: self.letters(),
            vendor_consents: self.vendors(),
            vendor_li: self.vendors(),
            restrictions,
            disclosed_vendors: Some(self.vendors()),
            allowed_vendors: None,
            publisher: Some(Publisher {
                purposes_consent: self.ids(24),
                purposes_li: self.ids(24),
                custom_purposes,
                custom_consent: self.ids(custom_purposes.into()),
                custom_li: self.ids(custom_purposes.into()),
            }),
        }
    }

    /// A string with up to four sections of the United States.
    fn gpp(&mut self) -> Gpp {
        let mut gpp = Gpp::default();
        while gpp.sections().is_empty() || self.below(2) == 0 && gpp.sections().len() < 4 {
            let id = 6 + self.id(21);
            if let Some(section) = self.us_section(id) {
                gpp = gpp.with(Content::Us(section));
            }
        }
        gpp
    }

    /// Random answers read as a section of this id, whose layout takes as many as it needs. The reference has no
    /// "not applicable" for transactions under the MSPA.
    fn us_section(&mut self, id: u16) -> Option<UsSection> {
        let mut core = Writer::new();
        core.int(if id == 7 { 1 + self.below(2) } else { 1 }, 6);
        (0..40).for_each(|_| core.int(self.below(3), 2));
        let mut text = core.base64url(8);
        let mut second = Writer::new();
        match id {
            9 | 11 | 13 => {}
            25..=27 => (0..8).for_each(|_| second.int(self.below(3), 2)),
            _ => second.int(2 + self.below(2), 3),
        }
        if self.below(4) != 0 && second != Writer::new() {
            text = format!("{text}.{}", second.base64url(8));
        }
        let section = UsSection::decode(id, &text)?;
        (section.answers("MspaCoveredTransaction")? != [0]).then_some(section)
    }
}

fn rows(set: &IdSet) -> Value {
    json!(set.ranges())
}

/// A TC string as tests/strings/compare.mjs speaks of it.
fn spoken(tc: &TcString) -> Value {
    let publisher = tc.publisher.clone().unwrap_or_default();
    let restrictions: Vec<Value> = tc
        .restrictions
        .iter()
        .map(|((purpose, kind), ids)| json!([purpose, kind.number(), rows(ids)]))
        .collect();
    json!({
        "day": tc.last_updated.0, "list": tc.vendor_list_version, "policy": tc.policy_version,
        "language": tc.consent_language.to_string(), "country": tc.publisher_cc.to_string(),
        "cmp": tc.cmp_id, "cmp_version": tc.cmp_version, "screen": tc.consent_screen,
        "own_texts": tc.use_non_standard_texts, "purpose_one": tc.purpose_one_treatment,
        "special": rows(&tc.special_feature_opt_ins),
        "purposes": rows(&tc.purposes_consent), "purposes_li": rows(&tc.purposes_li),
        "vendors": rows(&tc.vendor_consents), "vendors_li": rows(&tc.vendor_li),
        "disclosed": rows(&tc.disclosed_vendors.clone().unwrap_or_default()),
        "publisher": rows(&publisher.purposes_consent), "publisher_li": rows(&publisher.purposes_li),
        "customs": publisher.custom_purposes,
        "custom": rows(&publisher.custom_consent), "custom_li": rows(&publisher.custom_li),
        "restrictions": restrictions,
    })
}

/// Asks the reference about every line in one process. None, openly, where it is not installed.
fn reference(what: &str, lines: &[Value]) -> Option<Vec<Value>> {
    let Ok(folder) = std::env::var("CUEHOUSE_TEST_NODE") else {
        eprintln!(
            "left out: CUEHOUSE_TEST_NODE names no folder with the packages of tests/strings (tests/run does)"
        );
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strings/compare.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .args([what, &folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is there when CUEHOUSE_TEST_NODE is set");
    let mut input = child.stdin.take().unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "the reference failed");
    writing.join().unwrap().unwrap();
    let answers: Vec<Value> = String::from_utf8(done.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), lines.len());
    Some(answers)
}

/// T-VEC-3, R-TC-1.
#[test]
fn ten_thousand_tc_strings_are_those_of_the_reference_in_both_directions() {
    let mut chance = Chance(20_261_122);
    let models: Vec<TcString> = (0..MODELS).map(|_| chance.tc_string()).collect();
    let lines: Vec<Value> =
        models.iter().map(|tc| json!({ "model": spoken(tc), "text": tc.encode() })).collect();
    let Some(answers) = reference("tcf", &lines) else { return };
    let mut forms = [0; 2];
    for ((tc, line), answer) in models.iter().zip(&lines).zip(&answers) {
        let text = answer["text"].as_str().unwrap();
        assert_eq!(text, line["text"], "{tc:?}");
        assert_eq!(TcString::decode(text), Ok(tc.as_written()));
        let mut wanted = spoken(&tc.as_written());
        wanted["created"] = json!(tc.created.0);
        wanted["service_specific"] = json!(true);
        assert_eq!(answer["read"], wanted, "{text}");
        forms[usize::from(text.len() > 300)] += 1;
    }
    assert!(forms.iter().all(|count| *count > MODELS / 20), "short and long ones: {forms:?}");
}

/// T-VEC-3, R-TC-6.
#[test]
fn ten_thousand_gpp_strings_are_those_of_the_reference_in_both_directions() {
    let mut chance = Chance(20_261_123);
    let models: Vec<Gpp> = (0..MODELS).map(|_| chance.gpp()).collect();
    let spoken = |gpp: &Gpp| -> Value {
        let sections = gpp.sections().iter().filter_map(|section| match &section.content {
            Some(Content::Us(us)) => Some(json!({ "name": us.name(), "parts": us.parts() })),
            _ => None,
        });
        sections.collect::<Vec<_>>().into()
    };
    let lines: Vec<Value> =
        models.iter().map(|gpp| json!({ "model": spoken(gpp), "text": gpp.encode() })).collect();
    let Some(answers) = reference("gpp", &lines) else { return };
    for ((gpp, line), answer) in models.iter().zip(&lines).zip(&answers) {
        assert_eq!(answer["text"], line["text"], "{gpp:?}");
        assert_eq!(answer["read"], spoken(gpp), "{}", line["text"]);
        assert_eq!(Gpp::decode(answer["text"].as_str().unwrap()).as_ref(), Ok(gpp));
    }
}
