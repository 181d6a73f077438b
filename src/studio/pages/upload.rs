//! The pages of an upload: before it, while it is listened to, and what came of it.

use serde::Serialize;

use super::{edit_href, facts, is_busy, size};
use crate::catalogue::pages::Fact;
use crate::catalogue::track::{Recording, Track};
use crate::clock::Timestamp;
use crate::jobs;
use crate::studio::upload::{Likeness, State as UploadState, Twin, Upload};
use crate::web::View;

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
    /// The page of an upload, with what the queue says of its job.
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
            twin: twin_words(upload, &found.twins),
        }
    }
}

/// What was found out about an upload.
#[derive(Default)]
pub struct Found {
    pub track: Option<Track>,
    pub recording: Option<Recording>,
    pub twins: Vec<Twin>,
    pub is_child: bool,
}

/// What resembles an upload, for its uploader: one of their own, one of somebody else's, and never whose that is.
pub fn twin_words(upload: &Upload, twins: &[Twin]) -> Option<String> {
    let said = |own: bool| -> Option<String> {
        let twin = twins.iter().find(|twin| (twin.uploader == upload.uploader_id) == own)?;
        let who = if own { "You uploaded" } else { "Somebody else uploaded" };
        Some(match twin.kind {
            Likeness::Bytes => format!("{who} the very same file before."),
            Likeness::Samples => format!("{who} the same recording before, in another file."),
            Likeness::Alike => format!("{who} a recording before that sounds the same."),
            Likeness::Perhaps => format!("{who} a recording before that may be the same."),
        })
    };
    let all: Vec<String> = [said(true), said(false)].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(" "))
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
