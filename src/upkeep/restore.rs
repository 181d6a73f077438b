//! Bringing a shop back: everything is verified before anything is written, files come before the rows that name
//! them, and the rows come all at once or not at all.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::backup::{FILES, FORMAT, MANIFEST, Manifest, OneFile, SECRET, files_of, rows_path};
use super::copies::{copy, hash, write_whole};
use super::{Meter, Shop};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::jobs;
use crate::db::tables::{self, Column, Table};
use crate::error::{Error, Result};
use crate::jobs::{Job, State, enqueue};
use crate::sales::edition;
use crate::secrets::sha256;

/// What a shop makes by itself when it is first started; a restore puts the backup's in their place.
const ITS_OWN: [&str; 6] = ["tier_versions", "tier_editions", "issuer_keys", "jobs", "changes", "marks"];

/// Brings a backup into a shop that is empty: nobody has an account there. `Refused` otherwise, and when anything of
/// the backup is not as its manifest says; then nothing was written.
pub async fn restore(shop: &Shop, folder: &Path, meter: &Meter) -> Result<Manifest> {
    let manifest = read_manifest(folder)?;
    let files = files_of(folder)?;
    let list = verify(folder, &manifest, meter).await?;
    let names: Vec<String> = manifest.tables.iter().map(|rows| rows.name.clone()).collect();
    shop.db.read(move |conn| is_empty(conn, &names)).await?;
    has_no_others(shop, &list).await?;
    meter.says_of("copying files", list.len() as u64);
    for file in &list {
        let kept = copy(&files, &shop.storage, &file.key).await?;
        if kept.sha256 != file.sha256 {
            return Err(Error::refused(format!("{} in the shop's storage is another file.", file.key)));
        }
        meter.more(1);
    }
    if manifest.secret_sha256.is_some() {
        std::fs::create_dir_all(&shop.data_dir)?;
        write_whole(&shop.data_dir.join(SECRET), &std::fs::read(folder.join(SECRET))?, 0o600)?;
    }
    meter.says("writing the rows");
    let (from, rows) = (folder.to_owned(), manifest.clone());
    shop.db.write(move |conn| fill(conn, &from, &rows)).await?;
    meter.done();
    Ok(manifest)
}

/// What a folder says it holds. `Refused` when it is no whole backup that this program can read.
pub fn read_manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Error::refused(format!("{} is no whole backup: {MANIFEST}: {error}", folder.display()))
    })?;
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| Error::refused(format!("{} cannot be read: {error}", path.display())))?;
    match manifest.format {
        FORMAT => Ok(manifest),
        other => {
            Err(Error::refused(format!("This backup has the form {other}; this program reads {FORMAT}.")))
        }
    }
}

/// Holds every file of a backup against its hash. Answers the files that rows name.
async fn verify(folder: &Path, manifest: &Manifest, meter: &Meter) -> Result<Vec<OneFile>> {
    let differs = |what: &str| Error::refused(format!("{what} of this backup is not as its manifest says."));
    meter.says("verifying the rows");
    for table in &manifest.tables {
        let plain = table.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let path = rows_path(folder, &table.name);
        if !plain || hash_of(&path).map_err(|_| differs(&table.name))? != (table.rows, table.sha256.clone()) {
            return Err(differs(&format!("the table {}", table.name)));
        }
        meter.more(1);
    }
    let list = std::fs::read_to_string(folder.join(FILES)).map_err(|_| differs(FILES))?;
    if sha256(&list) != manifest.files.sha256 {
        return Err(differs(FILES));
    }
    let list: Vec<OneFile> = list.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    if let Some(expected) = &manifest.secret_sha256 {
        let secret = std::fs::read(folder.join(SECRET)).map_err(|_| differs(SECRET))?;
        if sha256(secret) != *expected {
            return Err(differs(SECRET));
        }
    }
    let files = files_of(folder)?;
    meter.says_of("verifying files", list.len() as u64);
    for file in &list {
        let found = hash(&files, &file.key).await.map_err(|_| differs(&file.key))?;
        if found != (file.bytes, file.sha256.clone()) {
            return Err(differs(&file.key));
        }
        meter.more(1);
    }
    Ok(list)
}

