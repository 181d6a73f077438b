//! Which database it is, and nothing else.
//!
//! Two verbs. [`Db::read`] borrows a connection that cannot write. [`Db::write`] is one transaction with the same
//! promise on both databases: *when it answers, the change is on the disk*. On PostgreSQL it is serializable, with a
//! retry. On SQLite there is one writer: a thread that owns the only writing connection (`synchronous=FULL`), takes
//! what is waiting, commits it together and only then answers each; what fails is undone alone.
//! A closure given to `write` may run twice, so it touches nothing but `conn`.

mod among;
mod bigint_value;
mod manager;
mod migrate;
pub mod schema;
pub mod tables;
mod text_enum;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::Connection;
use diesel::r2d2::Pool;
use diesel::result::{DatabaseErrorKind, Error as Sql};

use crate::error::{Error, Result};
pub use among::{Among, among};
pub use migrate::{migrate, pending};

use manager::{Manager, Mode};
use writer::Writer;

/// A connection to either database. The same Diesel code runs on both; `each_db!` says what only a dialect can say.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Pg(diesel::PgConnection),
    Sqlite(diesel::SqliteConnection),
}

/// The backend of [`Conn`], for boxed expressions.
pub type AnyDb = <Conn as Connection>::Backend;

/// Says one thing once per dialect: the body is repeated with the concrete connection, so that all of Diesel is open
/// in it (upserts, inserts of many rows, `as_returning`), as long as its result does not name a backend.
#[macro_export]
macro_rules! each_db {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Conn::Pg($c) => $body,
            $crate::db::Conn::Sqlite($c) => $body,
        }
    };
}

/// Where the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbUrl {
    /// A file of SQLite.
    Sqlite(std::path::PathBuf),
    /// A connection string of libpq.
    Postgres(String),
}

impl DbUrl {
    /// Reads `sqlite:path` or `postgres://…`.
    pub fn parse(text: &str) -> Option<DbUrl> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return (!path.is_empty()).then(|| DbUrl::Sqlite(path.into()));
        }
        (text.starts_with("postgres://") || text.starts_with("postgresql://"))
            .then(|| DbUrl::Postgres(text.to_owned()))
    }
}

/// The rows of the shop.
#[derive(Clone)]
pub struct Db {
    read: Pool<Manager>,
    write: Writer,
    writes: Arc<AtomicU64>,
    url: Arc<DbUrl>,
}

impl Db {
    /// Opens the database and brings it up to date first. The folder of a SQLite file is made when it is missing.
    pub fn open(url: &DbUrl) -> Result<Db> {
        if let DbUrl::Sqlite(path) = url
            && let Some(folder) = path.parent().filter(|f| *f != Path::new(""))
        {
            std::fs::create_dir_all(folder)?;
        }
        migrate(url)?;
        let write = match url {
            DbUrl::Sqlite(_) => Writer::thread(url)?,
            DbUrl::Postgres(_) => Writer::pool(pool(url, Mode::Write, 12)?),
        };
        Ok(Db { read: pool(url, Mode::Read, 12)?, write, writes: Arc::default(), url: Arc::new(url.clone()) })
    }

    /// Reads: one consistent view of the rows. A write in here fails on both databases.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pool = self.read.clone();
        let span = counter::current();
        tokio::task::spawn_blocking(move || {
            counter::adopt(span);
            let mut conn = pool.get_timeout(Duration::from_secs(5)).map_err(|_| Error::Busy(2))?;
            conn.transaction(|conn| f(conn))
        })
        .await?
    }

    /// Writes: one transaction; when this answers, the change is on the disk. `f` may run more than once.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Conn) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let done = self.write.run(f).await;
        self.writes.fetch_add(1, Ordering::AcqRel);
        done
    }

    /// How many writes of this process have ended: what was read before one of them may be another now.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Which database it is.
    pub fn url(&self) -> &DbUrl {
        &self.url
    }
}

fn pool(url: &DbUrl, mode: Mode, size: u32) -> Result<Pool<Manager>> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .connection_timeout(Duration::from_secs(10))
        .test_on_check_out(true)
        .build(Manager::new(url.clone(), mode))
        .map_err(Error::internal)
}

/// Whether the same write may succeed when it is tried again: the database could not order it beside another one.
pub fn may_succeed_again(error: &Sql) -> bool {
    match error {
        Sql::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        // Diesel has no kind for PostgreSQL's 40P01.
        Sql::DatabaseError(_, info) => {
            info.message().contains("deadlock detected") || info.message().contains("database is locked")
        }
        Sql::RollbackErrorOnCommit { commit_error, .. } => may_succeed_again(commit_error),
        _ => false,
    }
}

/// A figure or a word from anywhere on either database, for the few places that read by hand.
#[derive(diesel::QueryableByName)]
pub struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub n: i64,
}

/// How many reads a request made, for the test that holds pages to three queries.
pub mod counter {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A count of one request's reads.
    pub type Span = Arc<AtomicU32>;

    thread_local! {
        static SPAN: RefCell<Option<Span>> = const { RefCell::new(None) };
    }

    tokio::task_local! {
        /// The count of the task that is running, where a test asked for one.
        pub static TASK: Span;
    }

    pub(super) fn current() -> Option<Span> {
        TASK.try_with(Arc::clone).ok()
    }

    pub(super) fn adopt(span: Option<Span>) {
        SPAN.with(|s| *s.borrow_mut() = span);
    }

    /// Whether anyone counts on this thread.
    pub(super) fn is_wanted() -> bool {
        SPAN.with(|s| s.borrow().is_some())
    }

    /// Called by the connection's instrumentation for every statement that reaches the database.
    pub(super) fn count() {
        SPAN.with(|s| {
            if let Some(n) = &*s.borrow() {
                n.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}
