// Plays cases for exchange.test.mjs in a process of its own: its console is watched, and what nobody catches ends it.
// Usage: node exchange.child.mjs [workers | folder]   by the package, as Workers have it, or by what a plain `wasm-pack build` has left
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import * as cases from './exchange.cases.mjs';

const [, , way] = process.argv;
const module = way === 'workers' ? (await import('./workers.mjs')).workers : way ? await plain(way) : await import('transak-user-token');

/** Takes a plain build as its README says: initialised by hand. The class of its errors is a file beside it. */
async function plain(folder) {
  const load = (...path) => import(pathToFileURL(join(folder, ...path)));
  const [own] = await readdir(join(folder, 'snippets'));
  const built = await load('plain.js');
  built.initSync({ module: await readFile(join(folder, 'plain_bg.wasm')) });
  return { ...built, ...await load('snippets', own, 'src/js/error.js') };
}

const answer = {
  play: (name, world) => cases.play(name, world, module, inspect),
  works: (world) => cases.works(world, module),
};
process.on('message', async ([question, ...given]) => process.send(await answer[question](...given)));
process.send('ready');
