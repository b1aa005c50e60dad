// Every way in which an exchange can end, as data and functions that run in Node and in a page.
//
// A case has two sides. `faults` are set at the gateway first, which is in another process; `given` makes
// the options of the call. `expect` is the whole error, or `resolves`, or `aborts`.

export const CLAIMS = { sub: 'secret.person@example.com', jti: '3f0c7a52-9d41-4c8e-b6aa-51f2e80d9b17', name: 'SecretClaim77' };
export const API_KEY = 'c0ffee00-1234-4abc-8def-0123456789ab';

const json = (status, value, headers) => new Response(JSON.stringify(value), { status, headers });
const error = (status, more) => ({ kind: 'error', status, ...more });
const one = { retries: 0 };

const refused = { code: 'ERR_NETWORK', action: 'retry', attempts: 1, outcomeUnknown: true };
const late = { code: 'ERR_TIMEOUT', action: 'retry', attempts: 1, outcomeUnknown: true };
const unusable = { code: 'ERR_BAD_RESPONSE', action: 'retry', attempts: 1, outcomeUnknown: true };
const option = { code: 'ERR_INVALID_OPTION', action: 'fix', attempts: 0, outcomeUnknown: false };
const answered = (code, action, status, more) =>
  ({ code, action, status, attempts: 1, outcomeUnknown: code === 'ERR_SERVER' || code === 'ERR_TIMEOUT', ...more });

/** A case whose answer is the gateway's error. */
const refusal = (name, fault, code, action, more) =>
  ({ name, faults: () => [fault], given: () => one, expect: answered(code, action, fault.status ?? 429, more) });

/** A case whose `fetch` is the caller's own. `make` gets the token and the platform's own `fetch`. */
const own = (name, make, expect, options = one) =>
  ({ name, given: (kit) => ({ ...options, fetch: make(kit) }), expect });

const connection = [
  // In Node the error shows that nothing was sent. In a browser it does not.
  { name: 'a port where nobody listens', given: ({ refused: baseUrl }) => ({ ...one, baseUrl }), expect: { ...refused, outcomeUnknown: [false, true] } },
  { name: 'a connection dropped before the refresh', faults: () => [{ kind: 'drop', when: 'before' }], given: () => one, expect: refused },
  { name: 'a connection dropped after the refresh', faults: () => [{ kind: 'drop', when: 'after' }], given: () => one, expect: refused },
  ...[301, 302, 303, 307, 308].map((status) => ({
    name: `a redirect with ${status} is not followed`, faults: () => [{ kind: 'redirect', status }], given: () => one, expect: refused,
  })),
  { name: 'no answer at all', faults: () => [{ kind: 'hang' }], given: () => ({ ...one, timeoutMs: 80 }), expect: late },
  {
    name: 'no answer within totalTimeoutMs', faults: () => [{ kind: 'hang' }],
    given: () => ({ totalTimeoutMs: 80, retries: 5 }), expect: late,
  },
];

