//! What the shop keeps, why, and when it ends: the retention policy, made of a file that a test holds against the schema.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rocket::get;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::secrets::sha256;
use crate::web::{Page, Reply, View};

static TEXT: &str = include_str!("retention.toml");

/// How something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// By itself.
    Clock,
    /// When somebody who may asks for it.
    Request,
    /// Not at all, and there is a reason.
    Never,
}

/// How long something is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    pub words: String,
    pub ends: Ends,
    /// The file and the function that end it.
    #[serde(default)]
    pub by: Option<String>,
    #[serde(default)]
    pub why: Option<String>,
}

/// A kind of columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    pub words: String,
    /// Whether such a column is about a person.
    pub person: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    table: String,
    name: String,
    why: String,
    kept: String,
    columns: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    written_on: toml::value::Datetime,
    times: BTreeMap<String, Time>,
    classes: BTreeMap<String, Class>,
    table: Vec<RawTable>,
}

/// One column: its class and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub class: String,
    pub kept: String,
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    pub table: String,
    pub name: String,
    pub why: String,
    pub columns: Vec<Column>,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The day this edition was written.
    pub written_on: String,
    /// SHA-256 of the file: another text is another edition.
    pub hash: String,
    pub times: BTreeMap<String, Time>,
    pub classes: BTreeMap<String, Class>,
    pub tables: Vec<Table>,
}

impl Policy {
    /// The policy that is compiled in. The error is everything that is wrong with it.
    pub fn shipped() -> Result<&'static Policy, Vec<String>> {
        static POLICY: LazyLock<Result<Policy, Vec<String>>> = LazyLock::new(|| Policy::read(TEXT));
        POLICY.as_ref().map_err(Clone::clone)
    }

    /// Reads such a file. Each column has a class and a time that the file knows; a time without an end has a reason.
    pub fn read(text: &str) -> Result<Policy, Vec<String>> {
        let raw: Raw = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
        let mut faults = vec![];
        for (id, time) in &raw.times {
            let said = match time.ends {
                Ends::Clock => time.by.is_some(),
                Ends::Never => time.why.is_some(),
                Ends::Request => true,
            };
            if !said {
                faults.push(format!("the time {id} does not say what ends it, or why nothing does"));
            }
        }
        let mut tables = vec![];
        for table in raw.table {
            let mut columns = vec![];
            for word in table.columns.split_whitespace() {
                let (name, rest) = word.split_once(':').unwrap_or((word, ""));
                let (class, kept) = rest.split_once('@').unwrap_or((rest, &table.kept));
                if !raw.classes.contains_key(class) {
                    faults.push(format!("{}.{name} has no class", table.table));
                }
                if !raw.times.contains_key(kept) {
                    faults.push(format!("{}.{name} has no time", table.table));
                }
                columns.push(Column { name: name.into(), class: class.into(), kept: kept.into() });
            }
            tables.push(Table { table: table.table, name: table.name, why: table.why, columns });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Policy {
            written_on: raw.written_on.to_string(),
            hash: sha256(text),
            times: raw.times,
            classes: raw.classes,
            tables,
        })
    }

    /// Columns of the schema, as (table, column), that the policy does not know, and columns it knows that are not there.
    pub fn differences(&self, schema: &[(String, String)]) -> Vec<String> {
        let known: Vec<(String, String)> = self
            .tables
            .iter()
            .flat_map(|t| t.columns.iter().map(|c| (t.table.clone(), c.name.clone())))
            .collect();
        let missing = schema.iter().filter(|column| !known.contains(column));
        let gone = known.iter().filter(|column| !schema.contains(column));
        let mut all: Vec<String> =
            missing.map(|(t, c)| format!("{t}.{c} has no class and no time")).collect();
        all.extend(gone.map(|(t, c)| format!("{t}.{c} is not in the schema")));
        let mut twice = known.clone();
        twice.sort();
        all.extend(twice.windows(2).filter(|two| two[0] == two[1]).map(|two| format!("{:?} twice", two[0])));
        all
    }
}

/// A table that is about people, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub table: String,
    pub name: String,
    pub why: String,
    pub how_long: String,
}

