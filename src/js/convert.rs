//! Results on their way out, as plain objects.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

use crate::claims::Claims;
use crate::status::{StatusOptions, lifetime};

/// A token and its times, as `RefreshedToken` has them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenTimes<'a> {
    access_token: &'a str,
    issued_at: Option<f64>,
    refresh_at: f64,
    expires_at: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed: Option<bool>,
}

impl<'a> TokenTimes<'a> {
    /// Places a token in time for one caller; `refreshed` is for `ensureFreshToken` alone.
    pub(super) fn new(access_token: &'a str, claims: Claims, options: &StatusOptions, refreshed: Option<bool>) -> Self {
        let life = lifetime(claims, options, 0.0);
        Self {
            access_token,
            issued_at: life.issued_at,
            refresh_at: life.refresh_at,
            expires_at: life.expires_at,
            refreshed,
        }
    }
}

/// Converts a result. It is made of strings, numbers and booleans, for which no conversion fails.
pub(super) fn to_js(value: &impl Serialize) -> JsValue {
    value.serialize(&Serializer::new().serialize_missing_as_null(true)).unwrap_or(JsValue::UNDEFINED)
}
