//! Proof for everyone: is this licence real, does it still hold, and the documents that others need to check it
//! themselves.

use qrcode::{Color, EcLevel, QrCode};
use rocket::http::ContentType;
use rocket::{State, get, post};
use serde::Serialize;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::App;
use crate::catalogue::sheet::open_among;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::proof::{issuer, moment};
use crate::sales::credential::{CONTEXT, verify_path};
use crate::sales::licence::{Licence, Reason, Status};
use crate::sales::number::LicenceNumber;
use crate::sales::odrl::PROFILE_DOCUMENT;
use crate::sales::status_list::{self, Purpose};
use crate::sales::verify::{self, Verdict};
use crate::web::{Attempt, Client, Faults, FormView, Incoming, Page, Posted, Reply, View};

/// The longest file looked at: many times any certificate.
const MOST_BYTES: u64 = 8 << 20;

/// `/verify/<licence>`: what the certificate says, and whether it still holds.
#[derive(Serialize)]
pub struct ShowLicence {
    pub number: String,
    pub status: Status,
    /// The status in one sentence.
    pub verdict: String,
    pub issued_at: Timestamp,
    pub until: Option<Timestamp>,
    /// It stands, and its term is over.
    pub ended: bool,
    pub issuer: String,
    pub issuer_country: String,
    pub key: String,
    pub order: String,
    pub licensee: String,
    pub company: String,
    pub country: String,
    pub project: String,
    pub title: String,
    pub uploader: String,
    /// The track's page, where whoever reads this can open it.
    pub track_href: Option<String>,
    pub tier: String,
    pub edition: i64,
    pub terms_href: String,
    pub terms_hash: String,
    pub summary: String,
    pub clauses: Vec<String>,
    pub never: Vec<String>,
    pub ai_training: String,
    pub territories: Vec<String>,
    pub territories_note: String,
    pub indemnity: String,
    pub master_sha256: String,
    pub samples_sha256: String,
    /// The address of this page, as on the certificate.
    pub address: String,
    /// The address as a QR code: the path of its dark cells in a box of so many cells.
    pub code: String,
    pub code_width: usize,
}

/// `/verify`.
#[derive(Serialize)]
pub struct Check {
    pub form: FormView,
    /// What was found out about a document that was given.
    pub found: Option<Found>,
}

/// The verdict on a document.
#[derive(Serialize)]
pub struct Found {
    /// `valid`, `ended`, `suspended`, `revoked`, `unchecked`, `altered` or `unknown_issuer`.
    pub is: &'static str,
    pub title: String,
    pub words: String,
    /// The page of the licence it is about, when it is one of ours.
    pub href: Option<String>,
    pub number: Option<String>,
    pub licensee: Option<String>,
    pub track: Option<String>,
}

/// A form for a number or a document; a number that was typed, as people read it out, leads on.
#[get("/verify?<number>")]
pub async fn new(number: Option<&str>, page: Page) -> Result<Reply> {
    match number {
        Some(number) => look_up(number, page),
        None => page.show(&Check { form: FormView::default(), found: None }),
    }
}

fn look_up(number: &str, page: Page) -> Result<Reply> {
    if let Some(number) = LicenceNumber::parse(number) {
        return Ok(Reply::go(verify_path(number)));
    }
    let fields = crate::web::Fields::from_iter([("number".to_owned(), number.to_owned())]);
    let faults = Faults::of(
        "number",
        "This is not a licence number. It has 28 letters and figures, and two of them would have shown a slip.",
    );
    page.show_as(422, &Check { form: FormView::new(&fields, faults), found: None })
}

/// Checks a file that somebody holds, the JSON or the PDF.
#[post("/verify", format = "multipart/form-data", data = "<form>")]
pub async fn create_of_file(
    form: Incoming<'_>,
    client: Client,
    page: Page,
    app: &State<App>,
) -> Result<Reply> {
    app.limits.attempt(Attempt::Verify, &client.key())?;
    let mut bytes = vec![];
    if let Some(file) = form.file {
        let mut some = file.take(MOST_BYTES + 1);
        some.read_to_end(&mut bytes).await?;
        some.into_inner().throw_away().await;
    }
    let fault = match bytes.len() as u64 {
        0 => "Choose the certificate's file: the PDF or the JSON.",
        n if n > MOST_BYTES => "This is far longer than any certificate.",
        _ => return page.show(&Check { form: FormView::default(), found: Some(found(app, &bytes).await?) }),
    };
    let form = FormView::new(&form.fields, Faults::of("file", fault));
    page.show_as(422, &Check { form, found: None })
}

