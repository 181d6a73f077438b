//! The promises can be proved and their breach is seen; nothing is collected that somebody needs; a shop that was
//! carried away comes back as it was.

mod backups;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, SystemTime};

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::db::schema::{deliveries, licences, uploads};
use cuehouse::db::tables;
use cuehouse::ids::{LicenceId, Slug, UploadId, UserId};
use cuehouse::sales::basket::Owner;
use cuehouse::sales::inbox;
use cuehouse::sales::note;
use cuehouse::sales::order::Order;
use cuehouse::storage::{Storage, StorageUrl};
use cuehouse::upkeep::backup::{self, Manifest};
use cuehouse::upkeep::check::{self, Weight};
use cuehouse::upkeep::collect::collect;
use cuehouse::upkeep::named::{COLUMNS, Walk};
use cuehouse::upkeep::{self, Meter, Report};
use cuehouse::{each_db, secrets};
use diesel::prelude::*;
use diesel::sql_query;

use crate::support::database::{TestDb, server};
use crate::support::folder::TestFolder;
use crate::support::shop::{NOW, Shop};

/// A small shop that keeps every promise: two tracks with their bytes, one order paid, one refunded, one open, and a
/// file made for a licence.
struct House {
    db: TestDb,
    folder: TestFolder,
    till: Shop,
    shop: upkeep::Shop,
    tracks: Vec<Slug>,
}

impl House {
    async fn empty() -> House {
        House::over(TestDb::new().await).await
    }

    async fn over(db: TestDb) -> House {
        let folder = TestFolder::new();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let storage = Storage::open(&StorageUrl::Folder(data.join("files")), None).unwrap();
        let shop = upkeep::Shop { db: db.db.clone(), storage, data_dir: data };
        let till = Shop::new(&db.db).await;
        House { db, folder, till, shop, tracks: vec![] }
    }

    async fn new() -> House {
        let mut house = House::empty().await;
        let seller = house.till.person("Ines Morrow").await;
        for title in ["Rain on tin", "Copper weather"] {
            let prices = [("creator", 2_900), ("film", 14_900)];
            house.tracks.push(house.till.track(&seller, title, &prices).await.1);
        }
        house.brings_bytes().await;
        let buyer = house.till.person("Ada Field").await;
        let paid = house.orders(&buyer, &[(0, "creator"), (1, "film")]).await;
        house.pays(&paid).await;
        let refunded = house.orders(&buyer, &[(1, "creator")]).await;
        house.pays(&refunded).await;
        house.gets_back(&refunded).await;
        house.orders(&buyer, &[(0, "film")]).await;
        house.delivers().await;
        house
    }

    /// Puts the bytes into storage that rows name, and their hashes into the rows.
    async fn brings_bytes(&self) {
        let mut walk = Walk::new();
        while let Some(page) = walk.next(&self.db.db).await.unwrap() {
            for named in page {
                let length = named.bytes.unwrap_or(10) as usize;
                let bytes: Vec<u8> = named.key.bytes().cycle().take(length).collect();
                let hash = secrets::sha256(&bytes);
                self.shop.storage.put(&named.key, bytes, "").await.unwrap();
                if let Some(upload) = named.whose.strip_prefix("master of upload ").map(str::to_owned) {
                    let set = (uploads::file_sha256.eq(hash),);
                    let write = move |conn: &mut cuehouse::db::Conn| {
                        diesel::update(uploads::table.find(&upload)).set(set.clone()).execute(conn)?;
                        Ok(())
                    };
                    self.db.db.write(write).await.unwrap();
                }
            }
        }
    }

    async fn orders(&self, buyer: &UserId, lines: &[(usize, &str)]) -> Order {
        let offers: Vec<(&Slug, &str)> = lines.iter().map(|(n, tier)| (&self.tracks[*n], *tier)).collect();
        self.till.puts(&Owner::Account(buyer.clone()), &offers).await;
        self.till.orders(buyer).await.unwrap()
    }

    async fn pays(&self, order: &Order) {
        says(
            &self.till,
            order,
            "checkout.session.completed",
            &format!(
                r#"{{"id":"cs_{o}","payment_status":"paid","payment_intent":"pi_{o}","amount_total":{},"currency":"usd","metadata":{{"order":"{o}"}}}}"#,
                order.total_cents.0,
                o = order.id
            ),
        )
        .await;
    }

