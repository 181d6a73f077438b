//! The screen of choices: everything that can be decided about who may see a visitor, as it stands for them.

use rocket::{State, get};
use serde::Serialize;

use super::adult;
use super::age::Band;
use super::choices::Standing;
use super::decision::Reason;
use super::guards::{Consent, Decided};
use super::letters::Wanted;
use super::letters::routes::{Switch, switches};
use super::notice::{PurposeTold, Told, VendorTold};
use super::purpose::Purpose;
use super::routes::edition_day;
use super::rulebook::{AdsMode, Enabled};
use super::vendor::{Registry, Vendor};
use super::whereabouts::{Here, WherePart, named};
use super::who::{WayOut, ways_of};
use super::word::Refusal;
use crate::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::ReceiptId;
use crate::web::{Page, Reply, View};

/// A purpose with its switch.
#[derive(Serialize)]
struct PurposeRow {
    #[serde(flatten)]
    told: PurposeTold,
    on: bool,
}

/// A vendor with its switch and the reason it is on or off in this very answer.
#[derive(Serialize)]
struct VendorRow {
    #[serde(flatten)]
    told: VendorTold,
    on: bool,
    is_contacted: bool,
    reason: &'static str,
    ways_out: Vec<WayOut>,
}

/// The screen where everything is decided.
#[derive(Serialize)]
pub struct ChoicesPage {
    /// Whether anybody could be contacted at all on this site.
    has_vendors: bool,
    /// Whether nobody is asked, because of the age question.
    is_young: bool,
    /// The age question with the way back, where it was not answered and must be before anything is chosen.
    screen: Option<String>,
    /// Whether an earlier yes is kept all the same, which can be taken back.
    keeps_yes: bool,
    /// The age question with the way back, where a yes to personalised advertising counts only once it is answered.
    personal_after: Option<String>,
    /// Whether it makes a difference where they are.
    asks_place: bool,
    /// Where they say they are, and what they may say.
    place: WherePart,
    /// Where their account says they are, by name, where they chose no place here.
    country: Option<String>,
    /// Whether somebody is on without having been granted, because of that place.
    is_loose: bool,
    purposes: Vec<PurposeRow>,
    vendors: Vec<VendorRow>,
    small: &'static str,
    /// Whether that says already what a no leaves of advertisements.
    small_tells_of_ads: bool,
    /// Letters that nobody has to get; only for people with an account.
    letters: Vec<Switch>,
    says_gpc: bool,
    says_dnt: bool,
    signal_beaten: bool,
    decided_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    opted_out_at: Option<Timestamp>,
    /// The receipt of the choice just made, or of the last yes.
    receipt: Option<String>,
    /// Whether it was made just now.
    is_fresh: bool,
    /// Whether anything that could be contacted sells, shares or targets.
    trades: bool,
    no_cookies: bool,
    /// Why nothing was switched on by a form that was sent.
    spent: Option<&'static str>,
    /// Whether house advertisements go on after a no.
    ads_go_on: bool,
    edition: Timestamp,
}

impl ChoicesPage {
    /// Everything as it stands for this visitor. `fresh` is the receipt of a choice made just now.
    fn new(app: &App, consent: &Consent, letters: Vec<Switch>, fresh: Option<String>) -> ChoicesPage {
        let (book, now) = (&app.consent, Timestamp::now());
        let (choices, decision) = (&consent.choices, &consent.decision);
        let told = Told::about(book.on());
        let standing =
            |id: &str, purpose| book.on().find(|v| v.id == id).map(|v| choices.standing(v, purpose, now));
        let is_young = matches!(consent.band, Some(Band::Child | Band::Minor))
            || consent.band.is_none() && app.consent.child_mode;
        let is_personal = |vendor: &Vendor| vendor.purposes.contains(&Purpose::AdsPersonalised);
        // What is on without a yes is shown as on: a switch that says otherwise would lie.
        let unasked = |at: usize| decision.reasons[at] == Reason::OptOutProfile;
        let vendors = book
            .enabled
            .iter()
            .map(|e| {
                let vendor = &book.registry.vendors[e.at];
                let on = choices.vendors.get(&vendor.id).is_some_and(|a| a.yes)
                    && choices.of(vendor, now) != Standing::Expired
                    && choices.of(vendor, now) != Standing::Changed
                    || unasked(e.at);
                VendorRow {
                    told: VendorTold::new(vendor),
                    on,
                    is_contacted: decision.reasons[e.at].allows(),
                    reason: decision.reasons[e.at].words(),
                    ways_out: ways_of(vendor, now),
                }
            })
            .collect();
        let purposes = told
            .purposes
            .iter()
            .map(|p| {
                let purpose = Purpose::parse(p.slug);
                let on = purpose.is_some_and(|purpose| {
                    let is_unasked = |e: &Enabled| {
                        unasked(e.at) && book.registry.vendors[e.at].purposes.contains(&purpose)
                    };
                    choices.purposes.get(&purpose) == Some(&true)
                        && told.vendors.iter().any(|v| standing(&v.id, purpose) == Some(Standing::Granted))
                        || book.enabled.iter().any(is_unasked)
                });
                PurposeRow { told: p.clone(), on }
            })
            .collect();
        ChoicesPage {
            has_vendors: !book.enabled.is_empty(),
            is_young,
            screen: (consent.band.is_none() && is_young).then(|| adult::screen("/privacy/choices")),
            personal_after: (consent.band.is_none() && !is_young && book.on().any(is_personal))
                .then(|| adult::screen("/privacy/choices")),
            keeps_yes: is_young && book.on().any(|v| choices.of(v, now) == Standing::Granted),
            asks_place: match is_young {
                true => consent.account.is_some(),
                false => !book.enabled.is_empty(),
            },
            place: WherePart::new(book, choices.place.as_deref()),
            country: match consent.here() {
                Here::Account(code) => named(code).map(|place| place.name),
                _ => None,
            },
            is_loose: book.enabled.iter().any(|e| unasked(e.at)),
            purposes,
            vendors,
            small: told.small,
            small_tells_of_ads: told.small_tells_of_ads(),
            letters,
            says_gpc: consent.signals.gpc,
            says_dnt: consent.signals.dnt && book.honour_dnt,
            signal_beaten: consent.signal(app) && choices.overrides_gpc.is_some(),
            decided_at: choices.decided_at,
            expires_at: choices.expires_at.filter(|at| *at > now),
            opted_out_at: choices.opted_out_at,
            is_fresh: fresh.is_some(),
            receipt: fresh.or_else(|| choices.receipt.clone()),
            trades: book.on().any(|v| v.trades()),
            no_cookies: !consent.takes_cookies,
            spent: None,
            ads_go_on: decision.ads != AdsMode::None,
            edition: edition_day(),
        }
    }
}

