//! A refresh as data: whom to ask, what to send, what the answer means, and whether to ask again.
//!
//! Someone else sends the request and reads the clock; this module knows neither promises nor headers objects.

use crate::claims::{Claims, Subject, to_f64};
use crate::error::{Action, Cause, Code, Failure, InvalidReason, Result, joined};
use crate::json::{Named, Value};
use crate::token::{Secret, decode_payload};

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The same for a body that comes as a string: a UTF-16 code unit is at least one byte.
pub const MAX_BODY_UNITS: u32 = 64 * 1024;

/// The path of the call, from the API's reference.
const PATH: &str = "/api/v2/auth/refresh";

/// Whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    base: String,
    hint: &'static str,
}

impl Target {
    /// One of Transak's gateways by its name; without a name staging, the only server that the API's reference
    /// names. None for any other name.
    #[must_use]
    pub fn environment(name: Option<&str>) -> Option<Self> {
        let (base, hint) = match name {
            None => (
                "https://api-gateway-stg.transak.com",
                "it was asked on staging, by default: a production token needs environment 'production'",
            ),
            Some("staging") => ("https://api-gateway-stg.transak.com", "it was asked on staging"),
            Some("production") => ("https://api-gateway.transak.com", "it was asked on production"),
            Some(_) => return None,
        };
        Some(Self { base: base.to_owned(), hint })
    }

    /// A server of one's own, by its absolute URL as the WHATWG's parser writes it (`URL.href`).
    ///
    /// # Errors
    /// Says what is wrong with it, to follow its name: a scheme but https (http is for loopback, or where it is
    /// allowed), user info, a query or a fragment.
    pub fn own(href: &str, allow_http: bool) -> core::result::Result<Self, &'static str> {
        let (rest, is_http) = if let Some(rest) = href.strip_prefix("https://") {
            (rest, false)
        } else if let Some(rest) = href.strip_prefix("http://") {
            (rest, true)
        } else {
            return Err(" must be an http or https URL, or a path where there is a location");
        };
        let is_end = |byte: &u8| matches!(byte, b'/' | b'?' | b'#');
        let authority = rest.as_bytes().split(is_end).next().unwrap_or_default();
        if rest.bytes().any(|byte| matches!(byte, b'?' | b'#')) || authority.contains(&b'@') {
            return Err(" must have no user info, query or fragment");
        }
        if is_http && !allow_http && !is_loopback(authority) {
            return Err(" must be https, or set allowHttp");
        }
        let path_end = href.bytes().rposition(|byte| byte != b'/').map_or(0, |last| last + 1);
        Ok(Self { base: href.get(..path_end).unwrap_or(href).to_owned(), hint: "it was asked on your own baseUrl" })
    }

    /// Tells whether two targets are one server, however they were named.
    #[must_use]
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.base == other.base
    }

    /// Returns what to tell a caller whose token was refused there.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.hint
    }

    /// Returns the URL of the call.
    #[must_use]
    pub fn url(&self) -> String {
        joined(&[&self.base, PATH])
    }
}

/// Tells whether an authority is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`.
fn is_loopback(authority: &[u8]) -> bool {
    let port = authority.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let host = match authority.split_at_checked(authority.len() - port) {
        Some(([host @ .., b':'], _)) => host,
        _ => authority,
    };
    // A host that ends in a number is an IPv4 address to the URL parser, which has written it as four of them.
    let is_ipv4 = || host.iter().all(|&byte| byte == b'.' || byte.is_ascii_digit());
    host == b"[::1]" || host == b"localhost" || host.ends_with(b".localhost") || host.starts_with(b"127.") && is_ipv4()
}

/// The token to exchange, read.
#[derive(Clone, Debug)]
pub struct OldToken {
    /// The bare token.
    pub token: Secret,
    /// When it was issued and expires.
    pub claims: Claims,
    subject: Subject,
    payload: Secret,
    sent_with: Secret,
}

