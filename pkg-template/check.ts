// The check. Its rules are in the wasm. This module passes the token in, and makes an object of the numbers that come out.
import { fault, instantiate } from '#check';
import { arrayOf, read } from '../src/js/foreign.js';
import { unknownName } from '../src/js/options.js';
import { failure, unlessForbidden } from './failure.js';
import { textEncoder } from './platform/text.js';
import type { StatusOptions, TokenStatus } from './types/index.js';

/** The exports of src/js/check.rs. */
export type Exports = {
  memory: WebAssembly.Memory;
  layout(): number;
  checkToken(length: number, now: number, refreshWindowMs: number, clockToleranceMs: number): number;
  wrongOption(given: number): number;
  isSpace(unit: number): number;
};
/** The texts of the wasm: verdicts, and messages for invalid options. */
type Verdict = Pick<Exclude<TokenStatus, { state: 'invalid' }>, 'state' | 'action'> & { reason?: undefined } | Extract<TokenStatus, { state: 'invalid' }>;
type Views = ReturnType<typeof views>;
/** An instance, and the addresses of its buffers. */
type Checker = Exports & Views & {
  encoder: Pick<TextEncoder, 'encodeInto'>; texts: (Verdict | string)[]; tokenAt: number; tokenLength: number; timesAt: number; mostUnits: number;
};
type Options = StatusOptions & { now?: number };

let checker: Checker | undefined;

export function tokenStatus(token: unknown, options?: Options): TokenStatus {
  const core = checker ?? begin();
  if (options === undefined) return status(core, token, Date.now(), NaN, NaN);
  const [now, refreshWindowMs, clockToleranceMs] = readOptions(core, options);
  return status(core, token, now, refreshWindowMs, clockToleranceMs);
}

export function tokenStatuses(tokens: Iterable<unknown>, options?: Options): TokenStatus[] {
  const core = checker ?? begin();
  const [now, refreshWindowMs, clockToleranceMs] = readOptions(core, options);
  const list = arrayOf(tokens);
  if (!list) throw wrong(core, NO_LIST);
  return list.map((token) => status(core, token, now, refreshWindowMs, clockToleranceMs));
}

function begin(): Checker {
  return checker = unlessForbidden(() => checkerOf(instantiate(reset)));
}

function checkerOf(exports: Exports): Checker {
  const { memory: { buffer } } = exports;
  const [tokenAt, tokenLength, timesAt, textsAt, textsLength] = new Uint32Array(buffer, exports.layout(), 5) as unknown as [number, number, number, number, number];
  const texts: Checker['texts'] = JSON.parse(String.fromCharCode(...new Uint8Array(buffer, textsAt, textsLength)));
  // A UTF-16 code unit takes at most three bytes of UTF-8.
  return { ...exports, encoder: new (textEncoder())(), texts, tokenAt, tokenLength, timesAt, mostUnits: tokenLength / 3, ...views(buffer, tokenAt, tokenLength, timesAt) };
}

/** Returns the buffers of the token and of the times in a memory. The memory moves when it grows. */
function views(buffer: ArrayBuffer, tokenAt: number, tokenLength: number, timesAt: number) {
  return { buffer, token: new Uint8Array(buffer, tokenAt, tokenLength), times: new Float64Array(buffer, timesAt, 4) };
}

// The arguments of `wrongOption`: see src/js/check.rs.
const OPTIONS = 0, NO_OPTIONS = 1, NO_LIST = 2;

function readOptions(core: Checker, options: unknown): [number, number, number] {
  const isObject = options === undefined || typeof options === 'object' && options !== null;
  const unknown = isObject && options && unknownName(options, 'options');
  if (unknown) throw failure('ERR_INVALID_OPTION', 'fix', `an option is invalid: ${unknown}`);
  const given = [read(options, 'now'), read(options, 'refreshWindowMs'), read(options, 'clockToleranceMs')].map(numberOf) as [number, number, number];
  buffers(core).times.set(given);
  const error = wrong(core, isObject ? OPTIONS : NO_OPTIONS);
  if (error) throw error;
  return Number.isNaN(given[0]) ? [Date.now(), given[1], given[2]] : given;
}

/** Turns a value into a number: NaN means none, and infinite means that it is no number. */
function numberOf(value: unknown): number {
  return value === undefined ? NaN : typeof value === 'number' && !Number.isNaN(value) ? value : Infinity;
}

/** Returns the error for invalid arguments of a check, or nothing if they are valid. */
function wrong(core: Checker, given: number) {
  const at = tried(() => core.wrongOption(given));
  return at ? failure('ERR_INVALID_OPTION', 'fix', core.texts[at] as string) : undefined;
}

function status(core: Checker, token: unknown, now: number, refreshWindowMs: number, clockToleranceMs: number): TokenStatus {
  const length = writeToken(buffers(core), token);
  let verdict: Verdict;
  // This does not use `tried`, because a closure for each check would take 5 % of its time.
  try {
    verdict = core.texts[core.checkToken(length, now, refreshWindowMs, clockToleranceMs)] as Verdict;
  } catch {
    throw lost();
  }
  const { state, action, reason } = verdict;
  if (reason) return { state, action, reason } as TokenStatus;
  // Each member is written out and read by index: a spread and an iterator take three times as long as all the rest.
  const { 0: issuedAt, 1: refreshAt, 2: expiresAt, 3: expiresInMs } = core.times as unknown as [number, number, number, number];
  return { state, action, issuedAt: Number.isNaN(issuedAt) ? null : issuedAt, refreshAt, expiresAt, expiresInMs } as TokenStatus;
}

/** Returns the checker with views of the buffer that the memory has now. */
function buffers(core: Checker): Checker {
  const { buffer } = core.memory;
  return core.buffer === buffer ? core : Object.assign(core, views(buffer, core.tokenAt, core.tokenLength, core.timesAt));
}

// The lengths that stand for values that are not written. src/js/check.rs knows the first one. Any other one means too long.
const NOT_A_STRING = -1, TOO_LONG = -2;

/** Writes a token into the wasm's buffer, and returns its length there. */
function writeToken(core: Checker, token: unknown): number {
  if (typeof token !== 'string') return NOT_A_STRING;
  return token.length > core.mostUnits ? writeTrimmed(core, token) : core.encoder.encodeInto(token, core.token).written;
}

/** Writes a token that may be too long. It is trimmed first. If it is still too long, it is not copied. */
function writeTrimmed(core: Checker, token: string): number {
  let start = 0, end = token.length;
  const isSpace = (at: number) => tried(() => core.isSpace(token.charCodeAt(at)));
  while (start < end && isSpace(start)) start++;
  while (start < end && isSpace(end - 1)) end--;
  return end - start > core.mostUnits ? TOO_LONG : core.encoder.encodeInto(token.slice(start, end), core.token).written;
}

/** Calls the wasm. An error from it is a trap, and ends the instance. */
function tried<T>(call: () => T): T {
  try {
    return call();
  } catch {
    throw lost();
  }
}

function lost() {
  reset();
  return fault();
}

function reset() {
  checker = undefined;
}
