//! A compact JWT (RFC 7519, section 3; RFC 7515, section 7.1): trimmed, split, and its payload decoded.
//!
//! Only the payload is decoded. The header is not judged and the signature is **not verified**: the key is the
//! vendor's. What the claims say is no business of this module.

use core::cell::Cell;
use core::fmt;

use crate::QUICK;
use crate::error::InvalidReason;

/// The longest token that is looked at, in UTF-16 code units.
pub const MAX_UNITS: u16 = 16_384;

/// How many bytes are written behind a payload at most, since its last ones are written four at a time.
pub const SPARE: usize = 3;

/// A text that must not be shown, owned or borrowed: its `Debug` prints `[redacted]`, and it has no `Display`.
#[derive(Clone, Copy)]
pub struct Secret<T = String>(T);

impl<T: AsRef<[u8]>, U: AsRef<[u8]>> PartialEq<Secret<U>> for Secret<T> {
    fn eq(&self, other: &Secret<U>) -> bool {
        self.bytes() == other.bytes()
    }
}

impl<T: AsRef<[u8]>> Eq for Secret<T> {}

impl<T: AsRef<str>> Secret<T> {
    /// Returns the text, for the request and the caller who owns it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_ref()
    }
}

impl<T: AsRef<[u8]>> Secret<T> {
    /// Takes a text into custody.
    #[must_use]
    pub const fn new(text: T) -> Self {
        Self(text)
    }

    /// Returns the same in UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Tells whether a foreign text may be shown: it is short, of plain characters, and repeats nothing of
    /// this secret. A server that echoes the token into an error code must not make it appear in a log.
    #[must_use]
    #[inline(never)]
    pub fn admits(&self, text: &[u8], longest: usize, punctuation: u8) -> bool {
        const PIECE: usize = 8;
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == punctuation;
        let secret = self.bytes();
        let repeated = |piece| secret.windows(PIECE).any(|own| own == piece);
        // A short text is a repetition where it is the whole of a claim.
        let inside = |own: &'_ [u8]| own.strip_prefix(b"\"")?.strip_suffix(b"\"").map(|inside| inside == text);
        let is_claim = || secret.windows(text.len() + 2).any(|own| inside(own) == Some(true));
        !text.is_empty()
            && text.len() <= longest
            && text.iter().all(plain)
            && !text.windows(PIECE).any(repeated)
            && !is_claim()
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A token's payload, which must not be shown either.
pub(crate) struct Payload<'a> {
    /// What it is, but for what is known of it.
    pub(crate) bytes: &'a mut [u8],
    /// Whether it is ASCII, but for that.
    pub(crate) is_ascii: bool,
    /// How long a beginning is known: it was walked before, is not decoded again, and has no member that is asked for.
    pub(crate) known: usize,
}

/// What the token began with whose payload was last walked from its beginning. Tokens of one issuer have that in common: the header,
/// and of the payload all before the first claim that is asked for. It is compared, rather than decoded and walked again.
struct Beginning {
    sixteens: [Cell<[u8; 16]>; KEPT / 16],
    /// The last sixteen characters that count.
    last: Cell<[u8; 16]>,
    /// How many do; 0 where nothing is known.
    length: Cell<usize>,
    /// Where the payload begins.
    at: Cell<usize>,
    /// How many bytes of the payload come before the first member that is asked for.
    known: Cell<usize>,
}

/// How many characters of a token are kept at most.
const KEPT: usize = 256;

/// Remembers a payload, all of which was walked, up to the member of the outermost object that holds this place. A token with
/// spaces before it is one that no token begins like.
pub(crate) fn remember(token: &[u8], payload: &[u8], place: usize) {
    if !QUICK {
        return;
    }
    BEGINNING.with(|beginning| {
        // The key of a member that is asked for has no comma in it.
        let before = payload.get(..place).unwrap_or_default();
        let known = before.iter().rposition(|&byte| byte == b',').map_or(0, |comma| comma + 1);
        let at = token.iter().position(|&byte| byte == b'.').map_or(0, |dot| dot + 1);
        // And four characters more, by which all of them are compared, and no value.
        let length = at + known / 3 * 4 + 4;
        for (place, &sixteen) in beginning.sixteens.iter().zip(token.as_chunks().0) {
            place.set(sixteen);
        }
        // What is not kept here is another token's.
        beginning.length.set(0);
        if length <= KEPT
            && let Some(&last) = token.get(..length).and_then(<[u8]>::last_chunk)
        {
            beginning.length.set(length);
            beginning.last.set(last);
        }
        beginning.known.set(known);
        beginning.at.set(at);
    });
}

impl Beginning {
    /// Tells whether a token begins so.
    fn is_of(&self, token: &[u8]) -> bool {
        let is_same = |own, known: &Cell<_>| u128::from_le_bytes(own) == u128::from_le_bytes(known.get());
        let beginning = token.get(..self.length.get()).unwrap_or_default();
        let Some(&last) = beginning.last_chunk() else { return false };
        // The last sixteen first, of which some are among the others, too.
        is_same(last, &self.last)
            && beginning.as_chunks().0.iter().zip(&self.sixteens).all(|(&own, known)| is_same(own, known))
    }
}

thread_local! {
    static BEGINNING: Beginning = const {
        Beginning {
            sixteens: [const { Cell::new([0; 16]) }; KEPT / 16],
            last: Cell::new([0; 16]),
            length: Cell::new(0),
            at: Cell::new(0),
            known: Cell::new(0),
        }
    };
}

/// Has all of the next payload decoded, as whoever looks at all of it needs.
pub(crate) fn forget() {
    BEGINNING.with(|beginning| beginning.length.set(0));
}

/// Splits a token and decodes its payload, but for what is known of it, to its place in `payload`, which has room for three
/// quarters of the token and [`SPARE`] bytes more. Returns the payload.
///
/// # Errors
/// Says why the text is no compact JWT, or why its payload is not base64url.
pub(crate) fn decode_payload<'a>(text: &[u8], payload: &'a mut [u8]) -> Result<Payload<'a>, InvalidReason> {
    PAIRS.with(|pairs| {
        if !is_of_alphabet(pairs, b'A') {
            fill(pairs);
        }
        decode_by(pairs, text, payload)
    })
}

