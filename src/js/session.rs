//! A session's rules for JavaScript: [`Session`], one function for each of its methods.
//!
//! JavaScript keeps the state, as the numbers of [`numbers`](crate::session::numbers), and the token. Each function is
//! given both, changes the numbers and returns a [`turn`](super::turn): what to do next, and what has changed.

use wasm_bindgen::prelude::*;

use super::error::{error, error_with};
use super::options::{RefreshOptions, token_text};
use super::turn::{Step, Turn, with};
use super::value::{field, text};
use crate::claims::Claims;
use crate::error::{Action, Code, Failure, InvalidReason};
use crate::refresh::{OldToken, expire_meanwhile, refusal};
use crate::session::{Accepted, Content, LOGGED_OUT, Now, Origin, Outcome, Session, Stored, Ticket};
use crate::status::{Lifetime, StatusOptions, TokenStatus};

#[wasm_bindgen(module = "/src/js/status.js")]
extern "C" {
    #[wasm_bindgen(js_name = heldStatus)]
    fn held_status(
        state: &str,
        action: &str,
        issued_at: Option<f64>,
        refresh_at: f64,
        expires_at: f64,
        expires_in_ms: f64,
        skew_ms: Option<f64>,
        refused: bool,
    ) -> JsValue;
    #[wasm_bindgen(js_name = emptyStatus)]
    fn empty_status(action: &str, reason: &str, skew_ms: Option<f64>, refused: bool) -> JsValue;
}

/// Reads a token's claims.
///
/// # Errors
/// Returns `ERR_INVALID_TOKEN`.
fn claims(token: &JsValue) -> Result<Claims, JsValue> {
    let read = token_text(token).and_then(|text| OldToken::read(&text, ""));
    read.map(|token| token.claims).map_err(|reason| error(&Failure::invalid(reason)))
}

/// Begins a session with a token, or with none if it is null; returns its numbers.
///
/// # Errors
/// Throws `ERR_INVALID_TOKEN`.
#[wasm_bindgen(js_name = sessionState)]
pub fn begin(
    token: &JsValue,
    is_stored: bool,
    refresh_window_ms: Option<f64>,
    clock_tolerance_ms: f64,
    random: f64,
    wall: f64,
    monotonic: f64,
) -> Result<Vec<f64>, JsValue> {
    let token = if token.is_null() { None } else { Some(claims(token)?) };
    let origin = if is_stored { Origin::Stored } else { Origin::Given };
    let options = StatusOptions { refresh_window_ms, clock_tolerance_ms };
    Ok(Session::new(token, origin, options, random, Now { wall, monotonic }).to_numbers().to_vec())
}

/// Answers a call of `accessToken()`, or one that has waited long enough.
#[wasm_bindgen(js_name = sessionAccess)]
pub fn access(state: &mut [f64], has_waited: bool, wall: f64, monotonic: f64) -> JsValue {
    let now = Now { wall, monotonic };
    with(state, now, |session| if has_waited { session.overdue(now) } else { session.access(now) }.into())
}

/// Answers a call of `refresh()` that began at this generation.
#[wasm_bindgen(js_name = sessionRefresh)]
pub fn refresh(state: &mut [f64], generation: u32, wall: f64, monotonic: f64) -> JsValue {
    let now = Now { wall, monotonic };
    with(state, now, |session| session.refresh(generation, now).into())
}

/// Looks at the clock: begins a refresh that is due, and notices the token's expiry.
#[wasm_bindgen(js_name = sessionWake)]
pub fn wake(state: &mut [f64], wall: f64, monotonic: f64) -> JsValue {
    let now = Now { wall, monotonic };
    with(state, now, |session| match session.wake(now) {
        Some(ticket) => Turn { ticket, ..Step::Refresh.into() },
        None => Step::None.into(),
    })
}

/// Decides whether the token of a ticket is still to be sent.
#[wasm_bindgen(js_name = sessionBeforeSend)]
pub fn before_send(state: &mut [f64], ticket: u32, wall: f64, monotonic: f64) -> JsValue {
    let now = Now { wall, monotonic };
    with(state, now, |session| if session.send(Ticket(ticket), now) { Step::Send } else { Step::None }.into())
}

