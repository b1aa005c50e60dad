//! `tokenStatus` and `tokenStatuses`, as a plain `wasm-pack build` exports them.
//!
//! The npm package calls [`check`](super::check) instead. It has the same rules, takes numbers, and is three times as fast.

use js_sys::{Array, Date};
use wasm_bindgen::prelude::*;

use super::convert::Plain;
use super::error::error;
use super::options::{Bag, token_text};
use super::value::array_of;
use crate::error::Failure;
use crate::option::Fits;
use crate::status::{StatusOptions, TokenStatus, token_status};

/// Tells whether a user access token is fresh, about to expire, expired, or no such token.
///
/// It decodes the token and verifies no signature, because a client cannot verify it.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`. No token makes it throw.
#[wasm_bindgen(js_name = tokenStatus)]
pub fn token_status_of(token: &JsValue, options: &JsValue) -> Result<JsValue, JsValue> {
    let (options, now) = read_options(options)?;
    Ok(status_of(token, &options, now))
}

/// Does the same as `tokenStatus` for each token of an iterable, at one instant.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`, also if `tokens` is no iterable. No token makes it throw.
#[wasm_bindgen(js_name = tokenStatuses)]
pub fn token_statuses_of(tokens: &JsValue, options: &JsValue) -> Result<Array, JsValue> {
    let (options, now) = read_options(options)?;
    let tokens = array_of(tokens);
    let Some(tokens) = tokens.dyn_ref::<Array>() else {
        return Err(error(&Failure::option(("tokens", " must be an iterable of tokens, not a string"))));
    };
    Ok(tokens.iter().map(|token| status_of(&token, &options, now)).collect())
}

fn read_options(options: &JsValue) -> Result<(StatusOptions, f64), JsValue> {
    let bag = Bag::new(options);
    let now = bag.number("now", Fits::Any).unwrap_or_else(Date::now);
    let read = (bag.status_options(), now);
    bag.checked(read).map_err(|failure| error(&failure))
}

fn status_of(token: &JsValue, options: &StatusOptions, now: f64) -> JsValue {
    let status = match token_text(token) {
        Ok(text) => token_status(&text, options, now),
        Err(reason) => TokenStatus::Invalid(reason),
    };
    let mut plain = Plain::new();
    match status {
        TokenStatus::Valid(life) => {
            plain.text("state", Some(life.state.as_str()));
            plain.text("action", Some(life.state.action().as_str()));
            plain.number("issuedAt", life.issued_at);
            plain.number("refreshAt", Some(life.refresh_at));
            plain.number("expiresAt", Some(life.expires_at));
            plain.number("expiresInMs", Some(life.expires_in_ms));
        }
        TokenStatus::Invalid(reason) => {
            plain.text("state", Some("invalid"));
            plain.text("action", Some(reason.action().as_str()));
            plain.text("reason", Some(reason.as_str()));
        }
    }
    plain.end()
}
