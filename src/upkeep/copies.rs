//! Bytes from one store to another, with their hashes.

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::error::{Error, Result};
use crate::storage::{Kept, Storage};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// How many bytes a key holds and their SHA-256. `NotFound` when there is no such key.
pub(super) async fn hash(storage: &Storage, key: &str) -> Result<(u64, String)> {
    let source = storage.source(key).await?;
    let mut from = source.reader(0, source.len(), BLOCK);
    let (mut hash, mut block) = (Sha256::new(), vec![0; BLOCK]);
    loop {
        let n = from.read(&mut block).await?;
        if n == 0 {
            return Ok((source.len(), hex::encode(hash.finalize())));
        }
        (hash, block) = tokio::task::spawn_blocking(move || {
            hash.update(&block[..n]);
            (hash, block)
        })
        .await?;
    }
}

/// Copies a key, unless the other store has as many bytes under it already: a key that is there is whole, and its
/// bytes never change.
pub(super) async fn copy(from: &Storage, to: &Storage, key: &str) -> Result<Kept> {
    let source = from.source(key).await?;
    if to.stat(key).await?.is_some_and(|stat| stat.len == source.len()) {
        let (bytes, sha256) = hash(to, key).await?;
        return Ok(Kept { bytes, sha256 });
    }
    let reader = source.reader(0, source.len(), BLOCK);
    to.put_stream(key, reader, u64::MAX, kind(key)).await
}

/// What a key's ending says of its bytes.
fn kind(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, ending)| ending) {
        Some("mp3") => "audio/mpeg",
        Some("wav") => "audio/wav",
        Some("svg") => "image/svg+xml",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

/// A path below a folder with everything written to it on the disk before it has its name.
pub(super) fn write_whole(path: &std::path::Path, bytes: &[u8], mode: u32) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let part = path.with_extension("part");
    let mut how = std::fs::OpenOptions::new();
    let mut file = how.write(true).create(true).truncate(true).mode(mode).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    let folder = path.parent().ok_or_else(|| Error::internal("a file outside every folder"))?;
    Ok(std::fs::File::open(folder)?.sync_all()?)
}
