// A job over many tokens. It checks a thousand at a time, refreshes a few at a time, and reads more only when the loop takes results.
// The wasm decides when a refresh is tried again, and when nothing more is sent.
import { has, iterates, read, readHeaders } from '../../src/js/foreign.js';
import { copyOptions } from '../../src/js/options.js';
import { abortReason, timer } from '../../src/js/wait.js';
import { failure } from '../failure.js';
import { TransakTokenError as ErrorClass, refreshAccessToken, tokenStatus, tokenStatuses } from '../index.js';
import { core } from '../loader.js';
import type { TransakTokenError } from '../types/index.js';
import type { KeepFreshOptions, KeptEntry } from '../types/server.js';
import { MAX_HANGS, underLock } from './lock.js';
import { LIMIT_MS } from './outage.js';
import { createStop } from './stop.js';

type Entries<K> = Iterable<readonly [K, string]> | AsyncIterable<readonly [K, string]>;

/** How many tokens are checked in one call: a million results at once would take 138 MiB. */
const CHUNK = 1_000;

/** How long the job waits for a lock, in milliseconds. */
const LOCK_MS = 10_000;

export function keepFresh<K>(entries: Entries<K>, given: KeepFreshOptions<K>): AsyncIterableIterator<KeptEntry<K>> {
  const options: KeepFreshOptions<K> = copyOptions(given);
  // If `headers` is a function, each call checks what it returns.
  const hasHeadersByKey = typeof read(options, 'headers') === 'function';
  const fleet = new (core().Fleet)(entries, hasHeadersByKey ? { ...options, headers: undefined } : options);
  return run(entries, options, fleet);
}

