//! How often: so many in a window of time, for each address, for each token and in all.
//!
//! A window begins with the first request in it. What is remembered is bounded: of more addresses or tokens than that the
//! ones that were counted longest ago are forgotten, and the limit on all together still holds.

use super::Key;
use super::lru::Lru;

/// How many addresses, and how many tokens, are remembered.
pub(super) const REMEMBERED: usize = 10_000;

/// So many in a window of so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// How many.
    pub max: f64,
    /// In how many milliseconds.
    pub window_ms: f64,
}

/// The limits; none where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests of one address, of an IPv6 one its /64. A request whose address is not known is not counted.
    pub per_address: Option<Limit>,
    /// Requests sent to Transak for one token.
    pub per_token: Option<Limit>,
    /// Requests sent to Transak.
    pub total: Option<Limit>,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { per_address: None, per_token: None, total: None };
}

impl Default for Limits {
    /// A user needs one refresh in 27 days. 600 a minute serve 23 million users.
    fn default() -> Self {
        let a_minute = |max| Some(Limit { max, window_ms: 60_000.0 });
        Self { per_address: a_minute(60.0), per_token: a_minute(5.0), total: a_minute(600.0) }
    }
}

/// A window that has begun, and how many were counted in it.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: f64,
    count: f64,
}

impl Limit {
    /// Returns the window that is open now: this one, or a new one. A clock that was set back opens a new one.
    fn at(self, window: Option<&Window>, now: f64) -> Window {
        let open = window.filter(|window| now >= window.began && now < window.began + self.window_ms);
        open.copied().unwrap_or(Window { began: now, count: 0.0 })
    }

    /// Returns how long it takes until another one fits, in milliseconds; none where one fits.
    fn wait_ms(self, window: Window, now: f64) -> Option<f64> {
        (window.count >= self.max).then_some(window.began + self.window_ms - now)
    }
}

impl Window {
    fn counted(self) -> Self {
        Self { count: self.count + 1.0, ..self }
    }
}

/// What was counted.
#[derive(Debug)]
pub(super) struct Windows {
    addresses: Lru<Window>,
    tokens: Lru<Window>,
    total: Window,
}

impl Default for Windows {
    fn default() -> Self {
        Self { addresses: Lru::new(REMEMBERED), tokens: Lru::new(REMEMBERED), total: Window::default() }
    }
}

impl Windows {
    /// Counts a request of an address, by its household's key. Returns how long to wait where it is one too many.
    pub(super) fn address(&mut self, limits: &Limits, household: Option<Key>, now: f64) -> Option<f64> {
        let (limit, key) = (limits.per_address?, household?);
        let window = limit.at(self.addresses.peek(key), now);
        let wait_ms = limit.wait_ms(window, now);
        self.addresses.put(key, if wait_ms.is_some() { window } else { window.counted() });
        wait_ms
    }

    /// Counts a request to Transak. Returns how long to wait where it is one too many: then it counts for nothing.
    pub(super) fn upstream(&mut self, limits: &Limits, key: Key, now: f64) -> Option<f64> {
        let token = limits.per_token.map(|limit| (limit, limit.at(self.tokens.peek(key), now)));
        let total = limits.total.map(|limit| (limit, limit.at(Some(&self.total), now)));
        let waits = [token, total].into_iter().flatten().filter_map(|(limit, window)| limit.wait_ms(window, now));
        let wait_ms = waits.reduce(f64::max);
        if wait_ms.is_none() {
            if let Some((_, window)) = token {
                self.tokens.put(key, window.counted());
            }
            if let Some((_, window)) = total {
                self.total = window.counted();
            }
        }
        wait_ms
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        (self.addresses.len(), self.tokens.len())
    }
}
