// What the route costs: requests per second of the handler beside a bare proxy of ten lines, and beside that proxy with
// refreshAccessToken in place of fetch, each in a process of its own, in front of the same upstream, in turns. No two requests
// have the same token, so that none is answered from memory. The bare proxy asks nobody for leave, and so does the handler.
// Two processes of one build differ by more than what is looked for, for as long as they live: so there are several of each.
// Beside the requests per second stands what a request takes of the server's own processor time, which a busy machine
// disturbs less.
// Usage: node benches/server.mjs   (needs pkg/; prints medians, and the ratios of each round's neighbours)
import { fork } from 'node:child_process';
import { Agent, createServer, request } from 'node:http';

const PROCESSES = 15, ROUNDS = 5, REQUESTS = 2_000, CONCURRENT = 32, PATH = '/api/v2/auth/refresh';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADER = part({ alg: 'HS256', typ: 'JWT' });
/** As long as a real one; the signature is the upstream's own business. */
const token = (jti, now) => `${HEADER}.${part({
  active: true, permissions: [], roles: [], token_type: 'Bearer', sub: 'user@example.com', aud: 'bench', iss: 'https://transak.com/auth',
  jti, iat: now, exp: now + 2_592_000,
})}.${'s'.repeat(43)}`;

const roles = {
  /** Answers every token with a new one, as cheaply as can be. */
  upstream: () => {
    const now = Math.floor(Date.now() / 1000), answer = JSON.stringify({ data: { accessToken: token('the-next-one', now) } });
    return (req, res) => res.writeHead(200, { 'content-type': 'application/json', 'trace-id': 'bench' }).end(answer);
  },
  bare: (upstream) => async (req, res) => {
    const headers = { authorization: req.headers.authorization, 'x-api-key': 'key', 'x-user-ip': req.socket.remoteAddress };
    const answer = await fetch(upstream + req.url, { headers });
    res.writeHead(answer.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    res.end(await answer.text());
  },
  client: async (upstream) => {
    const { refreshAccessToken } = await import('../pkg/index.js');
    return async (req, res) => {
      const headers = { 'x-api-key': 'key', 'x-user-ip': req.socket.remoteAddress };
      const { accessToken } = await refreshAccessToken(req.headers.authorization, { baseUrl: upstream, headers, retries: 0 });
      res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      res.end(JSON.stringify({ data: { accessToken } }));
    };
  },
  handler: async (upstream) => {
    const { createRefreshHandler, toNodeListener } = await import('../pkg/server.js');
    return toNodeListener(createRefreshHandler({
      baseUrl: upstream, apiKey: 'key', allowedOrigins: ['https://app.example.com'], authorize: 'none', limit: false,
    }));
  },
};

if (process.send) {
  const [role, upstream] = process.argv.slice(2);
  const server = createServer({ keepAliveTimeout: 60_000 }, await roles[role](upstream)).listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('message', () => process.send(process.cpuUsage()));
  process.on('disconnect', () => process.exit());
} else {
  const started = async (...args) => {
    const child = fork(import.meta.filename, args);
    return { child, url: `http://127.0.0.1:${await new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject))}` };
  };
  const upstream = await started('upstream'), names = ['bare', 'client', 'handler'];
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT });
  const issued = Math.floor(Date.now() / 1000) - 3_600;
  let tokens = 0;

  const ask = (url) => new Promise((resolve, reject) => {
    const headers = { authorization: token(`t${tokens++}`, issued), origin: 'https://app.example.com' };
    request(url + PATH, { agent, headers }, (answer) => {
      answer.resume().on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${url} answered ${answer.statusCode}`))));
    }).on('error', reject).end();
  });
  /** The processor time that a server has used, in microseconds. */
  const used = ({ child }) => new Promise((resolve) => {
    child.once('message', ({ user, system }) => resolve(user + system)).send('used');
  });
  /** Requests per second of one round, and microseconds of the server's for each. */
  const round = async (server, requests = REQUESTS) => {
    const before = await used(server), began = performance.now();
    let left = requests;
    await Promise.all(Array.from({ length: CONCURRENT }, async () => {
      while (left-- > 0) await ask(server.url);
    }));
    const rate = requests / (performance.now() - began) * 1000;
    return { rate, cost: (await used(server) - before) / requests };
  };
  const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

  const rates = Object.fromEntries(names.map((name) => [name, []])), costs = structuredClone(rates);
  for (let at = 0; at < PROCESSES; at++) {
    const servers = {};
    for (const name of names) {
      servers[name] = await started(name, upstream.url);
      await round(servers[name], 2 * REQUESTS);
    }
    for (let turn = 0; turn < ROUNDS; turn++) {
      // None always comes first.
      for (let next = 0; next < names.length; next++) {
        const name = names[(at + turn + next) % names.length];
        const { rate, cost } = await round(servers[name]);
        rates[name].push(rate);
        costs[name].push(cost);
      }
    }
    for (const { child } of Object.values(servers)) child.disconnect();
  }
  const of = `medians of ${ROUNDS} rounds of each of ${PROCESSES} processes`;
  for (const name of names) console.log(`${name.padEnd(8)} ${median(rates[name]).toFixed(0)} requests/s, ${median(costs[name]).toFixed(0)} µs of the server each (${of})`);
  for (const [one, other] of [['handler', 'bare'], ['client', 'bare'], ['handler', 'client']]) {
    const ratios = rates[one].map((rate, at) => rate / rates[other][at]);
    const each = Array.from({ length: PROCESSES }, (_, at) => median(ratios.slice(at * ROUNDS, (at + 1) * ROUNDS)).toFixed(3));
    console.log(`${one} / ${other}: ${median(ratios).toFixed(3)} (${each.toSorted().join(', ')})`);
  }
  agent.destroy();
  upstream.child.disconnect();
}
