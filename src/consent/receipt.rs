//! The receipt of one choice: what was answered, to what, under which rules. It is hashed and signed as RFC 8785 writes
//! it, so that one byte more or less is another receipt.
//!
//! It holds no network address, no browser's name and no date of birth, and there is no place for one: every field is a
//! short word, a hash, a moment or a text that this shop wrote.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::log::merkle::{self, Hash};
use super::vendor::Vendor;
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::consent_notices;
use crate::each_db;
use crate::error::Result;
use crate::ids::ReceiptId;
use crate::proof::{jcs, moment};
use crate::secrets;
use crate::text_enum;

text_enum! {
    /// What a choice was.
    pub enum Action {
        /// Everything that was asked was granted.
        Accept = "accept",
        /// Nothing was.
        Refuse = "refuse",
        /// Some of it was.
        Partial = "partial",
        /// What had been granted is not any more.
        Withdraw = "withdraw",
        /// A browser's or device's signal changed what was kept.
        Signal = "signal",
        /// One embed was loaded once.
        LoadOnce = "load_once",
        /// Out of sale and sharing.
        OptOut = "opt_out",
        /// Back into them.
        OptIn = "opt_in",
        /// An account was locked for its age.
        Lock = "lock",
        /// A guardian was asked about somebody under age.
        AskGuardian = "ask_guardian",
        /// Nobody answered in time.
        Lapse = "lapse",
        /// A guardian allowed something.
        Permit = "permit",
        /// A guardian took something back, or it ran out.
        Revoke = "revoke",
        /// What was said of somebody's age was settled.
        Settle = "settle",
        /// Somebody came into the next band.
        Grow = "grow",
        /// The visitor said where they are, and other rules hold.
        Place = "place",
    }
}

text_enum! {
    /// The answer per item.
    pub enum Answer {
        Granted = "granted",
        Refused = "refused",
        Undecided = "undecided",
    }
}

text_enum! {
    /// How old somebody is, as far as a receipt says.
    pub enum AgeBand {
        Unknown = "unknown",
        Child = "child",
        Minor = "minor",
        Adult = "adult",
    }
}

/// What a receipt proves and what not, word for word in each.
pub const LIMIT_NOTE: &str = "This receipt proves what the shop recorded, and that the record stayed as it was. It does \
                              not prove who made the choice. What a recipient was given before a withdrawal it has: ask \
                              it to delete that.";

/// How long a receipt is kept beyond the time its choice holds, so that it can be shown while a claim is possible: the
/// regular limitation period of three years runs from the end of the year (German Civil Code, §§ 195 and 199, read
/// November 2026; for a lawyer to check). Children's too: no receipt is kept without an end (16 CFR 312.10).
pub const PROOF_KEPT_MS: i64 = 4 * 366 * DAY;

/// The longest it may be set to: nothing is kept without an end.
pub const LONGEST_PROOF_DAYS: i64 = 3_660;

/// Until when a receipt is kept whose choice holds until then, on a site that keeps proofs for so long beyond.
pub fn kept_until(valid_until: Timestamp, proof_ms: i64) -> Timestamp {
    valid_until.plus(proof_ms)
}

/// The record of one choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub id: ReceiptId,
    /// When, to the second.
    #[serde(with = "second")]
    pub time: Timestamp,
    pub action: Action,
    pub items: Vec<Item>,
    pub notice: NoticeRef,
    /// The hash of all that visitors are told about vendors.
    pub registry_fingerprint: String,
    pub profile: Profile,
    pub band: AgeBand,
    pub signals: Signals,
    /// Where on the site: `banner`, `choices`, …
    pub surface: String,
    /// The receipt of the choice that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ReceiptId>,
    /// How long the choice holds.
    #[serde(with = "second")]
    pub valid_until: Timestamp,
    /// Who was, or would be, told something on the strength of it.
    pub recipients: Vec<Recipient>,
    /// [`LIMIT_NOTE`].
    pub limit_note: String,
}

