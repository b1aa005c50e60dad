//! JSON exactly as `JSON.parse` accepts it (ECMA-404), walked once, without recursion and without building
//! anything: a visitor is told of the members of the outermost object and of the objects right below it.
//!
//! Which members matter is the visitor's business. Of duplicates it hears all, the last one last. There is one
//! visitor, [`Named`]: the walk is compiled for each, and is half of the checker.

use core::cell::Cell;

/// A value, as far as anyone here cares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// A number, as it is written.
    Number(&'a [u8]),
    /// A string.
    String(Text<'a>),
    /// `true`, `false` or `null`.
    Literal(&'static str),
    /// An object or array, which begins here.
    Nested,
}

impl<'a> Value<'a> {
    /// Returns the characters of a string or number, by way of `room` where they are escaped; none for anything else,
    /// and none where the room is too small.
    pub(crate) fn text<'b>(self, room: &'b mut [u8]) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        match self {
            Self::String(text) if text.has_escapes => {
                // An escape takes no fewer bytes than what it stands for.
                if room.len() < text.inside.len() { None } else { Some(text.decode_to(room)) }
            }
            Self::String(Text { inside, .. }) | Self::Number(inside) => Some(inside),
            Self::Literal(_) | Self::Nested => None,
        }
    }

    /// Tells whether two values are of one kind and the same characters; what is nested is like nothing.
    pub(crate) fn is_alike(self, other: Value<'_>) -> bool {
        match (self, other) {
            (Self::String(one), Value::String(other)) => one.decoded().eq(other.decoded()),
            (Self::Number(one), Value::Number(other)) => one == other,
            (Self::Literal(one), Value::Literal(other)) => one == other,
            _ => false,
        }
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
struct Member<'a> {
    /// The key of the object that holds it; none for the outermost one.
    parent: Option<Text<'a>>,
    /// Its own key.
    key: Text<'a>,
    /// Its value.
    value: Value<'a>,
}

/// The inside of a string literal, escapes and all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Text<'a> {
    inside: &'a [u8],
    has_escapes: bool,
}

impl Text<'_> {
    /// Returns its characters where they are few, and where they are many what is no name that anyone asks for.
    #[inline]
    fn name<'a>(&'a self, room: &'a mut [u8; 16]) -> &'a [u8] {
        if self.has_escapes { self.decode_to(room) } else { self.inside }
    }

    /// Writes its bytes to where there is room for them, and returns as many as there was room for.
    #[inline(never)]
    fn decode_to(self, room: &mut [u8]) -> &[u8] {
        let mut length = 0;
        for (place, byte) in room.iter_mut().zip(self.decoded()) {
            *place = byte;
            length += 1;
        }
        room.get(..length).unwrap_or_default()
    }
}

impl<'a> Text<'a> {
    /// Returns its bytes in UTF-8, where a lone surrogate takes three as in WTF-8.
    fn decoded(self) -> Decoded<'a> {
        Decoded { rest: self.inside, unit: 0, left: 0 }
    }
}

/// The bytes that the inside of a string stands for, one by one.
struct Decoded<'a> {
    rest: &'a [u8],
    /// A character that was escaped, and how many of its bits are still to come.
    unit: u32,
    left: u32,
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    #[inline(never)]
    fn next(&mut self) -> Option<u8> {
        if self.left > 0 {
            self.left -= 6;
            return Some(low(0x80 | self.unit >> self.left & 0x3f));
        }
        let (&byte, tail) = self.rest.split_first()?;
        self.rest = tail;
        let Some((&escape, tail)) = self.rest.split_first().filter(|_| byte == b'\\') else {
            return Some(byte);
        };
        self.rest = tail;
        self.unit = match escape {
            b'b' => 8,
            b't' => 9,
            b'n' => 10,
            b'f' => 12,
            b'r' => 13,
            b'u' => {
                let (digits, tail) = self.rest.split_at_checked(4).unwrap_or_default();
                self.rest = tail;
                unit(digits)
            }
            other => u32::from(other),
        };
        if let (high @ 0xd800..=0xdbff, [b'\\', b'u', tail @ ..]) = (self.unit, self.rest)
            && let Some((digits, tail)) = tail.split_at_checked(4)
            && let low @ 0xdc00..=0xdfff = unit(digits)
        {
            self.unit = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
            self.rest = tail;
        }
        let (lead, left) = match self.unit {
            0..0x80 => (0, 0),
            0x80..0x800 => (0xc0, 6),
            0x800..0x1_0000 => (0xe0, 12),
            _ => (0xf0, 18),
        };
        self.left = left;
        Some(low(lead | self.unit >> left))
    }
}

