//! What a request for an advertisement says about the visitor. Every vendor's tag carries it, in a page or in a frame.

use serde::{Deserialize, Serialize};

use crate::consent::age::Band;
use crate::consent::guards::Consent;
use crate::consent::purpose::Purpose;
use crate::consent::trade;
use crate::consent::vendor::Vendor;

/// The fields of a request, in the words of Google's tags (Google Ads help, read November 2026). For anybody under 18
/// there is no request at all: these fields are the belt, should that rule ever be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdRequest {
    /// `google_tag_for_age_treatment`: 1 for a child, 2 from there to 17, absent otherwise.
    pub age_treatment: Option<u8>,
    /// `requestNonPersonalizedAds = 1`.
    pub non_personalised: bool,
    /// `restrictDataProcessing`, and `restricted_data_processing` of `gtag`.
    pub restricted: bool,
    /// Whether age, gender and the like may be sent along.
    pub demographics: bool,
}

impl AdRequest {
    /// The fields for the visitor of a request and a vendor that may be contacted.
    pub fn of(consent: &Consent, vendor: &Vendor) -> AdRequest {
        let personalised = trade::purposes_of(consent, vendor).contains(&Purpose::AdsPersonalised);
        let opted_out = consent.choices.opted_out_at.is_some() || consent.decision.signal_applied;
        AdRequest::new(consent.band, personalised, opted_out)
    }

    /// The fields for somebody of this age. `personalised`: advertisements chosen by past behaviour were granted to this
    /// vendor. `opted_out`: of sale and sharing, by a button or a signal that is applied.
    pub fn new(band: Option<Band>, personalised: bool, opted_out: bool) -> AdRequest {
        let is_young = matches!(band, Some(Band::Child | Band::Minor));
        let personalised = personalised && !opted_out && !is_young;
        AdRequest {
            age_treatment: match band {
                Some(Band::Child) => Some(1),
                Some(Band::Minor) => Some(2),
                Some(Band::Adult) | None => None,
            },
            non_personalised: !personalised,
            restricted: opted_out || is_young,
            demographics: personalised && band == Some(Band::Adult),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-GAD-1, R-TC-9, R-AD-4: every age with every choice. Nobody under 18 and nobody of unknown age is described;
    /// adults only with personalised advertisements.
    #[test]
    fn a_request_says_no_more_than_was_agreed() {
        for band in [None, Some(Band::Child), Some(Band::Minor), Some(Band::Adult)] {
            for personalised in [false, true] {
                for opted_out in [false, true] {
                    let request = AdRequest::new(band, personalised, opted_out);
                    let is_young = matches!(band, Some(Band::Child | Band::Minor));
                    let case = format!("{band:?} {personalised} {opted_out}");
                    assert_eq!(request.non_personalised, !personalised || opted_out || is_young, "{case}");
                    assert_eq!(request.restricted, opted_out || is_young, "{case}");
                    let described = band == Some(Band::Adult) && personalised && !opted_out;
                    assert_eq!(request.demographics, described, "{case}");
                }
            }
        }
        let treated = |band| AdRequest::new(band, true, false).age_treatment;
        assert_eq!(
            [None, Some(Band::Adult), Some(Band::Minor), Some(Band::Child)].map(treated),
            [None, None, Some(2), Some(1)]
        );
    }
}
