//! A session as a state machine: which token it holds, when to refresh it, and what to tell whom.
//!
//! No IO, no clock, no chance: time and random numbers in 0..1 are arguments, and what happens is returned as data.
//!
//! # How a driver uses it
//! - It owns one [`Session`] and the token that this is about, and passes every call what time it is by two clocks
//!   ([`Now`]). After every call it takes the [`events`](Session::take_events) and tells its listeners, sets its one
//!   timer to [`wait_ms`](Session::wait_ms), and where the [`generation`](Session::generation) has changed or a refresh
//!   has ended, wakes those who wait. The timer, and whatever hints at a wake from sleep, calls [`wake`](Session::wake).
//! - A caller asks [`access`](Session::access) or [`refresh`](Session::refresh) and acts on the [`Step`]: after
//!   `Wait` it asks the same again once it is woken. When `maxWaitMs` is over it asks [`overdue`](Session::overdue).
//! - A [`Ticket`] is an order to refresh once: take the lock, pass what is stored to [`found`](Session::found),
//!   then ask [`send`](Session::send) whether the token is to be exchanged; else there is nothing left to do. The
//!   request is not aborted. Its answer is judged with [`MAX_SKEW_MS`] added to the tolerance, because it is
//!   [`accept`](Session::accept) that knows what time it really is; anything else is [`fail`](Session::fail)ed,
//!   after `ERR_UNAUTHORIZED` with another look at the store first: another tab may hold the successor.
//!   A ticket that leads nowhere is [given back](Session::give_back).
//! - Where a store is shared, its token is passed to [`found`](Session::found) before the first call is answered and
//!   whenever another tab says that it changed. A tab says **what** happened, never the token: "refreshed", to be
//!   followed by `found`; "replaced", by [`replaced`](Session::replaced); "cleared", by
//!   [`clear`](Session::clear), and then by `found`, since an answer may have been stored meanwhile.
//!   What was written is confirmed by [`written`](Session::written), and then read: until it was found in the store the token is
//!   not [stored](Session::is_stored). After [`log_out`](Session::log_out) the driver deletes; if that fails it passes what
//!   is stored to `found`, compared with the token that was held last, until nothing of that is left.

pub mod numbers;

use crate::claims::Claims;
use crate::error::{Action, Code, InvalidReason};
use crate::refresh::spread_ms;
use crate::status::{Lifetime, State, StatusOptions, TokenStatus, lifetime};

/// The longest time between two looks at the clock, in milliseconds: `setTimeout` overflows at 24.8 days, and a
/// machine that slept is noticed this soon.
pub const MAX_CHUNK_MS: f64 = 3_600_000.0;

/// The most that a clock is believed to be wrong, in milliseconds.
pub const MAX_SKEW_MS: f64 = 48.0 * 3_600_000.0;

/// A clock that is wrong by less is right, and one that jumps by less does not jump.
const NOISE_MS: f64 = 7_000.0;

/// A request that takes longer says nothing about the clock.
const MAX_MEASURED_MS: f64 = 10_000.0;

/// The shortest time between a refresh and the next one that begins by itself.
const MIN_PAUSE_MS: f64 = 30_000.0;

/// The share of the refresh window over which renewals are spread, so that a fleet does not refresh in one second.
const JITTER: f64 = 0.05;

/// No cool-down is shorter, but shortly before expiry.
const MIN_BACKOFF_MS: f64 = 1_000.0;

/// No back-off is longer.
const MAX_BACKOFF_MS: f64 = 600_000.0;

/// The longest `Retry-After` that is kept to.
const MAX_RETRY_AFTER_MS: f64 = 3_600_000.0;

/// No cool-down at all is shorter.
const MIN_COOL_DOWN_MS: f64 = 100.0;

/// The longest time that a store is asked to keep a token, in milliseconds: memcached takes a longer one for a date.
const MAX_TTL_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// How long before the end of its time an entry may be gone by itself, in milliseconds: clocks differ.
const LAST_MS: f64 = 60_000.0;