/// One vendor for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub purpose: String,
    pub vendor: String,
    pub state: Answer,
    /// The hash of what the visitor was told about it.
    pub fingerprint: String,
}

/// Which text was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRef {
    pub hash: String,
    pub version: String,
    pub language: String,
}

/// Whose rules applied, and how that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub id: String,
    pub how_decided: String,
}

/// What the browser sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signals {
    pub gpc: bool,
    pub dnt: bool,
}

/// A vendor by its name, and where it is asked to delete what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    pub vendor: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_url: Option<String>,
}

impl Recipient {
    /// A vendor as a receipt names it, with where it is asked to delete what it has, as far as that is known.
    pub fn of(vendor: &Vendor) -> Recipient {
        Recipient {
            vendor: vendor.id.clone(),
            name: vendor.name.clone(),
            deletion_url: vendor.deletion_url.clone(),
        }
    }
}

impl Receipt {
    /// The receipt as it is hashed and kept.
    pub fn body(&self) -> Result<String> {
        Ok(jcs::canonical(&serde_json::to_value(self)?))
    }

    /// What the log commits to under this salt: nothing can be read from it, and nothing else fits it.
    pub fn leaf(&self, salt: &Salt) -> Result<Hash> {
        Ok(leaf(salt, &self.body()?, self.action.as_str(), &self.time.day()))
    }

    /// What does not belong into a receipt, if anything: a field that is longer or of another shape than its kind.
    pub fn fault(&self) -> Option<&'static str> {
        let words = [&self.profile.id, &self.profile.how_decided, &self.surface];
        let item = |i: &Item| is_word(&i.purpose) && is_word(&i.vendor) && is_hash(&i.fingerprint);
        let recipient = |r: &Recipient| {
            is_word(&r.vendor) && is_name(&r.name) && r.deletion_url.as_deref().is_none_or(is_address)
        };
        let ids = [Some(&self.id), self.previous.as_ref()];
        let faults = [
            (!ids.into_iter().flatten().all(|id| ReceiptId::parse(id.as_str()).is_some()), "an id"),
            (self.items.len() > MOST_ITEMS || !self.items.iter().all(item), "an item"),
            (!is_hash(&self.notice.hash) || !is_version(&self.notice.version), "the notice"),
            (!is_language(&self.notice.language), "the notice's language"),
            (!is_hash(&self.registry_fingerprint), "the fingerprint of the registry"),
            (!words.into_iter().all(|word| is_word(word)), "the profile or the surface"),
            (self.recipients.len() > MOST_ITEMS || !self.recipients.iter().all(recipient), "a recipient"),
            (self.limit_note != LIMIT_NOTE, "the note on its limits"),
            (self.valid_until < self.time, "how long it holds"),
            (self.previous.as_ref() == Some(&self.id), "the one before it"),
        ];
        faults.into_iter().find(|(wrong, _)| *wrong).map(|(_, what)| what)
    }
}

/// More than any registry has.
const MOST_ITEMS: usize = 1_000;

fn is_word(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(fine)
}

fn is_hash(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (16..=64).contains(&text.len()) && text.bytes().all(fine)
}

fn is_version(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    (1..=40).contains(&text.len()) && text.bytes().all(fine)
}