/// Looks up a number that was typed, or checks a document that was pasted.
#[post("/verify", data = "<form>", rank = 2)]
pub async fn create(form: Posted, client: Client, page: Page, app: &State<App>) -> Result<Reply> {
    app.limits.attempt(Attempt::Verify, &client.key())?;
    let Posted(fields) = form;
    if fields.has("number") {
        return look_up(fields.text("number"), page);
    }
    // Line ends of a form are not those of the file; a certificate has plain ones.
    let document = fields.raw("document").trim().to_owned();
    if document.is_empty() {
        let faults =
            Faults::of("document", "Paste the certificate's JSON, from its first brace to its last.");
        return page.show_as(422, &Check { form: FormView::new(&fields, faults), found: None });
    }
    let found = found(app, format!("{document}\n").as_bytes()).await?;
    page.show(&Check { form: FormView::new(&fields, Faults::default()), found: Some(found) })
}

/// What is true of a document: whether it is as it was signed, and if it is one of ours whether it still holds.
async fn found(app: &App, bytes: &[u8]) -> Result<Found> {
    let keys = app.db.read(issuer::published).await?;
    let (is, title, words, document) = match verify::check(bytes, &keys) {
        Verdict::Altered => (
            "altered",
            "Altered",
            "This is not as it was signed, or it was never a certificate. Ask for the file itself, not a copy of its text.",
            Value::Null,
        ),
        Verdict::UnknownIssuer(document, _) => (
            "unknown_issuer",
            "Unknown issuer",
            "This is as somebody signed it, but that was not this shop.",
            document,
        ),
        Verdict::Intact(document) => (
            "unchecked",
            "Intact",
            "This is as this shop signed it. It is no certificate of a licence itself, so there is no status to look up.",
            document,
        ),
    };
    let subject = &document["credentialSubject"];
    let text = |path: &str| subject.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let mut found = Found {
        is,
        title: title.into(),
        words: words.into(),
        href: None,
        number: text("/number"),
        licensee: text("/licensee/legalName"),
        track: text("/track/title"),
    };
    let ended = text("/term/until").and_then(|until| moment(&until)).filter(|at| *at <= Timestamp::now());
    let number = found.number.as_deref().and_then(LicenceNumber::parse).filter(|_| is == "unchecked");
    if let Some(number) = number {
        let status = match app.db.read(move |conn| Licence::by_number(conn, number)?.status(conn)).await {
            Ok(status) => status,
            // Signed by us, and yet not in these books.
            Err(Error::NotFound) => return Ok(found),
            Err(error) => return Err(error),
        };
        found.href = Some(verify_path(number));
        found.title = headline(status, ended).into();
        found.words = format!("This is as this shop signed it. {}", sentence(status, ended));
        found.is = match status {
            Status::Valid if ended.is_some() => "ended",
            Status::Valid => "valid",
            Status::Suspended { .. } => "suspended",
            Status::Revoked { .. } => "revoked",
        };
    }
    Ok(found)
}

/// A licence of this shop, for anyone who has its number. 404 for any other number.
#[get("/verify/<number>")]
pub async fn show(number: LicenceNumber, client: Client, page: Page, app: &State<App>) -> Result<Reply> {
    app.limits.attempt(Attempt::Verify, &client.key())?;
    let reader = page.visitor.clone();
    let (certificate, status, is_open) = app
        .db
        .read(move |conn| {
            let licence = Licence::by_number(conn, number)?;
            let (certificate, _) = licence.certificate(conn)?;
            let status = licence.status(conn)?;
            let open = open_among(conn, std::slice::from_ref(&licence.track_id), reader.as_ref())?;
            Ok((certificate, status, !open.is_empty()))
        })
        .await?;
    let document: Value = serde_json::from_str(&certificate)?;
    let shown = ShowLicence::new(&document, status, Timestamp::now())?;
    page.show(&ShowLicence { track_href: shown.track_href.filter(|_| is_open), ..shown })
}

