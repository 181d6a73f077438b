//! What a guardian is asked: the notice, one button for an account, and the form with scopes.

use rocket::{State, post};
use serde::Serialize;

use super::super::form::{self, RELATIONSHIPS, Signing};
use super::super::leaf::Stub;
use super::super::notice::{self, Ground};
use super::super::passage::{self, Word};
use super::super::permission::{Permission, Reach, Scope};
use super::super::text::{self, TextMessage};
use super::super::ward::{self, Opens, Ward};
use super::home::Over;
use super::{Choice, Opened, opened};
use crate::App;
use crate::accounts::band::Band;
use crate::clock::Timestamp;
use crate::consent::whereabouts::Named;
use crate::error::{Error, Result};
use crate::sales::places;
use crate::web::{Faults, Fields, FormView, Page, Posted, Reply, View};

/// A heading with its sentences.
#[derive(Serialize)]
pub struct Told {
    heading: String,
    lines: Vec<String>,
}

/// A scope with its box.
#[derive(Serialize)]
pub struct ScopeRow {
    pub slug: &'static str,
    pub name: &'static str,
    pub words: &'static str,
    /// With whom, of messages that were allowed.
    pub with: Option<&'static str>,
    /// Whether it counts now.
    pub holds: bool,
    /// Whether it was ticked and waits for a proof.
    pub waits: bool,
    /// Whether it was ticked in the form that is shown.
    pub ticked: bool,
    pub wants_proof: bool,
    pub until: Option<Timestamp>,
    /// The age at which it begins here, for somebody who has not reached it: until then it is not offered.
    pub from: Option<u32>,
}

/// The way to answer with a text message.
#[derive(Serialize)]
pub struct ByText {
    /// Who carries it.
    carrier: String,
    /// The last two digits of the number that was proved, so that an answer counts by it.
    ends_in: Option<String>,
}

/// What a guardian is asked.
#[derive(Serialize)]
pub struct Question {
    token: String,
    name: String,
    is_child: bool,
    told: Vec<Told>,
    due_at: Option<Timestamp>,
    form: FormView,
    relationships: Vec<Choice>,
    countries: Vec<Choice>,
    /// Where the person under age says they are, by name, and the country of it, to begin with in the form.
    said: Option<String>,
    country: String,
    scopes: Vec<ScopeRow>,
    /// With whom messages may be allowed; the first is none.
    messages: Vec<Choice>,
    statements: Vec<String>,
    title: &'static str,
    /// Whether the form with scopes is shown, instead of the question itself.
    is_form: bool,
    /// The age before which nobody puts sounds here, where there is one.
    sounds_from: Option<u32>,
    /// Whether they gave a permission before.
    is_change: bool,
    /// Of a child, where somebody carries text messages.
    text: Option<ByText>,
}

/// Every scope a guardian chooses from, as it stands.
pub(super) fn rows(
    ground: &Ground,
    ward: &Ward,
    open: &[Permission],
    ticked: &[&str],
    now: Timestamp,
) -> Vec<ScopeRow> {
    let all: &[Scope] = if ward.band == Band::Child { &[Scope::Publication] } else { &Scope::OF_MINORS };
    let is_open = |scope: Scope| ground.minimums.is_open(scope, ward.known(), now);
    all.iter()
        .map(|scope| {
            let found = open.iter().find(|p| p.scope == *scope);
            ScopeRow {
                slug: scope.as_str(),
                name: scope.name(),
                words: scope.words(),
                with: found.and_then(|p| p.reach).map(|reach| Reach::reads(reach.as_str())),
                holds: found.is_some_and(|p| p.holds(now)),
                waits: found.is_some_and(|p| p.waits(now)),
                ticked: ticked.contains(&scope.as_str()),
                wants_proof: ground.wants_more_proof(*scope),
                until: found.map(|p| p.expires_at),
                from: ground.minimums.of(*scope).filter(|_| !is_open(*scope)),
            }
        })
        .collect()
}

