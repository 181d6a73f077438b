//! A shop of any size: rows with plausible words and figures that share the sound of the synthesised tracks.
//!
//! What is said of them is chance, the same for the same number; what they sound like is what their neighbours sound
//! like. They come without a word in the change feed: the index is built anew when all are there.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::catalogue::prices;
use super::chance::Chance;
use super::fill::Filling;
use crate::App;
use crate::catalogue::lists;
use crate::catalogue::offer::Offer;
use crate::catalogue::track::{self, Kind, State, Track};
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::tracks;
use crate::error::{Error, Result};
use crate::ids::{OfferId, Slug, TrackId};
use crate::money::Cents;
use crate::sales::tier::Catalogue;

/// Rows in one write: enough to be quick, few enough that nobody else waits long for theirs.
const BATCH: u64 = 2_000;
/// Their publications lie within so many days before today.
const DAYS: i64 = 1_200;

/// Adds tracks until the shop has `upto` of them; `told` hears how many there are. The shop must have a demo. What an
/// interruption left is gone on with. Answers how many there are.
pub async fn grow(app: &App, upto: u64, told: impl Fn(u64)) -> Result<u64> {
    let (models, mut there) = app.db.read(|conn| Ok((models(conn)?, count(conn)?))).await?;
    if models.is_empty() {
        return Err(Error::refused("there is nothing to share the sound of: fill the shop first"));
    }
    let (config, now) = (&app.config, Timestamp::now());
    let maker = std::sync::Arc::new(Maker::new(models, config.currency.clone(), &config.catalogue, now));
    told(there);
    while there < upto {
        let numbers = there..upto.min(there + BATCH);
        let made = numbers.end;
        let maker = std::sync::Arc::clone(&maker);
        let (rows, offers) = tokio::task::spawn_blocking(move || maker.rows(numbers)).await?;
        app.db.write(move |conn| track::insert_many(conn, &rows, &offers)).await?;
        there = made;
        told(there);
    }
    Ok(there)
}

fn count(conn: &mut Conn) -> Result<u64> {
    let rows: i64 = tracks::table.count().get_result(conn)?;
    Ok(rows.max(0) as u64)
}

/// The synthesised tracks, which the others sound like.
fn models(conn: &mut Conn) -> Result<Vec<Track>> {
    let Some(filling) = Filling::find(conn)? else { return Ok(Vec::new()) };
    let ours = tracks::uploader_id.eq_any(filling.people()).and(tracks::state.eq(State::Published));
    Ok(tracks::table
        .filter(ours)
        .order(tracks::id)
        .limit(filling.tracks as i64)
        .select(Track::as_select())
        .load(conn)?)
}

/// Makes rows.
struct Maker {
    models: Vec<Track>,
    currency: String,
    now: Timestamp,
    /// Prices at every tier, by kind and per cent.
    prices: BTreeMap<(&'static str, i64), Vec<(String, Cents)>>,
}

const PERCENTS: [i64; 12] = [60, 70, 80, 90, 100, 100, 110, 120, 130, 150, 180, 220];

impl Maker {
    fn new(models: Vec<Track>, currency: String, catalogue: &Catalogue, now: Timestamp) -> Maker {
        let kinds = [Kind::Music, Kind::Loop, Kind::Effect];
        let all = kinds.iter().flat_map(|kind| PERCENTS.map(|per| (*kind, per)));
        let own = |kind, per| -> Vec<(String, Cents)> {
            prices(kind, per).into_iter().filter(|(tier, _)| catalogue.sells(tier)).collect()
        };
        let prices = all.map(|(kind, per)| ((kind.as_str(), per), own(kind, per))).collect();
        Maker { models, currency, now, prices }
    }

    /// The tracks of these numbers with their offers.
    fn rows(&self, numbers: std::ops::Range<u64>) -> (Vec<Track>, Vec<Offer>) {
        let (mut rows, mut offers) = (Vec::new(), Vec::new());
        for number in numbers {
            let mut chance = Chance::new(number.wrapping_mul(0x1_0000_01b3) ^ 0x00c0_ffee);
            let model = chance.pick(&self.models);
            let id = TrackId::new();
            let price = &self.prices[&(model.kind.as_str(), *chance.pick(&PERCENTS))];
            offers.extend(price.iter().map(|(tier, cents)| Offer {
                id: OfferId::new(),
                track_id: id.clone(),
                tier: tier.clone(),
                price_cents: *cents,
                currency: self.currency.clone(),
            }));
            rows.push(self.row(number, id, model, price, &mut chance));
        }
        (rows, offers)
    }

