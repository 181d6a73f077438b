//! The studio's addresses.

use rocket::http::ContentType;
use rocket::{State, get, post, routes};

use super::board::Board;
use super::pages::{
    Agreement, BoardPage, EditPage, Edited, Found, NewUpload, ProfileForm, UploadPage, Welcome, first_prices,
    size,
};
use super::profile::{self, LINKS, Link, PICTURE_BYTES};
use super::upload::Upload;
use super::{describing, receive};
use crate::App;
use crate::accounts::band::Band;
use crate::accounts::guards::{Buyer, SignedIn, Uploader};
use crate::accounts::user::{Role, User, Visitor, name_fault};
use crate::catalogue::offer;
use crate::catalogue::profile::says_more;
use crate::catalogue::track::{Recording, Track};
use crate::catalogue::voices::Said;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::guardians::erasing;
use crate::guardians::guards::{Permitted, Profile, Upload as Upload_};
use crate::guardians::permission::{self, Scope};
use crate::guardians::routes::frozen_by_words;
use crate::ids::{Handle, Slug, UploadId, UserId};
use crate::jobs::{self, Priority};
use crate::player::Listener;
use crate::sales::edition::Edition;
use crate::sales::tier::{Tier, default_catalogue};
use crate::web::ranges::{Conditions, FileFacts};
use crate::web::stream::{ASK_AGAIN, Disposition, FOR_AN_HOUR, FileReply, Pace, StoredFile};
use crate::web::templates::clock;
use crate::web::{Attempt, Faults, Fields, FormView, Incoming, Page, Posted, Reply, Sure};

pub fn all() -> Vec<rocket::Route> {
    routes![
        index,
        welcome,
        new_upload,
        create_upload,
        show_upload,
        retry_upload,
        show_track,
        edit,
        update,
        submit,
        withdraw,
        remove,
        master,
        show_profile,
        update_profile,
        rename,
        update_picture,
        remove_picture,
        picture,
    ]
}

/// The board, or for somebody who does not sell yet the way to become an uploader.
#[get("/studio?<mine>&<others>&<shop>")]
async fn index(
    mine: Option<u64>,
    others: Option<u64>,
    shop: Option<u64>,
    who: SignedIn,
    page: Page,
    app: &State<App>,
) -> Result<Reply> {
    let is_child = who.band == Band::Child;
    if !who.has(Role::Uploader) {
        let (least, id) = (app.config.age.services.clone(), who.id.clone());
        app.db.read(move |conn| least.demand(conn, &id, Scope::Upload, Timestamp::now())).await?;
        let handle = who.handle.as_ref().map(ToString::to_string).unwrap_or_default();
        let form = FormView::filled([("handle", handle)]);
        let agreement = Agreement::now();
        return page.show(&Welcome { form, is_child, confirmed: who.confirmed, agreement });
    }
    let (id, now) = (who.id.clone(), Timestamp::now());
    let asked = [mine, others, shop].map(|page| page.unwrap_or(1));
    let board = app.db.read(move |conn| Board::of(conn, &id, asked, now)).await?;
    page.show(&BoardPage::new(&who, &board, now))
}

#[post("/studio/welcome", data = "<form>")]
async fn welcome(
    who: Buyer,
    _may: Permitted<Upload_>,
    page: Page,
    app: &State<App>,
    form: Posted,
) -> Result<Reply> {
    let (fields, id) = (form.0, who.id.clone());
    if who.band == Band::Child {
        // A child makes no contract and takes no address: sounds of their own, heard by nobody else.
        app.db
            .write(move |conn| User::find(conn, &id)?.grant(conn, Role::Uploader, Timestamp::now()))
            .await?;
        return Ok(Reply::go("/studio").notice("Here are your sounds."));
    }
    let mut faults = Faults::default();
    let handle = Handle::parse(fields.text("handle"));
    if handle.is_none() {
        faults.add("handle", HANDLE);
    }
    if fields.text("agreement") != "yes" {
        faults.add("agreement", "Without the agreement nothing can be sold here.");
    }
    let Some(handle) = handle.filter(|_| faults.is_empty()) else {
        return again(page, &who, &fields, faults);
    };
    let became = app
        .db
        .write(move |conn| {
            User::find(conn, &id)?.become_uploader(conn, &handle, Agreement::now().version, Timestamp::now())
        })
        .await;
    match became {
        Ok(()) => Ok(Reply::go("/studio").notice("Welcome to your studio.")),
        Err(Error::Refused(why) | Error::Conflict(why)) => {
            again(page, &who, &fields, Faults::of("handle", why))
        }
        Err(error) => Err(error),
    }
}