const statuses = [
  ['401', error(401), 'ERR_UNAUTHORIZED', 'login'],
  ['401 with errorCode 1002', error(401, { errorCode: 1002 }), 'ERR_UNAUTHORIZED', 'login', { errorCode: '1002' }],
  ['401 with another errorCode', error(401, { errorCode: 9001 }), 'ERR_UNAUTHORIZED', 'login', { errorCode: '9001' }],
  ['403', error(403), 'ERR_FORBIDDEN', 'fix'],
  ['403 with errorCode 1002: the code counts, not the status',
    error(403, { errorCode: 1002 }), 'ERR_UNAUTHORIZED', 'login', { errorCode: '1002' }],
  ['403 with errorCode 1010', error(403, { errorCode: 1010 }), 'ERR_UNAUTHORIZED', 'login', { errorCode: '1010' }],
  ['403 with another errorCode of that family stays a 403', { kind: 'ban' }, 'ERR_FORBIDDEN', 'fix', { status: 403, errorCode: '1001' }],
  ['404', error(404), 'ERR_REJECTED', 'fix'],
  ['404 "Session Expired": that is said with 400', error(404, { message: 'Session Expired' }), 'ERR_REJECTED', 'fix'],
  ['400', error(400, { errorCode: 9001 }), 'ERR_REJECTED', 'fix', { errorCode: '9001' }],
  ['400 "Session Expired"', error(400, { message: 'Session Expired' }), 'ERR_UNAUTHORIZED', 'login'],
  ['400 with errorCode 1010', error(400, { errorCode: 1010 }), 'ERR_UNAUTHORIZED', 'login', { errorCode: '1010' }],
  ['400 with errorCode "1002", a string', error(400, { errorCode: '1002' }), 'ERR_UNAUTHORIZED', 'login', { errorCode: '1002' }],
  ['400 with errorCode 10020: that is no 10xx', error(400, { errorCode: 10020 }), 'ERR_REJECTED', 'fix', { errorCode: '10020' }],
  ['400 with errorCode 100: nor that', error(400, { errorCode: 100 }), 'ERR_REJECTED', 'fix', { errorCode: '100' }],
  ['410', error(410), 'ERR_REJECTED', 'fix'],
  ['408', error(408), 'ERR_TIMEOUT', 'retry'],
  ['408 with errorCode 1002: 408 comes first', error(408, { errorCode: 1002 }), 'ERR_TIMEOUT', 'retry', { errorCode: '1002' }],
  ['500', error(500), 'ERR_SERVER', 'retry'],
  ['500 with errorCode 1002: 5xx comes first', error(500, { errorCode: 1002 }), 'ERR_SERVER', 'retry', { errorCode: '1002' }],
  ['502', error(502), 'ERR_SERVER', 'retry'],
  ['503 with Retry-After', error(503, { headers: { 'retry-after': '7' } }), 'ERR_SERVER', 'retry', { retryAfterMs: 7_000 }],
  ['429', { kind: 'rate-limit' }, 'ERR_RATE_LIMITED', 'retry'],
  ['429 with Retry-After in seconds', { kind: 'rate-limit', retryAfter: 2 }, 'ERR_RATE_LIMITED', 'retry', { retryAfterMs: 2_000 }],
  ['429 with a Retry-After that is past',
    { kind: 'rate-limit', retryAfter: 'Sun, 06 Nov 1994 08:49:37 GMT' }, 'ERR_RATE_LIMITED', 'retry', { retryAfterMs: 0 }],
  ['429 with a Retry-After that says nothing', { kind: 'rate-limit', retryAfter: 'soon' }, 'ERR_RATE_LIMITED', 'retry'],
  ['429 with errorCode 1002: 429 comes first', error(429, { errorCode: 1002 }), 'ERR_RATE_LIMITED', 'retry', { errorCode: '1002' }],
  ['a CDN\'s page with 503', { kind: 'html', status: 503 }, 'ERR_SERVER', 'retry'],
  ['a CDN\'s page with 403', { kind: 'html', status: 403 }, 'ERR_FORBIDDEN', 'fix'],
].map(([name, ...rest]) => refusal(name, ...rest));

const retryAfter = [
  {
    name: '429 with Retry-After as a date', faults: () => [{ kind: 'rate-limit', retryAfter: new Date(Date.now() + 30_000).toUTCString() }],
    given: () => one, expect: answered('ERR_RATE_LIMITED', 'retry', 429, { retryAfterMs: { over: 20_000, upTo: 30_000 } }),
  },
  {
    name: 'Retry-After over 60 s rejects at once', faults: () => [{ kind: 'rate-limit', retryAfter: 61 }],
    given: () => ({ retries: 3, totalTimeoutMs: 600_000 }), expect: answered('ERR_RATE_LIMITED', 'retry', 429, { retryAfterMs: 61_000 }),
  },
  {
    name: 'Retry-After beyond totalTimeoutMs rejects at once', faults: () => [error(503, { headers: { 'retry-after': '20' } })],
    given: () => ({ retries: 3, totalTimeoutMs: 19_000 }), expect: answered('ERR_SERVER', 'retry', 503, { retryAfterMs: 20_000 }),
  },
  {
    name: '501 is not retried', faults: () => [error(501)], given: () => ({ retries: 3 }), expect: answered('ERR_SERVER', 'retry', 501),
  },
  {
    name: 'an unusable answer is not retried', faults: () => [{ kind: 'html' }], given: () => ({ retries: 3 }),
    expect: { ...unusable, status: 200 },
  },
  {
    name: 'a 200 with errorCode 1002, which counts only in a refusal', faults: () => [error(200, { errorCode: 1002 })], given: () => one,
    expect: { ...unusable, status: 200, errorCode: '1002' },
  },
  {
    name: 'a 304 has its own message', faults: () => [error(304)], given: () => one,
    expect: { ...refused, status: 304, says: /it is a 304/ },
  },
  {
    name: 'a refusal is not retried', faults: () => [error(403)], given: () => ({ retries: 3 }),
    expect: answered('ERR_FORBIDDEN', 'fix', 403),
  },
];

