//! A [`Failure`] on its way out: the one error class, which lives in JavaScript.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::convert::to_js;
use crate::error::Failure;

#[wasm_bindgen(module = "/src/js/error.js")]
extern "C" {
    type TransakTokenError;

    #[wasm_bindgen(constructor)]
    fn new(message: &str, fields: JsValue) -> TransakTokenError;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    code: &'static str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<f64>,
    attempts: u32,
    outcome_unknown: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseFields<'a>>,
}

#[derive(Serialize)]
struct CauseFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// Returns the `TransakTokenError` that a failure is to JavaScript.
pub(super) fn error(failure: &Failure) -> JsValue {
    let fields = Fields {
        code: failure.code.as_str(),
        action: failure.action().as_str(),
        reason: failure.reason.map(|reason| reason.as_str()),
        status: failure.status,
        error_code: failure.error_code.as_deref(),
        trace_id: failure.trace_id.as_deref(),
        retry_after_ms: failure.retry_after_ms,
        attempts: failure.attempts,
        outcome_unknown: failure.outcome_unknown,
        cause: failure
            .cause
            .as_ref()
            .map(|cause| CauseFields { name: cause.name.as_deref(), code: cause.code.as_deref() }),
    };
    TransakTokenError::new(&failure.message(), to_js(&fields)).into()
}
