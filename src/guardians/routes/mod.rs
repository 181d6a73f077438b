//! The pages of the young (`ward`), of those who answer for them (`home`), the notice of an account that is held back
//! (`held`), proof of adulthood (`proof`) and of who a guardian is (`identity`) by providers (`provider`), what anybody reads
//! about children (`online`), what anybody may report (`report`), what the staff decide (`staff`), and a parent's way to answer
//! with a text message (`text`).

mod card;
mod held;
mod home;
mod identity;
mod online;
mod proof;
mod provider;
mod question;
mod report;
mod staff;
mod text;
mod ward;

use rocket::Route;
use rocket::routes;
use serde::Serialize;

use super::growing;
use super::knowledge::{self, Source};
use super::leaf::Stub;
use super::moving;
use super::notice::Ground;
use super::permission::Permission;
use super::text::TextMessage;
use super::ward::{Guardian, Opens, Ward};
use crate::App;
use crate::accounts::band::Band;
use crate::accounts::user::{User, Visitor};
use crate::clock::Timestamp;
use crate::consent::whereabouts::{Named, named};
use crate::error::Result;
use crate::web::{Sample, samples};

pub use home::Purchase;
pub use provider::forget as forget_checks;
pub use ward::AskGuardian;

/// Whether what somebody wants to write about themselves says that they are younger than they declared: then it is not
/// kept, and the account is frozen in this request. Whom an age makes a child is for the place of the account to say.
pub async fn frozen_by_words(app: &App, who: &Visitor, words: &str) -> Result<bool> {
    let strictest = app.consent.thresholds(None, &[]);
    if knowledge::stated(words, strictest).is_none_or(|band| band >= who.band) {
        return Ok(false);
    }
    let (book, user) = (app.consent.clone(), who.id.clone());
    let ages = app.db.read(move |conn| knowledge::ages_of(conn, &book, &user)).await?;
    let stated = knowledge::stated(words, ages);
    let Some(bracket) = stated.filter(|band| *band < who.band) else { return Ok(false) };
    let (ground, stub, user) = (Ground::of(app), Stub::draw()?, who.id.clone());
    let sign = (Source::OwnWords, bracket);
    let frozen = app
        .db
        .write(move |conn| knowledge::freeze(conn, &ground, &user, sign, None, &stub, Timestamp::now()))
        .await?;
    app.bell.ring();
    Ok(frozen)
}

/// Whether a device's saying that its user is of a younger band froze the account, just now or in another request. Whom the
/// staff once found to be of age it freezes no more; what may be contacted from that device follows its word all the same.
pub async fn frozen_by_device(app: &App, who: &Visitor, bracket: Band) -> Result<bool> {
    if !knowledge::is_news(who.band, who.hold, bracket) {
        return Ok(false);
    }
    let user = who.id.clone();
    if app.db.read(move |conn| knowledge::was_cleared(conn, &user)).await? {
        return Ok(false);
    }
    let (ground, stub, user) = (Ground::of(app), Stub::draw()?, who.id.clone());
    app.db
        .write(move |conn| knowledge::hear_device(conn, &ground, &user, bracket, &stub, Timestamp::now()))
        .await?;
    app.bell.ring();
    Ok(true)
}

/// Looks anew at the band of somebody young who signs in from a browser that says where they are.
pub async fn moved_by_now(app: &App, user: &User, place: Option<String>) -> Result<()> {
    let Some(place) = place.filter(|_| user.band != Band::Adult) else { return Ok(()) };
    let (ground, stub, user) = (Ground::of(app), Stub::draw()?, user.id.clone());
    app.db
        .write(move |conn| moving::moved(conn, &ground, &user, &place, &stub, Timestamp::now()))
        .await
        .map(drop)
}

/// Moves the band of somebody who signs in, if its time is over: the daily round may not have come by yet.
pub async fn grown_by_now(app: &App, user: &User) -> Result<()> {
    if user.band == Band::Adult {
        return Ok(());
    }
    let (ground, stub, id) = (Ground::of(app), Stub::draw()?, user.id.clone());
    let now = Timestamp::now();
    let ward = app.db.read(move |conn| Ward::of_account(conn, &id)).await?;
    if let Some(ward) = ward.filter(|ward| ward.next().is_some_and(|month| month.has_begun(now))) {
        app.db.write(move |conn| growing::grow(conn, &ground, &ward.id, &stub, now)).await?;
        app.bell.ring();
    }
    Ok(())
}

/// What a link opens.
struct Opened {
    pub ward: Ward,
    pub guardian: Guardian,
    pub opens: Opens,
    pub open: Vec<Permission>,
    /// Where the person under age says they are: by their account, else by what they chose.
    pub country: Option<Named>,
    /// The text message that was asked for last.
    pub text: Option<TextMessage>,
}

impl Opened {
    /// Whether an answer is waited for.
    pub fn asks(&self) -> bool {
        use super::state::State::{Pending, Waiting};
        matches!(self.ward.state, Pending | Waiting)
    }
}

/// What this link opens. `NotFound` when it is too old or never was.
async fn opened(app: &App, token: &str) -> Result<Opened> {
    let token = token.to_owned();
    app.db
        .read(move |conn| {
            let now = Timestamp::now();
            let (ward, guardian, opens) = super::ward::opened(conn, &token, now)?;
            let open = Permission::open_of(conn, &ward.id, now)?;
            let said = match &ward.account {
                Some(user) => User::country_of(conn, user)?,
                None => None,
            };
            let country = said.or_else(|| ward.place.clone()).as_deref().and_then(named);
            let text = TextMessage::newest_of(conn, &ward.id)?;
            Ok(Opened { ward, guardian, opens, open, country, text })
        })
        .await
}

/// A word of a list.
#[derive(Clone, Serialize)]
pub struct Choice {
    pub slug: String,
    pub name: String,
}

impl Choice {
    fn new(slug: &str, name: &str) -> Choice {
        Choice { slug: slug.into(), name: name.into() }
    }
}

/// Every address of this room.
pub fn all() -> Vec<Route> {
    routes![
        ward::ask,
        ward::show,
        ward::back,
        ward::open_account,
        home::find,
        home::send,
        home::show,
        question::answer,
        question::sign,
        text::show,
        text::send,
        text::enter,
        text::end,
        home::change,
        home::disclose,
        home::end,
        home::erase,
        home::pdf,
        home::json,
        home::held_data,
        card::prove,
        identity::begin,
        identity::look,
        identity::back,
        held::show,
        held::export,
        held::ask,
        held::anew,
        held::erase,
        proof::begin,
        proof::look,
        report::new,
        report::create,
        online::show,
        online::kept,
        staff::index,
        staff::flag,
        staff::settle,
        staff::look,
        staff::talk,
        staff::fail,
    ]
}

/// The pages of this room.
pub fn views() -> Vec<Sample> {
    let mut all = samples::<ward::AskGuardian>();
    all.extend(samples::<ward::WardPage>());
    all.extend(samples::<home::FindPage>());
    all.extend(samples::<question::Question>());
    all.extend(samples::<text::TextPage>());
    all.extend(samples::<home::Home>());
    all.extend(samples::<home::Over>());
    all.extend(samples::<identity::Checked>());
    all.extend(samples::<held::HeldPage>());
    all.extend(samples::<report::ReportPage>());
    all.extend(samples::<online::ChildrenPage>());
    all.extend(samples::<online::KeptNotice>());
    all.extend(samples::<staff::AgeDesk>());
    all
}
