//! The addresses of reviewers and admins.

use rocket::{State, get, post, routes};

use super::ad_free;
use super::desk::{self, Case};
use super::pages::{Doors, JailLines, JobsPage, LookLine, QueuePage, ReviewPage};
use super::risk::Record;
use super::security::{self, Standing};
use super::{inquiries, letters, orders};
use crate::App;
use crate::accounts::guards::{Admin, Reviewer, Staff};
use crate::accounts::user::Role;
use crate::audio;
use crate::clock::Timestamp;
use crate::consent::inquiry;
use crate::consent::selfcheck::Check;
use crate::error::Result;
use crate::ids::{JobId, Slug};
use crate::jobs::{self, Job};
use crate::sales::note;
use crate::studio::jail;
use crate::studio::routes::master_of;
use crate::studio::upload::Upload;
use crate::web::ranges::{Conditions, FileFacts};
use crate::web::stream::{Disposition, FileReply, Pace, StoredFile};
use crate::web::{Faults, FormView, Page, Posted, Reply};

/// The addresses of this room.
pub fn all() -> Vec<rocket::Route> {
    let mut all = routes![
        index,
        queue,
        show,
        preview,
        master,
        publish,
        refuse,
        children,
        jobs_page,
        retry,
        look,
        ad_free::index,
        ad_free::find,
        ad_free::show,
        ad_free::grant,
        ad_free::end,
        letters::index,
    ];
    all.extend(inquiries::all());
    all.extend(orders::all());
    all.extend(security::all());
    all
}

#[get("/admin")]
async fn index(who: Staff, page: Page, app: &State<App>) -> Result<Reply> {
    let (reviews, runs_the_shop, now) = (who.may_review(), who.has(Role::Admin), Timestamp::now());
    let coordinator = app.config.security_coordinator.clone();
    let answers = runs_the_shop || who.has(Role::Support);
    let view = app
        .db
        .read(move |conn| {
            let waiting = if reviews { Some(desk::waiting(conn)?.len() as i64) } else { None };
            let inquiries = if answers {
                let open = inquiry::open(conn)?;
                Some((open.len() as i64, open.iter().filter(|one| one.due_at < now).count() as i64))
            } else {
                None
            };
            let orders = if answers { Some(note::open(conn, orders::MOST)?.len() as i64) } else { None };
            let parked = if runs_the_shop { Some(jobs::parked(conn, 1000)?.len() as i64) } else { None };
            let look = if runs_the_shop { Check::last(conn)? } else { None };
            let look = look.map(|check| LookLine::new(&check, now));
            let security = match runs_the_shop {
                true => Some(Standing::new(Record::newest(conn, 1)?.first(), &coordinator, now)),
                false => None,
            };
            Ok(Doors { waiting, inquiries, orders, parked, look, security })
        })
        .await?;
    page.show(&view)
}

#[get("/admin/review")]
async fn queue(_who: Reviewer, page: Page, app: &State<App>) -> Result<Reply> {
    let now = Timestamp::now();
    let view = app
        .db
        .read(move |conn| {
            let waiting = desk::waiting(conn)?;
            let ids: Vec<_> = waiting.iter().map(|w| &w.listed.track.upload_id).collect();
            let twins = Upload::have_twins(conn, &ids)?;
            Ok(QueuePage::new(&waiting, &twins, now))
        })
        .await?;
    page.show(&view)
}

#[get("/admin/review/<slug>")]
async fn show(slug: Slug, _who: Reviewer, page: Page, app: &State<App>) -> Result<Reply> {
    let case = app.db.read(move |conn| Case::open(conn, &slug)).await?;
    page.show(&ReviewPage::new(&case, FormView::default()))
}

/// Marks the page of a track as one that appeals to children, or takes the mark back.
#[post("/admin/review/<slug>/children", data = "<form>")]
async fn children(slug: Slug, who: Reviewer, app: &State<App>, form: Posted) -> Result<Reply> {
    let (marked, at) = (form.0.text("children") == "yes", format!("/admin/review/{slug}"));
    app.db.write(move |conn| desk::mark_for_children(conn, &slug, marked, &who.id, Timestamp::now())).await?;
    app.child_pages.renew(&app.db).await?;
    Ok(Reply::go(at).notice(if marked {
        "Marked. Nobody is contacted from its page."
    } else {
        "The mark is taken back."
    }))
}

