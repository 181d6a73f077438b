//! The front page, from what the index knows and its rows.

use serde_json::json;

use super::pages::{Doorway, HomePage, json_ld};
use super::row::TrackRow;
use super::track::Listed;
use crate::config::Config;
use crate::ids::TrackId;
use crate::search::query::Field;
use crate::search::{Found, Front};

const SENTENCE: &str = "Music, loops and sounds by people, each with a licence that anyone can check.";
/// The first of what is new stands alone above the others.
pub const FRESH: usize = 9;
const LOVED: usize = 6;
const DOORS: usize = 12;

impl HomePage {
    /// The tracks whose rows the page needs.
    pub fn wants(front: &Front) -> impl Iterator<Item = &TrackId> {
        front.fresh.iter().take(FRESH).chain(front.loved.iter().take(LOVED))
    }

    /// The page over these rows. A row that no list names is among what is new: the index does not know it yet.
    pub fn of(front: &Front, rows: &[(Listed, bool)], building: bool, config: &Config) -> HomePage {
        let row = |(listed, kept): &(Listed, bool)| TrackRow::new(listed, *kept);
        let find = |id: &TrackId| rows.iter().find(|(listed, _)| listed.track.id == *id);
        let is_loved = |(listed, _): &&(Listed, bool)| listed.track.kept + listed.track.licensed > 0;
        let fresh: Vec<TrackRow> = match front.fresh.is_empty() {
            true => rows.iter().map(row).collect(),
            false => front.fresh.iter().take(FRESH).filter_map(find).map(row).collect(),
        };
        let overview = &front.overview;
        HomePage {
            sentence: SENTENCE.into(),
            whole: overview.whole.max(rows.len() as u64),
            fresh,
            loved: front.loved.iter().take(LOVED).filter_map(find).filter(is_loved).map(row).collect(),
            kinds: doors(overview, Field::Kind),
            moods: doors(overview, Field::Mood),
            genres: doors(overview, Field::Genre),
            building,
            json_ld: site(config),
        }
    }
}

fn doors(overview: &Found, field: Field) -> Vec<Doorway> {
    let counts = overview.counts.get(field.name()).into_iter().flatten();
    let door = |(slug, count): &(String, u64)| {
        Some(Doorway {
            slug: slug.clone(),
            name: field.value_name(slug)?.to_owned(),
            count: *count,
            href: format!("/search?{}={slug}", field.name()),
        })
    };
    counts.filter_map(door).take(DOORS).collect()
}

fn site(config: &Config) -> String {
    json_ld(&json!({
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": config.site_name,
        "url": config.absolute("/"),
        "potentialAction": {
            "@type": "SearchAction",
            "target": format!("{}?q={{q}}", config.absolute("/search")),
            "query-input": "required name=q",
        },
    }))
}
