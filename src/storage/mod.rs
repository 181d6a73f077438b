//! Bytes under a key: a folder, an S3 bucket, or memory for tests.
//!
//! A key that exists is never half written, whatever was killed when. What the bytes mean, and who may have
//! them, is never decided here.

mod bucket;
mod folder;
mod scratch;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::clock::Timestamp;
use crate::error::{Error, Result};

pub use scratch::{Scratch, sweep as sweep_scratch};
pub use source::{Reader, Source};

/// Bytes that travel at once when a whole file is copied; see `Source::reader`.
const BLOCK: usize = 1 << 20;

/// Where the bytes are, from the setting's scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageUrl {
    Folder(PathBuf),
    S3 { bucket: String, prefix: String },
    Memory,
}

impl StorageUrl {
    /// Reads `file:path`, `s3://bucket/prefix` or `memory:`; a prefix obeys the rules of keys.
    pub fn parse(text: &str) -> Option<StorageUrl> {
        if let Some(path) = text.strip_prefix("file:") {
            return (!path.is_empty()).then(|| StorageUrl::Folder(path.into()));
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/').to_owned();
            let fine = !bucket.is_empty() && (prefix.is_empty() || is_key(&prefix));
            return fine.then(|| StorageUrl::S3 { bucket: bucket.to_owned(), prefix });
        }
        (text == "memory:").then_some(StorageUrl::Memory)
    }
}

/// How an S3 service is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Access {
    /// None: Amazon's own for the region.
    pub endpoint: Option<String>,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    pub session_token: Option<String>,
}

impl std::fmt::Debug for S3Access {
    /// Without the secrets: settings end up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Access")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// What is known of a key without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub len: u64,
    /// Changes with the bytes; without quotes. In a folder it is what nginx makes of the same file: the
    /// seconds of its last change and its length, both in hexadecimal.
    pub etag: String,
    pub modified: Timestamp,
}

/// What a stream came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub bytes: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
}

/// The bytes of the shop. Cloning shares the store.
#[derive(Clone)]
pub struct Storage {
    inside: Inside,
    /// Where copies lie that somebody needs as an open file.
    scratch: Arc<Path>,
}

#[derive(Clone)]
enum Inside {
    Folder(Arc<folder::Folder>),
    S3(Arc<bucket::Store>),
    Memory(Memory),
}

type Memory = Arc<Mutex<Held>>;
type Held = BTreeMap<String, (Arc<[u8]>, Timestamp)>;

impl Storage {
    /// Opens a store; a folder is made when it is missing. Nothing is asked of an S3 service yet.
    pub fn open(url: &StorageUrl, access: Option<&S3Access>) -> Result<Storage> {
        let inside = match url {
            StorageUrl::Folder(path) => Inside::Folder(Arc::new(folder::Folder::open(path)?)),
            StorageUrl::Memory => Inside::Memory(Memory::default()),
            StorageUrl::S3 { bucket, prefix } => {
                let access = access.ok_or_else(|| Error::internal("an S3 store needs its keys"))?;
                Inside::S3(Arc::new(bucket::Store::open(bucket, prefix, access)?))
            }
        };
        Ok(Storage { inside, scratch: std::env::temp_dir().into() })
    }

    /// The same store with another folder for its short-lived copies; without, the system's own.
    pub fn with_scratch(mut self, folder: &Path) -> Storage {
        self.scratch = folder.into();
        self
    }

