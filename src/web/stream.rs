//! Stored files as answers: whole, in ranges, paced, or handed to somebody who sends them for us.
//!
//! Who may have the file was decided before. In every mode `HEAD`, 304, 412 and 416 are answered here; only the
//! bytes of a 200 or 206 may come from elsewhere.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rocket::fairing::AdHoc;
use rocket::http::{Method, Status};
use rocket::request::{FromRequest, Outcome};
use rocket::response::{self, Responder};
use rocket::{Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, Take};
use tokio::time::{Instant, Sleep, sleep_until};

use super::ranges::{Conditions, Decision, FileFacts, Multipart, Span, decide};
use crate::error::{Error, Result};
use crate::storage::{Reader, Source, Storage};

/// Seconds that a signed address of the S3 service is good for: long enough to begin, and to seek in, one track.
const SIGNED_SECS: u32 = 15 * 60;
/// What is said of a file that anybody may have now and that can be taken back: the browser that asked may keep it for an hour,
/// and nobody on the way.
pub const FOR_AN_HOUR: &str = "private, max-age=3600";
/// The same of a file that not everybody may have: asked for again each time.
pub const ASK_AGAIN: &str = "private, no-cache";
/// Seconds of sound that a listener gets at once; afterwards twice as fast as it plays.
const BURST_SECS: u64 = 8;
const AHEAD: u64 = 2;
/// Bytes of one chunk. What waits in hyper's queue for a slow client is up to sixteen of them, or as many as pass 400 KiB,
/// and two more on the way: 270 KiB for a listener (one who is paced rarely has any), 1 MiB for a download.
const LISTEN_CHUNK: usize = 16 << 10;
const DOWNLOAD_CHUNK: usize = 256 << 10;
/// Bytes fetched at once where they are not at hand: from a cold disk, or an S3 service.
const LISTEN_BLOCK: usize = 64 << 10;
const DOWNLOAD_BLOCK: usize = 256 << 10;

/// Who sends the bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// We do.
    #[default]
    Direct,
    /// The proxy in front, told by `X-Accel-Redirect: /_files/<key>`. Needs a folder; else as `Direct`.
    Accel,
    /// The S3 service, at a short-lived signed address. Needs a bucket; else as `Direct`.
    Redirect,
}

/// How fast the bytes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the line takes them.
    Download,
    /// As they are played: a burst of a few seconds, then twice the bit rate.
    Listen { bits_per_sec: u32 },
}

/// What a browser does with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Plays or shows it.
    Inline,
    /// Saves it under this name.
    Save(String),
}

impl Disposition {
    /// The `Content-Disposition` header (RFC 6266), with a second name in UTF-8 (RFC 8187) where ASCII will not do.
    pub fn header(&self) -> String {
        let Disposition::Save(name) = self else { return "inline".into() };
        let name: String =
            name.chars().map(|c| if c.is_control() || "/\\".contains(c) { '_' } else { c }).collect();
        // Some browsers decode percent signs in the plain name, and quotes end it.
        let plain = |c: char| if c.is_ascii() && !"\"%".contains(c) { c } else { '_' };
        let ascii = name.chars().map(plain).collect::<String>();
        let ascii = ascii.split_whitespace().collect::<Vec<_>>().join(" ");
        if ascii == name {
            return format!("attachment; filename=\"{ascii}\"");
        }
        let mut utf8 = String::new();
        for byte in name.bytes() {
            match byte {
                b if b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&b) => utf8.push(b as char),
                b => utf8.push_str(&format!("%{b:02X}")),
            }
        }
        format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{utf8}")
    }
}

/// A stored file, and how it is to be shown.
#[derive(Clone, Debug)]
pub struct StoredFile {
    pub key: String,
    /// The tag is best made from the hash of the content, which the caller keeps.
    pub facts: FileFacts,
    /// The media type.
    pub kind: String,
    pub disposition: Disposition,
    /// The `Cache-Control` header.
    pub cache: String,
    pub pace: Pace,
}