fn decode_by<'a>(pairs: &Pairs, text: &[u8], payload: &'a mut [u8]) -> Result<Payload<'a>, InvalidReason> {
    // TAB, LF, FF, CR and SPACE: ASCII whitespace as the WHATWG has it.
    let token = trimmed(text);
    if token.len() > MAX_UNITS.into() && utf16_units(token) > MAX_UNITS.into() {
        return Err(InvalidReason::TooLong);
    }
    let (body, known) = BEGINNING.with(|beginning| {
        if QUICK && beginning.is_of(token) {
            (token.get(beginning.at.get()..), beginning.known.get())
        } else {
            (after_part(pairs, token), 0)
        }
    });
    let Some(body) = body else {
        return Err(if is_bearer(token) { InvalidReason::BearerPrefix } else { InvalidReason::NotAJwt });
    };
    // Three bytes of it are four characters.
    let groups = known / 3;
    let decoded =
        payload.get_mut(3 * groups..).zip(body.get(4 * groups..)).and_then(|(bytes, text)| decode(pairs, text, bytes));
    let (length, seen, rest) = decoded.ok_or(InvalidReason::TooLong)?;
    let (length, run) = (3 * groups + length, body.len() - rest.len());
    // A part that is base64url but for `=` is a JWT's by its outline, padded against RFC 7515.
    let unpadded = rest;
    let mut rest = rest;
    while let [b'=', more @ ..] = rest {
        rest = after_alphabet(pairs, more);
    }
    let is_padded = rest.len() != unpadded.len();
    let [b'.', signature @ ..] = rest else {
        return Err(InvalidReason::NotAJwt);
    };
    if run == 0 && !is_padded || signature.is_empty() || run_of_alphabet(pairs, signature) < signature.len() {
        return Err(InvalidReason::NotAJwt);
    }
    // One character over whole groups of four has not even the bits of a byte.
    if is_padded || run % 4 == 1 {
        return Err(InvalidReason::BadBase64);
    }
    // Every bit that one of the bytes has is seen, six of them side by side.
    let is_ascii = seen & 0x8080_8080_8080 == 0;
    Ok(Payload { bytes: payload.get_mut(..length).ok_or(InvalidReason::TooLong)?, is_ascii, known })
}

