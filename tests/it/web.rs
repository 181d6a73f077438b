//! What holds on every page and every answer.

use std::path::Path;

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
    // Letters have their values beside `accounts::letter`; the pages of the pretend Stripe are asked for in `sandbox`.
    let pages = |name: &String| {
        name.ends_with(".html")
            && !["layouts/", "parts/", "sandbox/", "mail/"].iter().any(|folder| name.starts_with(folder))
            && !name.rsplit('/').next().unwrap_or_default().starts_with('_')
    };
    for name in app.app.templates.names().iter().filter(|name| pages(name)) {
        assert!(samples.iter().any(|s| s.template == name), "{name} has no sample values");
    }
}

/// A sign that PostgreSQL keeps in no text is refused as other wrong input is, whoever sends it, and nothing comes of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_that_no_text_has_is_refused_and_kept_nowhere() {
    let app = TestApp::new().await;
    let (mut ines, mut visitor) = (app.uploader("Ines Morrow").await, app.visitor());
    let form = "application/x-www-form-urlencoded";
    let asked = ines.get("/account/name").await.csrf().unwrap();
    for (path, fields) in [
        ("/account/name", "name=In%00es"),
        ("/account/name", "name=Ines&na%00me=Ines"),
        ("/studio/profile", "name=Ines&about=a%00b"),
        ("/studio/profile/handle", "handle=ines%00m"),
        ("/cart", "track=rain%00&tier=listen"),
    ] {
        let body = format!("csrf={asked}&{fields}").into_bytes();
        assert!(ines.post_raw(path, form, body, &[]).await.is(422).has("U+0000"), "{path} {fields}");
    }
    let part = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = format!("{}{}--edge--\r\n", part("csrf", &asked), part("words", "a\0b")).into_bytes();
    let kind = "multipart/form-data; boundary=edge";
    let seen = ines.post_raw("/studio/uploads", kind, body, &[]).await;
    assert!(seen.is(422).has("U+0000"));
    let asked = visitor.get("/sign-in").await.csrf().unwrap();
    for (path, fields) in [
        ("/sign-in", "email=ines%00@example.com&password=a+long+one"),
        ("/account/reset", "email=ines%00@example.com"),
        ("/verify", "number=%00"),
    ] {
        let body = format!("csrf={asked}&{fields}").into_bytes();
        assert!(visitor.post_raw(path, form, body, &[]).await.is(422).has("U+0000"), "{path}");
    }
    for path in ["/licences/%00", "/licences/listen/a%00b", "/tracks/%00", "/@ines%00", "/status/%00/1"] {
        visitor.get(path).await.is(404);
        ines.get(path).await.is(404);
    }
    visitor.set_cookie("session", "a%00b");
    visitor.set_cookie("basket", "%00");
    visitor.get("/cart").await.is(200);
    assert!(!app.every_row().await.contains("\\0"), "nothing of it is in a row");
}

/// Errors are pages with the headers of every answer. S1-13: none lets a page ask the browser where it is.
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

/// S2-35: a store that is away makes the shop unready, with the reason, for as long as it is away.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_said_to_operators() {
    let app = TestApp::new().await;
    let mut visitor = app.visitor();
    visitor.get("/readyz").await.is(200);
    let (there, away) = (&app.store, app.folder.path().join("away"));
    std::fs::rename(there, &away).unwrap();
    assert!(visitor.get("/readyz").await.is(503).has("storage: "));
    // It lives, all the same.
    visitor.get("/healthz").await.is(200);
    std::fs::rename(&away, there).unwrap();
    visitor.get("/readyz").await.is(200);
}

/// What a text refers to without TLS. Names of namespaces are no addresses that anybody asks for.
fn insecure(text: &str) -> Vec<String> {
    let text = text.replace("&#x2F;", "/");
    let after = text.split("http://").skip(1).filter(|rest| !rest.starts_with("www.w3.org/"));
    after.map(|rest| rest.chars().take(40).collect()).collect()
}

/// Everything that pages are made of.
fn parts(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.extension().and_then(|end| end.to_str()) {
            _ if path.is_dir() => parts(&path, out),
            Some("html" | "js" | "css" | "svg" | "txt") => {
                out.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
            _ => {}
        }
    }
}

/// S0-28, S1-32: on https every answer demands https from then on, an error and a file, too, and nothing that is sent
/// refers to an address without it. (That the plain address leads there is shown by `tests/deployment`.)
#[tokio::test(flavor = "multi_thread")]
async fn an_https_site_is_https_throughout() {
    for (site, is_secure) in [("https://shop.example", true), ("http://127.0.0.1:8000", false)] {
        let app = TestApp::with(&[("CUEHOUSE_SITE_URL", site)]).await;
        let mut visitor = app.visitor();
        let style = cuehouse::web::assets::address("css/cuehouse.css").unwrap();
        let pages = ["/", "/search", "/licences", "/sign-in", "/sign-up", "/verify", "/privacy", "/nothing"];
        for path in pages.into_iter().chain([style.as_str(), "/robots.txt", "/healthz"]) {
            let seen = visitor.get(path).await;
            let said = seen.header("strict-transport-security").unwrap_or_default();
            let seconds: u64 = said
                .split([';', ' '])
                .find_map(|part| part.strip_prefix("max-age="))
                .map_or(0, |n| n.parse().unwrap());
            // A year is what browsers ask of a site before they keep it in their lists.
            assert_eq!(seconds >= 31_536_000, is_secure, "{path}: {said}");
            if is_secure {
                assert_eq!(insecure(&seen.text()), [] as [String; 0], "{path}");
            }
        }
    }
    let (root, mut files) = (Path::new(env!("CARGO_MANIFEST_DIR")), vec![]);
    parts(&root.join("templates"), &mut files);
    parts(&root.join("static"), &mut files);
    assert!(files.len() > 100, "{}", files.len());
    for (file, text) in &files {
        assert_eq!(insecure(text), [] as [String; 0], "{file}");
    }
    assert_eq!(insecure("<img src=\"http://a.example/x.png\">"), ["a.example/x.png\">"]);
}
