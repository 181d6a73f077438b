//! How a letter becomes what is sent: its words, and, only where that was decided for its reader, what reports back.
//!
//! Whether it may is asked here, and not of whoever wants it sent: a letter about what somebody did, and one to somebody
//! who did not agree, has plain links and no picture, whatever its values say.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::consent::decision::Decision;
use crate::consent::letters::Class;
use crate::error::{Error, Result};
use crate::web::Templates;

/// A letter, ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// Whether it may report back.
    pub measured: bool,
}

/// Whose letter it is, as far as that decides what is in it.
pub struct Reader<'a> {
    /// What was decided about the account with this address; none where there is no account.
    pub decision: Option<&'a Decision>,
    pub site_name: &'a str,
    pub site_url: &'a str,
}

/// Whether a letter of this class to somebody with this decision reports back.
pub fn is_measured(class: Class, decision: Option<&Decision>) -> bool {
    class == Class::News && decision.is_some_and(|decision| decision.mail_measurement)
}

/// Renders a letter for its reader.
pub fn render(
    templates: &Templates,
    template: &str,
    values: &Value,
    reader: &Reader<'_>,
    now: Timestamp,
) -> Result<Ready> {
    let class = Class::of(template);
    let measured = is_measured(class, reader.decision);
    let mut values = values.clone();
    let Value::Object(map) = &mut values else {
        return Err(Error::internal("the values of a letter have names"));
    };
    map.insert("site_name".into(), reader.site_name.into());
    map.insert("site_url".into(), reader.site_url.into());
    let back = format!("/letters/{template}/{}", now.day());
    let via = if measured { format!("{back}/to") } else { String::new() };
    let pixel = if measured { format!("{}{back}/seen.gif", reader.site_url) } else { String::new() };
    map.insert("via".into(), via.into());
    map.insert("pixel".into(), pixel.into());
    let words = templates.letter(template, &values)?;
    let html = match class {
        Class::News => Some(templates.letter_page(template, &values)?),
        Class::Admin => None,
    };
    Ok(Ready { subject: words.subject, text: words.text, html, measured })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::consent::age::Band;
    use crate::consent::choices::Choices;
    use crate::consent::decision::{Context, decide};
    use crate::consent::letters::NEWS;
    use crate::consent::rulebook::Rulebook;

    fn rules(measures: bool) -> Rulebook {
        let env = BTreeMap::from([(
            "CUEHOUSE_EMAIL_MEASUREMENT".to_owned(),
            if measures { "on" } else { "off" }.to_owned(),
        )]);
        Rulebook::new(&Config::read(None, &env).unwrap()).unwrap()
    }

    fn values() -> Value {
        json!({
            "name": "Ada", "title": "Rain", "slug": "rain", "reason": "A click.", "link": "https://shop.example/x",
            "tracks": [{ "title": "Rain", "uploader": "Ines", "slug": "rain" }], "stop": "https://shop.example/letters/stop/1",
            "lines": [{ "title": "Rain", "uploader": "Ines", "tier": "Creator", "price": "$29.00", "number": "7K3M" }],
            "total": "$29.00", "library": "l", "receipt": "r", "invoice": "i", "credit_note": "c", "order": "o",
            "titles": ["Rain"], "email": "e", "received": "today", "opts_out": true, "operator": "Shop", "contact": "c",
            "answer": {
                "year": 2025, "kinds": ["names"], "begins": "2025-03-01",
                "parties": [{ "name": "P", "what_for": "x", "address": "" }, { "name": "Q", "what_for": "x", "address": "y" }],
                "services": [{ "name": "S", "what_for": "x", "kinds": ["names"] }, { "name": "T", "what_for": "x", "kinds": [] }],
            },
            "is_guardian": false, "is_adult": false, "until": 1_795_000_000_000i64, "at": 1_795_000_000_000i64,
            "notice": "n", "allowed": ["upload"], "area": "a", "faults": ["it did not ask"],
            // What a caller says of it counts for nothing.
            "via": "/letters/receipt/2026-11-28/to", "pixel": "https://shop.example/letters/receipt/2026-11-28/seen.gif",
        })
    }

    /// The same with as little as there may be of each.
    fn little() -> Value {
        let mut values = values();
        for name in ["lines", "titles", "tracks", "allowed", "faults"] {
            values[name] = json!([]);
        }
        values["opts_out"] = false.into();
        values["answer"] =
            json!({ "year": 2025, "kinds": [], "parties": [], "services": [], "begins": null });
        values
    }

    /// Every letter says all that it can, to whomever it goes, and names nothing that its values lack.
    #[test]
    fn every_letter_renders_whatever_there_is_to_say() {
        let templates = Templates::new("usd").unwrap();
        let reader = Reader { decision: None, site_name: "Shop", site_url: "https://shop.example" };
        for name in all(&templates) {
            for mut values in [values(), little()] {
                for (is_guardian, is_adult) in [(false, false), (false, true), (true, false), (true, true)] {
                    values["is_guardian"] = is_guardian.into();
                    values["is_adult"] = is_adult.into();
                    let ready = render(&templates, &name, &values, &reader, Timestamp(1_795_000_000_000))
                        .unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert!(!ready.subject.is_empty() && ready.text.len() > 80, "{name}: {ready:?}");
                }
            }
        }
    }

    /// The templates of all letters.
    fn all(templates: &Templates) -> Vec<String> {
        let names = templates.names();
        let mails = names.iter().filter_map(|n| n.strip_prefix("mail/")?.strip_suffix(".txt"));
        mails.map(str::to_owned).collect()
    }

    #[test]
    fn every_letter_has_a_class_and_only_the_weekly_one_is_news() {
        let all = all(&Templates::new("usd").unwrap());
        assert!(all.len() >= 10, "{all:?}");
        let news: Vec<&String> = all.iter().filter(|name| Class::of(name) == Class::News).collect();
        assert_eq!(news, NEWS.to_vec());
    }

    /// By what an offer is known: sounds to buy, links that count, a way to get no more of it, and how shops praise.
    const OFFERS: [&str; 14] = [
        " in tracks",
        "{{ via }}",
        "{{ pixel }}",
        "{{ stop }}",
        "{{ site_url }}/search",
        "{{ site_url }}/licences",
        "new in the shop",
        "discount",
        "coupon",
        "voucher",
        "special offer",
        "per cent off",
        "buy now",
        "you might like",
    ];

    fn offers(text: &str) -> bool {
        let text = text.to_lowercase();
        OFFERS.iter().any(|sign| text.contains(sign))
    }

    /// S2-46: letters are of two classes, and the templates of those about what somebody did hold no offer.
    #[test]
    fn no_letter_about_what_somebody_did_holds_an_offer() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/mail");
        let mut count = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(offers(&text), Class::of(&name) == Class::News, "{}", path.display());
            // It would see a block that somebody adds.
            assert!(offers(&format!("{text}\nOnly this week: 20 per cent off.")), "{name}");
            count += 1;
        }
        assert!(count >= 18, "{count}");
    }

    proptest! {
        /// T-EM-1, R-EM-1, R-EM-2, R-EN-1, T-MIN-3, R-MN-3, S2-32, S3-12: no picture and no counted link in a letter
        /// about what somebody did, to a minor, to somebody of unknown age, without the person's yes or without the
        /// site's, whatever the caller says; and in the weekly letter to those who agreed both are there.
        #[test]
        fn nothing_reports_back_without_a_decision(
            which in 0..64usize, measures in any::<bool>(), agreed in any::<bool>(), known in any::<bool>(),
            band in prop::sample::select(vec![None, Some(Band::Child), Some(Band::Minor), Some(Band::Adult)]),
            locked in prop::bool::weighted(0.2), opted_out in prop::bool::weighted(0.2), gpc in prop::bool::weighted(0.2),
        ) {
            static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::new("usd").unwrap());
            let all = all(&TEMPLATES);
            // Every other case is about the one that could.
            let name = if which % 2 == 0 { "news".to_owned() } else { all[which % all.len()].clone() };
            let (book, now) = (rules(measures), Timestamp(1_795_000_000_000));
            let decision = decide(&Context {
                book: &book, band, age_locked: locked, for_children: false, gpc, dnt: false, account_opted_out: opted_out, ad_free: false,
                choices: &Choices::default(), country: None, letters_measured: agreed, load_once: None, now,
            });
            let reader = Reader {
                decision: known.then_some(&decision), site_name: "Shop", site_url: "https://shop.example",
            };
            let ready = render(&TEMPLATES, &name, &values(), &reader, now).unwrap();
            let may = name == "news" && measures && agreed && known && band == Some(Band::Adult)
                && !locked && !opted_out && !gpc;
            let whole = format!("{}{}", ready.text, ready.html.clone().unwrap_or_default());
            prop_assert_eq!(ready.measured, may);
            prop_assert_eq!(whole.contains("<img"), may, "{}", whole);
            prop_assert_eq!(whole.contains("/to/tracks/"), may, "{}", whole);
            prop_assert_eq!(whole.contains("seen.gif"), may);
            prop_assert!(ready.html.is_none() || name == "news");
        }
    }
}
