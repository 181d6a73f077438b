//! What holds on every page and every answer.

use crate::support::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_renders_with_sample_values() {
    let app = TestApp::new().await;
    let frame = cuehouse::web::page::Frame { site_name: "Cuehouse".into(), ..Default::default() };
    let samples = cuehouse::views();
    assert!(!samples.is_empty());
    for sample in &samples {
        let html = app.app.templates.page(sample.template, &sample.values, &frame);
        let html = html.unwrap_or_else(|error| panic!("{}: {error}", sample.template));
        assert!(html.contains("</html>"), "{}", sample.template);
        assert!(!html.contains(" style="), "{} has an inline style", sample.template);
    }
    let pages = |name: &String| {
        name.ends_with(".html")
            && !["layouts/", "parts/", "sandbox/", "mail/"].iter().any(|folder| name.starts_with(folder))
            && !name.rsplit('/').next().unwrap_or_default().starts_with('_')
    };
    for name in app.app.templates.names().iter().filter(|name| pages(name)) {
        assert!(samples.iter().any(|s| s.template == name), "{name} has no sample values");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_a_page_and_a_wrong_method_is_told_the_right_one() {
    let app = TestApp::new().await;
    let mut visitor = app.visitor();
    let missing = visitor.get("/no-such-page").await.is(404);
    assert!(missing.has("</html>"));
    let policy = missing.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert!(missing.header(name).is_some_and(|said| said.starts_with(value)), "{name}: {missing:?}");
    }
    let wrong = visitor.post("/healthz", &[]).await.is(405);
    assert_eq!(wrong.header("allow"), Some("GET, HEAD"));
    // A form field may turn a POST into another method; what is decided is decided on the method that counts.
    visitor.post("/healthz", &[("_method", "delete")]).await.is(405);
    // … but for HEAD, whose answer would announce bytes that never come to one who waits for them.
    visitor.post("/healthz", &[("_method", "head")]).await.is(405);
    assert!(visitor.post("/no-such-page", &[("_method", "head")]).await.is(404).has("</html>"));
    assert!(visitor.head("/no-such-page").await.is(404).bytes.is_empty());
    visitor.get("/healthz").await.is(200);
    visitor.get("/readyz").await.is(200);
    assert!(visitor.get("/metrics").await.is(200).has("cuehouse_faults_total"));
}

#[tokio::test(flavor = "multi_thread")]
async fn static_files_are_compressed_and_kept() {
    let app = TestApp::new().await;
    let mut visitor = app.visitor();
    let address = cuehouse::web::assets::address("css/cuehouse.css").unwrap();
    let plain = visitor.get(&address).await.is(200);
    assert!(plain.header("cache-control").unwrap().contains("immutable"));
    let packed = visitor.get_with(&address, &[("Accept-Encoding", "gzip")]).await.is(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.bytes.len() < plain.bytes.len());
    let tag = plain.header("etag").unwrap().to_owned();
    visitor.get_with(&address, &[("If-None-Match", &tag)]).await.is(304);
}
