//! When a refresh is sent again, and when it is given up.

use crate::error::Failure;

/// When a refresh is sent again, and when it is given up.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// How many attempts may follow the first one.
    pub retries: f64,
    /// When the call must have settled, in milliseconds since the epoch.
    pub deadline: f64,
}

/// The longest `Retry-After` that a call waits for.
const MAX_RETRY_AFTER_MS: f64 = 60_000.0;

/// The longest first wait. It doubles for each further wait.
const BACKOFF_MS: f64 = 500.0;

/// No wait is longer than this.
const MAX_BACKOFF_MS: f64 = 8_000.0;

/// The share of a `Retry-After` that is added at most, so that a fleet does not return in one second.
const SPREAD: f64 = 0.1;

/// The most that is added to a `Retry-After`.
const MAX_SPREAD_MS: f64 = 5_000.0;

/// Returns a `Retry-After` plus a random addition.
pub(crate) fn spread_ms(asked_ms: f64, random: f64) -> f64 {
    asked_ms + random * (asked_ms * SPREAD).min(MAX_SPREAD_MS)
}

impl Retries {
    /// Returns how long to wait before the next attempt, in milliseconds; none to give up.
    ///
    /// The wait is an exponential back-off with full jitter: it is multiplied by `random`, in 0..1. If a `Retry-After` fits, the wait
    /// is at least that long, plus a random addition. If it does not fit, the call ends at once.
    #[must_use]
    pub fn wait_ms(&self, failure: &Failure, random: f64, now: f64) -> Option<f64> {
        if !failure.retryable || f64::from(failure.attempts) > self.retries {
            return None;
        }
        let doublings = failure.attempts.saturating_sub(1).min(10);
        let backoff = random * (BACKOFF_MS * f64::from(1_u32 << doublings)).min(MAX_BACKOFF_MS);
        let retry_after_ms = failure.retry_after_ms.unwrap_or(0.0);
        let wait = backoff.max(spread_ms(retry_after_ms, random));
        (retry_after_ms <= MAX_RETRY_AFTER_MS && now + wait < self.deadline).then_some(wait)
    }
}
