//! A refresh as data: the server, the request, the meaning of the answer, and whether to try again.
//!
//! The boundary sends the request and reads the clock. This module knows no promises and no `Headers`.

mod retries;
mod target;

pub use self::retries::Retries;
pub(crate) use self::retries::spread_ms;
pub use self::target::{Hints, Target};
use crate::claims::{Claims, Subject};
use crate::error::{Action, Cause, Code, Failure, InvalidReason, Result};
use crate::json::{Members, Value};
use crate::secret::{Secret, is_plain};

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The path of the call, from the API's reference.
pub const PATH: &str = "/api/v2/auth/refresh";

/// The token to exchange, already parsed.
#[derive(Clone, Debug)]
pub struct OldToken {
    /// The bare token.
    pub token: Secret,
    /// When it was issued and expires.
    pub claims: Claims,
    subject: Subject,
    payload: Secret<Vec<u8>>,
    sent_with: Secret,
}

/// The new token of an answer, already checked.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The bare token.
    pub token: Secret,
    /// When it was issued and expires.
    pub claims: Claims,
    /// How many requests were sent for it.
    pub attempts: u32,
}

/// Returns the failure for an answer whose token has expired. `attempts` is how many requests were sent.
#[must_use]
pub fn refusal(attempts: u32) -> Failure {
    let mut failure = Failure::new(Code::BadResponse);
    (failure.detail, failure.status, failure.attempts, failure.outcome_unknown) =
        (EXPIRED_ALREADY, Some(200), attempts, true);
    failure
}

impl OldToken {
    /// Parses a token, and ignores the white space around it. `headers` are sent with it. They are as secret as the token.
    ///
    /// # Errors
    /// Returns why it is not a user access token.
    pub fn read(text: &str, headers: &str) -> core::result::Result<Self, InvalidReason> {
        let token = text.trim_ascii();
        let mut payload = vec![0; token.len()];
        let (claims, subject, length) = Claims::read_with_subject(token.as_bytes(), &mut payload)?;
        payload.truncate(length);
        let [token, sent_with] = [token, headers].map(|text| Secret::new(text.to_owned()));
        Ok(Self { token, claims, subject, payload: Secret::new(payload), sent_with })
    }

    /// Returns a foreign text if it may be shown: if it is short and plain, and repeats nothing of this token, of its claims or
    /// of the headers sent with it. A server that echoes the token into an error code must not make it appear in a log.
    fn shown(&self, text: Option<&[u8]>, longest: usize, punctuation: u8) -> Option<String> {
        let text = text.filter(|text| is_plain(text, longest, punctuation) && !self.is_repeated_in(text))?;
        str::from_utf8(text).ok().map(str::to_owned)
    }

    #[inline(never)]
    fn is_repeated_in(&self, text: &[u8]) -> bool {
        self.token.has_part_in(text)
            || self.payload.has_part_in(text)
            || self.payload.has_claim_in(text)
            || self.sent_with.has_part_in(text)
            || self.sent_with.has_header_in(text)
    }

    /// Returns a thrown error's name and code as a cause, if they may be shown.
    fn cause(&self, thrown: &Thrown) -> Cause {
        let [name, code] = thrown.each_ref().map(|text| self.shown(text.as_deref().map(str::as_bytes), 40, b'_'));
        Cause::Foreign(name, code)
    }

    /// Tells whether another token is the same user's: their `sub` is equal, or absent in both.
    #[must_use]
    pub fn is_of_same_user(&self, other: &Self) -> bool {
        self.subject.is(self.payload.bytes(), other.subject, other.payload.bytes())
    }

    /// Returns the failure "expired" if another attempt could help, but the token has expired.
    #[must_use]
    pub fn expired_since(&self, failure: &Failure, tolerance_ms: f64, now: f64) -> Option<Failure> {
        let is_over = failure.action() == Action::Retry && self.is_expired(tolerance_ms, now);
        is_over.then(|| {
            let mut failure = failure.clone();
            expire_meanwhile(&mut failure);
            failure
        })
    }

    /// Tells whether the token is expired at an instant.
    #[must_use]
    pub fn is_expired(&self, tolerance_ms: f64, now: f64) -> bool {
        self.claims.is_expired(tolerance_ms, now)
    }
}