/// Takes the token of an answer to a request that was sent then and after so many attempts.
#[wasm_bindgen(js_name = sessionCompleted)]
#[expect(clippy::too_many_arguments, reason = "two instants are two numbers each")]
pub fn completed(
    state: &mut [f64],
    options: &JsValue,
    ticket: u32,
    access_token: &JsValue,
    attempts: u32,
    sent_wall: f64,
    sent_monotonic: f64,
    random: f64,
    wall: f64,
    monotonic: f64,
) -> JsValue {
    let now = Now { wall, monotonic };
    let sent = Now { wall: sent_wall, monotonic: sent_monotonic };
    with(state, now, |session| {
        let Ok(new) = claims(access_token) else { return Step::None.into() };
        match session.accept(Ticket(ticket), new, sent, random, now) {
            Accepted::Held => Step::Adopt.into(),
            Accepted::Dropped => Step::None.into(),
            Accepted::Refused(outcome) => {
                let mut failure = refusal(attempts);
                if outcome == Outcome::Expired {
                    expire_meanwhile(&mut failure);
                }
                Turn { error: asked_error(options, &failure), ..Step::None.into() }
            }
        }
    })
}

/// Takes the error of a refresh. The turn has the error that it is now: the token may have expired meanwhile.
#[wasm_bindgen(js_name = sessionFailed)]
pub fn failed(
    state: &mut [f64],
    options: &JsValue,
    ticket: u32,
    failed: &JsValue,
    random: f64,
    wall: f64,
    monotonic: f64,
) -> JsValue {
    let now = Now { wall, monotonic };
    with(state, now, |session| {
        let mut failure = failure_of(failed);
        let outcome = session.fail(Ticket(ticket), failure.code, failure.retry_after_ms, random, now);
        if outcome == Outcome::Failed {
            return Turn { error: failed.clone(), ..Step::None.into() };
        }
        expire_meanwhile(&mut failure);
        Turn { error: asked_error(options, &failure), ..Step::None.into() }
    })
}

/// Returns the error for a failure after a request by these options: it names who was asked.
fn asked_error(options: &JsValue, failure: &Failure) -> JsValue {
    match RefreshOptions::read(options) {
        Ok(options) => error_with(failure, &options.target.message(failure)),
        Err(_) => error(failure),
    }
}

/// Takes that the lock of a ticket's refresh was not had.
#[wasm_bindgen(js_name = sessionLockedOut)]
pub fn locked_out(state: &mut [f64], ticket: u32, random: f64, wall: f64, monotonic: f64) -> JsValue {
    let mut failure = Failure::new(Code::Timeout);
    failure.detail = "the lock was not had";
    failed(state, &JsValue::UNDEFINED, ticket, &error(&failure), random, wall, monotonic)
}

/// Takes back a ticket, whose refresh nobody carries out any more.
#[wasm_bindgen(js_name = sessionAbandon)]
pub fn abandon(state: &mut [f64], ticket: u32, wall: f64, monotonic: f64) -> JsValue {
    with(state, Now { wall, monotonic }, |session| {
        session.give_back(Ticket(ticket));
        Step::None.into()
    })
}

