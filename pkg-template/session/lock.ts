// The lock of a key: Web Locks among all tabs, else a lock within the process, or the option `lock`. A wait for it has a limit,
// and it is never stolen.
import { caught, read } from '../../src/js/foreign.js';
import { shared } from '../../src/js/shared.js';
import { timers } from '../../src/js/wait.js';
import { failure } from '../failure.js';
import type { TokenLock } from '../types/index.js';
import type { Driver } from './driver.js';

/** How long a session waits for a lock, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** After this time the lock of the process counts as free, in milliseconds. In a Worker its holder may have ended with its request. */
const GONE_MS = 180_000;

type Work = () => Promise<unknown>;

/** Whether the work was done with the lock, or was not begun, because the lock did not come in time or does not work. */
type Locked = 'done' | 'busy' | 'broken';

/** The lock of a session's key. */
export class Lock {
  /** How many operations use the lock now. */
  private holding = 0;
  private failure: 'none' | 'to be told' | 'told' = 'none';

  constructor(private readonly driver: Driver, private readonly name: string) {}

  get isHeld(): boolean {
    return this.holding > 0;
  }

  /** Runs `work` with the lock, or without it if the lock does not come. */
  async around(work: Work) {
    if (await this.request(work) !== 'done') await this.hold(work);
  }

  /** Runs `work` without a request for the lock: the session has it already, or does not wait for it. */
  async hold(work: Work) {
    this.holding++;
    try {
      await work();
    } finally {
      this.holding--;
    }
  }

  /** Requests the lock, and runs `work` with it. */
  async request(work: Work): Promise<Locked> {
    const outcome = await withLock(this.driver.options.lock, this.name, () => this.hold(work));
    if (outcome !== 'broken') this.failure = 'none';
    else if (this.failure === 'none') this.failure = 'to be told';
    return outcome;
  }

  /**
   * Reports once that the lock does not work, after a look at the store. If the store has failed, too, both are one outage, which is
   * reported already.
   */
  tellFailure(hasStoreFailed: boolean) {
    if (this.failure !== 'to be told') return;
    this.failure = hasStoreFailed ? 'none' : 'told';
    if (!hasStoreFailed) this.driver.tell('storageerror', { error: failure('ERR_STORAGE', 'retry', 'the lock failed') });
  }
}

/** Runs `work` with the lock held. Once it has begun, only its result counts, even if the lock fails afterwards. */
function withLock(own: TokenLock | undefined, name: string, work: Work): Promise<Locked> {
  return new Promise((resolve, reject) => {
    // Some platforms have no AbortController. There the wait for the lock ends, too, but its request stays.
    const controller = caught(() => new AbortController()), signal = controller?.signal as AbortSignal;
    let isOver = false;
    const end = (outcome: Locked) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      resolve(outcome);
    };
    const timer = setTimeout(() => {
      end('busy');
      controller?.abort();
    }, TIMEOUT_MS);
    const once = async () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      await work().then(() => resolve('done'), reject);
    };
    const failed = (thrown: unknown) => end(isContention(thrown) ? 'busy' : 'broken');
    const request = own ? async () => own(name, { timeoutMs: TIMEOUT_MS, signal }, once) : () => platformLock(name, signal, once);
    request().then(() => end('broken'), failed);
  });
}

/** Tells whether a rejection means that the lock works but did not come in time. */
function isContention(thrown: unknown): boolean {
  return ['AbortError', 'TimeoutError'].includes(read(thrown, 'name'));
}

/** For each lock that a session of this copy holds: the timers that were there when it got the lock. */
const timersOf = new Map<string, unknown>();

/**
 * Requests the lock of the process, and then the lock of all tabs. In Firefox's content scripts a Web Lock protects nothing: it calls
 * back at once, and rejects while the work goes on. There only the lock of the process works.
 */
async function platformLock(name: string, signal: AbortSignal, work: Work) {
  // Under a test's fake timers a session may keep a lock for ever. So a session under other timers does not wait for it.
  if (timersOf.has(name) && timersOf.get(name) !== timers()) return work();
  await shared('locked', processLock)(name, async () => {
    timersOf.set(name, timers());
    let begun: Promise<unknown> | undefined;
    // In a page with an opaque origin Web Locks reject, and in a content script they may throw.
    try {
      await globalThis.navigator?.locks?.request(name, { signal }, () => begun = work());
    } catch {}
    try {
      await (begun ?? work());
    } finally {
      timersOf.delete(name);
    }
  });
}

/** Returns a lock within the process: the operations of a name run one after the other. */
function processLock() {
  /** The last operation that waits for the lock of a name, and since when one of them has it. */
  const queues = new Map<string, { last: Promise<unknown>; since: number }>();
  return async (name: string, work: Work) => {
    const known = queues.get(name), now = Date.now();
    const queue = known && now - known.since < GONE_MS ? known : { last: Promise.resolve(), since: now };
    const begin = () => {
      queue.since = Date.now();
      return work();
    };
    const turn = queue.last = queue.last.then(begin, begin);
    queues.set(name, queue);
    try {
      await turn;
    } finally {
      if (queue.last === turn && queues.get(name) === queue) queues.delete(name);
    }
  };
}
