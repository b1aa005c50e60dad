// The backend route: requests in, answers out. What is passed on and what is answered is decided in the wasm; the request to
// Transak is the main entry's own.
import { refreshAccessToken } from './index.js';
import { instance } from './loader.js';
import { direct } from './server-node.js';

export { keepFresh } from './server-fleet.js';
export { toNodeListener } from './server-node.js';

/**
 * @import { RefreshHandlerOptions, RequestInfo } from './server.js'
 * @import { Reply, Route } from '#glue'
 * @import { Core } from './loader.js'
 * @import { Given } from './server-node.js'
 *
 * What a request to Transak has come to.
 * @typedef {{ token: string } | { error: unknown }} Outcome
 */

/** @param {RefreshHandlerOptions} options */
export function createRefreshHandler(options) {
  let { core, route, flights } = open(options);
  const { authorize, userIp, onEvent, apiKey, baseUrl, environment, allowHttp, fetch, timeoutMs = 8_000 } = options;
  // One attempt may take all the time there is.
  const upstream = { environment, baseUrl: baseUrl && String(baseUrl), allowHttp, fetch, timeoutMs, totalTimeoutMs: 2 * timeoutMs, retries: 0 };

  /** @type {(token: string, address?: string) => Promise<import('./index.js').RefreshedToken>} */
  const send = (token, address) => {
    /** @type {Record<string, string>} */
    const headers = {};
    if (apiKey !== undefined) headers['x-api-key'] = apiKey;
    if (address !== undefined) headers['x-user-ip'] = address;
    return refreshAccessToken(token, { ...upstream, headers });
  };

  /**
   * Resolves with what a ticket's request comes to. Nobody's leaving ends it.
   * @param {Route} route @param {number} ticket @param {string} token @param {string} [address]
   * @returns {Promise<Outcome>}
   */
  const fly = async (route, ticket, token, address) => {
    try {
      const { accessToken, expiresAt } = await send(token, address);
      route.land(ticket, accessToken, expiresAt);
      return { token: accessToken };
    } catch (error) {
      route.land(ticket, undefined, 0);
      return { error };
    }
  };

  /** @type {(given: Given, info?: RequestInfo) => Promise<Reply>} */
  const answer = async (given, info) => {
    // After a fault there is another instance, which remembers nothing.
    if (core !== instance()) ({ core, route, flights } = open(options));
    const mine = route, mates = flights, origin = given.header('origin'), token = given.header('authorization') ?? '';
    try {
      const judged = mine.judge(given.method, given.url, origin, given.header('sec-fetch-site'), token);
      if (judged) return judged;
      const found = userIp && userIp(given.request(), info);
      const { reply: limited, address } = mine.admit(origin, found, info?.remoteAddress, given.header('x-forwarded-for'));
      if (limited) return limited;
      if (authorize !== 'none' && await authorize(given.request(), info) !== true) return mine.unauthorised(origin);
      const { reply, ticket, send: isFirst } = mine.ask(origin, token);
      if (reply) return reply;
      if (isFirst) mates.set(ticket, fly(mine, ticket, token, address).finally(() => mates.delete(ticket)));
      const outcome = /** @type {Outcome} */ (await mates.get(ticket));
      return 'token' in outcome ? mine.refreshed(origin, outcome.token, !isFirst) : mine.failed(origin, outcome.error);
    } catch {
      // The user's own function threw, or the wasm did.
      return open(options).route.failed(origin, undefined);
    }
  };

  /** @type {(given: Given, info?: RequestInfo) => Promise<Reply>} */
  const counted = async (given, info) => {
    const began = Date.now(), reply = await answer(given, info), { status, headers, outcome, code } = reply;
    const event = { outcome, status, durationMs: Date.now() - began, ...code && { code }, ...headers['trace-id'] && { traceId: headers['trace-id'] } };
    // Whoever counts does not get in the way of who is counted.
    Promise.resolve(event).then(onEvent).catch(() => {});
    return reply;
  };

  const given = onEvent ? counted : answer;
  /** @type {import('./server.js').RefreshHandler} */
  const handler = async (request, info) => {
    const { method, url, headers } = request;
    const { status, headers: fields, body } = await given({ method, url, header: (name) => headers.get(name), request: () => request }, info);
    return new Response(body, { status, headers: fields });
  };
  direct.set(handler, given);
  return handler;
}

/**
 * Opens a route that remembers nothing.
 * @param {RefreshHandlerOptions} options
 * @returns {{ core: Core, route: Route, flights: Map<number, Promise<Outcome>> }}
 */
function open(options) {
  const core = instance();
  return { core, route: new core.Route(options), flights: new Map() };
}
