//! What `docs/requirements.md` says is done names a test that is there.

use std::collections::BTreeSet;
use std::path::Path;

fn ids_in(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| {
        let bytes = word.as_bytes();
        bytes.len() == 5
            && bytes[0] == b'S'
            && bytes[2] == b'-'
            && [1, 3, 4].iter().all(|at| bytes[*at].is_ascii_digit())
    })
}

fn sources(folder: &Path, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn what_is_called_done_has_a_test_and_what_has_a_test_is_not_called_later() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    sources(&root.join("tests/it"), &mut files);
    sources(&root.join("src"), &mut files);
    let comments = files.iter().flat_map(|f| f.lines()).filter(|line| line.trim_start().starts_with("///"));
    let tested: BTreeSet<&str> = comments.flat_map(ids_in).collect();
    let page = std::fs::read_to_string(root.join("docs/requirements.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| S")).collect();
    assert_eq!(rows.len(), 231);
    for row in rows {
        let id = ids_in(row).next().unwrap();
        let later = row.ends_with("| later |");
        assert_eq!(tested.contains(id), !later, "{row}");
    }
}
