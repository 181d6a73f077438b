//! The question itself, in a real browser: yes and no weigh the same, nothing is an answer but an answer, and nobody needs
//! a mouse, a wide screen or script for it.

use cuehouse::clock::Timestamp;
use cuehouse::consent::log;
use cuehouse::consent::vendor::Works;
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::browser::unescaped;
use crate::support::chromium::{Chromium, Driver};
use crate::support::shelf::{Piece, piece, seller, shelve};

async fn shop() -> TestApp {
    TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc,histats=77")]).await
}

async fn leaves(app: &TestApp) -> u64 {
    app.app.db.read(log::size).await.unwrap()
}

/// What a person compares: what it is, how large, in which letters, how clear, and whether anything lies over it.
const MEASURE: &str = r"
const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (el) => {
  for (let at = el; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    const parts = numbers(colour);
    if (parts.length === 3 || parts[3] === 1) return parts;
  }
  return [255, 255, 255];
};
const measure = (el) => {
  const style = getComputedStyle(el), box = el.getBoundingClientRect();
  const [high, low] = [light(numbers(style.color)), light(behind(el))].sort((a, b) => b - a);
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    tag: el.tagName, type: el.type, area: box.width * box.height,
    font: [style.fontFamily, style.fontSize, style.fontWeight, style.fontStyle, style.letterSpacing, style.textTransform,
      style.textDecorationLine, style.opacity].join(),
    border: [style.borderTopWidth, style.borderTopStyle, style.borderTopColor].join(),
    contrast: (high + 0.05) / (low + 0.05), is_open: top === el || el.contains(top),
    is_inside: box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= document.documentElement.clientWidth,
    tall: box.height,
  };
};
";

/// Compares refusal and acceptance inside what a selector names; the differences, if there are any.
async fn unequal(browser: &Chromium, within: &str) -> Vec<String> {
    let script = format!(
        "{MEASURE} const box = document.querySelector({within});
         const at = (value) => box.querySelector(`[name=choice][value=${{value}}]`);
         const [no, yes] = [at('refuse'), at('accept')];
         return [measure(no), measure(yes), no.nextElementSibling === yes,
           document.activeElement === document.body || document.activeElement === null,
           no.autofocus || yes.autofocus];",
        within = json!(within)
    );
    let Value::Array(all) = browser.client.execute(&script, vec![]).await.unwrap() else { panic!("no list") };
    let (no, yes) = (&all[0], &all[1]);
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap();
    let mut wrong = vec![];
    let mut must = |is: bool, what: String| {
        if !is {
            wrong.push(what);
        }
    };
    for same in ["tag", "type", "font", "border"] {
        must(no[same] == yes[same], format!("{same}: {} and {}", no[same], yes[same]));
    }
    let ratio = number(no, "area") / number(yes, "area");
    must((0.95..=1.05).contains(&ratio), format!("the areas differ by {ratio}"));
    let (a, b) = (number(no, "contrast"), number(yes, "contrast"));
    must(a >= 4.5 && b >= 4.5, format!("contrast {a} and {b}"));
    must((a / b - 1.0).abs() <= 0.1, format!("contrast {a} against {b}"));
    for button in [no, yes] {
        must(button["is_open"] == true, format!("something lies over {button}"));
        must(button["is_inside"] == true, format!("out of sight: {button}"));
        must(number(button, "tall") >= 24.0, format!("too small: {button}"));
    }
    must(all[2] == true, "they do not stand side by side, no first".into());
    must(all[3] == true, "something has the focus in advance".into());
    must(all[4] == false, "one of them asks for the focus".into());
    wrong
}

/// T-UX-1, R-CN-2, R-UX-1: refuse and accept are the same kind of element, equally large, in the same letters, equally
/// clear, side by side, one press each, neither of them focused; on a desk and on a telephone, by day and by night.
#[tokio::test(flavor = "multi_thread")]
async fn yes_and_no_weigh_the_same() {
    let Some(driver) = Driver::start() else { return };
    let app = shop().await;
    let browser = driver.desk(&app.url).await;
    for (width, height) in [(1280, 900), (375, 740)] {
        for is_dark in [false, true] {
            browser.looks(width, height, is_dark).await;
            browser.open("/").await;
            browser.see("#consent-banner").await;
            let wrong = unequal(&browser, "#consent-banner").await;
            assert!(wrong.is_empty(), "banner, {width} px, dark {is_dark}: {wrong:#?}");
            let first = "document.body.firstElementChild.id === 'consent-banner' && \
                         document.getElementById('consent-banner').getAttribute('role') === 'region'";
            assert_eq!(browser.value(first).await, true, "first in the document, and a region");
            browser.open("/privacy/choices").await;
            browser
                .client
                .execute("document.querySelector('.even-pair').scrollIntoView({ block: 'center' })", vec![])
                .await
                .unwrap();
            let wrong = unequal(&browser, "form.choose .even-pair").await;
            assert!(wrong.is_empty(), "choices, {width} px, dark {is_dark}: {wrong:#?}");
            // Nothing is answered in advance.
            let ticked = "document.querySelectorAll('main input:checked').length";
            assert_eq!(browser.value(ticked).await, 0);
        }
    }
    // One press each, and it is done.
    for (words, count) in [("Reject all", 1), ("Accept all", 2)] {
        let browser = driver.desk(&app.url).await;
        browser.open("/").await;
        browser.press_words("#consent-banner", words).await;
        browser.see(".notice").await;
        assert_eq!(browser.value("document.getElementById('consent-banner')").await, Value::Null);
        assert_eq!(leaves(&app).await, count, "{words}");
        browser.client.close().await.unwrap();
    }
    browser.client.close().await.unwrap();
}

