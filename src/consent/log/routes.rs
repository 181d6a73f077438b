//! The consent log for everyone, and a receipt for whoever holds it. Nobody can be found in the log; a receipt is shown to
//! those who know its id, which nobody can guess.

use rocket::http::ContentType;
use rocket::request::FromParam;
use rocket::{Route, State, get, post, routes};
use serde::Serialize;
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::Leaf;
use super::bundle::{self, Bundle};
use super::dpv;
use super::head::{self, Head};
use super::merkle::{self, Hash};
use crate::App;
use crate::clock::Timestamp;
use crate::consent::log;
use crate::consent::out_of_reach::OutOfReach;
use crate::consent::receipt::{Action, AgeBand, Answer, Notice, Receipt, Recipient};
use crate::consent::vendor::Registry;
use crate::error::{Error, Result};
use crate::ids::ReceiptId;
use crate::proof::{Verdict, issuer, jcs};
use crate::web::{Attempt, Client, Faults, FormView, Incoming, Page, Reply, Sample, View, samples};

/// The longest file looked at: many times any receipt.
const MOST_BYTES: u64 = 1 << 20;
/// What never changes may be kept for a year.
const FOR_EVER: u32 = 31_536_000;

/// Every address of this file.
pub fn all() -> Vec<Route> {
    routes![newest, proof, consistency, entries, verify, verify_file, show, download, download_for_others]
}

/// The pages of this file.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<ShowReceipt>();
    all.extend(samples::<CheckReceipt>());
    all
}

/// The newest signed head. Signs the log when nobody did yet.
#[get("/.well-known/consent-log/head.json")]
pub async fn newest(app: &State<App>) -> Result<Reply> {
    let head = match app.db.read(Head::newest).await? {
        Some(head) => head,
        None => signed(app).await?,
    };
    Ok(Reply::json(&serde_json::to_value(head)?).public(60))
}

async fn signed(app: &App) -> Result<Head> {
    let (issuer, now) = (app.issuer.clone(), Timestamp::now());
    app.db.write(move |conn| head::sign(conn, &issuer, now)).await
}

/// That a leaf is in the log of that size; without a size, in the log of this moment.
#[get("/consent-log/proof?<leaf>&<size>")]
pub async fn proof(leaf: Option<&str>, size: Option<&str>, app: &State<App>) -> Result<Reply> {
    let hash = leaf.and_then(merkle::hash_of);
    let hash = hash.ok_or_else(|| Error::refused("leaf is a hash: 64 small hexadecimal digits."))?;
    let asked = size.map(|size| number("size", Some(size))).transpose()?;
    let found = app.db.read(move |conn| {
        let leaf = Leaf::by_hash(conn, &hash)?;
        let size = asked.map_or_else(|| log::size(conn), Ok)?;
        let path = log::inclusion(conn, leaf.index(), size)?;
        Ok(json!({
            "leaf": leaf.leaf,
            "seq": leaf.seq,
            "size": size,
            "path": hexes(&path),
            "root": hex::encode(log::root(conn, size)?),
        }))
    });
    Ok(Reply::json(&found.await?).public(if asked.is_some() { FOR_EVER } else { 0 }))
}

/// That the log of one size is the beginning of that of another.
#[get("/consent-log/consistency?<from>&<to>")]
pub async fn consistency(from: Option<&str>, to: Option<&str>, app: &State<App>) -> Result<Reply> {
    let (from, to) = (number("from", from)?, number("to", to)?);
    let found = app.db.read(move |conn| {
        let path = log::consistency(conn, from, to)?;
        Ok(json!({
            "from": from,
            "to": to,
            "path": hexes(&path),
            "from_root": hex::encode(log::root(conn, from)?),
            "to_root": hex::encode(log::root(conn, to)?),
        }))
    });
    Ok(Reply::json(&found.await?).public(FOR_EVER))
}

