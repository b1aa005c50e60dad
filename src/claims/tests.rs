#![expect(clippy::expect_used, reason = "a test may panic")]

use super::*;

#[test]
fn a_tolerance_prolongs_a_tokens_life() {
    let claims = Claims { expires_at: 5_000.0, issued_at: None };
    for (now, left_ms) in [(4_000.0, 1_300.0), (5_000.0, 300.0), (5_300.0, 0.0), (6_000.0, -700.0)] {
        assert_eq!(([claims.expires_in_ms(300.0, now)], claims.is_expired(300.0, now)), ([left_ms], left_ms <= 0.0));
    }
}

#[track_caller]
fn is_instant(number: &str, expected: Option<Millis>) {
    let mut text = format!(r#"{{"exp":{number}}}"#).into_bytes();
    let exp = Members::read(&mut text).and_then(|members| members.exp).expect("a number");
    assert_eq!(instant(&exp, &text), expected, "{number}");
}

#[test]
fn instants_are_floored_decimals() {
    is_instant("1752921735", Some(1_752_921_735_000.0));
    is_instant("9999999999", Some(9_999_999_999_000.0));
    is_instant("17529217e1", Some(175_292_170_000.0));
    is_instant("175292173e0", Some(175_292_173_000.0));
    is_instant("17529217.5", Some(17_529_217_500.0));
    is_instant("-175292173", Some(-175_292_173_000.0));
    is_instant("1752921735.57", Some(1_752_921_735_570.0));
    is_instant("1752921735.0009999999999999999", Some(1_752_921_735_000.0));
    is_instant("17529217351239E-4", Some(1_752_921_735_123.0));
    is_instant("1.7529217351239e+9", Some(1_752_921_735_123.0));
    is_instant("0.0012e-1", Some(0.0));
    is_instant("-0.0001", Some(-1.0));
    is_instant("-1.5", Some(-1500.0));
    is_instant("-1.0009", Some(-1001.0));
    is_instant("-0", Some(0.0));
}

#[test]
fn instants_end_below_1e11_seconds() {
    is_instant("99999999999.9999", Some(99_999_999_999_999.0));
    is_instant("-99999999999", Some(-99_999_999_999_000.0));
    for too_far in ["1e11", "100000000000", "-1e11", "1752921735000", "1e400", "1e99999999999999999999"] {
        is_instant(too_far, None);
    }
    is_instant("0e99999999999999999999", Some(0.0));
    is_instant("1e-99999999999999999999", Some(0.0));
    is_instant("-1e-99999999999999999999", Some(-1.0));
    is_instant(&format!("{}e-500", "1".repeat(510)), Some(1_111_111_111_111.0));
    is_instant("0.00000000000000000000017529217351239e31", Some(1_752_921_735_123.0));
    is_instant("1752921735999999999999999999999e-21", Some(1_752_921_735_999.0));
    is_instant("-1752921735000000000000000000000.0e-21", Some(-1_752_921_735_000.0));
    is_instant("-1752921735000000000000000000001e-21", Some(-1_752_921_735_001.0));
    is_instant("99999999999.9999999", Some(99_999_999_999_999.0));
    is_instant("999999999999999e-4", Some(99_999_999_999_999.0));
    is_instant("1000000000000000e-4", None);
}
