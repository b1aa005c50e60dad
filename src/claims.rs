//! What a user access token claims: when it was issued, when it expires, and whose it is. Nothing here verifies a signature, so a
//! claim may be a lie. Nothing here reads a clock.

use crate::error::InvalidReason;
use crate::json::{Kind, Members, Value};
use crate::token::decode_payload;

/// An instant, in whole milliseconds since the epoch. It is below 2^53, so an `f64` holds it exactly.
pub type Millis = f64;

/// The claims of a user access token that matter here (RFC 7519, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claims {
    /// `exp`: from this instant on the token is expired.
    pub expires_at: Millis,
    /// `iat`, if it is an instant before `exp`.
    pub issued_at: Option<Millis>,
}

/// Whose token it is: the `sub` of a payload that [`Claims::read_with_subject`] has read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject(Option<Value>);

impl Subject {
    /// Tells whether two payloads are the same user's: their `sub` is equal, or absent in both. RFC 7519 allows only
    /// a string. An object or an array is equal to nothing.
    pub(crate) fn is(self, payload: &[u8], other: Self, other_payload: &[u8]) -> bool {
        match (self.0, other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_alike(payload, &other, other_payload),
            _ => false,
        }
    }
}

impl Claims {
    /// Reads the claims of a token. `room` is for its payload, and needs three bytes for each four characters.
    ///
    /// # Errors
    /// Says why the text is no user access token.
    pub fn read(token: &[u8], room: &mut [u8]) -> Result<Self, InvalidReason> {
        Self::read_with_subject(token, room).map(|(claims, ..)| claims)
    }

    /// Returns the claims of a token, its subject, and the length of its payload. The payload is then at the beginning of `room`.
    pub(crate) fn read_with_subject(token: &[u8], room: &mut [u8]) -> Result<(Self, Subject, usize), InvalidReason> {
        let payload = decode_payload(token, room)?;
        let members = Members::read(payload).ok_or(InvalidReason::BadJson)?;
        Ok((Self::of(&members, payload)?, Subject(members.sub), payload.len()))
    }

    /// Tells whether the token is expired at an instant: at `exp` or after (RFC 7519, section 4.1.4).
    #[must_use]
    pub fn is_expired(&self, tolerance_ms: f64, now: f64) -> bool {
        now >= self.expires_at + tolerance_ms
    }

    /// Returns how long it is until the token expires, in milliseconds.
    #[must_use]
    pub fn expires_in_ms(&self, tolerance_ms: f64, now: f64) -> f64 {
        self.expires_at + tolerance_ms - now
    }

    fn of(members: &Members, payload: &[u8]) -> Result<Self, InvalidReason> {
        if members.sub.is_none() {
            if members.api_key.is_some() {
                return Err(InvalidReason::PartnerToken);
            }
            if members.ott.is_some() {
                return Err(InvalidReason::SessionToken);
            }
        }
        let exp = members.exp.ok_or(InvalidReason::NoExpiry)?;
        let expires_at = instant(&exp, payload).ok_or(InvalidReason::BadExpiry)?;
        let issued_at = members.iat.and_then(|iat| instant(&iat, payload)).filter(|&issued_at| issued_at < expires_at);
        Ok(Self { expires_at, issued_at })
    }
}

/// Instants from this one on are invalid, before and after the epoch.
const LIMIT_MS: Millis = 1e14;

/// Returns floor(seconds x 1000) of a `NumericDate` (RFC 7519, section 2), computed exactly from its decimal digits. None if it is
/// no number, or if it is 1e11 seconds or more in either direction, which means milliseconds by mistake. An `f64` would round, and
/// parsing one costs more code than the rest of the checker.
fn instant(value: &Value, payload: &[u8]) -> Option<Millis> {
    if value.kind != Kind::Number {
        return None;
    }
    // The digits that matter, the power of ten to multiply them by, and whether more digits follow, which only matter for rounding.
    let (mut millis, mut tens, mut is_more) = (0.0, 3, false);
    let (mut is_negative, mut decimals) = (false, 0);
    let mut rest = value.of(payload);
    while let [byte, more @ ..] = rest {
        rest = more;
        match byte {
            b'0'..=b'9' if millis < LIMIT_MS => {
                millis = millis * 10.0 + f64::from(byte - b'0');
                tens -= decimals;
            }
            b'0'..=b'9' => {
                is_more |= *byte != b'0';
                tens += 1 - decimals;
            }
            b'-' => is_negative = true,
            b'.' => decimals = 1,
            _ => {
                tens += exponent(rest);
                break;
            }
        }
    }
    for _ in 0..tens {
        millis *= 10.0;
    }
    for _ in tens..0 {
        let tenth = (millis / 10.0).floor();
        is_more |= tenth * 10.0 < millis;
        millis = tenth;
    }
    let instant = if is_negative { 0.0 - millis - f64::from(u8::from(is_more)) } else { millis };
    (millis < LIMIT_MS).then_some(instant)
}

/// Reads an exponent without its `e`. A very large one is cut, since that makes no difference: a token has fewer digits.
fn exponent(text: &[u8]) -> i32 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let magnitude = digits.fold(0, |value, digit| (value * 10 + i32::from(digit - b'0')).min(20_000));
    if text.first() == Some(&b'-') { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests;
