#![cfg_attr(not(target_arch = "wasm32"), expect(clippy::expect_used, clippy::panic, reason = "a test may panic"))]
#![cfg_attr(target_arch = "wasm32", expect(clippy::panic, reason = "a test may panic"))]

use core::time::Duration;

use super::limit::{Limit, Moment, Quota, REMEMBERED};
use super::*;

#[cfg(not(target_arch = "wasm32"))]
mod properties;

const NOW: f64 = 1_752_489_735_000.0;
const APP: &str = "https://app.example.com";
const URL: &str = "https://api.example.com/transak/api/v2/auth/refresh";
/// A token that expires five days from `NOW`.
const GOOD: &str = "e30.eyJzdWIiOiJqb0BleGFtcGxlLmNvbSIsImV4cCI6MTc1MjkyMTczNX0.c2ln";
/// The request of a page on the list.
const CALL: Call<'static> = Call { method: "GET", url: URL, origin: Some(APP), site: None, wanted: None };

fn route(limits: Limits) -> Route {
    let origins = Origins::read(vec![APP.to_owned()]).unwrap_or_default();
    Route::new(Policy { origins, limits, ..Policy::default() })
}

fn value<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| &**value)
}

#[track_caller]
fn status(call: Call<'_>, expected: Option<u16>) -> Option<Reply> {
    status_with(call, Ok(GOOD), expected)
}

#[track_caller]
fn status_with(call: Call<'_>, token: Result<&str, InvalidReason>, expected: Option<u16>) -> Option<Reply> {
    let reply = check(&route(Limits::NONE), &call, token);
    assert_eq!(reply.as_ref().map(|reply| reply.status), expected, "{call:?} {token:?}");
    reply
}

fn check(route: &Route, call: &Call<'_>, token: Result<&str, InvalidReason>) -> Option<Reply> {
    route.check_request(call, token.map(str::as_bytes), &mut [0; 256], NOW).err()
}

#[test]
fn every_request_but_the_refresh_and_its_preflight_is_404_or_405() {
    status(CALL, None);
    status(Call { url: "https://x/api/v2/auth/refresh?x=https://y/#z", ..CALL }, None);
    for url in [
        "https://x/",
        "https://x",
        "",
        "https://x/api/v2/auth/refresh/",
        "https://x/?/api/v2/auth/refresh",
        "https://x/API/v2/auth/refresh",
    ] {
        status(Call { url, ..CALL }, Some(404));
    }
    for method in ["POST", "HEAD", "get", "", "DELETE"] {
        let reply = status(Call { method, ..CALL }, Some(405));
        assert_eq!(reply.as_ref().and_then(|reply| value(reply, "allow")), Some("GET, OPTIONS"));
    }
}

#[test]
fn a_path_that_the_parser_would_write_in_another_way_is_404() {
    for start in ["", "/transak", "/a%20b/~x;y=1", "//a", "/.x/...", "/%2e%2e%2e"] {
        for before in ["", "https://x", "http://[::1]:8080"] {
            status(Call { url: &format!("{before}{start}/api/v2/auth/refresh?a=/../"), ..CALL }, None);
        }
    }
    for start in [
        "/transak/..",
        "/..",
        "/.",
        "/%2e",
        "/%2E%2e",
        "/a/.%2E/b",
        "/%2E.",
        "\\x",
        "/x\\..",
        "/a b",
        "/a\tb",
        "/é",
        "/\"",
        "/<a>",
        "/{a}",
        "/`",
        "/^",
        "?",
        "#",
        "/?x=https://y",
        "/#x://y",
    ] {
        for before in ["", "https://x", "http://[::1]:8080"] {
            status(Call { url: &format!("{before}{start}/api/v2/auth/refresh"), ..CALL }, Some(404));
        }
    }
    for url in ["*", "x/api/v2/auth/refresh", "api/v2/auth/refresh", "?x=https:///api/v2/auth/refresh"] {
        status(Call { url, ..CALL }, Some(404));
    }
}

#[test]
fn a_page_of_a_listed_origin_may_send_the_headers_that_it_asks_for() {
    for (wanted, allowed) in [
        (None, "authorization"),
        (Some("authorization"), "authorization"),
        (Some("authorization,x-session"), "authorization,x-session"),
        (Some("Authorization, X_Session2"), "Authorization, X_Session2"),
        (Some("*"), "authorization"),
        (Some("authorization\r\nset-cookie: a=b"), "authorization"),
        (Some("x-\u{e9}"), "authorization"),
    ] {
        let reply = status(Call { method: "OPTIONS", wanted, ..CALL }, Some(204));
        let reply = reply.unwrap_or_else(|| panic!("it is a preflight"));
        assert_eq!(value(&reply, "access-control-allow-headers"), Some(allowed), "{wanted:?}");
    }
}

