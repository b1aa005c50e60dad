#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

use super::reader::special;
use super::*;

/// Lists the members that are found.
fn found(text: &[u8]) -> Option<String> {
    let mut text = text.to_vec();
    let members = Members::read(&mut text)?;
    let Members { exp, iat, sub, api_key, ott, access_token, error_code, error_message } = members;
    let named = [
        ("exp", exp),
        ("iat", iat),
        ("sub", sub),
        ("API_KEY", api_key),
        ("ott", ott),
        ("data.accessToken", access_token),
        ("error.errorCode", error_code),
        ("error.message", error_message),
    ];
    let written = named.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        let text = String::from_utf8_lossy(value.of(&text));
        Some(match value.kind {
            Kind::String => format!("{name}='{text}'"),
            Kind::Nested => format!("{name}={text}…"),
            Kind::Number | Kind::Literal => format!("{name}={text}"),
        })
    });
    Some(written.collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn finds(text: &str, expected: &str) {
    assert_eq!(found(text.as_bytes()).as_deref(), Some(expected), "{text}");
}

#[track_caller]
fn refuses(text: impl AsRef<[u8]>) {
    assert_eq!(found(text.as_ref()), None, "{}", text.as_ref().escape_ascii());
}

#[test]
fn members_are_found_at_their_own_depth_only() {
    finds("{}", "");
    finds(" { } ", "");
    finds(r#"{"ott":{},"exp":1,"sub":"x","iat":null,"API_KEY":true}"#, "exp=1 iat=null sub='x' API_KEY=true ott={…");
    finds(r#"{"data":{"accessToken":"t","y":{"accessToken":"u"}},"exp":2}"#, "exp=2 data.accessToken='t'");
    finds(r#"{"data":{"y":{"accessToken":"u"},"accessToken":"t"}}"#, "data.accessToken='t'");
    finds(r#"{"data":[{"accessToken":1}],"exp":[[],{}]}"#, "exp=[…");
    finds(r#"{"data":["accessToken",1],"error":{"exp":1,"accessToken":1,"message":{}}}"#, "error.message={…");
    finds(r#"{"a":{"exp":1,"errorCode":2},"errorCode":3,"":{"exp":4}}"#, "");
    finds(r#"{"exp":{},"iat":[],"sub":{"exp":5}}"#, "exp={… iat=[… sub={…");
    finds(r#"{ "a" : [ ] , "error" : { "errorCode" : -1.5e3 } , "exp" : "1" }"#, "exp='1' error.errorCode=-1.5e3");
}

#[test]
fn of_duplicates_the_last_one_counts() {
    finds(r#"{"exp":1,"exp":"2","sub":"a","sub":null}"#, "exp='2' sub=null");
    finds(r#"{"data":{"accessToken":1},"data":7}"#, "");
    finds(r#"{"data":{"accessToken":1,"accessToken":2},"data":{"accessToken":"3"}}"#, "data.accessToken='3'");
    finds(r#"{"error":{"errorCode":1,"message":2},"error":{"message":3}}"#, "error.message=3");
}

#[test]
fn an_escape_is_the_character_it_stands_for() {
    finds(r#"{"\u0065xp":"\/\b\f\n\r\t\u0001\u007F\u00e9\u20ac"}"#, "exp='/\u{8}\u{c}\n\r\t\u{1}\u{7f}é€'");
    finds(r#"{"sub":"\ud83d\ude00 \uD83D\uDE00 \u00e9 é😀"}"#, "sub='😀 😀 é é😀'");
    finds(r#"{"\u0061":1,"e\u0078p":"\u0022\u005c\"\\","iat":"\u0041"}"#, r#"exp='\"\\\"\\' iat='A'"#);
    finds(r#"{"sub":"\\u0041\\\u0041","exp\"":1,"exp\\":2}"#, r"sub='\\u0041\\A'");
    finds("{\"s\\u0075b\":\"\\u0022\" , \"exp\":1 }", "exp=1 sub='\\\"'");
}

#[test]
fn white_space_is_skipped_whether_or_not_the_text_is_rewritten() {
    for (written, character) in [("a", 'a'), (r"\u0061", 'a'), ("é", 'é')] {
        let text = format!("\r\n{{\t\"sub\"\n:\r\"{written}\"\t,\n\"exp\" : [\r\n\t] }}\r\n");
        finds(&text, &format!("exp=[… sub='{character}'"));
    }
}

#[test]
fn a_lone_surrogate_is_itself_and_no_other() {
    let is_alike = |one: &str, other: &str| {
        let [mut one, mut other] = [one, other].map(|text| format!(r#"{{"sub":"{text}"}}"#).into_bytes());
        let [value, others] = [&mut one, &mut other].map(|text| Members::read(text).expect("JSON").sub.expect("a sub"));
        value.is_alike(&one, &others, &other)
    };
    assert!(is_alike(r"\ud800", r"\uD800"));
    assert!(!is_alike(r"\ud800", r"\ud801"));
    assert!(!is_alike(r"\ud800", r"\\ud800"));
    assert!(!is_alike(r"\ud800", r"\ud800\ud83d\ude00"));
    assert!(!is_alike(r"\ud83d\ude00", r"\ude00\ud83d"));
    assert!(is_alike(r"\ud800\ud83d\ude00", r"\uD800😀"));
    assert!(is_alike(r"\ud83d\ud83d\ude00\ude00", r"\uD83D😀\uDE00"));
    assert!(is_alike(r"\u00e9\u20ac\uFFFF", "é€\u{ffff}"));
    assert!(is_alike(r"\ud83dA", r"\uD83D\u0041"));
    assert!(is_alike(r"A\udc00", r"\u0041\uDC00"));
}

#[test]
fn a_value_is_like_one_of_its_kind() {
    let is_alike = |one: &str, other: &str| {
        let mut text = format!(r#"{{"sub":{one},"iat":{other}}}"#).into_bytes();
        let members = Members::read(&mut text).expect("JSON");
        members.sub.expect("a sub").is_alike(&text, &members.iat.expect("an iat"), &text)
    };
    for like in [r#""a""#, "1", "true", "null"] {
        assert!(is_alike(like, like), "{like}");
        assert!(!is_alike(like, r#""1""#), "{like}");
    }
    assert!(!is_alike("1", "1.0"));
    assert!(!is_alike("{}", "{}"));
    assert!(!is_alike("[]", "[]"));
}

#[test]
fn a_wrong_escape_anywhere_is_refused() {
    for wrong in [r"\q", r"\u006", r"\u00g0", r"\u+061", r"\U0061", r"\ud83d\u", r"\ud83d\q", r"\", "\\\n", "\\é"] {
        refuses(format!(r#"{{"exp":"{wrong}"}}"#));
        refuses(format!(r#"{{"a":"\u0041","{wrong}":1}}"#));
    }
    for wrong in [
        "{\"a\":\"\\u0041\",\"b\":\"\t\"}",
        r#"{"a":"\u0041","b":\u0031}"#,
        r#"{\"a":1}"#,
        r#"{"a\\"\u0031:1}"#,
        r#"{"a":"\n","b":"\"#,
        r#"{"\"#,
        r#"{"a":1}\"#,
        r#"{"a":1}\u0020"#,
        r#"\u007b"a":1}"#,
    ] {
        refuses(wrong);
    }
}

#[test]
fn a_string_ends_at_its_quote_wherever_that_stands() {
    for (before, after) in (0..20).flat_map(|before| (0..10).map(move |after| (before, after))) {
        for inside in ["", "!", " ", "#", "~", "\x7f", "é", "😀", "! #"] {
            let string = [&" !a".repeat(before), inside].concat();
            finds(&format!(r#"{{"exp":"{string}"{}}}"#, " ".repeat(after)), &format!("exp='{string}'"));
        }
        for control in ['\0', '\n', '\x1f'] {
            refuses(format!("{{\"exp\":\"{}{control}\"{}}}", "!".repeat(before), " ".repeat(after)));
        }
    }
}

#[test]
fn the_first_special_byte_of_eight_is_found_whatever_follows() {
    for (at, byte) in (0..8).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
        for (filler, next) in [(b'a', b'"'), (b' ', b'\\'), (b'#', 0), (0x7f, 0xff)] {
            let mut eight = [filler; 8];
            eight[at] = byte;
            if let Some(following) = eight.get_mut(at + 1) {
                *following = next;
            }
            let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..);
            let first = eight.iter().position(is_special).unwrap_or(8);
            assert_eq!(
                special(eight).trailing_zeros() / 8,
                u32::try_from(first).expect("few"),
                "{}",
                eight.escape_ascii()
            );
        }
    }
}

#[test]
fn numbers_are_those_of_the_grammar() {
    for number in ["0", "-0", "10", "1.50", "-0.1", "0e0", "1E+09", "12e-1", "0.0E5"] {
        finds(&format!(r#"{{"exp":{number},"iat":{number}}}"#), &format!("exp={number} iat={number}"));
    }
    for wrong in ["", "-", "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "--1", "1 2", "0x1", "NaN", "1_0"] {
        refuses(format!(r#"{{"exp":{wrong}}}"#));
        refuses(format!(r#"{{"a":[{wrong},1]}}"#));
    }
}

#[test]
fn literals_are_whole_words() {
    finds(r#"{"exp":true,"iat":false,"sub":null}"#, "exp=true iat=false sub=null");
    for wrong in ["tru", "truf", "truee", "True", "fals", "falsy", "nul", "nulL", "n", "undefined"] {
        refuses(format!(r#"{{"exp":{wrong}}}"#));
        refuses(format!(r#"{{"exp":{wrong}"#));
    }
}

#[test]
fn only_one_object_is_read() {
    for wrong in ["", " ", "[]", "1", "\"a\"", "{}{}", "{},", "{}]", "{}a", "[{}]", "null", "\u{feff}{}", "{}\0"] {
        refuses(wrong);
    }
    for wrong in ["{", "{,}", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1,}"#, r#"{"a":1 "b":2}"#, r"{a:1}", r#"{"a":1]"#] {
        refuses(wrong);
    }
    for wrong in [r#"{"a":[1,]}"#, r#"{"a":[,]}"#, r#"{"a":[1}"#, r#"{"a":["b":1]}"#, r#"{"a":{]}"#, r"{1:1}"] {
        refuses(wrong);
    }
}

#[test]
fn text_is_utf8() {
    finds("{\"exp\":\"é😀\"}", "exp='é😀'");
    for wrong in [b"\x80".as_slice(), b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xf4\x90\x80\x80"] {
        for before in 0..20 {
            refuses([b"{\"a\":\"", &b"a".repeat(before)[..], wrong, b"\"}"].concat());
            refuses([b"{\"a\":\"\\n", &b"a".repeat(before)[..], wrong, b"\"}"].concat());
        }
    }
}

#[test]
fn nesting_goes_as_deep_as_the_text() {
    for depth in [1, 30, 31, 32, 33, 63, 64, 65, 127, 128, 129, 6_000] {
        let text = format!(r#"{{"exp":{}0{},"iat":1}}"#, r#"[{"c":"#.repeat(depth), "}]".repeat(depth));
        finds(&text, "exp=[… iat=1");
        refuses(text.replacen("}]", "]]", 1));
    }
    finds(&format!(r#"{{"exp":{}{}}}"#, "[".repeat(32_700), "]".repeat(32_700)), "exp=[…");
}

/// `serde_json` refuses no more than numbers that no double holds, lone surrogates and deep nesting: none of them is in here.
#[test]
fn a_text_one_byte_away_from_json_is_read_as_serde_json_reads_it() {
    let texts = [
        r#"{"active":true,"roles":["a,b",{"exp":[{}]}],"sub":"a@b.c","iat":17,"exp":25}"#,
        r#" { "active" : null , "a,b" : [ 1 , -2.5e+3 ] , "sub" : "x,é" , "exp" : 1 } "#,
        r#"{"data":{"z":[1,2],"accessToken":"x\u0041\n\"\\","y":1},"error":{"errorCode":"1002","message":""}}"#,
    ];
    for text in texts {
        for (at, byte) in (0..text.len()).flat_map(|at| b"\",:{}[]\\ 01eE-+.tfnux/\x01\x80".map(|byte| (at, byte))) {
            for (cut, put) in [(1, &[byte][..]), (0, &[byte]), (1, &[])] {
                let changed = [&text.as_bytes()[..at], put, &text.as_bytes()[at + cut..]].concat();
                let expected = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&changed).is_ok();
                assert_eq!(found(&changed).is_some(), expected, "{}", changed.escape_ascii());
            }
        }
    }
}
