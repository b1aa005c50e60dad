//! JSON exactly as `JSON.parse` accepts it (ECMA-404). The reader does not recurse and builds no values: it finds the [`Members`]
//! that the crate needs. If a text has escapes, it is rewritten in place. Then there is only one way to write a string, so equal
//! strings are equal bytes.

mod escape;
mod reader;

use self::escape::unescape;
use self::reader::Reader;

/// The kinds of values that the crate tells apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Number,
    String,
    /// `true`, `false` or `null`.
    Literal,
    /// An object or array.
    Nested,
}

/// A value: its kind, and its place in the text. The place of a string is what stands between its quotes, and the place of an
/// object or array is its first character.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    from: usize,
    to: usize,
}

impl Value {
    /// Returns the value's text.
    pub(crate) fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.from..self.to).unwrap_or_default()
    }

    /// Returns the characters of a string or number; None for anything else. Only a quote, a
    /// backslash and a lone surrogate (`\ud800`) have a backslash before them.
    pub(crate) fn characters<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        matches!(self.kind, Kind::String | Kind::Number).then(|| self.of(text))
    }

    /// Tells whether two values, each in its own text, have the same kind and the same characters. An object or array is equal to
    /// nothing.
    pub(crate) fn is_alike(&self, text: &[u8], other: &Self, other_text: &[u8]) -> bool {
        self.kind == other.kind && self.kind != Kind::Nested && self.of(text) == other.of(other_text)
    }
}

/// The members that the crate needs of a token's payload and of an answer. Of duplicates the last one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Members {
    pub(crate) exp: Option<Value>,
    pub(crate) iat: Option<Value>,
    pub(crate) sub: Option<Value>,
    pub(crate) api_key: Option<Value>,
    pub(crate) ott: Option<Value>,
    /// `data.accessToken`.
    pub(crate) access_token: Option<Value>,
    /// `error.errorCode`.
    pub(crate) error_code: Option<Value>,
    /// `error.message`.
    pub(crate) error_message: Option<Value>,
}

impl Members {
    /// Reads a text. None if it is not one JSON object in UTF-8. A rewritten text is filled up with spaces.
    pub(crate) fn read(text: &mut [u8]) -> Option<Self> {
        let mut is_rewritten = false;
        loop {
            let mut reader = Reader::new(text, is_rewritten);
            let members = reader.members();
            if !reader.needs_rewriting {
                return members;
            }
            str::from_utf8(text).ok()?;
            unescape(text)?;
            is_rewritten = true;
        }
    }

    /// Returns the place of a member, by the depth and the key of the object that holds it and by its own key.
    fn place(&mut self, depth: usize, parent: &[u8], key: &[u8]) -> Option<&mut Option<Value>> {
        match (depth, parent, key) {
            (1, _, b"exp") => Some(&mut self.exp),
            (1, _, b"iat") => Some(&mut self.iat),
            (1, _, b"sub") => Some(&mut self.sub),
            (1, _, b"API_KEY") => Some(&mut self.api_key),
            (1, _, b"ott") => Some(&mut self.ott),
            (1, _, b"data") => {
                // The members of an earlier duplicate do not count any more, here and below.
                self.access_token = None;
                None
            }
            (1, _, b"error") => {
                (self.error_code, self.error_message) = (None, None);
                None
            }
            (2, b"data", b"accessToken") => Some(&mut self.access_token),
            (2, b"error", b"errorCode") => Some(&mut self.error_code),
            (2, b"error", b"message") => Some(&mut self.error_message),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
