//! Where a process keeps its index on the disk.
//!
//! Below the folder of the search there is one of this version, and in it one place per process of this machine: a
//! lock that falls with the process says which are taken. In a place lies the index that answers, named by a file,
//! and for a while beside it the one that will replace it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::secrets;

/// Changes whenever the fields of the index or what stands in them do: an index of another version is foreign.
pub const VERSION: &str = "v1-20261125";

/// More processes on one machine than anybody starts.
const MOST_PLACES: u32 = 64;

/// A place on the disk that is this process's alone, as long as the value lives.
pub struct Place {
    folder: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes the first free place, and clears away other versions that nobody uses any more.
    pub fn take(search: &Path) -> Result<Place> {
        let version = search.join(VERSION);
        fs::create_dir_all(&version)?;
        for other in folders(search) {
            if other != version {
                clear(&other);
            }
        }
        for number in 0..MOST_PLACES {
            let folder = version.join(number.to_string());
            fs::create_dir_all(&folder)?;
            if let Some(lock) = lock(&folder)? {
                return Ok(Place { folder, _lock: lock });
            }
        }
        Err(Error::internal("no place for another search index in the data folder"))
    }

    /// The folder of the index that answers, if there is one.
    pub fn current(&self) -> Option<PathBuf> {
        current(&self.folder)
    }

    /// A folder for an index in the making.
    pub fn fresh(&self) -> Result<PathBuf> {
        let name = format!("index-{}", hex::encode(secrets::random::<6>()?));
        let folder = self.folder.join(name);
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Makes an index the one that answers, and clears the others away.
    pub fn adopt(&self, index: &Path) -> Result<()> {
        let name = index.file_name().unwrap_or_default().to_string_lossy();
        let draft = self.folder.join("current.new");
        fs::write(&draft, name.as_bytes())?;
        fs::rename(&draft, self.folder.join("current"))?;
        self.tidy();
        Ok(())
    }

    /// Removes every index but the one that answers.
    pub fn tidy(&self) {
        let current = self.current();
        for folder in folders(&self.folder) {
            if Some(&folder) != current.as_ref() {
                // What cannot be removed now is removed next time.
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }
}

/// The index that answers in a place, if there is one.
fn current(place: &Path) -> Option<PathBuf> {
    let name = fs::read_to_string(place.join("current")).ok()?;
    let folder = place.join(name.trim());
    (name.trim().starts_with("index-") && folder.is_dir()).then_some(folder)
}

/// The indexes that answer in all places of a version, taken or not.
pub fn currents(version: &Path) -> Vec<PathBuf> {
    folders(version).iter().filter_map(|place| current(place)).collect()
}

fn lock(folder: &Path) -> Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Removes the places of another version, unless one of them is taken.
fn clear(version: &Path) {
    let mut locks = vec![];
    for place in folders(version) {
        match lock(&place) {
            Ok(Some(lock)) => locks.push(lock),
            _ => return,
        }
    }
    if let Err(error) = fs::remove_dir_all(version) {
        tracing::debug!(%error, "an old search index stays for now");
    }
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let path = std::env::temp_dir().join(format!("cuehouse-shelf-{}", secrets::token().unwrap()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn each_process_has_a_place_of_its_own_and_finds_it_again() {
        let search = folder();
        let first = Place::take(&search).unwrap();
        let second = Place::take(&search).unwrap();
        assert_ne!(first.folder, second.folder);
        let index = first.fresh().unwrap();
        first.adopt(&index).unwrap();
        assert_eq!(second.current(), None);
        drop(first);
        assert_eq!(Place::take(&search).unwrap().current(), Some(index));
        fs::remove_dir_all(search).unwrap();
    }

    #[test]
    fn another_version_goes_once_nobody_holds_it() {
        let search = folder();
        let old = search.join("v0-old");
        fs::create_dir_all(old.join("0")).unwrap();
        let held = lock(&old.join("0")).unwrap();
        let place = Place::take(&search).unwrap();
        assert!(old.is_dir());
        drop((held, place));
        Place::take(&search).unwrap();
        assert!(!old.is_dir());
        fs::remove_dir_all(search).unwrap();
    }
}
