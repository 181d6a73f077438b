//! What is done by the clock: the hourly and nightly rounds, each enqueued once for its hour whoever is first.

use std::time::Duration;

use super::{Job, Priority, Stop, Terms, enqueue_as};
use crate::App;
use crate::accounts::{joining, session, token};
use crate::ads::partner;
use crate::clock::{DAY, HOUR, MINUTE, Timestamp};
use crate::consent::log::head;
use crate::consent::trade::tcf::list::Need;
use crate::consent::trade::vendor_list;
use crate::consent::{disclosure, inquiry, letters, log, reports};
use crate::error::Result;

/// Enqueues what is due until told to stop.
pub async fn keep(app: App, mut stop: Stop) {
    if let Err(error) = begin(&app, Timestamp::now()).await {
        tracing::warn!(%error, "what belongs to a start could not be enqueued");
    }
    while !stop.is_stopped() {
        if let Err(error) = round(&app, Timestamp::now()).await {
            tracing::warn!(%error, "the calendar could not be kept");
        }
        if let Err(error) = write_down(&app).await {
            tracing::warn!(%error, "what pages disclosed could not be written down yet");
        }
        app.limits.forget();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
            () = stop.stopped() => {}
        }
    }
    if let Err(error) = end(&app, Timestamp::now()).await {
        tracing::warn!(%error, "the consent log could not be signed at the end");
    }
}

/// Writes down what was only counted since the last time: what pages let browsers give away, and letters that reported
/// back. What cannot be written is kept for the next time.
pub async fn write_down(app: &App) -> Result<()> {
    let (pages, heard) = (app.tally.take(), app.heard.take());
    if pages.is_empty() && heard.is_empty() {
        return Ok(());
    }
    let rows = (pages.clone(), heard.clone());
    let done = app
        .db
        .write(move |conn| {
            disclosure::record(conn, &rows.0)?;
            letters::record(conn, &rows.1)
        })
        .await;
    if done.is_err() {
        app.tally.put_back(pages);
        app.heard.put_back(heard);
    }
    done
}

/// What belongs to an end: a head over what was chosen since the last one, and the last counts.
pub async fn end(app: &App, now: Timestamp) -> Result<()> {
    write_down(app).await?;
    let issuer = app.issuer.clone();
    app.db.write(move |conn| head::sign(conn, &issuer, now)).await?;
    Ok(())
}

/// What every start asks for: what Stripe said while nobody listened.
pub async fn begin(app: &App, now: Timestamp) -> Result<()> {
    let terms = Terms { once: None, priority: Priority::Upkeep, delay_ms: 0 };
    app.db.write(move |conn| enqueue_as(conn, &Job::Reconcile {}, terms.clone(), now)).await?;
    Ok(())
}

/// Everything that belongs to this hour and this day and is not enqueued yet.
pub async fn round(app: &App, now: Timestamp) -> Result<()> {
    let (issuer, look_ms) = (app.issuer.clone(), app.config.privacy.self_check_hours * HOUR);
    let list = app.config.vendor_list.as_ref().map(|file| file.as_str().to_owned());
    app.db
        .write(move |conn| {
            head::sign_hourly(conn, &issuer, now)?;
            let once_from = |job: &Job, number: i64| Terms {
                once: Some(format!("{}:{number}", job.kind())),
                priority: Priority::Upkeep,
                delay_ms: 0,
            };
            let once = |job: &Job, every: i64| once_from(job, now.0.div_euclid(every));
            let reconcile = Job::Reconcile {};
            enqueue_as(conn, &reconcile, once(&reconcile, HOUR), now)?;
            let move_bands = Job::MoveBands {};
            enqueue_as(conn, &move_bands, once(&move_bands, DAY), now)?;
            if let Some(list) = &list
                && vendor_list::need(conn, list, now)? != Need::Nothing
            {
                let fetch = Job::FetchVendorList {};
                enqueue_as(conn, &fetch, once(&fetch, HOUR), now)?;
            }
            let news = Job::SendNews {};
            enqueue_as(conn, &news, once_from(&news, letters::week(now)), now)?;
            if look_ms > 0 {
                let look = Job::SelfCheck {};
                // A site that was just started is given a moment.
                enqueue_as(conn, &look, Terms { delay_ms: 5 * MINUTE, ..once(&look, look_ms) }, now)?;
            }
            let collect = Job::Collect {};
            if enqueue_as(conn, &collect, once(&collect, DAY), now)? {
                session::sweep(conn, now)?;
                token::sweep(conn, now)?;
                joining::sweep(conn, now)?;
                log::expire(conn, now)?;
                reports::sweep(conn, now)?;
                disclosure::sweep(conn, now)?;
                inquiry::sweep(conn, now)?;
                letters::sweep(conn, now)?;
                partner::sweep(conn, now)?;
            }
            Ok(())
        })
        .await?;
    app.bell.ring();
    Ok(())
}
