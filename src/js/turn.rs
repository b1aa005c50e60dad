//! What a session's driver does next, and what it needs to know: one object for each call into the wasm.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::error::error;
use crate::error::{Code, Failure, InvalidReason};
use crate::session::{self, Event, Found, Now, Rejection, Session, Ticket};

/// What a driver does next.
#[wasm_bindgen]
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Nothing.
    None = "none",
    /// Use the token.
    Use = "use",
    /// Wait for the refresh in flight, then ask again.
    Wait = "wait",
    /// Begin the refresh with this ticket, then as for `wait`.
    Refresh = "refresh",
    /// Reject with the error, or with that of the last refresh if there is none.
    Reject = "reject",
    /// Send the token of this ticket.
    Send = "send",
    /// Store the token.
    Store = "store",
    /// Go on with the token that was found in the store, or with the new one.
    Adopt = "adopt",
    /// Forget the token.
    Forget = "forget",
    /// Delete what is in the store.
    Delete = "delete",
}

#[wasm_bindgen(module = "/src/js/turn.js")]
extern "C" {
    fn turn(
        step: Step,
        ticket: u32,
        generation: u32,
        wake_in_ms: Option<f64>,
        skew_ms: Option<f64>,
        ttl_ms: f64,
        is_stored: bool,
        events: JsValue,
        error: JsValue,
    ) -> JsValue;
}

/// What a call leads to, on its way out.
pub(super) struct Turn {
    pub(super) step: Step,
    pub(super) ticket: Ticket,
    pub(super) error: JsValue,
}

impl From<Step> for Turn {
    fn from(step: Step) -> Self {
        Self { step, ticket: Ticket(0), error: JsValue::UNDEFINED }
    }
}

impl From<session::Step> for Turn {
    fn from(step: session::Step) -> Self {
        match step {
            session::Step::Use => Step::Use.into(),
            session::Step::Wait => Step::Wait.into(),
            session::Step::Refresh(ticket) => Self { ticket, ..Step::Refresh.into() },
            session::Step::Reject(why) => Self { error: rejection(why), ..Step::Reject.into() },
        }
    }
}

impl From<Found> for Turn {
    fn from(found: Found) -> Self {
        match found {
            Found::Keep => Step::None,
            Found::Write => Step::Store,
            Found::Adopted => Step::Adopt,
            Found::Cleared => Step::Forget,
            Found::Delete => Step::Delete,
        }
        .into()
    }
}

/// Returns the error of a call that fails; undefined for that of the last refresh, which JavaScript has.
fn rejection(why: Rejection) -> JsValue {
    match why {
        Rejection::LastFailure(_) => JsValue::UNDEFINED,
        Rejection::Expired => error(&Failure::new(Code::TokenExpired)),
        Rejection::Cleared => {
            let mut failure = Failure::invalid(InvalidReason::NotAString);
            failure.detail = "the session was cleared";
            error(&failure)
        }
    }
}

/// Does something to the session that these numbers are.
pub(super) fn with(state: &mut [f64], now: Now, work: impl FnOnce(&mut Session) -> Turn) -> JsValue {
    let mut session = Session::from_numbers(state);
    let turn = work(&mut session);
    conclude(state, &mut session, turn, now)
}

/// Writes the numbers that the session is now, and returns its turn. One function for all calls, for its size.
#[inline(never)]
fn conclude(state: &mut [f64], session: &mut Session, Turn { step, ticket, error }: Turn, now: Now) -> JsValue {
    let events = session.take_events();
    let (wake_in_ms, ttl_ms) = (session.wait_ms(now), session.ttl_ms(now));
    for (number, new) in state.iter_mut().zip(session.to_numbers()) {
        *number = new;
    }
    let names = || events.iter().map(|event| JsValue::from_str(name(*event))).collect::<Array>().into();
    turn(
        step,
        ticket.0,
        session.generation(),
        wake_in_ms,
        session.clock_skew_ms(),
        ttl_ms,
        session.is_stored(),
        if events.is_empty() { JsValue::UNDEFINED } else { names() },
        error,
    )
}

fn name(event: Event) -> &'static str {
    match event {
        Event::Refreshed => "refreshed",
        Event::RefreshFailed => "refreshfailed",
        Event::Expired => "expired",
        Event::Replaced => "replaced",
        Event::Cleared => "cleared",
    }
}