const HANDLE: &str = "2 to 40 small letters, figures and hyphens, such as ines-morrow.";

fn again(page: Page, who: &Visitor, fields: &Fields, faults: Faults) -> Result<Reply> {
    let form = FormView::new(fields, faults);
    let (is_child, agreement) = (who.band == Band::Child, Agreement::now());
    page.show_as(422, &Welcome { form, is_child, confirmed: who.confirmed, agreement })
}

fn upload_form(app: &App, who: &Visitor, fault: impl Into<String>) -> NewUpload {
    NewUpload {
        fault: fault.into(),
        is_child: who.band == Band::Child,
        largest: size(app.config.upload_max_bytes as i64),
        longest: longest(app.config.upload_max_secs),
    }
}

/// `4 hours`, `1:30:00`.
fn longest(secs: u64) -> String {
    match (secs / 3600, secs % 3600) {
        (1, 0) => "an hour".to_owned(),
        (hours, 0) if hours > 0 => format!("{hours} hours"),
        _ => clock(secs as i64 * 1000),
    }
}

#[get("/studio/uploads/new")]
fn new_upload(who: Uploader, _may: Permitted<Upload_>, page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&upload_form(app, &who, ""))
}

/// Takes a file: streamed to storage as it comes, then its row and the job that examines it.
#[post("/studio/uploads", data = "<form>")]
async fn create_upload(
    who: Uploader,
    _may: Permitted<Upload_>,
    page: Page,
    app: &State<App>,
    form: Incoming<'_>,
) -> Result<Reply> {
    app.limits.attempt(Attempt::Upload, who.id.as_str())?;
    let Some(mut file) = form.file.filter(|file| !file.filename.is_empty()) else {
        return page.show_as(422, &upload_form(app, &who, "Choose a file first."));
    };
    let name = file.filename.clone();
    match receive(app, &who.id, &name, &mut file, Priority::People).await {
        Ok(id) => Ok(Reply::go(format!("/studio/uploads/{id}"))),
        Err(Error::Refused(why)) => {
            file.throw_away().await;
            page.show_as(422, &upload_form(app, &who, why))
        }
        Err(error) => Err(error),
    }
}

#[get("/studio/uploads/<id>")]
async fn show_upload(id: UploadId, who: Uploader, page: Page, app: &State<App>) -> Result<Reply> {
    let view = app
        .db
        .read(move |conn| {
            let upload = Upload::own(conn, &id, &who.id)?;
            let track = Track::of_upload(conn, &id)?;
            let recording = match track {
                Some(_) => Some(Recording::find(conn, &id)?),
                None => None,
            };
            let twins = upload.resembled(conn)?;
            let attempt = jobs::attempt_of(conn, &id)?;
            let found = Found { track, recording, twins, is_child: who.band == Band::Child };
            Ok(UploadPage::new(&upload, &found, attempt.as_ref()))
        })
        .await?;
    page.show(&view)
}

/// Tries an upload again that we failed at.
#[post("/studio/uploads/<id>/attempt", data = "<_form>")]
async fn retry_upload(id: UploadId, who: Uploader, app: &State<App>, _form: Posted) -> Result<Reply> {
    let to = format!("/studio/uploads/{id}");
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            Upload::own(conn, &id, &who.id)?;
            Upload::again(conn, &id, now)
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go(to))
}

#[get("/studio/tracks/<slug>")]
fn show_track(slug: Slug, _who: Uploader) -> Reply {
    Reply::go(format!("/studio/tracks/{slug}/edit"))
}

/// The tiers on sale; before the first start wrote them down, those of a new shop.
pub(super) fn tiers(conn: &mut Conn) -> Result<Vec<Tier>> {
    let editions = Edition::on_sale(conn)?;
    let tiers: Vec<Tier> = editions.into_iter().map(|edition| edition.tier).collect();
    Ok(if tiers.is_empty() { default_catalogue() } else { tiers })
}

