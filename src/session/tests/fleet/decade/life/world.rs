//! What happens to sessions: machines sleep, somebody sets their clocks, and the server and the store have outages.

use super::*;

/// After this time each session has looked at the store, or looks before it gives a token.
const NOTICED: f64 = 31.0 * SECOND;

pub(super) struct Machine {
    pub(super) processes: Vec<usize>,
    pub(super) sleeps: bool,
    /// Whether its monotonic clock and its timers stand still while it sleeps.
    pub(super) stands_still: bool,
    pub(super) asleep_since: Option<f64>,
    pub(super) awake_since: f64,
    pub(super) clock_since: f64,
}

/// How a server that is down answers.
#[derive(Clone, Copy)]
pub(super) enum Down {
    No,
    Refuses,
    Unavailable(Option<f64>),
    Silent,
}

impl Life {
    pub(super) fn answering(&mut self) -> Answering {
        match self.down {
            Down::Refuses => Answering::Fails(Code::Network, None),
            Down::Unavailable(after) => Answering::Fails(Code::Server, after),
            Down::Silent => Answering::Silence,
            Down::No => match self.chance.share() {
                ..0.015 => Answering::Late(true),
                ..0.02 => Answering::Late(false),
                ..0.03 => Answering::Fails(Code::Server, None),
                ..0.04 => Answering::Fails(Code::Network, None),
                _ => Answering::InTime,
            },
        }
    }

    pub(super) fn server_changes(&mut self) {
        let time = self.fleet.time;
        if matches!(self.down, Down::No) {
            self.down_times.push((time, f64::INFINITY));
            let after = self.chance.span(MINUTE, 3.0 * HOUR);
            self.down = match self.chance.share() {
                ..0.4 => Down::Refuses,
                ..0.6 => Down::Unavailable(Some(after)),
                ..0.8 => Down::Unavailable(None),
                _ => Down::Silent,
            };
            let span = self.chance.span(HOUR, 6.0 * DAY);
            return self.at(time + span, What::Server);
        }
        self.down = Down::No;
        self.up_since = time;
        if let Some((since, until)) = self.down_times.last_mut() {
            *until = time;
            self.figures.down += time - *since;
        }
        self.after(60.0 * DAY, What::Server);
    }

    // The store

    pub(super) fn store_changes(&mut self) {
        self.well_since = self.fleet.time;
        if self.fleet.fault != Fault::None {
            self.fleet.fault = Fault::None;
            return self.after(20.0 * DAY, What::Store);
        }
        self.fleet.fault = match self.chance.share() {
            ..0.5 => Fault::Down,
            ..0.75 => Fault::Lags,
            _ => Fault::Swallows,
        };
        if self.fleet.fault != Fault::Down {
            (self.is_blemished, self.fleet.is_honest) = (true, false);
        }
        let span = self.chance.span(MINUTE, 2.0 * DAY);
        self.at(self.fleet.time + span, What::Store);
    }

    /// Tells whether the store works and every session knows its content, or looks before it gives a token.
    pub(super) fn is_settled(&self) -> bool {
        let is_noticed = |since: f64| self.fleet.time - since > NOTICED;
        self.fleet.fault == Fault::None && is_noticed(self.well_since) && is_noticed(self.changed_at)
    }

    // The machines

    pub(super) fn sleeps(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if !machine.sleeps {
            return;
        }
        machine.asleep_since = Some(self.fleet.time);
        let span = if self.chance.is(0.05) {
            self.chance.span(DAY, 28.0 * DAY)
        } else {
            self.chance.span(5.0 * MINUTE, 16.0 * HOUR)
        };
        self.at(self.fleet.time + span, What::Awake(at));
    }

    pub(super) fn awakes(&mut self, at: usize) {
        let time = self.fleet.time;
        let machine = &mut self.machines[at];
        let slept = time - machine.asleep_since.take().expect("a sleep");
        machine.awake_since = time;
        for &process in machine.processes.iter().filter(|_| machine.stands_still) {
            self.due[process] += slept;
            self.fleet.process(process).slept += slept;
        }
        let span = self.chance.span(5.0 * MINUTE, 3.0 * DAY);
        self.at(time + span, What::Sleep(at));
    }

    /// Somebody sets the clock, often to the right time. A machine that is awake has noticed how long it slept.
    pub(super) fn sets_clock(&mut self, at: usize) {
        if self.machines[at].asleep_since.is_some() {
            return;
        }
        let error = self.chance.span(20.0 * SECOND, 40.0 * HOUR);
        let fast = match self.chance.share() {
            ..0.5 => 0.0,
            ..0.75 => error,
            _ => -error,
        };
        let machine = &mut self.machines[at];
        machine.clock_since = self.fleet.time;
        for process in machine.processes.clone() {
            let now = self.fleet.now(process);
            let _ = self.fleet.process(process).session.wait_ms(now);
            self.fleet.process(process).fast = fast;
            let now = self.fleet.now(process);
            let _ = self.fleet.process(process).session.wait_ms(now);
        }
        // By the new time of the clock, the two minutes after a request may be over.
        self.fleet.unanswered.clear();
    }

    /// Tells whether a session knows what time it is.
    pub(super) fn knows_time(&self, at: usize) -> bool {
        let process = &self.fleet.processes[at];
        process.fast.abs() < 1.0 || process.session.clock_skew_ms().is_some()
    }
}
