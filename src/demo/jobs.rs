//! A track of the demo on its way into the shop: brought as its uploader would bring it, examined like every other
//! upload, then described, submitted and published.

use super::catalogue::{self, Spec};
use super::fill::Filling;
use crate::App;
use crate::catalogue::track::{self, Track};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::UploadId;
use crate::jobs::{Lease, Priority};
use crate::studio;
use crate::studio::upload::{State, Upload};

/// How long to wait for an upload that is being examined.
const PATIENCE_MS: i64 = 700;

/// Makes track number `number`, waits until it was examined, and puts it into the shop. Each step may run twice: what
/// was brought already is not brought again, and what is in the shop stays as it is.
pub async fn fill(app: &App, lease: &Lease, number: usize) -> Result<()> {
    let filling = app.db.read(Filling::find).await?;
    let filling = filling.ok_or_else(|| Error::internal("this shop has no demo"))?;
    let spec = tokio::task::spawn_blocking(move || catalogue::spec(number)).await?;
    let uploader = filling.account(spec.uploader)?.clone();
    let (whose, name) = (uploader.clone(), spec.filename.clone());
    let brought = app.db.read(move |conn| Upload::of_name(conn, &whose, &name)).await?;
    match brought {
        Some(upload) => offer(app, lease, filling, spec, upload.id).await,
        None => {
            let master = tokio::task::spawn_blocking(move || catalogue::wav(number)).await?;
            studio::receive(app, &uploader, &spec.filename, master.as_slice(), Priority::Demo).await?;
            let lease = lease.clone();
            app.db.write(move |conn| lease.postpone(conn, PATIENCE_MS)).await
        }
    }
}

async fn offer(app: &App, lease: &Lease, filling: Filling, mut spec: Spec, upload: UploadId) -> Result<()> {
    let (lease, currency) = (lease.clone(), app.config.currency.clone());
    // What the operator took out is not offered.
    spec.description.prices.retain(|(tier, _)| app.config.catalogue.sells(tier));
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let upload = Upload::find(conn, &upload)?;
            match upload.state {
                State::Received | State::Processing => return lease.postpone(conn, PATIENCE_MS),
                State::Refused | State::Failed => {
                    let why = upload.reason.unwrap_or_default();
                    return Err(Error::internal(format!("{} was not taken: {why}", upload.filename)));
                }
                State::Ready => lease.finish(conn, now)?,
            }
            let track = Track::of_upload(conn, &upload.id)?.ok_or(Error::NotFound)?;
            if track.state != track::State::Draft || spec.description.prices.is_empty() {
                return Ok(());
            }
            track.describe(conn, &spec.description, &currency, &upload.uploader_id, now)?;
            let track = Track::find(conn, &track.id)?;
            track.submit(conn, &upload.uploader_id, now)?;
            track.publish(conn, filling.reviewer()?, now)
        })
        .await
}
