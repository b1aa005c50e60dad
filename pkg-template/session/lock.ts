// One at a time: among all tabs by Web Locks, within the process if there are none, or by a lock of the user's own. It is
// waited for with a limit, and never stolen.
import { caught, read } from '../../src/js/foreign.js';
import { shared } from '../../src/js/shared.js';
import { failure } from '../failure.js';
import type { TokenLock } from '../types/index.js';
import type { Driver } from './driver.js';

/** How long a lock is waited for, in milliseconds. */
const TIMEOUT_MS = 10_000;

type Work = () => Promise<void>;

/** The work was done with the lock; or it was not begun, since the lock was not had in time or does not work. */
type Locked = 'done' | 'busy' | 'broken';

/** The lock of a session's key. */
export class Lock {
  /** How much is being done with it. */
  private holding = 0;
  private failure: 'none' | 'to be told' | 'told' = 'none';

  constructor(private readonly driver: Driver, private readonly name: string) {}

  get isHeld(): boolean {
    return this.holding > 0;
  }

  /** Does something with the lock, or without it if it is not had. */
  async around(work: Work) {
    if (await this.request(work) !== 'done') await this.hold(work);
  }

  /** Does something as if the lock were had: it is already, or it is not worth waiting for. */
  async hold(work: Work) {
    this.holding++;
    try {
      await work();
    } finally {
      this.holding--;
    }
  }

  /** Requests the lock, and does something with it. */
  async request(work: Work): Promise<Locked> {
    const outcome = await withLock(this.driver.options.lock, this.name, () => this.hold(work));
    if (outcome !== 'broken') this.failure = 'none';
    else if (this.failure === 'none') this.failure = 'to be told';
    return outcome;
  }

  /** Tells once that the lock does not work, after a look at the store: if that has failed too, it is one outage, and told already. */
  tellFailure(hasStoreFailed: boolean) {
    if (this.failure !== 'to be told') return;
    this.failure = hasStoreFailed ? 'none' : 'told';
    if (!hasStoreFailed) this.driver.tell('storageerror', { error: failure('ERR_STORAGE', 'retry', 'the lock failed') });
  }
}

/** Runs `work` with the lock held. Once it has begun its outcome counts, whatever the lock does afterwards. */
function withLock(own: TokenLock | undefined, name: string, work: Work): Promise<Locked> {
  return new Promise((resolve, reject) => {
    // Some platforms have no AbortController: there the lock is given up all the same, and its request stays.
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
    const request = own ? async () => own(name, { timeoutMs: TIMEOUT_MS, signal }, once) : () => platformLock(name, signal, once, () => isOver);
    request().then(() => end('broken'), failed);
  });
}

/** Tells whether a lock works, and was not had. */
function isContention(thrown: unknown): boolean {
  return ['AbortError', 'TimeoutError'].includes(read(thrown, 'name'));
}

async function platformLock(name: string, signal: AbortSignal, work: Work, hasBegun: () => boolean) {
  // A page without an origin of its own has Web Locks that refuse, and a content script some that throw.
  try {
    await globalThis.navigator?.locks?.request(name, { signal }, work);
  } catch {}
  if (!hasBegun()) await shared('locked', processLock)(name, work);
}

/** Returns a function that does one thing of a name after the other. */
function processLock() {
  /** The last of those who want a name's lock. */
  const tails = new Map<string, Promise<unknown>>();
  return async (name: string, work: Work) => {
    const turn = Promise.resolve(tails.get(name)).then(work, work);
    tails.set(name, turn);
    try {
      await turn;
    } finally {
      if (tails.get(name) === turn) tails.delete(name);
    }
  };
}
