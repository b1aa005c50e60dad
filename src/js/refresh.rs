//! `refreshAccessToken` and `ensureFreshToken`.

use js_sys::{Date, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::convert::{TokenTimes, to_js};
use super::error::error;
use super::flight::Seat;
use super::latch::unless;
use super::options::{RefreshOptions, token_text};
use crate::error::{Action, Code, Failure};
use crate::refresh::{NewToken, OldToken, expired_meanwhile};
use crate::status::{State, lifetime};

/// Exchanges a user access token that has not expired for a new one.
///
/// In production the vendor accepts this call from an allow-listed backend only; a page sets `baseUrl`.
#[wasm_bindgen(js_name = refreshAccessToken)]
#[must_use]
pub fn refresh_access_token(token: &JsValue, options: &JsValue) -> Promise {
    let call = Call::read(token, options);
    future_to_promise(async move {
        let call = call?;
        let new = call.refreshed().await?;
        Ok(call.times(&new, None))
    })
}

/// Returns a token that can be used: the same one while it is fresh, a new one where it is about to expire.
///
/// Where the refresh fails for any reason but one that only a login mends, the old, still valid token comes
/// back with the error. In production the vendor accepts the refresh from an allow-listed backend only; a
/// page sets `baseUrl`.
#[wasm_bindgen(js_name = ensureFreshToken)]
#[must_use]
pub fn ensure_fresh_token(token: &JsValue, options: &JsValue) -> Promise {
    let call = Call::read(token, options);
    future_to_promise(async move {
        let call = call?;
        let old = NewToken { token: call.old.token.clone(), claims: call.old.claims };
        if lifetime(old.claims, &call.options.status, Date::now()).state == State::Fresh {
            return Ok(call.times(&old, Some(false)));
        }
        match call.refreshed().await {
            Ok(new) => Ok(call.times(&new, Some(true))),
            Err(Rejection::Failed(failure)) if failure.action() != Action::Login => {
                let result = call.times(&old, Some(false));
                // A plain object of our own takes any field.
                let _: Result<bool, JsValue> = Reflect::set(&result, &"error".into(), &error(&failure));
                Ok(result)
            }
            Err(rejection) => Err(rejection.into()),
        }
    })
}

/// Why a call's promise is rejected.
enum Rejection {
    Failed(Failure),
    /// The caller's own reason, untouched.
    Aborted(JsValue),
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Rejection> for JsValue {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Failed(failure) => error(&failure),
            Rejection::Aborted(reason) => reason,
        }
    }
}

/// A call, read and found to make sense.
struct Call {
    old: OldToken,
    options: RefreshOptions,
}

impl Call {
    /// Reads the arguments in the documented order: options, signal, token.
    fn read(token: &JsValue, options: &JsValue) -> Result<Self, Rejection> {
        let options = RefreshOptions::read(options)?;
        if let Some(reason) = options.signal.as_ref().and_then(super::signal::Signal::aborted) {
            return Err(Rejection::Aborted(reason));
        }
        let text = token_text(token).map_err(Failure::invalid)?;
        let old = OldToken::read(&text)?;
        if old.is_expired(options.status.clock_tolerance_ms, Date::now()) {
            return Err(Failure::new(Code::TokenExpired).into());
        }
        Ok(Self { old, options })
    }

    async fn refreshed(&self) -> Result<NewToken, Rejection> {
        let fetch = self.fetch().ok_or(Failure::option("there is no fetch here: pass one"))?;
        let seat = Seat::take(&self.old, &self.options, &fetch);
        let outcome = match &self.options.signal {
            None => seat.outcome().await,
            Some(signal) => {
                let listener = signal.listen();
                let outcome = unless(listener.aborted(), seat.outcome()).await;
                outcome.ok_or_else(|| Rejection::Aborted(signal.aborted().unwrap_or_default()))?
            }
        };
        outcome.map_err(|failure| self.for_this_caller(failure).into())
    }

    /// Returns the caller's own `fetch`, or the one that the page has now.
    fn fetch(&self) -> Option<Function> {
        let global = || Reflect::get(&js_sys::global(), &"fetch".into()).ok()?.dyn_into().ok();
        self.options.fetch.clone().or_else(global)
    }

    fn for_this_caller(&self, failure: Failure) -> Failure {
        let expired = self.old.is_expired(self.options.status.clock_tolerance_ms, Date::now());
        if expired && failure.action() != Action::Login { expired_meanwhile(failure) } else { failure }
    }

    fn times(&self, token: &NewToken, refreshed: Option<bool>) -> JsValue {
        to_js(&TokenTimes::new(token.token.expose(), token.claims, &self.options.status, refreshed))
    }
}
