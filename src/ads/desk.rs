//! Where campaigns are made, changed and ended, and their figures read. For admins.

use rocket::{State, get, post};
use serde::Serialize;

use super::audience;
use super::campaign::{Campaign, Deed, Pitch, Stage};
use super::form;
use super::ledger::{self, Tally};
use super::named;
use super::topic::{Place, Topic};
use crate::App;
use crate::accounts::guards::Admin;
use crate::catalogue::lists::{self, Word};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::CampaignId;
use crate::web::{Faults, Fields, FormView, Page, Posted, Reply, Sure, View};

/// Campaigns on one page, and days of one.
const MOST: i64 = 200;
const MOST_DAYS: i64 = 92;

/// Where a campaign is on its way, as a mark and as words.
#[derive(Clone, Copy, Debug, Serialize)]
struct Standing {
    state: &'static str,
    words: &'static str,
}

impl Standing {
    fn of(stage: Stage) -> Standing {
        let (state, words) = match stage {
            Stage::Waiting => ("waiting", "Begins later"),
            Stage::Running => ("published", "Running"),
            Stage::Spent => ("withdrawn", "Shown as often as it may be"),
            Stage::Ended => ("withdrawn", "Ended"),
        };
        Standing { state, words }
    }
}

/// A campaign in the list.
#[derive(Debug, Serialize)]
struct Line {
    href: String,
    headline: String,
    advertiser: String,
    standing: Standing,
    total: Tally,
}

/// `/admin/ads`.
#[derive(Serialize)]
pub struct Campaigns {
    all: Vec<Line>,
    /// Whether the shop shows advertisements at all.
    are_shown: bool,
}

impl View for Campaigns {
    const TEMPLATE: &'static str = "ads/campaigns.html";

    fn samples() -> Vec<Campaigns> {
        let line = Line {
            href: "/admin/ads/01".into(),
            headline: "Which licence do I need?".into(),
            advertiser: "Cuehouse".into(),
            standing: Standing::of(Stage::Running),
            total: Tally { shown: 1200, followed: 30 },
        };
        vec![Campaigns { all: vec![line], are_shown: true }, Campaigns { all: vec![], are_shown: false }]
    }
}

/// All of them, the newest first.
#[get("/admin/ads")]
pub async fn index(_who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let now = Timestamp::now();
    app.ads.write(&app.db).await?;
    let (all, totals) = app
        .db
        .read(|conn| {
            let all = Campaign::all(conn, MOST)?;
            let ids: Vec<&CampaignId> = all.iter().map(|campaign| &campaign.id).collect();
            let totals = ledger::totals(conn, &ids)?;
            Ok((all, totals))
        })
        .await?;
    let line = |campaign: &Campaign| {
        let total = totals.get(&campaign.id).copied().unwrap_or_default();
        Line {
            href: href(&campaign.id),
            headline: campaign.headline.clone(),
            advertiser: campaign.advertiser.clone(),
            standing: Standing::of(campaign.stage(total.shown, now)),
            total,
        }
    };
    let are_shown = app.consent.ads != crate::consent::rulebook::AdsMode::None;
    page.show(&Campaigns { all: all.iter().map(line).collect(), are_shown })
}

fn href(id: &CampaignId) -> String {
    format!("/admin/ads/{id}")
}

/// A value of a list, as forms want it.
#[derive(Clone, Debug, Serialize)]
struct Choice {
    slug: &'static str,
    name: &'static str,
}

/// The form of a campaign, new or known.
#[derive(Serialize)]
pub struct CampaignForm {
    form: FormView,
    /// The campaign that is changed; none for a new one.
    href: Option<String>,
    topics: Vec<Choice>,
    pages: Vec<Choice>,
    kinds: Vec<Choice>,
    genres: Vec<Choice>,
    moods: Vec<Choice>,
    instruments: Vec<Choice>,
    least: usize,
}

impl CampaignForm {
    fn new(form: FormView, href: Option<String>, least: usize) -> CampaignForm {
        let list = |words: &'static [Word]| -> Vec<Choice> {
            words.iter().map(|word| Choice { slug: word.slug, name: word.name }).collect()
        };
        CampaignForm {
            form,
            href,
            topics: Topic::ALL.iter().map(|t| Choice { slug: t.as_str(), name: t.name() }).collect(),
            pages: Place::ALL.iter().map(|p| Choice { slug: p.as_str(), name: p.name() }).collect(),
            kinds: list(lists::KINDS),
            genres: list(lists::GENRES),
            moods: list(lists::MOODS),
            instruments: list(lists::INSTRUMENTS),
            least,
        }
    }
}

impl View for CampaignForm {
    const TEMPLATE: &'static str = "ads/edit.html";