/// A token that an answer brought, good for what was asked.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The bare token.
    pub token: Secret,
    /// When it was issued and expires.
    pub claims: Claims,
    /// How many requests it took.
    pub attempts: u32,
}

impl NewToken {
    /// Returns the failure that this token is to whoever tolerates less than it was judged by.
    #[must_use]
    pub fn refused(&self, tolerance_ms: f64, now: f64) -> Option<Box<Failure>> {
        if !self.claims.is_expired(tolerance_ms, now) {
            return None;
        }
        let mut failure = Failure::new(Code::BadResponse);
        failure.detail = EXPIRED_ALREADY;
        failure.status = Some(200);
        failure.attempts = self.attempts;
        failure.outcome_unknown = true;
        Some(failure)
    }
}

impl OldToken {
    /// Reads a token, trimmed. `headers` are sent with it, and are shown no more than it is.
    ///
    /// # Errors
    /// Says why it is no user access token.
    pub fn read(text: &str, headers: &str) -> core::result::Result<Self, InvalidReason> {
        let token = text.trim_ascii();
        let mut payload = vec![0; token.len()];
        let payload = decode_payload(token.as_bytes(), &mut payload)?;
        let (claims, subject) = Claims::read_with_subject(payload)?;
        let secret = |text: &str| Secret::new(text.to_owned());
        let payload = secret(str::from_utf8(payload).unwrap_or_default());
        Ok(Self { token: secret(token), claims, subject, payload, sent_with: secret(headers) })
    }

    /// Shows what is sent with the token no more than the token.
    #[must_use]
    pub fn sent_with(self, headers: String) -> Self {
        Self { sent_with: Secret::new(headers), ..self }
    }

    /// Tells whether a foreign text may be shown: see [`Secret::admits`].
    fn admits(&self, text: &str, longest: usize, punctuation: u8) -> bool {
        [&self.token, &self.payload, &self.sent_with].iter().all(|secret| secret.admits(text, longest, punctuation))
    }

    /// Tells whether another token is the same user's: their `sub` is equal, or absent in both.
    #[must_use]
    pub fn is_of_same_user(&self, other: &Self) -> bool {
        self.subject == other.subject
    }

    /// Returns how long it lives still, in milliseconds.
    #[must_use]
    pub fn expires_in_ms(&self, tolerance_ms: f64, now: f64) -> f64 {
        to_f64(self.claims.expires_at) + tolerance_ms - now
    }

