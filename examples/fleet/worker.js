// A process of the fleet. It carries out the calls of main.js. main.js compares tokens by their hashes.
import { createHash } from 'node:crypto';
import { createFleet } from './fleet.js';

const { REDIS_URL, BASE_URL } = process.env;
// 200 users at once take some seconds on a slow machine. With this maxWaitMs no call gets the old token meanwhile.
// This Redis may lose its data when it restarts, so storageMayForget is true. With persistence, leave it out: then an empty entry
// is a logout.
const fleet = createFleet(REDIS_URL, { baseUrl: BASE_URL, maxWaitMs: 10_000, storageMayForget: true });
const sessions = new Map();
let storageErrors = 0;

const calls = {
  open(users) {
    for (const [user, token] of users) {
      const session = fleet.session(user, token);
      session.addEventListener('storageerror', () => storageErrors++);
      sessions.set(user, session);
    }
  },
  access: () => all((session) => session.accessToken()),
  refresh: () => all(async (session) => (await session.refresh()).accessToken),
  storageErrors: () => storageErrors,
};

/** Calls `ask` with every session at once, and returns hashes or error codes. */
async function all(ask) {
  const answers = await Promise.allSettled([...sessions.values()].map(ask));
  return answers.map(({ value, reason }) => (reason ? reason.code : createHash('sha256').update(value).digest('hex')));
}

process.on('message', async ({ id, call, argument }) => process.send({ id, result: await calls[call](argument) }));
process.on('disconnect', () => process.exit());
