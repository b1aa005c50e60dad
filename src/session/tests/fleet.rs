//! Several processes with one store: the promises to a user must hold. Calls, clocks, sleeps, and a store that fails, lags, swallows
//! and forgets, happen in any order.
//!
//! The processes do what the package's driver does, one step at a time: while they hold the lock, they look, send, store and look.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

mod decade;

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Every operation fails.
    Down,
    /// It accepts a token, but does not keep it.
    Swallows,
    /// It shows what was there before the last change.
    Lags,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Pass(f64),
    Sleep(f64),
    Access(usize),
    Refresh(usize),
    /// The process looks without a call, as it does after a message.
    Look(usize),
    /// The request of a refresh times out. Later its answer comes, or it is lost.
    RefreshLate(usize, bool),
    Login(usize, bool),
    Logout(usize),
    Store(Fault),
    /// The store loses its data.
    Forget,
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::{Access, Forget, Login, Logout, Look, Pass, Refresh, RefreshLate, Sleep, Store};
    let process = || 0..PROCESSES;
    prop_oneof![
        4 => prop_oneof![0.0..SECOND, 0.0..MINUTE, 0.0..HOUR, 0.0..5.0 * DAY].prop_map(|span: f64| Pass(span.floor())),
        1 => (0.0..DAY).prop_map(|span: f64| Sleep(span.floor())),
        8 => process().prop_map(Access),
        3 => process().prop_map(Refresh),
        3 => process().prop_map(Look),
        2 => (process(), any::<bool>()).prop_map(|(process, comes)| RefreshLate(process, comes)),
        1 => (process(), any::<bool>()).prop_map(|(process, is_jo)| Login(process, is_jo)),
        1 => process().prop_map(Logout),
        2 => prop::sample::select(&[Fault::None, Fault::None, Fault::Down, Fault::Swallows, Fault::Lags]).prop_map(Store),
        1 => Just(Forget),
    ]
}

const PROCESSES: usize = 3;

/// A process: a session, and the data that its driver keeps.
struct Process {
    session: Session,
    /// The token that a logout here still has to delete.
    pending: Option<Rc<OldToken>>,
    slept: f64,
    /// How far its wall clock is ahead of the true time.
    fast: f64,
    /// Requests whose answers are still to come.
    late: Vec<(Ticket, Rc<OldToken>, Now, Option<String>)>,
    /// The token that the process has read in the store, or read back after it had stored it.
    seen: Option<String>,
}

struct Fleet {
    time: f64,
    processes: Vec<Process>,
    stored: Option<Rc<OldToken>>,
    before: Option<Rc<OldToken>>,
    /// When the store drops what it has.
    ends: f64,
    fault: Fault,
    /// The mark that a logout leaves, if the store may forget.
    mark: Option<Rc<OldToken>>,
    /// Whether the store has never lagged, swallowed or forgotten anything.
    is_honest: bool,
    issued: u32,
    /// Tokens of acknowledged logouts.
    logged_out: Vec<String>,
    /// When each token was last sent and not answered.
    unanswered: HashMap<String, f64>,
    /// Tokens that the server does not accept any more. None if it accepts each token until that expires.
    revoked: Option<HashSet<String>>,
    /// How many requests were sent, and how many of the new tokens a session has accepted.
    requests: u32,
    accepted: u32,
    /// Which process keeps the lock for which late answer, and until when.
    lock: Option<(usize, Ticket, f64)>,
}

fn text(token: &OldToken) -> String {
    token.token.expose().to_owned()
}

/// How a request is answered: in time, late, or not at all.
#[derive(Clone, Copy)]
enum Answering {
    InTime,
    /// The request does not reach the server, or the answer is a failure.
    Fails(Code, Option<f64>),
    /// The request does not reach the server, and no answer ever comes.
    Silence,
    Late(bool),
}

impl Fleet {
    fn new() -> Self {
        let now = Now { wall: START, monotonic: 0.0 };
        let process = |_| Process {
            session: Session::new(documented(), Origin::Given, StatusOptions::default(), HALF, now),
            pending: None,
            slept: 0.0,
            fast: 0.0,
            late: Vec::new(),
            seen: None,
        };
        let mut processes: Vec<Process> = (0..PROCESSES).map(process).collect();
        for process in &mut processes {
            process.session.machine.has_store = true;
        }
        let mut fleet = Self {
            time: START,
            processes,
            stored: None,
            before: None,
            ends: f64::INFINITY,
            fault: Fault::None,
            mark: None,
            is_honest: true,
            issued: 0,
            logged_out: Vec::new(),
            unanswered: HashMap::new(),
            revoked: None,
            requests: 0,
            accepted: 0,
            lock: None,
        };
        // Each constructor begins to store its token at once.
        for at in 0..PROCESSES {
            fleet.look(at);
        }
        fleet
    }

