//! One HTTP exchange through the Fetch API: the request sent, the answer read, no rule of ours.
//!
//! The types are gloo-net's. Its `send` is not used: it panics on what it does not expect (a rejection that is
//! no `Error` of this realm, a `fetch` that throws), so `fetch` is called here with every step caught.

use gloo_net::http::{Headers, Response};
use js_sys::{ArrayBuffer, Function, JsString, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ResponseType};

use crate::error::Cause;
use crate::refresh::{Answer, Body, MAX_BODY};

#[wasm_bindgen]
extern "C" {
    type Request;

    #[wasm_bindgen(constructor, catch)]
    fn new(url: &str, init: &Object) -> Result<Request, JsValue>;

    type Reader;

    #[wasm_bindgen(method, structural, catch)]
    fn read(this: &Reader) -> Result<JsValue, JsValue>;

    type Duck;

    #[wasm_bindgen(method, structural, catch, js_name = getReader)]
    fn get_reader(this: &Duck) -> Result<Reader, JsValue>;

    #[wasm_bindgen(method, structural, catch)]
    fn text(this: &Duck) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, structural, catch)]
    fn get(this: &Duck, name: &str) -> Result<JsValue, JsValue>;
}

/// What came instead of an answer.
pub(super) enum NoAnswer {
    /// `fetch` threw or its promise was rejected.
    Thrown(Cause),
    /// It gave something that is no `Response`.
    NoResponse,
}

/// Sends one request and reads its answer. Dropping the future aborts the request.
pub(super) async fn exchange(fetch: &Function, url: &str, headers: &[(String, String)]) -> Result<Answer, NoAnswer> {
    let mut connection = Connection { controller: AbortController::new().ok(), open: true };
    let init = init(headers, connection.controller.as_ref());
    let sent =
        fetch.call2(&JsValue::UNDEFINED, &url.into(), &init).map_err(|thrown| NoAnswer::Thrown(cause(&thrown)))?;
    let value = settled(&sent).await.map_err(|thrown| NoAnswer::Thrown(cause(&thrown)))?;
    let answer = read(&value).await.ok_or(NoAnswer::NoResponse)?;
    connection.open = !matches!(answer.body, Body::Whole(_));
    Ok(answer)
}

/// Aborts the request on the way out, unless it was read to its end.
struct Connection {
    controller: Option<AbortController>,
    open: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let (true, Some(controller)) = (self.open, &self.controller) {
            controller.abort();
        }
    }
}

/// Waits for whatever a function gave, promise, thenable or value. (`Promise.resolve` could throw here.)
async fn settled(value: &JsValue) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, _reject| {
        let _: Result<JsValue, JsValue> = resolve.call1(&JsValue::UNDEFINED, value);
    });
    JsFuture::from(promise).await
}

fn init(headers: &[(String, String)], controller: Option<&AbortController>) -> Object {
    let init = Object::new();
    let fetch_headers = Headers::new();
    for (name, value) in headers {
        fetch_headers.set(name, value);
    }
    put(&init, "method", &"GET".into());
    put(&init, "headers", &fetch_headers.into_raw());
    FIELDS.with(|fields| {
        for (name, value) in fields {
            put(&init, name, &(*value).into());
        }
    });
    if let Some(controller) = controller {
        put(&init, "signal", &controller.signal());
    }
    init
}

fn put(object: &Object, name: &str, value: &JsValue) {
    // A plain object of our own takes any field.
    let _: Result<bool, JsValue> = Reflect::set(object, &name.into(), value);
}

/// What a credential's request asks of the Fetch standard: no cookie, no copy in a cache, no referrer, and
/// never on to another server. Second, what to ask where the runtime refuses the first.
const WANTED: [(&str, &str, Option<&str>); 4] = [
    ("redirect", "error", Some("manual")),
    ("credentials", "omit", None),
    ("cache", "no-store", None),
    ("referrerPolicy", "no-referrer", None),
];

