//! Requests to the route, raw and in any order: who is let through, what an answer holds, and whose token is repeated to whom.

#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use transak_user_token::claims::Claims;
use transak_user_token::error::Code;
use transak_user_token::refresh::{Answer, Body, OldToken, interpret_response};
use transak_user_token::route::address::{Address, Network};
use transak_user_token::route::limit::{Limit, Limited, Limits, Verdict};
use transak_user_token::route::origin::Origins;
use transak_user_token::route::reply::{Outcome, Reply};
use transak_user_token::route::{Call, KEPT_MS, Key, NextStep, PATH, Policy, Route, Settled};

const APP: &str = "https://app.example.com";
const START: f64 = 1_752_489_735_000.0;
/// It expires five days after the start.
const GOOD: &str = "e30.eyJzdWIiOiJqb0BleGFtcGxlLmNvbSIsImV4cCI6MTc1MjkyMTczNX0.c2ln";
/// Its successor, as Transak gives it.
const NEW: &str = "e30.eyJzdWIiOiJqb0BleGFtcGxlLmNvbSIsImV4cCI6MTc1NTA4MTczNX0.TkV3LXNpZ19uYXR1cmU";
const STATUSES: &[u16] = &[200, 301, 304, 400, 401, 403, 404, 407, 408, 429, 500, 502, 503];
const METHODS: &[&str] = &["GET", "GET", "OPTIONS", "POST", "HEAD", "get"];
const URLS: &[&str] = &[PATH, "https://x", "/transak", "/..", "/%2e", "//", "?", "#", "\\", " ", "://", "@"];
const ORIGINS: &[&str] = &[APP, APP, "null", "https://evil.test", "http://app.example.com", ".", ":443", ",", " ", "/"];
const SITES: &[&str] = &["same-origin", "same-site", "cross-site", "none"];
const NAMES: &[&str] = &["authorization", "x-session", ",", " ", "*", "\r\n"];
const TOKENS: &[&str] = &[GOOD, " ", "Bearer ", "e30.eyJleHAiOjF9.e30", ".", "=", ","];
const HOPS: &[&str] = &["10.0.0.1", ", ", "203.0.113.7", "[::1]", ":80", "unknown", "::ffff:10.0.0.1", "2001:db8::7"];

fuzz_target!(|data: &[u8]| {
    let _: Result<()> = run(&mut Unstructured::new(data));
});

/// What is known of a route from outside.
struct World {
    route: Route,
    policy: Seen,
    now: f64,
    in_flight: HashMap<Key, u32>,
    /// The token that each key's request was answered with, and until when it may be repeated.
    granted: HashMap<Key, (String, f64)>,
    /// When each key's token was sent.
    sent: Vec<(Key, f64)>,
}

struct Seen {
    allow_server_calls: bool,
    allow_credentials: bool,
    is_limited: bool,
}

const TWO: Limit = Limit { max: 2.0, window_ms: 1_000.0 };

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let policy = Seen {
        allow_server_calls: input.arbitrary()?,
        allow_credentials: input.arbitrary()?,
        is_limited: input.arbitrary()?,
    };
    let limits = if policy.is_limited {
        Limits { per_address: Some(TWO), per_token: Some(TWO), refused: Some(TWO), ..Limits::default() }
    } else {
        Limits::NONE
    };
    let route = Route::new(Policy {
        origins: Origins::read(vec![APP.to_owned()]).expect("an origin"),
        allow_server_calls: policy.allow_server_calls,
        allow_credentials: policy.allow_credentials,
        trusted_proxies: vec![Network::read("10.0.0.0/8").expect("a network")],
        limits,
        ..Policy::default()
    });
    let mut world =
        World { route, policy, now: START, in_flight: HashMap::new(), granted: HashMap::new(), sent: Vec::new() };
    while !input.is_empty() {
        world.now += f64::from(input.arbitrary::<u16>()?);
        match input.int_in_range(0..=9)? {
            0..=2 => world.check(input)?,
            3..=5 => world.next_step(input)?,
            6 | 7 => world.settle(input)?,
            8 => world.fails(input)?,
            _ => world.finds_the_client(input)?,
        }
    }
    Ok(())
}

