//! A campaign: what is advertised, on which pages, from when until when, how often.

use diesel::prelude::*;

use super::topic::{Place, Topic, read, write};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{ad_campaign_events, ad_campaigns, users};
use crate::error::{Error, Result};
use crate::ids::{CampaignId, UserId};
use crate::text_enum;

text_enum! {
    /// What an admin did with a campaign.
    pub enum Deed {
        Made = "made",
        Changed = "changed",
        Ended = "ended",
    }
}

/// What an admin says of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pitch {
    /// Who advertises: it stands on the label.
    pub advertiser: String,
    pub headline: String,
    pub words: String,
    /// A page of ours (`/licences`) or an https address.
    pub target: String,
    /// What it is about, one at least: a visitor who blocked one of these never meets it.
    pub topics: Vec<Topic>,
    /// The pages it may stand on; empty: all with a slot.
    pub pages: Vec<Place>,
    /// What such a page must be about, one of these: `genre:ambient`, `tag:rain`. Empty: anything.
    pub about: Vec<String>,
    /// Whom it looks for: people who like one of these and agreed to be found so. Empty: nobody in particular.
    pub audience: Vec<Topic>,
    pub starts_at: Timestamp,
    /// `None`: until it is ended.
    pub ends_at: Option<Timestamp>,
    /// How often a browser that counts sees it on one day.
    pub most_a_day: Option<i32>,
    /// How often it is shown in all.
    pub most_shown: Option<i64>,
}

/// A campaign of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    pub id: CampaignId,
    pub pitch: Pitch,
}

impl std::ops::Deref for Campaign {
    type Target = Pitch;
    fn deref(&self) -> &Pitch {
        &self.pitch
    }
}

/// Where a campaign is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It begins later.
    Waiting,
    Running,
    /// It was shown as often as it may be.
    Spent,
    Ended,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = ad_campaigns, treat_none_as_null = true)]
struct Row {
    id: CampaignId,
    advertiser: String,
    headline: String,
    words: String,
    target: String,
    topics: String,
    pages: String,
    about: String,
    audience: String,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    most_a_day: Option<i32>,
    most_shown: Option<i64>,
}

impl From<Row> for Campaign {
    fn from(row: Row) -> Campaign {
        Campaign {
            id: row.id,
            pitch: Pitch {
                advertiser: row.advertiser,
                headline: row.headline,
                words: row.words,
                target: row.target,
                topics: read(&row.topics, Topic::parse),
                pages: read(&row.pages, Place::parse),
                about: read(&row.about, |word| Some(word.to_owned())),
                audience: read(&row.audience, Topic::parse),
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                most_a_day: row.most_a_day,
                most_shown: row.most_shown,
            },
        }
    }
}

impl Row {
    fn of(id: &CampaignId, pitch: &Pitch) -> Row {
        let pitch = pitch.clone();
        Row {
            id: id.clone(),
            advertiser: pitch.advertiser,
            headline: pitch.headline,
            words: pitch.words,
            target: pitch.target,
            topics: write(pitch.topics),
            pages: write(pitch.pages),
            about: write(pitch.about),
            audience: write(pitch.audience),
            starts_at: pitch.starts_at,
            ends_at: pitch.ends_at,
            most_a_day: pitch.most_a_day,
            most_shown: pitch.most_shown,
        }
    }
}

impl Campaign {
    /// Where it is at a moment, having been shown so often.
    pub fn stage(&self, shown: i64, now: Timestamp) -> Stage {
        if self.ends_at.is_some_and(|at| at <= now) {
            Stage::Ended
        } else if self.most_shown.is_some_and(|most| shown >= most) {
            Stage::Spent
        } else if now < self.starts_at {
            Stage::Waiting
        } else {
            Stage::Running
        }
    }

    /// Whether its target is a page of ours.
    pub fn stays_here(&self) -> bool {
        self.target.starts_with('/')
    }

