//! What people wish of advertisements: topics they block, a browser that counts, and being found by what they like.

use std::collections::BTreeSet;

use cuehouse::accounts::user::User;
use cuehouse::ads::campaign::{Campaign, Pitch};
use cuehouse::ads::topic::{Place, Topic};
use cuehouse::ads::wishes::{self, Wishes};
use cuehouse::ads::{counts::Counts, guards};
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::{age, log};
use cuehouse::ids::UserId;

use super::{FORM, SLOT, headline, ledger_of, pitch, runs, slot, stocked};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};

/// The fields of the form of wishes as somebody leaves them who changes these alone.
async fn wishes(browser: &mut Browser, fields: &[(&str, &str)]) -> Seen {
    browser.send("/privacy/ads", "/privacy/ads", fields).await
}

/// S0-37: topics are liked and blocked without script; a blocked topic is never served, on any page, on any device of an
/// account, and not from a page that others see from the window either.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_topic_is_never_served() {
    let app = TestApp::new().await;
    let track = stocked(&app, "ambient").await;
    runs(&app, Pitch { topics: vec![Topic::Games, Topic::Software], ..pitch("Play") }).await;
    runs(&app, Pitch { topics: vec![Topic::Events], pages: vec![Place::Front], ..pitch("Concert") }).await;
    let (mut bea, mut visitor) = (app.buyer("Bea Buyer").await, app.visitor());
    let mut phone = bea.window();
    assert!(visitor.get("/privacy/choices").await.has("href=\"/privacy/ads\""));
    let form = visitor.get("/privacy/ads").await.is(200);
    for topic in Topic::ALL {
        for wish in ["like", "block"] {
            assert!(form.has(&format!("name=\"topic.{topic}\" value=\"{wish}\"")), "{topic} {wish}");
        }
    }
    assert!(!form.has("name=\"personal\""), "whose age nobody knows is not asked");
    for browser in [&mut bea, &mut visitor] {
        let seen = wishes(browser, &[("topic.software", "block"), ("topic.events", "like")]).await.is(303);
        assert_eq!(seen.location(), "/privacy/ads");
        let again = browser.get("/privacy/ads").await.is(200);
        assert!(again.has("name=\"topic.software\" value=\"block\" checked"));
        assert!(again.has("name=\"topic.events\" value=\"like\" checked"));
    }
    let mut others = 0;
    for n in 0..12 {
        for path in ["/".to_owned(), "/search?q=weather".to_owned(), track.href()] {
            // Somebody else fills the window.
            others += i32::from(headline(&app.visitor().get(&path).await).as_deref() == Some("Play"));
            for browser in [&mut bea, &mut phone, &mut visitor] {
                let shown = headline(&browser.get(&path).await.is(200));
                let wanted = (path == "/").then_some("Concert");
                assert_eq!(shown.as_deref(), wanted, "{path}, {n}");
            }
        }
    }
    assert!(others > 12, "{others}: others see what is blocked here");
    // What the browser keeps is sealed, and goes when nothing is wished.
    let kept = visitor.cookie("wishes").unwrap().to_owned();
    assert!(!kept.contains("software") && kept.len() < 400, "{kept}");
    let clear: Vec<(String, &str)> = Topic::ALL.iter().map(|topic| (format!("topic.{topic}"), "")).collect();
    let clear: Vec<(&str, &str)> = clear.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    wishes(&mut visitor, &clear).await.is(303);
    assert!(visitor.cookie("wishes").is_none());
    // Forged or altered, it wishes nothing.
    visitor.set_cookie("wishes", "1~~software~~~");
    assert!(headline(&visitor.get(&track.href()).await).is_some());
}