    /// Keeps bytes under a key, whole or not at all; when it answers they are on the disk.
    pub async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>, kind: &str) -> Result<()> {
        let (key, bytes) = (checked(key)?, bytes.into());
        match &self.inside {
            Inside::Folder(folder) => folder.put(key, bytes).await,
            Inside::S3(store) => store.put(key, &bytes, kind).await,
            Inside::Memory(map) => {
                lock(map)?.insert(key.to_owned(), (bytes.into(), Timestamp::now()));
                Ok(())
            }
        }
    }

    /// Keeps a stream under a key, whole or not at all, with flat memory (256 KiB on a folder, three parts of
    /// 5 MiB on S3). More than `most` bytes are `Refused`. An `Error` inside the stream's `io::Error` comes out
    /// as it is.
    pub async fn put_stream(
        &self,
        key: &str,
        from: impl AsyncRead + Unpin + Send,
        most: u64,
        kind: &str,
    ) -> Result<Kept> {
        let key = checked(key)?;
        match &self.inside {
            Inside::Folder(folder) => folder.put_stream(key, from, most).await,
            Inside::S3(store) => store.put_stream(key, from, most, kind).await,
            Inside::Memory(_) => {
                let mut bytes = vec![];
                from.take(most.saturating_add(1)).read_to_end(&mut bytes).await.map_err(broken)?;
                let len = within(bytes.len() as u64, most)?;
                let kept = Kept { bytes: len, sha256: crate::secrets::sha256(&bytes) };
                self.put(key, bytes, kind).await?;
                Ok(kept)
            }
        }
    }

    /// Keeps a copy of a file under a key.
    pub async fn put_file(&self, key: &str, path: &Path, kind: &str) -> Result<Kept> {
        self.put_stream(key, tokio::fs::File::open(path).await?, u64::MAX, kind).await
    }

    /// All bytes of a key: for small things.
    pub async fn bytes(&self, key: &str) -> Result<Vec<u8>> {
        let key = checked(key)?;
        match &self.inside {
            Inside::Folder(folder) => folder.bytes(key).await,
            Inside::S3(store) => store.bytes(key).await,
            Inside::Memory(map) => {
                lock(map)?.get(key).map(|(bytes, _)| bytes.to_vec()).ok_or(Error::NotFound)
            }
        }
    }

    /// Some bytes of a key: `len` from `start`, fewer at the end.
    pub async fn part(&self, key: &str, start: u64, len: u64) -> Result<Vec<u8>> {
        let source = self.source(key).await?;
        let len = len.min(source.len().saturating_sub(start));
        let mut bytes = vec![];
        source.reader(start, len, BLOCK).read_to_end(&mut bytes).await.map_err(broken)?;
        Ok(bytes)
    }

    /// A key opened for reading, by as many readers as wanted.
    pub async fn source(&self, key: &str) -> Result<Source> {
        let key = checked(key)?;
        match &self.inside {
            Inside::Folder(folder) => Source::of_file(folder.file(key).await?),
            Inside::S3(store) => {
                let len = store.stat(key).await?.ok_or(Error::NotFound)?.len;
                Ok(Source::of_store(store.clone(), key, len))
            }
            Inside::Memory(map) => {
                lock(map)?.get(key).map(|(bytes, _)| Source::of_bytes(bytes.clone())).ok_or(Error::NotFound)
            }
        }
    }

    /// Exactly `len` bytes from `start` as a stream; it breaks off with an error where they do not exist.
    pub async fn read_range(&self, key: &str, start: u64, len: u64) -> Result<Reader> {
        Ok(self.source(key).await?.reader(start, len, 256 << 10))
    }

    /// The bytes as an open file, at its first byte and for reading only: the folder's own, or a copy that no
    /// path leads to and that vanishes when it is closed.
    pub async fn file(&self, key: &str) -> Result<std::fs::File> {
        if let Inside::Folder(folder) = &self.inside {
            return folder.file(checked(key)?).await;
        }
        let source = self.source(key).await?;
        let (copy, read) = unlinked_in(&self.scratch)?;
        let mut copy = tokio::fs::File::from_std(copy);
        copy.set_max_buf_size(BLOCK);
        let mut from = source.reader(0, source.len(), BLOCK);
        tokio::io::copy(&mut from, &mut copy).await.map_err(broken)?;
        tokio::io::AsyncWriteExt::flush(&mut copy).await?;
        Ok(read)
    }

    /// Length, tag and age, or nothing when there is no such key.
    pub async fn stat(&self, key: &str) -> Result<Option<Stat>> {
        let key = checked(key)?;
        match &self.inside {
            Inside::Folder(folder) => folder.stat(key).await,
            Inside::S3(store) => store.stat(key).await,
            Inside::Memory(map) => Ok(lock(map)?.get(key).map(|(bytes, at)| stat_of(bytes, *at))),
        }
    }

    /// Whether there are bytes under this key.
    pub async fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.stat(key).await?.is_some())
    }

    /// Removes a key; one that is not there is fine.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let key = checked(key)?;
        match &self.inside {
            Inside::Folder(folder) => folder.delete(key).await,
            Inside::S3(store) => store.delete(key).await,
            Inside::Memory(map) => {
                lock(map)?.remove(key);
                Ok(())
            }
        }
    }

    /// Every key that begins with this prefix, in order. Holds all of them: see `pages` for a whole shop.
    pub async fn list(&self, prefix: &str) -> Result<Vec<(String, Stat)>> {
        let mut pages = self.pages(prefix)?;
        let mut all = vec![];
        while let Some(page) = pages.next().await? {
            all.extend(page);
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all)
    }

    /// Every key that begins with this prefix, about a thousand at a time and in no order.
    pub fn pages(&self, prefix: &str) -> Result<Pages> {
        // A prefix ends anywhere: `masters/` and `masters/0` are as good as a whole key.
        if !prefix.is_empty() {
            checked(&format!("{prefix}0"))?;
        }
        Ok(Pages(match &self.inside {
            Inside::Folder(folder) => Walk::Folder(Some(Box::new(folder.walk(prefix)))),
            Inside::S3(store) => Walk::S3(store.walk(prefix)),
            Inside::Memory(map) => {
                let all = lock(map)?;
                let under = all.iter().filter(|(key, _)| key.starts_with(prefix));
                Walk::Memory(Some(under.map(|(key, (b, at))| (key.clone(), stat_of(b, *at))).collect()))
            }
        }))
    }

    /// Removes what writers left behind that were killed before this moment; no key names any of it.
    /// Answers how many.
    pub async fn sweep(&self, before: Timestamp) -> Result<usize> {
        match &self.inside {
            Inside::Folder(folder) => folder.sweep(before).await,
            Inside::S3(store) => store.sweep(before).await,
            Inside::Memory(_) => Ok(0),
        }
    }

    /// Whether the store answers at all: what `/readyz` wants to know.
    pub async fn answers(&self) -> Result<()> {
        match &self.inside {
            Inside::Folder(folder) => folder.answers().await,
            Inside::S3(store) => store.answers().await,
            Inside::Memory(_) => Ok(()),
        }
    }

    /// An address where the store itself serves the key to a GET for so many seconds, under this type and
    /// `Content-Disposition`; none where bytes are not in an S3 service.
    pub async fn signed_url(
        &self,
        key: &str,
        secs: u32,
        kind: &str,
        disposition: Option<&str>,
    ) -> Result<Option<String>> {
        match &self.inside {
            Inside::S3(store) => store.signed_url(checked(key)?, secs, kind, disposition).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Where every signed address leads; none where bytes are not in an S3 service.
    pub fn signed_under(&self) -> Option<String> {
        match &self.inside {
            Inside::S3(store) => Some(store.address()),
            _ => None,
        }
    }

    /// Whether the bytes are files of this machine, which a proxy can send by itself.
    pub fn is_folder(&self) -> bool {
        matches!(self.inside, Inside::Folder(_))
    }
}

/// The keys of a store, page by page.
pub struct Pages(Walk);

enum Walk {
    Folder(Option<Box<folder::Walker>>),
    S3(bucket::Walker),
    Memory(Option<Vec<(String, Stat)>>),
}

impl Pages {
    /// The next page; none at the end. A page may be empty without being the last.
    pub async fn next(&mut self) -> Result<Option<Vec<(String, Stat)>>> {
        match &mut self.0 {
            Walk::Folder(walker) => {
                let Some(mut walking) = walker.take() else { return Ok(None) };
                let (walking, page) = blocking(move || walking.page().map(|page| (walking, page))).await?;
                if page.is_some() {
                    *walker = Some(walking);
                }
                Ok(page)
            }
            Walk::S3(walker) => walker.page().await,
            Walk::Memory(all) => Ok(all.take()),
        }
    }
}

/// Whether a key is made of what every store takes: `[a-z0-9._/-]`, at most 300, no step empty or begun by a dot.
pub fn is_key(key: &str) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._/-".contains(&b);
    key.len() <= 300
        && key.bytes().all(fine)
        && key.split('/').all(|step| !step.is_empty() && !step.starts_with('.') && !step.contains(".."))
}

