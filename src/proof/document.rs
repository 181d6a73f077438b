//! Signatures on documents: a `DataIntegrityProof` with the cryptosuite `eddsa-jcs-2022` (W3C Data Integrity EdDSA
//! Cryptosuites 1.0), Ed25519 over the SHA-256 of two canonical JSON texts.
//!
//! The verification method names the public key itself, so that a document can be told from an altered one even by
//! somebody who does not know its issuer.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Published, jcs, moment};
use crate::clock::{DAY, Timestamp};

/// The multicodec of an Ed25519 public key, as two bytes.
const ED25519: [u8; 2] = [0xed, 0x01];

/// A public key as documents write it: multibase base58btc of the multicodec and the key (`z6Mk…`).
pub fn multibase(key: &[u8; 32]) -> String {
    format!("z{}", bs58::encode([&ED25519[..], key].concat()).into_string())
}

/// Reads what [`multibase`] wrote.
pub fn from_multibase(text: &str) -> Option<[u8; 32]> {
    let bytes = bs58::decode(text.strip_prefix('z')?).into_vec().ok()?;
    let key = bytes.strip_prefix(&ED25519)?.try_into().ok()?;
    (multibase(&key) == text).then_some(key)
}

/// The document with its proof. The same document, key and time give the same proof.
pub fn attach(mut document: Value, did: &str, key: &SigningKey, created: Timestamp) -> Value {
    let mut proof = json!({
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": created.rfc3339(),
        "verificationMethod": format!("{did}#{}", multibase(key.verifying_key().as_bytes())),
        "proofPurpose": "assertionMethod",
    });
    if let Some(context) = document.get("@context") {
        proof["@context"] = context.clone();
    }
    let signature = key.sign(&hash(&proof, &document));
    proof["proofValue"] = json!(format!("z{}", bs58::encode(signature.to_bytes()).into_string()));
    document["proof"] = proof;
    document
}

/// Who signed a document that is as they signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub did: String,
    pub key: [u8; 32],
    /// When, as RFC 3339.
    pub created: String,
}

impl Signed {
    /// Whether this is the issuer of these keys: the name and the key belong together, and the key was in its time. A
    /// retired key signs nothing later than the day after.
    pub fn is_by(&self, keys: &[Published]) -> bool {
        keys.iter().any(|key| key.did == self.did && self.is_under(key))
    }

    /// Whether one of these keys made it in its time, whatever name stands beside it.
    pub fn is_with(&self, keys: &[Published]) -> bool {
        keys.iter().any(|key| self.is_under(key))
    }

    fn is_under(&self, key: &Published) -> bool {
        let in_time = match (key.until, moment(&self.created)) {
            (Some(until), Some(created)) => created <= until.plus(DAY),
            (Some(_), None) => false,
            (None, _) => true,
        };
        key.key == multibase(&self.key) && in_time
    }

    /// Who they say they are, and with what key.
    pub fn who(&self) -> String {
        format!("{}#{}", self.did, multibase(&self.key))
    }
}

/// The document and who signed it, if these bytes are one of its two forms and nothing else: white space and the order
/// of members do not change what is signed, but a file in which they changed is not the one that was given out.
pub fn read(bytes: &[u8]) -> Option<(Value, Signed)> {
    let document = jcs::read(bytes)?;
    let signed = check(&document)?;
    Some((document, signed))
}

/// Checks a document against the key its proof names. Nothing: it is not as it was signed, or was never signed.
pub fn check(document: &Value) -> Option<Signed> {
    let mut plain = document.clone();
    let mut proof = plain.as_object_mut()?.remove("proof")?;
    let value = proof.as_object_mut()?.remove("proofValue")?;
    let is = |member: &str, text: &str| proof[member].as_str() == Some(text);
    let known = is("type", "DataIntegrityProof")
        && is("cryptosuite", "eddsa-jcs-2022")
        && is("proofPurpose", "assertionMethod")
        && proof.get("@context") == plain.get("@context");
    let (did, fragment) = proof["verificationMethod"].as_str()?.split_once('#')?;
    let issuer = plain["issuer"].as_str().or_else(|| plain["issuer"]["id"].as_str())?;
    let key = from_multibase(fragment)?;
    let text = value.as_str()?.strip_prefix('z')?;
    let bytes = bs58::decode(text).into_vec().ok()?;
    let signature = Signature::from_slice(&bytes).ok()?;
    let whole = known && issuer == did && bs58::encode(&bytes).into_string() == text;
    let right = VerifyingKey::from_bytes(&key).ok()?.verify_strict(&hash(&proof, &plain), &signature).is_ok();
    let created = proof["created"].as_str()?.to_owned();
    (whole && right).then(|| Signed { did: did.to_owned(), key, created })
}

