//! What the book holds, by kind, as its records tell it.

use std::collections::BTreeSet;

use crate::sandbox::records::{Answer, Charge, Delivery, Dispute, Event, Payment, Record, Refund, Session};
use crate::sandbox::shelf::Shelf;

/// A shelf for each kind of thing.
#[derive(Default)]
pub struct Shelves {
    pub sessions: Shelf<Session>,
    pub payments: Shelf<Payment>,
    pub charges: Shelf<Charge>,
    pub refunds: Shelf<Refund>,
    pub disputes: Shelf<Dispute>,
    pub events: Shelf<Event>,
    pub deliveries: Shelf<Delivery>,
    pub answers: Shelf<Answer>,
    /// The places of the deliveries that have not arrived as often as they should.
    waiting: BTreeSet<usize>,
}

impl Shelves {
    /// What these records tell, the later ones over the earlier.
    pub fn of(records: Vec<Record>) -> Shelves {
        let mut shelves = Shelves::default();
        records.into_iter().for_each(|record| shelves.place(record));
        shelves
    }

    /// Puts a thing on its shelf, in place of an earlier one of its id.
    pub fn place(&mut self, record: Record) {
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

    /// Everything that stands here, as records that tell it again.
    pub fn records(&self) -> Vec<Record> {
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

    /// The deliveries that have not arrived as often as they should, in the order they came.
    pub fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        self.waiting.iter().map(|place| &self.deliveries.things[*place])
    }
}
