//! Collecting bytes that no row names: what a killed process left behind, what was replaced.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde::Serialize;

use super::named::{Walk, in_the_making, named_now};
use super::{Meter, Shop};
use crate::clock::{DAY, Timestamp};
use crate::error::Result;
use crate::storage::sweep_scratch;

/// Bytes younger than this are left alone: their row may be on its way.
pub const GRACE: i64 = DAY;

/// What was collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Keys that were looked at.
    pub seen: u64,
    /// Keys that were removed, and their bytes.
    pub keys: u64,
    pub bytes: u64,
    /// Writings that were broken off and swept.
    pub unfinished: u64,
}

/// Which keys rows name, as hashes: eight bytes a key. Two keys with one hash keep an orphan, never lose a file.
pub(super) struct Keys {
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl Keys {
    pub(super) async fn read(shop: &Shop, meter: &Meter) -> Result<Keys> {
        let mut keys = Keys { hasher: RandomState::new(), hashes: vec![] };
        let mut walk = Walk::new();
        while let Some(page) = walk.next(&shop.db).await? {
            meter.more(page.len());
            keys.hashes.extend(page.iter().map(|named| keys.hasher.hash_one(&named.key)));
        }
        keys.hashes.sort_unstable();
        Ok(keys)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.hashes.binary_search(&self.hasher.hash_one(key)).is_ok()
    }
}

/// Removes every key that no row names and that is older than a day, page by page, and what writers left behind that
/// were killed before then. Works beside everything else.
pub async fn collect(shop: &Shop, now: Timestamp, meter: &Meter) -> Result<Collected> {
    let before = now.plus(-GRACE);
    let data_dir = shop.data_dir.clone();
    let scratch = tokio::task::spawn_blocking(move || sweep_scratch(&data_dir, before)).await??;
    let unfinished = (shop.storage.sweep(before).await? + scratch) as u64;
    let mut done = Collected { unfinished, ..Collected::default() };
    meter.says("reading what rows name");
    let keys = Keys::read(shop, meter).await?;
    meter.says("looking through storage");
    let mut pages = shop.storage.pages("")?;
    while let Some(page) = pages.next().await? {
        meter.more(page.len());
        done.seen += page.len() as u64;
        let orphans: Vec<(String, u64)> = page
            .into_iter()
            .filter(|(key, stat)| stat.modified < before && !keys.has(key))
            .map(|(key, stat)| (key, stat.len))
            .collect();
        for (key, len) in unnamed(shop, orphans).await? {
            tracing::info!(key, len, "no row names these bytes; they are removed");
            shop.storage.delete(&key).await?;
            done.keys += 1;
            done.bytes += len;
        }
    }
    Ok(done)
}

/// Those of these keys that no row names now, a last time before they go.
pub(super) async fn unnamed(shop: &Shop, orphans: Vec<(String, u64)>) -> Result<Vec<(String, u64)>> {
    if orphans.is_empty() {
        return Ok(orphans);
    }
    let keys: Vec<String> = orphans.iter().map(|(key, _)| key.clone()).collect();
    let (named, making) =
        shop.db.read(move |conn| Ok((named_now(conn, &keys)?, in_the_making(conn, &keys)?))).await?;
    Ok(orphans.into_iter().filter(|(key, _)| !named.contains(key) && !making.contains(key)).collect())
}
