//! Proof of adulthood by a provider.

use cuehouse::consent::disclosure;
use cuehouse::db::schema::provider_checks;
use serde_json::json;

use super::*;
use crate::support::provider::{KEY, Provider};

async fn checks(app: &TestApp) -> i64 {
    app.app.db.read(|conn| Ok(provider_checks::table.count().get_result(conn)?)).await.unwrap()
}

/// Freezes an account as somebody of the staff does.
async fn freezes(app: &TestApp, browser: &Browser) {
    let (g, stub, user) = (ground(app), draws(), browser.user.clone().unwrap());
    let frozen = app.app.db.write(move |conn| {
        knowledge::freeze(conn, &g, &user, (Source::Staff, Band::Minor), None, &stub, Timestamp::now())
    });
    assert!(frozen.await.unwrap());
}

/// R-AG-7, T-AGE-10: off without the setting; with it, whoever is taken for too young may go to the provider that the notice
/// names. It is told a reference and an age, is asked for the result when the person says so, and is made to forget; a yes
/// opens the account with one leaf, and no row says what was found.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_prove_that_somebody_is_of_age() {
    let provider = Provider::start().await;
    let app = TestApp::with(&[
        ("CUEHOUSE_AGE_PROVIDER_URL", provider.url.as_str()),
        ("CUEHOUSE_AGE_PROVIDER_SECRET", KEY),
        ("CUEHOUSE_AGE_PROVIDER_NAME", "Age Desk"),
    ])
    .await;
    assert!(app.visitor().get("/privacy/rights").await.is(200).has("Age Desk"), "it stands in the notice");
    let mut ada = app.buyer("Ada Field").await;
    // Nobody else is led there.
    ada.says("/account", "/held/proof", &[]).await.is(404);
    freezes(&app, &ada).await;
    assert!(provider.asked().is_empty());
    let held = ada.get("/held").await.is(200);
    assert!(held.has("Age Desk") && held.link(&provider.url).is_none());
    ada.send("/held", "/held/proof", &[]).await.is(303);
    let asked = provider.asked();
    let told: Value = serde_json::from_str(&asked[0].body).unwrap();
    let mut names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["over", "reference", "return_to"]);
    let user = ada.user.clone().unwrap().to_string();
    for known in ["Ada", "ada.field", user.as_str(), "cookie", "referer"] {
        assert!(!asked[0].body.contains(known) && !asked[0].head.to_lowercase().contains(known), "{known}");
    }
    let page = format!("{}/page/chk_1", provider.url);
    assert_eq!(ada.get("/held").await.is(200).link(&page), Some(page));
    let day = Timestamp::now().day();
    let ledger = app.app.db.read(move |conn| disclosure::of_day(conn, &day)).await.unwrap();
    assert!(ledger.contains(&("age_proof".to_owned(), "age_proof".to_owned(), 1)), "{ledger:?}");
    // Looking at a page asks nobody anything; no result is no yes, and neither is one that is not a plain yes.
    assert_eq!(provider.asked().len(), 1);
    for open in [json!({"result": "open"}), json!({"over": true}), json!({"result": "Over"})] {
        provider.finds(open);
        assert_eq!(ada.send("/held", "/held/proof/result", &[]).await.is(303).location(), "/held#proof");
    }
    assert_eq!(state_of(&app, &ada).await, Some(State::Conflict));
    // No: nothing is noted, the provider forgets, and it can be tried again.
    provider.finds(json!({"result": "under", "name": "Ada Field", "born": "2012-03-04"}));
    ada.send("/held", "/held/proof/result", &[]).await.is(303);
    assert_eq!((state_of(&app, &ada).await, checks(&app).await), (Some(State::Conflict), 0));
    let last = provider.asked().pop().unwrap();
    assert_eq!((last.method.as_str(), last.path.as_str()), ("DELETE", "/checks/chk_1"));
    let text = ada.get("/held/data.json").await.is(200).text();
    assert!(!text.contains("2012-03-04"));
    // Yes.
    ada.send("/held", "/held/proof", &[]).await.is(303);
    provider.finds(json!({"result": "over"}));
    let before = leaves(&app).await;
    assert_eq!(ada.send("/held", "/held/proof/result", &[]).await.is(303).location(), "/account");
    assert_eq!((leaves(&app).await, checks(&app).await), (before + 1, 0));
    ada.get("/account").await.is(200);
    let last = provider.asked().pop().unwrap();
    assert_eq!((last.method.as_str(), last.path.as_str()), ("DELETE", "/checks/chk_2"));
    let (references, all) = (
        provider.asked().iter().filter(|a| a.method == "POST").map(|a| a.body.clone()).collect::<Vec<_>>(),
        provider.asked(),
    );
    assert_ne!(references[0], references[1], "no reference is used twice");
    assert!(all.iter().all(|a| a.head.contains(&format!("Bearer {KEY}"))));
    // Used for nothing else: there is nothing to prove any more.
    ada.says("/account", "/held/proof", &[]).await.is(404);
    assert_eq!(provider.asked().len(), all.len());
}

/// R-AG-7, T-AGE-10: a check that nobody came back from, or whose account is gone, is forgotten within a day, here and there.
/// Without the setting there is no such way, and half a setting starts nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_forgotten_within_a_day_and_is_off_by_itself() {
    let provider = Provider::start().await;
    let settings =
        [("CUEHOUSE_AGE_PROVIDER_URL", provider.url.as_str()), ("CUEHOUSE_AGE_PROVIDER_SECRET", KEY)];
    let app = TestApp::with(&settings).await;
    let (mut ada, mut kit) = (app.buyer("Ada Field").await, app.buyer("Kit Kerr").await);
    for browser in [&mut ada, &mut kit] {
        freezes(&app, browser).await;
        browser.send("/held", "/held/proof", &[]).await.is(303);
    }
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!(checks(&app).await, 2, "there is time");
    kit.send("/held", "/held/erasure", &[("sure", "yes")]).await.is(303);
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!(checks(&app).await, 1, "its account is gone");
    jobs::daily(&app.app, Timestamp::now().plus(DAY + HOUR)).await.unwrap();
    assert_eq!(checks(&app).await, 0);
    assert_eq!(provider.forgot(), ["/checks/chk_2", "/checks/chk_1"]);

    let off = TestApp::new().await;
    let mut ada = off.buyer("Ada Field").await;
    freezes(&off, &ada).await;
    assert!(!ada.get("/held").await.is(200).has("held/proof"));
    ada.says("/held", "/held/proof", &[]).await.is(404);
    let half = std::collections::BTreeMap::from([(
        "CUEHOUSE_AGE_PROVIDER_URL".to_owned(),
        "https://age.example".to_owned(),
    )]);
    assert!(cuehouse::Config::read(None, &half).is_err());
}
