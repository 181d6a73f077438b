//! The indexes that lie on this machine's disk, as anyone may look at them beside the processes that write them.

use std::path::{Path, PathBuf};

use super::feed::Kept;
use super::shelf::{self, VERSION};

/// A process's index at its last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    pub folder: PathBuf,
    /// Everything of the feed up to here is in it.
    pub upto: i64,
    pub tracks: i64,
}

/// Every index below the folder of the search that has read the feed without a gap. What cannot be opened at this
/// moment is not told of: its process builds it anew.
pub fn copies(search: &Path) -> Vec<Copy> {
    shelf::currents(&search.join(VERSION)).into_iter().filter_map(read).collect()
}

fn read(folder: PathBuf) -> Option<Copy> {
    let metas = tantivy::Index::open_in_dir(&folder).ok()?.load_metas().ok()?;
    let kept: Kept = serde_json::from_str(&metas.payload?).ok()?;
    let top = kept.top.map_or(0, |change| change.seq);
    let tracks = metas.segments.iter().map(|segment| i64::from(segment.num_docs())).sum();
    (kept.low == top).then_some(Copy { folder, upto: top, tracks })
}
