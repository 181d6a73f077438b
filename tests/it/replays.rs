//! A form of choices counts once, whichever way it comes again; and who says no holds nothing that leads to the proof of it.

use cuehouse::ads::wishes::{self, Wishes};
use cuehouse::clock::{HOUR, MINUTE, Timestamp};
use cuehouse::consent::age::{self, Band};
use cuehouse::consent::log::{self, Kept};
use cuehouse::consent::receipt::{Answer, Notice};
use cuehouse::consent::{account, letters, seal};
use cuehouse::ids::ReceiptId;
use cuehouse::web::csrf::Bound;

use crate::privacy::{VENDORS, chooses, clean, contacts, leaves, press, shop};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};

const PATH: &str = "/privacy/choices";

const FORM: &str = "application/x-www-form-urlencoded";
/// What a browser says of a form that a page of ours sent, and no page can make it say.
const OURS: [(&str, &str); 1] = [("Sec-Fetch-Site", "same-origin")];

/// A form that was filled in and not sent yet, or was sent and is kept.
struct Form {
    to: &'static str,
    csrf: String,
    said: Vec<(&'static str, &'static str)>,
}

impl Form {
    /// The screen of choices, with one button pressed.
    async fn of(browser: &mut Browser, choice: &'static str) -> Form {
        Form::with(browser.get(PATH).await.is(200).csrf().unwrap(), choice)
    }

    fn with(csrf: String, choice: &'static str) -> Form {
        Form { to: PATH, csrf, said: vec![("choice", choice), ("all", "yes")] }
    }

    /// A form of this page to this address.
    async fn at(
        browser: &mut Browser,
        page: &str,
        to: &'static str,
        said: &[(&'static str, &'static str)],
    ) -> Form {
        Form { to, csrf: browser.get(page).await.is(200).csrf().unwrap(), said: said.to_vec() }
    }

    async fn sent(&self, browser: &mut Browser) -> Seen {
        self.sent_with(browser, &[]).await
    }

    /// The same where the browser says this beside it.
    async fn sent_with(&self, browser: &mut Browser, headers: &[(&str, &str)]) -> Seen {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &self.csrf).extend_pairs(&self.said);
        let body = body.finish();
        browser.post_raw(self.to, FORM, body.into_bytes(), headers).await
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
        Form::with(no.csrf.clone(), "accept").sent(&mut one).await.is(409);
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
        Form::with(no.csrf.clone(), "opt_out").sent(&mut one).await.is(303);
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
    for known in [mine.cookie("forms").unwrap(), &bound.browser(), &no.csrf] {
        assert!(!rows.contains(known), "{known}");
    }
    // A page that is asked for its token alone still takes a yes.
    let csrf = again.get("/").await.is(200).csrf().unwrap();
    again.post(PATH, &[("csrf", &csrf), ("choice", "accept")]).await.is(303);
    assert!(!contacts(&again.get("/").await).is_empty());
}

/// What a form says in which nothing is on: which switch of advertisements stood there.
const OFF: [(&str, &str); 1] = [("asked", "personal")];

/// What an account may switch on beside the screen's vendors: the page, where its form goes, and what the switch is called.
const SWITCHES: [(&str, &str, &str); 2] =
    [(PATH, "/privacy/letters", "topic.marketing_email"), ("/privacy/ads", "/privacy/ads", "personal")];

/// Whether a page shows a switch as on.
fn is_on(page: &Seen, switch: &str) -> bool {
    let begins = format!("name=\"{switch}\" value=\"on\"");
    assert!(page.has(&begins), "{}", page.text());
    page.has(&format!("{begins} checked"))
}

/// The receipt that the page after a choice leads to.
async fn led_to(browser: &mut Browser, answer: &Seen) -> String {
    let landing = answer.location().split('#').next().unwrap().to_owned();
    let page = browser.get(&landing).await.is(200);
    let receipt = page.link("/privacy/receipts/").unwrap_or_else(|| panic!("{landing}: {}", page.text()));
    receipt.rsplit('/').next().unwrap().to_owned()
}

