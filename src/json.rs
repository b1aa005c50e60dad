//! JSON exactly as `JSON.parse` accepts it (ECMA-404), walked without recursion and without building anything: a visitor
//! is told of the members of the outermost object and of the objects right below it.
//!
//! Which members matter is the visitor's business. Of duplicates it hears all, the last one last. There is one
//! visitor, [`Named`]: the walk is compiled for each, and is half of the checker.
//!
//! A text with escapes is walked again, once those that stand for a character of ASCII have made way for it: then a name is
//! written in one way only.

use core::cell::Cell;
use core::slice::Iter;

use crate::QUICK;
use crate::token::{Payload, remember};

/// What a value is, as far as anyone here cares.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)]
pub(crate) enum Kind {
    /// A number. 0 is left for what is none, so that many of those are written at once.
    Number = 1,
    /// A string.
    String,
    /// `true`, `false` or `null`.
    Literal,
    /// An object or array.
    Nested,
}

/// A value, and where in its text it is: the inside of a string, and of what is nested where it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    from: usize,
    to: usize,
}

impl Value {
    #[cfg(test)]
    pub(crate) const fn whole(kind: Kind, text: &str) -> Self {
        Self { kind, from: 0, to: text.len() }
    }

    /// Returns how it is written.
    pub(crate) fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.from..self.to).unwrap_or_default()
    }

    /// Returns the characters of a string or number; none for anything else. What is escaped there still is a quote, a
    /// backslash or no ASCII.
    pub(crate) fn characters<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        matches!(self.kind, Kind::String | Kind::Number).then(|| self.of(text))
    }

    /// Tells whether two values, each of its text, are of one kind and the same characters; what is nested is like nothing.
    pub(crate) fn is_alike(&self, text: &[u8], other: &Self, other_text: &[u8]) -> bool {
        let (own, others) = (self.of(text), other.of(other_text));
        self.kind == other.kind
            && match self.kind {
                Kind::String => units(own).eq(units(others)),
                Kind::Number | Kind::Literal => own == others,
                Kind::Nested => false,
            }
    }
}

/// Returns the UTF-16 code units that the inside of a string stands for: two strings are equal where these are, however
/// they are written.
fn units(text: &[u8]) -> Units<'_> {
    Units { rest: text.iter(), low: 0 }
}

/// The code units of a string, one by one.
struct Units<'a> {
    rest: Iter<'a, u8>,
    /// The second unit of a pair, or 0.
    low: u32,
}

impl Iterator for Units<'_> {
    type Item = u32;

    #[inline(never)]
    fn next(&mut self) -> Option<u32> {
        if self.low > 0 {
            return Some(core::mem::take(&mut self.low));
        }
        let character = character(&mut self.rest)?;
        if character == u32::from(b'\\') {
            let escape = escape(self.rest.as_slice());
            skip(&mut self.rest, length_of(escape))?;
            return Some(unit_of(escape));
        }
        let Some(beyond) = character.checked_sub(0x1_0000) else { return Some(character) };
        self.low = 0xdc00 | beyond & 0x3ff;
        Some(0xd800 | beyond >> 10)
    }
}

/// Takes a character of UTF-8 (RFC 3629), which there must be one of.
fn character(rest: &mut Iter<'_, u8>) -> Option<u32> {
    let lead = u32::from(*rest.next()?);
    let (more, least) = match lead {
        0..0x80 => return Some(lead),
        0xc0..0xe0 => (1, 0x80),
        0xe0..0xf0 => (2, 0x800),
        0xf0..0xf8 => (3, 0x1_0000),
        _ => return None,
    };
    let mut character = lead & 0x3f >> more;
    for _ in 0..more {
        let next = u32::from(*rest.next()?);
        if next & 0xc0 != 0x80 {
            return None;
        }
        character = character << 6 | next & 0x3f;
    }
    (matches!(character, 0..0xd800 | 0xe000..0x11_0000) && character >= least).then_some(character)
}

