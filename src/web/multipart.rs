//! Forms that carry a file, as they come in: the fields before the file are read first, the file is a stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{Stream, StreamExt};
use multer::bytes::{Buf, Bytes};
use multer::{Field, Multipart};
use rocket::Request;
use rocket::data::{Data, FromData, Outcome, ToByteUnit};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::form::Fields;
use super::{csrf, trouble};
use crate::App;
use crate::error::Error;

/// Bytes taken from the line at once.
const SIP: usize = 64 << 10;
/// The longest field beside the file, and how many there may be.
const FIELD_BYTES: usize = 16 << 10;
const MOST_FIELDS: usize = 50;
/// Most that may stand before a file: all those fields, and a sip of the file itself. Until the parser has found what
/// it looks for (a beginning, the end of a field's head) it keeps everything in memory, and searches it again with
/// each sip: without a bound, a head without an end would be a gigabyte of memory and hours of searching.
const HEAD_BYTES: u64 = 1 << 20;
/// What is read and thrown away of a form that was refused, so that the browser gets to see why: one that is still
/// sending when the line closes shows an error of its own.
const PATIENCE_BYTES: u64 = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// A form with a file whose token was right: it stood before the file, or in the header. Nothing of the file was read
/// yet.
pub struct Incoming<'r> {
    /// The fields that stood before the file.
    pub fields: Fields,
    /// The field `file`, when one came.
    pub file: Option<Incomer<'r>>,
}

/// The file of a form, to be read once.
pub struct Incomer<'r> {
    /// As the browser named it: anything at all.
    pub filename: String,
    field: Field<'r>,
    chunk: Bytes,
}

impl Incomer<'_> {
    /// Reads on for a while without keeping anything.
    pub async fn throw_away(&mut self) {
        let rest = async { tokio::io::copy(&mut self.take(PATIENCE_BYTES), &mut tokio::io::sink()).await };
        let _ = tokio::time::timeout(PATIENCE, rest).await;
    }
}

impl AsyncRead for Incomer<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.chunk.is_empty() {
            match ready!(this.field.poll_next_unpin(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Ok(chunk)) => this.chunk = chunk,
                Some(Err(_)) => {
                    let broken = Error::refused("The upload broke off before its end. Nothing was kept.");
                    return Poll::Ready(Err(io::Error::other(broken)));
                }
            }
        }
        let n = buf.remaining().min(this.chunk.len());
        buf.put_slice(&this.chunk[..n]);
        this.chunk.advance(n);
        Poll::Ready(Ok(()))
    }
}

/// A body in small sips. The parser takes what it is given until it has to wait, into memory; so we make it wait
/// after every sip, and what is in memory of a file of any size is one of them.
struct Sips<R> {
    from: R,
    sip: Box<[u8]>,
    gave: bool,
    /// Bytes that may still come.
    left: Arc<AtomicU64>,
}

impl<R> Sips<R> {
    /// The sips, and what may be raised once the file is found.
    fn new(from: R) -> (Sips<R>, Arc<AtomicU64>) {
        let left = Arc::new(AtomicU64::new(HEAD_BYTES));
        (Sips { from, sip: vec![0; SIP].into(), gave: false, left: left.clone() }, left)
    }
}

