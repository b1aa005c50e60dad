// A session's store, whose failures are outages: one is told once, and the store is left alone for a while.
import { failure } from '../failure.js';
import type { TokenStorage } from '../types/index.js';
import type { Driver } from './driver.js';
import { call, isMissing, type Operation } from './store.js';

/** How long a store that failed is left alone, in milliseconds. */
const PROBE_MS = 5_000;

/** What a store answers that has failed. */
export const FAILED = {};

export class Outage {
  /** What failed first; undefined if the store works. */
  private cause: Operation[0] | undefined;
  private triedAt = 0;

  constructor(private readonly driver: Driver, private readonly storage: TokenStorage) {}

  get isOn(): boolean {
    return this.cause !== undefined;
  }

  /** Tells whether a store that failed is to be tried again, and counts that as an attempt. */
  isProbeDue(): boolean {
    const isDue = this.isOn && Math.abs(Date.now() - this.triedAt) > PROBE_MS;
    if (isDue) this.triedAt = Date.now();
    return isDue;
  }

  /** Calls the store. Resolves with `FAILED` if it fails. */
  async ask(operation: Operation): Promise<unknown> {
    const [method] = operation;
    try {
      const answer = await call(this.storage, this.driver.options.key as string, operation);
      // Whether what was set is there is seen later.
      if (method === this.cause && method !== 'set') this.end();
      return answer;
    } catch {
      this.begin(method);
      return FAILED;
    }
  }

  /** Takes a failure. The first one of an outage is told. */
  begin(method: Operation[0]) {
    const { driver } = this, detail = { error: storeFailure() };
    if (isMissing(this.storage)) {
      // As good as none. A task later, so that anyone who opened the session can listen by then.
      if (driver.entry) setTimeout(() => driver.tell('storageerror', detail));
      driver.entry = undefined;
      return;
    }
    this.triedAt = Date.now();
    if (this.isOn) return;
    this.cause = method;
    driver.tell('storageerror', detail);
  }

  end() {
    this.cause = undefined;
  }
}

export function storeFailure() {
  return failure('ERR_STORAGE', 'retry', 'the store failed or did not answer');
}
