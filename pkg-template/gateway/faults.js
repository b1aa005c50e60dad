/**
 * The faults of the gateway: which there are, which is next, and how each spoils an answer.
 *
 * @import { Fault } from '../types/gateway.js'
 * @import { Answer, Outcome } from './answers.js'
 *
 * @typedef {Extract<Fault, { kind: 'token' }>['which']} WrongToken
 * @typedef {Extract<Fault, { kind: 'truncated' | 'oversized' }>} SpoilingFault
 */
import { firstHalf, page, refusal } from './answers.js'

/** A path of the gateway that gives a token to everyone: a client must not follow a redirect to it. */
export const ELSEWHERE = '/elsewhere'

/** The queue of faults. Each fault lasts for a number of requests. */
export function createFaults() {
  /** @type {{ fault: Fault, left: number }[]} */
  const queue = []
  return {
    /** @type {(fault: Fault, times: number) => void} */
    add(fault, times) {
      checkFault(fault)
      if (times !== Infinity && !(Number.isInteger(times) && times > 0)) throw new TypeError('times is a positive integer')
      queue.push({ fault: { ...fault }, left: times })
    },
    clear() {
      queue.length = 0
    },
    /** Returns the next request's fault. */
    next() {
      const [first] = queue
      if (first && --first.left === 0) queue.shift()
      return first?.fault
    },
  }
}

/**
 * Answers a refresh as the fault says. `refresh` gives the right answer, or one with a wrong token.
 *
 * @type {(fault: Fault, signal: AbortSignal, refresh: (which?: WrongToken) => Promise<Answer>) => Promise<Outcome>}
 */
export async function answerWith(fault, signal, refresh) {
  if (fault.latencyMs !== undefined) await pause(signal, fault.latencyMs)
  switch (fault.kind) {
    case 'latency':
      await pause(signal, fault.ms)
      return refresh()
    case 'drop':
      if (fault.when === 'after') await refresh()
      return 'drop'
    case 'error': {
      const error = refusal(fault.status, fault.message ?? 'The gateway was told to fail', fault.errorCode)
      return { ...error, headers: { ...error.headers, ...Object.fromEntries(new Headers(fault.headers)) } }
    }
    case 'rate-limit': {
      const error = refusal(429, 'Too many requests')
      if (fault.retryAfter !== undefined) error.headers['retry-after'] = String(fault.retryAfter)
      return error
    }
    case 'html':
      return page(fault.status ?? 200, 'The service is unavailable')
    case 'challenge': {
      const challenge = page(fault.status ?? 403, 'Just a moment...')
      return { ...challenge, headers: { ...challenge.headers, 'cf-mitigated': 'challenge', 'cf-ray': '8f3a2b1c4d5e6f70-FRA' } }
    }
    case 'ban':
      return refusal(403, 'This address is not allowed', fault.errorCode ?? 1001)
    case 'bom': {
      const good = await refresh()
      return { ...good, body: `\ufeff${good.body}` }
    }
    case 'redirect':
      return { status: fault.status ?? 302, headers: { location: fault.location ?? ELSEWHERE }, body: null }
    case 'hang':
      return pause(signal)
    case 'token':
      return refresh(fault.which)
    case 'truncated':
    case 'oversized':
      return spoil(fault, await refresh())
  }
}

/**
 * The signals of the pauses that last. A client's signal holds its `Request` only weakly. So without this set, garbage collection could
 * end a pause without an answer.
 *
 * @type {Set<AbortSignal>}
 */
const hanging = new Set()

/**
 * Resolves after `ms` milliseconds. If `ms` is not given, it never resolves. Rejects with the signal's reason if the signal aborts.
 *
 * @type {(signal: AbortSignal, ms?: number) => Promise<never>}
 */
function pause(signal, ms) {
  return new Promise((resolve, reject) => {
    const timer = ms === undefined ? undefined : setTimeout(done, ms)
    signal.addEventListener('abort', done)
    hanging.add(signal)
    if (signal.aborted) done()
    function done() {
      hanging.delete(signal)
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason)
      else resolve(/** @type {never} */ (undefined))
    }
  })
}

/** @type {(fault: SpoilingFault, good: Answer) => Answer} */
function spoil(fault, good) {
  const { status, headers, body } = good
  if (status !== 200 || body === null) return good
  if (fault.kind === 'oversized') {
    const padded = `${body.slice(0, -1)},"padding":"`.padEnd((fault.bytes ?? 200_000) - 2, 'x')
    return { status, headers, body: `${padded}"}` }
  }
  if (fault.how === 'json') return { status, headers, body: firstHalf(body) }
  return { status, headers: { ...headers, 'content-length': String(body.length) }, body, cut: true }
}

/** @typedef {(value: unknown) => boolean} Check */

const isAny = () => true
const isStatus = (/** @type {unknown} */ value) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599
const isDelay = (/** @type {unknown} */ value) => typeof value === 'number' && value >= 0 && value < 2 ** 31
const isSize = (/** @type {unknown} */ value) => Number.isInteger(value) && Number(value) > 0
const isOneOf = (/** @type {unknown[]} */ ...known) => (/** @type {unknown} */ value) => known.includes(value)
const isOptional = (/** @type {Check} */ check) => (/** @type {unknown} */ value) => value === undefined || check(value)

/**
 * The fields of each fault. A misspelled name must not make a test pass.
 * @type {Record<string, Record<string, Check>>}
 */
const FAULTS = {
  latency: { ms: isDelay },
  drop: { when: isOneOf('before', 'after') },
  error: { status: isStatus, errorCode: isAny, message: isAny, headers: isAny },
  'rate-limit': { retryAfter: isAny },
  html: { status: isOptional(isStatus) },
  challenge: { status: isOptional(isStatus) },
  ban: { errorCode: isAny },
  bom: {},
  truncated: { how: isOptional(isOneOf('json', 'connection')) },
  oversized: { bytes: isOptional(isSize) },
  redirect: { status: isOptional(isStatus), location: isAny },
  token: { which: isOneOf('older', 'same', 'foreign', 'expired', 'garbage') },
  hang: {},
}

/** @type {(fault: Record<string, any>) => void} */
function checkFault(fault) {
  const { kind, ...given } = fault, known = Object.hasOwn(FAULTS, kind) && FAULTS[kind]
  /** @type {Record<string, Check>} */
  const checks = { latencyMs: isOptional(isDelay), ...known }
  const isFault = known && Object.keys(given).every((name) => Object.hasOwn(checks, name))
    && Object.entries(checks).every(([name, check]) => check(given[name]))
  if (!isFault) throw new TypeError(`this gateway has no such fault: ${JSON.stringify(fault)}`)
  const { headers, retryAfter = '', location = '' } = given
  // This throws if a header cannot hold one of the values.
  new Headers([...new Headers(headers), ['retry-after', String(retryAfter)], ['location', location]])
}
