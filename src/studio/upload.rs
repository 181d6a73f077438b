//! A file an uploader gave, and what became of it.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::resemblance;
use crate::catalogue::track::{Recording, Track};
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::{recordings, uploads};
use crate::error::{Error, Result};
use crate::guardians::minimum::Minimums;
use crate::guardians::permission::{self, Scope};
use crate::ids::{UploadId, UserId};
use crate::jobs;
use crate::storage::Kept;
use crate::text_enum;

/// How long a refused file stands on the board. Its page stays.
const REFUSAL_SHOWN: i64 = 7 * DAY;

text_enum! {
    /// Where an upload is on its way.
    pub enum State {
        /// The bytes are kept; nobody has looked at them yet.
        Received = "received",
        /// It is being examined.
        Processing = "processing",
        /// Its facts are known and its track is a draft.
        Ready = "ready",
        /// The file is nothing the shop takes; the reason is a sentence.
        Refused = "refused",
        /// We failed, not the file; it can be tried again.
        Failed = "failed",
    }
}

text_enum! {
    /// How an upload resembles an earlier one.
    pub enum Likeness {
        /// The very same file.
        Bytes = "bytes",
        /// The same samples in another file.
        Samples = "samples",
        /// The same recording, coded or cut another way.
        Alike = "alike",
        /// Perhaps the same recording.
        Perhaps = "perhaps",
    }
}

/// A file an uploader gave.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = uploads)]
pub struct Upload {
    pub id: UploadId,
    pub uploader_id: UserId,
    /// As its uploader called it, without what could mislead a reader.
    pub filename: String,
    pub bytes: i64,
    pub file_sha256: String,
    /// The storage key of the master.
    pub master_key: String,
    pub state: State,
    /// Why it was refused, or why we failed.
    pub reason: Option<String>,
    /// The earliest upload it resembles, own or someone else's.
    pub twin_of: Option<UploadId>,
    pub twin_kind: Option<Likeness>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

/// An earlier upload that this one resembles.
#[derive(Clone, Debug, PartialEq)]
pub struct Twin {
    pub upload: UploadId,
    pub uploader: UserId,
    pub kind: Likeness,
}

/// The key a master lies under; nothing else ever lies there.
pub fn master_key(id: &UploadId) -> String {
    format!("masters/{id}")
}

impl Upload {
    /// Keeps that a file came, whose bytes are in storage already, and notices when the same bytes came before. `Guardian`
    /// when its uploader is under age and may not upload in this very moment, `NotYet` when they are too young for it here.
    pub fn received(
        conn: &mut Conn,
        id: &UploadId,
        uploader: &UserId,
        filename: &str,
        kept: &Kept,
        minimums: &Minimums,
        now: Timestamp,
    ) -> Result<Upload> {
        permission::demand(conn, uploader, Scope::Upload, minimums, now)?;
        let twin = earliest_with_bytes(conn, id, uploader, &kept.sha256)?;
        let upload = Upload {
            id: id.clone(),
            uploader_id: uploader.clone(),
            filename: plain_name(filename),
            bytes: kept.bytes as i64,
            file_sha256: kept.sha256.clone(),
            master_key: master_key(id),
            state: State::Received,
            reason: None,
            twin_kind: twin.as_ref().map(|_| Likeness::Bytes),
            twin_of: twin,
            created_at: now,
            changed_at: now,
        };
        diesel::insert_into(uploads::table).values(&upload).execute(conn)?;
        Ok(upload)
    }

    pub fn find(conn: &mut Conn, id: &UploadId) -> Result<Upload> {
        Ok(uploads::table.find(id).select(Upload::as_select()).first(conn)?)
    }

    /// The upload, if it is this person's.
    pub fn own(conn: &mut Conn, id: &UploadId, uploader: &UserId) -> Result<Upload> {
        let mine = uploads::table.find(id).filter(uploads::uploader_id.eq(uploader));
        Ok(mine.select(Upload::as_select()).first(conn)?)
    }

