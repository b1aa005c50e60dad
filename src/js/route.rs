//! The backend route for JavaScript: requests in as texts, answers out as plain objects.
//!
//! It reads the options, the clock and a token's hash; which request gets which answer is [`crate::route`]'s.

use core::cell::RefCell;

use js_sys::{Array, Date, JsString};
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;

use super::convert::Plain;
use super::error::error;
use super::options::{Bag, Fits, RefreshOptions, token_text};
use super::value::{field, iterates, put, read_headers, text};
use crate::error::{Code, Failure};
use crate::route::address::{Address, Network};
use crate::route::limit::{Limit, Limits};
use crate::route::origin::Origins;
use crate::route::reply::{Outcome, Reply};
use crate::route::{Ask, Call, Key, Policy};

/// The longest text of a request that is looked at, in UTF-16 code units; of a longer one its front, or of a proxy's
/// header its end.
const MAX_TEXT: u32 = 8192;

/// A route, with what it remembers.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Route(RefCell<crate::route::Route>);

#[wasm_bindgen]
impl Route {
    /// Opens a route.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_OPTION`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<Self, JsValue> {
        let bag = Bag::new(options);
        bag.server();
        bag.fetch();
        bag.number("timeoutMs", Fits::Positive);
        bag.api_key();
        bag.authorize();
        bag.function("userIp");
        bag.function("onEvent");
        let policy = Policy {
            origins: bag.list("allowedOrigins").and_then(Origins::read).unwrap_or_else(|| {
                bag.wrong("allowedOrigins", " must be a list of exact origins, such as https://app.example.com");
                Origins::default()
            }),
            allow_server_calls: bag.flag("allowServerCalls"),
            trusted_proxies: bag.proxies(),
            limits: bag.limits(),
        };
        let policy = bag.checked(policy).map_err(|wrong| error(&Failure::option(wrong)))?;
        Ok(Self(RefCell::new(crate::route::Route::new(policy))))
    }

    /// Judges a request; undefined where it goes on.
    #[must_use]
    pub fn judge(&self, method: &str, url: &JsValue, origin: &JsValue, site: &JsValue, token: &JsValue) -> JsValue {
        let (url, origin, site) = (front(url).unwrap_or_default(), front(origin), front(site));
        let token = token_text(token);
        let call = Call {
            method,
            url: &url,
            origin: origin.as_deref(),
            site: site.as_deref(),
            token: token.as_deref().map_err(|&reason| reason),
        };
        let judged = self.0.borrow().judge(&call, Date::now());
        judged.as_ref().map(convert).unwrap_or_default()
    }

    /// Finds the end user's address, the one that the caller found or else what the socket and the proxies say, and
    /// counts its request: `reply` where that is one too many.
    #[must_use]
    pub fn admit(&self, origin: &JsValue, found: &JsValue, remote: &JsValue, forwarded: &JsValue) -> JsValue {
        let found = front(found).as_deref().and_then(Address::read);
        let mut route = self.0.borrow_mut();
        let address = found.or_else(|| route.client(front(remote).as_deref(), end(forwarded).as_deref()));
        if let Some(reply) = route.admit(front(origin).as_deref(), address, Date::now()) {
            return replied(&reply);
        }
        let mut admitted = Plain::new();
        admitted.text("address", address.map(|address| address.to_string()).as_deref());
        admitted.end()
    }

    /// Says what to do for a request that was authorised: `reply` it, or wait for `ticket`, after sending a request
    /// where `send` says so.
    #[must_use]
    pub fn ask(&self, origin: &JsValue, token: &JsValue) -> JsValue {
        let origin = front(origin);
        let mut route = self.0.borrow_mut();
        let asked = route.ask(key(&token_text(token).unwrap_or_default()), Date::now());
        let mut answer = Plain::new();
        let (ticket, send) = match asked {
            Ask::Send(ticket) => (ticket, true),
            Ask::Join(ticket) => (ticket, false),
            Ask::Repeat(token) => {
                return replied(&route.refreshed(origin.as_deref(), token.expose(), Outcome::Repeated));
            }
            Ask::Limited(wait_ms) => return replied(&route.cors(origin.as_deref()).limited(wait_ms)),
        };
        answer.number("ticket", Some(ticket.into()));
        answer.flag("send", send);
        answer.end()
    }

    /// Takes note of what a ticket's request has come to: a token, or undefined.
    pub fn land(&self, ticket: u32, token: &JsValue, expires_at: f64) {
        let token = token.as_string();
        let answer = token.as_deref().map(|token| (token, expires_at));
        self.0.borrow_mut().land(ticket, answer, Date::now());
    }

    /// Returns the answer for a token that came.
    #[must_use]
    pub fn refreshed(&self, origin: &JsValue, token: &str, is_shared: bool) -> JsValue {
        let outcome = if is_shared { Outcome::Shared } else { Outcome::Refreshed };
        convert(&self.0.borrow().refreshed(front(origin).as_deref(), token, outcome))
    }

    /// Returns the answer for an error that came: one of this package's, or anything else.
    #[must_use]
    pub fn failed(&self, origin: &JsValue, thrown: &JsValue) -> JsValue {
        convert(&self.0.borrow().failed(front(origin).as_deref(), &failure(thrown)))
    }

    /// Returns the answer to a request that the user's own function did not authorise.
    #[must_use]
    pub fn unauthorised(&self, origin: &JsValue) -> JsValue {
        let origin = front(origin);
        convert(&self.0.borrow().cors(origin.as_deref()).refusal(
            403,
            "This request is not authorised",
            Code::Forbidden,
        ))
    }
}

