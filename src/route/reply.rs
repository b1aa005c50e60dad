//! Answers, in the shapes of the API and with texts of this package.
//!
//! An answer repeats only these texts of others: the new token, a harmless error code, a harmless trace id, and an origin of the list.

use core::time::Duration;
use std::borrow::Cow;

use super::limit::Limited;
use crate::error::{Code, Failure, joined};

/// The `outcome` of a request, for `onEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Transak gave a new token.
    Refreshed,
    /// The new token came from another request that was in flight.
    Shared,
    /// An earlier request got the new token, and the route has kept it.
    Repeated,
    /// It was the preflight of a browser.
    Preflight,
    /// The route refused the request.
    Refused,
    /// A limit was reached.
    Limited,
    /// Transak gave no token.
    Failed,
}

impl Outcome {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refreshed => "refreshed",
            Self::Shared => "shared",
            Self::Repeated => "repeated",
            Self::Preflight => "preflight",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
        }
    }
}

/// Why a request was not served, for `onEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Pages of its origin may not call the route.
    Origin,
    /// `authorize` did not allow it, or failed.
    Authorize,
    /// Its token is invalid, or has expired.
    Token,
    /// Its address sent too many requests, or too many tokens that Transak refused.
    Address,
    /// A limit for a token or a total was reached.
    Limit,
    /// Transak gave no token.
    Upstream,
    /// A function of the options, or Transak, took too long.
    Timeout,
}

impl Reason {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Address => "address",
            Self::Limit => "limit",
            Self::Upstream => "upstream",
            Self::Timeout => "timeout",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body, in JSON; none for a preflight.
    pub body: Option<String>,
    /// What became of the request.
    pub outcome: Outcome,
    /// The code that a client of this package sees, if the answer is a failure.
    pub code: Option<Code>,
    /// Why it is a failure.
    pub reason: Option<Reason>,
}

impl Reply {
    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says why it is a failure.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }
}

/// What a page may read.
#[derive(Clone, Copy, Debug)]
pub struct Cors<'a> {
    /// The page's origin, if it is on the list.
    pub(super) origin: Option<&'a str>,
    /// Whether it may send its cookie.
    pub(super) allows_credentials: bool,
}

