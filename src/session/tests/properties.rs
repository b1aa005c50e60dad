//! The promises of a session hold, whatever happens to it and in whichever order.

use proptest::prelude::*;

use super::*;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Pass(f64),
    Sleep(f64),
    /// The wall clock is set.
    Set(f64),
    Access,
    Overdue,
    Refresh,
    Wake,
    /// The server answers with a token. The numbers are its `iat`, from now on, and its lifetime.
    Answer(f64, f64),
    /// The server answers with the old token, or with a token of another user.
    Same,
    Foreign,
    Fail(Code, Option<f64>),
    /// No answer comes in time.
    TimeOut,
    /// The answer to one of the requests whose time was up, or its failure.
    AnswerLate(usize, f64, f64),
    FailLate(usize, Code),
    GiveBack,
    Replace(f64, f64),
    Clear,
    Start,
    Stop,
    Offline(bool),
    /// The store holds a token: whether it is the same user's, its `iat`, from now on, and its lifetime.
    Find(bool, f64, f64),
    FindNothing,
    Written,
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::{
        Access, Answer, AnswerLate, Clear, Fail, FailLate, Find, FindNothing, Foreign, GiveBack, Offline, Overdue,
        Pass, Refresh, Replace, Same, Set, Sleep, Start, Stop, TimeOut, Wake, Written,
    };
    let span = prop_oneof![0.0..SECOND, 0.0..MINUTE, 0.0..HOUR, 0.0..3.0 * DAY, 0.0..30.0 * DAY];
    let life = || prop_oneof![3 => Just(30.0 * DAY), 1 => SECOND..MINUTE, 1 => MINUTE..DAY];
    let shift = || prop_oneof![Just(0.0), -DAY..DAY, -60.0 * DAY..0.0];
    let code = prop::sample::select(Code::ALL);
    prop_oneof![
        6 => span.clone().prop_map(|span: f64| Pass(span.floor())),
        1 => span.prop_map(|span: f64| Sleep(span.floor())),
        1 => (-2.0 * DAY..2.0 * DAY).prop_map(|jump: f64| Set(jump.floor())),
        8 => Just(Access),
        1 => Just(Overdue),
        3 => Just(Refresh),
        6 => Just(Wake),
        8 => (shift(), life()).prop_map(|(shift, life): (f64, f64)| Answer(shift.floor(), life.floor())),
        1 => Just(Same),
        1 => Just(Foreign),
        6 => (code, prop::option::of(0.0..HOUR)).prop_map(|(code, after)| Fail(code, after)),
        3 => Just(TimeOut),
        2 => (0_usize..4, shift(), life()).prop_map(|(which, shift, life): (usize, f64, f64)| AnswerLate(which, shift.floor(), life.floor())),
        1 => (0_usize..4, prop::sample::select(Code::ALL)).prop_map(|(which, code)| FailLate(which, code)),
        1 => Just(GiveBack),
        1 => (shift(), life()).prop_map(|(shift, life): (f64, f64)| Replace(shift.floor(), life.floor())),
        1 => Just(Clear),
        2 => Just(Start),
        1 => Just(Stop),
        1 => any::<bool>().prop_map(Offline),
        2 => (any::<bool>(), shift(), life()).prop_map(|(same, shift, life): (bool, f64, f64)| Find(same, shift.floor(), life.floor())),
        1 => Just(FindNothing),
        1 => Just(Written),
    ]
}

/// An observer of a session. It checks each step against what it knows.
struct Observer {
    world: World,
    /// The refresh under way, its token, and when it was sent.
    out: Option<(Ticket, Option<Rc<OldToken>>, Now)>,
    /// The requests whose time was up. The flag is false after another login or a logout.
    late: Vec<(Ticket, Rc<OldToken>, Now, bool)>,
    /// Before this instant of the monotonic clock no request may begin, unless the token or the wall clock changes.
    calm_until: f64,
    told_expired: Vec<String>,
    random: f64,
    /// Tokens that the server has issued: no two are alike.
    issued: u32,
}

impl Observer {
    fn new() -> Self {
        let mut world = World::new(documented());
        world.session.start();
        Self { world, out: None, late: Vec::new(), calm_until: 0.0, told_expired: Vec::new(), random: HALF, issued: 0 }
    }

