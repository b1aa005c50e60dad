// The page's server, on loopback. It serves www/, the files of the installed package, and the settings of the local
// gateway. The gateway listens on another port, so that the page's requests to it need CORS, as in real use.
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';

const HOUR = 3_600_000;
const LONGEST = 365 * 24 * HOUR;
const BODY_LIMIT = 4096;
const PAGE = ['index.html', 'tabs.html', 'style.css', 'main.js', 'tabs.js', 'timeline.js', 'times.js', 'icon.svg'];
const TYPES = {
  '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.json': 'application/json',
};

/** Loads the package as a program in `folder` does: by its name, through its `exports`. */
export function load(folder) {
  const require = createRequire(join(resolve(folder), 'package.json'));
  try {
    const manifest = require.resolve('transak-user-token/package.json');
    return {
      ...require('transak-user-token'),
      ...require('transak-user-token/gateway'),
      root: dirname(manifest),
      version: require(manifest).version,
    };
  } catch (problem) {
    if (problem.code !== 'MODULE_NOT_FOUND') throw problem;
    throw new Error(`no transak-user-token in ${folder}: run \`make demo\``);
  }
}

/**
 * Serves the page and starts its gateway. `port` 0 is any free one.
 *
 * @param {string} folder where the package is installed
 * @param {{ port?: number }} [options]
 * @returns {Promise<{ url: string, gatewayUrl: string, close: () => Promise<void> }>}
 */
export async function serve(folder, { port = 0 } = {}) {
  const { createGateway, root, version } = load(folder);
  const files = new Map([
    ...PAGE.map((name) => [`/${name}`, join(import.meta.dirname, name)]),
    ...readdirSync(root).map((name) => [`/package/${name}`, join(root, name)]),
  ].filter(([path]) => extname(path) in TYPES));
  files.set('/', join(import.meta.dirname, 'index.html'));

  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const hosts = ['127.0.0.1', 'localhost'].map((name) => `${name}:${server.address().port}`);
  const origins = hosts.map((host) => `http://${host}`);

  // Transak does not document whether a refresh ends the old token. Here it does, which is the harder case.
  const gateway = createGateway({ lifetimeMs: 60_000, allowedOrigins: origins, revoke: true });
  const listener = await gateway.listen();

  const switches = {
    '/gateway/lifetime': ({ lifetimeMs }) => {
      if (!(lifetimeMs >= 1000 && lifetimeMs <= LONGEST)) throw new TypeError('lifetimeMs must be from one second to one year');
      gateway.lifetimeMs = lifetimeMs;
    },
    '/gateway/fault': ({ fault, once: onlyOnce = false }) => {
      gateway.heal();
      if (fault) gateway.fail(fault, { times: onlyOnce ? 1 : Infinity });
    },
  };

  server.on('request', async (request, response) => {
    const reply = (status, type, body) => response.writeHead(status, {
      'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff',
    }).end(body);
    // A page of another site may have a name that resolves to this computer.
    if (!hosts.includes(request.headers.host)) return reply(403, 'text/plain', 'only on loopback');
    const { pathname } = new URL(request.url, origins[0]);
    if (request.method === 'POST' && Object.hasOwn(switches, pathname)) {
      // Another origin cannot send JSON without a preflight, and this server does not allow that.
      if (request.headers['content-type'] !== 'application/json') return reply(415, 'text/plain', 'JSON only');
      try {
        switches[pathname](JSON.parse(await text(request)));
        return reply(200, TYPES['.json'], '{}');
      } catch (problem) {
        return reply(400, 'text/plain', problem.message);
      }
    }
    if (request.method !== 'GET') return reply(405, 'text/plain', 'GET only');
    if (pathname === '/config.json') {
      return reply(200, TYPES['.json'], JSON.stringify({ gateway: listener.url, lifetimeMs: gateway.lifetimeMs, version }));
    }
    const file = files.get(pathname);
    if (!file) return reply(404, 'text/plain', 'not here');
    reply(200, TYPES[extname(file)], readFileSync(file));
  });

  const close = async () => {
    server.close();
    server.closeAllConnections();
    await listener.close();
  };
  return { url: `${origins[0]}/`, gatewayUrl: listener.url, close };
}

async function text(request) {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > BODY_LIMIT) throw new TypeError('too long');
  }
  return body;
}
