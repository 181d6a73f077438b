//! The online notice about children: what stands in it is what the shop does.

use std::collections::BTreeSet;

use cuehouse::consent::receipt::Notice;
use cuehouse::consent::recipient::register;
use cuehouse::db::schema::consent_notices;
use cuehouse::guardians::online::Online;

use super::*;

/// T-RT-3, R-RT-4: the page equals the live register of recipients, is found from everywhere a parent reads, and is kept
/// word for word under its hash from the start on.
#[tokio::test(flavor = "multi_thread")]
async fn the_notice_about_children_equals_the_register() {
    let app = TestApp::with(&[
        ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"),
        ("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc"),
        ("CUEHOUSE_OPERATOR_NAME", "Cuehouse Test Ltd"),
        ("CUEHOUSE_OPERATOR_ADDRESS", "1 Rain Lane, Bergen"),
        ("CUEHOUSE_OPERATOR_PHONE", "+47 55 00 00 00"),
    ])
    .await;
    let page = app.visitor().get("/privacy/children").await.is(200);
    let text = page.text().replace("&#x2F;", "/");
    let told: BTreeSet<String> = text
        .split("data-given=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect();
    let all = register(&app.app.consent, &app.app.services);
    let known: BTreeSet<String> = all.iter().map(|e| format!("{} {}", e.id, e.purpose)).collect();
    assert_eq!(told, known);
    assert!(told.contains("ga4 analytics") && told.contains("statcounter analytics") && told.len() >= 3);
    for words in [
        "Cuehouse Test Ltd",
        "1 Rain Lane, Bergen",
        "+47 55 00 00 00",
        "data-table=\"uploads\"",
        "/guardians",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    for words in ["HiStats", "data-table=\"shown_ages\""] {
        assert!(!text.contains(words), "{words}");
    }
    let notice = Online::of(&app.app).unwrap().notice();
    assert!(page.has(&format!("/privacy/notices/{}", notice.hash())));
    let hash = notice.hash();
    let kept = app.app.db.read(move |conn| Notice::by_hash(conn, &hash)).await.unwrap();
    assert_eq!(kept, notice);
    let word_for_word = app.visitor().get(&format!("/privacy/notices/{}", notice.hash())).await.is(200);
    assert!(word_for_word.has("1 Rain Lane, Bergen") && word_for_word.has("statistics"));
    app.visitor().get(&format!("/privacy/notices/{}", "0".repeat(64))).await.is(404);
    app.visitor().get("/privacy/notices/nothing").await.is(404);
    // It is found where a parent reads.
    assert!(app.visitor().get("/privacy").await.is(200).has("href=\"/privacy/children\""));
    let _ = asks(&app, 9, "Star Kid", "mother@example.com").await;
    assert!(app.letters_to("mother@example.com").pop().unwrap().text.contains("/privacy/children"));
    let home = link_in(&app, "mother@example.com", "/guardians/");
    assert!(app.visitor().get(&home).await.is(200).has("href=\"/privacy/children\""));
}

/// T-RT-3, R-RT-4: where no children are taken, one paragraph says so, and nothing is kept of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_children_says_so() {
    let app = TestApp::new().await;
    let page = app.visitor().get("/privacy/children").await.is(200);
    assert!(page.has("takes no children") && page.has("under 13"), "{}", page.text());
    assert!(!page.has("data-given") && !page.has("data-table") && !page.has("/privacy/notices/"));
    let kept: i64 =
        app.app.db.read(|conn| Ok(consent_notices::table.count().get_result(conn)?)).await.unwrap();
    assert_eq!(kept, 0);
}