/// Everything the edit page is made of, and the form as it is kept.
fn edited(conn: &mut Conn, slug: &Slug, who: &UserId, currency: &str) -> Result<(Edited, Fields)> {
    let track = Track::own(conn, slug, who)?;
    let upload = Upload::find(conn, &track.upload_id)?;
    let twins = upload.resembled(conn)?;
    let tiers = tiers(conn)?;
    let (offers, said) = (offer::of_track(conn, &track.id)?, Said::of(conn, &track.id)?);
    let mut fields = describing::fields_of(&track, said.as_ref(), &offers, &tiers, currency);
    // A draft that nobody described yet begins with the shop's own prices.
    if offers.is_empty() && track.created_at == track.changed_at {
        let fresh = first_prices(&tiers, track.kind.as_str());
        fields = fields.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).chain(fresh).collect();
    }
    let scope = permission::of_showing(conn, who)?;
    let edited = Edited {
        recording: track.recording(conn)?,
        refusal: track.refusal(conn)?.map(|(reason, _)| reason),
        may_be_shown: permission::may(conn, who, scope, Timestamp::now())?,
        unpriced: offers.into_iter().filter(|offer| !offer.is_in(currency)).collect(),
        track,
        upload,
        twins,
        tiers,
    };
    Ok((edited, fields))
}

async fn looked_up(app: &App, slug: &Slug, who: &UserId) -> Result<(Edited, Fields)> {
    let (slug, who, currency) = (slug.clone(), who.clone(), app.config.currency.clone());
    app.db.read(move |conn| edited(conn, &slug, &who, &currency)).await
}

fn edit_page(app: &App, who: &Visitor, it: &Edited, form: FormView) -> EditPage {
    let config = &app.config;
    EditPage::new(who, it, form, &config.currency, config.catalogue.bounds(), config.share_bps)
}

#[get("/studio/tracks/<slug>/edit")]
async fn edit(slug: Slug, who: Uploader, page: Page, app: &State<App>) -> Result<Reply> {
    let (it, fields) = looked_up(app, &slug, &who.id).await?;
    page.show(&edit_page(app, &who, &it, FormView::new(&fields, Faults::default())))
}

/// Keeps what its uploader says of a track; pressed with `then=submission`, hands it to the reviewers as well.
#[post("/studio/tracks/<slug>", data = "<form>")]
async fn update(slug: Slug, who: Uploader, page: Page, app: &State<App>, form: Posted) -> Result<Reply> {
    let fields = match who.band {
        Band::Child => describing::unpriced(&describing::taken(&form.0)),
        _ => describing::taken(&form.0),
    };
    let (it, _) = looked_up(app, &slug, &who.id).await?;
    let (currency, bounds) = (app.config.currency.clone(), app.config.catalogue.bounds());
    let said = match describing::read(&fields, &it.track, &it.tiers, bounds, &currency) {
        Ok(said) => said,
        Err(faults) => return page.show_as(422, &edit_page(app, &who, &it, FormView::new(&fields, faults))),
    };
    let to = format!("/studio/tracks/{slug}/edit");
    let by = who.id.clone();
    app.db
        .write(move |conn| {
            let track = Track::own(conn, &slug, &by)?;
            track.describe(conn, &said, &currency, &by, Timestamp::now())
        })
        .await?;
    if fields.text("then") == "submission" {
        return hand_in(app, &who, page, &it.track.slug).await;
    }
    Ok(Reply::go(to).notice("Saved."))
}

#[post("/studio/tracks/<slug>/submission", data = "<_form>")]
async fn submit(slug: Slug, who: Uploader, page: Page, app: &State<App>, _form: Posted) -> Result<Reply> {
    hand_in(app, &who, page, &slug).await
}

