//! Filling an empty shop: who is there, what is to be made, how far it is.
//!
//! One write makes everything or nothing: the mark that says whose demo it is, the accounts, a job for every track. So
//! exactly one process fills, and an interrupted filling goes on by itself: its jobs are still there.

use std::io::IsTerminal;
use std::time::Duration;

use diesel::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::accounts::{self, Account};
use super::ads;
use super::catalogue::{PEOPLE, Person};
use crate::App;
use crate::accounts::user::{Role, User};
use crate::clock::Timestamp;
use crate::db::schema::{marks, tracks, user_links, users};
use crate::db::{Conn, Db};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::jobs::{self, Job, Priority, Terms, enqueue_as};
use crate::studio::pages::Agreement;

const MARK: &str = "demo";
/// So much later the next track may be begun, so that the first ones are in the shop before the last are made.
const STEP_MS: i64 = 200;

/// The demo of this shop, as its mark keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Filling {
    /// How many tracks it makes.
    pub tracks: usize,
    /// Whose passwords are its.
    proof: String,
    /// Who is who, in the order of the demo's people.
    people: Vec<UserId>,
}

/// What there is before anything is filled.
enum Shop {
    Filled,
    Empty,
    /// Somebody else's tracks.
    Foreign,
}

impl Shop {
    fn look(conn: &mut Conn) -> Result<Shop> {
        if Filling::find(conn)?.is_some() {
            return Ok(Shop::Filled);
        }
        let tracks: i64 = tracks::table.count().get_result(conn)?;
        Ok(if tracks == 0 { Shop::Empty } else { Shop::Foreign })
    }
}

impl Filling {
    /// The demo of this shop, if it has one.
    pub fn find(conn: &mut Conn) -> Result<Option<Filling>> {
        let kept: Option<String> = marks::table.find(MARK).select(marks::value).first(conn).optional()?;
        Ok(kept.map(|json| serde_json::from_str(&json)).transpose()?)
    }

