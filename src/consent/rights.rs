//! What people may ask of us, how, and who is given what: the notice that the ledger is held against.

use rocket::{State, get};
use serde::Serialize;

use super::constants::ANSWER_DAYS;
use super::disclosure;
use super::recipient::Entry;
use crate::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::web::{Page, Reply, View};

/// `/privacy/rights`.
#[derive(Serialize)]
pub struct RightsPage {
    operator: String,
    country: String,
    /// The lines of its postal address, where it is told.
    address: Vec<String>,
    contact: String,
    days: i64,
    /// Everyone who may be given something, or was within twelve months.
    recipients: Vec<Entry>,
    /// Whether one of them may use it for its own marketing.
    shares: bool,
}

impl View for RightsPage {
    const TEMPLATE: &'static str = "consent/rights.html";

    fn samples() -> Vec<RightsPage> {
        let entry = |is_vendor: bool, address: Option<&str>| Entry {
            id: "counter".into(),
            name: "Counter & <Sons>".into(),
            address: address.map(str::to_owned),
            purpose: "analytics".into(),
            what_for: "statistics".into(),
            categories: "network pages".into(),
            kinds: vec!["network address (IP address)".into(), "pages looked at, and when".into()],
            is_vendor,
            markets: is_vendor,
        };
        let page = |shares: bool| RightsPage {
            operator: "Cuehouse".into(),
            country: if shares { "DE".into() } else { String::new() },
            address: if shares { vec!["2 Street".into(), "Town".into()] } else { vec![] },
            contact: "hello@shop.example".into(),
            days: ANSWER_DAYS,
            recipients: if shares {
                vec![entry(true, Some("1 Road")), entry(true, None), entry(false, None)]
            } else {
                vec![entry(false, None)]
            },
            shares,
        };
        vec![page(false), page(true)]
    }
}

/// Your privacy rights, those of Californians among them (Civil Code 1798.83), and the notice of what is given to whom.
#[get("/privacy/rights")]
pub async fn show(page: Page, app: &State<App>) -> Result<Reply> {
    let (book, services, now) = (app.consent.clone(), app.services.clone(), Timestamp::now());
    let recipients = app.db.read(move |conn| disclosure::notice(conn, &book, &services, now)).await?;
    page.show(&RightsPage {
        operator: app.config.operator_name.clone(),
        country: app.config.operator_country.clone(),
        address: app.config.operator_address.lines().map(|line| line.trim().to_owned()).collect(),
        contact: app.config.contact.clone(),
        days: ANSWER_DAYS,
        shares: recipients.iter().any(|entry| entry.markets),
        recipients,
    })
}
