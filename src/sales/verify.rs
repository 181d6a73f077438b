//! Checking a certificate that somebody holds, without network or database: is it as it was signed, and do we know
//! who signed it? Whether it still holds is another question, which only the issuer's status list answers.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::proof::{self, Published, issuer};
use crate::sales::certificate::{self, Seal};

/// What a file is, as far as signatures tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// As it was signed, by an issuer we know: the credential.
    Intact(Value),
    /// Not as it was signed, or never signed.
    Altered,
    /// As it was signed, by somebody we do not know: the credential, and who they say they are.
    UnknownIssuer(Value, String),
}

impl Verdict {
    /// The exit code of `cuehouse verify`.
    pub fn code(&self) -> u8 {
        match self {
            Verdict::Intact(_) => 0,
            Verdict::Altered => 1,
            Verdict::UnknownIssuer(..) => 2,
        }
    }

    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Intact(_) => "intact",
            Verdict::Altered => "altered",
            Verdict::UnknownIssuer(..) => "unknown_issuer",
        }
    }

    /// What `cuehouse verify` says.
    pub fn words(&self) -> String {
        match self {
            Verdict::Altered => {
                "Altered: this is not as it was signed, or it was never a certificate.\n".to_owned()
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
pub fn check(bytes: &[u8], did: &str, keys: &[Published]) -> Verdict {
    if !bytes.starts_with(b"%PDF") {
        return check_json(bytes, did, keys);
    }
    let Seal::Whole { key, credential } = certificate::check(bytes) else { return Verdict::Altered };
    match check_json(credential.as_bytes(), did, keys) {
        // The sheet may be signed later, with a newer key than the credential inside.
        Verdict::Intact(document) if keys.iter().all(|known| known.key != proof::multibase(&key)) => {
            Verdict::UnknownIssuer(document, proof::multibase(&key))
        }
        verdict => verdict,
    }
}

fn check_json(bytes: &[u8], did: &str, keys: &[Published]) -> Verdict {
    let Some((document, signed)) = proof::read(bytes) else { return Verdict::Altered };
    match signed.is_by(did, keys) {
        true => Verdict::Intact(document),
        false => Verdict::UnknownIssuer(document, signed.who()),
    }
}

/// Checks a file against the keys in a key document: the one named, or the one this shop keeps in its data folder.
/// Without any key every whole file has an unknown issuer.
pub fn check_file(file: &Path, keys: Option<&Path>, data_dir: &Path) -> Result<Verdict> {
    let bytes = std::fs::read(file)
        .map_err(|error| Error::refused(format!("{} cannot be read: {error}", file.display())))?;
    let (did, keys) = issuer::known(keys, data_dir)?;
    Ok(check(&bytes, &did, &keys))
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
