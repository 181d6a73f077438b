//! What somebody licensed: the files of the tier, the certificate, the receipt; for ever.

use std::collections::BTreeMap;

use rocket::http::ContentType;
use rocket::response::{self, Responder};
use rocket::{Request, State, get, post};
use serde::Serialize;

use super::checkout::Choice;
use super::invoice::Printed;
use crate::App;
use crate::accounts::guards::SignedIn;
use crate::catalogue::pages::Paging;
use crate::catalogue::sheet::open_among;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::{LicenceId, OrderId, TrackId, UploadId};
use crate::money::Cents;
use crate::sales::certificate;
use crate::sales::delivery::{self, File, Kept, Made, Source};
use crate::sales::edition::Edition;
use crate::sales::invoice::{Invoice, Kind};
use crate::sales::licence::{self, Held, Status};
use crate::sales::number::LicenceNumber;
use crate::sales::order::Order;
use crate::sales::places;
use crate::web::ranges::{Conditions, FileFacts};
use crate::web::stream::{Disposition, FileReply, Pace, StoredFile};
use crate::web::{Page, Posted, Reply, View};

/// Licences on one page.
const ROWS: i64 = 24;
/// Receipts listed; older ones are reached from their licences.
const RECEIPTS: i64 = 12;

/// `/library`.
#[derive(Serialize)]
pub struct Library {
    pub licences: Vec<Shown>,
    /// How many there are in all.
    pub total: i64,
    pub receipts: Vec<Receipt>,
    pub paging: Option<Paging>,
    /// The territory groups.
    pub groups: Vec<Choice>,
}

/// A licence with everything it hands out.
#[derive(Serialize)]
pub struct Shown {
    pub number: String,
    pub title: String,
    pub uploader_name: String,
    /// The track's page; none where its holder cannot open it.
    pub track_href: Option<String>,
    pub tier: String,
    pub terms_href: String,
    /// What it permits, in one sentence.
    pub permits: String,
    pub licensee: String,
    pub company: String,
    pub issued_at: Timestamp,
    pub status: Status,
    pub receipt_href: String,
    /// Empty while it does not stand.
    pub files: Vec<Given>,
    /// The best of the files that browsers play: to be heard here, without the mark.
    pub hear_href: Option<String>,
    /// How many territory groups its holder may still name, once; 0: none, or they are named.
    pub names: u8,
}

/// A file to fetch.
#[derive(Serialize)]
pub struct Given {
    pub href: String,
    pub name: String,
    pub words: String,
    /// The signed note about a file that was made from the master, once it was.
    pub note_href: Option<String>,
}

/// An order that came to something.
#[derive(Serialize)]
pub struct Receipt {
    pub href: String,
    pub at: Timestamp,
    pub total: Cents,
    pub currency: String,
    pub refunded: bool,
    /// Its invoice, and the credit note that took it back.
    pub papers: Vec<Printed>,
}

/// The licences somebody holds, a page of them, the youngest first.
#[get("/library?<page>")]
pub async fn index(page: Option<i64>, person: SignedIn, shown: Page, app: &State<App>) -> Result<Reply> {
    let at = page.unwrap_or(1).clamp(1, 100_000);
    let (buyer, me) = (person.id.clone(), person.0.clone());
    let library = app
        .db
        .read(move |conn| {
            let total = licence::count_of(conn, &buyer)?;
            let held = Held::all_of(conn, &buyer, ROWS, (at - 1) * ROWS)?;
            let hashes: Vec<String> = held.iter().map(|h| h.licence.terms_hash.clone()).collect();
            let uploads: Vec<UploadId> = held.iter().map(|h| h.line.upload_id.clone()).collect();
            let ids: Vec<LicenceId> = held.iter().map(|h| h.licence.id.clone()).collect();
            let named = licence::named(conn, &ids)?;
            let editions = Edition::of_hashes(conn, &hashes)?;
            let containers = delivery::containers(conn, &uploads)?;
            let made = delivery::made_for(conn, &held)?;
            let tracks: Vec<TrackId> = held.iter().map(|h| h.licence.track_id.clone()).collect();
            let open = open_among(conn, &tracks, Some(&me))?;
            let licences = held.into_iter().map(|held| {
                let container = containers.get(&held.line.upload_id).map_or("", |(name, _)| name);
                let noted: Vec<Made> =
                    made.iter().filter(|(id, _)| *id == held.licence.id).map(|(_, m)| *m).collect();
                let is_open = open.contains(&held.licence.track_id);
                let names = if named.contains_key(&held.licence.id) { 0 } else { to_name(&held, &editions) };
                Shown { names, ..self::shown(held, &editions, container, &noted, is_open) }
            });
            let licences = licences.collect();
            let settled = Order::settled_of(conn, &buyer, RECEIPTS)?;
            let ids: Vec<OrderId> = settled.iter().map(|order| order.id.clone()).collect();
            let papers = Invoice::of_orders(conn, &ids)?;
            let receipts = settled.into_iter().map(|order| Receipt::of(order, &papers)).collect();
            let last = (total.max(1) as u64).div_ceil(ROWS as u64);
            let paging = Paging::new(at as u64, last, |n| format!("/library?page={n}"));
            Ok(Library { licences, total, receipts, paging, groups: groups() })
        })
        .await?;
    shown.show(&library)
}

