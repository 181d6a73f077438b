//! The certificate of a licence for programs: a Verifiable Credential 2.0 that holds everything LICENCES, sections 7
//! to 9, asks for. The same licence gives the same bytes; nothing of the buyer is in it beyond the licensee's name,
//! company and country, and the client or project if they named one.

use chrono::Months;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::catalogue::track::Recording;
use crate::clock::Timestamp;
use crate::ids::Slug;
use crate::proof::issuer::VOCABULARY;
use crate::proof::{Issuer, jcs};
use crate::sales::edition::Edition;
use crate::sales::number::LicenceNumber;
use crate::sales::odrl::{self, Parties};
use crate::sales::order::{Line, Order};
use crate::sales::places;
use crate::sales::scope::{Clause, Field, PerformanceRight, Scope, Term};
use crate::sales::status_list::{self, Purpose};
use crate::sales::tier::{self, NEVER, Tier};

/// The version of the certificate's shape.
pub const FORMAT: &str = "1";

/// Our own context document, as it is served and as the hash in every credential pins it.
pub const CONTEXT: &str = include_str!("licence-v1.jsonld");

/// Everything a credential is made of.
pub struct Granted<'a> {
    pub number: LicenceNumber,
    pub status_index: i64,
    pub issued_at: Timestamp,
    pub order: &'a Order,
    pub line: &'a Line,
    pub edition: &'a Edition,
    pub slug: &'a Slug,
    pub recording: &'a Recording,
    /// SHA-256 of the master, byte for byte.
    pub file_sha256: &'a str,
    pub bytes: i64,
    /// The territory groups that were named, by slug.
    pub groups: &'a [String],
    /// What it takes the place of, if its licence had a certificate before.
    pub anew: Option<Anew<'a>>,
}

/// A certificate that is issued anew, since its licence's territory was named only then.
pub struct Anew<'a> {
    pub at: Timestamp,
    /// The certificate before, as it was given out.
    pub replaces: &'a str,
}

/// The signed credential, as the file that people are given.
pub fn issue(granted: &Granted<'_>, issuer: &Issuer) -> String {
    let signed_at = granted.anew.as_ref().map_or(granted.issued_at, |anew| anew.at);
    jcs::pretty(&issuer.sign(unsigned(granted, issuer), signed_at))
}

/// The path under which anyone checks a licence.
pub fn verify_path(number: LicenceNumber) -> String {
    format!("/verify/{number}")
}

/// The path of an edition's exact text.
pub fn terms_path(tier: &str, hash: &str) -> String {
    format!("/licences/{tier}/{hash}.txt")
}

/// `sha256-…` as Subresource Integrity writes it.
pub fn digest_sri(bytes: &[u8]) -> String {
    use base64::Engine;
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes)))
}

fn unsigned(granted: &Granted<'_>, issuer: &Issuer) -> Value {
    let address = issuer.address(&verify_path(granted.number));
    let tier = &granted.edition.tier;
    let operator = issuer.operator();
    let until = ends(granted.issued_at, tier.scope.term);
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2", VOCABULARY],
        "id": address,
        "type": ["VerifiableCredential", "LicenceCredential"],
        "issuer": { "id": issuer.did(), "name": operator.name },
        "validFrom": granted.issued_at.rfc3339(),
        "credentialSubject": subject(granted, issuer, until),
        "relatedResource": [
            {
                "id": issuer.address(&terms_path(&tier.slug, &granted.edition.terms_hash)),
                "mediaType": "text/plain",
                "digestSRI": digest_sri(granted.edition.terms.as_bytes()),
            },
            {
                "id": VOCABULARY,
                "mediaType": "application/ld+json",
                "digestSRI": digest_sri(CONTEXT.as_bytes()),
            },
            {
                "id": odrl::PROFILE,
                "mediaType": "application/ld+json",
                "digestSRI": digest_sri(odrl::PROFILE_DOCUMENT.as_bytes()),
            },
        ],
        "credentialStatus": Purpose::ALL.map(|purpose| status_entry(issuer, purpose, granted.status_index)),
    });
    if let Some(until) = until {
        document["validUntil"] = json!(until.rfc3339());
    }
    document
}

fn status_entry(issuer: &Issuer, purpose: Purpose, index: i64) -> Value {
    let list = issuer.address(&status_list::path(purpose, status_list::list_of(index)));
    let place = status_list::place_of(index);
    json!({
        "id": format!("{list}#{place}"),
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose.as_str(),
        "statusListIndex": place.to_string(),
        "statusListCredential": list,
    })
}

