//! What an advertisement is about, and where it may stand.

use crate::text_enum;

text_enum! {
    /// What an advertisement is about: what people like or block, and what an audience is made of.
    pub enum Topic {
        Licensing = "licensing",
        Shop = "shop",
        Making = "making",
        Gear = "gear",
        Software = "software",
        Learning = "learning",
        Film = "film",
        Games = "games",
        Radio = "radio",
        Events = "events",
    }
}

impl Topic {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Licensing => "Licensing and rights",
            Topic::Shop => "News of this shop",
            Topic::Making => "Making music",
            Topic::Gear => "Instruments and gear",
            Topic::Software => "Software",
            Topic::Learning => "Courses and books",
            Topic::Film => "Film and video",
            Topic::Games => "Games",
            Topic::Radio => "Podcasts and radio",
            Topic::Events => "Concerts and events",
        }
    }
}

text_enum! {
    /// A page with a slot.
    pub enum Place {
        Front = "front",
        Search = "search",
        Track = "track",
    }
}

impl Place {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Place::Front => "The front page",
            Place::Search => "Search results",
            Place::Track => "The page of a track",
        }
    }
}

/// The words of one column; what is no word any more is left out.
pub fn read<T>(line: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    line.split(',').filter(|word| !word.is_empty()).filter_map(parse).collect()
}

/// Words as one column.
pub fn write<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    words.into_iter().map(|word| word.to_string()).collect::<Vec<_>>().join(",")
}
