//! One HTTP exchange through the Fetch API, as data: the answer, or why there is none.
//!
//! The types are gloo-net's. Its `send` is not used: it panics on what it does not expect (a rejection that is
//! no `Error` of this realm, a `fetch` that throws). `http.js` calls `fetch` with every step caught.

use gloo_net::http::Response;
use js_sys::{Date, Uint8Array};
use wasm_bindgen::prelude::*;

use super::value::{field, text};
use crate::error::{Code, Result};
use crate::refresh::{Answer, Body, NewToken, OldToken, Thrown, interpret_response, no_answer};

#[wasm_bindgen]
extern "C" {
    /// The result of `exchange` of `http.js`: the fields of a `Response`, and these.
    type Exchanged;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Exchanged) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = retryAfter)]
    fn retry_after(this: &Exchanged) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = traceId)]
    fn trace_id(this: &Exchanged) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn mitigated(this: &Exchanged) -> JsValue;
}

/// Returns the new token of an exchange, or why there is none.
pub(super) fn interpret(exchanged: &JsValue, old: &OldToken, tolerance_ms: f64) -> Result<NewToken> {
    if exchanged.is_null() {
        return Err(no_answer(Code::Timeout, None, old));
    }
    if exchanged.is_undefined() {
        return Err(no_answer(Code::BadResponse, None, old));
    }
    let cause = field(exchanged, "cause");
    if cause.is_object() {
        return Err(no_answer(Code::Network, Some(&thrown(&cause)), old));
    }
    let answer = answer(exchanged.unchecked_ref());
    answer.map_or_else(
        || Err(no_answer(Code::Timeout, None, old)),
        |answer| interpret_response(answer, old, tolerance_ms, Date::now()),
    )
}

/// Tells whether an exchange got a 200 with its whole body. Then no other attempt follows, whatever the body says.
#[cfg(feature = "refresh")]
pub(super) fn is_whole(exchanged: &JsValue) -> bool {
    let body = || field(exchanged, "body");
    field(exchanged, "status").as_f64() == Some(200.0) && (body().is_object() || body().is_string())
}

/// Reads the parts of a `Response` that matter. None if its body took too long.
fn answer(exchanged: &Exchanged) -> Option<Answer> {
    let response = Response::from(JsValue::from(exchanged).unchecked_into::<web_sys::Response>());
    let status = response.status();
    let body = exchanged.body();
    // A refusal stays a refusal, even if its body takes too long.
    if body.is_null() && status == 200 {
        return None;
    }
    let body = match body.as_bool() {
        Some(true) => Body::TooLong,
        None if body.is_object() => Body::Whole(without_mark(body.unchecked_into::<Uint8Array>().to_vec())),
        _ => body.as_string().map_or(Body::Broken, |text| Body::Whole(without_mark(text.into_bytes()))),
    };
    let (retry_after, trace_id) = (exchanged.retry_after().as_string(), exchanged.trace_id().as_string());
    let (mitigated, broken_by) = (exchanged.mitigated().as_string(), field(exchanged, "brokenBy"));
    let broken_by = broken_by.is_object().then(|| thrown(&broken_by));
    let retry_after_date = retry_after.as_deref().map(Date::parse);
    let redirected = response.redirected();
    Some(Answer { status, redirected, retry_after, retry_after_date, trace_id, mitigated, body, broken_by })
}

/// Reads the name and the code of a thrown error, as `http.js` returns them.
fn thrown(cause: &JsValue) -> Thrown {
    [text(cause, "name"), text(cause, "code")]
}

/// Returns a body without a byte order mark before it, as `response.json()` reads it.
fn without_mark(mut body: Vec<u8>) -> Vec<u8> {
    if body.starts_with("\u{feff}".as_bytes()) {
        body.drain(..3);
    }
    body
}
