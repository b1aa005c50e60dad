// The refresh: the promises are the wasm's own, watched by the loader.
import { settled } from './loader.js';

/**
 * @param {unknown} token
 * @param {unknown} [options]
 */
export function refreshAccessToken(token, options) {
  return settled((core) => core.refreshAccessToken(token, options));
}

/**
 * @param {unknown} token
 * @param {unknown} [options]
 */
export function ensureFreshToken(token, options) {
  return settled((core) => core.ensureFreshToken(token, options));
}
