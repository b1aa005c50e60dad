// Plays cases for exchange.test.mjs in a process of its own. Its console is watched, and an uncaught error ends it.
// Usage: node exchange.child.mjs [workers]   by the package, or by its entry for Workers
import { inspect } from 'node:util';
import * as cases from './exchange.cases.mjs';

const module = process.argv[2] ? (await import('./workers.mjs')).workers : await import('transak-user-token');

const answer = {
  play: (name, world) => cases.play(name, world, module, inspect),
  works: (world) => cases.works(world, module),
};
process.on('message', async ([question, ...given]) => process.send(await answer[question](...given)));
process.send('ready');
