//! Whether licences still hold, for everyone at once: a bit for each in a list that is fetched whole, so that no
//! look-up points at a buyer (W3C Bitstring Status List 1.0).

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{licences, revocations, suspensions};
use crate::error::{Error, Result};
use crate::proof::Issuer;

/// Places in one list: the least the recommendation allows.
pub const LIST_BITS: i64 = 131_072;

/// What a bit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Revocation,
    Suspension,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Purpose; 2] = [Purpose::Revocation, Purpose::Suspension];

    /// The word that credentials have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Revocation => "revocation",
            Purpose::Suspension => "suspension",
        }
    }

    /// The purpose of this word.
    pub fn parse(text: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// The list that holds a licence's bit, counted from 1.
pub fn list_of(index: i64) -> i64 {
    index / LIST_BITS + 1
}

/// The place of a licence's bit in its list.
pub fn place_of(index: i64) -> i64 {
    index % LIST_BITS
}

/// Where a list is served: the first under the plain name.
pub fn path(purpose: Purpose, list: i64) -> String {
    match list {
        1 => format!("/status/{}", purpose.as_str()),
        n => format!("/status/{}/{n}", purpose.as_str()),
    }
}

/// The signed list as it is now. `NotFound` beyond the lists in use; the first one is always in use.
pub fn credential(
    conn: &mut Conn,
    purpose: Purpose,
    list: i64,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<Value> {
    let first = (list.max(1) - 1).saturating_mul(LIST_BITS);
    let range =
        licences::status_index.ge(first).and(licences::status_index.lt(first.saturating_add(LIST_BITS)));
    let used: i64 = licences::table.filter(range).count().get_result(conn)?;
    if list < 1 || (list > 1 && used == 0) {
        return Err(Error::NotFound);
    }
    let set: Vec<i64> = match purpose {
        Purpose::Revocation => licences::table
            .inner_join(revocations::table)
            .filter(range)
            .select(licences::status_index)
            .load(conn)?,
        Purpose::Suspension => licences::table
            .inner_join(suspensions::table)
            .filter(range)
            .filter(suspensions::ended_at.is_null())
            .select(licences::status_index)
            .load(conn)?,
    };
    let address = issuer.address(&path(purpose, list));
    let document = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": { "id": issuer.did(), "name": issuer.operator().name },
        "validFrom": now.rfc3339(),
        "credentialSubject": {
            "id": format!("{address}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": purpose.as_str(),
            "ttl": 300_000,
            "encodedList": encode(set.iter().map(|index| index - first))?,
        },
    });
    Ok(issuer.sign(document, now))
}

/// The bits, the first place leftmost, compressed and in multibase.
fn encode(set: impl Iterator<Item = i64>) -> Result<String> {
    let mut bits = vec![0_u8; LIST_BITS as usize / 8];
    for place in set {
        if let Some(byte) = usize::try_from(place / 8).ok().and_then(|at| bits.get_mut(at)) {
            *byte |= 0x80 >> (place % 8);
        }
    }
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(&bits)?;
    Ok(format!("u{}", URL_SAFE_NO_PAD.encode(gzip.finish()?)))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn bits_stand_where_the_recommendation_puts_them() {
        let encoded = encode([0, 9, LIST_BITS - 1].into_iter()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(encoded.strip_prefix('u').unwrap()).unwrap();
        let mut bits = vec![];
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut bits).unwrap();
        assert_eq!(bits.len(), 16_384, "at least 16 KB");
        assert_eq!((bits[0], bits[1], bits[16_383]), (0x80, 0x40, 0x01));
        assert_eq!(bits.iter().map(|b| b.count_ones()).sum::<u32>(), 3);
    }

    #[test]
    fn lists_are_numbered_from_one_and_the_first_has_the_plain_name() {
        for (index, list, place) in [(0, 1, 0), (131_071, 1, 131_071), (131_072, 2, 0)] {
            assert_eq!((list_of(index), place_of(index)), (list, place));
        }
        assert_eq!(path(Purpose::Revocation, 1), "/status/revocation");
        assert_eq!(path(Purpose::Suspension, 2), "/status/suspension/2");
    }
}