/// Returns the lowest byte.
fn low(bits: u32) -> u8 {
    let [low, ..] = bits.to_le_bytes();
    low
}

/// Reads four hexadecimal digits.
#[inline(never)]
fn unit(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |unit, &digit| unit << 4 | hex(digit).unwrap_or(0))
}

/// The members that anyone here asks for, of a payload and of an answer. Of duplicates the last one counts.
#[derive(Default)]
pub(crate) struct Named<'a> {
    pub(crate) exp: Option<Value<'a>>,
    pub(crate) iat: Option<Value<'a>>,
    pub(crate) sub: Option<Value<'a>>,
    pub(crate) has_api_key: bool,
    pub(crate) data_access_token: Option<Value<'a>>,
    pub(crate) error_code: Option<Value<'a>>,
    pub(crate) error_message: Option<Value<'a>>,
}

impl<'a> Named<'a> {
    /// Reads a text that must be one JSON object in UTF-8.
    #[inline(never)]
    pub(crate) fn read(&mut self, text: &'a [u8]) -> Option<()> {
        let mut room = [0; 16];
        walk(text, |Member { parent, key, value }| {
            let is = |parent: Text<'_>, name: &[u8]| parent.name(&mut [0; 16]) == name;
            match (parent, key.name(&mut room)) {
                // By character: comparing slices is a call each.
                (None, [b'e', b'x', b'p']) => self.exp = Some(value),
                (None, [b'i', b'a', b't']) => self.iat = Some(value),
                (None, [b's', b'u', b'b']) => self.sub = Some(value),
                (None, b"API_KEY") => self.has_api_key = true,
                (None, b"data") => self.data_access_token = None,
                (None, b"error") => (self.error_code, self.error_message) = (None, None),
                (Some(parent), b"accessToken") if is(parent, b"data") => self.data_access_token = Some(value),
                (Some(parent), b"errorCode") if is(parent, b"error") => self.error_code = Some(value),
                (Some(parent), b"message") if is(parent, b"error") => self.error_message = Some(value),
                _ => {}
            }
        })
    }
}

/// Walks a text that must be one JSON object in UTF-8. Returns none where it is not; what the visitor has
/// heard by then counts for nothing.
///
/// What is on its usual way is there once each, so that it is inlined and the cursor stays in registers; what is
/// not is passed the text by value.
#[inline]
fn walk<'a>(text: &'a [u8], mut visit: impl FnMut(Member<'a>)) -> Option<()> {
    let mut cursor = Cursor { rest: after_space(text), seen: 0 };
    let mut nesting = Nesting::default();
    let mut parent = None;
    let mut key = None;
    let mut is_key = false;
    if cursor.rest.first() != Some(&b'{') {
        return None;
    }
    loop {
        // A key or a value begins here.
        let from = cursor.rest;
        let value = match cursor.next()? {
            b'"' => {
                let string = cursor.string()?;
                if is_key {
                    if cursor.take(b':').is_none() {
                        cursor.rest = after_space(cursor.rest);
                        cursor.take(b':')?;
                    }
                    key = if nesting.depth <= 2 { Some(string) } else { None };
                    is_key = false;
                    continue;
                }
                Some(Value::String(string))
            }
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            _ if is_key => return None,
            first @ (b'-' | b'0'..=b'9') => Some(Value::Number(cursor.number(first, from)?)),
            opening @ (b'{' | b'[') => {
                if let Some(key) = key {
                    visit(Member { parent, key, value: Value::Nested });
                }
                if nesting.depth == 1 {
                    parent = key;
                }
                key = None;
                is_key = opening == b'{';
                nesting.push(is_key)?;
                // It may end at once, and then as any other does.
                cursor.rest = after_space(cursor.rest);
                if cursor.rest.first() != Some(if is_key { &b'}' } else { &b']' }) {
                    continue;
                }
                None
            }
            b't' => Some(cursor.literal("true")?),
            b'f' => Some(cursor.literal("false")?),
            b'n' => Some(cursor.literal("null")?),
            _ => return None,
        };
        if let (Some(key), Some(value)) = (key, value) {
            visit(Member { parent, key, value });
        }
        // A value has ended here, and perhaps what holds it.
        loop {
            match (cursor.next()?, nesting.in_object()) {
                (b',', _) => break,
                (b'}', true) | (b']', false) => nesting.pop(),
                (b' ' | b'\t' | b'\n' | b'\r', _) => continue,
                _ => return None,
            }
            if nesting.depth == 1 {
                parent = None;
            }
            if nesting.depth == 0 {
                let is_utf8 = cursor.seen & 0x8080_8080 == 0 || str::from_utf8(text).is_ok();
                return (is_utf8 && after_space(cursor.rest).is_empty()).then_some(());
            }
        }
        key = None;
        is_key = nesting.in_object();
    }
}

