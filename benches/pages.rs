//! What a page costs: the front page, the search page and a track's page, in a small shop and in a large one, against a
//! bare Rocket that renders the same template from values in memory. Processor and wall time; the session is nobody's. Each is
//! asked for again and again, as pages are that many open, and anew each time (the window is emptied before), where what its
//! search costs is taken off.
//!
//! `cargo bench --bench pages` (`-- 36` for one size)

mod common;
#[path = "common/shelf.rs"]
mod shelf;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use common::{cpu, median, table};
use cuehouse::catalogue::pages::{HomePage, Reasoned, TrackPage};
use cuehouse::catalogue::row::TrackRow;
use cuehouse::catalogue::sheet::Sheet;
use cuehouse::catalogue::{favourite, track::Track};
use cuehouse::ids::Slug;
use cuehouse::search::page::SearchPage;
use cuehouse::search::{Likeness, Query, Results};
use cuehouse::web::page::Frame;
use cuehouse::web::{Templates, View};
use cuehouse::{App, Config};
use rocket::local::asynchronous::Client;
use rocket::response::content::RawHtml;
use rocket::{State, get, routes};

const ROUNDS: usize = 7;
const REQUESTS: usize = 400;
const ASKED: &str = "q=ka&sort=best";

/// What the bare Rocket renders, from memory.
struct Bare {
    templates: Templates,
    frame: Frame,
    home: HomePage,
    search: SearchPage,
    track: TrackPage,
}

impl Bare {
    fn page<V: View>(&self, view: &V) -> RawHtml<String> {
        RawHtml(self.templates.page(V::TEMPLATE, view, &self.frame).expect("a page"))
    }
}

#[get("/home")]
fn home(bare: &State<Arc<Bare>>) -> RawHtml<String> {
    bare.page(&bare.home)
}

#[get("/search")]
fn search(bare: &State<Arc<Bare>>) -> RawHtml<String> {
    bare.page(&bare.search)
}

#[get("/track")]
fn track(bare: &State<Arc<Bare>>) -> RawHtml<String> {
    bare.page(&bare.track)
}

