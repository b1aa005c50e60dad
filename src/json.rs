//! JSON exactly as `JSON.parse` accepts it (ECMA-404), read without recursion and without building anything: it finds the
//! [`Members`] that anyone here asks for. If the text has escapes, it is rewritten in its place, so that a string is written
//! in one way only, and equal strings are equal bytes.

mod escape;
mod reader;

use self::escape::unescape;
use self::reader::Reader;

/// What a value is, as far as anyone here cares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Number,
    String,
    /// `true`, `false` or `null`.
    Literal,
    /// An object or array.
    Nested,
}

/// A value, and where in its text it is: the inside of a string, the first character of an object or array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    from: usize,
    to: usize,
}

impl Value {
    /// Returns how it is written.
    pub(crate) fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.from..self.to).unwrap_or_default()
    }

    /// Returns the characters of a string or number; None for anything else. A backslash stands before a quote, a backslash
    /// and a lone surrogate (`\ud800`), and nowhere else.
    pub(crate) fn characters<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        matches!(self.kind, Kind::String | Kind::Number).then(|| self.of(text))
    }

    /// Tells whether two values, each of its text, are of one kind and the same characters. An object or array equals nothing.
    pub(crate) fn is_alike(&self, text: &[u8], other: &Self, other_text: &[u8]) -> bool {
        self.kind == other.kind && self.kind != Kind::Nested && self.of(text) == other.of(other_text)
    }
}

/// The members that anyone here asks for, of a token's payload and of an answer. Of duplicates it is the last one.
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
    /// Reads a text, which must be UTF-8 and one JSON object; None if it is not. A rewritten text ends in spaces.
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
                // What an earlier duplicate held counts no more, here and below.
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