/// What time it is, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// Milliseconds since the epoch, as the machine has it: it may be wrong, and it may jump.
    pub wall: f64,
    /// Milliseconds since some start; it never jumps, and it may stand still while the machine sleeps.
    pub monotonic: f64,
}

/// Where a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the caller: it overwrites what is stored for another user.
    Given,
    /// From the store: it is there already.
    Stored,
}

/// An order to refresh once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u32);

/// What a caller does next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Use the token.
    Use,
    /// Wait for the refresh under way, then ask again.
    Wait,
    /// Begin the refresh, then as for `Wait`.
    Refresh(Ticket),
    /// Fail, and why.
    Reject(Rejection),
}

/// Why a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The last refresh failed so; the driver has the error.
    LastFailure(Code),
    /// The token has expired.
    Expired,
    /// There is no token: the session was cleared.
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

/// What became of the token of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The session holds it now, and it is to be stored.
    Held,
    /// Nobody needs it any more.
    Dropped,
    /// It has expired already, which is a failure of the refresh.
    Refused(Outcome),
}

/// What a failure of a refresh means for the token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It failed so.
    Failed,
    /// The token has expired meanwhile, so that only a new login helps: `ERR_TOKEN_EXPIRED`, with the failure as its cause.
    Expired,
}

/// What to do about what was found in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Keep,
    /// Store the token.
    Write,
    /// Nothing but to wake who waits: the session holds the stored token now.
    Adopted,
    /// Nothing but to wake who waits: the session holds no token any more, since there was a logout elsewhere.
    Cleared,
    /// Delete it: a logout here was to.
    Delete,
}

/// What listeners are told. None of it holds a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session holds a new token of the same user; its times are the [status](Session::status).
    Refreshed,
    /// A refresh failed, for the [reason](Session::failure) that is kept; the session goes on.
    RefreshFailed,
    /// Only a new login helps. At most once for a token.
    Expired,
    /// The session holds a token of a new login.
    Replaced,
    /// The session holds no token any more.
    Cleared,
}

/// A token, and what has become of it here.
#[derive(Clone, Copy, Debug)]
struct Held {
    claims: Claims,
    /// How much of [`JITTER`] is this token's, drawn once.
    jitter: f64,
    /// No refresh before this, by the wall clock.
    rests_until: f64,
    /// No refresh by itself before this, by the wall clock.
    pauses_until: f64,
    /// No request before this, by the wall clock.
    cools_until: f64,
    failures: u32,
    failure: Option<Code>,
    /// Whether only a login helps after that failure.
    ended: bool,
    told_expired: bool,
}

/// A refresh under way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    ticket: Ticket,
    /// That of the token that is exchanged.
    generation: u32,
    silent: bool,
}

/// What a stored token of another user is to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Older than the one that the session was constructed with.
    Given,
    /// Overruled by `replace()`, whoever's it is.
    Replaced,
    /// A newer login.
    Settled,
}

/// What is found in the store.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Something that is no token, or nothing in a store that does not tell that from a failure.
    Unusable,
    /// The mark of a logout, in a store that may forget.
    LoggedOut,
    /// A token.
    Token(Stored),
}

/// The mark of a logout. It is no token.
pub const LOGGED_OUT: &str = "cleared";

/// The entry of this login in the store.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// When the store drops it by itself, by the wall clock.
    ends: f64,
    /// Whether it was ever read there: if it is gone after that, someone has deleted it.
    was_seen: bool,
    /// Whether it is known to be the token that is held.
    is_current: bool,
}

/// A token in the store, and how it compares with the one that is held, or was held before a logout.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// When it was issued and expires.
    pub claims: Claims,
    /// Whether it is the very token that is held.
    pub is_same: bool,
    /// Whether it is the same user's.
    pub is_of_same_user: bool,
}

