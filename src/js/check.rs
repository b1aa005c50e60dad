//! The checker's fast path. JavaScript writes a token into a buffer of the wasm, numbers go in and out, and JavaScript makes the
//! result object. A check crosses the boundary once, allocates nothing, and uses no `JsValue`. So the build can make it a wasm file
//! without imports, which starts fast.
//!
//! The caller writes the token as UTF-8 and calls [`check`] with its length. The results are where [`layout`] says: `issuedAt`
//! (NaN for none), `refreshAt`, `expiresAt`, `expiresInMs`. [`TEXTS`] has the names of verdicts and the messages.

use core::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use crate::claims::Claims;
use crate::error::{Code, InvalidReason};
use crate::option::Fits;
use crate::status::{Lifetime, State, StatusOptions, placed};
use crate::token::MAX_UNITS;

/// Room for the longest token that counts: a UTF-16 code unit takes at most three bytes of UTF-8.
const TOKEN_BYTES: usize = 3 * 16_384;
const _: () = assert!(MAX_UNITS == 16_384);

// The buffers are in the module's own data, not on the heap. So their addresses never change.
thread_local! {
    /// A token and its payload.
    static BUFFER: RefCell<[u8; 2 * TOKEN_BYTES]> = const { RefCell::new([0; 2 * TOKEN_BYTES]) };
    static TIMES: Cell<[f64; 4]> = const { Cell::new([0.0; 4]) };
    static LAYOUT: Cell<[usize; 5]> = const { Cell::new([0; 5]) };
}

/// Returns the address of five numbers: the address and the length of the token's buffer, the address of the times' buffer, and the
/// address and the length of [`TEXTS`]. A trimmed token that does not fit is too long.
#[wasm_bindgen]
#[must_use]
pub fn layout() -> *const usize {
    let token = BUFFER.with_borrow(|token| token.as_ptr().addr());
    let times = TIMES.with(|times| times.as_ptr().addr());
    LAYOUT.set([token, TOKEN_BYTES, times, TEXTS.as_ptr().addr(), TEXTS.len()]);
    LAYOUT.with(|layout| layout.as_ptr().cast())
}

/// Tells whether a UTF-16 code unit is trimmed off a token.
#[wasm_bindgen(js_name = isSpace)]
#[must_use]
pub fn is_space(unit: u32) -> bool {
    u8::try_from(unit).is_ok_and(|byte| byte.is_ascii_whitespace())
}

/// The length of a value that is no string. Any other number above the limit means too long.
const NOT_A_STRING: u32 = u32::MAX;

/// Checks the token in the buffer. NaN stands for the default window or tolerance. Returns the index of the verdict in
/// [`TEXTS`].
#[wasm_bindgen(js_name = checkToken)]
#[must_use]
pub fn check(length: u32, now: f64, refresh_window_ms: f64, clock_tolerance_ms: f64) -> usize {
    let options = status_options(refresh_window_ms, clock_tolerance_ms);
    let read = in_buffer(length, Claims::read);
    verdict(read.map(|claims| placed(claims, &options, now)))
}

/// Reads options. NaN stands for an option's default.
pub(super) fn status_options(refresh_window_ms: f64, clock_tolerance_ms: f64) -> StatusOptions {
    let given = |number: f64| if number.is_nan() { None } else { Some(number) };
    StatusOptions {
        refresh_window_ms: given(refresh_window_ms),
        clock_tolerance_ms: given(clock_tolerance_ms).unwrap_or_default(),
    }
}

/// Calls `look` with the token in the buffer and with room for its payload. Then it overwrites both with zeros.
pub(super) fn in_buffer<T>(
    length: u32,
    look: impl FnOnce(&[u8], &mut [u8]) -> Result<T, InvalidReason>,
) -> Result<T, InvalidReason> {
    match usize::try_from(length) {
        _ if length == NOT_A_STRING => Err(InvalidReason::NotAString),
        Ok(length @ ..=TOKEN_BYTES) => {
            BUFFER.with_borrow_mut(|buffer| {
                // A payload is shorter than its token.
                let used = buffer.split_at_mut(2 * length).0;
                let (token, payload) = used.split_at_mut(length);
                let found = look(token, payload);
                used.fill(0);
                found
            })
        }
        _ => Err(InvalidReason::TooLong),
    }
}