/// Hands a track to the reviewers, or shows what it lacks at the field where it is missing.
async fn hand_in(app: &App, who: &Visitor, page: Page, slug: &Slug) -> Result<Reply> {
    let (wanted, by, least) = (slug.clone(), who.id.clone(), app.config.age.services.clone());
    let handed = app.db.write(move |conn| {
        let now = Timestamp::now();
        let scope = permission::of_showing(conn, &by)?;
        permission::demand(conn, &by, scope, &least, now)?;
        Track::own(conn, &wanted, &by)?.submit(conn, &by, now)
    });
    let handed = handed.await;
    match handed {
        Ok(()) => Ok(Reply::go("/studio")
            .notice("A reviewer listens to it next. You get a letter when it is decided.")),
        Err(Error::Refused(why)) => {
            let (it, fields) = looked_up(app, slug, &who.id).await?;
            let field = match () {
                () if it.track.title.trim().is_empty() => "title",
                () if it.track.description.trim().is_empty() => "description",
                () if it.track.price_from.is_none() => "price.creator",
                () => "under_age",
            };
            let form = FormView::new(&fields, Faults::of(field, why));
            page.show_as(422, &edit_page(app, who, &it, form))
        }
        Err(error) => Err(error),
    }
}

#[post("/studio/tracks/<slug>/withdrawal", data = "<_form>")]
async fn withdraw(slug: Slug, who: Uploader, app: &State<App>, _form: Posted) -> Result<Reply> {
    let (to, is_child) = (format!("/studio/tracks/{slug}/edit"), who.band == Band::Child);
    app.db
        .write(move |conn| Track::own(conn, &slug, &who.id)?.withdraw(conn, &who.id, Timestamp::now()))
        .await?;
    Ok(Reply::go(to).notice(match is_child {
        true => "Only you hear it now.",
        false => "It is off sale. Licences that were sold stand.",
    }))
}

/// Takes a sound away for good, with everything that was made of it (Business and Professions Code 22581). One that
/// somebody ordered only leaves the shop: it is theirs, too. Whoever was not asked yet is asked first.
#[post("/studio/tracks/<slug>/removal", data = "<form>")]
async fn remove(slug: Slug, who: Uploader, page: Page, app: &State<App>, form: Posted) -> Result<Reply> {
    if !Sure::is_said(&form.0) {
        let is_child = who.band == Band::Child;
        let track = app.db.read(move |conn| Track::own(conn, &slug, &who.id)).await?;
        return page.show(&sure_to_remove(&track, is_child));
    }
    let gone = app
        .db
        .write(move |conn| {
            let now = Timestamp::now();
            let track = Track::own(conn, &slug, &who.id)?;
            track.withdraw(conn, &who.id, now)?;
            erasing::remove_upload(conn, &track.upload_id, now)
        })
        .await?;
    Ok(Reply::go("/studio").notice(match gone {
        true => "It is gone, with its file.",
        false => "It is off sale. Those who have a licence keep what they have.",
    }))
}

fn sure_to_remove(track: &Track, is_child: bool) -> Sure {
    let words = match is_child {
        true => "The file goes with it.",
        false => "The file goes with it. If somebody has a licence, it only leaves the shop.",
    };
    Sure {
        question: format!("Remove “{}” for good?", track.title),
        words: words.into(),
        action: format!("/studio/tracks/{}/removal", track.slug),
        button: "Remove it for good",
        back: format!("/studio/tracks/{}/edit", track.slug),
    }
}

/// The master as it was given, for the one who gave it.
#[get("/studio/tracks/<slug>/master")]
async fn master(slug: Slug, who: Uploader, app: &State<App>, asked: Conditions) -> Result<FileReply> {
    let (upload, recording) = app
        .db
        .read(move |conn| {
            let track = Track::own(conn, &slug, &who.id)?;
            Ok((Upload::find(conn, &track.upload_id)?, track.recording(conn)?))
        })
        .await?;
    master_of(app, &upload, &recording, &asked).await
}

/// The answer that is a master. Who may have it was decided before.
pub async fn master_of(app: &App, upload: &Upload, rec: &Recording, asked: &Conditions) -> Result<FileReply> {
    let kind = match rec.container.as_str() {
        "WAV" => "audio/wav",
        "AIFF" => "audio/aiff",
        "FLAC" => "audio/flac",
        "CAF" => "audio/x-caf",
        "M4A" => "audio/mp4",
        "Ogg" => "audio/ogg",
        "MP3" => "audio/mpeg",
        _ => "application/octet-stream",
    };
    let bits_per_sec = (upload.bytes.saturating_mul(8000) / rec.duration_ms.max(1)).clamp(64_000, 1 << 30);
    let file = StoredFile {
        key: upload.master_key.clone(),
        facts: FileFacts {
            len: upload.bytes as u64,
            etag: upload.file_sha256.clone(),
            modified: upload.created_at,
        },
        kind: kind.into(),
        disposition: Disposition::Inline,
        cache: "private, no-cache".into(),
        pace: Pace::Listen { bits_per_sec: bits_per_sec as u32 },
    };
    file.answer(&app.storage, app.config.delivery, asked).await
}

