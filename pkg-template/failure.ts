// The errors that no rule decides on.
import { TransakTokenError } from '../src/js/error.js';
import type { TransakTokenErrorCode, TransakTokenError as TransakTokenErrorType } from './types/index.js';

export function failure(code: TransakTokenErrorCode, action: string, message: string, outcomeUnknown = false): TransakTokenErrorType {
  return new TransakTokenError(message, { code, action, attempts: 0, outcomeUnknown }) as TransakTokenErrorType;
}

/** Returns the error for a trap: the wasm threw, which is a fault of this package. */
export function internalError(outcomeUnknown: boolean) {
  return failure('ERR_INTERNAL', 'fix', 'a fault of this package: the next call starts afresh', outcomeUnknown);
}

/** Makes an instance of the wasm, or says why there can be none. */
export function unlessForbidden<T>(make: () => T): T {
  try {
    return make();
  } catch {
    throw failure('ERR_WASM_UNAVAILABLE', 'fix', "WebAssembly is missing or forbidden here: allow 'wasm-unsafe-eval' in script-src, or import transak-user-token/js");
  }
}
