//! What the content of the store means: which of two tokens wins, whether an empty store is a logout, and when to look.

use super::clock::Now;
use super::{Event, Session, is_later};
use crate::claims::Claims;
use crate::status::State;

/// The longest time for which a store is asked to keep a token, in milliseconds. memcached treats a longer time as a date.
const MAX_TTL_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// An entry may vanish by itself this long before its end, because clocks differ. In milliseconds.
const LAST_MS: f64 = 60_000.0;

/// If the last look at the store is older, a call waits for another one. In milliseconds.
pub(super) const LOOK_MS: f64 = 30_000.0;

/// The shortest time between two looks before rejections, in milliseconds.
pub(super) const REJECTION_LOOK_MS: f64 = 1_000.0;

/// What `clear()` leaves in a store that may forget. It is no token.
pub const LOGGED_OUT: &str = "cleared";

/// What is found in the store.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Something that is no token. Or nothing, in a store that may forget: that is no logout.
    Unusable,
    /// The mark of a logout, in a store that may forget.
    LoggedOut,
    /// A token.
    Token(Stored),
}

/// A token in the store, compared with the one that the session holds, or held before a logout.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// When it was issued and expires.
    pub claims: Claims,
    /// Whether it is the very token that is held.
    pub is_same: bool,
    /// Whether it is the same user's. If a session that never held a token logs out, the token that it has to delete counts as such.
    pub is_of_same_user: bool,
}

/// What to do about the content of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Keep,
    /// Store the token.
    Write,
    /// Take the lock, look again, and store the token if that is still necessary. While the session waits for the lock, its holder
    /// may store the token's successor.
    Lock,
    /// Only wake the waiting calls: the session holds the stored token now.
    Adopted,
    /// Only wake the waiting calls: the session holds no token any more, because of a logout elsewhere.
    Cleared,
    /// Delete the stored token, which a logout here should have deleted.
    Delete,
}

/// Where the session's token comes from. That decides whether it overwrites a stored token of another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// From the constructor: it overwrites another user's token.
    Given,
    /// From `replace()`: it overwrites every stored token.
    Replaced,
    /// It was in the store before. So another user's token there is of a newer login.
    Settled,
}

/// The entry of this login in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// When the store drops the entry by itself, by the wall clock.
    pub(super) ends: f64,
    /// Whether the entry was ever read. If it is missing later, somebody has deleted it.
    pub(super) was_seen: bool,
    /// Whether the entry is known to be the token that the session holds.
    pub(super) is_current: bool,
}

impl Session {
    /// Compares the session's token with the content of the store.
    pub fn found(&mut self, content: Content, has_lock: bool, random: f64, now: Now) -> Found {
        self.observe(now);
        self.looked_at = Some(self.seen.wall);
        let Some(held) = self.held else { return self.found_without_token(content, random) };
        let is_usable = !held.ended && !self.is_expired(held.claims);
        match content {
            Content::Token(stored) if stored.is_same => {
                self.standing = Standing::Settled;
                self.see(stored.claims);
                return Found::Keep;
            }
            Content::Token(stored) => {
                let wins = match self.standing {
                    Standing::Replaced => false,
                    _ if stored.is_of_same_user => !is_later(held.claims, stored.claims),
                    standing => standing == Standing::Settled,
                };
                // An expired token does not win.
                if wins && !self.is_expired(stored.claims) {
                    self.adopt(stored, random);
                    return Found::Adopted;
                }
            }
            Content::Empty => {
                if let Some(entry) = self.entry.filter(|entry| entry.was_seen) {
                    if self.seen.wall < entry.ends - LAST_MS {
                        self.clear();
                        return Found::Cleared;
                    }
                    // The entry may have ended by itself, or by a logout. A token with almost no time left is not worth storing.
                    if self.left_ms(held.claims) <= LAST_MS {
                        return Found::Keep;
                    }
                }
            }
            // A login that is not stored yet overwrites the mark.
            Content::LoggedOut if self.standing == Standing::Settled => {
                self.clear();
                return Found::Cleared;
            }
            Content::LoggedOut | Content::Unusable => {}
        }
        if let Some(entry) = &mut self.entry {
            entry.is_current = false;
        }
        if !is_usable && self.standing != Standing::Replaced {
            return Found::Keep;
        }
        // A login by `replace()` waits, too. Otherwise the answer to an earlier request could overwrite it.
        let waits_for_lock = self.life(&held).state != State::Fresh || self.standing == Standing::Replaced;
        if waits_for_lock && !has_lock { Found::Lock } else { Found::Write }
    }

