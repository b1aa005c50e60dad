//! What JavaScript passes in: read once, on entry, and checked.

use js_sys::{Function, JsString, Reflect};
use wasm_bindgen::prelude::*;

use super::signal::Signal;
use crate::error::{Failure, InvalidReason};
use crate::refresh::Target;
use crate::status::StatusOptions;
use crate::token::MAX_UNITS;

#[wasm_bindgen]
extern "C" {
    type Url;

    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    fn new(url: &JsValue, base: &JsValue) -> Result<Url, JsValue>;

    #[wasm_bindgen(method, getter, structural, catch)]
    fn href(this: &Url) -> Result<JsValue, JsValue>;

    type Headers;

    #[wasm_bindgen(constructor, catch)]
    fn new(init: &JsValue) -> Result<Headers, JsValue>;
}

/// How a refresh is made.
pub(super) struct RefreshOptions {
    pub(super) status: StatusOptions,
    pub(super) target: Target,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout_ms: f64,
    pub(super) total_timeout_ms: f64,
    pub(super) retries: u32,
    pub(super) signal: Option<Signal>,
    pub(super) fetch: Option<Function>,
}

impl RefreshOptions {
    /// Reads an options bag.
    pub(super) fn read(options: &JsValue) -> Result<Self, Failure> {
        let bag = Bag::new(options)?;
        Ok(Self {
            status: bag.status_options()?,
            target: bag.target()?,
            headers: bag.headers()?,
            timeout_ms: bag.positive("timeoutMs", "timeoutMs must be a positive, finite number")?.unwrap_or(10_000.0),
            total_timeout_ms: bag
                .positive("totalTimeoutMs", "totalTimeoutMs must be a positive, finite number")?
                .unwrap_or(30_000.0),
            retries: bag.count("retries", "retries must be a whole number, 0 or more")?.unwrap_or(2),
            signal: bag.signal()?,
            fetch: bag.function("fetch", "fetch must be a function")?,
        })
    }
}

/// An options bag: an object, or nothing.
pub(super) struct Bag<'a>(Option<&'a JsValue>);

impl<'a> Bag<'a> {
    pub(super) fn new(options: &'a JsValue) -> Result<Self, Failure> {
        if options.is_undefined() {
            Ok(Self(None))
        } else if options.is_object() {
            Ok(Self(Some(options)))
        } else {
            Err(Failure::option("options must be an object"))
        }
    }

    /// Reads an option; undefined is as good as absent.
    fn get(&self, name: &str) -> Result<Option<JsValue>, Failure> {
        let Some(bag) = self.0 else { return Ok(None) };
        let value = Reflect::get(bag, &name.into()).map_err(|_| Failure::option("an option's getter throws"))?;
        Ok(if value.is_undefined() { None } else { Some(value) })
    }

    fn number(&self, name: &str, fits: fn(f64) -> bool, wrong: &'static str) -> Result<Option<f64>, Failure> {
        let fitting = |value: JsValue| value.as_f64().filter(|&number| fits(number)).ok_or(Failure::option(wrong));
        self.get(name)?.map(fitting).transpose()
    }

    /// Reads the instant that stands for now, for a check.
    pub(super) fn now(&self) -> Result<Option<f64>, Failure> {
        self.number("now", f64::is_finite, "now must be a finite number of milliseconds")
    }

    pub(super) fn status_options(&self) -> Result<StatusOptions, Failure> {
        let duration = |number: f64| number.is_finite() && number >= 0.0;
        Ok(StatusOptions {
            refresh_window_ms: self.number(
                "refreshWindowMs",
                duration,
                "refreshWindowMs must be a finite number of milliseconds, 0 or more",
            )?,
            clock_tolerance_ms: self
                .number(
                    "clockToleranceMs",
                    duration,
                    "clockToleranceMs must be a finite number of milliseconds, 0 or more",
                )?
                .unwrap_or(0.0),
        })
    }

