//! The retention policy: every column of the live schema has a class and a time, and the page shows all of it.

use std::path::Path;

use cuehouse::consent::retention::{Ends, Policy};
use cuehouse::db::tables;

use crate::support::app::TestApp;

/// T-RT-1, R-RT-1, S0-19: the policy equals the schema of the database that runs; a column without a class and a time
/// fails here. The page is made of it and is found from the privacy page.
#[tokio::test(flavor = "multi_thread")]
async fn every_column_has_a_class_and_a_time() {
    let app = TestApp::new().await;
    let schema: Vec<(String, String)> = app
        .app
        .db
        .read(|conn| {
            let all = tables::tables(conn)?;
            Ok(all
                .into_iter()
                .flat_map(|t| t.columns.into_iter().map(move |c| (t.name.clone(), c.name)))
                .collect())
        })
        .await
        .unwrap();
    assert!(schema.len() > 200, "{}", schema.len());
    let policy = Policy::shipped().unwrap();
    assert_eq!(policy.differences(&schema), Vec::<String>::new());
    // It would see a column that somebody adds.
    let mut more = schema.clone();
    more.push(("users".into(), "shoe_size".into()));
    assert_eq!(policy.differences(&more), ["users.shoe_size has no class and no time"]);
    let mut visitor = app.visitor();
    assert!(visitor.get("/privacy").await.is(200).has("href=\"/privacy/retention\""));
    let page = visitor.get("/privacy/retention").await.is(200);
    for table in &policy.tables {
        assert!(page.has(&format!("data-table=\"{}\"", table.table)), "{}", table.table);
    }
    assert!(page.has(&policy.written_on) && page.has(&policy.hash[..16]), "it is an edition");
}

/// Every source file but one.
fn sources(folder: &Path, but: &Path, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, but, out);
        } else if path != but && path.extension().is_some_and(|e| e == "rs") {
            out.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// T-RT-1, R-RT-1, S0-27, S1-36, S2-49: what is said to end by itself is ended by a function that is there and that the
/// calendar calls.
#[test]
fn what_ends_by_itself_is_ended_by_somebody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policy = Policy::shipped().unwrap();
    let clocks = policy.times.values().filter(|time| time.ends == Ends::Clock);
    let mut count = 0;
    for time in clocks {
        let by = time.by.as_deref().unwrap();
        let (file, function) = by.split_once(' ').unwrap();
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(
            text.contains(&format!("pub fn {function}("))
                || text.contains(&format!("pub async fn {function}(")),
            "{by}"
        );
        // Somebody calls it: by its room's name, or on what it ends.
        let file_of = Path::new(file.strip_suffix("/mod.rs").unwrap_or(file));
        let room = file_of.file_stem().unwrap().to_str().unwrap();
        let calls = [format!("{room}::{function}("), format!(".{function}(conn")];
        let mut others = vec![];
        sources(&root.join("src"), &root.join(file), &mut others);
        let called = others.iter().any(|text| calls.iter().any(|call| text.contains(call.as_str())));
        assert!(called, "nobody calls {by}");
        count += 1;
    }
    assert!(count >= 8);
}
