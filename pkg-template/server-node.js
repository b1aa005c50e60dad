// Between node:http and a handler.

/**
 * @import { NodeRequest, NodeResponse, RefreshHandler, RequestInfo } from './server.js'
 *
 * A request as a handler looks at it. A `Request` is made of it only for who asks: that costs as much as all the rest.
 * @typedef {{ method: string, url: string, header: (name: string) => string | null, request: () => Request }} Given
 */

/**
 * The handlers of this package, which answer with plain data.
 * @type {WeakMap<RefreshHandler, (given: Given, info?: RequestInfo) => Promise<{ status: number, headers: Record<string, string>, body?: string }>>}
 */
export const direct = new WeakMap();

/**
 * @param {RefreshHandler} handler
 * @returns {(req: NodeRequest, res: NodeResponse) => void}
 */
export function toNodeListener(handler) {
  const answer = direct.get(handler) ?? (async ({ request }, info) => {
    const response = await handler(request(), info), { status, headers } = response;
    return { status, headers: Object.fromEntries(headers), body: await response.text() };
  });
  return async (req, res) => {
    // Another function has answered, for example a middleware with a time-out: its response is left alone.
    if (res.headersSent) return;
    try {
      const { status, headers, body } = await answer(read(req), { remoteAddress: req.socket.remoteAddress });
      if (res.headersSent) return;
      // A body that nobody reads ends with its connection.
      if (req.headers['transfer-encoding'] || Number(req.headers['content-length'])) res.setHeader('connection', 'close');
      // Not writeHead: the length of the body is to stand in the head, and both go in one piece.
      res.statusCode = status;
      for (const name in headers) res.setHeader(name, headers[name]);
      res.end(body);
    } catch {
      if (!res.headersSent) res.destroy();
    }
  };
}

/**
 * @param {NodeRequest} req
 * @returns {Given}
 */
function read({ method = 'GET', url = '/', originalUrl = url, rawHeaders, headers: { host }, socket }) {
  const whole = originalUrl[0] === '/' ? `${'encrypted' in socket ? 'https' : 'http'}://${host ?? 'localhost'}${originalUrl}` : originalUrl;
  /** @type {Request | undefined} */
  let made;
  return {
    method,
    // Without the host, which must not change what the path is.
    url: originalUrl,
    // Raw, so that a header which came twice is seen to have.
    header: (name) => {
      let value = null;
      for (let at = 0; at < rawHeaders.length; at += 2) {
        if (rawHeaders[at].length !== name.length || rawHeaders[at].toLowerCase() !== name) continue;
        value = value === null ? rawHeaders[at + 1] : `${value}, ${rawHeaders[at + 1]}`;
      }
      return value;
    },
    request: () => made ??= toRequest(method, whole, rawHeaders),
  };
}

/**
 * Returns a request without its body; one that says nothing where it is no `Request`, by a host that is none.
 * @param {string} method @param {string} url @param {string[]} rawHeaders
 */
function toRequest(method, url, rawHeaders) {
  try {
    const headers = new Headers();
    // HTTP/2's own begin with a colon.
    for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at][0] !== ':') headers.append(rawHeaders[at], rawHeaders[at + 1]);
    return new Request(url, { method, headers });
  } catch {
    return new Request('http://localhost');
  }
}
