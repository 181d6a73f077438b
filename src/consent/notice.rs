//! What a visitor is told before they choose: the same words in the banner, on the choices page and, under their hash,
//! behind every receipt.

use serde::Serialize;

use super::purpose::Purpose;
use super::rulebook::Rulebook;
use super::vendor::{Jar, Vendor};

/// The edition of these words. A change of meaning is a new one.
pub const VERSION: &str = "2026-11-28";
pub const LANGUAGE: &str = "en";

/// A purpose as it is put to a visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurposeTold {
    pub slug: &'static str,
    pub name: &'static str,
    pub words: &'static str,
    /// The letter Consent-O-Matic knows it by.
    pub letter: &'static str,
}

/// A vendor as it is put to a visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VendorTold {
    pub id: String,
    /// The first digits of the fingerprint of all that stands here: a form says by it what it showed.
    pub print: String,
    pub name: String,
    pub owner: String,
    /// The purposes' slugs.
    pub purposes: Vec<&'static str>,
    /// The letter Consent-O-Matic knows the first of them by.
    pub letter: &'static str,
    /// Their names, as one phrase.
    pub what_for: String,
    pub hosts: Vec<String>,
    pub cookies: Vec<CookieTold>,
    pub sells_or_shares: bool,
    pub targets_ads: bool,
    /// What is to be known of one that is met in a frame.
    pub apart: Option<&'static str>,
}

/// A cookie as it is put to a visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CookieTold {
    pub name: String,
    pub lasts: String,
    /// Under our name; else under the vendor's, out of our reach.
    pub is_ours: bool,
}

/// Everything that is put to a visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    pub heading: &'static str,
    pub lead: String,
    pub purposes: Vec<PurposeTold>,
    pub vendors: Vec<VendorTold>,
    pub small: &'static str,
}

/// A name pattern as people read it: `_ga_*` for `^_ga_[A-Z0-9]+$`.
fn readable(pattern: &str) -> String {
    let inner = pattern.trim_start_matches('^').trim_end_matches('$');
    let mut out = String::new();
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '[' => {
                for c in chars.by_ref() {
                    if c == ']' {
                        break;
                    }
                }
                out.push('*');
            }
            '.' => out.push('*'),
            '+' | '*' | '?' => {}
            '\\' => out.extend(chars.next()),
            '(' | ')' => out.push(c),
            '|' => out.push_str(" or "),
            other => out.push(other),
        }
    }
    out.replace("**", "*")
}

/// Words as one phrase: the last behind an *and*.
pub(super) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

impl VendorTold {
    /// What is told about one vendor.
    pub fn new(vendor: &Vendor) -> VendorTold {
        let names: Vec<String> = vendor.purposes.iter().map(|p| p.name().to_lowercase()).collect();
        let cookies = vendor.cookies.iter().filter(|c| !c.old);
        VendorTold {
            id: vendor.id.clone(),
            print: vendor.short_print().to_owned(),
            name: vendor.name.clone(),
            owner: vendor.owner.clone(),
            purposes: vendor.purposes.iter().map(|p| p.slug()).collect(),
            letter: vendor.purposes.first().map_or("X", |p| p.consent_o_matic()),
            what_for: listed(&names),
            hosts: {
                let mut hosts: Vec<String> = vendor
                    .hosts
                    .granted()
                    .map(|h| {
                        h.trim_start_matches("https://").split('/').next().unwrap_or_default().to_owned()
                    })
                    .collect();
                hosts.sort();
                hosts.dedup();
                hosts
            },
            cookies: cookies
                .map(|c| CookieTold {
                    name: readable(&c.name),
                    lasts: c.lasts.clone(),
                    // What is written in a frame lies under the frame's name.
                    is_ours: c.jar == Jar::Ours && vendor.is_in_page(),
                })
                .collect(),
            sells_or_shares: vendor.sells_or_shares,
            targets_ads: vendor.targets_ads,
            apart: (!vendor.is_in_page()).then_some(APART),
        }
    }
}