    /// Returns what a failure is by now where another try would mend it but the token has expired: a new login.
    #[must_use]
    pub fn expired_since(&self, failure: &Failure, tolerance_ms: f64, now: f64) -> Option<Box<Failure>> {
        let is_over = failure.action() == Action::Retry && self.is_expired(tolerance_ms, now);
        is_over.then(|| expired_meanwhile(failure))
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
    /// The instant that it is where it is a date, as the platform reads dates.
    pub retry_after_date: Option<f64>,
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

impl Answer {
    /// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. Milliseconds from now, none for rubbish.
    fn retry_after_ms(&self, now: f64) -> Option<f64> {
        let value = self.retry_after.as_ref()?.trim_ascii().as_bytes();
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            let seconds = value.iter().fold(0.0, |seconds, &digit| seconds * 10.0 + f64::from(digit - b'0'));
            // Whoever asks for longer than a century asks for a century.
            return Some(f64::min(seconds * 1000.0, 100.0 * 365.25 * 86_400_000.0));
        }
        // Every HTTP date that may be sent ends so; what else a platform takes for a date, in its own zone, is none.
        let instant = self.retry_after_date.filter(|instant| instant.is_finite() && value.ends_with(b"GMT"))?;
        Some((instant - now).max(0.0))
    }
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
        let Body::Whole(bytes) = body else {
            return Self::default();
        };
        let text = |value: Option<Value<'_>>| value.and_then(Value::text);
        let mut named = Named::default();
        if named.read(bytes).is_none() {
            return Self::default();
        }
        Self {
            is_json: true,
            access_token: text(named.data_access_token),
            error_code: text(named.error_code),
            message: text(named.error_message),
        }
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
pub fn judge(answer: &Answer, old: &OldToken, tolerance_ms: f64, now: f64) -> Result<NewToken> {
    let said = Said::read(&answer.body);
    let (code, detail) = match answer.status {
        _ if answer.redirected => (Code::Network, "a redirect came, which is never followed"),
        500..=599 => (Code::Server, ""),
        429 => (Code::RateLimited, ""),
        408 => (Code::Timeout, ""),
        401 => (Code::Unauthorized, ""),
        _ if said.refuses_the_token() && said.access_token.is_none() => (Code::Unauthorized, ""),
        400 if said.session_expired() => (Code::Unauthorized, ""),
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
        text.filter(|text| old.admits(text, longest, punctuation)).map(str::to_owned)
    };
    let mut failure = Failure::new(code);
    failure.detail = detail;
    failure.status = Some(answer.status);
    failure.error_code = shown(said.error_code(), 16, b'_');
    failure.trace_id = shown(answer.trace_id.as_deref(), 64, b'-');
    failure.retry_after_ms = answer.retry_after_ms(now);
    failure.outcome_unknown = matches!(code, Code::Server | Code::Network | Code::Timeout | Code::BadResponse);
    failure.retryable = code == Code::Network || matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504);
    Err(failure)
}

const EXPIRED_ALREADY: &str = "its token is expired already";

fn new_token(
    answer: &Answer,
    access_token: Option<&[u8]>,
    is_json: bool,
    old: &OldToken,
    tolerance_ms: f64,
    now: f64,
) -> core::result::Result<NewToken, &'static str> {
    match answer.body {
        Body::Whole(_) if is_json => {}
        Body::Whole(_) => return Err("it is not a JSON object"),
        Body::TooLong => return Err("it is longer than 64 KiB"),
        Body::Broken => return Err("it broke off or could not be read"),
    }
    let text = access_token.and_then(|bytes| str::from_utf8(bytes).ok()).ok_or("it has no data.accessToken")?;
    let new = OldToken::read(text, "").map_err(|_| "its token is invalid")?;
    if new.is_expired(tolerance_ms, now) {
        Err(EXPIRED_ALREADY)
    } else if new.token == old.token {
        Err("its token is the old one")
    } else if new.claims.expires_at < old.claims.expires_at {
        Err("its token expires before the old one")
    } else if !new.is_of_same_user(old) {
        Err("its token is another user's")
    } else {
        Ok(NewToken { token: new.token, claims: new.claims, attempts: 1 })
    }
}

/// Returns what a request that brought no answer stands for: what was thrown in its place, or a time-out.
#[must_use]
pub fn no_answer(code: Code, cause: Option<Cause>, old: &OldToken) -> Box<Failure> {
    let shown = |text: Option<String>| text.filter(|text| old.admits(text, 40, b'_'));
    let mut failure = Failure::new(code);
    failure.outcome_unknown = true;
    failure.retryable = matches!(code, Code::Network | Code::Timeout);
    failure.cause = cause.map(|cause| Cause { name: shown(cause.name), code: shown(cause.code) });
    failure
}

/// When to ask again, and when to give up.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// How many attempts may follow the first one.
    pub retries: f64,
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
        if !failure.retryable || f64::from(failure.attempts) > self.retries {
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
pub fn expired_meanwhile(beneath: &Failure) -> Box<Failure> {
    let mut failure = Failure::new(Code::TokenExpired);
    failure.detail = "it expired while the refresh failed";
    let code = Some(beneath.code.as_str().to_owned());
    failure.cause = Some(Cause { name: Some("TransakTokenError".to_owned()), code });
    failure.status = beneath.status;
    failure.retry_after_ms = beneath.retry_after_ms;
    failure.attempts = beneath.attempts;
    failure.outcome_unknown = beneath.outcome_unknown;
    failure
}

#[cfg(test)]
mod tests;