impl Question {
    pub(super) fn new(
        ground: &Ground,
        opened: &Opened,
        token: &str,
        form: FormView,
        is_form: bool,
        now: Timestamp,
    ) -> Question {
        let ward = &opened.ward;
        let is_child = ward.band == Band::Child;
        let told = notice::parts(ground, is_child);
        let proved = opened.text.as_ref().filter(|text| text.is_proved(now));
        let carrier = ground.carrier.clone().filter(|_| is_child);
        let none = vec![];
        let typed = form.lists.get("scope").unwrap_or(&none);
        let ticked: Vec<&str> = typed.iter().map(String::as_str).collect();
        Question {
            token: token.to_owned(),
            name: ward.name.clone(),
            is_child,
            told: told.into_iter().map(|p| Told { heading: p.heading.into(), lines: p.lines }).collect(),
            due_at: ward.due_at,
            relationships: RELATIONSHIPS.iter().map(|(slug, name)| Choice::new(slug, name)).collect(),
            countries: places::countries().iter().map(|c| Choice::new(&c.code, &c.name)).collect(),
            said: opened.country.as_ref().map(|place| place.name.clone()),
            country: opened.country.as_ref().map(country_of).unwrap_or_default(),
            scopes: rows(ground, ward, &opened.open, &ticked, now),
            messages: offered(),
            statements: form::statements(&ground.site_name),
            title: form::TITLE,
            is_form,
            sounds_from: ground.minimums.of(Scope::Upload),
            is_change: opened.guardian.answered_at.is_some(),
            text: carrier.map(|carrier| ByText { carrier, ends_in: proved.and_then(TextMessage::ends_in) }),
            form,
        }
    }
}

impl View for Question {
    const TEMPLATE: &'static str = "guardians/question.html";

    fn samples() -> Vec<Question> {
        let row = |scope: Scope, waits: bool| ScopeRow {
            slug: scope.as_str(),
            name: scope.name(),
            words: scope.words(),
            with: None,
            holds: !waits,
            waits,
            ticked: waits,
            wants_proof: waits,
            until: Some(Timestamp(1_800_000_000_000)),
            from: (!waits).then_some(14),
        };
        [(true, false, None), (true, false, Some("89")), (false, false, None), (false, true, None)]
            .map(|(is_child, is_form, ends_in)| Question {
                token: "token".into(),
                name: "Rain Kid".into(),
                is_child,
                told: vec![Told { heading: "Why you read this".into(), lines: vec!["Because.".into()] }],
                due_at: Some(Timestamp(1_800_000_000_000)),
                form: FormView::default(),
                relationships: vec![Choice::new("mother", "Mother")],
                countries: vec![Choice::new("DE", "Germany")],
                said: is_form.then(|| "Germany".into()),
                country: if is_form { "DE".into() } else { String::new() },
                scopes: vec![row(Scope::Buy, true), row(Scope::Messages, true), row(Scope::Buy, false)],
                messages: offered(),
                statements: form::statements("Cuehouse"),
                title: form::TITLE,
                is_form,
                sounds_from: is_form.then_some(14),
                is_change: false,
                text: is_child
                    .then(|| ByText { carrier: "Text Desk".into(), ends_in: ends_in.map(str::to_owned) }),
            })
            .into()
    }
}

/// With whom messages may be allowed, to choose from.
fn offered() -> Vec<Choice> {
    Reach::OFFERED.iter().map(|(word, name)| Choice::new(word, name)).collect()
}

/// The country that a place is, or is in.
fn country_of(place: &Named) -> String {
    place.code.split('-').next().unwrap_or_default().to_owned()
}

/// What somebody reads whose code came too long ago, or whose number was deleted in another tab.
const LATE: &str = "The hour for an answer by text message is over, or the number was deleted. Answer once more, and it counts \
                    by e-mail; or have another code sent first.";

