// Random payloads: JSON.parse says which of them are JSON, and which claims they have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tokenStatus } from 'transak-user-token';
import { workers } from './workers.mjs';

const RUNS = Number(process.env.RUNS ?? 100_000);
const SEED = Number(process.env.SEED ?? 20_250_619);
const NOW = 1_752_000_000_000;
const DAY = 86_400_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Returns the top-level object of the bytes by JSON.parse, or nothing. */
function parsed(bytes) {
  try {
    const text = utf8.decode(bytes);
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { text, claims: value } : null;
  } catch {
    return null;
  }
}

/** The reason that the documented order of rules gives; null for a usable token, undefined if rounding decides. */
function reasonOf({ claims }) {
  const has = (name) => Object.hasOwn(claims, name);
  if (has('API_KEY') && !has('sub')) return 'partner_token';
  if (has('ott') && !has('sub')) return 'session_token';
  if (!has('exp')) return 'no_expiry';
  if (isInstant(claims.exp) === undefined) return undefined;
  return isInstant(claims.exp) ? null : 'bad_expiry';
}

/** Whether it is a number of seconds, not milliseconds; undefined if a double is too coarse to tell. */
function isInstant(value) {
  if (typeof value !== 'number') return false;
  if (!Number.isInteger(value) || Math.abs(value) === 1e11) {
    if (Math.abs(Math.abs(value) - 1e11) < 1e-3) return undefined;
  }
  return Math.abs(value) < 1e11;
}

function check(bytes) {
  const token = `h.${Buffer.from(bytes).toString('base64url')}.s`;
  const status = tokenStatus(token, { now: NOW });
  assert.deepEqual(workers.tokenStatus(token, { now: NOW }), status, 'Workers are told something else');
  const payload = parsed(bytes);
  if (!payload) return void assert.deepEqual(status, { state: 'invalid', action: 'login', reason: 'bad_json' });
  const reason = reasonOf(payload);
  if (reason === undefined) return;
  if (reason) return void assert.deepEqual(status, { state: 'invalid', action: ['partner_token', 'session_token'].includes(reason) ? 'fix' : 'login', reason });

  const { text, claims: { exp, iat } } = payload;
  const { state, action, issuedAt, refreshAt, expiresAt, expiresInMs, ...rest } = status;
  assert.deepEqual(rest, {});
  // A double that stands for an integer literal is exact; any other is within a millisecond.
  const slack = /\d[.eE]/.test(text) ? 1 : 0;
  const near = (actual, expected) => assert.ok(Math.abs(actual - expected) <= slack, `${actual} is not ${expected}`);
  near(expiresAt, exp * 1000);
  assert.ok(Number.isSafeInteger(expiresAt));
  assert.equal(expiresInMs, expiresAt - NOW);
  if (issuedAt !== null) {
    near(issuedAt, iat * 1000);
    assert.ok(issuedAt < expiresAt);
  } else if (slack === 0) {
    assert.ok(!(isInstant(iat) && iat < exp), 'an iat is lost');
  }
  const window = issuedAt === null ? DAY : Math.min((expiresAt - issuedAt) / 10, 7 * DAY);
  assert.ok(Math.abs(expiresAt - refreshAt - window) <= 1, 'the window is another one');
  const expected = NOW >= expiresAt ? ['expired', 'login'] : NOW >= refreshAt ? ['expiring', 'refresh'] : ['fresh', 'use'];
  assert.deepEqual([state, action], expected);
}

// Texts near the grammar's edges, put together at random.
const NUMBERS = [
  '0', '-0', '1', '-1', '1752921735', '1752921735.5', '1.752921735e9', '17529217350e-1', '99999999999', '100000000000', '-99999999999',
  '-100000000000', '1752921735000', '1e400', '-1e400', '1e-400', '9007199254740993', '0.1', '1E5', '1e+5', '1750329735', '1752000000',
];
const NO_NUMBERS = ['01', '+1', '.5', '1.', '1e', '1e+', '--1', '-', '0x10', 'NaN', 'Infinity', '1_000', '1e1.5', '٣'];
const STRINGS = [
  '""', '"exp"', '"1752921735"', String.raw`"\u0065xp"`, String.raw`"\ud800"`, String.raw`"\ud83d\ude00"`, String.raw`"\"\\\/\b\f\n\r\t"`, '"é😀\u2028\u2029\u007f"',
];
const NO_STRINGS = ['"', '"\n"', '"\t"', '"\0"', String.raw`"\x41"`, String.raw`"\u12"`, String.raw`"\u00g0"`, '"\\', "'exp'", String.raw`"\U0041"`, '"\x1f"'];
const KEYS = [
  '"exp"', '"exp"', '"exp"', '"iat"', '"iat"', '"sub"', '"API_KEY"', '"ott"', String.raw`"\u0065xp"`, String.raw`"e\u0078p"`, String.raw`"\u0041PI_KEY"`, String.raw`"i\u0061t"`,
  '"Exp"', '"exp "', '"exp\\u0000"', '"__proto__"', '"toString"', '""', '"é"', String.raw`"\ud800"`,
];
const SPACES = ['', '', '', '', ' ', '\t', '\n', '\r', ' \r\n\t'];
const NO_SPACES = ['\f', '\v', '\u00a0', '\ufeff', '\u2028', '/**/'];
const LITERALS = ['true', 'false', 'null'];
const NO_LITERALS = ['True', 'nul', 'undefined', 'truee', 'NULL'];

