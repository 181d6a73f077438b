//! Where a visitor says they are: which rules follow, and that nothing else loosens them.

use cuehouse::clock::{HOUR, Timestamp};
use cuehouse::consent::receipt::Receipt;
use cuehouse::consent::seal;
use cuehouse::db::schema::consent_receipts;
use cuehouse::web::csrf::Bound;
use diesel::prelude::*;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};

const LOOSE: [(&str, &str); 3] = [
    ("CUEHOUSE_VENDORS", "ga4=G-TEST,histats=77"),
    ("CUEHOUSE_PRIVACY_PROFILE", "us"),
    ("CUEHOUSE_PRIVACY_OPT_OUT_PLACES", "US-TX"),
];

/// Says where they are, as the form on the screen of choices sends it.
async fn says(browser: &mut Browser, place: &str) -> Seen {
    let token = browser.get("/privacy/choices").await.is(200).csrf().unwrap();
    browser.post("/privacy/choices", &[("csrf", &token), ("choice", "place"), ("place", place)]).await
}

fn meets(page: &Seen) -> bool {
    let named = page.header("content-security-policy").unwrap().contains("google");
    assert_eq!(page.has("data-vendor=\"ga4\""), named);
    named
}

async fn receipts(app: &TestApp) -> Vec<Receipt> {
    let bodies: Vec<String> = app
        .app
        .db
        .read(|conn| {
            Ok(consent_receipts::table
                .order(consent_receipts::seq)
                .select(consent_receipts::body)
                .load(conn)?)
        })
        .await
        .unwrap();
    bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

/// T-PROP-5, R-EN-2, R-CA-9: opt-out counts only where the operator switched that very
/// place on and the visitor said they are there; a language never loosens anything; every other place asks first.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_was_switched_on_loosens_and_any_other_does_not() {
    let app = TestApp::with(&LOOSE).await;
    let mut browser = app.visitor();
    assert!(!meets(&browser.get_with("/", &[("Accept-Language", "en-US")]).await.is(200)));
    let screen = browser.get("/privacy/choices").await.is(200);
    assert!(screen.has("<option value=\"\">I would rather not say</option>"));
    assert!(screen.has("<option value=\"US-TX\">Texas</option>") && screen.has(">Germany</option>"));
    assert!(screen.has("In Texas people may be asked afterwards"), "what it would mean is said before");
    for place in ["DE", "US-OH", "US", "BR", "FR"] {
        says(&mut browser, place).await.is(303);
        assert!(!meets(&browser.get("/").await.is(200)), "{place}");
        assert!(browser.get("/").await.has("data-consent-banner"), "{place}: asked first");
    }
    let seen = says(&mut browser, "us-tx").await.is(303);
    let screen = browser.get(seen.location()).await.is(200);
    assert!(screen.has("the rules of that place") && screen.has("You said: <b>Texas</b>"));
    assert!(screen.has("those below are on until you say no"));
    assert!(screen.has("name=\"vendor.ga4\" value=\"on\" checked"), "what is on is shown as on");
    assert!(screen.has("<option value=\"US-TX\" selected>"));
    let page = browser.get("/").await.is(200);
    assert!(meets(&page) && !page.has("data-consent-banner"));
    assert!(browser.get("/privacy/vendors").await.has("where you are it may be until you say no"));
    // A signal, a no and an opt-out count there as everywhere, and moving on asks first again.
    assert!(!meets(&browser.get_with("/", &[("Sec-GPC", "1")]).await));
    says(&mut browser, "DE").await.is(303);
    assert!(!meets(&browser.get("/").await));
    says(&mut browser, "US-TX").await.is(303);
    assert!(meets(&browser.get("/").await));
    browser
        .says("/privacy/choices", "/privacy/choices", &[("choice", "refuse"), ("all", "yes")])
        .await
        .is(303);
    assert!(!meets(&browser.get("/").await));
    says(&mut browser, "").await.is(303);
    says(&mut browser, "US-TX").await.is(303);
    assert!(!meets(&browser.get("/").await), "a no holds wherever one goes");
    assert!(browser.get("/privacy/choices").await.has("You last chose on"));
    for nonsense in ["XX", "US-XX", "Texas", "<b>"] {
        says(&mut browser, nonsense).await.is(422);
    }
}

