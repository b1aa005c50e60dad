// One check: ours, and other ways in which a page can learn the same. For Node and browsers.
import { Bench } from 'tinybench';
import { decodeJwt } from 'jose';
import { jwtDecode } from 'jwt-decode';
import { tokenStatus } from 'transak-user-token';
import { tokens } from './tokens.js';

/** What a program without a library does; of the ways to write it, the fastest. */
export const byHand = (token) => JSON.parse(atob(token.split('.')[1])).exp;

export const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/**
 * Measures ways to judge tokens side by side: in rounds, each in another order.
 * @param {Record<string, (token: string) => unknown>} ways
 * @param {string[]} list
 * @param {{ rounds?: number, time?: number }} [options]
 * @returns {Promise<Record<string, number>>} nanoseconds a token
 */
export async function sideBySide(ways, list, { rounds = 8, time = 60 } = {}) {
  const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  let kept;
  for (let round = 0; round <= rounds; round++) {
    const bench = new Bench({ time, iterations: 3, warmup: round === 0, warmupTime: 100, throws: true });
    const order = Object.entries(ways).sort(() => Math.random() - 0.5);
    for (const [name, way] of order) bench.add(name, () => { for (const token of list) kept = way(token); });
    await bench.run();
    // The first round warms up.
    if (round > 0) for (const task of bench.tasks) found[task.name].push(task.result.latency.mean * 1e6 / list.length);
  }
  if (kept === undefined) throw new Error('nothing was judged');
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]));
}

export const ways = {
  'tokenStatus': tokenStatus,
  'JSON.parse(atob())': byHand,
  'jose decodeJwt': decodeJwt,
  'jwt-decode': jwtDecode,
};

/** Several thousand tokens at a time, so that a clock that ticks in milliseconds does. */
export const check = (count = 2_000) => sideBySide(ways, tokens(count));