/// Reads the arguments of a job over many tokens, and returns how many refreshes may be under way at once.
///
/// # Errors
/// Throws `ERR_INVALID_OPTION`.
#[wasm_bindgen(js_name = readFleetOptions)]
pub fn read_fleet_options(entries: &JsValue, options: &JsValue) -> Result<f64, JsValue> {
    if !iterates(entries, "iterator") && !iterates(entries, "asyncIterator") {
        return Err(error(&Failure::option(("entries", " must be an iterable of pairs of a key and a token"))));
    }
    let read = RefreshOptions::read(options).and_then(|_| {
        let bag = Bag::new(options);
        bag.server();
        let concurrency = bag.number("concurrency", Fits::Count).unwrap_or(8.0);
        if concurrency < 1.0 {
            bag.wrong("concurrency", " must be a whole number, 1 or more");
        }
        bag.checked(concurrency)
    });
    read.map_err(|wrong| error(&Failure::option(wrong)))
}

impl Bag<'_> {
    /// Checks whom to ask, which has to be said: production tokens must not go to staging by default.
    fn server(&self) {
        self.target();
        if self.get("environment").is_undefined() && self.get("baseUrl").is_undefined() {
            self.wrong("environment", " or baseUrl is required");
        }
    }

    fn api_key(&self) {
        let key = self.get("apiKey");
        let headers = || read_headers(&Array::of1(&Array::of2(&"x-api-key".into(), &key)));
        if !key.is_undefined() && (key.as_string().is_none_or(|key| key.is_empty()) || headers().is_null()) {
            self.wrong("apiKey", " must be a string that a header can hold");
        }
    }

    /// Checks what has to be decided: a function, or 'none' written out.
    fn authorize(&self) {
        let value = self.get("authorize");
        if !value.is_function() && value.as_string().as_deref() != Some("none") {
            self.wrong("authorize", " is required: a function, or 'none'");
        }
    }

    fn function(&self, name: &'static str) {
        let value = self.get(name);
        if !value.is_undefined() && !value.is_function() {
            self.wrong(name, " must be a function");
        }
    }

    fn flag(&self, name: &'static str) -> bool {
        let value = self.get(name);
        if !value.is_undefined() && value.as_bool().is_none() {
            self.wrong(name, " must be true or false");
        }
        value.is_truthy()
    }

    /// Reads a list of texts; none where it is anything else.
    fn list(&self, name: &'static str) -> Option<Vec<String>> {
        let value = self.get(name);
        let list: &Array = value.dyn_ref()?;
        list.iter().map(|item| item.as_string()).collect()
    }

    fn proxies(&self) -> Vec<Network> {
        if self.get("trustedProxies").is_undefined() {
            return Vec::new();
        }
        let list = self.list("trustedProxies");
        let networks = list.and_then(|list| list.iter().map(|text| Network::read(text)).collect());
        networks.unwrap_or_else(|| {
            self.wrong("trustedProxies", " must be a list of addresses and ranges, such as 10.0.0.0/8");
            Vec::new()
        })
    }

    fn limits(&self) -> Limits {
        let value = self.get("limit");
        if value.as_bool() == Some(false) {
            return Limits::NONE;
        }
        let (inner, default) = (Bag::new(&value), Limits::default());
        let limits = Limits {
            per_address: inner.limit("perAddress", default.per_address),
            per_token: inner.limit("perToken", default.per_token),
            total: inner.limit("total", default.total),
        };
        inner.checked(limits).unwrap_or_else(|_| {
            self.wrong("limit", " must be false, or limits such as { total: { max: 100, windowMs: 60_000 } }");
            default
        })
    }

    fn limit(&self, name: &'static str, default: Option<Limit>) -> Option<Limit> {
        let value = self.get(name);
        if value.is_undefined() {
            return default;
        }
        let bag = Bag::new(&value);
        let (max, window) = (bag.number("max", Fits::Count), bag.number("windowMs", Fits::Positive));
        let limit = max.filter(|&max| max > 0.0).zip(window).map(|(max, window_ms)| Limit { max, window_ms });
        let limit = bag.checked(limit).ok().flatten();
        if limit.is_none() {
            self.wrong(name, " must be a limit");
        }
        limit
    }
}

