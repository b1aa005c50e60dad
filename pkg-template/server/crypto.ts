// Hashes and encryption by WebCrypto, and where randomness comes from. All of it runs only when it is needed.
import { nodeCrypto } from '#crypto';
import { seedFrom } from '../../src/js/answer.js';
import { caught } from '../../src/js/foreign.js';

const encode = (text: string) => new TextEncoder().encode(text);

/** Resolves with the platform's `crypto`. Node 18 has it only in a module. */
export async function webCrypto(): Promise<Crypto> {
  return caught(() => globalThis.crypto) ?? ((await nodeCrypto()) as Crypto);
}

/** Resolves when there is a source of randomness. Undefined if there is one already, so that a request need not wait. */
export function randomness(): Promise<void> | undefined {
  if (caught(() => globalThis.crypto)) return undefined;
  return webCrypto().then(seedFrom, () => {});
}

/** Resolves with the SHA-256 of texts in hexadecimal digits. The texts must not have line ends. */
export async function hashOf(...texts: string[]): Promise<string> {
  const { subtle } = await webCrypto();
  const bytes = new Uint8Array(await subtle.digest('SHA-256', encode(texts.join('\n'))));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Derives a key (RFC 5869) that is valid only for this name and this purpose. */
async function keyOf(secret: string, name: string): Promise<CryptoKey> {
  const { subtle } = await webCrypto();
  const material = await subtle.importKey('raw', encode(secret), 'HKDF', false, ['deriveKey']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: encode(name), info: encode('transak-user-token answer') };
  return subtle.deriveKey(derivation, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

const IV_LENGTH = 12;

/** Encrypts a text under a key derived from a secret, for a store that must not be able to read it. */
export async function seal(secret: string, name: string, text: string): Promise<string> {
  const crypto = await webCrypto(), iv = crypto.getRandomValues(new Uint8Array(IV_LENGTH));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: encode(name) }, await keyOf(secret, name), encode(text));
  return btoa(String.fromCharCode(...iv, ...new Uint8Array(sealed)));
}

/** Decrypts what `seal` returned for the same secret and name; undefined for any other value. */
export async function unseal(secret: string, name: string, sealed: unknown): Promise<string | undefined> {
  try {
    const bytes = Uint8Array.from(atob(sealed as string), (char) => char.charCodeAt(0)), { subtle } = await webCrypto();
    const iv = bytes.subarray(0, IV_LENGTH), key = await keyOf(secret, name);
    const text = await subtle.decrypt({ name: 'AES-GCM', iv, additionalData: encode(name) }, key, bytes.subarray(IV_LENGTH));
    return new TextDecoder().decode(text);
  } catch {
    return undefined;
  }
}
