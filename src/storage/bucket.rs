//! An S3 bucket, through rust-s3.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use s3::creds::Credentials;
use s3::error::S3Error;
use s3::serde_types::Part;
use s3::{Bucket, Region};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Kept, S3Access, Stat, broken, within};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Bytes of one part of an upload: the least that S3 takes. The library copies a part to send it, so one on its
/// way and the next being read are three of these in memory: 15 MiB. Ten thousand parts are 48 GiB.
const PART: usize = 5 << 20;
/// No single request moves more than a few MiB, so none may take longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A bucket, or what lies in it under a prefix. Its verbs promise what those of `Storage` do.
pub struct Store {
    bucket: Arc<Bucket>,
    prefix: String,
}

impl Store {
    /// The bucket that these settings reach. Nothing is asked of it yet.
    pub fn open(bucket: &str, prefix: &str, access: &S3Access) -> Result<Store> {
        let (keys, token) = ((&*access.access_key, &*access.secret_key), access.session_token.as_deref());
        let credentials =
            Credentials::new(Some(keys.0), Some(keys.1), None, token, None).map_err(Error::internal)?;
        let bucket = Bucket::new(bucket, region(access)?, credentials).map_err(Error::internal)?;
        // Services of one's own rarely have a host name per bucket; Amazon has, and prefers it.
        let bucket = if access.endpoint.is_some() { bucket.with_path_style() } else { bucket };
        let bucket = bucket.with_request_timeout(TIMEOUT).map_err(Error::internal)?;
        Ok(Store { bucket: Arc::from(bucket), prefix: prefix.to_owned() })
    }

    /// The address that every signed one begins with: of the bucket's own host, or of the service and the bucket's path.
    pub fn address(&self) -> String {
        self.bucket.url()
    }