/// Tells whether a text is UTF-8 throughout. What is not ASCII the standard library tells faster, in three times the code.
#[inline(never)]
fn is_of_characters(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        while QUICK
            && let Some((&eight, more)) = rest.split_first_chunk()
            && u64::from_le_bytes(eight) & EACH << 7 == 0
        {
            rest = more;
        }
        let mut characters = rest.iter();
        if character(&mut characters).is_none() {
            return rest.is_empty();
        }
        rest = characters.as_slice();
    }
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

    /// Tells which member a text begins with the key of, among those of the outermost object or of a named one. The quote that
    /// closes the key is there still.
    #[inline]
    fn of(parent: Option<Self>, text: &[u8]) -> Option<Self> {
        let (&four, rest) = text.split_first_chunk()?;
        let four = u32::from_le_bytes(four);
        match parent {
            None => Some(match four {
                EXP => Self::Exp,
                IAT => Self::Iat,
                SUB => Self::Sub,
                _ => match (four, rest) {
                    (API_, [b'K', b'E', b'Y', b'"', ..]) => Self::ApiKey,
                    (DATA, [b'"', ..]) if ANSWERS => Self::Data,
                    (ERRO, [b'r', b'"', ..]) if ANSWERS => Self::Error,
                    _ => return None,
                },
            }),
            Some(Self::Data) if ANSWERS && text.starts_with(b"accessToken\"") => Some(Self::AccessToken),
            Some(Self::Error) if ANSWERS && text.starts_with(b"errorCode\"") => Some(Self::ErrorCode),
            Some(Self::Error) if ANSWERS && text.starts_with(b"message\"") => Some(Self::ErrorMessage),
            _ => None,
        }
    }
}

/// Whether answers are read too, or tokens alone.
const ANSWERS: bool = cfg!(any(feature = "refresh", feature = "package", feature = "route"));

// Names by their first four characters, which are compared as one number. Of three letters the fourth is the quote.
const EXP: u32 = u32::from_le_bytes(*b"exp\"");
const IAT: u32 = u32::from_le_bytes(*b"iat\"");
const SUB: u32 = u32::from_le_bytes(*b"sub\"");
const API_: u32 = u32::from_le_bytes(*b"API_");
const DATA: u32 = u32::from_le_bytes(*b"data");
const ERRO: u32 = u32::from_le_bytes(*b"erro");

/// The values of those members. Of duplicates the last one counts.
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Named {
    values: [Option<Value>; 9],
    /// Where the first one begins that was heard, 0 for nowhere.
    first: usize,
}

impl Named {
    /// Reads a text that must be one JSON object, and UTF-8 where that is not known yet; from a place on up to which it was walked
    /// before. Where it is not, there are none. Some escapes make way for what they stand for, and spaces follow the text then.
    #[inline(never)]
    pub(crate) fn read(&mut self, text: &mut [u8], start: usize, is_utf8: bool) -> Option<End> {
        let rest = text.get_mut(start..)?;
        let is_text = is_utf8 || is_of_characters(rest);
        let mut end = if is_text { self.hear(text, start, false) } else { None };
        if end == Some(End::Escape) {
            // What was heard before it is heard again.
            let is_unescaped = text.get_mut(start..).is_some_and(unescape);
            end = if is_unescaped { self.hear(text, start, true).map(|_| End::Escape) } else { None };
        }
        if end.is_none() {
            *self = Self::default();
        }
        end
    }

    /// Reads a token's payload so.
    pub(crate) fn read_payload(&mut self, token: &[u8], payload: &mut Payload<'_>) -> bool {
        let end = self.read(payload.bytes, payload.known, payload.is_ascii);
        if end == Some(End::Text) && payload.known == 0 {
            remember(token, payload.bytes, self.first);
        }
        end.is_some()
    }

    #[inline(never)]
    fn hear(&mut self, text: &[u8], start: usize, is_unescaped: bool) -> Option<End> {
        walk(text, start, is_unescaped, Name::of, |name, value| {
            // What an earlier duplicate held counts no more.
            match name {
                Name::Data if ANSWERS => self.set(Name::AccessToken, None),
                Name::Error if ANSWERS => {
                    self.set(Name::ErrorCode, None);
                    self.set(Name::ErrorMessage, None);
                }
                _ => {}
            }
            self.set(name, Some(value));
            if QUICK && self.first == 0 {
                self.first = value.from;
            }
        })
    }

    #[inline]
    fn set(&mut self, name: Name, value: Option<Value>) {
        if let Some(place) = self.values.get_mut(name.index()) {
            *place = value;
        }
    }

