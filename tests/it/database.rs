//! Every test has rows of its own, on either database.

use cuehouse::Error;
use cuehouse::db::Conn;
use cuehouse::db::schema::marks;
use diesel::prelude::*;

use crate::support::database::{TestDb, server};

#[tokio::test(flavor = "multi_thread")]
async fn each_test_has_a_database_of_its_own() {
    let (one, other) = (TestDb::new().await, TestDb::new().await);
    assert_ne!(one.url, other.url);
    assert_eq!(one.is_postgres(), server().is_some());
    one.db.write(|conn| mark(conn, "here", "yes")).await.unwrap();
    let count = |conn: &mut cuehouse::db::Conn| Ok(marks::table.count().get_result::<i64>(conn)?);
    assert_eq!(one.db.read(count).await.unwrap(), 1);
    assert_eq!(other.db.read(count).await.unwrap(), 0);
}

fn mark(conn: &mut Conn, name: &str, value: &str) -> cuehouse::Result<()> {
    let mark = (marks::name.eq(name), marks::value.eq(value), marks::at.eq(1i64));
    diesel::insert_into(marks::table).values(mark).execute(conn)?;
    Ok(())
}

async fn marked(db: &TestDb) -> Vec<String> {
    let names = db.db.read(|conn| Ok(marks::table.select(marks::name).order(marks::name).load(conn)?));
    names.await.unwrap()
}

/// Changes that come at once share a commit on SQLite; what fails, panics or breaks a rule of the table in the midst of
/// them, after it wrote and in a transaction of its own too, leaves nothing and takes nothing of its neighbours along.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_is_undone_alone() {
    let test = TestDb::new().await;
    for round in 0..4 {
        let changes = (0..96).map(|n| {
            let db = test.db.clone();
            tokio::spawn(async move {
                let done = db.write(move |conn| {
                    mark(conn, &format!("{round}.{n:02}"), "made")?;
                    match n % 12 {
                        3 => Err(Error::conflict("not this one")),
                        6 => mark(conn, &format!("{round}.{n:02}"), "twice"),
                        8 => conn.transaction(|conn| {
                            mark(conn, &format!("{round}.{n:02} within"), "made")?;
                            panic!("and not this one")
                        }),
                        _ => Ok(()),
                    }
                });
                (n, done.await.is_ok())
            })
        });
        for change in changes.collect::<Vec<_>>() {
            let (n, is_made) = change.await.unwrap();
            assert_eq!(is_made, ![3, 6, 8].contains(&(n % 12)), "{round}.{n}");
        }
    }
    let wanted = (0..4).flat_map(|round| (0..96).map(move |n| (round, n)));
    let wanted = wanted.filter(|(_, n)| ![3, 6, 8].contains(&(n % 12)));
    assert_eq!(marked(&test).await, wanted.map(|(round, n)| format!("{round}.{n:02}")).collect::<Vec<_>>());
}

/// A disk that was full for a while: the changes of that while are refused, and the next ones are made. Only SQLite can
/// be told that its disk is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_it_cannot_hold_and_nothing_after_it() {
    let test = TestDb::new().await;
    if test.is_postgres() {
        return;
    }
    test.db.write(|conn| mark(conn, "before", "")).await.unwrap();
    let written = |name, pages: i64| {
        test.db.write(move |conn| {
            diesel::sql_query(format!("PRAGMA max_page_count = {pages}")).execute(conn)?;
            mark(conn, name, &"x".repeat(1 << 20))
        })
    };
    for name in ["too much", "still too much"] {
        let why = format!("{:?}", written(name, 1).await.unwrap_err());
        assert!(why.contains("full"), "{why}");
    }
    written("later", 1 << 30).await.unwrap();
    assert_eq!(marked(&test).await, ["before", "later"]);
}
