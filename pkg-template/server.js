// The backend route: requests in, answers out. What is passed on and what is answered is decided in the wasm; what goes to
// Transak goes as the main entry sends it.
import { has } from '../src/js/foreign.js';
import { exchange } from '../src/js/http.js';
import { within } from '../src/js/wait.js';
import { desk } from './desk.js';
import { instance } from './loader.js';
import { judgeOutcome } from './outcome.js';
import { place } from './place.js';
import { FAULT, MALFORMED, direct } from './server-node.js';

export { keepFresh } from './server-fleet.js';
export { toNodeListener } from './server-node.js';

/**
 * @import { RefreshHandlerOptions, RequestInfo } from './server.js'
 * @import { Reply, Route, Ticket, User } from '#glue'
 * @import { Core } from './desk.js'
 * @import { Given } from './server-node.js'
 *
 * What a request to Transak has come to: the answer that brings a token, or the failure, as the bytes that the wasm knows it
 * by.
 * @typedef {Reply | Uint8Array} Landed
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
  /** Lays a token out for the route, and returns its length. @param {string} token */
  const placed = (token) => place(desk(), token);
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
    /** @type {Record<string, string>} */
    const headers = { authorization };
    if (apiKey !== undefined) headers['x-api-key'] = apiKey;
    if (address !== undefined) headers['x-user-ip'] = address;
    const exchanged = await exchange(fetch ?? globalThis.fetch, url, headers, maxBody, Math.max(timeoutMs, LATEST_MS));
    const land = () => {
      // Another route may have given the same ticket to somebody else. The clock comes first: a test's may call.
      const now = Date.now(), judging = here(), known = judging === sender ? ticket : 0;
      const isFound = !!judgeOutcome(desk(), authorization, `${apiKey ?? ''} ${address ?? ''}`, exchanged, 0, now);
      return judging.land(now, known, origin, placed(authorization), isFound) ?? desk().failure.slice();
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
    const judged = here().judge(Date.now(), given.method, text(given.url) ?? '', origin, text(given.header('sec-fetch-site')), placed(token));
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
      /** @type {User | undefined} */
      let user;
      if (userIp || authorize !== 'none') {
        const admitted = await asked(given, origin, token, remote, info);
        if (admitted.outcome) return admitted;
        user = admitted;
        begun = here().ask(Date.now(), origin, placed(token));
      } else {
        const site = given.header('sec-fetch-site'), forwarded = given.header('x-forwarded-for');
        begun = here().begin(
          Date.now(), given.method, text(given.url) ?? '', origin, text(site), placed(token), remote, text(forwarded?.slice(-maxBody)),
        );
      }
      if (begun.outcome) return begun;
      const { ticket, isFirst } = begun, { isRemote, address } = user ?? begun;
      if (isFirst) flights.set(ticket, fly(ticket, origin, token, isRemote ? remote : address));
      const landed = await within(flights.get(ticket), timeoutMs, undefined);
      if (!landed) return here().unanswered(origin, true);
      if (!(landed instanceof Uint8Array)) return isFirst ? landed : here().shared(origin, landed.body ?? '');
      const answering = here();
      desk().failure.set(landed);
      return answering.failed(origin);
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
  /** @type {import('./server.js').RefreshHandler} */
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
 * @returns {{ core: Core, route: Route, flights: Map<number, Promise<Landed>> }}
 */
function open(options) {
  const core = instance();
  return { core, route: new core.Route(options), flights: new Map() };
}
