//! The age screen, the privacy pages, and the files that machines look for by convention.

use rocket::http::{ContentType, Status};
use rocket::{State, get, post};
use serde::Serialize;
use serde_json::json;

use super::adult;
use super::age::{self, Answer, Band, Birth};
use super::desk::OPT_OUT_LASTS;
use super::entry::Unkept;
use super::guards::{Screened, Whereabouts};
use super::signal::Said;
use super::turn;
use crate::App;
use crate::accounts::{joining, session};
use crate::catalogue::map;
use crate::clock::{DAY, Timestamp};
use crate::error::{Error, Result};
use crate::ids::TrackId;
use crate::sales::guards::BASKET_LASTS;
use crate::web::{Faults, Fields, FormView, Ours, Page, Posted, Reply, View};

/// The day the privacy page last changed its meaning.
pub const EDITION: &str = "2026-11-28";
/// The edition before, as it stood until then.
const EDITION_BEFORE: &str = "2026-11-25";

/// A choice of a form.
#[derive(Serialize)]
struct Choice {
    slug: String,
    name: &'static str,
}

/// How long the browser of somebody under age finds back to its page.
pub const WARD_LASTS: i64 = 60 * DAY;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The age screen: it comes first and alone, and does not say what it is for.
#[derive(Serialize)]
pub struct AgeScreen {
    form: FormView,
    months: Vec<Choice>,
    /// This browser's turn to answer.
    turn: String,
    /// Where they were going, whatever is answered: a page of ours. Empty: to where accounts are made.
    to: String,
}

impl AgeScreen {
    /// The screen on a page of this browser's.
    pub fn new(app: &App, page: &Page, form: FormView) -> AgeScreen {
        AgeScreen::with(turn::token(&app.keys.seal, page.browser(), Timestamp::now()), form)
    }

    fn with(turn: String, form: FormView) -> AgeScreen {
        let months = (1..).zip(MONTHS).map(|(n, name)| Choice { slug: n.to_string(), name });
        AgeScreen { form, months: months.collect(), turn, to: String::new() }
    }

    /// The same for somebody who was going there.
    fn on_the_way(self, to: Option<&str>) -> AgeScreen {
        AgeScreen { to: to.unwrap_or_default().to_owned(), ..self }
    }
}

impl View for AgeScreen {
    const TEMPLATE: &'static str = "consent/age.html";

    fn samples() -> Vec<AgeScreen> {
        let fields = Fields::parse("birth_year=1999&birth_month=4&birth_day=31");
        let wrong = FormView::new(&fields, Faults::of("birth_day", "That month has no such day."));
        let screen = |form| AgeScreen::with("turn".into(), form);
        vec![screen(FormView::default()), screen(wrong).on_the_way(Some("/search?q=rain"))]
    }
}

/// What somebody is told who gets no account here.
#[derive(Serialize)]
pub struct TooYoung {}

impl View for TooYoung {
    const TEMPLATE: &'static str = "consent/too_young.html";

    fn samples() -> Vec<TooYoung> {
        vec![TooYoung {}]
    }
}

/// The question was answered in this browser. The same words for everyone.
#[derive(Serialize)]
pub struct Answered {
    /// Where to go on to: an address of ours.
    to: String,
}

impl Answered {
    fn new(to: Option<&str>) -> Answered {
        Answered { to: to.unwrap_or("/sign-up").to_owned() }
    }
}

impl View for Answered {
    const TEMPLATE: &'static str = "consent/answered.html";

    fn samples() -> Vec<Answered> {
        vec![Answered::new(None), Answered::new(Some("/search?q=rain"))]
    }
}

