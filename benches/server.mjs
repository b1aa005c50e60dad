// What the route costs: requests per second of the handler beside a bare proxy of ten lines, each in a process of its own, in
// front of the same upstream, in turns. No two requests have the same token, so that none is answered from memory.
// Usage: node benches/server.mjs   (needs pkg/; prints the medians and their ratio)
import { fork } from 'node:child_process';
import { Agent, createServer, request } from 'node:http';

const ROUNDS = 9, REQUESTS = 3_000, CONCURRENT = 32, PATH = '/api/v2/auth/refresh';

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
  handler: async (upstream) => {
    const { createRefreshHandler, toNodeListener } = await import('../pkg/server.js');
    return toNodeListener(createRefreshHandler({
      baseUrl: upstream, apiKey: 'key', allowedOrigins: ['https://app.example.com'], authorize: () => true, limit: false,
    }));
  },
};

if (process.send) {
  const [role, upstream] = process.argv.slice(2);
  const server = createServer({ keepAliveTimeout: 60_000 }, await roles[role](upstream)).listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
} else {
  const started = async (...args) => {
    const child = fork(import.meta.filename, args);
    return { child, url: `http://127.0.0.1:${await new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject))}` };
  };
  const upstream = await started('upstream'), bare = await started('bare', upstream.url), handler = await started('handler', upstream.url);
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT });
  let tokens = 0;

  const ask = (url) => new Promise((resolve, reject) => {
    const headers = { authorization: token(`t${tokens++}`, Math.floor(Date.now() / 1000) - 60), origin: 'https://app.example.com' };
    request(url + PATH, { agent, headers }, (answer) => {
      answer.resume().on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${url} answered ${answer.statusCode}`))));
    }).on('error', reject).end();
  });
  /** Requests per second of one round. */
  const round = async (url, requests = REQUESTS) => {
    const began = performance.now();
    let left = requests;
    await Promise.all(Array.from({ length: CONCURRENT }, async () => {
      while (left-- > 0) await ask(url);
    }));
    return requests / (performance.now() - began) * 1000;
  };
  const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

  const rates = { bare: [], handler: [] }, ratios = [];
  for (const { url } of [bare, handler]) await round(url);
  for (let at = 0; at < ROUNDS; at++) {
    // Neither always comes first.
    const turns = at % 2 ? [['bare', bare], ['handler', handler]] : [['handler', handler], ['bare', bare]];
    for (const [name, { url }] of turns) rates[name].push(await round(url));
    ratios.push(rates.handler.at(-1) / rates.bare.at(-1));
  }
  for (const name of ['bare', 'handler']) console.log(`${name.padEnd(8)} ${median(rates[name]).toFixed(0)} requests/s (median of ${ROUNDS})`);
  console.log(`handler / bare: ${median(ratios).toFixed(3)} (median of ${ROUNDS} pairs, ${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`);
  agent.destroy();
  for (const { child } of [upstream, bare, handler]) child.disconnect();
}
