//! What an admin types about a campaign, as a pitch or as faults; and a pitch as what was typed.

use chrono::{NaiveDate, NaiveTime};

use super::campaign::Pitch;
use super::named;
use super::topic::{Place, Topic};
use crate::catalogue::lists;
use crate::clock::{DAY, Timestamp};
use crate::web::reply::is_local;
use crate::web::{Faults, Fields, FormView};

/// Letters of the parts of an advertisement: what fits into the slot.
pub const ADVERTISER: usize = 60;
pub const HEADLINE: usize = 80;
pub const WORDS: usize = 200;
const TARGET: usize = 500;
const MOST_TAGS: usize = 20;
const MOST_A_DAY: i32 = 99;
/// Fields of lists, with the word each stands under.
const LISTS: [(&str, lists::Lookup); 4] = [
    ("kind", lists::kind_name),
    ("genre", lists::genre_name),
    ("mood", lists::mood_name),
    ("instrument", lists::instrument_name),
];

/// The moment a UTC day begins.
pub fn day(text: &str) -> Option<Timestamp> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let sane = (2000..=2200).contains(&chrono::Datelike::year(&day));
    sane.then(|| Timestamp(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()))
}

/// What was typed, or everything that is wrong with it. `before`: what the campaign was so far.
pub fn pitch(fields: &Fields, before: Option<&Pitch>, now: Timestamp) -> Result<Pitch, Faults> {
    let mut faults = Faults::default();
    for (name, most, what) in [
        ("advertiser", ADVERTISER, "Say who advertises: it stands on the label."),
        ("headline", HEADLINE, "Give it a headline."),
        ("words", WORDS, ""),
    ] {
        let text = fields.text(name);
        if text.is_empty() && !what.is_empty() {
            faults.add(name, what);
        } else if text.chars().count() > most {
            faults.add(name, format!("At most {most} letters, so that it fits."));
        } else if text.chars().any(char::is_control) {
            faults.add(name, "One line, please.");
        }
    }
    let target = fields.text("target");
    if target.is_empty() {
        faults.add("target", "Say where it leads.");
    } else if target.chars().count() > TARGET || !leads_somewhere(target) {
        faults.add(
            "target",
            "A page of this shop, such as /licences, or an address that begins with https://.",
        );
    }
    let topics = chosen(fields, "topic", Topic::parse);
    if topics.is_empty() {
        faults.add("topic", "Say what it is about, so that people can block it.");
    } else if topics.len() > 3 {
        faults.add("topic", "Three topics at most.");
    }
    let about = about(fields, &mut faults);
    let audience = chosen(fields, "audience", Topic::parse);
    let pages = chosen(fields, "page", Place::parse);
    let starts_at = starts(fields, before, &mut faults, now);
    let ends_at = match fields.text("ends_on") {
        "" => None,
        text => match day(text).map(|at| at.plus(DAY)) {
            Some(at) if at > now && at > starts_at => Some(at),
            Some(_) => {
                faults.add("ends_on", "It would end before it is shown.");
                None
            }
            None => {
                faults.add("ends_on", "A day such as 2027-03-31.");
                None
            }
        },
    };
    let most_a_day = number(fields, "most_a_day", i64::from(MOST_A_DAY), &mut faults);
    let most_shown = number(fields, "most_shown", 1_000_000_000_000, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Pitch {
        advertiser: fields.text("advertiser").into(),
        headline: fields.text("headline").into(),
        words: fields.text("words").into(),
        target: target.into(),
        topics,
        pages,
        about,
        audience,
        starts_at,
        ends_at,
        most_a_day: most_a_day.and_then(|n| i32::try_from(n).ok()),
        most_shown,
    })
}

fn starts(fields: &Fields, before: Option<&Pitch>, faults: &mut Faults, now: Timestamp) -> Timestamp {
    match fields.text("starts_on") {
        "" => before.map_or(now, |pitch| pitch.starts_at),
        // The day it stood at already: not moved to midnight.
        text if before.is_some_and(|pitch| pitch.starts_at.day() == text) => {
            before.map_or(now, |pitch| pitch.starts_at)
        }
        text => day(text).unwrap_or_else(|| {
            faults.add("starts_on", "A day such as 2027-01-31, or nothing for now.");
            now
        }),
    }
}

fn chosen<T>(fields: &Fields, name: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    fields.all(name).into_iter().filter_map(parse).collect()
}

/// A page of ours that is no way out, or an address under https.
fn leads_somewhere(target: &str) -> bool {
    if target.starts_with('/') {
        let away = ["/ads/", "/leave/", "/sign-out"].iter().any(|way| target.starts_with(way));
        return is_local(target) && !away;
    }
    url::Url::parse(target).is_ok_and(|url| {
        url.scheme() == "https"
            && url.host_str().is_some_and(|host| host.contains('.'))
            && url.username().is_empty()
    })
}