/// R-CN-10, R-RC-1: each change of place writes a receipt that says whose rules hold and how that is known, and grants
/// nothing; the choice of an account follows to its other devices.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_proved_and_belongs_to_the_account() {
    let app = TestApp::with(&LOOSE).await;
    let mut laptop = app.buyer("Bea Buyer").await;
    let mut phone = laptop.window();
    says(&mut laptop, "US-TX").await.is(303);
    assert!(meets(&phone.get("/").await.is(200)));
    says(&mut laptop, "FR").await.is(303);
    assert!(!meets(&phone.get("/").await.is(200)));
    says(&mut laptop, "").await.is(303);
    let all = receipts(&app).await;
    let told: Vec<_> = all
        .iter()
        .map(|r| {
            (r.action.as_str(), r.profile.id.as_str(), r.profile.how_decided.as_str(), r.recipients.len())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("place", "us", "visitor_choice", 2),
            ("place", "fr", "visitor_choice", 2),
            ("place", "us", "unknown_place", 0),
        ],
        "whoever was met is named as somebody who may hold something"
    );
    assert!(all.iter().flat_map(|r| &r.items).all(|i| i.state.as_str() == "undecided"));
    let kept = seal::open(&app.app.keys.seal, laptop.cookie("cs").unwrap()).unwrap();
    assert_eq!((kept.place, kept.decided_at, kept.expires_at, kept.receipt), (None, None, None, None));
    assert!(laptop.get("/privacy/choices").await.has("You have not chosen yet, so everyone below is off"));
}

/// Says in their account where they are.
async fn settles(browser: &mut Browser, country: &str) -> Seen {
    browser.says("/account", "/privacy/country", &[("country", country)]).await
}

/// T-PROP-5, R-EN-1, R-AG-6, R-CN-10, R-RC-1: what an account says of where its owner is counts on each of its devices, where no
/// place was chosen; a choice comes first. Each change writes its receipt, which says that the account told it; nothing changes
/// by nonsense or by another site's form.
#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_country_counts_where_no_place_was_chosen() {
    let app = TestApp::with(&LOOSE).await;
    let mut laptop = app.buyer("Bea Buyer").await;
    let mut phone = laptop.window();
    let page = laptop.get("/account").await.is(200);
    assert!(page.has("<option value=\"\">Not said</option>") && page.has("the strictest until you say"));
    assert!(page.has("In Texas people may be asked afterwards"), "what it would mean is said before");
    assert!(!page.has(" selected>") && !meets(&laptop.get("/").await.is(200)));
    for country in ["us-tx", "US-TX"] {
        assert_eq!(settles(&mut laptop, country).await.is(303).location(), "/account");
    }
    assert!(laptop.get("/account").await.has("<option value=\"US-TX\" selected>"));
    assert!(meets(&laptop.get("/").await.is(200)) && meets(&phone.get("/").await.is(200)));
    assert!(!meets(&app.visitor().get("/").await.is(200)), "it is about one account");
    assert!(phone.get("/privacy/choices").await.has("Your account says: <b>Texas</b>"));
    // A language is no place. A choice comes first, and the account's word counts again when it is taken back.
    assert!(meets(&phone.get_with("/", &[("Accept-Language", "fr-FR")]).await));
    says(&mut phone, "FR").await.is(303);
    assert!(!meets(&phone.get("/").await) && !meets(&laptop.get("/").await));
    assert!(!phone.get("/privacy/choices").await.has("Your account says"));
    says(&mut phone, "").await.is(303);
    assert!(meets(&phone.get("/").await) && meets(&laptop.get("/").await));
    for nonsense in ["XX", "US-XX", "Texas", "<b>"] {
        settles(&mut laptop, nonsense).await.is(422);
    }
    laptop.post("/privacy/country", &[("country", "DE")]).await.is(403);
    assert!(meets(&laptop.get("/").await));
    settles(&mut laptop, "").await.is(303);
    assert!(!meets(&laptop.get("/").await) && !laptop.get("/account").await.has(" selected>"));
    let all = receipts(&app).await;
    let told: Vec<_> = all
        .iter()
        .map(|r| (r.surface.as_str(), r.profile.id.as_str(), r.profile.how_decided.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("account", "us", "account"),
            ("choices", "fr", "visitor_choice"),
            ("choices", "us", "account"),
            ("account", "us", "unknown_place"),
        ]
    );
    assert!(all.iter().all(|r| r.action.as_str() == "place" && r.recipients.len() == 2), "{all:?}");
}

