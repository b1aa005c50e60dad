// The names of all options. A name that is none of them is refused: `{ baseURL }` must not send a token to staging.
import { caught, isGiven, read, readHeaders } from './foreign.js';

/** The names by group. One object may serve several functions of this package. */
const NAMES = {
  options: [
    'now', 'refreshWindowMs', 'clockToleranceMs',
    'environment', 'baseUrl', 'allowHttp', 'headers', 'credentials', 'timeoutMs', 'totalTimeoutMs', 'retries', 'signal', 'fetch',
    'storage', 'storageMayForget', 'key', 'lock', 'maxWaitMs',
    'apiKey', 'allowedOrigins', 'allowCredentials', 'allowServerCalls', 'authorize', 'userIp', 'trustedProxies', 'limit', 'limiter', 'onEvent',
    'concurrency', 'reload',
    'lifetimeMs', 'revoke', 'otp', 'log',
  ],
  limits: ['perAddress', 'perToken', 'refused', 'refusedTotal', 'total', 'max', 'windowMs'],
};

/**
 * Returns what is wrong with the own, enumerable names of an object, as a text for a message. Undefined if all of them are in the
 * group. The text shows a name only if it looks like the name of an option.
 * @param {object} value
 * @param {keyof typeof NAMES} which
 */
export function unknownName(value, which) {
  const names = caught(() => Object.keys(value));
  if (!names) return 'options cannot be read';
  const unknown = names.find((name) => !NAMES[which].includes(name));
  if (unknown === undefined) return undefined;
  return `${/^[a-z]\w{0,31}$/i.test(unknown) ? unknown : 'one of the names'} is no option of this package`;
}

/**
 * Returns a copy of an options object, so that later changes of the object, its headers, its URL or its lists have no effect. An
 * iterator of headers is read once. The copy has no prototype: code that reads it must not find fields there that the object itself
 * does not have. A name that is no option is in the copy as well, because the wasm refuses it.
 * @param {any} options
 * @returns {any}
 */
export function copyOptions(options) {
  const names = caught(() => typeof options === 'object' && Object.keys(options));
  // The wasm says what is wrong with these options.
  if (!names) return options;
  // A value that cannot be copied is null, which no option may be.
  const given = NAMES.options.filter((name) => isGiven(options, name)).map((name) => [name, caught(() => copied(name, read(options, name)))]);
  return Object.assign(Object.create(null), Object.fromEntries([...names.map((name) => [name, undefined]), ...given]));
}

/**
 * Returns a copy of an option's value, if its caller could change it.
 * @param {string} name
 * @param {any} value
 */
function copied(name, value) {
  // `keepFresh` takes a function for headers, too.
  if (name === 'headers') return value && readHeaders(value)?.[0] || value;
  if (name === 'baseUrl') return typeof value === 'object' && read(value, 'href') || value;
  return Array.isArray(value) ? [...value] : value;
}
