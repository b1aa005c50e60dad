//! What must not be shown: a token, its claims, the headers that go with it. A secret does not show itself, and it judges
//! whether a foreign text may be shown beside it.

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
