//! What the pages of the studio show: plain values for their templates.

use serde::Serialize;

use super::board::{Board, DAYS};
use super::upload::{Likeness, State as UploadState, Upload};
use crate::accounts::band::Band;
use crate::accounts::user::Visitor;
use crate::catalogue::lists;
use crate::catalogue::pages::{Fact, Link};
use crate::catalogue::row::TrackRow;
use crate::catalogue::track::{Recording, State, Track};
use crate::catalogue::voices::{RELEASE, RELEASE_EDITION};
use crate::clock::{DAY, Timestamp};
use crate::jobs;
use crate::money::{Cents, grouped};
use crate::sales::tier::{PriceBounds, Tier, offered_for};
use crate::web::templates::clock;
use crate::web::{FormView, View};

/// The agreement uploaders accept, and the edition it is.
#[derive(Clone, Debug, Serialize)]
pub struct Agreement {
    pub version: &'static str,
    pub paragraphs: Vec<&'static str>,
}

impl Agreement {
    /// The edition of today.
    pub fn now() -> Agreement {
        let mut lines = include_str!("agreement.txt").lines();
        Agreement { version: lines.next().unwrap_or_default(), paragraphs: lines.collect() }
    }
}

/// `/studio` for somebody who does not sell yet.
#[derive(Clone, Debug, Serialize)]
pub struct Welcome {
    pub form: FormView,
    /// A child makes no contract and sells nothing: it is offered a place for its own sounds.
    pub is_child: bool,
    /// Only a confirmed address can sell.
    pub confirmed: bool,
    pub agreement: Agreement,
}

impl View for Welcome {
    const TEMPLATE: &'static str = "studio/welcome.html";

    fn samples() -> Vec<Welcome> {
        let form = FormView::filled([("handle", "ines-morrow".to_owned())]);
        [(true, false), (false, false), (true, true)]
            .map(|(confirmed, is_child)| Welcome {
                form: form.clone(),
                is_child,
                confirmed,
                agreement: Agreement::now(),
            })
            .into()
    }
}

/// Something on its way: a file or a track, and what happens to it next.
#[derive(Clone, Debug, Serialize)]
pub struct Task {
    pub title: String,
    /// For the mark beside it.
    pub state: String,
    pub state_words: String,
    /// One sentence on what it waits for.
    pub says: String,
    /// What its uploader does next.
    pub next: Option<Link>,
    /// The next step is a button that sends to this address.
    pub post: Option<String>,
    pub row: Option<TrackRow>,
}

/// A published track, and what it did.
#[derive(Clone, Debug, Serialize)]
pub struct Sold {
    pub row: TrackRow,
    pub edit_href: String,
    pub plays: i64,
    pub keeps: i64,
    pub basket_adds: i64,
    pub sales: i64,
    pub earned: Cents,
}

/// `/studio`: the board.
#[derive(Clone, Debug, Serialize)]
pub struct BoardPage {
    pub name: String,
    /// A child's: nothing is sold, and there is no page of theirs to look at.
    pub is_child: bool,
    pub profile_href: Option<String>,
    pub mine: Vec<Task>,
    pub others: Vec<Task>,
    pub published: Vec<Sold>,
    pub plays: i64,
    pub keeps: i64,
    pub basket_adds: i64,
    pub sales: i64,
    pub earned: Cents,
    pub plays_by_day: Vec<i64>,
    pub sales_by_day: Vec<i64>,
    pub days: Vec<String>,
    /// Something is being examined: the page looks again.
    pub busy: bool,
}