/// T-UX-2, R-CN-3, PR-5, S0-22: scrolling, going on and closing are no answers. Nobody is asked again on the next page; a new
/// visit may be. R-UX-5: nothing moves or counts down.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_an_answer_is_one() {
    let Some(driver) = Driver::start() else { return };
    let app = shop().await;
    let ines = seller(&app.app.db, "Ines").await;
    shelve(&app.app, &ines, piece("Rain on tin")).await;
    let browser = driver.desk(&app.url).await;
    let banner = "document.getElementById('consent-banner') !== null";
    browser.open("/").await;
    assert_eq!(browser.value(banner).await, true);
    let moving = "document.getElementById('consent-banner').getAnimations({ subtree: true }).length";
    assert_eq!(browser.value(moving).await, 0);
    browser.client.execute("scrollTo(0, document.body.scrollHeight)", vec![]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(browser.value(banner).await, true, "scrolling closes nothing");
    // Going on, by script and without it.
    browser
        .client
        .execute("document.querySelector('.main-nav a[href=\"/licences\"]').click()", vec![])
        .await
        .unwrap();
    browser
        .until("location.pathname === '/licences' && !document.documentElement.classList.contains('going')")
        .await;
    browser.until(&format!("!({banner})")).await;
    browser
        .client
        .execute("document.querySelector('.foot a[href=\"/privacy/vendors\"]').click()", vec![])
        .await
        .unwrap();
    browser.comes_to("/privacy/vendors").await;
    browser.client.execute("document.querySelector('.mark').click()", vec![]).await.unwrap();
    browser.until("location.pathname === '/' && document.readyState === 'complete'").await;
    assert_eq!(browser.value(banner).await, false, "not asked again on the next page");
    assert_eq!(browser.value("document.querySelectorAll('[data-vendor]').length").await, 0);
    assert_eq!(leaves(&app).await, 0);
    // Whoever comes anew may be asked; whoever puts it off is not asked until the browser is closed.
    browser.open("/search").await;
    assert_eq!(browser.value(banner).await, true);
    browser.press_words("#consent-banner", "Not now").await;
    browser
        .until(&format!(
            "location.pathname === '/search' && document.readyState === 'complete' && !({banner})"
        ))
        .await;
    for page in ["/", "/licences", "/search"] {
        browser.open(page).await;
        assert_eq!(browser.value(banner).await, false, "{page}");
    }
    assert_eq!(leaves(&app).await, 0, "nothing of it was an answer");
    browser.client.close().await.unwrap();
}

/// T-UX-4, R-CN-5: taking a yes back is one press on any page, as giving it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_taken_back_with_one_press_on_any_page() {
    let app = shop().await;
    let mut browser = app.visitor();
    for page in ["/", "/search?q=rain", "/licences", "/privacy", "/privacy/vendors", "/cart", "/sign-in"] {
        browser
            .send("/privacy/choices", "/privacy/choices", &[("choice", "accept"), ("all", "yes")])
            .await
            .is(303);
        let seen = browser.get(page).await.is(200);
        let foot = seen.text().split("<footer").nth(1).unwrap().to_owned();
        assert!(foot.contains("href=\"/privacy/choices\""), "{page}");
        assert!(foot.contains("<button class=\"link\" name=\"choice\" value=\"refuse\">"), "{page}");
        let mut fields = seen.form("/privacy/choices");
        if !fields.iter().any(|(name, _)| name == "from") {
            continue;
        }
        fields.push(("choice".into(), "refuse".into()));
        let pairs: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let taken = browser.post("/privacy/choices", &pairs).await.is(303);
        assert_eq!(taken.location(), page, "back to where one was");
        let seen = browser.get(page).await.is(200);
        assert!(!seen.has("data-vendor") && !seen.has("take-back"), "{page}");
        assert!(!seen.header("content-security-policy").unwrap().contains("https://"));
    }
}

