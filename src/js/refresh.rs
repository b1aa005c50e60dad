//! `refreshAccessToken` and `ensureFreshToken`.

use std::rc::Rc;

use gloo_net::http::Headers;
use js_sys::{Date, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::convert::{Plain, to_js};
use super::error::error;
use super::flight::Seat;
use super::options::{RefreshOptions, token_text};
use super::value::put;
use crate::claims::Claims;
use crate::error::{Action, Code, Failure};
use crate::refresh::{OldToken, expired_meanwhile};
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
        let old = (&call.old.token, call.old.claims);
        if !only_if_needed {
            let new = call.refreshed().await?;
            return Ok(call.times((&new.token, new.claims), Plain::Absent));
        }
        if lifetime(call.old.claims, &call.options.status, Date::now()).state == State::Fresh {
            return Ok(call.times(old, Plain::Flag(false)));
        }
        match call.refreshed().await {
            Ok(new) => Ok(call.times((&new.token, new.claims), Plain::Flag(true))),
            Err(Rejection::Failed(failure)) if failure.action() != Action::Login && !call.is_expired() => {
                let result = call.times(old, Plain::Flag(false));
                put(result.unchecked_ref(), "error", &error(&failure));
                Ok(result)
            }
            Err(rejection) => Err(rejection.into()),
        }
    })
}

/// Why a call's promise is rejected.
enum Rejection {
    Failed(Box<Failure>),
    /// The caller's own reason, untouched.
    Aborted(JsValue),
}

impl From<Box<Failure>> for Rejection {
    fn from(failure: Box<Failure>) -> Self {
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
    old: Rc<OldToken>,
    options: Rc<RefreshOptions>,
}

impl Call {
    /// Reads the arguments in the documented order: options, signal, token.
    fn read(token: &JsValue, options: &JsValue) -> Result<Self, Rejection> {
        let options = RefreshOptions::read(options).map_err(Failure::option)?;
        if let Some(reason) = options.abort.reason() {
            return Err(Rejection::Aborted(reason));
        }
        let read = token_text(token).and_then(|text| OldToken::read(&text, &options.headers_text));
        let old = read.map_err(Failure::invalid)?;
        if old.is_expired(options.status.clock_tolerance_ms, Date::now()) {
            return Err(Failure::new(Code::TokenExpired).into());
        }
        // Three parts of the base64url alphabet are a header's value, whatever else they are.
        Headers::from_raw(options.headers.clone()).set("authorization", old.token.expose());
        Ok(Self { old: Rc::new(old), options: Rc::new(options) })
    }

    async fn refreshed(&self) -> Result<crate::refresh::NewToken, Rejection> {
        let seat = Seat::take(&self.old, &self.options);
        let aborted = || Rejection::Aborted(self.options.abort.reason().unwrap_or_default());
        let outcome = seat.outcome(self.options.abort.latch()).await.ok_or_else(aborted)?;
        let new = outcome.map_err(|failure| self.for_this_caller(failure))?;
        match new.refused(self.options.status.clock_tolerance_ms, Date::now()) {
            None => Ok(new),
            Some(failure) => Err(failure.into()),
        }
    }

    fn is_expired(&self) -> bool {
        self.old.is_expired(self.options.status.clock_tolerance_ms, Date::now())
    }

    #[expect(clippy::unnecessary_box_returns, reason = "it is boxed already")]
    fn for_this_caller(&self, mut failure: Box<Failure>) -> Box<Failure> {
        if failure.code == Code::Unauthorized {
            failure.detail = self.options.target.hint();
        }
        if self.is_expired() && failure.action() == Action::Retry { expired_meanwhile(failure) } else { failure }
    }

    /// Returns a token and its times, as this caller's window places them.
    fn times(&self, (token, claims): (&Secret, Claims), refreshed: Plain<'_>) -> JsValue {
        let life = lifetime(claims, &self.options.status, 0.0);
        to_js(&Plain::Object(&[
            ("accessToken", Plain::Text(token.expose())),
            ("issuedAt", life.issued_at.map_or(Plain::Null, Plain::Number)),
            ("refreshAt", Plain::Number(life.refresh_at)),
            ("expiresAt", Plain::Number(life.expires_at)),
            ("refreshed", refreshed),
        ]))
    }
}
