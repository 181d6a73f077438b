//! The consent log: a choice is proved to its visitor by a file alone, nothing in the log can be changed unseen, and who
//! wants to be forgotten is.

use std::path::{Path, PathBuf};
use std::process::Command;

use cuehouse::clock::{DAY, HOUR, Timestamp};
use cuehouse::consent::log::bundle::{self, Bundle};
use cuehouse::consent::log::head::{self, Head};
use cuehouse::consent::log::{self, merkle};
use cuehouse::consent::receipt::{Action, Answer, PROOF_KEPT_MS, Receipt, Salt, kept_until};
use cuehouse::db::{Db, DbUrl};
use cuehouse::error::Error;
use cuehouse::ids::ReceiptId;
use cuehouse::proof::{Published, Verdict, issuer};
use cuehouse::storage::{Storage, StorageUrl};
use cuehouse::upkeep::{self, Finding, Meter, backup::backup, check::check, restore::restore};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::choices::{notice, receipt, records, refusal, refusals};
use crate::support::database::TestDb;
use crate::support::folder::TestFolder;
use crate::support::shop::{NOW, Shop};

mod open;
mod tampered;

/// A log in a shop that does nothing else.
struct Book {
    db: TestDb,
    folder: TestFolder,
    till: Shop,
    shop: upkeep::Shop,
}

impl Book {
    async fn new() -> Book {
        let (db, folder) = (TestDb::new().await, TestFolder::new());
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let storage = Storage::open(&StorageUrl::Folder(data.join("files")), None).unwrap();
        let shop = upkeep::Shop { db: db.db.clone(), storage, data_dir: data };
        let till = Shop::new(&db.db).await;
        Book { db, folder, till, shop }
    }

    fn rows(&self) -> &Db {
        &self.db.db
    }

    async fn signs(&self, now: Timestamp) -> Head {
        let issuer = self.till.issuer.clone();
        self.rows().write(move |conn| head::sign(conn, &issuer, now)).await.unwrap()
    }

    async fn bundle(&self, id: &ReceiptId) -> Bundle {
        let (id, issuer) = (id.clone(), self.till.issuer.clone());
        self.rows()
            .write(move |conn| {
                let kept = log::kept(conn, &id)?;
                let head = head::sign(conn, &issuer, NOW)?;
                Bundle::under(conn, &kept, head)
            })
            .await
            .unwrap()
    }

    async fn keys(&self) -> (String, Vec<Published>) {
        (self.till.issuer.did().to_owned(), self.rows().read(issuer::published).await.unwrap())
    }

    async fn findings(&self) -> Vec<Finding> {
        check(&self.shop, false, NOW, &Meter::silent()).await.unwrap().findings
    }

    /// Does what somebody could who has the database to themselves.
    async fn tampers(&self, statements: &[&str]) {
        let mut all: Vec<String> = vec![];
        let tables = ["consent_log", "consent_nodes", "consent_heads", "consent_notices"];
        match self.db.is_postgres() {
            true => {
                all.extend(tables.map(|table| format!("ALTER TABLE {table} DISABLE TRIGGER USER")));
                all.push("ALTER TABLE consent_receipts DROP CONSTRAINT consent_receipts_seq_fkey".into());
            }
            false => {
                let verbs = ["update", "delete"];
                all.push("PRAGMA foreign_keys = OFF".into());
                all.extend(tables.iter().flat_map(|t| verbs.map(|v| format!("DROP TRIGGER {t}_no_{v}"))));
            }
        }
        all.extend(statements.iter().map(|sql| (*sql).to_owned()));
        let is_postgres = self.db.is_postgres();
        let url = self.db.url.clone();
        tokio::task::spawn_blocking(move || {
            use diesel::connection::{Connection, SimpleConnection};
            let text = all.join(";");
            match is_postgres {
                true => diesel::pg::PgConnection::establish(&url).unwrap().batch_execute(&text).unwrap(),
                false => diesel::sqlite::SqliteConnection::establish(url.strip_prefix("sqlite:").unwrap())
                    .unwrap()
                    .batch_execute(&text)
                    .unwrap(),
            }
        })
        .await
        .unwrap();
    }
}

/// Every promise of the log holds.
async fn holds(book: &Book) {
    assert_eq!(book.findings().await, []);
}

