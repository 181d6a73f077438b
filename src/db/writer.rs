//! The writing side: one thread for SQLite, a pool with retries for PostgreSQL.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::r2d2::Pool;
use tokio::sync::oneshot;

use super::manager::Manager;
use super::{Conn, counter};
use crate::error::{Error, Result};

/// How many writes may wait before new ones are turned away with 503.
const WAITING: usize = 4096;
/// How many writes share one commit, and for how long the first of them may wait for company.
const GROUP: usize = 256;
const GROUP_TIME: Duration = Duration::from_millis(20);
/// How often PostgreSQL may fail to order a write before we give up.
const TRIES: u32 = 24;

/// What answers a writer once its group is on the disk (or is not).
type Answer = Box<dyn FnOnce(std::result::Result<(), String>) + Send>;
type Work = Box<dyn FnOnce(&mut Conn) -> Answer + Send>;

/// The one way to write: SQLite's thread, or PostgreSQL's pool.
#[derive(Clone)]
pub enum Writer {
    Thread(mpsc::SyncSender<Work>),
    Pool(Pool<Manager>),
}

impl Writer {
    /// A writer that owns this connection and runs on a thread of its own.
    pub fn thread(conn: Conn) -> Result<Writer> {
        let (tx, rx) = mpsc::sync_channel(WAITING);
        std::thread::Builder::new().name("sqlite-writer".into()).spawn(move || write_in_groups(conn, &rx))?;
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
                let span = counter::current();
                let work: Work = Box::new(move |conn| {
                    counter::adopt(span);
                    let out = conn.transaction(|conn| caught(&f, conn)); // a savepoint inside the group's transaction
                    counter::adopt(None);
                    Box::new(move |commit| {
                        let _ = done.send(match commit {
                            Ok(()) => out,
                            Err(why) => Err(Error::internal(format!("commit failed: {why}"))),
                        });
                    })
                });
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
        match conn.transaction(|conn| caught(f, conn)) {
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

fn write_in_groups(mut conn: Conn, waiting: &mpsc::Receiver<Work>) {
    while let Ok(first) = waiting.recv() {
        let Conn::Sqlite(sqlite) = &mut conn else { return };
        if let Err(error) = AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE") {
            tracing::error!(%error, "cannot begin a write");
            continue; // the work is dropped and its writer hears that we stopped
        }
        let start = Instant::now();
        let mut answers = vec![first(&mut conn)];
        while answers.len() < GROUP && start.elapsed() < GROUP_TIME {
            let Ok(work) = waiting.try_recv() else { break };
            answers.push(work(&mut conn));
        }
        let Conn::Sqlite(sqlite) = &mut conn else { return };
        let commit = <AnsiTransactionManager as TransactionManager<_>>::commit_transaction(sqlite);
        if commit.is_err() {
            let _ = <AnsiTransactionManager as TransactionManager<_>>::rollback_transaction(sqlite);
        }
        for answer in answers {
            answer(commit.as_ref().map(|_| ()).map_err(|e| e.to_string()));
        }
    }
}
