//! The writing side: one thread for SQLite, a pool with retries for PostgreSQL.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::r2d2::Pool;
use diesel::result::QueryResult;
use tokio::sync::oneshot;

use super::manager::{self, Manager, Mode};
use super::{Conn, DbUrl, counter};
use crate::error::{Error, Result};

/// How many writes may wait before new ones are turned away with 503.
const WAITING: usize = 4096;
/// How many writes share one commit, and for how long the first of them may wait for company.
const GROUP: usize = 256;
const GROUP_TIME: Duration = Duration::from_millis(20);
/// How often PostgreSQL may fail to order a write before we give up.
const TRIES: u32 = 24;

/// From how many on a group is answered by a thread of its own: to wake so many takes as long as to write for some of them,
/// and the first of them may have come back with the next change before the last is told.
const MANY: usize = 8;

/// A change that waits, of whatever type its answer is.
pub trait Work: Send {
    /// Makes the change, not for the first time perhaps; false when it failed, and what it did must be undone.
    fn run(&mut self, conn: &mut Conn, how: Footing) -> bool;
    /// Answers what came of it, once its group is on the disk (or is not).
    fn answer(self: Box<Self>, commit: std::result::Result<(), &str>);
}

/// Upon what a change of a group stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Footing {
    /// On the group's transaction: where it fails, all of the group is undone.
    Shared,
    /// On a savepoint of its own. It costs as much as the smallest change.
    Own,
}

struct Change<F, T> {
    f: F,
    span: Option<counter::Span>,
    /// None: it never began.
    made: Option<Result<T>>,
    done: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: Fn(&mut Conn) -> Result<T> + Send> Work for Change<F, T> {
    fn run(&mut self, conn: &mut Conn, how: Footing) -> bool {
        counter::adopt(self.span.clone());
        let made = match how {
            Footing::Shared => caught(&self.f, conn),
            Footing::Own => apart(conn, |conn| caught(&self.f, conn)),
        };
        counter::adopt(None);
        self.made.insert(made).is_ok()
    }

    fn answer(self: Box<Self>, commit: std::result::Result<(), &str>) {
        let made = self.made.unwrap_or_else(|| Err(Error::internal("a write never began")));
        let _ = self.done.send(match commit {
            Ok(()) => made,
            // What it said itself tells more than what became of its group.
            Err(why) => made.and_then(|_| Err(Error::internal(format!("commit failed: {why}")))),
        });
    }
}

/// The one way to write: SQLite's thread, or PostgreSQL's pool.
#[derive(Clone)]
pub enum Writer {
    Thread(mpsc::SyncSender<Box<dyn Work>>),
    Pool(Pool<Manager>),
}

impl Writer {
    /// A writer of a SQLite file, which owns the one connection that writes and runs on a thread of its own.
    pub fn thread(url: &DbUrl) -> Result<Writer> {
        let (tx, rx) = mpsc::sync_channel(WAITING);
        let (conn, url) = (manager::establish(url, Mode::Write)?, url.clone());
        let (answers, written) = mpsc::channel::<Written>();
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        named("sqlite-answers").spawn(move || written.into_iter().for_each(Written::answer))?;
        named("sqlite-writer").spawn(move || write_in_groups(conn, &url, &rx, &answers))?;
        Ok(Writer::Thread(tx))
    }

    /// A writer that takes its connections from this pool.
    pub fn pool(pool: Pool<Manager>) -> Writer {
        Writer::Pool(pool)
    }

    /// Runs a change as one transaction: when this answers with what it made, it is on the disk. May run it twice.
    pub async fn run<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Conn) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        match self {
            Writer::Thread(tx) => {
                let (done, answer) = oneshot::channel();
                let work = Box::new(Change { f, span: counter::current(), made: None, done });
                tx.try_send(work).map_err(|_| Error::Busy(2))?;
                answer.await.map_err(|_| Error::internal("the writer stopped before it answered"))?
            }
            Writer::Pool(pool) => {
                let pool = pool.clone();
                let span = counter::current();
                tokio::task::spawn_blocking(move || {
                    counter::adopt(span);
                    write_with_retries(&pool, &f)
                })
                .await?
            }
        }
    }
}

fn caught<T>(f: &impl Fn(&mut Conn) -> Result<T>, conn: &mut Conn) -> Result<T> {
    catch_unwind(AssertUnwindSafe(|| f(conn))).unwrap_or_else(|_| Err(Error::internal("a write panicked")))
}

