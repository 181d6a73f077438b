//! Trained staff talk with a guardian and write down that they did.

use cuehouse::config::Config;
use cuehouse::db::schema::verifications;
use cuehouse::guardians::verification::{Outcome, Verification};
use std::collections::BTreeMap;

use super::*;

const TALKS: [(&str, &str); 2] =
    [("CUEHOUSE_AGE_METHODS", "email_plus,phone,video"), ("CUEHOUSE_OPERATOR_PHONE", "+49 30 1234567")];

async fn all(app: &TestApp) -> Vec<Verification> {
    app.app
        .db
        .read(|conn| Ok(verifications::table.select(Verification::as_select()).load(conn)?))
        .await
        .unwrap()
}

async fn code_on(app: &TestApp, home: &str) -> String {
    app.visitor().get(home).await.is(200).text().split("code ").nth(1).unwrap()[..8].to_owned()
}

/// R-PV-1, T-PV-1, T-PV-4: a talk by telephone or video, recorded by one of the staff, proves what a letter does not, with one
/// leaf; kept are who and when and nothing that was said. Without the statement, the right code or the switch it proves
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_talk_that_is_recorded_proves_a_guardian() {
    let app = TestApp::with(&TALKS).await;
    let (mut kid, home) = ward(&app, "Rain Kid", &["upload", "sell"]).await;
    let page = app.visitor().get(&home).await.is(200);
    assert!(page.has("+49 30 1234567") && page.has("by video"));
    assert!(!page.has("Prove it by card") && !page.has("sign it by hand"), "these are off");
    app.visitor().says(&home, &format!("{home}/card"), &[]).await.is(404);
    let code = code_on(&app, &home).await;
    let mut rae = app.reviewer().await;
    assert!(rae.get("/admin/age").await.is(200).has("You talked with a guardian"));
    let talk = |code: &str, method: &str, sure: &str| {
        [("talk_code", code.to_owned()), ("method", method.to_owned()), ("sure", sure.to_owned())]
    };
    for (code, method, sure) in [
        ("00000000", "phone", "yes"),
        (code.as_str(), "phone", ""),
        (code.as_str(), "email_plus", "yes"),
        (code.as_str(), "card_transaction", "yes"),
        (code.as_str(), "", "yes"),
    ] {
        let fields = talk(code, method, sure);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        rae.says("/admin/age", "/admin/age/talks", &fields).await.is(422);
    }
    let mine = [("talk_code", code.as_str()), ("method", "phone"), ("sure", "yes")];
    assert_ne!(kid.says("/", "/admin/age/talks", &mine).await.status, 303);
    let user = kid.user.clone().unwrap();
    let sells = |user: UserId| {
        let db = app.app.db.clone();
        async move { db.read(move |conn| may(conn, &user, Scope::Sell, Timestamp::now())).await.unwrap() }
    };
    assert!(!sells(user.clone()).await);
    let before = leaves(&app).await;
    let said = [("talk_code", code.as_str()), ("method", "phone"), ("sure", "yes")];
    rae.send("/admin/age", "/admin/age/talks", &said).await.is(303);
    assert_eq!(leaves(&app).await, before + 1);
    assert!(sells(user).await);
    let rows = all(&app).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.method, row.result), (Method::Phone, Outcome::Passed));
    assert!(row.first_reviewer == rae.user && row.at.is_some());
    assert!(row.reference.is_none() && row.payment.is_none());
    assert!(!app.visitor().get(&home).await.is(200).has(&code), "nothing is waited for any more");
    // The same code again is nobody's.
    rae.says("/admin/age", "/admin/age/talks", &said).await.is(422);
    assert_eq!(leaves(&app).await, before + 1);
}

/// R-PV-1: talks are off unless they are switched on.
#[tokio::test(flavor = "multi_thread")]
async fn a_talk_proves_nothing_where_it_is_off() {
    let app = TestApp::new().await;
    let (_, home) = ward(&app, "Rain Kid", &["upload", "sell"]).await;
    let code = code_on(&app, &home).await;
    let mut rae = app.reviewer().await;
    assert!(!rae.get("/admin/age").await.is(200).has("You talked with a guardian"));
    let said = [("talk_code", code.as_str()), ("method", "phone"), ("sure", "yes")];
    rae.says("/admin/age", "/admin/age/talks", &said).await.is(422);
    assert!(all(&app).await.iter().all(|row| row.result == Outcome::Open));
}

/// R-PV-1, T-PV-1: each method has its switch; those that a provider finds out need one, the text message somebody who carries
/// it, and the letter cannot be switched off.
#[test]
fn each_method_has_a_switch() {
    let read = |methods: &str, phone: &str| {
        let env = [("CUEHOUSE_AGE_METHODS", methods), ("CUEHOUSE_OPERATOR_PHONE", phone)];
        let env: BTreeMap<String, String> = env.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        Config::read(None, &env).map(|config| config.age.methods)
    };
    let talks = vec![Method::EmailPlus, Method::Phone, Method::Video];
    assert_eq!(read("email_plus, phone, video", "+49 30 1").unwrap(), talks);
    let by_provider = [Method::GovIdDb, Method::Kba, Method::FaceMatch];
    for method in by_provider {
        let env = [
            ("CUEHOUSE_AGE_METHODS", format!("email_plus,{method}")),
            ("CUEHOUSE_AGE_IDENTITY_URL", "https://identity.example".to_owned()),
            ("CUEHOUSE_AGE_IDENTITY_SECRET", "key".to_owned()),
        ];
        let env: BTreeMap<String, String> = env.map(|(n, v)| (n.to_owned(), v)).into();
        assert_eq!(Config::read(None, &env).unwrap().age.methods, [Method::EmailPlus, method]);
    }
    for (methods, phone, fault) in [
        ("email_plus,phone", "", "OPERATOR_PHONE"),
        ("signed_form", "", "email_plus"),
        ("email_plus", "", "more than a letter"),
        ("email_plus,signed_form,kba", "", "kba, which a provider finds out"),
        ("email_plus,signed_form,gov_id_db", "", "gov_id_db, which a provider finds out"),
        ("email_plus,signed_form,face_match", "", "face_match, which a provider finds out"),
        ("email_plus,signed_form,text_plus", "", "text_plus, whose messages somebody must carry"),
        ("email_plus,nonsense", "", "names of methods"),
    ] {
        let faults = read(methods, phone).unwrap_err().join("; ");
        assert!(faults.contains(fault), "{methods}: {faults}");
    }
}