    fn issue(&mut self, user: &str, shift: f64, life: f64) -> String {
        self.issued += 1;
        let issued_at = self.world.time + shift;
        format!(
            "{}{}",
            token(user, Some(issued_at), issued_at + life),
            URL_SAFE_NO_PAD.encode(self.issued.to_be_bytes())
        )
    }

    fn held(&self) -> Option<Rc<OldToken>> {
        self.world.session.token().cloned()
    }

    /// A refresh begins. There must be no other one in flight, and no cool-down.
    fn begins(&mut self, ticket: Ticket) {
        assert!(self.out.is_none(), "two refreshes outstanding");
        let now = self.world.now();
        assert!(now.monotonic >= self.calm_until, "a request in the cool-down");
        self.out = Some((ticket, None, now));
    }

    fn answers(&mut self, step: &Step) {
        match *step {
            Step::Use => {
                let now = self.world.now();
                let token = self.held().expect("a token to hand out");
                let time = self.world.session.server_time(now);
                assert!(!token.is_expired(0.0, time), "an expired token was handed out");
            }
            Step::Wait => assert!(self.out.is_some() || !self.late.is_empty(), "nothing to wait for"),
            Step::Refresh(ticket) => self.begins(ticket),
            Step::Look | Step::Reject(_) => {}
        }
    }

    /// Sends the refresh, if it was not sent yet.
    fn send(&mut self) -> Option<(Ticket, Rc<OldToken>, Now)> {
        let (ticket, token, sent) = self.out.take()?;
        if let Some(token) = token {
            return Some((ticket, token, sent));
        }
        let now = self.world.now();
        let token = self.world.session.send(ticket, now)?;
        let time = self.world.session.server_time(now);
        assert!(!token.is_expired(0.0, time), "an expired token was sent");
        Some((ticket, token, now))
    }

    fn answer(&mut self, text: &str) {
        let Some((ticket, token, sent)) = self.send() else { return };
        self.world.pass(TRIP);
        self.world.answered(ticket, &token, text, sent);
    }

    fn fail(&mut self, code: Code, retry_after_ms: Option<f64>) {
        let Some((ticket, token, _)) = self.send() else { return };
        let now = self.world.now();
        let mut failure = failed(code);
        failure.retry_after_ms = retry_after_ms;
        self.world.session.fail(ticket, &failure, self.random, now);
        if self.held().is_some_and(|held| Rc::ptr_eq(&held, &token)) {
            let left = token.claims.expires_in_ms(0.0, self.world.session.server_time(now));
            let least = (SECOND.min(left / 2.0)).max(100.0).max(retry_after_ms.unwrap_or(0.0).min(HOUR).min(left));
            self.calm_until = now.monotonic + least - 1.0;
        }
    }

    fn time_out(&mut self) {
        let Some((ticket, token, sent)) = self.send() else { return };
        self.world.pass(10.0 * SECOND);
        let now = self.world.now();
        self.world.session.machine.time_out(ticket, self.random, now);
        let time = self.world.session.server_time(now);
        if token.claims.expires_in_ms(0.0, time) > UNANSWERED_MS {
            self.calm_until = self.calm_until.max(sent.monotonic + UNANSWERED_MS - 1.0);
        }
        self.late.push((ticket, token, sent, true));
    }

    fn take_late(&mut self, which: usize) -> Option<(Ticket, Rc<OldToken>, Now, bool)> {
        (which < self.late.len()).then(|| self.late.swap_remove(which))
    }