/// The age screen at an address of its own. Answered, it is not shown again: back, reloaded, in another tab. Where everyone
/// is asked on the way to a page, it leads on there; and whose browser lost the answer is told why that does not go on.
#[get("/age?<to>")]
pub fn screen(to: Option<&str>, page: Page, screened: Screened, app: &State<App>) -> Result<Reply> {
    let to = to.and_then(adult::back);
    if page.visitor.is_some() {
        return Ok(Reply::go(to.unwrap_or("/account")));
    }
    if screened.0.is_some() {
        return page.show_as(409, &Answered::new(to));
    }
    let first = match app.consent.child_mode {
        true => app.turns.word(page.browser(), Timestamp::now()),
        false => None,
    };
    match first {
        Some(first) => page.keep(Ours::Age, first).show_as(409, &Unkept::new(to)),
        None => {
            let shown = AgeScreen::new(app, &page, FormView::default()).on_the_way(to);
            page.show(&shown)
        }
    }
}

/// Takes a month of birth, and its day if it was told, keeps what it means and forgets it. Status, target and the shape of
/// the cookie are the same for every age. Nothing is written: no row, no leaf, no line. A second answer is refused, and one
/// that nobody was shown the screen for is not taken.
#[post("/age", data = "<form>")]
pub fn answer(
    form: Posted,
    page: Page,
    screened: Screened,
    said: Said,
    at: Whereabouts,
    app: &State<App>,
) -> Result<Reply> {
    let to = adult::back(form.0.text("to"));
    if page.visitor.is_some() {
        return Ok(Reply::go(to.unwrap_or("/account")));
    }
    if screened.0.is_some() {
        return page.show_as(409, &Answered::new(to));
    }
    let now = Timestamp::now();
    let is_its_turn = turn::fits(&app.keys.seal, form.0.text("screen"), page.browser(), now);
    let stale = || Faults::of("birth_month", "This page was open for a long time. Please send it once more.");
    let birth = match born(&form.0, now).and_then(|birth| is_its_turn.then_some(birth).ok_or_else(stale)) {
        Ok(birth) => birth,
        Err(faults) => {
            let shown = AgeScreen::new(app, &page, FormView::new(&form.0, faults)).on_the_way(to);
            return page.show_as(422, &shown);
        }
    };
    let answer = birth.answer(now, app.consent.thresholds(at.place.as_deref(), &at.hints));
    let answer = said.lowers(answer);
    // A child who cannot come in takes nothing along, not even when that would end.
    let next = answer.next.filter(|_| answer.band != Band::Child || app.consent.child_mode);
    let word = age::seal(&app.keys.seal, Answer { next, ..answer }, now);
    match app.turns.take(page.browser(), &word, now) {
        Ok(()) => Ok(Reply::go(to.unwrap_or("/sign-up")).keep(Ours::Age, word, None)),
        // The first answer holds, also where its cookie never arrived.
        Err(first) => page.keep(Ours::Age, first).show_as(409, &Answered::new(to)),
    }
}

/// The birth in a form of the screen, or what is wrong with it. The day may be left empty.
pub fn born(fields: &Fields, now: Timestamp) -> Result<Birth, Faults> {
    let (year, month) = (fields.text("birth_year").parse().ok(), fields.text("birth_month").parse().ok());
    let mut faults = Faults::default();
    if month.is_none_or(|m: u32| !(1..=12).contains(&m)) {
        faults.add("birth_month", "Choose a month.");
    }
    let birth = year.and_then(|y: i32| Birth::new(y, month.unwrap_or(1), now));
    if birth.is_none() {
        faults.add("birth_year", "Write the year with four figures, such as 1900.");
    }
    let birth = birth.filter(|_| faults.is_empty());
    let exact = match fields.text("birth_day") {
        "" => birth,
        day => birth.zip(day.parse().ok()).and_then(|(birth, day)| birth.on(day, now)),
    };
    if birth.is_some() && exact.is_none() {
        faults.add("birth_day", "That month has no such day. You can leave it empty.");
    }
    exact.ok_or(faults)
}

/// A cookie of ours as the privacy page lists it.
#[derive(Serialize)]
pub struct OwnCookie {
    #[serde(skip)]
    pub ours: Ours,
    pub name: String,
    pub what: &'static str,
    /// `needed`, `preference`, `statistics` or `advertising`; none of ours is for statistics.
    pub class: &'static str,
    pub lasts: String,
}

