//! A folder on this machine. A file gets its name only when all of it is on the disk.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Kept, Stat, blocking, broken, is_key, within};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Bytes read from a stream before they are written.
const BLOCK: usize = 256 << 10;
/// Keys in one page of a walk.
const PAGE: usize = 1000;
/// How the names of unfinished files end; with their leading dot no key looks like one.
const UNFINISHED: &str = ".unfinished";

/// A folder, each key a file below it. Its verbs promise what those of `Storage` do.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at this path, made when it is missing.
    pub fn open(root: &Path) -> Result<Folder> {
        fs::create_dir_all(root)?;
        Ok(Folder { root: root.to_owned() })
    }

    /// Keeps bytes under a key, whole or not at all; when it answers they are on the disk.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<()> {
        let path = self.root.join(key);
        blocking(move || {
            let mut draft = Draft::begin(path)?;
            draft.write(&bytes)?;
            draft.finish().map(drop)
        })
        .await
    }

    /// Keeps a stream under a key; `Refused` beyond `most` bytes.
    pub async fn put_stream(
        &self,
        key: &str,
        mut from: impl AsyncRead + Unpin + Send,
        most: u64,
    ) -> Result<Kept> {
        let path = self.root.join(key);
        let mut draft = blocking(move || Draft::begin(path)).await?;
        let mut block = vec![0; BLOCK];
        loop {
            let n = fill(&mut from, &mut block).await.map_err(broken)?;
            within(draft.bytes + n as u64, most)?;
            if n == 0 {
                return blocking(move || draft.finish()).await;
            }
            (draft, block) = blocking(move || draft.write(&block[..n]).map(|()| (draft, block))).await?;
        }
    }

    /// All bytes of a key. `NotFound` without it.
    pub async fn bytes(&self, key: &str) -> Result<Vec<u8>> {
        let path = self.root.join(key);
        blocking(move || fs::read(path).map_err(trouble)).await
    }

    /// The file of a key, open for reading. `NotFound` without it.
    pub async fn file(&self, key: &str) -> Result<File> {
        let path = self.root.join(key);
        blocking(move || {
            let file = File::open(path).map_err(trouble)?;
            if file.metadata()?.is_file() { Ok(file) } else { Err(Error::NotFound) }
        })
        .await
    }

    /// Length, tag and age, or nothing when there is no such key.
    pub async fn stat(&self, key: &str) -> Result<Option<Stat>> {
        let path = self.root.join(key);
        blocking(move || match fs::metadata(path) {
            Ok(meta) => Ok(meta.is_file().then(|| stat(&meta))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(trouble(error)),
        })
        .await
    }

    /// Removes a key; one that is not there is fine.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let path = self.root.join(key);
        blocking(move || match fs::remove_file(&path) {
            Ok(()) => sync_folder(parent(&path)?),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(trouble(error)),
        })
        .await
    }

    /// Whether the folder can be read.
    pub async fn answers(&self) -> Result<()> {
        let root = self.root.clone();
        blocking(move || fs::read_dir(root).map(drop).map_err(|_| Error::Busy(5))).await
    }

    /// Every key that begins with this prefix, page by page.
    pub fn walk(&self, prefix: &str) -> Walker {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let open = vec![self.root.join(folder)];
        Walker { root: self.root.clone(), prefix: prefix.to_owned(), folders: open, entries: None }
    }

    /// Removes unfinished files that were begun before this moment; answers how many.
    pub async fn sweep(&self, before: Timestamp) -> Result<usize> {
        let mut folders = vec![self.root.clone()];
        blocking(move || {
            let mut swept = 0;
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder)? {
                    let entry = entry?;
                    let Ok(meta) = entry.metadata() else { continue };
                    if meta.is_dir() {
                        folders.push(entry.path());
                    } else if is_unfinished(&entry.file_name()) && modified(&meta) < before {
                        swept += usize::from(fs::remove_file(entry.path()).is_ok());
                    }
                }
            }
            Ok(swept)
        })
        .await
    }
}

