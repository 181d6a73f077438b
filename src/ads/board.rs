//! What may be shown at this moment, in memory, so that no page asks the database for it; and what was shown and
//! followed since it was last written down.
//!
//! The list is at most a second old, and as old as the last change an admin of this process made. Counts are written
//! together every few seconds and at the end: a process that is killed loses those of its last seconds, never more. A
//! campaign's limit counts what this process has not written yet; what another process has not is unknown here, so with
//! several a limit may be passed by what they showed in those seconds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::audience;
use super::campaign::Campaign;
use super::choose::{Candidate, Scene, Viewer, Why, choose};
use super::ledger::{self, Tally};
use crate::clock::Timestamp;
use crate::db::{Conn, Db};
use crate::error::Result;
use crate::ids::CampaignId;

/// How often the list is renewed.
pub const EVERY: Duration = Duration::from_secs(1);
/// How often counts are written.
const WRITE_EVERY: Duration = Duration::from_secs(5);
/// How often audiences are counted.
const COUNT_EVERY: Duration = Duration::from_secs(60);

/// A campaign that is shown, and why.
#[derive(Clone, Debug)]
pub struct Shown {
    pub campaign: Arc<Campaign>,
    pub why: Why,
}

/// The board of one process.
pub struct Board {
    inner: Mutex<Inner>,
    /// Who renews or writes does so alone, so that a count is never in both places or in none.
    alone: tokio::sync::Mutex<Clock>,
    /// The least number of people in an audience.
    pub least: usize,
}

#[derive(Default)]
struct Inner {
    open: Vec<Running>,
    unwritten: BTreeMap<(CampaignId, String), Tally>,
    turn: u64,
}

struct Running {
    campaign: Arc<Campaign>,
    /// In the ledger and in `unwritten` together.
    shown: i64,
    reaches: bool,
}

#[derive(Default)]
struct Clock {
    written: Option<Instant>,
    counted: Option<Instant>,
    reaches: HashMap<CampaignId, bool>,
}

impl Board {
    /// A board with what the rows say. `least`: people in the smallest audience.
    pub async fn open(db: &Db, least: usize) -> Result<Board> {
        let board = Board { inner: Mutex::default(), alone: tokio::sync::Mutex::default(), least };
        board.renew(db).await?;
        Ok(board)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses what stands beside a page and counts it as shown, as one step.
    pub fn show(&self, viewer: &Viewer, scene: Scene<'_>, now: Timestamp) -> Option<Shown> {
        let mut inner = self.inner();
        if inner.open.is_empty() {
            return None;
        }
        let all: Vec<Candidate<'_>> = inner
            .open
            .iter()
            .map(|r| Candidate { campaign: &r.campaign, shown: r.shown, reaches: r.reaches })
            .collect();
        let (at, why) = choose(&all, viewer, scene, inner.turn, now)?;
        inner.turn = inner.turn.wrapping_add(1);
        inner.open[at].shown += 1;
        let campaign = Arc::clone(&inner.open[at].campaign);
        inner.unwritten.entry((campaign.id.clone(), now.day())).or_default().shown += 1;
        Some(Shown { campaign, why })
    }

    /// Counts that a campaign was followed. The caller knows that there is one.
    pub fn followed(&self, id: &CampaignId, now: Timestamp) {
        self.inner().unwritten.entry((id.clone(), now.day())).or_default().followed += 1;
    }

    /// A campaign that may be shown, from memory.
    pub fn get(&self, id: &CampaignId) -> Option<Arc<Campaign>> {
        self.inner().open.iter().find(|r| r.campaign.id == *id).map(|r| Arc::clone(&r.campaign))
    }

    /// Reads anew what may be shown, audiences too: after a change.
    pub async fn renew(&self, db: &Db) -> Result<()> {
        let mut clock = self.alone.lock().await;
        clock.counted = None;
        self.read(db, &mut clock).await
    }

    /// Writes down what was counted. What could not be written is kept for the next time.
    pub async fn write(&self, db: &Db) -> Result<()> {
        let mut clock = self.alone.lock().await;
        self.write_down(db, &mut clock).await
    }

    /// What is done every second: renews the list, and now and then writes.
    pub async fn keep(&self, db: &Db) -> Result<()> {
        let mut clock = self.alone.lock().await;
        if clock.written.is_none_or(|at| at.elapsed() >= WRITE_EVERY) {
            self.write_down(db, &mut clock).await?;
        }
        self.read(db, &mut clock).await
    }

    async fn read(&self, db: &Db, clock: &mut Clock) -> Result<()> {
        let (now, least) = (Timestamp::now(), self.least);
        let counts = clock.counted.is_none_or(|at| at.elapsed() >= COUNT_EVERY);
        let (open, totals, reaches) = db.read(move |conn| what_is_open(conn, least, counts, now)).await?;
        if let Some(reaches) = reaches {
            clock.reaches = reaches;
            clock.counted = Some(Instant::now());
        }
        let mut inner = self.inner();
        let mut shown: HashMap<CampaignId, i64> =
            totals.into_iter().map(|(id, tally)| (id, tally.shown)).collect();
        for ((id, _), tally) in &inner.unwritten {
            *shown.entry(id.clone()).or_default() += tally.shown;
        }
        inner.open = open
            .into_iter()
            .map(|campaign| Running {
                shown: shown.get(&campaign.id).copied().unwrap_or_default(),
                reaches: clock.reaches.get(&campaign.id).copied().unwrap_or_default(),
                campaign: Arc::new(campaign),
            })
            .collect();
        Ok(())
    }

    async fn write_down(&self, db: &Db, clock: &mut Clock) -> Result<()> {
        let counted = std::mem::take(&mut self.inner().unwritten);
        if counted.is_empty() {
            return Ok(());
        }
        clock.written = Some(Instant::now());
        let rows = counted.clone();
        let done = db
            .write(move |conn| {
                rows.iter().try_for_each(|((id, day), tally)| ledger::add(conn, id, day, *tally))
            })
            .await;
        if done.is_err() {
            let mut inner = self.inner();
            for (key, tally) in counted {
                let kept = inner.unwritten.entry(key).or_default();
                *kept = kept.plus(tally);
            }
        }
        done
    }
}

type Open = (Vec<Campaign>, HashMap<CampaignId, Tally>, Option<HashMap<CampaignId, bool>>);

/// The campaigns that are open, what each came to, and where wanted whether their audiences are large enough.
fn what_is_open(conn: &mut Conn, least: usize, counts: bool, now: Timestamp) -> Result<Open> {
    let open = Campaign::open(conn, now)?;
    let ids: Vec<&CampaignId> = open.iter().filter(|c| c.most_shown.is_some()).map(|c| &c.id).collect();
    let totals = ledger::totals(conn, &ids)?;
    let seek: Vec<&Campaign> = open.iter().filter(|c| !c.audience.is_empty()).collect();
    let reaches = match (counts, seek.is_empty()) {
        (false, _) => None,
        (true, true) => Some(HashMap::new()),
        (true, false) => {
            let everyone = audience::everyone(conn, now)?;
            let reaches = |c: &&Campaign| audience::reaches(&everyone, &c.audience, least, now);
            Some(seek.iter().map(|c| (c.id.clone(), reaches(c))).collect())
        }
    };
    Ok((open, totals, reaches))
}
