//! What a running shop writes into its log: the real program, and every line of it.

use std::path::Path;

use chrono::{Datelike, Utc};

use crate::support::app::{PASSWORD, every_row, free_port};
use crate::support::browser::{Browser, Seen};
use crate::support::database::TestDb;
use crate::support::folder::TestFolder;
use crate::support::process::Settings;

/// Where they come from, as the proxy in front says.
const ADDRESS: &str = "203.0.113.9";
const FORWARDED: (&str, &str) = ("X-Forwarded-For", ADDRESS);
/// What an operator is told, and everything else that we have to say ourselves.
const LOUDEST: &str = "info,cuehouse=trace,tantivy=warn,rocket=off,_=off";

/// Fills in the form with this action on `/sign-up`, coming through the proxy.
async fn fills(who: &mut Browser, action: &str, fields: &[(&str, &str)]) -> Seen {
    let mut all = who.get_with("/sign-up", &[FORWARDED]).await.is(200).form(action);
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    who.post_raw(action, "application/x-www-form-urlencoded", body.into_bytes(), &[FORWARDED]).await
}

/// Every file below this folder but the log, whose moments may hold any figures.
fn files(folder: &Path) -> Vec<String> {
    let mut all = vec![];
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_none_or(|ending| ending != "log") {
            let bytes = std::fs::read(path).unwrap_or_default();
            all.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    all
}

/// T-AGE-7, T-AGE-8, R-AG-4, R-AG-5, T-PR-1, PR-1, S1-27, S2-34, S3-06: whoever is turned away at the age screen adds no line to
/// the log, and where the operator wants a line for each request, the same lines as everybody else. A day of birth that was
/// typed stands in no line, row or letter, and in no file of the shop: its storage, its index, its keys. No line says which
/// address asked, unless the operator wants that, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_day_of_birth_and_no_address() {
    let (folder, rows) = (TestFolder::new(), TestDb::new().await);
    let shop = Settings::new(folder.path(), free_port(), &rows.url)
        .with("CUEHOUSE_AGE_PROFILE", "never_knowingly_13")
        .with("CUEHOUSE_PRIVACY_SELF_CHECK_HOURS", "0")
        .with("CUEHOUSE_TRUSTED_PROXY", "127.0.0.1")
        .with("RUST_LOG", LOUDEST);
    let childs_year = (Utc::now().year() - 9).to_string();
    let of_child = [("birth_year", childs_year.as_str()), ("birth_month", "3"), ("birth_day", "23")];
    let of_adult = [("birth_year", "1987"), ("birth_month", "3"), ("birth_day", "23")];
    // (None: the setting is not said at all.)
    for (n, (requests, ip)) in
        [(None, None), (None, Some("on")), (Some("on"), None), (Some("on"), Some("on"))]
            .into_iter()
            .enumerate()
    {
        let mut shop = shop.clone();
        for (name, value) in [("CUEHOUSE_LOG_REQUESTS", requests), ("CUEHOUSE_LOG_IP", ip)] {
            if let Some(value) = value {
                shop = shop.with(name, value);
            }
        }
        let mut process = shop.start("serve");
        process.is_up().await;
        let begun = process.lines().await;
        assert!(begun.iter().any(|line| line.contains(&format!("is at {}", shop.url()))), "{begun:?}");

        let mut child = Browser::new(&shop.url());
        fills(&mut child, "/age", &of_child).await.is(303);
        let by_child = process.lines().await.split_off(begun.len());
        let mut ada = Browser::new(&shop.url());
        fills(&mut ada, "/age", &of_adult).await.is(303);
        let by_adult = process.lines().await.split_off(begun.len() + by_child.len());
        assert_eq!(by_child, by_adult, "the same lines whatever the answer");
        let email = format!("ada{n}@example.com");
        let fields = [("name", "Ada Field"), ("email", email.as_str()), ("password", PASSWORD)];
        fills(&mut ada, "/sign-up", &fields).await.is(303);
        let all = process.lines().await.split_off(begun.len());
        process.ends().await;

        let asked: Vec<&String> = all.iter().filter(|line| line.contains("answered method=")).collect();
        if requests.is_none() {
            assert!(by_child.is_empty() && asked.is_empty(), "{all:?}");
        } else {
            assert_eq!(by_child.len(), 2, "{by_child:?}");
            let line = &by_child[1];
            let said = ["method=POST", "route=\"/age\"", "status=303"];
            assert!(said.iter().all(|words| line.contains(words)), "{line}");
            let with_address = asked.iter().filter(|line| line.contains(ADDRESS)).count();
            assert_eq!((asked.len(), with_address), (6, if ip.is_some() { 6 } else { 0 }), "{asked:?}");
        }
        if requests.is_none() || ip.is_none() {
            assert!(all.iter().all(|line| !line.contains(ADDRESS)), "{all:?}");
        }
        for line in &all {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            assert!(!words.any(|word| word == "1987" || word == childs_year), "{line}");
            assert!(!line.contains(&email) && !line.contains(PASSWORD), "{line}");
        }
    }
    let (kept, letters, stored) = (every_row(&rows.db).await, shop.letters(), files(&shop.folder()));
    assert!(kept.contains("ada3@example.com") && letters.len() >= 3 && !stored.is_empty());
    for typed in ["1987-03", "1987-3", "3/1987", &format!("{childs_year}-03")] {
        assert!(!kept.contains(typed), "{typed}");
        assert!(letters.iter().chain(&stored).all(|file| !file.contains(typed)), "{typed}");
    }
    assert!(!kept.contains(ADDRESS));
}