/// A walk through the folder that can be laid down and taken up.
pub struct Walker {
    root: PathBuf,
    prefix: String,
    folders: Vec<PathBuf>,
    entries: Option<fs::ReadDir>,
}

impl Walker {
    /// The next page; none at the end.
    pub fn page(&mut self) -> Result<Option<Vec<(String, Stat)>>> {
        let mut page = vec![];
        while page.len() < PAGE {
            let Some(entries) = &mut self.entries else {
                let Some(folder) = self.folders.pop() else { break };
                match fs::read_dir(folder) {
                    Ok(entries) => self.entries = Some(entries),
                    Err(error) if is_missing(&error) => {}
                    Err(error) => return Err(trouble(error)),
                }
                continue;
            };
            match entries.next() {
                None => self.entries = None,
                // What vanishes while we look was deleted by somebody, which is fine.
                Some(entry) => {
                    let entry = entry?;
                    let Ok(meta) = entry.metadata() else { continue };
                    self.see(&entry.path(), &meta, &mut page);
                }
            }
        }
        Ok((!page.is_empty()).then_some(page))
    }

    fn see(&mut self, path: &Path, meta: &Metadata, page: &mut Vec<(String, Stat)>) {
        let Some(key) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) else { return };
        if meta.is_dir() {
            let on_the_way = key.starts_with(&self.prefix) || self.prefix.starts_with(&format!("{key}/"));
            if on_the_way {
                self.folders.push(path.to_owned());
            }
        } else if is_key(key) && key.starts_with(&self.prefix) {
            page.push((key.to_owned(), stat(meta)));
        }
    }
}

/// A file that nobody can see yet. Dropped unfinished, it goes away; killed, it stays for the sweep.
struct Draft {
    file: File,
    unfinished: PathBuf,
    to: PathBuf,
    hash: Sha256,
    bytes: u64,
    done: bool,
}

impl Draft {
    fn begin(to: PathBuf) -> Result<Draft> {
        let folder = parent(&to)?;
        make_folders(folder)?;
        let unfinished = folder.join(format!(".{}{UNFINISHED}", crate::secrets::token()?));
        let mut how = fs::OpenOptions::new();
        let file = how.write(true).create_new(true).mode(0o640).open(&unfinished).map_err(trouble)?;
        Ok(Draft { file, unfinished, to, hash: Sha256::new(), bytes: 0, done: false })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(trouble)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<Kept> {
        self.file.sync_all().map_err(trouble)?;
        fs::rename(&self.unfinished, &self.to).map_err(trouble)?;
        self.done = true;
        sync_folder(parent(&self.to)?)?;
        Ok(Kept { bytes: self.bytes, sha256: hex::encode(self.hash.clone().finalize()) })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

/// Reads until the block is full or the stream ends.
async fn fill(from: &mut (impl AsyncRead + Unpin + Send), block: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < block.len() {
        match from.read(&mut block[n..]).await? {
            0 => break,
            more => n += more,
        }
    }
    Ok(n)
}

/// Makes a folder and those above it, and makes their names durable.
fn make_folders(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder)?;
    make_folders(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(trouble(error)),
        _ => sync_folder(above),
    }
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(trouble)
}

fn parent(path: &Path) -> Result<&Path> {
    path.parent().ok_or_else(|| Error::internal("a key outside every folder"))
}

fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(UNFINISHED))
}

fn stat(meta: &Metadata) -> Stat {
    let modified = modified(meta);
    Stat { len: meta.len(), etag: format!("{:x}-{:x}", modified.secs(), meta.len()), modified }
}

pub(super) fn modified(meta: &Metadata) -> Timestamp {
    let since = meta.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Timestamp(since.map_or(0, |since| since.as_millis() as i64))
}

/// A key below another key, or one that others lie below, is as missing as any.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}

#[track_caller]
fn trouble(error: io::Error) -> Error {
    match error.kind() {
        _ if is_missing(&error) => Error::NotFound,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            tracing::error!(%error, "the storage folder is full");
            Error::Busy(60)
        }
        _ => Error::internal(error),
    }
}