/// SHA-256 of the proof's options, then of the document, both in their canonical form.
fn hash(proof: &Value, document: &Value) -> [u8; 64] {
    let part = |value: &Value| -> [u8; 32] { Sha256::digest(jcs::canonical(value)).into() };
    let mut out = [0; 64];
    out[..32].copy_from_slice(&part(proof));
    out[32..].copy_from_slice(&part(document));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and document of "Data Integrity EdDSA Cryptosuites v1.0", appendix B (eddsa-jcs-2022).
    #[test]
    fn the_example_of_the_recommendation_comes_out_as_it_stands_there() {
        let secret = bs58::decode("3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq").into_vec().unwrap();
        let key = SigningKey::from_bytes(secret[2..].try_into().unwrap());
        let public = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
        assert_eq!(multibase(key.verifying_key().as_bytes()), public);
        let document = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
            "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
            "type": ["VerifiableCredential", "AlumniCredential"],
            "name": "Alumni Credential",
            "description": "A minimum viable example of an Alumni Credential.",
            "issuer": "https://vc.example/issuers/5678",
            "validFrom": "2023-01-01T00:00:00Z",
            "credentialSubject": { "id": "did:example:abcdefgh", "alumniOf": "The School of Examples" },
        });
        let created = moment("2023-02-24T23:36:38Z").unwrap();
        let signed = attach(document, &format!("did:key:{public}"), &key, created);
        assert_eq!(
            signed["proof"]["proofValue"],
            "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
        );
        // There the key is not the issuer's own; from us it must be.
        assert_eq!(check(&signed), None);
    }

    #[test]
    fn a_signed_document_names_its_signer_and_any_other_is_altered() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let document =
            json!({"@context": ["a", "b"], "issuer": {"id": "did:web:shop.example"}, "x": [1, "é"]});
        let signed = attach(document.clone(), "did:web:shop.example", &key, Timestamp(0));
        let found = check(&signed).unwrap();
        assert_eq!(found.did, "did:web:shop.example");
        assert_eq!(found.key, *key.verifying_key().as_bytes());
        assert_eq!(found.created, "1970-01-01T00:00:00Z");
        assert_eq!(signed, attach(document.clone(), "did:web:shop.example", &key, Timestamp(0)));

        assert_eq!(check(&document), None, "never signed");
        for (path, other) in [
            ("/x/0", json!(2)),
            ("/issuer/id", json!("did:web:evil.example")),
            ("/proof/created", json!("1970-01-01T00:00:01Z")),
            ("/proof/verificationMethod", json!("did:web:evil.example#z6Mk")),
            ("/proof/cryptosuite", json!("eddsa-rdfc-2022")),
            ("/proof/@context/0", json!("c")),
        ] {
            let mut altered = signed.clone();
            *altered.pointer_mut(path).unwrap() = other;
            assert_eq!(check(&altered), None, "{path}");
        }
        // Under another key of one's own the signature is right, and the key tells who it was.
        let forged =
            attach(document, "did:web:shop.example", &SigningKey::from_bytes(&[8; 32]), Timestamp(0));
        assert_ne!(check(&forged).unwrap().key, found.key);
    }

    #[test]
    fn a_name_and_a_key_belong_together_and_a_retired_key_signs_nothing_later() {
        let (first, second) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let published = |key: &SigningKey, did: &str, until: Option<Timestamp>| Published {
            key: multibase(key.verifying_key().as_bytes()),
            did: did.into(),
            since: Timestamp(0),
            until,
        };
        let keys = [
            published(&first, "did:web:old.example", Some(Timestamp(5_000))),
            published(&second, "did:web:shop.example", None),
        ];
        let signed = |key: &SigningKey, did: &str, at: i64| {
            check(&attach(json!({ "issuer": did }), did, key, Timestamp(at))).unwrap()
        };
        for (key, did, at, ours) in [
            (&first, "did:web:old.example", 4_000, true),
            (&first, "did:web:old.example", 5_000 + DAY, true),
            (&first, "did:web:old.example", 6_000 + DAY, false),
            (&second, "did:web:shop.example", 9 * DAY, true),
            (&first, "did:web:shop.example", 4_000, false),
            (&second, "did:web:old.example", 4_000, false),
            (&second, "did:web:evil.example", 4_000, false),
            (&SigningKey::from_bytes(&[9; 32]), "did:web:shop.example", 4_000, false),
        ] {
            assert_eq!(signed(key, did, at).is_by(&keys), ours, "{did} at {at}");
        }
        assert!(signed(&first, "did:web:older.example", 4_000).is_with(&keys));
        assert!(!signed(&first, "did:web:older.example", 6_000 + DAY).is_with(&keys));
    }
}