/// What everyone may see of the log, a thousand entries at a time: no word of any receipt.
#[get("/consent-log/entries?<from>")]
pub async fn entries(from: Option<&str>, app: &State<App>) -> Result<Reply> {
    let from = number("from", Some(from.unwrap_or("1")))?;
    if from == 0 {
        return Err(Error::refused("Entries are counted from 1."));
    }
    let entries = app.db.read(move |conn| log::entries(conn, from as i64)).await?;
    let is_full = entries.len() as i64 == log::PAGE;
    let next = entries.last().filter(|_| is_full).map(|last| last.seq + 1);
    let page = json!({ "from": from, "entries": entries, "next": next });
    Ok(Reply::json(&page).public(if is_full { FOR_EVER } else { 60 }))
}

/// A whole number that a log could have.
fn number(name: &str, text: Option<&str>) -> Result<u64> {
    let digits = text.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|text| text.parse().ok()).filter(|n| *n <= merkle::MOST);
    number.ok_or_else(|| Error::refused(format!("{name} is a whole number.")))
}

fn hexes(path: &[Hash]) -> Vec<String> {
    path.iter().map(hex::encode).collect()
}

/// A receipt with its proof. Signs the log when no head knows its leaf yet.
async fn bundle_of(app: &App, id: ReceiptId) -> Result<Bundle> {
    let wanted = id.clone();
    let ready = app
        .db
        .read(move |conn| {
            let kept = log::kept(conn, &wanted)?;
            match Head::covering(conn, kept.leaf.seq)? {
                Some(head) => Bundle::under(conn, &kept, head).map(Some),
                None => Ok(None),
            }
        })
        .await?;
    if let Some(ready) = ready {
        return Ok(ready);
    }
    let (issuer, now) = (app.issuer.clone(), Timestamp::now());
    app.db
        .write(move |conn| {
            let head = head::sign(conn, &issuer, now)?;
            let kept = log::kept(conn, &id)?;
            Bundle::under(conn, &kept, head)
        })
        .await
}

/// A receipt for whoever knows its id. 404 for any other, and for one that was erased.
#[get("/privacy/receipts/<id>", rank = 2)]
pub async fn show(id: ReceiptId, client: Client, page: Page, app: &State<App>) -> Result<Reply> {
    app.limits.attempt(Attempt::Verify, &client.key())?;
    let bundle = bundle_of(app, id).await?;
    Ok(own(page.show(&ShowReceipt::new(&bundle, app.consent.registry, Timestamp::now())?)?))
}

/// `<id>.json`.
pub struct OneFile(ReceiptId);

impl<'r> FromParam<'r> for OneFile {
    type Error = ();
    fn from_param(text: &'r str) -> Result<OneFile, ()> {
        text.strip_suffix(".json").and_then(ReceiptId::parse).map(OneFile).ok_or(())
    }
}

/// The same as a file to keep, which anyone can check without us.
#[get("/privacy/receipts/<file>", rank = 3)]
pub async fn download(file: OneFile, client: Client, app: &State<App>) -> Result<Reply> {
    app.limits.attempt(Attempt::Verify, &client.key())?;
    let bundle = bundle_of(app, file.0).await?;
    let name = format!("attachment; filename=\"consent-receipt-{}.json\"", bundle.seq);
    Ok(own(Reply::bytes(ContentType::JSON, bundle.file()?).header("Content-Disposition", name)))
}

/// `<id>.jsonld`.
pub struct OneFileForOthers(ReceiptId);

impl<'r> FromParam<'r> for OneFileForOthers {
    type Error = ();
    fn from_param(text: &'r str) -> Result<OneFileForOthers, ()> {
        text.strip_suffix(".jsonld").and_then(ReceiptId::parse).map(OneFileForOthers).ok_or(())
    }
}

/// What it says in the form of ISO/IEC TS 27560, for programs that keep receipts of many sites.
#[get("/privacy/receipts/<file>", rank = 4)]
pub async fn download_for_others(file: OneFileForOthers, client: Client, app: &State<App>) -> Result<Reply> {
    app.limits.attempt(Attempt::Verify, &client.key())?;
    let bundle = bundle_of(app, file.0).await?;
    let who = dpv::Controller { operator: app.issuer.operator(), contact: &app.config.contact };
    let text = jcs::pretty(&dpv::json_ld(&bundle, &who));
    let name = format!("attachment; filename=\"consent-receipt-{}.jsonld\"", bundle.seq);
    let kind = ContentType::new("application", "ld+json");
    Ok(own(Reply::bytes(kind, text).header("Content-Disposition", name)))
}