/// What remains of the text, and what has been seen in its strings: every bit that any byte has.
struct Cursor<'a> {
    rest: &'a [u8],
    seen: u32,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        let (&first, rest) = self.rest.split_first()?;
        if first != byte {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    /// Reads the rest of a literal, its first character gone.
    #[inline]
    fn literal(&mut self, literal: &'static str) -> Option<Value<'a>> {
        self.rest = after_literal(self.rest, literal)?;
        Some(Value::Literal(literal))
    }

    /// Reads the rest of a string, its opening quote gone.
    #[inline]
    fn string(&mut self) -> Option<Text<'a>> {
        let from = self.rest;
        let mut has_escapes = false;
        loop {
            self.skip_plain();
            match self.next()? {
                b'"' => {
                    let inside = from.get(..from.len() - self.rest.len() - 1)?;
                    return Some(Text { inside, has_escapes });
                }
                b'\\' => {
                    has_escapes = true;
                    self.rest = after_escape(self.rest)?;
                }
                0..0x20 => return None,
                byte => self.seen |= u32::from(byte),
            }
        }
    }

    /// Skips characters that are only themselves, four at a time, to one that is not or is among the last.
    #[inline]
    fn skip_plain(&mut self) {
        const EACH: u32 = 0x0101_0101;
        while let Some((&four, rest)) = self.rest.split_first_chunk() {
            let bytes = u32::from_le_bytes(four);
            self.seen |= bytes;
            // The upper bit of each byte that a subtraction takes below zero. A borrow can reach later bytes only,
            // and the first one counts; what had its upper bit before is no ASCII, and plain.
            let quotes = (bytes ^ (EACH * u32::from(b'"'))).wrapping_sub(EACH);
            let escapes = (bytes ^ (EACH * u32::from(b'\\'))).wrapping_sub(EACH);
            let controls = bytes.wrapping_sub(EACH * 0x20);
            let found = (quotes | escapes | controls) & !bytes & (EACH << 7);
            if found != 0 {
                let plain = usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
                self.rest = self.rest.get(plain..).unwrap_or_default();
                return;
            }
            self.rest = rest;
        }
    }

    /// Reads the rest of a number, its first character gone; `from` begins with that.
    #[inline]
    fn number(&mut self, first: u8, from: &'a [u8]) -> Option<&'a [u8]> {
        let first = if first == b'-' { self.next()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => {
                while let [b'0'..=b'9', rest @ ..] = self.rest {
                    self.rest = rest;
                }
            }
            _ => return None,
        }
        if let [b'.' | b'e' | b'E', ..] = self.rest {
            self.rest = after_fraction(self.rest)?;
        }
        from.get(..from.len() - self.rest.len())
    }
}

#[inline(never)]
fn after_space(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = text {
        text = rest;
    }
    text
}

/// Returns what follows a literal whose first character is gone.
#[inline(never)]
fn after_literal<'a>(text: &'a [u8], literal: &str) -> Option<&'a [u8]> {
    text.strip_prefix(literal.as_bytes().get(1..)?)
}

/// Returns what follows an escape whose backslash is gone.
#[inline(never)]
fn after_escape(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => Some(rest),
        [b'u', a, b, c, d, rest @ ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => Some(rest),
        _ => None,
    }
}

/// Returns what follows a number's fraction and exponent.
#[inline(never)]
fn after_fraction(mut text: &[u8]) -> Option<&[u8]> {
    if let [b'.', rest @ ..] = text {
        text = after_digits(rest)?;
    }
    if let [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] = text {
        text = after_digits(rest)?;
    }
    Some(text)
}