    /// How many files of a person are no track yet, by their state. A refused one counts for a week: nothing can be done
    /// about it but to bring another.
    pub fn waiting_by_state(conn: &mut Conn, uploader: &UserId, now: Timestamp) -> Result<Vec<(State, i64)>> {
        Ok(uploads::table
            .filter(uploads::uploader_id.eq(uploader).and(uploads::state.ne(State::Ready)))
            .filter(uploads::state.ne(State::Refused).or(uploads::changed_at.gt(now.plus(-REFUSAL_SHOWN))))
            .group_by(uploads::state)
            .select((uploads::state, sql::<BigInt>("COUNT(*)")))
            .load(conn)?)
    }

    /// Those of them that are in one of these states, by state and then the newest first.
    pub fn waiting_of(
        conn: &mut Conn,
        uploader: &UserId,
        states: &[State],
        now: Timestamp,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Upload>> {
        Ok(uploads::table
            .filter(uploads::uploader_id.eq(uploader).and(uploads::state.eq_any(states)))
            .filter(uploads::state.ne(State::Refused).or(uploads::changed_at.gt(now.plus(-REFUSAL_SHOWN))))
            .order((uploads::state, uploads::created_at.desc(), uploads::id.desc()))
            .limit(limit)
            .offset(offset)
            .select(Upload::as_select())
            .load(conn)?)
    }

    /// The upload of exactly these bytes by this person, if there is one: the oldest that was not refused.
    pub fn of_bytes(conn: &mut Conn, uploader: &UserId, sha256: &str) -> Result<Option<Upload>> {
        let same = uploads::uploader_id.eq(uploader).and(uploads::file_sha256.eq(sha256));
        Ok(uploads::table
            .filter(same.and(uploads::state.ne(State::Refused)))
            .order((uploads::created_at, uploads::id))
            .select(Upload::as_select())
            .first(conn)
            .optional()?)
    }

    /// The oldest upload of this person under exactly this file's name.
    pub fn of_name(conn: &mut Conn, uploader: &UserId, filename: &str) -> Result<Option<Upload>> {
        let named = uploads::uploader_id.eq(uploader).and(uploads::filename.eq(filename));
        Ok(uploads::table
            .filter(named)
            .order((uploads::created_at, uploads::id))
            .select(Upload::as_select())
            .first(conn)
            .optional()?)
    }

    /// Says that somebody looks at it now. False when there is nothing left to find out.
    pub fn begin(conn: &mut Conn, id: &UploadId, now: Timestamp) -> Result<bool> {
        let open = [State::Received, State::Processing, State::Failed];
        move_on(conn, id, &open, State::Processing, None, now)
    }

    /// It was examined: keeps the facts, makes the draft, notices what resembles it (`near` sounds like it, what says most
    /// comes first). Answers the draft. `Guardian` when its uploader may not upload any more, `NotYet` when they turned out
    /// to be too young for it here.
    pub fn ready(
        conn: &mut Conn,
        id: &UploadId,
        recording: &Recording,
        near: &[Twin],
        minimums: &Minimums,
        now: Timestamp,
    ) -> Result<Track> {
        let upload = Upload::find(conn, id)?;
        // A guardian may have taken it back while the file was on its way.
        permission::demand(conn, &upload.uploader_id, Scope::Upload, minimums, now)?;
        if upload.twin_of.is_none() {
            let samples = earliest_with_samples(conn, &upload, &recording.samples_sha256)?;
            let twin = samples.map(|of| (of, Likeness::Samples));
            let twin = twin.or_else(|| near.first().map(|near| (near.upload.clone(), near.kind)));
            if let Some((of, kind)) = twin {
                diesel::update(uploads::table.find(id))
                    .set((uploads::twin_of.eq(of), uploads::twin_kind.eq(kind)))
                    .execute(conn)?;
            }
        }
        resemblance::keep(conn, id, near)?;
        recording.insert(conn)?;
        let title = title_of(&upload.filename);
        let track = Track::draft(conn, id, &upload.uploader_id, &title, recording, now)?;
        move_on(conn, id, &[State::Received, State::Processing, State::Failed], State::Ready, None, now)?;
        Ok(track)
    }

    /// The file is nothing the shop takes.
    pub fn refuse(conn: &mut Conn, id: &UploadId, reason: &str, now: Timestamp) -> Result<()> {
        let open = [State::Received, State::Processing, State::Failed];
        move_on(conn, id, &open, State::Refused, Some(reason), now).map(drop)
    }

    /// We failed at it as often as we try by ourselves; a person may try again.
    pub fn fail(conn: &mut Conn, id: &UploadId, reason: &str, now: Timestamp) -> Result<()> {
        let open = [State::Received, State::Processing];
        move_on(conn, id, &open, State::Failed, Some(reason), now).map(drop)
    }

    /// Back to the queue after a failure. What waits there, runs or is done stays as it is.
    pub fn again(conn: &mut Conn, id: &UploadId, now: Timestamp) -> Result<()> {
        move_on(conn, id, &[State::Failed], State::Received, None, now)?;
        match Upload::find(conn, id)?.state {
            State::Ready | State::Refused => Ok(()),
            _ => jobs::retry_upload(conn, id, now),
        }
    }

    /// How many of these nobody has come to the end of.
    pub fn count_unexamined(conn: &mut Conn, ids: &[UploadId]) -> Result<i64> {
        let mut open = 0;
        // Databases bound the values of one statement.
        for some in ids.chunks(500) {
            let waiting = uploads::state.eq_any([State::Received, State::Processing]);
            open += uploads::table
                .filter(uploads::id.eq_any(some).and(waiting))
                .count()
                .get_result::<i64>(conn)?;
        }
        Ok(open)
    }

    /// Whether each of these resembles an earlier one, in the order asked for.
    pub fn have_twins(conn: &mut Conn, ids: &[&UploadId]) -> Result<Vec<bool>> {
        let with: Vec<UploadId> = uploads::table
            .filter(uploads::id.eq_any(ids).and(uploads::twin_of.is_not_null()))
            .select(uploads::id)
            .load(conn)?;
        Ok(ids.iter().map(|id| with.contains(id)).collect())
    }

    /// The earlier uploads that this one resembles, with whose they are: the one that was noticed first, then those that
    /// sound like it.
    pub fn resembled(&self, conn: &mut Conn) -> Result<Vec<Twin>> {
        let mut all = vec![];
        if let (Some(of), Some(kind)) = (&self.twin_of, self.twin_kind) {
            let twin = Upload::find(conn, of)?;
            all.push(Twin { upload: twin.id, uploader: twin.uploader_id, kind });
        }
        for twin in resemblance::kept(conn, &self.id)? {
            if all.iter().all(|known: &Twin| known.upload != twin.upload) {
                all.push(twin);
            }
        }
        Ok(all)
    }
}

fn move_on(
    conn: &mut Conn,
    id: &UploadId,
    from: &[State],
    to: State,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let n = diesel::update(uploads::table.find(id))
        .filter(uploads::state.eq_any(from))
        .set((uploads::state.eq(to), uploads::reason.eq(reason), uploads::changed_at.eq(now)))
        .execute(conn)?;
    Ok(n == 1)
}

/// One's own earlier upload says more than a stranger's.
fn own_first(uploader: &UserId, found: impl IntoIterator<Item = (UploadId, UserId)>) -> Option<UploadId> {
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, whose)| whose != uploader);
    found.into_iter().next().map(|(id, _)| id)
}

