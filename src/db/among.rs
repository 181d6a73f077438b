//! One of many words as one value: however many there are, the statement is the same and is read and planned once. A list
//! of so many question marks is another statement for each length, which Diesel does not keep at all.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;

/// Whether a column holds one of these; made by [`among`].
#[derive(Clone, Debug, QueryId)]
pub struct Among<C> {
    column: C,
    /// The words as a list in JSON.
    list: String,
}

/// Whether a column of text holds one of these words. For either dialect by itself (`each_db!`).
pub fn among<'a, C>(column: C, words: impl IntoIterator<Item = &'a str>) -> Among<C> {
    let words = words.into_iter().map(serde_json::Value::from).collect();
    Among { column, list: serde_json::Value::Array(words).to_string() }
}

impl<C: Expression> Expression for Among<C> {
    type SqlType = Bool;
}

impl<C, Q> AppearsOnTable<Q> for Among<C>
where
    C: AppearsOnTable<Q>,
    Among<C>: Expression,
{
}

impl<C, Q> SelectableExpression<Q> for Among<C>
where
    C: SelectableExpression<Q>,
    Among<C>: AppearsOnTable<Q>,
{
}

impl<C: ValidGrouping<G>, G> ValidGrouping<G> for Among<C> {
    type IsAggregate = C::IsAggregate;
}

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.list)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(ARRAY(SELECT json_array_elements_text(");
        out.push_bind_param::<Text, _>(&self.list)?;
        out.push_sql("::json)))");
        Ok(())
    }
}
