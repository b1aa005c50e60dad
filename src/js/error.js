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
    super(message, cause ? { cause: Object.assign(new Error(), cause) } : undefined);
    Object.assign(this, fields);
  }
}
Object.defineProperty(TransakTokenError.prototype, 'name', { value: 'TransakTokenError' });
