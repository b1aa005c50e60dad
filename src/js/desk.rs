//! Where the npm package's JavaScript and what decides meet: numbers and texts in places that both know. Nothing of
//! JavaScript's is in here, no allocation and no glue, so that the package is small and a call is quick.
//!
//! [`desk`] says where the places are. A text is written as UTF-8 and passed by its length; one token goes where
//! [`check`](super::check) has its own, and whatever else there is into the [`BUFFERS`], one behind the other. What comes back
//! are [`NUMBERS`] and [`WORDS`].
//!
//! A [`Failure`] and a [`Session`] are plain data of this build. JavaScript carries their bytes as they are, and lays them
//! back before a call that is about them: what it carries outlives a trap, which costs an instance its memory.

use core::cell::{Cell, RefCell};
use core::ptr;

use wasm_bindgen::prelude::*;

use super::check::Texts;
use crate::error::{Action, Cause, Code, Failure, InvalidReason, Short};
use crate::refresh::MAX_BODY;
use crate::session::Session;

/// The length of a text that is not there.
pub(super) const NONE: u32 = u32::MAX;

// They have their place for good: in the module's own data, not on the heap.
thread_local! {
    pub(super) static BUFFERS: RefCell<Buffers> =
        const { RefCell::new(Buffers { texts: [0; MAX_BODY], body: [0; MAX_BODY], payload: [0; MAX_BODY] }) };
    pub(super) static NUMBERS: Cell<[f64; 32]> = const { Cell::new([0.0; 32]) };
    static WORDS: Cell<[[usize; 2]; 15]> = const { Cell::new([[0; 2]; 15]) };
    pub(super) static FAILURE: RefCell<Failure> = const { RefCell::new(Failure::new(Code::Internal)) };
    pub(super) static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
    static DESK: Cell<[[usize; 2]; 6]> = const { Cell::new([[0; 2]; 6]) };
}

/// What is looked at, and room for what it says.
pub(super) struct Buffers {
    /// One behind the other.
    pub(super) texts: [u8; MAX_BODY],
    pub(super) body: [u8; MAX_BODY],
    /// For that of a second token.
    pub(super) payload: [u8; MAX_BODY],
}

/// Returns where twelve numbers say where things are. An address and a length each: the texts, the body, the failure, the
/// session, the [`KINDS`]; and where the numbers and the words are, an address and a length each of these too.
#[wasm_bindgen]
#[must_use]
pub fn desk() -> *const usize {
    let [texts, body] =
        BUFFERS.with_borrow(|Buffers { texts, body, .. }| [texts, body].map(|bytes| bytes.as_ptr().addr()));
    let failure = FAILURE.with_borrow(|failure| ptr::from_ref(failure).addr());
    let session = SESSION.with_borrow(|session| ptr::from_ref(session).addr());
    DESK.set([
        [texts, MAX_BODY],
        [body, MAX_BODY],
        [failure, size_of::<Failure>()],
        [session, size_of::<Option<Session>>()],
        [KINDS.as_ptr().addr(), KINDS.len()],
        [NUMBERS.with(|numbers| numbers.as_ptr().addr()), WORDS.with(|words| words.as_ptr().addr())],
    ]);
    DESK.with(|desk| desk.as_ptr().cast())
}

/// Leaves words, which stay where they are.
pub(super) fn say(said: &[&[u8]]) {
    let mut words = [[0; 2]; 15];
    for (place, word) in words.iter_mut().zip(said) {
        *place = [word.as_ptr().addr(), word.len()];
    }
    WORDS.set(words);
}

/// Looks at the first word again, where it is of a body.
#[cfg(feature = "route")]
pub(super) fn with_word<T>(look: impl FnOnce(&str) -> T) -> T {
    let [[at, length], ..] = WORDS.get();
    BUFFERS.with_borrow(|Buffers { body, .. }| {
        let inside = || {
            let from = at.checked_sub(body.as_ptr().addr())?;
            body.get(from..from.checked_add(length)?)
        };
        look(str::from_utf8(inside().unwrap_or_default()).unwrap_or_default())
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

/// The first [`CODES`] codes and then every reason, with what to do and what to say about it, as JSON: an array of arrays of three.
static KINDS: [u8; kinds::<2048>().length] = kinds().bytes;

/// How many codes there are but for the last three, which JavaScript reports by itself: no store, no WebAssembly, a fault.
const CODES: u8 = Code::Storage.index();

const fn kinds<const ROOM: usize>() -> Texts<ROOM> {
    let mut texts = Texts::new();
    #[expect(clippy::as_conversions, reason = "there is no other way to in a constant")]
    let (mut codes, _) = Code::ALL.split_at(CODES as usize);
    let mut reasons = InvalidReason::ALL;
    while let [code, rest @ ..] = codes {
        texts = texts.with_kind(code.as_str(), code.action(), code.about());
        codes = rest;
    }
    while let [reason, rest @ ..] = reasons {
        texts = texts.with_kind(reason.as_str(), reason.action(), reason.about());
        reasons = rest;
    }
    texts.with(&["]"])
}

impl<const ROOM: usize> Texts<ROOM> {
    const fn with_kind(self, name: &str, action: Action, about: &str) -> Self {
        let before = if self.length == 0 { "[[\"" } else { ",[\"" };
        self.with(&[before, name, "\",\"", action.as_str(), "\",\"", about, "\"]"])
    }
}

/// Says what the failure is. The words: the option, if it is one's, and what the message adds to that or to its kind's;
/// then its error code, its trace id, and the name and code of a foreign cause, each empty where there is none. The numbers:
/// the places among the kinds of its code, and of its reason or else again of its code; its status and how long to wait, NaN
/// where they are not known; its attempts; as 0 or 1 whether the outcome is unknown; which of the server's hints stands in
/// place of the second word, 1 if it refused the token and 2 if it refused the caller, else 0; and of a cause that is another
/// failure its code's place, -1 where it is foreign, NaN where there is none.
#[wasm_bindgen]
pub fn explain() {
    FAILURE.with_borrow(|failure| {
        let code = failure.code.index();
        let kind = failure.reason.map_or(code, |reason| CODES + reason.index());
        let (name, beneath, cause) = match &failure.cause {
            None => (None, None, f64::NAN),
            Some(Cause::Foreign(name, code)) => (name.as_ref(), code.as_ref(), -1.0),
            Some(Cause::Failure(code)) => (None, None, code.index().into()),
        };
        say(&[
            failure.option.as_bytes(),
            failure.detail.as_bytes(),
            foreign(failure.error_code.as_ref()),
            foreign(failure.trace_id.as_ref()),
            foreign(name),
            foreign(beneath),
        ]);
        tell(&[
            code.into(),
            kind.into(),
            failure.status.map_or(f64::NAN, f64::from),
            failure.retry_after_ms.unwrap_or(f64::NAN),
            failure.attempts.into(),
            flag(failure.outcome_unknown),
            match failure.code {
                Code::Unauthorized => 1.0,
                Code::Forbidden => 2.0,
                _ => 0.0,
            },
            cause,
        ]);
    });
}

fn foreign(short: Option<&Short>) -> &[u8] {
    short.map_or(b"", Short::bytes)
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
