//! The form of a session's calls. JavaScript writes the session's numbers into a buffer and reads them back, and each call returns a
//! [`Turn`].

use core::cell::Cell;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::error::error;
use crate::error::{Code, Failure, InvalidReason};
use crate::session::numbers::COUNT;
use crate::session::{self, Event, Found, Now, Rejection, Session, Ticket};
use crate::status::{Lifetime, TokenStatus};

/// The count of numbers before the session's own: the two clocks, and a random number.
const CALL: usize = 3;

thread_local! {
    static NUMBERS: [Cell<f64>; CALL + COUNT] = const { [const { Cell::new(0.0) }; CALL + COUNT] };
}

/// Returns where the numbers of a call are: `wall`, `monotonic`, `random`, and then the session's.
#[wasm_bindgen(js_name = sessionNumbers)]
#[must_use]
pub fn numbers() -> *const f64 {
    NUMBERS.with(|numbers| numbers.as_ptr().cast())
}

/// Returns how many numbers represent a session.
#[wasm_bindgen(js_name = sessionNumberCount)]
#[must_use]
pub fn number_count() -> usize {
    COUNT
}

/// The instant of a call, and its random number.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) now: Now,
    pub(super) random: f64,
}

/// Reads a call and its session.
#[inline(never)]
pub(super) fn read() -> (Call, Session) {
    NUMBERS.with(|[wall, monotonic, random, session @ ..]| {
        let now = Now { wall: wall.get(), monotonic: monotonic.get() };
        (Call { now, random: random.get() }, Session::read(session))
    })
}

/// Writes the session.
pub(super) fn write(session: Session) {
    NUMBERS.with(|[_, _, _, numbers @ ..]| session.write(numbers));
}

/// What a driver does next.
#[wasm_bindgen]
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Nothing.
    None = "none",
    /// Use the token.
    Use = "use",
    /// Wait for the refresh in flight, then call again.
    Wait = "wait",
    /// Look at the store, then call again.
    Look = "look",
    /// Begin the refresh with this ticket, then do as for `wait`.
    Refresh = "refresh",
    /// Reject with the error of the turn. If the turn has none, reject with the error of the last refresh.
    Reject = "reject",
    /// Send the token of this ticket.
    Send = "send",
    /// Go on without the lock.
    Continue = "continue",
    /// Store the token.
    Store = "store",
    /// Take the lock, look again, and store the token if that is still necessary.
    Lock = "lock",
    /// Go on with the token that was found in the store, or with the new one.
    Adopt = "adopt",
    /// Forget the token.
    Forget = "forget",
    /// Delete what is in the store.
    Delete = "delete",
}

#[wasm_bindgen(module = "/src/js/turn.js")]
extern "C" {
    #[wasm_bindgen(js_name = turn)]
    fn turn_object(
        step: Step,
        ticket: u32,
        error: JsValue,
        events: JsValue,
        generation: u32,
        wake_in_ms: Option<f64>,
        ttl_ms: f64,
        is_stored: bool,
        issued_at: Option<f64>,
        refresh_at: Option<f64>,
        expires_at: Option<f64>,
    ) -> JsValue;
}

/// The result of a call, for JavaScript.
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
            session::Step::Look => Step::Look.into(),
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
            Found::Lock => Step::Lock,
            Found::Adopted => Step::Adopt,
            Found::Cleared => Step::Forget,
            Found::Delete => Step::Delete,
        }
        .into()
    }
}

/// Returns the error of a call that fails. Undefined stands for the error of the last refresh, which JavaScript has.
fn rejection(why: Rejection) -> JsValue {
    match why {
        Rejection::LastFailure(_) => JsValue::UNDEFINED,
        Rejection::Expired => error(&Failure::new(Code::TokenExpired)),
        Rejection::Cleared => {
            let mut failure = Failure::invalid(InvalidReason::NotAString);
            failure.detail = "the session is empty";
            error(&failure)
        }
    }
}

/// Calls `work` with the session whose numbers are in the buffer, and returns the turn.
pub(super) fn turn(work: impl FnOnce(&mut Session, Call) -> Turn) -> JsValue {
    let (call, mut session) = read();
    let turn = work(&mut session, call);
    conclude(session, turn, call.now)
}

/// One function for all calls, for its size.
#[inline(never)]
fn conclude(mut session: Session, Turn { step, ticket, error }: Turn, now: Now) -> JsValue {
    let events = session.take_events();
    let (wake_in_ms, ttl_ms) = (session.wait_ms(now), session.ttl_ms(now));
    let names = || events.iter().map(|event| JsValue::from_str(name(*event))).collect::<Array>().into();
    let life = match session.status(now) {
        TokenStatus::Valid(life) => Some(life),
        TokenStatus::Invalid(_) => None,
    };
    let (generation, is_stored) = (session.generation(), session.is_stored());
    write(session);
    let time = |of: fn(&Lifetime) -> f64| life.as_ref().map(of);
    turn_object(
        step,
        ticket.0,
        error,
        if events.is_empty() { JsValue::UNDEFINED } else { names() },
        generation,
        wake_in_ms,
        ttl_ms,
        is_stored,
        life.as_ref().and_then(|life| life.issued_at),
        time(|life| life.refresh_at),
        time(|life| life.expires_at),
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
