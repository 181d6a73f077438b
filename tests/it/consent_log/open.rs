//! The log over HTTP: open to everyone, a receipt to its holder; signed by the calendar.

use cuehouse::clock::{DAY, HOUR, Timestamp};
use cuehouse::consent::log;
use cuehouse::consent::log::bundle;
use cuehouse::consent::log::head::Head;
use cuehouse::consent::log::merkle;
use cuehouse::proof::{Verdict, issuer};
use cuehouse::secrets;
use diesel::prelude::*;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::choices::refusals;

/// R-RC-3: a head is signed each hour in which the log grew, and when the shop is stopped. R-RC-7: the daily round
/// forgets receipts whose time is over.
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
    let (_, keys) = issuer::read_document(&keys.text()).unwrap();
    let Verdict::Intact(bundle) = bundle::check(&file.bytes, &keys) else { panic!("not intact") };
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

/// R-RC-7, T-TIME-5: a receipt is kept for as long as its choice holds and as many days beyond as the setting says, on a
/// clock that is moved.
#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_kept_as_long_as_the_setting_says() {
    let days = [("CUEHOUSE_PRIVACY_CHOICE_DAYS", "5"), ("CUEHOUSE_PRIVACY_RECEIPT_DAYS", "10")];
    let app = TestApp::with(&days).await;
    let mut visitor = app.visitor();
    visitor.says("/privacy/choices", "/privacy/choices", &[("choice", "opt_out")]).await.is(303);
    let now = Timestamp::now();
    for (later, gone) in [(15 * DAY - 60_000, 0), (15 * DAY + 60_000, 1)] {
        let swept = app.app.db.write(move |conn| log::expire(conn, now.plus(later))).await.unwrap();
        assert_eq!(swept, gone, "{later}");
    }
    for wrong in ["0", "3661", "for ever"] {
        let env = std::collections::BTreeMap::from([(
            "CUEHOUSE_PRIVACY_RECEIPT_DAYS".to_owned(),
            wrong.to_owned(),
        )]);
        assert!(cuehouse::Config::read(None, &env).is_err(), "{wrong}");
    }
}

/// R-RC-4: the receipt in the form of ISO/IEC TS 27560 says what the receipt says: one record for each item, with its
/// notice, its recipient and its state, and no more of the person than the receipt has.
#[tokio::test(flavor = "multi_thread")]
async fn other_programs_read_the_receipt_in_their_own_form() {
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc")]).await;
    let mut visitor = app.visitor();
    let fields = [("choice", "save"), ("purpose.analytics", "on"), ("vendor.ga4", "on")];
    let seen = visitor.says("/privacy/choices", "/privacy/choices", &fields).await.is(303);
    let id = seen.location().split("receipt=").nth(1).unwrap().to_owned();
    let page = visitor.get(&format!("/privacy/receipts/{id}")).await.is(200);
    assert!(page.has(&format!("href=\"/privacy/receipts/{id}.jsonld\"")));
    let file = visitor.get(&format!("/privacy/receipts/{id}.jsonld")).await.is(200);
    assert_eq!(file.header("content-type"), Some("application/ld+json"));
    assert_eq!(file.header("cache-control"), Some("private, no-store"));
    let form: Value = serde_json::from_str(&file.text()).unwrap();
    assert_eq!(form["@type"], "dpv:ConsentReceipt");
    assert_eq!(form["dct:conformsTo"], "https://w3id.org/dpv/schema/dpv-27560#receipt");
    assert_eq!(form["dct:identifier"], id.as_str());
    let records = form["dpv:hasRecordOfActivity"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    for (record, vendor, granted) in [(&records[0], "ga4", true), (&records[1], "statcounter", false)] {
        let process = &record["dpv:hasProcess"];
        assert_eq!(process["dpv:hasRecipient"]["dct:identifier"], vendor);
        assert_eq!(process["dpv:hasPurpose"]["@type"], "dpv:ServiceUsageAnalytics");
        let status = record["dpv:hasConsentStatus"]["@type"].to_string();
        assert_eq!(status.contains("dpv:ConsentGiven"), granted, "{status}");
        assert_eq!(status.contains("dpv:ConsentRefused"), !granted, "{status}");
        let told = record["dpv:hasNotice"]["dct:description"].as_str().unwrap();
        assert!(told.contains("Google Analytics 4") && told.contains("StatCounter"));
        // What ISO/IEC TS 27560 wants of each record.
        for field in [
            "dct:identifier",
            "dct:conformsTo",
            "dpv:hasDataSubject",
            "dpv:hasDataController",
            "dpv:hasNotice",
        ] {
            assert!(!record[field].is_null(), "{field}");
        }
    }
    // Every name is of a vocabulary that the file names itself.
    let context = form["@context"].as_object().unwrap();
    fn prefixes(value: &Value, found: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                members.iter().filter(|(name, _)| *name != "@context").for_each(|(name, inner)| {
                    found.extend(name.split_once(':').map(|(prefix, _)| prefix.to_owned()));
                    prefixes(inner, found);
                })
            }
            Value::Array(items) => items.iter().for_each(|item| prefixes(item, found)),
            _ => {}
        }
    }
    let mut found = std::collections::BTreeSet::new();
    prefixes(&form, &mut found);
    assert!(found.iter().all(|prefix| context.contains_key(prefix)), "{found:?}");
    visitor.get(&format!("/privacy/receipts/{}.jsonld", "0".repeat(32))).await.is(404);
}
