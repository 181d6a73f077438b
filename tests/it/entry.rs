//! Coming in to a shop that is for children, too: everyone is asked once, before any page, and goes on to where they were going.
//! Which pages that is not true of, and why, stands in `age.rs`.

use cuehouse::consent::log;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};
use crate::support::chromium::Driver;
use crate::support::shelf::{piece, seller, shelve};
use crate::support::wards::born;

const CHILDREN: (&str, &str) = ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc");

/// The screen for somebody who is going there.
fn screen_for(path: &str) -> String {
    format!("/age?to={}", url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>())
}

/// What stands in the page itself, without the site's frame.
fn main_of(seen: &Seen) -> String {
    let text = seen.text().replace("&#x2F;", "/").replace("&amp;", "&");
    text.split("<main").nth(1).unwrap().split("</main>").next().unwrap().to_owned()
}

/// Sends the form of this screen as somebody of this age.
async fn answers(browser: &mut Browser, screen: &Seen, years: i32) -> Seen {
    let ((year, month), mut form) = (born(years), screen.form("/age"));
    form.extend([("birth_year".to_owned(), year), ("birth_month".to_owned(), month)]);
    let pairs: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post("/age", &pairs).await
}

/// T-AGE-4, T-AGE-5, T-AGE-6, R-AG-1, R-AG-2, R-AG-3, S1-29: whoever comes in unasked meets the screen, whatever page they ask for,
/// and lands there after their answer, which looks the same for every age; a second one is refused, and leads on. Only to pages
/// of ours. Nobody with an account meets it, nothing but a page does, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_in_is_asked_once_and_goes_on_to_where_they_were_going() {
    let app = TestApp::with(&[CHILDREN, ("CUEHOUSE_VENDORS", "ga4=G-TEST")]).await;
    let ines = seller(&app.app.db, "Ines").await;
    let href = shelve(&app.app, &ines, piece("Rain on tin")).await.href();
    let to = format!("{href}?from=a+b%26c&x=1");
    let before = app.app.db.read(log::size).await.unwrap();
    let mut looks = vec![];
    for years in [9, 15, 40] {
        let mut browser = app.visitor();
        let asked = browser.get(&to).await.is(303);
        assert_eq!(asked.location(), screen_for(&to));
        assert_eq!(asked.header("cache-control"), Some("private, no-store"));
        assert!(browser.told.is_empty(), "{:?}", browser.told);
        let screen = browser.get(asked.location()).await.is(200);
        assert_eq!(screen.header("cache-control"), Some("private, no-store"));
        assert!(!screen.has("data-consent-banner") && !screen.has("data-vendor"));
        // Who has an account comes back to the same page.
        let back = screen_for(&to).replacen("/age?to=", "/sign-in?next=", 1);
        assert_eq!(screen.link("/sign-in?next="), Some(back));
        // What cannot be a birth is asked again, on the same way.
        let mut wrong = screen.form("/age");
        wrong.push(("birth_year".to_owned(), "19".to_owned()));
        let pairs: Vec<(&str, &str)> = wrong.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let screen = browser.post("/age", &pairs).await.is(422);
        let seen = answers(&mut browser, &screen, years).await.is(303);
        let names: Vec<&str> = seen.headers.keys().map(|name| name.as_str()).collect();
        looks.push((seen.location().to_owned(), names.join(" ")));
        assert_eq!(seen.location(), to, "{years}");
        for page in [to.as_str(), "/search", "/@ines", "/cart", "/"] {
            let page = browser.get(page).await.is(200);
            assert!(!page.has("data-vendor") && (years == 40 || !page.has("data-consent-banner")), "{years}");
        }
        // Who is of age is asked the question of vendors from now on.
        assert_eq!(browser.get("/").await.is(200).has("data-consent-banner"), years == 40);
        // In another tab, and by hand.
        let again = browser.window().get(&screen_for("/search?q=rain")).await.is(409);
        assert!(main_of(&again).contains("href=\"/search?q=rain\"") && !again.has("birth_year"));
        let again = answers(&mut browser, &screen, 40).await.is(409);
        assert!(main_of(&again).contains(&format!("href=\"{to}\"")), "{}", main_of(&again));
    }
    assert!(looks.windows(2).all(|two| two[0] == two[1]), "{looks:?}");

    // Nowhere else, and not in a circle.
    for to in ["//evil.example", "https://evil.example/", "/\\evil.example", "/age", "/age?to=%2F"] {
        let mut browser = app.visitor();
        let screen = browser.get(&screen_for(to)).await.is(200);
        let mut form = screen.form("/age");
        assert!(form.iter().all(|(name, _)| name != "to"), "{to}");
        let (year, month) = born(40);
        form.extend(
            [("to", to), ("birth_year", &year), ("birth_month", &month)].map(|(n, v)| (n.into(), v.into())),
        );
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(browser.post("/age", &pairs).await.is(303).location(), "/sign-up", "{to}");
    }

    // A script's look at a page is led to the screen, which comes whole; what is fetched in advance is not shown later.
    let script = [("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Mode", "cors")];
    assert_eq!(app.visitor().get_with(&href, &script).await.is(303).location(), screen_for(&href));
    for ahead in [("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch")] {
        let seen = app.visitor().get_with(&href, &[ahead]).await.is(403);
        assert!(!seen.has("Rain on tin") && !seen.has("birth_year"));
    }
    // Neither a question nor a page: as anywhere.
    app.visitor().head(&href).await.is(200);
    app.visitor().post("/cart", &[]).await.is(403);
    for nothing in ["/nothing-here", "/nothing/here"] {
        app.visitor().get(nothing).await.is(404);
    }
    for there in [format!("{href}/artwork.svg"), format!("{href}/sample.mp3")] {
        app.visitor().get(&there).await.is(200);
    }

    // Who has an account is known, until they sign out.
    let mut ada = app.buyer("Ada Field").await;
    ada.get(&to).await.is(200);
    assert_eq!(ada.get(&screen_for(&to)).await.is(303).location(), to);
    ada.says("/", "/sign-out", &[]).await.is(303);
    let out = ada.get("/").await.is(303);
    assert!(ada.get(out.location()).await.is(200).has("You are signed out."));
    assert_eq!(app.app.db.read(log::size).await.unwrap(), before);
    assert!(app.app.mail.letters().is_empty());

    // On any other site one comes in as before.
    let elsewhere = TestApp::new().await;
    let mut browser = elsewhere.visitor();
    for page in ["/", "/search", "/cart"] {
        browser.get(page).await.is(200);
    }
}

