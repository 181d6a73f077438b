//! What partners of advertising report: counts alone, and no longer than they may be kept.

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::db::schema::partner_days;
use cuehouse::jobs::calendar;
use diesel::prelude::*;

use crate::frames;
use crate::support::app::TestApp;

const AT: &str = "/admin/ads/partners";
const NAMES: &str = "day,placement,impressions,clicks,revenue";

async fn rows(app: &TestApp) -> i64 {
    app.app.db.read(|conn| Ok(partner_days::table.count().get_result(conn)?)).await.unwrap()
}

/// S3-63: an admin files a partner's month as counts of a day and a place; the same days told again replace what was told. A
/// report with any other column, of a network that is not on, or too fine to be a count is refused whole. What is filed goes by
/// itself when its time is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_partners_report_is_counts_alone_and_goes_by_itself() {
    let (app, _) = frames::shop(&[]).await;
    app.buyer("Bea Buyer").await.get(AT).await.is(403);
    let (mut ada, now) = (app.admin().await, Timestamp::now());
    assert!(ada.get("/admin/ads").await.is(200).has(&format!("href=\"{AT}\"")));
    let (day, old) = (now.plus(-DAY).day(), now.plus(-399 * DAY).day());
    for shown in ["1200", "1300"] {
        let report = format!("{NAMES}\n{day},front,{shown},30,4.56\n{old},track,10,1,0.04\n");
        ada.send(AT, AT, &[("partner", "adsense"), ("report", &report)]).await.is(303);
        assert_eq!(rows(&app).await, 2);
    }
    let page = ada.get(AT).await.is(200);
    assert!(page.has("data-label=\"Partner\">Google AdSense<"), "{}", page.text());
    assert!(page.has("1,300") && page.has("$4.56") && !page.has("1,200"), "{}", page.text());

    let later = now.plus(2 * DAY).day();
    let too_old = now.plus(-401 * DAY).day();
    let fine: String = (0..41).map(|n| format!("{day},visitor-{n},1,0,0\n")).collect();
    for (partner, report) in [
        ("adsense", format!("{NAMES},visitor\n{day},front,1,1,1,v-7\n")),
        ("adsense", format!("day,placement,impressions,clicks,ip\n{day},front,1,1,203.0.113.9\n")),
        ("adsense", format!("day,placement,impressions,clicks\n{day},front,1,1\n")),
        ("adsense", format!("{NAMES}\n{day},ada@example.com,1,1,1\n")),
        ("adsense", format!("{NAMES}\n{day},front,1,2,1\n")),
        ("adsense", format!("{NAMES}\n{day},front,-1,0,1\n")),
        ("adsense", format!("{NAMES}\n{day},front,{},1,1\n", i64::MAX)),
        ("adsense", format!("{NAMES}\n{day},front,1,1\n")),
        ("adsense", format!("{NAMES}\n{later},front,1,1,1\n")),
        ("adsense", format!("{NAMES}\n{too_old},front,1,1,1\n")),
        ("adsense", format!("{NAMES}\n{day},front,1,1,1\n{day},front,1,1,1\n")),
        ("adsense", format!("{NAMES}\n{fine}")),
        ("adsense", format!("{NAMES}\n")),
        ("magnite", format!("{NAMES}\n{day},front,1,1,1\n")),
        ("ga4", format!("{NAMES}\n{day},front,1,1,1\n")),
    ] {
        let seen = ada.send(AT, AT, &[("partner", partner), ("report", &report)]).await.is(422);
        assert!(seen.has("role=\"alert\""), "{report}");
        assert_eq!(rows(&app).await, 2, "{report}");
    }
    // Nor in several reports together: a day has forty places, whichever report tells of them.
    let places = |from: usize, to: usize| -> String {
        let lines: String = (from..to).map(|n| format!("{day},place-{n},1000000000,0,0\n")).collect();
        format!("{NAMES}\n{lines}")
    };
    ada.send(AT, AT, &[("partner", "adsense"), ("report", &places(1, 40))]).await.is(303);
    assert_eq!(rows(&app).await, 41);
    let seen = ada.send(AT, AT, &[("partner", "adsense"), ("report", &places(40, 41))]).await.is(422);
    assert!(seen.has("counts too finely") && seen.has("1,000,000,000"), "{}", seen.text());
    assert_eq!(rows(&app).await, 41);
    calendar::round(&app.app, now.plus(3 * DAY)).await.unwrap();
    assert_eq!(rows(&app).await, 40);
    assert!(app.visitor().get("/privacy/retention").await.is(200).has("data-table=\"partner_days\""));
    // Without a partner there is nobody to report.
    let app = TestApp::new().await;
    let mut ada = app.admin().await;
    assert!(ada.get(AT).await.is(200).has("No partner advertises here"));
    let report = format!("{NAMES}\n{day},front,1,1,1\n");
    ada.says(AT, AT, &[("partner", "adsense"), ("report", &report)]).await.is(422);
}
