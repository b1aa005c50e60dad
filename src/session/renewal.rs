//! When a refresh is due, and what it means if an answer comes, if the refresh fails, or if no answer comes.

use super::clock::Now;
use super::{Event, Held, Session, is_later};
use crate::claims::Claims;
use crate::error::{Action, Code};
use crate::refresh::spread_ms;

/// The longest time between two looks at the clock, in milliseconds. `setTimeout` overflows at 24.8 days. After the machine has
/// slept, the session notices that within this time.
pub const MAX_CHUNK_MS: f64 = 3_600_000.0;

/// For this long after an unanswered request no second one is sent for the same token, in milliseconds. The server may have
/// answered the first one, and may treat a second one as a sign of theft.
pub const UNANSWERED_MS: f64 = 120_000.0;

/// The shortest time for which an answer is still expected after the time-out, in milliseconds. After a sleep the timer of the
/// time-out fires before the socket is read, and the answer may be in the socket.
const LATE_MS: f64 = 10_000.0;

/// The shortest time between a refresh and the next one that begins by itself.
const MIN_PAUSE_MS: f64 = 30_000.0;

/// The share of the refresh window over which renewals are spread, so that a fleet does not refresh in one second.
const JITTER: f64 = 0.05;

/// The shortest back-off, except shortly before the token expires.
const MIN_BACKOFF_MS: f64 = 1_000.0;

/// The longest back-off.
const MAX_BACKOFF_MS: f64 = 600_000.0;

/// The session waits no longer than this for a `Retry-After`. Then it makes an attempt.
const MAX_RETRY_AFTER_MS: f64 = 3_600_000.0;

/// No cool-down is shorter than this.
const MIN_COOL_DOWN_MS: f64 = 100.0;

/// If the session does not get the lock this many times in a row, the refresh goes on without it.
const MAX_LOCK_FAILURES: u32 = 3;

/// An order to refresh once. A later ticket has a greater number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u32);

/// A refresh that has begun and not ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) ticket: Ticket,
    pub(super) sent_at: Option<f64>,
    /// After the time-out, an answer is still expected until this instant. None before the time-out.
    pub(super) late_until: Option<f64>,
}

/// What the session did with the token of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The session holds it now. The driver has to store it.
    Held,
    /// The session does not need it any more.
    Dropped,
    /// It has expired already, which is a failure of the refresh.
    Refused(Outcome),
}

/// What a failure of a refresh means for the token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It failed with this error.
    Failed,
    /// The token has expired during the refresh. So only a new login helps: `ERR_TOKEN_EXPIRED`, with the failure as its cause.
    Expired,
    /// The failure was reported before.
    Known,
}

impl Session {
    /// Begins the renewal in the background.
    pub fn start(&mut self) {
        self.running = true;
        self.silent = Ticket(0);
    }

    /// Ends the renewal in the background. A refresh in flight ends without events.
    pub fn stop(&mut self) {
        self.running = false;
        self.silent = self.last_ticket;
    }

    /// Pauses the renewal while there is no network.
    pub fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// Notices the token's expiry, and begins a refresh that is due in the background.
    pub fn wake(&mut self, now: Now) -> Option<Ticket> {
        self.observe(now);
        if self.is_expired(self.held.as_ref()?.claims) {
            self.notice_expiry();
            return None;
        }
        let held = self.renewed()?;
        let is_due = !self.offline && self.seen.wall >= self.due(held);
        is_due.then(|| self.begin())
    }

    /// Returns how long to wait before the next [`wake`](Session::wake), in milliseconds, 1 to [`MAX_CHUNK_MS`];
    /// none if nothing happens by itself.
    #[must_use]
    pub fn wait_ms(&mut self, now: Now) -> Option<f64> {
        self.observe(now);
        let held = self.renewed()?;
        let left = self.left_ms(held.claims);
        let late_until = self.request.and_then(|request| request.late_until);
        if left <= 0.0 && held.told_expired {
            return None;
        }
        let wait = match late_until {
            Some(until) if left <= 0.0 => until - self.seen.wall,
            _ if self.offline => left,
            _ => left.min(self.due(held) - self.seen.wall),
        };
        Some(wait.ceil().clamp(1.0, MAX_CHUNK_MS))
    }

