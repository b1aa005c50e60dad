// The public class. Its state is kept outside the object, so that no console and no JSON shows it.
import { define, read } from '../../src/js/foreign.js';
import { unlessAborted } from '../../src/js/wait.js';
import type { RefreshedToken, SessionOptions, SessionSnapshot, SessionStatus } from '../types/index.js';
import { accessToken, refresh } from './call.js';
import { Driver } from './driver.js';

type Listening = Parameters<EventTarget['addEventListener']>;

const drivers = new WeakMap<object, Driver>();

/** Stands for a token that is in the store. */
const STORED = {};

const of = (session: object) => drivers.get(session) as Driver;

export class TokenSession {
  constructor(token: unknown, options: SessionOptions) {
    const isStored = token === STORED;
    drivers.set(this, new Driver(this, isStored ? null : token ?? null, options, isStored));
    // `Symbol.dispose` is looked up now, because a polyfill may have been loaded after this module.
    const { dispose } = Symbol as { dispose?: symbol };
    if (dispose && !(dispose in this)) {
      const { prototype } = TokenSession;
      // A frozen class cannot get a new method.
      define(Object.isExtensible(prototype) ? prototype : this, dispose, end, false);
    }
  }

  /** Classes of the platform have this, too. Without it Vue's `ref` and `reactive` would call the methods on a proxy of the session. */
  get [Symbol.toStringTag]() {
    return 'TokenSession';
  }

  static async open(options: SessionOptions & { signal?: AbortSignal }): Promise<TokenSession> {
    return begun(new TokenSession(STORED, options), (session) => unlessAborted(of(session).open(), read(options, 'signal')));
  }

  static async login(token: unknown, options: SessionOptions): Promise<TokenSession> {
    return begun(new TokenSession(null, options), (session) => session.replace(token));
  }

  accessToken(options?: { signal?: AbortSignal }): Promise<string> {
    return accessToken(of(this), options);
  }

  status(): SessionStatus {
    return of(this).status();
  }

  refresh(options?: { signal?: AbortSignal }): Promise<RefreshedToken> {
    return refresh(of(this), options);
  }

  replace(token: unknown): Promise<void> {
    return of(this).replace(token);
  }

  clear(): Promise<void> {
    const cleared = of(this).clear();
    // No caller waits for it. A store that fails leads to an event, not to an unhandled rejection.
    cleared.catch(() => {});
    return cleared;
  }

  start() {
    of(this).start();
  }

  stop() {
    of(this).stop();
  }

  dispose() {
    of(this).dispose();
  }

  /** The function is bound to its session, because React's `useSyncExternalStore` calls it without `this`. */
  get subscribe(): (listener: () => void) => () => void {
    return of(this).watcher.subscribe;
  }

  /** This function is bound, too. */
  get snapshot(): () => SessionSnapshot {
    return of(this).watcher.snapshot;
  }

  addEventListener(...given: Listening) {
    of(this).events.addEventListener(...given);
  }

  removeEventListener(...given: Listening) {
    of(this).events.removeEventListener(...given);
  }
}

function end(this: TokenSession) {
  of(this).dispose();
}

/** Resolves with a session once `begin` has ended. If `begin` fails, the session is disposed of. */
async function begun(session: TokenSession, begin: (session: TokenSession) => Promise<unknown>) {
  try {
    await of(session).begin(() => begin(session));
    return session;
  } catch (thrown) {
    session.dispose();
    throw thrown;
  }
}
