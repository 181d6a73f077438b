//! Who asked by post or e-mail what was given to third parties (California Civil Code 1798.83): written down, with a
//! clock, and answered out of the ledger.

use chrono::NaiveDate;
use rocket::{Route, State, get, post, routes};
use serde::Serialize;
use serde_json::json;

use crate::App;
use crate::accounts::band::Band;
use crate::accounts::guards::Support;
use crate::accounts::user::{User, is_email};
use crate::clock::{DAY, Timestamp};
use crate::consent::constants::ANSWER_DAYS;
use crate::consent::desk as choices;
use crate::consent::inquiry::{self, Answer, Inquiry, Kind, Party, Way};
use crate::error::{Error, Result};
use crate::guardians::knowledge::{self, Source};
use crate::guardians::leaf::Stub;
use crate::guardians::notice::Ground;
use crate::ids::{InquiryId, UserId};
use crate::jobs::{Job, enqueue};
use crate::web::{Faults, Fields, FormView, Page, Posted, Reply, Sample, View, samples};

/// Every address of this file.
pub fn all() -> Vec<Route> {
    routes![index, new, create, show, answer]
}

/// The pages of this file.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<InquiriesPage>();
    all.extend(samples::<NewInquiryPage>());
    all.extend(samples::<InquiryPage>());
    all
}

/// How long is left, as people say it: `12 days left`, `due today`, `3 days late`.
fn clock(due_at: Timestamp, now: Timestamp) -> String {
    let days = due_at.since(now).div_euclid(DAY);
    let said = |n: i64| if n == 1 { "1 day".to_owned() } else { format!("{n} days") };
    match days {
        0 => "due today".into(),
        1.. => format!("{} left", said(days)),
        _ => format!("{} late", said(-days)),
    }
}

/// Somebody who asked, in a list.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    href: String,
    name: String,
    way: &'static str,
    received_at: Timestamp,
    /// How long is left, while it waits.
    clock: Option<String>,
    is_late: bool,
    answered_at: Option<Timestamp>,
}

impl Line {
    fn new(inquiry: &Inquiry, answered_at: Option<Timestamp>, now: Timestamp) -> Line {
        Line {
            href: format!("/admin/inquiries/{}", inquiry.id),
            name: inquiry.name.clone(),
            way: way(inquiry.way),
            received_at: inquiry.received_at,
            clock: answered_at.is_none().then(|| clock(inquiry.due_at, now)),
            is_late: answered_at.is_none() && inquiry.due_at < now,
            answered_at,
        }
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Post => "by post",
        Way::Email => "by e-mail",
    }
}

/// `/admin/inquiries`.
#[derive(Serialize)]
pub struct InquiriesPage {
    open: Vec<Line>,
    answered: Vec<Line>,
    days: i64,
}

impl View for InquiriesPage {
    const TEMPLATE: &'static str = "admin/inquiries.html";

    fn samples() -> Vec<InquiriesPage> {
        let at = Timestamp(1_795_000_000_000);
        let line = |is_late: bool, answered_at: Option<Timestamp>| Line {
            href: "/admin/inquiries/1".into(),
            name: "Ada <Field>".into(),
            way: "by post",
            received_at: at,
            clock: answered_at.is_none().then(|| "3 days late".into()),
            is_late,
            answered_at,
        };
        vec![
            InquiriesPage {
                open: vec![line(true, None), line(false, None)],
                answered: vec![line(false, Some(at))],
                days: ANSWER_DAYS,
            },
            InquiriesPage { open: vec![], answered: vec![], days: ANSWER_DAYS },
        ]
    }
}

/// Who waits, and who was answered.
#[get("/admin/inquiries")]
pub async fn index(_who: Support, page: Page, app: &State<App>) -> Result<Reply> {
    let now = Timestamp::now();
    let view = app
        .db
        .read(move |conn| {
            Ok(InquiriesPage {
                open: inquiry::open(conn)?.iter().map(|one| Line::new(one, None, now)).collect(),
                answered: inquiry::answered(conn)?
                    .iter()
                    .map(|(one, at)| Line::new(one, Some(*at), now))
                    .collect(),
                days: ANSWER_DAYS,
            })
        })
        .await?;
    page.show(&view)
}

/// `/admin/inquiries/new`.
#[derive(Serialize)]
pub struct NewInquiryPage {
    form: FormView,
    ways: Vec<Choice>,
    today: String,
    days: i64,
    /// The one that this person asked in the same year.
    same: Option<String>,
}

/// A word of a list.
#[derive(Serialize)]
struct Choice {
    slug: &'static str,
    name: &'static str,
}

