//! How a file comes in, whoever brings it: the form, the demo, an import.

use tokio::io::AsyncRead;

use super::upload::{Upload, master_key};
use crate::App;
use crate::clock::Timestamp;
use crate::consent::disclosure::Line;
use crate::consent::recipient::Use;
use crate::error::{Error, Result};
use crate::ids::{UploadId, UserId};
use crate::jobs::{Job, Priority, Terms, enqueue_as};

/// Takes a file: its bytes into storage first, then, in one write, its row and the job that examines it. `Refused`
/// when it is larger than the shop takes or empty. Whatever goes wrong, no bytes stay without a row.
pub async fn receive(
    app: &App,
    uploader: &UserId,
    filename: &str,
    from: impl AsyncRead + Unpin + Send,
    priority: Priority,
) -> Result<UploadId> {
    let id = UploadId::new();
    let key = master_key(&id);
    let kept =
        app.storage.put_stream(&key, from, app.config.upload_max_bytes, "application/octet-stream").await?;
    let written = match kept.bytes {
        0 => Err(Error::refused("This file is empty.")),
        _ => {
            let (id, uploader, filename) = (id.clone(), uploader.clone(), filename.to_owned());
            let least = app.config.age.services.clone();
            let told = app.services.of(Use::Keeping).map(Line::of_service);
            app.db
                .write(move |conn| {
                    let now = Timestamp::now();
                    Upload::received(conn, &id, &uploader, &filename, &kept, &least, now)?;
                    told.iter().try_for_each(|line| line.record(conn, 1, now))?;
                    let once = Some(format!("process:{id}"));
                    let job = Job::ProcessUpload { upload: id.clone() };
                    enqueue_as(conn, &job, Terms { once, priority, delay_ms: 0 }, now)
                })
                .await
        }
    };
    if let Err(error) = written {
        // What cannot be removed now is collected later, like the bytes of a process that was killed here.
        if let Err(error) = app.storage.delete(&key).await {
            tracing::warn!(key, %error, "bytes without a row stay behind for the collector");
        }
        return Err(error);
    }
    app.bell.ring();
    Ok(id)
}