/// Writes the times into their buffer, and returns the index of the verdict in [`TEXTS`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: see `Claims::read`")]
pub(super) fn verdict(life: Result<Lifetime, InvalidReason>) -> usize {
    match life {
        Ok(life) => {
            TIMES.set([life.issued_at.unwrap_or(f64::NAN), life.refresh_at, life.expires_at, life.expires_in_ms]);
            life.state.index().into()
        }
        Err(reason) => State::ALL.len() + usize::from(reason.index()),
    }
}

/// The numbers of a check's options, in the order of the times buffer.
const NUMBERS: [(&str, Fits); 3] = [NOW, WINDOW, TOLERANCE];
const NOW: (&str, Fits) = ("now", Fits::Any);
const WINDOW: (&str, Fits) = ("refreshWindowMs", Fits::NotNegative);
const TOLERANCE: (&str, Fits) = ("clockToleranceMs", Fits::NotNegative);

/// The other faults of a check's arguments, in the order of [`wrong_option`]'s numbers from 1.
const OTHERS: [(&str, &str); 2] =
    [("options", " must be an object"), ("tokens", " must be an iterable of tokens, not a string")];

/// Finds a fault in the arguments of a check. `given` 0 asks about the numbers of the options, which are in the times buffer: NaN for
/// one that is not given, infinite for a value that is no number. 1 says that the options are no object, and 2 that the tokens are no
/// list. Returns the index of a message in [`TEXTS`], or 0 if there is no fault.
#[wasm_bindgen(js_name = wrongOption)]
#[must_use]
pub fn wrong_option(given: usize) -> usize {
    let is_wrong = |(_, fits): (_, Fits), number: f64| !number.is_nan() && !fits.admits(number);
    let [now, refresh_window_ms, clock_tolerance_ms, _] = TIMES.get();
    let at = match given {
        1.. => NUMBERS.len() + given - 1,
        0 if is_wrong(NOW, now) => 0,
        0 if is_wrong(WINDOW, refresh_window_ms) => 1,
        0 if is_wrong(TOLERANCE, clock_tolerance_ms) => 2,
        0 => return 0,
    };
    State::ALL.len() + InvalidReason::ALL.len() + at
}

/// All texts, as one JSON array: first the verdicts, in the order of [`check`]'s numbers, and then the messages for invalid
/// options.
static TEXTS: [u8; texts::<2048>().length] = texts().bytes;

const fn texts<const ROOM: usize>() -> Texts<ROOM> {
    let mut texts = Texts::new();
    let (mut states, mut reasons) = (State::ALL, InvalidReason::ALL);
    let (mut numbers, mut others) = (NUMBERS.as_slice(), OTHERS.as_slice());
    while let [state, rest @ ..] = states {
        let before = if texts.length == 0 { "[" } else { "," };
        texts =
            texts.with(&[before, r#"{"state":""#, state.as_str(), r#"","action":""#, state.action().as_str(), r#""}"#]);
        states = rest;
    }
    while let [reason, rest @ ..] = reasons {
        let action = reason.action().as_str();
        texts = texts.with(&[r#",{"state":"invalid","action":""#, action, r#"","reason":""#, reason.as_str(), r#""}"#]);
        reasons = rest;
    }
    while let [(name, fits), rest @ ..] = numbers {
        texts = texts.with(&[",\"", Code::InvalidOption.about(), ": ", name, fits.wrong(), "\""]);
        numbers = rest;
    }
    while let [(name, wrong), rest @ ..] = others {
        texts = texts.with(&[",\"", Code::InvalidOption.about(), ": ", name, wrong, "\""]);
        others = rest;
    }
    texts.with(&["]"])
}

/// Texts that the compiler joins.
pub(super) struct Texts<const ROOM: usize> {
    pub(super) bytes: [u8; ROOM],
    pub(super) length: usize,
}

impl<const ROOM: usize> Texts<ROOM> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; ROOM], length: 0 }
    }

    #[expect(clippy::indexing_slicing, reason = "the compiler runs it, and would stop")]
    pub(super) const fn with(mut self, mut texts: &[&str]) -> Self {
        while let [text, rest @ ..] = texts {
            let mut bytes = text.as_bytes();
            while let [byte, rest @ ..] = bytes {
                self.bytes[self.length] = *byte;
                self.length += 1;
                bytes = rest;
            }
            texts = rest;
        }
        self
    }
}
