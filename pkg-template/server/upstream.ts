// One request to Transak for all calls with one token: limited, shared with other processes, sent, and interpreted in the wasm.
import type { Reply, Route } from '#glue';
import { exchange } from '../../src/js/http.js';
import { type Core, core as instance } from '../loader.js';
import type { RefreshHandlerOptions } from '../types/server.js';
import { createLimiter } from './limiter.js';
import { type Helper, createHelper } from './outage.js';
import { createSharing } from './sharing.js';

/** How long an answer may take in total, in milliseconds. After the time-out no client waits for it. A client that asks again gets it. */
const LATEST_MS = 120_000;

/** The route of this moment. After a trap there is a new route, which remembers nothing. */
export type Here = { route: () => Route; inFlight: () => Map<number, Promise<Reply>> };

export type InFlight = { ticket: number; token: string; address: string | undefined; isAccepted: boolean };

export type Upstream = ReturnType<typeof createUpstream>;

/** Opens a route that remembers nothing. */
export function openRoute(options: RefreshHandlerOptions): Here {
  let core: Core, route: Route, inFlight: Map<number, Promise<Reply>>;
  const open = () => {
    core = instance();
    route = new core.Route(options);
    inFlight = new Map();
  };
  open();
  const here = () => {
    if (core !== instance()) open();
    return route;
  };
  return { route: here, inFlight: () => inFlight };
}

/**
 * @param options a copy of the user's options
 * @param tell is called when a limiter, a lock or a store begins to fail
 */
export function createUpstream(options: RefreshHandlerOptions, here: Here, tell: (reason: 'limiter' | 'lock' | 'storage') => void) {
  const { apiKey, fetch, storage, lock, limiter: own, timeoutMs = 8_000 } = options, { url, maxBody } = here.route();
  const helper = (reason: Parameters<typeof tell>[0]): Helper => createHelper(() => tell(reason));
  const limiter = own && createLimiter(own, helper('limiter'));
  const ownHeaders = [...new Headers(options.headers)];
  const always: Record<string, string> = { ...instance().defaultHeaders(), ...Object.fromEntries(ownHeaders), ...apiKey !== undefined && { 'x-api-key': apiKey } };
  const sharing = storage && createSharing({
    storage, lock, timeoutMs, whom: [url, always['x-api-key'] ?? ''], helpers: { storage: helper('storage'), lock: helper('lock') },
  });

  /** Interprets the answer of an exchange, or the one that another process got at an instant. */
  const interpretResponse = (now: number, [route, ticket]: [Route, number], token: string, address: string | undefined, exchanged: unknown, since?: number) => {
    const sentWith = JSON.stringify([...ownHeaders, ['x-api-key', apiKey ?? ''], ['x-user-ip', address ?? '']]);
    return route.interpretResponse(now, ticket, token, sentWith, exchanged, since);
  };
  const stored = (body: string) => ({ status: 200, redirected: false, body });

  /** Resolves with the answer that another process got in the meantime, for a request that has timed out. */
  const look = async (token: string): Promise<Reply | undefined> =>
    sharing?.look({ token: token.trim(), adopt: (body, since) => interpretResponse(Date.now(), [here.route(), 0], token.trim(), undefined, stored(body), since) });

  /** Sends a ticket's request, and resolves with the reply. The request goes on if a client leaves, and after the time-out. */
  const request = async ({ ticket, token, address, isAccepted }: InFlight): Promise<Reply> => {
    const authorization = token.trim(), inFlight = here.inFlight(), sender = here.route();
    const headers: Record<string, string> = { ...always, authorization };
    if (address !== undefined) headers['x-user-ip'] = address;
    /** Returns the route, and the ticket if that route gave it, or else 0. Another route may have given the same number to another request. */
    const receiver = (): [Route, number] => {
      const route = here.route();
      return [route, route === sender ? ticket : 0];
    };
    const interpret = (exchanged: unknown, since?: number) => {
      // The clock is read first, because a test's clock may call the handler.
      const interpreted = () => interpretResponse(Date.now(), receiver(), authorization, address, exchanged, since);
      try {
        return interpreted();
      } catch {
        // A route that traps must not lose the answer: the next one interprets it.
        return interpreted();
      }
    };
    const giveBack = () => {
      const [route, known] = receiver();
      route.abandon(Date.now(), known);
      return route;
    };
    const send = async () => interpret(await exchange(fetch ?? globalThis.fetch, url, headers, maxBody, Math.max(timeoutMs, LATEST_MS)));
    const adopt = (body: string, since: number) => interpret(stored(body), since);
    try {
      const subject = { rateLimitKey: limiter && address !== undefined ? sender.rateLimitKey(address) : undefined, token: authorization };
      const refusal = await limiter?.(sender.sending().filter(({ isOfAddress }) => !(isOfAddress && isAccepted)), subject);
      if (refusal) return giveBack().limited(undefined, refusal.windowMs, refusal.isOfAddress);
      const reply = sharing ? await sharing.share({ token: authorization, send, adopt }) : await send();
      if (!reply) return giveBack().unanswered(undefined);
      if (reply.outcome !== 'repeated') await limiter?.(here.route().settled(reply.code), subject);
      return reply;
    } catch (thrown) {
      // Otherwise every later request with this token would wait for this ticket.
      giveBack();
      throw thrown;
    } finally {
      inFlight.delete(ticket);
    }
  };

  /** Resolves with the limit that an address has used up, if a limiter says so. */
  const admits = async (address: string | undefined, token: string) => {
    if (!limiter || address === undefined) return undefined;
    const route = here.route();
    return limiter(route.admission(), { rateLimitKey: route.rateLimitKey(address), token });
  };
  return { request, look: sharing && look, admits };
}
