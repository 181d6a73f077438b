//! The desk of the staff: accounts that may be too young, forms on paper that two of them look at, talks with guardians.

use rocket::{State, get, post};
use serde::Serialize;

use super::super::knowledge::{self, Finding, Source};
use super::super::leaf::Stub;
use super::super::notice::Ground;
use super::super::passage;
use super::super::permission::Method;
use super::super::state::State as Stands;
use super::super::verification::{self, Verification};
use super::super::ward::{Guardian, Ward};
use crate::App;
use crate::accounts::band::Band;
use crate::accounts::guards::Reviewer;
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::{Handle, UserId, VerificationId};
use crate::web::{Faults, FormView, Page, Posted, Reply, View};

use super::Choice;

/// Rows of each kind on the desk.
const MOST: i64 = 100;

/// An account that rests, or a report about one.
#[derive(Serialize)]
pub struct Resting {
    account: String,
    name: String,
    what: String,
    due_at: Option<Timestamp>,
    /// Whether there is anything to decide.
    is_open: bool,
    /// Whether its owner is taken for a child.
    is_child: bool,
}

/// A form on paper that is waited for.
#[derive(Serialize)]
pub struct Paper {
    id: String,
    code: String,
    ward: String,
    guardian: String,
    relationship: String,
    asked_at: Timestamp,
    /// Whether one of the staff looked at it, and whether that was the one who reads this.
    looked: bool,
    by_me: bool,
}

/// The desk.
#[derive(Serialize)]
pub struct AgeDesk {
    form: FormView,
    resting: Vec<Resting>,
    reports: Vec<Resting>,
    papers: Vec<Paper>,
    /// Whether sheets come in at all; else a code is told in a talk.
    by_paper: bool,
    /// The ways to talk with a guardian that are switched on.
    talks: Vec<Choice>,
}

impl View for AgeDesk {
    const TEMPLATE: &'static str = "guardians/desk.html";

    fn samples() -> Vec<AgeDesk> {
        let at = Timestamp(1_795_000_000_000);
        let row = || Resting {
            account: "01".into(),
            name: "Rain Kid".into(),
            what: "A report says: a child.".into(),
            due_at: Some(at),
            is_open: true,
            is_child: true,
        };
        let paper = |by_me: bool| Paper {
            id: "01".into(),
            code: "ABCD1234".into(),
            ward: "Rain Kid".into(),
            guardian: "Grace Field".into(),
            relationship: "mother".into(),
            asked_at: at,
            looked: true,
            by_me,
        };
        vec![
            AgeDesk {
                form: FormView::default(),
                resting: vec![],
                reports: vec![],
                papers: vec![],
                by_paper: true,
                talks: vec![],
            },
            AgeDesk {
                form: FormView::default(),
                resting: vec![row()],
                reports: vec![row()],
                papers: vec![paper(true), paper(false)],
                by_paper: true,
                talks: vec![Choice::new("phone", "By telephone")],
            },
        ]
    }
}

fn band(band: Band) -> &'static str {
    match band {
        Band::Child => "a child",
        Band::Minor => "under age",
        Band::Adult => "of age",
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Staff => "The staff say",
        Source::Report => "A report says",
        Source::OwnWords => "Their own words say",
        Source::Support => "A letter says",
        Source::Device => "Their device says",
        Source::Guardian => "A guardian says",
    }
}