    fn path(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    /// Keeps bytes under a key, whole or not at all.
    pub async fn put(&self, key: &str, bytes: &[u8], kind: &str) -> Result<()> {
        let kind = one_line(kind);
        self.bucket.put_object_with_content_type(self.path(key), bytes, &kind).await.map_err(trouble)?;
        Ok(())
    }

    /// Keeps a stream under a key in parts of 5 MiB; `Refused` beyond `most` bytes.
    pub async fn put_stream(
        &self,
        key: &str,
        mut from: impl AsyncRead + Unpin + Send,
        most: u64,
        kind: &str,
    ) -> Result<Kept> {
        let mut part = next_part(&mut from).await?;
        let mut bytes = within(part.len() as u64, most)?;
        let mut hash = Sha256::new();
        hash.update(&part);
        if part.len() < PART {
            self.put(key, &part, kind).await?;
            return Ok(Kept { bytes, sha256: hex::encode(hash.finalize()) });
        }
        let mut upload = Upload::begin(&self.bucket, self.path(key), one_line(kind)).await?;
        while !part.is_empty() {
            let (sent, next) = tokio::join!(upload.send(part), next_part(&mut from));
            sent?;
            part = next?;
            bytes = within(bytes + part.len() as u64, most)?;
            hash.update(&part);
        }
        upload.finish().await?;
        Ok(Kept { bytes, sha256: hex::encode(hash.finalize()) })
    }

    /// All bytes of a key. `NotFound` without it.
    pub async fn bytes(&self, key: &str) -> Result<Vec<u8>> {
        let data = self.bucket.get_object(self.path(key)).await.map_err(trouble)?;
        Ok(data.into_bytes().into())
    }

    /// `len` bytes from `start`, fewer at the end.
    pub async fn part(&self, key: &str, start: u64, len: u64) -> Result<Vec<u8>> {
        if len == 0 {
            return Ok(vec![]);
        }
        match self.bucket.get_object_range(self.path(key), start, Some(start + len - 1)).await {
            Ok(data) => Ok(data.into_bytes().into()),
            Err(S3Error::HttpFailWithBody(416, _)) => Ok(vec![]),
            Err(error) => Err(trouble(error)),
        }
    }

    /// Length, tag and age, or nothing when there is no such key.
    pub async fn stat(&self, key: &str) -> Result<Option<Stat>> {
        let head = match self.bucket.head_object(self.path(key)).await {
            Ok((head, _)) => head,
            Err(S3Error::HttpFailWithBody(404, _)) => return Ok(None),
            Err(error) => return Err(trouble(error)),
        };
        let modified = head.last_modified.and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
        let len = head.content_length.and_then(|len| u64::try_from(len).ok());
        Ok(Some(Stat {
            len: len.ok_or_else(|| Error::internal("the S3 service does not say how long an object is"))?,
            etag: tag(head.e_tag),
            modified: Timestamp(modified.map_or(0, |date| date.timestamp_millis())),
        }))
    }

    /// Removes a key; one that is not there is fine.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.bucket.delete_object(self.path(key)).await {
            Ok(_) | Err(S3Error::HttpFailWithBody(404, _)) => Ok(()),
            Err(error) => Err(trouble(error)),
        }
    }

    /// Whether the service answers and lets us look.
    pub async fn answers(&self) -> Result<()> {
        self.bucket.list_page(self.path(""), None, None, None, Some(1)).await.map(drop).map_err(trouble)
    }

    /// Every key that begins with this prefix, page by page.
    pub fn walk(&self, prefix: &str) -> Walker {
        let state = Some(None);
        Walker { bucket: self.bucket.clone(), whole: self.path(prefix), ours: self.path("").len(), state }
    }

    /// Gives up uploads that were begun before this moment and never finished; answers how many.
    pub async fn sweep(&self, before: Timestamp) -> Result<usize> {
        let prefix = self.path("");
        let pages = match self.bucket.list_multiparts_uploads(Some(&prefix), None).await {
            Ok(pages) => pages,
            // Some services keep no list; those that do not abort uploads by themselves have none to keep.
            Err(S3Error::HttpFailWithBody(404 | 405 | 501, _)) => return Ok(0),
            Err(error) => return Err(trouble(error)),
        };
        let mut swept = 0;
        for upload in pages.into_iter().flat_map(|page| page.uploads) {
            let begun =
                DateTime::parse_from_rfc3339(&upload.initiated).map_or(i64::MAX, |at| at.timestamp_millis());
            if begun < before.0 {
                self.bucket.abort_upload(&upload.key, &upload.id).await.map_err(trouble)?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// An address where the service itself answers a GET for so many seconds, under this type and disposition.
    pub async fn signed_url(
        &self,
        key: &str,
        secs: u32,
        kind: &str,
        disposition: Option<&str>,
    ) -> Result<String> {
        let mut says = HashMap::from([("response-content-type".to_owned(), one_line(kind))]);
        if let Some(disposition) = disposition {
            says.insert("response-content-disposition".to_owned(), one_line(disposition));
        }
        self.bucket.presign_get(self.path(key), secs, Some(says)).await.map_err(trouble)
    }
}

/// A walk through the bucket, a request a page.
pub struct Walker {
    bucket: Arc<Bucket>,
    whole: String,
    /// Bytes at the start of every name that are the shop's prefix and not part of its keys.
    ours: usize,
    /// Where to go on: none at the end, nothing said at the beginning.
    state: Option<Option<String>>,
}

impl Walker {
    /// The next page; none at the end.
    pub async fn page(&mut self) -> Result<Option<Vec<(String, Stat)>>> {
        let Some(from) = self.state.take() else { return Ok(None) };
        let (page, _) =
            self.bucket.list_page(self.whole.clone(), None, from, None, None).await.map_err(trouble)?;
        self.state = if page.is_truncated { page.next_continuation_token.map(Some) } else { None };
        let stat = |object: s3::serde_types::Object| {
            let modified =
                DateTime::parse_from_rfc3339(&object.last_modified).map_or(0, |at| at.timestamp_millis());
            let stat = Stat { len: object.size, etag: tag(object.e_tag), modified: Timestamp(modified) };
            object.key.get(self.ours..).filter(|key| super::is_key(key)).map(|key| (key.to_owned(), stat))
        };
        Ok(Some(page.contents.into_iter().filter_map(stat).collect()))
    }
}

/// An upload in parts. Dropped unfinished, it is given up at the service as well.
struct Upload {
    bucket: Arc<Bucket>,
    path: String,
    kind: String,
    id: String,
    parts: Vec<Part>,
    done: bool,
}

impl Upload {
    async fn begin(bucket: &Arc<Bucket>, path: String, kind: String) -> Result<Upload> {
        let id = bucket.initiate_multipart_upload(&path, &kind).await.map_err(trouble)?.upload_id;
        Ok(Upload { bucket: bucket.clone(), path, kind, id, parts: vec![], done: false })
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<()> {
        let number = self.parts.len() as u32 + 1;
        let sent = self.bucket.put_multipart_chunk(part, &self.path, number, &self.id, &self.kind).await;
        self.parts.push(sent.map_err(trouble)?);
        Ok(())
    }

    async fn finish(mut self) -> Result<()> {
        let parts = std::mem::take(&mut self.parts);
        self.bucket.complete_multipart_upload(&self.path, &self.id, parts).await.map_err(trouble)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.done {
            let (bucket, path, id) = (self.bucket.clone(), self.path.clone(), self.id.clone());
            runtime.spawn(async move {
                if let Err(error) = bucket.abort_upload(&path, &id).await {
                    tracing::warn!(%error, "an unfinished upload stays at the S3 service until the next sweep");
                }
            });
        }
    }
}

fn region(access: &S3Access) -> Result<Region> {
    let name = access.region.clone();
    let endpoint = match &access.endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => match name.parse().map_err(Error::internal)? {
            // A name the library has not heard of yet.
            Region::Custom { .. } => format!("https://s3.{name}.amazonaws.com"),
            known => return Ok(known),
        },
    };
    Ok(Region::Custom { region: name, endpoint })
}

/// Up to one part; shorter only at the end of the stream.
async fn next_part(from: &mut (impl AsyncRead + Unpin + Send)) -> Result<Vec<u8>> {
    let mut part = Vec::with_capacity(PART);
    from.take(PART as u64).read_to_end(&mut part).await.map_err(broken)?;
    Ok(part)
}

/// Signatures are computed over single spaces, which the library leaves to us.
fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tag(etag: Option<String>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

#[track_caller]
fn trouble(error: S3Error) -> Error {
    match &error {
        S3Error::HttpFailWithBody(404, why) if !why.contains("NoSuchBucket") => Error::NotFound,
        S3Error::HttpFailWithBody(408 | 429 | 500..=599, _) | S3Error::Reqwest(_) | S3Error::Io(_) => {
            tracing::warn!(%error, "the S3 service does not answer as it should");
            Error::Busy(5)
        }
        _ => Error::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At Amazon every region has its own way to write a host, and the bucket stands before it.
    #[tokio::test]
    async fn the_address_is_where_signed_ones_lead() {
        let own = Some("http://127.0.0.1:9000/");
        for (region, endpoint, wanted) in [
            ("us-east-1", None, "https://sounds.s3.amazonaws.com"),
            ("us-west-2", None, "https://sounds.s3-us-west-2.amazonaws.com"),
            ("eu-central-1", None, "https://sounds.s3.eu-central-1.amazonaws.com"),
            ("eu-west-1", None, "https://sounds.s3-eu-west-1.amazonaws.com"),
            ("moon-far-1", None, "https://sounds.s3.moon-far-1.amazonaws.com"),
            ("us-east-1", own, "http://127.0.0.1:9000/sounds"),
        ] {
            let access = S3Access {
                endpoint: endpoint.map(str::to_owned),
                region: region.into(),
                access_key: "AKID".into(),
                secret_key: "SESAME".into(),
                session_token: None,
            };
            let store = Store::open("sounds", "of/ours", &access).unwrap();
            assert_eq!(store.address(), wanted);
            let signed = store.signed_url("a.mp3", 60, "audio/mpeg", None).await.unwrap();
            assert!(signed.starts_with(&format!("{wanted}/of/ours/a.mp3?")), "{signed}");
        }
    }
}