    pub(crate) fn get(&self, name: Name) -> Option<&Value> {
        self.values.get(name.index())?.as_ref()
    }
}

/// Where a walk ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// At the text's end.
    Text,
    /// At an escape, before the text is known to be JSON.
    Escape,
}

/// Walks a text that must be one JSON object, to its first escape where it is not unescaped; where it was walked before up to the
/// beginning of a member, from there on. Returns none where it is not; what the visitor has heard by then counts for nothing. It
/// hears only of members that have a name, which is asked for with the name of the object that holds them and with a text that
/// begins with the key and the quote that closes it.
///
/// On its way there is no call, since engines keep in memory what is at hand across one, wherever that is: it is a twentieth
/// of a check.
#[inline]
fn walk<N: Copy>(
    text: &[u8],
    start: usize,
    is_unescaped: bool,
    name_of: impl Fn(Option<N>, &[u8]) -> Option<N>,
    mut visit: impl FnMut(N, Value),
) -> Option<End> {
    let mut rest = text.iter();
    let mut nesting = Nesting::default();
    let mut parent = None;
    let mut name = None;
    let mut is_key = false;
    let mut is_first = false;
    if start > 0 {
        // A member of the outermost object begins there.
        nesting.push(true)?;
        is_key = true;
        rest = text.get(start..)?.iter();
    } else {
        skip_space(&mut rest);
        if rest.as_slice().first() != Some(&b'{') {
            return None;
        }
    }
    'walk: loop {
        // A key or a value begins here.
        let from = rest.as_slice();
        let first = *rest.next()?;
        'value: {
            let kind = match first {
                b' ' | b'\t' | b'\n' | b'\r' => continue 'walk,
                b'"' => {
                    if skip_string(&mut rest, is_unescaped)? == End::Escape {
                        return Some(End::Escape);
                    }
                    Kind::String
                }
                b'}' | b']' if is_first => {
                    // What holds it is empty, and ends as any other does.
                    rest = from.iter();
                    break 'value;
                }
                _ if is_key => return None,
                b'{' | b'[' => Kind::Nested,
                b'-' | b'0'..=b'9' => {
                    skip_number(first, &mut rest)?;
                    Kind::Number
                }
                _ => {
                    skip(&mut rest, after_first(from))?;
                    Kind::Literal
                }
            };
            is_first = false;
            if is_key {
                if nesting.depth == 1 || ANSWERS && nesting.depth == 2 && parent.is_some() {
                    name = name_of(parent, from.get(1..)?);
                }
                is_key = false;
                skip_space(&mut rest);
                if *rest.next()? != b':' {
                    return None;
                }
                continue 'walk;
            }
            if let Some(name) = name {
                let quote = usize::from(kind == Kind::String);
                let (from, to) = (text.len() - from.len(), text.len() - rest.len());
                visit(name, Value { kind, from: from + quote, to: to - quote });
            }
            if kind == Kind::Nested {
                if nesting.depth == 1 {
                    parent = name;
                }
                name = None;
                is_key = first == b'{';
                nesting.push(is_key)?;
                is_first = true;
                continue 'walk;
            }
        }
        // A value has ended here, and perhaps what holds it.
        loop {
            let last = *rest.next()?;
            if last == b',' {
                break;
            }
            match (last, nesting.in_object) {
                (b'}', true) | (b']', false) => nesting.pop(),
                (b' ' | b'\t' | b'\n' | b'\r', _) => continue,
                _ => return None,
            }
            if nesting.depth == 1 {
                parent = None;
            }
            if nesting.depth == 0 {
                skip_space(&mut rest);
                return rest.as_slice().is_empty().then_some(End::Text);
            }
        }
        is_first = false;
        name = None;
        is_key = nesting.in_object;
    }
}

/// A bit of each of eight bytes, the lowest.
pub(crate) const EACH: u64 = 0x0101_0101_0101_0101;

