//! The queue: rows with a state, a due time, a lease and a fencing number. Times of leases are the database's own.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;

use super::{Job, Priority, Terms};
use crate::clock::{SECOND, Timestamp};
use crate::db::Conn;
use crate::db::schema::jobs;
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{JobId, OrderId, UploadId};
use crate::text_enum;

/// How long a worker may be silent before its job is given to another.
pub const LEASE_MS: i64 = 30 * SECOND;
/// How often a job may fail before it is parked for a person to look at.
const TRIES: i32 = 5;

text_enum! {
    /// Where a job is.
    pub enum State {
        Ready = "ready",
        Running = "running",
        Done = "done",
        /// Failed too often; waits for a person.
        Parked = "parked",
    }
}

/// Puts a job for people into the queue, due at once.
pub fn enqueue(conn: &mut Conn, job: &Job, now: Timestamp) -> Result<()> {
    enqueue_as(conn, job, Terms::default(), now).map(drop)
}

/// Puts a job into the queue on terms. Answers whether it is new (false: one of the same key is remembered).
pub fn enqueue_as(conn: &mut Conn, job: &Job, terms: Terms, now: Timestamp) -> Result<bool> {
    let row = (
        jobs::id.eq(JobId::new()),
        jobs::kind.eq(job.kind()),
        jobs::payload.eq(serde_json::to_string(job)?),
        jobs::once_key.eq(terms.once),
        jobs::state.eq(State::Ready),
        jobs::priority.eq(terms.priority as i32),
        jobs::due_at.eq(now.plus(terms.delay_ms)),
        jobs::created_at.eq(now),
    );
    let new = each_db!(conn, |c| diesel::insert_into(jobs::table)
        .values(&row)
        .on_conflict(jobs::once_key)
        .do_nothing()
        .execute(c))?;
    Ok(new == 1)
}

/// Has the payment page of an order closed. Asked again while that waits it is one job; once it was done, or was given up, it
/// is another: the money that was on its way then may have failed since.
pub fn close_order(conn: &mut Conn, order: &OrderId, now: Timestamp) -> Result<()> {
    let job = Job::CloseOrder { order: order.clone() };
    enqueue_anew(conn, &job, format!("close:{order}"), now)
}

/// Puts a job into the queue that is there once at most, whatever became of earlier ones of its key.
fn enqueue_anew(conn: &mut Conn, job: &Job, once: String, now: Timestamp) -> Result<()> {
    diesel::delete(jobs::table.filter(jobs::once_key.eq(&once)))
        .filter(jobs::state.eq_any([State::Done, State::Parked]))
        .execute(conn)?;
    enqueue_as(conn, job, Terms { once: Some(once), ..Terms::default() }, now).map(drop)
}

/// A job in hand: valid while its fencing number is the newest.
#[derive(Clone, Debug)]
pub struct Lease {
    pub id: JobId,
    pub job: Job,
    pub fence: i64,
    pub runs: i32,
}

/// The database's own clock in milliseconds, so that two machines need not agree on the time.
fn clock(conn: &mut Conn) -> Result<i64> {
    let count: crate::db::Count = match conn {
        Conn::Pg(c) => {
            diesel::sql_query("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS n")
                .get_result(c)?
        }
        Conn::Sqlite(c) => {
            diesel::sql_query("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS n").get_result(c)?
        }
    };
    Ok(count.n)
}

