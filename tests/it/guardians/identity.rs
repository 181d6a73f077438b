//! That a guardian is who they say, found out by a provider.

use std::collections::BTreeMap;

use cuehouse::config::Config;
use cuehouse::consent::disclosure;
use cuehouse::db::schema::{provider_checks, verifications};
use cuehouse::guardians::check::{Check, Found, Whose};
use cuehouse::guardians::identity;
use cuehouse::guardians::verification::{Outcome, Verification};
use cuehouse::guardians::ward::{self, Opens};
use serde_json::json;

use super::*;
use crate::support::provider::{KEY, Provider};
use crate::support::wards::permitted;

/// A shop whose guardians may go to this provider, by these methods.
async fn shop(provider: &Provider, methods: &str, more: &[(&str, &str)]) -> TestApp {
    let mut settings = vec![
        ("CUEHOUSE_AGE_IDENTITY_URL", provider.url.as_str()),
        ("CUEHOUSE_AGE_IDENTITY_SECRET", KEY),
        ("CUEHOUSE_AGE_IDENTITY_NAME", "Identity Desk"),
        ("CUEHOUSE_AGE_METHODS", methods),
    ];
    settings.extend_from_slice(more);
    TestApp::with(&settings).await
}

async fn checks(app: &TestApp) -> i64 {
    app.app.db.read(|conn| Ok(provider_checks::table.count().get_result(conn)?)).await.unwrap()
}

/// What was proved or is waited for, without the forms on paper.
async fn proofs(app: &TestApp) -> Vec<Verification> {
    let all = app.app.db.read(|conn| {
        let all = verifications::table.filter(verifications::method.ne(Method::SignedForm));
        Ok(all.select(Verification::as_select()).load(conn)?)
    });
    all.await.unwrap()
}

async fn allowed(app: &TestApp, browser: &Browser, scope: Scope) -> bool {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| may(conn, &user, scope, Timestamp::now())).await.unwrap()
}

/// The guardian begins a check on their page.
async fn begins(app: &TestApp, home: &str, method: &str) -> Seen {
    app.visitor().send(home, &format!("{home}/identity"), &[("method", method)]).await
}

/// The button of a guardian's page pressed, whether or not the page shows it.
async fn says(app: &TestApp, home: &str, action: &str, fields: &[(&str, &str)]) -> Seen {
    app.visitor().says("/guardians", &format!("{home}{action}"), fields).await
}

