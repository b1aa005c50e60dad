//! What is counted in the lives of fleets.

use core::fmt;
use std::collections::BTreeMap;

use super::{DAY, HOUR};

#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) calls: f64,
    pub(super) given: f64,
    pub(super) wakes: f64,
    pub(super) logins: f64,
    pub(super) logouts: f64,
    /// Tokens that a refresh has brought.
    pub(super) refreshed: f64,
    /// Requests while the server answered.
    pub(super) requests: f64,
    /// Requests while it was down, and how long that was.
    pub(super) in_vain: f64,
    pub(super) down: f64,
    /// Calls that got a token which the server does not accept any more, because another session has exchanged it.
    pub(super) exchanged: f64,
    /// How often, and how long, a session of a user who had not logged out had no token, by the reason.
    pub(super) without: BTreeMap<&'static str, (f64, f64)>,
    /// How long the sessions lived.
    pub(super) lived: f64,
    /// Which rule was broken, how often, and where first.
    pub(super) faults: BTreeMap<&'static str, (u32, String)>,
}

impl Figures {
    pub(super) fn add(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.calls, other.calls),
            (&mut self.given, other.given),
            (&mut self.wakes, other.wakes),
            (&mut self.logins, other.logins),
            (&mut self.logouts, other.logouts),
            (&mut self.refreshed, other.refreshed),
            (&mut self.requests, other.requests),
            (&mut self.in_vain, other.in_vain),
            (&mut self.down, other.down),
            (&mut self.exchanged, other.exchanged),
            (&mut self.lived, other.lived),
        ] {
            *sum += more;
        }
        for (why, (times, span)) in other.without {
            let sum = self.without.entry(why).or_default();
            *sum = (sum.0 + times, sum.1 + span);
        }
        for (rule, (times, first)) in other.faults {
            self.faults.entry(rule).or_insert((0, first)).0 += times;
        }
    }

    pub(super) fn requests_a_token(&self) -> f64 {
        self.requests / self.refreshed.max(1.0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, given, wakes, logins, logouts, refreshed, requests, in_vain, down, exchanged, lived, .. } =
            self;
        writeln!(f, "{calls} calls, {given} with a token; {wakes} wakes; {logins} logins, {logouts} logouts")?;
        writeln!(f, "{refreshed} tokens by {requests} requests, {:.3} a token", self.requests_a_token())?;
        writeln!(f, "{in_vain} more requests in {:.0} days of a server that was down", down / DAY)?;
        writeln!(f, "{exchanged} calls got a token that another session had just exchanged")?;
        for (why, (times, span)) in &self.without {
            let (each, share) = (span / times / HOUR, 100.0 * span / lived);
            writeln!(f, "without a token {times} times, {each:.1} h each, {share:.3} % of the time: {why}")?;
        }
        for (rule, (times, first)) in &self.faults {
            writeln!(f, "BROKEN {times} times: {rule}: {first}")?;
        }
        Ok(())
    }
}
