//! What the pages of the studio show: plain values for their templates.

mod board;
mod edit;
mod measured;
mod upload;

use serde::Serialize;

use super::upload::State as UploadState;
use crate::catalogue::track::Track;
use crate::web::{FormView, View};

pub use board::{BoardPage, Did, Sold, Task};
pub use edit::{Choice, EditPage, Edited, Lists, PriceField, first_prices};
pub use measured::{Suggestion, facts, size};
pub use upload::{Found, NewUpload, UploadPage, twin_words};

/// The agreement uploaders accept, and the edition it is.
#[derive(Clone, Debug, Serialize)]
pub struct Agreement {
    pub version: &'static str,
    pub paragraphs: Vec<&'static str>,
}

impl Agreement {
    /// The edition of today.
    pub fn now() -> Agreement {
        let mut lines = include_str!("../agreement.txt").lines();
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

/// `/studio/profile`.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileForm {
    pub name: String,
    pub handle: Option<String>,
    /// The handle can be changed once, and was not yet.
    pub may_rename: bool,
    /// Words and links are shown as well, and not a name and a picture alone.
    pub says_more: bool,
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
            says_more: true,
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
            says_more: false,
            picture_href: None,
            picture_fault: String::new(),
            ..full.clone()
        };
        vec![full, bare]
    }
}

/// Whether something still happens to an upload by itself.
fn is_busy(state: UploadState) -> bool {
    matches!(state, UploadState::Received | UploadState::Processing)
}

/// Where a track is described.
fn edit_href(track: &Track) -> String {
    format!("/studio/tracks/{}/edit", track.slug)
}