#[test]
fn an_origin_that_is_not_on_the_list_is_refused() {
    let reply = status(Call { method: "OPTIONS", ..CALL }, Some(204)).unwrap_or_else(|| panic!("it is a preflight"));
    assert_eq!(value(&reply, "access-control-allow-origin"), Some(APP));
    assert_eq!(value(&reply, "access-control-allow-headers"), Some("authorization"));
    assert_eq!(value(&reply, "access-control-allow-credentials"), None);
    assert_eq!(value(&reply, "vary"), Some("Origin"));
    assert_eq!(reply.body, None);
    let others = [
        "null",
        "",
        "*",
        "https://app.example.com.evil.test",
        "https://app.example.com:443",
        "http://app.example.com",
        "HTTPS://APP.EXAMPLE.COM",
    ];
    for (&origin, method) in others.iter().flat_map(|origin| [(origin, "GET"), (origin, "OPTIONS"), (origin, "PUT")]) {
        let expected = if method == "PUT" { 405 } else { 403 };
        let reply = status(Call { origin: Some(origin), method, site: Some("same-origin"), ..CALL }, Some(expected));
        assert_eq!(reply.as_ref().and_then(|reply| value(reply, "access-control-allow-origin")), None);
    }
}

#[test]
fn without_an_origin_the_browser_must_say_same_origin() {
    status(Call { origin: None, site: Some("same-origin"), ..CALL }, None);
    for site in [None, Some("same-site"), Some("cross-site"), Some("none"), Some("same-origin, same-origin")] {
        status(Call { origin: None, site, ..CALL }, Some(403));
    }
    let open = Route::new(Policy { allow_server_calls: true, ..Policy::default() });
    assert_eq!(check(&open, &Call { origin: None, ..CALL }, Ok(GOOD)), None);
    assert_eq!(check(&open, &CALL, Ok(GOOD)).map(|reply| reply.status), Some(403));
}

#[test]
fn the_route_refuses_an_invalid_token_as_transak_would() {
    let both = format!("{GOOD}, {GOOD}");
    for token in [
        Err(InvalidReason::TooLong),
        Ok(""),
        Ok("x.y.z"),
        Ok("e30.eyJleHAiOjE3NTI0ODk3MzV9.c2ln"),
        Ok(&*both),
        Ok("Bearer e30.e30.e30"),
    ] {
        let reply = status_with(CALL, token, Some(401)).unwrap_or_else(|| panic!("{token:?}"));
        let body = reply.body.as_deref().unwrap_or_default();
        assert!(
            body.starts_with(r#"{"error":{"statusCode":401,"message":""#) && body.ends_with(r#"","errorCode":1002}}"#),
            "{body}"
        );
        assert_eq!(value(&reply, "access-control-allow-origin"), Some(APP));
        assert_eq!(value(&reply, "cache-control"), Some("no-store"));
    }
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    let read = |origin: &str| Origins::read(vec![origin.to_owned()]).is_some();
    for origin in [
        "https://a.example",
        "http://localhost:5173",
        "http://[::1]:80800",
        "capacitor://localhost",
        "chrome-extension://abcdef",
    ] {
        assert!(read(origin), "{origin}");
    }
    for origin in [
        "*",
        "null",
        "",
        "a.example",
        "https://",
        "https://a.example/",
        "https://*.example",
        "https://A.example",
        "https://a.example:443",
        "http://a:80",
        "https://u@a",
        "1a://b",
        "https://a b",
        "https://é.example",
    ] {
        assert!(!read(origin), "{origin}");
    }
}

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| Network::read(text).unwrap_or_else(|| panic!("{text}"))).collect()
}

#[test]
fn the_address_is_the_right_most_hop_that_is_no_trusted_proxy() {
    let trusted_proxies = networks(&["10.0.0.0/8", "192.0.2.7", "fd00::/8"]);
    let route = Route::new(Policy { trusted_proxies, ..Policy::default() });
    let cases = [
        (Some("203.0.113.7"), None, Some("203.0.113.7")),
        (Some("203.0.113.7"), Some("198.51.100.1"), Some("203.0.113.7")),
        (Some("10.1.2.3"), Some("198.51.100.1"), Some("198.51.100.1")),
        (Some("10.1.2.3"), Some("6.6.6.6, 198.51.100.1, 192.0.2.7"), Some("198.51.100.1")),
        (Some("::ffff:10.1.2.3"), Some("6.6.6.6,2001:db8::1"), Some("2001:db8::1")),
        (Some("10.1.2.3"), Some("10.0.0.1, 10.0.0.2"), Some("10.0.0.1")),
        (Some("10.1.2.3"), Some(" "), Some("10.1.2.3")),
        (Some("10.1.2.3"), Some("198.51.100.1:4711"), Some("198.51.100.1")),
        (Some("fd12::1"), Some("[2001:db8::1]:443"), Some("2001:db8::1")),
        (Some("10.1.2.3"), Some("[::ffff:198.51.100.1]"), Some("198.51.100.1")),
        (Some("10.1.2.3"), Some("unknown"), None),
        (Some("10.1.2.3"), Some("198.51.100.1, "), None),
        (Some("fe80::1%eth0"), None, Some("fe80::1")),
        (None, Some("198.51.100.1"), None),
        (Some(""), None, None),
        (Some("198.51.100.01"), None, None),
        (Some("198.51.100.1\r\nx: y"), None, None),
    ];
    for (remote, forwarded, expected) in cases {
        let found = route.client(remote, forwarded).map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{remote:?} {forwarded:?}");
    }
    for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "10.0.0/8", "loopback", "10.0.0.0/8/8"] {
        assert!(Network::read(text).is_none(), "{text}");
    }
    assert_eq!(address::client(Some("8.8.8.8"), Some("1.1.1.1"), &networks(&["0.0.0.0/0"])), Address::read("1.1.1.1"));
}

