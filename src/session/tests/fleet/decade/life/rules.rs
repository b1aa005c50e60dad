//! What a user relies on, whatever happens.

use super::*;

/// The largest error of a clock that was corrected by an answer.
const MEASURED: f64 = 12.0 * SECOND;

/// If a token is due for this long, some session must have refreshed it.
const ENOUGH: f64 = 6.0 * HOUR;

impl Life {
    pub(super) fn judges_token(&mut self, at: usize) {
        self.ends_without(at);
        self.figures.given += 1.0;
        let time = self.fleet.time;
        let token = self.fleet.processes[at].session.token.clone().expect("a token");
        let process = &self.fleet.processes[at];
        let was_seen = process.seen.as_deref() == Some(token.token.expose());
        let late = time - token.claims.expires_at;
        let tolerated = if process.fast.abs() < 1.0 { 0.0 } else { MEASURED };
        if late >= tolerated && self.knows_time(at) {
            self.breaks("an expired token is handed out", at, &format!("{late} ms late"));
        }
        if self.dropped[at].contains(token.token.expose()) {
            self.breaks("a token is handed out after a logout here", at, "");
        }
        if self.fleet.revoked.as_ref().is_some_and(|revoked| revoked.contains(token.token.expose())) {
            self.figures.exchanged += 1.0;
        }
        // The session has read the token in the store. Then a logout deleted it, and no fault of the store explains that.
        let was_deleted = self.fleet.logged_out.contains(&text(&token)) && late < -MINUTE;
        if was_deleted && was_seen && !self.is_blemished && self.is_settled() && self.knows_time(at) {
            self.breaks("a logout is undone", at, "");
        }
        let has_ended = time >= self.fleet.ends;
        let is_stored = self.fleet.stored.as_ref().is_some_and(|stored| stored.token == token.token);
        if is_stored || has_ended || !self.is_settled() {
            return;
        }
        let is_mark = |stored: &OldToken| self.fleet.mark.as_ref().is_some_and(|mark| mark.token == stored.token);
        let rule = match self.fleet.stored.as_ref().filter(|stored| !is_mark(stored)) {
            Some(stored) if !stored.is_of_same_user(&token) => "a token of another user is handed out",
            Some(_) => "a token is handed out that is not in the store",
            None => "a cleared token is handed out",
        };
        self.breaks(rule, at, "");
    }

    pub(super) fn judges_rejection(&mut self, at: usize, why: Rejection) {
        let time = self.fleet.time;
        let machine = &self.machines[self.machine_of(at)];
        let (awake_since, clock_since) = (machine.awake_since, machine.clock_since);
        let held = self.fleet.processes[at].session.token.clone();
        let stored =
            self.fleet.stored.clone().filter(|stored| time < self.fleet.ends && stored.claims.expires_at > time);
        let is_taken = |token: &OldToken| {
            !self.fleet.revoked.as_ref().is_some_and(|revoked| revoked.contains(token.token.expose()))
        };
        let is_mark = |token: &OldToken| self.fleet.mark.as_ref().is_some_and(|mark| mark.token == token.token);
        let is_good = stored.as_deref().is_some_and(|stored| is_taken(stored) && !is_mark(stored));
        let is_known = self.knows_time(at) && !(why == Rejection::Cleared && self.out_by_wrong_clock[at]);
        // If the store has swallowed the delete of a logout, it still has the token of that login.
        if is_good && !self.is_out && self.is_settled() && is_known {
            self.breaks("a call is rejected and the store has a good token", at, &format!("{why:?}"));
        }
        let reason = match (why, &held) {
            (Rejection::Cleared, _) => "the store had lost it",
            (Rejection::LastFailure(Code::Unauthorized), _) => "the answer to its refresh was lost",
            (_, Some(token)) => self.why_expired(at, token),
            (_, None) => "?",
        };
        if let Some(token) = held.filter(|_| why.code() == Code::TokenExpired) {
            let due = token.claims.expires_at - 2.8 * DAY;
            let since = due.max(awake_since).max(clock_since).max(self.up_since);
            let is_possible = self.starts[at] && matches!(self.down, Down::No) && self.knows_time(at);
            if is_possible && token.claims.expires_at - since > ENOUGH {
                self.breaks("a token expires that could be refreshed", at, reason);
            }
        }
        if self.is_out || self.without[at].is_some() {
            return;
        }
        let expired_at = self.fleet.processes[at].session.token.as_ref().map_or(time, |token| token.claims.expires_at);
        self.without[at] = Some((expired_at.clamp(awake_since, time), reason));
        let wait = self.chance.span(10.0 * SECOND, DAY);
        self.at(time + wait, What::Login(at));
    }

    fn why_expired(&self, at: usize, token: &OldToken) -> &'static str {
        let (from, until) = (token.claims.expires_at - 3.0 * DAY, token.claims.expires_at);
        let overlap = |(since, end): &(f64, f64)| (end.min(until) - since.max(from)).max(0.0);
        let down: f64 = self.down_times.iter().rev().take(5).map(overlap).sum();
        if !self.knows_time(at) {
            "the clock is wrong and was not measured yet"
        } else if down > DAY {
            "the server was down"
        } else {
            "it expired in the machine's sleep, or nobody called"
        }
    }

    pub(super) fn ends_without(&mut self, at: usize) {
        if let Some((since, why)) = self.without[at].take() {
            let sum = self.figures.without.entry(why).or_default();
            *sum = (sum.0 + 1.0, sum.1 + self.fleet.time - since);
        }
    }

    pub(super) fn breaks(&mut self, rule: &'static str, at: usize, more: &str) {
        let place = format!("fleet {}, session {at}, day {:.3}: {more}", self.seed, (self.fleet.time - START) / DAY);
        self.figures.faults.entry(rule).or_insert((0, place)).0 += 1;
    }
}
