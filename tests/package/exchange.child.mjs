// Plays cases for exchange.test.mjs in a process of its own: its console is watched, and what nobody catches ends it.
import { inspect } from 'node:util';
import * as module from 'transak-user-token';
import * as cases from './exchange.cases.mjs';

const answer = {
  play: (name, world) => cases.play(name, world, module, inspect),
  works: (world) => cases.works(world, module),
};
process.on('message', async ([question, ...given]) => process.send(await answer[question](...given)));
process.send('ready');