/// What is told of vendors who are met in a frame.
const APART: &str = "Runs only in a frame apart from our pages, which it cannot read. What is shown there may come from \
                     hosts that nobody can list.";

/// What everyone is told at the end.
const SMALL: &str = "Your answer lasts six months at most. You can change it on every page, under “Your privacy choices”. \
                     What a vendor already has, only the vendor can delete.";
/// The same where a vendor of advertisements is among those who are asked about.
const SMALL_ADS: &str = "A no does not end advertisements: our own may still be shown, chosen by the page and not by past \
                         visits, and a vendor’s own opt-out does not end them either. Your answer lasts six months at \
                         most. You can change it on every page, under “Your privacy choices”. What a vendor already \
                         has, only the vendor can delete.";

/// What stands above the button against sale and sharing, where somebody on this site trades and where nobody does.
const SALE: &str = "Do Not Sell or Share My Personal Information";
const TRADES: &str = "Some of those below may sell or share what they learn, or use it to choose advertisements. One press stops \
                      all of that: no account, no e-mail, no further question.";
const TRADES_NOT: &str = "We sell and share nothing. You may still put your no on record: no account, no e-mail, no further \
                          question.";
/// What stands around the switches of the screen.
const SCREEN: &str = "Who may see you, and for what";
const SCREEN_LEAD: &str = "Someone is contacted only where both the purpose and the vendor are on.";

/// What stands in the foot of a page on which somebody may be met: the button, and why it is there.
pub const FOOT: &str = "Take back every yes\nOthers may see you on this page.";

/// What stands above the button that takes back an earlier yes, for somebody for whom none counts now.
pub const KEPT: &str = "A yes from before\nIt is still kept, though it counts for nobody at the moment. Take it back, and it \
                        never counts again.\nTake back every yes";

/// What is kept of a no in a banner that asked otherwise than is asked by now: its button, since the words beside that are not
/// known here.
pub const EARLIER: &str =
    "Reject all\nPressed in an earlier edition of the question. Its words are not kept here.";

/// What stands beside the list of places.
const PLACE: &str = "Where are you?\nYou need not say, and we do not look it up: as long as we do not know, the strictest \
                         rules hold.";

/// What stands beside the question where an account's owner is.
pub const COUNTRY: &str =
    "Decides which privacy and age rules we follow for you; the strictest until you say.";

/// What somebody young reads beside either.
const STRICTER: &str = "Stricter rules hold for this account from the moment you say so, and stay when you say otherwise \
                        later. Where you would be too young for an account it ends, and you can take along what is there.";

/// All that stands beside the list of places, but for the place that was said already. `loose` are those, by name, where people
/// may be asked afterwards.
pub fn place(loose: &[String], is_young: bool) -> String {
    let mut lines = vec![PLACE.to_owned()];
    match is_young {
        true => lines.push(STRICTER.to_owned()),
        false => lines.extend(asked_afterwards(loose, "everyone above is")),
    }
    lines.join("\n")
}

/// The same beside the question where an account's owner is.
pub fn country(loose: &[String], is_young: bool) -> String {
    let mut lines = vec!["Where you are".to_owned(), COUNTRY.to_owned()];
    match is_young {
        true => lines.push(STRICTER.to_owned()),
        false => {
            lines.extend(asked_afterwards(loose, "those who may see you under your privacy choices are"));
            lines.push("A place that you set under your privacy choices comes first.".to_owned());
        }
    }
    lines.join("\n")
}

/// What it means to say that one is at a place where people may be asked afterwards, where there are such.
fn asked_afterwards(loose: &[String], who: &str) -> Option<String> {
    let places = loose.join(", ");
    (!loose.is_empty()).then(|| {
        format!(
            "In {places} people may be asked afterwards: if you say that you are there, {who} on until you say no."
        )
    })
}

/// What stands beside the button against sale and sharing.
pub fn sale(trades: bool) -> String {
    format!("{SALE}\n{}", if trades { TRADES } else { TRADES_NOT })
}

