//! What visitors meet: the way to what is advertised, why it was shown, and what they wish of advertisements.

use std::collections::BTreeSet;
use std::sync::Arc;

use rocket::{State, get, post};
use serde::Serialize;

use super::campaign::Campaign;
use super::choose::Viewer;
use super::guards::{Looks, seal_wishes};
use super::named;
use super::topic::Topic;
use super::wishes::{PERSONAL_FINGERPRINT, PERSONAL_TOLD, Wishes};
use super::wishing::{Wished, Wishing};
use crate::App;
use crate::clock::Timestamp;
use crate::consent::adult::IfAdult;
use crate::consent::age::Band;
use crate::consent::entry::LetIn;
use crate::consent::guards::{Consent, Decided};
use crate::consent::leave::{Leaves, Navigation, away};
use crate::consent::own::{OwnChoice, Question};
use crate::consent::purpose::Purpose;
use crate::consent::receipt::Action;
use crate::consent::rulebook::AdsMode;
use crate::consent::word::{About, Refusal};
use crate::error::{Error, Result};
use crate::ids::CampaignId;
use crate::web::{Fields, Ours, Page, Pressed, Reply, View};

/// A campaign that may be asked about: of those that run from memory, of those that are over from their row, since a page
/// with it may be open still.
async fn campaign(app: &App, id: &CampaignId) -> Result<Arc<Campaign>> {
    if let Some(campaign) = app.ads.get(id) {
        return Ok(campaign);
    }
    let id = id.clone();
    Ok(Arc::new(app.db.read(move |conn| Campaign::find(conn, &id)).await?))
}

/// The notice before somebody follows an advertisement.
#[derive(Serialize)]
pub struct LeavePage {
    advertiser: String,
    headline: String,
    /// Where it leads, where that is not here.
    host: Option<String>,
    address: String,
    go: String,
    /// The topics of the audience that it was shown to, where it was: the advertiser may infer one of them.
    audience: Vec<&'static str>,
}

impl View for LeavePage {
    const TEMPLATE: &'static str = "ads/leave.html";

    fn samples() -> Vec<LeavePage> {
        let page = |host: Option<&str>, audience: Vec<&'static str>| LeavePage {
            advertiser: "Cuehouse".into(),
            headline: "Which licence do I need?".into(),
            host: host.map(str::to_owned),
            address: "https://shop.example/licences".into(),
            go: "/ads/01/go".into(),
            audience,
        };
        vec![page(Some("shop.example"), vec![]), page(None, vec!["Games", "Software"])]
    }
}

/// The notice: where it leads, and what an advertiser may infer. For whoever may not be led away there is none (`NotFound`).
#[get("/ads/<id>/leave?<by>")]
pub async fn leave(
    id: CampaignId,
    by: Option<&str>,
    page: Page,
    _may: Leaves,
    app: &State<App>,
) -> Result<Reply> {
    let campaign = campaign(app, &id).await?;
    let host = match campaign.stays_here() {
        true => None,
        false => {
            let url = url::Url::parse(&campaign.target).map_err(|_| Error::NotFound)?;
            Some(url.host_str().ok_or(Error::NotFound)?.to_owned())
        }
    };
    let audience = match by {
        Some("audience") => campaign.audience.iter().map(|topic| topic.name()).collect(),
        _ => vec![],
    };
    page.show(&LeavePage {
        advertiser: campaign.advertiser.clone(),
        headline: campaign.headline.clone(),
        host,
        address: campaign.target.clone(),
        go: format!("/ads/{id}/go"),
        audience,
    })
}

/// To what is advertised, counted. Only a person who goes there gets through, and who was asked for their age where everyone is;
/// what a page loads does not. Whoever may not be led away gets to pages of ours alone.
#[get("/ads/<id>/go")]
pub async fn go(
    id: CampaignId,
    _goes: Navigation,
    _in: LetIn,
    consent: Decided,
    app: &State<App>,
) -> Result<Reply> {
    let campaign = campaign(app, &id).await?;
    if !campaign.stays_here() && !consent.may_leave(app) {
        return Err(Error::NotFound);
    }
    app.ads.followed(&campaign.id, Timestamp::now());
    Ok(match campaign.stays_here() {
        true => Reply::go(campaign.target.clone()).header("Cache-Control", "private, no-store"),
        false => away(&campaign.target),
    })
}

/// Why somebody was shown this one.
#[derive(Serialize)]
pub struct WhyPage {
    advertiser: String,
    headline: String,
    /// The reason, in one sentence.
    because: String,
    /// What it is about.
    topics: Vec<&'static str>,
    /// Whether what the visitor said they like played a part.
    is_personal: bool,
}

impl View for WhyPage {
    const TEMPLATE: &'static str = "ads/why.html";

    fn samples() -> Vec<WhyPage> {
        [true, false]
            .map(|is_personal| WhyPage {
                advertiser: "Cuehouse".into(),
                headline: "Which licence do I need?".into(),
                because: "The page you were on is about Ambient.".into(),
                topics: vec!["Licensing and rights"],
                is_personal,
            })
            .into()
    }
}

