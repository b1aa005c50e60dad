// The arguments. Any of them may be a token by mistake, so a message repeats only the name of an option.
import { parseArgs } from 'node:util';
import { EXIT } from './token.js';

/** Wrong arguments: exit code 2. */
export class UsageError extends Error {}

/** The values by option name: one for a boolean or a string, and a list for an option that may be repeated. */
export type Options = { [name: string]: string | boolean | string[] | undefined };

export const HELP = `Usage: transak-user-token <command> [options]

The token comes from TRANSAK_TOKEN, else from standard input, never from the
arguments. It is decoded, not verified.

status                    say whether the token is fresh, expiring or expired
                          exit: ${EXIT.fresh} fresh, ${EXIT.expiring} expiring, ${EXIT.expired} expired, ${EXIT.invalid} invalid
  --json                  print the status as JSON
refresh                   exchange the token; print the new one and nothing else
                          exit: 0 done, 1 failed, ${EXIT.expired} expired, ${EXIT.invalid} invalid
  --environment NAME      staging (default) or production
  --base-url URL          your own backend in place of Transak
  --header 'NAME: VALUE'  add a header; @FILE adds one for each line of a file
gateway                   serve a stand-in for Transak on this machine
  --port NUMBER           default: any free port
  --lifetime TIME         lifetime of its tokens: 90s, 15m, 12h, 30d (default)
  --fail FAULT[:TIMES]    make the next refreshes fail: 503 (any status), 429:2,
                          hang, drop, html, truncated, oversized:always, expired

--header and --fail may be repeated. Wrong arguments: exit code 2.
`;

const GENERAL = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const;
const OPTIONS = {
  status: { json: { type: 'boolean' } },
  refresh: { environment: { type: 'string' }, 'base-url': { type: 'string' }, header: { type: 'string', multiple: true } },
  gateway: { port: { type: 'string' }, lifetime: { type: 'string' }, fail: { type: 'string', multiple: true } },
} as const;
type Command = keyof typeof OPTIONS;

const TOKEN_HINT = 'a token comes from TRANSAK_TOKEN or from standard input, not from the arguments';

/** Returns the command and its options. */
export function commandOf(given: string[]): { name: Command | 'help' | 'version'; options: Options } {
  // The header of every JWT begins so: `{"` or `{ ` in base64url. A name such as keys.txt or keycloak.example.com does not.
  if (given.some((argument) => /ey[ABIJ][\w-]{8,}\.[\w-]+/.test(argument))) throw new UsageError(TOKEN_HINT);
  // Not `strict`, because its errors repeat the arguments.
  const { values, positionals } = parseArgs({
    args: given, strict: false, allowPositionals: true, options: { ...GENERAL, ...OPTIONS.status, ...OPTIONS.refresh, ...OPTIONS.gateway },
  });
  if (values.help === true) return { name: 'help', options: {} };
  if (values.version === true) return { name: 'version', options: {} };
  const [name, ...others] = positionals;
  if (name === undefined) throw new UsageError('a command is missing: status, refresh or gateway');
  if (!isCommand(name)) throw new UsageError(`the first argument is status, refresh or gateway; ${TOKEN_HINT}`);
  if (others.length) throw new UsageError(`${name} takes options only; ${TOKEN_HINT}`);
  for (const [option, value] of Object.entries(values)) checkOption(name, option, value);
  return { name, options: values as Options };
}

const isCommand = (name: string): name is Command => Object.hasOwn(OPTIONS, name);

function checkOption(command: Command, option: string, value: unknown) {
  const known: { [name: string]: { type: string } } = OPTIONS[command];
  const shown = /^[a-z][a-z-]{0,19}$/.test(option) ? `--${option}` : 'option';
  if (!Object.hasOwn(known, option)) throw new UsageError(`${command} has no ${shown}`);
  const texts = [value].flat();
  if (known[option]?.type === 'boolean') {
    if (value !== true) throw new UsageError(`${shown} takes no value`);
  } else if (texts.some((text) => typeof text !== 'string' || text === '' || text.startsWith('-'))) {
    throw new UsageError(`${shown} needs a value`);
  }
}
