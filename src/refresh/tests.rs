#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::error::Action;

/// When every answer here is judged: five days before the old token expires.
const NOW: f64 = 1_752_489_735_000.0;

const ISSUED: i32 = 1_750_329_735;
const EXPIRES: i32 = 1_752_921_735;

/// A header that goes with every request here.
const HEADERS: &str = "k3y-0f-the-partner";

fn jwt(payload: &str) -> String {
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(payload))
}

#[track_caller]
fn read(payload: &str) -> OldToken {
    OldToken::read(&jwt(payload), HEADERS).unwrap_or_else(|reason| panic!("{payload}: {reason:?}"))
}

fn old() -> OldToken {
    read(&format!(r#"{{"iat":{ISSUED},"exp":{EXPIRES},"sub":"jo@example.com"}}"#))
}

/// A token that may follow the old one.
fn good() -> String {
    jwt(&format!(r#"{{"iat":{},"exp":{},"sub":"jo@example.com"}}"#, ISSUED + 1, EXPIRES + 1))
}

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: Body::Whole(body.as_bytes().to_vec()), ..Answer::default() }
}

fn granted(token: &str) -> Answer {
    answer(200, &format!(r#"{{"data":{{"accessToken":"{token}"}}}}"#))
}

/// Returns the failure of an answer that is no success.
#[track_caller]
fn failure(answer: Answer) -> Failure {
    interpret_response(answer, &old(), 0.0, NOW).expect_err("no usable answer")
}

#[track_caller]
fn fails(status: u16, body: &str, code: Code) {
    assert_eq!(failure(answer(status, body)).code, code, "{status} {body}");
}

#[track_caller]
fn succeeds(body: &str) {
    let new =
        interpret_response(answer(200, body), &old(), 0.0, NOW).unwrap_or_else(|failure| panic!("{failure}: {body}"));
    assert_eq!(new.token.expose(), good());
    let [issued_at, expires_at] = [ISSUED, EXPIRES].map(|seconds| f64::from(seconds + 1) * 1000.0);
    assert_eq!(new.claims, Claims { expires_at, issued_at: Some(issued_at) });
    assert_eq!(new.attempts, 1);
}

#[track_caller]
fn is_bad(answer: Answer, detail: &str) {
    let (status, shown) = (answer.status, format!("{answer:?}"));
    let failure = failure(answer);
    assert_eq!((failure.code, failure.detail), (Code::BadResponse, detail), "{shown}");
    assert!(failure.outcome_unknown && !failure.retryable && failure.status == Some(status));
}

// Whom to ask

#[track_caller]
fn environment(name: Option<&str>) -> Target {
    Target::environment(name).expect("a known environment")
}

#[test]
fn an_environment_is_staging_or_production() {
    let staging = environment(Some("staging"));
    assert_eq!(staging.url(), "https://api-gateway-stg.transak.com/api/v2/auth/refresh");
    assert_eq!(environment(Some("production")).url(), "https://api-gateway.transak.com/api/v2/auth/refresh");
    for other in ["", "Staging", "prod", "production "] {
        assert_eq!(Target::environment(Some(other)), None, "{other:?}");
    }
}

#[test]
fn staging_by_default_is_the_same_server_and_says_so() {
    let (named, defaulted) = (environment(Some("staging")), environment(None));
    assert_eq!(named.url(), defaulted.url());
    assert_ne!(named.url(), environment(Some("production")).url());
    let [told, by_default] = [named, defaulted].map(|target| target.message(&after_one_request(401)));
    assert_ne!(told, by_default);
    assert!(by_default.contains("by default"));
}

#[track_caller]
fn asks(href: &str, url: &str) {
    let target = Target::own(href, false).unwrap_or_else(|wrong| panic!("{href}{wrong}"));
    assert_eq!(target.url(), [url, PATH].concat());
}

#[test]
fn an_own_server_keeps_its_path_without_the_slashes_at_its_end() {
    asks("https://example.com", "https://example.com");
    asks("https://example.com/", "https://example.com");
    asks("https://example.com///", "https://example.com");
    asks("https://example.com/transak", "https://example.com/transak");
    asks("https://example.com/a//b//", "https://example.com/a//b");
    asks("https://example.com:8443/a@b/", "https://example.com:8443/a@b");
    asks("https://[2001:db8::1]/", "https://[2001:db8::1]");
}

#[track_caller]
fn refuses(href: &str, part: &str) {
    for allow_http in [false, true] {
        let wrong = Target::own(href, allow_http).expect_err(href);
        assert!(wrong.contains(part), "{href}{wrong}");
    }
}

#[test]
fn an_own_server_has_no_user_info_query_or_fragment() {
    for href in [
        "https://jo@example.com/",
        "https://jo:secret@example.com/",
        "https://@example.com/",
        "https://:@example.com/",
        "https://example.com/?a=1",
        "https://example.com/?",
        "https://example.com?",
        "https://example.com/#a",
        "https://example.com/#",
        "http://jo@localhost/",
        "http://localhost/?a=1",
        "http://localhost#",
    ] {
        refuses(href, "user info, query or fragment");
    }
}

#[test]
fn an_own_server_has_an_http_or_https_url() {
    for href in
        ["", "ftp://example.com/", "file:///etc", "javascript:0", "example.com", "/api", "blob:https://a.example/1"]
    {
        refuses(href, "an http or https URL");
    }
}

#[test]
fn a_text_that_the_whatwg_parser_would_rewrite_is_no_url() {
    for rest in [
        "evil.com\\.localhost",
        "evil.com\\@localhost",
        "localhost\\evil.com",
        "localhost ",
        "localhost/a b",
        "local\thost",
        "localhost/\n",
    ] {
        refuses(&["http://", rest].concat(), "an http or https URL");
        refuses(&["https://", rest].concat(), "an http or https URL");
    }
}

#[test]
fn plain_http_is_allowed_to_this_machine() {
    for host in ["localhost", "sub.localhost", "a.b.localhost", "127.0.0.1", "127.1.2.3", "127.255.255.254", "[::1]"] {
        for rest in ["", "/", ":8787", ":8787/", ":1/api/", "/api:80"] {
            let href = ["http://", host, rest].concat();
            assert!(Target::own(&href, false).is_ok(), "{href}");
        }
    }
}

#[test]
fn plain_http_to_another_machine_must_be_allowed() {
    for host in [
        "example.com",
        "127.evil.com",
        "127.0.0.1.evil.com",
        "localhost.evil.com",
        "evil-localhost",
        "notlocalhost",
        "localhost.",
        "128.0.0.1",
        "10.0.0.1",
        "0.0.0.0",
        "[::2]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "127",
    ] {
        for rest in ["", "/", ":8787/", ":127/localhost"] {
            let href = ["http://", host, rest].concat();
            assert_eq!(Target::own(&href, false), Err(" must be https, or set allowHttp"), "{href}");
            assert!(Target::own(&href, true).is_ok(), "{href}");
        }
    }
}

// What a message says

/// Returns the failure for an answer with this status after one request.
fn after_one_request(status: u16) -> Failure {
    Failure { attempts: 1, ..failure(answer(status, "{}")) }
}

#[track_caller]
fn says(target: &Target, failure: &Failure, message: &str) {
    assert_eq!(target.message(failure), message);
}

#[test]
fn a_message_names_the_origin_that_was_asked_and_the_status() {
    for href in ["https://api.example.com", "https://api.example.com/a//b/"] {
        let own = Target::own(href, false).expect("a URL");
        for (status, message) in [
            (403, "the server refused the caller: https://api.example.com answered 403"),
            (404, "the server rejected the request: https://api.example.com answered 404"),
            (503, "the server failed: https://api.example.com answered 503"),
            (200, "the answer cannot be used: it has no data.accessToken; https://api.example.com answered 200"),
            (302, "no answer came: a redirect came, which is never followed; https://api.example.com answered 302"),
            (
                401,
                "the server refused the token: it was sent to your own baseUrl; https://api.example.com answered 401",
            ),
        ] {
            says(&own, &after_one_request(status), message);
        }
    }
    let local = Target::own("http://localhost:8787/api", false).expect("a URL");
    says(&local, &after_one_request(500), "the server failed: http://localhost:8787 answered 500");
}

#[test]
fn a_message_without_an_answer_names_the_origin_alone() {
    let own = Target::own("https://api.example.com", false).expect("a URL");
    let no_answer = Failure { attempts: 1, ..no_answer(Code::Timeout, None, &old()) };
    says(&own, &no_answer, "no answer came in time: https://api.example.com was asked");
    // The status 0 of an opaque answer is not named.
    says(&own, &Failure { status: Some(0), ..no_answer }, "no answer came in time: https://api.example.com was asked");
}

#[test]
fn only_transak_refuses_an_address_or_an_api_key() {
    let told =
        "the server refused the caller: its address or its api key; https://api-gateway.transak.com answered 403";
    says(&environment(Some("production")), &after_one_request(403), told);
    // A challenge has the message about the CDN, also from Transak itself.
    let mut challenged = failure(Answer { mitigated: Some("challenge".to_owned()), ..answer(403, "") });
    challenged.attempts = 1;
    let told = "the server refused the caller: the CDN's bot protection refused this client; \
                https://api-gateway.transak.com answered 403";
    says(&environment(Some("production")), &challenged, told);
}

#[test]
fn a_message_without_a_request_names_no_server() {
    let own = Target::own("https://api.example.com", false).expect("a URL");
    let expired = Failure::new(Code::TokenExpired);
    says(&own, &expired, &expired.to_string());
}

// What an answer means

/// Every form in which the server says why, with this code or message.
fn refusals(status: u16, code: &str) -> [String; 4] {
    [
        format!(r#"{{"error":{{"statusCode":{status},"message":"no","errorCode":{code}}}}}"#),
        format!(r#"{{"error":{{"statusCode":{status},"name":"Error","message":"no","errorCode":"{code}"}}}}"#),
        format!(r#"{{"error":{{"\u0065rrorCode":"{code}","additionalMessage":{{"errorCode":1}}}}}}"#),
        format!(r#"{{"error":{{"errorCode":1}},"\u0065rror":{{"errorCode":9,"errorCode":{code}}}}}"#),
    ]
}

const SESSION_EXPIRED: &str = r#"{"error":{"statusCode":400,"message":"Session Expired"}}"#;

#[test]
fn a_redirect_is_judged_first() {
    for status in [0, 200, 204, 301, 302, 307, 401, 408, 429, 503] {
        let redirected = Answer { redirected: true, ..answer(status, SESSION_EXPIRED) };
        let failure = failure(redirected);
        assert_eq!((failure.code, failure.status), (Code::Network, Some(status)));
        assert!(failure.retryable && failure.outcome_unknown);
    }
}

#[test]
fn the_statuses_5xx_429_and_408_are_judged_before_the_body() {
    for (status, code) in [
        (500, Code::Server),
        (501, Code::Server),
        (503, Code::Server),
        (599, Code::Server),
        (429, Code::RateLimited),
        (408, Code::Timeout),
    ] {
        fails(status, "", code);
        fails(status, SESSION_EXPIRED, code);
        for body in refusals(status, "1002") {
            fails(status, &body, code);
        }
    }
}

#[test]
fn a_challenge_of_the_cdn_has_its_own_message_whatever_its_status() {
    for status in [200, 304, 401, 403, 408, 429, 503] {
        for body in ["<html>", SESSION_EXPIRED, &refusals(status, "1002").concat()] {
            let challenged = Answer { mitigated: Some("challenge".to_owned()), ..answer(status, body) };
            let failure = failure(challenged);
            assert_eq!((failure.code, failure.detail, failure.status), (Code::Forbidden, CHALLENGED, Some(status)));
            assert!(!failure.retryable && !failure.outcome_unknown);
        }
    }
    let redirected = Answer { mitigated: Some("challenge".to_owned()), redirected: true, ..answer(503, "") };
    assert_eq!(failure(redirected).code, Code::Network);
    let served = Answer { mitigated: Some("none".to_owned()), ..answer(503, "") };
    assert_eq!(failure(served).code, Code::Server);
}

#[test]
fn a_403_with_another_10xx_is_about_the_caller() {
    for code in ["1000", "1001", "1011", "1099"] {
        for body in refusals(403, code) {
            fails(403, &body, Code::Forbidden);
        }
    }
}

#[test]
fn an_error_code_counts_in_a_4xx_only() {
    for body in refusals(200, "1002") {
        is_bad(answer(200, &body), "it has no data.accessToken");
        is_bad(answer(201, &body), "its status is not 200");
        fails(302, &body, Code::Network);
    }
}

#[test]
fn a_304_has_its_own_message() {
    let failure = failure(answer(304, ""));
    assert_eq!((failure.code, failure.status), (Code::Network, Some(304)));
    assert_eq!(failure.to_string(), "no answer came: it is a 304, which answers only a conditional request");
}

#[test]
fn a_refused_token_is_401_or_10xx_or_400_session_expired() {
    fails(401, "", Code::Unauthorized);
    fails(401, "<html>", Code::Unauthorized);
    fails(401, &refusals(401, "9001").concat(), Code::Unauthorized);
    for (status, codes) in [400, 402, 404, 422, 499]
        .map(|status| (status, &["1000", "1002", "1010", "1099"][..]))
        .into_iter()
        .chain([(403, &["1002", "1010"][..])])
    {
        for code in codes {
            for body in refusals(status, code) {
                fails(status, &body, Code::Unauthorized);
            }
        }
    }
    fails(400, SESSION_EXPIRED, Code::Unauthorized);
    fails(400, r#"{"error":{"message":"your session EXPIRED."}}"#, Code::Unauthorized);
}

#[test]
fn a_code_that_is_only_like_10xx_refuses_no_token() {
    for code in ["100", "10020", "1102", "2002", "-1002", "1002.0", "10e2"] {
        for body in refusals(400, code) {
            fails(400, &body, Code::Rejected);
        }
    }
    for body in [
        r#"{"error":{"errorCode":" 1002"}}"#,
        r#"{"error":{"errorCode":"10ab"}}"#,
        r#"{"error":{"errorCode":[1002]}}"#,
        r#"{"error":{"errorCode":1002,"errorCode":7}}"#,
        r#"{"error":{"errorCode":1002},"error":{}}"#,
        r#"{"error":{"errorCode":1002},"error":null}"#,
        r#"{"error":{"details":{"errorCode":1002}}}"#,
        r#"{"errorCode":1002}"#,
        r#"[{"error":{"errorCode":1002}}]"#,
        r#"{"error":{"errorCode":1002}"#,
    ] {
        fails(400, body, Code::Rejected);
    }
}

#[test]
fn session_expired_is_said_with_400_in_the_message() {
    for status in [402, 404, 410] {
        fails(status, SESSION_EXPIRED, Code::Rejected);
    }
    fails(403, SESSION_EXPIRED, Code::Forbidden);
    for body in [
        r#"{"message":"Session Expired"}"#,
        r#"{"error":"Session Expired"}"#,
        r#"{"error":{"name":"Session Expired"}}"#,
        r#"{"error":{"message":"Session Expired","message":"no"}}"#,
        r#"{"error":{"message":"Session  Expired"}}"#,
    ] {
        fails(400, body, Code::Rejected);
    }
}

#[test]
fn other_refusals_count_by_status() {
    for body in ["", "<html>", "{}", r#"{"error":{"message":"no","errorCode":9001}}"#] {
        fails(403, body, Code::Forbidden);
        for status in [400, 402, 404, 405, 410, 422, 499] {
            fails(status, body, Code::Rejected);
        }
        for status in [300, 301, 302, 303, 304, 307, 308, 399] {
            fails(status, body, Code::Network);
        }
        for status in [0, 100, 199, 201, 202, 204, 299, 600, 999] {
            is_bad(answer(status, body), "its status is not 200");
        }
    }
}

#[test]
fn a_good_body_has_the_token_below_data() {
    let token = good();
    for body in [
        format!(r#"{{"data":{{"accessToken":"{token}"}}}}"#),
        format!(" \r\n\t{{ \"data\" : {{ \"accessToken\" : \"{token}\" , \"more\" : [ {{}} ] }} , \"x\" : 1 }}\n"),
        format!(r#"{{"\u0064ata":{{"access\u0054oken":"{}"}}}}"#, token.replace('.', r"\u002e")),
        format!(r#"{{"data":{{"accessToken":" {token}\n"}}}}"#),
        format!(r#"{{"data":{{"accessToken":"old","accessToken":"{token}"}}}}"#),
        format!(r#"{{"data":null,"data":{{"accessToken":"{token}"}}}}"#),
        format!(r#"{{"data":{{"accessToken":"old"}},"data":{{"accessToken":"{token}"}}}}"#),
        format!(r#"{{"error":{{"errorCode":1002}},"data":{{"accessToken":"{token}"}}}}"#),
    ] {
        succeeds(&body);
    }
}

const TOO_LONG: &str = "it is longer than 64 KiB";

/// An answer of this many bytes, in characters of two bytes if they are `é`.
fn padded(bytes: usize, padding: &str) -> Answer {
    let granted = format!(r#"{{"data":{{"accessToken":"{}"}},"padding":""#, good());
    let room = bytes - granted.len() - "\"}".len();
    let spaces = " ".repeat(room % padding.len());
    answer(200, &[&granted, &padding.repeat(room / padding.len()), "\"}", &spaces].concat())
}

#[test]
fn a_body_has_64_kib_at_most_whatever_its_characters_take() {
    for padding in ["x", "é", "€", "😀"] {
        interpret_response(padded(65_536, padding), &old(), 0.0, NOW)
            .unwrap_or_else(|failure| panic!("{padding}: {failure}"));
        is_bad(padded(65_537, padding), TOO_LONG);
    }
}

#[test]
fn a_body_that_breaks_off_is_no_answer() {
    let [name, code] = ["TypeError", "UND_ERR_SOCKET"].map(|text| Some(text.to_owned()));
    let broken_by = Some([name.clone(), code.clone()]);
    let failure = failure(Answer { status: 200, broken_by, ..Answer::default() });
    assert_eq!((failure.code, failure.detail), (Code::Network, "its body broke off"));
    assert_eq!((failure.status, failure.cause), (Some(200), Some(Cause::Foreign(name, code))));
    assert!(failure.retryable && failure.outcome_unknown);
}

#[test]
fn the_content_of_a_text_that_is_too_long_is_ignored() {
    let refusal = r#"{"error":{"errorCode":1002}}"#;
    assert_eq!(failure(answer(400, refusal)).code, Code::Unauthorized);
    let failure = failure(answer(400, &format!("{refusal}{}", " ".repeat(MAX_BODY))));
    assert_eq!((failure.code, failure.error_code), (Code::Rejected, None));
}

#[test]
fn a_body_that_cannot_be_read_is_a_bad_response() {
    is_bad(Answer { status: 200, body: Body::TooLong, ..Answer::default() }, TOO_LONG);
    is_bad(Answer { status: 200, ..Answer::default() }, "it could not be read");
    let token = good();
    let valid = format!(r#"{{"data":{{"accessToken":"{token}"}}}}"#);
    for body in [
        "",
        "<html>",
        "null",
        "1",
        "\"\"",
        "[]",
        &format!("[{valid}]"),
        &format!("\u{feff}{valid}"),
        &format!("{valid},"),
        &format!("{valid}{valid}"),
        valid.trim_end_matches('}'),
        &valid.replace('"', "'"),
    ] {
        is_bad(answer(200, body), "it is not a JSON object");
    }
    let invalid_utf8 = Answer { body: Body::Whole([valid.as_bytes(), b"\xff"].concat()), ..answer(200, "") };
    is_bad(invalid_utf8, "it is not a JSON object");
}

#[test]
fn a_body_without_the_token_is_a_bad_response() {
    let token = good();
    for body in [
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"data":{"accessToken":["x"]}}"#,
        r#"{"data":{"accessToken":{"x":1}}}"#,
        &format!(r#"{{"accessToken":"{token}"}}"#),
        &format!(r#"{{"data":"{token}"}}"#),
        &format!(r#"{{"data":[{{"accessToken":"{token}"}}]}}"#),
        &format!(r#"{{"data":{{"data":{{"accessToken":"{token}"}}}}}}"#),
        &format!(r#"{{"data":{{"AccessToken":"{token}","access_token":"{token}"}}}}"#),
        // Of duplicates the last wins, at both levels.
        &format!(r#"{{"data":{{"accessToken":"{token}"}},"data":null}}"#),
        &format!(r#"{{"data":{{"accessToken":"{token}"}},"\u0064ata":{{}}}}"#),
        &format!(r#"{{"data":{{"accessToken":"{token}","accessToken":[]}}}}"#),
    ] {
        is_bad(answer(200, body), "it has no data.accessToken");
    }
}

#[test]
fn an_invalid_new_token_is_a_bad_response() {
    let partner = jwt(r#"{"exp":9999999999,"API_KEY":"k"}"#);
    let no_expiry = jwt(r#"{"sub":"jo@example.com"}"#);
    let bearer = format!("Bearer {}", good());
    for token in ["", " ", "null", "garbage", "a.b.c", &bearer, &partner, &no_expiry] {
        is_bad(granted(token), "its token is invalid");
    }
    let literal = |literal: &str| answer(200, &format!(r#"{{"data":{{"accessToken":{literal}}}}}"#));
    is_bad(literal(r#""\ud800""#), "its token is invalid");
    is_bad(literal("null"), "it has no data.accessToken");
    is_bad(literal("true"), "it has no data.accessToken");
    is_bad(literal("7"), "its token is invalid");
}

#[test]
fn an_error_code_that_is_null_counts_as_absent() {
    for literal in ["null", "true", "{}", "[1002]"] {
        let body = format!(r#"{{"error":{{"statusCode":500,"errorCode":{literal}}}}}"#);
        let failure = interpret_response(answer(500, &body), &old(), 0.0, NOW).expect_err("500 is a failure");
        assert_eq!(failure.error_code, None, "{literal}");
    }
}

#[track_caller]
fn follows(old: &str, new: &str, verdict: core::result::Result<(), &str>) {
    let judged = interpret_response(granted(&jwt(new)), &read(old), 0.0, NOW);
    assert_eq!(judged.map(|_| ()).map_err(|failure| failure.detail), verdict, "{old} {new}");
}

#[test]
fn a_new_token_differs_from_the_old_one_and_expires_no_earlier() {
    let old = r#"{"iat":1750329735,"exp":1752921735}"#;
    follows(old, r#"{"iat":1750329736,"exp":1752921736}"#, Ok(()));
    follows(old, r#"{"iat":1750329736,"exp":1752921735}"#, Ok(()));
    follows(old, r#"{"iat":1750329734,"exp":1752921735}"#, Ok(()));
    follows(old, r#"{"exp":1752921735}"#, Ok(()));
    follows(old, r#"{"iat":1750329736,"exp":1752921734.999}"#, Err("its token expires before the old one"));
    follows(old, r#"{"iat":1750329736,"exp":1752489736}"#, Err("its token expires before the old one"));
    follows(old, old, Err("its token is the old one"));
    is_bad(granted(&format!(" {} ", old_text())), "its token is the old one");
}

fn old_text() -> String {
    old().token.expose().to_owned()
}

#[test]
fn a_new_token_is_expired_at_its_expiry_plus_the_tolerance() {
    // The old token has expired already. So only the expiry of the new token decides here.
    let old = r#"{"iat":1749000000,"exp":1750000000}"#;
    follows(old, r#"{"exp":1752489735.001}"#, Ok(()));
    follows(old, r#"{"exp":1752489735}"#, Err("its token is expired already"));
    follows(old, r#"{"exp":1752489734}"#, Err("its token is expired already"));
    let late = || granted(&jwt(r#"{"exp":1752489735}"#));
    assert!(interpret_response(late(), &read(old), 1.0, NOW).is_ok());
    assert!(interpret_response(late(), &read(old), 1.0, NOW + 1.0).is_err());
}

#[test]
fn a_new_token_is_of_the_same_user() {
    const FOREIGN: core::result::Result<(), &str> = Err("its token is another user's");
    for (old, new, verdict) in [
        (r#""sub":"jo""#, r#""sub":"jo""#, Ok(())),
        (r#""sub":"jo""#, r#""sub":"j\u006f""#, Ok(())),
        (r#""sub":"jo""#, r#""sub":"ann","sub":"jo""#, Ok(())),
        (r#""sub":7"#, r#""sub":7"#, Ok(())),
        (r#""x":1"#, r#""y":1"#, Ok(())),
        (r#""x":{"sub":"jo"}"#, r#""x":{"sub":"ann"}"#, Ok(())),
        // The subjects differ, or only one of the tokens has a subject.
        (r#""sub":"jo""#, r#""sub":"ann""#, FOREIGN),
        (r#""sub":"jo""#, r#""sub":"Jo""#, FOREIGN),
        (r#""sub":"jo""#, r#""sub":"jo ""#, FOREIGN),
        (r#""sub":"jo""#, r#""sub":"jo","sub":"ann""#, FOREIGN),
        (r#""sub":"jo""#, r#""x":1"#, FOREIGN),
        (r#""x":1"#, r#""sub":"jo""#, FOREIGN),
        (r#""sub":"""#, r#""x":1"#, FOREIGN),
        (r#""x":1"#, r#""sub":null"#, FOREIGN),
        // The subjects look equal, but have different types.
        (r#""sub":7"#, r#""sub":"7""#, FOREIGN),
        (r#""sub":"null""#, r#""sub":null"#, FOREIGN),
        // An object or an array is equal to no other subject.
        (r#""sub":{"id":1}"#, r#""sub":{"id":1}"#, FOREIGN),
        (r#""sub":["jo"]"#, r#""sub":["jo"]"#, FOREIGN),
        (r#""sub":["jo"]"#, r#""sub":"jo""#, FOREIGN),
    ] {
        follows(&format!(r#"{{"exp":1752921735,{old}}}"#), &format!(r#"{{"exp":1752921736,{new}}}"#), verdict);
    }
}

#[test]
fn an_answer_says_whether_the_outcome_is_unknown_and_whether_to_retry() {
    for (status, outcome_unknown, retryable) in [
        (500, true, true),
        (501, true, false),
        (502, true, true),
        (503, true, true),
        (504, true, true),
        (505, true, false),
        (408, true, true),
        (302, true, true),
        (200, true, false),
        (204, true, false),
        (429, false, true),
        (400, false, false),
        (401, false, false),
        (403, false, false),
        (404, false, false),
        (425, false, false),
    ] {
        let failure = failure(answer(status, ""));
        assert_eq!((failure.outcome_unknown, failure.retryable), (outcome_unknown, retryable), "{status}");
        assert_eq!((failure.status, failure.attempts), (Some(status), 0));
    }
}

#[track_caller]
fn shows(error_code: &str, trace_id: &str, shown: (Option<&str>, Option<&str>)) {
    let body = format!(r#"{{"error":{{"errorCode":"{error_code}"}}}}"#);
    let answer = Answer { trace_id: Some(trace_id.to_owned()), ..answer(400, &body) };
    let failure = failure(answer);
    assert_eq!((failure.error_code.as_deref(), failure.trace_id.as_deref()), shown, "{error_code} {trace_id}");
}

#[test]
fn codes_and_trace_ids_are_shown_if_they_are_short_and_plain() {
    shows("KYC_1", "0af7651916cd-43dd", (Some("KYC_1"), Some("0af7651916cd-43dd")));
    let (sixteen, sixty_four) = ("A".repeat(16), "a".repeat(64));
    shows(&sixteen, &sixty_four, (Some(&sixteen), Some(&sixty_four)));
    for (code, trace) in [
        ("", ""),
        (&*"A".repeat(17), &*"a".repeat(65)),
        ("a-b", "a_b"),
        ("a b", "a b"),
        ("a.b", "a.b"),
        ("é", "é"),
        (r"a\nb", "a\nb"),
        (r"\ud800", "\u{fffd}"),
    ] {
        shows(code, trace, (None, None));
    }
    assert_eq!(failure(answer(400, r#"{"error":{"errorCode":-7}}"#)).error_code, None);
    assert_eq!(failure(answer(400, r#"{"error":{"errorCode":42}}"#)).error_code.as_deref(), Some("42"));
}

#[test]
fn an_echo_of_what_was_sent_is_not_shown() {
    let token = old_text();
    let piece = &token[6..14];
    for echo in [piece, &token[..16], "1750329735", "1752921735", "k3y-0f-the-partner", "the-partner", "example.com"] {
        shows(echo, echo, (None, None));
        let padded = format!("xx{echo}x");
        shows(&padded, &padded, (None, None));
    }
    // Seven characters in a row do not count as a part of a secret.
    shows("1750329", "partner", (Some("1750329"), Some("partner")));
}

#[test]
fn a_claim_of_a_new_token_is_not_shown_even_if_that_is_no_user_access_token() {
    for payload in [
        r#"{"exp":1752921735000,"mail":"n3wcomer"}"#,
        r#"{"mail":"n3wcomer"}"#,
        r#"{"API_KEY":"k","mail":"n\u0033wcomer"}"#,
        r#"{"mail":"n3wcomer""#,
    ] {
        let token = jwt(payload);
        for echo in ["n3wcomer", "xn3wcomer", "MailN3WComer"] {
            let body = format!(r#"{{"data":{{"accessToken":"{token}"}},"error":{{"errorCode":"{echo}"}}}}"#);
            let failure = failure(Answer { trace_id: Some(echo.to_owned()), ..answer(400, &body) });
            assert_eq!((failure.error_code, failure.trace_id), (None, None), "{echo} of {payload}");
        }
    }
}

#[test]
fn no_part_of_a_new_token_is_shown() {
    // Its signature differs from that of the old token.
    let token = jwt(r#"{"mail":"n3wcomerofthemonth","exp":1755081735}"#).replace(".c2lnbmF0", ".bmV3LXNp");
    for echo in ["bmV3LXNp", "xBMV3LXNPx", "n3wcomer", "ofthemonth", &token[10..18]] {
        let body = format!(r#"{{"data":{{"accessToken":"{token}"}},"error":{{"errorCode":"{echo}"}}}}"#);
        let failure = failure(Answer { trace_id: Some(echo.to_owned()), ..answer(400, &body) });
        assert_eq!((failure.error_code, failure.trace_id), (None, None), "{echo}");
    }
}

#[test]
fn a_token_hides_each_of_its_claims_whatever_was_read_before() {
    let payload = |tier: &str| format!(r#"{{"active":true,"tier":"{tier}","sub":"jo","exp":{EXPIRES}}}"#);
    let [token, other] = ["gold", "lead"].map(|tier| jwt(&payload(tier)));
    for before in [&token, &other, "no token", "e30.e30.s"] {
        let mut room = [b'x'; 256];
        let _ = (Claims::read(before.as_bytes(), &mut [0; 256]), Claims::read(before.as_bytes(), &mut room));
        let old = OldToken::read(&token, "").expect("a token");
        let thrown = no_answer(Code::Network, Some(&thrown("gold", "active")), &old);
        assert_eq!(thrown.cause, Some(Cause::Foreign(None, None)), "after {before}");
        let thrown = no_answer(Code::Network, Some(&[Some("lead".to_owned()), None]), &old);
        assert_eq!(thrown.cause, Some(Cause::Foreign(Some("lead".to_owned()), None)), "after {before}");
    }
}

fn thrown(name: &str, code: &str) -> Thrown {
    [name, code].map(|text| Some(text.to_owned()))
}

#[test]
fn the_name_and_code_of_a_thrown_error_are_shown_by_the_same_rule() {
    let socket = no_answer(Code::Network, Some(&thrown("TypeError", "UND_ERR_SOCKET")), &old());
    assert_eq!(socket.cause, Some(Cause::Foreign(Some("TypeError".to_owned()), Some("UND_ERR_SOCKET".to_owned()))));
    let echo = no_answer(Code::Network, Some(&thrown(&old_text()[..20], "k3y-0f-the-partner")), &old());
    assert_eq!(echo.cause, Some(Cause::Foreign(None, None)));
    for (code, retryable) in [(Code::Network, true), (Code::Timeout, true), (Code::BadResponse, false)] {
        let failure = no_answer(code, None, &old());
        assert!(failure.outcome_unknown && failure.cause.is_none() && failure.status.is_none());
        assert_eq!(failure.retryable, retryable, "{code:?}");
    }
}

#[test]
fn the_outcome_of_a_request_that_was_never_sent_is_known() {
    let is_unknown = |code: &str| no_answer(Code::Network, Some(&thrown("TypeError", code)), &old()).outcome_unknown;
    for code in [
        "ECONNREFUSED",
        "ConnectionRefused",
        "ENOTFOUND",
        "ERR_ACCESS_DENIED",
        "CERT_HAS_EXPIRED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
    ] {
        assert!(!is_unknown(code), "{code}");
    }
    for code in ["ECONNRESET", "UND_ERR_SOCKET", "EPIPE", "ETIMEDOUT", ""] {
        assert!(is_unknown(code), "{code}");
    }
}

#[track_caller]
fn waits(retry_after: &str, date: Option<f64>, expected: Option<f64>) {
    let answer = Answer { retry_after: Some(retry_after.to_owned()), retry_after_date: date, ..answer(429, "") };
    assert_eq!(failure(answer).retry_after_ms, expected, "{retry_after:?} {date:?}");
}

#[test]
fn retry_after_is_seconds() {
    waits("0", None, Some(0.0));
    waits(" 7\t", None, Some(7_000.0));
    waits("0120", None, Some(120_000.0));
    // A platform may parse this as a year. It is seconds.
    waits("2030", Some(1_893_456_000_000.0), Some(2_030_000.0));
    // A longer wait counts as a century.
    for huge in ["99999999999", &"9".repeat(400)] {
        waits(huge, None, Some(3_155_760_000_000.0));
    }
}

#[test]
fn retry_after_is_an_http_date() {
    const DATE: &str = "Wed, 21 Oct 2015 07:28:00 GMT";
    waits(DATE, Some(NOW + 30_000.0), Some(30_000.0));
    waits(DATE, Some(NOW - 30_000.0), Some(0.0));
    waits("Wednesday, 21-Oct-15 07:28:00 GMT ", Some(NOW + 1.0), Some(1.0));
    for nothing in [None, Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)] {
        waits(DATE, nothing, None);
    }
}

#[test]
fn retry_after_is_nothing_else() {
    for rubbish in ["", " ", "soon", "-1", "+1", "1.5", "1e3", "0x10", "7s", "1, 2", "٣", "Oct 21 2015", "2015-10-21"]
    {
        waits(rubbish, Some(NOW + 30_000.0), None);
    }
    assert_eq!(failure(answer(429, "")).retry_after_ms, None);
}

// Whether to ask again

/// Returns a failure after `attempts` attempts.
fn after(attempts: u32, retryable: bool, retry_after_ms: Option<f64>) -> Failure {
    let mut failure = Failure::new(Code::Server);
    (failure.attempts, failure.retryable, failure.retry_after_ms) = (attempts, retryable, retry_after_ms);
    failure
}

/// The largest random number.
const MOST: f64 = 0.999;

#[test]
fn attempts_end_with_the_retries() {
    for (retries, attempts, again) in [
        (0.0, 1, false),
        (1.0, 1, true),
        (1.0, 2, false),
        (2.0, 2, true),
        (2.0, 3, false),
        (1e300, 4_000_000_000, true),
    ] {
        let plan = Retries { retries, deadline: f64::INFINITY };
        assert_eq!(plan.wait_ms(&after(attempts, true, None), 0.0, NOW).is_some(), again, "{attempts} of {retries}");
        assert_eq!(plan.wait_ms(&after(attempts, false, None), 0.0, NOW), None);
    }
}

#[test]
fn the_back_off_doubles_from_half_a_second_to_eight_with_full_jitter() {
    let plan = Retries { retries: 1e9, deadline: f64::INFINITY };
    for (attempts, most) in
        [(0, 500.0), (1, 500.0), (2, 1_000.0), (3, 2_000.0), (5, 8_000.0), (6, 8_000.0), (u32::MAX - 1, 8_000.0)]
    {
        let failure = after(attempts, true, None);
        let wait = |random| plan.wait_ms(&failure, random, NOW);
        if attempts < 1_000_000_000 {
            assert_eq!((wait(0.0), wait(0.5), wait(MOST)), (Some(0.0), Some(most * 0.5), Some(most * MOST)));
        } else {
            assert_eq!(wait(0.5), None);
        }
    }
}

#[test]
fn retry_after_is_honoured_and_spread_up_to_a_minute() {
    let plan = Retries { retries: 2.0, deadline: f64::INFINITY };
    for (asked, random, expected) in [
        (0.0, MOST, Some(500.0 * MOST)),
        (100.0, MOST, Some(500.0 * MOST)),
        (7_000.0, 0.0, Some(7_000.0)),
        (7_000.0, MOST, Some(7_000.0 + 700.0 * MOST)),
        (60_000.0, 0.0, Some(60_000.0)),
        // The random addition is limited, here to less than a tenth of the wait.
        (60_000.0, MOST, Some(60_000.0 + 5_000.0 * MOST)),
        (60_001.0, 0.0, None),
        (3_155_760_000_000.0, 0.0, None),
    ] {
        assert_eq!(plan.wait_ms(&after(1, true, Some(asked)), random, NOW), expected, "{asked}");
    }
}

#[test]
fn no_wait_reaches_the_deadline() {
    let plan = Retries { retries: 9.0, deadline: NOW + 7_000.0 };
    assert_eq!(plan.wait_ms(&after(1, true, Some(6_999.0)), 0.0, NOW), Some(6_999.0));
    assert_eq!(plan.wait_ms(&after(1, true, Some(7_000.0)), 0.0, NOW), None);
    assert_eq!(plan.wait_ms(&after(5, true, None), MOST, NOW), None);
    assert_eq!(plan.wait_ms(&after(5, true, None), 0.5, NOW), Some(4_000.0));
    assert_eq!(plan.wait_ms(&after(1, true, None), 0.0, NOW + 7_000.0), None);
}

#[test]
fn a_failure_of_a_token_that_expired_meanwhile_asks_for_a_login() {
    let mut failed = failure(Answer { retry_after: Some("7".to_owned()), ..answer(503, "") });
    failed.attempts = 3;
    let mut expired = failed;
    expire_meanwhile(&mut expired);
    assert_eq!((expired.code, expired.action()), (Code::TokenExpired, Action::Login));
    assert_eq!(expired.cause, Some(Cause::Failure(Code::Server)));
    assert_eq!((expired.status, expired.attempts, expired.retry_after_ms), (Some(503), 3, Some(7_000.0)));
    assert!(expired.outcome_unknown && !expired.retryable);
}

#[test]
fn only_a_failure_that_may_pass_becomes_expired_if_the_token_has_expired() {
    let expires_at = f64::from(EXPIRES) * 1000.0;
    for (status, now, code) in [
        (503, expires_at + 300.0, Some(Code::TokenExpired)),
        (503, expires_at + 299.0, None),
        (403, expires_at + 300.0, None),
        (401, expires_at + 300.0, None),
    ] {
        let since = old().expired_since(&failure(answer(status, "")), 300.0, now);
        assert_eq!(since.map(|failure| failure.code), code, "{status} at {now}");
    }
}

#[test]
fn nothing_of_a_token_is_printed() {
    let printed = format!("{:?} {:?}", old(), interpret_response(granted(&good()), &old(), 0.0, NOW));
    for secret in [old_text(), good(), HEADERS.to_owned(), "jo@example.com".to_owned()] {
        assert!(!printed.contains(&secret));
    }
}
