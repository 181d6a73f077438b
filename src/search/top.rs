//! The best so many of the documents that are offered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::segment::Sides;
use crate::ids::TrackId;

/// The best so many.
pub struct Top {
    most: usize,
    heap: BinaryHeap<Reverse<Placed>>,
}

/// By what is asked for, then the newest, so that the order is the same everywhere.
type Placed = (u64, u64, u64);

impl Top {
    /// Room for so many.
    pub fn new(most: usize) -> Top {
        Top { most, heap: BinaryHeap::with_capacity(most + 1) }
    }

    /// What is below this has no place any more; none while there is room.
    #[inline]
    pub fn least(&self) -> Option<u64> {
        if self.heap.len() < self.most { None } else { self.heap.peek().map(|least| least.0.0) }
    }

    /// Takes in a document, if it is better than the least so far or there is room.
    #[inline]
    pub fn offer(&mut self, first: u64, sides: &Sides, doc: u32) {
        if self.least().is_some_and(|least| first < least) {
            return;
        }
        self.heap.push(Reverse((first, sides.high[doc as usize], sides.low[doc as usize])));
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    /// Takes in the best of other documents.
    pub fn join(&mut self, other: Top) {
        self.heap.extend(other.heap);
        while self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    /// The best first, without so many.
    pub fn ids(self, skip: usize) -> Vec<TrackId> {
        let mut all: Vec<Placed> = self.heap.into_iter().map(|Reverse(placed)| placed).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.into_iter().skip(skip).filter_map(|(_, high, low)| id(high, low)).collect()
    }
}

/// The id of these two halves.
pub fn id(high: u64, low: u64) -> Option<TrackId> {
    TrackId::parse(&format!("{high:016x}{low:016x}"))
}