impl Told {
    /// What is put to a visitor about these vendors.
    pub fn about<'a>(vendors: impl Iterator<Item = &'a Vendor>) -> Told {
        let all: Vec<&Vendor> = vendors.collect();
        let purposes: Vec<Purpose> =
            Purpose::ALL.into_iter().filter(|p| all.iter().any(|v| v.purposes.contains(p))).collect();
        let has_ads = all.iter().any(|v| v.is_ads());
        let names: Vec<String> = all.iter().map(|v| v.name.clone()).collect();
        let what: Vec<String> = purposes.iter().map(|p| p.name().to_lowercase()).collect();
        Told {
            heading: "May others see that you are here?",
            lead: format!(
                "We use cookies only where a page cannot work without them. {} would set cookies of their own and see what \
                 you look at, for {}. Nothing of theirs is loaded unless you accept, and everything works if you do not.",
                listed(&names),
                listed(&what)
            ),
            purposes: purposes
                .into_iter()
                .map(|p| PurposeTold {
                    slug: p.slug(),
                    name: p.name(),
                    words: p.words(),
                    letter: p.consent_o_matic(),
                })
                .collect(),
            vendors: all.into_iter().map(VendorTold::new).collect(),
            small: if has_ads { SMALL_ADS } else { SMALL },
        }
    }

    /// Whether what is told at the end says already that a no does not end advertisements.
    pub fn small_tells_of_ads(&self) -> bool {
        self.small == SMALL_ADS
    }

    /// The same as the screen of choices puts it, line by line and word for word: beside each switch what it is for, whom it
    /// contacts and what it keeps.
    pub fn on_screen(&self) -> String {
        let mut lines = vec![SCREEN.to_owned(), SCREEN_LEAD.to_owned()];
        lines.extend(self.purposes.iter().map(|p| format!("{} {}", p.name, p.words)));
        for v in &self.vendors {
            lines.push(format!("{} {}, for {}", v.name, v.owner, v.what_for));
            lines.extend(v.apart.map(|apart| format!("Where {apart}")));
            lines.push(format!("Contacts {}", v.hosts.join(", ")));
            let cookie = |c: &CookieTold| {
                let jar = if c.is_ours { "" } else { " (in its own jar: we cannot take it away)" };
                format!("{} {}{jar}", c.name, c.lasts)
            };
            let cookies: Vec<String> = v.cookies.iter().map(cookie).collect();
            lines.push(format!(
                "Cookies {}",
                if cookies.is_empty() { "none".into() } else { cookies.join(", ") }
            ));
            let sells = if v.sells_or_shares { "nobody has shown us that it does not" } else { "no" };
            lines.push(format!("Sells or shares {sells}"));
        }
        lines.push(self.small.to_owned());
        lines.join("\n")
    }

    /// The whole as one text, line by line and word for word as the banner shows it: what is hashed and kept.
    pub fn text(&self) -> String {
        let mut lines = vec![self.heading.to_owned(), self.lead.clone()];
        lines.extend(self.purposes.iter().map(|p| format!("{}: {}", p.name, p.words)));
        for v in &self.vendors {
            let cookies: Vec<String> =
                v.cookies.iter().map(|c| format!("{} ({})", c.name, c.lasts)).collect();
            lines.push(format!(
                "{} ({}), for {}. Contacts {}. Cookies: {}.",
                v.name,
                v.owner,
                v.what_for,
                v.hosts.join(", "),
                if cookies.is_empty() { "none".to_owned() } else { cookies.join(", ") }
            ));
            lines.extend(v.apart.map(str::to_owned));
        }
        lines.push(self.small.to_owned());
        lines.join("\n")
    }
}

/// Whom a banner's form says it was about, such as `ga4.0123456789abcdef`: what was in front of somebody is what they
/// answered, whatever another tab did meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Their places in the registry, of those who are on.
    pub about: Vec<usize>,
    /// Whether all of them are on, and described as they were there. Else a yes would be to something else than was read; a
    /// no to them is one however they are described.
    pub is_current: bool,
}

