// A job over many tokens. It checks a thousand at a time, refreshes a few at a time, and reads more only when the loop takes results.
// The wasm decides when a refresh is tried again, and when nothing more is sent.
import { caught, iterates } from '../../src/js/foreign.js';
import { copyOptions } from '../../src/js/options.js';
import { latch, onAbort, timer } from '../../src/js/wait.js';
import { TransakTokenError as ErrorClass, refreshAccessToken, tokenStatus, tokenStatuses } from '../index.js';
import { core } from '../loader.js';
import type { TransakTokenError } from '../types/index.js';
import type { KeepFreshOptions, KeptEntry } from '../types/server.js';
import { underLock } from './lock.js';

type Entries<K> = Iterable<readonly [K, string]> | AsyncIterable<readonly [K, string]>;

/** How many tokens are checked in one call: a million results at once would take 138 MiB. */
const CHUNK = 1_000;

/** How long the job waits for a lock, in milliseconds. */
const LOCK_MS = 10_000;

export function keepFresh<K>(entries: Entries<K>, given: KeepFreshOptions<K>): AsyncIterableIterator<KeptEntry<K>> {
  // If `headers` is a function, each call checks what it returns.
  const hasHeadersByKey = typeof given?.headers === 'function';
  const fleet = new (core().Fleet)(entries, hasHeadersByKey ? { ...copyOptions(given), headers: undefined } : given);
  return run(entries, copyOptions(given), fleet);
}

async function* run<K>(
  entries: Entries<K>, { signal, lock, reload, headers, ...options }: KeepFreshOptions<K>, fleet: InstanceType<ReturnType<typeof core>['Fleet']>,
): AsyncGenerator<KeptEntry<K>, void, undefined> {
  const { refreshWindowMs, clockToleranceMs } = options, checking = { refreshWindowMs, clockToleranceMs };
  const underWay = new Set<Promise<unknown>>(), settled: KeptEntry<K>[] = [];
  /** The error after which nothing more is sent. */
  let over: TransakTokenError | undefined;

  const pause = async (delayMs: number) => {
    const aborted = latch(), stop = signal ? onAbort(signal, aborted.open) : () => {};
    await timer(delayMs, aborted);
    stop();
  };

  /** Sends one request, without the signal: a sent request is always awaited, because it may already have ended the old token. */
  const send = (key: K, token: string) => {
    const own = typeof headers === 'function' ? headers(key) : headers;
    // If these are no valid headers, the refresh says so.
    const all = caught(() => ({ ...core().defaultHeaders(), ...Object.fromEntries(new Headers(own)) })) ?? own;
    return refreshAccessToken(token, { ...options, headers: all, retries: 0 });
  };

  /** Refreshes the token that the entry has now, if it still needs that. */
  const current = async (key: K, token: string): Promise<Partial<KeptEntry<K>>> => {
    if (!reload) return { refreshed: await send(key, token) };
    const latest = await reload(key), status = tokenStatus(latest, checking);
    return status.action === 'refresh' ? { status, refreshed: await send(key, latest as string) } : { status };
  };

  const locked = async (key: K, token: string): Promise<Partial<KeptEntry<K>>> => {
    if (!lock) return current(key, token);
    const done = await underLock(lock, `transak-user-token:${String(key)}`, LOCK_MS, () => current(key, token));
    if (done.held === 'yes') return done.result;
    // If the lock did not come in time, its holder refreshes this token. If the lock fails, only its protection is lost.
    if (done.held === 'failed') return current(key, token);
    const fields = { code: 'ERR_TIMEOUT', action: 'retry', attempts: 0, outcomeUnknown: false };
    throw new ErrorClass('no answer came in time: the lock was not free', fields);
  };

  /** Resolves with the entry, or with undefined if the job was aborted before it sent anything. */
  const refresh = async (key: K, token: string, status: KeptEntry<K>['status']): Promise<KeptEntry<K> | undefined> => {
    const began = Date.now();
    let attempts = 0, outcomeUnknown = false, last: TransakTokenError | undefined;
    for (;;) {
      for (let waitMs; !signal?.aborted && (waitMs = fleet.waitMs(Date.now())) > 0;) await pause(waitMs);
      const error = last ?? over;
      if (over || signal?.aborted) return error && { key, status, error };
      try {
        return { key, status, ...await locked(key, token) };
      } catch (thrown) {
        const error: TransakTokenError = last = thrown as any;
        // If `headers` or `reload` fails, only this entry gets the error.
        const isOwn = !(error instanceof ErrorClass) || typeof headers === 'function' && error.code === 'ERR_INVALID_OPTION';
        if (isOwn) return { key, status, error };
        attempts += error.attempts;
        outcomeUnknown ||= error.outcomeUnknown;
        Object.assign(error, { attempts, outcomeUnknown });
        const { againInMs, isOver } = fleet.failed(Date.now(), Math.random(), began, attempts, error.code, error.status, error.retryAfterMs);
        if (isOver) over ??= error;
        if (againInMs === null) return { key, status, error };
        await pause(againInMs);
      }
    }
  };

  const begin = (key: K, token: string, status: KeptEntry<K>['status']) => {
    const done = refresh(key, token, status).then((entry) => { if (entry) settled.push(entry); });
    underWay.add(done);
    done.then(() => underWay.delete(done));
  };

  const source: Source = { failure: undefined };
  try {
    for await (const chunk of chunks(entries, source)) {
      const statuses = tokenStatuses(chunk.map((entry) => entry?.[1]), checking);
      for (let at = 0; at < chunk.length && !signal?.aborted; at++) {
        const entry = chunk[at], status = statuses[at];
        if (status.action !== 'refresh') yield { key: entry?.[0], status };
        else {
          while (underWay.size >= fleet.concurrency) await Promise.race(underWay);
          while (settled.length) yield settled.shift() as KeptEntry<K>;
          if (over) yield { key: entry[0], status, error: over };
          else if (!signal?.aborted) begin(entry[0], entry[1], status);
        }
        // A loop takes the place of `yield*`, which would wait even if there is no entry.
        while (settled.length) yield settled.shift() as KeptEntry<K>;
      }
      if (signal?.aborted) break;
    }
    while (underWay.size || settled.length) {
      if (!settled.length) await Promise.race(underWay);
      while (settled.length) yield settled.shift() as KeptEntry<K>;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (signal?.aborted) throw signal.reason;
  if (source.failure) throw source.failure.thrown;
}

/** The error of the source. It is thrown after the refreshes in flight have settled. */
type Source = { failure: { thrown: unknown } | undefined };

async function* chunks<T>(entries: Iterable<T> | AsyncIterable<T>, source: Source): AsyncGenerator<T[], void, undefined> {
  let chunk: T[] = [];
  const take = () => {
    const full = chunk;
    chunk = [];
    return full;
  };
  try {
    if (iterates(entries, 'asyncIterator')) {
      for await (const entry of entries) if (chunk.push(entry) === CHUNK) yield take();
    } else {
      // A list needs no promise for each of its entries.
      for (const entry of entries as Iterable<T>) if (chunk.push(entry) === CHUNK) yield take();
    }
  } catch (thrown) {
    source.failure = { thrown };
  }
  if (chunk.length) yield chunk;
}
