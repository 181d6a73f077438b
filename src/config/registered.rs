//! The operator's own consent manager among the settings, and where its vendor list comes from.

use std::path::PathBuf;

use super::Said;
use crate::consent::trade::tcf::{Cmp, Letters};
use crate::consent::trade::vendor_list::Held;

/// A file with a vendor list, which is read here once so that a wrong one stops the start.
pub fn list_file(said: &mut Said) -> Option<PathBuf> {
    let file = PathBuf::from(said.get("tcf.vendor_list")?);
    match Held::of_file(&file) {
        Ok(_) => Some(file),
        Err(fault) => {
            said.faults.push(format!(
                "CUEHOUSE_TCF_VENDOR_LIST is {file:?}, and should be a file with a vendor list: {fault}"
            ));
            None
        }
    }
}

/// The operator's consent manager: an id that IAB Europe gave them. It speaks of a vendor list, so there must be a way to
/// one.
pub fn read(said: &mut Said) -> Option<Cmp> {
    let id = said.read("tcf.cmp_id", None, "the number that IAB Europe gave you, 2 to 4095", |text| {
        text.parse::<u16>().ok().filter(|n| (2..=4095).contains(n)).map(Some)
    })?;
    let version =
        said.read("tcf.cmp_version", 1, "0 to 4095", |text| text.parse::<u16>().ok().filter(|n| *n <= 4095));
    let country = Letters::new(&said.text("operator.country", "")).unwrap_or(Letters::NOWHERE);
    if said.get("tcf.vendor_list").is_none() && said.get("tcf.vendor_list_url").is_none() {
        said.faults.push(
            "CUEHOUSE_TCF_CMP_ID needs a vendor list: a file in CUEHOUSE_TCF_VENDOR_LIST, an address in \
             CUEHOUSE_TCF_VENDOR_LIST_URL, or both"
                .into(),
        );
    }
    Cmp::registered(id, version, country)
}