    /// Goes on with the token of a new login in another tab. The tab's message may come late. So a login here that is not stored yet
    /// counts as the later one, unless the other token was issued later.
    pub fn replaced(&mut self, stored: Stored, has_lock: bool, random: f64, now: Now) -> Found {
        let is_over = match self.held {
            Some(held) => self.standing == Standing::Replaced && !is_later(stored.claims, held.claims),
            None => self.is_left_over(stored),
        };
        if stored.is_same || is_over {
            return self.found(Content::Token(stored), has_lock, random, now);
        }
        self.observe(now);
        self.log_in(stored.claims, Standing::Settled, random);
        self.see(stored.claims);
        Found::Adopted
    }

    /// Returns how long the store has to keep the token, in whole milliseconds: until the token expires. It is never longer than the
    /// lifetime that the token states, even if the clock is wrong. Nor is it longer than `MAX_TTL_MS`, because some stores accept no
    /// longer time. It is not positive if the token has expired.
    #[must_use]
    pub fn ttl_ms(&mut self, now: Now) -> f64 {
        self.observe(now);
        let Some(held) = self.held else { return 0.0 };
        let stated = held.claims.issued_at.map_or(MAX_TTL_MS, |issued_at| held.claims.expires_at - issued_at);
        self.left_ms(held.claims).min(stated).min(MAX_TTL_MS).floor()
    }

    /// Notes that the store took the token, or has another one that must not be overwritten.
    pub fn written(&mut self, now: Now) {
        let ends = now.wall + self.ttl_ms(now);
        self.standing = Standing::Settled;
        let was_seen = self.entry.is_some_and(|entry| entry.was_seen);
        self.entry = Some(Entry { ends, was_seen, is_current: false });
    }

    /// Tells whether the token was read in the store.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.entry.is_some_and(|entry| entry.is_current)
    }

    /// Makes the next call look at the store, because the page was frozen and got no messages.
    pub fn forget_look(&mut self) {
        self.looked_at = None;
    }

    pub(super) fn is_look_older_than(&self, age_ms: f64) -> bool {
        // If the clock was set back, the last look seems to be in the future. Then it counts as old, too.
        self.looked_at.is_none_or(|at| (self.seen.wall - at).abs() > age_ms)
    }

    /// Compares the stored token with the one that the session held before the logout. A token that was issued later is of a login
    /// elsewhere. If the session never held a token, every token is of a login elsewhere.
    fn found_without_token(&mut self, content: Content, random: f64) -> Found {
        match content {
            Content::Token(stored) if self.is_left_over(stored) => Found::Delete,
            Content::Token(stored) if !self.is_expired(stored.claims) && self.is_of_a_later_login(stored) => {
                self.log_in(stored.claims, Standing::Settled, random);
                self.see(stored.claims);
                Found::Adopted
            }
            _ => Found::Keep,
        }
    }

    /// Tells whether a stored token is of a login after the logout. `iat` has whole seconds. So it does not show whether a token of
    /// the logout's own second is earlier or later. Such a token counts as later, because no session stores a refreshed token after it
    /// has seen the logout. There is one exception: if the logout's instant is the `iat` of the cleared token, only a token with a
    /// later `iat` counts as later.
    fn is_of_a_later_login(&self, stored: Stored) -> bool {
        let (Some(at), issued_at) = (self.logged_out_at, stored.claims.issued_at) else { return true };
        let second = (at / 1_000.0).floor() * 1_000.0;
        issued_at.is_some_and(|issued_at| if second < at { issued_at >= second } else { issued_at > at })
    }

    /// Tells whether a stored token is from before the logout: the same token, or an earlier one of the same user.
    fn is_left_over(&self, stored: Stored) -> bool {
        let is_older = |at| stored.claims.issued_at.is_none_or(|issued_at| issued_at <= at);
        stored.is_same || stored.is_of_same_user && self.logged_out_at.is_some_and(is_older)
    }

    /// Notices that the token is in the store. The store got it at its `iat` or later, so the time of the entry began no earlier.
    fn see(&mut self, claims: Claims) {
        let since = claims.issued_at.unwrap_or(self.time());
        let ends = claims.expires_at.min(since + MAX_TTL_MS) - self.skew_ms.unwrap_or(0.0);
        let ends = self.entry.map_or(ends, |entry| entry.ends.max(ends));
        self.entry = Some(Entry { ends, was_seen: true, is_current: true });
    }

    fn adopt(&mut self, stored: Stored, random: f64) {
        let is_first_look = self.standing == Standing::Given;
        self.standing = Standing::Settled;
        if stored.is_of_same_user {
            if is_first_look {
                self.hold(stored.claims, random);
            } else {
                self.hold_successor(stored.claims, random);
            }
            self.tell(Event::Refreshed);
        } else {
            self.log_in(stored.claims, Standing::Settled, random);
        }
        self.entry = None;
        self.see(stored.claims);
    }
}
