//! A job over many tokens. It decides when a failed refresh is tried again, how long all tokens wait after a `Retry-After`, and when
//! the job sends nothing more.

use crate::error::{Action, Code, Failure};
use crate::refresh::{Retries, may_pass, spread_ms};

/// How long a job waits in total because of `Retry-After`, in milliseconds.
const PATIENCE_MS: f64 = 60_000.0;

/// What a job over many tokens has learned from its failures.
#[derive(Debug)]
pub struct Fleet {
    /// How often one token is tried again at most.
    retries: f64,
    /// How long one token may take, all attempts and waits together.
    total_timeout_ms: f64,
    paused_until: f64,
    patience_ms: f64,
}

/// A refresh that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    /// What kind of failure it is.
    pub code: Code,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// How long the server asks to wait.
    pub retry_after_ms: Option<f64>,
    /// How many attempts there were for this token. One that did not get the lock counts, too.
    pub attempts: u32,
    /// When the first of them began.
    pub began: f64,
}

/// What the job does after a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Then {
    /// How long to wait before this token is tried again; none if it is not tried again.
    pub again_in_ms: Option<f64>,
    /// Whether nothing more is sent for any token.
    pub is_over: bool,
}

impl Fleet {
    /// Begins a job.
    #[must_use]
    pub const fn new(retries: f64, total_timeout_ms: f64) -> Self {
        Self { retries, total_timeout_ms, paused_until: f64::NEG_INFINITY, patience_ms: PATIENCE_MS }
    }

    /// Returns how long the next request has to wait, in milliseconds.
    #[must_use]
    pub fn wait_ms(&self, now: f64) -> f64 {
        (self.paused_until - now).max(0.0)
    }

    /// Notes a failure. `random`, in 0..1, spreads waits.
    pub fn failed(&mut self, failed: &Failed, random: f64, now: f64) -> Then {
        // An invalid token says nothing about the other tokens.
        if failed.code.action() == Action::Fix && failed.code != Code::InvalidToken {
            return Then { again_in_ms: None, is_over: true };
        }
        let is_over = failed.retry_after_ms.is_some_and(|asked_ms| !self.pause(asked_ms, random, now));
        let mut failure = Failure::new(failed.code);
        (failure.attempts, failure.retry_after_ms) = (failed.attempts, failed.retry_after_ms);
        failure.retryable = may_pass(failed.code, failed.status);
        let retries = Retries { retries: self.retries, deadline: failed.began + self.total_timeout_ms };
        Then { again_in_ms: retries.wait_ms(&failure, random, now).filter(|_| !is_over), is_over }
    }

    /// Makes all tokens wait. Returns whether the wait is short enough.
    fn pause(&mut self, asked_ms: f64, random: f64, now: f64) -> bool {
        let more_ms = asked_ms - self.wait_ms(now);
        if more_ms > self.patience_ms {
            return false;
        }
        self.patience_ms -= more_ms.max(0.0);
        self.paused_until = self.paused_until.max(now + spread_ms(asked_ms, random));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_752_489_735_000.0;

    fn failed(code: Code, status: u16, retry_after_ms: Option<f64>) -> Failed {
        Failed { code, status: Some(status), retry_after_ms, attempts: 1, began: NOW }
    }

    #[test]
    fn an_error_whose_action_is_fix_ends_the_job() {
        for code in [Code::Forbidden, Code::Rejected, Code::InvalidOption, Code::Internal] {
            let then = Fleet::new(2.0, 30_000.0).failed(&failed(code, 403, None), 0.5, NOW);
            assert_eq!(then, Then { again_in_ms: None, is_over: true }, "{code:?}");
        }
        for code in [Code::Unauthorized, Code::TokenExpired, Code::InvalidToken, Code::BadResponse] {
            let then = Fleet::new(2.0, 30_000.0).failed(&failed(code, 401, None), 0.5, NOW);
            assert_eq!(then, Then { again_in_ms: None, is_over: false }, "{code:?}");
        }
    }

    #[test]
    fn a_passing_failure_is_retried_by_the_rules_of_a_refresh() {
        let mut fleet = Fleet::new(1.0, 30_000.0);
        let once = failed(Code::Server, 503, None);
        assert_eq!(fleet.failed(&once, 0.5, NOW).again_in_ms, Some(250.0));
        assert_eq!(fleet.failed(&Failed { attempts: 2, ..once }, 0.5, NOW).again_in_ms, None);
        assert_eq!(fleet.failed(&failed(Code::Server, 501, None), 0.5, NOW).again_in_ms, None);
        assert_eq!(
            fleet.failed(&Failed { status: None, ..failed(Code::Network, 0, None) }, 0.5, NOW).again_in_ms,
            Some(250.0)
        );
        assert!(fleet.wait_ms(NOW) <= 0.0, "nobody else waits");
    }

    #[test]
    fn a_token_is_not_tried_again_once_its_time_is_over() {
        let mut fleet = Fleet::new(2.0, 30_000.0);
        for (elapsed_ms, again_in_ms) in [(29_749.0, Some(250.0)), (29_750.0, None), (31_000.0, None)] {
            let then = fleet.failed(&failed(Code::Server, 503, None), 0.5, NOW + elapsed_ms);
            assert_eq!(then, Then { again_in_ms, is_over: false }, "{elapsed_ms}");
        }
    }

    #[test]
    fn all_tokens_wait_as_the_server_asks_up_to_a_minute_in_total() {
        let mut fleet = Fleet::new(0.0, 30_000.0);
        let mut limited = |asked_ms: f64, now: f64| {
            let then = fleet.failed(&failed(Code::RateLimited, 429, Some(asked_ms)), 0.5, now);
            assert_eq!(then.again_in_ms, None);
            (then.is_over, fleet.wait_ms(now))
        };
        assert_eq!(limited(20_000.0, NOW), (false, 21_000.0));
        // Requests in flight get the same answer. That does not count as a second wait.
        assert_eq!(limited(20_000.0, NOW + 500.0), (false, 20_500.0 + 500.0));
        assert_eq!(limited(40_000.0, NOW + 30_000.0), (false, 42_000.0));
        assert_eq!(limited(1.0, NOW + 90_000.0), (true, 0.0));
    }

    #[test]
    fn a_retry_after_of_more_than_a_minute_ends_the_job() {
        let mut fleet = Fleet::new(2.0, 600_000.0);
        let then = fleet.failed(&failed(Code::RateLimited, 429, Some(60_001.0)), 0.5, NOW);
        assert_eq!((then, fleet.wait_ms(NOW)), (Then { again_in_ms: None, is_over: true }, 0.0));
    }
}
