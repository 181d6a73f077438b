//! From the form on a track's page in the studio to what its uploader says of it, with each fault at its field.

use std::collections::BTreeSet;

use crate::catalogue::lists;
use crate::catalogue::offer::Offer;
use crate::catalogue::track::{Description, Kind, Track, split};
use crate::catalogue::voices::{RELEASE_EDITION, Said, Voices};
use crate::money::Cents;
use crate::sales::tier::{PriceBounds, Tier, check_prices};
use crate::web::{Faults, Fields};

const TITLE_LETTERS: usize = 120;
const DESCRIPTION_LETTERS: usize = 5_000;
const TAGS: usize = 20;
const TAG_LETTERS: usize = 40;
const MOODS: usize = 5;
const INSTRUMENTS: usize = 12;

/// The fields as they count: what was pressed under `take` (such as `bpm=92`) stands in its field's place.
pub fn taken(fields: &Fields) -> Fields {
    let Some((name, value)) = fields.text("take").split_once('=') else { return fields.clone() };
    if !matches!(name, "bpm" | "key") {
        return fields.clone();
    }
    let others = fields.iter().filter(|(n, _)| *n != name && *n != "take");
    let pairs = others.map(|(n, v)| (n.to_owned(), v.to_owned()));
    pairs.chain([(name.to_owned(), value.to_owned())]).collect()
}

/// The fields without a price: what a child made is heard, and never for sale.
pub fn unpriced(fields: &Fields) -> Fields {
    fields
        .iter()
        .filter(|(name, _)| !name.starts_with("price."))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect()
}

/// What the form says of a track, or everything that is wrong with it. `tiers` are those of the shop, `bounds` how far from
/// theirs a price may be.
pub fn read(
    fields: &Fields,
    track: &Track,
    tiers: &[Tier],
    bounds: PriceBounds,
    currency: &str,
) -> Result<Description, Faults> {
    let mut faults = Faults::default();
    let title = one_line(fields.text("title"));
    match title.chars().count() {
        0 => faults.add("title", "Give it a title."),
        n if n > TITLE_LETTERS => {
            faults.add("title", format!("A title has at most {TITLE_LETTERS} letters; this one has {n}."))
        }
        _ => {}
    }
    let description = fields.text("description").to_owned();
    if description.chars().count() > DESCRIPTION_LETTERS {
        faults.add("description", format!("A description has at most {DESCRIPTION_LETTERS} letters."));
    }
    let kind = match fields.text("kind") {
        "" => Some(track.kind),
        text => lists::parse_kind(text).and_then(Kind::parse),
    };
    if kind.is_none() {
        faults.add("kind", "Choose music, loop or sound effect.");
    }
    let genre = word(fields, "genre", lists::parse_genre, &mut faults);
    let vocals = word(fields, "vocals", lists::parse_vocals, &mut faults);
    let moods = words(fields, "mood", MOODS, lists::parse_mood, &mut faults);
    let instruments = words(fields, "instrument", INSTRUMENTS, lists::parse_instrument, &mut faults);
    let tags = tags(fields, &mut faults);
    let bpm = bpm(fields.text("bpm"), &mut faults);
    let musical_key = word(fields, "key", lists::parse_key, &mut faults);
    let voices = voices(fields, &mut faults);
    let prices = prices(fields, tiers, bounds, currency, &mut faults);
    match kind {
        Some(kind) if faults.is_empty() => Ok(Description {
            title,
            description,
            kind,
            genre,
            vocals: vocals.unwrap_or_else(|| "none".into()),
            moods,
            instruments,
            tags,
            bpm,
            musical_key,
            voices,
            prices,
        }),
        _ => Err(faults),
    }
}

/// Whether somebody under age is heard. Of those who are, the release is stated in today's sentence, or nothing is kept.
fn voices(fields: &Fields, faults: &mut Faults) -> Option<Voices> {
    match (fields.text("under_age"), fields.text("release")) {
        ("", _) => None,
        ("no", _) => Some(Voices::OfAge),
        ("yes", RELEASE_EDITION) => Some(Voices::Released),
        ("yes", _) => {
            faults.add("release", "Without the release of a parent or guardian it cannot be offered here.");
            None
        }
        _ => {
            faults.add("under_age", "Say yes or no.");
            None
        }
    }
}

