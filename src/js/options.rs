//! What JavaScript passes in: read once, on entry, and checked.

use core::cell::Cell;

use gloo_net::http::Headers;
use js_sys::{JsString, global};
use wasm_bindgen::prelude::*;

use super::value::{absolute, field, is_signal, read_headers};
use crate::error::InvalidReason;
use crate::option::Fits;
use crate::refresh::Target;
use crate::status::StatusOptions;
use crate::token::MAX_UNITS;

/// An option and what is wrong with it: together a sentence.
pub(super) type Wrong = (&'static str, &'static str);

/// How a refresh is made.
pub(super) struct RefreshOptions {
    pub(super) status: StatusOptions,
    pub(super) target: Target,
    pub(super) headers: web_sys::Headers,
    /// The headers as one text, for comparing.
    pub(super) headers_text: String,
    pub(super) timeout_ms: f64,
    pub(super) total_timeout_ms: f64,
    pub(super) retries: f64,
    /// The caller's, or undefined.
    pub(super) signal: JsValue,
    /// The caller's own, or the one that the page has now: it may have been replaced.
    pub(super) fetch: JsValue,
}

impl RefreshOptions {
    /// Reads an options bag.
    pub(super) fn read(options: &JsValue) -> Result<Self, Wrong> {
        let bag = Bag::new(options);
        let fetch = bag.fetch();
        let (status, target) = (bag.status_options(), bag.target());
        let timeout_ms = bag.number("timeoutMs", Fits::Positive).unwrap_or(10_000.0);
        let total_timeout_ms = bag.number("totalTimeoutMs", Fits::Positive).unwrap_or(30_000.0);
        let retries = bag.number("retries", Fits::Count).unwrap_or(2.0);
        let (headers, headers_text) = bag.headers();
        let signal = bag.signal();
        let read = Self { status, target, headers, headers_text, timeout_ms, total_timeout_ms, retries, signal, fetch };
        bag.checked(read)
    }
}

/// An options bag: an object, or nothing. It keeps the first thing that is wrong with it, and goes on with the
/// default: one check at the end is much less code than one for each option.
pub(super) struct Bag<'a> {
    options: &'a JsValue,
    wrong: Cell<Option<Wrong>>,
}

impl<'a> Bag<'a> {
    pub(super) fn new(options: &'a JsValue) -> Self {
        let is_bag = options.is_undefined() || options.is_object();
        Self { options, wrong: Cell::new((!is_bag).then_some(("options", " must be an object"))) }
    }

    /// Returns what was read, or what was wrong with it.
    pub(super) fn checked<T>(&self, read: T) -> Result<T, Wrong> {
        self.wrong.get().map_or(Ok(read), Err)
    }

    #[inline(never)]
    pub(super) fn wrong(&self, name: &'static str, wrong: &'static str) {
        self.wrong.set(self.wrong.get().or(Some((name, wrong))));
    }

    /// Reads an option; undefined is as good as absent. One that cannot be read is null, which no option may be.
    pub(super) fn get(&self, name: &'static str) -> JsValue {
        field(self.options, name)
    }

    /// Reads a number.
    #[inline(never)]
    pub(super) fn number(&self, name: &'static str, fits: Fits) -> Option<f64> {
        let value = self.get(name);
        if value.is_undefined() {
            return None;
        }
        let number = value.as_f64().unwrap_or(f64::NAN);
        if !fits.admits(number) {
            self.wrong(name, fits.wrong());
        }
        Some(number)
    }

    /// Reads a switch, off by default.
    pub(super) fn flag(&self, name: &'static str) -> bool {
        let value = self.get(name);
        if !value.is_undefined() && value.as_bool().is_none() {
            self.wrong(name, " must be true or false");
        }
        value.is_truthy()
    }

    /// Checks an optional function.
    #[cfg(feature = "route")]
    pub(super) fn function(&self, name: &'static str) {
        let value = self.get(name);
        if !value.is_undefined() && !value.is_function() {
            self.wrong(name, " must be a function");
        }
    }

    /// Checks that it is said whom to ask: production tokens must not go to staging by default.
    #[cfg(feature = "route")]
    pub(super) fn requires_server(&self) {
        if self.get("environment").is_undefined() && self.get("baseUrl").is_undefined() {
            self.wrong("environment", " or baseUrl is required");
        }
    }

    pub(super) fn status_options(&self) -> StatusOptions {
        StatusOptions {
            refresh_window_ms: self.number("refreshWindowMs", Fits::NotNegative),
            clock_tolerance_ms: self.number("clockToleranceMs", Fits::NotNegative).unwrap_or(0.0),
        }
    }

    fn signal(&self) -> JsValue {
        let signal = self.get("signal");
        if !signal.is_undefined() && !is_signal(&signal) {
            self.wrong("signal", " must be an AbortSignal");
        }
        signal
    }

    pub(super) fn fetch(&self) -> JsValue {
        let own = self.get("fetch");
        let fetch = if own.is_undefined() { field(&global(), "fetch") } else { own };
        if !fetch.is_function() {
            self.wrong("fetch", " must be a function, and there is none here without");
        }
        fetch
    }

    pub(super) fn target(&self) -> Target {
        let environment = self.get("environment");
        let name = environment.as_string();
        let mut target = Target::environment(name.as_deref());
        if target.is_none() || name.is_none() && !environment.is_undefined() {
            self.wrong("environment", " must be 'staging' or 'production'");
        }
        let allow_http = self.flag("allowHttp");
        let base_url = self.get("baseUrl");
        if !base_url.is_undefined() {
            match Target::own(&absolute(&base_url).as_string().unwrap_or_default(), allow_http) {
                Ok(own) => target = Some(own),
                Err(wrong) => self.wrong("baseUrl", wrong),
            }
        }
        target.unwrap_or_default()
    }

    /// Reads the headers. The platform's own `Headers` judges names and values, and puts them in order.
    fn headers(&self) -> (web_sys::Headers, String) {
        let read = read_headers(&self.get("headers"));
        let (raw, text) = (field(&read, "0"), field(&read, "1").as_string());
        let Some(text) = text else {
            self.wrong("headers", " must be what a Headers object takes");
            return (raw.unchecked_into(), String::new());
        };
        let headers = Headers::from_raw(raw.unchecked_into());
        if headers.has("authorization") {
            self.wrong("headers", " must not replace authorization");
        }
        (headers.into_raw(), text)
    }
}

/// Returns the text of a token. What is too long, once trimmed, is not even copied.
pub(super) fn token_text(token: &JsValue) -> Result<String, InvalidReason> {
    let token: &JsString = token.dyn_ref().ok_or(InvalidReason::NotAString)?;
    let is_space = |index: u32| matches!(token.char_code_at(index), 9.0 | 10.0 | 12.0 | 13.0 | 32.0);
    let (mut start, mut end) = (0, token.length());
    if end > MAX_UNITS.into() {
        while start < end && is_space(start) {
            start += 1;
        }
        while start < end && is_space(end - 1) {
            end -= 1;
        }
        if end - start > MAX_UNITS.into() {
            return Err(InvalidReason::TooLong);
        }
    }
    Ok(String::from(token.slice(start, end)))
}
