//! How far apart Stripe's clock and ours are, as far as webhooks show it: what they are signed with holds the time at Stripe.
//! The `Date` of its answers would say it, too, but the library hands out no header.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::signature::is_fresh;
use crate::clock::Timestamp;

/// How long a clock counts as wrong without another word of it. Whoever is not ready may be sent no requests, and among those
/// is the webhook that would show it right again.
const COUNTS_FOR: Duration = Duration::from_secs(3600);

/// What the newest webhook showed: nothing where the two clocks agree, else the seconds that ours is ahead, and when that was.
#[derive(Debug, Default)]
pub struct Skew(Mutex<Option<(i64, Instant)>>);

impl Skew {
    /// Takes in a webhook that was signed at this second of Stripe's clock and arrived now. One in time takes back what an
    /// earlier one showed.
    pub fn hears(&self, signed_at: i64, now: Timestamp) {
        let ahead = now.secs().saturating_sub(signed_at);
        *self.kept() = (!is_fresh(signed_at, now)).then(|| (ahead, Instant::now()));
    }

    /// What is wrong with our clock, if anything is known to be.
    pub fn fault(&self) -> Option<String> {
        self.fault_at(Instant::now())
    }

    fn fault_at(&self, now: Instant) -> Option<String> {
        let (ahead, seen) = (*self.kept())?;
        if now.saturating_duration_since(seen) > COUNTS_FOR {
            return None;
        }
        let way = if ahead > 0 { "ahead of" } else { "behind" };
        let minutes = ahead.unsigned_abs() / 60;
        Some(format!(
            "it is {minutes} minutes {way} Stripe's, whose events are not heard for that: nothing is sold until it is right"
        ))
    }

    fn kept(&self) -> MutexGuard<'_, Option<(i64, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    #[test]
    fn a_clock_is_wrong_beyond_five_minutes_until_a_webhook_is_in_time_or_an_hour_passed() {
        let skew = Skew::default();
        assert_eq!(skew.fault(), None, "nothing was heard yet");
        for (seconds, says) in [
            (0, None),
            (300, None),
            (-300, None),
            (301, Some("5 minutes ahead of")),
            (-420, Some("7 minutes behind")),
            (0, None),
        ] {
            skew.hears(NOW.secs() - seconds, NOW);
            let fault = skew.fault();
            assert_eq!(fault.is_some(), says.is_some(), "{seconds}: {fault:?}");
            assert!(fault.unwrap_or_default().contains(says.unwrap_or_default()), "{seconds}");
        }
        skew.hears(i64::MIN, NOW);
        assert!(skew.fault().is_some());
        assert!(skew.fault_at(Instant::now() + COUNTS_FOR / 2).is_some());
        assert_eq!(skew.fault_at(Instant::now() + COUNTS_FOR * 2), None);
    }
}
