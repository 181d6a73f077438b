//! A key opened for reading, and streams over parts of it.
//!
//! A file is read by position, inline as long as its bytes lie in the page cache (`RWF_NOWAIT`): half the
//! cost of handing each block to a thread. A block that would have to wait for the disk is read in the
//! blocking pool, so that a cold disk holds up nobody else.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::BoxFuture;
use rustix::io::{Errno, ReadWriteFlags};
use tokio::io::{AsyncRead, ReadBuf};

use super::bucket::Store;
use crate::error::Result;

/// A key opened for reading.
#[derive(Clone)]
pub struct Source {
    len: u64,
    from: From,
}

#[derive(Clone)]
enum From {
    File(Arc<File>),
    Memory(Arc<[u8]>),
    Store(Arc<Store>, Arc<str>),
}

impl Source {
    pub(super) fn of_file(file: File) -> Result<Source> {
        Ok(Source { len: file.metadata()?.len(), from: From::File(Arc::new(file)) })
    }

    pub(super) fn of_bytes(bytes: Arc<[u8]>) -> Source {
        Source { len: bytes.len() as u64, from: From::Memory(bytes) }
    }

    pub(super) fn of_store(store: Arc<Store>, key: &str, len: u64) -> Source {
        Source { len, from: From::Store(store, key.into()) }
    }

    /// Bytes in all.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A stream of exactly `len` bytes from `start`, fetched `block` bytes at a time where they are not at hand, and
    /// four times as many from an S3 service, where each request costs tens of milliseconds.
    pub fn reader(&self, start: u64, len: u64, block: usize) -> Reader {
        let block = if matches!(self.from, From::Store(..)) { block * 4 } else { block };
        Reader {
            from: self.from.clone(),
            at: start,
            end: start.saturating_add(len),
            block: block.max(1),
            inline: true,
            block_read: vec![],
            used: 0,
            task: None,
        }
    }
}

/// A stream of a known number of bytes; it ends in an error when they are not all there.
pub struct Reader {
    from: From,
    /// The next byte to fetch, and the first that is not wanted.
    at: u64,
    end: u64,
    block: usize,
    /// Whether it pays to try without waiting: some file systems cannot.
    inline: bool,
    block_read: Vec<u8>,
    used: usize,
    task: Option<BoxFuture<'static, io::Result<Vec<u8>>>>,
}

impl Reader {
    fn drain_block(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let n = (self.block_read.len() - self.used).min(buf.remaining());
        buf.put_slice(&self.block_read[self.used..self.used + n]);
        self.used += n;
        if self.used == self.block_read.len() {
            self.block_read = vec![];
            self.used = 0;
        }
        n > 0
    }

    /// Fills from what can be had at once; false when it takes waiting.
    fn at_once(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<bool> {
        let want = (self.end - self.at).min(buf.remaining() as u64) as usize;
        match &self.from {
            From::Memory(bytes) => {
                let start = usize::try_from(self.at).unwrap_or(usize::MAX).min(bytes.len());
                let n = want.min(bytes.len() - start);
                if n == 0 {
                    return Err(cut_short());
                }
                buf.put_slice(&bytes[start..start + n]);
                self.at += n as u64;
                Ok(true)
            }
            From::File(file) if self.inline => {
                let space = &mut [io::IoSliceMut::new(buf.initialize_unfilled_to(want))];
                match rustix::io::preadv2(file, space, self.at, ReadWriteFlags::NOWAIT) {
                    Ok(0) => Err(cut_short()),
                    Ok(n) => {
                        buf.advance(n);
                        self.at += n as u64;
                        Ok(true)
                    }
                    Err(Errno::AGAIN | Errno::INTR) => Ok(false),
                    Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => {
                        self.inline = false;
                        Ok(false)
                    }
                    Err(error) => Err(error.into()),
                }
            }
            _ => Ok(false),
        }
    }

    /// Begins to fetch the next block.
    fn fetch(&mut self) -> BoxFuture<'static, io::Result<Vec<u8>>> {
        let (at, len) = (self.at, (self.end - self.at).min(self.block as u64) as usize);
        match &self.from {
            From::File(file) => {
                let file = file.clone();
                let read = move || {
                    let mut block = vec![0; len];
                    file.read_exact_at(&mut block, at).map(|()| block)
                };
                tokio::task::spawn_blocking(read).map(|done| done.map_err(io::Error::other)?).boxed()
            }
            From::Store(store, key) => {
                let (store, key) = (store.clone(), key.clone());
                async move {
                    let block = store.part(&key, at, len as u64).await.map_err(io::Error::other)?;
                    if block.len() == len { Ok(block) } else { Err(cut_short()) }
                }
                .boxed()
            }
            From::Memory(_) => std::future::ready(Err(cut_short())).boxed(),
        }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if self.drain_block(buf) {
                return Poll::Ready(Ok(()));
            }
            if let Some(task) = &mut self.task {
                let block = ready!(task.poll_unpin(cx));
                self.task = None;
                let block = block?;
                self.at += block.len() as u64;
                self.block_read = block;
                continue;
            }
            if self.at >= self.end || self.at_once(buf)? {
                return Poll::Ready(Ok(()));
            }
            self.task = Some(self.fetch());
        }
    }
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the stored bytes end too early")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::AsyncReadExt;

    use super::*;

    /// The same bytes come inline and through the blocking pool, whatever is asked for in whatever pieces.
    #[tokio::test]
    async fn warm_and_cold_reads_give_the_same() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n % 253) as u8).collect();
        let (mut write, read) = super::super::unlinked_in(&std::env::temp_dir()).unwrap();
        write.write_all(&bytes).unwrap();
        let source = Source::of_file(read).unwrap();
        for inline in [true, false] {
            for (start, len, block, piece) in
                [(0, 1_000_000, 256 << 10, 64 << 10), (7, 99_991, 1000, 4096), (5, 0, 10, 10)]
            {
                let mut reader = source.reader(start, len, block);
                reader.inline = inline;
                let (mut got, mut buffer): (Vec<u8>, _) = (vec![], vec![0; piece]);
                loop {
                    match reader.read(&mut buffer).await.unwrap() {
                        0 => break,
                        n => got.extend(&buffer[..n]),
                    }
                }
                assert!(
                    got == bytes[start as usize..(start + len) as usize],
                    "{start}+{len} inline: {inline}"
                );
            }
            let mut beyond = source.reader(999_999, 2, 10);
            beyond.inline = inline;
            let error = beyond.read_to_end(&mut vec![]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