/// Skips the rest of a string, its opening quote gone, to its first escape where it is not unescaped.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: see `walk`")]
fn skip_string(rest: &mut Iter<'_, u8>, is_unescaped: bool) -> Option<End> {
    loop {
        let byte = if QUICK && let Some(&eight) = rest.as_slice().first_chunk() {
            let bytes = u64::from_le_bytes(eight);
            // The upper bit of each byte that is no ASCII, or that a subtraction takes below zero: the backslash, whose bits
            // are turned before, and the quote with all below it; two of those are nothing here. A borrow can reach later
            // bytes only, and the first one counts.
            let escapes = (bytes ^ (EACH * u64::from(b'\\'))).wrapping_sub(EACH);
            let others = bytes.wrapping_sub(EACH * 0x23);
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
            b'"' => return Some(End::Text),
            b'\\' if is_unescaped => {
                rest.next()?;
            }
            b'\\' => return Some(End::Escape),
            0..0x20 if !is_unescaped => return None,
            _ => {}
        }
    }
}

/// Skips the rest of a number, its first character gone.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: see `walk`")]
fn skip_number(first: u8, rest: &mut Iter<'_, u8>) -> Option<()> {
    let first = if first == b'-' { *rest.next()? } else { first };
    match first {
        b'0' => {}
        b'1'..=b'9' => {
            // Of an instant of our days, most at once.
            if QUICK && rest.as_slice().first_chunk().and_then(|&eight| digits(eight)).is_some() {
                rest.nth(7);
            }
            let _ = skip_digits(rest);
        }
        _ => return None,
    }
    if let [b'.', more @ ..] = rest.as_slice() {
        *rest = more.iter();
        skip_digits(rest)?;
    }
    if let [b'e' | b'E', b'+' | b'-', more @ ..] | [b'e' | b'E', more @ ..] = rest.as_slice() {
        *rest = more.iter();
        skip_digits(rest)?;
    }
    Some(())
}

/// Returns what eight characters are worth each, where all are digits.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: see `walk`")]
pub(crate) fn digits(eight: [u8; 8]) -> Option<u64> {
    let digits = u64::from_le_bytes(eight) ^ (EACH * u64::from(b'0'));
    // The upper bit of each that is above nine, by itself or by what is added.
    let others = (digits | digits.wrapping_add(EACH * 0x76)) & (EACH << 7);
    (others == 0).then_some(digits)
}

/// Skips digits, of which there must be one.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: see `walk`")]
fn skip_digits(rest: &mut Iter<'_, u8>) -> Option<()> {
    let before = rest.len();
    while let [b'0'..=b'9', ..] = rest.as_slice() {
        rest.next();
    }
    (rest.len() < before).then_some(())
}

/// Returns the length of what follows the first character of `true`, `false` or `null`, 0 where it is none of them.
#[inline(always)]
fn after_first(text: &[u8]) -> usize {
    const TRUE: u32 = u32::from_le_bytes(*b"true");
    const NULL: u32 = u32::from_le_bytes(*b"null");
    const FALS: u32 = u32::from_le_bytes(*b"fals");
    match text.first_chunk().map(|&four| u32::from_le_bytes(four)) {
        Some(TRUE | NULL) => 3,
        Some(FALS) if text.get(4) == Some(&b'e') => 4,
        _ => 0,
    }
}