fn main() {
    let said: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if said.is_empty() { vec![36, 1_000_000] } else { said };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut rows = vec![];
    for size in sizes {
        let folder = std::env::temp_dir().join(format!("cuehouse-pages-{}-{size}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        drop(shelf::fill(&folder.join("cuehouse.db"), size));
        runtime.block_on(measure(&folder, size, &mut rows));
        let _ = std::fs::remove_dir_all(&folder);
    }
    println!(
        "\n{REQUESTS} requests a round, median of {ROUNDS} interleaved rounds; µs of processor time / of wall time\n"
    );
    table(
        &["tracks", "page", "again", "anew", "its search", "bare Rocket", "again", "anew beyond search"],
        &rows,
    );
}

async fn measure(folder: &std::path::Path, size: usize, rows: &mut Vec<Vec<String>>) {
    let env = BTreeMap::from([
        ("CUEHOUSE_DATA_DIR".to_owned(), folder.display().to_string()),
        ("CUEHOUSE_MAIL_URL".to_owned(), "memory:".to_owned()),
        ("CUEHOUSE_DEMO".to_owned(), "off".to_owned()),
    ]);
    let config = Config::read(None, &env).expect("settings");
    let app = App::open(config, Some("http://127.0.0.1:1")).await.expect("an application");
    app.index.caught_up().await.expect("an index");
    // The follower rests while pages are measured.
    app.index.stop().await;
    assert_eq!(app.index.count(), size as u64);
    let bare = Arc::new(from_memory(&app).await);
    let figment = rocket::Config {
        log_level: rocket::config::LogLevel::Off,
        // It signs nothing here, but Rocket wants one.
        secret_key: rocket::config::SecretKey::derive_from(&[7; 64]),
        ..rocket::Config::release_default()
    };
    let plain = rocket::custom(figment).manage(Arc::clone(&bare)).mount("/", routes![home, search, track]);
    let plain = Client::untracked(plain).await.expect("a bare Rocket");
    let shop = Client::untracked(cuehouse::rocket(app.clone())).await.expect("the shop");
    let query = Query::parse(ASKED);
    let likeness = likeness(&app).await;
    let path = "/tracks/track-7";
    for (name, ours, theirs) in [
        ("front", "/".to_owned(), "/home"),
        ("search", format!("/search?{ASKED}"), "/search"),
        ("track", path.to_owned(), "/track"),
    ] {
        let (mut hot, mut whole, mut found, mut memory) = (vec![], vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            hot.push(requests(&shop, &ours, || {}).await);
            // Made from the index and the rows each time.
            whole.push(requests(&shop, &ours, || app.window.clear()).await);
            memory.push(requests(&plain, theirs, || {}).await);
            found.push(
                each(async |_| match name {
                    "front" => drop(app.index.front().await.expect("a front")),
                    "search" => drop(app.index.page(&query).await.expect("an answer")),
                    _ => drop(app.index.view().similar(&likeness)),
                })
                .await,
            );
        }
        let [hot, whole, found, memory] = [hot, whole, found, memory].map(middle);
        rows.push(vec![
            size.to_string(),
            name.to_owned(),
            hot.shown(),
            whole.shown(),
            found.shown(),
            memory.shown(),
            format!("{:.2} ×", hot.cpu / memory.cpu),
            format!("{:.2} ×", (whole.cpu - found.cpu) / memory.cpu),
        ]);
    }
}

/// Microseconds of one.
struct Cost {
    cpu: f64,
    wall: f64,
}

impl Cost {
    fn shown(&self) -> String {
        format!("{:.0} / {:.0}", self.cpu, self.wall)
    }
}

/// The middle of each of the two.
fn middle(all: Vec<Cost>) -> Cost {
    let of = |part: fn(&Cost) -> f64| median(all.iter().map(part).collect());
    Cost { cpu: of(|cost| cost.cpu), wall: of(|cost| cost.wall) }
}

async fn each(mut one: impl AsyncFnMut(usize)) -> Cost {
    let (used, began) = (cpu(), Instant::now());
    for n in 0..REQUESTS {
        one(n).await;
    }
    let of_one = |all: std::time::Duration| all.as_secs_f64() * 1e6 / REQUESTS as f64;
    Cost { cpu: of_one(cpu() - used), wall: of_one(began.elapsed()) }
}

async fn requests(client: &Client, path: &str, before: impl Fn()) -> Cost {
    each(async |_| {
        before();
        let answer = client.get(path).dispatch().await;
        assert_eq!(answer.status().code, 200, "{path}");
        let bytes = answer.into_bytes().await.unwrap_or_default();
        assert!(bytes.len() > 1000);
    })
    .await
}

async fn likeness(app: &App) -> Likeness {
    let slug = Slug::parse("track-7").expect("a slug");
    let listed = app.db.read(move |conn| Track::live(conn, &slug)).await.expect("a track");
    Likeness::from(&listed.track)
}

/// The very values that the pages of the shop are rendered from.
async fn from_memory(app: &App) -> Bare {
    let front = app.index.front().await.expect("a front");
    let ids = HomePage::wants(&front).cloned().collect::<Vec<_>>();
    let rows = app.db.read(move |conn| favourite::rows(conn, &ids, None)).await.expect("rows");
    let home = HomePage::of(&front, &rows, false, &app.config);
    let query = Query::parse(ASKED);
    let found = app.index.page(&query).await.expect("an answer");
    let ids = found.ids.clone();
    let rows = app.db.read(move |conn| favourite::rows(conn, &ids, None)).await.expect("rows");
    let tiers = app.db.read(cuehouse::sales::table::names).await.expect("tiers");
    let last = found.total.div_ceil(24).clamp(1, 200);
    let search = SearchPage::of(Results { query: &query, found: &found, rows, tiers, last, building: false });
    let slug = Slug::parse("track-7").expect("a slug");
    let read = app.db.read(move |conn| {
        let sheet = Sheet::open(conn, &slug, None)?;
        let stands = cuehouse::sales::table::of_track(conn, &sheet.listed.track.id, "usd", None, None)?;
        Ok((sheet, stands))
    });
    let (sheet, stands) = read.await.expect("a track");
    let found = app.index.view().similar(&Likeness::from(&sheet.listed.track));
    let ids = found.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    let rows = app.db.read(move |conn| favourite::rows(conn, &ids, None)).await.expect("rows");
    let similar = rows
        .iter()
        .zip(&found)
        .map(|((listed, kept), (_, why))| Reasoned { row: TrackRow::new(listed, *kept), why: why.clone() })
        .collect();
    let track = TrackPage::of(sheet, stands, similar, None, &app.config);
    let frame = Frame {
        site_name: app.config.site_name.clone(),
        site_url: app.config.site_url.clone(),
        currency: app.config.currency.clone(),
        csrf: "x".repeat(86),
        path: "/".into(),
        ..Frame::default()
    };
    Bare { templates: app.templates.clone(), frame, home, search, track }
}
