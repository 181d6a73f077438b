//! What this room does beside a request.

use super::vendor_list;
use crate::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::jobs::Lease;

/// Asks for the vendor list. A publisher that does not answer is asked again by the calendar, not by the queue: the copy
/// serves until then.
pub async fn fetch_vendor_list(app: &App, lease: &Lease) -> Result<()> {
    if let Err(error) = vendor_list::fetch(app, Timestamp::now()).await {
        tracing::warn!(%error, "the vendor list could not be fetched; the copy stays as it is");
    }
    let lease = lease.clone();
    app.db.write(move |conn| lease.finish(conn, Timestamp::now())).await
}
