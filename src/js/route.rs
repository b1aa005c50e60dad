//! The backend route for JavaScript: requests in as texts, answers out as plain objects.
//!
//! It hashes tokens. [`crate::route`] decides which request gets which answer.

mod fleet;
mod options;

use core::cell::RefCell;

use js_sys::Array;
use siphasher::sip128::SipHasher24;
use wasm_bindgen::prelude::*;

use self::options::policy;
use super::convert::Plain;
use super::error::error;
use super::http::interpret;
use super::value::put;
use crate::error::{Code, Failure};
use crate::refresh::{MAX_BODY, OldToken, Target};
use crate::route::address::Address;
use crate::route::limit::{Limited, Moment, Quota, Verdict};
use crate::route::reply::{self, Reason, Reply};
use crate::route::watch::Misconfigured;
use crate::route::{Call, Key, NextStep, Settled};

#[wasm_bindgen(module = "/src/js/answer.js")]
extern "C" {
    /// Returns sixteen random bytes.
    fn random() -> Vec<u8>;
    fn answered(like: &JsValue, body: Option<&str>) -> JsValue;
    fn admitted(address: Option<&str>) -> JsValue;
    fn ticketed(ticket: u32, is_first: bool, is_accepted: bool) -> JsValue;
    fn quota(name: &str, max: f64, window_ms: f64, cost: u8, is_of_address: bool) -> JsValue;
}

/// A route, and its memory.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Route {
    inner: RefCell<crate::route::Route>,
    target: Target,
}

