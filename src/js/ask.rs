//! The refresh of the npm package: its options judged, its answers judged, whether to ask again, and what an outcome is to
//! each of those who waited for it. What waits, and what is JavaScript's own, is in `pkg-template/refresh.js`.

use wasm_bindgen::prelude::*;

use super::check::{check, in_buffers, meaning};
use super::desk::{BODY, FAILURE, NONE, NUMBERS, OTHER_PAYLOAD, ROOM, TEXT, fail, say, split, tell, text, whole};
use crate::error::{Action, Code, Failure};
use crate::option::Fits;
use crate::refresh::{
    Answer, Body, OWN_HINT, OldToken, PATH, Retries, environment, expired_meanwhile, judge_in, no_answer, own_base,
    refusal,
};
use crate::session::MAX_SKEW_MS;
use crate::status::State;

// What is passed of each option, one behind the other in the numbers, is its kind, and a number: that of a number, the
// length of a text, 1 or 0 of the rest.

const UNDEFINED: u32 = 0;
const NUMBER: u32 = 1;
const BOOLEAN: u32 = 2;
const FUNCTION: u32 = 3;
const TEXTUAL: u32 = 4;
/// What an option asks for in particular, if it is that: headers, a function to fetch with, a signal, a store.
const FITTING: u32 = 5;

