//! Who may be contacted in one response, and why. The only source for tags, headers, cookies, letters and calls that we
//! make ourselves.
//!
//! [`decide`] is pure: no clock, no database, no request. For each vendor the first rule that applies is its reason.

use serde::Serialize;

use super::age::Band;
use super::choices::{Choices, Standing};
use super::place::Model;
use super::question;
use super::rulebook::{AdsMode, Rulebook};
use super::vendor::{State, Vendor};
use super::whereabouts::Here;
use crate::clock::Timestamp;

/// What is known about one request. `None` for the band: no age screen was answered.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    pub book: &'a Rulebook,
    pub band: Option<Band>,
    /// This browser or account is locked by age, or frozen.
    pub age_locked: bool,
    /// The page appeals to children, as a reviewer found.
    pub for_children: bool,
    /// `Sec-GPC: 1`.
    pub gpc: bool,
    /// `DNT: 1`.
    pub dnt: bool,
    /// Whether the account opted out of sale and sharing, on whichever device.
    pub account_opted_out: bool,
    /// Whether this is a member without advertisements.
    pub ad_free: bool,
    pub choices: &'a Choices,
    /// Where the account says its owner is. A place among the choices comes before it.
    pub country: Option<&'a str>,
    /// Whether the person switched on that letters report back, lately enough.
    pub letters_measured: bool,
    /// A vendor loaded by an explicit click, for this response alone.
    pub load_once: Option<&'a str>,
    pub now: Timestamp,
}

/// Why a vendor may or may not be contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    NotEnabled,
    Retired,
    Held,
    ForChildren,
    AgeLocked,
    AgeBand,
    AgeUnknown,
    AdsRemoved,
    Signal,
    OptedOut,
    Refused,
    Expired,
    ItemChanged,
    NoGrant,
    Granted,
    LoadOnce,
    OptOutProfile,
}

impl Reason {
    pub fn allows(self) -> bool {
        matches!(self, Reason::Granted | Reason::LoadOnce | Reason::OptOutProfile)
    }

    /// The reason as a visitor reads it.
    pub fn words(self) -> &'static str {
        match self {
            Reason::NotEnabled => "This site does not use it.",
            Reason::Retired => "It has ended, and can never be switched on again.",
            Reason::Held => "It is held back until it can be kept within bounds.",
            Reason::ForChildren => "Off for everyone on a page that appeals to children.",
            Reason::AgeLocked => "Off, because of the age question.",
            Reason::AgeBand => "Off for everyone who is not of age.",
            Reason::AgeUnknown => "Off until the age question is answered.",
            Reason::AdsRemoved => "Off, because you have no advertisements.",
            Reason::Signal => {
                "Off, because your browser asks for it (Global Privacy Control or Do Not Track)."
            }
            Reason::OptedOut => "Off, because you opted out of sale and sharing.",
            Reason::Refused => "Off, because you said no.",
            Reason::Expired => "Off, because your yes has run out.",
            Reason::ItemChanged => "Off, because what it does has changed since you said yes.",
            Reason::NoGrant => "Off, because you have not said yes.",
            Reason::Granted => "On, because you said yes.",
            Reason::LoadOnce => "On for this one page, because you asked for it.",
            Reason::OptOutProfile => "On, because where you are it may be until you say no.",
        }
    }
}

/// What was decided for one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// One reason for each vendor of the registry, in its order.
    pub reasons: Vec<Reason>,
    pub ads: AdsMode,
    /// Whether letters may report back.
    pub mail_measurement: bool,
    /// Whether a signal was applied: then every page says so.
    pub signal_applied: bool,
    /// Vendors (by their place in the registry) that are still to be asked about.
    pub to_ask: Vec<usize>,
    pub model: Model,
    /// Nobody but [`decide`] makes one.
    made: Made,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Made;

impl Decision {
    /// What holds where nothing is known: nobody may be contacted.
    pub fn nobody(book: &Rulebook) -> Decision {
        decide(&Context {
            book,
            band: None,
            age_locked: true,
            for_children: false,
            gpc: false,
            dnt: false,
            account_opted_out: false,
            ad_free: false,
            choices: &Choices::default(),
            country: None,
            letters_measured: false,
            load_once: None,
            now: Timestamp(0),
        })
    }