    fn now(&self, at: usize) -> Now {
        let (slept, fast) = self.processes.get(at).map_or((0.0, 0.0), |process| (process.slept, process.fast));
        Now { wall: self.time + fast, monotonic: self.time - START - slept }
    }

    fn process(&mut self, at: usize) -> &mut Process {
        self.processes.get_mut(at).expect("a process")
    }

    fn issue(&mut self, user: &str) -> Rc<OldToken> {
        self.issued += 1;
        let issued_at = (self.time / SECOND).floor() * SECOND;
        let unique = URL_SAFE_NO_PAD.encode(self.issued.to_be_bytes());
        read(&format!("{}{unique}", token(user, Some(issued_at), issued_at + 30.0 * DAY)))
    }

    // The store

    fn get(&self) -> Result<Option<Rc<OldToken>>, ()> {
        match self.fault {
            Fault::Down => Err(()),
            Fault::Lags => Ok(self.before.clone()),
            _ => Ok(self.stored.clone().filter(|_| self.time < self.ends)),
        }
    }

    fn put(&mut self, token: Option<Rc<OldToken>>, ttl_ms: f64) -> bool {
        match self.fault {
            Fault::Down => return false,
            Fault::Swallows => {}
            Fault::None | Fault::Lags => {
                self.before = core::mem::replace(&mut self.stored, token);
                self.ends = self.time + ttl_ms;
            }
        }
        if self.fault == Fault::None {
            self.before.clone_from(&self.stored);
        }
        true
    }

    fn erase(&mut self) -> bool {
        self.put(self.mark.clone(), 30.0 * DAY)
    }

    // A process

    /// Compares with the store, and does what that asks for. Tells whether the store has answered.
    fn look(&mut self, at: usize) -> bool {
        let now = self.now(at);
        let Ok(stored) = self.get() else { return false };
        let process = self.process(at);
        let compared_with = process.session.token.clone().or_else(|| process.pending.clone());
        let before = process.session.token.clone();
        let content = match &stored {
            None if self.mark.is_some() => Content::Unusable,
            None => Content::Empty,
            Some(stored) if self.mark.as_ref().is_some_and(|mark| mark.token == stored.token) => Content::LoggedOut,
            Some(stored) => Content::Token(Stored {
                claims: stored.claims,
                is_same: compared_with.as_ref().is_some_and(|held| held.token == stored.token),
                is_of_same_user: compared_with.as_ref().is_some_and(|held| held.is_of_same_user(stored)),
            }),
        };
        let process = self.process(at);
        let found = process.session.machine.found(content, true, HALF, now);
        match found {
            Found::Adopted => {
                if let (Some(old), Some(new)) = (&before, &stored) {
                    assert!(!old.is_of_same_user(new) || !is_later(old.claims, new.claims), "back to an earlier token");
                }
                process.session.token.clone_from(&stored);
            }
            Found::Cleared => process.session.token = None,
            Found::Delete => {
                if self.erase() {
                    self.process(at).pending = None;
                }
                return true;
            }
            Found::Write => {
                assert!(process.session.token.is_some(), "nothing to store");
                self.knows_of_a_logout(at, before.as_deref(), stored.is_none());
                self.save(at);
                return true;
            }
            Found::Keep | Found::Lock => {}
        }
        self.knows_of_a_logout(at, before.as_deref(), stored.is_none());
        let process = self.process(at);
        process.pending = None;
        if process.session.is_stored() {
            process.seen = process.session.token.as_deref().map(text);
        }
        true
    }

    fn save(&mut self, at: usize) {
        let now = self.now(at);
        let Some(token) = self.process(at).session.token.clone() else { return };
        let ttl_ms = self.process(at).session.machine.ttl_ms(now);
        // An expired one is not kept.
        let is_written = if ttl_ms > 0.0 { self.put(Some(Rc::clone(&token)), ttl_ms) } else { self.put(None, 0.0) };
        if !is_written {
            return;
        }
        let is_read_back = self.get().is_ok_and(|stored| stored.is_some_and(|stored| stored.token == token.token));
        let is_there = ttl_ms <= 0.0 || is_read_back;
        if is_there {
            let process = self.process(at);
            process.session.machine.written(now);
            let same = Stored { claims: token.claims, is_same: true, is_of_same_user: true };
            assert_eq!(process.session.machine.found(Content::Token(same), true, HALF, now), Found::Keep);
            assert!(process.session.is_stored());
            process.seen = Some(text(&token));
        }
    }

