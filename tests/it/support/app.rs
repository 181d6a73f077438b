//! The whole application for one test: its own database, folder, mailbox and pretend Stripe, reached over real HTTP.
//! With `TEST_STORAGE=s3` its sounds and pictures lie in an S3 service of its own instead of its folder.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cuehouse::accounts::session;
use cuehouse::accounts::user::{Role, User};
use cuehouse::clock::Timestamp;
use cuehouse::ids::UserId;
use cuehouse::mail::Letter;
use cuehouse::{App, Config, Keys, sandbox, secrets};

use super::browser::Browser;
use super::database::TestDb;
use super::folder::TestFolder;
use super::launch::launched;
use super::s3::{S3Here, s3_here};

/// The password of everyone in the tests.
pub const PASSWORD: &str = "copper weather 9";

/// A running shop. Jobs run when the test says so (`run_jobs`), unless it asked for a worker.
pub struct TestApp {
    pub app: App,
    pub url: String,
    pub stripe: sandbox::Running,
    pub folder: TestFolder,
    /// Where on this machine the store keeps a key: below its own folder, or below the bucket of the S3 service.
    pub store: PathBuf,
    /// The settings of the shop, by the names of the environment.
    settings: BTreeMap<String, String>,
    _db: TestDb,
    _s3: Option<S3Here>,
    shutdown: rocket::Shutdown,
}

impl TestApp {
    pub async fn new() -> TestApp {
        TestApp::with(&[]).await
    }

    /// A shop with other settings than the usual, by the names of the environment.
    pub async fn with(settings: &[(&str, &str)]) -> TestApp {
        let (folder, db) = (TestFolder::new(), TestDb::new().await);
        // Every test's own port: the site's address stands in letters, sessions and certificates.
        let port = free_port();
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        let mut set = |name: &str, value: &str| drop(env.insert(name.to_owned(), value.to_owned()));
        set("CUEHOUSE_PORT", &port.to_string());
        set("CUEHOUSE_DATA_DIR", &folder.path().join("data").display().to_string());
        set("CUEHOUSE_DATABASE_URL", &db.url);
        set("CUEHOUSE_MAIL_URL", "memory:");
        set("CUEHOUSE_DEMO", "off");
        let is_said = settings.iter().any(|(name, _)| *name == "CUEHOUSE_STORAGE_URL");
        let s3 = if in_s3() && !is_said { Some(s3_here().await) } else { None };
        let store = match &s3 {
            Some(s3) => s3.folder.path().join(&s3.bucket),
            None => folder.path().join("data/files"),
        };
        if let Some(s3) = &s3 {
            s3.settings().into_iter().for_each(|(name, value)| set(name, value));
            set("CUEHOUSE_STORAGE_URL", &format!("s3://{}", s3.bucket));
            // A test that asks for a sound wants its bytes; signed addresses are the subject of `bytes` and `cluster`.
            set("CUEHOUSE_DELIVERY", "direct");
        }
        for (name, value) in settings {
            set(name, value);
        }
        let config = Config::read(None, &env).unwrap_or_else(|faults| panic!("{faults:?}"));
        let stripe = sandbox::start(sandbox::Options {
            port: 0,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            folder: config.data("stripe-sandbox"),
            webhook_url: format!("http://127.0.0.1:{port}/stripe/webhook"),
            webhook_secret: Keys::load(&config).unwrap().pretend_webhook_secret(),
        })
        .await
        .unwrap();
        let mut app = App::open(config, Some(&stripe.url)).await.unwrap();
        app.worker = env!("CARGO_BIN_EXE_cuehouse").into();
        let rocket = cuehouse::rocket(app.clone());
        let shutdown = launched(rocket).await;
        TestApp {
            app,
            url: format!("http://127.0.0.1:{port}"),
            stripe,
            folder,
            store,
            settings: env,
            _db: db,
            _s3: s3,
            shutdown,
        }
    }

