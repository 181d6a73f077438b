//! Pages as values: a struct for each, which knows its template and what it looks like filled.

use serde::Serialize;
use serde_json::Value;

/// What one page shows. The template reads the fields by their names, and what all pages share under `page`.
pub trait View: Serialize {
    /// The path below `templates/`.
    const TEMPLATE: &'static str;

    /// Values the page must render with: at least a full one and an empty one where that exists.
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

/// A template with values for it.
pub struct Sample {
    pub template: &'static str,
    pub values: Value,
}

/// The samples of one view, for the test that renders all.
pub fn samples<V: View>() -> Vec<Sample> {
    let all = V::samples();
    all.iter()
        .filter_map(|view| Some(Sample { template: V::TEMPLATE, values: serde_json::to_value(view).ok()? }))
        .collect()
}
