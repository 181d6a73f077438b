//! The look at our own banner: as a visitor, over real HTTP, by the clock or by hand.

use std::time::Duration;

use serde_json::json;

use super::entry::SCREEN;
use super::rulebook::Rulebook;
use super::selfcheck::{Check, News, html, strangers};
use crate::accounts::user::{User, is_email};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::error::Result;
use crate::jobs::{Job, Lease, enqueue};
use crate::visit::{Answer, Visitor};
use crate::{App, Config};

/// A site that is being started again answers within this many tries.
const TRIES: u32 = 4;
const BETWEEN: Duration = Duration::from_secs(2);

/// Where choices are made.
const CHOICES: &str = "/privacy/choices";

/// Looks under a lease, keeps what was found, and writes to the people who run the shop when it broke or is well again.
pub async fn self_check(app: &App, lease: &Lease) -> Result<()> {
    let began = Timestamp::now();
    let faults = look(&app.config, &app.consent, app.media_origin.as_deref()).await?;
    for fault in &faults {
        tracing::error!(fault, "the privacy self-check failed");
    }
    let (check, lease) = (Check::new(&faults, began, Timestamp::now()), lease.clone());
    let contact = app.config.contact.clone();
    app.db
        .write(move |conn| {
            let now = check.ended_at;
            let news = check.news(conn)?;
            if let Some(news) = news {
                tell(conn, &check, news, &contact, now)?;
            }
            check.clone().keep(conn, news.is_some())?;
            lease.finish(conn, now)
        })
        .await?;
    app.bell.ring();
    Ok(())
}

/// A letter to the shop's own address and to everyone who runs it.
fn tell(conn: &mut Conn, check: &Check, news: News, contact: &str, now: Timestamp) -> Result<()> {
    let mut all: Vec<String> = User::admins(conn)?.into_iter().map(|user| user.email).collect();
    if is_email(contact) {
        all.push(contact.to_owned());
    }
    all.sort();
    all.dedup();
    let template = match news {
        News::Broken => "self_check_failed",
        News::Well => "self_check_well",
    };
    for to in all {
        let values = json!({ "faults": check.faults(), "at": check.ended_at.rfc3339() });
        enqueue(conn, &Job::SendLetter { to, template: template.into(), values }, now)?;
    }
    Ok(())
}

/// Looks, prints what was found and keeps it. Answers whether everything held.
pub async fn by_hand(app: &App) -> Result<bool> {
    let began = Timestamp::now();
    let faults = look(&app.config, &app.consent, app.media_origin.as_deref()).await?;
    for fault in &faults {
        println!("broken   {fault}");
    }
    if faults.is_empty() {
        println!("{} asks, takes a no, obeys the signal and opts people out.", app.config.site_url);
    }
    let check = Check::new(&faults, began, Timestamp::now());
    app.db.write(move |conn| check.clone().keep(conn, false)).await?;
    Ok(faults.is_empty())
}

/// Everything that is wrong with how the site treats a visitor, a sentence each: one who is undecided and then says no,
/// one whose browser sends a signal, and one who opts out. Leaves two receipts in the log, as any visitor would.
async fn look(config: &Config, book: &Rulebook, media: Option<&str>) -> Result<Vec<String>> {
    let mut check = Look { book, media, faults: vec![] };
    let visitor = |signals| Visitor::new(&config.site_url, signals);
    let mut ended = Ok(());
    for n in 1..=TRIES {
        ended = check.refusing(&mut visitor(false)?).await;
        if ended.is_ok() {
            break;
        }
        if n < TRIES {
            tokio::time::sleep(BETWEEN).await;
        }
    }
    if ended.is_ok() {
        ended = check.signalling(&mut visitor(true)?).await;
    }
    if ended.is_ok() {
        ended = check.opting_out(&mut visitor(false)?).await;
    }
    check.faults.extend(ended.err());
    Ok(check.faults)
}

struct Look<'a> {
    book: &'a Rulebook,
    media: Option<&'a str>,
    faults: Vec<String>,
}

