//! Runs `vectors.json` against the checker: natively, and on wasm32 in Node or, with `WASM_BINDGEN_USE_BROWSER=1`, in a browser.
//!
//! Natively it also holds the checker against `serde_json` and against whole-number arithmetic on random payloads.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use transak_user_token::status::{StatusOptions, TokenStatus, token_status};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

const VECTORS: &str = include_str!("vectors.json");

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn every_vector_gets_its_verdict() {
    let file = file();
    let mut run = 0;
    let mut wrong = Vec::new();
    for vector in vectors(&file) {
        // Only JavaScript can hold this token, so only the JavaScript runners check it.
        let Some(token) = token(vector, text(&file, "header"), text(&file, "signature")) else {
            continue;
        };
        run += 1;
        let got = seen(token_status(&token, &options(vector), number(vector, "now")));
        let expected = in_floats(field(vector, "expect"));
        if got != expected {
            wrong.push(format!("{}\n      got {got}\n expected {expected}", text(vector, "name")));
        }
    }
    assert!(wrong.is_empty(), "{} of {run} vectors are judged wrongly:\n{}", wrong.len(), wrong.join("\n"));
    assert!(run >= 110, "only {run} vectors were run");
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn every_vector_has_a_name_of_its_own() {
    let file = file();
    let mut names = HashSet::new();
    let twice: Vec<_> = vectors(&file).map(|vector| text(vector, "name")).filter(|name| !names.insert(*name)).collect();
    assert!(twice.is_empty(), "given twice: {twice:?}");
}

#[track_caller]
fn file() -> Value {
    serde_json::from_str(VECTORS).unwrap_or_else(|error| panic!("vectors.json: {error}"))
}

#[track_caller]
fn vectors(file: &Value) -> impl Iterator<Item = &Value> {
    list(file, "groups").iter().flat_map(|group| list(group, "vectors"))
}

/// Returns the vector's token, or `None` if no Rust string can be it: not a string, or a lone surrogate.
#[track_caller]
fn token(vector: &Value, header: &str, signature: &str) -> Option<String> {
    if vector.get("value").is_some() {
        return None;
    }
    if vector.get("token").is_some() {
        return Some(text(vector, "token").to_owned());
    }
    if vector.get("tokenParts").is_some() {
        return join(list(vector, "tokenParts"));
    }
    let payload = if vector.get("payloadHex").is_some() {
        bytes(text(vector, "payloadHex"))
    } else if vector.get("payloadParts").is_some() {
        join(list(vector, "payloadParts"))?.into_bytes()
    } else {
        text(vector, "payload").as_bytes().to_vec()
    };
    Some(format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(payload)))
}

#[track_caller]
fn join(parts: &[Value]) -> Option<String> {
    let piece = |part: &Value| match part {
        Value::String(piece) => Some(piece.clone()),
        part if part.get("unit").is_some() => None,
        part => {
            let times = field(part, "times").as_u64().and_then(|times| usize::try_from(times).ok());
            Some(text(part, "repeat").repeat(times.unwrap_or_else(|| panic!("times is no count"))))
        }
    };
    parts.iter().map(piece).collect()
}

#[track_caller]
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(byte).collect::<Option<_>>().unwrap_or_else(|| panic!("not hex: {hex}"))
}

fn options(vector: &Value) -> StatusOptions {
    StatusOptions {
        refresh_window_ms: vector.get("refreshWindowMs").and_then(Value::as_f64),
        clock_tolerance_ms: vector.get("clockToleranceMs").and_then(Value::as_f64).unwrap_or_default(),
    }
}

/// Returns the status as JavaScript sees it.
fn seen(status: TokenStatus) -> Value {
    match status {
        TokenStatus::Valid(life) => json!({
            "state": life.state.as_str(),
            "action": life.state.action().as_str(),
            "issuedAt": life.issued_at,
            "refreshAt": life.refresh_at,
            "expiresAt": life.expires_at,
            "expiresInMs": life.expires_in_ms,
        }),
        TokenStatus::Invalid(reason) => json!({
            "state": "invalid",
            "action": reason.action().as_str(),
            "reason": reason.as_str(),
        }),
    }
}

/// `serde_json` holds that 1 is not 1.0.
#[track_caller]
fn in_floats(expect: &Value) -> Value {
    let Value::Object(fields) = expect else { panic!("expect is no object") };
    let float = |value: &Value| {
        if value.is_number() { json!(value.as_f64()) } else { value.clone() }
    };
    fields.iter().map(|(key, value)| (key.clone(), float(value))).collect::<Map<_, _>>().into()
}

