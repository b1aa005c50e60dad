//! One HTTP exchange through the Fetch API: the request sent, the answer read, no rule of ours.
//!
//! The types are gloo-net's. Its `send` is not used: it panics on what it does not expect (a rejection that is
//! no `Error` of this realm, a `fetch` that throws), so `fetch` is called here with every step caught.

use core::cell::Cell;

use gloo_net::http::Response;
use js_sys::{ArrayBuffer, Date, JsString, Object, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::ResponseType;

use super::latch::{Latch, Waited};
use super::value::{apply, construct, field, global, invoke, put, text};
use crate::error::Cause;
use crate::refresh::{Answer, Body, MAX_BODY, MAX_BODY_UNITS};

/// What an exchange comes to.
pub(super) enum Exchange {
    Answered(Answer),
    /// `fetch` threw or its promise was rejected.
    Thrown(Cause),
    /// It gave something that is no `Response`.
    NoResponse,
    /// The latch opened first.
    Cut,
}

/// Sends one request and reads its answer, unless the latch opens first.
pub(super) async fn exchange(fetch: &JsValue, url: &str, headers: &JsValue, cut: &Latch) -> Exchange {
    let mut connection = Connection(construct("AbortController", &[]).ok());
    let sent = apply(fetch, &JsValue::UNDEFINED, &[&url.into(), &init(headers, connection.0.as_ref())]);
    let waited = match sent {
        Ok(sent) => cut.waited(cut.race(sent).await),
        Err(thrown) => Waited::Thrown(thrown),
    };
    let exchange = match waited {
        Waited::Value(value) => read(&value, cut).await,
        Waited::Thrown(thrown) => Exchange::Thrown(cause(&thrown)),
        Waited::Cut => Exchange::Cut,
    };
    if matches!(exchange, Exchange::Answered(Answer { body: Body::Whole(_), .. })) {
        connection.0 = None;
    }
    exchange
}

/// An `AbortController` that aborts the request on the way out, unless it was read to its end.
struct Connection(Option<JsValue>);

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            let _: Result<JsValue, JsValue> = invoke(controller, "abort", &[]);
        }
    }
}

fn init(headers: &JsValue, controller: Option<&JsValue>) -> Object {
    let init = Object::new();
    put(&init, "method", &"GET".into());
    put(&init, "headers", headers);
    for (index, (name, value)) in WANTED.into_iter().enumerate() {
        if taken() >> index & 1 == 1 {
            put(&init, name, &value.into());
        }
    }
    if let Some(Ok(signal)) = controller.map(|controller| field(controller, "signal")) {
        put(&init, "signal", &signal);
    }
    init
}

/// What a credential's request asks of the Fetch standard: no cookie, no copy in a cache, no referrer, and
/// never on to another server. Of two for one field the later counts.
const WANTED: [(&str, &str); 5] = [
    ("redirect", "manual"),
    ("redirect", "error"),
    ("credentials", "omit"),
    ("cache", "no-store"),
    ("referrerPolicy", "no-referrer"),
];

thread_local! {
    static TAKEN: Cell<u8> = const { Cell::new(0) };
}

/// Returns a bit for each of [`WANTED`] that this runtime takes: workerd refuses some by throwing, so each is
/// tried once, on no network.
fn taken() -> u8 {
    if TAKEN.get() == 0 {
        let bits = WANTED.iter().rev().fold(0, |bits, (name, value)| bits << 1 | u8::from(takes(name, value)));
        TAKEN.set(bits);
    }
    TAKEN.get()
}

fn takes(name: &str, value: &str) -> bool {
    let probe = Object::new();
    put(&probe, name, &value.into());
    global("Request").is_undefined() || construct("Request", &[&"http://localhost/".into(), &probe]).is_ok()
}