/// Somebody's own: kept by no cache, found by no search engine.
fn own(reply: Reply) -> Reply {
    reply.header("Cache-Control", "private, no-store").header("X-Robots-Tag", "noindex")
}

/// The check of a file, which a script does in the browser.
#[get("/privacy/receipts/verify")]
pub async fn verify(page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&CheckReceipt { keys: keys(app).await?, form: FormView::default(), found: None })
}

/// The same check here, for browsers that cannot do it.
#[post("/privacy/receipts/verify", data = "<form>")]
pub async fn verify_file(form: Incoming<'_>, client: Client, page: Page, app: &State<App>) -> Result<Reply> {
    app.limits.attempt(Attempt::Verify, &client.key())?;
    let mut bytes = vec![];
    if let Some(file) = form.file {
        let mut some = file.take(MOST_BYTES + 1);
        some.read_to_end(&mut bytes).await?;
        some.into_inner().throw_away().await;
    }
    let fault = match bytes.len() as u64 {
        0 => Some("Choose the receipt's file."),
        n if n > MOST_BYTES => Some("This is far longer than any receipt."),
        _ => None,
    };
    if let Some(fault) = fault {
        let form = FormView::new(&form.fields, Faults::of("file", fault));
        return page.show_as(422, &CheckReceipt { keys: keys(app).await?, form, found: None });
    }
    let published = app.db.read(issuer::published).await?;
    let found = Found::of(&bundle::check(&bytes, &published));
    page.show(&CheckReceipt { keys: keys(app).await?, form: FormView::default(), found: Some(found) })
}

/// The key document, for the script of the page.
async fn keys(app: &App) -> Result<String> {
    let published = app.db.read(issuer::published).await?;
    Ok(app.issuer.document(&published).to_string())
}

/// `/privacy/receipts/verify`.
#[derive(Serialize)]
pub struct CheckReceipt {
    keys: String,
    form: FormView,
    found: Option<Found>,
}

/// The verdict on a file.
#[derive(Serialize)]
pub struct Found {
    /// `intact`, `altered` or `unknown_issuer`.
    is: &'static str,
    title: &'static str,
    words: &'static str,
    receipt: Option<Summary>,
}

#[derive(Serialize)]
struct Summary {
    id: String,
    time: Timestamp,
    action: &'static str,
    seq: i64,
    signed_at: Timestamp,
}

impl Found {
    fn of(verdict: &Verdict<Bundle>) -> Found {
        let (title, words) = match verdict {
            Verdict::Intact(_) => ("Intact", "This choice is in the log that this shop signed."),
            Verdict::Altered => ("Altered", "This is not as it was given out, or it was never a receipt."),
            Verdict::UnknownIssuer(..) => {
                ("Unknown issuer", "This is as somebody signed it, but that was not this shop.")
            }
        };
        let summary = |bundle: &Bundle| Summary {
            id: bundle.receipt.id.to_string(),
            time: bundle.receipt.time,
            action: said(bundle.receipt.action),
            seq: bundle.seq,
            signed_at: bundle.head.time,
        };
        Found { is: verdict.word(), title, words, receipt: verdict.document().map(summary) }
    }
}

/// `/privacy/receipts/<id>`: what was chosen, and the proof of it.
#[derive(Serialize)]
pub struct ShowReceipt {
    id: String,
    /// The choice in one sentence.
    choice: &'static str,
    at: Timestamp,
    until: Timestamp,
    is_over: bool,
    /// Whether it held for one answer alone.
    is_once: bool,
    granted: Vec<Line>,
    refused: Vec<Line>,
    undecided: Vec<Line>,
    place: String,
    band: &'static str,
    signals: Vec<&'static str>,
    recipients: Vec<Named>,
    /// Cookies of those who were taken back that we cannot delete.
    out_of_reach: Vec<OutOfReach>,
    limit_note: String,
    previous: Option<String>,
    notice: Notice,
    notice_hash: String,
    seq: i64,
    leaf: String,
    head: Head,
    path: Vec<String>,
    json: String,
}