/// R-AG-3, R-AG-5, T-AGE-6, T-AGE-8: a browser that keeps no cookies is not led in a circle: its answer is not taken, and it is
/// told why and what it can still read. One that keeps all but the answer is told the same and given its first answer again; it
/// cannot give another.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_keeps_no_answer_is_told_why() {
    let app = TestApp::with(&[CHILDREN]).await;
    let before = app.app.db.read(log::size).await.unwrap();
    let screen = app.visitor().get(&screen_for("/search")).await.is(200);
    let refused = answers(&mut app.visitor(), &screen, 9).await.is(403);
    assert_eq!(refused.header("cache-control"), Some("private, no-store"));
    assert!(
        refused.headers.get_all("set-cookie").iter().all(|line| !line.to_str().unwrap().starts_with("al="))
    );
    let words = main_of(&refused);
    assert!(words.contains("a shop for all ages") && words.contains("needs one cookie"), "{words}");
    assert!(words.contains("We kept nothing") && !words.contains("birth_year"));
    // Everything that it names can be read.
    let named: Vec<&str> = words.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(named.contains(&"/") && named.contains(&"/privacy/children") && named.contains(&"/licences"));
    for path in named.into_iter().filter(|path| *path != "/") {
        app.visitor().get(path).await.is(200);
    }
    // With a cookie of ours it is a form like any other: gone stale.
    let mut other = app.visitor();
    other.get("/privacy").await.is(200);
    assert!(answers(&mut other, &screen, 9).await.is(403).has("gone stale"));

    for (first, second) in [(9, 40), (40, 9)] {
        let mut half = app.visitor();
        let screen = half.get(&screen_for("/search")).await.is(200);
        answers(&mut half, &screen, first).await.is(303);
        let word = half.cookie("al").unwrap().to_owned();
        half.set_cookie("al", "");
        assert_eq!(half.get("/search").await.is(303).location(), screen_for("/search"));
        let told = half.get(&screen_for("/search")).await.is(409);
        let words = main_of(&told);
        assert!(words.contains("needs one cookie") && words.contains("href=\"/search\""), "{words}");
        assert!(!words.contains("birth_year"));
        assert_eq!(half.cookie("al"), Some(word.as_str()));
        half.set_cookie("al", "");
        answers(&mut half, &screen, second).await.is(409);
        assert_eq!(half.cookie("al"), Some(word.as_str()), "the first answer holds");
        half.get("/search").await.is(200);
    }
    assert_eq!(app.app.db.read(log::size).await.unwrap(), before);
}

/// R-AG-1: with script, too: a move within the site ends at the screen as a whole page, and the answer leads on.
#[tokio::test(flavor = "multi_thread")]
async fn with_script_a_move_within_the_site_meets_the_screen() {
    let Some(driver) = Driver::start() else { return };
    let app = TestApp::with(&[CHILDREN]).await;
    let browser = driver.desk(&app.url).await;
    browser.open("/licences").await;
    browser.until("document.readyState === 'complete'").await;
    browser.press_words("nav.main-nav", "Browse").await;
    assert_eq!(browser.comes_to("/age").await, screen_for("/search"));
    browser.choose("birth_month", "5").await;
    browser.fill("birth_year", "1984").await;
    browser.send("/age").await;
    assert_eq!(browser.comes_to("/search").await, "/search");
    browser.client.close().await.unwrap();
}
