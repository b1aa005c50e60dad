//! What a process does with the store, as the package's driver does: looks, writes, logins and logouts.

use transak_user_token::session::{Content, Found, Stored};

use super::{DAY, Fault, Fleet, MINUTE, Process, Token};

impl Fleet {
    fn get(&self) -> core::result::Result<Option<Token>, ()> {
        match self.fault {
            Fault::Down => Err(()),
            Fault::Lags => Ok(self.before),
            Fault::None | Fault::Swallows => Ok(self.stored),
        }
    }

    fn put(&mut self, token: Option<Token>) -> bool {
        match self.fault {
            Fault::Down => return false,
            Fault::Swallows => {}
            Fault::None => (self.before, self.stored) = (token, token),
            Fault::Lags => self.before = core::mem::replace(&mut self.stored, token),
        }
        true
    }

    /// Compares with the store, and does what that asks for.
    pub(super) fn look(&mut self, at: usize) {
        let (now, random) = (self.now(at), self.random);
        let Ok(stored) = self.get() else { return };
        let process = &mut self.processes[at];
        process.hears();
        let (before, compared) = (process.token, process.token.or(process.pending));
        let content = match stored {
            None => Content::Empty,
            Some(stored) if before.is_some() && process.superseded.contains(&stored.id) => Content::Unusable,
            Some(stored) => Content::Token(Stored {
                claims: stored.claims,
                is_same: compared.is_some_and(|own| own.id == stored.id),
                is_of_same_user: compared.is_some_and(|own| own.user == stored.user),
            }),
        };
        match process.machine.found(content, true, random, now) {
            Found::Adopted => {
                let new = stored.expect("a token to adopt");
                match before {
                    Some(old) if old.user == new.user => assert!(!is_later(old, new), "back to an earlier token"),
                    _ => process.voids(),
                }
                process.token = stored;
                // Only of a token that it got itself does a process know which ones it has replaced.
                process.superseded.clear();
                // Instead of another user's, or of one as late, it is told of anew; after a logout it never comes back.
                if before.is_some() {
                    process.expired.remove(&new.id);
                }
            }
            Found::Cleared => {
                process.token = None;
                process.voids();
            }
            Found::Delete => {
                if self.put(None) {
                    self.processes[at].pending = None;
                }
                return;
            }
            Found::Write => {
                self.knows_of_a_logout(at, before, stored);
                return self.save(at);
            }
            Found::Keep | Found::Lock => {}
        }
        self.knows_of_a_logout(at, before, stored);
        let process = &mut self.processes[at];
        process.pending = None;
        process.knows_stored();
    }

    fn save(&mut self, at: usize) {
        let (now, random) = (self.now(at), self.random);
        let token = self.processes[at].token.expect("a token to store");
        let is_there = self.put(Some(token)) && self.get() == Ok(Some(token));
        if is_there {
            let process = &mut self.processes[at];
            process.machine.written(now);
            let same = Stored { claims: token.claims, is_same: true, is_of_same_user: true };
            assert_eq!(process.machine.found(Content::Token(same), true, random, now), Found::Keep);
            assert!(process.machine.is_stored());
            process.knows_stored();
        }
    }

    /// A look has shown that there was a logout: its token is held no more.
    fn knows_of_a_logout(&self, at: usize, before: Option<Token>, stored: Option<Token>) {
        let Some(token) = before else { return };
        let process = &self.processes[at];
        let is_plain = self.is_honest && self.fault == Fault::None && stored.is_none() && !process.was_set;
        let is_known = self.logged_out.contains(&token.id) && process.seen == Some(token.id);
        if is_plain && is_known && token.claims.expires_at - self.time > MINUTE {
            assert_ne!(process.token, Some(token), "a token of a logout is held after a look");
        }
    }

    pub(super) fn log_in(&mut self, at: usize, user: bool) {
        let token = self.issue(user, 30.0 * DAY);
        let random = self.random;
        let process = &mut self.processes[at];
        process.hears();
        process.machine.replace(token.claims, random);
        (process.token, process.pending) = (Some(token), None);
        process.superseded.clear();
        process.voids();
        self.look(at);
        let process = &self.processes[at];
        if self.fault == Fault::None && !process.was_set {
            assert_eq!(self.stored, Some(token), "a login is not stored");
            assert!(process.machine.is_stored());
        }
    }

    pub(super) fn log_out(&mut self, at: usize) {
        let now = self.now(at);
        let process = &mut self.processes[at];
        process.hears();
        let token = process.token.take().or(process.pending);
        process.machine.log_out(now);
        process.pending = token;
        process.voids();
        if self.put(None) {
            self.processes[at].pending = None;
            if self.fault == Fault::None {
                self.logged_out.extend(token.map(|token| token.id));
            }
        }
    }
}

impl Process {
    /// Notes whether the token was read in the store. Of those before it the last one may still show there.
    fn knows_stored(&mut self) {
        if self.machine.is_stored() {
            self.seen = self.token.map(|token| token.id);
            self.superseded.drain(..self.superseded.len().saturating_sub(1));
        }
    }

    pub(super) fn voids(&mut self) {
        self.late.iter_mut().for_each(|late| late.is_wanted = false);
    }
}

fn is_later(one: Token, other: Token) -> bool {
    (one.claims.issued_at, one.claims.expires_at) > (other.claims.issued_at, other.claims.expires_at)
}