async function* run<K>(
  entries: Entries<K>, { signal, lock, reload, headers, ...options }: KeepFreshOptions<K>, fleet: InstanceType<ReturnType<typeof core>['Fleet']>,
): AsyncGenerator<KeptEntry<K>, void, undefined> {
  const { refreshWindowMs, clockToleranceMs } = options, checking = { refreshWindowMs, clockToleranceMs };
  /** The entries in a row whose lock hung. A lock that another process has rejects instead. */
  const hung = new Set<K>();
  const underWay = new Set<Promise<void>>(), settled: KeptEntry<K>[] = [];
  /** The error after which nothing more is sent. */
  let over: TransakTokenError | undefined;
  const stop = createStop(signal);
  const pause = (delayMs: number) => stop.wait((stopped) => timer(delayMs, stopped));

  /** Sends one request, without the signal: a sent request is always awaited, because it may already have ended the old token. */
  const send = async (key: K, token: string): Promise<Outcome<K>> => {
    const own = typeof headers === 'function' ? headers(key) : headers, read = readHeaders(own);
    // A promise is no headers. If it rejects, that must not end the process.
    if (has(own, 'then')) Promise.resolve(own).catch(() => {});
    // If these are no valid headers, the refresh says so.
    const all = read ? { ...core().defaultHeaders(), ...Object.fromEntries(read[0]) } : own;
    try {
      return { refreshed: await refreshAccessToken(token, { ...options, headers: all, retries: 0 }) };
    } catch (failed) {
      return { failed: failed as any };
    }
  };

  /** Refreshes the token that the entry has now, if it still needs that. Resolves with undefined if the job has stopped. */
  const current = async (key: K, token: string): Promise<Outcome<K> | undefined> => {
    if (stop.isOver) return undefined;
    if (!reload) return send(key, token);
    const latest = await stop.wait((stopped) => Promise.race([reload(key), stopped]));
    if (stop.isOver) return undefined;
    const status = tokenStatus(latest, checking);
    return status.action === 'refresh' ? { status, ...await send(key, latest as string) } : { status };
  };

  const locked = async (key: K, token: string): Promise<Outcome<K> | undefined> => {
    if (!lock) return current(key, token);
    const name = `transak-user-token:${String(key)}`, work = () => current(key, token), isBroken = () => hung.size >= MAX_HANGS;
    const done = await stop.wait((stopped) => underLock(lock, name, isBroken() ? LIMIT_MS : LOCK_MS, work, stopped));
    if (done.held === 'hangs') hung.add(key);
    else if (done.held !== 'failed') hung.clear();
    if (done.held === 'yes') return done.result;
    // If the lock did not come in time, its holder refreshes this token. If the lock fails, only its protection is lost.
    if (done.held === 'failed' || done.held === 'hangs' && isBroken() || stop.isOver) return work();
    const fields = { code: 'ERR_TIMEOUT', action: 'retry', attempts: 0, outcomeUnknown: false };
    return { failed: new ErrorClass('no answer came in time: the lock was not free', fields) as any };
  };

  /** Resolves with the entry, or with undefined if the job stopped before it sent anything. */
  const refresh = async (key: K, token: string, status: KeptEntry<K>['status']): Promise<KeptEntry<K> | undefined> => {
    const began = Date.now();
    // A wait for the lock that fails counts as a try, although it sends no request.
    let tries = 0, attempts = 0, outcomeUnknown = false, last: TransakTokenError | undefined;
    for (;;) {
      for (let waitMs; !stop.isOver && (waitMs = fleet.waitMs(Date.now())) > 0;) await pause(waitMs);
      const error = last ?? over;
      if (over || stop.isOver) return error && { key, status, error };
      let outcome;
      try {
        outcome = await locked(key, token);
      } catch (thrown) {
        // If `headers` or `reload` fails, only this entry gets the error.
        return { key, status, error: thrown as any };
      }
      const failed = outcome?.failed;
      if (!failed) return outcome ? { key, status, ...outcome } : last && { key, status, error: last };
      last = failed;
      const isOwn = !(failed instanceof ErrorClass) || typeof headers === 'function' && failed.code === 'ERR_INVALID_OPTION';
      if (isOwn) return { key, status, error: failed };
      tries++;
      attempts += failed.attempts;
      outcomeUnknown ||= failed.outcomeUnknown;
      Object.assign(failed, { attempts, outcomeUnknown });
      const { againInMs, isOver } = fleet.failed(Date.now(), Math.random(), began, tries, failed.code, failed.status, failed.retryAfterMs);
      if (isOver) over ??= failed;
      if (againInMs === null) return { key, status, error: failed };
      await pause(againInMs);
    }
  };

  const begin = (key: K, token: string, status: KeptEntry<K>['status']) => {
    const done = refresh(key, token, status).then((entry) => { if (entry) settled.push(entry); });
    underWay.add(done);
    done.then(() => underWay.delete(done));
  };

  const source: Source = { failure: undefined }, reading = chunks(entries, source);
  let isReading = false;
  try {
    while (!stop.isOver) {
      isReading = true;
      const next = reading.next();
      let read: Awaited<typeof next> | void = undefined;
      // What is refreshed while entries are read is yielded at once. A source that does not answer does not hold up an abort.
      for (; !read && !stop.isOver; read = await stop.wait((stopped) => Promise.race([next, stopped, ...underWay]))) {
        while (settled.length) yield settled.shift() as KeptEntry<K>;
      }
      isReading = !read;
      if (!read || read.done) break;
      const chunk = read.value, statuses = tokenStatuses(chunk.map((entry) => Array.isArray(entry) ? entry[1] : undefined), checking);
      for (let at = 0; at < chunk.length && !stop.isOver; at++) {
        const entry = chunk[at], status = statuses[at];
        if (!Array.isArray(entry)) yield { key: undefined as any, status, error: failure('ERR_INVALID_OPTION', 'fix', 'an entry must be an array of a key and a token') as any };
        else if (status.action !== 'refresh') yield { key: entry[0], status };
        else {
          while (underWay.size >= fleet.concurrency) await Promise.race(underWay);
          while (settled.length) yield settled.shift() as KeptEntry<K>;
          if (over) yield { key: entry[0], status, error: over };
          else if (!stop.isOver) begin(entry[0], entry[1], status);
        }
        // A loop takes the place of `yield*`, which would wait even if there is no entry.
        while (settled.length) yield settled.shift() as KeptEntry<K>;
      }
    }
    while (underWay.size || settled.length) {
      if (!settled.length) await Promise.race(underWay);
      while (settled.length) yield settled.shift() as KeptEntry<K>;
    }
  } finally {
    stop.now();
    const closed = reading.return();
    await Promise.all(underWay);
    // An iterable that still has to answer is closed when it does.
    if (!isReading) await closed;
  }
  if (signal?.aborted) throw abortReason(signal);
  if (source.failure) throw source.failure.thrown;
}

/** What became of an attempt: the fields of the entry, or why the refresh failed. */
type Outcome<K> = Partial<KeptEntry<K>> & { failed?: TransakTokenError };

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