impl<R: AsyncRead + Unpin> Stream for Sips<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.gave) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut buf = ReadBuf::new(&mut this.sip);
        Poll::Ready(match ready!(Pin::new(&mut this.from).poll_read(cx, &mut buf)) {
            Err(error) => Some(Err(error)),
            Ok(()) if buf.filled().is_empty() => None,
            Ok(()) => {
                this.gave = true;
                let (n, left) = (buf.filled().len() as u64, this.left.load(Ordering::Relaxed));
                if n > left {
                    return Poll::Ready(Some(Err(io::Error::other("the head of this form has no end"))));
                }
                this.left.store(left - n, Ordering::Relaxed);
                Some(Ok(Bytes::copy_from_slice(buf.filled())))
            }
        })
    }
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Incoming<'r> {
    type Error = Error;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Incoming<'r>> {
        let kind = request.headers().get_one("Content-Type").unwrap_or_default();
        let Ok(boundary) = multer::parse_boundary(kind) else {
            return trouble::out(request, Error::refused("This address takes a form with a file."));
        };
        let most = request.rocket().state::<App>().map_or(0, |app| app.config.upload_max_bytes);
        // A little more than the file may have: whoever reads it counts, and says so.
        let from = data.open(most.saturating_add(PATIENCE_BYTES).bytes());
        let (sips, left) = Sips::new(from);
        let mut form = Multipart::new(sips, boundary);
        let mut fields = vec![];
        let file = loop {
            match form.next_field().await {
                Ok(Some(field)) if field.name() == Some("file") => {
                    // The stream itself is bounded already.
                    left.store(u64::MAX, Ordering::Relaxed);
                    let filename = field.file_name().unwrap_or_default().to_owned();
                    break Some(Incomer { filename, field, chunk: Bytes::new() });
                }
                Ok(Some(field)) if fields.len() < MOST_FIELDS => match text_of(field).await {
                    Some(pair) => fields.push(pair),
                    None => {
                        return trouble::out(request, Error::refused("A field of this form is too long."));
                    }
                },
                Ok(None) => break None,
                Ok(Some(_)) | Err(_) => {
                    return trouble::out(request, Error::refused("This form broke off, or is none."));
                }
            }
        };
        let fields = match Fields::from_iter(fields).without_nul() {
            Ok(fields) => fields,
            Err(error) => {
                if let Some(mut file) = file {
                    file.throw_away().await;
                }
                return trouble::out(request, error);
            }
        };
        if csrf::header_fits(request) || csrf::fits(request, fields.text(csrf::FIELD)) {
            return Outcome::Success(Incoming { fields, file });
        }
        if let Some(mut file) = file {
            file.throw_away().await;
        }
        let (status, error) = csrf::refused(request);
        trouble::out_as(request, status, error)
    }
}

/// A field that is not a file, if it is short.
async fn text_of(mut field: Field<'_>) -> Option<(String, String)> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut bytes = vec![];
    while let Some(chunk) = field.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FIELD_BYTES {
            return None;
        }
    }
    Some((name, String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a form comes to whose bytes are these, and then `x` without end.
    async fn endless(begun: &'static [u8]) -> Result<(), String> {
        let (sips, left) = Sips::new(AsyncReadExt::chain(begun, tokio::io::repeat(b'x')));
        let mut form = Multipart::new(sips, "edge");
        let found = tokio::time::timeout(Duration::from_secs(20), form.next_field()).await;
        let answer = found.map_err(|_| "it never ended".to_owned())?;
        // No more was taken than may be held.
        assert!(left.load(Ordering::Relaxed) < SIP as u64, "it ended without having read");
        answer.map(drop).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_head_without_an_end_is_refused_early() {
        for begun in
            [&b""[..], b"--edge\r\n", b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\""]
        {
            let answer = endless(begun).await;
            assert!(answer.as_ref().is_err_and(|why| why != "it never ended"), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_file_may_be_longer_than_its_head() {
        let head = &b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"[..];
        let body = tokio::io::repeat(b'x').take(3 * HEAD_BYTES);
        let (sips, left) =
            Sips::new(AsyncReadExt::chain(AsyncReadExt::chain(head, body), &b"\r\n--edge--\r\n"[..]));
        let mut form = Multipart::new(sips, "edge");
        let field = form.next_field().await.unwrap().unwrap();
        left.store(u64::MAX, Ordering::Relaxed);
        let mut file = Incomer { filename: "a".into(), field, chunk: Bytes::new() };
        let n = tokio::io::copy(&mut file, &mut tokio::io::sink()).await.unwrap();
        assert_eq!(n, 3 * HEAD_BYTES);
    }
}