fn shown(
    held: Held,
    editions: &BTreeMap<String, Edition>,
    container: &str,
    noted: &[Made],
    is_open: bool,
) -> Shown {
    let edition = editions.get(&held.licence.terms_hash);
    let number = held.licence.number.clone();
    let files = match edition.filter(|_| held.status.is_valid()) {
        Some(edition) => delivery::files(&edition.tier.scope, container, &held.slug, &number),
        None => vec![],
    };
    // The master before what was made from it.
    let hear_href = files.iter().find(|file| delivery::is_played(file.kind));
    let hear_href = hear_href.map(|file| format!("/library/{number}/{}?inline", file.name));
    let given = files.into_iter().map(|file| Given {
        href: format!("/library/{number}/{}", file.name),
        note_href: match file.source {
            Source::Made(made) if noted.contains(&made) => {
                Some(format!("/library/{number}/{made}/note.json"))
            }
            _ => None,
        },
        name: file.name,
        words: file.words,
    });
    Shown {
        files: given.collect(),
        hear_href,
        names: 0,
        title: held.line.title,
        uploader_name: held.line.uploader_name,
        track_href: is_open.then(|| format!("/tracks/{}", held.slug)),
        tier: edition.map_or(held.licence.tier.clone(), |e| e.tier.name.clone()),
        terms_href: format!("/licences/{}/{}", held.licence.tier, held.licence.terms_hash),
        permits: edition.map_or_else(String::new, |e| e.tier.scope.sentence()),
        licensee: held.order.licensee,
        company: held.order.company,
        issued_at: held.licence.issued_at,
        status: held.status,
        receipt_href: format!("/orders/{}", held.order.id),
        number,
    }
}

/// How many territory groups a licence has whose buyer named none.
fn to_name(held: &Held, editions: &BTreeMap<String, Edition>) -> u8 {
    let is_bare = held.status.is_valid() && held.order.territories.is_empty();
    let edition = editions.get(&held.licence.terms_hash).filter(|_| is_bare);
    edition.map_or(0, |edition| edition.tier.scope.groups_to_name())
}

fn groups() -> Vec<Choice> {
    let choice = |(slug, name): &(&str, &str)| Choice { slug: (*slug).into(), name: (*name).into() };
    places::GROUPS.iter().map(choice).collect()
}

impl Receipt {
    fn of(order: Order, papers: &BTreeMap<OrderId, Vec<Invoice>>) -> Receipt {
        Receipt {
            papers: papers.get(&order.id).into_iter().flatten().map(Printed::of).collect(),
            href: format!("/orders/{}", order.id),
            at: order.paid_at.unwrap_or(order.created_at),
            total: order.total_cents,
            refunded: order.state == crate::sales::order::State::Refunded,
            currency: order.currency,
        }
    }
}

/// A file of the library: small ones at hand, sounds from storage.
pub enum Fetched {
    Small(Box<Reply>),
    Stored(Box<FileReply>),
}

impl<'r> Responder<'r, 'static> for Fetched {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        match self {
            Fetched::Small(reply) => reply.respond_to(request),
            Fetched::Stored(reply) => reply.respond_to(request),
        }
    }
}

