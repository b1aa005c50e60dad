// For any value of any argument or option the result is a status or a TransakTokenError, and the one
// instance of the WebAssembly still works.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import vm from 'node:vm';
import fc from 'fast-check';
import { ofPackage, plain } from './browser.mjs';
import { isCore } from './exports.mjs';

let instances = 0;
const { Instance } = WebAssembly;
WebAssembly.Instance = new Proxy(Instance, { construct(target, args) {
  const instance = Reflect.construct(target, args);
  if (isCore(instance.exports)) instances++;
  return instance;
} });
const { TokenSession, TransakTokenError, ensureFreshToken, refreshAccessToken, tokenStatus, tokenStatuses } = await import('transak-user-token');

const SEED = Number(process.env.SEED ?? 20_250_619);
const NOW = Date.now();
const DAY = 86_400;
const token = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const GOOD = token({ sub: 'x', iat: Math.floor(NOW / 1000) - 29 * DAY, exp: Math.floor(NOW / 1000) + DAY });
const NEXT = token({ sub: 'x', iat: Math.floor(NOW / 1000), exp: Math.floor(NOW / 1000) + 30 * DAY });

/** A fetch that counts its calls and answers with a good token. */
let requests = 0;
const fetch = async () => {
  requests++;
  return new Response(JSON.stringify({ data: { accessToken: NEXT } }));
};

const revoked = (target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const angry = () => { throw new Error('hostile'); };
const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, angry]));
const NAMES = ['now', 'refreshWindowMs', 'clockToleranceMs', 'environment', 'baseUrl', 'allowHttp', 'headers', 'timeoutMs',
  'totalTimeoutMs', 'retries', 'signal', 'fetch',
  'href', 'aborted', 'reason', 'addEventListener', 'length', 'then', 'toJSON', 'valueOf', 'toString', Symbol.iterator, Symbol.toPrimitive,
  Symbol.toStringTag];
