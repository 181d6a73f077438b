//! Programs that answer for their people: DuckDuckGo's autoconsent, with our rule and with its heuristics alone, and the
//! rule for Consent-O-Matic. What they say they did is what happened.

use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::chromium::{Chromium, Driver};
use crate::support::park::Park;
use crate::support::tools;

const PAGES: [&str; 5] = ["/", "/search", "/licences", "/privacy", "/privacy/choices"];

async fn shop() -> TestApp {
    TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc,histats=77")]).await
}

/// Autoconsent in every document, as a browser brings it, with these rules. What it says is kept for this visit.
async fn bring_autoconsent(browser: &Chromium, library: &str, rules: &Value, heuristics: &str, action: &str) {
    let config = json!({
        "enabled": true, "autoAction": action, "disabledCmps": [], "enablePrehide": false,
        "enableCosmeticRules": true, "enableGeneratedRules": false, "detectRetries": 20, "isMainWorld": true,
        "prehideTimeout": 2000, "enableHeuristicDetection": true, "enablePopupMutationObserver": false,
        "visualTest": false, "performanceLoggingEnabled": false, "heuristicPopupSearchTimeout": 1000,
        "heuristicMode": heuristics,
        "logs": { "lifecycle": false, "rulesteps": false, "detectionsteps": false, "evals": false, "errors": false,
            "messages": false, "waits": false },
    });
    let bridge = format!(
        "if (location.protocol.startsWith('http')) {{
           window.autoconsentSendMessage = async (message) => {{
             const said = JSON.parse(sessionStorage.getItem('said') ?? '[]');
             sessionStorage.setItem('said', JSON.stringify([...said, message]));
             if (message.type !== 'init') return;
             setTimeout(() => window.autoconsentReceiveMessage({{ type: 'initResp', config: {config}, rules: {{ autoconsent: {rules} }} }}));
           }};
           {library}
         }}"
    );
    browser.brings(&bridge).await;
}

/// What it said of one kind, once it has.
async fn said(browser: &Chromium, kind: &str) -> Value {
    let find =
        format!("JSON.parse(sessionStorage.getItem('said') ?? '[]').find((m) => m.type === {})", json!(kind));
    browser.until(&find).await;
    browser.value(&find).await
}

async fn walks(browser: &Chromium) {
    for page in PAGES {
        browser.open(page).await;
        browser.until("document.readyState === 'complete'").await;
    }
}

/// T-DRV-1, R-CN-15: with our rule and without any, it finds the question, refuses, and is right about it: nobody is
/// contacted. The control: where it accepts, they are. Nothing of ours asks whether a browser is driven.
#[tokio::test(flavor = "multi_thread")]
async fn autoconsent_refuses_and_is_right() {
    let Some(driver) = Driver::start() else { return };
    let Some(library) = tools::package("@duckduckgo/autoconsent/dist/autoconsent.playwright.js") else {
        return;
    };
    let rule: Value = serde_json::from_str(&tools::ours("docs/rules/autoconsent.json")).unwrap();
    let (app, park) = (shop().await, Park::open().await);
    for (rules, heuristics, action) in
        [(json!([rule]), "off", "optOut"), (json!([]), "reject", "optOut"), (json!([rule]), "off", "optIn")]
    {
        let (browser, _) = park.visitor(&driver, &app.url, "").await;
        bring_autoconsent(&browser, &library, &rules, heuristics, action).await;
        browser.open("/").await;
        let found = said(&browser, "popupFound").await;
        let who = found["cmp"].as_str().unwrap().to_owned();
        assert_eq!(who == "cuehouse", heuristics == "off", "{found}");
        let done = said(&browser, if action == "optOut" { "optOutResult" } else { "optInResult" }).await;
        assert_eq!(done["result"], true, "{who}: {done}");
        browser.see(".notice").await;
        assert_eq!(browser.value("document.getElementById('consent-banner')").await, Value::Null);
        if action == "optIn" {
            park.hears("google-analytics.com").await;
            park.hits().await;
        } else {
            let says = browser.value("document.querySelector('.notice').textContent").await;
            assert!(says.as_str().unwrap().contains("Refused"), "{who}: {says}");
            walks(&browser).await;
            assert_eq!(park.hits().await, [], "{who}");
        }
        browser.client.close().await.unwrap();
    }
    for entry in
        std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("static/js")).unwrap()
    {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert!(!std::fs::read_to_string(&path).unwrap().contains("webdriver"), "{}", path.display());
        }
    }
}

/// T-DRV-2: the rule for Consent-O-Matic keeps to its schema, and does what its user wants: everything off, or statistics
/// on and nothing else. Whoever has decided is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_rule_for_consent_o_matic_does_what_is_wished() {
    let Some(driver) = Driver::start() else { return };
    let rules: Value = serde_json::from_str(&tools::ours("docs/rules/consent-o-matic.json")).unwrap();
    let interpreter = tools::ours("tests/it/support/consent_o_matic.js");
    let (app, park) = (shop().await, Park::open().await);
    for letters in [json!({}), json!({ "B": true })] {
        let (browser, _) = park.visitor(&driver, &app.url, "").await;
        browser.brings(&interpreter).await;
        let run = async || {
            let script = "return window.consentOMatic(arguments[0], arguments[1])";
            browser.client.execute(script, vec![rules.clone(), letters.clone()]).await.unwrap()
        };
        browser.open("/").await;
        assert_eq!(run().await, "cuehouse");
        browser.comes_to("/privacy/choices").await;
        browser.until("document.readyState === 'complete'").await;
        assert_eq!(run().await, "cuehouse-choices");
        browser.see(".notice").await;
        assert_eq!(run().await, Value::Null, "once is enough");
        if letters == json!({}) {
            walks(&browser).await;
            assert_eq!(park.hits().await, []);
        } else {
            for vendor in ["google-analytics.com", "c.statcounter.com", "s4.histats.com"] {
                park.hears(vendor).await;
            }
        }
        browser.client.close().await.unwrap();
    }
}