/// Returns a text without the spaces around it. Nearly none has any, and the standard library's own is a call.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: the call is a fiftieth of a check")]
fn trimmed(text: &[u8]) -> &[u8] {
    if !QUICK {
        return text.trim_ascii();
    }
    let mut rest = text;
    while let [byte, more @ ..] = rest
        && byte.is_ascii_whitespace()
    {
        rest = more;
    }
    while let [more @ .., byte] = rest
        && byte.is_ascii_whitespace()
    {
        rest = more;
    }
    rest
}

/// Returns what follows a non-empty run of the alphabet and its dot.
fn after_part<'a>(pairs: &Pairs, text: &'a [u8]) -> Option<&'a [u8]> {
    let rest = after_alphabet(pairs, text);
    if rest.len() == text.len() { None } else { rest.strip_prefix(b".") }
}

/// Tells whether it begins with `Bearer `, in any case.
fn is_bearer(token: &[u8]) -> bool {
    // Of the eighth byte, which there is since spaces are trimmed, nothing is left.
    const CASES: u64 = u64::from_le_bytes(*b"      \0\0");
    const BEARER: u64 = u64::from_le_bytes(*b"bearer \0");
    token.first_chunk().is_some_and(|&eight| (u64::from_le_bytes(eight) | CASES) << 8 == BEARER << 8)
}

fn utf16_units(utf8: &[u8]) -> usize {
    // What continues a character is none, and what begins one that takes a surrogate pair is two.
    utf8.iter().map(|&byte| usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0)).sum()
}

thread_local! {
    /// The base64url alphabet (RFC 4648, section 5), two characters at a time: what a pair is worth, as the first and as the
    /// second of a group of four, to the three bytes that the group stands for, the first of them lowest. 0 is for what is
    /// none, so that the module brings no data along; all else has marks. Of a quarter of a megabyte some 22 KB are ever touched.
    ///
    /// Where that is to be small, it is one character at a time: its six bits, and [`ALONE`].
    static PAIRS: Pairs = const { [const { Cell::new(0) }; PLACES] };
}

type Pairs = [Cell<u32>; PLACES];

const PLACES: usize = if QUICK { 1 << 16 } else { 1 << 8 };

/// The mark of a character by itself.
const ALONE: u32 = 1 << 6;

/// The bits of a pair that count where it is the first of a group, and where it is the second: of each the upper one is a mark.
const FIRST: u32 = 1 << 30 | 0xf0ff;
const SECOND: u32 = 1 << 31 | 0xff_0f00;

/// What a group has at least that is of the alphabet: both marks.
const GROUP: u32 = 3 << 30;

/// The three bytes of a group, without them.
const THREE: u32 = 0xff_ffff;

#[inline(never)]
fn fill(pairs: &Pairs) {
    for upper in 0..1 << 6 {
        let first = character(upper);
        if !QUICK && let Some(place) = pairs.get(first) {
            place.set(ALONE | upper);
            continue;
        }
        for lower in 0..1 << 6 {
            let bits = upper << 6 | lower;
            if let Some(pair) = pairs.get(first | character(lower) << 8) {
                pair.set(GROUP | bits >> 4 | (bits & 15) << 12 | bits & 0xf00 | (bits & 255) << 16);
            }
        }
    }
}