    /// Tells whether this refresh is still needed. If it is, the driver sends the token.
    pub fn send(&mut self, ticket: Ticket, now: Now) -> bool {
        self.observe(now);
        self.lock_failures = 0;
        let Some(request) = self.settle(ticket) else { return false };
        // Another token was adopted meanwhile.
        let Some(held) = self.held.filter(|held| ticket > held.since) else { return false };
        if self.is_expired(held.claims) {
            if ticket > self.silent {
                self.tell_expired();
            }
            return false;
        }
        self.request = Some(Request { sent_at: Some(self.seen.wall), ..request });
        true
    }

    /// Returns how long a session keeps the lock if its request gets no answer, in milliseconds.
    #[must_use]
    pub fn unanswered_ms(&self) -> f64 {
        let left = self.held.map_or(0.0, |held| self.left_ms(held.claims));
        // If the token would expire in that time, it is sent once more. So the session does not keep the lock.
        if left > UNANSWERED_MS { UNANSWERED_MS } else { 0.0 }
    }

    /// Notes that no answer came in time. The session still accepts a later answer.
    pub fn time_out(&mut self, ticket: Ticket, random: f64, now: Now) -> Outcome {
        self.observe(now);
        let Some(Request { sent_at: Some(sent_at), late_until: None, .. }) = self.request_of(ticket) else {
            return Outcome::Known;
        };
        let until = sent_at + UNANSWERED_MS;
        if let Some(request) = &mut self.request {
            request.late_until = Some(until.max(self.seen.wall + LATE_MS));
        }
        let Some(held) = self.held else { return Outcome::Known };
        let left = self.left_ms(held.claims);
        if left <= 0.0 {
            // The answer may still come.
            return Outcome::Known;
        }
        let outcome = self.record(ticket, Code::Timeout, None, random);
        if let Some(held) = self.held.as_mut().filter(|_| self.seen.wall + left > until) {
            held.cools_until = held.cools_until.max(until);
        }
        outcome
    }

    /// Takes the token of an answer. `sent` is when the request was sent.
    pub fn accept(&mut self, ticket: Ticket, new: Claims, sent: Now, random: f64, now: Now) -> Accepted {
        self.observe(now);
        self.settle(ticket);
        let Some(held) = self.held.filter(|_| ticket > self.void) else { return Accepted::Dropped };
        let skew_ms = self.implied_skew_ms(new, sent);
        if new.is_expired(self.options.clock_tolerance_ms, now.wall + skew_ms.unwrap_or(0.0)) {
            return Accepted::Refused(self.record(ticket, Code::BadResponse, None, random));
        }
        self.skew_ms = skew_ms;
        // The session already holds a token of another tab or of a later request. The later token wins.
        if ticket <= held.since && !is_later(new, held.claims) {
            return Accepted::Dropped;
        }
        self.hold_successor(new, random);
        if ticket > self.silent {
            self.tell(Event::Refreshed);
        }
        Accepted::Held
    }

    /// Takes the failure of a refresh, or of a step before the request. `retry_after_ms` is the wait that the server asks for.
    pub fn fail(&mut self, ticket: Ticket, code: Code, retry_after_ms: Option<f64>, random: f64, now: Now) -> Outcome {
        self.observe(now);
        let Some(request) = self.settle(ticket) else { return Outcome::Known };
        if request.late_until.is_some() && code.action() != Action::Login {
            // Its time-out was reported before. Now the request has ended, so a second one may be sent earlier.
            self.cool_down(retry_after_ms, random);
            return Outcome::Known;
        }
        self.record(ticket, code, retry_after_ms, random)
    }

    /// Notes that the lock did not come in time. Returns true if the refresh goes on without the lock, and false if it has failed.
    pub fn go_on_without_lock(&mut self, ticket: Ticket, random: f64, now: Now) -> bool {
        self.observe(now);
        self.lock_failures = self.lock_failures.saturating_add(1);
        if self.lock_failures >= MAX_LOCK_FAILURES && self.seen.wall >= self.elsewhere_until {
            return true;
        }
        self.fail(ticket, Code::Timeout, None, random, now);
        false
    }

    /// Notes that another holder of the lock waits for a late answer.
    pub fn wait_for_another(&mut self, now: Now) {
        self.observe(now);
        self.elsewhere_until = self.seen.wall + UNANSWERED_MS;
    }

    /// Takes back a ticket that was not carried out.
    pub fn give_back(&mut self, ticket: Ticket) {
        self.settle(ticket);
    }

    /// Drops the answers to all requests so far.
    pub(super) fn void_requests(&mut self) {
        self.request = None;
        self.void = self.last_ticket;
    }

