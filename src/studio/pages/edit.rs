//! The page on which a track is described and priced.

use serde::Serialize;

use super::measured::{keys, tempos};
use super::{Suggestion, facts, twin_words};
use crate::accounts::band::Band;
use crate::accounts::user::Visitor;
use crate::catalogue::lists;
use crate::catalogue::offer::Offer;
use crate::catalogue::pages::Fact;
use crate::catalogue::row::TrackRow;
use crate::catalogue::track::{Recording, State, Track};
use crate::catalogue::voices::{RELEASE, RELEASE_EDITION};
use crate::sales::tier::{PriceBounds, Tier, offered_for};
use crate::studio::upload::{Twin, Upload};
use crate::web::{FormView, View};

/// One word of a list to choose from.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub slug: &'static str,
    pub name: &'static str,
}

fn choices(words: &[lists::Word]) -> Vec<Choice> {
    words.iter().map(|w| Choice { slug: w.slug, name: w.name }).collect()
}

/// The lists a track is described with.
#[derive(Clone, Debug, Serialize)]
pub struct Lists {
    pub kinds: Vec<Choice>,
    pub genres: Vec<Choice>,
    pub moods: Vec<Choice>,
    pub instruments: Vec<Choice>,
    pub vocals: Vec<Choice>,
    pub keys: Vec<Choice>,
}

impl Lists {
    /// The lists of the shop.
    pub fn all() -> Lists {
        Lists {
            kinds: choices(lists::KINDS),
            genres: choices(lists::GENRES),
            moods: choices(lists::MOODS),
            instruments: choices(lists::INSTRUMENTS),
            vocals: choices(lists::VOCALS),
            keys: lists::KEYS.iter().map(|k| Choice { slug: k.slug, name: k.name }).collect(),
        }
    }
}

/// A tier's field on the form.
#[derive(Clone, Debug, Serialize)]
pub struct PriceField {
    /// `price.creator`.
    pub name: String,
    pub label: String,
    /// What it permits, and the prices that may be asked.
    pub hint: String,
    /// What the shop suggests.
    pub placeholder: String,
}

/// `/studio/tracks/<slug>/edit`.
#[derive(Clone, Debug, Serialize)]
pub struct EditPage {
    pub slug: String,
    pub title: String,
    pub state: String,
    pub state_words: String,
    /// What a reviewer said.
    pub refusal: Option<String>,
    pub form: FormView,
    pub lists: Lists,
    pub prices: Vec<PriceField>,
    /// Prices in another currency than the shop's, at which nobody can buy.
    pub unpriced: Vec<String>,
    /// Names of tiers that are asked for, not priced.
    pub on_request: Vec<String>,
    /// The uploader's part of a sale, in per cent.
    pub share: String,
    pub tempos: Vec<Suggestion>,
    pub keys: Vec<Suggestion>,
    pub facts: Vec<Fact>,
    pub row: TrackRow,
    pub master_href: String,
    pub twin: Option<String>,
    pub may_submit: bool,
    pub may_withdraw: bool,
    pub published: bool,
    /// Where it is on its way: 2 described, 3 priced, 4 in review.
    pub step: i64,
    /// A child's: no price, no question that only a grown-up can answer.
    pub is_child: bool,
    /// Whether whoever answers for its uploader allows that it comes before others.
    pub may_be_shown: bool,
    /// What is stated of a young voice, and the edition of that sentence.
    pub release: &'static str,
    pub release_edition: &'static str,
}

/// All that the edit page is made of.
pub struct Edited {
    pub track: Track,
    pub upload: Upload,
    pub recording: Recording,
    pub refusal: Option<String>,
    pub twins: Vec<Twin>,
    pub tiers: Vec<Tier>,
    /// Its offers in another currency than the shop's.
    pub unpriced: Vec<Offer>,
    pub may_be_shown: bool,
}

