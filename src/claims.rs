//! What a user access token says of itself: when it was issued, when it expires, and whose it is. The claims are read, not
//! believed: nothing here verifies a signature, and nothing here knows what time it is.

use crate::error::InvalidReason;
use crate::json::{Kind, Members, Value};
use crate::token::decode_payload;

/// An instant, in whole milliseconds since the epoch: below 2^53, and so exact.
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
    /// Tells whether two payloads are the same user's: their `sub` is equal, or absent in both. RFC 7519 has a string; an
    /// object or an array equals nothing.
    pub(crate) fn is(self, payload: &[u8], other: Self, other_payload: &[u8]) -> bool {
        match (self.0, other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_alike(payload, &other, other_payload),
            _ => false,
        }
    }
}

impl Claims {
    /// Reads the claims of a token; `room` is for its payload, three bytes for four characters.
    ///
    /// # Errors
    /// Says why the text is no user access token.
    pub fn read(token: &[u8], room: &mut [u8]) -> Result<Self, InvalidReason> {
        Self::read_with_subject(token, room).map(|(claims, ..)| claims)
    }

    /// Returns the claims of a token, whose it is, and the length of its payload, which `room` begins with then.
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

    /// Returns how long the token lives still, in milliseconds.
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

/// The end of the instants that count.
const LIMIT_MS: Millis = 1e14;

/// Returns floor(seconds x 1000) of a `NumericDate` (RFC 7519, section 2), exactly, on its decimal digits; None for what is no
/// number, or 1e11 seconds and more either way: milliseconds by mistake. An `f64` would round, and parsing one costs more
/// code than all the rest of the checker.
fn instant(value: &Value, payload: &[u8]) -> Option<Millis> {
    if value.kind != Kind::Number {
        return None;
    }
    // The digits that can matter, how many times ten they are to be multiplied by, and whether there are others, which round.
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
    while tens > 0 && millis > 0.0 && millis < LIMIT_MS {
        millis *= 10.0;
        tens -= 1;
    }
    while tens < 0 && millis > 0.0 {
        let tenth = (millis / 10.0).floor();
        is_more |= tenth * 10.0 < millis;
        millis = tenth;
        tens += 1;
    }
    let instant = if is_negative { 0.0 - millis - f64::from(u8::from(is_more)) } else { millis };
    (millis < LIMIT_MS).then_some(instant)
}

/// Reads an exponent, its `e` gone, as far as it can matter.
fn exponent(text: &[u8]) -> i32 {
    let digits = text.iter().map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10);
    let magnitude = digits.fold(0, |value, digit| (value * 10 + i32::from(digit)).min(100_000_000));
    if text.first() == Some(&b'-') { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests;