/// The lines of a file and the hash of its bytes.
fn hash_of(path: &Path) -> Result<(u64, String)> {
    let (mut file, mut hash, mut lines, mut block) = (File::open(path)?, Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            return Ok((lines, hex::encode(hash.finalize())));
        }
        lines += block[..n].iter().filter(|byte| **byte == b'\n').count() as u64;
        hash.update(&block[..n]);
    }
}

fn is_empty(conn: &mut Conn, of_backup: &[String]) -> Result<()> {
    let all = tables::tables(conn)?;
    for table in &all {
        let count = if ITS_OWN.contains(&table.name.as_str()) { 0 } else { table.count(conn)? };
        if count > 0 {
            return Err(Error::refused(format!(
                "This shop is not empty: it has {count} rows in {}. A backup is restored into a new one.",
                table.name
            )));
        }
    }
    let known: BTreeSet<&str> = all.iter().map(|table| table.name.as_str()).collect();
    match of_backup.iter().find(|name| !known.contains(name.as_str())) {
        Some(name) => Err(Error::refused(format!(
            "This backup has a table {name} that this edition of Cuehouse does not know: use a newer one."
        ))),
        None => Ok(()),
    }
}

/// Storage may hold what an interrupted restore of the same backup brought, and nothing else.
async fn has_no_others(shop: &Shop, list: &[OneFile]) -> Result<()> {
    let known: BTreeSet<&str> = list.iter().map(|file| file.key.as_str()).collect();
    let mut pages = shop.storage.pages("")?;
    while let Some(page) = pages.next().await? {
        if let Some((key, _)) = page.iter().find(|(key, _)| !known.contains(key.as_str())) {
            return Err(Error::refused(format!("The shop's storage is not empty: it holds {key}.")));
        }
    }
    Ok(())
}

fn fill(conn: &mut Conn, folder: &Path, manifest: &Manifest) -> Result<()> {
    let all = tables::tables(conn)?;
    let names: Vec<String> = manifest.tables.iter().map(|rows| rows.name.clone()).collect();
    is_empty(conn, &names)?;
    for table in all.iter().rev().filter(|table| ITS_OWN.contains(&table.name.as_str())) {
        table.clear(conn)?;
    }
    for table in &all {
        if let Some(rows) = manifest.tables.iter().find(|rows| rows.name == table.name) {
            let columns = columns(table, &rows.columns)?;
            let lines = BufReader::new(File::open(rows_path(folder, &table.name))?).lines();
            table.fill(conn, &columns, lines.map(|line| tables::cells(&columns, &line?)))?;
            table.count_on(conn)?;
        }
    }
    // A backup of before there were editions holds their texts alone.
    edition::adopt(conn)?;
    // One of before recordings were found by what they sound like holds no job that looks at its own.
    if !names.iter().any(|name| name == "sampled_words") {
        enqueue(conn, &Job::SampleWords { after: String::new() }, Timestamp::now())?;
    }
    // The workers that had these in hand are not here.
    diesel::update(jobs::table.filter(jobs::state.eq(State::Running)))
        .set((jobs::state.eq(State::Ready), jobs::lease_until.eq(None::<i64>)))
        .execute(conn)?;
    Ok(())
}

fn columns<'t>(table: &'t Table, names: &[String]) -> Result<Vec<&'t Column>> {
    let column = |name: &String| {
        table.column(name).ok_or_else(|| {
            let (table, name) = (&table.name, name);
            Error::refused(format!(
                "This backup has a column {table}.{name} that this edition of Cuehouse does not know: use a newer one."
            ))
        })
    };
    names.iter().map(column).collect()
}