fn earliest_with_bytes(
    conn: &mut Conn,
    id: &UploadId,
    uploader: &UserId,
    sha256: &str,
) -> Result<Option<UploadId>> {
    let same: Vec<(UploadId, UserId)> = uploads::table
        .filter(uploads::file_sha256.eq(sha256).and(uploads::id.ne(id)))
        .order((uploads::created_at, uploads::id))
        .limit(20)
        .select((uploads::id, uploads::uploader_id))
        .load(conn)?;
    Ok(own_first(uploader, same))
}

fn earliest_with_samples(conn: &mut Conn, upload: &Upload, sha256: &str) -> Result<Option<UploadId>> {
    let same: Vec<(UploadId, UserId)> = recordings::table
        .inner_join(uploads::table)
        .filter(recordings::samples_sha256.eq(sha256).and(uploads::id.ne(&upload.id)))
        .order((uploads::created_at, uploads::id))
        .limit(20)
        .select((uploads::id, uploads::uploader_id))
        .load(conn)?;
    Ok(own_first(&upload.uploader_id, same))
}

/// A file's name without the folders before it, control signs, and signs that turn the reading direction; at most
/// 200 letters.
pub fn plain_name(filename: &str) -> String {
    let last = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let plain: String = last.chars().filter(|c| !c.is_control() && !turns(*c)).take(200).collect();
    let plain = plain.trim();
    if plain.chars().all(|c| c == '.') { "untitled".to_owned() } else { plain.to_owned() }
}

