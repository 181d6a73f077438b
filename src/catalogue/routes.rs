//! The front page, the page of a track, profiles, and keeping what one likes.

use rocket::http::uri::Origin;
use rocket::http::{ContentType, Status};
use rocket::{Route, State, get, post, routes};
use serde_json::json;

use super::favourite;
use super::home::FRESH;
use super::pages::{HomePage, Link, Paging, ProfilePage, Reasoned, TrackPage, json_ld};
use super::profile::{Profile, UserLink};
use super::row::TrackRow;
use super::sheet::{Sheet, is_open};
use super::show::paragraphs;
use super::track::{Listed, State as Stage, Track};
use crate::App;
use crate::accounts::guards::{Carried, SignedIn};
use crate::accounts::user::User;
use crate::ads::{Place, Slot, named};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::consent::guards::Decided;
use crate::consent::leave::{LeavePage, Leaves, Navigation, away};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::guardians::minimum::Minimums;
use crate::ids::{Handle, Slug, TrackId, UserId};
use crate::sales::basket::Owner;
use crate::sales::table;
use crate::search::query::{MOST_PAGES, ROWS};
use crate::search::{Found, Likeness, Query, View};
use crate::web::ranges::{Conditions, FileFacts};
use crate::web::stream::{Delivery, Disposition, FOR_AN_HOUR, FileReply, Pace, StoredFile};
use crate::web::{Page, Posted, Reply};

/// The addresses of this room.
pub fn all() -> Vec<Route> {
    routes![home, show, keep, profile, picture, leave, leave_away]
}

#[get("/")]
async fn home(page: Page, slot: Slot, app: &State<App>) -> Result<Reply> {
    if let Some(pane) = page.in_window() {
        return slot.fill(page, Place::Front, &[]).show_pane(pane);
    }
    let front = app.index.front().await?;
    let me = page.visitor.as_ref().map(|visitor| visitor.id.clone());
    let ids: Vec<TrackId> = HomePage::wants(&front).cloned().collect();
    let rows = app.db.read(move |conn| {
        if ids.is_empty() {
            // While the first index is being built there are tracks that it does not know.
            let newest = Track::newest(conn, None, FRESH as i64, 0)?;
            return Ok(newest.into_iter().map(|listed| (listed, false)).collect());
        }
        favourite::rows(conn, &ids, me.as_ref())
    });
    let rows = rows.await?;
    let page = slot.fill(page, Place::Front, &[]);
    page.show_all(&HomePage::of(&front, &rows, app.index.is_building(), &app.config))
}

#[get("/tracks/<slug>")]
async fn show(slug: Slug, page: Page, slot: Slot, carried: Carried, app: &State<App>) -> Result<Reply> {
    if let Some(pane) = page.in_window() {
        return slot.fill(page, Place::Track, &pane.about).show_pane(pane);
    }
    let visitor = page.visitor.clone();
    let owner = match &visitor {
        Some(visitor) => Some(Owner::Account(visitor.id.clone())),
        None => carried.basket.as_deref().map(Owner::browser),
    };
    // All in one go: to change threads again would cost more than what is looked up there.
    let (now, currency) = (app.index.view(), app.config.currency.clone());
    let (sheet, stands, similar) = app
        .db
        .read(move |conn| {
            let sheet = Sheet::open(conn, &slug, visitor.as_ref())?;
            let (track, me) = (&sheet.listed.track, visitor.as_ref().map(|visitor| &visitor.id));
            let stands = table::of_track(conn, &track.id, &currency, me, owner.as_ref())?;
            let similar = match track.state {
                Stage::Published => similar(conn, &now, track, me)?,
                _ => vec![],
            };
            Ok((sheet, stands, similar))
        })
        .await?;
    let is_live = sheet.listed.track.state == Stage::Published && !sheet.is_closed;
    // What only some may see, or only waits, has nothing beside it; nor is anything advertised with what a child made.
    let is_for_all = is_live && !sheet.is_of_child;
    let page = match is_for_all {
        true => slot.fill(page, Place::Track, &named::of_track(&sheet.listed.track)),
        false => page,
    };
    let view = TrackPage::of(sheet, stands, similar, page.visitor.as_ref(), &app.config);
    // Nothing else into the window: what is shown from there has an advertisement beside it.
    if is_for_all { page.show_all(&view) } else { page.show(&view) }
}

