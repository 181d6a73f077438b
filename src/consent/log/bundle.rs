//! The file a visitor takes home: a receipt with everything that proves it without network and without us. It says what
//! was chosen and shown, that the log had it, and who signed the log.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Kept;
use super::head::Head;
use super::merkle::{self, Hash};
use crate::consent::log;
use crate::consent::receipt::{Answer, Notice, Receipt, Salt};
use crate::db::Conn;
use crate::error::Result;
use crate::proof::{Published, Verdict, jcs};

/// What such a file says it is.
pub const TYPE: &str = "ConsentReceipt";
/// The shape of such a file.
const FORMAT: u32 = 1;

/// A receipt and its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    #[serde(rename = "type")]
    kind: String,
    format: u32,
    pub receipt: Receipt,
    /// The text that was shown.
    pub notice: Notice,
    salt: String,
    pub leaf: String,
    /// The number of the leaf, counted from 1.
    pub seq: i64,
    /// The audit path from the leaf to the root of the head, the nearest hash first.
    inclusion: Vec<String>,
    pub head: Head,
}

impl Bundle {
    /// What proves this receipt under this head, which must know its leaf.
    pub fn under(conn: &mut Conn, kept: &Kept, head: Head) -> Result<Bundle> {
        let path = log::inclusion(conn, kept.leaf.index(), head.size as u64)?;
        Ok(Bundle {
            kind: TYPE.into(),
            format: FORMAT,
            receipt: kept.receipt.clone(),
            notice: Notice::by_hash(conn, &kept.receipt.notice.hash)?,
            salt: kept.salt.hex(),
            leaf: kept.leaf.leaf.clone(),
            seq: kept.leaf.seq,
            inclusion: path.iter().map(hex::encode).collect(),
            head,
        })
    }

    /// The audit path from the leaf to the root of the head, the nearest hash first.
    pub fn inclusion(&self) -> &[String] {
        &self.inclusion
    }

    /// The bytes of the file.
    pub fn file(&self) -> Result<String> {
        Ok(jcs::pretty(&serde_json::to_value(self)?))
    }

    /// Whether everything in it follows from the head: the receipt from its leaf, the leaf from the root, the text from
    /// the hash that the receipt names.
    fn follows(&self) -> bool {
        let hash = |text: &String| merkle::hash_of(text);
        let path: Option<Vec<Hash>> = self.inclusion.iter().map(hash).collect();
        let (Some(salt), Some(path)) = (Salt::parse(&self.salt), path) else { return false };
        let (Ok(leaf), Some(root)) = (self.receipt.leaf(&salt), hash(&self.head.root)) else { return false };
        let (Some(index), Ok(size)) = (self.seq.checked_sub(1), u64::try_from(self.head.size)) else {
            return false;
        };
        let Ok(index) = u64::try_from(index) else { return false };
        self.kind == TYPE
            && self.format == FORMAT
            && self.receipt.fault().is_none()
            && self.notice.named() == self.receipt.notice
            && hex::encode(leaf) == self.leaf
            && merkle::includes(index, size, &leaf, &path, &root)
    }
}

/// Whether this file says that it is a consent receipt, intact or not.
pub fn is_one(bytes: &[u8]) -> bool {
    let document: Option<Value> = serde_json::from_slice(bytes).ok();
    document.is_some_and(|document| document["type"] == TYPE)
}

/// Checks the bytes of such a file, as strictly as those of a certificate: a file in which anything changed, white space
/// too, is not the one that was given out.
pub fn check(bytes: &[u8], keys: &[Published]) -> Verdict<Bundle> {
    let found = || {
        let document = jcs::read(bytes)?;
        let bundle: Bundle = serde_json::from_value(document.clone()).ok()?;
        let same = serde_json::to_value(&bundle).ok()? == document;
        let signed = bundle.head.signer()?;
        (same && bundle.follows()).then_some((bundle, signed))
    };
    match found() {
        Some((bundle, signed)) => Verdict::of(bundle, &signed, keys),
        None => Verdict::Altered,
    }
}

impl Verdict<Bundle> {
    /// What `cuehouse verify` says.
    pub fn words(&self) -> String {
        match self {
            Verdict::Altered => {
                "Altered: this is not as it was given out, or it was never a receipt.\n".to_owned()
            }
            Verdict::UnknownIssuer(bundle, who) => format!(
                "Unknown issuer: this is as it was signed, but by {who}, whose key is not among those you gave.\n{}",
                summary(bundle)
            ),
            Verdict::Intact(bundle) => format!(
                "Intact: this choice is in the log that its issuer signed.\n{}{}\n",
                summary(bundle),
                bundle.receipt.limit_note
            ),
        }
    }

    /// The same for programs (`--json`).
    pub fn json(&self) -> Value {
        let bundle = self.document();
        json!({
            "verdict": self.word(),
            "receipt": bundle.map(|b| &b.receipt.id),
            "time": bundle.map(|b| b.receipt.time.rfc3339()),
            "action": bundle.map(|b| b.receipt.action),
            "seq": bundle.map(|b| b.seq),
            "leaf": bundle.map(|b| &b.leaf),
            "head": bundle.map(|b| &b.head),
        })
    }
}

fn summary(bundle: &Bundle) -> String {
    let receipt = &bundle.receipt;
    let with = |state: Answer| -> String {
        let items = receipt.items.iter().filter(|item| item.state == state);
        let names: Vec<String> = items.map(|item| format!("{} for {}", item.vendor, item.purpose)).collect();
        names.join(", ")
    };
    let line = |name: &str, words: String| match words.is_empty() {
        true => String::new(),
        false => format!("  {name:<10}{words}\n"),
    };
    [
        line("Receipt", receipt.id.to_string()),
        line("Choice", format!("{} on {}", receipt.action, receipt.time)),
        line("Granted", with(Answer::Granted)),
        line("Refused", with(Answer::Refused)),
        line("Undecided", with(Answer::Undecided)),
        line("Holds", format!("until {}", receipt.valid_until)),
        line(
            "Shown",
            format!("{} ({}), {}", receipt.notice.version, receipt.notice.language, receipt.notice.hash),
        ),
        line("Log", format!("entry {} of {}, signed {}", bundle.seq, bundle.head.size, bundle.head.time)),
    ]
    .concat()
}
