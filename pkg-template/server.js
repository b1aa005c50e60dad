// The backend route: requests in, answers out. What is passed on and what is answered is decided in the wasm; what goes to
// Transak goes as the main entry sends it.
import { exchange } from '../src/js/http.js';
import { timer } from '../src/js/wait.js';
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
 * What a request to Transak has come to: a token, or why there is none.
 * @typedef {{ token?: string } | undefined} Outcome
 */

/**
 * What is answered where even the answer fails.
 * @type {Reply}
 */
const FAULT = {
  status: 500, headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  body: '{"error":{"statusCode":500,"message":"This server failed"}}', outcome: 'failed', code: 'ERR_INTERNAL',
};

/** How long an answer may take after which nobody waits for it, but who asks again gets it, in milliseconds. */
const LATEST_MS = 120_000;

/** What a caller is told who has waited long enough. */
const LATE = { code: 'ERR_TIMEOUT', token: undefined };

/** @param {RefreshHandlerOptions} options */
export function createRefreshHandler(options) {
  let { core, route, flights } = open(options);
  /** Returns the route. After a fault there is another instance, which remembers nothing. */
  const here = () => {
    if (core !== instance()) ({ core, route, flights } = open(options));
    return route;
  };
  const { authorize, userIp, onEvent, apiKey, fetch, timeoutMs = 8_000 } = options, { url, maxBody } = route;

  /**
   * Resolves with what a ticket's request comes to. Nobody's leaving ends it, and no caller's time-out.
   * @param {number} ticket @param {string} given @param {string} [address]
   * @returns {Promise<Outcome>}
   */
  const fly = async (ticket, given, address) => {
    const authorization = given.trim();
    const headers = { authorization, ...apiKey !== undefined && { 'x-api-key': apiKey }, ...address !== undefined && { 'x-user-ip': address } };
    const exchanged = await exchange(fetch ?? globalThis.fetch, url, headers, maxBody, Math.max(timeoutMs, LATEST_MS));
    const land = () => here().land(ticket, authorization, `${apiKey} ${address}`, exchanged);
    try {
      return land();
    } catch {
      // An answer is not lost with the route that should judge it.
      return land();
    }
  };

  /** @type {(given: Given, info?: RequestInfo) => Promise<Reply>} */
  const answer = async (given, info) => {
    const origin = given.header('origin'), token = given.header('authorization') ?? '';
    try {
      const judged = here().judge(given.method, given.url, origin, given.header('sec-fetch-site'), token);
      if (judged) return judged;
      const found = userIp && userIp(given.request(), info);
      const { reply: limited, address } = here().admit(origin, found, info?.remoteAddress, given.header('x-forwarded-for'));
      if (limited) return limited;
      if (authorize !== 'none' && await authorize(given.request(), info) !== true) return here().unauthorised(origin);
      const { reply, ticket, send: isFirst } = here().ask(origin, token);
      if (reply) return reply;
      const mates = flights;
      if (isFirst) mates.set(ticket, fly(ticket, token, address).finally(() => mates.delete(ticket)));
      const limit = timer(timeoutMs);
      const outcome = await Promise.race([mates.get(ticket), limit.then(() => LATE)]).finally(limit.open);
      return outcome?.token !== undefined ? here().refreshed(origin, outcome.token, !isFirst) : here().failed(origin, outcome);
    } catch {
      // The user's own function threw, or the wasm did.
      try {
        return here().failed(origin, undefined);
      } catch {
        return FAULT;
      }
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