/// R-RC-3, R-RC-4: every choice is an entry, each is proved by its file alone, and each log is the beginning of every
/// later one.
#[tokio::test(flavor = "multi_thread")]
async fn every_choice_is_a_leaf_and_every_leaf_is_proved() {
    let book = Book::new().await;
    let all = refusals(book.rows(), 11, NOW).await;
    let (_, keys) = book.keys().await;
    for (n, receipt) in all.iter().enumerate() {
        let bundle = book.bundle(&receipt.id).await;
        assert_eq!((bundle.seq, bundle.head.size), (n as i64 + 1, 11));
        let file = bundle.file().unwrap();
        assert!(matches!(bundle::check(file.as_bytes(), &keys), Verdict::Intact(found) if found == bundle));
    }
    book.rows()
        .read(|conn| {
            for old in 1..=11 {
                for new in old..=11 {
                    let path = log::consistency(conn, old, new)?;
                    let (before, after) = (log::root(conn, old)?, log::root(conn, new)?);
                    assert!(merkle::extends(old, new, &before, &after, &path), "{old} to {new}");
                }
            }
            assert!(matches!(log::consistency(conn, 0, 3), Err(Error::Refused(_))));
            assert!(matches!(log::consistency(conn, 3, 12), Err(Error::Refused(_))));
            assert!(matches!(log::inclusion(conn, 11, 11), Err(Error::Refused(_))));
            assert_eq!(log::entries(conn, 10)?.iter().map(|leaf| leaf.seq).collect::<Vec<_>>(), [10, 11]);
            Ok(())
        })
        .await
        .unwrap();
    holds(&book).await;
}

/// T-RC-3, R-RC-2: the text that a receipt names is the one that is kept, and none is recorded without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_resolves_to_the_text_that_was_shown() {
    let book = Book::new().await;
    let shown = refusal(NOW);
    let (unseen, salt) = (shown.clone(), Salt::draw().unwrap());
    let recorded =
        book.rows().write(move |conn| log::append(conn, &unseen, &salt, None, NOW.plus(DAY), NOW)).await;
    assert!(recorded.is_err(), "a receipt names a text that nobody kept");
    assert_eq!(book.rows().read(log::size).await.unwrap(), 0);
    records(book.rows(), &shown, &Salt::draw().unwrap(), None, NOW).await.unwrap();
    assert_eq!(book.bundle(&shown.id).await.notice, notice());
    let mut other = refusal(NOW);
    other.notice.version = "2026-11-26".into();
    assert!(records(book.rows(), &other, &Salt::draw().unwrap(), None, NOW).await.is_err());
}

/// T-RC-2, R-RC-1: what cannot be checked by shape does not get in either.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_with_something_else_in_it_is_not_recorded() {
    let book = Book::new().await;
    let changes: [fn(&mut Receipt); 4] = [
        |r| r.surface = "192.0.2.7".into(),
        |r| r.limit_note = "Mozilla/5.0".into(),
        |r| r.time = NOW.plus(-2 * DAY),
        |r| r.time = NOW.plus(HOUR),
    ];
    for change in changes {
        let mut receipt = refusal(NOW);
        change(&mut receipt);
        assert!(records(book.rows(), &receipt, &Salt::draw().unwrap(), None, NOW).await.is_err());
    }
    assert_eq!(book.rows().read(log::size).await.unwrap(), 0);
}

/// T-RC-8, R-RC-8: the same again changes nothing, something else under the same id is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_recorded_once_however_often_it_comes() {
    let book = Book::new().await;
    refusals(book.rows(), 2, NOW).await;
    let (first, salt) = (refusal(NOW), Salt::draw().unwrap());
    let leaf = records(book.rows(), &first, &salt, None, NOW).await.unwrap();
    assert_eq!(records(book.rows(), &first, &salt, None, NOW.plus(HOUR)).await.unwrap(), leaf);
    let mut altered = first.clone();
    altered.items[0].state = Answer::Granted;
    let other = Salt::draw().unwrap();
    for (receipt, salt) in [(&altered, &salt), (&first, &other), (&altered, &other)] {
        let refused = records(book.rows(), receipt, salt, None, NOW).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    assert_eq!(book.rows().read(log::size).await.unwrap(), 3);
    let id = first.id.clone();
    assert!(book.rows().write(move |conn| log::erase(conn, &id)).await.unwrap());
    let again = records(book.rows(), &first, &salt, None, NOW).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "an erased choice came back: {again:?}");
    holds(&book).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_made_at_one_moment_stand_one_behind_the_other() {
    let book = Book::new().await;
    let mut at_once = tokio::task::JoinSet::new();
    refusals(book.rows(), 1, NOW).await;
    for n in 1..60 {
        let db = book.rows().clone();
        at_once.spawn(async move {
            let (choice, salt) = (refusal(NOW), Salt::draw().unwrap());
            if n % 6 > 0 {
                return records(&db, &choice, &salt, None, NOW).await;
            }
            // One that does not wait for its turn is tried again until it has it.
            db.write(move |conn| log::append(conn, &choice, &salt, None, NOW.plus(DAY), NOW)).await
        });
    }
    let mut seqs = vec![];
    while let Some(done) = at_once.join_next().await {
        seqs.push(done.unwrap().unwrap().seq);
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (2..=60).collect::<Vec<_>>());
    book.signs(NOW).await;
    holds(&book).await;
}

