//! A receipt in the form other programs read: ISO/IEC TS 27560:2023 in the vocabulary of the W3C's Data Privacy
//! Vocabularies and Controls group (DPV 2.3; profile `dpv-27560:receipt`, guide of February 2026).
//!
//! It says what the receipt says and is no proof by itself: that is the receipt's own file, which it names.

use serde_json::{Value, json};

use super::bundle::Bundle;
use crate::consent::purpose::Purpose;
use crate::consent::receipt::{Action, Answer, Item, Receipt};
use crate::consent::recipient::{Category, handed_over};
use crate::proof::issuer::Operator;

/// Who gives the receipt out.
pub struct Controller<'a> {
    pub operator: &'a Operator,
    pub contact: &'a str,
}

/// The receipt as JSON-LD. Its context names prefixes only, so that nobody has to fetch anything to read it.
pub fn json_ld(bundle: &Bundle, who: &Controller<'_>) -> Value {
    let receipt = &bundle.receipt;
    let here = |path: &str| format!("{}{path}", who.operator.site_url);
    let page = here(&format!("/privacy/receipts/{}", receipt.id));
    let mut all = json!({
        "@context": {
            "dpv": "https://w3id.org/dpv#",
            "pd": "https://w3id.org/dpv/pd#",
            "loc": "https://w3id.org/dpv/loc#",
            "dct": "http://purl.org/dc/terms/",
            "schema": "https://schema.org/",
        },
        "@id": page,
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": receipt.id,
        "dpv:hasIdentifier": receipt.id,
        "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#receipt",
        "dct:created": receipt.time.rfc3339(),
        "dct:publisher": who.operator.name,
        "dct:source": format!("{page}.json"),
        "dct:provenance": format!("entry {} of the consent log of {}, leaf {}", bundle.seq, who.operator.site_url, bundle.leaf),
        "dct:description": receipt.limit_note,
        "schema:recipient": "dpv:DataSubject",
        "dpv:hasRecordOfActivity": receipt.items.iter().enumerate().map(|(n, item)| record(n, item, bundle, who)).collect::<Vec<_>>(),
    });
    if let Some(before) = &receipt.previous {
        all["dct:replaces"] = here(&format!("/privacy/receipts/{before}")).into();
    }
    all
}

/// The record of one item: one vendor for one purpose.
fn record(number: usize, item: &Item, bundle: &Bundle, who: &Controller<'_>) -> Value {
    let receipt = &bundle.receipt;
    let here = |path: &str| format!("{}{path}", who.operator.site_url);
    let recipient = receipt.recipients.iter().find(|r| r.vendor == item.vendor);
    let purpose = Purpose::parse(&item.purpose);
    let data: Vec<Value> = purpose.map(handed_over).unwrap_or_default().iter().map(|c| data(*c)).collect();
    let mut controller = json!({
        "@id": who.operator.site_url,
        "@type": "dpv:DataController",
        "dpv:hasName": who.operator.name,
        "dpv:hasContact": who.contact,
    });
    let mut record = json!({
        "@id": format!("{}#{}", here(&format!("/privacy/receipts/{}", receipt.id)), number + 1),
        "@type": "dpv:ConsentRecord",
        "dct:identifier": format!("{}#{}", receipt.id, number + 1),
        "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record",
        // Nobody is named: whoever holds the receipt is the one it is about.
        "dpv:hasDataSubject": { "@type": "dpv:DataSubject", "dct:identifier": receipt.id },
        "dpv:hasLegalBasis": "dpv:Consent",
        "dpv:hasProcess": {
            "@type": "dpv:Process",
            "dct:identifier": item.fingerprint,
            "dpv:hasPurpose": {
                "@type": purpose_class(purpose),
                "dct:title": match purpose {
                    Some(purpose) => purpose.name(),
                    None => item.purpose.as_str(),
                },
                "dct:description": purpose.map_or("", Purpose::words),
            },
            "dpv:hasPersonalData": data,
            "dpv:hasRecipient": {
                "@type": "dpv:ThirdParty",
                "dct:identifier": item.vendor,
                "dpv:hasName": recipient.map_or(item.vendor.as_str(), |r| r.name.as_str()),
            },
        },
        "dpv:hasNotice": {
            "@id": format!("urn:sha256:{}", receipt.notice.hash),
            "@type": "dpv:ConsentNotice",
            "dct:hasVersion": receipt.notice.version,
            "dct:language": receipt.notice.language,
            "dct:description": bundle.notice.text,
        },
        "dpv:hasConsentStatus": status(item.state, receipt),
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": here("/privacy/choices"),
        },
    });
    if !who.operator.country.is_empty() {
        controller["dpv:hasJurisdiction"] = format!("loc:{}", who.operator.country).into();
    }
    record["dpv:hasDataController"] = controller;
    if let Some(address) = recipient.and_then(|r| r.deletion_url.as_deref()) {
        record["dpv:hasProcess"]["dpv:hasRecipient"]["dpv:hasContact"] = address.into();
    }
    record
}

fn status(state: Answer, receipt: &Receipt) -> Value {
    let class = match (state, receipt.action) {
        (Answer::Granted, _) => json!(["dpv:ConsentGiven", "dpv:ExpressedConsent"]),
        (Answer::Refused, Action::Withdraw) => json!("dpv:ConsentWithdrawn"),
        (Answer::Refused, _) => json!("dpv:ConsentRefused"),
        (Answer::Undecided, _) => json!("dpv:ConsentRequested"),
    };
    json!({
        "@type": class,
        "dpv:isIndicatedBy": "dpv:DataSubject",
        "dpv:hasIndicationMethod": receipt.surface,
        "dpv:isIndicatedAtTime": receipt.time.rfc3339(),
        "dpv:hasDuration": { "@type": "dpv:UntilTimeDuration", "dct:valid": receipt.valid_until.rfc3339() },
    })
}

fn purpose_class(purpose: Option<Purpose>) -> &'static str {
    match purpose {
        Some(Purpose::Preferences) => "dpv:ServicePersonalisation",
        Some(Purpose::Analytics | Purpose::EmailMeasurement) => "dpv:ServiceUsageAnalytics",
        Some(Purpose::Content) => "dpv:ServiceProvision",
        Some(Purpose::Ads) => "dpv:Advertising",
        Some(Purpose::AdsPersonalised) => "dpv:PersonalisedAdvertising",
        None => "dpv:Purpose",
    }
}

fn data(category: Category) -> Value {
    let class = match category {
        Category::Network => "pd:IPAddress",
        Category::Browser => "pd:UserAgent",
        Category::Pages => "pd:BrowserHistory",
        Category::Marks => "pd:Identifying",
        Category::Email => "pd:EmailAddress",
        Category::Phone => "pd:TelephoneNumber",
        Category::Purchases => "pd:Purchase",
        Category::Files => "dpv:PersonalData",
        Category::Letters => "pd:EmailContent",
    };
    json!({ "@type": class, "dct:title": category.words() })
}