const getters = Object.defineProperties({}, Object.fromEntries(NAMES.map((name) => [name, { get: angry, enumerable: true }])));
class Odd { #own = 1; get x() { return this.#own; } }
const loop = {};
loop.loop = loop;

const values = {
  'undefined': undefined, 'null': null, 'true': true, 'false': false,
  '0': 0, '-0': -0, '1': 1, '-1': -1, '0.5': 0.5, 'NaN': NaN, 'Infinity': Infinity, '-Infinity': -Infinity, '2^53': 2 ** 53, '1e308': 1e308,
  '5e-324': 5e-324,
  '2^32': 2 ** 32, '-2^31': -(2 ** 31), '1n': 1n, '-(2n ** 64n)': -(2n ** 64n),
  'a Symbol': Symbol('x'), 'Symbol.iterator': Symbol.iterator,
  'an empty string': '', 'a string': 'x', 'a NUL': '\0', 'three dots': '...', 'a number in a string': '5', 'a lone surrogate': '\ud800',
  'surrogates the wrong way round': '\udc00\ud800',
  'emoji': '😀'.repeat(10_000), '10 MB': 'x'.repeat(10_000_000), '10 MB of spaces': ' '.repeat(10_000_000),
  '10 MB of two-byte characters': 'é'.repeat(5_000_000),
  '10 MB of dots': '.'.repeat(10_000_000), '10 MB after a Bearer': `Bearer ${'x'.repeat(10_000_000)}`, 'a token': GOOD,
  'a token among 10 MB of spaces': ' '.repeat(10_000_000) + GOOD,
  'an object': {}, 'an object without a prototype': Object.create(null), 'a frozen object': Object.freeze({}), 'an object in a loop': loop,
  'an array': [], 'an array of numbers': [1, 2], 'an array of pairs': [['a', 'b']], 'a sparse array': Array(3),
  'a list of tokens': [GOOD, null], 'a Date': new Date(0), 'an invalid Date': new Date(NaN), 'a RegExp': /x/, 'an Error': new Error('x'),
  'a boxed String': new String(GOOD), 'a boxed Number': new Number(5), 'a boxed Boolean': new Boolean(true), 'a boxed BigInt': Object(1n),
  'a boxed Symbol': Object(Symbol('x')),
  'a function': () => {}, 'an async function': async () => {}, 'a generator function': function* () {}, 'a class': class {},
  'a function that throws': angry, 'a bound function': angry.bind(null),
  'a revoked Proxy': revoked({}), 'a revoked Proxy of a function': revoked(() => {}), 'a revoked Proxy of an array': revoked([]),
  'a Proxy that throws': new Proxy({}, traps), 'a Proxy of a function that throws': new Proxy(() => {}, traps),
  'a Proxy of a Proxy': new Proxy(new Proxy({}, {}), {}),
  'a Proxy that has everything': new Proxy({}, { get: (target, name) => (name === 'then' ? undefined : () => {}), has: () => true }),
  'getters that throw': getters, 'an instance of a class': new Odd(), 'a Proxy of that': new Proxy(new Odd(), {}),
  'a Map': new Map([['a', 1]]), 'a Set': new Set([GOOD]), 'a WeakMap': new WeakMap(), 'a Promise': Promise.resolve(),
  'a thenable that throws': { then: angry }, 'an iterable that throws': { [Symbol.iterator]: angry },
  'an iterator that throws': { [Symbol.iterator]: () => ({ next: angry }) }, 'an iterator of nothing': { [Symbol.iterator]: () => 7 },
  'an iterable whose method is none': { [Symbol.iterator]: 7 },
  'a Uint8Array': new Uint8Array(4), 'a BigInt64Array': new BigInt64Array(4), 'an ArrayBuffer': new ArrayBuffer(4),
  'a SharedArrayBuffer': new SharedArrayBuffer(4), 'a DataView': new DataView(new ArrayBuffer(4)),
  'an object that converts badly': { valueOf: angry, toString: angry, [Symbol.toPrimitive]: angry },
  'an object that converts to 5': { valueOf: () => 5 },
  'globalThis': globalThis, 'a URL': new URL('https://own.example'), 'Headers': new Headers(),
  'a Request': new Request('https://own.example'), 'a Response': new Response(''),
  'an AbortController': new AbortController(), 'an AbortSignal': new AbortController().signal, 'an EventTarget': new EventTarget(),
  'a fake signal': { aborted: false, addEventListener() {} },
  'a fake signal that throws': { aborted: false, addEventListener: angry, removeEventListener: angry },
  'a fake signal whose reason throws': Object.defineProperty({ aborted: true, addEventListener() {} }, 'reason', { get: angry }),
  'an object of another realm': vm.runInNewContext('({})'), 'an array of another realm': vm.runInNewContext('[1]'),
  'a function of another realm': vm.runInNewContext('() => {}'),
  'a boxed String of another realm': vm.runInNewContext('new String("x")'),
  'an Error of another realm': vm.runInNewContext('new Error("x")'),
  'a Proxy of another realm that throws': vm.runInNewContext('new Proxy({}, { get() { throw 1 } })'),
  'arguments': (function () { return arguments; })(1, 2),
};

const STATUS_FIELDS = ['now', 'refreshWindowMs', 'clockToleranceMs'];
const REFRESH_FIELDS = [
  'refreshWindowMs', 'clockToleranceMs', 'environment', 'baseUrl', 'allowHttp', 'headers', 'credentials', 'timeoutMs', 'totalTimeoutMs', 'retries',
  'signal', 'fetch',
];
const quick = { fetch, retries: 0, totalTimeoutMs: 30 };

const STATES = { fresh: ['use'], expiring: ['refresh'], expired: ['login'], invalid: ['login', 'fix'] };
function isStatus(status) {
  assert.ok(STATES[status?.state]?.includes(status.action), 'it is no status');
  for (const field of status.state === 'invalid' ? [] : ['refreshAt', 'expiresAt', 'expiresInMs']) assert.equal(typeof status[field], 'number');
}
function isOurs(error) {
  assert.ok(error instanceof TransakTokenError, `another error: ${error?.stack ?? String(error)}`);
  assert.notEqual(error.code, 'ERR_INTERNAL');
  assert.ok(['retry', 'login', 'fix'].includes(error.action));
  return error;
}

/** Calls a synchronous function, and returns its error, if any. */
function checked(call, isAnswer = isStatus) {
  let answer;
  try {
    answer = call();
  } catch (error) {
    return isOurs(error);
  }
  isAnswer(answer);
}

/** Calls a function that returns a promise. `reason` is the signal's own reason, which may have any type. */
async function promised(call, signal) {
  let promise;
  try {
    promise = call();
  } catch (error) {
    assert.fail(`it throws in place of rejecting: ${error?.stack ?? String(error)}`);
  }
  assert.ok(promise instanceof Promise);
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    if (signal === values['a fake signal whose reason throws'] && !(error instanceof TransakTokenError)) return error;
    return isOurs(error);
  }
  assert.equal(typeof answer.accessToken, 'string');
  assert.equal(typeof answer.expiresAt, 'number');
}

