//! Letters that leave the house.

use serde_json::Value;

use super::joining;
use crate::App;
use crate::clock::Timestamp;
use crate::consent::disclosure::Line;
use crate::consent::recipient::Use;
use crate::error::{Error, Result};
use crate::jobs::Lease;
use crate::mail::Letter;
use crate::secrets;

/// Renders a letter and sends it. Sent twice it carries the same `Message-ID`, so that readers see one.
pub async fn send_letter(app: &App, lease: &Lease, to: &str, template: &str, values: &Value) -> Result<()> {
    let mut values = values.clone();
    if let Value::Object(map) = &mut values {
        map.insert("site_name".into(), app.config.site_name.clone().into());
        map.insert("site_url".into(), app.config.site_url.clone().into());
    }
    let words = app.templates.letter(template, &values)?;
    let host = app.config.site_url.split("//").nth(1).unwrap_or("localhost");
    let host = host.split(':').next().unwrap_or(host);
    let letter = Letter {
        to: to.to_owned(),
        subject: words.subject,
        text: words.text,
        html: None,
        message_id: format!("{}@{host}", lease.id),
    };
    match app.mail.send(&letter).await {
        Ok(_) => {}
        // It will never arrive; trying again would not help.
        Err(Error::Refused(why)) => tracing::warn!(template, why, "a letter was refused for good"),
        Err(error) => return Err(error),
    }
    // A relay that refused it has been told all the same.
    let (lease, told) = (lease.clone(), app.services.of(Use::Letters).map(Line::of_service));
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            lease.finish(conn, now)?;
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
