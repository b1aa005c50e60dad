// What a session's listeners are told.
import { define } from '../../src/js/foreign.js';

/** Returns an event that says it is a session's. */
export function eventOf(type: string, session: object, detail: unknown): Event {
  const event = typeof Event === 'function' ? new Event(type) : { type } as Event;
  for (const [name, value] of [['detail', detail], ['target', session], ['currentTarget', session]] as const) define(event, name, value, true);
  return event;
}
