//! A session's state machine, as JavaScript drives it: numbers in, numbers out, no promise but that of an exchange.
//!
//! The calls that wait, the timer, the listeners, the store and the lock are the driver's, `pkg-template/driver.js`.

use core::cell::RefCell;
use std::rc::Rc;

use gloo_net::http::Headers;
use js_sys::{Date, Math};
use wasm_bindgen::prelude::*;

use super::check::verdict;
use super::error::{error, error_with};
use super::flight::Seat;
use super::options::{Bag, RefreshOptions, Wrong, token_text};
use super::value::field;
use crate::error::{Code, Failure, InvalidReason};
use crate::option::Fits;
use crate::refresh::OldToken;
use crate::session::{Event, Found, MAX_SKEW_MS, Now, Origin, Session, Step, Ticket};
use crate::status::TokenStatus;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now, catch)]
    fn monotonic() -> Result<f64, JsValue>;
}

fn now() -> Now {
    let wall = Date::now();
    Now { wall, monotonic: monotonic().unwrap_or(wall) }
}

fn read(token: &JsValue) -> Result<Rc<OldToken>, InvalidReason> {
    OldToken::read(&token_text(token)?, "").map(Rc::new)
}

/// The longest delay that `setTimeout` takes.
const MAX_DELAY_MS: f64 = 2_147_483_647.0;

/// Checks what a session takes besides what a refresh takes, and returns how long its callers wait.
fn read_options(options: &JsValue) -> Result<f64, Wrong> {
    let bag = Bag::new(options);
    let [storage, key] = ["storage", "key"].map(|name| bag.get(name));
    bag.requires_server();
    let is_missing = |name: &&str| !field(&storage, name).is_function();
    if !storage.is_undefined() && ["get", "set", "delete"].iter().any(is_missing) {
        bag.wrong("storage", " must have get, set and delete");
    }
    if !(storage.is_undefined() && key.is_undefined() || key.is_string() && key.is_truthy()) {
        bag.wrong("key", " must be a string, and not empty: a storage needs one");
    }
    bag.function("lock");
    let max_wait_ms = bag.number("maxWaitMs", Fits::NotNegative).unwrap_or(5_000.0);
    bag.checked(max_wait_ms.min(MAX_DELAY_MS))
}

fn wrong(wrong: Wrong) -> JsValue {
    error(&Failure::option(wrong))
}

// What `call` does, by number: one export costs less than one for each.

/// Answers a call of `accessToken()`: 0 for the token, -1 to wait, -2 to fail with [`Machine::error`]; above 0 it is the
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
/// Takes the outcome of this ticket's exchange.
const LAND: u32 = 5;
/// The same, after the last look at the store.
const LAND_AT_LAST: u32 = 6;
/// Takes that the lock for this ticket was not had.
const NO_LOCK: u32 = 7;
/// Confirms that the store holds the token of this generation.
const WRITTEN: u32 = 8;
/// Drops the token.
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
/// Answers for how long a call waits for a refresh, in milliseconds.
const MAX_WAIT: u32 = 16;

/// What is added to a verdict where the server has refused the token.
const REFUSED: usize = 32;

/// A request under way, which is never given up.
struct Exchange {
    ticket: u32,
    seat: Seat,
    sent: Now,
}

/// A session, for as long as its instance of the wasm lives.
#[wasm_bindgen]
pub struct Machine {
    session: RefCell<Session>,
    exchanges: RefCell<Vec<Exchange>>,
    rejection: RefCell<Option<Box<Failure>>>,
    hint: &'static str,
    max_wait_ms: f64,
}

#[wasm_bindgen]
impl Machine {
    /// Begins with a token, or with none, which is as good as cleared.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_OPTION` and `ERR_INVALID_TOKEN`.
    #[wasm_bindgen(constructor)]
    pub fn new(token: &JsValue, options: &JsValue, stored: bool) -> Result<Machine, JsValue> {
        let ask = RefreshOptions::read(options).map_err(wrong)?;
        let max_wait_ms = read_options(options).map_err(wrong)?;
        let token = if token.is_null() { None } else { Some(read(token).map_err(invalid)?) };
        let session = Session::new(token, origin(stored), ask.status, Math::random(), now());
        let hint = ask.target.hint();
        Ok(Self {
            session: session.into(),
            exchanges: RefCell::default(),
            rejection: RefCell::default(),
            hint,
            max_wait_ms,
        })
    }