impl Policy {
    /// Every table in which something is about a person, with its times.
    pub fn personal(&self) -> Vec<Kept> {
        let all = self.tables.iter().map(|table| Row::new(self, table)).filter(|row| row.is_personal);
        all.map(|row| {
            let times: Vec<String> = row.kept.into_iter().map(|time| time.words).collect();
            Kept { table: row.table, name: row.name, why: row.why, how_long: times.join("; ") }
        })
        .collect()
    }
}

/// A thing that is kept, as people read it.
#[derive(Clone, Debug, Serialize)]
struct Row {
    table: String,
    name: String,
    why: String,
    kinds: Vec<String>,
    /// Whether anything in it is about a person.
    is_personal: bool,
    kept: Vec<Lasting>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Lasting {
    words: String,
    ends: Ends,
    why: Option<String>,
}

/// `/privacy/retention`.
#[derive(Serialize)]
pub struct RetentionPage {
    written_on: String,
    hash: String,
    rows: Vec<Row>,
}

impl Row {
    fn new(policy: &Policy, table: &Table) -> Row {
        let (mut kinds, mut kept, mut is_personal) = (vec![], vec![], false);
        for column in &table.columns {
            if let Some(class) = policy.classes.get(&column.class) {
                is_personal |= class.person && column.class != "key";
                if !kinds.contains(&class.words) {
                    kinds.push(class.words.clone());
                }
            }
            if let Some(time) = policy.times.get(&column.kept) {
                let one = Lasting { words: time.words.clone(), ends: time.ends, why: time.why.clone() };
                if !kept.contains(&one) {
                    kept.push(one);
                }
            }
        }
        Row {
            table: table.table.clone(),
            name: table.name.clone(),
            why: table.why.clone(),
            kinds,
            is_personal,
            kept,
        }
    }
}

impl RetentionPage {
    fn new(policy: &Policy) -> RetentionPage {
        let mut rows: Vec<Row> = policy.tables.iter().map(|table| Row::new(policy, table)).collect();
        rows.sort_by_key(|row| !row.is_personal);
        RetentionPage { written_on: policy.written_on.clone(), hash: policy.hash.clone(), rows }
    }
}

impl View for RetentionPage {
    const TEMPLATE: &'static str = "consent/retention.html";

    fn samples() -> Vec<RetentionPage> {
        Policy::shipped().map(RetentionPage::new).into_iter().collect()
    }
}

/// What is kept, why and how long, made of the schema's own list.
#[get("/privacy/retention")]
pub fn show(page: Page) -> Result<Reply> {
    let policy = Policy::shipped().map_err(|faults| Error::internal(faults.join("; ")))?;
    page.show(&RetentionPage::new(policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_has_no_fault() {
        let policy = Policy::shipped().unwrap();
        assert!(policy.tables.len() > 30);
        assert!(
            policy.tables.iter().all(|t| !t.why.is_empty() && !t.columns.is_empty()),
            "each says why it is kept"
        );
    }

    /// T-RT-1, R-RT-1: a column without a class or a time is a fault, and so is an end that nobody brings about.
    #[test]
    fn a_policy_with_holes_is_refused() {
        let text = "written_on = 2026-01-01\n[times]\nday = { words = \"a day\", ends = \"clock\", by = \"x\" }\n\
                    [classes]\nkey = { words = \"an id\", person = true }\n[[table]]\ntable = \"t\"\nname = \"T\"\n\
                    why = \"w\"\nkept = \"day\"\ncolumns = \"id:key\"\n";
        let schema = [("t".to_owned(), "id".to_owned())];
        assert!(Policy::read(text).unwrap().differences(&schema).is_empty());
        for (from, to) in [
            ("id:key", "id"),
            ("id:key", "id:other"),
            ("id:key", "id:key@year"),
            ("kept = \"day\"", "kept = \"year\""),
            (", by = \"x\"", ""),
            ("ends = \"clock\", by = \"x\"", "ends = \"never\""),
        ] {
            assert!(Policy::read(&text.replace(from, to)).is_err(), "{to}");
        }
        let policy = Policy::read(text).unwrap();
        let more = [schema[0].clone(), ("t".to_owned(), "email".to_owned())];
        assert_eq!(policy.differences(&more), ["t.email has no class and no time"]);
        assert_eq!(policy.differences(&[]), ["t.id is not in the schema"]);
        let twice = Policy::read(&text.replace("id:key", "id:key id:key")).unwrap();
        assert_eq!(twice.differences(&schema).len(), 1);
    }
}
