//! What came of a request, judged where JavaScript has laid it: see [`desk`](super::desk).

use wasm_bindgen::prelude::*;

use super::check::in_buffers;
use super::desk::{BUFFERS, Buffers, FAILURE, NONE, fail, say, split};
use crate::error::{Code, Failure};
use crate::refresh::{Answer, Body, OldToken, judge_in, no_answer};

/// Judges what came of a request for the token of that length, sent with headers that as a text have that length: the
/// status, `retry-after` and the date that this is, `trace-id`, and the length of the body. In place of a status there may be
/// that no answer came; then the texts are the name and the code of what was thrown. Returns the length of the new token,
/// which is the first word, and whose expiry is the first number for the route; 0 where there is none, and a failure.
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
    let judged = in_buffers(token, |token, old_payload| {
        BUFFERS.with_borrow_mut(|Buffers { texts, body: bytes, payload }| {
            let (retry_after, rest) = split(texts, retry_after);
            let (trace_id, rest) = split(rest, trace_id);
            let (sent_with, _) = split(rest, sent_with);
            let old = OldToken::read_in(token, sent_with.unwrap_or_default(), old_payload)?;
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
                let body = match body {
                    TOO_LONG => Body::TooLong,
                    length => usize::try_from(length)
                        .ok()
                        .and_then(|length| bytes.get_mut(..length))
                        .map_or(Body::Broken, Body::Whole),
                };
                let status = u16::try_from(status).unwrap_or_default();
                let retry_after_date = Some(retry_after_date);
                let mut answer = Answer { status, redirected, retry_after, retry_after_date, trace_id, body };
                match judge_in(&mut answer, &old, tolerance_ms, now, payload) {
                    Ok(new) => {
                        let token = new.token.bytes();
                        say(&[token]);
                        #[cfg(feature = "route")]
                        super::desk::tell(&[new.claims.expires_at]);
                        token.len()
                    }
                    Err(failure) => {
                        fail(failure);
                        0
                    }
                }
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
