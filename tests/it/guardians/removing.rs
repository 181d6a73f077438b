//! The eraser: what somebody under 18 put here they take away themselves.

use cuehouse::db::schema::uploads;

use super::*;
use crate::sales::http::{buys, numbers};

async fn published(app: &TestApp, kid: &mut Browser, rae: &mut Browser, name: &str, seed: u64) -> String {
    let slug = draft(app, kid, name, &music(seed, 6.0)).await;
    describes(kid, &slug, WORDS).await.is(303);
    let submission = format!("/studio/tracks/{slug}/submission");
    kid.send(&format!("/studio/tracks/{slug}/edit"), &submission, &[]).await.is(303);
    let at = format!("/admin/review/{slug}");
    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    app.visitor().get(&format!("/tracks/{slug}")).await.is(200);
    slug
}

async fn removes(kid: &mut Browser, slug: &str) {
    let removal = format!("/studio/tracks/{slug}/removal");
    // Without script the shop asks, by the name of the thing, and has touched nothing.
    let asked = kid.send(&format!("/studio/tracks/{slug}/edit"), &removal, &[]).await.is(200);
    assert!(asked.has("Remove “") && asked.has("” for good?"), "{}", asked.text());
    kid.get(&format!("/studio/tracks/{slug}/master")).await.is(200);
    let fields = asked.form(&removal);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert!(fields.contains(&("sure", "yes")));
    kid.post(&removal, &fields).await.is(303);
}

/// T-MIN-6, R-CA-8: a published sound is gone with its page and its file; of one that somebody licensed the page is gone at
/// once, the licence stays valid, and its file is for whoever holds it and nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_or_sold_can_be_removed() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_STRENGTH", "letter")]).await;
    let (mut kid, _) = ward(&app, "Rain Kid", &["upload", "sell"]).await;
    kid.send("/studio", "/studio/welcome", &[("handle", "rain-kid"), ("agreement", "yes")]).await.is(303);
    let mut rae = app.reviewer().await;
    let free = published(&app, &mut kid, &mut rae, "one.wav", 51).await;
    let sold = published(&app, &mut kid, &mut rae, "two.wav", 52).await;
    let is_gone = |slug: String| {
        let mut anybody = app.visitor();
        async move {
            for path in ["", "/sample.mp3", "/preview.mp3"] {
                anybody.get(&format!("/tracks/{slug}{path}")).await.is(404);
            }
        }
    };
    removes(&mut kid, &free).await;
    is_gone(free.clone()).await;
    kid.get(&format!("/studio/tracks/{free}/edit")).await.is(404);
    let files: i64 = app.app.db.read(|conn| Ok(uploads::table.count().get_result(conn)?)).await.unwrap();
    assert_eq!(files, 1, "the other one");

    let mut ada = app.buyer("Ada Field").await;
    let csrf = ada.get("/cart").await.csrf().unwrap();
    ada.post("/cart", &[("csrf", &csrf), ("track", &sold), ("tier", "creator")]).await.is(303);
    buys(&app, &mut ada).await;
    let number = numbers(&ada.get("/library").await).remove(0);
    let file = format!("/library/{number}/master");
    let master = ada.get(&file).await.is(200).bytes;
    removes(&mut kid, &sold).await;
    is_gone(sold).await;
    assert_eq!(ada.get(&file).await.is(200).bytes, master);
    let licence = ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    let keys = app.app.issuer.published().to_vec();
    assert!(matches!(verify::check(&licence.bytes, &keys), Verdict::Intact(_)));
    app.buyer("Ben Field").await.get(&file).await.is(404);
    assert_ne!(app.visitor().get(&file).await.status, 200);
}