    /// Asks as a call does, until there is an answer, and returns it.
    fn call(&mut self, at: usize, is_refresh: bool, answer: Answering) -> Step {
        let generation = self.process(at).session.generation();
        let mut progress = Progress::default();
        for _ in 0..6 {
            let now = self.now(at);
            let session = &mut self.process(at).session;
            let step =
                if is_refresh { session.refresh(generation, progress, now) } else { session.access(progress, now) };
            match step {
                Step::Use => {
                    self.hands_out(at);
                    return step;
                }
                Step::Reject(_) => return step,
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

    fn hands_out(&mut self, at: usize) {
        let now = self.now(at);
        let session = &mut self.process(at).session;
        let token = session.token.clone().expect("a token to hand out");
        assert!(!token.is_expired(0.0, session.server_time(now)), "an expired token was handed out");
    }

    /// After a look that shows a logout, the session must not hold the token any more, and must not store it.
    fn knows_of_a_logout(&mut self, at: usize, before: Option<&OldToken>, is_empty: bool) {
        let Some(token) = before else { return };
        let is_honest = self.is_honest && self.fault == Fault::None && is_empty;
        let is_last_minute = token.claims.expires_at - self.time <= MINUTE;
        let is_logged_out = self.logged_out.contains(&text(token));
        let process = self.process(at);
        if is_honest && is_logged_out && !is_last_minute && process.seen.as_deref() == Some(token.token.expose()) {
            let holds = process.session.token.as_ref().is_some_and(|held| held.token == token.token);
            assert!(!holds, "a token of a logout is held after a look");
        }
    }

    fn log_in(&mut self, at: usize, user: &str) {
        let token = self.issue(user);
        let process = self.process(at);
        process.session.replace(Rc::clone(&token), Origin::Given, HALF);
        process.pending = None;
        process.late.clear();
        self.look(at);
        if self.fault == Fault::None {
            assert_eq!(self.stored.as_deref().map(text), Some(text(&token)), "a login is not stored");
            assert!(self.process(at).session.is_stored());
        }
    }

    fn log_out(&mut self, at: usize) {
        let now = self.now(at);
        let process = self.process(at);
        let token = process.session.token.take().or_else(|| process.pending.clone());
        process.session.machine.log_out(now);
        process.pending.clone_from(&token);
        process.late.clear();
        if !self.erase() {
            return;
        }
        self.process(at).pending = None;
        if self.fault == Fault::None {
            self.logged_out.extend(token.as_deref().map(text));
        }
    }

    fn carry_out(&mut self, at: usize, ticket: Ticket, answer: Answering) {
        if self.lock.is_some_and(|(.., until)| self.time < until) {
            // Another process waits for its late answer, and has reported that.
            let now = self.now(at);
            let session = &mut self.process(at).session.machine;
            session.wait_for_another(now);
            assert!(!session.go_on_without_lock(ticket, HALF, now));
            return;
        }
        self.look(at);
        let sent = self.now(at);
        let Some(old) = self.process(at).session.send(ticket, sent) else { return };
        self.requests += 1;
        let (sent_at, kept_ms) = (self.time, self.process(at).session.unanswered_ms());
        if let Some(last) = self.unanswered.get(old.token.expose()) {
            let is_early = kept_ms > 0.0 && sent_at - last < UNANSWERED_MS;
            assert!(!is_early, "two requests for one token within two minutes");
        }
        let answer = self.judged(&old, answer);
        let user = if old.is_of_same_user(&ann(0.0, DAY)) { "ann" } else { "jo" };
        let new = self.issue(user);
        match answer {
            Answering::InTime => self.accept(at, ticket, &old, sent, &text(&new)),
            Answering::Fails(code, retry_after_ms) => self.refuse(at, ticket, code, retry_after_ms),
            Answering::Silence | Answering::Late(_) => {
                let comes = matches!(answer, Answering::Late(true));
                // The holder does not keep the lock if the token expires meanwhile by the holder's clock.
                if kept_ms > 0.0 {
                    self.unanswered.insert(text(&old), sent_at);
                }
                self.time += 10.0 * SECOND;
                let now = self.now(at);
                let process = self.process(at);
                process.session.machine.time_out(ticket, HALF, now);
                process.late.push((ticket, old, sent, comes.then(|| text(&new))));
                self.lock = Some((at, ticket, sent_at + kept_ms));
            }
        }
    }

    /// Returns what the server answers. A server that revokes tokens refuses a token that it has exchanged before.
    fn judged(&mut self, old: &OldToken, answer: Answering) -> Answering {
        let Some(revoked) = &mut self.revoked else { return answer };
        match answer {
            Answering::Fails(..) | Answering::Silence => answer,
            _ if !revoked.insert(text(old)) => Answering::Fails(Code::Unauthorized, None),
            _ => answer,
        }
    }

    fn refuse(&mut self, at: usize, ticket: Ticket, code: Code, retry_after_ms: Option<f64>) {
        if code == Code::Unauthorized {
            self.look(at);
        }
        let now = self.now(at);
        let mut failure = failed(code);
        failure.retry_after_ms = retry_after_ms;
        self.process(at).session.fail(ticket, &failure, HALF, now);
    }

    fn accept(&mut self, at: usize, ticket: Ticket, old: &OldToken, sent: Now, new: &str) {
        self.unanswered.remove(old.token.expose());
        let now = self.now(at);
        let new = read(new);
        if new.token == old.token || new.claims.expires_at < old.claims.expires_at {
            self.process(at).session.fail(ticket, &failed(Code::BadResponse), HALF, now);
            return;
        }
        let session = &mut self.process(at).session;
        if session.machine.accept(ticket, new.claims, sent, HALF, now) == Accepted::Held {
            session.token = Some(new);
            self.accepted += 1;
            self.look(at);
        }
    }

    /// The late answers come, or their requests fail.
    fn late_answers(&mut self, at: usize) {
        for (ticket, old, sent, new) in core::mem::take(&mut self.process(at).late) {
            let now = self.now(at);
            match new {
                Some(new) => self.accept(at, ticket, &old, sent, &new),
                None => {
                    self.process(at).session.fail(ticket, &failed(Code::Network), HALF, now);
                }
            }
            self.unanswered.remove(old.token.expose());
            self.lock.take_if(|(holder, waits_for, _)| *holder == at && *waits_for == ticket);
        }
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Pass(span) => {
                self.time += span;
                if span > SECOND {
                    (0..PROCESSES).for_each(|at| self.late_answers(at));
                }
            }
            Happening::Sleep(span) => {
                self.time += span;
                for process in &mut self.processes {
                    process.slept += span;
                }
            }
            Happening::Access(at) => drop(self.call(at, false, Answering::InTime)),
            Happening::Refresh(at) => drop(self.call(at, true, Answering::InTime)),
            Happening::RefreshLate(at, comes) => drop(self.call(at, true, Answering::Late(comes))),
            Happening::Look(at) => {
                self.look(at);
            }
            Happening::Login(at, is_jo) => self.log_in(at, if is_jo { "jo" } else { "ann" }),
            Happening::Logout(at) => self.log_out(at),
            Happening::Store(fault) => {
                self.fault = fault;
                self.is_honest &= matches!(fault, Fault::None | Fault::Down);
            }
            Happening::Forget => {
                (self.stored, self.before) = (None, None);
                self.is_honest = false;
            }
        }
        for process in &mut self.processes {
            let _: Vec<Event> = process.session.take_events();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_fleet_and_its_store_logins_and_logouts_hold(
        happenings in prop::collection::vec(happening(), 1..80),
    ) {
        let mut fleet = Fleet::new();
        for happening in happenings {
            fleet.happens(happening);
        }
        // The faults end, and all processes look at the store. Then each process that holds a token holds the stored one.
        fleet.fault = Fault::None;
        (0..PROCESSES).for_each(|at| fleet.late_answers(at));
        for _ in 0..PROCESSES {
            for at in 0..PROCESSES {
                fleet.look(at);
            }
        }
        let stored = fleet.stored.as_deref().map(text);
        for at in 0..PROCESSES {
            let now = fleet.now(at);
            let session = &mut fleet.process(at).session;
            let ended = session.machine.held.is_some_and(|held| held.ended);
            let Some(held) = session.token.clone().filter(|token| !ended && !token.is_expired(0.0, session.server_time(now))) else { continue };
            prop_assert_eq!(Some(text(&held)), stored.clone(), "a process does not hold the stored token");
        }
    }
}