const bodies = [
  ['a CDN\'s page with 200', { kind: 'html' }],
  ['JSON that is cut', { kind: 'truncated', how: 'json' }],
  ['a body of 200 kB', { kind: 'oversized' }],
  ['a body one byte over 64 KiB', { kind: 'oversized', bytes: 65_537 }],
  ['201', error(201), 201],
  ['no body: 204', error(204), 204],
  ['an older token', { kind: 'token', which: 'older' }],
  ['the same token', { kind: 'token', which: 'same' }],
  ['another user\'s token', { kind: 'token', which: 'foreign' }],
  ['an expired token', { kind: 'token', which: 'expired' }],
  ['no token at all', { kind: 'token', which: 'garbage' }],
].map(([name, fault, status = 200]) => ({ name, faults: () => [fault], given: () => one, expect: { ...unusable, status } }));

const broken = [
  {
    name: 'a body that breaks off is a lost answer', faults: () => [{ kind: 'truncated' }], given: () => one,
    expect: { ...refused, status: 200 },
  },
];

const good = [
  { name: 'a byte order mark is skipped', faults: () => [{ kind: 'bom' }], given: () => one, expect: { resolves: true } },
  { name: 'a good answer', given: () => ({}), expect: { resolves: true } },
  { name: 'a body of exactly 64 KiB is read', faults: () => [{ kind: 'oversized', bytes: 65_536 }], given: () => one, expect: { resolves: true } },
  { name: 'options that are frozen', whole: true, given: (kit) => Object.freeze({ ...kit.base, ...one }), expect: { resolves: true } },
  {
    name: 'options behind a Proxy that lets everything pass', whole: true,
    given: (kit) => new Proxy({ ...kit.base, ...one }, {}), expect: { resolves: true },
  },
  own('a Response-like with status, headers.get and text() only', (kit) => async (url, init) => {
    const response = await kit.fetch(url, init);
    return { status: response.status, headers: { get: (name) => response.headers.get(name) }, text: () => response.text() };
  }, { resolves: true }),
  own('a Response-like whose body is no web stream, as node-fetch has it', (kit) => async (url, init) => {
    const response = await kit.fetch(url, init);
    const body = { on() {}, pipe() {} };
    return { status: response.status, headers: response.headers, body, text: () => response.text() };
  }, { resolves: true }),
  own('a body in single bytes', (kit) => async (url, init) => {
    const bytes = new Uint8Array(await (await kit.fetch(url, init)).arrayBuffer());
    let at = 0;
    const pull = (stream) => (at < bytes.length ? stream.enqueue(bytes.slice(at, ++at)) : stream.close());
    return new Response(new ReadableStream({ pull }));
  }, { resolves: true }),
  own('a thenable for a promise', (kit) => (url, init) => ({ then: (...then) => kit.fetch(url, init).then(...then) }), { resolves: true }),
];

const throws = (value) => () => () => { throw value; };
const rejects = (value) => () => () => Promise.reject(value);
const gives = (value) => () => () => value;
const hostileGetters = (names) => Object.defineProperties({}, Object.fromEntries(names.map((name) =>
  [name, { enumerable: true, get() { throw new Error('hostile'); } }])));