/// Takes the next due job of this priority or a better one on a lease, or nothing. What cannot be read any more is
/// parked and the next one taken.
pub fn claim(conn: &mut Conn, owner: &str, least: Priority) -> Result<Option<Lease>> {
    let now = clock(conn)?;
    let least = least as i32;
    loop {
        let due = format!(
            "((state = 'ready' AND due_at <= $1) OR (state = 'running' AND lease_until < $1)) AND priority <= {least}"
        );
        let next: Option<JobId> = match conn {
            Conn::Pg(c) => diesel::sql_query(format!(
                "SELECT id FROM jobs WHERE {due} ORDER BY priority, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"
            ))
            .bind::<BigInt, _>(now)
            .get_result::<Next>(c)
            .optional()?,
            Conn::Sqlite(c) => diesel::sql_query(format!(
                "SELECT id FROM jobs WHERE {} ORDER BY priority, due_at, id LIMIT 1",
                due.replace("$1", "?1")
            ))
            .bind::<BigInt, _>(now)
            .get_result::<Next>(c)
            .optional()?,
        }
        .map(|next| next.id);
        let Some(id) = next else { return Ok(None) };
        diesel::update(jobs::table.find(&id))
            .set((
                jobs::state.eq(State::Running),
                jobs::fence.eq(jobs::fence + 1),
                jobs::runs.eq(jobs::runs + 1),
                jobs::lease_until.eq(now + LEASE_MS),
                jobs::owner.eq(owner),
            ))
            .execute(conn)?;
        let (payload, fence, runs): (String, i64, i32) =
            jobs::table.find(&id).select((jobs::payload, jobs::fence, jobs::runs)).first(conn)?;
        match serde_json::from_str(&payload) {
            Ok(job) => return Ok(Some(Lease { id, job, fence, runs })),
            Err(error) => park(conn, &id, &format!("cannot be read: {error}"))?,
        }
    }
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = diesel::sql_types::Text)]
    id: JobId,
}

fn park(conn: &mut Conn, id: &JobId, why: &str) -> Result<()> {
    diesel::update(jobs::table.find(id))
        .set((jobs::state.eq(State::Parked), jobs::problem.eq(why)))
        .execute(conn)?;
    Ok(())
}

impl Lease {
    /// Whether its worker died so often that it is given up: it would otherwise run for ever.
    pub fn is_worn_out(&self) -> bool {
        self.runs > TRIES + 3
    }

    /// Keeps the job for another while. False: it was given to another worker, stop.
    pub fn renew(&self, conn: &mut Conn) -> Result<bool> {
        let now = clock(conn)?;
        let n = diesel::update(jobs::table.find(&self.id))
            .filter(jobs::fence.eq(self.fence).and(jobs::state.eq(State::Running)))
            .set(jobs::lease_until.eq(now + LEASE_MS))
            .execute(conn)?;
        Ok(n == 1)
    }

    /// Ends the job, in the same write as its effects. Refused with `Conflict` when the lease was lost: then the
    /// effects must not happen, and the write is rolled back by the error.
    pub fn finish(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        let n = diesel::update(jobs::table.find(&self.id))
            .filter(jobs::fence.eq(self.fence).and(jobs::state.eq(State::Running)))
            .set((
                jobs::state.eq(State::Done),
                jobs::done_at.eq(now),
                jobs::lease_until.eq(None::<i64>),
                jobs::problem.eq(None::<String>),
            ))
            .execute(conn)?;
        if let Job::SendLetter { .. } | Job::SendReset { .. } = self.job {
            // Letters carry single-use links and addresses; once sent, nobody needs them here.
            diesel::update(jobs::table.find(&self.id)).set(jobs::payload.eq("{}")).execute(conn)?;
        }
        if n == 1 { Ok(()) } else { Err(Error::conflict("the lease of this job was lost")) }
    }

    /// Puts the job back unharmed, because what it waits for is not there yet: again in so many milliseconds, and
    /// this time does not count as a try. Refused with `Conflict` when the lease was lost.
    pub fn postpone(&self, conn: &mut Conn, delay_ms: i64) -> Result<()> {
        let now = clock(conn)?;
        let n = diesel::update(jobs::table.find(&self.id))
            .filter(jobs::fence.eq(self.fence).and(jobs::state.eq(State::Running)))
            .set((
                jobs::state.eq(State::Ready),
                jobs::runs.eq(jobs::runs - 1),
                jobs::due_at.eq(now + delay_ms),
                jobs::lease_until.eq(None::<i64>),
            ))
            .execute(conn)?;
        if n == 1 { Ok(()) } else { Err(Error::conflict("the lease of this job was lost")) }
    }

