//! A compact JWT (RFC 7519, section 3; RFC 7515, section 7.1): trimmed, split, and its payload decoded.
//!
//! Only the payload is decoded. The header is not judged and the signature is **not verified**: the key is the
//! vendor's. What the claims say is no business of this module.

use core::fmt;

use crate::error::InvalidReason;

/// The longest token that is looked at, in UTF-16 code units.
pub const MAX_UNITS: u32 = 16_384;

/// A text that must not be shown, owned or borrowed: its `Debug` prints `[redacted]`, and it has no `Display`.
#[derive(Clone, Copy)]
pub struct Secret<T = String>(T);

/// Two tokens begin alike, and their signatures differ: they are compared from the end.
impl<T: AsRef<str>, U: AsRef<str>> PartialEq<Secret<U>> for Secret<T> {
    fn eq(&self, other: &Secret<U>) -> bool {
        let (one, other) = (self.expose(), other.expose());
        one.len() == other.len() && one.bytes().rev().eq(other.bytes().rev())
    }
}

impl<T: AsRef<str>> Eq for Secret<T> {}

impl<T: AsRef<str>> Secret<T> {
    /// Takes a text into custody.
    #[must_use]
    pub const fn new(text: T) -> Self {
        Self(text)
    }

    /// Returns the text, for the request and the caller who owns it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_ref()
    }

    /// Tells whether a foreign text may be shown: it is short, of plain characters, and repeats nothing of
    /// this secret. A server that echoes the token into an error code must not make it appear in a log.
    #[must_use]
    #[inline(never)]
    pub fn admits(&self, text: &str, longest: usize, punctuation: u8) -> bool {
        const PIECE: usize = 8;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == punctuation;
        let secret = self.expose().as_bytes();
        let repeated = |piece| secret.windows(PIECE).any(|own| own == piece);
        // A short text is a repetition where it is the whole of a claim.
        let inside =
            |own: &'_ [u8]| own.strip_prefix(b"\"")?.strip_suffix(b"\"").map(|inside| inside == text.as_bytes());
        let is_claim = || secret.windows(text.len() + 2).any(|own| inside(own) == Some(true));
        !text.is_empty()
            && text.len() <= longest
            && text.bytes().all(plain)
            && !text.as_bytes().windows(PIECE).any(repeated)
            && !is_claim()
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Splits a token and decodes its payload to the front of `payload`, which has room for three quarters of the
/// token. Returns the payload.
///
/// # Errors
/// Says why the text is no compact JWT, or why its payload is not base64url.
pub fn decode_payload<'a>(text: &[u8], payload: &'a mut [u8]) -> Result<&'a [u8], InvalidReason> {
    VALUES.with(|values| decode_by(values, text, payload))
}

fn decode_by<'a>(values: &Values, text: &[u8], payload: &'a mut [u8]) -> Result<&'a [u8], InvalidReason> {
    // TAB, LF, FF, CR and SPACE: ASCII whitespace as the WHATWG has it.
    let token = text.trim_ascii();
    if utf16_units(token) > MAX_UNITS {
        return Err(InvalidReason::TooLong);
    }
    let Some(body) = after_part(values, token) else {
        let is_bearer = token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"Bearer "));
        return Err(if is_bearer { InvalidReason::BearerPrefix } else { InvalidReason::NotAJwt });
    };
    let (length, rest) = decode(values, body, payload).ok_or(InvalidReason::TooLong)?;
    let run = body.len() - rest.len();
    // A part that is base64url but for `=` is a JWT's by its outline, padded against RFC 7515.
    let unpadded = rest;
    let mut rest = rest;
    while let [b'=', more @ ..] = rest {
        rest = after_alphabet(values, more);
    }
    let is_padded = rest.len() != unpadded.len();
    let [b'.', signature @ ..] = rest else {
        return Err(InvalidReason::NotAJwt);
    };
    if run == 0 && !is_padded || signature.is_empty() || !after_alphabet(values, signature).is_empty() {
        return Err(InvalidReason::NotAJwt);
    }
    // One character over whole groups of four has not even the bits of a byte.
    if is_padded || run % 4 == 1 {
        return Err(InvalidReason::BadBase64);
    }
    payload.get(..length).ok_or(InvalidReason::TooLong)
}

/// Returns what follows a non-empty run of the alphabet and its dot.
fn after_part<'a>(values: &Values, text: &'a [u8]) -> Option<&'a [u8]> {
    let rest = after_alphabet(values, text);
    if rest.len() == text.len() { None } else { rest.strip_prefix(b".") }
}

fn utf16_units(utf8: &[u8]) -> u32 {
    if let Ok(at_most) = u32::try_from(utf8.len())
        && at_most <= MAX_UNITS
    {
        return at_most;
    }
    let units = |&byte: &u8| match byte {
        0x80..=0xbf => 0, // continues a character
        0xf0..=0xff => 2, // begins one that takes a surrogate pair
        _ => 1,
    };
    utf8.iter().map(units).sum()
}

/// What a byte outside the alphabet is worth; the sum of four characters of it is less.
const NONE: u32 = 1 << 24;

thread_local! {
    /// The base64url alphabet (RFC 4648, section 5): what a byte at each place of a group of four adds to the three
    /// bytes that the group stands for, the first of them lowest. It is made on the first call: as data it would
    /// take more room than all that reads it.
    static VALUES: Values = values();
}