/// S3-60: a browser that asked to count is shown nothing a fourth time where three is the cap, and then something else or
/// nothing; what it keeps is a day and counts; a browser that did not ask keeps nothing.
#[tokio::test(flavor = "multi_thread")]
async fn at_a_cap_of_three_the_fourth_view_is_blocked() {
    let app = TestApp::new().await;
    let id = runs(&app, Pitch { most_a_day: Some(3), ..pitch("Umbrellas") }).await;
    let (mut counts, mut plain) = (app.visitor(), app.visitor());
    wishes(&mut counts, &[("counts", "on")]).await.is(303);
    for n in 1..=6 {
        let seen = counts.get("/").await.is(200);
        assert_eq!(seen.has(SLOT), n <= 3, "{n}");
        assert_eq!(seen.has("class=\"ad"), n <= 3, "no hole");
        assert!(plain.get("/").await.is(200).has(SLOT), "{n}");
    }
    assert!(plain.cookie("counts").is_none() && plain.cookie("wishes").is_none());
    let kept = counts.cookie("counts").unwrap().to_owned();
    let now = Timestamp::now();
    let line = guards::open_counts(&app.app.keys.seal, &kept, now).unwrap().write();
    assert_eq!(
        line,
        format!("{} {}.3", now.day(), &id.as_str()[22..]),
        "a day and a count, and nothing else"
    );
    assert!(!kept.contains(&id.as_str()[22..]), "under seal");
    // It ends with the browser, and both stand on the page that lists cookies.
    let mut fresh = app.visitor();
    wishes(&mut fresh, &[("counts", "on")]).await.is(303);
    let seen = fresh.get("/").await.is(200);
    let lines: Vec<&str> =
        seen.headers.get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()).collect();
    let line = lines.iter().find(|line| line.starts_with("counts=")).unwrap_or_else(|| panic!("{lines:?}"));
    assert!(!line.to_lowercase().contains("max-age") && line.contains("HttpOnly"), "{line}");
    let privacy = app.visitor().get("/privacy").await.is(200);
    assert!(privacy.has("<code>wishes</code>") && privacy.has("<code>counts</code>"));
    // Another day begins anew; a limit in all is for everyone.
    let mut yesterday = Counts::read("", now.plus(-DAY));
    (0..3).for_each(|_| yesterday.count(&id));
    counts.set_cookie("counts", &guards::seal_counts(&app.app.keys.seal, &yesterday));
    assert!(counts.get("/").await.has(SLOT));
    app.app
        .db
        .write({
            let id = id.clone();
            move |conn| Campaign::find(conn, &id)?.end(conn, &UserId::new(), Timestamp::now())
        })
        .await
        .unwrap();
    let few = runs(&app, Pitch { most_shown: Some(4), ..pitch("Four times") }).await;
    let mut seen = 0;
    for _ in 0..8 {
        seen += i64::from(app.visitor().get("/").await.is(200).has(SLOT));
    }
    assert_eq!((seen, ledger_of(&app, &few).await.shown), (4, 4));
    app.app.ads.renew(&app.app.db).await.unwrap();
    assert!(!app.visitor().get("/").await.has(SLOT), "the ledger remembers");
    // No longer counting takes the counts away.
    wishes(&mut counts, &[("counts", "")]).await.is(303);
    assert!(counts.cookie("counts").is_none());
}

