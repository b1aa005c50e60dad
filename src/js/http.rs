//! One HTTP exchange through the Fetch API, as data: what was answered, or why nothing was.
//!
//! The types are gloo-net's. Its `send` is not used: it panics on what it does not expect (a rejection that is
//! no `Error` of this realm, a `fetch` that throws). `http.js` calls `fetch` with every step caught.

use gloo_net::http::Response;
use js_sys::{Date, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::value::{field, text};
use super::wait::Latch;
use crate::error::Cause;
use crate::refresh::{Answer, Body, MAX_BODY};

#[wasm_bindgen(module = "/src/js/http.js")]
extern "C" {
    #[wasm_bindgen(js_name = exchange)]
    fn send(fetch: &JsValue, url: &str, headers: &JsValue, max_body: usize, limit_ms: f64, deserted: &Latch)
    -> Promise;
}

/// What an exchange comes to.
pub(super) enum Exchange {
    Answered(Answer),
    /// `fetch` threw or its promise was rejected.
    Thrown(Cause),
    /// It gave something that is no `Response`.
    NoResponse,
    /// It took too long, or nobody waits for it any more.
    Cut,
}

/// Sends one request and reads its answer.
pub(super) async fn exchange(
    fetch: &JsValue,
    url: &str,
    headers: &JsValue,
    limit_ms: f64,
    deserted: &Latch,
) -> Exchange {
    // It is never rejected.
    let answer = JsFuture::from(send(fetch, url, headers, MAX_BODY, limit_ms, deserted)).await.unwrap_or_default();
    if answer.is_null() {
        return Exchange::Cut;
    }
    if answer.is_undefined() {
        return Exchange::NoResponse;
    }
    if let Some(cause) = Some(field(&answer, "cause")).filter(JsValue::is_object) {
        return Exchange::Thrown(Cause { name: text(&cause, "name"), code: text(&cause, "code") });
    }
    let response = Response::from(answer.clone().unchecked_into::<web_sys::Response>());
    let status = response.status();
    let body = field(&answer, "body");
    // A refusal is one whatever its body does.
    if body.is_null() && status == 200 {
        return Exchange::Cut;
    }
    let retry_after = text(&answer, "retryAfter");
    Exchange::Answered(Answer {
        status,
        redirected: response.redirected(),
        retry_after_date: retry_after.as_deref().map(Date::parse),
        retry_after,
        trace_id: text(&answer, "traceId"),
        body: match body.as_bool() {
            Some(true) => Body::TooLong,
            None if body.is_object() => Body::Whole(body.unchecked_into::<Uint8Array>().to_vec()),
            _ => body.as_string().map_or(Body::Broken, |text| Body::Whole(text.into_bytes())),
        },
    })
}
