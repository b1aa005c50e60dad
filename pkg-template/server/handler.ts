// The backend route: requests in, answers out. The wasm decides what is passed on and what is answered. Requests to Transak are
// sent as the main entry sends them.
import type { Admitted, Reply } from '#glue';
import { has } from '../../src/js/foreign.js';
import { copyOptions } from '../../src/js/options.js';
import { within } from '../../src/js/wait.js';
import { failure } from '../failure.js';
import type { RefreshEvent, RefreshHandler, RefreshHandlerOptions, RequestInfo } from '../types/server.js';
import { randomness } from './crypto.js';
import { FAULT, type Given, MALFORMED, direct } from './node.js';
import { createUpstream, openRoute } from './upstream.js';

/** Stands for a result that did not come in time. */
const LATE = {};

export function createRefreshHandler(given: RefreshHandlerOptions): RefreshHandler {
  const options: RefreshHandlerOptions = copyOptions(given), here = openRoute(options), { maxBody } = here.route();
  const { authorize, userIp, onEvent, limiter, timeoutMs = 8_000 } = options;

  /** Calls `onEvent`. If it fails, that changes no answer. */
  const tell = (event: RefreshEvent) => void Promise.resolve(event).then(onEvent).catch(() => {});
  const notice = (outcome: RefreshEvent['outcome'], reason: RefreshEvent['reason']) => tell({ outcome, reason, status: 0, durationMs: 0 });
  const upstream = createUpstream(options, here, (reason) => notice('degraded', reason));
  let ready = randomness();

  /** Returns a text, cut at the longest length that the route reads; `undefined` for a value that is no text. */
  const text = (value: unknown) => typeof value === 'string' ? value.slice(0, maxBody) : undefined;
  const unserved = (origin: string | undefined, isLate: boolean, isOfAuthorize: boolean) => here.route().unserved(origin, isLate, isOfAuthorize);

  /** Waits for the result of a function of the options, up to `timeoutMs`. It sets no timer if the result is no promise. */
  const inTime = <T>(answer: T | Promise<T>): T | Promise<T | typeof LATE> =>
    has(answer, 'then') ? within(Promise.resolve(answer) as Promise<any>, timeoutMs, LATE) : answer;

  /** Checks a request, with the functions of the options. Resolves with the answer that refuses it, or with the end user's address. */
  const checked = async (
    request: Given, origin: string | undefined, token: string, info: RequestInfo | undefined,
  ): Promise<Reply | Admitted> => {
    const [site, wanted] = ['sec-fetch-site', 'access-control-request-headers'].map((name) => text(request.header(name)));
    const refused = here.route().checkRequest(Date.now(), request.method, text(request.url) ?? '', origin, site, wanted, token);
    if (refused) return refused;
    const found = userIp && await inTime<unknown>(userIp(request.request(), info));
    if (found === LATE) return unserved(origin, true, false);
    const admitted = here.route().admit(Date.now(), origin, text(found), text(info?.remoteAddress), text(request.header('x-forwarded-for')?.slice(-maxBody)));
    if (admitted.outcome) return admitted;
    const used = limiter && await upstream.admits(admitted.address, token);
    if (used) return here.route().limited(origin, used.windowMs, true);
    if (authorize === 'none') return admitted;
    try {
      const isAuthorised: unknown = await inTime<unknown>(authorize(request.request(), info));
      if (isAuthorised === LATE) return unserved(origin, true, true);
      return isAuthorised === true ? admitted : here.route().unauthorised(origin);
    } catch {
      return unserved(origin, false, true);
    }
  };

  const answer = async (request: Given, info?: RequestInfo): Promise<Reply> => {
    if (!request.isValid) return MALFORMED;
    const origin = text(request.header('origin')), token = text(request.header('authorization')) ?? '';
    try {
      if (ready) ready = void await ready;
      const admitted = await checked(request, origin, token, info);
      if (admitted.outcome) return admitted;
      const { address } = admitted, next = here.route().nextStep(Date.now(), origin, token, address);
      if (next.outcome) return next;
      const { ticket, isFirst, isAccepted } = next, inFlight = here.inFlight();
      if (isFirst) inFlight.set(ticket, upstream.request({ ticket, token, address, isAccepted }));
      const awaited: Promise<Reply | undefined> = inFlight.get(ticket)!;
      const reply = await within(awaited, timeoutMs, undefined) ?? await upstream.look?.(token);
      if (!reply) return here.route().unanswered(origin);
      const outcome = isFirst || reply.outcome !== 'refreshed' ? reply.outcome : 'shared';
      return { ...reply, outcome, headers: { ...reply.headers, ...here.route().cors(origin) } };
    } catch {
      // A function of the options threw, or the wasm did.
      try {
        return unserved(origin, false, false);
      } catch {
        return FAULT;
      }
    }
  };

  /** The `misconfigured` reasons that were reported. They are kept here, because the route that is made after a trap does not know them. */
  const told = new Set<string>();
  const tellMisconfigured = () => {
    try {
      for (let what; (what = here.route().misconfigured());) {
        if (!told.has(what)) notice('misconfigured', what);
        told.add(what);
      }
    } catch {}
  };

  const counted = async (request: Given, info?: RequestInfo): Promise<Reply> => {
    const began = Date.now(), reply = await answer(request, info), { status, headers, outcome, code, reason } = reply;
    const traceId = headers['trace-id'];
    tell({ outcome, status, durationMs: Date.now() - began, ...reason && { reason }, ...code && { code }, ...traceId && { traceId } });
    tellMisconfigured();
    return reply;
  };

  const reply = onEvent ? counted : answer;
  const handler: RefreshHandler = async (request, info) => {
    // node:http and Express pass a response to write. Nobody would write it, and the client would wait.
    if (has(info, 'writeHead')) throw failure('ERR_INVALID_OPTION', 'fix', 'the handler takes a Request: for node:http and Express pass toNodeListener(handler)');
    // A value that is no `Request` may lack any of these.
    const { method, url, headers } = request ?? {}, isValid = has(headers, 'get');
    const { status, headers: fields, body } = await reply({ isValid, method, url, header: (name) => headers.get(name), request: () => request }, info);
    return new Response(body, { status, headers: fields });
  };
  direct.set(handler, reply);
  return handler;
}