#[track_caller]
fn checked(key: &str) -> Result<&str> {
    if is_key(key) { Ok(key) } else { Err(Error::internal(format!("{key:?} is no key"))) }
}

/// A file that no path leads to and that vanishes when it is closed, twice: for writing, and for reading only, so that
/// a jailed reader cannot change it.
fn unlinked_in(folder: &Path) -> Result<(std::fs::File, std::fs::File)> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = folder.join(format!("cuehouse-{}", crate::secrets::token()?));
    let mut how = std::fs::OpenOptions::new();
    let file = how.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    let read = std::fs::File::open(&path);
    std::fs::remove_file(&path)?;
    Ok((file, read?))
}

/// Work that waits for the disk, away from the async threads.
#[track_caller]
fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    let task = tokio::task::spawn_blocking(work);
    async move { task.await? }
}

fn lock(map: &Memory) -> Result<MutexGuard<'_, Held>> {
    map.lock().map_err(|_| Error::internal("a writer of the memory store panicked"))
}

fn stat_of(bytes: &[u8], modified: Timestamp) -> Stat {
    Stat { len: bytes.len() as u64, etag: hex::encode(Sha256::digest(bytes)), modified }
}

/// The length, when it is within the bound that the shop set.
fn within(bytes: u64, most: u64) -> Result<u64> {
    if bytes <= most {
        return Ok(bytes);
    }
    Err(Error::refused(format!("The file is larger than {} MB, the most this shop takes.", most / 1_000_000)))
}

/// What a stream's end before its end means: our own error if it carries one.
#[track_caller]
fn broken(error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(error) => Error::internal(format!("a stream broke off: {error}")),
    }
}

#[cfg(test)]
mod tests;
