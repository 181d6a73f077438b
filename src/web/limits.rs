//! How often something may be tried. Counted in memory, by keys that are hashed with a key of this process: no address
//! is kept.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::secrets;

/// What is limited, each with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// Passwords may be guessed.
    SignIn,
    /// Letters may be used to pester somebody.
    Letter,
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
}

type Limiter = DefaultKeyedRateLimiter<[u8; 16]>;

/// The counts of this process.
#[derive(Clone)]
pub struct Limits {
    key: [u8; 32],
    all: Arc<[(Attempt, Limiter)]>,
}

impl Limits {
    /// Limits as the settings say; the rest has defaults that a person does not meet.
    pub fn new(config: &Config) -> Result<Limits> {
        let per = |attempt, burst: u32, every: Duration| {
            let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
            let quota = Quota::with_period(every / burst.get()).unwrap_or(Quota::per_minute(burst));
            (attempt, RateLimiter::keyed(quota.allow_burst(burst)))
        };
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Ok(Limits {
            key: secrets::random()?,
            all: Arc::new([
                per(Attempt::SignIn, config.sign_in_attempts, minutes(10)),
                per(Attempt::Letter, 5, minutes(60)),
                per(Attempt::SignUp, 30, minutes(60)),
                per(Attempt::Upload, 2000, minutes(60)),
                per(Attempt::Verify, 60, minutes(1)),
                per(Attempt::Checkout, 60, minutes(10)),
                per(Attempt::Play, 10, minutes(60)),
            ]),
        })
    }

    /// Counts one attempt under a key; `TooMany` says after how many seconds the next is welcome.
    pub fn attempt(&self, what: Attempt, key: &str) -> Result<()> {
        let hash = secrets::mac(&self.key, key.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        let Some((_, limiter)) = self.all.iter().find(|(attempt, _)| *attempt == what) else { return Ok(()) };
        limiter.check_key(&short).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Error::TooMany(wait.as_secs().max(1))
        })
    }

    /// Forgets keys that have not been seen for long enough. Called every minute.
    pub fn forget(&self) {
        for (_, limiter) in self.all.iter() {
            limiter.retain_recent();
        }
    }
}
