//! A session for the npm package's JavaScript: it lays the [`Session`] back, which is plain data, asks for one thing, and
//! takes it up again. Numbers go in and come out; the tokens are with `pkg-template/driver.js`.

use wasm_bindgen::prelude::*;

use super::check::{claims, in_buffers, status_options, verdict};
use super::desk::{BUFFERS, Buffers, FAILURE, SESSION, fail, flag, split, whole};
use crate::error::{Code, Failure, InvalidReason};
use crate::refresh::OldToken;
use crate::session::{Content, Found, Now, Origin, Session, Step, Stored, Ticket};
use crate::status::TokenStatus;

// What `act` does, by number: one export costs less than one for each.

/// Answers a call of `accessToken()`: 0 for the token, -1 to wait, -2 to fail with the failure left; above 0 it is the
/// ticket of a refresh to begin, and to wait for.
const ACCESS: u32 = 0;
/// The same, for one that has waited long enough.
const OVERDUE: u32 = 1;
/// The same, for one of `refresh()` at this generation.
const REFRESH: u32 = 2;
/// Looks at the clock; answers with the ticket of a refresh that is due, or 0.
const WAKE: u32 = 3;
/// Answers how long to wait before that, in milliseconds; NaN where nothing is to happen.
const WAIT: u32 = 4;
/// Answers whether the token of this ticket is to be exchanged, as 1 or 0.
const SEND: u32 = 5;
/// Takes the failure that is there for this ticket's exchange.
const FAIL: u32 = 6;
/// Takes that the lock for this ticket was not had.
const NO_LOCK: u32 = 7;
/// Confirms that the store took the token of this generation.
const WRITTEN: u32 = 8;
/// Drops the token; where the number is 1, by a logout here.
const CLEAR: u32 = 9;
/// Begins the renewal in the background.
const START: u32 = 10;
/// Ends it.
const STOP: u32 = 11;
/// Pauses it where the number is 1, and no longer where it is 0.
const OFFLINE: u32 = 12;
/// Takes what listeners are to be told: their places among the events from 1, three bits each, the first one lowest.
const EVENTS: u32 = 13;
/// Answers with a number that changes with the token.
const GENERATION: u32 = 14;
/// Answers with server minus local time, in milliseconds; NaN where it is not known.
const SKEW: u32 = 15;
/// Leaves the failure of the last refresh.
const LAST_FAILURE: u32 = 16;
/// Takes back this ticket's order, which was not carried out.
const GIVE_BACK: u32 = 17;
/// Answers whether the failure that is there is the server's refusal of the token, as 1 or 0.
const IS_REFUSAL: u32 = 18;
/// Answers how long the store is to keep the token, in milliseconds.
const TTL: u32 = 19;
/// Answers whether the token was found in the store, as 1 or 0.
const IS_STORED: u32 = 20;

/// What is added to a verdict where the server has refused the token.
const REFUSED: usize = 32;

/// Begins with the token that lies where a check has its own, and is from the store or not; with none, which is as good as
/// cleared, where there is none. Tells whether it is a token, and leaves a failure where not.
#[wasm_bindgen]
#[must_use]
#[expect(clippy::too_many_arguments, reason = "numbers cost less as arguments than as an object")]
pub fn begin(
    length: u32,
    is_none: bool,
    is_stored: bool,
    refresh_window_ms: f64,
    clock_tolerance_ms: f64,
    random: f64,
    wall: f64,
    monotonic: f64,
) -> bool {
    let token = if is_none { Ok(None) } else { claims(length).map(Some) };
    let origin = if is_stored { Origin::Stored } else { Origin::Given };
    let options = status_options(refresh_window_ms, clock_tolerance_ms);
    let begun = token.map(|token| Session::new(token, origin, options, random, Now { wall, monotonic }));
    noted(begun.map(|session| SESSION.set(Some(session))))
}

/// Does what one of the numbers above says, with another number, and answers with a third.
#[wasm_bindgen]
#[must_use]
pub fn act(op: u32, number: f64, random: f64, wall: f64, monotonic: f64) -> f64 {
    with(|session| {
        let (now, whole) = (Now { wall, monotonic }, whole(number));
        match op {
            ACCESS | OVERDUE | REFRESH => {
                let step = match op {
                    ACCESS => session.access(now),
                    OVERDUE => session.overdue(now),
                    _ => session.refresh(whole, now),
                };
                match step {
                    Step::Use => return 0.0,
                    Step::Wait => return -1.0,
                    Step::Refresh(Ticket(ticket)) => return ticket.into(),
                    Step::Reject(failure) => fail(failure),
                }
                return -2.0;
            }
            WAKE => return session.wake(now).map_or(0.0, |Ticket(ticket)| ticket.into()),
            WAIT => return session.wait_ms(now).unwrap_or(f64::NAN),
            SEND => return flag(session.send(Ticket(whole), now)),
            FAIL => session.fail(Ticket(whole), FAILURE.with_borrow(|failure| *failure), random, now),
            NO_LOCK => {
                let mut failure = Failure::new(Code::Timeout);
                failure.detail = "the lock was not had";
                session.fail(Ticket(whole), failure, random, now);
            }
            WRITTEN => session.written(whole, now),
            CLEAR if number > 0.0 => session.log_out(now),
            CLEAR => session.clear(),
            START => session.start(),
            STOP => session.stop(),
            OFFLINE => session.set_offline(number > 0.0),
            EVENTS => return session.take_events().0.into(),
            GENERATION => return session.generation().into(),
            SKEW => return session.clock_skew_ms().unwrap_or(f64::NAN),
            LAST_FAILURE => fail(session.failure().copied().unwrap_or(Failure::new(Code::Internal))),
            GIVE_BACK => session.give_back(Ticket(whole)),
            IS_REFUSAL => return flag(FAILURE.with_borrow(|failure| failure.code == Code::Unauthorized)),
            TTL => return session.ttl_ms(now),
            IS_STORED => return flag(session.is_stored()),
            _ => {}
        }
        0.0
    })
}

