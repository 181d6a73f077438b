//! The certificate for people: two pages of A4 made from the credential and nothing else, with the credential itself
//! inside the file, and signed as a whole.
//!
//! The signature stands in the document's keywords, in a place that was kept free for it: the bytes that are signed
//! are those of the file with zeros in that place.

use ed25519_dalek::{Signature, VerifyingKey};
use krilla::Document;
use krilla::action::LinkAction;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::Rect;
use krilla::metadata::Metadata;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::proof::{self, Issuer, moment};
use crate::sales::letters::{Face, lacks};
use crate::sales::paper::{self, ACCENT, BLACK, HEIGHT, INNER, Ink, MARGIN, SOFT, Sheet, WIDTH, date};

/// What introduces the signature: the public key, then the signature in hexadecimal.
const MARK: &str = "cuehouse-signature-";
const KEY_LEN: usize = 48;
const HEX_LEN: usize = 128;
/// What a sheet says that shows a name in part.
const IN_PART: &str = "A letter that this sheet cannot print stands as “?” here. The names in full are in the signed JSON inside this file.";

/// The PDF of a credential, signed. The same credential, issuer key and moment give the same bytes.
pub fn pdf(credential: &str, issuer: &Issuer, now: Timestamp) -> Result<Vec<u8>> {
    let document: Value = serde_json::from_str(credential)?;
    let subject = &document["credentialSubject"];
    let enclosed = Enclosed {
        title: format!("Licence {}", text(subject, "/number")),
        description: format!("{} · {}", text(subject, "/track/title"), text(subject, "/tier/title")),
        author: text(subject, "/issuedBy/legalName"),
        id: text(subject, "/number"),
        filename: format!("licence-{}.json", text(subject, "/number")),
        document: credential,
        issued: issued(subject),
    };
    enclosed.signed(issuer, now, |pdf| {
        front(pdf, subject)?;
        clauses(pdf, &document)
    })
}

/// What a PDF says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Not as it was signed, or never signed.
    Broken,
    /// As this key signed it, with this credential inside.
    Whole { key: [u8; 32], credential: String },
}

/// Checks a PDF against the key it names.
pub fn check(bytes: &[u8]) -> Seal {
    unsealed(bytes).unwrap_or(Seal::Broken)
}

fn unsealed(bytes: &[u8]) -> Option<Seal> {
    let places = places(bytes);
    let first = *places.first()?;
    let key = std::str::from_utf8(bytes.get(first..first + KEY_LEN)?).ok()?;
    let hex_at = |place: usize| bytes.get(place + KEY_LEN + 1..place + KEY_LEN + 1 + HEX_LEN);
    let said = hex_at(first)?;
    let signature = hex::decode(said).ok().filter(|raw| hex::encode(raw).as_bytes() == said)?;
    let mut plain = bytes.to_vec();
    for place in &places {
        // Every place says the same, or one of them was altered.
        if hex_at(*place)? != said || bytes.get(*place..place + KEY_LEN)? != key.as_bytes() {
            return None;
        }
        plain[place + KEY_LEN + 1..place + KEY_LEN + 1 + HEX_LEN].fill(b'0');
    }
    let key = proof::from_multibase(key)?;
    let signature = Signature::from_slice(&signature).ok()?;
    VerifyingKey::from_bytes(&key).ok()?.verify_strict(&plain, &signature).ok()?;
    Some(Seal::Whole { key, credential: inside(bytes)? })
}

/// The credential that lies inside a PDF, uncompressed.
fn inside(bytes: &[u8]) -> Option<String> {
    let start = find(bytes, b"{\n  \"@context\"", 0)?;
    let end = find(bytes, b"endstream", start)?;
    let text = std::str::from_utf8(&bytes[start..end]).ok()?;
    let end = text.rfind('}')?;
    Some(format!("{}\n", &text[..=end]))
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| at + from)
}

/// Where the keys stand: right behind each mark.
fn places(bytes: &[u8]) -> Vec<usize> {
    let mut places = vec![];
    let mut from = 0;
    while let Some(at) = find(bytes, MARK.as_bytes(), from) {
        places.push(at + MARK.len());
        from = at + MARK.len();
    }
    places
}