const of = (list) => fc.constantFrom(...list);
const number = fc.oneof({ weight: 3, arbitrary: of(NUMBERS) }, fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map(String), fc.double().map((value) => JSON.stringify(value)));
const scalar = fc.oneof({ weight: 3, arbitrary: number }, of(STRINGS), of(LITERALS));
const { value: nested } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3, withCrossShrink: true }, { weight: 4, arbitrary: scalar }, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join()}]`),
  object: fc.array(fc.tuple(of(KEYS), tie('value')), { maxLength: 3 }).map((members) => `{${members.map((member) => member.join(':')).join()}}`),
}));
const member = fc.tuple(of(SPACES), of(KEYS), of(SPACES), fc.oneof({ weight: 4, arbitrary: scalar }, nested), of(SPACES))
  .map(([a, key, b, value, c]) => `${a}${key}${b}:${value}${c}`);
const object = fc.array(member, { maxLength: 5 }).map((members) => `{${members.join()}}`);

/** A correct text with one thing put in, taken out or written over. */
const WEDGES = [...NO_NUMBERS, ...NO_STRINGS, ...NO_SPACES, ...NO_LITERALS, ...'{}[],:"\\-+.eE0 ', '{}', '[]', '""', ',,', '{"exp":', '[['];
const mutated = fc.tuple(object, fc.nat(), fc.nat(3), of(WEDGES)).map(([text, at, cut, wedge]) => {
  const start = at % (text.length + 1);
  return text.slice(0, start) + wedge + text.slice(start + cut);
});
/** Does the same with bytes, so the text may be invalid UTF-8. */
const broken = fc.tuple(object, fc.nat(), fc.nat(1), fc.uint8Array({ maxLength: 3 })).map(([text, at, cut, wedge]) => {
  const bytes = Buffer.from(text);
  const start = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, start), wedge, bytes.subarray(start + cut)]);
});
const soup = fc.array(of([...NUMBERS, ...STRINGS, ...KEYS, ...LITERALS, ...'{}{}[],,::"\\ \n']), { minLength: 1, maxLength: 9 }).map((parts) => parts.join(''));
const deep = fc.tuple(fc.nat(300), of(['[', '{"exp":', '[{"a":']), fc.nat(2)).map(([depth, open, off]) => {
  const close = open === '[' ? ']' : open === '[{"a":' ? '}]' : '}';
  return `{"a":${open.repeat(depth)}1${close.repeat(Math.max(0, depth - (off === 2 ? 1 : 0)))},"exp":1752921735}`;
});

const payload = fc.oneof(
  { weight: 30, arbitrary: object },
  { weight: 30, arbitrary: mutated },
  { weight: 20, arbitrary: broken },
  { weight: 12, arbitrary: soup },
  { weight: 4, arbitrary: nested },
  { weight: 1, arbitrary: deep },
  { weight: 3, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }) },
).map((text) => (typeof text === 'string' ? Buffer.from(text) : text)).filter((bytes) => bytes.length > 0);

test(`${RUNS} payloads are read as JSON.parse reads them (seed ${SEED})`, (t) => {
  const seen = { json: 0, usable: 0 };
  fc.assert(fc.property(payload, (bytes) => {
    check(bytes);
    const json = parsed(bytes);
    if (json) seen.json++;
    if (json && reasonOf(json) === null) seen.usable++;
  }), { numRuns: RUNS, seed: SEED });
  t.diagnostic(`${seen.json} were JSON objects, ${seen.usable} usable tokens`);
  assert.ok(seen.json > RUNS / 5 && seen.json < RUNS * 0.8 && seen.usable > RUNS / 20, 'the mix of payloads has gone wrong');
});