/// A session's state: plain data, so that a driver keeps it wherever it likes. The token itself, which the driver
/// has, is not in it.
#[derive(Clone, Debug)]
pub struct Session {
    options: StatusOptions,
    held: Option<Held>,
    standing: Standing,
    entry: Option<Entry>,
    /// When the logout was whose delete is still to come, by the server's clock.
    logged_out_at: Option<f64>,
    flight: Option<Flight>,
    generation: u32,
    last_ticket: u32,
    skew_ms: Option<f64>,
    seen: Now,
    running: bool,
    offline: bool,
    events: Vec<Event>,
}

impl Session {
    /// Begins with a token, which may be expired, or with none, as if cleared. `random` is for its jitter, here and
    /// below.
    #[must_use]
    pub fn new(token: Option<Claims>, origin: Origin, options: StatusOptions, random: f64, now: Now) -> Self {
        Self {
            options,
            held: token.map(|claims| Held::new(claims, random)),
            standing: if origin == Origin::Given { Standing::Given } else { Standing::Settled },
            entry: None,
            logged_out_at: None,
            flight: None,
            generation: 0,
            last_ticket: 0,
            skew_ms: None,
            seen: now,
            running: false,
            offline: false,
            events: Vec::new(),
        }
    }

    /// Returns a number that changes with the token.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns how the last refresh of this token failed.
    #[must_use]
    pub fn failure(&self) -> Option<Code> {
        self.held.as_ref()?.failure
    }