/// What a cookie of ours is for: what works only with it, something that was wished, or advertisements of our own.
fn class(ours: Ours) -> &'static str {
    match ours {
        Ours::Remembered => "preference",
        Ours::AdWishes | Ours::AdCounts | Ours::Once => "advertising",
        _ => "needed",
    }
}

/// Every cookie of ours, for a site that is reached so and keeps a choice so long.
pub fn own_cookies(https: bool, choice_ms: i64) -> Vec<OwnCookie> {
    let days = |ms: i64| format!("{} days", ms / DAY);
    let row = |ours: Ours, what, lasts: String| OwnCookie {
        name: ours.name(https),
        ours,
        what,
        class: class(ours),
        lasts,
    };
    vec![
        row(
            Ours::Session,
            "keeps you signed in",
            format!("{}, or until you sign out", days(session::LONGEST_MS)),
        ),
        row(
            Ours::Forms,
            "proves that a form you send came from our page",
            "until you close the browser".into(),
        ),
        row(Ours::Basket, "finds your basket again while you are not signed in", days(BASKET_LASTS)),
        row(Ours::Notice, "one line, such as “Saved”, for the next page, sealed", "a minute".into()),
        row(
            Ours::Age,
            "how the age question was answered: a sealed word without a date of birth, the same length for everyone",
            "until you close the browser".into(),
        ),
        row(
            Ours::Ward,
            "leads somebody under age back to their page while a grown-up is asked",
            format!("{} days", WARD_LASTS / DAY),
        ),
        row(
            Ours::Remembered,
            "your e-mail address for the sign-in form, sealed, only if you ticked the box",
            "a year, or until you sign in without the box".into(),
        ),
        row(
            Ours::Consent,
            "what you chose about who may see you, sealed; a no carries no id",
            format!("{}, an opt-out of sale and sharing {}", days(choice_ms), days(OPT_OUT_LASTS)),
        ),
        row(Ours::Later, "that you put the question off", "until you close the browser".into()),
        row(
            Ours::AdWishes,
            "topics of advertisements you like or block, sealed; only if you saved some",
            days(choice_ms),
        ),
        row(
            Ours::AdCounts,
            "which of our advertisements you were shown today and how often, sealed, without an id; only if you \
             asked your browser to count",
            "until you close the browser".into(),
        ),
        row(
            Ours::Once,
            "that you pressed a button to load an advertisement of another company once, and on which page, sealed; \
             grants nothing",
            "until that page has come, a minute at most".into(),
        ),
    ]
}

/// What we keep and why.
#[derive(Serialize)]
pub struct Privacy {
    edition: Timestamp,
    /// The edition before this one, where it can be read.
    before: Option<Timestamp>,
    operator: String,
    contact: String,
    cookies: Vec<OwnCookie>,
    session_days: i64,
    idle_days: i64,
    unconfirmed_days: i64,
    /// The storage service that a browser is sent to for sound, where the operator uses one that way.
    media_origin: Option<String>,
}

impl Privacy {
    fn new(app: &App) -> Privacy {
        Privacy {
            edition: edition_day(),
            before: Some(day_of(EDITION_BEFORE)),
            operator: app.config.operator_name.clone(),
            contact: app.config.contact.clone(),
            cookies: own_cookies(app.config.is_https(), app.consent.choice_ms),
            session_days: session::LONGEST_MS / DAY,
            idle_days: session::IDLE_MS / DAY,
            unconfirmed_days: joining::UNCONFIRMED_MS / DAY,
            media_origin: app.media_origin.clone(),
        }
    }
}

pub(super) fn edition_day() -> Timestamp {
    day_of(EDITION)
}