async fn desk(app: &App, me: &UserId, form: FormView) -> Result<AgeDesk> {
    let (me, on) = (me.clone(), app.config.age.methods.clone());
    app.db
        .read(move |conn| {
            let held = passage::held(conn, MOST)?;
            let resting = held.iter().map(|(ward, name)| Resting {
                account: ward.account.as_ref().map(ToString::to_string).unwrap_or_default(),
                name: name.clone(),
                what: match ward.state {
                    Stands::AgedUp => "Came into another age band and is asked anew.".into(),
                    _ => format!("Taken for {}.", band(ward.band)),
                },
                due_at: ward.due_at,
                is_open: matches!(ward.state, Stands::Discovered | Stands::Conflict),
                is_child: ward.band == Band::Child,
            });
            let resting: Vec<Resting> = resting.collect();
            let reports = knowledge::open_signs(conn, MOST)?
                .into_iter()
                .map(|(sign, name)| Resting {
                    account: sign.account.to_string(),
                    name,
                    what: format!("{}: {}.", source(sign.source), band(sign.bracket)),
                    due_at: Some(sign.at),
                    is_open: true,
                    is_child: false,
                })
                .collect();
            let mut papers = vec![];
            for open in Verification::waiting(conn, MOST)? {
                let ward = Ward::find(conn, &open.ward)?;
                let guardian = Guardian::of_ward(conn, &open.ward)?;
                papers.push(Paper {
                    id: open.id.to_string(),
                    code: open.reference.clone().unwrap_or_default(),
                    ward: ward.name,
                    guardian: guardian.as_ref().map(|g| g.name.clone()).unwrap_or_default(),
                    relationship: guardian.map(|g| g.relationship).unwrap_or_default(),
                    asked_at: open.asked_at,
                    looked: open.first_reviewer.is_some(),
                    by_me: open.first_reviewer.as_ref() == Some(&me),
                });
            }
            let by_paper = on.contains(&Method::SignedForm);
            let name = |method: &Method| match method {
                Method::Phone => Some(Choice::new("phone", "By telephone")),
                Method::Video => Some(Choice::new("video", "By video")),
                _ => None,
            };
            let talks = on.iter().filter_map(name).collect();
            Ok(AgeDesk { form, resting, reports, papers, by_paper, talks })
        })
        .await
}

/// What waits.
#[get("/admin/age")]
pub async fn index(who: Reviewer, page: Page, app: &State<App>) -> Result<Reply> {
    let view = desk(app, &who.id, FormView::default()).await?;
    page.show(&view)
}

/// Freezes an account of which the staff learned that its owner is too young: by a letter, a call, or their own eyes.
#[post("/admin/age/flags", data = "<form>")]
pub async fn flag(who: Reviewer, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let fields = form.0;
    let bracket = match fields.text("age") {
        "minor" => Band::Minor,
        _ => Band::Child,
    };
    let from = match fields.text("from") {
        "support" => Source::Support,
        "guardian" => Source::Guardian,
        _ => Source::Staff,
    };
    let (ground, stub, by) = (Ground::of(app), Stub::draw()?, who.id.clone());
    let about = fields.text("account").to_owned();
    let flagged = app.db.write(move |conn| {
        let owner = match Handle::parse(&about) {
            Some(handle) => User::by_handle(conn, &handle)?,
            None => User::by_email(conn, &about)?.ok_or(Error::NotFound)?,
        };
        knowledge::freeze(conn, &ground, &owner.id, (from, bracket), Some(&by), &stub, Timestamp::now())
    });
    match flagged.await {
        Ok(true) => {
            app.bell.ring();
            Ok(Reply::go("/admin/age").notice("Frozen. The clock runs."))
        }
        Ok(false) => Ok(Reply::go("/admin/age").notice("It was frozen, or known to be so young, already.")),
        Err(Error::NotFound) => {
            let faults = Faults::of("account", "Nobody has that name or address.");
            let view = desk(app, &who.id, FormView::new(&fields, faults)).await?;
            page.show_as(422, &view)
        }
        Err(error) => Err(error),
    }
}

/// Settles what was said of an account that rests, or looks past what was said of one that goes on.
#[post("/admin/age/accounts/<id>/finding", data = "<form>")]
pub async fn settle(id: UserId, who: Reviewer, form: Posted, app: &State<App>) -> Result<Reply> {
    let finding = match form.0.text("finding") {
        "adult" => Finding::Adult,
        "minor" => Finding::Minor,
        "young" => Finding::Young,
        _ => return Err(Error::refused("Say what you found.")),
    };
    if id == who.id {
        return Err(Error::Forbidden);
    }
    let (ground, stub, by) = (Ground::of(app), Stub::draw()?, who.id.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            match (knowledge::is_asked(conn, &id)?, finding) {
                (true, _) => knowledge::settle(conn, &ground, &id, finding, &by, &stub, now),
                (false, Finding::Adult) => knowledge::look_past(conn, &id, &by, now),
                // Nobody is found to be too young by the way.
                (false, _) => Err(Error::conflict("This account does not rest. Freeze it first.")),
            }
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go("/admin/age").notice("Settled."))
}