    /// Makes a campaign and notes who did. The id is handed in, since a write may run twice.
    pub fn make(conn: &mut Conn, id: &CampaignId, pitch: &Pitch, by: &UserId, now: Timestamp) -> Result<()> {
        diesel::insert_into(ad_campaigns::table).values(Row::of(id, pitch)).execute(conn)?;
        note(conn, id, Deed::Made, by, now)
    }

    /// Says something else of a campaign. `Conflict` when it has ended.
    pub fn change(&self, conn: &mut Conn, pitch: &Pitch, by: &UserId, now: Timestamp) -> Result<()> {
        let open = ad_campaigns::table
            .filter(ad_campaigns::id.eq(&self.id))
            .filter(ad_campaigns::ends_at.is_null().or(ad_campaigns::ends_at.gt(now)));
        if diesel::update(open).set(Row::of(&self.id, pitch)).execute(conn)? == 0 {
            return Err(Error::conflict("It has ended, and what has ended is not changed."));
        }
        note(conn, &self.id, Deed::Changed, by, now)
    }

    /// Ends it from now on. `Conflict` when it has ended already.
    pub fn end(&self, conn: &mut Conn, by: &UserId, now: Timestamp) -> Result<()> {
        let open = ad_campaigns::table
            .filter(ad_campaigns::id.eq(&self.id))
            .filter(ad_campaigns::ends_at.is_null().or(ad_campaigns::ends_at.gt(now)));
        if diesel::update(open).set(ad_campaigns::ends_at.eq(now)).execute(conn)? == 0 {
            return Err(Error::conflict("It has ended already."));
        }
        note(conn, &self.id, Deed::Ended, by, now)
    }

    pub fn find(conn: &mut Conn, id: &CampaignId) -> Result<Campaign> {
        Ok(ad_campaigns::table.find(id).select(Row::as_select()).first(conn)?.into())
    }

    /// Those that have not ended, the oldest first.
    pub fn open(conn: &mut Conn, now: Timestamp) -> Result<Vec<Campaign>> {
        let rows: Vec<Row> = ad_campaigns::table
            .filter(ad_campaigns::ends_at.is_null().or(ad_campaigns::ends_at.gt(now)))
            .order(ad_campaigns::id)
            .select(Row::as_select())
            .load(conn)?;
        Ok(rows.into_iter().map(Campaign::from).collect())
    }

    /// All of them, the newest first, at most so many.
    pub fn all(conn: &mut Conn, most: i64) -> Result<Vec<Campaign>> {
        let rows: Vec<Row> = ad_campaigns::table
            .order(ad_campaigns::id.desc())
            .select(Row::as_select())
            .limit(most)
            .load(conn)?;
        Ok(rows.into_iter().map(Campaign::from).collect())
    }

    /// What was done with it, by whom, when; the oldest first.
    pub fn events(&self, conn: &mut Conn) -> Result<Vec<(Deed, String, Timestamp)>> {
        let rows: Vec<(Deed, Option<String>, Timestamp)> = ad_campaign_events::table
            .left_join(users::table.on(users::id.eq(ad_campaign_events::by_user)))
            .filter(ad_campaign_events::campaign_id.eq(&self.id))
            .order(ad_campaign_events::id)
            .select((ad_campaign_events::kind, users::name.nullable(), ad_campaign_events::at))
            .limit(200)
            .load(conn)?;
        let named = |(deed, by, at): (Deed, Option<String>, Timestamp)| {
            (deed, by.unwrap_or_else(|| "somebody who is gone".into()), at)
        };
        Ok(rows.into_iter().map(named).collect())
    }
}

fn note(conn: &mut Conn, id: &CampaignId, deed: Deed, by: &UserId, now: Timestamp) -> Result<()> {
    diesel::insert_into(ad_campaign_events::table)
        .values((
            ad_campaign_events::campaign_id.eq(id),
            ad_campaign_events::kind.eq(deed),
            ad_campaign_events::by_user.eq(by),
            ad_campaign_events::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}
