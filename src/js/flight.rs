//! Requests under way: calls that ask for the same thing wait for the same one.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Date, Math, Object};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::http::outcome;
use super::options::RefreshOptions;
use super::wait::{Latch, exchange, new_latch, timer};
use crate::error::{Code, Failure, Result};
use crate::refresh::{MAX_BODY, NewToken, OldToken, Retries};

/// What a flight comes to.
pub(super) type Outcome = Result<NewToken>;

/// One exchange under way, and those who wait for it.
pub(super) struct Flight {
    old: Rc<OldToken>,
    ask: Rc<RefreshOptions>,
    /// The most that any caller asked for, and the most that any tolerates.
    retries: Cell<f64>,
    tolerance_ms: Cell<f64>,
    waiting: Cell<u32>,
    /// Opens when nobody waits for it any more, which ends whatever it waits for.
    deserted: Latch,
    landed: Latch,
    outcome: RefCell<Outcome>,
}

thread_local! {
    static FLIGHTS: RefCell<Vec<Rc<Flight>>> = const { RefCell::new(Vec::new()) };
}

/// A place on a flight. When the last one is given up, so is the flight.
pub(super) struct Seat(Rc<Flight>);

impl Seat {
    /// Joins the flight that does what is asked, or starts it.
    pub(super) fn take(old: &Rc<OldToken>, ask: &Rc<RefreshOptions>) -> Self {
        let found = FLIGHTS.with_borrow(|flights| flights.iter().find(|flight| flight.does(old, ask)).cloned());
        let flight = found.unwrap_or_else(|| Flight::start(old, ask));
        flight.waiting.set(flight.waiting.get() + 1);
        flight.retries.set(flight.retries.get().max(ask.retries));
        flight.tolerance_ms.set(flight.tolerance_ms.get().max(ask.status.clock_tolerance_ms));
        Self(flight)
    }

    /// Returns the promise that is fulfilled when there is an outcome.
    pub(super) fn landed(&self) -> &Latch {
        &self.0.landed
    }

    /// Looks at the outcome, which all who waited share.
    pub(super) fn outcome<T>(&self, look: impl FnOnce(&Outcome) -> T) -> T {
        look(&self.0.outcome.borrow())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
        if self.0.waiting.get() == 0 {
            // Whoever asks from now on starts anew.
            self.0.leave_registry();
            self.0.deserted.open();
        }
    }
}

impl Flight {
    fn start(old: &Rc<OldToken>, ask: &Rc<RefreshOptions>) -> Rc<Self> {
        let flight = Rc::new(Self {
            old: Rc::clone(old),
            ask: Rc::clone(ask),
            retries: Cell::new(0.0),
            tolerance_ms: Cell::new(0.0),
            waiting: Cell::new(0),
            deserted: new_latch(),
            landed: new_latch(),
            outcome: RefCell::new(Err(Failure::new(Code::Internal))),
        });
        FLIGHTS.with_borrow_mut(|flights| flights.push(Rc::clone(&flight)));
        let under_way = Rc::clone(&flight);
        spawn_local(async move {
            let outcome = under_way.fly().await;
            under_way.leave_registry();
            *under_way.outcome.borrow_mut() = outcome;
            under_way.landed.open();
        });
        flight
    }

    /// Tells whether this flight's outcome is the answer to that call, too.
    fn does(&self, old: &OldToken, ask: &RefreshOptions) -> bool {
        self.old.token == old.token
            && self.ask.target.is_same_server(&ask.target)
            && self.ask.headers_text == ask.headers_text
            && self.ask.timeout_ms.to_bits() == ask.timeout_ms.to_bits()
            && self.ask.total_timeout_ms.to_bits() == ask.total_timeout_ms.to_bits()
            && Object::is(&self.ask.fetch, &ask.fetch)
    }

    fn leave_registry(&self) {
        FLIGHTS.with_borrow_mut(|flights| flights.retain(|flight| !core::ptr::eq(&raw const **flight, self)));
    }

    /// Asks until there is an answer, or no sense in asking again.
    async fn fly(&self) -> Result<NewToken> {
        let deadline = Date::now() + self.ask.total_timeout_ms;
        let mut attempts = 0;
        let mut outcome_unknown = false;
        loop {
            attempts += 1;
            let mut failure = match self.attempt(self.ask.timeout_ms.min(deadline - Date::now())).await {
                Ok(mut token) => {
                    token.attempts = attempts;
                    return Ok(token);
                }
                Err(failure) => failure,
            };
            outcome_unknown |= failure.outcome_unknown;
            failure.attempts = attempts;
            failure.outcome_unknown = outcome_unknown;
            let retries = Retries { retries: self.retries.get(), deadline };
            let Some(wait_ms) = retries.wait_ms(&failure, Math::random(), Date::now()) else {
                return Err(failure);
            };
            let pause_ms = wait_ms.min(self.old.expires_in_ms(self.tolerance_ms.get(), Date::now()));
            // It is never rejected.
            let _: core::result::Result<_, _> = JsFuture::from(timer(pause_ms, &self.deserted)).await;
            let now = Date::now();
            if now >= deadline || self.old.is_expired(self.tolerance_ms.get(), now) || self.waiting.get() == 0 {
                return Err(failure);
            }
        }
    }

    async fn attempt(&self, limit_ms: f64) -> Result<NewToken> {
        let ask = &self.ask;
        let sent = exchange(&ask.fetch, &ask.target.url(), &ask.headers, MAX_BODY, limit_ms, &self.deserted);
        // It is never rejected.
        let exchanged = JsFuture::from(sent).await.unwrap_or_default();
        outcome(&exchanged, &self.old, self.tolerance_ms.get())
    }
}
