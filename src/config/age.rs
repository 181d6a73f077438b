//! The settings about the young.

use super::currency::smallest_charge;
use super::{Said, shown};
use crate::consent::signal::{AgeSignal, BRACKETS};
use crate::egress::{Keyed, PublicFile};
use crate::guardians::minimum::Minimums;
use crate::guardians::permission::{Method, Scope};

/// What the shop is towards the young.
#[derive(Clone, Debug)]
pub struct AgeSettings {
    /// A site profile of `consent/jurisdictions.toml`.
    pub profile: String,
    /// What becomes of somebody under the minimum, where the operator says otherwise than the profile; or empty.
    pub under_minimum: String,
    /// Under this age somebody counts as a child (COPPA: 13). Profile and place may raise it.
    pub minimum: u32,
    /// From this age a person needs no guardian.
    pub adult: u32,
    /// The services that begin at an age of their own, above the minimum.
    pub services: Minimums,
    /// How a guardian proves to be one before a ward may sell or be paid.
    pub strength: Strength,
    /// The methods of 16 CFR 312.5(b)(2) that are switched on: the letter always, and at least one that proves more.
    pub methods: Vec<Method>,
    /// The charge that proves a guardian's card and is given back at once, in minor units.
    pub proof_cents: i64,
    /// The header in which a device, a system or a browser says its user's bracket of age. None: nothing is heard.
    pub signal: Option<AgeSignal>,
    /// Who finds out whether somebody is of age whose account rests. None: nobody but the staff.
    pub provider: Option<Provider>,
    /// Who finds out whether a guardian is who they say, by the methods that need a provider. None: none of these is on.
    pub identity: Option<Provider>,
    /// Who carries text messages to parents. None: nobody is asked for a number.
    pub text: Option<Provider>,
}

impl AgeSettings {
    /// Who carries text messages to parents who want to answer by one, where that method is on.
    pub fn carrier(&self) -> Option<&Provider> {
        self.text.as_ref().filter(|_| self.methods.contains(&Method::TextPlus))
    }
}

/// A service that finds something out about somebody who goes there, or carries text messages.
#[derive(Clone, Debug)]
pub struct Provider {
    /// As people are told of it.
    pub name: String,
    pub at: Keyed,
}

/// How much proof selling and payouts of a ward need, beyond the guardian's confirmed letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// None beyond it.
    Letter,
    /// One of the methods that prove more: a form signed on paper and looked at by two of the staff, a small payment that is
    /// given back, a talk with trained staff, a provider's finding.
    Strong,
}

/// Reads them, for a shop with this currency.
pub(super) fn read(said: &mut Said, currency: &str) -> AgeSettings {
    let (identity, text) = (provider(said, "identity"), provider(said, "text"));
    let minimum: u32 = said
        .read("age.minimum", 13, "13 or more", |text| text.parse().ok().filter(|n| (13..=21).contains(n)));
    let adult: u32 =
        said.read("age.adult", 18, "18 or more", |text| text.parse().ok().filter(|n| (18..=21).contains(n)));
    if minimum > adult {
        said.faults.push("CUEHOUSE_AGE_MINIMUM must not be above CUEHOUSE_AGE_ADULT".into());
    }
    let methods = methods(said, identity.is_some(), text.is_some());
    let proof_cents = proof_cents(said, &methods, currency);
    AgeSettings {
        profile: said.text("age.profile", "guardian_under_18"),
        under_minimum: said.text("age.under_minimum", ""),
        minimum,
        adult,
        services: services(said, minimum, adult),
        strength: said.read("age.strength", Strength::Strong, "letter or strong", |text| match text {
            "letter" => Some(Strength::Letter),
            "strong" => Some(Strength::Strong),
            _ => None,
        }),
        methods,
        proof_cents,
        signal: signal(said),
        provider: provider(said, "provider"),
        identity,
        text,
    }
}

/// The ages at which single services begin, each between the site's minimum and 18.
fn services(said: &mut Said, minimum: u32, adult: u32) -> Minimums {
    let text = said.text("age.service_minimums", "");
    let mut fault = |words: String| said.faults.push(format!("CUEHOUSE_AGE_SERVICE_MINIMUMS {words}"));
    let mut ages: Vec<(Scope, u32)> = vec![];
    for item in text.split(',').map(str::trim).filter(|_| !text.is_empty()) {
        let Some((name, age)) = item.split_once('=').map(|(name, age)| (name.trim(), age.trim())) else {
            fault(format!(
                "says {item:?}, and should say services with their ages, such as upload=14,sell=16"
            ));
            continue;
        };
        let scope = Scope::parse(name).filter(|scope| Minimums::SERVICES.contains(scope));
        let age: Option<u32> = age.parse().ok().filter(|age| (minimum..=18).contains(age));
        match (scope, age) {
            (None, _) if name == Scope::Account.as_str() => {
                fault("names account, whose least age is CUEHOUSE_AGE_MINIMUM".into());
            }
            (None, _) => fault(format!(
                "names {name:?}, which is none of {}",
                Minimums::SERVICES.map(Scope::as_str).join(", ")
            )),
            (_, None) => fault(format!("says {item:?}, and an age should be a number from {minimum} to 18")),
            (Some(scope), _) if ages.iter().any(|(said, _)| *said == scope) => {
                fault(format!("names {name} twice"));
            }
            (Some(scope), Some(age)) => ages.push((scope, age)),
        }
    }
    Minimums::new(ages, adult)
}

