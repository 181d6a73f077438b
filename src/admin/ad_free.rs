//! Members without advertisements: who is one, who gave it to them, and giving it and taking it back.

use rocket::{State, get, post};
use serde::Serialize;

use crate::App;
use crate::accounts::ad_free::{AdFree, Deed, Entry};
use crate::accounts::guards::Admin;
use crate::accounts::user::{User, is_email};
use crate::clock::{DAY, Timestamp};
use crate::error::Result;
use crate::ids::UserId;
use crate::web::{Faults, Fields, FormView, Page, Posted, Reply, View};

/// Members on one page.
const MOST: i64 = 200;

/// A member in the list.
#[derive(Serialize)]
struct Member {
    name: String,
    href: String,
    wanted: bool,
    last_day: Option<Timestamp>,
}

/// `/admin/ad-free`: finding an account, and whose entitlement runs.
#[derive(Serialize)]
pub struct Members {
    form: FormView,
    all: Vec<Member>,
}

impl View for Members {
    const TEMPLATE: &'static str = "admin/ad_free.html";

    fn samples() -> Vec<Members> {
        let member = Member {
            name: "Bea Buyer".into(),
            href: "/admin/ad-free/01".into(),
            wanted: false,
            last_day: Some(Timestamp(1_795_000_000_000)),
        };
        let wrong =
            FormView::new(&Fields::parse("email=x"), Faults::of("email", "Nobody has an account with it."));
        vec![Members { form: FormView::default(), all: vec![member] }, Members { form: wrong, all: vec![] }]
    }
}

async fn members(app: &App, form: FormView) -> Result<Members> {
    let running = app.db.read(|conn| AdFree::running(conn, Timestamp::now(), MOST)).await?;
    let member = |(user, free): (User, AdFree)| Member {
        href: format!("/admin/ad-free/{}", user.id),
        name: user.name,
        wanted: free.wanted,
        last_day: free.ends_at.map(|at| at.plus(-1)),
    };
    Ok(Members { form, all: running.into_iter().map(member).collect() })
}

/// Who is spared advertisements, and the form that finds an account.
#[get("/admin/ad-free")]
pub async fn index(_who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let view = members(app, FormView::default()).await?;
    page.show(&view)
}

/// Finds an account by its address. By a form that is posted, so that the address stands in no log and no history.
#[post("/admin/ad-free", data = "<form>")]
pub async fn find(_who: Admin, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, email) = (&form.0, form.0.text("email").to_owned());
    let fault = match is_email(&email) {
        false => "That is no e-mail address.",
        true => match app.db.read(move |conn| User::by_email(conn, &email)).await? {
            Some(user) => return Ok(Reply::go(format!("/admin/ad-free/{}", user.id))),
            None => "Nobody has an account with this address.",
        },
    };
    let view = members(app, FormView::new(fields, Faults::of("email", fault))).await?;
    page.show_as(422, &view)
}

/// A line of the audit.
#[derive(Serialize)]
struct Line {
    words: String,
    at: Timestamp,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Line {
        let words = match (entry.deed, entry.ends_at) {
            (Deed::Granted, Some(at)) => format!("Given until {} by {}", at.plus(-1).long_day(), entry.by),
            (Deed::Granted, None) => format!("Given without an end by {}", entry.by),
            (Deed::Ended, _) => format!("Taken back by {}", entry.by),
        };
        Line { words, at: entry.at }
    }
}

/// `/admin/ad-free/<user>`: one account.
#[derive(Serialize)]
pub struct MemberPage {
    href: String,
    name: String,
    email: String,
    since: Timestamp,
    /// Whether it runs; and until when, and whether its owner has it switched on.
    runs: bool,
    last_day: Option<Timestamp>,
    wanted: bool,
    form: FormView,
    audit: Vec<Line>,
}

impl View for MemberPage {
    const TEMPLATE: &'static str = "admin/ad_free_member.html";

    fn samples() -> Vec<MemberPage> {
        let at = Timestamp(1_795_000_000_000);
        let page = |runs: bool, last_day, form| MemberPage {
            href: "/admin/ad-free/01".into(),
            name: "Bea Buyer".into(),
            email: "bea@example.com".into(),
            since: at,
            runs,
            last_day,
            wanted: runs,
            form,
            audit: match runs {
                true => vec![Line { words: "Given without an end by Ada Admin".into(), at }],
                false => vec![],
            },
        };
        let wrong =
            FormView::new(&Fields::parse("until=x"), Faults::of("until", "A day such as 2027-03-31."));
        vec![
            page(true, None, FormView::default()),
            page(true, Some(at), FormView::default()),
            page(false, None, wrong),
        ]
    }
}

async fn member(app: &App, id: UserId, form: FormView, now: Timestamp) -> Result<MemberPage> {
    app.db
        .read(move |conn| {
            let user = User::find(conn, &id)?;
            let free = AdFree::of(conn, &id)?.filter(|free| free.runs(now));
            Ok(MemberPage {
                href: format!("/admin/ad-free/{id}"),
                name: user.name,
                email: user.email,
                since: user.created_at,
                runs: free.is_some(),
                last_day: free.as_ref().and_then(|free| free.ends_at).map(|at| at.plus(-1)),
                wanted: free.is_some_and(|free| free.wanted),
                form,
                audit: AdFree::audit(conn, &id)?.into_iter().map(Line::from).collect(),
            })
        })
        .await
}

/// One account, and until when it is spared.
#[get("/admin/ad-free/<id>")]
pub async fn show(id: UserId, _who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let view = member(app, id, FormView::default(), Timestamp::now()).await?;
    page.show(&view)
}

/// The last moment of a day that was typed. `None`: no end; `Err`: what is wrong.
fn until(text: &str, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "A day such as 2027-03-31.")?;
    let at = Timestamp(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()).plus(DAY);
    if at <= now { Err("That day is over already.") } else { Ok(Some(at)) }
}

/// Gives it, until the end of a day or without an end.
#[post("/admin/ad-free/<id>/grant", data = "<form>")]
pub async fn grant(id: UserId, who: Admin, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, now) = (form.0, Timestamp::now());
    let ends_at = match until(fields.text("until"), now) {
        Ok(ends_at) => ends_at,
        Err(fault) => {
            let view = member(app, id, FormView::new(&fields, Faults::of("until", fault)), now).await?;
            return page.show_as(422, &view);
        }
    };
    let href = format!("/admin/ad-free/{id}");
    app.db
        .write(move |conn| {
            let user = User::find(conn, &id)?;
            AdFree::grant(conn, &user.id, ends_at, &who.id, now)
        })
        .await?;
    Ok(Reply::go(href).notice("Given. It holds from their next page on."))
}

/// Takes it back.
#[post("/admin/ad-free/<id>/ending", data = "<_form>")]
pub async fn end(id: UserId, who: Admin, _form: Posted, app: &State<App>) -> Result<Reply> {
    let href = format!("/admin/ad-free/{id}");
    app.db.write(move |conn| AdFree::end(conn, &id, &who.id, Timestamp::now())).await?;
    Ok(Reply::go(href).notice("Taken back."))
}
