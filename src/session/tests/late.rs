//! Answers that come after the time-out, and locks that do not come in time.

use super::*;

const TIMEOUT: f64 = 10.0 * SECOND;

impl World {
    /// Sends a ticket, and lets its time run out.
    #[track_caller]
    fn time_out(&mut self, ticket: Ticket) -> Now {
        let sent = self.now();
        assert!(self.session.send(ticket, sent).is_some());
        self.pass(TIMEOUT);
        self.notice_time_out(ticket);
        sent
    }

    fn notice_time_out(&mut self, ticket: Ticket) -> Outcome {
        let now = self.now();
        let outcome = self.session.machine.time_out(ticket, HALF, now);
        self.listen();
        outcome
    }

    /// Answers a request of the user jo now. It was sent at `sent`.
    #[track_caller]
    fn answer_late(&mut self, ticket: Ticket, sent: Now) -> bool {
        let issued_at = (self.time / SECOND).floor() * SECOND;
        let old = documented();
        self.answered(ticket, &old, &token("jo", Some(issued_at), issued_at + 30.0 * DAY), sent)
    }

    fn refresh_after_waiting(&mut self) -> Step {
        let generation = self.session.generation();
        let now = self.now();
        self.session.refresh(generation, WAITED, now)
    }
}

/// A started session whose request of day 28 is late, with its ticket and when it was sent.
fn late() -> (World, Ticket, Now) {
    let mut world = World::new(documented());
    world.session.start();
    let ticket = world.at(28.0 * DAY).must_refresh();
    let sent = world.time_out(ticket);
    (world, ticket, sent)
}

#[test]
fn after_the_time_out_calls_get_the_old_token_and_the_failure_is_one_event() {
    let (mut world, ..) = late();
    world.hands_out(&documented());
    assert_eq!(world.refresh_after_waiting(), Step::Reject(Rejection::LastFailure(Code::Timeout)));
    assert_eq!(world.heard(), [Event::RefreshFailed]);
}

#[test]
fn a_late_answer_is_accepted_whenever_it_comes() {
    for wait in [1.0, MINUTE, UNANSWERED_MS, HOUR, DAY] {
        let (mut world, ticket, sent) = late();
        world.pass(wait);
        assert!(world.answer_late(ticket, sent), "{wait}");
        assert_eq!(world.access(), Step::Use);
        assert_eq!(world.heard(), [Event::RefreshFailed, Event::Refreshed]);
    }
}

#[test]
fn for_two_minutes_after_sending_no_second_request_is_sent() {
    let (mut world, ..) = late();
    while world.time < START + 28.0 * DAY + UNANSWERED_MS - SECOND {
        assert_eq!(world.session.wake(world.now()), None);
        assert_eq!(world.access(), Step::Use);
        assert_eq!(world.refresh(), Step::Wait, "for the late answer");
        assert!(matches!(world.refresh_after_waiting(), Step::Reject(_)));
        world.pass(SECOND);
    }
    world.pass(SECOND);
    assert!(world.session.wake(world.now()).is_some());
}

#[test]
fn a_token_that_would_expire_within_two_minutes_is_sent_once_more() {
    let by_call: fn(&mut World) -> Option<Ticket> = |world| Some(world.must_refresh());
    let by_itself: fn(&mut World) -> Option<Ticket> = |world| world.session.wake(world.now());
    for (left, begin) in [(100.0 * SECOND, by_call), (100.0 * SECOND, by_itself), (UNANSWERED_MS, by_call)] {
        let mut world = World::new(documented());
        world.session.start();
        let ticket = world.at(30.0 * DAY - left).must_refresh();
        world.time_out(ticket);
        assert!(world.session.unanswered_ms() < 1.0);
        // The back-off of a first failure is 1 to 2 s, and HALF gives the middle.
        assert_eq!(world.session.wait_ms(world.now()), Some(1.5 * SECOND));
        assert!(begin(world.pass(1.5 * SECOND)) > Some(ticket));
    }
}

#[test]
fn the_lock_is_kept_for_two_minutes_unless_the_token_would_expire_meanwhile() {
    let mut world = World::new(documented());
    assert!((world.session.unanswered_ms() - UNANSWERED_MS).abs() < 1.0);
    world.at(30.0 * DAY - UNANSWERED_MS).access();
    assert!(world.session.unanswered_ms() < 1.0);
}

#[test]
fn a_late_answer_is_accepted_after_the_refusal_of_a_second_request() {
    let (mut world, first, sent) = late();
    let second = world.pass(UNANSWERED_MS).must_refresh();
    world.fail(second, &failed(Code::Unauthorized));
    world.rejects(Code::Unauthorized);
    assert!(world.session.is_refused());
    assert!(world.answer_late(first, sent));
    assert_eq!(world.access(), Step::Use);
    assert!(!world.session.is_refused());
}

#[test]
fn of_two_answers_the_later_token_stays() {
    let (mut world, first, sent) = late();
    let second = world.pass(UNANSWERED_MS).must_refresh();
    world.answer(second);
    let old_answer = token("jo", Some(sent.wall), sent.wall + 30.0 * DAY);
    let generation = world.session.generation();
    assert!(!world.answered(first, &documented(), &old_answer, sent));
    assert_eq!(world.session.generation(), generation);
}

#[test]
fn a_login_and_a_logout_drop_a_late_answer() {
    let (mut world, ticket, sent) = late();
    world.session.replace(ann(0.0, 30.0 * DAY), Origin::Given, HALF);
    assert!(!world.answer_late(ticket, sent));
    let (mut world, ticket, sent) = late();
    world.session.clear();
    assert!(!world.answer_late(ticket, sent));
    world.rejects(Code::InvalidToken);
}

