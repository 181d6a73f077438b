//! Ranges, conditions and the three ways of delivery, through Rocket.

use std::time::{Duration, Instant};

use cuehouse::clock::Timestamp;
use cuehouse::storage::Storage;
use cuehouse::web::ranges::{Conditions, FileFacts};
use cuehouse::web::stream::{Delivery, Disposition, FileReply, Pace, StoredFile, heads};
use rocket::http::{Header, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::{Build, Rocket, State, get, routes};

use crate::support::folder::TestFolder;
use crate::support::s3::{S3Here, s3_here};

const KEY: &str = "previews/rain.mp3";
const DATE: &str = "Sun, 09 Sep 2001 01:46:40 GMT";

fn sound() -> Vec<u8> {
    (0..300_000u32).map(|n| (n % 251) as u8).collect()
}

struct Shop {
    storage: Storage,
    delivery: Delivery,
}

fn rain(pace: Pace, disposition: Disposition) -> StoredFile {
    StoredFile {
        key: KEY.into(),
        facts: FileFacts {
            len: 300_000,
            etag: "rain-1".into(),
            modified: Timestamp::from_secs(1_000_000_000),
        },
        kind: "audio/mpeg".into(),
        disposition,
        cache: "public, max-age=60".into(),
        pace,
    }
}

#[get("/download")]
async fn download(shop: &State<Shop>, asked: Conditions) -> Result<FileReply, Status> {
    let file = rain(Pace::Download, Disposition::Save("Régen.mp3".into()));
    file.answer(&shop.storage, shop.delivery, &asked).await.map_err(|error| Status::new(error.status()))
}

#[get("/listen")]
async fn listen(shop: &State<Shop>, asked: Conditions) -> Result<FileReply, Status> {
    let file = rain(Pace::Listen { bits_per_sec: 128_000 }, Disposition::Inline);
    file.answer(&shop.storage, shop.delivery, &asked).await.map_err(|error| Status::new(error.status()))
}

fn rocket(storage: Storage, delivery: Delivery) -> Rocket<Build> {
    let quiet =
        rocket::Config { port: 0, log_level: rocket::config::LogLevel::Off, ..rocket::Config::default() };
    rocket::custom(quiet)
        .manage(Shop { storage, delivery })
        .attach(heads())
        .mount("/", routes![download, listen])
}

async fn shop(storage: Storage, delivery: Delivery) -> Client {
    Client::untracked(rocket(storage, delivery)).await.unwrap()
}

async fn folder_with_rain() -> (TestFolder, Storage) {
    let folder = TestFolder::new();
    let url = cuehouse::storage::StorageUrl::Folder(folder.path().into());
    let storage = Storage::open(&url, None).unwrap();
    storage.put(KEY, sound(), "audio/mpeg").await.unwrap();
    (folder, storage)
}

async fn bucket_with_rain() -> (S3Here, Storage) {
    let s3 = s3_here().await;
    let storage = s3.storage("files");
    storage.put(KEY, sound(), "audio/mpeg").await.unwrap();
    (s3, storage)
}

async fn ask<'c>(client: &'c Client, path: &'c str, said: &[(&'static str, &str)]) -> LocalResponse<'c> {
    let mut request = client.get(path);
    for (name, value) in said {
        request.add_header(Header::new(*name, value.to_string()));
    }
    request.dispatch().await
}

fn header<'r>(answer: &'r LocalResponse<'_>, name: &str) -> &'r str {
    answer.headers().get_one(name).unwrap_or("")
}

