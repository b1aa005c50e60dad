//! The refresh of the npm package: its options judged, its answers judged, whether to ask again, and what an outcome is to
//! each of those who waited for it. What waits, and what is JavaScript's own, is in `pkg-template/refresh.js`.

use wasm_bindgen::prelude::*;

use super::check::{check, meaning};
use super::desk::{BUFFERS, Buffers, FAILURE, NUMBERS, fail, flag, say, split, tell, whole};
use crate::error::{Action, Code, Failure};
use crate::option::Fits;
use crate::refresh::{Hints, PATH, Retries, environment, expire_meanwhile, own_base, refusal};
use crate::session::MAX_SKEW_MS;
use crate::status::State;

// What is passed of the options is a kind of each, in the first half of the numbers, and in the other what counts of it: the
// number that it is, the length of a text, 1 or 0 of the rest.

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

/// The options, in the order in which they are judged: where there is no `fetch`, there may be no `Headers` either. From
/// `storage` on they are a session's alone.
static OPTIONS: [(&str, Takes); 15] = [
    ("fetch", Takes::Kind(FITTING, " must be a function, and there is none here without")),
    ("refreshWindowMs", Takes::Number(Fits::NotNegative, f64::NAN)),
    ("clockToleranceMs", Takes::Number(Fits::NotNegative, 0.0)),
    ("environment", Takes::Other),
    ("allowHttp", Takes::Kind(BOOLEAN, " must be true or false")),
    ("baseUrl", Takes::Other),
    ("timeoutMs", Takes::Number(Fits::Positive, 10_000.0)),
    ("totalTimeoutMs", Takes::Number(Fits::Positive, 30_000.0)),
    ("retries", Takes::Number(Fits::Count, 2.0)),
    ("headers", Takes::Kind(FITTING, " must be what a Headers object takes")),
    ("signal", Takes::Kind(FITTING, " must be an AbortSignal")),
    ("storage", Takes::Kind(FITTING, " must have get, set and delete")),
    ("key", Takes::Other),
    ("lock", Takes::Kind(FUNCTION, " must be a function")),
    ("maxWaitMs", Takes::Number(Fits::NotNegative, 5_000.0)),
];

const TOLERANCE: usize = 2;
const ENVIRONMENT: usize = 3;
const ALLOW_HTTP: usize = 4;
const BASE_URL: usize = 5;
const RETRIES: usize = 8;
const HEADERS: usize = 9;
const SIGNAL: usize = 10;
const STORAGE: usize = 11;
const KEY: usize = 12;

/// Leaves the names of the [`OPTIONS`] as words.
#[wasm_bindgen]
pub fn names() {
    say(&OPTIONS.each_ref().map(|(name, _)| name.as_bytes()));
}

/// Judges options, which are none at all where they are no object. Tells whether they make sense, and leaves a failure
/// where not. Else the numbers are theirs, with the defaults, one for each name, and behind them the tolerance that an
/// answer is judged by; the words are the base of the URL, its path, and what to tell if the token or the caller is refused there.
#[wasm_bindgen(js_name = judgeOptions)]
#[must_use]
pub fn judge_options(are_options: bool, are_of_session: bool) -> bool {
    let judged = BUFFERS.with_borrow(|Buffers { texts, .. }| read_options(texts, are_options, are_of_session));
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
    let (kinds, counts) = numbers.split_at(numbers.len() / 2);
    let given = |at: usize| match (kinds.get(at), counts.get(at)) {
        (Some(&kind), Some(&count)) => (whole(kind), count),
        _ => (UNDEFINED, 0.0),
    };
    let is_given = |at: usize| given(at).0 != UNDEFINED;
    let length = |at: usize| if given(at).0 == TEXTUAL { whole(given(at).1) } else { 0 };
    let (environment_name, rest) = split(texts, length(ENVIRONMENT));
    let (href, _) = split(rest, length(BASE_URL));
    let environment = |name| environment(name).map(|(base, hints)| (base.as_bytes(), hints));
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
                target = environment(environment_name);
                if target.is_none() {
                    return Err((name, " must be 'staging' or 'production'"));
                }
            }
            BASE_URL if kind != UNDEFINED => {
                let own = own_base(href.unwrap_or_default(), given(ALLOW_HTTP).1 > 0.0);
                target = Some((own.map_err(|wrong| (name, wrong))?, Hints::OWN));
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
    let (base, Hints { token, caller }) = target.unwrap_or_default();
    say(&[base, PATH.as_bytes(), token.as_bytes(), caller.as_bytes()]);
    Ok(())
}

/// What [`enter`] says of a token that is fresh, and of one that is about to expire; of any other it says 0.
const FRESH: u32 = 1;
const EXPIRING: u32 = 2;

/// Begins a call with the token at [`TOKEN`](super::check): 1 where it is fresh and 2 where it is about to expire, with its
/// times where a check leaves them; 0 where there is no sense in going on, and a failure.
#[wasm_bindgen]
#[must_use]
pub fn enter(length: u32, now: f64, refresh_window_ms: f64, clock_tolerance_ms: f64) -> u32 {
    match meaning(check(length, now, refresh_window_ms, clock_tolerance_ms)) {
        Ok(State::Fresh) => return FRESH,
        Ok(State::Expiring) => return EXPIRING,
        Ok(State::Expired) => fail(Failure::new(Code::TokenExpired)),
        Err(reason) => fail(Failure::invalid(reason)),
    }
    0
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
        tell(&[flag(failure.outcome_unknown)]);
        let wait_ms = Retries { retries, deadline }.wait_ms(failure, random, now);
        wait_ms.map_or(f64::NAN, |wait_ms| wait_ms.min(expires_at - now))
    })
}

/// Tells whether the new token at [`TOKEN`](super::check) is good for a caller, who may tolerate less than it was judged by;
/// its times are where a check leaves them. Leaves a failure where it is not.
#[wasm_bindgen]
#[must_use]
pub fn settle(length: u32, attempts: u32, now: f64, refresh_window_ms: f64, clock_tolerance_ms: f64) -> bool {
    let is_good = enter(length, now, refresh_window_ms, clock_tolerance_ms) != 0;
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
            expire_meanwhile(failure);
        }
        !is_expired && failure.action() != Action::Login
    })
}
