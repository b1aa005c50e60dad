// The backend route: requests in, answers out. What is passed on and what is answered is decided in the wasm; what goes to
// Transak goes as the main entry sends it.
import { exchange } from '../src/js/http.js';
import { within } from '../src/js/wait.js';
import { instance } from './loader.js';
import { direct } from './server-node.js';

export { keepFresh } from './server-fleet.js';
export { toNodeListener } from './server-node.js';

/**
 * @import { RefreshHandlerOptions, RequestInfo } from './server.js'
 * @import { Landed, Reply, Route, Ticket } from '#glue'
 * @import { Core } from './loader.js'
 * @import { Given } from './server-node.js'
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
const LATE = { code: 'ERR_TIMEOUT', outcome: undefined };

/** @param {RefreshHandlerOptions} options */
export function createRefreshHandler(options) {
  let { core, route, flights } = open(options);
  /** Returns the route. After a fault there is another instance, which remembers nothing. */
  const here = () => {
    if (core !== instance()) ({ core, route, flights } = open(options));
    return route;
  };
  const { authorize, userIp, onEvent, apiKey, fetch, timeoutMs = 8_000 } = options, { url, maxBody } = route;

  /** Returns what the route looks at: a text, and no more of it than of an answer. @param {unknown} value */
  const text = (value) => typeof value === 'string' ? value.slice(0, maxBody) : undefined;

  /**
   * Resolves with what a ticket's request comes to. Nobody's leaving ends it, and no caller's time-out.
   * @param {number} ticket @param {string | undefined} origin @param {string} given @param {string} [address]
   * @returns {Promise<Landed>}
   */
  const fly = async (ticket, origin, given, address) => {
    const authorization = given.trim(), mates = flights, sender = route;
    const headers = { authorization, ...apiKey !== undefined && { 'x-api-key': apiKey }, ...address !== undefined && { 'x-user-ip': address } };
    /** @type {any} */
    const exchanged = await exchange(fetch ?? globalThis.fetch, url, headers, maxBody, Math.max(timeoutMs, LATEST_MS));
    // Another route may have given the same ticket to somebody else.
    const land = () => {
      const judging = here(), known = judging === sender ? ticket : 0;
      if (!(exchanged?.body instanceof Uint8Array)) return judging.land(known, origin, authorization, address, exchanged);
      const { status, redirected, retryAfter, traceId, body } = exchanged;
      return judging.landWhole(known, origin, authorization, address, status, redirected, text(retryAfter), text(traceId), body);
    };
    try {
      return land();
    } catch {
      // An answer is not lost with the route that should judge it.
      return land();
    } finally {
      mates.delete(ticket);
    }
  };

  /**
   * Asks the user's own functions: an answer where they or the route end the request, else the end user's address.
   * @param {Given} given @param {string | undefined} origin @param {string} token @param {RequestInfo} [info]
   */
  const asked = async (given, origin, token, info) => {
    const judged = here().judge(given.method, text(given.url) ?? '', origin, text(given.header('sec-fetch-site')), token);
    if (judged) return judged;
    const found = userIp && userIp(given.request(), info);
    const admitted = here().admit(origin, text(found), text(info?.remoteAddress), text(given.header('x-forwarded-for')?.slice(-maxBody)));
    if (admitted.outcome) return admitted;
    return authorize === 'none' || await authorize(given.request(), info) === true ? admitted : here().unauthorised(origin);
  };

  /** @type {(given: Given, info?: RequestInfo) => Promise<Reply>} */
  const answer = async (given, info) => {
    const origin = text(given.header('origin')), token = text(given.header('authorization')) ?? '';
    try {
      /** @type {Reply | Ticket} */
      let begun;
      if (userIp || authorize !== 'none') {
        const admitted = await asked(given, origin, token, info);
        if (admitted.outcome) return admitted;
        begun = here().ask(origin, token, admitted.address);
      } else {
        const site = given.header('sec-fetch-site'), forwarded = given.header('x-forwarded-for');
        begun = here().begin(
          given.method, text(given.url) ?? '', origin, text(site), token, text(info?.remoteAddress), text(forwarded?.slice(-maxBody)),
        );
      }
      if (begun.outcome) return begun;
      const { ticket, isFirst, address } = begun;
      if (isFirst) flights.set(ticket, fly(ticket, origin, token, address));
      const landed = await within(flights.get(ticket), timeoutMs, LATE);
      if (!landed?.outcome) return here().failed(origin, landed);
      return isFirst ? landed : here().shared(origin, landed.body ?? '');
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
 * @returns {{ core: Core, route: Route, flights: Map<number, Promise<Landed>> }}
 */
function open(options) {
  const core = instance();
  return { core, route: new core.Route(options), flights: new Map() };
}