fn subject(granted: &Granted<'_>, issuer: &Issuer, until: Option<Timestamp>) -> Value {
    let (order, line, recording) = (granted.order, granted.line, granted.recording);
    let tier = &granted.edition.tier;
    let operator = issuer.operator();
    let address = issuer.address(&verify_path(granted.number));
    let track = issuer.address(&format!("/tracks/{}", granted.slug));
    let groups = if tier.scope.groups_to_name() > 0 { granted.groups } else { &[] };
    let parties = Parties {
        uid: format!("{address}#agreement"),
        assigner: issuer.did(),
        assignee: format!("{address}#licensee"),
        target: track.clone(),
    };
    let indemnity = if operator.indemnity { tier.scope.indemnity_cents } else { 0 };
    let until = until.map(Timestamp::rfc3339);
    let mut subject = json!({
        "type": "Licence",
        "format": FORMAT,
        "language": "en",
        "number": granted.number.to_string(),
        "issued": granted.issued_at.rfc3339(),
        "order": order.id,
        "issuedBy": {
            "legalName": operator.name,
            "country": stated(&operator.country),
            "site": operator.site_url,
            "key": format!("{}#{}", issuer.did(), issuer.key()),
        },
        "licensee": {
            "legalName": order.licensee,
            "company": stated(&order.company),
            "country": stated(&order.country),
        },
        "project": stated(&order.project),
        "track": {
            "address": track,
            "trackId": line.track_id,
            "title": line.title,
            "uploader": line.uploader_name,
            "isrc": null,
            "durationMs": recording.duration_ms,
            "master": {
                "sha256": granted.file_sha256,
                "bytes": granted.bytes,
                "container": recording.container,
            },
            "samplesSha256": recording.samples_sha256,
        },
        "tier": {
            "slug": tier.slug,
            "title": tier.name,
            "edition": granted.edition.number,
            "termsHash": granted.edition.terms_hash,
            "termsAddress": issuer.address(&terms_path(&tier.slug, &granted.edition.terms_hash)),
        },
        "summary": tier.scope.sentence(),
        "scope": clauses(tier, operator.indemnity).iter().map(clause).collect::<Vec<_>>(),
        "territories": territories(&tier.scope, groups),
        "term": { "from": granted.issued_at.rfc3339(), "until": until },
        "never": NEVER,
        "aiTraining": { "permitted": grants_training(&tier.scope), "words": tier::ai_words(&tier.scope) },
        "performance": {
            "status": tier.scope.performance_right,
            "words": tier.scope.clause(Field::PerformanceRight).words,
            "society": null,
            "composers": [],
            "publishers": [],
            "note": "The uploader has named no composers, publishers or collecting society.",
        },
        "claims": {
            "registered": null,
            "by": null,
            "since": null,
            "note": "The uploader has not said that the track is registered in a claim system such as Content ID.",
        },
        "indemnity": {
            "cents": indemnity,
            "words": if indemnity > 0 { tier.scope.clause(Field::IndemnityCents).words } else { "none".into() },
        },
        "refundRule": {
            "version": order.refund_rule,
            "days": granted.edition.refund_days,
            "words": format!(
                "In full within {} days if no file was downloaded; after a download a person decides. Consumer law goes first.",
                granted.edition.refund_days,
            ),
        },
        "supersedes": null,
        "agreement": odrl::agreement(&parties, &tier.scope, groups, until.as_deref()),
        "verification": {
            "address": address,
            "steps": [
                "Open the address and compare the number, the licensee and the track.",
                "Without a network: run cuehouse verify on this file with the issuer's key document, kept beforehand from the site's /.well-known/did.json.",
                "Compare the SHA-256 of the file you use with the one named here, or with the one of its delivery note.",
            ],
        },
    });
    if let Some(anew) = &granted.anew {
        subject["issuedAnew"] = json!({
            "at": anew.at.rfc3339(),
            "replaces": digest_sri(anew.replaces.as_bytes()),
            "words": format!(
                "On {}, when the territory was named. It takes the place of the certificate of {}, which stays as it was signed.",
                anew.at.long_day(),
                granted.issued_at.long_day()
            ),
        });
    }
    subject
}

fn clause(clause: &Clause) -> Value {
    json!({ "field": clause.field, "value": clause.value, "words": clause.words })
}

/// The clauses that hold for a licensee: an indemnity only where the operator stands behind it.
pub fn clauses(tier: &Tier, indemnity: bool) -> Vec<Clause> {
    let mut held = tier.clone();
    if !indemnity {
        held.scope.indemnity_cents = 0;
    }
    held.clauses()
}

fn territories(scope: &Scope, groups: &[String]) -> Value {
    let names: Vec<&str> = groups.iter().filter_map(|slug| places::group_name(slug)).collect();
    let note = match (scope.groups_to_name(), names.is_empty()) {
        (0, _) => "No territory is named: none is needed.",
        (_, true) => "Not named yet: media that are bound to a place are not covered until it is.",
        _ => "For media that are bound to a place; online and on copies the licence holds everywhere.",
    };
    json!({ "groups": groups, "titles": names, "note": note })
}

fn grants_training(scope: &Scope) -> bool {
    scope.media.has(crate::sales::scope::Medium::AiTraining)
}

fn stated(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// When a finite term is over.
fn ends(from: Timestamp, term: Term) -> Option<Timestamp> {
    match term {
        Term::Months(n) => {
            from.utc().checked_add_months(Months::new(n)).map(|end| Timestamp(end.timestamp_millis()))
        }
        Term::Perpetual | Term::WhileSubscribed => None,
    }
}

/// What performance right a licence carries, for pages.
pub fn performance(right: PerformanceRight) -> &'static str {
    match right {
        PerformanceRight::Excluded => "not included",
        PerformanceRight::AsTrack => "included, unless a collecting society manages the track",
        PerformanceRight::Included => "included",
    }
}

/// The signed note that travels with a file made from the master after the sale: its own name and hash, and the
/// licence it belongs to.
pub fn delivery_note(
    licence: &Value,
    file_name: &str,
    sha256: &str,
    bytes: u64,
    issuer: &Issuer,
    now: Timestamp,
) -> String {
    let number = licence["credentialSubject"]["number"].as_str().unwrap_or_default();
    let note = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2", VOCABULARY],
        "type": ["VerifiableCredential", "DeliveryNote"],
        "issuer": { "id": issuer.did(), "name": issuer.operator().name },
        "validFrom": now.rfc3339(),
        "credentialSubject": {
            "type": "Delivery",
            "number": number,
            "licence": licence["id"],
            "fileName": file_name,
            "sha256": sha256,
            "bytes": bytes,
            "madeFrom": licence["credentialSubject"]["track"]["master"]["sha256"],
        },
    });
    jcs::pretty(&issuer.sign(note, now))
}
