//! A refresh as data: whom to ask, what to send, what the answer means, and whether to ask again.
//!
//! Someone else sends the request and reads the clock; this module knows neither promises nor headers objects.

use crate::claims::{Claims, Subject};
use crate::error::{Cause, Code, Failure};
use crate::http_date;
use crate::json::{Member, walk};
use crate::token::{Secret, decode_payload};

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The path of the call, from the API's reference.
const PATH: &str = "/api/v2/auth/refresh";

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    base: String,
    hint: &'static str,
}

impl Target {
    /// Transak's staging gateway, the only server that the API's reference names.
    #[must_use]
    pub fn staging(by_default: bool) -> Self {
        let hint = if by_default {
            "it was asked on staging, by default: a production token needs environment 'production'"
        } else {
            "it was asked on staging"
        };
        Self { base: "https://api-gateway-stg.transak.com".to_owned(), hint }
    }

    /// Transak's production gateway.
    #[must_use]
    pub fn production() -> Self {
        Self { base: "https://api-gateway.transak.com".to_owned(), hint: "it was asked on production" }
    }

    /// A server of one's own, by its absolute URL as the WHATWG's parser writes it (`URL.href`).
    ///
    /// # Errors
    /// Says what is wrong with it: a scheme but https (http is for loopback, or where it is allowed), user
    /// info, a query or a fragment.
    pub fn own(href: &str, allow_http: bool) -> Result<Self, Failure> {
        let (scheme, rest) = href.split_once("://").ok_or_else(|| Failure::option(NOT_HTTP))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if rest.contains(['?', '#']) || authority.contains('@') {
            return Err(Failure::option("baseUrl must have no user info, query or fragment"));
        }
        match scheme {
            "https" => {}
            "http" if allow_http || is_loopback(authority) => {}
            "http" => return Err(Failure::option("baseUrl must be https, or set allowHttp")),
            _ => return Err(Failure::option(NOT_HTTP)),
        }
        Ok(Self { base: href.trim_end_matches('/').to_owned(), hint: "it was asked on your own baseUrl" })
    }

    /// Returns the URL of the call.
    #[must_use]
    pub fn url(&self) -> String {
        [&self.base, PATH].concat()
    }
}

const NOT_HTTP: &str = "baseUrl must be an http or https URL";

/// Tells whether an authority is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`.
fn is_loopback(authority: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    };
    host == "[::1]"
        || host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address: core::net::Ipv4Addr| address.is_loopback())
}

/// The token to exchange, read.
#[derive(Clone, Debug)]
pub struct OldToken {
    /// The bare token.
    pub token: Secret,
    /// When it was issued and expires.
    pub claims: Claims,
    subject: Subject,
}

/// A token that an answer brought, good for what was asked.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The bare token.
    pub token: Secret,
    /// When it was issued and expires.
    pub claims: Claims,
}

impl OldToken {
    /// Reads a token, trimmed.
    ///
    /// # Errors
    /// [`Code::InvalidToken`] with the reason.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let token = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let mut payload = Vec::new();
        decode_payload(token.as_bytes(), &mut payload).map_err(Failure::invalid)?;
        let (claims, subject) = Claims::read_with_subject(&payload).map_err(Failure::invalid)?;
        Ok(Self { token: Secret::new(token.to_owned()), claims, subject })
    }

    /// Tells whether the token is expired at an instant.
    #[must_use]
    pub fn is_expired(&self, tolerance_ms: f64, now: f64) -> bool {
        self.claims.is_expired(tolerance_ms, now)
    }
}

/// An answer, as far as it matters.
#[derive(Debug, Default)]
pub struct Answer {
    /// The HTTP status; 0 for an opaque one.
    pub status: u16,
    /// Whether it is a redirect that was not followed, or the end of one that was.
    pub redirected: bool,
    /// The `retry-after` header.
    pub retry_after: Option<String>,
    /// The `trace-id` header.
    pub trace_id: Option<String>,
    /// The body.
    pub body: Body,
}