const stream = (read) => gives({ status: 200, headers: new Headers(), text: async () => '', body: { getReader: () => ({ read }) } });

/** A good answer without a stream. `body` makes its text from the good body. */
const text = (more) => (kit) => async (url, init) => {
  const { data } = await (await kit.fetch(url, init)).json(), { status, headers } = new Response();
  const body = (padding) => JSON.stringify({ data, padding });
  return { status, headers, text: async () => body(more(body(''))) };
};

const fetches = [
  own('fetch throws an Error', throws(new TypeError('nope')), refused),
  own('fetch throws undefined', throws(undefined), refused),
  own('fetch throws a string', throws('nope'), refused),
  own('fetch throws an object with hostile getters', throws(hostileGetters(['name', 'code', 'message', 'cause'])), refused),
  own('fetch is a class', () => class {}, refused),
  own('fetch rejects with an Error', rejects(new TypeError('nope')), refused),
  own('fetch rejects with a string', rejects('nope'), refused),
  own('fetch rejects with undefined', rejects(undefined), refused),
  own('fetch rejects with null', rejects(null), refused),
  own('fetch rejects with an object', rejects({ code: 'E' }), refused),
  own('fetch rejects with a Symbol', rejects(Symbol('nope')), refused),
  own('fetch rejects with an AbortError that nobody asked for',
    () => () => Promise.reject(new DOMException('left', 'AbortError')), refused),
  own('fetch gives a thenable whose then throws', gives({ then() { throw new Error('nope'); } }), refused),
  own('fetch gives a thenable whose then cannot be read', gives(hostileGetters(['then'])), refused),
  own('fetch gives undefined', gives(undefined), unusable),
  own('fetch gives null', gives(null), unusable),
  own('fetch gives a number', gives(200), unusable),
  own('fetch gives a string', gives('{"data":{}}'), unusable),
  own('fetch gives a plain object', gives({}), unusable),
  own('fetch gives parsed JSON', gives({ data: { accessToken: 'x' } }), unusable),
  own('fetch gives a function', gives(() => 1), unusable),
  own('fetch gives a Response-like with throwing getters',
    gives(hostileGetters(['status', 'headers', 'body', 'text', 'type', 'redirected'])), unusable),
  own('only the body cannot be read',
    () => () => Object.assign(hostileGetters(['body']), { status: 200, headers: new Headers(), text: () => '' }), unusable),
  own('a status that is a string', gives({ status: '200', headers: new Headers(), text: async () => '{}' }), unusable),
  own('a status that is NaN', gives({ status: NaN, headers: new Headers(), text: async () => '{}' }), unusable),
  own('text() throws', gives({ status: 200, headers: new Headers(), text() { throw new Error('nope'); } }), { ...refused, status: 200 }),
  own('text() rejects', gives({ status: 200, headers: new Headers(), text: () => Promise.reject() }), { ...refused, status: 200 }),
  own('text() gives a number', gives({ status: 200, headers: new Headers(), text: async () => 7 }), { ...unusable, status: 200 }),
  own('text() gives too much',
    gives({ status: 200, headers: new Headers(), text: async () => ' '.repeat(65_537) }), { ...unusable, status: 200 }),
  own('text() gives over 64 KiB of bytes in fewer characters', text(({ length }) => 'é'.repeat(60_000 - length)), { ...unusable, status: 200 }),
  own('text() gives one byte over 64 KiB', text(({ length }) => `${'é'.repeat((65_536 - length) / 2)}${length % 2 ? 'é' : 'x'}`), { ...unusable, status: 200 }),
  own('text() gives 64 KiB of bytes', text(({ length }) => `${'é'.repeat((65_536 - length) / 2)}${length % 2 ? 'x' : ''}`), { resolves: true }),
  own('headers.get throws',
    gives({ status: 429, headers: { get() { throw new Error('nope'); } }, text: async () => '' }), answered('ERR_RATE_LIMITED', 'retry', 429), one),
  own('a body that was read already', () => async () => {
    const response = json(200, {});
    await response.text();
    return response;
  }, { ...refused, status: 200 }),
  own('a body stream that errors at once',
    () => () => new Response(new ReadableStream({ start: (body) => body.error(new Error('nope')) })), { ...refused, status: 200 }),
  own('a body stream that errors midway', () => () => {
    const pull = (body) => (body.started ? body.error('nope') : body.enqueue(new TextEncoder().encode('{"data"'), (body.started = true)));
    return new Response(new ReadableStream({ pull }));
  }, { ...refused, status: 200 }),
  own('a 401 whose body errors is a 401', () => () =>
    new Response(new ReadableStream({ start: (body) => body.error('nope') }), { status: 401 }), answered('ERR_UNAUTHORIZED', 'login', 401)),
  own('read() throws', stream(() => { throw new Error('nope'); }), { ...refused, status: 200 }),
  own('read() gives undefined', stream(() => undefined), { ...refused, status: 200 }),
  own('read() gives hostile getters', stream(() => hostileGetters(['done', 'value'])), { ...refused, status: 200 }),
  own('a chunk that is a string', stream(async () => ({ done: false, value: 'x' })), { ...unusable, status: 200 }),
  own('a chunk of BigInts', stream(async () => ({ done: false, value: new BigInt64Array(1) })), { ...refused, status: 200 }),
  own('a chunk whose memory is gone', stream(async () => {
    const value = new Uint8Array(8);
    structuredClone(value.buffer, { transfer: [value.buffer] });
    return { done: false, value };
  }), { ...refused, status: 200 }),
  own('redirected is a Symbol', gives({ status: 200, headers: new Headers(), redirected: Symbol('yes'), text: async () => '{}' }),
    { ...unusable, code: ['ERR_BAD_RESPONSE', 'ERR_NETWORK'], status: 200 }),
  own('redirected is an object that is no number',
    gives({ status: 200, headers: new Headers(), redirected: { valueOf() { throw new Error('nope'); } }, text: async () => '{}' }),
    { ...unusable, code: ['ERR_BAD_RESPONSE', 'ERR_NETWORK'], status: 200 }),
  own('type is a Symbol',
    gives({ status: 200, headers: new Headers(), type: Symbol('basic'), text: async () => '{}' }), { ...unusable, status: 200 }),
  own('an answer that was redirected all the same', (kit) => async (url, init) =>
    Object.defineProperty(await kit.fetch(url, init), 'redirected', { value: true }), { ...refused, status: 200 }),
  own('a redirect that a fetch hands over', () => () => new Response(null, { status: 302 }), { ...refused, status: 302 }),
  own('an opaque redirect',
    gives({ type: 'opaqueredirect', status: 0, headers: new Headers(), body: null, text: async () => '' }), { ...refused, status: 0 }),
  own('fetch never settles', () => () => new Promise(() => {}), late, { ...one, timeoutMs: 40 }),
  own('fetch gives a thenable that never calls', gives({ then() {} }), late, { ...one, timeoutMs: 40 }),
  own('a body that never ends', () => () => new Response(new ReadableStream({})), { ...late, status: 'any' }, { ...one, timeoutMs: 40 }),
  ...[['fetch'], ['fetch', 'Headers']].map((missing) => ({
    name: `there is no ${missing.join(' and no ')}`, given: (kit) => {
      const own = missing.map((name) => [name, globalThis[name]]);
      for (const name of missing) globalThis[name] = undefined;
      kit.atEnd(() => Object.assign(globalThis, Object.fromEntries(own)));
      return one;
    }, expect: { ...option, says: /: fetch must be a function/ },
  })),
];

