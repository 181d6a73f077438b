//! Where the book keeps its things, and how they are named.

use std::collections::HashMap;

use super::fault::Fault;
use super::records::{Answer, Charge, Delivery, Dispute, Event, Payment, Refund, Session};
use crate::error::Result;
use crate::secrets;

/// An id as Stripe makes them: what it is, and letters and figures that nobody guesses.
pub fn new_id(prefix: &str, length: usize) -> Result<String, Fault> {
    const SIGNS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut id = prefix.to_owned();
    while id.len() < prefix.len() + length {
        // 248 is the largest multiple of 62 in a byte: no sign is likelier than another.
        let bytes: [u8; 64] = secrets::random()?;
        let signs =
            bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(SIGNS[usize::from(byte % 62)]));
        id.extend(signs.take(prefix.len() + length - id.len()));
    }
    Ok(id)
}

/// Things of one kind, by their ids and in the order they came.
pub struct Shelf<T> {
    places: HashMap<String, usize>,
    pub things: Vec<T>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf { places: HashMap::new(), things: Vec::new() }
    }
}

/// What stands on a shelf.
pub trait Thing {
    fn id(&self) -> &str;
}

macro_rules! things {
    ($($kind:ident: $id:ident),*) => { $(impl Thing for $kind { fn id(&self) -> &str { &self.$id } })* };
}
things!(Session: id, Payment: id, Charge: id, Refund: id, Dispute: id, Event: id, Delivery: event, Answer: key);

impl<T: Thing> Shelf<T> {
    /// The thing of this id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.places.get(id).map(|place| &self.things[*place])
    }

    /// Puts a thing where an earlier one of its id stood, or behind all others; says where.
    pub fn put(&mut self, thing: T) -> usize {
        match self.places.get(thing.id()) {
            Some(place) => {
                self.things[*place] = thing;
                *place
            }
            None => {
                self.places.insert(thing.id().to_owned(), self.things.len());
                self.things.push(thing);
                self.things.len() - 1
            }
        }
    }

    /// Everything, the oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.things.iter()
    }

    /// The oldest.
    pub fn first(&self) -> Option<&T> {
        self.things.first()
    }

    /// Takes away what is not wanted. Places that `put` told are void then.
    pub fn keep(&mut self, wanted: impl Fn(&T) -> bool) {
        self.things.retain(wanted);
        self.places =
            self.things.iter().enumerate().map(|(place, thing)| (thing.id().to_owned(), place)).collect();
    }
}