    /// Gives the job back after a failure: again in 2^runs seconds, parked after five. Answers whether it was parked;
    /// when the lease was lost nothing changes, and nothing was.
    pub fn fail(&self, conn: &mut Conn, why: &str) -> Result<bool> {
        let now = clock(conn)?;
        let parked = self.runs >= TRIES;
        let wait = SECOND * (1 << self.runs.clamp(0, 10)) + now % 1000;
        let n = diesel::update(jobs::table.find(&self.id))
            .filter(jobs::fence.eq(self.fence).and(jobs::state.eq(State::Running)))
            .set((
                jobs::state.eq(if parked { State::Parked } else { State::Ready }),
                jobs::due_at.eq(now + wait),
                jobs::lease_until.eq(None::<i64>),
                jobs::problem.eq(why),
            ))
            .execute(conn)?;
        Ok(parked && n == 1)
    }
}

/// What waits, by kind: for the operations page and `/readyz`.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    pub kind: String,
    pub state: State,
    pub count: i64,
    /// The oldest one's age in milliseconds.
    pub oldest_ms: i64,
}

/// Everything that is not done, grouped by kind and state.
pub fn waiting(conn: &mut Conn, now: Timestamp) -> Result<Vec<Waiting>> {
    let rows: Vec<(String, State, i64, Option<i64>)> = jobs::table
        .filter(jobs::state.ne(State::Done))
        .group_by((jobs::kind, jobs::state))
        .select((jobs::kind, jobs::state, sql::<BigInt>("COUNT(*)"), diesel::dsl::min(jobs::due_at)))
        .order((jobs::kind, jobs::state))
        .load(conn)?;
    let age = |due: Option<i64>| due.map_or(0, |d| (now.0 - d).max(0));
    Ok(rows
        .into_iter()
        .map(|(kind, state, count, due)| Waiting { kind, state, count, oldest_ms: age(due) })
        .collect())
}

/// A job that was given up: id, kind, reason, when made.
pub type Parked = (JobId, String, Option<String>, Timestamp);

/// Parked jobs with their reasons, newest first.
pub fn parked(conn: &mut Conn, limit: i64) -> Result<Vec<Parked>> {
    Ok(jobs::table
        .filter(jobs::state.eq(State::Parked))
        .order(jobs::id.desc())
        .limit(limit)
        .select((jobs::id, jobs::kind, jobs::problem, jobs::created_at))
        .load(conn)?)
}

/// Gives a parked job another five tries.
pub fn retry(conn: &mut Conn, id: &JobId, now: Timestamp) -> Result<bool> {
    let n = diesel::update(jobs::table.find(id))
        .filter(jobs::state.eq(State::Parked))
        .set((jobs::state.eq(State::Ready), jobs::runs.eq(0), jobs::due_at.eq(now)))
        .execute(conn)?;
    Ok(n == 1)
}

/// How the examination of an upload stands in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub state: State,
    /// How often it was tried since it was put there.
    pub runs: i32,
    pub due_at: Timestamp,
}

/// How the examination of an upload stands; nothing when the queue has forgotten it.
pub fn attempt_of(conn: &mut Conn, upload: &UploadId) -> Result<Option<Attempt>> {
    let found: Option<(State, i32, Timestamp)> = jobs::table
        .filter(jobs::once_key.eq(format!("process:{upload}")))
        .select((jobs::state, jobs::runs, jobs::due_at))
        .first(conn)
        .optional()?;
    Ok(found.map(|(state, runs, due_at)| Attempt { state, runs, due_at }))
}

/// Puts the examination of an upload back into the queue; one that waits or runs already is left alone.
pub fn retry_upload(conn: &mut Conn, upload: &UploadId, now: Timestamp) -> Result<()> {
    let job = Job::ProcessUpload { upload: upload.clone() };
    enqueue_anew(conn, &job, format!("process:{upload}"), now)
}
