// The rows of ../vectors.json, ready to run. `expand` knows the format and no runtime; `vectors` fetches or reads the file first.

/**
 * Returns every vector of a parsed vectors.json as { name, reason, token, options, now, expect }: `token` is what to check, `options`
 * holds only what the vector sets, `expect` is the whole TokenStatus, `reason` is its group's.
 */
export function expand(json) {
  return json.groups.flatMap(({ reason, vectors }) => vectors.map((vector) => {
    const options = {}
    for (const option of ['refreshWindowMs', 'clockToleranceMs']) if (option in vector) options[option] = vector[option]
    return { name: vector.name, reason, token: tokenOf(vector, json), options, now: vector.now, expect: vector.expect }
  }))
}

/** Resolves with the expanded vectors of a URL, a path or an already parsed object. */
export async function vectors(source = new URL('../vectors.json', import.meta.url)) {
  const isAddress = typeof source === 'string' || typeof source.href === 'string'
  return expand(isAddress ? JSON.parse(await read(source)) : source)
}

async function read(source) {
  const url = typeof source === 'string' && globalThis.location ? new URL(source, location.href) : source
  if (typeof url !== 'string' && url.protocol !== 'file:') {
    const response = await fetch(url)
    if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}`)
    return response.text()
  }
  const { readFile } = await import('node:fs/promises')
  return readFile(url, 'utf8')
}

function tokenOf(vector, { header, signature }) {
  if ('value' in vector) return vector.value
  if ('token' in vector) return vector.token
  if ('tokenParts' in vector) return join(vector.tokenParts)
  return `${header}.${base64url(payloadOf(vector))}.${signature}`
}

function payloadOf({ name, payload, payloadHex, payloadParts }) {
  if (payloadHex !== undefined) return Uint8Array.from(payloadHex.match(/../g), (byte) => parseInt(byte, 16))
  if (payload === undefined && payloadParts === undefined) throw new Error(`nothing to check: ${name}`)
  return new TextEncoder().encode(payload ?? join(payloadParts))
}

function join(parts) {
  return parts.map((part) => {
    if (typeof part === 'string') return part
    return ('unit' in part ? String.fromCharCode(part.unit) : part.repeat).repeat(part.times)
  }).join('')
}

function base64url(bytes) {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}