    /// Tells whether the server has refused this token.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.ended && held.failure == Some(Code::Unauthorized))
    }

    /// Returns server minus local time, in milliseconds; none until it is measured, and again when the wall clock
    /// has jumped. Positive where the local clock is slow.
    #[must_use]
    pub fn clock_skew_ms(&self) -> Option<f64> {
        self.skew_ms
    }

    /// Judges the token at this instant of the wall clock. A cleared session is one whose token is no string.
    #[must_use]
    pub fn status(&self, wall: f64) -> TokenStatus {
        match &self.held {
            Some(held) => {
                let now = wall + self.skew_ms.unwrap_or(0.0);
                TokenStatus::Valid(lifetime(held.claims, &self.options, now))
            }
            None => TokenStatus::Invalid(InvalidReason::NotAString),
        }
    }

    /// Takes what listeners are to be told, in order.
    #[must_use]
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// Answers who wants a token that is valid now.
    pub fn access(&mut self, now: Now) -> Step {
        self.hand_out(true, now)
    }

    /// Answers who has waited for that long enough: the old token, or that it has expired.
    pub fn overdue(&mut self, now: Now) -> Step {
        self.hand_out(false, now)
    }

    /// Answers who wants a token newer than that of this generation.
    pub fn refresh(&mut self, generation: u32, now: Now) -> Step {
        self.observe(now);
        let Some(held) = &self.held else { return Step::Reject(Rejection::Cleared) };
        let expired = self.is_expired(held.claims);
        match held.failure {
            Some(code) if held.ended => Step::Reject(Rejection::LastFailure(code)),
            _ if generation != self.generation && !expired => Step::Use,
            _ if self.flight.is_some() => Step::Wait,
            _ if expired => self.reject_expired(),
            Some(code) if self.seen.wall < held.cools_until => Step::Reject(Rejection::LastFailure(code)),
            _ => Step::Refresh(self.begin()),
        }
    }

    /// Begins the renewal in the background.
    pub fn start(&mut self) {
        self.running = true;
        self.be_silent(false);
    }

    /// Ends it. A refresh under way ends in silence.
    pub fn stop(&mut self) {
        self.running = false;
        self.be_silent(true);
    }

    /// Pauses the renewal while there is no network.
    pub fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// Looks at the clock: begins a refresh that is due, and notices the token's expiry.
    pub fn wake(&mut self, now: Now) -> Option<Ticket> {
        self.observe(now);
        let held = self.renewed()?;
        if self.is_expired(held.claims) {
            self.tell_expired();
            return None;
        }
        let due = !self.offline && self.seen.wall >= self.due(held);
        due.then(|| self.begin())
    }

    /// Returns how long to wait before the next [`wake`](Session::wake), in milliseconds, 1 to [`MAX_CHUNK_MS`];
    /// none where nothing is to happen by itself.
    #[must_use]
    pub fn wait_ms(&mut self, now: Now) -> Option<f64> {
        self.observe(now);
        let held = self.renewed()?;
        let left = self.left_ms(held.claims);
        if left <= 0.0 && held.told_expired {
            return None;
        }
        let until_due = if self.offline { left } else { self.due(held) - self.seen.wall };
        Some(until_due.min(left).ceil().clamp(1.0, MAX_CHUNK_MS))
    }

    /// Tells whether this refresh is still wanted: then the token is to be exchanged.
    pub fn send(&mut self, ticket: Ticket, now: Now) -> bool {
        self.observe(now);
        let Some(flight) = self.land(ticket) else { return false };
        let Some(held) = self.held.as_ref().filter(|_| flight.generation == self.generation) else { return false };
        if self.is_expired(held.claims) {
            if !flight.silent {
                self.tell_expired();
            }
            return false;
        }
        self.flight = Some(flight);
        true
    }

    /// Takes the token that the server has answered with, to a request that was sent then.
    pub fn accept(&mut self, ticket: Ticket, new: Claims, sent: Now, random: f64, now: Now) -> Accepted {
        self.observe(now);
        let Some(flight) = self.land(ticket) else { return Accepted::Dropped };
        let skew_ms = self.implied_skew_ms(new, sent);
        if new.is_expired(self.options.clock_tolerance_ms, now.wall + skew_ms.unwrap_or(0.0)) {
            return Accepted::Refused(self.record(&flight, Code::BadResponse, None, random));
        }
        self.skew_ms = skew_ms;
        // Another tab was quicker: of two tokens the later one wins.
        let overtaken = flight.generation != self.generation;
        if overtaken && self.held.is_some_and(|held| !is_later(new, held.claims)) {
            return Accepted::Dropped;
        }
        self.hold_successor(new, random);
        if !flight.silent {
            self.tell(Event::Refreshed);
        }
        Accepted::Held
    }

    /// Takes the failure of a refresh, or of what comes before it; `retry_after_ms` is what the server asks for.
    pub fn fail(&mut self, ticket: Ticket, code: Code, retry_after_ms: Option<f64>, random: f64, now: Now) -> Outcome {
        self.observe(now);
        match self.land(ticket) {
            Some(flight) => self.record(&flight, code, retry_after_ms, random),
            None => Outcome::Failed,
        }
    }

    /// Takes back an order that was not carried out.
    pub fn give_back(&mut self, ticket: Ticket) {
        self.land(ticket);
    }

    /// Compares with what is stored.
    pub fn found(&mut self, content: Content, random: f64, now: Now) -> Found {
        self.observe(now);
        let Some(held) = self.held else { return self.found_without_token(content, random) };
        let is_usable = !held.ended && !self.is_expired(held.claims);
        match content {
            Content::Token(stored) if stored.is_same => {
                self.standing = Standing::Settled;
                self.see(stored.claims);
                return Found::Keep;
            }
            Content::Token(stored) => {
                let wins = match self.standing {
                    Standing::Replaced => false,
                    _ if stored.is_of_same_user => !is_later(held.claims, stored.claims),
                    standing => standing == Standing::Settled,
                };
                // One that is expired wins nothing.
                if wins && !self.is_expired(stored.claims) {
                    self.adopt(stored, random);
                    return Found::Adopted;
                }
            }
            Content::Empty => {
                if let Some(entry) = self.entry.filter(|entry| entry.was_seen) {
                    if self.seen.wall < entry.ends - LAST_MS {
                        self.clear();
                        return Found::Cleared;
                    }
                    // It may have been either, and a token that has no time left is no loss.
                    if self.left_ms(held.claims) <= LAST_MS {
                        return Found::Keep;
                    }
                }
            }
            // A login that is not stored yet is written over it.
            Content::LoggedOut if self.standing == Standing::Settled => {
                self.clear();
                return Found::Cleared;
            }
            Content::LoggedOut | Content::Unusable => {}
        }
        if let Some(entry) = &mut self.entry {
            entry.is_current = false;
        }
        if is_usable || self.standing == Standing::Replaced { Found::Write } else { Found::Keep }
    }

    /// Returns how long the store is to keep the token, in whole milliseconds: as long as it lives, but no longer than it says
    /// that it lives in all, whatever the clock says, and no longer than any store takes. Not positive if it has expired.
    #[must_use]
    pub fn ttl_ms(&mut self, now: Now) -> f64 {
        self.observe(now);
        let Some(Held { claims, .. }) = self.held else { return 0.0 };
        let stated = claims.issued_at.map_or(MAX_TTL_MS, |issued_at| claims.expires_at - issued_at);
        self.left_ms(claims).min(stated).min(MAX_TTL_MS).floor()
    }

    /// Confirms that the store took the token of this generation.
    pub fn written(&mut self, generation: u32, now: Now) {
        if generation == self.generation {
            let ends = now.wall + self.ttl_ms(now);
            self.standing = Standing::Settled;
            let was_seen = self.entry.is_some_and(|entry| entry.was_seen);
            self.entry = Some(Entry { ends, was_seen, is_current: false });
        }
    }

    /// Tells whether the token was found in the store.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.entry.is_some_and(|entry| entry.is_current)
    }

    /// Goes on with the token of a new login, whatever was before.
    pub fn replace(&mut self, token: Claims, random: f64) {
        self.log_in(token, Standing::Replaced, random);
    }

    /// Goes on with the token of a new login in another tab, which may say so late.
    pub fn replaced(&mut self, stored: Stored, random: f64, now: Now) -> Found {
        if stored.is_same || self.held.is_none() && self.is_left_over(stored) {
            return self.found(Content::Token(stored), random, now);
        }
        self.observe(now);
        self.log_in(stored.claims, Standing::Settled, random);
        self.see(stored.claims);
        Found::Adopted
    }

    /// Drops the token, and the answer to a refresh under way.
    pub fn clear(&mut self) {
        self.flight = None;
        self.entry = None;
        if self.held.take().is_some() {
            self.logged_out_at = Some(self.time());
            self.generation = self.generation.wrapping_add(1);
            self.tell(Event::Cleared);
        }
    }

    /// Does so for a logout here: what the store has of this user from before is to be deleted.
    pub fn log_out(&mut self, now: Now) {
        self.observe(now);
        self.logged_out_at = Some(self.time());
        self.clear();
    }
}