/// T-UX-3, R-CN-4, S1-24, S3-62: the row of a vendor says who it is, what for, whom it contacts, which cookies it keeps for how
/// long, how it is ended here, by itself and in the browser, and leads to its own opt-out and privacy page.
#[tokio::test(flavor = "multi_thread")]
async fn the_row_of_a_vendor_says_everything_about_it() {
    let app = shop().await;
    let page = app.visitor().get("/privacy/choices").await.is(200).text();
    let vendors = app.visitor().get("/privacy/vendors").await.is(200);
    for vendor in app.app.consent.on() {
        let row = page
            .split("<div class=\"vendor-row\">")
            .find(|row| row.contains(&format!("vendor.{}\"", vendor.id)));
        let row = row.unwrap_or_else(|| panic!("no row for {}", vendor.id));
        assert!(row.contains(&vendor.name) && row.contains(&vendor.owner));
        for purpose in &vendor.purposes {
            assert!(row.contains(&purpose.name().to_lowercase()), "{} {purpose:?}", vendor.id);
            assert!(page.contains(&format!("name=\"purpose.{}\"", purpose.slug())));
        }
        for host in vendor.hosts.granted() {
            assert!(row.contains(host.trim_start_matches("https://").split('/').next().unwrap()), "{host}");
        }
        for cookie in vendor.cookies.iter().filter(|c| !c.old) {
            assert!(row.contains(&cookie.lasts), "{} of {}", cookie.name, vendor.id);
        }
        assert!(row.contains(&format!("href=\"/privacy/vendors#{}\"", vendor.id)));
        let row = unescaped(row);
        for way in ["To end it here", "Its own opt-out", "In your browser"] {
            let told =
                row.split(&format!("<dt>{way}</dt><dd>")).nth(1).unwrap().split("</dd>").next().unwrap();
            assert!(told.len() > 20, "{way}: {told}");
        }
        for (n, out) in vendor.opt_outs.iter().enumerate() {
            let is_link = row.contains(&format!("href=\"/leave/vendor/{}/{n}\"", vendor.id));
            assert_eq!(is_link, out.link(Timestamp::now()).is_some(), "{}", vendor.id);
            let address = out.address.as_deref().filter(|_| !is_link && out.works == Works::Unknown);
            assert!(address.is_none_or(|address| row.contains(address)), "{row}");
        }
        assert_eq!(row.contains("Global Privacy Control"), vendor.trades());
        assert_eq!(
            vendors.has(&format!("/leave/vendor/{}/privacy", vendor.id)),
            vendor.privacy_page.is_some()
        );
    }
}

/// T-A11Y-2, R-UX-2, R-UX-3: with keys alone: both answers, the way to the choices, whose heading gets the focus, a switch,
/// and saving. What has the focus is seen, and the banner never lies wholly over it.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_enough_to_answer() {
    let Some(driver) = Driver::start() else { return };
    let app = shop().await;
    let ines = seller(&app.app.db, "Ines").await;
    for n in 0..6 {
        shelve(&app.app, &ines, piece(&format!("Rain, take {n}"))).await;
    }
    let browser = driver.desk(&app.url).await;
    browser.looks(1280, 720, false).await;
    browser.open("/").await;
    let mut seen = vec![];
    for _ in 0..60 {
        browser.keys(&[Key::Tab.into()]).await;
        let stop = browser
            .value(
                r"(() => { const el = document.activeElement; if (!el || el === document.body) return null;
                const box = el.getBoundingClientRect(), style = getComputedStyle(el);
                const points = [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]].map(([x, y]) => document.elementFromPoint(box.x + box.width * x, box.y + box.height * y));
                const marked = [el, el.parentElement].some((at) => { const s = getComputedStyle(at); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1; });
                return { what: el.tagName + ' ' + (el.textContent || el.name || '').trim().slice(0, 24), banner: Boolean(el.closest('#consent-banner')),
                  open: points.some((p) => p && (p === el || el.contains(p) || p.contains(el) && !p.matches('#consent-banner, #consent-banner *'))), marked }; })()",
            )
            .await;
        if stop.is_null() {
            break;
        }
        assert_eq!(stop["open"], true, "hidden: {stop}, after {seen:?}");
        assert_eq!(stop["marked"], true, "no mark of the focus: {stop}");
        seen.push(stop["what"].as_str().unwrap().to_owned());
    }
    assert!(seen.len() > 12, "{seen:?}");
    let at = |words: &str| {
        seen.iter().position(|what| what.contains(words)).unwrap_or_else(|| panic!("{words} in {seen:?}"))
    };
    assert!(at("Reject all") < at("Accept all") && at("Accept all") < at("Choose"), "{seen:?}");
    assert!(at("Choose") < at("Skip to content"), "the banner comes first and lets one go: {seen:?}");
    browser.open("/").await;
    browser.tabs_to("#consent-banner a.choose").await;
    browser.keys(&[Key::Enter.into()]).await;
    browser.comes_to("/privacy/choices").await;
    browser.until("document.activeElement.id === 'choose-title'").await;
    for name in ["purpose.analytics", "vendor.histats"] {
        browser.tabs_to(&format!("[name=\"{name}\"]")).await;
        browser.keys(&[' ']).await;
    }
    browser.tabs_to("form.choose button[value=save]").await;
    browser.keys(&[Key::Enter.into()]).await;
    browser.see(".notice").await;
    assert_eq!(browser.value("document.querySelector('[data-vendor]').dataset.vendor").await, "histats");
    let browser = driver.desk(&app.url).await;
    browser.open("/").await;
    browser.tabs_to("#consent-banner [value=refuse]").await;
    browser.keys(&[Key::Enter.into()]).await;
    browser.until("document.querySelector('.notice')?.textContent.includes('Refused')").await;
    browser.client.close().await.unwrap();
}