/// Reads what `fetch` gave.
async fn read(value: &JsValue, cut: &Latch) -> Exchange {
    let Some((response, headers)) = copy(value) else { return Exchange::NoResponse };
    // A stream that cannot be read as the Fetch standard has it is another library's; that has text().
    let body = match response.body().filter(|stream| is_function(stream, "getReader")) {
        Some(stream) => read_stream(&stream, cut).await,
        None => read_text(value, cut).await,
    };
    // A refusal is one whatever its body does.
    let body = if response.status() == 200 { body } else { Some(body.unwrap_or_default()) };
    let header = |name: &str| invoke(&headers, "get", &[&name.into()]).ok()?.as_string();
    body.map_or(Exchange::Cut, |body| {
        let retry_after = header("retry-after");
        Exchange::Answered(Answer {
            status: response.status(),
            redirected: response.redirected() || response.type_() == ResponseType::Opaqueredirect,
            retry_after_date: retry_after.as_deref().map(Date::parse),
            retry_after,
            trace_id: header("trace-id"),
            body,
        })
    })
}

/// Takes a `Response` for what it says it is: another realm's, another library's, a test's, with getters that
/// throw. What matters is copied, catching, and gloo-net's type reads the copy. None for what is no response.
fn copy(value: &JsValue) -> Option<(Response, JsValue)> {
    let copy = Object::new();
    for name in ["type", "body"] {
        put(&copy, name, &field(value, name).ok()?);
    }
    put(&copy, "redirected", &field(value, "redirected").ok()?.is_truthy().into());
    let status = field(value, "status").ok()?.as_f64().filter(|status| (0.0..1000.0).contains(status))?;
    put(&copy, "status", &status.into());
    let headers = field(value, "headers").ok()?;
    let is_response = is_function(&headers, "get") && is_function(value, "text");
    is_response.then(|| (Response::from(copy.unchecked_into::<web_sys::Response>()), headers))
}

fn is_function(value: &JsValue, name: &str) -> bool {
    field(value, name).is_ok_and(|method| method.is_function())
}

/// Reads a body stream to its end or to the limit; none where the latch opens first.
async fn read_stream(stream: &JsValue, cut: &Latch) -> Option<Body> {
    let Ok(reader) = invoke(stream, "getReader", &[]) else { return Some(Body::Broken) };
    let mut bytes = Vec::new();
    let mut read = 0;
    loop {
        let Ok(pending) = invoke(&reader, "read", &[]) else { return Some(Body::Broken) };
        let result = match cut.waited(cut.race(pending).await) {
            Waited::Value(result) => result,
            Waited::Thrown(_) => return Some(Body::Broken),
            Waited::Cut => return None,
        };
        let (Ok(done), Ok(value)) = (field(&result, "done"), field(&result, "value")) else {
            return Some(Body::Broken);
        };
        if done.is_truthy() {
            return Some(Body::Whole(bytes));
        }
        if !ArrayBuffer::is_view(&value) {
            return Some(Body::Broken);
        }
        let Ok(chunk) = construct("Uint8Array", &[&value]) else { return Some(Body::Broken) };
        let chunk = chunk.unchecked_into::<Uint8Array>().to_vec();
        // An empty chunk counts too: a body of nothing else must end.
        read += chunk.len().max(1);
        if read > MAX_BODY {
            return Some(Body::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// Reads a body where there is no stream: React Native's, or none at all. None where the latch opens first.
async fn read_text(response: &JsValue, cut: &Latch) -> Option<Body> {
    let Ok(pending) = invoke(response, "text", &[]) else { return Some(Body::Broken) };
    match cut.waited(cut.race(pending).await) {
        Waited::Value(text) => Some(match text.dyn_ref::<JsString>() {
            None => Body::Broken,
            Some(text) if text.length() > MAX_BODY_UNITS => Body::TooLong,
            Some(text) => Body::Whole(String::from(text).into_bytes()),
        }),
        Waited::Thrown(_) => Some(Body::Broken),
        Waited::Cut => None,
    }
}

/// Returns the name and code of what was thrown; Node's `fetch` has the code one level down.
fn cause(thrown: &JsValue) -> Cause {
    let code = text(thrown, "code").or_else(|| text(&field(thrown, "cause").ok()?, "code"));
    Cause { name: text(thrown, "name"), code }
}