const isStatuses = (list) => (assert.ok(Array.isArray(list)), list.forEach(isStatus));

/** Runs one check over all values, and names those that it fails for. */
async function each(check) {
  const problems = [];
  for (const [name, value] of Object.entries(values)) {
    try {
      await check(value);
    } catch (problem) {
      problems.push(`${name}: ${problem.message}`);
    }
  }
  assert.deepEqual(problems, []);
}

after(() => {
  isStatus(tokenStatus(GOOD));
  // In a plain build Node itself may have made the instance.
  if (!plain) assert.equal(instances, 1, 'the WebAssembly was made anew: something panicked');
});

test('there is a table of hostile values', () => assert.ok(Object.keys(values).length >= 60));

describe('tokenStatus and tokenStatuses', () => {
  test('no token makes them throw', () => each((value) => {
    isStatus(tokenStatus(value));
    isStatuses(tokenStatuses([value, value]));
    isStatus(tokenStatus(value, { now: 0, refreshWindowMs: 0, clockToleranceMs: 0 }));
  }));

  test('any value for a list gives a list of statuses or ERR_INVALID_OPTION', () => each((value) => {
    const error = checked(() => tokenStatuses(value), isStatuses);
    if (error) assert.equal(error.code, 'ERR_INVALID_OPTION');
  }));

  test('any value for options is accepted or is ERR_INVALID_OPTION', () => each((value) => {
    for (const error of [checked(() => tokenStatus(GOOD, value)), checked(() => tokenStatuses([GOOD], value), isStatuses)]) {
      if (error) assert.equal(error.code, 'ERR_INVALID_OPTION');
    }
  }));

  for (const field of STATUS_FIELDS) {
    test(`any ${field} is accepted or is ERR_INVALID_OPTION`, () => each((value) => {
      const error = checked(() => tokenStatus(GOOD, { [field]: value }));
      const usable = value === undefined || (Number.isFinite(value) && (value >= 0 || field === 'now'));
      assert.equal(error?.code, usable ? undefined : 'ERR_INVALID_OPTION');
    }));
  }
});

