//! Foreign values. JavaScript reads them, and catches each error. A value may be from another realm or a polyfill, or a proxy whose
//! traps throw. No exception may pass through a frame of the wasm.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/foreign.js")]
extern "C" {
    /// Reads a field. Undefined if there is no object, or if only the root of its prototype chain has the field. Null if reading
    /// throws.
    #[wasm_bindgen(js_name = read)]
    pub(super) fn field(value: &JsValue, name: &str) -> JsValue;

    /// Tells whether a value can be iterated by `iterator` or `asyncIterator`. A string counts as not iterable.
    pub(super) fn iterates(value: &JsValue, symbol: &str) -> bool;

    /// Returns a list as an array; null for any other value.
    #[wasm_bindgen(js_name = arrayOf)]
    pub(super) fn array_of(value: &JsValue) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    /// Sets a field of an object of this package.
    #[wasm_bindgen(js_namespace = Reflect, js_name = set)]
    pub(super) fn put(object: &JsValue, name: &str, value: &JsValue) -> bool;
}

#[wasm_bindgen(module = "/src/js/foreign.js")]
extern "C" {
    /// Tells whether a value can be listened to as an `AbortSignal` can.
    #[wasm_bindgen(js_name = isSignal)]
    pub(super) fn is_signal(value: &JsValue) -> bool;

    /// Returns headers, as an object and as one text; null if the platform refuses them.
    #[wasm_bindgen(js_name = readHeaders)]
    pub(super) fn read_headers(init: &JsValue) -> JsValue;

    /// Returns the platform's own fetch; undefined if there is none.
    #[wasm_bindgen(js_name = platformFetch)]
    pub(super) fn platform_fetch() -> JsValue;

    /// Returns the platform's class `Headers`; undefined if there is none.
    #[wasm_bindgen(js_name = platformHeaders)]
    pub(super) fn platform_headers() -> JsValue;

    /// Returns an absolute URL as the platform writes it; null if the value is no URL. Without a location, a relative URL is resolved
    /// against `elsewhere`.
    pub(super) fn absolute(url: &JsValue, elsewhere: Option<&str>) -> JsValue;

    /// Tells whether an object has a field, even if that is undefined.
    #[wasm_bindgen(js_name = isGiven)]
    pub(super) fn is_given(value: &JsValue, name: &str) -> bool;
}

#[wasm_bindgen(module = "/src/js/options.js")]
extern "C" {
    /// Returns a name of an object that is not an option; undefined if all names are options.
    #[wasm_bindgen(js_name = unknownName)]
    pub(super) fn unknown_name(value: &JsValue, which: &str) -> JsValue;
}

/// Reads a field that is a string.
pub(super) fn text(value: &JsValue, name: &str) -> Option<String> {
    field(value, name).as_string()
}