impl BoardPage {
    pub fn new(visitor: &Visitor, board: &Board, now: Timestamp) -> BoardPage {
        let is_child = visitor.band == Band::Child;
        let handle = visitor.handle.as_ref().filter(|_| !is_child).map(ToString::to_string);
        let row = |track: &Track| TrackRow::of(track, &visitor.name, handle.as_deref());
        let (mut mine, mut others, mut published) = (vec![], vec![], vec![]);
        for upload in &board.uploads {
            let task = Task::of_upload(upload);
            if task.next.is_some() { mine.push(task) } else { others.push(task) }
        }
        for track in &board.tracks {
            let row = row(track);
            match track.state {
                State::Published => {
                    let counts = board.counts_of(track);
                    published.push(Sold {
                        edit_href: edit_href(track),
                        row,
                        plays: counts.plays,
                        keeps: track.kept,
                        basket_adds: counts.basket_adds,
                        sales: track.licensed,
                        earned: counts.earned,
                    });
                }
                State::Submitted => others.push(Task::of_track(track, row, None, is_child)),
                _ => {
                    let reason = board.refusals.get(&track.id).map(String::as_str);
                    mine.push(Task::of_track(track, row, reason, is_child));
                }
            }
        }
        let all = || board.tracks.iter();
        let counts = || board.counts.values();
        BoardPage {
            name: visitor.name.clone(),
            is_child,
            profile_href: handle.map(|handle| format!("/@{handle}")),
            plays: counts().map(|c| c.plays).sum(),
            keeps: all().map(|t| t.kept).sum(),
            basket_adds: counts().map(|c| c.basket_adds).sum(),
            sales: all().map(|t| t.licensed).sum(),
            earned: counts().map(|c| c.earned).sum(),
            plays_by_day: board.plays.clone(),
            sales_by_day: board.sales.clone(),
            days: (0..DAYS).map(|n| day_name(now.plus((n + 1 - DAYS) * DAY))).collect(),
            busy: board.uploads.iter().any(|u| is_busy(u.state)),
            mine,
            others,
            published,
        }
    }
}

/// `2 June`.
fn day_name(at: Timestamp) -> String {
    at.utc().format("%-d %B").to_string()
}

fn is_busy(state: UploadState) -> bool {
    matches!(state, UploadState::Received | UploadState::Processing)
}

fn edit_href(track: &Track) -> String {
    format!("/studio/tracks/{}/edit", track.slug)
}

impl Task {
    fn of_upload(upload: &Upload) -> Task {
        let here = format!("/studio/uploads/{}", upload.id);
        let (words, says, next, post) = match upload.state {
            UploadState::Received => ("Received", "It waits to be listened to.".to_owned(), None, None),
            UploadState::Processing => {
                ("Listening", "Its facts and its preview are being made.".into(), None, None)
            }
            UploadState::Ready => ("Ready", "It is ready to be described.".into(), Some("Describe it"), None),
            UploadState::Refused => {
                let why = upload.reason.clone().unwrap_or_default();
                ("Not taken", why, Some("Upload another file"), None)
            }
            UploadState::Failed => {
                let why = upload.reason.clone().unwrap_or_default();
                ("Failed", why, Some("Try again"), Some(format!("{here}/attempt")))
            }
        };
        let to = if upload.state == UploadState::Refused { "/studio/uploads/new".to_owned() } else { here };
        Task {
            title: upload.filename.clone(),
            state: upload.state.to_string(),
            state_words: words.to_owned(),
            says,
            next: next.map(|words| Link::new(words, to)),
            post,
            row: None,
        }
    }

    fn of_track(track: &Track, row: TrackRow, refusal: Option<&str>, is_child: bool) -> Task {
        let (words, says, next) = match track.state {
            State::Draft if is_child => ("Yours", "Only you hear it.".to_owned(), Some("Look at it")),
            State::Withdrawn if is_child => {
                ("Taken back", "Only you hear it now.".into(), Some("Look at it"))
            }
            State::Draft => ("Draft", "Describe it, set prices, submit it.".to_owned(), Some("Describe it")),
            State::Submitted => ("In review", "A reviewer listens to it next.".into(), None),
            State::Refused => {
                let why = refusal.unwrap_or("A reviewer refused it.").to_owned();
                ("Refused", why, Some("Mend it"))
            }
            State::Withdrawn => (
                "Withdrawn",
                "Nobody finds it now. Licences that were sold stand.".into(),
                Some("Offer it again"),
            ),
            State::Published => ("Published", String::new(), None),
        };
        Task {
            title: track.title.clone(),
            state: track.state.to_string(),
            state_words: words.to_owned(),
            says,
            next: next.map(|words| Link::new(words, edit_href(track))),
            post: None,
            row: Some(row),
        }
    }
}

