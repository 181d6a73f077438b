//! The operator's own consent manager among the settings.

use std::sync::Arc;

use super::Said;
use crate::consent::tcf::{Cmp, Letters, list::VendorList};
use crate::consent::trade::Registered;

/// The operator's consent manager: an id that IAB Europe gave them, and a copy of the vendor list.
pub fn read(said: &mut Said) -> Option<Arc<Registered>> {
    let id = said.read("tcf.cmp_id", None, "the number that IAB Europe gave you, 2 to 4095", |text| {
        text.parse::<u16>().ok().filter(|n| (2..=4095).contains(n)).map(Some)
    })?;
    let version =
        said.read("tcf.cmp_version", 1, "0 to 4095", |text| text.parse::<u16>().ok().filter(|n| *n <= 4095));
    let country = Letters::new(&said.text("operator.country", "")).unwrap_or(Letters::NOWHERE);
    let file = said.text("tcf.vendor_list", "");
    let list = match std::fs::read_to_string(&file) {
        Ok(text) => VendorList::parse(&text).map_err(|fault| fault.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let list = list.map_err(|fault| {
        said.faults.push(format!(
            "CUEHOUSE_TCF_VENDOR_LIST is {file:?}, and should be a file with the vendor list, which \
             CUEHOUSE_TCF_CMP_ID needs: {fault}"
        ));
    });
    Some(Arc::new(Registered { cmp: Cmp::registered(id, version, country)?, list: list.ok()? }))
}
