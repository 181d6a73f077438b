//! What a guardian is told before they are asked: made from the settings of this shop as it runs, the same for everyone,
//! and kept for ever under its hash. It names nobody: who asks stands in the letter beside it.

use super::form;
use super::minimum::Minimums;
use super::permission::{Method, Reach, Scope};
use super::ward::{ANSWER_MS, export_ms};
use crate::App;
use crate::accounts::band::Band;
use crate::clock::DAY;
use crate::config::Strength;
use crate::consent::receipt::Notice;
use crate::consent::rulebook::Rulebook;
use std::sync::Arc;

/// The edition of these words. A change of meaning is a new one.
pub const VERSION: &str = "2026-11-28";
pub const LANGUAGE: &str = "en";

/// What the passages of a ward must know of the shop they happen in.
#[derive(Clone)]
pub struct Ground {
    pub book: Arc<Rulebook>,
    pub site_name: String,
    pub site_url: String,
    pub operator: String,
    pub country: String,
    pub contact: String,
    /// By post and by telephone; empty where it is not told.
    pub address: String,
    pub phone: String,
    pub strength: Strength,
    /// How a guardian can be proved here.
    pub methods: Vec<Method>,
    /// The services that begin at an age of their own.
    pub minimums: Minimums,
    /// Who finds out that a guardian is who they say, as people are told of it.
    pub identity: Option<String>,
    /// Who carries text messages to parents, as people are told of it.
    pub carrier: Option<String>,
    pub is_payment_pretended: bool,
}

impl Ground {
    pub fn of(app: &App) -> Ground {
        Ground {
            book: app.consent.clone(),
            site_name: app.config.site_name.clone(),
            site_url: app.config.site_url.clone(),
            operator: app.config.operator_name.clone(),
            country: app.config.operator_country.clone(),
            contact: app.config.contact.clone(),
            address: app.config.operator_address.clone(),
            phone: app.config.operator_phone.clone(),
            strength: app.config.age.strength,
            methods: app.config.age.methods.clone(),
            minimums: app.config.age.services.clone(),
            identity: app.config.age.identity.as_ref().map(|provider| provider.name.clone()),
            carrier: app.config.age.carrier().map(|carrier| carrier.name.clone()),
            is_payment_pretended: app.config.stripe.is_pretend(),
        }
    }

    /// What a scope means here: with the age at which it begins, where it has one of its own.
    pub fn words(&self, scope: Scope) -> String {
        match self.minimums.of(scope) {
            Some(age) => format!("{} {}", scope.words(), not_before(age)),
            None => scope.words().to_owned(),
        }
    }

    /// Whether somebody is asked here to answer for people of this band: a guardian, or a child's parent where children are
    /// taken.
    pub fn asks_somebody(&self, band: Band) -> bool {
        match band {
            Band::Child => self.book.child_mode,
            Band::Minor => self.book.site.guardian_rule,
            Band::Adult => false,
        }
    }

    /// Whether a scope waits for more than a confirmed letter here.
    pub fn wants_more_proof(&self, scope: Scope) -> bool {
        // What a child made is never shown to others on the strength of a letter, whatever the operator sets.
        scope == Scope::Publication || self.strength == Strength::Strong && scope.wants_more_proof()
    }
}

/// What a guardian reads of a service that begins at this age.
pub fn not_before(age: u32) -> String {
    format!(
        "Not before the age of {age}: until then it cannot be allowed, and it does not begin by itself then."
    )
}

/// A part of the notice: a heading and its sentences.
#[derive(Clone, Debug)]
pub struct Part {
    pub heading: &'static str,
    pub lines: Vec<String>,
}

