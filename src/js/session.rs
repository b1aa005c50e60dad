//! A session's rules for JavaScript: [`Session`], one function for each of its methods.
//!
//! JavaScript keeps the state, as the numbers of [`numbers`](crate::session::numbers), and the token. It writes the numbers
//! into the buffer of [`turn`](super::turn), calls, and reads them back. Each function returns a turn: the next step, and
//! the changes. A trap does not change the numbers that JavaScript has.

use wasm_bindgen::prelude::*;

use super::error::{error, error_with};
use super::options::{RefreshOptions, token_text};
use super::turn::{Call, Step, Turn, read, turn, write};
use super::value::{field, text};
use crate::claims::Claims;
use crate::error::{Action, Code, Failure, InvalidReason};
use crate::refresh::{OldToken, expire_meanwhile, refusal};
use crate::session::{Accepted, Content, LOGGED_OUT, Now, Origin, Outcome, Progress, Session, Stored, Ticket};
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

/// Begins a session with a token, or without one if it is null. Writes its numbers into the buffer.
///
/// # Errors
/// Throws `ERR_INVALID_TOKEN`.
#[wasm_bindgen(js_name = sessionBegin)]
pub fn begin(
    token: &JsValue,
    is_stored: bool,
    has_store: bool,
    refresh_window_ms: Option<f64>,
    clock_tolerance_ms: f64,
) -> Result<(), JsValue> {
    let (Call { now, random }, _) = read();
    let token = if token.is_null() { None } else { Some(claims(token)?) };
    let origin = if is_stored { Origin::Stored } else { Origin::Given };
    let options = StatusOptions { refresh_window_ms, clock_tolerance_ms };
    let session = Session::new(token, origin, options, random, now);
    write(if has_store { session.with_store() } else { session });
    Ok(())
}

/// Answers a call of `accessToken()`.
#[wasm_bindgen(js_name = sessionAccess)]
#[must_use]
pub fn access(has_waited: bool, has_looked: bool) -> JsValue {
    turn(|session, call| session.access(Progress { has_waited, has_looked }, call.now).into())
}

/// Answers a call of `refresh()` that began at this generation.
#[wasm_bindgen(js_name = sessionRefresh)]
#[must_use]
pub fn refresh(generation: u32, has_waited: bool, has_looked: bool) -> JsValue {
    turn(|session, call| session.refresh(generation, Progress { has_waited, has_looked }, call.now).into())
}

/// Notices the token's expiry, and begins a refresh that is due in the background.
#[wasm_bindgen(js_name = sessionWake)]
#[must_use]
pub fn wake() -> JsValue {
    turn(|session, call| match session.wake(call.now) {
        Some(ticket) => Turn { ticket, ..Step::Refresh.into() },
        None => Step::None.into(),
    })
}

/// Decides whether the token of a ticket still has to be sent.
#[wasm_bindgen(js_name = sessionBeforeSend)]
#[must_use]
pub fn before_send(ticket: u32) -> JsValue {
    turn(|session, call| if session.send(Ticket(ticket), call.now) { Step::Send } else { Step::None }.into())
}

/// Returns how long a session keeps the lock if its request gets no answer, in milliseconds.
#[wasm_bindgen(js_name = sessionUnansweredMs)]
#[must_use]
pub fn unanswered_ms() -> f64 {
    read().1.unanswered_ms()
}

/// Notes that no answer came in time. The turn has the error for the waiting callers.
#[wasm_bindgen(js_name = sessionTimeOut)]
#[must_use]
pub fn time_out(options: &JsValue, ticket: u32) -> JsValue {
    turn(|session, Call { now, random }| {
        if session.time_out(Ticket(ticket), random, now) == Outcome::Known {
            return Step::None.into();
        }
        let mut failure = Failure::new(Code::Timeout);
        (failure.attempts, failure.outcome_unknown) = (1, true);
        Turn { error: asked_error(options, &failure), ..Step::None.into() }
    })
}

