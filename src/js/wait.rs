//! Waiting: promises, timers and signals, which JavaScript has.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/wait.js")]
extern "C" {
    /// A promise, and the function that fulfils it.
    #[wasm_bindgen(extends = Promise)]
    pub(super) type Latch;

    #[wasm_bindgen(js_name = latch)]
    pub(super) fn new_latch() -> Latch;

    /// Opens it; again is as good as once.
    #[wasm_bindgen(method)]
    pub(super) fn open(this: &Latch);

    /// Returns a latch that opens after a while, or together with another.
    pub(super) fn timer(delay_ms: f64, early: &Latch) -> Promise;

    /// Returns the reason where a signal has aborted; undefined where it has not.
    #[wasm_bindgen(js_name = abortReason)]
    pub(super) fn abort_reason(signal: &JsValue) -> JsValue;

    /// Waits for a latch, and no longer than the signal, if there is one, lets it: then it is rejected with the
    /// signal's reason.
    #[wasm_bindgen(js_name = unlessAborted)]
    pub(super) fn unless_aborted(latch: &Latch, signal: &JsValue) -> Promise;
}

#[wasm_bindgen(module = "/src/js/http.js")]
extern "C" {
    /// Sends one request and reads its answer, for [`outcome`](super::http::outcome). It is never rejected.
    pub(super) fn exchange(
        fetch: &JsValue,
        url: &str,
        headers: &JsValue,
        max_body: usize,
        limit_ms: f64,
        deserted: &Latch,
    ) -> Promise;
}
