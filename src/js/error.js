import { define, read } from './foreign.js';

/** The mark of this package's errors, whichever entry or copy made them. */
const BRAND = Symbol.for('transak-user-token/error');

/**
 * The one error class of the package: a stable `code`, and the `action` that helps.
 * It is outside the WebAssembly instance, so that it stays the same class when an instance is replaced.
 */
export class TransakTokenError extends Error {
  /**
   * @param {string} message fixed text: never a token, a claim or a header's value
   * @param {Record<string, unknown>} fields
   */
  constructor(message, { cause, ...fields } = {}) {
    super(message, cause ? { cause: defined(new Error(), cause) } : undefined);
    defined(this, fields);
  }

  /**
   * Tells whether a value is an error of this package. For a subclass the usual `instanceof` applies.
   * @param {unknown} value
   */
  static [Symbol.hasInstance](value) {
    return this === TransakTokenError ? read(value, BRAND) === true : super[Symbol.hasInstance](value);
  }

  /** Returns the error as plain data, without its stack. */
  toJSON() {
    const { name, message, cause, ...fields } = /** @type {any} */ (this);
    return { name, message, ...fields, ...cause && { cause: { ...cause } } };
  }
}
// The name is writable, as `Error.prototype.name` is, so that a subclass may assign its own.
define(TransakTokenError.prototype, 'name', 'TransakTokenError', false);
define(TransakTokenError.prototype, BRAND, true, false);

/**
 * Defines fields, rather than assigns them: an assignment throws if a frozen prototype has the name, such as `Error.prototype.name`.
 * @template {object} T
 * @param {T} target
 * @param {object} fields
 */
function defined(target, fields) {
  for (const [name, value] of Object.entries(fields)) define(target, name, value, true);
  return target;
}
