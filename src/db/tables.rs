//! Every table as the database itself lists it, read and filled row by row without knowing what it means: what a
//! backup is made of. A table or column that a migration adds is in the next backup without a word here.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::row::{Field, NamedRow};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteType};
use serde_json::{Map, Value};

use super::{Conn, Count};
use crate::each_db;
use crate::error::{Error, Result};

/// Where migrations are remembered; each database keeps its own.
const MIGRATIONS: &str = "__diesel_schema_migrations";
/// Values that one statement may carry: SQLite takes 32,766.
const MOST_VALUES: usize = 30_000;
/// Rows fetched or filled at once.
const BATCH: usize = 1_000;

/// The kinds of columns the shop keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    BigInt,
    Double,
    Bool,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Text(String),
    Whole(i64),
    Double(f64),
    Bool(bool),
}

/// A column, as the schema declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Whether the database counts it up by itself.
    pub counts: bool,
    /// Whether it names another row of the same table.
    pub own: bool,
}

/// A table: its columns in order, and what its rows are known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub key: Vec<String>,
}

/// Lets this transaction take its time: it looks at everything, and nobody waits for it.
pub fn take_time(conn: &mut Conn) -> Result<()> {
    if let Conn::Pg(c) = conn {
        sql_query("SET LOCAL statement_timeout = 0").execute(c)?;
        sql_query("SET LOCAL idle_in_transaction_session_timeout = 0").execute(c)?;
    }
    Ok(())
}

/// Every table of the shop, each after those its rows point to.
pub fn tables(conn: &mut Conn) -> Result<Vec<Table>> {
    let columns: Vec<ColumnRow> = match conn {
        Conn::Pg(c) => sql_query(format!(
            "SELECT c.relname::text AS of_table, a.attname::text AS name, \
                    format_type(a.atttypid, a.atttypmod) AS kind, a.attidentity <> '' AS counts, \
                    COALESCE(a.attnum = ANY (i.indkey::int2[]), FALSE) AS is_key \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
             WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> '{MIGRATIONS}' \
             ORDER BY c.oid, a.attnum"
        ))
        .load(c)?,
        Conn::Sqlite(c) => sql_query(format!(
            "SELECT m.name AS of_table, p.name AS name, lower(p.type) AS kind, \
                    p.pk > 0 AND m.sql LIKE '%' || p.name || ' INTEGER PRIMARY KEY AUTOINCREMENT%' AS counts, \
                    p.pk > 0 AS is_key \
             FROM sqlite_master m JOIN pragma_table_info(m.name) p \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name <> '{MIGRATIONS}' \
             ORDER BY m.rowid, p.cid"
        ))
        .load(c)?,
    };
    let links: Vec<Link> = match conn {
        Conn::Pg(c) => sql_query(
            "SELECT f.relname::text AS from_table, a.attname::text AS name, t.relname::text AS to_table \
             FROM pg_constraint k JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid \
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
             WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace",
        )
        .load(c)?,
        Conn::Sqlite(c) => sql_query(
            "SELECT m.name AS from_table, f.\"from\" AS name, f.\"table\" AS to_table \
             FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        )
        .load(c)?,
    };
    let mut all: Vec<Table> = vec![];
    for row in columns {
        let table = match all.last_mut() {
            Some(last) if last.name == row.of_table => last,
            _ => {
                all.push(Table { name: row.of_table.clone(), columns: vec![], key: vec![] });
                all.last_mut().ok_or_else(|| Error::internal("a table without columns"))?
            }
        };
        if row.is_key {
            table.key.push(row.name.clone());
        }
        let own = |l: &Link| l.from_table == row.of_table && l.to_table == row.of_table && l.name == row.name;
        table.columns.push(Column {
            kind: kind(&row.of_table, &row.name, &row.kind)?,
            counts: row.counts,
            own: links.iter().any(own),
            name: row.name,
        });
    }
    in_order(all, &links)
}

fn kind(table: &str, column: &str, word: &str) -> Result<Kind> {
    Ok(match word {
        "text" => Kind::Text,
        "integer" => Kind::Integer,
        "bigint" => Kind::BigInt,
        "double precision" => Kind::Double,
        "boolean" => Kind::Bool,
        other => {
            return Err(Error::internal(format!("{table}.{column} is of a kind no backup knows: {other}")));
        }
    })
}

/// Each table after those it points to.
fn in_order(all: Vec<Table>, links: &[Link]) -> Result<Vec<Table>> {
    let (mut ordered, mut rest, mut done): (Vec<Table>, Vec<Table>, BTreeSet<String>) =
        (vec![], all, BTreeSet::new());
    while !rest.is_empty() {
        let waits = |table: &Table| {
            links.iter().any(|link| {
                link.from_table == table.name && link.to_table != table.name && !done.contains(&link.to_table)
            })
        };
        let (ready, later): (Vec<Table>, Vec<Table>) = rest.into_iter().partition(|table| !waits(table));
        if ready.is_empty() {
            return Err(Error::internal("tables point to each other in a circle"));
        }
        done.extend(ready.iter().map(|table| table.name.clone()));
        ordered.extend(ready);
        rest = later;
    }
    Ok(ordered)
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    counts: bool,
    #[diesel(sql_type = Bool)]
    is_key: bool,
}

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = Text)]
    from_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    to_table: String,
}