/// Takes the token of an answer. The other arguments say when its request was sent, and how many attempts there were.
#[wasm_bindgen(js_name = sessionCompleted)]
#[must_use]
pub fn completed(
    options: &JsValue,
    ticket: u32,
    access_token: &JsValue,
    attempts: u32,
    sent_wall: f64,
    sent_monotonic: f64,
) -> JsValue {
    turn(|session, Call { now, random }| {
        let sent = Now { wall: sent_wall, monotonic: sent_monotonic };
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

/// Takes the error of a refresh. The turn has the error for the callers: the same one, or `ERR_TOKEN_EXPIRED` if the token has expired
/// during the refresh.
#[wasm_bindgen(js_name = sessionFailed)]
#[must_use]
pub fn failed(options: &JsValue, ticket: u32, failed: &JsValue) -> JsValue {
    turn(|session, Call { now, random }| {
        let mut failure = failure_of(failed);
        let error = match session.fail(Ticket(ticket), failure.code, failure.retry_after_ms, random, now) {
            Outcome::Known => JsValue::UNDEFINED,
            Outcome::Failed => failed.clone(),
            Outcome::Expired => {
                expire_meanwhile(&mut failure);
                asked_error(options, &failure)
            }
        };
        Turn { error, ..Step::None.into() }
    })
}

/// Returns the error for a failure after a request with these options. It names the server.
fn asked_error(options: &JsValue, failure: &Failure) -> JsValue {
    match RefreshOptions::read(options) {
        Ok(options) => error_with(failure, &options.target.message(failure)),
        Err(_) => error(failure),
    }
}

/// Notes that a ticket's refresh did not get the lock in time. The step is `continue` if the refresh goes on without it.
#[wasm_bindgen(js_name = sessionLockedOut)]
#[must_use]
pub fn locked_out(ticket: u32) -> JsValue {
    turn(|session, Call { now, random }| {
        if session.go_on_without_lock(Ticket(ticket), random, now) {
            return Step::Continue.into();
        }
        let mut failure = Failure::new(Code::Timeout);
        failure.detail = "the lock was not free";
        Turn { error: error(&failure), ..Step::None.into() }
    })
}

/// Notes that another holder of the lock waits for a late answer.
#[wasm_bindgen(js_name = sessionWaitForAnother)]
#[must_use]
pub fn wait_for_another() -> JsValue {
    turn(|session, call| {
        session.wait_for_another(call.now);
        Step::None.into()
    })
}

/// Takes back a ticket that is not carried out.
#[wasm_bindgen(js_name = sessionAbandon)]
#[must_use]
pub fn abandon(ticket: u32) -> JsValue {
    turn(|session, _| {
        session.give_back(Ticket(ticket));
        Step::None.into()
    })
}

/// Reads the fields of an error of this package that matter here.
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

/// Compares a session with the content of its store.
///
/// `held` is the token that the session holds, or held before a logout. `says_nothing` means that the store also looks empty if it has
/// failed. `has_lock` means that this session has the lock, so no other session stores a token now. `was_written` means that the store
/// has just taken the token. `was_replaced` means that another tab has reported a new login. `is_delete_due` means that the store has
/// not done a delete after a logout here.
#[wasm_bindgen(js_name = sessionFound)]
#[must_use]
#[expect(clippy::fn_params_excessive_bools, reason = "JavaScript has no other flags")]
pub fn found(
    stored: &JsValue,
    held: &JsValue,
    says_nothing: bool,
    has_lock: bool,
    was_written: bool,
    was_replaced: bool,
    is_delete_due: bool,
) -> JsValue {
    let content = match compared(stored, held, is_delete_due) {
        Ok(stored) => Content::Token(stored),
        Err(_) if stored.as_string().as_deref() == Some(LOGGED_OUT) => Content::LoggedOut,
        Err(_) if stored.is_falsy() && !says_nothing => Content::Empty,
        Err(_) => Content::Unusable,
    };
    turn(|session, Call { now, random }| {
        if was_written {
            session.written(now);
        }
        match content {
            Content::Token(stored) if was_replaced => session.replaced(stored, has_lock, random, now),
            content => session.found(content, has_lock, random, now),
        }
        .into()
    })
}

/// Compares a stored token with the one that the session holds, or held before a logout. If a session that never held one logs out,
/// the stored token counts as its user's.
fn compared(stored: &JsValue, held: &JsValue, is_delete_due: bool) -> Result<Stored, InvalidReason> {
    let stored = OldToken::read(&token_text(stored)?, "")?;
    let held = token_text(held).and_then(|held| OldToken::read(&held, ""));
    Ok(Stored {
        claims: stored.claims,
        is_same: held.as_ref().is_ok_and(|held| held.token == stored.token),
        is_of_same_user: held.map_or(is_delete_due, |held| held.is_of_same_user(&stored)),
    })
}

/// Makes the next call look at the store, because the page was frozen and got no messages.
#[wasm_bindgen(js_name = sessionForgetLook)]
#[must_use]
pub fn forget_look() -> JsValue {
    turn(|session, _| {
        session.forget_look();
        Step::None.into()
    })
}

/// Goes on with the token of a new login.
///
/// # Errors
/// Throws `ERR_INVALID_TOKEN`.
#[wasm_bindgen(js_name = sessionReplace)]
pub fn replace(token: &JsValue) -> Result<JsValue, JsValue> {
    let token = claims(token)?;
    Ok(turn(|session, call| {
        session.replace(token, call.random);
        Step::None.into()
    }))
}

/// Forgets the token after a logout: here if `is_here`, otherwise elsewhere.
#[wasm_bindgen(js_name = sessionClear)]
#[must_use]
pub fn clear(is_here: bool) -> JsValue {
    turn(|session, call| {
        if is_here {
            session.log_out(call.now);
        } else {
            session.clear();
        }
        Step::None.into()
    })
}

/// Begins the renewal in the background, or ends it.
#[wasm_bindgen(js_name = sessionSetRunning)]
#[must_use]
pub fn set_running(is_running: bool) -> JsValue {
    turn(|session, _| {
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
#[must_use]
pub fn set_offline(is_offline: bool) -> JsValue {
    turn(|session, _| {
        session.set_offline(is_offline);
        Step::None.into()
    })
}

/// Returns the status at this instant of the local clock, as `tokenStatus` does.
#[wasm_bindgen(js_name = sessionStatus)]
#[must_use]
pub fn status() -> JsValue {
    let (Call { now, .. }, mut session) = read();
    let status = session.status(now);
    let (skew_ms, is_refused) = (session.clock_skew_ms(), session.is_refused());
    match status {
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
