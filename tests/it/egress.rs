//! What the server itself calls: one way out, through a decision and into the ledger; and the vendor list, which it
//! fetches in place of browsers.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cuehouse::clock::{HOUR, Timestamp};
use cuehouse::consent::disclosure;
use cuehouse::consent::trade::tcf::TcString;
use cuehouse::db::Count;
use cuehouse::each_db;
use cuehouse::jobs::calendar;
use diesel::RunQueryDsl;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::folder::TestFolder;
use crate::support::shelf::{piece, seller, shelve};

/// Ways out of the process, and the files that may use them: services the shop needs, and the one way for all else.
const WAYS: [(&str, &[&str]); 9] = [
    // The look at our own pages is never pointed at anybody else.
    ("reqwest", &["egress.rs", "sandbox/webhooks.rs", "visit.rs"]),
    ("lettre::", &["mail.rs"]),
    ("use ::stripe::", &["stripe/"]),
    ("s3::", &["storage/"]),
    // The jail's own proof that it cannot.
    ("TcpStream::connect", &["audio/jail.rs"]),
    ("UdpSocket", &[]),
    ("hyper", &[]),
    ("rocket::local", &[]),
    ("Command::new(\"curl\")", &[]),
];
/// Crates that speak HTTP or mail to others, of those that are often taken.
const CLIENTS: [&str; 14] = [
    "reqwest",
    "hyper",
    "hyper-util",
    "hyper-rustls",
    "ureq",
    "isahc",
    "surf",
    "curl",
    "attohttpc",
    "awc",
    "minreq",
    "lettre",
    "rust-s3",
    "async-stripe",
];

/// Lines of code that use a way out from where it may not be used.
fn strays(file: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter(|line| {
            WAYS.iter()
                .any(|(way, may)| line.contains(way) && !may.iter().any(|known| file.starts_with(known)))
        })
        .map(|line| format!("{file}: {}", line.trim()))
        .collect()
}

fn walk(folder: &Path, root: &Path, found: &mut Vec<String>, seen: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, root, found, seen);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            seen.extend(
                WAYS.iter().filter(|(way, _)| text.contains(way)).map(|(way, _)| format!("{way} {name}")),
            );
            found.extend(strays(&name, &text));
        }
    }
}

/// T-EGR-1, R-EN-6: no code but payment, storage, mail, the look at our own pages and `egress` can call anybody.
#[test]
fn there_is_one_way_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut seen) = (vec![], vec![]);
    walk(&root.join("src"), &root.join("src"), &mut found, &mut seen);
    assert_eq!(found, Vec::<String>::new());
    // The scan sees what is there, and would see a stray.
    for there in
        ["reqwest egress.rs", "lettre:: mail.rs", "s3:: storage/bucket.rs", "use ::stripe:: stripe/mod.rs"]
    {
        assert!(seen.iter().any(|s| s == there), "{there} in {seen:?}");
    }
    let stray = "async fn tell() {\n    reqwest::get(\"https://vendor.example\").await;\n}\n";
    assert_eq!(strays("sales/order.rs", stray).len(), 1);
    assert_eq!(strays("egress.rs", stray).len(), 0);
    let cargo: toml::Table = std::fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let used: Vec<&str> = cargo["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|k| CLIENTS.contains(k))
        .collect();
    assert_eq!(used.len(), 4, "{used:?}");
}

/// What a server of the tests was asked, whole, and what it answers by path.
#[derive(Clone, Default)]
struct Publisher {
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Vec<(String, String)>>>,
}

