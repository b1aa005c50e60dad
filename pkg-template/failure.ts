// Errors that are not a result of a rule: a trap, and a missing WebAssembly.
import { TransakTokenError } from '../src/js/error.js';
import { read } from '../src/js/foreign.js';
import type { TransakTokenErrorCode, TransakTokenError as TransakTokenErrorType } from './types/index.js';

export function failure(code: TransakTokenErrorCode, action: string, message: string, outcomeUnknown = false, cause?: object): TransakTokenErrorType {
  return new TransakTokenError(message, { code, action, attempts: 0, outcomeUnknown, cause }) as TransakTokenErrorType;
}

/** Returns the error for a trap: the wasm threw, which is a fault of this package. */
export function internalError(outcomeUnknown: boolean) {
  return failure('ERR_INTERNAL', 'fix', 'a fault of this package: the next call starts afresh', outcomeUnknown);
}

/** Whether this build is the one in plain JavaScript, `./js`. */
declare const IS_PLAIN: boolean;

/** Makes an instance of the wasm, or says why there can be none. */
export function unlessForbidden<T>(make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof TransakTokenError) throw thrown;
    const [name, code] = [read(thrown, 'name'), read(thrown, 'code')].map((text) => typeof text === 'string' ? text : undefined);
    throw failure('ERR_WASM_UNAVAILABLE', 'fix', advice(), false, { ...name && { name }, ...code && { code } });
  }
}

function advice() {
  // A Compartment of SES has these only if they are among its endowments.
  if (typeof Float32Array !== 'function' || typeof Float64Array !== 'function') {
    return 'Float32Array and Float64Array are missing here: a Compartment needs both among its endowments';
  }
  return IS_PLAIN
    ? 'the build without WebAssembly needs a feature of JavaScript that is missing or forbidden here'
    : "WebAssembly is missing or forbidden here: allow 'wasm-unsafe-eval' in script-src, or import transak-user-token/js";
}
