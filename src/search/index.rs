//! The index: what it holds of a track, the handle everyone asks, and how it is kept.
//!
//! Each process has a copy of its own, follows the change feed into it, and can lose it without loss.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tantivy::index::SegmentId;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::schema::{
    FAST, Field as Column, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::bits::Bits;
use super::feed::{self, Kept, Offered, Position};
use super::find::{Front, View, Way};
use super::follow;
use super::found::Found;
use super::part::Part;
use super::query::{Field, Query};
use super::segment::Sides;
use super::shelf::Place;
use super::synonyms::Synonyms;
use super::words;
use crate::catalogue::track::split;
use crate::clock::Timestamp;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::TrackId;

/// Memory of the writer that follows, and of each of the two that build: more makes fewer, larger segments.
const FOLLOW_BYTES: usize = 16 << 20;
const BUILD_BYTES: usize = 96 << 20;
/// Segments above this are not merged any more: a new one costs half a second of reading at a million tracks.
const MOST_MERGED: usize = 600_000;
/// How long `open` waits for a first index, so that a small shop never says that it is being built.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a question may wait for its turn.
const TURN: Duration = Duration::from_secs(3);

/// The fields of the index.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    id: Column,
    pub uploader: Column,
    /// Pieces of titles that a question would read as a tempo, a key, a length or the wish for no voices.
    pub titled: Column,
    /// All words in one field, each as often as its place counts: BM25 over weighted fields with one list a word.
    pub words: Column,
    facets: Column,
    bpm: Column,
    length: Column,
    published: Column,
    licensed: Column,
    kept: Column,
    high: Column,
    low: Column,
}

impl Fields {
    fn schema() -> (Schema, Fields) {
        let mut schema = Schema::builder();
        let words = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::WithFreqs)
            .set_fieldnorms(true);
        let fields = Fields {
            id: schema.add_text_field("id", STRING),
            uploader: schema.add_text_field("uploader", STRING),
            titled: schema.add_text_field("titled", STRING),
            words: schema.add_text_field("words", TextOptions::default().set_indexing_options(words)),
            facets: schema.add_text_field("facets", TextOptions::default().set_fast("raw")),
            bpm: schema.add_u64_field("bpm", FAST),
            length: schema.add_u64_field("length", FAST),
            published: schema.add_u64_field("published", FAST),
            licensed: schema.add_u64_field("licensed", FAST),
            kept: schema.add_u64_field("kept", FAST),
            high: schema.add_u64_field("high", FAST),
            low: schema.add_u64_field("low", FAST),
        };
        (schema.build(), fields)
    }

    /// The document of a track.
    fn document(&self, (entry, tiers): &Offered) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.id, entry.id.as_str());
        if let Some(handle) = &entry.uploader_handle {
            document.add_text(self.uploader, handle.as_str());
        }
        for piece in words::pieces(&entry.title) {
            document.add_text(self.titled, piece);
        }
        let mut line = String::new();
        let mut say = |text: &str, times: usize| {
            let words = words::tokens(text);
            for word in (0..times).flat_map(|_| &words) {
                line.push_str(word);
                line.push(' ');
            }
        };
        say(&entry.title, 3);
        say(&entry.tags, 2);
        say(&entry.uploader_name, 2);
        say(entry.uploader_handle.as_ref().map_or("", |handle| handle.as_str()), 1);
        say(&entry.description, 1);
        let mut facet = |field: Field, slug: &str| {
            document.add_text(self.facets, format!("{}={slug}", field.name()));
            // What is said with a list is found by its name too; a key or a tier is nothing people look for in words.
            if matches!(field, Field::Kind | Field::Genre | Field::Mood | Field::Instrument) {
                say(field.value_name(slug).unwrap_or(slug), 2);
            }
        };
        facet(Field::Kind, entry.kind.as_str());
        facet(Field::Vocals, &entry.vocals);
        entry.genre.iter().for_each(|genre| facet(Field::Genre, genre));
        entry.musical_key.iter().for_each(|key| facet(Field::Key, key));
        split(&entry.moods).iter().for_each(|mood| facet(Field::Mood, mood));
        split(&entry.instruments).iter().for_each(|instrument| facet(Field::Instrument, instrument));
        tiers.iter().for_each(|tier| facet(Field::Tier, tier));
        document.add_text(self.words, line);
        document
            .add_u64(self.bpm, entry.bpm.map_or(0, |bpm| (bpm * 10.0).round().clamp(0.0, 65_535.0) as u64));
        document.add_u64(self.length, entry.duration_ms.max(0) as u64);
        document.add_u64(self.published, entry.published_at.map_or(0, |at| at.secs().max(0) as u64));
        document.add_u64(self.licensed, entry.licensed.max(0) as u64);
        document.add_u64(self.kept, entry.kept.max(0) as u64);
        let (high, low) = entry.id.as_str().split_at(16);
        document.add_u64(self.high, u64::from_str_radix(high, 16).unwrap_or(0));
        document.add_u64(self.low, u64::from_str_radix(low, 16).unwrap_or(0));
        document
    }
}

