//! Results for JavaScript, as plain objects.

use serde::{Serialize, Serializer as _, ser::SerializeMap};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

/// A plain object, made member by member. All results share this code; derived serialisers would need code for each. It cannot
/// fail, because it holds only strings, numbers, booleans and null.
pub(super) struct Plain(Option<<&'static Serializer as serde::Serializer>::SerializeMap>);

static SERIALIZER: Serializer = Serializer::json_compatible();

/// A member's value. It is one type for all members, so that there is one serialiser.
enum Value<'a> {
    Text(&'a str),
    Number(Option<f64>),
    Flag(bool),
}

impl Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
            Self::Flag(flag) => flag.serialize(serializer),
        }
    }
}

impl Plain {
    pub(super) fn new() -> Self {
        Self(SERIALIZER.serialize_map(None).ok())
    }

    /// Adds a member if there is a text for it.
    pub(super) fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.entry(key, &Value::Text(text));
        }
    }

    /// Adds a member, which is null if there is no number.
    pub(super) fn number(&mut self, key: &str, number: Option<f64>) {
        self.entry(key, &Value::Number(number));
    }

    /// Adds a member.
    pub(super) fn flag(&mut self, key: &str, flag: bool) {
        self.entry(key, &Value::Flag(flag));
    }

    #[inline(never)]
    fn entry(&mut self, key: &str, value: &Value<'_>) {
        if let Some(map) = &mut self.0 {
            let _: Result<(), serde_wasm_bindgen::Error> = map.serialize_entry(key, value);
        }
    }

    pub(super) fn end(self) -> JsValue {
        self.0.and_then(|map| map.end().ok()).unwrap_or_default()
    }
}