    fn samples() -> Vec<CampaignForm> {
        let fields = Fields::parse("advertiser=Cuehouse&topic=shop&genre=ambient&target=nowhere");
        let wrong = FormView::new(&fields, Faults::of("target", "A page of this shop."));
        vec![
            CampaignForm::new(FormView::default(), None, 50),
            CampaignForm::new(wrong, Some("/admin/ads/01".into()), 50),
        ]
    }
}

/// An empty form.
#[get("/admin/ads/new")]
pub fn new(_who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let form = FormView::filled([("advertiser", app.config.site_name.clone())]);
    page.show(&CampaignForm::new(form, None, app.ads.least))
}

/// What was typed as a pitch, where nothing is wrong with it; an audience that is too small is.
async fn read(
    app: &App,
    fields: &Fields,
    before: Option<&Pitch>,
    now: Timestamp,
) -> Result<Result<Pitch, Faults>> {
    let pitch = match form::pitch(fields, before, now) {
        Ok(pitch) => pitch,
        Err(faults) => return Ok(Err(faults)),
    };
    if pitch.audience.is_empty() {
        return Ok(Ok(pitch));
    }
    let (topics, least) = (pitch.audience.clone(), app.ads.least);
    let reaches = app
        .db
        .read(move |conn| Ok(audience::reaches(&audience::everyone(conn, now)?, &topics, least, now)))
        .await?;
    let fault = format!("Fewer than {least} people are in this audience, so it could point at one of them.");
    Ok(if reaches { Ok(pitch) } else { Err(Faults::of("audience", fault)) })
}

/// Makes a campaign.
#[post("/admin/ads", data = "<form>")]
pub async fn create(who: Admin, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, now, id) = (form.0, Timestamp::now(), CampaignId::new());
    let pitch = match read(app, &fields, None, now).await? {
        Ok(pitch) => pitch,
        Err(faults) => {
            let form = FormView::new(&fields, faults);
            return page.show_as(422, &CampaignForm::new(form, None, app.ads.least));
        }
    };
    let kept = id.clone();
    app.db.write(move |conn| Campaign::make(conn, &kept, &pitch, &who.id, now)).await?;
    app.ads.renew(&app.db).await?;
    Ok(Reply::go(href(&id)).notice("Made. It is shown from its first day on."))
}

/// A line of what happened.
#[derive(Serialize)]
struct Happened {
    words: String,
    at: Timestamp,
}

/// What a campaign came to on one day.
#[derive(Serialize)]
struct DayLine {
    day: String,
    tally: Tally,
    rate: String,
}

/// `/admin/ads/<id>`: what it is and what it came to.
#[derive(Serialize)]
pub struct Figures {
    href: String,
    headline: String,
    advertiser: String,
    words: String,
    target: String,
    standing: Standing,
    /// It has not ended.
    is_open: bool,
    total: Tally,
    rate: String,
    most_shown: Option<i64>,
    facts: Vec<(&'static str, String)>,
    days: Vec<DayLine>,
    events: Vec<Happened>,
}

/// `2.5 %` of those shown.
fn rate(tally: Tally) -> String {
    match tally.shown {
        0 => "–".into(),
        shown => format!("{:.1} %", tally.followed as f64 * 100.0 / shown as f64),
    }
}

impl Figures {
    fn new(
        campaign: &Campaign,
        total: Tally,
        days: Vec<(String, Tally)>,
        events: Vec<(Deed, String, Timestamp)>,
        now: Timestamp,
    ) -> Figures {
        let stage = campaign.stage(total.shown, now);
        let or = |words: Vec<String>, none: &str| match words.is_empty() {
            true => none.to_owned(),
            false => words.join(", "),
        };
        let names = |topics: &[Topic]| topics.iter().map(|topic| topic.name().to_owned()).collect();
        let until = match campaign.ends_at {
            Some(at) if at <= now => format!("ended {}", at.long_day()),
            Some(at) => format!("until {}", at.plus(-1).long_day()),
            None => "until it is ended".into(),
        };
        let facts = vec![
            ("About", or(names(&campaign.topics), "nothing")),
            (
                "Stands on",
                or(campaign.pages.iter().map(|p| p.name().to_owned()).collect(), "every page with a place"),
            ),
            ("Pages about", or(campaign.about.iter().map(|w| named::word(w)).collect(), "anything")),
            ("Looks for people who like", or(names(&campaign.audience), "nobody in particular")),
            ("When", format!("from {}, {until}", campaign.starts_at.long_day())),
            (
                "A browser that counts sees it",
                campaign
                    .most_a_day
                    .map_or("as often as it comes".into(), |n| format!("at most {n} times a day")),
            ),
        ];
        Figures {
            href: href(&campaign.id),
            headline: campaign.headline.clone(),
            advertiser: campaign.advertiser.clone(),
            words: campaign.words.clone(),
            target: campaign.target.clone(),
            standing: Standing::of(stage),
            is_open: stage != Stage::Ended,
            total,
            rate: rate(total),
            most_shown: campaign.most_shown,
            facts,
            days: days.into_iter().map(|(day, tally)| DayLine { day, tally, rate: rate(tally) }).collect(),
            events: events
                .into_iter()
                .map(|(deed, by, at)| {
                    let did = match deed {
                        Deed::Made => "Made",
                        Deed::Changed => "Changed",
                        Deed::Ended => "Ended",
                    };
                    Happened { words: format!("{did} by {by}"), at }
                })
                .collect(),
        }
    }
}

impl View for Figures {
    const TEMPLATE: &'static str = "ads/show.html";

