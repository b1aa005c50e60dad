// `status`: a table, or JSON. The exit code says the state, so a script does not need the output.
import { tokenStatus } from '../index.js';
import type { Options } from './arguments.js';
import { timeline } from './timeline.js';
import { EXIT, readToken } from './token.js';

export async function status({ json }: Options) {
  const token = await readToken(), now = Date.now();
  const found = tokenStatus(token, { now });
  process.exitCode = EXIT[found.state];
  if (json) return void process.stdout.write(`${JSON.stringify(found)}\n`);
  const rows: [string, string][] = [['state', found.state], ['action', found.action]];
  if (found.state === 'invalid') {
    rows.push(['reason', found.reason]);
  } else {
    const { issuedAt, refreshAt, expiresAt } = found;
    rows.push(['issued', issuedAt === null ? 'not stated' : instant(issuedAt, now)], ['refresh', instant(refreshAt, now)], ['expires', instant(expiresAt, now)]);
  }
  const lines = [...rows.map(([name, value]) => `${name.padEnd(9)}${value}`), 'decoded, not verified'];
  if (process.stdout.isTTY && found.state !== 'invalid') lines.push('', ...timeline(found, now, Math.min(process.stdout.columns || 80, 80)));
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Returns an instant in ISO 8601, and how far away it is. */
export function instant(at: number, now: number) {
  return `${new Date(at).toISOString()}  ${at > now ? `in ${span(at - now)}` : `${span(now - at)} ago`}`;
}

const UNITS: [string, number][] = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]];

/** Returns a duration in its two largest units, such as `2 d 5 h`. */
function span(ms: number) {
  const first = Math.max(UNITS.findIndex(([, size]) => ms >= size), 0);
  if (ms < 1_000) return 'less than 1 s';
  return UNITS.slice(first, first + 2).map(([name, size], index) => {
    const count = Math.floor((index ? ms % UNITS[first]![1] : ms) / size);
    return index && !count ? '' : ` ${count} ${name}`;
  }).join('').trim();
}