/// Returns the character of six bits.
#[inline(never)]
fn character(bits: u32) -> usize {
    let character = match bits {
        0..26 => bits + 65,
        26..52 => bits + 71,
        52..62 => bits - 4,
        62 => 45,
        _ => 95,
    };
    usize::try_from(character).unwrap_or_default()
}

/// Returns what the lowest two bytes are worth at a place of their group.
#[inline]
fn worth<const BITS: u32>(pairs: &Pairs, bytes: u64) -> u32 {
    let pair = usize::try_from(bytes & 0xffff).unwrap_or_default();
    pairs.get(pair).map_or(0, Cell::get) & BITS
}

/// Returns the three bytes that the lowest four are worth, at least [`GROUP`] where all are of the alphabet.
#[inline]
fn group(pairs: &Pairs, bytes: u64) -> u32 {
    worth::<FIRST>(pairs, bytes) | worth::<SECOND>(pairs, bytes >> 16)
}

/// Returns a pair that is worth what one character is.
#[inline]
fn alone(byte: u8) -> u64 {
    u64::from(u16::from_le_bytes([b'A', byte]))
}

/// Returns what a character is worth where the table has no pairs.
#[inline]
fn single(pairs: &Pairs, byte: u8) -> u32 {
    pairs.get(usize::from(byte)).map_or(0, Cell::get)
}

/// Tells whether a character is of the alphabet.
#[inline]
fn is_of_alphabet(pairs: &Pairs, byte: u8) -> bool {
    if QUICK { worth::<FIRST>(pairs, alone(byte)) != 0 } else { single(pairs, byte) != 0 }
}

/// Returns how many characters of the alphabet a text begins with.
#[inline(never)]
fn run_of_alphabet(pairs: &Pairs, text: &[u8]) -> usize {
    let mut rest = text;
    while QUICK
        && let Some((&four, more)) = rest.split_first_chunk()
        && group(pairs, u32::from_le_bytes(four).into()) >= GROUP
    {
        rest = more;
    }
    while let [byte, more @ ..] = rest
        && is_of_alphabet(pairs, *byte)
    {
        rest = more;
    }
    text.len() - rest.len()
}

/// Returns what follows a run of the alphabet.
fn after_alphabet<'a>(pairs: &Pairs, text: &'a [u8]) -> &'a [u8] {
    text.get(run_of_alphabet(pairs, text)..).unwrap_or_default()
}

/// Returns the six bytes that eight are worth, of both the first one lowest; None where not all of them are of the alphabet.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: a call each costs a quarter of a check")]
fn six(pairs: &Pairs, eight: u64) -> Option<u64> {
    let (first, second) = (group(pairs, eight), group(pairs, eight >> 32));
    (first & second >= GROUP).then_some(u64::from(second) << 24 | u64::from(first & THREE))
}

/// Decodes a run of the alphabet; unused trailing bits are ignored. Returns the number of bytes, every bit that one of
/// them has, and what follows the run; None where there is no room.
fn decode<'a>(pairs: &Pairs, mut text: &'a [u8], bytes: &mut [u8]) -> Option<(usize, u64, &'a [u8])> {
    let (mut length, mut seen) = (0, 0);
    // Sixteen at a time, by measurement: so it is a twentieth of a check faster.
    while QUICK
        && let Some((sixteen, rest)) = text.split_first_chunk::<16>()
        && let (Some(&eight), Some(&next)) = (sixteen.first_chunk(), sixteen.last_chunk())
        && let Some(first) = six(pairs, u64::from_le_bytes(eight))
        && let Some(second) = six(pairs, u64::from_le_bytes(next))
    {
        // Two bytes more than twelve are written, and then overwritten.
        let place: &mut [u8; 14] = bytes.get_mut(length..)?.first_chunk_mut()?;
        *place.first_chunk_mut()? = first.to_le_bytes();
        *place.last_chunk_mut()? = second.to_le_bytes();
        seen |= first | second;
        length += 12;
        text = rest;
    }
    let (last, rest) = text.split_at_checked(run_of_alphabet(pairs, text))?;
    for four in last.chunks(4) {
        let three = if QUICK {
            // Behind the last ones stand as many of what is worth nothing.
            let filler = u64::from(u32::from_le_bytes([b'A'; 4]));
            group(pairs, four.iter().rev().fold(filler, |four, &byte| four << 8 | u64::from(byte))) & THREE
        } else {
            let bits = four.iter().fold(0, |bits, &byte| (bits << 6) | (single(pairs, byte) % ALONE));
            (bits << (32 - 6 * four.len())).swap_bytes()
        };
        *bytes.get_mut(length..)?.first_chunk_mut()? = three.to_le_bytes();
        seen |= u64::from(three);
        length += four.len() * 3 / 4;
    }
    Some((length, seen, rest))
}

