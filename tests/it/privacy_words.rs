//! What somebody reads and what is kept of it are the same words: the banner and the receipt, what is taken back and what
//! stays out of reach.

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::choices::Choices;
use cuehouse::consent::notice::Told;
use cuehouse::consent::purpose::Purpose;
use cuehouse::consent::receipt::{Answer, Notice, Receipt};
use cuehouse::consent::{log, seal};
use cuehouse::ids::ReceiptId;

use crate::privacy::{VENDORS, chooses, contacts, press, shop};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};
use crate::support::wards::answers;

/// A visitor who granted everyone half a minute ago, one of them as it was described before.
fn granted_before(app: &TestApp, changed: &str) -> Browser {
    let now = Timestamp::now().plus(-30_000);
    let mut choices =
        Choices { decided_at: Some(now), expires_at: Some(now.plus(182 * DAY)), ..Choices::default() };
    choices.purposes.insert(Purpose::Analytics, true);
    for vendor in app.app.consent.on() {
        choices.answer(vendor, true);
    }
    choices.vendors.get_mut(changed).unwrap().print = "0123456789abcdef".into();
    let mut browser = app.visitor();
    browser.set_cookie("cs", &seal::close(&app.app.keys.seal, &choices));
    browser
}

/// The words of a piece of a page as they are read, one blank between them.
pub fn words(html: &str) -> String {
    let mut text = String::new();
    for piece in html.replace("<b>", "").replace("</b>", "").split('<') {
        let (tag, rest) = piece.split_once('>').unwrap_or(("", piece));
        text.push_str(if tag.is_empty() { "" } else { " " });
        text.push_str(rest);
    }
    let text = text.replace("&#x2F;", "/").replace("&#x27;", "'").replace("&#39;", "'");
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the banner of a page says, without its buttons.
fn banner(page: &Seen) -> String {
    let page = page.text();
    let banner = page.split("id=\"consent-title\"").nth(1).unwrap_or_else(|| panic!("no banner in {page}"));
    let banner = banner.split_once('>').unwrap().1.split("<div class=\"consent-acts\"").next().unwrap();
    words(banner).replace("Who, and for what ", "")
}

async fn kept(app: &TestApp, receipt: &str) -> (Receipt, Notice) {
    let id = ReceiptId::parse(receipt).unwrap();
    let read = app.app.db.read(move |conn| {
        let receipt = log::kept(conn, &id)?.receipt;
        let notice = Notice::by_hash(conn, &receipt.notice.hash)?;
        Ok((receipt, notice))
    });
    read.await.unwrap()
}

fn chosen(app: &TestApp, browser: &Browser) -> Choices {
    seal::open(&app.app.keys.seal, browser.cookie("cs").unwrap()).unwrap()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// T-CN-2, R-CN-12, T-RC-3, R-RC-2, S0-21, S3-65: of several granted vendors one is described otherwise by now. It is
/// off and alone in the banner, the others live on; and the receipt of the answer leads to exactly the words that stood
/// there.
#[tokio::test(flavor = "multi_thread")]
async fn one_changed_item_is_asked_alone_and_the_receipt_keeps_what_was_shown() {
    let app = shop().await;
    let everyone = ["ga4", "statcounter", "histats"];
    for changed in everyone {
        let vendor = app.app.consent.registry.vendor(changed).unwrap();
        let mut browser = granted_before(&app, changed);
        let page = browser.get("/").await.is(200);
        for id in everyone {
            assert_eq!(
                page.has(&format!("data-vendor=\"{id}\"")),
                id != changed,
                "{id} where {changed} changed"
            );
        }
        let hosts = contacts(&page);
        assert!(!hosts.is_empty() && vendor.hosts.granted().all(|host| !hosts.contains(host)), "{hosts:?}");
        let shown = banner(&page);
        for other in app.app.consent.on() {
            assert_eq!(shown.contains(&other.name), other.id == changed, "{} in {shown}", other.id);
        }
        let reasons = browser.get("/privacy/vendors").await.is(200);
        assert!(reasons.has("because what it does has changed since you said yes"));

        press(&mut browser, "accept").await.is(303);
        let page = browser.get("/").await.is(200);
        assert!(everyone.iter().all(|id| page.has(&format!("data-vendor=\"{id}\""))), "{changed}");
        let (receipt, notice) = kept(&app, &chosen(&app, &browser).receipt.unwrap()).await;
        assert_eq!(squeezed(&notice.text), shown);
        assert_eq!(notice.text, Told::about([vendor].into_iter()).text());
        assert_eq!(notice.hash(), receipt.notice.hash);
        let at = format!("/privacy/notices/{}", receipt.notice.hash);
        let page = app.visitor().get(&at).await.is(200);
        assert!(words(&page.text()).contains(&shown), "{}", page.text());
        assert!(receipt.items.iter().all(|item| item.state == Answer::Granted), "and the others live on");
    }
    // Asked about everyone, the receipt keeps what was said of everyone.
    let mut browser = app.visitor();
    let shown = banner(&browser.get("/").await.is(200));
    press(&mut browser, "accept").await.is(303);
    let (_, notice) = kept(&app, &chosen(&app, &browser).receipt.unwrap()).await;
    assert_eq!(squeezed(&notice.text), shown);
}

/// That the lines of a text stand in a page, in their order.
#[track_caller]
fn stands_in(notice: &Notice, page: &Seen) {
    let (page, mut from) = (words(&page.text()), 0);
    for line in notice.text.lines() {
        let at =
            page[from..].find(&squeezed(line)).unwrap_or_else(|| panic!("{line:?} not in {}", &page[from..]));
        from += at + squeezed(line).len();
    }
}

/// T-RC-3, R-RC-2: what the receipt of another button keeps is what stood beside that button: on the screen of choices, above
/// the opt-out, beside the places and the account's country (with what it means to name one where people may be asked afterwards), in
/// the foot; on a site that has nobody to ask about, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_keeps_the_words_beside_its_button() {
    let (app, alone) = (shop().await, TestApp::new().await);
    let one = [("choice", "save"), ("purpose.analytics", "on"), ("vendor.histats", "on")];
    let place = [("choice", "place"), ("place", "DE")];
    type Case<'a> = (&'a TestApp, &'a [(&'a str, &'a str)], &'a str);
    let switched = [("CUEHOUSE_PRIVACY_PROFILE", "us"), ("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "US-TX")];
    let loose = TestApp::with(&[VENDORS, switched[0], switched[1]]).await;
    let texas = [("choice", "place"), ("place", "US-TX")];
    let cases: [Case<'_>; 7] = [
        (&app, &one, "Contacts s10.histats.com"),
        (&app, &[("choice", "accept")], "is_unique 5 years (in its own jar"),
        (&app, &[("choice", "refuse")], "Google Analytics 4 Google, for"),
        (&app, &[("choice", "opt_out")], "Some of those below may sell or share"),
        (&app, &place, "we do not look it up"),
        (&loose, &texas, "In Texas people may be asked afterwards"),
        (&alone, &[("choice", "opt_out")], "We sell and share nothing"),
    ];
    for (app, fields, part) in cases {
        let mut browser = app.visitor();
        let page = browser.get("/privacy/choices").await.is(200);
        let landing = chooses(&mut browser, fields).await.is(303).location().to_owned();
        let receipt = browser.get(&landing).await.is(200).link("/privacy/receipts/").unwrap();
        let (_, notice) = kept(app, receipt.trim_start_matches("/privacy/receipts/")).await;
        assert!(notice.text.contains(part), "{fields:?}: {}", notice.text);
        stands_in(&notice, &page);
    }
    let mut bea = loose.buyer("Bea Buyer").await;
    let page = bea.get("/account").await.is(200);
    bea.send("/account", "/privacy/country", &[("country", "US-TX")]).await.is(303);
    let receipt = bea.get("/account").await.is(200).link("/privacy/receipts/").unwrap();
    let (_, notice) = kept(&loose, receipt.trim_start_matches("/privacy/receipts/")).await;
    assert!(notice.text.contains("those who may see you under your privacy choices are on until you say no"));
    stands_in(&notice, &page);
    let mut browser = app.visitor();
    press(&mut browser, "accept").await.is(303);
    let page = browser.get("/licences").await.is(200);
    let mut fields = page.form("/privacy/choices");
    fields.push(("choice".into(), "refuse".into()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let landing = browser.post("/privacy/choices", &fields).await.is(303).location().to_owned();
    let receipt = browser.get(&landing).await.is(200).link("/privacy/receipts/").unwrap();
    let (_, notice) = kept(&app, receipt.trim_start_matches("/privacy/receipts/")).await;
    assert!(notice.text.starts_with("Take back every yes"), "{}", notice.text);
    stands_in(&notice, &page);
}

/// R-RC-2, R-CN-12, R-RC-8: a banner that another tab has overtaken answers what it showed. In one that showed something else
/// than holds by now a yes is answered with what is asked now; a no is carried out, about whom it named and nobody else, and its
/// receipt names no words that did not stand there.
#[tokio::test(flavor = "multi_thread")]
async fn a_banner_answers_what_stood_in_it() {
    let app = shop().await;
    let mut browser = granted_before(&app, "ga4");
    let page = browser.get("/").await.is(200);
    let mut fields = page.form("/privacy/choices");
    fields.push(("choice".into(), "refuse".into()));
    let pairs: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    // Another tab says yes meanwhile; then this one's no is about the one it named, and takes nothing else away.
    press(&mut browser, "accept").await.is(303);
    browser.post("/privacy/choices", &pairs).await.is(303);
    let page = browser.get("/").await.is(200);
    assert!(!page.has("data-vendor=\"ga4\"") && page.has("data-vendor=\"histats\""));
    // A form of an older edition.
    let before = chosen(&app, &browser);
    let stale: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| match *name {
            "about" => ("about", "ga4.0123456789abcdef"),
            "choice" => ("choice", "accept"),
            _ => (*name, *value),
        })
        .collect();
    let seen = browser.post("/privacy/choices", &stale).await.is(409);
    assert!(seen.has("look at it again") && seen.has("name=\"choice\" value=\"accept\""));
    assert_eq!(chosen(&app, &browser), before);
    let csrf = browser.get("/").await.is(200).csrf().unwrap();
    let no = [
        ("csrf", csrf.as_str()),
        ("return", "/"),
        ("about", "histats.0123456789abcdef nobody.0123456789abcdef"),
        ("choice", "refuse"),
    ];
    browser.post("/privacy/choices", &no).await.is(303);
    let page = browser.get("/").await.is(200);
    assert!(!page.has("data-vendor=\"histats\"") && page.has("data-vendor=\"statcounter\""));
    let receipt = page.link("/privacy/receipts/").unwrap();
    let (receipt, notice) = kept(&app, receipt.trim_start_matches("/privacy/receipts/")).await;
    assert!(notice.text.starts_with("Reject all\n") && !notice.text.contains("Contacts"), "{}", notice.text);
    let about = receipt.items.iter().find(|item| item.vendor == "histats").unwrap();
    assert_eq!(about.state, Answer::Refused);
}

/// R-CN-8, PR-12: who takes back a yes is told on the very next page whose cookies we cannot delete, and the receipt lists
/// them by name beside what can be done; of those who keep everything under our name nothing is said. The receipt and the
/// page of vendors say where to have data deleted, or that nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_withdrawal_cannot_take_away_is_said() {
    let app = shop().await;
    for from_footer in [false, true] {
        let mut browser = app.visitor();
        press(&mut browser, "accept").await.is(303);
        let csrf = browser.get("/").await.is(200).csrf().unwrap();
        let mut fields = vec![("csrf", csrf.as_str()), ("choice", "refuse"), ("all", "yes")];
        if from_footer {
            fields.extend([("return", "/licences"), ("from", "footer")]);
        }
        let landing = browser.post("/privacy/choices", &fields).await.is(303).location().to_owned();
        let page = browser.get(&landing).await.is(200);
        let text = words(&page.text());
        let told = text.split("we cannot delete").next().unwrap();
        let told = &told[told.rfind("Cookies that").unwrap_or_else(|| panic!("{landing}: {text}"))..];
        assert!(told.contains("StatCounter") && told.contains("HiStats"), "{told}");
        assert!(!told.contains("Google"), "{told}");
        let receipt = page.link("/privacy/receipts/").unwrap();
        let page = browser.get(&receipt).await.is(200);
        let text = page.text().replace("&#x2F;", "/");
        let part = text.split("id=\"out-of-reach\"").nth(1).unwrap().split("</section>").next().unwrap();
        for (vendor, cookie) in [("statcounter", "<code>is_unique</code>"), ("histats", "HSCK")] {
            assert!(part.contains(cookie), "{part}");
            // What was not seen to work within 90 days is no link of its own; what it names stands on the page of vendors.
            assert!(part.contains(&format!("href=\"/privacy/vendors#{vendor}\"")), "{part}");
        }
        assert!(!part.contains("<code>_ga"), "what lies under our name is taken away");
        let about = text.split("id=\"recipients\"").nth(1).unwrap().split("</section>").next().unwrap();
        for vendor in ["ga4", "statcounter", "histats"] {
            assert!(about.contains(&format!("href=\"/privacy/vendors#{vendor}\"")), "{about}");
        }
    }
    let page = app.visitor().get("/privacy/vendors").await.is(200);
    let entries = page.text().matches("<dt>To have data deleted</dt>").count();
    assert_eq!(entries, app.app.consent.registry.vendors.len());
    // Who refuses without having granted anything has nothing to clear away.
    let mut browser = app.visitor();
    let landing = press(&mut browser, "refuse").await.is(303).location().to_owned();
    assert!(!browser.get(&landing).await.is(200).has("cannot delete:"));
}

/// R-UX-6, R-RT-4: where children are taken, a part of the notice is the child's own: what is kept, who sees it, what it can
/// do, in sentences of fifteen words at most; the page that asks for a grown-up leads to it, and it is kept under the
/// notice's hash. Elsewhere there is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_reads_words_of_its_own() {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    let page = app.visitor().get("/privacy/children").await.is(200);
    let text = page.text();
    let own = text.split("id=\"for-you\"").nth(1).unwrap().split("</section>").next().unwrap();
    for heading in ["What we keep of you", "Who sees it", "What you can do"] {
        assert!(own.contains(&format!("<h3>{heading}</h3>")), "{heading} in {own}");
    }
    let lines: Vec<String> =
        own.split("<li>").skip(1).map(|rest| words(rest.split("</li>").next().unwrap())).collect();
    assert!(lines.len() >= 12, "{lines:?}");
    let contact = &app.app.config.contact;
    for line in &lines {
        for sentence in line.replace(contact.as_str(), "us").split(['.', '?', '!']) {
            assert!(sentence.split_whitespace().count() <= 15, "{sentence}");
        }
    }
    let hash = page.link("/privacy/notices/").unwrap();
    let kept = words(&app.visitor().get(&hash).await.is(200).text());
    assert!(lines.iter().all(|line| kept.contains(line)), "{kept}");
    let mut child = app.visitor();
    answers(&mut child, 9).await.is(303);
    let asking = child.open("/sign-up").await.is(200);
    assert!(asking.has("href=\"/privacy/children#for-you\""), "{}", asking.text());
    let elsewhere = TestApp::new().await;
    assert!(!elsewhere.visitor().get("/privacy/children").await.is(200).has("for-you"));
}

/// R-RC-2, R-CN-12, R-RC-8: the screen of choices, too, answers what stood on it. A yes on one that told of somebody otherwise
/// than holds by now grants nobody; what is asked now can be answered at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_screen_of_choices_answers_what_stood_on_it() {
    let app = shop().await;
    let mut browser = app.visitor();
    let page = browser.get("/privacy/choices").await.is(200);
    let (csrf, text) = (page.csrf().unwrap(), page.text());
    let about = text.split("name=\"about\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let print = app.app.consent.registry.vendor("ga4").unwrap().short_print();
    assert!(about.contains(&format!("ga4.{print}")) && about.split_whitespace().count() == 3, "{about}");
    let stale = about.replace(print, "0123456789abcdef");
    let save = [("choice", "save"), ("purpose.analytics", "on"), ("vendor.ga4", "on")];
    let accept = [("choice", "accept")];
    for (about, pressed, status) in
        [(stale.as_str(), &save[..], 409), (stale.as_str(), &accept[..], 409), (about, &save[..], 303)]
    {
        let fields = [("csrf", csrf.as_str()), ("all", "yes"), ("about", about)];
        browser.post("/privacy/choices", &[&fields[..], pressed].concat()).await.is(status);
        let granted = browser.get("/").await.is(200).has("data-vendor=\"ga4\"");
        assert_eq!(granted, status == 303, "{pressed:?}");
    }
}
