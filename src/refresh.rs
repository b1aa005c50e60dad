//! A refresh as data: whom to ask, what to send, what the answer means, and whether to ask again.
//!
//! Someone else sends the request and reads the clock; this module knows neither promises nor headers objects.

use crate::claims::{Claims, Subject};
use crate::error::{Action, Cause, Code, Failure, InvalidReason, Result, Short, joined};
use crate::json::{Name, Named};
use crate::token::{SPARE, Secret, forget};

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The path of the call, from the API's reference.
pub const PATH: &str = "/api/v2/auth/refresh";

/// Whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    base: String,
    hints: Hints,
}

/// What to tell a caller of a server that refused something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// It refused the token.
    pub token: &'static str,
    /// It refused the caller. Only Transak itself is known to do so for these reasons.
    pub caller: &'static str,
}

impl Hints {
    /// Those of a server of one's own.
    pub const OWN: Self = Self { token: "it was asked on your own baseUrl", caller: "" };

    const fn transak(token: &'static str) -> Self {
        Self { token, caller: "its address or its api key" }
    }
}

/// Returns the base of one of Transak's gateways by its name, and what to tell if it refuses something; without a name
/// staging's, the only server that the API's reference names. None for any other name.
#[must_use]
pub fn environment(name: Option<&[u8]>) -> Option<(&'static str, Hints)> {
    const STAGING: &str = "https://api-gateway-stg.transak.com";
    let (base, token) = match name {
        None => (STAGING, "it was asked on staging, by default: a production token needs environment 'production'"),
        Some(b"staging") => (STAGING, "it was asked on staging"),
        Some(b"production") => ("https://api-gateway.transak.com", "it was asked on production"),
        Some(_) => return None,
    };
    Some((base, Hints::transak(token)))
}

/// Returns the base of a server of one's own, by its absolute URL as the WHATWG's parser writes it (`URL.href`).
///
/// # Errors
/// Says what is wrong with it, to follow its name: a scheme but https (http is for loopback, or where it is allowed), user
/// info, a query or a fragment.
pub fn own_base(href: &[u8], allow_http: bool) -> core::result::Result<&[u8], &'static str> {
    let (rest, is_http) = if let Some(rest) = href.strip_prefix(b"https://") {
        (rest, false)
    } else if let Some(rest) = href.strip_prefix(b"http://") {
        (rest, true)
    } else {
        return Err(" must be an http or https URL, or a path where there is a location");
    };
    let length = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(length);
    if authority.iter().any(|byte| matches!(byte, b'@')) || path.iter().any(|byte| matches!(byte, b'?' | b'#')) {
        return Err(" must have no user info, query or fragment");
    }
    if is_http && !allow_http && !is_loopback(authority) {
        return Err(" must be https, or set allowHttp");
    }
    let mut base = href;
    while let [start @ .., b'/'] = base {
        base = start;
    }
    Ok(base)
}

impl Target {
    /// One of Transak's gateways by its name: see [`environment`].
    #[must_use]
    pub fn environment(name: Option<&str>) -> Option<Self> {
        environment(name.map(str::as_bytes)).map(|(base, hints)| Self { base: base.to_owned(), hints })
    }

    /// A server of one's own, by its absolute URL: see [`own_base`].
    ///
    /// # Errors
    /// Says what is wrong with it, to follow its name.
    pub fn own(href: &str, allow_http: bool) -> core::result::Result<Self, &'static str> {
        Ok(Self { base: owned(own_base(href.as_bytes(), allow_http)?), hints: Hints::OWN })
    }

    /// Tells whether two targets are one server, however they were named.
    #[must_use]
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.base == other.base
    }

    /// Returns the message of a failure to a caller who asked this server. After a request it names the origin and the status.
    #[must_use]
    pub fn message(&self, failure: &Failure) -> String {
        let detail = match failure.code {
            Code::Unauthorized => self.hints.token,
            Code::Forbidden => self.hints.caller,
            _ => failure.detail,
        };
        let message = failure.message_with(detail);
        if failure.attempts == 0 {
            return message;
        }
        let separator = if detail.is_empty() { ": " } else { "; " };
        let status = failure.status.filter(|&status| status > 0).map(|status| status.to_string());
        let (verb, status) = status.as_ref().map_or((" was asked", ""), |status| (" answered ", status));
        joined(&[&message, separator, self.origin(), verb, status])
    }

    /// Returns the base without its path.
    fn origin(&self) -> &str {
        let slash = self.base.match_indices('/').nth(2);
        slash.and_then(|(at, _)| self.base.get(..at)).unwrap_or(&self.base)
    }

    /// Returns the URL of the call.
    #[must_use]
    pub fn url(&self) -> String {
        joined(&[&self.base, PATH])
    }
}