impl View for BoardPage {
    const TEMPLATE: &'static str = "studio/index.html";

    fn samples() -> Vec<BoardPage> {
        let task = |state: &str, next: Option<&str>, post: Option<&str>, row: bool| Task {
            title: "rain <on> tin.wav".into(),
            state: state.into(),
            state_words: "Draft".into(),
            says: "Describe it, set prices, submit it.".into(),
            next: next.map(|words| Link::new(words, "/studio/tracks/copper-weather/edit")),
            post: post.map(str::to_owned),
            row: row.then(TrackRow::sample),
        };
        let full = BoardPage {
            name: "Ines Morrow".into(),
            is_child: false,
            profile_href: Some("/@ines-morrow".into()),
            mine: vec![
                task("draft", Some("Describe it"), None, true),
                task("failed", Some("Try again"), Some("/studio/uploads/1/attempt"), false),
            ],
            others: vec![task("processing", None, None, false), task("submitted", None, None, true)],
            published: vec![Sold {
                row: TrackRow::sample(),
                edit_href: "/studio/tracks/copper-weather/edit".into(),
                plays: 1204,
                keeps: 31,
                basket_adds: 12,
                sales: 7,
                earned: Cents(13_195),
            }],
            plays: 1204,
            keeps: 31,
            basket_adds: 12,
            sales: 7,
            earned: Cents(13_195),
            plays_by_day: (0..DAYS).map(|n| n * 7 % 23).collect(),
            sales_by_day: (0..DAYS).map(|n| n % 5 / 4).collect(),
            days: (0..DAYS).map(|n| format!("{} June", n + 1)).collect(),
            busy: true,
        };
        let child = BoardPage { is_child: true, profile_href: None, ..full.clone() };
        let empty = BoardPage {
            mine: vec![],
            others: vec![],
            published: vec![],
            plays: 0,
            keeps: 0,
            basket_adds: 0,
            sales: 0,
            earned: Cents::ZERO,
            plays_by_day: vec![0; DAYS as usize],
            sales_by_day: vec![0; DAYS as usize],
            busy: false,
            profile_href: None,
            ..full.clone()
        };
        vec![full, child, empty]
    }
}

/// `/studio/uploads/new`.
#[derive(Clone, Debug, Serialize)]
pub struct NewUpload {
    pub fault: String,
    /// A child's own sound, which nobody else hears.
    pub is_child: bool,
    /// `4 GB`.
    pub largest: String,
    /// `4 hours`.
    pub longest: String,
}

impl View for NewUpload {
    const TEMPLATE: &'static str = "studio/new.html";

    fn samples() -> Vec<NewUpload> {
        [("", false), ("Choose a file first.", true)]
            .map(|(fault, is_child)| NewUpload {
                fault: fault.into(),
                is_child,
                largest: "4 GB".into(),
                longest: "4 hours".into(),
            })
            .into()
    }
}

/// `/studio/uploads/<id>`.
#[derive(Clone, Debug, Serialize)]
pub struct UploadPage {
    pub id: String,
    pub filename: String,
    pub size: String,
    pub received: Timestamp,
    pub state: String,
    pub state_words: String,
    /// What happens, in a sentence.
    pub says: String,
    /// The page looks again by itself.
    pub busy: bool,
    /// It can be tried again by a button.
    pub may_retry: bool,
    pub edit_href: Option<String>,
    /// A child's own sound: nothing is priced.
    pub is_child: bool,
    pub facts: Vec<Fact>,
    pub twin: Option<String>,
}