/// A text near those that matter.
fn near(input: &mut Unstructured<'_>, texts: &[&str]) -> Result<String> {
    let mut text = String::new();
    for _ in 0..input.int_in_range(1..=3)? {
        if input.ratio(1, 8)? { text.push(input.arbitrary()?) } else { text += input.choose(texts)? }
    }
    Ok(text)
}

fn maybe(input: &mut Unstructured<'_>, texts: &[&str]) -> Result<Option<String>> {
    if input.ratio(3, 4)? { near(input, texts).map(Some) } else { Ok(None) }
}

/// A text of Transak's: of its own, or with some of a token.
fn echo(input: &mut Unstructured<'_>, longest: usize) -> Result<String> {
    let own: String = input.arbitrary()?;
    let own = own.chars().filter(char::is_ascii_alphanumeric);
    let token = *input.choose(&["", GOOD, NEW])?;
    let from = input.int_in_range(0..=token.len())?;
    let to = input.int_in_range(from..=token.len())?;
    Ok(own.take(longest / 2).chain(token[from..to].chars()).take(longest).collect())
}

/// Of no token eight characters in a row stand in a text, in any case, with or without `-` and `_`.
#[track_caller]
fn hides(text: &str, tokens: &[&str]) {
    let normalized = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "").into_bytes();
    let text = normalized(text);
    for token in tokens {
        let is_part = |part: &[u8]| text.windows(part.len()).any(|own| own == part);
        assert!(!normalized(token).windows(8).any(is_part), "a part of {token} is shown");
    }
}

impl World {
    fn check(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let (method, url) = (*input.choose(METHODS)?, near(input, URLS)?);
        let (origin, site, wanted) = (maybe(input, ORIGINS)?, maybe(input, SITES)?, maybe(input, NAMES)?);
        let token = near(input, TOKENS)?;
        let (origin, site, wanted) = (origin.as_deref(), site.as_deref(), wanted.as_deref());
        let call = Call { method, url: &url, origin, site, wanted };
        let is_listed = call.origin == Some(APP);
        let may_ask =
            is_listed || call.origin.is_none() && (self.policy.allow_server_calls || call.site == Some("same-origin"));
        match self.route.check_request(&call, Ok(token.as_bytes()), &mut vec![0; token.len()], self.now) {
            Ok(()) => {
                assert!(method == "GET" && may_ask, "{call:?} is let through");
                let path = url.split(['?', '#']).next().unwrap_or_default();
                let goes_up = path.split('/').any(|part| part == "..");
                assert!(path.ends_with(PATH) && !goes_up && !path.contains('\\'), "{call:?} is let through");
                let claims = Claims::read(token.as_bytes(), &mut vec![0; token.len()]).expect("a token");
                assert!(!claims.is_expired(0.0, self.now));
            }
            Err(reply) => {
                assert!(matches!(reply.status, 204 | 401 | 403 | 404 | 405));
                assert!(reply.status != 204 || method == "OPTIONS" && may_ask);
                self.is_proper(&reply, call.origin, &[&token]);
            }
        }
        if self.route.admit(call.origin, Some(1), self.now).is_some_and(|reply| reply.status != 429) {
            panic!("what is too often is not told so");
        }
        Ok(())
    }