/// Somewhere else everything is taken back, a minute from now.
async fn takes_back_later(app: &TestApp, browser: &Browser) {
    let (user, later) = (browser.user.clone().unwrap(), Timestamp::now().plus(MINUTE));
    let write = app.app.db.write(move |conn| {
        letters::keep(conn, &user, letters::Topic::News, false, later)?;
        wishes::keep(conn, &user, &Wishes::default(), later)
    });
    write.await.unwrap();
}

/// T-RC-8, R-RC-8, R-RC-4, R-RC-6, R-CN-10: letters, and advertisements by what one likes. A form that is sent twice at once or
/// later has one receipt and one answer. A yes that was taken back is refused, by its own form and by one from before that was
/// not used yet, and the answer shows what holds with every switch anew. A no goes through whatever became of its form, and
/// nothing in the browser leads to its receipt.
#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_was_taken_back_is_not_switched_on_by_an_old_form() {
    let app = shop().await;
    for (n, (page, to, switch)) in SWITCHES.into_iter().enumerate() {
        let mut one = app.buyer(&format!("Bea {n}")).await;
        let on = [(switch, "on")];
        let began = leaves(&app.app).await;
        let counts = async |more: u64, when: &str| {
            assert_eq!(leaves(&app.app).await, began + more, "{when}, {to}");
        };
        let (early, yes) = (Form::at(&mut one, page, to, &on).await, Form::at(&mut one, page, to, &on).await);
        let (mut other, mut lost) = (one.window(), one.window());
        let (first, second) = tokio::join!(yes.sent(&mut one), yes.sent(&mut other));
        let third = yes.sent(&mut lost).await;
        let receipt = led_to(&mut one, &first.is(303)).await;
        assert_eq!(led_to(&mut other, &second.is(303)).await, receipt, "{to}");
        assert_eq!(led_to(&mut lost, &third.is(303)).await, receipt, "{to}");
        assert_eq!(newest(&app, &one).await.receipt.id.to_string(), receipt, "{to}");
        counts(1, "a yes that was sent three times").await;
        // What is on is not switched on by another form, and that form is not used by it.
        early.sent(&mut one).await.is(303);
        assert!(is_on(&one.get(page).await, switch));
        counts(1, "a yes to what is on").await;
        // Taken back: neither an address nor a cookie names the receipt.
        let no = Form::at(&mut one, page, to, &OFF).await;
        let answer = no.sent(&mut one).await.is(303);
        let inside = opened(&app, &one, "notice", "cuehouse notice");
        let receipt = led_to(&mut one, &answer).await;
        let kept = newest(&app, &one).await.receipt;
        assert_eq!((kept.id.to_string(), kept.action.as_str()), (receipt.clone(), "withdraw"), "{to}");
        assert!(!answer.location().contains(&receipt) && !inside.contains(&receipt), "{to}: {inside}");
        counts(2, "a yes that was taken back").await;
        // The form that switched it on, the switch in the form that said no, and the no once more.
        for browser in [&mut one, &mut lost] {
            let seen = yes.sent(browser).await.is(409);
            assert!(seen.has("id=\"spent\"") && seen.has("already used"), "{to}: {}", seen.text());
            assert!(!is_on(&seen, switch) && seen.csrf().is_some_and(|csrf| csrf != yes.csrf), "{to}");
        }
        Form { to, csrf: no.csrf.clone(), said: on.to_vec() }.sent(&mut one).await.is(409);
        no.sent(&mut one).await.is(303);
        assert!(!is_on(&one.get(page).await, switch));
        counts(2, "used forms").await;
        // A yes of now, and the old no: as often as it is said, once where it changes anything.
        Form::at(&mut one, page, to, &on).await.sent(&mut one).await.is(303);
        assert!(is_on(&one.get(page).await, switch));
        for _ in 0..2 {
            no.sent(&mut one).await.is(303);
            assert!(!is_on(&one.get(page).await, switch));
            counts(4, "a no with a used form").await;
        }
        // A form that never switched anything on, from a page that shows what held before the last no.
        takes_back_later(&app, &one).await;
        let seen = early.sent(&mut one).await.is(409);
        assert!(!is_on(&seen, switch), "{to}");
        counts(4, "a yes from before a no").await;
    }
    // An old form of which one switch is a no and the other a yes: the no is carried out, and proved.
    let app = TestApp::with(&[("CUEHOUSE_EMAIL_MEASUREMENT", "on")]).await;
    let (mut one, to) = (app.buyer("Ada Both").await, "/privacy/letters");
    let (news, measured) = ("topic.marketing_email", "topic.email_measurement");
    let both = Form::at(&mut one, PATH, to, &[(measured, "on")]).await;
    both.sent(&mut one).await.is(303);
    Form::at(&mut one, PATH, to, &[(news, "on")]).await.sent(&mut one).await.is(303);
    let seen = both.sent(&mut one).await.is(409);
    assert!(!is_on(&seen, news) && !is_on(&seen, measured), "{}", seen.text());
    let kept = newest(&app, &one).await.receipt;
    assert_eq!((kept.action.as_str(), kept.items.len()), ("withdraw", 1));
    assert_eq!(seen.link("/privacy/receipts/"), Some(format!("/privacy/receipts/{}", kept.id)));
}