/// Reads what matters of an error of this package.
fn failure_of(error: &JsValue) -> Failure {
    let name = text(error, "code");
    let code = Code::ALL.iter().copied().find(|code| Some(code.as_str()) == name.as_deref());
    let number = |name| field(error, name).as_f64();
    let mut failure = Failure::new(code.unwrap_or(Code::Internal));
    failure.retry_after_ms = number("retryAfterMs");
    failure.status = number("status").map(whole).and_then(|status| u16::try_from(status).ok());
    failure.attempts = number("attempts").map(whole).unwrap_or_default();
    failure.outcome_unknown = field(error, "outcomeUnknown").is_truthy();
    failure
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a u32")]
fn whole(number: f64) -> u32 {
    number as u32
}

/// Compares with what is stored. `held` is the token that the session holds, or held before a logout; `says_nothing` is that
/// the store looks empty also if it has failed; `was_replaced` is that another tab tells of a new login.
#[wasm_bindgen(js_name = sessionFound)]
#[expect(clippy::too_many_arguments, reason = "an instant is two numbers")]
pub fn found(
    state: &mut [f64],
    stored: &JsValue,
    held: &JsValue,
    says_nothing: bool,
    was_replaced: bool,
    random: f64,
    wall: f64,
    monotonic: f64,
) -> JsValue {
    let now = Now { wall, monotonic };
    let is_empty = stored.is_falsy();
    let content = match compared(stored, held) {
        Ok(stored) => Content::Token(stored),
        Err(_) if stored.as_string().as_deref() == Some(LOGGED_OUT) => Content::LoggedOut,
        Err(_) if is_empty && !says_nothing => Content::Empty,
        Err(_) => Content::Unusable,
    };
    with(state, now, |session| {
        match content {
            Content::Token(stored) if was_replaced => session.replaced(stored, random, now),
            content => session.found(content, random, now),
        }
        .into()
    })
}

fn compared(stored: &JsValue, held: &JsValue) -> Result<Stored, InvalidReason> {
    let stored = OldToken::read(&token_text(stored)?, "")?;
    let held = token_text(held).and_then(|held| OldToken::read(&held, ""));
    Ok(Stored {
        claims: stored.claims,
        is_same: held.as_ref().is_ok_and(|held| held.token == stored.token),
        is_of_same_user: held.is_ok_and(|held| held.is_of_same_user(&stored)),
    })
}

/// Confirms that the store took the token of this generation.
#[wasm_bindgen(js_name = sessionWritten)]
pub fn written(state: &mut [f64], generation: u32, wall: f64, monotonic: f64) -> JsValue {
    let now = Now { wall, monotonic };
    with(state, now, |session| {
        session.written(generation, now);
        Step::None.into()
    })
}

/// Goes on with the token of a new login.
///
/// # Errors
/// Throws `ERR_INVALID_TOKEN`.
#[wasm_bindgen(js_name = sessionReplace)]
pub fn replace(state: &mut [f64], token: &JsValue, random: f64, wall: f64, monotonic: f64) -> Result<JsValue, JsValue> {
    let token = claims(token)?;
    Ok(with(state, Now { wall, monotonic }, |session| {
        session.replace(token, random);
        Step::None.into()
    }))
}

/// Forgets the token: for a logout here if `is_here`, else for one elsewhere.
#[wasm_bindgen(js_name = sessionClear)]
pub fn clear(state: &mut [f64], is_here: bool, wall: f64, monotonic: f64) -> JsValue {
    let now = Now { wall, monotonic };
    with(state, now, |session| {
        if is_here {
            session.log_out(now);
        } else {
            session.clear();
        }
        Step::None.into()
    })
}

/// Begins the renewal in the background, or ends it.
#[wasm_bindgen(js_name = sessionSetRunning)]
pub fn set_running(state: &mut [f64], is_running: bool, wall: f64, monotonic: f64) -> JsValue {
    with(state, Now { wall, monotonic }, |session| {
        if is_running {
            session.start();
        } else {
            session.stop();
        }
        Step::None.into()
    })
}

/// Pauses the renewal while there is no network.
#[wasm_bindgen(js_name = sessionSetOffline)]
pub fn set_offline(state: &mut [f64], is_offline: bool, wall: f64, monotonic: f64) -> JsValue {
    with(state, Now { wall, monotonic }, |session| {
        session.set_offline(is_offline);
        Step::None.into()
    })
}

/// Judges the token at this instant of the local clock, as `tokenStatus` does.
#[wasm_bindgen(js_name = sessionStatus)]
#[must_use]
pub fn status(state: &[f64], wall: f64) -> JsValue {
    let session = Session::from_numbers(state);
    let (skew_ms, is_refused) = (session.clock_skew_ms(), session.is_refused());
    match session.status(wall) {
        TokenStatus::Valid(life) => {
            let action = if is_refused { Action::Login } else { life.state.action() };
            let Lifetime { state, issued_at, refresh_at, expires_at, expires_in_ms } = life;
            held_status(
                state.as_str(),
                action.as_str(),
                issued_at,
                refresh_at,
                expires_at,
                expires_in_ms,
                skew_ms,
                is_refused,
            )
        }
        TokenStatus::Invalid(reason) => empty_status(reason.action().as_str(), reason.as_str(), skew_ms, is_refused),
    }
}