fn similar(conn: &mut Conn, now: &View, track: &Track, me: Option<&UserId>) -> Result<Vec<Reasoned>> {
    let found = now.similar(&Likeness::from(track));
    let ids: Vec<TrackId> = found.iter().map(|(id, _)| id.clone()).collect();
    let reasoned = |(listed, kept): (Listed, bool)| {
        let why = found.iter().find(|(id, _)| *id == listed.track.id).map(|(_, why)| why.clone());
        Reasoned { row: TrackRow::new(&listed, kept), why: why.unwrap_or_default() }
    };
    Ok(favourite::rows(conn, &ids, me)?.into_iter().map(reasoned).collect())
}

/// Keeps a track, or does not keep it any more; without `keep=yes` or `keep=no` the other of what is so.
#[post("/tracks/<slug>/favourite", data = "<posted>")]
async fn keep(
    slug: Slug,
    person: SignedIn,
    posted: Posted,
    from: CameFrom,
    app: &State<App>,
) -> Result<Reply> {
    let wish = match posted.0.text("keep") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let track = format!("/tracks/{slug}");
    app.db
        .write(move |conn| {
            let listed = Track::by_slug(conn, &slug)?;
            let (track, me) = (&listed.track, &person.0.id);
            let (of_child, closed) = (track.is_of_child(conn)?, track.is_of_closed(conn)?);
            if !is_open(track.state, &track.uploader_id, of_child, closed, Some(&person.0)) {
                return Err(Error::NotFound);
            }
            let wanted = match wish {
                Some(wanted) => wanted,
                None => !favourite::is_kept(conn, me, &track.id)?,
            };
            favourite::keep(conn, me, &track.id, wanted, Timestamp::now())
        })
        .await?;
    Ok(Reply::go_back(&from.0, &track))
}

/// The page of ours that a form was sent from, as the browser says it; empty when it does not.
struct CameFrom(String);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for CameFrom {
    type Error = std::convert::Infallible;

    async fn from_request(
        request: &'r rocket::Request<'_>,
    ) -> rocket::request::Outcome<CameFrom, std::convert::Infallible> {
        let site = request.rocket().state::<App>().map_or("", |app| app.config.site_url.as_str());
        let referer = request.headers().get_one("Referer").and_then(|from| from.strip_prefix(site));
        rocket::request::Outcome::Success(CameFrom(referer.unwrap_or_default().to_owned()))
    }
}

#[get("/<handle>")]
async fn profile(
    handle: Handle,
    page: Page,
    consent: Decided,
    uri: &Origin<'_>,
    app: &State<App>,
) -> Result<Reply> {
    let (of, least) = (handle.clone(), app.config.age.services.clone());
    let may_leave = consent.may_leave(app);
    let read = app.db.read(move |conn| {
        let profile = least.profile(conn, &of, Timestamp::now())?;
        // Whoever may not be led away would find nothing behind them.
        let links = if may_leave { profile.links(conn)? } else { vec![] };
        Ok((profile, links))
    });
    let (profile, links) = match read.await {
        Err(Error::NotFound) => {
            let (of, least) = (handle.clone(), app.config.age.services.clone());
            let elsewhere = app.db.read(move |conn| elsewhere(conn, &least, &of)).await?;
            return elsewhere.ok_or(Error::NotFound);
        }
        found => found?,
    };
    let asked = Query::parse(&asked_of(uri)).page;
    let theirs = Query::parse(&format!("uploader={handle}&sort=new"));
    let mut found = app.index.page(&theirs.at_page(asked)).await?;
    let last = pages(found.total);
    let at = asked.min(last);
    if at < asked {
        found = app.index.page(&theirs.at_page(at)).await?;
    }
    let (ids, me) = (found.ids.clone(), page.visitor.as_ref().map(|visitor| visitor.id.clone()));
    let rows = app.db.read(move |conn| favourite::rows(conn, &ids, me.as_ref())).await?;
    let rows = rows.iter().map(|(listed, kept)| TrackRow::new(listed, *kept)).collect();
    let mine = page.visitor.as_ref().is_some_and(|visitor| visitor.id == profile.id);
    page.show(&profile_page(profile, links, handle, rows, &found, (at, last), mine, &app.config))
}

