//! With whom a guardian allows messages: recorded for the day they are built, and closed until then.

use cuehouse::consent::receipt::Receipt;
use cuehouse::db::schema::consent_receipts;

use super::*;
use crate::support::paper::words_on;

/// The newest receipt of all.
async fn newest(app: &TestApp) -> Receipt {
    let body = app.app.db.read(|conn| {
        let newest = consent_receipts::table.order(consent_receipts::seq.desc());
        Ok(newest.select(consent_receipts::body).first::<String>(conn)?)
    });
    serde_json::from_str(&body.await.unwrap()).unwrap()
}

/// R-MN-2, S3-15: messages are off, with known contacts only, or with everybody. Off is what somebody chose who said nothing of
/// them, and a tick is none of the three. The signed form as a document and on paper, the guardian's page, what is held and the
/// receipt say which it is, and the next form replaces it.
#[tokio::test(flavor = "multi_thread")]
async fn with_whom_messages_are_allowed_is_recorded_and_off_is_the_default() {
    let app = TestApp::new().await;
    let (kid, home) = ward(&app, "Rain Kid", &["buy"]).await;
    let (mut grace, change) = (app.visitor(), format!("{home}?form=change"));
    let form = grace.get(&change).await.is(200);
    assert!(form.has("<option value=\"off\">Off</option>") && !form.has("value=\"messages\""));
    let signed = [
        ("guardian_name", "Grace Field"),
        ("relationship", "mother"),
        ("country", "DE"),
        ("liable", "yes"),
        ("signature", "Grace Field"),
        ("scope", "buy"),
    ];
    for (said, word, reads, purpose) in [
        (("scope", "messages"), "off", "Off", "messages"),
        (("messages", "all"), "all", "With everybody", "messages_all"),
        (
            ("messages", "known_contacts"),
            "known_contacts",
            "With known contacts only",
            "messages_known_contacts",
        ),
        (("messages", "off"), "off", "Off", "messages"),
    ] {
        let csrf = grace.get(&change).await.is(200).csrf().unwrap();
        let fields: Vec<_> = signed.into_iter().chain([said, ("csrf", csrf.as_str())]).collect();
        grace.post(&format!("{home}/form"), &fields).await.is(303);
        let is_allowed = word != "off";
        let json = grace.get(&format!("{home}/form.json")).await.is(200);
        let document: Value = serde_json::from_slice(&json.bytes).unwrap();
        assert_eq!(document["credentialSubject"]["messages"], word, "{said:?}");
        let pdf = grace.get(&format!("{home}/form.pdf")).await.is(200);
        if let Some(words) = words_on(&pdf.bytes) {
            assert!(words.contains(reads), "{reads} in {words}");
        }
        let page = grace.get(&home).await.is(200);
        assert_eq!(page.has(&format!("Messages: {reads}")), is_allowed, "{}", page.text());
        let again = grace.get(&change).await.is(200);
        assert_eq!(again.has(&format!("<option value=\"{word}\" selected>")), is_allowed, "{said:?}");
        let held = grace.get(&format!("{home}/data.json")).await.is(200);
        let held: Value = serde_json::from_slice(&held.bytes).unwrap();
        let open = held["permissions"].as_array().unwrap().iter().filter(|one| one["taken_back"].is_null());
        let with: Vec<Option<&str>> =
            open.filter(|one| one["scope"] == "messages").map(|one| one["with"].as_str()).collect();
        assert_eq!(with, if is_allowed { vec![Some(word)] } else { vec![] }, "{said:?}");
        let receipt = newest(&app).await;
        let item = receipt.items.iter().find(|item| item.purpose.starts_with("messages")).unwrap();
        let state = if is_allowed { "granted" } else { "refused" };
        assert_eq!((item.purpose.as_str(), item.state.as_str()), (purpose, state));
        let shown = grace.get(&format!("/privacy/receipts/{}", receipt.id)).await.is(200);
        assert!(!shown.has("another purpose"), "{}", shown.text());
        let user = kid.user.clone().unwrap();
        let held = app.app.db.read(move |conn| may(conn, &user, Scope::Messages, Timestamp::now())).await;
        assert_eq!(held.unwrap(), is_allowed);
    }
    let csrf = grace.get(&change).await.is(200).csrf().unwrap();
    let fields = signed.into_iter().chain([("messages", "anybody"), ("csrf", csrf.as_str())]);
    let seen = grace.post(&format!("{home}/form"), &fields.collect::<Vec<_>>()).await.is(422);
    assert!(seen.has("Choose one of these."), "{}", seen.text());
}