impl UploadPage {
    pub fn new(upload: &Upload, found: &Found, attempt: Option<&jobs::Attempt>) -> UploadPage {
        // A job whose worker died each time is given up by the queue alone.
        let given_up = is_busy(upload.state) && attempt.is_none_or(|a| a.state == jobs::State::Parked);
        let state = if given_up { UploadState::Failed } else { upload.state };
        let tried = attempt.is_some_and(|a| a.runs > 0 && a.state == jobs::State::Ready);
        let (words, says) = match state {
            _ if tried && is_busy(state) => (
                "Trying again",
                "Something went wrong on our side while listening to it; we try again in a moment."
                    .to_owned(),
            ),
            UploadState::Received => {
                ("Received", "Your file is kept safely and waits to be listened to.".into())
            }
            UploadState::Processing => (
                "Listening",
                "We listen to it once from beginning to end: facts, waveform, the marked preview.".into(),
            ),
            UploadState::Ready if found.is_child => ("Ready", "It is here. Only you hear it.".into()),
            UploadState::Ready => ("Ready", "It is ready to be described and priced.".into()),
            UploadState::Refused => ("Not taken", upload.reason.clone().unwrap_or_default()),
            UploadState::Failed => (
                "Failed",
                upload.reason.clone().unwrap_or_else(|| {
                    "Something went wrong on our side while reading this file; nothing is wrong with it."
                        .into()
                }),
            ),
        };
        UploadPage {
            id: upload.id.to_string(),
            filename: upload.filename.clone(),
            size: size(upload.bytes),
            received: upload.created_at,
            state: state.to_string(),
            state_words: words.to_owned(),
            says,
            busy: is_busy(state),
            may_retry: state == UploadState::Failed,
            edit_href: found.track.as_ref().map(edit_href),
            is_child: found.is_child,
            facts: found.recording.as_ref().map(|rec| facts(rec, upload)).unwrap_or_default(),
            twin: twin_words(upload, found.twin_is_own),
        }
    }
}

/// What was found out about an upload.
#[derive(Default)]
pub struct Found {
    pub track: Option<Track>,
    pub recording: Option<Recording>,
    pub twin_is_own: bool,
    pub is_child: bool,
}

/// What resembles an upload, for its uploader: never whose it is.
pub fn twin_words(upload: &Upload, own: bool) -> Option<String> {
    let who = if own { "You uploaded" } else { "Somebody else uploaded" };
    Some(match upload.twin_kind? {
        Likeness::Bytes => format!("{who} the very same file before."),
        Likeness::Samples => format!("{who} the same recording before, in another file."),
        Likeness::Alike => format!("{who} a recording before that sounds the same."),
        Likeness::Perhaps => format!("{who} a recording before that may be the same."),
    })
}

impl View for UploadPage {
    const TEMPLATE: &'static str = "studio/upload.html";

    fn samples() -> Vec<UploadPage> {
        let fact = |name: &str, words: &str| Fact { name: name.into(), words: words.into(), href: None };
        let ready = UploadPage {
            id: "0190".into(),
            filename: "rain <on> tin.wav".into(),
            size: "12.3 MB".into(),
            received: Timestamp(1_795_000_000_000),
            state: "ready".into(),
            state_words: "Ready".into(),
            says: "It is ready to be described and priced.".into(),
            busy: false,
            may_retry: false,
            edit_href: Some("/studio/tracks/rain/edit".into()),
            is_child: false,
            facts: vec![fact("Length", "2:34"), fact("Loudness", "−14.2 LUFS")],
            twin: Some("You uploaded the very same file before.".into()),
        };
        let waiting = UploadPage {
            state: "processing".into(),
            busy: true,
            edit_href: None,
            facts: vec![],
            twin: None,
            ..ready.clone()
        };
        let failed = UploadPage { state: "failed".into(), busy: false, may_retry: true, ..waiting.clone() };
        let child = UploadPage { is_child: true, ..ready.clone() };
        vec![ready, waiting, failed, child]
    }
}

/// One word of a list to choose from.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub slug: &'static str,
    pub name: &'static str,
}

fn choices(words: &[lists::Word]) -> Vec<Choice> {
    words.iter().map(|w| Choice { slug: w.slug, name: w.name }).collect()
}

/// The lists a track is described with.
#[derive(Clone, Debug, Serialize)]
pub struct Lists {
    pub kinds: Vec<Choice>,
    pub genres: Vec<Choice>,
    pub moods: Vec<Choice>,
    pub instruments: Vec<Choice>,
    pub vocals: Vec<Choice>,
    pub keys: Vec<Choice>,
}