/// The form of a track as it is kept. A price in another currency than the shop's, or at a tier that has none any more, stands
/// in no field: to save the form would make it one.
pub fn fields_of(
    track: &Track,
    said: Option<&Said>,
    offers: &[Offer],
    tiers: &[Tier],
    currency: &str,
) -> Fields {
    let mut pairs = vec![
        ("title".to_owned(), track.title.clone()),
        ("description".to_owned(), track.description.clone()),
        ("kind".to_owned(), track.kind.to_string()),
        ("genre".to_owned(), track.genre.clone().unwrap_or_default()),
        ("vocals".to_owned(), track.vocals.clone()),
        ("tags".to_owned(), split(&track.tags).join(", ")),
        ("bpm".to_owned(), track.bpm.map(shown_bpm).unwrap_or_default()),
        ("key".to_owned(), track.musical_key.clone().unwrap_or_default()),
    ];
    if let Some(said) = said {
        pairs.push(("under_age".to_owned(), if said.heard { "yes" } else { "no" }.to_owned()));
        pairs.push(("release".to_owned(), said.release.clone().unwrap_or_default()));
    }
    pairs.extend(split(&track.moods).into_iter().map(|mood| ("mood".to_owned(), mood)));
    pairs.extend(split(&track.instruments).into_iter().map(|one| ("instrument".to_owned(), one)));
    let has_price = |o: &&Offer| tiers.iter().any(|tier| tier.slug == o.tier && !tier.on_request);
    let sold = offers.iter().filter(|o| o.is_in(currency)).filter(has_price);
    pairs.extend(sold.map(|o| (format!("price.{}", o.tier), o.price_cents.to_string())));
    pairs.into_iter().collect()
}

/// `92`, `92.5`.
pub fn shown_bpm(bpm: f64) -> String {
    let tenths = (bpm * 10.0).round() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0}") } else { format!("{tenths:.1}") }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn word(fields: &Fields, name: &str, parse: lists::Lookup, faults: &mut Faults) -> Option<String> {
    let text = fields.text(name);
    if text.is_empty() {
        return None;
    }
    let known = parse(text).map(str::to_owned);
    if known.is_none() {
        faults.add(name, format!("We have no {name} called “{}”. Choose one of the list.", short(text)));
    }
    known
}

/// Words of a list: a field for each, or several in one with commas.
fn words(fields: &Fields, name: &str, most: usize, parse: lists::Lookup, faults: &mut Faults) -> Vec<String> {
    let mut known: Vec<String> = vec![];
    let all = fields.all(name);
    for text in all.iter().flat_map(|v| v.split(',')).map(str::trim).filter(|v| !v.is_empty()) {
        match parse(text) {
            Some(slug) if known.iter().any(|k| k == slug) => {}
            Some(slug) => known.push(slug.to_owned()),
            None => faults.add(name, format!("We have no {name} called “{}”.", short(text))),
        }
    }
    if known.len() > most {
        faults.add(name, format!("Choose at most {most}: the ones a searcher would think of first."));
    }
    known
}

fn tags(fields: &Fields, faults: &mut Faults) -> Vec<String> {
    let mut tags: Vec<String> = vec![];
    let mut seen = BTreeSet::new();
    for tag in fields.all("tags").iter().flat_map(|v| v.split(',')).map(one_line) {
        if tag.chars().count() > TAG_LETTERS {
            faults.add("tags", format!("A tag has at most {TAG_LETTERS} letters."));
        } else if !tag.is_empty() && seen.insert(crate::words::fold(&tag)) {
            tags.push(tag);
        }
    }
    if tags.len() > TAGS {
        faults.add("tags", format!("At most {TAGS} tags, please; these are {}.", tags.len()));
    }
    tags
}

fn bpm(text: &str, faults: &mut Faults) -> Option<f64> {
    if text.is_empty() {
        return None;
    }
    let number = text.trim_end_matches("bpm").trim().replace(',', ".").parse::<f64>().ok();
    let fine = number.filter(|n| (20.0..=400.0).contains(n));
    if fine.is_none() {
        faults.add("bpm", "A tempo is a number between 20 and 400 beats a minute, or nothing.");
    }
    fine
}