/// Where a handle leads that has no page: to the sounds of somebody under age who may have none, or to the page of whoever had
/// the handle once, where everybody sees that page.
fn elsewhere(conn: &mut Conn, least: &Minimums, handle: &Handle) -> Result<Option<Reply>> {
    if Profile::is_closed(conn, handle)? {
        return Ok(Some(Reply::go(format!("/search?uploader={handle}"))));
    }
    let Some(now) = User::moved_to(conn, handle)? else { return Ok(None) };
    match least.profile(conn, &now, Timestamp::now()) {
        // Whoever was led there asks again: there may be nobody tomorrow.
        Ok(_) => Ok(Some(
            Reply::go(format!("/@{now}"))
                .status(Status::PermanentRedirect)
                .header("Cache-Control", "private, no-cache"),
        )),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The link of somebody's profile at this place, and whose it is.
async fn link_of(app: &App, handle: &Handle, n: usize) -> Result<(String, String)> {
    let (of, least) = (handle.clone(), app.config.age.services.clone());
    app.db
        .read(move |conn| {
            let profile = least.profile(conn, &of, Timestamp::now())?;
            let (_, url) = profile.links(conn)?.into_iter().nth(n).ok_or(Error::NotFound)?;
            Ok((url, profile.name))
        })
        .await
}

/// The notice before a link that a user put on their profile.
#[get("/leave/<handle>/<n>", rank = 2)]
async fn leave(handle: Handle, n: usize, page: Page, _may: Leaves, app: &State<App>) -> Result<Reply> {
    let (url, name) = link_of(app, &handle, n).await?;
    let whose = format!("{name} put this link on their profile; we have not looked at where it leads.");
    page.show(&LeavePage::new(&url, format!("/leave/@{handle}/{n}/away"), whose, format!("/@{handle}"))?)
}

/// Away by that link.
#[get("/leave/<handle>/<n>/away", rank = 2)]
async fn leave_away(
    handle: Handle,
    n: usize,
    _goes: Navigation,
    _may: Leaves,
    app: &State<App>,
) -> Result<Reply> {
    Ok(away(&link_of(app, &handle, n).await?.0))
}

/// What stands behind the question mark.
fn asked_of(uri: &Origin<'_>) -> String {
    uri.query().map(|query| query.to_string()).unwrap_or_default()
}

fn pages(total: u64) -> u64 {
    total.div_ceil(ROWS as u64).clamp(1, MOST_PAGES)
}

#[allow(clippy::too_many_arguments)]
fn profile_page(
    profile: Profile,
    links: Vec<UserLink>,
    handle: Handle,
    rows: Vec<TrackRow>,
    found: &Found,
    (at, last): (u64, u64),
    mine: bool,
    config: &Config,
) -> ProfilePage {
    let href = format!("/@{handle}");
    let handle_at = format!("@{handle}");
    // A link of a user's leads through our own notice: pages of ours contact nobody, not even by a click.
    let link = |(n, (label, url)): (usize, &UserLink)| {
        Link::new(if label.is_empty() { url } else { label }, format!("/leave/{handle_at}/{n}"))
    };
    let json = json!({
        "@context": "https://schema.org",
        "@type": "ProfilePage",
        "mainEntity": {
            "@type": "Person",
            "name": profile.name,
            "alternateName": handle,
            "description": profile.about,
            "url": config.absolute(&href),
        },
    });
    ProfilePage {
        picture_href: profile.picture.as_ref().map(|key| format!("{href}/picture?v={}", version(key))),
        about: paragraphs(&profile.about),
        links: links.iter().enumerate().map(link).collect(),
        rows,
        total: found.total,
        since: profile.since.utc().format("%B %Y").to_string(),
        of_age: profile.shows_age,
        paging: Paging::new(at, last, |n| format!("{href}?page={n}")),
        search_href: format!("/search?uploader={handle}"),
        mine,
        canonical: config.absolute(&href),
        json_ld: json_ld(&json),
        name: profile.name,
        handle: handle.to_string(),
    }
}

/// What changes with the picture, so that browsers may keep it.
fn version(key: &str) -> String {
    crate::secrets::sha256(key)[..8].to_owned()
}

#[get("/<handle>/picture", rank = 20)]
async fn picture(handle: Handle, asked: Conditions, app: &State<App>) -> Result<FileReply> {
    let least = app.config.age.services.clone();
    let profile = app.db.read(move |conn| least.profile(conn, &handle, Timestamp::now())).await?;
    let key = profile.picture.ok_or(Error::NotFound)?;
    let stat = app.storage.stat(&key).await?.ok_or(Error::NotFound)?;
    let ending = key.rsplit('.').next().unwrap_or_default();
    let kind = ContentType::from_extension(ending).filter(|kind| kind.top() == "image");
    let file = StoredFile {
        facts: FileFacts { len: stat.len, etag: version(&key), modified: stat.modified },
        kind: kind.unwrap_or(ContentType::Binary).to_string(),
        key,
        disposition: Disposition::Inline,
        cache: FOR_AN_HOUR.into(),
        pace: Pace::Download,
    };
    file.answer(&app.storage, Delivery::Direct, &asked).await
}