/// One file of a licence of one's own, by its name or by what it is: `master`, `wav`, `mp3`, `certificate.pdf`,
/// `certificate.json`. The certificate of a licence that ended is still its holder's; its sounds are not. With `inline` a
/// sound that browsers play is heard instead of saved; nobody counts either.
#[get("/library/<number>/<file>?<inline>")]
pub async fn show(
    number: LicenceNumber,
    file: &str,
    inline: Option<&str>,
    person: SignedIn,
    asked: Conditions,
    app: &State<App>,
) -> Result<Fetched> {
    let buyer = person.id.clone();
    let held = app.db.read(move |conn| Held::own(conn, number, &buyer)).await?;
    let certificate = format!("certificate-{number}");
    match file.strip_prefix(&certificate).or_else(|| file.strip_prefix("certificate")) {
        Some(".json") => {
            let (document, _) = newest(app, held).await?;
            let reply = saved(ContentType::new("application", "vc"), document, format!("{certificate}.json"));
            return Ok(Fetched::Small(Box::new(reply)));
        }
        Some(".pdf") => {
            return pdf(app, held, &certificate).await.map(|reply| Fetched::Small(Box::new(reply)));
        }
        _ => {}
    }
    if !held.status.is_valid() {
        return Err(Error::Forbidden);
    }
    let mut stored = stored(app, &held, file).await?;
    if inline.is_some() && delivery::is_played(&stored.kind) {
        stored.disposition = Disposition::Inline;
    }
    let reply = stored.answer(&app.storage, app.config.delivery, &asked).await?;
    Ok(Fetched::Stored(Box::new(reply)))
}

/// Names the territory of a licence that was bought without saying it, once. Its certificate is issued anew.
#[post("/library/<number>/territory", data = "<form>")]
pub async fn territory(
    number: LicenceNumber,
    person: SignedIn,
    form: Posted,
    app: &State<App>,
) -> Result<Reply> {
    let groups: Vec<String> = form.0.all("territory").into_iter().map(str::to_owned).collect();
    let (buyer, issuer) = (person.id.clone(), app.issuer.clone());
    app.db
        .write(move |conn| {
            let held = Held::own(conn, number, &buyer)?;
            licence::name(conn, &held, &groups, &issuer, Timestamp::now())
        })
        .await?;
    let words =
        "The territory is named, and the certificate is issued anew. The first one stays as it was signed.";
    Ok(Reply::go("/library").notice(words))
}

/// The signed note about a file that was made from the master.
#[get("/library/<number>/<kind>/note.json")]
pub async fn note(number: LicenceNumber, kind: &str, person: SignedIn, app: &State<App>) -> Result<Reply> {
    let made = Made::parse(kind).ok_or(Error::NotFound)?;
    let buyer = person.id.clone();
    let kept = app
        .db
        .read(move |conn| {
            let held = Held::own(conn, number, &buyer)?;
            Kept::find(conn, &held.licence.id, made)?.ok_or(Error::NotFound)
        })
        .await?;
    Ok(saved(ContentType::JSON, kept.note, format!("note-{made}-{number}.json")))
}

async fn stored(app: &App, held: &Held, file: &str) -> Result<StoredFile> {
    let (hash, upload) = (held.licence.terms_hash.clone(), held.line.upload_id.clone());
    let (edition, containers, master) = app
        .db
        .read(move |conn| {
            let containers = delivery::containers(conn, std::slice::from_ref(&upload))?;
            Ok((Edition::by_hash(conn, &hash)?, containers, delivery::master(conn, &upload)?))
        })
        .await?;
    let (container, bits) = containers.get(&held.line.upload_id).cloned().ok_or(Error::NotFound)?;
    let files = delivery::files(&edition.tier.scope, &container, &held.slug, &held.licence.number);
    let wanted =
        files.into_iter().find(|one| one.name == file || is_called(one, file)).ok_or(Error::NotFound)?;
    let (key, len, sha256, modified) = match wanted.source {
        Source::Master => (master.key, master.bytes, master.sha256, master.since),
        Source::Made(made) => {
            let kept = delivery::made(app, held, made, &wanted, bits).await?;
            (kept.storage_key, kept.bytes, kept.sha256, kept.made_at)
        }
    };
    Ok(StoredFile {
        key,
        facts: FileFacts { len: u64::try_from(len).map_err(Error::internal)?, etag: sha256, modified },
        kind: wanted.kind.to_owned(),
        disposition: Disposition::Save(wanted.name),
        cache: "private, no-cache".into(),
        pace: Pace::Download,
    })
}

