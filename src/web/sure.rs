//! The question before what has no way back. With script the page asks before it sends its form (`data-confirm`);
//! without, the shop asks on a page of its own.

use serde::Serialize;

use super::form::Fields;
use super::view::View;

/// The page that asks, by the name of the thing. Its button sends the same form again, with a yes.
#[derive(Clone, Debug, Serialize)]
pub struct Sure {
    /// What is about to be done, and to what.
    pub question: String,
    /// What that means.
    pub words: String,
    /// Where the form goes.
    pub action: String,
    pub button: &'static str,
    /// Where whoever thinks better of it goes.
    pub back: String,
}

impl Sure {
    /// Whether somebody was asked and said yes, on this page or in the dialog of a script.
    pub fn is_said(fields: &Fields) -> bool {
        fields.text("sure") == "yes"
    }
}

impl View for Sure {
    const TEMPLATE: &'static str = "web/sure.html";

    fn samples() -> Vec<Sure> {
        vec![Sure {
            question: "Remove “Copper <Weather>” for good?".into(),
            words: "The file goes with it.".into(),
            action: "/studio/tracks/copper-weather/removal".into(),
            button: "Remove it for good",
            back: "/studio/tracks/copper-weather/edit".into(),
        }]
    }
}
