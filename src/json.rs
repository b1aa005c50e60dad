//! JSON exactly as `JSON.parse` accepts it (ECMA-404), walked once, without recursion and without building
//! anything: a visitor is told of the members of the outermost object and of the objects right below it.
//!
//! Which members matter is the visitor's business. Of duplicates it hears all, the last one last. There is one
//! visitor, [`Named`]: the walk is compiled for each, and is half of the checker.

use core::cell::Cell;
use core::slice::Iter;

/// What a value is, as far as anyone here cares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A number.
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    /// `true`, `false` or `null`.
    Literal,
    /// An object or array.
    Nested,
}

/// A value, as it is written: the inside of a string, and of what is nested where it begins. Both members are there for
/// every kind, since the processor keeps them apart then: what an enum holds goes through memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a [u8],
}

impl<'a> Value<'a> {
    /// Returns the characters of a string or number, by way of `room` where they are escaped; none for anything else,
    /// and none where the room is too small.
    pub(crate) fn characters<'b>(self, room: &'b mut [u8]) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        match self.kind {
            // An escape takes no fewer bytes than what it stands for.
            Kind::Escaped if room.len() < self.text.len() => None,
            Kind::Escaped => Some(decode_to(self.text, room)),
            Kind::Plain | Kind::Number => Some(self.text),
            Kind::Literal | Kind::Nested => None,
        }
    }

    /// Tells whether it has characters: those of a string or number.
    pub(crate) fn has_characters(self) -> bool {
        !matches!(self.kind, Kind::Literal | Kind::Nested)
    }

    /// Tells whether two values are of one kind and the same characters; what is nested is like nothing.
    pub(crate) fn is_alike(self, other: Value<'_>) -> bool {
        let is_string = |value: Value<'_>| matches!(value.kind, Kind::Plain | Kind::Escaped);
        let is_escaped = self.kind == Kind::Escaped || other.kind == Kind::Escaped;
        if is_escaped && is_string(self) && is_string(other) {
            return decoded(self.text).eq(decoded(other.text));
        }
        self.kind == other.kind && self.kind != Kind::Nested && self.text == other.text
    }
}

/// Writes what the inside of a string stands for to where there is room for it, and returns as much of it as there was
/// room for.
#[inline(never)]
fn decode_to<'a>(text: &[u8], room: &'a mut [u8]) -> &'a [u8] {
    let mut length = 0;
    for (place, byte) in room.iter_mut().zip(decoded(text)) {
        *place = byte;
        length += 1;
    }
    room.get(..length).unwrap_or_default()
}

/// Returns the bytes that the inside of a string stands for in UTF-8, where a lone surrogate takes three as in WTF-8.
fn decoded(text: &[u8]) -> Decoded<'_> {
    Decoded { rest: text, unit: 0, left: 0 }
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
                unit_of(digits)
            }
            other => u32::from(other),
        };
        if let (high @ 0xd800..=0xdbff, [b'\\', b'u', tail @ ..]) = (self.unit, self.rest)
            && let Some((digits, tail)) = tail.split_at_checked(4)
            && let low @ 0xdc00..=0xdfff = unit_of(digits)
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
fn unit_of(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |unit, &digit| unit << 4 | hex(digit).unwrap_or(0))
}

/// The members that anyone here asks for, of a payload and of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(crate) enum Name {
    Exp,
    Iat,
    Sub,
    ApiKey,
    AccessToken,
    ErrorCode,
    ErrorMessage,
    Data,
    Error,
}

impl Name {
    #[expect(clippy::as_conversions, reason = "a name's number, which there is no other way to")]
    fn index(self) -> usize {
        usize::from(self as u8)
    }

    /// Tells which member a key is, among those of the outermost object or of a named one.
    #[inline]
    fn of(parent: Option<Self>, key: Value<'_>) -> Option<Self> {
        if key.kind == Kind::Escaped {
            // Where its characters are many it is no name that anyone asks for.
            Self::find(parent, decode_to(key.text, &mut [0; 16]))
        } else {
            Self::find(parent, key.text)
        }
    }

    #[inline(never)]
    fn find(parent: Option<Self>, key: &[u8]) -> Option<Self> {
        match (parent, key) {
            // By character: comparing slices is a call each.
            (None, [b'e', b'x', b'p']) => Some(Self::Exp),
            (None, [b'i', b'a', b't']) => Some(Self::Iat),
            (None, [b's', b'u', b'b']) => Some(Self::Sub),
            (None, [b'A', b'P', b'I', b'_', b'K', b'E', b'Y']) => Some(Self::ApiKey),
            (None, [b'd', b'a', b't', b'a']) => Some(Self::Data),
            (None, [b'e', b'r', b'r', b'o', b'r']) => Some(Self::Error),
            (Some(Self::Data), b"accessToken") => Some(Self::AccessToken),
            (Some(Self::Error), b"errorCode") => Some(Self::ErrorCode),
            (Some(Self::Error), b"message") => Some(Self::ErrorMessage),
            _ => None,
        }
    }
}