const answers = [
  ['an array', '[]'], ['null', 'null'], ['a string', '"x"'], ['nothing', ''], ['no data', '{}'], ['data that is no object', '{"data":"x"}'],
  ['no token', '{"data":{}}'], ['a token that is null', '{"data":{"accessToken":null}}'],
  ['a token that is a number', '{"data":{"accessToken":1}}'],
  ['a token in the wrong place', '{"accessToken":"a.e30.c"}'], ['a token deeper down', '{"data":{"data":{"accessToken":"a.e30.c"}}}'],
  ['a token in a list', '{"data":[{"accessToken":"a.e30.c"}]}'],
].map(([name, text]) => own(`an answer with ${name}`, () => () => new Response(text), { ...unusable, status: 200 }));

/** The gateway's answer, in which the case's own `fetch` changes the claims or the place of the new token. */
const changed = (change) => (kit) => async (url, init) => {
  const { data: { accessToken } } = await (await kit.fetch(url, init)).json();
  const [head, payload, tail] = accessToken.split('.');
  const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
  const base64 = btoa(JSON.stringify(change.claims?.(claims) ?? claims));
  const token = [head, base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''), tail].join('.');
  return new Response(change.body?.(token) ?? JSON.stringify({ data: { accessToken: token } }));
};
const subjects = [
  ['no sub is another user than one', { sub: undefined }, { sub: 'x@example.com' }, false],
  ['one sub is another user than none', { sub: 'x@example.com' }, { sub: undefined }, false],
  ['no sub in both is the same user', { sub: undefined }, { sub: undefined }, true],
  ['a sub that is null is not an absent one', { sub: undefined }, { sub: null }, false],
  ['the number 7 is another sub than the text', { sub: '7' }, { sub: 7 }, false],
  ['two objects are two subs', { sub: { id: 1 } }, { sub: { id: 2 } }, false],
].map(([name, before, after, same]) => ({
  ...own(name, changed({ claims: (claims) => ({ ...claims, ...after }) }), same ? { resolves: true } : { ...unusable, status: 200 }),
  claims: before,
}));
const places = [
  own('of two data the last one counts',
    changed({ body: (token) => `{"data":{"accessToken":"x"},"data":{"accessToken":"${token}"}}` }), { resolves: true }),
  own('a token is not taken from a data that is overridden',
    changed({ body: (token) => `{"data":{"accessToken":"${token}"},"data":{}}` }), { ...unusable, status: 200 }),
  own('keys may be escaped', changed({ body: (token) => String.raw`{"d\u0061ta":{"access\u0054oken":"${token}"}}` }), { resolves: true }),
  own('a byte order mark is skipped', changed({ body: (token) => `\ufeff{"data":{"accessToken":"${token}"}}` }), { resolves: true }),
  own('a second byte order mark is not', changed({ body: (token) => `\ufeff\ufeff{"data":{"accessToken":"${token}"}}` }), { ...unusable, status: 200 }),
  own('a byte order mark that text() leaves is skipped', (kit) => async (url, init) => {
    const response = await kit.fetch(url, init), text = `\ufeff${await response.text()}`;
    return { status: response.status, headers: response.headers, text: async () => text };
  }, { resolves: true }),
  own('spaces and other members do no harm',
    changed({ body: (token) => `\n{ "a": [{"data":{}}], "data" : {"ttl":1, "accessToken" : "${token}", "z":{"accessToken":"x"}} }\n` }), { resolves: true }),
];