type Values = [[u32; 256]; 4];

#[expect(clippy::indexing_slicing, reason = "a byte is within 256, and the compiler knows")]
fn values() -> Values {
    let mut values = [[NONE; 256]; 4];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (value, &byte) in (0..).zip(alphabet) {
        let places = [value << 2, value >> 4 | (value & 15) << 12, value >> 2 << 8 | (value & 3) << 22, value << 16];
        for (table, worth) in values.iter_mut().zip(places) {
            table[usize::from(byte)] = worth;
        }
    }
    values
}

/// Returns what a byte is worth at a place of its group.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte is within 256, and the compiler knows")]
fn value<const PLACE: usize>(values: &Values, byte: u8) -> u32 {
    values[PLACE][usize::from(byte)]
}

/// Returns the three bytes that four characters stand for, [`NONE`] and more where one is not of the alphabet.
#[inline]
fn group(values: &Values, [first, second, third, fourth]: [u8; 4]) -> u32 {
    value::<0>(values, first) | value::<1>(values, second) | value::<2>(values, third) | value::<3>(values, fourth)
}

/// Returns what follows a run of the alphabet.
#[inline(never)]
fn after_alphabet<'a>(values: &Values, mut text: &'a [u8]) -> &'a [u8] {
    while let Some((&four, rest)) = text.split_first_chunk()
        && group(values, four) < NONE
    {
        text = rest;
    }
    while let [byte, rest @ ..] = text
        && value::<0>(values, *byte) < NONE
    {
        text = rest;
    }
    text
}

/// Decodes a run of the alphabet; unused trailing bits are ignored. Returns the number of bytes, and what follows
/// the run; None where there is no room.
fn decode<'a>(values: &Values, mut text: &'a [u8], bytes: &mut [u8]) -> Option<(usize, &'a [u8])> {
    let mut length = 0;
    while let Some((&[a, b, c, d, e, f, g, h], rest)) = text.split_first_chunk() {
        let (first, second) = (group(values, [a, b, c, d]), group(values, [e, f, g, h]));
        if first | second >= NONE {
            break;
        }
        // Two bytes more than six are written, and then overwritten.
        *bytes.get_mut(length..)?.first_chunk_mut()? = (u64::from(second) << 24 | u64::from(first)).to_le_bytes();
        length += 6;
        text = rest;
    }
    let rest = after_alphabet(values, text);
    let run = text.len() - rest.len();
    let sixes = text.iter().take(run).map(|&byte| u64::from(value::<3>(values, byte) >> 16));
    let bits = sixes.fold(1, |bits, six| bits << 6 | six) << (48 - 6 * run.min(7));
    for (place, byte) in bytes.get_mut(length..)?.iter_mut().zip(bits.to_be_bytes().into_iter().skip(2)) {
        *place = byte;
    }
    Some((length + run * 3 / 4, rest))
}

#[cfg(test)]
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("eyJ.abc.def".to_owned())), "[redacted]");
    }

    #[test]
    fn a_secret_admits_no_piece_of_itself() {
        let secret = Secret::new("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl".to_owned());
        assert!(secret.admits("1002", 16, b'_'));
        assert!(secret.admits("ERR_TOKEN", 16, b'_'));
        for echoed in ["eyJhbGciOiJIUzI1", "XXeyJhbGciXX", "c2lnbmF0dXJl", "", "12345678901234567", "a b", "naïve"] {
            assert!(!secret.admits(echoed, 16, b'_'), "{} characters", echoed.len());
        }
    }

    #[test]
    fn a_secret_admits_no_whole_claim_however_short() {
        let secret = Secret::new(r#"{"sub":"jo","tier":"gold","iat":1750329735}"#.to_owned());
        for echoed in ["jo", "gold", "1750329735", "tier"] {
            assert!(!secret.admits(echoed, 16, b'_'), "{} characters", echoed.len());
        }
        assert!(secret.admits("gol", 16, b'_'));
        assert!(secret.admits("1002", 16, b'_'));
    }

    #[test]
    fn every_length_decodes_as_the_oracle_does() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let bytes: Vec<u8> = (0..=255).rev().collect();
        for length in 1..bytes.len() {
            let part = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            let mut room = [7; 256];
            let payload = decode_payload(format!("h.{part}.s").as_bytes(), &mut room).expect("a JWT by its outline");
            assert_eq!(payload, &bytes[..length]);
            assert!(decode_payload(format!("h.{part}.s").as_bytes(), &mut [0; 3][..3.min(length - 1)]).is_err());
        }
    }

    #[test]
    fn a_byte_outside_the_alphabet_is_found_wherever_it_stands() {
        for length in 1..40 {
            let part = "A".repeat(length);
            for (at, wrong) in (0..length).flat_map(|at| b"!+/=.@[`{\x7f\xc3".iter().map(move |&wrong| (at, wrong))) {
                for place in 0..3 {
                    let mut parts = [part.clone(), part.clone(), part.clone()].map(String::into_bytes);
                    parts[place][at] = wrong;
                    let expected =
                        if place == 1 && wrong == b'=' { InvalidReason::BadBase64 } else { InvalidReason::NotAJwt };
                    let judged = decode_payload(&parts.join(&b'.'), &mut [0; 128]).map(drop);
                    assert_eq!(judged, Err(expected), "{wrong} at {at} of {length} in part {place}");
                }
            }
        }
    }
}
