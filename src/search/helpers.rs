//! Threads that help whoever asks: for all questions of a process together fewer than there are processors, so that those
//! who serve everyone get their turn, however many ask for much at once.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many threads may help at once.
#[derive(Debug)]
pub struct Helpers {
    most: usize,
    busy: AtomicUsize,
}

/// The place of one of them, free again when this is dropped.
#[derive(Debug)]
pub struct Helper<'a>(&'a Helpers);

impl Helpers {
    /// Those of this process: one for each processor but the one that asks.
    pub fn here() -> &'static Helpers {
        static HERE: LazyLock<Helpers> = LazyLock::new(|| {
            Helpers::new(std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1))
        });
        &HERE
    }

    fn new(most: usize) -> Helpers {
        Helpers { most, busy: AtomicUsize::new(0) }
    }

    /// One that is free, if any is.
    pub fn free(&self) -> Option<Helper<'_>> {
        let more = |busy: usize| (busy < self.most).then_some(busy + 1);
        self.busy.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Helper(self))
    }
}

impl Drop for Helper<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::Helpers;

    /// However many ask, no more help than may; and a place is free again, also after a panic.
    #[test]
    fn no_more_help_than_may() {
        let helpers = Helpers::new(2);
        let (one, other) = (helpers.free(), helpers.free());
        assert!(one.is_some() && other.is_some() && helpers.free().is_none());
        drop(one);
        let taken = helpers.free();
        assert!(taken.is_some() && helpers.free().is_none());
        let died = std::thread::scope(|scope| {
            scope
                .spawn(move || {
                    let _place = taken;
                    panic!("one that helps dies");
                })
                .join()
        });
        assert!(died.is_err() && helpers.free().is_some());
        assert!(Helpers::new(0).free().is_none(), "with one processor nobody helps");
    }
}