/// An index on the disk that this process writes.
pub struct Volume {
    pub folder: PathBuf,
    fields: Fields,
    index: tantivy::Index,
    writer: IndexWriter,
    reader: IndexReader,
    sides: HashMap<SegmentId, Arc<Sides>>,
    pub position: Position,
    pub wish: String,
}

impl Volume {
    /// Makes an empty index in a folder.
    pub fn create(folder: &Path, position: Position, wish: String) -> Result<Volume> {
        let (schema, _) = Fields::schema();
        let index = tantivy::Index::create_in_dir(folder, schema).map_err(Error::internal)?;
        Volume::over(folder, index, position, wish, 2, BUILD_BYTES)
    }

    /// Opens the index of a folder, with what was kept beside it. None when it is damaged or foreign.
    pub fn open(folder: &Path) -> Option<(Volume, Kept)> {
        let opened = || -> tantivy::Result<(tantivy::Index, Option<String>)> {
            let index = tantivy::Index::open_in_dir(folder)?;
            let payload = index.load_metas()?.payload;
            Ok((index, payload))
        };
        let (index, payload) = opened()
            .inspect_err(
                |error| tracing::warn!(%error, "the search index cannot be opened and is built anew"),
            )
            .ok()?;
        let kept: Kept = serde_json::from_str(&payload?).ok()?;
        if index.schema() != Fields::schema().0 {
            return None;
        }
        let copy = Volume::over(folder, index, Position::default(), kept.wish.clone(), 1, FOLLOW_BYTES);
        let copy = copy.inspect_err(|error| tracing::warn!(%error, "the search index is built anew")).ok()?;
        Some((copy, kept))
    }

    fn over(
        folder: &Path,
        index: tantivy::Index,
        position: Position,
        wish: String,
        threads: usize,
        bytes: usize,
    ) -> Result<Volume> {
        let writer = writer(&index, threads, bytes)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let reader = reader.map_err(Error::internal)?;
        let (_, fields) = Fields::schema();
        Ok(Volume {
            folder: folder.to_owned(),
            fields,
            index,
            writer,
            reader,
            sides: HashMap::new(),
            position,
            wish,
        })
    }

    /// Puts tracks in that are not there yet.
    pub fn add(&self, entries: &[Offered]) -> Result<()> {
        for entry in entries {
            self.writer.add_document(self.fields.document(entry)).map_err(Error::internal)?;
        }
        Ok(())
    }

    /// Takes these tracks out and puts in again those that anyone may find.
    pub fn replace(&self, ids: &[TrackId], entries: &[Offered]) -> Result<()> {
        for id in ids {
            self.writer.delete_term(Term::from_field_text(self.fields.id, id.as_str()));
        }
        self.add(entries)
    }

    /// Makes what was put in and taken out visible and lasting, with the position that belongs to it.
    pub fn commit(&mut self) -> Result<()> {
        let kept = serde_json::to_string(&self.position.kept(&self.wish))?;
        let mut commit = self.writer.prepare_commit().map_err(Error::internal)?;
        commit.set_payload(&kept);
        commit.commit().map_err(Error::internal)?;
        Ok(())
    }