/// The title a file's name suggests: without its ending, with spaces for underscores, begun by a capital.
pub fn title_of(filename: &str) -> String {
    let name = plain_name(filename);
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem,
        _ => name.as_str(),
    };
    // Words joined by hyphens throughout were a title once; a hyphen among spaces is meant.
    let joined = stem.contains('-') && !stem.contains(' ');
    let spaced = stem.replace('_', " ");
    let spaced = if joined { spaced.replace('-', " ") } else { spaced };
    let title = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = title.chars().take(100);
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect::<String>().trim().to_owned(),
        None => "Untitled".to_owned(),
    }
}

/// Where the sounds made for listeners and the pictures lie: the upload, what it is, and the beginning of the hash of
/// its content, so that a second run finds what the first put there.
pub fn derived_key(id: &UploadId, what: &str, sha256: &str, ending: &str) -> Result<String> {
    let hash = sha256.get(..16).ok_or_else(|| Error::internal("not a hash"))?;
    Ok(format!("derived/{id}/{what}-{hash}.{ending}"))
}

/// Other uploads with the same bytes or the same samples: whose, and when.
pub fn twins(
    conn: &mut Conn,
    upload: &UploadId,
    file_sha256: &str,
    samples_sha256: &str,
) -> Result<Vec<(UploadId, UserId)>> {
    let same_samples =
        recordings::table.filter(recordings::samples_sha256.eq(samples_sha256)).select(recordings::upload_id);
    Ok(uploads::table
        .filter(uploads::id.ne(upload))
        .filter(uploads::file_sha256.eq(file_sha256).or(uploads::id.eq_any(same_samples)))
        .order(uploads::created_at)
        .limit(5)
        .select((uploads::id, uploads::uploader_id))
        .load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lose_what_could_mislead() {
        for (name, plain) in [
            ("rain.wav", "rain.wav"),
            ("C:\\music\\rain.wav", "rain.wav"),
            ("../../etc/passwd", "passwd"),
            ("a\r\nX: y.wav", "aX: y.wav"),
            ("gp\u{202e}3pm.exe", "gp3pm.exe"),
            ("", "untitled"),
            ("..", "untitled"),
            (" / ", "untitled"),
        ] {
            assert_eq!(plain_name(name), plain, "{name:?}");
        }
        assert_eq!(plain_name(&"é".repeat(999)).chars().count(), 200);
    }

    #[test]
    fn titles_come_from_names_of_files() {
        for (name, title) in [
            ("rain_on-tin.wav", "Rain on tin"),
            ("Copper Weather - take 2.final.flac", "Copper Weather - take 2.final"),
            ("noise", "Noise"),
            (".wav", ".wav"),
            ("étude.wav", "Étude"),
            ("___.wav", "Untitled"),
        ] {
            assert_eq!(title_of(name), title, "{name:?}");
        }
    }
}
