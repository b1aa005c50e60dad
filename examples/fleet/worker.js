// A process of the fleet: does what main.js tells it. Tokens are told apart by their hashes.
import { createHash } from 'node:crypto';
import { createFleet } from './fleet.js';

const { REDIS_URL, BASE_URL } = process.env;
// 200 users at once take some seconds on a slow machine: nobody is handed the old token meanwhile.
// And this Redis may keep nothing when it restarts; with persistence an empty entry is a logout, which needs no mark.
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

/** Asks every session at once, and returns hashes or error codes. */
async function all(ask) {
  const answers = await Promise.allSettled([...sessions.values()].map(ask));
  return answers.map(({ value, reason }) => (reason ? reason.code : createHash('sha256').update(value).digest('hex')));
}

process.on('message', async ({ id, call, argument }) => process.send({ id, result: await calls[call](argument) }));
process.on('disconnect', () => process.exit());
