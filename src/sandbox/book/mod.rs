//! The pretend Stripe's book: what it holds, and what can happen to it. Every verb either does the whole of what
//! Stripe would do, with the events that tell of it, or nothing.
//!
//! `shelves` holds things by kind, `paying` is what buyers do in a session, `returning` how their money goes back.

mod paying;
mod returning;
mod shelves;

use std::path::Path;

use serde_json::Value;

use self::shelves::Shelves;
use super::fault::Fault;
use super::journal::Journal;
use super::records::{Answer, Charge, Delivery, Dispute, Event, Payment, Record, Refund, Session};
use super::shelf::new_id;
use crate::error::Result;

pub use paying::{Attempt, Typed};

/// Seconds an idempotency key is remembered, as at Stripe.
const KEY_LIFE: i64 = 86_400;
/// A journal longer than this is written afresh at start, without what was overtaken.
const LONG: u64 = 1 << 20;

/// Who asked for a change, as its events say.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub request: Option<String>,
    pub key: Option<String>,
}

/// What one pretend Stripe holds, on the disk and in memory.
pub struct Book {
    base: String,
    journal: Journal,
    /// What has changed since it was last written down.
    fresh: Vec<Record>,
    /// Who asks for the changes that are made now.
    pub asked: Asked,
    shelves: Shelves,
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
            shelves: Shelves::of(records),
        };
        book.shelves.answers.keep(|answer| answer.at + KEY_LIFE > now);
        if book.journal.bytes() > LONG {
            let records = book.shelves.records();
            book.journal.rewrite(&records)?;
        }
        Ok(book)
    }

    /// Where this server is, as addresses in its answers begin.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// It is at this address from now on.
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
        self.shelves = Shelves::of(records);
        Ok(())
    }

    fn put(&mut self, record: Record) {
        self.fresh.push(record.clone());
        self.shelves.place(record);
    }

    // --- looking up; lists go from the oldest to the youngest ---

    pub fn session(&self, id: &str) -> Option<&Session> {
        self.shelves.sessions.get(id)
    }
    pub fn payment(&self, id: &str) -> Option<&Payment> {
        self.shelves.payments.get(id)
    }
    pub fn charge(&self, id: &str) -> Option<&Charge> {
        self.shelves.charges.get(id)
    }
    pub fn refund(&self, id: &str) -> Option<&Refund> {
        self.shelves.refunds.get(id)
    }
    pub fn dispute(&self, id: &str) -> Option<&Dispute> {
        self.shelves.disputes.get(id)
    }
    pub fn event(&self, id: &str) -> Option<&Event> {
        self.shelves.events.get(id)
    }
    pub fn delivery(&self, event: &str) -> Option<&Delivery> {
        self.shelves.deliveries.get(event)
    }
    pub fn answer(&self, key: &str) -> Option<&Answer> {
        self.shelves.answers.get(key)
    }
    pub fn sessions(&self) -> impl DoubleEndedIterator<Item = &Session> {
        self.shelves.sessions.all()
    }
    pub fn payments(&self) -> impl DoubleEndedIterator<Item = &Payment> {
        self.shelves.payments.all()
    }
    pub fn charges(&self) -> impl DoubleEndedIterator<Item = &Charge> {
        self.shelves.charges.all()
    }
    pub fn refunds(&self) -> impl DoubleEndedIterator<Item = &Refund> {
        self.shelves.refunds.all()
    }
    pub fn disputes(&self) -> impl DoubleEndedIterator<Item = &Dispute> {
        self.shelves.disputes.all()
    }
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.shelves.events.all()
    }

    /// Events whose webhook has not arrived as often as it should.
    pub fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        self.shelves.waiting()
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
        if self.shelves.answers.first().is_some_and(|first| first.at < oldest) {
            self.shelves.answers.keep(|kept| kept.at >= oldest);
        }
        self.put(Record::Answer(answer));
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
