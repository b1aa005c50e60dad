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
use transak_user_token::session::{Event, MAX_CHUNK_MS, Now, Origin, Session, Ticket};
use transak_user_token::status::StatusOptions;

#[path = "session/requests.rs"]
mod requests;
#[path = "session/store.rs"]
mod store;

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
    /// The tokens that the one held has replaced, back to the stored one.
    superseded: Vec<u32>,
    /// The tokens that `expired` was told of.
    expired: HashSet<u32>,
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
            superseded: Vec::new(),
            expired: HashSet::new(),
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
            process.hears();
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
            // In its last minute a token whose entry is gone may be held: the entry may have ended by itself.
            if let Some(token) = process.token.filter(|token| token.claims.expires_at > self.time + MINUTE) {
                assert_eq!(Some(token), self.stored, "out of step");
            }
        }
    }
}

impl Process {
    /// Takes the events, all of which are of the token that is held now.
    fn hears(&mut self) {
        for event in self.machine.take_events() {
            if event == Event::Expired {
                let token = self.token.expect("a token that has expired");
                assert!(self.expired.insert(token.id), "`expired` is told twice of a token");
            }
        }
    }
}