#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "an optional text comes as a value")]
impl Route {
    /// Makes a route that remembers nothing yet.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_OPTION`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<Self, JsValue> {
        let (policy, target) = policy(options).map_err(|failure| error(&failure))?;
        let inner = RefCell::new(crate::route::Route::new(policy));
        Ok(Self { inner, target })
    }

    /// The URL of the call to Transak.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn url(&self) -> String {
        self.target.url()
    }

    /// The longest body of an answer that is read, in bytes. The texts of a request are cut at this length, too.
    #[wasm_bindgen(getter, js_name = maxBody)]
    #[must_use]
    pub fn max_body(&self) -> usize {
        MAX_BODY
    }

    /// Checks a request. Returns its answer, or undefined if it goes on.
    #[must_use]
    #[wasm_bindgen(js_name = checkRequest)]
    #[expect(clippy::too_many_arguments, reason = "an object for them would be read field by field")]
    pub fn check_request(
        &self,
        now: f64,
        method: &str,
        url: &str,
        origin: Option<String>,
        site: Option<String>,
        wanted: Option<String>,
        token: &str,
    ) -> JsValue {
        let (origin, site, wanted) = (origin.as_deref(), site.as_deref(), wanted.as_deref());
        let call = Call { method, url, origin, site, wanted };
        let mut payload = vec![0; token.len()];
        let checked = self.inner.borrow().check_request(&call, Ok(token.as_bytes()), &mut payload, now);
        checked.map_or_else(convert, |()| JsValue::UNDEFINED)
    }

    /// Determines the end user's address, and counts the request. The address is the one that `userIp` found. Without one, the socket and
    /// the proxies give it. Returns the address, or the answer that refuses the request if there are too many.
    #[must_use]
    pub fn admit(
        &self,
        now: f64,
        origin: Option<String>,
        found: Option<String>,
        remote: Option<String>,
        forwarded: Option<String>,
    ) -> JsValue {
        let (remote, forwarded) = (remote.as_deref(), forwarded.as_deref());
        let mut route = self.inner.borrow_mut();
        let address = found.as_deref().and_then(Address::reported).or_else(|| route.client(remote, forwarded));
        if route.watches_proxies() {
            let [remote, forwarded] = [remote, forwarded].map(|text| text.map(|text| key(text.as_bytes())));
            route.watch(remote, forwarded);
        }
        match route.admit(origin.as_deref(), rate_limit_key(address), now) {
            Some(reply) => convert(reply),
            None => admitted(address.map(|address| address.to_string()).as_deref()),
        }
    }

    /// Says what to do for a request that was checked, admitted and authorised. Returns its answer, or a ticket to wait for. If the ticket
    /// is new, the caller first sends a request.
    #[must_use]
    #[wasm_bindgen(js_name = nextStep)]
    pub fn next_step(&self, now: f64, origin: Option<String>, token: &str, address: Option<String>) -> JsValue {
        let origin = origin.as_deref();
        let rate_limit_key = rate_limit_key(address.as_deref().and_then(Address::read));
        let mut route = self.inner.borrow_mut();
        match route.next_step(key(token.trim_ascii().as_bytes()), rate_limit_key, now) {
            NextStep::Send(ticket, is_accepted) => ticketed(ticket, true, is_accepted),
            NextStep::Join(ticket) => ticketed(ticket, false, false),
            NextStep::Repeat(token) => convert(route.refreshed(origin, token.expose(), reply::Outcome::Repeated)),
            NextStep::Limited(limited) => convert(route.cors(origin).limited(limited)),
        }
    }

    /// Takes the result of `exchange` of `http.js` for a ticket's token, or the answer that another process got at the instant `since`.
    /// `sent_with` has the headers of the request, as one text. Returns the answer for every page, without the headers of
    /// [`cors`](Self::cors). The ticket is 0 if another route gave it.
    #[must_use]
    #[wasm_bindgen(js_name = interpretResponse)]
    pub fn interpret_response(
        &self,
        now: f64,
        ticket: u32,
        token: &str,
        sent_with: &str,
        exchanged: &JsValue,
        since: Option<f64>,
    ) -> JsValue {
        let read = OldToken::read(token, sent_with).map_err(Failure::invalid);
        let outcome = read.and_then(|old| {
            interpret(exchanged, &old, 0.0).map_err(|failure| old.expired_since(&failure, 0.0, now).unwrap_or(failure))
        });
        let mut route = self.inner.borrow_mut();
        let settled = match &outcome {
            Ok(new) => {
                let (text, expires_at) = (new.token.expose(), new.claims.expires_at);
                let key = key(text.as_bytes());
                since.map_or(Settled::Granted(text, key, expires_at), |since| {
                    Settled::Found(text, key, expires_at, since)
                })
            }
            Err(failure) => Settled::Failed(Verdict::of(failure.code)),
        };
        route.settle(ticket, settled, now);
        let outcome_of_token = if since.is_some() { reply::Outcome::Repeated } else { reply::Outcome::Refreshed };
        convert(match &outcome {
            Ok(new) => route.refreshed(None, new.token.expose(), outcome_of_token),
            Err(failure) => route.failed(None, failure),
        })
    }

    /// Gives back a ticket for which nothing was sent.
    pub fn abandon(&self, now: f64, ticket: u32) {
        self.inner.borrow_mut().settle(ticket, Settled::Failed(Verdict::Uncounted), now);
    }

    /// Returns the limits for which the option `limiter` is called when a request comes.
    #[must_use]
    pub fn admission(&self) -> Array {
        self.quotas(Moment::Admit)
    }

    /// Returns the limits for which the option `limiter` is called before a token is sent.
    #[must_use]
    pub fn sending(&self) -> Array {
        self.quotas(Moment::Send)
    }

    /// Returns the limits for which the option `limiter` is called when a request has settled. `code` is the code of its failure, or none
    /// after a success.
    #[must_use]
    pub fn settled(&self, code: Option<String>) -> Array {
        let known = |name: &str| Code::ALL.iter().find(|code| code.as_str() == name);
        let code = code.as_deref().and_then(known);
        self.quotas(Moment::Settled(code.map_or(Verdict::Answered, |code| Verdict::of(*code))))
    }

    /// Returns the answer to a request that the option `limiter` refuses.
    #[must_use]
    pub fn limited(&self, origin: Option<String>, wait_ms: f64, is_of_address: bool) -> JsValue {
        let reason = if is_of_address { Reason::Address } else { Reason::Limit };
        convert(self.inner.borrow().cors(origin.as_deref()).limited(Limited { wait_ms, reason }))
    }

    /// Returns the rate-limit key of an address as a text: the address, or the /64 of an IPv6 address.
    #[must_use]
    #[wasm_bindgen(js_name = rateLimitKey)]
    pub fn rate_limit_key(&self, address: &str) -> Option<String> {
        Address::read(address).map(Address::rate_limit_text)
    }

    /// Returns what is wrong in the configuration, once for each reason.
    #[must_use]
    pub fn misconfigured(&self) -> Option<String> {
        self.inner.borrow_mut().misconfigured().map(|what| Misconfigured::as_str(what).to_owned())
    }

    /// Returns the headers that let a page of an origin read an answer, if it may.
    #[must_use]
    pub fn cors(&self, origin: Option<String>) -> JsValue {
        let mut headers = Plain::new();
        for (name, value) in self.inner.borrow().cors(origin.as_deref()).headers() {
            headers.text(name, Some(&value));
        }
        headers.end()
    }

    /// Returns the answer to a client that has waited for Transak until the time-out.
    #[must_use]
    pub fn unanswered(&self, origin: Option<String>) -> JsValue {
        convert(self.inner.borrow().failed(origin.as_deref(), &Failure::new(Code::Timeout)))
    }

    /// Returns the answer if a function of the options, or this server, fails or is too late.
    #[must_use]
    pub fn unserved(&self, origin: Option<String>, is_late: bool, is_of_authorize: bool) -> JsValue {
        let reason = is_of_authorize.then_some(Reason::Authorize);
        convert(self.inner.borrow().cors(origin.as_deref()).unserved(is_late, reason))
    }

    /// Returns the answer to a request that `authorize` did not allow.
    #[must_use]
    pub fn unauthorised(&self, origin: Option<String>) -> JsValue {
        let route = self.inner.borrow();
        let refusal = route.cors(origin.as_deref()).refusal(403, "This request is not authorised", Code::Forbidden);
        convert(refusal.because(Reason::Authorize))
    }
}