    /// Ends the building: waits for merges, and goes on with a small writer.
    pub fn settle(self) -> Result<Volume> {
        self.writer.wait_merging_threads().map_err(Error::internal)?;
        Volume::over(&self.folder, self.index, self.position, self.wish, 1, FOLLOW_BYTES)
    }

    /// Whether a merge has changed the segments since the last view.
    pub fn has_merged(&self) -> bool {
        let now = self.index.searchable_segment_ids().unwrap_or_default();
        now.len() != self.sides.len() || now.iter().any(|id| !self.sides.contains_key(id))
    }

    /// The state of the last commit. Only segments that are new are read.
    pub fn view(&mut self) -> Result<View> {
        self.reader.reload().map_err(Error::internal)?;
        let searcher = self.reader.searcher();
        let mut sides = HashMap::new();
        let mut parts = vec![];
        for reader in searcher.segment_readers() {
            let id = reader.segment_id();
            let side = match self.sides.remove(&id) {
                Some(side) => side,
                None => Arc::new(Sides::load(reader).map_err(Error::internal)?),
            };
            let alive = reader.alive_bitset().map(|alive| {
                let mut bits = Bits::none(reader.max_doc());
                alive.iter_alive().for_each(|doc| bits.insert(doc));
                Arc::new(bits)
            });
            parts.push(Part::new(Arc::clone(&side), alive));
            sides.insert(id, side);
        }
        self.sides = sides;
        Ok(View::new(searcher, self.fields, parts))
    }
}

fn writer(index: &tantivy::Index, threads: usize, bytes: usize) -> Result<IndexWriter> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(threads)
        .memory_budget_per_thread(bytes)
        .num_merge_threads(1)
        .build();
    let writer: IndexWriter = index.writer_with_options(options).map_err(Error::internal)?;
    let mut policy = LogMergePolicy::default();
    policy.set_max_docs_before_merge(MOST_MERGED);
    policy.set_del_docs_ratio_before_merge(0.3);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}

/// What the follower and those who ask share.
pub struct Shared {
    view: RwLock<Arc<View>>,
    synonyms: Arc<Synonyms>,
    building: AtomicBool,
    /// Tracks read so far by the building that is under way.
    pub built: AtomicU64,
    /// The number of the feed up to which everything is visible.
    pub applied: watch::Sender<Applied>,
    turns: Semaphore,
    /// Goes up after each state that was shown.
    followed: AtomicU64,
}

/// How far the visible state has come.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Everything up to here.
    pub low: i64,
    /// And this, with gaps below.
    pub top: i64,
    /// Which index: goes up by one with each that was built.
    pub generation: u64,
    pub wish: String,
}

impl Shared {
    /// What everyone sees at this moment.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everyone sees this from now on.
    pub fn show(&self, mut view: View) {
        view.synonyms = Arc::clone(&self.synonyms);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        self.followed.fetch_add(1, Ordering::AcqRel);
    }

    /// Says whether the index is being made anew.
    pub fn set_building(&self, building: bool) {
        self.building.store(building, Ordering::Relaxed);
    }
}

/// The handle everyone asks. The follower ends with the last of them.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared>,
    follower: Arc<Follower>,
    db: Db,
}

struct Follower {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Index {
    /// Opens this process's copy below the folder and begins to follow the feed. A copy that is missing, damaged, of
    /// another shop or too far behind is built in the background; until then everything is found that is there.
    pub async fn open(folder: &Path, db: &Db) -> Result<Index> {
        Index::with(folder, db, Synonyms::built_in()).await
    }

