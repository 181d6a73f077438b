//! A fresh migrated database for every test: a SQLite file in a folder of its own, or, where `TEST_DATABASE_URL`
//! names a PostgreSQL server and a role that may make databases, a database of its own on that server.

use std::sync::OnceLock;

use cuehouse::db::{Db, DbUrl, migrate};
use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;

use super::folder::TestFolder;

/// A database of one test. It goes away with it.
pub struct TestDb {
    pub db: Db,
    /// The setting that leads to it (`CUEHOUSE_DATABASE_URL`).
    pub url: String,
    place: Place,
}

enum Place {
    Folder { _held: TestFolder },
    Server { _held: Made },
}

impl TestDb {
    pub async fn new() -> TestDb {
        tokio::task::spawn_blocking(TestDb::make).await.unwrap()
    }

    /// Whether rows lie on a PostgreSQL server.
    pub fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Server { .. })
    }

    fn make() -> TestDb {
        let (url, place) = match server() {
            None => {
                let folder = TestFolder::new();
                (
                    format!("sqlite:{}", folder.path().join("cuehouse.db").display()),
                    Place::Folder { _held: folder },
                )
            }
            Some(server) => {
                let made = Made::copy_of(server, template(server));
                (with_name(server, &made.name), Place::Server { _held: made })
            }
        };
        let db = Db::open(&DbUrl::parse(&url).unwrap()).unwrap();
        TestDb { db, url, place }
    }
}

/// The server of this run, if it is PostgreSQL's turn.
pub fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER.get_or_init(|| std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())).as_deref()
}

/// A database that was made on the server, dropped again with this value.
struct Made {
    server: &'static str,
    name: String,
}

impl Made {
    fn copy_of(server: &'static str, template: &str) -> Made {
        let name = fresh_name();
        // Another test may be copying the same template at this moment; the server allows it one at a time.
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        let mut tries = 0;
        while let Err(error) = admin(server).batch_execute(&sql) {
            tries += 1;
            assert!(tries < 100 && error.to_string().contains("being accessed"), "{sql}: {error}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Made { server, name }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // FORCE: the pools of the test close their connections in their own time.
        let _ = PgConnection::establish(self.server).map(|mut conn| {
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))
        });
    }
}

/// The database that all of this process's are copied from: migrated once. The name is the schema's, so that runs
/// of the same program share it and a changed schema makes another.
fn template(server: &'static str) -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("cuehouse_template_{}", &cuehouse::secrets::sha256(schema())[..16]);
        let mut conn = admin(server);
        // Several test processes may begin together; the lock ends with this connection.
        conn.batch_execute("SELECT pg_advisory_lock(7236912)").unwrap();
        let known = format!("SELECT COUNT(*) AS n FROM pg_database WHERE datname = '{name}'");
        let known: cuehouse::db::Count =
            diesel::RunQueryDsl::get_result(diesel::sql_query(known), &mut conn).unwrap();
        if known.n == 0 {
            // Renamed only when it is whole: a run that was stopped in between leaves no half template behind.
            let half = fresh_name();
            conn.batch_execute(&format!("CREATE DATABASE {half}")).unwrap();
            migrate(&DbUrl::Postgres(with_name(server, &half))).unwrap();
            conn.batch_execute(&format!("ALTER DATABASE {half} RENAME TO {name}")).unwrap();
        }
        name
    })
}

/// Every migration of the program, one behind the other.
fn schema() -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = |folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut all = [files("common"), files("postgres")].concat();
    all.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    all.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn admin(server: &str) -> PgConnection {
    let mut conn = PgConnection::establish(server).expect("TEST_DATABASE_URL leads to a PostgreSQL server");
    conn.batch_execute("SET client_min_messages='warning'").unwrap();
    conn
}

fn fresh_name() -> String {
    format!("cuehouse_test_{}", hex::encode(cuehouse::secrets::random::<12>().unwrap()))
}

/// The same address with another database behind it.
fn with_name(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).expect("TEST_DATABASE_URL is an address");
    url.set_path(name);
    url.to_string()
}