/// Returns a text that is UTF-8.
fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
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
#[derive(Clone, Copy, Debug)]
pub struct OldToken<T = String> {
    /// The bare token.
    pub token: Secret<T>,
    /// When it was issued and expires.
    pub claims: Claims,
    subject: Subject,
    payload: Secret<T>,
    sent_with: Secret<T>,
}

/// A token that an answer brought, good for what was asked.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<T = String> {
    /// The bare token.
    pub token: Secret<T>,
    /// When it was issued and expires.
    pub claims: Claims,
    /// How many requests it took.
    pub attempts: u32,
}

impl<T> NewToken<T> {
    /// Returns the failure that this token is to whoever tolerates less than it was judged by.
    #[must_use]
    pub fn refused(&self, tolerance_ms: f64, now: f64) -> Option<Failure> {
        self.claims.is_expired(tolerance_ms, now).then(|| refusal(self.attempts))
    }
}

/// Returns the failure that a new token is which has expired, after so many attempts.
#[must_use]
pub fn refusal(attempts: u32) -> Failure {
    let mut failure = Failure::new(Code::BadResponse);
    (failure.detail, failure.status, failure.attempts, failure.outcome_unknown) =
        (EXPIRED_ALREADY, Some(200), attempts, true);
    failure
}

impl<'a> OldToken<&'a [u8]> {
    /// Reads a token, trimmed; `room` is longer than it by [`SPARE`]. `headers` are sent with it, and are shown no more than it
    /// is.
    ///
    /// # Errors
    /// Says why it is no user access token.
    pub fn read_in(text: &'a [u8], headers: &'a [u8], room: &'a mut [u8]) -> core::result::Result<Self, InvalidReason> {
        // No claim of it is to be shown, so that all of it is looked at.
        forget();
        Self::compared_in(text, headers, room)
    }

    /// Does so for one that is only compared with another: what its payload begins with need not be there, if it is known.
    pub(crate) fn compared_in(
        text: &'a [u8],
        headers: &'a [u8],
        room: &'a mut [u8],
    ) -> core::result::Result<Self, InvalidReason> {
        let token = text.trim_ascii();
        let (claims, subject, length) = Claims::read_with_subject(token, room)?;
        Ok(Self {
            token: Secret::new(token),
            claims,
            subject,
            payload: Secret::new(room.get(..length).unwrap_or_default()),
            sent_with: Secret::new(headers),
        })
    }
}

impl OldToken {
    /// Reads a token, trimmed. `headers` are sent with it, and are shown no more than it is.
    ///
    /// # Errors
    /// Says why it is no user access token.
    pub fn read(text: &str, headers: &str) -> core::result::Result<Self, InvalidReason> {
        let mut room = vec![0; text.len() + SPARE];
        let OldToken { token, claims, subject, payload, sent_with } =
            OldToken::read_in(text.as_bytes(), headers.as_bytes(), &mut room)?;
        let [token, payload, sent_with] = [token, payload, sent_with].map(|secret| Secret::new(owned(secret.bytes())));
        Ok(Self { token, claims, subject, payload, sent_with })
    }
}

impl<T: AsRef<[u8]>> OldToken<T> {
    /// Returns a foreign text where it may be shown: see [`Secret::admits`].
    #[inline(never)]
    fn shown(&self, text: Option<&[u8]>, longest: usize, punctuation: u8) -> Option<Short> {
        let secrets = [&self.token, &self.payload, &self.sent_with];
        let text = text.filter(|text| secrets.iter().all(|secret| secret.admits(text, longest, punctuation)))?;
        Short::new(text)
    }

    /// Tells whether another token is the same user's: their `sub` is equal, or absent in both.
    #[must_use]
    pub fn is_of_same_user<U: AsRef<[u8]>>(&self, other: &OldToken<U>) -> bool {
        self.subject.is(self.payload.bytes(), other.subject, other.payload.bytes())
    }

