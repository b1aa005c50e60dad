// Which fields of an options object count, and which are refused, for checks and for refreshes.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import vm from 'node:vm';
import { ensureFreshToken, refreshAccessToken, tokenStatus, tokenStatuses } from 'transak-user-token';

const PATH = '/api/v2/auth/refresh', STAGING = 'https://api-gateway-stg.transak.com', PRODUCTION = 'https://api-gateway.transak.com';
const seconds = Math.floor(Date.now() / 1000), DAY = 86_400;
const unsigned = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const FRESH = unsigned({ sub: 'x', iat: seconds, exp: seconds + 30 * DAY });
const EXPIRING = unsigned({ sub: 'x', iat: seconds - 29 * DAY, exp: seconds + DAY });

/** The platform's fetch, for calls without their own. It records where each token was sent. */
const sent = [];
const { fetch: platform } = globalThis;
before(() => (globalThis.fetch = async (url) => {
  sent.push(url.replace(PATH, ''));
  return new Response(JSON.stringify({ data: { accessToken: FRESH } }));
}));
after(() => (globalThis.fetch = platform));
beforeEach(() => (sent.length = 0));

const calls = {
  tokenStatus: async (options) => tokenStatus(EXPIRING, options),
  tokenStatuses: async (options) => tokenStatuses([EXPIRING], options),
  refreshAccessToken: (options) => refreshAccessToken(EXPIRING, options),
  ensureFreshToken: (options) => ensureFreshToken(EXPIRING, options),
};
const isRefresh = (name) => name.endsWith('Token');
const refused = (what) => ({ name: 'TransakTokenError', code: 'ERR_INVALID_OPTION', action: 'fix', attempts: 0, message: `an option is invalid: ${what}` });

describe('a name that no option of this package has', () => {
  for (const [name, call] of Object.entries(calls)) {
    for (const unknown of ['baseURL', 'base_url', 'timeout', 'enviroment', 'Retries']) {
      test(`is refused by name: ${unknown} by ${name}`, async () => {
        await assert.rejects(call({ [unknown]: undefined }), refused(`${unknown} is no option of this package`));
        await assert.rejects(call({ environment: 'production', [unknown]: 1 }), refused(`${unknown} is no option of this package`));
        assert.deepEqual(sent, []);
      });
    }

    test(`is refused before any other option is judged, and before the token: ${name}`, async () => {
      await assert.rejects(call({ clockToleranceMs: -1, baseURL: 1 }), refused('baseURL is no option of this package'));
    });

    test(`is not shown if it does not look like an option, or is a token: ${name}`, async () => {
      for (const unknown of [EXPIRING, EXPIRING.split('.')[1], '', '0', 'x-api-key', 'Bearer x', '\ud800', 'x'.repeat(33)]) {
        await assert.rejects(call({ [unknown]: 1 }), refused('one of the names is no option of this package'));
      }
    });

    test(`is ignored if it is inherited, not enumerable or a symbol: ${name}`, async () => {
      const options = Object.create({ baseURL: 'https://own.example' }, { timeout: { value: 1 }, [Symbol('retry')]: { value: 1, enumerable: true } });
      await call(options);
      if (isRefresh(name)) assert.deepEqual(sent, [STAGING]);
    });
  }

  test('is refused even if the token is fresh and no request would be made', async () => {
    await assert.rejects(ensureFreshToken(FRESH, { baseURL: 'https://own.example' }), refused('baseURL is no option of this package'));
  });

  test('that cannot be listed is refused: the options cannot be read', async () => {
    const options = new Proxy({}, { ownKeys() { throw new Error('hostile'); } });
    for (const call of Object.values(calls)) await assert.rejects(call(options), refused('options cannot be read'));
  });
});

test('one object may serve every function of this package', async () => {
  const options = {
    now: seconds * 1000, refreshWindowMs: 2 * DAY * 1000, clockToleranceMs: 0,
    environment: 'production', allowHttp: false, headers: {}, timeoutMs: 1_000, totalTimeoutMs: 2_000, retries: 1, signal: undefined, fetch: undefined,
    storage: new Map(), storageMayForget: false, key: 'user-1', lock: () => {}, maxWaitMs: 1_000,
    apiKey: 'key', allowedOrigins: [], allowCredentials: false, allowServerCalls: true, authorize: 'none', userIp: () => {}, trustedProxies: [],
    limit: false, limiter: () => true, onEvent: () => {}, concurrency: 2, reload: () => {},
    lifetimeMs: 1, revoke: true, otp: '123456', log: () => {},
  };
  assert.equal(tokenStatus(EXPIRING, options).state, 'expiring');
  assert.equal(tokenStatuses([EXPIRING], options)[0].state, 'expiring');
  await refreshAccessToken(EXPIRING, options);
  assert.equal((await ensureFreshToken(EXPIRING, options)).refreshed, true);
  assert.deepEqual(sent, [PRODUCTION, PRODUCTION]);
});

/** Sets a field of an object, runs a function, and then restores the field. */
async function having(object, name, value, run) {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value, configurable: true, writable: true, enumerable: true });
  try {
    return await run();
  } finally {
    if (before) Object.defineProperty(object, name, before);
    else delete object[name];
  }
}