/// The reason, checked against the campaign and the visitor: a made-up address gets the general one.
#[get("/ads/<id>/why?<word>&<by>")]
pub async fn why(
    id: CampaignId,
    word: Option<&str>,
    by: Option<&str>,
    looks: Looks,
    page: Page,
    app: &State<App>,
) -> Result<Reply> {
    let campaign = campaign(app, &id).await?;
    let viewer = looks.0;
    let shared: Vec<&str> = match by {
        Some("audience") if viewer.is_personal => {
            let shared = campaign.audience.iter().filter(|topic| viewer.wishes.liked.contains(topic));
            shared.map(|topic| topic.name()).collect()
        }
        _ => vec![],
    };
    let word = word.filter(|word| campaign.about.iter().any(|known| known == word));
    let because = match (shared.as_slice(), word) {
        ([_, ..], _) => format!(
            "{} looks for people who like {}. You said that you do, and that advertisements may be chosen by it.",
            campaign.advertiser,
            shared.join(" or ")
        ),
        ([], Some(word)) => format!(
            "The page you were on is about {}, and {} wished to stand beside such pages.",
            named::word(word),
            campaign.advertiser
        ),
        ([], None) => {
            let places: Vec<String> = campaign.pages.iter().map(|p| p.name().to_lowercase()).collect();
            match places.as_slice() {
                [] => "It may stand on any page that has a place for advertisements, and it was its turn."
                    .into(),
                some => format!("It may stand on {}, and it was its turn.", some.join(" and ")),
            }
        }
    };
    let liked: Vec<&str> = match viewer.band {
        Some(Band::Minor) => vec![],
        _ => {
            let both = campaign.topics.iter().filter(|topic| viewer.wishes.liked.contains(topic));
            both.map(|topic| topic.name()).collect()
        }
    };
    let because = match liked.as_slice() {
        [] => because,
        some => {
            let some = some.join(" and ");
            format!(
                "{because} You said that you like {some}, so it comes first among those that fit as well."
            )
        }
    };
    page.show(&WhyPage {
        advertiser: campaign.advertiser.clone(),
        headline: campaign.headline.clone(),
        because,
        topics: campaign.topics.iter().map(|topic| topic.name()).collect(),
        is_personal: !shared.is_empty() || !liked.is_empty(),
    })
}

/// A topic with what is wished of it.
#[derive(Serialize)]
struct TopicRow {
    slug: &'static str,
    name: &'static str,
    liked: bool,
    blocked: bool,
}

/// What somebody wishes of advertisements.
#[derive(Serialize)]
pub struct WishesPage {
    topics: Vec<TopicRow>,
    counts: bool,
    /// Whether we may choose by what they like; only for people with an account, whose age is known.
    personal: Option<bool>,
    told: &'static str,
    /// Why nothing of theirs is used at the moment, whatever they say here.
    not_now: Option<&'static str>,
    /// Whether advertisements are shown to them at all.
    are_shown: bool,
    ad_free: bool,
    no_cookies: bool,
    /// Why nothing was switched on by a form that was sent.
    spent: Option<&'static str>,
    /// How many days wishes are kept in the browser.
    days: i64,
    least: usize,
}

impl View for WishesPage {
    const TEMPLATE: &'static str = "ads/wishes.html";

    fn samples() -> Vec<WishesPage> {
        let page = |full: bool, personal: Option<bool>| WishesPage {
            topics: rows(&Wishes {
                liked: BTreeSet::from([Topic::Games]),
                blocked: BTreeSet::from([Topic::Gear]),
                ..Wishes::default()
            }),
            counts: full,
            personal,
            told: PERSONAL_TOLD,
            not_now: (!full).then_some("Your browser asks not to be followed."),
            are_shown: full,
            ad_free: !full,
            no_cookies: !full,
            spent: (!full).then_some(Refusal::Used.words()),
            days: 182,
            least: 50,
        };
        vec![page(true, Some(true)), page(true, None), page(false, Some(false))]
    }
}

fn rows(wishes: &Wishes) -> Vec<TopicRow> {
    let row = |topic: &Topic| TopicRow {
        slug: topic.as_str(),
        name: topic.name(),
        liked: wishes.liked.contains(topic),
        blocked: wishes.blocked.contains(topic),
    };
    Topic::ALL.iter().map(row).collect()
}

