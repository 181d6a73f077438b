//! The Minor Authorization and Consent Form: what a guardian signs, and the signed document it becomes.

use serde_json::{Value, json};

use super::notice::Ground;
use super::permission::{Method, Reach, Scope};
use super::ward::{Guardian, Ward};
use crate::clock::Timestamp;
use crate::proof::{Issuer, issuer::VOCABULARY};

/// The edition of the form. A change of meaning is a new one.
pub const VERSION: &str = "2026-11-29";
pub const TITLE: &str = "Minor Authorization and Consent Form";

/// What a guardian states by signing, in its order. The second is the sentence on liability; all are kept under the
/// form's hash.
pub fn statements(site: &str) -> Vec<String> {
    vec![
        "I am the parent or legal guardian of the person who uses this account.".to_owned(),
        format!(
            "I am liable for what that person does on {site} while under age, as if I had done it myself, and I am the party \
             of the contracts that I allow here."
        ),
        "Licences that were granted to buyers before I take a permission back go on as they were granted."
            .to_owned(),
        "I can take back each permission, or all, at any time on my page; it ends in that moment.".to_owned(),
    ]
}

/// What a guardian filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    pub name: String,
    pub relationship: String,
    /// If they like.
    pub phone: String,
    /// Where they are, as an ISO 3166-1 code.
    pub country: String,
    pub scopes: Vec<Scope>,
    /// With whom, where messages are among the scopes.
    pub reach: Reach,
    /// Their name as they typed it under the form.
    pub signature: String,
}

/// The relationships a guardian chooses from.
pub const RELATIONSHIPS: [(&str, &str); 3] =
    [("mother", "Mother"), ("father", "Father"), ("guardian", "Legal guardian")];

impl Signing {
    /// With whom messages are allowed, in the form's words; off where they are not.
    pub fn messages(&self) -> &'static str {
        if self.scopes.contains(&Scope::Messages) { self.reach.as_str() } else { Reach::OFF }
    }

    /// What is missing, by field.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = vec![];
        let letters = self.name.chars().count();
        if !(2..=120).contains(&letters) || self.name.contains('@') {
            faults.push(("guardian_name", "Write your full name."));
        }
        if !RELATIONSHIPS.iter().any(|(slug, _)| *slug == self.relationship) {
            faults.push(("relationship", "Say what you are to them."));
        }
        if self.phone.chars().count() > 40 {
            faults.push(("phone", "That is no telephone number."));
        }
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        if plain(&self.signature).is_empty() || plain(&self.signature) != plain(&self.name) {
            faults.push(("signature", "Sign with your name as you wrote it above."));
        }
        faults
    }
}

/// The signed form: everything on it and our proof that it was signed so.
#[allow(clippy::too_many_arguments, reason = "one for each part of the form")]
pub fn document(
    ward: &Ward,
    guardian: &Guardian,
    signing: &Signing,
    form_hash: &str,
    ground: &Ground,
    method: Method,
    expires: Timestamp,
    issuer: &Issuer,
    now: Timestamp,
) -> Value {
    let scopes: Vec<Value> = signing
        .scopes
        .iter()
        .map(|s| json!({ "scope": s.as_str(), "name": s.name(), "words": ground.words(*s) }))
        .collect();
    let mut plain = json!({
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            { "@vocab": format!("{VOCABULARY}#") },
        ],
        "type": ["VerifiableCredential", "GuardianAuthorization"],
        "issuer": { "id": issuer.did(), "name": issuer.operator().name },
        "validFrom": now.rfc3339(),
        "validUntil": expires.rfc3339(),
        "credentialSubject": {
            "form": TITLE,
            "formVersion": VERSION,
            "formHash": form_hash,
            "minor": { "account": ward.name, "band": ward.band.as_str(), "country": signing.country },
            "guardian": {
                "name": signing.name,
                "relationship": signing.relationship,
                "email": guardian.email,
                "phone": signing.phone,
            },
            "scopes": scopes,
            "messages": signing.messages(),
            "statements": statements(&ground.site_name),
            "signature": { "typed": signing.signature, "method": method.as_str(), "at": now.rfc3339() },
        },
    });
    let later = ground.minimums.named().into_iter().map(|(name, age)| json!({ "name": name, "age": age }));
    let later: Vec<Value> = later.collect();
    if !later.is_empty() {
        plain["credentialSubject"]["servicesFrom"] = later.into();
    }
    issuer.sign(plain, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_complete_or_says_what_is_missing() {
        let good = Signing {
            name: "Grace Field".into(),
            relationship: "mother".into(),
            phone: String::new(),
            country: "DE".into(),
            scopes: vec![Scope::Buy],
            reach: Reach::All,
            signature: " grace  field ".into(),
        };
        assert!(good.faults().is_empty());
        let talks = Signing { scopes: vec![Scope::Messages], ..good.clone() };
        assert_eq!((good.messages(), talks.messages()), ("off", "all"));
        for (field, bad) in [
            ("guardian_name", Signing { name: "G".into(), signature: "G".into(), ..good.clone() }),
            ("relationship", Signing { relationship: "friend".into(), ..good.clone() }),
            ("signature", Signing { signature: "Somebody Else".into(), ..good.clone() }),
            ("signature", Signing { signature: String::new(), ..good.clone() }),
        ] {
            let faults = bad.faults();
            assert_eq!(faults.iter().map(|(f, _)| *f).collect::<Vec<_>>(), [field]);
        }
    }
}