    async fn gets_back(&self, order: &Order) {
        says(
            &self.till,
            order,
            "charge.refunded",
            &format!(
                r#"{{"id":"ch_{o}","payment_intent":"pi_{o}","amount":{t},"amount_refunded":{t},"currency":"usd","metadata":{{"order":"{o}"}}}}"#,
                t = order.total_cents.0,
                o = order.id
            ),
        )
        .await;
    }

    /// A file made for the first licence.
    async fn delivers(&self) {
        let licence: LicenceId = self
            .db
            .db
            .read(|conn| Ok(licences::table.order(licences::id).select(licences::id).first(conn)?))
            .await
            .unwrap();
        let (bytes, key) = (b"not really an mp3".to_vec(), format!("deliveries/{licence}/made.mp3"));
        let row = (
            deliveries::licence_id.eq(licence),
            deliveries::kind.eq("mp3"),
            deliveries::storage_key.eq(key.clone()),
            deliveries::bytes.eq(bytes.len() as i64),
            deliveries::sha256.eq(secrets::sha256(&bytes)),
            deliveries::note.eq("{}"),
            deliveries::made_at.eq(NOW),
        );
        self.shop.storage.put(&key, bytes, "audio/mpeg").await.unwrap();
        let write = move |conn: &mut cuehouse::db::Conn| {
            diesel::insert_into(deliveries::table).values(row.clone()).execute(conn)?;
            Ok(())
        };
        self.db.db.write(write).await.unwrap();
    }

    /// Does to the rows what no code of the shop would.
    async fn breaks(&self, statements: &[String]) {
        for sql in statements {
            let sql = sql.clone();
            let write = move |conn: &mut cuehouse::db::Conn| {
                each_db!(conn, |c| sql_query(&sql).execute(c)).map_err(cuehouse::Error::internal)?;
                Ok(())
            };
            self.db.db.write(write).await.unwrap_or_else(|error| panic!("{statements:?}: {error}"));
        }
    }

    async fn check(&self) -> Report {
        check::check(&self.shop, false, Timestamp::now(), &Meter::silent()).await.unwrap()
    }

    async fn deep(&self) -> Report {
        check::check(&self.shop, true, Timestamp::now(), &Meter::silent()).await.unwrap()
    }

    async fn backup(&self, name: &str) -> (PathBuf, Manifest) {
        let to = self.folder.path().join(name);
        let (manifest, missing) =
            backup::backup(&self.shop, &to, Timestamp::now(), &Meter::silent()).await.unwrap();
        assert_eq!(missing, [] as [String; 0]);
        (to, manifest)
    }

    /// Everything that lies under storage keys.
    async fn bytes(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (key, _) in self.shop.storage.list("").await.unwrap() {
            let hash = secrets::sha256(self.shop.storage.bytes(&key).await.unwrap());
            all.insert(key, hash);
        }
        all
    }

    /// The command, as an operator types it.
    fn cuehouse(&self, words: &[&str]) -> Output {
        std::process::Command::new(env!("CARGO_BIN_EXE_cuehouse"))
            .args(words)
            .env("CUEHOUSE_DATA_DIR", &self.shop.data_dir)
            .env("CUEHOUSE_DATABASE_URL", &self.db.url)
            .env_remove("CUEHOUSE_CONFIG")
            .output()
            .unwrap()
    }
}

async fn says(till: &Shop, order: &Order, kind: &str, object: &str) {
    let body = format!(
        r#"{{"id":"evt_{}_{}","object":"event","type":"{kind}","created":1795000000,"data":{{"object":{object}}}}}"#,
        kind.replace('.', "_"),
        order.id
    );
    let issuer = till.issuer.clone();
    till.db.write(move |conn| inbox::take(conn, &body, &issuer, NOW)).await.unwrap();
}