impl Table {
    /// Shows every row, in the order of its key, with memory for a thousand of them.
    pub fn each(&self, conn: &mut Conn, mut see: impl FnMut(&[Cell]) -> Result<()>) -> Result<()> {
        let columns = self.columns.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(", ");
        let from = quoted(&self.name);
        match conn {
            Conn::Sqlite(c) => {
                let order = self.key.iter().map(|k| quoted(k)).collect::<Vec<_>>().join(", ");
                let rows = sql_query(format!("SELECT {columns} FROM {from} ORDER BY {order}"));
                for row in rows.load_iter::<Row, DefaultLoadingMode>(c)? {
                    see(&self.typed(row?))?;
                }
            }
            Conn::Pg(c) => {
                // By code point, as SQLite does, whatever language the server speaks.
                let order = |key: &String| match self.column(key).map(|c| c.kind) {
                    Some(Kind::Text) => format!("{} COLLATE \"C\"", quoted(key)),
                    _ => quoted(key),
                };
                let order = self.key.iter().map(order).collect::<Vec<_>>().join(", ");
                sql_query(format!(
                    "DECLARE every_row NO SCROLL CURSOR FOR SELECT {columns} FROM {from} ORDER BY {order}"
                ))
                .execute(c)?;
                loop {
                    let rows: Vec<Row> = sql_query(format!("FETCH {BATCH} FROM every_row")).load(c)?;
                    if rows.is_empty() {
                        break;
                    }
                    for row in rows {
                        see(&self.typed(row))?;
                    }
                }
                sql_query("CLOSE every_row").execute(c)?;
            }
        }
        Ok(())
    }

    /// SQLite keeps true and false as numbers.
    fn typed(&self, row: Row) -> Vec<Cell> {
        let cell = |(column, cell): (&Column, Cell)| match (column.kind, cell) {
            (Kind::Bool, Cell::Whole(n)) => Cell::Bool(n != 0),
            (_, cell) => cell,
        };
        self.columns.iter().zip(row.0).map(cell).collect()
    }

    /// How many rows it has now.
    pub fn count(&self, conn: &mut Conn) -> Result<i64> {
        let sql = format!("SELECT COUNT(*) AS n FROM {}", quoted(&self.name));
        let count: Count = each_db!(conn, |c| sql_query(&sql).get_result(c))?;
        Ok(count.n)
    }

    /// Its column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Removes every row.
    pub fn clear(&self, conn: &mut Conn) -> Result<()> {
        let sql = format!("DELETE FROM {}", quoted(&self.name));
        each_db!(conn, |c| sql_query(&sql).execute(c))?;
        Ok(())
    }

