//! For any request: which ones the route must never let through, and what an answer must never hold.

use proptest::prelude::*;

use super::*;

/// Texts near those that matter.
fn near(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let some = prop::sample::select(texts);
    prop_oneof![
        4 => some.clone().prop_map(str::to_owned),
        1 => (some.clone(), some).prop_map(|(one, other)| format!("{one}{other}")),
        1 => any::<String>(),
    ]
}

proptest! {
    #[test]
    fn no_other_origin_is_let_through_or_named(
        method in near(&["GET", "OPTIONS", "POST", "HEAD"]),
        url in near(&["https://x", "/api/v2/auth/refresh", "https://x/api/v2/auth/refresh", "?", "#"]),
        origin in prop::option::of(near(&[APP, "null", "https://evil.test", ",", "."])),
        site in prop::option::of(near(&["same-origin", "cross-site", "none"])),
        wanted in prop::option::of(near(&["authorization", "x-session", ",", "\r\n", "*"])),
        token in near(&["e30.e30.e30", ".", "Bearer ", "e30.eyJleHAiOjF9.e30"]),
    ) {
        let (from, site, names) = (origin.as_deref(), site.as_deref(), wanted.as_deref());
        let call = Call { method: &method, url: &url, origin: from, site, wanted: names };
        let reply = check(&route(Limits::NONE), &call, Ok(&token));
        let is_listed = origin.as_deref() == Some(APP);
        match reply {
            None => prop_assert!(method == "GET" && (is_listed || origin.is_none() && site == Some("same-origin"))),
            Some(reply) => {
                prop_assert!(matches!(reply.status, 204 | 401 | 403 | 404 | 405));
                prop_assert_eq!(value(&reply, "access-control-allow-origin"), is_listed.then_some(APP));
                let names = value(&reply, "access-control-allow-headers").unwrap_or_default();
                prop_assert!(!names.contains(['\r', '\n', '*']));
                if let Some(body) = reply.body {
                    serde_json::from_str::<serde_json::Value>(&body).expect("a body is JSON");
                }
            }
        }
    }

    #[test]
    fn an_address_is_one_or_none(remote in any::<Option<String>>(), hops in near(&["10.0.0.1", ", ", "203.0.113.7", "[::1]", ":80", "unknown"])) {
        let trusted = networks(&["10.0.0.0/8"]);
        for remote in [remote.as_deref(), Some("10.0.0.1"), Some("203.0.113.9")] {
            if let Some(address) = address::client(remote, Some(&hops), &trusted) {
                prop_assert_eq!(Address::read(&address.to_string()), Some(address));
                if remote == Some("203.0.113.9") {
                    prop_assert_eq!(address.to_string(), "203.0.113.9");
                }
            }
        }
    }

    #[test]
    fn a_window_never_holds_more_than_its_limit(steps in prop::collection::vec((0_u32..3, 0_u32..400), 1..200)) {
        let mut route = route(Limits { per_token: TWO, total: Some(Limit { max: 3.0, window_ms: 1000.0 }), ..Limits::NONE });
        let (mut now, mut sent) = (NOW, Vec::new());
        for (key, wait) in steps {
            now += f64::from(wait);
            match route.next_step(key.into(), None, now) {
                NextStep::Send(ticket, _) => {
                    route.settle(ticket, Settled::Failed(Verdict::Answered), now);
                    sent.push((key, now));
                }
                NextStep::Limited(Limited { wait_ms, .. }) => prop_assert!(wait_ms > 0.0 && wait_ms <= 1000.0),
                other => prop_assert!(false, "{:?}", other),
            }
            // The windows are fixed. So any second overlaps at most two of them.
            let recent = sent.iter().filter(|(_, at)| now - at < 1000.0);
            prop_assert!(recent.clone().count() <= 6);
            prop_assert!(recent.filter(|(other, _)| *other == key).count() <= 4);
        }
    }
}
