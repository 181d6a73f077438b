//! What is done by the clock: the hourly and nightly rounds, each enqueued once for its hour whoever is first.

use std::time::Duration;

use super::{Job, Priority, Stop, Terms, enqueue_as};
use crate::App;
use crate::accounts::{joining, session, token};
use crate::clock::{DAY, HOUR, MINUTE, Timestamp};
use crate::consent::{head, log, reports};
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

/// What belongs to an end: a head over what was chosen since the last one.
pub async fn end(app: &App, now: Timestamp) -> Result<()> {
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
    app.db
        .write(move |conn| {
            head::sign_hourly(conn, &issuer, now)?;
            let once = |job: &Job, every: i64| Terms {
                once: Some(format!("{}:{}", job.kind(), now.0.div_euclid(every))),
                priority: Priority::Upkeep,
                delay_ms: 0,
            };
            let reconcile = Job::Reconcile {};
            enqueue_as(conn, &reconcile, once(&reconcile, HOUR), now)?;
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
            }
            Ok(())
        })
        .await?;
    app.bell.ring();
    Ok(())
}
