// The command line: `transak-user-token status | refresh | gateway`. It prints no token except the new one of
// `refresh`.
import { commandOf, HELP, UsageError } from './bin/arguments.js';
import { serveGateway } from './bin/gateway.js';
import { refresh } from './bin/refresh.js';
import { status } from './bin/status.js';
import { TransakTokenError } from './index.js';
import type { TransakTokenError as Failure } from './types/index.js';

/** The version in the manifest: the build writes it here. */
declare const VERSION: string;

const COMMANDS = { status, refresh, gateway: serveGateway };

// A reader that needs no more, such as `head`, closes the pipe. That is no failure, and nobody would read a message.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.stderr.write(`transak-user-token: standard output fails: ${error.code}\n`);
  process.exit(error.code === 'EPIPE' ? process.exitCode : 1);
});
process.stderr.on('error', () => {});

try {
  const { name, options } = commandOf(process.argv.slice(2));
  if (name === 'help') process.stdout.write(HELP);
  else if (name === 'version') process.stdout.write(`${VERSION}\n`);
  else await COMMANDS[name](options);
} catch (error) {
  if (!(error instanceof UsageError)) {
    // This is for example a Node without WebAssembly. Any other error is a fault of this package, and its stack helps to find it.
    if (!(error instanceof TransakTokenError)) throw error;
    process.stderr.write(`transak-user-token: ${(error as Failure).code}: ${(error as Failure).message}\n`);
    process.exit(1);
  }
  process.stderr.write(`transak-user-token: ${error.message}\nTry: transak-user-token --help\n`);
  process.exitCode = 2;
}
