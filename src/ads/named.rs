//! Words of campaigns as people read them.

use crate::catalogue::lists;
use crate::words::fold;

/// `Ambient` for `genre:ambient`, `“slow build”` for `tag:slow build`.
pub fn word(word: &str) -> String {
    let Some((field, slug)) = word.split_once(':') else { return word.to_owned() };
    let name = match field {
        "kind" => lists::kind_name(slug),
        "genre" => lists::genre_name(slug),
        "mood" => lists::mood_name(slug),
        "instrument" => lists::instrument_name(slug),
        _ => None,
    };
    name.map_or_else(|| format!("“{slug}”"), str::to_owned)
}

/// The word for one value of a field, folded so that two people mean the same by it.
pub fn of(field: &str, value: &str) -> String {
    format!("{field}:{}", fold(value.trim()))
}

/// What a track is about.
pub fn of_track(track: &crate::catalogue::track::Track) -> Vec<String> {
    use crate::catalogue::track::split;
    let mut all = vec![of("kind", track.kind.as_str())];
    all.extend(track.genre.iter().map(|genre| of("genre", genre)));
    all.extend(split(&track.moods).iter().map(|mood| of("mood", mood)));
    all.extend(split(&track.instruments).iter().map(|instrument| of("instrument", instrument)));
    all.extend(split(&track.tags).iter().map(|tag| of("tag", tag)));
    all
}

/// What a search is about: what is chosen, the words together and each alone.
pub fn of_query(query: &crate::search::Query) -> Vec<String> {
    use crate::search::query::Field;
    let mut all = vec![];
    for field in [Field::Kind, Field::Genre, Field::Mood, Field::Instrument] {
        all.extend(query.chosen(field).iter().map(|value| of(field.name(), value)));
    }
    let words: Vec<&str> = query.q.split_whitespace().take(8).collect();
    if words.len() > 1 {
        all.push(of("tag", &words.join(" ")));
    }
    for word in words {
        all.push(of("tag", word));
        // What is typed may be the name of a list's word.
        all.extend(lists::parse_genre(word).map(|slug| of("genre", slug)));
        all.extend(lists::parse_mood(word).map(|slug| of("mood", slug)));
        all.extend(lists::parse_instrument(word).map(|slug| of("instrument", slug)));
    }
    all
}