    /// Somebody without an account.
    pub fn visitor(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// Somebody whose address is confirmed, signed in.
    pub async fn buyer(&self, name: &str) -> Browser {
        self.person(name, &[]).await
    }

    /// Somebody who sells.
    pub async fn uploader(&self, name: &str) -> Browser {
        self.person(name, &[Role::Uploader]).await
    }

    pub async fn reviewer(&self) -> Browser {
        self.person("Rae Reviewer", &[Role::Reviewer]).await
    }

    pub async fn admin(&self) -> Browser {
        self.person("Ada Admin", &[Role::Admin]).await
    }

    /// An account with roles, signed in; the address is `<name>@example.com` with dots for spaces.
    pub async fn person(&self, name: &str, roles: &'static [Role]) -> Browser {
        let email = email_of(name);
        // A machine that is busy with other tests may be late with it, and says so.
        let hash = loop {
            match self.app.hashing.hash(PASSWORD).await {
                Err(cuehouse::Error::Busy(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                hash => break hash.unwrap(),
            }
        };
        let (name, token) = (name.to_owned(), secrets::token().unwrap());
        let (kept, at) = (token.clone(), Timestamp::now());
        let id: UserId = self
            .app
            .db
            .write(move |conn| {
                let user = User::new(conn, &email, &name, &hash, at)?;
                user.insert(conn)?;
                user.confirm(conn, at)?;
                for role in roles {
                    user.grant(conn, *role, at)?;
                }
                session::open(conn, &user.id, &kept, at)?;
                Ok(user.id)
            })
            .await
            .unwrap();
        let mut browser = self.visitor();
        browser.user = Some(id);
        browser.set_cookie("session", &token);
        browser
    }

    /// A command of the program on this shop, as an operator types it beside the running one.
    pub fn cuehouse(&self, words: &[&str]) -> std::process::Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cuehouse"));
        let foreign = |name: &str| name.starts_with("CUEHOUSE_") || name.starts_with("AWS_");
        for (name, _) in std::env::vars().filter(|(name, _)| foreign(name)) {
            command.env_remove(name);
        }
        command.args(words).envs(&self.settings).current_dir(self.folder.path()).output().unwrap()
    }

    /// Works everything that is due. Failures stay with their jobs.
    pub async fn run_jobs(&self) {
        let _ = cuehouse::jobs::run::drain(&self.app).await;
    }

    /// Works everything, also what is only due later: what the calendar asked for at a moment that is still to come.
    pub async fn run_jobs_to_come(&self) {
        let sql = "UPDATE jobs SET due_at = 0 WHERE state = 'ready'";
        let due = move |conn: &mut cuehouse::db::Conn| {
            use diesel::RunQueryDsl;
            cuehouse::each_db!(conn, |c| diesel::sql_query(sql).execute(c))?;
            Ok(())
        };
        self.app.db.write(due).await.unwrap();
        self.run_jobs().await;
    }

    /// Every row of every table, in words.
    pub async fn every_row(&self) -> String {
        every_row(&self.app.db).await
    }

    /// The letters sent so far to this address.
    pub fn letters_to(&self, email: &str) -> Vec<Letter> {
        self.app.mail.letters().into_iter().filter(|letter| letter.to == email).collect()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}

/// Whether it is the turn of S3: `TEST_STORAGE=s3`. Anything else is a slip and no wish for the folder.
fn in_s3() -> bool {
    match std::env::var("TEST_STORAGE").unwrap_or_default().as_str() {
        "s3" => true,
        "" | "folder" => false,
        other => panic!("TEST_STORAGE is s3 or folder, not {other}"),
    }
}

/// Every row of every table of a database, in words.
pub async fn every_row(db: &cuehouse::db::Db) -> String {
    let mut text = String::new();
    for table in db.read(cuehouse::db::tables::tables).await.unwrap() {
        let rows = db.read(move |conn| {
            let mut lines = String::new();
            table.each(conn, |row| {
                lines += &format!("{row:?}\n");
                Ok(())
            })?;
            Ok(lines)
        });
        text += &rows.await.unwrap();
    }
    text
}

/// Whose address is which.
pub fn email_of(name: &str) -> String {
    format!("{}@example.com", name.to_lowercase().replace(' ', "."))
}

/// A port that nobody listens on, and that nobody is given while a shop of a test is down for a moment: below those
/// that a kernel hands out by itself, and never the same twice in one run.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 22_000;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Two runs at once begin elsewhere.
    let begin = std::process::id().wrapping_mul(7919) % PORTS;
    loop {
        let n = ASKED.fetch_add(1, Ordering::Relaxed);
        assert!(n < PORTS, "no free port");
        let port = (FIRST + (begin + n) % PORTS) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
