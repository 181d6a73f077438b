//! Forms as they come in, and as they are shown again.

use std::collections::BTreeMap;

use rocket::Request;
use rocket::data::{Data, FromData, Outcome, ToByteUnit};
use rocket::http::{ContentType, Status};
use serde::Serialize;

use super::csrf::{Issued, Sender};
use super::{csrf, trouble};
use crate::consent::word::{About, Word};
use crate::error::{Error, Result};

/// The longest form body, and the most fields in one: beyond what any page of ours sends.
const MOST_BYTES: usize = 256 << 10;
const MOST_FIELDS: usize = 500;

/// Said of a form with U+0000 in it.
const NUL: &str = "This has a character in it that no text has (U+0000). Nothing was changed.";

/// An urlencoded form whose token was right. Without, the request ends in 403 before the handler.
pub struct Posted(pub Fields);

/// The same for a form that counts once and may say no: with what shows that a page of ours sent it. Where another site's page
/// did, and where a browser keeps no cookie, the request ends in 403 before the handler, too.
pub struct Pressed(pub Fields, pub Proof);

/// What shows that a page of ours sent a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Its token, with what that says of the page.
    Token(Issued),
    /// Nothing but the browser's word: the token is another browser's, or from before somebody signed in or out. Enough for a
    /// no, which is the visitor's own then.
    Sender,
    /// Nothing.
    Nothing,
}

impl Pressed {
    /// The word about this that the form has in the browser whose forms are known by `browser`, and what was pressed with it:
    /// all that was sent, and whether a signal is applied. Nothing where nobody knows that a page of ours sent it.
    pub fn word(&self, about: About, seal: &[u8; 32], browser: &str, signal: bool) -> Option<Word> {
        let Pressed(fields, proof) = self;
        let pairs = fields.iter().filter(|(name, _)| *name != csrf::FIELD);
        let sent = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let press = format!("{signal} {sent}");
        match proof {
            Proof::Token(issued) => Some(Word::new(about, seal, &issued.nonce, issued.at, press)),
            Proof::Sender => Some(Word::not_given(about, seal, browser, fields.text(csrf::FIELD), press)),
            Proof::Nothing => None,
        }
    }
}

