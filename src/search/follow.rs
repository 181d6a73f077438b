//! The follower: takes what the feed says into the index, a few times a second, and builds a new index where the old
//! one will not do.
//!
//! It never ends by itself: a database that is away for a while is asked again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::feed::{self, BATCH, Change, Position};
use super::index::{Applied, Shared, Volume};
use super::shelf::Place;
use crate::clock::Timestamp;
use crate::db::Db;
use crate::error::Result;

/// How often the feed is looked at. A commit costs 100 to 160 ms at a million tracks, so this is also how many there
/// are; with both, a change is found within half a second.
const TURN: Duration = Duration::from_millis(150);
/// How long to wait for a database that does not answer.
const TROUBLE: Duration = Duration::from_secs(1);
/// How often old rows of the feed are removed.
const FORGET: Duration = Duration::from_secs(3600);
/// Turns between two looks at whether a new index is wished for.
const WISH_TURNS: u32 = 7;
/// Tracks read at once by a building.
const PAGE: i64 = 2000;

/// Follows until it is told to stop, or until nobody holds a handle any more.
pub async fn follow(shared: Arc<Shared>, place: Place, db: Db, mut stopped: watch::Receiver<bool>) {
    let mut follower = Follower {
        shared,
        place: Arc::new(place),
        db,
        volume: None,
        building: None,
        turn: 0,
        checked: false,
        forgot: Instant::now(),
    };
    loop {
        let pause = match follower.turn().await {
            Ok(true) => Duration::ZERO,
            Ok(false) => TURN,
            Err(error) => {
                tracing::warn!(%error, "the search index could not follow");
                TROUBLE
            }
        };
        let over = tokio::select! {
            over = stopped.wait_for(|stop| *stop) => { let _ = over; true }
            () = tokio::time::sleep(pause) => false,
        };
        if over {
            break;
        }
    }
    if let Some(building) = follower.building.take() {
        building.abort();
    }
    // The writer is closed off the async threads: it joins its own.
    let volume = follower.volume.take();
    let _ = tokio::task::spawn_blocking(move || drop(volume)).await;
}

struct Follower {
    shared: Arc<Shared>,
    place: Arc<Place>,
    db: Db,
    volume: Option<Volume>,
    building: Option<JoinHandle<Result<Volume>>>,
    turn: u32,
    /// Whether the number of tracks was compared with the rows.
    checked: bool,
    forgot: Instant,
}

impl Follower {
    /// One look at everything. True when there is more to do at once.
    async fn turn(&mut self) -> Result<bool> {
        self.turn = self.turn.wrapping_add(1);
        if self.volume.is_none() && self.building.is_none() && !self.resume().await? {
            self.build().await?;
        }
        if self.building.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(building) = self.building.take()
        {
            match building.await? {
                Ok(built) => self.adopt(built).await?,
                Err(error) => {
                    self.shared.set_building(self.volume.is_none());
                    return Err(error);
                }
            }
        }
        let more = self.take_changes().await?;
        if !more && self.volume.is_some() {
            self.check().await?;
            if self.turn.is_multiple_of(WISH_TURNS) && self.building.is_none() {
                let wish = self.db.read(feed::wish).await?;
                if self.volume.as_ref().is_some_and(|volume| volume.wish != wish) {
                    self.build().await?;
                }
            }
            if self.forgot.elapsed() > FORGET {
                self.forgot = Instant::now();
                self.db.write(|conn| feed::forget(conn, Timestamp::now())).await?;
            }
        }
        Ok(more)
    }

    /// Goes on with the index on the disk, if there is one that follows this feed.
    async fn resume(&mut self) -> Result<bool> {
        let place = Arc::clone(&self.place);
        let opened = tokio::task::spawn_blocking(move || Volume::open(&place.current()?)).await?;
        let Some((mut volume, kept)) = opened else { return Ok(false) };
        let position = self.db.read(move |conn| Position::resumed(conn, &kept)).await?;
        let Some(position) = position else {
            tracing::info!("the search index belongs to another feed and is built anew");
            return Ok(tokio::task::spawn_blocking(move || drop(volume)).await.map(|()| false)?);
        };
        volume.position = position;
        self.show(volume, false).await?;
        self.shared.set_building(false);
        Ok(true)
    }

    /// Begins a new index beside the one that answers.
    async fn build(&mut self) -> Result<()> {
        self.shared.set_building(true);
        self.shared.built.store(0, Ordering::Relaxed);
        let (position, wish) = self.db.read(|conn| Ok((Position::here(conn)?, feed::wish(conn)?))).await?;
        let folder = self.place.fresh()?;
        let (shared, db) = (Arc::clone(&self.shared), self.db.clone());
        self.building = Some(tokio::spawn(build(shared, db, folder, position, wish)));
        Ok(())
    }

