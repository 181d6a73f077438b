//! How a connection is made: one place for pragmas and session settings, since the derive's own `establish` would try
//! the dialects in turn and SQLite takes any string for a file name.

use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::ManageConnection;
use diesel::{PgConnection, SqliteConnection};

use super::{Conn, DbUrl};
use crate::error::{Error, Result};

/// What a connection is for: SQLite opens one that reads so that it cannot write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Read,
    Write,
}

/// Opens one connection for reading or for writing.
pub fn establish(url: &DbUrl, mode: Mode) -> Result<Conn> {
    match url {
        DbUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(Error::internal)?;
            conn.batch_execute(
                "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
                 PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456; PRAGMA cache_size=-16000;",
            )?;
            if mode == Mode::Read {
                conn.batch_execute("PRAGMA query_only=ON;")?;
            }
            counted(&mut conn);
            Ok(Conn::Sqlite(conn))
        }
        DbUrl::Postgres(url) => {
            let mut conn = PgConnection::establish(url).map_err(Error::internal)?;
            conn.batch_execute(match mode {
                Mode::Write => {
                    "SET default_transaction_isolation='serializable'; SET timezone='UTC'; SET statement_timeout='20s'; \
                     SET idle_in_transaction_session_timeout='30s'; SET client_min_messages='warning';"
                }
                Mode::Read => {
                    "SET default_transaction_isolation='repeatable read'; SET default_transaction_read_only=on; \
                     SET timezone='UTC'; SET statement_timeout='20s'; SET idle_in_transaction_session_timeout='30s';"
                }
            })?;
            counted(&mut conn);
            Ok(Conn::Pg(conn))
        }
    }
}

fn counted(conn: &mut impl Connection) {
    conn.set_instrumentation(|event: InstrumentationEvent<'_>| {
        // To write a statement out costs about as much as to run it.
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && super::counter::is_wanted()
        {
            let text = query.to_string();
            if !text.starts_with("BEGIN") && !text.starts_with("COMMIT") && !text.starts_with("SELECT 1") {
                super::counter::count();
            }
        }
    });
}

/// Keeps connections of one mode in a pool.
pub struct Manager {
    url: DbUrl,
    mode: Mode,
}

impl Manager {
    /// What opens connections of this kind for a pool.
    pub fn new(url: DbUrl, mode: Mode) -> Manager {
        Manager { url, mode }
    }
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = Error;

    fn connect(&self) -> Result<Conn> {
        establish(&self.url, self.mode)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<()> {
        // A file does not go away; a server does, and a dead connection must not reach a visitor.
        if let Conn::Pg(conn) = conn {
            diesel::sql_query("SELECT 1").execute(conn)?;
        }
        Ok(())
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        use diesel::connection::TransactionManager;
        match conn {
            Conn::Pg(c) => {
                std::thread::panicking()
                    || <PgConnection as Connection>::TransactionManager::is_broken_transaction_manager(c)
            }
            Conn::Sqlite(c) => {
                std::thread::panicking()
                    || <SqliteConnection as Connection>::TransactionManager::is_broken_transaction_manager(c)
            }
        }
    }
}
