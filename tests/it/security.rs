//! The security programme: somebody is named, somebody looks once a year, and what they found is written down.

use std::collections::BTreeSet;
use std::path::Path;

use cuehouse::clock::DAY;
use cuehouse::db::schema::security_reviews;
use diesel::prelude::*;

use crate::support::app::TestApp;
use crate::support::browser::Browser;

async fn front(admin: &mut Browser) -> String {
    admin.get("/admin").await.is(200).text()
}

const LOOK: &[(&str, &str)] = &[
    ("area", "access"),
    ("area", "providers"),
    ("area", "children"),
    ("found", "Two accounts of people who left were closed."),
];

/// T-RT-2, R-RT-2: the yearly record of the programme exists, by a named coordinator; a year later the staff are reminded.
#[tokio::test(flavor = "multi_thread")]
async fn the_staff_look_once_a_year_and_write_down_what_they_found() {
    let app = TestApp::with(&[
        ("CUEHOUSE_SECURITY_COORDINATOR", "Ines Morrow"),
        ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"),
        ("CUEHOUSE_VENDORS", "ga4=G-TEST"),
    ])
    .await;
    let mut ada = app.admin().await;
    app.reviewer().await.get("/admin/security").await.is(403);
    assert!(front(&mut ada).await.contains("nobody looked yet"));
    let page = ada.get("/admin/security").await.is(200);
    for words in
        ["Ines Morrow coordinates", "Nobody looked yet", "Google Analytics 4", "None known", "16 CFR 312.8"]
    {
        assert!(page.has(words), "{words} in {}", page.text());
    }
    let at = "/admin/security";
    // Something is looked at, something is said of it; where children are, their data belongs to it.
    ada.send(at, at, &[("found", "Nothing.")]).await.is(422);
    ada.send(at, at, &[("area", "access"), ("found", "Nothing.")]).await.is(422);
    assert!(ada.send(at, at, &LOOK[..3]).await.is(422).has("Say what was found"));
    ada.send(at, at, LOOK).await.is(303);
    let page = ada.get(at).await.is(200);
    assert!(page.has("people who left") && page.has("next due on") && page.has("Children’s data"));
    assert!(front(&mut ada).await.contains("next due on"));
    // A year passed.
    app.app
        .db
        .write(|conn| {
            diesel::update(security_reviews::table)
                .set((
                    security_reviews::at.eq(security_reviews::at - 366 * DAY),
                    security_reviews::due_at.eq(security_reviews::due_at - 366 * DAY),
                ))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    assert!(front(&mut ada).await.contains("look is due: the last was on"));
    ada.send(at, at, LOOK).await.is(303);
    let both: i64 =
        app.app.db.read(|conn| Ok(security_reviews::table.count().get_result(conn)?)).await.unwrap();
    assert_eq!(both, 2, "what is written stays");
    assert!(front(&mut ada).await.contains("next due on"));
}

/// T-RT-2, R-RT-2: without a name nothing is written down.
#[tokio::test(flavor = "multi_thread")]
async fn a_programme_without_a_coordinator_is_none() {
    let app = TestApp::new().await;
    let mut ada = app.admin().await;
    assert!(front(&mut ada).await.contains("Nobody is named"));
    let seen = ada.send("/admin/security", "/admin/security", LOOK).await.is(422);
    assert!(seen.has("security.coordinator"));
}

/// S0-26: the controls of `docs/security.md` are of all three kinds, and each names a test that is there.
#[test]
fn each_control_names_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let table =
        page.split("## Controls, and the test of each").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    let mut kinds = BTreeSet::new();
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let &[kind, control, tests] = cells.as_slice() else { panic!("{row}") };
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!control.is_empty() && !named.is_empty(), "{row}");
        for file in named {
            let text = std::fs::read_to_string(root.join(file));
            assert!(text.is_ok_and(|text| text.contains("assert")), "{file} tests nothing: {row}");
        }
        kinds.insert(kind);
    }
    assert_eq!(kinds, ["physical", "procedural", "technical"].into());
    assert!(rows.len() >= 18, "{} controls", rows.len());
}