    /// The same, with what words also find in this shop.
    pub async fn with(folder: &Path, db: &Db, synonyms: Arc<Synonyms>) -> Result<Index> {
        let search = folder.to_owned();
        let place = tokio::task::spawn_blocking(move || Place::take(&search)).await??;
        let (schema, fields) = Fields::schema();
        let empty = tantivy::Index::create_in_ram(schema);
        let reader: IndexReader =
            empty.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(Error::internal)?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let shared = Arc::new(Shared {
            view: RwLock::new(Arc::new(View::new(reader.searcher(), fields, vec![]))),
            synonyms,
            building: AtomicBool::new(true),
            built: AtomicU64::new(0),
            applied: watch::Sender::new(Applied::default()),
            turns: Semaphore::new(cores.max(2)),
            followed: AtomicU64::new(0),
        });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(follow::follow(Arc::clone(&shared), place, db.clone(), stopped));
        let follower = Arc::new(Follower { stop, task: Mutex::new(Some(task)) });
        let index = Index { shared, follower, db: db.clone() };
        let mut applied = index.shared.applied.subscribe();
        let first = applied.wait_for(|applied| applied.generation > 0);
        let _ = tokio::time::timeout(PATIENCE, first).await;
        Ok(index)
    }

    /// The answer to a search.
    ///
    /// It costs a millisecond or two of a core at a million tracks, and twenty at the worst: too long for the threads
    /// that serve everyone, so it goes to those that may wait, no more at once than there are cores. Through large
    /// segments others help, all together one fewer than there are cores.
    pub async fn page(&self, query: &Query) -> Result<Arc<Found>> {
        if let Some(known) = self.shared.view().known(query) {
            return Ok(known);
        }
        let query = query.clone();
        self.ask(move |view| view.find(&query, Way::Cheaper).map_err(Error::internal)).await?
    }

    /// What a front page shows. Looked up once for each state of the index; afterwards it costs nothing.
    pub async fn front(&self) -> Result<Arc<Front>> {
        match self.shared.view().known_front() {
            Some(front) => Ok(front),
            None => self.ask(|view| view.front()).await,
        }
    }

    async fn ask<T: Send + 'static>(&self, f: impl FnOnce(&View) -> T + Send + 'static) -> Result<T> {
        let turn = tokio::time::timeout(TURN, self.shared.turns.acquire()).await;
        let _turn = turn.map_err(|_| Error::Busy(2))?.map_err(Error::internal)?;
        let view = self.shared.view();
        Ok(tokio::task::spawn_blocking(move || f(&view)).await?)
    }

    /// Whether a first or a new index is being built.
    pub fn is_building(&self) -> bool {
        self.shared.building.load(Ordering::Relaxed)
    }

    /// Tracks read so far by the building that is under way.
    pub fn built(&self) -> u64 {
        self.shared.built.load(Ordering::Relaxed)
    }

    /// How many states have answered so far: another figure as soon as anything that can be found has changed.
    pub fn followed(&self) -> u64 {
        self.shared.followed.load(Ordering::Acquire)
    }

    /// How many tracks can be found.
    pub fn count(&self) -> u64 {
        self.shared.view().count()
    }

    /// The state that answers now: for one who is where it may be waited, and wants rows beside an answer.
    pub fn view(&self) -> Arc<View> {
        self.shared.view()
    }

    /// Waits until everything the feed held when this was called can be found.
    pub async fn caught_up(&self) -> Result<()> {
        let end = self.db.read(feed::end).await?;
        self.wait_for(end).await
    }

    /// Waits until this number of the feed can be found.
    pub async fn wait_for(&self, seq: i64) -> Result<()> {
        let mut applied = self.shared.applied.subscribe();
        let there = applied.wait_for(|applied| applied.generation > 0 && applied.top >= seq);
        there.await.map_err(|_| Error::internal("the follower of the feed has ended"))?;
        Ok(())
    }

    /// Builds the index anew beside the one that answers, in this process and in every other that follows the same
    /// shop, and answers when this one is done.
    pub async fn rebuild(&self) -> Result<()> {
        let token = crate::secrets::token()?;
        let wish = token.clone();
        self.db.write(move |conn| feed::ask_for_new(conn, &wish, Timestamp::now())).await?;
        let mut applied = self.shared.applied.subscribe();
        let there = applied.wait_for(|applied| applied.wish == token);
        there.await.map_err(|_| Error::internal("the follower of the feed has ended"))?;
        Ok(())
    }

    /// Ends the follower and waits until the index on the disk is closed.
    pub async fn stop(&self) {
        let _ = self.follower.stop.send(true);
        let task = self.follower.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}
