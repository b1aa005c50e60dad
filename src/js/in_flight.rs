//! Requests in flight. Equal calls wait for the same request, including its retries.
//!
//! `shared.js` knows which requests are in flight and who waits for them, for all copies of this package in a realm. The copies share
//! the raw answer, and each caller interprets it. So no copy needs to know another copy's types.

use std::rc::Rc;

use js_sys::{Date, Math, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::http::{interpret, is_whole};
use super::options::RefreshOptions;
use super::wait::{Latch, timer};
use crate::error::{Result, joined};
use crate::refresh::{MAX_BODY, NewToken, OldToken, Retries};
use crate::session::UNANSWERED_MS;

#[wasm_bindgen(module = "/src/js/shared.js")]
extern "C" {
    /// A caller who waits.
    type Joined;
    /// Joins the request in flight whose texts, `fetch` and time-outs are equal, or begins one.
    fn join(
        texts: &str,
        fetch: &JsValue,
        timeout_ms: f64,
        total_timeout_ms: f64,
        retries: f64,
        tolerance_ms: f64,
        is_session: bool,
    ) -> Joined;
    #[wasm_bindgen(method, getter)]
    fn request(this: &Joined) -> InFlight;
    /// Tells whether this caller has to send the request.
    #[wasm_bindgen(method, getter, js_name = isFirst)]
    fn is_first(this: &Joined) -> bool;
    /// Resolves with a [`Settled`], or rejects if the copy that sends the request is lost.
    #[wasm_bindgen(method, getter)]
    fn settled(this: &Joined) -> Promise;
    #[wasm_bindgen(method)]
    fn leave(this: &Joined);

    /// A request with its retries, which any copy of this package may have begun.
    type InFlight;
    /// The highest `retries` of all callers.
    #[wasm_bindgen(method, getter)]
    fn retries(this: &InFlight) -> f64;
    /// The largest tolerance of all callers.
    #[wasm_bindgen(method, getter, js_name = toleranceMs)]
    fn tolerance_ms(this: &InFlight) -> f64;
    #[wasm_bindgen(method, getter)]
    fn waiting(this: &InFlight) -> u32;
    /// Sets until when other callers may join. `joinable_until` is the time-out of the attempt or of the call. If a session waits,
    /// `late_until` counts instead: as long as a late answer is expected. A timer is not enough, because it may fire later than its
    /// time, for example after a laptop has slept.
    #[wasm_bindgen(method)]
    fn begin(this: &InFlight, attempts: u32, joinable_until: f64, late_until: f64);
    /// Opens when no caller waits any more. That ends the request and all waits between its attempts.
    #[wasm_bindgen(method, getter)]
    fn abandoned(this: &InFlight) -> Latch;
    #[wasm_bindgen(method)]
    fn settle(this: &InFlight, exchanged: &JsValue, attempts: u32, outcome_unknown: bool);

    /// What a request settles with.
    pub(super) type Settled;
    /// The result of its last exchange: that of `exchange` of `http.js`.
    #[wasm_bindgen(method, getter)]
    fn exchanged(this: &Settled) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn attempts(this: &Settled) -> u32;
    /// Tells whether any attempt was sent and brought no usable answer.
    #[wasm_bindgen(method, getter, js_name = outcomeUnknown)]
    fn outcome_unknown(this: &Settled) -> bool;
}

#[wasm_bindgen(module = "/src/js/http.js")]
extern "C" {
    /// Sends one request and reads its answer, for [`interpret`]. It never rejects.
    fn exchange(
        fetch: &JsValue,
        url: &str,
        headers: &JsValue,
        max_body: usize,
        limit_ms: f64,
        request: &InFlight,
        credentials: &str,
    ) -> Promise;
}

impl Settled {
    /// Interprets the answer for a caller with this tolerance.
    pub(super) fn interpret(&self, old: &OldToken, tolerance_ms: f64) -> Result<NewToken> {
        match interpret(&self.exchanged(), old, tolerance_ms) {
            Ok(token) => Ok(NewToken { attempts: self.attempts(), ..token }),
            Err(mut failure) => {
                failure.attempts = self.attempts();
                failure.outcome_unknown |= self.outcome_unknown();
                Err(failure)
            }
        }
    }
}

/// A caller that waits for a request in flight. When the last waiter leaves, the request is abandoned.
pub(super) struct Waiter(Joined);

impl Waiter {
    /// Joins the request in flight that is the same as this one, or sends it.
    ///
    /// A session's request is never aborted. After the time-out, other calls that wait for it get the time-out error, and the session
    /// waits on.
    pub(super) fn join(old: &Rc<OldToken>, options: &Rc<RefreshOptions>, is_session: bool) -> Self {
        let RefreshOptions { target, credentials, headers_text, fetch, timeout_ms, total_timeout_ms, .. } = &**options;
        // Only the last text may have line ends, so the joined text is unambiguous. Windows, tolerance, retries and signal are applied for
        // each caller, and are not compared.
        let texts = joined(&[old.token.expose(), "\n", &target.url(), "\n", credentials, "\n", headers_text]);
        let (retries, tolerance_ms) = (options.retries, options.status.clock_tolerance_ms);
        let joined = join(&texts, fetch, *timeout_ms, *total_timeout_ms, retries, tolerance_ms, is_session);
        if joined.is_first() {
            spawn_local(send(joined.request(), Rc::clone(old), Rc::clone(options)));
        }
        Self(joined)
    }

    /// Returns the promise of a [`Settled`].
    pub(super) fn settled(&self) -> Promise {
        self.0.settled()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Sends the request until an answer can be used, or another attempt would not help.
async fn send(request: InFlight, old: Rc<OldToken>, options: Rc<RefreshOptions>) {
    let RefreshOptions { target, fetch, headers, credentials, .. } = &*options;
    let abandoned = request.abandoned();
    let deadline = Date::now() + options.total_timeout_ms;
    let mut attempts = 0;
    let mut outcome_unknown = false;
    loop {
        attempts += 1;
        let now = Date::now();
        let limit_ms = options.timeout_ms.min(deadline - now);
        // If the token would expire before a late answer is given up, it is sent once more. So a late answer is not awaited.
        let is_late_awaited = old.claims.expires_in_ms(request.tolerance_ms(), now) > UNANSWERED_MS;
        let late_until = now + if is_late_awaited { UNANSWERED_MS.max(limit_ms) } else { limit_ms };
        request.begin(attempts, now + limit_ms, late_until);
        let exchanging = exchange(fetch, &target.url(), headers, MAX_BODY, limit_ms, &request, credentials);
        // It never rejects.
        let exchanged = JsFuture::from(exchanging).await.unwrap_or_default();
        let settle = |outcome_unknown| request.settle(&exchanged, attempts, outcome_unknown);
        if is_whole(&exchanged) {
            return settle(outcome_unknown);
        }
        let Err(mut failure) = interpret(&exchanged, &old, request.tolerance_ms()) else {
            return settle(outcome_unknown);
        };
        failure.attempts = attempts;
        outcome_unknown |= failure.outcome_unknown;
        let retries = Retries { retries: request.retries(), deadline };
        let Some(delay_ms) = retries.wait_ms(&failure, Math::random(), Date::now()) else {
            return settle(outcome_unknown);
        };
        let delay_ms = delay_ms.min(old.claims.expires_in_ms(request.tolerance_ms(), Date::now()));
        request.begin(attempts, deadline, deadline);
        // It never rejects.
        let _: core::result::Result<_, _> = JsFuture::from(timer(delay_ms, &abandoned)).await;
        let now = Date::now();
        if now >= deadline || old.is_expired(request.tolerance_ms(), now) || request.waiting() == 0 {
            return settle(outcome_unknown);
        }
    }
}
