//! What anybody reads about children here, and any notice word for word under its hash.

use rocket::{State, get};
use serde::Serialize;

use super::super::notice::Part;
use super::super::online::{Given, Identifier, Online, VERSION};
use crate::App;
use crate::clock::Timestamp;
use crate::consent::receipt::Notice;
use crate::consent::retention::Kept;
use crate::error::{Error, Result};
use crate::web::{Page, Reply, View};

/// A heading with its sentences.
#[derive(Serialize)]
struct Told {
    heading: String,
    lines: Vec<String>,
}

/// `/privacy/children`.
#[derive(Serialize)]
pub struct ChildrenPage {
    takes_children: bool,
    lead: String,
    version: &'static str,
    day: Timestamp,
    hash: String,
    young: Vec<Told>,
    before: Vec<Told>,
    given: Vec<Given>,
    identifiers: Vec<Identifier>,
    kept: Vec<Kept>,
    after: Vec<Told>,
}

impl ChildrenPage {
    fn new(online: Online) -> ChildrenPage {
        let told = |parts: Vec<Part>| {
            parts.into_iter().map(|p| Told { heading: p.heading.into(), lines: p.lines }).collect()
        };
        let day = VERSION.parse::<chrono::NaiveDate>().unwrap_or_default().and_time(chrono::NaiveTime::MIN);
        ChildrenPage {
            hash: online.notice().hash(),
            takes_children: online.takes_children,
            lead: online.lead,
            version: VERSION,
            day: Timestamp(day.and_utc().timestamp_millis()),
            young: told(online.young),
            before: told(online.before),
            given: online.given,
            identifiers: online.identifiers,
            kept: online.kept,
            after: told(online.after),
        }
    }
}

impl View for ChildrenPage {
    const TEMPLATE: &'static str = "guardians/online.html";

    fn samples() -> Vec<ChildrenPage> {
        let page = |takes_children: bool| ChildrenPage {
            takes_children,
            lead: "Children may have an account here.".into(),
            version: VERSION,
            day: Timestamp(1_795_000_000_000),
            hash: "0".repeat(64),
            young: vec![Told { heading: "Who sees it".into(), lines: vec!["You and your parent.".into()] }],
            before: vec![Told {
                heading: "Who runs this site".into(),
                lines: vec!["Cuehouse <Ltd>.".into()],
            }],
            given: vec![Given {
                key: "ga4 analytics".into(),
                name: "Google Analytics 4".into(),
                what_for: "statistics".into(),
                what: "pages".into(),
                of_children: "Never.",
            }],
            identifiers: vec![Identifier {
                name: "session".into(),
                what: "keeps you signed in".into(),
                lasts: "60 days".into(),
            }],
            kept: vec![Kept {
                table: "users".into(),
                name: "Accounts".into(),
                why: "to sign in".into(),
                how_long: "as long as the account".into(),
            }],
            after: vec![],
        };
        vec![page(true), page(false)]
    }
}

/// What is collected from children, who is given it, and what a parent can do (16 CFR 312.4(d)).
#[get("/privacy/children")]
pub fn show(page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&ChildrenPage::new(Online::of(app)?))
}

/// A notice as it was kept, word for word: what was public, or sent, when somebody decided something.
#[derive(Serialize)]
pub struct KeptNotice {
    version: String,
    hash: String,
    lines: Vec<String>,
}

impl View for KeptNotice {
    const TEMPLATE: &'static str = "guardians/kept_notice.html";

    fn samples() -> Vec<KeptNotice> {
        vec![KeptNotice { version: VERSION.into(), hash: "0".repeat(64), lines: vec!["Words.".into()] }]
    }
}

/// A notice under its hash. 404 for a hash under which none was kept.
#[get("/privacy/notices/<hash>")]
pub async fn kept(hash: &str, page: Page, app: &State<App>) -> Result<Reply> {
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::NotFound);
    }
    let wanted = hash.to_owned();
    let notice = app.db.read(move |conn| Notice::by_hash(conn, &wanted)).await?;
    let lines = notice.text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    page.show(&KeptNotice { version: notice.version, hash: hash.to_owned(), lines: lines.collect() })
}