#[rocket::async_test]
async fn a_file_comes_whole_or_in_the_parts_asked_for() {
    let (_folder, in_folder) = folder_with_rain().await;
    let (_s3, in_bucket) = bucket_with_rain().await;
    let in_memory = Storage::open(&cuehouse::storage::StorageUrl::Memory, None).unwrap();
    in_memory.put(KEY, sound(), "audio/mpeg").await.unwrap();
    let all = sound();
    for storage in [in_folder, in_bucket, in_memory] {
        let client = shop(storage, Delivery::Direct).await;
        let whole = ask(&client, "/download", &[]).await;
        assert_eq!(whole.status(), Status::Ok);
        for (name, value) in [
            ("Content-Type", "audio/mpeg"),
            ("Content-Length", "300000"),
            ("Accept-Ranges", "bytes"),
            ("ETag", "\"rain-1\""),
            ("Last-Modified", DATE),
            ("Cache-Control", "public, max-age=60"),
            ("Content-Disposition", "attachment; filename=\"R_gen.mp3\"; filename*=UTF-8''R%C3%A9gen.mp3"),
            ("Content-Range", ""),
        ] {
            assert_eq!(header(&whole, name), value, "{name}");
        }
        assert!(whole.into_bytes().await.unwrap() == all);

        for (range, bytes, says) in [
            ("bytes=0-0", 0..1, "bytes 0-0/300000"),
            ("bytes=70000-199999", 70_000..200_000, "bytes 70000-199999/300000"),
            ("bytes=299999-", 299_999..300_000, "bytes 299999-299999/300000"),
            ("bytes=-1000", 299_000..300_000, "bytes 299000-299999/300000"),
        ] {
            let part = ask(&client, "/download", &[("Range", range)]).await;
            assert_eq!(part.status(), Status::PartialContent);
            assert_eq!(header(&part, "Content-Range"), says);
            assert_eq!(header(&part, "Content-Length"), bytes.len().to_string());
            assert_eq!(header(&part, "Content-Type"), "audio/mpeg");
            assert!(part.into_bytes().await.unwrap() == all[bytes], "{range}");
        }
    }
}

#[rocket::async_test]
async fn several_ranges_come_as_one_multipart() {
    let (_folder, storage) = folder_with_rain().await;
    let client = shop(storage, Delivery::Direct).await;
    let answer = ask(&client, "/download", &[("Range", "bytes=10-14,-2,100-104,0-0")]).await;
    assert_eq!(answer.status(), Status::PartialContent);
    assert_eq!(header(&answer, "Content-Range"), "");
    let edge =
        header(&answer, "Content-Type").strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
    let length = header(&answer, "Content-Length").to_owned();
    let body = answer.into_bytes().await.unwrap();
    let mut wanted = vec![];
    for (n, (range, bytes)) in
        [("10-14", 10..15), ("299998-299999", 299_998..300_000), ("100-104", 100..105), ("0-0", 0..1)]
            .into_iter()
            .enumerate()
    {
        let before = if n == 0 { "" } else { "\r\n" };
        let head = format!(
            "{before}--{edge}\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes {range}/300000\r\n\r\n"
        );
        wanted.extend(head.into_bytes());
        wanted.extend(&sound()[bytes]);
    }
    wanted.extend(format!("\r\n--{edge}--\r\n").into_bytes());
    assert_eq!(body, wanted);
    assert_eq!(length, wanted.len().to_string());
}

