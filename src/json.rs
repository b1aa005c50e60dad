//! JSON exactly as `JSON.parse` accepts it (ECMA-404), walked once, without recursion and without building
//! anything: a visitor is told of the members of the outermost object and of the objects right below it.
//!
//! Which members matter is the visitor's business. Of duplicates it hears all, the last one last. There is one
//! visitor, [`Named`]: the walk is compiled for each, and is half of the checker.

use core::cell::Cell;
use core::slice::Iter;

/// What a value is, as far as anyone here cares.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)]
pub(crate) enum Kind {
    /// A number. 0 is left for what is none, so that many of those are written at once.
    Number = 1,
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
    pub(crate) fn characters<'b>(&self, room: &'b mut [u8]) -> Option<&'b [u8]>
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
    pub(crate) fn has_characters(&self) -> bool {
        !matches!(self.kind, Kind::Literal | Kind::Nested)
    }

    /// Tells whether two values are of one kind and the same characters; what is nested is like nothing.
    pub(crate) fn is_alike(&self, other: &Value<'_>) -> bool {
        let is_string = |value: &Value<'_>| matches!(value.kind, Kind::Plain | Kind::Escaped);
        let is_escaped = self.kind == Kind::Escaped || other.kind == Kind::Escaped;
        if is_escaped && is_string(self) && is_string(other) {
            return units(self.text).eq(units(other.text));
        }
        self.kind == other.kind && self.kind != Kind::Nested && self.text == other.text
    }
}

/// Writes what the inside of a string stands for to where there is room for it, and returns as much of it as there was
/// room for. Of what is escaped only ASCII is told apart: all else is one byte that is no UTF-8.
#[inline(never)]
fn decode_to<'a>(text: &[u8], room: &'a mut [u8]) -> &'a [u8] {
    let mut rest = text.iter();
    let mut length = 0;
    for place in &mut *room {
        let Some(&byte) = rest.next() else { break };
        *place = byte;
        if byte == b'\\' {
            let escape = escape(rest.as_slice());
            let _ = skip(&mut rest, length_of(escape));
            *place = u8::try_from(unit_of(escape)).ok().filter(u8::is_ascii).unwrap_or(u8::MAX);
        }
        length += 1;
    }
    room.get(..length).unwrap_or_default()
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
        while let Some((&eight, more)) = rest.split_first_chunk()
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

    /// Tells which member a key is, among those of the outermost object or of a named one. Its closing quote is there still.
    #[inline]
    fn of(parent: Option<Self>, key: Value<'_>) -> Option<Self> {
        // Where its characters are many it is no name that anyone asks for.
        let mut room = [0; 16];
        let key = if key.kind == Kind::Escaped { decode_to(key.text, &mut room) } else { key.text };
        let (&four, rest) = key.split_first_chunk()?;
        match parent {
            None => Some(match (u32::from_le_bytes(four), rest) {
                (EXP, []) => Self::Exp,
                (IAT, []) => Self::Iat,
                (SUB, []) => Self::Sub,
                (API_, [b'K', b'E', b'Y', b'"']) => Self::ApiKey,
                (DATA, [b'"']) if ANSWERS => Self::Data,
                (ERRO, [b'r', b'"']) if ANSWERS => Self::Error,
                _ => return None,
            }),
            Some(Self::Data) if ANSWERS && key == b"accessToken\"" => Some(Self::AccessToken),
            Some(Self::Error) if ANSWERS && key == b"errorCode\"" => Some(Self::ErrorCode),
            Some(Self::Error) if ANSWERS && key == b"message\"" => Some(Self::ErrorMessage),
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
pub(crate) struct Named<'a>([Option<Value<'a>>; 9]);

impl<'a> Named<'a> {
    /// Reads a text that must be one JSON object, and UTF-8 where that is not known yet. Where it is not, there are none.
    #[inline(never)]
    pub(crate) fn read(&mut self, text: &'a [u8], is_utf8: bool) -> bool {
        let is_text = is_utf8 || is_of_characters(text);
        let is_json = is_text
            && walk(text, Name::of, |name, value| {
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
            })
            .is_some();
        if !is_json {
            *self = Self::default();
        }
        is_json
    }

    #[inline]
    fn set(&mut self, name: Name, value: Option<Value<'a>>) {
        if let Some(place) = self.0.get_mut(name.index()) {
            *place = value;
        }
    }

    pub(crate) fn get(&self, name: Name) -> Option<&Value<'a>> {
        self.0.get(name.index())?.as_ref()
    }
}