impl StoredFile {
    /// The answer to these conditions. `NotFound` when the store has no such key and its bytes are wanted.
    pub async fn answer(
        mut self,
        storage: &Storage,
        delivery: Delivery,
        asked: &Conditions,
    ) -> Result<FileReply> {
        let by_proxy = delivery == Delivery::Accel && storage.is_folder();
        if by_proxy {
            // The proxy answers ranges by the tag and date it makes of the file, so those are the ones we name.
            let stat = storage.stat(&self.key).await?.ok_or(Error::NotFound)?;
            self.facts = FileFacts { len: stat.len, etag: stat.etag, modified: stat.modified };
        }
        let decision = decide(asked, &self.facts);
        match decision {
            Decision::NotModified => return Ok(self.reply(Status::NotModified).validators(&self)),
            Decision::PreconditionFailed => return Ok(FileReply::new(Status::PreconditionFailed)),
            Decision::Unsatisfiable => {
                let reply = FileReply::new(Status::RangeNotSatisfiable).with("Accept-Ranges", "bytes");
                return Ok(reply.with("Content-Range", format!("bytes */{}", self.facts.len)));
            }
            Decision::Whole | Decision::One(_) | Decision::Many(_) => {}
        }
        if asked.head {
            return Ok(self.whole().with("Content-Length", self.facts.len.to_string()));
        }
        if by_proxy {
            return Ok(self.whole().with("X-Accel-Redirect", format!("/_files/{}", self.key)));
        }
        if delivery == Delivery::Redirect
            && let Some(url) = self.signed(storage).await?
        {
            // The address expires, so nobody may keep it.
            return Ok(FileReply::new(Status::Found).with("Location", url).with("Cache-Control", "no-store"));
        }
        let source = storage.source(&self.key).await?;
        if source.len() != self.facts.len {
            let (key, has, facts) = (&self.key, source.len(), self.facts.len);
            return Err(Error::internal(format!("{key} has {has} bytes and should have {facts}")));
        }
        self.sent(&source, decision)
    }

    async fn signed(&self, storage: &Storage) -> Result<Option<String>> {
        storage.signed_url(&self.key, SIGNED_SECS, &self.kind, Some(&self.disposition.header())).await
    }

    fn reply(&self, status: Status) -> FileReply {
        FileReply::new(status).with("Cache-Control", self.cache.clone())
    }

    fn whole(&self) -> FileReply {
        self.partial(Status::Ok).with("Content-Type", self.kind.clone())
    }

    fn partial(&self, status: Status) -> FileReply {
        let reply = self.reply(status).validators(self).with("Accept-Ranges", "bytes");
        reply.with("Content-Disposition", self.disposition.header())
    }

    fn sent(&self, source: &Source, decision: Decision) -> Result<FileReply> {
        let len = self.facts.len;
        let read = |span: Span| Piece::File(source.reader(span.start, span.size(), self.block()));
        let (reply, pieces, len) = match decision {
            Decision::One(span) => {
                let reply = self.partial(Status::PartialContent).with("Content-Type", self.kind.clone());
                (reply.with("Content-Range", span.content_range(len)), vec![read(span)], span.size())
            }
            Decision::Many(spans) => {
                let boundary = hex::encode(crate::secrets::random::<16>()?);
                let frame = Multipart::new(&spans, &self.kind, len, &boundary);
                let heads = frame.heads.into_iter().map(Piece::text);
                let mut pieces: Vec<Piece> =
                    heads.zip(spans).flat_map(|(head, span)| [head, read(span)]).collect();
                pieces.push(Piece::text(frame.tail));
                let kind = format!("multipart/byteranges; boundary={boundary}");
                (self.partial(Status::PartialContent).with("Content-Type", kind), pieces, frame.len)
            }
            _ => (self.whole(), vec![read(Span { start: 0, end: len })], len),
        };
        let pieces = Pieces(pieces.into());
        let (body, chunk): (Body, usize) = match self.pace {
            Pace::Download => (Box::new(pieces), DOWNLOAD_CHUNK),
            Pace::Listen { bits_per_sec } => (Box::new(Paced::new(pieces, bits_per_sec)), LISTEN_CHUNK),
        };
        Ok(reply.with("Content-Length", len.to_string()).carrying(body, chunk))
    }

    fn block(&self) -> usize {
        match self.pace {
            Pace::Download => DOWNLOAD_BLOCK,
            Pace::Listen { .. } => LISTEN_BLOCK,
        }
    }
}

type Body = Box<dyn AsyncRead + Send + Unpin>;

/// A decided answer about a stored file.
pub struct FileReply {
    status: Status,
    headers: Vec<(&'static str, String)>,
    body: Option<(Body, usize)>,
}

impl FileReply {
    fn new(status: Status) -> FileReply {
        FileReply { status, headers: vec![], body: None }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> FileReply {
        self.headers.push((name, value.into()));
        self
    }

    fn validators(self, file: &StoredFile) -> FileReply {
        self.with("ETag", file.facts.tag()).with("Last-Modified", file.facts.modified.http())
    }

    fn carrying(mut self, body: Body, chunk: usize) -> FileReply {
        self.body = Some((body, chunk));
        self
    }
}

impl<'r> Responder<'r, 'static> for FileReply {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        response.status(self.status);
        for (name, value) in self.headers {
            response.raw_header(name, value);
        }
        // The length is a header of ours: Rocket would say 0 for an answer to HEAD that has no body at all.
        match self.body {
            // The size of chunks comes after the body, which would silently reset it.
            Some((body, chunk)) => response.streamed_body(body).max_chunk_size(chunk),
            None if self.status == Status::Ok || self.status == Status::NotModified => {
                response.streamed_body(tokio::io::empty())
            }
            None => &mut response,
        };
        response.ok()
    }
}

