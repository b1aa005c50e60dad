//! When a call looks at the store first, and which tokens a session stores only while it holds the lock.

use super::*;

const LOOKED: Progress = Progress { has_waited: false, has_looked: true };

fn with_store(token: Rc<OldToken>) -> World {
    let mut world = World::new(token);
    world.session.machine = world.session.machine.with_store();
    world
}

/// A session with a store that was looked at just now.
fn looked(token: Rc<OldToken>) -> World {
    let mut world = with_store(token);
    let now = world.now();
    world.session.found(None, HALF, now);
    world
}

#[test]
fn the_first_call_looks() {
    let mut world = with_store(documented());
    assert_eq!(world.access(), Step::Look);
    // Once, whatever the look brings.
    assert_eq!(world.access(), Step::Use);
}

#[test]
fn a_call_looks_if_the_last_look_is_thirty_seconds_old() {
    let mut world = looked(documented());
    assert_eq!(world.pass(30.0 * SECOND).access(), Step::Use);
    assert_eq!(world.pass(SECOND).access(), Step::Look);
    assert_eq!(world.access(), Step::Use);
    assert!(matches!(world.refresh(), Step::Refresh(_)));
    assert_eq!(world.pass(31.0 * SECOND).refresh(), Step::Look);
}

#[test]
fn a_call_looks_before_it_is_rejected_at_most_once_a_second() {
    let expired = || jo(-31.0 * DAY, 30.0 * DAY);
    for end in [|_: &mut World| {}, |world: &mut World| world.session.clear()] {
        let mut world = looked(expired());
        end(&mut world);
        assert!(matches!(world.access(), Step::Reject(_)), "it looked just now");
        assert_eq!(world.pass(1.1 * SECOND).access(), Step::Look);
        assert!(matches!(world.access(), Step::Reject(_)));
        assert_eq!(world.pass(1.1 * SECOND).refresh(), Step::Look);
    }
    let mut world = looked(expired());
    world.pass(1.1 * SECOND).access();
    assert_eq!(world.heard(), [], "nothing is told before the look");
}

#[test]
fn a_refresh_looks_before_it_is_rejected_in_the_cool_down() {
    let mut world = looked(documented());
    let ticket = world.must_refresh_now();
    let mut failure = failed(Code::RateLimited);
    failure.retry_after_ms = Some(MINUTE);
    world.fail(ticket, &failure);
    assert_eq!(world.pass(1.1 * SECOND).refresh(), Step::Look);
    assert!(matches!(world.refresh(), Step::Reject(Rejection::LastFailure(Code::RateLimited))));
}

#[test]
fn a_call_that_has_looked_looks_no_more_whatever_the_clock_says() {
    let mut world = looked(documented());
    for _ in 0..10 {
        let now = world.pass(HOUR).now();
        assert_eq!(world.session.access(LOOKED, now), Step::Use);
    }
}

#[test]
fn a_page_that_was_frozen_looks_before_a_call_gets_a_token() {
    let mut world = looked(documented());
    world.session.machine.forget_look();
    assert_eq!(world.access(), Step::Look);
}

#[test]
fn a_clock_that_is_set_back_delays_no_look() {
    let mut world = looked(documented());
    world.fast -= DAY;
    assert_eq!(world.access(), Step::Look);
}

#[test]
fn without_a_store_nothing_looks() {
    let mut world = World::new(documented());
    world.pass(DAY);
    assert_eq!(world.access(), Step::Use);
    world.session.clear();
    world.rejects(Code::InvalidToken);
}

#[test]
fn a_login_by_replace_is_stored_with_the_lock_only() {
    let mut world = looked(documented());
    world.session.replace(jo(HOUR, 30.0 * DAY), Origin::Given, HALF);
    let now = world.now();
    assert_eq!(world.session.machine.found(Content::Unusable, false, HALF, now), Found::Lock);
    assert_eq!(world.session.machine.found(Content::Unusable, true, HALF, now), Found::Write);
}

#[test]
fn a_token_that_is_not_fresh_is_stored_with_the_lock_only() {
    for (token, without_lock) in [(documented(), Found::Write), (jo(-28.0 * DAY, 30.0 * DAY), Found::Lock)] {
        let mut world = World::new(token);
        let now = world.now();
        assert_eq!(world.session.machine.found(Content::Empty, false, HALF, now), without_lock);
        assert_eq!(world.session.machine.found(Content::Empty, true, HALF, now), Found::Write);
    }
}