/// R-PV-1, T-PV-1, T-PV-4: a guardian may go to the provider that the notice names. It is told a reference, the method and
/// where to lead back to; it is asked for the result when the guardian presses the button, and made to forget. A yes counts
/// in one write with one leaf; kept are the method and when. A no is noted nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_prove_a_guardian() {
    let provider = Provider::start().await;
    let app = shop(&provider, "email_plus,signed_form,gov_id_db,kba", &[]).await;
    let (kid, home) = ward(&app, "Rain Kid", &["upload", "sell", "payouts"]).await;
    assert!(
        app.visitor().get("/privacy/rights").await.is(200).has("Identity Desk"),
        "it stands in the notice"
    );
    let asked = app.letters_to("guardian-of-rain.kid@example.com").remove(0);
    assert!(asked.text.contains("prove with Identity Desk") && asked.text.contains("a child could not give"));
    let page = app.visitor().get(&home).await.is(200);
    assert!(page.has("Go to Identity Desk, which") && page.link(&provider.url).is_none());
    assert!(!page.has("Prove it with a picture"), "that one is off");
    for off in ["face_match", "text_plus", "card_transaction", "email_plus", ""] {
        begins(&app, &home, off).await.is(404);
    }
    assert!(provider.asked().is_empty());

    begins(&app, &home, "kba").await.is(303);
    let asked = provider.asked();
    let told: Value = serde_json::from_str(&asked[0].body).unwrap();
    let mut names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["method", "reference", "return_to"]);
    assert_eq!(told["method"], "kba");
    let back = told["return_to"].as_str().unwrap().strip_prefix(&app.app.config.site_url).unwrap().to_owned();
    assert!(app.visitor().get(&back).await.is(200).has("Back to your page"));
    let (token, now) = (home.rsplit('/').next().unwrap(), ward_of(&app, &kid).await.unwrap());
    let user = kid.user.clone().unwrap().to_string();
    for known in [
        token,
        now.id.as_str(),
        user.as_str(),
        "Rain",
        "rain.kid",
        "rain-kid",
        "Grace",
        "guardian-of",
        "cookie",
        "referer",
    ] {
        let (body, head) = (&asked[0].body, asked[0].head.to_lowercase());
        assert!(!body.contains(known) && !head.contains(&known.to_lowercase()), "{known}");
    }
    let desk = format!("{}/page/chk_1", provider.url);
    let page = app.visitor().get(&home).await.is(200);
    assert_eq!(page.link(&desk), Some(desk));
    assert!(page.has("noreferrer"));
    let day = Timestamp::now().day();
    let ledger = app.app.db.read(move |conn| disclosure::of_day(conn, &day)).await.unwrap();
    assert!(ledger.contains(&("identity_proof".to_owned(), "identity_proof".to_owned(), 1)), "{ledger:?}");

    // Looking at a page asks nobody anything; no result is no yes, and neither is one that is not a plain yes.
    assert_eq!(provider.asked().len(), 1);
    let before = leaves(&app).await;
    for open in
        [json!({"result": "open"}), json!({"passed": true}), json!({"result": "over"}), json!("passed")]
    {
        provider.finds(open);
        let seen = presses(&app, &home, "/identity/result").await.is(303);
        assert_eq!(seen.location(), format!("{home}#proof"));
    }
    assert_eq!(checks(&app).await, 1);
    // No: nothing is noted, the provider forgets, and it can be tried again.
    provider.finds(json!({"result": "failed", "name": "Grace Field", "born": "2012-03-04"}));
    presses(&app, &home, "/identity/result").await.is(303);
    assert!(proofs(&app).await.is_empty() && !allowed(&app, &kid, Scope::Sell).await);
    assert_eq!((leaves(&app).await, checks(&app).await), (before, 0));
    assert_eq!(provider.forgot(), ["/checks/chk_1"]);
    // Yes.
    begins(&app, &home, "gov_id_db").await.is(303);
    provider.finds(json!({"result": "passed", "name": "Grace Field", "born": "1984-03-04"}));
    presses(&app, &home, "/identity/result").await.is(303);
    assert!(allowed(&app, &kid, Scope::Sell).await && allowed(&app, &kid, Scope::Payouts).await);
    assert_eq!((leaves(&app).await, checks(&app).await), (before + 1, 0));
    assert_eq!(provider.forgot(), ["/checks/chk_1", "/checks/chk_2"]);
    let rows = proofs(&app).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.method, row.result), (Method::GovIdDb, Outcome::Passed));
    assert!(
        row.at.is_some() && row.reference.is_none() && row.first_reviewer.is_none() && row.payment.is_none()
    );
    let page = app.visitor().get(&home).await.is(200);
    assert!(!page.has("Identity Desk") && !page.has("waits for a proof"), "nothing is waited for any more");
    let data = app.visitor().get(&format!("{home}/data.json")).await.is(200).text();
    assert!(data.contains("gov_id_db") && !data.contains("1984-03-04") && !data.contains("chk_"));
    let all = provider.asked();
    let references: Vec<&String> = all.iter().filter(|a| a.method == "POST").map(|a| &a.body).collect();
    assert_ne!(references[0], references[1], "no reference is used twice");
    assert!(all.iter().all(|a| a.head.contains(&format!("Bearer {KEY}"))));
    // Used for nothing else: there is nothing to prove any more.
    says(&app, &home, "/identity", &[("method", "kba")]).await.is(409);
    says(&app, &home, "/identity/result", &[]).await.is(409);
    assert_eq!(provider.asked().len(), all.len());
}

/// R-PV-1, R-PV-3, T-PV-4: a parent who was found to be who they say unlocks that others hear their child, and nothing before. The
/// notice about children names the provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_is_proved_by_a_provider_lets_a_child_be_heard() {
    let provider = Provider::start().await;
    let child = [("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")];
    let app = shop(&provider, "email_plus,face_match", &child).await;
    let notice = app.visitor().get("/privacy/children").await.is(200);
    assert!(notice.has("Identity Desk") && notice.has("Nothing about a child"));
    let (kid, home) = permitted(&app, 9, "Star Kid", true).await;
    assert!(!allowed(&app, &kid, Scope::Publication).await);
    begins(&app, &home, "face_match").await.is(303);
    assert!(!allowed(&app, &kid, Scope::Publication).await, "going there proves nothing");
    provider.finds(json!({"result": "passed"}));
    let before = leaves(&app).await;
    presses(&app, &home, "/identity/result").await.is(303);
    assert!(allowed(&app, &kid, Scope::Publication).await && !allowed(&app, &kid, Scope::Sell).await);
    assert_eq!((state_of(&app, &kid).await, leaves(&app).await), (Some(State::Disclosing), before + 1));
    let rows = app.app.db.read(|conn| {
        let rows = permissions::table.filter(permissions::scope.eq(Scope::Publication));
        Ok(rows.select(permissions::method).load::<Option<Method>>(conn)?)
    });
    assert_eq!(rows.await.unwrap(), [Some(Method::FaceMatch)]);
}

