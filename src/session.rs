//! A session as a state machine: which token it holds, when to refresh it, what the store's content means, and which
//! events it emits.
//!
//! It has no IO, no clock and no randomness. The time and random numbers in 0..1 are arguments, and each call returns as data what
//! the driver has to do. The state does not contain the token itself: the driver has it.
//!
//! | file | decides |
//! |---|---|
//! | this one | which call gets the token, and which waits |
//! | `renewal.rs` | when a request is due, and what its answer or failure means |
//! | `storage.rs` | which of two tokens wins, and what an empty store means |
//! | `clock.rs` | how wrong the local clock is |
//! | `numbers.rs` | nothing: it writes the state as numbers, which JavaScript keeps |
//!
//! # How a driver uses it
//! - It passes the time by two clocks ([`Now`]) to each call. After each call it takes the
//!   [events](Session::take_events), sets its one timer to [`wait_ms`](Session::wait_ms), and wakes the waiting calls
//!   if the [generation](Session::generation) has changed or a refresh has ended. The timer calls [`wake`](Session::wake).
//! - A caller calls [`access`](Session::access) or [`refresh`](Session::refresh), acts on the [`Step`], and calls again
//!   after [`Step::Wait`] and [`Step::Look`].
//! - A [`Ticket`] is an order to refresh once: take the lock, look at the store, call [`send`](Session::send), send the
//!   request. After a time-out, call [`time_out`](Session::time_out) and go on waiting. Pass an answer to
//!   [`accept`](Session::accept), and a failure to [`fail`](Session::fail). If a ticket is not carried out, [give it
//!   back](Session::give_back).
//! - Pass the content of the store to [`found`](Session::found), or to [`replaced`](Session::replaced) if another tab reports a
//!   login. After a write, call [`written`](Session::written) and look again: a token is [stored](Session::is_stored) only after
//!   it was read in the store.

mod clock;
pub mod numbers;
mod renewal;
mod storage;

pub use clock::{MAX_SKEW_MS, Now};
pub use renewal::{Accepted, MAX_CHUNK_MS, Outcome, Ticket, UNANSWERED_MS};
pub use storage::{Content, Found, LOGGED_OUT, Stored};

use crate::claims::Claims;
use crate::error::{Code, InvalidReason};
use crate::status::{State, StatusOptions, TokenStatus};
use renewal::Request;
use storage::{Entry, LOOK_MS, REJECTION_LOOK_MS, Standing};

/// Where a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the caller. It overwrites another user's stored token.
    Given,
    /// From the store: it is there already.
    Stored,
}

/// What a call has done already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// It has waited as long as it may.
    pub has_waited: bool,
    /// It has looked at the store, and has not waited since.
    pub has_looked: bool,
}

/// What a caller does next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Use the token.
    Use,
    /// Wait for the refresh in flight, then call again.
    Wait,
    /// Look at the store, then call again.
    Look,
    /// Begin the refresh, then do as for `Wait`.
    Refresh(Ticket),
    /// Reject, for this reason.
    Reject(Rejection),
}

/// Why a call is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The last refresh failed; the driver has its error.
    LastFailure(Code),
    /// The token has expired.
    Expired,
    /// There is no token: the session was cleared, or never held one.
    Cleared,
}

impl Rejection {
    /// Returns the code of the error.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::LastFailure(code) => code,
            Self::Expired => Code::TokenExpired,
            Self::Cleared => Code::InvalidToken,
        }
    }
}

/// An event. It holds no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session holds a new token of the same user.
    Refreshed,
    /// A refresh failed; the session goes on.
    RefreshFailed,
    /// Only a new login helps. Emitted at most once for a token.
    Expired,
    /// The session holds a token of a new login.
    Replaced,
    /// The session holds no token any more.
    Cleared,
}

/// What the session knows about its token. Instants are those of the wall clock.
#[derive(Clone, Copy, Debug)]
struct Held {
    claims: Claims,
    /// The last ticket before the session got this token. Only a later ticket sends it.
    since: Ticket,
    /// The random delay of its renewal, as a share of the longest delay. It is drawn once.
    jitter: f64,
    /// Before this instant, neither the session itself nor `accessToken()` begins a refresh. A refresh sets it to the middle of the
    /// new token's remaining life.
    rests_until: f64,
    /// Before this instant, the session itself begins no refresh.
    pauses_until: f64,
    /// Before this instant, nothing sends a request.
    cools_until: f64,
    failures: u32,
    failure: Option<Code>,
    /// Whether only a login helps after that failure.
    ended: bool,
    told_expired: bool,
}

