//! The options of a session: those of a refresh, and some more.

use wasm_bindgen::prelude::*;

use super::convert::Plain;
use super::error::error;
use super::options::{Bag, RefreshOptions};
use super::value::field;
use crate::error::Result;
use crate::option::Fits;
use crate::session::MAX_SKEW_MS;

/// Takes the place of a missing location. A server that renders a page has no location, and its session sends nothing.
const ELSEWHERE: &str = "https://localhost/";

/// Checks the options of a session, and returns those that its driver needs, with their defaults.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`.
#[wasm_bindgen(js_name = sessionOptions)]
pub fn session_options(options: &JsValue) -> core::result::Result<JsValue, JsValue> {
    let read = RefreshOptions::read_for(options, Some(ELSEWHERE)).and_then(|refresh| {
        let bag = Bag::new(options);
        bag.requires_server();
        let has_storage = bag.storage();
        bag.key(has_storage);
        bag.function("lock");
        bag.flag("storageMayForget");
        let max_wait_ms = bag.number("maxWaitMs", Fits::NotNegative).unwrap_or(5_000.0);
        let mut plain = Plain::new();
        plain.number("refreshWindowMs", refresh.status.refresh_window_ms);
        plain.number("clockToleranceMs", Some(refresh.status.clock_tolerance_ms));
        plain.number("maxWaitMs", Some(max_wait_ms));
        plain.number("timeoutMs", Some(refresh.timeout_ms));
        bag.checked(plain.end())
    });
    read.map_err(|failure| error(&failure))
}

/// Reads the options of a session's refresh. The session decides itself when to try again. It also decides whether a token has
/// expired, after the answer has corrected the clock.
pub(super) fn refresh_options(options: &JsValue) -> Result<RefreshOptions> {
    let mut read = RefreshOptions::read(options)?;
    if field(options, "retries").is_undefined() {
        read.retries = 0.0;
    }
    read.status.clock_tolerance_ms += MAX_SKEW_MS;
    read.signal = JsValue::UNDEFINED;
    Ok(read)
}

impl Bag<'_> {
    fn key(&self, is_required: bool) {
        let key = self.get("key");
        if (is_required || !key.is_undefined()) && key.as_string().is_none_or(|key| key.is_empty()) {
            self.wrong("key", " must be a string, and not empty: a storage needs one");
        }
    }
}
