//! The backend route for JavaScript: requests in as texts, answers out as plain objects.
//!
//! It reads the clock and a token's hash; which request gets which answer is [`crate::route`]'s.

mod options;

use core::cell::RefCell;

use js_sys::Date;
use siphasher::sip128::SipHasher24;
use wasm_bindgen::prelude::*;

use self::options::policy;
use super::convert::Plain;
use super::error::error;
use super::http::{answer_of, outcome};
use super::options::{Bag, RefreshOptions, token_text};
use super::value::{field, iterates, put, text};
use crate::claims::to_f64;
use crate::error::{Code, Failure, Result as Outcome, Short, joined};
use crate::option::Fits;
use crate::refresh::{Body, MAX_BODY, NewToken, OldToken, Target, judge};
use crate::route::address::Address;
use crate::route::reply::{self, Reply};
use crate::route::{Ask, Call, Key};
use crate::token::Secret;

#[wasm_bindgen(module = "/src/js/answer.js")]
extern "C" {
    /// Returns sixteen random bytes.
    fn random() -> Vec<u8>;
    fn answered(like: &JsValue, body: Option<&str>) -> JsValue;
    fn ticketed(ticket: u32, is_first: bool, address: Option<&str>) -> JsValue;
}

/// A route, with what it remembers.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Route {
    inner: RefCell<crate::route::Route>,
    target: Target,
    api_key: Secret,
}

