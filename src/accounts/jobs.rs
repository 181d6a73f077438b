//! Letters that leave the house.

use serde_json::Value;

use super::joining;
use super::letter::{self, Reader};
use super::user::User;
use crate::App;
use crate::clock::Timestamp;
use crate::consent::disclosure::Line;
use crate::consent::letters::{self, Class, Topic, Wanted, What};
use crate::consent::recipient::Use;
use crate::error::{Error, Result};
use crate::jobs::Lease;
use crate::mail::Letter;
use crate::secrets;

/// Renders a letter and sends it. Sent twice it carries the same `Message-ID`, so that readers see one. A letter that nobody
/// has to get is sent only to somebody who wants it now, whoever asked for it to be sent.
pub async fn send_letter(app: &App, lease: &Lease, to: &str, template: &str, values: &Value) -> Result<()> {
    let now = Timestamp::now();
    let (book, email) = (app.consent.clone(), to.to_owned());
    let reader = app
        .db
        .read(move |conn| {
            let Some(user) = User::by_email(conn, &email)? else { return Ok(None) };
            let decision = letters::decision(conn, &book, &user, now)?;
            let wants =
                Wanted::of(conn, &user.id)?.is_on(Topic::News, &book, now) && user.disabled_at.is_none();
            Ok(Some((user, decision, wants)))
        })
        .await?;
    let is_news = Class::of(template) == Class::News;
    if is_news && !reader.as_ref().is_some_and(|(_, _, wants)| *wants) {
        let lease = lease.clone();
        return app.db.write(move |conn| lease.finish(conn, now)).await;
    }
    let whose = Reader {
        decision: reader.as_ref().map(|(_, decision, _)| decision),
        site_name: &app.config.site_name,
        site_url: &app.config.site_url,
    };
    let ready = letter::render(&app.templates, template, values, &whose, now)?;
    let host = app.config.site_url.split("//").nth(1).unwrap_or("localhost");
    let host = host.split(':').next().unwrap_or(host);
    let stop = |user: &User| {
        app.config.absolute(&format!("/letters/stop/{}", letters::stop_word(&app.keys.seal, &user.id)))
    };
    let letter = Letter {
        to: to.to_owned(),
        subject: ready.subject,
        text: ready.text,
        html: ready.html,
        message_id: format!("{}@{host}", lease.id),
        unsubscribe: reader.as_ref().filter(|_| is_news).map(|(user, ..)| stop(user)),
    };
    let mut measured = ready.measured.then(|| template.to_owned());
    match app.mail.send(&letter).await {
        Ok(_) => {}
        // It will never arrive; trying again would not help.
        Err(Error::Refused(why)) => {
            tracing::warn!(template, why, "a letter was refused for good");
            measured = None;
        }
        Err(error) => return Err(error),
    }
    // A relay that refused it has been told all the same.
    let (lease, told) = (lease.clone(), app.services.of(Use::Letters).map(Line::of_service));
    app.db
        .write(move |conn| {
            lease.finish(conn, now)?;
            if let Some(kind) = &measured {
                letters::add(conn, &now.day(), kind, What::Sent, 1)?;
            }
            told.iter().try_for_each(|line| line.record(conn, 1, now))
        })
        .await
}

/// Sends whoever has this address a link to choose a new password.
pub async fn send_reset(app: &App, lease: &Lease, email: &str) -> Result<()> {
    let (lease, email, token) = (lease.clone(), email.to_owned(), secrets::token()?);
    let site_url = app.config.site_url.clone();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            joining::forgot(conn, &email, &token, &site_url, now)?;
            lease.finish(conn, now)
        })
        .await?;
    app.bell.ring();
    Ok(())
}