    /// Puts rows in, given for these columns; a column that is not among them takes its default. Rows may point to
    /// others of the same table in any order.
    pub fn fill(
        &self,
        conn: &mut Conn,
        columns: &[&Column],
        mut rows: impl Iterator<Item = Result<Vec<Cell>>>,
    ) -> Result<()> {
        let most = (MOST_VALUES / columns.len().max(1)).clamp(1, BATCH);
        let mut later: Vec<(Vec<Cell>, usize, Cell)> = vec![];
        let at = |name: &String| columns.iter().position(|column| column.name == *name);
        let key: Vec<usize> = self.key.iter().filter_map(at).collect();
        loop {
            let mut batch: Vec<Cell> = vec![];
            let mut count = 0;
            for row in rows.by_ref().take(most) {
                let mut row = row?;
                for (n, _) in columns.iter().enumerate().filter(|(_, column)| column.own) {
                    if row[n] != Cell::Null {
                        let known_by = key.iter().map(|k| row[*k].clone()).collect();
                        later.push((known_by, n, std::mem::replace(&mut row[n], Cell::Null)));
                    }
                }
                batch.extend(row);
                count += 1;
            }
            if count == 0 {
                break;
            }
            let names = columns.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(", ");
            let sql = format!("INSERT INTO {} ({names}) VALUES ", quoted(&self.name));
            run(conn, sql, columns, batch, count)?;
        }
        for (known_by, n, cell) in later {
            let mut text = Statement::new(conn, format!("UPDATE {} SET ", quoted(&self.name)));
            let mut values = vec![(columns[n].kind, cell)];
            text.place(&format!("{} = ", quoted(&columns[n].name)));
            for (k, cell) in key.iter().zip(known_by) {
                let before = if values.len() == 1 { " WHERE " } else { " AND " };
                text.place(&format!("{before}{} = ", quoted(&columns[*k].name)));
                values.push((columns[*k].kind, cell));
            }
            execute(conn, text.sql, values)?;
        }
        Ok(())
    }

    /// Makes the database count on behind the rows that were put in.
    pub fn count_on(&self, conn: &mut Conn) -> Result<()> {
        // SQLite looks at the rows by itself.
        if let Conn::Pg(c) = conn {
            for column in self.columns.iter().filter(|column| column.counts) {
                let (table, column) = (&self.name, &column.name);
                sql_query(format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), COALESCE(MAX({column}), 1), \
                     MAX({column}) IS NOT NULL) FROM {table}"
                ))
                .execute(c)?;
            }
        }
        Ok(())
    }

    /// A row as one line of JSON, the same from either database. Fractions are text, so that no reader rounds them.
    pub fn line(&self, row: &[Cell]) -> String {
        let value = |cell: &Cell| match cell {
            Cell::Null => Value::Null,
            Cell::Text(text) => Value::String(text.clone()),
            Cell::Whole(n) => Value::from(*n),
            Cell::Double(x) => Value::String(x.to_string()),
            Cell::Bool(is) => Value::Bool(*is),
        };
        let members: Map<String, Value> =
            self.columns.iter().zip(row).map(|(column, cell)| (column.name.clone(), value(cell))).collect();
        Value::Object(members).to_string()
    }
}

