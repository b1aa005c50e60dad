//! `refreshAccessToken` and `ensureFreshToken`.

use std::rc::Rc;

use gloo_net::http::Headers;
use js_sys::{Date, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::convert::Plain;
use super::error::{error, error_with};
use super::flight::{Outcome, Seat};
use super::options::{RefreshOptions, token_text};
use super::value::put;
use super::wait::{abort_reason, unless_aborted};
use crate::claims::Claims;
use crate::error::{Action, Code, Failure};
use crate::refresh::OldToken;
use crate::status::{State, lifetime};
use crate::token::Secret;

/// Exchanges a user access token that has not expired for a new one.
///
/// In production the vendor accepts this call from an allow-listed backend only; a page sets `baseUrl`.
#[wasm_bindgen(js_name = refreshAccessToken)]
pub fn refresh_access_token(token: &JsValue, options: &JsValue) -> Promise {
    call(token, options, false)
}

/// Returns a token that can be used: the same one while it is fresh, a new one where it is about to expire.
///
/// Where the refresh fails for any reason but one that only a login mends, the old, still valid token comes
/// back with the error. In production the vendor accepts the refresh from an allow-listed backend only; a
/// page sets `baseUrl`.
#[wasm_bindgen(js_name = ensureFreshToken)]
pub fn ensure_fresh_token(token: &JsValue, options: &JsValue) -> Promise {
    call(token, options, true)
}

fn call(token: &JsValue, options: &JsValue, only_if_needed: bool) -> Promise {
    let call = Call::read(token, options);
    future_to_promise(async move {
        let call = call?;
        not_aborted(&call.options)?;
        if only_if_needed && lifetime(call.old.claims, &call.options.status, Date::now()).state == State::Fresh {
            return Ok(call.old_times());
        }
        let seat = Seat::take(&call.old, &call.options);
        JsFuture::from(unless_aborted(seat.landed(), &call.options.signal)).await?;
        seat.outcome(|outcome| call.conclude(outcome, only_if_needed))
    })
}

fn not_aborted(options: &RefreshOptions) -> Result<(), JsValue> {
    let reason = abort_reason(&options.signal);
    if reason.is_undefined() { Ok(()) } else { Err(reason) }
}

/// A call, read and found to make sense.
struct Call {
    old: Rc<OldToken>,
    options: Rc<RefreshOptions>,
}

impl Call {
    /// Reads the arguments in the documented order: options, signal, token.
    fn read(token: &JsValue, options: &JsValue) -> Result<Self, JsValue> {
        let options = RefreshOptions::read(options).map_err(|wrong| error(&Failure::option(wrong)))?;
        not_aborted(&options)?;
        let read = token_text(token).and_then(|text| OldToken::read(&text, &options.headers_text));
        let old = read.map_err(|reason| error(&Failure::invalid(reason)))?;
        if old.is_expired(options.status.clock_tolerance_ms, Date::now()) {
            return Err(error(&Failure::new(Code::TokenExpired)));
        }
        // Three parts of the base64url alphabet are a header's value, whatever else they are.
        Headers::from_raw(options.headers.clone()).set("authorization", old.token.expose());
        Ok(Self { old: Rc::new(old), options: Rc::new(options) })
    }

    /// Returns what an outcome is to this caller: it may tolerate less than another who waited, or more.
    fn conclude(&self, outcome: &Outcome, only_if_needed: bool) -> Result<JsValue, JsValue> {
        let tolerance_ms = self.options.status.clock_tolerance_ms;
        let now = Date::now();
        let failure = match outcome {
            Ok(new) => match new.refused(tolerance_ms, now) {
                None => return Ok(self.times(&new.token, new.claims, only_if_needed.then_some(true))),
                Some(refused) => refused,
            },
            Err(failure) => self.old.expired_since(failure, tolerance_ms, now).unwrap_or(*failure),
        };
        let error = error_with(&failure, &self.options.target.message(&failure));
        if !only_if_needed || failure.action() == Action::Login || self.old.is_expired(tolerance_ms, now) {
            return Err(error);
        }
        let times = self.old_times();
        put(&times, "error", &error);
        Ok(times)
    }

    fn old_times(&self) -> JsValue {
        self.times(&self.old.token, self.old.claims, Some(false))
    }

    /// Returns a token and its times, as this caller's window places them.
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
