//! A form of choices counts once, whichever way it comes again; and who says no holds nothing that leads to the proof of it.

use cuehouse::clock::{HOUR, Timestamp};
use cuehouse::consent::log::{self, Kept};
use cuehouse::consent::{account, seal};
use cuehouse::web::csrf::Bound;

use crate::privacy::{chooses, clean, contacts, leaves, press, shop};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};

const PATH: &str = "/privacy/choices";

/// A form that was filled in and not sent yet, or was sent and is kept.
struct Form(Vec<(String, String)>);

impl Form {
    /// The screen of choices, with one button pressed.
    async fn of(browser: &mut Browser, choice: &str) -> Form {
        let csrf = browser.get(PATH).await.is(200).csrf().unwrap();
        Form::with(csrf, choice)
    }

    fn with(csrf: String, choice: &str) -> Form {
        let fields = [("csrf", csrf.as_str()), ("choice", choice), ("all", "yes")];
        Form(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    async fn sent(&self, browser: &mut Browser) -> Seen {
        let pairs: Vec<(&str, &str)> = self.0.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.post(PATH, &pairs).await
    }
}

/// What a cookie says under its seal.
fn opened(app: &TestApp, browser: &Browser, name: &str, sealed_for: &'static str) -> String {
    seal::open_line(&app.app.keys.seal, sealed_for, browser.cookie(name).unwrap()).unwrap()
}

/// The names in a jar.
fn names(browser: &Browser) -> Vec<&str> {
    browser.cookies().keys().map(String::as_str).collect()
}

/// Says no in one of three places; the answer, and the browser that holds it.
async fn refuses(app: &TestApp, way: &str) -> (Browser, Seen) {
    let mut browser = app.visitor();
    let seen = match way {
        "the banner" => press(&mut browser, "refuse").await,
        "the opt-out" => chooses(&mut browser, &[("choice", "opt_out")]).await,
        _ => {
            press(&mut browser, "accept").await.is(303);
            browser.get("/").await.is(200);
            browser.send("/licences", PATH, &[("choice", "refuse")]).await
        }
    };
    (browser, seen.is(303))
}

/// T-RC-7, R-RC-6, R-RC-4: after a no, an opt-out and a withdrawal a browser holds its choice, the token of its forms and the
/// line for the next page. All that is in them is alike for everyone who did the same in that minute, and nothing in them, nor
/// the address it is led to, names the receipt; the next page shows it once.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_leaves_nothing_that_leads_to_it() {
    let app = shop().await;
    for way in ["the banner", "the opt-out", "the foot"] {
        // Two within one minute.
        let mut pair = loop {
            let minute = Timestamp::now().minute();
            let pair = [refuses(&app, way).await, refuses(&app, way).await];
            if Timestamp::now().minute() == minute {
                break pair;
            }
        };
        let (one, other) = (&pair[0].0, &pair[1].0);
        for (name, sealed_for) in [("cs", "cuehouse consent"), ("notice", "cuehouse notice")] {
            let (mine, theirs) = (opened(&app, one, name, sealed_for), opened(&app, other, name, sealed_for));
            assert_eq!(mine, theirs, "{way}: {name}");
        }
        for (browser, seen) in &mut pair {
            assert_eq!(names(browser), ["cs", "forms", "notice"], "{way}");
            let noted = browser.cookie("notice").unwrap().to_owned();
            let inside: Vec<String> = [("cs", "cuehouse consent"), ("notice", "cuehouse notice")]
                .map(|(name, sealed_for)| opened(&app, browser, name, sealed_for))
                .into();
            let landing = seen.location().to_owned();
            let page = browser.get(&landing).await.is(200);
            let receipt = page.link("/privacy/receipts/").unwrap_or_else(|| panic!("{way}: {}", page.text()));
            let id = receipt.rsplit('/').next().unwrap();
            assert!(!landing.contains(id) && !inside.iter().any(|line| line.contains(id)), "{way}");
            assert!(!browser.told.iter().any(|line| line.contains(id)), "{way}");
            // Once: not on the same page again, nor for who kept the line.
            assert_eq!(names(browser), ["cs", "forms"], "{way}");
            assert_eq!(browser.get(&landing).await.is(200).link("/privacy/receipts/"), None, "{way}");
            browser.set_cookie("notice", &noted);
            let page = browser.get("/licences").await.is(200);
            assert_eq!(page.link("/privacy/receipts/"), None, "{way}");
            let text = page.text().replace("&#x2F;", "/");
            assert!(text.contains("choose once more under <a href=\"/privacy/choices\">"), "{text}");
            browser.get(&receipt).await.is(200);
        }
    }
}

async fn newest(app: &TestApp, browser: &Browser) -> Kept {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| log::of_account(conn, &user, 1)).await.unwrap().remove(0)
}