/// Returns a token's key: half of its SHA-256, which nobody finds another token for.
fn key(token: &str) -> Key {
    let hash = Sha256::digest(token.trim_ascii());
    hash.iter().take(16).fold(0, |key, &byte| key << 8 | Key::from(byte))
}

/// Returns the front of a text; none for anything else.
fn front(value: &JsValue) -> Option<String> {
    let text: &JsString = value.dyn_ref()?;
    Some(String::from(text.slice(0, MAX_TEXT)))
}

/// Returns the end of a text; none for anything else.
fn end(value: &JsValue) -> Option<String> {
    let text: &JsString = value.dyn_ref()?;
    Some(String::from(text.slice(text.length().saturating_sub(MAX_TEXT), text.length())))
}

/// Reads what was thrown. What is no error of this package is a fault of this server's.
fn failure(thrown: &JsValue) -> Failure {
    let code = text(thrown, "code");
    let known = Code::ALL.iter().find(|known| code.as_deref() == Some(known.as_str()));
    let mut failure = *Failure::new(known.copied().unwrap_or(Code::Internal));
    let number = |name: &str| field(thrown, name).as_f64().filter(|number| *number >= 0.0);
    let status = (0..=999_u16).find(|&status| number("status") == Some(status.into()));
    if known.is_some() {
        (failure.error_code, failure.trace_id) = (text(thrown, "errorCode"), text(thrown, "traceId"));
        (failure.status, failure.retry_after_ms) = (status, number("retryAfterMs"));
    }
    failure
}

type Headers = Vec<(&'static str, String)>;

thread_local! {
    static LATEST: RefCell<(Headers, JsValue)> = const { RefCell::new((Vec::new(), JsValue::UNDEFINED)) };
}

/// Returns headers as an object. Most answers have those of the one before, which nobody changes: a fifth of an
/// answer's time.
fn header_object(headers: &Headers) -> JsValue {
    LATEST.with_borrow_mut(|(latest, object)| {
        if latest != headers {
            let mut made = Plain::new();
            for (name, value) in headers {
                made.text(name, Some(value));
            }
            (*latest, *object) = (headers.clone(), made.end());
        }
        object.clone()
    })
}

fn convert(reply: &Reply) -> JsValue {
    let mut converted = Plain::new();
    converted.number("status", Some(reply.status.into()));
    converted.text("body", reply.body.as_deref());
    converted.text("outcome", Some(reply.outcome.as_str()));
    converted.text("code", reply.code.map(Code::as_str));
    let converted = converted.end();
    put(&converted, "headers", &header_object(&reply.headers));
    converted
}

fn replied(reply: &Reply) -> JsValue {
    let answer = Plain::new().end();
    put(&answer, "reply", &convert(reply));
    answer
}
