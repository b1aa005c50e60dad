//! The life of one user with several sessions, event after event.

#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use super::*;

mod rules;
mod world;

use world::{Down, Machine};

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Call(usize),
    Answer(usize),
    Restart(usize),
    Sleep(usize),
    Awake(usize),
    Clock(usize),
    Server,
    Store,
    Forget,
    Logout,
    Login(usize),
}

pub(super) struct Life {
    seed: u64,
    fleet: Fleet,
    chance: Chance,
    events: Vec<(f64, What)>,
    machines: Vec<Machine>,
    due: [f64; PROCESSES],
    starts: [bool; PROCESSES],
    calls_every: f64,
    down: Down,
    down_times: Vec<(f64, f64)>,
    up_since: f64,
    /// Since when the store works, and when its content last changed.
    well_since: f64,
    changed_at: f64,
    last_stored: Option<Rc<OldToken>>,
    /// Whether the store has lost anything since the last login.
    is_blemished: bool,
    /// Whether the user has logged out, and has not logged in again.
    is_out: bool,
    user: &'static str,
    /// Which sessions had a wrong clock at their logout. By that clock a later login may seem to be from before the logout, so such a
    /// session may not adopt it.
    out_by_wrong_clock: [bool; PROCESSES],
    /// The tokens that each session was told to forget.
    dropped: [HashSet<String>; PROCESSES],
    without: [Option<(f64, &'static str)>; PROCESSES],
    figures: Figures,
}

impl Life {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        chance.share();
        let mut fleet = Fleet::new();
        if chance.is(0.5) {
            fleet.revoked = Some(HashSet::new());
        }
        if chance.is(0.25) {
            fleet.mark = Some(read(&token("nobody", Some(START), START + DAY)));
        }
        let all: Vec<usize> = (0..PROCESSES).collect();
        // The sessions are tabs of one machine, or processes on several machines.
        let groups = if chance.is(0.5) { vec![all] } else { all.into_iter().map(|at| vec![at]).collect() };
        let mut machine = |processes| Machine {
            processes,
            sleeps: chance.is(0.7),
            stands_still: chance.is(0.5),
            asleep_since: None,
            awake_since: START,
            clock_since: START,
        };
        let machines = groups.into_iter().map(&mut machine).collect();
        let starts = core::array::from_fn(|_| chance.is(0.7));
        let mut life = Self {
            seed,
            fleet,
            events: Vec::new(),
            machines,
            due: [f64::INFINITY; PROCESSES],
            starts,
            calls_every: chance.span(10.0 * MINUTE, DAY),
            chance,
            down: Down::No,
            down_times: Vec::new(),
            up_since: START,
            well_since: START,
            changed_at: START,
            last_stored: None,
            is_blemished: false,
            is_out: false,
            user: "jo",
            out_by_wrong_clock: [false; PROCESSES],
            dropped: core::array::from_fn(|_| HashSet::new()),
            without: [None; PROCESSES],
            figures: Figures::default(),
        };
        life.begin();
        life
    }

    fn begin(&mut self) {
        use What::{Call, Clock, Forget, Logout, Restart, Server, Sleep, Store};
        for at in 0..PROCESSES {
            if self.starts[at] {
                self.fleet.process(at).session.start();
            }
            self.after(self.calls_every, Call(at));
            self.after(20.0 * DAY, Restart(at));
        }
        for at in 0..self.machines.len() {
            self.after(DAY, Sleep(at));
            self.after(30.0 * DAY, Clock(at));
        }
        for (mean, what) in [(60.0, Server), (20.0, Store), (300.0, Forget), (90.0, Logout)] {
            self.after(mean * DAY, what);
        }
    }

    pub(super) fn lived(mut self) -> Figures {
        let end = START + YEARS * 365.25 * DAY;
        while self.fleet.time < end {
            self.step();
        }
        (0..PROCESSES).for_each(|at| self.ends_without(at));
        self.figures.lived = (self.fleet.time - START) * 3.0;
        self.figures.refreshed = f64::from(self.fleet.accepted);
        self.figures
    }

    /// Lets something happen once, after `mean` on average.
    fn after(&mut self, mean: f64, what: What) {
        let wait = self.chance.once_in(mean);
        self.at(self.fleet.time + wait, what);
    }

    fn at(&mut self, time: f64, what: What) {
        self.events.push((time, what));
    }

    fn step(&mut self) {
        let first = |one: &(usize, f64), other: &(usize, f64)| one.1.total_cmp(&other.1);
        let event = self.events.iter().map(|(time, _)| *time).enumerate().min_by(first).expect("an event");
        let due = |at: usize| if self.is_asleep(at) { f64::INFINITY } else { self.due[at] };
        let wake = (0..PROCESSES).map(|at| (at, due(at))).min_by(first).expect("a process");
        self.fleet.time = self.fleet.time.max(event.1.min(wake.1));
        if wake.1 <= event.1 {
            self.wakes(wake.0);
        } else {
            let (_, what) = self.events.swap_remove(event.0);
            self.happens(what);
        }
        self.notice();
    }

    fn machine_of(&self, at: usize) -> usize {
        self.machines.iter().position(|machine| machine.processes.contains(&at)).expect("a machine")
    }

    fn is_asleep(&self, at: usize) -> bool {
        self.machines[self.machine_of(at)].asleep_since.is_some()
    }

    fn happens(&mut self, what: What) {
        match what {
            What::Call(at) => {
                self.after(self.calls_every, what);
                if !self.is_asleep(at) {
                    self.calls(at);
                }
            }
            What::Answer(at) | What::Login(at) | What::Restart(at) if self.is_asleep(at) => self.after(HOUR, what),
            What::Answer(at) => self.fleet.late_answers(at),
            What::Restart(at) => {
                self.after(20.0 * DAY, what);
                self.restarts(at);
            }
            What::Sleep(machine) => self.sleeps(machine),
            What::Awake(machine) => self.awakes(machine),
            What::Clock(machine) => {
                self.after(30.0 * DAY, what);
                self.sets_clock(machine);
            }
            What::Server => self.server_changes(),
            What::Store => self.store_changes(),
            What::Forget => {
                self.after(300.0 * DAY, what);
                (self.fleet.stored, self.fleet.before) = (None, None);
                (self.is_blemished, self.fleet.is_honest) = (true, false);
            }
            What::Logout => {
                self.after(90.0 * DAY, what);
                self.logs_out();
            }
            What::Login(at) => self.logs_in(at),
        }
    }

    // The user and the sessions

    fn wakes(&mut self, at: usize) {
        self.figures.wakes += 1.0;
        self.due[at] = f64::INFINITY;
        let answer = self.answering();
        let now = self.fleet.now(at);
        if let Some(ticket) = self.fleet.process(at).session.wake(now) {
            self.fleet.carry_out(at, ticket, answer);
        }
    }

    fn calls(&mut self, at: usize) {
        let (answer, is_refresh) = (self.answering(), self.chance.is(0.002));
        self.figures.calls += 1.0;
        let step = self.fleet.call(at, is_refresh, answer);
        self.notice();
        match step {
            Step::Use => self.judges_token(at),
            Step::Reject(why) if !is_refresh => self.judges_rejection(at, why),
            _ => {}
        }
    }

    fn restarts(&mut self, at: usize) {
        let now = self.fleet.now(at);
        if self.fleet.get().is_err() {
            return;
        }
        let machine = crate::session::Session::new(None, Origin::Stored, StatusOptions::default(), HALF, now);
        let process = self.fleet.process(at);
        process.session = Session { machine: machine.with_store(), token: None };
        process.pending = None;
        process.late.clear();
        process.seen = None;
        self.dropped[at].clear();
        // The request of the process has ended with it, and the lock is free again.
        self.fleet.lock.take_if(|(holder, ..)| *holder == at);
        self.fleet.unanswered.clear();
        self.events.retain(|(_, what)| *what != What::Answer(at));
        self.fleet.look(at);
        if self.starts[at] {
            self.fleet.process(at).session.start();
        }
    }

    fn logs_out(&mut self) {
        let at = self.chance.process();
        if self.is_out || self.is_asleep(at) {
            return;
        }
        self.figures.logouts += 1.0;
        let dropped = self.fleet.processes[at].session.token.as_deref().map(text);
        self.dropped[at].extend(dropped);
        self.fleet.log_out(at);
        (0..PROCESSES).for_each(|at| self.ends_without(at));
        self.is_out = true;
        let (wait, at) = (self.chance.span(MINUTE, 10.0 * DAY), self.chance.process());
        self.at(self.fleet.time + wait, What::Login(at));
    }

    fn logs_in(&mut self, at: usize) {
        if !self.is_out && self.without[at].is_none() {
            return;
        }
        self.figures.logins += 1.0;
        if self.is_out && self.chance.is(0.2) {
            self.user = if self.user == "jo" { "ann" } else { "jo" };
        }
        self.fleet.log_in(at, self.user);
        (self.is_out, self.is_blemished) = (false, self.fleet.fault != Fault::None);
    }

    fn notice(&mut self) {
        let requests = f64::from(core::mem::take(&mut self.fleet.requests));
        if matches!(self.down, Down::No) {
            self.figures.requests += requests;
        } else {
            self.figures.in_vain += requests;
        }
        let stored = self.fleet.stored.clone();
        if stored.as_ref().map(Rc::as_ptr) != self.last_stored.as_ref().map(Rc::as_ptr) {
            self.changed_at = self.fleet.time;
            self.last_stored = stored;
        }
        for at in 0..PROCESSES {
            let events = self.fleet.process(at).session.take_events();
            if events.contains(&Event::Cleared) {
                self.out_by_wrong_clock[at] = !self.knows_time(at);
            }
            let is_wrong = events.contains(&Event::Cleared) && !self.is_out && !self.is_blemished;
            if is_wrong && self.fleet.time < self.fleet.ends {
                self.breaks("cleared, and nobody has logged out", at, "");
            }
            if !self.fleet.processes[at].late.is_empty()
                && !self.events.iter().any(|(_, what)| *what == What::Answer(at))
            {
                let wait = self.chance.span(SECOND, 10.0 * MINUTE);
                self.at(self.fleet.time + wait, What::Answer(at));
            }
            if self.starts[at] && !self.is_asleep(at) {
                let now = self.fleet.now(at);
                let wait = self.fleet.process(at).session.wait_ms(now);
                self.due[at] = self.due[at].min(wait.map_or(f64::INFINITY, |wait| self.fleet.time + wait));
            }
        }
    }
}
