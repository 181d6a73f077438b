//! A recording offered in the shop: its draft, its way through review, its life on sale.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::offer::{self, Offer};
use super::voices::{self, Said, Voices};
use crate::accounts::band::Band;
use crate::clock::Timestamp;
use crate::consent::children;
use crate::db::Conn;
use crate::db::schema::{
    changes, offers, order_lines, orders, permissions, recordings, track_days, track_events, tracks, users,
    wards,
};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{Handle, OrderId, Slug, TrackId, UploadId, UserId};
use crate::jobs;
use crate::money::Cents;
use crate::text_enum;

text_enum! {
    /// What kind of sound it is.
    pub enum Kind {
        Music = "music",
        Loop = "loop",
        Effect = "effect",
    }
}

text_enum! {
    /// Where a track is on its way into the shop and out of it.
    pub enum State {
        /// Its uploader describes it.
        Draft = "draft",
        /// It waits for a reviewer.
        Submitted = "submitted",
        /// Anyone finds it.
        Published = "published",
        /// A reviewer said no, with a reason; it can be mended and submitted again.
        Refused = "refused",
        /// Its uploader took it off sale. Sold licences do not change.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// What happened to a track.
    pub enum EventKind {
        Submitted = "submitted",
        Published = "published",
        Refused = "refused",
        Withdrawn = "withdrawn",
        Edited = "edited",
    }
}

/// A track. Lists (moods, instruments, tags) are words joined by commas, as typed and cleaned.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
// So that many go into one statement on SQLite too.
#[diesel(table_name = tracks, treat_none_as_default_value = false)]
pub struct Track {
    pub id: TrackId,
    pub slug: Slug,
    pub uploader_id: UserId,
    pub upload_id: UploadId,
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub genre: Option<String>,
    pub vocals: String,
    pub moods: String,
    pub instruments: String,
    pub tags: String,
    pub bpm: Option<f64>,
    pub musical_key: Option<String>,
    pub duration_ms: i64,
    /// Where in it the sample begins that anyone may hear.
    pub sample_start_ms: i64,
    /// 200 heights of the waveform, 0 to 255, in hexadecimal.
    pub bars: String,
    /// The lowest price it is offered at, in minor units.
    /// The least it is sold at; none: it is not sold at present.
    pub price_from: Option<Cents>,
    pub state: State,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub published_at: Option<Timestamp>,
    /// Licences that stand.
    pub licensed: i64,
    /// People who keep it among their favourites.
    pub kept: i64,
}

/// What the one pass over the sound found out. Never changes.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = recordings)]
pub struct Recording {
    pub upload_id: UploadId,
    pub container: String,
    pub codec: String,
    pub frames: i64,
    pub duration_ms: i64,
    pub sample_rate: i32,
    pub channels: i32,
    pub bits: Option<i32>,
    pub loudness_lufs: Option<f64>,
    pub loudness_range: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub samples_sha256: String,
    pub bpm: Option<f64>,
    pub bpm_sure: f64,
    pub musical_key: Option<String>,
    pub key_sure: f64,
    pub bars: String,
    pub peaks_key: String,
    pub artwork_key: String,
    pub preview_key: String,
    pub preview_bytes: i64,
    pub sample_key: String,
    pub sample_bytes: i64,
    pub sample_start_ms: i64,
    pub fingerprint_key: Option<String>,
    pub created_at: Timestamp,
}

/// From this sureness what was heard counts as a fact; below it is a question for the uploader.
pub const SURE: f64 = 0.25;

/// A track with who made it, as rows and pages show it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub track: Track,
    pub uploader_name: String,
    pub uploader_handle: Option<Handle>,
}

/// What an uploader says of a track; made by the studio's form, kept by [`Track::describe`].
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub genre: Option<String>,
    pub vocals: String,
    pub moods: Vec<String>,
    pub instruments: Vec<String>,
    pub tags: Vec<String>,
    pub bpm: Option<f64>,
    pub musical_key: Option<String>,
    /// Whether somebody under age is heard; none where nothing was said, which keeps what was.
    pub voices: Option<Voices>,
    /// Prices by tier; a tier that is missing is not offered.
    pub prices: Vec<(String, Cents)>,
}