/// T-RC-6, R-RC-5: content and salt go, the leaf stays, and everything else is proved as before.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_forgotten_leaves_a_leaf_that_says_nothing() {
    let book = Book::new().await;
    let ada = book.till.person("Ada Field").await;
    let mut hers = vec![];
    for _ in 0..3 {
        refusals(book.rows(), 2, NOW).await;
        let choice = receipt(Action::Accept, Answer::Granted, NOW);
        records(book.rows(), &choice, &Salt::draw().unwrap(), Some(&ada), NOW).await.unwrap();
        hers.push(choice);
    }
    let before = book.signs(NOW).await;
    let other = refusals(book.rows(), 1, NOW).await.remove(0);
    let (who, whose) = (ada.clone(), ada.clone());
    assert_eq!(book.rows().read(move |conn| log::of_account(conn, &whose, 10)).await.unwrap().len(), 3);
    let gone = book.rows().write(move |conn| log::erase_of(conn, &who)).await.unwrap();
    assert_eq!(gone, 3);
    holds(&book).await;
    for choice in &hers {
        let id = choice.id.clone();
        assert!(matches!(book.rows().read(move |conn| log::kept(conn, &id)).await, Err(Error::NotFound)));
    }
    // Nothing of them is in any table; the head of then is still the beginning of the log of now.
    let needles: Vec<String> =
        hers.iter().map(|choice| choice.id.to_string()).chain([ada.to_string()]).collect();
    let left = book
        .rows()
        .read(move |conn| {
            let mut left = 0;
            for table in cuehouse::db::tables::tables(conn)?.iter().filter(|t| t.name.starts_with("consent_"))
            {
                table.each(conn, |row| {
                    let line = table.line(row);
                    left += needles.iter().filter(|needle| line.contains(needle.as_str())).count();
                    Ok(())
                })?;
            }
            Ok(left)
        })
        .await
        .unwrap();
    assert_eq!(left, 0);
    let now = book.signs(NOW.plus(2 * HOUR)).await;
    let path = book.rows().read(|conn| log::consistency(conn, 9, 10)).await.unwrap();
    let root = |head: &Head| merkle::hash_of(&head.root).unwrap();
    assert!(merkle::extends(9, 10, &root(&before), &root(&now), &path));
    let (_, keys) = book.keys().await;
    let file = book.bundle(&other.id).await.file().unwrap();
    assert_eq!(bundle::check(file.as_bytes(), &keys).code(), 0);
}

/// T-TIME-5, R-RC-7: a receipt is kept for its validity and the time in which a claim is possible, and not a moment
/// longer.
#[tokio::test(flavor = "multi_thread")]
async fn receipts_end_with_the_time_they_are_kept_for() {
    let book = Book::new().await;
    let early = refusals(book.rows(), 3, NOW).await;
    let later = NOW.plus(30 * DAY);
    let late = refusals(book.rows(), 2, later).await;
    let end = kept_until(early[0].valid_until, PROOF_KEPT_MS);
    let years = end.since(NOW) / DAY;
    assert!((3 * 365 + 182 + 365..=3 * 366 + 182 + 366).contains(&years), "{years}");
    let expires = |now: Timestamp| book.rows().write(move |conn| log::expire(conn, now));
    assert_eq!(expires(end.plus(-1)).await.unwrap(), 0);
    assert_eq!(expires(end).await.unwrap(), 3);
    assert_eq!(expires(end).await.unwrap(), 0);
    assert_eq!(book.bundle(&late[0].id).await.seq, 4);
    assert_eq!(book.rows().read(log::size).await.unwrap(), 5);
    holds(&book).await;
}

