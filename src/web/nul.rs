//! U+0000. No text of ours holds it: PostgreSQL keeps none, and where SQLite does, programs read what is before it alone. Forms
//! and tables refuse it ([`super::Fields::without_nul`]), a cookie with it is none, and an address whose path has it is nobody's.
//!
//! A search may hold it: what is looked for reaches no row.

use rocket::fairing::AdHoc;
use rocket::http::uri::Origin;

use super::other_origin::NOWHERE;

/// How it stands in an address; as it is, it stands in none (RFC 3986).
const ENCODED: &str = "%00";

/// Sends requests for a path with U+0000 to where nothing is, before any route reads a part of it.
pub fn watch() -> AdHoc {
    AdHoc::on_request("paths without U+0000", |request, _| {
        Box::pin(async move {
            if !request.uri().path().as_str().contains(ENCODED) {
                return;
            }
            if let Ok(to) = Origin::parse(NOWHERE) {
                request.set_uri(to);
            }
        })
    })
}
