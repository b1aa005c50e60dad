// The events of a session.
import { define } from '../../src/js/foreign.js';

/** Returns an event whose `target` is the session. */
export function eventOf(type: string, session: object, detail: unknown): Event {
  const event = typeof Event === 'function' ? new Event(type) : { type } as Event;
  for (const [name, value] of [['detail', detail], ['target', session], ['currentTarget', session]] as const) define(event, name, value, true);
  return event;
}
