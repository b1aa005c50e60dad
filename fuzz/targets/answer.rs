//! An answer of a hostile server: nothing of the old token, the new one or what was sent stands in a text of the failure.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use transak_user_token::error::{Cause, Failure};
use transak_user_token::refresh::{Answer, Body, OldToken, interpret_response};

const NOW: f64 = 1_752_489_735_000.0;
const OLD: &str =
    r#"{"iat":1750329735,"exp":1752921735,"sub":"jo-ann@example.com","tier":"gold","uid":987654321,"n":["Quartz77"]}"#;
const NEW: &[&str] = &[
    r#"{"iat":1752489735,"exp":1755081735,"sub":"jo-ann@example.com","mail":"n3wcomer","nest":{"ref":"Zebra_42"}}"#,
    r#"{"exp":1755081735000,"sub":"jo-ann@example.com","mail":"n3wcomer","nest":{"ref":"Zebra_42"}}"#,
    r#"{"sub":"jo-ann@example.com","mail":"n3wcomer"}"#,
    r#"{"API_KEY":"p4rtner-key","mail":"n3wcomer"}"#,
    r#"{"exp":1,"sub":"jo","mail":"n\u0033wcomer"}"#,
    r#"{"exp":1755081735,"sub":"jo-ann@example.com"#,
];
const HEADERS: &str = r#"[["x-api-key","k3y"],["x-user-ip","203.0.113.7"]]"#;

fuzz_target!(|data: &[u8]| {
    let _: Result<()> = interpret(&mut Unstructured::new(data));
});

fn jwt(payload: &str) -> String {
    format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln-F0d_XJlc2ln", URL_SAFE_NO_PAD.encode(payload))
}

fn interpret(input: &mut Unstructured<'_>) -> Result<()> {
    let old = jwt(OLD);
    let new_payload = *input.choose(NEW)?;
    // What is no JWT has no claims.
    let is_bare = input.ratio(1, 8)?;
    let new = if is_bare { new_payload.to_owned() } else { jwt(new_payload) };
    let secrets = [old.as_str(), OLD, &new, new_payload, HEADERS];
    let status = *input.choose(&[200, 200, 400, 401, 403, 404, 408, 429, 500, 502, 301, 304, 0, 204])?;
    let [error_code, trace_id, name, code] = [16, 64, 40, 40].map(|longest| echo(input, &secrets, longest));
    let kind = input.int_in_range(0..=5)?;
    let body = match kind {
        0 => Body::Broken,
        1 => Body::TooLong,
        2 => Body::Whole(input.bytes(input.len() / 2)?.to_vec()),
        order => {
            let quoted = |text: &str| Value::from(text).to_string();
            let data = format!(r#""data":{{"accessToken":{}}}"#, quoted(&new));
            let error = format!(r#""error":{{"errorCode":{},"message":"session expired"}}"#, quoted(&error_code));
            let members = if order == 3 { [data, error] } else { [error, data] };
            Body::Whole(format!("{{{}}}", members.join(",")).into_bytes())
        }
    };
    let is_broken = matches!(body, Body::Broken);
    let brings_new = kind > 2;
    let answer = Answer {
        status,
        redirected: input.ratio(1, 16)?,
        retry_after: Some(echo(input, &secrets, 12)),
        retry_after_date: input.arbitrary()?,
        trace_id: Some(trace_id),
        mitigated: input.ratio(1, 16)?.then(|| "challenge".to_owned()),
        body,
        broken_by: is_broken.then_some([Some(name), Some(code)]),
    };
    let token = OldToken::read(&old, HEADERS).expect("a token");
    match interpret_response(answer, &token, 0.0, NOW) {
        Ok(found) => {
            assert_eq!(status, 200);
            assert!(found.claims.expires_at > NOW && found.token.expose() != old);
            assert!(!format!("{found:?}").contains("c2ln"));
        }
        Err(failure) => {
            hides(&failure, &old, OLD);
            // What did not come with the answer is nobody's secret.
            if brings_new {
                hides(&failure, &new, if is_bare { "" } else { new_payload });
            }
        }
    }
    Ok(())
}

/// A text that repeats some of a secret, in one way or another.
fn echo(input: &mut Unstructured<'_>, secrets: &[&str], longest: usize) -> String {
    let mut text = String::new();
    while text.len() < longest && input.ratio(3, 4).unwrap_or(false) {
        let secret = input.choose(secrets).map_or("", |secret| secret);
        let from = input.choose_index(secret.len()).unwrap_or(0);
        let length = input.int_in_range(1..=longest).unwrap_or(1);
        let part: String = secret.chars().skip(from).take(length).collect();
        text += &match input.int_in_range(0..=4).unwrap_or(0) {
            0 => part.to_uppercase(),
            1 => part.chars().flat_map(|character| [character, '-']).collect(),
            2 => part.chars().filter(char::is_ascii_alphanumeric).collect(),
            3 => input.arbitrary::<char>().map(String::from).unwrap_or_default(),
            _ => part,
        };
    }
    text.chars().take(longest).collect()
}

#[track_caller]
fn hides(failure: &Failure, token: &str, payload: &str) {
    let cause = match &failure.cause {
        Some(Cause::Foreign(name, code)) => [name.as_deref(), code.as_deref()],
        _ => [None, None],
    };
    let claims = claims(payload);
    let shown = [failure.error_code.as_deref(), failure.trace_id.as_deref(), cause[0], cause[1]];
    for shown in shown.into_iter().flatten().map(normalized) {
        // What is shown is plain, and so in ASCII.
        let parts: Vec<&[u8]> = shown.as_bytes().windows(8).collect();
        // An escape is compared as the character that it stands for.
        let payload = if payload.contains('\\') { "" } else { payload };
        for secret in [token, payload].map(normalized) {
            let has_part = secret.as_bytes().windows(8).any(|own| parts.contains(&own));
            assert!(!has_part, "a part is shown: {shown}");
        }
        for claim in &claims {
            let claim = normalized(claim);
            assert!(claim.len() < 4 || !shown.contains(&claim), "the claim {claim} is shown: {shown}");
        }
    }
}

fn normalized(text: &str) -> String {
    text.to_ascii_lowercase().replace(['-', '_'], "")
}

/// The strings and numbers of a payload, at any depth.
fn claims(payload: &str) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Number(number) => found.push(number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(members) => members.values().for_each(|value| collect(value, found)),
            Value::Bool(_) | Value::Null => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str(payload) {
        collect(&value, &mut found);
    }
    found
}
