//! Advertisements of the shop for itself, so that whoever tries it out sees where one stands and how it is marked.

use crate::ads::campaign::{Campaign, Pitch};
use crate::ads::topic::{Place, Topic};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::error::Result;
use crate::ids::{CampaignId, UserId};

struct Notice {
    headline: &'static str,
    words: &'static str,
    target: &'static str,
    topics: &'static [Topic],
    pages: &'static [Place],
    about: &'static [&'static str],
}

const NOTICES: [Notice; 3] = [
    Notice {
        headline: "Which licence do I need?",
        words: "What each one allows, side by side, in plain words.",
        target: "/licences",
        topics: &[Topic::Licensing],
        pages: &[Place::Track, Place::Search],
        about: &[],
    },
    Notice {
        headline: "Your sounds could stand here",
        words: "Upload one, say what it is, set your price. The copyright stays yours.",
        target: "/studio",
        topics: &[Topic::Making, Topic::Shop],
        pages: &[Place::Front, Place::Search],
        about: &[],
    },
    Notice {
        headline: "Is that licence real?",
        words: "Anyone can check a certificate of ours: a number is enough, an account is not needed.",
        target: "/verify",
        topics: &[Topic::Licensing],
        pages: &[],
        about: &["kind:effect", "kind:loop"],
    },
];

/// Makes them, in the name of this admin.
pub fn advertise(conn: &mut Conn, shop: &str, admin: &UserId, now: Timestamp) -> Result<()> {
    for notice in &NOTICES {
        let pitch = Pitch {
            advertiser: shop.to_owned(),
            headline: notice.headline.into(),
            words: notice.words.into(),
            target: notice.target.into(),
            topics: notice.topics.into(),
            pages: notice.pages.into(),
            about: notice.about.iter().map(|word| (*word).to_owned()).collect(),
            audience: vec![],
            starts_at: now,
            ends_at: None,
            most_a_day: Some(5),
            most_shown: None,
        };
        Campaign::make(conn, &CampaignId::new(), &pitch, admin, now)?;
    }
    Ok(())
}
