// A token's life as a bar for a terminal. It uses only ASCII, because some terminals show nothing else.
import type { TokenTimes } from '../types/index.js';

/** Returns the bar and its labels: fresh is `=`, about to expire is `~`, and `#` is now. */
export function timeline({ issuedAt, refreshAt, expiresAt }: TokenTimes, now: number, columns: number): string[] {
  const width = Math.max(columns - 4, 30);
  // Without `iat` the fresh part is drawn as long as the other part.
  const begin = issuedAt ?? refreshAt - (expiresAt - refreshAt);
  const length = expiresAt - begin || 1;
  const at = (instant: number) => Math.round(Math.min(Math.max((instant - begin) / length, 0), 1) * (width - 1));
  const due = at(refreshAt), marker = at(now);
  const bar = Array.from({ length: width }, (_, column) => column === marker ? '#' : column < due ? '=' : '~').join('');
  return [`  ${labels(width, [['now', marker]])}`, ` [${bar}]`, `  ${labels(width, [['expires', width - 1], ['refresh', due - 1], ['issued', issuedAt === null ? -1 : 0]])}`];
}

/** Writes each text so that it ends at its column. Leaves out a text if there is no room for it. */
function labels(width: number, texts: [string, number][]) {
  const line = Array<string>(width).fill(' ');
  for (const [text, column] of texts) {
    if (column < 0) continue;
    const from = Math.max(column - text.length + 1, 0);
    if (line.slice(Math.max(from - 1, 0), from + text.length + 1).some((letter) => letter !== ' ')) continue;
    line.splice(from, text.length, ...text);
  }
  return line.join('').trimEnd();
}