impl Route {
    fn quotas(&self, moment: Moment) -> Array {
        let convert = |Quota { name, reason, limit, cost }| {
            quota(name, limit.max, limit.window_ms, cost, reason == Reason::Address)
        };
        self.inner.borrow().limits().quotas(moment).into_iter().map(convert).collect()
    }
}

/// Returns the headers that every request to Transak has, unless the options replace them. A CDN refuses the default `user-agent` of
/// some runtimes.
#[wasm_bindgen(js_name = defaultHeaders)]
#[must_use]
pub fn default_headers() -> JsValue {
    let mut headers = Plain::new();
    headers.text("accept", Some("application/json"));
    headers.text("user-agent", Some(concat!("transak-user-token/", env!("CARGO_PKG_VERSION"))));
    headers.end()
}

/// Returns the hash of an address' rate-limit key.
fn rate_limit_key(address: Option<Address>) -> Option<Key> {
    address.map(|address| key(&address.rate_limit_key().to_le_bytes()))
}

thread_local! {
    /// The secret seed. It is drawn when the first token comes, because some runtimes have no randomness before the first request.
    static SEED: SipHasher24 = SipHasher24::new_with_key(&seed());
}

/// Returns a random seed. Without a source of randomness this ends the instance: if somebody could guess the hashes, the route could
/// give one user's token to another.
#[expect(clippy::panic, reason = "it is not safe to go on without randomness")]
fn seed() -> [u8; 16] {
    random().try_into().unwrap_or_else(|_| panic!("no source of randomness"))
}

/// Returns the hash of a trimmed token, or of a rate-limit key. Without the seed nobody can find a second one with the same hash.
fn key(bytes: &[u8]) -> Key {
    SEED.with(|seed| seed.hash(bytes).as_u128())
}

thread_local! {
    static LATEST: RefCell<Option<(Reply, JsValue)>> = const { RefCell::new(None) };
}

/// Returns an answer as an object. Most answers differ from the one before only in the body.
#[inline(never)]
fn convert(mut reply: Reply) -> JsValue {
    let body = reply.body.take();
    LATEST.with_borrow_mut(|latest| match latest {
        Some((like, object)) if *like == reply => answered(object, body.as_deref()),
        _ => {
            let object = without_body(&reply);
            let (_, object) = latest.insert((reply, object));
            answered(object, body.as_deref())
        }
    })
}

fn without_body(reply: &Reply) -> JsValue {
    let (mut headers, mut converted) = (Plain::new(), Plain::new());
    for (name, value) in &reply.headers {
        headers.text(name, Some(value));
    }
    converted.number("status", Some(reply.status.into()));
    converted.text("outcome", Some(reply.outcome.as_str()));
    converted.text("code", reply.code.map(Code::as_str));
    converted.text("reason", reply.reason.map(Reason::as_str));
    let converted = converted.end();
    put(&converted, "headers", &headers.end());
    converted
}
