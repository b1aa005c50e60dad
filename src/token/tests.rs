#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

#[test]
fn every_length_decodes_as_the_oracle_does() {
    let bytes: Vec<u8> = (0..=255).rev().collect();
    for length in 1..bytes.len() {
        let token = format!("h.{}.s", URL_SAFE_NO_PAD.encode(&bytes[..length]));
        let mut room = [7; 256];
        assert_eq!(decode_payload(token.as_bytes(), &mut room).expect("a JWT by its outline"), &bytes[..length]);
        assert_eq!(decode_payload(token.as_bytes(), &mut room[..length]).map(|payload| payload.len()), Ok(length));
        assert_eq!(decode_payload(token.as_bytes(), &mut room[..length - 1]), Err(InvalidReason::TooLong));
    }
}

#[test]
fn every_group_decodes_as_the_oracle_does() {
    for (at, byte) in (0..4).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
        for mut group in [*b"AAAA", *b"____", *b"mZ05"] {
            group[at] = byte;
            let expected = URL_SAFE_NO_PAD.decode(group).ok();
            assert_eq!(decode_group(&group).map(|bytes| bytes.to_vec()), expected, "{}", group.escape_ascii());
        }
    }
}

#[test]
fn a_byte_outside_the_alphabet_is_found_wherever_it_stands() {
    for length in 1..40 {
        let part = "A".repeat(length);
        for (at, wrong) in (0..length).flat_map(|at| b"!+/=.@[`{\x7f\xc3".iter().map(move |&wrong| (at, wrong))) {
            for place in 0..3 {
                let mut parts = [part.clone(), part.clone(), part.clone()].map(String::into_bytes);
                parts[place][at] = wrong;
                let expected =
                    if place == 1 && wrong == b'=' { InvalidReason::BadBase64 } else { InvalidReason::NotAJwt };
                let judged = decode_payload(&parts.join(&b'.'), &mut [0; 128]).map(drop);
                assert_eq!(judged, Err(expected), "{wrong} at {at} of {length} in part {place}");
            }
        }
    }
}

#[test]
fn a_payload_is_the_same_whatever_was_in_its_place_before() {
    let token = b"e30.eyJleHAiOjF9.s";
    for before in [0, b'"', 0xff] {
        let mut room = [before; 32];
        assert_eq!(decode_payload(token, &mut room), Ok(&mut br#"{"exp":1}"#.to_vec()[..]));
        assert!(room[9..].iter().all(|&byte| byte == before), "no more is written than the payload has");
    }
}