/// A body, or why there is none.
#[derive(Debug, Default)]
pub enum Body {
    /// It was read to its end.
    Whole(Vec<u8>),
    /// It is longer than [`MAX_BODY`].
    TooLong,
    /// It ended early, or could not be read at all.
    #[default]
    Broken,
}

/// What the body says, wherever it says it.
#[derive(Default)]
struct Said {
    is_json: bool,
    access_token: Option<Vec<u8>>,
    error_code: Option<Vec<u8>>,
    message: Option<Vec<u8>>,
}

impl Said {
    fn read(body: &Body) -> Self {
        let mut said = Self::default();
        let Body::Whole(bytes) = body else {
            return said;
        };
        let walked = walk(bytes, &mut |Member { parent, key, value }| match parent {
            None if key.is("data") => said.access_token = None,
            None if key.is("error") => (said.error_code, said.message) = (None, None),
            Some(parent) if parent.is("data") && key.is("accessToken") => said.access_token = value.decoded(),
            Some(parent) if parent.is("error") && key.is("errorCode") => said.error_code = value.decoded(),
            Some(parent) if parent.is("error") && key.is("message") => said.message = value.decoded(),
            _ => {}
        });
        if walked.is_none() { Self::default() } else { Self { is_json: true, ..said } }
    }

    fn error_code(&self) -> Option<&str> {
        str::from_utf8(self.error_code.as_deref()?).ok()
    }

    /// 10xx is Transak's family of "your token": missing, invalid, expired.
    fn refuses_the_token(&self) -> bool {
        let is_10xx =
            |code: &str| code.len() == 4 && code.starts_with("10") && code.bytes().all(|c| c.is_ascii_digit());
        self.error_code().is_some_and(is_10xx)
    }

    fn session_expired(&self) -> bool {
        let wanted = b"session expired";
        let in_message = |message: &[u8]| message.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted));
        self.message.as_deref().is_some_and(in_message)
    }
}

/// Judges an answer, in the documented order.
///
/// # Errors
/// The [`Failure`] that the answer stands for, its `attempts` still to be counted.
pub fn judge(
    answer: &Answer,
    old: &OldToken,
    target: &Target,
    tolerance_ms: f64,
    now: f64,
) -> Result<NewToken, Failure> {
    let said = Said::read(&answer.body);
    let (code, detail) = match answer.status {
        _ if answer.redirected => (Code::Network, "a redirect came, which is never followed"),
        500..=599 => (Code::Server, ""),
        429 => (Code::RateLimited, ""),
        408 => (Code::Timeout, ""),
        401 => (Code::Unauthorized, target.hint),
        400..=499 if said.refuses_the_token() => (Code::Unauthorized, target.hint),
        400 if said.session_expired() => (Code::Unauthorized, target.hint),
        403 => (Code::Forbidden, ""),
        400..=499 => (Code::Rejected, ""),
        300..=399 => (Code::Network, "a redirect came, which is never followed"),
        200 => match new_token(answer, said.access_token.as_deref(), said.is_json, old, tolerance_ms, now) {
            Ok(token) => return Ok(token),
            Err(detail) => (Code::BadResponse, detail),
        },
        _ => (Code::BadResponse, "its status is not 200"),
    };
    let shown = |text: Option<&str>, longest, punctuation| {
        text.filter(|text| old.token.admits(text, longest, punctuation)).map(str::to_owned)
    };
    Err(Failure {
        detail,
        status: Some(answer.status),
        error_code: shown(said.error_code(), 16, "_"),
        trace_id: shown(answer.trace_id.as_deref(), 64, "-"),
        retry_after_ms: answer.retry_after.as_deref().and_then(|value| retry_after_ms(value, now)),
        outcome_unknown: matches!(code, Code::Server | Code::Network | Code::Timeout | Code::BadResponse),
        retryable: matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504) && !answer.redirected,
        ..Failure::new(code)
    })
}