for (const [name, call] of Object.entries({ refreshAccessToken, ensureFreshToken })) {
  describe(name, () => {
    test('any token but a good one is ERR_INVALID_TOKEN', () => each(async (value) => {
      requests = 0;
      const error = await promised(() => call(value, { ...quick, refreshWindowMs: 1e10 }));
      const isToken = typeof value === 'string' && value.trim() === GOOD;
      assert.deepEqual([error?.code, requests], isToken ? [undefined, 1] : ['ERR_INVALID_TOKEN', 0]);
    }));

    test('any value for options is accepted or is ERR_INVALID_OPTION', async () => {
      const { fetch: platform } = globalThis;
      globalThis.fetch = fetch;
      await each((value) => promised(() => call(GOOD, value)).then((error) => error && assert.equal(error.code, 'ERR_INVALID_OPTION')));
      globalThis.fetch = platform;
    });

    for (const field of REFRESH_FIELDS) {
      test(`any ${field} settles`, () => each(async (value) => {
        const error = await promised(() => call(GOOD, { ...quick, refreshWindowMs: 1e10, [field]: value }), value);
        if (error?.code === 'ERR_INVALID_OPTION') assert.equal(error.attempts, 0);
        else if (field !== 'fetch' && error instanceof TransakTokenError) assert.fail(`${error.code} for an option`);
      }));
    }

    const ranges = {
      timeoutMs: (value) => Number.isFinite(value) && value > 0, totalTimeoutMs: (value) => Number.isFinite(value) && value > 0,
      retries: (value) => Number.isInteger(value) && value >= 0, allowHttp: (value) => typeof value === 'boolean',
      environment: (value) => ['staging', 'production'].includes(value), fetch: (value) => typeof value === 'function',
      refreshWindowMs: (value) => Number.isFinite(value) && value >= 0, clockToleranceMs: (value) => Number.isFinite(value) && value >= 0,
    };
    for (const [field, fits] of Object.entries(ranges)) {
      test(`an invalid ${field} is ERR_INVALID_OPTION`, () => each(async (value) => {
        if (value === undefined || fits(value)) return;
        requests = 0;
        const error = await promised(() => call(GOOD, { ...quick, refreshWindowMs: 1e10, [field]: value }));
        assert.deepEqual([error?.code, requests], ['ERR_INVALID_OPTION', 0]);
      }));
    }

    test('a fetch that gives any value settles', () => each((value) =>
      promised(() => call(GOOD, { ...quick, refreshWindowMs: 1e10, fetch: () => value }))));

    test('a fetch that throws any value settles', () => each((value) =>
      promised(() => call(GOOD, { ...quick, refreshWindowMs: 1e10, fetch: () => { throw value; } }))));

    test('a fetch that rejects with any value settles', () => each((value) =>
      promised(() => call(GOOD, { ...quick, refreshWindowMs: 1e10, fetch: () => Promise.reject(value) }))));

    for (const field of ['status', 'headers', 'body', 'text', 'type', 'redirected']) {
      test(`an answer with any ${field} settles`, () => each((value) => {
        const answer = { status: 200, headers: new Headers(), text: async () => '{}', [field]: value };
        return promised(() => call(GOOD, { ...quick, refreshWindowMs: 1e10, fetch: async () => answer }));
      }));
    }

    for (const [field, stream] of Object.entries({
      'what text() resolves with': (value) => ({ text: async () => value }),
      'what read() gives': (value) => ({ body: { getReader: () => ({ read: () => value }) } }),
      'a chunk': (value) => ({ body: { getReader: (done) => ({ read: async () => (done ? { done } : (done = true, { done: false, value })) }) } }),
      'what headers.get gives': (value) => ({ headers: { get: () => value }, text: async () => '{}' }),
    })) {
      test(`any value for ${field} settles`, () => each((value) =>
        promised(() => call(GOOD, { ...quick, refreshWindowMs: 1e10, fetch: async () => ({ status: 200, headers: new Headers(), text: async () => '', ...stream(value) }) }))));
    }
  });
}

test('a body that gives empty chunks for ever does not hold up the time-out', async () => {
  const script = `import { refreshAccessToken } from 'transak-user-token';
    const body = { getReader: () => ({ read: async () => ({ done: false, value: new Uint8Array(0) }) }) };
    const fetch = async () => ({ status: 200, headers: new Headers(), text: async () => '', body });
    await refreshAccessToken(process.argv[1], { fetch, retries: 0, timeoutMs: 50 }).catch(({ code }) => console.log(code));`;
  // This runs in a process of its own, which the test can end.
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, GOOD], { cwd: import.meta.dirname, timeout: 60_000 });
  assert.match(stdout, /ERR_TIMEOUT|ERR_BAD_RESPONSE/);
});

