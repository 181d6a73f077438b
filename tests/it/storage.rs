//! The same verbs mean the same in a folder, in a bucket and in memory.

use std::io::{self, Read};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use cuehouse::Error;
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::secrets::sha256;
use cuehouse::storage::{Storage, StorageUrl};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::support::folder::TestFolder;
use crate::support::s3::s3_here;

const WAV: &str = "audio/wav";

fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|n| ((n * 2_654_435_761) >> 13) as u8).collect()
}

fn folder_store(folder: &TestFolder) -> Storage {
    Storage::open(&StorageUrl::Folder(folder.path().join("files")), None).unwrap()
}

fn memory() -> Storage {
    Storage::open(&StorageUrl::Memory, None).unwrap()
}

/// A stream that ends in an error after its bytes; with none, it never ends and never gives more.
struct Faulty(io::Cursor<Vec<u8>>, Option<io::Error>);

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if (self.0.position() as usize) < self.0.get_ref().len() {
            return Pin::new(&mut self.0).poll_read(cx, buf);
        }
        self.1.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
    }
}

async fn keys(storage: &Storage, prefix: &str) -> Vec<String> {
    storage.list(prefix).await.unwrap().into_iter().map(|(key, _)| key).collect()
}

/// Everything a store is asked to do.
async fn keeps_and_gives_back(storage: Storage) {
    let began = Timestamp::now();
    let (small, big) = (pattern(100_000), pattern(17_000_000));
    storage.put("a/one.bin", small.clone(), WAV).await.unwrap();
    storage.put("a/empty.bin", vec![], WAV).await.unwrap();
    let kept = storage.put_stream("a/b/two.bin", &big[..], big.len() as u64, WAV).await.unwrap();
    assert_eq!((kept.bytes, kept.sha256), (big.len() as u64, sha256(&big)));
    let one_part = &big[..5 << 20];
    storage.put_stream("a/b/part.bin", one_part, u64::MAX, WAV).await.unwrap();

    let refused = storage.put_stream("a/three.bin", &big[..], 16_999_999, WAV).await;
    assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("16 MB")), "{refused:?}");
    assert_eq!(storage.stat("a/three.bin").await.unwrap(), None);
    for ours in [true, false] {
        let error = if ours { io::Error::other(Error::refused("enough")) } else { io::Error::other("gone") };
        let broken = storage.put_stream(
            "a/three.bin",
            Faulty(io::Cursor::new(big.clone()), Some(error)),
            u64::MAX,
            WAV,
        );
        match broken.await {
            Err(Error::Refused(why)) if ours => assert_eq!(why, "enough"),
            Err(Error::Internal(_)) if !ours => {}
            other => panic!("{other:?}"),
        }
        assert!(!storage.exists("a/three.bin").await.unwrap());
    }

    assert_eq!(storage.bytes("a/one.bin").await.unwrap(), small);
    assert_eq!(storage.bytes("a/empty.bin").await.unwrap(), b"");
    assert_eq!(storage.bytes("a/b/part.bin").await.unwrap(), one_part);
    assert!(storage.bytes("a/b/two.bin").await.unwrap() == big);
    for (start, len, wanted) in
        [(0, 10, 0..10), (16_999_990, 99, 16_999_990..17_000_000), (17_000_000, 5, 0..0)]
    {
        assert_eq!(storage.part("a/b/two.bin", start, len).await.unwrap(), big[wanted]);
    }
    let mut read = vec![];
    storage
        .read_range("a/b/two.bin", 5_000_001, 2_000_003)
        .await
        .unwrap()
        .read_to_end(&mut read)
        .await
        .unwrap();
    assert!(read == big[5_000_001..7_000_004]);
    read.clear();
    let beyond = storage.read_range("a/one.bin", 99_990, 11).await.unwrap().read_to_end(&mut read).await;
    assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);

    let mut file = storage.file("a/b/two.bin").await.unwrap();
    read.clear();
    file.read_to_end(&mut read).unwrap();
    assert!(read == big);
    assert!(io::Write::write(&mut file, b"x").is_err(), "a file is for reading only");

    let stat = storage.stat("a/one.bin").await.unwrap().unwrap();
    assert_eq!(stat.len, 100_000);
    assert!((began.plus(-2000)..=Timestamp::now().plus(2000)).contains(&stat.modified), "{stat:?}");
    storage.put("a/one.bin", pattern(100_001), WAV).await.unwrap();
    assert_ne!(storage.stat("a/one.bin").await.unwrap().unwrap().etag, stat.etag);

    assert_eq!(keys(&storage, "").await, ["a/b/part.bin", "a/b/two.bin", "a/empty.bin", "a/one.bin"]);
    assert_eq!(keys(&storage, "a/b/").await, ["a/b/part.bin", "a/b/two.bin"]);
    assert_eq!(keys(&storage, "a/b/t").await, ["a/b/two.bin"]);
    assert_eq!(keys(&storage, "a/e").await, ["a/empty.bin"]);
    assert_eq!(keys(&storage, "b").await, [""; 0]);
    let listed = storage.list("a/b/").await.unwrap();
    assert_eq!(Some(listed[1].1.len), storage.stat("a/b/two.bin").await.unwrap().map(|stat| stat.len));

    for _ in 0..2 {
        storage.delete("a/one.bin").await.unwrap();
    }
    assert!(matches!(storage.bytes("a/one.bin").await, Err(Error::NotFound)));
    assert!(matches!(storage.part("a/one.bin", 0, 1).await, Err(Error::NotFound)));
    assert!(matches!(storage.file("a/one.bin").await, Err(Error::NotFound)));
    for bad in ["", "/etc/passwd", "../a", "a/../../b", "A"] {
        assert!(matches!(storage.bytes(bad).await, Err(Error::Internal(_))), "{bad}");
        assert!(matches!(storage.put(bad, vec![], WAV).await, Err(Error::Internal(_))), "{bad}");
    }
    storage.answers().await.unwrap();
}

