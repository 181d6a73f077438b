//! The operator's own synonyms among the settings.

use std::sync::Arc;

use super::Said;
use crate::search::Synonyms;

/// What words also find: the built-in list, and a file beside it, which is read here once so that a wrong one stops the
/// start.
pub fn read(said: &mut Said) -> Arc<Synonyms> {
    let Some(file) = said.get("search.synonyms").map(str::to_owned) else { return Synonyms::built_in() };
    let list = std::fs::read_to_string(&file).map_err(|error| vec![error.to_string()]);
    match list.and_then(|list| Synonyms::with(&list)) {
        Ok(all) => Arc::new(all),
        Err(faults) => {
            said.faults.extend(faults.iter().map(|fault| {
                format!("CUEHOUSE_SEARCH_SYNONYMS is {file:?}, and should be a file with synonyms: {fault}")
            }));
            Synonyms::built_in()
        }
    }
}