/// That a request came as HEAD: Rocket hands it to GET routes as GET.
struct CameAsHead(bool);

/// Remembers which requests came as HEAD, so that `Conditions` can say so. Attach it before routes that take them.
///
/// A form with `_method=head` stays the POST it came as: as a HEAD its answer would announce bytes that never follow,
/// and whoever sent it would wait for them.
pub fn heads() -> AdHoc {
    AdHoc::on_request("HEAD is remembered", |request, _| {
        Box::pin(async move {
            let carries_form = request.content_type().is_some_and(|kind| kind.is_form());
            if request.method() == Method::Head && carries_form {
                request.set_method(Method::Post);
            }
            let head = request.method() == Method::Head;
            request.local_cache(|| CameAsHead(head));
        })
    })
}

/// Whether a request came as a HEAD: Rocket answers it as the GET that it stands for.
pub fn is_head(request: &Request<'_>) -> bool {
    request.method() == Method::Head || request.local_cache(|| CameAsHead(false)).0
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Conditions {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Conditions, Infallible> {
        let said = |name: &str| {
            let lines: Vec<&str> = request.headers().get(name).collect();
            (!lines.is_empty()).then(|| lines.join(", "))
        };
        Outcome::Success(Conditions {
            head: is_head(request),
            range: said("Range"),
            if_range: said("If-Range"),
            if_none_match: said("If-None-Match"),
            if_match: said("If-Match"),
            if_modified_since: said("If-Modified-Since"),
            if_unmodified_since: said("If-Unmodified-Since"),
        })
    }
}

/// Streams one after the other.
struct Pieces(VecDeque<Piece>);

enum Piece {
    Text(Cursor<String>),
    File(Reader),
}

impl Piece {
    fn text(text: String) -> Piece {
        Piece::Text(Cursor::new(text))
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        while let Some(piece) = self.0.front_mut() {
            match piece {
                Piece::Text(text) => ready!(Pin::new(text).poll_read(cx, buf))?,
                Piece::File(reader) => ready!(Pin::new(reader).poll_read(cx, buf))?,
            }
            if buf.filled().len() > before {
                break;
            }
            self.0.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}

/// A stream that lets a burst through and then so many bytes a second: a bucket that holds the burst. What is
/// skipped is not read, and what waits in the queue of a slow client stays small.
struct Paced<R> {
    from: Take<R>,
    bytes_per_sec: u64,
    burst: u64,
    /// Bytes that may go now, as of `since`.
    allowed: u64,
    since: Option<Instant>,
    wait: Option<Pin<Box<Sleep>>>,
}

impl<R: AsyncRead> Paced<R> {
    fn new(from: R, bits_per_sec: u32) -> Paced<R> {
        let played = u64::from(bits_per_sec / 8).max(1);
        let burst = (played * BURST_SECS).max(LISTEN_CHUNK as u64);
        Paced {
            from: from.take(0),
            bytes_per_sec: played * AHEAD,
            burst,
            allowed: burst,
            since: None,
            wait: None,
        }
    }

    fn refill(&mut self) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let earned = (now - since).as_millis() as u64 * self.bytes_per_sec / 1000;
        if earned > 0 {
            self.allowed = (self.allowed + earned).min(self.burst);
            self.since = Some(now);
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Paced<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            self.refill();
            // Whole chunks: a drop at a time would cost a system call each.
            let chunk = buf.remaining().min(LISTEN_CHUNK) as u64;
            if self.allowed >= chunk {
                break;
            }
            let millis = (chunk - self.allowed) * 1000 / self.bytes_per_sec + 1;
            self.wait = Some(Box::pin(sleep_until(Instant::now() + Duration::from_millis(millis))));
        }
        let (before, chunk) = (buf.filled().len(), buf.remaining().min(LISTEN_CHUNK) as u64);
        self.from.set_limit(chunk);
        ready!(Pin::new(&mut self.from).poll_read(cx, buf))?;
        self.allowed -= (buf.filled().len() - before) as u64;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_to_save_under_is_said_so_that_every_browser_reads_it() {
        for (name, header) in [
            ("rain.wav", "attachment; filename=\"rain.wav\""),
            ("Rain on tin (60 s).wav", "attachment; filename=\"Rain on tin (60 s).wav\""),
            ("Gr\u{fc}n.wav", "attachment; filename=\"Gr_n.wav\"; filename*=UTF-8''Gr%C3%BCn.wav"),
            ("5\" 100%.wav", "attachment; filename=\"5_ 100_.wav\"; filename*=UTF-8''5%22%20100%25.wav"),
            ("../a\\b\r\nX: y", "attachment; filename=\".._a_b__X: y\""),
        ] {
            assert_eq!(Disposition::Save(name.into()).header(), header);
        }
        assert_eq!(Disposition::Inline.header(), "inline");
    }
}