fn write_with_retries<T>(pool: &Pool<Manager>, f: &impl Fn(&mut Conn) -> Result<T>) -> Result<T> {
    let mut tries = 0;
    loop {
        let mut conn = pool.get_timeout(Duration::from_secs(10)).map_err(|_| Error::Busy(2))?;
        match caught(&|conn: &mut Conn| conn.transaction(|conn| f(conn)), &mut conn) {
            Err(Error::Internal(fault)) if fault.again && tries < TRIES => {
                tries += 1;
                drop(conn);
                std::thread::sleep(jitter(tries));
            }
            answer => return answer,
        }
    }
}

/// A random wait that grows with the tries, so that two writers do not meet again.
fn jitter(tries: u32) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_micros(random % (1000 << tries.min(6)))
}

/// A group that is on the disk, or is not, and why.
struct Written {
    group: Vec<Box<dyn Work>>,
    commit: std::result::Result<(), String>,
}

impl Written {
    fn answer(self) {
        for work in self.group {
            work.answer(self.commit.as_ref().copied().map_err(String::as_str));
        }
    }
}

fn write_in_groups(
    mut conn: Conn,
    url: &DbUrl,
    waiting: &mpsc::Receiver<Box<dyn Work>>,
    answers: &mpsc::Sender<Written>,
) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        let commit = write_group(&mut conn, &mut group, waiting).map_err(|error| error.to_string());
        if let Err(why) = &commit {
            tracing::error!(why, "a group of writes was not committed");
            // A full disk, say, ends SQLite's transaction unasked; Diesel holds such a connection for broken.
            if rollback(&mut conn).is_err() {
                match manager::establish(url, Mode::Write) {
                    Ok(fresh) => conn = fresh,
                    Err(error) => tracing::error!(%error, "the database cannot be opened again"),
                }
            }
        }
        let written = Written { group, commit };
        match written.group.len() < MANY {
            true => written.answer(),
            false => answers.send(written).unwrap_or_else(|unsent| unsent.0.answer()),
        }
    }
}

/// Writes what waits as one transaction, at first without savepoints: nearly all of it succeeds. As soon as one fails all
/// that was done is undone and done again, each on its own footing from then on.
fn write_group(
    conn: &mut Conn,
    group: &mut Vec<Box<dyn Work>>,
    waiting: &mpsc::Receiver<Box<dyn Work>>,
) -> QueryResult<()> {
    let (start, mut how, mut at) = (Instant::now(), Footing::Shared, 0);
    begin(conn)?;
    loop {
        if !group[at].run(conn, how) && how == Footing::Shared {
            rollback(conn)?;
            begin(conn)?;
            how = Footing::Own;
            for work in &mut group[..=at] {
                work.run(conn, how);
            }
        }
        if group.len() == GROUP || start.elapsed() >= GROUP_TIME {
            break;
        }
        let Ok(next) = waiting.try_recv() else { break };
        group.push(next);
        at += 1;
    }
    commit(conn)
}

fn begin(conn: &mut Conn) -> QueryResult<()> {
    let Conn::Sqlite(sqlite) = conn else { return Ok(()) };
    AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")
}

/// Runs a change on a savepoint and undoes it where it fails, however deep in savepoints of its own a panic left it.
fn apart<T>(conn: &mut Conn, change: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    let floor = depth(conn)?;
    <Conn as Connection>::TransactionManager::begin_transaction(conn)?;
    let made = change(conn);
    match &made {
        Ok(_) => <Conn as Connection>::TransactionManager::commit_transaction(conn)?,
        Err(_) => rollback_to(conn, floor)?,
    }
    made
}

/// Undoes all of the group.
fn rollback(conn: &mut Conn) -> QueryResult<()> {
    rollback_to(conn, 0)
}

fn rollback_to(conn: &mut Conn, floor: u32) -> QueryResult<()> {
    while depth(conn)? > floor {
        <Conn as Connection>::TransactionManager::rollback_transaction(conn)?;
    }
    Ok(())
}

/// How many transactions, one in the other, are open.
fn depth(conn: &mut Conn) -> QueryResult<u32> {
    let Conn::Sqlite(sqlite) = conn else { return Ok(0) };
    let status = AnsiTransactionManager::transaction_manager_status_mut(sqlite);
    Ok(status.transaction_depth()?.map_or(0, NonZeroU32::get))
}

fn commit(conn: &mut Conn) -> QueryResult<()> {
    // Deeper, it would only be the end of a savepoint, and nothing would be on the disk.
    if depth(conn)? != 1 {
        return Err(diesel::result::Error::BrokenTransactionManager);
    }
    let Conn::Sqlite(sqlite) = conn else { return Ok(()) };
    <AnsiTransactionManager as TransactionManager<_>>::commit_transaction(sqlite)
}