impl Look<'_> {
    fn finds(&mut self, holds: bool, fault: impl Into<String>) {
        if !holds {
            self.faults.push(fault.into());
        }
    }

    /// A page that must contact nobody.
    fn clean(&mut self, when: &str, page: &Answer) {
        self.finds(page.status == 200, format!("{when}, a page answered {} instead of 200.", page.status));
        for stranger in strangers(self.book.registry, page, self.media) {
            self.faults.push(format!("{when}, {stranger}."));
        }
    }

    /// Undecided, then no: asked once, by a form without script, and nobody is contacted before or after. The error is
    /// that the site cannot be reached.
    async fn refusing(&mut self, visitor: &mut Visitor) -> Result<(), String> {
        let mut front = visitor.get("/").await?;
        self.faults.clear();
        if self.book.child_mode {
            front = self.coming_in(visitor, &front).await?;
        }
        self.clean("Before any choice", &front);
        let footer = html::tags(&front.body).iter().any(|t| t.name == "a" && t.get("href") == Some(CHOICES));
        self.finds(footer, "The front page has no link to the privacy choices.");
        let asks = self.book.on().next().is_some();
        let banner = html::forms(&front.body).into_iter().find(|form| form.action == CHOICES);
        let Some(banner) = banner else {
            self.finds(!asks, "The front page does not ask: its banner is missing.");
            return Ok(());
        };
        self.finds(banner.press("choice", "accept").is_some(), "The banner has no button that accepts.");
        let Some(refusal) = banner.press("choice", "refuse") else {
            self.finds(false, "The banner has no button that refuses.");
            return Ok(());
        };
        let taken = visitor.post(CHOICES, &refusal).await?;
        self.finds(
            taken.status == 303,
            format!("A refusal was answered with {} instead of 303.", taken.status),
        );
        let after = visitor.get("/").await?;
        self.clean("After a refusal", &after);
        let again = html::forms(&after.body).iter().any(|form| form.action == CHOICES);
        self.finds(!again, "Whoever refused is asked again on the next page.");
        Ok(())
    }

    /// Where everyone is asked for their age first: the question stands in the way, contacts nobody, and lets a grown-up by.
    /// The front page behind it.
    async fn coming_in(&mut self, visitor: &mut Visitor, front: &Answer) -> Result<Answer, String> {
        let leads = front.all("location").any(|to| to.starts_with(SCREEN));
        self.finds(front.status == 303 && leads, "The front page is shown before the age question.");
        let screen = visitor.get(SCREEN).await?;
        self.clean("At the age question", &screen);
        let forms = html::forms(&screen.body);
        let asks = forms.iter().any(|form| form.action == CHOICES);
        self.finds(!asks, "Whoever was not asked for their age is asked about vendors.");
        match forms.into_iter().find(|form| form.action == SCREEN) {
            Some(form) => {
                let born = [("birth_year", "1980"), ("birth_month", "1")];
                let born = born.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let answer: Vec<_> = form.hidden.into_iter().chain(born).collect();
                let taken = visitor.post(SCREEN, &answer).await?;
                self.finds(
                    taken.status == 303,
                    format!("The age question answered a grown-up with {} instead of 303.", taken.status),
                );
            }
            None => self.finds(false, "The age question has no form."),
        }
        visitor.get("/").await
    }

    /// A browser that sends Global Privacy Control.
    async fn signalling(&mut self, visitor: &mut Visitor) -> Result<(), String> {
        let mut page = visitor.get("/").await?;
        if self.book.child_mode {
            page = self.coming_in(visitor, &page).await?;
        }
        self.clean("With Global Privacy Control", &page);
        self.finds(
            page.body.contains("Opt-out preference signal honored"),
            "A visitor whose browser sends Global Privacy Control is not told that it was honoured.",
        );
        let said = visitor.get("/.well-known/gpc.json").await?;
        let json: serde_json::Value = serde_json::from_str(&said.body).unwrap_or_default();
        self.finds(
            said.status == 200 && json["gpc"] == true,
            "/.well-known/gpc.json does not say that the signal is obeyed.",
        );
        Ok(())
    }

    /// The one button against sale and sharing.
    async fn opting_out(&mut self, visitor: &mut Visitor) -> Result<(), String> {
        if self.book.child_mode {
            let front = visitor.get("/").await?;
            self.coming_in(visitor, &front).await?;
        }
        let screen = visitor.get(CHOICES).await?;
        self.clean("On the screen of choices", &screen);
        let press = html::forms(&screen.body).iter().find_map(|form| form.press("choice", "opt_out"));
        let Some(press) = press else {
            self.finds(false, "The screen of choices has no button that opts out.");
            return Ok(());
        };
        let taken = visitor.post(CHOICES, &press).await?;
        self.finds(
            taken.status == 303,
            format!("An opt-out was answered with {} instead of 303.", taken.status),
        );
        let after = visitor.get(CHOICES).await?;
        self.clean("After an opt-out", &after);
        self.finds(after.body.contains("id=\"opted-out\""), "An opt-out is not confirmed afterwards.");
        Ok(())
    }
}