#[rocket::async_test]
async fn conditions_are_answered_by_us_in_every_mode() {
    let (_folder, in_folder) = folder_with_rain().await;
    let (_s3, in_bucket) = bucket_with_rain().await;
    let by_nginx = in_folder.stat(KEY).await.unwrap().unwrap();
    for (storage, delivery) in
        [(&in_folder, Delivery::Direct), (&in_folder, Delivery::Accel), (&in_bucket, Delivery::Redirect)]
    {
        let client = shop(storage.clone(), delivery).await;
        let ours = match delivery {
            Delivery::Accel => (format!("\"{}\"", by_nginx.etag), by_nginx.modified.http()),
            _ => ("\"rain-1\"".into(), DATE.into()),
        };
        for (said, status) in [
            (("If-None-Match", &*ours.0), Status::NotModified),
            (("If-Modified-Since", &*ours.1), Status::NotModified),
            (("If-Match", "\"rain-0\""), Status::PreconditionFailed),
            (("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:39 GMT"), Status::PreconditionFailed),
            (("Range", "bytes=300000-"), Status::RangeNotSatisfiable),
        ] {
            for head in [false, true] {
                let mut request = if head { client.head("/download") } else { client.get("/download") };
                request.add_header(Header::new(said.0, said.1.to_owned()));
                let answer = request.dispatch().await;
                let wanted = if head && said.0 == "Range" { Status::Ok } else { status };
                assert_eq!(answer.status(), wanted, "{delivery:?} {said:?} head: {head}");
                for elsewhere in ["Location", "X-Accel-Redirect"] {
                    assert_eq!(header(&answer, elsewhere), "");
                }
                match wanted {
                    Status::NotModified => {
                        assert_eq!(header(&answer, "ETag"), ours.0);
                        assert_eq!(header(&answer, "Cache-Control"), "public, max-age=60");
                    }
                    Status::RangeNotSatisfiable => {
                        assert_eq!(header(&answer, "Content-Range"), "bytes */300000")
                    }
                    Status::Ok => assert_eq!(header(&answer, "Content-Length"), "300000"),
                    _ => {}
                }
                assert_eq!(answer.into_bytes().await.unwrap_or_default(), b"");
            }
        }
        for (said, status) in [
            (vec![("If-Range", &*ours.0)], 206),
            (vec![("If-Range", &*ours.1)], 206),
            (vec![("If-Range", "\"rain-0\"")], 200),
            (vec![("If-Match", &*ours.0)], 206),
        ] {
            let answer = ask(&client, "/download", &[&said[..], &[("Range", "bytes=0-9")]].concat()).await;
            let ours = delivery == Delivery::Direct;
            let wanted = if ours {
                status
            } else if delivery == Delivery::Accel {
                200
            } else {
                302
            };
            assert_eq!(answer.status().code, wanted, "{delivery:?} {said:?}");
        }
    }
}

#[rocket::async_test]
async fn head_says_what_get_would_and_sends_nothing() {
    let (_folder, storage) = folder_with_rain().await;
    let client = shop(storage, Delivery::Direct).await;
    for range in ["", "bytes=0-9"] {
        let mut request = client.head("/listen");
        request.add_header(Header::new("Range", range));
        let answer = request.dispatch().await;
        assert_eq!(answer.status(), Status::Ok);
        for (name, value) in [
            ("Content-Type", "audio/mpeg"),
            ("Content-Length", "300000"),
            ("Accept-Ranges", "bytes"),
            ("ETag", "\"rain-1\""),
            ("Last-Modified", DATE),
            ("Content-Disposition", "inline"),
        ] {
            assert_eq!(header(&answer, name), value, "{name}");
        }
        assert_eq!(answer.into_bytes().await, None);
    }
}

#[rocket::async_test]
async fn the_proxy_is_told_where_the_bytes_are() {
    let (_folder, storage) = folder_with_rain().await;
    let client = shop(storage.clone(), Delivery::Accel).await;
    for range in ["bytes=0-9", "bytes=0-9,20-29", "lines=1"] {
        let answer = ask(&client, "/download", &[("Range", range)]).await;
        assert_eq!(answer.status(), Status::Ok);
        assert_eq!(header(&answer, "X-Accel-Redirect"), "/_files/previews/rain.mp3");
        assert_eq!(header(&answer, "Content-Type"), "audio/mpeg");
        assert_eq!(header(&answer, "Cache-Control"), "public, max-age=60");
        assert!(header(&answer, "Content-Disposition").starts_with("attachment"));
        assert_eq!(answer.into_bytes().await.unwrap_or_default(), b"");
    }
    storage.delete(KEY).await.unwrap();
    assert_eq!(ask(&client, "/download", &[]).await.status(), Status::NotFound);
}

#[rocket::async_test]
async fn a_signed_address_gives_the_bytes() {
    let (_s3, storage) = bucket_with_rain().await;
    let client = shop(storage, Delivery::Redirect).await;
    let answer = ask(&client, "/download", &[("Range", "bytes=5-9")]).await;
    assert_eq!(answer.status(), Status::Found);
    assert_eq!(header(&answer, "Cache-Control"), "no-store");
    let url = header(&answer, "Location").to_owned();
    let got = reqwest::Client::new().get(url).header("Range", "bytes=5-9").send().await.unwrap();
    assert_eq!(got.status(), 206);
    assert_eq!(got.headers()["content-range"], "bytes 5-9/300000");
    assert_eq!(got.headers()["content-type"], "audio/mpeg");
    assert!(got.headers()["content-disposition"].to_str().unwrap().ends_with("UTF-8''R%C3%A9gen.mp3"));
    assert_eq!(got.bytes().await.unwrap()[..], sound()[5..10]);
}

