//! Texts that must not be shown: a token, its claims, and the headers of its request. A secret does not print itself, and it can
//! tell whether a foreign text repeats it.

use core::fmt;

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
    /// Returns the text, for the request and for the caller that owns the token.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_ref()
    }
}

/// This many characters of a secret in a row count as a part of it.
const PART: usize = 8;

/// A claim with at least this many characters may not be anywhere in a foreign text. A shorter claim may not be the whole text.
const CLAIM: usize = 4;

impl<T: AsRef<[u8]>> Secret<T> {
    /// Makes a text a secret.
    #[must_use]
    pub const fn new(text: T) -> Self {
        Self(text)
    }

    /// Returns the text in UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Tells whether a text has eight characters in a row of this secret, in any case, with or without `-` and `_`.
    #[must_use]
    pub fn has_part_in(&self, text: &[u8]) -> bool {
        let text = normalized(text);
        normalized(self.bytes()).windows(PART).any(|part| contains(&text, part))
    }

    /// Tells whether a text repeats a claim of this payload, a JSON object: a string, a number or a key.
    #[must_use]
    #[inline(never)]
    pub fn has_claim_in(&self, text: &[u8]) -> bool {
        let text = normalized(text);
        let mut rest = self.bytes();
        while !rest.is_empty() {
            let length = rest.iter().position(|byte| is_between_claims(*byte)).unwrap_or(rest.len());
            let (claim, after) = rest.split_at(length);
            let (claim, is_key) = (normalized(claim), after.starts_with(b"\":"));
            let is_literal = matches!(claim.as_slice(), b"true" | b"false" | b"null");
            if !claim.is_empty() && text == claim {
                return true;
            }
            if claim.len() >= CLAIM && !is_key && !is_literal && contains(&text, &claim) {
                return true;
            }
            rest = after.get(1..).unwrap_or_default();
        }
        false
    }

    /// Tells whether a text repeats a value of these headers, a JSON array of pairs. The value may have any length.
    #[must_use]
    pub fn has_header_in(&self, text: &[u8]) -> bool {
        let text = normalized(text);
        // The text between one quote and the next is in turn: a name, a separator, a value, and the separator of two pairs.
        let values = self.bytes().split(|byte| *byte == b'"').skip(3).step_by(4).map(normalized);
        let mut values = values.filter(|value| !value.is_empty());
        values.any(|value| contains(&text, &value)) || self.has_claim_in(&text)
    }
}

/// Tells whether a foreign text is short and of plain characters.
#[must_use]
pub fn is_plain(text: &[u8], longest: usize, punctuation: u8) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == punctuation;
    !text.is_empty() && text.len() <= longest && text.iter().all(is_plain)
}

fn is_between_claims(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b':' | b'{' | b'}' | b'[' | b']' | b'\\') || byte.is_ascii_whitespace()
}

#[inline(never)]
fn normalized(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_ascii_lowercase();
    text.retain(|byte| !matches!(byte, b'-' | b'_'));
    text
}

#[inline(never)]
fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|own| own == part)
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("eyJ.abc.def".to_owned())), "[redacted]");
    }

    #[test]
    fn only_short_texts_of_plain_characters_are_plain() {
        for plain in ["1002", "ERR_TOKEN", "a"] {
            assert!(is_plain(plain.as_bytes(), 16, b'_'), "{plain}");
        }
        for other in ["", "12345678901234567", "a b", "naïve", "a-b", "{"] {
            assert!(!is_plain(other.as_bytes(), 16, b'_'), "{other}");
        }
    }

    #[test]
    fn a_part_of_a_secret_is_found_in_any_case_with_or_without_dashes() {
        let secret = Secret::new("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbm-F0d_XJl".to_owned());
        for repeated in ["eyJhbGci", "XXeyJhbGciXX", "EYJHBGCIOI", "eyJ-hbG-ciO-iJI", "c2lnbmF0", "c2lnbm-F0dXJl"] {
            assert!(secret.has_part_in(repeated.as_bytes()), "{repeated}");
        }
        for other in ["1002", "ERR_TOKEN", "eyJhbGc", ""] {
            assert!(!secret.has_part_in(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_claim_is_found_whole_if_it_is_short_and_anywhere_if_it_has_four_characters() {
        let secret = Secret::new(r#"{"sub":"jo","tier":"gold","uid":12345,"active":true,"n":7}"#.to_owned());
        for repeated in ["jo", "JO", "gold", "GOLD_1", "id-12345", "12345", "tier", "7"] {
            assert!(secret.has_claim_in(repeated.as_bytes()), "{repeated}");
        }
        for other in ["join", "gol", "1002", "1234", "tiers", "untrue", "17"] {
            assert!(!secret.has_claim_in(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_headers_value_is_found_however_short_it_is() {
        let secret = Secret::new(r#"[["x-api-key","k7"],["x-auth","Basic secret1"],["x-empty",""]]"#.to_owned());
        for repeated in ["k7", "xk7x", "K_7", "secret1", "aSecret1b"] {
            assert!(secret.has_header_in(repeated.as_bytes()), "{repeated}");
        }
        for other in ["1002", "ERR_TOKEN", "k", "key"] {
            assert!(!secret.has_header_in(other.as_bytes()), "{other}");
        }
    }
}