/// The moment at which the day of an edition began.
pub(super) fn day_of(edition: &str) -> Timestamp {
    let day = edition.parse::<chrono::NaiveDate>().unwrap_or_default();
    Timestamp(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
}

/// The edition of 25 November 2026 in its own words, with the cookies there were then.
#[derive(Serialize)]
pub struct PrivacyBefore {
    #[serde(flatten)]
    then: Privacy,
    newest: Timestamp,
}

impl PrivacyBefore {
    fn new(app: &App) -> PrivacyBefore {
        let mut then = Privacy::new(app);
        let since = [Ours::Consent, Ours::Later, Ours::Once].map(|ours| ours.name(app.config.is_https()));
        then.cookies.retain(|row| !since.contains(&row.name));
        PrivacyBefore { then: Privacy { edition: day_of(EDITION_BEFORE), ..then }, newest: edition_day() }
    }
}

impl View for PrivacyBefore {
    const TEMPLATE: &'static str = "consent/privacy-2026-11-25.html";

    fn samples() -> Vec<PrivacyBefore> {
        Privacy::samples().into_iter().map(|then| PrivacyBefore { then, newest: edition_day() }).collect()
    }
}

impl View for Privacy {
    const TEMPLATE: &'static str = "consent/privacy.html";

    fn samples() -> Vec<Privacy> {
        let row = || OwnCookie {
            ours: Ours::Session,
            name: "session".into(),
            what: "keeps you signed in",
            class: "needed",
            lasts: "60 days".into(),
        };
        [None, Some("https://sounds.example".to_owned())]
            .map(|media_origin| Privacy {
                edition: edition_day(),
                before: Some(day_of(EDITION_BEFORE)),
                operator: "Cuehouse".into(),
                contact: "hello@shop.example".into(),
                cookies: vec![row()],
                session_days: 60,
                idle_days: 14,
                unconfirmed_days: 14,
                media_origin,
            })
            .into()
    }
}

/// What we keep and why, in the newest edition.
#[get("/privacy")]
pub fn privacy(page: Page, app: &State<App>) -> Result<Reply> {
    page.show(&Privacy::new(app))
}

/// One edition by its day: what was once said can still be read.
#[get("/privacy/<day>", rank = 5)]
pub fn edition(day: &str, page: Page, app: &State<App>) -> Result<Reply> {
    match day {
        EDITION => page.show(&Privacy::new(app)),
        EDITION_BEFORE => page.show(&PrivacyBefore::new(app)),
        _ => Err(Error::NotFound),
    }
}

/// The page of an edition by its day, as text.
pub(super) fn edition_html(day: &str, page: &Page, app: &App) -> Result<String> {
    match day {
        EDITION => page.html(&Privacy::new(app)),
        EDITION_BEFORE => page.html(&PrivacyBefore::new(app)),
        _ => Err(Error::NotFound),
    }
}

/// The framework's vendor list that pages go by, from memory. 404 where the operator set none, or it has not come yet.
#[get("/privacy/vendor-list.json")]
pub fn vendor_list(app: &State<App>) -> Result<Reply> {
    let held = app.vendor_list.held().ok_or(Error::NotFound)?;
    let left = held.left_secs(Timestamp::now());
    Ok(Reply::bytes(ContentType::JSON, held.body.clone())
        .header("Cache-Control", format!("public, max-age={left}")))
}

/// Says to machines that Global Privacy Control is obeyed.
#[get("/.well-known/gpc.json")]
pub fn gpc() -> Reply {
    Reply::json(&json!({ "gpc": true, "lastUpdate": EDITION }))
        .header("Cache-Control", "public, max-age=86400")
}

/// Where to report a weakness (RFC 9116). Its promise is renewed for half a year at every reading.
#[get("/.well-known/security.txt")]
pub fn security(app: &State<App>) -> Reply {
    let contact = &app.config.contact;
    let contact = if contact.contains("://") { contact.clone() } else { format!("mailto:{contact}") };
    let (expires, canonical) =
        (Timestamp::now().plus(180 * DAY).day(), app.config.absolute("/.well-known/security.txt"));
    Reply::text(format!(
        "Contact: {contact}\nExpires: {expires}T00:00:00Z\nPreferred-Languages: en\nCanonical: {canonical}\n"
    ))
}

/// What search engines should leave alone: what is somebody's own.
#[get("/robots.txt")]
pub fn robots(app: &State<App>) -> Reply {
    let mut text = String::from("User-agent: *\n");
    for own in [
        "/account",
        "/admin",
        "/ads",
        "/age",
        "/cart",
        "/checkout",
        "/confirm",
        "/email",
        "/leave",
        "/library",
        "/orders",
        "/privacy/receipts",
        "/reset",
        "/sign-in",
        "/sign-up",
        "/studio",
    ] {
        text += &format!("Disallow: {own}\n");
    }
    Reply::text(format!("{text}\nSitemap: {}\n", app.config.absolute("/sitemap.xml")))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// How a browser searches here from its address bar (OpenSearch 1.1).
#[get("/opensearch.xml")]
pub fn opensearch(app: &State<App>) -> Reply {
    let (name, site) = (escaped(&app.config.site_name), escaped(&app.config.site_url));
    let short: String = app.config.site_name.chars().take(16).collect();
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\">\n\
         <ShortName>{}</ShortName>\n<Description>Search sounds on {name}</Description>\n\
         <InputEncoding>UTF-8</InputEncoding>\n\
         <Url type=\"text/html\" method=\"get\" template=\"{site}/search?q={{searchTerms}}\"/>\n\
         </OpenSearchDescription>\n",
        escaped(&short)
    );
    Reply::bytes(ContentType::new("application", "opensearchdescription+xml"), xml)
        .header("Cache-Control", "public, max-age=86400")
}

/// What is kept of a map by those who read it: an hour.
fn map_of(xml: String) -> Reply {
    Reply::bytes(ContentType::XML, xml).status(Status::Ok).header("Cache-Control", "public, max-age=3600")
}

fn urls(app: &App, all: impl Iterator<Item = (String, Option<Timestamp>)>) -> Reply {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for (path, changed) in all {
        let changed = changed.map(|at| format!("<lastmod>{}</lastmod>", at.day())).unwrap_or_default();
        xml += &format!("<url><loc>{}</loc>{changed}</url>\n", escaped(&app.config.absolute(&path)));
    }
    map_of(xml + "</urlset>\n")
}

/// The map of the public site: files of a bounded length (sitemaps.org 0.9).
#[get("/sitemap.xml")]
pub async fn sitemap(app: &State<App>) -> Result<Reply> {
    let files = app.db.read(map::track_files).await?;
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    let tracks = files.into_iter().map(|after| match after {
        None => "/sitemap/tracks.xml".to_owned(),
        Some(id) => format!("/sitemap/tracks.xml?after={id}"),
    });
    for path in
        ["/sitemap/pages.xml".to_owned(), "/sitemap/profiles.xml".to_owned()].into_iter().chain(tracks)
    {
        xml += &format!("<sitemap><loc>{}</loc></sitemap>\n", escaped(&app.config.absolute(&path)));
    }
    Ok(map_of(xml + "</sitemapindex>\n"))
}

/// Pages that are not about a track or a person.
#[get("/sitemap/pages.xml")]
pub fn sitemap_pages(app: &State<App>) -> Reply {
    let pages = ["/", "/search", "/licences", "/verify", "/privacy", "/privacy/choices"];
    urls(app, pages.into_iter().map(|path| (path.to_owned(), None)))
}

/// Published tracks from one place in their order on, with the day each last changed.
#[get("/sitemap/tracks.xml?<after>")]
pub async fn sitemap_tracks(after: Option<&str>, app: &State<App>) -> Result<Reply> {
    let after = match after {
        None => None,
        Some(text) => Some(TrackId::parse(text).ok_or(Error::NotFound)?),
    };
    let rows = app.db.read(move |conn| map::tracks(conn, after.as_ref())).await?;
    Ok(urls(app, rows.into_iter().map(|(slug, changed)| (format!("/tracks/{slug}"), Some(changed)))))
}

/// People with something published.
#[get("/sitemap/profiles.xml")]
pub async fn sitemap_profiles(app: &State<App>) -> Result<Reply> {
    let rows = app.db.read(map::profiles).await?;
    let rows = rows.into_iter().filter_map(|(handle, changed)| Some((format!("/@{}", handle?), changed)));
    Ok(urls(app, rows))
}