/// T-RC-8, R-RC-8, R-CN-5, R-CN-10, S0-33: a no to everything that comes again takes back what was said yes to in between, although
/// its own choices hold: as often as that was, each time once and with a receipt that names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_that_comes_again_takes_back_a_yes_to_our_own_advertisements() {
    let app = shop().await;
    let mut one = app.buyer("Bea Buyer").await;
    for choice in ["refuse", "opt_out"] {
        let no = Form::of(&mut one, choice).await;
        no.sent(&mut one).await.is(303);
        for n in 0..2 {
            let on = [("personal", "on"), OFF[0]];
            Form::at(&mut one, "/privacy/ads", "/privacy/ads", &on).await.sent(&mut one).await.is(303);
            assert!(is_on(&one.get("/privacy/ads").await, "personal"), "{choice} {n}");
            let (began, mut other) = (leaves(&app.app).await, one.window());
            let (first, second) = tokio::join!(no.sent(&mut one), no.sent(&mut other));
            assert_eq!((first.status, second.status), (303, 303), "{choice} {n}");
            no.sent(&mut one).await.is(303);
            assert!(!is_on(&one.get("/privacy/ads").await, "personal"), "{choice} {n}");
            assert_eq!(leaves(&app.app).await, began + 1, "{choice} {n}");
            let items = newest(&app, &one).await.receipt.items;
            let own = items.iter().find(|item| item.vendor == "house").unwrap();
            assert_eq!((own.purpose.as_str(), own.state), ("ads_personalised", Answer::Refused));
            assert!(items.len() > 1 && items.iter().all(|item| item.state == Answer::Refused));
        }
    }
}

