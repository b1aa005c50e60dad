// Which requests the examples of the route let pass. Their imports are replaced, and their `authorize` is called as the route calls it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { above, blocks } from './types/lists.mjs';

const example = (path) => readFileSync(above(`examples/${path}`), 'utf8');
const examples = {
  'the README': blocks('js').find(({ code }) => code.includes('createRefreshHandler({')).code,
  'examples/node-http': example('node-http/server.mjs'),
  'examples/hono': example('hono/server.mjs'),
  'examples/nextjs': example('nextjs/app/transak/api/v2/auth/refresh/route.js'),
  'examples/workers': example('workers/worker.js'),
  'examples/route-fleet': example('route-fleet/server.mjs'),
};

const module = (code) => `data:text/javascript,${encodeURIComponent(code)}`;
const hosts = module(`export class Hono { all() {} }
export const createServer = () => ({ listen() {} }), serve = () => {}, getConnInfo = () => {}, share = () => ({})`);

let loads = 0;
/** Loads an example with this SESSION, and returns its `authorize` as a function of the page's session id. */
async function authorizeOf(code, session) {
  const made = [];
  globalThis.record = (options) => made.push(options);
  process.env.SESSION = session;
  const route = module(`export const createRefreshHandler = (options) => { record(options); return () => {} }, toNodeListener = () => {}`);
  const replaced = code.replace(/ from '([^']+)'/g, (_, name) => ` from '${name.startsWith('transak-user-token') ? route : hosts}'`);
  const { default: worker } = await import(module(`${replaced}\n// ${loads++}`));
  worker?.fetch(new Request('https://api.example.com'), { SESSION: session }, { waitUntil() {} });
  assert.equal(made.length, 1);
  return async (id) => await made[0].authorize(new Request('https://api.example.com', { headers: id === undefined ? {} : { 'x-session': id, cookie: `a=b; session=${id}` } }));
}

describe('an empty session id authorises nobody', () => {
  for (const [name, code] of Object.entries(examples)) test(`in ${name}, even if SESSION is empty`, async () => {
    const authorize = await authorizeOf(code, '');
    for (const id of ['', ' ', undefined, 'undefined', 'null', 'known']) assert.equal(await authorize(id), false, JSON.stringify(id));
    const known = await authorizeOf(code, 'known');
    assert.deepEqual([await known('known'), await known('unknown'), await known(''), await known(undefined)], [true, false, false, false]);
  });
});