fn sealed(mut bytes: Vec<u8>, issuer: &Issuer) -> Result<Vec<u8>> {
    let places = places(&bytes);
    if places.is_empty() {
        return Err(Error::internal("a certificate has no place for its signature"));
    }
    let signature = hex::encode(issuer.sign_bytes(&bytes));
    for place in places {
        let start = place + KEY_LEN + 1;
        let Some(free) = bytes.get_mut(start..start + HEX_LEN).filter(|free| free.iter().all(|b| *b == b'0'))
        else {
            return Err(Error::internal("the place for a certificate's signature is not free"));
        };
        free.copy_from_slice(signature.as_bytes());
    }
    Ok(bytes)
}

/// A signed document on its way onto paper: what the file says of itself, and what lies inside.
pub struct Enclosed<'a> {
    pub title: String,
    pub description: String,
    pub author: String,
    pub id: String,
    /// The name of the document inside.
    pub filename: String,
    /// As it was signed.
    pub document: &'a str,
    pub issued: Timestamp,
}

impl Enclosed<'_> {
    /// The file with the document inside and the pages that are drawn, signed as a whole.
    pub fn signed(
        &self,
        issuer: &Issuer,
        now: Timestamp,
        pages: impl FnOnce(&mut Document) -> Result<()>,
    ) -> Result<Vec<u8>> {
        let mut pdf = paper::document()?;
        pdf.set_metadata(
            Metadata::new()
                .title(self.title.clone())
                .description(self.description.clone())
                .authors(vec![self.author.clone()])
                .creator("Cuehouse".into())
                .language("en".into())
                .keywords(vec![format!("{MARK}{}-{}", issuer.key(), "0".repeat(HEX_LEN))])
                .document_id(self.id.clone())
                .creation_date(date(now)),
        );
        let file = EmbeddedFile {
            path: self.filename.clone(),
            mime_type: MimeType::new("application/vc+ld+json"),
            description: Some("The same for programs, signed".into()),
            association_kind: AssociationKind::Source,
            data: self.document.as_bytes().to_vec().into(),
            modification_date: Some(date(self.issued)),
            // As it is, so that it can be read, and compared byte for byte, without taking the file apart.
            compress: Some(false),
            location: None,
        };
        pdf.embed_file(file).ok_or_else(|| Error::internal("a document was embedded twice"))?;
        pages(&mut pdf)?;
        sealed(paper::bytes(pdf)?, issuer)
    }
}

