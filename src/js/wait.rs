//! Waiting: promises, timers and signals, which JavaScript has.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/wait.js")]
extern "C" {
    /// A promise, and the function that resolves it.
    #[wasm_bindgen(extends = Promise)]
    pub(super) type Latch;

    /// Returns a latch that opens after a while, or together with another.
    pub(super) fn timer(delay_ms: f64, early: &Latch) -> Promise;

    /// Returns the reason of a signal that has aborted; undefined if it has not.
    #[wasm_bindgen(js_name = abortReason)]
    pub(super) fn abort_reason(signal: &JsValue) -> JsValue;

    /// Settles as `promise` does. If there is a signal and it aborts earlier, rejects with the signal's reason.
    #[wasm_bindgen(js_name = unlessAborted)]
    pub(super) fn unless_aborted(promise: &Promise, signal: &JsValue) -> Promise;
}
