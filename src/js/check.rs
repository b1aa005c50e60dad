//! The checker's fast path: a token is written into a buffer that the module keeps, numbers go in and out, and
//! the result object is made on the other side. One crossing, no allocation.
//!
//! The caller writes the token as UTF-8 at [`token_buffer`], calls [`check`] with its length and finds the times
//! at [`times_buffer`]: `issuedAt` (NaN for none), `refreshAt`, `expiresAt`, `expiresInMs`.

use core::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::convert::Plain;
use super::error::error;
use super::options::{Bag, Fits, token_text};
use super::value;
use crate::error::{Failure, InvalidReason};
use crate::status::{Lifetime, State, StatusOptions, lifetime, read};

/// Room for the longest token that counts: a UTF-16 code unit takes at most three bytes of UTF-8.
const TOKEN_BYTES: usize = 3 * 16_384;

// They have their place for good: in the module's own data, not on the heap.
thread_local! {
    static TOKEN: RefCell<[u8; TOKEN_BYTES]> = const { RefCell::new([0; TOKEN_BYTES]) };
    static PAYLOAD: RefCell<[u8; TOKEN_BYTES]> = const { RefCell::new([0; TOKEN_BYTES]) };
    static TIMES: Cell<[f64; 4]> = const { Cell::new([0.0; 4]) };
}

/// Where a token is written before it is checked.
#[wasm_bindgen(js_name = tokenBuffer)]
#[must_use]
pub fn token_buffer() -> *const u8 {
    TOKEN.with_borrow(|token| token.as_ptr())
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
    TIMES.with(|times| times.as_ptr().cast())
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
        Ok(text) => TOKEN.with_borrow_mut(|token| {
            token.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
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
    let read = match usize::try_from(length) {
        _ if length == NOT_A_STRING => Err(InvalidReason::NotAString),
        Ok(length @ ..=TOKEN_BYTES) => {
            TOKEN.with_borrow(|token| PAYLOAD.with_borrow_mut(|payload| read(token.split_at(length).0, payload)))
        }
        _ => Err(InvalidReason::TooLong),
    };
    verdict(read.map(|claims| lifetime(claims, &options, now)))
}

/// Leaves the times in their buffer, and returns the place of the verdict in [`verdicts`].
pub(super) fn verdict(life: Result<Lifetime, InvalidReason>) -> usize {
    match life {
        Ok(life) => {
            TIMES.set([life.issued_at.unwrap_or(f64::NAN), life.refresh_at, life.expires_at, life.expires_in_ms]);
            State::ALL.iter().position(|&state| state == life.state).unwrap_or_default()
        }
        Err(reason) => {
            State::ALL.len() + InvalidReason::ALL.iter().position(|&other| other == reason).unwrap_or_default()
        }
    }
}

/// Returns every verdict there is, in the order of [`check`]'s numbers: the states, then the reasons.
#[wasm_bindgen]
#[must_use]
pub fn verdicts() -> JsValue {
    let states = State::ALL.iter().map(|state| (state.as_str(), state.action(), None));
    let invalid = InvalidReason::ALL.iter().map(|reason| ("invalid", reason.action(), Some(reason.as_str())));
    let array = js_sys::Array::new();
    for (state, action, reason) in states.chain(invalid) {
        let mut verdict = Plain::new();
        verdict.text("state", Some(state));
        verdict.text("action", Some(action.as_str()));
        verdict.text("reason", reason);
        array.push(&verdict.end());
    }
    array.into()
}

/// Reads a list of tokens: any iterable but a string.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`.
#[wasm_bindgen(js_name = readList)]
pub fn read_list(tokens: &JsValue) -> Result<JsValue, JsValue> {
    let list = Some(value::array_of(tokens)).filter(JsValue::is_object);
    list.ok_or_else(|| error(&Failure::option(("tokens", " must be an iterable of tokens, and no string"))))
}

/// Reads the options of a check into the times buffer: now (NaN for the clock's), the window (NaN for the
/// default one), the tolerance.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`.
#[wasm_bindgen(js_name = readOptions)]
pub fn read_options(options: &JsValue) -> Result<(), JsValue> {
    let bag = Bag::new(options);
    let (now, options) = (bag.number("now", Fits::Any), bag.status_options());
    bag.checked(()).map_err(|wrong| error(&Failure::option(wrong)))?;
    let window = options.refresh_window_ms.unwrap_or(f64::NAN);
    TIMES.set([now.unwrap_or(f64::NAN), window, options.clock_tolerance_ms, f64::NAN]);
    Ok(())
}
