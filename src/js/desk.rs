//! Where the npm package's JavaScript and what decides meet: numbers and texts in places that both know. Nothing of
//! JavaScript's is in here, no allocation and no glue, so that the package is small and a call is quick.
//!
//! [`desk`] says where the places are. A text is written as UTF-8 and passed by its length; one token goes where
//! [`check`](super::check) has its own, and whatever else there is into [`TEXT`], one behind the other. What comes back
//! are [`NUMBERS`] and [`WORDS`].
//!
//! A [`Failure`] and a [`Session`] are plain data of this build. JavaScript carries their bytes as they are, and lays them
//! back before a call that is about them: what it carries outlives a trap, which costs an instance its memory.

use core::cell::{Cell, RefCell};
use core::ptr;

use wasm_bindgen::prelude::*;

use crate::error::{Code, Failure, InvalidReason};
use crate::refresh::MAX_BODY;
use crate::session::Session;

/// The length of a text that is not there.
pub(super) const NONE: u32 = u32::MAX;

// They have their place for good: in the module's own data, not on the heap.
thread_local! {
    pub(super) static TEXT: RefCell<[u8; MAX_BODY]> = const { RefCell::new([0; MAX_BODY]) };
    pub(super) static BODY: RefCell<[u8; MAX_BODY]> = const { RefCell::new([0; MAX_BODY]) };
    /// Room for an escaped text of a body, and for the payload of a second token.
    pub(super) static ROOM: RefCell<[u8; MAX_BODY]> = const { RefCell::new([0; MAX_BODY]) };
    pub(super) static OTHER_PAYLOAD: RefCell<[u8; MAX_BODY]> = const { RefCell::new([0; MAX_BODY]) };
    pub(super) static NUMBERS: Cell<[f64; 32]> = const { Cell::new([0.0; 32]) };
    static WORDS: Cell<[[usize; 2]; 15]> = const { Cell::new([[0; 2]; 15]) };
    pub(super) static FAILURE: RefCell<Failure> = const { RefCell::new(Failure::new(Code::Internal)) };
    pub(super) static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
    static DESK: Cell<[usize; 10]> = const { Cell::new([0; 10]) };
}

/// Returns where ten numbers say where things are: the texts, the body and how many bytes each of these has room for, the
/// numbers, the words (an address and a length each), the failure and its bytes, the session and its bytes.
#[wasm_bindgen]
#[must_use]
pub fn desk() -> *const usize {
    let texts = TEXT.with_borrow(|text| text.as_ptr().addr());
    let body = BODY.with_borrow(|body| body.as_ptr().addr());
    let numbers = NUMBERS.with(|numbers| numbers.as_ptr().addr());
    let words = WORDS.with(|words| words.as_ptr().addr());
    let failure = FAILURE.with_borrow(|failure| ptr::from_ref(failure).addr());
    let session = SESSION.with_borrow(|session| ptr::from_ref(session).addr());
    let sizes = [size_of::<Failure>(), size_of::<Option<Session>>()];
    DESK.set([texts, MAX_BODY, body, MAX_BODY, numbers, words, failure, sizes[0], session, sizes[1]]);
    DESK.with(|desk| desk.as_ptr().cast())
}

/// Leaves words, which stay where they are.
pub(super) fn say(said: &[&str]) {
    let mut words = [[0; 2]; 15];
    for (place, word) in words.iter_mut().zip(said) {
        *place = [word.as_ptr().addr(), word.len()];
    }
    WORDS.set(words);
}

/// Looks at the first word again, where it is of a body or of what was escaped there.
#[cfg(feature = "route")]
pub(super) fn with_word<T>(look: impl FnOnce(&str) -> T) -> T {
    let [[at, length], ..] = WORDS.get();
    BODY.with_borrow(|body| {
        ROOM.with_borrow(|room| {
            let mut inside = [body, room].into_iter().filter_map(|bytes| {
                let from = at.checked_sub(bytes.as_ptr().addr())?;
                bytes.get(from..from.checked_add(length)?)
            });
            look(text(inside.next().unwrap_or_default()))
        })
    })
}

/// Leaves the first of the numbers.
pub(super) fn tell(told: &[f64]) {
    let mut numbers = NUMBERS.get();
    for (place, number) in numbers.iter_mut().zip(told) {
        *place = *number;
    }
    NUMBERS.set(numbers);
}

/// Leaves a failure, for [`explain`].
pub(super) fn fail(failure: Failure) {
    FAILURE.set(failure);
}

/// Returns the first of several texts, and what follows it; none for one that is not there.
#[inline(never)]
pub(super) fn split(texts: &[u8], length: u32) -> (Option<&[u8]>, &[u8]) {
    match usize::try_from(length).ok().and_then(|length| texts.split_at_checked(length)) {
        Some((text, rest)) => (Some(text), rest),
        None => (None, texts),
    }
}

/// Returns a text that JavaScript wrote.
pub(super) fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// Says what the failure is. The words: its code, its action, four that make the message, then its reason, error code,
/// trace id, and its cause's name and code, each empty where there is none. The numbers: its status and how long to wait,
/// NaN where they are not known, its attempts, and as 0 or 1 whether the outcome is unknown, whether there is a cause, and
/// whether whoever knows which server was asked says so in place of the fourth part of the message.
#[wasm_bindgen]
pub fn explain() {
    FAILURE.with_borrow(|failure| {
        let cause = failure.cause.as_ref();
        let is_refusal = failure.code == Code::Unauthorized;
        let is_whole = failure.option.is_empty() && failure.detail.is_empty() && !is_refusal;
        say(&[
            failure.code.as_str(),
            failure.action().as_str(),
            failure.about(),
            if is_whole { "" } else { ": " },
            failure.option,
            failure.detail,
            failure.reason.map_or("", InvalidReason::as_str),
            failure.error_code.as_deref().unwrap_or_default(),
            failure.trace_id.as_deref().unwrap_or_default(),
            cause.and_then(|cause| cause.name.as_deref()).unwrap_or_default(),
            cause.and_then(|cause| cause.code.as_deref()).unwrap_or_default(),
        ]);
        tell(&[
            failure.status.map_or(f64::NAN, f64::from),
            failure.retry_after_ms.unwrap_or(f64::NAN),
            failure.attempts.into(),
            flag(failure.outcome_unknown),
            flag(cause.is_some()),
            flag(is_refusal),
        ]);
    });
}

/// Returns what stands for yes or no among numbers.
pub(super) fn flag(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a u32 before"
)]
pub(super) fn whole(number: f64) -> u32 {
    number as u32
}