impl Publisher {
    /// Listens on this machine. The answer to a path is whole: status line, headers and body.
    async fn start() -> (Publisher, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let publisher = Publisher::default();
        let one = publisher.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let one = one.clone();
                tokio::spawn(async move {
                    let (read, mut write) = socket.into_split();
                    let (mut lines, mut head) = (BufReader::new(read), String::new());
                    while !head.ends_with("\r\n\r\n") {
                        if lines.read_line(&mut head).await? == 0 {
                            return Ok(());
                        }
                    }
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    one.asked.lock().unwrap().push(head);
                    let answer = one
                        .answers
                        .lock()
                        .unwrap()
                        .iter()
                        .rev()
                        .find(|(p, _)| *p == path)
                        .map(|(_, a)| a.clone());
                    let answer = answer
                        .unwrap_or_else(|| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into());
                    write.write_all(answer.as_bytes()).await?;
                    write.shutdown().await?;
                    let mut rest = vec![];
                    lines.read_to_end(&mut rest).await?;
                    Ok::<_, std::io::Error>(())
                });
            }
        });
        (publisher, address)
    }

    fn answers(&self, path: &str, status: &str, headers: &[(&str, &str)], body: &str) {
        let mut answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
        for (name, value) in headers {
            answer += &format!("{name}: {value}\r\n");
        }
        if !status.starts_with("304") {
            answer += &format!("Content-Length: {}\r\n", body.len());
        }
        answer += &format!("\r\n{body}");
        self.answers.lock().unwrap().push((path.to_owned(), answer));
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn list(version: u16) -> String {
    json!({
        "gvlSpecificationVersion": 3, "vendorListVersion": version, "tcfPolicyVersion": 5,
        "lastUpdated": "2026-11-19T16:00:00Z", "purposes": {}, "vendors": {},
    })
    .to_string()
}

/// One round of the calendar so many hours from now, and the jobs that it asks for.
async fn round(app: &TestApp, hours: i64) {
    calendar::round(&app.app, Timestamp::now().plus(hours * HOUR)).await.unwrap();
    app.run_jobs_to_come().await;
}

async fn version(browser: &mut Browser) -> Value {
    let seen = browser.get("/privacy/vendor-list.json").await.is(200);
    let list: Value = serde_json::from_str(&seen.text()).unwrap();
    list["vendorListVersion"].clone()
}

/// T-TC-2, R-TC-5: off unless the operator named a list.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_no_list_is_fetched() {
    let app = TestApp::new().await;
    round(&app, 0).await;
    app.visitor().get("/privacy/vendor-list.json").await.is(404);
}

/// T-TC-2, R-TC-5, R-EN-6: the server fetches the list, keeps it as its headers say and hands it out; however many browsers
/// want it, its publisher is asked once, and told nothing about anybody. The ledger has the call.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_fetched_by_the_server_and_kept_as_its_headers_say() {
    let (publisher, address) = Publisher::start().await;
    let url = format!("{address}/v3/vendor-list.json");
    let app = TestApp::with(&[("CUEHOUSE_TCF_VENDOR_LIST_URL", url.as_str())]).await;
    let mut browser = app.visitor();
    let path = "/v3/vendor-list.json";
    browser.get("/privacy/vendor-list.json").await.is(404);
    assert!(publisher.asked().is_empty(), "a browser's wish is no reason to ask");
    publisher.answers(
        path,
        "200 OK",
        &[("Cache-Control", "max-age=604800"), ("ETag", "\"v150\"")],
        &list(150),
    );
    round(&app, 0).await;
    for _ in 0..5 {
        assert_eq!(version(&mut browser).await, 150);
    }
    let seen = browser.get("/privacy/vendor-list.json").await.is(200);
    let kept = seen
        .header("cache-control")
        .unwrap()
        .strip_prefix("public, max-age=")
        .unwrap()
        .parse::<i64>()
        .unwrap();
    assert!((604_700..=604_800).contains(&kept), "{kept}");
    round(&app, 100).await;
    assert_eq!(publisher.asked().len(), 1, "a fresh copy is not asked about");
    let asked = publisher.asked()[0].to_lowercase();
    for told in ["cookie", "referer", "forwarded", "accept-language", "authorization", "origin:"] {
        assert!(!asked.contains(told), "{told} in {asked}");
    }
    let today = |app: &TestApp| {
        let db = app.app.db.clone();
        async move { db.read(|conn| disclosure::of_day(conn, &Timestamp::now().day())).await.unwrap() }
    };
    assert_eq!(today(&app).await, [("vendor_list".to_owned(), "vendor_list".to_owned(), 1)]);
    assert!(browser.get("/privacy/rights").await.has("nothing about anybody"));
}