impl NewInquiryPage {
    fn new(form: FormView, same: Option<InquiryId>) -> NewInquiryPage {
        NewInquiryPage {
            form,
            ways: vec![
                Choice { slug: Way::Email.as_str(), name: "By e-mail" },
                Choice { slug: Way::Post.as_str(), name: "By post" },
            ],
            today: Timestamp::now().day(),
            days: ANSWER_DAYS,
            same: same.map(|id| format!("/admin/inquiries/{id}")),
        }
    }
}

impl View for NewInquiryPage {
    const TEMPLATE: &'static str = "admin/new_inquiry.html";

    fn samples() -> Vec<NewInquiryPage> {
        let faulty =
            FormView::new(&Fields::parse("way=post&name=&address=1+Lane"), Faults::of("name", "Who asked?"));
        vec![
            NewInquiryPage::new(FormView::default(), None),
            NewInquiryPage::new(faulty, Some(InquiryId::new())),
        ]
    }
}

/// A form for what came by post or e-mail.
#[get("/admin/inquiries/new")]
pub fn new(_who: Support, page: Page) -> Result<Reply> {
    page.show(&NewInquiryPage::new(FormView::filled([("received", Timestamp::now().day())]), None))
}

/// Noon of a day in UTC, so that a clock that is some hours off does not make it another one.
fn noon(day: &str) -> Option<Timestamp> {
    let day: NaiveDate = day.parse().ok()?;
    Some(Timestamp(day.and_hms_opt(12, 0, 0)?.and_utc().timestamp_millis()))
}

/// What the staff read who would write down what a child wrote.
const OF_A_CHILD: &str = "This says that a child wrote, so it is not kept here. Answer once, delete the letter and its \
                          address, and flag the account under Age if there is one.";
const OF_A_CHILD_WITH_ACCOUNT: &str = "This says that a child wrote, so it is not kept here. Their account was frozen just \
                                       now and stands under Age. Answer once, delete the letter and its address.";
const OF_A_KNOWN_CHILD: &str = "This says that a child wrote, so it is not kept here. Their account rests already, or was known \
                                to be so young. Answer once, delete the letter and its address.";

/// Freezes the account that the writer of these words has, where they hold its address and its owner was taken for older.
/// Whether it was frozen just now; nothing where there is none.
async fn freeze_writer(app: &App, by: &UserId, words: &str, bracket: Band) -> Result<Option<bool>> {
    let apart = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';');
    let emails = words.split(apart).map(|word| word.trim_end_matches('.')).filter(|word| is_email(word));
    let emails: Vec<String> = emails.take(5).map(str::to_owned).collect();
    if emails.is_empty() {
        return Ok(None);
    }
    let (ground, stub, by) = (Ground::of(app), Stub::draw()?, by.clone());
    let frozen = app.db.write(move |conn| {
        for email in &emails {
            if let Some(owner) = User::by_email(conn, email)? {
                let is_news = knowledge::is_news(owner.band, owner.hold, bracket);
                if is_news {
                    let sign = (Source::Support, bracket);
                    knowledge::freeze(conn, &ground, &owner.id, sign, Some(&by), &stub, Timestamp::now())?;
                }
                return Ok(Some(is_news));
            }
        }
        Ok(None)
    });
    let frozen = frozen.await?;
    app.bell.ring();
    Ok(frozen)
}

