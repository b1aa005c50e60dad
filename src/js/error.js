/**
 * The one error class of the package: a stable `code`, and the `action` that helps.
 * It stands outside the WebAssembly instance, so that it stays the same class when an instance is replaced.
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
}
// As `Error.prototype.name` is: a subclass may assign its own.
Object.defineProperty(TransakTokenError.prototype, 'name', { value: 'TransakTokenError', writable: true, configurable: true });

/**
 * Defines fields, rather than assigns them: an assignment throws if a frozen prototype has the name, such as `Error.prototype.name`.
 * @template {object} T
 * @param {T} target
 * @param {object} fields
 */
function defined(target, fields) {
  return Object.defineProperties(target, Object.getOwnPropertyDescriptors(fields));
}
