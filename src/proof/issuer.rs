//! Who signs: the operator, under keys that follow from the shop's secret. Public halves, the names they signed under and
//! their dates are rows, and stay published when they are retired, so that an early certificate or receipt verifies for
//! ever. A key has one name: a shop that moves to another domain signs with another key there.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::{document, from_multibase, jcs, multibase};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::issuer_keys;
use crate::error::{Error, Result};
use crate::ids::JobId;
use crate::secrets::derive;

/// Where the vocabulary of our documents lives: one address of the project, the same for every shop.
pub const VOCABULARY: &str = "https://w3id.org/cuehouse/licence/v1";

/// Who runs the shop, as signed documents name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The legal name.
    pub name: String,
    /// ISO 3166-1, or empty.
    pub country: String,
    /// Without a slash at the end.
    pub site_url: String,
    /// Whether the operator stands behind the indemnity that tiers name.
    pub indemnity: bool,
}

impl Operator {
    /// The site as a decentralised identifier (did:web): its host, with the port where there is one.
    pub fn did(&self) -> String {
        let host = self.site_url.split_once("://").map_or(self.site_url.as_str(), |(_, rest)| rest);
        let mut parts = host.split('/').filter(|part| !part.is_empty());
        let host = parts.next().unwrap_or("localhost").replace(':', "%3A");
        parts.fold(format!("did:web:{host}"), |did, part| format!("{did}:{part}"))
    }
}

/// A public key, under which name it signed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// As documents write it (`z6Mk…`).
    pub key: String,
    /// The issuer's identifier of that time.
    pub did: String,
    pub since: Timestamp,
    /// Until when, if it signs no more.
    pub until: Option<Timestamp>,
}

/// What signs. Cloning shares it.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    operator: Operator,
    did: String,
    key: SigningKey,
    published: Vec<Published>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = issuer_keys)]
struct Row {
    /// What the private half is derived from, together with the shop's secret.
    id: String,
    public_key: String,
    created_at: Timestamp,
    retired_at: Option<Timestamp>,
    /// The name it signs under; empty in a row from before names were kept, until the shop is next started.
    did: String,
}

impl Issuer {
    /// The issuer with the key in use. The first start makes one; when the shop's secret or its domain was changed, the
    /// key that followed from the old one is retired and another takes its place.
    pub fn open(conn: &mut Conn, secret: &[u8], operator: &Operator, now: Timestamp) -> Result<Issuer> {
        let did = operator.did();
        // Of keys from before names were kept nobody knows another name than the shop has now.
        diesel::update(issuer_keys::table.filter(issuer_keys::did.eq("")))
            .set(issuer_keys::did.eq(&did))
            .execute(conn)?;
        let rows: Vec<Row> =
            issuer_keys::table.order(issuer_keys::created_at).select(Row::as_select()).load(conn)?;
        let usable = rows.iter().rev().find(|row| {
            row.retired_at.is_none()
                && row.did == did
                && multibase(signing(secret, &row.id).verifying_key().as_bytes()) == row.public_key
        });
        match usable {
            Some(row) => Issuer::with(conn, signing(secret, &row.id), operator),
            None => Issuer::rotate(conn, secret, operator, now),
        }
    }

    /// Retires the key in use and signs with a new one from now on.
    pub fn rotate(conn: &mut Conn, secret: &[u8], operator: &Operator, now: Timestamp) -> Result<Issuer> {
        diesel::update(issuer_keys::table.filter(issuer_keys::retired_at.is_null()))
            .set(issuer_keys::retired_at.eq(now))
            .execute(conn)?;
        let id = JobId::new().to_string();
        let key = signing(secret, &id);
        let row = Row {
            public_key: multibase(key.verifying_key().as_bytes()),
            id,
            created_at: now,
            retired_at: None,
            did: operator.did(),
        };
        diesel::insert_into(issuer_keys::table).values(&row).execute(conn)?;
        Issuer::with(conn, key, operator)
    }

    fn with(conn: &mut Conn, key: SigningKey, operator: &Operator) -> Result<Issuer> {
        let published = published(conn)?;
        let (operator, did) = (operator.clone(), operator.did());
        Ok(Issuer(Arc::new(Inner { operator, did, key, published })))
    }

    /// Who runs the shop, as certificates name them.
    pub fn operator(&self) -> &Operator {
        &self.0.operator
    }

    /// The identifier under which the shop signs.
    pub fn did(&self) -> &str {
        &self.0.did
    }

    /// The public key in use, as documents write it.
    pub fn key(&self) -> String {
        multibase(self.0.key.verifying_key().as_bytes())
    }

    /// An absolute address of the site.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.0.operator.site_url)
    }

    /// The document with our proof.
    pub fn sign(&self, document: Value, now: Timestamp) -> Value {
        document::attach(document, &self.0.did, &self.0.key, now)
    }

    /// Our signature over bytes.
    pub fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer;
        self.0.key.sign(bytes).to_bytes()
    }

    /// The keys as they were when this process started.
    pub fn published(&self) -> &[Published] {
        &self.0.published
    }

    /// The key document: who signs, and with what keys, retired ones with their dates.
    pub fn document(&self, published: &[Published]) -> Value {
        key_document(&self.0.did, published)
    }

    /// Keeps the key document where `cuehouse verify` finds it.
    pub fn keep_document(&self, path: &Path) -> Result<()> {
        let text = jcs::pretty(&self.document(&self.0.published));
        if std::fs::read_to_string(path).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        let new = path.with_extension(format!("{}.new", std::process::id()));
        std::fs::write(&new, text)?;
        Ok(std::fs::rename(&new, path)?)
    }
}

