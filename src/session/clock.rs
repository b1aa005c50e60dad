//! The time by two clocks. The wall clock may be wrong and may jump. The server's tokens show how wrong it is.

use super::{Held, Session};
use crate::claims::Claims;
use crate::status::{Lifetime, lifetime};

/// The largest error of a clock that is corrected, in milliseconds.
pub const MAX_SKEW_MS: f64 = 48.0 * 3_600_000.0;

/// A smaller error of the clock, or a smaller jump, is ignored.
const NOISE_MS: f64 = 7_000.0;

/// A request that takes longer says nothing about the clock.
const MAX_MEASURED_MS: f64 = 10_000.0;

/// An instant by two clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// Milliseconds since the epoch by the machine's clock, which may be wrong and may jump.
    pub wall: f64,
    /// Milliseconds since some start; it never jumps, and it may stand still while the machine sleeps.
    pub monotonic: f64,
}

impl Session {
    /// Returns server minus local time, in milliseconds. It is positive if the local clock is slow. It is none before the first
    /// measurement, and after the wall clock has jumped.
    #[must_use]
    pub fn clock_skew_ms(&self) -> Option<f64> {
        self.skew_ms
    }

    /// Notes the time. Drops the measured skew if the wall clock has jumped.
    pub(super) fn observe(&mut self, now: Now) {
        let jump = (now.wall - self.seen.wall) - (now.monotonic - self.seen.monotonic);
        self.seen = now;
        if jump.abs() >= NOISE_MS {
            self.skew_ms = None;
            // After a jump forward the machine may have slept, and then the waits have passed. After a jump backward each instant would
            // be too far in the future.
            if jump.is_sign_negative() {
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

    /// Returns server minus local time: the `iat` of a token that the server has just issued, minus the middle of the request.
    /// Returns the skew that is already known if the token, the request or the result is not suitable.
    pub(super) fn implied_skew_ms(&self, new: Claims, sent: Now) -> Option<f64> {
        let old = self.held.and_then(|held| held.claims.issued_at);
        let Some(issued_at) = new.issued_at.filter(|_| new.issued_at > old) else { return self.skew_ms };
        let took = self.seen.wall - sent.wall;
        let jump = took - (self.seen.monotonic - sent.monotonic);
        let skew = issued_at - f64::midpoint(sent.wall, self.seen.wall);
        // The error of this measurement is at most half of the time that the request took.
        if jump.abs() >= NOISE_MS || took > MAX_MEASURED_MS || skew.abs() > MAX_SKEW_MS {
            self.skew_ms
        } else if skew.abs() < NOISE_MS {
            Some(0.0)
        } else {
            Some(skew)
        }
    }
}