#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "an optional text comes as a value")]
impl Route {
    /// Opens a route.
    ///
    /// # Errors
    /// Throws `ERR_INVALID_OPTION`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<Self, JsValue> {
        let (policy, target, api_key) = policy(options).map_err(|wrong| error(&Failure::option(wrong)))?;
        let inner = RefCell::new(crate::route::Route::new(policy));
        Ok(Self { inner, target, api_key: Secret::new(api_key) })
    }

    /// Whom to ask, by the URL of the call.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn url(&self) -> String {
        self.target.url()
    }

    /// The longest answer that is read, in bytes; no text of a request is looked at any further, either.
    #[wasm_bindgen(getter, js_name = maxBody)]
    #[must_use]
    pub fn max_body(&self) -> usize {
        MAX_BODY
    }

    /// Judges a request, counts it and says what to do for it, where nobody else is asked about it: as `judge`, `admit`
    /// and `ask` do one after the other.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "a call for each would take longer than what is decided")]
    pub fn begin(
        &self,
        method: &str,
        url: &str,
        origin: Option<String>,
        site: Option<String>,
        token: &str,
        remote: Option<String>,
        forwarded: Option<String>,
    ) -> JsValue {
        let (origin, now) = (origin.as_deref(), Date::now());
        let judged = self.judged(&Call { method, url, origin, site: site.as_deref(), token: Ok(token) }, now);
        let begun = judged.and_then(|token| {
            let address = self.admitted(origin, None, remote.as_deref(), forwarded.as_deref(), now)?;
            self.asked(origin, token, address.as_deref(), now)
        });
        begun.unwrap_or_else(convert)
    }

    /// Judges a request: its answer, or undefined where it goes on.
    #[must_use]
    pub fn judge(&self, method: &str, url: &str, origin: Option<String>, site: Option<String>, token: &str) -> JsValue {
        let (origin, site) = (origin.as_deref(), site.as_deref());
        let judged = self.judged(&Call { method, url, origin, site, token: Ok(token) }, Date::now());
        judged.map_or_else(convert, |_| JsValue::UNDEFINED)
    }

    /// Finds the end user's address, the one that the caller found or else what the socket and the proxies say, and
    /// counts its request: its answer where that is one too many.
    #[must_use]
    pub fn admit(
        &self,
        origin: Option<String>,
        found: Option<String>,
        remote: Option<String>,
        forwarded: Option<String>,
    ) -> JsValue {
        let admitted =
            self.admitted(origin.as_deref(), found.as_deref(), remote.as_deref(), forwarded.as_deref(), Date::now());
        admitted.map_or_else(convert, |address| ticketed(0, false, address.as_deref()))
    }

    /// Says what to do for a request that was authorised: its answer, or a ticket to wait for, after sending a request
    /// where it is the first.
    #[must_use]
    pub fn ask(&self, origin: Option<String>, token: &str, address: Option<String>) -> JsValue {
        let (origin, address) = (origin.as_deref(), address.as_deref());
        let read = OldToken::read(token, "");
        let read = read.map_err(|reason| self.inner.borrow().failed(origin, &Failure::invalid(reason)));
        read.and_then(|token| self.asked(origin, token, address, Date::now())).unwrap_or_else(convert)
    }

    /// Judges what a ticket's request has come to, by `exchange` of `http.js`, and takes note of it. Returns the answer
    /// that brings a token, or why there is none. A ticket of 0 is none of this route's: then it is the token's own.
    #[must_use]
    pub fn land(
        &self,
        ticket: u32,
        origin: Option<String>,
        token: &JsValue,
        address: &JsValue,
        exchanged: &JsValue,
    ) -> JsValue {
        self.landed(ticket, origin.as_deref(), (token, address), |old| outcome(exchanged, old, 0.0))
    }

    /// The same for a whole answer in bytes, as most are.
    #[wasm_bindgen(js_name = landWhole)]
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "a call for each would take longer than what is decided")]
    pub fn land_whole(
        &self,
        ticket: u32,
        origin: Option<String>,
        token: &JsValue,
        address: &JsValue,
        status: u16,
        redirected: bool,
        retry_after: Option<String>,
        trace_id: Option<String>,
        body: Vec<u8>,
    ) -> JsValue {
        let answer = answer_of(status, redirected, retry_after, trace_id, Body::Whole(body));
        self.landed(ticket, origin.as_deref(), (token, address), |old| judge(&answer, old, 0.0, Date::now()))
    }

    /// Returns the answer for the body of another one, which brought a token.
    #[must_use]
    pub fn shared(&self, origin: Option<String>, body: &str) -> JsValue {
        convert(self.inner.borrow().shared(origin.as_deref(), body))
    }

    /// Returns the answer for an outcome without a token; without an outcome it is a fault of this server's.
    #[must_use]
    pub fn failed(&self, origin: Option<String>, outcome: &JsValue) -> JsValue {
        convert(self.inner.borrow().failed(origin.as_deref(), &failure(outcome)))
    }

    /// Returns the answer to a request that the user's own function did not authorise.
    #[must_use]
    pub fn unauthorised(&self, origin: Option<String>) -> JsValue {
        convert(self.inner.borrow().cors(origin.as_deref()).refusal(
            403,
            "This request is not authorised",
            Code::Forbidden,
        ))
    }
}

impl Route {
    #[inline(never)]
    fn judged(&self, call: &Call<'_>, now: f64) -> Result<OldToken, Reply> {
        self.inner.borrow().judge(call, now)
    }

    #[inline(never)]
    fn admitted(
        &self,
        origin: Option<&str>,
        found: Option<&str>,
        remote: Option<&str>,
        forwarded: Option<&str>,
        now: f64,
    ) -> Result<Option<String>, Reply> {
        let mut route = self.inner.borrow_mut();
        let address = found.and_then(Address::read).or_else(|| route.client(remote, forwarded));
        let household = address.map(|address| key(&address.household().to_le_bytes()));
        route.admit(origin, household, now).map_or_else(|| Ok(address.map(|address| address.to_string())), Err)
    }

    #[inline(never)]
    fn asked(&self, origin: Option<&str>, token: OldToken, address: Option<&str>, now: f64) -> Result<JsValue, Reply> {
        let mut route = self.inner.borrow_mut();
        match route.ask(key(token.token.expose().as_bytes()), now) {
            Ask::Send(ticket) => {
                route.keep(ticket, token.sent_with(self.sent_with(address)));
                Ok(ticketed(ticket, true, address))
            }
            Ask::Join(ticket) => Ok(ticketed(ticket, false, address)),
            Ask::Repeat(token) => Err(route.refreshed(origin, token.expose(), reply::Outcome::Repeated)),
            Ask::Limited(wait_ms) => Err(route.cors(origin).limited(wait_ms)),
        }
    }

