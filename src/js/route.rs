//! The backend route for JavaScript: requests in as texts, answers out as plain objects.
//!
//! It reads the clock and a token's hash; which request gets which answer is [`crate::route`]'s.

mod options;

use core::cell::RefCell;

use js_sys::{Date, JsString};
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;

use self::options::policy;
use super::convert::Plain;
use super::error::error;
use super::http::outcome;
use super::options::{Bag, Fits, RefreshOptions, token_text};
use super::value::{field, iterates, put, text};
use crate::claims::to_f64;
use crate::error::{Code, Failure};
use crate::refresh::{MAX_BODY, OldToken, Target};
use crate::route::address::Address;
use crate::route::reply::{Outcome, Reply};
use crate::route::{Ask, Call, Key};

/// The longest text of a request that is looked at, in UTF-16 code units; of a longer one its front, or of a proxy's
/// header its end.
const MAX_TEXT: u32 = 8192;

/// A route, with what it remembers.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Route {
    route: RefCell<crate::route::Route>,
    target: Target,
}

#[wasm_bindgen]
impl Route {
    /// Opens a route.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_OPTION`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<Self, JsValue> {
        let (policy, target) = policy(options).map_err(|wrong| error(&Failure::option(wrong)))?;
        Ok(Self { route: RefCell::new(crate::route::Route::new(policy)), target })
    }

    /// Whom to ask, by the URL of the call.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn url(&self) -> String {
        self.target.url()
    }

    /// The longest answer that is read, in bytes.
    #[wasm_bindgen(getter, js_name = maxBody)]
    #[must_use]
    pub fn max_body(&self) -> usize {
        MAX_BODY
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
        let judged = self.route.borrow().judge(&call, Date::now());
        judged.as_ref().map(convert).unwrap_or_default()
    }

    /// Finds the end user's address, the one that the caller found or else what the socket and the proxies say, and
    /// counts its request: `reply` where that is one too many.
    #[must_use]
    pub fn admit(&self, origin: &JsValue, found: &JsValue, remote: &JsValue, forwarded: &JsValue) -> JsValue {
        let found = front(found).as_deref().and_then(Address::read);
        let mut route = self.route.borrow_mut();
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
        let mut route = self.route.borrow_mut();
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

    /// Judges what a ticket's request has come to, by `exchange` of `http.js`, and takes note of it. Returns the
    /// outcome: a token, or why there is none. `secrets` went with the request, and are shown no more than the token.
    #[must_use]
    pub fn land(&self, ticket: u32, token: &JsValue, secrets: &str, exchanged: &JsValue) -> JsValue {
        let now = Date::now();
        let read = token_text(token).and_then(|text| OldToken::read(&text, secrets)).map_err(Failure::invalid);
        let landed = read.and_then(|old| {
            let judged = outcome(exchanged, &old, 0.0);
            judged.map_err(|failure| old.expired_since(&failure, 0.0, now).unwrap_or(failure))
        });
        let new = landed.as_ref().ok().map(|new| (new.token.expose(), to_f64(new.claims.expires_at)));
        self.route.borrow_mut().land(ticket, new, now);
        let mut outcome = Plain::new();
        match landed {
            Ok(new) => outcome.text("token", Some(new.token.expose())),
            Err(failure) => {
                outcome.text("code", Some(failure.code.as_str()));
                outcome.text("errorCode", failure.error_code.as_deref());
                outcome.text("traceId", failure.trace_id.as_deref());
                outcome.number("status", failure.status.map(f64::from));
                outcome.number("retryAfterMs", failure.retry_after_ms);
            }
        }
        outcome.end()
    }

    /// Returns the answer for a token that came.
    #[must_use]
    pub fn refreshed(&self, origin: &JsValue, token: &str, is_shared: bool) -> JsValue {
        let outcome = if is_shared { Outcome::Shared } else { Outcome::Refreshed };
        convert(&self.route.borrow().refreshed(front(origin).as_deref(), token, outcome))
    }

    /// Returns the answer for an outcome without a token; without an outcome it is a fault of this server's.
    #[must_use]
    pub fn failed(&self, origin: &JsValue, outcome: &JsValue) -> JsValue {
        convert(&self.route.borrow().failed(front(origin).as_deref(), &failure(outcome)))
    }

    /// Returns the answer to a request that the user's own function did not authorise.
    #[must_use]
    pub fn unauthorised(&self, origin: &JsValue) -> JsValue {
        let origin = front(origin);
        convert(&self.route.borrow().cors(origin.as_deref()).refusal(
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
        bag.requires_server();
        let concurrency = bag.number("concurrency", Fits::Count).unwrap_or(8.0);
        if concurrency < 1.0 {
            bag.wrong("concurrency", " must be a whole number, 1 or more");
        }
        bag.checked(concurrency)
    });
    read.map_err(|wrong| error(&Failure::option(wrong)))
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

/// Reads an outcome without a token.
fn failure(outcome: &JsValue) -> Failure {
    let code = text(outcome, "code");
    let known = Code::ALL.iter().find(|known| code.as_deref() == Some(known.as_str()));
    let mut failure = *Failure::new(known.copied().unwrap_or(Code::Internal));
    let number = |name: &str| field(outcome, name).as_f64().filter(|number| *number >= 0.0);
    let status = (0..=999_u16).find(|&status| number("status") == Some(status.into()));
    if known.is_some() {
        (failure.error_code, failure.trace_id) = (text(outcome, "errorCode"), text(outcome, "traceId"));
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