fn about(fields: &Fields, faults: &mut Faults) -> Vec<String> {
    let mut all = vec![];
    for (field, name) in LISTS {
        all.extend(fields.all(field).into_iter().filter(|v| name(v).is_some()).map(|v| named::of(field, v)));
    }
    let tags: Vec<&str> = fields.text("tags").split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
    if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.chars().count() > 40 || tag.contains(':')) {
        faults.add("tags", format!("At most {MOST_TAGS} tags of 40 letters, with commas between them."));
        return all;
    }
    all.extend(tags.iter().map(|tag| named::of("tag", tag)));
    all.sort();
    all.dedup();
    all
}

fn number(fields: &Fields, name: &str, most: i64, faults: &mut Faults) -> Option<i64> {
    let text = fields.text(name).replace([',', ' '], "");
    if text.is_empty() {
        return None;
    }
    let number = text.parse().ok().filter(|n| (1..=most).contains(n));
    if number.is_none() {
        let most = crate::money::grouped(most.unsigned_abs());
        faults.add(name, format!("A number from 1 to {most}, or nothing for no limit."));
    }
    number
}

/// A pitch as the form shows it.
pub fn typed(pitch: &Pitch) -> FormView {
    let mut pairs = vec![
        ("advertiser", pitch.advertiser.clone()),
        ("headline", pitch.headline.clone()),
        ("words", pitch.words.clone()),
        ("target", pitch.target.clone()),
        ("starts_on", pitch.starts_at.day()),
        // The last day it is shown, not the moment after it.
        ("ends_on", pitch.ends_at.map(|at| at.plus(-1).day()).unwrap_or_default()),
        ("most_a_day", pitch.most_a_day.map(|n| n.to_string()).unwrap_or_default()),
        ("most_shown", pitch.most_shown.map(|n| n.to_string()).unwrap_or_default()),
    ];
    pairs.extend(pitch.topics.iter().map(|topic| ("topic", topic.to_string())));
    pairs.extend(pitch.audience.iter().map(|topic| ("audience", topic.to_string())));
    pairs.extend(pitch.pages.iter().map(|place| ("page", place.to_string())));
    let mut tags = vec![];
    for word in &pitch.about {
        match word.split_once(':') {
            Some(("tag", tag)) => tags.push(tag),
            Some((field, slug)) => {
                if let Some((field, _)) = LISTS.iter().find(|(known, _)| *known == field) {
                    pairs.push((field, slug.to_owned()));
                }
            }
            None => {}
        }
    }
    pairs.push(("tags", tags.join(", ")));
    FormView::filled(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn faults(query: &str) -> Vec<String> {
        match pitch(&Fields::parse(query), None, NOW) {
            Ok(_) => vec![],
            Err(faults) => FormView::new(&Fields::default(), faults).wrong,
        }
    }

    #[test]
    fn what_cannot_be_is_named_by_its_field() {
        let fine = "advertiser=Cuehouse&headline=A+guide&target=/licences&topic=licensing";
        let but = |field: &str, value: &str| {
            let mut all: Vec<(String, String)> = Fields::parse(fine)
                .iter()
                .filter(|(name, _)| *name != field)
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            all.push((field.to_owned(), value.to_owned()));
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish()
        };
        assert_eq!(faults(fine), Vec::<String>::new());
        assert_eq!(faults(""), ["advertiser", "headline", "target", "topic"]);
        for (field, value) in [
            ("advertiser", ""),
            ("headline", &"x".repeat(81)),
            ("words", &"x".repeat(201)),
            ("target", "http://plain.example/"),
            ("target", "//evil.example/"),
            ("target", "javascript:alert(1)"),
            ("target", "/ads/1/go"),
            ("target", "/leave/vendor/ga4/0/away"),
            ("target", "https://user@shop.example/"),
            ("topic", "nothing"),
            ("starts_on", "tomorrow"),
            ("ends_on", "2026-02-30"),
            ("ends_on", "2001-01-01"),
            ("most_a_day", "0"),
            ("most_a_day", "100"),
            ("most_shown", "-5"),
            ("tags", "a:b"),
        ] {
            assert_eq!(faults(&but(field, value)), [field], "{value}");
        }
        assert_eq!(faults(&but("target", "https://shop.example/a?b=c")), Vec::<String>::new());
    }

    #[test]
    fn a_pitch_comes_back_as_it_was_typed() {
        let text = "advertiser=Cuehouse&headline=A+guide&words=Five+of+them.&target=/licences&topic=licensing&topic=shop\
                    &page=front&genre=ambient&mood=calm&kind=loop&tags=Slow+Build,+rain&audience=games\
                    &starts_on=2027-02-01&ends_on=2027-03-31&most_a_day=3&most_shown=1,000";
        let first = pitch(&Fields::parse(text), None, NOW).unwrap_or_else(|f| panic!("{f:?}"));
        assert_eq!(first.about, ["genre:ambient", "kind:loop", "mood:calm", "tag:rain", "tag:slow build"]);
        assert_eq!((first.most_a_day, first.most_shown), (Some(3), Some(1000)));
        assert_eq!(first.ends_at, day("2027-04-01"), "the last day counts whole");
        let view = typed(&first);
        let again: Fields = view
            .lists
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name.clone(), value.clone())))
            .collect();
        assert_eq!(pitch(&again, Some(&first), NOW).unwrap_or_else(|f| panic!("{f:?}")), first);
    }
}