/// The form of one's profile as it is kept.
async fn profile_form(app: &App, who: &Visitor) -> Result<ProfileForm> {
    let id = who.id.clone();
    let (user, links, says_more) = app
        .db
        .read(move |conn| Ok((User::find(conn, &id)?, profile::links_of(conn, &id)?, says_more(conn, &id)?)))
        .await?;
    let lines: Vec<String> = links.into_iter().map(|link| link.url).collect();
    let handle = user.handle.as_ref().map(ToString::to_string);
    Ok(ProfileForm {
        name: user.name.clone(),
        may_rename: user.handle_changed_at.is_none(),
        says_more,
        form: FormView::filled([("name", user.name), ("about", user.about), ("links", lines.join("\n"))]),
        handle_form: FormView::filled([("handle", handle.clone().unwrap_or_default())]),
        handle,
        picture_href: user.picture.as_deref().map(picture_href),
        picture_fault: String::new(),
    })
}

/// The public address of a kept picture.
pub fn picture_href(key: &str) -> String {
    format!("/{key}")
}

#[get("/studio/profile")]
async fn show_profile(who: Uploader, page: Page, app: &State<App>) -> Result<Reply> {
    let view = profile_form(app, &who).await?;
    page.show(&view)
}

#[post("/studio/profile", data = "<form>")]
async fn update_profile(
    who: Uploader,
    _may: Permitted<Profile>,
    page: Page,
    app: &State<App>,
    form: Posted,
) -> Result<Reply> {
    let fields = form.0;
    let mut faults = Faults::default();
    let name = fields.text("name").split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(fault) = name_fault(&name) {
        faults.add("name", fault);
    }
    let about = fields.text("about").to_owned();
    if about.chars().count() > 2_000 {
        faults.add("about", "At most 2,000 letters, please.");
    }
    let mut links = vec![];
    for line in fields.text("links").lines().filter(|line| !line.trim().is_empty()) {
        match Link::parse(line) {
            Ok(link) => links.push(link),
            Err(error) => faults.add("links", error.to_string()),
        }
    }
    if links.len() > LINKS {
        faults.add("links", format!("At most {LINKS} links, please."));
    }
    if !faults.is_empty() {
        let view = profile_form(app, &who).await?;
        return page.show_as(422, &ProfileForm { form: FormView::new(&fields, faults), ..view });
    }
    if frozen_by_words(app, &who, &format!("{name}. {about}")).await? {
        return Ok(Reply::go("/held"));
    }
    app.db
        .write(move |conn| match says_more(conn, &who.id)? {
            true => profile::keep(conn, &who.id, &name, &about, &links, Timestamp::now()),
            // A guardian allowed a name and a picture.
            false => profile::keep(conn, &who.id, &name, "", &[], Timestamp::now()),
        })
        .await?;
    Ok(Reply::go("/studio/profile").notice("Saved."))
}

#[post("/studio/profile/handle", data = "<form>")]
async fn rename(who: Uploader, page: Page, app: &State<App>, form: Posted) -> Result<Reply> {
    let fields = form.0;
    let renamed = match Handle::parse(fields.text("handle")) {
        None => Err(Error::refused(HANDLE)),
        Some(handle) if who.handle.as_ref() == Some(&handle) => Ok(()),
        Some(handle) => {
            let id = who.id.clone();
            app.db.write(move |conn| User::find(conn, &id)?.rename(conn, &handle, Timestamp::now())).await
        }
    };
    match renamed {
        Ok(()) => Ok(Reply::go("/studio/profile").notice("Your address is changed.")),
        Err(Error::Refused(why) | Error::Conflict(why)) => {
            let view = profile_form(app, &who).await?;
            let handle_form = FormView::new(&fields, Faults::of("handle", why));
            page.show_as(422, &ProfileForm { handle_form, ..view })
        }
        Err(error) => Err(error),
    }
}

