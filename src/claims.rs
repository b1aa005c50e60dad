//! What a user access token says of itself: when it was issued, when it expires, and whose it is.
//!
//! The claims are read, not believed: nothing here verifies a signature, and nothing here knows what time it is.

use crate::QUICK;
use crate::error::InvalidReason;
use crate::json::{Kind, Name, Named, Value, digits};
use crate::token::decode_payload;

/// An instant, in whole milliseconds since the epoch: below 2^53, hence exact.
pub type Millis = f64;

/// The claims of a user access token that matter here (RFC 7519, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claims {
    /// `exp`: from this instant on the token is expired.
    pub expires_at: Millis,
    /// `iat`, where it is an instant before `exp`.
    pub issued_at: Option<Millis>,
}

/// Whose token it is: where its payload says so, as [`Claims::read_with_subject`] left that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject(Option<Value>);

impl Subject {
    /// Tells whether two payloads are the same user's: their `sub` is equal, or absent in both. RFC 7519 has a string; what is
    /// nested equals nothing.
    pub(crate) fn is(self, payload: &[u8], other: Self, other_payload: &[u8]) -> bool {
        match (self.0, other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_alike(payload, &other, other_payload),
            _ => false,
        }
    }
}

impl Claims {
    /// Reads the claims of a token; `room` is for its payload, and [`SPARE`](crate::token::SPARE) bytes more.
    ///
    /// # Errors
    /// Says why the text is no user access token.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "measured: results that go through memory cost a twentieth of a check")]
    pub fn read(token: &[u8], room: &mut [u8]) -> Result<Self, InvalidReason> {
        Self::read_with_subject(token, room).map(|(claims, ..)| claims)
    }

    /// Reads the claims of a token, whose it is, and how long its payload is.
    pub(crate) fn read_with_subject(token: &[u8], room: &mut [u8]) -> Result<(Self, Subject, usize), InvalidReason> {
        let mut payload = decode_payload(token, room)?;
        let mut named = Named::default();
        if !named.read_payload(token, &mut payload) {
            return Err(InvalidReason::BadJson);
        }
        let claims = Self::named(&named, payload.bytes)?;
        Ok((claims, Subject(named.get(Name::Sub).copied()), payload.bytes.len()))
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

    fn named(named: &Named, payload: &[u8]) -> Result<Self, InvalidReason> {
        if named.get(Name::ApiKey).is_some() && named.get(Name::Sub).is_none() {
            return Err(InvalidReason::PartnerToken);
        }
        let expires_at = named.get(Name::Exp).ok_or(InvalidReason::NoExpiry)?;
        let expires_at = instant(expires_at, payload);
        if expires_at.is_nan() {
            return Err(InvalidReason::BadExpiry);
        }
        // What is no number is not before anything either.
        let issued_at =
            named.get(Name::Iat).map(|iat| instant(iat, payload)).filter(|&issued_at| issued_at < expires_at);
        Ok(Self { expires_at, issued_at })
    }
}

/// The end of the instants that count.
const LIMIT_MS: u64 = 100_000_000_000_000;

/// Returns floor(seconds x 1000) of a `NumericDate` (RFC 7519, section 2), exactly, on its decimal digits.
///
/// NaN for what is no number, or 1e11 seconds and more either way: milliseconds by mistake. An `f64` would
/// round, and parsing one costs more code than all the rest of the checker.
#[inline(never)]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "below 2^53, hence exact")]
fn instant(value: &Value, payload: &[u8]) -> Millis {
    if value.kind != Kind::Number {
        return f64::NAN;
    }
    let text = value.of(payload);
    // An instant of our days, at once.
    if QUICK
        && let Some((&eight, &[ninth @ b'0'..=b'9', tenth @ b'0'..=b'9'])) = text.split_first_chunk()
        && let Some(first) = eight_digits(eight)
    {
        return (first as f64 * 100.0 + f64::from((ninth - b'0') * 10 + (tenth - b'0'))) * 1000.0;
    }
    // As many digits as can matter, how many tens they are to be multiplied by, and whether there are others, which round.
    let (mut digits, mut tens, mut is_more) = (0, 3, false);
    let (mut is_negative, mut decimals) = (false, 0);
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'0'..=b'9' if digits < LIMIT_MS => {
                digits = digits * 10 + u64::from(byte - b'0');
                tens -= decimals;
            }
            b'0'..=b'9' => {
                is_more |= byte != b'0';
                tens += 1 - decimals;
            }
            b'-' => is_negative = true,
            b'.' => decimals = 1,
            _ => {
                tens += exponent(rest.as_slice());
                break;
            }
        }
    }
    let (mut millis, limit) = (digits as f64, LIMIT_MS as f64);
    while tens > 0 && millis > 0.0 && millis < limit {
        millis *= 10.0;
        tens -= 1;
    }
    while tens < 0 && millis > 0.0 {
        let tenth = (millis / 10.0).floor();
        is_more |= tenth * 10.0 < millis;
        millis = tenth;
        tens += 1;
    }
    if millis >= limit {
        f64::NAN
    } else if is_negative {
        0.0 - millis - f64::from(u8::from(is_more))
    } else {
        millis
    }
}