/// The fields of a form in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=1&b=2` (WHATWG URL, application/x-www-form-urlencoded). Line ends become `\n`.
    pub fn parse(text: &str) -> Fields {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Fields(pairs.take(MOST_FIELDS).map(|(k, v)| (k.into_owned(), v.replace("\r\n", "\n"))).collect())
    }

    /// These fields, where none of them holds U+0000 in its name or in what was typed. `Refused` where one does.
    pub fn without_nul(self) -> Result<Fields> {
        let has_nul = self.iter().any(|(name, value)| name.contains('\0') || value.contains('\0'));
        if has_nul { Err(Error::refused(NUL)) } else { Ok(self) }
    }

    /// The first value of a field without the white space around it; empty when it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of a field as it was typed: passwords keep their spaces.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    /// Every value of a field that is not blank.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.iter().filter(|(n, v)| *n == name && !v.trim().is_empty()).map(|(_, v)| v.trim()).collect()
    }

    /// Whether a box was ticked or a field filled.
    pub fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Every field with what was typed, in the order it came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Fields {
        Fields(pairs.into_iter().collect())
    }
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Posted {
    type Error = Error;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Posted> {
        let fields = match read(request, data).await {
            Ok(fields) => fields,
            Err((status, error)) => return trouble::out_as(request, status, error),
        };
        match issued(request, &fields) {
            Some(_) => Outcome::Success(Posted(fields)),
            None => refused(request),
        }
    }
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Pressed {
    type Error = Error;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Pressed> {
        let fields = match read(request, data).await {
            Ok(fields) => fields,
            Err((status, error)) => return trouble::out_as(request, status, error),
        };
        if let Some(issued) = issued(request, &fields) {
            return Outcome::Success(Pressed(fields, Proof::Token(issued)));
        }
        let keeps_cookies = request.cookies().iter().next().is_some();
        match csrf::sender(request) {
            Sender::Ours if keeps_cookies => Outcome::Success(Pressed(fields, Proof::Sender)),
            Sender::Unsaid if keeps_cookies => Outcome::Success(Pressed(fields, Proof::Nothing)),
            _ => refused(request),
        }
    }
}

/// The fields of a form that came in, or why there are none.
async fn read(request: &Request<'_>, data: Data<'_>) -> Result<Fields, (Status, Error)> {
    if request.content_type().is_some_and(|kind| !kind.0.is_form() && *kind != ContentType::Form) {
        return Err((Status::UnprocessableEntity, Error::refused("This address takes a form.")));
    }
    match data.open(MOST_BYTES.bytes()).into_string().await {
        Ok(body) if body.is_complete() => Fields::parse(&body.into_inner())
            .without_nul()
            .map_err(|error| (Status::UnprocessableEntity, error)),
        Ok(_) => Err((Status::PayloadTooLarge, Error::refused("That is too long."))),
        Err(_) => Err((Status::UnprocessableEntity, Error::refused("That form is not text."))),
    }
}

/// What the token of a form says, or the one in the header, where one of them is this browser's.
fn issued(request: &Request<'_>, fields: &Fields) -> Option<Issued> {
    csrf::in_header(request).or_else(|| csrf::issued(request, fields.text(csrf::FIELD)))
}

fn refused<'r, T: FromData<'r, Error = Error>>(request: &Request<'_>) -> Outcome<'r, T> {
    let (status, error) = csrf::refused(request);
    trouble::out_as(request, status, error)
}

/// What is wrong with a form, by field in the order it was found; the first sentence for a field stands.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// Notes what is wrong with a field; the first sentence of each counts.
    pub fn add(&mut self, field: &str, sentence: impl Into<String>) {
        if self.0.iter().all(|(known, _)| known != field) {
            self.0.push((field.to_owned(), sentence.into()));
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One fault.
    pub fn of(field: &str, sentence: impl Into<String>) -> Faults {
        let mut faults = Faults::default();
        faults.add(field, sentence);
        faults
    }
}

/// A form to show: what was typed, what is wrong, and the field to put the focus on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FormView {
    pub typed: BTreeMap<String, String>,
    pub lists: BTreeMap<String, Vec<String>>,
    pub faults: BTreeMap<String, String>,
    /// The fields with a fault, in the order they were found: a map has none.
    pub wrong: Vec<String>,
    pub first: Option<String>,
}

impl FormView {
    /// The form again. Passwords are not shown again.
    pub fn new(fields: &Fields, faults: Faults) -> FormView {
        let wrong: Vec<String> = faults.0.iter().map(|(field, _)| field.clone()).collect();
        let first = wrong.first().cloned();
        let mut view =
            FormView { faults: faults.0.into_iter().collect(), wrong, first, ..FormView::default() };
        for (name, value) in fields.iter().filter(|(n, _)| !n.contains("password") && *n != csrf::FIELD) {
            view.typed.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            view.lists.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        view
    }

    /// A form that already holds something.
    pub fn filled<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> FormView {
        let fields = pairs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        FormView::new(&fields, Faults::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_come_back_as_they_were_typed_but_for_passwords() {
        let fields = Fields::parse("name=+In%C3%A9s+&mood=calm&mood=dark&password=x+y&csrf=t");
        assert_eq!((fields.text("name"), fields.all("mood")), ("Inés", vec!["calm", "dark"]));
        assert_eq!(fields.raw("password"), "x y");
        let view = FormView::new(&fields, Faults::of("name", "Too short."));
        assert!(!view.typed.contains_key("password") && !view.typed.contains_key("csrf"));
        assert_eq!((view.first.as_deref(), view.lists["mood"].len()), (Some("name"), 2));
    }

    #[test]
    fn no_field_holds_a_sign_that_no_text_has() {
        for form in ["name=In%00es", "na%00me=Ines", "name=Ines&mood=%00", "name=\0"] {
            assert!(matches!(Fields::parse(form).without_nul(), Err(Error::Refused(_))), "{form}");
        }
        assert_eq!(Fields::parse("name=%2500+%01").without_nul().unwrap().raw("name"), "%00 \u{1}");
    }

    #[test]
    fn faults_stay_in_the_order_they_were_found() {
        let mut faults = Faults::of("title", "Give it a title.");
        for field in ["kind", "bpm", "artist", "title"] {
            faults.add(field, "That cannot be.");
        }
        let view = FormView::new(&Fields::default(), faults);
        assert_eq!(view.wrong, ["title", "kind", "bpm", "artist"]);
        assert_eq!(view.faults["title"], "Give it a title.");
    }
}