    /// An answer names no origin but a listed one, is never cached, and is JSON without a part of the request's tokens. What
    /// Transak says of somebody else's is not known here.
    fn is_proper(&self, reply: &Reply, origin: Option<&str>, tokens: &[&str]) {
        let value = |name| reply.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| &**value);
        let is_listed = origin == Some(APP);
        assert_eq!(value("access-control-allow-origin"), is_listed.then_some(APP));
        let allows_cookie = is_listed && self.policy.allow_credentials;
        assert_eq!(value("access-control-allow-credentials"), allows_cookie.then_some("true"));
        assert_eq!((value("cache-control"), value("vary")), (Some("no-store"), Some("Origin")));
        for (_, value) in &reply.headers {
            assert!(!value.contains(['\r', '\n', '\0']), "a header of two lines");
            hides(value, tokens);
        }
        if let Some(seconds) = value("retry-after") {
            assert!(seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0), "{seconds}");
        }
        if let Some(body) = &reply.body {
            serde_json::from_str::<serde_json::Value>(body).expect("a body is JSON");
            hides(body, tokens);
        }
    }

    fn next_step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let key = Key::from(input.int_in_range(0..=3_u8)?);
        let rate_limit_key = input.choose(&[None, Some(1), Some(2)])?;
        let kept = self.granted.get(&key).filter(|(_, until)| *until > self.now);
        match self.route.next_step(key, *rate_limit_key, self.now) {
            NextStep::Repeat(token) => {
                let (granted, _) = kept.expect("nothing to repeat");
                assert_eq!(token.expose(), granted, "another's token is repeated");
            }
            NextStep::Join(ticket) => assert_eq!(self.in_flight.get(&key), Some(&ticket), "another's request is joined"),
            NextStep::Send(ticket, _) => {
                assert!(kept.is_none(), "what is answered is sent again");
                assert!(self.in_flight.insert(key, ticket).is_none(), "two requests for one token");
                self.sent.push((key, self.now));
                // Fixed windows: at most two of them touch any stretch of a window's length.
                let recent = self.sent.iter().filter(|(other, at)| *other == key && self.now - at < TWO.window_ms);
                assert!(!self.policy.is_limited || recent.count() <= 4, "more than the limit");
            }
            NextStep::Limited(Limited { wait_ms, .. }) => {
                assert!(self.policy.is_limited && wait_ms > 0.0 && wait_ms <= 60_000.0, "{wait_ms}");
            }
        }
        Ok(())
    }

    fn settle(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let key = Key::from(input.int_in_range(0..=3_u8)?);
        let Some(ticket) = self.in_flight.remove(&key) else { return Ok(()) };
        let token = format!("{key}-{}", self.now);
        let expires_at = self.now + f64::from(input.int_in_range(1..=200_000_u32)?);
        let new = 100 + key;
        let (settled, since) = match input.int_in_range(0..=5)? {
            0 => (Settled::Failed(Verdict::Refused), None),
            1 => (Settled::Failed(Verdict::Answered), None),
            2 => (Settled::Failed(Verdict::Uncounted), None),
            3 => {
                let since = self.now - f64::from(input.arbitrary::<u16>()?) + 1_000.0;
                (Settled::Found(&token, new, expires_at, since), Some(since.min(self.now)))
            }
            _ => (Settled::Granted(&token, new, expires_at), Some(self.now)),
        };
        self.route.settle(ticket, settled, self.now);
        if let Some(since) = since {
            self.granted.insert(key, (token, expires_at.min(since + KEPT_MS)));
        }
        Ok(())
    }

    /// Transak gives no token, and may repeat what it was sent or has just issued.
    fn fails(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let old = OldToken::read(GOOD, "").expect("a token");
        let [code, trace_id] = [echo(input, 16)?, echo(input, 64)?];
        let said = serde_json::json!({ "data": { "accessToken": NEW }, "error": { "errorCode": code } });
        let answer = Answer {
            status: *input.choose(STATUSES)?,
            retry_after: input.arbitrary::<Option<u32>>()?.map(|seconds| seconds.to_string()),
            trace_id: Some(trace_id),
            body: Body::Whole(said.to_string().into_bytes()),
            ..Answer::default()
        };
        let Err(mut failure) = interpret_response(answer, &old, 0.0, START) else { return Ok(()) };
        if input.arbitrary()? {
            failure.code = *input.choose(Code::ALL)?;
        }
        let origin = maybe(input, ORIGINS)?;
        let reply = self.route.failed(origin.as_deref(), &failure);
        assert!(matches!(reply.status, 400..=599) && reply.status != 407, "{reply:?}");
        assert_eq!(reply.outcome, Outcome::Failed);
        self.is_proper(&reply, origin.as_deref(), &[GOOD, NEW]);
        Ok(())
    }

    fn finds_the_client(&self, input: &mut Unstructured<'_>) -> Result<()> {
        let (remote, forwarded) = (maybe(input, HOPS)?, maybe(input, HOPS)?);
        if let Some(found) = self.route.client(remote.as_deref(), forwarded.as_deref()) {
            assert_eq!(Address::read(&found.to_string()), Some(found));
            // An address that is no proxy is the client, whatever its headers say.
            if let Some(remote) = remote.as_deref().and_then(Address::read) {
                let is_proxy = remote.to_string().starts_with("10.");
                assert!(is_proxy || found == remote, "{remote} is taken for {found}");
            }
        }
        Ok(())
    }
}