    /// Forgets a request whose answer is not expected any more. If an answer comes nevertheless, the session accepts it.
    pub(super) fn end_late_request(&mut self) {
        let wall = self.seen.wall;
        self.request.take_if(|request| request.late_until.is_some_and(|until| wall >= until));
    }

    /// Tells whether a request is in flight whose time is not up.
    pub(super) fn is_answer_due(&self) -> bool {
        self.request.is_some_and(|request| request.late_until.is_none())
    }

    pub(super) fn begin(&mut self) -> Ticket {
        let ticket = Ticket(self.last_ticket.0.wrapping_add(1));
        self.last_ticket = ticket;
        self.request = Some(Request { ticket, sent_at: None, late_until: None });
        ticket
    }

    /// Holds the token that a refresh has brought. Half of its remaining life passes before the next refresh begins by itself. So
    /// neither a token with a short life nor a wrong window causes a loop.
    pub(super) fn hold_successor(&mut self, token: Claims, random: f64) {
        let rests_until = self.seen.wall + self.left_ms(token) / 2.0;
        self.hold(token, random);
        if let Some(held) = &mut self.held {
            held.rests_until = rests_until;
            held.pauses_until = self.seen.wall + MIN_PAUSE_MS;
        }
    }

    fn request_of(&self, ticket: Ticket) -> Option<Request> {
        self.request.filter(|request| request.ticket == ticket)
    }

    fn settle(&mut self, ticket: Ticket) -> Option<Request> {
        self.request.take_if(|request| request.ticket == ticket)
    }

    /// Returns the token that is renewed in the background, unless it is being refreshed.
    fn renewed(&self) -> Option<&Held> {
        let is_free = self.running && !self.is_answer_due();
        self.held.as_ref().filter(|held| is_free && !held.ended)
    }

    /// Returns when to refresh the token, by the wall clock.
    fn due(&self, held: &Held) -> f64 {
        let life = self.life(held);
        let spread = held.jitter * JITTER * (life.expires_at - life.refresh_at);
        let at = life.refresh_at + spread - self.skew_ms.unwrap_or(0.0);
        at.max(held.rests_until).max(held.pauses_until).max(held.cools_until)
    }

    fn record(&mut self, ticket: Ticket, code: Code, retry_after_ms: Option<f64>, random: f64) -> Outcome {
        // A token that was adopted meanwhile has not failed.
        let Some(held) = self.held.filter(|held| ticket > held.since) else { return Outcome::Failed };
        let is_expired = self.is_expired(held.claims);
        let outcome = if is_expired && code.action() == Action::Retry { Outcome::Expired } else { Outcome::Failed };
        self.cool_down(retry_after_ms, random);
        let ended = code.action() == Action::Login;
        if let Some(held) = &mut self.held {
            held.ended = ended;
            held.failure = Some(if outcome == Outcome::Expired { Code::TokenExpired } else { code });
        }
        let needs_login = ended || outcome == Outcome::Expired;
        if ticket > self.silent {
            if !needs_login {
                self.tell(Event::RefreshFailed);
            }
            if needs_login || is_expired {
                self.tell_expired();
            }
        }
        outcome
    }

    fn cool_down(&mut self, retry_after_ms: Option<f64>, random: f64) {
        let expires_in_ms = self.held.map_or(0.0, |held| self.left_ms(held.claims));
        let wall = self.seen.wall;
        if let Some(held) = &mut self.held {
            held.failures = held.failures.saturating_add(1);
            held.cools_until = wall + cool_down_ms(held.failures, retry_after_ms, expires_in_ms, random);
        }
    }
}

/// Returns how long the session sends no request after a number of failures in a row.
///
/// It is a back-off with full jitter above its minimum, and at most half of the token's remaining life. If the server asks for a
/// longer wait, it is that wait plus a random addition, up to the token's expiry. It is never more than about an hour. After that,
/// one attempt shows whether the server still asks for a wait.
pub(super) fn cool_down_ms(failures: u32, retry_after_ms: Option<f64>, expires_in_ms: f64, random: f64) -> f64 {
    let most = (MIN_BACKOFF_MS * f64::from(1_u32 << failures.min(10))).min(MAX_BACKOFF_MS);
    let backoff = MIN_BACKOFF_MS + random * (most - MIN_BACKOFF_MS);
    let at_least = spread_ms(retry_after_ms.unwrap_or(0.0).min(MAX_RETRY_AFTER_MS), random).min(expires_in_ms);
    backoff.min(expires_in_ms / 2.0).max(MIN_COOL_DOWN_MS).max(at_least)
}