/// Who was, or would be, told something.
#[derive(Serialize)]
struct Named {
    name: String,
    deletion_url: Option<String>,
    /// Where we say what we know of it.
    href: Option<String>,
}

impl Named {
    fn new(recipient: &Recipient, registry: &Registry) -> Named {
        Named {
            name: recipient.name.clone(),
            deletion_url: recipient.deletion_url.clone(),
            href: registry.vendor(&recipient.vendor).map(|v| format!("/privacy/vendors#{}", v.id)),
        }
    }
}

#[derive(Serialize)]
struct Line {
    vendor: String,
    purpose: &'static str,
}

impl ShowReceipt {
    fn new(bundle: &Bundle, registry: &Registry, now: Timestamp) -> Result<ShowReceipt> {
        let receipt = &bundle.receipt;
        let mut signals = vec![];
        if receipt.signals.gpc {
            signals.push("Global Privacy Control");
        }
        if receipt.signals.dnt {
            signals.push("Do Not Track");
        }
        Ok(ShowReceipt {
            id: receipt.id.to_string(),
            choice: said(receipt.action),
            at: receipt.time,
            until: receipt.valid_until,
            is_over: receipt.valid_until <= now,
            is_once: receipt.action == Action::LoadOnce,
            granted: lines(receipt, Answer::Granted),
            refused: lines(receipt, Answer::Refused),
            undecided: lines(receipt, Answer::Undecided),
            place: format!("{} ({})", receipt.profile.id, receipt.profile.how_decided.replace('_', " ")),
            band: match receipt.band {
                AgeBand::Unknown => "not known",
                AgeBand::Child => "a child",
                AgeBand::Minor => "under age",
                AgeBand::Adult => "of age",
            },
            signals,
            recipients: receipt.recipients.iter().map(|r| Named::new(r, registry)).collect(),
            out_of_reach: OutOfReach::after(receipt, registry, now),
            limit_note: receipt.limit_note.clone(),
            previous: receipt.previous.as_ref().map(ToString::to_string),
            notice: bundle.notice.clone(),
            notice_hash: receipt.notice.hash.clone(),
            seq: bundle.seq,
            leaf: bundle.leaf.clone(),
            head: bundle.head.clone(),
            path: bundle.inclusion().to_vec(),
            json: jcs::pretty(&serde_json::to_value(receipt)?),
        })
    }
}

fn lines(receipt: &Receipt, state: Answer) -> Vec<Line> {
    let name = |slug: &str| {
        let known = receipt.recipients.iter().find(|recipient| recipient.vendor == slug);
        let other = if matches!(slug, "this-shop" | "this_shop") { "This shop" } else { slug };
        known.map_or_else(|| other.to_owned(), |recipient| recipient.name.clone())
    };
    let items = receipt.items.iter().filter(|item| item.state == state);
    items.map(|item| Line { vendor: name(&item.vendor), purpose: meaning(&item.purpose) }).collect()
}

/// A purpose as people read it.
fn meaning(purpose: &str) -> &'static str {
    match purpose {
        "necessary" => "what the site cannot work without",
        "preferences" => "remembering settings",
        "analytics" => "statistics",
        "content" => "embedded content",
        "ads" => "advertising",
        "ads_personalised" => "personalised advertising",
        "email_measurement" => "measuring which letters are opened",
        "marketing_email" => "letters with offers",
        "account" => "an account",
        "buy" => "buying licences",
        "upload" => "uploading sounds",
        "sell" => "selling and licensing sounds",
        "payouts" => "payouts, to the guardian",
        "profile" => "a public profile",
        "messages" => "messages",
        "messages_known_contacts" => "messages with known contacts only",
        "messages_all" => "messages with everybody",
        "marketing" => "letters with offers, to the guardian",
        "contests" => "contests",
        "publication" => "publication of what was made here",
        _ => "another purpose, named in the receipt",
    }
}