/// How it comes to that.
impl Session {
    /// Notices what time it is, and that the wall clock has jumped: what was measured by it is worth nothing then.
    fn observe(&mut self, now: Now) {
        let jump = (now.wall - self.seen.wall) - (now.monotonic - self.seen.monotonic);
        self.seen = now;
        if jump.abs() < NOISE_MS {
            return;
        }
        self.skew_ms = None;
        // Forward it may as well have been asleep, and a rest is a rest. Backward, the rests would last too long.
        if let Some(held) = self.held.as_mut().filter(|_| jump < 0.0) {
            held.rests_until += jump;
            held.pauses_until += jump;
            held.cools_until += jump;
        }
    }

    fn time(&self) -> f64 {
        self.seen.wall + self.skew_ms.unwrap_or(0.0)
    }

    fn life(&self, held: &Held) -> Lifetime {
        lifetime(held.claims, &self.options, self.time())
    }

    fn left_ms(&self, token: Claims) -> f64 {
        token.expires_in_ms(self.options.clock_tolerance_ms, self.time())
    }

    fn is_expired(&self, token: Claims) -> bool {
        self.left_ms(token) <= 0.0
    }

    /// Returns the token that is renewed in the background, while nothing else happens to it.
    fn renewed(&self) -> Option<&Held> {
        self.held.as_ref().filter(|held| self.running && self.flight.is_none() && !held.ended)
    }

