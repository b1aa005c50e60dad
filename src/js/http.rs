//! One HTTP exchange through the Fetch API, as data: what was answered, or why nothing was.
//!
//! The types are gloo-net's. Its `send` is not used: it panics on what it does not expect (a rejection that is
//! no `Error` of this realm, a `fetch` that throws). `http.js` calls `fetch` with every step caught.

use gloo_net::http::Response;
use js_sys::{Date, Uint8Array};
use wasm_bindgen::prelude::*;

use super::value::{field, text};
use crate::error::{Cause, Code, Result};
use crate::refresh::{Answer, Body, NewToken, OldToken, judge, no_answer};

/// Judges what `exchange` of `http.js` has come to.
pub(super) fn outcome(exchanged: &JsValue, old: &OldToken, tolerance_ms: f64) -> Result<NewToken> {
    if exchanged.is_null() {
        return Err(no_answer(Code::Timeout, None, old));
    }
    if exchanged.is_undefined() {
        return Err(no_answer(Code::BadResponse, None, old));
    }
    let cause = field(exchanged, "cause");
    if cause.is_object() {
        let cause = Cause { name: text(&cause, "name"), code: text(&cause, "code") };
        return Err(no_answer(Code::Network, Some(cause), old));
    }
    let answer = answer(exchanged);
    answer.map_or_else(
        || Err(no_answer(Code::Timeout, None, old)),
        |answer| judge(&answer, old, tolerance_ms, Date::now()),
    )
}

/// Reads what matters of a `Response`; none where its body took too long.
fn answer(exchanged: &JsValue) -> Option<Answer> {
    let response = Response::from(exchanged.clone().unchecked_into::<web_sys::Response>());
    let status = response.status();
    let body = field(exchanged, "body");
    // A refusal is one whatever its body does.
    if body.is_null() && status == 200 {
        return None;
    }
    let retry_after = text(exchanged, "retryAfter");
    Some(Answer {
        status,
        redirected: response.redirected(),
        retry_after_date: retry_after.as_deref().map(Date::parse),
        retry_after,
        trace_id: text(exchanged, "traceId"),
        body: match body.as_bool() {
            Some(true) => Body::TooLong,
            None if body.is_object() => Body::Whole(body.unchecked_into::<Uint8Array>().to_vec()),
            _ => body.as_string().map_or(Body::Broken, |text| Body::Whole(text.into_bytes())),
        },
    })
}
