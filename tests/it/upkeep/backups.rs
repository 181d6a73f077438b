//! A shop that was carried away comes back as it was.

use std::collections::BTreeMap;
use std::time::Duration;

use cuehouse::clock::Timestamp;
use cuehouse::db::{Db, DbUrl};
use cuehouse::storage::{Storage, StorageUrl};
use cuehouse::upkeep::backup::{self, Manifest};
use cuehouse::upkeep::restore::restore;
use cuehouse::upkeep::{self, Meter};

use super::House;
use crate::support::database::{TestDb, server};
use crate::support::folder::TestFolder;

/// S4-07, S1-49: what is lost comes back from a backup.
#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_was_carried_away_while_it_sold_comes_back_equal() {
    let house = House::new().await;
    std::fs::write(house.shop.data_dir.join("secret.key"), "a secret").unwrap();
    let selling = async {
        for n in 0..40 {
            let buyer = house.till.person(&format!("Buyer {n}")).await;
            let order = house.orders(&buyer, &[(0, "creator"), (1, "film")]).await;
            house.pays(&order).await;
            if n % 3 == 0 {
                house.gets_back(&order).await;
            }
        }
    };
    let carrying = async {
        let mut all = vec![];
        for n in 0..4 {
            all.push(house.backup(&format!("backup-{n}")).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        all
    };
    let (_, backups) = tokio::join!(selling, carrying);
    let licences = |manifest: &Manifest| {
        manifest.tables.iter().find(|table| table.name == "licences").map(|table| table.rows).unwrap()
    };
    for (folder, manifest) in &backups {
        let new = House::over(TestDb::new().await).await;
        restore(&new.shop, folder, &Meter::silent()).await.unwrap();
        let report = new.deep().await;
        assert_eq!((report.findings, report.seen["licences"] as u64), (vec![], licences(manifest)));
        assert_eq!(new.bytes().await, house.bytes().await);
        assert_eq!(std::fs::read(new.shop.data_dir.join("secret.key")).unwrap(), b"a secret");
        let (_, again) = new.backup("again").await;
        assert_eq!(again.tables, manifest.tables);
        assert_eq!(again.files, manifest.files);
        // The counting keys go on behind what was brought.
        new.till.track(&new.till.person("Next").await, "Next", &[("creator", 2_900)]).await;
    }
    assert!(licences(&backups[3].1) > 3, "nothing was sold meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_moves_from_one_database_to_the_other_and_back() {
    let house = House::new().await;
    house
        .breaks(&[
            "UPDATE recordings SET loudness_lufs = -14.1, bpm = 0.1, bpm_sure = 0.30000000000000004, true_peak_dbtp = -1e-7".into(),
            "UPDATE users SET about = 'Ünïcödé \"quoted\"' || CHR(10) || '\\n'".replace("CHR(10)", if server().is_some() { "CHR(10)" } else { "CHAR(10)" }),
            // A twin with a smaller id, and one with a larger.
            "UPDATE uploads SET twin_of = (SELECT MAX(id) FROM uploads), twin_kind = 'alike' WHERE id = (SELECT MIN(id) FROM uploads)".into(),
        ])
        .await;
    let (folder, manifest) = house.backup("away").await;
    let lite = TestFolder::new();
    let sqlite = Db::open(&DbUrl::Sqlite(lite.path().join("cuehouse.db"))).unwrap();
    let storage = Storage::open(&StorageUrl::Folder(lite.path().join("files")), None).unwrap();
    let other = upkeep::Shop { db: sqlite, storage, data_dir: lite.path().join("data") };
    restore(&other, &folder, &Meter::silent()).await.unwrap();
    let (there, missing) =
        backup::backup(&other, &lite.path().join("there"), Timestamp::now(), &Meter::silent()).await.unwrap();
    assert_eq!((&there.tables, missing), (&manifest.tables, vec![]));
    let home = House::over(TestDb::new().await).await;
    restore(&home.shop, &lite.path().join("there"), &Meter::silent()).await.unwrap();
    assert_eq!(home.backup("home").await.1.tables, manifest.tables);
    assert_eq!(home.deep().await.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_restored_from_a_backup_that_was_touched_or_into_a_shop_that_lives() {
    let house = House::new().await;
    let (folder, _) = house.backup("backup").await;
    let refused = |into: upkeep::Shop| {
        let folder = folder.clone();
        async move { restore(&into, &folder, &Meter::silent()).await.unwrap_err().to_string() }
    };
    let living = refused(house.shop.clone()).await;
    assert!(living.contains("not empty"), "{living}");
    let new = House::empty().await;
    let rows = folder.join("tables/orders.jsonl");
    let master = std::fs::read_dir(folder.join("files/masters")).unwrap().next().unwrap().unwrap().path();
    let list = folder.join("files.jsonl");
    for path in [rows, master, list] {
        let whole = std::fs::read(&path).unwrap();
        let mut touched = whole.clone();
        touched[20] ^= 1;
        std::fs::write(&path, touched).unwrap();
        let why = refused(new.shop.clone()).await;
        assert!(why.contains("not as its manifest says"), "{}: {why}", path.display());
        assert_eq!(new.bytes().await, BTreeMap::new());
        assert_eq!(new.check().await.seen["users"], 0);
        std::fs::write(&path, whole).unwrap();
    }
    // Begun again and broken off, it is no backup; run again it is one, with the files it had.
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    std::fs::rename(folder.join("manifest.json"), folder.join("unfinished.txt")).unwrap();
    let why = refused(new.shop.clone()).await;
    assert!(why.contains("no whole backup"), "{why}");
    std::fs::write(folder.join("files/masters/left-over"), "x").unwrap();
    house.backup("backup").await;
    assert_ne!(std::fs::read(folder.join("manifest.json")).unwrap(), b"");
    assert!(!folder.join("files/masters/left-over").exists() && !folder.join("unfinished.txt").exists());
    assert!(manifest.len() > 100);
    // From the shell, and a second time into what is no empty shop any more.
    let shell = House::empty().await;
    let said = shell.cuehouse(&["restore", &folder.display().to_string()]);
    assert!(said.status.success(), "{said:?}");
    assert_eq!(shell.deep().await.findings, []);
    let again = shell.cuehouse(&["restore", &folder.display().to_string()]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("not empty"));
    let said = shell.cuehouse(&["backup", &shell.folder.path().join("by shell").display().to_string()]);
    assert!(said.status.success() && shell.folder.path().join("by shell/manifest.json").exists(), "{said:?}");
    let foreign = shell.cuehouse(&["backup", &shell.shop.data_dir.display().to_string()]);
    assert!(!foreign.status.success(), "a folder with other things in it was taken for a backup");
}
