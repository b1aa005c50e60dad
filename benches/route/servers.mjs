// One of the servers that are compared, each in a process of its own: node servers.mjs NAME. All of them let a known session pass,
// add an API key, and have the upstream answer.
import { createServer } from 'node:http';

const UPSTREAM = process.env.UPSTREAM, ORIGIN = 'https://app.example.com', KEY = 'key';

const servers = {
  /** What Transak is here: it answers any token with one that differs in its last character. */
  async upstream() {
    return createServer((req, res) => {
      const token = req.headers.authorization ?? '', last = token.endsWith('A') ? 'B' : 'A';
      const body = JSON.stringify({ data: { accessToken: token.slice(0, -1) + last } });
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    });
  },
  async route() {
    const { createRefreshHandler, toNodeListener } = await import(process.env.PACKAGE);
    const authorize = (request) => request.headers.get('x-session') === 'known';
    return createServer(toNodeListener(createRefreshHandler({ baseUrl: UPSTREAM, apiKey: KEY, allowedOrigins: [ORIGIN], authorize, limit: false })));
  },
  /** A proxy in a few lines, without any of the route's checks. */
  async bare() {
    return createServer(async (req, res) => {
      if (req.headers['x-session'] !== 'known') return res.writeHead(401).end();
      try {
        const answer = await fetch(UPSTREAM + req.url, { headers: { authorization: req.headers.authorization, 'x-api-key': KEY } });
        const body = await answer.text();
        res.writeHead(answer.status, { 'content-type': 'application/json' }).end(body);
      } catch {
        res.writeHead(502).end();
      }
    });
  },
  async express() {
    const [{ default: express }, { default: cors }, { createProxyMiddleware }, { Agent }] =
      await Promise.all(['express', 'cors', 'http-proxy-middleware', 'node:http'].map((name) => import(name)));
    const app = express().use(cors({ origin: [ORIGIN] }));
    app.use((req, res, next) => req.headers['x-session'] === 'known' ? next() : res.status(401).end());
    app.use(createProxyMiddleware({ target: UPSTREAM, changeOrigin: true, agent: new Agent({ keepAlive: true }), headers: { 'x-api-key': KEY } }));
    return createServer(app);
  },
  async hono() {
    const [{ Hono }, { cors }, { proxy }, { getRequestListener }] =
      await Promise.all(['hono', 'hono/cors', 'hono/proxy', '@hono/node-server'].map((name) => import(name)));
    const app = new Hono().use(cors({ origin: [ORIGIN] }));
    app.get('*', (c) => c.req.header('x-session') === 'known'
      ? proxy(UPSTREAM + c.req.path, { headers: { authorization: c.req.header('authorization'), 'x-api-key': KEY } })
      : c.text('', 401));
    return createServer(getRequestListener(app.fetch));
  },
};

const server = await servers[process.argv[2]]();
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', () => process.send({ cpuMs: Object.values(process.cpuUsage()).reduce((sum, each) => sum + each, 0) / 1000 }));
process.on('disconnect', () => process.exit());