impl Lists {
    pub fn all() -> Lists {
        Lists {
            kinds: choices(lists::KINDS),
            genres: choices(lists::GENRES),
            moods: choices(lists::MOODS),
            instruments: choices(lists::INSTRUMENTS),
            vocals: choices(lists::VOCALS),
            keys: lists::KEYS.iter().map(|k| Choice { slug: k.slug, name: k.name }).collect(),
        }
    }
}

/// A tier's field on the form.
#[derive(Clone, Debug, Serialize)]
pub struct PriceField {
    /// `price.creator`.
    pub name: String,
    pub label: String,
    /// What it permits, and the prices that may be asked.
    pub hint: String,
    /// What the shop suggests.
    pub placeholder: String,
}

/// A fact we are not sure of, or that has two readings: one tap takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// `bpm=92`.
    pub take: String,
    /// `92 bpm?`
    pub words: String,
}

/// `/studio/tracks/<slug>/edit`.
#[derive(Clone, Debug, Serialize)]
pub struct EditPage {
    pub slug: String,
    pub title: String,
    pub state: String,
    pub state_words: String,
    /// What a reviewer said.
    pub refusal: Option<String>,
    pub form: FormView,
    pub lists: Lists,
    pub prices: Vec<PriceField>,
    /// Names of tiers that are asked for, not priced.
    pub on_request: Vec<String>,
    /// The uploader's part of a sale, in per cent.
    pub share: String,
    pub tempos: Vec<Suggestion>,
    pub keys: Vec<Suggestion>,
    pub facts: Vec<Fact>,
    pub row: TrackRow,
    pub master_href: String,
    pub twin: Option<String>,
    pub may_submit: bool,
    pub may_withdraw: bool,
    pub published: bool,
    /// Where it is on its way: 2 described, 3 priced, 4 in review.
    pub step: i64,
    /// A child's: no price, no question that only a grown-up can answer.
    pub is_child: bool,
    /// Whether whoever answers for its uploader allows that it comes before others.
    pub may_be_shown: bool,
    /// What is stated of a young voice, and the edition of that sentence.
    pub release: &'static str,
    pub release_edition: &'static str,
}

/// All that the edit page is made of.
pub struct Edited {
    pub track: Track,
    pub upload: Upload,
    pub recording: Recording,
    pub refusal: Option<String>,
    pub twin_is_own: bool,
    pub tiers: Vec<Tier>,
    pub may_be_shown: bool,
}

impl EditPage {
    pub fn new(visitor: &Visitor, it: &Edited, form: FormView, currency: &str, share_bps: i64) -> EditPage {
        let track = &it.track;
        let is_child = visitor.band == Band::Child;
        let handle = visitor.handle.as_ref().filter(|_| !is_child).map(ToString::to_string);
        let (words, step) = match track.state {
            State::Draft => ("Draft", 2),
            State::Submitted => ("In review", 4),
            State::Published => ("Published", 5),
            State::Refused => ("Refused", 2),
            State::Withdrawn => ("Withdrawn", 2),
        };
        EditPage {
            slug: track.slug.to_string(),
            title: track.title.clone(),
            state: track.state.to_string(),
            state_words: words.into(),
            refusal: it.refusal.clone().filter(|_| track.state == State::Refused),
            lists: Lists::all(),
            prices: if is_child { vec![] } else { price_fields(&it.tiers, currency) },
            on_request: it.tiers.iter().filter(|t| t.on_request).map(|t| t.name.clone()).collect(),
            share: shown_share(share_bps),
            tempos: tempos(&it.recording, form.typed.get("bpm").map_or("", String::as_str)),
            keys: keys(&it.recording, form.typed.get("key").map_or("", String::as_str)),
            facts: facts(&it.recording, &it.upload),
            row: TrackRow::of(track, &visitor.name, handle.as_deref()),
            master_href: format!("/studio/tracks/{}/master", track.slug),
            twin: twin_words(&it.upload, it.twin_is_own),
            may_submit: matches!(track.state, State::Draft | State::Refused | State::Withdrawn)
                && (!is_child || it.may_be_shown),
            may_withdraw: matches!(track.state, State::Published | State::Submitted),
            published: track.state == State::Published,
            // Without prices the review is the third step.
            step: if is_child { step.min(3) } else { step },
            is_child,
            may_be_shown: it.may_be_shown,
            release: RELEASE,
            release_edition: RELEASE_EDITION,
            form,
        }
    }
}

