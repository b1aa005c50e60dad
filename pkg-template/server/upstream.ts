// One request to Transak for all who ask with one token: limited, shared with other processes, sent, and judged in the wasm.
import type { Reply, Route } from '#glue';
import { exchange } from '../../src/js/http.js';
import { type Core, core as instance } from '../loader.js';
import type { RefreshHandlerOptions } from '../types/server.js';
import { createLimiter } from './limiter.js';
import { type Helper, createHelper } from './outage.js';
import { createSharing } from './sharing.js';

/** How long an answer may take after which nobody waits for it, but who asks again gets it, in milliseconds. */
const LATEST_MS = 120_000;

/** The route as it is now. After a fault there is another instance, which remembers nothing. */
export type Here = { route: () => Route; flights: () => Map<number, Promise<Reply>> };

export type Flight = { ticket: number; token: string; address: string | undefined; isAccepted: boolean };

export type Upstream = ReturnType<typeof createUpstream>;

/** Opens a route that remembers nothing. */
export function openRoute(options: RefreshHandlerOptions): Here {
  let core: Core, route: Route, flights: Map<number, Promise<Reply>>;
  const open = () => {
    core = instance();
    route = new core.Route(options);
    flights = new Map();
  };
  open();
  const here = () => {
    if (core !== instance()) open();
    return route;
  };
  return { route: here, flights: () => flights };
}

/**
 * @param options a copy of the user's
 * @param tell says that something of the user's fails, when it begins to
 */
export function createUpstream(options: RefreshHandlerOptions, here: Here, tell: (reason: 'limiter' | 'lock' | 'storage') => void) {
  const { apiKey, fetch, storage, lock, limiter: ask, timeoutMs = 8_000 } = options, { url, maxBody } = here.route();
  const helper = (reason: Parameters<typeof tell>[0]): Helper => createHelper(() => tell(reason));
  const limiter = ask && createLimiter(ask, helper('limiter'));
  const sharing = storage && createSharing({
    storage, lock, timeoutMs, whom: [url, apiKey ?? ''], helpers: { storage: helper('storage'), lock: helper('lock') },
  });
  const own = [...new Headers(options.headers)];
  const always: Record<string, string> = { ...instance().defaultHeaders(), ...Object.fromEntries(own), ...apiKey !== undefined && { 'x-api-key': apiKey } };

  /** Judges what an exchange has brought, or what another process got at an instant. */
  const settle = (now: number, [route, ticket]: [Route, number], token: string, address: string | undefined, exchanged: unknown, since?: number) => {
    const sentWith = JSON.stringify([...own, ['x-api-key', apiKey ?? ''], ['x-user-ip', address ?? '']]);
    return route.settle(now, ticket, token, sentWith, exchanged, since);
  };
  const stored = (body: string) => ({ status: 200, redirected: false, body });

  /** Resolves with the answer that another process got in the meantime, for who has waited long enough. */
  const look = async (token: string): Promise<Reply | undefined> =>
    sharing?.look({ token: token.trim(), adopt: (body, since) => settle(Date.now(), [here.route(), 0], token.trim(), undefined, stored(body), since) });

  /** Resolves with what a ticket's request comes to. Nobody's leaving ends it, and no caller's time-out. */
  const fly = async ({ ticket, token, address, isAccepted }: Flight): Promise<Reply> => {
    const authorization = token.trim(), mates = here.flights(), sender = here.route();
    const headers: Record<string, string> = { ...always, authorization };
    if (address !== undefined) headers['x-user-ip'] = address;
    /** The route, and the ticket if it is the one that gave it: another may have given the same to somebody else. */
    const judge = (): [Route, number] => {
      const route = here.route();
      return [route, route === sender ? ticket : 0];
    };
    const land = (exchanged: unknown, since?: number) => {
      // The clock comes first: a test's may call.
      const judged = () => settle(Date.now(), judge(), authorization, address, exchanged, since);
      try {
        return judged();
      } catch {
        // An answer is not lost with the route that should judge it.
        return judged();
      }
    };
    const giveBack = () => {
      const [route, known] = judge();
      route.abandon(Date.now(), known);
      return route;
    };
    const send = async () => land(await exchange(fetch ?? globalThis.fetch, url, headers, maxBody, Math.max(timeoutMs, LATEST_MS)));
    const adopt = (body: string, since: number) => land(stored(body), since);
    try {
      const subject = { household: limiter && address !== undefined ? sender.household(address) : undefined, token: authorization };
      const refusal = await limiter?.(sender.sending().filter(({ isOfAddress }) => !(isOfAddress && isAccepted)), subject);
      if (refusal) return giveBack().limited(undefined, refusal.windowMs, refusal.isOfAddress);
      const reply = sharing ? await sharing.share({ token: authorization, send, adopt }) : await send();
      if (!reply) return giveBack().unanswered(undefined);
      if (reply.outcome !== 'repeated') await limiter?.(here.route().landing(reply.code), subject);
      return reply;
    } finally {
      mates.delete(ticket);
    }
  };

  /** Resolves with the limit that an address has used up, if a limiter says so. */
  const admits = async (address: string | undefined, token: string) => {
    if (!limiter || address === undefined) return undefined;
    const route = here.route();
    return limiter(route.admission(), { household: route.household(address), token });
  };
  return { fly, look: sharing && look, admits };
}