/// What an option takes.
enum Takes {
    /// A number, by default this one.
    Number(Fits, f64),
    /// One of a kind, or nothing; else this is wrong with it.
    Kind(u32, &'static str),
    /// Nothing that this table knows of.
    Other,
}

/// The options, in the order in which they are judged; from `storage` on they are a session's alone.
static OPTIONS: [(&str, Takes); 15] = [
    ("headers", Takes::Kind(FITTING, " must be what a Headers object takes")),
    ("refreshWindowMs", Takes::Number(Fits::NotNegative, f64::NAN)),
    ("clockToleranceMs", Takes::Number(Fits::NotNegative, 0.0)),
    ("environment", Takes::Other),
    ("allowHttp", Takes::Kind(BOOLEAN, " must be true or false")),
    ("baseUrl", Takes::Other),
    ("timeoutMs", Takes::Number(Fits::Positive, 10_000.0)),
    ("totalTimeoutMs", Takes::Number(Fits::Positive, 30_000.0)),
    ("retries", Takes::Number(Fits::Count, 2.0)),
    ("fetch", Takes::Kind(FITTING, " must be a function, and there is none here without")),
    ("signal", Takes::Kind(FITTING, " must be an AbortSignal")),
    ("storage", Takes::Kind(FITTING, " must have get, set and delete")),
    ("key", Takes::Other),
    ("lock", Takes::Kind(FUNCTION, " must be a function")),
    ("maxWaitMs", Takes::Number(Fits::NotNegative, 5_000.0)),
];

const HEADERS: usize = 0;
const TOLERANCE: usize = 2;
const ENVIRONMENT: usize = 3;
const ALLOW_HTTP: usize = 4;
const BASE_URL: usize = 5;
const RETRIES: usize = 8;
const SIGNAL: usize = 10;
const STORAGE: usize = 11;
const KEY: usize = 12;

/// Leaves the names of the [`OPTIONS`] as words.
#[wasm_bindgen]
pub fn names() {
    say(&OPTIONS.each_ref().map(|(name, _)| *name));
}

/// Judges options, which are none at all where they are no object. Tells whether they make sense, and leaves a failure
/// where not. Else the numbers are theirs, with the defaults, one for each name, and behind them the tolerance that an
/// answer is judged by; the words are the base of the URL, its path, and what to tell whose token is refused there.
#[wasm_bindgen(js_name = judgeOptions)]
#[must_use]
pub fn judge_options(are_options: bool, are_of_session: bool) -> bool {
    let judged = TEXT.with_borrow(|texts| read_options(texts, are_options, are_of_session));
    if let Err(wrong) = judged {
        fail(Failure::option(wrong));
    }
    judged.is_ok()
}

/// An option and what is wrong with it: together a sentence.
type Wrong = (&'static str, &'static str);

fn read_options(texts: &[u8], are_options: bool, are_of_session: bool) -> Result<(), Wrong> {
    if !are_options {
        return Err(("options", " must be an object"));
    }
    let numbers = NUMBERS.get();
    let given = |at: usize| match numbers.get(2 * at..) {
        Some([kind, number, ..]) => (whole(*kind), *number),
        _ => (UNDEFINED, 0.0),
    };
    let is_given = |at: usize| given(at).0 != UNDEFINED;
    let length = |at: usize| if given(at).0 == TEXTUAL { whole(given(at).1) } else { 0 };
    let (environment_name, rest) = split(texts, length(ENVIRONMENT));
    let (href, _) = split(rest, length(BASE_URL));
    let mut target = environment(None);
    let mut read = [0.0; OPTIONS.len() + 1];
    let mut tolerance_ms = 0.0;
    for ((at, &(name, ref takes)), place) in OPTIONS.iter().enumerate().zip(&mut read) {
        if at == STORAGE && !are_of_session {
            break;
        }
        let (kind, number) = given(at);
        *place = match takes {
            // A session waits for its own next attempt.
            _ if at == RETRIES && kind == UNDEFINED && are_of_session => 0.0,
            Takes::Number(_, default) if kind == UNDEFINED => *default,
            Takes::Number(fits, _) if kind == NUMBER && fits.admits(number) => number,
            Takes::Number(fits, _) => return Err((name, fits.wrong())),
            Takes::Kind(wanted, _) if kind == *wanted || kind == UNDEFINED => number,
            Takes::Kind(_, wrong) => return Err((name, wrong)),
            Takes::Other => number,
        };
        match at {
            // A session judges an answer by the clock that the answer itself implies, later.
            TOLERANCE => tolerance_ms = if are_of_session { *place + MAX_SKEW_MS } else { *place },
            HEADERS if number > 0.0 => return Err((name, " must not replace authorization")),
            ENVIRONMENT if kind != UNDEFINED => {
                target = environment(environment_name.map(text));
                if target.is_none() {
                    return Err((name, " must be 'staging' or 'production'"));
                }
            }
            BASE_URL if kind != UNDEFINED => {
                let own = own_base(text(href.unwrap_or_default()), given(ALLOW_HTTP).1 > 0.0);
                target = Some((own.map_err(|wrong| (name, wrong))?, OWN_HINT));
            }
            SIGNAL if are_of_session && !is_given(ENVIRONMENT) && !is_given(BASE_URL) => {
                return Err(("environment", " or baseUrl is required"));
            }
            KEY if (kind != UNDEFINED || is_given(STORAGE)) && !(kind == TEXTUAL && number > 0.0) => {
                return Err((name, " must be a string, and not empty: a storage needs one"));
            }
            _ => {}
        }
    }
    let [.., judging] = &mut read;
    *judging = tolerance_ms;
    tell(&read);
    let (base, hint) = target.unwrap_or_default();
    say(&[base, PATH, hint]);
    Ok(())
}

/// What [`open`] says of a token that is fresh, and of one that is about to expire; of any other it says 0.
const FRESH: u32 = 1;
const EXPIRING: u32 = 2;

/// Begins a call with the token at [`TOKEN`](super::check): 1 where it is fresh and 2 where it is about to expire, with its
/// times where a check leaves them; 0 where there is no sense in going on, and a failure.
#[wasm_bindgen]
#[must_use]
pub fn open(length: u32, now: f64, refresh_window_ms: f64, clock_tolerance_ms: f64) -> u32 {
    match meaning(check(length, now, refresh_window_ms, clock_tolerance_ms)) {
        Ok(State::Fresh) => return FRESH,
        Ok(State::Expiring) => return EXPIRING,
        Ok(State::Expired) => fail(Failure::new(Code::TokenExpired)),
        Err(reason) => fail(Failure::invalid(reason)),
    }
    0
}

/// Judges what came of a request for the token of that length, sent with headers that as a text have that length: the
/// status, `retry-after` and the date that this is, `trace-id`, and the length of the body. In place of a status there may be
/// that no answer came; then the texts are the name and the code of what was thrown. Returns the length of the new token,
/// which is the first word; 0 where there is none, and a failure.
#[wasm_bindgen]
#[must_use]
#[expect(clippy::too_many_arguments, reason = "numbers cost less as arguments than as an object")]
pub fn judge(
    token: u32,
    sent_with: u32,
    status: u32,
    redirected: bool,
    retry_after: u32,
    retry_after_date: f64,
    trace_id: u32,
    body: u32,
    tolerance_ms: f64,
    now: f64,
) -> usize {
    let judged = in_buffers(token, |token, payload| {
        TEXT.with_borrow(|texts| {
            let (retry_after, rest) = split(texts, retry_after);
            let (trace_id, rest) = split(rest, trace_id);
            let (sent_with, _) = split(rest, sent_with);
            let old = OldToken::read_in(text(token), text(sent_with.unwrap_or_default()), payload)?;
            let [retry_after, trace_id] = [retry_after, trace_id].map(|given| given.map(text));
            let lacking = match status {
                // A refusal is one whatever its body does.
                200 if body == LATE => Some(Code::Timeout),
                TIMED_OUT => Some(Code::Timeout),
                UNREADABLE => Some(Code::BadResponse),
                THROWN => Some(Code::Network),
                _ => None,
            };
            let length = if let Some(code) = lacking {
                fail(no_answer(code, (status == THROWN).then_some([retry_after, trace_id]), &old));
                0
            } else {
                BODY.with_borrow(|bytes| {
                    let body = match body {
                        TOO_LONG => Body::TooLong,
                        length => split(bytes, length).0.map_or(Body::Broken, Body::Whole),
                    };
                    let status = u16::try_from(status).unwrap_or_default();
                    let retry_after_date = Some(retry_after_date);
                    let answer = Answer { status, redirected, retry_after, retry_after_date, trace_id, body };
                    answered(&answer, &old, tolerance_ms, now)
                })
            };
            if sent_with.is_none() {
                // It is too long to compare with.
                FAILURE.with_borrow_mut(Failure::hide_what_is_foreign);
            }
            Ok(length)
        })
    });
    judged.unwrap_or_else(|reason| {
        fail(Failure::invalid(reason));
        0
    })
}

// In place of a status: it took too long, it was no `Response`, and something was thrown.
const TIMED_OUT: u32 = 1_000;
const UNREADABLE: u32 = 1_001;
const THROWN: u32 = 1_002;

/// The length of a body that is longer than is read; and of one that took too long. One that broke off has none.
const TOO_LONG: u32 = NONE - 1;
const LATE: u32 = NONE - 2;

fn answered(answer: &Answer<&str, &[u8]>, old: &OldToken<&str>, tolerance_ms: f64, now: f64) -> usize {
    ROOM.with_borrow_mut(|room| {
        OTHER_PAYLOAD.with_borrow_mut(|payload| match judge_in(answer, old, tolerance_ms, now, room, payload) {
            Ok(new) => {
                say(&[new.token.expose()]);
                new.token.expose().len()
            }
            Err(failure) => {
                fail(failure);
                0
            }
        })
    })
}

/// Takes the failure of one more attempt, after others one of which may have had an unknown outcome. Returns how long to
/// wait before the next one, in milliseconds, and no longer than the token lives; NaN to give up. The first number is
/// whether the outcome is unknown now.
#[wasm_bindgen]
#[must_use]
pub fn pause(
    attempts: u32,
    is_unknown: bool,
    retries: f64,
    deadline: f64,
    expires_at: f64,
    random: f64,
    now: f64,
) -> f64 {
    FAILURE.with_borrow_mut(|failure| {
        failure.attempts = attempts;
        failure.outcome_unknown |= is_unknown;
        tell(&[if failure.outcome_unknown { 1.0 } else { 0.0 }]);
        let wait_ms = Retries { retries, deadline }.wait_ms(failure, random, now);
        wait_ms.map_or(f64::NAN, |wait_ms| wait_ms.min(expires_at - now))
    })
}

/// Tells whether the new token at [`TOKEN`](super::check) is good for a caller, who may tolerate less than it was judged by;
/// its times are where a check leaves them. Leaves a failure where it is not.
#[wasm_bindgen]
#[must_use]
pub fn settle(length: u32, attempts: u32, now: f64, refresh_window_ms: f64, clock_tolerance_ms: f64) -> bool {
    let is_good = open(length, now, refresh_window_ms, clock_tolerance_ms) != 0;
    if !is_good {
        fail(refusal(attempts));
    }
    is_good
}

/// Takes the failure for a caller with the old token at [`TOKEN`](super::check), which may have expired meanwhile. Tells
/// whether that token will do all the same; its times are where a check leaves them.
#[wasm_bindgen]
#[must_use]
pub fn excuse(length: u32, now: f64, refresh_window_ms: f64, clock_tolerance_ms: f64) -> bool {
    let is_expired = meaning(check(length, now, refresh_window_ms, clock_tolerance_ms)) == Ok(State::Expired);
    FAILURE.with_borrow_mut(|failure| {
        if is_expired && failure.action() == Action::Retry {
            *failure = expired_meanwhile(failure);
        }
        !is_expired && failure.action() != Action::Login
    })
}
