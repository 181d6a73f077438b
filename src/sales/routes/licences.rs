//! What licences permit: all tiers side by side, and the exact text of each edition.

use rocket::http::{ContentType, Status};
use rocket::{State, get};
use serde::Serialize;
use serde_json::Value;

use crate::App;
use crate::error::{Error, Result};
use crate::money::Cents;
use crate::sales::edition::Edition;
use crate::sales::scope::{Clause, Field, Medium};
use crate::sales::tier::{self, Tier};
use crate::sales::{credential, words};
use crate::web::{Page, Reply, View};

/// `/licences`.
#[derive(Serialize)]
pub struct Tiers {
    pub tiers: Vec<Column>,
    /// Where a work may appear: a name, and for each tier whether it may.
    pub media: Vec<Medial>,
    /// The other fields that tell tiers apart.
    pub rows: Vec<Row>,
    /// What no tier permits.
    pub never: Vec<&'static str>,
}

/// A tier as it stands beside the others.
#[derive(Serialize)]
pub struct Column {
    pub slug: String,
    pub name: String,
    pub summary: String,
    pub href: String,
    pub may_use_in: String,
    pub up_to: String,
    pub sentence: String,
    /// What it costs unless the uploader says otherwise; none: on request.
    pub price: Option<Cents>,
    pub on_request: bool,
}

/// A medium, tier by tier.
#[derive(Serialize)]
pub struct Medial {
    pub name: String,
    pub may: Vec<bool>,
}

/// A field, tier by tier, in a few words and as its sentence.
#[derive(Serialize)]
pub struct Row {
    pub name: &'static str,
    pub cells: Vec<Cell>,
}

/// What one tier says in one field.
#[derive(Serialize)]
pub struct Cell {
    pub short: String,
    pub words: String,
}

/// The fields of the table, by what people call them.
const ROWS: &[(Field, &str)] = &[
    (Field::Works, "Works"),
    (Field::SeriesEpisodesMax, "Episodes of a series"),
    (Field::SeriesMonthsMax, "Months of a series"),
    (Field::CopiesMax, "Copies and downloads"),
    (Field::StreamsMax, "Plays online"),
    (Field::AudienceMax, "People on air"),
    (Field::AdSpendCentsMax, "Spent on placing it as an advert"),
    (Field::BudgetCentsMax, "Budget of the work"),
    (Field::StaffMax, "Staff of the licensee"),
    (Field::Seats, "People who handle the files"),
    (Field::ChannelsMax, "Channels per platform"),
    (Field::Territory, "On air in"),
    (Field::Term, "For"),
    (Field::ClientPassing, "Work for clients"),
    (Field::Alteration, "Changes"),
    (Field::Attribution, "Credit line"),
    (Field::ResultClaiming, "Claim systems"),
    (Field::PerformanceRight, "Performance right"),
    (Field::IndemnityCents, "Indemnity"),
    (Field::Files, "Files"),
    (Field::Exclusive, "Sole use"),
];

impl Tiers {
    fn new(editions: &[Edition], indemnity: bool) -> Tiers {
        let all: Vec<Vec<Clause>> =
            editions.iter().map(|e| credential::clauses(&e.tier, indemnity)).collect();
        let media = Medium::ALL.iter().map(|medium| Medial {
            name: words::capital(medium.words()),
            may: editions.iter().map(|e| e.tier.scope.media.has(*medium)).collect(),
        });
        let row = |(field, name): &(Field, &'static str)| Row {
            name,
            cells: all
                .iter()
                .filter_map(|clauses| clauses.iter().find(|c| c.field == *field))
                .map(Cell::of)
                .collect(),
        };
        Tiers {
            tiers: editions.iter().map(|e| Column::of(&e.tier)).collect(),
            media: media.collect(),
            rows: ROWS.iter().map(row).collect(),
            never: tier::NEVER.to_vec(),
        }
    }
}

impl Column {
    fn of(tier: &Tier) -> Column {
        Column {
            slug: tier.slug.clone(),
            name: tier.name.clone(),
            summary: tier.summary.clone(),
            href: format!("/licences/{}", tier.slug),
            may_use_in: tier.scope.may_use_in(),
            up_to: tier.scope.up_to(),
            sentence: tier.scope.sentence(),
            price: tier.price_cents,
            on_request: tier.on_request,
        }
    }
}

impl Cell {
    fn of(clause: &Clause) -> Cell {
        Cell { short: short(clause), words: clause.words.clone() }
    }
}

