//! What JavaScript passes in: read once, on entry, and checked.

use gloo_net::http::Headers;
use js_sys::{JSON, JsString};
use wasm_bindgen::prelude::*;

use super::signal::{Abort, Signal};
use super::value::{construct, field, global, invoke, text};
use crate::error::InvalidReason;
use crate::refresh::Target;
use crate::status::StatusOptions;
use crate::token::MAX_UNITS;

/// An option and what is wrong with it: together a sentence.
type Read<T> = Result<T, (&'static str, &'static str)>;

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
    pub(super) abort: Abort,
    /// The caller's own, or the one that the page has now: it may have been replaced.
    pub(super) fetch: JsValue,
}

impl RefreshOptions {
    /// Reads an options bag.
    pub(super) fn read(options: &JsValue) -> Read<Self> {
        let bag = Bag::new(options)?;
        let (headers, headers_text) = bag.headers()?;
        Ok(Self {
            status: bag.status_options()?,
            target: bag.target()?,
            headers,
            headers_text,
            timeout_ms: bag.number("timeoutMs", Fits::Positive)?.unwrap_or(10_000.0),
            total_timeout_ms: bag.number("totalTimeoutMs", Fits::Positive)?.unwrap_or(30_000.0),
            retries: bag.number("retries", Fits::Count)?.unwrap_or(2.0),
            fetch: bag.fetch()?,
            abort: Abort::listen(bag.signal()?),
        })
    }
}

/// What a number has to be, beside finite.
#[derive(Clone, Copy, PartialEq)]
enum Fits {
    Any,
    Positive,
    NotNegative,
    Count,
}

/// An options bag: an object, or nothing.
pub(super) struct Bag<'a>(&'a JsValue);

impl<'a> Bag<'a> {
    pub(super) fn new(options: &'a JsValue) -> Read<Self> {
        let is_bag = options.is_undefined() || options.is_object();
        if is_bag { Ok(Self(options)) } else { Err(("options", " must be an object")) }
    }

    /// Reads an option; undefined is as good as absent.
    fn get(&self, name: &'static str) -> Read<JsValue> {
        if self.0.is_undefined() {
            return Ok(JsValue::UNDEFINED);
        }
        field(self.0, name).map_err(|_| (name, " cannot be read: its getter throws"))
    }

    #[inline(never)]
    fn number(&self, name: &'static str, fits: Fits) -> Read<Option<f64>> {
        let value = self.get(name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        let number = value.as_f64().unwrap_or(f64::NAN);
        let (is_fitting, wrong) = match fits {
            Fits::Any => (true, " must be a finite number"),
            Fits::Positive => (number > 0.0, " must be a finite number above 0"),
            Fits::NotNegative => (number >= 0.0, " must be a finite number, 0 or more"),
            Fits::Count => (number >= 0.0 && number.fract() == 0.0, " must be a whole number, 0 or more"),
        };
        if is_fitting && number.is_finite() { Ok(Some(number)) } else { Err((name, wrong)) }
    }

    /// Reads the instant that stands for now, for a check.
    pub(super) fn now(&self) -> Read<Option<f64>> {
        self.number("now", Fits::Any)
    }

    pub(super) fn status_options(&self) -> Read<StatusOptions> {
        Ok(StatusOptions {
            refresh_window_ms: self.number("refreshWindowMs", Fits::NotNegative)?,
            clock_tolerance_ms: self.number("clockToleranceMs", Fits::NotNegative)?.unwrap_or(0.0),
        })
    }

    fn signal(&self) -> Read<Option<Signal>> {
        let value = self.get("signal")?;
        if value.is_undefined() {
            Ok(None)
        } else {
            Signal::new(value).map(Some).ok_or(("signal", " must be an AbortSignal"))
        }
    }

    fn fetch(&self) -> Read<JsValue> {
        let own = self.get("fetch")?;
        let fetch = if own.is_undefined() { global("fetch") } else { own };
        if fetch.is_function() {
            Ok(fetch)
        } else {
            Err(("fetch", " must be a function, and there is none here without"))
        }
    }

    fn target(&self) -> Read<Target> {
        let environment = self.get("environment")?;
        let target = match environment.as_string().as_deref() {
            None if environment.is_undefined() => Target::staging(true),
            Some("staging") => Target::staging(false),
            Some("production") => Target::production(),
            _ => return Err(("environment", " must be 'staging' or 'production'")),
        };
        let allow_http = self.get("allowHttp")?;
        if !allow_http.is_undefined() && allow_http.as_bool().is_none() {
            return Err(("allowHttp", " must be true or false"));
        }
        let base_url = self.get("baseUrl")?;
        if base_url.is_undefined() {
            return Ok(target);
        }
        let href = absolute(base_url).unwrap_or_default();
        Target::own(&href, allow_http.is_truthy()).map_err(|wrong| ("baseUrl", wrong))
    }

    /// Reads the headers. The platform's own `Headers` judges names and values, and puts them in order.
    fn headers(&self) -> Read<(web_sys::Headers, String)> {
        let raw = construct("Headers", &[&self.get("headers")?])
            .map_err(|_| ("headers", " must be what a Headers object takes"))?;
        let entries = invoke(&global("Array"), "from", &[&raw]).and_then(|entries| JSON::stringify(&entries));
        let headers = Headers::from_raw(raw.unchecked_into());
        if headers.has("authorization") {
            return Err(("headers", " must not replace authorization"));
        }
        Ok((headers.into_raw(), entries.map(String::from).unwrap_or_default()))
    }
}

/// Returns the absolute URL, as the platform's own parser writes it.
fn absolute(url: JsValue) -> Option<String> {
    let url = if url.is_object() { field(&url, "href").ok()? } else { url };
    let url = url.is_string().then_some(url)?;
    let base = field(&global("location"), "href").unwrap_or_default();
    text(&construct("URL", &[&url, &base]).ok()?, "href")
}

/// Returns the text of a token. What is too long, once trimmed, is not even copied.
pub(super) fn token_text(token: &JsValue) -> Result<String, InvalidReason> {
    let token: &JsString = token.dyn_ref().ok_or(InvalidReason::NotAString)?;
    let is_space = |index: u32| matches!(token.char_code_at(index), 9.0 | 10.0 | 12.0 | 13.0 | 32.0);
    let (mut start, mut end) = (0, token.length());
    if end > MAX_UNITS {
        while start < end && is_space(start) {
            start += 1;
        }
        while start < end && is_space(end - 1) {
            end -= 1;
        }
        if end - start > MAX_UNITS {
            return Err(InvalidReason::TooLong);
        }
    }
    Ok(String::from(token.slice(start, end)))
}
