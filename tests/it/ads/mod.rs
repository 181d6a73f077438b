//! Advertisements of our own: where they stand, whom they are not shown to, what is counted, what people may wish.

mod partners;
mod wishes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cuehouse::ads::campaign::{Campaign, Pitch};
use cuehouse::ads::ledger::{self, Tally};
use cuehouse::ads::topic::{Place, Topic};
use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::age;
use cuehouse::db::counter;
use cuehouse::ids::{CampaignId, UserId};

use crate::support::app::{TestApp, email_of};
use crate::support::browser::Seen;
use crate::support::shelf::{Shelved, piece, seller, shelve};

pub const SLOT: &str = "<aside class=\"ad\"";
/// A person who goes somewhere.
const GOES: [(&str, &str); 2] = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];

pub fn pitch(headline: &str) -> Pitch {
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
pub async fn runs(app: &TestApp, pitch: Pitch) -> CampaignId {
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
    let asked = ada.send(&at, &format!("{at}/ending"), &[]).await.is(200);
    assert!(asked.has("End “Boots for sound people”?") && app.visitor().get("/").await.has(SLOT));
    ada.send(&at, &format!("{at}/ending"), &[("sure", "yes")]).await.is(303);
    for path in &pages {
        assert!(!app.visitor().get(path).await.is(200).has("class=\"ad"), "{path}");
    }
    let page = ada.get(&at).await.is(200);
    for words in ["Made by Ada Admin", "Changed by Ada Admin", "Ended by Ada Admin", "Instruments and gear"] {
        assert!(page.has(words), "{words}");
    }
    let token = page.csrf().unwrap();
    ada.post(&format!("{at}/ending"), &[("csrf", &token), ("sure", "yes")]).await.is(409);
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

/// R-EN-4: an address of somebody else's is left for by a notice, and is told nothing.
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
        let count = form.matches("A no does not end advertisements").count();
        assert_eq!(count, usize::from(is_shown), "{mode}");
        assert_eq!(choices.has("it does not mean that there are no advertisements"), is_shown);
        assert_eq!(choices.has("href=\"/privacy/ads\""), is_shown);
        for (band, sees) in
            [(age::Band::Child, false), (age::Band::Minor, is_shown), (age::Band::Adult, is_shown)]
        {
            let mut young = app.visitor();
            young.set_cookie("al", &age::seal(&app.app.keys.seal, band, Timestamp::now()));
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