#[track_caller]
fn field<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or_else(|| panic!("no {key} in a vector"))
}

#[track_caller]
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    field(value, key).as_str().unwrap_or_else(|| panic!("{key} is no text"))
}

#[track_caller]
fn number(value: &Value, key: &str) -> f64 {
    field(value, key).as_f64().unwrap_or_else(|| panic!("{key} is no number"))
}

#[track_caller]
fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    field(value, key).as_array().unwrap_or_else(|| panic!("{key} is no list"))
}

/// What must hold for every payload.
#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};
    use transak_user_token::status::Lifetime;

    use super::*;

    /// Pieces that JSON is made of, and some that it is nearly made of.
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        " ",
        "\n",
        "\u{b}",
        "\0",
        "\u{feff}",
        "\u{a0}",
        "true",
        "false",
        "null",
        "tru",
        "NaN",
        "\"\"",
        "\"a\"",
        "\"exp\"",
        "\"iat\"",
        "\"API_KEY\"",
        "\"ott\"",
        "\"sub\"",
        "\"\\u0065xp\"",
        "\"\\n\"",
        "\"\\x\"",
        "\"é😀\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\\u00e9",
        "\\u12G4",
        "0",
        "-",
        "+",
        ".",
        "e",
        "E",
        "1",
        "01",
        "-0",
        "1.5",
        "1e5",
        "1e400",
        "1.",
        ".5",
        "1752921735",
        "-1e-3",
        "/",
        "//",
        "/**/",
        "'a'",
        "{\"a\":1}",
        "[1,2]",
        "{}",
        "[]",
    ];
    const OTHER_SCALARS: &[&str] = &[
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\\ud83d\\ude00\"",
        "\"é€😀\"",
    ];
    const NUMBERS: &[&str] = &[
        "0",
        "-0",
        "1752921735",
        "1752921735.1239",
        "1.752921735e9",
        "1e-7",
        "-12.5E+3",
        "99999999999",
        "1752921735000",
        "1e300",
    ];
    const KEYS: &[&str] = &[
        "\"exp\"",
        "\"\\u0065xp\"",
        "\"iat\"",
        "\"sub\"",
        "\"s\\u0075b\"",
        "\"API_KEY\"",
        "\"ott\"",
        "\"API\\u005fKEY\"",
        "\"\"",
        "\"a\"",
        "\"EXP\"",
        "\"exp \"",
    ];
    const SPACES: &[&str] = &["", "", "", " ", "\n", "\t\r\n  "];

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        (any::<bool>(), vec(select(PIECES), 1..24)).prop_map(|(framed, pieces)| {
            let pieces = pieces.concat();
            if framed { format!("{{\"exp\":1752921735,\"a\":{pieces}}}") } else { pieces }.into_bytes()
        })
    }

    /// A member's key, colon and value, with white space.
    fn member(keys: &'static [&str], value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        (select(SPACES), select(keys), select(SPACES), value)
            .prop_map(|(space, key, gap, value)| format!("{space}{key}{gap}:{value}{gap}"))
    }

    fn json() -> impl Strategy<Value = String> {
        let number = || select(NUMBERS).prop_map(str::to_owned);
        let scalar = || prop_oneof![10 => number(), 8 => select(OTHER_SCALARS).prop_map(str::to_owned)];
        let value = scalar().prop_recursive(4, 48, 6, |inner| {
            let array = (select(SPACES), vec(inner.clone(), 0..6))
                .prop_map(|(space, items)| format!("[{space}{}{space}]", items.join(",")));
            let object = vec(member(KEYS, inner), 0..6).prop_map(|members| format!("{{{}}}", members.join(",")));
            prop_oneof![array, object]
        });
        let members = prop_oneof![
            2 => member(&["\"exp\"", "\"\\u0065xp\""], number()),
            1 => member(KEYS, scalar()),
            2 => member(&["\"\"", "\"a\"", "\"EXP\"", "\"exp \""], value),
        ];
        (select(SPACES), vec(members, 0..6), select(SPACES))
            .prop_map(|(before, members, after)| format!("{before}{{{}}}{after}", members.join(",")))
    }

    /// One step away from JSON: a byte replaced, put in, taken out, or the rest cut off.
    fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![any::<u8>(), select(b"{}[],:\"\\ \n0123456789-+.eEtfnu/'".as_slice())];
        (json(), vec((any::<Index>(), 0..4_u8, byte), 1..3)).prop_map(|(json, steps)| {
            let mut payload = json.into_bytes();
            for (at, step, byte) in steps {
                if payload.len() < 2 {
                    break;
                }
                let at = at.index(payload.len());
                match step {
                    0 => drop(payload.splice(at..=at, [byte])),
                    1 => payload.insert(at, byte),
                    2 => drop(payload.remove(at)),
                    _ => payload.truncate(at.max(1)),
                }
            }
            payload
        })
    }

    fn judge(payload: &[u8]) -> Result<Lifetime, &'static str> {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
        match token_status(&token, &StatusOptions::default(), 0.0) {
            TokenStatus::Valid(life) => Ok(life),
            TokenStatus::Invalid(reason) => Err(reason.as_str()),
        }
    }

    /// `serde_json::Value` refuses some texts that JSON allows, with an error that says so. For these texts it is no oracle.
    fn knows(error: &serde_json::Error) -> bool {
        let error = error.to_string();
        ["lone leading surrogate", "unexpected end of hex escape", "number out of range", "recursion limit exceeded"]
            .iter()
            .all(|limit| !error.contains(limit))
    }

    /// The claims that matter, read from a `serde_json` object: the reason to refuse it, or about when it expires.
    fn expiry(claims: &Map<String, Value>) -> Result<f64, &'static str> {
        if claims.contains_key("API_KEY") && !claims.contains_key("sub") {
            return Err("partner_token");
        }
        if claims.contains_key("ott") && !claims.contains_key("sub") {
            return Err("session_token");
        }
        let exp = claims.get("exp").ok_or("no_expiry")?.as_f64().ok_or("bad_expiry")?;
        if exp.abs() < 1e11 { Ok(exp * 1000.0) } else { Err("bad_expiry") }
    }

    #[track_caller]
    fn agrees(payload: &[u8]) -> Result<(), TestCaseError> {
        let got = judge(payload);
        match serde_json::from_slice::<Value>(payload) {
            Ok(Value::Object(claims)) => match (got, expiry(&claims)) {
                (Ok(life), Ok(about)) => {
                    prop_assert!((life.expires_at - about).abs() <= 1.5, "{life:?} is not {about}");
                }
                (got, expected) => prop_assert_eq!(got.err(), expected.err()),
            },
            Err(error) if !knows(&error) => {}
            _ => prop_assert_eq!(got.err(), Some("bad_json")),
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_judged_as_serde_json_reads_them(payload in vec(any::<u8>(), 1..64)) {
            agrees(&payload)?;
            agrees(&[b"{\"exp\":1752921735,\"a\":\"", payload.as_slice(), b"\"}"].concat())?;
        }

        #[test]
        fn text_is_judged_as_serde_json_reads_it(text in any::<String>()) {
            agrees(format!("{{\"exp\":1752921735,\"{text}\":0}}").as_bytes())?;
        }

        #[test]
        fn pieces_of_json_are_judged_as_serde_json_reads_them(payload in pieces()) {
            agrees(&payload)?;
        }

        #[test]
        fn json_is_judged_as_serde_json_reads_it(payload in json()) {
            agrees(payload.as_bytes())?;
        }

        #[test]
        fn nearly_json_is_judged_as_serde_json_reads_it(payload in nearly_json()) {
            agrees(&payload)?;
        }

        // The same number written with another exponent is the same instant, and that is floor(decimal x 1000).
        #[test]
        fn an_instant_is_the_floor_of_the_decimal(
            seconds in -99_999_999_999_i128..=99_999_999_999,
            fraction in prop_oneof![Just(0), 0..1_000_000_000_000_000_000_i128, (0..1000_i128).prop_map(|ms| ms * 1_000_000_000_000_000)],
            point in 0..=40_usize,
        ) {
            // There are 18 digits after the point. The sign is that of the whole number.
            let digits = seconds.abs() * 1_000_000_000_000_000_000 + fraction;
            let digits = if seconds < 0 { -digits } else { digits };
            let instant = digits.div_euclid(1_000_000_000_000_000);

            let (sign, text) = (if digits < 0 { "-" } else { "" }, format!("{:041}", digits.abs()));
            let (whole, rest) = text.split_at(point.max(1));
            let whole = whole.trim_start_matches('0');
            let whole = if whole.is_empty() { "0" } else { whole };
            // With the point there, the exponent puts it back in front of the last 18 digits.
            let exponent = 23 - i64::try_from(point.max(1)).unwrap_or_default();
            let payload = format!("{{\"exp\":{sign}{whole}.{rest}e{exponent}}}");

            let expires_at = judge(payload.as_bytes()).map(|life| life.expires_at);
            prop_assert_eq!(expires_at.map(|at| at.to_string()), Ok(instant.to_string()), "{}", payload);
        }
    }
}