    fn positive(&self, name: &str, wrong: &'static str) -> Result<Option<f64>, Failure> {
        self.number(name, |number| number.is_finite() && number > 0.0, wrong)
    }

    fn count(&self, name: &str, wrong: &'static str) -> Result<Option<u32>, Failure> {
        let whole = |number: f64| number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
        #[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        Ok(self.number(name, whole, wrong)?.map(|number| number as u32))
    }

    fn boolean(&self, name: &str, wrong: &'static str) -> Result<bool, Failure> {
        self.get(name)?.map_or(Ok(false), |value| value.as_bool().ok_or(Failure::option(wrong)))
    }

    fn function(&self, name: &str, wrong: &'static str) -> Result<Option<Function>, Failure> {
        let function = |value: JsValue| value.dyn_into().map_err(|_| Failure::option(wrong));
        self.get(name)?.map(function).transpose()
    }

    fn signal(&self) -> Result<Option<Signal>, Failure> {
        self.get("signal")?.map(Signal::new).transpose()
    }

    fn target(&self) -> Result<Target, Failure> {
        let environment = self.get("environment")?;
        let target = match environment.as_ref().map(JsValue::as_string) {
            None => Target::staging(true),
            Some(Some(name)) if name == "staging" => Target::staging(false),
            Some(Some(name)) if name == "production" => Target::production(),
            Some(_) => {
                return Err(Failure::option("environment must be 'staging' or 'production'"));
            }
        };
        let allow_http = self.boolean("allowHttp", "allowHttp must be true or false")?;
        match self.get("baseUrl")? {
            None => Ok(target),
            Some(url) => Target::own(&absolute(&url).ok_or(Failure::option(NO_URL))?, allow_http),
        }
    }

    /// Reads and normalises the headers. The platform's own `Headers` judges names and values.
    fn headers(&self) -> Result<Vec<(String, String)>, Failure> {
        let Some(init) = self.get("headers")? else {
            return Ok(Vec::new());
        };
        let headers =
            Headers::new(&init).map_err(|_| Failure::option("headers must be what a Headers object takes"))?;
        let headers = gloo_net::http::Headers::from_raw(headers.unchecked_into());
        if headers.has("authorization") {
            return Err(Failure::option("headers must not replace authorization"));
        }
        Ok(headers.entries().collect())
    }
}

const NO_URL: &str = "baseUrl must be a URL, or a path where there is a location";

/// Returns the absolute URL, as the platform's own parser writes it.
fn absolute(url: &JsValue) -> Option<String> {
    let location = Reflect::get(&js_sys::global(), &"location".into()).ok();
    let base = location.and_then(|location| Reflect::get(&location, &"href".into()).ok()).unwrap_or_default();
    let text = if url.is_string() { url.clone() } else { url.unchecked_ref::<Url>().href().ok()? };
    text.is_string().then_some(())?;
    // A query or fragment that is empty vanishes from nowhere: `href` keeps it.
    Url::new(&text, &base).ok()?.href().ok()?.as_string()
}

/// Returns the text of a token, trimmed where it is very long: what is too long is not even copied.
pub(super) fn token_text(token: &JsValue) -> Result<String, InvalidReason> {
    let token: &JsString = token.dyn_ref().ok_or(InvalidReason::NotAString)?;
    let is_space = |index: u32| matches!(token.char_code_at(index), 9.0 | 10.0 | 12.0 | 13.0 | 32.0);
    let max_units = u32::try_from(MAX_UNITS).unwrap_or(u32::MAX);
    let (mut start, mut end) = (0, token.length());
    if end > max_units {
        while start < end && is_space(start) {
            start += 1;
        }
        while start < end && is_space(end - 1) {
            end -= 1;
        }
        if end - start > max_units {
            return Err(InvalidReason::TooLong);
        }
    }
    Ok(String::from(token.slice(start, end)))
}
