/** Text, bytes, and base64url (RFC 4648, section 5). */

/** @param {string} text */
export function utf8(text) {
  return new TextEncoder().encode(text)
}

/** @type {(bytes: Uint8Array) => string} */
export function toBase64Url(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** @param {string} text */
export function fromBase64Url(text) {
  if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return new Uint8Array()
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
}