fn issued(subject: &Value) -> Timestamp {
    subject["issued"].as_str().and_then(moment).unwrap_or(Timestamp(0))
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn front(pdf: &mut Document, subject: &Value) -> Result<()> {
    let mut page = paper::page(pdf)?;
    let address = text(subject, "/verification/address");
    let mut surface = page.surface();
    let mut sheet = Sheet::on(&mut surface);
    sheet.frame();
    sheet.centred(Face::Sans, 9.5, SOFT, 82.0, &text(subject, "/issuedBy/legalName"));
    sheet.centred(Face::Serif, 31.0, BLACK, 122.0, "Certificate of licence");
    sheet.centred(Face::Bold, 12.5, ACCENT, 148.0, &text(subject, "/number"));
    wave(&mut sheet, 182.0, &text(subject, "/track/master/sha256"));

    sheet.centred(Face::Sans, 9.5, SOFT, 226.0, "This certifies that");
    let name = text(subject, "/licensee/legalName");
    let mut y = middle(&mut sheet, (Face::Serif, 21.0, BLACK), 252.0, &name, 27.0);
    let whom: Vec<String> = ["/licensee/company", "/licensee/country"]
        .iter()
        .map(|path| text(subject, path))
        .filter(|words| !words.is_empty())
        .collect();
    let project = Some(text(subject, "/project")).filter(|words| !words.is_empty());
    for words in [whom.join(" · ")].into_iter().chain(project.map(|words| format!("for {words}"))) {
        y = middle(&mut sheet, (Face::Sans, 10.5, BLACK), y - 5.0, &words, 14.0) + 5.0;
    }
    sheet.centred(Face::Sans, 9.5, SOFT, y + 10.0, "holds a licence to");
    y += 38.0;
    y = middle(&mut sheet, (Face::Serif, 21.0, BLACK), y, &text(subject, "/track/title"), 27.0);
    sheet.centred(Face::Sans, 10.5, BLACK, y - 5.0, &format!("by {}", text(subject, "/track/uploader")));
    y += 20.0;
    let tier =
        format!("under the {} licence, edition {}", text(subject, "/tier/title"), subject["tier"]["edition"]);
    sheet.centred(Face::Bold, 11.0, BLACK, y, &tier);
    y += 20.0;
    for line in Face::Sans.lines(&Face::Sans.printable(&text(subject, "/summary")), 10.5, INNER - 60.0) {
        sheet.centred(Face::Sans, 10.5, SOFT, y, &line);
        y += 15.0;
    }
    let names = ["/licensee/legalName", "/licensee/company", "/project", "/track/title", "/track/uploader"];
    if names.iter().any(|path| lacks(&text(subject, path))) {
        y = middle(&mut sheet, (Face::Sans, 7.6, BLACK), y, IN_PART, 11.0);
    }
    facts(&mut sheet, subject, y.max(470.0) + 8.0);

    let side = 92.0;
    let (x, top) = (WIDTH - MARGIN - side, HEIGHT - MARGIN - side - 8.0);
    sheet.code(x, top, side, &address)?;
    let mut y = top + 10.0;
    sheet.write(Face::Bold, 9.0, BLACK, (MARGIN, y), "How to check this certificate");
    y += 15.0;
    for (n, step) in subject["verification"]["steps"].as_array().into_iter().flatten().enumerate() {
        let words = format!("{}. {}", n + 1, step.as_str().unwrap_or_default());
        y = sheet.paragraph(Face::Sans, 7.6, SOFT, (MARGIN, y), INNER - side - 28.0, &words) + 1.5;
    }
    sheet.paragraph(Face::Sans, 7.6, BLACK, (MARGIN, y + 1.0), INNER - side - 28.0, &address);
    surface.finish();
    if let Some(rect) = Rect::from_xywh(x, top, side, side) {
        let link = LinkAnnotation::new(rect, Target::Action(LinkAction::new(address).into()));
        page.add_annotation(Annotation::new_link(link, Some("Check this licence".into())));
    }
    page.finish();
    Ok(())
}

/// Words in the middle of the page, in as many lines as they need; answers where the next would stand.
fn middle(
    sheet: &mut Sheet<'_, '_>,
    (face, size, ink): (Face, f32, Ink),
    y: f32,
    words: &str,
    step: f32,
) -> f32 {
    let mut y = y;
    for line in face.lines(&face.printable(words), size, INNER) {
        sheet.centred(face, size, ink, y, &line);
        y += step;
    }
    y
}

/// A line of a wave that no other number has: its heights are those of the file's hash.
fn wave(sheet: &mut Sheet<'_, '_>, y: f32, hash: &str) {
    let heights: Vec<f32> =
        hash.bytes().map(|b| f32::from(char::from(b).to_digit(16).unwrap_or(0) as u8)).collect();
    if heights.is_empty() {
        return;
    }
    let step = INNER / heights.len() as f32;
    sheet.stroke(ACCENT, 1.6, |path| {
        for (n, height) in heights.iter().enumerate() {
            let x = MARGIN + (n as f32 + 0.5) * step;
            let half = 1.0 + height / 15.0 * 11.0;
            path.move_to(x, y - half);
            path.line_to(x, y + half);
        }
    });
}

/// Two columns of what identifies the licence.
fn facts(sheet: &mut Sheet<'_, '_>, subject: &Value, top: f32) {
    let or = |path: &str, none: &str| {
        Some(text(subject, path)).filter(|words| !words.is_empty()).unwrap_or_else(|| none.to_owned())
    };
    let at = issued(subject);
    let until = subject.pointer("/term/until").and_then(Value::as_str).and_then(moment);
    let groups: Vec<&str> =
        subject["territories"]["titles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let left = [
        ("Issued", format!("{}, {} UTC", at.long_day(), at.utc().format("%H:%M"))),
        ("Term", until.map_or_else(|| "for ever".to_owned(), |until| format!("until {}", until.long_day()))),
        ("Territory named", if groups.is_empty() { "none".to_owned() } else { groups.join(", ") }),
        ("Public performance", or("/performance/status", "").replace('_', " ")),
        ("Indemnity", or("/indemnity/words", "none")),
        ("Order", or("/order", "")),
    ];
    let right = [
        (
            "Issuer",
            format!("{} ({})", or("/issuedBy/legalName", ""), or("/issuedBy/country", "country not stated")),
        ),
        ("Site", or("/issuedBy/site", "")),
        ("ISRC", or("/track/isrc", "none stated")),
        ("Claim system", "not stated to be registered".to_owned()),
        ("Refund rule", or("/refundRule/version", "")),
        ("Supersedes", or("/supersedes", "none")),
    ];
    let half = INNER / 2.0;
    sheet.rule(MARGIN, top, INNER);
    let mut lowest = top;
    for (column, rows) in [left, right].into_iter().enumerate() {
        let x = MARGIN + column as f32 * (half + 8.0);
        let mut y = top + 18.0;
        for (name, words) in rows {
            sheet.write(Face::Sans, 7.6, SOFT, (x, y), name);
            y = sheet.paragraph(Face::Sans, 7.6, BLACK, (x + 82.0, y), half - 86.0, &words) + 2.4;
        }
        lowest = lowest.max(y);
    }
    let wide = [
        ("Master, SHA-256", or("/track/master/sha256", "")),
        ("Samples, SHA-256", or("/track/samplesSha256", "")),
        ("Terms, SHA-256", or("/tier/termsHash", "")),
        ("Signed with", or("/issuedBy/key", "")),
    ];
    for (name, words) in wide {
        sheet.write(Face::Sans, 7.6, SOFT, (MARGIN, lowest), name);
        lowest = sheet.paragraph(Face::Sans, 7.0, BLACK, (MARGIN + 82.0, lowest), INNER - 82.0, &words) + 2.0;
    }
}

/// The second page, and further ones where a long name needs them: what the licence permits, field by field, and where
/// programs look it up.
fn clauses(pdf: &mut Document, document: &Value) -> Result<()> {
    let subject = &document["credentialSubject"];
    let mut rows: Vec<(String, String)> = vec![];
    for clause in subject["scope"].as_array().into_iter().flatten() {
        let name = text(clause, "/field").replace("_cents", "").replace('_', " ");
        rows.push((name, text(clause, "/words")));
    }
    rows.push(("territories".into(), text(subject, "/territories/note")));
    let anew = text(subject, "/issuedAnew/words");
    if !anew.is_empty() {
        rows.push(("issued anew".into(), anew));
    }
    for words in subject["never"].as_array().into_iter().flatten() {
        rows.push(("never permitted".into(), words.as_str().unwrap_or_default().to_owned()));
    }
    let training = match subject["aiTraining"]["permitted"].as_bool() {
        Some(true) => "AI training",
        _ => "never permitted",
    };
    rows.push((training.into(), text(subject, "/aiTraining/words")));
    rows.push(("writers".into(), text(subject, "/performance/note")));
    rows.push(("claims".into(), text(subject, "/claims/note")));
    rows.push(("refunds".into(), text(subject, "/refundRule/words")));
    rows.push(("exact text".into(), text(subject, "/tier/termsAddress")));
    rows.push(("track id".into(), text(subject, "/track/trackId")));
    for entry in document["credentialStatus"].as_array().into_iter().flatten() {
        let (list, place) = (text(entry, "/statusListCredential"), text(entry, "/statusListIndex"));
        rows.push((format!("{} list", text(entry, "/statusPurpose")), format!("{list}, place {place}")));
    }
    rows.push(("certificate format".into(), text(subject, "/format")));

    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut page = paper::page(pdf)?;
        let mut surface = page.surface();
        let mut sheet = Sheet::on(&mut surface);
        sheet.frame();
        sheet.write(Face::Serif, 17.0, BLACK, (MARGIN, 84.0), "What this licence permits");
        let line = format!(
            "{} · {} · {}",
            text(subject, "/number"),
            text(subject, "/tier/title"),
            text(subject, "/track/title")
        );
        let mut y = sheet.paragraph(Face::Sans, 8.0, SOFT, (MARGIN, 102.0), INNER, &line) + 6.0;
        while let Some((name, words)) = rows.next_if(|_| y < HEIGHT - MARGIN - 30.0) {
            sheet.rule(MARGIN, y - 10.0, INNER);
            sheet.write(Face::Sans, 7.8, SOFT, (MARGIN, y), &name);
            y = sheet.paragraph(Face::Sans, 8.4, BLACK, (MARGIN + 124.0, y), INNER - 124.0, &words) + 6.4;
        }
        surface.finish();
        page.finish();
    }
    Ok(())
}