/// The parts of an answer that matter for the decision.
#[derive(Debug, Default)]
pub struct Answer {
    /// The HTTP status; 0 for an opaque answer.
    pub status: u16,
    /// Whether it is a redirect, followed or not.
    pub redirected: bool,
    /// The `retry-after` header.
    pub retry_after: Option<String>,
    /// The instant in the `retry-after` header if that is a date, as the platform parses it.
    pub retry_after_date: Option<f64>,
    /// The `trace-id` header, or `cf-ray` in its place.
    pub trace_id: Option<String>,
    /// The `cf-mitigated` header. The CDN sets it if it did not pass the request on.
    pub mitigated: Option<String>,
    /// The body.
    pub body: Body,
    /// The error that ended the reading of the body. None also if the body could not be read at all.
    pub broken_by: Option<Thrown>,
}

/// The name and the code of a thrown error.
pub type Thrown = [Option<String>; 2];

/// A body, or why there is none.
#[derive(Debug, Default)]
pub enum Body {
    /// It was read to its end.
    Whole(Vec<u8>),
    /// It is longer than [`MAX_BODY`].
    TooLong,
    /// It broke off, or it cannot be read.
    #[default]
    Broken,
}

impl Answer {
    /// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. Returns milliseconds from now. None if it
    /// is neither.
    fn retry_after_ms(&self, now: f64) -> Option<f64> {
        let value = self.retry_after.as_ref()?.trim_ascii().as_bytes();
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            let seconds = value.iter().fold(0.0, |seconds, &digit| seconds * 10.0 + f64::from(digit - b'0'));
            // A longer time counts as a century.
            return Some(f64::min(seconds * 1000.0, 100.0 * 365.25 * 86_400_000.0));
        }
        // Every valid HTTP date ends in GMT. A platform also parses other texts as dates, in its own time zone; those
        // are ignored.
        let instant = self.retry_after_date.filter(|instant| instant.is_finite() && value.ends_with(b"GMT"))?;
        Some((instant - now).max(0.0))
    }
}

/// Tells whether a refusal with this error code is about the token. 1002 and 1010 always are. All calls of the login
/// use the other codes of the form 10xx. With status 403 those are about the caller.
fn refuses_token(status: u16, error_code: &[u8]) -> bool {
    let is_10xx = matches!(error_code, [b'1', b'0', b'0'..=b'9', b'0'..=b'9']);
    is_10xx && (status != 403 || matches!(error_code, b"1002" | b"1010"))
}