    fn row(
        &self,
        number: u64,
        id: TrackId,
        model: &Track,
        price: &[(String, Cents)],
        chance: &mut Chance,
    ) -> Track {
        let words = Words::of(model.kind, chance);
        let published = self.now.plus(-(chance.unit() as f64 * (DAYS * DAY) as f64) as i64);
        Track {
            // No two tracks have one number, whatever they are called.
            slug: Slug::from_title(&words.title).numbered(u32::try_from(number).unwrap_or(u32::MAX)),
            id,
            uploader_id: model.uploader_id.clone(),
            upload_id: model.upload_id.clone(),
            title: words.title,
            description: words.description,
            kind: model.kind,
            genre: Some(words.genre.to_owned()),
            vocals: words.vocals.to_owned(),
            moods: words.moods.join(","),
            instruments: words.instruments.join(","),
            tags: words.tags.join(","),
            bpm: words.bpm,
            musical_key: words.key.map(str::to_owned),
            duration_ms: model.duration_ms,
            sample_start_ms: model.sample_start_ms,
            bars: model.bars.clone(),
            price_from: price.iter().map(|(_, cents)| *cents).min(),
            state: State::Published,
            created_at: published,
            changed_at: published,
            published_at: Some(published),
            licensed: 0,
            kept: 0,
        }
    }
}

/// What is said of a track that was never described.
struct Words {
    title: String,
    description: String,
    genre: &'static str,
    vocals: &'static str,
    moods: Vec<&'static str>,
    instruments: Vec<&'static str>,
    tags: Vec<&'static str>,
    bpm: Option<f64>,
    key: Option<&'static str>,
}

impl Words {
    fn of(kind: Kind, chance: &mut Chance) -> Words {
        let is_effect = kind == Kind::Effect;
        let is_family = |slug: &str| FAMILIES.contains(&slug);
        let genres = lists::GENRES.iter().map(|word| word.slug).filter(|slug| is_family(slug) == is_effect);
        let genres: Vec<&'static str> = genres.collect();
        let genre = common(&genres, chance);
        let moods = some(&slugs(lists::MOODS), 1 + chance.below(3), chance);
        let instruments = match is_effect {
            true => vec![*chance.pick(&["field-recording", "field-recording", "synth", "percussion"])],
            false => {
                let playable = |slug: &&str| *slug != "field-recording";
                let all: Vec<_> = slugs(lists::INSTRUMENTS).into_iter().filter(playable).collect();
                some(&all, 1 + chance.below(4), chance)
            }
        };
        let tags = some(if is_effect { NOISES } else { SUBJECTS }, 3 + chance.below(4), chance);
        let bpm = (!is_effect).then(|| (108.0 + chance.bell() * 24.0).clamp(56.0, 186.0).round() as f64);
        let key = (!is_effect).then(|| chance.pick(lists::KEYS).slug);
        let vocals = match chance.below(12) {
            0 if !is_effect => "choir",
            1 if !is_effect => "lead",
            2 if kind == Kind::Music => "spoken",
            _ => "none",
        };
        let title = title(kind, &tags, bpm, chance);
        let description = describe(kind, genre, &moods, &instruments, &tags);
        Words { title, description, genre, vocals, moods, instruments, tags, bpm, key }
    }
}

fn slugs(list: &'static [lists::Word]) -> Vec<&'static str> {
    list.iter().map(|word| word.slug).collect()
}

/// One of these, the first ones far more often than the last: so are words spread that people choose.
fn common(of: &[&'static str], chance: &mut Chance) -> &'static str {
    let at = chance.unit() * chance.unit() * of.len() as f32;
    of[(at as usize).min(of.len() - 1)]
}

/// Some of these, each once.
fn some(of: &[&'static str], count: usize, chance: &mut Chance) -> Vec<&'static str> {
    let mut chosen: Vec<&'static str> = Vec::with_capacity(count);
    while chosen.len() < count {
        let word = common(of, chance);
        if !chosen.contains(&word) {
            chosen.push(word);
        }
    }
    chosen
}

fn title(kind: Kind, tags: &[&str], bpm: Option<f64>, chance: &mut Chance) -> String {
    let (how, what, other) = (*chance.pick(HOW), *chance.pick(WHAT), *chance.pick(WHAT));
    match (kind, chance.below(6)) {
        (Kind::Effect, 0..3) => format!("{}, {}", capital(tags[0]), how.to_lowercase()),
        (Kind::Effect, _) => format!("{} and {}", capital(tags[0]), tags[1]),
        (Kind::Loop, _) => format!("{how} {what} {}", bpm.unwrap_or(100.0)),
        (_, 0) => format!("The {how} {what}"),
        (_, 1) => format!("{what} and {other}"),
        (_, 2) => format!("{what} for a {how} {other}"),
        (_, 3) => format!("{what}, {}", *chance.pick(WHEN)),
        _ => format!("{how} {what}"),
    }
}

fn describe(kind: Kind, genre: &str, moods: &[&str], instruments: &[&str], tags: &[&str]) -> String {
    let name = |of: Option<&'static str>| of.unwrap_or_default().to_lowercase();
    let moods = listed(moods.iter().map(|slug| name(lists::mood_name(slug))));
    let played = listed(instruments.iter().map(|slug| name(lists::instrument_name(slug))));
    let genre = name(lists::genre_name(genre));
    let subjects = listed(tags.iter().map(|tag| (*tag).to_owned()));
    match kind {
        Kind::Music => format!("{} {genre} for {played}. Made with {subjects} in mind.", capital(&moods)),
        Kind::Loop => format!("A {genre} loop for {played}: {moods}. Goes with {subjects}."),
        Kind::Effect => format!("{}: {subjects}. Sounds {moods}.", capital(&genre)),
    }
}

/// `a, b and c`.
fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Genres that are families of sound effects.
const FAMILIES: &[&str] =
    &["everyday", "interface", "machines", "nature", "people", "transitions", "weather"];

#[rustfmt::skip]
const HOW: &[&str] = &[
    "Amber", "Ancient", "Arctic", "Ashen", "Balanced", "Bare", "Bitter", "Blue", "Borrowed", "Brass", "Bright",
    "Broken", "Burning", "Careful", "Careless", "Clear", "Clever", "Cold", "Copper", "Crooked", "Curious", "Dim",
    "Distant", "Double", "Drifting", "Dry", "Dusty", "Early", "Eastern", "Electric", "Empty", "Endless", "Even",
    "Faded", "Faithful", "Far", "Final", "First", "Folded", "Foreign", "Forgotten", "Fragile", "Frozen", "Gentle",
    "Gilded", "Glass", "Golden", "Grand", "Green", "Grey", "Half", "Hidden", "Hollow", "Honest", "Humble", "Idle",
    "Indigo", "Inner", "Iron", "Ivory", "Kind", "Last", "Late", "Lean", "Light", "Little", "Local", "Lonely", "Long",
    "Loose", "Lost", "Loud", "Low", "Lucky", "Marble", "Mellow", "Midnight", "Minor", "Modest", "Narrow", "Near",
    "Neon", "New", "Nimble", "Northern", "Odd", "Old", "Open", "Orange", "Outer", "Pale", "Paper", "Patient",
    "Perfect", "Plain", "Polar", "Proud", "Quick", "Quiet", "Rapid", "Rare", "Restless", "Rising", "Rough", "Round",
    "Rusty", "Salt", "Scarlet", "Second", "Secret", "Sharp", "Silent", "Silver", "Simple", "Slow", "Small", "Smooth",
    "Soft", "Solar", "Southern", "Spare", "Steady", "Still", "Strange", "Summer", "Sunken", "Sweet", "Swift",
    "Tall", "Tame", "Tender", "Thin", "Third", "Thirsty", "Tidal", "Tin", "Tired", "Upper", "Urban", "Velvet",
    "Violet", "Wandering", "Warm", "Western", "White", "Wide", "Wild", "Winter", "Wooden", "Yellow", "Young",
];

#[rustfmt::skip]
const WHAT: &[&str] = &[
    "Afternoon", "Alley", "Almanac", "Anchor", "Apartment", "Archive", "Arrival", "Atlas", "Attic", "Avenue",
    "Balcony", "Balloon", "Bay", "Beacon", "Bell", "Bench", "Bicycle", "Blanket", "Bloom", "Boat", "Border", "Bridge",
    "Brook", "Cabin", "Calendar", "Candle", "Canopy", "Canyon", "Cargo", "Carnival", "Carousel", "Castle", "Cathedral",
    "Cedar", "Cellar", "Chapel", "Chapter", "Circuit", "Circus", "Citadel", "Cloud", "Coast", "Comet", "Compass",
    "Corner", "Corridor", "Cottage", "Courtyard", "Crane", "Creek", "Crossing", "Current", "Curtain", "Dawn", "Delta",
    "Departure", "Desert", "Detour", "Dial", "Diary", "Distance", "Dock", "Dragonfly", "Drift", "Dune", "Echo",
    "Elevator", "Ember", "Engine", "Errand", "Escalator", "Estuary", "Evening", "Factory", "Fairground", "Feather",
    "Ferry", "Field", "Fire", "Flight", "Flood", "Fog", "Forest", "Fountain", "Frontier", "Frost", "Furnace",
    "Gallery", "Garden", "Gate", "Geometry", "Ghost", "Glacier", "Glove", "Grain", "Gravity", "Grove", "Harbour",
    "Harvest", "Hedge", "Highway", "Hill", "Horizon", "Hotel", "Hour", "House", "Island", "Jacket", "January",
    "Journey", "Junction", "Kettle", "Key", "Kite", "Ladder", "Lagoon", "Lake", "Lamp", "Lantern", "Laundry", "Ledger",
    "Letter", "Library", "Lighthouse", "Line", "Lobby", "Lullaby", "Machine", "Map", "Marble", "Market", "Meadow",
    "Memory", "Meridian", "Midnight", "Mile", "Mill", "Mirror", "Monday", "Moon", "Morning", "Motel", "Mountain",
    "Museum", "Needle", "Neighbour", "Night", "Notebook", "November", "Ocean", "October", "Office", "Orbit", "Orchard",
    "Parade", "Passage", "Passenger", "Path", "Pavilion", "Pendulum", "Photograph", "Pier", "Pilot", "Planet",
    "Platform", "Pocket", "Postcard", "Prairie", "Promise", "Quarry", "Radio", "Railway", "Rain", "Receipt", "Reef",
    "Relay", "Ribbon", "Ridge", "River", "Road", "Roof", "Room", "Rope", "Sail", "Satellite", "Season", "Shadow",
    "Shelter", "Shore", "Signal", "Sketch", "Sky", "Sleeper", "Snow", "Spring", "Square", "Staircase", "Station",
    "Stone", "Storm", "Story", "Street", "Suburb", "Sunday", "Telegram", "Temple", "Tenant", "Terminal", "Terrace",
    "Theatre", "Thread", "Tide", "Tower", "Traffic", "Train", "Tunnel", "Umbrella", "Valley", "Veranda", "Village",
    "Volcano", "Voyage", "Waltz", "Watchmaker", "Water", "Wave", "Weather", "Wheel", "Willow", "Window", "Winter",
    "Yard", "Yesterday",
];

const WHEN: &[&str] = &[
    "After Dark",
    "After Rain",
    "Again",
    "Before Noon",
    "by Heart",
    "in August",
    "in Parts",
    "in the Distance",
    "Part One",
    "Part Two",
    "Revisited",
    "Slowly",
    "Tomorrow",
    "Twice",
    "Without Words",
];

#[rustfmt::skip]
const SUBJECTS: &[&str] = &[
    "documentary", "travel", "city", "technology", "advert", "night drive", "podcast", "interview", "nature", "sport",
    "family", "drama", "food", "fashion", "history", "science", "ocean", "space", "road", "winter", "summer", "rain",
    "children", "animation", "startup", "time-lapse", "wedding", "crime", "mystery", "detective", "chase", "romance",
    "comedy", "medical", "architecture", "yoga", "meditation", "study", "gaming", "trailer", "news", "intro", "outro",
    "credits", "tutorial", "craft", "cooking", "education", "charity", "farming", "mountains", "harbour", "factory",
    "robots", "magic", "school", "cafe", "museum", "art", "poetry", "dance", "club", "festival", "morning", "sunset",
    "dream", "memory", "slow build", "minimal", "piano solo", "no drums", "groove", "ambience", "texture", "pulse",
    "drone", "heartbeat", "countdown", "victory", "farewell", "homecoming", "investigation", "spy", "western",
    "desert", "jungle", "underwater", "aerial", "market", "railway", "retro", "vinyl", "tape", "noir", "fairy tale",
];

#[rustfmt::skip]
const NOISES: &[&str] = &[
    "door", "rain", "wind", "footsteps", "crowd", "traffic", "birds", "thunder", "glass", "metal", "wood", "water",
    "engine", "machine", "click", "whoosh", "impact", "riser", "drone", "alarm", "bell", "clock", "paper", "cloth",
    "gravel", "snow", "leaves", "fire", "train", "car", "boat", "aeroplane", "helicopter", "bicycle", "lift", "stairs",
    "kitchen", "cutlery", "kettle", "tap", "shower", "phone", "keyboard", "printer", "camera", "coins", "keys", "zip",
    "chain", "rope", "hammer", "saw", "drill", "radio static", "applause", "laughter", "whisper", "breath",
    "heartbeat", "dog", "cat", "horse", "owl", "crickets", "frogs", "bees", "waves", "stream", "waterfall", "cave",
    "forest", "street", "market", "station", "airport", "school yard", "church", "stadium", "factory", "workshop",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::{UploadId, UserId};
    use crate::sales::tier::{PriceBounds, check_prices, default_catalogue};

    fn model(kind: Kind) -> Track {
        Track {
            id: TrackId::new(),
            slug: Slug::from_title("Model"),
            uploader_id: UserId::new(),
            upload_id: UploadId::new(),
            title: "Model".into(),
            description: String::new(),
            kind,
            genre: None,
            vocals: "none".into(),
            moods: String::new(),
            instruments: String::new(),
            tags: String::new(),
            bpm: None,
            musical_key: None,
            duration_ms: 4_000,
            sample_start_ms: 0,
            bars: "00".repeat(200),
            price_from: None,
            state: State::Published,
            created_at: Timestamp(0),
            changed_at: Timestamp(0),
            published_at: Some(Timestamp(0)),
            licensed: 3,
            kept: 4,
        }
    }

    #[test]
    fn what_is_made_up_is_in_the_lists_and_sold_within_the_bounds() {
        let models: Vec<Track> = [Kind::Music, Kind::Loop, Kind::Effect].map(model).into();
        let now = Timestamp(2_000 * DAY);
        let maker = Maker::new(models.clone(), "usd".into(), &Catalogue::default(), now);
        let (rows, offers) = maker.rows(0..600);
        let slugs: BTreeSet<&str> = rows.iter().map(|t| t.slug.as_str()).collect();
        let titles: BTreeSet<&str> = rows.iter().map(|t| t.title.as_str()).collect();
        assert_eq!(slugs.len(), 600);
        assert!(titles.len() > 400, "{}", titles.len());
        for row in &rows {
            assert!(Slug::parse(row.slug.as_str()).is_some(), "{}", row.slug);
            assert!(lists::genre_name(row.genre.as_deref().unwrap()).is_some());
            assert!(lists::vocals_name(&row.vocals).is_some());
            assert!(track::split(&row.moods).iter().all(|m| lists::mood_name(m).is_some()), "{}", row.moods);
            let played = track::split(&row.instruments);
            assert!(played.iter().all(|i| lists::instrument_name(i).is_some()), "{}", row.instruments);
            assert!(!played.is_empty() && !row.tags.is_empty() && row.description.ends_with('.'));
            assert!(row.musical_key.as_deref().is_none_or(|key| lists::key(key).is_some()));
            assert_eq!(row.bpm.is_some(), row.kind != Kind::Effect);
            assert!(
                row.published_at.unwrap() <= now && row.published_at.unwrap() > now.plus(-DAYS * DAY - 1)
            );
            assert_eq!((row.licensed, row.kept), (0, 0), "no sale is ever invented");
            assert!(models.iter().any(|m| m.upload_id == row.upload_id && m.kind == row.kind));
            let own: Vec<&Offer> = offers.iter().filter(|o| o.track_id == row.id).collect();
            assert_eq!(row.price_from, own.iter().map(|o| o.price_cents).min());
            let prices: Vec<_> = own.iter().map(|o| (o.tier.clone(), o.price_cents)).collect();
            assert_eq!(check_prices(&default_catalogue(), PriceBounds::default(), "usd", &prices), Ok(()));
        }
        let words = |rows: Vec<Track>| rows.into_iter().map(|t| (t.slug, t.description)).collect::<Vec<_>>();
        assert_eq!(
            words(maker.rows(40..60).0),
            words(rows[40..60].to_vec()),
            "the same number, the same words"
        );
    }
}