    async fn adopt(&mut self, volume: Volume) -> Result<()> {
        let (place, folder) = (Arc::clone(&self.place), volume.folder.clone());
        let old = self.volume.take();
        self.show(volume, true).await?;
        self.shared.set_building(false);
        self.checked = true;
        tokio::task::spawn_blocking(move || {
            drop(old);
            place.adopt(&folder)
        })
        .await?
    }

    /// Makes the volume's last commit the state that answers.
    async fn show(&mut self, mut volume: Volume, is_new: bool) -> Result<()> {
        let (volume, view) = tokio::task::spawn_blocking(move || {
            let view = volume.view();
            (volume, view)
        })
        .await?;
        let (low, top, wish) = (volume.position.low(), volume.position.top(), volume.wish.clone());
        self.volume = Some(volume);
        self.shared.show(view?);
        self.shared.applied.send_modify(|applied| {
            let generation = applied.generation + u64::from(is_new || applied.generation == 0);
            *applied = Applied { low, top, generation, wish };
        });
        Ok(())
    }

    /// Takes what the feed says since. True when there was so much that there may be more.
    async fn take_changes(&mut self) -> Result<bool> {
        let Some(mut volume) = self.volume.take() else { return Ok(false) };
        let position = volume.position.clone();
        let read = self.db.read(move |conn| {
            let rows = position.ahead(conn)?;
            let mut ids: Vec<_> = rows.iter().map(|row| row.track.clone()).collect();
            ids.sort_unstable();
            ids.dedup();
            let entries = if ids.is_empty() { vec![] } else { feed::these(conn, &ids)? };
            Ok((rows, ids, entries))
        });
        let (rows, ids, entries): (Vec<Change>, _, _) = match read.await {
            Ok(read) => read,
            Err(error) => {
                self.volume = Some(volume);
                return Err(error);
            }
        };
        if rows.is_empty() {
            volume.position.take(&[]);
            let merged = self.turn.is_multiple_of(WISH_TURNS) && volume.has_merged();
            let low = volume.position.low();
            self.volume = Some(volume);
            if merged && let Some(volume) = self.volume.take() {
                self.show(volume, false).await?;
            } else {
                self.shared.applied.send_if_modified(|applied| {
                    let risen = applied.low != low;
                    applied.low = low;
                    risen
                });
            }
            return Ok(false);
        }
        let more = rows.len() as i64 >= BATCH;
        let (volume, done) = tokio::task::spawn_blocking(move || {
            volume.position.take(&rows);
            let done = volume.replace(&ids, &entries).and_then(|()| volume.commit());
            (volume, done)
        })
        .await?;
        if let Err(error) = done {
            // A writer that failed once fails for ever, and what it has taken is not known: the disk decides.
            tracing::error!(%error, "the search index could not be written; it is opened again");
            return tokio::task::spawn_blocking(move || drop(volume))
                .await
                .map(|()| true)
                .map_err(Into::into);
        }
        self.show(volume, false).await?;
        Ok(more)
    }

    /// Compares, once and when nothing is under way, how many tracks there are with how many there should be: rows
    /// that came without a word in the feed, such as from a restored backup, are not missed for ever.
    async fn check(&mut self) -> Result<()> {
        let Some(volume) = self.volume.as_ref().filter(|_| !self.checked && self.building.is_none()) else {
            return Ok(());
        };
        if volume.position.has_gaps() {
            return Ok(());
        }
        let position = volume.position.clone();
        let count = self.shared.view().count();
        let read = self.db.read(move |conn| Ok((position.ahead(conn)?.is_empty(), feed::published(conn)?)));
        let (is_still, rows) = read.await?;
        if is_still {
            self.checked = true;
            if rows.max(0) as u64 != count {
                tracing::info!(rows, count, "the search index lacks tracks and is built anew");
                self.build().await?;
            }
        }
        Ok(())
    }
}

/// Reads every track that anyone may find into an index of its own. Changes that come meanwhile lie behind its
/// position in the feed.
async fn build(
    shared: Arc<Shared>,
    db: Db,
    folder: PathBuf,
    position: Position,
    wish: String,
) -> Result<Volume> {
    let begun = Instant::now();
    let mut volume = tokio::task::spawn_blocking(move || Volume::create(&folder, position, wish)).await??;
    let mut last = None;
    let mut tracks = 0u64;
    loop {
        let from = last.clone();
        let entries = db.read(move |conn| feed::after(conn, from.as_ref(), PAGE)).await?;
        let Some((entry, _)) = entries.last() else { break };
        last = Some(entry.id.clone());
        tracks += entries.len() as u64;
        shared.built.store(tracks, Ordering::Relaxed);
        volume = tokio::task::spawn_blocking(move || volume.add(&entries).map(|()| volume)).await??;
    }
    let volume =
        tokio::task::spawn_blocking(move || volume.commit().and_then(|()| volume.settle())).await??;
    let millis = begun.elapsed().as_millis() as u64;
    if tracks > 0 {
        tracing::info!(tracks, millis, "the search index was built");
    }
    Ok(volume)
}
