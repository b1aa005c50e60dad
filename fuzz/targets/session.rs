//! Sessions of several processes with one store, one server and at times one lock: calls, clocks, sleeps, logins, logouts and faults
//! in any order. The processes do what the package's driver does. What a user may rely on is asserted where it would break.

#![no_main]

use core::cell::Cell;
use std::collections::{HashMap, HashSet};

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use transak_user_token::claims::Claims;
use transak_user_token::error::Code;
use transak_user_token::session::numbers::COUNT;
use transak_user_token::session::{
    Accepted, Content, Event, Found, MAX_CHUNK_MS, Now, Origin, Progress, Session, Step, Stored, Ticket, UNANSWERED_MS,
};
use transak_user_token::status::StatusOptions;

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const DAY: f64 = 24.0 * 60.0 * MINUTE;
const START: f64 = 1_750_329_735_000.0;
const PROCESSES: usize = 3;
const CODES: &[Code] = &[Code::Network, Code::BadResponse, Code::RateLimited, Code::Server, Code::Unauthorized];

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let has_lock = input.arbitrary().unwrap_or(true);
    let mut fleet = Fleet::new(has_lock);
    while !input.is_empty() {
        if fleet.happens(&mut input).is_err() {
            break;
        }
        fleet.holds();
    }
    fleet.converges();
});

/// A token, as far as a session knows one.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Token {
    id: u32,
    user: bool,
    claims: Claims,
}

/// A request whose answer is still to come, if it comes, and whether there was no other login since.
struct Late {
    ticket: Ticket,
    old: Token,
    sent: Now,
    new: Option<Token>,
    is_wanted: bool,
}

struct Process {
    machine: Session,
    token: Option<Token>,
    /// What a logout here is still to delete.
    pending: Option<Token>,
    slept: f64,
    fast: f64,
    was_set: bool,
    late: Vec<Late>,
    /// The token that the process has read in the store.
    seen: Option<u32>,
    /// Until when each token is not to be sent again.
    unanswered: HashMap<u32, f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Down,
    /// What is set is not there.
    Swallows,
    /// It shows what was there before the last change.
    Lags,
}

struct Fleet {
    time: f64,
    processes: Vec<Process>,
    stored: Option<Token>,
    before: Option<Token>,
    fault: Fault,
    /// Whether the store has never lagged, swallowed or forgotten anything.
    is_honest: bool,
    issued: u32,
    logged_out: HashSet<u32>,
    has_lock: bool,
    /// Until when the lock is kept for a late answer, by whom.
    lock: Option<(usize, Ticket, f64)>,
    random: f64,
}

/// How a request is answered.
enum Answer {
    InTime(f64),
    Late(bool),
    Fails(Code, Option<f64>),
}

impl Fleet {
    fn new(has_lock: bool) -> Self {
        let token =
            Token { id: 0, user: false, claims: Claims { issued_at: Some(START), expires_at: START + 30.0 * DAY } };
        let now = Now { wall: START, monotonic: 0.0 };
        let options = StatusOptions::default();
        let process = |_| Process {
            machine: Session::new(Some(token.claims), Origin::Given, options, 0.5, now).with_store(),
            token: Some(token),
            pending: None,
            slept: 0.0,
            fast: 0.0,
            was_set: false,
            late: Vec::new(),
            seen: None,
            unanswered: HashMap::new(),
        };
        let mut fleet = Self {
            time: START,
            processes: (0..PROCESSES).map(process).collect(),
            stored: None,
            before: None,
            fault: Fault::None,
            is_honest: true,
            issued: 0,
            logged_out: HashSet::new(),
            has_lock,
            lock: None,
            random: 0.5,
        };
        (0..PROCESSES).for_each(|at| fleet.look(at));
        fleet
    }

    fn now(&self, at: usize) -> Now {
        let process = &self.processes[at];
        Now { wall: self.time + process.fast, monotonic: self.time - START - process.slept }
    }

