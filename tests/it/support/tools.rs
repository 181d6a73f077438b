//! Programs of others that look at our pages: from npm, in the folder that `tests/run` fills.

use std::path::{Path, PathBuf};

/// A file of a package of `tests/strings`. None, openly, where they are not installed.
pub fn package(file: &str) -> Option<String> {
    let Ok(folder) = std::env::var("CUEHOUSE_TEST_NODE") else {
        eprintln!(
            "SKIPPED: CUEHOUSE_TEST_NODE names no folder with the packages of tests/strings (tests/run does)"
        );
        return None;
    };
    let path: PathBuf = [folder.as_str(), "node_modules", file].iter().collect();
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// A file of this repository.
pub fn ours(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