/// Figures in rows that are wider than the column they stand in.
const CUT: &str = "[...document.querySelectorAll('.track .facts > span')]
    .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)";

/// T-A11Y-3, R-UX-4: at 320 px, at 200 % and at 400 % nothing of the question is lost, nothing scrolls sideways, and the
/// page stays in sight beside it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_narrow_screens_and_in_large_letters() {
    let Some(driver) = Driver::start() else { return };
    let app = shop().await;
    let ines = seller(&app.app.db, "Ines").await;
    let long = Piece { bpm: Some(180.0), key: Some("fsm"), duration_ms: 3_723_000, ..piece("Rain on tin") };
    let track = shelve(&app.app, &ines, long).await;
    app.visitor().waits_for("/search?q=rain", &track.slug.to_string()).await;
    let browser = driver.desk(&app.url).await;
    let pages = [
        "/",
        "/search?q=rain",
        "/privacy/choices",
        "/privacy/vendors",
        "/privacy/rights",
        "/leave/vendor/ga4/privacy",
    ];
    for (width, height, letters) in
        [(320, 640, ""), (640, 450, ""), (320, 256, ""), (1280, 900, "200%"), (375, 740, "200%")]
    {
        browser.looks(width, height, false).await;
        for page in pages {
            browser.open(page).await;
            if !letters.is_empty() {
                browser
                    .client
                    .execute("document.documentElement.style.fontSize = arguments[0]", vec![json!(letters)])
                    .await
                    .unwrap();
            }
            let wide = browser
                .value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                .await;
            assert!(wide.as_i64().unwrap() <= 1, "{page} at {width} px {letters}: wider by {wide}");
            let cut = browser.value(CUT).await;
            assert_eq!(
                cut,
                json!([]),
                "{page} at {width} px {letters}: figures of rows that reach out of their place"
            );
        }
        browser.open("/").await;
        if !letters.is_empty() {
            browser
                .client
                .execute("document.documentElement.style.fontSize = arguments[0]", vec![json!(letters)])
                .await
                .unwrap();
        }
        let share = browser
            .value("document.getElementById('consent-banner').getBoundingClientRect().height / innerHeight")
            .await;
        assert!(share.as_f64().unwrap() <= 0.75, "the banner takes {share} of {height} px");
        for button in ["refuse", "accept", "later"] {
            let css = format!("#consent-banner [value={button}]");
            let reached = format!(
                "(() => {{ const el = document.querySelector({css}); el.scrollIntoView({{ block: 'nearest' }}); const b = el.getBoundingClientRect(); \
                 const top = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2); \
                 return (top === el || el.contains(top)) && el.scrollWidth <= el.clientWidth + 1; }})()",
                css = json!(css)
            );
            assert_eq!(browser.value(&reached).await, true, "{button} at {width} px {letters}");
        }
    }
    browser.client.close().await.unwrap();
}

/// T-A11Y-4, R-CN-6: without script everything about the question works.
#[tokio::test(flavor = "multi_thread")]
async fn without_script_everything_can_be_answered() {
    let Some(driver) = Driver::start() else { return };
    let app = shop().await;
    let plain = driver.plain(&app.url).await;
    plain.open("/").await;
    plain.press_words("#consent-banner", "Choose").await;
    plain.comes_to("/privacy/choices").await;
    for name in ["purpose.analytics", "vendor.statcounter"] {
        plain.press(&format!("main label:has([name=\"{name}\"])")).await;
    }
    plain.press_words("main", "Save these choices").await;
    plain.comes_to("/privacy/choices?receipt=").await;
    plain.see(".notice").await;
    assert_eq!(leaves(&app).await, 1);
    plain.open("/licences").await;
    plain.press_words(".foot", "Take back every yes").await;
    plain.comes_to("/licences").await;
    plain.see(".notice").await;
    assert_eq!(leaves(&app).await, 2);
    plain.client.close().await.unwrap();
}