/// A value in a few words: no limit, none, a figure, or the word of an enum.
fn short(clause: &Clause) -> String {
    let figure = |n: i64| match clause.field {
        Field::AdSpendCentsMax | Field::BudgetCentsMax | Field::IndemnityCents => Cents(n).show("usd"),
        _ => crate::money::grouped(n.unsigned_abs()),
    };
    match &clause.value {
        Value::Null => "No limit".into(),
        Value::Bool(is) => if *is { "Yes" } else { "No" }.into(),
        Value::Number(n) => match n.as_i64() {
            Some(0) | None => "None".into(),
            Some(n) => figure(n),
        },
        Value::String(word) => named(clause.field, word).to_owned(),
        Value::Array(words) => {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(file).collect();
            if words.is_empty() { "None".into() } else { words.join(", ") }
        }
        Value::Object(of) => of
            .iter()
            .map(|(kind, n)| match (kind.as_str(), n.as_i64()) {
                ("groups", Some(1)) => "One territory".to_owned(),
                ("groups", Some(n)) => format!("{n} territories"),
                ("months", Some(n)) => format!("{n} months"),
                _ => kind.clone(),
            })
            .collect(),
    }
}

fn file(kind: &str) -> String {
    match kind {
        "mp3" => "MP3".into(),
        "wav" => "master, WAV".into(),
        other => other.to_owned(),
    }
}

fn named(field: Field, word: &str) -> &str {
    match (field, word) {
        (_, "quote") => "By quote",
        (Field::Works, "series") => "One, or one series",
        (Field::Works, "one") => "One",
        (Field::Works, "any") => "Any number",
        (Field::Alteration, "edit") => "Cut, loop, fade",
        (Field::Alteration, "sample") => "Build new music of it",
        (Field::ClientPassing, "one") => "One client",
        (Field::ClientPassing, "many") => "Any client",
        (Field::Attribution, "required") => "Required",
        (Field::Attribution, _) => "Not required",
        (Field::ResultClaiming, "forbidden") => "Forbidden",
        (Field::ResultClaiming, _) => "Allowed",
        (Field::PerformanceRight, "as_track") => "Unless a society manages it",
        (Field::PerformanceRight, "excluded") => "Not included",
        (Field::PerformanceRight, _) => "Included",
        (Field::Territory, "worldwide") => "Everywhere",
        (Field::Territory, "none") => "Nowhere",
        (Field::Term, "perpetual") => "For ever",
        (Field::Term, "while_subscribed") => "While subscribed",
        (_, "none") => "None",
        (_, other) => other,
    }
}

/// The tiers on sale, side by side.
#[get("/licences")]
pub async fn index(page: Page, app: &State<App>) -> Result<Reply> {
    let editions = app.db.read(Edition::on_sale).await?;
    page.show(&Tiers::new(&editions, app.config.indemnity))
}

/// `/licences/<tier>` and each of its editions.
#[derive(Serialize)]
pub struct ShowEdition {
    pub tier: Column,
    pub number: i32,
    pub since: crate::clock::Timestamp,
    pub terms_hash: String,
    pub text_href: String,
    pub sections: Vec<Section>,
    /// The same for programs, as it stands at the end of the text.
    pub programs: String,
    /// Whether this is the one on sale.
    pub on_sale: bool,
    /// Whether another edition of this tier is.
    pub another_on_sale: bool,
    pub editions: Vec<Past>,
}

/// A part of the text.
#[derive(Serialize)]
pub struct Section {
    pub title: String,
    pub sentences: Vec<String>,
}

/// One edition in the list of all.
#[derive(Serialize)]
pub struct Past {
    pub number: i32,
    pub since: crate::clock::Timestamp,
    pub href: String,
    pub short_hash: String,
    pub here: bool,
}

/// The tier as it is sold today, or as it was sold last, and its earlier editions.
#[get("/licences/<tier>")]
pub async fn show(tier: &str, page: Page, app: &State<App>) -> Result<Reply> {
    let slug = tier.to_owned();
    let all = app.db.read(move |conn| Edition::all_of(conn, &slug)).await?;
    page.show(&ShowEdition::new(&all, 0)?)
}

/// One edition by the hash of its text: as a page, or with `.txt` behind it the exact bytes that were hashed.
#[get("/licences/<tier>/<edition>")]
pub async fn edition(tier: &str, edition: &str, page: Page, app: &State<App>) -> Result<Reply> {
    let slug = tier.to_owned();
    let all = app.db.read(move |conn| Edition::all_of(conn, &slug)).await?;
    let hash = edition.strip_suffix(".txt").unwrap_or(edition);
    let at = all.iter().position(|e| e.terms_hash == hash).ok_or(Error::NotFound)?;
    if hash == edition {
        return page.show(&ShowEdition::new(&all, at)?);
    }
    Ok(Reply::bytes(ContentType::Plain, all[at].terms.clone())
        .status(Status::Ok)
        .header("Cache-Control", "public, max-age=31536000, immutable")
        .header("Access-Control-Allow-Origin", "*"))
}