/// A choice as a sentence.
fn said(action: Action) -> &'static str {
    match action {
        Action::Accept => "You accepted everything that was asked.",
        Action::Refuse => "You refused everything that was asked.",
        Action::Partial => "You accepted a part of what was asked.",
        Action::Withdraw => "You took back what you had accepted.",
        Action::Signal => "A signal of your browser changed what is allowed.",
        Action::LoadOnce => "You loaded something of another company once.",
        Action::OptOut => "You opted out of sale and sharing.",
        Action::OptIn => "You opted in to sale and sharing again.",
        Action::Lock => "An account was locked because of its age.",
        Action::AskGuardian => "A guardian was asked.",
        Action::Lapse => "Nobody answered in time, and what was asked for was forgotten.",
        Action::Permit => "A guardian allowed what stands below.",
        Action::Revoke => "A permission was taken back, or ran out.",
        Action::Settle => "What was said of somebody's age was settled.",
        Action::Grow => "Somebody came into the next age band.",
        Action::Place => "You said where you are.",
    }
}

impl View for ShowReceipt {
    const TEMPLATE: &'static str = "consent/receipt.html";

    fn samples() -> Vec<ShowReceipt> {
        let at = Timestamp(1_795_000_000_000);
        let line = |vendor: &str, purpose: &str| Line { vendor: vendor.into(), purpose: meaning(purpose) };
        let full = || ShowReceipt {
            id: "1".repeat(32),
            choice: said(Action::Partial),
            at,
            until: at,
            is_over: true,
            is_once: false,
            granted: vec![line("StatCounter <Ireland>", "analytics")],
            refused: vec![line("Ads & Sons", "ads")],
            undecided: vec![line("video", "content")],
            place: "strict (unknown place)".into(),
            band: "of age",
            signals: vec!["Global Privacy Control"],
            recipients: vec![
                Named {
                    name: "StatCounter <Ireland>".into(),
                    deletion_url: Some("https://statcounter.com/contact/".into()),
                    href: Some("/privacy/vendors#statcounter".into()),
                },
                Named { name: "Ads & Sons".into(), deletion_url: None, href: None },
            ],
            out_of_reach: [None, Some("/leave/vendor/x/0".to_owned())]
                .map(|opt_out| OutOfReach {
                    id: "x".into(),
                    name: "Ads & Sons".into(),
                    cookies: vec!["IDE".into(), "put_*".into()],
                    opt_out,
                })
                .into(),
            limit_note: crate::consent::receipt::LIMIT_NOTE.into(),
            previous: Some("2".repeat(32)),
            notice: Notice {
                version: "2026-11-25".into(),
                language: "en".into(),
                text: "We use\n\ncookies".into(),
            },
            notice_hash: "b".repeat(64),
            seq: 7,
            leaf: "c".repeat(64),
            head: Head {
                size: 9,
                root: "d".repeat(64),
                chain_head: "e".repeat(64),
                time: at,
                key_id: "did:web:shop.example#z6Mk".into(),
                sig: "f".repeat(128),
            },
            path: vec!["0".repeat(64)],
            json: "{\n  \"action\": \"partial\"\n}\n".into(),
        };
        let plain = ShowReceipt {
            is_over: false,
            is_once: true,
            granted: vec![],
            refused: vec![],
            undecided: vec![],
            signals: vec![],
            recipients: vec![],
            out_of_reach: vec![],
            previous: None,
            path: vec![],
            ..full()
        };
        vec![full(), plain]
    }
}

impl View for CheckReceipt {
    const TEMPLATE: &'static str = "consent/verify.html";

    fn samples() -> Vec<CheckReceipt> {
        let page =
            |form, found| CheckReceipt { keys: json!({ "id": "did:web:\"<" }).to_string(), form, found };
        let summary = Summary {
            id: "1".repeat(32),
            time: Timestamp(1_795_000_000_000),
            action: said(Action::Refuse),
            seq: 7,
            signed_at: Timestamp(1_795_000_000_000),
        };
        let fields = crate::web::Fields::parse("");
        let faulty = FormView::new(&fields, Faults::of("file", "Choose the receipt's file."));
        let found = |is, receipt| Found { is, title: "Intact", words: "This choice is in the log.", receipt };
        vec![
            page(FormView::default(), None),
            page(faulty, None),
            page(FormView::default(), Some(found("intact", Some(summary)))),
            page(FormView::default(), Some(found("altered", None))),
        ]
    }
}