#[tokio::test]
async fn a_folder_keeps_and_gives_back() {
    let folder = TestFolder::new();
    let storage = folder_store(&folder);
    keeps_and_gives_back(storage.clone()).await;
    for folders in ["a", "a/b", "a/b/two.bin/x"] {
        assert!(matches!(storage.bytes(folders).await, Err(Error::NotFound)), "{folders}");
        assert_eq!(storage.stat(folders).await.unwrap(), None);
    }
    assert_eq!(folder.files().len(), 3, "refused and broken streams leave nothing: {:?}", folder.files());
}

#[tokio::test]
async fn memory_keeps_and_gives_back() {
    keeps_and_gives_back(memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_and_gives_back() {
    keeps_and_gives_back(s3_here().await.storage("")).await;
    let s3 = s3_here().await;
    let scratch = TestFolder::new();
    keeps_and_gives_back(s3.storage("of/ours").with_scratch(scratch.path())).await;
    assert!(scratch.files().is_empty(), "copies lie there without a name");
    // What was refused or broken off in parts is given up at the service as well.
    for _ in 0..100 {
        let parts =
            || s3.folder.files().into_iter().filter(|file| file.to_string_lossy().contains(".upload"));
        if parts().next().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("parts stay: {:?}", s3.folder.files());
}

#[tokio::test]
async fn two_prefixes_of_a_bucket_do_not_see_each_other() {
    let s3 = s3_here().await;
    let (one, two) = (s3.storage("one"), s3.storage("two"));
    one.put("a.bin", b"1", WAV).await.unwrap();
    two.put("a.bin", b"2", WAV).await.unwrap();
    assert_eq!(one.bytes("a.bin").await.unwrap(), b"1");
    assert_eq!(keys(&two, "").await, ["a.bin"]);
    one.delete("a.bin").await.unwrap();
    assert_eq!(two.bytes("a.bin").await.unwrap(), b"2");
}

#[tokio::test]
async fn a_listing_comes_in_pages() {
    let (folder, s3) = (TestFolder::new(), s3_here().await);
    for (storage, bucket) in [(folder_store(&folder), false), (s3.storage("p"), true)] {
        let place = if bucket { s3.folder.path().join("shop/p/x") } else { folder.path().join("files/x") };
        std::fs::create_dir_all(&place).unwrap();
        for n in 0..2500 {
            std::fs::write(place.join(format!("{n}.bin")), b"1").unwrap();
        }
        let mut pages = storage.pages("x/1").unwrap();
        let (mut count, mut most) = (0, 0);
        while let Some(page) = pages.next().await.unwrap() {
            count += page.len();
            most = most.max(page.len());
        }
        assert_eq!(count, 1111);
        assert!(most <= 1000, "{most}");
        assert!(pages.next().await.unwrap().is_none());
        assert_eq!(keys(&storage, "").await.len(), 2500);
    }
}

#[tokio::test]
async fn a_signed_address_serves_one_key_for_a_while() {
    let s3 = s3_here().await;
    let storage = s3.storage("p");
    storage.put("a.wav", b"0123456789", WAV).await.unwrap();
    let named = "attachment;  filename=\"a b.wav\"";
    let url = storage.signed_url("a.wav", 60, "audio/x-test", Some(named)).await.unwrap().unwrap();
    let get = |url: String| reqwest::Client::new().get(url).header("Range", "bytes=2-4").send();
    let answer = get(url.clone()).await.unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.headers()["content-type"], "audio/x-test");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"a b.wav\"");
    assert_eq!(answer.text().await.unwrap(), "234");
    assert_eq!(get(url.replace("a.wav", "b.wav")).await.unwrap().status(), 403);
    let short = storage.signed_url("a.wav", 1, WAV, None).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(get(short).await.unwrap().status(), 403);
    assert_eq!(memory().signed_url("a.wav", 60, WAV, None).await.unwrap(), None);
}

#[tokio::test]
async fn a_service_that_is_away_is_busy_and_wrong_keys_are_our_fault() {
    let s3 = s3_here().await;
    let open = |access| Storage::open(&s3.url(""), Some(&access)).unwrap();
    let mut access = s3.access.clone();
    access.endpoint = Some("http://127.0.0.1:1".into());
    let away = open(access.clone());
    assert!(matches!(away.put("a.wav", b"1", WAV).await, Err(Error::Busy(_))));
    assert!(matches!(away.bytes("a.wav").await, Err(Error::Busy(_))));
    access = s3.access.clone();
    access.secret_key = "wrong".into();
    assert!(matches!(open(access).put("a.wav", b"1", WAV).await, Err(Error::Internal(_))));
    let elsewhere = StorageUrl::S3 { bucket: "nowhere".into(), prefix: String::new() };
    let elsewhere = Storage::open(&elsewhere, Some(&s3.access)).unwrap();
    assert!(matches!(elsewhere.answers().await, Err(Error::Internal(_))));
}

#[tokio::test]
async fn a_stream_that_is_dropped_leaves_what_was_there() {
    let folder = TestFolder::new();
    let storage = folder_store(&folder);
    storage.put("a.wav", b"old", WAV).await.unwrap();
    let stuck = Faulty(io::Cursor::new(pattern(3_000_000)), None);
    let put = storage.put_stream("a.wav", stuck, u64::MAX, WAV);
    assert!(tokio::time::timeout(Duration::from_millis(300), put).await.is_err());
    assert_eq!(storage.bytes("a.wav").await.unwrap(), b"old");
    assert_eq!(folder.files().len(), 1);
}

#[tokio::test]
async fn what_the_killed_left_is_no_key_and_is_swept() {
    let folder = TestFolder::new();
    let storage = folder_store(&folder);
    storage.put("a/one.wav", b"1", WAV).await.unwrap();
    let left = folder.path().join("files/a/.XYZ.unfinished");
    std::fs::write(&left, b"half").unwrap();
    assert_eq!(keys(&storage, "").await, ["a/one.wav"]);
    assert_eq!(storage.sweep(Timestamp::now().plus(-DAY)).await.unwrap(), 0);
    assert!(left.exists(), "somebody may still be writing it");
    assert_eq!(storage.sweep(Timestamp::now().plus(1000)).await.unwrap(), 1);
    assert!(!left.exists());
    assert_eq!(keys(&storage, "").await, ["a/one.wav"]);
    assert_eq!(s3_here().await.storage("p").sweep(Timestamp::now()).await.unwrap(), 0);
}

const KILLED: &str = "CUEHOUSE_TEST_KILLED_WRITER";

/// Not a test by itself: the writer that the next one kills.
#[tokio::test]
async fn a_writer_to_be_killed() {
    let Ok(folder) = std::env::var(KILLED) else { return };
    let storage = Storage::open(&StorageUrl::Folder(folder.into()), None).unwrap();
    loop {
        for (letter, len) in [(b'a', 3_000_000), (b'b', 2_000_000)] {
            storage.put_stream("x/one.bin", &vec![letter; len][..], u64::MAX, WAV).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_key_is_whole_whenever_its_writer_is_killed() {
    let folder = TestFolder::new();
    let storage = folder_store(&folder);
    storage.put("x/one.bin", vec![b'a'; 3_000_000], WAV).await.unwrap();
    for round in 0..12 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "storage::a_writer_to_be_killed"])
            .env(KILLED, folder.path().join("files"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(60 + 17 * round)).await;
        assert!(writer.try_wait().unwrap().is_none(), "the writer writes until it is killed");
        writer.kill().unwrap();
        writer.wait().unwrap();
        let bytes = storage.bytes("x/one.bin").await.unwrap();
        let whole = [(b'a', 3_000_000), (b'b', 2_000_000)];
        assert!(whole.iter().any(|&(letter, len)| bytes == vec![letter; len]), "{} bytes", bytes.len());
        assert_eq!(keys(&storage, "").await, ["x/one.bin"]);
    }
}