/// The direct notice (16 CFR 312.4(c)(1)) about somebody between the minimum and the age of majority, or about a child.
pub fn parts(ground: &Ground, is_child: bool) -> Vec<Part> {
    let site = &ground.site_name;
    let days = |ms: i64| ms / DAY;
    let whose = match ground.country.as_str() {
        "" => ground.operator.clone(),
        country => format!("{} ({country})", ground.operator),
    };
    let band = if is_child { Band::Child } else { Band::Minor };
    let whom = if is_child { "your child" } else { "the person you answer for" };
    let named: Vec<String> = ground.book.on().map(|v| format!("{} ({})", v.name, v.owner)).collect();
    let third = match named.is_empty() {
        true => "No company that counts or advertises is used on this site at all.".to_owned(),
        false => format!(
            "This site uses {} for grown-up visitors who said yes to them. For {whom} none of them is ever contacted, \
             whatever anybody agreed to.",
            named.join(", ")
        ),
    };
    let payment = match ground.is_payment_pretended {
        true => "Payments are pretended here: this is a shop under construction.",
        false => "A purchase is paid at Stripe, which learns what its payment page asks for.",
    };
    let mut what = vec![format!(
        "Kept without your answer: your e-mail address and the name chosen for the account, to be able to ask you. \
         Nothing else was collected, and nothing will be before you allow it. If you do not answer within {} days, both \
         are deleted.",
        days(ANSWER_MS)
    )];
    let scopes: Vec<Scope> = match is_child {
        true => vec![Scope::Account, Scope::Publication],
        false => [Scope::Account].into_iter().chain(Scope::OF_MINORS).collect(),
    };
    what.extend(scopes.iter().map(|scope| format!("{}: {}", scope.name(), ground.words(*scope))));
    if let Some(age) = ground.minimums.of(Scope::Upload).filter(|_| is_child) {
        what.push(format!(
            "Nobody puts sounds here before the age of {age}, whatever is allowed: your child can listen, and keep favourites."
        ));
    } else if is_child {
        what.push(
            "With the account your child can put sounds here. A recorded voice is personal information: it is kept for your \
             child alone, and for you if you ask. A sound is measured once (length, loudness, tempo, key, and a print that \
             finds the same recording again). Nothing is made of it that would recognise a voice."
                .to_owned(),
        );
    }
    let signing_in = match is_child {
        true => {
            "its name and a password that nobody can read; your child gives no address, signs in with the name, and letters \
             about the account come to you;"
        }
        false => "its name, an e-mail address and a password that nobody can read,",
    };
    what.push(format!(
        "An account holds {signing_in} favourites, and what is done with what you allow. A date of birth is not kept."
    ));
    let mut who = vec![third, payment.to_owned()];
    who.extend(finder(ground));
    if is_child {
        who.extend(carried(ground));
        who.push(
            "Collection and use is one question, showing to others the next. You may allow the first and not the second, \
             and nothing depends on the second but what it is about. Who others are: everyone who visits this site, so that \
             they can hear the sounds; nobody else. Nothing of a child is sold, advertised with, or used to train machines."
                .to_owned(),
        );
    } else {
        who.push(
            "Published sounds, the account's name and a profile you allow are seen by everyone who visits. Whoever buys a \
             licence is named on it to whoever checks it."
                .to_owned(),
        );
    }
    vec![
        Part {
            heading: "Why you read this",
            lines: vec![
                format!(
                    "Somebody who told {site} that they are under age would like an account, and gave your e-mail address as \
                     that of the parent or guardian who decides. {site} is run by {whose}."
                ),
                "We have your address from them, for this question alone.".to_owned(),
            ],
        },
        Part { heading: "What would be collected, and what for", lines: what },
        Part { heading: "Who else would see it", lines: who },
        Part {
            heading: "How you answer",
            lines: vec![
                "Opening the link in the letter does nothing. On the page it opens you say yes or no with a button. A day \
                 later we write to you once more, with a link that takes everything back."
                    .to_owned(),
                format!(
                    "Some of what can be allowed waits until you proved to be you by more than a letter. One of these is \
                     enough: {}.",
                    proofs(ground).join("; ")
                ),
                format!(
                    "You can see what is held, download it, change what you allowed, stop it or have it deleted at any time, at \
                     {}/guardians. What was bought or licensed until then stays valid. After an end what is there can be \
                     exported for {} days, and is then deleted. When they come into the next band of age your part ends by \
                     itself, and our record of you with it.",
                    ground.site_url,
                    days(export_ms(band))
                ),
                format!(
                    "What this site keeps about people: {site_url}/privacy, and about children: {site_url}/privacy/children. \
                     Questions: {}.",
                    ground.contact,
                    site_url = ground.site_url,
                ),
            ],
        },
    ]
}

/// Who finds out that a guardian is who they say, where a method is on that needs a provider.
fn finder(ground: &Ground) -> Option<String> {
    let name = ground.identity.as_ref()?;
    ground.methods.iter().any(|method| method.needs_provider()).then(|| {
        format!(
            "If you choose to prove with {name} that it is you, {name} gets a reference that means nothing elsewhere and the \
             way you chose: no name, no address, and nothing about the account. What you show it, it asks of you itself. We \
             learn yes or no, keep of a yes the way and the day, and have it forget you."
        )
    })
}

/// Who carries text messages to a parent who answers with one.
fn carried(ground: &Ground) -> Option<String> {
    let name = ground.carrier.as_ref()?;
    Some(format!(
        "If you choose to answer with a text message, {name} carries it and gets your mobile number and the words of the \
         message. It proves no more than a letter does. A day after your answer a second message says how to take it back, and \
         with it the number is deleted; an hour after the code if you do not answer, and after 15 minutes if you do not enter \
         it. It is used for nothing else."
    ))
}

