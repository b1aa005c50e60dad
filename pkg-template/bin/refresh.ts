// `refresh`: the new token alone on standard output, the rest on standard error.
import { readFile } from 'node:fs/promises';
import { refreshAccessToken, TransakTokenError } from '../index.js';
import type { RefreshOptions, TransakTokenError as Failure } from '../types/index.js';
import { UsageError, type Options } from './arguments.js';
import { instant } from './status.js';
import { EXIT, readToken } from './token.js';

export async function refresh({ environment, 'base-url': baseUrl, header }: Options) {
  const headers = await headersOf(header as string[] | undefined ?? []);
  const options = { headers, ...environment === undefined ? {} : { environment }, ...baseUrl === undefined ? {} : { baseUrl } } as RefreshOptions;
  try {
    const { accessToken, expiresAt } = await refreshAccessToken(await readToken(), options);
    // If nobody reads the new token, it is lost, and the command has failed.
    process.exitCode = 1;
    process.stdout.write(`${accessToken}\n`, (error) => { if (!error) process.exitCode = 0; });
    process.stderr.write(`refreshed; expires ${instant(expiresAt, Date.now())}\n`);
  } catch (thrown) {
    if (!(thrown instanceof TransakTokenError)) throw thrown;
    const error = thrown as Failure;
    if (error.code === 'ERR_INVALID_OPTION') throw new UsageError(error.message);
    report(error);
    process.exitCode = error.code === 'ERR_TOKEN_EXPIRED' ? EXIT.expired : error.code === 'ERR_INVALID_TOKEN' ? EXIT.invalid : 1;
  }
}

const ADVICE = { retry: 'try again later', login: 'log in again with a one-time password', fix: 'change the call or its configuration' };

function report({ code, message, action, attempts, outcomeUnknown }: Failure) {
  process.stderr.write(`transak-user-token: ${code}: ${message}\n${ADVICE[action]}${attempts ? `; requests sent: ${attempts}` : ''}\n`);
  if (outcomeUnknown) process.stderr.write('no usable answer came: the old token may no longer work\n');
}

/** Reads the headers: `Name: value`, or `@file`, a file with one on each line. A file keeps a key out of the list of processes. */
async function headersOf(given: string[]): Promise<[string, string][]> {
  const texts = await Promise.all(given.map(async (text) => text.startsWith('@') ? linesOf(text.slice(1)) : [text]));
  return texts.flat().map((text) => {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*?)\s*$/.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new UsageError("--header takes 'Name: value', or @ and a file of such lines");
    return [name, value];
  });
}

async function linesOf(file: string) {
  const text = await readFile(file, 'utf8').catch(() => { throw new UsageError('the file of --header cannot be read'); });
  return text.split(/\r?\n/).filter((line) => line.trim());
}