/// Yes or no to an account and nothing else.
#[post("/guardians/<token>/answer", data = "<form>")]
pub async fn answer(token: &str, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, asked) = (form.0, opened(app, token).await?);
    if !asked.asks() {
        return Err(Error::conflict("This was answered already."));
    }
    let ground = Ground::of(app);
    let word = Word {
        name: plain(fields.text("guardian_name")),
        relationship: fields.text("relationship").to_owned(),
    };
    if fields.text("choice") == "no" {
        let (ward, stub) = (asked.ward.clone(), Stub::draw()?);
        app.db.write(move |conn| passage::decline(conn, &ground, &ward, &stub, Timestamp::now())).await?;
        return page.show(&Over {});
    }
    let mut faults = Faults::default();
    let letters = word.name.chars().count();
    if !(2..=120).contains(&letters) || word.name.contains('@') {
        faults.add("guardian_name", "Write your full name.");
    }
    if !RELATIONSHIPS.iter().any(|(slug, _)| *slug == word.relationship) {
        faults.add("relationship", "Say what you are to them.");
    }
    if fields.text("liable") != "yes" {
        faults.add("liable", "Without this nobody answers for the account.");
    }
    // What the page said counts: one that was opened before the code came answers by e-mail.
    let by_text = fields.text("by") == "text";
    let is_proved = asked.text.as_ref().is_some_and(|text| text.is_proved(Timestamp::now()));
    if by_text && !is_proved {
        faults.add("by", LATE);
    }
    if !faults.is_empty() {
        let form = FormView::new(&fields, faults);
        let shown = Question::new(&ground, &asked, token, form, false, Timestamp::now());
        return page.show_as(422, &shown);
    }
    let (ward, stub) = (asked.ward.clone(), Stub::draw()?);
    let disclose = ward.band == Band::Child && fields.text("publication") == "yes";
    let area = token.to_owned();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            if !by_text {
                text::forget(conn, &ward.id)?;
            } else if TextMessage::proved_of(conn, &ward.id, now)?.is_none() {
                return Err(Error::conflict(LATE));
            }
            passage::permit(conn, &ground, &ward, &word, disclose, &stub, now)?;
            ward::link_again(conn, &area, now)
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go(format!("/guardians/{token}")).notice("Thank you. Your answer is recorded."))
}

/// Words with single spaces between them.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What was filled in. `may_upload`: whether the account's owner is old enough to.
fn signing(fields: &Fields, may_upload: bool) -> Signing {
    let wanted = fields.all("scope");
    let sells = wanted.contains(&"sell") && may_upload;
    let reach = Reach::parse(fields.text("messages"));
    Signing {
        name: plain(fields.text("guardian_name")),
        relationship: fields.text("relationship").to_owned(),
        phone: fields.text("phone").to_owned(),
        country: fields.text("country").to_owned(),
        // Nobody sells what they may not upload.
        scopes: Scope::OF_MINORS
            .into_iter()
            .filter(|s| match s {
                Scope::Messages => reach.is_some(),
                s => wanted.contains(&s.as_str()) || sells && *s == Scope::Upload,
            })
            .collect(),
        reach: reach.unwrap_or(Reach::KnownContacts),
        signature: fields.text("signature").to_owned(),
    }
}

/// The form with scopes, signed.
#[post("/guardians/<token>/form", data = "<form>")]
pub async fn sign(token: &str, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, asked) = (form.0, opened(app, token).await?);
    let may = asked.opens != Opens::Revoke && (asked.asks() || !asked.open.is_empty());
    if asked.ward.band != Band::Minor || !may {
        return Err(Error::conflict("This form cannot be signed any more."));
    }
    let (ground, now) = (Ground::of(app), Timestamp::now());
    let is_open = |scope: Scope| ground.minimums.is_open(scope, asked.ward.known(), now);
    let signing = signing(&fields, is_open(Scope::Upload));
    let mut faults = Faults::default();
    for (field, sentence) in signing.faults() {
        faults.add(field, sentence);
    }
    if places::country(&signing.country).is_none() {
        faults.add("country", "Choose a country.");
    }
    let messages = fields.text("messages");
    if !messages.is_empty() && Reach::reads(messages).is_empty() {
        faults.add("messages", "Choose one of these.");
    }
    if signing.scopes.is_empty() {
        faults.add("scope", "Tick what you allow. For an account and nothing else, use the other button.");
    }
    if let Some(scope) = signing.scopes.iter().find(|scope| !is_open(**scope)) {
        let age = ground.minimums.of(*scope).unwrap_or_default();
        faults.add("scope", format!("“{}” begins at {age} here and cannot be allowed before.", scope.name()));
    }
    if fields.text("liable") != "yes" {
        faults.add("liable", "Without this nobody answers for the account.");
    }
    if !faults.is_empty() {
        let form = FormView::new(&fields, faults);
        let shown = Question::new(&ground, &asked, token, form, true, now);
        return page.show_as(422, &shown);
    }
    let (ward, stub, issuer, area) = (asked.ward.id, Stub::draw()?, app.issuer.clone(), token.to_owned());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let ward = Ward::find(conn, &ward)?;
            passage::authorise(conn, &ground, &issuer, &ward, &signing, &stub, now)?;
            ward::link_again(conn, &area, now)
        })
        .await?;
    app.bell.ring();
    Ok(Reply::go(format!("/guardians/{token}"))
        .notice("Signed. The form is on this page, as a file to keep."))
}
