// One exchange through the Fetch API: the request sent, the answer read. No rule about either, and no rejection.
import { caught, read } from './foreign.js';
import { after } from './wait.js';

/**
 * What a credential's request asks of the Fetch standard: no cookie by default, no copy in a cache, no referrer, and never
 * on to another server. Of two for one field the later counts.
 * @type {RequestInit[]}
 */
const WANTED = [
  { redirect: 'manual' }, { redirect: 'error' }, { credentials: 'omit' }, { cache: 'no-store' }, { referrerPolicy: 'no-referrer' },
];

/** @type {RequestInit | undefined} */
let taken;

/**
 * Returns those of them that this runtime takes: workerd refuses some by throwing, so each is tried, on no network.
 * @param {RequestCredentials} credentials
 */
function wanted(credentials) {
  // React Native's fetch puts a parameter into the URL for it, which a server may refuse.
  const isReactNative = read(read(globalThis, 'navigator'), 'product') === 'ReactNative';
  const takes = (/** @type {RequestInit} */ init) =>
    !(init.cache && isReactNative) && (typeof Request !== 'function' || caught(() => new Request('http://localhost/', init)));
  const fields = taken ??= /** @type {RequestInit} */ (Object.assign({}, ...WANTED.filter(takes)));
  return fields.credentials ? { ...fields, credentials } : fields;
}

/**
 * Sends one request and reads its answer: null where that takes too long, undefined where it is no `Response`,
 * `{ cause }` where `fetch` throws, otherwise what matters of the `Response`, read once. Its body is bytes or
 * text, true where it is too long, false where it breaks off (`brokenBy` says by what), null where it takes too long.
 * @param {(url: string, init: RequestInit) => unknown} fetch
 * @param {string} url
 * @param {HeadersInit} headers
 * @param {number} maxBody
 * @param {number} limitMs
 * @param {{ abandoned: Promise<void>, timeOut: () => boolean }} [request] those who wait for it; without them it is never aborted
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
      // Here rather than in a function of its own: a promise less.
      for (let length = 0, count = 0; reader;) {
        const { done, value } = await reader.read();
        if (done) {
          answer.body = answer.body.subarray(0, length);
          break;
        }
        const isView = ArrayBuffer.isView(value), chunk = isView ? new Uint8Array(/** @type {any} */ (value)) : NOTHING;
        // An empty chunk counts too: a body of nothing else must end.
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
      // What is not read to its end is let go of.
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
  // Node's `fetch` has the code one level down.
  return { name: read(thrown, 'name'), code: read(thrown, 'code') ?? read(read(thrown, 'cause'), 'code') };
}

/**
 * Takes a `Response` for what it says it is: another realm's, another library's, a test's. Null for what is none.
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
 * Judges what text() brings, where there is no stream as the Fetch standard has it: React Native's, another library's. What has
 * too many UTF-16 units has too many bytes; of any other the wasm counts the bytes.
 * @param {unknown} text
 * @param {number} maxBody
 */
function limited(text, maxBody) {
  return typeof text === 'string' && (text.length > maxBody || text);
}

const NOTHING = new Uint8Array(0);

/**
 * Returns what begins with some of one and goes on with the other, with room behind it.
 * @param {Uint8Array} bytes
 * @param {number} length how much of it counts
 * @param {Uint8Array} chunk our own already
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