/// Writes an inquiry down; its clock runs from the day it came in. One whose words say that its writer is under the minimum
/// age is kept nowhere (16 CFR 312.5(c): an answer, once; for a lawyer to check), and their account is frozen in this request.
/// So is that of a writer who says to be under age and declared to be older; what they asked is written down.
#[post("/admin/inquiries", data = "<form>")]
pub async fn create(who: Support, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, now) = (form.0, Timestamp::now());
    let mut faults = Faults::default();
    let way = Way::parse(fields.text("way"));
    if way.is_none() {
        faults.add("way", "Say how it came: the answer goes back that way.");
    }
    if fields.text("name").is_empty() {
        faults.add("name", "Who asked?");
    }
    if fields.text("address").is_empty() {
        faults.add("address", "Where does the answer go?");
    }
    let ages = app.consent.thresholds(None, &[]);
    let says = |field: &str| knowledge::stated(fields.text(field), ages);
    let mut line = "Written down. The clock runs.";
    if let Some(bracket) = ["name", "address"].into_iter().filter_map(says).min() {
        let words = format!("{} {}", fields.text("name"), fields.text("address"));
        let frozen = freeze_writer(app, &who.id, &words, bracket).await?;
        if frozen == Some(true) {
            line = "Written down. The clock runs. Their account was frozen and stands under Age.";
        }
        let told = match frozen {
            Some(true) => OF_A_CHILD_WITH_ACCOUNT,
            Some(false) => OF_A_KNOWN_CHILD,
            None => OF_A_CHILD,
        };
        for field in ["name", "address"] {
            if says(field) == Some(Band::Child) {
                faults.add(field, told);
            }
        }
    }
    let received = noon(fields.text("received"));
    if received.is_none() {
        faults.add("received", "A day such as 2026-11-28.");
    }
    let (Some(way), Some(received), true) = (way, received, faults.is_empty()) else {
        return page.show_as(422, &NewInquiryPage::new(FormView::new(&fields, faults), None));
    };
    let made = Inquiry::new(way, fields.text("name"), fields.text("address"), received, &who.id, now);
    let one = match made {
        Ok(one) => one,
        Err(Error::Refused(why)) => {
            let field = if why.contains("year") { "received" } else { "address" };
            let form = FormView::new(&fields, Faults::of(field, why));
            return page.show_as(422, &NewInquiryPage::new(form, None));
        }
        Err(error) => return Err(error),
    };
    let (id, again) = (one.id.clone(), one.clone());
    match app.db.write(move |conn| one.enter(conn)).await {
        Ok(()) => Ok(Reply::go(format!("/admin/inquiries/{id}")).notice(line)),
        Err(Error::Conflict(_)) => {
            let same = app.db.read(move |conn| again.same(conn)).await?;
            let why = "This person has asked in that calendar year before, and is answered once a year.";
            let form = FormView::new(&fields, Faults::of("address", why));
            page.show_as(409, &NewInquiryPage::new(form, same))
        }
        Err(error) => Err(error),
    }
}

/// `/admin/inquiries/<id>`: the inquiry, its clock and the answer, to print or to send.
#[derive(Serialize)]
pub struct InquiryPage {
    id: String,
    name: String,
    address: Vec<String>,
    way: &'static str,
    by_email: bool,
    received_at: Timestamp,
    due_at: Timestamp,
    clock: String,
    is_late: bool,
    /// When, by whom, and with what it was answered.
    answered_at: Option<Timestamp>,
    answered_by: Option<String>,
    /// The answer is that they are opted out.
    opts_out: bool,
    /// An account with the address that was given.
    account: Option<String>,
    answer: Answer,
    operator: String,
    operator_address: String,
    contact: String,
    today: Timestamp,
    form: FormView,
}

impl View for InquiryPage {
    const TEMPLATE: &'static str = "admin/inquiry.html";

    fn samples() -> Vec<InquiryPage> {
        let at = Timestamp(1_795_000_000_000);
        let party = |address: Option<&str>| Party {
            name: "Counter & Sons".into(),
            address: address.map(str::to_owned),
            what_for: "statistics".into(),
            kinds: vec!["pages looked at, and when".into()],
        };
        let page = |given: bool, full: bool| InquiryPage {
            id: "1".repeat(32),
            name: "Ada <Field>".into(),
            address: vec!["1 Lane".into(), "Oakland, CA".into()],
            way: if full { "by post" } else { "by e-mail" },
            by_email: !full,
            received_at: at,
            due_at: at,
            clock: "12 days left".into(),
            is_late: full,
            answered_at: given.then_some(at),
            answered_by: given.then(|| "Sam".into()),
            opts_out: given && !full,
            account: (!full).then(|| "Ada".into()),
            answer: Answer {
                year: 2025,
                kinds: if full { vec!["pages looked at, and when".into()] } else { vec![] },
                parties: if full { vec![party(Some("1 Road")), party(None)] } else { vec![] },
                services: vec![party(None)],
                begins: full.then(|| "2025-06-01".into()),
            },
            operator: "Cuehouse".into(),
            operator_address: "2 Street\nTown".into(),
            contact: "hello@shop.example".into(),
            today: at,
            form: FormView::default(),
        };
        vec![page(false, true), page(false, false), page(true, true), page(true, false)]
    }
}

