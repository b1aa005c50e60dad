// The cases that run in Node, one a process. Usage: node node.js CASE [gateway's address]; prints JSON.
import { byHand, check, median, sideBySide } from './check.js';
import { tokens } from './tokens.js';

// Where a case looks at the wasm, it is caught as it is made.
const caught = [];
if (['memory', 'list'].includes(process.argv[2])) {
  WebAssembly.Instance = class extends WebAssembly.Instance {
    constructor(...given) {
      super(...given);
      caught.push(this.exports);
    }
  };
}
const ours = await import('transak-user-token');

/** Nanoseconds a promise of each way, awaited one after the other, in rounds of another order. */
async function promises(ways, expected) {
  const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []])), COUNT = 2_000;
  for (let round = 0; round < 30; round++) {
    for (const [name, way] of Object.entries(ways).sort(() => Math.random() - 0.5)) {
      const start = performance.now();
      for (let call = 0; call < COUNT; call++) if (await way() !== expected) throw new Error(`${name} has another token`);
      // The first rounds warm up.
      if (round >= 10) found[name].push((performance.now() - start) * 1e6 / COUNT);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]));
}

const cases = {
  check: () => check(),

  /** Nanoseconds a token by its length: all lengths in turns, so that a machine that slows down does so for each of them. */
  async growth() {
    const ways = { 'tokenStatus': ours.tokenStatus, 'JSON.parse(atob())': byHand };
    const lists = [200, 437, 1_000, 2_000, 4_000, 8_192, 16_384].map((length) => [length, tokens(Math.ceil(400_000 / length), { length })]);
    const found = Object.fromEntries(lists.map(([length]) => [length, []]));
    for (let turn = 0; turn < 5; turn++) {
      for (const [length, list] of lists.toSorted(() => Math.random() - 0.5)) found[length].push(await sideBySide(ways, list, { rounds: 1, time: 20 }));
    }
    const middle = (runs) => Object.fromEntries(Object.keys(ways).map((way) => [way, median(runs.map((run) => run[way]))]));
    return Object.fromEntries(Object.entries(found).map(([length, runs]) => [length, middle(runs)]));
  },

  /**
   * A million tokens: nanoseconds for each by the list and by the loop, and what memory the list took at most. And what no list
   * can do without, by hand: the time is asked for once, each token is written and checked, and its result made, with nothing looked at.
   */
  list() {
    const list = tokens(10_000), chunks = 100, times = { list: [], loop: [], least: [] };
    const before = process.memoryUsage().rss;
    ours.tokenStatus(list[0]);
    // The check's own build, whose exports have the names of the source.
    const { memory, layout, checkToken } = caught.find((exports) => 'checkToken' in exports);
    const [tokenAt, tokenLength, timesAt] = new Uint32Array(memory.buffer, layout(), 3);
    const room = new Uint8Array(memory.buffer, tokenAt, tokenLength), numbers = new Float64Array(memory.buffer, timesAt, 4);
    const encoder = new TextEncoder(), verdicts = [['fresh', 'use'], ['expiring', 'refresh'], ['expired', 'login']].map(([state, action]) => ({ state, action }));
    let most = 0, kept;
    const taken = {
      list: () => { kept = ours.tokenStatuses(list); },
      loop: () => { kept = list.map((token) => ours.tokenStatus(token)); },
      least: () => {
        const now = Date.now(), results = Array.from(list);
        for (let at = 0; at < results.length; at++) {
          const { state, action } = verdicts[checkToken(encoder.encodeInto(results[at], room).written, now, NaN, NaN)];
          results[at] = { state, action, issuedAt: numbers[0], refreshAt: numbers[1], expiresAt: numbers[2], expiresInMs: numbers[3] };
        }
        kept = results;
      },
    };
    for (let chunk = 0; chunk < chunks; chunk++) {
      const start = performance.now();
      taken.list();
      times.list.push(performance.now() - start);
      most = Math.max(most, process.memoryUsage().rss);
    }
    // And again in turns, for the comparison.
    times.list = [];
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (const way of Object.keys(times).sort(() => Math.random() - 0.5)) {
        const start = performance.now();
        taken[way]();
        times[way].push(performance.now() - start);
      }
    }
    if (kept.length !== list.length) throw new Error('the list is not whole');
    const each = (values) => median(values) * 1e6 / list.length;
    return { list: each(times.list), loop: each(times.loop), least: each(times.least), mebibytes: (most - before) / 2 ** 20 };
  },

  /** Milliseconds a refresh against the gateway, 1 and 64 at a time, by ours and by a bare fetch. */
  async refresh() {
    const { url, tokens: issued } = JSON.parse(process.argv[3]);
    const bare = async (token) => {
      const signal = AbortSignal.timeout(10_000);
      const response = await fetch(`${url}/api/v2/auth/refresh`, { headers: { authorization: token }, signal });
      return (await response.json()).data.accessToken;
    };
    // What is promised of a request, by hand: nothing is judged, and there is one attempt.
    const asked = async (token) => {
      const controller = new AbortController(), timer = setTimeout(() => controller.abort(), 10_000);
      const response = await fetch(`${url}/api/v2/auth/refresh`, {
        headers: { authorization: token }, redirect: 'error', credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', signal: controller.signal,
      });
      const chunks = [];
      let length = 0;
      for await (const chunk of response.body) {
        if ((length += chunk.length) > 65_536) throw new Error('too long');
        chunks.push(chunk);
      }
      clearTimeout(timer);
      return JSON.parse(new TextDecoder().decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))).data.accessToken;
    };
    const own = async (token) => (await ours.refreshAccessToken(token, { baseUrl: url })).accessToken;
    const found = {};
    for (const atOnce of [1, 64]) {
      const times = { own: [], bare: [], asked: [] }, ways = { own, bare, asked }, order = Object.keys(ways);
      for (let round = 0; round < 60; round++) {
        order.push(order.shift());
        for (const name of order) {
          const start = performance.now();
          for (let sent = 0; sent < issued.length; sent += atOnce) {
            const fresh = await Promise.all(issued.slice(sent, sent + atOnce).map(ways[name]));
            if (fresh.some((token) => typeof token !== 'string')) throw new Error('a refresh failed');
          }
          if (round >= 10) times[name].push((performance.now() - start) / issued.length);
        }
      }
      found[atOnce] = { own: median(times.own), bare: median(times.bare), asked: median(times.asked) };
    }
    return found;
  },

  /** The wasm's memory after a hundred checks and refreshes, and after a million and ten thousand. */
  async memory() {
    const { createGateway } = await import('transak-user-token/gateway');
    const gateway = createGateway();
    const fetch = (url, init) => gateway.fetch(new Request(url, init));
    const list = tokens(10_000), issued = await Promise.all(Array.from({ length: 100 }, () => gateway.issue()));
    const memories = () => caught.flatMap((exports) => Object.values(exports)).filter((value) => value instanceof WebAssembly.Memory);
    const bytes = () => memories().reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    const refreshed = () => Promise.all(issued.map((token) => ours.refreshAccessToken(token, { baseUrl: 'https://gateway.test', fetch })));
    for (const token of list.slice(0, 100)) ours.tokenStatus(token);
    await refreshed();
    const first = bytes();
    for (let round = 0; round < 100; round++) {
      for (const token of list) ours.tokenStatus(token);
      await refreshed();
      gateway.requests.length = 0;
    }
    return { first, last: bytes() };
  },

  /** Nanoseconds for a session's status and a check by hand, and for a valid token of a session, ours and the peers'. */
  async session() {
    const nowS = Math.floor(Date.now() / 1000), list = tokens(2_000, { nowS });
    const token = list.find((one) => ours.tokenStatus(one).state === 'fresh'), { expiresAt } = ours.tokenStatus(token);
    const store = () => {
      const map = new Map();
      return { get: (key) => map.get(key), set: (key, value) => { map.set(key, value); }, delete: (key) => { map.delete(key); } };
    };
    const session = new ours.TokenSession(token, { environment: 'staging' });
    const stored = await ours.TokenSession.login(token, { environment: 'staging', storage: store(), key: 'bench' });

    const { GoTrueClient } = await import('@supabase/auth-js');
    const area = store(), options = { autoRefreshToken: false, detectSessionInUrl: false, storageKey: 'bench' };
    area.set('bench', JSON.stringify({ access_token: token, refresh_token: 'refresh', token_type: 'bearer', expires_at: expiresAt / 1000, expires_in: 2_592_000, user: { id: 'user' } }));
    const supabase = new GoTrueClient({ ...options, url: 'https://auth.example.com', storage: { getItem: area.get, setItem: area.set, removeItem: area.delete } });
    await supabase.initialize();

    const { InMemoryWebStorage, User, UserManager, WebStorageStateStore } = await import('oidc-client-ts');
    const userStore = new WebStorageStateStore({ store: new InMemoryWebStorage() });
    const oidc = new UserManager({ authority: 'https://auth.example.com', client_id: 'bench', redirect_uri: 'https://app.example.com', userStore, automaticSilentRenew: false });
    await oidc.storeUser(new User({ access_token: token, token_type: 'Bearer', profile: { sub: 'user' }, expires_at: expiresAt / 1000 }));

    const asked = await promises({
      'accessToken()': () => session.accessToken(),
      'accessToken() with a store': () => stored.accessToken(),
      'getSession()': async () => (await supabase.getSession()).data.session.access_token,
      'getUser()': async () => (await oidc.getUser()).access_token,
    }, token);
    return { ...await sideBySide({ 'status': () => session.status(), 'JSON.parse(atob())': byHand }, list), ...asked };
  },

  /** Nanoseconds an entry of a million fresh tokens, by `keepFresh` and by a generator of three lines, and the memory that it took. */
  async fleet() {
    const { keepFresh } = await import('transak-user-token/server');
    const nowS = Math.floor(Date.now() / 1000), list = tokens(20_000, { nowS }).filter((token) => ours.tokenStatus(token).state === 'fresh').slice(0, 10_000);
    const entries = list.map((token, key) => [key, token]);
    function* times(count) { for (let time = 0; time < count; time++) yield* entries; }
    const ways = {
      keepFresh: (count) => keepFresh(times(count), { environment: 'staging' }),
      bare: async function* (count) { for (const [key, token] of times(count)) yield { key, status: ours.tokenStatus(token) }; },
    };
    const read = async (name, count) => {
      const start = performance.now();
      let most = 0, seen = 0;
      for await (const { status } of ways[name](count)) if (status.state === 'fresh' && ++seen % 10_000 === 0) most = Math.max(most, process.memoryUsage().rss);
      if (seen !== count * entries.length) throw new Error(`${name}: ${seen} fresh tokens`);
      return { ns: (performance.now() - start) * 1e6 / seen, most };
    };
    const found = { keepFresh: [], bare: [] }, before = process.memoryUsage().rss;
    const { most } = await read('keepFresh', 100);
    for (let round = 0; round < 20; round++) for (const name of Object.keys(found).sort(() => Math.random() - 0.5)) found[name].push((await read(name, 5)).ns);
    return { keepFresh: median(found.keepFresh), bare: median(found.bare), mebibytes: (most - before) / 2 ** 20 };
  },
};

console.log(JSON.stringify(await cases[process.argv[2]]()));
process.exit();