/// Pictures decoded at once: each may take a few hundred megabytes for a moment.
static DECODING: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(1);

#[post("/studio/profile/picture", data = "<form>")]
async fn update_picture(
    who: Uploader,
    _may: Permitted<Profile>,
    page: Page,
    app: &State<App>,
    form: Incoming<'_>,
) -> Result<Reply> {
    app.limits.attempt(Attempt::Upload, who.id.as_str())?;
    let made = match form.file.filter(|file| !file.filename.is_empty()) {
        None => Err(Error::refused("Choose a picture first.")),
        Some(mut file) => {
            let bytes = small(&mut file).await;
            if bytes.is_err() {
                file.throw_away().await;
            }
            match bytes {
                Err(error) => Err(error),
                Ok(bytes) => {
                    let _turn = DECODING.acquire().await.map_err(Error::internal)?;
                    // A decoder that panics over a strange file refuses it.
                    tokio::task::spawn_blocking(move || profile::picture(&bytes))
                        .await
                        .unwrap_or_else(|_| Err(Error::refused("This picture is damaged.")))
                }
            }
        }
    };
    let picture = match made {
        Ok(picture) => picture,
        Err(Error::Refused(why)) => {
            let view = profile_form(app, &who).await?;
            return page.show_as(422, &ProfileForm { picture_fault: why, ..view });
        }
        Err(error) => return Err(error),
    };
    app.storage.put(&picture.key, picture.jpeg, "image/jpeg").await?;
    app.db.write(move |conn| profile::show_picture(conn, &who.id, Some(&picture.key))).await?;
    Ok(Reply::go("/studio/profile").notice("Saved."))
}

async fn small(file: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<Vec<u8>> {
    use tokio::io::AsyncReadExt;
    let mut bytes = vec![];
    let read = file.take(PICTURE_BYTES + 1).read_to_end(&mut bytes).await;
    read.map_err(|_| Error::refused("The picture broke off before its end."))?;
    match bytes.len() as u64 > PICTURE_BYTES {
        true => Err(Error::refused("This picture is larger than 20 MB.")),
        false => Ok(bytes),
    }
}

#[post("/studio/profile/picture/removal", data = "<_form>")]
async fn remove_picture(who: Uploader, app: &State<App>, _form: Posted) -> Result<Reply> {
    app.db.write(move |conn| profile::show_picture(conn, &who.id, None)).await?;
    Ok(Reply::go("/studio/profile").notice("Your picture is gone."))
}

/// A profile's picture under the address of its content, for everyone while an open profile shows it, else for whose it is. One
/// that nobody shows any more is gone.
#[get("/pictures/<name>")]
async fn picture(name: &str, who: Listener, app: &State<App>, asked: Conditions) -> Result<FileReply> {
    let key = format!("pictures/{name}");
    if !crate::storage::is_key(&key) {
        return Err(Error::NotFound);
    }
    let (wanted, least) = (key.clone(), app.config.age.services.clone());
    let is_shown =
        app.db.read(move |conn| profile::is_shown(conn, &wanted, &least, Timestamp::now())).await?;
    let is_own = |who: &Visitor| who.hold.is_none() && who.picture.as_ref() == Some(&key);
    if !is_shown && !who.0.as_ref().is_some_and(is_own) {
        return Err(Error::NotFound);
    }
    let stat = app.storage.stat(&key).await?.ok_or(Error::NotFound)?;
    let etag = key.rsplit('/').next().unwrap_or_default().trim_end_matches(".jpg").to_owned();
    let file = StoredFile {
        facts: FileFacts { len: stat.len, etag, modified: stat.modified },
        key,
        kind: ContentType::JPEG.to_string(),
        disposition: Disposition::Inline,
        cache: if is_shown { FOR_AN_HOUR } else { ASK_AGAIN }.into(),
        pace: Pace::Download,
    };
    // Small, and named in our own pages' policy: never sent to another origin.
    file.answer(&app.storage, crate::web::stream::Delivery::Direct, &asked).await
}
