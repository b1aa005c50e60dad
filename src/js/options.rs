//! The arguments from JavaScript. They are read once, on entry, and checked.

use core::cell::RefCell;

use gloo_net::http::Headers;
use js_sys::JsString;
use wasm_bindgen::prelude::*;

use super::value::{
    absolute, field, is_given, is_signal, platform_fetch, platform_headers, read_headers, unknown_name,
};
use crate::error::{Failure, InvalidReason, Result};
use crate::option::Fits;
use crate::refresh::Target;
use crate::status::StatusOptions;
use crate::token::MAX_UNITS;

/// The options of a refresh.
pub(super) struct RefreshOptions {
    pub(super) status: StatusOptions,
    pub(super) target: Target,
    /// Whether the user's cookies are sent: a credentials mode of the Fetch standard.
    pub(super) credentials: &'static str,
    pub(super) headers: web_sys::Headers,
    /// The headers as one text, to compare them.
    pub(super) headers_text: String,
    pub(super) timeout_ms: f64,
    pub(super) total_timeout_ms: f64,
    pub(super) retries: f64,
    /// The caller's signal, or undefined.
    pub(super) signal: JsValue,
    /// The caller's `fetch`, or the global one at the time of the call.
    pub(super) fetch: JsValue,
}

/// How long one attempt may take by default.
const TIMEOUT_MS: f64 = 10_000.0;

/// How long all attempts and the waits between them may take by default.
const TOTAL_TIMEOUT_MS: f64 = 30_000.0;

/// How many attempts may follow the first one by default.
const RETRIES: f64 = 2.0;

impl RefreshOptions {
    /// Reads options in the order of their checks. `fetch` is first, because without it there may be no `Headers` either.
    pub(super) fn read(options: &JsValue) -> Result<Self> {
        Self::read_for(options, None)
    }

    /// Reads options for a later call. If there is no location, a relative URL is resolved against `elsewhere`. Without `elsewhere`, it
    /// is invalid.
    pub(super) fn read_for(options: &JsValue, elsewhere: Option<&str>) -> Result<Self> {
        let bag = Bag::new(options);
        let fetch = bag.fetch();
        let (headers, headers_text) = bag.headers();
        let read = Self {
            status: bag.status_options(),
            target: bag.target(elsewhere),
            credentials: bag.credentials(),
            headers,
            headers_text,
            timeout_ms: bag.number("timeoutMs", Fits::Positive).unwrap_or(TIMEOUT_MS),
            total_timeout_ms: bag.number("totalTimeoutMs", Fits::Positive).unwrap_or(TOTAL_TIMEOUT_MS),
            retries: bag.number("retries", Fits::Count).unwrap_or(RETRIES),
            signal: bag.signal(),
            fetch,
        };
        bag.checked(read)
    }
}

/// An options object, or nothing. It notes the first fault, and goes on with the default. So there is one check at the end, which is
/// much less code than a check for each option.
pub(super) struct Bag<'a> {
    options: &'a JsValue,
    wrong: RefCell<Option<Failure>>,
}

impl<'a> Bag<'a> {
    /// Takes the options of a function. A field is refused if its name is not an option of this package.
    pub(super) fn new(options: &'a JsValue) -> Self {
        Self::with(options, "options")
    }

    /// Takes the limits of a route, or one of them, in the same way.
    #[cfg(feature = "route")]
    pub(super) fn of_limits(limits: &'a JsValue) -> Self {
        Self::with(limits, "limits")
    }

    fn with(options: &'a JsValue, names: &str) -> Self {
        let bag = Self { options, wrong: RefCell::new(None) };
        if options.is_object() {
            if let Some(unknown) = unknown_name(options, names).as_string() {
                bag.wrong(&unknown, "");
            }
        } else if !options.is_undefined() {
            bag.wrong("options", " must be an object");
        }
        bag
    }

    /// Returns the options that were read, or the first fault.
    pub(super) fn checked<T>(&self, read: T) -> Result<T> {
        self.wrong.take().map_or(Ok(read), Err)
    }

    #[inline(never)]
    pub(super) fn wrong(&self, name: &str, wrong: &'static str) {
        self.wrong.borrow_mut().get_or_insert_with(|| Failure::option((name, wrong)));
    }