fn shown_share(bps: i64) -> String {
    if bps % 100 == 0 { format!("{} %", bps / 100) } else { format!("{:.2} %", bps as f64 / 100.0) }
}

/// What a fresh draft of this kind is offered at until its uploader says otherwise.
pub fn first_prices(tiers: &[Tier], kind: &str) -> Vec<(String, String)> {
    let offered = offered_for(kind);
    let fresh = tiers.iter().filter(|t| offered.contains(&t.slug.as_str()));
    fresh.filter_map(|t| Some((format!("price.{}", t.slug), t.price_cents?.to_string()))).collect()
}

fn price_fields(tiers: &[Tier], currency: &str) -> Vec<PriceField> {
    let priced = tiers.iter().filter(|t| !t.on_request);
    priced
        .filter_map(|t| {
            let (low, high) = t.price_range(PriceBounds::default())?;
            let range = format!("{} to {}, or 0.", low.show(currency), high.show(currency));
            Some(PriceField {
                name: format!("price.{}", t.slug),
                label: t.name.clone(),
                hint: format!("{}. {range}", t.scope.may_use_in()),
                placeholder: "not offered".into(),
            })
        })
        .collect()
}

/// From this sureness a measured fact is shown as one; below it is a question.
const SURE: f64 = 0.25;
/// Below this we say nothing.
const GUESS: f64 = 0.10;

fn tempos(rec: &Recording, typed: &str) -> Vec<Suggestion> {
    let Some(bpm) = rec.bpm.filter(|_| rec.bpm_sure >= GUESS) else { return vec![] };
    let mark = if rec.bpm_sure < SURE { "?" } else { "" };
    let mut all: Vec<Suggestion> = vec![];
    for tempo in [bpm, bpm / 2.0, bpm * 2.0] {
        let shown = super::describing::shown_bpm(tempo);
        if (40.0..=240.0).contains(&tempo) && shown != typed.trim() {
            all.push(Suggestion { take: format!("bpm={shown}"), words: format!("{shown} bpm{mark}") });
        }
    }
    all
}

fn keys(rec: &Recording, typed: &str) -> Vec<Suggestion> {
    let Some(key) = rec.musical_key.as_deref().filter(|_| rec.key_sure >= GUESS) else { return vec![] };
    let Some(found) = lists::key(key).filter(|found| lists::parse_key(typed) != Some(found.slug)) else {
        return vec![];
    };
    let mark = if rec.key_sure < SURE { "?" } else { "" };
    vec![Suggestion { take: format!("key={}", found.slug), words: format!("{}{mark}", found.name) }]
}

/// What was measured, as people say it.
pub fn facts(rec: &Recording, upload: &Upload) -> Vec<Fact> {
    let fact = |name: &str, words: String| Fact { name: name.into(), words, href: None };
    let channels = match rec.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("{n} channels"),
    };
    let coded = if rec.codec == rec.container {
        rec.codec.clone()
    } else {
        format!("{}, {}", rec.container, rec.codec)
    };
    let bits = rec.bits.map(|bits| format!(", {bits} bit")).unwrap_or_default();
    let sure = |sure: f64| if sure < SURE { ", not sure" } else { "" };
    let signed = |n: f64, unit: &str| format!("{n:.1} {unit}").replace('-', "−");
    let mut all = vec![
        fact("Length", clock(rec.duration_ms)),
        fact("File", format!("{coded}{bits}")),
        fact("Sound", format!("{} kHz, {channels}", f64::from(rec.sample_rate) / 1000.0)),
        fact("Frames", grouped(rec.frames.unsigned_abs())),
        fact("Loudness", rec.loudness_lufs.map_or("too quiet to say".into(), |n| signed(n, "LUFS"))),
        fact("True peak", rec.true_peak_dbtp.map_or("none".into(), |n| signed(n, "dBTP"))),
    ];
    if let Some(range) = rec.loudness_range {
        all.push(fact("Loudness range", format!("{range:.1} LU")));
    }
    if let Some(bpm) = rec.bpm.filter(|_| rec.bpm_sure >= GUESS) {
        all.push(fact(
            "Tempo heard",
            format!("{} bpm{}", super::describing::shown_bpm(bpm), sure(rec.bpm_sure)),
        ));
    }
    if let Some(key) = rec.musical_key.as_deref().and_then(lists::key_name).filter(|_| rec.key_sure >= GUESS)
    {
        all.push(fact("Key heard", format!("{key}{}", sure(rec.key_sure))));
    }
    all.push(fact("Size", size(upload.bytes)));
    all.push(fact("SHA-256 of the file", upload.file_sha256.clone()));
    all.push(fact("SHA-256 of the samples", rec.samples_sha256.clone()));
    all
}