/// T-RC-5, R-RC-4: the file is as it was given out, to the byte.
#[tokio::test(flavor = "multi_thread")]
async fn any_flipped_byte_of_a_receipt_says_altered() {
    let book = Book::new().await;
    let all = refusals(book.rows(), 13, NOW).await;
    let file = book.bundle(&all[6].id).await.file().unwrap();
    let (_, keys) = book.keys().await;
    assert_eq!(bundle::check(file.as_bytes(), &keys).code(), 0);
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&(0..file.len(), 1..=255_u8), |(at, flip)| {
            let mut bytes = file.clone().into_bytes();
            bytes[at] ^= flip;
            prop_assert_eq!(bundle::check(&bytes, &keys).code(), 1, "byte {}", at);
            Ok(())
        })
        .unwrap();
    for cut in [0, 1, file.len() / 2, file.len() - 2] {
        assert_eq!(bundle::check(&file.as_bytes()[..cut], &keys), Verdict::Altered);
    }
    let more = file.replacen("{\n", "{\n  \"also\": 1,\n", 1);
    assert_eq!(bundle::check(more.as_bytes(), &keys), Verdict::Altered);
}

/// T-RC-5, R-RC-4: the command and a second implementation, without network.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_proved_without_us() {
    let book = Book::new().await;
    let all = refusals(book.rows(), 21, NOW).await;
    let path = |name: &str| book.folder.path().join(name);
    let write = |name: &str, text: &str| -> PathBuf {
        std::fs::write(path(name), text).unwrap();
        path(name)
    };
    let (did, keys) = book.keys().await;
    let keys_file = write("keys.json", &issuer::key_document(&did, &keys).to_string());
    let none = write("none.json", &issuer::key_document("did:web:else.example", &[]).to_string());
    let whole = book.bundle(&all[16].id).await.file().unwrap();
    let file = write("receipt.json", &whole);
    let altered = write("altered.json", &whole.replace("\"refused\"", "\"granted\""));
    let verify = |file: &Path, keys: &Path, more: &[&str]| {
        let said = Command::new(env!("CARGO_BIN_EXE_cuehouse"))
            .arg("verify")
            .arg(file)
            .arg("--issuer")
            .arg(keys)
            .args(more)
            .env("CUEHOUSE_DATA_DIR", path("nothing"))
            .current_dir(book.folder.path())
            .output()
            .unwrap();
        (said.status.code().unwrap(), String::from_utf8_lossy(&said.stdout).into_owned())
    };
    let (code, said) = verify(&file, &keys_file, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("Intact")
            && said.contains("statcounter for analytics")
            && said.contains("entry 17 of 21"),
        "{said}"
    );
    assert_eq!(verify(&altered, &keys_file, &[]).0, 1);
    assert_eq!(verify(&file, &none, &[]).0, 2);
    let json: Value = serde_json::from_str(&verify(&file, &keys_file, &["--json"]).1).unwrap();
    assert_eq!((&json["verdict"], &json["seq"]), (&Value::from("intact"), &Value::from(17)));

    let Ok(python) = std::env::var("CUEHOUSE_TEST_PYTHON") else {
        eprintln!("left out: CUEHOUSE_TEST_PYTHON names no Python with the tools of tests/requirements.txt");
        return;
    };
    let entries = book.rows().read(|conn| log::entries(conn, 1)).await.unwrap();
    let entries = write("entries.json", &serde_json::json!({ "entries": entries }).to_string());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verify_receipt.py");
    let run =
        |file: &Path| Command::new(&python).arg(&script).args([file, &keys_file, &entries]).output().unwrap();
    let done = run(&file);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!run(&altered).status.success(), "it would say yes to anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_carried_away_and_comes_back_whole_on_either_database() {
    let book = Book::new().await;
    let all = refusals(book.rows(), 37, NOW).await;
    book.signs(NOW).await;
    let gone = all[3].id.clone();
    book.rows().write(move |conn| log::erase(conn, &gone)).await.unwrap();
    let away = book.folder.path().join("away");
    backup(&book.shop, &away, NOW, &Meter::silent()).await.unwrap();
    let file = book.bundle(&all[20].id).await.file().unwrap();

    let home = Book::new().await;
    restore(&home.shop, &away, &Meter::silent()).await.unwrap();
    holds(&home).await;
    assert_eq!(home.bundle(&all[20].id).await.file().unwrap(), file);
    // It goes on where it was.
    refusals(home.rows(), 5, NOW).await;
    assert_eq!(home.rows().read(log::size).await.unwrap(), 42);
    holds(&home).await;
    let again = restore(&home.shop, &away, &Meter::silent()).await.unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");

    let lite = TestFolder::new();
    let sqlite = Db::open(&DbUrl::Sqlite(lite.path().join("cuehouse.db"))).unwrap();
    let storage = Storage::open(&StorageUrl::Folder(lite.path().join("files")), None).unwrap();
    let other = upkeep::Shop { db: sqlite, storage, data_dir: lite.path().join("data") };
    restore(&other, &away, &Meter::silent()).await.unwrap();
    assert_eq!(check(&other, false, NOW, &Meter::silent()).await.unwrap().findings, []);
}