impl WishesPage {
    /// Everything as it stands for whoever looks. `spent` is why nothing was switched on by a form that was sent.
    fn new(
        app: &App,
        consent: &Consent,
        viewer: &Viewer,
        spent: Option<Refusal>,
        now: Timestamp,
    ) -> WishesPage {
        let is_adult = consent.account.is_some() && viewer.band == Some(Band::Adult);
        let not_now = match consent.decision.signal_applied {
            true => Some(
                "Your browser asks not to be followed, so your likes find you no advertisement while it does.",
            ),
            false if consent.choices.opted_out_at.is_some() => Some(
                "You opted out of sale and sharing, so your likes find you no advertisement while that holds.",
            ),
            false => None,
        };
        WishesPage {
            topics: rows(&viewer.wishes),
            counts: viewer.wishes.counts,
            personal: is_adult.then(|| viewer.wishes.are_personal(now)),
            told: PERSONAL_TOLD,
            not_now,
            are_shown: viewer.mode != AdsMode::None,
            ad_free: consent.ad_free,
            no_cookies: !consent.takes_cookies,
            spent: spent.map(Refusal::words),
            days: app.consent.choice_ms / crate::clock::DAY,
            least: app.ads.least,
        }
    }
}

/// Topics liked and blocked, and what may be done with them.
#[get("/privacy/ads")]
pub fn show(looks: Looks, consent: Decided, page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&WishesPage::new(app, &consent, &looks.0, None, Timestamp::now()))
}

/// Keeps the wishes: in the browser, and with the account where there is one. A change of the yes to personalised
/// advertisements writes its receipt in the same transaction; that yes is for people of age alone, and stays as it was where the
/// form has no switch for it. Who says yes in a form that does not count any more is shown what holds, with everything to be said
/// anew.
#[post("/privacy/ads", data = "<form>")]
pub async fn wish(
    form: Pressed,
    looks: Looks,
    consent: Decided,
    adult: IfAdult,
    page: Page,
    app: &State<App>,
) -> Result<Reply> {
    let (viewer, now) = (looks.0, Timestamp::now());
    let Some(word) = form.word(About::Ads, &app.keys.seal, page.browser(), consent.signal(app)) else {
        let why = Refusal::NotGiven;
        return page.show_as(why.status(), &WishesPage::new(app, &consent, &viewer, Some(why), now));
    };
    let Pressed(fields, _) = form;
    let personal = said_of_personal(&fields).filter(|_| consent.account.is_some());
    let wishing = Wishing { said: said(&fields), personal, word, lasts_ms: app.consent.choice_ms };
    let done = match consent.account.clone() {
        None => wishing.alone(&viewer.wishes, now),
        Some(user) => {
            let is_personal = wishing.personal == Some(true);
            if is_personal {
                adult.proof()?;
            }
            let question = Question {
                purpose: Purpose::AdsPersonalised,
                told: PERSONAL_TOLD,
                fingerprint: &PERSONAL_FINGERPRINT,
            };
            let choice = OwnChoice::new(app, &consent, question, is_personal, now)?;
            let elsewhere = viewer.wishes.clone();
            app.db.write(move |conn| wishing.write(conn, &user, &choice, &elsewhere, now)).await?
        }
    };
    let Wished { wishes, receipt, refusal } = done;
    let browser = page.browser().to_owned();
    let reply = match refusal {
        None => Reply::go("/privacy/ads"),
        Some(why) => {
            let viewer = Viewer { wishes: wishes.clone(), ..viewer };
            page.show_as(why.status(), &WishesPage::new(app, &consent, &viewer, Some(why), now))?
        }
    };
    let line = "Saved. It holds from the next page on.";
    let reply = match receipt {
        // Nothing in the browser leads to the receipt of a no.
        Some((id, Action::Withdraw)) => {
            app.handed.leave(&browser, id, now);
            reply.notice_with_receipt(line)
        }
        Some((id, _)) => reply.notice_with(line, "Receipt", &format!("/privacy/receipts/{id}")),
        None if refusal.is_none() => reply.notice(line),
        None => reply,
    };
    Ok(in_browser(app, reply, wishes))
}

/// What a form says of topics and of counting.
fn said(fields: &Fields) -> Wishes {
    let says = |topic: &Topic, wish: &str| fields.text(&format!("topic.{topic}")) == wish;
    let those = |wish: &str| Topic::ALL.iter().copied().filter(|topic| says(topic, wish)).collect();
    Wishes {
        liked: those("like"),
        blocked: those("block"),
        counts: fields.text("counts") == "on",
        personal: None,
    }
}

/// What a form says of being found by what one likes. A form without that switch, as whoever is not of age here has it, says
/// nothing of it: saving topics takes nothing back.
fn said_of_personal(fields: &Fields) -> Option<bool> {
    match (fields.text("personal"), fields.text("asked")) {
        ("on", _) => Some(true),
        (_, "personal") => Some(false),
        _ => None,
    }
}

/// An answer with which the browser keeps what it needs while nobody is signed in. A yes lies with the account alone.
fn in_browser(app: &App, reply: Reply, wishes: Wishes) -> Reply {
    let kept = Wishes { personal: None, ..wishes };
    let reply = if kept.counts { reply } else { reply.forget(Ours::AdCounts) };
    match kept == Wishes::default() {
        true => reply.forget(Ours::AdWishes),
        false => reply.keep(Ours::AdWishes, seal_wishes(&app.keys.seal, &kept), Some(app.consent.choice_ms)),
    }
}
