//! Waiting. There is one primitive: a promise, unless a latch opens first.
//!
//! A timer opens a latch, a signal's abort event, or Rust. Dropping it opens it too: a promise that stays
//! pending would keep what waits for it in memory for good.

use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::value::{apply, global, list};

/// A promise, the function that fulfils it, and what with: a sign that nothing else can come to.
pub(super) struct Latch {
    promise: Promise,
    open: JsValue,
    sign: JsValue,
}

impl Latch {
    pub(super) fn new() -> Self {
        let (mut open, sign) = (JsValue::UNDEFINED, JsValue::from(Object::new()));
        let promise = Promise::new(&mut |resolve: Function, _reject: Function| {
            open = resolve.bind1(&JsValue::UNDEFINED, &sign).into();
        });
        Self { promise, open, sign }
    }

    /// Opens it; again is as good as once.
    pub(super) fn open(&self) {
        open(&self.open);
    }

    /// Returns the function that opens it.
    pub(super) fn opener(&self) -> &JsValue {
        &self.open
    }

    /// Returns the promise that is fulfilled when it opens.
    pub(super) fn promise(&self) -> &JsValue {
        &self.promise
    }
}

/// Calls the function that opens a latch.
pub(super) fn open(opener: &JsValue) {
    let _: Result<JsValue, JsValue> = apply(opener, &JsValue::UNDEFINED, &[]);
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.open();
    }
}

/// What waiting comes to.
pub(super) enum Waited {
    /// The promise was fulfilled, or the value was none.
    Value(JsValue),
    /// The promise was rejected.
    Thrown(JsValue),
    /// The latch opened first.
    Cut,
}

impl Latch {
    /// Waits for whatever a value is, promise, thenable or neither, unless the latch opens first. What it comes
    /// to, [`Latch::waited`] tells. (Two steps, since a future of its own would cost more than all it does.)
    pub(super) fn race(&self, value: JsValue) -> JsFuture {
        // Taken rather than borrowed: what waits holds no more than it must.
        let race = Promise::race(&list(&[&value, &self.promise]));
        drop(value);
        JsFuture::from(race)
    }

    /// Tells what a race has come to.
    pub(super) fn waited(&self, result: Result<JsValue, JsValue>) -> Waited {
        match result {
            Ok(value) if Object::is(&value, &self.sign) => Waited::Cut,
            Ok(value) => Waited::Value(value),
            Err(thrown) => Waited::Thrown(thrown),
        }
    }

    /// Waits until it opens.
    pub(super) fn opened(&self) -> JsFuture {
        JsFuture::from(self.promise.clone())
    }
}

/// The longest delay that `setTimeout` takes: a longer one fires at once.
const MAX_DELAY_MS: f64 = 2_147_483_647.0;

/// A latch that a timer opens; the timer goes when it is dropped.
pub(super) struct Timer {
    latch: Latch,
    id: JsValue,
}

impl Timer {
    /// Starts a timer. Where the runtime has none it is over at once: better early than never.
    pub(super) fn start(delay_ms: f64) -> Self {
        let latch = Latch::new();
        let delay = JsValue::from_f64(delay_ms.clamp(0.0, MAX_DELAY_MS));
        let id = apply(&global("setTimeout"), &JsValue::UNDEFINED, &[latch.opener(), &delay]);
        if id.is_err() {
            latch.open();
        }
        Self { latch, id: id.unwrap_or_default() }
    }

    pub(super) fn latch(&self) -> &Latch {
        &self.latch
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let _: Result<JsValue, JsValue> = apply(&global("clearTimeout"), &JsValue::UNDEFINED, &[&self.id]);
    }
}
