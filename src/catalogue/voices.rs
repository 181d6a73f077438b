//! Whether somebody under age is heard in a track, and by which sentence its uploader stated to hold the release of a parent
//! or guardian. A child's recorded voice is personal information (16 CFR 312.2), also when a grown-up uploads it.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::young_voices;
use crate::error::Result;
use crate::ids::{TrackId, UserId};

/// The edition of [`RELEASE`]. Another sentence is another edition.
pub const RELEASE_EDITION: &str = "2026-11";

/// What the uploader of a young voice states.
pub const RELEASE: &str = "I hold the release of a parent or guardian of every person under 18 who speaks or sings in this \
                           sound, for all that its licences allow, and I show it when I am asked for it.";

/// What an uploader says of the voices in a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voices {
    /// Nobody under 18 speaks or sings.
    OfAge,
    /// Somebody does, and [`RELEASE`] was stated.
    Released,
}

/// What was said of a track's voices, and when.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Said {
    pub heard: bool,
    /// The edition of the sentence that was stated.
    pub release: Option<String>,
    pub by: UserId,
    pub at: Timestamp,
}

impl Said {
    /// The newest word on a track; none where nobody was asked yet.
    pub fn of(conn: &mut Conn, track: &TrackId) -> Result<Option<Said>> {
        Ok(young_voices::table
            .filter(young_voices::track.eq(track))
            .order(young_voices::id.desc())
            .select((young_voices::heard, young_voices::release, young_voices::by_user, young_voices::at))
            .first(conn)
            .optional()?)
    }

    /// Whether it says this, under today's sentence.
    fn says(&self, voices: Voices) -> bool {
        match voices {
            Voices::OfAge => !self.heard,
            Voices::Released => self.heard && self.release.as_deref() == Some(RELEASE_EDITION),
        }
    }
}

/// Keeps what was said, with its moment. What is said already gets no second row.
pub fn say(conn: &mut Conn, track: &TrackId, voices: Voices, by: &UserId, now: Timestamp) -> Result<()> {
    if Said::of(conn, track)?.is_some_and(|said| said.says(voices)) {
        return Ok(());
    }
    let heard = voices == Voices::Released;
    diesel::insert_into(young_voices::table)
        .values((
            young_voices::track.eq(track),
            young_voices::heard.eq(heard),
            young_voices::release.eq(heard.then_some(RELEASE_EDITION)),
            young_voices::by_user.eq(by),
            young_voices::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An edition is a sentence: whoever changes one changes the other, and this line.
    #[test]
    fn the_sentence_and_its_edition_belong_together() {
        assert_eq!(RELEASE_EDITION, "2026-11");
        assert!(RELEASE.starts_with("I hold the release of a parent or guardian of every person under 18"));
        assert!(RELEASE.ends_with("I show it when I am asked for it."));
    }
}