impl View for ChoicesPage {
    const TEMPLATE: &'static str = "consent/choices.html";

    fn samples() -> Vec<ChoicesPage> {
        let day = Timestamp(1_800_000_000_000);
        let all: Vec<_> = Registry::shipped()
            .map(|r| r.vendors.iter().filter(|v| v.id == "ga4" || v.id == "histats").collect())
            .unwrap_or_default();
        let told = Told::about(all.iter().copied());
        let place = |on: bool| WherePart {
            here: named("US-TX").filter(|_| on),
            states: named("US-TX").into_iter().collect(),
            countries: named("DE").into_iter().collect(),
            loose: if on { vec!["Texas".into()] } else { vec![] },
        };
        let page = |has_vendors: bool, on: bool, account: bool| ChoicesPage {
            has_vendors,
            is_young: false,
            screen: None,
            keeps_yes: false,
            personal_after: (on && account).then(|| adult::screen("/privacy/choices")),
            asks_place: has_vendors,
            place: place(on),
            country: account.then(|| "Germany".into()),
            is_loose: on && account,
            purposes: told.purposes.iter().map(|p| PurposeRow { told: p.clone(), on }).collect(),
            vendors: (all.iter().zip(&told.vendors))
                .map(|(vendor, told)| (told.clone(), ways_of(vendor, day)))
                .map(|(told, ways_out)| VendorRow { told, on, is_contacted: on, reason: "On.", ways_out })
                .collect(),
            small: told.small,
            small_tells_of_ads: told.small_tells_of_ads(),
            letters: if account {
                vec![Switch { slug: "marketing_email", name: "A letter a week", words: "What is new.", on }]
            } else {
                vec![]
            },
            says_gpc: on,
            says_dnt: !on,
            signal_beaten: on && account,
            decided_at: on.then_some(day),
            expires_at: on.then_some(day),
            opted_out_at: account.then_some(day),
            receipt: on.then(|| "01".into()),
            is_fresh: account,
            trades: true,
            no_cookies: !account,
            spent: (on && !account).then_some(Refusal::Used.words()),
            ads_go_on: on,
            edition: day,
        };
        let young = |screen: Option<String>| {
            let keeps_yes = screen.is_none();
            ChoicesPage { is_young: true, screen, keeps_yes, ..page(true, false, false) }
        };
        let unasked = Some(adult::screen("/privacy/choices"));
        vec![
            page(false, false, false),
            page(true, false, false),
            page(true, true, true),
            page(true, true, false),
            young(None),
            young(unasked),
        ]
    }
}

/// One screen with every choice on it.
#[get("/privacy/choices?<receipt>")]
pub async fn choices(receipt: Option<&str>, page: Page, consent: Decided, app: &State<App>) -> Result<Reply> {
    let fresh = receipt.and_then(ReceiptId::parse).or_else(|| page.receipt().cloned());
    let letters = letters(app, &consent).await?;
    page.show(&ChoicesPage::new(app, &consent, letters, fresh.map(|id| id.to_string())))
}

/// The same screen in answer to a form by which nothing was switched on, with the reason and its status: what holds, and every
/// choice anew. `receipt` is that of a no in the same form, which was carried out.
pub(super) async fn instead(
    app: &App,
    page: Page,
    consent: &Consent,
    why: Refusal,
    receipt: Option<ReceiptId>,
) -> Result<Reply> {
    let letters = letters(app, consent).await?;
    let fresh = receipt.map(|id| id.to_string());
    let shown = ChoicesPage { spent: Some(why.words()), ..ChoicesPage::new(app, consent, letters, fresh) };
    page.show_as(why.status(), &shown)
}

/// The letters that this visitor may have. Nobody under age gets any with offers.
async fn letters(app: &App, consent: &Consent) -> Result<Vec<Switch>> {
    let is_young = matches!(consent.band, Some(Band::Child | Band::Minor));
    let Some(user) = consent.account.clone().filter(|_| !is_young) else { return Ok(vec![]) };
    let wanted = app.db.read(move |conn| Wanted::of(conn, &user)).await?;
    Ok(switches(app, &wanted, Timestamp::now()))
}
