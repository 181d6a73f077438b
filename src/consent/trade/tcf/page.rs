//! A TC string as scripts of a page are told it.

use serde_json::{Map, Value, json};

use super::TcString;
use crate::consent::trade::bits::IdSet;

impl TcString {
    /// The part of `TCData` that follows from the string (CMP API 2.2, February 2026), for `data-tc` of
    /// `static/js/tcf.js`. Ids are keys and every value is `true`; what is absent is a no.
    pub fn tc_data(&self) -> Value {
        let publisher = self.publisher.clone().unwrap_or_default();
        let mut restrictions = Map::new();
        for ((purpose, kind), vendors) in &self.restrictions {
            if let Value::Object(known) =
                restrictions.entry(purpose.to_string()).or_insert_with(|| Value::Object(Map::new()))
            {
                // Where two restrictions name the same vendor the stricter one counts, and it has the lower number.
                for vendor in vendors.iter() {
                    known.entry(vendor.to_string()).or_insert(kind.number().into());
                }
            }
        }
        json!({
            "isServiceSpecific": self.is_service_specific,
            "useNonStandardTexts": self.use_non_standard_texts,
            "publisherCC": self.publisher_cc.to_string(),
            "purposeOneTreatment": self.purpose_one_treatment,
            "purpose": {
                "consents": yes(&self.purposes_consent),
                "legitimateInterests": yes(&self.purposes_li),
            },
            "vendor": {
                "consents": yes(&self.vendor_consents),
                "legitimateInterests": yes(&self.vendor_li),
                "disclosedVendors": yes(&self.disclosed_vendors.clone().unwrap_or_default()),
            },
            "specialFeatureOptins": yes(&self.special_feature_opt_ins),
            "publisher": {
                "consents": yes(&publisher.purposes_consent),
                "legitimateInterests": yes(&publisher.purposes_li),
                "customPurpose": {
                    "consents": yes(&publisher.custom_consent),
                    "legitimateInterests": yes(&publisher.custom_li),
                },
                "restrictions": restrictions,
            },
        })
    }
}

fn yes(set: &IdSet) -> Value {
    set.iter().map(|id| (id.to_string(), Value::Bool(true))).collect::<Map<_, _>>().into()
}
