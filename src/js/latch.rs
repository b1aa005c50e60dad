//! The one primitive that everything asynchronous here is made of: a promise that something opens.
//!
//! A timer opens it, a signal's abort event, or Rust. Dropping it opens it too: a promise that stays pending
//! would keep what waits for it in memory for good.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout, catch)]
    fn set_timeout(callback: &Function, delay_ms: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = clearTimeout, catch)]
    fn clear_timeout(timer: &JsValue) -> Result<(), JsValue>;
}

/// A promise, and the function that fulfils it.
pub(super) struct Latch {
    promise: Promise,
    open: Function,
}

impl Latch {
    pub(super) fn new() -> Self {
        let mut open = Function::default();
        let promise = Promise::new(&mut |resolve, _reject| open = resolve);
        Self { promise, open }
    }

    /// Opens it; again is as good as once.
    pub(super) fn open(&self) {
        let _: Result<JsValue, JsValue> = self.open.call0(&JsValue::UNDEFINED);
    }

    /// Returns the function that opens it, for JavaScript to call.
    pub(super) fn opener(&self) -> &Function {
        &self.open
    }

    pub(super) fn promise(&self) -> &Promise {
        &self.promise
    }

    /// Waits until it is open.
    pub(super) async fn opened(&self) {
        // It is never rejected.
        let _: Result<JsValue, JsValue> = JsFuture::from(self.promise.clone()).await;
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.open();
    }
}

/// The longest delay that `setTimeout` takes: a longer one fires at once.
const MAX_DELAY_MS: f64 = 2_147_483_647.0;

/// Waits on a timer, and takes the timer away when it is dropped.
pub(super) struct Timer {
    latch: Latch,
    timer: JsValue,
}

impl Timer {
    /// Starts a timer. Where the runtime has none it is over at once: better early than never.
    pub(super) fn start(delay_ms: f64) -> Self {
        let latch = Latch::new();
        let timer = set_timeout(latch.opener(), delay_ms.clamp(0.0, MAX_DELAY_MS));
        if timer.is_err() {
            latch.open();
        }
        Self { latch, timer: timer.unwrap_or_default() }
    }

    pub(super) async fn over(&self) {
        self.latch.opened().await;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let _: Result<(), JsValue> = clear_timeout(&self.timer);
    }
}

/// Returns what `work` comes to, or none where `end` comes first; the work is dropped then.
pub(super) async fn unless<T>(end: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}
