//! Replaces each escape by its character.

/// Rewrites the strings of a text in UTF-8. A quote, a backslash and a lone surrogate stay escaped, because there is no other
/// way to write them. Spaces fill up the text. None if an escape is wrong or outside a string, or if a string has a control
/// character.
#[inline(never)]
pub(super) fn unescape(text: &mut [u8]) -> Option<()> {
    let (mut from, mut to, mut in_string) = (0, 0, false);
    while let Some(&first) = text.get(from) {
        let (mut utf8, mut surrogate) = ([first, 0, 0, 0], [0; 6]);
        let (written, length): (&[u8], _) = match first {
            b'\\' if in_string => {
                let (character, length) = escape(text.get(from..)?)?;
                let written = match char::from_u32(character) {
                    Some('"') => b"\\\"",
                    Some('\\') => b"\\\\",
                    Some(character) => character.encode_utf8(&mut utf8).as_bytes(),
                    None => {
                        surrogate.copy_from_slice(text.get(from..)?.first_chunk::<6>()?);
                        surrogate.make_ascii_lowercase();
                        &surrogate
                    }
                };
                (written, length)
            }
            b'\\' => return None,
            0..0x20 if in_string => return None,
            _ => {
                in_string ^= first == b'"';
                (&utf8[..1], 1)
            }
        };
        text.get_mut(to..)?.get_mut(..written.len())?.copy_from_slice(written);
        from += length;
        to += written.len();
    }
    text.get_mut(to..)?.fill(b' ');
    Some(())
}

/// Reads an escape, or two that are a surrogate pair. Returns the character and the length of what was read.
fn escape(text: &[u8]) -> Option<(u32, usize)> {
    let character = match *text.get(1)? {
        byte @ (b'"' | b'\\' | b'/') => byte,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 12,
        b'r' => b'\r',
        _ => {
            let high = code_unit(text)?;
            return Some(match text.get(6..).and_then(code_unit) {
                Some(low @ 0xdc00..0xe000) if matches!(high, 0xd800..0xdc00) => {
                    (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
                }
                _ => (high, 6),
            });
        }
    };
    Some((character.into(), 2))
}

/// Reads `\u` and four digits.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
}