impl EditPage {
    /// The page with this form on it; `share_bps` is the uploader's part of a sale in ten-thousandths.
    pub fn new(
        visitor: &Visitor,
        it: &Edited,
        form: FormView,
        currency: &str,
        bounds: PriceBounds,
        share_bps: i64,
    ) -> EditPage {
        let track = &it.track;
        let is_child = visitor.band == Band::Child;
        let handle = visitor.handle.as_ref().filter(|_| !is_child).map(ToString::to_string);
        let (words, step) = match track.state {
            State::Draft => ("Draft", 2),
            State::Submitted => ("In review", 4),
            State::Published => ("Published", 5),
            State::Refused => ("Refused", 2),
            State::Withdrawn => ("Withdrawn", 2),
        };
        EditPage {
            slug: track.slug.to_string(),
            title: track.title.clone(),
            state: track.state.to_string(),
            state_words: words.into(),
            refusal: it.refusal.clone().filter(|_| track.state == State::Refused),
            lists: Lists::all(),
            prices: if is_child { vec![] } else { price_fields(&it.tiers, currency, bounds) },
            unpriced: it.unpriced.iter().map(|offer| unpriced(offer, &it.tiers)).collect(),
            on_request: it.tiers.iter().filter(|t| t.on_request).map(|t| t.name.clone()).collect(),
            share: shown_share(share_bps),
            tempos: tempos(&it.recording, form.typed.get("bpm").map_or("", String::as_str)),
            keys: keys(&it.recording, form.typed.get("key").map_or("", String::as_str)),
            facts: facts(&it.recording, &it.upload),
            row: TrackRow::of(track, &visitor.name, handle.as_deref()),
            master_href: format!("/studio/tracks/{}/master", track.slug),
            twin: twin_words(&it.upload, &it.twins),
            may_submit: matches!(track.state, State::Draft | State::Refused | State::Withdrawn)
                && (!is_child || it.may_be_shown),
            may_withdraw: matches!(track.state, State::Published | State::Submitted),
            published: track.state == State::Published,
            // Without prices the review is the third step.
            step: if is_child { step.min(3) } else { step },
            is_child,
            may_be_shown: it.may_be_shown,
            release: RELEASE,
            release_edition: RELEASE_EDITION,
            form,
        }
    }
}

/// `Creator 29.00 USD`.
fn unpriced(offer: &Offer, tiers: &[Tier]) -> String {
    let name = tiers.iter().find(|tier| tier.slug == offer.tier).map_or(&offer.tier, |tier| &tier.name);
    format!("{name} {}", offer.price_cents.exact(&offer.currency))
}

fn shown_share(bps: i64) -> String {
    if bps % 100 == 0 { format!("{} %", bps / 100) } else { format!("{:.2} %", bps as f64 / 100.0) }
}

/// What a fresh draft of this kind is offered at until its uploader says otherwise.
pub fn first_prices(tiers: &[Tier], kind: &str) -> Vec<(String, String)> {
    let offered = offered_for(kind);
    let fresh = tiers.iter().filter(|t| offered.contains(&t.slug.as_str()));
    fresh.filter_map(|t| Some((format!("price.{}", t.slug), t.price_cents?.to_string()))).collect()
}

fn price_fields(tiers: &[Tier], currency: &str, bounds: PriceBounds) -> Vec<PriceField> {
    let priced = tiers.iter().filter(|t| !t.on_request);
    priced
        .filter_map(|t| {
            let (low, high) = t.price_range(bounds)?;
            let range = format!("{} to {}, or 0.", low.show(currency), high.show(currency));
            Some(PriceField {
                name: format!("price.{}", t.slug),
                label: t.name.clone(),
                hint: format!("{}. {range}", t.scope.may_use_in()),
                placeholder: "not offered".into(),
            })
        })
        .collect()
}

impl View for EditPage {
    const TEMPLATE: &'static str = "studio/edit.html";

    fn samples() -> Vec<EditPage> {
        let fields = crate::web::Fields::parse("title=Rain+<on>+tin&kind=music&mood=calm&price.creator=0.5");
        let faults =
            crate::web::Faults::of("price.creator", "Creator may cost nothing, or between $14.50 and $116.");
        let draft = EditPage {
            slug: "copper-weather".into(),
            title: "Copper Weather".into(),
            state: "refused".into(),
            state_words: "Refused".into(),
            refusal: Some("There is a click at 1:12.".into()),
            form: FormView::new(&fields, faults),
            lists: Lists::all(),
            prices: price_fields(&crate::sales::tier::default_catalogue(), "usd", PriceBounds::default()),
            unpriced: vec!["Creator 29.00 EUR".into()],
            on_request: vec!["Exclusive buy-out".into()],
            share: "35 %".into(),
            tempos: vec![Suggestion { take: "bpm=92".into(), words: "92 bpm?".into() }],
            keys: vec![Suggestion { take: "key=am".into(), words: "A minor".into() }],
            facts: vec![Fact { name: "Length".into(), words: "2:34".into(), href: None }],
            row: TrackRow::sample(),
            master_href: "/studio/tracks/copper-weather/master".into(),
            twin: Some("Somebody else uploaded the same recording before, in another file.".into()),
            may_submit: true,
            may_withdraw: false,
            published: false,
            step: 2,
            is_child: false,
            may_be_shown: true,
            release: RELEASE,
            release_edition: RELEASE_EDITION,
        };
        let live = EditPage {
            state: "published".into(),
            refusal: None,
            form: FormView::default(),
            unpriced: vec![],
            tempos: vec![],
            keys: vec![],
            twin: None,
            may_submit: false,
            may_withdraw: true,
            published: true,
            step: 5,
            ..draft.clone()
        };
        let child = EditPage { is_child: true, may_be_shown: false, prices: vec![], ..draft.clone() };
        vec![draft, live, child]
    }
}
