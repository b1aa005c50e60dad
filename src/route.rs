//! The backend route: which requests of browsers and servers are passed on to Transak, and what they are answered.
//!
//! A request comes in as plain data and a [`Reply`] goes out; someone else awaits the user's own authorisation, sends what
//! is to be sent and tells what came of it. Time and the keys are arguments, and the only state is bounded: the
//! windows of the limits, the answers kept, and what is under way.

pub mod address;
pub mod limit;
mod lru;
pub mod origin;
pub mod reply;

use address::{Address, Network};
use limit::{Limits, Windows};
use lru::Lru;
use origin::Origins;
use reply::{Cors, Outcome, Reply};

use crate::claims::Claims;
use crate::error::{Code, Failure, InvalidReason};
use crate::secret::Secret;

/// The path of the call below the mount, from the API's reference.
pub const PATH: &str = "/api/v2/auth/refresh";

/// How long an answer is kept for a client that lost it, in milliseconds.
pub const KEPT_MS: f64 = 60_000.0;

/// How many answers are kept at most.
const KEPT: usize = 10_000;

/// Who may ask, and how often.
#[derive(Debug, Default)]
pub struct Policy {
    /// The origins whose pages may ask.
    pub origins: Origins,
    /// Whether a request that no page sent may ask.
    pub allow_server_calls: bool,
    /// The proxies whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<Network>,
    /// How often.
    pub limits: Limits,
}

/// A request, as far as it matters.
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
}

/// The key of a token, or of a [household](Address::household): a hash of it with a seed that nobody knows. So the token
/// itself is not kept, and nobody can choose two with one key.
pub type Key = u128;

/// What to do for a request that may be passed on.
#[derive(Debug)]
pub enum Ask {
    /// Answer with the token that an earlier request for the same one got.
    Repeat(Secret),
    /// Wait for the request under way that has this ticket.
    Join(u32),
    /// Send a request, and [land](Route::land) this ticket when there is an answer.
    Send(u32),
    /// Refuse it; another try makes sense in so many milliseconds.
    Limited(f64),
}

/// An answer on its way to whoever asks again.
#[derive(Debug)]
struct Kept {
    token: Secret,
    until: f64,
}

/// A request that is under way. They are looked for one by one: two thousand take a microsecond.
#[derive(Debug)]
struct Flight {
    ticket: u32,
    key: Key,
}

/// The route: its policy, and what it remembers.
#[derive(Debug)]
pub struct Route {
    policy: Policy,
    windows: Windows,
    kept: Lru<Kept>,
    flights: Vec<Flight>,
    tickets: u32,
}

impl Route {
    /// Opens a route.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, windows: Windows::default(), kept: Lru::new(KEPT), flights: Vec::new(), tickets: 0 }
    }

    /// Returns the end user's address: the socket's, or the one that trusted proxies say they were called from.
    #[must_use]
    pub fn client(&self, remote: Option<&str>, forwarded: Option<&str>) -> Option<Address> {
        address::client(remote, forwarded, &self.policy.trusted_proxies)
    }

    /// Returns what the page that sent a request may read.
    #[must_use]
    pub fn cors<'a>(&self, origin: Option<&'a str>) -> Cors<'a> {
        Cors(origin.filter(|origin| self.policy.origins.allow(origin)))
    }

    /// Judges a request before anyone is asked about it, with its `authorization` header, or why that is no token; `payload` has
    /// room for its token's. Returns the bare token where it goes on.
    ///
    /// # Errors
    /// The answer that ends it.
    pub fn judge<'a>(
        &self,
        call: &Call<'_>,
        token: Result<&'a [u8], InvalidReason>,
        payload: &mut [u8],
        now: f64,
    ) -> Result<&'a [u8], Reply> {
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
            return Err(cors.refusal(403, "This origin may not ask here", Code::Forbidden));
        }
        if call.method == "OPTIONS" {
            return Err(cors.preflight());
        }
        let read = token.and_then(|token| Ok((token.trim_ascii(), Claims::read(token, payload)?)));
        let (message, code) = match read {
            Ok((token, claims)) if !claims.is_expired(0.0, now) => return Ok(token),
            Ok(_) => (Code::TokenExpired.about(), Code::TokenExpired),
            Err(reason) => (reason.about(), Code::InvalidToken),
        };
        Err(cors.unauthorized(message, code))
    }

    /// Counts a request that goes on, for its address' household. Returns the answer that ends it where that asks too often.
    pub fn admit(&mut self, origin: Option<&str>, household: Option<Key>, now: f64) -> Option<Reply> {
        let wait_ms = self.windows.address(&self.policy.limits, household, now)?;
        Some(self.cors(origin).limited(wait_ms))
    }

    /// Says what to do for a request that was judged, admitted and authorised.
    pub fn ask(&mut self, key: Key, now: f64) -> Ask {
        self.kept.drop_while(|kept| kept.until <= now || kept.until > now + KEPT_MS);
        if let Some(kept) = self.kept.peek(key).filter(|kept| kept.until > now) {
            return Ask::Repeat(kept.token.clone());
        }
        if let Some(flight) = self.flights.iter().find(|flight| flight.key == key) {
            return Ask::Join(flight.ticket);
        }
        if let Some(wait_ms) = self.windows.upstream(&self.policy.limits, key, now) {
            return Ask::Limited(wait_ms);
        }
        self.tickets = self.tickets.wrapping_add(1);
        self.flights.push(Flight { ticket: self.tickets, key });
        Ask::Send(self.tickets)
    }

    /// Takes note of what a request has come to: a token and its expiry, to be kept for a while, or a failure.
    pub fn land(&mut self, ticket: u32, answer: Option<(&str, f64)>, now: f64) {
        let Some(at) = self.flights.iter().position(|flight| flight.ticket == ticket) else { return };
        let Flight { key, .. } = self.flights.swap_remove(at);
        if let Some((token, expires_at)) = answer {
            let until = expires_at.min(now + KEPT_MS);
            self.kept.put(key, Kept { token: Secret::new(token.to_owned()), until });
        }
    }

    /// Returns the answer to whoever asked, for the token that came.
    #[must_use]
    pub fn refreshed(&self, origin: Option<&str>, token: &str, outcome: Outcome) -> Reply {
        self.cors(origin).token(token, outcome)
    }

    /// Returns the answer to whoever shares another's, by its body.
    #[must_use]
    pub fn shared(&self, origin: Option<&str>, body: &str) -> Reply {
        self.cors(origin).body(body.to_owned(), Outcome::Shared)
    }

    /// Returns the answer to whoever asked, for the failure that came.
    #[must_use]
    pub fn failed(&self, origin: Option<&str>, failure: &Failure) -> Reply {
        self.cors(origin).failure(failure)
    }
}

/// Returns the path of a URL, or of one without scheme and host. None if the WHATWG's parser would write it in another way: then
/// the URL of a `Request` has another path than the one that is judged here.
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

/// Tells whether the parser leaves a byte of a path as it is.
fn is_kept(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'}')
}

/// Tells whether a segment of a path stands for a folder: this one, or the one above.
fn is_dots(segment: &str) -> bool {
    [".", "..", "%2e", ".%2e", "%2e.", "%2e%2e"].iter().any(|dots| segment.eq_ignore_ascii_case(dots))
}

#[cfg(test)]
mod tests;