/// `12.3 MB`.
pub fn size(bytes: i64) -> String {
    match bytes {
        ..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{} kB", (bytes + 500) / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

impl View for EditPage {
    const TEMPLATE: &'static str = "studio/edit.html";

    fn samples() -> Vec<EditPage> {
        let fields = crate::web::Fields::parse("title=Rain+<on>+tin&kind=music&mood=calm&price.creator=0.5");
        let faults =
            crate::web::Faults::of("price.creator", "Creator may cost nothing, or between $14.50 and $116.");
        let draft = EditPage {
            slug: "copper-weather".into(),
            title: "Copper Weather".into(),
            state: "refused".into(),
            state_words: "Refused".into(),
            refusal: Some("There is a click at 1:12.".into()),
            form: FormView::new(&fields, faults),
            lists: Lists::all(),
            prices: price_fields(&crate::sales::tier::default_catalogue(), "usd"),
            on_request: vec!["Exclusive buy-out".into()],
            share: "35 %".into(),
            tempos: vec![Suggestion { take: "bpm=92".into(), words: "92 bpm?".into() }],
            keys: vec![Suggestion { take: "key=am".into(), words: "A minor".into() }],
            facts: vec![Fact { name: "Length".into(), words: "2:34".into(), href: None }],
            row: TrackRow::sample(),
            master_href: "/studio/tracks/copper-weather/master".into(),
            twin: Some("Somebody else uploaded the same recording before, in another file.".into()),
            may_submit: true,
            may_withdraw: false,
            published: false,
            step: 2,
            is_child: false,
            may_be_shown: true,
            release: RELEASE,
            release_edition: RELEASE_EDITION,
        };
        let live = EditPage {
            state: "published".into(),
            refusal: None,
            form: FormView::default(),
            tempos: vec![],
            keys: vec![],
            twin: None,
            may_submit: false,
            may_withdraw: true,
            published: true,
            step: 5,
            ..draft.clone()
        };
        let child = EditPage { is_child: true, may_be_shown: false, prices: vec![], ..draft.clone() };
        vec![draft, live, child]
    }
}

/// `/studio/profile`.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileForm {
    pub name: String,
    pub handle: Option<String>,
    /// The handle can be changed once, and was not yet.
    pub may_rename: bool,
    pub form: FormView,
    pub handle_form: FormView,
    pub picture_href: Option<String>,
    pub picture_fault: String,
}

impl View for ProfileForm {
    const TEMPLATE: &'static str = "studio/profile.html";

    fn samples() -> Vec<ProfileForm> {
        let full = ProfileForm {
            name: "Ines Morrow".into(),
            handle: Some("ines-morrow".into()),
            may_rename: true,
            form: FormView::filled([
                ("name", "Ines <Morrow>".to_owned()),
                ("links", "https://ines.example/".to_owned()),
            ]),
            handle_form: FormView::filled([("handle", "ines-morrow".to_owned())]),
            picture_href: Some("/pictures/00.jpg".into()),
            picture_fault: "This is no picture we can read.".into(),
        };
        let bare = ProfileForm {
            handle: None,
            may_rename: false,
            picture_href: None,
            picture_fault: String::new(),
            ..full.clone()
        };
        vec![full, bare]
    }
}