#[rocket::async_test]
async fn a_mode_that_the_store_cannot_do_is_direct() {
    let (_folder, in_folder) = folder_with_rain().await;
    let (_s3, in_bucket) = bucket_with_rain().await;
    for (storage, delivery) in [(in_folder, Delivery::Redirect), (in_bucket, Delivery::Accel)] {
        let client = shop(storage, delivery).await;
        let answer = ask(&client, "/download", &[("Range", "bytes=5-9")]).await;
        assert_eq!(answer.status(), Status::PartialContent);
        assert_eq!(answer.into_bytes().await.unwrap(), sound()[5..10]);
    }
}

#[rocket::async_test]
async fn a_row_that_is_wrong_about_its_bytes_is_a_fault() {
    let (_folder, storage) = folder_with_rain().await;
    let client = shop(storage.clone(), Delivery::Direct).await;
    storage.put(KEY, &sound()[..299_999], "audio/mpeg").await.unwrap();
    assert_eq!(ask(&client, "/download", &[]).await.status(), Status::InternalServerError);
    storage.delete(KEY).await.unwrap();
    assert_eq!(ask(&client, "/download", &[]).await.status(), Status::NotFound);
}

/// 300,000 bytes at 16,000 a second: 128,000 at once, the rest at 32,000 a second, 5.4 s in all.
#[rocket::async_test]
async fn a_listener_gets_a_burst_and_then_twice_the_bit_rate() {
    let (_folder, storage) = folder_with_rain().await;
    let client = shop(storage, Delivery::Direct).await;
    let began = Instant::now();
    let answer = ask(&client, "/listen", &[("Range", "bytes=0-127999")]).await;
    assert!(answer.into_bytes().await.unwrap() == sound()[..128_000]);
    assert!(began.elapsed() < Duration::from_secs(2), "the burst comes at once: {:?}", began.elapsed());
    let began = Instant::now();
    let answer = ask(&client, "/listen", &[]).await;
    assert!(answer.into_bytes().await.unwrap() == sound());
    let took = began.elapsed().as_secs_f64();
    assert!((4.6..8.0).contains(&took), "{took} s");
}

/// The application on a free port of this machine.
async fn launched(rocket: Rocket<Build>) -> (u16, rocket::Shutdown, tokio::task::JoinHandle<()>) {
    let (tell, port) = tokio::sync::oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let told = rocket::fairing::AdHoc::on_liftoff("port", move |rocket| {
        let _ = tell.lock().unwrap().take().unwrap().send(rocket.config().port);
        Box::pin(async {})
    });
    let rocket = rocket.attach(told).ignite().await.unwrap();
    let stop = rocket.shutdown();
    let running = tokio::spawn(async { drop(rocket.launch().await.unwrap()) });
    (port.await.unwrap(), stop, running)
}

/// On a real socket: what Rocket and hyper make of our headers.
#[rocket::async_test]
async fn the_wire_carries_true_lengths() {
    let (_folder, storage) = folder_with_rain().await;
    let (port, stop, running) = launched(rocket(storage, Delivery::Direct)).await;
    let url = format!("http://127.0.0.1:{port}/download");
    let client = reqwest::Client::new();
    let head = client.head(&url).header("Range", "bytes=0-9").send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &"300000".parse().unwrap())
    );
    let same = client.get(&url).header("If-None-Match", "\"rain-1\"").send().await.unwrap();
    assert_eq!(same.status(), 304);
    assert!(same.headers().get("content-length").is_none_or(|length| length == "300000"), "{same:?}");
    let beyond = client.get(&url).header("Range", "bytes=300000-").send().await.unwrap();
    assert_eq!((beyond.status().as_u16(), &beyond.headers()["content-length"]), (416, &"0".parse().unwrap()));
    let part = client.get(&url).header("Range", "bytes=1-2,5-6").send().await.unwrap();
    assert!(part.headers().get("transfer-encoding").is_none());
    let length = part.headers()["content-length"].clone();
    assert_eq!(length, part.bytes().await.unwrap().len().to_string().as_str());
    let whole = client.get(&url).send().await.unwrap();
    assert_eq!(whole.headers()["content-length"], "300000");
    assert!(whole.bytes().await.unwrap()[..] == sound());
    stop.notify();
    running.await.unwrap();
}

