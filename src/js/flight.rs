//! Requests under way: calls that ask for the same thing wait for the same one.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Date, Function, Math, Object};
use wasm_bindgen_futures::spawn_local;

use super::http::{NoAnswer, exchange};
use super::latch::{Latch, Timer, unless};
use super::options::RefreshOptions;
use crate::error::{Code, Failure};
use crate::refresh::{NewToken, OldToken, Retries, Target, judge, no_answer};

/// What a flight comes to.
pub(super) type Outcome = Result<NewToken, Failure>;

/// One exchange under way, and those who wait for it.
pub(super) struct Flight {
    old: OldToken,
    target: Target,
    headers: Vec<(String, String)>,
    fetch: Function,
    timeout_ms: f64,
    total_timeout_ms: f64,
    /// The most that any caller asked for, as is the tolerance.
    retries: Cell<u32>,
    tolerance_ms: Cell<f64>,
    waiting: Cell<u32>,
    deserted: Latch,
    landed: Latch,
    outcome: RefCell<Option<Outcome>>,
}

thread_local! {
    static FLIGHTS: RefCell<Vec<Rc<Flight>>> = const { RefCell::new(Vec::new()) };
}

/// A place on a flight. When the last one is given up, so is the flight.
pub(super) struct Seat(Rc<Flight>);

impl Seat {
    /// Joins the flight that does what is asked, or starts it.
    pub(super) fn take(old: &OldToken, options: &RefreshOptions, fetch: &Function) -> Self {
        let same = |flight: &&Rc<Flight>| flight.does(old, options, fetch);
        let found = FLIGHTS.with_borrow(|flights| flights.iter().find(same).cloned());
        let flight = found.unwrap_or_else(|| Flight::start(old, options, fetch));
        flight.waiting.set(flight.waiting.get() + 1);
        flight.retries.set(flight.retries.get().max(options.retries));
        flight.tolerance_ms.set(flight.tolerance_ms.get().max(options.status.clock_tolerance_ms));
        Self(flight)
    }

    /// Waits for the outcome.
    pub(super) async fn outcome(&self) -> Outcome {
        self.0.landed.opened().await;
        let outcome = self.0.outcome.borrow().clone();
        outcome.unwrap_or_else(|| Err(Failure::new(Code::Internal)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
        if self.0.waiting.get() == 0 {
            self.0.deserted.open();
            // Whoever asks from now on starts anew.
            self.0.leave_registry();
        }
    }
}

impl Flight {
    fn start(old: &OldToken, options: &RefreshOptions, fetch: &Function) -> Rc<Self> {
        let flight = Rc::new(Self {
            old: old.clone(),
            target: options.target.clone(),
            headers: options.headers.clone(),
            fetch: fetch.clone(),
            timeout_ms: options.timeout_ms,
            total_timeout_ms: options.total_timeout_ms,
            retries: Cell::new(0),
            tolerance_ms: Cell::new(0.0),
            waiting: Cell::new(0),
            deserted: Latch::new(),
            landed: Latch::new(),
            outcome: RefCell::new(None),
        });
        FLIGHTS.with_borrow_mut(|flights| flights.push(Rc::clone(&flight)));
        let under_way = Rc::clone(&flight);
        spawn_local(async move {
            let outcome = unless(under_way.deserted.opened(), under_way.fly()).await;
            under_way.leave_registry();
            under_way.outcome.replace(outcome);
            under_way.landed.open();
        });
        flight
    }

    /// Tells whether this flight's outcome is the answer to that call, too.
    fn does(&self, old: &OldToken, options: &RefreshOptions, fetch: &Function) -> bool {
        self.old.token == old.token
            && self.target == options.target
            && self.headers == options.headers
            && self.timeout_ms.total_cmp(&options.timeout_ms).is_eq()
            && self.total_timeout_ms.total_cmp(&options.total_timeout_ms).is_eq()
            && Object::is(&self.fetch, fetch)
    }

    fn leave_registry(&self) {
        FLIGHTS.with_borrow_mut(|flights| flights.retain(|flight| !core::ptr::eq(&raw const **flight, self)));
    }

    /// Asks until there is an answer, or no sense in asking again.
    async fn fly(&self) -> Outcome {
        let deadline = Date::now() + self.total_timeout_ms;
        let mut attempts = 0;
        let mut outcome_unknown = false;
        loop {
            let limit = Timer::start(self.timeout_ms.min(deadline - Date::now()));
            attempts += 1;
            let mut failure = match unless(limit.over(), self.ask()).await {
                Some(Ok(token)) => return Ok(token),
                Some(Err(failure)) => failure,
                None => no_answer(Code::Timeout, None, &self.old),
            };
            drop(limit);
            outcome_unknown |= failure.outcome_unknown;
            failure.attempts = attempts;
            failure.outcome_unknown = outcome_unknown;
            let retries = Retries { retries: self.retries.get(), deadline };
            if self.old.is_expired(self.tolerance_ms.get(), Date::now()) {
                return Err(failure);
            }
            let Some(wait_ms) = retries.wait_ms(&failure, Math::random(), Date::now()) else {
                return Err(failure);
            };
            Timer::start(wait_ms).over().await;
            if self.old.is_expired(self.tolerance_ms.get(), Date::now()) || Date::now() >= deadline {
                return Err(failure);
            }
        }
    }

    async fn ask(&self) -> Outcome {
        let authorization = ("authorization".to_owned(), self.old.token.expose().to_owned());
        let headers: Vec<_> = self.headers.iter().cloned().chain([authorization]).collect();
        match exchange(&self.fetch, &self.target.url(), &headers).await {
            Ok(answer) => judge(&answer, &self.old, &self.target, self.tolerance_ms.get(), Date::now()),
            Err(NoAnswer::Thrown(cause)) => Err(no_answer(Code::Network, Some(cause), &self.old)),
            Err(NoAnswer::NoResponse) => Err(no_answer(Code::BadResponse, None, &self.old)),
        }
    }
}