fn prices(
    fields: &Fields,
    tiers: &[Tier],
    bounds: PriceBounds,
    currency: &str,
    faults: &mut Faults,
) -> Vec<(String, Cents)> {
    let mut prices: Vec<(String, Cents)> = vec![];
    for (name, text) in fields.iter() {
        let (Some(tier), text) = (name.strip_prefix("price."), text.trim()) else { continue };
        if text.is_empty() || prices.iter().any(|(known, _)| known == tier) {
            continue;
        }
        match Cents::parse(text) {
            Some(price) => prices.push((tier.to_owned(), price)),
            None => faults.add(name, format!("“{}” is no price. Write it like 29 or 29.00.", short(text))),
        }
    }
    if let Err(found) = check_prices(tiers, bounds, currency, &prices) {
        for (tier, sentence) in found {
            faults.add(&format!("price.{tier}"), sentence);
        }
    }
    // In the shop's order, whatever the form's.
    prices.sort_by_key(|(slug, _)| tiers.iter().position(|t| t.slug == *slug));
    prices
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::track::State;
    use crate::clock::Timestamp;
    use crate::ids::{Slug, TrackId, UploadId, UserId};
    use crate::sales::tier::default_catalogue;
    use crate::web::FormView;

    fn track() -> Track {
        Track {
            id: TrackId::new(),
            slug: Slug::parse("rain").unwrap(),
            uploader_id: UserId::new(),
            upload_id: UploadId::new(),
            title: "Rain".into(),
            description: String::new(),
            kind: Kind::Loop,
            genre: None,
            vocals: "none".into(),
            moods: String::new(),
            instruments: String::new(),
            tags: String::new(),
            bpm: None,
            musical_key: None,
            duration_ms: 1,
            sample_start_ms: 0,
            bars: String::new(),
            price_from: None,
            state: State::Draft,
            created_at: Timestamp(0),
            changed_at: Timestamp(0),
            published_at: None,
            licensed: 0,
            kept: 0,
        }
    }

    fn check(form: &str) -> Result<Description, Faults> {
        let bounds = PriceBounds::default();
        read(&taken(&Fields::parse(form)), &track(), &default_catalogue(), bounds, "usd")
    }

    fn faults(form: &str) -> Vec<String> {
        let Err(faults) = check(form) else { return vec![] };
        FormView::new(&Fields::default(), faults).faults.into_keys().collect()
    }

    #[test]
    fn a_form_says_what_a_track_is() {
        let said = check(
            "title=+Rain++on+tin&description=Soft%0D%0Arain&kind=effect&genre=Nature&mood=calm&mood=dark,tense\
             &instrument=piano&tags=rain,+Tin+roof,RAIN,&bpm=92,5&key=F%23+minor&price.effects=%2419.00&price.creator=",
        )
        .unwrap();
        assert_eq!((said.title.as_str(), said.kind), ("Rain on tin", Kind::Effect));
        assert_eq!(said.tags, ["rain", "Tin roof"]);
        assert_eq!((said.bpm, said.musical_key.as_deref()), (Some(92.5), Some("fsm")));
        assert_eq!(said.prices, [("effects".to_owned(), Cents(1900))]);
        assert!(said.moods.contains(&"tense".to_owned()));
        assert_eq!(check("title=x").unwrap().kind, Kind::Loop);
    }

    #[test]
    fn every_fault_stands_at_its_field() {
        assert_eq!(
            faults(
                "title=&kind=poem&genre=polka-metal&mood=hungry&bpm=fast&key=h&price.creator=cheap&tags=ok"
            ),
            ["bpm", "genre", "key", "kind", "mood", "price.creator", "title"]
        );
        assert_eq!(faults("title=x&price.creator=0.50"), ["price.creator"]);
        assert_eq!(faults("title=x&price.exclusive=900"), ["price.exclusive"]);
        assert_eq!(faults("title=x&price.nonsense=9"), ["price.nonsense"]);
        assert_eq!(faults("title=x&bpm=1e9"), ["bpm"]);
        assert_eq!(faults("title=x&bpm=NaN"), ["bpm"]);
        assert!(faults("title=x&price.creator=0").is_empty());
        let long = "t".repeat(121);
        assert_eq!(faults(&format!("title={long}")), ["title"]);
    }

    /// AGE: an adult uploads a child's voice: who says that one is heard states the release, in the sentence of today.
    #[test]
    fn a_young_voice_needs_the_release() {
        assert_eq!(check("title=x").unwrap().voices, None);
        assert_eq!(check("title=x&under_age=no").unwrap().voices, Some(Voices::OfAge));
        assert_eq!(faults("title=x&under_age=yes"), ["release"]);
        assert_eq!(faults("title=x&under_age=yes&release=2001-01"), ["release"]);
        assert_eq!(faults("title=x&under_age=maybe"), ["under_age"]);
        let stated = format!("title=x&under_age=yes&release={RELEASE_EDITION}");
        assert_eq!(check(&stated).unwrap().voices, Some(Voices::Released));
        assert!(unpriced(&Fields::parse("title=x&price.creator=29")).iter().all(|(n, _)| n == "title"));
    }

    #[test]
    fn one_tap_takes_what_was_measured() {
        assert_eq!(check("title=x&bpm=46&take=bpm%3D92").unwrap().bpm, Some(92.0));
        assert_eq!(check("title=x&key=c&take=key%3Dam").unwrap().musical_key.as_deref(), Some("am"));
        assert_eq!(check("title=x&take=title%3Dy").unwrap().title, "x");
    }
}
