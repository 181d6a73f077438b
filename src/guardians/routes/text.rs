//! A parent answers with a text message: the number, the code that comes to it, and back to the question. Looking at the page
//! sends nothing.

use rocket::{State, get, post};
use serde::Serialize;

use super::super::text::{self, Entered, Number, TextMessage};
use super::home::Over;
use super::{Opened, opened};
use crate::App;
use crate::accounts::band::Band;
use crate::clock::Timestamp;
use crate::config::Provider;
use crate::error::{Error, Result};
use crate::web::{Attempt, Client, Faults, Fields, FormView, Page, Posted, Reply, View};

const NO_NUMBER: &str =
    "Write the number with a plus and the country code, without a zero in brackets: +49 151 23456789.";
const ENOUGH: &str =
    "Three messages were sent within a day, and that is the most. Answer by e-mail, or try again tomorrow.";

/// The way by text message, a step at a time: the number, then the code.
#[derive(Serialize)]
pub struct TextPage {
    token: String,
    name: String,
    /// Who carries the message.
    carrier: String,
    form: FormView,
    /// The last two digits of the number whose code is waited for.
    ends_in: Option<String>,
    /// Why it does not simply go on.
    trouble: Option<&'static str>,
}

impl TextPage {
    fn new(token: &str, asked: &Opened, carrier: &Provider, form: FormView, now: Timestamp) -> TextPage {
        let newest = asked.text.as_ref();
        TextPage {
            token: token.to_owned(),
            name: asked.ward.name.clone(),
            carrier: carrier.name.clone(),
            form,
            ends_in: newest.filter(|text| text.is_open(now)).and_then(TextMessage::ends_in),
            trouble: newest.and_then(|text| text.trouble(now)),
        }
    }
}

impl View for TextPage {
    const TEMPLATE: &'static str = "guardians/text.html";

    fn samples() -> Vec<TextPage> {
        let page = |ends_in: Option<&str>, trouble: Option<&'static str>| TextPage {
            token: "token".into(),
            name: "Star Kid".into(),
            carrier: "Text Desk".into(),
            form: FormView::default(),
            ends_in: ends_in.map(str::to_owned),
            trouble,
        };
        vec![page(None, None), page(Some("89"), None), page(None, Some("That message could not be sent."))]
    }
}

/// Who carries messages to whoever is asked here. `NotFound` where nobody does or none is offered: it is a parent's way to
/// answer about a child, and no other. `Conflict` where it was answered.
fn carrier<'a>(app: &'a App, asked: &Opened) -> Result<&'a Provider> {
    let carrier = app.config.age.carrier().filter(|_| asked.ward.band == Band::Child);
    match asked.asks() {
        true => carrier.ok_or(Error::NotFound),
        false => Err(Error::conflict("This was answered already.")),
    }
}

/// The step that comes next. Whoever proved their number, or answered, is led back to the question.
#[get("/guardians/<token>/text")]
pub async fn show(token: &str, page: Page, app: &State<App>) -> Result<Reply> {
    let (asked, now) = match opened(app, token).await {
        Ok(asked) => (asked, Timestamp::now()),
        Err(Error::NotFound) => return page.show_as(410, &Over {}),
        Err(error) => return Err(error),
    };
    if !asked.asks() || asked.text.as_ref().is_some_and(|text| text.is_proved(now)) {
        return Ok(Reply::go(format!("/guardians/{token}")));
    }
    let carrier = carrier(app, &asked)?;
    page.show(&TextPage::new(token, &asked, carrier, FormView::default(), now))
}

/// Has a code sent to a number.
#[post("/guardians/<token>/text", data = "<form>")]
pub async fn send(token: &str, form: Posted, page: Page, client: Client, app: &State<App>) -> Result<Reply> {
    let (fields, asked) = (form.0, opened(app, token).await?);
    let carrier = carrier(app, &asked)?;
    let Some(number) = Number::parse(fields.text("number")) else {
        let form = FormView::new(&fields, Faults::of("number", NO_NUMBER));
        let again = TextPage::new(token, &asked, carrier, form, Timestamp::now());
        // The step of the number, also where a code is waited for.
        return page.show_as(422, &TextPage { ends_in: None, trouble: None, ..again });
    };
    app.limits.attempt(Attempt::Text, &client.key())?;
    for key in [asked.ward.id.as_str(), number.as_str()] {
        app.limits.attempt(Attempt::Letter, &format!("text {key}"))?;
    }
    let ward = asked.ward.id.clone();
    if !app.db.write(move |conn| text::ask(conn, &ward, &number, Timestamp::now())).await? {
        let form = FormView::new(&Fields::default(), Faults::of("number", ENOUGH));
        let again = TextPage::new(token, &asked, carrier, form, Timestamp::now());
        return page.show_as(429, &TextPage { ends_in: None, trouble: None, ..again });
    }
    app.bell.ring();
    Ok(Reply::go(format!("/guardians/{token}/text")))
}

/// Enters the code that came.
#[post("/guardians/<token>/text/code", data = "<form>")]
pub async fn enter(token: &str, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, asked) = (form.0, opened(app, token).await?);
    carrier(app, &asked)?;
    app.limits.attempt(Attempt::Verify, &format!("text {}", asked.ward.id))?;
    let (ward, code, key) = (asked.ward.id.clone(), fields.text("code").to_owned(), app.keys.texts);
    let entered = app.db.write(move |conn| text::enter(conn, &ward, &code, &key, Timestamp::now())).await?;
    let faults = match entered {
        Entered::Right => {
            let home = Reply::go(format!("/guardians/{token}#yes"));
            return Ok(
                home.notice("That was the code. Answer within an hour, and it counts by text message.")
            );
        }
        Entered::Wrong(0) | Entered::Over => Faults::default(),
        Entered::Wrong(1) => Faults::of("code", "That is another code. One more can be entered."),
        Entered::Wrong(left) => {
            Faults::of("code", format!("That is another code. {left} more can be entered."))
        }
    };
    // As it stands by now: after too many the number is gone.
    let asked = opened(app, token).await?;
    let carrier = carrier(app, &asked)?;
    let form = FormView::new(&Fields::default(), faults);
    page.show_as(422, &TextPage::new(token, &asked, carrier, form, Timestamp::now()))
}

/// The parent answers by e-mail after all: the number goes at once.
#[post("/guardians/<token>/text/ending", data = "<_form>")]
pub async fn end(token: &str, _form: Posted, app: &State<App>) -> Result<Reply> {
    let asked = opened(app, token).await?;
    carrier(app, &asked)?;
    let ward = asked.ward.id;
    app.db.write(move |conn| text::forget(conn, &ward)).await?;
    Ok(Reply::go(format!("/guardians/{token}"))
        .notice("The number is deleted. Your answer counts by e-mail."))
}