impl ShowLicence {
    /// Shows nothing that does not stand in the credential.
    fn new(document: &Value, status: Status, now: Timestamp) -> Result<ShowLicence> {
        let subject = &document["credentialSubject"];
        let text = |path: &str| subject.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let until = moment(&text("/term/until"));
        let ended = until.filter(|at| *at <= now);
        let list = |path: &str| -> Vec<String> {
            let items = subject.pointer(path).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let clauses = subject["scope"].as_array().into_iter().flatten();
        let address = text("/verification/address");
        let (code, code_width) = qr(&address)?;
        Ok(ShowLicence {
            verdict: sentence(status, ended),
            ended: status.is_valid() && ended.is_some(),
            status,
            issued_at: moment(&text("/issued")).unwrap_or(Timestamp(0)),
            until,
            number: text("/number"),
            issuer: text("/issuedBy/legalName"),
            issuer_country: text("/issuedBy/country"),
            key: text("/issuedBy/key"),
            order: text("/order"),
            licensee: text("/licensee/legalName"),
            company: text("/licensee/company"),
            country: text("/licensee/country"),
            project: text("/project"),
            title: text("/track/title"),
            uploader: text("/track/uploader"),
            track_href: Some(local(&text("/track/address"))),
            tier: text("/tier/title"),
            edition: subject.pointer("/tier/edition").and_then(Value::as_i64).unwrap_or(1),
            terms_href: local(&text("/tier/termsAddress")).trim_end_matches(".txt").to_owned(),
            terms_hash: text("/tier/termsHash"),
            summary: text("/summary"),
            clauses: clauses.filter_map(|c| c["words"].as_str()).map(str::to_owned).collect(),
            never: list("/never"),
            ai_training: text("/aiTraining/words"),
            territories: list("/territories/titles"),
            territories_note: text("/territories/note"),
            indemnity: text("/indemnity/words"),
            master_sha256: text("/track/master/sha256"),
            samples_sha256: text("/track/samplesSha256"),
            address,
            code,
            code_width,
        })
    }
}

/// The path of an address of ours.
fn local(address: &str) -> String {
    url::Url::parse(address).map(|url| url.path().to_owned()).unwrap_or_default()
}

/// `ended` is when its term was over, where it is.
fn headline(status: Status, ended: Option<Timestamp>) -> &'static str {
    match status {
        Status::Valid if ended.is_some() => "Ended",
        Status::Valid => "Valid",
        Status::Suspended { .. } => "Suspended",
        Status::Revoked { reason: Reason::Refunded, .. } => "Refunded",
        Status::Revoked { .. } => "Revoked",
    }
}

fn sentence(status: Status, ended: Option<Timestamp>) -> String {
    match (status, ended) {
        (Status::Valid, Some(at)) => format!(
            "This licence was issued by this shop. Its term ended on {}: no new work may be published under it.",
            at.long_day()
        ),
        (Status::Valid, None) => "This licence was issued by this shop and holds today.".into(),
        (Status::Suspended { since }, _) => format!(
            "This licence rests since {}: a bank looks into its payment. Until that is settled nothing new may be published under it.",
            since.long_day()
        ),
        (Status::Revoked { since, reason }, _) => {
            let why = match reason {
                Reason::Refunded => "The order was refunded in full",
                Reason::DisputeLost => "Its payment was taken back by the buyer's bank",
                Reason::Withdrawn => "It was withdrawn",
            };
            format!(
                "This licence is revoked since {}. {why}; nothing may be used under it any more.",
                since.long_day()
            )
        }
    }
}

fn qr(address: &str) -> Result<(String, usize)> {
    use std::fmt::Write;
    let code = QrCode::with_error_correction_level(address, EcLevel::M).map_err(Error::internal)?;
    let width = code.width();
    let mut path = String::new();
    for (n, colour) in code.to_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            write!(path, "M{} {}h1v1h-1z", n % width, n / width)?;
        }
    }
    Ok((path, width))
}

/// The status list, for anyone who checks licences by themselves.
#[get("/status/<purpose>")]
pub async fn list(purpose: &str, app: &State<App>) -> Result<Reply> {
    status(app, purpose, 1).await
}

/// A further list of licences whose standing changed, signed.
#[get("/status/<purpose>/<list>")]
pub async fn later_list(purpose: &str, list: i64, app: &State<App>) -> Result<Reply> {
    // The first has one address.
    if list < 2 { Err(Error::NotFound) } else { status(app, purpose, list).await }
}

async fn status(app: &App, purpose: &str, list: i64) -> Result<Reply> {
    let purpose = Purpose::parse(purpose).ok_or(Error::NotFound)?;
    let issuer = app.issuer.clone();
    let list = app
        .db
        .read(move |conn| status_list::credential(conn, purpose, list, &issuer, Timestamp::now()))
        .await?;
    Ok(Reply::bytes(ContentType::new("application", "vc"), list.to_string()).public(60))
}

/// Who signs here, with every key that ever did (did:web).
#[get("/.well-known/did.json")]
pub async fn keys(app: &State<App>) -> Result<Reply> {
    let published = app.db.read(issuer::published).await?;
    Ok(Reply::json(&app.issuer.document(&published)).public(300))
}

