//! Advertisements of our own: where they stand, whom they are not shown to, what is counted, what people may wish.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cuehouse::accounts::user::User;
use cuehouse::ads::campaign::{Campaign, Pitch};
use cuehouse::ads::ledger::{self, Tally};
use cuehouse::ads::topic::{Place, Topic};
use cuehouse::ads::wishes::{self, Wishes};
use cuehouse::ads::{counts::Counts, guards};
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::{age, log};
use cuehouse::db::counter;
use cuehouse::ids::{CampaignId, UserId};

use crate::support::app::{TestApp, email_of};
use crate::support::browser::{Browser, Seen};
use crate::support::shelf::{Shelved, piece, seller, shelve};

const SLOT: &str = "<aside class=\"ad\"";
/// A person who goes somewhere.
const GOES: [(&str, &str); 2] = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];

fn pitch(headline: &str) -> Pitch {
    Pitch {
        advertiser: "Rain & Sons".into(),
        headline: headline.into(),
        words: "A sentence.".into(),
        target: "/licences".into(),
        topics: vec![Topic::Licensing],
        pages: vec![],
        about: vec![],
        audience: vec![],
        starts_at: Timestamp(0),
        ends_at: None,
        most_a_day: None,
        most_shown: None,
    }
}

/// A campaign that runs from now on.
async fn runs(app: &TestApp, pitch: Pitch) -> CampaignId {
    let (id, by) = (CampaignId::new(), UserId::new());
    let kept = id.clone();
    app.app.db.write(move |conn| Campaign::make(conn, &kept, &pitch, &by, Timestamp::now())).await.unwrap();
    app.app.ads.renew(&app.app.db).await.unwrap();
    id
}

/// What the ledger says, with what was counted so far.
async fn ledger_of(app: &TestApp, id: &CampaignId) -> Tally {
    app.app.ads.write(&app.app.db).await.unwrap();
    let id = id.clone();
    let days = app.app.db.read(move |conn| ledger::days(conn, &id, 10)).await.unwrap();
    days.into_iter().fold(Tally::default(), |all, (_, day)| all.plus(day))
}

/// The slot of a page.
fn slot(seen: &Seen) -> Option<String> {
    let page = seen.text();
    let rest = page.split(SLOT).nth(1)?;
    Some(rest.split("</aside>").next()?.to_owned())
}

/// The headline in a page's slot.
fn headline(seen: &Seen) -> Option<String> {
    let slot = slot(seen)?;
    let link = slot.split("data-whole>").nth(1)?;
    Some(link.split('<').next()?.to_owned())
}

/// A shop with a track of this genre.
async fn stocked(app: &TestApp, genre: &'static str) -> Shelved {
    let ines = seller(&app.app.db, &format!("Ines {genre}")).await;
    let mut one = piece(&format!("Weather {genre}"));
    one.genre = Some(genre);
    one.tags = vec!["tin roof"];
    let track = shelve(&app.app, &ines, one).await;
    app.app.index.caught_up().await.unwrap();
    track
}

const FORM: [(&str, &str); 5] = [
    ("advertiser", "Rain & Sons"),
    ("headline", "Umbrellas for sound people"),
    ("words", "Dry in every take."),
    ("target", "https://rain.example/umbrellas"),
    ("topic", "gear"),
];

