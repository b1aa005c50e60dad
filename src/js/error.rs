//! A [`Failure`] on its way out: the one error class, which lives in JavaScript.

use wasm_bindgen::prelude::*;

use super::convert::{Plain, to_js};
use crate::error::{Failure, InvalidReason};

#[wasm_bindgen(module = "/src/js/error.js")]
extern "C" {
    type TransakTokenError;

    #[wasm_bindgen(constructor)]
    fn new(message: &str, fields: JsValue) -> TransakTokenError;
}

/// Returns the `TransakTokenError` that a failure is to JavaScript.
pub(super) fn error(failure: &Failure) -> JsValue {
    let beneath = failure
        .cause
        .as_ref()
        .map(|cause| [("name", Plain::text(cause.name.as_deref())), ("code", Plain::text(cause.code.as_deref()))]);
    let fields = [
        ("code", Plain::Text(failure.code.as_str())),
        ("action", Plain::Text(failure.action().as_str())),
        ("reason", Plain::text(failure.reason.map(InvalidReason::as_str))),
        ("status", failure.status.map_or(Plain::Absent, |status| Plain::Number(status.into()))),
        ("errorCode", Plain::text(failure.error_code.as_deref())),
        ("traceId", Plain::text(failure.trace_id.as_deref())),
        ("retryAfterMs", failure.retry_after_ms.map_or(Plain::Absent, Plain::Number)),
        ("attempts", Plain::Number(failure.attempts.into())),
        ("outcomeUnknown", Plain::Flag(failure.outcome_unknown)),
        ("cause", beneath.as_ref().map_or(Plain::Absent, |beneath| Plain::Object(beneath))),
    ];
    TransakTokenError::new(&failure.message(), to_js(&Plain::Object(&fields))).into()
}
