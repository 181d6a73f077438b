//! Whether people who sign in slow down those who look: how long the front page and the search page take while nobody
//! signs in, and while as many sign in, with right and wrong passwords, as the hashing pool takes and a few more. Over
//! real connections, in interleaved rounds. Pages should stay within twice their 99th percentile.
//!
//! `cargo bench --bench logins`

mod common;
#[path = "common/shelf.rs"]
mod shelf;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{cpu, quantile, table};
use cuehouse::accounts::user::User;
use cuehouse::clock::Timestamp;
use cuehouse::{App, Config};
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};

const TRACKS: usize = 2_000;
const ROUNDS: usize = 7;
const REQUESTS: usize = 200;
/// Who signs in at once: more than the pool's queue holds, so that it is never idle and turns some away.
const PEOPLE: usize = 36;
const PASSWORD: &str = "copper weather 9";
const PAGES: [(&str, &str); 2] = [("front", "/"), ("search", "/search?q=ka&sort=best")];

/// What became of the attempts to sign in.
#[derive(Default)]
struct Logins {
    right: AtomicU64,
    wrong: AtomicU64,
    turned_away: AtomicU64,
    stop: AtomicBool,
}

fn main() {
    let folder = std::env::temp_dir().join(format!("cuehouse-logins-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    drop(shelf::fill(&folder.join("cuehouse.db"), TRACKS));
    let server = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (site, shutdown) = server.block_on(serve(&folder));
    // Those who look have a thread of their own, so that their clock does not wait behind the server's work.
    let looking = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http = looking.block_on(async {
        // Between the rounds nobody hears a connection being closed.
        Client::builder().pool_idle_timeout(Duration::from_secs(1)).build().expect("a browser")
    });
    let mut quiet: Vec<Vec<f64>> = vec![vec![]; PAGES.len()];
    let mut busy = quiet.clone();
    let logins = Arc::new(Logins::default());
    let mut under_load = Duration::ZERO;
    // Of this process, those who look and sign in among it.
    let (mut looked, mut used_quiet, mut used_busy) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let (since, used) = (Instant::now(), cpu());
        looking.block_on(look(&http, &site, &mut quiet));
        looked += since.elapsed();
        used_quiet += cpu() - used;
        logins.stop.store(false, Ordering::Relaxed);
        let (since, used) = (Instant::now(), cpu());
        let people: Vec<_> = (0..PEOPLE)
            .map(|n| server.spawn(sign_in_for_ever(site.clone(), n, Arc::clone(&logins))))
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        looking.block_on(look(&http, &site, &mut busy));
        logins.stop.store(true, Ordering::Relaxed);
        under_load += since.elapsed();
        used_busy += cpu() - used;
        for one in people {
            server.block_on(one).expect("somebody who signs in");
        }
    }
    shutdown.notify();
    let rows: Vec<Vec<String>> = PAGES
        .iter()
        .zip(quiet.iter().zip(&busy))
        .map(|((name, _), (quiet, busy))| {
            let of = |all: &Vec<f64>, part: f64| quantile(all.clone(), part);
            vec![
                (*name).to_owned(),
                format!("{:.1}", of(quiet, 0.5)),
                format!("{:.1}", of(quiet, 0.99)),
                format!("{:.1}", of(busy, 0.5)),
                format!("{:.1}", of(busy, 0.99)),
                format!("{:.2} ×", of(busy, 0.99) / of(quiet, 0.99)),
            ]
        })
        .collect();
    let a_second = |n: &AtomicU64| n.load(Ordering::Relaxed) as f64 / under_load.as_secs_f64();
    println!(
        "\n{REQUESTS} requests a round, {ROUNDS} interleaved rounds, {PEOPLE} people signing in; milliseconds\n"
    );
    table(&["page", "quiet p50", "quiet p99", "logins p50", "logins p99", "p99 (aim 2 ×)"], &rows);
    println!(
        "\n{:.1} logins a second ({:.1} right, {:.1} wrong); {:.1} turned away, to come back in a moment",
        a_second(&logins.right) + a_second(&logins.wrong),
        a_second(&logins.right),
        a_second(&logins.wrong),
        a_second(&logins.turned_away),
    );
    let share = |used: Duration, of: Duration| used.as_secs_f64() * 1e3 / of.as_secs_f64();
    println!(
        "processor time, of those who ask too: {:.0} ms a second while it is quiet, {:.0} ms with logins",
        share(used_quiet, looked),
        share(used_busy, under_load),
    );
    let _ = std::fs::remove_dir_all(&folder);
}

/// A shop with somebody who can sign in, on a free port.
async fn serve(folder: &Path) -> (String, rocket::Shutdown) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let env = [
        ("CUEHOUSE_DATA_DIR", folder.display().to_string()),
        ("CUEHOUSE_PORT", free.port().to_string()),
        ("CUEHOUSE_MAIL_URL", "memory:".to_owned()),
        ("CUEHOUSE_DEMO", "off".to_owned()),
        // What slows a guesser down is not what is measured.
        ("CUEHOUSE_LIMITS_SIGN_IN_ATTEMPTS", "1000000".to_owned()),
    ];
    let env: BTreeMap<String, String> =
        env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let config = Config::read(None, &env).expect("settings");
    let app = App::open(config, Some("http://127.0.0.1:1")).await.expect("an application");
    app.index.caught_up().await.expect("an index");
    let hash = app.hashing.hash(PASSWORD).await.expect("a hash");
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let user = User::new(conn, "ada@example.com", "Ada Field", &hash, now)?;
            user.insert(conn)?;
            user.confirm(conn, now)
        })
        .await
        .expect("an account");
    let rocket = cuehouse::rocket(app).ignite().await.expect("a server");
    let shutdown = rocket.shutdown();
    tokio::spawn(rocket.launch());
    let site = format!("http://127.0.0.1:{}", free.port());
    while Client::new().get(format!("{site}/healthz")).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (site, shutdown)
}

