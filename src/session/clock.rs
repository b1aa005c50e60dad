//! What time it is: two clocks, of which the wall's may be wrong and may jump, and what the server's tokens say of it.

use super::{Held, Session};
use crate::claims::Claims;
use crate::status::{Lifetime, lifetime};

/// The most that a clock is believed to be wrong, in milliseconds.
pub const MAX_SKEW_MS: f64 = 48.0 * 3_600_000.0;

/// A clock that is wrong by less is right, and one that jumps by less does not jump.
const NOISE_MS: f64 = 7_000.0;

/// A request that takes longer says nothing about the clock.
const MAX_MEASURED_MS: f64 = 10_000.0;

/// What time it is, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// Milliseconds since the epoch, as the machine has it: it may be wrong, and it may jump.
    pub wall: f64,
    /// Milliseconds since some start; it never jumps, and it may stand still while the machine sleeps.
    pub monotonic: f64,
}

impl Session {
    /// Returns server minus local time, in milliseconds; none until it is measured, and again after the wall clock has
    /// jumped. Positive if the local clock is slow.
    #[must_use]
    pub fn clock_skew_ms(&self) -> Option<f64> {
        self.skew_ms
    }

    /// Notices what time it is, and that the wall clock has jumped: what was measured by it counts no more.
    pub(super) fn observe(&mut self, now: Now) {
        let jump = (now.wall - self.seen.wall) - (now.monotonic - self.seen.monotonic);
        self.seen = now;
        if jump.abs() >= NOISE_MS {
            self.skew_ms = None;
            // Forward it may have been asleep as well, and a rest is a rest. Backward, each instant would be too far off.
            if jump < 0.0 {
                self.move_instants(jump);
            }
        }
        self.end_late_request();
    }

    fn move_instants(&mut self, jump: f64) {
        if let Some(held) = &mut self.held {
            held.rests_until += jump;
            held.pauses_until += jump;
            held.cools_until += jump;
        }
        if let Some(request) = &mut self.request {
            request.sent_at = request.sent_at.map(|at| at + jump);
            request.late_until = request.late_until.map(|at| at + jump);
        }
        self.elsewhere_until += jump;
        self.looked_at = None;
    }

    /// Returns the time, by the server's clock as far as it is known.
    pub(super) fn time(&self) -> f64 {
        self.seen.wall + self.skew_ms.unwrap_or(0.0)
    }

    pub(super) fn life(&self, held: &Held) -> Lifetime {
        lifetime(held.claims, &self.options, self.time())
    }

    pub(super) fn left_ms(&self, token: Claims) -> f64 {
        token.expires_in_ms(self.options.clock_tolerance_ms, self.time())
    }

    pub(super) fn is_expired(&self, token: Claims) -> bool {
        self.left_ms(token) <= 0.0
    }

    /// Returns server minus local time by a token that the server has just issued, against the middle of the
    /// request; what is known already if the token, the request or the result is not good for that.
    pub(super) fn implied_skew_ms(&self, new: Claims, sent: Now) -> Option<f64> {
        let old = self.held.and_then(|held| held.claims.issued_at);
        let Some(issued_at) = new.issued_at.filter(|_| new.issued_at > old) else { return self.skew_ms };
        let took = self.seen.wall - sent.wall;
        let jump = took - (self.seen.monotonic - sent.monotonic);
        let skew = issued_at - f64::midpoint(sent.wall, self.seen.wall);
        // The truth is at most half of the request away from its middle.
        if jump.abs() >= NOISE_MS || took > MAX_MEASURED_MS || skew.abs() > MAX_SKEW_MS {
            self.skew_ms
        } else if skew.abs() < NOISE_MS {
            Some(0.0)
        } else {
            Some(skew)
        }
    }
}
