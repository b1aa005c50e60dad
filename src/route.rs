//! The backend route: which requests of browsers and servers it passes on to Transak, and what it answers.
//!
//! A request comes in as plain data and a [`Reply`] goes out. The caller awaits `authorize`, sends the requests to Transak, and
//! reports how they have settled. Time and hash keys are arguments. The only state is bounded: the windows of the limits, the kept
//! answers, and the requests in flight.

pub mod address;
pub mod fleet;
pub mod limit;
mod lru;
pub mod origin;
pub mod reply;
pub mod watch;

use address::{Address, Network};
use limit::{Counted, Limited, Limits, Sending, Verdict, Windows};
use lru::Lru;
use origin::Origins;
use reply::{Cors, Outcome, Reason, Reply};
use watch::{Misconfigured, Watch};

use crate::claims::Claims;
use crate::error::{Code, Failure, InvalidReason};
use crate::secret::Secret;

/// The path of the call below the mount, from the API's reference.
pub const PATH: &str = "/api/v2/auth/refresh";

/// How long an answer is kept for a client that lost it, in milliseconds.
pub const KEPT_MS: f64 = 60_000.0;

/// How many answers are kept at most.
const KEPT: usize = 10_000;

/// Who may call the route, and how often.
#[derive(Debug, Default)]
pub struct Policy {
    /// The origins whose pages may call the route.
    pub origins: Origins,
    /// Whether a request that does not come from a page is accepted.
    pub allow_server_calls: bool,
    /// The proxies whose `x-forwarded-for` the route trusts.
    pub trusted_proxies: Vec<Network>,
    /// The limits.
    pub limits: Limits,
    /// Who counts for the limits.
    pub counter: Counter,
    /// Whether a page of a listed origin may send its cookie.
    pub allow_credentials: bool,
    /// Whether the option `userIp` finds the end user's address.
    pub finds_address: bool,
}

/// Who counts for the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counter {
    /// This route.
    #[default]
    Here,
    /// The option `limiter`.
    Elsewhere,
}

impl Policy {
    /// Returns the limits that this route counts.
    fn counted(&self) -> Limits {
        match self.counter {
            Counter::Here => self.limits,
            Counter::Elsewhere => Limits::NONE,
        }
    }
}

/// The parts of a request that matter.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The target of the request line, or the URL as the WHATWG's parser writes it.
    pub url: &'a str,
    /// The `origin` header.
    pub origin: Option<&'a str>,
    /// The `sec-fetch-site` header, which no page can forge.
    pub site: Option<&'a str>,
    /// The `access-control-request-headers` header of a preflight: the names of the headers that a page wants to send.
    pub wanted: Option<&'a str>,
}

/// The hash of a token, or of an address' [rate-limit key](Address::rate_limit_key), with a secret seed. So the route does not keep the
/// token itself, and nobody can make two tokens with the same hash.
pub type Key = u128;

/// What to do for a request that may be passed on.
#[derive(Debug)]
pub enum NextStep {
    /// Answer with the token that an earlier request with the same token got.
    Repeat(Secret),
    /// Wait for the in-flight request that has this ticket.
    Join(u32),
    /// Send a request, and [settle](Route::settle) this ticket when there is an answer. The flag says whether
    /// the token was accepted before.
    Send(u32, bool),
    /// Refuse it.
    Limited(Limited),
}

/// An answer that is kept for clients that send the same token again.
#[derive(Debug)]
struct Kept {
    token: Secret,
    until: f64,
}

/// An in-flight request. A search looks at all of them: two thousand take a microsecond.
#[derive(Debug)]
struct InFlight {
    ticket: u32,
    key: Key,
    rate_limit_key: Option<Key>,
    counted: Counted,
}

