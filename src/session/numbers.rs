//! A session as numbers. JavaScript keeps them between two calls of the wasm. So a trap loses the instance's memory, but no session.

use core::cell::Cell;

use super::renewal::Request;
use super::storage::{Entry, Standing};
use super::{Held, Now, Session, Ticket};
use crate::claims::Claims;
use crate::error::Code;
use crate::status::StatusOptions;

/// The count of numbers that represent a session.
pub const COUNT: usize = 37;

/// The numbers that are not read or written yet. Each field takes the first of them. The same list of fields reads and writes.
struct Numbers<'a> {
    rest: &'a [Cell<f64>],
    is_reading: bool,
}

impl Numbers<'_> {
    fn number(&mut self, field: &mut f64) {
        let Some((number, rest)) = self.rest.split_first() else { return };
        if self.is_reading {
            *field = number.get();
        } else {
            number.set(*field);
        }
        self.rest = rest;
    }

    /// None is written as NaN, which is never a time or a duration.
    fn optional(&mut self, field: &mut Option<f64>) {
        let mut number = field.unwrap_or(f64::NAN);
        self.number(&mut number);
        *field = (!number.is_nan()).then_some(number);
    }

    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a u32")]
    fn count(&mut self, field: &mut u32) {
        let mut number = f64::from(*field);
        self.number(&mut number);
        *field = number as u32;
    }

    fn flag(&mut self, field: &mut bool) {
        let mut number = f64::from(u8::from(*field));
        self.number(&mut number);
        *field = number > 0.0;
    }

    /// A value is written as its index in `all`. None, or a value that is not in `all`, is written as the length of `all`.
    fn choice<T: Copy + PartialEq>(&mut self, field: &mut Option<T>, all: &[T]) {
        let place = all.iter().position(|value| Some(*value) == *field).unwrap_or(all.len());
        let mut place = u32::try_from(place).unwrap_or_default();
        self.count(&mut place);
        *field = usize::try_from(place).ok().and_then(|place| all.get(place)).copied();
    }

    /// If the part is missing, an empty one is written.
    fn part<T: Copy>(&mut self, field: &mut Option<T>, empty: T, fields: impl FnOnce(&mut Self, &mut T)) {
        let (mut is_there, mut part) = (field.is_some(), field.unwrap_or(empty));
        self.flag(&mut is_there);
        fields(self, &mut part);
        *field = is_there.then_some(part);
    }
}

impl Session {
    /// Writes the session as [`COUNT`] numbers. They do not hold the events: the driver takes those first.
    pub fn write(mut self, numbers: &[Cell<f64>]) {
        self.fields(&mut Numbers { rest: numbers, is_reading: false });
    }

    /// Returns the session that was written as these numbers.
    #[must_use]
    pub fn read(numbers: &[Cell<f64>]) -> Self {
        let now = Now { wall: 0.0, monotonic: 0.0 };
        let mut session = Self::new(None, super::Origin::Stored, StatusOptions::default(), 0.0, now);
        session.fields(&mut Numbers { rest: numbers, is_reading: true });
        session
    }

    fn fields(&mut self, numbers: &mut Numbers<'_>) {
        numbers.optional(&mut self.options.refresh_window_ms);
        numbers.number(&mut self.options.clock_tolerance_ms);
        let empty = Held::new(Claims { expires_at: 0.0, issued_at: None }, Ticket(0), 0.0);
        numbers.part(&mut self.held, empty, |numbers, held| {
            numbers.number(&mut held.claims.expires_at);
            numbers.optional(&mut held.claims.issued_at);
            numbers.count(&mut held.since.0);
            numbers.number(&mut held.jitter);
            numbers.number(&mut held.rests_until);
            numbers.number(&mut held.pauses_until);
            numbers.number(&mut held.cools_until);
            numbers.count(&mut held.failures);
            numbers.choice(&mut held.failure, Code::ALL);
            numbers.flag(&mut held.ended);
            numbers.flag(&mut held.told_expired);
        });
        numbers.count(&mut self.generation);
        let empty = Request { ticket: Ticket(0), sent_at: None, late_until: None };
        numbers.part(&mut self.request, empty, |numbers, request| {
            numbers.count(&mut request.ticket.0);
            numbers.optional(&mut request.sent_at);
            numbers.optional(&mut request.late_until);
        });
        numbers.count(&mut self.last_ticket.0);
        numbers.count(&mut self.void.0);
        numbers.count(&mut self.silent.0);
        numbers.count(&mut self.lock_failures);
        numbers.number(&mut self.elsewhere_until);
        numbers.flag(&mut self.running);
        numbers.flag(&mut self.offline);
        numbers.flag(&mut self.has_store);
        numbers.optional(&mut self.looked_at);
        let mut standing = Some(self.standing);
        numbers.choice(&mut standing, &[Standing::Given, Standing::Replaced, Standing::Settled]);
        self.standing = standing.unwrap_or(Standing::Settled);
        let empty = Entry { ends: 0.0, was_seen: false, is_current: false };
        numbers.part(&mut self.entry, empty, |numbers, entry| {
            numbers.number(&mut entry.ends);
            numbers.flag(&mut entry.was_seen);
            numbers.flag(&mut entry.is_current);
        });
        numbers.optional(&mut self.logged_out_at);
        numbers.optional(&mut self.skew_ms);
        numbers.number(&mut self.seen.wall);
        numbers.number(&mut self.seen.monotonic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_number_for_each_field_and_no_other() {
        let numbers = [const { Cell::new(0.0) }; COUNT + 1];
        let now = Now { wall: 0.0, monotonic: 0.0 };
        let mut session = Session::new(None, super::super::Origin::Given, StatusOptions::default(), 0.0, now);
        let mut list = Numbers { rest: &numbers, is_reading: false };
        session.fields(&mut list);
        assert_eq!(list.rest.len(), 1);
    }
}