/// Skips so many characters, of which there must be one.
#[inline]
fn skip(rest: &mut Iter<'_, u8>, length: usize) -> Option<()> {
    rest.nth(length.checked_sub(1)?).map(|_| ())
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: see `walk`")]
fn skip_space(rest: &mut Iter<'_, u8>) {
    while let [b' ' | b'\t' | b'\n' | b'\r', ..] = rest.as_slice() {
        rest.next();
    }
}

/// Puts characters of ASCII in the places of the escapes that stand for them, but for quotes and backslashes, and fills up
/// with spaces. Tells whether each escape is one, and in a string, where no control is but what was escaped.
#[inline(never)]
fn unescape(text: &mut [u8]) -> bool {
    let (mut from, mut in_string, mut is_second) = (0, false, false);
    for to in 0..text.len() {
        let (&first, rest) = text.get(from..).and_then(<[u8]>::split_first).unwrap_or((&b' ', &[]));
        from += 1;
        let mut byte = first;
        match first {
            // It follows the backslash of an escape that stays.
            _ if is_second => is_second = false,
            b'"' => in_string = !in_string,
            b'\\' => {
                let escape = escape(rest);
                if escape == 0 || !in_string {
                    return false;
                }
                match u8::try_from(unit_of(escape)) {
                    Ok(unit) if unit.is_ascii() && unit != b'"' && unit != b'\\' => {
                        byte = unit;
                        from += length_of(escape);
                    }
                    _ => is_second = true,
                }
            }
            0..0x20 if in_string => return false,
            _ => {}
        }
        if let Some(place) = text.get_mut(to) {
            *place = byte;
        }
    }
    true
}

/// Returns the code unit that an escape stands for whose backslash is gone, and above it the escape's length; 0 where it is
/// none.
#[inline(never)]
fn escape(text: &[u8]) -> u32 {
    let Some((&first, digits)) = text.split_first() else { return 0 };
    let unit = match first {
        b'"' | b'\\' | b'/' => first,
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'f' => 12,
        b'r' => 13,
        b'u' => {
            let mut digits = digits.iter();
            let mut escape = 5;
            for _ in 0..4 {
                let Some(digit) = digits.next().and_then(|&digit| char::from(digit).to_digit(16)) else { return 0 };
                escape = escape << 4 | digit;
            }
            return escape;
        }
        _ => return 0,
    };
    1 << 16 | u32::from(unit)
}

fn unit_of(escape: u32) -> u32 {
    escape & 0xffff
}

fn length_of(escape: u32) -> usize {
    usize::try_from(escape >> 16).unwrap_or_default()
}

/// How many levels there can be: each takes a byte, and no longer text than an answer's is read.
const MAX_DEPTH: usize = 64 * 1024;

thread_local! {
    /// What each level is inside of: whether it is an object. One text is walked at a time.
    static OUTER: [Cell<bool>; MAX_DEPTH] = const { [const { Cell::new(false) }; MAX_DEPTH] };
}

/// What the walk is inside of.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_object: bool,
}