    /// Returns when to refresh it, by the wall clock.
    fn due(&self, held: &Held) -> f64 {
        let life = self.life(held);
        let spread = held.jitter * JITTER * (life.expires_at - life.refresh_at);
        let at = life.refresh_at + spread - self.skew_ms.unwrap_or(0.0);
        at.max(held.rests_until).max(held.pauses_until).max(held.cools_until)
    }

    fn hand_out(&mut self, is_patient: bool, now: Now) -> Step {
        self.observe(now);
        let Some(held) = &self.held else { return Step::Reject(Rejection::Cleared) };
        if let Some(code) = held.failure.filter(|_| held.ended) {
            return Step::Reject(Rejection::LastFailure(code));
        }
        let state = self.life(held).state;
        let rests = self.seen.wall < held.rests_until.max(held.cools_until);
        match state {
            State::Fresh => Step::Use,
            State::Expired => self.reject_expired(),
            State::Expiring if is_patient && self.flight.is_some() => Step::Wait,
            State::Expiring if rests || !is_patient => Step::Use,
            State::Expiring => Step::Refresh(self.begin()),
        }
    }

    fn begin(&mut self) -> Ticket {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        let ticket = Ticket(self.last_ticket);
        self.flight = Some(Flight { ticket, generation: self.generation, silent: false });
        ticket
    }

    fn land(&mut self, ticket: Ticket) -> Option<Flight> {
        self.flight.take_if(|flight| flight.ticket == ticket)
    }

    fn be_silent(&mut self, silent: bool) {
        if let Some(flight) = &mut self.flight {
            flight.silent = silent;
        }
    }

    /// Compares what is stored with what was held before it was cleared. A token that was issued later is that of a login
    /// elsewhere; so is any token for a session that never held one.
    fn found_without_token(&mut self, content: Content, random: f64) -> Found {
        match content {
            Content::Token(stored) if self.is_left_over(stored) => Found::Delete,
            Content::Token(stored) if !self.is_expired(stored.claims) && self.is_of_a_later_login(stored) => {
                self.log_in(stored.claims, Standing::Settled, random);
                self.see(stored.claims);
                Found::Adopted
            }
            _ => Found::Keep,
        }
    }

    fn is_of_a_later_login(&self, stored: Stored) -> bool {
        self.logged_out_at.is_none_or(|at| stored.claims.issued_at.is_some_and(|issued_at| issued_at > at))
    }

    /// Tells whether a stored token is of before the logout: the very one, or another of its user.
    fn is_left_over(&self, stored: Stored) -> bool {
        let is_older = |at| stored.claims.issued_at.is_none_or(|issued_at| issued_at < at);
        stored.is_same || stored.is_of_same_user && self.logged_out_at.is_some_and(is_older)
    }

    /// Notices that the token is in the store. Who wrote it did so when it was issued, or later.
    fn see(&mut self, claims: Claims) {
        let since = claims.issued_at.unwrap_or(self.time());
        let ends = claims.expires_at.min(since + MAX_TTL_MS) - self.skew_ms.unwrap_or(0.0);
        let ends = self.entry.map_or(ends, |entry| entry.ends.max(ends));
        self.entry = Some(Entry { ends, was_seen: true, is_current: true });
    }

    fn log_in(&mut self, token: Claims, standing: Standing, random: f64) {
        self.flight = None;
        self.entry = None;
        self.logged_out_at = None;
        self.standing = standing;
        self.hold(token, random);
        self.tell(Event::Replaced);
    }

    fn hold(&mut self, token: Claims, random: f64) {
        self.generation = self.generation.wrapping_add(1);
        self.held = Some(Held::new(token, random));
        if let Some(entry) = &mut self.entry {
            entry.is_current = false;
        }
    }

    /// Holds what a refresh has brought. Half of its life passes before the next one begins by itself: neither a
    /// short answer nor a wrong window may loop.
    fn hold_successor(&mut self, token: Claims, random: f64) {
        let rests_until = self.seen.wall + self.left_ms(token) / 2.0;
        self.hold(token, random);
        if let Some(held) = &mut self.held {
            held.rests_until = rests_until;
            held.pauses_until = self.seen.wall + MIN_PAUSE_MS;
        }
    }

