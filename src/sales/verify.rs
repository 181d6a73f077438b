//! Checking a certificate that somebody holds, without network or database: is it as it was signed, and do we know
//! who signed it? Whether it still holds is another question, which only the issuer's status list answers.

use serde_json::Value;

use crate::proof::{self, Published};
use crate::sales::certificate::{self, Seal};

/// What a certificate is, as far as signatures tell: with its credential where there is one.
pub type Verdict = proof::Verdict<Value>;

impl proof::Verdict<Value> {
    /// What `cuehouse verify` says.
    pub fn words(&self) -> String {
        match self {
            Verdict::Altered => {
                "Altered: this is not as it was signed, or it was never a certificate or a receipt.\n"
                    .to_owned()
            }
            Verdict::UnknownIssuer(document, who) => format!(
                "Unknown issuer: this is as it was signed, but by {who}, whose key is not among those you gave.\n{}",
                summary(document)
            ),
            Verdict::Intact(document) => format!(
                "Intact: this is as its issuer signed it.\n{}Valid when issued; its present status was not checked. {}\n",
                summary(document),
                match document["id"].as_str() {
                    Some(address) => format!("Ask {address} whether it still holds."),
                    None => "Ask the issuer whether its licence still holds.".to_owned(),
                }
            ),
        }
    }

    /// The same for programs (`--json`).
    pub fn json(&self) -> Value {
        let document = match self {
            Verdict::Intact(document) | Verdict::UnknownIssuer(document, _) => document.clone(),
            Verdict::Altered => Value::Null,
        };
        serde_json::json!({
            "verdict": self.word(),
            "statusChecked": false,
            "number": document["credentialSubject"]["number"],
            "issuer": document["issuer"]["id"],
            "verification": document["id"],
        })
    }
}

/// Checks the bytes of a certificate, a delivery note or a status list (JSON), or of a certificate as PDF.
pub fn check(bytes: &[u8], keys: &[Published]) -> Verdict {
    if !bytes.starts_with(b"%PDF") {
        return check_json(bytes, keys);
    }
    let Seal::Whole { key, credential } = certificate::check(bytes) else { return Verdict::Altered };
    match check_json(credential.as_bytes(), keys) {
        // The sheet may be signed later, with a newer key than the credential inside.
        Verdict::Intact(document) if keys.iter().all(|known| known.key != proof::multibase(&key)) => {
            Verdict::UnknownIssuer(document, proof::multibase(&key))
        }
        verdict => verdict,
    }
}

fn check_json(bytes: &[u8], keys: &[Published]) -> Verdict {
    match proof::read(bytes) {
        Some((document, signed)) => Verdict::of(document, &signed, keys),
        None => Verdict::Altered,
    }
}

fn summary(document: &Value) -> String {
    let subject = &document["credentialSubject"];
    let line = |name: &str, path: &str| match subject.pointer(path).and_then(Value::as_str) {
        Some(words) => format!("  {name:<10}{words}\n"),
        None => String::new(),
    };
    [
        line("Number", "/number"),
        line("Licensee", "/licensee/legalName"),
        line("Company", "/licensee/company"),
        line("Project", "/project"),
        line("Track", "/track/title"),
        line("By", "/track/uploader"),
        line("Tier", "/tier/title"),
        line("Issued", "/issued"),
        line("File", "/fileName"),
        line("SHA-256", "/sha256"),
        line("Master", "/track/master/sha256"),
    ]
    .concat()
}
