/** Random values, and the signature of a token: HS256 (RFC 7518, section 3.2). */

/**
 * Node 18 has no global `crypto`.
 *
 * @type {() => Promise<Crypto>}
 */
async function webCrypto() {
  return globalThis.crypto ?? (await import('node:crypto')).webcrypto
}

export async function randomUuid() {
  return (await webCrypto()).randomUUID()
}

/**
 * Signs synchronously (RFC 2104). WebCrypto answers from another thread, in real time. Under fake timers real time does not pass, so
 * a client would reach its time-outs before the answer.
 *
 * @type {(key: Uint8Array, message: Uint8Array) => Uint8Array}
 */
export function hmacSha256(key, message) {
  const padded = (/** @type {number} */ pad) => Array.from({ length: 64 }, (_, at) => (key[at] ?? 0) ^ pad)
  return sha256([...padded(0x5c), ...sha256([...padded(0x36), ...message])])
}

/** The first 32 bits of the fractional parts of roots of the first primes: of cube roots, and of square roots. */
const [ROUND_CONSTANTS, INITIAL_HASH] = rootsOfPrimes()

function rootsOfPrimes() {
  /** @type {number[]} */
  const primes = []
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n)
  const bits = (/** @type {number} */ root) => Math.floor((root % 1) * 2 ** 32)
  return [primes.map((prime) => bits(Math.cbrt(prime))), primes.slice(0, 8).map((prime) => bits(Math.sqrt(prime)))]
}

/**
 * SHA-256 (FIPS 180-4).
 *
 * @type {(message: number[]) => Uint8Array}
 */
function sha256(message) {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64)
  padded.set([...message, 0x80])
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 4, message.length * 8)
  const hash = Uint32Array.from(INITIAL_HASH)
  const words = new Uint32Array(64)
  const turned = (/** @type {number} */ word, /** @type {number} */ by) => (word >>> by) | (word << (32 - by))
  for (let start = 0; start < padded.length; start += 64) {
    for (let at = 0; at < 64; at++) {
      const [w2, w15] = [words[at - 2] ?? 0, words[at - 15] ?? 0]
      const s0 = turned(w15, 7) ^ turned(w15, 18) ^ (w15 >>> 3)
      const s1 = turned(w2, 17) ^ turned(w2, 19) ^ (w2 >>> 10)
      words[at] = at < 16 ? view.getUint32(start + at * 4) : (words[at - 16] ?? 0) + s0 + (words[at - 7] ?? 0) + s1
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash
    for (let at = 0; at < 64; at++) {
      const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
      const t1 = h + s1 + ((e & f) ^ (~e & g)) + (ROUND_CONSTANTS[at] ?? 0) + (words[at] ?? 0)
      const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
    }
    for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) hash[at] = (hash[at] ?? 0) + value
  }
  const bytes = new DataView(new ArrayBuffer(32))
  for (const [at, word] of hash.entries()) bytes.setUint32(at * 4, word)
  return new Uint8Array(bytes.buffer)
}

/** @returns {Promise<Uint8Array>} */
export async function randomKey() {
  return (await webCrypto()).getRandomValues(new Uint8Array(32))
}