    /// The vendors that may be contacted, with their keys.
    pub fn allowed<'a>(&'a self, book: &'a Rulebook) -> impl Iterator<Item = (&'static Vendor, &'a str)> {
        book.enabled
            .iter()
            .filter(|e| self.reasons.get(e.at).is_some_and(|r| r.allows()))
            .map(|e| (&book.registry.vendors[e.at], e.key.as_str()))
    }

    /// Whether one vendor may be contacted.
    pub fn allows(&self, book: &Rulebook, id: &str) -> bool {
        self.allowed(book).any(|(v, _)| v.id == id)
    }

    /// The vendor whose advertisement may stand in a frame of the ad origin, with its key: the first that may be contacted,
    /// where advertising goes so far.
    pub fn framed<'a>(&'a self, book: &'a Rulebook) -> Option<(&'static Vendor, &'a str)> {
        (self.ads == AdsMode::Vendor && book.ad_origin.is_some()).then_some(())?;
        self.allowed(book).find(|(vendor, _)| !vendor.is_in_page() && vendor.is_ads())
    }
}

/// Decides. Rules 1 to 11 in their order; the first that applies to a vendor is its reason.
pub fn decide(context: &Context<'_>) -> Decision {
    let book = context.book;
    let model = book.model(Here::new(context.choices.place.as_deref(), context.country).place());
    let signal = context.gpc || context.dnt && book.honour_dnt;
    let opted_out = context.account_opted_out || context.choices.opted_out_at.is_some();
    let beaten = context.choices.overrides_gpc.is_some();
    let mut reasons: Vec<Reason> = book
        .registry
        .vendors
        .iter()
        .enumerate()
        .map(|(at, vendor)| {
            let is_on = book.enabled.iter().any(|e| e.at == at);
            if let Some(never) = never(context, at, vendor, is_on) {
                return never;
            }
            if context.load_once == Some(vendor.id.as_str()) {
                return Reason::LoadOnce;
            }
            if signal && vendor.trades() && !beaten {
                return Reason::Signal;
            }
            if opted_out && vendor.trades() {
                return Reason::OptedOut;
            }
            match (context.choices.of(vendor, context.now), model) {
                (Standing::Refused, _) => Reason::Refused,
                (Standing::Granted, _) => Reason::Granted,
                (Standing::Expired, _) => Reason::Expired,
                (Standing::Changed, _) => Reason::ItemChanged,
                (Standing::Undecided, Model::OptOut) => Reason::OptOutProfile,
                (Standing::Undecided, Model::OptIn) => Reason::NoGrant,
            }
        })
        .collect();
    together(book, &mut reasons);
    let adult = context.band == Some(Band::Adult) && !context.age_locked;
    let measured = context.book.measures_letters && context.letters_measured;
    Decision {
        ads: ads_mode(context, &reasons),
        mail_measurement: adult && measured && !signal && !opted_out,
        signal_applied: signal && !beaten,
        to_ask: question::open(context, &reasons, model),
        model,
        reasons,
        made: Made,
    }
}

/// Rules 1 to 5: what no choice can change.
fn never(context: &Context<'_>, at: usize, vendor: &Vendor, is_on: bool) -> Option<Reason> {
    if vendor.state == State::Retired {
        return Some(Reason::Retired);
    }
    if context.book.hold(at).is_some() {
        return Some(Reason::Held);
    }
    if !is_on {
        return Some(Reason::NotEnabled);
    }
    if context.for_children {
        return Some(Reason::ForChildren);
    }
    if context.age_locked {
        return Some(Reason::AgeLocked);
    }
    match context.band {
        Some(Band::Child | Band::Minor) => return Some(Reason::AgeBand),
        None if context.book.child_mode => return Some(Reason::AgeUnknown),
        _ => {}
    }
    (context.ad_free && vendor.is_ads()).then_some(Reason::AdsRemoved)
}