const reason = { an: 'Error' };
const aborting = (name, why, when) => ({
  name, faults: () => (when === 'before' ? [] : [{ kind: 'hang' }]), expect: { aborts: true },
  given: (kit) => {
    const controller = new AbortController();
    const abort = () => controller.abort(why);
    if (when === 'before') abort();
    else if (when === 'at once') kit.afterCall(abort);
    else if (when === 'midway') return { signal: controller.signal, fetch: (...args) => (setTimeout(abort), kit.fetch(...args)) };
    return { signal: controller.signal };
  },
});
const aborts = [
  aborting('aborted with a string', 'left', 'midway'),
  aborting('aborted with an Error', new Error('left'), 'midway'),
  aborting('aborted with an object', reason, 'midway'),
  aborting('aborted with null', null, 'midway'),
  aborting('aborted without a reason', undefined, 'midway'),
  aborting('aborted before the call, with a string', 'left', 'before'),
  aborting('aborted before the call, with an Error', new Error('left'), 'before'),
  aborting('aborted in the turn of the call', 'left', 'at once'),
  {
    name: 'timed out by AbortSignal.timeout', faults: () => [{ kind: 'hang' }], expect: { aborts: true },
    given: () => ({ signal: AbortSignal.timeout(30) }),
  },
  {
    name: 'aborted between two attempts', faults: () => [{ ...error(503), headers: { 'retry-after': '9' } }], expect: { aborts: true },
    given: (kit) => {
      const controller = new AbortController();
      const fetch = async (...args) => {
        const response = await kit.fetch(...args);
        setTimeout(() => controller.abort('left'), 30);
        return response;
      };
      return { signal: controller.signal, fetch };
    },
  },
];

