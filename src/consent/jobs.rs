//! What this room does beside a request.

use serde_json::json;

use super::letters;
use super::trade::vendor_list;
use crate::App;
use crate::catalogue::track::Track;
use crate::clock::{DAY, Timestamp};
use crate::error::Result;
use crate::jobs::{Job, Lease, Priority, Terms, enqueue_as};

/// Tracks that the weekly letter names.
const NEWEST: i64 = 10;

/// Asks for the vendor list. A publisher that does not answer is asked again by the calendar, not by the queue: the copy
/// serves until then.
pub async fn fetch_vendor_list(app: &App, lease: &Lease) -> Result<()> {
    if let Err(error) = vendor_list::fetch(app, Timestamp::now()).await {
        tracing::warn!(%error, "the vendor list could not be fetched; the copy stays as it is");
    }
    let lease = lease.clone();
    app.db.write(move |conn| lease.finish(conn, Timestamp::now())).await
}

/// Writes to those who want it what is new this week; to nobody where nothing is. Each letter is a job of its own, and
/// one for each reader and week.
pub async fn send_news(app: &App, lease: &Lease) -> Result<()> {
    let (lease, now) = (lease.clone(), Timestamp::now());
    let (key, config) = (app.keys.seal, app.config.clone());
    app.db
        .write(move |conn| {
            lease.finish(conn, now)?;
            let since = now.plus(-7 * DAY);
            let new = Track::newest(conn, None, NEWEST, 0)?;
            let tracks: Vec<_> = new
                .iter()
                .filter(|listed| listed.track.published_at.is_some_and(|at| at > since))
                .map(|listed| {
                    json!({
                        "title": listed.track.title,
                        "uploader": listed.uploader_name,
                        "slug": listed.track.slug,
                    })
                })
                .collect();
            if tracks.is_empty() {
                return Ok(());
            }
            for reader in letters::readers(conn, now)? {
                let stop =
                    config.absolute(&format!("/letters/stop/{}", letters::stop_word(&key, &reader.id)));
                let letter = Job::SendLetter {
                    to: reader.email,
                    template: "news".into(),
                    values: json!({ "name": reader.name, "tracks": tracks, "stop": stop }),
                };
                let once = Some(format!("news:{}:{}", letters::week(now), reader.id));
                enqueue_as(conn, &letter, Terms { once, priority: Priority::Upkeep, delay_ms: 0 }, now)?;
            }
            Ok(())
        })
        .await?;
    app.bell.ring();
    Ok(())
}
