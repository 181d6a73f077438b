//! Which advertisement stands beside a page. Pure: no clock, no database, no chance; the same page, visitor and turn get
//! the same answer.
//!
//! An advertisement is chosen by the page alone (its place and what it is about). What a visitor did before is nowhere in
//! here. Two things of theirs count, and both they said themselves: topics they block, which are never shown, and, among
//! advertisements that fit a page equally well, topics they like. A campaign that looks for an audience meets it only
//! where the visitor is known to be of age, agreed to it, and the audience is large enough; for everyone else it is a
//! campaign like the others.

use super::campaign::{Campaign, Stage};
use super::counts::Counts;
use super::topic::{Place, Topic};
use super::wishes::Wishes;
use crate::clock::Timestamp;
use crate::consent::age::Band;
use crate::consent::rulebook::AdsMode;

/// The page: where it is and what it is about (`genre:ambient`, `tag:rain`).
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub place: Place,
    pub about: &'a [String],
}

/// Who looks.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The most that may be shown. Vendors' advertisements are not chosen here, so `Vendor` is what `Contextual` is.
    pub mode: AdsMode,
    /// `None`: nobody knows how old they are.
    pub band: Option<Band>,
    pub wishes: Wishes,
    /// Whether they may be found by what they like: an account with a standing yes, and no signal against it.
    pub is_personal: bool,
    /// What their browser counted today, where it counts.
    pub counts: Option<Counts>,
    /// Whether they may be led away from this site.
    pub may_leave: bool,
}

/// A campaign that could be shown.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub campaign: &'a Campaign,
    /// How often it was shown so far.
    pub shown: i64,
    /// Whether as many people as the shop asks for are in its audience.
    pub reaches: bool,
}

/// Why this advertisement and not another. The order is that of precedence, the weakest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It may stand on every page of this place.
    Anywhere,
    /// The page is about this.
    About(String),
    /// Its advertiser looks for people who like one of these topics, and the visitor does.
    Audience(Vec<Topic>),
}