const ASK_VOICES: &str =
    "Say whether a person under 18 speaks or sings in it, and whether you hold the release.";

/// Words kept in one column.
pub fn joined(words: &[String]) -> String {
    words.join(",")
}

/// The words of one column.
pub fn split(words: &str) -> Vec<String> {
    words.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

impl Track {
    /// The draft an upload becomes when it was examined: a slug of its own, facts as measured, no price yet.
    /// An upload that has a track keeps it.
    pub fn draft(
        conn: &mut Conn,
        upload: &UploadId,
        uploader: &UserId,
        title: &str,
        rec: &Recording,
        now: Timestamp,
    ) -> Result<Track> {
        if let Some(track) = Track::of_upload(conn, upload)? {
            return Ok(track);
        }
        let kind = match rec.duration_ms {
            ..20_000 if rec.bpm.is_some() => Kind::Loop,
            ..20_000 => Kind::Effect,
            _ => Kind::Music,
        };
        let track = Track {
            id: TrackId::new(),
            slug: free_slug(conn, &Slug::from_title(title))?,
            uploader_id: uploader.clone(),
            upload_id: upload.clone(),
            title: title.to_owned(),
            description: String::new(),
            kind,
            genre: None,
            vocals: "none".into(),
            moods: String::new(),
            instruments: String::new(),
            tags: String::new(),
            bpm: rec.bpm.filter(|_| rec.bpm_sure >= SURE),
            musical_key: rec.musical_key.clone().filter(|_| rec.key_sure >= SURE),
            duration_ms: rec.duration_ms,
            sample_start_ms: rec.sample_start_ms,
            bars: rec.bars.clone(),
            price_from: None,
            state: State::Draft,
            created_at: now,
            changed_at: now,
            published_at: None,
            licensed: 0,
            kept: 0,
        };
        diesel::insert_into(tracks::table).values(&track).execute(conn)?;
        Ok(track)
    }

    pub fn of_upload(conn: &mut Conn, upload: &UploadId) -> Result<Option<Track>> {
        Ok(tracks::table
            .filter(tracks::upload_id.eq(upload))
            .select(Track::as_select())
            .first(conn)
            .optional()?)
    }

    pub fn find(conn: &mut Conn, id: &TrackId) -> Result<Track> {
        Ok(tracks::table.find(id).select(Track::as_select()).first(conn)?)
    }

    /// The track under this slug, whatever its state. Who may see it is for the caller.
    pub fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Listed> {
        let row = listed().filter(tracks::slug.eq(slug)).first::<Row>(conn)?;
        Ok(row.into())
    }

    /// The track the public may see under this slug.
    pub fn live(conn: &mut Conn, slug: &Slug) -> Result<Listed> {
        let row = listed()
            .filter(tracks::slug.eq(slug).and(tracks::state.eq(State::Published)))
            .filter(users::disabled_at.is_null())
            .first::<Row>(conn)?;
        Ok(row.into())
    }

    /// The track under this slug, if it is this uploader's.
    pub fn own(conn: &mut Conn, slug: &Slug, uploader: &UserId) -> Result<Track> {
        let mine = tracks::slug.eq(slug).and(tracks::uploader_id.eq(uploader));
        Ok(tracks::table.filter(mine).select(Track::as_select()).first(conn)?)
    }

    /// The newest published tracks, of everyone or of one uploader.
    pub fn newest(
        conn: &mut Conn,
        uploader: Option<&UserId>,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Listed>> {
        let on_sale = tracks::state.eq(State::Published).and(users::disabled_at.is_null());
        let mut query = listed().filter(on_sale).into_boxed();
        if let Some(id) = uploader {
            query = query.filter(tracks::uploader_id.eq(id));
        }
        let rows = query
            .order((tracks::published_at.desc(), tracks::id.desc()))
            .limit(limit)
            .offset(offset)
            .load::<Row>(conn)?;
        Ok(rows.into_iter().map(Listed::from).collect())
    }

    /// Everything an uploader has, newest first.
    pub fn all_of(conn: &mut Conn, uploader: &UserId, limit: i64) -> Result<Vec<Track>> {
        let mine = tracks::table.filter(tracks::uploader_id.eq(uploader));
        Ok(mine.order(tracks::created_at.desc()).limit(limit).select(Track::as_select()).load(conn)?)
    }

    /// What an uploader has in these states: first what is in the shop and has no price, then the newest.
    pub fn some_of(
        conn: &mut Conn,
        uploader: &UserId,
        states: &[State],
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Track>> {
        Ok(tracks::table
            .filter(tracks::uploader_id.eq(uploader).and(tracks::state.eq_any(states)))
            .order((
                tracks::price_from.is_null().and(tracks::state.eq(State::Published)).desc(),
                tracks::created_at.desc(),
                tracks::id.desc(),
            ))
            .limit(limit)
            .offset(offset)
            .select(Track::as_select())
            .load(conn)?)
    }

    /// What waits for a reviewer, the oldest first, with since when.
    pub fn submitted(conn: &mut Conn, limit: i64) -> Result<Vec<Listed>> {
        let rows = listed()
            .filter(tracks::state.eq(State::Submitted))
            .order(tracks::changed_at)
            .limit(limit)
            .load::<Row>(conn)?;
        Ok(rows.into_iter().map(Listed::from).collect())
    }

    /// Keeps what its uploader says of it, and the offers. A published track stays published under the new words; payment
    /// pages that ask for another price are closed. What a child made is never offered, whatever price is named.
    pub fn describe(
        &self,
        conn: &mut Conn,
        said: &Description,
        currency: &str,
        by: &UserId,
        now: Timestamp,
    ) -> Result<()> {
        let prices: &[(String, Cents)] = if self.is_of_child(conn)? { &[] } else { &said.prices };
        diesel::update(tracks::table.find(&self.id))
            .set((
                tracks::title.eq(&said.title),
                tracks::description.eq(&said.description),
                tracks::kind.eq(said.kind),
                tracks::genre.eq(&said.genre),
                tracks::vocals.eq(&said.vocals),
                tracks::moods.eq(joined(&said.moods)),
                tracks::instruments.eq(joined(&said.instruments)),
                tracks::tags.eq(joined(&said.tags)),
                tracks::bpm.eq(said.bpm),
                tracks::musical_key.eq(&said.musical_key),
                tracks::price_from.eq(prices.iter().map(|(_, p)| *p).min()),
                tracks::changed_at.eq(now),
            ))
            .execute(conn)?;
        offer::replace(conn, &self.id, prices, currency)?;
        if let Some(voices) = said.voices {
            voices::say(conn, &self.id, voices, by, now)?;
        }
        self.close_pages(conn, now)?;
        self.note(conn, EventKind::Edited, by, None, now)?;
        self.changed(conn, now)
    }

    /// Has the payment pages closed that ask for something of this track which is not sold so any more.
    fn close_pages(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        let asked: Vec<(OrderId, String, String, Cents)> = order_lines::table
            .inner_join(orders::table)
            .filter(order_lines::track_id.eq(&self.id))
            .filter(orders::state.eq_any(["open", "awaiting"]))
            .select((orders::id, orders::currency, order_lines::tier, order_lines::price_cents))
            .load(conn)?;
        if asked.is_empty() {
            return Ok(());
        }
        let sold = match Track::find(conn, &self.id)?.state {
            State::Published => offer::of_track(conn, &self.id)?,
            _ => vec![],
        };
        for (order, currency, tier, price) in asked {
            let is_agreed = |offer: &Offer| offer.price_cents == price && offer.is_in(&currency);
            if !sold.iter().any(|offer| offer.tier == tier && is_agreed(offer)) {
                jobs::close_order(conn, &order, now)?;
            }
        }
        Ok(())
    }

    /// Whether its uploader is a child today. A recorded voice of a child is personal information (16 CFR 312.2).
    pub fn is_of_child(&self, conn: &mut Conn) -> Result<bool> {
        let band: Band = users::table.find(&self.uploader_id).select(users::band).first(conn)?;
        Ok(band == Band::Child)
    }

    /// Whether its uploader's account is closed: then it is neither found nor sold, published or not.
    pub fn is_of_closed(&self, conn: &mut Conn) -> Result<bool> {
        let whose = users::table.find(&self.uploader_id);
        Ok(whose.select(users::disabled_at.is_not_null()).first(conn)?)
    }

    /// Hands a draft, a refused or a withdrawn track to the reviewers. `Refused` says what is missing; one that waits
    /// already stays as it is. A child's is handed in without any offer, and its page marked: nobody is contacted from it.
    pub fn submit(&self, conn: &mut Conn, by: &UserId, now: Timestamp) -> Result<()> {
        let is_of_child = self.is_of_child(conn)?;
        if is_of_child {
            offer::replace(conn, &self.id, &[], "")?;
            let none = tracks::price_from.eq(None::<Cents>);
            diesel::update(tracks::table.find(&self.id)).set(none).execute(conn)?;
            children::mark(conn, &format!("/tracks/{}", self.slug), true, by, now)?;
        }
        let said = Said::of(conn, &self.id)?;
        if let Some(missing) = self.missing(said, is_of_child) {
            return Err(Error::refused(missing));
        }
        let from = [State::Draft, State::Refused, State::Withdrawn];
        if self.moved(conn, &from, State::Submitted, now)? {
            self.note(conn, EventKind::Submitted, by, None, now)?;
        }
        Ok(())
    }

    /// What a track still lacks before it can be submitted.
    fn missing(&self, said: Option<Said>, is_of_child: bool) -> Option<&'static str> {
        if self.title.trim().is_empty() || self.description.trim().is_empty() {
            return Some("A track needs a title and a description before it can be reviewed.");
        }
        if is_of_child {
            return None;
        }
        if self.price_from.is_none() {
            return Some("Set a price for at least one licence before you submit.");
        }
        match said {
            None => Some(ASK_VOICES),
            Some(said) if said.heard && said.release.is_none() => Some(ASK_VOICES),
            Some(_) => None,
        }
    }

    /// Puts a submitted track into the shop. `Conflict` when it does not wait any more, or when its uploader is under age
    /// and may not sell in this very moment: the statement that publishes asks. What a child made is published where a
    /// parent allowed it, proved by more than a letter (16 CFR 312.5(b)(2)), and never with an offer.
    pub fn publish(&self, conn: &mut Conn, by: &UserId, now: Timestamp) -> Result<()> {
        let of_age = users::table
            .filter(users::id.eq(tracks::uploader_id))
            .filter(users::band.eq(Band::Adult).and(users::hold.is_null()));
        let sells = permissions::table
            .filter(permissions::scope.eq("sell"))
            .filter(permissions::granted_at.is_not_null().and(permissions::revoked_at.is_null()))
            .filter(permissions::expires_at.gt(now))
            .filter(permissions::ward.eq(wards::id));
        let minor = wards::table
            .filter(wards::account.eq(tracks::uploader_id.nullable()))
            .filter(wards::band.ne(Band::Child))
            .filter(wards::state.eq("cleared").or(wards::state.eq("authorised").and(exists(sells))));
        let disclosed = permissions::table
            .filter(permissions::scope.eq("publication"))
            .filter(permissions::method.ne_all(["email_plus", "text_plus"]))
            .filter(permissions::granted_at.is_not_null().and(permissions::revoked_at.is_null()))
            .filter(permissions::expires_at.gt(now))
            .filter(permissions::ward.eq(wards::id));
        let offered = offers::table.filter(offers::track_id.eq(tracks::id));
        let child = wards::table
            .filter(wards::account.eq(tracks::uploader_id.nullable()))
            .filter(wards::band.eq(Band::Child).and(wards::state.eq("disclosing")))
            .filter(exists(disclosed))
            .filter(not(exists(offered)));
        let n = diesel::update(tracks::table.find(&self.id))
            .filter(tracks::state.eq(State::Submitted))
            .filter(exists(of_age).or(exists(minor)).or(exists(child)))
            .set((tracks::state.eq(State::Published), tracks::changed_at.eq(now)))
            .execute(conn)?;
        if n != 1 {
            let is_waiting = Track::find(conn, &self.id)?.state == State::Submitted;
            return Err(Error::conflict(match is_waiting {
                true => {
                    "This cannot be published now: its uploader may not sell at present, or not be heard."
                }
                false => "This track is not waiting for review any more.",
            }));
        }
        diesel::update(tracks::table.find(&self.id)).set(tracks::published_at.eq(now)).execute(conn)?;
        self.note(conn, EventKind::Published, by, None, now)?;
        self.changed(conn, now)
    }

    /// Says no to a submitted track, with a reason its uploader reads.
    pub fn refuse(&self, conn: &mut Conn, by: &UserId, reason: &str, now: Timestamp) -> Result<()> {
        if !self.moved(conn, &[State::Submitted], State::Refused, now)? {
            return Err(Error::conflict("This track is not waiting for review any more."));
        }
        self.note(conn, EventKind::Refused, by, Some(reason), now)
    }

    /// Takes a track off sale or back from review; payment pages that ask for it are closed. Sold licences do not change.
    pub fn withdraw(&self, conn: &mut Conn, by: &UserId, now: Timestamp) -> Result<()> {
        if self.moved(conn, &[State::Published, State::Submitted], State::Withdrawn, now)? {
            self.close_pages(conn, now)?;
            self.note(conn, EventKind::Withdrawn, by, None, now)?;
            self.changed(conn, now)?;
        }
        Ok(())
    }

    /// The newest refusal's reason and time.
    pub fn refusal(&self, conn: &mut Conn) -> Result<Option<(String, Timestamp)>> {
        let found: Option<(Option<String>, Timestamp)> = track_events::table
            .filter(track_events::track_id.eq(&self.id).and(track_events::kind.eq(EventKind::Refused)))
            .order(track_events::id.desc())
            .select((track_events::reason, track_events::at))
            .first(conn)
            .optional()?;
        Ok(found.map(|(reason, at)| (reason.unwrap_or_default(), at)))
    }

    fn moved(&self, conn: &mut Conn, from: &[State], to: State, now: Timestamp) -> Result<bool> {
        let n = diesel::update(tracks::table.find(&self.id))
            .filter(tracks::state.eq_any(from))
            .set((tracks::state.eq(to), tracks::changed_at.eq(now)))
            .execute(conn)?;
        Ok(n == 1)
    }

    fn note(
        &self,
        conn: &mut Conn,
        kind: EventKind,
        by: &UserId,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        diesel::insert_into(track_events::table)
            .values((
                track_events::track_id.eq(&self.id),
                track_events::kind.eq(kind),
                track_events::by_user.eq(by),
                track_events::reason.eq(reason),
                track_events::at.eq(now),
            ))
            .execute(conn)?;
        Ok(())
    }

    /// Leaves a row in the change feed: what a searcher finds may differ from now on.
    pub fn changed(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        changed(conn, &self.id, now)
    }

    pub fn recording(&self, conn: &mut Conn) -> Result<Recording> {
        Recording::find(conn, &self.upload_id)
    }
}

/// Takes everything of an uploader off sale and back from review, in their name. Sold licences do not change.
pub fn withdraw_all(conn: &mut Conn, uploader: &UserId, now: Timestamp) -> Result<()> {
    let open = tracks::table
        .filter(tracks::uploader_id.eq(uploader))
        .filter(tracks::state.eq_any([State::Published, State::Submitted]))
        .select(Track::as_select());
    for track in open.load::<Track>(conn)? {
        track.withdraw(conn, uploader, now)?;
    }
    Ok(())
}

/// Leaves a row in the change feed for a track.
pub fn changed(conn: &mut Conn, track: &TrackId, now: Timestamp) -> Result<()> {
    diesel::insert_into(changes::table)
        .values((changes::track_id.eq(track), changes::at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Keeps many tracks and their offers at once, as they are.
pub fn insert_many(conn: &mut Conn, many: &[Track], offered: &[Offer]) -> Result<()> {
    // SQLite takes 32,766 values in a statement.
    for some in many.chunks(1_000) {
        each_db!(conn, |c| diesel::insert_into(tracks::table).values(some).execute(c))?;
    }
    for some in offered.chunks(4_000) {
        each_db!(conn, |c| diesel::insert_into(offers::table).values(some).execute(c))?;
    }
    Ok(())
}

impl Recording {
    /// Whether it is so short (under 3 s) that its loudness is that of the sound repeated.
    pub fn is_repeated(&self) -> bool {
        self.frames < 3 * i64::from(self.sample_rate)
    }

    pub fn find(conn: &mut Conn, upload: &UploadId) -> Result<Recording> {
        Ok(recordings::table.find(upload).select(Recording::as_select()).first(conn)?)
    }

    /// Keeps the facts; those of the same upload stay as they were.
    pub fn insert(&self, conn: &mut Conn) -> Result<()> {
        each_db!(conn, |c| diesel::insert_into(recordings::table)
            .values(self)
            .on_conflict_do_nothing()
            .execute(c))?;
        Ok(())
    }
}

/// What is counted of a track by the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    Play,
    BasketAdd,
}

/// Adds one to a track's day: a whole number, and nobody behind it.
pub fn count(conn: &mut Conn, track: &TrackId, what: Counted, now: Timestamp) -> Result<()> {
    let (plays, adds) = match what {
        Counted::Play => (1i64, 0i64),
        Counted::BasketAdd => (0, 1),
    };
    let row = (
        track_days::track_id.eq(track),
        track_days::day.eq(now.day()),
        track_days::plays.eq(plays),
        track_days::basket_adds.eq(adds),
    );
    each_db!(conn, |c| diesel::insert_into(track_days::table)
        .values(&row)
        .on_conflict((track_days::track_id, track_days::day))
        .do_update()
        .set((
            track_days::plays.eq(track_days::plays + plays),
            track_days::basket_adds.eq(track_days::basket_adds + adds)
        ))
        .execute(c))?;
    Ok(())
}

/// Plays and basket adds of an uploader's tracks since a day, by track and day.
pub fn days_of(conn: &mut Conn, uploader: &UserId, since: &str) -> Result<Vec<(TrackId, String, i64, i64)>> {
    let mine = tracks::table.filter(tracks::uploader_id.eq(uploader)).select(tracks::id);
    Ok(track_days::table
        .filter(track_days::track_id.eq_any(mine).and(track_days::day.ge(since)))
        .order(track_days::day)
        .load(conn)?)
}

type Row = (Track, Maker);

/// Whose a track is, as a statement brings it: name, handle, band.
pub(super) type Maker = (String, Option<Handle>, Band);

impl From<Row> for Listed {
    fn from((track, (uploader_name, handle, band)): Row) -> Listed {
        // A child has no page that a link could lead to.
        Listed { track, uploader_name, uploader_handle: handle.filter(|_| band != Band::Child) }
    }
}

#[diesel::dsl::auto_type(no_type_alias)]
fn listed() -> _ {
    let track: diesel::dsl::AsSelect<Track, crate::db::AnyDb> = Track::as_select();
    tracks::table.inner_join(users::table).select((track, (users::name, users::handle, users::band)))
}

/// The first slug of this name that no track ever had.
fn free_slug(conn: &mut Conn, wish: &Slug) -> Result<Slug> {
    let like = format!("{wish}%");
    let taken: Vec<Slug> = tracks::table.filter(tracks::slug.like(like)).select(tracks::slug).load(conn)?;
    if !taken.contains(wish) {
        return Ok(wish.clone());
    }
    let next = (2..).map(|n| wish.numbered(n)).find(|slug| !taken.contains(slug));
    next.ok_or_else(|| Error::internal("no slug left"))
}
