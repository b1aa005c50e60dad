//! A token, and a payload, against plain readers: RFC 7515's parts one by one, and `serde_json` where it reads what `JSON.parse`
//! reads.

#![no_main]

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use transak_user_token::error::InvalidReason;
use transak_user_token::status::{StatusOptions, TokenStatus, token_status};

const CODEC: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        agrees(text);
    }
    agrees(&format!("e30.{}.c2ln", CODEC.encode(data)));
});

fn agrees(text: &str) {
    let got = match token_status(text, &StatusOptions::default(), 0.0) {
        TokenStatus::Valid(life) => Ok((life.expires_at, life.issued_at)),
        TokenStatus::Invalid(reason) => Err(reason),
    };
    match payload(text) {
        Err(reason) => assert_eq!(got, Err(reason)),
        Ok(payload) => match claims(&payload) {
            Some(expected) => assert_eq!(got, expected),
            // A key that no Rust string holds: whether it is JSON is known all the same.
            None => assert_ne!(got, Err(InvalidReason::BadJson)),
        },
    }
}

/// Decodes the payload of a token, rule by rule.
fn payload(text: &str) -> Result<Vec<u8>, InvalidReason> {
    let token = text.trim_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if token.encode_utf16().count() > 16_384 {
        return Err(InvalidReason::TooLong);
    }
    if token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        return Err(InvalidReason::BearerPrefix);
    }
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err(InvalidReason::NotAJwt) };
    let is_part = |part: &str, padding: &[u8]| {
        !part.is_empty() && part.bytes().all(|byte| is_base64url(byte) || padding.contains(&byte))
    };
    if !is_part(header, b"") || !is_part(payload, b"=") || !is_part(signature, b"") {
        return Err(InvalidReason::NotAJwt);
    }
    CODEC.decode(payload).map_err(|_| InvalidReason::BadBase64)
}

type Instants = (f64, Option<f64>);

/// Reads the claims; None if `serde_json` cannot. What it ignores it reads as `JSON.parse` does, with any number, surrogate and
/// nesting.
fn claims(payload: &[u8]) -> Option<Result<Instants, InvalidReason>> {
    let is_object = |text: &&str| text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{');
    let is_json = |text: &&str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let Some(text) = str::from_utf8(payload).ok().filter(is_object).filter(is_json) else {
        return Some(Err(InvalidReason::BadJson));
    };
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).ok()?;
    Some(verdict(&members))
}

fn verdict(members: &HashMap<Cow<'_, str>, &RawValue>) -> Result<Instants, InvalidReason> {
    if !members.contains_key("sub") {
        if members.contains_key("API_KEY") {
            return Err(InvalidReason::PartnerToken);
        }
        if members.contains_key("ott") {
            return Err(InvalidReason::SessionToken);
        }
    }
    let exp = members.get("exp").ok_or(InvalidReason::NoExpiry)?;
    let expires_at = instant(exp.get()).ok_or(InvalidReason::BadExpiry)?;
    let issued_at = members.get("iat").and_then(|iat| instant(iat.get()));
    Ok((expires_at, issued_at.filter(|&issued_at| issued_at < expires_at)))
}

/// Returns floor(seconds x 1000) by moving the point in the written number.
fn instant(text: &str) -> Option<f64> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    if !magnitude.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // What does not fit is so far off that its digits do not matter.
    let far = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
    let exponent = exponent.parse().unwrap_or(far).clamp(i64::MIN / 4, i64::MAX / 4);
    let all = format!("{whole}{decimals}");
    let digits = all.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0.0);
    }
    let point = whole.len() as i64 - (all.len() - digits.len()) as i64 + exponent + 3;
    if point > 14 {
        return None;
    }
    let (kept, rest) = digits.split_at(usize::try_from(point.max(0)).ok()?.min(digits.len()));
    let zeros = usize::try_from(point.max(0)).ok()? - kept.len();
    let millis: i64 = format!("0{kept}{}", "0".repeat(zeros)).parse().ok()?;
    let is_more = rest.bytes().any(|digit| digit != b'0');
    let millis = if text.starts_with('-') { -millis - i64::from(is_more) } else { millis };
    Some(millis as f64)
}
