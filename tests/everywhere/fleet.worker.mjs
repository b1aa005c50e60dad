// A process of the fleet of rows/9-fleets-faults.mjs: it carries out commands. Tokens are compared by their hashes.
import { createHash } from 'node:crypto';
import { createFleet } from './fleet.js';

const { REDIS_URL, BASE_URL, MAY_FORGET } = process.env;
const fleet = createFleet(REDIS_URL, { baseUrl: BASE_URL, storageMayForget: !!MAY_FORGET });
const sessions = [], heard = {};

const calls = {
  /** Waits until the store answers: its first connection may take longer than a session waits for it. */
  async reach() {
    for (let isAway = true; isAway;) {
      isAway = false;
      const session = fleet.session('nobody', null);
      session.addEventListener('storageerror', () => { isAway = true; });
      await session.accessToken().catch(() => {});
      session.dispose();
    }
  },
  open(tokens) {
    for (const [user, token] of tokens) {
      const session = fleet.session(user, token);
      for (const type of ['refreshed', 'expired', 'replaced', 'cleared', 'storageerror']) session.addEventListener(type, () => { heard[type] = (heard[type] ?? 0) + 1; });
      sessions.push(session);
    }
  },
  access: () => all((session) => session.accessToken()),
  refresh: () => all(async (session) => (await session.refresh()).accessToken),
  clear: () => all((session) => session.clear()),
  heard: () => heard,
};

/** Calls every session at once, and returns hashes, `done` or error codes. */
async function all(ask) {
  const answers = await Promise.allSettled(sessions.map(ask));
  return answers.map(({ value, reason }) => (reason ? reason.code ?? String(reason) : value ? createHash('sha256').update(value).digest('hex') : 'done'));
}

process.on('message', async ({ id, call, argument }) => process.send({ id, result: await calls[call](argument) }));
process.on('disconnect', () => process.exit());
