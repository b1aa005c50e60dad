//! The entry of a token in the store: how long it is kept, what is known of it, and what the mark of a logout means.

use super::*;

/// A session whose token was stored and read back just now.
fn stored(world: &mut World) {
    world.written();
    let token = Rc::clone(world.session.token().expect("a token"));
    let now = world.now();
    assert_eq!(world.session.found(Some(token), HALF, now), Found::Keep);
}

fn finds(world: &mut World, content: Content) -> Found {
    let now = world.now();
    world.session.machine.found(content, true, HALF, now)
}

#[test]
fn a_token_counts_as_stored_from_the_read_of_it_until_the_next_change() {
    let mut world = World::new(documented());
    assert!(!world.session.is_stored());
    world.written();
    assert!(!world.session.is_stored());
    stored(&mut world);
    assert!(world.session.is_stored());
    let ticket = world.at(28.0 * DAY).must_refresh();
    assert!(world.answer(ticket));
    assert!(!world.session.is_stored(), "its successor is not there yet");
    stored(&mut world);
    finds(&mut world, Content::Unusable);
    assert!(!world.session.is_stored(), "something else is there");
}

#[test]
fn a_store_has_to_keep_a_token_for_its_remaining_life_at_most_its_stated_life_or_thirty_days() {
    let tolerance = StatusOptions { clock_tolerance_ms: 5_000.0, ..StatusOptions::default() };
    let at = |issued_at: Option<f64>, life: f64| read(&token("jo", issued_at.map(|at| START + at), START + life));
    for (token, options, ttl_ms) in [
        (at(Some(-DAY), HOUR), StatusOptions::default(), HOUR),
        (at(Some(-DAY), HOUR), tolerance, HOUR + 5_000.0),
        // The time is in whole milliseconds.
        (at(Some(-DAY), HOUR), StatusOptions { clock_tolerance_ms: 0.7, ..tolerance }, HOUR),
        // If the clock is slow, the time is not longer.
        (at(Some(DAY), DAY + HOUR), tolerance, HOUR),
        (at(Some(-DAY), 40.0 * DAY), tolerance, 30.0 * DAY),
        (at(None, 40.0 * DAY), tolerance, 30.0 * DAY),
        (at(None, HOUR), StatusOptions::default(), HOUR),
        (at(None, -HOUR), StatusOptions::default(), -HOUR),
    ] {
        let mut world = World::with(token, 0.0, options);
        let now = world.now();
        assert_eq!(Some(world.session.machine.ttl_ms(now)), Some(ttl_ms));
    }
    let mut world = World::new(documented());
    world.session.clear();
    let now = world.now();
    assert_eq!(Some(world.session.machine.ttl_ms(now)), Some(0.0));
}

#[test]
fn an_entry_that_is_gone_is_a_logout_until_a_minute_before_its_end() {
    for (before_end, found) in [(MINUTE + 1.0, Found::Cleared), (MINUTE, Found::Keep), (1.0, Found::Keep)] {
        let mut world = World::new(documented());
        stored(&mut world);
        world.at(30.0 * DAY - before_end);
        assert_eq!(finds(&mut world, Content::Empty), found, "{before_end}");
    }
}

#[test]
fn the_tolerance_moves_the_end_of_an_entry() {
    let options = StatusOptions { clock_tolerance_ms: 5.0 * MINUTE, ..StatusOptions::default() };
    let mut world = World::with(jo(-HOUR, HOUR + MINUTE), 0.0, options);
    stored(&mut world);
    world.at(2.0 * MINUTE);
    assert_eq!(finds(&mut world, Content::Empty), Found::Cleared);
}

#[test]
fn the_end_of_an_entry_is_by_the_servers_clock() {
    for fast in [DAY, -DAY] {
        let mut world = World::with(documented(), fast, StatusOptions::default());
        let ticket = world.at(20.0 * DAY).must_refresh_now();
        assert!(world.answer(ticket));
        // It is read where another tab has stored it.
        let token = Rc::clone(world.session.token().expect("a token"));
        let now = world.now();
        assert_eq!(world.session.found(Some(token), HALF, now), Found::Keep);
        world.at(50.0 * DAY - HOUR);
        assert_eq!(finds(&mut world, Content::Empty), Found::Cleared, "{fast}");
    }
}

#[test]
fn the_mark_of_a_logout_ends_a_session_unless_its_login_is_not_stored_yet() {
    let mut world = World::new(documented());
    assert_eq!(finds(&mut world, Content::LoggedOut), Found::Write);
    stored(&mut world);
    world.session.replace(jo(HOUR, 30.0 * DAY), Origin::Given, HALF);
    assert_eq!(finds(&mut world, Content::LoggedOut), Found::Write);
    stored(&mut world);
    world.heard();
    assert_eq!(finds(&mut world, Content::LoggedOut), Found::Cleared);
    assert_eq!(world.heard(), [Event::Cleared]);
}

#[test]
fn an_entry_ends_after_thirty_days_however_long_its_token_lives() {
    for (elapsed, found) in [(30.0 * DAY - HOUR, Found::Cleared), (30.0 * DAY, Found::Write)] {
        let mut world = World::new(jo(0.0, 90.0 * DAY));
        stored(&mut world);
        world.at(elapsed);
        assert_eq!(finds(&mut world, Content::Empty), found, "{elapsed}");
    }
}
