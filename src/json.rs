//! JSON exactly as `JSON.parse` accepts it (ECMA-404), walked once, without recursion and without building
//! anything: a visitor is told of the members of the outermost object and of the objects right below it.
//!
//! Which members matter is the visitor's business. Of duplicates it hears all, the last one last.

use std::borrow::Cow;

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

impl Value<'_> {
    /// Returns the characters of a string or number; none for anything else.
    pub(crate) fn text(self) -> Option<Vec<u8>> {
        if let Self::Literal(_) = self { None } else { self.decoded() }
    }

    /// Returns the characters of a string, number or literal; none for what is nested.
    pub(crate) fn decoded(self) -> Option<Vec<u8>> {
        match self {
            Self::String(text) => Some(text.decode()),
            Self::Number(digits) => Some(digits.to_vec()),
            Self::Literal(literal) => Some(literal.as_bytes().to_vec()),
            Self::Nested => None,
        }
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// The key of the object that holds it; none for the outermost one.
    pub(crate) parent: Option<Text<'a>>,
    /// Its own key.
    pub(crate) key: Text<'a>,
    /// Its value.
    pub(crate) value: Value<'a>,
}

/// The inside of a string literal, escapes and all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Text<'a> {
    inside: &'a [u8],
    has_escapes: bool,
}

impl<'a> Text<'a> {
    /// Tells whether this is `name`, however it is escaped.
    pub(crate) fn is(self, name: &str) -> bool {
        *self.bytes() == *name.as_bytes()
    }

    /// Returns what [`Text::decode`] does, without a copy where nothing is escaped.
    #[inline(never)]
    pub(crate) fn bytes(self) -> Cow<'a, [u8]> {
        if self.has_escapes { Cow::Owned(self.decode()) } else { Cow::Borrowed(self.inside) }
    }

    /// Returns the text in UTF-8, where a lone surrogate takes three bytes as in WTF-8.
    pub(crate) fn decode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.inside.len());
        let mut rest = self.inside;
        let mut high: Option<u32> = None;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            let Some((&escape, tail)) = rest.split_first().filter(|_| byte == b'\\') else {
                high = None;
                bytes.push(byte);
                continue;
            };
            rest = tail;
            let mut unit = match escape {
                b'b' => 8,
                b't' => 9,
                b'n' => 10,
                b'f' => 12,
                b'r' => 13,
                b'u' => {
                    let (digits, tail) = rest.split_at_checked(4).unwrap_or_default();
                    rest = tail;
                    digits.iter().fold(0, |unit, &digit| unit << 4 | hex(digit).unwrap_or(0))
                }
                other => u32::from(other),
            };
            if let (Some(lead), 0xdc00..=0xdfff) = (high, unit) {
                // The second half of a pair replaces the three bytes that its first half took.
                bytes.truncate(bytes.len() - 3);
                unit = 0x10000 + ((lead - 0xd800) << 10 | (unit - 0xdc00));
            }
            high = matches!(unit, 0xd800..=0xdbff).then_some(unit);
            push_wtf8(&mut bytes, unit);
        }
        bytes
    }
}

fn push_wtf8(bytes: &mut Vec<u8>, unit: u32) {
    let (lead, mut shift) = match unit {
        0..0x80 => (0, 0),
        0x80..0x800 => (0xc0, 6),
        0x800..0x1_0000 => (0xe0, 12),
        _ => (0xf0, 18),
    };
    let mut byte = lead | unit >> shift;
    loop {
        let [low, ..] = byte.to_le_bytes();
        bytes.push(low);
        if shift == 0 {
            break;
        }
        shift -= 6;
        byte = 0x80 | unit >> shift & 0x3f;
    }
}

/// Walks a text that must be one JSON object in UTF-8. Returns none where it is not; what the visitor has
/// heard by then counts for nothing.
pub(crate) fn walk<'a>(text: &'a [u8], visit: &mut dyn FnMut(Member<'a>)) -> Option<()> {
    core::str::from_utf8(text).ok()?;
    let mut cursor = Cursor(text);
    let mut nesting = Nesting::default();
    let mut parent = None;
    let mut key = None;
    cursor.skip_space();
    if cursor.0.first() != Some(&b'{') {
        return None;
    }
    loop {
        // A value begins here.
        let value = match cursor.next()? {
            opening @ (b'{' | b'[') => {
                if let Some(key) = key {
                    visit(Member { parent, key, value: Value::Nested });
                }
                if nesting.depth == 1 {
                    parent = key;
                }
                let is_object = opening == b'{';
                nesting.push(is_object);
                cursor.skip_space();
                if cursor.take(if is_object { b'}' } else { b']' }).is_none() {
                    cursor.key_at(&nesting, &mut key)?;
                    continue;
                }
                nesting.pop();
                None
            }
            b'"' => Some(Value::String(cursor.string()?)),
            first @ (b'-' | b'0'..=b'9') => Some(Value::Number(cursor.number(first, text)?)),
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
            cursor.skip_space();
            match nesting.depth {
                0 => return cursor.0.is_empty().then_some(()),
                1 => parent = None,
                _ => {}
            }
            match (cursor.next()?, nesting.in_object()) {
                (b',', _) => break,
                (b'}', true) | (b']', false) => nesting.pop(),
                _ => return None,
            }
        }
        cursor.skip_space();
        cursor.key_at(&nesting, &mut key)?;
    }
}