fn rules(report: &Report, weight: Weight) -> BTreeSet<&'static str> {
    report.findings.iter().filter(|f| f.weight == weight).map(|f| f.rule).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_keeps_its_promises_is_told_so() {
    let house = House::new().await;
    for report in [house.check().await, house.deep().await] {
        assert_eq!(report.findings, []);
        assert!(report.holds());
        assert_eq!((report.seen["tracks"], report.seen["licences"], report.seen["bytes"]), (2, 3, 11));
    }
    let said = house.cuehouse(&["check", "--deep"]);
    let words = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && words.contains("Every promise holds"), "{said:?}");
}

/// What makes a table forget a rule; `licences` alone on SQLite, which cannot drop a constraint.
fn without_rules(table: &str, dropped: &str) -> Vec<String> {
    match server() {
        Some(_) => vec![format!("ALTER TABLE {table} DROP CONSTRAINT {dropped}")],
        None => vec![
            "PRAGMA ignore_check_constraints = ON".into(),
            // By name and kind, so that it stays a table that a backup knows.
            "CREATE TABLE plain (id TEXT, number TEXT, order_line_id TEXT, buyer_id TEXT, track_id TEXT, tier TEXT, \
             terms_hash TEXT, credential TEXT, status_index BIGINT, issued_at BIGINT)"
                .into(),
            format!("INSERT INTO plain SELECT * FROM {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE plain RENAME TO {table}"),
        ],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_a_promise_is_named() {
    let shift = |kind: &str, from: &str, to: &str| {
        let of = format!("journal_id = (SELECT MIN(id) FROM journals WHERE kind = '{kind}')");
        let first = |account: &str| {
            format!("position = (SELECT MIN(position) FROM entries e WHERE {of} AND account = '{account}')")
        };
        vec![
            format!("UPDATE entries SET amount_cents = amount_cents - 1 WHERE {of} AND {}", first(from)),
            format!("UPDATE entries SET amount_cents = amount_cents + 1 WHERE {of} AND {}", first(to)),
        ]
    };
    let one = |sql: &str| vec![sql.to_owned()];
    // An event that lies there, of an order in this state, and that nobody followed.
    let kept = |kind: &str, sum: &str, more: &str, state: &str| {
        format!(
            r#"INSERT INTO stripe_events (id, kind, order_id, body, happened_at, received_at)
            SELECT 'evt_kept', '{kind}', id, '{{"id":"evt_kept","type":"{kind}","created":1795000100,"data":{{"object":{{'
            || '"id":"by_hand","payment_status":"paid","payment_intent":"' || COALESCE(payment_intent, 'pi_kept')
            || '","{sum}":' || CAST(total_cents AS TEXT) || '{more},"currency":"usd"}}}}}}', 0, 0
            FROM orders WHERE state = '{state}'"#
        )
    };
    let freed = |table: &str, dropped: &str, sql: &str| {
        let mut all = match (server(), table) {
            (None, "order_lines") => vec!["PRAGMA ignore_check_constraints = ON".to_owned()],
            (None, _) => [
                vec!["DELETE FROM revocations".to_owned(), "DELETE FROM deliveries".to_owned()],
                without_rules(table, dropped),
            ]
            .concat(),
            (Some(_), _) => without_rules(table, dropped),
        };
        all.push(sql.to_owned());
        all
    };
    let cases: Vec<(&str, Vec<String>)> = vec![
        (
            "paid-line-has-licence",
            one(
                "DELETE FROM licences WHERE id = (SELECT MAX(i.id) FROM licences i LEFT JOIN revocations r ON r.licence_id = i.id LEFT JOIN deliveries d ON d.licence_id = i.id WHERE r.at IS NULL AND d.bytes IS NULL)",
            ),
        ),
        ("unpaid-line-has-none", one("UPDATE orders SET state = 'awaiting' WHERE state = 'paid'")),
        ("refunded-is-revoked", one("DELETE FROM revocations")),
        ("revoked-was-refunded", one("UPDATE orders SET state = 'paid' WHERE state = 'refunded'")),
        ("order-total", one("UPDATE orders SET total_cents = total_cents + 1")),
        (
            "line-parts",
            freed(
                "order_lines",
                "order_lines_check",
                "UPDATE order_lines SET platform_cents = platform_cents + 1",
            ),
        ),
        (
            "journal-sums-to-zero",
            one("UPDATE entries SET amount_cents = amount_cents + 1 WHERE account = 'platform'"),
        ),
        ("journal-sums-to-zero", one("UPDATE entries SET currency = 'eur' WHERE account = 'stripe'")),
        ("sale-is-booked", vec!["DELETE FROM entries".into(), "DELETE FROM journals".into()]),
        ("sale-is-booked", one("UPDATE orders SET state = 'cancelled' WHERE state = 'paid'")),
        (
            "refund-is-booked",
            vec![
                "DELETE FROM entries WHERE journal_id IN (SELECT id FROM journals WHERE kind = 'refund')"
                    .into(),
                "DELETE FROM journals WHERE kind = 'refund'".into(),
            ],
        ),
        ("stripe-holds-the-rest", shift("sale", "stripe", "platform")),
        ("uploader-balance", shift("sale", "uploader", "platform")),
        ("uploader-keeps-no-less", shift("refund", "uploader", "platform")),
        (
            "entry-names-its-uploader",
            one(
                "UPDATE entries SET user_id = (SELECT buyer_id FROM orders LIMIT 1) WHERE account = 'uploader'",
            ),
        ),
        ("paid-order-has-invoice", one("DELETE FROM invoices WHERE kind = 'invoice'")),
        ("paid-order-has-invoice", one("UPDATE orders SET state = 'awaiting' WHERE state = 'paid'")),
        ("refunded-order-has-credit-note", one("DELETE FROM invoices WHERE kind = 'credit_note'")),
        ("invoice-equals-books", one("UPDATE orders SET total_cents = total_cents + 1")),
        ("invoice-equals-books", shift("sale", "stripe", "platform")),
        ("invoice-numbers-run", one("UPDATE invoices SET running = 7 WHERE running = 3")),
        ("invoice-numbers-run", one("DELETE FROM invoices WHERE running = 1")),
        ("licence-equals-line", one("UPDATE licences SET tier = 'broadcast'")),
        (
            "licence-number-is-single",
            freed(
                "licences",
                "licences_number_key",
                "UPDATE licences SET number = (SELECT MIN(number) FROM licences)",
            ),
        ),
        (
            "status-index-is-single",
            freed("licences", "licences_status_index_key", "UPDATE licences SET status_index = 7"),
        ),
        ("order-follows-stripe", vec![kept("checkout.session.completed", "amount_total", "", "open")]),
        (
            "order-follows-stripe",
            vec![kept("charge.refunded", "amount", r#","amount_refunded":100"#, "paid")],
        ),
        ("order-follows-stripe", one("DELETE FROM stripe_events")),
        ("licence-number-is-whole", one("UPDATE licences SET number = LOWER(number) || 'x'")),
        (
            "credential-is-intact",
            one("UPDATE licences SET credential = REPLACE(credential, 'Ada Field', 'Eve Field')"),
        ),
        ("credential-is-intact", one("UPDATE licences SET credential = ''")),
        (
            "credential-is-intact",
            one("UPDATE issuer_keys SET public_key = 'z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd'"),
        ),
        ("credential-equals-line", one("UPDATE order_lines SET title = 'Another'")),
        ("credential-equals-line", one("UPDATE orders SET licensee = 'Eve Field'")),
        ("credential-equals-line", one("UPDATE uploads SET file_sha256 = 'abc'")),
        ("credential-equals-line", one("UPDATE licences SET status_index = status_index + 131072")),
        ("terms-are-kept", one("UPDATE tier_versions SET terms = terms || '!'")),
        (
            "master-is-apart",
            one("UPDATE recordings SET preview_key = (SELECT master_key FROM uploads WHERE id = upload_id)"),
        ),
        ("shown-is-examined", one("UPDATE uploads SET state = 'refused'")),
        ("upload-has-a-job", one("UPDATE uploads SET state = 'received'")),
        (
            "job-is-taken-over",
            one(
                "INSERT INTO jobs (id, kind, payload, state, priority, due_at, lease_until, owner, created_at) VALUES ('1', 'reconcile', '{}', 'running', 0, 0, 1000, 'gone', 0)",
            ),
        ),
        ("bytes-are-there", one("UPDATE recordings SET artwork_key = 'derived/elsewhere.svg'")),
        ("bytes-are-there", one("UPDATE users SET picture = '../etc/passwd'")),
        ("bytes-have-their-length", one("UPDATE recordings SET sample_bytes = 2")),
    ];
    for (rule, statements) in cases {
        let house = House::new().await;
        house.breaks(&statements).await;
        let report = house.check().await;
        let found = rules(&report, Weight::Broken);
        assert!(found.contains(rule) && !report.holds(), "{rule} is not among {found:?}");
    }
}

/// S1-03, S1-50: masters and purchases lie in storage under checksums that can be proved.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_missing_short_or_others_are_named() {
    let house = House::new().await;
    let master = house.shop.storage.list("masters/").await.unwrap()[0].0.clone();
    let bytes = house.shop.storage.bytes(&master).await.unwrap();
    let storage = &house.shop.storage;
    let mut other = bytes.clone();
    other[7] ^= 1;
    storage.put(&master, other, "").await.unwrap();
    assert!(house.check().await.holds());
    let found = house.deep().await.findings;
    assert_eq!((found.len(), found[0].rule), (1, "bytes-have-their-hash"));
    assert!(found[0].about.contains(&master), "{found:?}");
    storage.put(&master, &bytes[..100], "").await.unwrap();
    assert_eq!(rules(&house.check().await, Weight::Broken), ["bytes-have-their-length"].into());
    storage.delete(&master).await.unwrap();
    assert_eq!(rules(&house.check().await, Weight::Broken), ["bytes-are-there"].into());
    let said = house.cuehouse(&["check", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((said.status.code(), &json["broken"][0]["rule"]), (Some(1), &"bytes-are-there".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_should_look_at_is_a_warning() {
    let house = House::new().await;
    house
        .breaks(&[
            "INSERT INTO jobs (id, kind, payload, state, priority, due_at, created_at, problem) VALUES ('1', 'reconcile', '{}', 'parked', 0, 0, 0, 'Stripe is away')".into(),
            "UPDATE stripe_events SET problem = 'What?'".into(),
            "UPDATE orders SET note = 'Paid more than once.' WHERE state = 'paid'".into(),
        ])
        .await;
    house.shop.storage.put("masters/lost", "bytes", "").await.unwrap();
    let in_two_days = Timestamp::now().plus(2 * DAY);
    let report = check::check(&house.shop, false, in_two_days, &Meter::silent()).await.unwrap();
    let warned = ["job-is-parked", "event-is-puzzling", "order-waits-for-somebody", "bytes-are-named"];
    assert_eq!(rules(&report, Weight::Warning), warned.into());
    assert!(report.holds() && report.findings.iter().any(|f| f.words.contains("Stripe is away")));
    assert!(report.findings.iter().any(|f| f.words.ends_with("(Paid more than once.)")), "{report:?}");
    // What somebody dealt with is no warning any more, and other words of the same order are one again.
    let dealt = house.db.db.write(|conn| {
        let noted = note::open(conn, 10)?;
        assert_eq!(noted.len(), 1);
        note::dealt_with(conn, &noted[0].id, "Paid more than once.", NOW)
    });
    dealt.await.unwrap();
    assert!(!rules(&house.check().await, Weight::Warning).contains("order-waits-for-somebody"));
    house.breaks(&["UPDATE orders SET note = 'A refund failed.' WHERE state = 'paid'".into()]).await;
    assert!(rules(&house.check().await, Weight::Warning).contains("order-waits-for-somebody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_lacks_tracks_is_a_warning() {
    let house = House::new().await;
    let index =
        cuehouse::search::Index::open(&house.shop.data_dir.join("search"), &house.db.db).await.unwrap();
    index.caught_up().await.unwrap();
    assert_eq!((house.check().await.findings, index.count()), (vec![], 2));
    // Without a word in the feed.
    house
        .breaks(&["UPDATE tracks SET state = 'withdrawn' WHERE id = (SELECT MIN(id) FROM tracks)".into()])
        .await;
    assert_eq!(rules(&house.check().await, Weight::Warning), ["index-follows"].into());
    index.stop().await;
    drop(index);
    let said = house.cuehouse(&["reindex"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("1 tracks can be found"), "{said:?}");
    assert_eq!(house.check().await.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_bytes_that_no_row_names_and_that_are_old_are_collected() {
    let house = House::new().await;
    let storage = &house.shop.storage;
    let before = house.bytes().await;
    let (made, gone) = (UploadId::new(), UploadId::new());
    house
        .breaks(&[format!(
            "INSERT INTO uploads (id, uploader_id, filename, bytes, file_sha256, master_key, state, created_at, changed_at) \
             SELECT '{made}', uploader_id, filename, 1, '', 'masters/{made}', 'failed', 0, 0 FROM uploads LIMIT 1"
        )])
        .await;
    storage.put(&format!("masters/{made}"), "x", "").await.unwrap();
    // What an examination had made when it was killed, of an upload that can be tried again and of one that is gone.
    storage.put(&format!("derived/{made}/preview-1.mp3"), "kept", "").await.unwrap();
    storage.put(&format!("derived/{gone}/preview-1.mp3"), "old", "").await.unwrap();
    storage.put(&format!("masters/{gone}"), "old bytes", "").await.unwrap();
    let unfinished = house.shop.data_dir.join("files/masters/.abc.unfinished");
    std::fs::write(&unfinished, "half").unwrap();
    // And the folder it was made in.
    let scratch = house.shop.data_dir.join("scratch/abc");
    std::fs::create_dir_all(&scratch).unwrap();
    std::fs::write(scratch.join("preview.mp3"), "half").unwrap();
    let meter = Meter::silent();
    let run = |now| collect(&house.shop, now, &meter);
    let young = run(Timestamp::now()).await.unwrap();
    assert_eq!((young.keys, young.unfinished, young.seen), (0, 0, before.len() as u64 + 4));
    let old = run(Timestamp::now().plus(2 * DAY)).await.unwrap();
    assert_eq!((old.keys, old.bytes, old.unfinished), (2, 12, 2));
    assert!(!scratch.exists());
    let mut after = house.bytes().await;
    assert!(after.remove(&format!("derived/{made}/preview-1.mp3")).is_some());
    assert!(after.remove(&format!("masters/{made}")).is_some());
    assert_eq!(after, before);
    assert!(!unfinished.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_round_collects() {
    let app = crate::support::app::TestApp::new().await;
    let lost = app.store.join("masters/lost");
    app.app.storage.put("masters/lost", "bytes", "audio/wav").await.unwrap();
    let then = SystemTime::now() - Duration::from_secs(2 * 86_400);
    std::fs::File::options().write(true).open(&lost).unwrap().set_modified(then).unwrap();
    cuehouse::jobs::calendar::round(&app.app, Timestamp::now()).await.unwrap();
    app.run_jobs().await;
    assert!(!lost.exists());
}

/// A table or a column that a migration adds is in the backup, and storage keys are known to those who collect.
#[tokio::test(flavor = "multi_thread")]
async fn no_table_of_the_schema_can_be_forgotten() {
    let db = TestDb::new().await;
    let found = db.db.read(tables::tables).await.unwrap();
    let found: BTreeMap<String, BTreeSet<String>> = found
        .into_iter()
        .map(|table| {
            assert!(!table.key.is_empty(), "{} has no key to go by", table.name);
            (table.name, table.columns.into_iter().map(|column| column.name).collect())
        })
        .collect();
    let schema = include_str!("../../../src/db/schema.rs");
    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for table in schema.split("diesel::table! {").skip(1) {
        let name = table.trim_start().split([' ', '(']).next().unwrap();
        let columns =
            table.split("->").map(|before| before.trim_end().rsplit(char::is_whitespace).next().unwrap());
        let mut columns: BTreeSet<String> = columns.map(str::to_owned).collect();
        columns.retain(|column| {
            column.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
        });
        written.insert(name.to_owned(), columns);
    }
    assert_eq!(found, written);
    let other_keys =
        ["jobs.once_key", "recordings.musical_key", "tracks.musical_key", "issuer_keys.public_key"];
    for (table, columns) in &found {
        for column in columns.iter().filter(|c| c.ends_with("_key") || *c == "picture") {
            let name = format!("{table}.{column}");
            let known = COLUMNS.contains(&name.as_str()) || other_keys.contains(&name.as_str());
            assert!(known, "is {name} a key of storage? Then upkeep::named must know it");
        }
    }
}