describe('values at random', () => {
  const anything = fc.anything({
    withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withObjectString: true,
    withSparseArray: true, withTypedArray: true,
  });
  const bag = (fields) => fc.record(Object.fromEntries(fields.map((field) => [field, anything])), { requiredKeys: [] });

  test(`tokenStatus and tokenStatuses (seed ${SEED})`, () => {
    fc.assert(fc.property(anything, fc.oneof(anything, bag(STATUS_FIELDS)), (value, options) => {
      isStatus(tokenStatus(value));
      checked(() => tokenStatus(value, options));
      checked(() => tokenStatuses(value, options), isStatuses);
    }), { numRuns: 5_000, seed: SEED });
  });

  test(`refreshAccessToken and ensureFreshToken (seed ${SEED})`, async () => {
    const { fetch: platform } = globalThis;
    globalThis.fetch = fetch;
    const answers = fc.tuple(fc.oneof(anything, fc.constant(GOOD)), fc.oneof(anything, bag(REFRESH_FIELDS), bag(['refreshWindowMs', 'headers', 'retries'])), anything);
    await fc.assert(fc.asyncProperty(answers, async ([value, options, answer]) => {
      await promised(() => refreshAccessToken(value, options));
      await promised(() => ensureFreshToken(value, options));
      await promised(() => refreshAccessToken(GOOD, { ...quick, fetch: async () => answer }));
    }), { numRuns: 2_000, seed: SEED });
    globalThis.fetch = platform;
  });
});

/** Until the test ends, Date.now and Math.random call the package. The result has the number of these calls. */
function meddle(t, calls) {
  const { now } = Date, { random } = Math, meddled = { times: 0 };
  let isMeddling = false;
  const meddling = (tell) => () => {
    if (isMeddling) return tell();
    isMeddling = true;
    meddled.times++;
    tokenStatus('a.b.c', { now: 1 });
    for (const call of calls()) call.catch(() => {});
    isMeddling = false;
    return tell();
  };
  Object.assign(Date, { now: meddling(now) });
  Object.assign(Math, { random: meddling(random) });
  t.after(() => {
    Object.assign(Date, { now });
    Object.assign(Math, { random });
  });
  return meddled;
}
const refusal = () => new Response('{"error":{"errorCode":1002}}', { status: 401, headers: { 'trace-id': 'a-b' } });
const refused = { code: 'ERR_UNAUTHORIZED', errorCode: '1002', traceId: 'a-b', status: 401, attempts: 1 };

test('a Date.now and a Math.random that call the package disturb no call', async (t) => {
  const meddled = meddle(t, () => [refreshAccessToken('Bearer x'), ensureFreshToken(NEXT, { retries: -1 })]);
  const options = { environment: 'staging', fetch };
  assert.equal((await refreshAccessToken(GOOD, options)).accessToken, NEXT);
  assert.equal((await ensureFreshToken(GOOD, options)).accessToken, NEXT);
  await assert.rejects(refreshAccessToken(GOOD, { ...options, fetch: async () => refusal() }), refused);
  assert.ok(meddled.times >= 15);
});

test('a Date.now and a Math.random that call the package disturb no session', ofPackage, async (t) => {
  const other = new TokenSession(NEXT, { environment: 'staging', fetch });
  const meddled = meddle(t, () => (other.status(), [refreshAccessToken('Bearer x'), other.accessToken()]));
  const options = { environment: 'staging', fetch }, session = new TokenSession(GOOD, options);
  assert.equal(session.status().state, 'expiring');
  assert.equal(await session.accessToken(), NEXT);
  assert.equal(session.status().state, 'fresh');
  await assert.rejects(new TokenSession(GOOD, { ...options, fetch: async () => refusal() }).accessToken(), refused);
  assert.ok(meddled.times > 20);
});

test('options are read even if reading them makes the memory grow', ofPackage, () => {
  const sessions = [];
  const options = { get now() {
    // Each call takes some memory. When the memory grows, its buffer is replaced.
    while (sessions.length < 5_000) sessions.push(new TokenSession(GOOD, { environment: 'staging', fetch }));
    return 0;
  }, refreshWindowMs: 1, clockToleranceMs: 2 };
  assert.equal(tokenStatus(GOOD, options).state, 'fresh');
  assert.equal(tokenStatuses([GOOD], options)[0].state, 'fresh');
  for (const session of sessions) session[Symbol.dispose]?.();
});
