// One exchange through the Fetch API: it sends the request and reads the answer. It has no rule about either, and never rejects.
import { caught, read } from './foreign.js';
import { after } from './wait.js';

/**
 * The Fetch options of a request that carries a token: no cookie by default, no copy in a cache, no referrer, and no redirect to
 * another server. If two of them set one field, the later one counts.
 * @type {RequestInit[]}
 */
const WANTED = [
  { redirect: 'manual' }, { redirect: 'error' }, { credentials: 'omit' }, { cache: 'no-store' }, { referrerPolicy: 'no-referrer' },
];

/** @type {RequestInit | undefined} */
let taken;

/**
 * Returns those options that this runtime accepts. workerd refuses some by throwing. So each is tried on a `Request` that is not sent.
 * @param {RequestCredentials} credentials
 */
function wanted(credentials) {
  // For `cache`, React Native's fetch adds a parameter to the URL, which a server may refuse.
  const isReactNative = read(read(globalThis, 'navigator'), 'product') === 'ReactNative';
  const takes = (/** @type {RequestInit} */ init) =>
    !(init.cache && isReactNative) && (typeof Request !== 'function' || caught(() => new Request('http://localhost/', init)));
  const fields = taken ??= /** @type {RequestInit} */ (Object.assign({}, ...WANTED.filter(takes)));
  return fields.credentials ? { ...fields, credentials } : fields;
}

/**
 * Sends one request and reads its answer. Resolves with null if that takes too long, with undefined if the answer is no `Response`,
 * and with `{ cause }` if `fetch` throws. Otherwise it resolves with the fields of the `Response` that matter. Each field is read
 * once. `body` is bytes or a text. It is true if the body is too long, and null if reading it takes too long. It is false if the body
 * breaks off: then `brokenBy` has the error.
 * @param {(url: string, init: RequestInit) => unknown} fetch
 * @param {string} url
 * @param {HeadersInit} headers
 * @param {number} maxBody
 * @param {number} limitMs
 * @param {{ abandoned: Promise<void>, timeOut: () => boolean }} [request] the request in flight; without it, nothing aborts the exchange
 * @param {RequestCredentials} [credentials]
 * @returns {Promise<any>}
 */
export function exchange(fetch, url, headers, maxBody, limitMs, request, credentials = 'omit') {
  const controller = request && caught(() => new AbortController());
  const signal = read(controller, 'signal');
  /** @type {any} */
  let answer = null;
  /** @type {any} */
  let reader;
  let isOver = false;
  const exchanging = async () => {
    const response = /** @type {any} */ (await fetch(url, { method: 'GET', headers, ...wanted(credentials), ...signal && { signal } }));
    answer = copied(response);
    if (!answer) return undefined;
    reader = caught(() => answer.body.getReader());
    if (isOver) return null;
    try {
      answer.body = reader ? NOTHING : limited(await response.text(), maxBody);
      // This loop is not a function of its own, because that would need one more promise.
      for (let length = 0, count = 0; reader;) {
        const { done, value } = await reader.read();
        if (done) {
          answer.body = answer.body.subarray(0, length);
          break;
        }
        const isView = ArrayBuffer.isView(value), chunk = isView ? new Uint8Array(/** @type {any} */ (value)) : NOTHING;
        // An empty chunk counts as one byte, so that a body of endless empty chunks ends.
        count += chunk.length || 1;
        if (!isView || count > maxBody) {
          answer.body = isView;
          break;
        }
        answer.body = joined(answer.body, length, chunk);
        length += chunk.length;
      }
    } catch (thrown) {
      answer.body = false;
      answer.brokenBy = causeOf(thrown);
    }
    return answer;
  };
  return new Promise((resolve) => {
    const end = (/** @type {any} */ result) => {
      stop();
      resolve(result);
      // A body that is not read to its end is cancelled.
      if (isOver || typeof (result?.body ?? false) === 'boolean') {
        caught(() => controller?.abort());
        caught(() => reader?.cancel().catch(() => {}));
      }
      isOver = true;
    };
    const giveUp = () => isOver || end(answer && { ...answer, body: null });
    const stop = after(limitMs, () => request?.timeOut() || giveUp());
    request?.abandoned.then(giveUp);
    exchanging().then(end, (thrown) => end({ cause: causeOf(thrown) }));
  });
}

/** @param {unknown} thrown */
function causeOf(thrown) {
  // An error of Node's `fetch` has the code in its cause.
  return { name: read(thrown, 'name'), code: read(thrown, 'code') ?? read(read(thrown, 'cause'), 'code') };
}

/**
 * Returns the fields of a `Response`, or null if the value is none. A `Response` may be from another realm, another library or a test.
 * So only its fields decide.
 * @param {any} response
 */
function copied(response) {
  return caught(() => {
    const { type, status, redirected, headers, body } = response;
    const header = (/** @type {string} */ name) => caught(() => headers.get(name));
    return typeof headers.get === 'function' && typeof response.text === 'function' && typeof status === 'number' && status >= 0 && status < 1000
      ? {
        status, redirected: !!redirected || type === 'opaqueredirect', body, retryAfter: header('retry-after'),
        traceId: header('trace-id') || header('cf-ray'), mitigated: header('cf-mitigated'),
      }
      : null;
  });
}

/**
 * Checks the result of text(), if there is no stream of the Fetch standard, as in React Native and in other libraries. A text with
 * too many UTF-16 units has too many bytes. The wasm counts the bytes of any other text.
 * @param {unknown} text
 * @param {number} maxBody
 */
function limited(text, maxBody) {
  return typeof text === 'string' && (text.length > maxBody || text);
}

const NOTHING = new Uint8Array(0);

/**
 * Returns an array with the first `length` bytes of one array, then the other array, and perhaps more room after that.
 * @param {Uint8Array} bytes
 * @param {number} length how many of them count
 * @param {Uint8Array} chunk a copy that no other code uses
 */
function joined(bytes, length, chunk) {
  // Most answers are one chunk.
  if (!length) return chunk;
  if (length + chunk.length > bytes.length) {
    const longer = new Uint8Array(Math.max(2 * length, length + chunk.length));
    longer.set(bytes);
    bytes = longer;
  }
  bytes.set(chunk, length);
  return bytes;
}
