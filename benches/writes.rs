//! Durable writes: 64 producers at one SQLite file, through the house's one writer and through pools of writers.
//!
//! `cargo bench --bench writes`

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{cpu, median, quantile, table};
use cuehouse::clock::Timestamp;
use cuehouse::db::schema::marks;
use cuehouse::db::{Db, DbUrl};
use cuehouse::each_db;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

const PRODUCERS: usize = 64;
/// Connections of the pools it is held against: one for each producer, as a pool without a bound makes them, and so few
/// that most producers wait for one instead of for the lock of the file.
const POOLS: [usize; 2] = [PRODUCERS, 8];
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);

/// One round: commits a second, their waits in milliseconds, processor microseconds a commit.
struct Round {
    rate: f64,
    waits: Vec<f64>,
    cpu_us: f64,
}

fn main() {
    let folder = std::env::temp_dir().join(format!("cuehouse-writes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let db = Db::open(&DbUrl::Sqlite(folder.join("one.db"))).expect("a database");
    drop(Db::open(&DbUrl::Sqlite(folder.join("pool.db"))).expect("a database"));
    let (mut ours, mut theirs) = (vec![], POOLS.map(|_| vec![]));
    for _ in 0..ROUNDS {
        ours.push(runtime.block_on(one_writer(&db)));
        for (connections, rounds) in POOLS.iter().zip(&mut theirs) {
            rounds.push(pool_of_writers(&folder.join("pool.db"), *connections));
        }
    }
    let row = |name: &str, rounds: &[Round]| {
        let of = |f: &dyn Fn(&Round) -> f64| median(rounds.iter().map(f).collect());
        vec![
            name.to_owned(),
            format!("{:.0}", of(&|r| r.rate)),
            format!("{:.2}", of(&|r| quantile(r.waits.clone(), 0.5))),
            format!("{:.1}", of(&|r| quantile(r.waits.clone(), 0.99))),
            format!("{:.1}", of(&|r| r.cpu_us)),
        ]
    };
    println!(
        "{PRODUCERS} producers, one small row a commit, synchronous=FULL; median of {ROUNDS} interleaved rounds\n"
    );
    let name = |connections: usize| format!("a pool of {connections} writers");
    let pools = POOLS.iter().zip(&theirs).map(|(connections, rounds)| row(&name(*connections), rounds));
    let rows: Vec<_> = std::iter::once(row("one writer, commits shared", &ours)).chain(pools).collect();
    table(&["writes", "commits/s", "p50 ms", "p99 ms", "CPU µs each"], &rows);
    let rate = |rounds: &[Round]| median(rounds.iter().map(|r| r.rate).collect());
    println!();
    for (connections, rounds) in POOLS.iter().zip(&theirs) {
        println!("{:.0} × {}", rate(&ours) / rate(rounds), name(*connections));
    }
    let _ = std::fs::remove_dir_all(folder);
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

fn name() -> String {
    format!("mark-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

async fn one_writer(db: &Db) -> Round {
    let (start, used) = (Instant::now(), cpu());
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut waits = vec![];
                while start.elapsed() < ROUND {
                    let (name, at) = (name(), Instant::now());
                    db.write(move |conn| {
                        let row = (marks::name.eq(&name), marks::value.eq("x"), marks::at.eq(Timestamp(1).0));
                        // Through Diesel's own connection, as the pools do.
                        each_db!(conn, |c| diesel::insert_into(marks::table).values(row).execute(c))?;
                        Ok(())
                    })
                    .await
                    .expect("a write");
                    waits.push(at.elapsed().as_secs_f64() * 1e3);
                }
                waits
            })
        })
        .collect();
    let mut waits = vec![];
    for producer in producers {
        waits.extend(producer.await.expect("a producer"));
    }
    round(waits, start, used)
}

fn pool_of_writers(path: &Path, connections: usize) -> Round {
    let path = path.display().to_string();
    let pool = Arc::new(std::sync::Mutex::new(
        (0..connections)
            .map(|_| {
                let mut conn = SqliteConnection::establish(&path).expect("a connection");
                conn.batch_execute(
                    "PRAGMA busy_timeout=20000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                )
                .expect("pragmas");
                conn
            })
            .collect::<Vec<_>>(),
    ));
    let freed = Arc::new(std::sync::Condvar::new());
    let (start, used) = (Instant::now(), cpu());
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|_| {
            let (pool, freed) = (Arc::clone(&pool), Arc::clone(&freed));
            std::thread::spawn(move || {
                let mut waits = vec![];
                while start.elapsed() < ROUND {
                    let at = Instant::now();
                    let mut free = pool.lock().expect("a pool");
                    let mut conn = loop {
                        if let Some(conn) = free.pop() {
                            break conn;
                        }
                        free = freed.wait(free).expect("a pool");
                    };
                    drop(free);
                    conn.immediate_transaction(|conn| {
                        let row = (marks::name.eq(name()), marks::value.eq("x"), marks::at.eq(1));
                        diesel::insert_into(marks::table).values(row).execute(conn)
                    })
                    .expect("a write");
                    pool.lock().expect("a pool").push(conn);
                    freed.notify_one();
                    waits.push(at.elapsed().as_secs_f64() * 1e3);
                }
                waits
            })
        })
        .collect();
    let waits = producers.into_iter().flat_map(|p| p.join().expect("a producer")).collect();
    round(waits, start, used)
}

fn round(waits: Vec<f64>, start: Instant, used: Duration) -> Round {
    let count = waits.len() as f64;
    Round {
        rate: count / start.elapsed().as_secs_f64(),
        cpu_us: (cpu() - used).as_secs_f64() * 1e6 / count,
        waits,
    }
}
