//! The checker's fast path: a token is written into a buffer that the module keeps, numbers go in and out, and
//! the result object is made on the other side. One crossing, no allocation.
//!
//! The caller writes the token as UTF-8 at [`token_buffer`], calls [`check`] with its length and finds the times
//! at [`times_buffer`]: `issuedAt` (NaN for none), `refreshAt`, `expiresAt`, `expiresInMs`.

use core::cell::RefCell;

use js_sys::{Array, Reflect, Symbol};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::convert::to_js;
use super::error::error;
use super::options::{Bag, token_text};
use crate::error::{Failure, InvalidReason};
use crate::status::{State, StatusOptions, lifetime, read};
use crate::token::MAX_UNITS;

/// Room for the longest token that counts: a UTF-16 code unit takes at most three bytes of UTF-8.
const TOKEN_BYTES: usize = 3 * MAX_UNITS;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Array, js_name = from, catch)]
    fn array_from(iterable: &JsValue) -> Result<JsValue, JsValue>;
}

struct Buffers {
    token: Box<[u8]>,
    payload: Vec<u8>,
    times: Box<[f64; 4]>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers {
        token: vec![0; TOKEN_BYTES].into_boxed_slice(),
        payload: Vec::with_capacity(TOKEN_BYTES),
        times: Box::new([f64::NAN; 4]),
    });
}

/// Where a token is written before it is checked.
#[wasm_bindgen(js_name = tokenBuffer)]
#[must_use]
pub fn token_buffer() -> *const u8 {
    BUFFERS.with_borrow(|buffers| buffers.token.as_ptr())
}

/// How many bytes there are for it.
#[wasm_bindgen(js_name = tokenBufferLength)]
#[must_use]
pub fn token_buffer_length() -> usize {
    TOKEN_BYTES
}

/// Where the times are found afterwards.
#[wasm_bindgen(js_name = timesBuffer)]
#[must_use]
pub fn times_buffer() -> *const f64 {
    BUFFERS.with_borrow(|buffers| buffers.times.as_ptr())
}

/// The lengths that [`place_token`] gives for what has no place in the buffer.
const NOT_A_STRING: u32 = u32::MAX;
const TOO_LONG: u32 = u32::MAX - 1;

/// Writes any value into the token buffer and returns its length, as [`check`] takes it: for what the caller
/// cannot write there itself, no string or a very long one.
#[wasm_bindgen(js_name = placeToken)]
#[must_use]
pub fn place_token(token: &JsValue) -> u32 {
    match token_text(token) {
        Ok(text) => BUFFERS.with_borrow_mut(|buffers| {
            buffers.token.iter_mut().zip(text.as_bytes()).for_each(|(place, &byte)| *place = byte);
            u32::try_from(text.len()).unwrap_or(TOO_LONG)
        }),
        Err(InvalidReason::NotAString) => NOT_A_STRING,
        Err(_) => TOO_LONG,
    }
}

/// Judges the token in the buffer; a window of NaN is the default one. Returns the place of its verdict in
/// [`verdicts`].
#[wasm_bindgen]
#[must_use]
pub fn check(length: u32, now: f64, refresh_window_ms: f64, clock_tolerance_ms: f64) -> usize {
    let refresh_window_ms = if refresh_window_ms.is_nan() { None } else { Some(refresh_window_ms) };
    let options = StatusOptions { refresh_window_ms, clock_tolerance_ms };
    BUFFERS.with_borrow_mut(|Buffers { token, payload, times }| {
        let read = match length {
            NOT_A_STRING => Err(InvalidReason::NotAString),
            length => usize::try_from(length)
                .ok()
                .and_then(|length| token.get(..length))
                .ok_or(InvalidReason::TooLong)
                .and_then(|token| read(token, payload)),
        };
        match read {
            Ok(claims) => {
                let life = lifetime(claims, &options, now);
                **times = [life.issued_at.unwrap_or(f64::NAN), life.refresh_at, life.expires_at, life.expires_in_ms];
                State::ALL.iter().position(|&state| state == life.state).unwrap_or_default()
            }
            Err(reason) => {
                State::ALL.len() + InvalidReason::ALL.iter().position(|&other| other == reason).unwrap_or_default()
            }
        }
    })
}

#[derive(Serialize)]
struct Verdict {
    state: &'static str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Returns every verdict there is, in the order of [`check`]'s numbers: the states, then the reasons.
#[wasm_bindgen]
#[must_use]
pub fn verdicts() -> JsValue {
    let states = State::ALL.iter().map(|state| (state.as_str(), state.action(), None));
    let invalid = InvalidReason::ALL.iter().map(|reason| ("invalid", reason.action(), Some(reason.as_str())));
    let verdict = |(state, action, reason): (_, crate::error::Action, _)| {
        to_js(&Verdict { state, action: action.as_str(), reason })
    };
    states.chain(invalid).map(verdict).collect::<Array>().into()
}

/// Reads a list of tokens: any iterable but a string.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`.
#[wasm_bindgen(js_name = readList)]
pub fn read_list(tokens: &JsValue) -> Result<JsValue, JsValue> {
    let iterates = Reflect::get(tokens, &Symbol::iterator()).is_ok_and(|method| method.is_function());
    let list = if iterates && !tokens.is_string() { array_from(tokens).ok() } else { None };
    list.ok_or_else(|| error(&Failure::option("tokens must be an iterable of tokens, and no string")))
}

/// Reads the options of a check into the times buffer: now (NaN for the clock's), the window (NaN for the
/// default one), the tolerance.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`.
#[wasm_bindgen(js_name = readOptions)]
pub fn read_options(options: &JsValue) -> Result<(), JsValue> {
    let read = || {
        let bag = Bag::new(options)?;
        Ok((bag.now()?, bag.status_options()?))
    };
    let (now, options) = read().map_err(|failure: Failure| error(&failure))?;
    BUFFERS.with_borrow_mut(|buffers| {
        let window = options.refresh_window_ms.unwrap_or(f64::NAN);
        *buffers.times = [now.unwrap_or(f64::NAN), window, options.clock_tolerance_ms, f64::NAN];
    });
    Ok(())
}