impl ShowEdition {
    /// The edition at this place of all (the newest first).
    fn new(all: &[Edition], at: usize) -> Result<ShowEdition> {
        let one = all.get(at).ok_or(Error::NotFound)?;
        let (text, programs) = one.terms.split_once("\nThe same for programs\n").unwrap_or((&one.terms, ""));
        let past = |e: &Edition| Past {
            number: e.number,
            since: e.since,
            href: format!("/licences/{}/{}", e.tier.slug, e.terms_hash),
            short_hash: e.terms_hash.chars().take(12).collect(),
            here: e.terms_hash == one.terms_hash,
        };
        Ok(ShowEdition {
            tier: Column::of(&one.tier),
            number: one.number,
            since: one.since,
            text_href: credential::terms_path(&one.tier.slug, &one.terms_hash),
            terms_hash: one.terms_hash.clone(),
            sections: sections(text),
            programs: programs.trim().to_owned(),
            on_sale: one.is_on_sale(),
            another_on_sale: !one.is_on_sale() && all.iter().any(Edition::is_on_sale),
            editions: all.iter().map(past).collect(),
        })
    }
}

/// A text in its parts: a line without a dash begins one, lines with a dash are its sentences.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = vec![];
    for line in text.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix("- "), sections.last_mut()) {
            (Some(sentence), Some(section)) => section.sentences.push(sentence.to_owned()),
            _ => sections.push(Section { title: line.to_owned(), sentences: vec![] }),
        }
    }
    sections
}

fn sample_editions() -> Vec<Edition> {
    let edition = |tier: Tier| Edition {
        terms_hash: tier::terms_hash(&tier, tier::REFUND_DAYS),
        number: 1,
        terms: tier::terms_text(&tier, tier::REFUND_DAYS),
        refund_days: tier::REFUND_DAYS,
        since: crate::clock::Timestamp(1_795_000_000_000),
        ended: None,
        tier,
    };
    tier::default_catalogue().into_iter().map(edition).collect()
}

impl View for Tiers {
    const TEMPLATE: &'static str = "sales/licences.html";

    fn samples() -> Vec<Tiers> {
        vec![Tiers::new(&sample_editions(), false), Tiers::new(&sample_editions(), true)]
    }
}

impl View for ShowEdition {
    const TEMPLATE: &'static str = "sales/licence.html";

    fn samples() -> Vec<ShowEdition> {
        let editions = sample_editions();
        let past = Edition { ended: Some(editions[2].since), ..editions[2].clone() };
        let two = [editions[1].clone(), past];
        let shown = [(&two[..], 0), (&two[..], 1), (&two[1..], 0)];
        shown.into_iter().filter_map(|(all, at)| ShowEdition::new(all, at).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_every_tier_is_said_in_a_few_words() {
        let tiers = Tiers::new(&sample_editions(), true);
        for row in &tiers.rows {
            assert_eq!(row.cells.len(), tiers.tiers.len(), "{}", row.name);
            for cell in &row.cells {
                assert!(
                    !cell.short.is_empty() && cell.short.len() < 36 && !cell.short.contains('_'),
                    "{}",
                    cell.short
                );
            }
        }
        let cell =
            |row: &str, tier: usize| &tiers.rows.iter().find(|r| r.name == row).unwrap().cells[tier].short;
        assert_eq!(cell("Copies and downloads", 2), "10,000");
        assert_eq!(cell("Budget of the work", 1), "$10,000");
        assert_eq!(cell("On air in", 2), "One territory");
        assert_eq!(cell("Indemnity", 6), "By quote");
    }

    #[test]
    fn a_text_is_shown_whole() {
        for edition in sample_editions() {
            let shown = ShowEdition::new(std::slice::from_ref(&edition), 0).unwrap();
            let section = |s: &Section| {
                let sentences: String =
                    s.sentences.iter().map(|sentence| format!("- {sentence}\n")).collect();
                format!("{}\n{sentences}", s.title)
            };
            let again: Vec<String> = shown.sections.iter().map(section).collect();
            let again = format!("{}\nThe same for programs\n{}\n", again.join("\n"), shown.programs);
            assert_eq!(again, edition.terms);
        }
    }
}