    /// Returns how long it lives still, in milliseconds.
    #[must_use]
    pub fn expires_in_ms(&self, tolerance_ms: f64, now: f64) -> f64 {
        self.claims.expires_in_ms(tolerance_ms, now)
    }

    /// Returns what a failure is by now where another try would mend it but the token has expired: a new login.
    #[must_use]
    pub fn expired_since(&self, failure: &Failure, tolerance_ms: f64, now: f64) -> Option<Failure> {
        expired_since(self.claims, failure, tolerance_ms, now)
    }

    /// Tells whether the token is expired at an instant.
    #[must_use]
    pub fn is_expired(&self, tolerance_ms: f64, now: f64) -> bool {
        self.claims.is_expired(tolerance_ms, now)
    }
}

/// Returns what a failure is by now where another try would mend it but the old token has expired: a new login.
#[must_use]
pub fn expired_since(old: Claims, failure: &Failure, tolerance_ms: f64, now: f64) -> Option<Failure> {
    let is_over = failure.action() == Action::Retry && old.is_expired(tolerance_ms, now);
    is_over.then(|| {
        let mut failure = *failure;
        expire_meanwhile(&mut failure);
        failure
    })
}

/// An answer, as far as it matters.
#[derive(Debug, Default)]
pub struct Answer<T = String, B = Vec<u8>> {
    /// The HTTP status; 0 for an opaque one.
    pub status: u16,
    /// Whether it is a redirect that was not followed, or the end of one that was.
    pub redirected: bool,
    /// The `retry-after` header.
    pub retry_after: Option<T>,
    /// The instant that it is where it is a date, as the platform reads dates.
    pub retry_after_date: Option<f64>,
    /// The `trace-id` header.
    pub trace_id: Option<T>,
    /// The body.
    pub body: Body<B>,
}

/// A body, or why there is none.
#[derive(Debug, Default)]
pub enum Body<B = Vec<u8>> {
    /// It was read to its end.
    Whole(B),
    /// It is longer than [`MAX_BODY`].
    TooLong,
    /// It ended early, or could not be read at all.
    #[default]
    Broken,
}

