//! What reviewers and admins see: plain values for their templates.

use serde::Serialize;

use super::desk::{Case, Waiting};
use super::security::Standing;
use crate::audio::Layers;
use crate::catalogue::lists;
use crate::catalogue::pages::{Fact, Link};
use crate::catalogue::row::TrackRow;
use crate::catalogue::track::{State, split};
use crate::clock::{DAY, HOUR, MINUTE, Timestamp};
use crate::consent::selfcheck::Check;
use crate::jobs;
use crate::money::Cents;
use crate::studio::pages::facts;
use crate::studio::upload::Likeness;
use crate::web::{FormView, View};

/// `/admin`: where everything is.
#[derive(Clone, Debug, Serialize)]
pub struct Doors {
    /// None for somebody who does not review.
    pub waiting: Option<i64>,
    /// Inquiries that wait, and how many of them are late; none for somebody who does not answer them.
    pub inquiries: Option<(i64, i64)>,
    /// Orders that somebody should look at; none for somebody who does not help with them.
    pub orders: Option<i64>,
    /// None for somebody who reviews and does not run the shop.
    pub parked: Option<i64>,
    /// The shop's last look at its own banner; none for somebody who only reviews, or where nobody looked yet.
    pub look: Option<LookLine>,
    /// How the security programme stands; none for somebody who does not run the shop.
    pub security: Option<Standing>,
}

/// What the shop found when it last looked at its own banner.
#[derive(Clone, Debug, Serialize)]
pub struct LookLine {
    pub at: Timestamp,
    /// `3 hours`.
    pub ago: String,
    pub faults: Vec<String>,
}