    fn samples() -> Vec<Figures> {
        let now = Timestamp(1_795_000_000_000);
        let pitch = Pitch {
            advertiser: "Cuehouse".into(),
            headline: "Which licence do I need?".into(),
            words: "Five of them, side by side.".into(),
            target: "/licences".into(),
            topics: vec![Topic::Licensing],
            pages: vec![Place::Track],
            about: vec!["genre:ambient".into(), "tag:rain".into()],
            audience: vec![Topic::Games],
            starts_at: now,
            ends_at: None,
            most_a_day: Some(3),
            most_shown: Some(1000),
        };
        let full = Campaign { id: CampaignId::new(), pitch: pitch.clone() };
        let over = Campaign {
            id: CampaignId::new(),
            pitch: Pitch { ends_at: Some(now), audience: vec![], pages: vec![], about: vec![], ..pitch },
        };
        let tally = Tally { shown: 400, followed: 9 };
        let events = vec![(Deed::Made, "Ada Admin".to_owned(), now)];
        vec![
            Figures::new(&full, tally, vec![("2026-11-28".into(), tally)], events, now),
            Figures::new(&over, Tally::default(), vec![], vec![], now),
        ]
    }
}

/// What it came to, from the ledger: what this process counted is written down first.
#[get("/admin/ads/<id>")]
pub async fn show(id: CampaignId, _who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let now = Timestamp::now();
    app.ads.write(&app.db).await?;
    let view = app
        .db
        .read(move |conn| {
            let campaign = Campaign::find(conn, &id)?;
            let total = ledger::totals(conn, &[&id])?.get(&id).copied().unwrap_or_default();
            let (days, events) = (ledger::days(conn, &id, MOST_DAYS)?, campaign.events(conn)?);
            Ok(Figures::new(&campaign, total, days, events, now))
        })
        .await?;
    page.show(&view)
}

/// The form with what it says now.
#[get("/admin/ads/<id>/edit")]
pub async fn edit(id: CampaignId, _who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let at = href(&id);
    let campaign = app.db.read(move |conn| Campaign::find(conn, &id)).await?;
    page.show(&CampaignForm::new(form::typed(&campaign), Some(at), app.ads.least))
}

/// Says something else of a campaign.
#[post("/admin/ads/<id>", data = "<form>")]
pub async fn update(id: CampaignId, who: Admin, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, now, at) = (form.0, Timestamp::now(), href(&id));
    let campaign = app.db.read(move |conn| Campaign::find(conn, &id)).await?;
    let pitch = match read(app, &fields, Some(&campaign.pitch), now).await? {
        Ok(pitch) => pitch,
        Err(faults) => {
            let form = FormView::new(&fields, faults);
            return page.show_as(422, &CampaignForm::new(form, Some(at), app.ads.least));
        }
    };
    app.db.write(move |conn| campaign.change(conn, &pitch, &who.id, now)).await?;
    app.ads.renew(&app.db).await?;
    Ok(Reply::go(at).notice("Saved."))
}

/// Ends it now. Its figures stay. Whoever was not asked yet is asked first.
#[post("/admin/ads/<id>/ending", data = "<form>")]
pub async fn end(id: CampaignId, who: Admin, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let at = href(&id);
    if !Sure::is_said(&form.0) {
        let campaign = app.db.read(move |conn| Campaign::find(conn, &id)).await?;
        return page.show(&Sure {
            question: format!("End “{}”?", campaign.pitch.headline),
            words: "It is not shown from then on and cannot be begun again. Its figures stay.".into(),
            action: format!("{at}/ending"),
            button: "End it now",
            back: at,
        });
    }
    app.db.write(move |conn| Campaign::find(conn, &id)?.end(conn, &who.id, Timestamp::now())).await?;
    app.ads.renew(&app.db).await?;
    Ok(Reply::go(at).notice("Ended. Its figures stay."))
}