impl Nesting {
    fn push(&mut self, is_object: bool) -> Option<()> {
        OUTER.with(|outer| outer.get(self.depth).map(|level| level.set(self.in_object)))?;
        self.in_object = is_object;
        self.depth += 1;
        Some(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.in_object = OUTER.with(|outer| outer.get(self.depth).is_some_and(Cell::get));
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use core::cell::RefCell;

    use super::*;
    use crate::token::{SPARE, decode_payload};

    /// Lists what a visitor hears that has a name for every member.
    fn members(text: &str) -> Option<String> {
        let mut text = text.as_bytes().to_vec();
        let (end, heard) = heard_in(&text, false);
        if end? == End::Text {
            return Some(heard);
        }
        if !unescape(&mut text) {
            return None;
        }
        let (end, heard) = heard_in(&text, true);
        assert_ne!(end, Some(End::Escape));
        end.map(|_| heard)
    }

    fn heard_in(text: &[u8], is_unescaped: bool) -> (Option<End>, String) {
        let decoded = |text: &[u8]| {
            let units: Vec<_> = units(text).map(|unit| u16::try_from(unit).expect("a code unit")).collect();
            String::from_utf16_lossy(&units)
        };
        let mut heard = String::new();
        let names = RefCell::new(vec![]);
        let name_of = |parent: Option<usize>, text: &[u8]| {
            let mut names = names.borrow_mut();
            let parent = parent.map(|parent: usize| format!("{}.", names[parent])).unwrap_or_default();
            let key = text.split(|&byte| byte == b'"').next().expect("a key");
            names.push(parent + &decoded(key));
            Some(names.len() - 1)
        };
        let end = walk(text, 0, is_unescaped, name_of, |name, value| {
            let text = if value.kind == Kind::Nested { "…".to_owned() } else { decoded(value.of(text)) };
            let quote = if value.kind == Kind::String { "'" } else { "" };
            heard.extend([&names.borrow()[name], "=", quote, &text, quote, " "]);
        });
        (end, heard.trim_end().to_owned())
    }

    #[track_caller]
    fn hears(text: &str, expected: &str) {
        assert_eq!(members(text).as_deref(), Some(expected));
    }

    #[test]
    fn two_levels_are_heard_and_no_more() {
        hears("{}", "");
        hears(" { } ", "");
        hears(r#"{"a":1,"b":"x","c":null}"#, "a=1 b='x' c=null");
        hears(r#"{"data":{"x":-1.5e3,"y":{"z":1}},"w":2}"#, "data=… data.x=-1.5e3 data.y=… w=2");
        hears(r#"{"data":[{"x":1}],"w":[[],{}]}"#, "data=… w=…");
        hears(r#"{"a":{"b":1},"c":{"b":2}}"#, "a=… a.b=1 c=… c.b=2");
        hears(r#"{"a":{},"b":1,"c":[],"d":2}"#, "a=… b=1 c=… d=2");
        hears(r#"{ "a" : [ ] , "b" : { "c" : 1 } }"#, "a=… b=… b.c=1");
    }

    #[test]
    fn escapes_are_the_characters_they_stand_for() {
        hears(r#"{"\u0065xp":"\"\\\/\b\f\n\r\t\u00e9\u20ac"}"#, "exp='\"\\/\u{8}\u{c}\n\r\té€'");
        hears(r#"{"a":"\ud83d\ude00 \u00e9 é😀"}"#, "a='😀 é é😀'");
        hears(r#"{"\u0061":1,"\u0062":"\u0022\u005c\u007F","c":"\u0041"}"#, "a=1 b='\"\\\u{7f}' c='A'");
    }

    #[test]
    fn a_payload_reads_the_same_whatever_token_came_before() {
        let sample = r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer","sub":"a@b.c","iat":1750329735,"exp":1752921735}"#;
        let texts = [
            sample,
            r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer","sub":"x","exp":1}"#,
            r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer","iss":"x","exp":1}"#,
            r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer","sub":"\u0061","exp":1}"#,
            r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer","sub":"é","exp":1}"#,
            r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer","sub":"x"}}"#,
            r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer",}"#,
            r#"{"active":true,"permissions":[],"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer""#,
            r#"{"active":true,"permissions":[],"data":{"z":[1,2],"accessToken":"x","y":1},"token_type":"Bearer","exp":1}"#,
            r#"{"active":true,"permissions":[],"error":[{"message":1}],"data":7,"token_type":"Bearer","error":{"errorCode":1,"a":2}}"#,
            r#"{"exp":1,"active":true,"permissions":[],"exp":2,"roles":["a,b",{"exp":[{}]}],"token_type":"Bearer"}"#,
            r#" { "active" : true , "a,b" : [ 1 , 2 ] , "sub" : "x,y" , "exp" : 1 , "token_type" : "Bearer" } "#,
            r#"{"a":"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890","exp":1}"#,
            r#"{"a":1,"exp":1}"#,
            "{}",
            "",
        ];
        let read = |text: &[u8], before: &[&str]| {
            for before in before {
                known_of(before.as_bytes(), &mut Named::default());
            }
            let (mut named, mut expected) = (Named::default(), Named::default());
            known_of(text, &mut named);
            expected.read(&mut text.to_vec(), 0, false);
            assert_eq!(named.values, expected.values, "{}", text.escape_ascii());
        };
        for text in texts {
            for before in texts {
                read(text.as_bytes(), &[before]);
                read(text.as_bytes(), &[sample, before]);
            }
        }
        // And where any character is another one; the last one ends where the beginning hardly does.
        let short = (r#"{"active":true,"abc":[1],"":1}"#, r#"{"active":true,"abc":[1],"exp":1}"#);
        for (text, before) in texts.map(|text| (text, text)).into_iter().chain([short]) {
            for at in 0..text.len() {
                for byte in *b"\",:{}[]\\ 01eE-tfnx\x01\x80" {
                    let mut changed = text.as_bytes().to_vec();
                    changed[at] = byte;
                    read(&changed, &[before]);
                }
            }
        }
    }

    #[test]
    #[cfg(not(feature = "small"))]
    fn what_tokens_begin_with_is_read_once() {
        let known = |text: &str| known_of(text.as_bytes(), &mut Named::default());
        let begins = r#"{"active":true,"roles":[],"#;
        let [sub, iss] = [r#""sub":"x","exp":1}"#, r#""iss":"a","exp":1}"#].map(|ends| [begins, ends].concat());
        assert_eq!(known(&sub), 0);
        assert_eq!([sub, iss].map(|text| known(&text)), [begins.len(); 2]);
        // Nothing is known where the first member is asked for.
        assert_eq!([r#"{"exp":1,"active":true}"#; 2].map(known), [0, 0]);
        let long = |length| format!(r#"{{"a":"{}","exp":1}}"#, "x".repeat(length));
        assert_eq!([long(140), long(140), long(170), long(170)].map(|text| known(&text)), [0, 148, 0, 0]);
    }

    /// Reads a payload as a token's, and tells how much of it was known.
    fn known_of(payload: &[u8], named: &mut Named) -> usize {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let token = format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(payload));
        let mut room = vec![0xff; token.len() + SPARE];
        decode_payload(token.as_bytes(), &mut room).map_or(0, |mut payload| {
            named.read_payload(token.as_bytes(), &mut payload);
            payload.known
        })
    }

    #[test]
    fn an_escape_makes_way_for_ascii_that_needs_none() {
        let unescaped = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let is_well = unescape(&mut bytes);
            assert_eq!(bytes.len(), text.len());
            is_well.then(|| String::from_utf8(bytes).expect("UTF-8").trim_end().to_owned())
        };
        let makes = |text, expected: Option<&str>| assert_eq!(unescaped(text).as_deref(), expected, "{text}");
        makes(r#""\u0065xp\/\u007e\u0020""#, Some(r#""exp/~ ""#));
        makes(r#""\n\u001f\u007f""#, Some("\"\n\x1f\x7f\""));
        for stays in [r#""a\"b""#, r#""\\u0065""#, r#""\\\"\u0022\u005c\u00e9\ud800é""#] {
            makes(stays, Some(stays));
        }
        for wrong in [r#""\q""#, r#""\u006""#, r#""\u00g0""#, r#""\"#, r#""a":\u0031"#, r#"{\"a":1}"#, r#""a\\"\u0031"#]
        {
            makes(wrong, None);
        }
    }

    #[test]
    fn every_escape_in_a_text_is_looked_at() {
        for wrong in [
            "{\"a\":\"\\u0041\",\"b\":\"\t\"}",
            r#"{"a":"\u0041","b":\u0031}"#,
            r#"{"a":"\u0041","b":"\q"}"#,
            r#"{"a":"\n","b":"\"#,
            r#"{"\"#,
        ] {
            assert_eq!(members(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_itself_and_no_other() {
        let is_alike = |one: &str, other: &str| {
            let [value, others] = [one, other].map(|text| Value::whole(Kind::String, text));
            value.is_alike(one.as_bytes(), &others, other.as_bytes())
        };
        assert!(is_alike(r"\ud800", r"\uD800"));
        assert!(!is_alike(r"\ud800", r"\ud801"));
        assert!(!is_alike(r"\ud800", r"\ud800\ud83d\ude00"));
        assert!(is_alike(r"\ud800\ud83d\ude00", r"\ud800😀"));
        assert!(is_alike(r"\u00e9\u20ac", "é€"));
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_stands() {
        for (before, after) in (0..20).flat_map(|before| (0..10).map(move |after| (before, after))) {
            for inside in ["", "!", " ", "#", "~", "\x7f", "é", "😀", "! #"] {
                let string = [&" !a".repeat(before), inside].concat();
                hears(&format!(r#"{{"a":"{string}"{}}}"#, " ".repeat(after)), &format!("a='{string}'"));
            }
            let control = format!("{{\"a\":\"{}\x1f\"{}}}", "!".repeat(before), " ".repeat(after));
            assert_eq!(members(&control), None);
        }
    }

    #[test]
    fn text_is_utf8_where_the_standard_library_says_so() {
        // Every two bytes, and every three or four that begin with a lead byte of as many, by their corners.
        let corners = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
        for lead in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                for (third, fourth) in corners.iter().flat_map(|&third| corners.map(|fourth| (third, fourth))) {
                    for length in 1..=4 {
                        let text = &[lead, second, third, fourth][..length];
                        assert_eq!(is_of_characters(text), str::from_utf8(text).is_ok(), "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn text_is_utf8_wherever_in_it_the_characters_stand() {
        for (before, after) in (0..20).flat_map(|before| (0..10).map(move |after| (before, after))) {
            for inside in
                [b"a".as_slice(), "é".as_bytes(), "😀".as_bytes(), b"\x80", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98"]
            {
                let text = [&b"0".repeat(before), inside, &b"0".repeat(after)].concat();
                assert_eq!(is_of_characters(&text), str::from_utf8(&text).is_ok(), "{text:?}");
            }
        }
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
