// The check's own wasm, a build of the crate without the refresh: it is small, so that the first check is fast.
import { instantiate as make } from '#check-wasm';
import type { Exports } from './check.js';
import { internalError } from './failure.js';

export function instantiate(): Exports {
  return make({}) as Exports;
}

export function fault() {
  return internalError(false);
}
