#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use core::cell::Cell;
use core::ops::Deref;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::renewal::cool_down_ms;
use super::*;
use crate::error::{Action, Failure};
use crate::refresh::{Answer, Body, NewToken, OldToken, interpret_response, no_answer};

mod entry;
#[cfg(not(target_arch = "wasm32"))]
mod fleet;
mod late;
mod looks;
#[cfg(not(target_arch = "wasm32"))]
mod properties;

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// When every world here begins, in milliseconds since the epoch, by the true time.
const START: f64 = 1_750_329_735_000.0;

/// How long an answer takes.
const TRIP: f64 = 200.0;

/// A call that has waited long enough.
const WAITED: Progress = Progress { has_waited: true, has_looked: false };

/// The middle of the random numbers.
const HALF: f64 = 0.5;

/// A token of a user, issued and expiring then.
fn token(user: &str, issued_at: Option<f64>, expires_at: f64) -> String {
    let iat = issued_at.map(|at| format!(r#""iat":{},"#, at / 1_000.0)).unwrap_or_default();
    let payload = format!(r#"{{{iat}"exp":{},"sub":"{user}"}}"#, expires_at / 1_000.0);
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
}

#[track_caller]
fn read(text: &str) -> Rc<OldToken> {
    Rc::new(OldToken::read(text, "").expect("a token"))
}

/// A token of the user jo. `issued` is how long after the start it was issued.
fn jo(issued: f64, life: f64) -> Rc<OldToken> {
    read(&token("jo", Some(START + issued), START + issued + life))
}

fn ann(issued: f64, life: f64) -> Rc<OldToken> {
    read(&token("ann", Some(START + issued), START + issued + life))
}

fn failed(code: Code) -> Failure {
    let mut failure = Failure::new(code);
    (failure.attempts, failure.outcome_unknown) = (1, code != Code::Unauthorized);
    failure
}

/// A session, and the token, which its driver keeps.
struct Session {
    machine: super::Session,
    token: Option<Rc<OldToken>>,
}

impl Deref for Session {
    type Target = super::Session;

    fn deref(&self) -> &super::Session {
        &self.machine
    }
}

/// Passes calls on to the machine. Before each call it writes the machine as numbers and reads them back, as the driver does. It is not
/// `DerefMut`, because that would borrow the session before the arguments are computed.
macro_rules! passed_on {
    ($($name:ident($($given:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl Session {
            $(fn $name(&mut self, $($given: $type),*) $(-> $result)? {
                self.keep_as_numbers();
                self.machine.$name($($given),*)
            })*
        }
    };
}

passed_on! {
    access(progress: Progress, now: Now) -> Step;
    refresh(generation: u32, progress: Progress, now: Now) -> Step;
    wake(now: Now) -> Option<Ticket>;
    wait_ms(now: Now) -> Option<f64>;
    give_back(ticket: Ticket);
    written(now: Now);
    take_events() -> Vec<Event>;
    start();
    stop();
    set_offline(offline: bool);
}

impl Session {
    fn new(token: Rc<OldToken>, origin: Origin, options: StatusOptions, random: f64, now: Now) -> Self {
        let machine = super::Session::new(Some(token.claims), origin, options, random, now);
        Self { machine, token: Some(token) }
    }

    fn failure(&self) -> Option<Code> {
        self.machine.held?.failure
    }

    fn keep_as_numbers(&mut self) {
        let events = self.machine.take_events();
        let numbers = [const { Cell::new(0.0) }; numbers::COUNT];
        self.machine.clone().write(&numbers);
        self.machine = super::Session::read(&numbers);
        self.machine.events = events;
    }

    fn token(&self) -> Option<&Rc<OldToken>> {
        assert_eq!(self.token.as_ref().map(|token| token.claims), self.machine.held.map(|held| held.claims));
        self.token.as_ref()
    }

    fn compared(&self, stored: &OldToken) -> Stored {
        let held = self.token.as_ref();
        Stored {
            claims: stored.claims,
            is_same: held.is_some_and(|held| held.token == stored.token),
            is_of_same_user: held.is_some_and(|held| held.is_of_same_user(stored)),
        }
    }

    fn found(&mut self, stored: Option<Rc<OldToken>>, random: f64, now: Now) -> Found {
        let content = stored.as_ref().map_or(Content::Empty, |stored| Content::Token(self.compared(stored)));
        let found = self.machine.found(content, true, random, now);
        match found {
            Found::Adopted => self.token = stored,
            Found::Cleared => self.token = None,
            _ => {}
        }
        found
    }

    fn replace(&mut self, token: Rc<OldToken>, origin: Origin, random: f64) {
        match origin {
            Origin::Given => self.machine.replace(token.claims, random),
            Origin::Stored => {
                let now = self.machine.seen;
                self.machine.replaced(self.compared(&token), true, random, now);
            }
        }
        self.token = Some(token);
    }

    fn send(&mut self, ticket: Ticket, now: Now) -> Option<Rc<OldToken>> {
        if self.machine.send(ticket, now) { self.token.clone() } else { None }
    }

    fn server_time(&mut self, now: Now) -> f64 {
        self.machine.observe(now);
        self.machine.time()
    }

    fn fail(&mut self, ticket: Ticket, failure: &Failure, random: f64, now: Now) -> Outcome {
        self.machine.fail(ticket, failure.code, failure.retry_after_ms, random, now)
    }

    fn accept(&mut self, ticket: Ticket, new: &NewToken, sent: Now, random: f64, now: Now) -> bool {
        let accepted = self.machine.accept(ticket, new.claims, sent, random, now) == Accepted::Held;
        if accepted {
            self.token = Some(read(new.token.expose()));
        }
        accepted
    }

    fn clear(&mut self) {
        self.machine.clear();
        self.token = None;
    }
}

/// A machine with a session, a clock that may be wrong, and a server that is right.
struct World {
    session: Session,
    /// The true time.
    time: f64,
    /// How far the wall clock is ahead of the true time.
    fast: f64,
    /// How long the machine slept. Its monotonic clock stood still for that time.
    slept: f64,
    /// The life of the tokens that the server issues.
    life: f64,
    refreshes: u32,
    wakes: u32,
    events: Vec<Event>,
}

impl World {
    fn new(token: Rc<OldToken>) -> Self {
        Self::with(token, 0.0, StatusOptions::default())
    }

    fn with(token: Rc<OldToken>, fast: f64, options: StatusOptions) -> Self {
        let now = Now { wall: START + fast, monotonic: 0.0 };
        let session = Session::new(token, Origin::Given, options, HALF, now);
        Self { session, time: START, fast, slept: 0.0, life: 30.0 * DAY, refreshes: 0, wakes: 0, events: Vec::new() }
    }

    fn now(&self) -> Now {
        Now { wall: self.time + self.fast, monotonic: self.time - START - self.slept }
    }

    /// Moves the time to `elapsed` after the start.
    #[track_caller]
    fn at(&mut self, elapsed: f64) -> &mut Self {
        assert!(START + elapsed >= self.time, "time goes on");
        self.time = START + elapsed;
        self
    }

    fn pass(&mut self, duration: f64) -> &mut Self {
        self.time += duration;
        self
    }

    fn sleep(&mut self, duration: f64) -> &mut Self {
        self.slept += duration;
        self.pass(duration)
    }

    fn access(&mut self) -> Step {
        let step = self.session.access(Progress::default(), self.now());
        self.listen();
        step
    }

    fn overdue(&mut self) -> Step {
        let step = self.session.access(WAITED, self.now());
        self.listen();
        step
    }

    fn refresh(&mut self) -> Step {
        let generation = self.session.generation();
        let step = self.session.refresh(generation, Progress::default(), self.now());
        self.listen();
        step
    }

    /// Confirms that the token is stored.
    fn written(&mut self) {
        self.session.written(self.now());
    }

    fn listen(&mut self) {
        self.events.extend(self.session.take_events());
    }

    fn heard(&mut self) -> Vec<Event> {
        self.listen();
        core::mem::take(&mut self.events)
    }

    #[track_caller]
    fn must_refresh(&mut self) -> Ticket {
        match self.access() {
            Step::Refresh(ticket) => ticket,
            step => panic!("{step:?}"),
        }
    }

    #[track_caller]
    fn must_refresh_now(&mut self) -> Ticket {
        match self.refresh() {
            Step::Refresh(ticket) => ticket,
            step => panic!("{step:?}"),
        }
    }

    #[track_caller]
    fn rejects(&mut self, code: Code) {
        for step in [self.access(), self.overdue(), self.refresh()] {
            match step {
                Step::Reject(why) => assert_eq!(why.code(), code),
                step => panic!("{step:?}"),
            }
        }
    }

    #[track_caller]
    fn hands_out(&mut self, token: &Rc<OldToken>) {
        assert_eq!(self.access(), Step::Use);
        assert_eq!(self.session.token().map(|held| held.token.expose()), Some(token.token.expose()));
    }

    /// Sends a refresh now, and answers it after `trip` with this token. The answer is interpreted as the driver interprets it.
    #[track_caller]
    fn answer_after(&mut self, ticket: Ticket, text: &str, trip: f64) -> bool {
        let sent = self.now();
        let old = self.session.send(ticket, sent).expect("a refresh that is wanted");
        self.pass(trip);
        self.answered(ticket, &old, text, sent)
    }

    fn answered(&mut self, ticket: Ticket, old: &OldToken, text: &str, sent: Now) -> bool {
        let body = Body::Whole(format!(r#"{{"data":{{"accessToken":"{text}"}}}}"#).into_bytes());
        let answer: Answer = Answer { status: 200, body, ..Answer::default() };
        let now = self.now();
        self.refreshes += 1;
        let tolerance = self.session.options.clock_tolerance_ms + MAX_SKEW_MS;
        let stored = match interpret_response(answer, old, tolerance, now.wall) {
            Ok(new) => self.session.accept(ticket, &new, sent, HALF, now),
            Err(failure) => {
                self.session.fail(ticket, &failure, HALF, now);
                false
            }
        };
        self.listen();
        stored
    }

    /// Answers with a token that the server issues in the middle of the request. Its `iat` is in whole seconds, rounded down.
    #[track_caller]
    fn answer(&mut self, ticket: Ticket) -> bool {
        let issued_at = ((self.time + TRIP / 2.0) / 1_000.0).floor() * 1_000.0;
        let text = token("jo", Some(issued_at), issued_at + self.life);
        self.answer_after(ticket, &text, TRIP)
    }

    #[track_caller]
    fn fail(&mut self, ticket: Ticket, failure: &Failure) {
        self.fail_with(ticket, failure, HALF);
    }

    #[track_caller]
    fn fail_with(&mut self, ticket: Ticket, failure: &Failure, random: f64) {
        assert!(self.session.send(ticket, self.now()).is_some());
        self.session.fail(ticket, failure, random, self.now());
        self.listen();
    }

    /// Lets the renewal run until `elapsed` after the start.
    #[track_caller]
    fn run_until(&mut self, elapsed: f64, outage: bool) {
        let end = START + elapsed;
        while let Some(wait) = self.session.wait_ms(self.now()) {
            assert!((1.0..=MAX_CHUNK_MS).contains(&wait));
            if self.time + wait > end {
                break;
            }
            self.pass(wait);
            self.wakes += 1;
            assert!(self.wakes < 20_000, "a loop: {} refreshes", self.refreshes);
            if let Some(ticket) = self.session.wake(self.now()) {
                if outage {
                    self.refreshes += 1;
                    self.fail(ticket, &failed(Code::Network));
                } else {
                    self.answer(ticket);
                }
            }
            self.listen();
        }
        self.time = self.time.max(end);
    }
}

/// The documented token: 30 days, of which the last three are the refresh window.
fn documented() -> Rc<OldToken> {
    jo(0.0, 30.0 * DAY)
}

// Calls

#[test]
fn a_refresh_that_has_waited_goes_on_waiting_before_the_time_out() {
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    let now = world.now();
    assert!(world.session.send(ticket, now).is_some());
    let generation = world.session.generation();
    assert_eq!(world.session.refresh(generation, WAITED, now), Step::Wait);
}

#[test]
fn a_fresh_token_is_handed_out_at_once() {
    let mut world = World::new(documented());
    for elapsed in [0.0, 1.0, 26.9 * DAY, 27.0 * DAY - 1.0] {
        world.at(elapsed).hands_out(&documented());
    }
    assert_eq!(world.heard(), []);
}

#[test]
fn an_expiring_token_waits_for_the_one_refresh() {
    let mut world = World::new(documented());
    let ticket = world.at(27.0 * DAY).must_refresh();
    for _ in 0..10_000 {
        assert_eq!(world.access(), Step::Wait);
    }
    assert_eq!(world.refresh(), Step::Wait);
    assert!(world.answer(ticket));
    assert_eq!(world.access(), Step::Use);
    assert!(world.session.token().expect("a token").claims.expires_at > documented().claims.expires_at);
    assert_eq!(world.heard(), [Event::Refreshed]);
}

#[test]
fn a_call_that_has_waited_long_enough_gets_the_old_token() {
    let mut world = World::new(documented());
    let ticket = world.at(27.0 * DAY).must_refresh();
    assert_eq!(world.pass(5.0 * SECOND).overdue(), Step::Use);
    // The refresh goes on without them.
    assert_eq!(world.access(), Step::Wait);
    assert!(world.answer(ticket));
}

#[test]
fn a_token_is_expired_on_its_very_instant() {
    let mut world = World::new(documented());
    let ticket = world.at(30.0 * DAY - 1.0).must_refresh();
    world.session.give_back(ticket);
    world.at(30.0 * DAY).rejects(Code::TokenExpired);
    assert_eq!(world.heard(), [Event::Expired]);
}

#[test]
fn a_token_that_expires_before_it_is_sent_emits_expired_unless_the_session_was_stopped() {
    for (is_stopped, told) in [(false, vec![Event::Expired]), (true, vec![])] {
        let mut world = World::new(documented());
        let ticket = world.at(30.0 * DAY - 1.0).must_refresh();
        if is_stopped {
            world.session.stop();
        }
        world.pass(1.0);
        assert!(world.session.send(ticket, world.now()).is_none());
        assert_eq!(world.heard(), told);
    }
}

#[test]
fn a_tolerance_moves_that_instant() {
    let options = StatusOptions { clock_tolerance_ms: 5.0 * SECOND, ..StatusOptions::default() };
    let mut world = World::with(documented(), 0.0, options);
    let ticket = world.at(30.0 * DAY + 5.0 * SECOND - 1.0).must_refresh();
    world.session.give_back(ticket);
    world.pass(1.0).rejects(Code::TokenExpired);
}

#[test]
fn a_session_with_an_expired_token_emits_expired_at_the_first_call() {
    let mut world = World::new(jo(-31.0 * DAY, 30.0 * DAY));
    assert_eq!(world.heard(), []);
    let TokenStatus::Valid(life) = world.session.machine.status(world.now()) else { panic!("a token") };
    assert_eq!(life.state, State::Expired);
    assert_eq!(world.heard(), []);
    for _ in 0..3 {
        world.rejects(Code::TokenExpired);
    }
    assert_eq!(world.heard(), [Event::Expired]);
}

#[test]
fn a_token_that_expires_during_its_refresh_is_rejected_until_the_answer_comes() {
    let mut world = World::new(documented());
    let ticket = world.at(30.0 * DAY - 100.0).must_refresh();
    let sent = world.now();
    let old = world.session.send(ticket, sent).expect("it is not expired yet");
    world.at(30.0 * DAY);
    for step in [world.access(), world.overdue()] {
        assert!(matches!(step, Step::Reject(why) if why.code() == Code::TokenExpired));
    }
    assert_eq!(world.refresh(), Step::Wait);
    assert!(world.answered(ticket, &old, &token("jo", Some(world.time), world.time + DAY), sent));
    assert_eq!(world.access(), Step::Use);
    assert_eq!(world.heard(), [Event::Refreshed]);
}

#[test]
fn a_token_that_expires_before_its_refresh_is_sent_is_not_sent() {
    let mut world = World::new(documented());
    let ticket = world.at(30.0 * DAY - 100.0).must_refresh();
    world.pass(100.0);
    assert!(world.session.send(ticket, world.now()).is_none());
    world.rejects(Code::TokenExpired);
    assert_eq!(world.heard(), [Event::Expired]);
}

#[test]
fn refresh_also_refreshes_a_fresh_token() {
    let mut world = World::new(documented());
    let ticket = world.at(DAY).must_refresh_now();
    world.hands_out(&documented());
    assert_eq!(world.refresh(), Step::Wait);
    assert!(world.answer(ticket));
    assert_eq!(world.session.refresh(0, Progress::default(), world.now()), Step::Use);
    assert!(matches!(world.refresh(), Step::Refresh(_)));
}

// Time

#[test]
fn thirty_days_of_a_documented_token_are_one_refresh_and_few_wakes() {
    for random in [0.0, HALF, 0.999] {
        let mut world = World::new(documented());
        world.session = Session::new(documented(), Origin::Given, StatusOptions::default(), random, world.now());
        world.session.start();
        world.run_until(27.0 * DAY - 1.0, false);
        assert_eq!(world.refreshes, 0);
        world.run_until(30.0 * DAY, false);
        assert_eq!(world.refreshes, 1);
        assert!(world.wakes <= 750, "{} wakes", world.wakes);
        assert_eq!(world.heard(), [Event::Refreshed]);
    }
}

#[test]
fn a_renewal_is_late_by_its_own_share_of_a_twentieth_of_the_window() {
    for (random, hours) in [(0.0, 0.0), (HALF, 1.8), (1.0, 3.6)] {
        let mut world = World::new(documented());
        world.session = Session::new(documented(), Origin::Given, StatusOptions::default(), random, world.now());
        world.session.start();
        world.at(27.0 * DAY + hours * HOUR - 1.0);
        assert_eq!((world.session.wake(world.now()), world.session.wait_ms(world.now())), (None, Some(1.0)));
        world.pass(1.0);
        assert!(world.session.wake(world.now()).is_some(), "{random}");
    }
}

#[test]
fn no_wait_is_longer_than_an_hour_so_that_no_timer_overflows() {
    let mut world = World::new(jo(0.0, 3_650.0 * DAY));
    world.session.start();
    assert_eq!(world.session.wait_ms(world.now()), Some(HOUR));
    world.run_until(30.0 * DAY, false);
    assert_eq!((world.wakes, world.refreshes), (720, 0));
}

#[test]
fn a_machine_asleep_from_day_20_to_day_28_refreshes_on_waking() {
    // The monotonic clock of some systems stands still meanwhile.
    for stands_still in [true, false] {
        let mut world = World::new(documented());
        world.session.start();
        world.run_until(20.0 * DAY, false);
        if stands_still {
            world.sleep(8.0 * DAY)
        } else {
            world.pass(8.0 * DAY)
        };
        let ticket = world.session.wake(world.now()).expect("it is due");
        assert!(world.answer(ticket));
        assert_eq!(world.heard(), [Event::Refreshed]);
    }
}

#[test]
fn a_machine_asleep_past_the_expiry_emits_expired_once_and_sends_nothing() {
    let mut world = World::new(documented());
    world.session.start();
    world.run_until(20.0 * DAY, false);
    world.sleep(11.0 * DAY);
    for _ in 0..3 {
        assert_eq!(world.session.wake(world.now()), None);
        assert_eq!(world.session.wait_ms(world.now()), None);
        world.rejects(Code::TokenExpired);
    }
    assert_eq!((world.heard(), world.refreshes), (vec![Event::Expired], 0));
}

#[test]
fn without_start_nothing_is_sent_by_itself() {
    let mut world = World::new(documented());
    for elapsed in [0.0, 28.0 * DAY] {
        world.at(elapsed);
        assert_eq!((world.session.wake(world.now()), world.session.wait_ms(world.now())), (None, None));
    }
    world.session.start();
    assert_eq!(world.session.wait_ms(world.now()), Some(1.0));
    assert!(world.session.wake(world.now()).is_some());
}

#[test]
fn an_expiry_that_a_timer_notices_is_emitted_once_and_not_before_the_answer_of_a_request() {
    let mut world = World::new(documented());
    world.at(30.0 * DAY - SECOND);
    let Step::Refresh(ticket) = world.access() else { panic!("it is due") };
    world.pass(SECOND);
    assert_eq!((world.session.wake(world.now()), world.heard()), (None, vec![]), "the answer may still come");
    world.session.give_back(ticket);
    for _ in 0..2 {
        assert_eq!(world.session.wake(world.now()), None);
    }
    assert_eq!(world.heard(), [Event::Expired]);
}

#[test]
fn without_a_network_the_renewal_pauses_and_the_expiry_does_not() {
    let mut world = World::new(documented());
    world.session.start();
    world.session.set_offline(true);
    world.run_until(28.0 * DAY, false);
    assert_eq!((world.refreshes, world.wakes), (0, 28 * 24));
    world.session.set_offline(false);
    assert!(world.session.wake(world.now()).is_some());

    let mut world = World::new(documented());
    world.session.start();
    world.session.set_offline(true);
    world.run_until(31.0 * DAY, false);
    assert_eq!(world.heard(), [Event::Expired]);
}

#[test]
fn a_short_answer_does_not_loop() {
    // Every new token expires at the same instant as the first token.
    let mut world = World::new(documented());
    world.session.start();
    let end = START + 30.0 * DAY;
    let mut refreshes = 0;
    while let Some(wait) = world.session.wait_ms(world.now()) {
        world.pass(wait);
        if let Some(ticket) = world.session.wake(world.now()) {
            refreshes += 1;
            let (left, second) = (end - world.time, (world.time / 1_000.0).floor() * 1_000.0);
            if left > 10.0 * SECOND {
                assert!(world.answer_after(ticket, &token("jo", Some(second), end), TRIP));
                let rests = world.session.wait_ms(world.now()).expect("it goes on");
                assert!(rests >= (left / 2.0 - TRIP).min(HOUR) - 1.0, "{rests} of {left}");
            } else {
                world.session.give_back(ticket);
                break;
            }
        }
    }
    assert!(refreshes <= 18, "{refreshes} refreshes");
}

#[test]
fn a_wrong_window_does_not_loop() {
    let options = StatusOptions { refresh_window_ms: Some(400.0 * DAY), ..StatusOptions::default() };
    let mut world = World::with(documented(), 0.0, options);
    world.session.start();
    world.at(HOUR).run_until(29.0 * DAY, false);
    assert_eq!(world.refreshes, 2);
    // Nor do calls cause a loop.
    for _ in 0..1_000 {
        assert_eq!(world.access(), Step::Use);
    }
    assert!(matches!(world.refresh(), Step::Refresh(_)));
}

#[test]
fn a_clock_wrong_by_a_day_neither_loops_nor_signs_out() {
    for fast in [DAY, -DAY, 47.0 * HOUR, -47.0 * HOUR, 10.0 * SECOND] {
        let mut world = World::with(documented(), fast, StatusOptions::default());
        world.session.start();
        world.run_until(90.0 * DAY, false);
        assert_eq!(world.refreshes, 3, "{fast}");
        assert!(!world.heard().contains(&Event::Expired));
        let skew = world.session.clock_skew_ms().expect("it was measured");
        assert!((skew + fast).abs() < 1.5 * SECOND, "server minus local: {skew} for {fast}");
        assert!((world.session.server_time(world.now()) - world.time).abs() < 1.5 * SECOND);
    }
}

#[test]
fn an_answer_is_judged_with_the_skew_that_it_implies() {
    // If the clock is a day fast, the new token seems to be expired when it comes.
    let mut world = World::with(jo(-HOUR, HOUR + DAY + 100.0), DAY, StatusOptions::default());
    let ticket = world.must_refresh();
    let text = token("jo", Some(START + TRIP / 2.0), START + DAY + 150.0);
    assert!(world.answer_after(ticket, &text, TRIP));
    assert_eq!(world.session.clock_skew_ms(), Some(-DAY));
    world.hands_out(&read(&text));
    // If the clock is a day slow, the token seems to live a day too long.
    let mut world = World::with(jo(-HOUR, 2.0 * HOUR), -DAY, StatusOptions::default());
    let ticket = world.must_refresh_now();
    let text = token("jo", Some(START + TRIP / 2.0), START + 2.0 * HOUR);
    assert!(world.answer_after(ticket, &text, TRIP));
    assert_eq!(world.session.clock_skew_ms(), Some(DAY));
    let ticket = world.at(2.0 * HOUR - 1.0).must_refresh();
    world.session.give_back(ticket);
    world.at(2.0 * HOUR).rejects(Code::TokenExpired);
}

#[test]
fn the_status_is_by_the_servers_clock() {
    // A clock that is a day fast is a day ahead of the server's.
    let mut world = World::with(documented(), DAY, StatusOptions::default());
    let ticket = world.at(20.0 * DAY).must_refresh_now();
    assert!(world.answer(ticket));
    let TokenStatus::Valid(life) = world.session.machine.status(world.now()) else { panic!("a token") };
    assert!((life.expires_in_ms - (life.expires_at - world.time)).abs() < SECOND);
}

#[test]
fn the_status_drops_the_skew_once_the_clock_was_set() {
    // The clock is two hours slow. Then it is corrected.
    let mut world = World::with(documented(), -2.0 * HOUR, StatusOptions::default());
    let ticket = world.at(20.0 * DAY).must_refresh_now();
    assert!(world.answer(ticket));
    world.at(49.0 * DAY);
    let now = Now { wall: world.now().wall + 2.0 * HOUR, ..world.now() };
    let TokenStatus::Valid(life) = world.session.machine.status(now) else { panic!("a token") };
    assert!((life.expires_in_ms - (life.expires_at - world.time)).abs() < SECOND);
    assert_eq!(world.session.clock_skew_ms(), None);
}

/// Refreshes a token on day 28. The new token is issued `ahead` after the middle of the request. Returns the skew.
fn skew_after(ahead: f64, old: Rc<OldToken>, trip: f64) -> Option<f64> {
    let mut world = World::new(old);
    let ticket = world.at(28.0 * DAY).must_refresh_now();
    let text = token("jo", Some(world.time + trip / 2.0 + ahead), world.time + ahead + 30.0 * DAY);
    world.answer_after(ticket, &text, trip);
    world.session.clock_skew_ms()
}

#[test]
fn a_skew_counts_from_seven_seconds_to_two_days() {
    for (ahead, skew) in [
        (0.0, Some(0.0)),
        (6_999.0, Some(0.0)),
        (-6_999.0, Some(0.0)),
        (7_000.0, Some(7_000.0)),
        (-7_000.0, Some(-7_000.0)),
        (MAX_SKEW_MS, Some(MAX_SKEW_MS)),
        (-MAX_SKEW_MS, Some(-MAX_SKEW_MS)),
        (MAX_SKEW_MS + 1.0, None),
        (-MAX_SKEW_MS - 1.0, None),
    ] {
        assert_eq!(skew_after(ahead, documented(), TRIP), skew, "{ahead}");
    }
}

#[test]
fn skew_is_learned_from_a_later_token_only() {
    let issued_at = |at: f64| jo(28.0 * DAY - HOUR + TRIP / 2.0 + at, 29.0 * DAY);
    for (old, skew) in [(-1.0, Some(-HOUR)), (0.0, None), (1.0, None)] {
        assert_eq!(skew_after(-HOUR, issued_at(old), TRIP), skew, "{old}");
    }
}

#[test]
fn skew_is_not_learned_from_an_iat_that_stands_still() {
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    assert!(world.answer_after(ticket, &token("jo", Some(START), START + 58.0 * DAY), TRIP));
    assert_eq!(world.session.clock_skew_ms(), None);
    let ticket = world.at(56.0 * DAY).must_refresh();
    assert!(world.answer_after(ticket, &token("jo", None, START + 90.0 * DAY), TRIP));
    assert_eq!(world.session.clock_skew_ms(), None);
}

#[test]
fn skew_is_not_learned_from_a_slow_answer() {
    assert_eq!(skew_after(HOUR, documented(), 10_000.0), Some(HOUR));
    assert_eq!(skew_after(HOUR, documented(), 10_001.0), None);
}

#[test]
fn skew_is_forgotten_when_the_wall_clock_jumps() {
    for jump in [8.0 * SECOND, -8.0 * SECOND, DAY, -DAY] {
        let mut world = World::with(documented(), DAY, StatusOptions::default());
        let ticket = world.at(27.0 * DAY).must_refresh();
        assert!(world.answer(ticket));
        assert!(world.session.clock_skew_ms().is_some());
        world.fast += jump;
        assert_eq!(world.pass(MINUTE).access(), Step::Use);
        assert_eq!(world.session.clock_skew_ms(), None, "{jump}");
    }
}

#[test]
fn skew_is_kept_while_the_clock_drifts() {
    let mut world = World::with(documented(), DAY, StatusOptions::default());
    let ticket = world.at(27.0 * DAY).must_refresh();
    assert!(world.answer(ticket));
    for _ in 0..100 {
        world.fast += 2.0 * SECOND;
        assert_eq!(world.pass(HOUR).access(), Step::Use);
    }
    assert!(world.session.clock_skew_ms().is_some());
}

#[test]
fn skew_is_not_learned_across_a_jump_of_the_clock() {
    for jump in [HOUR, -HOUR, 8.0 * SECOND] {
        let mut world = World::new(documented());
        let ticket = world.at(28.0 * DAY).must_refresh();
        let sent = world.now();
        let old = world.session.send(ticket, sent).expect("a refresh");
        world.fast += jump;
        world.pass(TRIP);
        let text = token("jo", Some(world.time), world.time + 30.0 * DAY);
        assert!(world.answered(ticket, &old, &text, sent));
        assert_eq!(world.session.clock_skew_ms(), None, "{jump}");
    }
}

#[test]
fn a_renewal_is_on_time_by_the_servers_clock() {
    for fast in [DAY, -DAY] {
        let mut world = World::with(documented(), fast, StatusOptions::default());
        let ticket = world.at(DAY).must_refresh_now();
        assert!(world.answer(ticket));
        world.session.start();
        world.at(28.0 * DAY + 1.8 * HOUR - SECOND);
        assert_eq!(world.session.wake(world.now()), None, "{fast}");
        world.pass(2.0 * SECOND);
        assert!(world.session.wake(world.now()).is_some(), "{fast}");
    }
}

#[test]
fn after_a_refresh_the_next_one_begins_by_itself_no_sooner_than_30_seconds_later() {
    let mut world = World::new(jo(0.0, 20.0 * SECOND));
    world.life = 20.0 * SECOND;
    world.session.start();
    let ticket = world.at(18.0 * SECOND).must_refresh();
    assert!(world.answer(ticket));
    world.pass(15.0 * SECOND);
    assert_eq!(world.session.wake(world.now()), None);
    // A call may refresh earlier than that.
    world.pass(3.5 * SECOND);
    assert!(matches!(world.access(), Step::Refresh(_)));
}

#[test]
fn a_rest_lasts_no_longer_for_a_clock_that_is_set_back() {
    let options = StatusOptions { refresh_window_ms: Some(400.0 * DAY), ..StatusOptions::default() };
    let mut world = World::with(documented(), 0.0, options);
    let ticket = world.at(HOUR).must_refresh();
    assert!(world.answer(ticket));
    assert_eq!(world.access(), Step::Use);
    world.fast -= 20.0 * DAY;
    assert_eq!(world.access(), Step::Use);
    assert!(matches!(world.pass(15.0 * DAY).access(), Step::Refresh(_)));
}

#[test]
fn a_pause_lasts_no_longer_for_a_clock_that_is_set_back() {
    let options = StatusOptions { refresh_window_ms: Some(400.0 * DAY), ..StatusOptions::default() };
    let mut world = World::with(jo(0.0, 40.0 * SECOND), 0.0, options);
    world.session.start();
    world.life = 40.0 * SECOND;
    let ticket = world.at(10.0 * SECOND).must_refresh();
    assert!(world.answer(ticket));
    world.fast -= HOUR;
    world.pass(25.0 * SECOND);
    assert_eq!(world.session.wake(world.now()), None);
    world.pass(6.0 * SECOND);
    assert!(world.session.wake(world.now()).is_some());
}

#[test]
fn a_cool_down_lasts_no_longer_for_a_clock_that_is_set_back() {
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    let failed = Failure { retry_after_ms: Some(MINUTE), ..failed(Code::RateLimited) };
    world.fail(ticket, &failed);
    world.fast -= 2.0 * DAY;
    world.pass(MINUTE - SECOND);
    assert!(matches!(world.refresh(), Step::Reject(_)), "the cool-down is not shorter");
    assert_eq!(world.pass(5.0 * SECOND).access(), Step::Use, "it is fresh again, by this clock");
    assert!(matches!(world.refresh(), Step::Refresh(_)));
}

#[test]
fn expired_is_emitted_once_however_the_clock_is_set() {
    let mut world = World::new(documented());
    world.session.start();
    for _ in 0..5 {
        world.fast += 31.0 * DAY;
        world.rejects(Code::TokenExpired);
        assert_eq!(world.session.wake(world.now()), None);
        world.fast -= 31.0 * DAY;
        world.hands_out(&documented());
    }
    assert_eq!(world.heard(), [Event::Expired]);
}

// One refresh at a time

#[test]
fn a_timer_and_a_call_are_one_refresh() {
    let mut world = World::new(documented());
    world.session.start();
    world.at(28.0 * DAY);
    let ticket = world.session.wake(world.now()).expect("it is due");
    assert_eq!((world.session.wake(world.now()), world.session.wait_ms(world.now())), (None, None));
    assert_eq!((world.access(), world.refresh()), (Step::Wait, Step::Wait));
    assert!(world.answer(ticket));
    assert_eq!(world.session.wait_ms(world.now()), Some(HOUR));
}

#[test]
fn an_answer_from_before_replace_or_clear_is_dropped() {
    let replace: fn(&mut Session) = |session| session.replace(jo(1.0, 40.0 * DAY), Origin::Given, HALF);
    for (drop, event) in [(replace, Event::Replaced), (Session::clear, Event::Cleared)] {
        let mut world = World::new(documented());
        let ticket = world.at(28.0 * DAY).must_refresh();
        let sent = world.now();
        let old = world.session.send(ticket, sent).expect("a refresh");
        drop(&mut world.session);
        let held = world.session.token().map(|token| token.token.clone());
        let text = token("jo", Some(world.time), world.time + 30.0 * DAY);
        assert!(!world.answered(ticket, &old, &text, sent));
        assert_eq!(world.session.token().map(|token| token.token.clone()), held);
        world.session.fail(ticket, &failed(Code::Unauthorized), HALF, world.now());
        assert_eq!(world.heard(), [event]);
        assert!(!world.session.is_refused());
    }
}

#[test]
fn an_old_answer_does_not_end_a_later_refresh() {
    let mut world = World::new(documented());
    let first = world.at(28.0 * DAY).must_refresh();
    let sent = world.now();
    let old = world.session.send(first, sent).expect("a refresh");
    world.session.replace(jo(0.0, 30.0 * DAY + SECOND), Origin::Given, HALF);
    let second = world.must_refresh();
    assert!(!world.answered(first, &old, &token("jo", Some(world.time), world.time + 30.0 * DAY), sent));
    assert_eq!(world.access(), Step::Wait);
    assert!(world.answer(second));
}

#[test]
fn after_stop_the_answer_is_accepted_without_an_event() {
    let mut world = World::new(documented());
    world.session.start();
    let ticket = world.at(28.0 * DAY).must_refresh();
    world.session.stop();
    assert!(world.answer(ticket));
    assert_eq!((world.access(), world.heard()), (Step::Use, vec![]));
    assert_eq!(world.session.wait_ms(world.now()), None);

    let mut world = World::new(documented());
    let ticket = world.at(30.0 * DAY - 1.0).must_refresh();
    world.session.stop();
    world.pass(1.0);
    assert!(world.session.send(ticket, world.now()).is_none());
    assert_eq!(world.heard(), []);

    for (code, then) in [(Code::Network, Event::RefreshFailed), (Code::Unauthorized, Event::Expired)] {
        let mut world = World::new(documented());
        let ticket = world.at(28.0 * DAY).must_refresh();
        world.session.stop();
        world.fail(ticket, &failed(code));
        assert_eq!(world.heard(), []);
        // If the session starts again before the failure, it emits the event.
        let mut world = World::new(documented());
        let ticket = world.at(28.0 * DAY).must_refresh();
        world.session.stop();
        world.session.start();
        world.fail(ticket, &failed(code));
        assert_eq!(world.heard(), [then]);
    }
}

#[test]
fn a_ticket_that_is_given_back_leaves_nothing_behind() {
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    world.session.give_back(ticket);
    assert!(world.session.send(ticket, world.now()).is_none());
    assert!(world.session.failure().is_none() && world.heard().is_empty());
    let next = world.must_refresh();
    assert_ne!(ticket, next);
    world.session.give_back(ticket);
    assert_eq!(world.access(), Step::Wait);
}

// Failing

#[test]
fn only_a_refusal_ends_the_session() {
    for code in Code::ALL {
        let mut world = World::new(documented());
        world.session.start();
        let ticket = world.at(28.0 * DAY).must_refresh();
        world.fail(ticket, &failed(*code));
        if code.action() == Action::Login {
            world.rejects(*code);
            assert_eq!(world.heard(), [Event::Expired]);
            assert_eq!(world.session.is_refused(), *code == Code::Unauthorized);
            assert_eq!(world.session.wait_ms(world.now()), None);
            // Nothing but another token helps.
            world.pass(HOUR).rejects(*code);
            assert_eq!((world.session.wake(world.now()), world.heard()), (None, vec![]));
            let new = jo(28.0 * DAY, 30.0 * DAY);
            world.session.replace(Rc::clone(&new), Origin::Given, HALF);
            world.hands_out(&new);
            assert!(!world.session.is_refused() && world.session.wait_ms(world.now()).is_some());
        } else {
            world.hands_out(&documented());
            assert_eq!(world.heard(), [Event::RefreshFailed]);
            assert_eq!(world.session.failure(), Some(*code));
            assert!(!world.session.is_refused() && world.session.wait_ms(world.now()).is_some());
        }
    }
}

#[test]
fn a_thousand_calls_in_an_outage_are_two_requests_at_most() {
    let mut world = World::new(documented());
    world.at(28.0 * DAY);
    let mut requests = 0;
    for _ in 0..1_000 {
        match world.access() {
            Step::Refresh(ticket) => {
                requests += 1;
                world.fail_with(ticket, &failed(Code::Network), 0.0);
            }
            step => assert_eq!(step, Step::Use),
        }
        world.pass(1.0);
    }
    assert!(requests <= 2, "{requests}");
}

#[test]
fn in_the_cool_down_refresh_rejects_with_the_last_error() {
    let mut world = World::new(documented());
    let ticket = world.at(DAY).must_refresh_now();
    world.fail_with(ticket, &failed(Code::Forbidden), 0.0);
    for _ in 0..50 {
        assert!(matches!(world.refresh(), Step::Reject(why) if why.code() == Code::Forbidden));
        assert_eq!(world.session.wake(world.now()), None);
    }
    assert!(matches!(world.pass(1_000.0).refresh(), Step::Refresh(_)));
}

#[test]
fn cool_downs_double_from_a_second_to_ten_minutes() {
    for (failures, most) in [(1, 2.0), (2, 4.0), (3, 8.0), (9, 512.0), (10, 600.0), (11, 600.0), (u32::MAX, 600.0)] {
        let wait = |random| cool_down_ms(failures, None, 30.0 * DAY, random);
        assert_eq!(wait(0.0).total_cmp(&1_000.0), core::cmp::Ordering::Equal);
        assert_eq!(wait(1.0).total_cmp(&(most * SECOND)), core::cmp::Ordering::Equal, "{failures}");
    }
}

#[test]
fn retry_after_is_honoured_and_spread_up_to_an_hour_and_the_expiry() {
    for (asked, left, expected) in [
        (0.0, DAY, 1.5 * SECOND),
        (SECOND, DAY, 1.5 * SECOND),
        (7.0 * SECOND, DAY, 7.35 * SECOND),
        (30.0 * MINUTE, DAY, 30.0 * MINUTE + 2.5 * SECOND),
        (12.0 * HOUR, DAY, HOUR + 2.5 * SECOND),
        (2.0 * DAY, DAY, HOUR + 2.5 * SECOND),
        (3_155_760_000_000.0, DAY, HOUR + 2.5 * SECOND),
        (MINUTE, SECOND, SECOND),
    ] {
        assert_eq!(
            cool_down_ms(1, Some(asked), left, HALF).total_cmp(&expected),
            core::cmp::Ordering::Equal,
            "{asked}"
        );
    }
    let mut world = World::new(documented());
    world.session.start();
    let ticket = world.at(28.0 * DAY).must_refresh();
    let mut failure = failed(Code::RateLimited);
    failure.retry_after_ms = Some(12.0 * HOUR);
    world.fail(ticket, &failure);
    world.run_until(28.0 * DAY + HOUR, false);
    assert_eq!((world.refreshes, world.access()), (0, Step::Use));
    world.run_until(28.0 * DAY + HOUR + 5.0 * SECOND, false);
    assert_eq!(world.refreshes, 1);
}

#[test]
fn no_back_off_sleeps_past_the_expiry() {
    for (left, expected) in [(600.0, 300.0), (2.0, 1.0), (1.0, 0.5), (0.1, 0.1), (0.0, 0.1), (-5.0, 0.1)] {
        let wait = cool_down_ms(20, None, left * SECOND, 1.0);
        assert_eq!(wait.total_cmp(&(expected * SECOND)), core::cmp::Ordering::Equal, "{left}");
    }
}

#[test]
fn an_outage_ends_in_a_refresh() {
    let mut world = World::new(documented());
    world.session.start();
    world.run_until(29.5 * DAY, true);
    let requests = world.refreshes;
    assert!((300..900).contains(&requests), "{requests} requests in two and a half days");
    assert!(world.heard().iter().all(|event| *event == Event::RefreshFailed));
    assert_eq!(world.access(), Step::Use);
    world.run_until(29.5 * DAY + 10.0 * MINUTE, false);
    assert_eq!((world.refreshes, world.heard()), (requests + 1, vec![Event::Refreshed]));
    // The success has reset the count of failures.
    assert!(world.session.failure().is_none());
    let ticket = world.must_refresh_now();
    world.fail_with(ticket, &failed(Code::Network), 1.0);
    assert!(matches!(world.pass(2.0 * SECOND).refresh(), Step::Refresh(_)));
}

#[test]
fn an_outage_until_the_expiry_emits_expired_once() {
    let mut world = World::new(documented());
    world.session.start();
    world.run_until(31.0 * DAY, true);
    let heard = world.heard();
    assert_eq!(heard.iter().filter(|event| **event == Event::Expired).count(), 1);
    assert_eq!(heard.last(), Some(&Event::Expired));
    let requests = world.refreshes;
    world.run_until(40.0 * DAY, true);
    assert_eq!((world.refreshes, world.heard()), (requests, vec![]));
}

#[test]
fn a_failure_of_a_token_that_expired_meanwhile_is_its_expiry() {
    for (code, events) in [
        (Code::Network, vec![Event::Expired]),
        (Code::Forbidden, vec![Event::RefreshFailed, Event::Expired]),
        (Code::Unauthorized, vec![Event::Expired]),
    ] {
        let mut world = World::new(documented());
        let ticket = world.at(30.0 * DAY - 1.0).must_refresh();
        assert!(world.session.send(ticket, world.now()).is_some());
        world.pass(1.0);
        let outcome = world.session.fail(ticket, &failed(code), HALF, world.now());
        assert_eq!(outcome, if code == Code::Network { Outcome::Expired } else { Outcome::Failed });
        assert_eq!(world.heard(), events, "{code:?}");
        let expected = match code {
            Code::Network => Rejection::LastFailure(Code::TokenExpired),
            Code::Forbidden => Rejection::Expired,
            code => Rejection::LastFailure(code),
        };
        assert_eq!(world.access(), Step::Reject(expected));
        assert_eq!(world.heard(), []);
    }
}

#[test]
fn an_answer_that_is_expired_already_is_a_failure() {
    let mut world = World::new(jo(0.0, HOUR));
    let ticket = world.at(HOUR - SECOND).must_refresh();
    // Its `iat` is not later than that of the old token, so it does not correct the clock.
    let text = token("jo", Some(START), START + HOUR + SECOND);
    let sent = world.now();
    let old = world.session.send(ticket, sent).expect("a refresh");
    world.at(HOUR + SECOND);
    assert!(!world.answered(ticket, &old, &text, sent));
    assert!(matches!(world.access(), Step::Reject(why) if why.code() == Code::TokenExpired));
    assert_eq!(world.heard(), [Event::Expired]);
}

#[test]
fn an_answer_that_is_the_old_token_does_not_loop() {
    let mut world = World::new(documented());
    world.session.start();
    let ticket = world.at(28.0 * DAY).must_refresh();
    let text = documented().token.expose().to_owned();
    assert!(!world.answer_after(ticket, &text, TRIP));
    assert_eq!(world.session.failure(), Some(Code::BadResponse));
    assert_eq!((world.access(), world.session.wake(world.now())), (Step::Use, None));
}

// The store

/// Lets the session find another token in the store, and checks what it does and which token it holds then.
#[track_caller]
fn finds(world: &mut World, stored: &Rc<OldToken>, verdict: Found) {
    let held = Rc::clone(world.session.token().expect("a token"));
    assert_eq!(world.session.found(Some(Rc::clone(stored)), HALF, world.now()), verdict);
    let expected = if verdict == Found::Adopted { stored } else { &held };
    assert_eq!(world.session.token().map(|token| token.token.expose()), Some(expected.token.expose()));
}

#[test]
fn of_two_tokens_the_one_issued_later_wins() {
    let at = |issued_at: Option<f64>, expires_at: f64| {
        read(&token("jo", issued_at.map(|at| START + at), START + expires_at))
    };
    for (ours, stored, verdict) in [
        ((Some(1.0), DAY), (Some(2.0), DAY), Found::Adopted),
        ((Some(2.0), DAY), (Some(1.0), DAY), Found::Write),
        ((Some(2.0), DAY), (Some(1.0), 2.0 * DAY), Found::Write),
        // If both were issued at the same time, the one that expires later wins.
        ((Some(1.0), DAY), (Some(1.0), DAY + 1.0), Found::Adopted),
        ((Some(1.0), DAY + 1.0), (Some(1.0), DAY), Found::Write),
        // A token without iat counts as the oldest.
        ((None, DAY), (Some(1.0), DAY), Found::Adopted),
        ((Some(1.0), DAY), (None, 2.0 * DAY), Found::Write),
        ((None, DAY), (None, DAY + 1.0), Found::Adopted),
        ((None, DAY + 1.0), (None, DAY), Found::Write),
    ] {
        let mut world = World::new(at(ours.0, ours.1));
        finds(&mut world, &at(stored.0, stored.1), verdict);
        assert_eq!(world.heard(), if verdict == Found::Adopted { vec![Event::Refreshed] } else { vec![] });
    }
}

#[test]
fn a_stored_token_that_is_about_to_expire_is_refreshed_at_once_if_it_was_there_first() {
    for (was_there, step) in [(true, false), (false, true)] {
        let mut world = World::new(jo(-1.0, 30.0 * DAY));
        world.at(28.0 * DAY);
        if !was_there {
            world.written();
        }
        finds(&mut world, &documented(), Found::Adopted);
        assert_eq!(world.access() == Step::Use, step, "another tab has just refreshed it: {}", !was_there);
    }
}

#[test]
fn of_two_tokens_with_the_same_times_the_stored_one_wins() {
    let mut world = World::new(documented());
    let twin = read(&documented().token.expose().replace(".c2ln", ".c2lo"));
    finds(&mut world, &twin, Found::Adopted);
    finds(&mut world, &twin, Found::Keep);
}

#[test]
fn expired_is_emitted_once_for_a_token_and_again_only_after_another_login() {
    let mut world = World::new(documented());
    let refused = |world: &mut World| {
        let ticket = world.must_refresh_now();
        world.fail(ticket, &failed(Code::Unauthorized));
        world.rejects(Code::Unauthorized);
        world.heard()
    };
    assert_eq!(refused(&mut world), [Event::Expired]);
    finds(&mut world, &documented(), Found::Keep);
    world.rejects(Code::Unauthorized);
    assert_eq!(world.heard(), []);
    // An earlier token of the same user is no new login.
    finds(&mut world, &jo(-DAY, 30.0 * DAY), Found::Keep);
    finds(&mut world, &ann(0.0, 30.0 * DAY), Found::Adopted);
    finds(&mut world, &documented(), Found::Adopted);
    assert_eq!(world.heard(), [Event::Replaced, Event::Replaced]);
    assert_eq!(refused(&mut world), [Event::Expired]);
}

#[test]
fn the_same_token_changes_nothing() {
    let mut world = World::new(documented());
    finds(&mut world, &documented(), Found::Keep);
    assert_eq!((world.session.generation(), world.heard()), (0, vec![]));
    // But now a stored token of another user counts as a newer login.
    finds(&mut world, &ann(0.0, 30.0 * DAY), Found::Adopted);
}

#[test]
fn an_empty_store_gets_the_token_if_the_token_is_usable() {
    let mut world = World::new(documented());
    assert_eq!(world.session.found(None, HALF, world.now()), Found::Write);
    world.at(30.0 * DAY);
    assert_eq!(world.session.found(None, HALF, world.now()), Found::Keep);
    world.session.clear();
    assert_eq!(world.session.found(None, HALF, world.now()), Found::Keep);
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    world.fail(ticket, &failed(Code::Unauthorized));
    assert_eq!(world.session.found(None, HALF, world.now()), Found::Keep);
}

#[test]
fn the_constructors_token_overwrites_another_users() {
    let mut world = World::new(documented());
    finds(&mut world, &ann(1.0, 30.0 * DAY), Found::Write);
    assert_eq!(world.heard(), []);
    // Now a stored token of another user counts as a newer login, whenever it was issued.
    world.written();
    let login = ann(-DAY, 30.0 * DAY);
    finds(&mut world, &login, Found::Adopted);
    assert_eq!(world.heard(), [Event::Replaced]);
}

#[test]
fn another_users_token_replaces_a_token_that_came_from_the_store() {
    let mut world = World::new(documented());
    world.session = Session::new(documented(), Origin::Stored, StatusOptions::default(), HALF, world.now());
    finds(&mut world, &ann(-DAY, 30.0 * DAY), Found::Adopted);
    assert_eq!(world.heard(), [Event::Replaced]);
}

#[test]
fn replace_always_wins_until_it_is_stored() {
    let older = jo(-20.0 * DAY, 30.0 * DAY);
    for stored in [documented(), ann(1.0, 30.0 * DAY), jo(DAY, 60.0 * DAY)] {
        let mut world = World::new(documented());
        world.written();
        world.session.replace(Rc::clone(&older), Origin::Given, HALF);
        assert_eq!(world.heard(), [Event::Replaced]);
        finds(&mut world, &stored, Found::Write);
        assert_eq!(world.session.found(None, HALF, world.now()), Found::Write);
        world.written();
        finds(&mut world, &stored, Found::Adopted);
    }
}

#[test]
fn a_login_that_is_not_stored_yet_wins_over_a_message_about_an_earlier_login() {
    for earlier in [jo(-1.0, 30.0 * DAY), ann(0.0, 30.0 * DAY)] {
        let mut world = World::new(jo(-DAY, 30.0 * DAY));
        world.written();
        let login = documented();
        world.session.replace(Rc::clone(&login), Origin::Given, HALF);
        let (stored, now) = (world.session.compared(&earlier), world.now());
        assert_eq!(world.session.machine.replaced(stored, false, HALF, now), Found::Lock);
        assert_eq!(world.session.token().map(|token| token.claims), Some(login.claims));
        assert_eq!(world.heard(), [Event::Replaced]);
        // A token that was issued later is a later login. After this login is stored, any other token is a later login.
        let later = world.session.compared(&ann(1.0, 30.0 * DAY));
        assert_eq!(world.session.clone().replaced(later, false, HALF, now), Found::Adopted);
        world.written();
        assert_eq!(world.session.machine.replaced(stored, false, HALF, now), Found::Adopted);
    }
}

#[test]
fn replace_also_wins_with_an_expired_token() {
    let mut world = World::new(documented());
    world.session.replace(jo(-31.0 * DAY, 30.0 * DAY), Origin::Given, HALF);
    finds(&mut world, &documented(), Found::Write);
    world.rejects(Code::TokenExpired);
}

#[test]
fn another_tabs_replace_wins_whatever_its_iat() {
    let mut world = World::new(documented());
    let older = jo(-20.0 * DAY, 30.0 * DAY);
    let ticket = world.must_refresh_now();
    world.session.replace(Rc::clone(&older), Origin::Stored, HALF);
    world.hands_out(&older);
    assert!(world.session.send(ticket, world.now()).is_none());
    finds(&mut world, &older, Found::Keep);
    assert_eq!(world.heard(), [Event::Replaced]);
}

#[test]
fn a_waiting_call_gets_the_token_that_was_adopted_meanwhile() {
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    assert!(world.session.send(ticket, world.now()).is_some());
    let new = jo(28.0 * DAY, 30.0 * DAY);
    world.session.replace(Rc::clone(&new), Origin::Given, HALF);
    world.hands_out(&new);
    assert_eq!(world.session.refresh(0, Progress::default(), world.now()), Step::Use);
}

#[test]
fn a_waiting_refresh_does_not_get_an_expired_token() {
    let mut world = World::new(documented());
    world.session.replace(jo(-31.0 * DAY, 30.0 * DAY), Origin::Given, HALF);
    let step = world.session.refresh(0, Progress::default(), world.now());
    assert!(matches!(step, Step::Reject(why) if why.code() == Code::TokenExpired));
}

#[test]
fn a_replace_in_another_tab_is_one_event() {
    let mut world = World::new(jo(-DAY, 30.0 * DAY));
    for _ in 0..2 {
        world.session.replace(jo(-2.0 * DAY, 30.0 * DAY), Origin::Stored, HALF);
    }
    assert_eq!(world.heard(), [Event::Replaced]);
}

#[test]
fn tokens_of_two_users_never_mix() {
    let mut world = World::new(documented());
    world.written();
    let ticket = world.at(28.0 * DAY).must_refresh();
    let sent = world.now();
    let old = world.session.send(ticket, sent).expect("a refresh");
    let login = ann(28.0 * DAY, 30.0 * DAY);
    finds(&mut world, &login, Found::Adopted);
    assert!(!world.answered(ticket, &old, &token("jo", Some(world.time), world.time + 60.0 * DAY), sent));
    world.hands_out(&login);
    assert_eq!(world.heard(), [Event::Replaced]);
}

#[test]
fn after_a_wait_for_the_lock_the_session_looks_at_the_store() {
    let mut world = World::new(documented());
    world.written();
    let ticket = world.at(28.0 * DAY).must_refresh();
    let theirs = jo(28.0 * DAY, 30.0 * DAY);
    finds(&mut world, &theirs, Found::Adopted);
    assert!(world.session.send(ticket, world.now()).is_none(), "another tab has done it");
    world.hands_out(&theirs);
    assert_eq!(world.session.refresh(0, Progress::default(), world.now()), Step::Use);
    assert_eq!(world.heard(), [Event::Refreshed]);
}

#[test]
fn of_two_tabs_that_refresh_at_once_the_later_token_wins() {
    for (theirs, ours_wins) in [(28.0 * DAY + 60.0 * SECOND, false), (28.0 * DAY - 60.0 * SECOND, true)] {
        let mut world = World::new(documented());
        world.written();
        let ticket = world.at(28.0 * DAY).must_refresh();
        let sent = world.now();
        let old = world.session.send(ticket, sent).expect("a refresh");
        let theirs = jo(theirs, 30.0 * DAY);
        finds(&mut world, &theirs, Found::Adopted);
        let text = token("jo", Some(world.time), world.time + 30.0 * DAY);
        assert_eq!(world.answered(ticket, &old, &text, sent), ours_wins);
        world.hands_out(&if ours_wins { read(&text) } else { theirs });
    }
}

#[test]
fn a_failure_of_a_token_that_another_tab_has_exchanged_does_not_end_the_session() {
    for code in [Code::Unauthorized, Code::Network] {
        let mut world = World::new(documented());
        world.written();
        let ticket = world.at(28.0 * DAY).must_refresh();
        assert!(world.session.send(ticket, world.now()).is_some());
        let theirs = jo(28.0 * DAY, 30.0 * DAY);
        finds(&mut world, &theirs, Found::Adopted);
        world.session.fail(ticket, &failed(code), HALF, world.now());
        world.hands_out(&theirs);
        assert!(world.session.failure().is_none() && !world.session.is_refused());
        assert_eq!(world.heard(), [Event::Refreshed]);
    }
}

#[test]
fn a_refused_session_goes_on_with_a_later_stored_token() {
    let mut world = World::new(documented());
    world.written();
    let ticket = world.at(28.0 * DAY).must_refresh();
    world.fail(ticket, &failed(Code::Unauthorized));
    finds(&mut world, &jo(-DAY, 60.0 * DAY), Found::Keep);
    world.rejects(Code::Unauthorized);
    let theirs = jo(28.0 * DAY, 30.0 * DAY);
    finds(&mut world, &theirs, Found::Adopted);
    world.hands_out(&theirs);
}

#[test]
fn a_stored_token_that_is_expired_does_not_win() {
    let mut world = World::new(documented());
    world.written();
    world.at(DAY);
    finds(&mut world, &jo(1.0, HOUR), Found::Write);
    finds(&mut world, &ann(1.0, HOUR), Found::Write);
}

#[test]
fn two_tabs_with_a_wrong_window_do_not_drive_each_other() {
    let options = StatusOptions { refresh_window_ms: Some(400.0 * DAY), ..StatusOptions::default() };
    let mut tabs = [World::with(documented(), 0.0, options), World::with(documented(), 0.0, options)];
    for tab in &mut tabs {
        tab.session.written(tab.now());
        tab.session.start();
    }
    let mut refreshes = 0;
    for hour in 0..30 * 24 {
        let [one, other] = &mut tabs;
        let (tab, rest) = if hour % 2 == 0 { (one, other) } else { (other, one) };
        if let Some(ticket) = tab.session.wake(tab.now()) {
            // The server does not change iat, so iat does not show which token is newer.
            refreshes += 1;
            let text = token("jo", Some(START), tab.time + 60.0 * DAY);
            assert!(tab.answer_after(ticket, &text, 0.0));
            assert_eq!(rest.session.found(Some(read(&text)), HALF, rest.now()), Found::Adopted);
        }
        tab.pass(HOUR);
        rest.pass(HOUR);
    }
    assert!(refreshes <= 2, "{refreshes} refreshes");
}

// Clearing

#[test]
fn a_cleared_session_holds_nothing_until_another_login() {
    let mut world = World::new(documented());
    world.session.start();
    let ticket = world.must_refresh_now();
    world.session.clear();
    world.session.clear();
    assert_eq!((world.session.generation(), world.heard()), (1, vec![Event::Cleared]));
    world.rejects(Code::InvalidToken);
    assert!(world.session.send(ticket, world.now()).is_none());
    assert_eq!(world.session.machine.status(world.now()), TokenStatus::Invalid(InvalidReason::NotAString));
    assert_eq!((world.session.wake(world.now()), world.session.wait_ms(world.now())), (None, None));
    // A token from before the logout is no new login, even if another tab stores it later.
    assert_eq!(world.session.found(Some(documented()), HALF, world.now()), Found::Keep);
    world.session.replace(documented(), Origin::Stored, HALF);
    world.hands_out(&documented());
    assert!(world.session.wait_ms(world.now()).is_some());
    // A token from after the logout is a new login, even if no tab has reported it.
    world.session.clear();
    world.heard();
    let login = ann(SECOND, 30.0 * DAY);
    assert_eq!(world.session.found(Some(Rc::clone(&login)), HALF, world.now()), Found::Adopted);
    world.hands_out(&login);
    assert_eq!(world.heard(), [Event::Replaced]);
}

#[test]
fn a_logout_on_a_slow_clock_is_not_undone_by_the_token_before_the_last() {
    // Two tokens have the same iat. The first one is stored. Then the store failed, so the second one is not.
    let (first, second) = (jo(0.0, 30.0 * DAY), jo(0.0, 31.0 * DAY));
    let mut world = World::with(Rc::clone(&second), -5.0 * SECOND, StatusOptions::default());
    let stored = world.session.compared(&first);
    let now = world.now();
    world.session.machine.log_out(now);
    assert_eq!(world.session.machine.found(Content::Token(stored), true, HALF, now), Found::Delete);
    // The logout is not undone either if the clock is set back before a second logout.
    let now = Now { wall: now.wall - SECOND, ..now };
    world.session.machine.log_out(now);
    assert_eq!(world.session.machine.found(Content::Token(stored), true, HALF, now), Found::Delete);
    let login = Stored { claims: jo(SECOND, 30.0 * DAY).claims, ..stored };
    assert_eq!(world.session.machine.found(Content::Token(login), true, HALF, now), Found::Adopted);
}

#[test]
fn a_logout_is_at_its_own_instant_once_its_token_is_a_second_old() {
    for (age, verdict) in [(SECOND - 1.0, Found::Adopted), (SECOND, Found::Delete)] {
        let mut world = World::new(documented());
        let stored = world.session.compared(&jo(SECOND, 30.0 * DAY));
        let now = world.at(age).now();
        world.session.machine.log_out(now);
        assert_eq!(world.session.machine.found(Content::Token(stored), true, HALF, now), verdict, "{age}");
    }
}

#[test]
fn a_login_in_the_second_of_the_logout_is_adopted_and_the_cleared_token_is_not() {
    // The logout and the login after it are in the same second. The session notices the logout 300 ms after the beginning of it.
    let mut world = World::new(documented());
    world.at(DAY + 300.0);
    assert_eq!(world.session.access(Progress::default(), world.now()), Step::Use);
    world.session.clear();
    assert_eq!(world.session.found(Some(jo(DAY - SECOND, 30.0 * DAY)), HALF, world.now()), Found::Keep);
    let login = jo(DAY, 30.0 * DAY);
    assert_eq!(world.session.found(Some(Rc::clone(&login)), HALF, world.now()), Found::Adopted);
    world.hands_out(&login);
    // A token that is cleared in its own first second is not adopted again, however often it is cleared.
    world.session.clear();
    assert_eq!(world.session.found(Some(Rc::clone(&login)), HALF, world.now()), Found::Keep);
    let now = world.now();
    world.session.machine.log_out(now);
    assert_eq!(world.session.found(Some(Rc::clone(&login)), HALF, world.now()), Found::Keep);
    // If the clock is slow, the instant of the logout is the iat of the cleared token.
    let mut world = World::with(Rc::clone(&login), -5.0 * SECOND, StatusOptions::default());
    world.at(DAY);
    world.session.clear();
    assert_eq!(world.session.found(Some(login), HALF, world.now()), Found::Keep);
}

#[test]
fn an_empty_session_adopts_the_login_that_it_finds() {
    let mut world = World::new(documented());
    world.session.machine = super::Session::new(None, Origin::Stored, StatusOptions::default(), HALF, world.now());
    world.session.token = None;
    world.rejects(Code::InvalidToken);
    assert_eq!(world.session.found(None, HALF, world.now()), Found::Keep);
    let login = jo(-DAY, 30.0 * DAY);
    assert_eq!(world.session.found(Some(Rc::clone(&login)), HALF, world.now()), Found::Adopted);
    world.hands_out(&login);
}

#[test]
fn ten_events_come_in_order_and_no_eleventh() {
    let mut world = World::new(documented());
    let mut expected = Vec::new();
    for round in 0..6 {
        world.session.replace(jo(f64::from(round), 30.0 * DAY), Origin::Given, HALF);
        world.session.clear();
        expected.extend([Event::Replaced, Event::Cleared]);
    }
    assert_eq!(world.session.take_events(), expected);
    assert_eq!(world.heard(), []);
}

#[test]
fn a_cleared_session_asks_for_a_login() {
    let mut world = World::new(documented());
    world.session.clear();
    world.rejects(Code::InvalidToken);
    assert_eq!(Code::InvalidToken.action(), Action::Login);
}

#[test]
fn nothing_of_a_token_is_printed() {
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    world.fail(ticket, &no_answer(Code::Network, None, &documented()));
    let printed = format!("{:?}", world.session.machine);
    assert!(!printed.contains("e30.") && !printed.contains("jo"), "{printed}");
}
