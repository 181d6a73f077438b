//! The board: what its uploader does next, what others do, what is published and what it did.

use serde::Serialize;

use super::edit_href;
use crate::accounts::band::Band;
use crate::accounts::user::Visitor;
use crate::catalogue::pages::{Link, Paging};
use crate::catalogue::row::TrackRow;
use crate::catalogue::track::{State, Track};
use crate::clock::{DAY, Timestamp};
use crate::money::Cents;
use crate::studio::board::{Board, Counts, DAYS, Part};
use crate::studio::upload::{State as UploadState, Upload};
use crate::web::View;

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
    /// What it did in the shop, where it was there.
    pub did: Option<Did>,
}

/// What a track did, or all of them together.
#[derive(Clone, Debug, Serialize)]
pub struct Did {
    pub plays: i64,
    pub keeps: i64,
    pub basket_adds: i64,
    /// Licences that stand.
    pub sold: i64,
    pub earned: Cents,
}

impl From<Counts> for Did {
    fn from(counts: Counts) -> Did {
        let Counts { plays, keeps, basket_adds, sold, earned } = counts;
        Did { plays, keeps, basket_adds, sold, earned }
    }
}

/// A published track, and what it did.
#[derive(Clone, Debug, Serialize)]
pub struct Sold {
    pub row: TrackRow,
    pub edit_href: String,
    pub did: Did,
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
    /// The pages of each of the three; none where all of it is shown.
    pub mine_paging: Option<Paging>,
    pub others_paging: Option<Paging>,
    pub published_paging: Option<Paging>,
    /// All of the uploader's tracks together, whatever is shown.
    pub did: Did,
    pub plays_by_day: Vec<i64>,
    pub sold_by_day: Vec<i64>,
    pub days: Vec<String>,
    /// Something is being examined: the page looks again.
    pub busy: bool,
}

impl BoardPage {
    /// The board as it stands now; its last day is the day of `now`.
    pub fn new(visitor: &Visitor, board: &Board, now: Timestamp) -> BoardPage {
        let is_child = visitor.band == Band::Child;
        let handle = visitor.handle.as_ref().filter(|_| !is_child).map(ToString::to_string);
        let row = |track: &Track| TrackRow::of(track, &visitor.name, handle.as_deref());
        let (mut mine, mut others, mut published) = (vec![], vec![], vec![]);
        for upload in board.parts.iter().flat_map(|part| &part.uploads) {
            let task = Task::of_upload(upload);
            if task.next.is_some() { mine.push(task) } else { others.push(task) }
        }
        for track in board.parts.iter().flat_map(|part| &part.tracks) {
            let (row, did) = (row(track), Did::from(board.counts_of(track)));
            if track.state == State::Published {
                if track.price_from.is_none() && !is_child {
                    mine.push(Task::unpriced(track, row.clone()));
                }
                published.push(Sold { edit_href: edit_href(track), row, did });
                continue;
            }
            let reason = board.refusals.get(&track.id).map(String::as_str);
            // What was never in the shop did nothing yet.
            let did = track.published_at.map(|_| did);
            let task = Task { did, ..Task::of_track(track, row, reason, is_child) };
            if track.state == State::Submitted { others.push(task) } else { mine.push(task) }
        }
        let [mine_paging, others_paging, published_paging] = Part::ALL.map(|part| paging(board, part));
        BoardPage {
            name: visitor.name.clone(),
            is_child,
            profile_href: handle.map(|handle| format!("/@{handle}")),
            did: board.total.into(),
            plays_by_day: board.plays.clone(),
            sold_by_day: board.sold.clone(),
            days: (0..DAYS).map(|n| day_name(now.plus((n + 1 - DAYS) * DAY))).collect(),
            busy: board.is_busy,
            mine,
            others,
            published,
            mine_paging,
            others_paging,
            published_paging,
        }
    }
}

/// The pages of a part; whoever leafs through it stays where they are in the others.
fn paging(board: &Board, part: Part) -> Option<Paging> {
    let shown = &board.parts[part as usize];
    let address = |number: u64| {
        let at = |other: Part| if other == part { number } else { board.parts[other as usize].page };
        let pairs = Part::ALL.map(|other| (other.name(), at(other)));
        let pairs: Vec<String> =
            pairs.iter().filter(|(_, page)| *page > 1).map(|(name, page)| format!("{name}={page}")).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("/studio{mark}{}#{}", pairs.join("&"), part.name())
    };
    Paging::new(shown.page, shown.last, address)
}

/// `2 June`.
fn day_name(at: Timestamp) -> String {
    at.utc().format("%-d %B").to_string()
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
            did: None,
        }
    }

    /// A published track that is not sold: the shop sells in another currency, or its licences are not on sale any more.
    fn unpriced(track: &Track, row: TrackRow) -> Task {
        Task {
            title: track.title.clone(),
            state: track.state.to_string(),
            state_words: "No price".into(),
            says:
                "Nobody can buy it at present: it has no price in the shop’s currency at a licence on sale."
                    .into(),
            next: Some(Link::new("Set its prices", edit_href(track))),
            post: None,
            row: Some(row),
            did: None,
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
            did: None,
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
            did: None,
        };
        let did = Did { plays: 1204, keeps: 31, basket_adds: 12, sold: 7, earned: Cents(13_195) };
        let pages = |part: &str| Paging::new(2, 4, |n| format!("/studio?{part}={n}#{part}"));
        let full = BoardPage {
            name: "Ines Morrow".into(),
            is_child: false,
            profile_href: Some("/@ines-morrow".into()),
            mine: vec![
                task("draft", Some("Describe it"), None, true),
                Task { did: Some(did.clone()), ..task("withdrawn", Some("Offer it again"), None, true) },
                task("failed", Some("Try again"), Some("/studio/uploads/1/attempt"), false),
            ],
            others: vec![task("processing", None, None, false), task("submitted", None, None, true)],
            published: vec![Sold {
                row: TrackRow::sample(),
                edit_href: "/studio/tracks/copper-weather/edit".into(),
                did: did.clone(),
            }],
            mine_paging: pages("mine"),
            others_paging: pages("others"),
            published_paging: pages("shop"),
            did,
            plays_by_day: (0..DAYS).map(|n| n * 7 % 23).collect(),
            sold_by_day: (0..DAYS).map(|n| n % 5 / 4).collect(),
            days: (0..DAYS).map(|n| format!("{} June", n + 1)).collect(),
            busy: true,
        };
        let child = BoardPage { is_child: true, profile_href: None, ..full.clone() };
        let empty = BoardPage {
            mine: vec![],
            others: vec![],
            published: vec![],
            mine_paging: None,
            others_paging: None,
            published_paging: None,
            did: Counts::default().into(),
            plays_by_day: vec![0; DAYS as usize],
            sold_by_day: vec![0; DAYS as usize],
            busy: false,
            profile_href: None,
            ..full.clone()
        };
        vec![full, child, empty]
    }
}
