//! A caller's `AbortSignal`, which may be a polyfill's or another realm's.

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;

use super::latch::Latch;
use crate::error::Failure;

#[wasm_bindgen]
extern "C" {
    type Target;

    #[wasm_bindgen(method, structural, catch, js_name = addEventListener)]
    fn add(this: &Target, name: &str, listener: &Function) -> Result<(), JsValue>;

    #[wasm_bindgen(method, structural, catch, js_name = removeEventListener)]
    fn remove(this: &Target, name: &str, listener: &Function) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = DOMException)]
    type DomException;

    #[wasm_bindgen(constructor, catch, js_class = "DOMException")]
    fn new(message: &str, name: &str) -> Result<DomException, JsValue>;
}

/// A signal that says when to stop waiting.
pub(super) struct Signal(JsValue);

impl Signal {
    /// Takes what looks like a signal.
    pub(super) fn new(value: JsValue) -> Result<Self, Failure> {
        let looks_right = get(&value, "aborted").is_some_and(|aborted| aborted.as_bool().is_some())
            && get(&value, "addEventListener").is_some_and(|add| add.is_function());
        if looks_right { Ok(Self(value)) } else { Err(Failure::option("signal must be an AbortSignal")) }
    }

    /// Returns the reason where it has aborted, as `fetch` would reject with.
    pub(super) fn aborted(&self) -> Option<JsValue> {
        get(&self.0, "aborted").filter(JsValue::is_truthy)?;
        let reason = get(&self.0, "reason").filter(|reason| !reason.is_undefined());
        Some(reason.unwrap_or_else(|| {
            // Before it had a reason, `fetch` made one.
            let made = DomException::new("The operation was aborted.", "AbortError");
            made.map_or_else(|_| js_sys::Error::new("The operation was aborted.").into(), Into::into)
        }))
    }

    /// Returns a latch that opens when it aborts.
    pub(super) fn listen(&self) -> Listener<'_> {
        let latch = Latch::new();
        let _: Result<(), JsValue> = self.target().add("abort", latch.opener());
        Listener { signal: self, latch }
    }

    fn target(&self) -> &Target {
        self.0.unchecked_ref()
    }
}

/// A listener that goes when it is dropped: a signal may live as long as its page.
pub(super) struct Listener<'a> {
    signal: &'a Signal,
    latch: Latch,
}

impl Listener<'_> {
    pub(super) async fn aborted(&self) {
        self.latch.opened().await;
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let _: Result<(), JsValue> = self.signal.target().remove("abort", self.latch.opener());
    }
}

fn get(value: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(value, &name.into()).ok()
}
