//! A compact JWT (RFC 7519, section 3; RFC 7515, section 7.1): trimmed, split, and its payload decoded. The header is not
//! judged, and the signature is **not verified**: the key is the vendor's. This module does not look at the claims.

use crate::error::InvalidReason;

/// The longest token that is looked at, in UTF-16 code units.
pub const MAX_UNITS: u16 = 16_384;

/// Splits a token and decodes its payload into `room`, which needs three bytes for each four characters of the payload. Returns the
/// payload.
///
/// # Errors
/// Says why the text is no compact JWT, or why its payload is not base64url.
pub(crate) fn decode_payload<'a>(text: &[u8], room: &'a mut [u8]) -> Result<&'a mut [u8], InvalidReason> {
    // TAB, LF, FF, CR and SPACE: ASCII whitespace as the WHATWG has it.
    let token = text.trim_ascii();
    if token.len() > MAX_UNITS.into() && utf16_units(token) > MAX_UNITS.into() {
        return Err(InvalidReason::TooLong);
    }
    let (header, rest) = split_run(token);
    let Some(body) = rest.strip_prefix(b".").filter(|_| !header.is_empty()) else {
        return Err(if is_bearer(token) { InvalidReason::BearerPrefix } else { InvalidReason::NotAJwt });
    };
    let (characters, length) = decode(body, room).ok_or(InvalidReason::TooLong)?;
    let mut rest = body.get(characters..).unwrap_or_default();
    // If the part is base64url apart from `=`, it is a JWT's payload with padding, which RFC 7515 forbids.
    let is_padded = rest.starts_with(b"=");
    while let [b'=', more @ ..] = rest {
        rest = split_run(more).1;
    }
    let [b'.', signature @ ..] = rest else {
        return Err(InvalidReason::NotAJwt);
    };
    let is_payload = characters > 0 || is_padded;
    if !is_payload || signature.is_empty() || !split_run(signature).1.is_empty() {
        return Err(InvalidReason::NotAJwt);
    }
    // One character more than whole groups of four has fewer bits than a byte.
    if is_padded || characters % 4 == 1 {
        return Err(InvalidReason::BadBase64);
    }
    room.get_mut(..length).ok_or(InvalidReason::TooLong)
}

/// Tells whether a text begins with `Bearer `, in any case.
fn is_bearer(text: &[u8]) -> bool {
    text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "))
}

fn utf16_units(utf8: &[u8]) -> usize {
    // A continuation byte adds no unit. The first byte of a character that needs a surrogate pair adds two.
    utf8.iter().map(|&byte| usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0)).sum()
}

/// The six bits that each character of the base64url alphabet (RFC 4648, section 5) stands for; [`OTHER`] for other bytes.
static BITS: [u8; 256] = bits_by_character();
const OTHER: u8 = 64;

const fn bits_by_character() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut character = 0_u8;
    while let [bits, more @ ..] = rest {
        *bits = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => OTHER,
        };
        character = character.wrapping_add(1);
        rest = more;
    }
    table
}

fn bits(character: u8) -> u8 {
    BITS.get(usize::from(character)).copied().unwrap_or(OTHER)
}

/// Splits a text after its leading characters of the alphabet.
fn split_run(text: &[u8]) -> (&[u8], &[u8]) {
    let run = text.iter().take_while(|&&byte| bits(byte) < OTHER).count();
    text.split_at_checked(run).unwrap_or_default()
}

/// Decodes the leading characters of a text that are of the alphabet. Unused trailing bits are ignored. Returns the number of
/// these characters and the number of bytes that they stand for. None if there is no room for the bytes.
fn decode(text: &[u8], room: &mut [u8]) -> Option<(usize, usize)> {
    let mut groups = 0;
    for (four, place) in text.as_chunks().0.iter().zip(room.as_chunks_mut().0) {
        let Some(three) = decode_group(four) else { break };
        *place = three;
        groups += 1;
    }
    // The last group has fewer than four characters, or there is no room for it.
    let place = room.get_mut(3 * groups..)?;
    let (last, _) = split_run(text.get(4 * groups..)?);
    let length = match *last {
        [] | [_] => 0,
        [a, b] => {
            [*place.first_mut()?, ..] = decode_group(&[a, b, b'A', b'A'])?;
            1
        }
        [a, b, c] => {
            let [first, second, _] = decode_group(&[a, b, c, b'A'])?;
            *place.first_chunk_mut()? = [first, second];
            2
        }
        _ => return None,
    };
    Some((4 * groups + last.len(), 3 * groups + length))
}

/// Returns the three bytes that four characters stand for; None if one is not of the alphabet.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: a call for each group doubles the time of decoding")]
fn decode_group(&[a, b, c, d]: &[u8; 4]) -> Option<[u8; 3]> {
    let (a, b, c, d) = (bits(a), bits(b), bits(c), bits(d));
    ((a | b | c | d) < OTHER).then_some([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
}

#[cfg(test)]
mod tests;
