//! Carrying the whole shop away while it serves: every table as lines of JSON out of one view of the rows, then every
//! file that those rows name, then a manifest with the hash of each. The same from SQLite and PostgreSQL, so that a
//! shop can move from one to the other.
//!
//! A folder without `manifest.json` is a backup that was broken off; begun again it takes up the files it has.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::copies::{copy, write_whole};
use super::named::{Walk, named_now};
use super::{Meter, Shop};
use crate::clock::Timestamp;
use crate::db::{Conn, tables};
use crate::error::{Error, Result};
use crate::storage::{Kept, Storage, StorageUrl};

/// The shape of a backup. A restore reads this one.
pub const FORMAT: u32 = 1;
/// The file that says a backup is whole.
pub const MANIFEST: &str = "manifest.json";
/// What stands in its place while it is not.
const UNFINISHED: &str = "unfinished.txt";
/// A line for each file: its key, its length, its hash.
pub const FILES: &str = "files.jsonl";
/// The shop's secret, where it is kept in the data folder and not in the settings.
pub const SECRET: &str = "secret.key";
/// Files copied at once.
const AT_ONCE: usize = 4;
/// How often rows are read again when files went away meanwhile.
const ROUNDS: usize = 5;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The edition of the program that made it.
    pub program: String,
    pub made_at: String,
    /// Each after those its rows point to.
    pub tables: Vec<Rows>,
    pub files: Files,
    /// The hash of the secret's file, where one belongs to the backup.
    pub secret_sha256: Option<String>,
}

/// A table of a backup: `tables/<name>.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: u64,
    pub sha256: String,
}

/// The files of a backup: `files/<key>`, listed in `files.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    pub count: u64,
    pub bytes: u64,
    /// The hash of the list.
    pub sha256: String,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneFile {
    pub key: String,
    pub bytes: u64,
    pub sha256: String,
}

/// Where a table's rows lie.
pub fn rows_path(folder: &Path, table: &str) -> PathBuf {
    folder.join("tables").join(format!("{table}.jsonl"))
}

/// The files of a backup as a store.
pub fn files_of(folder: &Path) -> Result<Storage> {
    Storage::open(&StorageUrl::Folder(folder.join("files")), None)
}

/// Makes a backup of the shop as it is at one moment into a folder that is new, empty, or a backup. Answers what it
/// holds, and what rows name that is not there: then the shop was broken, and so is the copy.
pub async fn backup(
    shop: &Shop,
    folder: &Path,
    now: Timestamp,
    meter: &Meter,
) -> Result<(Manifest, Vec<String>)> {
    begin(folder)?;
    let files = files_of(folder)?;
    let mut rounds = 0;
    let (rows, kept, missing) = loop {
        rounds += 1;
        meter.says("writing the rows");
        let (to, count) = (folder.to_owned(), meter.clone());
        let (rows, keys) = shop.db.read(move |conn| dump(conn, &to, &count)).await?;
        meter.says_of("copying files", keys.len() as u64);
        let (kept, missing) = copy_all(shop, &files, &keys, meter).await?;
        let gone = missing.clone();
        let still = shop.db.read(move |conn| named_now(conn, &gone)).await?;
        // What went away with its row, after the rows were read, is not in the next view of them.
        if missing.iter().all(|key| still.contains(key)) || rounds == ROUNDS {
            break (rows, kept, missing);
        }
    };
    let list: String =
        kept.iter().map(|file| Ok(serde_json::to_string(file)? + "\n")).collect::<Result<_>>()?;
    write_whole(&folder.join(FILES), list.as_bytes(), 0o640)?;
    forget_others(&files, &kept).await?;
    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").into(),
        made_at: now.rfc3339(),
        tables: rows,
        files: Files {
            count: kept.len() as u64,
            bytes: kept.iter().map(|file| file.bytes).sum(),
            sha256: crate::secrets::sha256(&list),
        },
        secret_sha256: keep_secret(shop, folder)?,
    };
    write_whole(&folder.join(MANIFEST), serde_json::to_string_pretty(&manifest)?.as_bytes(), 0o640)?;
    std::fs::remove_file(folder.join(UNFINISHED))?;
    meter.done();
    Ok((manifest, missing))
}

fn begin(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let is_backup = [MANIFEST, UNFINISHED].iter().any(|name| folder.join(name).exists());
    if !is_backup && std::fs::read_dir(folder)?.next().is_some() {
        return Err(Error::refused(format!("{} is neither empty nor a backup.", folder.display())));
    }
    write_whole(
        &folder.join(UNFINISHED),
        b"This backup is not whole yet: run cuehouse backup again.\n",
        0o640,
    )?;
    match std::fs::remove_file(folder.join(MANIFEST)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    Ok(std::fs::create_dir_all(folder.join("tables"))?)
}

/// Every table and the keys its rows name, out of one view.
fn dump(conn: &mut Conn, folder: &Path, meter: &Meter) -> Result<(Vec<Rows>, Vec<String>)> {
    tables::take_time(conn)?;
    let mut all = vec![];
    for table in tables::tables(conn)? {
        let mut out = BufWriter::new(File::create(rows_path(folder, &table.name))?);
        let (mut hash, mut rows) = (Sha256::new(), 0);
        table.each(conn, |row| {
            let line = table.line(row) + "\n";
            hash.update(&line);
            rows += 1;
            meter.more(1);
            Ok(out.write_all(line.as_bytes())?)
        })?;
        out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        all.push(Rows {
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            name: table.name,
            rows,
            sha256: hex::encode(hash.finalize()),
        });
    }
    let (mut walk, mut keys) = (Walk::new(), BTreeSet::new());
    while let Some(page) = walk.page(conn)? {
        keys.extend(page.into_iter().map(|named| named.key));
    }
    Ok((all, keys.into_iter().collect()))
}

/// Copies everything; answers what is there now, in the order of keys, and what was not to be had.
async fn copy_all(
    shop: &Shop,
    to: &Storage,
    keys: &[String],
    meter: &Meter,
) -> Result<(Vec<OneFile>, Vec<String>)> {
    let (mut kept, mut missing) = (vec![], vec![]);
    let mut copies = stream::iter(keys)
        .map(|key| async move { (key, copy(&shop.storage, to, key).await) })
        .buffered(AT_ONCE);
    while let Some((key, copied)) = copies.next().await {
        meter.more(1);
        match copied {
            Ok(Kept { bytes, sha256 }) => kept.push(OneFile { key: key.clone(), bytes, sha256 }),
            Err(Error::NotFound) => missing.push(key.clone()),
            Err(error) => return Err(error),
        }
    }
    Ok((kept, missing))
}

/// Removes what an earlier backup in this folder had and this one has not.
async fn forget_others(files: &Storage, kept: &[OneFile]) -> Result<()> {
    let mut pages = files.pages("")?;
    while let Some(page) = pages.next().await? {
        for (key, _) in page {
            if kept.binary_search_by(|file| file.key.cmp(&key)).is_err() {
                files.delete(&key).await?;
            }
        }
    }
    files.sweep(Timestamp(i64::MAX)).await.map(drop)
}

fn keep_secret(shop: &Shop, folder: &Path) -> Result<Option<String>> {
    match std::fs::read(shop.data_dir.join(SECRET)) {
        Ok(secret) => {
            write_whole(&folder.join(SECRET), &secret, 0o600)?;
            Ok(Some(crate::secrets::sha256(&secret)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