    /// Reads an option. Undefined means that the option is absent. Null means that reading it failed, and is invalid for every option.
    pub(super) fn get(&self, name: &'static str) -> JsValue {
        field(self.options, name)
    }

    /// Tells whether an option is there, even if it is undefined.
    fn is_given(&self, name: &'static str) -> bool {
        self.options.is_object() && is_given(self.options, name)
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

    /// Reads a boolean, which is false by default.
    pub(super) fn flag(&self, name: &'static str) -> bool {
        let value = self.get(name);
        if !value.is_undefined() && value.as_bool().is_none() {
            self.wrong(name, " must be true or false");
        }
        value.is_truthy()
    }

    /// Checks an optional function, and tells whether there is one.
    pub(super) fn function(&self, name: &'static str) -> bool {
        let value = self.get(name);
        if !value.is_undefined() && !value.is_function() {
            self.wrong(name, " must be a function");
        }
        value.is_function()
    }

    /// Checks the store, and tells whether there is one.
    pub(super) fn storage(&self) -> bool {
        let storage = self.get("storage");
        let is_store = || ["get", "set", "delete"].iter().all(|name| field(&storage, name).is_function());
        if !storage.is_undefined() && !is_store() {
            self.wrong("storage", " must have get, set and delete");
        }
        !storage.is_undefined()
    }

    /// Checks that the options name the server. Otherwise production tokens would go to staging by default.
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
        let fetch = if own.is_undefined() { platform_fetch() } else { own };
        if !fetch.is_function() {
            self.wrong("fetch", " must be a function, or the platform must have one");
        }
        fetch
    }

    pub(super) fn target(&self, elsewhere: Option<&str>) -> Target {
        let environment = self.get("environment");
        let name = environment.as_string();
        let mut target = Target::environment(name.as_deref());
        if target.is_none() || name.is_none() && !environment.is_undefined() {
            self.wrong("environment", " must be 'staging' or 'production'");
        }
        let allow_http = self.flag("allowHttp");
        let base_url = self.get("baseUrl");
        if base_url.is_undefined() {
            // A variable that is not set must not mean staging.
            if environment.is_undefined() && self.is_given("baseUrl") {
                self.wrong("baseUrl", " is undefined, and there is no environment");
            }
        } else {
            match Target::own(&absolute(&base_url, elsewhere).as_string().unwrap_or_default(), allow_http) {
                Ok(own) => target = Some(own),
                Err(wrong) => self.wrong("baseUrl", wrong),
            }
        }
        target.unwrap_or_default()
    }

    /// Reads `credentials`. Transak uses no cookies; the user's own backend may know its user by one.
    fn credentials(&self) -> &'static str {
        const OMIT: &str = "omit";
        let value = self.get("credentials");
        if value.is_undefined() {
            return OMIT;
        }
        if self.get("baseUrl").is_undefined() {
            self.wrong("credentials", " need a baseUrl");
        }
        let mode = value.as_string();
        let known = [OMIT, "same-origin", "include"].into_iter().find(|known| mode.as_deref() == Some(known));
        known.unwrap_or_else(|| {
            self.wrong("credentials", " must be 'omit', 'same-origin' or 'include'");
            OMIT
        })
    }

    /// Reads the headers. The platform's own `Headers` checks names and values, and sorts them.
    pub(super) fn headers(&self) -> (web_sys::Headers, String) {
        if !platform_headers().is_function() {
            self.wrong("headers", " need the class Headers, which is missing");
        }
        let read = read_headers(&self.get("headers"));
        let (raw, text) = (field(&read, "0"), field(&read, "1").as_string());
        let Some(text) = text else {
            self.wrong("headers", " must be what new Headers() takes, and no promise or function");
            return (raw.unchecked_into(), String::new());
        };
        let headers = Headers::from_raw(raw.unchecked_into());
        if headers.has("authorization") {
            self.wrong("headers", " must not replace authorization");
        }
        (headers.into_raw(), text)
    }
}

/// Returns the text of a token. If the trimmed text is too long, it is not even copied.
pub(super) fn token_text(token: &JsValue) -> core::result::Result<String, InvalidReason> {
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