/// The marked preview, as everyone will hear it.
#[get("/admin/review/<slug>/preview.mp3")]
async fn preview(slug: Slug, _who: Reviewer, app: &State<App>, asked: Conditions) -> Result<FileReply> {
    let rec = app.db.read(move |conn| Case::open(conn, &slug).map(|case| case.recording)).await?;
    let file = StoredFile {
        facts: FileFacts {
            len: rec.preview_bytes as u64,
            etag: rec.preview_key.replace('/', "-"),
            modified: rec.created_at,
        },
        key: rec.preview_key,
        kind: "audio/mpeg".into(),
        disposition: Disposition::Inline,
        cache: "private, no-cache".into(),
        pace: Pace::Listen { bits_per_sec: 128_000 },
    };
    file.answer(&app.storage, app.config.delivery, &asked).await
}

/// The master, for the duty of a reviewer.
#[get("/admin/review/<slug>/master")]
async fn master(slug: Slug, _who: Reviewer, app: &State<App>, asked: Conditions) -> Result<FileReply> {
    let (upload, rec) =
        app.db.read(move |conn| Case::open(conn, &slug).map(|case| (case.upload, case.recording))).await?;
    master_of(app, &upload, &rec, &asked).await
}

/// Where a reviewer goes on after a decision.
async fn next(app: &App) -> Result<String> {
    let open = app.db.read(desk::waiting).await?;
    Ok(match open.first() {
        Some(first) => format!("/admin/review/{}", first.listed.track.slug),
        None => "/admin/review".to_owned(),
    })
}

#[post("/admin/review/<slug>/publication", data = "<_form>")]
async fn publish(slug: Slug, who: Reviewer, app: &State<App>, _form: Posted) -> Result<Reply> {
    let least = app.config.age.services.clone();
    app.db.write(move |conn| desk::publish(conn, &slug, &who.id, &least, Timestamp::now())).await?;
    // The page of what a child made is marked already; nobody sees it before this process knows that.
    app.child_pages.renew(&app.db).await?;
    app.bell.ring();
    Ok(Reply::go(next(app).await?).notice("Published. Its uploader gets a letter."))
}

#[post("/admin/review/<slug>/refusal", data = "<form>")]
async fn refuse(slug: Slug, who: Reviewer, page: Page, app: &State<App>, form: Posted) -> Result<Reply> {
    let fields = form.0;
    let reason = fields.text("reason").to_owned();
    let fault = match reason.chars().count() {
        0 => Some("Say why: its uploader reads this sentence."),
        2001.. => Some("At most 2,000 letters, please."),
        _ => None,
    };
    if let Some(fault) = fault {
        let case = app.db.read(move |conn| Case::open(conn, &slug)).await?;
        let form = FormView::new(&fields, Faults::of("reason", fault));
        return page.show_as(422, &ReviewPage::new(&case, form));
    }
    app.db.write(move |conn| desk::refuse(conn, &slug, &who.id, &reason, Timestamp::now())).await?;
    app.bell.ring();
    Ok(Reply::go(next(app).await?).notice("Refused. Its uploader reads your reason."))
}

/// Looks at our own banner now.
#[post("/admin/looks", data = "<_form>")]
async fn look(_who: Admin, app: &State<App>, _form: Posted) -> Result<Reply> {
    app.db.write(move |conn| jobs::enqueue(conn, &Job::SelfCheck {}, Timestamp::now())).await?;
    app.bell.ring();
    Ok(Reply::go("/admin").notice("The shop looks at itself. Reload this page in a moment."))
}

#[get("/admin/jobs")]
async fn jobs_page(_who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let now = Timestamp::now();
    let (waiting, parked, last) = app
        .db
        .read(move |conn| Ok((jobs::waiting(conn, now)?, jobs::parked(conn, 100)?, jail::last(conn)?)))
        .await?;
    let (layers, since) = match last {
        Some((layers, since)) => (layers, Some(since)),
        None => (tokio::task::spawn_blocking(audio::layers).await?, None),
    };
    page.show(&JobsPage::new(&waiting, &parked, JailLines::new(&layers, since)))
}

/// Gives a parked job another five tries.
#[post("/admin/jobs/<id>/attempt", data = "<_form>")]
async fn retry(id: JobId, _who: Admin, app: &State<App>, _form: Posted) -> Result<Reply> {
    let again = app.db.write(move |conn| jobs::retry(conn, &id, Timestamp::now())).await?;
    app.bell.ring();
    let said = if again { "It is tried again." } else { "It was tried again already." };
    Ok(Reply::go("/admin/jobs").notice(said))
}
