//! Results on their way out of the checker alone, as plain objects. They are so few that setting a field is less
//! code than a serialiser, by half a kilobyte.

use js_sys::Object;
use wasm_bindgen::JsValue;

use super::value::put;

/// A plain object, made member by member.
pub(super) struct Plain(Object);

impl Plain {
    pub(super) fn new() -> Self {
        Self(Object::new())
    }

    /// Adds a member where there is a text for it.
    pub(super) fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            put(&self.0, key, &text.into());
        }
    }

    /// Adds a member, null where there is no number.
    pub(super) fn number(&mut self, key: &str, number: Option<f64>) {
        put(&self.0, key, &number.map_or(JsValue::NULL, JsValue::from_f64));
    }

    /// Adds a member.
    pub(super) fn flag(&mut self, key: &str, flag: bool) {
        put(&self.0, key, &flag.into());
    }

    pub(super) fn end(self) -> JsValue {
        self.0.into()
    }
}
