//! A child is led nowhere else.

use cuehouse::ads::campaign::Pitch;

use super::*;
use crate::ads::{pitch, runs};
use crate::support::wards::{answers, permitted};

/// R-EN-4, R-MN-3: in a child's session there are no pages that lead away, to a vendor, by somebody's link or by an
/// advertisement; on a site for children, too, neither before the age question was answered, and no advertisement is shown
/// that would lead away. Of age they are there.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_led_away_nowhere() {
    let app =
        TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"), ("CUEHOUSE_VENDORS", "ga4=G-TEST")])
            .await;
    let mut ines = app.uploader("Ines Morrow").await;
    let fields = [("name", "Ines Morrow"), ("about", "Cellist."), ("links", "https://ines.example")];
    ines.send("/studio/profile", "/studio/profile", &fields).await.is(303);
    let id = runs(&app, Pitch { target: "https://rain.example/".into(), ..pitch("Umbrellas") }).await;
    let ways = [
        ("/leave/vendor/ga4/privacy".to_owned(), "/leave/vendor/ga4/privacy/away".to_owned()),
        ("/leave/@ines-morrow/0".to_owned(), "/leave/@ines-morrow/0/away".to_owned()),
        (format!("/ads/{id}/leave"), format!("/ads/{id}/go")),
    ];
    let (mut kid, _) = permitted(&app, 9, "Star Kid", false).await;
    let (mut unasked, mut young, mut grown) = (app.visitor(), app.visitor(), app.visitor());
    answers(&mut young, 9).await.is(303);
    answers(&mut grown, 30).await.is(303);
    for (way, away) in &ways {
        assert!(unasked.get(way).await.is(303).location().starts_with("/age?to="));
        // An advertisement asks first, too; the others are there for nobody who was not asked.
        unasked.get(away).await.is(if away.starts_with("/ads/") { 303 } else { 404 });
        for child in [&mut kid, &mut young] {
            child.get(way).await.is(404);
            child.get(away).await.is(404);
        }
        for adult in [&mut ines, &mut grown] {
            adult.get(way).await.is(200);
            adult.get(away).await.is(303);
        }
    }
    // What leads nowhere is not shown as a way either.
    for (page, way) in [("/privacy/vendors", "/leave/vendor/"), ("/@ines-morrow", "/leave/@ines-morrow/")] {
        for (who, is_led) in [(&mut grown, true), (&mut ines, true), (&mut young, false), (&mut kid, false)] {
            assert_eq!(who.get(page).await.is(200).link(way).is_some(), is_led, "{page}");
        }
    }
    assert!(grown.get("/").await.is(200).has("Umbrellas") && !young.get("/").await.is(200).has("Umbrellas"));
    // To a page of ours nobody is led away.
    let own = runs(&app, pitch("Which of them fits")).await;
    assert_eq!(young.get(&format!("/ads/{own}/go")).await.is(303).location(), "/licences");
    // Elsewhere an answer is not waited for; a child that was turned away is led nowhere all the same.
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]).await;
    let (mut unasked, mut young) = (app.visitor(), app.visitor());
    unasked.get(&ways[0].0).await.is(200);
    answers(&mut young, 9).await;
    young.get(&ways[0].0).await.is(404);
}
