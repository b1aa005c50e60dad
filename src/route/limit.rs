//! The limits: how many requests may come in a window of time, for each address, for each token and in total.
//!
//! A refusal by Transak counts against the address that the token came from, and against a separate total limit. It does not use up
//! the total that all users share. So only the sender of forged tokens is limited.
//!
//! A window begins with its first request. The memory is bounded: if there are too many addresses or tokens, those that were counted
//! longest ago are forgotten. The total limits still hold.

use super::Key;
use super::lru::Lru;
use super::reply::Reason;
use crate::error::Code;

/// How many addresses, and how many tokens, are remembered.
pub(super) const REMEMBERED: usize = 10_000;

/// A maximum for a window of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The maximum.
    pub max: f64,
    /// The length of the window, in milliseconds.
    pub window_ms: f64,
}

/// The limits. None means no limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests of one address, or of the /64 of an IPv6 address. A request without a known address is not counted.
    pub per_address: Option<Limit>,
    /// Requests sent to Transak for one token.
    pub per_token: Option<Limit>,
    /// Tokens from one address that Transak refused.
    pub refused: Option<Limit>,
    /// Tokens that Transak refused, in all.
    pub refused_total: Option<Limit>,
    /// Requests that Transak answered with a token, or that it failed to answer.
    pub total: Option<Limit>,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { per_address: None, per_token: None, refused: None, refused_total: None, total: None };

    /// Returns what the option `limiter` is called with at this moment. For each limit these are its name, the reason of a refusal, and
    /// whether the call counts a request or only asks.
    #[must_use]
    pub fn quotas(&self, moment: Moment) -> Vec<Quota> {
        let Self { per_address, per_token, refused, refused_total, total } = *self;
        let look = |name, reason, limit: Option<Limit>| limit.map(|limit| Quota { name, reason, limit, cost: 0 });
        let count = |name, reason, limit: Option<Limit>| limit.map(|limit| Quota { name, reason, limit, cost: 1 });
        let quotas = match moment {
            Moment::Admit => vec![count("perAddress", Reason::Address, per_address)],
            Moment::Send => vec![
                look("refused", Reason::Address, refused),
                look("refusedTotal", Reason::Limit, refused_total),
                look("total", Reason::Limit, total),
                count("perToken", Reason::Limit, per_token),
            ],
            Moment::Settled(Verdict::Refused) => {
                vec![count("refused", Reason::Address, refused), count("refusedTotal", Reason::Limit, refused_total)]
            }
            Moment::Settled(Verdict::Answered) => vec![count("total", Reason::Limit, total)],
            Moment::Settled(Verdict::Uncounted) => Vec::new(),
        };
        quotas.into_iter().flatten().collect()
    }
}

impl Default for Limits {
    /// A user needs one refresh in 27 days. 600 a minute serve 23 million users.
    fn default() -> Self {
        let a_minute = |max| Some(Limit { max, window_ms: 60_000.0 });
        Self {
            per_address: a_minute(60.0),
            per_token: a_minute(5.0),
            refused: a_minute(10.0),
            refused_total: a_minute(300.0),
            total: a_minute(600.0),
        }
    }
}

/// When the option `limiter` is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A request has come.
    Admit,
    /// The route is about to send its token to Transak.
    Send,
    /// Its request has settled.
    Settled(Verdict),
}

/// What a limiter is called with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// The limit's name among the options.
    pub name: &'static str,
    /// The `reason` of a refusal in an event.
    pub reason: Reason,
    /// The limit.
    pub limit: Limit,
    /// 1 to count a request, 0 only to ask.
    pub cost: u8,
}

/// A refusal: how long to wait, and which kind of limit was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limited {
    /// How long to wait.
    pub wait_ms: f64,
    /// Which limit.
    pub reason: Reason,
}

/// A window that has begun, and how many were counted in it.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: f64,
    count: f64,
}

impl Limit {
    /// Returns the window that is open now: this one, or a new one. If the clock was set back, it is a new window.
    fn at(self, window: Option<&Window>, now: f64) -> Window {
        let open = window.filter(|window| now >= window.began && now < window.began + self.window_ms);
        open.copied().unwrap_or(Window { began: now, count: 0.0 })
    }

    /// Returns how long it takes until another request fits, in milliseconds; none if one fits now.
    fn wait_ms(self, window: Window, now: f64) -> Option<f64> {
        (window.count >= self.max).then_some(window.began + self.window_ms - now)
    }
}

impl Window {
    fn counted(self) -> Self {
        Self { count: self.count + 1.0, ..self }
    }
}

/// A request before it is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) token: Key,
    pub(super) rate_limit_key: Option<Key>,
    /// Whether Transak has accepted the token before, or gave it.
    pub(super) is_accepted: bool,
    /// How many requests with the same rate-limit key are in flight.
    pub(super) under_way: usize,
}

/// Where a request in flight was counted: the beginning of the window of `total`, or none if it was not counted there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted(Option<f64>);

