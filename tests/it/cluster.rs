//! Two `serve` and one `work` process on one PostgreSQL and one S3 are one shop.

use std::time::{Duration, Instant};

use base64::Engine;

use crate::support::app::free_port;
use crate::support::browser::{Browser, Seen};
use crate::support::database::{TestDb, server};
use crate::support::folder::TestFolder;
use crate::support::process::{Process, Settings, signs_in};
use crate::support::s3::s3_here;
use crate::support::sandbox::{PAYS, SECRET, browser, encoded, sandbox_in};
use crate::support::wavs::music;

/// Asks until the page is as it should be.
async fn until(who: &mut Browser, path: &str, what: &str, is_so: impl Fn(&Seen) -> bool) -> Seen {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let seen = who.get(path).await;
        if is_so(&seen) {
            return seen;
        }
        assert!(Instant::now() < end, "{path} never showed {what}: {}", seen.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_at_one_process_is_bought_at_the_other() {
    if server().is_none() {
        return;
    }
    let (rows, s3, folder) = (TestDb::new().await, s3_here().await, TestFolder::new());
    let ports = [free_port(), free_port(), free_port()];
    let key: Vec<u8> = (0..64).map(|n| n * 3 + 1).collect();
    let site = format!("http://127.0.0.1:{}", ports[0]);
    let (_, second) = (&site, format!("http://127.0.0.1:{}", ports[1]));
    // Stripe knows one address of the shop; any process may stand behind it.
    let stripe = sandbox_in(&folder.path().join("stripe"), &format!("{second}/stripe/webhook")).await;
    let settings = |n: usize| {
        let data = folder.path().join(format!("machine-{n}"));
        std::fs::create_dir_all(&data).unwrap();
        Settings::new(&data, ports[n], &rows.url)
            .with("CUEHOUSE_SITE_URL", &site)
            .with("CUEHOUSE_SECRET_KEY", &base64::engine::general_purpose::STANDARD.encode(&key))
            .with("CUEHOUSE_STORAGE_URL", &format!("s3://{}/shop", s3.bucket))
            .with("AWS_ENDPOINT_URL", s3.access.endpoint.as_deref().unwrap())
            .with("AWS_REGION", &s3.access.region)
            .with("AWS_ACCESS_KEY_ID", &s3.access.access_key)
            .with("AWS_SECRET_ACCESS_KEY", &s3.access.secret_key)
            .with("CUEHOUSE_STRIPE_URL", &stripe.url)
            .with("CUEHOUSE_STRIPE_WEBHOOK_SECRET", SECRET)
    };
    settings(0).adds("ines@example.com", "Ines Morrow", &["uploader"]);
    settings(0).adds("rae@example.com", "Rae Reviewer", &["reviewer"]);
    settings(0).adds("ada@example.com", "Ada Field", &[]);
    let mut all: Vec<Process> =
        [(0, "serve"), (1, "serve"), (2, "work")].map(|(n, word)| settings(n).start(word)).into();
    all[0].is_up().await;
    all[1].is_up().await;

    // Signed in at one, known at the other.
    let elsewhere = |who: &Browser, url: &str| {
        let mut there = who.window();
        there.base = url.to_owned();
        there
    };
    let mut ines = signs_in(&site, "ines@example.com").await;
    let mut ines_there = elsewhere(&ines, &second);
    let master = music(3, 0.6);
    let seen = ines.upload("/studio/uploads/new", "/studio/uploads", "rain.wav", &master).await.is(303);
    let page = seen.location().to_owned();
    let edit =
        until(&mut ines_there, &page, "the draft", |seen| seen.link("/studio/tracks/").is_some()).await;
    let slug = edit.link("/studio/tracks/").unwrap().split('/').nth(3).unwrap().to_owned();
    let at = format!("/studio/tracks/{slug}");
    let words = [
        ("title", "Rain on tin"),
        ("description", "Soft rain."),
        ("kind", "music"),
        ("genre", "ambient"),
        ("under_age", "no"),
        ("price.creator", "29.00"),
    ];
    ines_there.says(&format!("{at}/edit"), &at, &words).await.is(303);
    ines.says(&format!("{at}/edit"), &format!("{at}/submission"), &[]).await.is(303);
    let mut rae = signs_in(&second, "rae@example.com").await;
    rae.says("/admin/review", &format!("/admin/review/{slug}/publication"), &[]).await.is(303);
    // Both find it: each follows the feed into an index of its own.
    for url in [&site, &second] {
        until(&mut Browser::new(url), "/search?q=rain", "the track", |seen| seen.has("Rain on tin")).await;
    }

    // Put into the basket here, paid from there, delivered here.
    let mut ada = signs_in(&site, "ada@example.com").await;
    let mut ada_there = elsewhere(&ada, &second);
    ada.says(&format!("/tracks/{slug}"), "/cart", &[("track", &slug), ("tier", "creator")]).await.is(303);
    let seen = ada_there.says("/checkout", "/checkout", &[("licensee", "Ada Field")]).await.is(303);
    let pay = seen.location().to_owned();
    let form = [("card_number", PAYS), ("exp", "12 / 34"), ("cvc", "123"), ("email", "ada@example.com")];
    let paid = browser()
        .post(&pay)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", pay.split("/pay/").next().unwrap())
        .body(encoded(&form))
        .send()
        .await
        .unwrap();
    assert_eq!(paid.status(), 303);
    // The webhook came to the second; the first shows what it brought.
    let library = until(&mut ada, "/library", "the licence", |seen| seen.has("Rain on tin")).await;
    let file = library.text();
    let file = file.split('"').find(|link| link.starts_with("/library/") && link.ends_with(".wav")).unwrap();
    for who in [&mut ada, &mut ada_there] {
        let signed = who.get(file).await;
        assert_eq!(signed.status / 100, 3, "S3 sends the bytes itself: {}", signed.text());
        let bytes = browser().get(signed.location()).send().await.unwrap().bytes().await.unwrap();
        assert!(bytes == master);
    }

    // One machine less is the same shop.
    all.remove(0).dies().await;
    ada_there.get("/library").await.is(200);
    for process in all {
        process.ends().await;
    }
    let said = settings(1).run(&["check", "--deep"], "");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    stripe.stop().await;
}
