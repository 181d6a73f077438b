//! Members of Stripe's JSON, one at a time.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::money::Cents;

/// The text under this name, if it is there and is text.
pub fn text(object: &Value, member: &str) -> Option<String> {
    object[member].as_str().map(str::to_owned)
}

/// The id of another object, which Stripe gives as text or, where asked to, as the whole object.
pub fn id_of(object: &Value, member: &str) -> Option<String> {
    text(object, member).or_else(|| text(&object[member], "id"))
}

/// The text under this name; fails with a sentence that names what is missing.
pub fn need(object: &Value, member: &str) -> Result<String> {
    text(object, member).ok_or_else(|| lacks(member))
}

/// The cents under this name; fails like `need`.
pub fn amount(object: &Value, member: &str) -> Result<Cents> {
    object[member].as_i64().map(Cents).ok_or_else(|| lacks(member))
}

fn lacks(member: &str) -> Error {
    Error::refused(format!("Stripe's answer lacks “{member}”."))
}
