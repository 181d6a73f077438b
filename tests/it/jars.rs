//! What vendors left in the browser goes, wherever it lies: on this host, on every parent somebody can own, under closed
//! and partitioned cookies, and beside cookies too. In a real browser over https, under the names people type.

use std::collections::BTreeSet;

use cuehouse::consent::janitor;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::chromium::{Chromium, Driver};
use crate::support::park::Park;
use crate::support::proxy::Proxy;

/// Hosts of the shop, and the domain each may share with its siblings.
const HOSTS: [(&str, &str); 3] = [
    ("app.cuehouse.test", "cuehouse.test"),
    ("www.app.cuehouse.test", "cuehouse.test"),
    ("shop.example.co.uk", "example.co.uk"),
];

/// Puts one cookie into the jar, as a vendor's script or server would have.
async fn puts(browser: &Chromium, host: &str, name: &str, more: Value) {
    let mut cookie = json!({ "name": name, "value": "1", "url": format!("https://{host}/"), "path": "/" });
    for (key, value) in more.as_object().unwrap() {
        cookie[key.as_str()] = value.clone();
    }
    let answer = browser.devtools("Network.setCookie", cookie.clone()).await;
    assert_eq!(answer["value"]["success"], true, "{cookie}: {answer}");
}

/// Every kind of place a cookie of this name may lie in.
async fn fills(browser: &Chromium, host: &str, domain: &str) {
    puts(browser, host, "_ga", json!({})).await;
    puts(browser, host, "_ga_ABC123", json!({ "domain": format!(".{domain}") })).await;
    puts(browser, host, "_gid", json!({ "domain": format!(".{host}"), "httpOnly": true, "secure": true }))
        .await;
    puts(browser, host, "HstCfa77", json!({ "secure": true, "sameSite": "None" })).await;
    let part = json!({ "topLevelSite": format!("https://{domain}"), "hasCrossSiteAncestor": false });
    let partitioned = json!({ "secure": true, "sameSite": "None", "partitionKey": part });
    puts(browser, host, "sc_is_visitor_unique", partitioned).await;
    puts(browser, host, "unknown", json!({})).await;
}

/// The names in the whole jar.
async fn jar(browser: &Chromium) -> BTreeSet<String> {
    let all = browser.devtools("Storage.getCookies", json!({})).await;
    let all = all["value"]["cookies"].as_array().unwrap_or_else(|| panic!("{all}")).clone();
    all.iter().map(|cookie| cookie["name"].as_str().unwrap().to_owned()).collect()
}

fn left(jar: &BTreeSet<String>) -> Vec<&String> {
    jar.iter().filter(|name| !name.starts_with("__Host-") && *name != "unknown").collect()
}

async fn shop(proxy: &Proxy, host: &str) -> TestApp {
    let site = format!("https://{host}");
    let vendors = "ga4=G-TEST,statcounter=123:abc,histats=77";
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", vendors), ("CUEHOUSE_SITE_URL", &site)]).await;
    proxy.leads_to(&app.url);
    app
}

/// T-CK-1, T-CK-2, T-CK-3, T-CK-5, R-CN-8: what lay there before the first visit goes with the first answer; what was put
/// there under a yes goes with one withdrawal: host-only, on parent domains, closed to scripts, partitioned; also under a
/// suffix of two labels. What vendors keep beside cookies goes too. What is ours, and nobody's, stays.
#[tokio::test(flavor = "multi_thread")]
async fn one_withdrawal_empties_the_jar() {
    let Some(driver) = Driver::start() else { return };
    let (park, proxy) = (Park::open().await, Proxy::open_https().await);
    let rules: String =
        HOSTS.iter().map(|(host, _)| format!("MAP {host} 127.0.0.1:{}, ", proxy.port)).collect();
    for (host, domain) in HOSTS {
        let app = shop(&proxy, host).await;
        let (browser, _) = park.visitor(&driver, &format!("https://{host}"), &rules).await;
        browser.open("/healthz").await;
        fills(&browser, host, domain).await;
        assert_eq!(left(&jar(&browser).await).len(), 5, "{host}: the jar is full, or nothing is shown");
        browser.open("/licences").await;
        let after = jar(&browser).await;
        assert_eq!(left(&after), Vec::<&String>::new(), "{host}: before the first visit");
        assert!(after.contains("unknown"), "what is nobody's we leave alone");

        browser.open("/").await;
        browser.press_words("#consent-banner", "Accept all").await;
        browser.see(".notice").await;
        for vendor in ["google-analytics.com", "c.statcounter.com", "s4.histats.com"] {
            park.hears(vendor).await;
        }
        browser.until("localStorage.getItem('statcounter_x')").await;
        let filled = "new Promise((done) => { const open = indexedDB.open('vendor'); open.onsuccess = () => { open.result.close(); done(true); }; })";
        let keep = format!("const done = arguments[arguments.length - 1]; ({filled}).then(done)");
        browser.client.execute_async(&keep, vec![]).await.unwrap();
        fills(&browser, host, domain).await;
        browser.open("/privacy/choices").await;
        assert!(left(&jar(&browser).await).len() >= 5, "granted, they stay");
        browser.press_words("form.choose", "Reject all").await;
        browser.see(".notice").await;
        browser.open("/licences").await;
        let after = jar(&browser).await;
        assert_eq!(left(&after), Vec::<&String>::new(), "{host}: after a withdrawal");
        assert!(after.contains("unknown") && after.contains("__Host-cs"), "{host}: {after:?}");
        assert_eq!(browser.value("localStorage.length").await, 0, "{host}");
        let bases = "const done = arguments[arguments.length - 1]; indexedDB.databases().then((all) => done(all.length))";
        assert_eq!(browser.client.execute_async(bases, vec![]).await.unwrap(), 0, "{host}");
        park.hits().await;
        browser.client.close().await.unwrap();
        drop(app);
    }
    assert!(janitor::TAKEN.load(std::sync::atomic::Ordering::Relaxed) > 20);
}