/// Whom a form names. Nothing where it names nobody.
pub fn named_in(book: &Rulebook, text: &str) -> Option<Named> {
    let (mut about, mut is_current) = (vec![], true);
    for word in text.split_whitespace() {
        let (id, print) = word.split_once('.').unwrap_or((word, ""));
        let known = book.enabled.iter().map(|e| e.at).find(|at| book.registry.vendors[*at].id == id);
        is_current &= known.is_some_and(|at| book.registry.vendors[at].short_print() == print);
        about.extend(known);
    }
    about.sort_unstable();
    about.dedup();
    (!about.is_empty() || !is_current).then_some(Named { about, is_current })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;
    use crate::consent::vendor::Registry;

    /// R-RC-2, R-CN-12, R-RC-8: a form answers what stood beside it; of something that is described otherwise by now it is known
    /// whom it named, which is enough for a no.
    #[test]
    fn a_form_is_about_what_it_showed() {
        let vendors = BTreeMap::from([("CUEHOUSE_VENDORS".into(), "ga4=G-TEST,statcounter=1:a".into())]);
        let book = Rulebook::new(&Config::read(None, &vendors).unwrap()).unwrap();
        let word = |id: &str| format!("{id}.{} ", book.registry.vendor(id).unwrap().short_print());
        let at = |id: &str| book.registry.vendors.iter().position(|v| v.id == id).unwrap();
        let (ga, counter) = (word("ga4"), word("statcounter"));
        let named = |about: &[&str], is_current: bool| {
            let mut about: Vec<usize> = about.iter().map(|id| at(id)).collect();
            about.sort_unstable();
            Some(Named { about, is_current })
        };
        assert_eq!(named_in(&book, " "), None);
        assert_eq!(named_in(&book, &ga), named(&["ga4"], true));
        assert_eq!(named_in(&book, &format!("{counter}{ga}{ga}")), named(&["ga4", "statcounter"], true));
        for (stale, about) in [
            ("ga4.0123456789abcdef", vec!["ga4"]),
            ("ga4", vec!["ga4"]),
            ("nobody.0", vec![]),
            (word("histats").as_str(), vec![]),
            (format!("{ga}ga4.").as_str(), vec!["ga4"]),
            (format!("{ga}statcounter.0123456789abcdef").as_str(), vec!["ga4", "statcounter"]),
        ] {
            assert_eq!(named_in(&book, stale), named(&about, false), "{stale}");
        }
    }

    #[test]
    fn names_of_cookies_are_readable() {
        for (pattern, read) in [
            ("^_ga$", "_ga"),
            ("^_ga_[A-Z0-9]+$", "_ga_*"),
            ("^HstC(fa|la)[0-9]+$", "HstC(fa or la)*"),
            ("^_gac_(UA|G)-.+$", "_gac_(UA or G)-*"),
        ] {
            assert_eq!(readable(pattern), read);
        }
    }

    /// R-AD-3, S1-26: where advertising is asked about, what a no does not end is said in the same place.
    #[test]
    fn a_no_to_advertising_says_what_it_does_not_end() {
        let registry = Registry::shipped().unwrap();
        for vendor in &registry.vendors {
            let text = Told::about([vendor].into_iter()).text();
            assert_eq!(text.contains("does not end advertisements"), vendor.is_ads(), "{}", vendor.id);
        }
        assert!(registry.vendors.iter().any(|vendor| vendor.is_ads()));
    }

    #[test]
    fn a_notice_says_who_and_for_what() {
        let registry = Registry::shipped().unwrap();
        let two = ["ga4", "statcounter"].map(|id| registry.vendor(id).unwrap());
        let told = Told::about(two.into_iter());
        let text = told.text();
        for part in [
            "Google Analytics 4 and StatCounter",
            "statistics",
            "*.google-analytics.com",
            "_ga (2 years)",
            "We use",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("__utma"), "what only older scripts wrote is not told");
        assert_eq!(told.purposes.len(), 1);
    }
}