    /// Opens the demo in a shop without tracks. False when there are some, or another process was first.
    fn open(
        conn: &mut Conn,
        accounts: &[(Account, String)],
        numbers: &[usize],
        shop: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let row = (marks::name.eq(MARK), marks::value.eq("null"), marks::at.eq(now));
        let first = each_db!(conn, |c| diesel::insert_into(marks::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
        if first == 0 {
            return Ok(false);
        }
        let taken: i64 = tracks::table.count().get_result(conn)?;
        if taken > 0 {
            diesel::delete(marks::table.find(MARK)).execute(conn)?;
            return Ok(false);
        }
        let mut people = Vec::with_capacity(PEOPLE.len());
        for (person, (account, hash)) in PEOPLE.iter().zip(accounts) {
            people.push(settle(conn, person, account, hash, now)?);
        }
        let only: Vec<Account> = accounts.iter().map(|(account, _)| account.clone()).collect();
        let filling = Filling { tracks: numbers.len(), proof: accounts::proof(&only), people };
        if let Some(admin) = PEOPLE.iter().find(|p| p.role == Some(Role::Admin)) {
            ads::advertise(conn, shop, filling.account(admin)?, now)?;
        }
        diesel::update(marks::table.find(MARK))
            .set(marks::value.eq(serde_json::to_string(&filling)?))
            .execute(conn)?;
        for (place, number) in numbers.iter().enumerate() {
            let once = Some(format!("demo:{number}"));
            let delay_ms = place as i64 * STEP_MS;
            let terms = Terms { once, priority: Priority::Demo, delay_ms };
            enqueue_as(conn, &Job::FillDemo { number: *number }, terms, now)?;
        }
        Ok(true)
    }

    /// The account of one of the demo's people.
    pub fn account(&self, person: &Person) -> Result<&UserId> {
        let place = PEOPLE.iter().position(|p| p.email == person.email);
        place.and_then(|n| self.people.get(n)).ok_or_else(|| Error::internal("nobody of the demo"))
    }

    /// Who looks at what is submitted.
    pub fn reviewer(&self) -> Result<&UserId> {
        let reviewer = PEOPLE.iter().find(|p| p.role == Some(Role::Reviewer));
        self.account(reviewer.ok_or_else(|| Error::internal("the demo has no reviewer"))?)
    }

    /// The addresses with which somebody can still sign in to an account that the demo made. One that was there before the
    /// demo is its owner's, and none of these.
    pub fn open_accounts(conn: &mut Conn) -> Result<Vec<String>> {
        let Some(filling) = Filling::find(conn)? else { return Ok(vec![]) };
        let filled_at: Timestamp = marks::table.find(MARK).select(marks::at).first(conn)?;
        Ok(users::table
            .filter(users::id.eq_any(&filling.people))
            .filter(users::created_at.ge(filled_at).and(users::disabled_at.is_null()))
            .order(users::email)
            .select(users::email)
            .load(conn)?)
    }

    /// Everyone of the demo.
    pub fn people(&self) -> &[UserId] {
        &self.people
    }
}

/// Makes one of the demo's people: confirmed, with words and links, with the role they are there for.
fn settle(conn: &mut Conn, person: &Person, account: &Account, hash: &str, now: Timestamp) -> Result<UserId> {
    // Whoever made an account of this address before the demo keeps it, password and all.
    let user = match User::by_email(conn, &account.email)? {
        Some(user) => user,
        None => {
            let user = User::new(conn, &account.email, person.name, hash, now)?;
            user.insert(conn)?;
            user.confirm(conn, now)?;
            user
        }
    };
    diesel::update(users::table.find(&user.id)).set(users::about.eq(person.about)).execute(conn)?;
    for (position, (label, url)) in person.links.iter().enumerate() {
        let row = (
            user_links::user_id.eq(&user.id),
            user_links::position.eq(position as i32),
            user_links::label.eq(*label),
            user_links::url.eq(*url),
        );
        each_db!(conn, |c| diesel::insert_into(user_links::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    match (person.role, &user.handle) {
        (Some(Role::Uploader), Some(handle)) => {
            user.become_uploader(conn, handle, Agreement::now().version, now)?
        }
        (Some(role), _) => user.grant(conn, role, now)?,
        (None, _) => {}
    }
    Ok(user.id)
}

/// Begins to fill a shop without tracks with these of the demo's; where it was begun already, it goes on as it was
/// begun. False when the shop has tracks of its own.
pub async fn begin(app: &App, numbers: impl IntoIterator<Item = usize>) -> Result<bool> {
    match app.db.read(Shop::look).await? {
        Shop::Filled => return Ok(true),
        Shop::Foreign => return Ok(false),
        Shop::Empty => {}
    }
    // The passwords lie on the disk before anything knows their hashes.
    let path = app.config.data(accounts::FILE);
    let is_new = !path.exists();
    let kept = accounts::kept_in(&path)?;
    let mut hashed = Vec::with_capacity(kept.len());
    for account in &kept {
        hashed.push((account.clone(), hash(app, &account.password).await?));
    }
    let numbers: Vec<usize> = numbers.into_iter().collect();
    let shop = app.config.site_name.clone();
    let won =
        app.db.write(move |conn| Filling::open(conn, &hashed, &numbers, &shop, Timestamp::now())).await?;
    app.bell.ring();
    let filling = app.db.read(Filling::find).await?;
    if !won && is_new && filling.as_ref().is_none_or(|f| f.proof != accounts::proof(&kept)) {
        // Nobody will ever sign in with these.
        std::fs::remove_file(&path)?;
    }
    Ok(filling.is_some())
}

/// Refuses a shop whose demo accounts are open: their passwords stand in an old log. The sentence holds the command that
/// closes them.
pub async fn demand_closed(db: &Db) -> Result<()> {
    let open = db.read(Filling::open_accounts).await?;
    if open.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "this shop was filled as a demo, and in production nobody may sign in with the demo's accounts. Close them first: \
         cuehouse user disable {}",
        open.join(" ")
    )))
}

/// People who sign in go first: the demo waits its turn.
async fn hash(app: &App, password: &str) -> Result<String> {
    let mut tries = 0;
    loop {
        match app.hashing.hash(password).await {
            Err(Error::Busy(_)) if tries < 50 => tries += 1,
            other => return other,
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The demo's accounts with their passwords, where this data folder keeps those of this shop.
pub async fn passwords(app: &App) -> Result<Option<Vec<Account>>> {
    let Some(filling) = app.db.read(Filling::find).await? else { return Ok(None) };
    let kept = accounts::read(&app.config.data(accounts::FILE));
    Ok(kept.filter(|kept| accounts::proof(kept) == filling.proof))
}

/// How far a filling is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub total: usize,
    /// Tracks that are on their way.
    pub waiting: usize,
    /// Tracks that were given up; their jobs say why.
    pub given_up: usize,
}

impl Progress {
    /// Tracks that are done.
    pub fn done(&self) -> usize {
        self.total.saturating_sub(self.waiting + self.given_up)
    }
}

/// How far this shop's filling is; None where there is none.
pub async fn progress(app: &App) -> Result<Option<Progress>> {
    app.db
        .read(|conn| {
            let Some(filling) = Filling::find(conn)? else { return Ok(None) };
            let mut progress = Progress { total: filling.tracks, waiting: 0, given_up: 0 };
            for row in jobs::waiting(conn, Timestamp::now())? {
                match row.state {
                    _ if row.kind != "fill_demo" => {}
                    jobs::State::Parked => progress.given_up += row.count as usize,
                    _ => progress.waiting += row.count as usize,
                }
            }
            Ok(Some(progress))
        })
        .await
}

/// Says how far the filling is until it is done: a bar on a terminal, lines in a log. Says nothing when there is
/// nothing left to do. Answers how many tracks were given up.
pub async fn watch(app: &App) -> Result<usize> {
    let Some(mut now) = progress(app).await? else { return Ok(0) };
    if now.waiting == 0 {
        return Ok(now.given_up);
    }
    let bar = std::io::stderr().is_terminal().then(|| bar("demo shop", now.total as u64));
    let mut said = None;
    while now.waiting > 0 {
        match &bar {
            Some(bar) => bar.set_position(now.done() as u64),
            None if said != Some(now.done()) => {
                tracing::info!("demo shop: {} of {}", now.done(), now.total);
                said = Some(now.done());
            }
            None => {}
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        now = progress(app).await?.unwrap_or(now);
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    tracing::info!("demo shop: {} of {}", now.done(), now.total);
    if now.given_up > 0 {
        tracing::warn!("{} tracks of the demo could not be made; their jobs say why", now.given_up);
    }
    Ok(now.given_up)
}

/// A bar for a command's progress.
pub fn bar(what: &'static str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len}  {eta}");
    let bar = ProgressBar::new(total).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
