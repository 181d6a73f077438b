//! The pretend Stripe's book: what it holds, and what can happen to it. Every verb either does the whole of what
//! Stripe would do, with the events that tell of it, or nothing.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::cards::{self, Behaviour, Card, Decline};
use super::fault::Fault;
use super::journal::Journal;
use super::records::{
    Answer, Charge, Delivery, Dispute, Event, Failure, Metadata, Paper, Payment, Record, Refund, Session,
};
use super::shelf::{Shelf, new_id};
use crate::error::Result;
use crate::secrets;

/// Seconds an idempotency key is remembered, as at Stripe.
const KEY_LIFE: i64 = 86_400;
/// A journal longer than this is written afresh at start, without what was overtaken.
const LONG: u64 = 1 << 20;
/// Seconds after which the card made for it is disputed.
const DISPUTED_AFTER: i64 = 1;

/// Who asked for a change, as its events say.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub request: Option<String>,
    pub key: Option<String>,
}

pub struct Book {
    base: String,
    journal: Journal,
    fresh: Vec<Record>,
    pub asked: Asked,
    sessions: Shelf<Session>,
    payments: Shelf<Payment>,
    charges: Shelf<Charge>,
    refunds: Shelf<Refund>,
    disputes: Shelf<Dispute>,
    events: Shelf<Event>,
    deliveries: Shelf<Delivery>,
    answers: Shelf<Answer>,
    /// The places of the deliveries that have not arrived as often as they should.
    waiting: BTreeSet<usize>,
}

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
    /// The book kept in this folder, by a server at this address.
    pub fn open(folder: &Path, base: &str, now: i64) -> Result<Book> {
        let (journal, records) = Journal::open(folder)?;
        let mut book = Book {
            base: base.to_owned(),
            journal,
            fresh: Vec::new(),
            asked: Asked::default(),
            sessions: Shelf::default(),
            payments: Shelf::default(),
            charges: Shelf::default(),
            refunds: Shelf::default(),
            disputes: Shelf::default(),
            events: Shelf::default(),
            deliveries: Shelf::default(),
            answers: Shelf::default(),
            waiting: BTreeSet::new(),
        };
        records.into_iter().for_each(|record| book.place(record));
        book.answers.keep(|answer| answer.at + KEY_LIFE > now);
        if book.journal.bytes() > LONG {
            let records = book.records();
            book.journal.rewrite(&records)?;
        }
        Ok(book)
    }

    /// Where this server is, as addresses in its answers begin.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn set_base(&mut self, base: &str) {
        base.clone_into(&mut self.base);
    }

    /// Writes down what has changed since the last time, and says whether anything had. Until then nobody may be
    /// told of it.
    pub fn keep(&mut self) -> Result<bool> {
        if self.fresh.is_empty() {
            return Ok(false);
        }
        self.journal.append(&self.fresh)?;
        self.fresh.clear();
        Ok(true)
    }

    /// Takes back what was changed but not written down.
    pub fn forget_unkept(&mut self) -> Result<()> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let records = self.journal.read()?;
        self.fresh.clear();
        self.sessions = Shelf::default();
        self.payments = Shelf::default();
        self.charges = Shelf::default();
        self.refunds = Shelf::default();
        self.disputes = Shelf::default();
        self.events = Shelf::default();
        self.deliveries = Shelf::default();
        self.answers = Shelf::default();
        self.waiting.clear();
        records.into_iter().for_each(|record| self.place(record));
        Ok(())
    }

    fn records(&self) -> Vec<Record> {
        let mut all: Vec<Record> = Vec::new();
        all.extend(self.sessions.all().cloned().map(Record::Session));
        all.extend(self.payments.all().cloned().map(Record::Payment));
        all.extend(self.charges.all().cloned().map(Record::Charge));
        all.extend(self.refunds.all().cloned().map(Record::Refund));
        all.extend(self.disputes.all().cloned().map(Record::Dispute));
        all.extend(self.events.all().cloned().map(Record::Event));
        all.extend(self.deliveries.all().cloned().map(Record::Delivery));
        all.extend(self.answers.all().cloned().map(Record::Answer));
        all
    }

    fn put(&mut self, record: Record) {
        self.fresh.push(record.clone());
        self.place(record);
    }

    fn place(&mut self, record: Record) {
        match record {
            Record::Session(it) => _ = self.sessions.put(it),
            Record::Payment(it) => _ = self.payments.put(it),
            Record::Charge(it) => _ = self.charges.put(it),
            Record::Refund(it) => _ = self.refunds.put(it),
            Record::Dispute(it) => _ = self.disputes.put(it),
            Record::Event(it) => _ = self.events.put(it),
            Record::Delivery(it) => {
                let waits = it.copies > 0;
                let place = self.deliveries.put(it);
                if waits {
                    self.waiting.insert(place)
                } else {
                    self.waiting.remove(&place)
                };
            }
            Record::Answer(it) => _ = self.answers.put(it),
        }
    }

    // --- looking up; lists go from the oldest to the youngest ---

    pub fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.get(id)
    }
    pub fn payment(&self, id: &str) -> Option<&Payment> {
        self.payments.get(id)
    }
    pub fn charge(&self, id: &str) -> Option<&Charge> {
        self.charges.get(id)
    }
    pub fn refund(&self, id: &str) -> Option<&Refund> {
        self.refunds.get(id)
    }
    pub fn dispute(&self, id: &str) -> Option<&Dispute> {
        self.disputes.get(id)
    }
    pub fn event(&self, id: &str) -> Option<&Event> {
        self.events.get(id)
    }
    pub fn delivery(&self, event: &str) -> Option<&Delivery> {
        self.deliveries.get(event)
    }
    pub fn answer(&self, key: &str) -> Option<&Answer> {
        self.answers.get(key)
    }
    pub fn sessions(&self) -> impl DoubleEndedIterator<Item = &Session> {
        self.sessions.all()
    }
    pub fn payments(&self) -> impl DoubleEndedIterator<Item = &Payment> {
        self.payments.all()
    }
    pub fn charges(&self) -> impl DoubleEndedIterator<Item = &Charge> {
        self.charges.all()
    }
    pub fn refunds(&self) -> impl DoubleEndedIterator<Item = &Refund> {
        self.refunds.all()
    }
    pub fn disputes(&self) -> impl DoubleEndedIterator<Item = &Dispute> {
        self.disputes.all()
    }
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.all()
    }

    /// Events whose webhook has not arrived as often as it should.
    pub fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        self.waiting.iter().map(|place| &self.deliveries.things[*place])
    }

    /// A charge's refunds, the youngest first.
    pub fn refunds_of(&self, charge: &str) -> impl Iterator<Item = &Refund> {
        self.refunds().rev().filter(move |refund| refund.charge == charge)
    }

    /// How much of a charge has been given back.
    pub fn refunded(&self, charge: &str) -> i64 {
        self.refunds_of(charge)
            .filter(|refund| refund.status == "succeeded")
            .map(|refund| refund.amount)
            .sum()
    }

    // --- what happens ---

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

    /// Gives money of a charge back: all that is left of it, or a part.
    pub fn give_back(
        &mut self,
        charge: &str,
        amount: Option<i64>,
        reason: Option<String>,
        metadata: Metadata,
        now: i64,
    ) -> Result<Refund, Fault> {
        let charge =
            self.charge(charge).cloned().ok_or_else(|| Fault::missing("charge", charge, "charge"))?;
        if charge.failure.is_some() {
            let message = format!("Charge {} has not been paid and cannot be refunded.", charge.id);
            return Err(Fault::invalid(Some("charge_not_refundable"), message, ""));
        }
        if self.disputes().any(|dispute| dispute.charge == charge.id && dispute.status != "won") {
            let message = format!("Charge {} has been charged back; cannot issue a refund.", charge.id);
            return Err(Fault::invalid(Some("charge_disputed"), message, ""));
        }
        let left = charge.amount - self.refunded(&charge.id);
        if left == 0 {
            let message = format!("Charge {} has already been refunded.", charge.id);
            return Err(Fault::invalid(Some("charge_already_refunded"), message, ""));
        }
        let amount = amount.unwrap_or(left);
        if amount < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(Fault::invalid(Some("parameter_invalid_integer"), message, "amount"));
        }
        if amount > left {
            let show = |cents| crate::money::Cents(cents).show(&charge.currency);
            let message = format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                show(amount),
                show(left)
            );
            return Err(Fault::invalid(None, message, "amount"));
        }
        let refund = Refund {
            id: new_id("re_3", 23)?,
            created: now,
            charge: charge.id.clone(),
            payment: charge.payment.clone(),
            amount,
            currency: charge.currency.clone(),
            reason,
            metadata,
            status: "succeeded".to_owned(),
            movement: new_id("txn_3", 23)?,
        };
        self.put(Record::Refund(refund.clone()));
        self.tell("refund.created", self.refund_object(&refund), now)?;
        self.tell("charge.refunded", self.charge_object(&charge), now)?;
        Ok(refund)
    }

    /// The bank of the card's owner takes the money back and asks why it was taken.
    pub fn dispute_charge(&mut self, charge: &str, reason: &str, now: i64) -> Result<Dispute, Fault> {
        let charge =
            self.charge(charge).cloned().ok_or_else(|| Fault::missing("charge", charge, "charge"))?;
        let open = charge.failure.is_none() && !self.disputes().any(|dispute| dispute.charge == charge.id);
        let amount = charge.amount - self.refunded(&charge.id);
        if !open || amount == 0 {
            return Err(Fault::invalid(None, "This charge cannot be disputed (again).", ""));
        }
        let dispute = Dispute {
            id: new_id("dp_1", 23)?,
            created: now,
            charge: charge.id.clone(),
            payment: charge.payment.clone(),
            amount,
            currency: charge.currency.clone(),
            reason: reason.to_owned(),
            status: "needs_response".to_owned(),
            closed_at: None,
            movement: new_id("txn_1", 23)?,
            reinstated: None,
        };
        self.put(Record::Dispute(dispute.clone()));
        self.tell("charge.dispute.created", self.dispute_object(&dispute), now)?;
        self.tell("charge.dispute.funds_withdrawn", self.dispute_object(&dispute), now)?;
        Ok(dispute)
    }

    /// The bank decides a dispute.
    pub fn decide_dispute(&mut self, id: &str, won: bool, now: i64) -> Result<Dispute, Fault> {
        let mut dispute =
            self.dispute(id).cloned().ok_or_else(|| Fault::missing("dispute", id, "dispute"))?;
        if dispute.closed_at.is_some() {
            return Err(Fault::invalid(None, "This dispute is already closed.", ""));
        }
        dispute.status = if won { "won" } else { "lost" }.to_owned();
        dispute.closed_at = Some(now);
        if won {
            dispute.reinstated = Some(new_id("txn_1", 23)?);
        }
        self.put(Record::Dispute(dispute.clone()));
        let object = self.dispute_object(&dispute);
        self.tell_changed(
            "charge.dispute.closed",
            object.clone(),
            Some(json!({ "status": "needs_response" })),
            now,
        )?;
        if won {
            self.tell("charge.dispute.funds_reinstated", object, now)?;
        }
        Ok(dispute)
    }

    /// What time alone brings about: sessions end, disputes arise. Nothing, mostly.
    pub fn pass(&mut self, now: i64) -> Result<(), Fault> {
        let over = |session: &&Session| session.status == "open" && session.expires_at <= now;
        let ended: Vec<String> = self.sessions().filter(over).map(|session| session.id.clone()).collect();
        for id in ended {
            self.expire(&id, now)?;
        }
        let due = |payment: &&Payment| payment.dispute_at.is_some_and(|at| at <= now);
        let disputed: Vec<Payment> = self.payments().filter(due).cloned().collect();
        for mut payment in disputed {
            payment.dispute_at = None;
            let charge = payment.latest_charge.clone();
            self.put(Record::Payment(payment));
            // One that was given back meanwhile has nothing left to dispute.
            if let Some(Err(fault)) = charge.map(|charge| self.dispute_charge(&charge, "fraudulent", now)) {
                tracing::debug!(fault.message, "no dispute");
            }
        }
        Ok(())
    }

    /// Remembers how far a webhook has come.
    pub fn delivered(&mut self, delivery: Delivery) {
        self.put(Record::Delivery(delivery));
    }

    /// Remembers an answer under its key.
    pub fn answered(&mut self, answer: Answer) {
        let oldest = answer.at - KEY_LIFE;
        if self.answers.first().is_some_and(|first| first.at < oldest) {
            self.answers.keep(|kept| kept.at >= oldest);
        }
        self.put(Record::Answer(answer));
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

    fn tell(&mut self, kind: &str, object: Value, now: i64) -> Result<(), Fault> {
        self.tell_changed(kind, object, None, now)
    }

    /// Something happened: an event, and its webhook on the way.
    fn tell_changed(
        &mut self,
        kind: &str,
        object: Value,
        previous: Option<Value>,
        now: i64,
    ) -> Result<(), Fault> {
        let id = new_id("evt_1", 23)?;
        self.put(Record::Event(Event {
            id: id.clone(),
            created: now,
            kind: kind.to_owned(),
            object,
            previous,
            request: self.asked.request.clone(),
            idempotency_key: self.asked.key.clone(),
        }));
        self.put(Record::Delivery(Delivery {
            event: id,
            attempts: 0,
            copies: 1,
            due: 0,
            delivered_at: None,
            heard: None,
        }));
        Ok(())
    }
}