impl<T: AsRef<[u8]>, B> Answer<T, B> {
    /// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. Milliseconds from now, none for rubbish.
    fn retry_after_ms(&self, now: f64) -> Option<f64> {
        let value = self.retry_after.as_ref()?.as_ref().trim_ascii();
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

/// Tells whether an error code is of Transak's family of "your token": missing, invalid, expired.
fn is_10xx(code: &[u8]) -> bool {
    matches!(code, [b'1', b'0', b'0'..=b'9', b'0'..=b'9'])
}

fn says_session_expired(message: &[u8]) -> bool {
    let wanted = b"session expired";
    message.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

/// Judges an answer, in the documented order.
///
/// # Errors
/// The [`Failure`] that the answer stands for, its `attempts` still to be counted.
pub fn judge<T, U, B>(mut answer: Answer<U, B>, old: &OldToken<T>, tolerance_ms: f64, now: f64) -> Result<NewToken>
where
    T: AsRef<[u8]>,
    U: AsRef<[u8]>,
    B: AsMut<[u8]>,
{
    let length = if let Body::Whole(bytes) = &mut answer.body { bytes.as_mut().len() } else { 0 };
    let mut payload = vec![0; length + SPARE];
    let new = judge_in(&mut answer, old, tolerance_ms, now, &mut payload)?;
    Ok(NewToken { token: Secret::new(owned(new.token.bytes())), claims: new.claims, attempts: new.attempts })
}

/// Judges an answer, in the documented order. `payload` is room for the new token's, and some escapes of the answer's body
/// make way for what they stand for.
///
/// # Errors
/// The [`Failure`] that the answer stands for, its `attempts` still to be counted.
pub fn judge_in<'a, T, U, B>(
    answer: &'a mut Answer<U, B>,
    old: &OldToken<T>,
    tolerance_ms: f64,
    now: f64,
    payload: &'a mut [u8],
) -> Result<NewToken<&'a [u8]>>
where
    T: AsRef<[u8]>,
    U: AsRef<[u8]>,
    B: AsMut<[u8]>,
{
    let retry_after_ms = answer.retry_after_ms(now);
    let mut said = Named::default();
    let (mut text, mut is_json): (&[u8], _) = (&[], false);
    let body = match &mut answer.body {
        Body::Whole(bytes) => {
            let bytes = bytes.as_mut();
            // What came as a text is only known to have no more UTF-16 units.
            if bytes.len() > MAX_BODY {
                Body::TooLong
            } else {
                is_json = said.read(bytes, 0, false).is_some();
                text = bytes;
                Body::Whole(())
            }
        }
        Body::TooLong => Body::TooLong,
        Body::Broken => Body::Broken,
    };
    let characters = |name| said.get(name).and_then(|value| value.characters(text));
    let (access_token, error_code) = (characters(Name::AccessToken), characters(Name::ErrorCode));
    let session_expired = || characters(Name::ErrorMessage).is_some_and(says_session_expired);
    let (code, detail) = match answer.status {
        _ if answer.redirected => (Code::Network, REDIRECTED),
        500..=599 => (Code::Server, ""),
        429 => (Code::RateLimited, ""),
        408 => (Code::Timeout, ""),
        401 => (Code::Unauthorized, ""),
        _ if error_code.is_some_and(is_10xx) && access_token.is_none() => (Code::Unauthorized, ""),
        400 if session_expired() => (Code::Unauthorized, ""),
        403 => (Code::Forbidden, ""),
        400..=499 => (Code::Rejected, ""),
        300..=399 => (Code::Network, REDIRECTED),
        200 => match body {
            Body::Whole(()) if !is_json => (Code::BadResponse, "it is not a JSON object"),
            Body::Whole(()) => match new_token(access_token, old, tolerance_ms, now, payload) {
                Ok(token) => return Ok(token),
                Err(detail) => (Code::BadResponse, detail),
            },
            Body::TooLong => (Code::BadResponse, "it is longer than 64 KiB"),
            Body::Broken => (Code::BadResponse, "it broke off or could not be read"),
        },
        _ => (Code::BadResponse, "its status is not 200"),
    };
    let mut failure = Failure::new(code);
    failure.detail = detail;
    failure.status = Some(answer.status);
    failure.error_code = old.shown(error_code, ERROR_CODE, b'_');
    failure.trace_id = old.shown(answer.trace_id.as_ref().map(AsRef::as_ref), 64, b'-');
    failure.retry_after_ms = retry_after_ms;
    failure.outcome_unknown = matches!(code, Code::Server | Code::Network | Code::Timeout | Code::BadResponse);
    failure.retryable = code == Code::Network || matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504);
    Err(failure)
}

/// The longest error code that is shown.
const ERROR_CODE: usize = 16;

const REDIRECTED: &str = "a redirect came, which is never followed";

const EXPIRED_ALREADY: &str = "its token is expired already";

fn new_token<'a, T: AsRef<[u8]>>(
    access_token: Option<&'a [u8]>,
    old: &OldToken<T>,
    tolerance_ms: f64,
    now: f64,
    payload: &'a mut [u8],
) -> core::result::Result<NewToken<&'a [u8]>, &'static str> {
    let text = access_token.ok_or("it has no data.accessToken")?;
    let new = OldToken::compared_in(text, b"", payload).map_err(|_| "its token is invalid")?;
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

/// Returns what a request that brought no answer stands for: a time-out, or what was thrown in its place, by its name
/// and code.
#[must_use]
pub fn no_answer<T: AsRef<[u8]>>(code: Code, thrown: Option<[Option<&[u8]>; 2]>, old: &OldToken<T>) -> Failure {
    let shown = |text| old.shown(text, 40, b'_');
    let mut failure = Failure::new(code);
    failure.outcome_unknown = true;
    failure.retryable = matches!(code, Code::Network | Code::Timeout);
    failure.cause = thrown.map(|[name, code]| Cause::Foreign(shown(name), shown(code)));
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

/// Makes of a failure what it is to a caller whose token has expired meanwhile: a new login, not another try.
pub fn expire_meanwhile(failure: &mut Failure) {
    failure.cause = Some(Cause::Failure(failure.code));
    failure.code = Code::TokenExpired;
    failure.detail = "it expired while the refresh failed";
    (failure.error_code, failure.trace_id, failure.retryable) = (None, None, false);
}

#[cfg(test)]
mod tests;