/// So many accounts that said yes and like this topic.
async fn crowd(app: &TestApp, topic: Topic, count: usize) {
    let now = Timestamp::now();
    app.app
        .db
        .write(move |conn| {
            for n in 0..count {
                let email = format!("{topic}.{n}@example.org");
                let user = User::new(conn, &email, &format!("One {topic} {n}"), "no password", now)?;
                user.insert(conn)?;
                user.confirm(conn, now)?;
                let mut wishes = Wishes { liked: BTreeSet::from([topic]), ..Wishes::default() };
                wishes.set_personal(Some(now.plus(DAY)));
                wishes::keep(conn, &user.id, &wishes, now)?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// S3-59, S0-33, S2-28: an audience of three is refused; a large one meets only accounts of people of age who like the
/// topic and said yes to that purpose by itself, with a receipt; whoever follows is told what the advertiser may infer; a no,
/// a signal and the button that refuses everything end it at once; for all others the page decides.
#[tokio::test(flavor = "multi_thread")]
async fn an_audience_is_large_agreed_and_of_age() {
    let app = TestApp::with(&[("CUEHOUSE_ADS_AUDIENCE_MIN", "10")]).await;
    let track = stocked(&app, "ambient").await;
    let mut ada = app.admin().await;
    let mut form = FORM.to_vec();
    form.extend([("audience", "games"), ("page", "front"), ("genre", "jazz")]);
    crowd(&app, Topic::Games, 3).await;
    let seen = ada.send("/admin/ads/new", "/admin/ads", &form).await.is(422);
    assert!(seen.has("Fewer than 10 people"), "{}", seen.text());
    crowd(&app, Topic::Film, 9).await;
    ada.send("/admin/ads/new", "/admin/ads", &form).await.is(422);
    // Three who like it, seven of the nine others too.
    crowd(&app, Topic::Radio, 0).await;
    let more = app.app.db.write(|conn| {
        let now = Timestamp::now();
        for n in 0..7 {
            let user = User::by_email(conn, &format!("film.{n}@example.org"))?.unwrap();
            let mut wishes = wishes::of(conn, &user.id)?.unwrap();
            wishes.liked.insert(Topic::Games);
            wishes::keep(conn, &user.id, &wishes, now)?;
        }
        Ok(())
    });
    more.await.unwrap();
    let at = ada.send("/admin/ads/new", "/admin/ads", &form).await.is(303).location().to_owned();
    let id = at.rsplit('/').next().unwrap().to_owned();

    let (mut bea, mut cat) = (app.buyer("Bea Buyer").await, app.buyer("Cat Curious").await);
    let mut phone = bea.window();
    let page = track.href();
    // Liking alone finds nobody.
    wishes(&mut bea, &[("topic.games", "like")]).await.is(303);
    assert!(bea.get("/privacy/ads").await.has("name=\"personal\" value=\"on\">"), "off unless switched on");
    assert!(!bea.get(&page).await.has(SLOT));
    let receipts = app.app.db.read(log::size).await.unwrap();
    let yes = [("topic.games", "like"), ("personal", "on")];
    wishes(&mut bea, &yes).await.is(303);
    assert_eq!(app.app.db.read(log::size).await.unwrap(), receipts + 1);
    // The same said again is no new choice.
    wishes(&mut bea, &yes).await.is(303);
    assert_eq!(app.app.db.read(log::size).await.unwrap(), receipts + 1);
    let account = bea.user.clone().unwrap();
    let kept = app.app.db.read(move |conn| log::of_account(conn, &account, 1)).await.unwrap();
    let receipt = bea.get(&format!("/privacy/receipts/{}", kept[0].receipt.id)).await.is(200);
    assert!(
        receipt.has("The shop itself")
            && receipt.has("advertisements of our own by the topics you say you like")
    );
    for browser in [&mut bea, &mut phone] {
        let seen = browser.get(&page).await.is(200);
        let slot = slot(&seen).unwrap_or_else(|| panic!("{}", seen.text()));
        assert!(slot.contains(&format!("/ads/{id}/leave?by=audience")), "{slot}");
    }
    let notice = bea.get(&format!("/ads/{id}/leave?by=audience")).await.is(200);
    assert!(notice.has("may infer that you are one of them") && notice.has("Games"));
    let why = bea.get(&format!("/ads/{id}/why?by=audience")).await.is(200);
    assert!(why.has("looks for people who like Games"), "{}", why.text());
    // Nobody else: not who said nothing, nor a browser whose age nobody knows or that is a minor's, whatever it carries.
    cat.get(&page).await.is(200);
    let mut wished = Wishes { liked: BTreeSet::from([Topic::Games]), ..Wishes::default() };
    wished.set_personal(Some(Timestamp::now().plus(DAY)));
    let value = guards::seal_wishes(&app.app.keys.seal, &wished);
    for band in [None, Some(age::Band::Minor), Some(age::Band::Adult)] {
        let mut stranger = app.visitor();
        stranger.set_cookie("wishes", &value);
        if let Some(band) = band {
            stranger.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
        }
        assert!(!stranger.get(&page).await.is(200).has(SLOT), "{band:?}");
        let why = stranger.get(&format!("/ads/{id}/why?by=audience")).await.is(200);
        assert!(!why.has("looks for people"));
    }
    assert!(!cat.get(&page).await.has(SLOT));
    // A signal, a no, and refusing everything.
    assert!(!bea.get_with(&page, &[("Sec-GPC", "1")]).await.is(200).has(SLOT));
    assert!(!phone.get(&page).await.has(SLOT), "the signal opted the account out");
    let mut dora = app.buyer("Dora").await;
    wishes(&mut dora, &yes).await.is(303);
    assert!(dora.get(&page).await.has(SLOT));
    wishes(&mut dora, &[("topic.games", "like"), ("personal", "")]).await.is(303);
    assert!(!dora.get(&page).await.has(SLOT));
    wishes(&mut dora, &yes).await.is(303);
    assert!(dora.get(&page).await.has(SLOT));
    let mut elsewhere = dora.window();
    dora.says("/privacy/choices", "/privacy/choices", &[("choice", "refuse")]).await.is(303);
    assert!(!dora.get(&page).await.has(SLOT) && !elsewhere.get(&page).await.has(SLOT));
}

/// S0-33, R-CN-10, R-MN-3: an account of somebody of age, in a browser in which somebody younger answered. Nothing is chosen there by
/// what it likes and no switch says so; saving topics there takes no yes back and writes nothing. A no that is said is heard.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_form_does_not_ask_is_not_taken_back_by_it() {
    let app = TestApp::new().await;
    let mut bea = app.buyer("Bea Buyer").await;
    wishes(&mut bea, &[("topic.games", "like"), ("personal", "on")]).await.is(303);
    let mut young = bea.window();
    young.set_cookie("al", &age::seal(&app.app.keys.seal, age::Band::Minor, Timestamp::now()));
    let (on, receipts) =
        ("name=\"personal\" value=\"on\" checked", app.app.db.read(log::size).await.unwrap());
    assert!(!young.get("/privacy/ads").await.is(200).has("name=\"personal\""));
    wishes(&mut young, &[("topic.film", "block")]).await.is(303);
    assert_eq!(app.app.db.read(log::size).await.unwrap(), receipts, "nobody pressed that");
    let kept = bea.get("/privacy/ads").await.is(200);
    assert!(kept.has(on) && kept.has("name=\"topic.film\" value=\"block\" checked"), "{}", kept.text());
    wishes(&mut young, &[("asked", "personal")]).await.is(303);
    assert!(!bea.get("/privacy/ads").await.is(200).has(on));
    let account = bea.user.clone().unwrap();
    let newest = app.app.db.read(move |conn| log::of_account(conn, &account, 1)).await.unwrap().remove(0);
    assert_eq!(newest.receipt.action.as_str(), "withdraw");
}
