//! A caller's `AbortSignal`, which may be a polyfill's or another realm's.

use wasm_bindgen::JsValue;

use super::latch::Latch;
use super::value::{construct, field, invoke};

/// A signal that says when to stop waiting.
pub(super) struct Signal(JsValue);

impl Signal {
    /// Takes what looks like a signal; none for what does not.
    pub(super) fn new(value: JsValue) -> Option<Self> {
        let is_signal = field(&value, "aborted").is_ok_and(|aborted| aborted.as_bool().is_some())
            && field(&value, "addEventListener").is_ok_and(|method| method.is_function());
        is_signal.then_some(Self(value))
    }

    /// Returns the reason where it has aborted, as `fetch` would reject with.
    fn aborted(&self) -> Option<JsValue> {
        field(&self.0, "aborted").ok().filter(JsValue::is_truthy)?;
        let reason = field(&self.0, "reason").ok().filter(|reason| !reason.is_undefined());
        Some(reason.unwrap_or_else(|| {
            // Before signals had a reason, `fetch` made one.
            let message = "The operation was aborted.".into();
            let made = construct("DOMException", &[&message, &"AbortError".into()]);
            made.or_else(|_| construct("Error", &[&message])).unwrap_or_default()
        }))
    }

    fn listener(&self, method: &str, latch: &Latch) {
        let _: Result<JsValue, JsValue> = invoke(&self.0, method, &[&"abort".into(), latch.opener()]);
    }
}

/// A latch that opens when the signal, if there is one, aborts. It listens from the moment it is made, and no
/// longer than it lives: a signal may live as long as its page.
pub(super) struct Abort {
    signal: Option<Signal>,
    latch: Latch,
}

impl Abort {
    pub(super) fn listen(signal: Option<Signal>) -> Self {
        let latch = Latch::new();
        if let Some(signal) = &signal {
            signal.listener("addEventListener", &latch);
        }
        Self { signal, latch }
    }

    /// Returns the reason where the signal has aborted.
    pub(super) fn reason(&self) -> Option<JsValue> {
        self.signal.as_ref().and_then(Signal::aborted)
    }

    pub(super) fn latch(&self) -> &Latch {
        &self.latch
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(signal) = &self.signal {
            signal.listener("removeEventListener", &self.latch);
        }
    }
}