/// How a request has settled, for the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts in the total: Transak gave a token, or Transak failed.
    Answered,
    /// Transak refused the token.
    Refused,
    /// It is not counted, because Transak refused the backend itself, or because nothing was sent.
    Uncounted,
}

impl Verdict {
    /// Returns the verdict on a failure.
    #[must_use]
    pub fn of(code: Code) -> Self {
        match code {
            Code::Unauthorized => Self::Refused,
            Code::Forbidden | Code::Rejected => Self::Uncounted,
            _ => Self::Answered,
        }
    }
}

/// The counts.
#[derive(Debug)]
pub(super) struct Windows {
    addresses: Lru<Window>,
    tokens: Lru<Window>,
    refused: Lru<Window>,
    refused_total: Window,
    total: Window,
}

impl Default for Windows {
    fn default() -> Self {
        let [addresses, tokens, refused] = [(); 3].map(|()| Lru::new(REMEMBERED));
        Self { addresses, tokens, refused, refused_total: Window::default(), total: Window::default() }
    }
}

impl Windows {
    /// Counts a request of an address, by the hash of its rate-limit key. Returns the refusal if the limit is reached.
    pub(super) fn address(&mut self, limits: &Limits, rate_limit_key: Option<Key>, now: f64) -> Option<Limited> {
        let (limit, key) = (limits.per_address?, rate_limit_key?);
        let window = limit.at(self.addresses.peek(key), now);
        let wait_ms = limit.wait_ms(window, now);
        self.addresses.put(key, if wait_ms.is_some() { window } else { window.counted() });
        wait_ms.map(|wait_ms| Limited { wait_ms, reason: Reason::Address })
    }

    /// Counts a request to Transak. Until it has settled, it counts as answered.
    ///
    /// # Errors
    /// Returns the refusal if a limit is reached. Then the request is not counted.
    pub(super) fn send(&mut self, limits: &Limits, sending: &Sending, now: f64) -> Result<Counted, Limited> {
        if let Some(limit) = limits.refused
            && let Some(rate_limit_key) = sending.rate_limit_key
            && !sending.is_accepted
            && let Some(wait_ms) = limit.wait_ms(limit.at(self.refused.peek(rate_limit_key), now), now)
        {
            return Err(Limited { wait_ms, reason: Reason::Address });
        }
        let [refused, total] = [(limits.refused_total, self.refused_total), (limits.total, self.total)]
            .map(|(limit, window)| limit.map(|limit| (limit, limit.at(Some(&window), now))));
        let token = limits.per_token.map(|limit| (limit, limit.at(self.tokens.peek(sending.token), now)));
        let all = [refused, total, token].into_iter().flatten();
        if let Some(wait_ms) = all.filter_map(|(limit, window)| limit.wait_ms(window, now)).reduce(f64::max) {
            return Err(Limited { wait_ms, reason: Reason::Limit });
        }
        if let Some((_, window)) = token {
            self.tokens.put(sending.token, window.counted());
        }
        // The requests in flight of one address use at most as much of the shared total as its limit `refused`. Otherwise a burst of
        // forged tokens would use up the total before Transak refuses them.
        let room = limits.refused.filter(|_| sending.rate_limit_key.is_some()).map_or(f64::INFINITY, |limit| limit.max);
        let counts = f64::from(u32::try_from(sending.under_way).unwrap_or(u32::MAX)) < room;
        let window = total.filter(|_| counts).map(|(_, window)| window);
        if let Some(window) = window {
            self.total = window.counted();
        }
        Ok(Counted(window.map(|window| window.began)))
    }

    /// Counts a settled request.
    pub(super) fn settle(
        &mut self,
        limits: &Limits,
        rate_limit_key: Option<Key>,
        counted: Counted,
        verdict: Verdict,
        now: f64,
    ) {
        match (verdict, counted) {
            (Verdict::Answered, Counted(None)) => {
                if let Some(limit) = limits.total {
                    self.total = limit.at(Some(&self.total), now).counted();
                }
            }
            (Verdict::Refused | Verdict::Uncounted, Counted(Some(began))) => {
                let is_same = self.total.began.to_bits() == began.to_bits();
                self.total.count -= if is_same { 1.0 } else { 0.0 };
            }
            _ => {}
        }
        if verdict == Verdict::Refused && self.refuse(limits, rate_limit_key, now) {
            let limit = limits.refused_total;
            self.refused_total =
                limit.map_or(self.refused_total, |limit| limit.at(Some(&self.refused_total), now).counted());
        }
    }

    /// Counts a refusal against its rate-limit key. Returns whether the refusal counts in `refused_total`, too. It does not if the
    /// address is beyond its own limit. Only a burst can cause that.
    fn refuse(&mut self, limits: &Limits, rate_limit_key: Option<Key>, now: f64) -> bool {
        let Some((limit, key)) = limits.refused.zip(rate_limit_key) else { return true };
        let window = limit.at(self.refused.peek(key), now);
        let fits = limit.wait_ms(window, now).is_none();
        self.refused.put(key, window.counted());
        fits
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize, usize) {
        (self.addresses.len(), self.tokens.len(), self.refused.len())
    }
}
