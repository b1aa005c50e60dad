// The names of the wasm's exports: the package has short ones in place of the source's.
import { readFileSync } from 'node:fs';

const short = JSON.parse(readFileSync(new URL('exports.json', import.meta.url), 'utf8'));
const named = Object.fromEntries(Object.entries(short).map(([name, letter]) => [letter, name]));

/** Returns what the source calls an export. */
export const sourceName = (name) => named[name] ?? name;

/** Tells whether these are the exports that a check needs: the wasm comes in halves, of which that is the first. */
export const hasCheck = (exports) => short.check in exports;