    fn issue(&mut self, user: bool, life: f64) -> Token {
        self.issued += 1;
        let issued_at = (self.time / SECOND).floor() * SECOND;
        Token { id: self.issued, user, claims: Claims { issued_at: Some(issued_at), expires_at: issued_at + life } }
    }

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
    fn look(&mut self, at: usize) {
        let (now, random) = (self.now(at), self.random);
        let Ok(stored) = self.get() else { return };
        let process = &mut self.processes[at];
        let (before, compared) = (process.token, process.token.or(process.pending));
        let content = stored.map_or(Content::Empty, |stored| {
            Content::Token(Stored {
                claims: stored.claims,
                is_same: compared.is_some_and(|own| own.id == stored.id),
                is_of_same_user: compared.is_some_and(|own| own.user == stored.user),
            })
        });
        match process.machine.found(content, true, random, now) {
            Found::Adopted => {
                let new = stored.expect("a token to adopt");
                match before {
                    Some(old) if old.user == new.user => assert!(!is_later(old, new), "back to an earlier token"),
                    _ => process.voids(),
                }
                process.token = stored;
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
        if process.machine.is_stored() {
            process.seen = process.token.map(|token| token.id);
        }
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
            process.seen = Some(token.id);
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

    fn call(&mut self, at: usize, is_refresh: bool, answer: &Answer) {
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

    fn carry_out(&mut self, at: usize, ticket: Ticket, answer: &Answer) {
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
        process.unanswered.remove(&late.old.id);
        self.lock.take_if(|(holder, ticket, _)| *holder == at && *ticket == late.ticket);
        let Some(new) = late.new.filter(|new| new.claims.expires_at >= late.old.claims.expires_at) else {
            process.machine.fail(late.ticket, Code::BadResponse, None, random, now);
            return;
        };
        if process.machine.accept(late.ticket, new.claims, late.sent, random, now) == Accepted::Held {
            assert!(late.is_wanted, "an answer from before a login or a logout is taken");
            process.token = Some(new);
            self.look(at);
        }
    }

    fn late_answers(&mut self) {
        for at in 0..PROCESSES {
            for late in core::mem::take(&mut self.processes[at].late) {
                self.accept(at, &late);
            }
        }
    }

    fn log_in(&mut self, at: usize, user: bool) {
        let token = self.issue(user, 30.0 * DAY);
        let random = self.random;
        let process = &mut self.processes[at];
        process.machine.replace(token.claims, random);
        (process.token, process.pending) = (Some(token), None);
        process.voids();
        self.look(at);
        let process = &self.processes[at];
        if self.fault == Fault::None && !process.was_set {
            assert_eq!(self.stored, Some(token), "a login is not stored");
            assert!(process.machine.is_stored());
        }
    }

    fn log_out(&mut self, at: usize) {
        let now = self.now(at);
        let process = &mut self.processes[at];
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

    fn happens(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let at = input.choose_index(PROCESSES)?;
        self.random = f64::from(input.arbitrary::<u8>()?) / 256.0;
        let most = *input.choose(&[SECOND, MINUTE, 60.0 * MINUTE, DAY, 5.0 * DAY])?;
        let span = (f64::from(input.arbitrary::<u8>()?) / 255.0 * most).floor();
        let answer = match input.int_in_range(0..=5)? {
            0 => Answer::Late(true),
            1 => Answer::Late(false),
            2 => Answer::Fails(*input.choose(CODES)?, Some(span)),
            3 => Answer::InTime(span.max(SECOND)),
            _ => Answer::InTime(30.0 * DAY),
        };
        match input.int_in_range(0..=15)? {
            0 | 1 => {
                self.time += span;
                if span > SECOND {
                    self.late_answers();
                }
            }
            2 => {
                self.time += span;
                self.processes.iter_mut().for_each(|process| process.slept += span);
            }
            3 => {
                let process = &mut self.processes[at];
                process.fast += if input.arbitrary()? { span } else { -span };
                process.was_set = true;
            }
            4..=6 => self.call(at, false, &answer),
            7 | 8 => self.call(at, true, &answer),
            9 => self.look(at),
            10 => self.log_in(at, input.arbitrary()?),
            11 => self.log_out(at),
            12 => {
                self.fault = *input.choose(&[Fault::None, Fault::None, Fault::Down, Fault::Swallows, Fault::Lags])?;
                self.is_honest &= matches!(self.fault, Fault::None | Fault::Down);
            }
            13 => {
                (self.stored, self.before) = (None, None);
                self.is_honest = false;
            }
            14 => {
                let now = self.now(at);
                if let Some(ticket) = self.processes[at].machine.wake(now) {
                    self.carry_out(at, ticket, &answer);
                }
            }
            _ => {
                let machine = &mut self.processes[at].machine;
                match input.int_in_range(0..=3)? {
                    0 => machine.stop(),
                    1 => machine.set_offline(input.arbitrary()?),
                    _ => machine.start(),
                }
            }
        }
        Ok(())
    }

    /// What holds after everything that happens.
    fn holds(&mut self) {
        for at in 0..PROCESSES {
            let now = self.now(at);
            let process = &mut self.processes[at];
            let wait = process.machine.wait_ms(now);
            assert!(wait.is_none_or(|wait| (1.0..=MAX_CHUNK_MS).contains(&wait)), "{wait:?}");
            let _: Vec<Event> = process.machine.take_events();
            // JavaScript keeps it as numbers.
            let numbers = [const { Cell::new(0.0) }; COUNT];
            process.machine.clone().write(&numbers);
            process.machine = Session::read(&numbers);
        }
    }

    /// Every trouble ends: those who hold a good token hold the stored one.
    fn converges(&mut self) {
        self.fault = Fault::None;
        self.late_answers();
        for _ in 0..PROCESSES {
            (0..PROCESSES).for_each(|at| self.look(at));
        }
        if self.processes.iter().any(|process| process.was_set) {
            return;
        }
        for process in self.processes.iter().filter(|process| !process.machine.is_refused()) {
            if let Some(token) = process.token.filter(|token| token.claims.expires_at > self.time) {
                assert_eq!(Some(token), self.stored, "out of step");
            }
        }
    }
}

impl Process {
    fn voids(&mut self) {
        self.late.iter_mut().for_each(|late| late.is_wanted = false);
    }
}

fn is_later(one: Token, other: Token) -> bool {
    (one.claims.issued_at, one.claims.expires_at) > (other.claims.issued_at, other.claims.expires_at)
}
