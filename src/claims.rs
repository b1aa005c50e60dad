//! What a user access token says of itself: when it was issued, when it expires, and whose it is.
//!
//! The claims are read, not believed: nothing here verifies a signature, and nothing here knows what time it is.

use crate::error::InvalidReason;
use crate::json::{Kind, Name, Named, Value};
use crate::token::Payload;

/// An instant, in milliseconds since the epoch.
pub type Millis = i64;

/// The claims of a user access token that matter here (RFC 7519, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `exp`: from this instant on the token is expired.
    pub expires_at: Millis,
    /// `iat`, where it is an instant before `exp`.
    pub issued_at: Option<Millis>,
}

/// Tells whether two payloads are the same user's: their `sub` is written alike, or absent in both. RFC 7519 has a
/// string; what is nested equals nothing.
#[must_use]
pub fn are_of_same_user(one: &str, other: &str) -> bool {
    let (mut first, mut second) = (Named::default(), Named::default());
    let read = first.read(one.as_bytes(), true).and_then(|()| second.read(other.as_bytes(), true));
    read.is_some()
        && match (first.get(Name::Sub), second.get(Name::Sub)) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_alike(other),
            _ => false,
        }
}

impl Claims {
    /// Reads the claims of a payload.
    ///
    /// # Errors
    /// Says why the payload is no user access token's.
    pub fn read(payload: Payload<'_>) -> Result<Self, InvalidReason> {
        let mut named = Named::default();
        named.read(payload.bytes, payload.is_ascii).ok_or(InvalidReason::BadJson)?;
        Self::named(&named)
    }

    /// Tells whether the token is expired at an instant: at `exp` or after (RFC 7519, section 4.1.4).
    #[must_use]
    pub fn is_expired(&self, tolerance_ms: f64, now: f64) -> bool {
        now >= to_f64(self.expires_at) + tolerance_ms
    }

    /// Returns how long the token lives still, in milliseconds.
    #[must_use]
    pub fn expires_in_ms(&self, tolerance_ms: f64, now: f64) -> f64 {
        to_f64(self.expires_at) + tolerance_ms - now
    }

    fn named(named: &Named<'_>) -> Result<Self, InvalidReason> {
        if named.get(Name::ApiKey).is_some() && named.get(Name::Sub).is_none() {
            return Err(InvalidReason::PartnerToken);
        }
        let expires_at = named.get(Name::Exp).ok_or(InvalidReason::NoExpiry)?;
        let expires_at = instant(expires_at).ok_or(InvalidReason::BadExpiry)?;
        let issued_at = named.get(Name::Iat).and_then(instant).filter(|&issued_at| issued_at < expires_at);
        Ok(Self { expires_at, issued_at })
    }
}

/// Converts an instant, which has at most 14 digits and so is exact.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "below 2^53, hence exact")]
pub(crate) fn to_f64(instant: Millis) -> f64 {
    instant as f64
}

/// The end of the instants that count.
const LIMIT_MS: Millis = 100_000_000_000_000;

/// Returns floor(seconds x 1000) of a `NumericDate` (RFC 7519, section 2), exactly, on its decimal digits.
///
/// None for what is no number, or 1e11 seconds and more either way: milliseconds by mistake. An `f64` would
/// round, and parsing one costs more code than all the rest of the checker.
#[inline(never)]
fn instant(value: Value<'_>) -> Option<Millis> {
    if value.kind != Kind::Number {
        return None;
    }
    let number = value.text;
    // Whole seconds, as every issuer known writes them, take a fraction of the time. Below the limit there are 11 digits.
    if number.len() > 11 {
        return decimal_instant(number);
    }
    let mut seconds = 0;
    for &byte in number {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return decimal_instant(number);
        }
        seconds = seconds * 10 + Millis::from(digit);
    }
    Some(seconds * 1000)
}

/// Returns the same of any number.
#[inline(never)]
fn decimal_instant(number: &[u8]) -> Option<Millis> {
    let end = number.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(number.len());
    let (decimal, exponent) = number.split_at_checked(end)?;
    let (negative, digits) = decimal.strip_prefix(b"-").map_or((false, decimal), |digits| (true, digits));
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    // How many digits make the milliseconds; what comes behind them only rounds.
    let mut left = i64::try_from(point).ok()? + read_exponent(exponent) + 3;
    let mut millis = 0;
    let mut rest = false;
    for &byte in digits.iter().filter(|&&byte| byte != b'.') {
        let digit = Millis::from(byte - b'0');
        if left > 0 && millis < LIMIT_MS {
            millis = millis * 10 + digit;
            left -= 1;
        } else {
            rest |= digit != 0;
        }
    }
    while left > 0 && millis > 0 && millis < LIMIT_MS {
        millis *= 10;
        left -= 1;
    }
    if millis >= LIMIT_MS {
        return None;
    }
    Some(if negative { -millis - Millis::from(rest) } else { millis })
}

/// Reads what stands behind the decimal, `e` and all, as far as it can matter.
fn read_exponent(text: &[u8]) -> i64 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let magnitude = digits.fold(0, |value, &digit| (value * 10 + i64::from(digit - b'0')).min(1_000_000_000));
    if text.get(1) == Some(&b'-') { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_instant(number: &str, expected: Option<Millis>) {
        assert_eq!(instant(Value { kind: Kind::Number, text: number.as_bytes() }), expected, "{number}");
    }

    #[test]
    fn instants_are_floored_decimals() {
        is_instant("1752921735", Some(1_752_921_735_000));
        is_instant("1752921735.57", Some(1_752_921_735_570));
        is_instant("1752921735.0009999999999999999", Some(1_752_921_735_000));
        is_instant("17529217351239E-4", Some(1_752_921_735_123));
        is_instant("1.7529217351239e+9", Some(1_752_921_735_123));
        is_instant("0.0012e-1", Some(0));
        is_instant("-0.0001", Some(-1));
        is_instant("-1.5", Some(-1500));
        is_instant("-1.0009", Some(-1001));
        is_instant("-0", Some(0));
    }

    #[test]
    fn instants_end_below_1e11_seconds() {
        is_instant("99999999999.9999", Some(99_999_999_999_999));
        is_instant("-99999999999", Some(-99_999_999_999_000));
        for too_far in ["1e11", "100000000000", "-1e11", "1752921735000", "1e400", "1e99999999999999999999"] {
            is_instant(too_far, None);
        }
        is_instant("0e99999999999999999999", Some(0));
        is_instant("1e-99999999999999999999", Some(0));
        is_instant("-1e-99999999999999999999", Some(-1));
        is_instant(&format!("{}e-500", "1".repeat(510)), Some(1_111_111_111_111));
    }
}