/// Every key that ever signed, the oldest first.
pub fn published(conn: &mut Conn) -> Result<Vec<Published>> {
    let rows: Vec<Row> = issuer_keys::table
        .order((issuer_keys::created_at, issuer_keys::id))
        .select(Row::as_select())
        .load(conn)?;
    let key = |row: Row| Published {
        key: row.public_key,
        did: row.did,
        since: row.created_at,
        until: row.retired_at,
    };
    Ok(rows.into_iter().map(key).collect())
}

fn signing(secret: &[u8], id: &str) -> SigningKey {
    SigningKey::from_bytes(&derive(secret, &format!("issuer key {id}")))
}

/// A DID document (did:web) of these keys, those of former names under these.
pub fn key_document(did: &str, published: &[Published]) -> Value {
    let id = |key: &Published| format!("{}#{}", key.did, key.key);
    let former: BTreeSet<&str> =
        published.iter().map(|key| key.did.as_str()).filter(|of| *of != did).collect();
    let method = |key: &Published| {
        let mut method = json!({
            "id": id(key),
            "type": "Multikey",
            "controller": key.did,
            "publicKeyMultibase": key.key,
            "since": key.since.rfc3339(),
        });
        if let Some(until) = key.until {
            method["until"] = json!(until.rfc3339());
        }
        method
    };
    let mut document = json!({
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            { "since": format!("{VOCABULARY}#since"), "until": format!("{VOCABULARY}#until") },
        ],
        "id": did,
        "verificationMethod": published.iter().map(method).collect::<Vec<_>>(),
        // Retired keys among them: what they signed in their time stands.
        "assertionMethod": published.iter().map(id).collect::<Vec<_>>(),
    });
    if !former.is_empty() {
        document["alsoKnownAs"] = json!(former);
    }
    document
}

/// Reads a key document: the issuer's identifier and keys. `Refused` when it is none.
pub fn read_document(text: &str) -> Result<(String, Vec<Published>)> {
    let no = || Error::refused("This is not a key document of an issuer.");
    let document: Value = serde_json::from_str(text).map_err(|_| no())?;
    let did = document["id"].as_str().ok_or_else(no)?.to_owned();
    let mut keys = vec![];
    for method in document["verificationMethod"].as_array().ok_or_else(no)? {
        let key = method["publicKeyMultibase"].as_str().ok_or_else(no)?;
        from_multibase(key).ok_or_else(no)?;
        let time = |member: &str| method[member].as_str().and_then(moment);
        keys.push(Published {
            key: key.to_owned(),
            did: method["controller"].as_str().unwrap_or(&did).to_owned(),
            since: time("since").unwrap_or(Timestamp(0)),
            until: time("until"),
        });
    }
    Ok((did, keys))
}

/// The key document in the data folder.
pub const KEY_FILE: &str = "issuer.json";

/// Whom a check without network knows: the keys of the key document named, or of the one this shop keeps in its data
/// folder. Without either nobody is known.
pub fn known(document: Option<&Path>, data_dir: &Path) -> Result<Vec<Published>> {
    let kept = data_dir.join(KEY_FILE);
    let Some(path) = document.or(Some(kept.as_path()).filter(|path| path.exists())) else {
        return Ok(vec![]);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::refused(format!("{} cannot be read: {error}", path.display())))?;
    Ok(read_document(&text)?.1)
}

/// A moment as RFC 3339 writes it.
pub fn moment(text: &str) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| Timestamp(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(site_url: &str) -> Operator {
        Operator { name: "Shop".into(), country: "DE".into(), site_url: site_url.into(), indemnity: false }
    }

    #[test]
    fn a_site_is_a_did_of_its_own() {
        for (site, did) in [
            ("https://shop.example", "did:web:shop.example"),
            ("http://127.0.0.1:8000", "did:web:127.0.0.1%3A8000"),
            ("https://shop.example/music", "did:web:shop.example:music"),
        ] {
            assert_eq!(operator(site).did(), did);
        }
    }

    #[test]
    fn a_key_document_says_what_it_was_made_of() {
        let key = |n: u8, did: &str, since: i64, until: Option<i64>| Published {
            key: multibase(&[n; 32]),
            did: did.into(),
            since: Timestamp(since),
            until: until.map(Timestamp),
        };
        let did = "did:web:shop.example";
        let keys = [key(1, "did:web:old.example", 0, Some(5_000)), key(2, did, 5_000, None)];
        let document = key_document(did, &keys);
        assert_eq!(document["id"], did);
        assert_eq!(document["alsoKnownAs"], json!(["did:web:old.example"]));
        assert_eq!(read_document(&document.to_string()).unwrap(), (did.to_owned(), keys.to_vec()));
        assert!(key_document(did, &keys[1..]).get("alsoKnownAs").is_none());
        assert!(read_document("{}").is_err() && read_document("").is_err());
    }
}
