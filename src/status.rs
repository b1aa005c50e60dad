//! Whether a token is fresh, about to expire, expired, or not usable at all, and what the caller does next.
//!
//! The time is an argument. A token is decoded and **not** verified: the signing key is the vendor's.

use crate::claims::Claims;
use crate::error::{Action, InvalidReason};

const HOUR: f64 = 3_600_000.0;
const DAY: f64 = 24.0 * HOUR;

/// The default window, in percent of a token's lifetime.
const DEFAULT_WINDOW_PERCENT: f64 = 10.0;

/// The longest default window: even a token that lives a year is refreshed only a week before its expiry.
const MAX_DEFAULT_WINDOW_MS: f64 = 7.0 * DAY;

/// The default window of a token that does not say when it was issued.
const WINDOW_WITHOUT_IAT_MS: f64 = DAY;

/// The options of a check. Their defaults are the documented ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StatusOptions {
    /// "About to expire" begins this long before expiry. None: 10 % of the token's lifetime, at most 7 days
    /// (3 days of the documented 30); 24 hours if the token has no `iat`.
    pub refresh_window_ms: Option<f64>,
    /// For this long after its expiry the token still counts as unexpired.
    pub clock_tolerance_ms: f64,
}

/// Where in its life a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Before its refresh window.
    Fresh,
    /// In its refresh window: it still works, and it can be refreshed.
    Expiring,
    /// At its expiry or after (RFC 7519, section 4.1.4: "on or after"): only a new login helps.
    Expired,
}

impl State {
    /// Every state, in the order of a token's life.
    pub const ALL: &'static [Self] = &[Self::Fresh, Self::Expiring, Self::Expired];

    /// Returns its place among [`ALL`](Self::ALL).
    #[must_use]
    #[expect(clippy::as_conversions, reason = "only a cast gives a variant's number")]
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// Returns the name that JavaScript sees.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
        }
    }

    /// Returns what the caller does next.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Fresh => Action::Use,
            Self::Expiring => Action::Refresh,
            Self::Expired => Action::Login,
        }
    }
}

/// A token's times, and the state at the instant of the check. All instants are milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    /// Where in its life the token is.
    pub state: State,
    /// When it was issued, if it has an `iat`.
    pub issued_at: Option<f64>,
    /// When its refresh window begins.
    pub refresh_at: f64,
    /// When it expires.
    pub expires_at: f64,
    /// How long it is until then, in milliseconds; zero or negative once it has expired.
    pub expires_in_ms: f64,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenStatus {
    /// It has the form of a user access token.
    Valid(Lifetime),
    /// It is not a user access token, for this reason.
    Invalid(InvalidReason),
}

/// Checks a token at an instant, in milliseconds since the epoch.
///
/// # Examples
/// ```
/// use transak_user_token::status::{State, StatusOptions, TokenStatus, token_status};
///
/// // {"iat":1750329735,"exp":1752921735}: 30 days, of which the last three are the refresh window.
/// let token = "e30.eyJpYXQiOjE3NTAzMjk3MzUsImV4cCI6MTc1MjkyMTczNX0.c2ln";
/// let TokenStatus::Valid(life) = token_status(token, &StatusOptions::default(), 1_752_700_000_000.0) else {
///     unreachable!("it is a token");
/// };
/// assert_eq!(life.state, State::Expiring);
/// assert_eq!(life.expires_at - life.refresh_at, 259_200_000.0);
/// ```
#[must_use]
pub fn token_status(token: &str, options: &StatusOptions, now: f64) -> TokenStatus {
    match Claims::read(token.as_bytes(), &mut vec![0; token.len()]) {
        Ok(claims) => TokenStatus::Valid(lifetime(claims, options, now)),
        Err(reason) => TokenStatus::Invalid(reason),
    }
}

/// Returns the times of a token with these claims, and its state at an instant.
#[must_use]
pub fn lifetime(claims: Claims, options: &StatusOptions, now: f64) -> Lifetime {
    placed(claims, options, now)
}

/// Does the same as [`lifetime`], always inlined.
#[inline(always)]
#[expect(clippy::inline_always, reason = "measured: see `Claims::read`")]
pub(crate) fn placed(claims: Claims, options: &StatusOptions, now: f64) -> Lifetime {
    let Claims { issued_at, expires_at } = claims;
    let default_window = || {
        issued_at.map_or(WINDOW_WITHOUT_IAT_MS, |issued_at| {
            let share = ((expires_at - issued_at) / (100.0 / DEFAULT_WINDOW_PERCENT)).floor();
            if share < MAX_DEFAULT_WINDOW_MS { share } else { MAX_DEFAULT_WINDOW_MS }
        })
    };
    let refresh_at = expires_at - options.refresh_window_ms.unwrap_or_else(default_window);
    let state = if claims.is_expired(options.clock_tolerance_ms, now) {
        State::Expired
    } else if now >= refresh_at {
        State::Expiring
    } else {
        State::Fresh
    };
    Lifetime { state, issued_at, refresh_at, expires_at, expires_in_ms: expires_at - now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_and_a_reason_have_their_index_in_the_list() {
        let states: Vec<u8> = State::ALL.iter().map(|state| state.index()).collect();
        assert_eq!(states, [0, 1, 2]);
        for (place, reason) in (0_u8..).zip(InvalidReason::ALL) {
            assert_eq!(reason.index(), place, "{reason:?}");
        }
    }
}