/// Walks a text that must be one JSON object. Returns none where it is not; what the visitor has heard by then counts for
/// nothing. It hears only of members that have a name, which is asked for with the name of the object that holds them and
/// with the key, its closing quote included.
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
        let kind = if first == b'"' {
            skip_string(&mut rest)?
        } else {
            match first {
                b' ' | b'\t' | b'\n' | b'\r' => continue,
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
            }
        };
        let length = from.len() - rest.len();
        if is_key {
            if rest.as_slice().first() != Some(&b':') {
                skip_space(&mut rest);
            }
            if *rest.next()? != b':' {
                return None;
            }
            if nesting.depth == 1 || ANSWERS && nesting.depth == 2 && parent.is_some() {
                name = name_of(parent, Value { kind, text: from.get(1..length)? });
            }
            is_key = false;
            continue;
        }
        if let Some(name) = name {
            let quote = usize::from(first == b'"');
            visit(name, Value { kind, text: from.get(quote..length - quote)? });
        }
        if kind == Kind::Nested {
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
                return rest.as_slice().is_empty().then_some(());
            }
        }
        name = None;
        is_key = nesting.in_object;
    }
}

/// A bit of each of eight bytes, the lowest.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Skips the rest of a string, its opening quote gone.
#[inline]
fn skip_string(rest: &mut Iter<'_, u8>) -> Option<Kind> {
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
                skip(rest, length_of(escape(rest.as_slice())))?;
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
            if let Some(&eight) = rest.as_slice().first_chunk()
                && eight_digits(eight).is_some()
            {
                rest.nth(7);
            }
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

/// Returns the number that eight characters are where each is a digit.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: digit by digit takes 350 of a check's 7,300 instructions more")]
pub(crate) fn eight_digits(eight: [u8; 8]) -> Option<u64> {
    let digits = u64::from_le_bytes(eight) ^ (EACH * u64::from(b'0'));
    // The upper bit of each that is above nine, by itself or by what is added.
    if (digits | digits.wrapping_add(EACH * 0x76)) & (EACH << 7) != 0 {
        return None;
    }
    // Two, four and eight of them are added up, each sum where the last of them was.
    let twos = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = twos.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// Returns the length of what follows the first character of `true`, `false` or `null`, 0 where it is none of them.
#[inline(never)]
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
#[expect(clippy::inline_always, reason = "measured: what is passed its address is kept in memory")]
fn skip_space(rest: &mut Iter<'_, u8>) {
    let _ = skip(rest, spaces(rest.as_slice()));
}

#[inline(never)]
fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
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

    /// Lists what a visitor hears that has a name for every member.
    fn members(text: &str) -> Option<String> {
        let decoded = |value: Value<'_>| {
            let units: Vec<_> = units(value.text).map(|unit| u16::try_from(unit).expect("a code unit")).collect();
            (value.kind != Kind::Nested).then(|| String::from_utf16_lossy(&units))
        };
        let mut heard = String::new();
        let names = RefCell::new(vec![]);
        let name_of = |parent: Option<usize>, key| {
            let mut names = names.borrow_mut();
            let parent = parent.map(|parent: usize| format!("{}.", names[parent])).unwrap_or_default();
            let key = decoded(key).expect("a key is a string");
            names.push(parent + key.strip_suffix('"').expect("its quote"));
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
        let is_alike = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| Value {
                kind: if text.contains('\\') { Kind::Escaped } else { Kind::Plain },
                text: text.as_bytes(),
            });
            one.is_alike(&other)
        };
        assert!(is_alike(r"\ud800", r"\uD800"));
        assert!(!is_alike(r"\ud800", r"\ud801"));
        assert!(!is_alike(r"\ud800", r"\ud800\ud83d\ude00"));
        assert!(is_alike(r"\ud800\ud83d\ude00", r"\ud800😀"));
        assert!(is_alike(r"\u00e9\u20ac", "é€"));
    }

    #[test]
    fn of_what_is_escaped_only_ascii_is_told_apart_in_a_room() {
        let decoded = |text: &str| decode_to(text.as_bytes(), &mut [0; 8]).to_vec();
        assert_eq!(decoded(r#"\u0065xp\/\b\""#), b"exp/\x08\"");
        assert_eq!(decoded(r"a\u00e9\u0165\ud83d\ude00b"), b"a\xff\xff\xff\xffb");
        assert_eq!(decoded("123456789"), b"12345678");
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
    fn eight_digits_are_a_number_and_nothing_else_is() {
        for number in (0..100_000_000).step_by(1_009).chain([9, 90_909_090, 99_999_999]) {
            let digits = format!("{number:08}");
            let eight = *digits.as_bytes().first_chunk().expect("eight digits");
            assert_eq!(eight_digits(eight), Some(number));
            for (at, other) in (0..8).flat_map(|at| (0..=u8::MAX).map(move |other| (at, other))).step_by(7) {
                let mut changed = eight;
                changed[at] = other;
                assert_eq!(eight_digits(changed).is_some(), other.is_ascii_digit(), "{other} at {at}");
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