const A_SECOND: Option<Duration> = Some(Duration::from_secs(1));
const TWO: Option<Limit> = Some(Limit { max: 2.0, window_ms: 1000.0 });

#[test]
fn an_address_is_limited_by_its_rate_limit_key() {
    let mut route = route(Limits { per_address: TWO, ..Limits::NONE });
    let mut refused = |address: &str, now: f64| {
        let reply = route.admit(Some(APP), Address::read(address).map(Address::rate_limit_key), now)?;
        assert_eq!((reply.status, value(&reply, "access-control-allow-origin")), (429, Some(APP)));
        value(&reply, "retry-after").map(str::to_owned)
    };
    assert_eq!(refused("2001:db8::1", NOW), None);
    assert_eq!(refused("2001:db8::2", NOW), None);
    assert_eq!(refused("2001:db8::3", NOW + 1.0).as_deref(), Some("1"));
    assert_eq!(refused("2001:db8:0:1::3", NOW), None);
    assert_eq!(refused("2001:db8::3", NOW + 1000.0), None);
    for _ in 0..9 {
        assert_eq!(refused("no address", NOW), None);
    }
}

#[test]
fn requests_to_transak_are_limited_for_a_token_and_in_total() {
    let total = Some(Limit { max: 3.0, window_ms: 5000.0 });
    let mut route = route(Limits { per_token: TWO, total, ..Limits::NONE });
    let mut wait = |key, now| match route.next_step(key, None, now) {
        NextStep::Send(ticket, _) => {
            route.settle(ticket, Settled::Failed(Verdict::Answered), now);
            None
        }
        NextStep::Limited(Limited { wait_ms, reason: Reason::Limit }) => {
            Some(Duration::from_secs_f64(wait_ms / 1000.0))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!([wait(1, NOW), wait(1, NOW), wait(1, NOW + 400.0)], [None, None, Some(Duration::from_millis(600))]);
    assert_eq!([wait(2, NOW), wait(3, NOW + 4000.0), wait(1, NOW + 4000.0)], [None, A_SECOND, A_SECOND]);
    assert_eq!([wait(3, NOW + 5000.0), wait(1, NOW + 5000.0), wait(1, NOW - 9000.0)], [None; 3]);
}

#[test]
fn the_memory_is_bounded() {
    let mut route = route(Limits::default());
    for at in 0..u64::try_from(3 * REMEMBERED).unwrap_or_default() {
        let now = NOW + f64::from(u32::try_from(at).unwrap_or_default()) * 200.0;
        let address = Address::read(&format!("2001:db8:{:x}:{:x}::", at >> 16, at & 0xffff));
        let rate_limit_key = address.map(Address::rate_limit_key);
        route.admit(None, rate_limit_key, now);
        if let NextStep::Send(ticket, _) = route.next_step(Key::from(at), rate_limit_key, now) {
            let settled = match at % 2 {
                0 => Settled::Granted("e30.e30.e30", Key::from(at + (1 << 40)), now + 1e9),
                _ => Settled::Failed(Verdict::Refused),
            };
            route.settle(ticket, settled, now);
        }
    }
    assert_eq!(route.windows.remembered(), (REMEMBERED, REMEMBERED, REMEMBERED));
    assert!(route.kept.len() <= 301, "{} answers of the last minute", route.kept.len());
    assert_eq!((route.accepted.len(), route.in_flight.len()), (KEPT, 0));
}

#[test]
fn requests_with_one_token_share_one_and_its_answer_is_repeated() {
    let mut route = route(Limits::NONE);
    let NextStep::Send(first, false) = route.next_step(1, None, NOW) else { panic!("the first one is sent") };
    let NextStep::Send(other, false) = route.next_step(2, None, NOW) else { panic!("another token's too") };
    assert!(matches!(route.next_step(1, None, NOW + 9e9), NextStep::Join(ticket) if ticket == first));
    route.settle(first, Settled::Granted("new", 11, NOW + 9e9), NOW);
    route.settle(other, Settled::Failed(Verdict::Answered), NOW);
    route.settle(99, Settled::Granted("stray", 99, NOW + 9e9), NOW);
    assert!(
        matches!(route.next_step(1, None, NOW + KEPT_MS - 1.0), NextStep::Repeat(token) if token.expose() == "new")
    );
    assert!(matches!(route.next_step(2, None, NOW), NextStep::Send(_, false)));
    let NextStep::Send(again, true) = route.next_step(1, None, NOW + KEPT_MS) else {
        panic!("a minute later it is sent again")
    };
    // A short-lived answer is repeated as long as it lives.
    route.settle(again, Settled::Granted("short", 12, NOW + KEPT_MS + 10.0), NOW + KEPT_MS);
    assert!(matches!(route.next_step(1, None, NOW + KEPT_MS + 9.0), NextStep::Repeat(_)));
    assert!(matches!(route.next_step(1, None, NOW + KEPT_MS + 10.0), NextStep::Send(_, true)));
}

#[test]
fn an_answer_is_not_repeated_once_its_token_has_expired_whatever_was_kept_before() {
    let mut route = route(Limits::NONE);
    for (key, expires_at) in [(1, NOW + 9e9), (2, NOW + 10.0)] {
        let NextStep::Send(ticket, _) = route.next_step(key, None, NOW) else { panic!("it is the first one") };
        route.settle(ticket, Settled::Granted("new", key + 100, expires_at), NOW);
    }
    assert!(matches!(route.next_step(2, None, NOW + 9.0), NextStep::Repeat(_)));
    assert!(matches!(route.next_step(2, None, NOW + 10.0), NextStep::Send(..)));
}

#[test]
fn a_clock_that_is_set_back_repeats_no_answer_for_longer_than_a_minute() {
    for (asked_at, is_repeated) in [(NOW, true), (NOW - 1.0, false)] {
        let mut route = route(Limits::NONE);
        assert_eq!(try_token(&mut route, 1, None, Verdict::Answered, NOW), None);
        assert_eq!(matches!(route.next_step(1, None, asked_at), NextStep::Repeat(_)), is_repeated, "{asked_at}");
    }
}

#[test]
fn an_answer_of_another_process_is_repeated_for_what_is_left_of_its_minute() {
    let mut route = route(Limits::default());
    for (key, since, until) in [(1, NOW - 20_000.0, NOW + 40_000.0), (2, NOW + 5_000.0, NOW + KEPT_MS)] {
        let NextStep::Send(ticket, _) = route.next_step(key, None, NOW) else { panic!("it is sent") };
        route.settle(ticket, Settled::Found("new", 11, NOW + 9e9, since), NOW);
        assert!(matches!(route.next_step(key, None, until - 1.0), NextStep::Repeat(_)));
        assert!(matches!(route.next_step(key, None, until), NextStep::Send(..)));
    }
}

/// Sends a token from an address, and settles the request with `verdict`. Returns the refusal if the token is not sent.
fn try_token(route: &mut Route, key: Key, address: Option<Key>, verdict: Verdict, now: f64) -> Option<Limited> {
    match route.next_step(key, address, now) {
        NextStep::Send(ticket, _) => {
            let settled = match verdict {
                Verdict::Answered => Settled::Granted("new", key + (1 << 64), NOW + 9e9),
                other => Settled::Failed(other),
            };
            route.settle(ticket, settled, now);
            None
        }
        NextStep::Limited(limited) => Some(limited),
        other => panic!("{other:?}"),
    }
}

const ADDRESS: Option<Key> = Some(1 << 100);
const VICTIM: Option<Key> = Some(1 << 101);

#[test]
fn after_ten_refused_tokens_only_their_address_is_limited() {
    let mut route = route(Limits::default());
    for at in 0..10 {
        assert_eq!(try_token(&mut route, at, ADDRESS, Verdict::Refused, NOW), None);
    }
    let limited = try_token(&mut route, 10, ADDRESS, Verdict::Refused, NOW + 1000.0);
    assert_eq!(limited, Some(Limited { wait_ms: 59_000.0, reason: Reason::Address }));
    assert_eq!(try_token(&mut route, 11, VICTIM, Verdict::Answered, NOW + 1000.0), None);
    assert_eq!(try_token(&mut route, 12, ADDRESS, Verdict::Answered, NOW + 60_000.0), None);
}

#[test]
fn a_token_that_transak_has_accepted_is_served_whatever_its_address_does() {
    let mut route = route(Limits::default());
    let (old, new) = (100, 100 + (1 << 64));
    assert_eq!(try_token(&mut route, old, ADDRESS, Verdict::Answered, NOW), None);
    for at in 0..10 {
        try_token(&mut route, at, ADDRESS, Verdict::Refused, NOW + 1.0);
    }
    assert!(try_token(&mut route, 10, ADDRESS, Verdict::Answered, NOW + 1.0).is_some());
    assert!(matches!(route.next_step(old, ADDRESS, NOW + 1.0), NextStep::Repeat(_)), "it costs nothing");
    assert_eq!(try_token(&mut route, new, ADDRESS, Verdict::Refused, NOW + 1.0), None);
    assert!(try_token(&mut route, new, ADDRESS, Verdict::Refused, NOW + 2.0).is_some(), "it is accepted no more");
}

#[test]
fn a_burst_of_forged_tokens_from_ten_addresses_locks_nobody_else_out() {
    let mut route = route(Limits::default());
    let mut tickets = Vec::new();
    for at in 0..600 {
        match route.next_step(at, Some((at % 10) << 100), NOW) {
            NextStep::Send(ticket, _) => tickets.push(ticket),
            other => panic!("{at} {other:?}"),
        }
    }
    assert_eq!(try_token(&mut route, 1000, VICTIM, Verdict::Answered, NOW), None);
    for ticket in tickets {
        route.settle(ticket, Settled::Failed(Verdict::Refused), NOW + 100.0);
    }
    for at in 0..500 {
        assert_eq!(try_token(&mut route, 2000 + at, Some((at + 50) << 90), Verdict::Answered, NOW + 100.0), None);
    }
    assert!(try_token(&mut route, 3000, Some(0), Verdict::Answered, NOW + 100.0).is_some());
}

#[test]
fn a_burst_from_one_address_uses_no_more_of_the_total_than_its_limit_for_refusals() {
    let limit = |max| Some(Limit { max, window_ms: 60_000.0 });
    let mut route = route(Limits { refused: limit(2.0), total: limit(5.0), ..Limits::NONE });
    let mut sends = |key, address| matches!(route.next_step(key, Some(address), NOW), NextStep::Send(..));
    for (key, address) in [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (7, 3)] {
        assert!(sends(key, address), "{key} of {address}");
    }
    assert!(!sends(8, 3), "two of the first address, two of the second and one of the third are five");
}

#[test]
fn the_rest_of_a_burst_counts_in_the_total_once_it_is_answered() {
    let limit = |max| Some(Limit { max, window_ms: 60_000.0 });
    for (settled, fits) in [(Settled::Granted("new", 9, NOW + 9e9), false), (Settled::Failed(Verdict::Refused), true)] {
        let mut route = route(Limits { refused: limit(1.0), total: limit(2.0), ..Limits::NONE });
        assert!(matches!(route.next_step(1, Some(1), NOW), NextStep::Send(..)));
        let NextStep::Send(beyond, _) = route.next_step(2, Some(1), NOW) else { panic!("it fits") };
        route.settle(beyond, settled, NOW);
        assert_eq!(matches!(route.next_step(3, Some(2), NOW), NextStep::Send(..)), fits, "{settled:?}");
    }
}

#[test]
fn without_an_address_only_the_total_of_refusals_counts() {
    let mut route = route(Limits::default());
    for at in 0..300 {
        assert_eq!(try_token(&mut route, at, None, Verdict::Refused, NOW), None);
    }
    for address in [None, VICTIM] {
        let limited = try_token(&mut route, 1000, address, Verdict::Answered, NOW + 1000.0);
        assert_eq!(limited, Some(Limited { wait_ms: 59_000.0, reason: Reason::Limit }));
    }
    assert_eq!(try_token(&mut route, 1000, VICTIM, Verdict::Answered, NOW + 60_000.0), None);
}

#[test]
fn a_refusal_of_the_backend_itself_counts_against_nobody() {
    let mut route = route(Limits { per_token: None, ..Limits::default() });
    for code in [Code::Forbidden, Code::Rejected] {
        for at in 0..1000 {
            assert_eq!(try_token(&mut route, at, ADDRESS, Verdict::of(code), NOW), None, "{code:?}");
        }
    }
    for code in [Code::Server, Code::Network, Code::Timeout, Code::RateLimited, Code::BadResponse] {
        assert_eq!(Verdict::of(code), Verdict::Answered, "{code:?}");
    }
    assert_eq!(Verdict::of(Code::Unauthorized), Verdict::Refused);
}

#[test]
fn the_option_limiter_replaces_the_counts_of_the_route() {
    let policy = Policy { counter: Counter::Elsewhere, limits: Limits::default(), ..Policy::default() };
    let mut route = Route::new(policy);
    for at in 0..1000 {
        assert!(route.admit(None, ADDRESS, NOW).is_none());
        assert_eq!(try_token(&mut route, at, ADDRESS, Verdict::Refused, NOW), None);
    }
    let names = |moment| {
        let quotas = route.limits().quotas(moment).into_iter();
        quotas.map(|quota| format!("{} {}", quota.name, quota.cost)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(names(Moment::Admit), "perAddress 1");
    assert_eq!(names(Moment::Send), "refused 0, refusedTotal 0, total 0, perToken 1");
    assert_eq!(names(Moment::Settled(Verdict::Refused)), "refused 1, refusedTotal 1");
    assert_eq!(names(Moment::Settled(Verdict::Answered)), "total 1");
    assert_eq!(names(Moment::Settled(Verdict::Uncounted)), "");
}

#[test]
fn a_limiter_of_the_users_own_gets_each_limit_of_the_options_and_the_reason_of_its_refusal() {
    let limit = |max| Some(Limit { max, window_ms: max * 1000.0 });
    let given = |limits, moment| {
        let route = Route::new(Policy { counter: Counter::Elsewhere, limits, ..Policy::default() });
        let quotas = route.limits().quotas(moment).into_iter();
        quotas.map(|Quota { name, reason, limit, .. }| (name, reason, limit.max, limit.window_ms)).collect::<Vec<_>>()
    };
    let all = Limits {
        per_address: limit(1.0),
        per_token: limit(2.0),
        refused: limit(3.0),
        refused_total: limit(4.0),
        total: limit(5.0),
    };
    let refused = ("refused", Reason::Address, 3.0, 3000.0);
    let refused_total = ("refusedTotal", Reason::Limit, 4.0, 4000.0);
    let total = ("total", Reason::Limit, 5.0, 5000.0);
    for (moment, expected) in [
        (Moment::Admit, vec![("perAddress", Reason::Address, 1.0, 1000.0)]),
        (Moment::Send, vec![refused, refused_total, total, ("perToken", Reason::Limit, 2.0, 2000.0)]),
        (Moment::Settled(Verdict::Refused), vec![refused, refused_total]),
        (Moment::Settled(Verdict::Answered), vec![total]),
    ] {
        assert_eq!(given(all, moment), expected, "{moment:?}");
        assert_eq!(given(Limits::NONE, moment), [], "{moment:?} without limits");
    }
}

/// Returns what is reported after requests from these addresses with these `x-forwarded-for`.
fn told(policy: Policy, requests: impl IntoIterator<Item = (Option<Key>, Option<Key>)>) -> Vec<Misconfigured> {
    let mut route = Route::new(policy);
    for (remote, forwarded) in requests {
        if route.watches_proxies() {
            route.watch(remote, forwarded);
        }
    }
    core::iter::from_fn(|| route.misconfigured()).collect()
}

#[test]
fn a_proxy_that_no_option_names_is_reported_once_after_twenty_requests() {
    let behind = |count: u32| (0..count).map(|at| (Some(1), Some(Key::from(at / 2))));
    assert_eq!(told(Policy::default(), behind(19)), []);
    assert_eq!(told(Policy::default(), behind(20)), [Misconfigured::Proxy]);
    assert_eq!(told(Policy::default(), behind(100)), [Misconfigured::Proxy]);
    assert_eq!(told(Policy::default(), (0..100).map(|_| (Some(1), Some(7)))), [], "one client behind it");
    assert_eq!(told(Policy::default(), (0..100).map(|at| (Some(at), Some(at)))), [], "many addresses");
    assert_eq!(told(Policy::default(), (0..100).map(|at| (None, Some(at)))), [], "no address");
    assert_eq!(told(Policy::default(), (0..100).map(|at| (Some(1), (at % 5 > 0).then_some(at)))), [], "no proxy");
    assert_eq!(told(Policy { finds_address: true, ..Policy::default() }, behind(100)), []);
    assert_eq!(told(Policy { trusted_proxies: networks(&["10.0.0.0/8"]), ..Policy::default() }, behind(100)), []);
}

#[test]
fn a_proxy_is_looked_for_in_twenty_requests_at_most_and_in_none_if_the_options_name_one() {
    let looked_at = |policy, requests: &dyn Fn(Key) -> (Option<Key>, Option<Key>)| {
        let mut route = Route::new(policy);
        let mut count = 0;
        for (remote, forwarded) in (0..100).map(requests) {
            if route.watches_proxies() {
                count += 1;
                route.watch(remote, forwarded);
            }
        }
        count
    };
    let behind = |at| (Some(1), Some(at));
    assert_eq!(looked_at(Policy::default(), &behind), 20);
    assert_eq!(looked_at(Policy::default(), &|_| (Some(1), Some(7))), 20, "one client behind it");
    assert_eq!(looked_at(Policy::default(), &|at| (Some(at / 5), Some(at))), 6, "the sixth has another address");
    assert_eq!(looked_at(Policy::default(), &|at| (Some(1), (at < 3).then_some(at))), 4, "the fourth has no header");
    assert_eq!(looked_at(Policy::default(), &|at| (None, Some(at))), 100, "no address");
    assert_eq!(looked_at(Policy { finds_address: true, ..Policy::default() }, &behind), 0);
    assert_eq!(looked_at(Policy { trusted_proxies: networks(&["10.0.0.0/8"]), ..Policy::default() }, &behind), 0);
}

#[test]
fn ten_different_tokens_refused_in_a_row_are_reported_once() {
    let told = |verdicts: &[(Key, Verdict)]| {
        let mut route = route(Limits::NONE);
        for (key, verdict) in verdicts {
            try_token(&mut route, *key, None, *verdict, NOW);
        }
        core::iter::from_fn(|| route.misconfigured()).collect::<Vec<_>>()
    };
    let refused = |count: Key| (0..count).map(|key| (key, Verdict::Refused)).collect::<Vec<_>>();
    assert_eq!(told(&refused(9)), []);
    assert_eq!(told(&refused(10)), [Misconfigured::Refused]);
    assert_eq!(told(&refused(50)), [Misconfigured::Refused]);
    assert_eq!(told(&[(1, Verdict::Refused); 50]), [], "one token");
    assert_eq!(told(&[&refused(9)[..], &[(99, Verdict::Answered)], &refused(9)].concat()), [], "a success");
    assert_eq!(
        told(&[&refused(9)[..], &[(99, Verdict::Uncounted), (9, Verdict::Refused)]].concat()),
        [Misconfigured::Refused]
    );
}

#[test]
fn a_rate_limit_key_is_written_as_an_address_or_a_range() {
    for (address, written) in [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ] {
        assert_eq!(Address::read(address).map(Address::rate_limit_text).as_deref(), Some(written));
    }
}

#[test]
fn a_page_may_send_its_cookie_only_if_that_is_allowed() {
    for (allow_credentials, expected) in [(true, Some("true")), (false, None)] {
        let origins = Origins::read(vec![APP.to_owned()]).unwrap_or_default();
        let route = Route::new(Policy { origins, allow_credentials, ..Policy::default() });
        let header = |reply: Option<Reply>| {
            reply.and_then(|reply| value(&reply, "access-control-allow-credentials").map(str::to_owned))
        };
        assert_eq!(header(check(&route, &Call { method: "OPTIONS", ..CALL }, Ok(GOOD))).as_deref(), expected);
        assert_eq!(header(check(&route, &CALL, Ok("x"))).as_deref(), expected);
        assert_eq!(header(check(&route, &Call { origin: Some("https://evil.test"), ..CALL }, Ok(GOOD))), None);
    }
}

/// Checks the status and the error code that the page gets for a failure of Transak.
#[track_caller]
fn answers(code: Code, status: Option<u16>, error_code: Option<&str>, expected: u16, in_body: &str) {
    let mut failure = Failure::new(code);
    (failure.status, failure.error_code) = (status, error_code.map(str::to_owned));
    (failure.retry_after_ms, failure.trace_id) = (Some(1200.0), Some("trace-1".to_owned()));
    let reply = route(Limits::NONE).failed(Some(APP), &failure);
    let body = reply.body.as_deref().unwrap_or_default();
    assert_eq!(reply.status, expected, "{code:?} {status:?} {error_code:?}");
    assert!(body.starts_with(&format!(r#"{{"error":{{"statusCode":{expected},"message":""#)), "{body}");
    assert!(body.ends_with(&format!("\"{in_body}}}}}")), "{body}");
    assert_eq!((value(&reply, "trace-id"), value(&reply, "retry-after")), (Some("trace-1"), Some("2")));
    assert_eq!(value(&reply, "access-control-expose-headers"), Some("trace-id, retry-after"));
    assert_eq!((reply.outcome, reply.code), (Outcome::Failed, Some(code)));
    let reason = if code == Code::Timeout { Reason::Timeout } else { Reason::Upstream };
    assert_eq!(reply.reason, Some(reason));
}

#[test]
fn a_refusal_of_the_token_is_a_401_whatever_its_body() {
    for status in [400, 401, 404, 422] {
        answers(Code::Unauthorized, Some(status), None, 401, r#","errorCode":1002"#);
        answers(Code::Unauthorized, Some(status), Some("1002"), 401, r#","errorCode":1002"#);
        answers(Code::Unauthorized, Some(status), Some("1010"), 401, r#","errorCode":1010"#);
        answers(Code::Unauthorized, Some(status), Some("E_9001"), 401, r#","errorCode":"E_9001""#);
    }
}

#[test]
fn a_refusal_of_this_server_is_a_502_with_retry_after_of_a_minute() {
    for (detail, message) in [
        ("", "Transak refused this server: its address or its api key"),
        ("the CDN's bot protection refused this client", "The bot protection of Transak's CDN refused this server"),
    ] {
        for status in [403, 429, 503] {
            let mut failure = Failure::new(Code::Forbidden);
            (failure.status, failure.detail, failure.retry_after_ms) = (Some(status), detail, Some(7000.0));
            let reply = route(Limits::NONE).failed(Some(APP), &failure);
            assert_eq!((reply.status, value(&reply, "retry-after")), (502, Some("60")));
            assert!(reply.body.is_some_and(|body| body.contains(message)));
        }
    }
}

#[test]
fn a_failure_is_answered_in_the_apis_shape() {
    answers(Code::TokenExpired, None, None, 401, r#","errorCode":1002"#);
    answers(Code::Rejected, Some(422), Some("9001"), 422, r#","errorCode":9001"#);
    answers(Code::Rejected, Some(407), Some("007"), 400, r#","errorCode":"007""#);
    answers(Code::RateLimited, Some(429), Some("E_RATE"), 429, r#","errorCode":"E_RATE""#);
    answers(Code::Server, Some(503), None, 503, "");
    answers(Code::Server, Some(999), None, 502, "");
    answers(Code::Network, None, None, 502, "");
    answers(Code::BadResponse, Some(200), None, 502, "");
    answers(Code::Timeout, Some(408), None, 504, "");
    answers(Code::Internal, None, None, 500, "");
}

#[test]
fn a_function_of_the_options_that_fails_or_is_late_has_its_own_answer() {
    let route = route(Limits::NONE);
    for (is_late, of, status, reason) in [
        (true, Some(Reason::Authorize), 503, Some(Reason::Timeout)),
        (false, Some(Reason::Authorize), 500, Some(Reason::Authorize)),
        (false, None, 500, None),
    ] {
        let reply = route.cors(Some(APP)).unserved(is_late, of);
        assert_eq!((reply.status, reply.outcome, reply.reason), (status, Outcome::Failed, reason));
    }
}

#[test]
fn each_failure_of_transak_has_its_own_message() {
    let route = route(Limits::NONE);
    let told = |code| {
        let body = route.failed(None, &Failure::new(code)).body.unwrap_or_default();
        body.split('"').skip_while(|part| *part != "message").nth(2).unwrap_or_default().to_owned()
    };
    let [rejected, limited] = [Code::Rejected, Code::RateLimited];
    let codes = [Code::Forbidden, rejected, limited, Code::Server, Code::Network, Code::Timeout, Code::BadResponse];
    let mut all: Vec<_> = codes.into_iter().map(told).collect();
    assert!(all.iter().all(|told| told.starts_with("Transak ")), "{all:?}");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), codes.len(), "{all:?}");
    assert!(!told(Code::Internal).contains("Transak"), "it is this server's own fault");
}

#[test]
fn an_event_has_the_declared_names() {
    const DECLARED: &str = include_str!("../../pkg-template/types/server.d.ts");
    #[track_caller]
    fn are_declared(field: &str, names: &[&str]) {
        let line = DECLARED.lines().find_map(|line| line.trim().strip_prefix(field)).unwrap_or_default();
        let declared: Vec<_> = line.split(" | ").map(|name| name.trim_matches('\'')).collect();
        assert!(declared.starts_with(names), "{names:?} of {declared:?}");
    }
    let refused = [Outcome::Preflight, Outcome::Refused, Outcome::Limited, Outcome::Failed];
    let outcomes = [&[Outcome::Refreshed, Outcome::Shared, Outcome::Repeated], &refused[..]].concat();
    are_declared("outcome: ", &outcomes.into_iter().map(Outcome::as_str).collect::<Vec<_>>());
    let here = [Reason::Origin, Reason::Authorize, Reason::Token, Reason::Address, Reason::Limit];
    let reasons = [&here[..], &[Reason::Upstream, Reason::Timeout]].concat().into_iter().map(Reason::as_str);
    let misconfigured = [Misconfigured::Proxy, Misconfigured::Refused].map(Misconfigured::as_str);
    are_declared("reason?: ", &reasons.chain(misconfigured).collect::<Vec<_>>());
}

#[test]
fn an_answer_to_too_many_requests_says_when_to_come_again() {
    let per_address = Some(Limit { max: 1.0, window_ms: 60_000.0 });
    let mut route = route(Limits { per_address, ..Limits::NONE });
    assert_eq!(route.admit(Some(APP), ADDRESS, NOW), None);
    let reply = route.admit(Some(APP), ADDRESS, NOW + 500.0).unwrap_or_else(|| panic!("it is one too many"));
    assert_eq!((reply.status, reply.outcome, reply.reason), (429, Outcome::Limited, Some(Reason::Address)));
    assert_eq!(value(&reply, "retry-after"), Some("60"));
}

#[test]
fn every_message_of_the_route_needs_no_escape_in_json() {
    let plain = |text: &str| !text.contains(['"', '\\']) && !text.contains(char::is_control);
    assert!(Code::ALL.iter().all(|code| plain(code.about())));
    assert!(InvalidReason::ALL.iter().all(|reason| plain(reason.about())));
}