/// T-RC-8, R-RC-8, R-CN-5: a form with a token that its browser was not given, such as another browser's or one from before
/// signing in. A yes in it changes nothing, and the answer (403) has every choice for one more press. A no in it is carried out,
/// once, where the browser says that a page of ours sent it; another site's page is not heard, nor is a form of which nothing
/// is known.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_turned_away_with_a_no_for_its_token() {
    let app = shop().await;
    let (mut mine, mut theirs) = (app.visitor(), app.visitor());
    press(&mut mine, "accept").await.is(303);
    let yes = Form::of(&mut theirs, "accept").await;
    let no = Form::with(yes.csrf.clone(), "refuse");
    let began = leaves(&app.app).await;
    let site = app.app.config.site_url.clone();
    let by_origin = [("Origin", site.as_str())];
    let nearby: [&[(&str, &str)]; 3] = [&[], &OURS, &by_origin];
    for headers in nearby {
        let seen = yes.sent_with(&mut mine, headers).await.is(403);
        assert!(seen.has("id=\"spent\"") && seen.has("made for another browser"), "{}", seen.text());
        for button in ["accept", "refuse", "save", "opt_out"] {
            assert!(seen.has(&format!("name=\"choice\" value=\"{button}\"")), "{button}");
        }
    }
    let elsewhere: [&[(&str, &str)]; 3] = [
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", site.as_str())],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example")],
    ];
    for headers in elsewhere {
        for form in [&yes, &no] {
            let seen = form.sent_with(&mut mine, headers).await.is(403);
            assert!(seen.has("gone stale") && !seen.has("id=\"spent\""), "{headers:?}");
        }
    }
    // Where somebody is, is neither yes nor no.
    let place = Form { to: PATH, csrf: yes.csrf.clone(), said: vec![("choice", "place"), ("place", "DE")] };
    place.sent_with(&mut mine, &OURS).await.is(403);
    let asked_again = no.sent(&mut mine).await.is(403);
    assert!(!contacts(&mine.get("/").await).is_empty(), "nothing was changed");
    assert_eq!(leaves(&app.app).await, began);
    // One more press; and without it, twice at once, where the browser says that the form is ours.
    Form::with(asked_again.csrf().unwrap(), "refuse").sent(&mut mine).await.is(303);
    clean(&mine.get("/").await.is(200));
    for headers in [&OURS, &by_origin] {
        Form::of(&mut mine, "accept").await.sent(&mut mine).await.is(303);
        let (began, mut other) = (leaves(&app.app).await, mine.window());
        let (first, second) =
            tokio::join!(no.sent_with(&mut mine, headers), no.sent_with(&mut other, headers));
        assert_eq!((first.status, second.status), (303, 303), "{}", second.text());
        clean(&mine.get("/").await.is(200));
        clean(&other.get("/").await.is(200));
        assert_eq!(leaves(&app.app).await, began + 1, "{headers:?}");
    }
    // From before signing in, with everything that an account can say yes to.
    let bea = app.buyer("Bea Buyer").await;
    let mut before = app.visitor();
    let old = Form::of(&mut before, "accept").await;
    before.user.clone_from(&bea.user);
    before.set_cookie("session", bea.cookie("session").unwrap());
    let screen = |choice| vec![("choice", choice), ("all", "yes")];
    let mut all = vec![(PATH, screen("accept"), screen("refuse"))];
    all.extend(SWITCHES.map(|(_, to, switch)| (to, vec![(switch, "on")], OFF.to_vec())));
    for (to, yes, no) in all {
        let yes = Form { to, csrf: old.csrf.clone(), said: yes };
        let no = Form { to, csrf: old.csrf.clone(), said: no };
        let began = leaves(&app.app).await;
        let seen = yes.sent_with(&mut before, &OURS).await.is(403);
        assert!(seen.has("before you signed in"), "{to}: {}", seen.text());
        assert_eq!(leaves(&app.app).await, began, "{to}");
        // The page that says so has a form that counts.
        Form { csrf: seen.csrf().unwrap(), ..yes }.sent(&mut before).await.is(303);
        let given = newest(&app, &before).await.receipt;
        no.sent(&mut before).await.is(403);
        no.sent_with(&mut before, &[("Sec-Fetch-Site", "cross-site")]).await.is(403);
        assert_eq!(newest(&app, &before).await.receipt.id, given.id, "{to}: nothing was taken back");
        for _ in 0..2 {
            no.sent_with(&mut before, &OURS).await.is(303);
            let taken = newest(&app, &before).await.receipt;
            assert_eq!((given.action.as_str(), taken.action.as_str()), ("accept", "withdraw"), "{to}");
            assert_eq!(leaves(&app.app).await, began + 2, "{to}");
        }
    }
    clean(&before.get("/").await.is(200));
}

/// Which vendors a page loads.
fn met(page: &Seen) -> Vec<&'static str> {
    let all = ["ga4", "statcounter", "histats"];
    all.into_iter().filter(|id| page.has(&format!("data-vendor=\"{id}\""))).collect()
}

