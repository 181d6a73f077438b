//! What a vendor gave the operator to be known by: one form for each vendor. A slip is said at start, and what a page or a
//! frame writes out can be nothing else.

/// Whether a key is one of this vendor's. Of a vendor without a form of its own, letters, digits, hyphens and colons are.
pub fn fits(vendor: &str, key: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match vendor {
        "ga4" => key.strip_prefix("G-").is_some_and(|rest| rest.len() >= 4 && plain(rest)),
        "statcounter" => key.split_once(':').is_some_and(|(project, code)| is_number(project) && plain(code)),
        "histats" => is_number(key),
        "adsense" | "doubleclick" | "magnite" => in_frame(vendor, key).is_some(),
        _ => key.split(':').all(plain),
    }
}

/// The account, and the place for an advertisement within it, as a vendor calls them that is met in a frame:
///
/// - AdSense: the publisher and the ad unit of `ca-pub-ACCOUNT:UNIT`.
/// - Google Ad Manager: the network and the ad unit of `/NETWORK/UNIT`, the unit with those above it, if any. Taken are
///   letters, digits, `_`, `-` and `.`, at most 100 for each code; Ad Manager knows more (its API, `AdUnitCodeError`, read on
///   2026-11-29). A network that stands for a child's is written with a comma, which would end the setting: it is not taken.
/// - Magnite: the account and `SITE:ZONE` of `ACCOUNT:SITE:ZONE`, whole numbers (Prebid's documentation of the bidder
///   `rubicon`: `accountId`, `siteId`, `zoneId`, read on 2026-11-29).
///
/// None for a key of another form, and for every other vendor.
pub fn in_frame<'a>(vendor: &str, key: &'a str) -> Option<(&'a str, &'a str)> {
    match vendor {
        "adsense" => {
            let (account, unit) = key.split_once(':')?;
            let number = account.strip_prefix("ca-pub-")?;
            (is_number(number) && is_number(unit)).then_some((account, unit))
        }
        "doubleclick" => {
            let (network, unit) = key.strip_prefix('/')?.split_once('/')?;
            (is_number(network) && unit.split('/').all(is_code)).then_some((network, unit))
        }
        "magnite" => {
            let (account, place) = key.split_once(':')?;
            let (site, zone) = place.split_once(':')?;
            [account, site, zone].into_iter().all(is_number).then_some((account, place))
        }
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// A code of one ad unit of Google Ad Manager, of those that are taken.
fn is_code(text: &str) -> bool {
    let taken = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=100).contains(&text.len()) && text.bytes().all(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R-EN-9, S1-23, S3-56: each vendor's key has its own form, and nothing that could end an attribute or an address is one.
    #[test]
    fn a_key_is_of_its_vendors_form() {
        let long = "u".repeat(101);
        for (vendor, right, wrong) in [
            ("ga4", vec!["G-TEST", "G-ABC123"], vec!["", "UA-1", "G-1", "G-AB:CD", "G-\"><script>"]),
            ("statcounter", vec!["123:abc"], vec!["abc", "123", "123:", "+1:abc", "123:abc:d", "1:a/b"]),
            ("histats", vec!["77"], vec!["1x", "+1", "", "-1"]),
            (
                "adsense",
                vec!["ca-pub-12:34"],
                vec!["ca-pub-12", "pub-12:34", "ca-pub-12:34:5", "ca-pub-:34", "ca-pub-12:", "ca-pub-1x:3"],
            ),
            (
                "doubleclick",
                vec!["/6355419/Front", "/1/Shop/Front_top-1.b"],
                vec![
                    "1",
                    "/1",
                    "/1/",
                    "1/Front",
                    "/x/Front",
                    "/1//Front",
                    "/1/Front/",
                    "/1/a b",
                    "/1/a?b",
                    "/1/a\"b",
                ],
            ),
            (
                "magnite",
                vec!["1001:113932:535510"],
                vec!["1", "1:2", "1:2:", ":2:3", "1:2:3:4", "1:2:x", "1:2:-3", "/1/2/3"],
            ),
            ("somebody", vec!["a-b:c"], vec!["", "a:", "a/b", "a b"]),
        ] {
            for key in right {
                assert!(fits(vendor, key), "{vendor} {key}");
            }
            for key in wrong {
                assert!(!fits(vendor, key), "{vendor} {key}");
            }
        }
        assert!(
            fits("doubleclick", &format!("/1/{}", &long[1..])) && !fits("doubleclick", &format!("/1/{long}"))
        );
        for (vendor, key, told) in [
            ("adsense", "ca-pub-12:34", Some(("ca-pub-12", "34"))),
            ("doubleclick", "/12/Shop/Front", Some(("12", "Shop/Front"))),
            ("magnite", "1:2:3", Some(("1", "2:3"))),
            ("ga4", "G-TEST", None),
            ("histats", "77", None),
        ] {
            assert_eq!(in_frame(vendor, key), told, "{vendor}");
        }
    }
}
