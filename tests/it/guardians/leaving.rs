//! A child is led nowhere else.

use super::*;
use crate::support::wards::{answers, permitted};

/// R-EN-4, R-MN-3: in a child's session there are no pages that lead away, to a vendor or by somebody's link; on a site for
/// children, too, whoever was not asked for their age yet is asked first, and led nowhere. Of age they are there.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_led_away_nowhere() {
    let app =
        TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")])
            .await;
    let mut ines = app.uploader("Ines Morrow").await;
    let fields = [("name", "Ines Morrow"), ("about", "Cellist."), ("links", "https://ines.example")];
    ines.send("/studio/profile", "/studio/profile", &fields).await.is(303);
    let ways = ["/leave/vendor/ga4/privacy", "/leave/@ines-morrow/0"];
    let (mut kid, _) = permitted(&app, 9, "Star Kid", false).await;
    let (mut unasked, mut young, mut grown) = (app.visitor(), app.visitor(), app.visitor());
    answers(&mut young, 9).await.is(303);
    answers(&mut grown, 30).await.is(303);
    for way in ways {
        let away = format!("{way}/away");
        assert!(unasked.get(way).await.is(303).location().starts_with("/age?to="));
        unasked.get(&away).await.is(404);
        for child in [&mut kid, &mut young] {
            child.get(way).await.is(404);
            child.get(&away).await.is(404);
        }
        for adult in [&mut ines, &mut grown] {
            adult.get(way).await.is(200);
            adult.get(&away).await.is(303);
        }
    }
    // Elsewhere an answer is not waited for; a child that was turned away is led nowhere all the same.
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]).await;
    let (mut unasked, mut young) = (app.visitor(), app.visitor());
    unasked.get(ways[0]).await.is(200);
    answers(&mut young, 9).await;
    young.get(ways[0]).await.is(404);
}