/// Returns the number that eight characters are where each is a digit.
fn eight_digits(eight: [u8; 8]) -> Option<u64> {
    let digits = digits(eight)?;
    // Two, four and eight of them are added up, each sum where the last of them was.
    let twos = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = twos.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// Reads an exponent, its `e` gone, as far as it can matter.
fn exponent(text: &[u8]) -> i32 {
    let digits = text.iter().map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10);
    let magnitude = digits.fold(0, |value, digit| (value * 10 + i32::from(digit)).min(100_000_000));
    if text.first() == Some(&b'-') { -magnitude } else { magnitude }
}

#[cfg(test)]
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    #[track_caller]
    fn is_instant(number: &str, expected: Option<Millis>) {
        let instant = instant(&Value::whole(Kind::Number, number), number.as_bytes());
        assert_eq!((!instant.is_nan()).then_some(instant), expected, "{number}");
    }

    #[test]
    fn instants_are_floored_decimals() {
        is_instant("1752921735", Some(1_752_921_735_000.0));
        is_instant("9999999999", Some(9_999_999_999_000.0));
        is_instant("17529217e1", Some(175_292_170_000.0));
        is_instant("175292173e0", Some(175_292_173_000.0));
        is_instant("17529217.5", Some(17_529_217_500.0));
        is_instant("-175292173", Some(-175_292_173_000.0));
        is_instant("1752921735.57", Some(1_752_921_735_570.0));
        is_instant("1752921735.0009999999999999999", Some(1_752_921_735_000.0));
        is_instant("17529217351239E-4", Some(1_752_921_735_123.0));
        is_instant("1.7529217351239e+9", Some(1_752_921_735_123.0));
        is_instant("0.0012e-1", Some(0.0));
        is_instant("-0.0001", Some(-1.0));
        is_instant("-1.5", Some(-1500.0));
        is_instant("-1.0009", Some(-1001.0));
        is_instant("-0", Some(0.0));
    }

    #[test]
    fn eight_digits_are_a_number_and_nothing_else_is() {
        for number in (0..100_000_000).step_by(1_009).chain([9, 90_909_090, 99_999_999]) {
            let digits = format!("{number:08}");
            let eight = *digits.as_bytes().first_chunk().expect("eight digits");
            assert_eq!(eight_digits(eight), Some(number));
            for (at, other) in (0..8).flat_map(|at| (0..=u8::MAX).map(move |other| (at, other))).step_by(7) {
                let mut changed = eight;
                changed[at] = other;
                assert_eq!(eight_digits(changed).is_some(), other.is_ascii_digit(), "{other} at {at}");
            }
        }
    }

    #[test]
    fn instants_end_below_1e11_seconds() {
        is_instant("99999999999.9999", Some(99_999_999_999_999.0));
        is_instant("-99999999999", Some(-99_999_999_999_000.0));
        for too_far in ["1e11", "100000000000", "-1e11", "1752921735000", "1e400", "1e99999999999999999999"] {
            is_instant(too_far, None);
        }
        is_instant("0e99999999999999999999", Some(0.0));
        is_instant("1e-99999999999999999999", Some(0.0));
        is_instant("-1e-99999999999999999999", Some(-1.0));
        is_instant(&format!("{}e-500", "1".repeat(510)), Some(1_111_111_111_111.0));
        is_instant("0.00000000000000000000017529217351239e31", Some(1_752_921_735_123.0));
        is_instant("1752921735999999999999999999999e-21", Some(1_752_921_735_999.0));
        is_instant("-1752921735000000000000000000000.0e-21", Some(-1_752_921_735_000.0));
        is_instant("-1752921735000000000000000000001e-21", Some(-1_752_921_735_001.0));
        is_instant("99999999999.9999999", Some(99_999_999_999_999.0));
        is_instant("999999999999999e-4", Some(99_999_999_999_999.0));
        is_instant("1000000000000000e-4", None);
    }
}