/// T-RC-8, R-RC-8, R-RC-1, R-CN-10: with an account and without. A form that is sent twice, at once or later, makes one choice with one
/// receipt. A yes that was taken back is refused when its form comes again, and nothing changes. A no is carried out whatever
/// became of its form. What another browser was given is nothing here. No row says which browser sent a form.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_is_no_second_choice() {
    let app = shop().await;
    for signed_in in [false, true] {
        let mut one = if signed_in { app.buyer("Bea Buyer").await } else { app.visitor() };
        let began = leaves(&app.app).await;
        let counts = async |more: u64, when: &str| {
            assert_eq!(leaves(&app.app).await, began + more, "{when}, signed in: {signed_in}");
        };
        // Twice at once, and once more from before the answer came: one choice, the same answer.
        let yes = Form::of(&mut one, "accept").await;
        let (mut other, mut lost) = (one.window(), one.window());
        let (first, second) = tokio::join!(yes.sent(&mut one), yes.sent(&mut other));
        let to = first.is(303).location().to_owned();
        assert_eq!(second.is(303).location(), to);
        assert_eq!(yes.sent(&mut lost).await.is(303).location(), to);
        assert_eq!(yes.sent(&mut one).await.is(303).location(), to);
        counts(1, "a yes that was sent four times").await;
        for browser in [&mut one, &mut other, &mut lost] {
            assert!(!contacts(&browser.get("/").await).is_empty());
        }
        // Taken back, and the old yes once more: refused.
        let no = Form::of(&mut one, "refuse").await;
        no.sent(&mut one).await.is(303);
        let kept = one.cookie("cs").map(str::to_owned);
        let seen = yes.sent(&mut one).await.is(409);
        assert!(seen.has("id=\"spent\"") && seen.has("already used") && seen.has("value=\"accept\""));
        clean(&seen);
        clean(&one.get("/").await.is(200));
        assert_eq!(one.cookie("cs").map(str::to_owned), kept);
        counts(2, "a yes that was taken back").await;
        if signed_in {
            // Whatever an old cookie says: the account's row is the truth.
            yes.sent(&mut lost).await.is(409);
            clean(&lost.get("/").await.is(200));
            let user = one.user.clone().unwrap();
            let row = app.app.db.read(move |conn| account::of(conn, &user)).await.unwrap().choices.unwrap();
            assert_eq!((row.receipt, newest(&app, &one).await.receipt.action.as_str()), (None, "withdraw"));
        }
        // The other button of the form that said no, too.
        Form::with(no.0[0].1.clone(), "accept").sent(&mut one).await.is(409);
        // The same no again, and after another yes: never turned away.
        no.sent(&mut one).await.is(303);
        counts(2, "a no that was sent twice").await;
        Form::of(&mut one, "accept").await.sent(&mut one).await.is(303);
        no.sent(&mut one).await.is(303);
        clean(&one.get("/").await.is(200));
        counts(4, "a no with a used form").await;
        no.sent(&mut one).await.is(303);
        counts(4, "and that again").await;
        // An opt-out beside it is another press.
        Form::with(no.0[0].1.clone(), "opt_out").sent(&mut one).await.is(303);
        assert!(one.get(PATH).await.is(200).has("id=\"opted-out\""));
        counts(5, "an opt-out in a used form").await;
    }
    // A form of another browser is nobody's here.
    let (mut mine, mut theirs) = (app.visitor(), app.visitor());
    theirs.get("/").await.is(200);
    let form = Form::of(&mut mine, "accept").await;
    form.sent(&mut theirs).await.is(403);
    clean(&theirs.get("/").await.is(200));
    // A tab of yesterday: its yes is asked anew, its no goes through, each as often as it is tried.
    let began = leaves(&app.app).await;
    let bound = Bound::to_cookie(&app.app.keys.forms, mine.cookie("forms").unwrap());
    for (hours, choice, status) in [(13, "accept", 409), (11, "accept", 303), (30, "refuse", 303)] {
        let at = Timestamp::now().plus(-hours * HOUR);
        let old = Form::with(bound.token(at).unwrap(), choice);
        for _ in 0..2 {
            let seen = old.sent(&mut mine).await.is(status);
            assert!(status == 303 || seen.has("open for a long time") && seen.has("value=\"accept\""));
        }
    }
    clean(&mine.get("/").await.is(200));
    assert_eq!(leaves(&app.app).await, began + 2, "one yes and one no");
    // Two with a used no at once, upon another yes: one more choice.
    Form::of(&mut mine, "accept").await.sent(&mut mine).await.is(303);
    let no = Form::of(&mut mine, "refuse").await;
    no.sent(&mut mine).await.is(303);
    Form::of(&mut mine, "accept").await.sent(&mut mine).await.is(303);
    let (began, mut again) = (leaves(&app.app).await, mine.window());
    let (first, second) = tokio::join!(no.sent(&mut mine), no.sent(&mut again));
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(leaves(&app.app).await, began + 1);
    clean(&again.get("/").await.is(200));
    let rows = app.every_row().await;
    for known in [mine.cookie("forms").unwrap(), &bound.browser(), &no.0[0].1] {
        assert!(!rows.contains(known), "{known}");
    }
    // A page that is asked for its token alone still takes a yes.
    let csrf = again.get("/").await.is(200).csrf().unwrap();
    again.post(PATH, &[("csrf", &csrf), ("choice", "accept")]).await.is(303);
    assert!(!contacts(&again.get("/").await).is_empty());
}