/// The methods by which a guardian is proved here.
fn methods(said: &mut Said, has_provider: bool, has_carrier: bool) -> Vec<Method> {
    let usual = vec![Method::EmailPlus, Method::SignedForm, Method::CardTransaction];
    let all = said.read("age.methods", usual, "names of methods, such as email_plus,signed_form", |text| {
        text.split(',').map(|name| Method::parse(name.trim())).collect::<Option<Vec<Method>>>()
    });
    let mut fault = |words: String| said.faults.push(format!("CUEHOUSE_AGE_METHODS {words}"));
    for method in all.iter().filter(|method| method.needs_carrier() && !has_carrier) {
        fault(format!("names {method}, whose messages somebody must carry: set CUEHOUSE_AGE_TEXT_URL"));
    }
    for method in all.iter().filter(|method| method.needs_provider() && !has_provider) {
        fault(format!("names {method}, which a provider finds out: set CUEHOUSE_AGE_IDENTITY_URL"));
    }
    if !all.contains(&Method::EmailPlus) {
        fault("must name email_plus: every guardian is asked by a letter".into());
    }
    if !all.iter().any(|method| method.unlocks_disclosure()) {
        fault("must name one that proves more than a letter".into());
    }
    if all.contains(&Method::Phone) && said.text("operator.phone", "").is_empty() {
        said.faults
            .push("CUEHOUSE_OPERATOR_PHONE belongs to the method phone of CUEHOUSE_AGE_METHODS".into());
    }
    all
}

/// The charge that proves a card: no less than Stripe charges in this currency, and not much more.
fn proof_cents(said: &mut Said, methods: &[Method], currency: &str) -> i64 {
    let smallest = smallest_charge(currency);
    let least = smallest.unwrap_or_default().max(50);
    let most = if smallest.is_some() { least * 10 } else { 1_000_000 };
    if smallest.is_none()
        && said.get("age.proof_cents").is_none()
        && methods.contains(&Method::CardTransaction)
    {
        said.faults.push(format!(
            "CUEHOUSE_AGE_PROOF_CENTS must be said in {currency}, for which Stripe states no smallest charge: what is worth \
             half a US dollar or more"
        ));
    }
    said.read("age.proof_cents", least, &format!("{least} to {most} minor units"), |text| {
        text.parse().ok().filter(|n| (least..=most).contains(n))
    })
}

/// The provider whose settings begin so, where the operator named one, whole.
fn provider(said: &mut Said, which: &str) -> Option<Provider> {
    let [url, secret, name] = ["url", "secret", "name"].map(|part| format!("age.{which}_{part}"));
    let at = said.read(&url, None, "an https address without a password in it", |text| {
        PublicFile::parse(text).map(Some)
    })?;
    let (key, name) = (said.text(&secret, ""), said.text(&name, at.host()));
    if key.is_empty() {
        said.faults.push(format!("{} belongs to {}", shown(&secret), shown(&url)));
    }
    Some(Provider { name, at: Keyed::new(at, &key) })
}

/// The signal, where the operator named its header.
fn signal(said: &mut Said) -> Option<AgeSignal> {
    let known = BRACKETS.iter().map(|(value, years)| ((*value).to_owned(), *years)).collect();
    let oldest = said.read(
        "age.signal_values",
        known,
        "values, each with the oldest age it allows, such as 0-12=12,13-15=15,16-17=17",
        |text| {
            let pair = |item: &str| {
                let (value, years) = item.trim().rsplit_once('=')?;
                let years = years.trim().parse().ok().filter(|years| *years <= 120)?;
                (!value.trim().is_empty()).then(|| (value.trim().to_owned(), years))
            };
            text.split(',').map(pair).collect::<Option<Vec<(String, u32)>>>()
        },
    );
    let by_proxy = said.read("age.signal_from", false, "browser or proxy", |text| match text {
        "browser" => Some(false),
        "proxy" => Some(true),
        _ => None,
    });
    let header = said.read(
        "age.signal_header",
        None,
        "the name of a request header that says nothing else",
        |text| is_header(text).then(|| Some(text.to_owned())),
    )?;
    Some(AgeSignal { header, oldest, by_proxy })
}

/// A token (RFC 9110, section 5.6.2) that is none of the headers every request has.
fn is_header(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let common = ["host", "cookie", "authorization", "user-agent", "accept", "accept-language", "referer"];
    text.bytes().all(plain) && !common.iter().any(|name| name.eq_ignore_ascii_case(text))
}