/// What proves more than a letter here, in words.
fn proofs(ground: &Ground) -> Vec<&'static str> {
    let words = |method: &Method| match method {
        Method::SignedForm => Some("a form signed by hand, which two people look at and destroy"),
        Method::CardTransaction => Some("a small payment by card, given back at once"),
        Method::Phone => Some("a call"),
        Method::Video => Some("a talk by video, of which nothing is recorded"),
        Method::GovIdDb => {
            Some("an identity document, which a provider checks against the registers of such documents")
        }
        Method::Kba => Some("answers to a provider's questions, which a child could not give"),
        Method::FaceMatch => Some("a document with your picture and your face, which a provider compares"),
        Method::EmailPlus | Method::TextPlus => None,
    };
    ground.methods.iter().filter_map(words).collect()
}

/// The same as one text, as it is sent, hashed and kept.
pub fn direct(ground: &Ground, is_child: bool) -> Notice {
    let text = parts(ground, is_child)
        .into_iter()
        .map(|part| format!("{}\n{}", part.heading, part.lines.join("\n")))
        .collect::<Vec<_>>()
        .join("\n\n");
    Notice { version: VERSION.into(), language: LANGUAGE.into(), text }
}

/// The form's words as a notice of its own: what the signature is under.
pub fn form(ground: &Ground) -> Notice {
    let mut lines: Vec<String> = vec![form::TITLE.to_owned()];
    lines.extend(Scope::OF_MINORS.iter().map(|s| format!("{}: {}", s.name(), ground.words(*s))));
    let offered = Reach::OFFERED.map(|(_, name)| name).join(", ");
    lines.push(format!("{}, one of these: {offered}.", Scope::Messages.name()));
    lines.extend(form::statements(&ground.site_name));
    Notice { version: form::VERSION.into(), language: LANGUAGE.into(), text: lines.join("\n") }
}

/// What is kept beside the receipt of something nobody was shown anything for: a time that was over, a band that moved.
pub fn event(words: &str) -> Notice {
    Notice { version: VERSION.into(), language: LANGUAGE.into(), text: words.to_owned() }
}

#[cfg(test)]
pub(in crate::guardians) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;

    pub fn ground(settings: &[(&str, &str)]) -> Ground {
        let env: BTreeMap<String, String> =
            settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let config = Config::read(None, &env).unwrap();
        Ground {
            book: Arc::new(Rulebook::new(&config).unwrap()),
            site_name: "Cuehouse".into(),
            site_url: "https://shop.example".into(),
            operator: "Cuehouse Ltd".into(),
            country: "DE".into(),
            contact: "hello@shop.example".into(),
            address: String::new(),
            phone: String::new(),
            strength: config.age.strength,
            methods: config.age.methods.clone(),
            minimums: config.age.services.clone(),
            identity: config.age.identity.as_ref().map(|provider| provider.name.clone()),
            carrier: config.age.carrier().map(|carrier| carrier.name.clone()),
            is_payment_pretended: false,
        }
    }

    /// T-PV-2, R-PV-2: every element of 312.4(c)(1), made from live settings; another setting is another notice.
    #[test]
    fn the_notice_has_every_element_and_follows_the_settings() {
        let plain = ground(&[]);
        for is_child in [true, false] {
            let text = direct(&plain, is_child).text;
            for element in [
                "gave your e-mail address",
                "nothing will be before you allow it",
                "within 14 days",
                "Who else would see it",
                "https://shop.example/privacy",
                "Opening the link in the letter does nothing",
                "Cuehouse Ltd (DE)",
                "hello@shop.example",
                "Stripe",
            ] {
                assert!(text.contains(element), "{is_child}: {element}\n{text}");
            }
        }
        let child = direct(&plain, true);
        assert!(child.text.contains("You may allow the first and not the second"));
        let texts = ground(&[
            ("CUEHOUSE_AGE_METHODS", "email_plus,signed_form,card_transaction,text_plus"),
            ("CUEHOUSE_AGE_TEXT_URL", "https://texts.example"),
            ("CUEHOUSE_AGE_TEXT_SECRET", "key"),
        ]);
        assert!(direct(&texts, true).text.contains("texts.example carries it"));
        assert_eq!(direct(&texts, false).hash(), direct(&plain, false).hash(), "of children only");
        let vendors = ground(&[("CUEHOUSE_VENDORS", "ga4=G-TEST")]);
        assert!(direct(&vendors, true).text.contains("Google Analytics 4"));
        assert_ne!(direct(&vendors, true).hash(), child.hash());
        assert_eq!(direct(&plain, true).hash(), child.hash());
    }
}