const options = [
  { name: 'options whose Proxy throws', whole: true, given: () => new Proxy({}, { get() { throw new Error('hostile'); } }), expect: option },
  {
    name: 'options whose Proxy is revoked', whole: true, expect: option,
    given: () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
  },
  { name: 'options with a getter that throws', whole: true, given: () => hostileGetters(['retries']), expect: option },
];

/** Texts with a secret that a server, a proxy or a runtime may send. No outcome may show them. */
const withApiKey = { ...one, headers: { 'x-api-key': API_KEY } };
const echo = (name, fault, expect, given = one) => ({ name, faults: (token) => [fault(token)], given: () => given, expect });
const pieceOf = (token) => token.split('.')[1].match(/[A-Za-z0-9]{16}/)[0];
const leaks = [
  echo('the token in the message', (token) => error(400, { message: token }), answered('ERR_REJECTED', 'fix', 400)),
  echo('the token in "Session Expired"',
    (token) => error(400, { message: `Session Expired: ${token}` }), answered('ERR_UNAUTHORIZED', 'login', 400, { code: ['ERR_UNAUTHORIZED', 'ERR_REJECTED'], action: 'any' })),
  echo('the whole token as errorCode', (token) => error(400, { errorCode: token }), answered('ERR_REJECTED', 'fix', 400)),
  echo('a piece of the token as errorCode', (token) => error(403, { errorCode: pieceOf(token) }), answered('ERR_FORBIDDEN', 'fix', 403)),
  echo('the token in trace-id', (token) => error(500, { headers: { 'trace-id': token } }), answered('ERR_SERVER', 'retry', 500)),
  echo('a piece of the token in trace-id',
    (token) => error(500, { headers: { 'trace-id': pieceOf(token) } }), answered('ERR_SERVER', 'retry', 500)),
  echo('the jti in trace-id', () => error(500, { headers: { 'trace-id': CLAIMS.jti } }), answered('ERR_SERVER', 'retry', 500)),
  echo('a claim as errorCode', () => error(400, { errorCode: CLAIMS.name }), answered('ERR_REJECTED', 'fix', 400)),
  echo('the e-mail in the message and as errorCode',
    () => error(400, { message: CLAIMS.sub, errorCode: CLAIMS.sub }), answered('ERR_REJECTED', 'fix', 400)),
  echo('the api key as trace-id',
    () => error(403, { headers: { 'trace-id': API_KEY } }), answered('ERR_FORBIDDEN', 'fix', 403), withApiKey),
  echo('a piece of the api key as errorCode',
    () => error(403, { errorCode: API_KEY.split('-').at(-1) }), answered('ERR_FORBIDDEN', 'fix', 403), withApiKey),
  own('fetch throws the token', ({ token }) => () => { throw token; }, refused),
  own('fetch throws an Error about the token', ({ token }) => () => {
    throw Object.assign(new Error(token, { cause: new Error(token) }), { code: token, name: pieceOf(token), headers: { authorization: token } });
  }, refused),
  own('fetch rejects with the request',
    () => (url, init) => Promise.reject(Object.assign(new Error('failed'), { url, ...init, code: pieceOf(init.headers.get('authorization')) })), refused),
  own('fetch names its error after a claim',
    () => () => Promise.reject(Object.assign(new Error(CLAIMS.name), { name: CLAIMS.name, code: CLAIMS.name })), refused),
  own('the answer is the token', ({ token }) => () => new Response(token), { ...unusable, status: 200 }),
  own('the answer\'s token is the old one with a tail',
    ({ token }) => () => json(200, { data: { accessToken: `${token}x.y` } }), { ...unusable, status: 200 }),
];