/// Vendors behind the same hosts are granted together: where one may not, its neighbours may not either.
fn together(book: &Rulebook, reasons: &mut [Reason]) {
    for e in &book.enabled {
        let vendor = &book.registry.vendors[e.at];
        let mut neighbours = book.enabled.iter().filter(|o| {
            o.at != e.at && book.registry.vendors[o.at].group == vendor.group && !reasons[o.at].allows()
        });
        if let Some(denied) = neighbours.next() {
            let reason = reasons[denied.at];
            if reasons[e.at].allows() {
                reasons[e.at] = reason;
            }
        }
    }
}

fn ads_mode(context: &Context<'_>, reasons: &[Reason]) -> AdsMode {
    let book = context.book;
    if context.ad_free || context.age_locked || context.band == Some(Band::Child) {
        return AdsMode::None;
    }
    if context.for_children || context.band.is_none() && book.child_mode || context.band == Some(Band::Minor)
    {
        return book.ads.min(AdsMode::Contextual);
    }
    let any = book.enabled.iter().any(|e| book.registry.vendors[e.at].is_ads() && reasons[e.at].allows());
    if any { book.ads } else { book.ads.min(AdsMode::Contextual) }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::consent::choices::tests::any_choices;
    use crate::consent::policy;
    use crate::consent::purpose::Purpose;
    use crate::consent::vendor::Registry;

    /// A registry in which everyone is active and two vendors share their hosts, so that every rule has work.
    fn everyone() -> &'static Registry {
        static ALL: std::sync::LazyLock<Registry> = std::sync::LazyLock::new(|| {
            let text = include_str!("vendors.toml");
            let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with("hold = ")).collect();
            Registry::read(&lines.join("\n")).unwrap()
        });
        &ALL
    }

    const AD_ORIGIN: &str = "https://shop-frames.example";

    fn book(on: &[usize], opt_out: bool, child_mode: bool, ads: AdsMode) -> Rulebook {
        let mut env = BTreeMap::new();
        if opt_out {
            env.insert("CUEHOUSE_PRIVACY_OPT_OUT_PLACES".to_owned(), "US-TX".to_owned());
            env.insert("CUEHOUSE_PRIVACY_PROFILE".to_owned(), "us".to_owned());
        }
        let mut book = Rulebook::new(&Config::read(None, &env).unwrap()).unwrap();
        book.registry = everyone();
        book.enabled =
            on.iter().map(|at| crate::consent::rulebook::Enabled { at: *at, key: "1".into() }).collect();
        book.child_mode = child_mode;
        book.ads = ads;
        book.ad_origin = Some(AD_ORIGIN.into());
        book
    }

    #[derive(Clone, Debug)]
    pub(in crate::consent) struct Case {
        on: Vec<usize>,
        opt_out: bool,
        child_mode: bool,
        ads: AdsMode,
        pub band: Option<Band>,
        pub age_locked: bool,
        for_children: bool,
        gpc: bool,
        dnt: bool,
        account_opted_out: bool,
        ad_free: bool,
        choices: Choices,
        country: Option<String>,
        letters_measured: bool,
        measures_letters: bool,
        pub load_once: Option<String>,
        now: Timestamp,
    }

    impl Case {
        pub fn book(&self) -> Rulebook {
            let measures_letters = self.measures_letters;
            Rulebook { measures_letters, ..book(&self.on, self.opt_out, self.child_mode, self.ads) }
        }

        pub fn context<'a>(&'a self, book: &'a Rulebook) -> Context<'a> {
            Context {
                book,
                band: self.band,
                age_locked: self.age_locked,
                for_children: self.for_children,
                gpc: self.gpc,
                dnt: self.dnt,
                account_opted_out: self.account_opted_out,
                ad_free: self.ad_free,
                choices: &self.choices,
                country: self.country.as_deref(),
                letters_measured: self.letters_measured,
                load_once: self.load_once.as_deref(),
                now: self.now,
            }
        }

        fn decide(&self) -> (Rulebook, Decision) {
            let book = self.book();
            (book.clone(), decide(&self.context(&book)))
        }

        fn allowed(&self) -> BTreeSet<String> {
            let (book, decision) = self.decide();
            decision.allowed(&book).map(|(v, _)| v.id.clone()).collect()
        }
    }

    fn any_country() -> impl Strategy<Value = Option<String>> {
        prop::option::weighted(0.3, prop::sample::select(vec!["US-TX".to_owned(), "FR".to_owned()]))
    }

    pub(in crate::consent) fn any_case() -> impl Strategy<Value = Case> {
        let band = prop_oneof![
            2 => Just(None),
            1 => Just(Some(Band::Child)),
            1 => Just(Some(Band::Minor)),
            4 => Just(Some(Band::Adult)),
        ];
        let mode = prop_oneof![Just(AdsMode::None), Just(AdsMode::Contextual), Just(AdsMode::Vendor)];
        let few = || prop::bool::weighted(0.2);
        (
            (prop::sample::subsequence((0..7usize).collect::<Vec<_>>(), 0..=7), few(), few(), mode, band),
            (few(), few(), few(), few(), few(), few(), few(), prop::bool::ANY),
            (any_choices(), any_country()),
            prop::option::weighted(0.2, prop::sample::select(vec!["ga4".to_owned(), "adsense".to_owned()])),
            0i64..2_000_000_000,
        )
            .prop_map(
                |((on, opt_out, child_mode, ads, band), flags, (choices, country), load_once, secs)| Case {
                    on,
                    opt_out,
                    child_mode,
                    ads,
                    band,
                    age_locked: flags.0,
                    gpc: flags.1,
                    dnt: flags.2,
                    account_opted_out: flags.3,
                    ad_free: flags.4,
                    for_children: flags.5,
                    choices,
                    country,
                    letters_measured: flags.6,
                    measures_letters: flags.7,
                    load_once,
                    now: Timestamp::from_secs(secs),
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        /// T-PROP-1, R-EN-2: no restriction ever adds a vendor.
        #[test]
        fn restrictions_only_take_away(case in any_case(), what in 0..13usize, days in 0..4000i64) {
            let mut less = case.clone();
            match what {
                0 => less.age_locked = true,
                1 => less.band = Some(Band::Minor),
                2 => less.band = Some(Band::Child),
                3 => less.gpc = true,
                4 => less.dnt = true,
                5 => less.account_opted_out = true,
                6 => less.ad_free = true,
                7 => less.choices.purposes.values_mut().for_each(|yes| *yes = false),
                8 => less.choices.vendors.values_mut().for_each(|a| a.yes = false),
                9 => less.choices.opted_out_at = Some(Timestamp(1)),
                10 => less.opt_out = false,
                11 => less.for_children = true,
                // Where people are asked first, time only takes away; a no that ran out is no yes.
                _ => if !case.opt_out { less.now = less.now.plus(days * crate::clock::DAY) },
            }
            prop_assert!(less.allowed().is_subset(&case.allowed()), "{what}: {:?} > {:?}", less.allowed(), case.allowed());
            if less.child_mode {
                let mut open = less.clone();
                open.child_mode = false;
                prop_assert!(less.allowed().is_subset(&open.allowed()));
            }
        }

        /// T-PROP-2, T-PROP-5 and T-PROP-6: the same input, the same decision; one reason for everyone; what an account says of
        /// where its owner is counts like a choice of place, and not at all where one was made.
        #[test]
        fn a_decision_is_the_same_twice_and_total(case in any_case()) {
            let (book, decision) = case.decide();
            prop_assert_eq!(&case.decide().1, &decision);
            let mut chose = case.clone();
            chose.choices.place = chose.choices.place.take().or(chose.country.take());
            prop_assert_eq!(&chose.decide().1, &decision);
            prop_assert_eq!(decision.reasons.len(), book.registry.vendors.len());
            for (at, vendor) in book.registry.vendors.iter().enumerate() {
                let is_on = book.enabled.iter().any(|e| e.at == at);
                prop_assert!(is_on || !decision.reasons[at].allows());
                prop_assert!(vendor.state == State::Active || decision.reasons[at] == Reason::Retired);
            }
            // Vendors behind the same hosts stand together.
            let by_group: BTreeSet<(String, bool)> = book.enabled.iter()
                .map(|e| (book.registry.vendors[e.at].group.clone(), decision.reasons[e.at].allows())).collect();
            let groups: BTreeSet<&String> = by_group.iter().map(|(g, _)| g).collect();
            prop_assert_eq!(groups.len(), by_group.len());
        }

        /// T-PROP-3, R-EN-5, R-MN-3, R-CA-7: nobody under 18 meets a vendor, whatever was granted; children see no slot.
        #[test]
        fn nobody_under_age_meets_a_vendor(case in any_case(), is_child in any::<bool>()) {
            let mut young = case;
            young.band = Some(if is_child { Band::Child } else { Band::Minor });
            let (book, decision) = young.decide();
            prop_assert_eq!(decision.allowed(&book).count(), 0);
            prop_assert!(decision.to_ask.is_empty() && !decision.mail_measurement);
            prop_assert!(decision.ads < AdsMode::Vendor && (!is_child || decision.ads == AdsMode::None));
            prop_assert!(decision.framed(&book).is_none());
        }

        /// T-PROP-4, R-EN-1, R-EN-3, R-EN-10: the headers name our own origin and the hosts of allowed vendors, nobody
        /// else; of those who are met in a frame the ad origin alone, and only where one may be; and never a nonce, a
        /// hash, a bare scheme, a star or an exception for inline code.
        #[test]
        fn headers_name_nobody_else(case in any_case()) {
            let (book, decision) = case.decide();
            let in_page = decision.allowed(&book).filter(|(v, _)| v.is_in_page());
            let mut may: BTreeSet<&str> = in_page.flat_map(|(v, _)| v.hosts.granted()).map(String::as_str).collect();
            if let Some((vendor, _)) = decision.framed(&book) {
                prop_assert!(decision.ads == AdsMode::Vendor && decision.allows(&book, &vendor.id));
                may.insert(AD_ORIGIN);
            }
            let policy = policy::content(&book, &decision, None, &[]);
            let mut named = BTreeSet::new();
            for directive in policy.split(';') {
                for source in directive.split_whitespace().skip(1).filter(|s| *s != "csp") {
                    if source.starts_with("https://") { named.insert(source); } else {
                        prop_assert!(["'self'", "'none'", "'block'"].contains(&source), "{source}");
                    }
                }
            }
            prop_assert_eq!(&named, &may);
            let list = policy::connections(&book, &decision, None);
            for entry in list.split('"').skip(1).step_by(2) {
                prop_assert!(may.iter().any(|host| host.starts_with(entry)), "{entry}");
            }
            prop_assert_eq!(list.contains("https://"), !may.is_empty());
        }

        /// T-EM-1, R-EM-1, R-EM-2: a letter reports back only where the site and the person both said so, the person is
        /// known to be an adult, and nothing asks to be left alone.
        #[test]
        fn letters_report_back_only_for_adults_who_agreed_on_sites_that_do(case in any_case()) {
            let decision = case.decide().1;
            let left_alone = (case.gpc || case.dnt) && case.choices.overrides_gpc.is_none()
                || case.account_opted_out || case.choices.opted_out_at.is_some();
            let may = case.measures_letters && case.letters_measured && case.band == Some(Band::Adult)
                && !case.age_locked && !left_alone;
            prop_assert!(!decision.mail_measurement || may);
            let off = Case { letters_measured: false, ..case.clone() };
            prop_assert!(!off.decide().1.mail_measurement);
            let off = Case { measures_letters: false, ..case };
            prop_assert!(!off.decide().1.mail_measurement);
        }

        /// R-AD-1, R-AD-2: who has paid for no advertisements sees none, whatever else.
        #[test]
        fn a_member_without_advertisements_sees_none(case in any_case()) {
            let member = Case { ad_free: true, ..case };
            let (book, decision) = member.decide();
            prop_assert_eq!(decision.ads, AdsMode::None);
            prop_assert!(decision.allowed(&book).all(|(v, _)| !v.is_ads()));
            prop_assert!(decision.framed(&book).is_none());
        }
    }

    /// Each rule in its order, on one vendor. T-GPC-8, R-SG-8: a signal is an answer, and nobody is asked then.
    #[test]
    fn the_first_rule_that_applies_is_the_reason() {
        let now = Timestamp::from_secs(1_800_000_000);
        let ga = everyone().vendor("ga4").unwrap();
        let mut yes = Choices { expires_at: Some(now.plus(1)), ..Choices::default() };
        yes.purposes.insert(Purpose::Analytics, true);
        yes.answer(ga, true);
        let plain = Case {
            on: vec![0],
            opt_out: false,
            child_mode: false,
            ads: AdsMode::Contextual,
            band: Some(Band::Adult),
            age_locked: false,
            for_children: false,
            gpc: false,
            dnt: false,
            account_opted_out: false,
            ad_free: false,
            choices: yes.clone(),
            country: None,
            letters_measured: false,
            measures_letters: false,
            load_once: None,
            now,
        };
        let reason = |change: &dyn Fn(&mut Case)| {
            let mut case = plain.clone();
            change(&mut case);
            case.decide().1.reasons[0]
        };
        assert_eq!(reason(&|_| {}), Reason::Granted);
        assert_eq!(reason(&|c| c.on.clear()), Reason::NotEnabled);
        assert_eq!(reason(&|c| c.age_locked = true), Reason::AgeLocked);
        assert_eq!(reason(&|c| c.for_children = true), Reason::ForChildren);
        assert_eq!(reason(&|c| c.band = Some(Band::Minor)), Reason::AgeBand);
        assert_eq!(reason(&|c| (c.band, c.child_mode) = (None, true)), Reason::AgeUnknown);
        assert_eq!(reason(&|c| c.band = None), Reason::Granted);
        assert_eq!(reason(&|c| c.gpc = true), Reason::Signal);
        assert_eq!(reason(&|c| c.dnt = true), Reason::Signal);
        assert_eq!(reason(&|c| (c.gpc, c.choices.overrides_gpc) = (true, Some(now))), Reason::Granted);
        assert_eq!(reason(&|c| c.account_opted_out = true), Reason::OptedOut);
        assert_eq!(reason(&|c| c.choices.opted_out_at = Some(now)), Reason::OptedOut);
        assert_eq!(reason(&|c| c.choices.answer(ga, false)), Reason::Refused);
        assert_eq!(reason(&|c| c.now = now.plus(1)), Reason::Expired);
        assert_eq!(
            reason(&|c| c.choices.vendors.get_mut("ga4").unwrap().print = "x".into()),
            Reason::ItemChanged
        );
        assert_eq!(reason(&|c| c.choices = Choices::default()), Reason::NoGrant);
        assert_eq!(reason(&|c| (c.gpc, c.load_once) = (true, Some("ga4".into()))), Reason::LoadOnce);
        let texan = Choices { place: Some("US-TX".into()), ..Choices::default() };
        assert_eq!(reason(&|c| (c.opt_out, c.choices) = (true, texan.clone())), Reason::OptOutProfile);
        assert_eq!(reason(&|c| (c.opt_out, c.choices, c.gpc) = (true, texan.clone(), true)), Reason::Signal);
        let ads = |change: &dyn Fn(&mut Case)| {
            let mut case = Case { on: vec![1], ..plain.clone() };
            change(&mut case);
            case.decide().1.reasons[1]
        };
        assert_eq!(ads(&|c| c.ad_free = true), Reason::AdsRemoved);
        // A signal is an answer; so is a no. Nobody is asked then.
        let asked = |change: &dyn Fn(&mut Case)| {
            let mut case = Case { choices: Choices::default(), ..plain.clone() };
            change(&mut case);
            case.decide().1.to_ask
        };
        assert_eq!(asked(&|_| {}), [0]);
        assert!(asked(&|c| c.gpc = true).is_empty());
        assert!(asked(&|c| c.account_opted_out = true).is_empty());
        assert!(asked(&|c| c.on.clear()).is_empty());
        let mut no = yes.clone();
        no.answer(ga, false);
        assert!(asked(&|c| c.choices = no.clone()).is_empty());
        assert_eq!(asked(&|c| (c.choices, c.now) = (no.clone(), now.plus(2))), [0]);
    }
}