/// T-TC-2: a stale copy serves until the publisher says that it has not changed, or sends another; what is no list, too
/// long, elsewhere or not there leaves it as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_copy_serves_until_there_is_a_better_one() {
    let (publisher, address) = Publisher::start().await;
    let (other, elsewhere) = Publisher::start().await;
    let path = "/list.json";
    let url = format!("{address}{path}");
    let app = TestApp::with(&[("CUEHOUSE_TCF_VENDOR_LIST_URL", url.as_str())]).await;
    let mut browser = app.visitor();
    // Stale at once: asked about by the next hour, and not before.
    publisher.answers(path, "200 OK", &[("ETag", "\"v1\"")], &list(1));
    round(&app, 0).await;
    round(&app, 0).await;
    assert_eq!((publisher.asked().len(), version(&mut browser).await), (1, 1.into()));
    publisher.answers(path, "304 Not Modified", &[("ETag", "\"v1\"")], "");
    round(&app, 1).await;
    assert!(publisher.asked()[1].to_lowercase().contains("if-none-match: \"v1\""), "{:?}", publisher.asked());
    assert_eq!(version(&mut browser).await, 1);
    // Within the host a redirect is followed; to another one it is not.
    publisher.answers("/moved.json", "200 OK", &[], &list(2));
    publisher.answers(path, "301 Moved Permanently", &[("Location", "/moved.json")], "");
    round(&app, 2).await;
    assert_eq!(version(&mut browser).await, 2);
    let away = elsewhere.replace("127.0.0.1", "localhost") + "/list.json";
    other.answers("/list.json", "200 OK", &[], &list(666));
    publisher.answers(path, "302 Found", &[("Location", away.as_str())], "");
    round(&app, 3).await;
    assert_eq!(version(&mut browser).await, 2);
    assert!(other.asked().is_empty(), "a redirect to another host was followed");
    let long = list(3).replace("\"purposes\"", &format!("\"x\":\"{}\",\"purposes\"", "y".repeat(9 << 20)));
    for (n, body) in ["<html>", "{}", long.as_str()].iter().enumerate() {
        publisher.answers(path, "200 OK", &[], body);
        round(&app, 4 + n as i64).await;
        assert_eq!(version(&mut browser).await, 2);
    }
    publisher.answers(path, "500 Internal Server Error", &[], "");
    round(&app, 8).await;
    publisher.answers(path, "200 OK", &[], &list(9));
    round(&app, 9).await;
    assert_eq!(version(&mut browser).await, 9);
    assert!(
        app.admin().await.get("/admin/jobs").await.has("None: every job"),
        "a publisher that is away parks nothing"
    );
}

/// T-TC-2, R-TC-5: there is one list. Until one was fetched the operator's file counts; then the newest that could be read,
/// in the string of every page as in what is handed out, without a restart, and without a row being asked. What is no list
/// and what is older changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn pages_go_by_the_newest_list_that_could_be_read() {
    let (publisher, address) = Publisher::start().await;
    let (folder, path) = (TestFolder::new(), "/list.json");
    let file = folder.path().join("vendor-list.json");
    std::fs::write(&file, list(5)).unwrap();
    let (url, seed) = (format!("{address}{path}"), file.display().to_string());
    let cmp = ("CUEHOUSE_TCF_CMP_ID", "4000");
    let fetched = ("CUEHOUSE_TCF_VENDOR_LIST_URL", url.as_str());
    let app = TestApp::with(&[cmp, fetched, ("CUEHOUSE_TCF_VENDOR_LIST", &seed)]).await;
    let mut browser = app.visitor();
    let spoken = async |browser: &mut Browser| -> Option<u16> {
        let page = browser.get("/").await.is(200).text();
        let text = page.split("data-tc-string=\"").nth(1)?.split('"').next()?.to_owned();
        Some(TcString::decode(&text).unwrap().vendor_list_version)
    };
    let says = async |browser: &mut Browser, is: u16| {
        assert_eq!((spoken(&mut *browser).await, version(&mut *browser).await), (Some(is), is.into()));
    };
    says(&mut browser, 5).await;
    assert!(publisher.asked().is_empty());
    for (hours, body, is) in [(0, list(7), 7), (1, "<html>".into(), 7), (2, list(6), 7), (3, list(8), 8)] {
        publisher.answers(path, "200 OK", &[], &body);
        round(&app, hours).await;
        assert_eq!(publisher.asked().len() as i64, hours + 1);
        says(&mut browser, is).await;
    }
    app.app
        .db
        .write(|conn| {
            each_db!(conn, |c| diesel::sql_query("DELETE FROM vendor_lists").execute(c))?;
            Ok(())
        })
        .await
        .unwrap();
    says(&mut browser, 8).await;
    // What the clock looks at every minute: the operator's file, and what another process fetched.
    for (text, is) in [(list(9), 9), ("{}".into(), 9), (list(3), 9), (list(10), 10)] {
        std::fs::write(&file, text).unwrap();
        app.app.vendor_list.renew(&app.app.db).await.unwrap();
        says(&mut browser, is).await;
    }
    // Without a file pages are silent until a list came.
    let late = TestApp::with(&[cmp, fetched]).await;
    let mut browser = late.visitor();
    assert_eq!(spoken(&mut browser).await, None);
    publisher.answers(path, "200 OK", &[], &list(11));
    round(&late, 0).await;
    says(&mut browser, 11).await;
    // A file alone is enough, and is what is handed out.
    let alone = TestApp::with(&[cmp, ("CUEHOUSE_TCF_VENDOR_LIST", &seed)]).await;
    says(&mut alone.visitor(), 10).await;
}

