//! A compact JWT (RFC 7519, section 3; RFC 7515, section 7.1): trimmed, split, and its payload decoded.
//!
//! Only the payload is decoded. The header is not judged and the signature is **not verified**: the key is the
//! vendor's. What the claims say is no business of this module.

use core::fmt;

use crate::error::InvalidReason;

/// The longest token that is looked at, in UTF-16 code units.
pub const MAX_UNITS: u32 = 16_384;

/// A text that must not be shown: its `Debug` prints `[redacted]`, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text, for the request and the caller who owns it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Tells whether a foreign text may be shown: it is short, of plain characters, and repeats nothing of
    /// this secret. A server that echoes the token into an error code must not make it appear in a log.
    #[must_use]
    pub fn admits(&self, text: &str, longest: usize, punctuation: u8) -> bool {
        const PIECE: usize = 8;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == punctuation;
        let repeated = |piece| self.0.as_bytes().windows(PIECE).any(|own| own == piece);
        // A short text is a repetition where it is the whole of a claim.
        let inside =
            |own: &'_ [u8]| own.strip_prefix(b"\"")?.strip_suffix(b"\"").map(|inside| inside == text.as_bytes());
        let is_claim = || self.0.as_bytes().windows(text.len() + 2).any(|own| inside(own) == Some(true));
        !text.is_empty()
            && text.len() <= longest
            && text.bytes().all(plain)
            && !text.as_bytes().windows(PIECE).any(repeated)
            && !is_claim()
    }
}

impl fmt::Debug for Secret {
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
    // TAB, LF, FF, CR and SPACE: ASCII whitespace as the WHATWG has it.
    let token = text.trim_ascii();
    if utf16_units(token) > MAX_UNITS {
        return Err(InvalidReason::TooLong);
    }
    if token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"Bearer ")) {
        return Err(InvalidReason::BearerPrefix);
    }
    let (_header, rest) = part(token).ok_or(InvalidReason::NotAJwt)?;
    let (body, padded, signature) = match part(rest) {
        Some((body, rest)) => (body, false, rest),
        None => padded_part(rest).ok_or(InvalidReason::NotAJwt)?,
    };
    if signature.is_empty() || alphabet_run(signature) != signature.len() {
        return Err(InvalidReason::NotAJwt);
    }
    if padded || body.len() % 4 == 1 {
        return Err(InvalidReason::BadBase64);
    }
    decode_base64url(body, payload).ok_or(InvalidReason::TooLong)
}

/// Splits off a non-empty run of the alphabet that ends in a dot.
fn part(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (run, rest) = text.split_at_checked(alphabet_run(text))?;
    if run.is_empty() { None } else { Some((run, rest.strip_prefix(b".")?)) }
}

/// Splits off a part that is base64url but for `=`: a JWT by its outline, padded against RFC 7515.
fn padded_part(text: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let dot = text.iter().position(|&byte| byte == b'.')?;
    let (body, rest) = text.split_at_checked(dot)?;
    let padded = !body.is_empty() && body.iter().all(|&byte| byte == b'=' || value(byte) != NONE);
    if padded { Some((body, true, rest.strip_prefix(b".")?)) } else { None }
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

/// What a byte outside the alphabet is worth.
const NONE: u8 = 0xff;

/// The base64url alphabet (RFC 4648, section 5) by byte.
static VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        #[expect(
            clippy::as_conversions,
            clippy::indexing_slicing,
            reason = "constant evaluation, checked by the compiler"
        )]
        {
            values[alphabet[value as usize] as usize] = value;
        }
        value += 1;
    }
    values
};

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(NONE)
}

fn alphabet_run(text: &[u8]) -> usize {
    text.iter().position(|&byte| value(byte) == NONE).unwrap_or(text.len())
}

/// Decodes what is all alphabet and of a possible length; unused trailing bits are ignored. None where there is
/// no room.
fn decode_base64url<'a>(text: &[u8], bytes: &'a mut [u8]) -> Option<&'a [u8]> {
    let groups = text.chunks_exact(4);
    let tail = groups.remainder();
    let (whole, rest) = bytes.split_at_mut_checked(text.len() / 4 * 3)?;
    for (group, out) in groups.zip(whole.chunks_exact_mut(3)) {
        let [_, high, middle, low] = join(group).to_be_bytes();
        out.copy_from_slice(&[high, middle, low]);
    }
    let length = text.len() * 3 / 4;
    let bits = join(tail) << (32 - 6 * tail.len().max(1));
    for (byte, out) in bits.to_be_bytes().into_iter().zip(rest.iter_mut().take(length - whole.len())) {
        *out = byte;
    }
    bytes.get(..length)
}

/// Joins up to four characters, six bits each.
fn join(group: &[u8]) -> u32 {
    group.iter().fold(0, |bits, &byte| bits << 6 | u32::from(value(byte)))
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
}
