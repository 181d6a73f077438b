//! What buyers do in a session: they pay, they prove who they are, or they let it go.

use super::Book;
use crate::error::Result;
use crate::sandbox::cards::{self, Behaviour, Card, Decline};
use crate::sandbox::fault::Fault;
use crate::sandbox::records::{Charge, Failure, Paper, Payment, Record, Session};
use crate::sandbox::shelf::new_id;
use crate::secrets;

/// Seconds after which the card made for it is disputed.
const DISPUTED_AFTER: i64 = 1;

/// What came of an attempt to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    Paid,
    /// The bank asks the card's owner first.
    Challenged,
    Declined(Decline),
}

/// What someone typed on the payment page, once it made sense.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    pub card: &'static Card,
    pub exp_month: i64,
    pub exp_year: i64,
    pub email: &'a str,
}

impl Book {
    /// Opens a session. Stripe tells of none until something comes of it.
    pub fn open_session(&mut self, session: Session) {
        self.put(Record::Session(session));
    }

    /// Closes an open session for good, and the payment that was begun in it.
    pub fn expire(&mut self, id: &str, now: i64) -> Result<(), Fault> {
        let mut session =
            self.session(id).cloned().ok_or_else(|| Fault::missing("checkout.session", id, "session"))?;
        if session.status != "open" {
            let message = format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a \
                 status of \"{}\".",
                session.status
            );
            return Err(Fault::invalid(None, message, ""));
        }
        session.status = "expired".to_owned();
        if let Some(mut payment) = session.payment.as_deref().and_then(|id| self.payment(id)).cloned() {
            payment.status = "canceled".to_owned();
            payment.canceled_at = Some(now);
            self.put(Record::Payment(payment.clone()));
            self.tell("payment_intent.canceled", self.payment_object(&payment), now)?;
        }
        self.put(Record::Session(session.clone()));
        self.tell("checkout.session.expired", self.session_object(&session), now)
    }

    /// Someone pays an open session.
    pub fn pay(&mut self, id: &str, typed: Typed<'_>, now: i64) -> Result<Attempt, Fault> {
        let mut session = self.payable(id, now)?;
        session.payer_email = Some(typed.email.to_owned());
        if session.total() == 0 {
            self.complete(session, now)?;
            return Ok(Attempt::Paid);
        }
        let paper = Paper {
            id: new_id("pm_1", 23)?,
            brand: typed.card.brand.to_owned(),
            country: typed.card.country.to_owned(),
            funding: typed.card.funding.to_owned(),
            last4: typed.card.number[typed.card.number.len() - 4..].to_owned(),
            fingerprint: secrets::sha256(typed.card.number)[..16].to_owned(),
            exp_month: typed.exp_month,
            exp_year: typed.exp_year,
            proven: false,
            disputes: typed.card.behaviour == Behaviour::PaysThenDisputed,
        };
        let mut payment = match session.payment.as_deref().and_then(|id| self.payment(id)) {
            Some(payment) => payment.clone(),
            None => {
                let payment = self.new_payment(&session, now)?;
                session.payment = Some(payment.id.clone());
                self.put(Record::Payment(payment.clone()));
                self.tell("payment_intent.created", self.payment_object(&payment), now)?;
                payment
            }
        };
        payment.email.clone_from(&session.payer_email);
        payment.card = Some(paper);
        payment.last_error = None;
        match typed.card.behaviour {
            Behaviour::Pays | Behaviour::PaysThenDisputed => {
                self.succeed(session, payment, now)?;
                Ok(Attempt::Paid)
            }
            Behaviour::Challenges => {
                payment.status = "requires_action".to_owned();
                self.put(Record::Session(session));
                self.put(Record::Payment(payment.clone()));
                self.tell("payment_intent.requires_action", self.payment_object(&payment), now)?;
                Ok(Attempt::Challenged)
            }
            Behaviour::Declines(decline) => {
                self.put(Record::Session(session));
                self.decline(payment, decline, true, now)?;
                Ok(Attempt::Declined(decline))
            }
        }
    }

    /// The card's owner proved who they are, or did not.
    pub fn prove(&mut self, id: &str, proven: bool, now: i64) -> Result<Attempt, Fault> {
        let session = self.payable(id, now)?;
        let payment = session.payment.as_deref().and_then(|id| self.payment(id)).cloned();
        let Some(mut payment) = payment.filter(|payment| payment.status == "requires_action") else {
            return Err(Fault::invalid(None, "There is nothing to prove for this payment.", ""));
        };
        if !proven {
            self.decline(payment, cards::NOT_PROVEN, false, now)?;
            return Ok(Attempt::Declined(cards::NOT_PROVEN));
        }
        if let Some(card) = &mut payment.card {
            card.proven = true;
        }
        self.succeed(session, payment, now)?;
        Ok(Attempt::Paid)
    }

    /// A session that can be paid at this moment.
    fn payable(&mut self, id: &str, now: i64) -> Result<Session, Fault> {
        let session =
            self.session(id).cloned().ok_or_else(|| Fault::missing("checkout.session", id, "session"))?;
        if session.status != "open" || session.expires_at <= now {
            return Err(Fault::invalid(None, "This Checkout Session is not open any more.", ""));
        }
        Ok(session)
    }

    fn new_payment(&self, session: &Session, now: i64) -> Result<Payment, Fault> {
        let id = new_id("pi_3", 23)?;
        Ok(Payment {
            secret: new_id(&format!("{id}_secret_"), 25)?,
            id,
            created: now,
            session: session.id.clone(),
            amount: session.total(),
            currency: session.currency.clone(),
            description: session.payment_description.clone(),
            metadata: session.payment_metadata.clone(),
            status: "requires_payment_method".to_owned(),
            canceled_at: None,
            email: None,
            card: None,
            last_error: None,
            latest_charge: None,
            dispute_at: None,
        })
    }

    fn new_charge(&self, payment: &Payment, failure: Option<Failure>, now: i64) -> Result<Charge, Fault> {
        let card = payment.card.clone().ok_or_else(|| Fault::trouble(500, "A payment without a card."))?;
        Ok(Charge {
            id: new_id("ch_3", 23)?,
            created: now,
            payment: payment.id.clone(),
            amount: payment.amount,
            currency: payment.currency.clone(),
            description: payment.description.clone(),
            metadata: payment.metadata.clone(),
            email: payment.email.clone(),
            card,
            movement: failure.is_none().then(|| new_id("txn_3", 23)).transpose()?,
            failure,
        })
    }

    fn succeed(&mut self, session: Session, mut payment: Payment, now: i64) -> Result<(), Fault> {
        let charge = self.new_charge(&payment, None, now)?;
        payment.status = "succeeded".to_owned();
        payment.last_error = None;
        payment.latest_charge = Some(charge.id.clone());
        payment.dispute_at = charge.card.disputes.then_some(now + DISPUTED_AFTER);
        self.put(Record::Payment(payment.clone()));
        self.put(Record::Charge(charge.clone()));
        self.tell("charge.succeeded", self.charge_object(&charge), now)?;
        self.tell("payment_intent.succeeded", self.payment_object(&payment), now)?;
        self.complete(session, now)
    }

    fn complete(&mut self, mut session: Session, now: i64) -> Result<(), Fault> {
        session.status = "complete".to_owned();
        self.put(Record::Session(session.clone()));
        self.tell("checkout.session.completed", self.session_object(&session), now)
    }

    /// The bank said no; the session stays open for another card. A charge arises where the bank was asked to pay.
    fn decline(
        &mut self,
        mut payment: Payment,
        decline: Decline,
        asked_to_pay: bool,
        now: i64,
    ) -> Result<(), Fault> {
        let failure = Failure {
            code: decline.code.to_owned(),
            decline_code: decline.decline_code.to_owned(),
            message: decline.message.to_owned(),
        };
        payment.status = "requires_payment_method".to_owned();
        payment.last_error = Some(failure.clone());
        if asked_to_pay {
            let charge = self.new_charge(&payment, Some(failure), now)?;
            payment.latest_charge = Some(charge.id.clone());
            self.put(Record::Charge(charge.clone()));
            self.tell("charge.failed", self.charge_object(&charge), now)?;
        }
        self.put(Record::Payment(payment.clone()));
        self.tell("payment_intent.payment_failed", self.payment_object(&payment), now)
    }
}
