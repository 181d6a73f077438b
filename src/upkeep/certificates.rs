//! Every licence's signed document, held against the rows it was made from.

use diesel::prelude::*;
use serde_json::Value;

use super::check::{Finding, Weight};
use crate::db::Conn;
use crate::db::schema::{licences, order_lines, orders, tier_versions, uploads};
use crate::error::Result;
use crate::ids::LicenceId;
use crate::proof::{self, Published, issuer};
use crate::sales::edition::Edition;
use crate::sales::licence::{self, Licence};
use crate::sales::number::LicenceNumber;
use crate::sales::order::{Line, Order};
use crate::sales::status_list::{Purpose, list_of, path, place_of};
use crate::secrets::sha256;

/// Licences read at once.
const PAGE: i64 = 500;

/// Holds the licences after this one against their lines. Answers the last of the page; none at the end.
pub(super) fn page(
    conn: &mut Conn,
    after: &str,
    found: &mut Vec<Finding>,
) -> Result<Option<(String, usize)>> {
    let keys = issuer::published(conn)?;
    let rows: Vec<(Licence, Line, Order, (String, i64))> = licences::table
        .inner_join(
            order_lines::table
                .inner_join(orders::table)
                .inner_join(uploads::table.on(uploads::id.eq(order_lines::upload_id))),
        )
        .filter(licences::id.gt(after))
        .order(licences::id)
        .limit(PAGE)
        .select((
            Licence::as_select(),
            Line::as_select(),
            Order::as_select(),
            (uploads::file_sha256, uploads::bytes),
        ))
        .load(conn)?;
    let last = rows.last().map(|(licence, ..)| (licence.id.to_string(), rows.len()));
    let ids: Vec<LicenceId> = rows.iter().map(|(licence, ..)| licence.id.clone()).collect();
    let mut named = licence::named(conn, &ids)?;
    for (licence, line, order, master) in &rows {
        // Of a certificate that was issued anew all the same holds.
        let anew = named.remove(&licence.id).map(|credential| Licence { credential, ..licence.clone() });
        for licence in [licence].into_iter().chain(&anew) {
            if let Some((rule, words)) = fault(&keys, licence, line, order, master) {
                let about = format!("licence {}", licence.number);
                found.push(Finding { rule, weight: Weight::Broken, about, words });
            }
        }
    }
    Ok(last)
}

fn fault(
    keys: &[Published],
    licence: &Licence,
    line: &Line,
    order: &Order,
    (file_sha256, bytes): &(String, i64),
) -> Option<(&'static str, String)> {
    if LicenceNumber::parse(&licence.number).is_none_or(|number| number.to_string() != licence.number) {
        return Some(("licence-number-is-whole", "its number is none, or not written as numbers are".into()));
    }
    let document = match intact(&licence.credential, keys) {
        Ok(document) => document,
        Err(words) => return Some(("credential-is-intact", words.into())),
    };
    let subject = &document["credentialSubject"];
    let text = |pointer: &str| subject.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let index = |purpose: Purpose| {
        let entry = document["credentialStatus"]
            .as_array()
            .and_then(|all| all.iter().find(|entry| entry["statusPurpose"] == purpose.as_str()));
        entry.is_some_and(|entry| {
            let list = path(purpose, list_of(licence.status_index));
            entry["statusListIndex"].as_str() == Some(&place_of(licence.status_index).to_string())
                && entry["statusListCredential"].as_str().is_some_and(|address| address.ends_with(&list))
        })
    };
    let held = [
        ("number", text("/number") == licence.number),
        ("order", text("/order") == order.id.as_str()),
        ("licensee", text("/licensee/legalName") == order.licensee),
        ("company", text("/licensee/company") == order.company),
        ("country", text("/licensee/country") == order.country),
        ("project", text("/project") == order.project),
        ("track", text("/track/trackId") == line.track_id.as_str()),
        ("title", text("/track/title") == line.title),
        ("uploader", text("/track/uploader") == line.uploader_name),
        ("file", text("/track/master/sha256") == file_sha256),
        ("bytes", subject.pointer("/track/master/bytes").and_then(Value::as_i64) == Some(*bytes)),
        ("tier", text("/tier/slug") == line.tier),
        ("terms", text("/tier/termsHash") == line.terms_hash),
        ("date", text("/issued") == licence.issued_at.rfc3339()),
        ("place in the status lists", Purpose::ALL.into_iter().all(index)),
    ];
    let differ: Vec<&str> = held.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect();
    (!differ.is_empty()).then(|| {
        let words = format!("its certificate and its order line differ in {}", differ.join(", "));
        ("credential-equals-line", words)
    })
}

/// The document, if one of our keys signed exactly this. Under which name we signed before names were kept nobody knows.
fn intact(credential: &str, keys: &[Published]) -> Result<Value, &'static str> {
    match proof::read(credential.as_bytes()) {
        Some((document, signed)) if signed.is_with(keys) => Ok(document),
        Some(_) => Err("its certificate is signed by a key that is not this shop's"),
        None => Err("its certificate is not as it was signed"),
    }
}

/// Editions whose text is not the one their hash was made of.
pub(super) fn editions(conn: &mut Conn) -> Result<Vec<Finding>> {
    let hashes: Vec<String> = tier_versions::table.select(tier_versions::terms_hash).load(conn)?;
    let mut found = vec![];
    for hash in hashes {
        let same = Edition::by_hash(conn, &hash).is_ok_and(|edition| sha256(&edition.terms) == hash);
        if !same {
            found.push(Finding {
                rule: "terms-are-kept",
                weight: Weight::Broken,
                about: format!("edition {hash}"),
                words: "the text of these terms is not the one that was sold".into(),
            });
        }
    }
    Ok(found)
}
