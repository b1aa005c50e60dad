//! What a process does for a call, as the package's driver does: it waits, takes the lock, looks, and sends.

use transak_user_token::error::Code;
use transak_user_token::session::{Accepted, Progress, Step, Ticket, UNANSWERED_MS};

use super::{Answer, DAY, Fleet, Late, PROCESSES, SECOND};

impl Fleet {
    pub(super) fn call(&mut self, at: usize, is_refresh: bool, answer: &Answer) {
        let generation = self.processes[at].machine.generation();
        let mut progress = Progress::default();
        for _ in 0..6 {
            let now = self.now(at);
            let machine = &mut self.processes[at].machine;
            let step =
                if is_refresh { machine.refresh(generation, progress, now) } else { machine.access(progress, now) };
            match step {
                Step::Use => return self.hands_out(at),
                Step::Reject(_) => return,
                Step::Look => {
                    progress.has_looked = true;
                    self.look(at);
                }
                Step::Wait => progress = Progress { has_waited: true, has_looked: false },
                Step::Refresh(ticket) => self.carry_out(at, ticket, answer),
            }
        }
        panic!("a call that finds no end");
    }

    /// A token that is good by what the process knows of the time, and by the true time if nobody has set its clock.
    fn hands_out(&self, at: usize) {
        let process = &self.processes[at];
        let token = process.token.expect("a token to hand out");
        let time = self.now(at).wall + process.machine.clock_skew_ms().unwrap_or(0.0);
        assert!(token.claims.expires_at > time, "an expired token is handed out");
        assert!(
            process.was_set || token.claims.expires_at > self.time,
            "an expired token is handed out on a right clock"
        );
    }

    pub(super) fn carry_out(&mut self, at: usize, ticket: Ticket, answer: &Answer) {
        let random = self.random;
        if self.has_lock && self.lock.is_some_and(|(.., until)| self.time < until) {
            let now = self.now(at);
            let machine = &mut self.processes[at].machine;
            machine.wait_for_another(now);
            assert!(!machine.go_on_without_lock(ticket, random, now), "a request beside one that is not answered");
            return;
        }
        self.look(at);
        let sent = self.now(at);
        if !self.processes[at].machine.send(ticket, sent) {
            return;
        }
        let old = self.processes[at].token.expect("a token to send");
        // A process joins its own request in flight, as the package does, also after another login in between.
        let process = &mut self.processes[at];
        let is_joined = process.unanswered.get(&old.id).is_some_and(|until| self.time < *until);
        if let Some(late) = process.late.iter().find(|late| is_joined && late.old.id == old.id) {
            let new = late.new;
            process.machine.time_out(ticket, random, sent);
            process.late.push(Late { ticket, old, sent, new, is_wanted: true });
            return;
        }
        let senders = if self.has_lock { 0..PROCESSES } else { at..at + 1 };
        for process in &self.processes[senders] {
            let until = process.unanswered.get(&old.id).copied().unwrap_or(0.0);
            assert!(process.was_set || self.time >= until, "two requests for one token within two minutes");
        }
        match *answer {
            Answer::InTime(life) => {
                let new = self.issue(old.user, life);
                self.time += 200.0;
                self.accept(at, &Late { ticket, old, sent, new: Some(new), is_wanted: true });
            }
            Answer::Fails(code, retry_after_ms) => {
                let now = self.now(at);
                self.processes[at].machine.fail(ticket, code, retry_after_ms, random, now);
            }
            Answer::Late(comes) => {
                let new = comes.then(|| self.issue(old.user, 30.0 * DAY));
                let sent_at = self.time;
                self.time += 10.0 * SECOND;
                let now = self.now(at);
                let process = &mut self.processes[at];
                process.machine.time_out(ticket, random, now);
                let kept_ms = process.machine.unanswered_ms();
                if old.claims.expires_at - self.time > UNANSWERED_MS {
                    process.unanswered.insert(old.id, sent_at + UNANSWERED_MS);
                }
                process.late.push(Late { ticket, old, sent, new, is_wanted: true });
                self.lock = Some((at, ticket, sent_at + kept_ms));
            }
        }
    }

    /// Judges what has come as the refresh does, and passes it on.
    fn accept(&mut self, at: usize, late: &Late) {
        let (now, random) = (self.now(at), self.random);
        let process = &mut self.processes[at];
        process.hears();
        process.unanswered.remove(&late.old.id);
        self.lock.take_if(|(holder, ticket, _)| *holder == at && *ticket == late.ticket);
        let Some(new) = late.new.filter(|new| new.claims.expires_at >= late.old.claims.expires_at) else {
            process.machine.fail(late.ticket, Code::BadResponse, None, random, now);
            return;
        };
        if process.machine.accept(late.ticket, new.claims, late.sent, random, now) == Accepted::Held {
            assert!(late.is_wanted, "an answer from before a login or a logout is taken");
            process.superseded.extend(process.token.replace(new).map(|old| old.id));
            self.look(at);
        }
    }

    pub(super) fn late_answers(&mut self) {
        for at in 0..PROCESSES {
            for late in core::mem::take(&mut self.processes[at].late) {
                self.accept(at, &late);
            }
        }
    }
}