fn says_session_expired(message: &[u8]) -> bool {
    let wanted = b"session expired";
    message.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

/// Interprets an answer. The order of the rules is the documented one.
///
/// # Errors
/// Returns the [`Failure`] that the answer stands for. The caller sets its `attempts`.
pub fn interpret_response(mut answer: Answer, old: &OldToken, tolerance_ms: f64, now: f64) -> Result<NewToken> {
    let retry_after_ms = answer.retry_after_ms(now);
    let is_too_long = match &answer.body {
        // JavaScript has limited the UTF-16 units of a body that was read as text. The same text may have more bytes.
        Body::Whole(bytes) => bytes.len() > MAX_BODY,
        Body::TooLong => true,
        Body::Broken => false,
    };
    let is_broken = matches!(answer.body, Body::Broken);
    let (said, text): (_, &[u8]) = match &mut answer.body {
        Body::Whole(bytes) if !is_too_long => (Members::read(bytes), bytes),
        _ => (None, &[]),
    };
    let is_json = said.is_some();
    let said = said.unwrap_or_default();
    let characters = |value: Option<Value>| value.and_then(|value| value.characters(text));
    let (access_token, error_code) = (characters(said.access_token), characters(said.error_code));
    let session_expired = || characters(said.error_message).is_some_and(says_session_expired);
    let (code, detail) = match answer.status {
        _ if answer.redirected => (Code::Network, REDIRECTED),
        _ if answer.mitigated.as_deref() == Some("challenge") => (Code::Forbidden, CHALLENGED),
        500..=599 => (Code::Server, ""),
        429 => (Code::RateLimited, ""),
        408 => (Code::Timeout, ""),
        401 => (Code::Unauthorized, ""),
        status @ 400..=499 if error_code.is_some_and(|code| refuses_token(status, code)) => (Code::Unauthorized, ""),
        400 if session_expired() => (Code::Unauthorized, ""),
        403 => (Code::Forbidden, ""),
        400..=499 => (Code::Rejected, ""),
        304 => (Code::Network, "it is a 304, which answers only a conditional request"),
        300..=399 => (Code::Network, REDIRECTED),
        200 if is_too_long => (Code::BadResponse, "it is longer than 64 KiB"),
        200 if answer.broken_by.is_some() => (Code::Network, "its body broke off"),
        200 if is_broken => (Code::BadResponse, "it could not be read"),
        200 if !is_json => (Code::BadResponse, "it is not a JSON object"),
        200 => match new_token(access_token, old, tolerance_ms, now) {
            Ok(token) => return Ok(token),
            Err(detail) => (Code::BadResponse, detail),
        },
        _ => (Code::BadResponse, "its status is not 200"),
    };
    let mut failure = Failure::new(code);
    failure.detail = detail;
    failure.status = Some(answer.status);
    let trace_id = answer.trace_id.as_ref().map(String::as_bytes);
    let [error_code, trace_id] =
        [error_code, trace_id].map(|said| said.filter(|said| !repeats_new(access_token, said)));
    failure.error_code = old.shown(error_code, ERROR_CODE, b'_');
    failure.trace_id = old.shown(trace_id, 64, b'-');
    failure.retry_after_ms = retry_after_ms;
    if code == Code::Network {
        failure.cause = answer.broken_by.as_ref().map(|thrown| old.cause(thrown));
    }
    failure.outcome_unknown = matches!(code, Code::Server | Code::Network | Code::Timeout | Code::BadResponse);
    failure.retryable = may_pass(code, Some(answer.status));
    Err(failure)
}

/// Tells whether another attempt may help.
pub(crate) fn may_pass(code: Code, status: Option<u16>) -> bool {
    let is_passing = matches!(status, Some(408 | 429 | 500 | 502 | 503 | 504));
    matches!(code, Code::Network | Code::Timeout) || is_passing && code != Code::Forbidden
}

/// Tells whether a foreign text repeats the token of the same answer, even if that token is not usable.
fn repeats_new(access_token: Option<&[u8]>, text: &[u8]) -> bool {
    let Some(token) = access_token else { return false };
    // The payload is decoded as far as possible, without escapes, even if its claims are not those of a user access token.
    let mut payload = vec![b' '; token.len()];
    let _ = Claims::read(token, &mut payload);
    let payload = Secret::new(payload);
    Secret::new(token).has_part_in(text) || payload.has_part_in(text) || payload.has_claim_in(text)
}

/// The longest error code that is shown.
const ERROR_CODE: usize = 16;

const REDIRECTED: &str = "a redirect came, which is never followed";

const CHALLENGED: &str = "the CDN's bot protection refused this client";

const EXPIRED_ALREADY: &str = "its token is expired already";

fn new_token(
    access_token: Option<&[u8]>,
    old: &OldToken,
    tolerance_ms: f64,
    now: f64,
) -> core::result::Result<NewToken, &'static str> {
    let text = access_token.ok_or("it has no data.accessToken")?;
    let new = str::from_utf8(text).ok().and_then(|text| OldToken::read(text, "").ok()).ok_or("its token is invalid")?;
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

/// Returns the failure of a request without an answer: a time-out, or an error that `fetch` threw, by name and code.
#[must_use]
pub fn no_answer(code: Code, thrown: Option<&Thrown>, old: &OldToken) -> Failure {
    let mut failure = Failure::new(code);
    failure.outcome_unknown = !thrown.is_some_and(|[_, code]| code.as_deref().is_some_and(is_before_sending));
    failure.retryable = may_pass(code, None);
    failure.cause = thrown.map(|thrown| old.cause(thrown));
    failure
}

/// Tells whether an error's code shows that nothing was sent: no connection, no address, no permission, or a refused
/// certificate. The codes are Node's, and `ConnectionRefused` is Bun's. Other runtimes have no codes.
fn is_before_sending(code: &str) -> bool {
    const CODES: &[&str] = &[
        "ECONNREFUSED",
        "ConnectionRefused",
        "UND_ERR_CONNECT_TIMEOUT",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ERR_ACCESS_DENIED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "UNABLE_TO_GET_ISSUER_CERT",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "ERR_TLS_CERT_ALTNAME_INVALID",
    ];
    code.starts_with("CERT_") || CODES.contains(&code)
}

/// Turns a failure into "expired", for a caller whose token has expired during the refresh. Another attempt would not help.
pub fn expire_meanwhile(failure: &mut Failure) {
    failure.cause = Some(Cause::Failure(failure.code));
    failure.code = Code::TokenExpired;
    failure.detail = "it expired while the refresh failed";
    (failure.error_code, failure.trace_id, failure.retryable) = (None, None, false);
}

#[cfg(test)]
mod tests;