impl Cors<'_> {
    /// The answer to a browser that asks whether its page may send `authorization` and other headers. A page of a listed origin may
    /// send any header, because `authorize` may need it.
    pub(super) fn preflight(self, wanted: Option<&str>) -> Reply {
        let allowed = wanted.filter(|names| names.bytes().all(is_of_names)).unwrap_or("authorization");
        self.reply(204, None, Outcome::Preflight)
            .with("access-control-allow-methods", "GET")
            .with("access-control-allow-headers", allowed.to_owned())
            .with("access-control-max-age", "600")
    }

    /// The answer that brings a token, which is three parts of the base64url alphabet and needs no escape.
    pub(super) fn token(self, token: &str, outcome: Outcome) -> Reply {
        self.body(joined(&[r#"{"data":{"accessToken":""#, token, r#""}}"#]), outcome)
    }

    /// The same answer, from its body.
    pub(super) fn body(self, body: String, outcome: Outcome) -> Reply {
        self.reply(200, Some(body), outcome)
    }

    /// A refusal by the route itself.
    #[must_use]
    pub fn refusal(self, status: u16, message: &str, code: Code) -> Reply {
        self.error(status, message, None, code)
    }

    /// The refusal of a token, with Transak's errorCode 1002.
    pub(super) fn unauthorized(self, message: &str, code: Code) -> Reply {
        self.error(401, message, Some("1002"), code)
    }

    /// The refusal if a limit is reached.
    #[must_use]
    pub fn limited(self, Limited { wait_ms, reason }: Limited) -> Reply {
        let refusal = self.refusal(429, "Too many requests", Code::RateLimited).because(reason);
        Reply { outcome: Outcome::Limited, ..refusal }.with("retry-after", seconds(wait_ms))
    }

    /// The answer if a function of the options fails, or does not return in time.
    #[must_use]
    pub fn unserved(self, is_late: bool, reason: Option<Reason>) -> Reply {
        let refusal = if is_late {
            self.refusal(503, "This server gave no answer in time", Code::Timeout).because(Reason::Timeout)
        } else {
            Reply { reason, ..self.refusal(500, message(Code::Internal), Code::Internal) }
        };
        Reply { outcome: Outcome::Failed, ..refusal }
    }

    /// The answer for a request to Transak that failed.
    pub(super) fn failure(self, failure: &Failure) -> Reply {
        let error_code = failure.error_code.as_deref();
        let status = match (failure.code, failure.status) {
            (Code::Unauthorized | Code::TokenExpired | Code::InvalidToken, _) => 401,
            // A browser would take a 407 for an answer of its own proxy.
            (Code::Rejected, Some(status @ (400..=406 | 408..=499))) | (Code::Server, Some(status @ 500..=599)) => {
                status
            }
            (Code::Rejected, _) => 400,
            (Code::RateLimited, _) => 429,
            // Not 403, because Transak refused the backend, and the page cannot change that.
            (Code::Forbidden | Code::Server | Code::Network | Code::BadResponse, _) => 502,
            (Code::Timeout, _) => 504,
            _ => 500,
        };
        let (message, error_code) = match (status, failure.code) {
            (401, code) => (code.about(), error_code.or(Some("1002"))),
            (_, Code::Forbidden) if !failure.detail.is_empty() => (CHALLENGED, error_code),
            (_, code) => (message(code), error_code),
        };
        let mut reply = self.error(status, message, error_code, failure.code);
        reply.outcome = Outcome::Failed;
        reply.reason = Some(if failure.code == Code::Timeout { Reason::Timeout } else { Reason::Upstream });
        if let Some(trace_id) = &failure.trace_id {
            reply = reply.with("trace-id", trace_id.clone());
        }
        let again_ms = if failure.code == Code::Forbidden { Some(FORBIDDEN_AGAIN_MS) } else { failure.retry_after_ms };
        if let Some(wait_ms) = again_ms {
            reply = reply.with("retry-after", seconds(wait_ms));
        }
        reply
    }

    fn error(self, status: u16, message: &str, error_code: Option<&str>, code: Code) -> Reply {
        let number = status.to_string();
        let quote = if error_code.is_some_and(is_number) { "" } else { "\"" };
        let error_code = error_code.map_or(String::new(), |code| joined(&[",\"errorCode\":", quote, code, quote]));
        let head = r#"{"error":{"statusCode":"#;
        let body = joined(&[head, &number, r#","message":""#, message, "\"", &error_code, "}}"]);
        Reply { code: Some(code), ..self.reply(status, Some(body), Outcome::Refused) }
    }

    fn reply(self, status: u16, body: Option<String>, outcome: Outcome) -> Reply {
        let reply = Reply { status, headers: Vec::with_capacity(8), body, outcome, code: None, reason: None };
        let mut reply = reply.with("cache-control", "no-store").with("vary", "Origin");
        if reply.body.is_some() {
            reply = reply.with("content-type", "application/json; charset=utf-8");
        }
        reply.headers.extend(self.headers());
        reply
    }

    /// Returns the headers that let the page read an answer.
    pub fn headers(self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
        let headers = move |origin: &str| {
            let credentials = ("access-control-allow-credentials", Cow::Borrowed("true"));
            [
                Some(("access-control-allow-origin", Cow::Owned(origin.to_owned()))),
                Some(("access-control-expose-headers", Cow::Borrowed("trace-id, retry-after"))),
                self.allows_credentials.then_some(credentials),
            ]
        };
        self.origin.map(headers).into_iter().flatten().flatten()
    }
}

/// How long to wait if Transak refuses this server. Somebody has to change the configuration first.
const FORBIDDEN_AGAIN_MS: f64 = 60_000.0;

const CHALLENGED: &str = "The bot protection of Transak's CDN refused this server";

/// Returns the message for a request to Transak that failed.
fn message(code: Code) -> &'static str {
    match code {
        Code::Forbidden => "Transak refused this server: its address or its api key",
        Code::Rejected => "Transak rejected the request",
        Code::RateLimited => "Transak asks for fewer requests",
        Code::Server => "Transak failed",
        Code::Network => "Transak gave no answer",
        Code::Timeout => "Transak gave no answer in time",
        Code::BadResponse => "Transak gave an answer that cannot be used",
        _ => "This server failed",
    }
}

/// Tells whether a byte is of a list of names of headers, as browsers write one.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b',' | b' ')
}

/// Tells whether an error code is a number as JSON writes one.
fn is_number(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_digit()) && (code == "0" || !code.starts_with('0'))
}

/// Returns whole seconds, rounded up, and at least one. A client that comes a moment too early would be refused again.
fn seconds(wait_ms: f64) -> String {
    // This writes a whole number, because code that writes a float takes 20 kB.
    Duration::try_from_secs_f64((wait_ms / 1000.0).ceil().max(1.0)).unwrap_or(Duration::MAX).as_secs().to_string()
}