/// Whether a file goes by this short name. Where the master is what was asked for, it is given, not made again.
fn is_called(file: &File, word: &str) -> bool {
    match file.source {
        Source::Master => word == "master" || file.name.ends_with(&format!(".{word}")),
        Source::Made(made) => word == made.as_str(),
    }
}

/// The certificate as it is given out now, and since when.
async fn newest(app: &App, held: Held) -> Result<(String, Timestamp)> {
    app.db.read(move |conn| held.licence.certificate(conn)).await
}

async fn pdf(app: &App, held: Held, name: &str) -> Result<Reply> {
    let issuer = app.issuer.clone();
    let (credential, at) = newest(app, held).await?;
    let bytes = tokio::task::spawn_blocking(move || certificate::pdf(&credential, &issuer, at)).await??;
    Ok(saved(ContentType::PDF, bytes, format!("{name}.pdf")))
}

/// A small file to keep, for its owner alone.
pub(super) fn saved(kind: ContentType, body: impl Into<Vec<u8>>, name: String) -> Reply {
    Reply::bytes(kind, body)
        .header("Content-Disposition", Disposition::Save(name).header())
        .header("Cache-Control", "private, no-cache")
}

impl View for Library {
    const TEMPLATE: &'static str = "sales/library.html";

    fn samples() -> Vec<Library> {
        let at = Timestamp(1_795_000_000_000);
        let number = "7K3M-0000-0000-0000-0000-0000-0000";
        let licence = |status: Status| Shown {
            number: number.into(),
            title: "Copper Weather & <Rain>".into(),
            uploader_name: "Ines Morrow".into(),
            track_href: (status == Status::Valid).then(|| "/tracks/copper-weather".into()),
            hear_href: (status == Status::Valid)
                .then(|| format!("/library/{number}/copper-weather-{number}.wav?inline")),
            tier: "Creator".into(),
            terms_href: "/licences/creator/0".into(),
            permits: "You may use this in one work or one series, online, anywhere, for ever.".into(),
            licensee: "Ada Field".into(),
            company: "Field & Söhne GmbH".into(),
            issued_at: at,
            status,
            receipt_href: "/orders/0".into(),
            files: match status {
                Status::Valid => vec![
                    Given {
                        href: format!("/library/{number}/copper-weather-{number}.wav"),
                        name: format!("copper-weather-{number}.wav"),
                        words: "The master, as its maker gave it (WAV)".into(),
                        note_href: None,
                    },
                    Given {
                        href: format!("/library/{number}/copper-weather-{number}.mp3"),
                        name: format!("copper-weather-{number}.mp3"),
                        words: "MP3, 320 kb/s, made from the master".into(),
                        note_href: Some(format!("/library/{number}/mp3/note.json")),
                    },
                ],
                _ => vec![],
            },
            names: 0,
        };
        let full = Library {
            licences: vec![
                licence(Status::Valid),
                Shown { names: 1, ..licence(Status::Valid) },
                Shown { names: 2, ..licence(Status::Valid) },
                licence(Status::Suspended { since: at }),
                licence(Status::Revoked { since: at, reason: licence::Reason::Refunded }),
            ],
            total: 60,
            receipts: vec![
                Receipt {
                    href: "/orders/0".into(),
                    at,
                    total: Cents(2_900),
                    currency: "usd".into(),
                    refunded: false,
                    papers: vec![Printed::sample(Kind::Invoice)],
                },
                Receipt {
                    href: "/orders/1".into(),
                    at,
                    total: Cents(0),
                    currency: "usd".into(),
                    refunded: true,
                    papers: vec![Printed::sample(Kind::Invoice), Printed::sample(Kind::CreditNote)],
                },
            ],
            paging: Paging::new(1, 3, |n| format!("/library?page={n}")),
            groups: groups(),
        };
        let empty = Library { licences: vec![], total: 0, receipts: vec![], paging: None, groups: groups() };
        vec![full, empty]
    }
}