/// T-RC-8, R-RC-8, R-CN-5, R-CN-10: of a *Save* that says yes and no, where its yes is refused, the noes count: with a used form, with
/// one of yesterday, with one that told otherwise of somebody (about whom it named), with one of another browser where the browser says
/// that it is ours. Once each, and the next page says so; where there is nothing to switch off any more, it is refused whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_beside_a_refused_yes_is_carried_out() {
    let app = shop().await;
    let foreign = app.visitor().get(PATH).await.is(200).csrf().unwrap();
    for signed_in in [false, true] {
        let mut one = if signed_in { app.buyer("Bea Buyer").await } else { app.visitor() };
        one.get(PATH).await.is(200);
        let keys = &app.app.keys.forms;
        let bound = match one.cookie("session") {
            Some(session) => Bound::to_session(keys, session),
            None => Bound::to_cookie(keys, one.cookie("forms").unwrap()),
        };
        let save = |csrf: &str, more: &[(&'static str, &'static str)]| {
            let said = [("choice", "save"), ("all", "yes"), ("purpose.analytics", "on")];
            Form { to: PATH, csrf: csrf.to_owned(), said: [&said[..], more].concat() }
        };
        let both = [("vendor.ga4", "on"), ("vendor.statcounter", "on")];
        let mixed = [("vendor.histats", "on"), ("vendor.statcounter", "on")];
        let used = bound.token(Timestamp::now()).unwrap();
        save(&used, &mixed[..1]).sent(&mut one).await.is(303);
        let yesterday = bound.token(Timestamp::now().plus(-13 * HOUR)).unwrap();
        let fresh = bound.token(Timestamp::now()).unwrap();
        let stale = [mixed[0], ("about", "ga4.0123456789abcdef histats.0123456789abcdef")];
        let (one_of_both, nobody): (&[&str], &[&str]) = (&["statcounter"], &[]);
        for (csrf, said, left, why) in [
            (&used, &mixed[..], one_of_both, "this form was used"),
            (&yesterday, &mixed[..], one_of_both, "open for a long time"),
            (&fresh, &stale[..], one_of_both, "what you were asked has changed"),
            (&foreign, &mixed[..1], nobody, "made for another browser"),
        ] {
            let is_foreign = csrf == &foreign;
            let (headers, status) = if is_foreign { (&OURS[..], 403) } else { (&OURS[..0], 409) };
            let new = bound.token(Timestamp::now()).unwrap();
            save(&new, &both).sent(&mut one).await.is(303);
            assert_eq!(met(&one.get("/").await.is(200)), ["ga4", "statcounter"], "{why}");
            let (form, began, mut other) = (save(csrf, said), leaves(&app.app).await, one.window());
            if is_foreign {
                // Of which nothing is known, it is nobody's.
                form.sent(&mut one).await.is(403);
                assert_eq!(met(&one.get("/").await.is(200)), ["ga4", "statcounter"]);
            }
            let landing = form.sent_with(&mut one, headers).await.is(303).location().to_owned();
            // Where the answer never arrived, it is the same again; an account knows of it in any window.
            form.sent_with(&mut other, headers).await.is(if signed_in { status } else { 303 });
            let page = one.get(&landing).await.is(200);
            assert!(page.has("What you switched off is off. Nothing was switched on: "), "{}", page.text());
            assert!(page.has(why) && page.link("/privacy/receipts/").is_some(), "{why}: {}", page.text());
            for browser in [&mut one, &mut other] {
                assert_eq!(met(&browser.get("/").await.is(200)), left, "{why}, signed in: {signed_in}");
            }
            assert_eq!(leaves(&app.app).await, began + 1, "{why}, signed in: {signed_in}");
            assert!(form.sent_with(&mut one, headers).await.is(status).has("id=\"spent\""), "{why}");
            assert_eq!(met(&one.get("/").await.is(200)), left, "{why}");
            assert_eq!(leaves(&app.app).await, began + 1, "{why}: refused whole");
        }
    }
}

