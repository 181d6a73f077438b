//! A search with everything the page shows of it (the best 24, the count, the counts of seven filters) against SQLite's
//! FTS5 on the same rows, at a hundred thousand and at a million tracks, in interleaved rounds.
//!
//! `cargo bench --bench search` (`-- 100000` for one size; `alone` leaves FTS5 out; `keep FOLDER` keeps what was filled
//! there for the next time; a million needs 4 GB of disk for a while)

mod common;
#[path = "common/shelf.rs"]
mod shelf;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{cpu, median, quantile, table};
use cuehouse::catalogue::lists;
use cuehouse::db::{Db, DbUrl};
use cuehouse::ids::TrackId;
use cuehouse::search::{Index, Likeness, Query, View, Way};
use diesel::connection::{Connection, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use shelf::{Chance, Question, fill, questions};

const ROUNDS: usize = 5;
/// Questions of a round that both are asked: few enough that the slower one ends today.
const ASKED: usize = 80;
/// Ours is asked this many times more, all of them different, so that its processor time can be read.
const MORE: usize = 5;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let said: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let alone = words.iter().any(|word| word == "alone");
    let keep = words.iter().position(|word| word == "keep").and_then(|at| words.get(at + 1));
    let sizes = if said.is_empty() { vec![100_000, 1_000_000] } else { said };
    let mut rows = vec![];
    for size in sizes {
        let folder = Folder::new(size, keep.map(Path::new));
        measure(&folder.path, size, alone, &mut rows);
    }
    println!("\ntop 24 + count + 7 filters; {ROUNDS} interleaved rounds, no question asked twice\n");
    table(&["tracks", "who", "p50 ms", "p99 ms", "CPU ms a call", "CPU ratio"], &rows);
}

struct Folder {
    path: PathBuf,
    stays: bool,
}

