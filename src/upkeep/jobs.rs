//! The nightly round: bytes that no row names.

use super::{Meter, Shop, collect};
use crate::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::jobs::Lease;

/// Collects under a lease. Run twice, the second time finds nothing.
pub async fn collect(app: &App, lease: &Lease) -> Result<()> {
    let done = collect::collect(&Shop::of(app), Timestamp::now(), &Meter::silent()).await?;
    if done.keys + done.unfinished > 0 {
        tracing::info!(keys = done.keys, bytes = done.bytes, unfinished = done.unfinished, "collected");
    }
    let lease = lease.clone();
    app.db.write(move |conn| lease.finish(conn, Timestamp::now())).await
}