/// What remains of the text.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn skip_digits(&mut self) -> usize {
        let before = self.0.len();
        while let [b'0'..=b'9', rest @ ..] = self.0 {
            self.0 = rest;
        }
        before - self.0.len()
    }

    /// Reads the rest of a literal, its first character gone.
    fn literal(&mut self, literal: &'static str) -> Option<Value<'a>> {
        self.0 = self.0.strip_prefix(literal.as_bytes().get(1..)?)?;
        Some(Value::Literal(literal))
    }

    /// Reads a key and its colon where an object's member begins: its text, where anyone may hear of it.
    fn key_at(&mut self, nesting: &Nesting, heard: &mut Option<Text<'a>>) -> Option<()> {
        *heard = None;
        if nesting.in_object() {
            self.take(b'"')?;
            let key = self.string()?;
            self.skip_space();
            self.take(b':')?;
            self.skip_space();
            *heard = (nesting.depth <= 2).then_some(key);
        }
        Some(())
    }

    /// Reads the rest of a string, its opening quote gone.
    fn string(&mut self) -> Option<Text<'a>> {
        let from = self.0;
        let mut has_escapes = false;
        loop {
            let byte = self.next()?;
            has_escapes |= byte == b'\\';
            match byte {
                b'"' => {
                    let inside = from.get(..from.len() - self.0.len() - 1)?;
                    return Some(Text { inside, has_escapes });
                }
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        let (digits, rest) = self.0.split_at_checked(4)?;
                        digits.iter().try_for_each(|&digit| hex(digit).map(drop))?;
                        self.0 = rest;
                    }
                    _ => return None,
                },
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// Reads the rest of a number, its first character gone.
    fn number(&mut self, first: u8, text: &'a [u8]) -> Option<&'a [u8]> {
        let start = text.len() - self.0.len() - 1;
        let first = if first == b'-' { self.next()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => {
                self.skip_digits();
            }
            _ => return None,
        }
        if self.take(b'.').is_some() && self.skip_digits() == 0 {
            return None;
        }
        if let [b'e' | b'E', rest @ ..] = self.0 {
            self.0 = rest;
            if let [b'+' | b'-', rest @ ..] = self.0 {
                self.0 = rest;
            }
            if self.skip_digits() == 0 {
                return None;
            }
        }
        text.get(start..text.len() - self.0.len())
    }
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

/// What is open: one bit a level, objects set. Sixty-four levels fit without an allocation.
#[derive(Default)]
struct Nesting {
    depth: usize,
    top: u64,
    below: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.below.push(self.top);
        }
        self.top = self.top << 1 | u64::from(is_object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.top >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(word) = self.below.pop()
        {
            self.top = word;
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
        walk(text.as_bytes(), &mut |member| {
            let text = |text: Text<'_>| String::from_utf8_lossy(&text.decode()).into_owned();
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
        let decoded = |escaped: &str| Text { inside: escaped.as_bytes(), has_escapes: true }.decode();
        assert_eq!(decoded(r"\ud800"), [0xed, 0xa0, 0x80]);
        assert_ne!(decoded(r"\ud800"), decoded(r"\ud801"));
        assert_eq!(decoded(r"\ud800\ud83d\ude00"), [&[0xed, 0xa0, 0x80], "😀".as_bytes()].concat());
    }

    #[test]
    fn nesting_goes_as_deep_as_the_text() {
        for depth in [1, 62, 63, 64, 65, 127, 128, 129, 6_000] {
            let text = format!(r#"{{"a":{}0{},"b":1}}"#, r#"[{"c":"#.repeat(depth), "}]".repeat(depth));
            hears(&text, "a=… b=1");
            assert_eq!(members(&text.replacen("}]", "]]", 1)), None, "{depth}");
        }
    }
}