thread_local! {
    /// What of it this runtime takes: workerd refuses some by throwing, so each is tried once, on no network.
    static FIELDS: Vec<(&'static str, &'static str)> = WANTED
        .into_iter()
        .filter_map(|(name, first, second)| Some((name, [Some(first), second].into_iter().flatten().find(|value| takes(name, value))?)))
        .collect();
}

fn takes(name: &str, value: &str) -> bool {
    let probe = Object::new();
    put(&probe, name, &value.into());
    Request::new("http://localhost/", &probe).is_ok() || !has_request()
}

fn has_request() -> bool {
    Reflect::has(&js_sys::global(), &"Request".into()).unwrap_or(false)
}

/// Reads what `fetch` gave; none where it is no `Response`.
///
/// It may be another realm's, another library's or a test's, with getters that throw: what matters is copied
/// field by field, catching, and gloo-net's `Response` reads the copy.
async fn read(value: &JsValue) -> Option<Answer> {
    let copy = Object::new();
    for name in ["type", "redirected", "body"] {
        put(&copy, name, &field(value, name)?);
    }
    let status = field(value, "status")?.as_f64().filter(|status| (0.0..1000.0).contains(status))?;
    put(&copy, "status", &status.into());
    let response = Response::from(copy.unchecked_into::<web_sys::Response>());
    let headers = field(value, "headers").filter(JsValue::is_object)?.unchecked_into::<Duck>();
    let header = |name: &str| headers.get(name).ok()?.as_string();
    let body = match response.body() {
        Some(stream) => read_stream(stream.unchecked_ref()).await,
        None => read_text(value.unchecked_ref()).await?,
    };
    Some(Answer {
        status: response.status(),
        redirected: response.redirected() || response.type_() == ResponseType::Opaqueredirect,
        retry_after: header("retry-after"),
        trace_id: header("trace-id"),
        body,
    })
}

/// Reads a field of a foreign object; none where there is no object or its getter throws.
fn field(value: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(value, &name.into()).ok()
}

/// Reads a body stream to its end or to the limit.
async fn read_stream(stream: &Duck) -> Body {
    let Ok(reader) = stream.get_reader() else {
        return Body::Broken;
    };
    let mut bytes = Vec::new();
    loop {
        let Ok(pending) = reader.read() else {
            return Body::Broken;
        };
        let Ok(result) = settled(&pending).await else {
            return Body::Broken;
        };
        let (Some(done), Some(value)) = (field(&result, "done"), field(&result, "value")) else {
            return Body::Broken;
        };
        if done.is_truthy() {
            return Body::Whole(bytes);
        }
        if !ArrayBuffer::is_view(&value) {
            return Body::Broken;
        }
        let chunk = Uint8Array::new(&value);
        if bytes.len() + usize::try_from(chunk.length()).unwrap_or(MAX_BODY) > MAX_BODY {
            return Body::TooLong;
        }
        bytes.extend(chunk.to_vec());
    }
}

/// Reads a body where there is no stream (React Native, or no body at all); none where there is no `text()`.
async fn read_text(response: &Duck) -> Option<Body> {
    let pending = match field(response, "text") {
        Some(text) if text.is_function() => response.text(),
        _ => return None,
    };
    let Ok(pending) = pending else {
        return Some(Body::Broken);
    };
    let Ok(Ok(text)) = settled(&pending).await.map(JsCast::dyn_into::<JsString>) else {
        return Some(Body::Broken);
    };
    if text.length() > u32::try_from(MAX_BODY).unwrap_or(u32::MAX) {
        return Some(Body::TooLong);
    }
    let bytes = String::from(text).into_bytes();
    Some(if bytes.len() > MAX_BODY { Body::TooLong } else { Body::Whole(bytes) })
}

/// Returns the name and code of what was thrown; Node's `fetch` has the code one level down.
fn cause(thrown: &JsValue) -> Cause {
    let text = |value: Option<JsValue>| value?.as_string();
    let code = |value: &JsValue| text(field(value, "code"));
    Cause { name: text(field(thrown, "name")), code: code(thrown).or_else(|| code(&field(thrown, "cause")?)) }
}
