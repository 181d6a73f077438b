//! The file in which the pretend Stripe writes down each change before it is true: a line of JSON each, synced to
//! the disk before anyone is answered. A line that a kill tore is as if it had never been asked for.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::records::Record;
use crate::error::{Error, Result};

const FILE: &str = "journal.jsonl";
/// How long one process waits for another to let go of the folder, as when one replaces the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// The journal of one folder, open and locked.
pub struct Journal {
    folder: PathBuf,
    file: File,
    length: u64,
    /// Held as long as this process writes here.
    _lock: File,
}

impl Journal {
    /// The journal of this folder, and what is written in it. Only one process has it at a time.
    pub fn open(folder: &Path) -> Result<(Journal, Vec<Record>)> {
        std::fs::create_dir_all(folder)?;
        let lock = locked(folder)?;
        let path = folder.join(FILE);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (records, length) = parse(&bytes)?;
        if length < bytes.len() as u64 {
            tracing::warn!(
                bytes = bytes.len() as u64 - length,
                "a torn line at the end of the pretend Stripe's journal is dropped"
            );
            file.set_len(length)?;
        }
        file.sync_all()?;
        sync_folder(folder)?;
        Ok((Journal { folder: folder.to_owned(), file, length, _lock: lock }, records))
    }

    /// Writes these down together: all of them or, when this fails, none.
    pub fn append(&mut self, records: &[Record]) -> Result<()> {
        let mut line = serde_json::to_vec(records)?;
        line.push(b'\n');
        let written = (|| {
            self.file.seek(SeekFrom::Start(self.length))?;
            self.file.write_all(&line)?;
            self.file.sync_data()
        })();
        match written {
            Ok(()) => {
                self.length += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Half a line must not stand before the next one.
                self.file.set_len(self.length)?;
                Err(error.into())
            }
        }
    }

    /// What is written, once more.
    pub fn read(&mut self) -> Result<Vec<Record>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&mut self.file).take(self.length).read_to_end(&mut bytes)?;
        Ok(parse(&bytes)?.0)
    }

    /// How long the journal is, in bytes.
    pub fn bytes(&self) -> u64 {
        self.length
    }

    /// Puts a journal of these records alone in the place of this one.
    pub fn rewrite(&mut self, records: &[Record]) -> Result<()> {
        let fresh = self.folder.join(format!("{FILE}.new"));
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&fresh)?;
        let mut bytes = Vec::new();
        for batch in records.chunks(100) {
            serde_json::to_writer(&mut bytes, batch)?;
            bytes.push(b'\n');
        }
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, self.folder.join(FILE))?;
        sync_folder(&self.folder)?;
        (self.file, self.length) = (file, bytes.len() as u64);
        Ok(())
    }
}

/// The records of whole lines, and where the last whole line ends. A broken line that others follow is damage
/// that nobody may mend in silence.
fn parse(bytes: &[u8]) -> Result<(Vec<Record>, u64)> {
    let (mut records, mut length) = (Vec::new(), 0);
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        match serde_json::from_slice::<Vec<Record>>(line) {
            Ok(batch) if line.ends_with(b"\n") => {
                records.extend(batch);
                length += line.len() as u64;
            }
            _ if lines.peek().is_none() => break,
            Ok(_) => unreachable!("only the last line can lack its end"),
            Err(error) => {
                return Err(Error::internal(format!(
                    "the pretend Stripe's journal ({FILE}) is damaged at byte {length}: {error}"
                )));
            }
        }
    }
    Ok((records, length))
}

fn locked(folder: &Path) -> Result<File> {
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join("lock"))?;
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(std::fs::TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(Error::refused(format!(
                    "Another pretend Stripe works in {}. Several processes share one through CUEHOUSE_STRIPE_URL.",
                    folder.display()
                )));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

fn sync_folder(folder: &Path) -> Result<()> {
    Ok(File::open(folder)?.sync_all()?)
}
