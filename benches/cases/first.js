// A page's script that has the package in it, as bundlers make it.
import { start } from './began.js';
import { tokenStatus } from 'transak-user-token';

const { state } = tokenStatus(location.hash.slice(1));
const took = performance.now() - start;
document.title = `outcome: ${JSON.stringify({ state, took })}`;