/// T-EGR-1, R-EN-1, R-EN-6, R-CA-4: a call about somebody is made for the one who allowed it, and stands in the ledger
/// with the entry of the log that allowed it; refused, undecided, opted out, with a signal or without the vendor's own
/// mark there are no hits at all.
#[tokio::test(flavor = "multi_thread")]
async fn who_refused_is_not_told_of_by_the_server_either() {
    // All calls go through a proxy that notes whom they are for and opens nothing.
    let (proxy, address) = Publisher::start().await;
    let app = TestApp::with(&[
        ("CUEHOUSE_VENDORS", "ga4=G-TEST"),
        ("CUEHOUSE_GA4_API_SECRET", "hush"),
        ("CUEHOUSE_EGRESS_PROXY", address.as_str()),
    ])
    .await;
    let tiers = |conn: &mut cuehouse::db::Conn| {
        cuehouse::sales::edition::seed(conn, &cuehouse::sales::tier::Catalogue::default(), Timestamp::now())
    };
    app.app.db.write(tiers).await.unwrap();
    let ines = seller(&app.app.db, "Ines").await;
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let settled = || tokio::time::sleep(std::time::Duration::from_millis(400));
    for (n, (choice, mark, gpc, hits)) in [
        ("", true, false, 0),
        ("refuse", true, false, 0),
        ("opt_out", true, false, 0),
        ("accept", false, false, 0),
        ("accept", true, true, 0),
        ("accept", true, false, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let before = proxy.asked().len();
        let mut buyer = app.buyer(["Ada", "Bea", "Cleo", "Dora", "Eve", "Fay"][n]).await;
        if !choice.is_empty() {
            buyer.says("/privacy/choices", "/privacy/choices", &[("choice", choice)]).await.is(303);
        }
        buyer.says("/", "/cart", &[("track", track.slug.as_str()), ("tier", "creator")]).await.is(303);
        let page = buyer.get("/checkout").await.is(200);
        let mut fields = page.form("/checkout");
        fields.retain(|(name, _)| name != "licensee");
        fields
            .extend([("licensee".to_owned(), "A Buyer".to_owned()), ("country".to_owned(), "DE".to_owned())]);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        if mark {
            buyer.set_cookie("_ga", "GA1.1.1234567890.1700000000");
        }
        let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
        if gpc {
            headers.push(("Sec-GPC", "1"));
        }
        buyer.ask(reqwest::Method::POST, "/checkout", &headers, Some(body.into_bytes())).await.is(303);
        settled().await;
        let asked: Vec<String> = proxy.asked().split_off(before);
        assert_eq!(asked.len(), hits, "{choice} {mark} {gpc}: {asked:?}");
        assert!(asked.iter().all(|a| a.starts_with("CONNECT www.google-analytics.com:443")), "{asked:?}");
    }
    let rows = app
        .app
        .db
        .read(|conn| {
            let sql = "SELECT receipt_seq AS n FROM disclosures WHERE receipt_seq > 0 AND recipient = 'ga4' \
                       AND categories = 'pages marks' AND basis = 'consent' AND count = 1";
            Ok(each_db!(conn, |c| diesel::sql_query(sql).load::<Count>(c))?)
        })
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].n as u64, app.app.db.read(cuehouse::consent::log::size).await.unwrap());
    assert!(app.visitor().get("/privacy/rights").await.has("data-categories=\"pages marks\""));
}