/// Returns what follows digits, of which there must be one.
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { None } else { text.get(digits..) }
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

/// How many levels there can be: each takes a byte, and no longer text than an answer's is read.
const MAX_DEPTH: usize = 64 * 1024;

thread_local! {
    /// Which levels are objects where there are over 32: whole words of them, the outermost first. One text is walked
    /// at a time.
    static OUTER: [Cell<u32>; MAX_DEPTH / 32] = const { [const { Cell::new(0) }; MAX_DEPTH / 32] };
}

/// What the walk is inside of: a bit for each level, set where it is an object.
#[derive(Default)]
struct Nesting {
    depth: usize,
    top: u32,
}

impl Nesting {
    fn push(&mut self, is_object: bool) -> Option<()> {
        if self.depth > 0 && self.depth.is_multiple_of(32) {
            OUTER.with(|outer| outer.get(self.depth / 32 - 1).map(|word| word.set(self.top)))?;
        }
        self.top = self.top << 1 | u32::from(is_object);
        self.depth += 1;
        Some(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.top >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(32) {
            self.top = OUTER.with(|outer| outer.get(self.depth / 32 - 1).map_or(0, Cell::get));
        }
    }

    fn in_object(&self) -> bool {
        self.top & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists what a visitor hears.
    fn members(text: &str) -> Option<String> {
        let mut heard = String::new();
        walk(text.as_bytes(), |member| {
            let text = |text: Text<'_>| String::from_utf8_lossy(&text.decoded().collect::<Vec<_>>()).into_owned();
            let value = match member.value {
                Value::Number(digits) => String::from_utf8_lossy(digits).into_owned(),
                Value::String(string) => format!("'{}'", text(string)),
                Value::Literal(literal) => literal.to_owned(),
                Value::Nested => "…".to_owned(),
            };
            let parent = member.parent.map(|parent| text(parent) + ".").unwrap_or_default();
            heard.extend([&parent, &text(member.key), "=", &value, " "]);
        })?;
        Some(heard.trim_end().to_owned())
    }

    #[track_caller]
    fn hears(text: &str, expected: &str) {
        assert_eq!(members(text).as_deref(), Some(expected));
    }

    #[test]
    fn two_levels_are_heard_and_no_more() {
        hears("{}", "");
        hears(r#"{"a":1,"b":"x","c":null}"#, "a=1 b='x' c=null");
        hears(r#"{"data":{"x":-1.5e3,"y":{"z":1}},"w":2}"#, "data=… data.x=-1.5e3 data.y=… w=2");
        hears(r#"{"data":[{"x":1}],"w":[[],{}]}"#, "data=… w=…");
        hears(r#"{"a":{"b":1},"c":{"b":2}}"#, "a=… a.b=1 c=… c.b=2");
        hears(r#"{"a":{},"b":1,"c":[],"d":2}"#, "a=… b=1 c=… d=2");
    }

    #[test]
    fn escapes_are_the_characters_they_stand_for() {
        hears(r#"{"\u0065xp":"\"\\\/\b\f\n\r\t\u00e9\u20ac"}"#, "exp='\"\\/\u{8}\u{c}\n\r\té€'");
        hears(r#"{"a":"\ud83d\ude00 \u00e9 é😀"}"#, "a='😀 é é😀'");
    }

    #[test]
    fn a_lone_surrogate_is_itself_and_no_other() {
        let decoded =
            |escaped: &str| Text { inside: escaped.as_bytes(), has_escapes: true }.decoded().collect::<Vec<_>>();
        assert_eq!(decoded(r"\ud800"), [0xed, 0xa0, 0x80]);
        assert_ne!(decoded(r"\ud800"), decoded(r"\ud801"));
        assert_eq!(decoded(r"\ud800\ud83d\ude00"), [&[0xed, 0xa0, 0x80], "😀".as_bytes()].concat());
    }

    #[test]
    fn nesting_goes_as_deep_as_the_text() {
        for depth in [1, 30, 31, 32, 33, 63, 64, 65, 127, 128, 129, 6_000] {
            let text = format!(r#"{{"a":{}0{},"b":1}}"#, r#"[{"c":"#.repeat(depth), "}]".repeat(depth));
            hears(&text, "a=… b=1");
            assert_eq!(members(&text.replacen("}]", "]]", 1)), None, "{depth}");
        }
    }
}
