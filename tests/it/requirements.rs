//! What `docs/requirements.md` says is done names a test that is there, and the test names what it proves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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

/// The state of a row of the consent and age plans, and the files that it names.
struct Row<'a> {
    id: &'a str,
    state: &'a str,
    files: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Row<'a>> {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (id, _, state) = (cells.next()?, cells.next()?, cells.next()?);
        let is_id = id.starts_with("R-") && id.split('-').count() == 3;
        let files = state.split('`').skip(1).step_by(2).filter(|name| name.contains('/')).collect();
        is_id.then_some(Row { id, state, files })
    }
}

/// A file, or everything in a folder.
fn files_of(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let inside = std::fs::read_dir(path).unwrap().flatten();
    inside.flat_map(|entry| files_of(&entry.path())).collect()
}

/// Whether a doc comment of this text names a row: by its id, or by a part of it such as `R-CN-8a`.
fn names(text: &str, id: &str) -> bool {
    let comments = text.lines().filter(|line| line.trim_start().starts_with("///"));
    comments.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')).any(|word| {
        let rest = word.strip_prefix(id);
        rest.is_some_and(|rest| rest.len() <= 1 && rest.bytes().all(|b| b.is_ascii_lowercase()))
    })
}

#[test]
fn a_row_of_a_plan_that_is_done_stands_in_a_test_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/requirements.md")).unwrap();
    let rows: Vec<Row<'_>> =
        page.lines().filter(|line| line.starts_with("| R-")).filter_map(Row::read).collect();
    assert_eq!(
        rows.len(),
        page.lines().filter(|line| line.starts_with("| R-")).count(),
        "every row can be read"
    );
    assert!(rows.len() >= 98, "{} rows", rows.len());
    let mut faults = vec![];
    for row in &rows {
        let is_known =
            ["done: ", "partly: ", "partly, ", "later"].iter().any(|state| row.state.starts_with(state));
        let gone: Vec<_> = row.files.iter().filter(|file| !root.join(file).exists()).collect();
        if !is_known || !gone.is_empty() {
            faults.push(format!("{}: {} {gone:?}", row.id, row.state));
        }
        let mut texts = row.files.iter().flat_map(|file| files_of(&root.join(file)));
        let is_named = texts.any(|file| std::fs::read_to_string(file).is_ok_and(|text| names(&text, row.id)));
        if row.state.starts_with("done") && !is_named {
            faults.push(format!("{} is called done, and no file it names proves it", row.id));
        }
    }
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len(), "an id has one row");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_id_is_not_taken_for_another() {
    for (text, id, is) in [
        ("/// R-CN-1: x", "R-CN-1", true),
        ("/// T-CN-1, R-CN-8b, R-CN-12.", "R-CN-8", true),
        ("/// R-CN-12: x", "R-CN-1", false),
        ("// R-CN-1: x", "R-CN-1", false),
        ("fn x() {} // R-CN-1", "R-CN-1", false),
        ("    /// a\n    /// (R-EN-8).", "R-EN-8", true),
    ] {
        assert_eq!(names(text, id), is, "{text} {id}");
    }
}