    /// Does what one of the numbers above says, with another number, and answers with a third.
    pub fn call(&self, op: u32, number: f64) -> f64 {
        // Before anything is borrowed, here and below: a test's clock may call.
        let (now, random, whole) = (now(), Math::random(), whole(number));
        if op == LAND || op == LAND_AT_LAST {
            return self.land(whole, op == LAND_AT_LAST, random, now).into();
        }
        let mut session = self.session.borrow_mut();
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
                    Step::Reject(failure) => self.rejection.replace(Some(failure)),
                };
                return -2.0;
            }
            WAKE => return session.wake(now).map_or(0.0, |Ticket(ticket)| ticket.into()),
            WAIT => return session.wait_ms(now).unwrap_or(f64::NAN),
            NO_LOCK => {
                let mut failure = Failure::new(Code::Timeout);
                failure.detail = "the lock was not had";
                session.fail(Ticket(whole), failure, random, now);
            }
            WRITTEN => session.written(whole),
            CLEAR => session.clear(),
            START => session.start(),
            STOP => session.stop(),
            OFFLINE => session.set_offline(number > 0.0),
            EVENTS => {
                return session.take_events().iter().rev().fold(0.0, |packed, &event| packed * 8.0 + place(event));
            }
            GENERATION => return session.generation().into(),
            SKEW => return session.clock_skew_ms().unwrap_or(f64::NAN),
            MAX_WAIT => return self.max_wait_ms,
            _ => {}
        }
        0.0
    }

    /// Returns the error of the call that was just rejected, or else that of the last refresh.
    pub fn error(&self) -> JsValue {
        let failure = self.rejection.take().or_else(|| self.session.borrow().failure().cloned().map(Box::new));
        failure.map_or(JsValue::UNDEFINED, |failure| match failure.code {
            Code::Unauthorized => error_with(&failure, self.hint),
            _ => error(&failure),
        })
    }

    /// Sends the request, where it is still wanted, and returns the promise that there is an outcome.
    pub fn send(&self, ticket: u32, options: &JsValue) -> JsValue {
        let (ask, sent, random, retries) =
            (RefreshOptions::read(options), now(), Math::random(), field(options, "retries"));
        let Some(old) = self.session.borrow_mut().send(Ticket(ticket), sent) else { return JsValue::UNDEFINED };
        let mut ask = match ask {
            Ok(ask) => ask,
            Err(wrong) => {
                self.session.borrow_mut().fail(Ticket(ticket), Failure::option(wrong), random, sent);
                return JsValue::UNDEFINED;
            }
        };
        let old = OldToken::read(old.token.expose(), &ask.headers_text).map_or(old, Rc::new);
        Headers::from_raw(ask.headers.clone()).set("authorization", old.token.expose());
        ask.status.clock_tolerance_ms += MAX_SKEW_MS;
        if retries.is_undefined() {
            ask.retries = 0.0;
        }
        let taken = Seat::take(&old, &Rc::new(ask));
        let landed = taken.landed().into();
        self.exchanges.borrow_mut().push(Exchange { ticket, seat: taken, sent });
        landed
    }

    /// Compares with what is stored, or goes on with it where another tab has replaced the token. Tells whether the
    /// token is to be stored.
    pub fn found(&self, stored: &JsValue, replaced: bool) -> bool {
        let (stored, random, now) = (read(stored).ok(), Math::random(), now());
        let mut session = self.session.borrow_mut();
        if !replaced {
            return session.found(stored, random, now) == Found::Write;
        }
        if let Some(stored) = stored {
            session.replace(stored, Origin::Stored, random);
        }
        false
    }

    /// Goes on with the token of a new login.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_TOKEN`.
    pub fn replace(&self, token: &JsValue) -> Result<(), JsValue> {
        let (token, random) = (read(token).map_err(invalid)?, Math::random());
        self.session.borrow_mut().replace(token, Origin::Given, random);
        Ok(())
    }

    /// Judges the token at this instant of the local clock, as `check` does; [`REFUSED`] is added where the server
    /// has refused it.
    pub fn status(&self, now: f64) -> usize {
        let session = self.session.borrow();
        let verdict = verdict(match session.status(now) {
            TokenStatus::Valid(life) => Ok(life),
            TokenStatus::Invalid(reason) => Err(reason),
        });
        if session.is_refused() { verdict + REFUSED } else { verdict }
    }

    /// Returns the token; null where there is none.
    pub fn token(&self) -> JsValue {
        self.session.borrow().token().map_or(JsValue::NULL, |held| held.token.expose().into())
    }
}

impl Machine {
    /// Takes an outcome: 1 where the token is to be stored, 2 where it was refused and the store deserves another
    /// look first, unless that was the last one.
    fn land(&self, ticket: u32, is_last: bool, random: f64, now: Now) -> u8 {
        let is_it = |exchange: &Exchange| exchange.ticket == ticket;
        let at = self.exchanges.borrow().iter().position(is_it);
        let Some(exchange) = at.map(|at| self.exchanges.borrow_mut().swap_remove(at)) else { return 0 };
        let landed = exchange.seat.outcome(|outcome| {
            let (mut session, ticket) = (self.session.borrow_mut(), Ticket(ticket));
            match outcome {
                Err(failure) if failure.code == Code::Unauthorized && !is_last => 2,
                Err(failure) => {
                    session.fail(ticket, failure.clone(), random, now);
                    0
                }
                Ok(new) => session.accept(ticket, new, "", exchange.sent, random, now).into(),
            }
        });
        if landed == 2 {
            self.exchanges.borrow_mut().push(exchange);
        }
        landed
    }
}

/// A place among the events, from 1.
fn place(event: Event) -> f64 {
    match event {
        Event::Refreshed => 1.0,
        Event::RefreshFailed => 2.0,
        Event::Expired => 3.0,
        Event::Replaced => 4.0,
        Event::Cleared => 5.0,
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a u32 before"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

fn origin(stored: bool) -> Origin {
    if stored { Origin::Stored } else { Origin::Given }
}

fn invalid(reason: InvalidReason) -> JsValue {
    error(&Failure::invalid(reason))
}