fn new_token(
    answer: &Answer,
    access_token: Option<&[u8]>,
    is_json: bool,
    old: &OldToken,
    tolerance_ms: f64,
    now: f64,
) -> Result<NewToken, &'static str> {
    match answer.body {
        Body::Whole(_) if is_json => {}
        Body::Whole(_) => return Err("it is not a JSON object"),
        Body::TooLong => return Err("it is longer than 64 KiB"),
        Body::Broken => return Err("it broke off or could not be read"),
    }
    let text = access_token.and_then(|bytes| str::from_utf8(bytes).ok()).ok_or("it has no data.accessToken")?;
    let new = OldToken::read(text).map_err(|_| "its token is invalid")?;
    if new.is_expired(tolerance_ms, now) {
        Err("its token is expired already")
    } else if new.token == old.token {
        Err("its token is the old one")
    } else if new.claims.expires_at < old.claims.expires_at {
        Err("its token expires before the old one")
    } else if new.subject != old.subject {
        Err("its token is another user's")
    } else {
        Ok(NewToken { token: new.token, claims: new.claims })
    }
}

/// Returns what a request that brought no answer stands for: what was thrown in its place, or a time-out.
#[must_use]
pub fn no_answer(code: Code, cause: Option<Cause>, old: &OldToken) -> Failure {
    let shown = |text: Option<String>| text.filter(|text| old.token.admits(text, 40, "_"));
    let cause = cause.map(|cause| Cause { name: shown(cause.name), code: shown(cause.code) });
    let retryable = matches!(code, Code::Network | Code::Timeout);
    Failure { outcome_unknown: true, retryable, cause, ..Failure::new(code) }
}

/// When to ask again, and when to give up.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// How many attempts may follow the first one.
    pub retries: u32,
    /// When the call must have settled, in milliseconds since the epoch.
    pub deadline: f64,
}

/// The longest `Retry-After` that is waited for.
const MAX_RETRY_AFTER_MS: f64 = 60_000.0;

/// The first wait is below this, each next one below twice as much.
const BACKOFF_MS: f64 = 500.0;

/// No wait is longer than this.
const MAX_BACKOFF_MS: f64 = 8_000.0;

impl Retries {
    /// Returns how long to wait before the next attempt, in milliseconds; none to give up.
    ///
    /// Exponential back-off with full jitter: `random`, in 0..1, says how much of it. A `Retry-After` is
    /// honoured where it fits, and ends the call at once where it does not.
    #[must_use]
    pub fn wait_ms(&self, failure: &Failure, random: f64, now: f64) -> Option<f64> {
        if !failure.retryable || failure.attempts > self.retries {
            return None;
        }
        let doublings = failure.attempts.saturating_sub(1).min(10);
        let backoff = random * (BACKOFF_MS * f64::from(1_u32 << doublings)).min(MAX_BACKOFF_MS);
        let asked = failure.retry_after_ms.unwrap_or(0.0);
        let wait = backoff.max(asked);
        (asked <= MAX_RETRY_AFTER_MS && now + wait < self.deadline).then_some(wait)
    }
}

/// Returns what a failure is to a caller whose token has expired meanwhile: a new login, not another try.
#[must_use]
pub fn expired_meanwhile(failure: Failure) -> Failure {
    let cause = Cause { name: Some("TransakTokenError".to_owned()), code: Some(failure.code.as_str().to_owned()) };
    let code = Code::TokenExpired;
    let detail = "it expired while the refresh failed";
    Failure { code, detail, cause: Some(cause), retryable: false, ..failure }
}

/// Reads a `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. Milliseconds from now, none for rubbish.
#[must_use]
pub fn retry_after_ms(value: &str, now: f64) -> Option<f64> {
    let value = value.trim_ascii();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Whoever asks for longer than a century asks for a century.
        let seconds = value.parse().unwrap_or(u32::MAX);
        return Some(f64::from(seconds) * 1000.0);
    }
    let instant = http_date::parse(value)?;
    Some((instant - now).max(0.0))
}

#[cfg(test)]
mod tests;