    fn adopt(&mut self, stored: Stored, random: f64) {
        let is_first_look = self.standing == Standing::Given;
        self.standing = Standing::Settled;
        if stored.is_of_same_user {
            if is_first_look {
                self.hold(stored.claims, random);
            } else {
                self.hold_successor(stored.claims, random);
            }
            self.tell(Event::Refreshed);
        } else {
            self.log_in(stored.claims, Standing::Settled, random);
        }
        self.entry = None;
        self.see(stored.claims);
    }

    /// Returns server minus local time by a token that the server has just issued, against the middle of the
    /// request; what is known already where the token, the request or the result is not good for that.
    fn implied_skew_ms(&self, new: Claims, sent: Now) -> Option<f64> {
        let old = self.held.as_ref().and_then(|held| held.claims.issued_at);
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

    fn record(&mut self, flight: &Flight, code: Code, retry_after_ms: Option<f64>, random: f64) -> Outcome {
        let expires_in_ms = self.held.map_or(0.0, |held| self.left_ms(held.claims));
        // A token that was adopted meanwhile has not failed.
        let Some(held) = self.held.as_mut().filter(|_| flight.generation == self.generation) else {
            return Outcome::Failed;
        };
        let is_expired = expires_in_ms <= 0.0;
        let outcome = if is_expired && code.action() == Action::Retry { Outcome::Expired } else { Outcome::Failed };
        held.ended = code.action() == Action::Login;
        held.failures = held.failures.saturating_add(1);
        held.cools_until = self.seen.wall + cool_down_ms(held.failures, retry_after_ms, expires_in_ms, random);
        held.failure = Some(if outcome == Outcome::Expired { Code::TokenExpired } else { code });
        let needs_login = held.ended || outcome == Outcome::Expired;
        if !flight.silent {
            if !needs_login {
                self.tell(Event::RefreshFailed);
            }
            if needs_login || is_expired {
                self.tell_expired();
            }
        }
        outcome
    }

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    fn tell_expired(&mut self) {
        if let Some(held) = self.held.as_mut().filter(|held| !held.told_expired) {
            held.told_expired = true;
            self.tell(Event::Expired);
        }
    }

    fn reject_expired(&mut self) -> Step {
        // A refresh under way may bring a successor yet.
        if self.flight.is_none() {
            self.tell_expired();
        }
        let known = self.failure().filter(|&code| code == Code::TokenExpired);
        Step::Reject(known.map_or(Rejection::Expired, Rejection::LastFailure))
    }
}

impl Held {
    fn new(claims: Claims, jitter: f64) -> Self {
        Self {
            claims,
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

/// Returns how long to make no request after so many failures in a row: back-off with full jitter above its least,
/// no more than half of the token's remaining life, and as long as the server asks and some more, up to the token's expiry
/// and to an hour, after which one attempt shows whether the server still means it.
fn cool_down_ms(failures: u32, retry_after_ms: Option<f64>, expires_in_ms: f64, random: f64) -> f64 {
    let most = (MIN_BACKOFF_MS * f64::from(1_u32 << failures.min(10))).min(MAX_BACKOFF_MS);
    let backoff = MIN_BACKOFF_MS + random * (most - MIN_BACKOFF_MS);
    let asked = spread_ms(retry_after_ms.unwrap_or(0.0).min(MAX_RETRY_AFTER_MS), random).min(expires_in_ms);
    backoff.min(expires_in_ms / 2.0).max(MIN_COOL_DOWN_MS).max(asked)
}

/// Tells whether a token was issued later than another, or expires later where that is the same. One that does not
/// say when it was issued is the oldest.
fn is_later(one: Claims, other: Claims) -> bool {
    (one.issued_at, one.expires_at) > (other.issued_at, other.expires_at)
}

#[cfg(test)]
mod tests;
