//! Actual knowledge: somebody says, or writes, that an account's owner is younger than they declared. The account is frozen
//! in the request that brings it, and a clock starts to delete it or to get a consent.

use diesel::prelude::*;

use super::answer;
use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::passage;
use super::permission::Permission;
use super::state::{Edge, State};
use super::ward::{CONSENT_MS, Guardian, Ward, export_ms};
use crate::accounts::band::{Band, Hold};
use crate::accounts::session;
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::consent::age::{Answer, Thresholds};
use crate::consent::log;
use crate::consent::receipt::Action;
use crate::consent::rulebook::Rulebook;
use crate::db::Conn;
use crate::db::schema::{age_signals, users, wards};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::text_enum;

text_enum! {
    /// Where a sign came from.
    pub enum Source {
        Staff = "staff",
        Report = "report",
        /// What its owner wrote about themselves.
        OwnWords = "own_words",
        Support = "support",
        /// What a device or browser says.
        Device = "device",
        Guardian = "guardian",
    }
}

/// A sign, as it is kept: no words of anybody's.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = age_signals)]
pub struct Sign {
    pub id: i64,
    pub account: UserId,
    pub source: Source,
    pub bracket: Band,
    pub at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

/// Keeps a sign.
pub fn note(
    conn: &mut Conn,
    user: &UserId,
    source: Source,
    bracket: Band,
    by: Option<&UserId>,
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(age_signals::table)
        .values((
            age_signals::account.eq(user),
            age_signals::source.eq(source),
            age_signals::bracket.eq(bracket),
            age_signals::by_user.eq(by),
            age_signals::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Signs that nobody of the staff looked at, the oldest first, with the account's name.
pub fn open_signs(conn: &mut Conn, limit: i64) -> Result<Vec<(Sign, String)>> {
    Ok(age_signals::table
        .inner_join(users::table.on(users::id.eq(age_signals::account)))
        .filter(age_signals::settled_at.is_null())
        .order(age_signals::at)
        .limit(limit)
        .select((Sign::as_select(), users::name))
        .load(conn)?)
}

/// Whether a sign from there about this account is not settled.
pub fn is_open(conn: &mut Conn, user: &UserId, source: Source) -> Result<bool> {
    let open: i64 = age_signals::table
        .filter(age_signals::account.eq(user).and(age_signals::source.eq(source)))
        .filter(age_signals::settled_at.is_null())
        .count()
        .get_result(conn)?;
    Ok(open > 0)
}

/// Whether the staff once looked and found this account's owner to be of age: then a stranger's report freezes nothing
/// any more, and is only put before them.
pub fn was_cleared(conn: &mut Conn, user: &UserId) -> Result<bool> {
    let cleared: i64 = age_signals::table
        .filter(age_signals::account.eq(user))
        .filter(age_signals::settled_at.is_not_null().and(age_signals::bracket.eq(Band::Adult)))
        .count()
        .get_result(conn)?;
    Ok(cleared > 0)
}

/// Whether a sign of this bracket is news about an account of this band. One that rests already may still turn out to be a
/// child's; one that ended does not change any more.
pub fn is_news(band: Band, hold: Option<Hold>, bracket: Band) -> bool {
    let may_change = match hold {
        None => true,
        Some(Hold::Ended) => false,
        Some(_) => bracket == Band::Child,
    };
    may_change && bracket < band
}

/// Edges 16 and 18: an account is frozen. Its sounds leave the shop, payment pages close, vendors are off with its next page, and
/// it shows a notice and nothing else; in fourteen days it is deleted, unless a consent or a proof comes first. A sign that says
/// "minor" of somebody who declared to be of age is a doubt; one that says "child" is knowledge. Of an account that rests
/// already the clock runs on, and whoever was asked about somebody older is forgotten. False when it is no news.
pub fn freeze(
    conn: &mut Conn,
    ground: &Ground,
    user: &UserId,
    (source, bracket): (Source, Band),
    by: Option<&UserId>,
    stub: &Stub,
    now: Timestamp,
) -> Result<bool> {
    log::wait_turn(conn)?;
    note(conn, user, source, bracket, by, now)?;
    let owner = User::find(conn, user)?;
    if !is_news(owner.band, owner.hold, bracket) {
        return Ok(false);
    }
    let known = ground.book.with_month(Answer::from(bracket), now);
    let ward = match Ward::of_account(conn, user)? {
        Some(ward) => ward,
        None => {
            let ward = Ward::of_owner(&owner, known, State::Cleared, &ground.book.site.id, None, now);
            ward.insert(conn)?;
            ward
        }
    };
    let is_doubt = bracket == Band::Minor && ward.state == State::Cleared;
    let (edge, to) = match is_doubt {
        true => (Edge::Doubt, State::Conflict),
        false => (Edge::Discover, State::Discovered),
    };
    let gone = Permission::revoke(conn, &ward.id, None, now)?;
    if ward.state == State::Pending {
        Guardian::end(conn, &ward.id)?;
    }
    let most = now.plus(CONSENT_MS);
    let due = ward.due_at.map_or(most, |due| due.min(most));
    let step = Step {
        edge,
        to,
        action: Action::Lock,
        items: gone.iter().map(|scope| (*scope, false)).collect(),
        notice: notice::event(
            "Somebody said that this account's owner is younger than was declared. It is frozen, and deleted unless a \
             consent or a proof of age comes first.",
        ),
        until: due,
        stub,
    };
    // Pages treat its owner as the younger from now on.
    leaf::take(conn, ground, &Ward { band: bracket, ..ward.clone() }, step, now)?;
    diesel::update(wards::table.find(&ward.id))
        .set((
            wards::band.eq(bracket),
            wards::next_band_month.eq(known.next.map(|month| month.to_string())),
            wards::due_at.eq(due),
        ))
        .execute(conn)?;
    passage::rests(conn, &ward, gone, now)?;
    Ok(true)
}

/// Edges 16 and 18 by a device: as [`freeze`], once. A browser says it in each of its requests, and several come at a time;
/// only what is news is kept. Nothing happens to an account whose owner the staff once found to be of age.
pub fn hear_device(
    conn: &mut Conn,
    ground: &Ground,
    user: &UserId,
    bracket: Band,
    stub: &Stub,
    now: Timestamp,
) -> Result<()> {
    log::wait_turn(conn)?;
    let owner = User::find(conn, user)?;
    if !is_news(owner.band, owner.hold, bracket) || was_cleared(conn, user)? {
        return Ok(());
    }
    freeze(conn, ground, user, (Source::Device, bracket), None, stub, now).map(drop)
}

/// What the staff found out about a frozen account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Of age after all: everything is as it was, but for what was taken off sale.
    Adult,
    /// No child, and under age: whoever answers for them is asked, while the clock of the discovery runs on. Where nobody answers
    /// for those they go on as who they are.
    Minor,
    /// Too young: it ends, and what is there can be exported until the time of its discovery is over. Somebody under age where
    /// nobody answers for those stays, as under age.
    Young,
}

/// Whether something is said of this account's age that waits for an answer.
pub fn is_asked(conn: &mut Conn, user: &UserId) -> Result<bool> {
    let ward = Ward::of_account(conn, user)?;
    Ok(ward.is_some_and(|ward| matches!(ward.state, State::Discovered | State::Conflict)))
}

/// Edge 17 by proof: a provider found its owner to be of age. `Conflict` when there is nothing to settle.
pub fn prove(conn: &mut Conn, ground: &Ground, user: &UserId, stub: &Stub, now: Timestamp) -> Result<()> {
    let words = "A provider that the account's owner went to found them to be of age. What it found out was not kept.";
    conclude(conn, ground, user, (Finding::Adult, words), None, stub, now)
}

/// Edge 17: somebody of the staff settles it. `Conflict` when there is nothing to settle.
pub fn settle(
    conn: &mut Conn,
    ground: &Ground,
    user: &UserId,
    finding: Finding,
    by: &UserId,
    stub: &Stub,
    now: Timestamp,
) -> Result<()> {
    let words = "Somebody of the staff looked at what was said of this account's age and settled it.";
    conclude(conn, ground, user, (finding, words), Some(by), stub, now)
}

fn conclude(
    conn: &mut Conn,
    ground: &Ground,
    user: &UserId,
    (finding, words): (Finding, &'static str),
    by: Option<&UserId>,
    stub: &Stub,
    now: Timestamp,
) -> Result<()> {
    log::wait_turn(conn)?;
    let ward = Ward::of_account(conn, user)?.ok_or(Error::NotFound)?;
    let needs_nobody = !ground.asks_somebody(Band::Minor);
    let (to, band) = match (finding, ward.band) {
        (Finding::Adult, _) => (State::Cleared, Band::Adult),
        (Finding::Minor, _) | (Finding::Young, Band::Minor) if needs_nobody => (State::Cleared, Band::Minor),
        (Finding::Minor, _) => (State::Conflict, Band::Minor),
        (Finding::Young, Band::Child) => (State::ChildEnded, Band::Child),
        (Finding::Young, band) => (State::Ended, band),
    };
    let step = Step {
        edge: Edge::Settle,
        to,
        action: Action::Settle,
        items: vec![],
        notice: notice::event(words),
        until: now,
        stub,
    };
    leaf::take(conn, ground, &Ward { band, ..ward.clone() }, step, now)?;
    diesel::update(age_signals::table.filter(age_signals::account.eq(user)))
        .filter(age_signals::settled_at.is_null())
        .set((age_signals::settled_at.eq(now), age_signals::settled_by.eq(by), age_signals::bracket.eq(band)))
        .execute(conn)?;
    // What they answered themselves says when their band ends, if it was this one.
    let said = answer::newest_of(conn, user)?.filter(|said| said.band == band).unwrap_or(Answer::from(band));
    let known = ground.book.with_month(said, now);
    if to == State::Cleared {
        passage::release(conn, &ward, now)?;
        answer::note(conn, user, known, &ground.book.site.id, ward.place.as_deref(), now)?;
    }
    match (finding, to) {
        (Finding::Adult, _) => ward.forget(conn),
        (_, State::Cleared | State::Conflict) => {
            let due = ward.due_at.filter(|_| to == State::Conflict);
            diesel::update(wards::table.find(&ward.id))
                .set((
                    wards::band.eq(band),
                    wards::next_band_month.eq(known.next.map(|month| month.to_string())),
                    wards::due_at.eq(due),
                ))
                .execute(conn)?;
            Ok(())
        }
        _ => {
            session::close_all(conn, user, None)?;
            // The clock of the discovery runs on: what the staff find wins no time.
            let most = now.plus(export_ms(band));
            let due = ward.due_at.map_or(most, |due| due.min(most));
            diesel::update(wards::table.find(&ward.id))
                .set((wards::band.eq(band), wards::due_at.eq(due)))
                .execute(conn)?;
            Ok(())
        }
    }
}

/// There is nothing in what was said of an account that went on all the while: its owner stays what they are taken for, which
/// makes nobody of age.
pub fn look_past(conn: &mut Conn, user: &UserId, by: &UserId, now: Timestamp) -> Result<()> {
    let band = User::find(conn, user)?.band;
    diesel::update(age_signals::table.filter(age_signals::account.eq(user)))
        .filter(age_signals::settled_at.is_null())
        .set((age_signals::settled_at.eq(now), age_signals::settled_by.eq(by), age_signals::bracket.eq(band)))
        .execute(conn)?;
    Ok(())
}

/// From which ages on this account's owner is no child, and of age: by the strictest of what is known of where they are, the
/// place that was looked at for them and their account's country. Nothing known is the strictest there is.
pub fn ages_of(conn: &mut Conn, book: &Rulebook, user: &UserId) -> Result<Thresholds> {
    let looked_at = Ward::of_account(conn, user)?.and_then(|ward| ward.place);
    let places = [looked_at, User::country_of(conn, user)?];
    let known = places.iter().flatten().map(|place| book.thresholds(Some(place), &[]));
    Ok(known.max_by_key(|at| at.minimum).unwrap_or_else(|| book.thresholds(None, &[])))
}

/// The band of an age that somebody states of themselves in a text, if it is under age: "I'm 12", "12 years old", "aged
/// 12". Whoever writes about something else that is twelve years old is asked, and says so.
pub fn stated(text: &str, at: Thresholds) -> Option<Band> {
    let folded = crate::words::fold(text);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let age = |word: &str| word.parse::<u32>().ok().filter(|n| (3..at.adult).contains(n));
    let is = |n: usize, all: &[&str]| words.get(n).is_some_and(|word| all.contains(word));
    for (n, word) in words.iter().enumerate() {
        // "12yo", "12y"
        let joined = ["yo", "yrs", "y"].iter().find_map(|end| word.strip_suffix(end)).and_then(age);
        let Some(years) = joined.or_else(|| age(word)) else { continue };
        let before =
            |back: usize| n.checked_sub(back).and_then(|at| words.get(at)).copied().unwrap_or_default();
        // "i m 12" is what is left of "I'm 12".
        let says = (before(1) == "m" && before(2) == "i")
            || matches!(before(1), "im" | "aged" | "tengo")
            || (before(1) == "bin" && before(2) == "ich")
            || (before(1) == "am" && before(2) == "i")
            || (before(1) == "age" && !is(n + 1, &["of"]))
            || (before(1) == "is" && before(2) == "age" && before(3) == "my")
            || (before(1) == "ai" && matches!(before(2), "j" | "je"));
        let years_old = is(n + 1, &["years", "year", "yrs"]) && is(n + 2, &["old"])
            || is(n + 1, &["yo", "jahre"]) && (n + 2 >= words.len() || is(n + 2, &["old", "alt"]));
        // "12 days ago", "12 tracks": a figure of something else.
        let other =
            is(n + 1, &["days", "hours", "minutes", "months", "tracks", "sounds", "songs", "percent", "bpm"]);
        let owns = years_old && (matches!(before(1), "m" | "am" | "im" | "a") || n == 0);
        let short = joined.is_some() && (n == 0 || says);
        let bare = says && !other && !is(n + 1, &["years"]);
        if short || bare || (owns && !other) || (says && years_old) {
            return Some(if years < at.minimum { Band::Child } else { Band::Minor });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-AGE-11, R-RT-3: what people write of themselves is understood, and figures of other things are left alone.
    #[test]
    fn an_age_in_somebodys_own_words_is_understood() {
        let at = Thresholds { minimum: 13, adult: 18 };
        for (text, band) in [
            ("Hi! I'm 12 and I make beats.", Some(Band::Child)),
            ("i am 11", Some(Band::Child)),
            ("I’m 16 years old", Some(Band::Minor)),
            ("12 years old producer", Some(Band::Child)),
            ("aged 12", Some(Band::Child)),
            ("My age is 9.", Some(Band::Child)),
            ("12yo from Leeds", Some(Band::Child)),
            ("I'm 34", None),
            ("I'm 18", None),
            ("I have made music for 12 years", None),
            ("12 years of field recording", None),
            ("I'm 12 tracks into a new album", None),
            ("a 12 bar blues at 90 bpm", None),
            ("I am 15 minutes from the sea", None),
            ("Founded when I was 12 years younger", None),
            ("", None),
        ] {
            assert_eq!(stated(text, at), band, "{text}");
        }
    }
}