/// R-CN-5, R-CN-10, R-EN-5, R-MN-4, R-RC-2, R-RC-8: nobody is too young for a no, nor is whoever was not asked yet where children may
/// come. A yes from before stays in the browser and counts again with the next answer at the screen; taken back, it does not. What
/// says yes to anybody stays closed, and no yes lasts longer.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_too_young_for_a_no() {
    let refuse = [("choice", "refuse"), ("all", "yes"), ("from", "kept")];
    let less = [("choice", "save"), ("purpose.analytics", "on"), ("vendor.histats", "on")];
    type Way<'a> = (&'a [(&'static str, &'static str)], &'a str, usize);
    let ways: [Way<'_>; 4] = [
        (&refuse, "withdraw", 0),
        (&[("choice", "opt_out")], "opt_out", 0),
        (&[("choice", "save")], "withdraw", 0),
        (&less, "withdraw", 1),
    ];
    for (profile, bands) in [
        ("guardian_under_18", &[Some(Band::Child), Some(Band::Minor)][..]),
        ("mixed_audience_vpc", &[Some(Band::Minor), None][..]),
    ] {
        let quiet = ("CUEHOUSE_PRIVACY_SELF_CHECK_HOURS", "0");
        let app = TestApp::with(&[VENDORS, ("CUEHOUSE_AGE_PROFILE", profile), quiet]).await;
        let aged = |cs: &str, band: Option<Band>| {
            let mut browser = app.visitor();
            browser.set_cookie("cs", cs);
            if let Some(band) = band {
                browser.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
            }
            browser
        };
        let chosen = |cs: &str| seal::open(&app.app.keys.seal, cs).unwrap();
        let mut ada = aged("", Some(Band::Adult));
        press(&mut ada, "accept").await.is(303);
        let yes = ada.cookie("cs").unwrap().to_owned();
        for band in bands {
            for (said, action, left) in ways {
                let mut young = aged(&yes, *band);
                let page = young.get(PATH).await.is(200);
                clean(&page);
                assert!(page.has("id=\"kept\"") && !page.has("value=\"accept\""), "{}", page.text());
                let began = leaves(&app.app).await;
                for closed in ["accept", "save", "place"] {
                    let mut all = vec![("choice", closed)];
                    all.extend(["vendor.ga4", "vendor.statcounter", "vendor.histats"].map(|on| (on, "on")));
                    all.extend([("purpose.analytics", "on"), ("place", "DE")]);
                    let form = Form { to: PATH, csrf: page.csrf().unwrap(), said: all };
                    let status = if closed == "place" { 422 } else { 451 };
                    form.sent(&mut young).await.is(status);
                }
                assert_eq!((leaves(&app.app).await, young.cookie("cs")), (began, Some(yes.as_str())));
                let no = Form { to: PATH, csrf: page.csrf().unwrap(), said: said.to_vec() };
                let mut tab = young.window();
                let (first, second) = tokio::join!(no.sent(&mut young), no.sent(&mut tab));
                let id = led_to(&mut young, &first.is(303)).await;
                second.is(303);
                assert_eq!(leaves(&app.app).await, began + 1, "{profile} {band:?} {said:?}");
                let wanted = ReceiptId::parse(&id).unwrap();
                let read = app.app.db.read(move |conn| {
                    let receipt = log::kept(conn, &wanted)?.receipt;
                    let notice = Notice::by_hash(conn, &receipt.notice.hash)?;
                    Ok((receipt, notice.text))
                });
                let (receipt, shown) = read.await.unwrap();
                let known = band.map_or("unknown", Band::as_str);
                assert_eq!((receipt.action.as_str(), receipt.band.as_str()), (action, known));
                assert!(said != refuse || shown.starts_with("A yes from before\n"), "{shown}");
                let kept = young.cookie("cs").unwrap();
                assert!(chosen(kept).expires_at.unwrap() <= chosen(&yes).expires_at.unwrap() || left == 0);
                // The browser forgets the age, and somebody of age answers: the control, and what is left of it.
                assert!(!contacts(&aged(&yes, Some(Band::Adult)).get("/").await.is(200)).is_empty());
                let page = aged(kept, Some(Band::Adult)).get("/").await.is(200);
                let met = page.text().matches("data-vendor=\"").count();
                assert_eq!(met, left, "{profile} {band:?} {said:?}");
                assert_eq!(young.get(PATH).await.is(200).has("id=\"kept\""), left > 0);
            }
        }
    }
}