impl LookLine {
    /// One look at our own pages, as a line.
    pub fn new(check: &Check, now: Timestamp) -> LookLine {
        LookLine {
            at: check.ended_at,
            ago: age(now.since(check.ended_at)),
            faults: check.faults().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl View for Doors {
    const TEMPLATE: &'static str = "admin/index.html";

    fn samples() -> Vec<Doors> {
        let look = |faults: &[&str]| {
            let faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
            Some(LookLine { at: Timestamp(1_795_000_000_000), ago: "3 hours".into(), faults })
        };
        let security = |at: Option<Timestamp>| {
            Some(Standing { at, due_at: at, is_due: at.is_none(), has_nobody: at.is_none() })
        };
        let broken = look(&["The banner has no button that refuses."]);
        vec![
            Doors {
                waiting: Some(3),
                inquiries: Some((2, 1)),
                orders: Some(1),
                parked: Some(1),
                look: broken,
                security: security(None),
            },
            Doors {
                waiting: Some(0),
                inquiries: None,
                orders: None,
                parked: Some(0),
                look: look(&[]),
                security: security(Some(Timestamp(1_795_000_000_000))),
            },
            Doors {
                waiting: None,
                inquiries: Some((0, 0)),
                orders: Some(0),
                parked: None,
                look: None,
                security: None,
            },
        ]
    }
}

/// A track on the desk.
#[derive(Clone, Debug, Serialize)]
pub struct Waits {
    pub row: TrackRow,
    /// `3 hours`.
    pub waits: String,
    pub since: Timestamp,
    pub href: String,
    /// It resembles an earlier upload.
    pub has_twin: bool,
}

/// `/admin/review`.
#[derive(Clone, Debug, Serialize)]
pub struct QueuePage {
    pub all: Vec<Waits>,
}

impl QueuePage {
    /// The queue in the order it is given; `twins` says of each whether it resembles something.
    pub fn new(waiting: &[Waiting], twins: &[bool], now: Timestamp) -> QueuePage {
        let all = waiting.iter().zip(twins).map(|(w, has_twin)| Waits {
            row: TrackRow::new(&w.listed, false),
            waits: age(now.since(w.since)),
            since: w.since,
            href: review_href(w.listed.track.slug.as_str()),
            has_twin: *has_twin,
        });
        QueuePage { all: all.collect() }
    }
}

fn review_href(slug: &str) -> String {
    format!("/admin/review/{slug}")
}

/// How long something waits, as people say it.
pub fn age(ms: i64) -> String {
    let of = |n: i64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    match ms.max(0) {
        ms if ms < MINUTE => "a moment".to_owned(),
        ms if ms < HOUR => of(ms / MINUTE, "minute"),
        ms if ms < 2 * DAY => of(ms / HOUR, "hour"),
        ms => of(ms / DAY, "day"),
    }
}

impl View for QueuePage {
    const TEMPLATE: &'static str = "admin/queue.html";

    fn samples() -> Vec<QueuePage> {
        let waits = Waits {
            row: TrackRow::sample(),
            waits: "3 hours".into(),
            since: Timestamp(1_795_000_000_000),
            href: "/admin/review/copper-weather".into(),
            has_twin: true,
        };
        vec![QueuePage { all: vec![waits] }, QueuePage { all: vec![] }]
    }
}

/// A line of what happened.
#[derive(Clone, Debug, Serialize)]
pub struct Happened {
    pub words: String,
    pub reason: Option<String>,
    pub at: Timestamp,
}

/// Something the track resembles.
#[derive(Clone, Debug, Serialize)]
pub struct TwinLine {
    pub words: String,
    pub link: Option<Link>,
}

/// `/admin/review/<slug>`.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewPage {
    pub slug: String,
    pub row: TrackRow,
    pub state: String,
    pub state_words: String,
    /// It waits: a decision is wanted.
    pub open: bool,
    pub paragraphs: Vec<String>,
    pub words: Vec<String>,
    pub facts: Vec<Fact>,
    /// Of each offer the tier, the price and its currency.
    pub prices: Vec<(String, Cents, String)>,
    pub twins: Vec<TwinLine>,
    pub events: Vec<Happened>,
    pub uploader: String,
    pub uploader_href: Option<String>,
    pub uploader_since: Timestamp,
    pub published: i64,
    pub refused: i64,
    pub preview_href: String,
    pub master_href: String,
    pub next_href: Option<String>,
    /// Whether the page appeals to children, as somebody found.
    pub for_children: bool,
    /// What is known of young voices in it.
    pub voices: String,
    pub form: FormView,
}

impl ReviewPage {
    /// The case beside the form that decides it.
    pub fn new(case: &Case, form: FormView) -> ReviewPage {
        let track = &case.listed.track;
        let named = |slugs: &str, name: lists::Lookup| -> Vec<String> {
            split(slugs).into_iter().map(|slug| name(&slug).map_or(slug.clone(), str::to_owned)).collect()
        };
        let mut words = vec![lists::kind_name(track.kind.as_str()).unwrap_or_default().to_owned()];
        words.extend(track.genre.as_deref().and_then(lists::genre_name).map(str::to_owned));
        words.extend(named(&track.moods, lists::mood_name));
        words.extend(named(&track.instruments, lists::instrument_name));
        words.extend(split(&track.tags));
        let here = review_href(track.slug.as_str());
        ReviewPage {
            slug: track.slug.to_string(),
            row: TrackRow::new(&case.listed, false),
            state: track.state.to_string(),
            state_words: state_words(track.state).to_owned(),
            open: track.state == State::Submitted,
            paragraphs: track
                .description
                .lines()
                .filter(|l| !l.trim().is_empty())
                .map(str::to_owned)
                .collect(),
            words,
            facts: facts(&case.recording, &case.upload),
            prices: case.offers.iter().map(|o| (o.tier.clone(), o.price_cents, o.currency.clone())).collect(),
            twins: case.twins.iter().map(twin_line).collect(),
            events: case
                .events
                .iter()
                .map(|(kind, who, reason, at)| Happened {
                    words: format!("{} by {who}", capital(kind.as_str())),
                    reason: reason.clone(),
                    at: *at,
                })
                .collect(),
            uploader: case.uploader.name.clone(),
            uploader_href: case.listed.uploader_handle.as_ref().map(|handle| format!("/@{handle}")),
            uploader_since: case.uploader.created_at,
            published: case.published,
            refused: case.refused,
            preview_href: format!("{here}/preview.mp3"),
            master_href: format!("{here}/master"),
            for_children: case.for_children,
            voices: young_voices(case),
            next_href: case.next.as_ref().map(|slug| review_href(slug.as_str())),
            form,
        }
    }
}

fn young_voices(case: &Case) -> String {
    match &case.voices {
        _ if case.is_of_child => {
            "A child made it, and a parent allows that it is heard: it is never for sale. Refuse it where somebody else is \
             heard, or where a name, a place or a school is said."
                .into()
        }
        Some(said) if said.heard => format!(
            "A person under 18 is heard. Its uploader stated to hold the release on {} (edition {}).",
            said.at.long_day(),
            said.release.as_deref().unwrap_or("unknown")
        ),
        Some(said) => format!("Its uploader said on {} that nobody under 18 is heard.", said.at.long_day()),
        None => "Its uploader was not asked whether somebody under 18 is heard.".into(),
    }
}

fn state_words(state: State) -> &'static str {
    match state {
        State::Draft => "Draft",
        State::Submitted => "Waits for review",
        State::Published => "Published",
        State::Refused => "Refused",
        State::Withdrawn => "Withdrawn",
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn twin_line(twin: &super::desk::Resembling) -> TwinLine {
    let what = match twin.kind {
        Likeness::Bytes => "The very same file",
        Likeness::Samples => "The same recording in another file",
        Likeness::Alike => "A recording that sounds the same",
        Likeness::Perhaps => "A recording that may be the same",
    };
    let whose = if twin.is_own {
        "by the same uploader".to_owned()
    } else {
        let handle = twin.handle.as_ref().map(|h| format!(" (@{h})")).unwrap_or_default();
        format!("by {}{handle}", twin.uploader)
    };
    let link = twin.track.as_ref().map(|(slug, title, state)| {
        Link::new(format!("{title}, {}", state_words(*state).to_lowercase()), review_href(slug.as_str()))
    });
    TwinLine { words: format!("{what}, {whose}: {}", twin.filename), link }
}

impl View for ReviewPage {
    const TEMPLATE: &'static str = "admin/review.html";

    fn samples() -> Vec<ReviewPage> {
        let full = ReviewPage {
            slug: "copper-weather".into(),
            row: TrackRow::sample(),
            state: "submitted".into(),
            state_words: "Waits for review".into(),
            open: true,
            paragraphs: vec!["Low strings that gather & never <quite> break.".into()],
            words: vec!["Music".into(), "Cinematic".into(), "Brooding".into()],
            facts: vec![Fact { name: "Length".into(), words: "2:34".into(), href: None }],
            prices: vec![("creator".into(), Cents(2900), "eur".into())],
            twins: vec![TwinLine {
                words: "The very same file, by Ada: rain.wav".into(),
                link: Some(Link::new("Rain, published", "/admin/review/rain")),
            }],
            events: vec![Happened {
                words: "Submitted by Ines".into(),
                reason: Some("A click at 1:12.".into()),
                at: Timestamp(1_795_000_000_000),
            }],
            uploader: "Ines Morrow".into(),
            uploader_href: Some("/@ines-morrow".into()),
            uploader_since: Timestamp(1_790_000_000_000),
            published: 4,
            refused: 1,
            preview_href: "/admin/review/copper-weather/preview.mp3".into(),
            master_href: "/admin/review/copper-weather/master".into(),
            next_href: Some("/admin/review/rain".into()),
            for_children: true,
            voices: "A person under 18 is heard.".into(),
            form: FormView::default(),
        };
        let decided = ReviewPage {
            state: "published".into(),
            open: false,
            paragraphs: vec![],
            prices: vec![],
            twins: vec![],
            next_href: None,
            for_children: true,
            uploader_href: None,
            ..full.clone()
        };
        vec![full, decided]
    }
}

/// Jobs of one kind and state.
#[derive(Clone, Debug, Serialize)]
pub struct Heap {
    pub kind: &'static str,
    pub state: String,
    pub count: i64,
    pub oldest: String,
}

/// A job that was given up.
#[derive(Clone, Debug, Serialize)]
pub struct ParkedJob {
    pub id: String,
    pub kind: &'static str,
    pub reason: String,
    pub since: Timestamp,
}

/// `/admin/jobs`.
#[derive(Clone, Debug, Serialize)]
pub struct JobsPage {
    pub waiting: Vec<Heap>,
    pub parked: Vec<ParkedJob>,
    pub jail: JailLines,
}

/// The jail in which sounds of strangers are read.
#[derive(Clone, Debug, Serialize)]
pub struct JailLines {
    pub layers: Vec<JailLine>,
    pub is_whole: bool,
    /// Since when the last sound was read in this one; none where none was read yet.
    pub since: Option<Timestamp>,
}

/// A layer of it, in plain words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JailLine {
    pub words: &'static str,
    /// `On`, `On in part`, `Missing`.
    pub state: &'static str,
}

impl JailLines {
    /// Each layer, and whether it is on.
    pub fn new(layers: &Layers, since: Option<Timestamp>) -> JailLines {
        let on = |is_on: bool| if is_on { "On" } else { "Missing" };
        let paths = match layers.landlock.as_str() {
            "full" => "On",
            "partial" => "On in part",
            _ => "Missing",
        };
        let line = |words, state| JailLine { words, state };
        JailLines {
            layers: vec![
                line("Memory, time, files and processes are bounded", on(layers.limits)),
                line("Nothing started from it gains rights", on(layers.no_new_privileges)),
                line("No file can be opened and no network reached (landlock)", paths),
                line("The kernel answers only what decoding asks (seccomp)", on(layers.seccomp)),
            ],
            is_whole: layers.are_whole(),
            since,
        }
    }
}

impl JobsPage {
    /// What waits by kind, what was given up, and the jail that sounds are read in.
    pub fn new(waiting: &[jobs::Waiting], parked: &[jobs::Parked], jail: JailLines) -> JobsPage {
        JobsPage {
            waiting: waiting
                .iter()
                .filter(|w| w.state != jobs::State::Parked)
                .map(|w| Heap {
                    kind: kind_words(&w.kind),
                    state: w.state.to_string(),
                    count: w.count,
                    oldest: age(w.oldest_ms),
                })
                .collect(),
            parked: parked
                .iter()
                .map(|(id, kind, reason, since)| ParkedJob {
                    id: id.to_string(),
                    kind: kind_words(kind),
                    reason: reason.clone().unwrap_or_default(),
                    since: *since,
                })
                .collect(),
            jail,
        }
    }
}

fn kind_words(kind: &str) -> &'static str {
    match kind {
        "process_upload" => "Listen to an upload",
        "sample_words" => "Look up recordings that came before",
        "send_letter" => "Send a letter",
        "send_receipt" => "Send a receipt",
        "reconcile" => "Ask Stripe what we missed",
        "fill_demo" => "Make a sound for the demo",
        "end_checkouts" | "close_order" => "Close a payment page",
        "collect" => "Collect what nobody needs",
        "send_news" => "Write the weekly letter",
        "fetch_vendor_list" => "Fetch the vendor list",
        _ => "Something else",
    }
}

impl View for JobsPage {
    const TEMPLATE: &'static str = "admin/jobs.html";