/// S1-21, S0-39: an admin makes a campaign, and it stands on free pages: marked, with who advertises, apart from results,
/// from our own origin, without script and without a cookie; when it is ended it is gone at once, and leaves no hole.
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_stands_marked_beside_free_pages_until_it_is_ended() {
    let app = TestApp::new().await;
    let (mut ada, track) = (app.admin().await, stocked(&app, "ambient").await);
    let pages =
        ["/".to_owned(), "/search?q=weather".to_owned(), "/search?q=nothing+at+all".to_owned(), track.href()];
    for path in &pages {
        assert!(!app.visitor().get(path).await.is(200).has("class=\"ad"), "{path}");
    }
    assert!(ada.get("/admin").await.is(200).has("href=\"/admin/ads\""));
    assert!(ada.get("/admin/ads").await.is(200).has("No campaign yet"));
    let made = ada.send("/admin/ads/new", "/admin/ads", &FORM).await.is(303);
    let at = made.location().to_owned();
    for path in &pages {
        let mut visitor = app.visitor();
        for _ in 0..2 {
            let seen = visitor.get(path).await.is(200);
            let slot = slot(&seen).unwrap_or_else(|| panic!("no slot on {path}: {}", seen.text()));
            for part in [
                "aria-label=\"Advertisement\"",
                "<b>Advertisement</b>",
                "Rain &amp; Sons",
                "Umbrellas for sound people",
                "Dry in every take.",
                "Why this ad?",
            ] {
                assert!(slot.contains(part), "{part} on {path}: {slot}");
            }
            assert!(!slot.contains("http") && !slot.contains("<img") && !slot.contains("<script"), "{slot}");
            // Apart from results: no list is open where it stands.
            let before = seen.text().split(SLOT).next().unwrap().to_owned();
            assert_eq!(before.matches("<ol").count(), before.matches("</ol>").count(), "{path}");
            let csp = seen.header("content-security-policy").unwrap();
            assert!(!csp.contains("://"), "{csp}");
        }
        assert!(visitor.cookies().keys().all(|name| name == "forms"), "{:?}", visitor.cookies());
    }
    for quiet in ["/licences", "/privacy", "/cart", "/sign-in", "/admin/ads", "/nothing"] {
        assert!(!ada.get(quiet).await.has(SLOT), "{quiet}");
    }
    let list = ada.get("/admin/ads").await.is(200);
    assert!(list.has("Umbrellas for sound people") && list.has("Running"));
    // Changed, it shows what it says now.
    let mut other = FORM.to_vec();
    other[1] = ("headline", "Boots for sound people");
    ada.send(&format!("{at}/edit"), &at, &other).await.is(303);
    assert_eq!(headline(&app.visitor().get("/").await).as_deref(), Some("Boots for sound people"));
    ada.send(&at, &format!("{at}/ending"), &[]).await.is(303);
    for path in &pages {
        assert!(!app.visitor().get(path).await.is(200).has("class=\"ad"), "{path}");
    }
    let page = ada.get(&at).await.is(200);
    for words in ["Made by Ada Admin", "Changed by Ada Admin", "Ended by Ada Admin", "Instruments and gear"] {
        assert!(page.has(words), "{words}");
    }
    let token = page.csrf().unwrap();
    ada.post(&format!("{at}/ending"), &[("csrf", &token)]).await.is(409);
    let all: Vec<(&str, &str)> = std::iter::once(("csrf", token.as_str())).chain(FORM).collect();
    ada.post(&at, &all).await.is(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_advertised_is_said_at_its_field_and_nothing_is_made() {
    let app = TestApp::new().await;
    let mut ada = app.admin().await;
    for (field, value, said) in [
        ("headline", "", "Give it a headline"),
        ("target", "http://rain.example/", "begins with https"),
        ("target", "javascript:alert(1)", "begins with https"),
        ("topic", "", "so that people can block it"),
        ("ends_on", "2020-01-01", "end before it is shown"),
        ("most_a_day", "many", "from 1 to 99"),
    ] {
        let mut fields: Vec<(&str, &str)> = FORM.into_iter().filter(|(name, _)| *name != field).collect();
        fields.push((field, value));
        let seen = ada.send("/admin/ads/new", "/admin/ads", &fields).await.is(422);
        assert!(seen.has(said), "{field}={value}: {}", seen.text());
        assert!(seen.has("Dry in every take."), "what was typed stays");
    }
    assert!(ada.get("/admin/ads").await.has("No campaign yet"));
    // The desk is the admins'.
    for mut somebody in [app.reviewer().await, app.buyer("Bea Buyer").await] {
        for path in ["/admin/ads", "/admin/ads/new", "/admin/ad-free"] {
            somebody.get(path).await.is(403);
        }
        let token = somebody.get("/").await.csrf().unwrap();
        let all: Vec<(&str, &str)> = std::iter::once(("csrf", token.as_str())).chain(FORM).collect();
        somebody.post("/admin/ads", &all).await.is(403);
    }
    assert_eq!(app.visitor().get("/admin/ads").await.is(303).location(), "/sign-in?next=%2Fadmin%2Fads");
}

/// S1-21, S3-58: what the ledger says is what was shown and followed, whatever tries to be counted beside; the figures are
/// the ledger's; and no page writes.
#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_equals_what_was_shown_and_followed() {
    let app = TestApp::new().await;
    let track = stocked(&app, "ambient").await;
    let one = runs(&app, Pitch { pages: vec![Place::Front, Place::Track], ..pitch("One") }).await;
    let other = runs(&app, Pitch { target: "https://rain.example/".into(), ..pitch("Other") }).await;
    let writes = app.app.db.writes();
    let (mut shown, mut followed) = ([0i64; 2], [0i64; 2]);
    for n in 0..36 {
        let mut visitor = app.visitor();
        let path = ["/".to_owned(), track.href(), "/search?q=weather".to_owned()][n % 3].clone();
        let seen = visitor.get(&path).await.is(200);
        let which = match headline(&seen).as_deref() {
            Some("One") => 0,
            Some("Other") => 1,
            other => panic!("{other:?}"),
        };
        shown[which] += 1;
        // Nobody looks at a HEAD.
        visitor.head(&path).await.is(200);
        let id = [&one, &other][which];
        if n % 2 == 0 {
            let link = seen.link(&format!("/ads/{id}/")).unwrap();
            assert_eq!(link, format!("/ads/{id}/{}", ["go", "leave"][which]));
            // What a page loads is no click.
            let go = format!("/ads/{id}/go");
            for (mode, dest) in [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")] {
                visitor.get_with(&go, &[("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest)]).await.is(403);
            }
            let gone = visitor.get_with(&go, &GOES).await.is(303);
            assert_eq!(gone.location(), ["/licences", "https://rain.example/"][which]);
            followed[which] += 1;
        }
    }
    assert!(app.app.db.writes() - writes < 10, "pages do not write");
    assert!(shown[0] > 0 && shown[1] > 0, "{shown:?}");
    let mut ada = app.admin().await;
    for (n, id) in [&one, &other].into_iter().enumerate() {
        let tally = ledger_of(&app, id).await;
        assert_eq!(tally, Tally { shown: shown[n], followed: followed[n] });
        let figures = ada.get(&format!("/admin/ads/{id}")).await.is(200);
        for figure in [shown[n], followed[n]] {
            assert!(figures.has(&format!("<dd>{figure}</dd>")), "{figure} in {}", figures.text());
        }
    }
    app.visitor().get(&format!("/ads/{}/go", CampaignId::new())).await.is(404);
}

/// R-EN-4, section 6 of the plan: an address of somebody else's is left for by a notice, and is told nothing.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_by_an_advertisement_goes_through_a_notice() {
    let app = TestApp::new().await;
    let id = runs(&app, Pitch { target: "https://rain.example/a?b=c".into(), ..pitch("Umbrellas") }).await;
    let mut visitor = app.visitor();
    let notice = visitor.get(&format!("/ads/{id}/leave")).await.is(200);
    assert!(notice.has("rain.example") && notice.has("which is not ours") && !notice.has("may infer"));
    let away = visitor.get_with(&format!("/ads/{id}/go"), &GOES).await.is(303);
    assert_eq!(away.location(), "https://rain.example/a?b=c");
    assert_eq!(away.header("referrer-policy"), Some("no-referrer"));
}

/// T-AD-1, R-AD-1, R-AD-3, S1-26: the mode is what the decision says; where a vendor may be and none is, our own stands
/// in; a no and a signal leave it, a child sees none; and the page of choices says so in the same place.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_leaves_contextual_advertisements_and_says_so() {
    let vendors = ("CUEHOUSE_VENDORS", "ga4=G-TEST");
    for (mode, is_shown) in [("contextual", true), ("vendor", true), ("none", false)] {
        let app = TestApp::with(&[("CUEHOUSE_ADS_MODE", mode), vendors]).await;
        runs(&app, pitch("Umbrellas")).await;
        let mut visitor = app.visitor();
        assert_eq!(visitor.get("/").await.is(200).has(SLOT), is_shown, "{mode}");
        visitor.send("/", "/privacy/choices", &[("choice", "refuse")]).await.is(303);
        let seen = visitor.get("/").await.is(200);
        assert_eq!(seen.has(SLOT), is_shown, "{mode}: the slot stays filled");
        assert!(!seen.header("content-security-policy").unwrap().contains("://"), "and nobody is told of it");
        assert!(
            visitor.cookies().keys().all(|name| name == "forms" || name == "cs"),
            "{:?}",
            visitor.cookies()
        );
        assert_eq!(app.visitor().get_with("/", &[("Sec-GPC", "1")]).await.has(SLOT), is_shown, "{mode}");
        let choices = visitor.get("/privacy/choices").await.is(200);
        let form = choices.text().split("value=\"refuse\"").nth(1).unwrap().to_owned();
        let form = form.split("</form>").next().unwrap();
        assert_eq!(form.contains("A no does not end advertisements"), is_shown, "{mode}");
        assert_eq!(choices.has("it does not mean that there are no advertisements"), is_shown);
        assert_eq!(choices.has("href=\"/privacy/ads\""), is_shown);
        for (band, sees) in
            [(age::Band::Child, false), (age::Band::Minor, is_shown), (age::Band::Adult, is_shown)]
        {
            let mut young = app.visitor();
            young.set_cookie("age", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
            assert_eq!(young.get("/").await.is(200).has(SLOT), sees, "{mode} {band:?}");
        }
    }
    // Without a vendor there is nothing to refuse, and advertisements are told of all the same.
    let app = TestApp::new().await;
    assert!(
        app.visitor().get("/privacy/choices").await.has("chosen by the page alone, never by past visits")
    );
}

/// T-AD-2, R-AD-2, S1-22: who was given it sees no advertisement on any page, and no request counts as one; they switch it
/// off and on; an admin gives and ends it, and it stands there who did.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_advertisements_meets_none() {
    let app = TestApp::new().await;
    let track = stocked(&app, "ambient").await;
    let id = runs(&app, pitch("Umbrellas")).await;
    let pages = ["/".to_owned(), "/search?q=weather".to_owned(), track.href()];
    let (mut bea, mut ada) = (app.buyer("Bea Buyer").await, app.admin().await);
    let mut phone = bea.window();
    assert!(bea.get("/").await.is(200).has(SLOT));
    assert!(!bea.get("/account").await.is(200).has("/account/advertisements"));
    bea.says("/account", "/account/advertisements", &[("advertisements", "off")]).await.is(404);
    let unknown = ada.send("/admin/ad-free", "/admin/ad-free", &[("email", "no@example.com")]).await.is(422);
    assert!(unknown.has("Nobody has an account"));
    let found =
        ada.send("/admin/ad-free", "/admin/ad-free", &[("email", &email_of("Bea Buyer"))]).await.is(303);
    let at = found.location().to_owned();
    let grant = format!("{at}/grant");
    for wrong in ["2020-01-01", "soon"] {
        ada.send(&at, &grant, &[("until", wrong)]).await.is(422);
    }
    let last = Timestamp::now().plus(3 * DAY);
    ada.send(&at, &grant, &[("until", &last.day())]).await.is(303);
    let shown = ledger_of(&app, &id).await;
    for browser in [&mut bea, &mut phone] {
        for path in &pages {
            let seen = browser.get(path).await.is(200);
            assert!(!seen.has("class=\"ad") && !seen.has("/ads/"), "{path}");
        }
    }
    assert_eq!(ledger_of(&app, &id).await, shown, "nothing was asked for");
    assert!(app.visitor().get("/").await.has(SLOT), "others see it");
    let account = bea.get("/account").await.is(200);
    assert!(account.has("You have none") && account.has(&last.long_day()), "{}", account.text());
    for (wish, sees) in [("on", true), ("off", false)] {
        bea.send("/account", "/account/advertisements", &[("advertisements", wish)]).await.is(303);
        for browser in [&mut bea, &mut phone] {
            assert_eq!(browser.get(&track.href()).await.is(200).has(SLOT), sees, "{wish}");
        }
    }
    assert!(ada.get("/admin/ad-free").await.has("Bea Buyer"));
    ada.send(&at, &format!("{at}/ending"), &[]).await.is(303);
    assert!(bea.get("/").await.has(SLOT));
    let page = ada.get(&at).await.is(200);
    let audit = [format!("Given until {} by Ada Admin", last.long_day()), "Taken back by Ada Admin".into()];
    assert!(audit.iter().all(|words| page.has(words)), "{}", page.text());
    assert!(ada.get("/admin/ad-free").await.has("Nobody."));
    let token = page.csrf().unwrap();
    ada.post(&format!("{at}/ending"), &[("csrf", &token)]).await.is(409);
    // Without an end.
    ada.send(&at, &grant, &[("until", "")]).await.is(303);
    assert!(!bea.get("/").await.has(SLOT));
    assert!(ada.get(&at).await.has("Given without an end"));
}

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
            stranger.set_cookie("age", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
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

/// S0-33, S2-28: what somebody looked at before makes no difference: the page decides. And why it stands there is what is
/// said when one asks.
#[tokio::test(flavor = "multi_thread")]
async fn two_histories_get_the_same_advertisements() {
    let app = TestApp::new().await;
    let (ambient, jazz) = (stocked(&app, "ambient").await, stocked(&app, "jazz").await);
    runs(&app, Pitch { pages: vec![Place::Front], ..pitch("Front") }).await;
    runs(&app, Pitch { about: vec!["genre:ambient".into()], ..pitch("Ambient") }).await;
    runs(&app, Pitch { about: vec!["genre:jazz".into()], ..pitch("Jazz") }).await;
    runs(&app, Pitch { about: vec!["tag:tin roof".into()], pages: vec![Place::Search], ..pitch("Roofs") })
        .await;
    let (mut one, mut two, mut signed) = (app.visitor(), app.visitor(), app.buyer("Bea Buyer").await);
    for _ in 0..5 {
        one.get(&ambient.href()).await.is(200);
        two.get(&jazz.href()).await.is(200);
        signed.get("/search?genre=jazz").await.is(200);
    }
    for (path, headline_of, word) in [
        ("/".to_owned(), Some("Front"), "may stand on the front page, and it was its turn"),
        (ambient.href(), Some("Ambient"), "is about Ambient"),
        (jazz.href(), Some("Jazz"), "is about Jazz"),
        ("/search?genre=jazz".to_owned(), Some("Jazz"), "is about Jazz"),
        ("/search?q=tin+roof".to_owned(), Some("Roofs"), "is about “tin roof”"),
        ("/search?q=ambient".to_owned(), Some("Ambient"), "is about Ambient"),
        ("/search".to_owned(), None, ""),
    ] {
        for browser in [&mut one, &mut two, &mut signed] {
            let seen = browser.get(&path).await.is(200);
            assert_eq!(headline(&seen).as_deref(), headline_of, "{path}");
            if headline_of.is_some() {
                let why = seen.links().into_iter().find(|l| l.contains("/why")).unwrap();
                let page = browser.get(&why).await.is(200);
                assert!(page.has(word), "{path}: {}", page.text());
                assert!(page.has("no recommendation") && page.has("href=\"/privacy/ads\""));
            }
        }
    }
}

/// A page asks the database no more often for having a slot, whether it comes from the window or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_costs_no_query() {
    let app = TestApp::new().await;
    let track = stocked(&app, "ambient").await;
    let bea = app.buyer("Bea Buyer").await;
    let token = bea.cookie("session").unwrap().to_owned();
    let client = rocket::local::asynchronous::Client::untracked(cuehouse::rocket(app.app.clone())).await;
    let client = client.unwrap();
    let counted = Arc::new(AtomicU32::new(0));
    let mut asked = vec![];
    for with in [false, true] {
        if with {
            runs(&app, Pitch { most_shown: Some(1000), ..pitch("Umbrellas") }).await;
        }
        for path in ["/", "/search?q=weather", &track.href()] {
            for signed_in in [false, true] {
                let mut request = client.get(path.to_owned());
                if signed_in {
                    request = request.cookie(("session", token.clone()));
                }
                let answer = counter::TASK.scope(Arc::clone(&counted), request.dispatch()).await;
                assert_eq!(answer.into_string().await.unwrap().contains(SLOT), with, "{path}");
                asked.push(counted.swap(0, Ordering::Relaxed));
            }
        }
    }
    let (without, with) = asked.split_at(asked.len() / 2);
    assert_eq!(without, with);
    // A page from the window asks nothing, and has its slot all the same.
    let mut visitor = app.visitor();
    visitor.get("/").await.is(200);
    assert!(visitor.get("/").await.is(200).has(SLOT));
}

/// S1-30: a page that a reviewer found to appeal to children contacts nobody, asks nothing and meets nobody by an audience,
/// whatever its visitor allowed elsewhere; elsewhere what was allowed stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_appeals_to_children_contacts_nobody() {
    let app = TestApp::with(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]).await;
    let track = stocked(&app, "children").await;
    let (page, at) = (track.href(), format!("/admin/review/{}", track.slug));
    let (mut yes, mut rae, mut fresh) = (app.visitor(), app.reviewer().await, app.visitor());
    yes.send("/", "/privacy/choices", &[("choice", "accept")]).await.is(303);
    yes.set_cookie("_ga", "granted");
    assert!(yes.get(&page).await.is(200).has("data-vendor=\"ga4\""));
    assert!(fresh.get(&page).await.has("data-consent-banner"));
    fresh.says("/", &format!("{at}/children"), &[("children", "yes")]).await.is(303);
    assert!(yes.get(&page).await.has("data-vendor=\"ga4\""), "it is not for everyone to say");
    rae.send(&at, &format!("{at}/children"), &[]).await.is(303);
    assert!(rae.get(&at).await.is(200).has("Take the mark back"));
    for browser in [&mut yes, &mut fresh] {
        let seen = browser.get(&page).await.is(200);
        assert!(!seen.has("data-vendor") && !seen.has("data-consent-banner"));
        for header in ["content-security-policy", "connection-allowlist"] {
            assert!(!seen.header(header).unwrap().contains("://"), "{header}");
        }
    }
    assert_eq!(yes.cookie("_ga"), Some("granted"), "what was granted elsewhere stands");
    assert!(yes.get("/").await.has("data-vendor=\"ga4\""));
    runs(&app, Pitch { about: vec!["genre:children".into()], ..pitch("Picture books") }).await;
    assert_eq!(headline(&fresh.get(&page).await).as_deref(), Some("Picture books"), "the page alone chooses");
    rae.send(&at, &format!("{at}/children"), &[]).await.is(303);
    assert!(yes.get(&page).await.has("data-vendor=\"ga4\""));
}