/// A session's state. It is plain data, so a driver can keep it anywhere.
#[derive(Clone, Debug)]
pub struct Session {
    options: StatusOptions,
    held: Option<Held>,
    /// Changes with the token.
    generation: u32,

    request: Option<Request>,
    last_ticket: Ticket,
    /// The session drops the answers to this ticket and to all earlier ones, because of another login or a logout.
    void: Ticket,
    /// The session emits no events for this ticket or an earlier one, because it was stopped.
    silent: Ticket,
    /// How often in a row the session did not get the lock.
    lock_failures: u32,
    /// Before this instant, another holder of the lock may still wait for an answer.
    elsewhere_until: f64,
    running: bool,
    offline: bool,

    has_store: bool,
    /// When the last look at the store began.
    looked_at: Option<f64>,
    standing: Standing,
    entry: Option<Entry>,
    /// The instant of the last logout, by the server's clock. None again after another login.
    logged_out_at: Option<f64>,

    skew_ms: Option<f64>,
    seen: Now,
    events: Vec<Event>,
}

impl Session {
    /// Begins with a token, which may be expired, or without one, as if cleared. Here and below `random` sets the token's
    /// jitter.
    #[must_use]
    pub fn new(token: Option<Claims>, origin: Origin, options: StatusOptions, random: f64, now: Now) -> Self {
        Self {
            options,
            held: token.map(|claims| Held::new(claims, Ticket(0), random)),
            generation: 0,
            request: None,
            last_ticket: Ticket(0),
            void: Ticket(0),
            silent: Ticket(0),
            lock_failures: 0,
            elsewhere_until: 0.0,
            running: false,
            offline: false,
            has_store: false,
            looked_at: None,
            standing: if origin == Origin::Given { Standing::Given } else { Standing::Settled },
            entry: None,
            logged_out_at: None,
            skew_ms: None,
            seen: now,
            events: Vec::new(),
        }
    }

    /// Notes that there is a store. Calls then look at it.
    #[must_use]
    pub fn with_store(self) -> Self {
        Self { has_store: true, ..self }
    }