#[cfg(test)]
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::claims::Claims;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("eyJ.abc.def".to_owned())), "[redacted]");
    }

    #[test]
    fn a_secret_admits_no_piece_of_itself() {
        let secret = Secret::new("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl".to_owned());
        assert!(secret.admits(b"1002", 16, b'_'));
        assert!(secret.admits(b"ERR_TOKEN", 16, b'_'));
        for echoed in ["eyJhbGciOiJIUzI1", "XXeyJhbGciXX", "c2lnbmF0dXJl", "", "12345678901234567", "a b", "naïve"] {
            assert!(!secret.admits(echoed.as_bytes(), 16, b'_'), "{} characters", echoed.len());
        }
    }

    #[test]
    fn a_secret_admits_no_whole_claim_however_short() {
        let secret = Secret::new(r#"{"sub":"jo","tier":"gold","iat":1750329735}"#.to_owned());
        for echoed in ["jo", "gold", "1750329735", "tier"] {
            assert!(!secret.admits(echoed.as_bytes(), 16, b'_'), "{} characters", echoed.len());
        }
        assert!(secret.admits(b"gol", 16, b'_'));
        assert!(secret.admits(b"1002", 16, b'_'));
    }

    #[test]
    fn every_length_decodes_as_the_oracle_does() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let bytes: Vec<u8> = (0..=255).rev().collect();
        for length in 1..bytes.len() {
            let part = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            let mut room = [7; 256 + SPARE];
            let payload = decode_payload(format!("h.{part}.s").as_bytes(), &mut room).expect("a JWT by its outline");
            assert_eq!(payload.bytes, &bytes[..length]);
            assert_eq!(payload.is_ascii, QUICK && bytes[..length].is_ascii());
            let short = room.get_mut(..length).expect("it is shorter");
            assert!(decode_payload(format!("h.{part}.s").as_bytes(), short).is_err());
        }
    }

    #[test]
    fn a_token_decodes_the_same_whatever_is_known_of_it() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let token =
            |header: &str, payload: &str| format!("{header}.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)).into_bytes();
        let payload = r#"{"a":"0123456789","b":[{"c":1}],"exp":1,"d":"0123456789"}"#;
        let remembered = |token: &[u8]| {
            let mut room = [0; 256];
            forget();
            let payload = decode_payload(token, &mut room).expect("a JWT by its outline");
            let place = payload.bytes.windows(3).position(|bytes| bytes == b"exp").expect("an exp claim");
            remember(token, payload.bytes, place);
        };
        let decoded = |token: &[u8]| {
            let (mut room, mut other) = ([0; 256], [1; 256]);
            let one = decode_payload(token, &mut room);
            forget();
            let whole = decode_payload(token, &mut other);
            let known = one.as_ref().map_or(0, |payload| payload.known);
            let [one, whole] = [one, whole].map(|payload| payload.map(|payload| payload.bytes[known..].to_vec()));
            assert_eq!(one, whole, "{}", token.escape_ascii());
            known
        };
        // Wherever in the token the payload begins, and ends.
        for length in 1..40 {
            let header = "h".repeat(length);
            let full = token(&header, payload);
            let decoded = |token: &[u8]| {
                remembered(&full);
                decoded(token)
            };
            assert_eq!(decoded(&full), if QUICK { 32 } else { 0 });
            for at in 0..full.len() {
                decoded(&full[..at]);
                for byte in *b".A=! \x80" {
                    let mut changed = full.clone();
                    changed[at] = byte;
                    let known = decoded(&changed);
                    assert!(changed == full || known == 0 || at > length + 43, "{byte} at {at} after {length}");
                }
            }
            assert_eq!(decoded(&token(&header[1..], payload)), 0);
        }
    }

    #[test]
    fn no_more_of_a_beginning_counts_than_is_kept() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let mut counted = Vec::new();
        for length in 0..2 * KEPT {
            let token = |inside: &str, exp: u32| {
                let payload = format!(r#"{{"a":"{inside}","exp":{exp},"iat":1}}"#);
                format!("e30.{}.s", URL_SAFE_NO_PAD.encode(payload)).into_bytes()
            };
            let read =
                |token: &[u8]| Claims::read(token, &mut vec![0; token.len() + SPARE]).map(|claims| claims.expires_at);
            let inside = "b".repeat(length) + "c";
            forget();
            assert_eq!(read(&token(&inside, 10)), Ok(10_000.0));
            let next = token(&inside, 11);
            counted.push(decode_payload(&next, &mut [0; 4 * KEPT]).expect("a JWT by its outline").known > 0);
            assert_eq!(read(&next), Ok(11_000.0));
            for at in [0, length / 2, length * 5 / 6, length] {
                let (before, after) = inside.split_at(at);
                assert_eq!(read(&token(&format!("{before}\"{}", &after[1..]), 12)), Err(InvalidReason::BadJson));
                assert_eq!(read(&token(&format!("{before}{}", &after[1..]), 13)), Ok(13_000.0));
                assert_eq!(read(&next), Ok(11_000.0));
            }
        }
        let kept = counted.iter().filter(|&&known| known).count();
        assert!(if QUICK { (150..KEPT).contains(&kept) } else { kept == 0 }, "{kept}");
        assert!(counted.iter().skip_while(|&&known| known).all(|&known| !known), "the shorter ones count");
    }

    #[test]
    fn spaces_around_are_those_of_the_standard_library() {
        for (one, other) in (0..=u8::MAX).flat_map(|one| (0..=u8::MAX).map(move |other| (one, other))) {
            for text in [&[one, other][..], &[one, other, b'a', other, one], &[b' ', one, other, b'\n'], &[one]] {
                assert_eq!(trimmed(text), text.trim_ascii());
            }
        }
        assert_eq!(trimmed(b""), b"");
    }

    #[test]
    fn a_token_decodes_the_same_whichever_two_came_before_that_it_is_of() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let payloads =
            ["{}", r#"{"exp":1}"#, r#"{"a":1,"exp":1}"#, r#"{"abc":[1,2],"d":"0123456789","iat":1,"exp":1}"#];
        let tokens: Vec<_> = [1, 4, 13, 20, 36]
            .iter()
            .flat_map(|&length| {
                payloads.map(|payload| format!("{}.{}.s", "h".repeat(length), URL_SAFE_NO_PAD.encode(payload)))
            })
            .collect();
        let read =
            |token: &[u8]| Claims::read_with_subject(token, &mut [0; 256]).map(|(claims, _, length)| (claims, length));
        for (one, other) in tokens.iter().flat_map(|one| tokens.iter().map(move |other| (one, other))) {
            for at in 0..=other.len() {
                let spliced =
                    [other.as_bytes().get(..at), one.as_bytes().get(at..)].map(Option::unwrap_or_default).concat();
                let _ = (read(one.as_bytes()), read(other.as_bytes()));
                let found = read(&spliced);
                forget();
                assert_eq!(found, read(&spliced), "{} after {one} and {other}", spliced.escape_ascii());
            }
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
