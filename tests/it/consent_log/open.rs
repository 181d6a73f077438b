//! The log over HTTP: open to everyone, a receipt to its holder; signed by the calendar.

use cuehouse::clock::{DAY, HOUR, Timestamp};
use cuehouse::consent::bundle;
use cuehouse::consent::head::Head;
use cuehouse::consent::merkle;
use cuehouse::proof::{Verdict, issuer};
use cuehouse::secrets;
use diesel::prelude::*;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::choices::refusals;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_signed_each_hour_when_it_grew_and_at_the_end() {
    let app = TestApp::new().await;
    let db = &app.app.db;
    let heads = || db.read(|conn| Head::after(conn, 0, Timestamp(0), 100));
    let now = Timestamp::now();
    let round = |now| cuehouse::jobs::calendar::round(&app.app, now);
    round(now).await.unwrap();
    assert_eq!(heads().await.unwrap().len(), 0, "an empty log has no head to keep");
    refusals(db, 2, now).await;
    round(now).await.unwrap();
    refusals(db, 1, now).await;
    round(now.plus(HOUR / 2)).await.unwrap();
    assert_eq!(heads().await.unwrap().iter().map(|head| head.size).collect::<Vec<_>>(), [2]);
    round(now.plus(HOUR + 1_000)).await.unwrap();
    round(now.plus(3 * HOUR)).await.unwrap();
    assert_eq!(heads().await.unwrap().iter().map(|head| head.size).collect::<Vec<_>>(), [2, 3]);
    refusals(db, 1, now).await;
    cuehouse::jobs::calendar::end(&app.app, now.plus(3 * HOUR)).await.unwrap();
    let all = heads().await.unwrap();
    assert_eq!(all.iter().map(|head| head.size).collect::<Vec<_>>(), [2, 3, 4]);
    for head in &all {
        let signed = head.signer().expect("signed");
        assert_eq!(signed.did, app.app.issuer.did());
    }
    let mut forged = all[2].clone();
    forged.size = 5;
    assert_eq!(forged.signer(), None);
    // The daily round forgets what is over.
    let far = now.plus(5 * 366 * DAY);
    round(far).await.unwrap();
    let left: i64 = db
        .read(|conn| Ok(cuehouse::db::schema::consent_receipts::table.count().get_result(conn)?))
        .await
        .unwrap();
    assert_eq!(left, 0);
}

