// The cases that run in Node, one a process. Usage: node node.js CASE [gateway's address]; prints JSON.
import { check, byHand, sideBySide } from './check.js';
import { tokens } from './tokens.js';

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

// Where a case looks at the wasm's memory, it is caught as it is made.
const memories = [];
if (process.argv[2] === 'memory') {
  WebAssembly.Instance = class extends WebAssembly.Instance {
    constructor(...given) {
      super(...given);
      memories.push(this.exports.memory);
    }
  };
}
const ours = await import('transak-user-token');

const cases = {
  check: () => check(),

  /** Nanoseconds a token by its length. */
  async growth() {
    const found = {};
    for (const length of [200, 437, 1_000, 2_000, 4_000, 8_192, 16_384]) {
      const list = tokens(Math.ceil(400_000 / length), { length });
      found[length] = await sideBySide({ 'tokenStatus': ours.tokenStatus, 'JSON.parse(atob())': byHand }, list, { rounds: 5, time: 40 });
    }
    return found;
  },

  /** A million tokens: nanoseconds for each by the list and by the loop, and what memory the list took at most. */
  list() {
    const list = tokens(10_000), chunks = 100, times = { list: [], loop: [] };
    const before = process.memoryUsage().rss;
    let most = 0, kept;
    const taken = {
      list: () => { kept = ours.tokenStatuses(list); },
      loop: () => { kept = list.map((token) => ours.tokenStatus(token)); },
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
      for (const way of chunk % 2 ? ['list', 'loop'] : ['loop', 'list']) {
        const start = performance.now();
        taken[way]();
        times[way].push(performance.now() - start);
      }
    }
    if (kept.length !== list.length) throw new Error('the list is not whole');
    const each = (values) => median(values) * 1e6 / list.length;
    return { list: each(times.list), loop: each(times.loop), mebibytes: (most - before) / 2 ** 20 };
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
    const bytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
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

  /** Microseconds for a session's status, where there are sessions. */
  async session() {
    if (!ours.TokenSession) return {};
    const [token] = tokens(1, { nowS: Math.floor(Date.now() / 1000) });
    const session = new ours.TokenSession(token, { environment: 'staging' });
    const found = await sideBySide({ status: () => session.status() }, Array.from({ length: 2_000 }));
    return { status: found.status / 1000 };
  },
};

console.log(JSON.stringify(await cases[process.argv[2]]()));
process.exit();
