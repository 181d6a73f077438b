//! How often something may be tried. Counted in memory, by keys that are hashed with a key of this process: no address
//! is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::secrets;

/// What is limited, each with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// Passwords of one account may be guessed.
    SignIn,
    /// Passwords of many accounts may be guessed from one place. A household or an office shares one, so it is wider.
    SignInFrom,
    /// Letters may be used to pester somebody.
    Letter,
    /// Text messages cost money, and their numbers may be made up.
    Text,
    /// Accounts may be made by a machine.
    SignUp,
    /// Uploads cost the most of all.
    Upload,
    /// Licence numbers may be guessed.
    Verify,
    /// Sessions at Stripe cost somebody else work.
    Checkout,
    /// Plays of one track may be made up.
    Play,
    /// Reports of browsers may be made up.
    Report,
}

/// Attempts of one kind: so many at once, then one each time a part of the period has passed (GCRA). For each key it
/// keeps the moment at which the whole allowance is there again.
struct Limiter {
    step: Duration,
    period: Duration,
    full_at: Mutex<HashMap<[u8; 16], Instant>>,
}

impl Limiter {
    fn new(burst: u32, period: Duration) -> Limiter {
        Limiter { step: period / burst.max(1), period, full_at: Mutex::default() }
    }

    /// Counts one; the error is how long to wait.
    fn count(&self, key: [u8; 16], now: Instant) -> Result<(), Duration> {
        let Ok(mut all) = self.full_at.lock() else { return Ok(()) };
        let full_at = all.entry(key).or_insert(now);
        let next = (*full_at).max(now) + self.step;
        // Parts of the period are whole nanoseconds, so a period of them may fall short of it.
        match (next - now).saturating_sub(self.period) {
            Duration::ZERO => {
                *full_at = next;
                Ok(())
            }
            wait => Err(wait),
        }
    }

    fn give_back(&self, key: [u8; 16]) {
        if let Ok(mut all) = self.full_at.lock()
            && let Some(full_at) = all.get_mut(&key)
        {
            *full_at = full_at.checked_sub(self.step).unwrap_or(*full_at);
        }
    }
}

/// The counts of this process.
#[derive(Clone)]
pub struct Limits {
    key: [u8; 32],
    all: Arc<[(Attempt, Limiter)]>,
}

impl Limits {
    /// Limits as the settings say; the rest has defaults that a person does not meet.
    pub fn new(config: &Config) -> Result<Limits> {
        let per = |attempt, burst, every| (attempt, Limiter::new(burst, every));
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Ok(Limits {
            key: secrets::random()?,
            all: Arc::new([
                per(Attempt::SignIn, config.sign_in_attempts, minutes(10)),
                per(Attempt::SignInFrom, config.sign_in_attempts.saturating_mul(3), minutes(10)),
                per(Attempt::Letter, 5, minutes(60)),
                per(Attempt::Text, 30, minutes(60)),
                per(Attempt::SignUp, 100, minutes(60)),
                per(Attempt::Upload, 2000, minutes(60)),
                per(Attempt::Verify, 60, minutes(1)),
                per(Attempt::Checkout, 60, minutes(10)),
                per(Attempt::Play, 10, minutes(60)),
                per(Attempt::Report, 60, minutes(1)),
            ]),
        })
    }

    /// Counts one attempt under a key; `TooMany` says after how many seconds the next is welcome.
    pub fn attempt(&self, what: Attempt, key: &str) -> Result<()> {
        let Some(limiter) = self.limiter(what) else { return Ok(()) };
        let wait = limiter.count(self.hashed(key), Instant::now());
        wait.map_err(|wait| Error::TooMany(wait.as_secs() + 1))
    }

    /// Takes one attempt back: it was right, and only wrong ones count.
    pub fn give_back(&self, what: Attempt, key: &str) {
        if let Some(limiter) = self.limiter(what) {
            limiter.give_back(self.hashed(key));
        }
    }

    fn limiter(&self, what: Attempt) -> Option<&Limiter> {
        self.all.iter().find(|(attempt, _)| *attempt == what).map(|(_, limiter)| limiter)
    }

    fn hashed(&self, key: &str) -> [u8; 16] {
        let hash = secrets::mac(&self.key, key.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        short
    }

    /// Forgets keys that have not been seen for long enough. Called every minute.
    pub fn forget(&self) {
        for (_, limiter) in self.all.iter() {
            let now = Instant::now();
            if let Ok(mut all) = limiter.full_at.lock() {
                all.retain(|_, full_at| *full_at > now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attempts are limited, and the allowance grows back in parts.
    #[test]
    fn an_allowance_is_used_up_and_grows_back() {
        for burst in [1, 3, 7, 10] {
            let (limiter, start) = (Limiter::new(burst, Duration::from_secs(600)), Instant::now());
            for _ in 0..burst {
                assert!(limiter.count([1; 16], start).is_ok(), "{burst}");
            }
            let wait = limiter.count([1; 16], start).unwrap_err();
            assert!(wait <= Duration::from_secs(600) / burst, "{wait:?}");
            assert!(limiter.count([2; 16], start).is_ok());
            assert!(limiter.count([1; 16], start + wait).is_ok());
            assert!(limiter.count([1; 16], start + wait).is_err());
        }
    }

    #[test]
    fn what_was_right_does_not_count() {
        let (limiter, now) = (Limiter::new(2, Duration::from_secs(60)), Instant::now());
        for _ in 0..20 {
            assert!(limiter.count([1; 16], now).is_ok());
            limiter.give_back([1; 16]);
        }
        assert!(limiter.count([1; 16], now).is_ok() && limiter.count([1; 16], now).is_ok());
        assert!(limiter.count([1; 16], now).is_err());
    }
}