/// The advertisement for this page, this visitor and this turn, by its place among the candidates.
pub fn choose(
    all: &[Candidate<'_>],
    viewer: &Viewer,
    scene: Scene<'_>,
    turn: u64,
    now: Timestamp,
) -> Option<(usize, Why)> {
    let fits = all.iter().enumerate().filter_map(|(at, candidate)| {
        let (rank, why) = fit(candidate, viewer, scene, now)?;
        Some((rank, at, why))
    });
    let fits: Vec<_> = fits.collect();
    let best = fits.iter().map(|(rank, ..)| *rank).max()?;
    let mut equals: Vec<_> = fits.into_iter().filter(|(rank, ..)| *rank == best).collect();
    let at = usize::try_from(turn % equals.len() as u64).unwrap_or_default();
    let (_, at, why) = equals.swap_remove(at);
    Some((at, why))
}

/// How well a campaign fits, and why. `None`: it must not be shown here.
fn fit(
    candidate: &Candidate<'_>,
    viewer: &Viewer,
    scene: Scene<'_>,
    now: Timestamp,
) -> Option<((u8, bool), Why)> {
    let campaign = candidate.campaign;
    if viewer.mode == AdsMode::None || viewer.band == Some(Band::Child) {
        return None;
    }
    if campaign.stage(candidate.shown, now) != Stage::Running {
        return None;
    }
    if !viewer.may_leave && !campaign.stays_here() {
        return None;
    }
    if campaign.topics.iter().any(|topic| viewer.wishes.blocked.contains(topic)) {
        return None;
    }
    if let (Some(counts), Some(most)) = (&viewer.counts, campaign.most_a_day)
        && counts.are_at(&campaign.id, most)
    {
        return None;
    }
    let likes = |topics: &[Topic]| -> Vec<Topic> {
        topics.iter().copied().filter(|topic| viewer.wishes.liked.contains(topic)).collect()
    };
    // What a minor likes is not used: for them the page alone decides.
    let is_liked = viewer.band != Some(Band::Minor) && !likes(&campaign.topics).is_empty();
    if viewer.is_personal && viewer.band == Some(Band::Adult) && candidate.reaches {
        let shared = likes(&campaign.audience);
        if !shared.is_empty() {
            return Some(((2, is_liked), Why::Audience(shared)));
        }
    }
    if !campaign.pages.is_empty() && !campaign.pages.contains(&scene.place) {
        return None;
    }
    if campaign.about.is_empty() {
        return Some(((0, is_liked), Why::Anywhere));
    }
    let word = campaign.about.iter().find(|word| scene.about.contains(word))?;
    Some(((1, is_liked), Why::About(word.clone())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::campaign::Pitch;
    use super::super::wishes::tests::{any_topics, any_wishes};
    use super::*;
    use crate::ids::CampaignId;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const WORDS: [&str; 4] = ["genre:ambient", "genre:jazz", "kind:loop", "tag:rain"];

    fn any_about() -> impl Strategy<Value = Vec<String>> {
        prop::sample::subsequence(WORDS.map(str::to_owned).to_vec(), 0..=4)
    }

    fn any_place() -> impl Strategy<Value = Place> {
        prop::sample::select(Place::ALL.to_vec())
    }

    prop_compose! {
        fn any_campaign()(
            topics in any_topics(),
            audience in any_topics(),
            pages in prop::sample::subsequence(Place::ALL.to_vec(), 0..=3),
            about in any_about(),
            starts in -2i64..2,
            ends in prop::option::of(-2i64..2),
            most_a_day in prop::option::of(1i32..4),
            most_shown in prop::option::of(1i64..6),
            shown in 0i64..8,
            reaches in any::<bool>(),
        ) -> (Campaign, i64, bool) {
            let pitch = Pitch {
                advertiser: "Cuehouse".into(),
                headline: "A headline".into(),
                words: "Some words.".into(),
                target: "/licences".into(),
                topics: topics.into_iter().collect(),
                pages,
                about,
                audience: audience.into_iter().collect(),
                starts_at: NOW.plus(starts),
                ends_at: ends.map(|ms| NOW.plus(ms)),
                most_a_day,
                most_shown,
            };
            (Campaign { id: CampaignId::new(), pitch }, shown, reaches)
        }
    }

    fn any_viewer() -> impl Strategy<Value = Viewer> {
        let mode = prop::sample::select(vec![AdsMode::None, AdsMode::Contextual, AdsMode::Vendor]);
        let band = prop::sample::select(vec![None, Some(Band::Child), Some(Band::Minor), Some(Band::Adult)]);
        (mode, band, any_wishes(), any::<bool>(), any::<bool>()).prop_map(
            |(mode, band, wishes, is_personal, counts)| Viewer {
                mode,
                band,
                wishes,
                is_personal,
                counts: counts.then(|| Counts::read("", NOW)),
                may_leave: true,
            },
        )
    }

    fn candidates(all: &[(Campaign, i64, bool)]) -> Vec<Candidate<'_>> {
        all.iter()
            .map(|(campaign, shown, reaches)| Candidate { campaign, shown: *shown, reaches: *reaches })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        /// S0-37, S3-59, S3-60, S0-33: what is blocked is never shown; nobody who is not of age, or did not agree, is met
        /// by an audience, nor is anybody by one that is too small; no limit is passed; a child and whoever has no
        /// advertisements see none; the same question has the same answer.
        #[test]
        fn what_must_not_be_shown_is_not(
            all in prop::collection::vec(any_campaign(), 0..6),
            viewer in any_viewer(),
            place in any_place(),
            about in any_about(),
            turn in any::<u64>(),
        ) {
            let all_of = candidates(&all);
            let scene = Scene { place, about: &about };
            let chosen = choose(&all_of, &viewer, scene, turn, NOW);
            prop_assert_eq!(&choose(&all_of, &viewer, scene, turn, NOW), &chosen);
            let Some((at, why)) = chosen else { return Ok(()) };
            let (campaign, shown, reaches) = &all[at];
            prop_assert!(viewer.mode != AdsMode::None && viewer.band != Some(Band::Child));
            prop_assert!(campaign.topics.iter().all(|topic| !viewer.wishes.blocked.contains(topic)));
            prop_assert!(campaign.starts_at <= NOW && campaign.ends_at.is_none_or(|at| NOW < at));
            prop_assert!(campaign.most_shown.is_none_or(|most| *shown < most));
            match why {
                Why::Audience(topics) => {
                    prop_assert!(*reaches && viewer.is_personal && viewer.band == Some(Band::Adult));
                    prop_assert!(!topics.is_empty());
                    let both = |t: &Topic| campaign.audience.contains(t) && viewer.wishes.liked.contains(t);
                    prop_assert!(topics.iter().all(both));
                }
                Why::About(word) => {
                    prop_assert!(campaign.about.contains(&word) && about.contains(&word));
                    prop_assert!(campaign.pages.is_empty() || campaign.pages.contains(&place));
                }
                Why::Anywhere => {
                    prop_assert!(campaign.about.is_empty());
                    prop_assert!(campaign.pages.is_empty() || campaign.pages.contains(&place));
                }
            }
        }

        /// S3-60: however long somebody looks, a browser that counts is shown nothing more often on one day than its
        /// cap, and a campaign is shown no more often than it may be in all.
        #[test]
        fn no_cap_is_ever_passed(
            mut all in prop::collection::vec(any_campaign(), 1..5),
            viewer in any_viewer(),
            place in any_place(),
            about in any_about(),
        ) {
            let mut viewer = Viewer { counts: Some(Counts::read("", NOW)), ..viewer };
            let mut seen = std::collections::BTreeMap::new();
            for turn in 0..60 {
                let Some((at, _)) = choose(&candidates(&all), &viewer, Scene { place, about: &about }, turn, NOW)
                else { continue };
                all[at].1 += 1;
                if let Some(counts) = &mut viewer.counts {
                    counts.count(&all[at].0.id);
                }
                *seen.entry(at).or_insert(0i64) += 1;
            }
            for (at, times) in seen {
                let (campaign, shown, _) = &all[at];
                prop_assert!(campaign.most_a_day.is_none_or(|most| times <= i64::from(most)));
                prop_assert!(campaign.most_shown.is_none_or(|most| *shown <= most));
            }
        }

        /// S0-33, S2-28: without a yes, nothing but the page, the blocked topics and a preference among equals decides:
        /// what a campaign's audience is makes no difference.
        #[test]
        fn without_a_yes_an_audience_makes_no_difference(
            all in prop::collection::vec(any_campaign(), 0..6),
            viewer in any_viewer(),
            place in any_place(),
            about in any_about(),
            turn in any::<u64>(),
        ) {
            let viewer = Viewer { is_personal: false, ..viewer };
            let mut plain = all.clone();
            plain.iter_mut().for_each(|(campaign, ..)| campaign.pitch.audience.clear());
            let scene = Scene { place, about: &about };
            prop_assert_eq!(
                choose(&candidates(&all), &viewer, scene, turn, NOW),
                choose(&candidates(&plain), &viewer, scene, turn, NOW)
            );
        }
    }

    /// Where several fit equally well each has its turn.
    #[test]
    fn equals_take_turns() {
        let pitch = Pitch {
            advertiser: "Cuehouse".into(),
            headline: "A headline".into(),
            words: String::new(),
            target: "/licences".into(),
            topics: vec![Topic::Shop],
            pages: vec![],
            about: vec![],
            audience: vec![],
            starts_at: NOW,
            ends_at: None,
            most_a_day: None,
            most_shown: None,
        };
        let all: Vec<_> =
            (0..3).map(|_| (Campaign { id: CampaignId::new(), pitch: pitch.clone() }, 0, false)).collect();
        let viewer = Viewer {
            mode: AdsMode::Vendor,
            band: None,
            wishes: Wishes::default(),
            is_personal: false,
            counts: None,
            may_leave: true,
        };
        let scene = Scene { place: Place::Front, about: &[] };
        let shown: BTreeSet<usize> = (0..3)
            .filter_map(|turn| choose(&candidates(&all), &viewer, scene, turn, NOW))
            .map(|c| c.0)
            .collect();
        assert_eq!(shown.len(), 3);
    }
}