impl Folder {
    fn new(size: usize, keep: Option<&Path>) -> Folder {
        let name = format!("cuehouse-search-{}-{size}", std::process::id());
        let path = keep.map_or_else(|| std::env::temp_dir().join(name), |keep| keep.join(size.to_string()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder { path, stays: keep.is_some() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.stays {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn measure(folder: &Path, size: usize, alone: bool, rows: &mut Vec<Vec<String>>) {
    let path = folder.join("shop.db");
    let begun = Instant::now();
    let whole = folder.join("whole");
    let db = match whole.exists() {
        true => Db::open(&DbUrl::Sqlite(path.clone())).expect("a database"),
        false => {
            let _ = std::fs::remove_file(Fts::mark(&path));
            fill(&path, size)
        }
    };
    std::fs::write(whole, "").expect("a mark");
    println!("{size} tracks written in {:.0} s", begun.elapsed().as_secs_f64());
    let mut fts = (!alone).then(|| Fts::over(&path));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let begun = Instant::now();
    let index = runtime.block_on(async {
        let index = Index::open(&folder.join("search"), &db).await.expect("an index");
        index.caught_up().await.expect("a follower");
        // The follower rests while others are measured.
        index.stop().await;
        index
    });
    let megabytes = size_of(&folder.join("search")) as f64 / 1e6;
    println!("index opened in {:.1} s, {megabytes:.0} MB", begun.elapsed().as_secs_f64());
    let view = index.view();
    assert_eq!(view.count(), size as u64);
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    for round in questions(ASKED * MORE * ROUNDS).chunks(ASKED * MORE) {
        let used = cpu();
        for question in round {
            let query = Query::parse(&question.address());
            ours.time(|| view.find(&query, Way::Cheaper).expect("an answer").total);
        }
        ours.cpu.push((cpu() - used).as_secs_f64() * 1e3 / round.len() as f64);
        let Some(fts) = &mut fts else { continue };
        let used = cpu();
        for question in &round[..ASKED] {
            theirs.time(|| fts.find(question) as u64);
        }
        theirs.cpu.push((cpu() - used).as_secs_f64() * 1e3 / ASKED as f64);
    }
    println!("hits: p50 {:.0}, p90 {:.0}", median(ours.hits.clone()), quantile(ours.hits.clone(), 0.9));
    if alone {
        rows.push(ours.row(size, "Cuehouse", String::new()));
    } else {
        println!(
            "FTS5: p50 {:.0}, p90 {:.0}",
            median(theirs.hits.clone()),
            quantile(theirs.hits.clone(), 0.9)
        );
        let ratio = median(ours.cpu.clone()) / median(theirs.cpu.clone());
        rows.push(ours.row(size, "Cuehouse", format!("{ratio:.3} ×")));
        rows.push(theirs.row(size, "FTS5", String::new()));
    }
    rows.push(asked(&view, size, "everything, every order", everything()));
    rows.push(asked(&view, size, "two letters typed", beginnings()));
    rows.push(asked(&view, size, "two letters and a filter", filtered(beginnings())));
    rows.push(like(&view, size));
}

/// The pages of visitors who ask for no words yet.
fn everything() -> Vec<String> {
    let sorts = ["new", "licensed", "kept", "shortest", "longest"];
    sorts.iter().flat_map(|sort| (1..=20).map(move |page| format!("sort={sort}&page={page}"))).collect()
}

/// Words that have only been begun.
fn beginnings() -> Vec<String> {
    let starts = "ka lo mi ru sa te vo ni pe da fu go ha je wi ze br st cl dr";
    starts.split(' ').map(|start| format!("q={start}")).collect()
}

fn filtered(asked: Vec<String>) -> Vec<String> {
    let filters =
        ["kind=loop", "bpm_min=80&bpm_max=110", "mood=calm&mood=dark", "duration_max=30&vocals=none"];
    asked.iter().flat_map(|asked| filters.map(|filter| format!("{asked}&{filter}"))).collect()
}

/// Each of these once.
fn asked(view: &View, size: usize, what: &str, addresses: Vec<String>) -> Vec<String> {
    let mut figures = Figures::default();
    let used = cpu();
    for address in &addresses {
        let query = Query::parse(address);
        figures.time(|| view.find(&query, Way::Cheaper).expect("an answer").total);
    }
    figures.cpu.push((cpu() - used).as_secs_f64() * 1e3 / addresses.len() as f64);
    figures.row(size, &format!("Cuehouse, {what}"), String::new())
}

/// What is like tracks that are not there.
fn like(view: &View, size: usize) -> Vec<String> {
    let mut chance = Chance::new(5);
    let mut figures = Figures::default();
    let used = cpu();
    for _ in 0..100 {
        let mut some = |from: &[lists::Word]| -> Vec<String> {
            (0..2).map(|_| from[chance.rank(from.len())].slug.to_owned()).collect()
        };
        let of = Likeness {
            id: TrackId::new(),
            kind: "music".into(),
            genre: some(lists::GENRES).pop(),
            moods: some(lists::MOODS),
            instruments: some(lists::INSTRUMENTS),
            bpm: Some(92.0),
            key: Some("am".into()),
        };
        figures.time(|| view.similar(&of).len() as u64);
    }
    figures.cpu.push((cpu() - used).as_secs_f64() * 1e3 / 100.0);
    figures.row(size, "Cuehouse, what is like a track", String::new())
}

#[derive(Default)]
struct Figures {
    calls: Vec<Duration>,
    cpu: Vec<f64>,
    hits: Vec<f64>,
}

impl Figures {
    fn time(&mut self, ask: impl FnOnce() -> u64) {
        let begun = Instant::now();
        let hits = ask();
        self.calls.push(begun.elapsed());
        self.hits.push(hits as f64);
    }

    fn row(&self, size: usize, who: &str, ratio: String) -> Vec<String> {
        let millis: Vec<f64> = self.calls.iter().map(|call| call.as_secs_f64() * 1e3).collect();
        vec![
            size.to_string(),
            who.to_owned(),
            format!("{:.2}", median(millis.clone())),
            format!("{:.1}", quantile(millis, 0.99)),
            format!("{:.2}", median(self.cpu.clone())),
            ratio,
        ]
    }
}

fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The same search with what SQLite brings along: a table of words, a table of facts, and a list of facets by number.
struct Fts {
    conn: SqliteConnection,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
#[allow(dead_code)]
struct Counted {
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Fts {
    /// Stands beside tables that were filled to their end.
    fn mark(shop: &Path) -> PathBuf {
        shop.with_file_name("fts-whole")
    }

    fn over(shop: &Path) -> Fts {
        let mark = Fts::mark(shop);
        if !mark.exists() {
            for name in ["fts.db", "fts.db-wal", "fts.db-shm"] {
                let _ = std::fs::remove_file(shop.with_file_name(name));
            }
        }
        let path = shop.with_file_name("fts.db");
        let mut conn = SqliteConnection::establish(&path.to_string_lossy()).expect("a connection");
        conn.batch_execute(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA temp_store=MEMORY; \
             PRAGMA mmap_size=4294967296; ATTACH '{}' AS shop;",
            shop.display()
        ))
        .expect("the rows of the shop");
        if !mark.exists() {
            Fts::fill(&mut conn);
            std::fs::write(mark, "").expect("a mark");
        }
        Fts { conn }
    }

    fn fill(conn: &mut SqliteConnection) {
        let begun = Instant::now();
        conn.batch_execute(
            "CREATE TABLE facts (doc INTEGER PRIMARY KEY, genre TEXT, bpm REAL); \
             INSERT INTO facts SELECT rowid, genre, bpm FROM shop.tracks; \
             CREATE VIRTUAL TABLE words USING fts5 (title, tags, uploader, description, content=''); \
             INSERT INTO words (rowid, title, tags, uploader, description) \
             SELECT rowid, title, tags, 'Ines Morrow', \
             description || ' ' || coalesce(genre, '') || ' ' || moods || ' ' || instruments FROM shop.tracks; \
             INSERT INTO words (words) VALUES ('optimize'); \
             CREATE TABLE facets (field INTEGER, doc INTEGER, value TEXT, PRIMARY KEY (field, doc, value)) WITHOUT ROWID;",
        )
        .expect("the tables of FTS5");
        for (field, column) in
            ["kind", "genre", "moods", "instruments", "vocals", "musical_key"].into_iter().enumerate()
        {
            conn.batch_execute(&format!(
                "INSERT OR IGNORE INTO facets WITH RECURSIVE parts (doc, value, rest) AS ( \
                 SELECT rowid, '', {column} || ',' FROM shop.tracks WHERE {column} IS NOT NULL AND {column} <> '' \
                 UNION ALL SELECT doc, substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1) \
                 FROM parts WHERE rest <> '') \
                 SELECT {field}, doc, value FROM parts WHERE value <> ''"
            ))
            .expect("facets");
        }
        conn.batch_execute(
            "INSERT OR IGNORE INTO facets SELECT 6, t.rowid, o.tier FROM shop.offers o JOIN shop.tracks t ON t.id = o.track_id; \
             ANALYZE;",
        )
        .expect("tiers");
        println!("FTS5 filled in {:.0} s", begun.elapsed().as_secs_f64());
    }

    /// Answers how many there are.
    fn find(&mut self, question: &Question) -> i64 {
        // The last word may be unfinished, on both sides.
        let last = question.words.len() - 1;
        let words: Vec<String> = question
            .words
            .iter()
            .enumerate()
            .map(|(n, word)| format!("\"{word}\"{}", if n == last { "*" } else { "" }))
            .collect();
        let conn = &mut self.conn;
        conn.batch_execute(
            "CREATE TEMP TABLE IF NOT EXISTS met (doc INTEGER PRIMARY KEY, score REAL, genre TEXT); DELETE FROM met;",
        )
        .expect("a table of hits");
        let (from, to) = question.tempo.unwrap_or((0, 100_000));
        // Everything but the genre, so that the counts beside genres are those one gets by choosing another.
        diesel::sql_query(
            "INSERT INTO met SELECT words.rowid, bm25(words, 3.0, 2.0, 2.0, 1.0), facts.genre FROM words \
             JOIN facts ON facts.doc = words.rowid WHERE words MATCH ? AND (? = 0 OR facts.bpm BETWEEN ? AND ?)",
        )
        .bind::<Text, _>(words.join(" "))
        .bind::<Integer, _>(i32::from(question.tempo.is_some()))
        .bind::<Integer, _>(from as i32)
        .bind::<Integer, _>(to as i32)
        .execute(conn)
        .expect("hits");
        let genre = question.genre.unwrap_or_default();
        let count: Count = diesel::sql_query("SELECT count(*) AS n FROM met WHERE ? = '' OR genre = ?")
            .bind::<Text, _>(genre)
            .bind::<Text, _>(genre)
            .get_result(conn)
            .expect("a count");
        let _best: Vec<Count> = diesel::sql_query(
            "SELECT doc AS n FROM met WHERE ? = '' OR genre = ? ORDER BY score, doc DESC LIMIT 24",
        )
        .bind::<Text, _>(genre)
        .bind::<Text, _>(genre)
        .load(conn)
        .expect("the best");
        for field in 0..7 {
            let chosen = if field == 1 { "" } else { genre };
            let _counts: Vec<Counted> = diesel::sql_query(
                "SELECT facets.value AS value, count(*) AS n FROM met JOIN facets ON facets.field = ? AND facets.doc = met.doc \
                 WHERE ? = '' OR met.genre = ? GROUP BY facets.value",
            )
            .bind::<Integer, _>(field)
            .bind::<Text, _>(chosen)
            .bind::<Text, _>(chosen)
            .load(conn)
            .expect("counts");
        }
        count.n
    }
}
