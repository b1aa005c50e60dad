// A session's store. A failure begins an outage: it is reported once, and the store is not called for a while.
import { failure } from '../failure.js';
import type { TokenStorage } from '../types/index.js';
import type { Driver } from './driver.js';
import { call, isMissing, type Operation } from './store.js';

/** How long a store is not called after a failure, in milliseconds. */
const PROBE_MS = 5_000;

/** The result of a call to a store that has failed. */
export const FAILED = {};

export class Outage {
  /** The operation that failed first; undefined if the store works. */
  private cause: Operation[0] | undefined;
  private triedAt = 0;

  constructor(private readonly driver: Driver, private readonly storage: TokenStorage) {}

  get isOn(): boolean {
    return this.cause !== undefined;
  }

  /** Tells whether to try a failed store again now, and counts that as an attempt. */
  isProbeDue(): boolean {
    const isDue = this.isOn && Math.abs(Date.now() - this.triedAt) > PROBE_MS;
    if (isDue) this.triedAt = Date.now();
    return isDue;
  }

  /** Calls the store. Resolves with `FAILED` if it fails. */
  async attempt(operation: Operation): Promise<unknown> {
    const [method] = operation;
    try {
      const answer = await call(this.storage, this.driver.options.key as string, operation);
      // A `set` that succeeds ends no outage: only a later look shows whether the token was stored.
      if (method === this.cause && method !== 'set') this.end();
      return answer;
    } catch {
      this.begin(method);
      return FAILED;
    }
  }

  /** Notes a failure. The first one of an outage is reported, with what has failed. */
  begin(method: Operation[0], what?: string) {
    const { driver } = this, detail = { error: storeFailure(what) };
    if (isMissing(this.storage)) {
      // From now on the session has no store.
      if (driver.entry) driver.tell('storageerror', detail);
      driver.entry?.disconnect();
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

export function storeFailure(what = 'the store failed or did not answer') {
  return failure('ERR_STORAGE', 'retry', what);
}
