// The backend route: requests in, answers out. What is passed on and what is answered is decided in the wasm; what goes to
// Transak goes as the main entry sends it.
import { has } from '../../src/js/foreign.js';
import { exchange } from '../../src/js/http.js';
import { copyOptions } from '../../src/js/options.js';
import { within } from '../../src/js/wait.js';
import { core as instance } from '../loader.js';
import { FAULT, MALFORMED, direct } from './node.js';


/**
 * @import { RefreshHandlerOptions, RequestInfo } from '../types/server.js'
 * @import { Reply, Route, Ticket } from '#glue'
 * @import { Core } from '../loader.js'
 * @import { Given } from './node.js'
 */

/** How long an answer may take after which nobody waits for it, but who asks again gets it, in milliseconds. */
const LATEST_MS = 120_000;

/** @param {RefreshHandlerOptions} options */
export function createRefreshHandler(options) {
  let { core, route, flights } = open(options);
  /** Returns the route. After a fault there is another instance, which remembers nothing. */
  const here = () => {
    if (core !== instance()) ({ core, route, flights } = open(options));
    return route;
  };
  const { authorize, userIp, onEvent, apiKey, fetch, timeoutMs = 8_000 } = copyOptions(options), { url, maxBody } = route;

  /** Returns what the route looks at: a text, and no more of it than of an answer. @param {unknown} value */
  const text = (value) => typeof value === 'string' ? value.slice(0, maxBody) : undefined;

  /**
   * Resolves with what a ticket's request comes to. Nobody's leaving ends it, and no caller's time-out.
   * @param {number} ticket @param {string} given @param {string} [address]
   * @returns {Promise<Reply>}
   */
  const fly = async (ticket, given, address) => {
    const authorization = given.trim(), mates = flights, sender = route;
    /** @type {Record<string, string>} */
    const headers = { authorization };
    if (apiKey !== undefined) headers['x-api-key'] = apiKey;
    if (address !== undefined) headers['x-user-ip'] = address;
    const exchanged = await exchange(fetch ?? globalThis.fetch, url, headers, maxBody, Math.max(timeoutMs, LATEST_MS));
    const land = () => {
      // Another route may have given the same ticket to somebody else. The clock comes first: a test's may call.
      const now = Date.now(), judging = here(), known = judging === sender ? ticket : 0;
      return judging.settle(now, known, authorization, JSON.stringify([['x-api-key', apiKey ?? ''], ['x-user-ip', address ?? '']]), exchanged);
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
   * @param {Given} given @param {string | undefined} origin @param {string} token @param {string | undefined} remote @param {RequestInfo} [info]
   */
  const asked = async (given, origin, token, remote, info) => {
    const judged = here().judge(Date.now(), given.method, text(given.url) ?? '', origin, text(given.header('sec-fetch-site')), token);
    if (judged) return judged;
    const found = userIp && await userIp(given.request(), info);
    const admitted = here().admit(Date.now(), origin, text(found), remote, text(given.header('x-forwarded-for')?.slice(-maxBody)));
    if (admitted.outcome) return admitted;
    return authorize === 'none' || await authorize(given.request(), info) === true ? admitted : here().unauthorised(origin);
  };

  /** @type {(given: Given, info?: RequestInfo) => Promise<Reply>} */
  const answer = async (given, info) => {
    if (!given.isValid) return MALFORMED;
    const origin = text(given.header('origin')), token = text(given.header('authorization')) ?? '';
    try {
      const remote = text(info?.remoteAddress);
      /** @type {Reply | Ticket} */
      let begun;
      /** @type {Ticket | undefined} */
      let user;
      if (userIp || authorize !== 'none') {
        const admitted = await asked(given, origin, token, remote, info);
        if (admitted.outcome) return admitted;
        user = admitted;
        begun = here().ask(Date.now(), origin, token);
      } else {
        const site = given.header('sec-fetch-site'), forwarded = given.header('x-forwarded-for');
        begun = here().begin(
          Date.now(), given.method, text(given.url) ?? '', origin, text(site), token, remote, text(forwarded?.slice(-maxBody)),
        );
      }
      if (begun.outcome) return begun;
      const { ticket, isFirst } = begun, { isRemote, address } = user ?? begun;
      if (isFirst) flights.set(ticket, fly(ticket, token, isRemote ? remote : address));
      const flight = /** @type {Promise<Reply | undefined>} */ (flights.get(ticket));
      const landed = await within(flight, timeoutMs, undefined);
      if (!landed) return here().unanswered(origin, true);
      const outcome = isFirst || landed.outcome !== 'refreshed' ? landed.outcome : 'shared';
      return { ...landed, outcome, headers: { ...landed.headers, ...here().cors(origin) } };
    } catch {
      // The user's own function threw, or the wasm did.
      try {
        return here().unanswered(origin, false);
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
  /** @type {import('../types/server.js').RefreshHandler} */
  const handler = async (request, info) => {
    // What is given by mistake has none of these.
    const { method, url, headers } = request ?? {}, isValid = has(headers, 'get');
    const { status, headers: fields, body } = await given({ isValid, method, url, header: (name) => headers.get(name), request: () => request }, info);
    return new Response(body, { status, headers: fields });
  };
  direct.set(handler, given);
  return handler;
}

/**
 * Opens a route that remembers nothing.
 * @param {RefreshHandlerOptions} options
 * @returns {{ core: Core, route: Route, flights: Map<number, Promise<Reply>> }}
 */
function open(options) {
  const core = instance();
  return { core, route: new core.Route(options), flights: new Map() };
}