/// Looks at the pages in turn, and notes how many milliseconds each took.
async fn look(http: &Client, site: &str, took: &mut [Vec<f64>]) {
    for _ in 0..REQUESTS {
        for (took, (_, path)) in took.iter_mut().zip(PAGES) {
            let since = Instant::now();
            let answer = http.get(format!("{site}{path}")).send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{path}");
            let bytes = answer.bytes().await.expect("a page");
            took.push(since.elapsed().as_secs_f64() * 1e3);
            assert!(bytes.len() > 1000);
        }
    }
}

/// Signs in again and again, every other time with a wrong password, until told to stop.
async fn sign_in_for_ever(site: String, nth: usize, logins: Arc<Logins>) {
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a browser");
    let page = http.get(format!("{site}/sign-in")).send().await.expect("the form");
    let cookie = page.headers().get(SET_COOKIE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let page = page.text().await.expect("a page");
    let token = page.split("name=\"csrf-token\" content=\"").nth(1).and_then(|rest| rest.split('"').next());
    let token = token.expect("a token").to_owned();
    let mut n = nth;
    while !logins.stop.load(Ordering::Relaxed) {
        n += 1;
        let password = if n.is_multiple_of(2) { PASSWORD } else { "another weather 9" };
        let fields = [("csrf", token.as_str()), ("email", "ada@example.com"), ("password", password)];
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let asked = http
            .post(format!("{site}/sign-in"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, &cookie)
            .body(body);
        match asked.send().await.expect("an answer").status().as_u16() {
            303 => logins.right.fetch_add(1, Ordering::Relaxed),
            422 => logins.wrong.fetch_add(1, Ordering::Relaxed),
            503 => {
                // As the answer asks.
                tokio::time::sleep(Duration::from_secs(1)).await;
                logins.turned_away.fetch_add(1, Ordering::Relaxed)
            }
            other => panic!("signing in answers {other}"),
        };
    }
}