impl InquiryPage {
    async fn open(app: &App, id: InquiryId, form: FormView) -> Result<InquiryPage> {
        let now = Timestamp::now();
        let (book, services) = (app.consent.clone(), app.services.clone());
        let (one, given, answer, by, account) = app
            .db
            .read(move |conn| {
                let one = Inquiry::find(conn, &id)?;
                let given = one.answered(conn)?;
                let answer = match &given {
                    Some(given) => given.answer()?,
                    None => Answer::of(conn, &book, &services, one.year())?,
                };
                let by = match &given {
                    Some(given) => match User::find(conn, &given.answered_by) {
                        Ok(user) => Some(user.name),
                        Err(Error::NotFound) => None,
                        Err(error) => return Err(error),
                    },
                    None => None,
                };
                let account = match one.way {
                    Way::Email => User::by_email(conn, &one.address)?.map(|user| user.name),
                    Way::Post => None,
                };
                Ok((one, given, answer, by, account))
            })
            .await?;
        Ok(InquiryPage {
            id: one.id.to_string(),
            address: one.address.lines().map(str::to_owned).collect(),
            way: way(one.way),
            by_email: one.way == Way::Email,
            received_at: one.received_at,
            due_at: one.due_at,
            clock: clock(one.due_at, now),
            is_late: given.is_none() && one.due_at < now,
            answered_at: given.as_ref().map(|given| given.answered_at),
            answered_by: by,
            opts_out: given.as_ref().is_some_and(|given| given.kind == Kind::OptOut),
            account,
            answer,
            operator: app.config.operator_name.clone(),
            operator_address: app.config.operator_address.clone(),
            contact: app.config.contact.clone(),
            today: given.map_or(now, |given| given.answered_at),
            form,
            name: one.name,
        })
    }
}

/// The inquiry with its answer: as it would be today, or as it was given.
#[get("/admin/inquiries/<id>", rank = 2)]
pub async fn show(id: InquiryId, _who: Support, page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&InquiryPage::open(app, id, FormView::default()).await?)
}

/// Answers it: with the list, or by opting the customer's account out. An answer by e-mail leaves at once; one by post
/// is printed.
#[post("/admin/inquiries/<id>/answer", data = "<form>")]
pub async fn answer(
    id: InquiryId,
    who: Support,
    form: Posted,
    page: Page,
    app: &State<App>,
) -> Result<Reply> {
    let (fields, now) = (form.0, Timestamp::now());
    let Some(kind) = Kind::parse(fields.text("kind")) else {
        return Err(Error::refused("Answer with the list, or opt them out."));
    };
    let wanted = id.clone();
    let (one, given) = app
        .db
        .read(move |conn| {
            let one = Inquiry::find(conn, &wanted)?;
            let given = one.answered(conn)?.is_some();
            Ok((one, given))
        })
        .await?;
    if given {
        return Err(Error::conflict("This was answered before."));
    }
    if kind == Kind::OptOut {
        let email = match fields.text("account") {
            "" if one.way == Way::Email => one.address.clone(),
            typed => typed.to_owned(),
        };
        let Some(user) = app.db.read(move |conn| User::by_email(conn, &email)).await? else {
            let why =
                "Nobody has an account with this address. Answer with the list, which names the button.";
            let form = FormView::new(&fields, Faults::of("account", why));
            return page.show_as(422, &InquiryPage::open(app, id, form).await?);
        };
        choices::opt_out(app, &user.id, now).await?;
    }
    let (book, services, by) = (app.consent.clone(), app.services.clone(), who.id.clone());
    let (operator, contact) = (app.config.operator_name.clone(), app.config.contact.clone());
    let by_email = one.way == Way::Email;
    app.db
        .write(move |conn| {
            let answer = Answer::of(conn, &book, &services, one.year())?;
            one.answer(conn, kind, &answer, &by, now)?;
            if one.way == Way::Email {
                let letter = Job::SendLetter {
                    to: one.address.clone(),
                    template: "inquiry".into(),
                    values: json!({
                        "name": one.name,
                        "received": one.received_at.long_day(),
                        "answer": answer,
                        "opts_out": kind == Kind::OptOut,
                        "operator": operator,
                        "contact": contact,
                    }),
                };
                enqueue(conn, &letter, now)?;
            }
            Ok(())
        })
        .await?;
    app.bell.ring();
    let said = if by_email { "Answered: the letter leaves now." } else { "Answered. Print it and post it." };
    Ok(Reply::go(format!("/admin/inquiries/{id}")).notice(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_says_what_is_left() {
        let now = Timestamp(1_795_000_000_000);
        for (ms, said) in [
            (12 * DAY + 5, "12 days left"),
            (DAY, "1 day left"),
            (5, "due today"),
            (-5, "1 day late"),
            (-3 * DAY, "3 days late"),
        ] {
            assert_eq!(clock(now.plus(ms), now), said);
        }
        assert_eq!(noon("2026-11-28").unwrap().rfc3339(), "2026-11-28T12:00:00Z");
        assert_eq!(noon("28.11.2026"), None);
    }
}
