// `gateway`: serves the local stand-in for Transak's gateway, and prints each request.
import { createGateway } from '../gateway.js';
import type { Fault } from '../types/gateway.js';
import { UsageError, type Options } from './arguments.js';

/** The longest lifetime. A Date still has the instant at its end. */
const MOST_DAYS = 36_500;
const UNITS: { [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const KINDS: { [name: string]: Fault } = {
  429: { kind: 'rate-limit' }, hang: { kind: 'hang' }, html: { kind: 'html', status: 503 }, redirect: { kind: 'redirect' },
  drop: { kind: 'drop', when: 'before' }, 'drop-after': { kind: 'drop', when: 'after' }, truncated: { kind: 'truncated' }, oversized: { kind: 'oversized' },
  ...Object.fromEntries((['older', 'same', 'foreign', 'expired', 'garbage'] as const).map((which) => [which, { kind: 'token', which }])),
};

export async function serveGateway({ port = '0', lifetime, fail }: Options) {
  const otp = '123456';
  const gateway = createGateway({ allowedOrigins: 'any', otp, ...lifetime === undefined ? {} : { lifetimeMs: milliseconds(String(lifetime)) } });
  for (const text of fail as string[] | undefined ?? []) gateway.fail(...faultOf(text));
  if (!/^\d{1,5}$/.test(String(port)) || Number(port) > 65_535) throw new UsageError('--port takes a number from 0 to 65535');
  // The gateway appends each request to this list. Headers, the query and long parts of the path may hold a token.
  gateway.requests.push = (...requests) => {
    for (const { method, path } of requests) print(`${new Date().toISOString()} ${method} ${path.replace(/\?.*/s, '').replace(/[\w-]{24,}/g, '...')}`);
    return Array.prototype.push.apply(gateway.requests, requests);
  };
  const { url } = await gateway.listen(Number(port)).catch((error) => {
    process.stderr.write(`transak-user-token: the port cannot be used: ${error?.code}\n`);
    return process.exit(1);
  });
  print(`Transak's stand-in answers at ${url} until you press Ctrl-C.

  POST /api/v2/auth/login     { apiKey, email }
  POST /api/v2/auth/verify    { apiKey, email, otp, stateToken }; the otp is ${otp}
  GET  /api/v2/auth/refresh   authorization: the token, without Bearer

Try: npx transak-user-token refresh --base-url ${url}
`);
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

function milliseconds(text: string) {
  const [, count, unit] = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit ?? ''] ?? NaN);
  if (!(ms > 0 && ms <= MOST_DAYS * 86_400_000)) throw new UsageError('--lifetime takes a number and a unit, such as 90s, 15m, 12h or 30d');
  return ms;
}

/** Reads `503`, `hang:2` or `drop:always`. */
function faultOf(text: string): [Fault, { times: number }] {
  const [, name = '', times = '1'] = /^([a-z-]+|[2-5]\d\d)(?::([1-9]\d{0,5}|always))?$/.exec(text) ?? [];
  const fault: Fault | undefined = Object.hasOwn(KINDS, name) ? KINDS[name] : /^\d/.test(name) ? { kind: 'error', status: Number(name) } : undefined;
  if (!fault) throw new UsageError(`--fail takes a status or ${Object.keys(KINDS).slice(1).join(', ')}, and how often: 503, hang:2, drop:always`);
  return [fault, { times: times === 'always' ? Infinity : Number(times) }];
}
