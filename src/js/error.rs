//! A [`Failure`] for JavaScript: an instance of the one error class, which `error.js` defines.

use wasm_bindgen::prelude::*;

use super::convert::Plain;
use super::value::put;
use crate::error::{Cause, Failure, InvalidReason};

#[wasm_bindgen(module = "/src/js/error.js")]
extern "C" {
    /// The one error class. A plain `wasm-pack build` exports it as it is.
    #[wasm_bindgen(reexport)]
    pub type TransakTokenError;

    #[wasm_bindgen(constructor)]
    fn new(message: &str, fields: JsValue) -> TransakTokenError;
}

/// Returns a failure as a `TransakTokenError`.
pub(super) fn error(failure: &Failure) -> JsValue {
    error_with(failure, &failure.message_with(failure.detail))
}

/// Returns a failure as a `TransakTokenError` with another message.
pub(super) fn error_with(failure: &Failure, message: &str) -> JsValue {
    let mut fields = Plain::new();
    fields.text("code", Some(failure.code.as_str()));
    fields.text("action", Some(failure.action().as_str()));
    fields.text("reason", failure.reason.map(InvalidReason::as_str));
    fields.text("errorCode", failure.error_code.as_deref());
    fields.text("traceId", failure.trace_id.as_deref());
    if failure.status.is_some() {
        fields.number("status", failure.status.map(f64::from));
    }
    if failure.retry_after_ms.is_some() {
        fields.number("retryAfterMs", failure.retry_after_ms);
    }
    fields.number("attempts", Some(failure.attempts.into()));
    fields.flag("outcomeUnknown", failure.outcome_unknown);
    let fields = fields.end();
    // `cause` is set even if it is undefined. Otherwise the fields could inherit one from `Object.prototype`.
    put(&fields, "cause", &JsValue::UNDEFINED);
    if let Some(beneath) = &failure.cause {
        let mut cause = Plain::new();
        match beneath {
            Cause::Foreign(name, code) => {
                cause.text("name", name.as_deref());
                cause.text("code", code.as_deref());
            }
            Cause::Failure(code) => {
                cause.text("name", Some("TransakTokenError"));
                cause.text("code", Some(code.as_str()));
            }
        }
        put(&fields, "cause", &cause.end());
    }
    TransakTokenError::new(message, fields).into()
}
