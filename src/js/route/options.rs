//! The options of a route: read once, and checked.

use gloo_net::http::Headers;
use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::error::Result;
use crate::js::options::Bag;
use crate::js::value::read_headers;
use crate::option::Fits;
use crate::refresh::Target;
use crate::route::address::Network;
use crate::route::limit::{Limit, Limits};
use crate::route::origin::Origins;
use crate::route::{Counter, Policy};

/// Reads the policy and the server. It only checks the other options, because the caller reads them itself.
pub(super) fn policy(options: &JsValue) -> Result<(Policy, Target)> {
    let bag = Bag::new(options);
    let target = bag.target(None);
    bag.requires_server();
    bag.fetch();
    bag.number("timeoutMs", Fits::Positive);
    bag.api_key();
    bag.authorize();
    bag.function("onEvent");
    bag.function("lock");
    bag.storage();
    bag.headers_of_route();
    let policy = Policy {
        origins: bag.origins(),
        allow_server_calls: bag.flag("allowServerCalls"),
        trusted_proxies: bag.proxies(),
        limits: bag.limits(),
        counter: if bag.function("limiter") { Counter::Elsewhere } else { Counter::Here },
        allow_credentials: bag.flag("allowCredentials"),
        finds_address: bag.function("userIp"),
    };
    bag.checked((policy, target))
}

impl Bag<'_> {
    /// Checks the key, if there is one.
    fn api_key(&self) {
        let key = self.get("apiKey");
        let headers = || read_headers(&Array::of1(&Array::of2(&"x-api-key".into(), &key)));
        if key.as_string().is_some_and(|key| key.trim().is_empty()) {
            self.wrong("apiKey", " must not be empty");
        } else if !key.is_undefined() && (!key.is_string() || headers().is_null()) {
            self.wrong("apiKey", " must be a string that a header can hold");
        }
    }

    /// Checks the headers for Transak. They may not replace the headers that the route itself sends.
    fn headers_of_route(&self) {
        let (headers, _) = self.headers();
        // If they are no headers, that fault is noted already.
        if !headers.is_object() {
            return;
        }
        let headers = Headers::from_raw(headers);
        if headers.has("x-user-ip") {
            self.wrong("headers", " must not replace x-user-ip: userIp finds it");
        }
        if headers.has("x-api-key") && !self.get("apiKey").is_undefined() {
            self.wrong("headers", " must not have x-api-key beside apiKey");
        }
    }

    /// Checks `authorize`, which is required: a function, or 'none'.
    fn authorize(&self) {
        let value = self.get("authorize");
        if !value.is_function() && value.as_string().as_deref() != Some("none") {
            self.wrong("authorize", " is required: a function, or 'none'");
        }
    }

    /// Reads a list of texts; none for any other value.
    fn list(&self, name: &'static str) -> Option<Vec<String>> {
        let value = self.get(name);
        let list: &Array = value.dyn_ref()?;
        list.iter().map(|item| item.as_string()).collect()
    }

    fn origins(&self) -> Origins {
        self.list("allowedOrigins").and_then(Origins::read).unwrap_or_else(|| {
            self.wrong("allowedOrigins", " must be a list of exact origins, such as https://app.example.com");
            Origins::default()
        })
    }

    fn proxies(&self) -> Vec<Network> {
        if self.get("trustedProxies").is_undefined() {
            return Vec::new();
        }
        let list = self.list("trustedProxies");
        let networks = list.and_then(|list| list.iter().map(|text| Network::read(text)).collect());
        networks.unwrap_or_else(|| {
            self.wrong("trustedProxies", " must be a list of addresses and ranges, such as 10.0.0.0/8");
            Vec::new()
        })
    }

    fn limits(&self) -> Limits {
        let value = self.get("limit");
        if value.as_bool() == Some(false) {
            return Limits::NONE;
        }
        let (inner, default) = (Bag::of_limits(&value), Limits::default());
        let limits = Limits {
            per_address: inner.limit("perAddress", default.per_address),
            per_token: inner.limit("perToken", default.per_token),
            refused: inner.limit("refused", default.refused),
            refused_total: inner.limit("refusedTotal", default.refused_total),
            total: inner.limit("total", default.total),
        };
        inner.checked(limits).unwrap_or_else(|_| {
            self.wrong("limit", " must be false, or limits such as { total: { max: 100, windowMs: 60_000 } }");
            default
        })
    }

    fn limit(&self, name: &'static str, default: Option<Limit>) -> Option<Limit> {
        let value = self.get(name);
        if value.is_undefined() {
            return default;
        }
        let bag = Bag::of_limits(&value);
        let (max, window) = (bag.number("max", Fits::Count), bag.number("windowMs", Fits::Positive));
        let limit = max.filter(|&max| max > 0.0).zip(window).map(|(max, window_ms)| Limit { max, window_ms });
        let limit = bag.checked(limit).ok().flatten();
        if limit.is_none() {
            self.wrong(name, " must be a limit");
        }
        limit
    }
}
