//! Results on their way out, as plain objects.

use serde::{Serialize, Serializer as Serialise};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

/// A plain value of JavaScript's. One type for all results is one piece of code for all of them, where derived
/// serialisers would be one each.
pub(super) enum Plain<'a> {
    Null,
    Flag(bool),
    Number(f64),
    Text(&'a str),
    Object(&'a [(&'static str, Plain<'a>)]),
    /// A member that is left out of its object.
    Absent,
}

impl<'a> Plain<'a> {
    /// A member that is left out where there is no text.
    pub(super) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}

impl Serialize for Plain<'_> {
    fn serialize<S: Serialise>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null | Self::Absent => serializer.serialize_none(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Object(members) => serializer.collect_map(
                members.iter().filter(|(_, value)| !matches!(value, Plain::Absent)).map(|(key, value)| (*key, value)),
            ),
        }
    }
}

/// Converts a result; nothing of it can fail to convert.
pub(super) fn to_js(value: &Plain<'_>) -> JsValue {
    value.serialize(&Serializer::json_compatible()).unwrap_or_default()
}