describe('what the root of the prototype chain has', () => {
  const elsewhere = { baseUrl: 'https://evil.example', environment: 'production', fetch: () => assert.fail('it was called'), headers: { 'x-a': 'b' }, retries: 7.5, timeoutMs: -1, signal: AbortSignal.abort(), allowHttp: 7 };

  for (const [name, value] of Object.entries(elsewhere)) {
    test(`does not count: ${name} in this realm`, async () => {
      for (const options of [undefined, {}, { allowHttp: false }, new (class {})(), []]) {
        await having(Object.prototype, name, value, () => refreshAccessToken(EXPIRING, options));
      }
      assert.deepEqual(sent, Array(5).fill(STAGING));
    });

    test(`does not count: ${name} in another realm`, async () => {
      const { options, root } = vm.runInNewContext('({ options: {}, root: Object.prototype })');
      root[name] = value;
      await refreshAccessToken(EXPIRING, options);
      assert.deepEqual(sent, [STAGING]);
    });

    test(`does not count: ${name} of an object without Object.prototype`, async () => {
      const root = Object.assign(Object.create(null), { [name]: value });
      await refreshAccessToken(EXPIRING, Object.create(root));
      assert.deepEqual(sent, [STAGING]);
    });
  }

  test('does not count if reading it throws', async () => {
    const { options, root } = vm.runInNewContext('({ options: {}, root: Object.prototype })');
    for (const name of [...Object.keys(elsewhere), 'now', 'refreshWindowMs']) Object.defineProperty(root, name, { get() { throw new Error('hostile'); } });
    for (const call of Object.values(calls)) await call(options);
    assert.deepEqual(sent, [STAGING, STAGING]);
  });

  test('does not count for a check', () => {
    const { options, root } = vm.runInNewContext('({ options: {}, root: Object.prototype })');
    Object.assign(root, { now: 0, refreshWindowMs: 0, clockToleranceMs: -1 });
    assert.equal(tokenStatus(EXPIRING, options).state, 'expiring');
    assert.equal(tokenStatuses([EXPIRING], options)[0].state, 'expiring');
  });

  test('does not make a baseUrl of another object', async () => {
    await having(Object.prototype, 'href', 'https://evil.example', () => assert.rejects(refreshAccessToken(EXPIRING, { baseUrl: {} }), { code: 'ERR_INVALID_OPTION' }));
    assert.deepEqual(sent, []);
  });

  // Names of fields that this package itself reads or returns.
  const names = [
    'cause', 'body', 'status', 'redirected', '0', '1', 'length', 'value', 'headers', 'method', 'aborted', 'reason', 'error', 'toJSON', 'constructor',
    'accessToken', 'done', 'code', 'action', 'name', 'message', 'redirect', 'credentials', 'cache', 'retryAfter', 'traceId', 'open', 'enumerable',
  ];
  for (const name of names) {
    for (const value of [7, 'x', {}, () => 'x']) {
      test(`changes no outcome: ${name} that is ${typeof value}`, async () => {
        // The platform's own classes may also read such a field, so these are made before.
        const good = new Response(JSON.stringify({ data: { accessToken: FRESH } })), bad = new Response('', { status: 403 });
        const [fresh, error] = await having(Object.prototype, name, value, () => Promise.all([
          refreshAccessToken(EXPIRING, { fetch: async () => good }),
          refreshAccessToken(EXPIRING, { fetch: async () => bad }).catch((error) => error),
        ]));
        assert.deepEqual([fresh.accessToken, error.code, error.status, Object.hasOwn(error, 'cause')], [FRESH, 'ERR_FORBIDDEN', 403, false]);
      });
    }
  }
});

describe('what options inherit from a class', () => {
  class Settings {
    get environment() { return 'production'; }
    get refreshWindowMs() { return 0; }
  }
  class Own extends Settings {
    get baseUrl() { return 'https://own.example'; }
  }

  test('counts', async () => {
    await refreshAccessToken(EXPIRING, new Settings());
    await refreshAccessToken(EXPIRING, new Own());
    await refreshAccessToken(EXPIRING, Object.create(Object.create({ environment: 'production' })));
    assert.deepEqual(sent, [PRODUCTION, 'https://own.example', PRODUCTION]);
    assert.equal(tokenStatus(EXPIRING, new Own()).state, 'fresh');
  });

  test('counts for what a Proxy returns', async () => {
    await refreshAccessToken(EXPIRING, new Proxy({}, { get: (_, name) => ({ environment: 'production' })[name] }));
    assert.deepEqual(sent, [PRODUCTION]);
  });

  test('is looked for on a chain of prototypes that has an end', async () => {
    const endless = new Proxy({}, { getPrototypeOf: () => endless });
    for (const call of Object.values(calls)) await call(endless);
    assert.deepEqual(sent, [STAGING, STAGING]);
  });
});

describe('a baseUrl that is undefined', () => {
  class Unset {
    get baseUrl() { return undefined; }
  }
  for (const options of [{ baseUrl: undefined }, { baseUrl: undefined, environment: undefined }, new Unset()]) {
    test(`is refused without an environment: ${JSON.stringify(Object.keys(options))}`, async () => {
      for (const call of [refreshAccessToken, ensureFreshToken]) {
        await assert.rejects(call(EXPIRING, options), refused('baseUrl is undefined, and there is no environment'));
      }
      assert.deepEqual(sent, []);
    });
  }

  test('counts as absent beside an environment', async () => {
    await refreshAccessToken(EXPIRING, { baseUrl: undefined, environment: 'production' });
    assert.deepEqual(sent, [PRODUCTION]);
  });
});

test('a call without options asks staging', async () => {
  for (const given of [[], [undefined], [{}]]) await refreshAccessToken(EXPIRING, ...given);
  assert.deepEqual(sent, [STAGING, STAGING, STAGING]);
});
