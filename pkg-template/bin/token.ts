// Reads the token from the environment, else from standard input. It does not read a token from the arguments, because every process of
// the machine can read those.

/** More bytes than the longest token has in UTF-8, with white space around it. A longer input is no token. */
const MOST_CHARACTERS = 65_536;

export async function readToken(): Promise<string> {
  const { TRANSAK_TOKEN: given } = process.env;
  if (given) return given;
  if (process.stdin.isTTY) process.stderr.write('Paste the token, then press Enter and Ctrl-D.\n');
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += chunk;
    if (text.length > MOST_CHARACTERS) break;
  }
  return text;
}

/** The exit codes that say what a token is; the same for every command. */
export const EXIT = { fresh: 0, expiring: 10, expired: 11, invalid: 12 };
