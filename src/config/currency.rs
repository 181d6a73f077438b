//! The currency of the shop among the settings: one that Stripe takes, and that counts in hundredths as every price here does.

use super::Said;

/// Currencies in hundredths, each with the smallest charge that Stripe states for it, in minor units.
const STATED: &[(&str, i64)] = &[
    ("aed", 200),
    ("aud", 50),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1_500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17_500),
    ("inr", 50),
    ("mxn", 1_000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1_000),
    ("usd", 50),
];

/// Others in hundredths. Their smallest charge follows the day's rate of the currency that is paid out, so none is stated.
const UNSTATED: &[&str] = &[
    "afn", "all", "amd", "ang", "aoa", "ars", "awg", "azn", "bam", "bbd", "bdt", "bmd", "bnd", "bob", "bsd",
    "bwp", "byn", "bzd", "cdf", "cny", "cop", "crc", "cve", "dop", "dzd", "egp", "etb", "fjd", "fkp", "gel",
    "gip", "gmd", "gtq", "gyd", "hnl", "htg", "idr", "ils", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak",
    "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mzn", "nad",
    "ngn", "nio", "npr", "pab", "pen", "pgk", "php", "pkr", "qar", "rsd", "rub", "sar", "sbd", "scr", "shp",
    "sos", "srd", "szl", "tjs", "top", "try", "ttd", "twd", "tzs", "uah", "uyu", "uzs", "wst", "xcd", "yer",
    "zar", "zmw",
];

/// What Stripe counts without decimals, with three, or in whole units only.
const NOT_IN_HUNDREDTHS: &[&str] = &[
    "bhd", "bif", "clp", "djf", "gnf", "isk", "jod", "jpy", "kmf", "krw", "kwd", "mga", "omr", "pyg", "rwf",
    "tnd", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
];

/// The smallest charge that Stripe states for a currency, in minor units.
pub(super) fn smallest_charge(currency: &str) -> Option<i64> {
    STATED.iter().find(|(known, _)| *known == currency).map(|(_, least)| *least)
}

/// Reads it, in small letters.
pub(super) fn read(said: &mut Said) -> String {
    let text = said.text("currency", "usd");
    let currency = text.to_lowercase();
    if smallest_charge(&currency).is_some() || UNSTATED.contains(&currency.as_str()) {
        return currency;
    }
    said.faults.push(match NOT_IN_HUNDREDTHS.contains(&currency.as_str()) {
        true => format!(
            "CUEHOUSE_CURRENCY is {text:?}, which Stripe does not count in hundredths, and every price here is in hundredths: \
             take another, such as usd"
        ),
        false => format!("CUEHOUSE_CURRENCY is {text:?}, and should be a currency that Stripe takes, such as usd"),
    });
    "usd".into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Config;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        Config::read(None, &pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_currency_is_one_of_stripes_in_hundredths() {
        for (text, currency) in [("usd", "usd"), ("EUR", "eur"), ("gbp", "gbp"), ("Nok", "nok")] {
            assert_eq!(read(&[("CUEHOUSE_CURRENCY", text)]).unwrap().currency, currency);
        }
        for text in ["jpy", "KRW", "kwd", "isk", "xaf"] {
            let faults = read(&[("CUEHOUSE_CURRENCY", text)]).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains("in hundredths"), "{text}: {faults:?}");
        }
        for text in ["abc", "us", "dollar", "u$d", "btc"] {
            let faults = read(&[("CUEHOUSE_CURRENCY", text)]).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains("that Stripe takes"), "{text}: {faults:?}");
        }
        let all =
            || STATED.iter().map(|(one, _)| *one).chain(UNSTATED.iter().chain(NOT_IN_HUNDREDTHS).copied());
        assert!(all().all(|one| one.len() == 3 && one.bytes().all(|b| b.is_ascii_lowercase())));
        assert_eq!(all().collect::<BTreeSet<_>>().len(), all().count(), "one is in two lists");
    }

    /// What proves a guardian's card can be charged in every currency: it is no less than Stripe charges.
    #[test]
    fn the_charge_that_proves_a_card_is_one_that_stripe_makes() {
        let cents = |pairs: &[(&str, &str)]| read(pairs).map(|config| config.age.proof_cents);
        for (currency, usual) in [("usd", 50), ("gbp", 50), ("dkk", 250), ("czk", 1_500), ("huf", 17_500)] {
            assert_eq!(cents(&[("CUEHOUSE_CURRENCY", currency)]).unwrap(), usual, "{currency}");
        }
        let dkk = |said: &str| cents(&[("CUEHOUSE_CURRENCY", "dkk"), ("CUEHOUSE_AGE_PROOF_CENTS", said)]);
        assert_eq!((dkk("300").unwrap(), dkk("2500").unwrap()), (300, 2_500));
        for wrong in ["50", "249", "2501", "-300", "three"] {
            let faults = dkk(wrong).unwrap_err();
            assert!(
                faults.len() == 1 && faults[0].contains("250 to 2500 minor units"),
                "{wrong}: {faults:?}"
            );
        }
        // Where Stripe states none the operator says it, or takes no cards for a proof.
        let faults = cents(&[("CUEHOUSE_CURRENCY", "zar")]).unwrap_err();
        assert!(faults.len() == 1 && faults[0].starts_with("CUEHOUSE_AGE_PROOF_CENTS "), "{faults:?}");
        let zar = [("CUEHOUSE_CURRENCY", "zar"), ("CUEHOUSE_AGE_PROOF_CENTS", "1000")];
        assert_eq!(cents(&zar).unwrap(), 1_000);
        let paper = [("CUEHOUSE_CURRENCY", "zar"), ("CUEHOUSE_AGE_METHODS", "email_plus,signed_form")];
        assert!(cents(&paper).is_ok());
    }
}