/// The values of these columns in a line that `Table::line` made.
pub fn cells(columns: &[&Column], line: &str) -> Result<Vec<Cell>> {
    let mut members: BTreeMap<String, Value> = serde_json::from_str(line)?;
    let cell = |column: &&Column| {
        let value = members.remove(&column.name).unwrap_or(Value::Null);
        Ok(match (column.kind, value) {
            (_, Value::Null) => Cell::Null,
            (Kind::Text, Value::String(text)) => Cell::Text(text),
            (Kind::Bool, Value::Bool(is)) => Cell::Bool(is),
            (Kind::Integer | Kind::BigInt, Value::Number(n)) if n.is_i64() => {
                Cell::Whole(n.as_i64().unwrap_or_default())
            }
            (Kind::Double, Value::String(text)) => Cell::Double(text.parse().map_err(Error::internal)?),
            (kind, value) => {
                return Err(Error::refused(format!("{} is {kind:?} and not {value}", column.name)));
            }
        })
    };
    columns.iter().map(cell).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// SQL in the making, with the next placeholder of its dialect.
struct Statement {
    sql: String,
    next: usize,
    numbered: bool,
}

impl Statement {
    fn new(conn: &Conn, sql: String) -> Statement {
        Statement { sql, next: 1, numbered: matches!(conn, Conn::Pg(_)) }
    }

    fn place(&mut self, before: &str) {
        self.sql.push_str(before);
        match self.numbered {
            true => self.sql.push_str(&format!("${}", self.next)),
            false => self.sql.push('?'),
        }
        self.next += 1;
    }
}

fn run(conn: &mut Conn, sql: String, columns: &[&Column], cells: Vec<Cell>, rows: usize) -> Result<()> {
    let mut text = Statement::new(conn, sql);
    for row in 0..rows {
        for n in 0..columns.len() {
            text.place(match (row, n) {
                (0, 0) => "(",
                (_, 0) => "), (",
                _ => ", ",
            });
        }
    }
    text.sql.push(')');
    let values = cells.into_iter().enumerate().map(|(n, cell)| (columns[n % columns.len()].kind, cell));
    execute(conn, text.sql, values.collect())
}

fn execute(conn: &mut Conn, sql: String, values: Vec<(Kind, Cell)>) -> Result<()> {
    each_db!(conn, |c| {
        let mut query = sql_query(sql).into_boxed();
        for (kind, cell) in values {
            query = match (kind, cell) {
                (Kind::Text, Cell::Text(text)) => query.bind::<Nullable<Text>, _>(Some(text)),
                (Kind::Text, _) => query.bind::<Nullable<Text>, _>(None::<String>),
                (Kind::Integer, Cell::Whole(n)) => {
                    query.bind::<Nullable<Integer>, _>(Some(i32::try_from(n).map_err(Error::internal)?))
                }
                (Kind::Integer, _) => query.bind::<Nullable<Integer>, _>(None::<i32>),
                (Kind::BigInt, Cell::Whole(n)) => query.bind::<Nullable<BigInt>, _>(Some(n)),
                (Kind::BigInt, _) => query.bind::<Nullable<BigInt>, _>(None::<i64>),
                (Kind::Double, Cell::Double(x)) => query.bind::<Nullable<Double>, _>(Some(x)),
                (Kind::Double, _) => query.bind::<Nullable<Double>, _>(None::<f64>),
                (Kind::Bool, Cell::Bool(is)) => query.bind::<Nullable<Bool>, _>(Some(is)),
                (Kind::Bool, _) => query.bind::<Nullable<Bool>, _>(None::<bool>),
            };
        }
        query.execute(c)
    })?;
    Ok(())
}

/// A row as the database says it.
struct Row(Vec<Cell>);

impl QueryableByName<Sqlite> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Row> {
        let cell = |n| {
            let field = diesel::row::Row::get(row, n).ok_or("a row with too few columns")?;
            let Some(value) = field.value() else { return Ok(Cell::Null) };
            Ok(match value.value_type() {
                None => Cell::Null,
                Some(SqliteType::Text) => Cell::Text(<String as FromSql<Text, Sqlite>>::from_sql(value)?),
                Some(SqliteType::Float | SqliteType::Double) => {
                    Cell::Double(<f64 as FromSql<Double, Sqlite>>::from_sql(value)?)
                }
                Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => {
                    Cell::Whole(<i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?)
                }
                Some(other) => return Err(format!("a value of kind {other:?}").into()),
            })
        };
        (0..row.field_count()).map(cell).collect::<deserialize::Result<_>>().map(Row)
    }
}

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Row> {
        let cell = |n| {
            let field = diesel::row::Row::get(row, n).ok_or("a row with too few columns")?;
            let Some(value) = field.value() else { return Ok(Cell::Null) };
            // The numbers PostgreSQL has for its types; they never change.
            Ok(match value.get_oid().get() {
                25 | 1043 => Cell::Text(<String as FromSql<Text, Pg>>::from_sql(value)?),
                20 => Cell::Whole(<i64 as FromSql<BigInt, Pg>>::from_sql(value)?),
                23 => Cell::Whole(<i32 as FromSql<Integer, Pg>>::from_sql(value)?.into()),
                701 => Cell::Double(<f64 as FromSql<Double, Pg>>::from_sql(value)?),
                16 => Cell::Bool(<bool as FromSql<Bool, Pg>>::from_sql(value)?),
                other => return Err(format!("a value of type {other}").into()),
            })
        };
        (0..row.field_count()).map(cell).collect::<deserialize::Result<_>>().map(Row)
    }
}