    fn landed(
        &self,
        ticket: u32,
        origin: Option<&str>,
        sent: (&JsValue, &JsValue),
        judge: impl FnOnce(&OldToken) -> Outcome<NewToken>,
    ) -> JsValue {
        let taken = self.inner.borrow_mut().take(ticket);
        let landed = taken.map_or_else(|| self.read_again(sent).map(Box::new), Ok).and_then(|old| {
            judge(&old).map_err(|failure| old.expired_since(&failure, 0.0, Date::now()).unwrap_or(failure))
        });
        self.noted(ticket, origin, landed)
    }

    #[inline(never)]
    fn noted(&self, ticket: u32, origin: Option<&str>, landed: Outcome<NewToken>) -> JsValue {
        let (mut route, now) = (self.inner.borrow_mut(), Date::now());
        match landed {
            Ok(new) => {
                let new_token = new.token.expose();
                route.land(ticket, Some((new_token, to_f64(new.claims.expires_at))), now);
                convert(route.refreshed(origin, new_token, reply::Outcome::Refreshed))
            }
            Err(failure) => {
                route.land(ticket, None, now);
                let mut outcome = Plain::new();
                outcome.text("code", Some(failure.code.as_str()));
                outcome.text("errorCode", failure.error_code.as_deref());
                outcome.text("traceId", failure.trace_id.as_deref());
                outcome.number("status", failure.status.map(f64::from));
                outcome.number("retryAfterMs", failure.retry_after_ms);
                outcome.end()
            }
        }
    }

    /// Reads a token of which this route knows nothing: it was sent by the one before a fault.
    #[inline(never)]
    fn read_again(&self, (token, address): (&JsValue, &JsValue)) -> Outcome<OldToken> {
        let sent_with = self.sent_with(address.as_string().as_deref());
        let read = token_text(token).and_then(|text| OldToken::read(&text, &sent_with));
        read.map_err(Failure::invalid)
    }

    /// Returns what goes with a token, and is shown no more than it.
    fn sent_with(&self, address: Option<&str>) -> String {
        joined(&[self.api_key.expose(), " ", address.unwrap_or_default()])
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

thread_local! {
    /// What nobody knows. It is drawn with the first token: some runtimes have no chance in store before a request.
    static SEED: SipHasher24 = SipHasher24::new_with_key(&random().try_into().unwrap_or_default());
}

/// Returns the key of a token, trimmed, or of a household: a hash that nobody who does not know the seed finds another one for.
fn key(bytes: &[u8]) -> Key {
    SEED.with(|seed| seed.hash(bytes).as_u128())
}

/// Reads an outcome without a token.
fn failure(outcome: &JsValue) -> Failure {
    let code = text(outcome, "code");
    let known = Code::ALL.iter().find(|known| code.as_deref() == Some(known.as_str()));
    let mut failure = Failure::new(known.copied().unwrap_or(Code::Internal));
    let number = |name: &str| field(outcome, name).as_f64().filter(|number| *number >= 0.0);
    let status = (0..=999_u16).find(|&status| number("status") == Some(status.into()));
    if known.is_some() {
        let short = |name| text(outcome, name).as_deref().and_then(Short::new);
        (failure.error_code, failure.trace_id) = (short("errorCode"), short("traceId"));
        (failure.status, failure.retry_after_ms) = (status, number("retryAfterMs"));
    }
    failure
}

thread_local! {
    static LATEST: RefCell<Option<(Reply, JsValue)>> = const { RefCell::new(None) };
}

/// Returns an answer as an object. Most are like the one before, which nobody changes, but for the body.
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
    let converted = converted.end();
    put(&converted, "headers", &headers.end());
    converted
}
