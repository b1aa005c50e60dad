//! A session's state machine, as JavaScript drives it: numbers in, numbers out, no promise but that of an exchange.
//!
//! The calls that wait, the timer, the listeners, the store and the lock are the driver's, `pkg-template/session.js`.

use core::cell::RefCell;
use std::rc::Rc;

use gloo_net::http::Headers;
use js_sys::{Date, Math};
use wasm_bindgen::prelude::*;

use super::check::verdict;
use super::error::{error, error_with};
use super::flight::Seat;
use super::options::{Bag, Fits, RefreshOptions, Wrong, token_text};
use super::value::field;
use crate::error::{Code, Failure, InvalidReason};
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

/// Reads how a session refreshes, and how long its callers wait.
fn read_options(options: &JsValue) -> Result<(RefreshOptions, f64), Wrong> {
    let mut ask = RefreshOptions::read(options)?;
    let bag = Bag::new(options);
    let has = |name| !bag.get(name).is_undefined();
    let is_function = |value: &JsValue, name| field(value, name).is_function();
    if !has("environment") && !has("baseUrl") {
        bag.wrong("environment", " or baseUrl is required");
    }
    if !has("retries") {
        ask.retries = 0.0;
    }
    let (storage, key) = (bag.get("storage"), bag.get("key").as_string());
    if has("storage") && !["get", "set", "delete"].iter().all(|name| is_function(&storage, name)) {
        bag.wrong("storage", " must have get, set and delete");
    }
    if key.as_ref().map_or(has("storage") || has("key"), String::is_empty) {
        bag.wrong("key", " must be a string, and not empty: a storage needs one");
    }
    if has("lock") && !bag.get("lock").is_function() {
        bag.wrong("lock", " must be a function");
    }
    let max_wait_ms = bag.number("maxWaitMs", Fits::NotNegative).unwrap_or(5_000.0);
    bag.checked((ask, max_wait_ms.min(MAX_DELAY_MS)))
}

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
        let (ask, max_wait_ms) = read_options(options).map_err(|wrong| error(&Failure::option(wrong)))?;
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

    /// Answers a call: 0 for `accessToken()`, 1 for one that has waited long enough, 2 for `refresh()` of this
    /// generation. Use the token: 0; wait: -1; fail with [`Machine::error`]: -2; begin a refresh with this ticket,
    /// and wait: above 0.
    pub fn ask(&self, wish: u32, generation: u32) -> f64 {
        let (mut session, now) = (self.session.borrow_mut(), now());
        let step = match wish {
            0 => session.access(now),
            1 => session.overdue(now),
            _ => session.refresh(generation, now),
        };
        match step {
            Step::Use => 0.0,
            Step::Wait => -1.0,
            Step::Refresh(Ticket(ticket)) => ticket.into(),
            Step::Reject(failure) => {
                self.rejection.replace(Some(failure));
                -2.0
            }
        }
    }

    /// Returns the error of the call that was just rejected, or else that of the last refresh.
    pub fn error(&self) -> JsValue {
        let failure = self.rejection.take().or_else(|| self.session.borrow().failure().cloned().map(Box::new));
        failure.map_or(JsValue::UNDEFINED, |failure| match failure.code {
            Code::Unauthorized => error_with(&failure, self.hint),
            _ => error(&failure),
        })
    }

    /// Returns for how long a call waits for a refresh, in milliseconds.
    #[wasm_bindgen(js_name = maxWait)]
    pub fn max_wait(&self) -> f64 {
        self.max_wait_ms
    }

    /// Looks at the clock; returns the ticket of a refresh that is due, or 0.
    pub fn wake(&self) -> u32 {
        self.session.borrow_mut().wake(now()).map_or(0, |Ticket(ticket)| ticket)
    }

    /// Returns how long to wait before that, in milliseconds; NaN where nothing is to happen.
    pub fn wait(&self) -> f64 {
        self.session.borrow_mut().wait_ms(now()).unwrap_or(f64::NAN)
    }

    /// Sends the request, where it is still wanted, and returns the promise that there is an outcome.
    pub fn send(&self, ticket: u32, options: &JsValue) -> JsValue {
        // Before anything is borrowed: the getters of the caller's options may call.
        let (ask, sent) = (read_options(options), now());
        let Some(old) = self.session.borrow_mut().send(Ticket(ticket), sent) else { return JsValue::UNDEFINED };
        let mut ask = match ask {
            Ok((ask, _)) => ask,
            Err(wrong) => {
                self.session.borrow_mut().fail(Ticket(ticket), Failure::option(wrong), Math::random(), sent);
                return JsValue::UNDEFINED;
            }
        };
        let old = OldToken::read(old.token.expose(), &ask.headers_text).map_or(old, Rc::new);
        Headers::from_raw(ask.headers.clone()).set("authorization", old.token.expose());
        ask.status.clock_tolerance_ms += MAX_SKEW_MS;
        let taken = Seat::take(&old, &Rc::new(ask));
        let landed = taken.landed().into();
        self.exchanges.borrow_mut().push(Exchange { ticket, seat: taken, sent });
        landed
    }

    /// Takes the outcome: 1 where the token is to be stored, 2 where it was refused and the store deserves another
    /// look first, unless that was the last one.
    pub fn land(&self, ticket: u32, is_last: bool) -> u32 {
        let mut exchanges = self.exchanges.borrow_mut();
        let Some(at) = exchanges.iter().position(|exchange| exchange.ticket == ticket) else { return 0 };
        let exchange = exchanges.swap_remove(at);
        let outcome = exchange.seat.outcome(Clone::clone);
        let (mut session, ticket, random) = (self.session.borrow_mut(), Ticket(ticket), Math::random());
        match outcome {
            Err(failure) if failure.code == Code::Unauthorized && !is_last => {
                exchanges.push(exchange);
                2
            }
            Err(failure) => {
                session.fail(ticket, failure, random, now());
                0
            }
            Ok(new) => session.accept(ticket, &new, "", exchange.sent, random, now()).into(),
        }
    }

    /// Takes that the lock was not had.
    pub fn fail(&self, ticket: u32) {
        let mut failure = Failure::new(Code::Timeout);
        failure.detail = "the lock was not had";
        self.session.borrow_mut().fail(Ticket(ticket), failure, Math::random(), now());
    }

    /// Compares with what is stored, or goes on with it where another tab has replaced the token: 1 where the
    /// token is to be stored, 2 where the stored one is held now.
    pub fn found(&self, stored: &JsValue, replaced: bool) -> u32 {
        let (stored, mut session) = (read(stored).ok(), self.session.borrow_mut());
        if replaced {
            if let Some(stored) = stored {
                session.replace(stored, Origin::Stored, Math::random());
            }
            return 0;
        }
        match session.found(stored, Math::random(), now()) {
            Found::Keep => 0,
            Found::Write => 1,
            Found::Adopted => 2,
        }
    }

    /// Confirms that the store holds the token of this generation.
    pub fn written(&self, generation: u32) {
        self.session.borrow_mut().written(generation);
    }

    /// Goes on with the token of a new login.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_TOKEN`.
    pub fn replace(&self, token: &JsValue) -> Result<(), JsValue> {
        let token = read(token).map_err(invalid)?;
        self.session.borrow_mut().replace(token, Origin::Given, Math::random());
        Ok(())
    }

    /// Drops the token.
    pub fn clear(&self) {
        self.session.borrow_mut().clear();
    }

    /// Begins or ends the renewal in the background.
    pub fn run(&self, running: bool) {
        let mut session = self.session.borrow_mut();
        if running { session.start() } else { session.stop() }
    }

    /// Pauses the renewal while there is no network.
    pub fn offline(&self, offline: bool) {
        self.session.borrow_mut().set_offline(offline);
    }

    /// Takes what listeners are to be told next: 0 for nothing, else its place among the events, from 1.
    pub fn event(&self) -> u32 {
        match self.session.borrow_mut().next_event() {
            None => 0,
            Some(Event::Refreshed) => 1,
            Some(Event::RefreshFailed) => 2,
            Some(Event::Expired) => 3,
            Some(Event::Replaced) => 4,
            Some(Event::Cleared) => 5,
        }
    }

    /// Judges the token at this instant of the local clock, as `check` does.
    pub fn status(&self, now: f64) -> usize {
        verdict(match self.session.borrow().status(now) {
            TokenStatus::Valid(life) => Ok(life),
            TokenStatus::Invalid(reason) => Err(reason),
        })
    }

    /// Returns server minus local time, in milliseconds; NaN where it is not known.
    pub fn skew(&self) -> f64 {
        self.session.borrow().clock_skew_ms().unwrap_or(f64::NAN)
    }

    /// Tells whether the server has refused the token.
    pub fn refused(&self) -> bool {
        self.session.borrow().is_refused()
    }

    /// Returns the token; null where there is none.
    pub fn token(&self) -> JsValue {
        self.session.borrow().token().map_or(JsValue::NULL, |held| held.token.expose().into())
    }

    /// Returns a number that changes with the token.
    pub fn generation(&self) -> u32 {
        self.session.borrow().generation()
    }
}

fn origin(stored: bool) -> Origin {
    if stored { Origin::Stored } else { Origin::Given }
}

fn invalid(reason: InvalidReason) -> JsValue {
    error(&Failure::invalid(reason))
}
