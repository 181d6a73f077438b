//! The security programme as the staff see it: who coordinates it, who outside is given something and what they assure in
//! writing, and the yearly record.

use rocket::{Route, State, get, post, routes};
use serde::Serialize;

use super::risk::{AREAS, Record, WITH_CHILDREN};
use crate::App;
use crate::accounts::guards::Admin;
use crate::clock::Timestamp;
use crate::consent::recipient::{Entry, register};
use crate::error::Result;
use crate::web::{Faults, Fields, FormView, Page, Posted, Reply, Sample, View, samples};

/// Records shown: many years.
const MOST: i64 = 30;

/// Every address of this file.
pub fn all() -> Vec<Route> {
    routes![show, create]
}

/// The pages of this file.
pub fn views() -> Vec<Sample> {
    samples::<SecurityPage>()
}

/// How the programme stands, in a line on the front page of the staff.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    pub at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    /// A year passed, or nobody looked yet.
    pub is_due: bool,
    /// Nobody is named who coordinates it.
    pub has_nobody: bool,
}

impl Standing {
    pub fn new(newest: Option<&Record>, coordinator: &str, now: Timestamp) -> Standing {
        Standing {
            at: newest.map(|record| record.at),
            due_at: newest.map(|record| record.due_at),
            is_due: newest.is_none_or(|record| record.due_at <= now),
            has_nobody: coordinator.is_empty(),
        }
    }
}

/// A word of a list.
#[derive(Serialize)]
struct Choice {
    slug: &'static str,
    name: &'static str,
}

/// Somebody outside who is given something.
#[derive(Serialize)]
struct Outside {
    name: String,
    what_for: String,
    /// What they assured in writing; a vendor without it never comes near a child's data.
    assurance: Option<String>,
    is_vendor: bool,
}

/// A look of an earlier year, or of this one.
#[derive(Serialize)]
struct Past {
    at: Timestamp,
    due_at: Timestamp,
    coordinator: String,
    areas: Vec<&'static str>,
    found: Vec<String>,
}

/// `/admin/security`.
#[derive(Serialize)]
pub struct SecurityPage {
    coordinator: String,
    takes_children: bool,
    standing: Standing,
    outside: Vec<Outside>,
    areas: Vec<Choice>,
    form: FormView,
    past: Vec<Past>,
}

impl View for SecurityPage {
    const TEMPLATE: &'static str = "admin/security.html";

    fn samples() -> Vec<SecurityPage> {
        let at = Timestamp(1_795_000_000_000);
        let page = |full: bool| SecurityPage {
            coordinator: if full { "Ines Morrow".into() } else { String::new() },
            takes_children: full,
            standing: Standing {
                at: full.then_some(at),
                due_at: full.then_some(at),
                is_due: !full,
                has_nobody: !full,
            },
            outside: [Some("https://vendor.example/assurance.pdf".to_owned()), None]
                .map(|assurance| Outside {
                    name: "Stripe <Inc>".into(),
                    what_for: "taking payment for an order".into(),
                    is_vendor: assurance.is_some(),
                    assurance,
                })
                .into(),
            areas: choices(),
            form: FormView::new(&Fields::parse("area=access"), Faults::of("found", "Say what was found.")),
            past: match full {
                true => vec![Past {
                    at,
                    due_at: at,
                    coordinator: "Ines Morrow".into(),
                    areas: vec![AREAS[0].1],
                    found: vec!["Nothing <odd>.".into()],
                }],
                false => vec![],
            },
        };
        vec![page(true), page(false)]
    }
}

fn choices() -> Vec<Choice> {
    AREAS.iter().map(|&(slug, name)| Choice { slug, name }).collect()
}

fn outside(app: &App) -> Vec<Outside> {
    let of = |entry: Entry| Outside {
        assurance: app.consent.registry.vendor(&entry.id).and_then(|vendor| vendor.assurance_doc.clone()),
        name: entry.name,
        what_for: entry.what_for,
        is_vendor: entry.is_vendor,
    };
    register(&app.consent, &app.services).into_iter().map(of).collect()
}

async fn page(app: &App, form: FormView) -> Result<SecurityPage> {
    let (now, coordinator) = (Timestamp::now(), app.config.security_coordinator.clone());
    let records = app.db.read(|conn| Record::newest(conn, MOST)).await?;
    let past = records.iter().map(|record| Past {
        at: record.at,
        due_at: record.due_at,
        coordinator: record.coordinator.clone(),
        areas: record.areas(),
        found: record.found.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(),
    });
    Ok(SecurityPage {
        standing: Standing::new(records.first(), &coordinator, now),
        coordinator,
        takes_children: app.consent.child_mode,
        outside: outside(app),
        areas: choices(),
        form,
        past: past.collect(),
    })
}

/// The programme, and the form for this year's look.
#[get("/admin/security")]
pub async fn show(_who: Admin, shown: Page, app: &State<App>) -> Result<Reply> {
    shown.show(&page(app, FormView::default()).await?)
}

/// Writes a look down.
#[post("/admin/security", data = "<form>")]
pub async fn create(who: Admin, form: Posted, shown: Page, app: &State<App>) -> Result<Reply> {
    let fields = form.0;
    let coordinator = app.config.security_coordinator.clone();
    let ticked = fields.all("area");
    let areas: Vec<&'static str> =
        AREAS.iter().map(|(slug, _)| *slug).filter(|slug| ticked.iter().any(|t| t == slug)).collect();
    let found = fields.text("found").to_owned();
    let mut faults = Faults::default();
    if coordinator.is_empty() {
        faults.add("area", "Name who coordinates the programme first: the setting security.coordinator.");
    } else if areas.is_empty() {
        faults.add("area", "Tick what was looked at.");
    } else if app.consent.child_mode && !WITH_CHILDREN.iter().all(|area| areas.contains(area)) {
        faults.add(
            "area",
            "Children have accounts here: their data and what others assure in writing are part of the look.",
        );
    }
    match found.chars().count() {
        0 => faults.add("found", "Say what was found, also when it was nothing, and what is done about it."),
        5_001.. => faults.add("found", "At most 5,000 letters, please."),
        _ => {}
    }
    if !faults.is_empty() {
        return shown.show_as(422, &page(app, FormView::new(&fields, faults)).await?);
    }
    let by = who.id.clone();
    app.db
        .write(move |conn| Record::keep(conn, &coordinator, &areas, &found, &by, Timestamp::now()).map(drop))
        .await?;
    Ok(Reply::go("/admin/security").notice("Written down. The next look is due in a year."))
}