/// How a request has settled.
#[derive(Clone, Copy, Debug)]
pub enum Settled<'a> {
    /// Transak gave a token: the token, its hash, and when it expires.
    Granted(&'a str, Key, f64),
    /// Transak gave a token to another process: the token, its hash, when it expires, and when the process got it.
    Found(&'a str, Key, f64, f64),
    /// There is no token.
    Failed(Verdict),
}

/// The route: its policy, and what it remembers.
#[derive(Debug)]
pub struct Route {
    policy: Policy,
    windows: Windows,
    kept: Lru<Kept>,
    /// The tokens that Transak has accepted or given.
    accepted: Lru<()>,
    watch: Watch,
    in_flight: Vec<InFlight>,
    tickets: u32,
}

impl Route {
    /// Makes a route that remembers nothing yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let mut watch = Watch::default();
        if policy.finds_address || !policy.trusted_proxies.is_empty() {
            watch.trusts();
        }
        let (kept, accepted) = (Lru::new(KEPT), Lru::new(KEPT));
        Self { policy, windows: Windows::default(), kept, accepted, watch, in_flight: Vec::new(), tickets: 0 }
    }

    /// Returns the end user's address: the socket's address, or the one that the trusted proxies report.
    #[must_use]
    pub fn client(&self, remote: Option<&str>, forwarded: Option<&str>) -> Option<Address> {
        address::client(remote, forwarded, &self.policy.trusted_proxies)
    }

    /// Returns what a page of this origin may read.
    #[must_use]
    pub fn cors<'a>(&self, origin: Option<&'a str>) -> Cors<'a> {
        let origin = origin.filter(|origin| self.policy.origins.allow(origin));
        Cors { origin, allows_credentials: self.policy.allow_credentials }
    }

    /// Checks a request before `authorize` is called. `token` is its `authorization` header, or the reason why that is no token.
    /// `payload` has room for the token's payload.
    ///
    /// # Errors
    /// Returns the answer that ends the request.
    pub fn check_request(
        &self,
        call: &Call<'_>,
        token: Result<&[u8], InvalidReason>,
        payload: &mut [u8],
        now: f64,
    ) -> Result<(), Reply> {
        let cors = self.cors(call.origin);
        if !path(call.url).is_some_and(|path| path.ends_with(PATH)) {
            return Err(cors.refusal(
                404,
                "There is nothing here: the call is GET /api/v2/auth/refresh",
                Code::Rejected,
            ));
        }
        if !matches!(call.method, "GET" | "OPTIONS") {
            return Err(cors.refusal(405, "Method not allowed", Code::Rejected).with("allow", "GET, OPTIONS"));
        }
        let may_ask = match call.origin {
            Some(origin) => self.policy.origins.allow(origin),
            None => self.policy.allow_server_calls || call.site == Some("same-origin"),
        };
        if !may_ask {
            return Err(cors.refusal(403, "This origin is not allowed", Code::Forbidden).because(Reason::Origin));
        }
        if call.method == "OPTIONS" {
            return Err(cors.preflight(call.wanted));
        }
        let read = token.and_then(|token| Claims::read(token, payload));
        let (message, code) = match read {
            Ok(claims) if !claims.is_expired(0.0, now) => return Ok(()),
            Ok(_) => (Code::TokenExpired.about(), Code::TokenExpired),
            Err(reason) => (reason.about(), Code::InvalidToken),
        };
        Err(cors.unauthorized(message, code).because(Reason::Token))
    }

    /// Counts a request that goes on, by the rate-limit key of its address. If there are too many, returns the answer that ends it.
    pub fn admit(&mut self, origin: Option<&str>, rate_limit_key: Option<Key>, now: f64) -> Option<Reply> {
        let limited = self.windows.address(&self.policy.counted(), rate_limit_key, now)?;
        Some(self.cors(origin).limited(limited))
    }

    /// Looks for an unknown proxy. `remote` is the hash of the socket's address, and `forwarded` the hash of `x-forwarded-for`. Call it
    /// only while [`watches_proxies`](Self::watches_proxies) is true.
    pub fn watch(&mut self, remote: Option<Key>, forwarded: Option<Key>) {
        self.watch.request(remote, forwarded);
    }

    /// Tells whether the route still looks for an unknown proxy.
    #[must_use]
    pub fn watches_proxies(&self) -> bool {
        self.watch.looks_for_proxies()
    }

    /// Returns what is wrong in the configuration, once for each reason.
    pub fn misconfigured(&mut self) -> Option<Misconfigured> {
        self.watch.take()
    }

    /// Returns the limits that the option `limiter` is called for.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.policy.limits
    }

    /// Returns what to do for a request that was checked, admitted and authorised. `key` is the hash of its token.
    pub fn next_step(&mut self, key: Key, rate_limit_key: Option<Key>, now: f64) -> NextStep {
        self.kept.drop_while(|kept| kept.until <= now || kept.until > now + KEPT_MS);
        if let Some(kept) = self.kept.peek(key).filter(|kept| kept.until > now) {
            return NextStep::Repeat(kept.token.clone());
        }
        if let Some(request) = self.in_flight.iter().find(|request| request.key == key) {
            return NextStep::Join(request.ticket);
        }
        let is_accepted = self.accepted.peek(key).is_some();
        let under_way = self.in_flight.iter().filter(|request| request.rate_limit_key == rate_limit_key).count();
        let sending = Sending { token: key, rate_limit_key, is_accepted, under_way };
        let counted = match self.windows.send(&self.policy.counted(), &sending, now) {
            Ok(counted) => counted,
            Err(limited) => return NextStep::Limited(limited),
        };
        self.tickets = self.tickets.wrapping_add(1);
        self.in_flight.push(InFlight { ticket: self.tickets, key, rate_limit_key, counted });
        NextStep::Send(self.tickets, is_accepted)
    }

    /// Notes how a request has settled. A new token is kept for a while.
    pub fn settle(&mut self, ticket: u32, settled: Settled<'_>, now: f64) {
        let Some(at) = self.in_flight.iter().position(|request| request.ticket == ticket) else { return };
        let InFlight { key, rate_limit_key, counted, .. } = self.in_flight.swap_remove(at);
        let verdict = match settled {
            Settled::Granted(..) => Verdict::Answered,
            Settled::Found(..) => Verdict::Uncounted,
            Settled::Failed(verdict) => verdict,
        };
        self.windows.settle(&self.policy.counted(), rate_limit_key, counted, verdict, now);
        match settled {
            Settled::Granted(token, new, expires_at) => self.keep(key, new, token, expires_at.min(now + KEPT_MS)),
            Settled::Found(token, new, expires_at, since) => {
                self.keep(key, new, token, expires_at.min(since.min(now) + KEPT_MS));
            }
            Settled::Failed(Verdict::Refused) => {
                self.accepted.forget(key);
                self.watch.answer(key, true);
            }
            Settled::Failed(_) => {}
        }
    }

    fn keep(&mut self, old: Key, new: Key, token: &str, until: f64) {
        self.kept.put(old, Kept { token: Secret::new(token.to_owned()), until });
        self.accepted.put(old, ());
        self.accepted.put(new, ());
        self.watch.answer(old, false);
    }

    /// Returns the answer to the client, for a new token.
    #[must_use]
    pub fn refreshed(&self, origin: Option<&str>, token: &str, outcome: Outcome) -> Reply {
        self.cors(origin).token(token, outcome)
    }

    /// Returns the answer to a client that shares the answer of another client. `body` is the body of that answer.
    #[must_use]
    pub fn shared(&self, origin: Option<&str>, body: &str) -> Reply {
        self.cors(origin).body(body.to_owned(), Outcome::Shared)
    }

    /// Returns the answer to the client, for a failure.
    #[must_use]
    pub fn failed(&self, origin: Option<&str>, failure: &Failure) -> Reply {
        self.cors(origin).failure(failure)
    }
}

/// Returns the path of a URL, with or without scheme and host. None if the WHATWG's parser would write the path in another way.
/// Then the URL of a `Request` would have another path than the one that is checked here.
fn path(url: &str) -> Option<&str> {
    let path = if url.starts_with('/') {
        url
    } else {
        let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (_, rest) = url.split_once("://").filter(|(start, _)| is_scheme(start))?;
        rest.get(rest.find(['/', '\\', '?', '#'])?..)?
    };
    let path = path.split(['?', '#']).next()?;
    let is_normal = path.bytes().all(is_kept) && !path.split('/').any(is_dots);
    is_normal.then_some(path)
}

/// Tells whether the WHATWG's parser leaves a byte of a path unchanged.
fn is_kept(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'}')
}

/// Tells whether a segment of a path is `.` or `..`, also if it is percent-encoded.
fn is_dots(segment: &str) -> bool {
    [".", "..", "%2e", ".%2e", "%2e.", "%2e%2e"].iter().any(|dots| segment.eq_ignore_ascii_case(dots))
}

#[cfg(test)]
mod tests;