    /// Returns a number that changes with the token.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Tells whether the server has refused this token.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.held.is_some_and(|held| held.ended && held.failure == Some(Code::Unauthorized))
    }

    /// Returns the status of the token. An empty session has the reason "not a string".
    #[must_use]
    pub fn status(&mut self, now: Now) -> TokenStatus {
        self.observe(now);
        match &self.held {
            Some(held) => TokenStatus::Valid(self.life(held)),
            None => TokenStatus::Invalid(InvalidReason::NotAString),
        }
    }

    /// Takes the events to emit, in order.
    #[must_use]
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// Decides the next step of a call for a token that is valid now.
    pub fn access(&mut self, progress: Progress, now: Now) -> Step {
        self.observe(now);
        self.unless_a_look_is_due(progress, |session| {
            let Some(held) = &session.held else { return Step::Reject(Rejection::Cleared) };
            if let Some(code) = held.failure.filter(|_| held.ended) {
                return Step::Reject(Rejection::LastFailure(code));
            }
            let rests = session.seen.wall < held.rests_until.max(held.cools_until);
            match session.life(held).state {
                State::Fresh => Step::Use,
                State::Expired => session.reject_expired(),
                State::Expiring if session.is_answer_due() && !progress.has_waited => Step::Wait,
                State::Expiring if rests || progress.has_waited => Step::Use,
                State::Expiring => Step::Refresh(session.begin()),
            }
        })
    }

    /// Decides the next step of a call that wants a newer token than the one of this generation.
    pub fn refresh(&mut self, generation: u32, progress: Progress, now: Now) -> Step {
        self.observe(now);
        self.unless_a_look_is_due(progress, |session| {
            let Some(held) = &session.held else { return Step::Reject(Rejection::Cleared) };
            let is_expired = session.is_expired(held.claims);
            match held.failure {
                Some(code) if held.ended => Step::Reject(Rejection::LastFailure(code)),
                _ if generation != session.generation && !is_expired => Step::Use,
                _ if session.is_answer_due() => Step::Wait,
                // A late answer may still come. Each call waits for it once.
                _ if session.request.is_some() && !progress.has_waited => Step::Wait,
                _ if is_expired => session.reject_expired(),
                Some(code) if session.seen.wall < held.cools_until => Step::Reject(Rejection::LastFailure(code)),
                _ => Step::Refresh(session.begin()),
            }
        })
    }

    /// Takes the token of a new login, whatever the state is.
    pub fn replace(&mut self, token: Claims, random: f64) {
        self.log_in(token, Standing::Replaced, random);
    }

    /// Forgets the token after a logout elsewhere, and drops the answer to a request in flight.
    pub fn clear(&mut self) {
        self.void_requests();
        self.entry = None;
        if let Some(held) = self.held.take() {
            self.note_logout(held.claims.issued_at);
            self.generation = self.generation.wrapping_add(1);
            self.tell(Event::Cleared);
        }
    }

    /// Forgets the token after a logout here. From then on, older tokens of this user in the store have to be deleted.
    pub fn log_out(&mut self, now: Now) {
        self.observe(now);
        self.note_logout(self.logged_out_at);
        self.clear();
    }

    /// Notes the instant of a logout. It is now. But if now is earlier than `after` plus one second, it is `after`.
    ///
    /// `after` is the `iat` of the cleared token. So that token is never later than the logout, even if it is new or the clock is slow.
    /// If there is no token, `after` is the instant of the previous logout. So a second logout never moves the instant back.
    fn note_logout(&mut self, after: Option<f64>) {
        let (after, now) = (after.unwrap_or(f64::MIN), self.time());
        self.logged_out_at = Some(if now < after + 1_000.0 { after } else { now });
    }

    /// Decides the next step of a call. The step is a look at the store if the last look is old, or before a rejection.
    fn unless_a_look_is_due(&mut self, progress: Progress, answer: impl FnOnce(&mut Self) -> Step) -> Step {
        let may_look = self.has_store && !progress.has_looked;
        if may_look && self.is_look_older_than(LOOK_MS) {
            return self.look();
        }
        let mut answered = self.clone();
        let step = answer(&mut answered);
        if may_look && matches!(step, Step::Reject(_)) && self.is_look_older_than(REJECTION_LOOK_MS) {
            return self.look();
        }
        *self = answered;
        step
    }

    fn look(&mut self) -> Step {
        self.looked_at = Some(self.seen.wall);
        Step::Look
    }

    fn reject_expired(&mut self) -> Step {
        self.notice_expiry();
        let known = self.held.and_then(|held| held.failure).filter(|&code| code == Code::TokenExpired);
        Step::Reject(known.map_or(Rejection::Expired, Rejection::LastFailure))
    }

    fn log_in(&mut self, token: Claims, standing: Standing, random: f64) {
        self.void_requests();
        self.entry = None;
        self.logged_out_at = None;
        self.standing = standing;
        self.hold(token, random);
        self.tell(Event::Replaced);
    }

    fn hold(&mut self, token: Claims, random: f64) {
        self.generation = self.generation.wrapping_add(1);
        self.held = Some(Held::new(token, self.last_ticket, random));
        if let Some(entry) = &mut self.entry {
            entry.is_current = false;
        }
    }

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Tells of the expiry, unless a request is in flight: its answer may bring the session back.
    fn notice_expiry(&mut self) {
        if self.request.is_none() {
            self.tell_expired();
        }
    }

    fn tell_expired(&mut self) {
        if let Some(held) = self.held.as_mut().filter(|held| !held.told_expired) {
            held.told_expired = true;
            self.tell(Event::Expired);
        }
    }
}

impl Held {
    fn new(claims: Claims, since: Ticket, jitter: f64) -> Self {
        Self {
            claims,
            since,
            jitter,
            rests_until: 0.0,
            pauses_until: 0.0,
            cools_until: 0.0,
            failures: 0,
            failure: None,
            ended: false,
            told_expired: false,
        }
    }
}

/// Tells whether a token was issued later than another, or expires later if both were issued at the same time. A token
/// without `iat` is the oldest.
fn is_later(one: Claims, other: Claims) -> bool {
    (one.issued_at, one.expires_at) > (other.issued_at, other.expires_at)
}

#[cfg(test)]
mod tests;
