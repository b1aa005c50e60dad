// Many tokens, one after another: checked by the thousand, refreshed a few at a time, and no more read than is asked for.
import { refreshAccessToken, tokenStatuses } from '../index.js';
import { core } from '../loader.js';

/** @import { KeepFreshOptions, KeptEntry } from '../types/server.js' */

/** How many tokens are checked in one call: a million results at once would take 138 MiB. */
const CHUNK = 1_000;

/**
 * @template K
 * @param {Iterable<readonly [K, string]> | AsyncIterable<readonly [K, string]>} entries
 * @param {KeepFreshOptions} options
 * @returns {AsyncGenerator<KeptEntry<K>, void, undefined>}
 */
export function keepFresh(entries, options) {
  return run(entries, options, core().readFleetOptions(entries, options));
}

/**
 * @template K
 * @param {Iterable<readonly [K, string]> | AsyncIterable<readonly [K, string]>} entries
 * @param {KeepFreshOptions} options
 * @param {number} concurrency
 * @returns {AsyncGenerator<KeptEntry<K>, void, undefined>}
 */
async function* run(entries, { concurrency: _, signal, ...options }, concurrency) {
  const { refreshWindowMs, clockToleranceMs } = options;
  /** @type {Set<Promise<unknown>>} */
  const flights = new Set();
  /** @type {KeptEntry<K>[]} */
  const landed = [];

  /** @type {(key: K, token: string, status: KeptEntry<K>['status']) => void} */
  const refresh = (key, token, status) => {
    // Without the signal: what was sent is awaited, since the old token may be gone.
    const flight = refreshAccessToken(token, options)
      .then((refreshed) => ({ key, status, refreshed }), (error) => ({ key, status, error }))
      .then((entry) => { landed.push(entry); });
    flights.add(flight);
    flight.then(() => flights.delete(flight));
  };

  /** @type {Source} */
  const source = { failure: undefined };
  try {
    for await (const chunk of chunks(entries, source)) {
      const statuses = tokenStatuses(chunk.map((entry) => entry?.[1]), { refreshWindowMs, clockToleranceMs });
      for (let at = 0; at < chunk.length && !signal?.aborted; at++) {
        const entry = chunk[at], status = statuses[at];
        if (status.action !== 'refresh') yield { key: entry?.[0], status };
        else {
          while (flights.size >= concurrency) await Promise.race(flights);
          if (!signal?.aborted) refresh(entry[0], entry[1], status);
        }
        yield* landed.splice(0);
      }
      if (signal?.aborted) break;
    }
    while (flights.size || landed.length) {
      if (!landed.length) await Promise.race(flights);
      yield* landed.splice(0);
    }
  } finally {
    await Promise.all(flights);
  }
  if (signal?.aborted) throw signal.reason;
  if (source.failure) throw source.failure.thrown;
}

/**
 * Why a source ended early. What is under way is awaited before it is thrown.
 * @typedef {{ failure?: { thrown: unknown } }} Source
 */

/**
 * @template T
 * @param {Iterable<T> | AsyncIterable<T>} entries
 * @param {Source} source
 */
async function* chunks(entries, source) {
  /** @type {T[]} */
  let chunk = [];
  try {
    for await (const entry of entries) {
      if (chunk.push(entry) < CHUNK) continue;
      yield chunk;
      chunk = [];
    }
  } catch (thrown) {
    source.failure = { thrown };
  }
  if (chunk.length) yield chunk;
}