/// One of the staff looked at a signed form; the second of them makes it count.
#[post("/admin/age/forms/<id>/look", data = "<form>")]
pub async fn look(id: VerificationId, who: Reviewer, form: Posted, app: &State<App>) -> Result<Reply> {
    let (ground, stub, by) = (Ground::of(app), Stub::draw()?, who.id.clone());
    let typed = form.0.text("code").to_uppercase();
    let counts = app
        .db
        .write(move |conn| {
            let now = Timestamp::now();
            let open = Verification::find(conn, &id)?;
            if open.reference.as_deref() != Some(typed.as_str()) {
                return Err(Error::refused("That is not the code on this form."));
            }
            let counts = open.looked_at(conn, &by, now)?;
            if counts {
                let ward = Ward::find(conn, &open.ward)?;
                passage::prove(conn, &ground, &ward, open.method, &stub, now)?;
            }
            Ok(counts)
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go("/admin/age").notice(match counts {
        true => "It counts. Destroy the sheet and its scan now.",
        false => "Noted. Somebody else takes the second look.",
    }))
}

/// One of the staff talked with a guardian who said the code of their page, and is sure who they are.
#[post("/admin/age/talks", data = "<form>")]
pub async fn talk(who: Reviewer, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let fields = form.0;
    let on = &app.config.age.methods;
    let method =
        Method::parse(fields.text("method")).filter(|method| method.is_talk() && on.contains(method));
    let code = fields.text("talk_code").to_uppercase();
    let mut faults = Faults::default();
    if method.is_none() {
        faults.add("method", "Say how you talked.");
    }
    if fields.text("sure") != "yes" {
        faults.add("sure", "Without this it proves nothing.");
    }
    let mut recorded = Ok(());
    if let (Some(method), true) = (method, faults.is_empty()) {
        let (ground, stub, by) = (Ground::of(app), Stub::draw()?, who.id.clone());
        let talked = app.db.write(move |conn| {
            let now = Timestamp::now();
            let open = Verification::by_reference(conn, &code)?.filter(Verification::is_open_form);
            let open = open.ok_or(Error::NotFound)?;
            let ward = Ward::find(conn, &open.ward)?;
            if ward.account.as_ref() == Some(&by) {
                return Err(Error::Forbidden);
            }
            verification::talked(conn, &open, method, &by, now)?;
            passage::prove(conn, &ground, &ward, method, &stub, now).map(drop)
        });
        recorded = talked.await;
    }
    match recorded {
        Ok(()) if faults.is_empty() => {
            app.bell.ring();
            return Ok(Reply::go("/admin/age").notice("Recorded. What waited for it counts now."));
        }
        Ok(()) => {}
        Err(Error::NotFound) => faults.add("talk_code", "No guardian's page shows that code."),
        Err(error) => return Err(error),
    }
    page.show_as(422, &desk(app, &who.id, FormView::new(&fields, faults)).await?)
}

/// The form is not what it should be.
#[post("/admin/age/forms/<id>/refusal", data = "<_form>")]
pub async fn fail(id: VerificationId, who: Reviewer, _form: Posted, app: &State<App>) -> Result<Reply> {
    let by = who.id.clone();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let open = Verification::find(conn, &id)?;
            open.fail(conn, &by, now)?;
            verification::ask_for_form(conn, &open.ward, now).map(drop)
        })
        .await?;
    Ok(Reply::go("/admin/age").notice("Refused. The guardian's page shows a new code."))
}