/// R-PV-1: only the page of whoever answers begins a check, and only where something waits: not the link that takes
/// everything back, not one that is unknown, not another ward's. How often is limited. Of two who bring the same yes one is
/// heard.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_begun_only_by_whom_it_is_for() {
    let provider = Provider::start().await;
    let app = shop(&provider, "email_plus,kba", &[]).await;
    let kba = [("method", "kba")];
    // Nothing waits for a general permission.
    let (_, plain) = permitted(&app, 15, "Plain Kid", false).await;
    says(&app, &plain, "/identity", &kba).await.is(409);
    says(&app, &plain, "/identity/result", &[]).await.is(409);
    says(&app, "/guardians/nobody", "/identity", &kba).await.is(404);
    says(&app, "/guardians/nobody", "/identity/result", &[]).await.is(404);
    let (kid, home) = ward(&app, "Rain Kid", &["sell"]).await;
    let (other, else_home) = ward(&app, "Loop Kid", &["sell"]).await;
    assert!(provider.asked().is_empty());
    begins(&app, &home, "kba").await.is(303);
    // The link of the later letters takes everything back, and opens nothing else.
    let (token, now) = (secrets::token().unwrap(), ward_of(&app, &kid).await.unwrap());
    let end = format!("/guardians/{token}");
    app.app
        .db
        .write(move |conn| ward::link(conn, &now.id, Opens::Revoke, &token, Timestamp::now()))
        .await
        .unwrap();
    assert!(!app.visitor().get(&end).await.is(200).has("Identity Desk"));
    says(&app, &end, "/identity", &kba).await.is(404);
    says(&app, &end, "/identity/result", &[]).await.is(404);
    // What was begun for one ward proves nothing for another.
    provider.finds(json!({"result": "passed"}));
    assert!(app.visitor().get(&else_home).await.is(200).link(&provider.url).is_none());
    says(&app, &else_home, "/identity/result", &[]).await.is(303);
    assert!(!allowed(&app, &other, Scope::Sell).await && !allowed(&app, &kid, Scope::Sell).await);
    assert_eq!(provider.asked().len(), 1);
    // Five within an hour.
    for _ in 0..4 {
        begins(&app, &home, "kba").await.is(303);
    }
    begins(&app, &home, "kba").await.is(429);
    // The same yes twice.
    let ward = ward_of(&app, &kid).await.unwrap().id;
    let open = app
        .app
        .db
        .read(move |conn| Check::open_of(conn, Whose::GuardianOf(&ward), Timestamp::now()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(open.provider_ref, "chk_5", "one at a time is open");
    let before = leaves(&app).await;
    let mut heard = vec![];
    for _ in 0..2 {
        let (g, stub, open) = (ground(&app), draws(), open.clone());
        let said = app
            .app
            .db
            .write(move |conn| identity::conclude(conn, &g, &open, Found::Yes, &stub, Timestamp::now()));
        heard.push(said.await);
    }
    assert!(matches!(&heard[..], [Ok(true), Err(Error::Conflict(_))]), "{heard:?}");
    assert_eq!((leaves(&app).await, proofs(&app).await.len()), (before + 1, 1));
    assert!(allowed(&app, &kid, Scope::Sell).await && !allowed(&app, &other, Scope::Sell).await);
}

/// R-PV-1: a check that nobody came back from, whose ward is gone, or in whose place another proof came, is forgotten within a
/// day, here and there; the provider is told again every day until it has.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_guardian_is_forgotten_within_a_day() {
    let provider = Provider::start().await;
    let app = shop(&provider, "email_plus,signed_form,kba", &[]).await;
    let (_, home) = ward(&app, "Rain Kid", &["sell"]).await;
    let (_, else_home) = ward(&app, "Loop Kid", &["sell"]).await;
    let (_, paper) = ward(&app, "Paper Kid", &["sell"]).await;
    for home in [&home, &else_home, &paper] {
        begins(&app, home, "kba").await.is(303);
    }
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!((checks(&app).await, provider.forgot().len()), (3, 0), "there is time");
    // The ward is forgotten, and with it whose check it was.
    let erasure = format!("{else_home}/erasure");
    app.visitor().send(&else_home, &erasure, &[("name", "Loop Kid")]).await.is(200);
    let nobodys = app.app.db.read(|conn| {
        let gone = provider_checks::table.filter(provider_checks::ward.is_null());
        Ok(gone.select(provider_checks::provider_ref).load::<String>(conn)?)
    });
    assert_eq!(nobodys.await.unwrap(), ["chk_2"]);
    provider.is_stubborn(true);
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!((checks(&app).await, provider.forgot()), (3, vec!["/checks/chk_2".to_owned()]));
    provider.is_stubborn(false);
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!((checks(&app).await, provider.forgot().len()), (2, 2), "told again");
    // Proved on paper meanwhile: nothing more is asked.
    let (mut rae, mut ada) = (app.reviewer().await, app.admin().await);
    let code = app.visitor().get(&paper).await.text().split("code ").nth(1).unwrap()[..8].to_owned();
    let desk = rae.get("/admin/age").await.is(200).text().replace("&#x2F;", "/");
    let form = desk.split("action=\"").skip(1).collect::<Vec<_>>();
    for look in form.iter().filter_map(|r| r.split('"').next()).filter(|a| a.ends_with("/look")) {
        for one in [&mut rae, &mut ada] {
            one.says("/admin/age", look, &[("code", &code)]).await;
        }
    }
    jobs::daily(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!(provider.forgot().last().map(String::as_str), Some("/checks/chk_3"));
    jobs::daily(&app.app, Timestamp::now().plus(DAY + HOUR)).await.unwrap();
    assert_eq!(checks(&app).await, 0);
    assert_eq!(provider.forgot().last().map(String::as_str), Some("/checks/chk_1"));
}

/// R-PV-1, T-PV-1: without the setting there is no such way; half a setting starts nothing, and no fault says the key.
#[tokio::test(flavor = "multi_thread")]
async fn proof_by_a_provider_is_off_by_itself() {
    let app = TestApp::new().await;
    let (kid, home) = ward(&app, "Rain Kid", &["sell"]).await;
    let page = app.visitor().get(&home).await.is(200);
    assert!(page.has("waits for a proof") && !page.has("/identity"));
    for method in ["kba", "gov_id_db", "face_match"] {
        says(&app, &home, "/identity", &[("method", method)]).await.is(404);
    }
    says(&app, &home, "/identity/result", &[]).await.is(404);
    assert!(!allowed(&app, &kid, Scope::Sell).await);

    let faults = |pairs: &[(&str, &str)]| {
        let env: BTreeMap<String, String> =
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Config::read(None, &env).err().unwrap_or_default().join("; ")
    };
    const URL: &str = "CUEHOUSE_AGE_IDENTITY_URL";
    const SECRET: (&str, &str) = ("CUEHOUSE_AGE_IDENTITY_SECRET", "a-key-of-the-shop");
    const METHODS: (&str, &str) = ("CUEHOUSE_AGE_METHODS", "email_plus,kba");
    for (pairs, fault) in [
        (
            vec![(URL, "https://identity.example")],
            "CUEHOUSE_AGE_IDENTITY_SECRET belongs to CUEHOUSE_AGE_IDENTITY_URL",
        ),
        (vec![(URL, "http://identity.example"), SECRET], "an https address"),
        (vec![SECRET, METHODS], "set CUEHOUSE_AGE_IDENTITY_URL"),
        (vec![(URL, "https://identity.example"), SECRET, METHODS], ""),
    ] {
        let said = faults(&pairs);
        assert!(said.contains(fault) && said.is_empty() == fault.is_empty(), "{pairs:?}: {said}");
        assert!(!said.contains(SECRET.1), "{said}");
    }
    let env = [(URL, "https://identity.example"), SECRET, METHODS];
    let env: BTreeMap<String, String> = env.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    let config = Config::read(None, &env).unwrap();
    assert!(!format!("{:?}", config.age).contains(SECRET.1));
}

/// R-PV-1: a proof is of whoever gave it. Where somebody else is named later, they answer unproved.
#[tokio::test(flavor = "multi_thread")]
async fn who_answers_after_a_proved_parent_is_not_proved_by_that() {
    let provider = Provider::start().await;
    let app = shop(&provider, "email_plus,kba", &[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    let (mut kid, home) = permitted(&app, 9, "Star Kid", true).await;
    begins(&app, &home, "kba").await.is(303);
    provider.finds(json!({"result": "passed"}));
    presses(&app, &home, "/identity/result").await.is(303);
    let found = ward_of(&app, &kid).await.unwrap();
    let month = Month::parse(found.next_band_month.as_deref().unwrap()).unwrap().begins();
    let (g, stub) = (ground(&app), draws());
    assert!(app.app.db.write(move |conn| growing::grow(conn, &g, &found.id, &stub, month)).await.unwrap());
    signs_in(&app, &mut kid).await;
    let named = [("guardian_email", "friend@example.com")];
    kid.send("/held", "/held/guardian", &named).await.is(303);
    app.run_jobs().await;
    let home = link_in(&app, "friend@example.com", "/guardians/");
    signs_at(&app, &home, &["upload", "sell"]).await;
    assert!(allowed(&app, &kid, Scope::Upload).await && !allowed(&app, &kid, Scope::Sell).await);
    assert!(app.visitor().get(&home).await.is(200).has("waits for a proof"));
    // They prove it themselves.
    begins(&app, &home, "kba").await.is(303);
    presses(&app, &home, "/identity/result").await.is(303);
    assert!(allowed(&app, &kid, Scope::Sell).await);
}
