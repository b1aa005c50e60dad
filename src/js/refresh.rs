//! `refreshAccessToken` and `ensureFreshToken`.

use std::rc::Rc;

use gloo_net::http::Headers;
use js_sys::{Date, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::convert::Plain;
use super::error::{error, error_with};
use super::in_flight::{Settled, Waiter};
use super::options::{RefreshOptions, token_text};
use super::session_options::refresh_options;
use super::value::put;
use super::wait::{abort_reason, unless_aborted};
use crate::claims::Claims;
use crate::error::{Action, Code, Failure};
use crate::refresh::OldToken;
use crate::secret::Secret;
use crate::status::{State, lifetime};

/// Exchanges a user access token that has not expired for a new one.
///
/// In production the vendor accepts this call from an allow-listed backend only; a page sets `baseUrl`.
#[wasm_bindgen(js_name = refreshAccessToken)]
pub fn refresh_access_token(token: &JsValue, options: &JsValue) -> Promise {
    call(token, options, Purpose::Refresh)
}

/// Returns a token that can be used: the same one while it is fresh, a new one if it is about to expire.
///
/// If the refresh fails and a login is not needed, it resolves with the old, still valid token and the error. In production the
/// vendor accepts the refresh from an allow-listed backend only; a page sets `baseUrl`.
#[wasm_bindgen(js_name = ensureFreshToken)]
pub fn ensure_fresh_token(token: &JsValue, options: &JsValue) -> Promise {
    call(token, options, Purpose::EnsureFresh)
}

/// Exchanges the token of a session. The session itself decides what has expired, because it corrects the clock by the answer.
///
/// Resolves with `{ accessToken, attempts }`, however late the answer comes. The session has its own time-outs.
#[wasm_bindgen(js_name = refreshForSession)]
pub fn refresh_for_session(token: &JsValue, options: &JsValue) -> Promise {
    call(token, options, Purpose::Session)
}

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Refresh,
    EnsureFresh,
    Session,
}

fn call(token: &JsValue, options: &JsValue, purpose: Purpose) -> Promise {
    let begun = Call::read(token, options, purpose).map(|call| {
        let is_fresh = || lifetime(call.old.claims, &call.options.status, Date::now()).state == State::Fresh;
        if purpose == Purpose::EnsureFresh && is_fresh() {
            return Begun::Fresh(call.old_times());
        }
        let waiter = Waiter::join(&call.old, &call.options, purpose == Purpose::Session);
        let settled = unless_aborted(&waiter.settled(), &call.options.signal);
        Begun::InFlight(call, waiter, settled)
    });
    future_to_promise(async move {
        match begun? {
            Begun::Fresh(times) => Ok(times),
            Begun::InFlight(call, _waiter, settled) => {
                let settled: Settled = JsFuture::from(settled).await?.unchecked_into();
                call.check_for_caller(&settled)
            }
        }
    })
}

/// A valid call.
enum Begun {
    /// The token needs no refresh.
    Fresh(JsValue),
    /// It waits for a request, or for its caller's signal.
    InFlight(Call, Waiter, Promise),
}

fn not_aborted(options: &RefreshOptions) -> Result<(), JsValue> {
    let reason = abort_reason(&options.signal);
    if reason.is_undefined() { Ok(()) } else { Err(reason) }
}

/// A call with valid arguments.
struct Call {
    purpose: Purpose,
    old: Rc<OldToken>,
    options: Rc<RefreshOptions>,
}

impl Call {
    /// Reads the arguments in the documented order: options, signal, token.
    fn read(token: &JsValue, options: &JsValue, purpose: Purpose) -> Result<Self, JsValue> {
        let options = match purpose {
            Purpose::Session => refresh_options(options),
            _ => RefreshOptions::read(options),
        };
        let options = options.map_err(|failure| error(&failure))?;
        not_aborted(&options)?;
        let read = token_text(token).and_then(|text| OldToken::read(&text, &options.headers_text));
        let old = read.map_err(|reason| error(&Failure::invalid(reason)))?;
        if purpose != Purpose::Session && old.is_expired(options.status.clock_tolerance_ms, Date::now()) {
            return Err(error(&Failure::new(Code::TokenExpired)));
        }
        // Three parts of the base64url alphabet are a valid header value.
        Headers::from_raw(options.headers.clone()).set("authorization", old.token.expose());
        Ok(Self { purpose, old: Rc::new(old), options: Rc::new(options) })
    }

    /// Returns the error for a failure of the exchange.
    fn rejection(&self, failure: &Failure) -> JsValue {
        error_with(failure, &self.options.target.message(failure))
    }

    /// Returns the result for this caller. Its tolerance may differ from that of another caller of the same request.
    fn check_for_caller(&self, settled: &Settled) -> Result<JsValue, JsValue> {
        let tolerance_ms = self.options.status.clock_tolerance_ms;
        let now = Date::now();
        let failure = match settled.interpret(&self.old, tolerance_ms) {
            Ok(new) if self.purpose == Purpose::Session => {
                let mut plain = Plain::new();
                plain.text("accessToken", Some(new.token.expose()));
                plain.number("attempts", Some(new.attempts.into()));
                return Ok(plain.end());
            }
            Ok(new) => {
                let refreshed = (self.purpose == Purpose::EnsureFresh).then_some(true);
                return Ok(self.times(&new.token, new.claims, refreshed));
            }
            Err(failure) => self.old.expired_since(&failure, tolerance_ms, now).unwrap_or(failure),
        };
        let error = self.rejection(&failure);
        let is_usable = failure.action() != Action::Login && !self.old.is_expired(tolerance_ms, now);
        if self.purpose != Purpose::EnsureFresh || !is_usable {
            return Err(error);
        }
        let times = self.old_times();
        put(&times, "error", &error);
        Ok(times)
    }

    fn old_times(&self) -> JsValue {
        self.times(&self.old.token, self.old.claims, Some(false))
    }

    /// Returns a token and its times, with this caller's window.
    fn times(&self, token: &Secret, claims: Claims, refreshed: Option<bool>) -> JsValue {
        let life = lifetime(claims, &self.options.status, 0.0);
        let mut times = Plain::new();
        times.text("accessToken", Some(token.expose()));
        times.number("issuedAt", life.issued_at);
        times.number("refreshAt", Some(life.refresh_at));
        times.number("expiresAt", Some(life.expires_at));
        if let Some(refreshed) = refreshed {
            times.flag("refreshed", refreshed);
        }
        times.end()
    }
}