    /// There was another login, or a logout. So the session must drop the answers to earlier requests.
    fn voids(&mut self) {
        self.out = None;
        for (.., is_wanted) in &mut self.late {
            *is_wanted = false;
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each happening")]
    fn happens(&mut self, happening: Happening) {
        let before = self.held();
        let generation = self.world.session.generation();
        let now = self.world.now();
        let mut may_go_back = false;
        match happening {
            Happening::Pass(span) => drop(self.world.pass(span)),
            Happening::Sleep(span) => {
                self.world.sleep(span);
                self.calm_until = 0.0;
            }
            Happening::Set(jump) => {
                self.world.fast += jump;
                self.calm_until = if jump > 0.0 { 0.0 } else { self.calm_until };
            }
            Happening::Access => {
                let step = self.world.session.access(Progress::default(), now);
                self.answers(&step);
            }
            Happening::Overdue => {
                let step = self.world.session.access(WAITED, now);
                assert!(matches!(step, Step::Use | Step::Reject(_)));
                self.answers(&step);
            }
            Happening::Refresh => {
                let step = self.world.session.refresh(generation, Progress::default(), now);
                assert!(step != Step::Use, "a refresh must bring a newer token");
                self.answers(&step);
            }
            Happening::Wake => {
                if let Some(ticket) = self.world.session.wake(now) {
                    self.begins(ticket);
                }
            }
            Happening::Answer(shift, life) => {
                let text = self.issue("jo", shift, life);
                self.answer(&text);
                may_go_back = true; // a new token with an earlier iat is accepted if its exp is not earlier
                if let (Some(before), Some(after)) = (&before, self.held()) {
                    assert!(
                        after.claims.expires_at >= before.claims.expires_at || is_later(after.claims, before.claims)
                    );
                }
            }
            Happening::Same => {
                let text = before.as_ref().map(|token| token.token.expose().to_owned()).unwrap_or_default();
                self.answer(&text);
            }
            Happening::Foreign => {
                let text = self.issue("eve", 0.0, 90.0 * DAY);
                self.answer(&text);
            }
            Happening::Fail(code, after) => self.fail(code, after),
            Happening::TimeOut => self.time_out(),
            Happening::AnswerLate(which, shift, life) => {
                if let Some((ticket, token, sent, is_wanted)) = self.take_late(which) {
                    let text = self.issue("jo", shift, life);
                    let is_held = self.world.answered(ticket, &token, &text, sent);
                    assert!(is_wanted || !is_held, "an answer from before a login or a logout was taken");
                    // The same holds for an answer in time.
                    may_go_back = true;
                    self.calm_until = 0.0;
                }
            }
            Happening::FailLate(which, code) => {
                if let Some((ticket, ..)) = self.take_late(which) {
                    self.world.session.fail(ticket, &failed(code), self.random, now);
                    // The request has ended, so the next one waits only for its back-off.
                    self.calm_until = 0.0;
                }
            }
            Happening::GiveBack => {
                if let Some((ticket, ..)) = self.out.take() {
                    self.world.session.give_back(ticket);
                }
            }
            Happening::Replace(shift, life) => {
                let text = self.issue("jo", shift, life);
                self.world.session.replace(read(&text), Origin::Given, self.random);
                self.voids();
                may_go_back = true;
            }
            Happening::Clear => {
                self.world.session.clear();
                self.voids();
            }
            Happening::Start => self.world.session.start(),
            Happening::Stop => self.world.session.stop(),
            Happening::Offline(offline) => self.world.session.set_offline(offline),
            Happening::Find(same_user, shift, life) => {
                let text = self.issue(if same_user { "jo" } else { "ann" }, shift, life);
                let found = self.world.session.found(Some(read(&text)), self.random, now);
                if found == Found::Adopted && before.as_ref().is_none_or(|token| !read(&text).is_of_same_user(token)) {
                    self.voids();
                    may_go_back = true;
                }
            }
            Happening::FindNothing => {
                let was_stored = self.world.session.is_stored();
                match self.world.session.found(None, self.random, now) {
                    Found::Cleared => self.voids(),
                    found => assert!(found == Found::Keep || !was_stored || before.is_some(), "{found:?}"),
                }
            }
            Happening::Written => {
                self.world.session.written(now);
                if let Some(token) = &before {
                    assert_eq!(self.world.session.found(Some(Rc::clone(token)), self.random, now), Found::Keep);
                    assert!(self.world.session.is_stored());
                }
            }
        }
        let after = self.held();
        if let (Some(before), Some(after)) = (&before, &after) {
            assert!(may_go_back || !is_later(before.claims, after.claims), "back to an older token by {happening:?}");
        }
        if self.world.session.generation() != generation {
            self.calm_until = 0.0;
        }
        self.listens(before.as_deref());
        self.waits_and_hides(after.as_deref());
    }

    /// The next look at the clock must be neither at once nor too late. Printing a token must not show it.
    fn waits_and_hides(&mut self, token: Option<&OldToken>) {
        let wait = self.world.session.wait_ms(self.world.now());
        assert!(wait.is_none_or(|wait| (1.0..=MAX_CHUNK_MS).contains(&wait)), "{wait:?}");
        assert!(token.is_none_or(|token| !format!("{token:?}").contains("e30.")));
    }

    fn listens(&mut self, before: Option<&OldToken>) {
        for event in self.world.heard() {
            if event == Event::Expired {
                let token = before.map(|token| token.token.expose().to_owned()).unwrap_or_default();
                assert!(!self.told_expired.contains(&token), "expired was emitted twice for a token");
                self.told_expired.push(token);
            }
        }
    }

    /// Ends all faults. A session with a usable token must then renew it.
    fn recovers(&mut self) {
        if let Some((ticket, ..)) = self.out.take() {
            self.world.session.give_back(ticket);
        }
        self.world.session.start();
        self.world.session.set_offline(false);
        let now = self.world.now();
        let time = self.world.session.server_time(now);
        let is_good = |token: &Rc<OldToken>| !token.is_expired(0.0, time);
        let ended = self.world.session.held.is_some_and(|held| held.ended);
        let Some(token) = self.held().filter(is_good).filter(|_| !ended) else {
            return assert!(!matches!(self.world.access(), Step::Use | Step::Wait | Step::Refresh(_)));
        };
        // If the session has to wait for longer than the token lives, nothing more happens.
        let waits = self.world.session.held.map_or(0.0, |held| held.cools_until.max(held.pauses_until)) - now.wall;
        if waits >= token.claims.expires_in_ms(0.0, time) {
            return;
        }
        while let Some(wait) = self.world.session.wait_ms(self.world.now()) {
            self.world.pass(wait);
            if let Some(ticket) = self.world.session.wake(self.world.now()) {
                // The new token must expire later than the old one, whatever the clocks say.
                let expires_at = token.claims.expires_at.max(self.world.time) + 30.0 * DAY;
                let text = token_of(&token, expires_at);
                assert!(self.world.answer_after(ticket, &text, 0.0), "a good answer");
                assert_eq!(self.world.access(), Step::Use);
                return;
            }
        }
        panic!("no progress");
    }
}

/// A token that follows another.
fn token_of(old: &OldToken, expires_at: f64) -> String {
    let user = if old.is_of_same_user(&ann(0.0, DAY)) { "ann" } else { "jo" };
    token(user, old.claims.issued_at, expires_at)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_session_keeps_its_promises(
        random in 0.0..1.0,
        happenings in prop::collection::vec(happening(), 1..60),
    ) {
        let mut observer = Observer::new();
        observer.random = random;
        for happening in happenings {
            observer.happens(happening);
        }
        observer.recovers();
    }

    #[test]
    fn with_a_correct_clock_no_call_gets_a_token_that_the_server_calls_expired(
        lives in prop::collection::vec(SECOND..30.0 * DAY, 1..20),
        pauses in prop::collection::vec(0.0..0.2, 1..200),
    ) {
        let mut world = World::new(jo(0.0, 10.0 * DAY));
        let mut lives = lives.into_iter().cycle();
        for pause in pauses {
            // The pause is a share of the token's life.
            let life = world.session.token().map_or(0.0, |token| {
                token.claims.expires_at - token.claims.issued_at.unwrap_or(START)
            });
            let pause: f64 = pause * life;
            world.pass(pause.floor());
            match world.access() {
                Step::Use => prop_assert!(!world.session.token().expect("a token").is_expired(0.0, world.time)),
                Step::Refresh(ticket) => {
                    world.life = lives.next().unwrap_or(DAY).floor();
                    world.answer(ticket);
                }
                Step::Reject(why) => {
                    prop_assert_eq!(why.code(), Code::TokenExpired);
                    world.session.replace(read(&token("jo", Some(world.time), world.time + DAY)), Origin::Given, HALF);
                }
                Step::Wait | Step::Look => prop_assert!(false, "nothing is under way"),
            }
        }
    }
}
