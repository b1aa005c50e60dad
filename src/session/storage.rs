//! What the store holds, and what that means: which of two tokens wins, whether an empty store is a logout, when to look.

use super::clock::Now;
use super::{Event, Session, is_later};
use crate::claims::Claims;
use crate::status::State;

/// The longest time that a store is asked to keep a token, in milliseconds: memcached takes a longer one for a date.
const MAX_TTL_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// How long before the end of its time an entry may be gone by itself, in milliseconds: clocks differ.
const LAST_MS: f64 = 60_000.0;

/// A call whose last look at the store is older waits for another one, in milliseconds.
pub(super) const LOOK_MS: f64 = 30_000.0;

/// The shortest time between two looks that a call begins because it would be rejected, in milliseconds.
pub(super) const REJECTION_LOOK_MS: f64 = 1_000.0;

/// What `clear()` leaves in a store that may forget. It is no token.
pub const LOGGED_OUT: &str = "cleared";

/// What is found in the store.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Something that is no token, or nothing in a store that may have forgotten it.
    Unusable,
    /// The mark of a logout, in a store that may forget.
    LoggedOut,
    /// A token.
    Token(Stored),
}

/// A token in the store, and how it compares with the one that is held, or was held before a logout.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// When it was issued and expires.
    pub claims: Claims,
    /// Whether it is the very token that is held.
    pub is_same: bool,
    /// Whether it is the same user's.
    pub is_of_same_user: bool,
}

/// What to do about what was found in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Keep,
    /// Store the token.
    Write,
    /// Take the lock, look again, and store the token if it is still to be stored: the one who has the lock may be about to
    /// store its successor.
    Lock,
    /// Nothing but to wake those who wait: the session holds the stored token now.
    Adopted,
    /// Nothing but to wake those who wait: the session holds no token any more, since there was a logout elsewhere.
    Cleared,
    /// Delete it: a logout here was to.
    Delete,
}

/// What the session's token is to a stored one of another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The constructor's, which overwrites it.
    Given,
    /// That of `replace()`, which overwrites any other.
    Replaced,
    /// One that was in the store: the other is a newer login.
    Settled,
}

/// The entry of this login in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// When the store drops it by itself, by the wall clock.
    pub(super) ends: f64,
    /// Whether it was ever read there: if it is gone after that, someone has deleted it.
    pub(super) was_seen: bool,
    /// Whether it is known to be the token that is held.
    pub(super) is_current: bool,
}

impl Session {
    /// Compares with what is stored.
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
                // One that is expired wins nothing.
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
                    // It may have been either, and a token that has no time left is no loss.
                    if self.left_ms(held.claims) <= LAST_MS {
                        return Found::Keep;
                    }
                }
            }
            // A login that is not stored yet is written over it.
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
        // A login that overwrites any other waits too: an answer of before must not be stored on top of it.
        let waits_for_lock = self.life(&held).state != State::Fresh || self.standing == Standing::Replaced;
        if waits_for_lock && !has_lock { Found::Lock } else { Found::Write }
    }

    /// Goes on with the token of a new login in another tab, which may say so late: a login here that is still to be stored
    /// came after it, unless the other token was issued later.
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

    /// Returns how long the store is to keep the token, in whole milliseconds: as long as it lives, but no longer than it
    /// says that it lives in all, whatever the clock says, and no longer than any store takes. Not positive if it has
    /// expired.
    #[must_use]
    pub fn ttl_ms(&mut self, now: Now) -> f64 {
        self.observe(now);
        let Some(held) = self.held else { return 0.0 };
        let stated = held.claims.issued_at.map_or(MAX_TTL_MS, |issued_at| held.claims.expires_at - issued_at);
        self.left_ms(held.claims).min(stated).min(MAX_TTL_MS).floor()
    }

    /// Confirms that the store took the token, or has one that is not to be overwritten by it.
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

    /// Makes the next call look: the page was frozen, and heard nothing.
    pub fn forget_look(&mut self) {
        self.looked_at = None;
    }

    pub(super) fn is_look_older_than(&self, age_ms: f64) -> bool {
        // A clock that was set back says so too.
        self.looked_at.is_none_or(|at| (self.seen.wall - at).abs() > age_ms)
    }

    /// Compares what is stored with what was held before it was cleared. A token that was issued later is that of a login
    /// elsewhere; so is any token for a session that never held one.
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

    fn is_of_a_later_login(&self, stored: Stored) -> bool {
        self.logged_out_at.is_none_or(|at| stored.claims.issued_at.is_some_and(|issued_at| issued_at > at))
    }

    /// Tells whether a stored token is from before the logout: the very one, or another of its user.
    fn is_left_over(&self, stored: Stored) -> bool {
        let is_older = |at| stored.claims.issued_at.is_none_or(|issued_at| issued_at <= at);
        stored.is_same || stored.is_of_same_user && self.logged_out_at.is_some_and(is_older)
    }

    /// Notices that the token is in the store. It was written when it was issued, or later.
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
