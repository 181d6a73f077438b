//! Folders for what is being made: each goes away with its value, or is swept after a day when its process was killed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::modified;
use crate::Config;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::secrets;

/// Where they lie, under the data folder.
const UNDER: &str = "scratch";
/// How often, and how far apart, a folder is tried to be removed whose last writer is only just being stopped.
const TRIES: u32 = 200;
const APART: Duration = Duration::from_millis(25);

/// A folder of its own for somebody who makes something; nothing in it outlives this value by more than 5 s.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new and empty folder under the data folder.
    pub fn new(config: &Config) -> Result<Scratch> {
        let path = config.data(UNDER).join(hex::encode(secrets::random::<12>()?));
        std::fs::create_dir_all(&path)?;
        Ok(Scratch(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if is_removed(&self.0) {
            return;
        }
        // Work that was cut off may still write: a worker that dies in this moment, a write in the blocking pool.
        let path = std::mem::take(&mut self.0);
        let again = move || {
            let is_gone = (0..TRIES).any(|_| {
                std::thread::sleep(APART);
                is_removed(&path)
            });
            if !is_gone {
                tracing::warn!("a scratch folder could not be removed; it is swept in a day");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("scratch".into()).spawn(again) {
            tracing::warn!(%error, "a scratch folder stays for the nightly sweep");
        }
    }
}

/// Whether nothing is there any more.
fn is_removed(path: &Path) -> bool {
    match std::fs::remove_dir_all(path) {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::NotFound && !path.exists(),
    }
}

/// Removes the folders under this data folder that nobody touched since `before`; says how many went.
pub fn sweep(data_dir: &Path, before: Timestamp) -> Result<usize> {
    let all = match std::fs::read_dir(data_dir.join(UNDER)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        all => all?,
    };
    let mut swept = 0;
    for folder in all {
        let folder = folder?;
        // One that goes away meanwhile is as good as swept.
        let Ok(facts) = folder.metadata() else { continue };
        if modified(&facts) < before && is_removed(&folder.path()) {
            swept += 1;
        }
    }
    Ok(swept)
}
