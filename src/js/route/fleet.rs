//! A job over many tokens, for JavaScript: [`Fleet`](crate::route::fleet::Fleet) with plain numbers.

use core::cell::RefCell;

use wasm_bindgen::prelude::*;

use crate::error::{Code, Failure};
use crate::js::convert::Plain;
use crate::js::error::error;
use crate::js::options::{Bag, RefreshOptions};
use crate::js::value::iterates;
use crate::option::Fits;
use crate::route::fleet::Failed;

/// A job over many tokens, and how many refreshes may be under way at once.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Fleet {
    inner: RefCell<crate::route::fleet::Fleet>,
    concurrency: f64,
}

#[wasm_bindgen]
impl Fleet {
    /// Reads the arguments of a job.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_OPTION`.
    #[wasm_bindgen(constructor)]
    pub fn new(entries: &JsValue, options: &JsValue) -> Result<Self, JsValue> {
        if !iterates(entries, "iterator") && !iterates(entries, "asyncIterator") {
            return Err(error(&Failure::option(("entries", " must be an iterable of pairs of a key and a token"))));
        }
        let read = RefreshOptions::read(options).and_then(|refresh| {
            let bag = Bag::new(options);
            bag.requires_server();
            bag.function("lock");
            bag.function("reload");
            let concurrency = bag.number("concurrency", Fits::Some).unwrap_or(4.0);
            let inner = RefCell::new(crate::route::fleet::Fleet::new(refresh.retries, refresh.total_timeout_ms));
            bag.checked(Self { inner, concurrency })
        });
        read.map_err(|failure| error(&failure))
    }

    /// How many refreshes may be under way at once.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn concurrency(&self) -> f64 {
        self.concurrency
    }

    /// Returns how long the next request has to wait, in milliseconds.
    #[wasm_bindgen(js_name = waitMs)]
    #[must_use]
    pub fn wait_ms(&self, now: f64) -> f64 {
        self.inner.borrow().wait_ms(now)
    }

    /// Takes note of a failure. Returns how long to wait before its token is tried again, or null, and whether nothing more is sent.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "an object for them would be read field by field")]
    pub fn failed(
        &self,
        now: f64,
        random: f64,
        began: f64,
        attempts: u32,
        code: &str,
        status: Option<u16>,
        retry_after_ms: Option<f64>,
    ) -> JsValue {
        let code = Code::ALL.iter().find(|known| known.as_str() == code).copied().unwrap_or(Code::Internal);
        let failed = Failed { code, status, retry_after_ms, attempts, began };
        let then = self.inner.borrow_mut().failed(&failed, random, now);
        let mut plain = Plain::new();
        plain.number("againInMs", then.again_in_ms);
        plain.flag("isOver", then.is_over);
        plain.end()
    }
}