/// Takes the new token, which lies where a check has its own, of this ticket's exchange: sent then, after so many attempts.
/// Tells whether the session holds it now, and it is to be stored.
#[wasm_bindgen]
#[must_use]
#[expect(clippy::too_many_arguments, reason = "numbers cost less as arguments than as an object")]
pub fn accept(
    ticket: u32,
    length: u32,
    attempts: u32,
    sent_wall: f64,
    sent_monotonic: f64,
    random: f64,
    wall: f64,
    monotonic: f64,
) -> bool {
    let sent = Now { wall: sent_wall, monotonic: sent_monotonic };
    let new = claims(length);
    new.is_ok_and(|new| {
        with(|session| session.accept(Ticket(ticket), new, attempts, sent, random, Now { wall, monotonic }))
    })
}

/// What [`found`] answers if there is nothing to do, if the held token is to be stored, if the session holds the stored one
/// now, if it holds none any more, and if the stored one is to be deleted.
const KEEP: u32 = 0;
const WRITE: u32 = 1;
const ADOPTED: u32 = 2;
const CLEARED: u32 = 3;
const DELETE: u32 = 4;

/// Compares with what is stored, which lies where a check has its own and has no length if the store is empty, or goes on with
/// that where another tab has replaced the token; the one that is held, or was before a logout, lies where other texts do, if there is one.
#[wasm_bindgen]
#[must_use]
pub fn found(stored: u32, held: u32, is_replaced: bool, random: f64, wall: f64, monotonic: f64) -> u32 {
    let now = Now { wall, monotonic };
    let content =
        if stored == 0 { Content::Empty } else { compared(stored, held).map_or(Content::Unusable, Content::Token) };
    with(|session| {
        let found = match content {
            Content::Token(stored) if is_replaced => session.replaced(stored, random, now),
            content => session.found(content, random, now),
        };
        match found {
            Found::Keep => KEEP,
            Found::Write => WRITE,
            Found::Adopted => ADOPTED,
            Found::Cleared => CLEARED,
            Found::Delete => DELETE,
        }
    })
}

/// Goes on with the token of a new login, which lies where a check has its own. Tells whether it is a token, and leaves a
/// failure where not.
#[wasm_bindgen]
#[must_use]
pub fn swap(length: u32, random: f64) -> bool {
    noted(claims(length).map(|token| with(|session| session.replace(token, random))))
}

/// Judges the token at this instant of the local clock, as [`check`](super::check::check) does; [`REFUSED`] is added where
/// the server has refused it.
#[wasm_bindgen(js_name = currentStatus)]
#[must_use]
pub fn current_status(now: f64) -> usize {
    with(|session| {
        let verdict = verdict(match session.status(now) {
            TokenStatus::Valid(life) => Ok(life),
            TokenStatus::Invalid(reason) => Err(reason),
        });
        if session.is_refused() { verdict + REFUSED } else { verdict }
    })
}

/// Looks at the session that was laid here. There is one.
fn with<T: Default>(look: impl FnOnce(&mut Session) -> T) -> T {
    SESSION.with_borrow_mut(|session| session.as_mut().map(look).unwrap_or_default())
}

fn compared(stored: u32, held: u32) -> Result<Stored, InvalidReason> {
    in_buffers(stored, |stored, payload| {
        let stored = OldToken::compared_in(stored, b"", payload)?;
        BUFFERS.with_borrow_mut(|Buffers { texts, payload, .. }| {
            let held = split(texts, held).0.unwrap_or_default();
            let is_same = stored.token.bytes() == held;
            let is_of_same_user =
                OldToken::compared_in(held, b"", payload).is_ok_and(|held| held.is_of_same_user(&stored));
            Ok(Stored { claims: stored.claims, is_same, is_of_same_user })
        })
    })
}

fn noted(done: Result<(), InvalidReason>) -> bool {
    done.map_err(Failure::invalid).map_err(fail).is_ok()
}
