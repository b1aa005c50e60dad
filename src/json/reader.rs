//! Reads a text from its beginning to its end, with an index and a stack of the open objects and arrays. A function that skips
//! something returns None if that is not there.

#![expect(clippy::inline_always, reason = "measured: without inlining a check takes 1.5 times as long")]

use core::cell::Cell;

use super::{Kind, Members, Value};

pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether the text is known to be UTF-8 and was rewritten. Then it has control characters in place of their escapes.
    is_rewritten: bool,
    /// Whether reading ended at an escape or at a byte beyond ASCII, because the text was not rewritten.
    pub(super) needs_rewriting: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8], is_rewritten: bool) -> Self {
        Self { text, at: 0, is_rewritten, needs_rewriting: false }
    }

    /// Reads the whole text, which must be an object.
    pub(super) fn members(&mut self) -> Option<Members> {
        let mut members = Members::default();
        let mut nesting = Nesting::default();
        let mut parent: &[u8] = b"";
        if self.next()? != b'{' {
            return None;
        }
        nesting.open(true)?;
        let mut is_first = true;
        loop {
            let mut next = self.next()?;
            // A member or an item begins here, unless the object or array is empty.
            if !(is_first && nesting.is_end(next)) {
                let mut key: &[u8] = b"";
                if nesting.in_object {
                    if next != b'"' {
                        return None;
                    }
                    key = self.string()?;
                    if self.next()? != b':' {
                        return None;
                    }
                    next = self.next()?;
                }
                let from = self.at - 1;
                let kind = self.value(next)?;
                if nesting.in_object
                    && let Some(place) = members.place(nesting.depth, parent, key)
                {
                    let quote = usize::from(kind == Kind::String);
                    *place = Some(Value { kind, from: from + quote, to: self.at - quote });
                }
                if kind == Kind::Nested {
                    if nesting.depth == 1 {
                        parent = key;
                    }
                    nesting.open(next == b'{')?;
                    is_first = true;
                    continue;
                }
                next = self.next()?;
            }
            is_first = false;
            // A value has ended, and perhaps the object or array that holds it.
            while next != b',' {
                if !nesting.is_end(next) {
                    return None;
                }
                nesting.close();
                if nesting.depth == 0 {
                    return if self.next().is_none() { Some(members) } else { None };
                }
                next = self.next()?;
            }
        }
    }

    /// Takes the next character that is no white space.
    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Skips a character if it is a wanted one.
    #[inline(always)]
    fn skip_if(&mut self, is_wanted: impl Fn(u8) -> bool) -> bool {
        let is_there = self.text.get(self.at).is_some_and(|&byte| is_wanted(byte));
        if is_there {
            self.at += 1;
        }
        is_there
    }

    /// Skips the rest of a value after its first character. Of an object or array it skips nothing more.
    #[inline(always)]
    fn value(&mut self, first: u8) -> Option<Kind> {
        match first {
            b'"' => self.string().map(|_| Kind::String),
            b'{' | b'[' => Some(Kind::Nested),
            b'-' | b'0'..=b'9' => self.number(first).map(|()| Kind::Number),
            _ => {
                self.at += match (first, self.text.get(self.at..)?) {
                    (b't', [b'r', b'u', b'e', ..]) | (b'n', [b'u', b'l', b'l', ..]) => 3,
                    (b'f', [b'a', b'l', b's', b'e', ..]) => 4,
                    _ => return None,
                };
                Some(Kind::Literal)
            }
        }
    }

    /// Skips the rest of a string after its opening quote. Returns the text between the quotes.
    #[inline(always)]
    fn string(&mut self) -> Option<&'a [u8]> {
        let from = self.at;
        loop {
            if let Some(eight) = self.text.get(self.at..)?.first_chunk() {
                let special = special(*eight);
                if special == 0 {
                    self.at += 8;
                    continue;
                }
                self.at += usize::try_from(special.trailing_zeros() / 8).ok()?;
            }
            match self.byte()? {
                b'"' => return self.text.get(from..self.at - 1),
                b'\\' if self.is_rewritten => self.at += 1,
                _ if self.is_rewritten => {}
                b'\\' | 0x80.. => {
                    self.needs_rewriting = true;
                    return None;
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// Skips the rest of a number after its first character.
    #[inline(always)]
    fn number(&mut self, first: u8) -> Option<()> {
        let first = if first == b'-' { self.byte()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => while self.skip_if(|byte| byte.is_ascii_digit()) {},
            _ => return None,
        }
        if self.skip_if(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.skip_if(|byte| matches!(byte, b'e' | b'E')) {
            self.skip_if(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    /// Skips digits. There must be at least one.
    #[inline(always)]
    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.skip_if(|byte| byte.is_ascii_digit()) {}
        (self.at > from).then_some(())
    }
}

/// Returns eight bytes. The upper bit of one is set if the given byte is a quote, a backslash, a control character or beyond ASCII.
#[inline(always)]
pub(super) fn special(eight: [u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let bytes = u64::from_le_bytes(eight);
    // Sets the upper bit of a byte below a limit. A borrow can also set the bit of later bytes, but only the first set bit counts.
    let below = |bytes: u64, limit: u8| bytes.wrapping_sub(EACH * u64::from(limit));
    let is = |byte: u8| below(bytes ^ (EACH * u64::from(byte)), 1);
    // One beyond ASCII keeps that bit in the first or the second of them.
    (is(b'"') | is(b'\\') | below(bytes, b' ')) & (EACH << 7)
}

/// How many levels there can be: each level takes at least a byte of the text, and no text is longer than the body of an answer.
const MAX_DEPTH: usize = 64 * 1024;

thread_local! {
    /// Whether each level is inside an object. Only one text is read at a time.
    static OUTER: [Cell<bool>; MAX_DEPTH] = const { [const { Cell::new(false) }; MAX_DEPTH] };
}

/// The open objects and arrays.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_object: bool,
}

impl Nesting {
    fn open(&mut self, is_object: bool) -> Option<()> {
        OUTER.with(|outer| outer.get(self.depth).map(|level| level.set(self.in_object)))?;
        self.in_object = is_object;
        self.depth += 1;
        Some(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.in_object = OUTER.with(|outer| outer.get(self.depth).is_some_and(Cell::get));
    }

    /// Tells whether a character ends the innermost object or array.
    fn is_end(&self, byte: u8) -> bool {
        byte == if self.in_object { b'}' } else { b']' }
    }
}