/// nginx in front of us, told by `X-Accel-Redirect`; stopped when dropped.
struct Nginx(std::process::Child, String);

impl Nginx {
    async fn start(folder: &TestFolder, files: &str, port: u16) -> Option<Nginx> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = folder.path().display();
        let places =
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|n| format!("{n}_temp_path {at}/{n};"));
        let config = format!(
            "daemon off; pid {at}/pid; error_log stderr; events {{}}\n\
             http {{ access_log off; {}\n\
             server {{ listen {free};\n\
             location / {{ proxy_pass http://127.0.0.1:{port}; }}\n\
             location /_files/ {{ internal; alias {files}/; }} }} }}",
            places.concat()
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut command = std::process::Command::new("nginx");
        command.args([
            "-p",
            &at.to_string(),
            "-c",
            "nginx.conf",
            "-e",
            "stderr",
            "-g",
            "master_process off;",
        ]);
        let child = command.stderr(std::process::Stdio::null()).spawn().ok()?;
        let nginx = Nginx(child, format!("http://{free}"));
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(free).await.is_ok() {
                return Some(nginx);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("nginx does not listen");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[rocket::async_test]
async fn behind_nginx_the_same_file_has_the_same_tag_whoever_answers() {
    let (folder, storage) = folder_with_rain().await;
    let (port, stop, running) = launched(rocket(storage, Delivery::Accel)).await;
    let place = TestFolder::new();
    let Some(nginx) = Nginx::start(&place, &folder.path().display().to_string(), port).await else {
        eprintln!("SKIPPED: there is no nginx on this machine");
        return stop.notify();
    };
    let client = reqwest::Client::new();
    let url = format!("{}/download", nginx.1);
    let head = client.head(&url).send().await.unwrap();
    let (tag, date) = (head.headers()["etag"].clone(), head.headers()["last-modified"].clone());
    assert_eq!(head.headers()["content-length"], "300000");
    let whole = client.get(&url).send().await.unwrap();
    for (name, value) in
        [("etag", &tag), ("last-modified", &date), ("content-type", &"audio/mpeg".parse().unwrap())]
    {
        assert_eq!(&whole.headers()[name], value, "{name}");
    }
    assert_eq!(whole.headers()["cache-control"], "public, max-age=60");
    assert!(whole.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert!(whole.headers().get("x-accel-redirect").is_none());
    assert!(whole.bytes().await.unwrap()[..] == sound());
    for (said, status) in [
        (("If-Range", tag.to_str().unwrap()), 206),
        (("If-Range", date.to_str().unwrap()), 206),
        (("If-Range", "\"rain-0\""), 200),
        (("If-None-Match", tag.to_str().unwrap()), 304),
        (("If-Match", "\"rain-0\""), 412),
        (("Accept", "*/*"), 206),
    ] {
        let answer =
            client.get(&url).header("Range", "bytes=5-9").header(said.0, said.1).send().await.unwrap();
        assert_eq!(answer.status(), status, "{said:?}");
        if status == 206 {
            assert_eq!(answer.headers()["content-range"], "bytes 5-9/300000");
            assert_eq!(answer.bytes().await.unwrap()[..], sound()[5..10]);
        }
    }
    let beyond = client.get(&url).header("Range", "bytes=300000-").send().await.unwrap();
    assert_eq!(
        (beyond.status().as_u16(), &beyond.headers()["content-range"]),
        (416, &"bytes */300000".parse().unwrap())
    );
    let around = client.get(format!("{}/_files/{KEY}", nginx.1)).send().await.unwrap();
    assert_eq!(around.status(), 404, "nobody gets around us");
    drop(nginx);
    stop.notify();
    running.await.unwrap();
}