/// R-RC-4: the visitor gets the receipt, its file and its proof; everyone gets the log without a word of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_open_to_everyone_and_a_receipt_to_its_holder() {
    let app = TestApp::new().await;
    let mut visitor = app.visitor();
    let empty = visitor.get("/.well-known/consent-log/head.json").await.is(200);
    let head: Head = serde_json::from_slice(&empty.bytes).unwrap();
    assert_eq!((head.size, head.root.as_str()), (0, secrets::sha256("").as_str()));
    assert!(head.signer().is_some());
    let all = refusals(&app.app.db, 7, Timestamp::now()).await;
    let id = &all[2].id;

    let page = visitor.get(&format!("/privacy/receipts/{id}")).await.is(200);
    assert_eq!(page.header("cache-control"), Some("private, no-store"));
    assert!(
        page.has("You refused everything that was asked.") && page.has("StatCounter (Ireland)"),
        "{}",
        page.text()
    );
    assert!(page.has("May StatCounter count you?") && page.has("noindex"));
    let file = visitor.get(&format!("/privacy/receipts/{id}.json")).await.is(200);
    assert_eq!(file.header("cache-control"), Some("private, no-store"));
    assert!(file.header("content-disposition").unwrap().starts_with("attachment"));
    let keys = visitor.get("/.well-known/did.json").await.is(200);
    let (did, keys) = issuer::read_document(&keys.text()).unwrap();
    let Verdict::Intact(bundle) = bundle::check(&file.bytes, &did, &keys) else { panic!("not intact") };
    assert_eq!((bundle.seq, bundle.head.size), (3, 7));

    // Proofs for everyone, by the leaf alone.
    let json = |seen: crate::support::browser::Seen| serde_json::from_slice::<Value>(&seen.bytes).unwrap();
    let now = json(visitor.get("/.well-known/consent-log/head.json").await.is(200));
    let asked = visitor.get(&format!("/consent-log/proof?leaf={}&size=5", bundle.leaf)).await.is(200);
    assert!(asked.header("cache-control").unwrap().contains("max-age=31536000"));
    let proof = json(asked);
    let hash = |value: &Value| merkle::hash_of(value.as_str().unwrap()).unwrap();
    let path: Vec<merkle::Hash> = proof["path"].as_array().unwrap().iter().map(hash).collect();
    assert!(merkle::includes(2, 5, &hash(&proof["leaf"]), &path, &hash(&proof["root"])));
    let grown = json(visitor.get("/consent-log/consistency?from=5&to=7").await.is(200));
    assert_eq!((&grown["from_root"], &grown["to_root"]), (&proof["root"], &now["root"]));
    let path: Vec<merkle::Hash> = grown["path"].as_array().unwrap().iter().map(hash).collect();
    assert!(merkle::extends(5, 7, &hash(&grown["from_root"]), &hash(&grown["to_root"]), &path));
    let entries = visitor.get("/consent-log/entries?from=6").await.is(200);
    assert!(!all.iter().any(|receipt| entries.has(receipt.id.as_str())));
    let entries = json(entries);
    assert_eq!(entries["entries"].as_array().unwrap().len(), 2);
    let names: Vec<&String> = entries["entries"][0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["chain", "day", "kind", "leaf", "seq"]);
    assert_eq!(entries["next"], Value::Null);

    let leaf = &bundle.leaf;
    for (address, status) in [
        ("/consent-log/proof".to_owned(), 422),
        ("/consent-log/proof?leaf=xyz".into(), 422),
        (format!("/consent-log/proof?leaf={}", leaf.to_uppercase().replace(char::is_numeric, "A")), 422),
        (format!("/consent-log/proof?leaf={}", "0".repeat(64)), 404),
        (format!("/consent-log/proof?leaf={leaf}&size=8"), 422),
        (format!("/consent-log/proof?leaf={leaf}&size=2"), 422),
        (format!("/consent-log/proof?leaf={leaf}&size=-1"), 422),
        (format!("/consent-log/proof?leaf={leaf}&size=99999999999999999999"), 422),
        (format!("/consent-log/proof?leaf={leaf}"), 200),
        ("/consent-log/consistency?from=0&to=3".into(), 422),
        ("/consent-log/consistency?from=3".into(), 422),
        ("/consent-log/consistency?from=3&to=2".into(), 422),
        ("/consent-log/consistency?from=7&to=7".into(), 200),
        ("/consent-log/entries?from=0".into(), 422),
        ("/consent-log/entries?from=x".into(), 422),
        ("/consent-log/entries?from=8".into(), 200),
        (format!("/privacy/receipts/{}", "0".repeat(32)), 404),
        (format!("/privacy/receipts/{}.json", "0".repeat(32)), 404),
        ("/privacy/receipts/nothing".into(), 404),
        (format!("/privacy/receipts/{id}.xml"), 404),
    ] {
        assert_eq!(visitor.get(&address).await.status, status, "{address}");
    }

    // The check for browsers without script.
    let (form, name) = ("/privacy/receipts/verify", "receipt.json");
    let intact = visitor.upload(form, form, name, &file.bytes).await.is(200);
    assert!(intact.has("Intact") && intact.has(id.as_str()), "{}", intact.text());
    let altered = file.text().replace("refused", "granted");
    assert!(visitor.upload(form, form, name, altered.as_bytes()).await.is(200).has("Altered"));
    assert!(visitor.upload(form, form, name, b"").await.is(422).has("Choose the receipt"));
}
