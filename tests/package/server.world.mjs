// A route before a gateway, each on a socket of its own, and a record of everything that they say.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createGateway } from 'transak-user-token/gateway';
import { createRefreshHandler, toNodeListener } from 'transak-user-token/server';

export const REFRESH = '/api/v2/auth/refresh', APP = 'https://app.example.com', API_KEY = 'k3y-0f-the-partner';
const DAY_S = 86_400;

/** Listens on 127.0.0.1 and ends with the test. Only the client ends an idle connection. Otherwise a request could be on its way then. */
export async function listen(t, listener, options = {}) {
  const server = createServer({ keepAliveTimeout: 0, ...options }, listener);
  // Two thousand connections may come at once.
  await new Promise((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A gateway, a route in front of it at `mount`, and everything that was said. */
export async function world(t, options = {}) {
  const gateway = createGateway();
  const { url: upstream, close } = await gateway.listen();
  t.after(close);
  const events = [], said = [];
  const handler = createRefreshHandler({
    baseUrl: upstream, apiKey: API_KEY, allowedOrigins: [APP], authorize: 'none', limit: false, ...options,
    onEvent: (event) => {
      events.push(event);
      return options.onEvent?.(event);
    },
  });
  const mount = `${await listen(t, toNodeListener(handler), { maxHeaderSize: 65_536 })}/transak`;

  let users = 0;
  const tokens = new Set();
  const issue = async (claims) => {
    const token = await gateway.issue({ sub: `user${users++}@example.com`, ...claims });
    tokens.add(token);
    return token;
  };
  const expiring = (claims) => {
    const now = Math.floor(Date.now() / 1000);
    return issue({ iat: now - 29 * DAY_S, exp: now + DAY_S, ...claims });
  };
  /** Asks as a page of the application does, unless told otherwise. */
  const ask = async (token, { headers, path = REFRESH, ...init } = {}) => {
    const answer = await fetch(`${mount}${path}`, { ...init, headers: { origin: APP, ...(token && { authorization: token }), ...headers } });
    const text = await answer.text();
    said.push({ status: answer.status, headers: [...answer.headers], text });
    return { status: answer.status, headers: answer.headers, body: text && JSON.parse(text) };
  };
  // This check runs last, so that it sees everything that was said in the test.
  t.after(() => {
    const ours = (text) => text.replace(/"accessToken":"[^"]*"/g, '');
    const record = ours(JSON.stringify([events, said]).replaceAll('\\"', '"'));
    for (const secret of [API_KEY, '@example.com', ...[...tokens].flatMap((token) => token.split('.').slice(1))]) {
      assert.ok(!record.includes(secret), 'a secret was told');
    }
  });
  return { gateway, upstream, handler, mount, events, said, issue, expiring, ask };
}

/** Resolves once the gateway has got this many refreshes. */
export async function arrived(gateway, count = 1) {
  while (gateway.refreshes() < count) await new Promise((resolve) => setTimeout(resolve, 2));
}
