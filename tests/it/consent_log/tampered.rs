//! What somebody could do who has the database to themselves, and how it shows.

use cuehouse::clock::HOUR;
use cuehouse::each_db;
use diesel::prelude::*;
use diesel::sql_query;

use super::{Book, holds};
use crate::support::choices::refusals;
use crate::support::shop::NOW;

/// R-RC-2, R-RC-3: the database itself refuses to change or remove an entry, a head or a text that was shown.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_lets_nothing_in_the_log_be_changed() {
    let book = Book::new().await;
    refusals(book.rows(), 3, NOW).await;
    book.signs(NOW).await;
    let mut statements = vec![
        "UPDATE consent_log SET day = '2020-01-01' WHERE seq = 2",
        "DELETE FROM consent_log WHERE seq = 3",
        "UPDATE consent_nodes SET hash = leaf FROM consent_log",
        "DELETE FROM consent_nodes",
        "UPDATE consent_heads SET size = 2",
        "DELETE FROM consent_heads",
        "UPDATE consent_notices SET text = 'Yes to everything'",
        "DELETE FROM consent_notices",
    ];
    match book.db.is_postgres() {
        true => statements.push("TRUNCATE consent_log CASCADE"),
        false => statements.push(
            "INSERT OR REPLACE INTO consent_log SELECT seq, leaf, chain, 'accept', day FROM consent_log WHERE seq = 1",
        ),
    }
    for sql in statements {
        let refused = book
            .rows()
            .write(move |conn| {
                each_db!(conn, |c| sql_query(sql).execute(c))?;
                Ok(())
            })
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("only ever added to"), "{sql}: {refused}");
    }
    holds(&book).await;
}

/// T-RC-4, R-RC-3, S2-12: one byte flipped, a row deleted, swapped, added: the first bad leaf is named.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_the_log_its_first_bad_leaf_is_named() {
    let flip = |what: &str| format!("CASE WHEN {what} LIKE '0%' THEN '1' ELSE '0' END || SUBSTR({what}, 2)");
    let flipped_leaf = format!("UPDATE consent_log SET leaf = {} WHERE seq = 5", flip("leaf"));
    let flipped_chain = format!("UPDATE consent_log SET chain = {} WHERE seq = 6", flip("chain"));
    let flipped_node = format!("UPDATE consent_nodes SET hash = {} WHERE place = 9", flip("hash"));
    let flipped_root = format!("UPDATE consent_heads SET root = {}", flip("root"));
    let made_up = |after: i64| {
        let leaf = flip("leaf");
        let columns = format!("{}, {leaf}, chain, kind, day", after + 1);
        format!("INSERT INTO consent_log SELECT {columns} FROM consent_log WHERE seq = {after}")
    };
    let (amid, behind) = (made_up(4), made_up(10));
    let cases: Vec<(Vec<&str>, &str, &str)> = vec![
        (vec![&flipped_leaf], "consent-log-is-whole", "leaf 5"),
        (vec![&flipped_chain], "consent-log-is-whole", "leaf 6"),
        (vec!["DELETE FROM consent_log WHERE seq = 4"], "consent-log-is-whole", "leaf 4"),
        (vec!["DELETE FROM consent_log WHERE seq = 10"], "consent-log-is-whole", "leaf 10"),
        (
            vec![
                "UPDATE consent_log SET seq = 100 WHERE seq = 3",
                "UPDATE consent_log SET seq = 3 WHERE seq = 7",
                "UPDATE consent_log SET seq = 7 WHERE seq = 100",
            ],
            "consent-log-is-whole",
            "leaf 3",
        ),
        (
            vec![
                "UPDATE consent_log SET seq = seq + 100 WHERE seq > 4",
                "UPDATE consent_log SET seq = seq - 99 WHERE seq > 100",
                &amid,
            ],
            "consent-log-is-whole",
            "leaf 5",
        ),
        (vec![&behind], "consent-log-is-whole", "leaf 11"),
        (vec![&flipped_node], "consent-tree-is-whole", "leaves 5 to 6"),
        (vec!["DELETE FROM consent_nodes WHERE place = 3"], "consent-tree-is-whole", "leaves 1 to 4"),
        (vec!["INSERT INTO consent_nodes VALUES (1023, '00')"], "consent-tree-is-whole", "10 leaves"),
        (vec![&flipped_root], "consent-head-is-signed", "head of 10 leaves"),
        (
            vec!["UPDATE consent_receipts SET body = REPLACE(body, 'refused', 'granted') WHERE seq = 8"],
            "receipt-equals-leaf",
            "leaf 8",
        ),
        (
            vec!["UPDATE consent_receipts SET salt = REPLACE(salt, SUBSTR(salt, 1, 1), 'x') WHERE seq = 2"],
            "receipt-equals-leaf",
            "leaf 2",
        ),
        (vec!["UPDATE consent_log SET kind = 'accept' WHERE seq = 9"], "receipt-equals-leaf", "leaf 9"),
        (vec!["UPDATE consent_notices SET text = 'Yes to everything'"], "notice-is-kept", "notice "),
    ];
    for (statements, rule, about) in cases {
        let book = Book::new().await;
        refusals(book.rows(), 10, NOW).await;
        book.signs(NOW).await;
        holds(&book).await;
        book.tampers(&statements).await;
        let found = book.findings().await;
        let named = found.iter().any(|f| f.rule == rule && f.about.starts_with(about));
        assert!(named, "{statements:?} gave {found:#?}");
    }
}

/// T-RC-4, R-RC-3: a log that was computed anew from its beginning is not the one whose heads were signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_written_anew_contradicts_its_heads() {
    let (book, forger) = (Book::new().await, Book::new().await);
    refusals(book.rows(), 4, NOW).await;
    book.signs(NOW).await;
    refusals(book.rows(), 5, NOW.plus(HOUR)).await;
    book.signs(NOW.plus(HOUR)).await;
    refusals(forger.rows(), 9, NOW).await;
    let rows = |table: &'static str| {
        let db = forger.rows().clone();
        async move {
            db.read(move |conn| {
                let all = cuehouse::db::tables::tables(conn)?;
                let table = all.into_iter().find(|t| t.name == table).unwrap();
                let mut rows: Vec<String> = vec![];
                table.each(conn, |row| {
                    let values = row.iter().map(|cell| match cell {
                        cuehouse::db::tables::Cell::Whole(n) => n.to_string(),
                        cuehouse::db::tables::Cell::Text(text) => format!("'{}'", text.replace('\'', "''")),
                        _ => "NULL".into(),
                    });
                    rows.push(format!(
                        "INSERT INTO {} VALUES ({})",
                        table.name,
                        values.collect::<Vec<_>>().join(",")
                    ));
                    Ok(())
                })?;
                Ok(rows)
            })
            .await
            .unwrap()
        }
    };
    let mut statements: Vec<String> = ["consent_receipts", "consent_nodes", "consent_log"]
        .map(|table| format!("DELETE FROM {table}"))
        .into();
    for table in ["consent_log", "consent_nodes", "consent_receipts"] {
        statements.extend(rows(table).await);
    }
    book.tampers(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let found = book.findings().await;
    assert_eq!((found.len(), found[0].about.as_str()), (1, "leaf 1"), "{found:#?}");
    assert!(found[0].words.contains("leaves 1 to 4"), "{found:#?}");
}