fn is_language(text: &str) -> bool {
    (2..=35).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A name that a registry may give: one line, no address.
fn is_name(text: &str) -> bool {
    (1..=120).contains(&text.len()) && !text.chars().any(char::is_control) && !text.contains('@')
}

/// A page of a vendor's, without anything behind it that could tell one visitor from another.
pub(super) fn is_address(text: &str) -> bool {
    text.len() <= 400
        && url::Url::parse(text).is_ok_and(|url| {
            url.scheme() == "https"
                && url.query().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

/// The leaf of a body: `SHA-256(0x00 ‖ SHA-256(salt ‖ body) ‖ kind ‖ 0x00 ‖ day)`.
pub fn leaf(salt: &Salt, body: &str, kind: &str, day: &str) -> Hash {
    use sha2::{Digest, Sha256};
    let sealed = Sha256::new_with_prefix(salt.0).chain_update(body).finalize();
    merkle::leaf(&[&sealed[..], kind.as_bytes(), &[0], day.as_bytes()].concat())
}

/// What makes a leaf unreadable for everyone who does not hold the receipt. Drawn before a write and handed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    pub fn draw() -> Result<Salt> {
        Ok(Salt(secrets::random()?))
    }

    /// Reads what [`Salt::hex`] wrote.
    pub fn parse(text: &str) -> Option<Salt> {
        merkle::hash_of(text).map(Salt)
    }

    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

/// What was shown, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    pub version: String,
    pub language: String,
    pub text: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = consent_notices)]
struct NoticeRow {
    hash: String,
    version: String,
    language: String,
    text: String,
}

impl Notice {
    /// SHA-256 of `{"language":…,"text":…,"version":…}` as RFC 8785 writes it.
    pub fn hash(&self) -> String {
        let whole = json!({ "version": self.version, "language": self.language, "text": self.text });
        secrets::sha256(jcs::canonical(&whole))
    }

    /// How a receipt names it.
    pub fn named(&self) -> NoticeRef {
        NoticeRef { hash: self.hash(), version: self.version.clone(), language: self.language.clone() }
    }

    /// Keeps it for ever under its hash; a second time changes nothing. Belongs into the write of the first receipt that
    /// names it, so that a shop without choices has no notices.
    pub fn keep(&self, conn: &mut Conn) -> Result<NoticeRef> {
        let named = self.named();
        let row = NoticeRow {
            hash: named.hash.clone(),
            version: self.version.clone(),
            language: self.language.clone(),
            text: self.text.clone(),
        };
        each_db!(conn, |c| diesel::insert_into(consent_notices::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?;
        Ok(named)
    }

    /// The notice that was shown. `NotFound` for a hash that no notice has.
    pub fn by_hash(conn: &mut Conn, hash: &str) -> Result<Notice> {
        let row: NoticeRow = consent_notices::table.find(hash).select(NoticeRow::as_select()).first(conn)?;
        Ok(Notice { version: row.version, language: row.language, text: row.text })
    }
}

/// Moments in receipts: RFC 3339 with whole seconds.
pub(super) mod second {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Timestamp, moment};

    pub fn serialize<S: Serializer>(at: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&at.rfc3339())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        let at = moment(&text).filter(|at| at.rfc3339() == text);
        at.ok_or_else(|| serde::de::Error::custom("not a moment in UTC with whole seconds"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// A receipt with every field filled.
    pub fn full() -> Receipt {
        Receipt {
            id: ReceiptId::parse(&"1".repeat(32)).unwrap(),
            time: Timestamp(1_795_000_000_000),
            action: Action::Partial,
            items: vec![Item {
                purpose: "analytics".into(),
                vendor: "statcounter".into(),
                state: Answer::Refused,
                fingerprint: "a".repeat(64),
            }],
            notice: NoticeRef { hash: "b".repeat(64), version: "2026-11-25".into(), language: "en".into() },
            registry_fingerprint: "c".repeat(64),
            profile: Profile { id: "strict".into(), how_decided: "unknown_place".into() },
            band: AgeBand::Adult,
            signals: Signals { gpc: true, dnt: false },
            surface: "banner".into(),
            previous: ReceiptId::parse(&"2".repeat(32)),
            valid_until: Timestamp(1_795_000_000_000 + 182 * DAY),
            recipients: vec![Recipient {
                vendor: "statcounter".into(),
                name: "StatCounter (Ireland)".into(),
                deletion_url: Some("https://statcounter.com/contact/".into()),
            }],
            limit_note: LIMIT_NOTE.into(),
        }
    }

    fn names(value: &Value, path: &str, all: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                let path = format!("{path}/{name}");
                names(member, &path, all);
                all.insert(path);
            }),
            Value::Array(items) => items.iter().for_each(|item| names(item, path, all)),
            _ => {}
        }
    }

    /// T-RC-2, R-RC-1: these fields and no others.
    #[test]
    fn a_receipt_has_the_fields_of_the_plan_and_no_others() {
        let mut found = BTreeSet::new();
        names(&serde_json::to_value(full()).unwrap(), "", &mut found);
        let plan = "/action /band /id /items /items/fingerprint /items/purpose /items/state /items/vendor /limit_note \
                    /notice /notice/hash /notice/language /notice/version /previous /profile /profile/how_decided \
                    /profile/id /recipients /recipients/deletion_url /recipients/name /recipients/vendor \
                    /registry_fingerprint /signals /signals/dnt /signals/gpc /surface /time /valid_until";
        assert_eq!(found, plan.split_whitespace().map(str::to_owned).collect());
        let mut more = serde_json::to_value(full()).unwrap();
        more["ip"] = json!("192.0.2.7");
        assert!(serde_json::from_value::<Receipt>(more).is_err());
    }

    /// T-RC-2, R-RC-1: nothing that tells one visitor from another fits into a field.
    #[test]
    fn no_address_browser_or_birth_date_gets_in() {
        assert_eq!(full().fault(), None);
        let secrets =
            ["192.0.2.7", "2001:db8::7", "Mozilla/5.0 (X11; Linux)", "1990-05-17", "ada@example.com", ""];
        type Place = fn(&mut Receipt) -> &mut String;
        let places: [(&str, Place); 9] = [
            ("purpose", |r| &mut r.items[0].purpose),
            ("vendor", |r| &mut r.items[0].vendor),
            ("fingerprint", |r| &mut r.items[0].fingerprint),
            ("registry", |r| &mut r.registry_fingerprint),
            ("profile", |r| &mut r.profile.id),
            ("how", |r| &mut r.profile.how_decided),
            ("surface", |r| &mut r.surface),
            ("recipient", |r| &mut r.recipients[0].vendor),
            ("note", |r| &mut r.limit_note),
        ];
        for secret in secrets {
            for (name, place) in places {
                let mut receipt = full();
                *place(&mut receipt) = secret.to_owned();
                assert!(receipt.fault().is_some(), "{secret:?} got into {name}");
            }
        }
        let mut receipt = full();
        receipt.recipients[0].deletion_url = Some("https://vendor.example/?visitor=7".into());
        assert_eq!(receipt.fault(), Some("a recipient"));
    }

    #[test]
    fn a_receipt_is_read_back_as_it_was_written() {
        let body = full().body().unwrap();
        assert!(body.starts_with(r#"{"action":"partial","band":"adult","id":"1111"#), "{body}");
        assert!(body.contains(r#""time":"2026-11-18T11:06:40Z""#), "{body}");
        assert_eq!(serde_json::from_str::<Receipt>(&body).unwrap(), full());
    }

    /// R-RC-6: an entry is salted, so that nobody finds out by trying what was chosen.
    #[test]
    fn the_leaf_is_the_formula_of_the_plan() {
        use sha2::{Digest, Sha256};
        let salt = Salt([7; 32]);
        let body = full().body().unwrap();
        let sealed = Sha256::digest([&[7; 32][..], body.as_bytes()].concat());
        let data = [&sealed[..], b"partial", &[0], b"2026-11-18"].concat();
        let expected: Hash = Sha256::digest([&[0][..], &data].concat()).into();
        assert_eq!(full().leaf(&salt).unwrap(), expected);
        assert_ne!(full().leaf(&Salt([8; 32])).unwrap(), expected, "without the salt it could be guessed");
    }
}
