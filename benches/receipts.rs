//! Receipts: how long a proof takes to build and to check in a log of a million leaves, and how many choices a second are
//! recorded.
//!
//! `cargo bench --bench receipts`

mod common;

use std::time::{Duration, Instant};

use common::{median, quantile, table};
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::log;
use cuehouse::consent::log::merkle::{self, Growing};
use cuehouse::consent::receipt::{
    Action, AgeBand, Answer, Item, LIMIT_NOTE, Notice, Profile, Receipt, Salt, Signals,
};
use cuehouse::db::schema::{consent_log, consent_nodes};
use cuehouse::db::{Db, DbUrl};
use cuehouse::each_db;
use cuehouse::ids::ReceiptId;
use diesel::prelude::*;

const LEAVES: u64 = 1_000_000;
const BITE: u64 = 2_000;
const ASKED: u64 = 2_000;
const PRODUCERS: usize = 64;
const ROUND: Duration = Duration::from_secs(5);
const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn main() {
    let folder = std::env::temp_dir().join(format!("cuehouse-receipts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let db = Db::open(&DbUrl::Sqlite(folder.join("log.db"))).expect("a database");
    runtime.block_on(async {
        let began = Instant::now();
        fill(&db).await;
        println!("{LEAVES} leaves were put in within {:.0} s\n", began.elapsed().as_secs_f64());
        proofs(&db).await;
        appends(&db).await;
    });
    let _ = std::fs::remove_dir_all(folder);
}

/// Leaves and nodes as `append` would have left them.
async fn fill(db: &Db) {
    let (mut tree, mut chain) = (Growing::default(), [0; 32]);
    while tree.size() < LEAVES {
        let (mut leaves, mut nodes) = (vec![], vec![]);
        for _ in 0..BITE.min(LEAVES - tree.size()) {
            let hash = merkle::leaf(&tree.size().to_be_bytes());
            chain = merkle::link(&chain, &hash);
            nodes.extend(
                tree.add(hash).into_iter().map(|(place, hash)| (place.number() as i64, hex::encode(hash))),
            );
            leaves.push((tree.size() as i64, hex::encode(hash), hex::encode(chain)));
        }
        db.write(move |conn| {
            let rows: Vec<_> = leaves
                .iter()
                .map(|(seq, leaf, chain)| {
                    (
                        consent_log::seq.eq(*seq),
                        consent_log::leaf.eq(leaf),
                        consent_log::chain.eq(chain),
                        consent_log::kind.eq("refuse"),
                        consent_log::day.eq("2026-11-18"),
                    )
                })
                .collect();
            each_db!(conn, |c| diesel::insert_into(consent_log::table).values(&rows).execute(c))?;
            let rows: Vec<_> = nodes
                .iter()
                .map(|(place, hash)| (consent_nodes::place.eq(*place), consent_nodes::hash.eq(hash)))
                .collect();
            each_db!(conn, |c| diesel::insert_into(consent_nodes::table).values(&rows).execute(c))?;
            Ok(())
        })
        .await
        .expect("a bite");
    }
}

async fn proofs(db: &Db) {
    let root = db.read(|conn| log::root(conn, LEAVES)).await.expect("a root");
    let (mut built, mut checked, mut grown) = (vec![], vec![], vec![]);
    for n in 0..ASKED {
        let index = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % LEAVES;
        let began = Instant::now();
        let path = db.read(move |conn| log::inclusion(conn, index, LEAVES)).await.expect("a path");
        built.push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        let leaf = merkle::leaf(&index.to_be_bytes());
        assert!(merkle::includes(index, LEAVES, &leaf, &path, &root));
        checked.push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        let path = db.read(move |conn| log::consistency(conn, index + 1, LEAVES)).await.expect("a path");
        grown.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(path.len() <= 40);
    }
    let row = |name: &str, times: &[f64]| {
        vec![
            name.to_owned(),
            format!("{:.3}", median(times.to_vec())),
            format!("{:.3}", quantile(times.to_vec(), 0.99)),
            format!("{:.3}", quantile(times.to_vec(), 1.0)),
        ]
    };
    table(
        &["a proof at 1,000,000 leaves", "p50 ms", "p99 ms", "worst ms"],
        &[
            row("inclusion, built", &built),
            row("inclusion, checked", &checked),
            row("consistency, built", &grown),
        ],
    );
    println!();
}

async fn appends(db: &Db) {
    let notice = Notice { version: "1".into(), language: "en".into(), text: "Yes or no?".into() };
    let shown = notice.named();
    db.write(move |conn| notice.keep(conn)).await.expect("a notice");
    let began = Instant::now();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|_| {
            let (db, shown) = (db.clone(), shown.clone());
            tokio::spawn(async move {
                let mut waits = vec![];
                while began.elapsed() < ROUND {
                    let at = Instant::now();
                    let receipt = Receipt {
                        id: ReceiptId::draw().expect("an id"),
                        time: NOW,
                        action: Action::Refuse,
                        items: (0..8)
                            .map(|n| Item {
                                purpose: "analytics".into(),
                                vendor: format!("vendor-{n}"),
                                state: Answer::Refused,
                                fingerprint: "a".repeat(64),
                            })
                            .collect(),
                        notice: shown.clone(),
                        registry_fingerprint: "c".repeat(64),
                        profile: Profile { id: "strict".into(), how_decided: "unknown_place".into() },
                        band: AgeBand::Unknown,
                        signals: Signals::default(),
                        surface: "banner".into(),
                        previous: None,
                        valid_until: NOW.plus(182 * DAY),
                        recipients: vec![],
                        limit_note: LIMIT_NOTE.into(),
                    };
                    let salt = Salt::draw().expect("a salt");
                    db.write(move |conn| log::append(conn, &receipt, &salt, None, NOW.plus(400 * DAY), NOW))
                        .await
                        .expect("a choice");
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
    let rate = waits.len() as f64 / began.elapsed().as_secs_f64();
    table(
        &["choices recorded, 64 at once", "a second", "p50 ms", "p99 ms"],
        &[vec![
            "8 items, behind 1,000,000 leaves".into(),
            format!("{rate:.0}"),
            format!("{:.1}", quantile(waits.clone(), 0.5)),
            format!("{:.1}", quantile(waits, 0.99)),
        ]],
    );
}
