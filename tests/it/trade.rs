//! What the trade's scripts find in a page: nothing, unless the operator has an id of their own and switched it on.

use cuehouse::consent::trade::gpp::{Content, Gpp, US_NATIONAL};
use cuehouse::consent::trade::tcf::TcString;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};
use crate::support::chromium::Driver;
use crate::support::folder::TestFolder;

const VENDORS: (&str, &str) = ("CUEHOUSE_VENDORS", "ga4=G-TEST");

/// The shop of an operator with a registered consent manager.
async fn registered(folder: &TestFolder) -> TestApp {
    let list = folder.path().join("vendor-list.json");
    let text = json!({
        "gvlSpecificationVersion": 3, "vendorListVersion": 150, "tcfPolicyVersion": 5,
        "lastUpdated": "2026-11-26T16:00:00Z", "purposes": {}, "vendors": { "755": { "id": 755, "name": "Google" } },
    });
    std::fs::write(&list, text.to_string()).unwrap();
    TestApp::with(&[
        VENDORS,
        ("CUEHOUSE_TCF_CMP_ID", "4000"),
        ("CUEHOUSE_TCF_CMP_VERSION", "7"),
        ("CUEHOUSE_TCF_VENDOR_LIST", &list.display().to_string()),
        ("CUEHOUSE_GPP_SECTIONS", "usnat,usca"),
    ])
    .await
}

/// A `data-` attribute of the script of this name, as the page writes it.
fn told(page: &Seen, script: &str, name: &str) -> String {
    let text = page.text();
    let tag =
        text.split("<script ").find(|tag| tag.contains(&format!("js/{script}.js"))).expect("the script");
    let value = tag.split(&format!("data-{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
    value.replace("&quot;", "\"").replace("&#x2F;", "/").replace("&amp;", "&")
}

fn us(page: &Seen) -> (Vec<u8>, bool) {
    let gpp = Gpp::decode(&told(page, "gpp", "gpp")).unwrap();
    let section = gpp.sections().iter().find(|s| s.id == US_NATIONAL).unwrap();
    let Some(Content::Us(us)) = &section.content else { panic!("no section") };
    (us.answers("SaleOptOut").unwrap().to_vec(), us.gpc().unwrap())
}

/// T-TC-1, R-TC-4, R-TC-6: without an id of the operator's own and without a switch no page knows of either interface; with
/// them the strings say what was decided, refusals too, and mirror the signal. A CMP id without its list does not start.
#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_for_the_trade_only_where_the_operator_may() {
    let plain = TestApp::with(&[VENDORS]).await;
    let mut visitor = plain.visitor();
    for path in ["/", "/privacy/choices", "/nothing"] {
        let page = visitor.get(path).await;
        assert!(!page.has("js/tcf.js") && !page.has("js/gpp.js"), "{path}");
    }
    let folder = TestFolder::new();
    let app = registered(&folder).await;
    let mut browser: Browser = app.visitor();
    let page = browser.get("/").await.is(200);
    let text = page.text();
    assert!(text.find("js/tcf.js").unwrap() < text.find("</head>").unwrap());
    let tc = TcString::decode(&told(&page, "tcf", "tc-string")).unwrap();
    assert_eq!((tc.cmp_id, tc.cmp_version, tc.vendor_list_version, tc.policy_version), (4000, 7, 150, 5));
    assert!(tc.vendor_consents.is_empty() && tc.purposes_consent.is_empty());
    assert_eq!(told(&page, "tcf", "event"), "cmpuishown");
    assert_eq!(us(&page), (vec![1], false));
    assert_eq!(told(&page, "gpp", "signal"), "not ready");
    browser.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    let page = browser.get("/").await.is(200);
    let tc = TcString::decode(&told(&page, "tcf", "tc-string")).unwrap();
    assert!(tc.vendor_consents.is_empty(), "whoever is on is not on the list");
    let own: Vec<u16> = tc.publisher.unwrap().purposes_consent.iter().collect();
    assert_eq!(own, [1, 8, 9], "statistics of the shop's own were granted");
    assert_eq!(us(&page), (vec![2], false));
    assert_eq!(
        (told(&page, "tcf", "event").as_str(), told(&page, "gpp", "signal").as_str()),
        ("tcloaded", "ready")
    );
    let at = |src: &str| page.text().find(src).unwrap();
    assert!(at("js/tcf.js") < at("js/vendors/ga4.js") && at("js/gpp.js") < at("js/vendors/ga4.js"));
    assert_eq!(us(&browser.get_with("/", &[("Sec-GPC", "1")]).await), (vec![1], true));
    assert_eq!(
        us(&browser.get_with("/", &[("DNT", "1")]).await),
        (vec![1], false),
        "the sub-section mirrors Sec-GPC alone"
    );
}

/// T-TC-1, R-TC-4, R-TC-6: in a browser the interfaces answer before any vendor's script runs, under our own policy.
#[tokio::test(flavor = "multi_thread")]
async fn the_interfaces_answer_in_a_browser() {
    let Some(driver) = Driver::start() else { return };
    let folder = TestFolder::new();
    let (plain, app) = (TestApp::with(&[VENDORS]).await, registered(&folder).await);
    let browser = driver.desk(&plain.url).await;
    browser.open("/").await;
    assert_eq!(
        browser.value("[typeof window.__tcfapi, typeof window.__gpp]").await,
        json!(["undefined", "undefined"])
    );
    browser.client.close().await.unwrap();
    let browser = driver.desk(&app.url).await;
    browser.open("/").await;
    let ask = "const done = arguments[arguments.length - 1]; __tcfapi('ping', 2, (ping) => __tcfapi('addEventListener', 2, (data) => __gpp('ping', (gpp) => done([ping, data, gpp]))))";
    let heard = browser.client.execute_async(ask, vec![]).await.unwrap();
    let (ping, data, gpp) = (&heard[0], &heard[1], &heard[2]);
    assert_eq!(
        (&ping["cmpId"], &ping["displayStatus"], &ping["apiVersion"]),
        (&json!(4000), &json!("visible"), &json!("2.2"))
    );
    assert_eq!((&data["eventStatus"], &data["gdprApplies"]), (&json!("cmpuishown"), &json!(true)));
    assert_eq!(data["vendor"]["consents"], json!({}));
    assert!(TcString::decode(data["tcString"].as_str().unwrap()).is_ok());
    assert_eq!((&gpp["gppVersion"], &gpp["signalStatus"]), (&json!("1.1"), &json!("not ready")));
    assert_eq!(gpp["parsedSections"]["usnat"][1]["Gpc"], Value::Bool(false));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.client.close().await.unwrap();
}

/// R-TC-4: an id that is nobody's, or without the list it needs, stops the start.
#[test]
fn an_id_that_is_nobodys_is_refused() {
    let read = |pairs: &[(&str, &str)]| {
        let env = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        cuehouse::Config::read(None, &env).map(drop)
    };
    for id in ["0", "1", "4096", "yes", "-2"] {
        assert_eq!(read(&[("CUEHOUSE_TCF_CMP_ID", id)]).unwrap_err().len(), 1, "{id}");
    }
    let faults = read(&[("CUEHOUSE_TCF_CMP_ID", "4000")]).unwrap_err();
    assert!(faults[0].contains("CUEHOUSE_TCF_VENDOR_LIST"), "{faults:?}");
    assert!(read(&[("CUEHOUSE_GPP_SECTIONS", "usnat,ustx")]).is_err());
    assert!(read(&[("CUEHOUSE_GPP_SECTIONS", "usca")]).is_ok());
}