/// Sends a form of a token, to this address and with this field, in which this place was chosen.
async fn sends(browser: &mut Browser, (to, field): (&str, &str), csrf: &str, code: &str) -> Seen {
    let said = [("csrf", csrf), ("choice", "place"), (field, code)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
    let ours = [("Sec-Fetch-Site", "same-origin")];
    browser.post_raw(to, "application/x-www-form-urlencoded", body.into_bytes(), &ours).await
}

/// T-RC-8, R-RC-8, R-CN-10, R-RC-4, T-PROP-5: a form that says where somebody is counts once, the choice and the account's. Twice at
/// once it has one receipt, which the next page leads to. One that was used loosens nothing again: the answer (409) shows what holds,
/// with every choice anew; nor does one that another browser was given. An account's country is not overtaken by a form from before
/// it was said that nobody used yet. What tightens goes through in any of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_form_of_a_place_tightens_and_never_loosens() {
    let app = TestApp::with(&LOOSE).await;
    let foreign = app.visitor().get("/privacy/choices").await.is(200).csrf().unwrap();
    for (page, to, field) in
        [("/privacy/choices", "/privacy/choices", "place"), ("/account", "/privacy/country", "country")]
    {
        let (mut bea, to) = (app.buyer(&format!("Bea {field}")).await, (to, field));
        let began = receipts(&app).await.len();
        let counts = async |more: usize, when: &str| {
            assert_eq!(receipts(&app).await.len(), began + more, "{field}: {when}");
        };
        let [texas, germany] = [bea.get(page).await, bea.get(page).await].map(|seen| seen.csrf().unwrap());
        let bound = Bound::to_session(&app.app.keys.forms, bea.cookie("session").unwrap());
        let idle = bound.token(Timestamp::now().plus(-HOUR)).unwrap();
        let mut tab = bea.window();
        let (first, second) =
            tokio::join!(sends(&mut bea, to, &texas, "US-TX"), sends(&mut tab, to, &texas, "US-TX"));
        second.is(303);
        let landing = first.is(303).location().to_owned();
        assert!(bea.get(&landing).await.is(200).link("/privacy/receipts/").is_some(), "{field}");
        sends(&mut bea, to, &texas, "US-TX").await.is(303);
        assert!(meets(&bea.get("/").await.is(200)), "{field}");
        counts(1, "sent three times").await;
        sends(&mut bea, to, &germany, "DE").await.is(303);
        for csrf in [&texas, &germany] {
            let seen = sends(&mut bea, to, csrf, "US-TX").await.is(409);
            assert!(seen.has("id=\"spent\"") && seen.has("already used"), "{field}: {}", seen.text());
        }
        sends(&mut bea, to, &foreign, "US-TX").await.is(403);
        assert!(!meets(&bea.get("/").await.is(200)), "{field}");
        for code in ["US-TX", "FR"].iter().filter(|_| field == "country") {
            let seen = sends(&mut bea, to, &idle, code).await.is(409);
            assert!(
                seen.has("id=\"spent\"") && seen.has("Your account says: <b>Germany</b>"),
                "{}",
                seen.text()
            );
        }
        counts(2, "neither used forms nor overtaken ones loosen anything").await;
        let again = bea.get(page).await.csrf().unwrap();
        sends(&mut bea, to, &again, "US-TX").await.is(303);
        assert!(meets(&bea.get("/").await.is(200)), "{field}: the control");
        for _ in 0..2 {
            sends(&mut bea, to, &germany, "DE").await.is(303);
            assert!(!meets(&bea.get("/").await.is(200)), "{field}");
            counts(4, "a used form tightens, once").await;
        }
        let fresh = bea.get(page).await.csrf().unwrap();
        sends(&mut bea, to, &fresh, "US-TX").await.is(303);
        sends(&mut bea, to, &foreign, "DE").await.is(303);
        assert!(!meets(&bea.get("/").await.is(200)), "{field}");
        counts(6, "another browser's form tightens").await;
        sends(&mut bea, to, &foreign, "US-TX").await.is(403);
        let fresh = bea.get(page).await.csrf().unwrap();
        sends(&mut bea, to, &fresh, "US-TX").await.is(303);
        sends(&mut bea, to, &idle, "DE").await.is(303);
        assert!(!meets(&bea.get("/").await.is(200)), "{field}");
        counts(8, "an overtaken form tightens").await;
    }
}

/// Without the operator's switch no place loosens anything, and nobody is told that one would.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_switch_no_place_loosens_anything() {
    let app = TestApp::with(&LOOSE[..1]).await;
    let mut browser = app.visitor();
    assert!(!browser.get("/privacy/choices").await.is(200).has("people may be asked afterwards"));
    for place in ["US-TX", "US", "GB", "CN"] {
        says(&mut browser, place).await.is(303);
        assert!(!meets(&browser.get("/").await), "{place}");
    }
    // Where nobody could be met there is nothing to say.
    let plain = TestApp::new().await;
    assert!(!plain.visitor().get("/privacy/choices").await.is(200).has("Where are you?"));
}