/// Our vocabulary, word for word as every certificate pins it by its hash.
#[get("/ns/licence/v1")]
pub fn context() -> Reply {
    Reply::bytes(ContentType::new("application", "ld+json"), CONTEXT).public(86_400)
}

/// Our profile of ODRL: what the actions, operands and media of our offers and agreements mean, pinned likewise.
#[get("/ns/odrl/v1")]
pub fn profile() -> Reply {
    Reply::bytes(ContentType::new("application", "ld+json"), PROFILE_DOCUMENT).public(86_400)
}

impl View for Check {
    const TEMPLATE: &'static str = "sales/verify.html";

    fn samples() -> Vec<Check> {
        let found = |is: &'static str, href: Option<&str>| Check {
            form: FormView::default(),
            found: Some(Found {
                is,
                title: "Altered".into(),
                words: "This is not as it was signed.".into(),
                href: href.map(str::to_owned),
                number: href.map(|_| "7K3M".into()),
                licensee: href.map(|_| "Ada Field".into()),
                track: href.map(|_| "Copper Weather".into()),
            }),
        };
        let fields = crate::web::Fields::from_iter([("number".to_owned(), "7K3M".to_owned())]);
        let faulty = FormView::new(&fields, Faults::of("number", "This is not a licence number."));
        vec![
            Check { form: FormView::default(), found: None },
            Check { form: faulty, found: None },
            found("altered", None),
            found("valid", Some("/verify/7K3M")),
            found("revoked", Some("/verify/7K3M")),
        ]
    }
}

impl View for ShowLicence {
    const TEMPLATE: &'static str = "sales/licensed.html";

    fn samples() -> Vec<ShowLicence> {
        let at = Timestamp(1_795_000_000_000);
        let of = |status: Status, ended: Option<Timestamp>| ShowLicence {
            number: "7K3M-0000-0000-0000-0000-0000-0000".into(),
            verdict: sentence(status, ended),
            ended: ended.is_some(),
            status,
            issued_at: at,
            until: ended,
            issuer: "Cuehouse".into(),
            issuer_country: "DE".into(),
            key: "did:web:shop.example#z6Mk".into(),
            order: "0192".into(),
            licensee: "Ada Field <Films>".into(),
            company: "Field & Söhne GmbH".into(),
            country: "DE".into(),
            project: "Harbour <lights>".into(),
            title: "Copper Weather".into(),
            uploader: "Ines Morrow".into(),
            track_href: (status == Status::Valid).then(|| "/tracks/copper-weather".into()),
            tier: "Creator".into(),
            edition: 1,
            terms_href: "/licences/creator/0".into(),
            terms_hash: "0".repeat(64),
            summary: "You may use this in one work or one series, online, anywhere, for ever.".into(),
            clauses: vec!["You may use it in websites.".into(), "One person may handle the files.".into()],
            never: vec!["Selling it on its own.".into()],
            ai_training: "No training of models.".into(),
            territories: vec!["Europe".into()],
            territories_note: "For media that are bound to a place.".into(),
            indemnity: "none".into(),
            master_sha256: "1".repeat(64),
            samples_sha256: "2".repeat(64),
            address: "https://shop.example/verify/7K3M".into(),
            code: "M0 0h1v1h-1z".into(),
            code_width: 29,
        };
        vec![
            of(Status::Valid, None),
            of(Status::Valid, Some(at)),
            of(Status::Suspended { since: at }, None),
            of(Status::Revoked { since: at, reason: Reason::Refunded }, None),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A term that ended is said on the day it ends; a refund says more than an end.
    #[test]
    fn a_licence_holds_until_its_term_is_over() {
        let until = Timestamp(1_795_000_000_000);
        let document = serde_json::json!({ "credentialSubject": {
            "term": { "until": until.rfc3339() },
            "verification": { "address": "https://shop.example/verify/7K3M" },
        }});
        let shown = |status: Status, now: Timestamp| {
            let shown = ShowLicence::new(&document, status, now).unwrap();
            (shown.ended, shown.verdict)
        };
        let (ended, words) = shown(Status::Valid, until.plus(-1));
        assert!(!ended && words.contains("holds today"), "{words}");
        let (ended, words) = shown(Status::Valid, until);
        assert!(ended && words.contains("Its term ended on 18 November 2026"), "{words}");
        assert_eq!(headline(Status::Valid, Some(until)), "Ended");
        let (ended, words) = shown(Status::Revoked { since: until, reason: Reason::Refunded }, until);
        assert!(!ended && words.contains("is revoked"), "{words}");
    }
}