/// The values of those members. Of duplicates the last one counts.
#[derive(Default)]
pub(crate) struct Named<'a>([Option<Value<'a>>; 9]);

impl<'a> Named<'a> {
    /// Reads a text that must be one JSON object, and UTF-8 where that is not known yet.
    #[inline(never)]
    pub(crate) fn read(&mut self, text: &'a [u8], is_utf8: bool) -> Option<()> {
        if !is_utf8 {
            str::from_utf8(text).ok()?;
        }
        walk(text, Name::of, |name, value| {
            // What an earlier duplicate held counts no more.
            match name {
                Name::Data => self.set(Name::AccessToken, None),
                Name::Error => {
                    self.set(Name::ErrorCode, None);
                    self.set(Name::ErrorMessage, None);
                }
                _ => {}
            }
            self.set(name, Some(value));
        })
    }

    #[inline]
    fn set(&mut self, name: Name, value: Option<Value<'a>>) {
        if let Some(place) = self.0.get_mut(name.index()) {
            *place = value;
        }
    }

    pub(crate) fn get(&self, name: Name) -> Option<Value<'a>> {
        *self.0.get(name.index())?
    }
}

/// Walks a text that must be one JSON object. Returns none where it is not; what the visitor has heard by then counts for
/// nothing. It hears only of members that have a name, which is asked for with the name of the object that holds them.
///
/// What is on its usual way is there once each, so that it is inlined and little is at hand at a time; what is not is
/// passed the text and returns a number, since more than that would go through memory.
#[inline]
fn walk<'a, N: Copy>(
    text: &'a [u8],
    name_of: impl Fn(Option<N>, Value<'a>) -> Option<N>,
    mut visit: impl FnMut(N, Value<'a>),
) -> Option<()> {
    let mut rest = text.iter();
    let mut nesting = Nesting::default();
    let mut parent = None;
    let mut name = None;
    let mut is_key = false;
    skip_space(&mut rest);
    if rest.as_slice().first() != Some(&b'{') {
        return None;
    }
    loop {
        // A key or a value begins here.
        let from = rest.as_slice();
        let first = *rest.next()?;
        match first {
            b'"' => {
                let inside = rest.as_slice();
                let kind = skip_string(&mut rest)?;
                let text = inside.get(..inside.len() - rest.len() - 1)?;
                if is_key {
                    if rest.as_slice().first() != Some(&b':') {
                        skip_space(&mut rest);
                    }
                    if *rest.next()? != b':' {
                        return None;
                    }
                    if nesting.depth == 1 || nesting.depth == 2 && parent.is_some() {
                        name = name_of(parent, Value { kind, text });
                    }
                    is_key = false;
                    continue;
                }
                if let Some(name) = name {
                    visit(name, Value { kind, text });
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            _ if is_key => return None,
            b'{' | b'[' => {
                if let Some(name) = name {
                    visit(name, Value { kind: Kind::Nested, text: from });
                }
                if nesting.depth == 1 {
                    parent = name;
                }
                name = None;
                is_key = first == b'{';
                nesting.push(is_key)?;
                // It may end at once, and then as any other does.
                skip_space(&mut rest);
                if rest.as_slice().first() != Some(if is_key { &b'}' } else { &b']' }) {
                    continue;
                }
            }
            _ => {
                let kind = if let b'-' | b'0'..=b'9' = first {
                    skip_number(first, &mut rest)?;
                    Kind::Number
                } else {
                    let length = match from {
                        [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => 4,
                        [b'f', b'a', b'l', b's', b'e', ..] => 5,
                        _ => return None,
                    };
                    skip(&mut rest, length - 1)?;
                    Kind::Literal
                };
                if let Some(name) = name {
                    visit(name, Value { kind, text: from.get(..from.len() - rest.len())? });
                }
            }
        }
        // A value has ended here, and perhaps what holds it.
        loop {
            let last = *rest.next()?;
            if last == b',' {
                break;
            }
            match (last, nesting.in_object()) {
                (b'}', true) | (b']', false) => nesting.pop(),
                (b' ' | b'\t' | b'\n' | b'\r', _) => continue,
                _ => return None,
            }
            if nesting.depth == 1 {
                parent = None;
            }
            if nesting.depth == 0 {
                skip_space(&mut rest);
                return rest.as_slice().is_empty().then_some(());
            }
        }
        name = None;
        is_key = nesting.in_object();
    }
}

/// Skips the rest of a string, its opening quote gone.
#[inline]
fn skip_string(rest: &mut Iter<'_, u8>) -> Option<Kind> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut kind = Kind::Plain;
    loop {
        let byte = if let Some(&eight) = rest.as_slice().first_chunk() {
            let bytes = u64::from_le_bytes(eight);
            // The upper bit of each byte that is no ASCII, or that a subtraction takes below zero: the backslash, and the
            // quote with all below 0x20, once a bit of it is turned. A borrow can reach later bytes only, and the first
            // one counts.
            let escapes = (bytes ^ (EACH * u64::from(b'\\'))).wrapping_sub(EACH);
            let others = (bytes ^ (EACH * 2)).wrapping_sub(EACH * 0x21);
            let found = (escapes | others | bytes) & (EACH << 7);
            if found == 0 {
                rest.nth(7);
                continue;
            }
            rest.nth(usize::try_from(found.trailing_zeros() / 8).unwrap_or_default())?
        } else {
            rest.next()?
        };
        match byte {
            b'"' => return Some(kind),
            b'\\' => {
                kind = Kind::Escaped;
                skip(rest, escape(rest.as_slice()))?;
            }
            0..0x20 => return None,
            _ => {}
        }
    }
}

/// Skips the rest of a number, its first character gone.
#[inline]
fn skip_number(first: u8, rest: &mut Iter<'_, u8>) -> Option<()> {
    let first = if first == b'-' { *rest.next()? } else { first };
    match first {
        b'0' => {}
        b'1'..=b'9' => {
            while let [b'0'..=b'9', ..] = rest.as_slice() {
                rest.next();
            }
        }
        _ => return None,
    }
    if let [b'.' | b'e' | b'E', ..] = rest.as_slice() {
        skip(rest, fraction(rest.as_slice()))?;
    }
    Some(())
}

/// Skips so many characters, of which there must be one.
#[inline]
fn skip(rest: &mut Iter<'_, u8>, length: usize) -> Option<()> {
    rest.nth(length.checked_sub(1)?).map(|_| ())
}

#[inline]
fn skip_space(rest: &mut Iter<'_, u8>) {
    let _ = skip(rest, spaces(rest.as_slice()));
}

#[inline(never)]
fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// Returns the length of an escape whose backslash is gone, 0 where it is none.
#[inline(never)]
fn escape(text: &[u8]) -> usize {
    match text {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 1,
        [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => 5,
        _ => 0,
    }
}

/// Returns the length of a number's fraction and exponent, 0 where one of them has no digit.
#[inline(never)]
fn fraction(text: &[u8]) -> usize {
    let mut end = 0;
    if let [b'.', digits @ ..] = text {
        end = 1 + run_of_digits(digits);
        if end == 1 {
            return 0;
        }
    }
    if let Some([b'e' | b'E', b'+' | b'-', digits @ ..] | [b'e' | b'E', digits @ ..]) = text.get(end..) {
        let run = run_of_digits(digits);
        end = if run == 0 { 0 } else { text.len() - digits.len() + run };
    }
    end
}

fn run_of_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
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
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use core::cell::RefCell;

    use super::*;

    /// Lists what a visitor hears that has a name for every member.
    fn members(text: &str) -> Option<String> {
        let decoded = |value: Value<'_>| {
            let bytes: Vec<_> =
                if value.kind == Kind::Escaped { decoded(value.text).collect() } else { value.text.to_vec() };
            (value.kind != Kind::Nested).then(|| String::from_utf8_lossy(&bytes).into_owned())
        };
        let mut heard = String::new();
        let names = RefCell::new(vec![]);
        let name_of = |parent: Option<usize>, key| {
            let mut names = names.borrow_mut();
            let parent = parent.map(|parent: usize| format!("{}.", names[parent])).unwrap_or_default();
            names.push(parent + &decoded(key).expect("a key is a string"));
            Some(names.len() - 1)
        };
        walk(text.as_bytes(), name_of, |name, value| {
            let text = decoded(value).unwrap_or("…".to_owned());
            let quote = if matches!(value.kind, Kind::Plain | Kind::Escaped) { "'" } else { "" };
            heard.extend([&names.borrow()[name], "=", quote, &text, quote, " "]);
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
        let decoded = |escaped: &str| decoded(escaped.as_bytes()).collect::<Vec<_>>();
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