#[test]
fn after_stop_a_late_answer_is_accepted_without_an_event() {
    let (mut world, ticket, sent) = late();
    world.heard();
    world.session.stop();
    assert!(world.answer_late(ticket, sent));
    assert!(world.heard().is_empty());
}

#[test]
fn a_late_failure_is_one_event_and_ends_the_wait() {
    let (mut world, ticket, _) = late();
    let now = world.now();
    assert_eq!(world.session.fail(ticket, &failed(Code::Network), HALF, now), Outcome::Known);
    assert_eq!(world.heard(), [Event::RefreshFailed]);
    // The back-off of a second failure is 4 s at most.
    world.pass(4.0 * SECOND).must_refresh();
}

#[test]
fn a_late_refusal_ends_the_session() {
    let (mut world, ticket, _) = late();
    let now = world.now();
    world.session.fail(ticket, &failed(Code::Unauthorized), HALF, now);
    world.rejects(Code::Unauthorized);
    assert_eq!(world.heard(), [Event::RefreshFailed, Event::Expired]);
}

#[test]
fn a_machine_that_sleeps_during_a_request_takes_the_answer_that_waits_in_the_socket() {
    // The timer of the time-out fires before the socket is read.
    for slept in [11.0 * SECOND, HOUR, 1.9 * DAY, 3.0 * DAY] {
        let mut world = World::new(documented());
        world.session.start();
        let ticket = world.at(28.0 * DAY).must_refresh();
        let sent = world.now();
        assert!(world.session.send(ticket, sent).is_some());
        world.sleep(slept);
        world.notice_time_out(ticket);
        assert_eq!(world.session.wake(world.now()), None, "after {slept}");
        world.access();
        assert!(!world.heard().contains(&Event::Expired), "after {slept}");
        // Issued when the request arrived.
        let answer = token("jo", Some(START + 28.0 * DAY), START + 58.0 * DAY);
        assert!(world.answered(ticket, &documented(), &answer, sent), "after {slept}");
        assert_eq!(world.access(), Step::Use);
    }
}

#[test]
fn a_token_that_expires_while_an_answer_is_late_emits_expired_when_no_answer_can_come_any_more() {
    let mut world = World::new(documented());
    world.session.start();
    let ticket = world.at(28.0 * DAY).must_refresh();
    assert!(world.session.send(ticket, world.now()).is_some());
    world.sleep(3.0 * DAY);
    world.notice_time_out(ticket);
    assert_eq!(world.access(), Step::Reject(Rejection::Expired));
    assert!(world.heard().is_empty());
    let wait = world.session.wait_ms(world.now()).expect("it is still to be told");
    assert!(wait <= 10.0 * SECOND, "{wait}");
    world.pass(wait);
    assert_eq!(world.session.wake(world.now()), None);
    assert_eq!(world.heard(), [Event::Expired]);
    assert_eq!(world.session.wait_ms(world.now()), None);
}

#[test]
fn a_clock_that_is_set_back_makes_no_late_answer_later() {
    for call in [World::must_refresh, World::must_refresh_now] {
        let (mut world, ..) = late();
        world.fast -= DAY;
        world.pass(UNANSWERED_MS - TIMEOUT - SECOND);
        assert_eq!((world.access(), world.refresh()), (Step::Use, Step::Wait), "nor sooner");
        call(world.pass(SECOND));
    }
}

#[test]
fn a_clock_that_is_set_back_during_a_request_makes_its_answer_no_later() {
    let mut world = World::new(documented());
    let ticket = world.at(28.0 * DAY).must_refresh();
    assert!(world.session.send(ticket, world.now()).is_some());
    world.fast -= DAY;
    world.pass(TIMEOUT).notice_time_out(ticket);
    assert_eq!(world.pass(UNANSWERED_MS - TIMEOUT - SECOND).access(), Step::Use, "nor sooner");
    world.pass(SECOND).must_refresh();
}

#[test]
fn after_three_failures_in_a_row_to_get_the_lock_the_refresh_goes_on_without_it() {
    let mut world = World::new(documented());
    let mut outcomes = Vec::new();
    world.at(28.0 * DAY);
    for _ in 0..3 {
        let ticket = world.pass(HOUR).must_refresh();
        let now = world.now();
        outcomes.push(world.session.machine.go_on_without_lock(ticket, HALF, now));
    }
    assert_eq!(outcomes, [false, false, true]);
    assert_eq!(world.heard(), [Event::RefreshFailed, Event::RefreshFailed]);
}

#[test]
fn a_refresh_that_gets_the_lock_resets_the_count_of_failures() {
    let mut world = World::new(documented());
    world.at(28.0 * DAY);
    for attempt in 0..6 {
        let ticket = world.pass(HOUR).must_refresh();
        if attempt % 3 == 2 {
            world.fail(ticket, &failed(Code::Network));
        } else {
            let now = world.now();
            assert!(!world.session.machine.go_on_without_lock(ticket, HALF, now));
        }
    }
}

#[test]
fn no_refresh_goes_on_without_the_lock_while_its_holder_waits_for_a_late_answer() {
    let mut world = World::new(documented());
    world.at(28.0 * DAY);
    for _ in 0..5 {
        let ticket = world.pass(MINUTE).must_refresh();
        let now = world.now();
        world.session.machine.wait_for_another(now);
        assert!(!world.session.machine.go_on_without_lock(ticket, HALF, now));
    }
    // If the clock is set back, the wait is neither longer nor shorter.
    world.fast -= HOUR;
    for (wait, goes_on) in [(UNANSWERED_MS - MINUTE, false), (MINUTE, true)] {
        world.pass(wait);
        let ticket = world.must_refresh_now();
        let now = world.now();
        assert_eq!(world.session.machine.go_on_without_lock(ticket, HALF, now), goes_on);
    }
}
