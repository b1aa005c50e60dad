// Four processes share 200 users' sessions through Redis: REDIS_URL=redis://127.0.0.1:6379 node main.js
import { createGateway } from 'transak-user-token/gateway';
import { startProcess } from './process.js';

const { REDIS_URL = 'redis://127.0.0.1:6379' } = process.env;
const gateway = createGateway({ revoke: true });
const { url, close } = await gateway.listen();
// The tokens are in the last of their 30 days, so the first call for each refreshes it.
const exp = Math.floor(Date.now() / 1000) + 86_400, iat = exp - 30 * 86_400;
const users = await Promise.all(Array.from({ length: 200 }, async (_, i) => [`user-${process.pid}-${i}`, await gateway.issue({ sub: `user-${i}`, iat, exp })]));
const processes = Array.from({ length: 4 }, () => startProcess({ REDIS_URL, BASE_URL: url }));
try {
  const all = (call, argument) => Promise.all(processes.map(({ ask }) => ask(call, argument)));
  let held;
  // All processes ask for the same 50 users at once. On a slow machine 200 users would take longer than a call waits.
  for (let from = 0; from < users.length; from += 50) {
    await all('open', users.slice(from, from + 50));
    held = await all('access');
  }
  const inStep = held.every((tokens) => tokens.join() === held[0].join());
  console.log(`${processes.length} processes, ${users.length} users: ${gateway.refreshes()} refreshes, ${inStep ? 'all in step' : 'out of step'}`);
} finally {
  await Promise.all(processes.map(({ end }) => end()));
  await close();
}