    fn samples() -> Vec<JobsPage> {
        let heap =
            Heap { kind: "Send a letter", state: "ready".into(), count: 3, oldest: "2 minutes".into() };
        let parked = ParkedJob {
            id: "0190".into(),
            kind: "Listen to an upload",
            reason: "a sound could not be examined: <no memory>".into(),
            since: Timestamp(1_795_000_000_000),
        };
        let whole = Layers { limits: true, no_new_privileges: true, landlock: "full".into(), seccomp: true };
        let torn = Layers { landlock: "partial".into(), seccomp: false, ..whole.clone() };
        let jail = JailLines::new(&torn, Some(Timestamp(1_795_000_000_000)));
        vec![
            JobsPage { waiting: vec![heap], parked: vec![parked], jail },
            JobsPage { waiting: vec![], parked: vec![], jail: JailLines::new(&whole, None) },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_is_missing_is_said_and_the_others_with_it() {
        let whole = Layers { limits: true, no_new_privileges: true, landlock: "full".into(), seccomp: true };
        let states = |layers: &Layers| {
            let lines = JailLines::new(layers, None);
            (lines.is_whole, lines.layers.iter().map(|line| line.state).collect::<Vec<_>>())
        };
        assert_eq!(states(&whole), (true, vec!["On"; 4]));
        let torn = Layers { landlock: "partial".into(), seccomp: false, ..whole };
        assert_eq!(states(&torn), (false, vec!["On", "On", "On in part", "Missing"]));
        assert_eq!(states(&Layers::default()), (false, vec!["Missing"; 4]));
    }

    #[test]
    fn ages_are_said_as_people_say_them() {
        for (ms, said) in [
            (-5, "a moment"),
            (59_000, "a moment"),
            (61_000, "1 minute"),
            (59 * MINUTE, "59 minutes"),
            (HOUR, "1 hour"),
            (47 * HOUR, "47 hours"),
            (2 * DAY, "2 days"),
        ] {
            assert_eq!(age(ms), said);
        }
    }
}
