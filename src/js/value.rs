//! Foreign values: read, called and made with every step caught. They may be another realm's, a polyfill's, a
//! proxy whose traps throw: none of it may unwind through this module's frames.

use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: JsValue;

    #[wasm_bindgen(js_namespace = Reflect, js_name = get, catch)]
    fn reflect_get(target: &JsValue, key: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = set)]
    fn reflect_set(target: &JsValue, name: &str, value: &JsValue) -> bool;

    #[wasm_bindgen(js_namespace = Reflect, js_name = apply, catch)]
    fn reflect_apply(function: &JsValue, this: &JsValue, arguments: &Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = construct, catch)]
    fn reflect_construct(class: &JsValue, arguments: &Array) -> Result<JsValue, JsValue>;
}

/// Reads a field; fails where there is no object or its getter throws.
pub(super) fn field(value: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    reflect_get(value, &name.into())
}

/// Reads a field that is a string.
pub(super) fn text(value: &JsValue, name: &str) -> Option<String> {
    field(value, name).ok()?.as_string()
}

/// Tells whether a value is an iterable.
pub(super) fn is_iterable(value: &JsValue) -> bool {
    let method = field(&global("Symbol"), "iterator").and_then(|symbol| reflect_get(value, &symbol));
    method.is_ok_and(|method| method.is_function())
}

/// Sets a field of an object of our own.
pub(super) fn put(object: &JsValue, name: &str, value: &JsValue) {
    reflect_set(object, name, value);
}

/// Reads a global; undefined where there is none.
pub(super) fn global(name: &str) -> JsValue {
    GLOBAL.with(|global| field(global, name)).unwrap_or_default()
}

/// Calls a function.
pub(super) fn apply(function: &JsValue, this: &JsValue, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    reflect_apply(function, this, &list(arguments))
}

/// Calls a method.
pub(super) fn invoke(this: &JsValue, name: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    apply(&field(this, name)?, this, arguments)
}

/// Makes an object of a global class; fails where there is none.
pub(super) fn construct(class: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    reflect_construct(&global(class), &list(arguments))
}

/// Makes an array.
pub(super) fn list(values: &[&JsValue]) -> Array {
    let array = Array::new();
    for value in values {
        array.push(value);
    }
    array
}
