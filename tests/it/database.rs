//! Every test has rows of its own, on either database.

use cuehouse::db::schema::marks;
use diesel::prelude::*;

use crate::support::database::{TestDb, server};

#[tokio::test(flavor = "multi_thread")]
async fn each_test_has_a_database_of_its_own() {
    let (one, other) = (TestDb::new().await, TestDb::new().await);
    assert_ne!(one.url, other.url);
    assert_eq!(one.is_postgres(), server().is_some());
    one.db
        .write(|conn| {
            let mark = (marks::name.eq("here"), marks::value.eq("yes"), marks::at.eq(1i64));
            diesel::insert_into(marks::table).values(mark).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    let count = |conn: &mut cuehouse::db::Conn| Ok(marks::table.count().get_result::<i64>(conn)?);
    assert_eq!(one.db.read(count).await.unwrap(), 1);
    assert_eq!(other.db.read(count).await.unwrap(), 0);
}