export const cases = [
  ...good, ...broken, ...connection, ...statuses, ...retryAfter, ...bodies, ...fetches, ...answers, ...subjects, ...places, ...aborts, ...options,
  ...leaks,
];

/** The secrets of every case but the token itself. */
export const SECRETS = [CLAIMS.sub, CLAIMS.jti, CLAIMS.name, API_KEY, API_KEY.split('-').at(-1)];

/** Returns a function that tells whether a text shows a secret: 12 characters in a row of a token, or one of the SECRETS. */
export function watch(...tokens) {
  const pieces = new Set();
  for (const token of tokens) for (let at = 0; at + 12 <= token.length; at++) pieces.add(token.slice(at, at + 12));
  return (text) => {
    for (let at = 0; at + 12 <= text.length; at++) if (pieces.has(text.slice(at, at + 12))) return true;
    return SECRETS.some((secret) => text.includes(secret));
  };
}

/** Lists where an error shows a secret, however deep one looks. */
export function leaksOf(value, shows, inspect) {
  const found = [];
  const look = (path, text) => shows(String(text)) && found.push(path);
  const seen = new Set();
  const walk = (path, item) => {
    if (typeof item === 'symbol' || item === null || (typeof item !== 'object' && typeof item !== 'function')) return void look(path, String(item));
    if (seen.has(item)) return;
    seen.add(item);
    for (const key of Reflect.ownKeys(item)) {
      look(`${path} key`, String(key));
      walk(`${path}.${String(key)}`, item[key]);
    }
  };
  walk('error', value);
  look('text', value);
  look('JSON', JSON.stringify(value));
  look('stack', value?.stack);
  if (inspect) look('inspect', inspect(value, { depth: 9, showHidden: true, getters: true }));
  return found;
}

/**
 * Plays a case where this module runs. `world` is { token, next, base, refused } from the gateway's side; `module` the package.
 * Resolves with the outcome, in a form that JSON can hold.
 */
export async function play(name, world, module, inspect) {
  const { given, whole } = cases.find((item) => item.name === name);
  const ends = [];
  const calls = [];
  const base = { baseUrl: world.base };
  const kit = { ...world, base, fetch: (...args) => fetch(...args), atEnd: (end) => ends.push(end), afterCall: (act) => calls.push(act) };
  const made = given(kit);
  const options = whole ? made : { ...base, ...made };
  const promise = module.refreshAccessToken(world.token, options);
  for (const act of calls) act();
  const outcome = await settled(promise);
  for (const end of ends) end();
  return outcome.rejected
    ? report(outcome.reason, whole ? {} : made, module, watch(world.token), inspect)
    : { resolves: typeof outcome.value.accessToken === 'string' };
}

/** Tells whether a good refresh is possible. */
export async function works(world, module) {
  const { rejected, reason } = await settled(module.refreshAccessToken(world.next, { baseUrl: world.base }));
  return rejected ? `it no longer works: ${reason}` : 'it works';
}

function settled(promise) {
  let timer;
  const limit = new Promise((resolve) => { timer = setTimeout(resolve, 30_000, { rejected: true, reason: new Error('it does not settle') }); });
  return Promise.race([promise.then((value) => ({ value }), (reason) => ({ rejected: true, reason })), limit]).finally(() => clearTimeout(timer));
}

function report(error, { signal }, { TransakTokenError }, shows, inspect) {
  if (signal?.aborted) return { aborts: error === signal.reason };
  if (!(error instanceof TransakTokenError)) return { stranger: String(error?.stack ?? error) };
  const { code, action, attempts, outcomeUnknown, status, errorCode, traceId, retryAfterMs, reason, name, message, cause } = error;
  const leaks = leaksOf(error, shows, inspect);
  return { name, message, code, action, attempts, outcomeUnknown, status, errorCode, traceId, retryAfterMs, reason, cause: cause && Object.keys(cause), leaks };
}
