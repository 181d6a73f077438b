//! Properties of scopes.

use proptest::collection::btree_set;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn cap() -> impl Strategy<Value = Cap> {
    prop_oneof![Just(Cap::NO_LIMIT), (0..4_i64).prop_map(Cap::up_to)]
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

fn scope() -> impl Strategy<Value = Scope> {
    let media = btree_set(any_of(Medium::ALL), 1..5).prop_map(|m| Media::new(m).unwrap());
    let files = btree_set(any_of(FileKind::ALL), 0..4);
    let territory =
        prop_oneof![Just(Territory::None), (1..4_u8).prop_map(Territory::Groups), Just(Territory::Worldwide)];
    let term =
        prop_oneof![(0..4_u32).prop_map(Term::Months), Just(Term::Perpetual), Just(Term::WhileSubscribed)];
    let caps = proptest::array::uniform10(cap());
    let enums = (
        any_of(Works::ALL),
        any_of(ClientPassing::ALL),
        any_of(Alteration::ALL),
        any_of(Attribution::ALL),
        any_of(ResultClaiming::ALL),
        any_of(PerformanceRight::ALL),
    );
    (media, files, territory, term, caps, enums, 0..3_i64, any::<bool>()).prop_map(
        |(media, files, territory, term, caps, enums, indemnity_cents, exclusive)| Scope {
            media,
            works: enums.0,
            series_episodes_max: caps[0],
            series_months_max: caps[1],
            copies_max: caps[2],
            streams_max: caps[3],
            audience_max: caps[4],
            ad_spend_cents_max: caps[5],
            budget_cents_max: caps[6],
            staff_max: caps[7],
            seats: caps[8],
            channels_max: caps[9],
            territory,
            term,
            client_passing: enums.1,
            alteration: enums.2,
            attribution: enums.3,
            result_claiming: enums.4,
            performance_right: enums.5,
            indemnity_cents,
            files,
            exclusive,
        },
    )
}

/// A scope and a narrower one: random pairs hardly ever cover each other, so the second takes each field
/// either from the first or from the narrowest.
fn within(wide: Scope) -> impl Strategy<Value = Scope> {
    (proptest::array::uniform22(any::<bool>()), any::<prop::sample::Index>()).prop_map(
        move |(keep, which)| {
            let media: Vec<Medium> = wide.media.iter().collect();
            let narrow = Scope::narrowest(media[which.index(media.len())]);
            let (mut w, n) = (serde_json::to_value(&wide).unwrap(), serde_json::to_value(&narrow).unwrap());
            for (field, keep) in Field::ALL.iter().zip(keep) {
                let kept = keep || *field == Field::Term && wide.term == Term::WhileSubscribed;
                if !kept {
                    w[field.as_str()] = n[field.as_str()].clone();
                }
            }
            serde_json::from_value(w).unwrap()
        },
    )
}

fn fits(scope: &Scope, asked: &Use) -> bool {
    scope.fits(asked).iter().all(|f| f.passes)
}

proptest! {
    #[test]
    fn a_scope_covers_and_fits_itself(a in scope()) {
        prop_assert!(a.covers(&a));
        prop_assert!(fits(&a, &a));
    }

    #[test]
    fn what_a_wider_scope_covers_it_lets_through(
        (a, b, u) in scope().prop_flat_map(|a| (Just(a.clone()), within(a)))
            .prop_flat_map(|(a, b)| (Just(a), Just(b.clone()), within(b)))
    ) {
        prop_assert!(a.covers(&b) && b.covers(&u) && a.covers(&u), "transitive along a chain");
        prop_assert!(fits(&b, &u) && fits(&a, &u));
    }

    #[test]
    fn covering_is_transitive(a in scope(), b in scope(), u in scope()) {
        if a.covers(&b) && b.covers(&u) {
            prop_assert!(a.covers(&u));
        }
        if a.covers(&b) && fits(&b, &u) {
            prop_assert!(fits(&a, &u));
        }
        if a.covers(&b) && b.covers(&a) {
            prop_assert_eq!(&a, &b, "two scopes that cover each other are one");
        }
    }

    #[test]
    fn one_field_too_much_is_one_finding(a in scope(), b in scope()) {
        let findings = a.fits(&b);
        prop_assert_eq!(findings.len(), Field::ALL.len());
        for finding in &findings {
            let mut only = serde_json::to_value(&a).unwrap();
            only[finding.field.as_str()] = b.value(finding.field);
            let only: Scope = serde_json::from_value(only).unwrap();
            prop_assert_eq!(fits(&a, &only), finding.passes, "{}", finding.field.as_str());
        }
    }

    #[test]
    fn json_and_back(a in scope()) {
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Scope>(&text).unwrap(), &a);
        let value = serde_json::to_value(&a).unwrap();
        prop_assert_eq!(value.as_object().unwrap().len(), Field::ALL.len());
        for clause in a.clauses() {
            prop_assert_eq!(&value[clause.field.as_str()], &clause.value);
            prop_assert!(clause.words.ends_with('.'), "{}", clause.words);
        }
        prop_assert!(a.sentence().starts_with("You may ") && !a.up_to().is_empty());
    }
}

#[test]
fn no_limit_and_none_are_not_confused() {
    assert!(Cap::NO_LIMIT.admits(Cap::NO_LIMIT) && Cap::NO_LIMIT.admits(Cap::NONE));
    assert!(!Cap::NONE.admits(Cap::NO_LIMIT) && !Cap::up_to(5).admits(Cap::NO_LIMIT));
    assert!(Cap::up_to(5).admits(Cap::up_to(5)) && !Cap::up_to(5).admits(Cap::up_to(6)));
    assert_eq!(serde_json::to_string(&[Cap::NO_LIMIT, Cap::NONE]).unwrap(), "[null,0]");
}

#[test]
fn a_scope_without_a_medium_or_with_a_stray_field_is_none() {
    let mut value = serde_json::to_value(Scope::narrowest(Medium::Web)).unwrap();
    assert!(serde_json::from_value::<Scope>(value.clone()).is_ok());
    value["media"] = json!([]);
    assert!(serde_json::from_value::<Scope>(value.clone()).is_err());
    value["media"] = json!(["web"]);
    value["resale"] = json!(true);
    assert!(serde_json::from_value::<Scope>(value).is_err());
}

#[test]
fn no_other_medium_implies_ai_training() {
    let all = Medium::ALL.iter().copied().filter(|m| *m != Medium::AiTraining);
    let everything = Media::new(all).unwrap();
    assert!(!everything.admits(&Media::one(Medium::AiTraining)));
}

#[test]
fn clauses_are_sentences_for_people() {
    let mut scope = Scope::narrowest(Medium::Tv);
    for (field, words) in [
        (Field::Media, "You may use it in television."),
        (Field::Territory, "Online and on copies everywhere; not in television."),
        (Field::CopiesMax, "No physical copies or downloads of a work."),
    ] {
        assert_eq!(scope.clause(field).words, words);
    }
    scope.copies_max = Cap::up_to(10_000);
    scope.territory = Territory::Groups(2);
    scope.ad_spend_cents_max = Cap::up_to(50_000);
    for (field, words) in [
        (Field::CopiesMax, "Up to 10,000 physical copies and downloads of the work, over its life."),
        (
            Field::Territory,
            "Online and on copies everywhere; television in up to 2 territories that you name.",
        ),
        (Field::AdSpendCentsMax, "Up to $500 may be spent on placing one work as an advert online."),
    ] {
        assert_eq!(scope.clause(field).words, words);
    }
}
