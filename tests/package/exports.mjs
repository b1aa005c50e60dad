// The names of the wasm's exports: they are short in the package.
import { readFileSync } from 'node:fs';

const short = JSON.parse(readFileSync(new URL('exports.json', import.meta.url), 'utf8'));
const named = (build) => Object.fromEntries(Object.entries(short[build]).map(([name, letters]) => [letters, name]));
const core = named('core'), server = named('server');

/** Returns what the source calls an export of the build that refreshes. */
export const sourceName = (name) => core[name] ?? name;

/** Returns what the source calls an export of the route's build. */
export const serverName = (name) => server[name] ?? name;

/** Tells whether these are the exports of the build that refreshes. */
export const isCore = (exports) => short.core.refreshAccessToken in exports;

/** Tells whether these are the exports of the check's own build. */
export const isCheck = (exports) => 'checkToken' in exports;
