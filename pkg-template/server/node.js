// Between node:http and a handler.
import { absolute, caught, read as field } from '../../src/js/foreign.js';
import { failure } from '../failure.js';

/**
 * @import { NodeRequest, NodeResponse, RefreshHandler, RequestInfo } from '../types/server.js'
 * @import { Reply } from '#glue'
 *
 * A request, as a handler sees it. `isValid` says whether a `Request` can be made from it. The `Request` is made only if it is needed,
 * because that takes as much time as all the rest.
 * @typedef {{ isValid: boolean, method: string, url: string, header: (name: string) => string | null, request: () => Request }} Given
 */

/** Answers that need neither the wasm nor a function of the options. */
export const MALFORMED = refusal(400, 'The URL or a header of this request is not valid', 'refused', 'ERR_REJECTED');
export const FAULT = refusal(500, 'This server failed', 'failed', 'ERR_INTERNAL');

/**
 * @param {number} status @param {string} message @param {Reply['outcome']} outcome @param {Reply['code']} code
 * @returns {Reply}
 */
function refusal(status, message, outcome, code) {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
  return { status, headers, body: JSON.stringify({ error: { statusCode: status, message } }), outcome, code };
}

/**
 * The handlers of this package, which answer with plain data.
 * @typedef {{ status: number, headers: Record<string, string>, cookies?: string[], body?: string }} Answer
 * @type {WeakMap<RefreshHandler, (given: Given, info?: RequestInfo) => Promise<Answer>>}
 */
export const direct = new WeakMap();

/**
 * @param {RefreshHandler} handler
 * @returns {(req: NodeRequest, res: NodeResponse) => void}
 */
export function toNodeListener(handler) {
  if (typeof handler !== 'function') throw failure('ERR_INVALID_OPTION', 'fix', 'the handler must be a function, such as that of createRefreshHandler');
  const answer = direct.get(handler) ?? (async ({ isValid, request }, info) => {
    const made = isValid && caught(request);
    if (!made) return MALFORMED;
    const response = await handler(made, info), { status, headers } = response;
    return { status, headers: Object.fromEntries(headers), cookies: headers.getSetCookie?.(), body: await response.text() };
  });
  return async (req, res) => {
    // Another function has answered, for example a middleware with a time-out: its response is left alone.
    if (res.headersSent) return;
    try {
      /** @type {Answer} */
      const { status, headers, cookies = [], body } = await answer(read(req), { remoteAddress: req.socket.remoteAddress }).catch(() => FAULT);
      if (res.headersSent) return;
      // Nobody reads the request's body, so the connection is closed after the answer. HTTP/2 has no such header.
      if (!(':path' in req.headers) && (req.headers['transfer-encoding'] || Number(req.headers['content-length']))) res.setHeader('connection', 'close');
      // A middleware may have set cookies before, or say what else its answers vary on.
      const before = (/** @type {string} */ name) => [res.getHeader?.(name) ?? []].flat().map(String);
      const cookiesBefore = cookies.length ? before('set-cookie') : [];
      // Without `writeHead`, `end` adds the length of the body to the head, and sends both in one piece.
      res.statusCode = status;
      for (const name of Object.keys(headers)) {
        res.setHeader(name, name === 'vary' ? [...new Set([...before(name), headers[name]])].join(', ') : headers[name]);
      }
      // `Set-Cookie` is the only header that may not be joined to one line.
      if (cookies.length) res.setHeader('set-cookie', [...cookiesBefore, ...cookies]);
      res.end(body);
    } catch {
      if (!res.headersSent) res.destroy();
    }
  };
}

/**
 * Reads `headers` and not `rawHeaders`: a middleware may have changed them, and some hosts, such as serverless-http, set only these.
 * @param {NodeRequest} req
 * @returns {Given}
 */
function read({ method = 'GET', url = '/', originalUrl = url, rawHeaders, headers, socket }) {
  // HTTP/2 has the host in a pseudo-header.
  const host = headers.host ?? String(headers[':authority'] ?? 'localhost');
  const isPath = originalUrl[0] === '/', whole = isPath ? `${'encrypted' in socket ? 'https' : 'http'}://${host}${originalUrl}` : originalUrl;
  /** @type {Request | undefined} */
  let made;
  return {
    isValid: isHost(isPath ? host : originalUrl.match(/^https?:\/\/([^/?#\\]*)/i)?.[1]) && areClear(rawHeaders),
    method,
    // Without the host, because the host must not change the path. Only proxies get a request line with a host in it.
    url: isPath ? originalUrl : '',
    header: (name) => {
      const value = field(headers, name);
      return value === undefined || value === null ? null : String(value);
    },
    request: () => made ??= toRequest(method, whole, headers),
  };
}

/**
 * Tells whether a text is only the host of a URL, with or without a port.
 * @param {string | undefined} text
 */
function isHost(text) {
  return text !== undefined && !/[\s/?#@\\]/.test(text) && absolute(`http://${text}`) !== null;
}

/**
 * Tells whether a `Headers` can hold these headers, and there is only one token. Node's `headers` have the first of two.
 * @param {string[]} rawHeaders
 */
function areClear(rawHeaders) {
  const tokens = rawHeaders.filter((text, at) => at % 2 === 0 && /^authorization$/i.test(text));
  return tokens.length < 2 && !rawHeaders.some((text) => text.includes('\0'));
}

/**
 * Returns a request without its body.
 * @param {string} method @param {string} url @param {NodeRequest['headers']} from
 */
function toRequest(method, url, from) {
  const headers = new Headers();
  // The pseudo-headers of HTTP/2 begin with a colon. A middleware may set a header to undefined.
  for (const [name, value] of Object.entries(from)) if (name[0] !== ':' && value !== undefined) headers.append(name, String(value));
  return new Request(url, { method, headers });
}
